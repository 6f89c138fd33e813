//! How does advice become what is to be done? Hub by hub, and what nobody can make is noted.

use ipnet::IpNet;

use super::advice::{Advice, CONTACT, TEAM};
use super::advise::default_rto;
use super::circuits::{place, reaches, wants_premium};
use super::error::InitError;
use super::estate::KnownEstate;
use super::follows;
use super::hub_pair::HubBuilder;
use super::locks;
use super::names;
use super::others;
use super::sessions;
use super::strategy::Strategy;
use super::tables;
use super::todo::Todo;
use super::tunnels;
use super::unread;
use super::wan;
use crate::model::{Region, ResourceId};

use super::draft::Draft;

/// Drafts the failover that was advised.
///
/// # Errors
/// The estate lacks something that cannot even be planned.
pub fn draft(estate: &KnownEstate, advice: &Advice) -> Result<Draft, InitError> {
    let chosen = &advice.chosen;
    let mut draft = Draft {
        strategy: advice.strategy,
        source: advice.source.clone(),
        target: advice.target.clone(),
        team: chosen.or("team", TEAM).to_owned(),
        contact: chosen.or("contact", CONTACT).to_owned(),
        rto: chosen.or("rto", default_rto(advice.strategy)).to_owned(),
        weight: weight(chosen.get("weight"))?,
        kept: advice.kept,
        hubs: Vec::new(),
        plans: Vec::new(),
        wan: None,
        test: None,
        moved: Vec::new(),
        revocable: false,
        tags: others::tags(estate, advice),
        estate: estate.world.clone(),
        locks: Vec::new(),
        records: Vec::new(),
        endpoints: Vec::new(),
        guards: Vec::new(),
        todo: Todo::default(),
    };
    crate::model::time::parse_duration(&draft.rto)
        .map_err(|error| InitError::new(format!("--param rto={}: {error}.", draft.rto)))?;
    draft.plans = others::plans(estate, advice.source.as_ref(), &mut draft.todo);
    match advice.strategy {
        Strategy::VwanDrCircuit => draft.wan = Some(wan::draft(estate, advice, &mut draft.todo)?),
        Strategy::SiteRecoveryTest => {
            draft.test = Some(others::test(estate, &advice.pairs, &advice.target)?);
        }
        Strategy::DrCircuitPrepared
        | Strategy::DrCircuit
        | Strategy::TwoCircuitsOneLocation
        | Strategy::SameCircuit
        | Strategy::SameCircuitSwap
        | Strategy::VpnLastPath
        | Strategy::OnpremToAzure => {
            if advice.strategy == Strategy::OnpremToAzure {
                draft.moved = others::moved(estate, &advice.target);
            }
            hubs(estate, advice, &mut draft)?;
        }
    }
    unread::refuse(advice, &draft)?;
    draft.revocable = others::revocable(estate, &draft);
    sessions::look(estate, &mut draft);
    locks::look(&estate.locks, &mut draft);
    draft.locks = estate.locks.clone();
    draft.locks.retain(|own| !draft.todo.lifted.contains(own));
    others::look_around(estate, advice, &mut draft);
    follows::look(estate, advice, &mut draft);
    Ok(draft)
}

fn weight(said: Option<&str>) -> Result<u64, InitError> {
    let Some(said) = said else { return Ok(100) };
    said.parse().ok().filter(|weight| *weight <= 32_000).ok_or_else(|| {
        InitError::new(format!("--param weight={said} is no number from 0 to 32000."))
    })
}

fn hubs(estate: &KnownEstate, advice: &Advice, draft: &mut Draft) -> Result<(), InitError> {
    if advice.pairs.hubs.is_empty() {
        return Err(InitError::new(
            "The source region has no hub: no network there has a gateway or lends one.",
        )
        .hint("Capture the subscription of the hub as well: --subscription may be repeated."));
    }
    let names: Vec<String> =
        advice.pairs.hubs.iter().map(|own| own.hub.target.id.name().to_owned()).collect();
    let several = names.len() > 1;
    let keys = names::keys(&names);
    for (pair, key) in advice.pairs.hubs.iter().zip(keys) {
        let suffix = if several { format!("_{key}") } else { String::new() };
        let mut builder = HubBuilder { estate, advice, todo: &mut draft.todo, suffix };
        let mut hub = builder.build(pair, draft.weight)?;
        if advice.strategy == Strategy::VpnLastPath {
            hub.tunnels = Some(tunnels::draft(estate, advice, pair, &hub.suffix, &mut draft.todo));
        }
        if !draft.moved.is_empty() {
            let still = |own: &IpNet| !draft.moved.iter().any(|moved| moved.contains(own));
            hub.onprem.retain(still);
            hub.links.iter_mut().for_each(|link| link.onprem.retain(still));
        }
        draft.hubs.push(hub);
    }
    tables::once(estate, &mut draft.hubs);
    let mut circuits: Vec<&ResourceId> =
        draft.hubs.iter().flat_map(|hub| hub.links.iter().map(|link| &link.circuit)).collect();
    circuits.sort();
    circuits.dedup();
    let target = &advice.target;
    let short: Vec<ResourceId> = circuits
        .into_iter()
        .filter(|own| estate.circuit(own).is_some_and(|own| wants_premium(own, target)))
        .cloned()
        .collect();
    for id in short {
        premium(estate, &id, target, &mut draft.todo);
    }
    Ok(())
}

/// A circuit whose tier does not reach: raised beforehand, since that day nobody may be able to.
fn premium(estate: &KnownEstate, id: &ResourceId, target: &Region, todo: &mut Todo) {
    let Some(circuit) = estate.circuit(id) else { return };
    let why = reaches(circuit, target).err().unwrap_or_default();
    todo.lack(
        format!("{why} (it is at {}). Raising it takes minutes and no downtime.", place(circuit)),
        vec![format!("az network express-route update --ids {id} --sku-tier Premium")],
    );
    if let Some(body) = todo.changed(estate, id) {
        let family = body["sku"]["family"].as_str().unwrap_or("MeteredData").to_owned();
        body["sku"] = serde_json::json!({
            "name": format!("Premium_{family}"), "tier": "Premium", "family": family,
        });
    }
}
