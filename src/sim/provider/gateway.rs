//! Virtual network gateways of the ExpressRoute kind.

use serde_json::{Value, json};

use super::{Provider, Put, default, id_at, keep, top_level};
use crate::model::ResourceId;
use crate::sim::reply::Refusal;
use crate::sim::world::World;

pub(super) struct Gateway;

const SKUS: [&str; 7] = [
    "ErGw1AZ",
    "ErGw2AZ",
    "ErGw3AZ",
    "ErGwScale",
    "HighPerformance",
    "Standard",
    "UltraPerformance",
];

impl Provider for Gateway {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/virtualNetworkGateways"
    }

    fn word(&self) -> &'static str {
        "VirtualNetworkGateway"
    }

    fn locks_with_conflict(&self) -> bool {
        true
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let sku = put.text("/properties/sku/name").unwrap_or_default();
        if !SKUS.iter().any(|known| known.eq_ignore_ascii_case(sku)) {
            let message =
                format!("The gateway SKU '{sku}' is not valid for an ExpressRoute gateway.");
            return Err(Refusal::new(
                400,
                "InvalidGatewaySkuSpecifiedForGatewayDeploymentType",
                message,
            ));
        }
        let subnet = self.references(put.body).into_iter().find(|id| id.parent().is_some());
        let Some(subnet) = subnet else {
            let message = "The gateway has no IP configuration with a subnet.";
            return Err(Refusal::new(400, "InvalidRequestFormat", message));
        };
        if subnet.name() != "GatewaySubnet" {
            let message = format!("Subnet {} is not named GatewaySubnet.", subnet.name());
            return Err(Refusal::new(400, "InvalidGatewaySubnetName", message));
        }
        match world.subnet_user(&subnet) {
            Some(other) if other != *put.id => {
                let message = format!("Subnet {subnet} is already used by gateway {other}.");
                Err(Refusal::new(400, "GatewaySubnetAlreadyInUse", message))
            }
            _ => Ok(()),
        }
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        keep(&mut properties, put.stored, &["bgpSettings"]);
        default(&mut properties, "bgpSettings", json!({ "asn": 0, "peerWeight": 0 }));
        for (key, value) in [
            ("enablePrivateIpAddress", json!(false)),
            ("natRules", json!([])),
            ("virtualNetworkGatewayPolicyGroups", json!([])),
            ("enableBgp", json!(false)),
            ("activeActive", json!(false)),
            ("vpnType", json!("RouteBased")),
        ] {
            default(&mut properties, key, value);
        }
        default(&mut properties["sku"], "capacity", json!(2));
        if let Some(list) = properties["ipConfigurations"].as_array_mut() {
            for configuration in list {
                let name = configuration["name"].as_str().unwrap_or("default").to_owned();
                configuration["id"] = json!(format!("{}/ipConfigurations/{name}", put.id));
                default(
                    &mut configuration["properties"],
                    "privateIPAllocationMethod",
                    json!("Dynamic"),
                );
            }
        }
        top_level(put, properties)
    }

    fn joins(&self, _: &ResourceId, body: &Value) -> Vec<(ResourceId, &'static str)> {
        self.references(body).into_iter().map(|used| (used, "join/action")).collect()
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        let configuration = "/properties/ipConfigurations/0/properties";
        ["subnet", "publicIPAddress"]
            .iter()
            .filter_map(|key| id_at(body, &format!("{configuration}/{key}/id")))
            .collect()
    }

    fn finished(&self, world: &mut World, id: &ResourceId) {
        world.edit(id, |body| {
            body["properties"]["bgpSettings"] = json!({ "asn": 65515, "peerWeight": 0 });
        });
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        match world.user_of(id, "Microsoft.Network/connections") {
            None => Ok(()),
            // Not recorded anywhere (azure-facts 3.5): a synthetic code.
            Some(user) => Err(Refusal::new(
                400,
                "VirtualNetworkGatewayCannotBeDeletedWithConnections",
                format!("Gateway {id} has the connection {user}; delete the connection first."),
            )),
        }
    }
}
