//! What was different? Two runs side by side.

use std::time::Duration;

use super::view::{Pair, Report, RunComparison};
use crate::render::style::clock;

/// Puts another run beside a report.
#[must_use]
pub fn compare(this: &Report, other: &Report) -> RunComparison {
    let digest = |report: &Report| {
        let plan = report.versions.iter().find(|version| version.of == "Plan");
        plan.map(|version| version.version.clone())
    };
    let text = |what: &str, this: &str, other: &str| Pair {
        what: what.to_owned(),
        this: this.to_owned(),
        other: other.to_owned(),
        difference: None,
    };
    let mut facts = vec![
        text("Outcome", &this.outcome, &other.outcome),
        text("Started", &this.started_at, &other.started_at),
    ];
    let time = |what: &str, a: f64, b: f64| Pair {
        what: what.to_owned(),
        this: clock(of(a)),
        other: clock(of(b)),
        difference: Some(signed(a - b)),
    };
    facts.push(time("Time to recovery", this.recovery.seconds, other.recovery.seconds));
    for (a, b) in this.recovery.parts.iter().zip(&other.recovery.parts) {
        facts.push(time(&a.name, a.seconds, b.seconds));
    }
    let count = |report: &Report| report.deviations.len().to_string();
    facts.push(text("Deviations", &count(this), &count(other)));
    let mut names: Vec<&str> = this.steps.iter().map(|step| step.name.as_str()).collect();
    let more = other.steps.iter().map(|step| step.name.as_str());
    names.extend(more.filter(|name| !this.steps.iter().any(|step| step.name == *name)));
    let steps = names
        .into_iter()
        .map(|name| {
            let find = |report: &Report| {
                report.steps.iter().find(|step| step.name == name).map(|step| {
                    (
                        format!("{} {}", step.status, step.took.clone().unwrap_or_default()),
                        step.seconds,
                    )
                })
            };
            let absent = || ("not in it".to_owned(), None);
            let (a, b) = (find(this).unwrap_or_else(absent), find(other).unwrap_or_else(absent));
            let difference = a.1.zip(b.1).map(|(a, b)| signed(a - b));
            Pair {
                what: name.to_owned(),
                this: a.0.trim().to_owned(),
                other: b.0.trim().to_owned(),
                difference,
            }
        })
        .collect();
    RunComparison {
        run: other.run.clone(),
        runbook: other.runbook.clone(),
        same_plan: digest(this).is_some() && digest(this) == digest(other),
        facts,
        steps,
    }
}

fn of(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.max(0.0))
}

fn signed(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "−" } else { "+" };
    if seconds.abs() < 1.0 {
        "same".to_owned()
    } else {
        format!("{sign}{}", clock(of(seconds.abs())))
    }
}
