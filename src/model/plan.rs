//! What is meant? A compiled runbook. Any `Plan` in existence is sound.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::canonical::canonical;
use super::condition::Condition;
use super::graph::{Cycle, Dag};
use super::id::{PlanDigest, RunbookName, StepName};
use super::limits;
use super::message::Messages;
use super::policy::{OnFailure, People, RetryPolicy, SagaClass, Side};
use super::resource::Region;
use super::secret::SecretSource;
use super::time::duration_text;

/// A compiled runbook: typed, resolved, and without dangling edges, cycles or duplicate names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PlanParts", into = "PlanParts")]
pub struct Plan {
    parts: PlanParts,
    dag: Dag,
    index: BTreeMap<StepName, usize>,
}

/// The parts of a plan, before they are known to fit together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanParts {
    /// The runbook's name.
    pub runbook: RunbookName,
    /// What it does, as a line.
    pub title: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// What the recovery is measured against.
    #[serde(default)]
    pub objective: Objective,
    /// The profile it was compiled under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The values of its parameters, as text; secrets are not among them.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Its secrets, by reference.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretSource>,
    /// The tenant of each subscription, where the profile says it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tenants: BTreeMap<String, String>,
    /// Who may answer gates that name a role.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Role>,
    /// Whether people are counted by the names they give, not by the accounts they speak from.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trust_names: bool,
    /// The region that is left: while it is down, nothing homed there can be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_region: Option<Region>,
    /// The runbook that leads back, as written: relative to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failback: Option<String>,
    /// The people of a drill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<People>,
    /// How long a run may take before nothing new is started.
    #[serde(with = "duration_text::option", default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// How often it is to be drilled, for whoever asks whether it is ready.
    #[serde(with = "duration_text::option", default, skip_serializing_if = "Option::is_none")]
    pub drill_every: Option<Duration>,
    /// Who is told what of its runs.
    #[serde(default, skip_serializing_if = "Messages::is_empty")]
    pub messages: Messages,
    /// Prose for people, before the steps.
    #[serde(default)]
    pub prose: Prose,
    /// The steps, in the author's order.
    pub steps: Vec<Step>,
}

/// Who answers for a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The team.
    pub team: String,
    /// How to reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// A role in a failover.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Role {
    /// What the role is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Those who have it, by their accounts, or by the names they give where the plan trusts names; anybody
    /// may take it when none is named.
    #[serde(default)]
    pub people: Vec<String>,
    /// How to reach them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// What a recovery is measured against.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Objective {
    /// The longest acceptable time from the start of the run to the last step's end.
    #[serde(with = "duration_text::option", default, skip_serializing_if = "Option::is_none")]
    pub rto: Option<Duration>,
}

/// Prose for people; Markdown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prose {
    /// Why this is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When not to; of a whole runbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_when: Option<String>,
    /// How to do it by hand: command or portal path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<String>,
    /// What good looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks_good: Option<String>,
    /// Who to call when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name, unique in the plan.
    pub name: StepName,
    /// What it does, as a line.
    pub title: String,
    /// The steps that must have ended well before it.
    #[serde(default)]
    pub needs: Vec<StepName>,
    /// What it asks of the world.
    #[serde(flatten)]
    pub action: Action,
    /// Done only when this holds; skipped otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Must hold of its outputs for it to have succeeded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ensure: Vec<Condition>,
    /// The longest it may take, from its first attempt.
    #[serde(with = "duration_text")]
    pub timeout: Duration,
    /// When to make another attempt.
    pub retry: RetryPolicy,
    /// What its failure means.
    pub on_failure: OnFailure,
    /// Whether it can be taken back.
    pub saga: SagaClass,
    /// Which side of the failover it acts on, where the author says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// What is owed when the step ends without its goal and the run goes on: a sentence for whoever
    /// has to meet it. The obligation outlives the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owes: Option<String>,
    /// Prose for people.
    #[serde(default)]
    pub prose: Prose,
}

impl Step {
    /// Whether it is known never to run: its condition is false with these values.
    #[must_use]
    pub fn never_runs(&self) -> bool {
        self.when == Some(Condition::Known(false))
    }

    /// Whether it is decided in the run whether it runs.
    #[must_use]
    pub fn may_be_left(&self) -> bool {
        self.when.as_ref().is_some_and(|when| !matches!(when, Condition::Known(_)))
    }
}

/// The parts do not make a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No step at all.
    #[error("a plan needs at least one step")]
    Empty,
    /// More steps than `limits::STEPS_MAX`.
    #[error("{0} steps are more than the {max} that a plan may have", max = limits::STEPS_MAX)]
    TooManySteps(usize),
    /// Two steps of one name.
    #[error("there are two steps named `{0}`")]
    Duplicate(StepName),
    /// A need that names no step.
    #[error("step `{step}` needs `{need}`, which is not a step")]
    Dangling {
        /// The step.
        step: StepName,
        /// What it needs.
        need: StepName,
    },
    /// A condition reads a step that is not certain to have ended before.
    #[error("a condition of step `{step}` reads `{read}`, which the step does not need")]
    Unordered {
        /// The step.
        step: StepName,
        /// What its condition reads.
        read: StepName,
    },
    /// Steps that need one another.
    #[error("the steps need one another: {}", .0.iter().map(StepName::as_str).collect::<Vec<_>>().join(" → "))]
    Cycle(Vec<StepName>),
}

impl Plan {
    /// Puts the parts together.
    ///
    /// # Errors
    /// They do not fit; the first problem found, since a compiler has named them all before.
    pub fn new(parts: PlanParts) -> Result<Self, PlanError> {
        if parts.steps.is_empty() {
            return Err(PlanError::Empty);
        }
        if parts.steps.len() > limits::STEPS_MAX {
            return Err(PlanError::TooManySteps(parts.steps.len()));
        }
        let mut index = BTreeMap::new();
        for (place, step) in parts.steps.iter().enumerate() {
            if index.insert(step.name.clone(), place).is_some() {
                return Err(PlanError::Duplicate(step.name.clone()));
            }
        }
        let mut needs = Vec::with_capacity(parts.steps.len());
        for step in &parts.steps {
            let mut list = Vec::with_capacity(step.needs.len());
            for need in &step.needs {
                list.push(*index.get(need).ok_or_else(|| PlanError::Dangling {
                    step: step.name.clone(),
                    need: need.clone(),
                })?);
            }
            needs.push(list);
        }
        let name = |place: usize| parts.steps[place].name.clone();
        let dag = Dag::new(needs)
            .map_err(|Cycle(way)| PlanError::Cycle(way.into_iter().map(name).collect()))?;
        for (place, step) in parts.steps.iter().enumerate() {
            // Asked of few steps: what is before each of all would be the square of the steps.
            let ancestors = LazyCell::new(|| dag.ancestors(place));
            let before = |read: &StepName| index.get(read).is_some_and(|at| ancestors.contains(at));
            let own = |read: &StepName| *read == step.name;
            let unordered =
                step.when.iter().flat_map(Condition::steps).find(|read| !before(read)).or_else(
                    || {
                        step.ensure
                            .iter()
                            .flat_map(Condition::steps)
                            .find(|read| !own(read) && !before(read))
                    },
                );
            let unordered = unordered.cloned().or_else(|| {
                let Action::Outside(own) = &step.action else { return None };
                own.takes_in().into_iter().map(|(read, _)| read).find(|read| !before(read))
            });
            if let Some(read) = unordered {
                return Err(PlanError::Unordered { step: step.name.clone(), read });
            }
        }
        Ok(Self { parts, dag, index })
    }

    /// The parts, to read.
    #[must_use]
    pub fn parts(&self) -> &PlanParts {
        &self.parts
    }

    /// The steps, in the author's order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.parts.steps
    }

    /// The steps without those of which it is known that they never run: `when` is false with these values.
    pub fn steps_to_run(&self) -> impl Iterator<Item = &Step> + Clone {
        self.parts.steps.iter().filter(|step| !step.never_runs())
    }

    /// The same plan, in which it is decided of some steps, by their index in `steps`, that they run or that they do not.
    #[must_use]
    pub fn decided(&self, run: &BTreeSet<usize>, left: &BTreeSet<usize>) -> Self {
        let mut plan = self.clone();
        for (place, step) in plan.parts.steps.iter_mut().enumerate() {
            if left.contains(&place) {
                step.when = Some(Condition::Known(false));
            } else if run.contains(&place) {
                step.when = Some(Condition::Known(true));
            }
        }
        plan
    }

    /// The regions in which steps that may run make something.
    #[must_use]
    pub fn regions_made(&self) -> BTreeSet<&Region> {
        self.steps_to_run()
            .filter_map(|step| Some(step.action.nature().tracked?.location))
            .collect()
    }

    /// The graph of the steps, by their index in `steps`.
    #[must_use]
    pub fn dag(&self) -> &Dag {
        &self.dag
    }

    /// The step of that name.
    #[must_use]
    pub fn step(&self, name: &StepName) -> Option<&Step> {
        self.index.get(name).map(|place| &self.parts.steps[*place])
    }

    /// The index of the step of that name.
    #[must_use]
    pub fn place(&self, name: &StepName) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// The digest of the plan's canonical form: its JSON with sorted keys.
    ///
    /// # Panics
    /// Never: every part of a plan is plain data.
    #[must_use]
    pub fn digest(&self) -> PlanDigest {
        #[expect(
            clippy::expect_used,
            reason = "plain data always becomes JSON, and a hex hash is a digest"
        )]
        fn digest(parts: &PlanParts) -> PlanDigest {
            let value = serde_json::to_value(parts).expect("plans are plain data");
            let hash = blake3::hash(canonical(&value).as_bytes());
            PlanDigest::parse(hash.to_hex().as_str())
                .expect("a BLAKE3 hash has 64 hexadecimal digits")
        }
        digest(&self.parts)
    }
}

impl TryFrom<PlanParts> for Plan {
    type Error = PlanError;
    fn try_from(parts: PlanParts) -> Result<Self, PlanError> {
        Self::new(parts)
    }
}

impl From<Plan> for PlanParts {
    fn from(plan: Plan) -> Self {
        plan.parts
    }
}
