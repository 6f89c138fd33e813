//! The promise: however many watch a run, it is looked at once, what is told is made once and held once, and a run that is
//! dear to look at is looked at less often.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes};
use backroad::engine::{Event, Recorded, RunMode};
use backroad::model::{Epoch, RunId, Seq, StepName, Timestamp};
use backroad::plan::{CompileOptions, compile};
use backroad::render::view::Driven;
use backroad::runbook::SourceFile;
use backroad::web::PagePeer;
use futures::StreamExt as _;

use crate::support::page::{HandClock, PageBench, get};

fn run() -> RunId {
    RunId::parse("01h00000000000000000000000").unwrap()
}

fn began() -> Timestamp {
    Timestamp::parse("2026-03-14T03:00:00Z").unwrap()
}

/// A run of two steps that wait, of which the first has begun and ended.
fn events() -> Vec<Recorded> {
    let text = "runbook: two\ntitle: Two\nsteps:\n  one: { title: One, action: wait, with: { duration: 20s } }\n  \
                two: { title: Two, action: wait, with: { duration: 20s }, needs: one }\n";
    let compiled = compile(&SourceFile::new("two.yaml", text), &CompileOptions::default());
    let plan = compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let one = StepName::parse("one").unwrap();
    let opened = Event::RunOpened {
        run: run(),
        plan: Box::new(plan),
        mode: RunMode::Live,
        endpoint: "https://management.azure.com".to_owned(),
        nonce: "n".to_owned(),
        by: None,
        against: None,
        bad_days: Vec::new(),
        regions_down: Vec::new(),
        allow_no_strike: false,
        clock_factor: None,
        place: None,
    };
    let events = [
        opened,
        Event::StepStarted { step: one.clone(), attempt: 1 },
        Event::StepSucceeded { step: one, outputs: Default::default(), seen: Vec::new() },
    ];
    let record = |(place, event)| Recorded { seq: Seq(place), at: began(), epoch: Epoch(1), event };
    (1..).zip(events).map(record).collect()
}

fn watched() -> PageBench {
    PageBench::of(run(), events(), Driven::ByAProcess)
}

/// The first piece of a body as it goes to the socket: where its bytes lie tells whether they are somebody else's, too.
async fn piece(page: &PageBench, path: &str) -> (Bytes, impl Sized) {
    let request = get(&page.path(path)).body(Body::empty()).unwrap();
    let mut stream =
        page.open(request, PagePeer { reads: true }).await.into_body().into_data_stream();
    (stream.next().await.unwrap().unwrap(), stream)
}

#[tokio::test]
async fn fifty_who_watch_are_told_the_same_bytes_of_one_look() {
    let page = watched();
    let mut open = Vec::new();
    for _ in 0..50 {
        open.push(piece(&page, "/events").await);
    }
    let first = open[0].0.clone();
    let text = String::from_utf8(first.to_vec()).unwrap();
    assert!(text.starts_with("event: board\ndata: {") && text.ends_with("}\n\n"), "{text}");
    for (told, _) in &open {
        assert_eq!(told.as_ptr(), first.as_ptr(), "it was made, or copied, for somebody alone");
    }
    // What is asked for without a stream lies in the same place.
    let (now, _) = piece(&page, "/now").await;
    assert_eq!(now, first.slice(19..first.len() - 2));
    assert!(first.as_ptr_range().contains(&now.as_ptr()));
}

#[tokio::test]
async fn parts_are_made_once_for_all_and_anew_when_something_happened() {
    for part in ["/steps?count=1", "/journal?from=0&count=25"] {
        let clock = HandClock::at(began());
        let page = PageBench::with_more(
            (run(), events(), Driven::ByAProcess),
            |_| {},
            |runs| {
                runs.happened = 2.into();
                runs.takes = Some((Arc::clone(&clock), Duration::ZERO));
            },
        );
        let ((one, _), (other, _)) = (piece(&page, part).await, piece(&page, part).await);
        assert_eq!(one.as_ptr(), other.as_ptr(), "{part}: two who ask the same hold the same");
        page.runs.happened.store(3, Ordering::SeqCst);
        clock.pass(Duration::from_secs(4));
        let (after, _) = piece(&page, part).await;
        assert_ne!(one, after, "{part}: what happened since is not in it");
        let text = String::from_utf8(after.to_vec()).unwrap();
        assert!(text.contains("succeeded"), "{part}: {text}");
        let elsewhere = page.get(&page.path("/steps?count=1&from=1")).await.json();
        assert_eq!(elsewhere["rows"][0]["name"], "two", "another part is another part");
    }
}

#[tokio::test]
async fn a_run_that_is_dear_to_look_at_is_looked_at_less_often() {
    // A look, and the rest after it: seven times as long, within bounds.
    let times = [(1, 400), (100, 700), (1_000, 3_000)];
    for (takes, rests) in times.map(|(takes, rests)| (ms(takes), ms(rests))) {
        let clock = HandClock::at(began());
        let page = PageBench::with_more(
            (run(), events(), Driven::ByAProcess),
            |_| {},
            |runs| {
                runs.takes = Some((Arc::clone(&clock), takes));
            },
        );
        let looks = || page.runs.looks.load(Ordering::SeqCst);
        let now = page.path("/now");
        page.get(&now).await;
        clock.pass(rests.saturating_sub(ms(1)));
        for _ in 0..50 {
            page.get(&now).await;
        }
        assert_eq!(looks(), 1, "{takes:?}");
        clock.pass(ms(1));
        page.get(&now).await;
        assert_eq!(looks(), 2, "{takes:?}");
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
