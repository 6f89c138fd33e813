//! Who uses this? What Azure shows in a body of those whose bodies name it.

use serde_json::{Value, json};

use super::world::World;
use crate::arm;
use crate::arm::kind;
use crate::model::ResourceId;

impl World {
    /// The configurations of gateways that use a subnet or an address.
    pub(super) fn configurations_with(&self, id: &ResourceId) -> Vec<Value> {
        let names = |configuration: &&Value| {
            ["subnet", "publicIPAddress"].iter().any(|key| {
                let used = configuration.pointer(&format!("/properties/{key}/id"));
                let used = used.and_then(Value::as_str);
                used.is_some_and(|used| used.eq_ignore_ascii_case(id.as_str()))
            })
        };
        let gateways = self.resources.of_type(kind::GATEWAYS);
        gateways
            .flat_map(|(gateway, resource)| {
                let own =
                    arm::GatewayView::of(&resource.body).configurations().iter().filter(names);
                own.map(move |configuration| {
                    let name = configuration["name"].as_str().unwrap_or("default");
                    json!({ "id": format!("{gateway}/ipConfigurations/{name}") })
                })
            })
            .collect()
    }

    /// Adds to a body the subnets that name it under a key of theirs; nothing where there are none.
    pub(super) fn show_subnets_with(&self, id: &ResourceId, key: &str, body: &mut Value) {
        let pointer = format!("/properties/{key}/id");
        let subnets = self.resources.of_type(kind::SUBNETS);
        let users = subnets.filter(|(_, resource)| {
            let used = resource.body.pointer(&pointer).and_then(Value::as_str);
            used.is_some_and(|used| used.eq_ignore_ascii_case(id.as_str()))
        });
        let users: Vec<Value> = users.map(|(user, _)| json!({ "id": user.as_str() })).collect();
        if !users.is_empty() {
            body["properties"]["subnets"] = json!(users);
        }
    }
}
