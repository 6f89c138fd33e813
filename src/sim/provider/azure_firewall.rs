//! What do routes need of an Azure Firewall? Its private address.

use serde_json::{Value, json};

use super::{Provider, Put, default, id_at, name_parts, top_level};
use crate::arm::kind;
use crate::model::ResourceId;
use crate::sim::consequence::Consequence;
use crate::sim::world::World;

pub(super) struct AzureFirewallType;

const CONFIGURATIONS: &str = "/properties/ipConfigurations";

impl Provider for AzureFirewallType {
    fn kind(&self) -> &'static str {
        kind::FIREWALLS
    }

    fn word(&self) -> &'static str {
        "AzureFirewall"
    }

    fn parts(&self) -> &'static [&'static str] {
        &[CONFIGURATIONS]
    }

    fn stands_in_subnets(&self) -> bool {
        true
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        name_parts(&mut properties, put.id, self.parts());
        for (key, value) in [
            ("threatIntelMode", json!("Alert")),
            ("additionalProperties", json!({})),
            ("networkRuleCollections", json!([])),
            ("applicationRuleCollections", json!([])),
            ("natRuleCollections", json!([])),
        ] {
            default(&mut properties, key, value);
        }
        top_level(put, properties)
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        let list = body.pointer(CONFIGURATIONS).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .flat_map(|own| ["subnet", "publicIPAddress"].map(|key| (own, key)))
            .filter_map(|(own, key)| id_at(own, &format!("/properties/{key}/id")))
            .collect()
    }

    fn finished(&self, world: &World, id: &ResourceId) -> Vec<Consequence> {
        let subnet = world
            .body(id)
            .and_then(|body| id_at(body, "/properties/ipConfigurations/0/properties/subnet/id"));
        let prefixes =
            subnet.and_then(|subnet| world.body(&subnet)).map(super::subnet::prefixes_of);
        // Azure keeps the first addresses of a subnet; the next one is the firewall's.
        let address = prefixes.into_iter().flatten().find_map(|prefix| match prefix {
            ipnet::IpNet::V4(prefix) => Some(u32::from(prefix.network()).saturating_add(4)),
            ipnet::IpNet::V6(_) => None,
        });
        let Some(address) = address else { return Vec::new() };
        let address = std::net::Ipv4Addr::from(address).to_string();
        let change = Consequence::change(world, id, |body| {
            if let Some(own) = body.pointer_mut("/properties/ipConfigurations/0/properties") {
                default(own, "privateIPAddress", json!(address));
            }
        });
        change.into_iter().collect()
    }
}
