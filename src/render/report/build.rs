//! How does a journal become a report? Event by event, without anything that it does not hold.

use std::collections::BTreeMap;
use std::time::Duration;

use super::departures::{departures, doing};
use super::moment::by_the_clock;
use super::picture;
use super::said::words;
use super::view::{
    REPORT_SCHEMA, Reached, Recovery, Report, ReportStep, ReportStrikes, ReportTold, ReportTry,
    ReportVersion, ReportWrite, SplitPart,
};
use super::written::{tries, writes};
use crate::engine::{Event, Recorded, RunState};
use crate::model::{Action, Plan, StepStatus, Timestamp};
use crate::render::split::split;
use crate::render::style::clock;
use crate::render::timeline::Waited;
use crate::render::told::ToldView;
use crate::render::typical::typical;
use crate::render::unreached::unreached_seconds;
use crate::render::view::{
    Driven, ReachView, ReachedView, RunView, StepView, StrikesView, run_view,
};

/// What a report is made of.
#[derive(Debug, Clone, Copy)]
pub struct ReportMaterial<'a> {
    /// The run, folded.
    pub state: &'a RunState,
    /// Its events.
    pub events: &'a [Recorded],
    /// Whether somebody drives it.
    pub driven: Driven,
    /// What each site reached from when on, in a drill: the first is what it found, the last what it left.
    pub reached: &'a [ReachedView],
    /// What each fault and bad day met and struck, in a drill.
    pub strikes: &'a [StrikesView],
    /// What each receiver of messages was told.
    pub told: &'a [ToldView],
    /// The hash of its last event.
    pub head: Option<&'a str>,
    /// The correlation id of its requests.
    pub correlation: Option<&'a str>,
    /// The digest of the runbook's text, where that was kept.
    pub runbook: Option<&'a str>,
    /// The digest of the templates, where it is made with some.
    pub templates: Option<&'a str>,
}

/// So many steps of what decided the time stand in the summary.
const LONG_PATH: usize = 16;

/// The report of a run; none before its first event.
#[must_use]
pub fn report(material: ReportMaterial<'_>) -> Option<Report> {
    let ReportMaterial { state, events, driven, head, .. } = material;
    let opened = state.opened.as_ref()?;
    let plan = &opened.plan;
    let mut view = run_view(state, events, driven)?;
    view.set_reached(material.reached);
    let since = |at: Timestamp| clock(at.since(opened.at));
    let recovery = recovery(&view, events, plan, material.reached);
    let succeeded = view.recovery_seconds.is_some();
    let deviations = departures(&view, events, plan, opened.at);
    let writes = writes(events, opened.at);
    let written = writes.values().map(Vec::len).sum();
    let steps = steps(&view, plan, events, opened.at, writes);
    let mut report = Report {
        schema: REPORT_SCHEMA.to_owned(),
        generator: format!("backroad {}", env!("CARGO_PKG_VERSION")),
        run: view.run.clone(),
        runbook: view.runbook.clone(),
        title: view.title.clone(),
        mode: view.mode.as_str().to_owned(),
        bad_days: view.bad_days.clone(),
        regions_down: view.regions_down.clone(),
        strikes: strikes(material.strikes),
        told: told(material.told),
        profile: view.profile.clone(),
        endpoint: view.endpoint.clone(),
        by: opened.by.as_ref().map(ToString::to_string),
        outcome: view.outcome.as_str().to_owned(),
        succeeded,
        started_at: view.started_at.to_string(),
        ended_at: view.ended_at.map(|at| at.to_string()),
        started: by_the_clock(view.started_at),
        ended: view.ended_at.map(by_the_clock),
        correlation: material.correlation.map(str::to_owned),
        summary: Vec::new(),
        timeline_svg: String::new(),
        steps,
        writes: written,
        words: words(events, opened.at),
        deviations,
        reachability: reached(material.reached),
        obligations: view.obligations.clone(),
        versions: versions(&material, plan),
        events: view.events,
        head: head.map(str::to_owned),
        compared: None,
        recovery,
    };
    let elapsed = since(state.last_at.unwrap_or(opened.at));
    report.summary = summary(&report, &view, events, &elapsed);
    report.timeline_svg = picture::draw(events, plan, &report.summary.join(" "));
    Some(report)
}

/// The steps with their attempts and writes.
fn steps(
    view: &RunView,
    plan: &Plan,
    events: &[Recorded],
    opened: Timestamp,
    mut writes: StepWrites,
) -> Vec<ReportStep> {
    let mut tries = tries(events, opened);
    view.steps
        .iter()
        .enumerate()
        .map(|(place, step)| {
            let tries = tries.remove(&step.name).unwrap_or_default();
            let writes = writes.remove(&step.name).unwrap_or_default();
            let mut told = one(place, step, plan, tries, writes);
            // Taking it back took its time by itself; its attempts say when.
            if let StepStatus::Undone | StepStatus::UndoFailed = step.status
                && let Some((began, ended)) = doing(events, &step.name)
            {
                told.end = Some(clock(ended.since(opened)));
                told.took = Some(clock(ended.since(began)));
                told.seconds = Some(ended.since(began).as_secs_f64());
            }
            told
        })
        .collect()
}

/// The writes of each step, by its name.
type StepWrites = BTreeMap<String, Vec<ReportWrite>>;

fn span(seconds: f64) -> String {
    clock(Duration::from_secs_f64(seconds.max(0.0)))
}

fn summary(report: &Report, view: &RunView, events: &[Recorded], elapsed: &str) -> Vec<String> {
    let objective = match (&report.recovery.objective, report.recovery.within) {
        (Some(objective), Some(true)) => format!(", within the {objective} that are allowed"),
        (Some(objective), Some(false)) => format!(", over the {objective} that are allowed"),
        (Some(objective), None) => format!("; {objective} are allowed"),
        (None, _) => "; no objective is set".to_owned(),
    };
    let first = if let Some(short) = view.short_of_recovery(&report.recovery.took) {
        short
    } else if report.succeeded {
        format!("Recovered in {}{objective}.", report.recovery.took)
    } else if view.taken_back_seconds.is_some() {
        format!("Recovered in {}{objective}, and taken back since.", report.recovery.took)
    } else {
        let asked = view.steps.iter().filter(|step| step.question.is_some());
        let asked: Vec<&str> = asked.map(|step| step.name.as_str()).collect();
        let at = match asked.as_slice() {
            [] => String::new(),
            names => format!(" at {}", names.join(", ")),
        };
        format!("Not recovered: {}{at} after {elapsed}{objective}.", report.outcome)
    };
    let parts: Vec<String> = report
        .recovery
        .parts
        .iter()
        .map(|part| format!("{} {} ({} %)", lower_first(&part.name), part.took, part.percent))
        .collect();
    let decided = decided(view, events);
    let owed = match report.obligations.len() {
        0 => "nothing is owed".to_owned(),
        1 => "one thing is owed".to_owned(),
        n => format!("{n} things are owed"),
    };
    vec![
        first,
        format!("The time went into: {}.", parts.join(", ")),
        decided,
        counted(view),
        match report.deviations.len() {
            0 => format!("Nothing deviated from the runbook, and {owed}."),
            1 => format!("One thing deviated from the runbook, and {owed}."),
            n => format!("{n} things deviated from the runbook, and {owed}."),
        },
    ]
}

/// How many steps were done, as everywhere: one that was not called for is done with.
fn counted(view: &RunView) -> String {
    let count = |status| view.steps.iter().filter(|step| step.status == status).count();
    let skipped = count(StepStatus::Skipped);
    let done = count(StepStatus::Succeeded) + skipped;
    let not_called_for = match skipped {
        0 => String::new(),
        n => format!(", {n} of them not called for,"),
    };
    let undone = match count(StepStatus::Undone) {
        0 => String::new(),
        n => format!(" and {n} taken back"),
    };
    format!(
        "{done} of {} steps were done{not_called_for}{undone}, with {} writes that Azure took.",
        view.steps.len(),
        view.writes
    )
}

/// What decided how long it took.
fn decided(view: &RunView, events: &[Recorded]) -> String {
    let opened = events.first().map(|first| first.at);
    let back = events.iter().find(|one| matches!(one.event, Event::UndoStarted { .. }));
    match (back.zip(opened), view.critical_path.as_slice()) {
        (Some((back, opened)), _) => {
            format!("From {} on it was taken back.", clock(back.at.since(opened)))
        }
        (None, []) => "Nothing has decided it yet.".to_owned(),
        // A long chain would bury the other lines; the steps' table has all of it.
        (None, [first, .., last]) if view.critical_path.len() > LONG_PATH => format!(
            "What decided it: {first} → … → {last}, a chain of {} steps.",
            view.critical_path.len()
        ),
        (None, path) => format!("What decided it: {}.", path.join(" → ")),
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What the time is called in which a run was paused, had ended badly or was driven by nobody.
const LEFT: &str = "Left standing";

fn recovery(view: &RunView, events: &[Recorded], plan: &Plan, watched: &[ReachedView]) -> Recovery {
    let split = split(events, plan);
    let whole = split.whole().as_secs_f64();
    let within = view
        .objective_seconds
        .zip(view.recovery_seconds)
        .map(|(objective, recovery)| recovery <= objective);
    Recovery {
        took: clock(split.whole()),
        seconds: whole,
        objective: view.objective_seconds.map(span),
        within,
        // What sites saw is truer than what routes prove.
        window: match unreached_seconds(watched).filter(|_| view.window_seconds.is_some()) {
            Some(seen) => (seen >= 0.5).then(|| span(seen)),
            None => view.window_seconds.map(span),
        },
        parts: in_hundredths(&[
            ("People deciding", split.deciding),
            ("People at work", split.people),
            // A run that nobody left has no word of it.
            (LEFT, split.left),
            ("Waiting for Azure", split.azure),
            ("Our own overhead", split.own),
        ]),
    }
}

/// The parts with their shares in hundredths, which add up: what rounding leaves goes to those that lost most by it.
fn in_hundredths(parts: &[(&str, Duration)]) -> Vec<SplitPart> {
    let all: u128 = parts.iter().map(|(_, time)| time.as_millis()).sum();
    let share = |time: &Duration| {
        let hundredfold = time.as_millis() * 100;
        (hundredfold.checked_div(all).unwrap_or(0), hundredfold.checked_rem(all).unwrap_or(0))
    };
    let shares: Vec<(u128, u128)> = parts.iter().map(|(_, time)| share(time)).collect();
    let missing = 100_u128.saturating_sub(shares.iter().map(|(whole, _)| whole).sum());
    let mut by_rest: Vec<usize> = (0..parts.len()).collect();
    by_rest.sort_by_key(|place| std::cmp::Reverse(shares[*place].1));
    let more: Vec<usize> = by_rest
        .into_iter()
        .filter(|place| shares[*place].1 > 0)
        .take(usize::try_from(missing).unwrap_or_default())
        .collect();
    let part = |(place, (name, time)): (usize, &(&str, Duration))| SplitPart {
        name: (*name).to_owned(),
        took: clock(*time),
        seconds: time.as_secs_f64(),
        percent: u32::try_from(shares[place].0).unwrap_or(100) + u32::from(more.contains(&place)),
    };
    let told =
        parts.iter().enumerate().filter(|(_, (name, time))| *name != LEFT || !time.is_zero());
    told.map(part).collect()
}

/// What each receiver of messages was told.
fn told(all: &[ToldView]) -> Vec<ReportTold> {
    let one = |own: &ToldView| ReportTold {
        receiver: own.receiver.clone(),
        said: own.said(),
        behind: own.is_behind(),
    };
    all.iter().map(one).collect()
}

/// What came of each fault and bad day.
fn strikes(all: &[StrikesView]) -> Vec<ReportStrikes> {
    let one = |own: &StrikesView| ReportStrikes {
        what: own.what.clone(),
        struck: own.has_struck(),
        said: own.said(),
    };
    all.iter().map(one).collect()
}

/// What each site reaches at the end, and how that stood at the beginning.
fn reached(watched: &[ReachedView]) -> Vec<Reached> {
    let (before, after) = (watched.first(), watched.last());

    let earlier: BTreeMap<(&str, &str), &str> = before
        .iter()
        .flat_map(|moment| &moment.reach)
        .map(|reach| ((reach.site.as_str(), reach.network.as_str()), reach.verdict.as_str()))
        .collect();
    let one = |reach: &ReachView| Reached {
        site: reach.site.clone(),
        network: reach.network.clone(),
        before: earlier
            .get(&(reach.site.as_str(), reach.network.as_str()))
            .map(|verdict| (*verdict).to_owned()),
        verdict: reach.verdict.clone(),
        works: reach.works,
        circuits: reach.circuits.join(", "),
    };
    after.iter().flat_map(|moment| &moment.reach).map(one).collect()
}

fn one(
    place: usize,
    step: &StepView,
    plan: &Plan,
    tries: Vec<ReportTry>,
    writes: Vec<ReportWrite>,
) -> ReportStep {
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
        why: step.why.as_ref().map(|why| match step.not_called_for {
            true => "not called for".to_owned(),
            false => why.clone(),
        }),
        proves: match action {
            Some(Action::Verify(_)) => true,
            // What is seen from on-premises is the best proof that there is.
            Some(Action::Outside(own)) => own.only_reads(),
            _ => false,
        },
        tries,
        writes,
    }
}

fn versions(material: &ReportMaterial<'_>, plan: &Plan) -> Vec<ReportVersion> {
    let version =
        |of: &str, version: &str| ReportVersion { of: of.to_owned(), version: version.to_owned() };
    let mut found = vec![version("Plan", &plan.digest().to_string())];
    let kept = [("Runbook", material.runbook), ("Templates", material.templates)];
    found.extend(kept.into_iter().filter_map(|(of, digest)| Some(version(of, digest?))));
    found.push(version("backroad that wrote this report", env!("CARGO_PKG_VERSION")));
    let mut holders: Vec<&str> = Vec::new();
    for recorded in material.events {
        if let Event::RunClaimed { holder, .. } = &recorded.event
            && !holders.contains(&holder.as_str())
        {
            holders.push(holder);
        }
    }
    found.extend(holders.into_iter().map(|holder| version("Driven by", holder)));
    found
}
