//! What can nobody read from an estate? What is asked of a person, and what they chose.

use std::collections::BTreeMap;

use super::error::InitError;

/// A question to a person, with the answer that is taken when nobody gives one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitQuestion {
    /// The parameter that answers it: `--param KEY=VALUE`.
    pub key: String,
    /// The question.
    pub question: String,
    /// What there is to choose from; nothing where any text will do.
    pub options: Vec<String>,
    /// The answer without one.
    pub answer: String,
}

/// What may be said with `--param`, and what it is.
const KEYS: [(&str, &str); 10] = [
    ("circuit", "the circuit that the target uses, by its name or id"),
    ("team", "who answers for the runbook"),
    ("contact", "how to reach them"),
    ("rto", "the longest acceptable recovery, such as 60m"),
    ("gateway_sku", "the SKU of a gateway to be made, such as ErGw1AZ"),
    ("gateway_subnet", "the prefix of a GatewaySubnet to be made"),
    ("weight", "the routing weight of the target's connection"),
    ("hub_prefix", "the addresses of a hub of a virtual WAN that is to be made"),
    ("hub", "the network of the target that gets the gateway, where a site on-premises fails over"),
    ("network.NAME", "the network of the target that stands for NAME of the source"),
];

/// What was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    values: BTreeMap<String, String>,
}

impl Chosen {
    /// Reads what was said.
    ///
    /// # Errors
    /// A name is none of those that `init` takes.
    pub fn of(params: &[(String, String)]) -> Result<Self, InitError> {
        let mut values = BTreeMap::new();
        for (key, value) in params {
            let known = KEYS.iter().any(|(own, _)| own == key)
                || key.strip_prefix("network.").is_some_and(|name| !name.is_empty());
            if !known {
                let all = KEYS.iter().map(|(key, what)| format!("{key}: {what}"));
                let meant = crate::runbook::did_you_mean(key, KEYS.iter().map(|(key, _)| *key));
                let mut error = InitError::new(format!("init has no parameter `{key}`."));
                error.hints.extend(meant.map(|own| format!("Did you mean `{own}`?")));
                error.hints.extend(all);
                return Err(error);
            }
            if value.trim().is_empty() || value.chars().any(char::is_control) {
                return Err(InitError::new(format!(
                    "The answer for `{key}` is empty, or has characters that no text has."
                ))
                .hint("Keys of a terminal that move the cursor are such characters."));
            }
            values.insert(key.clone(), value.clone());
        }
        Ok(Self { values })
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(super) fn or<'c>(&'c self, key: &str, otherwise: &'c str) -> &'c str {
        self.get(key).unwrap_or(otherwise)
    }

    /// Networks of the target by the names of those that they stand for.
    pub(super) fn networks(&self) -> BTreeMap<String, String> {
        let named = self.values.iter().filter_map(|(key, value)| {
            Some((key.strip_prefix("network.")?.to_owned(), value.clone()))
        });
        named.collect()
    }
}
