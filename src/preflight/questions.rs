//! What must be known for this plan? Questions from its steps, and from the answers so far.

use std::collections::BTreeSet;

use super::carried::Carried;
use super::facts::{Fact, Facts, Question};
use super::inquiry::{
    CIRCUITS, CONNECTIONS, HUB_GATEWAYS, Inquiry, NETWORK_MAPPINGS, VNETS, card_network, cards,
    circuit_of, gateway_subnet, own_gateway_subnet, peerings_of, recovery_items, route_server_id,
    subnets_of,
};
use super::rules::{
    appliances, arrivals, card_settings, firewall_hops, guards, hub_tables, hubs, limits,
    replication, resolvers, rights, secrets, sides, steering, tables,
};
use super::written::WrittenBody;
use crate::arm;
use crate::arm::CircuitPath;
use crate::arm::kind::{ALONE, LISTED_APART};
use crate::model::action::{RemovalKind, Steering, Verification, Vpn};
use crate::model::hub::HUB_TABLES;
use crate::model::recovery::RecoveryMove;
use crate::model::references::{Absence, missing};
use crate::model::{Action, Plan, ResourceId};

/// The two paths of a circuit.
const PATHS: [&str; 2] = CircuitPath::NAMES;

/// The questions; those that were answered already are among them.
#[must_use]
pub fn questions(plan: &Plan, facts: &Facts) -> BTreeSet<Question> {
    let now = Inquiry::new(plan, facts);
    // What the run leaves counts as well as what is there: both kinds of spokes are read.
    let end = now.at_end();
    let inquiry = &now;
    let mut asked = BTreeSet::new();
    for param in plan.parts().secrets.keys() {
        asked.insert(Question::Secret { param: param.clone() });
    }
    for step in plan.steps_to_run() {
        if let Action::Outside(own) = &step.action {
            let programs = own.programs().into_iter().map(str::to_owned);
            asked.extend(programs.map(|program| Question::Program { program }));
        }
    }
    let mut resource = |id: &ResourceId| {
        asked.insert(Question::Resource(id.clone()));
    };
    of_steps(plan, &mut resource);
    around_gateways(inquiry, facts, &mut resource);
    around_connections(inquiry, &end, facts, &mut resource);
    around_peerings(inquiry, facts, &mut resource);
    around_circuits(inquiry, facts, &mut resource);
    asked.extend(inquiry.around_ways());
    asked.extend(beside_absent(plan, facts));
    asked.extend(mappings(inquiry));
    asked.extend(appliances::questions(inquiry));
    asked.extend(firewall_hops::questions(inquiry));
    asked.extend(arrivals::questions(inquiry));
    asked.extend(card_settings::questions(inquiry));
    asked.extend(guards::questions(inquiry, &end));
    asked.extend(tables::questions(inquiry));
    asked.extend(sides::questions(inquiry));
    asked.extend(policies(inquiry));
    asked.extend(rights::questions(inquiry));
    asked.extend(plan.steps_to_run().filter_map(|step| limits::question(&step.action)));
    asked.extend(hubs::questions(inquiry));
    asked.extend(hub_tables::questions(inquiry));
    asked.extend(inquiry.maps_in_use().into_iter().map(|own| Question::Resource(own.map)));
    asked.extend(secrets::questions(inquiry));
    asked.extend(steering::questions(inquiry));
    asked.extend(resolvers::questions(&end));
    asked.extend(replication::questions(inquiry));
    asked.extend(around(inquiry));
    asked
}

/// What steps are about, what that is in, and what they read.
fn of_steps(plan: &Plan, resource: &mut impl FnMut(&ResourceId)) {
    for step in plan.steps_to_run() {
        if let Some(id) = step.action.subject() {
            resource(id);
            // A child says less than the network that it is in.
            if let Some(parent) = id.parent() {
                resource(&parent);
            }
        }
        for id in step.action.reads() {
            resource(id);
        }
        if let Action::Association(spec) = &step.action {
            resource(&spec.route_table);
        }
    }
}

/// What steps count on; and where something is not there, what is of its type: a name may be mistyped.
fn beside_absent(plan: &Plan, facts: &Facts) -> BTreeSet<Question> {
    let counted = plan.steps_to_run().flat_map(|step| step.action.counts_on());
    let mut asked: BTreeSet<Question> = counted.map(Question::Resource).collect();
    let gone = plan.steps_to_run().flat_map(|step| step.action.takes_away());
    let gone = gone.filter(|id| facts.stands(id) == Some(false)).cloned();
    let absent = missing(plan, |id| facts.stands(id)).into_iter();
    let absent = absent.filter(|own| own.absence == Absence::Nowhere).map(|own| own.id);
    let all: BTreeSet<ResourceId> = absent.chain(gone).collect();
    for id in all.iter().take(SEARCHED_MAX) {
        if let Some(parent) = id.parent() {
            asked.insert(Question::Resource(id.root()));
            if let Some(kind) = LISTED_APART.iter().find(|kind| id.is_a(kind)) {
                let kind = kind.rsplit('/').next().unwrap_or(kind);
                asked.insert(Question::Children { parent: parent.clone(), kind });
            }
            asked.insert(Question::Resource(parent));
        } else if let Some(kind) = ALONE.iter().find(|kind| id.is_a(kind)) {
            let subscription = id.subscription().to_owned();
            asked.insert(Question::Inventory { subscription, kind });
        }
    }
    asked
}

/// Most absent things of whose names others are looked for.
const SEARCHED_MAX: usize = 16;

/// Where gateways stand, what stands in the networks that were read, and which tables their subnets use.
fn around_gateways(inquiry: &Inquiry<'_>, facts: &Facts, resource: &mut impl FnMut(&ResourceId)) {
    for (_, _, subnet) in inquiry.gateway_places() {
        if let Some(vnet) = subnet.parent() {
            resource(&vnet);
        }
    }
    // How a Route Server beside a VPN gateway passes routes on.
    for (_, gateway, subnet) in inquiry.gateway_places() {
        let vpn = !inquiry.gateways().iter().any(|(_, spec)| spec.id == *gateway);
        let network = subnet.parent().filter(|_| vpn);
        if let Some(server) = network.and_then(|vnet| route_server_id(facts.body(&vnet)?)) {
            resource(&server);
        }
    }
    // The subnet of a gateway that is counted on, and its table: what is in it decides whether it works.
    for (_, gateway) in inquiry.gateways_in_use() {
        let Some(vnet) = inquiry.vnet_of(&gateway) else { continue };
        resource(&vnet);
        let own = facts.body(&vnet).and_then(own_gateway_subnet);
        if let Some(table) = own.and_then(|own| arm::SubnetView::of(own).route_table()) {
            resource(&table);
        }
    }
    // Whether a gateway lets its connection go.
    for (_, removed) in inquiry.removals(RemovalKind::Connection) {
        let gateway = facts.body(&removed.id).map(arm::ConnectionView::of);
        if let Some(gateway) = gateway.and_then(arm::ConnectionView::gateway) {
            resource(&gateway);
        }
    }
    // Who uses a gateway that is removed.
    for (_, removed) in inquiry.removals(RemovalKind::Gateway) {
        let Some(vnet) = inquiry.vnet_of(&removed.id) else { continue };
        resource(&vnet);
        peered(facts, &vnet, resource);
    }
    // Which gateways stand in the networks that were read: a rule about them reads them.
    for (_, vnet) in facts.bodies(VNETS) {
        for gateway in inquiry.gateways_in(vnet) {
            resource(&gateway);
        }
    }
    // Route tables of subnets that gateways stand in, and of those that are given another one.
    for (_, spec) in inquiry.gateways() {
        let Some(vnet) = spec.subnet.parent().and_then(|vnet| facts.body(&vnet)) else { continue };
        for subnet in subnets_of(vnet) {
            if let Some(table) = arm::SubnetView::of(subnet).route_table() {
                resource(&table);
            }
        }
    }
}

/// Networks that are peered with one, whatever the state of that.
fn peered(facts: &Facts, vnet: &ResourceId, resource: &mut impl FnMut(&ResourceId)) {
    for peering in peerings_of(facts.body(vnet)) {
        if let Some(remote) = arm::PeeringView::of(peering).remote() {
            resource(&remote);
        }
    }
}

/// The machines of recovery plans; the networks that connections lead to, with their spokes; the circuits in use.
fn around_connections(
    inquiry: &Inquiry<'_>,
    end: &Inquiry<'_>,
    facts: &Facts,
    resource: &mut impl FnMut(&ResourceId),
) {
    for (_, spec) in inquiry.recovery_plans() {
        for item in facts.body(&spec.id).map(recovery_items).unwrap_or_default() {
            resource(&item);
            let Some(body) = facts.body(&item) else { continue };
            for network in cards(body).iter().filter_map(|card| card_network(body, card)) {
                resource(&network);
            }
        }
    }
    for (_, spec) in inquiry.connections() {
        if let Some(vnet) = inquiry.vnet_of(&spec.gateway) {
            resource(&vnet);
            for spoke in end.spokes(&vnet) {
                resource(&spoke);
            }
            peered(facts, &vnet, resource);
        }
    }
    // What a gateway has to tell is its network's and its spokes', whoever brought them there.
    for step in inquiry.plan.steps_to_run() {
        if let Action::Verify(Verification::Advertised { gateway, .. }) = &step.action
            && let Some(vnet) = inquiry.vnet_of(gateway)
        {
            resource(&vnet);
            peered(facts, &vnet, resource);
        }
    }
    // The circuits that are in use, to compare ours with.
    for (_, link) in facts.bodies(CONNECTIONS) {
        if let Some(circuit) = arm::ConnectionView::of(link).circuit() {
            resource(&circuit);
        }
    }
    for circuit in inquiry.hub_links().filter_map(|link| circuit_of(link.body)) {
        resource(&circuit);
    }
}

/// Who is peered with networks that are to be peered: their addresses must not meet.
fn around_peerings(inquiry: &Inquiry<'_>, facts: &Facts, resource: &mut impl FnMut(&ResourceId)) {
    for (_, spec) in inquiry.peerings() {
        for vnet in spec.id.parent().iter().chain([&spec.remote]) {
            peered(facts, vnet, resource);
        }
    }
}

/// What else uses the circuits, and those whose tables are waited for: the gateways, their networks and all that
/// is behind those.
fn around_circuits(inquiry: &Inquiry<'_>, facts: &Facts, resource: &mut impl FnMut(&ResourceId)) {
    // A circuit of ExpressRoute Direct is where its port is.
    for port in facts.bodies(CIRCUITS).filter_map(|(_, body)| arm::CircuitView::of(body).port()) {
        resource(&port);
    }
    let mut circuits = awaited(inquiry);
    circuits.extend(inquiry.circuits().into_iter().cloned());
    let brought = inquiry.carried();
    circuits.extend(brought.iter().filter_map(Carried::circuit).cloned());
    for circuit in &circuits {
        for (_, link) in inquiry.links(circuit) {
            if let Some(gateway) = arm::ConnectionView::of(link).gateway() {
                resource(&gateway);
                if let Some(vnet) =
                    facts.body(&gateway).and_then(gateway_subnet).and_then(|s| s.parent())
                {
                    resource(&vnet);
                    for spoke in inquiry.spokes(&vnet) {
                        resource(&spoke);
                    }
                    peered(facts, &vnet, resource);
                }
            }
        }
    }
}

/// What policies say of what steps write, and of what an undo of them would write.
fn policies<'i>(inquiry: &'i Inquiry<'_>) -> impl Iterator<Item = Question> + use<'i> {
    inquiry.bodies().iter().flat_map(|own| {
        let written = own.written.as_ref().ok().and_then(Option::as_ref);
        written.into_iter().chain(&own.put_back).map(WrittenBody::question)
    })
}

/// The ways home of machines that are to be protected back.
fn mappings<'i>(inquiry: &'i Inquiry<'_>) -> impl Iterator<Item = Question> + use<'i> {
    let plans = inquiry.recovery_plans().into_iter();
    let back = plans.filter(|(_, spec)| spec.to == RecoveryMove::Reprotect);
    back.map(|(_, spec)| Question::Children { parent: spec.id.root(), kind: NETWORK_MAPPINGS })
}

/// The circuits that a verification waits for: by their own tables, or by what a gateway learns over them.
fn awaited(inquiry: &Inquiry<'_>) -> BTreeSet<ResourceId> {
    let mut circuits = BTreeSet::new();
    for step in inquiry.plan.steps_to_run() {
        match &step.action {
            Action::Verify(Verification::CircuitRoutes { circuit, expect, .. })
                if !expect.is_empty() =>
            {
                circuits.insert(circuit.clone());
            }
            Action::Verify(Verification::Routes { gateway, .. }) => {
                let links = inquiry.links_of(gateway).into_iter();
                circuits
                    .extend(links.filter_map(|(_, link)| arm::ConnectionView::of(link).circuit()));
            }
            _ => {}
        }
    }
    circuits
}

/// What is asked of each group that is written to, and of its subscription.
fn around_groups(inquiry: &Inquiry<'_>, connecting: bool, asked: &mut BTreeSet<Question>) {
    for (subscription, group) in inquiry.groups() {
        asked.insert(Question::Group { subscription: subscription.clone(), group: group.clone() });
        asked.insert(Question::Locks { subscription: subscription.clone(), group: group.clone() });
        asked
            .insert(Question::Denials { subscription: subscription.clone(), group: group.clone() });
        asked.insert(Question::Registration { subscription: subscription.clone() });
        asked.insert(Question::Subscription { subscription: subscription.clone() });
        if connecting {
            let kind = CONNECTIONS;
            asked.insert(Question::Inventory { subscription: subscription.clone(), kind });
            if let Ok(found) = inquiry.facts.inventory(&subscription, CONNECTIONS) {
                asked.extend(found.into_iter().map(Question::Resource));
            }
        }
        // A circuit carries hubs and networks alike.
        if inquiry.carried().iter().any(|own| own.circuit().is_some()) {
            let kind = HUB_GATEWAYS;
            asked.insert(Question::Inventory { subscription: subscription.clone(), kind });
            if let Ok(found) = inquiry.facts.inventory(&subscription, kind) {
                asked.extend(found.into_iter().map(Question::Resource));
            }
        }
        asked.insert(Question::Permissions { subscription, group });
    }
}

/// Inventories, groups, locks, rights and edges.
fn around(inquiry: &Inquiry<'_>) -> BTreeSet<Question> {
    let mut asked = BTreeSet::new();
    let connecting = !inquiry.carried().is_empty()
        || !inquiry.removals(RemovalKind::Gateway).is_empty()
        || !inquiry.removals(RemovalKind::VpnGateway).is_empty()
        || !inquiry.removals(RemovalKind::LocalGateway).is_empty();
    let tunnels = inquiry.plan.steps_to_run().filter_map(|step| match &step.action {
        Action::Vpn(Vpn::Connection(spec)) => Some(&spec.gateway),
        _ => None,
    });
    let tunnels: Vec<&ResourceId> = tunnels.collect();
    around_groups(inquiry, connecting, &mut asked);
    let ways = [inquiry.carried(), inquiry.changed()].concat();
    let on_ways = ways.iter().filter_map(Carried::circuit).cloned();
    let edges = on_ways.chain(awaited(inquiry));
    let beside = tunnels.iter().flat_map(|gateway| inquiry.circuits_beside(gateway));
    for circuit in &edges.chain(beside).collect::<BTreeSet<_>>() {
        // A circuit without a private peering has no tables to ask for.
        let peered = match inquiry.facts.resource(circuit) {
            Fact::Known(body) => {
                super::inquiry::peering(body, crate::arm::PRIVATE_PEERING).is_some()
            }
            Fact::Absent | Fact::Unknown(_) => false,
        };
        for path in PATHS.into_iter().filter(|_| peered) {
            asked.insert(Question::RouteSummary { circuit: circuit.clone(), path });
            asked.insert(Question::RouteTable { circuit: circuit.clone(), path });
        }
    }
    // What a gateway learns comes over its connections.
    for step in inquiry.plan.steps_to_run() {
        let Action::Verify(Verification::Routes { gateway, .. }) = &step.action else { continue };
        let (subscription, kind) = (gateway.subscription().to_owned(), CONNECTIONS);
        if let Ok(found) = inquiry.facts.inventory(&subscription, kind) {
            asked.extend(found.into_iter().map(Question::Resource));
        }
        asked.insert(Question::Inventory { subscription, kind });
    }
    // A connection of a hub that a static route leads to stays.
    for (_, removed) in inquiry.removals(RemovalKind::HubVnet) {
        let hub = removed.id.parent().into_iter();
        asked.extend(hub.map(|parent| Question::Children { parent, kind: HUB_TABLES }));
    }
    for step in inquiry.plan.steps_to_run() {
        if let Action::Steering(Steering::Record(spec)) = &step.action
            && let Some(zone) = spec.id.parent()
        {
            asked.insert(Question::Links { zone });
        }
        if let Action::Verify(Verification::MicrosoftPeering { circuit }) = &step.action {
            asked.insert(Question::Resource(circuit.clone()));
        }
    }
    asked
}
