//! Did what was to go wrong go wrong? What each fault and each bad day has met and struck so far.
//!
//! A drill whose faults struck nothing has proven nothing about them, and has to say so.

use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultEffect};
use super::world::World;

/// What a fault has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FaultTally {
    /// The bad day that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) day: Option<String>,
    /// How many requests there were.
    pub(super) asked: u64,
    /// How many of them it was about.
    pub(super) met: u64,
    /// How many it struck.
    pub(super) struck: u64,
    /// How many of the requests of a look before the first it struck.
    #[serde(default)]
    pub(super) before: u64,
}

impl FaultTally {
    pub(super) fn is_blank(&self) -> bool {
        *self == Self::default()
    }
}

/// What a fault, or a bad day, did in a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strikes {
    /// The bad day's name, or what the fault is.
    pub what: String,
    /// Whether it is a bad day.
    pub is_day: bool,
    /// How often it struck; an event that happened counts as one.
    pub struck: u64,
    /// How many requests it met.
    pub met: u64,
    /// How many requests there were.
    pub asked: u64,
    /// How often it struck a look before all of them: the drill's own preflight.
    pub before: u64,
}

impl World {
    /// Notes what faults struck in a copy of this world in which somebody has looked.
    pub fn note_struck_in(&mut self, look: &Self) {
        let struck = look.faults.each().iter().map(|fault| fault.tally.struck);
        let struck: Vec<u64> = struck.collect();
        self.faults.note_before(&struck);
    }

    /// What each bad day, and each fault that is of none, has done so far.
    #[must_use]
    pub fn strikes(&self) -> Vec<Strikes> {
        let faults = self.faults.each();
        let mut all: Vec<Strikes> = Vec::new();
        for day in self.lived.days() {
            let of_day = |fault: &&Fault| fault.tally.day.as_ref() == Some(&day.name);
            let own: Vec<&Fault> = faults.iter().filter(of_day).collect();
            let sum = |count: fn(&Fault) -> u64| own.iter().map(|fault| count(fault)).sum::<u64>();
            let asked = own.iter().map(|fault| fault.tally.asked).max();
            all.push(Strikes {
                what: day.name.clone(),
                is_day: true,
                struck: sum(|fault| fault.tally.struck) + day.happened + day.met_outage,
                met: sum(|fault| fault.tally.met) + day.met_outage,
                asked: asked.unwrap_or(0).max(day.met_outage),
                before: sum(|fault| fault.tally.before),
            });
        }
        for fault in faults.iter().filter(|fault| fault.tally.day.is_none()) {
            all.push(Strikes {
                what: described(fault),
                is_day: false,
                struck: fault.tally.struck,
                met: fault.tally.met,
                asked: fault.tally.asked,
                before: fault.tally.before,
            });
        }
        all
    }
}

/// A fault in a few words.
fn described(fault: &Fault) -> String {
    let method = fault.method.as_deref().map(str::to_ascii_uppercase);
    let method = method.map(|method| format!("{method} ")).unwrap_or_default();
    format!("{} of {method}{}", word(&fault.effect), fault.resource)
}

fn word(effect: &FaultEffect) -> &'static str {
    match effect {
        FaultEffect::Throttle { .. } => "throttle",
        FaultEffect::Conflict => "conflict",
        FaultEffect::Refuse { .. } => "refuse",
        FaultEffect::Html => "html",
        FaultEffect::LoseRequest => "lose_request",
        FaultEffect::LoseAnswer => "lose_answer",
        FaultEffect::Unreachable => "unreachable",
        FaultEffect::Fail { .. } => "fail",
        FaultEffect::Slow { .. } => "slow",
        FaultEffect::Stuck => "stuck",
        FaultEffect::Forget => "forget",
        FaultEffect::Linger { .. } => "linger",
        FaultEffect::Absent => "absent",
        FaultEffect::Silent => "silent",
        FaultEffect::Unconnected => "unconnected",
        FaultEffect::Untold => "untold",
    }
}
