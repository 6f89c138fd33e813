//! Which tags does a resource have? `Microsoft.Resources/tags/default` of a group or a resource.

use serde_json::{Map, Value, json};

use super::Asking;
use crate::azure::wire::{Method, WireResponse};
use crate::model::ResourceId;
use crate::sim::reply::{Refusal, empty_answer, json_answer};
use crate::sim::world::World;

const OWN: &str = "/providers/microsoft.resources/tags/default";

impl World {
    pub(super) fn tagging(&mut self, asking: &Asking<'_>) -> Option<Result<WireResponse, Refusal>> {
        let path = asking.path.trim_end_matches('/');
        let end = path.len().checked_sub(OWN.len())?;
        if !path.get(end..)?.eq_ignore_ascii_case(OWN) {
            return None;
        }
        Some(self.tags_of(asking, &path[..end]))
    }

    fn tags_of(&mut self, asking: &Asking<'_>, scope: &str) -> Result<WireResponse, Refusal> {
        let id = ResourceId::parse(scope).ok();
        let known = match &id {
            Some(id) => self.body(id).map(|body| body.get("tags").cloned()),
            None => self.groups.home(scope).map(|_| self.groups.tags(scope).cloned()),
        };
        let Some(tags) = known else {
            let message = format!("The resource '{scope}' was not found.");
            return Err(Refusal::new(404, "ResourceNotFound", message).by_gateway());
        };
        let before = tags.and_then(|tags| tags.as_object().cloned()).unwrap_or_default();
        let after = match asking.request.method {
            Method::Get => return Ok(told(scope, &before)),
            Method::Delete => Map::new(),
            Method::Put | Method::Patch => changed(asking, before)?,
            _ => {
                return Err(Refusal::new(405, "MethodNotAllowed", "Not allowed here.").by_gateway());
            }
        };
        if let Some(id) = &id {
            self.check_right(id, "write")?;
            let tags = Value::Object(after.clone());
            self.resources.edit(id, |stored| stored["tags"] = tags);
        } else if let Some(home) = self.groups.home(scope).cloned() {
            self.groups.put(scope, home, Some(&Value::Object(after.clone())));
        }
        match asking.request.method {
            Method::Delete => Ok(empty_answer(200)),
            _ => Ok(told(scope, &after)),
        }
    }
}

fn told(scope: &str, tags: &Map<String, Value>) -> WireResponse {
    json_answer(
        200,
        &json!({
            "id": format!("{scope}/providers/Microsoft.Resources/tags/default"), "name": "default",
            "type": "Microsoft.Resources/tags", "properties": { "tags": tags },
        }),
    )
}

/// The tags after a write: all anew, or merged, or without those that are named.
fn changed(asking: &Asking<'_>, before: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let body: Value = serde_json::from_slice(&asking.request.body).map_err(|_| {
        Refusal::new(400, "InvalidRequestContent", "The request content was invalid JSON.")
            .by_gateway()
    })?;
    let said =
        body.pointer("/properties/tags").and_then(Value::as_object).cloned().unwrap_or_default();
    let operation = match asking.request.method {
        Method::Put => "Replace",
        _ => body.get("operation").and_then(Value::as_str).unwrap_or("Replace"),
    };
    let mut tags = before;
    match operation {
        "Merge" => tags.extend(said),
        "Delete" => said.keys().for_each(|name| {
            tags.remove(name);
        }),
        _ => tags = said,
    }
    Ok(tags)
}
