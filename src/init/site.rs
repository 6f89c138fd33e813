//! Which network answers for a site that is lost? The hub of the region that takes over, and its spokes.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::advice::Advice;
use super::draft::{Draft, DraftHub};
use super::error::InitError;
use super::estate::{EstateNetwork, KnownEstate, overlap};
use super::names::Renaming;
use super::pairs::{Counterpart, HubMatch, PairedBy, Pairs, bonus};
use super::strategy::Strategy;
use super::text::{StepText, expr};
use super::todo::Todo;
use crate::model::{Region, ResourceId};

/// The hub and spokes of a region that nothing fails over from: an on-premises site does. `moved` is what on-premises
/// tells that a network there has, `said` the network that somebody named as the hub.
///
/// # Errors
/// The network that was named is not there.
pub(super) fn alone(
    estate: &KnownEstate,
    target: &Region,
    moved: &[IpNet],
    said: Option<&str>,
) -> Result<Pairs, InitError> {
    let there: Vec<&EstateNetwork> =
        estate.networks.iter().filter(|n| n.region == *target).collect();
    let chosen = match said {
        Some(said) => Some((named(&there, target, said)?, PairedBy::Named)),
        None => likeliest(estate, &there, moved),
    };
    let Some((hub, because)) = chosen else { return Ok(Pairs::default()) };
    let as_it_is = |network: &EstateNetwork, because| Counterpart {
        source: None,
        target: network.clone(),
        planned: false,
        because,
        rivals: Vec::new(),
        name_taken: None,
    };
    // What has a gateway of its own, of either kind, or uses one of another network is somebody else's.
    let is_free = |own: &EstateNetwork| {
        !estate.has_gateway(&own.id)
            && !own.peerings.iter().any(|side| side.uses && side.remote != hub.id)
    };
    let spokes = there.iter().filter(|own| own.id != hub.id && is_free(own));
    let spokes = spokes.map(|own| as_it_is(own, PairedBy::HubByGateway)).collect();
    let hubs = vec![HubMatch { hub: as_it_is(hub, because), spokes }];
    let renaming = Renaming::between("", target.as_str());
    Ok(Pairs { hubs, renaming, left_out: Vec::new() })
}

fn named<'e>(
    there: &[&'e EstateNetwork],
    target: &Region,
    said: &str,
) -> Result<&'e EstateNetwork, InitError> {
    let is_it = |own: &&&EstateNetwork| {
        own.id.name().eq_ignore_ascii_case(said) || own.id.as_str().eq_ignore_ascii_case(said)
    };
    there.iter().find(is_it).copied().ok_or_else(|| {
        let all: Vec<&str> = there.iter().map(|own| own.id.name()).collect();
        InitError::new(format!("--param hub={said} names a network that is not there."))
            .hint(format!("{} has {}.", target.as_str(), all.join(", ")))
    })
}

/// The network with an ExpressRoute gateway, else the one that leads to those that the machines moved into, else one that
/// lends a gateway; the network of the moved machines itself is a spoke, unless it lends or nothing else is there.
fn likeliest<'e>(
    estate: &KnownEstate,
    there: &[&'e EstateNetwork],
    moved: &[IpNet],
) -> Option<(&'e EstateNetwork, PairedBy)> {
    let has_moved = |own: &EstateNetwork| overlap(&own.space, moved);
    let lends = |own: &EstateNetwork| own.peerings.iter().any(|side| side.lends);
    let leads = |own: &EstateNetwork| {
        let far = |remote: &ResourceId| {
            there.iter().any(|other| other.id == *remote && has_moved(other) && !lends(other))
        };
        !has_moved(own) && own.peerings.iter().any(|side| !side.uses && far(&side.remote))
    };
    let connects = |own: &EstateNetwork| estate.gateway_in(&own.id).is_some();
    let hub = there.iter().copied().max_by_key(|own| {
        let likely = (!has_moved(own), bonus(estate, own));
        (connects(own), leads(own), lends(own), likely, own.id.clone())
    })?;
    let because = match (connects(hub), lends(hub)) {
        (true, _) => PairedBy::HubByGateway,
        (false, true) => PairedBy::HubLends,
        (false, false) => PairedBy::HubLikely,
    };
    Some((hub, because))
}

/// Whether the circuit carries the replication that leads home again is looked at, beside everything else.
pub(super) fn replication_path(draft: &Draft, steps: &mut Vec<StepText>) {
    if draft.strategy != Strategy::OnpremToAzure {
        return;
    }
    let mut seen = BTreeSet::new();
    let links = draft.hubs.iter().flat_map(|hub| &hub.links);
    let links = links.filter(|own| own.not_replicated.is_none());
    for link in links.filter(|own| seen.insert(&own.circuit)) {
        steps.push(
            StepText::new(
                &format!("replication_path{}", link.suffix),
                &format!("Microsoft peering of {} carries the replication", link.circuit.name()),
                "verify.microsoft_peering",
            )
            .needs(&[format!("circuit_ready{}", link.suffix)])
            .with("circuit", expr(&format!("params.circuit{}", link.suffix)))
            .is("timeout", "2m")
            // The failover does not need it: a lack of it is told and keeps nobody from their machines.
            .is("on_failure", "continue")
            .say(
                "why",
                "Replication cannot use private peering. The failover itself does not need it any more; failing \
                 back and protecting again do.",
            )
            .say(
                "looks_good",
                "MicrosoftPeering is Enabled, its prefixes are Configured, and it has a route filter.",
            ),
        );
    }
}

/// What a person should see of a site's failover: a hub that was guessed, a circuit that carries no replication.
pub(super) fn look(advice: &Advice, hubs: &[DraftHub], strategy: Strategy, todo: &mut Todo) {
    if strategy != Strategy::OnpremToAzure {
        return;
    }
    if let Some(guess) = guessed(&advice.pairs, &advice.target) {
        todo.decide(guess);
    }
    for link in hubs.iter().flat_map(|hub| &hub.links) {
        let Some(why) = &link.not_replicated else { continue };
        // Azure-facts 1.7: replication goes to public endpoints, and private peering leads to none.
        todo.decide(format!(
            "Replication cannot use private peering, and has no Microsoft peering to use on {}: {why}. The failover does \
             not need it; protecting the machines again and failing back do. See which way they are replicated.",
            link.circuit.name()
        ));
    }
}

fn guessed(pairs: &Pairs, target: &Region) -> Option<String> {
    let own = pairs.hubs.first()?;
    let others: Vec<&str> = own.spokes.iter().map(|own| own.target.id.name()).collect();
    let is_it = own.hub.because.is_guess() && !others.is_empty();
    is_it.then(|| {
        format!(
            "{} gets the gateway, and the other networks of {} become its spokes, because {}: see that it is the hub \
             (--param hub=NAME; there are {}).",
            own.hub.target.id.name(),
            target.as_str(),
            own.hub.because,
            others.join(", ")
        )
    })
}
