//! Does the whole screen show each state, at each size? What it looks like is kept as text.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::engine::{Event, SkipReason};
use crate::model::RunOutcome;
use crate::render::progress::Teller;
use crate::render::tests::{Book, failed, name, plan, until_the_gate, whole};
use crate::render::truth::tests::{half_approved, in_doubt, paused, undoing, view};
use crate::render::view::Driven;

fn screen(book: &Book, driven: Driven, (width, height): (u16, u16)) -> String {
    let view = view(book, driven, 200);
    let mut teller = Teller::default();
    let log: Vec<String> = book
        .0
        .iter()
        .filter_map(|one| teller.told(one, &plan(), view.started_at, Style::PLAIN))
        .collect();
    let page = WatchPage {
        view: &view,
        log: &log,
        moment: Moment::Now,
        stale: None,
        scroll: None,
        style: Style::PLAIN,
    };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, &page)).unwrap();
    terminal.backend().to_string()
}

fn running() -> Book {
    Book::opened().starts(0, "front").writes(1, "front").succeeds(60, "front").starts(60, "back")
}

/// It went on without a step whose goal it owes.
fn owed() -> Book {
    let mut parts = plan().parts().clone();
    parts.steps[1].owes = Some("Remove the old connection when its region is back.".to_owned());
    let skipped = Event::StepSkipped {
        step: name("back"),
        why: SkipReason::Worded("its region is dead".to_owned()),
        by: crate::engine::Actor::DrillPerson,
    };
    let approved = Event::Approved {
        step: name("go_ahead"),
        by: crate::engine::Actor::DrillPerson,
        choice: None,
        reason: None,
    };
    Book::opened_with(crate::model::Plan::new(parts).unwrap())
        .starts(0, "front")
        .writes(1, "front")
        .succeeds(60, "front")
        .at(61, skipped)
        .asks(62)
        .at(90, approved)
        .succeeds(90, "go_ahead")
        .starts(91, "last")
        .writes(92, "last")
        .succeeds(150, "last")
        .at(151, Event::RunEnded { outcome: RunOutcome::Succeeded })
}

#[test]
fn each_state_of_a_run_is_shown_on_a_narrow_and_on_a_wide_screen() {
    let states = [
        ("running", running(), Driven::ByAProcess),
        ("waiting", half_approved(), Driven::ByAProcess),
        ("paused", paused(), Driven::ByAProcess),
        ("failed", failed(), Driven::ByNobody),
        ("in doubt", in_doubt(), Driven::ByAProcess),
        ("undoing", undoing(), Driven::ByAProcess),
        ("interrupted", running(), Driven::ByNobody),
        ("owed", owed(), Driven::ByNobody),
        ("succeeded", whole(), Driven::ByNobody),
    ];
    let mut all = String::new();
    for (state, book, driven) in &states {
        for size in [(60, 24), (120, 26)] {
            let shown = screen(book, *driven, size);
            all.push_str(&format!("{state}, {} columns\n{shown}\n", size.0));
        }
    }
    insta::assert_snapshot!(all);
}

/// From 80 columns and 24 rows down to 60 and 15: what people have to do stands there whole.
#[test]
fn on_a_small_screen_who_must_do_what_comes_first_and_stands_whole() {
    let mut all = String::new();
    for size in [(80, 24), (72, 18), (60, 15), (120, 15)] {
        let shown = screen(&half_approved(), Driven::ByAProcess, size);
        // Lines of the frame come together again: a command may be broken where no row is as long.
        let letters: String =
            shown.chars().filter(|c| !c.is_whitespace() && !"\"│".contains(*c)).collect();
        for whole in [
            "network-leadtoapprovego_ahead;1of2",
            "backroadapprove01h00000000000000000000000go_ahead",
        ] {
            assert!(letters.contains(whole), "{size:?} {whole}: {shown}");
        }
        all.push_str(&format!("{} x {}\n{shown}\n", size.0, size.1));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_screen_of_any_size_is_drawn() {
    for width in [1, 2, 9, 20, 59, 60, 95, 96, 97, 200] {
        for height in [1, 2, 3, 5, 10, 60] {
            drop(screen(&half_approved(), Driven::ByAProcess, (width, height)));
            drop(screen(&until_the_gate(), Driven::ByAProcess, (width, height)));
        }
    }
}

#[test]
fn nothing_that_azure_or_an_author_wrote_steers_the_screen() {
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}";
    let error = crate::model::StepError::rejected("Bad", format!("no {hostile}"));
    let book = Book::opened()
        .starts(0, "front")
        .at(5, Event::StepFailed { step: name("front"), error })
        .at(6, Event::RunEnded { outcome: RunOutcome::Failed });
    let shown = screen(&book, Driven::ByNobody, (120, 30));
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");
    assert!(shown.contains('␛'), "{shown}");
}
