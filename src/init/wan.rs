//! What of a virtual WAN? Its hubs, what is connected to them, and the way to the circuit of the target's hub.

use ipnet::IpNet;
use serde_json::Value;

use super::advice::{Advice, Fitness};
use super::blocks::{free_anywhere, moved};
use super::circuits::{goes_down_with, place, reaches, spare, why_not};
use super::draft::{Draft, WanDraft};
use super::error::InitError;
use super::estate::{EstateNetwork, KnownEstate, overlap};
use super::hub_links::key_for;
use super::hub_pair::fresh;
use super::names::{Renaming, keys};
use super::pairs::{self, Counterpart};
use super::todo::Todo;
use crate::arm::{kind, read};
use crate::model::{Region, ResourceId};

fn hubs(estate: &KnownEstate) -> impl Iterator<Item = (&ResourceId, &Value)> {
    estate.of_kind(kind::VIRTUAL_HUBS)
}

/// Regions that have a hub.
pub(super) fn regions(estate: &KnownEstate) -> Vec<&Region> {
    // A region of a hub is one of its networks too, or of nothing that could fail over.
    let all: Vec<Region> = hubs(estate).filter_map(|(_, body)| read::region(body)).collect();
    estate.networks.iter().map(|own| &own.region).filter(|own| all.contains(own)).collect()
}

/// Regions with a hub that is connected to a circuit.
pub(super) fn connected_regions(estate: &KnownEstate) -> Vec<&Region> {
    let all: Vec<Region> = hubs(estate)
        .filter(|(id, _)| {
            gateway_of(estate, id).is_some_and(|gateway| !links(estate, gateway).is_empty())
        })
        .filter_map(|(_, body)| read::region(body))
        .collect();
    estate.networks.iter().map(|own| &own.region).filter(|own| all.contains(own)).collect()
}

fn hub_in<'e>(estate: &'e KnownEstate, region: &Region) -> Option<(&'e ResourceId, &'e Value)> {
    let own = |connected: bool| {
        hubs(estate).find(|(id, body)| {
            read::region(body).as_ref() == Some(region)
                && (!connected
                    || gateway_of(estate, id).is_some_and(|own| !links(estate, own).is_empty()))
        })
    };
    own(true).or_else(|| own(false))
}

fn gateway_of<'e>(estate: &'e KnownEstate, hub: &ResourceId) -> Option<&'e ResourceId> {
    estate
        .of_kind(kind::HUB_GATEWAYS)
        .find(|(_, body)| read::id_at(body, "/properties/virtualHub/id").as_ref() == Some(hub))
        .map(|(id, _)| id)
}

/// The circuits that a hub's gateway is connected to: circuit, name and weight of the connection.
fn links(estate: &KnownEstate, gateway: &ResourceId) -> Vec<(ResourceId, String, u64)> {
    let inside = estate
        .bodies
        .get(gateway)
        .map_or(&[][..], |body| read::list(body, "/properties/expressRouteConnections"));
    let apart = estate
        .of_kind(kind::HUB_CONNECTIONS)
        .filter(|(id, _)| id.parent().as_ref() == Some(gateway))
        .map(|(_, body)| body);
    let mut all = Vec::new();
    for body in inside.iter().chain(apart) {
        let peering = read::id_at(body, "/properties/expressRouteCircuitPeering/id");
        let circuit = peering.and_then(|peering| peering.parent());
        let weight = read::number(body, "/properties/routingWeight").unwrap_or(0);
        if let (Some(circuit), Some(name)) = (circuit, read::name(body)) {
            all.push((circuit, name.to_owned(), weight));
        }
    }
    all.sort();
    all.dedup();
    all
}

/// The circuits that the hub of a region uses.
pub(super) fn used_circuits(estate: &KnownEstate, source: Option<&Region>) -> Vec<ResourceId> {
    let Some((hub, _)) = source.and_then(|own| hub_in(estate, own)) else { return Vec::new() };
    let gateway = gateway_of(estate, hub);
    gateway.map(|own| links(estate, own)).unwrap_or_default().into_iter().map(|own| own.0).collect()
}

/// The networks that are connected to a hub, or to any.
fn connected<'e>(estate: &'e KnownEstate, hub: Option<&ResourceId>) -> Vec<&'e EstateNetwork> {
    estate
        .of_kind(kind::HUB_VNETS)
        .filter(|(id, _)| hub.is_none() || id.parent().as_ref() == hub)
        .filter_map(|(_, body)| read::id_at(body, "/properties/remoteVirtualNetwork/id"))
        .filter_map(|id| estate.network(&id))
        .collect()
}

/// The networks that are connected to the hub of a region.
pub(super) fn networks<'e>(
    estate: &'e KnownEstate,
    region: Option<&Region>,
) -> Vec<&'e EstateNetwork> {
    let hub = region.and_then(|own| hub_in(estate, own));
    hub.map(|(id, _)| connected(estate, Some(id))).unwrap_or_default()
}

pub(super) fn fit(
    estate: &KnownEstate,
    source: Option<&Region>,
    target: &Region,
    used: &[ResourceId],
) -> Fitness {
    let Some((hub, _)) = source.and_then(|own| hub_in(estate, own)) else {
        return Err(vec!["The source has no hub of a virtual WAN.".to_owned()]);
    };
    if connected(estate, Some(hub)).is_empty() {
        return Err(vec![format!("No network is connected to {}.", hub.name())]);
    }
    let there = hub_in(estate, target).and_then(|(id, _)| gateway_of(estate, id));
    let stands = there.map(|own| links(estate, own)).unwrap_or_default().into_iter().next();
    if let Some((circuit, name, _)) = stands {
        let why = format!("{name} connects the target's hub with {}.", circuit.name());
        return Ok((vec![why], Some(circuit)));
    }
    let spare = spare(estate, used, target);
    // A virtual WAN takes no addresses twice: the source's own circuit can serve both hubs.
    let own = used.iter().filter_map(|id| estate.circuit(id));
    // One that can be written while the source is down goes before.
    let own = own.filter(|own| own.ready && reaches(own, target).is_ok());
    let own = own.min_by_key(|own| goes_down_with(estate, &own.id, source));
    if let (None, Some(own)) = (spare.first(), own) {
        let mut why = vec![format!(
            "No circuit is free; {} at {}, which the source uses, reaches the target as well, and serves both hubs where the \
             target's networks have other addresses.",
            own.id.name(),
            place(own)
        )];
        why.extend(why_not(estate, used, target));
        return Ok((why, Some(own.id.clone())));
    }
    match spare.first() {
        None => {
            let mut why = vec![
                "The networks are connected to a virtual WAN, and no circuit is free that reaches the target."
                    .to_owned(),
            ];
            why.extend(why_not(estate, used, target));
            Err(why)
        }
        Some(own) => Ok((
            vec![format!(
                "The networks are connected to {}; {} at {} is free and reaches the target.",
                hub.name(),
                own.id.name(),
                place(own)
            )],
            Some(own.id.clone()),
        )),
    }
}

pub(super) fn draft(
    estate: &KnownEstate,
    advice: &Advice,
    todo: &mut Todo,
) -> Result<WanDraft, InitError> {
    let source = advice.source.as_ref().ok_or_else(|| missing("source"))?;
    let (source_hub, source_body) = hub_in(estate, source).ok_or_else(|| missing("source hub"))?;
    let wan = read::id_at(source_body, "/properties/virtualWan/id").ok_or_else(|| missing("id"))?;
    let circuit = advice.circuit.clone().ok_or_else(|| missing("circuit"))?;
    let there = hub_in(estate, &advice.target);
    let networks = connected(estate, Some(source_hub));
    let (mut matched, mut renaming) = counterparts(estate, advice, source, &networks);
    if let Some((id, _)) = there {
        renaming.learn_of(source_hub, id);
    }
    let all = give_addresses(estate, &mut matched, todo);
    let hub = match there {
        Some((id, _)) => id.clone(),
        None => {
            let beside = matched.first().map_or(source_hub, |own| &own.target.id);
            fresh(estate, beside, kind::VIRTUAL_HUBS, &renaming.name(source_hub.name()))?
        }
    };
    let prefix = hub_prefix(advice, there, &all)?;
    let source_gateway = gateway_of(estate, source_hub);
    let own_gateway = gateway_of(estate, &hub);
    let name = gateway_name(source_gateway, &renaming);
    let made = || fresh(estate, &hub, kind::HUB_GATEWAYS, &name);
    let gateway = own_gateway.cloned().map_or_else(made, Ok)?;
    let existing = links_of(estate, own_gateway).into_iter().find(|own| own.0 == circuit);
    let units = source_gateway.and_then(|own| estate.bodies.get(own)).map_or((1, 2), units_of);
    let key = format!("auth-{}", hub.name());
    let key = key_for(estate, Some(source), (&circuit, &gateway), key, todo);
    let azure = matched.iter().flat_map(|own| own.target.space.clone()).chain([prefix]).collect();
    let source_circuits = used_circuits(estate, Some(source));
    Ok(WanDraft {
        wan,
        hub_exists: there.is_some(),
        preference: there.map_or("expressroute", |(_, body)| preference(body)).to_owned(),
        hub,
        prefix,
        gateway_exists: own_gateway.is_some(),
        gateway,
        units,
        connected: existing.as_ref().map(|own| own.2),
        connection: existing.map_or_else(|| format!("con-{}", circuit.name()), |own| own.1),
        networks: connections(&matched),
        matched,
        onprem: v4(heard_or_all(estate, &circuit)),
        azure: v4(azure),
        source_hub: source_hub.clone(),
        source_onprem: v4(source_circuits.iter().flat_map(|own| estate.heard_by(own)).collect()),
        source_azure: v4(networks.iter().flat_map(|own| own.space.clone()).collect()),
        source_circuits,
        circuit,
        key,
        weight: advice.chosen.get("weight").and_then(|own| own.parse().ok()).unwrap_or(100),
        target: advice.target.clone(),
    })
}

/// Says that a connection of the source has FastPath, which the runbook does not take over.
pub(super) fn fast_path(estate: &KnownEstate, draft: &mut Draft) {
    let Some(wan) = draft.wan.as_ref().filter(|own| own.connected.is_none()) else { return };
    let source = gateway_of(estate, &wan.source_hub);
    let has = |gateway: &ResourceId| {
        let body = estate.bodies.get(gateway);
        let inside =
            body.map_or(&[][..], |body| read::list(body, "/properties/expressRouteConnections"));
        let apart = estate
            .of_kind(kind::HUB_CONNECTIONS)
            .filter(|(id, _)| id.parent().as_ref() == Some(gateway))
            .map(|(_, body)| body);
        inside
            .iter()
            .chain(apart)
            .any(|own| read::flag(own, "/properties/expressRouteGatewayBypass"))
    };
    if source.is_some_and(has) {
        draft.todo.decide(
            "The source's hub is connected with FastPath, and the runbook makes the target's connection without it: \
             where latency or throughput count on it, write `fast_path: true` at the step `connection`.",
        );
    }
}

fn missing(what: &str) -> InitError {
    InitError::new(format!("The virtual WAN has no {what}."))
}

fn gateway_name(source: Option<&ResourceId>, renaming: &Renaming) -> String {
    renaming.name(source.map_or("ergw", |own| own.name()))
}

fn links_of(estate: &KnownEstate, gateway: Option<&ResourceId>) -> Vec<(ResourceId, String, u64)> {
    gateway.map(|own| links(estate, own)).unwrap_or_default()
}

/// A virtual WAN takes no addresses twice: networks to be made are given others. All that are taken then.
fn give_addresses(
    estate: &KnownEstate,
    matched: &mut [Counterpart],
    todo: &mut Todo,
) -> Vec<IpNet> {
    let mut all: Vec<IpNet> = estate.networks.iter().flat_map(|own| own.space.clone()).collect();
    all.extend(estate.all_sites());
    all.extend(
        hubs(estate).filter_map(|(_, body)| read::prefix(body, "/properties/addressPrefix")),
    );
    for own in matched {
        let Some(network) = own.source.clone() else { continue };
        if own.planned {
            let mut new = Vec::new();
            for prefix in &network.space {
                let block = free_anywhere(&all, prefix.prefix_len());
                let block = block.and_then(|own| IpNet::new(own.addr(), prefix.prefix_len()).ok());
                if let Some(block) = block {
                    all.push(block);
                    new.push(block);
                }
            }
            for subnet in &mut own.target.subnets {
                let parts = subnet.prefixes.iter();
                subnet.prefixes =
                    parts.filter_map(|part| moved(part, &network.space, &new)).collect();
            }
            own.target.space = new;
            todo.plan_network(estate, &own.target);
        } else if overlap(&network.space, &own.target.space) {
            todo.decide(format!(
                "{} has the addresses of {}, and a virtual WAN takes none twice: give it others.",
                own.target.id.name(),
                network.id.name()
            ));
        }
    }
    all
}

/// The addresses of the target's hub: its own, or free ones.
fn hub_prefix(
    advice: &Advice,
    there: Option<(&ResourceId, &Value)>,
    all: &[IpNet],
) -> Result<IpNet, InitError> {
    match (there, advice.chosen.get("hub_prefix")) {
        (Some((_, body)), _) => read::prefix(body, "/properties/addressPrefix"),
        (None, Some(said)) => said.parse().ok(),
        (None, None) => free_anywhere(all, 23).and_then(|own| IpNet::new(own.addr(), 23).ok()),
    }
    .ok_or_else(|| missing("addresses for a hub; say --param hub_prefix=…"))
}

/// Between how many units a gateway of a hub scales.
fn units_of(gateway: &Value) -> (u64, u64) {
    let bound = |end: &str| {
        read::number(gateway, &format!("/properties/autoScaleConfiguration/bounds/{end}"))
    };
    (bound("min").unwrap_or(1).max(1), bound("max").unwrap_or(2).max(1))
}

/// The networks of the target, each with its key and the name of its connection.
fn connections(matched: &[Counterpart]) -> Vec<(String, ResourceId, String)> {
    let names: Vec<String> = matched.iter().map(|own| own.target.id.name().to_owned()).collect();
    matched
        .iter()
        .zip(keys(&names))
        .map(|(own, key)| {
            let name = format!("con-{}", own.target.id.name());
            (key, own.target.id.clone(), name)
        })
        .collect()
}

/// The networks of the source, each with what stands for it in the target.
fn counterparts(
    estate: &KnownEstate,
    advice: &Advice,
    source: &Region,
    networks: &[&EstateNetwork],
) -> (Vec<Counterpart>, Renaming) {
    let taken = connected(estate, None);
    let free: Vec<&EstateNetwork> = estate
        .networks
        .iter()
        .filter(|own| own.region == advice.target)
        .filter(|own| !taken.iter().any(|taken| taken.id == own.id))
        .collect();
    let said = advice.chosen.networks();
    pairs::among(estate, networks, (source, &advice.target), free, &said)
}

fn v4(mut all: Vec<IpNet>) -> Vec<IpNet> {
    all.retain(|own| matches!(own, IpNet::V4(_)));
    all
}

/// What on-premises tells a circuit; all that is known of any site where nothing is.
fn heard_or_all(estate: &KnownEstate, circuit: &ResourceId) -> Vec<IpNet> {
    let heard = estate.heard_by(circuit);
    if heard.is_empty() { estate.all_sites() } else { heard }
}

/// What a hub prefers, in the word of runbooks.
fn preference(hub: &Value) -> &'static str {
    let documented = ["ExpressRoute", "VpnGateway", "ASPath"];
    match read::word(hub, "/properties/hubRoutingPreference", &documented) {
        Some("ASPath") => "as_path",
        Some("VpnGateway") => "vpn",
        _ => "expressroute",
    }
}
