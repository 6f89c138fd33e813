//! Where does the key come from at the moment of sending? Placeholders filled into the bytes sent.

use std::fmt;

use serde_json::Value;

use super::token::Secret;
use crate::model::{SecretRef, StepError};

/// Reads the value of a secret parameter; given by the command line, which knows the environment.
pub trait SecretReader: Send + Sync + fmt::Debug {
    /// The value of the parameter.
    ///
    /// # Errors
    /// It cannot be read; a sentence that names the source and never the value.
    fn read(&self, param: &str) -> Result<Secret, String>;
}

/// Knows no secrets: for drills and runbooks without any.
#[derive(Debug, Clone, Copy)]
pub struct NoSecrets;

impl SecretReader for NoSecrets {
    fn read(&self, param: &str) -> Result<Secret, String> {
        Err(format!("The secret parameter `{param}` has no source here."))
    }
}

/// The placeholders in a body, each once.
#[must_use]
pub(super) fn placeholders(body: &Value) -> Vec<SecretRef> {
    let mut found = Vec::new();
    collect(body, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<SecretRef>) {
    if let Some(secret) = SecretRef::from_placeholder(value) {
        if !found.contains(&secret) {
            found.push(secret);
        }
        return;
    }
    match value {
        Value::Object(object) => object.values().for_each(|value| collect(value, found)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// The body with its placeholders filled in.
pub(super) fn filled(body: &Value, values: &[(SecretRef, Secret)]) -> Result<Value, StepError> {
    if let Some(secret) = SecretRef::from_placeholder(body) {
        let value = values.iter().find(|(known, _)| *known == secret).map(|(_, value)| value);
        return value.map(|value| Value::from(value.expose())).ok_or_else(|| {
            StepError::rejected("secret_missing", "A secret of this write has no value.")
        });
    }
    Ok(match body {
        Value::Object(object) => {
            let mut result = serde_json::Map::new();
            for (key, value) in object {
                result.insert(key.clone(), filled(value, values)?);
            }
            Value::Object(result)
        }
        Value::Array(list) => {
            Value::Array(list.iter().map(|value| filled(value, values)).collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    })
}
