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

/// How a command ends whose drill was to come to this: otherwise than asked where something struck nothing.
pub(super) fn judged(
    context: &Context,
    driving: &Driving,
    asked: RunOutcome,
    status: Status,
) -> Status {
    // One that is not over may meet the rest yet; one that was taken back was judged when it ended.
    let (Ending::Ended(_), RunOutcome::Succeeded) = (&driving.ending, asked) else {
        return status;
    };
    let opened = driving.state.opened.as_ref().filter(|opened| opened.mode == RunMode::Drill);
    let Some(opened) = opened else { return status };
    let regions = all_went(context, driving, opened);
    let strikes = all_struck(context, driving, opened.allow_no_strike);
    if (regions && strikes) || status != Status::Done { status } else { Status::EndedOtherwise }
}

/// Whether each region that was to go down did, before the drill had ended.
fn all_went(context: &Context, driving: &Driving, opened: &Opened) -> bool {
    let ended = driving.events.last().map_or(driving.now, |last| last.at);
    let took: Duration = ended.since(opened.at);
    let mut all = true;
    for late in opened.regions_down.iter().filter(|one| one.after > took) {
        all = false;
        let warning = context.ui.err.warn("did not strike:");
        context.ui.say(&format!(
            "{warning} {} was to go down after {}, and the drill had ended after {}.",
            late.region.as_str(),
            format_duration(late.after),
            format_duration(took),
        ));
    }
    all
}

/// Whether each fault and bad day struck something, or may have struck nothing.
fn all_struck(context: &Context, driving: &Driving, allowed: bool) -> bool {
    // A fault that was asked about no request is of a world from before they were counted.
    let counted = |one: &&StrikesView| one.struck == 0 && (one.is_day || one.asked > 0);
    let idle: Vec<&StrikesView> = driving.strikes.iter().filter(counted).collect();
    for one in &idle {
        let mark = context.ui.err.warn("warning:");
        let what = if one.is_day { "The bad day" } else { "The fault" };
        context.ui.say(&format!("{mark} {what} `{}` {}.", one.what, one.said()));
    }
    if !idle.is_empty() && !allowed {
        context.ui.say(
            "  The drill proves nothing about that. See the resource's name and the times of the fault, or \
             allow it with `--allow-no-strike` when it is begun.",
        );
    }
    idle.is_empty() || allowed
}
