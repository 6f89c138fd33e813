//! How does one body become another? By a merge patch, as RFC 7396 describes it: data that can be made in one
//! place and applied in another.

use serde_json::{Map, Value};

/// Applies a patch: what it names is set, null removes, and the rest stays.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The patch that makes `after` of `before`, but for nulls: a patch has no word for one that comes.
pub(super) fn difference(before: &Value, after: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return after.clone();
    };
    let mut patch = Map::new();
    for (key, value) in new {
        match old.get(key) {
            Some(known) if known == value => {}
            Some(known) => {
                patch.insert(key.clone(), difference(known, value));
            }
            None if value.is_null() => {}
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_patch_sets_what_it_names_and_leaves_the_rest() {
        let mut body = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge(&mut body, &json!({"a": {"b": null, "e": {"f": 3}}, "d": [2, 3]}));
        assert_eq!(body, json!({"a": {"c": 2, "e": {"f": 3}}, "d": [2, 3]}));
    }

    #[test]
    fn a_difference_makes_the_one_body_of_the_other() {
        let bodies = [
            json!({}),
            json!({"a": 1}),
            json!({"a": {"b": [1, {"c": 2}], "d": "x"}, "e": true}),
            json!({"a": {"b": [1, {"c": 3}], "f": {}}, "e": {"g": 1}}),
        ];
        for before in &bodies {
            for after in &bodies {
                let mut body = before.clone();
                merge(&mut body, &difference(before, after));
                assert_eq!(&body, after, "{before} to {after}");
            }
        }
    }
}
