//! Which peerings does a circuit have? Private, Microsoft's, and the public ones of old circuits.

use serde_json::{Value, json};

use super::{PostReading, Provider, Put, child, default, keep};
use crate::arm::kind;
use crate::arm::{self, CircuitPath};
use crate::model::ResourceId;
use crate::sim::body_rule::BodyRule;
use crate::sim::consequence::Consequence;
use crate::sim::world::World;

pub(super) struct CircuitPeeringType;

impl Provider for CircuitPeeringType {
    fn kind(&self) -> &'static str {
        kind::CIRCUIT_PEERINGS
    }

    fn word(&self) -> &'static str {
        "ExpressRouteCircuitPeering"
    }

    fn children(&self) -> &'static [&'static str] {
        &["connections"]
    }

    fn customer_asn(&self) -> Option<&'static str> {
        Some("peerASN")
    }

    fn body_rules(&self) -> &'static [BodyRule] {
        &[
            BodyRule::Prefix("/properties/primaryPeerAddressPrefix"),
            BodyRule::Prefix("/properties/secondaryPeerAddressPrefix"),
            BodyRule::Bounds("/properties/vlanId", 0, 4_094),
            BodyRule::Bounds("/properties/peerASN", 1, u32::MAX as u64),
            BodyRule::Bounds("/properties/azureASN", 1, u32::MAX as u64),
        ]
    }

    fn has_counters(&self) -> bool {
        true
    }

    fn post_reading(&self, verb: &str) -> Option<PostReading> {
        let (table, path) = verb.split_once('/')?;
        let path = CircuitPath::parse(path)?;
        match table {
            "arptables" => Some(PostReading::ArpTable(path)),
            "routetables" => Some(PostReading::RouteTable(path)),
            "routetablessummary" => Some(PostReading::RouteSummary(path)),
            _ => None,
        }
    }

    fn locks_with_conflict(&self) -> bool {
        true
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("connections");
        }
        if let Some(id) = properties.pointer("/routeFilter/id").cloned() {
            properties["routeFilter"] = json!({ "id": id });
        }
        let azures = ["azureASN", "primaryAzurePort", "secondaryAzurePort", "gatewayManagerEtag"];
        keep(&mut properties, put.stored, &azures);
        keep(&mut properties, put.stored, &["lastModifiedBy"]);
        default(&mut properties, "azureASN", json!(0));
        default(&mut properties, "state", json!("Enabled"));
        default(&mut properties, "lastModifiedBy", json!(""));
        default(&mut properties, "peeredConnections", json!([]));
        if put.text("/properties/peeringType") == Some("MicrosoftPeering") {
            public(&mut properties, "NotConfigured");
            keep_validated(&mut properties, put.stored);
        }
        child(put, properties)
    }

    fn keeps_children(&self) -> bool {
        true
    }

    fn finished(&self, world: &World, id: &ResourceId) -> Vec<Consequence> {
        let location = id.parent().and_then(|circuit| {
            let place = arm::CircuitView::of(world.body(&circuit)?).location()?;
            Some(place.to_ascii_uppercase().replace(' ', "-"))
        });
        let location = location.unwrap_or_default();
        let change = Consequence::change(world, id, |body| {
            let properties = &mut body["properties"];
            properties["azureASN"] = json!(12076);
            // Each path ends on a router of its own.
            let port = |n: u32, path: &str| json!(format!("{location}-06GMR-CIS-{n}-{path}-A"));
            default(properties, "primaryAzurePort", port(1, "PRI"));
            default(properties, "secondaryAzurePort", port(2, "SEC"));
            default(properties, "gatewayManagerEtag", json!(""));
            properties["lastModifiedBy"] = json!("Customer");
            if properties["peeringType"] == json!("MicrosoftPeering") {
                ask_for_validation(properties);
            }
        });
        change.into_iter().collect()
    }
}

/// Where the prefixes of each address family stand, which Azure has validated one after the other.
const PUBLIC: [&str; 2] = ["/microsoftPeeringConfig", "/ipv6PeeringConfig/microsoftPeeringConfig"];

/// Prefixes that a write does not change are as valid as they were.
fn keep_validated(properties: &mut Value, stored: Option<&Value>) {
    for place in PUBLIC {
        let before = stored.and_then(|stored| stored["properties"].pointer(place));
        let Some((config, before)) = properties.pointer_mut(place).zip(before) else { continue };
        let prefixes = "advertisedPublicPrefixes";
        if config.get(prefixes) == before.get(prefixes)
            && let Some(state) = before.get("advertisedPublicPrefixesState")
        {
            config["advertisedPublicPrefixesState"] = state.clone();
        }
    }
}

/// New prefixes are to be validated.
fn ask_for_validation(properties: &mut Value) {
    for place in PUBLIC {
        if let Some(config) = properties.pointer_mut(place)
            && config["advertisedPublicPrefixesState"] == json!("NotConfigured")
        {
            config["advertisedPublicPrefixesState"] = json!("ValidationNeeded");
        }
    }
}

/// What Azure says of the public prefixes of a Microsoft peering, of both address families.
fn public(properties: &mut Value, state: &str) {
    let say = |config: &mut Value| {
        if config.is_object() {
            config["advertisedPublicPrefixesState"] = json!(state);
            default(config, "legacyMode", json!(0));
            default(config, "customerASN", json!(0));
            default(config, "routingRegistryName", json!("NONE"));
        }
    };
    if let Some(config) = properties.get_mut("microsoftPeeringConfig") {
        say(config);
    }
    if let Some(v6) = properties.get_mut("ipv6PeeringConfig").filter(|v6| v6.is_object()) {
        default(v6, "state", json!("Enabled"));
        if let Some(config) = v6.get_mut("microsoftPeeringConfig") {
            say(config);
        }
    }
}
