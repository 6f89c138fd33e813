//! Which thing exactly? Names and numbers that cannot be mistaken for one another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text was not a legal name or id. The message says what is wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{text}` {why}")]
pub struct IdError {
    what: &'static str,
    text: String,
    why: &'static str,
}

impl IdError {
    pub(crate) fn new(what: &'static str, text: &str, why: &'static str) -> Self {
        // A megabyte of hostile name does not belong in a message.
        Self { what, text: text.chars().take(120).collect(), why }
    }
}

/// Defines a text newtype whose only way in is its parser: `FromStr`, `TryFrom` and serde agree.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses the text.
            ///
            /// # Errors
            /// The text breaks the rule of this kind of name; the message says which.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> Result<(), &'static str> = $check;
                check(text).map_err(|why| IdError::new($what, text, why))?;
                Ok(Self(text.to_owned()))
            }

            /// The text as parsed.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

/// `[a-z][a-z0-9_]*`: what expressions can name without quoting (a hyphen would be a subtraction).
#[must_use]
pub fn is_plain_name(text: &str) -> bool {
    text.len() <= super::limits::NAME_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

text_id!(
    /// The name of a step: `gateway`, or `hub_to_spoke.app1` for one round of a loop.
    StepName,
    "step name",
    |text| {
        let mut parts = text.split('.');
        let plain = parts.next().is_some_and(is_plain_name);
        let tail = |part: &str| {
            !part.is_empty()
                && part.len() <= super::limits::NAME_BYTES_MAX
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        if plain && parts.all(tail) {
            Ok(())
        } else {
            Err("must start with a lower-case letter and hold only a-z, 0-9 and _")
        }
    }
);

text_id!(
    /// The name of a runbook, as its first key says: `dr-circuit`.
    RunbookName,
    "runbook name",
    |text| {
        let legal = text.len() <= super::limits::NAME_BYTES_MAX
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
        if legal {
            Ok(())
        } else {
            Err("must start with a lower-case letter and hold only a-z, 0-9, - and _")
        }
    }
);

text_id!(
    /// One execution of a plan: a ULID in lower case, so that runs sort by their start.
    RunId,
    "run id",
    |text| {
        if text.len() == 26 && text.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase()) {
            Ok(())
        } else {
            Err("must be 26 characters of 0-9 and a-z")
        }
    }
);

text_id!(
    /// The BLAKE3 digest of a plan's canonical form, in hexadecimal.
    PlanDigest,
    "plan digest",
    |text| {
        if text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit()) {
            Ok(())
        } else {
            Err("must be 64 hexadecimal digits")
        }
    }
);

text_id!(
    /// Our idempotency key for one intended change: a UUID, shared by the attempts at that change
    /// and sent as `x-ms-client-request-id`.
    OperationKey,
    "operation key",
    |text| {
        if text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
            Ok(())
        } else {
            Err("must be a UUID")
        }
    }
);

/// Azure's long-running operation, by the URLs it gave us: opaque, stored whole, never rebuilt.
///
/// Since 2023 these URLs are about 3 kB long and signed; a cut or rebuilt one is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationHandle {
    /// The URL to poll, as received.
    pub url: String,
    /// Which header it came in, since the two answer in different shapes.
    pub kind: HandleKind,
}

/// The header that an operation URL came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandleKind {
    /// `Azure-AsyncOperation`: always 200, the state is in the body's `status`.
    AsyncOperation,
    /// `Location`: 202 while running, then 200 or 204.
    Location,
}

/// The number of a drive of a run, which is its fencing token. The larger number wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// The place of an event in its journal; the first is 1, and 0 means "no event yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_name_takes_no_hyphen_because_expressions_would_subtract() {
        assert!(StepName::parse("routes_learned").is_ok());
        assert!(StepName::parse("hub_to_spoke.app1").is_ok());
        for wrong in ["routes-learned", "", "1st", "Gateway", "a.", "a..b", "é"] {
            assert!(StepName::parse(wrong).is_err(), "{wrong} must be refused");
        }
    }

    #[test]
    fn a_hostile_name_does_not_flood_its_own_message() {
        let error = StepName::parse(&"X".repeat(1_000_000)).unwrap_err();
        assert!(error.to_string().len() < 400);
    }
}
