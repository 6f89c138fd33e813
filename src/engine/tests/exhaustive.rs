//! What if several things go wrong, in any order, at any place? Every way in which up to three of them can,
//! over small plans, searched to its end: wrong answers, lost ones, late ones, crashes, people.
//!
//! The world is a bit for each resource, and what is still on its way to it. Observations say the truth.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::engine::state::Direction;
use crate::model::{OperationKey, limits};

/// What may go wrong at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disturbance {
    /// The other side refuses, for now.
    Busy,
    /// The other side refuses.
    No,
    /// A request is lost on its way.
    RequestLost,
    /// A request lands, and its answer is lost.
    AnswerLost,
    /// A request lands when its call is as good as over, and its answer is lost.
    LandsLate,
    /// The process ends; what it was about to send is not sent.
    Crash,
    /// The process ends; what it was about to send is sent.
    CrashAfterSend,
    /// Azure's operation fails.
    OperationFails,
    /// A person undoes.
    Undo,
    /// A person cancels.
    Cancel,
}

/// What is really so.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Truth {
    /// Whether a step's resource is there.
    there: BTreeSet<StepName>,
    /// What Azure works on: whether it will be there.
    operating: BTreeMap<StepName, bool>,
    /// What lands when its time has come: whether it makes or removes, and under which key.
    late: Vec<(Timestamp, StepName, bool, OperationKey)>,
    /// The keys of the writes that landed.
    landed: BTreeSet<OperationKey>,
}

/// One state of the search.
#[derive(Clone)]
struct SearchState {
    bench: Bench,
    truth: Truth,
    /// What went wrong so far.
    troubles: Vec<Disturbance>,
}

impl SearchState {
    fn land(&mut self, step: &StepName, makes: bool, key: &OperationKey) {
        let fresh = self.truth.landed.insert(key.clone());
        assert!(fresh, "a key landed twice, after {:?}", self.troubles);
        if makes {
            self.truth.there.insert(step.clone());
        } else {
            self.truth.there.remove(step);
        }
    }

    /// Lets what is on its way arrive, as far as the time has come.
    fn arrive(&mut self) {
        let now = self.bench.now;
        let (due, later) =
            std::mem::take(&mut self.truth.late).into_iter().partition(|l| l.0 <= now);
        self.truth.late = later;
        let due: Vec<(Timestamp, StepName, bool, OperationKey)> = due;
        for (_, step, makes, key) in due {
            self.land(&step, makes, &key);
        }
    }

    fn direction(&self, step: &StepName) -> Direction {
        self.bench.state.steps[step].work().map_or(Direction::Forward, |work| work.direction)
    }

    /// What a look at a step's resource shows.
    fn look(&self, step: &StepName, direction: Direction) -> Assessment {
        let there = self.truth.there.contains(step);
        let wanted = direction == Direction::Forward;
        let resource = self.bench.plan.step(step).unwrap().action.written().unwrap().clone();
        let verdict = if self.truth.operating.contains_key(step) {
            Assessed::InProgress { why: "at work".to_owned(), after: Duration::from_secs(10) }
        } else if there == wanted {
            Assessed::Holds
        } else {
            let mut change = self.bench.write_of(step);
            if !wanted {
                change.write.method = WriteMethod::Delete;
                change.write.body = None;
            }
            Assessed::Change(Box::new(change))
        };
        let state = if there { SeenState::of("Succeeded") } else { SeenState::Absent };
        let seen = vec![Seen { resource, state, etag: None }];
        Assessment { verdict, seen, outputs: BTreeMap::new() }
    }

    /// The next thing that happens, with this trouble or none; none where that cannot be.
    fn after(&self, trouble: Option<Disturbance>) -> Option<Self> {
        let mut next = self.clone();
        next.troubles.extend(trouble);
        match trouble {
            Some(Disturbance::Crash) => {
                next.crash();
                return Some(next);
            }
            Some(Disturbance::Undo) => {
                return next.say(Command::Undo { by: "ann".into(), reason: None });
            }
            Some(Disturbance::Cancel) => {
                return next.say(Command::Cancel { by: "ann".into(), reason: None });
            }
            _ => {}
        }
        next.bench.pending.retain(|effect| !matches!(effect, Effect::Finish(_)));
        let due =
            |effect: &Effect| if let Effect::WakeAt(_, at) = effect { Some(*at) } else { None };
        let first = (0..next.bench.pending.len()).min_by_key(|i| due(&next.bench.pending[*i]))?;
        let effect = next.bench.pending.remove(first);
        let input = next.answer(effect, trouble)?;
        next.arrive();
        next.bench.give(input);
        Some(next)
    }

    fn crash(&mut self) {
        self.bench.crash();
    }

    fn say(mut self, command: Command) -> Option<Self> {
        let turn = self.bench.give(Input::Command(command));
        turn.refusal.is_none().then_some(self)
    }

    /// What an effect comes to.
    fn answer(&mut self, effect: Effect, trouble: Option<Disturbance>) -> Option<Input> {
        Some(match (effect, trouble) {
            (Effect::Observe(ticket, direction), None) => {
                let seen = self.look(&ticket.step, direction);
                Input::Observed(ticket, Ok(seen))
            }
            (Effect::Observe(ticket, _), Some(Disturbance::Busy)) => {
                Input::Observed(ticket, Err(transient()))
            }
            (Effect::Send(ticket, intent), trouble) => return self.send(ticket, &intent, trouble),
            (Effect::Poll(ticket, _), None) => {
                self.operation_ends(&ticket.step, true);
                Input::Polled(ticket, Ok(PollAnswer::Succeeded))
            }
            (Effect::Poll(ticket, _), Some(Disturbance::OperationFails)) => {
                self.operation_ends(&ticket.step, false);
                Input::Polled(ticket, Ok(PollAnswer::Failed(transient())))
            }
            (Effect::Poll(ticket, _), Some(Disturbance::Busy)) => {
                Input::Polled(ticket, Ok(PollAnswer::Running { after: None }))
            }
            (Effect::Poll(ticket, _), Some(Disturbance::No)) => {
                let gone = StepError::rejected("ResourceNotFound", "The operation is gone.");
                self.operation_ends(&ticket.step, true);
                Input::Polled(ticket, Err(gone))
            }
            (Effect::WakeAt(timer, at), None) => {
                self.bench.now = self.bench.now.max(at);
                Input::Due(timer)
            }
            _ => return None,
        })
    }

    fn operation_ends(&mut self, step: &StepName, well: bool) {
        if let Some(makes) = self.truth.operating.remove(step) {
            if makes == well {
                self.truth.there.insert(step.clone());
            } else if !makes && well {
                self.truth.there.remove(step);
            }
        }
    }

    fn send(
        &mut self,
        ticket: Ticket,
        intent: &Intent,
        trouble: Option<Disturbance>,
    ) -> Option<Input> {
        let step = ticket.step.clone();
        let makes = self.direction(&step) == Direction::Forward;
        let on_its_way = self.truth.late.iter().any(|late| late.1 == step);
        assert!(!on_its_way, "sent while another may be under way, after {:?}", self.troubles);
        let lost = || Err(StepError::ambiguous("no_answer", "Reset."));
        Some(match trouble {
            None => {
                let fresh = self.truth.landed.insert(intent.key.clone());
                assert!(fresh, "a key was accepted twice, after {:?}", self.troubles);
                self.truth.operating.insert(step, makes);
                Input::Sent(ticket, Ok(accepted()))
            }
            Some(Disturbance::Busy) => Input::Sent(ticket, Err(transient())),
            Some(Disturbance::No) => {
                let no = StepError::rejected("AuthorizationFailed", "No.");
                Input::Sent(ticket, Err(no))
            }
            Some(Disturbance::RequestLost) => Input::Sent(ticket, lost()),
            Some(Disturbance::AnswerLost) => {
                self.land(&step, makes, &intent.key);
                Input::Sent(ticket, lost())
            }
            Some(Disturbance::LandsLate) => {
                let at = intent.not_after + (limits::CALL_TIMEOUT - Duration::from_secs(1));
                self.truth.late.push((at, step, makes, intent.key.clone()));
                Input::Sent(ticket, lost())
            }
            Some(Disturbance::CrashAfterSend) => {
                self.land(&step, makes, &intent.key);
                self.crash();
                // The turn of the new driver has been taken; this stands for nothing.
                Input::Due(Timer::Look(Ticket { step, attempt: 0 }))
            }
            Some(_) => return None,
        })
    }

    /// What holds at every place.
    fn check(&self) {
        for (step, record) in &self.bench.state.steps {
            let there = self.truth.there.contains(step);
            let troubles = &self.troubles;
            assert!(
                record.touched || !there,
                "`{step}` is there and counts as never touched, after {troubles:?}"
            );
            if record.state == StepState::Succeeded {
                assert!(there, "`{step}` succeeded and is not there, after {troubles:?}");
            }
            if record.state == StepState::Undone {
                assert!(!there, "`{step}` is undone and is there, after {troubles:?}");
            }
        }
        match self.bench.state.outcome() {
            Some(RunOutcome::Succeeded) => {
                assert_eq!(self.truth.there.len(), self.bench.state.steps.len());
            }
            Some(RunOutcome::Undone) => {
                let nothing = self.truth.there.is_empty() && self.truth.late.is_empty();
                assert!(nothing, "undone, and {:?} is left, after {:?}", self.truth, self.troubles);
            }
            Some(RunOutcome::Failed | RunOutcome::Cancelled | RunOutcome::UndoIncomplete)
            | None => {}
        }
    }

    /// Two nodes with the same text go on in the same way.
    fn text(&self) -> String {
        let Bench { state, pending, now, .. } = &self.bench;
        let steps = &state.steps;
        let at = now.as_millis();
        let left =
            (self.troubles.len(), state.phase.clone(), &state.stopped_by, &state.source_down);
        format!("{at} {steps:?} {pending:?} {:?} {left:?}", self.truth)
    }
}

const TROUBLES: [Disturbance; 10] = [
    Disturbance::Busy,
    Disturbance::No,
    Disturbance::RequestLost,
    Disturbance::AnswerLost,
    Disturbance::LandsLate,
    Disturbance::Crash,
    Disturbance::CrashAfterSend,
    Disturbance::OperationFails,
    Disturbance::Undo,
    Disturbance::Cancel,
];

/// Every way from the start with at most so many troubles; tells how many states and ends there were.
fn search(plan: Plan, troubles_max: usize) -> (usize, usize) {
    let mut bench = Bench::new(plan);
    bench.give(Input::Opened);
    let start = SearchState { bench, truth: Truth::default(), troubles: Vec::new() };
    let (mut seen, mut ends, mut open) = (BTreeSet::new(), 0, vec![start]);
    while let Some(node) = open.pop() {
        if !seen.insert(node.text()) {
            continue;
        }
        node.check();
        assert!(seen.len() < 2_000_000, "the search does not end, after {:?}", node.troubles);
        if node.troubles.len() < troubles_max {
            open.extend(TROUBLES.iter().filter_map(|trouble| node.after(Some(*trouble))));
        }
        match node.after(None) {
            Some(next) => open.push(next),
            None => {
                ends += 1;
                let asked = !node.bench.state.waiting_for_people().is_empty();
                assert!(
                    node.bench.state.outcome().is_some() || asked,
                    "a run hangs, after {:?}",
                    node.troubles
                );
            }
        }
    }
    (seen.len(), ends)
}

/// A plan of one step, or two, of which the last one takes everything back when it fails.
fn plan(steps: usize, timeout: Duration) -> Plan {
    let mut steps = match steps {
        1 => vec![public_ip("one", &[])],
        _ => vec![public_ip("one", &[]), public_ip("two", &["one"])],
    };
    for step in &mut steps {
        step.timeout = timeout;
    }
    if let Some(last) = steps.last_mut() {
        last.on_failure = OnFailure::Undo;
    }
    plan_of(steps)
}

#[test]
fn whatever_three_troubles_meet_one_step_the_journal_is_true_and_nothing_lands_twice() {
    let (states, ends) = search(plan(1, Duration::from_secs(1_800)), 3);
    assert!(states > 10_000 && ends > 500, "{states} states, {ends} ends");
}

#[test]
fn whatever_three_troubles_meet_a_step_with_little_time_the_journal_is_true() {
    let (states, ends) = search(plan(1, Duration::from_secs(45)), 3);
    assert!(states > 10_000 && ends > 500, "{states} states, {ends} ends");
}

#[test]
fn whatever_two_troubles_meet_two_steps_the_journal_is_true_and_nothing_lands_twice() {
    let (states, ends) = search(plan(2, Duration::from_secs(1_800)), 2);
    assert!(states > 10_000 && ends > 500, "{states} states, {ends} ends");
}
