//! Where does a secret come from? Only ever a reference: the value is read when it is sent.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::IdError;

/// Where the value of a secret parameter is read from, at the moment it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretSource {
    /// An environment variable: `env:DR_CIRCUIT_KEY`.
    Env(String),
    /// A file that holds the secret and nothing else: `file:/run/secrets/dr-key`.
    File(String),
}

impl SecretSource {
    /// Parses `env:NAME` or `file:PATH`.
    ///
    /// # Errors
    /// The text is neither; the text itself is left out of the message, since it may be the secret.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let wrong = |why| IdError::new("secret source", "…", why);
        if let Some(name) = text.strip_prefix("env:") {
            let legal = !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !name.starts_with(|c: char| c.is_ascii_digit());
            if !legal {
                return Err(wrong("must name an environment variable, like env:DR_CIRCUIT_KEY"));
            }
            return Ok(Self::Env(name.to_owned()));
        }
        if let Some(path) = text.strip_prefix("file:") {
            if path.is_empty() || path.chars().any(char::is_control) {
                return Err(wrong("must name a file, like file:/run/secrets/dr-key"));
            }
            return Ok(Self::File(path.to_owned()));
        }
        Err(wrong("must be a reference: env:NAME or file:PATH, never the secret itself"))
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

impl FromStr for SecretSource {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for SecretSource {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<SecretSource> for String {
    fn from(source: SecretSource) -> Self {
        source.to_string()
    }
}

/// What stands for a secret in a journalled body: replaced by the value only in the bytes sent.
///
/// Written in JSON as `{"$secret": "param:dr_key"}` or `{"$secret": "resource:ID#/json/pointer"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRef {
    /// The value of a secret parameter.
    Param(String),
    /// A field of a resource, read again when it is needed.
    Resource {
        /// The resource that holds the secret.
        id: super::ResourceId,
        /// Where in its GET body.
        pointer: String,
    },
}

/// The key of the object that stands for a secret in a body.
pub const SECRET_PLACEHOLDER: &str = "$secret";

impl SecretRef {
    /// The JSON value that stands for the secret.
    #[must_use]
    pub fn placeholder(&self) -> serde_json::Value {
        let text = match self {
            Self::Param(name) => format!("param:{name}"),
            Self::Resource { id, pointer } => format!("resource:{id}#{pointer}"),
        };
        serde_json::json!({ SECRET_PLACEHOLDER: text })
    }

    /// Reads a value back, if it is a placeholder.
    #[must_use]
    pub fn from_placeholder(value: &serde_json::Value) -> Option<Self> {
        let object = value.as_object()?;
        if object.len() != 1 {
            return None;
        }
        let text = object.get(SECRET_PLACEHOLDER)?.as_str()?;
        if let Some(name) = text.strip_prefix("param:") {
            return Some(Self::Param(name.to_owned()));
        }
        let (id, pointer) = text.strip_prefix("resource:")?.split_once('#')?;
        let id = super::ResourceId::parse(id).ok()?;
        Some(Self::Resource { id, pointer: pointer.to_owned() })
    }
}

/// What stands for a key in a file: nobody gets the key from it, and the same key has the same seal. For
/// keys that nobody could guess, such as authorization keys, which are random 128 bits.
#[must_use]
pub fn seal(key: &str) -> String {
    if key.starts_with("sealed-") {
        return key.to_owned();
    }
    format!("sealed-{}", &blake3::hash(key.as_bytes()).to_hex()[..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_written_out_is_refused_without_being_repeated() {
        let error = SecretSource::parse("hunter2-the-key").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
        assert!(error.contains("env:NAME"), "{error}");
    }

    #[test]
    fn placeholders_read_back() {
        let id = super::super::ResourceId::parse(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/c/authorizations/a",
        )
        .unwrap();
        for secret in [
            SecretRef::Param("dr_key".to_owned()),
            SecretRef::Resource { id, pointer: "/properties/authorizationKey".to_owned() },
        ] {
            assert_eq!(SecretRef::from_placeholder(&secret.placeholder()), Some(secret));
        }
    }
}
