//! Is the world still as it was when this plan was approved? A plan kept in a file, and its comparison.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::Compile;
use super::error::{CliError, Status};
use crate::engine::Survey;
use crate::model::{Assessed, Plan, PlanDigest, Seen, StepName};
use crate::plan::{PlanDifference, compare};

/// The form of the file.
const SCHEMA: &str = "backroad.saved_plan/1";

/// A plan, and what was seen when it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    schema: String,
    runbook: PathBuf,
    profile: Option<String>,
    params: BTreeMap<String, String>,
    looked_at: String,
    digest: PlanDigest,
    plan: Plan,
    seen: BTreeMap<StepName, SeenStep>,
}

/// What was seen of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenStep {
    verdict: String,
    resources: Vec<Seen>,
}

fn seen(survey: &Survey) -> BTreeMap<StepName, SeenStep> {
    let one = |result: &Result<crate::model::Assessment, crate::model::StepError>| match result {
        Ok(assessment) => SeenStep {
            verdict: match &assessment.verdict {
                Assessed::Holds => "holds",
                Assessed::Change(_) => "change",
                Assessed::InProgress { .. } => "in_progress",
                Assessed::NotYet { .. } => "not_yet",
                Assessed::Blocked { .. } => "blocked",
            }
            .to_owned(),
            resources: assessment.seen.clone(),
        },
        Err(error) => {
            SeenStep { verdict: format!("unknown: {}", error.code), resources: Vec::new() }
        }
    };
    survey.iter().map(|(name, result)| (name.clone(), one(result))).collect()
}

impl SavedPlan {
    /// A plan as it is now.
    #[must_use]
    pub fn new(
        runbook: &Path,
        compile: &Compile,
        plan: &Plan,
        survey: &Survey,
        looked_at: &str,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            runbook: runbook.to_owned(),
            profile: plan.parts().profile.clone(),
            params: compile.params.iter().cloned().collect(),
            looked_at: looked_at.to_owned(),
            digest: plan.digest(),
            plan: plan.clone(),
            seen: seen(survey),
        }
    }

    /// Writes it to a file, whole or not at all.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), CliError> {
        let failed = |error: &(dyn std::error::Error + 'static)| {
            let what = format!("The plan cannot be written to {}.", path.display());
            CliError::new(Status::OutOfReach, what).because(error)
        };
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| failed(&error))?;
        let fresh = path.with_extension("new");
        std::fs::write(&fresh, bytes).map_err(|error| failed(&error))?;
        std::fs::rename(&fresh, path).map_err(|error| failed(&error))
    }

    /// Reads one from a file.
    ///
    /// # Errors
    /// The file cannot be read, is no saved plan, or was edited.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let bytes = std::fs::read(path).map_err(|error| {
            CliError::usage(format!("The plan {} cannot be read.", path.display())).because(&error)
        })?;
        let saved: Self = serde_json::from_slice(&bytes).map_err(|error| {
            CliError::usage(format!("{} is no saved plan.", path.display()))
                .because(&error)
                .hint("Make one with `backroad plan RUNBOOK --out FILE`.")
        })?;
        if saved.plan.digest() != saved.digest {
            let what = format!("{} was edited: its digest does not fit.", path.display());
            return Err(CliError::refused(what).hint("Plan again, and have it approved again."));
        }
        Ok(saved)
    }

    /// The runbook that it was made from.
    #[must_use]
    pub fn runbook(&self) -> &Path {
        &self.runbook
    }

    /// How it was compiled.
    #[must_use]
    pub fn compile(&self) -> Compile {
        let params = self.params.clone().into_iter().collect();
        Compile { profile: self.profile.clone(), params }
    }

    /// Refuses when the runbook means something else now.
    ///
    /// # Errors
    /// It does; the error says what.
    pub fn same_plan(&self, now: &Plan) -> Result<(), CliError> {
        let changed: Vec<String> = compare(&self.plan, now)
            .into_iter()
            .map(|difference| match difference {
                PlanDifference::Added(step) => format!("step `{step}` is new"),
                PlanDifference::Removed(step) => format!("step `{step}` is gone"),
                PlanDifference::Changed(step) => format!("step `{step}` asks for something else"),
                PlanDifference::Header => "parameters, people or objective differ".to_owned(),
            })
            .collect();
        refuse("The runbook means something else than when the plan was made", &changed)
    }

    /// Refuses when something that was seen is not as it was.
    ///
    /// # Errors
    /// It is not; the error says what.
    pub fn same_world(&self, survey: &Survey) -> Result<(), CliError> {
        let now = seen(survey);
        let mut changed = Vec::new();
        for (name, before) in &self.seen {
            let Some(after) = now.get(name).filter(|after| *after != before) else { continue };
            if before.verdict != after.verdict {
                changed.push(format!(
                    "step `{name}` was {}, and is {}",
                    before.verdict, after.verdict
                ));
                continue;
            }
            for resource in &after.resources {
                if !before.resources.contains(resource) {
                    changed.push(format!("{} was written since", resource.resource));
                }
            }
        }
        refuse("What was seen when the plan was made is not so any more", &changed)
    }
}

fn refuse(what: &str, changed: &[String]) -> Result<(), CliError> {
    if changed.is_empty() {
        return Ok(());
    }
    Err(CliError::refused(format!("{what}: {}.", changed.join("; ")))
        .hint("Plan again, look at the difference, and have it approved again."))
}
