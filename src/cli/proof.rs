//! Did a drill prove what it was to prove? What was to go wrong in it and struck nothing is said, and the drill has not
//! gone well: however it came to its end, in one command or in several.

use std::time::Duration;

use super::context::Context;
use super::error::Status;
use super::session::Driving;
use crate::engine::state::Opened;
use crate::engine::{Ending, RunMode};
use crate::model::RunOutcome;
use crate::model::time::format_duration;
use crate::render::view::StrikesView;

/// What a drill was to prove and did not.
#[derive(Debug, Clone, Default)]
pub(super) struct Proof {
    /// The regions that were to go down after it had ended.
    late: Vec<String>,
    /// The faults and bad days that struck nothing.
    idle: Vec<String>,
    /// Whether those may.
    allowed: bool,
    /// Whether sites do not reach all that it is for; every view says it. That the source, which lives, carries on is
    /// no fault of the drill's.
    unreached: bool,
}

impl Proof {
    /// Of a drill that was to come to this; nothing is missing of one that is not over: it may meet the rest yet. One
    /// that was taken back was judged when it ended.
    pub(super) fn of(driving: &Driving, asked: RunOutcome) -> Self {
        let (Ending::Ended(_), RunOutcome::Succeeded) = (&driving.ending, asked) else {
            return Self::default();
        };
        let opened = driving.state.opened.as_ref().filter(|opened| opened.mode == RunMode::Drill);
        let Some(opened) = opened else { return Self::default() };
        // A fault that was asked about no request is of a world from before they were counted.
        let counted = |one: &&StrikesView| !one.has_struck() && (one.is_day || one.asked > 0);
        let idle = driving.strikes.iter().filter(counted);
        let said = idle.map(|one| {
            let what = if one.is_day { "The bad day" } else { "The fault" };
            format!("{what} `{}` {}.", one.what, one.said())
        });
        let view = driving.view();
        Self {
            late: late(driving, opened),
            idle: said.collect(),
            allowed: opened.allow_no_strike,
            unreached: view.is_some_and(|view| view.leaves_unreached()),
        }
    }

    /// Why the drill has not gone well, a sentence each.
    pub(super) fn failures(&self) -> Vec<String> {
        let idle = self.idle.iter().filter(|_| !self.allowed);
        self.late.iter().chain(idle).cloned().collect()
    }

    /// How its command ends: otherwise than asked where something struck nothing, or sites saw that
    /// not all is recovered.
    pub(super) fn judged(&self, status: Status) -> Status {
        if status == Status::Done && (self.unreached || !self.failures().is_empty()) {
            return Status::EndedOtherwise;
        }
        status
    }

    /// Says it.
    pub(super) fn say(&self, context: &Context) {
        for one in &self.late {
            let warning = context.ui.err.warn("did not strike:");
            context.ui.say(&format!("{warning} {one}"));
        }
        for one in &self.idle {
            context.ui.say(&format!("{} {one}", context.ui.err.warn("warning:")));
        }
        if !self.idle.is_empty() && !self.allowed {
            context.ui.say(
                "  The drill proves nothing about that. See the resource's name and the times of the fault, or \
                 allow it with `--allow-no-strike` when it is begun.",
            );
        }
    }
}

/// The regions that were to go down later than the drill lasted.
fn late(driving: &Driving, opened: &Opened) -> Vec<String> {
    let ended = driving.events.last().map_or(driving.now, |last| last.at);
    let took: Duration = ended.since(opened.at);
    let late = opened.regions_down.iter().filter(|one| one.after > took);
    let said = late.map(|late| {
        format!(
            "{} was to go down after {}, and the drill had ended after {}.",
            late.region.as_str(),
            format_duration(late.after),
            format_duration(took),
        )
    });
    said.collect()
}
