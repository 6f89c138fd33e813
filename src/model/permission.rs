//! Which rights does a step need? ARM actions, exactly.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::action::{
    CircuitBandwidth, CircuitTier, HubAction, RecoveryMove, Removal, RemovalKind, Steering,
    Verification, Vpn,
};
use super::pattern::fits;
use super::recovery::{CANCEL, CLEANUP};
use super::resource::ResourceId;
use super::secret::SecretRef;
use super::{Action, Plan, Step};

/// The rights that a step needs, each with the resource that it is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct StepRights {
    /// To look, to write, to write along, to read a key.
    pub to_do: BTreeSet<(ResourceId, String)>,
    /// What only an undo of it needs.
    pub to_undo: BTreeSet<(ResourceId, String)>,
}

/// The rights that a step needs, each with the resource that it is about: to look, to write, to write
/// along, to undo, to read a key.
#[must_use]
pub fn needed(step: &Step) -> BTreeSet<(ResourceId, String)> {
    let StepRights { mut to_do, to_undo } = needed_apart(step);
    to_do.extend(to_undo);
    to_do
}

/// The same, apart: without the second the run goes through, and cannot be taken back.
#[must_use]
pub fn needed_apart(step: &Step) -> StepRights {
    let (mut to_do, mut to_undo) = (BTreeSet::new(), BTreeSet::new());
    let right = |id: &ResourceId, verb: &str| {
        (id.clone(), format!("{}/{verb}", id.resource_type().as_str()))
    };
    collect(step, &mut |id, verb| to_do.extend([right(id, verb)]), &mut |id, verb| {
        to_undo.extend([right(id, verb)])
    });
    to_undo.retain(|own| !to_do.contains(own));
    StepRights { to_do, to_undo }
}

/// Tells the rights that a step needs: those to do its work, and those to take it back.
fn collect(
    step: &Step,
    add: &mut impl FnMut(&ResourceId, &str),
    undo: &mut impl FnMut(&ResourceId, &str),
) {
    if let Action::Verify(verification) = &step.action {
        let subject = verification.subject();
        for verb in verification_verbs(verification) {
            add(subject, verb);
        }
        return;
    }
    let Some(written) = step.action.written() else { return };
    add(written, "read");
    match &step.action {
        Action::Remove(removal) => {
            add(written, "delete");
            undo_of(removal, undo);
        }
        Action::RecoveryPlan(spec) => {
            recovery(written, &spec.to, add);
            undo_recovery(written, step, &spec.to, undo);
        }
        Action::Bandwidth(_)
        | Action::Tier(_)
        | Action::Association(_)
        | Action::Dissociation(_)
        | Action::SecurityGroup(_)
        | Action::Steering(Steering::Endpoint(_))
        | Action::Dns(_) => add(written, "write"),
        Action::PublicIp(_)
        | Action::Subnet(_)
        | Action::Gateway(_)
        | Action::Authorization(_)
        | Action::Connection(_)
        | Action::Peering(_)
        | Action::RouteTable(_)
        | Action::Route(_)
        | Action::Vpn(_)
        | Action::Steering(Steering::Record(_))
        | Action::Hub(_)
        | Action::Verify(_)
        | Action::Outside(_)
        | Action::General(_) => {
            add(written, "write");
            // What a step made is taken back by removing it.
            if step.saga != super::SagaClass::Retriable {
                undo(written, "delete");
                looked_at_by_undo(&step.action, undo);
            }
        }
    }
    joins(&step.action, add);
    rejoins(&step.action, undo);
}

/// Before a gateway is taken back, or a connection of one that the run made, its network is looked at: who came to
/// use it?
fn looked_at_by_undo(action: &Action, add: &mut impl FnMut(&ResourceId, &str)) {
    let subnet = if let Action::Gateway(spec) = action {
        &spec.subnet
    } else if let Action::Vpn(Vpn::Gateway(spec)) = action {
        &spec.subnet
    } else {
        return;
    };
    if let Some(network) = subnet.parent() {
        add(&network, "read");
    }
}

/// To move machines, and to see where they are.
fn recovery(plan: &ResourceId, to: &RecoveryMove, add: &mut impl FnMut(&ResourceId, &str)) {
    add(plan, &format!("{}/action", to.verb()));
    // Which machines are where is the protected items' to tell.
    if let Some(item) = plan.parent().and_then(|v| v.child("replicationProtectedItems", "any").ok())
    {
        add(&item, "read");
    }
}

/// To take a move of machines back.
fn undo_recovery(
    plan: &ResourceId,
    step: &Step,
    to: &RecoveryMove,
    undo: &mut impl FnMut(&ResourceId, &str),
) {
    match to {
        _ if step.saga == super::SagaClass::Retriable => {}
        RecoveryMove::Failover { .. } => undo(plan, &format!("{CANCEL}/action")),
        RecoveryMove::TestFailover { .. } => undo(plan, &format!("{CLEANUP}/action")),
        RecoveryMove::Commit | RecoveryMove::Reprotect | RecoveryMove::TestCleanup => {}
    }
}

/// The right that looking at the goal of an action takes, with the resource that it is about: of several the
/// first. None for what is not Azure's.
#[must_use]
pub fn to_look(action: &Action) -> Option<(ResourceId, String)> {
    let (id, verb) = if let Action::Verify(verification) = action {
        (verification.subject(), *verification_verbs(verification).first()?)
    } else {
        (action.written()?, "read")
    };
    Some((id.clone(), format!("{}/{verb}", id.resource_type().as_str())))
}

/// The resource that an action writes, of those on which policies have a word: all that is written by a PUT.
#[must_use]
pub fn made(action: &Action) -> Option<&ResourceId> {
    match action {
        Action::PublicIp(_)
        | Action::Subnet(_)
        | Action::Gateway(_)
        | Action::Connection(_)
        | Action::Peering(_)
        | Action::Route(_)
        | Action::Vpn(_)
        | Action::Hub(_)
        | Action::Authorization(_)
        | Action::Association(_)
        | Action::Dissociation(_)
        | Action::SecurityGroup(_)
        | Action::Dns(_)
        | Action::Bandwidth(_)
        | Action::Tier(_)
        | Action::Steering(_)
        | Action::RouteTable(_) => action.written(),
        Action::Remove(_)
        | Action::RecoveryPlan(_)
        | Action::Verify(_)
        | Action::Outside(_)
        | Action::General(_) => None,
    }
}

/// The right to ask what policies would say of a resource.
pub const ASKS_POLICIES: &str = "Microsoft.PolicyInsights/checkPolicyRestrictions/read";

/// The rights that a plan needs, by the resource group at which they are needed: to do what it does, and to ask
/// beforehand whether policies would let it.
#[must_use]
pub fn by_group(plan: &Plan) -> BTreeMap<String, BTreeSet<String>> {
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, right) in plan.steps_to_run().flat_map(needed) {
        let scope =
            format!("/subscriptions/{}/resourceGroups/{}", id.subscription(), id.resource_group());
        groups.entry(scope).or_default().insert(right);
    }
    // The preflight asks of what is to be made what policies will say of it.
    for id in plan.steps_to_run().filter_map(|step| made(&step.action)) {
        let scope =
            format!("/subscriptions/{}/resourceGroups/{}", id.subscription(), id.resource_group());
        groups.entry(scope).or_default().insert(ASKS_POLICIES.to_owned());
    }
    groups
}

/// What `az` needs beside that to make a connection: it deploys a template.
const DEPLOYS: [&str; 3] = [
    "Microsoft.Resources/deployments/operationstatuses/read",
    "Microsoft.Resources/deployments/read",
    "Microsoft.Resources/deployments/write",
];

/// What it needs for the routes of a table, which it makes one by one.
const ROUTES: [&str; 2] =
    ["Microsoft.Network/routeTables/routes/read", "Microsoft.Network/routeTables/routes/write"];

/// The rights that a plan needs where a person types its commands, beside those of [`by_group`].
#[must_use]
pub fn by_hand(plan: &Plan) -> BTreeMap<String, BTreeSet<String>> {
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for step in plan.steps_to_run() {
        let (id, rights) = match &step.action {
            Action::Connection(spec) => (&spec.id, &DEPLOYS[..]),
            Action::Vpn(Vpn::Connection(spec)) => (&spec.id, &DEPLOYS[..]),
            // Taken back, it is made again.
            Action::Remove(Removal {
                kind: RemovalKind::Connection | RemovalKind::VpnConnection,
                id,
                ..
            }) => (id, &DEPLOYS[..]),
            Action::RouteTable(spec) => (&spec.id, &ROUTES[..]),
            Action::PublicIp(_)
            | Action::Subnet(_)
            | Action::Gateway(_)
            | Action::Authorization(_)
            | Action::Peering(_)
            | Action::Association(_)
            | Action::Bandwidth(_)
            | Action::Tier(_)
            | Action::Dissociation(_)
            | Action::Route(_)
            | Action::SecurityGroup(_)
            | Action::Dns(_)
            | Action::Remove(_)
            | Action::RecoveryPlan(_)
            | Action::Vpn(_)
            | Action::Steering(_)
            | Action::Hub(_)
            | Action::Verify(_)
            | Action::Outside(_)
            | Action::General(_) => continue,
        };
        let scope =
            format!("/subscriptions/{}/resourceGroups/{}", id.subscription(), id.resource_group());
        groups.entry(scope).or_default().extend(rights.iter().map(|right| (*right).to_owned()));
    }
    groups
}

/// The rights on what a write refers to: Azure asks for them on the other resource (LinkedAuthorization).
fn joins(action: &Action, add: &mut impl FnMut(&ResourceId, &str)) {
    match action {
        Action::Gateway(spec) => {
            add(&spec.subnet, "join/action");
            if let Some(address) = &spec.public_ip {
                add(address, "join/action");
            }
        }
        Action::Connection(spec) => {
            // Asked for with every write of a connection (ExpressRoute, roles and permissions).
            add(&spec.gateway, "join/action");
            // With a key from outside the circuit is not ours to join.
            match &spec.authorization {
                None => add(&spec.circuit, "join/action"),
                Some(SecretRef::Resource { id, .. }) => add(id, "read"),
                Some(SecretRef::Param(_)) => {}
            }
        }
        Action::Vpn(vpn) => joins_of_vpn(vpn, add),
        Action::Peering(spec) => add(&spec.remote, "peer/action"),
        Action::RecoveryPlan(spec) => {
            if let RecoveryMove::TestFailover { network, .. } = &spec.to {
                add(network, "read");
            }
        }
        Action::Association(spec) => add(&spec.route_table, "join/action"),
        Action::SecurityGroup(spec) if spec.used => add(&spec.security_group, "join/action"),
        Action::RouteTable(_) | Action::Route(_) => {
            action.firewalls().into_iter().for_each(|firewall| add(firewall, "read"));
        }
        Action::Bandwidth(CircuitBandwidth { id: circuit, .. })
        | Action::Tier(CircuitTier { id: circuit, .. }) => {
            if let Ok(id) = circuit.child("authorizations", "any") {
                add(&id, "read");
            }
        }
        Action::Hub(hub) => joins_of_hub(hub, add),
        Action::PublicIp(_)
        | Action::Subnet(_)
        | Action::Authorization(_)
        | Action::SecurityGroup(_)
        | Action::Dissociation(_)
        | Action::Dns(_)
        | Action::Remove(_)
        | Action::Steering(_)
        | Action::Verify(_)
        | Action::Outside(_)
        | Action::General(_) => {}
    }
}

/// The rights on what a step takes off, and an undo puts on again.
fn rejoins(action: &Action, undo: &mut impl FnMut(&ResourceId, &str)) {
    if let Action::Dissociation(spec) = action {
        undo(&spec.route_table, "join/action");
    } else if let Action::SecurityGroup(spec) = action {
        undo(&spec.security_group, "join/action");
    }
}

/// The rights on what something of a VPN refers to.
fn joins_of_vpn(vpn: &Vpn, add: &mut impl FnMut(&ResourceId, &str)) {
    match vpn {
        Vpn::Gateway(spec) => {
            std::iter::once(&spec.subnet)
                .chain(&spec.public_ips)
                .for_each(|used| add(used, "join/action"));
        }
        Vpn::Connection(spec) => {
            add(&spec.gateway, "join/action");
            add(&spec.local_gateway, "join/action");
            read_key(&spec.shared_key, add);
        }
        Vpn::LocalGateway(_) => {}
    }
}

/// The rights on what something of a virtual WAN refers to.
fn joins_of_hub(hub: &HubAction, add: &mut impl FnMut(&ResourceId, &str)) {
    match hub {
        HubAction::Hub(spec) => add(&spec.wan, "join/action"),
        HubAction::Gateway(spec) => add(&spec.hub, "read"),
        HubAction::Connection(spec) => match &spec.authorization {
            None => add(&spec.circuit, "join/action"),
            Some(SecretRef::Resource { id, .. }) => add(id, "read"),
            Some(SecretRef::Param(_)) => {}
        },
        HubAction::Vnet(spec) => add(&spec.vnet, "peer/action"),
        HubAction::Routes(_) => {}
    }
}

/// What making a removed resource again needs. What it referred to is not known before it is seen; it
/// is taken to be in the same resource group, as in every estate that a failover made.
fn undo_of(removal: &Removal, add: &mut impl FnMut(&ResourceId, &str)) {
    add(&removal.id, "write");
    let beside = |kind: &str| removal.id.sibling(kind, "any");
    if let RemovalKind::Connection | RemovalKind::VpnConnection = removal.kind
        && let Ok(gateway) = beside("Microsoft.Network/virtualNetworkGateways")
    {
        add(&gateway, "join/action");
    }
    if removal.kind == RemovalKind::VpnConnection
        && let Ok(site) = beside("Microsoft.Network/localNetworkGateways")
    {
        add(&site, "join/action");
    }
    match (removal.kind, &removal.authorization) {
        (
            RemovalKind::Connection | RemovalKind::HubConnection,
            Some(SecretRef::Resource { id, .. }),
        ) => add(id, "read"),
        (RemovalKind::VpnConnection, Some(secret)) => read_key(secret, add),
        (RemovalKind::Gateway | RemovalKind::VpnGateway, _) => {
            // The address of an ExpressRoute gateway is the platform's.
            if removal.kind == RemovalKind::VpnGateway
                && let Ok(address) = beside("Microsoft.Network/publicIPAddresses")
            {
                add(&address, "join/action");
            }
            let network = beside("Microsoft.Network/virtualNetworks");
            if let Ok(subnet) = network.and_then(|id| id.child("subnets", "GatewaySubnet")) {
                add(&subnet, "join/action");
            }
        }
        (RemovalKind::HubVnet, _) => {
            if let Ok(network) = beside("Microsoft.Network/virtualNetworks") {
                add(&network, "peer/action");
            }
        }
        (RemovalKind::VirtualHub, _) => {
            if let Ok(wan) = beside("Microsoft.Network/virtualWans") {
                add(&wan, "join/action");
            }
        }
        (RemovalKind::Peering, _) => {
            if let Some(network) = removal.id.parent() {
                add(&network, "peer/action");
            }
        }
        _ => {}
    }
}

/// What reading the key of a VPN connection needs: since July 2025 an action, that Reader does not hold
/// (ALZ-PowerShell-Module 402, azurerm 30322).
fn read_key(secret: &SecretRef, add: &mut impl FnMut(&ResourceId, &str)) {
    if let SecretRef::Resource { id, .. } = secret {
        add(id, "sharedKey/action");
    }
}

fn verification_verbs(verification: &Verification) -> &'static [&'static str] {
    match verification {
        Verification::Circuit { .. }
        | Verification::Connection { .. }
        | Verification::Tunnel { .. }
        | Verification::MicrosoftPeering { .. }
        | Verification::Absent { .. } => &["read"],
        Verification::Routes { .. } => &["getLearnedRoutes/action"],
        Verification::Advertised { .. } => {
            &["getBgpPeerStatus/action", "getAdvertisedRoutes/action"]
        }
        Verification::Bgp { .. } => &["getBgpPeerStatus/action"],
        Verification::HubRoutes { .. } => &["effectiveRoutes/action"],
        // Reads in the list of rights, although they are asked by POST.
        Verification::Arp { .. } => &["peerings/arpTables/read"],
        Verification::CircuitRoutes { .. } => &["peerings/routeTables/read"],
    }
}

/// Whether an answer of `Microsoft.Authorization/permissions` grants a right: by one entry's actions and
/// not by its `notActions`.
#[must_use]
pub fn granted(answer: &Value, right: &str) -> bool {
    let entries = answer.get("value").and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| {
        let any = |key: &str| {
            let patterns = entry.get(key).and_then(Value::as_array);
            patterns.into_iter().flatten().filter_map(Value::as_str).any(|p| matches(p, right))
        };
        any("actions") && !any("notActions")
    })
}

/// Whether a pattern of a role, in which `*` stands for any text, covers a right.
#[must_use]
pub fn matches(pattern: &str, right: &str) -> bool {
    fits(&pattern.to_ascii_lowercase(), &right.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("*", "Microsoft.Network/connections/write"));
        assert!(matches("*/read", "Microsoft.Network/connections/read"));
        assert!(matches("Microsoft.Network/*/write", "microsoft.network/connections/write"));
        assert!(!matches("*/read", "Microsoft.Network/connections/write"));
    }
}
