//! Is the world still as it was when this plan was approved? A plan kept in a file, and its comparison.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::args::Compile;
use super::error::CliError;
use super::files;
use crate::engine::{Survey, is_looked_at};
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{Assessed, Plan, PlanDigest, RunbookName, Seen, StepName};
use crate::plan::{PlanDifference, compare};
use crate::store::claims::same_endpoint;

/// The form of the file. The first had a digest of the plan alone.
const SCHEMA: &str = "backroad.saved_plan/2";

/// What the digest of a file is of.
const DIGEST_OF: &str = "backroad saved plan v2";

/// A plan, and what was seen when it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    schema: String,
    runbook: PathBuf,
    profile: Option<String>,
    params: BTreeMap<String, String>,
    looked_at: String,
    /// The plan's own, as reports show it.
    plan_digest: PlanDigest,
    plan: Plan,
    seen: BTreeMap<StepName, SeenStep>,
    /// Of everything before it.
    digest: String,
}

/// What was seen of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenStep {
    verdict: String,
    resources: Vec<Seen>,
}

/// What a file says of its form, whatever else it says.
#[derive(Deserialize)]
struct Form {
    schema: String,
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
    ///
    /// # Errors
    /// Its runbook's path is no text.
    pub fn new(
        runbook: &Path,
        given: &[(String, String)],
        plan: &Plan,
        survey: &Survey,
        looked_at: &str,
    ) -> Result<Self, CliError> {
        let mut saved = Self {
            schema: SCHEMA.to_owned(),
            runbook: runbook.to_owned(),
            profile: plan.parts().profile.clone(),
            params: given.iter().cloned().collect(),
            looked_at: looked_at.to_owned(),
            plan_digest: plan.digest(),
            plan: plan.clone(),
            seen: seen(survey),
            digest: String::new(),
        };
        saved.digest = saved.own_digest().map_err(|error| {
            CliError::usage("The plan cannot be kept.").because(&error).hint(format!(
                "A kept plan names its runbook in JSON, which is UTF-8: rename {}.",
                runbook.display()
            ))
        })?;
        Ok(saved)
    }

    /// The digest of all that it says.
    fn own_digest(&self) -> Result<String, serde_json::Error> {
        let bare = Self { digest: String::new(), ..self.clone() };
        let mut hasher = blake3::Hasher::new_derive_key(DIGEST_OF);
        hasher.update(&bare.bytes()?);
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// The file's bytes: the same for the same plan.
    fn bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(self)
    }

    /// Writes it to a file, whole or not at all.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), CliError> {
        let bytes = self
            .bytes()
            .map_err(|error| CliError::refused("The plan cannot be kept.").because(&error))?;
        files::write_over(path, &bytes)
    }

    /// Reads one from a file.
    ///
    /// # Errors
    /// The file cannot be read, is no saved plan, or was edited.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let bytes = files::read("plan", path, FILE_BYTES_MAX)?;
        let again = "Make one with `backroad plan RUNBOOK --out FILE`.";
        // The form is read on its own: another one may differ in everything else.
        let form = serde_json::from_slice::<Form>(&bytes).ok().map(|form| form.schema);
        if let Some(form) = form.filter(|form| form != SCHEMA) {
            let what = format!("{} has the form {form}, not {SCHEMA}.", path.display());
            return Err(CliError::refused(what).hint(again));
        }
        let saved: Self = serde_json::from_slice(&bytes).map_err(|error| {
            CliError::usage(format!("{} is no saved plan.", path.display()))
                .because(&error)
                .hint(again)
        })?;
        saved.is_untouched(&bytes).map_err(|why| {
            CliError::refused(format!("{} was edited: {why}.", path.display()))
                .hint("Plan again, and have it approved again.")
        })?;
        Ok(saved)
    }

    /// Whether it is as it was written, byte by byte, and speaks of every step of its plan.
    fn is_untouched(&self, bytes: &[u8]) -> Result<(), String> {
        let digest = self.own_digest().map_err(|error| error.to_string())?;
        if digest != self.digest || self.plan.digest() != self.plan_digest {
            return Err("its digest does not fit".to_owned());
        }
        // What means the same and is written otherwise was written by somebody else.
        if self.bytes().map_err(|error| error.to_string())? != bytes.trim_ascii_end() {
            return Err("it is not written as backroad writes it".to_owned());
        }
        let mut looked_at = self.plan.steps().iter().filter(|step| is_looked_at(step));
        if let Some(unseen) = looked_at.find(|step| !self.seen.contains_key(&step.name)) {
            return Err(format!("what was seen of step `{}` is missing", unseen.name));
        }
        if let Some(other) = self.seen.keys().find(|name| self.plan.step(name).is_none()) {
            return Err(format!("it speaks of `{other}`, which is no step of its plan"));
        }
        Ok(())
    }

    /// Its runbook's name.
    #[must_use]
    pub fn name(&self) -> &RunbookName {
        &self.plan.parts().runbook
    }

    /// Where was looked when it was made.
    #[must_use]
    pub fn looked_at(&self) -> &str {
        &self.looked_at
    }

    /// Whether it was made of this place, however that is written.
    #[must_use]
    pub fn is_of(&self, looked_at: &str) -> bool {
        self.looked_at == looked_at || same_endpoint(&self.looked_at, looked_at)
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
        Compile { profile: self.profile.clone(), params, ..Compile::default() }
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
        for step in self.plan.steps().iter().filter(|step| is_looked_at(step)) {
            let name = &step.name;
            let (Some(before), Some(after)) = (self.seen.get(name), now.get(name)) else {
                changed.push(format!("step `{name}` was not looked at both times"));
                continue;
            };
            if before.verdict != after.verdict {
                changed.push(format!(
                    "step `{name}` was {}, and is {}",
                    before.verdict, after.verdict
                ));
                continue;
            }
            let written = after.resources.iter().filter(|one| !before.resources.contains(one));
            changed.extend(written.map(|one| format!("{} was written since", one.resource)));
            let still = |one: &&Seen| after.resources.iter().any(|a| a.resource == one.resource);
            let gone = before.resources.iter().filter(|one| !still(one));
            changed.extend(gone.map(|one| format!("{} is not there any more", one.resource)));
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
