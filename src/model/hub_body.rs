//! What is written for something of a virtual WAN? One body for who sends it, plans with it, or types it.

use serde_json::{Value, json};

use super::hub::{HubAction, HubConnection, HubGateway, HubRoutes, HubVnet, Routing, VirtualHub};
use super::tags::Tags;

/// The body that the action writes, as far as the author says it; without the key.
#[must_use]
pub fn body_of(action: &HubAction) -> Value {
    match action {
        HubAction::Hub(spec) => hub(spec),
        HubAction::Gateway(spec) => gateway(spec),
        HubAction::Connection(spec) => connection(spec),
        HubAction::Vnet(spec) => vnet(spec),
        HubAction::Routes(spec) => table(spec),
    }
}

fn hub(spec: &VirtualHub) -> Value {
    let mut wanted = json!({
        "location": spec.location.as_str(),
        "properties": {
            "virtualWan": { "id": spec.wan.as_str() },
            "addressPrefix": spec.prefix.to_string(),
            "sku": "Standard",
        },
    });
    set(&mut wanted, "hubRoutingPreference", spec.preference.map(|own| own.as_str()));
    let units = spec.routing_units_min.map(|least| json!({ "minCapacity": least }));
    set(&mut wanted, "virtualRouterAutoScaleConfiguration", units);
    with_tags(wanted, &spec.tags)
}

fn gateway(spec: &HubGateway) -> Value {
    let mut wanted = json!({
        "location": spec.location.as_str(),
        "properties": {
            "virtualHub": { "id": spec.hub.as_str() },
            "autoScaleConfiguration": { "bounds": { "min": spec.units.min, "max": spec.units.max } },
        },
    });
    set(&mut wanted, "allowNonVirtualWanTraffic", spec.allow_non_wan_traffic);
    with_tags(wanted, &spec.tags)
}

fn connection(spec: &HubConnection) -> Value {
    // Of all bodies, this one's name is required.
    let mut wanted = json!({ "name": spec.id.name(), "properties": {
        "expressRouteCircuitPeering": { "id": spec.peering() },
    } });
    set(&mut wanted, "routingWeight", spec.routing_weight);
    set(&mut wanted, "enableInternetSecurity", spec.internet_security);
    set(&mut wanted, "expressRouteGatewayBypass", spec.fast_path);
    set(&mut wanted, "routingConfiguration", routing(&spec.routing));
    wanted
}

fn vnet(spec: &HubVnet) -> Value {
    let mut wanted = json!({ "properties": {
        "remoteVirtualNetwork": { "id": spec.vnet.as_str() },
    } });
    set(&mut wanted, "enableInternetSecurity", spec.internet_security);
    set(&mut wanted, "routingConfiguration", routing(&spec.routing));
    wanted
}

/// Which tables a connection follows and fills, as far as the author says.
fn routing(spec: &Routing) -> Option<Value> {
    let mut wanted = serde_json::Map::new();
    if let Some(table) = &spec.associated {
        wanted.insert("associatedRouteTable".to_owned(), json!({ "id": table.as_str() }));
    }
    let mut propagated = serde_json::Map::new();
    if let Some(labels) = &spec.labels {
        propagated.insert("labels".to_owned(), json!(labels));
    }
    if let Some(tables) = &spec.propagated {
        let ids = tables.iter().map(|table| json!({ "id": table.as_str() }));
        propagated.insert("ids".to_owned(), ids.collect());
    }
    if !propagated.is_empty() {
        wanted.insert("propagatedRouteTables".to_owned(), Value::Object(propagated));
    }
    (!wanted.is_empty()).then_some(Value::Object(wanted))
}

fn table(spec: &HubRoutes) -> Value {
    let routes = spec.routes.iter().map(|route| {
        let prefixes: Vec<String> = route.prefixes.iter().map(ToString::to_string).collect();
        json!({
            "name": route.name, "destinationType": "CIDR", "destinations": prefixes,
            "nextHopType": "ResourceId", "nextHop": route.next_hop.as_str(),
        })
    });
    let mut wanted = json!({ "properties": { "routes": routes.collect::<Vec<_>>() } });
    set(&mut wanted, "labels", spec.labels.as_ref().map(|labels| json!(labels)));
    wanted
}

/// Puts what the author said into the properties.
fn set<T: Into<Value>>(wanted: &mut Value, key: &str, value: Option<T>) {
    if let Some(value) = value {
        wanted["properties"][key] = value.into();
    }
}

fn with_tags(mut wanted: Value, tags: &Tags) -> Value {
    if !tags.is_empty() {
        wanted["tags"] = tags.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
    }
    wanted
}
