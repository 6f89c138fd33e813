//! Which of a circuit's two paths? As `{devicePath}` names them in URLs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the two paths of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CircuitPath {
    /// `primary`.
    Primary,
    /// `secondary`.
    Secondary,
}

impl CircuitPath {
    /// Both paths, the primary first.
    pub const BOTH: [Self; 2] = [Self::Primary, Self::Secondary];

    /// Their names in URLs, in that order.
    pub const NAMES: [&'static str; 2] = [Self::Primary.as_str(), Self::Secondary.as_str()];

    /// Reads `{devicePath}` of an action's URL, whatever the case of its letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|path| text.eq_ignore_ascii_case(path.as_str()))
    }

    /// The name in URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        }
    }
}

impl fmt::Display for CircuitPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
