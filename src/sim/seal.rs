//! What may a file hold of a world? Everything but its keys, for which seals stand.

use serde_json::Value;

pub(super) use crate::model::secret::seal;

/// What stands for a shared key, whatever it is.
pub const SHARED: &str = "sealed-shared-key";

pub(super) fn seal_keys(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match (name.as_str(), value.as_str()) {
                    ("authorizationKey", Some(key)) => *value = Value::from(seal(key)),
                    // People choose these, so that a seal of one could be tried out: nothing of it stays.
                    ("sharedKey", Some(_)) => *value = Value::from(SHARED),
                    _ => seal_keys(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(seal_keys),
        _ => {}
    }
}

pub(super) fn without_keys(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for key in ["authorizationKey", "sharedKey", "serviceKey"] {
                object.remove(key);
            }
            object.values_mut().for_each(without_keys);
        }
        Value::Array(list) => list.iter_mut().for_each(without_keys),
        _ => {}
    }
}
