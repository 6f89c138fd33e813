//! May a network be connected to a hub? It has one way out.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::Value;

use super::hubs::{REMOTE, connected, hubs_of, vnets};
use crate::arm::PeeringView;
use crate::model::action::{HubVnet, RemovalKind};
use crate::model::{ResourceId, Step};
use crate::preflight::inquiry::{Inquiry, about, id_at, known, peerings_of, route_server, text};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about networks that a hub is to have.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "HUB-VNET-FREE",
        severity: FindingSeverity::Block,
        fails_when: "A network that is to be connected to a hub has a gateway or a Route Server, uses a remote \
                     gateway, or is connected to another hub by then.",
        reads: "the network: GatewaySubnet, RouteServerSubnet, peerings; the networks of the WAN's hubs",
        why: "Azure refuses it: a network has one way out.",
        fix: "Take the gateway, the flag or the other connection away in a step that this one needs; a Route \
              Server before the run.",
        source: "virtual WAN FAQ",
        judge: free,
    },
    Rule {
        id: "HUB-IPV6",
        severity: FindingSeverity::Warn,
        fails_when: "A network with IPv6 prefixes is connected to a hub whose circuits are to carry it.",
        reads: "addressSpace of the networks that are connected to the hubs, as the run leaves them",
        why: "A virtual WAN carries no IPv6 over ExpressRoute, whatever the circuit's peering speaks: IPv4 recovers alone.",
        fix: "Accept it, or recover what is reached by IPv6 alone behind a gateway of its own network.",
        source: "azure-docs expressroute-howto-add-ipv6-portal.md (limitations)",
        judge: v6,
    },
];

/// The networks of hubs that have IPv6, which no hub carries.
fn v6(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let mut networks: BTreeSet<ResourceId> =
        vnets(inquiry).into_iter().map(|(_, spec)| spec.vnet.clone()).collect();
    // Hubs whose networks cannot be read are told by the rules about hubs.
    networks.extend(end.connected_hubs().into_iter().filter_map(|own| own.networks.ok()).flatten());
    end.each(&networks, |vnet, _| {
        let space = end.space(vnet)?;
        let prefix = space.iter().find(|net| matches!(net, IpNet::V6(_)));
        Some(match prefix {
            Some(prefix) => FindingVerdict::Failed(format!("it has {prefix}")),
            None => FindingVerdict::Passed,
        })
    })
}

/// What stands in the way of each network that is to be connected, if anything does.
fn free(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let judge = |step: &Step, spec: &HubVnet| -> Result<FindingVerdict, String> {
        let then = inquiry.at(step);
        let Some(body) = then.read(&spec.vnet)? else {
            return Ok(FindingVerdict::Failed("it is not there".to_owned()));
        };
        let hubs = hubs_of_wan(inquiry, spec);
        let hit = match occupied(&then, body).or_else(|| leads_away(inquiry, (step, body), &hubs)) {
            Some(why) => Some(why),
            None => connected_elsewhere(inquiry, (step, spec), &hubs)?,
        };
        Ok(hit.map_or(FindingVerdict::Passed, FindingVerdict::Failed))
    };
    vnets(inquiry)
        .into_iter()
        .map(|(step, spec)| about(&spec.vnet, known(judge(step, spec))))
        .collect()
}

/// The hubs of the virtual WAN that a network is to be of.
fn hubs_of_wan(inquiry: &Inquiry<'_>, spec: &HubVnet) -> BTreeSet<ResourceId> {
    let hub = spec.id.parent();
    let wan = hub.as_ref().and_then(|hub| inquiry.wan_of(hub));
    wan.iter().flat_map(|wan| hubs_of(inquiry, wan)).chain(hub).collect()
}

/// What stands in a network that no hub's has.
fn occupied(then: &Inquiry<'_>, network: &Value) -> Option<String> {
    if let Some(gateway) = then.gateways_in(network).first() {
        return Some(format!("{} stands in it", gateway.name()));
    }
    route_server(network).map(|server| format!("the Route Server {server} stands in it"))
}

/// The peering by which a network has a way out already.
fn leads_away(
    inquiry: &Inquiry<'_>,
    (step, network): (&Step, &Value),
    hubs: &BTreeSet<ResourceId>,
) -> Option<String> {
    // What a connection shows of itself in its network is judged by the connections.
    let is_known = |name: &str| {
        let left = inquiry.removals(RemovalKind::HubVnet).into_iter();
        let left = left.map(|(_, spec)| &spec.id).filter(|id| inquiry.removed_before(id, step));
        let left = left.filter_map(ResourceId::parent);
        left.chain(hubs.iter().cloned()).any(|hub| hub.name().eq_ignore_ascii_case(name))
    };
    peerings_of(Some(network)).iter().find_map(|side| {
        let view = PeeringView::of(side);
        match view.hub() {
            Some(name) => (!is_known(&name))
                .then(|| format!("it is connected to the hub {name} of another virtual WAN")),
            None => view.uses_gateway().then(|| {
                let name = text(side, "/name").unwrap_or("a peering");
                format!("{name} uses a remote gateway by then")
            }),
        }
    })
}

/// The hub that has a network by another connection, which no step before removes.
fn connected_elsewhere(
    inquiry: &Inquiry<'_>,
    (step, spec): (&Step, &HubVnet),
    hubs: &BTreeSet<ResourceId>,
) -> Result<Option<String>, String> {
    for hub in hubs {
        // One that is not there has nothing.
        if inquiry.read(hub)?.is_none() {
            continue;
        }
        for connection in connected(inquiry, hub)? {
            let id = id_at(connection, "/id");
            let same = id_at(connection, REMOTE).as_ref() == Some(&spec.vnet);
            let goes =
                id.as_ref().is_some_and(|id| *id == spec.id || inquiry.removed_before(id, step));
            if same && !goes {
                return Ok(Some(format!("it is connected to {} by then", hub.name())));
            }
        }
    }
    Ok(None)
}
