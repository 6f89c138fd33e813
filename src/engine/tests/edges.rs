//! What happens at the very edge: a timer that rings early or late, a word that comes twice, an attempt
//! that is over. Each of these was once changed in the engine without a test that noticed.

use super::super::timeout::settled_at;
use super::*;
use crate::engine::CommandRefusal;
use crate::engine::actor::Actor;
use crate::engine::state::{Direction, RunPhase};
use crate::model::action::{Removal, RemovalKind};
use crate::model::limits;

fn removal(step_name: &str) -> Step {
    let id = resource("virtualNetworkGateways", step_name);
    let spec = Removal {
        kind: RemovalKind::Gateway,
        id,
        authorization: None,
        gateway: None,
        remote: None,
    };
    step(step_name, &[], Action::Remove(spec))
}

fn lost() -> StepError {
    StepError::ambiguous("no_answer", "Reset.")
}

/// A run of this step, whose write's answer was lost.
fn in_doubt(step: Step) -> (Bench, Box<Intent>) {
    let step_name = step.name.clone();
    let mut bench = Bench::new(plan_of(vec![step]));
    bench.give(Input::Opened);
    bench.change(step_name.as_str());
    let (ticket, intent) = bench.take_send(step_name.as_str());
    bench.give(Input::Sent(ticket, Err(lost())));
    (bench, intent)
}

/// A run of this step, whose write was accepted.
fn operating(step: Step) -> (Bench, Ticket) {
    let step_name = step.name.clone();
    let mut bench = Bench::new(plan_of(vec![step]));
    bench.give(Input::Opened);
    bench.change(step_name.as_str());
    let (ticket, _) = bench.take_send(step_name.as_str());
    bench.give(Input::Sent(ticket.clone(), Ok(accepted())));
    (bench, ticket)
}

fn timed_out(bench: &mut Bench, step: &str) -> Turn {
    bench.give(Input::Due(Timer::Timeout(name(step))))
}

fn undo() -> Input {
    Input::Command(Command::Undo { by: "ann".into(), reason: Some("Enough.".to_owned()) })
}

#[test]
fn a_gate_does_not_expire_before_its_time() {
    let mut bench = Bench::new(plan_of(vec![approval("go", &[])]));
    bench.give(Input::Opened);
    let turn = bench.give(Input::Due(Timer::Gate(name("go"))));
    assert!(turn.events.is_empty(), "{turn:?}");
    assert_eq!(bench.status("go"), StepStatus::Waiting);
}

#[test]
fn a_gate_whose_time_was_over_while_nobody_was_there_is_closed_for_whoever_comes() {
    let late = || {
        let mut bench = Bench::new(plan_of(vec![approval("go", &[])]));
        bench.give(Input::Opened);
        bench.now = bench.now + Duration::from_secs(600);
        bench
    };
    // A yes that comes too late is none, whether the next driver was there before it or not.
    let yes = || {
        Input::Command(Command::Approve(StepCommand {
            step: name("go"),
            by: "ann".into(),
            reason: None,
            choice: None,
        }))
    };
    let no = || {
        Input::Command(Command::Decline(StepCommand {
            step: name("go"),
            by: "ann".into(),
            reason: None,
            choice: None,
        }))
    };
    for word in [yes(), no()] {
        let mut bench = late();
        let refusal = bench.give(word).refusal;
        assert!(matches!(refusal, Some(CommandRefusal::GateClosed { .. })), "{refusal:?}");
        assert_eq!(
            bench.status("go"),
            StepStatus::Waiting,
            "a word that is refused changes nothing"
        );
    }
    let mut bench = late();
    let turn = bench.give(Input::Opened);
    assert!(matches!(turn.events.first(), Some(Event::GateExpired { .. })), "{turn:?}");
    assert_eq!(bench.status("go"), StepStatus::Failed);
    // A second before, it is still open.
    let mut bench = late();
    bench.now = Timestamp::from_millis(bench.now.as_millis() - 1_000);
    assert_eq!(bench.give(yes()).refusal, None);
}

#[test]
fn a_step_ends_neither_while_its_write_is_under_way_nor_while_a_person_is_asked() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    bench.change("pip");
    bench.now = bench.now + Duration::from_secs(3_600);
    assert!(timed_out(&mut bench, "pip").events.is_empty());
    let (ticket, _) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Ok(accepted())));
    assert_eq!(bench.status("pip"), StepStatus::TimedOut, "its answer is recorded first");
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Failed), "a stop waits for no operation");

    let mut asked = Bench::new(plan_of(vec![approval("go", &[])]));
    asked.give(Input::Opened);
    asked.now = asked.now + Duration::from_secs(3_600);
    assert!(timed_out(&mut asked, "go").events.is_empty());
    assert_eq!(asked.status("go"), StepStatus::Waiting);
}

#[test]
fn a_doubt_that_no_look_can_end_is_a_persons_once_the_write_cannot_land_any_more() {
    let mut short = public_ip("pip", &[]);
    short.timeout = Duration::from_secs(30);
    let (mut bench, intent) = in_doubt(short);
    let settled = settled_at(&intent, &bench.moment());
    bench.now = settled + limits::CALL_TIMEOUT;
    bench.now = Timestamp::from_millis(bench.now.as_millis() - 1);
    assert!(timed_out(&mut bench, "pip").events.is_empty());
    assert_eq!(bench.status("pip"), StepStatus::Running);
    bench.ring(|timer| matches!(timer, Timer::Timeout(_)));
    bench.now = settled + limits::CALL_TIMEOUT;
    timed_out(&mut bench, "pip");
    assert_eq!(bench.status("pip"), StepStatus::Held);
}

#[test]
fn a_removal_in_doubt_whose_time_is_up_is_not_held_and_an_undo_in_doubt_is_told() {
    let mut short = removal("gw");
    short.timeout = Duration::from_secs(30);
    let (mut bench, intent) = in_doubt(short);
    bench.now = settled_at(&intent, &bench.moment()) + limits::CALL_TIMEOUT;
    timed_out(&mut bench, "gw");
    assert_eq!(bench.status("gw"), StepStatus::TimedOut, "a removal that lands late is welcome");

    for mut short in [public_ip("pip", &[]), removal("pip")] {
        short.timeout = Duration::from_secs(30);
        short.saga = SagaClass::Undoable;
        let mut bench = Bench::new(plan_of(vec![short]));
        bench.give(Input::Opened);
        bench.succeed("pip");
        bench.give(undo());
        bench.change("pip");
        let (ticket, intent) = bench.take_send("pip");
        bench.give(Input::Sent(ticket, Err(lost())));
        bench.now = settled_at(&intent, &bench.moment()) + limits::CALL_TIMEOUT;
        let turn = timed_out(&mut bench, "pip");
        let told = |event: &Event| matches!(event, Event::StepUndoFailed { error, .. } if error.code == "undo_in_doubt");
        assert!(turn.events.iter().any(told), "{turn:?}");
    }
}

#[test]
fn a_write_counts_as_settled_by_the_later_of_two_clocks_and_by_the_wall_alone_after_a_start() {
    let (_, intent) = in_doubt(public_ip("pip", &[]));
    let by_wall = intent.not_after + limits::CALL_TIMEOUT;
    let boot_over =
        intent.not_after_boot.nanos + u64::try_from(limits::CALL_TIMEOUT.as_nanos()).unwrap();
    let moment = |at: Timestamp, boot: &str, nanos: u64| Moment {
        at,
        boot: BootTime { boot: boot.to_owned(), nanos },
    };
    // The wall clock was set on by a day: the other clock says that 40 seconds are left.
    let later = by_wall + Duration::from_secs(86_400);
    let short_of_it = boot_over - 40_000_000_000;
    let settled = settled_at(&intent, &moment(later, "b", short_of_it));
    assert_eq!(settled, later + Duration::from_secs(40));
    assert_eq!(settled_at(&intent, &moment(later, "b", boot_over)), by_wall);
    assert_eq!(settled_at(&intent, &moment(later, "other", short_of_it)), by_wall);
}

#[test]
fn an_operation_that_outlives_its_step_is_asked_about_for_its_hours_before_a_person_is() {
    let mut short = public_ip("pip", &[]);
    (short.timeout, short.on_failure) = (Duration::from_secs(60), OnFailure::Continue);
    let (mut bench, ticket) = operating(short);
    bench.now = bench.now + Duration::from_secs(60);
    timed_out(&mut bench, "pip");
    let ended = bench.now;
    let still = || Input::Polled(ticket.clone(), Ok(PollAnswer::Running { after: None }));
    bench.now = Timestamp::from_millis((ended + limits::OPERATION_OVERDUE_AFTER).as_millis() - 1);
    bench.give(still());
    assert_eq!(bench.status("pip"), StepStatus::TimedOut);
    bench.now = ended + limits::OPERATION_OVERDUE_AFTER;
    bench.give(still());
    assert_eq!(bench.status("pip"), StepStatus::Held);
}

#[test]
fn a_reason_to_wait_that_changes_is_told() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    let busy =
        |why: &str| Assessed::InProgress { why: why.to_owned(), after: Duration::from_secs(10) };
    for (why, told) in [("one", 1), ("one", 0), ("two", 1), ("two", 0)] {
        assert_eq!(bench.see("pip", busy(why)).events.len(), told, "{why}");
        bench.ring(|timer| matches!(timer, Timer::Look(_)));
    }
    // The same reason in another attempt is news.
    let ticket = bench.take_observe("pip");
    bench.give(Input::Observed(ticket, Err(transient())));
    bench.ring(|timer| matches!(timer, Timer::Retry(_)));
    assert_eq!(bench.see("pip", busy("two")).events.len(), 1);
}

#[test]
fn the_timer_of_an_attempt_that_is_over_asks_nothing() {
    let (mut bench, first) = operating(public_ip("pip", &[]));
    bench.ring(|timer| matches!(timer, Timer::Poll(_)));
    bench.give(Input::Polled(first.clone(), Ok(PollAnswer::Failed(transient()))));
    bench.ring(|timer| matches!(timer, Timer::Retry(_)));
    bench.change("pip");
    let (second, _) = bench.take_send("pip");
    bench.give(Input::Sent(second.clone(), Ok(accepted())));
    assert!(bench.give(Input::Due(Timer::Poll(first))).effects.is_empty());
    assert_eq!(bench.give(Input::Due(Timer::Poll(second))).effects.len(), 1);
}

#[test]
fn another_change_after_one_that_was_taken_has_another_key() {
    // It was accepted and failed, or done at once and is not seen: either way Azure had it.
    for at_once in [false, true] {
        let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
        bench.give(Input::Opened);
        let mut keys = Vec::new();
        for _ in 0..2 {
            bench.change("pip");
            let (ticket, intent) = bench.take_send("pip");
            keys.push(intent.key);
            if at_once {
                let done = SendAnswer::Done { request_id: None, outputs: Outputs::new() };
                bench.give(Input::Sent(ticket, Ok(done)));
                bench.change("pip");
            } else {
                bench.give(Input::Sent(ticket.clone(), Ok(accepted())));
                bench.give(Input::Polled(ticket, Ok(PollAnswer::Failed(transient()))));
            }
            bench.ring(|timer| matches!(timer, Timer::Retry(_)));
        }
        assert_ne!(keys[0], keys[1], "{at_once}");
    }
}

#[test]
fn what_undoes_a_step_is_what_undoes_its_first_write() {
    let (mut bench, ticket) = operating(public_ip("pip", &[]));
    let first = bench.state.steps[&name("pip")].undo.clone();
    assert!(first.is_some());
    bench.give(Input::Polled(ticket, Ok(PollAnswer::Failed(transient()))));
    bench.ring(|timer| matches!(timer, Timer::Retry(_)));
    let mut change = bench.write_of(&name("pip"));
    change.undo = Undo::Nothing;
    bench.see("pip", Assessed::Change(Box::new(change)));
    assert_eq!(bench.state.steps[&name("pip")].undo, first, "the second found what the first made");
}

#[test]
fn an_undo_has_attempts_of_its_own_and_is_tried_again_while_the_run_is_on_its_way_out() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    for _ in 0..2 {
        let ticket = bench.take_observe("pip");
        bench.give(Input::Observed(ticket, Err(transient())));
        bench.ring(|timer| matches!(timer, Timer::Retry(_)));
    }
    bench.succeed("pip");
    bench.give(undo());
    for left in [2, 1, 0] {
        let ticket = bench.take_observe("pip");
        bench.give(Input::Observed(ticket, Err(transient())));
        if left > 0 {
            bench.ring(|timer| matches!(timer, Timer::Retry(_)));
        }
    }
    assert_eq!(bench.status("pip"), StepStatus::UndoFailed);
}

#[test]
fn what_is_cancelled_is_neither_tried_again_nor_asked_about() {
    for on_failure in [OnFailure::Stop, OnFailure::Ask] {
        let mut pip = public_ip("pip", &[]);
        pip.on_failure = on_failure;
        let mut bench = Bench::new(plan_of(vec![pip]));
        bench.give(Input::Opened);
        bench.change("pip");
        let (ticket, _) = bench.take_send("pip");
        bench.give(Input::Command(Command::Cancel { by: "ann".into(), reason: None }));
        let turn = bench.give(Input::Sent(ticket, Err(transient())));
        let goes_on = |event: &Event| {
            matches!(event, Event::RetryScheduled { .. } | Event::GateOpened { .. })
        };
        assert!(!turn.events.iter().any(goes_on), "{turn:?}");
        assert_eq!(bench.status("pip"), StepStatus::Failed);
        assert_eq!(bench.state.outcome(), Some(RunOutcome::Cancelled));
    }
}

#[test]
fn only_silence_on_the_source_side_says_that_the_source_is_down_and_once() {
    let run = |side: Option<Side>, error: StepError| {
        let mut steps = vec![public_ip("one", &[]), public_ip("two", &[])];
        for step in &mut steps {
            (step.side, step.on_failure) = (side, OnFailure::Continue);
            step.retry.attempts = 1;
        }
        let mut bench = Bench::new(plan_of(steps));
        bench.give(Input::Opened);
        for step in ["one", "two"] {
            let ticket = bench.take_observe(step);
            bench.give(Input::Observed(ticket, Err(error.clone())));
        }
        let down = |recorded: &&Recorded| matches!(recorded.event, Event::SourceDown { .. });
        bench.journal.iter().filter(down).count()
    };
    assert_eq!(run(Some(Side::Source), transient()), 1);
    assert_eq!(run(Some(Side::Source), StepError::rejected("no", "No.")), 0);
    assert_eq!(run(None, transient()), 0);
}

#[test]
fn a_pivot_whose_write_was_taken_is_past_even_if_it_failed() {
    let mut pivot = public_ip("pivot", &[]);
    (pivot.saga, pivot.on_failure) = (SagaClass::Pivot, OnFailure::Continue);
    let mut last = public_ip("last", &[]);
    last.on_failure = OnFailure::Undo;
    let mut bench = Bench::new(plan_of(vec![pivot, last]));
    bench.give(Input::Opened);
    bench.change("pivot");
    let (ticket, _) = bench.take_send("pivot");
    bench.give(Input::Sent(ticket.clone(), Ok(accepted())));
    let no = StepError::rejected("no", "No.");
    bench.give(Input::Polled(ticket, Ok(PollAnswer::Failed(no))));
    bench.see("last", Assessed::Blocked { code: "no".to_owned(), why: "No.".to_owned() });
    let asked = |recorded: &Recorded| matches!(recorded.event, Event::UndoRequested { .. });
    assert!(!bench.journal.iter().any(asked), "past a pivot a person is needed");
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Failed));
}

#[test]
fn nobody_is_asked_by_looking_and_no_wait_is_looked_at() {
    let wait = Action::General(General::Wait { duration: Duration::from_secs(60) });
    let mut bench = Bench::new(plan_of(vec![approval("go", &[]), step("wait", &[], wait)]));
    let looks = |turn: &Turn| turn.effects.iter().any(|e| matches!(e, Effect::Observe(..)));
    let turn = bench.give(Input::Opened);
    assert!(!looks(&turn), "{turn:?}");
    let began = bench.now;
    // Who takes the run up does not look either, and the wait goes on from where it began.
    bench.now = bench.now + Duration::from_secs(10);
    bench.pending.clear();
    let turn = bench.give(Input::Opened);
    assert!(!looks(&turn), "{turn:?}");
    bench.ring(|timer| matches!(timer, Timer::Wait(_)));
    assert_eq!(
        (bench.status("wait"), bench.now.since(began).as_secs()),
        (StepStatus::Succeeded, 60)
    );
}

#[test]
fn nothing_starts_after_the_deadline_nor_after_a_stop() {
    let steps = || vec![public_ip("one", &[]), public_ip("two", &["one"]), public_ip("three", &[])];
    let mut parts: PlanParts = plan_of(steps()).into();
    parts.deadline = Some(Duration::from_secs(60));
    let mut late = Bench::new(Plan::new(parts).unwrap());
    late.give(Input::Opened);
    late.now = late.now + Duration::from_secs(60);
    late.give(Input::Due(Timer::Deadline));
    assert!(late.state.deadline_passed);
    assert!(late.give(Input::Due(Timer::Deadline)).events.is_empty(), "it passes once");
    late.see("three", Assessed::Holds);
    late.see("one", Assessed::Holds);
    assert_eq!(late.status("two"), StepStatus::Pending);
    assert_eq!(late.state.outcome(), Some(RunOutcome::Failed));

    let mut stopped = Bench::new(plan_of(steps()));
    stopped.give(Input::Opened);
    stopped.see("three", Assessed::Blocked { code: "no".to_owned(), why: "No.".to_owned() });
    stopped.see("one", Assessed::Holds);
    assert_eq!(stopped.status("two"), StepStatus::Pending);
    assert_eq!(stopped.state.outcome(), Some(RunOutcome::Failed));
}

#[test]
fn an_undo_waits_until_nothing_is_on_its_way_forward() {
    let steps = vec![public_ip("one", &[]), public_ip("two", &[])];
    let mut bench = Bench::new(plan_of(steps));
    bench.give(Input::Opened);
    bench.succeed("one");
    bench.change("two");
    let (ticket, _) = bench.take_send("two");
    bench.give(Input::Sent(ticket.clone(), Ok(accepted())));
    bench.give(undo());
    assert_eq!(bench.status("one"), StepStatus::Succeeded, "Azure works on");
    bench.give(Input::Polled(ticket, Ok(PollAnswer::Succeeded)));
    bench.see("two", Assessed::Holds);
    let work = |step: &str| bench.state.steps[&name(step)].work().map(|work| work.direction);
    assert_eq!(work("two"), Some(Direction::Backward));
    assert!(matches!(bench.state.phase, RunPhase::Undoing { by: Actor::Person(_) }));
}

#[test]
fn a_step_that_is_taken_up_a_day_later_has_the_time_it_had_left() {
    let (mut bench, _) = operating(public_ip("pip", &[]));
    bench.pending.clear();
    bench.now = bench.now + Duration::from_secs(86_400);
    bench.record(vec![Event::RunClaimed { holder: "another".to_owned(), place: None }]);
    bench.give(Input::Opened);
    assert!(timed_out(&mut bench, "pip").events.is_empty());
    bench.now = bench.now + Duration::from_secs(3_600);
    timed_out(&mut bench, "pip");
    assert_eq!(bench.status("pip"), StepStatus::TimedOut);
}

/// A journal with one more event: refused, where that event cannot follow.
fn follows(bench: &Bench, event: Event) -> bool {
    let next = Recorded { seq: bench.state.head.next(), at: bench.now, epoch: Epoch(1), event };
    bench.state.clone().apply(&next).is_ok()
}

#[test]
fn a_journal_whose_events_cannot_follow_is_refused() {
    let step = || name("pip");
    let started = |attempt| Event::StepStarted { step: step(), attempt };
    let undoing = |attempt| Event::UndoStarted { step: step(), attempt };
    let held = || Event::StepHeld { step: step(), why: "so".to_owned() };
    let undone = || Event::StepUndone { step: step() };
    let answered = || Event::Answered { step: step(), request_id: None };
    let ended = || Event::OperationEnded { step: step(), error: None };

    let (operating, _) = operating(public_ip("pip", &[]));
    for event in [started(2), undoing(2), undone(), answered()] {
        assert!(!follows(&operating, event.clone()), "{event:?}");
    }
    assert!(follows(&operating, ended()) && follows(&operating, held()));

    let mut looking = Bench::new(plan_of(vec![public_ip("pip", &[]), public_ip("other", &[])]));
    looking.give(Input::Opened);
    for event in [undoing(2), undone(), answered(), ended()] {
        assert!(!follows(&looking, event.clone()), "{event:?}");
    }
    looking.see("pip", Assessed::Holds);
    let failed = || Event::StepFailed { step: step(), error: StepError::rejected("no", "No.") };
    for event in [started(2), undoing(2), held(), failed(), undone(), answered(), ended()] {
        assert!(!follows(&looking, event.clone()), "it has ended: {event:?}");
    }
    // The way back begins, and it is not on it: it changed nothing.
    looking.change("other");
    let (ticket, _) = looking.take_send("other");
    looking.give(Input::Sent(ticket, Ok(accepted())));
    looking.give(undo());
    assert!(!follows(&looking, undoing(2)) && !follows(&looking, undone()));

    let mut back = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    back.give(Input::Opened);
    back.succeed("pip");
    back.give(undo());
    assert!(follows(&back, undone()) && !follows(&back, started(3)));
}

#[test]
fn what_stands_below_a_held_step_is_not_undone_under_it() {
    let mut above = public_ip("above", &["below"]);
    (above.timeout, above.on_failure) = (Duration::from_secs(60), OnFailure::Continue);
    let mut bench = Bench::new(plan_of(vec![public_ip("below", &[]), above]));
    bench.give(Input::Opened);
    bench.succeed("below");
    bench.change("above");
    let (ticket, _) = bench.take_send("above");
    bench.give(Input::Sent(ticket.clone(), Ok(accepted())));
    bench.now = bench.now + Duration::from_secs(60);
    timed_out(&mut bench, "above");
    bench.give(undo());
    bench.now = bench.now + limits::OPERATION_OVERDUE_AFTER;
    bench.give(Input::Polled(ticket, Ok(PollAnswer::Running { after: None })));
    assert_eq!(bench.status("above"), StepStatus::Held);
    assert_eq!(bench.status("below"), StepStatus::Succeeded, "Azure may be at work above it");
}

#[test]
fn a_reference_to_nothing_is_tried_again_only_where_a_step_makes_it() {
    let refused = |missing: &ResourceId| {
        let own = resource("publicIPAddresses", "own");
        let message =
            format!("Resource {missing} referenced by resource {own} was not found. Please.");
        StepError::transient("InvalidResourceReference", message, None)
    };
    let after = |error: StepError| {
        let mut bench =
            Bench::new(plan_of(vec![public_ip("other", &[]), public_ip("own", &["other"])]));
        bench.give(Input::Opened);
        bench.see("other", Assessed::Holds);
        bench.change("own");
        let (ticket, _) = bench.take_send("own");
        bench.give(Input::Sent(ticket, Err(error)));
        bench
    };
    let nobodys = resource("networkSecurityGroups", "nsg");
    let bench = after(refused(&nobodys));
    assert_eq!(bench.status("own"), StepStatus::Failed, "nobody makes it");
    let said = serde_json::to_string(&bench.journal).unwrap();
    assert!(said.contains(&format!("No step makes {nobodys}")), "{said}");
    let looked = |id: &ResourceId| {
        let error = StepError::transient("ParentResourceNotFound", "It was not found.", None);
        error.caused_by_missing(id.clone())
    };
    assert_eq!(after(looked(&nobodys)).status("own"), StepStatus::Failed, "nobody makes it");
    let stands = StepError::transient("ResourceNotFound", "It was not found.", None);
    for error in [
        looked(&resource("publicIPAddresses", "other")),
        stands.caused_by("What the write names stands: not all of Azure has heard of it yet."),
        refused(&resource("publicIPAddresses", "other")),
        StepError::transient("InvalidResourceReference", "Which one is not said.", None),
    ] {
        assert_eq!(after(error).status("own"), StepStatus::Running, "Azure may not know it yet");
    }
}

/// A gateway that takes longer than its step: when the run has ended nobody asks Azure about it any more, and the one
/// command that leads on must.
#[test]
fn a_step_whose_operation_outlived_its_run_is_tried_again_and_looked_at_first() {
    let (mut bench, _) = operating(public_ip("pip", &[]));
    bench.now = bench.now + bench.plan.steps()[0].timeout;
    timed_out(&mut bench, "pip");
    let retry = || {
        Command::Retry(StepCommand {
            step: name("pip"),
            by: "ann".into(),
            reason: None,
            choice: None,
        })
    };
    if bench.state.outcome().is_none() {
        let turn = bench.give(Input::Command(retry()));
        assert_eq!(turn.refusal, Some(CommandRefusal::AzureAtWork(name("pip"))));
        bench.give(Input::Command(Command::Cancel { by: "ann".into(), reason: None }));
    }
    assert!(bench.state.outcome().is_some(), "{:?}", bench.state.phase);
    assert_eq!(crate::engine::people::failed(&bench.plan, &bench.state), [name("pip")]);
    let turn = bench.give(Input::Command(retry()));
    assert_eq!(turn.refusal, None);
    bench.see("pip", Assessed::Holds);
    assert_eq!(bench.status("pip"), StepStatus::Succeeded);
}

/// A removal that was accepted goes on when its own time is up, and what needs the same circuit is refused until it
/// ends: attempts are not counted meanwhile. Without such an operation they are.
#[test]
fn a_step_that_our_own_operation_keeps_out_is_tried_until_that_ends() {
    for at_work in [true, false] {
        let mut old = removal("old");
        (old.timeout, old.on_failure) = (Duration::from_secs(60), OnFailure::Continue);
        let mut new = public_ip("new", &["old"]);
        (new.timeout, new.retry.attempts) = (Duration::from_secs(3_600), 2);
        let mut bench = Bench::new(plan_of(vec![old, new]));
        bench.give(Input::Opened);
        bench.change("old");
        let (ticket, _) = bench.take_send("old");
        let answer = if at_work { Ok(accepted()) } else { Err(StepError::rejected("No", "No.")) };
        bench.give(Input::Sent(ticket, answer));
        if at_work {
            bench.now = bench.now + Duration::from_secs(60);
            timed_out(&mut bench, "old");
        }
        for _ in 0..5 {
            if bench.status("new") != StepStatus::Running {
                break;
            }
            bench.change("new");
            let (ticket, _) = bench.take_send("new");
            bench.give(Input::Sent(ticket, Err(transient())));
            if bench.status("new") == StepStatus::Running {
                bench.ring(|timer| matches!(timer, Timer::Retry(_)));
            }
        }
        let expected = if at_work { StepStatus::Running } else { StepStatus::Failed };
        assert_eq!(bench.status("new"), expected, "at work: {at_work}");
    }
}
