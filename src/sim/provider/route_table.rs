//! Route tables, with their routes inside.

use serde_json::{Value, json};

use super::{Provider, Put, default, top_level};
use crate::model::ResourceId;
use crate::sim::reply::Refusal;
use crate::sim::world::World;

pub(super) struct RouteTable;

impl Provider for RouteTable {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/routeTables"
    }

    fn word(&self) -> &'static str {
        "RouteTable"
    }

    fn first_retry_after(&self) -> (u64, u64) {
        (2, 2)
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn validate(&self, _: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let routes = put.body.pointer("/properties/routes").and_then(Value::as_array);
        for route in routes.into_iter().flatten() {
            let hop = route.pointer("/properties/nextHopType").and_then(Value::as_str);
            let address = route.pointer("/properties/nextHopIpAddress");
            if (hop == Some("VirtualAppliance")) != address.is_some() {
                let message = "Only a next hop of type VirtualAppliance has an address.";
                return Err(Refusal::new(400, "InvalidNextHop", message));
            }
        }
        Ok(())
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("subnets");
        }
        default(&mut properties, "routes", json!([]));
        default(&mut properties, "disableBgpRoutePropagation", json!(false));
        if let Some(routes) = properties["routes"].as_array_mut() {
            for route in routes {
                let name = route["name"].as_str().unwrap_or_default().to_owned();
                route["id"] = json!(format!("{}/routes/{name}", put.id));
                default(&mut route["properties"], "hasBgpOverride", json!(false));
            }
        }
        top_level(put, properties)
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        match world.user_of(id, "Microsoft.Network/virtualNetworks/subnets") {
            None => Ok(()),
            Some(user) => Err(Refusal::new(
                400,
                "InUseRouteTableCannotBeDeleted",
                format!("Route table {} is in use by {user} and cannot be deleted.", id.name()),
            )),
        }
    }
}
