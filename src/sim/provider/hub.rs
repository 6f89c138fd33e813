//! What does Azure make of a virtual WAN, of its hubs, and of the route tables of hubs?
//!
//! Bodies as azure-cli recorded them in 2023 (test_express_route_gateway_connection_inbound_outbound_routemap).

use std::time::Duration;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{PostReading, Provider, Put, Shown, child, default, id_at, keep, top_level};
use crate::arm;
use crate::model::hub::{DEFAULT_TABLE, HUB_TABLES, NO_TABLE};
use crate::model::net::overlap;
use crate::model::{ResourceId, Timestamp};
use crate::sim::body_rule::BodyRule;
use crate::sim::consequence::Consequence;
use crate::sim::network::{Routed, labels_of};
use crate::sim::parts::{Resource, State};
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct VirtualWanType;

pub(super) struct VirtualHubType;

pub(super) struct HubTableType;

pub(super) const HUBS: &str = "Microsoft.Network/virtualHubs";
const TABLES: &str = "Microsoft.Network/virtualHubs/hubRouteTables";
const WAN: &str = "/properties/virtualWan/id";

/// How long after a hub is `Succeeded` its routers come up. Recorded is only that they come after it.
const ROUTERS: Duration = Duration::from_secs(480);

/// The longest prefix of a hub.
const PREFIX_MAX: u8 = 24;

/// The type of a hub's routing intent, which this world only holds.
const INTENTS: &str = "Microsoft.Network/virtualHubs/routingIntent";

/// Refuses tables of one's own, and connections that use them, in a hub whose routing intent decides about tables
/// (virtual WAN, how to configure routing intent: prerequisites).
pub(super) fn without_intent<'t>(
    world: &World,
    hub: Option<&ResourceId>,
    tables: impl IntoIterator<Item = &'t ResourceId>,
) -> Result<(), Refusal> {
    let Some(hub) = hub else { return Ok(()) };
    let Some((intent, _)) = world.resources.children(hub).find(|(id, _)| id.is_a(INTENTS)) else {
        return Ok(());
    };
    let mut own = tables.into_iter().filter(|id| !id.name().eq_ignore_ascii_case(DEFAULT_TABLE));
    match own.next() {
        None => Ok(()),
        Some(table) => {
            let message =
                format!("{table} cannot be used in hub {hub}: it has routing intent {intent}.");
            Err(Refusal::unconfirmed(&unconfirmed::HUB_INTENT, message))
        }
    }
}

impl Provider for VirtualWanType {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/virtualWans"
    }

    fn word(&self) -> &'static str {
        "VirtualWan"
    }

    fn has_guid(&self) -> bool {
        false
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        for (key, value) in [
            ("disableVpnEncryption", json!(false)),
            ("allowBranchToBranchTraffic", json!(true)),
            ("office365LocalBreakoutCategory", json!("None")),
            ("type", json!("Standard")),
        ] {
            default(&mut properties, key, value);
        }
        top_level(put, properties)
    }

    fn complete(&self, body: &mut Value) {
        default(&mut body["properties"], "type", json!("Standard"));
        default(&mut body["properties"], "allowBranchToBranchTraffic", json!(true));
    }

    fn show(&self, world: &World, shown: &Shown<'_>, body: &mut Value) {
        let id = shown.id;
        let hubs: Vec<Value> =
            hubs_of(world, id).into_iter().map(|hub| json!({ "id": hub.as_str() })).collect();
        if !hubs.is_empty() {
            body["properties"]["virtualHubs"] = json!(hubs);
        }
    }

    fn computed(&self) -> &'static [&'static str] {
        &["virtualHubs"]
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        match hubs_of(world, id).first() {
            None => Ok(()),
            Some(hub) => Err(Refusal::unconfirmed(
                &unconfirmed::WAN_USED,
                format!("Virtual WAN {id} has the hub {hub}; delete that first."),
            )),
        }
    }
}

impl Provider for VirtualHubType {
    fn kind(&self) -> &'static str {
        HUBS
    }

    fn word(&self) -> &'static str {
        "VirtualHub"
    }

    fn post_reading(&self, verb: &str) -> Option<PostReading> {
        (verb == "effectiveroutes").then_some(PostReading::EffectiveRoutes)
    }

    fn has_guid(&self) -> bool {
        false
    }

    fn computed(&self) -> &'static [&'static str] {
        &["expressRouteGateway"]
    }

    fn body_rules(&self) -> &'static [BodyRule] {
        &[BodyRule::Prefix("/properties/addressPrefix")]
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let Some(wan) = id_at(put.body, WAN) else {
            let message = "A virtual hub needs virtualWan.";
            return Err(Refusal::new(400, "InvalidRequestFormat", message));
        };
        let text = put.text("/properties/addressPrefix").unwrap_or_default();
        let refused =
            |message: String| Err(Refusal::unconfirmed(&unconfirmed::HUB_PREFIX, message));
        let Ok(prefix @ IpNet::V4(_)) = text.parse::<IpNet>() else {
            let message = format!("The address prefix '{text}' of hub {} is not valid.", put.id);
            return Err(Refusal::new(400, "InvalidAddressPrefixFormat", message));
        };
        if prefix.prefix_len() > PREFIX_MAX {
            return refused(format!("The address prefix {prefix} of a hub is at most a /24."));
        }
        let stood = put.stored.and_then(|body| body.pointer("/properties/addressPrefix"));
        if stood.and_then(Value::as_str).is_some_and(|old| old.parse() != Ok(prefix)) {
            return refused(format!("The address prefix of hub {} cannot be changed.", put.id));
        }
        if let Some((other, net)) =
            taken(world, &wan, put.id).into_iter().find(|(_, net)| overlap(net, &prefix))
        {
            return refused(format!("{prefix} overlaps {net} of {other} in the same virtual WAN."));
        }
        Ok(())
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        hub_defaults(&mut properties);
        keep(&mut properties, put.stored, &["routingState", "virtualRouterIps"]);
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("expressRouteGateway");
        }
        top_level(put, properties)
    }

    /// A hub of a world file stands since long ago.
    fn complete(&self, body: &mut Value) {
        let properties = &mut body["properties"];
        default(properties, "routingState", json!("Provisioned"));
        hub_defaults(properties);
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        id_at(body, WAN).into_iter().collect()
    }

    fn joins(&self, _: &ResourceId, body: &Value) -> Vec<(ResourceId, &'static str)> {
        self.references(body).into_iter().map(|wan| (wan, "join/action")).collect()
    }

    fn carries(&self) -> bool {
        true
    }

    fn comes_with(&self, world: &World, id: &ResourceId) -> Vec<(ResourceId, Value)> {
        tables_of(world, id)
    }

    fn finished(&self, world: &World, id: &ResourceId) -> Vec<Consequence> {
        let tables = self.comes_with(world, id).into_iter();
        tables.map(|(id, body)| Consequence::Make { id, body, state: State::Updating }).collect()
    }

    fn shows_until(&self, _: &Resource, now: Timestamp) -> Option<Timestamp> {
        // Its routers come up by themselves.
        Some(now)
    }

    fn show(&self, world: &World, shown: &Shown<'_>, body: &mut Value) {
        let (id, now) = (shown.id, shown.now);
        body["properties"]["routingState"] = json!(routing_state(world, id, now));
        if let Some(gateway) = gateway_in(world, id) {
            body["properties"]["expressRouteGateway"] = json!({ "id": gateway.as_str() });
        }
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        let network = world
            .resources
            .children(id)
            .map(|(child, _)| child)
            .find(|child| child.is_a(super::hub_vnet::KIND))
            .cloned();
        // What else stands in a hub only a world file tells.
        let told = arm::HUB_HOLDS
            .iter()
            .find_map(|key| id_at(world.body(id)?, &format!("/properties/{key}/id")));
        match gateway_in(world, id).or(network).or(told) {
            None => Ok(()),
            Some(user) => Err(Refusal::unconfirmed(
                &unconfirmed::HUB_USED,
                format!("Cannot delete virtual hub {id} because it is in use by {user}."),
            )),
        }
    }
}

impl Provider for HubTableType {
    fn kind(&self) -> &'static str {
        TABLES
    }

    fn word(&self) -> &'static str {
        "HubRouteTable"
    }

    fn computed(&self) -> &'static [&'static str] {
        &["associatedConnections", "propagatingConnections"]
    }

    fn comes_along(&self) -> bool {
        true
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        without_intent(world, put.id.parent().as_ref(), [put.id])?;
        let routes = put.body.pointer("/properties/routes").and_then(Value::as_array);
        for route in routes.into_iter().flatten() {
            let hop = id_at(route, "/nextHop");
            let known = hop.as_ref().is_some_and(|hop| world.resources.contains_key(hop));
            let ours = hop.as_ref().is_some_and(|hop| {
                hop.parent() == put.id.parent() || hop.is_a("Microsoft.Network/azureFirewalls")
            });
            if !known || !ours {
                let name = route["name"].as_str().unwrap_or_default();
                let message = format!(
                    "The next hop of route '{name}' of {} is no connection of the hub and no firewall.",
                    put.id
                );
                return Err(Refusal::unconfirmed(&unconfirmed::HUB_NEXT_HOP, message));
            }
        }
        Ok(())
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            for key in self.computed() {
                properties.remove(*key);
            }
        }
        default(&mut properties, "routes", json!([]));
        default(&mut properties, "labels", json!([]));
        child(put, properties)
    }

    fn complete(&self, body: &mut Value) {
        default(&mut body["properties"], "routes", json!([]));
        default(&mut body["properties"], "labels", json!([]));
    }

    fn show(&self, world: &World, shown: &Shown<'_>, body: &mut Value) {
        let id = shown.id;
        let (mut follow, mut fill) = (Vec::new(), Vec::new());
        for (user, resource) in world.resources.iter().filter(|(user, _)| is_connection(user)) {
            let Some(routed) = Routed::of(&resource.body) else { continue };
            if routed.associated.as_ref() == Some(id) {
                follow.push(json!(user.as_str()));
            }
            if routed.tables.contains(id) {
                fill.push(json!(user.as_str()));
            }
        }
        body["properties"]["associatedConnections"] = json!(follow);
        body["properties"]["propagatingConnections"] = json!(fill);
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        let refused =
            |message: String| Err(Refusal::unconfirmed(&unconfirmed::HUB_TABLE_USED, message));
        if [DEFAULT_TABLE, NO_TABLE].iter().any(|own| id.name().eq_ignore_ascii_case(own)) {
            return refused(format!("Route table {} is Azure's own and stays.", id.name()));
        }
        let user = world.resources.iter().find(|(user, resource)| {
            is_connection(user)
                && Routed::of(&resource.body).is_some_and(|routed| {
                    routed.associated.as_ref() == Some(id) || routed.tables.contains(id)
                })
        });
        match user {
            None => Ok(()),
            Some((user, _)) => refused(format!("Route table {id} is in use by {user}.")),
        }
    }
}

/// What Azure says of a hub of which nobody said it (recorded).
fn hub_defaults(properties: &mut Value) {
    for (key, value) in [
        ("virtualHubRouteTableV2s", json!([])),
        ("virtualRouterAsn", json!(65_515)),
        ("virtualRouterIps", json!([])),
        ("routeTable", json!({ "routes": [] })),
        ("virtualRouterAutoScaleConfiguration", json!({ "minCapacity": 2 })),
        ("networkVirtualAppliances", json!([])),
        ("sku", json!("Standard")),
        ("allowBranchToBranchTraffic", json!(false)),
        ("hubRoutingPreference", json!("ExpressRoute")),
    ] {
        default(properties, key, value);
    }
}

fn is_connection(id: &ResourceId) -> bool {
    let kind = id.resource_type();
    kind.is(super::hub_vnet::KIND) || kind.is(super::hub_gateway::CONNECTIONS)
}

/// The hubs of a WAN.
pub(super) fn hubs_of(world: &World, wan: &ResourceId) -> Vec<ResourceId> {
    let own = world.resources.of_type(HUBS);
    own.filter(|(_, hub)| id_at(&hub.body, WAN).as_ref() == Some(wan))
        .map(|(id, _)| id.clone())
        .collect()
}

/// The WAN of a hub.
pub(super) fn wan_of(world: &World, hub: &ResourceId) -> Option<ResourceId> {
    id_at(world.body(hub)?, WAN)
}

/// The ExpressRoute gateway that stands in a hub, or is made there.
pub(super) fn gateway_in(world: &World, hub: &ResourceId) -> Option<ResourceId> {
    let mut all = world.resources.of_type(super::hub_gateway::GATEWAYS);
    all.find(|(_, gateway)| id_at(&gateway.body, super::hub_gateway::HUB).as_ref() == Some(hub))
        .map(|(id, _)| id.clone())
}

/// The addresses that a WAN has in use, each with whose they are: those of `except` left out.
pub(super) fn taken(
    world: &World,
    wan: &ResourceId,
    except: &ResourceId,
) -> Vec<(ResourceId, IpNet)> {
    let mut all = Vec::new();
    for hub in hubs_of(world, wan) {
        let own = world.body(&hub).and_then(|body| body.pointer("/properties/addressPrefix"));
        let own = own.and_then(Value::as_str).and_then(|text| text.parse().ok());
        all.extend(own.filter(|_| hub != *except).map(|net| (hub.clone(), net)));
        for (id, connection) in world.resources.children(&hub) {
            let vnet = id_at(&connection.body, super::hub_vnet::REMOTE);
            let Some(vnet) = vnet.filter(|_| id != except) else { continue };
            let nets = super::hub_vnet::space(world, &vnet);
            all.extend(nets.into_iter().map(|net| (vnet.clone(), net)));
        }
    }
    all
}

/// Whether the routers of a hub stand: `None`, `Provisioning`, `Provisioned`.
pub(in crate::sim) fn routing_state(world: &World, hub: &ResourceId, now: Timestamp) -> String {
    let Some(resource) = world.resources.get(hub) else { return "None".to_owned() };
    if let Some(known) = resource.body.pointer("/properties/routingState").and_then(Value::as_str) {
        // What somebody else has begun ends as what is begun here does.
        let up = known == "Provisioning" && now.since(world.schedule.began()) >= ROUTERS;
        return if up { "Provisioned" } else { known }.to_owned();
    }
    // The routers begin to come up when the hub is done, and with it this table that nobody writes.
    let since = hub
        .child(HUB_TABLES, NO_TABLE)
        .ok()
        .and_then(|table| world.resources.get(&table))
        .filter(|table| table.state == State::Succeeded)
        .map(|table| now.since(table.settled_at));
    let word = match since {
        None => "None",
        Some(since) if since < ROUTERS => "Provisioning",
        Some(_) => "Provisioned",
    };
    word.to_owned()
}

/// The tables that Azure makes with a hub, where they are not there.
fn tables_of(world: &World, hub: &ResourceId) -> Vec<(ResourceId, Value)> {
    let table = |(name, label): (&str, &str)| {
        let id = hub.child(HUB_TABLES, name).ok()?;
        let body = json!({
            "name": name, "id": id.as_str(), "type": TABLES,
            "properties": { "routes": [], "labels": [label] },
        });
        (!world.resources.contains_key(&id)).then_some((id, body))
    };
    [(DEFAULT_TABLE, "default"), (NO_TABLE, "none")].into_iter().filter_map(table).collect()
}

/// What a connection follows and fills where nobody says: the default table of its hub, and its label.
pub(super) fn routing_defaults(properties: &mut Value, hub: &ResourceId, world: &World) {
    let Ok(table) = hub.child(HUB_TABLES, DEFAULT_TABLE) else { return };
    default(properties, "routingConfiguration", json!({}));
    let routing = &mut properties["routingConfiguration"];
    default(routing, "associatedRouteTable", json!({ "id": table.as_str() }));
    default(routing, "propagatedRouteTables", json!({}));
    let propagated = &mut routing["propagatedRouteTables"];
    let said = propagated.get("labels").is_some() || propagated.get("ids").is_some();
    if !said {
        propagated["ids"] = json!([{ "id": table.as_str() }]);
        propagated["labels"] = json!(labels_of(world.body(&table), "default"));
    }
    default(propagated, "labels", json!([]));
    default(propagated, "ids", json!([]));
}
