//! How does a preview look to a reader? Flat, as JSON and the terminal show it.

use serde::{Deserialize, Serialize};

use super::view::PLAN_SCHEMA;
use crate::model::{Change, Messages, Plan, Receiver};
use crate::plan::{Preview, PreviewVerdict};
use crate::preflight::Finding;

/// What would happen, flat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewView {
    /// [`PLAN_SCHEMA`].
    pub schema: String,
    /// The runbook.
    pub runbook: String,
    /// What it does.
    pub title: String,
    /// The profile it was compiled under.
    pub profile: Option<String>,
    /// Where was looked.
    pub looked_at: String,
    /// Its steps, in the author's order.
    pub steps: Vec<PreviewStepView>,
    /// Whom a run would tell what; a preview tells nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tells: Vec<PreviewTells>,
    /// What the preflight found.
    #[serde(skip_deserializing)]
    pub preflight: Vec<Finding>,
}

/// Whom a run would tell what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewTells {
    /// The receiver.
    pub receiver: String,
    /// By which way, and where that leads as far as everybody may know.
    pub way: String,
    /// What it would be told.
    pub what: String,
}

/// What one step would do, flat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviewStepView {
    /// Its name.
    pub name: String,
    /// What it does.
    pub title: String,
    /// The action's name.
    pub action: String,
    /// What would happen in it.
    pub verdict: PreviewVerdict,
    /// Why, if the verdict needs a word.
    pub why: Option<String>,
    /// What would change.
    pub changes: Vec<Change>,
}

impl PreviewView {
    /// The view of a preview of a plan, made where `looked_at` says.
    #[must_use]
    pub fn of(plan: &Plan, preview: Preview, looked_at: String) -> Self {
        let parts = plan.parts();
        let step = |step: crate::plan::StepPreview| PreviewStepView {
            name: step.name.to_string(),
            title: step.title,
            action: step.action.to_owned(),
            verdict: step.verdict,
            why: step.why,
            changes: step.changes,
        };
        Self {
            schema: PLAN_SCHEMA.to_owned(),
            runbook: parts.runbook.to_string(),
            title: parts.title.clone(),
            profile: parts.profile.clone(),
            looked_at,
            steps: preview.steps.into_iter().map(step).collect(),
            tells: Vec::new(),
            preflight: Vec::new(),
        }
    }

    /// Says whom a run would tell.
    pub fn set_tells(&mut self, messages: &Messages) {
        let one = |receiver: &Receiver| PreviewTells {
            receiver: receiver.name.clone(),
            way: receiver.way.shown(),
            what: receiver.told(),
        };
        self.tells = messages.receivers.iter().map(one).collect();
    }

    /// Whether a run would come to a step that stops it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.steps.iter().any(|step| step.verdict == PreviewVerdict::Blocked)
    }
}
