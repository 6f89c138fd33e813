//! Subnets: a PUT replaces the whole, so a route table that is not sent is gone.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{Provider, Put, child, default, id_at};
use crate::model::ResourceId;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct Subnet;

/// What stands in a subnet.
const USERS: [&str; 5] = [
    "ipConfigurations",
    "ipConfigurationProfiles",
    "privateEndpoints",
    "resourceNavigationLinks",
    "serviceAssociationLinks",
];

impl Provider for Subnet {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/virtualNetworks/subnets"
    }

    fn word(&self) -> &'static str {
        "Subnet"
    }

    fn first_retry_after(&self) -> (u64, u64) {
        (3, 10)
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let text = put.text("/properties/addressPrefix").unwrap_or_default();
        let prefix: IpNet = text.parse().map_err(|_| {
            let message =
                format!("The address prefix '{text}' of subnet {} is not valid.", put.id.name());
            Refusal::new(400, "InvalidCIDRNotation", message)
        })?;
        let vnet = put.id.parent();
        let space: Vec<IpNet> = vnet
            .as_ref()
            .and_then(|vnet| world.body(vnet))
            .and_then(|body| body.pointer("/properties/addressSpace/addressPrefixes"))
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(|p| p.as_str()?.parse().ok()).collect())
            .unwrap_or_default();
        if !space.iter().any(|space| space.contains(&prefix)) {
            let message = format!(
                "Subnet '{}' is not valid because its IP address range is outside the IP address \
                 range of virtual network '{}'.",
                put.id.name(),
                vnet.as_ref().map_or("", ResourceId::name)
            );
            return Err(Refusal::new(400, "NetcfgInvalidSubnet", message));
        }
        let overlapping = world.ids().any(|other| {
            other != put.id
                && other.parent() == vnet
                && other.resource_type().is(self.kind())
                && world
                    .body(other)
                    .and_then(|body| body.pointer("/properties/addressPrefix"))
                    .and_then(|p| p.as_str()?.parse::<IpNet>().ok())
                    .is_some_and(|p| p.contains(&prefix) || prefix.contains(&p))
        });
        if overlapping {
            let message = format!("Subnet '{}' overlaps with another subnet.", put.id.name());
            return Err(Refusal::unconfirmed(&unconfirmed::SUBNETS_OVERLAP, message));
        }
        Ok(())
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            // Who uses it is Azure's to say.
            for key in USERS {
                properties.remove(key);
            }
        }
        super::keep(&mut properties, put.stored, &USERS);
        for delegation in
            properties.get_mut("delegations").and_then(Value::as_array_mut).into_iter().flatten()
        {
            let name = delegation["name"].as_str().unwrap_or_default().to_owned();
            delegation["id"] = json!(format!("{}/delegations/{name}", put.id));
            delegation["type"] = json!("Microsoft.Network/virtualNetworks/subnets/delegations");
            let actions = json!(["Microsoft.Network/virtualNetworks/subnets/join/action"]);
            default(&mut delegation["properties"], "actions", actions);
        }
        for endpoint in properties
            .get_mut("serviceEndpoints")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            default(endpoint, "provisioningState", json!("Succeeded"));
            default(endpoint, "locations", json!(["*"]));
        }
        let mut body = child(put, properties);
        self.complete(&mut body);
        body
    }

    fn complete(&self, body: &mut Value) {
        let properties = &mut body["properties"];
        // Gateways are found where they are; of others only a world file tells.
        if let Some(users) = properties.get_mut("ipConfigurations").and_then(Value::as_array_mut) {
            users.retain(|user| {
                let id = user["id"].as_str().unwrap_or_default().to_ascii_lowercase();
                !id.contains("/virtualnetworkgateways/")
            });
            if users.is_empty()
                && let Some(properties) = properties.as_object_mut()
            {
                properties.remove("ipConfigurations");
            }
        }
        default(properties, "delegations", json!([]));
        default(properties, "ipamPoolPrefixAllocations", json!([]));
        default(properties, "privateEndpointNetworkPolicies", json!("Disabled"));
        default(properties, "privateLinkServiceNetworkPolicies", json!("Enabled"));
    }

    fn joins(&self, _: &ResourceId, body: &Value) -> Vec<(ResourceId, &'static str)> {
        self.references(body).into_iter().map(|table| (table, "join/action")).collect()
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        id_at(body, "/properties/routeTable/id").into_iter().collect()
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        match world.subnet_user(id) {
            None => Ok(()),
            Some(user) => Err(Refusal::new(
                400,
                "InUseSubnetCannotBeDeleted",
                format!(
                    "Subnet {} is in use by {user} and cannot be deleted. In order to delete the \
                     subnet, delete all the resources within the subnet.",
                    id.name()
                ),
            )),
        }
    }
}
