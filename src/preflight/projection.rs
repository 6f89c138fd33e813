//! What will a step find? The facts as the steps before it leave them.
//!
//! A rule compares what a step wants with the world. The world that counts is not the one of now but the
//! one in which the step begins: what an earlier step removes is gone by then, what it makes is there,
//! what it changes is as it was told. So the steps before it are carried out on paper, in their order.
//! What cannot be known stays so: nothing is made up about a thing that was not read.

use serde_json::{Map, Value, json};

use super::facts::Facts;
use super::inquiry::{id_at, is, peerings_of};
use super::{last_path, revoked};
use crate::arm;
use crate::model::action::{
    CircuitBandwidth, CircuitTier, Connection, Dissociation, Gateway, HubAction, HubVnet, NextHop,
    Peering, Removal, RemovalKind, Route, RouteTable, SecurityGroupUse, Tier,
};
use crate::model::azure_limits::{Resize, resize};
use crate::model::hub_body::body_of;
use crate::model::tags::Tags;
use crate::model::{Action, ResourceId, Step};

/// The facts after these steps, each carried out as it is planned. A step that is known not to run
/// changes nothing.
#[must_use]
pub fn after<'p>(facts: &Facts, steps: impl IntoIterator<Item = &'p Step>) -> Facts {
    let mut then = facts.clone();
    for step in steps {
        if !step.never_runs() {
            // What may be left out frees nothing.
            if !step.may_be_left()
                && let Some(connection) = revoked::by(&then, &step.action)
            {
                edit(&mut then, &connection, |body| *body = None);
            }
            apply(&mut then, &step.action);
        }
    }
    then
}

fn apply(facts: &mut Facts, action: &Action) {
    change(facts, action);
    if let Some((id, made)) = action.written().zip(action.nature().tracked)
        && !made.tags.is_empty()
    {
        edit(facts, id, |body| {
            if let Some(body) = body {
                tag(body, made.tags);
            }
        });
    }
}

/// Lays tags over those that are there; a tag's name has no case.
fn tag(body: &mut Value, tags: &Tags) {
    if !body.get("tags").is_some_and(Value::is_object) {
        body["tags"] = json!({});
    }
    let Some(there) = body.get_mut("tags").and_then(Value::as_object_mut) else { return };
    for (name, value) in tags {
        let own = there.keys().find(|own| own.eq_ignore_ascii_case(name)).cloned();
        there.insert(own.unwrap_or_else(|| name.clone()), json!(value));
    }
}

fn change(facts: &mut Facts, action: &Action) {
    match action {
        Action::PublicIp(spec) => patch(
            facts,
            &spec.id,
            json!({ "location": spec.location.as_str(), "zones": spec.zones,
                "sku": { "name": "Standard" }, "properties": {} }),
        ),
        // One that stands keeps its addresses: what is in it keeps them from being changed.
        Action::Subnet(spec) if facts.body(&spec.id).is_some() => {}
        Action::Subnet(spec) => {
            let properties = match spec.prefixes.as_slice() {
                [one] => json!({ "addressPrefix": one }),
                several => json!({ "addressPrefixes": several }),
            };
            patch(facts, &spec.id, json!({ "properties": properties }));
        }
        Action::Gateway(spec) => gateway(facts, spec),
        Action::Authorization(spec) => {
            if facts.body(&spec.id).is_none() {
                let body = json!({ "properties": { "authorizationUseStatus": "Available" } });
                patch(facts, &spec.id, body);
            }
        }
        Action::Connection(spec) => connect(facts, spec),
        Action::Peering(spec) => peer(facts, spec),
        Action::Hub(own) => hub(facts, own),
        Action::RouteTable(spec) => patch(facts, &spec.id, table(facts, spec)),
        Action::Route(spec) => {
            let route = route(facts, &spec.prefix.to_string(), &spec.next_hop);
            patch(facts, &spec.id, json!({ "properties": route }));
        }
        Action::Association(spec) => patch(
            facts,
            &spec.subnet,
            json!({ "properties": { "routeTable": { "id": spec.route_table } } }),
        ),
        Action::Dissociation(spec) => dissociate(facts, spec),
        Action::SecurityGroup(spec) => guard(facts, spec),
        Action::Dns(spec) => patch(
            facts,
            &spec.id,
            json!({ "properties": { "dhcpOptions": { "dnsServers": spec.servers } } }),
        ),
        Action::Tier(spec) => raise(facts, spec),
        Action::Bandwidth(spec) => widen(facts, spec),
        Action::Remove(spec) => remove(facts, spec),
        Action::Vpn(own) => last_path::vpn(facts, own),
        Action::Steering(own) => last_path::steer(facts, own),
        Action::RecoveryPlan(_) | Action::Verify(_) | Action::Outside(_) | Action::General(_) => {}
    }
}

fn gateway(facts: &mut Facts, spec: &Gateway) {
    // One that does as much or more is not made smaller.
    let has = facts.body(&spec.id).and_then(|body| arm::GatewayView::of(body).sku());
    let has = has.filter(|has| resize(has, &spec.sku) == Resize::None).map(str::to_owned);
    let sku = has.unwrap_or_else(|| spec.sku.clone());
    let body = json!({
        "location": spec.location.as_str(),
        "properties": {
            "gatewayType": "ExpressRoute", "provisioningState": "Succeeded",
            "sku": { "name": sku, "tier": sku },
            "ipConfigurations": [{ "properties": { "subnet": { "id": spec.subnet } } }],
        },
    });
    patch(facts, &spec.id, body);
    settle_in(facts, &spec.subnet, &spec.id);
}

fn connect(facts: &mut Facts, spec: &Connection) {
    let mut body = json!({
        "location": spec.location.as_str(),
        "properties": {
            "connectionType": "ExpressRoute", "provisioningState": "Succeeded",
            "virtualNetworkGateway1": { "id": spec.gateway },
            "peer": { "id": spec.circuit },
        },
    });
    name(&mut body, "routingWeight", spec.routing_weight);
    name(&mut body, "expressRouteGatewayBypass", spec.fast_path);
    name(&mut body, "enablePrivateLinkFastPath", spec.private_link_fast_path);
    patch(facts, &spec.id, body);
    revoked::spend(facts, spec.authorization.as_ref(), &spec.id);
}

fn hub(facts: &mut Facts, hub: &HubAction) {
    let mut body = body_of(hub);
    if let Some(body) = body.as_object_mut() {
        body.remove("tags");
    }
    body["properties"]["provisioningState"] = json!("Succeeded");
    patch(facts, hub.subject(), body);
    match hub {
        HubAction::Vnet(spec) => join_hub(facts, spec),
        HubAction::Connection(spec) => {
            revoked::spend(facts, spec.authorization.as_ref(), &spec.id);
        }
        HubAction::Hub(_) | HubAction::Gateway(_) | HubAction::Routes(_) => {}
    }
}

/// A network shows its hub as Azure shows it: by a peering of Azure's own, which uses what stands in the hub (azure-docs
/// 107338).
fn join_hub(facts: &mut Facts, spec: &HubVnet) {
    let Some(hub) = spec.id.parent() else { return };
    let (name, guid) = (hub.name(), "00000000-0000-0000-0000-000000000000");
    let behind = format!(
        "/subscriptions/{guid}/resourceGroups/RG_{name}_{guid}/providers/Microsoft.Network/virtualNetworks/HV_{name}"
    );
    let side = json!({ "name": "RemoteVnetToHubPeering", "properties": {
        "peeringState": "Connected", "useRemoteGateways": true,
        "remoteVirtualNetwork": { "id": behind } } });
    edit(facts, &spec.vnet, |body| {
        let Some(body) = body else { return };
        let is_its = |side: &Value| {
            arm::PeeringView::of(side).hub().is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        if peerings_of(Some(body)).iter().any(is_its) {
            return;
        }
        let sides =
            properties(body).map(|own| own.entry("virtualNetworkPeerings").or_insert(json!([])));
        if let Some(sides) = sides.and_then(Value::as_array_mut) {
            sides.push(side.clone());
        }
    });
}

fn dissociate(facts: &mut Facts, spec: &Dissociation) {
    edit(facts, &spec.subnet, |body| {
        let ours = body.as_ref().and_then(|body| arm::SubnetView::of(body).route_table());
        if let Some(body) = body.as_mut().filter(|_| ours.as_ref() == Some(&spec.route_table)) {
            take_out(body, "routeTable");
        }
    });
}

/// A subnet uses a security group, or does so no more.
fn guard(facts: &mut Facts, spec: &SecurityGroupUse) {
    if spec.used {
        let used = json!({ "networkSecurityGroup": { "id": spec.security_group } });
        return patch(facts, &spec.subnet, json!({ "properties": used }));
    }
    edit(facts, &spec.subnet, |body| {
        let ours = body.as_ref().and_then(|body| arm::SubnetView::of(body).security_group());
        let own = ours.as_ref() == Some(&spec.security_group);
        if let Some(body) = body.as_mut().filter(|_| own) {
            take_out(body, "networkSecurityGroup");
        }
    });
}

fn raise(facts: &mut Facts, spec: &CircuitTier) {
    edit(facts, &spec.id, |body| {
        let stands = body.as_ref().and_then(|body| arm::CircuitView::of(body).tier());
        let lower = stands.and_then(Tier::parse).is_some_and(|tier| tier < spec.at_least);
        if let Some(tier) = body.as_mut().and_then(|body| body.pointer_mut("/sku/tier"))
            && lower
        {
            *tier = json!(spec.at_least.as_str());
        }
    });
}

fn widen(facts: &mut Facts, spec: &CircuitBandwidth) {
    edit(facts, &spec.id, |body| {
        let pointer = "/properties/serviceProviderProperties/bandwidthInMbps";
        if let Some(mbps) = body.as_mut().and_then(|body| body.pointer_mut(pointer)) {
            let has = mbps.as_u64().unwrap_or(0);
            if let Some(bought) = spec.bought().filter(|_| has < u64::from(spec.mbps_min)) {
                *mbps = json!(bought);
            }
        }
    });
}

fn table(facts: &Facts, spec: &RouteTable) -> Value {
    let own = |own: &Route| {
        let properties = route(facts, &own.prefix.to_string(), &own.next_hop);
        json!({ "name": own.name, "properties": properties })
    };
    let routes: Vec<Value> = spec.routes.iter().map(own).collect();
    let mut body =
        json!({ "location": spec.location.as_str(), "properties": { "routes": routes } });
    let off = spec.propagate_gateway_routes.map(|on| !on);
    name(&mut body, "disableBgpRoutePropagation", off);
    body
}

/// The properties of a route; a firewall's address is its own.
fn route(facts: &Facts, prefix: &str, next_hop: &NextHop) -> Value {
    let (kind, address) = match next_hop {
        NextHop::Appliance(address) => ("VirtualAppliance", Some(json!(address))),
        NextHop::Firewall(id) => {
            let address = facts.body(id).and_then(arm::firewall_address).map(|own| json!(own));
            ("VirtualAppliance", address)
        }
        NextHop::VnetLocal => ("VnetLocal", None),
        NextHop::Internet => ("Internet", None),
        NextHop::None => ("None", None),
    };
    json!({ "addressPrefix": prefix, "nextHopType": kind, "nextHopIpAddress": address })
}

/// Puts a property in that the author named; the others stay as they are.
pub(super) fn name(body: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        body["properties"][key] = value.into();
    }
}

/// One side of a peering: it is Connected once the other side names it, and lets that one be so too.
fn peer(facts: &mut Facts, spec: &Peering) {
    let Some(vnet) = spec.id.parent() else { return };
    let other = side_towards(facts, &spec.remote, &vnet);
    let stands =
        facts.body(&spec.id).is_some_and(|body| !arm::PeeringView::of(body).is_in("Initiated"));
    let mut body = json!({ "properties": { "remoteVirtualNetwork": { "id": spec.remote } } });
    name(&mut body, "allowVirtualNetworkAccess", spec.allow_access);
    name(&mut body, "allowForwardedTraffic", spec.allow_forwarded_traffic);
    name(&mut body, "allowGatewayTransit", spec.allow_gateway_transit);
    name(&mut body, "useRemoteGateways", spec.use_remote_gateways);
    let state = if other.is_some() { "Connected" } else { "Initiated" };
    name(&mut body, "peeringState", (!stands).then_some(state));
    patch(facts, &spec.id, body);
    if let Some(other) = other.filter(|_| !stands) {
        edit(facts, &other, |body| {
            if let Some(body) = body.as_mut().filter(|body| is(body, STATE, "Initiated")) {
                body["properties"]["peeringState"] = json!("Connected");
            }
        });
    }
}

const STATE: &str = "/properties/peeringState";

/// The side of a network that names another one.
fn side_towards(facts: &Facts, vnet: &ResourceId, remote: &ResourceId) -> Option<ResourceId> {
    let own = peerings_of(facts.body(vnet));
    let side = own.iter().find(|side| arm::PeeringView::of(side).leads_to(remote))?;
    vnet.child("virtualNetworkPeerings", side.get("name")?.as_str()?).ok()
}

fn remove(facts: &mut Facts, spec: &Removal) {
    match spec.kind {
        RemovalKind::Peering => {
            let remote = facts.body(&spec.id).and_then(|body| arm::PeeringView::of(body).remote());
            let left = remote
                .zip(spec.id.parent())
                .and_then(|(remote, vnet)| side_towards(facts, &remote, &vnet));
            // What is left of a pair does not connect by itself again.
            if let Some(left) = left {
                let state = json!({ "properties": { "peeringState": "Disconnected" } });
                patch(facts, &left, state);
            }
        }
        RemovalKind::Gateway | RemovalKind::VpnGateway => move_out(facts, &spec.id),
        RemovalKind::HubVnet => leave_hub(facts, &spec.id),
        RemovalKind::Connection
        | RemovalKind::PublicIp
        | RemovalKind::Subnet
        | RemovalKind::Authorization
        | RemovalKind::RouteTable
        | RemovalKind::Route
        | RemovalKind::VpnConnection
        | RemovalKind::LocalGateway
        | RemovalKind::HubConnection
        | RemovalKind::HubRoutes
        | RemovalKind::HubGateway
        | RemovalKind::VirtualHub => {}
    }
    edit(facts, &spec.id, |body| *body = None);
}

/// A network shows no more what Azure showed in it of the hub that had it.
fn leave_hub(facts: &mut Facts, connection: &ResourceId) {
    let vnet = facts.body(connection).and_then(|body| id_at(body, REMOTE));
    let Some((vnet, hub)) = vnet.zip(connection.parent()) else { return };
    edit(facts, &vnet, |body| {
        let sides = body
            .as_mut()
            .and_then(|body| properties(body)?.get_mut("virtualNetworkPeerings")?.as_array_mut());
        let Some(sides) = sides else { return };
        let is_its = |side: &Value| {
            arm::PeeringView::of(side).hub().is_some_and(|own| own.eq_ignore_ascii_case(hub.name()))
        };
        sides.retain(|side| !is_its(side));
    });
}

const REMOTE: &str = "/properties/remoteVirtualNetwork/id";

/// A gateway stands in a subnet from now on.
pub(super) fn settle_in(facts: &mut Facts, subnet: &ResourceId, gateway: &ResourceId) {
    let lower = gateway.key().to_owned();
    edit(facts, subnet, |body| {
        let Some(body) = body else { return };
        let there = arm::SubnetView::of(body).users();
        let mut there = there.to_vec();
        if !there.iter().any(|item| belongs(item, &lower)) {
            there.push(json!({ "id": format!("{gateway}/ipConfigurations/gwipconfig") }));
        }
        body["properties"]["ipConfigurations"] = json!(there);
    });
}

/// A gateway stands nowhere any more.
fn move_out(facts: &mut Facts, gateway: &ResourceId) {
    let Some(subnet) = facts.body(gateway).and_then(super::inquiry::gateway_subnet) else { return };
    edit(facts, &subnet, |body| {
        let Some(body) = body else { return };
        let mut there = arm::SubnetView::of(body).users().to_vec();
        there.retain(|item| !belongs(item, gateway.key()));
        body["properties"]["ipConfigurations"] = json!(there);
    });
}

fn belongs(configuration: &Value, gateway: &str) -> bool {
    let id = configuration.get("id").and_then(Value::as_str).unwrap_or_default();
    id.to_ascii_lowercase().starts_with(&format!("{gateway}/"))
}

/// Writes what is planned over what is there; what the plan does not name stays.
#[expect(clippy::needless_pass_by_value, reason = "what is planned is made where it is used")]
pub(super) fn patch(facts: &mut Facts, id: &ResourceId, planned: Value) {
    edit(facts, id, |body| match body {
        Some(body) => merge(body, planned.clone()),
        None => {
            let mut new = planned.clone();
            new["id"] = json!(id);
            new["name"] = json!(id.name());
            *body = Some(new);
        }
    });
}

fn merge(there: &mut Value, planned: Value) {
    match (there, planned) {
        (Value::Object(there), Value::Object(planned)) => {
            for (key, value) in planned {
                merge(there.entry(key).or_insert(Value::Null), value);
            }
        }
        (there, planned) => *there = planned,
    }
}

fn take_out(body: &mut Value, key: &str) {
    if let Some(properties) = body.pointer_mut("/properties").and_then(Value::as_object_mut) {
        properties.remove(key);
    }
}

/// Edits a resource where it was read, and where its parent's body shows it.
fn edit(facts: &mut Facts, id: &ResourceId, mut change: impl FnMut(&mut Option<Value>)) {
    let shown = id.parent().and_then(|parent| {
        let key = children(id)?;
        Some((parent, key))
    });
    if let Some((parent, key)) = shown {
        let mut own = None;
        facts.edit(&parent, |body| {
            let Some(body) = body.as_mut().and_then(|body| properties(body)) else { return };
            let there = body.entry(key).or_insert_with(|| json!([]));
            let Some(there) = there.as_array_mut() else { return };
            let place = there.iter().position(|child| is(child, "/name", id.name()));
            let mut child = place.map(|place| there[place].clone());
            change(&mut child);
            match (place, &child) {
                (Some(place), Some(child)) => there[place] = child.clone(),
                (Some(place), None) => drop(there.remove(place)),
                (None, Some(child)) => there.push(child.clone()),
                (None, None) => {}
            }
            own = Some(child);
        });
        // The parent's body is the truth of both.
        if let Some(own) = own {
            facts.edit(id, |body| *body = own.clone());
            return;
        }
    }
    facts.edit(id, change);
}

fn properties(body: &mut Value) -> Option<&mut Map<String, Value>> {
    let body = body.as_object_mut()?;
    body.entry("properties").or_insert_with(|| json!({})).as_object_mut()
}

/// The list of a parent's body in which a child stands.
fn children(id: &ResourceId) -> Option<&'static str> {
    let kind = id.resource_type();
    const LISTS: [&str; 5] = [
        "subnets",
        "virtualNetworkPeerings",
        "authorizations",
        "routes",
        "expressRouteConnections",
    ];
    LISTS.into_iter().find(|list| {
        kind.as_str().rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(list))
    })
}
