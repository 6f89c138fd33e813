//! The promise: what is kept of a run is there for any host, is found missing when it is, gets whole into another store,
//! is driven from one place only, and goes when it is old and owes nothing. The binary itself, hosts that are state
//! directories, and a folder as the store that they share.

#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::{Path, PathBuf};
use std::process::Output;

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::path::Path as Prefix;
use serde_json::Value;

use backroad::engine::{Clock, Event, Journal as _};
use backroad::model::{RunId, Seq, Timestamp};
use backroad::sim::VirtualClock;
use backroad::store::shared::{CopyHome, SharedStore, StoreEnd, copy_run};
use backroad::store::{Retention, StateDir, StoreError};

use crate::support::process::backroad;

/// Two hosts and the stores that they reach.
struct Team {
    folder: tempfile::TempDir,
}

impl Team {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for store in ["store", "other"] {
            std::fs::create_dir(folder.path().join(store)).unwrap();
        }
        Self { folder }
    }

    fn host(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self, name: &str) -> String {
        format!("file://{}", self.folder.path().join(name).display())
    }

    fn at(&self, host: &str, words: &[&str]) -> Output {
        backroad(&self.host(host), words).output().unwrap()
    }

    /// A command with the shared store named.
    fn with_store(&self, host: &str, words: &[&str]) -> Output {
        self.at(host, &[words, &["--store", &self.store("store")]].concat())
    }

    /// A drill that one host drives to its end; its run.
    fn drilled(&self, host: &str) -> String {
        let words = ["drill", "runbooks/same-circuit.yaml", "--profile", "drill"];
        let done = self.with_store(host, &[&words[..], &["--output", "json"]].concat());
        assert!(done.status.success(), "{}", said(&done));
        json(&done)["run"].as_str().unwrap().to_owned()
    }

    fn checked(&self, place: &str) -> Value {
        json(&self.at("nobody", &["store", "check", place, "--output", "json"]))
    }
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&[&done.stdout[..], &done.stderr[..]].concat()).into_owned()
}

fn json(done: &Output) -> Value {
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(done)))
}

/// All that is wrong of a store, as one text.
fn wrong(checked: &Value) -> String {
    let runs = checked["runs"].as_array().unwrap().iter();
    let all = runs
        .flat_map(|run| run["wrong"].as_array().unwrap())
        .chain(checked["wrong"].as_array().unwrap());
    all.map(|why| why.as_str().unwrap().to_owned()).collect::<Vec<_>>().join("\n")
}

fn only(folder: &Path) -> PathBuf {
    std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn a_run_of_another_host_is_reported_proven_and_shown_as_where_it_was_driven() {
    let team = Team::new();
    let run = team.drilled("one");
    for words in [
        vec!["report", &run, "--format", "json"],
        vec!["report", &run, "--format", "md"],
        vec!["status", &run, "--output", "json"],
        vec!["journal", &run],
        vec!["verify", &run],
    ] {
        let (here, there) = (team.with_store("one", &words), team.with_store("two", &words));
        assert!(here.status.success() && there.status.success(), "{words:?}: {}", said(&there));
        let text = |done: &Output, host: &str| {
            let place = team.host(host).display().to_string();
            String::from_utf8_lossy(&done.stdout).replace(&place, "STATE")
        };
        assert_eq!(text(&here, "one"), text(&there, "two"), "{words:?}");
    }
    let evidence = |host: &str| {
        let out = team.host(&format!("{host}.tar"));
        let done = team.with_store(host, &["export", &run, "-o", out.to_str().unwrap()]);
        assert!(done.status.success(), "{}", said(&done));
        let checked = team.at("nobody", &["verify", out.to_str().unwrap(), "--output", "json"]);
        json(&checked)
    };
    assert_eq!(evidence("one"), evidence("two"));
    // The end of its log, too.
    let log = std::fs::read(team.host("two").join("runs").join(&run).join("run.log")).unwrap();
    assert!(!log.is_empty());
    // A copy is not driven without the store.
    let refused = team.at("two", &["undo", &run, "--reason", "no"]);
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
}

#[test]
fn a_screen_names_the_store_in_its_commands_where_it_was_named() {
    let team = Team::new();
    let run = team.drilled("one");
    let shown = team.with_store("two", &["cancel", &run, "--reason", "too late"]);
    let store = team.store("store");
    assert!(!shown.status.success());
    let words = said(&shown);
    for line in words.lines().filter(|line| line.contains("`backroad ")) {
        assert!(line.contains(&format!("--store {store}")), "{words}");
    }
}

#[test]
fn a_host_is_called_what_it_is_given_and_only_a_name() {
    let team = Team::new();
    let named = |name: &str, words: &[&str]| {
        let store = team.store("store");
        let words = [words, &["--store", &store, "--output", "json"]].concat();
        backroad(&team.host("one"), &words).env("BACKROAD_HOST", name).output().unwrap()
    };
    let words = ["drill", "runbooks/same-circuit.yaml", "--profile", "drill"];
    let drilled = named("runner-1", &words);
    assert!(drilled.status.success(), "{}", said(&drilled));
    let drivers = team.host("store").join("drivers");
    let note = std::fs::read(only(&only(&drivers))).unwrap();
    let note: Value = serde_json::from_slice(&note).unwrap();
    assert!(note["holder"].as_str().unwrap().starts_with("runner-1, "), "{note}");
    assert!(note["place"].as_str().unwrap().starts_with("runner-1:/"), "{note}");
    let refused = named("a, b", &["runs"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("BACKROAD_HOST"), "{}", said(&refused));
}

#[test]
fn a_check_names_what_is_lost() {
    let team = Team::new();
    let run = team.drilled("one");
    let place = team.store("store");
    let whole = team.checked(&place);
    assert_eq!(whole["whole"], true, "{whole:#}");
    let of = &whole["runs"][0];
    assert_eq!((of["run"].as_str(), of["outcome"].as_str()), (Some(&*run), Some("succeeded")));
    assert!(of["events"].as_u64().unwrap() > 20);
    let cost = &of["cost"];
    assert!(
        cost["writes"].as_u64().unwrap() > 10 && cost["bytes_sent"].as_u64().unwrap() > 1_000,
        "{cost}"
    );
    // Of many writes a few, so that a run stays cheap.
    assert!(cost["writes"].as_u64().unwrap() < of["events"].as_u64().unwrap() + 40, "{of}");
    assert_eq!(team.checked(team.host("one").to_str().unwrap())["whole"], true);

    let store = team.host("store");
    let log = store.join("runs").join(&run).join("db").join("wal");
    let mut objects: Vec<PathBuf> =
        std::fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path()).collect();
    objects.sort();
    let lost = objects[objects.len() / 2].clone();
    let number = lost.file_stem().unwrap().to_str().unwrap().to_owned();
    for (path, word) in [
        (lost, number.as_str()),
        (store.join("beside").join(&run).join("reached.json"), "reached.json"),
        (only(&store.join("drivers").join(&run)), "who drove it"),
        (team.host("one").join("runs").join(&run).join("runbook.yaml"), "runbook"),
    ] {
        let one = team.host("one").display().to_string();
        let place = if path.starts_with(&store) { place.clone() } else { one };
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let checked = team.at("nobody", &["store", "check", &place]);
        assert_eq!(checked.status.code(), Some(1), "{word}");
        assert!(said(&checked).contains(word), "{word}: {}", said(&checked));
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(team.checked(&place)["whole"], true, "{word}");
    }
    // What is edited, too; and letters to nobody.
    let reached = store.join("beside").join(&run).join("reached.json");
    std::fs::write(&reached, b"[]").unwrap();
    let nobody = store.join("inbox").join("01jd0000000000000000000001");
    std::fs::create_dir_all(&nobody).unwrap();
    std::fs::write(nobody.join("a.json"), b"{}").unwrap();
    let found = wrong(&team.checked(&place));
    assert!(found.contains("reached.json") && found.contains("neither a journal"), "{found}");
}

#[test]
fn a_run_is_copied_into_a_store_and_back_and_is_driven_from_one_place_only() {
    let team = Team::new();
    // Begun without any store.
    let words = ["drill", "runbooks/same-circuit.yaml", "--profile", "drill", "--output", "json"];
    let run = json(&team.at("one", &words))["run"].as_str().unwrap().to_owned();
    let (one, three) = (team.host("one"), team.host("three"));
    let (one, three) = (one.to_str().unwrap(), three.to_str().unwrap());
    let (store, other) = (team.store("store"), team.store("other"));
    let copy = |from: &str, to: &str, more: &[&str]| {
        let words = [&["store", "copy", from, to, "--output", "json"][..], more].concat();
        let done = team.at("nobody", &words);
        assert!(done.status.success(), "{}", said(&done));
        json(&done)["copied"][0].clone()
    };
    let first = copy(one, &store, &[]);
    assert!(first["added"].as_u64() > Some(20) && first["added"] == first["events"], "{first}");
    assert_eq!(copy(one, &store, &[])["added"], 0, "what is there is left");
    for place in [one, &store] {
        assert_eq!(team.checked(place)["whole"], true, "{place}: {}", wrong(&team.checked(place)));
    }
    // The copy is to be read, and is not driven: its home is.
    let report = ["report", &run, "--format", "json"];
    assert_eq!(team.at("one", &report).stdout, team.with_store("two", &report).stdout);
    let undo = ["undo", &run, "--reason", "back", "--output", "json"];
    let refused = team.with_store("two", &undo);
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    assert!(said(&refused).contains(one), "{}", said(&refused));

    // Moved, it is driven from there, and no longer from here.
    assert_eq!(copy(one, &store, &["--move"])["home"], store.as_str());
    let refused = team.at("one", &undo);
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
    assert!(said(&refused).contains(&store), "{}", said(&refused));
    let undone = team.with_store("two", &undo);
    assert!(undone.status.success(), "{}", said(&undone));
    // What came since goes into the next store, and from that into a state directory.
    copy(&store, &other, &["--move"]);
    assert_eq!(team.with_store("two", &["retry", &run]).status.code(), Some(4));
    assert_eq!(
        copy(&other, three, &["--move", "--run", &run])["home"]
            .as_str()
            .map(|home| home.ends_with("/three")),
        Some(true)
    );
    for place in [&store, &other, three] {
        assert_eq!(team.checked(place)["whole"], true, "{place}: {}", wrong(&team.checked(place)));
    }
    let ended = json(&team.at("three", &["status", &run, "--output", "json"]));
    assert_eq!(ended["outcome"], "undone");

    // Another run of the same id is not written over.
    let elsewhere = Team::new();
    let mine = elsewhere.drilled("one");
    let there = elsewhere.host("store");
    for kind in ["runs", "drivers"] {
        std::fs::rename(there.join(kind).join(&mine), there.join(kind).join(&run)).unwrap();
    }
    let refused = team.at("nobody", &["store", "copy", three, &elsewhere.store("store")]);
    assert_eq!(refused.status.code(), Some(4), "{}", said(&refused));
}

#[test]
fn old_runs_that_have_ended_go_and_nothing_else_does() {
    let team = Team::new();
    let runs: Vec<String> = (0..3).map(|_| team.drilled("one")).collect();
    let place = team.store("store");
    let gc = |words: &[&str]| {
        let words = [&["store", "gc", "--output", "json"][..], words].concat();
        let done = team.at("nobody", &words);
        assert!(done.status.success(), "{}", said(&done));
        let runs = json(&done)["runs"].as_array().unwrap().clone();
        runs.iter().filter(|run| run["stays"].is_null()).count()
    };
    let one = team.host("one");
    for place in [place.as_str(), one.to_str().unwrap()] {
        assert_eq!(gc(&[place]), 0, "what is young stays");
        assert_eq!(gc(&[place, "--older-than", "0s"]), 0, "and what is among the newest");
        let all_but_one = [place, "--older-than", "0s", "--keep", "1"];
        assert_eq!(gc(&all_but_one), 2);
        assert_eq!(team.checked(place)["runs"].as_array().unwrap().len(), 3, "only said");
        assert_eq!(gc(&[&all_but_one[..], &["--remove"]].concat()), 2);
        let left = team.checked(place);
        assert_eq!(left["whole"], true, "{}", wrong(&left));
        assert_eq!(left["runs"][0]["run"], runs[2].as_str());
        assert_eq!(left["runs"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_run_that_is_driven_is_neither_copied_nor_removed_and_one_that_was_moved_is_not_opened() {
    let store = |name: &str| SharedStore::new(name, Arc::new(InMemory::new()), Prefix::default());
    let (one, two) = (store("memory://one"), store("memory://two"));
    let (from, to) = (StoreEnd::Shared(one.clone()), StoreEnd::Shared(two.clone()));
    let folder = tempfile::tempdir().unwrap();
    let host = |name: &str| StateDir::new(folder.path().join(name));
    let at = Timestamp::from_millis(1_770_000_000_000);
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(at));
    let run = RunId::parse("01jd0000000000000000000001").unwrap();
    let opened = one.open(&host("a"), &run, Arc::clone(&clock)).await.unwrap().store;
    let events = vec![Event::DeadlinePassed {}; 2];
    opened.journal.append(&opened.lease, Seq(0), at, events).await.unwrap();

    let copied = async |home| copy_run((&from, &to), &run, home, at).await;
    assert!(matches!(copied(CopyHome::Stays).await, Err(StoreError::Held { .. })));
    let all = Retention { newest: 0, younger_than: Duration::ZERO };
    let stays = one.retire(&all, at, false).await.unwrap();
    assert!(stays[0].stays.as_ref().unwrap().contains("drives it"), "{stays:?}");
    opened.journal.close().await.unwrap();
    let stays = one.retire(&all, at, false).await.unwrap();
    assert!(stays[0].stays.as_ref().unwrap().contains("has not ended"), "{stays:?}");

    // Copied, it is read there and driven here; it goes on here, and the copy is brought up to it.
    let done = copied(CopyHome::Stays).await.unwrap();
    assert_eq!((done.events, done.added, done.home.as_str()), (2, 2, "memory://one"));
    let refused = two.open(&host("b"), &run, Arc::clone(&clock)).await.unwrap_err();
    assert!(matches!(refused, StoreError::KeptElsewhere { .. }), "{refused}");
    let again = one.open(&host("a"), &run, Arc::clone(&clock)).await.unwrap().store;
    let more = vec![Event::DeadlinePassed {}];
    again.journal.append(&again.lease, Seq(2), at, more).await.unwrap();
    again.journal.close().await.unwrap();
    assert_eq!(copied(CopyHome::Stays).await.unwrap().added, 1);

    // Moved, it is driven there; said twice it is the same; and back again.
    for _ in 0..2 {
        assert_eq!(copied(CopyHome::Moves).await.unwrap().home, "memory://two");
        let refused = one.open(&host("a"), &run, Arc::clone(&clock)).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::KeptElsewhere { ref place, .. } if place == "memory://two")
        );
    }
    let there = two.open(&host("b"), &run, Arc::clone(&clock)).await.unwrap().store;
    assert_eq!(there.journal.load().await.unwrap().len(), 3);
    there.journal.close().await.unwrap();
    let back = copy_run((&to, &from), &run, CopyHome::Moves, at).await.unwrap();
    assert_eq!((back.added, back.home.as_str()), (0, "memory://one"));
    one.open(&host("c"), &run, Arc::clone(&clock)).await.unwrap();
}
