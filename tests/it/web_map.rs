//! The promise: the page's map tells what stood before, what the run made, what it is at and what is still to come, as
//! the journal has it after each event; by signs and words and not by colour alone, and nothing in it is markup. And
//! what is told of all runs together: measures, and readiness.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use backroad::drill::Drill;
use backroad::engine::{Event, Recorded};
use backroad::model::{Plan, ResourceId, Timestamp};
use backroad::plan::{CompileOptions, compile};
use backroad::render::board::KeptEstate;
use backroad::render::document::material::Known;
use backroad::render::ready::{PastReadiness, trend};
use backroad::render::view::Driven;
use backroad::runbook::SourceFile;
use backroad::sim::Scenario;

use crate::support::file;
use crate::support::page::PageBench;

fn plan() -> Plan {
    let text = std::fs::read_to_string(file("runbooks/dr-circuit.yaml")).unwrap();
    let options = CompileOptions { profile: Some("drill".to_owned()), ..CompileOptions::default() };
    let compiled = compile(&SourceFile::new("dr-circuit.yaml", text), &options);
    compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// A drill of the shipped failover, and the estate in which it began.
async fn drilled() -> (Vec<Recorded>, Known) {
    let text = include_str!("../../runbooks/worlds/two-circuits.yaml");
    let scenario = Scenario::parse("two-circuits.yaml", text).unwrap();
    let world = backroad::sim::World::new(&scenario);
    let sealed = world.sealed();
    let known = Known {
        source: "a world".to_owned(),
        bodies: sealed.ids().map(|id| (id.clone(), sealed.body(id).unwrap().clone())).collect(),
        sites: vec![("<b>site</b>".to_owned(), vec!["192.168.0.0/16".to_owned()])],
        ..Known::default()
    };
    (Drill::new(&plan(), &scenario).run().await.unwrap().events, known)
}

fn bench(events: Vec<Recorded>, known: &Known) -> PageBench {
    let Event::RunOpened { run, .. } = &events[0].event else { panic!("no run") };
    let run = run.clone();
    PageBench::with_more(
        (run, events, Driven::ByNobody),
        |_| {},
        |runs| {
            runs.estate = Some(KeptEstate::of(known));
        },
    )
}

/// The words of the map after an event.
async fn words(bench: &PageBench, event: u64) -> String {
    let told = bench.get(&bench.path(&format!("/networks?at={event}"))).await.json();
    let map = &told["pictures"][0];
    assert_eq!(map["name"], "map");
    map["words"].as_str().unwrap().to_owned()
}

/// What the words say of one kind: `New: …`.
fn said<'a>(words: &'a str, what: &str) -> &'a str {
    let from = words.find(&format!("{what}: "));
    from.map_or("", |from| words[from..].split(". ").next().unwrap())
}

#[tokio::test]
async fn the_map_tells_what_stood_what_was_made_what_is_at_work_and_what_is_to_come() {
    let (events, known) = drilled().await;
    let place =
        |wanted: fn(&Event) -> bool| events.iter().find(|one| wanted(&one.event)).unwrap().seq.0;
    let is = |step: &backroad::model::StepName, name: &str| step.as_str() == name;
    let sent =
        place(|event| matches!(event, Event::Accepted { step, .. } if step.as_str() == "gateway"));
    let made = place(
        |event| matches!(event, Event::StepSucceeded { step, .. } if step.as_str() == "gateway"),
    );
    assert!(events.iter().any(|one| one.event.step().is_some_and(|step| is(step, "connection"))));
    let last = events.last().unwrap().seq.0;
    let bench = bench(events, &known);
    let gateway = "gateway ergw-dr in vnet-hub-sea";
    let begun = words(&bench, 1).await;
    let name = |words: &str, what: &str| said(words, what).to_owned();
    assert!(name(&begun, "Still to come").contains("gateway "), "{begun}");
    assert!(name(&begun, "Still to come").contains("connection "), "{begun}");
    assert!(name(&begun, "As before").contains("gateway "), "what stands is told: {begun}");
    assert!(said(&begun, "New").is_empty() && said(&begun, "At work").is_empty(), "{begun}");
    let working = words(&bench, sent).await;
    assert!(name(&working, "At work").contains("gateway "), "{gateway}: {working}");
    let new = words(&bench, made).await;
    assert!(name(&new, "New").contains("gateway "), "{new}");
    assert!(name(&new, "Still to come").contains("connection "), "{new}");
    let ended = words(&bench, last).await;
    for what in ["At work", "Still to come", "Still to go", "Still to be changed"] {
        assert!(said(&ended, what).is_empty(), "{what}: {ended}");
    }
    assert!(name(&ended, "New").contains("connection "), "{ended}");
}

/// A drill of the shipped last path, and its estate as Azure alone tells it: without what lies on-premises.
async fn by_tunnel() -> (Vec<Recorded>, Known) {
    let text = std::fs::read_to_string(file("runbooks/vpn-last-path.yaml")).unwrap();
    let options = CompileOptions { profile: Some("drill".to_owned()), ..CompileOptions::default() };
    let plan = compile(&SourceFile::new("vpn-last-path.yaml", text), &options).plan.unwrap();
    let text = include_str!("../../runbooks/worlds/vpn-last-path.yaml");
    let beside = |name: &str| {
        std::fs::read_to_string(file(&format!("runbooks/worlds/{name}"))).map_err(|e| e.to_string())
    };
    let scenario = Scenario::parse_over("vpn-last-path.yaml", text, &beside).unwrap();
    let world = backroad::sim::World::new(&scenario);
    let sealed = world.sealed();
    let known = Known {
        source: "Azure".to_owned(),
        bodies: sealed.ids().map(|id| (id.clone(), sealed.body(id).unwrap().clone())).collect(),
        ..Known::default()
    };
    (Drill::new(&plan, &scenario).run().await.unwrap().events, known)
}

#[tokio::test]
async fn the_map_of_a_live_run_has_the_sites_and_vantages_of_its_runbook_and_the_tunnels_that_lead_there()
 {
    let (events, known) = by_tunnel().await;
    let last = events.last().unwrap().seq.0;
    let bench = bench(events, &known);
    let begun = words(&bench, 1).await;
    assert!(begun.contains("Sites: on-premises (10.100.0.0/16, 10.101.0.0/16)."), "{begun}");
    assert!(begun.contains("It is looked from hongkong."), "{begun}");
    assert!(said(&begun, "As before").contains("tunnel con-vpn-ea from "), "{begun}");
    assert!(said(&begun, "Still to come").contains("tunnel "), "{begun}");
    assert!(said(&begun, "Still to come").contains("VPN device "), "{begun}");
    let ended = words(&bench, last).await;
    assert!(said(&ended, "New").contains("tunnel "), "{ended}");
    assert!(said(&ended, "Still to come").is_empty(), "{ended}");
    let map = bench.get(&bench.path("/networks/map.svg")).await.text;
    for part in
        ["on-premises", "hongkong", "it is looked from here", "VPN device 203.0.113.7", "(tunnel)"]
    {
        assert!(map.contains(part), "{part}: {map}");
    }
}

#[tokio::test]
async fn while_a_run_is_undone_the_map_tells_what_is_taken_back_and_what_is_still_to_go() {
    let (mut events, known) = drilled().await;
    let by = || backroad::engine::Actor::Person("mei".into());
    let connection = backroad::model::StepName::parse("connection").unwrap();
    let begun = Event::UndoStarted { step: connection.clone(), attempt: 2 };
    for event in [
        Event::Reopened { by: by(), why: "undo".to_owned() },
        Event::UndoRequested { by: by(), reason: None },
        begun,
        Event::StepUndone { step: connection },
    ] {
        let last = events.last().unwrap();
        events.push(Recorded { seq: last.seq.next(), event, ..last.clone() });
    }
    let last = events.last().unwrap().seq.0;
    let bench = bench(events, &known);
    let taken_back = words(&bench, last - 1).await;
    assert!(said(&taken_back, "At work").contains("connection "), "{taken_back}");
    assert!(said(&taken_back, "Still to go").contains("gateway "), "{taken_back}");
    assert!(said(&taken_back, "New").is_empty(), "{taken_back}");
    let gone = words(&bench, last).await;
    assert!(!gone.contains("connection con-hub-sea"), "{gone}");
    assert!(said(&gone, "Still to go").contains("gateway "), "{gone}");
}

#[tokio::test]
async fn what_is_not_done_yet_is_told_apart_without_colour_and_nothing_is_markup() {
    let (events, known) = drilled().await;
    let last = events.last().unwrap().seq.0;
    let bench = bench(events, &known);
    let map = async |event: u64| {
        let told = bench.get(&bench.path(&format!("/networks/map.svg?at={event}"))).await;
        assert_eq!(told.status, StatusCode::OK);
        assert_eq!(told.headers["content-type"], "image/svg+xml");
        told.text
    };
    let (begun, ended) = (map(1).await, map(last).await);
    assert!(begun.contains("(+) ") && begun.contains("p-box coming"), "{begun}");
    assert!(ended.contains(">+ ") && ended.contains("p-box new"), "{ended}");
    assert!(!ended.contains("(+) ") && !begun.contains(">+ "));
    // Whoever cannot see it is told the same, and a site's name is a text.
    for svg in [&begun, &ended] {
        assert!(svg.contains("<desc") && svg.contains("&lt;b&gt;site"), "{svg}");
        for bad in ["<b>", "<script", "href=\"http", "onload"] {
            assert!(!svg.contains(bad), "{bad}");
        }
    }
    // Nothing moves while the run goes on.
    let size =
        |svg: &str| svg.split("viewBox=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(size(&begun), size(&ended));
}

#[tokio::test]
async fn what_is_kept_of_an_estate_has_no_body_and_no_key() {
    let (_, mut known) = drilled().await;
    let key = "a-shared-key-91x";
    let id = known.bodies.keys().find(|id| id.is_a("Microsoft.Network/connections"));
    let id: ResourceId = id.unwrap().clone();
    known.bodies.get_mut(&id).unwrap()["properties"]["authorizationKey"] = key.into();
    known.bodies.get_mut(&id).unwrap()["properties"]["sharedKey"] = key.into();
    let kept = serde_json::to_string(&KeptEstate::of(&known)).unwrap();
    assert!(kept.contains(id.name()) && !kept.contains(key), "{kept}");
    assert!(!kept.contains("properties") && !kept.contains("etag"), "{kept}");
    let again = KeptEstate::parse(kept.as_bytes()).unwrap();
    assert_eq!(again, KeptEstate::of(&known));
    // A later version's is not guessed at.
    assert!(
        KeptEstate::parse(kept.replacen("\"format\":1", "\"format\":2", 1).as_bytes()).is_none()
    );
}

#[tokio::test]
async fn measures_are_told_as_prometheus_reads_them_and_made_once_for_all_who_scrape() {
    let (events, known) = drilled().await;
    let bench = bench(events, &known);
    let told = bench.get("/metrics").await;
    assert_eq!(told.status, StatusCode::OK);
    assert_eq!(told.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let run = bench.runs.run.to_string();
    for part in [
        "# TYPE backroad_runs gauge",
        "backroad_runs{runbook=\"dr-circuit\",mode=\"drill\",standing=\"succeeded\"} 1",
        &format!("backroad_run_recovery_seconds{{run=\"{run}\""),
    ] {
        assert!(told.text.contains(part), "{part}: {}", told.text);
    }
    for _ in 0..20 {
        assert_eq!(bench.get("/metrics").await.text, told.text);
    }
    assert_eq!(bench.runs.measured.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn readiness_is_told_with_its_trend_and_as_text() {
    let (events, _) = drilled().await;
    let look = |minute: i64, why: Option<&str>| PastReadiness {
        at: Timestamp::from_millis(minute * 60_000),
        ready: why.is_none(),
        looked_at: "https://management.azure.com".to_owned(),
        simulated: false,
        amiss: why
            .map(|why| ("drill".to_owned(), "bad".to_owned(), why.to_owned()))
            .into_iter()
            .collect(),
    };
    let looks = [look(0, None), look(1, Some("Too old. <img src=x>")), look(2, None)];
    let Event::RunOpened { run, .. } = &events[0].event else { panic!("no run") };
    let bench = PageBench::with_more(
        (run.clone(), events.clone(), Driven::ByNobody),
        |_| {},
        |runs| {
            runs.readiness = vec![trend("swap", &looks)];
        },
    );
    let told = bench.get("/readiness").await;
    assert_eq!(told.headers["content-type"], "application/json");
    let one = told.json()["runbooks"][0].clone();
    assert_eq!((one["looks"].as_u64(), one["ready"].as_u64()), (Some(3), Some(2)));
    assert_eq!(one["trend"].as_array().unwrap().len(), 3);
    assert_eq!(one["changes"][1]["why"], "Too old. <img src=x>");
    // The page shows it as a text, like all else.
    assert!(bench.get("/assets/runs.js").await.text.contains("ask(\"/readiness\")"));
}
