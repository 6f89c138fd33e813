//! Has a gateway room for one circuit more? Its own figure, and that of one peering location.

use crate::model::ResourceId;
use crate::model::azure_limits::{CIRCUITS_OF_HUB, CIRCUITS_OF_ONE_LOCATION};
use crate::preflight::inquiry::{HUB_GATEWAYS, Inquiry, about, circuit_of, found};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule, worst_of_each};

/// The rules about room.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "HUB-CIRCUITS",
        severity: FindingSeverity::Block,
        fails_when: "The hub's gateway has eight circuits already.",
        reads: "gateway: expressRouteConnections",
        why: "Azure refuses a ninth, whatever the gateway's units.",
        fix: "Remove one of its connections in a step that this one needs.",
        source: "virtual WAN limits; virtual WAN, about ExpressRoute",
        judge: hub_circuits,
    },
    Rule {
        id: "GW-SKU-LOC4",
        severity: FindingSeverity::Block,
        fails_when: "The network or the hub has four circuits of one peering location already.",
        reads: "connections of the gateway; peeringLocation of their circuits",
        why: "Azure refuses a fifth.",
        fix: "Remove one of them.",
        source: "E-LIM; virtual WAN, about ExpressRoute",
        judge: same_location,
    },
];

/// The circuits that a gateway has apart from one connection.
fn others(then: &Inquiry<'_>, gateway: &ResourceId, own: &ResourceId) -> Vec<ResourceId> {
    let links = then.links_at(gateway).into_iter().filter(|(id, _)| id != own);
    links.filter_map(|(_, body)| circuit_of(body)).collect()
}

/// Of each gateway of a hub that is to be connected, whether it has all the circuits that it may have.
fn hub_circuits(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let planned = inquiry.planned_links().into_iter();
    let of_hubs = planned.filter(|own| own.gateway.is_a(HUB_GATEWAYS));
    let judged = of_hubs.map(|own| {
        // Of two that have no order each may come second.
        let then = inquiry.at_most(own.step);
        let count = others(&then, &own.gateway, own.id).len();
        let hit = (count >= CIRCUITS_OF_HUB)
            .then(|| format!("it has {count} of {CIRCUITS_OF_HUB} circuits by then"));
        about(&own.gateway, found(hit, then.every_link()))
    });
    worst_of_each(judged.collect())
}

/// Of each gateway that is to be connected, whether it has all the circuits of the circuit's location that it may have.
fn same_location(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for own in inquiry.planned_links() {
        let then = inquiry.at_most(own.step);
        let here = match then.place_of(own.circuit) {
            Ok(Some(here)) => here,
            Ok(None) => continue,
            Err(why) => {
                all.push(about(&own.gateway, FindingVerdict::Unknown(why)));
                continue;
            }
        };
        let (mut count, mut unread) = (0, Vec::new());
        for circuit in others(&then, &own.gateway, own.id) {
            match then.place_of(&circuit) {
                Ok(there) => count += usize::from(there == Some(here)),
                Err(why) => unread.push(why),
            }
        }
        let hit = (count >= CIRCUITS_OF_ONE_LOCATION)
            .then(|| format!("it has {count} circuits of {here} by then"));
        // Those of which nothing is known matter where they could make it full.
        let unread = unread.split_first().map(|(first, rest)| (rest.len() + 1, first.clone()));
        let enough = unread.filter(|(more, _)| count + more >= CIRCUITS_OF_ONE_LOCATION);
        let everything = enough.map_or_else(|| then.every_link(), |(_, why)| Err(why));
        all.push(about(&own.gateway, found(hit, everything)));
    }
    worst_of_each(all)
}
