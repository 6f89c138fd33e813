//! May this start? Rules judged against what is there; waivers are a person's word and are journalled.

use std::sync::Arc;

use super::args::Waive;
use super::context::Context;
use super::error::{CliError, Status};
use crate::azure::Arm;
use crate::engine::{Actor, Clock, Event};
use crate::model::Plan;
use crate::outside::{BesideAzure, WithHost};
use crate::preflight::{self, FAMILIES, Facts, FindingVerdict, Preflight, inquire, judge};
use crate::render::preflight_text::{self, Detail};
use crate::runbook::did_you_mean;

/// Looks, with a client that cannot write, and judges.
///
/// # Errors
/// A waiver names no rule.
pub async fn look(
    arm: &Arm,
    beside: &BesideAzure,
    clock: &Arc<dyn Clock>,
    plan: &Plan,
    waive: &Waive,
) -> Result<Preflight, CliError> {
    Ok(look_at(arm, beside, clock, plan, waive).await?.0)
}

/// The same, with what was found there.
///
/// # Errors
/// As [`look`].
pub async fn look_at(
    arm: &Arm,
    beside: &BesideAzure,
    clock: &Arc<dyn Clock>,
    plan: &Plan,
    waive: &Waive,
) -> Result<(Preflight, Facts), CliError> {
    for (rule, reason) in &waive.waive {
        if preflight::rule::rule(rule).is_none() {
            let ids = FAMILIES.iter().flat_map(|(_, _, rules)| rules.iter()).map(|rule| rule.id);
            let error = CliError::usage(format!("There is no preflight rule `{rule}` to waive."));
            return Err(match did_you_mean(rule, ids) {
                Some(meant) => error.hint(format!("Did you mean `{meant}`?")),
                None => error.hint("See docs/preflight.md for the rules."),
            });
        }
        if reason.trim().is_empty() {
            return Err(CliError::usage(format!("Waiving {rule} needs a reason."))
                .hint(format!("Write `--waive {rule}=WHY`.")));
        }
    }
    let azure = arm.observer();
    let facts = inquire(plan, &WithHost::new(&azure, beside), clock).await;
    if let Some(why) = facts.nothing_known() {
        return Err(CliError::new(Status::OutOfReach, "Azure cannot be asked anything.")
            .reason(why)
            .hint("Nothing was started. See `--credential`, `--cloud` and `--endpoint`."));
    }
    let mut found = judge(plan, &facts);
    for (rule, reason) in &waive.waive {
        found.waive(rule, reason);
    }
    Ok((found, facts))
}

/// Says what a person should know before a run.
pub fn say(context: &Context, found: &Preflight) {
    let text = preflight_text::preflight(found, Detail::Trouble, context.ui.err);
    context.ui.say(text.trim_end());
}

/// Refuses when something stops the run.
///
/// # Errors
/// Something does.
pub fn refuse(found: &Preflight) -> Result<(), CliError> {
    let mut ids: Vec<&str> = found.blocking().map(|finding| finding.rule).collect();
    ids.dedup();
    if ids.is_empty() {
        return Ok(());
    }
    let what = format!("The run cannot work as things stand: {}.", ids.join(", "));
    Err(CliError::refused(what)
        .hint("Mend what is said above, or waive a rule that does not fit: `--waive RULE=WHY`."))
}

/// The waivers that made a difference, for the journal.
#[must_use]
pub fn waived(found: &Preflight, by: &Actor) -> Vec<Event> {
    let mut events = Vec::new();
    for finding in &found.findings {
        if let (Some(reason), FindingVerdict::Failed(why)) = (&finding.waived, &finding.verdict) {
            events.push(Event::Waived {
                rule: finding.rule.to_owned(),
                finding: format!("{}: {why}", finding.about),
                by: by.clone(),
                reason: reason.clone(),
            });
        }
    }
    events
}
