//! Where in a body is the field that a policy names? A tag, the location, or an alias of the body's properties.

use serde_json::{Map, Value};

/// Properties that stand beside `properties`, of any type.
const BESIDE: [&str; 4] = ["identity", "location", "tags", "zones"];

/// Types whose size stands beside `properties`.
const SIZE_BESIDE: [&str; 2] =
    ["Microsoft.Network/publicIPAddresses", "Microsoft.Network/expressRouteCircuits"];

/// The place of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyField {
    path: Vec<String>,
    /// Whether it is an item of the list at that place (`[*]`).
    each: bool,
}

impl PolicyField {
    /// The place that a policy's word for a field is of resources of a type; none where it is of others, or within
    /// the items of a list.
    #[must_use]
    pub fn of(kind: &str, field: &str) -> Option<Self> {
        if let Some(tag) = tag(field) {
            return Some(Self { path: vec!["tags".to_owned(), tag.to_owned()], each: false });
        }
        let alias = match field.rsplit_once('/') {
            None => field,
            Some(_) => field.get(kind.len() + 1..).filter(|_| {
                field.get(..kind.len()).is_some_and(|own| own.eq_ignore_ascii_case(kind))
                    && field.as_bytes().get(kind.len()) == Some(&b'/')
            })?,
        };
        let (alias, each) = alias.strip_suffix("[*]").map_or((alias, false), |list| (list, true));
        if alias.contains("[*]") || alias.is_empty() {
            return None;
        }
        let mut path: Vec<String> = alias.split(['.', '/']).map(str::to_owned).collect();
        let first = path.first().map(String::as_str).unwrap_or_default();
        let size = first == "sku" && SIZE_BESIDE.iter().any(|own| own.eq_ignore_ascii_case(kind));
        if !size && !BESIDE.contains(&first) && first != "properties" {
            path.insert(0, "properties".to_owned());
        }
        Some(Self { path, each })
    }

    /// The field's name, without its type.
    #[must_use]
    pub fn name(&self) -> String {
        let path = self.path.strip_prefix(&["properties".to_owned()][..]).unwrap_or(&self.path);
        path.join(".")
    }

    /// What a body has there.
    #[must_use]
    pub fn in_body<'v>(&self, body: &'v Value) -> Option<&'v Value> {
        let mut at = body;
        for key in &self.path {
            at = at.as_object()?.iter().find(|(own, _)| own.eq_ignore_ascii_case(key))?.1;
        }
        Some(at).filter(|value| !value.is_null())
    }

    /// Whether a body has this value there, or this item in its list. A policy's value may be the text of one.
    #[must_use]
    pub fn has(&self, body: &Value, value: &Value) -> bool {
        self.in_body(body).is_some_and(|there| match there.as_array().filter(|_| self.each) {
            Some(items) => items.iter().any(|item| alike(item, value)),
            None => alike(there, value),
        })
    }

    /// Writes it: an item is added to its list.
    pub fn write(&self, body: &mut Value, value: &Value) {
        let mut at = body;
        for key in &self.path {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            let Some(object) = at.as_object_mut() else { return };
            let own = object.keys().find(|own| own.eq_ignore_ascii_case(key)).cloned();
            at = object.entry(own.unwrap_or_else(|| key.clone())).or_insert(Value::Null);
        }
        match at.as_array_mut().filter(|_| self.each) {
            Some(items) => items.push(value.clone()),
            None if self.each => *at = Value::Array(vec![value.clone()]),
            None => *at = value.clone(),
        }
    }

    /// Takes it out.
    pub fn remove(&self, body: &mut Value) {
        let Some((last, above)) = self.path.split_last() else { return };
        let mut at = body;
        for key in above {
            let Some(object) = at.as_object_mut() else { return };
            let own = object.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(key));
            let Some((_, below)) = own else { return };
            at = below;
        }
        if let Some(object) = at.as_object_mut() {
            object.retain(|own, _| !own.eq_ignore_ascii_case(last));
        }
    }
}

/// The tag of `tags.NAME`, `tags[NAME]` or `tags['NAME']`.
fn tag(field: &str) -> Option<&str> {
    let bracket = field.strip_prefix("tags[").and_then(|rest| rest.strip_suffix(']'));
    bracket.map(|name| name.trim_matches('\'')).or_else(|| field.strip_prefix("tags."))
}

/// The same, or one the other's text; a whole item holds what is asked of it and more.
fn alike(there: &Value, value: &Value) -> bool {
    match (there, value) {
        (Value::Object(there), Value::Object(value)) => {
            value.iter().all(|(key, value)| there.get(key).is_some_and(|there| alike(there, value)))
        }
        _ => words(there).eq_ignore_ascii_case(&words(value)),
    }
}

/// A value as a policy's answer writes it.
fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PEERING: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";

    #[test]
    fn a_field_is_a_tag_the_location_or_an_alias() {
        let body = json!({ "location": "eastasia", "tags": { "Env": "prod" }, "sku": { "name": "Standard" },
            "properties": { "allowForwardedTraffic": true, "routes": [{ "name": "a", "more": 1 }] } });
        let has = |kind: &str, field: &str, value: Value| {
            PolicyField::of(kind, field).unwrap().has(&body, &value)
        };
        assert!(has(PEERING, "tags['env']", json!("prod")));
        assert!(has(PEERING, "tags.env", json!("PROD")));
        assert!(has(PEERING, "location", json!("eastasia")));
        let alias = format!("{PEERING}/allowForwardedTraffic");
        assert!(has(PEERING, &alias, json!("true")) && !has(PEERING, &alias, json!(false)));
        assert!(has(
            "Microsoft.Network/routeTables",
            "microsoft.network/routetables/routes[*]",
            json!({ "name": "A" })
        ));
        assert!(has(
            "Microsoft.Network/publicIPAddresses",
            "Microsoft.Network/publicIPAddresses/sku.name",
            json!("standard")
        ));
        assert_eq!(PolicyField::of("Microsoft.Network/routeTables", &alias), None);
        assert_eq!(
            PolicyField::of(
                "Microsoft.Network/routeTables",
                "Microsoft.Network/routeTables/routes[*].name"
            ),
            None
        );
    }

    #[test]
    fn what_a_policy_writes_is_there_and_what_it_takes_out_is_not() {
        let of = |field: &str| PolicyField::of(PEERING, field).unwrap();
        let alias = of(&format!("{PEERING}/a.b"));
        let mut body = json!({ "properties": { "a": { "c": 1 } } });
        alias.write(&mut body, &json!(2));
        of(&format!("{PEERING}/list[*]")).write(&mut body, &json!("x"));
        of(&format!("{PEERING}/list[*]")).write(&mut body, &json!("y"));
        assert_eq!(body, json!({ "properties": { "a": { "c": 1, "b": 2 }, "list": ["x", "y"] } }));
        alias.remove(&mut body);
        assert_eq!(body["properties"]["a"], json!({ "c": 1 }));
        assert_eq!(alias.name(), "a.b");
    }
}
