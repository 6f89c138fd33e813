//! Do route tables let traffic with on-premises through, both ways and through the same appliance?

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::ControlFlow;

use ipnet::IpNet;
use serde_json::Value;

use crate::arm;
use crate::model::ResourceId;
use crate::model::coverage::{covered, is_default};
use crate::preflight::inquiry::{
    CIRCUITS, GATEWAY_SUBNET, HUB_GATEWAYS, Inquiry, VNETS, about, flag, found, is, known, overlap,
    own_gateway_subnet, peerings_of, subnet_named, subnet_prefixes, subnets_of, text,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about what route tables do to traffic with on-premises.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "UDR-DROP",
        severity: FindingSeverity::Warn,
        fails_when: "A route table drops traffic between on-premises and a network that the run brings there, or did not \
                     drop it before: by a route to nowhere, to the Internet, to the network itself or to an address that no \
                     network beside it has, for all of a prefix or a part, or by keeping the gateway's routes away. \
                     Networks of hubs and behind tunnels count.",
        reads: "tables of the networks' subnets and of the GatewaySubnet, as the run finds and leaves them; what \
                on-premises advertises over a circuit, and what is behind the device of a tunnel",
        why: "A route of a table goes before one that the gateway has learned, where it is as long.",
        fix: "Take the route out, lead it to an appliance of the target, or switch propagation on, in a step of the \
              runbook.",
        source: "N-UDR",
        judge: |inquiry| all(inquiry, BehindWhat::All, |ways| ways.dropped.clone()),
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
        judge: |inquiry| all(inquiry, BehindWhat::Circuits, |ways| ways.past.clone()),
    },
    Rule {
        id: "UDR-NVA-WAY",
        severity: FindingSeverity::Warn,
        fails_when: "A route table sends what goes to on-premises to an appliance in a network that no gateway and no hub \
                     carries there, when the run has ended.",
        reads: "tables of the subnets that the run gives something or brings to on-premises, and of the appliance's subnet; \
                the gateways of the appliance's network and of the one whose gateway it uses, and their connections",
        why: "The appliance has the packets and no way on for them: it sends them to the Internet, or drops them.",
        fix: "Let a step put the appliance's network behind a gateway (peering.ensure with use_remote_gateways), or lead the \
              route to an appliance that is. An appliance that has tunnels of its own needs none.",
        source: "N-UDR, N-PEER",
        judge: stranded,
    },
];

/// The subnets whose traffic with on-premises the run has to do with: those of networks that it brings there, and those to
/// which it gives something; each with its network.
fn subnets_judged(inquiry: &Inquiry<'_>, end: &Inquiry<'_>) -> BTreeSet<ResourceId> {
    let changed = inquiry.subnets_changed().into_iter().map(|(_, subnet)| subnet);
    let networks: BTreeSet<ResourceId> =
        inquiry.carried().iter().filter_map(|own| end.networks_on(own).ok()).flatten().collect();
    let of_networks = networks.iter().flat_map(|vnet| {
        let subnets = end.facts.body(vnet).map_or(&[][..], subnets_of).iter();
        subnets.filter_map(|own| vnet.child("subnets", text(own, "/name")?).ok())
    });
    let gateways = |own: &ResourceId| own.name().eq_ignore_ascii_case(GATEWAY_SUBNET);
    changed.chain(of_networks).filter(|own| !gateways(own)).collect()
}

/// What on-premises is known to have: told over the circuits that were asked, or behind the devices of tunnels.
fn known_on_premises(inquiry: &Inquiry<'_>) -> BTreeSet<IpNet> {
    let ways = [inquiry.carried(), inquiry.changed()].concat();
    let told = ways.iter().filter_map(|own| inquiry.told_by(&own.way.far).ok()).flatten();
    let circuits = inquiry.facts.bodies(CIRCUITS);
    let heard = circuits.filter_map(|(id, _)| inquiry.heard(id).ok()).flatten();
    told.chain(heard).filter(|net| !is_default(net)).collect()
}

/// Each subnet whose table sends traffic for on-premises to an appliance, by whether that has a way on.
fn stranded(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let told = known_on_premises(inquiry);
    let mut all = Vec::new();
    for subnet in subnets_judged(inquiry, &end) {
        let Some(vnet) = subnet.parent() else { continue };
        let body = end.facts.body(&vnet).and_then(|body| subnet_named(body, subnet.name()));
        let Some((id, table)) = body.and_then(|own| table_of(&end, own).ok().flatten()) else {
            continue;
        };
        let gateway = !end.ways_out(&vnet).is_empty() && !flag(table, PROPAGATION_OFF);
        let (mut any, mut hit) = (false, None);
        for to in &told {
            // What a gateway brings is as long as the prefix; without one, whatever route there is counts.
            let length = if gateway { to.prefix_len() } else { 0 };
            let TableVerdict::Appliance(hop) = says(Some((&id, table)), to, length) else {
                continue;
            };
            any = true;
            let places = end.subnets_with(&vnet, hop);
            let lost = places.iter().all(|(network, own)| !leads_on(&end, network, (own, hop), to));
            if let Some((network, _)) = places.first().filter(|_| lost) {
                let name = network.name();
                hit = hit.or_else(|| {
                    Some(format!(
                        "what goes to {to} passes the appliance {hop} of {name}, and nothing carries it from there"
                    ))
                });
            }
        }
        if any {
            let everything = if hit.is_some() { inquiry.every_link() } else { Ok(()) };
            let verdict = everything.map(|()| found(hit, Ok(())));
            all.push(about(&subnet, known(verdict)));
        }
    }
    all
}

/// Whether something leads from an appliance's network to on-premises, or may: a gateway, a hub of a virtual WAN, or the next
/// appliance.
fn leads_on(
    end: &Inquiry<'_>,
    network: &ResourceId,
    (subnet, hop): (&Value, IpAddr),
    to: &IpNet,
) -> bool {
    let hubs = || {
        let mut sides = peerings_of(end.facts.body(network)).iter();
        sides.any(|side| arm::PeeringView::of(side).hub().is_some())
    };
    let next = || match table_of(end, subnet) {
        Ok(Some((id, body))) => match says(Some((&id, body)), to, 0) {
            TableVerdict::Appliance(next) => next != hop,
            TableVerdict::Nothing | TableVerdict::Dropped(_) => false,
        },
        Ok(None) => false,
        // What its table says is not known.
        Err(_) => true,
    };
    !end.ways_out(network).is_empty() || hubs() || next()
}

const PROPAGATION_OFF: &str = "/properties/disableBgpRoutePropagation";

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

/// Judges each subnet of what is brought to on-premises, by every prefix of on-premises; and of networks that are there
/// already, what the run makes worse. What a hub gives its networks comes as a gateway's routes do (N-UDR).
fn all(
    inquiry: &Inquiry<'_>,
    behind_what: BehindWhat,
    pick: impl Fn(&Ways) -> Option<String>,
) -> Vec<Judged> {
    let end = inquiry.at_end();
    let mut judged = Vec::new();
    let brought = inquiry.carried().into_iter().map(|own| (own, false));
    let changed = inquiry.changed().into_iter().map(|own| (own, true));
    for (own, was_there) in brought.chain(changed) {
        let of_hub = own.way.gateway.is_a(HUB_GATEWAYS);
        let of_circuit = own.circuit().is_some() && !of_hub;
        if !of_circuit && matches!(behind_what, BehindWhat::Circuits) {
            continue;
        }
        let host = end.vnet_of(&own.way.gateway);
        let known =
            inquiry.told_by(&own.way.far).and_then(|told| Ok((told, end.networks_on(&own)?)));
        let (told, networks) = match known {
            Ok(known) => known,
            Err(why) => {
                let of = if of_hub { own.way.far.id() } else { &own.way.gateway };
                judged.push(about(of, FindingVerdict::Unknown(why)));
                continue;
            }
        };
        let before = was_there.then_some(inquiry);
        let way = TrafficWay { host: host.as_ref(), told: &told, before };
        judged.extend(end.each(&networks, |vnet, body| behind(&end, &way, (vnet, body), &pick)));
    }
    judged
}

/// What carries the networks that are judged.
#[derive(Clone, Copy)]
enum BehindWhat {
    /// Whatever does.
    All,
    /// Gateways of networks that are connected to circuits: a hub has no tables of ours.
    Circuits,
}

/// By what a subnet's traffic with on-premises is judged.
struct TrafficWay<'i, 'p> {
    /// The network of the gateway, where it is none of a hub.
    host: Option<&'i ResourceId>,
    /// The prefixes of on-premises.
    told: &'i [IpNet],
    /// The world before the run, where only what it makes worse counts.
    before: Option<&'i Inquiry<'p>>,
}

/// Judges each subnet of a network.
fn behind(
    end: &Inquiry<'_>,
    way: &TrafficWay<'_, '_>,
    (vnet, body): (&ResourceId, &Value),
    pick: impl Fn(&Ways) -> Option<String>,
) -> Option<FindingVerdict> {
    for subnet in subnets_of(body) {
        match through(end, way.host, (vnet, body), (subnet, way.told)) {
            Ok(ways) => {
                if let Some(why) = pick(&ways).filter(|_| !was_so(way, vnet, subnet, &pick)) {
                    let name = text(subnet, "/name").unwrap_or("a subnet");
                    return Some(FindingVerdict::Failed(format!("{name}: {why}")));
                }
            }
            Err(why) => return Some(FindingVerdict::Unknown(why)),
        }
    }
    Some(FindingVerdict::Passed)
}

/// Whether a subnet's traffic was no better off before the run.
fn was_so(
    way: &TrafficWay<'_, '_>,
    vnet: &ResourceId,
    subnet: &Value,
    pick: impl Fn(&Ways) -> Option<String>,
) -> bool {
    let Some(before) = way.before else { return false };
    let Some(body) = before.facts.body(vnet) else { return false };
    let own = text(subnet, "/name").and_then(|name| subnet_named(body, name));
    let ways = own.map(|own| through(before, way.host, (vnet, body), (own, way.told)));
    ways.and_then(Result::ok).is_some_and(|ways| pick(&ways).is_some())
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
        TableVerdict::Appliance(hop) if hub.is_some_and(|hub| is_nowhere(end, hub, hop)) => {
            ways.dropped = lost(end, (hub, gateway), inward.as_ref(), "comes for it", hop);
            return Ok(ways);
        }
        TableVerdict::Appliance(address) => Some(address),
        TableVerdict::Nothing => None,
    };
    let table = outward.as_ref().map(|(id, body)| (id, *body));
    let part = |to| part_dropped(end, table, to, heard);
    ways.dropped = heard.iter().filter(|to| !is_default(to)).find_map(part);
    if ways.dropped.is_none() {
        let out = Outward { end, hub, vnet, subnet, table: outward.as_ref(), there };
        // What drops one prefix is enough.
        let _ = heard.iter().find(|to| out.goes(to, &mut ways).is_break());
    }
    Ok(ways)
}

/// How a subnet's traffic leaves for on-premises.
struct Outward<'i, 'p> {
    end: &'i Inquiry<'p>,
    hub: Option<&'i ResourceId>,
    vnet: &'i ResourceId,
    subnet: &'i Value,
    /// The subnet's table.
    table: Option<&'i (ResourceId, &'p Value)>,
    /// The appliance by which traffic comes in.
    there: Option<IpAddr>,
}

impl Outward<'_, '_> {
    /// Tells what becomes of the traffic to one prefix; a break where it is dropped.
    fn goes(&self, to: &IpNet, ways: &mut Ways) -> ControlFlow<()> {
        let table = self.table.map(|(id, body)| (id, *body));
        let withheld = table.filter(|(_, table)| flag(table, PROPAGATION_OFF));
        let length = if withheld.is_some() { 0 } else { to.prefix_len() };
        match (says(table, to, length), withheld) {
            (TableVerdict::Dropped(why), _) => {
                ways.dropped = Some(format!("what goes to {to} is {why}"));
                return ControlFlow::Break(());
            }
            (TableVerdict::Nothing, Some((table, _))) => {
                ways.dropped = Some(kept_away(table, to));
                return ControlFlow::Break(());
            }
            (TableVerdict::Appliance(back), _) if is_nowhere(self.end, self.vnet, back) => {
                let place = (Some(self.vnet), Some(self.subnet));
                ways.dropped = lost(self.end, place, self.table, &format!("goes to {to}"), back);
                return ControlFlow::Break(());
            }
            (TableVerdict::Appliance(back), _) if self.there != Some(back) => {
                ways.past = Some(format!(
                    "what goes to {to} passes the appliance {back}, and what comes from there goes past \
                     the appliance"
                ));
            }
            (TableVerdict::Nothing, None)
                if self.there.is_some() && Some(self.vnet) != self.hub =>
            {
                let address = self.there.map(|there| there.to_string()).unwrap_or_default();
                ways.past = Some(format!(
                    "what comes from {to} passes the appliance {address}, and what goes there goes past \
                     the appliance"
                ));
            }
            (TableVerdict::Appliance(_) | TableVerdict::Nothing, _) => {}
        }
        ControlFlow::Continue(())
    }
}

/// Whether no appliance can have an address: neither a network nor those beside it have it, and all of them are known. A hub
/// of a virtual WAN has addresses that no network shows.
fn is_nowhere(end: &Inquiry<'_>, vnet: &ResourceId, hop: IpAddr) -> bool {
    let Some(body) = end.facts.body(vnet) else { return false };
    let mut sides = peerings_of(Some(body)).iter();
    if sides.any(|side| arm::PeeringView::of(side).hub().is_some()) {
        return false;
    }
    let has =
        |net: &ResourceId| end.space(net).unwrap_or_default().iter().any(|own| own.contains(&hop));
    let mut all = vec![vnet.clone()];
    all.extend(end.networks_beside(vnet, body));
    all.iter().all(|net| end.facts.stands(net).is_some() && !has(net))
}

/// That a table leads to an address which is nowhere. Of a table that the run puts there another rule says so.
fn lost(
    end: &Inquiry<'_>,
    (vnet, subnet): (Option<&ResourceId>, Option<&Value>),
    table: Option<&(ResourceId, &Value)>,
    what: &str,
    hop: IpAddr,
) -> Option<String> {
    let ((vnet, subnet), (table, _)) = (vnet.zip(subnet)?, table?);
    let name = text(subnet, "/name")?;
    let mut given = end.tables_given().into_iter();
    let is_told = given.any(|(own, planned)| {
        planned.id == *table && own.is_child_of(vnet) && own.name().eq_ignore_ascii_case(name)
    });
    (!is_told).then(|| {
        let (table, vnet) = (table.name(), vnet.name());
        format!("what {what} is dropped by table {table}: its next hop {hop} is in no network beside {vnet}")
    })
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
