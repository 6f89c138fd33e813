//! How does a journal become a report? Event by event, without anything that it does not hold.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::picture;
use super::split::{end, split};
use super::view::{
    Deviation, REPORT_SCHEMA, Reached, Recovery, Report, ReportStep, ReportVersion, ReportWord,
    ReportWrite, SplitPart,
};
use crate::engine::{Actor, Event, Recorded, RunMode, RunState};
use crate::model::{Plan, RunOutcome, StepStatus, Timestamp, Undo};
use crate::render::style::clock;
use crate::render::timeline::Waited;
use crate::render::typical::typical;
use crate::render::view::{Driven, ReachView, RunView, StepView, run_view};

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// The run, folded.
    pub state: &'a RunState,
    /// Its events.
    pub events: &'a [Recorded],
    /// Whether somebody drives it.
    pub driven: Driven,
    /// What each site reached at the end, in a drill.
    pub reachability: &'a [ReachView],
    /// The hash of its last event.
    pub head: Option<&'a str>,
}

/// Fields whose values are secrets: the journal holds placeholders for them already.
const SECRETS: [&str; 4] = ["authorizationKey", "sharedKey", "serviceKey", "radiusServerSecret"];

/// The report of a run; none before its first event.
#[must_use]
pub fn report(material: Material<'_>) -> Option<Report> {
    let Material { state, events, driven, reachability, head } = material;
    let opened = state.opened.as_ref()?;
    let plan = &opened.plan;
    let view = run_view(state, events, driven)?;
    let since = |at: Timestamp| clock(at.since(opened.at));
    let recovery = recovery(&view, events, plan);
    let succeeded = view.recovery_seconds.is_some();
    let deviations = deviations(events, plan, opened.at);
    let mut report = Report {
        schema: REPORT_SCHEMA.to_owned(),
        generator: format!("backroad {}", env!("CARGO_PKG_VERSION")),
        run: view.run.clone(),
        runbook: view.runbook.clone(),
        title: view.title.clone(),
        mode: if view.mode == RunMode::Drill { "drill" } else { "live" }.to_owned(),
        profile: view.profile.clone(),
        endpoint: view.endpoint.clone(),
        by: opened.by.clone(),
        outcome: view.outcome.clone(),
        succeeded,
        started_at: view.started_at.to_string(),
        ended_at: view.ended_at.map(|at| at.to_string()),
        summary: Vec::new(),
        timeline_svg: String::new(),
        steps: view.steps.iter().enumerate().map(|(place, step)| one(place, step, plan)).collect(),
        writes: writes(events, opened.at),
        words: words(events, opened.at),
        deviations,
        reachability: reachability
            .iter()
            .map(|reach| Reached {
                site: reach.site.clone(),
                network: reach.network.clone(),
                verdict: reach.verdict.clone(),
                works: reach.works,
                circuits: reach.circuits.join(", "),
            })
            .collect(),
        obligations: view.obligations.clone(),
        versions: versions(plan, events),
        events: view.events,
        head: head.map(str::to_owned),
        compared: None,
        recovery,
    };
    let elapsed = since(state.last_at.unwrap_or(opened.at));
    report.summary = summary(&report, &view, &elapsed);
    report.timeline_svg = picture::draw(events, plan, &report.summary.join(" "));
    Some(report)
}

fn span(seconds: f64) -> String {
    clock(Duration::from_secs_f64(seconds.max(0.0)))
}

fn summary(report: &Report, view: &RunView, elapsed: &str) -> Vec<String> {
    let objective = match (&report.recovery.objective, report.recovery.within) {
        (Some(objective), Some(true)) => format!(", within the {objective} that are allowed"),
        (Some(objective), Some(false)) => format!(", over the {objective} that are allowed"),
        (Some(objective), None) => format!("; {objective} are allowed"),
        (None, _) => "; no objective is set".to_owned(),
    };
    let first = if report.succeeded {
        format!("Recovered in {}{objective}.", report.recovery.took)
    } else {
        format!("Not recovered: {} after {elapsed}{objective}.", report.outcome)
    };
    let parts: Vec<String> = report
        .recovery
        .parts
        .iter()
        .map(|part| format!("{} {} ({} %)", lower_first(&part.name), part.took, part.percent))
        .collect();
    let path = view.critical_path.join(" → ");
    let done = view.steps.iter().filter(|step| step.status == StepStatus::Succeeded).count();
    let owed = match report.obligations.len() {
        0 => "nothing is owed".to_owned(),
        1 => "one thing is owed".to_owned(),
        n => format!("{n} things are owed"),
    };
    vec![
        first,
        format!("The time went into: {}.", parts.join(", ")),
        format!("What decided it: {}.", if path.is_empty() { "nothing yet" } else { &path }),
        format!(
            "{done} of {} steps were done, with {} writes that Azure took.",
            view.steps.len(),
            view.writes
        ),
        match report.deviations.len() {
            0 => format!("Nothing deviated from the runbook, and {owed}."),
            1 => format!("One thing deviated from the runbook, and {owed}."),
            n => format!("{n} things deviated from the runbook, and {owed}."),
        },
    ]
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn recovery(view: &RunView, events: &[Recorded], plan: &Plan) -> Recovery {
    let split = split(events, plan);
    let whole = split.whole().as_secs_f64();
    let part = |name: &str, time: Duration| {
        let seconds = time.as_secs_f64();
        let share = if whole > 0.0 { seconds / whole * 100.0 } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
        let percent = share.round() as u32;
        SplitPart { name: name.to_owned(), took: clock(time), seconds, percent }
    };
    let within = view
        .objective_seconds
        .zip(view.recovery_seconds)
        .map(|(objective, recovery)| recovery <= objective);
    Recovery {
        took: clock(split.whole()),
        seconds: whole,
        objective: view.objective_seconds.map(span),
        within,
        window: view.window_seconds.map(span),
        parts: vec![
            part("Deciding", split.deciding),
            part("Waiting for people", split.people),
            part("Waiting for Azure", split.azure),
            part("Our own overhead", split.own),
        ],
    }
}

fn one(place: usize, step: &StepView, plan: &Plan) -> ReportStep {
    let took = step.start_seconds.zip(step.end_seconds).map(|(from, to)| to - from);
    let action = crate::model::StepName::parse(&step.name)
        .ok()
        .and_then(|name| plan.step(&name).map(|step| step.action.clone()));
    let tone = match step.status {
        StepStatus::Succeeded | StepStatus::Undone => "good",
        StepStatus::Failed | StepStatus::TimedOut | StepStatus::UndoFailed => "bad",
        StepStatus::Held | StepStatus::Waiting | StepStatus::Running => "doubt",
        StepStatus::Pending | StepStatus::Skipped => "soft",
    };
    ReportStep {
        number: place + 1,
        name: step.name.clone(),
        title: step.title.clone(),
        action: step.action.clone(),
        status: step.status.as_str().replace('_', " "),
        tone: tone.to_owned(),
        attempts: step.attempts,
        refusals: step.refusals,
        start: step.start_seconds.map(span),
        end: step.end_seconds.map(span),
        took: took.map(span),
        seconds: took,
        usual: action
            .as_ref()
            .and_then(typical)
            .map(|usual| usual.phrase().trim_start_matches("usually ").to_owned()),
        waited_for: step.waited_for.as_ref().map(|waited| match waited {
            Waited::Step { step } => step.to_string(),
            Waited::Resource { resource, step } => format!("{resource}, which {step} had"),
            Waited::Person { seconds } => format!("a person, {}", span(*seconds)),
        }),
        resource: step.resource.clone(),
        change: step.change.as_ref().map(|change| change.replace('_', " ")),
        why: step.why.as_ref().map(|why| match why.strip_prefix("its condition ") {
            Some(_) => "not called for".to_owned(),
            None => why.clone(),
        }),
    }
}

fn writes(events: &[Recorded], opened: Timestamp) -> Vec<ReportWrite> {
    let mut found: Vec<ReportWrite> = Vec::new();
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    for Recorded { at, event, .. } in events {
        let Some(step) = event.step().map(ToString::to_string) else { continue };
        match event {
            Event::Intended { intent, .. } => {
                let key = intent.key.to_string();
                // The same intent again is the same write, sent again.
                let known = found.iter().position(|write| write.key == key);
                let place = known.unwrap_or_else(|| {
                    found.push(ReportWrite {
                        step: step.clone(),
                        at: clock(at.since(opened)),
                        method: intent.write.method.as_str().to_owned(),
                        resource: intent.write.resource.to_string(),
                        key,
                        request_id: None,
                        answer: "not known".to_owned(),
                        before: before(&intent.undo),
                        after: intent.write.body.as_ref().map(body),
                    });
                    found.len() - 1
                });
                last.insert(step, place);
            }
            Event::Accepted { request_id, .. } | Event::Answered { request_id, .. } => {
                if let Some(write) = last.get(&step).and_then(|place| found.get_mut(*place)) {
                    let accepted = matches!(event, Event::Accepted { .. });
                    write.answer = if accepted { "accepted" } else { "done" }.to_owned();
                    write.request_id.clone_from(request_id);
                }
            }
            Event::Refused { error, .. } => {
                if let Some(write) = last.get(&step).and_then(|place| found.get_mut(*place)) {
                    write.answer = format!("refused: {}", error.code);
                }
            }
            _ => {}
        }
    }
    found
}

fn before(undo: &Undo) -> Option<String> {
    match undo {
        Undo::Restore { body: before, .. } => Some(body(before)),
        Undo::Delete { .. } | Undo::Call { .. } | Undo::Nothing => None,
    }
}

fn body(value: &Value) -> String {
    let mut value = value.clone();
    without_keys(&mut value);
    serde_json::to_string_pretty(&value).unwrap_or_default()
}

fn without_keys(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                if SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(name)) {
                    *value = Value::from("…");
                } else {
                    without_keys(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(without_keys),
        _ => {}
    }
}

fn name(actor: &Actor) -> String {
    match actor {
        Actor::Engine => "the engine".to_owned(),
        Actor::Person(name) => name.clone(),
        Actor::DrillPerson => "the drill's people".to_owned(),
    }
}

fn words(events: &[Recorded], opened: Timestamp) -> Vec<ReportWord> {
    let mut found = Vec::new();
    for Recorded { at, event, .. } in events {
        let (who, what, why) = match event {
            Event::Approved { by, choice: Some(choice), reason, .. } => {
                (by, format!("chose {choice}"), reason.clone())
            }
            Event::Approved { by, reason, .. } => (by, "approved".to_owned(), reason.clone()),
            Event::Declined { by, reason, .. } => (by, "declined".to_owned(), reason.clone()),
            Event::Waived { by, rule, reason, .. } => {
                (by, format!("waived the rule {rule}"), Some(reason.clone()))
            }
            Event::Paused { by, reason } => (by, "paused the run".to_owned(), reason.clone()),
            Event::Continued { by } => (by, "let the run go on".to_owned(), None),
            Event::SourceDown { by, why } if *by != Actor::Engine => {
                (by, "declared the source region down".to_owned(), Some(why.clone()))
            }
            Event::SettleRequested { by, reason } => {
                (by, "asked for what is owed to be met".to_owned(), reason.clone())
            }
            Event::CancelRequested { by, reason } => {
                (by, "cancelled the run".to_owned(), reason.clone())
            }
            Event::UndoRequested { by, reason } => {
                (by, "asked for all to be taken back".to_owned(), reason.clone())
            }
            Event::StepSkipped { by, why, .. } if *by != Actor::Engine => {
                (by, "skipped the step".to_owned(), Some(why.clone()))
            }
            Event::StepReset { by, .. } => (by, "had the step tried again".to_owned(), None),
            Event::Reopened { by, why } => {
                (by, "opened the run again".to_owned(), Some(why.clone()))
            }
            _ => continue,
        };
        found.push(ReportWord {
            at: clock(at.since(opened)),
            step: event.step().map(ToString::to_string),
            who: name(who),
            what,
            why,
        });
    }
    found
}

fn deviations(events: &[Recorded], plan: &Plan, opened: Timestamp) -> Vec<Deviation> {
    let mut found = Vec::new();
    let mut claims = 0;
    let end = end(events);
    for Recorded { at, event, .. } in events {
        let what = match event {
            Event::Refused { error, .. } => format!("a write was refused: {error}"),
            Event::InDoubt { error, .. } => {
                format!("whether a write had landed was not known: {error}")
            }
            Event::OperationEnded { error: Some(error), .. } => {
                format!("Azure's work failed: {error}")
            }
            Event::RetryScheduled { error, .. } => format!("tried again after: {error}"),
            Event::StepFailed { error, .. } => format!("failed: {error}"),
            Event::StepTimedOut { .. } => "its time was up".to_owned(),
            Event::StepHeld { why, .. } => format!("held: {why}"),
            Event::StepSkipped { by, why, .. } if *by != Actor::Engine => format!("skipped: {why}"),
            Event::GateExpired { .. } => "nobody answered in time".to_owned(),
            Event::Declined { .. } => "declined".to_owned(),
            Event::StepUndoFailed { error, .. } => format!("could not be taken back: {error}"),
            Event::Waived { rule, finding, .. } => format!("{rule} was waived: {finding}"),
            Event::SourceDown { why, .. } => format!("the source region is out of reach: {why}"),
            Event::DeadlinePassed {} => "the run's deadline passed".to_owned(),
            Event::Paused { .. } => "the run was paused".to_owned(),
            Event::RunClaimed { holder } => {
                claims += 1;
                if claims == 1 {
                    continue;
                }
                format!("the process had ended; {holder} took the run up")
            }
            _ => continue,
        };
        found.push(Deviation {
            at: clock(at.since(opened)),
            step: event.step().map(ToString::to_string),
            what,
        });
    }
    let objective = plan.parts().objective.rto;
    let recovered = events.iter().any(|recorded| {
        matches!(recorded.event, Event::RunEnded { outcome: RunOutcome::Succeeded })
    });
    if let (Some(objective), Some(end), true) = (objective, end, recovered)
        && end.since(opened) > objective
    {
        found.push(Deviation {
            at: clock(end.since(opened)),
            step: None,
            what: format!(
                "the recovery took longer than the {} that are allowed",
                clock(objective)
            ),
        });
    }
    found
}

fn versions(plan: &Plan, events: &[Recorded]) -> Vec<ReportVersion> {
    let version = |of: &str, version: String| ReportVersion { of: of.to_owned(), version };
    let mut found = vec![
        version("Plan", plan.digest().to_string()),
        version("backroad that wrote this report", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let mut holders: Vec<&str> = Vec::new();
    for recorded in events {
        if let Event::RunClaimed { holder } = &recorded.event
            && !holders.contains(&holder.as_str())
        {
            holders.push(holder);
        }
    }
    for holder in holders {
        found.push(version("Driven by", holder.to_owned()));
    }
    found
}
