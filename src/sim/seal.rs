//! What may a file hold of a world? Everything but its keys, for which seals stand.

use serde_json::Value;

pub(super) use crate::model::secret::seal;

pub(super) fn seal_keys(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let text = value
                    .as_str()
                    .filter(|_| ["authorizationKey", "sharedKey"].contains(&name.as_str()));
                match text {
                    Some(key) => *value = Value::from(seal(key)),
                    None => seal_keys(value),
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
