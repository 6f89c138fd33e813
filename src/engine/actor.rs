//! Who did it? The engine, a person, or the people of a drill.

use serde::{Deserialize, Serialize};

use crate::model::Person;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The engine itself, by its rules.
    Engine,
    /// A person: the name they gave, and the account they spoke from.
    Person(Person),
    /// The people of a drill.
    DrillPerson,
}

impl Actor {
    /// The name alone, in as few words as a headline has.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Engine => "the engine",
            Self::Person(person) => &person.name,
            Self::DrillPerson => "the drill's people",
        }
    }
}
