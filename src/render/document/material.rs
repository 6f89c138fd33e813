//! What is a document made of? A plan, what its author declared, and what was seen and drilled: data.
//!
//! This room does not drill and reads no file; who asks for the document does, and hands it over.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{Plan, Region, ResourceId, StepName};
use crate::render::view::{ReachView, RunView};

/// One runbook and what is known about it.
#[derive(Debug, Clone)]
pub struct Material {
    /// What it means, under the document's profile.
    pub plan: Plan,
    /// The digest of its text and of the parts that it uses.
    pub source_digest: String,
    /// Its parameters, in the author's order.
    pub parameters: Vec<Declared>,
    /// Its profiles, in the author's order.
    pub profiles: Vec<ProfileText>,
    /// The estate that it begins in.
    pub known: Option<Known>,
    /// A drill of it.
    pub drill: Option<DocumentDrill>,
    /// What came of drilling every fault.
    pub matrix: Option<Matrix>,
    /// What preflight refuses where its drill begins.
    pub refused: Vec<PreflightRefusal>,
    /// Why it was not drilled, where it was to be.
    pub undrilled: Option<String>,
}

/// A rule of preflight that stops a runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreflightRefusal {
    /// The rule's id.
    pub rule: String,
    /// What it found of what.
    pub finding: String,
    /// Where, for people: the world and the profile.
    pub place: String,
}

/// How a drill on a good day ended that did not do what its runbook is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillStop {
    /// How, as a word or two behind the drill: `FAILED`, `waits for people`.
    pub how: String,
    /// The step at which it did.
    pub step: Option<StepName>,
    /// What that step says.
    pub why: Option<String>,
}

/// A parameter as it was declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// Its type, as written.
    pub kind: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it is a secret.
    pub secret: bool,
}

/// A profile as it was declared, and the values under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileText {
    /// Its name.
    pub name: String,
    /// When it is used.
    pub description: Option<String>,
    /// The world that it is drilled in, as written.
    pub world: Option<String>,
    /// The values of the parameters under it; none when it does not compile.
    pub values: Option<BTreeMap<String, String>>,
}

/// An estate: the bodies of resources as Azure shows them, and the customer's side.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Where it is from, for people.
    pub source: String,
    /// The resources.
    pub bodies: BTreeMap<ResourceId, Value>,
    /// The sites: name and prefixes.
    pub sites: Vec<(String, Vec<String>)>,
    /// The sites of each circuit; empty for all of them.
    pub links: Vec<(ResourceId, Vec<String>)>,
    /// Regions that are down.
    pub down: BTreeSet<Region>,
    /// What each site reaches.
    pub reach: Vec<ReachView>,
}

/// A drill.
#[derive(Debug, Clone)]
pub struct DocumentDrill {
    /// Where, for people: the world and the profile.
    pub source: String,
    /// What happened.
    pub run: RunView,
    /// Where it stopped, if it did not do what it is for.
    pub stopped: Option<DrillStop>,
}

/// What came of drilling every fault at every step.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    /// How it was proven, as a sentence.
    pub proof: String,
    /// The digest of the results.
    pub digest: String,
    /// The faults: name, name in words, what happens.
    pub faults: Vec<(String, String, String)>,
    /// The results, by step and fault.
    pub cells: BTreeMap<(StepName, String), Cell>,
    /// How each bad day of the library ended.
    pub days: Vec<Day>,
    /// The steps that were drilled for others as well, and for how many: those are alike and have no results.
    pub alike: BTreeMap<StepName, usize>,
}

/// A bad day, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Its name, as `--bad-day` takes it.
    pub name: String,
    /// What it is, in a line.
    pub title: String,
    /// What it means for who meets it.
    pub what: String,
    /// How it ended.
    pub cell: Cell,
}

/// The digest of what came of drilling: BLAKE3, in hexadecimal.
#[must_use]
pub fn digest(cells: &BTreeMap<(StepName, String), Cell>, days: &[Day]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut line = |about: &str, cell: &Cell| {
        let text = format!("{about}: {} {}\n", cell.handling.as_str(), cell.text);
        hasher.update(text.as_bytes());
    };
    for ((step, fault), cell) in cells {
        line(&format!("{step}/{fault}"), cell);
    }
    for day in days {
        line(&day.title, &day.cell);
    }
    hasher.finalize().to_hex().to_string()
}

/// What the executor did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// In a word.
    pub handling: Handling,
    /// What happened, as a sentence.
    pub text: String,
}

/// What the executor did about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Handling {
    /// The run succeeded, and the world is as it should be.
    Recovers,
    /// A person is asked, and nothing else goes on that should not.
    Asks,
    /// The run ended `failed`, and says what is left.
    Stops,
    /// Everything was put back.
    Undoes,
    /// None of these: nobody should rely on it.
    Unhandled,
    /// There is no step that meets it.
    NotMet,
}

impl Handling {
    /// The name in views.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recovers => "recovers",
            Self::Asks => "asks",
            Self::Stops => "stops",
            Self::Undoes => "undoes",
            Self::Unhandled => "unhandled",
            Self::NotMet => "not_met",
        }
    }

    /// In a word or two, for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Recovers => "recovers",
            Self::Asks => "asks",
            Self::Stops => "stops",
            Self::Undoes => "undoes",
            Self::Unhandled => "UNHANDLED",
            Self::NotMet => "not applicable",
        }
    }
}
