//! The promise: everybody on the call may look at the page, nobody from elsewhere may read or act on it, and whoever
//! acts does so under their own name. The router itself, without a socket.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use axum::body::Body;
use axum::http::{Request, StatusCode};
use backroad::engine::{Command, Event, Recorded, RunMode};
use backroad::model::{Epoch, Plan, RunId, Seq, Timestamp};
use backroad::plan::{CompileOptions, compile};
use backroad::render::view::Driven;
use backroad::runbook::SourceFile;
use backroad::web::PagePeer;
use serde_json::{Value, json};

use crate::support::file;
use crate::support::page::{HOST, PageBench, get, post};

const MARKUP: &str = "<img src=x onerror=alert(1)>\u{202e}";

fn run() -> RunId {
    RunId::parse("01h00000000000000000000000").unwrap()
}

fn plan_of(text: &str) -> Plan {
    let source = SourceFile::new("page.yaml", text);
    let profile = text.contains("profiles:").then(|| "live".to_owned());
    let compiled = compile(&source, &CompileOptions { profile, ..CompileOptions::default() });
    compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// The shipped failover, its gate for two people of a role, with markup wherever an author may write.
fn failover() -> Plan {
    let text = std::fs::read_to_string(file("runbooks/dr-circuit.yaml"))
        .unwrap()
        .replace("source_region: eastasia", "source_region: eastasia\nroles:\n  network_lead: { people: [mei, jun] }\npeople: { trust_names: true }")
        .replace("      expires_after: 4h", "      expires_after: 4h\n      approvals: 2\n      role: network_lead")
        .replace("title: Incident commander confirms", &format!("title: '{}' #", MARKUP.replace('\u{202e}', "")));
    plan_of(&text)
}

/// A run at its gate, after these events.
fn at_its_gate(plan: Plan) -> Vec<Recorded> {
    let gate = backroad::model::StepName::parse("go_ahead").unwrap();
    let events = vec![
        Event::RunOpened {
            run: run(),
            plan: Box::new(plan),
            mode: RunMode::Live,
            endpoint: format!("https://{MARKUP}"),
            nonce: "n".to_owned(),
            by: Some(MARKUP.into()),
            against: None,
            bad_days: Vec::new(),
            regions_down: Vec::new(),
            allow_no_strike: false,
            clock_factor: None,
            place: None,
        },
        Event::RunClaimed { holder: MARKUP.to_owned(), place: None },
        Event::StepStarted { step: gate.clone(), attempt: 1 },
        Event::GateOpened {
            step: gate,
            question: format!("Shall it? {MARKUP}"),
            expires_at: None,
            failure: None,
        },
    ];
    let at = Timestamp::parse("2026-03-14T03:00:00Z").unwrap();
    let record = |(place, event)| Recorded { seq: Seq(place), at, epoch: Epoch(1), event };
    (1..).zip(events).map(record).collect()
}

fn bench() -> PageBench {
    PageBench::of(run(), at_its_gate(failover()), Driven::ByAProcess)
}

fn changed(mut request: Request<Body>, name: &'static str, value: Option<&str>) -> Request<Body> {
    request.headers_mut().remove(name);
    if let Some(value) = value {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    request
}

fn form(forms: &[Value], command: &str) -> Value {
    let form = forms.iter().find(|form| form["command"] == command).unwrap();
    json!({
        "command": form["command"],
        "step": form["step"],
        "choice": form["choice"],
        "reason": "INC-1",
        "token": form["token"],
    })
}

#[tokio::test]
async fn a_page_from_elsewhere_can_not_read() {
    let bench = bench();
    let paths =
        ["/", "/runs", "/me", &bench.path("/now"), &bench.path("/steps"), &bench.path("/journal")];
    for path in paths {
        assert_eq!(bench.get(path).await.status, StatusCode::OK, "{path}");
        let request = || get(path).body(Body::empty()).unwrap();
        // A name that leads here although it is another's: DNS rebinding.
        for host in [
            "evil.example",
            "evil.example:4711",
            "127.0.0.1",
            "localhost:80",
            "127.0.0.1:4711.evil.example",
        ] {
            let told = bench.ask(changed(request(), "host", Some(host))).await;
            assert_eq!(told.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
            assert!(!told.text.contains("go_ahead"), "{host}: {}", told.text);
        }
        let told = bench.ask(changed(request(), "host", None)).await;
        assert_eq!(told.status, StatusCode::BAD_REQUEST);
        // Another site, and another port of this host, as a script, an image or a frame.
        for site in ["cross-site", "same-site"] {
            for (mode, kind) in [("no-cors", "script"), ("cors", "empty"), ("navigate", "iframe")] {
                let told = get(path)
                    .header("sec-fetch-site", site)
                    .header("sec-fetch-mode", mode)
                    .header("sec-fetch-dest", kind)
                    .body(Body::empty());
                let told = bench.ask(told.unwrap()).await;
                assert_eq!(told.status, StatusCode::FORBIDDEN, "{path} {site} {mode}");
            }
        }
        assert!(bench.get(path).await.headers.get("access-control-allow-origin").is_none());
    }
    // A link leads to a page, from wherever it stands.
    for (path, leads) in [("/".to_owned(), true), (bench.path("/now"), false)] {
        let linked = get(&path)
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document");
        let told = bench.ask(linked.body(Body::empty()).unwrap()).await;
        assert_eq!(told.status == StatusCode::OK, leads, "{path}");
    }
}

#[tokio::test]
async fn a_page_from_elsewhere_can_not_act() {
    let bench = bench();
    let cookie = bench.enter("mei", Some("network_lead")).await;
    let sent = form(&bench.forms(&cookie).await, "approve");
    let act = bench.path("/act");
    let good = || post(&act, &sent, &cookie);
    for (name, value) in [
        ("origin", Some("https://evil.example")),
        ("origin", Some("http://127.0.0.1:4712")),
        ("origin", Some("null")),
        ("origin", None),
        ("host", Some("evil.example")),
        ("sec-fetch-site", Some("cross-site")),
        ("sec-fetch-site", Some("same-site")),
        ("cookie", None),
        ("cookie", Some("backroad-4711=x.y")),
        ("content-type", Some("application/x-www-form-urlencoded")),
        ("content-type", Some("text/plain")),
        ("content-type", None),
    ] {
        let told = bench.ask(changed(good(), name, value)).await;
        assert!(told.status.is_client_error(), "{name} {value:?}: {}", told.status);
    }
    for token in [json!(""), json!("0".repeat(64)), Value::Null] {
        let mut forged = sent.clone();
        forged["token"] = token;
        let told = bench.ask(post(&act, &forged, &cookie)).await;
        assert!(told.status.is_client_error(), "{}", told.text);
    }
    // Nothing acts by being looked at.
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let mut request = changed(good(), "content-type", None);
        *request.method_mut() = method.parse().unwrap();
        assert_eq!(bench.ask(request).await.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    assert!(bench.runs.told.lock().unwrap().is_empty());
    assert_eq!(bench.ask(good()).await.status, StatusCode::OK);
    assert_eq!(bench.runs.told.lock().unwrap().len(), 1, "what is right is told");
}

#[tokio::test]
async fn a_forms_token_is_good_for_its_command_and_its_session_alone() {
    let bench = bench();
    let mei = bench.enter("mei", None).await;
    let jun = bench.enter("jun", None).await;
    let forms = bench.forms(&mei).await;
    let (approve, cancel) = (form(&forms, "approve"), form(&forms, "cancel"));
    let mut other = cancel.clone();
    other["token"] = approve["token"].clone();
    let act = bench.path("/act");
    for (sent, cookie) in [(&other, &mei), (&approve, &jun)] {
        let told = bench.ask(post(&act, sent, cookie)).await;
        assert_eq!(told.status, StatusCode::FORBIDDEN, "{}", told.text);
    }
    assert!(bench.runs.told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_run_is_told_who_it_was_by_the_name_of_the_invitation() {
    let bench = bench();
    let cookie = bench.enter("mei", Some("network_lead")).await;
    for command in ["approve", "pause", "cancel"] {
        let sent = form(&bench.forms(&cookie).await, command);
        assert_eq!(
            bench.ask(post(&bench.path("/act"), &sent, &cookie)).await.status,
            StatusCode::OK
        );
    }
    let told = bench.runs.told.lock().unwrap().clone();
    for mut command in told {
        assert_eq!(command.by().name, "mei");
        assert!(command.by().account.as_ref().unwrap().invited);
        assert!(command.by().to_string().contains("by invitation"), "{}", command.by());
    }
    // Of another role: it is asked of others, and what concerns the run alone is left.
    let other = bench.enter("ada", Some("application")).await;
    let forms = bench.forms(&other).await;
    let offered: Vec<&str> = forms.iter().map(|form| form["command"].as_str().unwrap()).collect();
    assert_eq!(offered, ["pause", "source_down", "undo", "cancel"]);
    let mut sent = form(&bench.forms(&cookie).await, "decline");
    sent["reason"] = json!("  ");
    let told = bench.ask(post(&bench.path("/act"), &sent, &cookie)).await;
    assert_eq!(told.status, StatusCode::BAD_REQUEST, "a no takes a reason");
}

#[tokio::test]
async fn a_page_that_only_shows_lets_nobody_act() {
    let events = at_its_gate(failover());
    let bench =
        PageBench::with(run(), events, Driven::ByAProcess, |settings| settings.actions = false);
    let cookie = bench.enter("mei", None).await;
    assert!(bench.forms(&cookie).await.is_empty());
    let sent =
        json!({"command": "pause", "step": null, "choice": null, "reason": null, "token": "x"});
    let told = bench.ask(post(&bench.path("/act"), &sent, &cookie)).await;
    assert_eq!(told.status, StatusCode::FORBIDDEN);
    assert!(told.text.contains("--allow-actions"), "{}", told.text);
}

#[tokio::test]
async fn who_is_of_another_account_reads_by_a_link_only_and_the_link_opens_once() {
    let bench = bench();
    let stranger = PagePeer { reads: false };
    let paths =
        ["/", "/runs", "/events", &bench.path(""), &bench.path("/now"), &bench.path("/events")];
    for path in paths {
        let told = bench.ask_as(get(path).body(Body::empty()).unwrap(), stranger).await;
        assert_eq!(told.status, StatusCode::FORBIDDEN, "{path}");
        assert!(told.text.contains("backroad web invite"), "{}", told.text);
    }
    let token = bench.invite("mei", None);
    let enter = || post("/enter", &json!({ "token": token }), "");
    let entered = bench.ask_as(enter(), stranger).await;
    assert_eq!(entered.status, StatusCode::OK, "{}", entered.text);
    let cookie = entered.headers["set-cookie"].to_str().unwrap().to_owned();
    for wanted in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(wanted), "{cookie}");
    }
    assert!(!cookie.contains(&token) && !entered.text.contains(&token));
    let session = cookie.split(';').next().unwrap();
    let with = |path: &str| get(path).header("cookie", session).body(Body::empty()).unwrap();
    assert_eq!(bench.ask_as(with("/runs"), stranger).await.status, StatusCode::OK);
    let again = bench.ask_as(enter(), stranger).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert!(again.text.contains("used already"), "{}", again.text);
    // Whoever leaves is a stranger again.
    assert_eq!(
        bench.ask_as(post("/leave", &json!({}), session), stranger).await.status,
        StatusCode::OK
    );
    assert_eq!(bench.ask_as(with("/runs"), stranger).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn over_https_the_cookie_is_of_this_name_and_port_alone() {
    let events = at_its_gate(failover());
    let bench = PageBench::with(run(), events, Driven::ByNobody, |settings| settings.secure = true);
    let token = bench.invite("mei", None);
    let request = post("/enter", &json!({ "token": token }), "");
    assert_eq!(
        bench.ask(changed(request, "origin", Some(&format!("http://{HOST}")))).await.status,
        StatusCode::FORBIDDEN
    );
    let request = post("/enter", &json!({ "token": token }), "");
    let entered = bench.ask(changed(request, "origin", Some(&format!("https://{HOST}")))).await;
    let cookie = entered.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-backroad-4711=") && cookie.contains("; Secure"), "{cookie}");
    assert!(entered.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn every_answer_forbids_frames_guesses_and_what_is_written_into_it() {
    let bench = bench();
    let (report, picture) = (bench.path("/report"), bench.path("/networks/now.svg"));
    let (now, nothing) = (bench.path("/now"), bench.path("/nothing"));
    for path in [
        "/",
        "/runs",
        "/enter",
        "/assets/page.js",
        "/assets/page.css",
        "/nothing",
        &now,
        &nothing,
        &report,
        &picture,
    ] {
        let told = bench.get(path).await;
        let policy = told.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        let document = path.ends_with("/report") || path.ends_with(".svg");
        assert_eq!(policy.contains("unsafe"), document, "{path}: {policy}");
        assert_eq!(policy.contains("sandbox"), document, "in a document nothing runs: {path}");
        assert_eq!(told.headers["x-content-type-options"], "nosniff");
        assert_eq!(told.headers["referrer-policy"], "no-referrer");
        assert_eq!(told.headers["cross-origin-resource-policy"], "same-origin");
        assert_eq!(told.headers["cache-control"], "no-store", "{path}");
        assert!(!told.text.is_empty());
    }
}

#[tokio::test]
async fn what_an_author_or_azure_writes_is_data_and_hides_nothing() {
    let bench = bench();
    for part in ["/now", "/steps", "/journal", "/at/3", "/forms", "/networks"] {
        let told = bench.get(&bench.path(part)).await;
        assert_eq!(told.headers["content-type"], "application/json", "{part}");
        assert!(!told.text.contains('\u{202e}'), "{part}: what would turn a line is shown");
        told.json();
    }
    let now = bench.get(&bench.path("/now")).await.json();
    assert!(now["now"]["asks"][0]["question"].as_str().unwrap().contains("<img"), "{now}");
    // The page itself never reads a text as markup, and brings nothing from elsewhere.
    for name in ["page.js", "run.js", "runs.js", "enter.js"] {
        let script = bench.get(&format!("/assets/{name}")).await.text;
        for bad in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "eval(",
            "Function(",
            "setAttribute(\"style",
            "createContextualFragment",
        ] {
            assert!(!script.contains(bad), "{name} uses {bad}");
        }
    }
    for path in
        ["/", "/enter", &bench.path(""), "/assets/page.css", "/assets/page.js", "/assets/run.js"]
    {
        let text = bench.get(path).await.text;
        for bad in
            ["http://", "https://", "<style", " style=", " onclick=", "javascript:", "@import"]
        {
            assert!(!text.contains(bad), "{path} holds {bad}");
        }
    }
}

#[tokio::test]
async fn no_known_secret_is_shown() {
    let secret = "pW-9f1Zq7-page-secret-42";
    backroad::outward::know(secret);
    let mut events = at_its_gate(failover());
    let by = backroad::engine::Actor::Person("mei".into());
    let (at, last) = (events[0].at, events.last().unwrap().seq);
    let paused = Event::Paused { by, reason: Some(format!("the key is {secret}")) };
    events.push(Recorded { seq: last.next(), at, epoch: Epoch(1), event: paused });
    let bench = PageBench::of(run(), events, Driven::ByAProcess);
    for part in ["/now", "/journal", "/at/5"] {
        let told = bench.get(&bench.path(part)).await;
        assert!(!told.text.contains(secret), "{part}: {}", told.text);
    }
    assert!(!bench.get("/runs").await.text.contains(secret));
}

#[tokio::test]
async fn of_two_thousand_steps_is_sent_what_is_on_the_screen() {
    let mut text = "runbook: many\ntitle: Many\nsteps:\n".to_owned();
    for n in 0..2_000 {
        let needs = if n >= 50 { format!("    needs: s{}\n", n - 50) } else { String::new() };
        text.push_str(&format!(
            "  s{n}:\n    title: {}\n{needs}    action: wait\n    with: {{ duration: 20s }}\n",
            "A long title. ".repeat(5)
        ));
    }
    let events = at_its_gate(plan_of(&text)).into_iter().take(2).collect();
    let bench = PageBench::of(run(), events, Driven::ByAProcess);
    let steps = bench.get(&bench.path("/steps?count=100000")).await;
    assert_eq!(steps.json()["rows"].as_array().unwrap().len(), 100);
    assert_eq!(steps.json()["total"], 2_000);
    let last = bench.get(&bench.path("/steps?from=1990")).await.json();
    assert_eq!(last["rows"][9]["name"], "s1999");
    for part in ["/now", "/steps", "/steps?from=1500", "/journal", "/at/1"] {
        let told = bench.get(&bench.path(part)).await;
        assert_eq!(told.status, StatusCode::OK, "{part}");
        assert!(told.text.len() < 120_000, "{part} has {} bytes", told.text.len());
    }
}

#[tokio::test]
async fn more_watchers_than_places_are_told_so_and_a_place_comes_back() {
    let bench = bench();
    let stream = || get(&bench.path("/events")).body(Body::empty()).unwrap();
    let own = PagePeer { reads: true };
    let mut watchers = Vec::new();
    let refused = loop {
        let told = bench.open(stream(), own).await;
        if told.status() != StatusCode::OK {
            break told;
        }
        watchers.push(told);
        assert!(watchers.len() < 1_000, "the places have an end");
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(watchers.len() >= 50, "a call has fifty people: {}", watchers.len());
    // Whoever is not told of changes still sees the run.
    assert_eq!(bench.get(&bench.path("/now")).await.status, StatusCode::OK);
    watchers.pop();
    assert_eq!(bench.open(stream(), own).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_run_is_shown_as_it_stood_after_any_of_its_events() {
    let bench = bench();
    let whole = bench.get(&bench.path("/now")).await.json();
    assert_eq!((whole["live"].as_bool(), whole["event"].as_u64()), (Some(true), Some(4)));
    assert_eq!(whole["now"]["standing"], "waiting");
    let earlier = bench.get(&bench.path("/at/2")).await.json();
    assert_eq!((earlier["live"].as_bool(), earlier["event"].as_u64()), (Some(false), Some(2)));
    assert_eq!(earlier["events"], 4);
    assert!(earlier["now"]["asks"].as_array().unwrap().is_empty());
    for (path, status) in
        [("/at/0", 200), ("/at/99999", 200), ("/at/x", 400), ("/networks/x.svg", 404)]
    {
        assert_eq!(bench.get(&bench.path(path)).await.status.as_u16(), status, "{path}");
    }
    for run in ["01h00000000000000000000001", "..%2f..%2fetc", "x"] {
        assert_eq!(
            bench.get(&format!("/runs/{run}/now")).await.status,
            StatusCode::NOT_FOUND,
            "{run}"
        );
    }
}

#[test]
fn a_word_of_the_page_is_a_command_of_the_engine() {
    // A new command is a decision: whether the page offers it.
    fn offered(command: &Command) -> bool {
        match command {
            Command::Approve(_)
            | Command::Decline(_)
            | Command::Retry(_)
            | Command::Pause { .. }
            | Command::Continue { .. }
            | Command::Cancel { .. }
            | Command::RetryFrom(_)
            | Command::Skip(_)
            | Command::RetryAll { .. }
            | Command::SourceDown { .. }
            | Command::Undo { .. } => true,
            // It is said to a run that has ended, and takes a process that goes on with it.
            Command::Settle { .. } => false,
        }
    }
    assert!(offered(&Command::Undo { by: "mei".into(), reason: None }));
    assert!(!offered(&Command::Settle { by: "mei".into(), reason: None }));
}
