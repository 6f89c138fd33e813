//! What is in a subscription or a group? Lists of resources, with the filters that tools use.

use serde_json::{Value, json};
use url::Url;

use super::Asking;
use crate::azure::wire::{Method, WireResponse};
use crate::model::ResourceId;
use crate::sim::reply::{Refusal, json_answer};
use crate::sim::world::World;

/// How many resources stand on a page of a list of all (published: the most that `$top` may be), and the word for
/// where the next one begins.
const PAGE: usize = 1_000;
const SKIP: &str = "$skiptoken";

impl World {
    pub(super) fn inventories(
        &mut self,
        asking: &Asking<'_>,
    ) -> Option<Result<WireResponse, Refusal>> {
        let lower = asking.lower();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let scope = match lower.as_slice() {
            ["subscriptions", _, "resources"]
            | ["subscriptions", _, "resourcegroups", _, "resources"]
                if asking.request.method == Method::Get =>
            {
                let path = asking.path.trim_end_matches('/');
                path[..path.len() - "/resources".len()].to_ascii_lowercase()
            }
            _ => return None,
        };
        if lower.len() == 5 && self.groups.home(&scope).is_none() {
            let message = format!("Resource group '{}' could not be found.", asking.parts[3]);
            return Some(Err(Refusal::new(404, "ResourceGroupNotFound", message).by_gateway()));
        }
        let terms = asking.query("$filter").map(|text| terms(&text)).unwrap_or_default();
        let most = asking.query("$top").and_then(|text| text.parse().ok());
        let skipped = asking.query(SKIP).and_then(|text| text.parse().ok()).unwrap_or(0_usize);
        let mut rest = self
            .ids()
            .filter(|id| id.parent().is_none() && id.key().starts_with(&format!("{scope}/")))
            .filter_map(|id| self.item(id))
            .filter(|item| terms.iter().all(|term| term.holds(item)))
            .skip(skipped)
            .peekable();
        let value: Vec<Value> = rest.by_ref().take(most.unwrap_or(PAGE)).collect();
        let mut list = json!({ "value": value });
        // Who says how many wants no more than those.
        if most.is_none() && rest.peek().is_some() {
            list["nextLink"] = json!(after(asking.url, skipped + PAGE).as_str());
        }
        Some(Ok(json_answer(200, &list)))
    }

    fn item(&self, id: &ResourceId) -> Option<Value> {
        let body = self.body(id)?;
        let mut item = json!({
            "id": id.as_str(), "name": id.name(), "type": id.resource_type().as_str(),
            "location": self.location(id).map(|region| region.as_str().to_owned()),
        });
        for key in ["sku", "kind", "tags", "zones", "identity"] {
            if let Some(value) = body.get(key) {
                item[key] = value.clone();
            }
        }
        Some(item)
    }
}

/// The same question, from a later place on.
fn after(url: &Url, place: usize) -> Url {
    let mut next = url.clone();
    let kept = url.query_pairs().filter(|(key, _)| key != SKIP);
    next.query_pairs_mut().clear().extend_pairs(kept).append_pair(SKIP, &place.to_string());
    next
}

/// A term of a filter: `field eq 'value'`. What else OData can say is not understood, and filters nothing.
struct Term {
    field: String,
    value: String,
}

impl Term {
    fn holds(&self, item: &Value) -> bool {
        let is = |own: Option<&str>| own.is_some_and(|own| own.eq_ignore_ascii_case(&self.value));
        let tags = item.get("tags").and_then(Value::as_object);
        match self.field.as_str() {
            "resourcetype" => is(item["type"].as_str()),
            "name" => is(item["name"].as_str()),
            "location" => is(item["location"].as_str()),
            "resourcegroup" => is(item["id"].as_str().and_then(|id| id.split('/').nth(4))),
            "tagname" => tags.is_some_and(|tags| tags.keys().any(|key| is(Some(key)))),
            "tagvalue" => tags.is_some_and(|tags| tags.values().any(|own| is(own.as_str()))),
            _ => true,
        }
    }
}

fn terms(filter: &str) -> Vec<Term> {
    let one = |term: &str| {
        let (field, value) = term.trim().trim_matches(['(', ')']).split_once(" eq ")?;
        Some(Term {
            field: field.trim().to_ascii_lowercase(),
            value: value.trim().trim_matches('\'').to_owned(),
        })
    };
    filter.split(" and ").filter_map(one).collect()
}
