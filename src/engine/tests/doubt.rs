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
