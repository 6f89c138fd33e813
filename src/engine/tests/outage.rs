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
