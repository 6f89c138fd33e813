//! The promise: time in which the journal took nothing fails no step, and what Azure did meanwhile is looked at first.

use super::*;

/// A step of ten minutes whose operation goes on.
fn operating(timeout: Duration) -> (Bench, Ticket) {
    let mut step = public_ip("pip", &[]);
    step.timeout = timeout;
    let mut bench = Bench::new(plan_of(vec![step]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, _) = bench.take_send("pip");
    bench.give(Input::Sent(ticket.clone(), Ok(accepted())));
    (bench, ticket)
}

fn after(bench: &mut Bench, seconds: u64) -> Timestamp {
    bench.now = bench.now + Duration::from_secs(seconds);
    bench.now
}

fn away(bench: &Bench) -> usize {
    bench.journal.iter().filter(|one| one.event.kind() == "journal_away").count()
}

#[test]
fn a_step_whose_operation_ended_well_during_an_outage_succeeds() {
    let (mut bench, ticket) = operating(Duration::from_secs(600));
    let since = after(&mut bench, 60);
    after(&mut bench, 3_600);
    bench.give(Input::JournalBack { since });
    assert_eq!(away(&bench), 1, "the journal says why its time is longer");
    // The timer that was set when the step began.
    bench.ring(|timer| matches!(timer, Timer::Timeout(_)));
    assert_eq!(bench.status("pip"), StepStatus::Running);
    bench.ring(|timer| matches!(timer, Timer::Poll(t) if *t == ticket));
    bench.take(|e| matches!(e, Effect::Poll(..)));
    bench.give(Input::Polled(ticket, Ok(PollAnswer::Succeeded)));
    bench.see("pip", Assessed::Holds);
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Succeeded));
}

#[test]
fn what_is_left_of_a_steps_time_is_what_was_left_before_and_a_look_at_least() {
    for (before, left) in [(60, 540), (590, 180)] {
        let (mut bench, _) = operating(Duration::from_secs(600));
        let since = after(&mut bench, before);
        let back = after(&mut bench, 3_600);
        bench.give(Input::JournalBack { since });
        bench.ring(|timer| matches!(timer, Timer::Timeout(_)));
        assert_eq!((bench.now, bench.status("pip")), (back, StepStatus::Running));
        bench.ring(|timer| matches!(timer, Timer::Timeout(_)));
        assert_eq!(bench.now, back + Duration::from_secs(left), "{before} s were used");
        assert_eq!(bench.status("pip"), StepStatus::TimedOut);
        // Whoever folds the journal has the same.
        assert_eq!(RunState::fold(&bench.journal).unwrap().steps, bench.state.steps);
    }
}

#[test]
fn an_outage_in_which_nothing_was_at_work_is_no_event() {
    let mut bench = Bench::new(plan_of(vec![approval("ask", &[])]));
    bench.give(Input::Opened);
    let since = after(&mut bench, 5);
    after(&mut bench, 600);
    bench.give(Input::JournalBack { since });
    assert_eq!(away(&bench), 0);
}

#[test]
fn an_operation_that_nobody_can_ask_about_is_told_once_and_is_the_reason_when_its_time_is_up() {
    let waits = |bench: &Bench| -> Vec<String> {
        let all = bench.journal.iter().filter_map(|one| match &one.event {
            Event::StepWaiting { why, .. } => Some(why.clone()),
            _ => None,
        });
        all.collect()
    };
    let (mut bench, ticket) = operating(Duration::from_secs(600));
    let poll = |bench: &mut Bench, answer: Result<PollAnswer, StepError>| {
        bench.ring(|timer| matches!(timer, Timer::Poll(_)));
        bench.take(|e| matches!(e, Effect::Poll(..)));
        bench.give(Input::Polled(ticket.clone(), answer));
    };
    let silent = || StepError::transient("no_answer", "no answer within the call's time-out", None);
    for _ in 0..3 {
        poll(&mut bench, Err(silent()));
    }
    assert_eq!(waits(&bench).len(), 1, "once for each time that it is so");
    assert!(waits(&bench)[0].contains("no answer within"), "{:?}", waits(&bench));
    poll(&mut bench, Ok(PollAnswer::Running { after: None }));
    poll(&mut bench, Ok(PollAnswer::Running { after: None }));
    assert_eq!(waits(&bench).len(), 2, "and once that it is over");
    poll(&mut bench, Err(silent()));
    bench.ring(|timer| matches!(timer, Timer::Timeout(_)));
    let StepState::TimedOut { operation: Some(_), missing } =
        &bench.state.steps[&name("pip")].state
    else {
        panic!("{:?}", bench.state.steps)
    };
    assert!(missing.as_ref().unwrap().contains("no answer within"), "{missing:?}");
    assert_eq!(RunState::fold(&bench.journal).unwrap().steps, bench.state.steps);
}

#[test]
fn a_write_in_doubt_that_cannot_be_looked_at_says_why() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, _) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Err(StepError::ambiguous("no_answer", "Reset."))));
    for _ in 0..3 {
        let ticket = bench.take_observe("pip");
        bench.give(Input::Observed(ticket, Err(transient())));
        bench.ring(|timer| matches!(timer, Timer::Look(_)));
    }
    let told = bench.journal.iter().filter(|one| one.event.kind() == "step_waiting").count();
    assert_eq!(told, 1, "once for each reason");
}
