//! Who uses this? What Azure shows in a body of those whose bodies name it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::parts::Resource;
use super::provider;
use super::world::World;
use crate::arm::read::list;
use crate::model::ResourceId;

impl World {
    /// Everything that stands in subnets and has addresses.
    fn standing(&self) -> impl Iterator<Item = (&ResourceId, &Resource)> {
        let types = provider::all().filter(|provider| provider.stands_in_subnets());
        types.flat_map(|provider| self.resources.of_type(provider.kind()))
    }

    /// What stands in a subnet, or has an address.
    pub(super) fn users_of(&self, id: &ResourceId) -> impl Iterator<Item = &ResourceId> {
        self.standing().filter(|(_, resource)| resource.names(id)).map(|(user, _)| user)
    }

    /// The first that stands in a subnet, or has an address.
    pub(super) fn user_of(&self, id: &ResourceId) -> Option<ResourceId> {
        self.users_of(id).next().cloned()
    }

    /// The configurations of what stands in a subnet, or has an address.
    pub(super) fn configurations_with(&self, id: &ResourceId) -> Vec<Value> {
        let all = self.standing();
        all.flat_map(|(user, resource)| configurations_naming(id, user, &resource.body)).collect()
    }

    /// Who has an address stands in one place: an address does not tell it where its user does.
    pub(super) fn tell_users_once(&mut self) {
        let tells =
            |resource: &Resource| resource.body.pointer("/properties/ipConfiguration").is_some();
        let all = self.resources.iter().filter(|(_, resource)| tells(resource));
        let told = all.filter(|(id, _)| self.user_of(id).is_some());
        let told: BTreeSet<String> = told.map(|(id, _)| id.key().to_owned()).collect();
        if told.is_empty() {
            return;
        }
        self.resources.rewrite(|body| {
            let own = body.get("id").and_then(Value::as_str).unwrap_or_default();
            if told.contains(&own.to_ascii_lowercase())
                && let Some(properties) = body["properties"].as_object_mut()
            {
                properties.remove("ipConfiguration");
            }
        });
    }

    /// Adds to a body those that name it under a key of theirs, in their lists; nothing where there are none.
    pub(super) fn show_users(&self, id: &ResourceId, key: &str, body: &mut Value) {
        let pointer = format!("/properties/{key}/id");
        for provider in provider::all() {
            let Some(list) = provider.is_shown_among() else { continue };
            let users = self.resources.of_type(provider.kind()).filter(|(_, resource)| {
                let used = resource.body.pointer(&pointer).and_then(Value::as_str);
                used.is_some_and(|used| used.eq_ignore_ascii_case(id.as_str()))
            });
            let users: Vec<Value> = users.map(|(user, _)| json!({ "id": user.as_str() })).collect();
            if !users.is_empty() {
                body["properties"][list] = json!(users);
            }
        }
    }
}

/// The configurations of a body that name a subnet, or an address.
pub(super) fn configurations_naming<'b>(
    id: &'b ResourceId,
    user: &'b ResourceId,
    body: &'b Value,
) -> impl Iterator<Item = Value> + use<'b> {
    let names = |configuration: &&Value| {
        ["subnet", "publicIPAddress"].iter().any(|key| {
            let used = configuration.pointer(&format!("/properties/{key}/id"));
            let used = used.and_then(Value::as_str);
            used.is_some_and(|used| used.eq_ignore_ascii_case(id.as_str()))
        })
    };
    list(body, "/properties/ipConfigurations").iter().filter(move |own| names(own)).map(
        move |configuration| {
            let name = configuration["name"].as_str().unwrap_or("default");
            json!({ "id": format!("{user}/ipConfigurations/{name}") })
        },
    )
}
