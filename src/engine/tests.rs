//! The promises of the turn: each invariant of the engine has a test of its name.

mod doubt;
mod edges;
mod exhaustive;
mod gates;
mod mending;
mod outage;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::event::{BootTime, Event, Intent, Recorded};
use super::people::{Command, StepCommand};
use super::ports::{PollAnswer, SendAnswer};
use super::state::{Phase, RunState, StepState};
use super::target::RunMode;
use super::turn::{Effect, Input, Intake, Moment, Ticket, Timer, Turn, take_turn};
use crate::model::action::{General, PublicIp, Subnet, Verification};
use crate::model::assessment::SeenState;
use crate::model::{
    Action, Answer, Assessed, Assessment, Change, Comparison, Condition, DecisionPolicy, Epoch,
    GatePolicy, HandleKind, Objective, OnExpiry, OnFailure, Operand, OperationHandle, Outputs,
    People, Person, Plan, PlanParts, PlannedChange, Prose, Region, ResourceId, RetryPolicy, Role,
    RunId, RunOutcome, RunbookName, SagaClass, Seen, Seq, Side, Step, StepError, StepName,
    StepStatus, Timestamp, Undo, Write, WriteMethod,
};

fn name(text: &str) -> StepName {
    StepName::parse(text).unwrap()
}

fn resource(kind: &str, name: &str) -> ResourceId {
    ResourceId::parse(&format!(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/{kind}/{name}"
    ))
    .unwrap()
}

fn step(step_name: &str, needs: &[&str], action: Action) -> Step {
    Step {
        name: name(step_name),
        title: step_name.to_owned(),
        needs: needs.iter().map(|need| name(need)).collect(),
        action,
        when: None,
        ensure: Vec::new(),
        timeout: Duration::from_secs(3600),
        retry: RetryPolicy { attempts: 3, ..RetryPolicy::default() },
        on_failure: OnFailure::Stop,
        saga: SagaClass::Undoable,
        side: None,
        owes: None,
        prose: Prose::default(),
    }
}

fn public_ip(step_name: &str, needs: &[&str]) -> Step {
    let spec = PublicIp {
        id: resource("publicIPAddresses", step_name),
        location: Region::parse("southeastasia").unwrap(),
        zones: Vec::new(),
        tags: crate::model::tags::Tags::new(),
    };
    step(step_name, needs, Action::PublicIp(spec))
}

fn subnet(step_name: &str, needs: &[&str], vnet: &str) -> Step {
    let id = resource("virtualNetworks", vnet).child("subnets", step_name).unwrap();
    let spec = Subnet { id, prefixes: vec!["10.0.0.0/24".parse().unwrap()] };
    step(step_name, needs, Action::Subnet(spec))
}

fn approval(step_name: &str, needs: &[&str]) -> Step {
    let policy = GatePolicy {
        question: "Go?".to_owned(),
        expires_after: Some(Duration::from_secs(600)),
        on_expiry: OnExpiry::Decline,
        approvals: 1,
        role: None,
        not_by_starter: false,
    };
    step(step_name, needs, Action::General(General::Approval(policy)))
}

fn plan_of(steps: Vec<Step>) -> Plan {
    Plan::new(PlanParts {
        runbook: RunbookName::parse("test").unwrap(),
        title: "test".to_owned(),
        owner: None,
        objective: Objective::default(),
        profile: None,
        params: BTreeMap::new(),
        secrets: BTreeMap::new(),
        tenants: BTreeMap::new(),
        roles: BTreeMap::new(),
        trust_names: false,
        source_region: None,
        failback: None,
        people: None,
        deadline: None,
        drill_every: None,
        messages: Default::default(),
        prose: Prose::default(),
        steps,
    })
    .unwrap()
}

/// A run in memory: what was recorded, and what is still to be performed.
#[derive(Clone)]
struct Bench {
    plan: Plan,
    state: RunState,
    journal: Vec<Recorded>,
    pending: Vec<Effect>,
    now: Timestamp,
}

impl Bench {
    fn new(plan: Plan) -> Self {
        Self::started_by(plan, "zoe")
    }

    fn started_by(plan: Plan, who: &str) -> Self {
        Self::opened_by(plan, who.into())
    }

    fn opened_by(plan: Plan, who: Person) -> Self {
        let opened = Event::RunOpened {
            run: RunId::parse("01h00000000000000000000000").unwrap(),
            plan: Box::new(plan.clone()),
            against: None,
            bad_days: Vec::new(),
            regions_down: Vec::new(),
            allow_no_strike: false,
            clock_factor: None,
            place: None,
            mode: RunMode::Drill,
            endpoint: "sim".to_owned(),
            nonce: "nonce".to_owned(),
            by: Some(who),
        };
        let mut bench = Self {
            plan,
            state: RunState::default(),
            journal: Vec::new(),
            pending: Vec::new(),
            now: Timestamp::from_millis(1_000_000),
        };
        bench.record(vec![opened]);
        bench
    }

    fn record(&mut self, events: Vec<Event>) {
        for event in events {
            let recorded =
                Recorded { seq: self.state.head.next(), at: self.now, epoch: Epoch(1), event };
            self.state.apply(&recorded).expect("the engine emits legal events");
            self.journal.push(recorded);
        }
    }

    fn moment(&self) -> Moment {
        let nanos = u64::try_from(self.now.as_millis()).unwrap() * 1_000_000;
        Moment { at: self.now, boot: BootTime { boot: "b".to_owned(), nanos } }
    }

    fn give(&mut self, input: Input) -> Turn {
        let now = self.moment();
        let decide = |input| {
            let mut state = self.state.clone();
            let turn = take_turn(&self.plan, &mut state, input, &now, Intake::Going);
            (turn, state)
        };
        let (turn, mut led) = decide(input.clone());
        let (again, _) = decide(input);
        assert_eq!(turn, again, "take_turn is deterministic");
        for effect in &turn.effects {
            if let Effect::Send(ticket, intent) = effect {
                let intended = |event: &Event| matches!(event, Event::Intended { step, intent: i } if *step == ticket.step && i == intent);
                assert!(turn.events.iter().any(intended), "no send without its intent in the turn");
            }
        }
        self.record(turn.events.clone());
        led.recorded(&self.journal);
        assert_eq!(led, self.state, "a turn leads the state where its events lead");
        self.pending.extend(turn.effects.clone());
        self.check();
        turn
    }

    /// What holds after every turn.
    fn check(&self) {
        let mut writing: Vec<ResourceId> = Vec::new();
        for step in self.plan.steps() {
            if self.state.steps[&step.name].work().is_some() {
                let mut held: Vec<ResourceId> =
                    step.action.holds().into_iter().map(|hold| hold.resource).collect();
                // A removal holds its resource for itself and as a child's parent.
                held.sort();
                held.dedup();
                writing.extend(held);
            }
        }
        let count = writing.len();
        writing.sort();
        writing.dedup();
        assert_eq!(count, writing.len(), "two steps never act on one resource at once");
    }

    fn crash(&mut self) {
        self.pending.clear();
        self.state = RunState::fold(&self.journal).unwrap();
        self.give(Input::Opened);
    }

    fn take(&mut self, wanted: impl Fn(&Effect) -> bool) -> Effect {
        let place = self.pending.iter().position(wanted).expect("the effect is pending");
        self.pending.remove(place)
    }

    fn take_observe(&mut self, step: &str) -> Ticket {
        match self.take(|e| matches!(e, Effect::Observe(t, _) if t.step.as_str() == step)) {
            Effect::Observe(ticket, _) => ticket,
            other => panic!("{other:?}"),
        }
    }

    fn take_send(&mut self, step: &str) -> (Ticket, Box<Intent>) {
        match self.take(|e| matches!(e, Effect::Send(t, _) if t.step.as_str() == step)) {
            Effect::Send(ticket, intent) => (ticket, intent),
            other => panic!("{other:?}"),
        }
    }

    /// Lets the timer run out.
    fn ring(&mut self, wanted: impl Fn(&Timer) -> bool) -> Turn {
        match self.take(|e| matches!(e, Effect::WakeAt(timer, _) if wanted(timer))) {
            Effect::WakeAt(timer, at) => {
                self.now = self.now.max(at);
                self.give(Input::Due(timer))
            }
            other => panic!("{other:?}"),
        }
    }

    fn write_of(&self, step: &StepName) -> PlannedChange {
        let resource = self.plan.step(step).unwrap().action.written().unwrap().clone();
        PlannedChange {
            changes: vec![Change {
                resource: resource.clone(),
                path: String::new(),
                before: json!(null),
                after: json!({}),
            }],
            undo: Undo::Delete { resource: resource.clone() },
            write: Write {
                body: Some(json!({"location": "southeastasia"})),
                ..Write::to(WriteMethod::Put, &resource)
            },
        }
    }

    fn see(&mut self, step: &str, verdict: Assessed) -> Turn {
        let ticket = self.take_observe(step);
        self.give(Input::Observed(ticket, Ok(self.seen(&name(step), verdict))))
    }

    fn seen(&self, step: &StepName, verdict: Assessed) -> Assessment {
        let written = self.plan.step(step).and_then(|s| s.action.subject()).cloned();
        let state = match verdict {
            Assessed::Holds => SeenState::of("Succeeded"),
            _ => SeenState::Absent,
        };
        let seen =
            written.map(|resource| Seen { resource, state, etag: None }).into_iter().collect();
        Assessment { verdict, seen, outputs: BTreeMap::new() }
    }

    fn change(&mut self, step: &str) -> Turn {
        let change = Assessed::Change(Box::new(self.write_of(&name(step))));
        self.see(step, change)
    }

    /// The whole way of one writing step.
    fn succeed(&mut self, step: &str) {
        self.change(step);
        let (ticket, _) = self.take_send(step);
        self.give(Input::Sent(ticket.clone(), Ok(accepted())));
        self.ring(|timer| matches!(timer, Timer::Poll(t) if *t == ticket));
        self.take(|e| matches!(e, Effect::Poll(t, _) if *t == ticket));
        self.give(Input::Polled(ticket, Ok(PollAnswer::Succeeded)));
        self.see(step, Assessed::Holds);
    }

    /// The world is well from now on: everything pending is answered, earliest timer last.
    fn calm_down(&mut self) {
        for _ in 0..2_000 {
            if self.pending.is_empty() || self.state.outcome().is_some() {
                return;
            }
            let due = |effect: &Effect| match effect {
                Effect::WakeAt(_, at) => Some(*at),
                _ => None,
            };
            let next = (0..self.pending.len()).min_by_key(|i| due(&self.pending[*i])).unwrap();
            let effect = self.pending.remove(next);
            if let Effect::WakeAt(_, at) = &effect {
                self.now = self.now.max(*at);
            }
            if let Some(input) = answer(self, effect, 0) {
                self.give(input);
            }
        }
    }

    fn status(&self, step: &str) -> StepStatus {
        self.state.steps[&name(step)].status()
    }
}

#[test]
fn the_time_in_which_nobody_drove_does_not_count_against_a_step() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, _) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Ok(accepted())));
    // The process dies, and somebody takes the run up a day later.
    bench.pending.clear();
    bench.now = bench.now + Duration::from_secs(86_400);
    bench.record(vec![Event::RunClaimed { holder: "another".to_owned(), place: None }]);
    bench.give(Input::Opened);
    let Effect::Poll(ticket, _) = bench.take(|e| matches!(e, Effect::Poll(..))) else { panic!() };
    bench.give(Input::Polled(ticket, Ok(PollAnswer::Succeeded)));
    bench.see("pip", Assessed::Holds);
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Succeeded));
}

#[test]
fn every_event_reads_back_from_its_stored_form() {
    let mut bench = Bench::new(any_plan());
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, _) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Err(transient())));
    for recorded in &bench.journal {
        let text = serde_json::to_string(recorded).unwrap();
        assert_eq!(&serde_json::from_str::<Recorded>(&text).unwrap(), recorded);
    }
    assert!(bench.journal.iter().any(|r| r.event.kind() == "retry_scheduled"));
}

fn accepted() -> SendAnswer {
    SendAnswer::Accepted {
        handle: OperationHandle {
            url: "https://x/op".to_owned(),
            kind: HandleKind::AsyncOperation,
        },
        after: None,
        request_id: None,
    }
}

fn transient() -> StepError {
    StepError::transient("AnotherOperationInProgress", "Busy.", None)
}

#[test]
fn a_step_observes_intends_sends_polls_and_confirms() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[]), public_ip("later", &["pip"])]));
    bench.give(Input::Opened);
    bench.succeed("pip");
    assert_eq!(bench.status("pip"), StepStatus::Succeeded);
    // The next one finds its goal met: nothing is written.
    let turn = bench.see("later", Assessed::Holds);
    assert!(turn.effects.contains(&Effect::Finish(RunOutcome::Succeeded)));
    let kinds: Vec<String> = bench.journal.iter().map(|r| r.event.kind()).collect();
    assert_eq!(
        kinds.join(" "),
        "run_opened step_started intended accepted operation_ended step_succeeded \
         step_started step_succeeded run_ended"
    );
}

#[test]
fn two_children_of_one_parent_are_written_one_after_the_other() {
    let plan = plan_of(vec![
        subnet("one", &[], "vnet"),
        subnet("two", &[], "vnet"),
        subnet("other", &[], "vnet2"),
    ]);
    let mut bench = Bench::new(plan);
    bench.give(Input::Opened);
    assert_eq!(bench.status("one"), StepStatus::Running);
    assert_eq!(bench.status("two"), StepStatus::Pending);
    assert_eq!(bench.status("other"), StepStatus::Running);
    bench.succeed("one");
    assert_eq!(bench.status("two"), StepStatus::Running);
}

#[test]
fn a_crash_between_intent_and_answer_looks_before_it_acts_and_never_sends_blindly() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (_, first) = bench.take_send("pip");
    bench.crash();
    assert!(!bench.pending.iter().any(|e| matches!(e, Effect::Send(..))));
    // Not there yet: the request may still be on its way, so the answer is to wait, not to send.
    let turn = bench.change("pip");
    assert!(turn.events.is_empty(), "{turn:?}");
    assert!(!turn.effects.iter().any(|e| matches!(e, Effect::Send(..))));
    // Past the intent's validity and the call's time-out it cannot be on its way any more.
    bench.ring(|timer| matches!(timer, Timer::Look(_)));
    assert!(bench.now >= first.not_after + crate::model::limits::CALL_TIMEOUT);
    bench.change("pip");
    let (_, second) = bench.take_send("pip");
    assert_eq!(first.key, second.key, "the same change has the same key");
}

#[test]
fn a_lost_answer_whose_write_landed_is_done_without_a_second_write() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, _) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Err(StepError::ambiguous("no_answer", "Lost."))));
    bench.see("pip", Assessed::Holds);
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Succeeded));
    let sends = bench.journal.iter().filter(|r| r.event.kind() == "intended").count();
    assert_eq!(sends, 1);
}

#[test]
fn a_lost_answer_whose_write_landed_and_failed_is_another_change_under_another_key() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, first) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Err(StepError::ambiguous("no_answer", "Lost."))));
    bench.now = first.not_after + crate::model::limits::CALL_TIMEOUT;
    let ticket = bench.take_observe("pip");
    let mut seen =
        bench.seen(&name("pip"), Assessed::Change(Box::new(bench.write_of(&name("pip")))));
    seen.seen[0].state = SeenState::of("Failed");
    bench.give(Input::Observed(ticket, Ok(seen)));
    bench.ring(|timer| matches!(timer, Timer::Retry(_)));
    bench.change("pip");
    let (_, second) = bench.take_send("pip");
    assert_ne!(first.key, second.key, "per key at most one accepted write");
}

#[test]
fn a_resumed_operation_is_polled_by_the_stored_handle() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, _) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Ok(accepted())));
    bench.crash();
    let Effect::Poll(ticket, handle) = bench.take(|e| matches!(e, Effect::Poll(..))) else {
        panic!()
    };
    assert_eq!(handle.url, "https://x/op");
    // A handle that is gone says nothing; the resource does.
    bench.give(Input::Polled(ticket, Err(StepError::rejected("operation_gone", "Gone."))));
    bench.see("pip", Assessed::Holds);
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Succeeded));
}

#[test]
fn refusals_are_retried_as_the_other_side_asks_and_end_with_the_policy() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    for attempt in 1..=3 {
        bench.change("pip");
        let (ticket, _) = bench.take_send("pip");
        assert_eq!(ticket.attempt, attempt);
        bench.give(Input::Sent(ticket, Err(transient())));
        if attempt < 3 {
            bench.ring(|timer| matches!(timer, Timer::Retry(_)));
        }
    }
    assert_eq!(bench.status("pip"), StepStatus::Failed);
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Failed));
    assert_eq!(bench.state.steps[&name("pip")].refusals, 3);
    // A person may have it tried again; the run reopens.
    let said = StepCommand { step: name("pip"), by: "ann".into(), reason: None, choice: None };
    bench.give(Input::Command(Command::Retry(said)));
    bench.see("pip", Assessed::Holds);
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Succeeded));
}

#[test]
fn a_timed_out_step_keeps_its_operation_and_its_resource_is_left_alone() {
    let mut first = subnet("one", &[], "vnet");
    first.on_failure = OnFailure::Continue;
    first.timeout = Duration::from_secs(60);
    let mut bench = Bench::new(plan_of(vec![first, subnet("two", &[], "vnet")]));
    bench.give(Input::Opened);
    bench.change("one");
    let (ticket, _) = bench.take_send("one");
    bench.give(Input::Sent(ticket, Ok(accepted())));
    bench.ring(|timer| matches!(timer, Timer::Timeout(_)));
    assert_eq!(bench.status("one"), StepStatus::TimedOut);
    assert_eq!(bench.status("two"), StepStatus::Pending, "Azure is still at work on the parent");
    bench.ring(|timer| matches!(timer, Timer::Poll(_)));
    let Effect::Poll(ticket, _) = bench.take(|e| matches!(e, Effect::Poll(..))) else { panic!() };
    bench.give(Input::Polled(ticket, Ok(PollAnswer::Succeeded)));
    assert_eq!(bench.status("two"), StepStatus::Running);
}

#[test]
fn an_operation_that_outlives_its_step_for_hours_is_a_persons_and_holds_its_resource() {
    let mut first = subnet("one", &[], "vnet");
    first.on_failure = OnFailure::Continue;
    first.timeout = Duration::from_secs(60);
    let mut bench = Bench::new(plan_of(vec![first, subnet("two", &[], "vnet")]));
    bench.give(Input::Opened);
    bench.change("one");
    let (ticket, _) = bench.take_send("one");
    bench.give(Input::Sent(ticket, Ok(accepted())));
    bench.ring(|timer| matches!(timer, Timer::Timeout(_)));
    for polls in 0.. {
        assert!(polls < 1_000, "it is polled for ever");
        if bench.status("one") == StepStatus::Held {
            break;
        }
        bench.ring(|timer| matches!(timer, Timer::Poll(_)));
        let Effect::Poll(ticket, _) = bench.take(|e| matches!(e, Effect::Poll(..))) else {
            panic!()
        };
        bench.give(Input::Polled(ticket, Ok(PollAnswer::Running { after: None })));
    }
    assert_eq!(
        bench.status("two"),
        StepStatus::Pending,
        "Azure may still be at work on the parent"
    );
    assert_eq!(bench.state.waiting_for_people(), [&name("one")]);
    let said = StepCommand { step: name("one"), by: "ann".into(), reason: None, choice: None };
    bench.give(Input::Command(Command::Retry(said)));
    assert_eq!(bench.status("one"), StepStatus::Running, "a retry looks first");
}

#[test]
fn a_write_in_doubt_is_nobodys_to_judge_while_it_may_still_land() {
    let mut short = public_ip("pip", &[]);
    short.timeout = Duration::from_secs(30);
    let mut bench = Bench::new(plan_of(vec![short]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, intent) = bench.take_send("pip");
    let lost = StepError::ambiguous("no_answer", "Reset.");
    bench.give(Input::Sent(ticket, Err(lost)));
    // It cannot even be looked at, and its time is up.
    let ticket = bench.take_observe("pip");
    let forbidden = StepError::rejected("AuthorizationFailed", "No right to read.");
    bench.give(Input::Observed(ticket, Err(forbidden.clone())));
    bench.ring(|timer| matches!(timer, Timer::Timeout(_)));
    assert_eq!(bench.status("pip"), StepStatus::Running);
    bench.ring(|timer| matches!(timer, Timer::Look(_)));
    let ticket = bench.take_observe("pip");
    if bench.now < intent.not_after + Duration::from_secs(90) {
        bench.now = intent.not_after + Duration::from_secs(90);
    }
    bench.give(Input::Observed(ticket, Err(forbidden)));
    assert_eq!(bench.status("pip"), StepStatus::Held);
}

#[test]
fn an_undo_waits_for_a_step_that_is_held_and_says_so_when_it_is_left() {
    let mut first = public_ip("one", &[]);
    first.timeout = Duration::from_secs(60);
    first.on_failure = OnFailure::Undo;
    let mut bench = Bench::new(plan_of(vec![first]));
    bench.give(Input::Opened);
    bench.change("one");
    let (ticket, _) = bench.take_send("one");
    bench.give(Input::Sent(ticket.clone(), Ok(accepted())));
    bench.ring(|timer| matches!(timer, Timer::Timeout(_)));
    bench.now = bench.now + Duration::from_secs(5 * 3_600);
    bench.give(Input::Polled(ticket, Ok(PollAnswer::Running { after: None })));
    assert_eq!(bench.status("one"), StepStatus::Held);
    assert_eq!(bench.state.outcome(), None, "a person is asked");
    let said = StepCommand { step: name("one"), by: "ann".into(), reason: None, choice: None };
    for command in [Command::Undo { by: "ann".into(), reason: None }, Command::Retry(said.clone())]
    {
        let mut bench = bench.clone();
        bench.give(Input::Command(command));
        bench.change("one");
        bench.take_send("one");
    }
    bench.give(Input::Command(Command::Skip(said)));
    assert_eq!(bench.state.outcome(), Some(RunOutcome::UndoIncomplete));
    assert_eq!(bench.state.obligations().len(), 1);
}

#[test]
fn a_failure_with_undo_puts_everything_back_in_reverse_order() {
    let mut last = public_ip("last", &["middle"]);
    last.on_failure = OnFailure::Undo;
    let plan = plan_of(vec![public_ip("first", &[]), public_ip("middle", &["first"]), last]);
    let mut bench = Bench::new(plan);
    bench.give(Input::Opened);
    bench.succeed("first");
    bench.succeed("middle");
    bench.see("last", Assessed::Blocked { code: "no".to_owned(), why: "No.".to_owned() });
    assert_eq!(bench.status("middle"), StepStatus::Running);
    assert_eq!(bench.status("first"), StepStatus::Succeeded, "not before what came after it");
    bench.succeed("middle");
    bench.succeed("first");
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Undone));
    assert_eq!(bench.status("first"), StepStatus::Undone);
}

#[test]
fn past_the_pivot_nothing_is_undone_without_a_person() {
    let mut pivot = public_ip("pivot", &[]);
    pivot.saga = SagaClass::Pivot;
    let mut last = public_ip("last", &["pivot"]);
    last.on_failure = OnFailure::Undo;
    let mut bench = Bench::new(plan_of(vec![pivot, last]));
    bench.give(Input::Opened);
    bench.succeed("pivot");
    bench.see("last", Assessed::Blocked { code: "no".to_owned(), why: "No.".to_owned() });
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Failed));
    bench.give(Input::Command(Command::Undo { by: "ann".into(), reason: None }));
    bench.succeed("pivot");
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Undone));
}

#[test]
fn what_cannot_be_undone_is_said_and_what_it_stands_on_is_left() {
    let plan = plan_of(vec![public_ip("below", &[]), public_ip("above", &["below"])]);
    let mut bench = Bench::new(plan);
    bench.give(Input::Opened);
    bench.succeed("below");
    bench.succeed("above");
    bench.give(Input::Command(Command::Undo { by: "ann".into(), reason: None }));
    bench.see("above", Assessed::Blocked { code: "lock".to_owned(), why: "Locked.".to_owned() });
    assert_eq!(bench.state.outcome(), Some(RunOutcome::UndoIncomplete));
    assert_eq!(bench.state.obligations().len(), 2);
}

#[test]
fn people_open_gates_or_they_close_by_themselves() {
    let steps = || vec![approval("go", &[]), public_ip("pip", &["go"])];
    let said = || StepCommand { step: name("go"), by: "ann".into(), reason: None, choice: None };
    let mut approved = Bench::new(plan_of(steps()));
    approved.give(Input::Opened);
    assert_eq!(approved.state.waiting_for_people(), [&name("go")]);
    approved.crash();
    approved.give(Input::Command(Command::Approve(said())));
    assert_eq!(approved.status("pip"), StepStatus::Running);
    let turn = approved.give(Input::Command(Command::Approve(said())));
    assert!(turn.refusal.is_some_and(|why| why.to_string().contains("not asking")));

    let mut expired = Bench::new(plan_of(steps()));
    expired.give(Input::Opened);
    expired.ring(|timer| matches!(timer, Timer::Gate(_)));
    assert_eq!(expired.state.outcome(), Some(RunOutcome::Failed));

    let mut drill = plan_of(steps());
    let mut parts: PlanParts = drill.into();
    parts.people = Some(People {
        answer_after: Duration::from_secs(240),
        answer: Answer::Approve,
        choices: BTreeMap::new(),
    });
    drill = Plan::new(parts).unwrap();
    let mut drill = Bench::new(drill);
    drill.give(Input::Opened);
    let began = drill.now;
    drill.ring(|timer| matches!(timer, Timer::Person(_)));
    assert_eq!(drill.now.since(began), Duration::from_secs(240));
    assert_eq!(drill.status("pip"), StepStatus::Running);
}

#[test]
fn a_failure_that_asks_waits_for_a_decision() {
    let mut asks = public_ip("pip", &[]);
    asks.on_failure = OnFailure::Ask;
    let plan = plan_of(vec![asks, public_ip("after", &["pip"])]);
    let blocked = || Assessed::Blocked { code: "no".to_owned(), why: "No.".to_owned() };
    let said = || StepCommand { step: name("pip"), by: "ann".into(), reason: None, choice: None };
    let mut bench = Bench::new(plan);
    bench.give(Input::Opened);
    bench.see("pip", blocked());
    assert_eq!(bench.status("pip"), StepStatus::Waiting);
    bench.give(Input::Command(Command::Retry(said())));
    bench.see("pip", blocked());
    bench.give(Input::Command(Command::Approve(said())));
    assert_eq!(bench.status("pip"), StepStatus::Skipped);
    assert_eq!(bench.status("after"), StepStatus::Running);
}

#[test]
fn a_step_that_asks_on_failure_asks_when_its_time_is_up() {
    let mut asks = public_ip("pip", &[]);
    asks.on_failure = OnFailure::Ask;
    let plan = || plan_of(vec![asks.clone(), public_ip("after", &["pip"])]);
    let timed_out = |bench: &mut Bench| {
        bench.ring(|timer| matches!(timer, Timer::Timeout(_)));
        bench.state.outcome()
    };
    // Nothing is under way: a gate says what was missing.
    let not_yet =
        || Assessed::NotYet { why: "one of two".to_owned(), after: Duration::from_secs(7_200) };
    let mut waits = Bench::new(plan());
    waits.give(Input::Opened);
    waits.see("pip", not_yet());
    assert_eq!(timed_out(&mut waits), None);
    assert_eq!(waits.status("pip"), StepStatus::Waiting);
    let asked = &waits.state.steps[&name("pip")];
    let Some(Phase::Asking { question, failure: Some(error), .. }) =
        asked.work().map(|work| &work.phase)
    else {
        panic!("{asked:?}")
    };
    assert!(question.contains("ran out of time") && question.contains("one of two"), "{question}");
    assert_eq!(error.code, "timed_out");
    for (command, status, after) in [
        (Command::Approve(said("pip", "ann")), StepStatus::Skipped, StepStatus::Running),
        (Command::Decline(said("pip", "ann")), StepStatus::Failed, StepStatus::Pending),
        (Command::Retry(said("pip", "ann")), StepStatus::Running, StepStatus::Pending),
    ] {
        let mut bench = waits.clone();
        bench.give(Input::Command(command));
        assert_eq!((bench.status("pip"), bench.status("after")), (status, after));
    }
    // Azure is at work: the step is held, and what a person says is done.
    let mut works = Bench::new(plan());
    works.give(Input::Opened);
    works.change("pip");
    let (ticket, _) = works.take_send("pip");
    works.give(Input::Sent(ticket, Ok(accepted())));
    assert_eq!(timed_out(&mut works), None);
    assert_eq!(works.status("pip"), StepStatus::Held);
    let mut again = works.clone();
    again.give(Input::Command(Command::Retry(said("pip", "ann"))));
    again.see("pip", Assessed::Holds);
    assert_eq!(again.status("after"), StepStatus::Running, "it was done meanwhile");
    works.give(Input::Command(Command::Skip(said("pip", "ann"))));
    assert_eq!(works.status("after"), StepStatus::Running);
}

#[test]
fn a_verification_looks_until_it_sees_and_says_why_once() {
    let gateway = resource("virtualNetworkGateways", "gw");
    let action = Action::Verify(Verification::Bgp { gateway, peers_min: 2 });
    let mut bench = Bench::new(plan_of(vec![step("bgp", &[], action)]));
    bench.give(Input::Opened);
    let not_yet =
        || Assessed::NotYet { why: "one of two".to_owned(), after: Duration::from_secs(30) };
    assert_eq!(bench.see("bgp", not_yet()).events.len(), 1);
    bench.ring(|timer| matches!(timer, Timer::Look(_)));
    assert_eq!(bench.see("bgp", not_yet()).events.len(), 0, "the same reason is not repeated");
    bench.ring(|timer| matches!(timer, Timer::Look(_)));
    bench.see("bgp", Assessed::Holds);
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Succeeded));
}

#[test]
fn cancelling_stops_starting_and_waits_for_what_azure_does() {
    let plan = plan_of(vec![public_ip("one", &[]), public_ip("two", &["one"])]);
    let mut bench = Bench::new(plan);
    bench.give(Input::Opened);
    bench.change("one");
    let (ticket, _) = bench.take_send("one");
    bench.give(Input::Sent(ticket.clone(), Ok(accepted())));
    bench.give(Input::Command(Command::Cancel { by: "ann".into(), reason: None }));
    assert_eq!(bench.state.outcome(), None);
    bench.give(Input::Polled(ticket, Ok(PollAnswer::Succeeded)));
    bench.see("one", Assessed::Holds);
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Cancelled));
    assert_eq!(bench.status("two"), StepStatus::Pending);
}

fn said(step: &str, by: &str) -> StepCommand {
    StepCommand { step: name(step), by: by.into(), reason: None, choice: None }
}

#[test]
fn a_gate_asks_as_many_as_it_says_of_those_it_names_and_not_who_began() {
    let mut gate = approval("go", &[]);
    let Action::General(General::Approval(policy)) = &mut gate.action else { panic!() };
    (policy.approvals, policy.role, policy.not_by_starter) = (2, Some("lead".to_owned()), true);
    let mut parts: PlanParts = plan_of(vec![gate]).into();
    let people = ["ann", "bob", "cy"].map(str::to_owned).to_vec();
    parts.roles.insert("lead".to_owned(), Role { people, ..Role::default() });
    let mut bench = Bench::started_by(Plan::new(parts).unwrap(), "cy");
    bench.give(Input::Opened);
    let mut approve = |who: &str| bench.give(Input::Command(Command::Approve(said("go", who))));
    assert!(approve("eve").refusal.unwrap().to_string().contains("lead (ann, bob, cy)"));
    assert!(approve("cy").refusal.unwrap().to_string().contains("started the run"));
    assert_eq!(approve("ann").refusal, None);
    assert!(approve("ann").refusal.unwrap().to_string().contains("already"));
    assert_eq!(bench.status("go"), StepStatus::Waiting, "one of two");
    bench.give(Input::Command(Command::Approve(said("go", "bob"))));
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Succeeded));
}

#[test]
fn a_decision_puts_out_what_was_chosen_and_takes_nothing_else() {
    let Action::General(General::Approval(gate)) = approval("way", &[]).action else { panic!() };
    let options = ["left", "right"].map(|way| (way.to_owned(), format!("Go {way}."))).to_vec();
    let policy = DecisionPolicy { gate, options, otherwise: None };
    let way = step("way", &[], Action::General(General::Decision(policy)));
    let mut left = public_ip("left", &["way"]);
    left.when = Some(chosen("left"));
    let mut right = public_ip("right", &["way"]);
    right.when = Some(chosen("right"));
    let mut bench = Bench::new(plan_of(vec![way, left, right]));
    bench.give(Input::Opened);
    let refused = bench.give(Input::Command(Command::Approve(said("way", "ann"))));
    assert!(refused.refusal.unwrap().to_string().contains("left, right"));
    let choice = Some("right".to_owned());
    bench.give(Input::Command(Command::Approve(StepCommand { choice, ..said("way", "ann") })));
    assert_eq!(bench.status("left"), StepStatus::Skipped);
    assert_eq!(bench.status("right"), StepStatus::Running);
}

fn chosen(option: &str) -> Condition {
    Condition::Compare {
        left: Operand::Output { step: name("way"), field: "choice".to_owned() },
        by: Comparison::Equal,
        right: Operand::Literal(option.into()),
    }
}

#[test]
fn a_paused_run_finishes_what_it_does_and_starts_nothing() {
    let mut bench = Bench::new(plan_of(vec![public_ip("one", &[]), public_ip("two", &["one"])]));
    bench.give(Input::Opened);
    let (by, reason) = (Person::from("ann"), None);
    bench.give(Input::Command(Command::Pause { by: by.clone(), reason }));
    bench.see("one", Assessed::Holds);
    assert_eq!(bench.status("two"), StepStatus::Pending);
    assert_eq!(bench.state.outcome(), None);
    bench.give(Input::Command(Command::Continue { by }));
    assert_eq!(bench.status("two"), StepStatus::Running);
}

/// The heart of a swap whose source is dead: the removal fails, what needs it goes on.
fn swap() -> Vec<Step> {
    let mut old = public_ip("old", &[]);
    old.on_failure = OnFailure::Continue;
    old.side = Some(Side::Source);
    old.owes = Some("Remove the old one.".to_owned());
    let mut also = public_ip("also", &["old"]);
    also.on_failure = OnFailure::Continue;
    also.side = Some(Side::Source);
    vec![old, also, public_ip("new", &["old"])]
}

#[test]
fn a_source_that_does_not_answer_is_taken_for_down_once_and_not_asked_again() {
    let mut bench = Bench::new(plan_of(swap()));
    bench.give(Input::Opened);
    for attempt in 0..3 {
        let ticket = bench.take_observe("old");
        bench.give(Input::Observed(ticket, Err(transient())));
        if attempt < 2 {
            bench.ring(|timer| matches!(timer, Timer::Retry(_)));
        }
    }
    assert!(bench.state.source_down.is_some());
    assert_eq!(bench.status("also"), StepStatus::Failed, "nobody tries it in vain");
    assert_eq!(bench.status("new"), StepStatus::Running);
}

#[test]
fn what_a_run_owes_outlives_it_until_it_is_settled() {
    let mut bench = Bench::new(plan_of(swap()));
    let (by, reason) = (Person::from("ann"), None);
    bench.give(Input::Command(Command::SourceDown { by: by.clone(), reason: reason.clone() }));
    bench.give(Input::Opened);
    assert!(bench.state.owed().is_empty(), "nothing came after it yet");
    bench.see("new", Assessed::Holds);
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Succeeded));
    assert_eq!(bench.state.owed(), ["Remove the old one. (step `old`)"]);
    let settle = || Input::Command(Command::Settle { by: by.clone(), reason: None });
    bench.give(settle());
    assert_eq!(bench.status("old"), StepStatus::Running, "the source is asked again");
    bench.crash();
    bench.see("old", Assessed::Holds);
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Succeeded));
    assert!(bench.state.owed().is_empty());
    assert!(bench.give(settle()).refusal.is_some());
}

/// One way the world may answer, chosen by a number.
fn answer(bench: &Bench, effect: Effect, choice: u8) -> Option<Input> {
    let rejected = StepError::rejected("no", "No.");
    let lost = StepError::ambiguous("lost", "Lost.");
    Some(match effect {
        Effect::Observe(ticket, _) => {
            let writes = bench.plan.step(&ticket.step).and_then(|s| s.action.written()).is_some();
            let after = Duration::from_secs(10);
            let verdict = match choice % 8 {
                0..=2 => Assessed::Holds,
                3 | 4 if writes => Assessed::Change(Box::new(bench.write_of(&ticket.step))),
                5 => Assessed::InProgress { why: "busy".to_owned(), after },
                6 => Assessed::Blocked { code: "no".to_owned(), why: "No.".to_owned() },
                7 => return Some(Input::Observed(ticket, Err(transient()))),
                _ => Assessed::NotYet { why: "not yet".to_owned(), after },
            };
            let seen = bench.seen(&ticket.step, verdict);
            Input::Observed(ticket, Ok(seen))
        }
        Effect::Send(ticket, _) => Input::Sent(
            ticket,
            match choice % 6 {
                0..=2 => Ok(accepted()),
                3 => Ok(SendAnswer::Done { request_id: None, outputs: Outputs::new() }),
                4 => Err(transient()),
                _ => Err(if choice > 128 { lost } else { rejected }),
            },
        ),
        Effect::Poll(ticket, _) => Input::Polled(
            ticket,
            match choice % 6 {
                0 | 1 => Ok(PollAnswer::Succeeded),
                2 => Ok(PollAnswer::Running { after: None }),
                3 => Ok(PollAnswer::Failed(transient())),
                4 => Err(transient()),
                _ => Err(if choice > 128 { lost } else { rejected }),
            },
        ),
        Effect::WakeAt(timer, _) => Input::Due(timer),
        Effect::Finish(_) => return None,
    })
}

fn any_plan() -> Plan {
    let mut steps = vec![
        public_ip("pip", &[]),
        subnet("net", &[], "vnet"),
        subnet("net2", &[], "vnet"),
        approval("go", &["pip"]),
        public_ip("late", &["go", "net"]),
        public_ip("last", &["late", "net2"]),
    ];
    steps[1].on_failure = OnFailure::Ask;
    steps[2].on_failure = OnFailure::Continue;
    steps[2].side = Some(Side::Source);
    steps[2].owes = Some("Make it later.".to_owned());
    steps[5].on_failure = OnFailure::Undo;
    steps[0].timeout = Duration::from_secs(120);
    plan_of(steps)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    /// Any sequence of inputs leaves the journal legal, every prefix of it can be opened, no send
    /// goes without its intent, and no two steps act on one resource (checked in `give`).
    #[test]
    fn any_input_sequence_leaves_a_legal_journal(choices in prop::collection::vec((any::<u8>(), any::<u8>()), 1..160)) {
        let mut bench = Bench::new(any_plan());
        bench.give(Input::Opened);
        let mut accepted_keys = std::collections::BTreeSet::new();
        for (what, how) in choices {
            if what >= 250 {
                bench.crash();
                continue;
            }
            if what >= 225 {
                let steps = bench.plan.steps();
                let said = StepCommand {
                    step: steps[usize::from(how) % steps.len()].name.clone(),
                    by: "ann".into(),
                    reason: None,
                    choice: None,
                };
                let (by, reason) = (Person::from("ann"), None);
                bench.give(Input::Command(match what % 11 {
                    6 => Command::RetryFrom(said),
                    7 => Command::Pause { by, reason },
                    8 => Command::Continue { by },
                    9 => Command::SourceDown { by, reason },
                    10 => Command::Settle { by, reason },
                    0 => Command::Approve(said),
                    1 => Command::Decline(said),
                    2 => Command::Retry(said),
                    3 => Command::Skip(said),
                    4 => Command::Undo { by, reason },
                    _ => Command::Cancel { by, reason },
                }));
                continue;
            }
            if bench.pending.is_empty() {
                continue;
            }
            let effect = bench.pending.remove(usize::from(what) % bench.pending.len());
            if let Effect::WakeAt(_, at) = &effect {
                bench.now = bench.now.max(*at);
            }
            let sent = if let Effect::Send(_, intent) = &effect { Some(intent.key.clone()) } else { None };
            if let Some(input) = answer(&bench, effect, how) {
                if let (Some(key), Input::Sent(_, Ok(_))) = (sent, &input) {
                    prop_assert!(accepted_keys.insert(key), "per key at most one accepted write");
                }
                bench.give(input);
            }
        }
        for length in 1..=bench.journal.len() {
            let state = RunState::fold(&bench.journal[..length]).unwrap();
            prop_assert_eq!(state.head, Seq(length as u64));
            let now = bench.moment();
            let mut led = state.clone();
            let turn = take_turn(&bench.plan, &mut led, Input::Opened, &now, Intake::Going);
            let blind = turn.effects.iter().any(|e| match e {
                Effect::Send(ticket, _) => !matches!(
                    state.steps[&ticket.step].state, StepState::Pending | StepState::Working(_)),
                _ => false,
            });
            prop_assert!(!blind);
            if state.outcome().is_some() {
                prop_assert!(turn.events.is_empty(), "a terminal state stays");
            }
        }
        prop_assert_eq!(&RunState::fold(&bench.journal).unwrap(), &bench.state);
        bench.calm_down();
        let over = bench.state.outcome().is_some()
            || bench.state.paused.is_some()
            || !bench.state.waiting_for_people().is_empty();
        prop_assert!(over, "no run hangs once the world is well: {:#?}", bench.journal.iter().map(|r| format!("{} {:?} {}", r.at, r.event.step().map(|s| s.as_str()), r.event.kind())).collect::<Vec<_>>());
    }
}
