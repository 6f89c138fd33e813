//! What does a person's word lead to, and what does it not? The edges of commands.

use super::*;
use crate::engine::state::Phase;

#[test]
fn what_a_person_went_on_without_is_owed_and_what_the_plan_left_out_is_not() {
    let mut bench = Bench::new(plan_of(swap()));
    bench.give(Input::Opened);
    bench.see("old", Assessed::Blocked { code: "no".to_owned(), why: "No.".to_owned() });
    bench.give(Input::Command(Command::Skip(StepCommand {
        reason: Some("No time.".to_owned()),
        ..said("old", "ann")
    })));
    bench.see("also", Assessed::Holds);
    bench.see("new", Assessed::Holds);
    assert_eq!(bench.status("old"), StepStatus::Skipped);
    assert_eq!(bench.state.owed_steps(), [name("old")]);

    let mut left_out = swap();
    left_out[0].when = Some(Condition::Known(false));
    let mut bench = Bench::new(plan_of(left_out));
    bench.give(Input::Opened);
    bench.see("also", Assessed::Holds);
    bench.see("new", Assessed::Holds);
    assert_eq!(bench.status("old"), StepStatus::Skipped);
    assert!(bench.state.owed_steps().is_empty());
}

#[test]
fn a_failed_gate_is_gone_on_without_by_as_many_as_it_asks() {
    let policy = GatePolicy {
        question: "Go?".to_owned(),
        expires_after: Some(Duration::from_secs(600)),
        on_expiry: OnExpiry::Decline,
        approvals: 2,
        role: None,
        not_by_starter: false,
    };
    let mut gate = step("go", &[], Action::General(General::Approval(policy)));
    gate.on_failure = OnFailure::Ask;
    gate.side = Some(Side::Source);
    let mut bench = Bench::new(plan_of(vec![gate, public_ip("pip", &["go"])]));
    bench.give(Input::Opened);
    bench.ring(|timer| matches!(timer, Timer::Gate(_)));
    assert_eq!(bench.status("go"), StepStatus::Failed);
    let word = |by: &str| {
        let said = StepCommand { reason: Some("because".to_owned()), ..said("go", by) };
        Input::Command(Command::Skip(said))
    };
    bench.give(word("ann"));
    assert_ne!(bench.status("go"), StepStatus::Skipped, "one of two");
    bench.give(word("ann"));
    assert_ne!(bench.status("go"), StepStatus::Skipped, "the same one again");
    bench.give(word("bob"));
    assert_eq!(bench.status("go"), StepStatus::Skipped);
}

#[test]
fn an_approval_leaves_nothing_to_choose() {
    let mut bench = Bench::new(plan_of(vec![approval("go", &[])]));
    bench.give(Input::Opened);
    let chosen = StepCommand { choice: Some("left".to_owned()), ..said("go", "ann") };
    let turn = bench.give(Input::Command(Command::Approve(chosen)));
    assert!(turn.refusal.is_some_and(|why| why.to_string().contains("nothing to choose")));
    assert_eq!(bench.status("go"), StepStatus::Waiting);
}

#[test]
fn nothing_can_be_said_of_a_step_that_is_not_there() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    for command in [Command::Approve, Command::Decline, Command::Retry, Command::Skip] {
        let turn = bench.give(Input::Command(command(said("gone", "ann"))));
        assert!(turn.refusal.is_some_and(|why| why.to_string().contains("no step `gone`")));
    }
}

#[test]
fn a_step_at_work_is_not_tried_again_beside_itself() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, _) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Ok(accepted())));
    let turn = bench.give(Input::Command(Command::Retry(said("pip", "ann"))));
    assert!(turn.refusal.is_some_and(|why| why.to_string().contains("running")));
    let Some(Phase::Operating { .. }) =
        bench.state.steps[&name("pip")].work().map(|work| work.phase.clone())
    else {
        panic!("its operation is followed on")
    };
}

/// Others go on working: what a step left may be another's an hour later.
#[test]
fn a_step_that_is_done_is_looked_at_again_and_written_only_where_it_is_not_so() {
    for writes in [false, true] {
        let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[]), approval("go", &["pip"])]));
        bench.give(Input::Opened);
        bench.see("pip", Assessed::Holds);
        bench.give(Input::Command(Command::Approve(said("go", "ann"))));
        assert_eq!(bench.state.outcome(), Some(RunOutcome::Succeeded));
        let turn = bench.give(Input::Command(Command::Retry(said("go", "ann"))));
        assert!(turn.refusal.is_some_and(|why| why.to_string().contains("about something of")));
        bench.give(Input::Command(Command::Retry(said("pip", "ann"))));
        let turn = if writes { bench.change("pip") } else { bench.see("pip", Assessed::Holds) };
        let intends = |event: &Event| matches!(event, Event::Intended { .. });
        assert_eq!(turn.events.iter().any(intends), writes, "{turn:?}");
        assert_eq!(bench.state.outcome().is_none(), writes);
    }
}

#[test]
fn a_refused_word_starts_nothing_and_a_leaving_process_neither() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    let turn = bench.give(Input::Command(Command::Approve(said("gone", "ann"))));
    assert!(turn.refusal.is_some() && turn.events.is_empty() && turn.effects.is_empty());
    let (mut state, now) = (bench.state.clone(), bench.moment());
    let leaving = take_turn(&bench.plan, &mut state, Input::Opened, &now, Intake::Leaving);
    assert_eq!(leaving, Turn::default());
}

#[test]
fn a_step_that_stopped_the_run_lets_it_go_on_when_it_is_tried_again_or_gone_without() {
    let blocked = || Assessed::Blocked { code: "no".to_owned(), why: "No.".to_owned() };
    for command in [Command::Retry, Command::Skip] {
        let skips = matches!(command(said("one", "ann")), Command::Skip(_));
        let mut steps = vec![public_ip("one", &[]), public_ip("two", &["one"])];
        // One is at work all the time, so that the run does not end.
        steps.extend([public_ip("x", &[]), public_ip("at_work", &[])]);
        let mut bench = Bench::new(plan_of(steps));
        bench.give(Input::Opened);
        bench.see("one", blocked());
        assert_eq!(bench.state.stopped_by, Some(name("one")));
        // A word about another step does not let the run go on.
        bench.see("x", blocked());
        bench.give(Input::Command(Command::Skip(said("x", "ann"))));
        assert_eq!(bench.status("x"), StepStatus::Skipped);
        assert_eq!(bench.state.stopped_by, Some(name("one")));
        bench.give(Input::Command(command(said("one", "ann"))));
        assert_eq!(bench.state.stopped_by, None);
        if !skips {
            bench.see("one", Assessed::Holds);
        }
        assert_eq!(bench.status("two"), StepStatus::Running);
    }
}

#[test]
fn on_the_way_back_nothing_is_tried_again_forward() {
    let mut bad = public_ip("bad", &[]);
    bad.on_failure = OnFailure::Continue;
    let mut bench = Bench::new(plan_of(vec![bad, public_ip("pip", &[])]));
    bench.give(Input::Opened);
    bench.change("bad");
    let (ticket, _) = bench.take_send("bad");
    bench.give(Input::Sent(ticket.clone(), Ok(accepted())));
    let no = StepError::rejected("no", "No.");
    bench.give(Input::Polled(ticket, Ok(PollAnswer::Failed(no))));
    assert_eq!(bench.status("bad"), StepStatus::Failed);
    bench.change("pip");
    let (ticket, _) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Ok(accepted())));
    bench.give(Input::Command(Command::Undo { by: "ann".into(), reason: None }));
    for command in [Command::Retry, Command::Skip] {
        let turn = bench.give(Input::Command(command(said("bad", "ann"))));
        assert!(turn.refusal.is_some_and(|why| why.to_string().contains("on its way out")));
    }
}

#[test]
fn a_held_step_is_gone_on_without_as_any_other() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[]), public_ip("two", &["pip"])]));
    bench.give(Input::Opened);
    bench.record(vec![Event::StepHeld { step: name("pip"), why: "because".to_owned() }]);
    assert_eq!(bench.status("pip"), StepStatus::Held);
    bench.give(Input::Command(Command::Skip(said("pip", "ann"))));
    assert_eq!(bench.status("pip"), StepStatus::Skipped);
    assert_eq!(bench.status("two"), StepStatus::Running);
}

#[test]
fn what_a_run_ended_without_is_owed_and_not_where_it_was_called_off() {
    let run = || {
        let mut last = public_ip("last", &[]);
        (last.owes, last.on_failure) = (Some("Do it later.".to_owned()), OnFailure::Continue);
        let mut bench = Bench::new(plan_of(vec![last, public_ip("pip", &[])]));
        bench.give(Input::Opened);
        bench.see("last", Assessed::Blocked { code: "no".to_owned(), why: "No.".to_owned() });
        assert!(bench.state.owed_steps().is_empty(), "the run goes on");
        bench
    };
    let mut ended = run();
    ended.see("pip", Assessed::Holds);
    assert!(ended.state.outcome().is_some());
    assert_eq!(ended.state.owed_steps(), [name("last")]);
    let mut off = run();
    off.give(Input::Command(Command::Cancel { by: "ann".into(), reason: None }));
    assert_eq!(off.state.outcome(), Some(RunOutcome::Cancelled));
    assert!(off.state.owed_steps().is_empty());
}
