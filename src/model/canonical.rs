//! When do two JSON values have the same text? One form for each value, which digests are made of.

use std::collections::BTreeMap;

/// JSON text with the keys of every object sorted: equal values have equal texts.
#[must_use]
pub fn canonical(value: &serde_json::Value) -> String {
    fn sorted(value: &serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(map) => {
                let ordered: BTreeMap<&String, &serde_json::Value> = map.iter().collect();
                ordered.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect()
            }
            serde_json::Value::Array(list) => list.iter().map(sorted).collect(),
            other @ serde_json::Value::Null
            | other @ serde_json::Value::Bool(_)
            | other @ serde_json::Value::Number(_)
            | other @ serde_json::Value::String(_) => other.clone(),
        }
    }
    sorted(value).to_string()
}
