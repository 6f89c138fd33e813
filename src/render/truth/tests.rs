//! Is what every view says about a run true, and the same?

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::engine::{Actor, Event};
use crate::model::action::General;
use crate::model::{Action, GatePolicy, OnExpiry, Person, Plan, Role, StepError};
use crate::render::progress::{Teller, standing_lines};
use crate::render::question::{self, QuestionAsked};
use crate::render::style::{Flow, Style};
use crate::render::tests::{Book, name, plan, until_the_gate};
use crate::render::{RunView, run_view_at, text, truth_text};

fn start() -> Timestamp {
    Timestamp::parse("2026-01-31T03:00:00Z").unwrap()
}

/// The same plan, its gate for two people of a role.
pub(crate) fn for_a_role() -> Plan {
    let mut parts = plan().parts().clone();
    let role = Role {
        description: None,
        people: vec!["mei".to_owned(), "jun".to_owned()],
        contact: Some("+65 5550 100".to_owned()),
    };
    parts.roles = BTreeMap::from([("network-lead".to_owned(), role)]);
    let gate = GatePolicy {
        question: "Is the source region lost?".to_owned(),
        expires_after: Some(Duration::from_secs(1_800)),
        on_expiry: OnExpiry::Decline,
        approvals: 2,
        role: Some("network-lead".to_owned()),
        not_by_starter: true,
    };
    parts.steps[2].action = Action::General(General::Approval(gate));
    Plan::new(parts).unwrap()
}

fn person(name: &str) -> Actor {
    Actor::Person(Person::from(name))
}

/// At the gate of a role, one of two people having said yes.
pub(crate) fn half_approved() -> Book {
    let opened = Event::GateOpened {
        step: name("go_ahead"),
        question: "Is the source region lost?".to_owned(),
        expires_at: Some(start() + Duration::from_secs(1_860)),
        failure: None,
    };
    let approved =
        Event::Approved { step: name("go_ahead"), by: person("mei"), choice: None, reason: None };
    Book::opened_with(for_a_role())
        .starts(0, "front")
        .writes(1, "front")
        .succeeds(60, "front")
        .starts(60, "back")
        .starts(60, "go_ahead")
        .at(60, opened)
        .writes(62, "back")
        .succeeds(120, "back")
        .at(130, approved)
}

pub(crate) fn paused() -> Book {
    let by = person("ann");
    until_the_gate().at(130, Event::Paused { by, reason: Some("the provider calls".to_owned()) })
}

pub(crate) fn in_doubt() -> Book {
    Book::opened().starts(0, "front").at(
        70,
        Event::StepHeld {
            step: name("front"),
            why: "Whether its write landed cannot be seen.".to_owned(),
        },
    )
}

pub(crate) fn undoing() -> Book {
    let step = || name("back");
    until_the_gate()
        .at(140, Event::Declined { step: name("go_ahead"), by: person("ann"), reason: None })
        .at(
            140,
            Event::StepFailed {
                step: name("go_ahead"),
                error: StepError::rejected("gate_declined", "A person declined."),
            },
        )
        .at(
            141,
            Event::UndoRequested { by: person("ann"), reason: Some("it was a drill".to_owned()) },
        )
        .at(141, Event::UndoStarted { step: step(), attempt: 2 })
}

pub(crate) fn view(book: &Book, driven: Driven, after: u64) -> RunView {
    let state = RunState::fold(&book.0).unwrap();
    run_view_at(&state, &book.0, driven, start() + Duration::from_secs(after)).unwrap()
}

fn truth_of(book: &Book, driven: Driven, after: u64) -> RunTruth {
    view(book, driven, after).now.unwrap()
}

#[test]
fn the_headline_says_who_is_waited_for_and_for_what() {
    let truth = truth_of(&half_approved(), Driven::ByAProcess, 200);
    assert_eq!(truth.standing, RunStanding::Waiting);
    assert_eq!(truth.headline, "for network-lead to approve go_ahead (1 of 2)");
    // A process leaves a run that only people can lead on; that is no interruption.
    assert_eq!(truth_of(&half_approved(), Driven::ByNobody, 200).standing, RunStanding::Waiting);
}

#[test]
fn a_waiting_gate_shows_its_command_role_contact_count_and_expiry() {
    let page = text::summary(&view(&half_approved(), Driven::ByAProcess, 200), Style::PLAIN);
    for part in [
        "backroad approve 01h00000000000000000000000 go_ahead",
        "network-lead to approve go_ahead",
        "mei, jun",
        "+65 5550 100",
        "1 of 2 have said yes (mei)",
        "until 03:31 UTC (in 27:40), then it counts as declined",
        "not the one who started the run",
        "Is the source region lost?",
    ] {
        let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(part), "{part}:\n{page}");
    }
}

#[test]
fn a_contact_that_ends_as_a_sentence_is_gone_on_from() {
    let view = view(&half_approved(), Driven::ByAProcess, 200);
    let truth = view.now.as_ref().unwrap();
    let mut ask = truth.asks[0].clone();
    ask.contact = Some("the duty phone, in the plan.".to_owned());
    let said = truth_text::who(&ask, truth.at, Style::PLAIN);
    assert!(said.contains("reach the duty phone, in the plan; not the one"), "{said}");
}

#[test]
fn a_pause_stands_in_every_view_with_who_and_why_and_how_it_is_lifted() {
    let view = view(&paused(), Driven::ByAProcess, 200);
    let page = text::summary(&view, Style::PLAIN);
    let truth = view.now.as_ref().unwrap();
    assert_eq!(truth.standing, RunStanding::Paused);
    let standing = standing_lines("r", truth, Style::PLAIN);
    let standing: Vec<String> = standing.into_iter().map(|line| line.text).collect();
    for shown in [page, standing.join("\n")] {
        assert!(shown.contains("PAUSED"), "{shown}");
        assert!(shown.contains("by ann: the provider calls"), "{shown}");
        assert!(shown.contains("backroad resume 01h00000000000000000000000"), "{shown}");
    }
    let json = crate::render::json::object(&view);
    assert!(json.contains(r#""standing": "paused""#), "{json}");
}

#[test]
fn the_elapsed_time_goes_on_between_events_and_stops_at_the_end() {
    let (early, late) = (
        truth_of(&until_the_gate(), Driven::ByAProcess, 130),
        truth_of(&until_the_gate(), Driven::ByAProcess, 630),
    );
    assert_eq!((early.elapsed_seconds, late.elapsed_seconds), (130.0, 630.0));
    let ended = truth_of(&crate::render::tests::whole(), Driven::ByNobody, 9_000);
    assert_eq!(ended.elapsed_seconds, 1_500.0);
    assert_eq!(ended.objective, ObjectiveVerdict::Met);
}

#[test]
fn the_end_is_expected_within_a_range_and_the_objective_follows_from_it() {
    let truth = truth_of(&until_the_gate(), Driven::ByAProcess, 130);
    let end = truth.expected_end.unwrap();
    assert!(end.from <= end.likely && end.likely <= end.to.unwrap());
    assert_eq!(end.answers, 1, "the gate");
    assert_eq!(end.path, ["go_ahead", "last"]);
    assert_eq!(truth.objective, ObjectiveVerdict::Holds);
    let late = truth_of(&until_the_gate(), Driven::ByAProcess, 3_590);
    assert_eq!(late.objective, ObjectiveVerdict::AtRisk);
    let missed = truth_of(&until_the_gate(), Driven::ByAProcess, 3_700);
    assert_eq!(missed.objective, ObjectiveVerdict::Missed);
}

#[test]
fn during_an_undo_every_view_speaks_of_undoing() {
    let book = undoing();
    let view = view(&book, Driven::ByAProcess, 150);
    let truth = view.now.as_ref().unwrap();
    assert_eq!(truth.standing, RunStanding::Undoing);
    assert!(truth.headline.starts_with("asked for by ann"), "{}", truth.headline);
    assert_eq!(truth.objective, ObjectiveVerdict::Abandoned);
    assert_eq!(truth.next, ["front"], "what is taken back next");
    let mut teller = Teller::default();
    let accepted: Event = serde_json::from_value(serde_json::json!({
        "kind": "accepted", "step": "back",
        "handle": { "url": "https://management.azure.com/operations/1" },
    }))
    .unwrap_or(Event::NeverLanded { step: name("back") });
    let book = book.at(151, accepted);
    let told: Vec<String> =
        book.0.iter().filter_map(|one| teller.told(one, &plan(), start(), Style::PLAIN)).collect();
    let told = told.join("\n");
    assert!(told.contains("↶ back  taking it back"), "{told}");
    assert!(!told.contains("Azure writes the subnet"), "{told}");
}

#[test]
fn what_was_begun_before_an_undo_is_said_to_be_taken_back_after_it() {
    let by = person("ann");
    let book = Book::opened()
        .starts(0, "front")
        .at(5, Event::UndoRequested { by, reason: Some("it was a drill".to_owned()) });
    let truth = truth_of(&book, Driven::ByAProcess, 10);
    assert!(truth.headline.ends_with("before it is taken back"), "{}", truth.headline);
}

#[test]
fn a_doubt_that_only_a_person_settles_names_what_they_can_do() {
    let truth = truth_of(&in_doubt(), Driven::ByAProcess, 90);
    assert_eq!(truth.standing, RunStanding::InDoubt);
    let ways: Vec<&str> = truth.asks[0].ways.iter().map(|way| way.command.as_str()).collect();
    assert_eq!(
        ways,
        [
            "backroad retry 01h00000000000000000000000 front",
            "backroad skip 01h00000000000000000000000 front --reason TEXT",
        ]
    );
}

#[test]
fn a_run_that_nobody_drives_says_how_to_take_it_up() {
    let truth = truth_of(&Book::opened().starts(0, "front"), Driven::ByNobody, 90);
    assert_eq!(truth.standing, RunStanding::Interrupted);
    assert_eq!(truth.asks[0].ways[0].command, "backroad resume 01h00000000000000000000000");
    assert!(truth.expected_end.unwrap().stands_still);
}

/// One step is tried again, and another that failed still bars what comes after both.
#[test]
fn what_waits_behind_a_step_that_failed_is_not_expected_and_what_mends_it_is_said() {
    let declined = StepError::rejected("declined", "A person declined.");
    let book = until_the_gate()
        .at(131, Event::StepFailed { step: name("go_ahead"), error: declined })
        .at(132, Event::RunEnded { outcome: RunOutcome::Failed });
    let reopened = book
        .at(200, Event::Reopened { by: person("ann"), why: "again".to_owned() })
        .at(200, Event::StepReset { step: name("back"), by: person("ann"), reason: None })
        .at(201, Event::StepStarted { step: name("back"), attempt: 2 });
    let truth = truth_of(&reopened, Driven::ByAProcess, 210);
    assert!(
        truth.headline.starts_with("go_ahead failed, and the step behind it does not begin; "),
        "{}",
        truth.headline
    );
    assert_eq!(truth.asks[0].kind, AskKind::Stopped);
    assert!(truth.asks[0].ways[0].command.ends_with(" go_ahead"), "{:?}", truth.asks[0].ways);
    assert_eq!((truth.expected_end.is_none(), truth.next.is_empty()), (true, true));
    assert_ne!(truth.objective, ObjectiveVerdict::Holds);
}

/// A question that is open is asked in vain where what it leads to cannot begin.
#[test]
fn a_failure_behind_an_open_question_is_said_first_with_what_mends_it() {
    let error = StepError::rejected("Forbidden", "Not allowed.");
    let book = until_the_gate()
        .starts(131, "last")
        .at(132, Event::StepFailed { step: name("last"), error });
    let truth = truth_of(&book, Driven::ByAProcess, 140);
    assert!(
        truth.headline.starts_with("last failed, and nothing new starts; "),
        "{}",
        truth.headline
    );
    assert_eq!(truth.asks[0].kind, AskKind::Stopped);
    assert!(truth.asks[0].ways[0].command.ends_with(" last"), "{:?}", truth.asks[0].ways);
    assert_eq!((truth.expected_end.is_none(), truth.next.is_empty()), (true, true));
    assert!(truth.asks[1..].iter().any(|ask| ask.step.as_deref() == Some("go_ahead")));
}

/// A small thing that is late by seconds puts no hour at risk; a large one does.
#[test]
fn what_is_late_is_thought_to_take_as_long_again() {
    let accepted: Event = serde_json::from_value(serde_json::json!({
        "kind": "accepted", "step": "back",
        "handle": { "url": "https://management.azure.com/operations/1", "kind": "async_operation" },
    }))
    .unwrap();
    let book = Book::opened().starts(0, "back").intends(1, "back").at(1, accepted);
    let verdict = |after| truth_of(&book, Driven::ByAProcess, after).objective;
    assert_eq!(verdict(60), ObjectiveVerdict::Holds);
    assert_eq!(verdict(2_500), ObjectiveVerdict::AtRisk);
}

/// Who must not say yes can still have what Azure is at looked after.
#[test]
fn a_run_that_nobody_drives_is_taken_up_without_an_answer() {
    let resume = |book: &Book| {
        let asks = truth_of(book, Driven::ByNobody, 90).asks;
        asks.iter().flat_map(|ask| &ask.ways).any(|way| way.command.starts_with("backroad resume "))
    };
    assert!(!resume(&half_approved()), "its answer is all that is missing");
    let book = half_approved().starts(131, "last").writes(132, "last");
    assert!(resume(&book));
}

#[test]
fn whoever_is_asked_at_a_terminal_is_told_of_which_run_what_each_answer_does_and_until_when() {
    let truth = truth_of(&half_approved(), Driven::ByAProcess, 200);
    let ask = &truth.asks[0];
    let told = |told| {
        let about = QuestionAsked { ask, run: "run 01h of dr-circuit", told, now: truth.at };
        question::lines(&about, &["yes", "no"], Style::PLAIN).join("\n")
    };
    let whole = told(false);
    for part in [
        "Is the source region lost?",
        "For network-lead to approve go_ahead; 1 of 2 have said yes (mei); run 01h of dr-circuit.",
        "yes: say yes and go on; no: say no: the run stops",
        "until 03:31",
        "then it counts as declined",
    ] {
        assert!(whole.contains(part), "{part}: {whole}");
    }
    assert!(!told(true).contains("Is the source region lost?"), "its line has just said so");
}

/// What is over cannot be answered: only taking the run up leads on.
#[test]
fn a_question_whose_time_was_over_while_nobody_drove_the_run_is_asked_of_nobody() {
    let open = truth_of(&half_approved(), Driven::ByNobody, 1_800);
    assert!(open.asks[0].ways[0].command.starts_with("backroad approve "), "{open:?}");
    let over = truth_of(&half_approved(), Driven::ByNobody, 1_900);
    assert_eq!(over.standing, RunStanding::Interrupted, "{over:?}");
    let ways = over.asks.iter().flat_map(|ask| &ask.ways);
    let commands: Vec<&str> = ways.map(|way| way.command.as_str()).collect();
    assert_eq!(commands, ["backroad resume 01h00000000000000000000000"]);
    for part in ["counts as declined", "backroad retry 01h00000000000000000000000 go_ahead"] {
        assert!(over.asks[0].question.contains(part), "{part}: {over:?}");
    }
}

/// Whoever says no between the two connections is told what that means, and the end says so first.
#[test]
fn between_two_connections_every_view_says_that_there_is_no_path() {
    let accepted = |step: &str| -> Event {
        serde_json::from_value(serde_json::json!({
            "kind": "accepted", "step": step,
            "handle": { "url": "https://management.azure.com/operations/1", "kind": "async_operation" },
        }))
        .unwrap()
    };
    let swapping = || {
        let book = Book::opened_with(crate::render::document::tests::swap());
        book.starts(0, "gateway").writes(1, "gateway").succeeds(60, "gateway")
    };
    let removed = || {
        let book = swapping().starts(61, "old_gone").intends(62, "old_gone");
        book.at(63, accepted("old_gone")).succeeds(90, "old_gone")
    };
    assert_eq!(truth_of(&swapping(), Driven::ByAProcess, 70).no_path, None);
    let between = truth_of(&removed(), Driven::ByAProcess, 100);
    let no_path = between.no_path.unwrap();
    assert_eq!((no_path.since, no_path.other_made), (start() + Duration::from_secs(63), false));
    let block = truth_text::block(&between, Style::PLAIN).join("\n");
    assert!(block.contains("NOTHING IS REACHABLE since 03:01"), "{block}");
    let failed = Event::StepFailed {
        step: name("connection"),
        error: StepError::rejected("InUse", "It is in use."),
    };
    let ended = Event::RunEnded { outcome: RunOutcome::Failed };
    let book = removed().starts(91, "connection").at(95, failed).at(95, ended);
    let end = truth_of(&book, Driven::ByNobody, 200);
    assert!(end.headline.starts_with("nothing is reachable; "), "{end:?}");
    let page = text::summary(&view(&book, Driven::ByNobody, 200), Style::PLAIN);
    assert!(page.contains("NOTHING IS REACHABLE since 03:01"), "{page}");
    let made =
        removed().starts(91, "connection").writes(92, "connection").succeeds(99, "connection");
    assert!(truth_of(&made, Driven::ByAProcess, 100).no_path.unwrap().other_made);
    let proven = made.starts(100, "routes").succeeds(110, "routes");
    assert_eq!(truth_of(&proven, Driven::ByAProcess, 120).no_path, None);
}

#[test]
fn a_paused_run_that_nobody_drives_says_both() {
    let driven = truth_of(&paused(), Driven::ByAProcess, 200);
    assert!(!driven.headline.contains("nobody drives"), "{driven:?}");
    let left = truth_of(&paused(), Driven::ByNobody, 200);
    assert!(left.headline.contains(", and nobody drives it"), "{left:?}");
    assert!(left.asks[0].ways[0].what.contains("lifts the pause"), "{left:?}");
}

#[test]
fn no_line_is_wider_than_the_screen_and_no_row_breaks_into_a_blank_one() {
    let books = [until_the_gate(), half_approved(), paused(), in_doubt(), undoing()];
    for width in [60, 80, 120, 200] {
        let style = Style { width, ..Style::PLAIN };
        for book in &books {
            let view = view(book, Driven::ByAProcess, 200);
            let truth = view.now.as_ref().unwrap();
            for line in standing_lines(&view.run, truth, style) {
                assert_eq!(line.columns, line.text.chars().count(), "{line:?}");
                // Nor are they here: they go over several rows.
                let command = line.text.starts_with("? ") && line.text.contains(": backroad ");
                assert!(command || line.columns < width, "{line:?}");
                assert!(!command || !line.text.ends_with('…'), "{line:?}");
            }
            let page = text::summary(&view, style);
            for line in page.lines() {
                // Commands are never broken: they are copied whole.
                let begins = |word: &str| line.trim_start().starts_with(word);
                let words = ["backroad ", "az ", "# ", "--", "keep ", "[ -", "if [ -"];
                let command = words.iter().any(|word| begins(word));
                assert!(command || line.chars().count() <= width, "{width}: {line:?}\n{page}");
            }
            assert!(!page.contains("\n\n\n"), "{page}");
        }
    }
}

#[test]
fn times_are_told_with_the_name_of_their_zone() {
    static SINGAPORE: std::sync::LazyLock<jiff::tz::TimeZone> =
        std::sync::LazyLock::new(|| jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
    assert_eq!(Style::PLAIN.time(start(), start()), "03:00 UTC");
    let local = Style { zone: crate::render::style::Zone::Local(&SINGAPORE), ..Style::PLAIN };
    assert_eq!(local.time(start(), start()), "11:00 +08");
    let next = start() + Duration::from_secs(86_400);
    assert_eq!(Style::PLAIN.time(next, start()), "2026-02-01 03:00 UTC");
}

#[test]
fn for_a_screen_reader_each_thing_is_a_sentence_without_bars() {
    let style = Style { flow: Flow::Sentences, ..Style::PLAIN };
    let page = text::summary(&view(&half_approved(), Driven::ByAProcess, 200), style);
    assert!(page.contains("Step front: succeeded, began after 00:00 at 03:00 UTC"), "{page}");
    assert!(!page.contains('█') && !page.contains('▒') && !page.contains("  ██"), "{page}");
    let truth = truth_of(&half_approved(), Driven::ByAProcess, 200);
    assert!(truth_text::block(&truth, style).iter().any(|line| line.starts_with("Elapsed: ")));
}
