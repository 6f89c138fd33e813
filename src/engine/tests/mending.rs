//! The promise: a step that fails does not leave its circuit Failed where one more write of it as it stands would do;
//! and what has failed, or is gone, is not waited for.

use super::*;
use crate::model::action::CircuitBandwidth;

fn bandwidth(step_name: &str) -> Step {
    let id = resource("expressRouteCircuits", "er");
    step(step_name, &[], Action::Bandwidth(CircuitBandwidth { id, mbps_min: 1_000 }))
}

/// A raise that Azure took, and ended with an error.
fn raised_and_failed() -> Bench {
    let mut bench = Bench::new(plan_of(vec![bandwidth("raise")]));
    bench.give(Input::Opened);
    bench.change("raise");
    operated(&mut bench, PollAnswer::Failed(full()));
    bench
}

fn full() -> StepError {
    StepError::rejected("InsufficientPortCapacity", "The port is full.")
}

/// What was intended is sent, taken, and ends so.
fn operated(bench: &mut Bench, end: PollAnswer) {
    let (ticket, _) = bench.take_send("raise");
    bench.give(Input::Sent(ticket.clone(), Ok(accepted())));
    bench.ring(|timer| matches!(timer, Timer::Poll(t) if *t == ticket));
    bench.take(|e| matches!(e, Effect::Poll(..)));
    bench.give(Input::Polled(ticket, Ok(end)));
}

fn intents(bench: &Bench) -> usize {
    bench.journal.iter().filter(|one| one.event.kind() == "intended").count()
}

fn failed(bench: &Bench) -> StepError {
    match &bench.state.steps[&name("raise")].state {
        StepState::Failed(error) => error.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_circuit_that_was_left_failed_is_written_once_more_and_the_step_fails_as_it_did() {
    for crashes in [false, true] {
        let mut bench = raised_and_failed();
        assert_eq!(bench.status("raise"), StepStatus::Running, "it looks first");
        if crashes {
            bench.crash();
        }
        bench.change("raise");
        assert_eq!(intents(&bench), 2, "the intent is durable before it is sent");
        operated(&mut bench, PollAnswer::Succeeded);
        bench.see("raise", Assessed::Holds);
        let error = failed(&bench);
        assert_eq!(error.code, "InsufficientPortCapacity");
        assert!(error.causes.iter().any(|why| why.contains("er is well")), "{error:?}");
        assert_eq!(bench.state.outcome(), Some(RunOutcome::Failed));
    }
}

#[test]
fn a_circuit_that_is_well_is_not_written_and_one_that_stays_failed_not_twice() {
    let mut bench = raised_and_failed();
    bench.see("raise", Assessed::Holds);
    assert_eq!((intents(&bench), failed(&bench)), (1, full()), "nothing was left");

    let mut bench = raised_and_failed();
    bench.change("raise");
    operated(&mut bench, PollAnswer::Succeeded);
    bench.change("raise");
    while bench.state.outcome().is_none() {
        bench.ring(|timer| matches!(timer, Timer::Retry(_)));
        bench.change("raise");
    }
    assert_eq!(intents(&bench), 2);
    assert!(failed(&bench).causes.iter().any(|why| why.contains("also after")));

    let mut bench = raised_and_failed();
    bench.change("raise");
    operated(&mut bench, PollAnswer::Failed(full()));
    assert_eq!(intents(&bench), 2);
    assert_eq!(failed(&bench).code, "InsufficientPortCapacity");

    let mut bench = raised_and_failed();
    let ticket = bench.take_observe("raise");
    let gone = StepError::rejected("AuthorizationFailed", "No right.");
    bench.give(Input::Observed(ticket, Err(gone)));
    assert_eq!((intents(&bench), failed(&bench).code.as_str()), (1, "InsufficientPortCapacity"));
}

#[test]
fn a_raise_that_was_refused_has_left_nothing_and_is_not_looked_after() {
    let mut bench = Bench::new(plan_of(vec![bandwidth("raise")]));
    bench.give(Input::Opened);
    bench.change("raise");
    let (ticket, _) = bench.take_send("raise");
    bench.give(Input::Sent(ticket, Err(full())));
    assert_eq!(failed(&bench), full());
}

/// What Azure says of a write that names a circuit that has failed.
fn in_failed_state() -> StepError {
    let message = format!(
        "Cannot proceed with operation because resource {} used by resource x is not in Succeeded state. \
         Resource is in Failed state and the last operation that updated it is Put.",
        resource("expressRouteCircuits", "er")
    );
    StepError::transient("ReferencedResourceNotProvisioned", &message, None)
}

#[test]
fn what_has_failed_is_waited_for_only_while_a_step_may_write_it_again() {
    let refused = |others: Vec<Step>| {
        let steps = others.into_iter().chain([public_ip("pip", &[])]).collect();
        let mut bench = Bench::new(plan_of(steps));
        bench.give(Input::Opened);
        bench.change("pip");
        let (ticket, _) = bench.take_send("pip");
        bench.give(Input::Sent(ticket, Err(in_failed_state())));
        bench
    };
    let alone = refused(Vec::new());
    let StepState::Failed(error) = &alone.state.steps[&name("pip")].state else { panic!() };
    assert!(error.causes.iter().any(|why| why.starts_with("er has failed")), "{error:?}");
    let beside = refused(vec![bandwidth("raise")]);
    assert_eq!(beside.status("pip"), StepStatus::Running, "it is written again beside it");
    let mut updating = in_failed_state();
    updating.message = updating.message.replace("Failed state", "Updating state");
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, _) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Err(updating)));
    assert_eq!(bench.status("pip"), StepStatus::Running);
}

#[test]
fn a_key_whose_resource_is_gone_is_looked_for_a_few_times_and_then_the_step_to_repeat_is_named() {
    let key_gone = |id: &ResourceId| {
        let error = StepError::transient("key_not_there", "pip is not there.", None);
        error.caused_by_missing(id.clone())
    };
    let mut user = public_ip("user", &["pip"]);
    user.retry.attempts = 8;
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[]), user.clone()]));
    bench.give(Input::Opened);
    bench.succeed("pip");
    let id = bench.plan.step(&name("pip")).unwrap().action.written().unwrap().clone();
    let mut tries = 0;
    while bench.state.outcome().is_none() {
        bench.change("user");
        let (ticket, _) = bench.take_send("user");
        bench.give(Input::Sent(ticket, Err(key_gone(&id))));
        tries += 1;
        if bench.state.outcome().is_none() {
            bench.ring(|timer| matches!(timer, Timer::Retry(_)));
        }
    }
    assert_eq!(tries, 3, "a front end may be behind for a moment");
    let StepState::Failed(error) = &bench.state.steps[&name("user")].state else { panic!() };
    assert!(error.causes.last().unwrap().contains("retry RUN pip --from"), "{error:?}");

    // One that nobody in the run makes is not waited for at all.
    user.needs.clear();
    let mut bench = Bench::new(plan_of(vec![user]));
    bench.give(Input::Opened);
    bench.change("user");
    let (ticket, _) = bench.take_send("user");
    bench.give(Input::Sent(ticket, Err(key_gone(&id))));
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Failed));
}
