//! What happened just now? One line an event that matters, with the run's clock before it.

use super::style::{Style, clock, wrap};
use crate::engine::{Actor, Event, Intent, Recorded, RunMode, RunTarget};
use crate::model::assessment::SeenState;
use crate::model::{
    Gate, Plan, RegionDown, RunOutcome, Seen, StepName, Timestamp, Undo, WriteMethod,
};

/// The codes of writes that Azure did not see: what is missing is on this side.
const NOT_SENT: [&str; 6] =
    ["guard", "intent_expired", "key_not_there", "no_token", "not_sent", "secret_missing"];

/// How much of the journal is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalDetail {
    /// What a person wants to follow.
    Progress,
    /// Everything.
    Journal,
}

/// The line of an event, if it matters at that detail.
#[must_use]
pub fn line(
    recorded: &Recorded,
    plan: &Plan,
    opened_at: Timestamp,
    detail: JournalDetail,
    style: Style,
) -> Option<String> {
    let text = match detail {
        JournalDetail::Progress => progress(&recorded.event, plan, style)?,
        JournalDetail::Journal => journal(&recorded.event, plan),
    };
    let since = clock(recorded.at.since(opened_at));
    Some(match detail {
        JournalDetail::Progress => format!("{} {text}", style.dim(&format!("[{since:>6}]"))),
        JournalDetail::Journal => {
            format!("{:>5}  {}  {since:>7}  {text}", recorded.seq.0, recorded.at)
        }
    })
}

fn title(plan: &Plan, step: &StepName) -> String {
    plan.step(step).map_or_else(String::new, |s| s.title.clone())
}

/// Who, in a sentence.
#[must_use]
pub fn actor(by: &Actor) -> String {
    match by {
        Actor::Person(person) => person.to_string(),
        Actor::Engine | Actor::DrillPerson => by.name().to_owned(),
    }
}

fn because(reason: Option<&String>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

/// The event as a person sees it pass; none when there is nothing to see.
#[must_use]
pub fn progress(event: &Event, plan: &Plan, style: Style) -> Option<String> {
    Some(match event {
        Event::StepStarted { step, attempt: 1 } => {
            format!("▸ {step}  {}", style.dim(&title(plan, step)))
        }
        Event::StepStarted { step, attempt } => format!("▸ {step}  attempt {attempt}"),
        Event::Accepted { step, .. } => style.dim(&accepted(step, plan)),
        Event::Refused { step, error } => {
            let what = if NOT_SENT.contains(&error.code.as_str()) { "not sent" } else { "refused" };
            style.warn(&format!("! {step}  {what}: {}", error.message))
        }
        Event::InDoubt { step, error } => {
            style.warn(&format!("! {step}  in doubt: {}", error.message))
        }
        Event::NeverLanded { step } => style.dim(&format!("  {step}  the write never landed")),
        Event::RetryScheduled { step, not_before, error } => style
            .dim(&format!("  {step}  another attempt not before {not_before}: {}", error.message)),
        Event::StepWaiting { step, why } => style.dim(&format!("  {step}  {why}")),
        Event::StepSucceeded { step, .. } => style.good(&format!("✓ {step}")),
        Event::StepFailed { step, error } => style.bad(&format!("✗ {step}  {}", error.message)),
        Event::StepMending { step, error } => style.warn(&format!(
            "! {step}  {}; looking whether it left its resource Failed",
            error.message
        )),
        Event::StepTimedOut { step } => style.bad(&format!("✗ {step}  its time was up")),
        // By itself the engine leaves out only what its condition does not call for.
        Event::StepSkipped { step, by: Actor::Engine, .. } => {
            style.dim(&format!("– {step}  not called for"))
        }
        Event::StepSkipped { step, why, by } => {
            style.dim(&format!("– {step}  skipped by {}: {why}", actor(by)))
        }
        Event::SkipAgreed { step, by, reason } => style.warn(&format!(
            "  {step}  {} would go on without its answer: {reason}; it takes more people",
            actor(by)
        )),
        Event::StepHeld { step, why } => style.warn(&format!("! {step}  held: {why}")),
        Event::GateOpened { step, question, .. } => asked(question, step, plan, style),
        Event::Approved { step, by, choice, reason } => {
            let what = match choice {
                Some(choice) => format!("`{choice}` chosen"),
                None => "approved".to_owned(),
            };
            format!("  {step}  {what} by {}{}", actor(by), because(reason.as_ref()))
        }
        Event::Waived { rule, by, reason, .. } => {
            style.warn(&format!("! {rule} waived by {} ({reason})", actor(by)))
        }
        Event::Paused { by, reason } => {
            style.warn(&format!("! paused by {}{}", actor(by), because(reason.as_ref())))
        }
        Event::Continued { by } => format!("  goes on at the word of {}", actor(by)),
        Event::SourceDown { by, why } => {
            let word = match by {
                Actor::Person(person) => format!(" at the word of {person}"),
                Actor::Engine | Actor::DrillPerson => String::new(),
            };
            style.warn(&format!("! the source region is out of reach{word}: {why}"))
        }
        Event::SettleRequested { by, reason } => {
            format!("  settling at the word of {}{}", actor(by), because(reason.as_ref()))
        }
        Event::Declined { step, by, reason } => {
            style.warn(&format!("  {step}  declined by {}{}", actor(by), because(reason.as_ref())))
        }
        Event::GateExpired { step } => style.warn(&format!("  {step}  nobody answered in time")),
        Event::CancelRequested { by, reason } => {
            style.warn(&format!("! cancelled by {}{}", actor(by), because(reason.as_ref())))
        }
        Event::UndoRequested { by, reason } => {
            style.warn(&format!("! undo asked for by {}{}", actor(by), because(reason.as_ref())))
        }
        Event::UndoStarted { step, .. } => format!("↶ {step}  {}", style.dim("taking it back")),
        Event::StepUndone { step } => style.good(&format!("✓ {step}  undone")),
        Event::StepUndoFailed { step, error } => {
            style.bad(&format!("✗ {step}  could not be undone: {}", error.message))
        }
        Event::StepReset { step, by, reason } => {
            let why = because(reason.as_ref());
            format!("  {step}  tried again at the word of {}{why}", actor(by))
        }
        Event::DeadlinePassed {} => {
            style.bad("! the run's deadline has passed; nothing new starts")
        }
        Event::TerminalLost {} => {
            style.warn("! the terminal of the process that drives the run is gone; it drives on")
        }
        Event::JournalAway { since } => style.warn(&format!(
            "! nothing could be recorded since {since}; that time does not count against the steps"
        )),
        Event::RunClaimed { holder, .. } => style.dim(&format!("  taken up by {holder}")),
        Event::Reopened { by, why } => format!("  opened again by {} for {why}", actor(by)),
        Event::RunEnded { outcome } => match outcome {
            RunOutcome::Succeeded | RunOutcome::Undone => style.good(&format!("● {outcome}")),
            RunOutcome::Failed | RunOutcome::UndoIncomplete | RunOutcome::Cancelled => {
                style.bad(&format!("● {outcome}"))
            }
        },
        // The run's id is there from the first line on.
        Event::RunOpened { run, by, .. } => {
            let by = by.as_ref().map_or_else(String::new, |by| format!(", started by {}", by.name));
            format!("● run {run} of {}{by}", plan.parts().runbook)
        }
        Event::Intended { step, intent } => {
            style.warn(&format!("! {step}  {}", found_since(intent)?))
        }
        Event::Answered { .. } | Event::OperationEnded { .. } => return None,
    })
}

/// What somebody else did since to what a write takes back, as a clause.
pub(super) fn found_since(intent: &Intent) -> Option<String> {
    let others = intent.seen.iter().filter_map(|seen| {
        let SeenState::ChangedSince(field) = &seen.state else { return None };
        Some(format!("{field} of {}", seen.resource.name()))
    });
    let others: Vec<String> = others.collect();
    let changed = (!others.is_empty()).then(|| {
        format!(
            "somebody has changed this since: {}; what the step wrote there is taken back all the same",
            others.join(", ")
        )
    });
    let all: Vec<String> = not_given_back(intent).into_iter().chain(changed).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// What was there before, is gone since, and is therefore not given back by a write that takes something back.
fn not_given_back(intent: &Intent) -> Option<String> {
    let other = |seen: &&Seen| intent.write.resource.azure() != Some(&seen.resource);
    let mut gone = intent.seen.iter().filter(|seen| seen.state == SeenState::Absent).filter(other);
    let writes = intent.write.method == WriteMethod::Put;
    let name = gone.next().filter(|_| writes)?.resource.name();
    Some(format!("{name}, which was there before the run, is gone since, and is not given back"))
}

/// What Azure is at, and how long that takes.
fn accepted(step: &StepName, plan: &Plan) -> String {
    let action = plan.step(step).map(|s| &s.action);
    let typical = action.and_then(super::typical::typical);
    let doing = action.map_or("Azure is at work", super::typical::doing);
    let phrase = typical.map_or_else(String::new, |t| format!(", {}", t.phrase()));
    format!("  {step}  accepted; {doing}{phrase}")
}

/// A question that opens.
fn asked(question: &str, step: &StepName, plan: &Plan, style: Style) -> String {
    // The clock and its gap take nine columns, the step's name comes before the first line.
    let wide = style.width.saturating_sub(12).max(20);
    let decides =
        plan.step(step).is_some_and(|step| matches!(step.action.gate(), Some(Gate::Decision(_))));
    let wrapped: Vec<String> = if decides {
        question.lines().flat_map(|line| wrap(line, wide)).collect()
    } else {
        wrap(question, wide)
    };
    // Where name and first line do not fit beside one another the question begins below.
    let lead = step.as_str().chars().count() + 4;
    let first = wrapped.first().map_or(0, |line| line.chars().count());
    let gap = if lead + first <= wide + 2 { "  " } else { "\n           " };
    style.warn(&format!("? {step}{gap}{}", wrapped.join("\n           ")))
}

/// An event as the journal tells it, without its place and time.
#[must_use]
pub fn told(event: &Event, plan: &Plan) -> String {
    journal(event, plan)
}

/// Every event in a line, with what distinguishes it.
fn journal(event: &Event, plan: &Plan) -> String {
    let kind = event.kind();
    let rest = match event {
        Event::RunOpened { run, mode, endpoint, by, against, bad_days, regions_down, .. } => {
            format!(
                "{run} of {} ({}, {endpoint}){}{}",
                plan.parts().runbook,
                match (mode, against.unwrap_or_else(|| RunTarget::of(*mode, endpoint))) {
                    (RunMode::Drill, _) => "drill",
                    (RunMode::Live, RunTarget::Simulator) => "simulated",
                    (RunMode::Live, RunTarget::Azure) => "live",
                },
                lived(bad_days, regions_down),
                by.as_ref().map_or_else(String::new, |by| format!(" by {by}"))
            )
        }
        Event::Intended { step, intent } => format!(
            "{step}: {} {} (key {}, digest {}, undo {})",
            intent.write.method.as_str(),
            intent.write.resource,
            intent.key,
            intent.digest.get(..12).unwrap_or(&intent.digest),
            match &intent.undo {
                Undo::Nothing => "nothing",
                Undo::Delete { .. } => "remove",
                Undo::Restore { .. } => "restore",
                Undo::Call { verb, .. } => verb,
                Undo::ByStep => "by the step",
            }
        ),
        Event::Answered { step, request_id } | Event::Accepted { step, request_id, .. } => {
            let id = request_id.as_deref().unwrap_or("not given");
            format!("{step}: request {id}")
        }
        Event::StepSkipped { step, why, by } => format!("{step}: by {}: {why}", actor(by)),
        Event::OperationEnded { step, error: None } => format!("{step}: well"),
        Event::OperationEnded { step, error: Some(error) } => format!("{step}: {error}"),
        Event::RetryScheduled { step, error, not_before } => {
            format!("{step}: not before {not_before}; {error}")
        }
        Event::StepSucceeded { step, seen, .. } => {
            let seen: Vec<String> = seen
                .iter()
                .map(|seen| format!("{} {}", seen.resource.name(), seen.state))
                .collect();
            format!("{step}: {}", seen.join(", "))
        }
        other => match progress(other, plan, Style::PLAIN) {
            Some(text) => text,
            None => other.step().map(ToString::to_string).unwrap_or_default(),
        },
    };
    format!("{kind:<16} {}", rest.trim_start()).trim_end().to_owned()
}

/// What a drill goes through.
fn lived(bad_days: &[String], regions_down: &[RegionDown]) -> String {
    let mut text = String::new();
    if !bad_days.is_empty() {
        text.push_str(&format!(" through {}", bad_days.join(", ")));
    }
    if !regions_down.is_empty() {
        let all: Vec<String> = regions_down.iter().map(ToString::to_string).collect();
        text.push_str(&format!(" with {} down", all.join(", ")));
    }
    text
}
