//! How does Prometheus read the runs? Its text format, with labels of which there are few.
//!
//! What is labelled by run are the runs that go on and a handful of the newest, since each run is a new series; the
//! rest is counted by runbook and kind. A run's own numbers are gauges, since a scrape sees them as they stand.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::measures::RunMeasures;
use crate::model::StepStatus;
use crate::outward;
use crate::render::truth::ObjectiveVerdict;

/// How many runs are told one by one, besides those that go on.
const RUNS_MAX: usize = 20;

/// How many runbooks are told apart; the others count as `other`.
const RUNBOOKS_MAX: usize = 50;

/// The media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A family of samples: name, type, what it is.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: "gauge", help }
}

type Number = fn(&RunMeasures) -> Option<f64>;

/// What is told of each run.
const OF_A_RUN: [(Family, Number); 13] = [
    (gauge("backroad_run_started_timestamp_seconds", "When the run was opened."), |run| {
        Some(count(run.started.as_millis()) / 1000.0)
    }),
    (
        gauge("backroad_run_elapsed_seconds", "From the run's opening to its end, or to now."),
        |run| Some(run.elapsed),
    ),
    (gauge("backroad_run_recovery_seconds", "From the run's opening to its success."), |run| {
        run.recovery
    }),
    (gauge("backroad_run_objective_seconds", "What the recovery is measured against."), |run| {
        run.objective
    }),
    (gauge("backroad_run_attempts", "Attempts at steps, undo included."), |run| {
        Some(f64::from(run.told.attempts))
    }),
    (
        gauge("backroad_run_retries", "Attempts that were made again without a person's word."),
        |run| Some(f64::from(run.told.retries)),
    ),
    (gauge("backroad_run_throttled", "Refusals by which too much was asked."), |run| {
        Some(f64::from(run.told.throttled))
    }),
    (gauge("backroad_run_writes", "Writes that were intended."), |run| {
        Some(f64::from(run.told.writes))
    }),
    (gauge("backroad_run_refused_writes", "Writes that were refused."), |run| {
        Some(f64::from(run.told.refused))
    }),
    (
        gauge("backroad_run_writes_in_doubt", "Times that nobody knew whether a write landed."),
        |run| Some(f64::from(run.told.in_doubt)),
    ),
    (
        gauge(
            "backroad_run_longest_lag_seconds",
            "The longest that a step which could begin had not.",
        ),
        |run| Some(run.told.longest_lag().as_secs_f64()),
    ),
    (
        gauge("backroad_run_people_seconds", "How much of the time went by for people alone."),
        |run| Some(run.people),
    ),
    (gauge("backroad_run_asks", "How many things people have to do."), |run| Some(whole(run.asks))),
];

/// The runs of a state directory, the newest first, as Prometheus reads them.
#[must_use]
pub fn metrics(runs: &[RunMeasures]) -> String {
    let mut text = String::new();
    of_all(&mut text, runs);
    let goes_on = |run: &&RunMeasures| !run.standing.is_end();
    let ended = runs.iter().filter(|run| run.standing.is_end()).take(RUNS_MAX);
    let told: Vec<&RunMeasures> = runs.iter().filter(goes_on).chain(ended).collect();
    for (family, number) in &OF_A_RUN {
        head(&mut text, family);
        for run in &told {
            if let Some(value) = number(run) {
                sample(&mut text, family.name, &labels(run), value);
            }
        }
    }
    let standing = gauge("backroad_run_standing", "1 for where the run stands.");
    head(&mut text, &standing);
    for run in &told {
        let mut labels = labels(run);
        labels.push(("standing", run.standing.as_str().to_owned()));
        sample(&mut text, standing.name, &labels, 1.0);
    }
    let objective = gauge(
        "backroad_run_objective_holds",
        "1 while the objective holds or was met, 0 once it is, or will be, missed.",
    );
    head(&mut text, &objective);
    for run in &told {
        let holds = match run.verdict {
            ObjectiveVerdict::Holds | ObjectiveVerdict::AtRisk | ObjectiveVerdict::Met => 1.0,
            ObjectiveVerdict::WillBeMissed | ObjectiveVerdict::Missed => 0.0,
            ObjectiveVerdict::None | ObjectiveVerdict::Abandoned => continue,
        };
        sample(&mut text, objective.name, &labels(run), holds);
    }
    let steps = gauge("backroad_run_steps", "How many steps of the run have which status.");
    head(&mut text, &steps);
    for run in &told {
        for status in STATUSES {
            let mut labels = labels(run);
            labels.push(("status", status.as_str().to_owned()));
            let of = run.steps.get(status.as_str()).copied().unwrap_or_default();
            sample(&mut text, steps.name, &labels, f64::from(of));
        }
    }
    text
}

const STATUSES: [StepStatus; 10] = [
    StepStatus::Pending,
    StepStatus::Running,
    StepStatus::Waiting,
    StepStatus::Succeeded,
    StepStatus::Failed,
    StepStatus::TimedOut,
    StepStatus::Skipped,
    StepStatus::Held,
    StepStatus::Undone,
    StepStatus::UndoFailed,
];

/// What is told of all runs together.
fn of_all(text: &mut String, runs: &[RunMeasures]) {
    let build = gauge("backroad_build_info", "1; the version of backroad is its label.");
    head(text, &build);
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    sample(text, build.name, &version, 1.0);
    let mut counted: BTreeMap<(String, Word, Word), u32> = BTreeMap::new();
    let mut owed: BTreeMap<(String, Word), usize> = BTreeMap::new();
    let mut last: BTreeMap<(String, Word), f64> = BTreeMap::new();
    let mut known: Vec<&str> = Vec::new();
    for run in runs {
        let room = known.len() < RUNBOOKS_MAX;
        if !known.contains(&run.runbook.as_str()) && room {
            known.push(&run.runbook);
        }
        let runbook =
            if known.contains(&run.runbook.as_str()) { run.runbook.as_str() } else { "other" };
        let of = (runbook.to_owned(), run.kind.as_str());
        *counted.entry((of.0.clone(), of.1, run.standing.as_str())).or_default() += 1;
        *owed.entry(of.clone()).or_default() += run.owed;
        if let Some(at) = run.succeeded_at {
            let ended = count(at.as_millis()) / 1000.0;
            let latest = last.entry(of).or_insert(ended);
            *latest = latest.max(ended);
        }
    }
    let family = gauge("backroad_runs", "How many runs there are, by where they stand.");
    head(text, &family);
    for ((runbook, kind, standing), runs) in counted {
        let mut labels = of_runbook(runbook, kind);
        labels.push(("standing", standing.to_owned()));
        sample(text, family.name, &labels, f64::from(runs));
    }
    let family = gauge("backroad_owed", "How much is left for people to look after.");
    head(text, &family);
    for ((runbook, kind), owed) in owed {
        sample(text, family.name, &of_runbook(runbook, kind), whole(owed));
    }
    let family = gauge("backroad_last_success_timestamp_seconds", "When a run succeeded last.");
    head(text, &family);
    for ((runbook, kind), ended) in last {
        sample(text, family.name, &of_runbook(runbook, kind), ended);
    }
}

/// A word of ours.
type Word = &'static str;

fn of_runbook(runbook: String, kind: &str) -> Vec<(&'static str, String)> {
    vec![("runbook", runbook), ("mode", kind.to_owned())]
}

fn labels(run: &RunMeasures) -> Vec<(&'static str, String)> {
    vec![
        ("run", run.run.clone()),
        ("runbook", run.runbook.clone()),
        ("mode", run.kind.as_str().to_owned()),
    ]
}

fn head(text: &mut String, Family { name, kind, help }: &Family) {
    put(text, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
}

fn sample(text: &mut String, name: &str, labels: &[(&'static str, String)], value: f64) {
    let label = |(name, value): &(&str, String)| format!("{name}=\"{}\"", escaped(value));
    let labels: Vec<String> = labels.iter().map(label).collect();
    put(text, format_args!("{name}{{{}}} {value}\n", labels.join(",")));
}

/// A label's value: known secrets are not in it, and backslash, quote and line's end are escaped.
fn escaped(value: &str) -> String {
    outward::visible(&outward::redacted(value))
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A text takes whatever is written into it.
    let _never_fails = text.write_fmt(what);
}

/// Exact up to 2^53, beyond which no count of ours comes.
fn count(number: i64) -> f64 {
    number as f64
}

fn whole(number: usize) -> f64 {
    count(i64::try_from(number).unwrap_or(i64::MAX))
}
