//! Which answer of a person does nothing? What was said and decides nothing is a mistake of theirs, or of ours.

use super::advice::Advice;
use super::draft::Draft;
use super::error::InitError;
use super::pairs::{Counterpart, PairedBy};
use super::strategy::Strategy;

/// Refuses what was said and has no effect on what is written.
///
/// # Errors
/// A parameter that nothing reads, in this estate and with this strategy.
pub(super) fn refuse(advice: &Advice, draft: &Draft) -> Result<(), InitError> {
    for (key, value) in advice.chosen.all() {
        let Some(why) = idle(advice, draft, key) else { continue };
        return Err(InitError::new(format!("--param {key}={value} has no effect: {why}."))
            .hint(format!("The strategy is {}. Leave the parameter out.", draft.strategy.name())));
    }
    Ok(())
}

/// Why a parameter does nothing; none where it does.
fn idle(advice: &Advice, draft: &Draft, key: &str) -> Option<String> {
    let mut links = draft.hubs.iter().flat_map(|hub| &hub.links);
    let (reads, why) = match key {
        "circuit" | "weight" => {
            let connected = draft.wan.is_some() || links.next().is_some();
            (connected, "nothing is connected with a circuit")
        }
        "gateway_sku" => {
            let made = |hub: &super::draft::DraftHub| !hub.gateway.exists && hub.tunnels.is_none();
            (draft.hubs.iter().any(made), "no ExpressRoute gateway of a network is made")
        }
        "gateway_subnet" => {
            let made = draft.hubs.iter().any(|hub| hub.gateway.subnet.is_some());
            (made, "no GatewaySubnet is made")
        }
        "hub_prefix" => {
            let made = draft.wan.as_ref().is_some_and(|own| !own.hub_exists);
            (made, "no hub of a virtual WAN is made")
        }
        "hub" => {
            let site = draft.strategy == Strategy::OnpremToAzure;
            (site, "the hub stands for one of the source, which network.NAME=NAME says")
        }
        _ => {
            let source = key.strip_prefix("network.")?;
            let why = format!(
                "no network {source} of the source fails over with this strategy, or what it names stands for another"
            );
            return (!is_paired(advice, draft, source)).then_some(why);
        }
    };
    (!reads).then(|| why.to_owned())
}

/// Whether the network of the source has the counterpart that somebody named.
fn is_paired(advice: &Advice, draft: &Draft, source: &str) -> bool {
    let of_hubs =
        advice.pairs.hubs.iter().flat_map(|hub| std::iter::once(&hub.hub).chain(&hub.spokes));
    let mut of_hubs = of_hubs.filter(|_| !draft.hubs.is_empty());
    let mut of_wan = draft.wan.iter().flat_map(|own| &own.matched);
    let is_it = |own: &Counterpart| {
        own.because == PairedBy::Named
            && own.source.as_ref().is_some_and(|own| own.id.name().eq_ignore_ascii_case(source))
    };
    of_hubs.any(is_it) || of_wan.any(is_it)
}
