//! What when nobody says whether a write landed? The promises around a write in doubt.

use super::*;
use crate::model::limits;

/// A run of one short step whose write's answer was lost, looked at once nothing can be under way any more;
/// what was seen then is what was seen before.
fn lost_and_looked_at(timeout: Duration) -> (Bench, Turn) {
    let mut short = public_ip("pip", &[]);
    short.timeout = timeout;
    let mut bench = Bench::new(plan_of(vec![short]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, intent) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Err(StepError::ambiguous("no_answer", "Reset."))));
    bench.now = intent.not_after + limits::CALL_TIMEOUT;
    let turn = bench.change("pip");
    (bench, turn)
}

fn never_landed(event: &Event) -> bool {
    matches!(event, Event::NeverLanded { .. })
}

#[test]
fn a_write_that_is_seen_never_to_have_landed_left_nothing_to_undo() {
    let (mut bench, turn) = lost_and_looked_at(Duration::from_secs(30));
    assert!(turn.events.iter().any(never_landed), "{turn:?}");
    assert_eq!(bench.status("pip"), StepStatus::TimedOut);
    assert!(!bench.state.steps[&name("pip")].touched);
    let undo = Command::Undo { by: "ann".into(), reason: Some("Enough.".to_owned()) };
    let turn = bench.give(Input::Command(undo));
    assert!(turn.refusal.is_some(), "{turn:?}");
    assert!(bench.state.obligations().is_empty());
}

#[test]
fn a_write_that_never_landed_is_sent_again_under_its_key_and_counts_once_it_is_taken() {
    let (mut bench, turn) = lost_and_looked_at(Duration::from_secs(3_600));
    assert!(turn.events.iter().any(never_landed), "{turn:?}");
    let (ticket, _) = bench.take_send("pip");
    bench.give(Input::Sent(ticket, Ok(accepted())));
    assert!(bench.state.steps[&name("pip")].touched);
}

#[test]
fn a_doubt_about_what_was_accepted_does_not_make_it_undone() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    bench.change("pip");
    let (ticket, intent) = bench.take_send("pip");
    bench.give(Input::Sent(ticket.clone(), Ok(accepted())));
    bench.ring(|timer| matches!(timer, Timer::Poll(_)));
    let gone = StepError::rejected("ResourceNotFound", "The operation is gone.");
    bench.give(Input::Polled(ticket, Err(gone)));
    bench.now = intent.not_after + limits::CALL_TIMEOUT;
    bench.change("pip");
    assert!(bench.state.steps[&name("pip")].touched, "Azure had taken it");
}

/// The step's write is done, as Azure says, and a look shows what was there before.
fn done_and_not_shown(bench: &mut Bench) -> Turn {
    bench.change("pip");
    let (ticket, _) = bench.take_send("pip");
    let done = SendAnswer::Done { request_id: None, outputs: Outputs::new() };
    bench.give(Input::Sent(ticket, Ok(done)));
    bench.change("pip")
}

#[test]
fn what_azure_takes_and_does_not_keep_is_written_three_times_and_then_told() {
    let mut step = public_ip("pip", &[]);
    step.retry.attempts = 8;
    let mut bench = Bench::new(plan_of(vec![step]));
    bench.give(Input::Opened);
    for written in 1..=3 {
        let turn = done_and_not_shown(&mut bench);
        if written < 3 {
            let again =
                turn.events.iter().any(|event| matches!(event, Event::RetryScheduled { .. }));
            assert!(again, "{written}: {turn:?}");
            bench.ring(|timer| matches!(timer, Timer::Retry(_)));
        }
    }
    let StepState::Failed(error) = &bench.state.steps[&name("pip")].state else {
        panic!("{:?}", bench.state.steps)
    };
    assert_eq!(error.code, "goal_not_kept");
    assert!(error.message.contains("Modify or Append"), "{error:?}");
    // A person who has talked to the policy's owner tries again, from nothing.
    let retry = StepCommand { step: name("pip"), by: "ann".into(), reason: None, choice: None };
    bench.give(Input::Command(Command::Retry(retry)));
    done_and_not_shown(&mut bench);
    assert_eq!(bench.status("pip"), StepStatus::Running);
}

#[test]
fn a_look_that_lags_behind_its_operation_costs_a_look_and_no_write() {
    let mut bench = Bench::new(plan_of(vec![public_ip("pip", &[])]));
    bench.give(Input::Opened);
    done_and_not_shown(&mut bench);
    bench.ring(|timer| matches!(timer, Timer::Retry(_)));
    bench.see("pip", Assessed::Holds);
    assert_eq!(bench.status("pip"), StepStatus::Succeeded);
}
