//! What do people have to do? Each open question with who may answer it, how many have, until when, and the
//! command that answers it.

use serde::{Deserialize, Serialize};

use super::at_work::AzureWork;
use super::barred::Barred;
use super::{NoPath, stopped};
use crate::engine::{Actor, Phase, RunPhase, RunState, StepState, people};
use crate::model::{
    Gate, GatePolicy, OnExpiry, OnFailure, Plan, RunId, RunOutcome, Step, StepName, Timestamp,
};
use crate::render::view::Driven;

/// Something that a person has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// What kind of thing it is.
    pub kind: AskKind,
    /// The step; none where it is about the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The question, or why somebody is needed.
    pub question: String,
    /// The role that may answer; anybody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Those who have the role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    /// How to reach them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Whether the one who started the run may not answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_by_starter: bool,
    /// How many people have said yes.
    pub given: usize,
    /// How many have to.
    pub needed: usize,
    /// Who has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What no answer until then counts as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<String>,
    /// The ways to answer, the first of which leads on.
    pub ways: Vec<AskWay>,
}

/// What kind of thing a person has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    /// To say yes or no.
    Approval,
    /// To do something by hand, and say that it is done.
    Manual,
    /// To choose.
    Decision,
    /// To say what shall become of a step that failed.
    Failure,
    /// To settle a doubt.
    Held,
    /// To let a paused run go on.
    Paused,
    /// To take a run up that nobody drives.
    Interrupted,
    /// To say what comes of a run that a failure has stopped, or ended.
    Stopped,
}

impl AskKind {
    /// What is to be done, after "to".
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Approval => "approve",
            Self::Manual => "do by hand",
            Self::Decision => "choose at",
            Self::Failure => "decide about",
            Self::Held => "settle",
            Self::Paused => "let the run go on",
            Self::Interrupted => "take the run up",
            Self::Stopped => "say what comes of it",
        }
    }
}

/// A way to answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskWay {
    /// The command.
    pub command: String,
    /// What it does.
    pub what: String,
}

fn way(command: String, what: &str) -> AskWay {
    AskWay { command, what: what.to_owned() }
}

impl Ask {
    /// Whom it is for: the role, else anybody.
    #[must_use]
    pub fn whom(&self) -> &str {
        self.role.as_deref().unwrap_or("anybody")
    }

    /// Says of a no what it means while one connection is removed and the other is not proven.
    pub(super) fn without_a_path(&mut self, no_path: NoPath) {
        let asked = match self.kind {
            AskKind::Approval | AskKind::Manual | AskKind::Decision | AskKind::Failure => true,
            AskKind::Held | AskKind::Paused | AskKind::Interrupted | AskKind::Stopped => false,
        };
        // The no comes last.
        if let Some(no) = self.ways.last_mut().filter(|_| asked) {
            no.what.push_str(match no_path.other_made {
                true => ", and no path is proven until somebody goes on",
                false => ", and nothing is reachable until somebody goes on",
            });
        }
    }

    fn of_run(kind: AskKind, question: String, command: AskWay) -> Self {
        Self {
            kind,
            step: None,
            question,
            role: None,
            people: Vec::new(),
            contact: None,
            not_by_starter: false,
            given: 0,
            needed: 1,
            by: Vec::new(),
            since: None,
            expires_at: None,
            then: None,
            ways: vec![command],
        }
    }
}

/// What people have to do, the oldest question first; what holds the whole run up before all.
pub(super) fn asks(
    state: &RunState,
    driven: Driven,
    barred: &Barred,
    azure: &[AzureWork],
    now: Timestamp,
) -> Vec<Ask> {
    let Some(opened) = &state.opened else { return Vec::new() };
    if let RunPhase::Ended { outcome, .. } = state.phase {
        return after_the_end(state, &opened.plan, &opened.run, outcome).into_iter().collect();
    }
    let mut asks: Vec<Ask> =
        opened.plan.steps().iter().filter_map(|step| of_step(state, &opened.plan, step)).collect();
    asks.sort_by_key(|ask| ask.since);
    let resume = format!("backroad resume {}", opened.run);
    if driven == Driven::ByNobody {
        // Nothing can be answered any more, and nobody was there to say so.
        let over = |ask: &Ask| ask.expires_at.is_some_and(|at| at <= now);
        let (late, open): (Vec<Ask>, Vec<Ask>) = asks.into_iter().partition(over);
        let late = late.into_iter().map(|ask| time_was_over(&ask, &opened.run, &resume));
        asks = late.chain(open).collect();
    }
    // Before any question: what is asked for what cannot go on is asked in vain.
    asks.splice(0..0, barring(state, &opened.plan, &opened.run, barred));
    if let Some(by) = &state.paused {
        let (why, what) = match driven {
            Driven::ByAProcess => ("nothing new starts.", "let it go on"),
            Driven::ByNobody => (
                "nothing new starts; and nobody drives it: nothing is looked at.",
                "take it up; this lifts the pause, and it goes on",
            ),
        };
        let why = format!("Paused by {}: {why}", by.name());
        asks.insert(0, Ask::of_run(AskKind::Paused, why, way(resume, what)));
    } else if driven == Driven::ByNobody && asks.iter().all(|ask| ask.kind == AskKind::Stopped) {
        let why = "Nobody drives the run: nothing is started and nothing is looked at.".to_owned();
        let go_on = way(resume, "go on where it stopped");
        asks.insert(0, Ask::of_run(AskKind::Interrupted, why, go_on));
    } else if driven == Driven::ByNobody
        && !azure.is_empty()
        && asks.iter().all(|ask| ask.kind != AskKind::Interrupted)
    {
        // Whoever may not answer a question can still have the rest looked after.
        let why = "Nobody drives the run: what Azure is at is not looked at.".to_owned();
        let go_on = way(resume, "look at it, and wait for the answer");
        asks.push(Ask::of_run(AskKind::Interrupted, why, go_on));
    }
    asks
}

/// What there is to do about steps that failed, behind which others wait in vain.
fn barring(state: &RunState, plan: &Plan, run: &RunId, barred: &Barred) -> Option<Ask> {
    if let Some(step) = stopped(state) {
        let why = format!("`{step}` failed, and nothing new starts before it is done.");
        let mut ask = Ask::of_run(AskKind::Stopped, why, try_again(run, step));
        let others = people::failed(plan, state);
        let others = others.iter().filter(|other| *other != step);
        ask.ways.extend(others.map(|other| try_again(run, other)));
        return Some(ask);
    }
    let (first, others) = barred.by.split_first()?;
    let why = format!("{} before it is tried again.", barred.told());
    let mut ask = Ask::of_run(AskKind::Stopped, why, try_again(run, first));
    ask.ways.extend(others.iter().map(|other| try_again(run, other)));
    Some(ask)
}

/// What there is to do about a question whose time was over while nobody drove the run.
fn time_was_over(ask: &Ask, run: &RunId, resume: &str) -> Ask {
    let step = ask.step.as_deref().unwrap_or_default();
    let then = ask.then.as_deref().unwrap_or("the step fails");
    let at = ask.expires_at.map(|at| format!(" at {at}")).unwrap_or_default();
    let why = format!(
        "The time of `{step}` was over{at}, and nobody drove the run: {then} as soon as it is taken up. If it then \
         fails, `backroad retry {run} {step}` asks anew."
    );
    let mut told = Ask::of_run(AskKind::Interrupted, why, way(resume.to_owned(), "take it up"));
    told.since = ask.since;
    told
}

fn try_again(run: &RunId, step: &StepName) -> AskWay {
    way(format!("backroad retry {run} {step}"), "try it again and go on")
}

/// What there is to do about a run that did not end as one would wish.
fn after_the_end(state: &RunState, plan: &Plan, run: &RunId, outcome: RunOutcome) -> Option<Ask> {
    let undo = |what: &str| way(format!("backroad undo {run}"), what);
    let (why, ways) = match outcome {
        RunOutcome::Succeeded | RunOutcome::Undone => return None,
        RunOutcome::Failed | RunOutcome::Cancelled => {
            let mut ways: Vec<AskWay> =
                people::failed(plan, state).iter().map(|step| try_again(run, step)).collect();
            if !people::taken_back(plan, state).is_empty() {
                ways.push(undo("put back what was changed"));
            }
            ("It ended without its goal, and what it changed stands.", ways)
        }
        RunOutcome::UndoIncomplete => {
            ("Not all of what it changed could be put back.", vec![undo("try the undo again")])
        }
    };
    let mut ways = ways.into_iter();
    let mut ask = Ask::of_run(AskKind::Stopped, why.to_owned(), ways.next()?);
    ask.ways.extend(ways);
    Some(ask)
}

pub(super) fn of_step(state: &RunState, plan: &Plan, step: &Step) -> Option<Ask> {
    let record = state.step(&step.name)?;
    let run = &state.opened.as_ref()?.run;
    let name = &step.name;
    if let StepState::Held { why } = &record.state {
        let undoing = matches!(state.phase, RunPhase::Undoing { .. });
        let mut ask = held(run, name, why, undoing);
        ask.since = record.ended_at;
        owner(&mut ask, plan);
        return Some(ask);
    }
    let Phase::Asking { question, since, expires_at, failure, approved_by, choice } =
        &record.work()?.phase
    else {
        return None;
    };
    let gate = step.action.gate();
    let (kind, ways) = ways(run, step, failure.is_some(), choice.as_ref());
    let mut ask = Ask {
        kind,
        step: Some(name.to_string()),
        question: flat(question, gate),
        role: None,
        people: Vec::new(),
        contact: None,
        not_by_starter: false,
        given: approved_by.len(),
        needed: 1,
        by: approved_by.iter().map(|own| own.name().to_owned()).collect(),
        since: Some(*since),
        expires_at: *expires_at,
        then: expires_at.map(|_| expired(gate)),
        ways,
    };
    if let Some(gate) = gate {
        policy(&mut ask, plan, gate.policy());
    }
    owner(&mut ask, plan);
    Some(ask)
}

/// What to do about a step that is held.
fn held(run: &RunId, name: &StepName, why: &str, undoing: bool) -> Ask {
    let retry = way(format!("backroad retry {run} {name}"), "look again and go on");
    let skip = if undoing { "leave it as it is" } else { "go on without it" };
    let skip = way(format!("backroad skip {run} {name} --reason TEXT"), skip);
    let mut ask = Ask::of_run(AskKind::Held, why.to_owned(), retry);
    ask.ways.push(skip);
    ask.step = Some(name.to_string());
    ask
}

/// What there is to answer a gate, or what a failed step asks.
fn ways(run: &RunId, step: &Step, failed: bool, choice: Option<&String>) -> (AskKind, Vec<AskWay>) {
    let name = &step.name;
    let gate = step.action.gate();
    let decline = |what: &str| way(format!("backroad decline {run} {name} --reason TEXT"), what);
    let approve = |what: &str| way(format!("backroad approve {run} {name}"), what);
    match (gate, failed) {
        (_, true) | (None, _) => (
            AskKind::Failure,
            vec![
                way(format!("backroad retry {run} {name}"), "try it again"),
                // A gate that failed takes a reason to be passed.
                match gate {
                    Some(_) => way(
                        format!("backroad approve {run} {name} --reason TEXT"),
                        "go on without it",
                    ),
                    None => approve("go on without it"),
                },
                decline("stop"),
            ],
        ),
        (Some(Gate::Approval(_)), false) => {
            let no = format!("say no: {}", after_a_no(step));
            (AskKind::Approval, vec![approve("say yes and go on"), decline(&no)])
        }
        (Some(Gate::Manual(_)), false) => {
            let no = format!("say that it will not be done: {}", after_a_no(step));
            (AskKind::Manual, vec![approve("say that it is done"), decline(&no)])
        }
        (Some(Gate::Decision(decision)), false) => {
            // Once one person has chosen, the others can only choose the same.
            let open = decision
                .options
                .iter()
                .filter(|(option, _)| choice.is_none_or(|chosen| chosen == option));
            let mut ways: Vec<AskWay> = open
                .map(|(option, means)| {
                    let means = means.split_whitespace().collect::<Vec<_>>().join(" ");
                    let command = format!("backroad approve {run} {name} --choice {option}");
                    AskWay { command, what: means }
                })
                .collect();
            ways.push(decline(&format!("choose none: {}", after_a_no(step))));
            (AskKind::Decision, ways)
        }
    }
}

/// What becomes of the run when a gate is answered with no. Whoever only means "not yet" leaves the question open.
fn after_a_no(step: &Step) -> &'static str {
    match step.on_failure {
        OnFailure::Stop => "the run stops",
        OnFailure::Continue => "the run goes on without it",
        OnFailure::Ask => "you are asked what then",
        OnFailure::Undo => "what the run did is put back",
    }
}

/// The question alone: at a decision its options stand with their commands.
fn flat(question: &str, gate: Option<Gate<'_>>) -> String {
    let text = match gate {
        Some(Gate::Decision(decision)) => &decision.gate.question,
        Some(Gate::Approval(_) | Gate::Manual(_)) | None => question,
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn expired(gate: Option<Gate<'_>>) -> String {
    match gate {
        Some(Gate::Decision(decision)) => match &decision.otherwise {
            Some(option) => format!("counts as `{option}`"),
            None => "the step fails".to_owned(),
        },
        Some(Gate::Approval(policy) | Gate::Manual(policy)) => match policy.on_expiry {
            OnExpiry::Decline => "counts as declined".to_owned(),
            OnExpiry::Approve => "counts as approved".to_owned(),
        },
        None => "the step fails".to_owned(),
    }
}

fn policy(ask: &mut Ask, plan: &Plan, policy: &GatePolicy) {
    ask.needed = usize::try_from(policy.approvals).unwrap_or(usize::MAX).max(1);
    ask.not_by_starter = policy.not_by_starter;
    ask.role.clone_from(&policy.role);
    let role = policy.role.as_ref().and_then(|role| plan.parts().roles.get(role));
    if let Some(role) = role {
        ask.people.clone_from(&role.people);
        ask.contact.clone_from(&role.contact);
    }
}

/// Whom to call where no role says it: who answers for the runbook.
fn owner(ask: &mut Ask, plan: &Plan) {
    if ask.contact.is_none()
        && let Some(owner) = &plan.parts().owner
        && let Some(contact) = &owner.contact
    {
        ask.contact = Some(format!("{}, {contact}", owner.team));
    }
}

/// Who paused the run and why, as its events have it.
pub(super) fn pause_reason(
    events: &[crate::engine::Recorded],
) -> Option<(&Actor, Option<&String>)> {
    events.iter().rev().find_map(|recorded| match &recorded.event {
        crate::engine::Event::Paused { by, reason } => Some((by, reason.as_ref())),
        _ => None,
    })
}
