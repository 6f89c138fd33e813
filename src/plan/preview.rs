//! What would happen? A plan and what was seen, step by step.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::action::General;
use crate::model::assessment::Unchangeable;
use crate::model::{
    Action, Assessed, Assessment, Change, Condition, Plan, Step, StepError, StepName, Verdict,
};

/// What would happen, by step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// In the author's order.
    pub steps: Vec<StepPreview>,
}

/// What would happen in one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepPreview {
    /// The step.
    pub name: StepName,
    /// Its title.
    pub title: String,
    /// Its action.
    pub action: &'static str,
    /// What would happen.
    pub verdict: PreviewVerdict,
    /// Why, where that is not plain.
    pub why: Option<String>,
    /// What would change.
    pub changes: Vec<Change>,
}

/// What would happen in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewVerdict {
    /// Something would be written.
    WouldChange,
    /// The goal holds: nothing would be written.
    AlreadySo,
    /// The goal cannot be reached from here.
    Blocked,
    /// A person would be asked.
    NeedsPerson,
    /// It cannot be known yet.
    Unknown,
}

/// Judges a plan against what was seen. A pure function: there is nothing here that could write.
#[must_use]
pub fn preview(
    plan: &Plan,
    observed: &BTreeMap<StepName, Result<Assessment, StepError>>,
) -> Preview {
    let mut steps: Vec<Option<StepPreview>> = vec![None; plan.steps().len()];
    for &place in plan.dag().order() {
        let step = &plan.steps()[place];
        let open: Vec<&Step> = plan
            .dag()
            .ancestors(place)
            .into_iter()
            .filter(|before| {
                let verdict = steps[*before].as_ref().map(|before| before.verdict);
                matches!(verdict, Some(PreviewVerdict::WouldChange | PreviewVerdict::Unknown))
            })
            .map(|before| &plan.steps()[before])
            .collect();
        steps[place] = Some(judge(step, observed.get(&step.name), &open));
    }
    Preview { steps: steps.into_iter().flatten().collect() }
}

fn judge(
    step: &Step,
    observed: Option<&Result<Assessment, StepError>>,
    open: &[&Step],
) -> StepPreview {
    let (verdict, why, changes) = match when(step) {
        Some(known) => known,
        None => match (step.action.gate(), observed) {
            (Some(gate), _) => {
                (PreviewVerdict::NeedsPerson, Some(gate.policy().question.clone()), Vec::new())
            }
            // A wait writes nothing, and there is nothing of the world to wait for.
            (None, _) if matches!(step.action, Action::General(General::Wait { .. })) => {
                (PreviewVerdict::AlreadySo, Some("Only time passes.".to_owned()), Vec::new())
            }
            (None, Some(Ok(assessment))) => by_assessment(step, &assessment.verdict, open),
            (None, Some(Err(error))) => (
                PreviewVerdict::Unknown,
                Some(format!("It could not be read: {error}.")),
                Vec::new(),
            ),
            (None, None) if matches!(&step.action, Action::Outside(own) if own.places() > 0) => {
                let why = "It takes in what earlier steps put out, and is looked at in the run.";
                (PreviewVerdict::Unknown, Some(why.to_owned()), Vec::new())
            }
            (None, None) => {
                (PreviewVerdict::Unknown, Some("It was not looked at.".to_owned()), Vec::new())
            }
        },
    };
    StepPreview {
        name: step.name.clone(),
        title: step.title.clone(),
        action: step.action.name(),
        verdict,
        why,
        changes,
    }
}

type JudgedStep = (PreviewVerdict, Option<String>, Vec<Change>);

/// What the step's own condition says, if that decides.
fn when(step: &Step) -> Option<JudgedStep> {
    let condition: &Condition = step.when.as_ref()?;
    match condition.judge(&|_| None) {
        Verdict::Holds => None,
        Verdict::Fails(_) => {
            let why = format!("It would be skipped: its condition {condition} does not hold.");
            Some((PreviewVerdict::AlreadySo, Some(why), Vec::new()))
        }
        Verdict::Unknown(_) => {
            let why = format!("Its condition {condition} is judged during the run.");
            Some((PreviewVerdict::Unknown, Some(why), Vec::new()))
        }
    }
}

/// Whether a step may do away with what another one is blocked by: that is what stands under its name.
fn may_free(before: &Step, blocked: &Step) -> bool {
    let Some(own) = blocked.action.subject() else { return false };
    if let Action::Remove(spec) = &before.action {
        return own == &spec.id || own.key().starts_with(&format!("{}/", spec.id.key()));
    }
    // Nobody knows what a program does.
    let calls = matches!(&before.action, Action::Outside(outside) if !outside.only_reads());
    calls || before.action.written() == Some(own)
}

fn by_assessment(step: &Step, verdict: &Assessed, open: &[&Step]) -> JudgedStep {
    let after = || {
        let steps = open.iter().map(|own| format!("`{}`", own.name)).collect::<Vec<_>>();
        match steps.as_slice() {
            [] => None,
            [one] => Some(format!("It cannot be known before {one} is done")),
            [.., last] => Some(format!(
                "It cannot be known before {last} and {} more are done",
                steps.len() - 1
            )),
        }
    };
    match verdict {
        Assessed::Holds => (PreviewVerdict::AlreadySo, None, Vec::new()),
        Assessed::Change(change) => {
            (PreviewVerdict::WouldChange, taken_away(&change.changes), change.changes.clone())
        }
        Assessed::InProgress { why, .. } => {
            (PreviewVerdict::Unknown, Some(format!("{why}.")), Vec::new())
        }
        Assessed::NotYet { why, .. } => match after() {
            Some(after) => {
                (PreviewVerdict::Unknown, Some(format!("{after}; now: {why}.")), Vec::new())
            }
            None => (PreviewVerdict::Blocked, Some(format!("{why}.")), Vec::new()),
        },
        // What stands stays as it is, whatever other steps do to other things.
        Assessed::Blocked { code, why }
            if Unchangeable::of_code(code).is_some()
                && !open.iter().any(|own| may_free(own, step)) =>
        {
            (PreviewVerdict::Blocked, Some(why.clone()), Vec::new())
        }
        Assessed::Blocked { why, .. } => match after() {
            Some(after) => {
                (PreviewVerdict::Unknown, Some(format!("{after}; now: {why}")), Vec::new())
            }
            None => (PreviewVerdict::Blocked, Some(why.clone()), Vec::new()),
        },
    }
}

/// A warning of what would go away although the author may not know of it: things of a list that stands.
fn taken_away(changes: &[Change]) -> Option<String> {
    let gone: Vec<&str> = changes
        .iter()
        .filter(|change| change.after.is_null() && !change.before.is_null())
        .filter_map(|change| change.path.strip_suffix(']')?.rsplit_once('['))
        .map(|(_, name)| name)
        .collect();
    let them = if gone.len() == 1 { "it" } else { "them" };
    (!gone.is_empty()).then(|| {
        format!(
            "Warning: it would take away {}, since this runbook does not name {them}.",
            gone.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        DecisionPolicy, GatePolicy, OnExpiry, OnFailure, Prose, RetryPolicy, SagaClass,
    };

    /// A step of this action that says nothing else.
    fn step(action: General) -> Step {
        Step {
            name: StepName::parse("ask").unwrap(),
            title: "ask".to_owned(),
            needs: Vec::new(),
            action: Action::General(action),
            when: None,
            ensure: Vec::new(),
            timeout: std::time::Duration::from_secs(60),
            retry: RetryPolicy::default(),
            on_failure: OnFailure::Stop,
            saga: SagaClass::Undoable,
            side: None,
            owes: None,
            prose: Prose::default(),
        }
    }

    #[test]
    fn every_kind_of_gate_previews_as_a_question_to_a_person() {
        let gate = GatePolicy {
            question: "Which way?".to_owned(),
            expires_after: None,
            on_expiry: OnExpiry::Decline,
            approvals: 1,
            role: None,
            not_by_starter: false,
        };
        let options = ["left", "right"].map(|way| (way.to_owned(), way.to_owned())).to_vec();
        let decision = DecisionPolicy { gate: gate.clone(), options, otherwise: None };
        let kinds =
            [General::Approval(gate.clone()), General::Manual(gate), General::Decision(decision)];
        for kind in kinds {
            let judged = judge(&step(kind), None, &[]);
            assert_eq!(judged.verdict, PreviewVerdict::NeedsPerson, "{}", judged.action);
            assert_eq!(judged.why.as_deref(), Some("Which way?"));
        }
    }

    #[test]
    fn what_cannot_change_in_place_is_blocked_unless_a_step_before_does_away_with_it() {
        let id = |name: &str| -> crate::model::ResourceId {
            let own = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/connections/";
            format!("{own}{name}").parse().unwrap()
        };
        let with = |action: serde_json::Value| -> Step {
            let action = serde_json::from_value(action).unwrap();
            Step { action, ..step(General::Wait { duration: std::time::Duration::ZERO }) }
        };
        let remove = |name: &str| {
            with(serde_json::json!({ "action": "remove",
                "with": { "kind": "connection", "id": id(name) } }))
        };
        let own = with(serde_json::json!({ "action": "connection.ensure", "with": {
            "id": id("own"), "location": "southeastasia",
            "gateway": id("gateway"), "circuit": id("circuit") } }));
        let stuck = |code: &str| Assessed::Blocked { code: code.to_owned(), why: "So.".to_owned() };
        let judged = |code: &str, open: &[&Step]| by_assessment(&own, &stuck(code), open).0;
        let (other, same) = (remove("other"), remove("own"));
        assert_eq!(judged("cannot_change", &[&other]), PreviewVerdict::Blocked);
        assert_eq!(judged("sku_cannot_change", &[&other]), PreviewVerdict::Blocked);
        assert_eq!(judged("cannot_change", &[&other, &same]), PreviewVerdict::Unknown);
        // What another step may bring about is waited for.
        assert_eq!(judged("circuit_absent", &[&other]), PreviewVerdict::Unknown);
    }
}
