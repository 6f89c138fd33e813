//! How does a CI system read a drill? As JUnit XML: a suite for the runbook, a case for each step.
//!
//! A step that failed is a failure, one that was not done or not reached is skipped with the reason; what the drill
//! itself came to is a case of its own, so that a drill which ended otherwise than asked is never green.

use std::fmt::Write as _;

use super::xml::escaped;
use crate::engine::RunKind;
use crate::model::StepStatus;
use crate::render::{RunView, StepView};

/// What is told of a drill besides its run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JUnitMaterial {
    /// The runbook's file, as it was named.
    pub file: String,
    /// What decided the simulator's chance.
    pub seed: Option<u64>,
    /// The world's file, as it was named.
    pub world: Option<String>,
    /// Why the drill counts as failed, beyond its steps; empty where it does not.
    pub failures: Vec<String>,
}

/// What became of a case.
enum CaseEnd {
    Passed,
    Failed { kind: String, message: String, text: String },
    Skipped(String),
}

struct Case {
    name: String,
    class: String,
    seconds: f64,
    end: CaseEnd,
}

/// A drill that came to a run.
#[must_use]
pub fn junit(view: &RunView, material: &JUnitMaterial) -> String {
    let mut cases: Vec<Case> = view.steps.iter().map(|step| of_step(view, step)).collect();
    cases.push(of_run(view, material));
    let mut properties = vec![
        ("run", view.run.clone()),
        ("simulated", (view.mode != RunKind::Live).to_string()),
        ("mode", view.mode.as_str().to_owned()),
        ("outcome", view.outcome.as_str().to_owned()),
        ("file", material.file.clone()),
    ];
    properties.extend(view.profile.clone().map(|profile| ("profile", profile)));
    properties.extend(material.seed.map(|seed| ("seed", seed.to_string())));
    properties.extend(material.world.clone().map(|world| ("world", world)));
    properties.extend(view.bad_days.iter().map(|day| ("bad_day", day.clone())));
    properties
        .extend(view.objective_seconds.map(|at_most| ("objective_seconds", at_most.to_string())));
    properties.extend(view.recovery().map(|took| ("recovery_seconds", took.to_string())));
    let suite = Suite {
        name: &view.runbook,
        at: Some(view.started_at.to_string()),
        seconds: view.elapsed_seconds,
        properties,
        cases,
    };
    suite.written()
}

/// A drill that came to no run: its runbook has errors, its preflight fails, or it broke.
#[must_use]
pub fn junit_of_nothing(material: &JUnitMaterial, message: &str, causes: &[String]) -> String {
    let end = CaseEnd::Failed {
        kind: "refused".to_owned(),
        message: message.to_owned(),
        text: causes.join("\n"),
    };
    let case = Case { name: "drill".to_owned(), class: material.file.clone(), seconds: 0.0, end };
    let mut properties = vec![("file", material.file.clone()), ("simulated", "true".to_owned())];
    properties.extend(material.seed.map(|seed| ("seed", seed.to_string())));
    properties.extend(material.world.clone().map(|world| ("world", world)));
    let suite =
        Suite { name: &material.file, at: None, seconds: 0.0, properties, cases: vec![case] };
    suite.written()
}

fn of_step(view: &RunView, step: &StepView) -> Case {
    let why = || step.why.clone().unwrap_or_else(|| format!("The step is {}.", step.status));
    let failed = || {
        let mut text = vec![format!("{} ({})", step.title, step.action)];
        text.extend(step.resource.clone());
        text.extend(step.call.clone().map(|call| format!("Call: {call}")));
        text.extend(step.by_hand.clone().map(|by_hand| format!("By hand:\n{by_hand}")));
        CaseEnd::Failed {
            kind: step.status.as_str().to_owned(),
            message: why(),
            text: text.join("\n"),
        }
    };
    let end = match step.status {
        StepStatus::Succeeded => CaseEnd::Passed,
        StepStatus::Failed | StepStatus::TimedOut | StepStatus::Held | StepStatus::UndoFailed => {
            failed()
        }
        StepStatus::Skipped => CaseEnd::Skipped(why()),
        StepStatus::Undone => CaseEnd::Skipped("It was done, and put back since.".to_owned()),
        StepStatus::Pending => CaseEnd::Skipped("The run did not come to it.".to_owned()),
        StepStatus::Running | StepStatus::Waiting => {
            CaseEnd::Skipped(step.question.clone().unwrap_or_else(why))
        }
    };
    let (from, to) = (step.start_seconds.unwrap_or(0.0), step.end_seconds.unwrap_or(0.0));
    Case {
        name: step.name.clone(),
        class: format!("{}.{}", view.runbook, step.action),
        seconds: (to - from).max(0.0),
        end,
    }
}

/// What the drill came to as a whole, and against its objective.
fn of_run(view: &RunView, material: &JUnitMaterial) -> Case {
    let mut why = material.failures.clone();
    if !view.has_succeeded() {
        why.insert(0, format!("The drill ended {}.", view.outcome.as_str()));
    }
    let took = format!("{:.0} s", view.recovery_seconds.unwrap_or_default());
    why.extend(view.short_of_recovery(&took));
    if let (Some(took), Some(most)) = (view.recovery_seconds, view.objective_seconds)
        && took > most
    {
        why.push(format!("The recovery took {took} s; the objective is {most} s."));
    }
    let end = match why.first() {
        None => CaseEnd::Passed,
        Some(first) => CaseEnd::Failed {
            kind: view.outcome.as_str().to_owned(),
            message: first.clone(),
            text: why.join("\n"),
        },
    };
    Case { name: "the drill as a whole".to_owned(), class: view.runbook.clone(), seconds: 0.0, end }
}

struct Suite<'a> {
    name: &'a str,
    at: Option<String>,
    seconds: f64,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case>,
}

impl Suite<'_> {
    fn written(&self) -> String {
        let count =
            |is: fn(&CaseEnd) -> bool| self.cases.iter().filter(|case| is(&case.end)).count();
        let failed = count(|end| matches!(end, CaseEnd::Failed { .. }));
        let skipped = count(|end| matches!(end, CaseEnd::Skipped(_)));
        let tests = self.cases.len();
        let numbers = format!(
            "tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"{:.3}\"",
            self.seconds
        );
        let at = self
            .at
            .as_deref()
            .map(|at| format!(" timestamp=\"{}\"", escaped(at)))
            .unwrap_or_default();
        let name = escaped(self.name);
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"backroad\" {numbers}>\n  \
             <testsuite name=\"{name}\" {numbers}{at}>\n    <properties>\n"
        );
        for (name, value) in &self.properties {
            put(
                &mut text,
                format_args!("      <property name=\"{name}\" value=\"{}\"/>\n", escaped(value)),
            );
        }
        text.push_str("    </properties>\n");
        self.cases.iter().for_each(|case| case.write(&mut text));
        text.push_str("  </testsuite>\n</testsuites>\n");
        text
    }
}

impl Case {
    fn write(&self, text: &mut String) {
        let (name, class) = (escaped(&self.name), escaped(&self.class));
        put(
            text,
            format_args!(
                "    <testcase name=\"{name}\" classname=\"{class}\" time=\"{:.3}\"",
                self.seconds
            ),
        );
        match &self.end {
            CaseEnd::Passed => text.push_str("/>\n"),
            CaseEnd::Skipped(why) => {
                put(
                    text,
                    format_args!(
                        ">\n      <skipped message=\"{}\"/>\n    </testcase>\n",
                        escaped(why)
                    ),
                );
            }
            CaseEnd::Failed { kind, message, text: more } => put(
                text,
                format_args!(
                    ">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>\n",
                    escaped(kind),
                    escaped(message),
                    escaped(more)
                ),
            ),
        }
    }
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // A text takes whatever is written into it.
    let _never_fails = text.write_fmt(what);
}
