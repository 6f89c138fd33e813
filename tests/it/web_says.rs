//! The promise: what a terminal can say to a run that is driven, the page can say too; by the same commands, under the
//! name of the invitation, and only what the engine would follow as the run stands.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use axum::body::Body;
use axum::http::StatusCode;
use backroad::engine::{Actor, Command, Event, Recorded, RunMode};
use backroad::model::{Epoch, Plan, RunId, Seq, StepError, StepName, Timestamp};
use backroad::plan::{CompileOptions, compile};
use backroad::render::view::Driven;
use backroad::runbook::SourceFile;
use serde_json::{Value, json};

use crate::support::page::{PageBench, get, post};

/// Three waits in a row beside a gate of a role, of a runbook with a source region.
const RUNBOOK: &str = "runbook: says\ntitle: What is said\nsource_region: eastasia\nroles:\n  lead: { people: [mei] }\n\
    people: { trust_names: true }\nsteps:\n  one:\n    title: One\n    action: wait\n    with: { duration: 20s }\n  \
    two:\n    title: Two\n    needs: one\n    action: wait\n    with: { duration: 20s }\n  three:\n    title: Three\n    \
    needs: two\n    action: wait\n    with: { duration: 20s }\n  asked:\n    title: Asked\n    action: approval\n    \
    with: { question: Shall it?, role: lead }\n";

fn run() -> RunId {
    RunId::parse("01h00000000000000000000000").unwrap()
}

fn step(name: &str) -> StepName {
    StepName::parse(name).unwrap()
}

fn plan() -> Plan {
    let source = SourceFile::new("says.yaml", RUNBOOK);
    let compiled = compile(&source, &CompileOptions::default());
    compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// A run that has begun, after these events.
fn after(more: Vec<Event>) -> Vec<Recorded> {
    let opened = Event::RunOpened {
        run: run(),
        plan: Box::new(plan()),
        mode: RunMode::Live,
        endpoint: "https://management.azure.com".to_owned(),
        nonce: "n".to_owned(),
        by: Some("zoe".into()),
        against: None,
        bad_days: Vec::new(),
        regions_down: Vec::new(),
        allow_no_strike: false,
        clock_factor: None,
        place: None,
    };
    let events =
        [vec![opened, Event::RunClaimed { holder: "jump".to_owned(), place: None }], more].concat();
    let at = Timestamp::parse("2026-03-14T03:00:00Z").unwrap();
    let record = |(place, event)| Recorded { seq: Seq(place), at, epoch: Epoch(1), event };
    (1..).zip(events).map(record).collect()
}

/// The first step has failed, the second is left out because of it, and the run still asks.
fn one_failed() -> Vec<Event> {
    let error = StepError::rejected("Conflict", "Azure said no.");
    let asked = Event::GateOpened {
        step: step("asked"),
        question: "Shall it?".to_owned(),
        expires_at: None,
        failure: None,
    };
    vec![
        Event::StepStarted { step: step("asked"), attempt: 1 },
        asked,
        Event::StepStarted { step: step("one"), attempt: 1 },
        Event::StepFailed { step: step("one"), error },
    ]
}

fn bench(more: Vec<Event>, driven: Driven) -> PageBench {
    PageBench::of(run(), after(more), driven)
}

/// What somebody is offered about the run, or about a step of it.
async fn offered(bench: &PageBench, cookie: &str, about: Option<&str>) -> Value {
    let query = about.map(|step| format!("?step={step}")).unwrap_or_default();
    let request = get(&bench.path(&format!("/forms{query}"))).header("cookie", cookie);
    bench.ask(request.body(Body::empty()).unwrap()).await.json()
}

fn words(page: &Value) -> Vec<&str> {
    page["forms"].as_array().unwrap().iter().map(|form| form["command"].as_str().unwrap()).collect()
}

fn sent(page: &Value, command: &str) -> Value {
    let forms = page["forms"].as_array().unwrap();
    let form = forms.iter().find(|form| form["command"] == command);
    let form = form.unwrap_or_else(|| panic!("{command} is not offered: {forms:?}"));
    json!({
        "command": command,
        "step": form["step"],
        "choice": form["choice"],
        "reason": "INC-1",
        "token": form["token"],
    })
}

#[tokio::test]
async fn what_weighs_is_said_with_a_reason_and_under_the_invitations_name() {
    let bench = bench(one_failed(), Driven::ByAProcess);
    let mei = bench.enter("mei", Some("lead")).await;
    let act = bench.path("/act");
    for (about, command, reason) in [
        (None, "retry_all", false),
        (None, "source_down", true),
        (None, "undo", true),
        (Some("one"), "retry", false),
        (Some("one"), "skip", true),
        (Some("three"), "skip", true),
        (Some("asked"), "skip", true),
    ] {
        let page = offered(&bench, &mei, about).await;
        let form = sent(&page, command);
        let mut silent = form.clone();
        silent["reason"] = json!(" ");
        let refused = bench.ask(post(&act, &silent, &mei)).await;
        let wanted = if reason { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        assert_eq!(refused.status, wanted, "{command} without a reason: {}", refused.text);
        bench.runs.told.lock().unwrap().clear();
        let told = bench.ask(post(&act, &form, &mei)).await;
        assert_eq!(told.status, StatusCode::OK, "{command}: {}", told.text);
        let mut command_told = bench.runs.told.lock().unwrap().pop().unwrap();
        assert!(command_told.by().to_string().contains("mei (account"), "{command_told:?}");
        assert!(command_told.by().account.as_ref().unwrap().invited);
        let is_it = match (&command_told, command) {
            (Command::RetryAll { reason, .. }, "retry_all")
            | (Command::SourceDown { reason, .. }, "source_down")
            | (Command::Undo { reason, .. }, "undo") => reason.as_deref() == Some("INC-1"),
            (Command::Retry(said), "retry") | (Command::Skip(said), "skip") => {
                Some(said.step.as_str()) == about && said.reason.as_deref() == Some("INC-1")
            }
            _ => false,
        };
        assert!(is_it, "{command}: {command_told:?}");
    }
}

#[tokio::test]
async fn only_what_the_engine_would_follow_is_offered_and_the_page_says_why_not() {
    let fresh = bench(Vec::new(), Driven::ByAProcess);
    let mei = fresh.enter("mei", None).await;
    // Nothing was done: there is nothing to take back, and nothing has failed.
    assert_eq!(words(&offered(&fresh, &mei, None).await), ["pause", "source_down", "cancel"]);
    assert_eq!(words(&offered(&fresh, &mei, Some("one")).await), ["skip"]);
    let page = offered(&fresh, &mei, Some("one")).await;
    let what = page["forms"][0]["what"].as_str().unwrap();
    assert!(what.contains("two, three"), "what comes after it is told: {what}");
    assert!(words(&offered(&fresh, &mei, Some("nothing")).await).is_empty());

    // What counts as down is not declared twice; a cancelled run is on its way out.
    let by = || Actor::Person("mei".into());
    let down = Event::SourceDown { by: by(), why: "seen".to_owned() };
    let cancelled = Event::CancelRequested { by: by(), reason: None };
    let more = [one_failed(), vec![down, cancelled]].concat();
    let leaving = bench(more, Driven::ByAProcess);
    let mei = leaving.enter("mei", None).await;
    let page = offered(&leaving, &mei, None).await;
    for word in ["source_down", "retry_all", "cancel"] {
        assert!(!words(&page).contains(&word), "{word} of {page}");
    }
    let page = offered(&leaving, &mei, Some("one")).await;
    assert!(words(&page).is_empty(), "{page}");
    assert!(page["why_not"].as_str().unwrap().contains("on its way out"), "{page}");
}

#[tokio::test]
async fn a_gate_of_another_role_is_not_gone_around_by_leaving_it_out() {
    let bench = bench(one_failed(), Driven::ByAProcess);
    let ada = bench.enter("ada", Some("application")).await;
    let page = offered(&bench, &ada, Some("asked")).await;
    assert!(words(&page).is_empty(), "{page}");
    assert!(page["why_not"].as_str().unwrap().contains("another role"), "{page}");
    // Without a role on the invitation it is the runbook that says who: ada is nobody of it.
    let ada = bench.enter("ada", None).await;
    let page = offered(&bench, &ada, Some("asked")).await;
    assert!(!words(&page).contains(&"skip"), "{page}");
    // Neither does a form that another was offered help.
    let mei = bench.enter("mei", Some("lead")).await;
    let form = sent(&offered(&bench, &mei, Some("asked")).await, "skip");
    let told = bench.ask(post(&bench.path("/act"), &form, &ada)).await;
    assert_eq!(told.status, StatusCode::FORBIDDEN, "{}", told.text);
    assert!(bench.runs.told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_said_to_a_run_that_nobody_drives_or_that_has_ended() {
    let error = StepError::rejected("Conflict", "Azure said no.");
    let ended = vec![
        Event::StepStarted { step: step("one"), attempt: 1 },
        Event::StepFailed { step: step("one"), error },
        Event::RunEnded { outcome: backroad::model::RunOutcome::Failed },
    ];
    for (events, why) in [(one_failed(), "No process drives"), (ended, "has ended")] {
        let bench = bench(events, Driven::ByNobody);
        let mei = bench.enter("mei", Some("lead")).await;
        for about in [None, Some("one")] {
            let page = offered(&bench, &mei, about).await;
            assert!(words(&page).is_empty(), "{page}");
            assert!(page["why_not"].as_str().unwrap().contains(why), "{page}");
        }
    }
}
