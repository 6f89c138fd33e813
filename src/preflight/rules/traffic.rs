//! Do route tables let traffic with on-premises through, both ways and through the same appliance?

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use crate::arm;
use crate::model::ResourceId;
use crate::model::coverage::{covered, is_default};
use crate::preflight::inquiry::{
    GATEWAY_SUBNET, Inquiry, VNETS, about, flag, is, overlap, own_gateway_subnet, subnet_prefixes,
    subnets_of, text,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about what route tables do to traffic with on-premises.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "UDR-DROP",
        severity: FindingSeverity::Warn,
        fails_when: "A route table drops traffic between a connected network and on-premises: by a route to \
                     nowhere, to the Internet or to the network itself, for all of a prefix or a part, or by keeping the gateway's routes away. Networks of hubs count.",
        reads: "tables of the networks' subnets and of the GatewaySubnet, as the run leaves them; what \
                on-premises advertises",
        why: "A route of a table goes before one that the gateway has learned, where it is as long.",
        fix: "Take the route out, or switch propagation on, in a step of the runbook.",
        source: "N-UDR",
        judge: dropped,
    },
    Rule {
        id: "UDR-PAST",
        severity: FindingSeverity::Warn,
        fails_when: "Traffic between a subnet and on-premises goes through an appliance one way and past it \
                     the other.",
        reads: "tables of the networks' subnets and of the GatewaySubnet, as the run leaves them; what \
                on-premises advertises",
        why: "A firewall that sees half of a conversation drops it.",
        fix: "Give the GatewaySubnet a route to the subnet by the appliance, or take the other one out.",
        source: "N-UDR",
        judge: |inquiry| all(inquiry, |ways| ways.past.clone()),
    },
];

/// What tables do to the traffic of one subnet with one prefix of on-premises.
#[derive(Default)]
struct Ways {
    dropped: Option<String>,
    past: Option<String>,
}

/// What a table says of a destination that the network itself, or the gateway, has a route for.
enum TableVerdict {
    /// Nothing that goes before it.
    Nothing,
    Dropped(String),
    Appliance(IpAddr),
}

/// What the longest route of a table says, where it is at least as long as the one that there is.
fn says(table: Option<(&ResourceId, &Value)>, to: &IpNet, length: u8) -> TableVerdict {
    let Some((id, body)) = table else { return TableVerdict::Nothing };
    let prefix = |route: &Value| -> Option<IpNet> {
        let net: IpNet = arm::RouteView::of(route).destination()?.parse().ok()?;
        (net.contains(to) && net.prefix_len() >= length).then_some(net)
    };
    let routes = arm::RouteTableView::of(body).bodies().iter();
    let best = routes
        .filter_map(|route| Some((prefix(route)?.prefix_len(), route)))
        .max_by_key(|(length, _)| *length);
    let Some((_, route)) = best else { return TableVerdict::Nothing };
    let by = format!("route {} of table {}", text(route, "/name").unwrap_or("?"), id.name());
    let hop = arm::RouteView::of(route);
    if hop.hops_to("VirtualAppliance") {
        return hop.hop_address().map_or_else(
            || TableVerdict::Dropped(format!("dropped by {by}: it names no appliance")),
            TableVerdict::Appliance,
        );
    }
    if hop.hops_to("None") {
        return TableVerdict::Dropped(format!("dropped by {by}"));
    }
    if hop.hops_to("Internet") {
        return TableVerdict::Dropped(format!("sent to the Internet by {by}"));
    }
    TableVerdict::Nothing
}

/// What a table does to a part of a destination that the gateway has a route for: the longest prefix wins, so that
/// routes inside of it drop what they are about. A route that keeps it in the network drops all of it as well.
fn part_dropped(
    end: &Inquiry<'_>,
    table: Option<(&ResourceId, &Value)>,
    to: &IpNet,
    heard: &[IpNet],
) -> Option<String> {
    let (id, body) = table?;
    // What keeps networks of Azure apart is no part of on-premises, however wide that is told.
    let networks = end.facts.bodies(VNETS);
    let azure: Vec<IpNet> =
        networks.flat_map(|(_, body)| arm::VirtualNetworkView::of(body).space()).collect();
    let routes = || arm::RouteTableView::of(body).routes();
    let net_of = |route: &arm::RouteView<'_>| route.destination()?.parse::<IpNet>().ok();
    let drops = |route: &arm::RouteView<'_>| ["None", "Internet"].iter().any(|k| route.hops_to(k));
    routes().find_map(|route| {
        let net = net_of(&route).filter(|net| to.contains(net))?;
        let local = route.hops_to("VnetLocal");
        let apart = azure.iter().any(|own| overlap(own, &net));
        if apart || !(local || (drops(&route) && net != *to)) {
            return None;
        }
        // What is longer still goes before it.
        let others = routes().filter(|own| !drops(own) && !own.hops_to("VnetLocal"));
        let longer: Vec<IpNet> = others
            .filter_map(|own| net_of(&own))
            .chain(heard.iter().copied())
            .filter(|own| net.contains(own) && *own != net)
            .collect();
        let by = format!("route {} of table {}", route.name().unwrap_or("?"), id.name());
        let how = if local { "kept in the network" } else { "dropped" };
        let what = if net == *to { to.to_string() } else { format!("{net}, a part of {to},") };
        (!covered(&net, &longer)).then(|| format!("what goes to {what} is {how} by {by}"))
    })
}

/// Judges each subnet behind each gateway that is connected, by every prefix of on-premises.
fn all(inquiry: &Inquiry<'_>, pick: impl Fn(&Ways) -> Option<String>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let mut judged = Vec::new();
    for (_, spec) in inquiry.connections() {
        let (Ok(heard), Some(hub)) = (inquiry.heard(&spec.circuit), end.vnet_of(&spec.gateway))
        else {
            let why = "the circuit's routes or the gateway's network cannot be read".to_owned();
            judged.push(about(&spec.gateway, FindingVerdict::Unknown(why)));
            continue;
        };
        for vnet in std::iter::once(hub.clone()).chain(end.spokes(&hub)) {
            judged.extend(
                end.each([&vnet], |_, body| behind(&end, Some(&hub), (&vnet, body), &heard, &pick)),
            );
        }
    }
    judged
}

/// What is dropped, behind gateways of networks and behind hubs: what a hub gives its networks comes as a gateway's
/// routes do (N-UDR).
fn dropped(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = all(inquiry, |ways| ways.dropped.clone());
    let end = inquiry.at_end();
    for hub in end.connected_hubs() {
        let known = inquiry.heard(hub.circuit).and_then(|heard| Ok((heard, hub.networks?)));
        match known {
            Ok((heard, networks)) => judged.extend(end.each(&networks, |vnet, body| {
                behind(&end, None, (vnet, body), &heard, |ways| ways.dropped.clone())
            })),
            Err(why) => judged.push(about(hub.circuit, FindingVerdict::Unknown(why))),
        }
    }
    judged
}

/// Judges each subnet of a network behind the gateway of another, or behind a hub, which has no tables of ours.
fn behind(
    end: &Inquiry<'_>,
    hub: Option<&ResourceId>,
    (vnet, body): (&ResourceId, &Value),
    heard: &[IpNet],
    pick: impl Fn(&Ways) -> Option<String>,
) -> Option<FindingVerdict> {
    for subnet in subnets_of(body) {
        match through(end, hub, (vnet, body), (subnet, heard)) {
            Ok(ways) => {
                if let Some(why) = pick(&ways) {
                    let name = text(subnet, "/name").unwrap_or("a subnet");
                    return Some(FindingVerdict::Failed(format!("{name}: {why}")));
                }
            }
            Err(why) => return Some(FindingVerdict::Unknown(why)),
        }
    }
    Some(FindingVerdict::Passed)
}

/// A subnet's route table: none where it has none, or the table is gone.
fn table_of<'i>(
    end: &Inquiry<'i>,
    subnet: &Value,
) -> Result<Option<(ResourceId, &'i Value)>, String> {
    let Some(id) = arm::SubnetView::of(subnet).route_table() else { return Ok(None) };
    Ok(end.read(&id)?.map(|body| (id, body)))
}

fn through(
    end: &Inquiry<'_>,
    hub: Option<&ResourceId>,
    (vnet, body): (&ResourceId, &Value),
    (subnet, heard): (&Value, &[IpNet]),
) -> Result<Ways, String> {
    let mut ways = Ways::default();
    let own = subnet_prefixes(subnet).into_iter().next();
    let Some(own) = own.filter(|_| !is(subnet, "/name", GATEWAY_SUBNET)) else { return Ok(ways) };
    let hub_body = hub.map_or(Ok(None), |hub| end.read(hub))?;
    let gateway = hub_body.and_then(own_gateway_subnet);
    let outward = table_of(end, subnet)?;
    let inward = gateway.map_or(Ok(None), |gateway| table_of(end, gateway))?;
    let there = match way_in(inward.as_ref(), body, &own) {
        TableVerdict::Dropped(why) => {
            ways.dropped = Some(format!("what comes for it is {why}"));
            return Ok(ways);
        }
        TableVerdict::Appliance(address) => Some(address),
        TableVerdict::Nothing => None,
    };
    let outward = outward.as_ref().map(|(id, body)| (id, *body));
    let off = "/properties/disableBgpRoutePropagation";
    let withheld = outward.filter(|(_, table)| flag(table, off));
    let part = |to| part_dropped(end, outward, to, heard);
    ways.dropped = heard.iter().filter(|to| !is_default(to)).find_map(part);
    if ways.dropped.is_some() {
        return Ok(ways);
    }
    for to in heard {
        let length = if withheld.is_some() { 0 } else { to.prefix_len() };
        match (says(outward, to, length), withheld) {
            (TableVerdict::Dropped(why), _) => {
                ways.dropped = Some(format!("what goes to {to} is {why}"));
                return Ok(ways);
            }
            (TableVerdict::Nothing, Some((table, _))) => {
                ways.dropped = Some(kept_away(table, to));
                return Ok(ways);
            }
            (TableVerdict::Appliance(back), _) if there != Some(back) => {
                ways.past = Some(format!(
                    "what goes to {to} passes the appliance {back}, and what comes from there goes past \
                     the appliance"
                ));
            }
            (TableVerdict::Nothing, None) if there.is_some() && Some(vnet) != hub => {
                let address = there.map(|there| there.to_string()).unwrap_or_default();
                ways.past = Some(format!(
                    "what comes from {to} passes the appliance {address}, and what goes there goes past \
                     the appliance"
                ));
            }
            (TableVerdict::Appliance(_) | TableVerdict::Nothing, _) => {}
        }
    }
    Ok(ways)
}

fn kept_away(table: &ResourceId, to: &IpNet) -> String {
    format!("table {} keeps the gateway's routes away, that to {to} too", table.name())
}

/// The way in: the network's own prefix is the route that there is.
fn way_in(inward: Option<&(ResourceId, &Value)>, body: &Value, own: &IpNet) -> TableVerdict {
    let space = arm::VirtualNetworkView::of(body).space();
    let length = space.iter().filter(|net| net.contains(own)).map(IpNet::prefix_len).max();
    let inward = inward.map(|(id, body)| (id, *body));
    says(inward, own, length.unwrap_or(0))
}
