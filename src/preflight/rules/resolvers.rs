//! Is there anybody whom the machines of a network can ask for names?

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::arm::kind::CONNECTIONS;
use crate::arm::read::is;
use crate::arm::{ConnectionView, PeeringView, RouteTableView, SubnetView, VirtualNetworkView};
use crate::model::action::DnsServers;
use crate::model::{Action, ResourceId, Step};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{Inquiry, about, peerings_of, route_server, subnets_of, unless};
use crate::preflight::rule::{FindingSeverity, Judged, Rule};

/// The rule about DNS servers of networks.
pub(super) const DNS_SERVER: Rule = Rule {
    id: "DNS-SERVER",
    severity: FindingSeverity::Warn,
    fails_when: "A network is given a DNS server whose address no network that it reaches has, and nobody advertises.",
    reads: "address spaces of the network and of those around it, their route tables, what on-premises advertises",
    why: "Machines that ask nobody resolve nothing: they run, and find no other.",
    fix: "Write the address of a server that is reached from there, or let a step connect the network to where it is.",
    source: "N-PEER; judged by what is known of the networks alone",
    judge: unreached,
};

/// The networks around one, as the run leaves them; none where some of it is not known, or others decide what is reached:
/// a hub of a virtual WAN, a Route Server.
struct Around {
    /// It and its peers: a gateway in one of them carries it.
    near: BTreeSet<ResourceId>,
    /// And the peers of those: an appliance may forward to them.
    all: BTreeSet<ResourceId>,
}

fn peers(end: &Inquiry<'_>, vnet: &ResourceId) -> Option<BTreeSet<ResourceId>> {
    let body = match end.facts.resource(vnet) {
        Fact::Known(body) => body,
        Fact::Absent => return Some(BTreeSet::new()),
        Fact::Unknown(_) => return None,
    };
    let sides = peerings_of(Some(body));
    let is_open = sides.iter().any(|side| PeeringView::of(side).hub().is_some());
    if is_open || route_server(body).is_some() {
        return None;
    }
    Some(sides.iter().filter_map(|side| PeeringView::of(side).remote()).collect())
}

fn around(end: &Inquiry<'_>, vnet: &ResourceId) -> Option<Around> {
    let mut near = peers(end, vnet)?;
    near.insert(vnet.clone());
    let mut all = near.clone();
    for other in &near {
        all.extend(peers(end, other)?);
    }
    let is_known = |id: &&ResourceId| matches!(end.facts.resource(id), Fact::Unknown(_));
    if all.iter().any(|id| is_known(&id)) {
        return None;
    }
    Some(Around { near, all })
}

/// The steps that give networks DNS servers.
fn given<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, &'a DnsServers)> {
    inquiry.actions(|action| match action {
        Action::Dns(spec) => Some(spec),
        _ => None,
    })
}

/// The networks around, and the tables of the network itself.
pub(in crate::preflight) fn questions(end: &Inquiry<'_>) -> Vec<Question> {
    let mut asked = Vec::new();
    for (_, spec) in given(end) {
        let near = peers(end, &spec.id).unwrap_or_default();
        for other in near {
            asked
                .extend(peers(end, &other).unwrap_or_default().into_iter().map(Question::Resource));
            asked.push(Question::Resource(other));
        }
        let subnets = end.facts.body(&spec.id).map_or(&[][..], subnets_of).iter();
        let tables = subnets.filter_map(|subnet| SubnetView::of(subnet).route_table());
        asked.extend(tables.map(Question::Resource));
    }
    asked
}

/// An address of a network's own kind: what is outside is asked over the Internet.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(own) => own.is_private(),
        IpAddr::V6(own) => own.is_unique_local(),
    }
}

fn unreached(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let mut all = Vec::new();
    for (_, spec) in given(inquiry) {
        let lost: Option<Vec<bool>> =
            spec.servers.iter().map(|own| is_reached(&end, spec, *own)).collect();
        let Some(reached) = lost else { continue };
        let lost = spec.servers.iter().zip(reached).find(|(_, reached)| !reached);
        all.push(about(
            &spec.id,
            unless(lost.is_some(), || {
                let server = lost.map(|(server, _)| server.to_string()).unwrap_or_default();
                format!("{server} is in no network that it reaches, and nobody advertises it")
            }),
        ));
    }
    all
}

/// Whether a server is reached; none where that cannot be known.
fn is_reached(end: &Inquiry<'_>, spec: &DnsServers, server: IpAddr) -> Option<bool> {
    if !is_inside(server) {
        return Some(true);
    }
    let around = around(end, &spec.id)?;
    let bodies = around.all.iter().filter_map(|id| end.facts.body(id));
    let mut spaces = bodies.flat_map(|body| VirtualNetworkView::of(body).space());
    if spaces.any(|net| net.contains(&server)) {
        return Some(true);
    }
    // What an appliance does with it is its own.
    for subnet in end.facts.body(&spec.id).map_or(&[][..], subnets_of) {
        let Some(table) = SubnetView::of(subnet).route_table() else { continue };
        let routes = RouteTableView::of(end.facts.body(&table)?);
        let mut hops = routes.routes().filter(|route| route.hops_to("VirtualAppliance"));
        let takes = |to: &str| to.parse().is_ok_and(|net: ipnet::IpNet| net.contains(&server));
        if hops.any(|route| route.destination().is_some_and(takes)) {
            return None;
        }
    }
    let bodies = around.near.iter().filter_map(|id| end.facts.body(id));
    for gateway in bodies.flat_map(|body| end.gateways_in(body)) {
        if is_heard(end, &gateway, server)? {
            return Some(true);
        }
    }
    Some(false)
}

/// Whether on-premises advertises a server to a gateway; what is behind tunnels is not looked at.
fn is_heard(end: &Inquiry<'_>, gateway: &ResourceId, server: IpAddr) -> Option<bool> {
    let body = end.facts.body(gateway)?;
    if !is(body, "/properties/gatewayType", "ExpressRoute") {
        return None;
    }
    end.facts.inventory(gateway.subscription(), CONNECTIONS).ok()?;
    end.every_link().ok()?;
    let standing = end.links_of(gateway).into_iter();
    let standing = standing.filter_map(|(_, link)| ConnectionView::of(link).circuit());
    let planned = end.connections().into_iter().filter(|(_, spec)| spec.gateway == *gateway);
    let planned = planned.map(|(_, spec)| spec.circuit.clone());
    let mut heard = false;
    for circuit in standing.chain(planned) {
        heard |= end.heard(&circuit).ok()?.iter().any(|net| net.contains(&server));
    }
    Some(heard)
}
