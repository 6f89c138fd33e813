//! Does the store survive what a disaster brings: kills, cuts, edits, a full disk, a second opener?

#![expect(clippy::unwrap_used, reason = "in a test, also in its helpers, a panic is the answer")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test that kills its own child must tell it by the environment what to do"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use backroad::engine::{Event, Journal};
use backroad::model::{ResourceId, RunOutcome, Seq, StepName};
use backroad::store::{ClaimError, StateDir, StoreError, export};

use super::store_contract::{at, run_id, started};

/// A closed run with `events` events.
async fn closed_run(folder: &Path, events: u64) -> (StateDir, PathBuf) {
    let state = StateDir::new(folder);
    let store = state.create_run(&run_id(1)).unwrap();
    for n in 0..events {
        store.journal.append(&store.lease, Seq(n), at(0), vec![started(1)]).await.unwrap();
    }
    store.close().await.unwrap();
    let path = state.run_path(&run_id(1));
    (state, path)
}

/// The store's bytes, to show that nothing changed them.
fn bytes_of(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            all.extend(bytes_of(&path));
        } else {
            all.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    all
}

#[tokio::test]
async fn a_store_that_was_closed_in_order_is_opened_without_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (state, path) = closed_run(folder.path(), 3).await;
    for _ in 0..3 {
        let store = state.open(&run_id(1)).unwrap();
        assert_eq!(store.journal.load().await.unwrap().len(), 3);
        store.close().await.unwrap();
    }
    assert!(!path.join("copies").exists());
}

#[tokio::test]
async fn after_an_unclean_stop_the_store_is_copied_before_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (state, path) = closed_run(folder.path(), 3).await;
    for turn in 1..=5 {
        fs::remove_file(path.join("clean")).unwrap();
        let before = bytes_of(&path.join("store"));
        drop(state.open(&run_id(1)).unwrap());
        let mut copies: Vec<_> =
            fs::read_dir(path.join("copies")).unwrap().map(|e| e.unwrap().path()).collect();
        copies.sort();
        assert_eq!(copies.len(), turn.min(3), "at most three are kept");
        let newest = bytes_of(copies.last().unwrap());
        let contents = |all: Vec<(PathBuf, Vec<u8>)>| -> Vec<Vec<u8>> {
            all.into_iter().map(|(_, bytes)| bytes).collect()
        };
        assert!(contents(newest) == contents(before), "the copy is what was found");
    }
}

#[tokio::test]
async fn a_store_that_lost_acknowledged_events_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (state, path) = closed_run(folder.path(), 2).await;
    let elder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-a").arg(path.join("store")).arg(elder.path()).status();
    assert!(copied.unwrap().success());
    let store = state.open(&run_id(1)).unwrap();
    store.journal.append(&store.lease, Seq(2), at(0), vec![started(1)]).await.unwrap();
    store.close().await.unwrap();
    fs::remove_dir_all(path.join("store")).unwrap();
    fs::rename(elder.path().join("store"), path.join("store")).unwrap();
    let before = bytes_of(&path.join("store"));
    let error = state.open(&run_id(1)).unwrap_err();
    assert!(
        matches!(error, StoreError::LostHistory { anchor: Seq(3), head: Seq(2), .. }),
        "{error}"
    );
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(bytes_of(&path.join("store")) == before, "nothing was changed");
    let report = state.verify(&run_id(1)).unwrap();
    assert_eq!(report.first_bad.unwrap().seq, Seq(3));
}

#[tokio::test]
async fn a_flipped_bit_or_a_lost_tail_never_passes_for_a_shorter_history() {
    let folder = tempfile::tempdir().unwrap();
    let (state, path) = closed_run(folder.path(), 40).await;
    let log = path.join("store/db");
    let good = fs::read(&log).unwrap();
    let used = good.iter().rposition(|byte| *byte != 0).unwrap();
    let snapshots: Vec<_> = bytes_of(&path.join("store"));
    let mut refused = 0;
    for part in 0..12 {
        let mut bad = good.clone();
        if part % 3 == 2 {
            bad.truncate(used * (part + 1) / 13);
        } else {
            bad[used * part / 12] ^= 0x10;
        }
        for (file, bytes) in &snapshots {
            fs::write(file, bytes).unwrap();
        }
        fs::write(&log, &bad).unwrap();
        let found = bytes_of(&path.join("store"));
        match state.open(&run_id(1)) {
            // A bit that nothing depends on any more does no harm.
            Ok(store) => {
                assert_eq!(store.journal.load().await.unwrap().len(), 40);
                store.close().await.unwrap();
                fs::remove_dir_all(path.join("store")).unwrap();
                fs::create_dir(path.join("store")).unwrap();
                fs::create_dir_all(path.join("store/blobs")).unwrap();
            }
            Err(error) => {
                refused += 1;
                assert!(error.hint().ends_with('.'), "{error}");
                assert!(bytes_of(&path.join("store")) == found, "{error}: evidence changed");
            }
        }
    }
    assert!(refused > 0, "the damage must reach something");
}

#[tokio::test]
async fn a_newer_store_is_refused_by_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let (state, path) = closed_run(folder.path(), 1).await;
    let meta = path.join("meta.json");
    let text = fs::read_to_string(&meta).unwrap();
    fs::write(&meta, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    let before = bytes_of(&path);
    for error in [state.open(&run_id(1)).unwrap_err(), state.read(&run_id(1)).unwrap_err()] {
        assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error}");
    }
    assert!(bytes_of(&path) == before);
}

#[tokio::test]
async fn a_second_opener_is_told_who_holds_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::new(folder.path());
    let store = state.create_run(&run_id(1)).unwrap();
    let me = format!("(process {})", std::process::id());
    for error in [state.open(&run_id(1)).unwrap_err(), state.read(&run_id(1)).unwrap_err()] {
        let StoreError::Held { holder, .. } = &error else { panic!("{error}") };
        assert!(holder.ends_with(&me), "{holder}");
    }
    assert!(state.list().unwrap()[0].holder.is_some());
    store.close().await.unwrap();
    assert!(state.open(&run_id(1)).is_ok());
}

#[tokio::test]
async fn an_ended_run_is_read_and_verified_without_its_database() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::new(folder.path());
    let store = state.create_run(&run_id(1)).unwrap();
    let events = vec![started(1), Event::RunEnded { outcome: RunOutcome::Succeeded }];
    let given = store.journal.append(&store.lease, Seq(0), at(0), events).await.unwrap();
    let export_path = store.dir.join("journal.jsonl");
    assert!(export_path.exists(), "the export is there when the end is acknowledged");
    store.close().await.unwrap();
    fs::rename(state.run_path(&run_id(1)).join("store"), folder.path().join("away")).unwrap();
    assert_eq!(state.read(&run_id(1)).unwrap(), given);
    let report = export::verify_file(&export_path).unwrap();
    assert!(report.is_whole() && report.ended && report.events == 2);
}

#[tokio::test]
async fn a_stale_export_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (state, path) = closed_run(folder.path(), 2).await;
    let old = fs::read(path.join("journal.jsonl")).unwrap();
    let store = state.open(&run_id(1)).unwrap();
    store.journal.append(&store.lease, Seq(2), at(0), vec![started(1)]).await.unwrap();
    store.close().await.unwrap();
    fs::write(path.join("journal.jsonl"), old).unwrap();
    let before = bytes_of(&path.join("store"));
    assert_eq!(state.read(&run_id(1)).unwrap().len(), 3);
    assert!(bytes_of(&path.join("store")) == before, "reading changes nothing");
}

#[tokio::test]
async fn an_edited_export_names_the_first_event_that_is_not_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = closed_run(folder.path(), 5).await;
    let text = fs::read_to_string(path.join("journal.jsonl")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let edited = lines[2].replace("gateway", "getaway");
    lines[2] = &edited;
    let copy = folder.path().join("edited.jsonl");
    fs::write(&copy, lines.join("\n") + "\n").unwrap();
    let report = export::verify_file(&copy).unwrap();
    assert_eq!(report.first_bad.unwrap().seq, Seq(3));
    assert_eq!(report.events, 2);
    let lines: Vec<&str> =
        text.lines().enumerate().filter(|(n, _)| *n != 1).map(|(_, l)| l).collect();
    fs::write(&copy, lines.join("\n") + "\n").unwrap();
    assert_eq!(export::verify_file(&copy).unwrap().first_bad.unwrap().seq, Seq(2));
    // Beside its anchor, a lost tail shows too.
    let lines: Vec<&str> = text.lines().take(4).collect();
    fs::write(path.join("journal.jsonl"), lines.join("\n") + "\n").unwrap();
    let report = StateDir::new(folder.path()).verify(&run_id(1)).unwrap();
    assert!(report.is_whole(), "the store itself is whole");
}

#[tokio::test]
async fn a_run_is_found_by_the_beginning_of_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::new(folder.path());
    for n in [1, 2, 13] {
        drop(state.create_run(&run_id(n)).unwrap());
    }
    assert_eq!(state.find(&run_id(13).as_str()[..25]).unwrap(), run_id(13));
    assert_eq!(state.find(run_id(1).as_str()).unwrap(), run_id(1));
    let error = state.find("01jd").unwrap_err();
    assert!(matches!(&error, StoreError::Ambiguous { matches, .. } if matches.len() == 3));
    let error = state.find("01je").unwrap_err();
    assert!(error.to_string().contains("did you mean"), "{error}");
    assert!(matches!(state.find("").unwrap_err(), StoreError::Unknown { .. }));
    assert!(matches!(state.create_run(&run_id(1)), Err(StoreError::Exists(_))));
}

#[test]
fn a_claimed_resource_is_refused_to_other_runs_until_it_is_released() {
    let folder = tempfile::tempdir().unwrap();
    let claims = StateDir::new(folder.path()).claims();
    claims.restore(&[]).unwrap();
    let vnet = ResourceId::parse(
        "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea\
         /providers/Microsoft.Network/virtualNetworks/vnet-hub-sea",
    )
    .unwrap();
    let subnet = vnet.child("subnets", "GatewaySubnet").unwrap();
    let other = vnet.sibling("Microsoft.Network/virtualNetworks", "vnet-app1-sea").unwrap();
    let live = "https://management.azure.com";
    claims.claim(&run_id(1), live, std::slice::from_ref(&vnet)).unwrap();
    claims.claim(&run_id(1), live, std::slice::from_ref(&vnet)).unwrap();
    let refused = claims.claim(&run_id(2), live, &[other.clone(), subnet]);
    assert!(matches!(refused, Err(ClaimError::Taken { run, .. }) if run == run_id(1)));
    claims.claim(&run_id(3), live, &[other]).unwrap();
    claims.claim(&run_id(2), "drill", std::slice::from_ref(&vnet)).unwrap();
    claims.release(&run_id(1)).unwrap();
    claims.claim(&run_id(4), live, &[vnet]).unwrap();
}

#[test]
fn of_runs_that_claim_the_same_at_once_exactly_one_gets_it() {
    let folder = tempfile::tempdir().unwrap();
    let claims = StateDir::new(folder.path()).claims();
    claims.restore(&[]).unwrap();
    let circuit = ResourceId::parse(
        "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits\
         /providers/Microsoft.Network/expressRouteCircuits/er-singapore",
    )
    .unwrap();
    let claim = |n| claims.claim(&run_id(n), "live", std::slice::from_ref(&circuit));
    let won = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8).map(|n| scope.spawn(move || claim(n))).collect();
        racers.into_iter().map(|r| r.join().unwrap()).filter(Result::is_ok).count()
    });
    assert_eq!(won, 1);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_a_run() {
    use std::os::unix::fs::PermissionsExt;
    fn check(path: &Path) {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            let wanted = if entry.path().is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, wanted, "{} has {mode:o}", entry.path().display());
            if entry.path().is_dir() {
                check(&entry.path());
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let (state, _) = closed_run(folder.path(), 2).await;
    check(state.path());
}

/// A small file system of its own, gone when dropped. Needs root.
#[cfg(target_os = "linux")]
struct SmallDisk(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={size}"))
            .arg("tmpfs")
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_an_error_that_loses_nothing() {
    let Some(disk) = SmallDisk::mount("24m") else {
        eprintln!("SKIPPED a_full_disk_is_an_error_that_loses_nothing: cannot mount a tmpfs");
        return;
    };
    let state = StateDir::new(disk.0.path().join("state"));
    let store = state.create_run(&run_id(1)).unwrap();
    let mut head = 0;
    let mut append = async |events: Vec<Event>| {
        let appended = store.journal.append(&store.lease, Seq(head), at(0), events).await;
        head = appended?.last().map_or(head, |last| last.seq.0);
        Ok::<u64, backroad::engine::JournalError>(head)
    };
    for _ in 0..5 {
        append(vec![started(1)]).await.unwrap();
    }
    let ballast = disk.0.path().join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    let full = std::io::copy(&mut std::io::repeat(1), &mut file).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let mut acknowledged = 5;
    let error = loop {
        match append(vec![started(1); 100]).await {
            Ok(head) => acknowledged = head,
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("full"), "{error}");
    assert!(append(vec![started(1)]).await.is_err(), "no guess after a failure");
    drop(store);
    let error = state.open(&run_id(1)).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    drop(file);
    fs::remove_file(&ballast).unwrap();
    let store = state.open(&run_id(1)).unwrap();
    let events = store.journal.load().await.unwrap();
    assert!(events.len() as u64 >= acknowledged);
    let head = Seq(events.len() as u64);
    let appended = store.journal.append(&store.lease, head, at(0), vec![started(1)]);
    assert!(appended.await.is_ok());
}

/// A child process that appends to a run and prints what was acknowledged.
fn writer(state: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("store_survival::store_child_writer")
        .env("BACKROAD_CHILD_STATE", state)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// An event that takes so many bytes, and a few more.
fn large(bytes: usize) -> Event {
    Event::StepHeld { step: StepName::parse("gateway").unwrap(), why: "x".repeat(bytes) }
}

fn acknowledged(line: &str) -> Option<u64> {
    line.strip_prefix("acknowledged ")?.trim().parse().ok()
}

#[test]
#[ignore = "not a test: the child that other tests kill"]
fn store_child_writer() {
    let Some(path) = std::env::var_os("BACKROAD_CHILD_STATE") else {
        eprintln!("BACKROAD_CHILD_STATE says no state directory");
        return;
    };
    let state = StateDir::new(PathBuf::from(path));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = match state.open(&run_id(1)) {
            Ok(store) => store,
            Err(StoreError::Unknown { .. }) => state.create_run(&run_id(1)).unwrap(),
            Err(error) => panic!("{error}"),
        };
        if std::env::var_os("BACKROAD_CHILD_STOCK").is_some() {
            backroad::store::fsync::use_stock_for_the_power_cut_test();
        }
        let mut head = store.journal.load().await.unwrap().len() as u64;
        println!();
        // Events of so many bytes, where a script asks for large ones.
        let bytes = std::env::var("BACKROAD_CHILD_BYTES").ok().and_then(|n| n.parse().ok());
        let event = bytes.map_or_else(|| started(1), large);
        loop {
            let appended =
                store.journal.append(&store.lease, Seq(head), at(0), vec![event.clone()]).await;
            head = appended.unwrap().last().unwrap().seq.0;
            println!("acknowledged {head}");
        }
    });
}

/// For scripts/power-cut: says how many events a state directory's run holds.
#[test]
#[ignore = "not a test: how a script asks what survived"]
fn store_child_reader() {
    let path = std::env::var_os("BACKROAD_CHILD_STATE").expect("BACKROAD_CHILD_STATE");
    match StateDir::new(PathBuf::from(path)).open(&run_id(1)) {
        Ok(store) => {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let events = runtime.block_on(store.journal.load()).unwrap();
            println!("\nholds {}", events.len());
        }
        Err(error) => println!("\nrefused {error}"),
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_there_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::new(folder.path());
    let mut last = 0;
    for kill in 0..8_u64 {
        let mut child = writer(folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Each kill comes after another number of answers, so that it hits another moment.
        let enough = last + 1 + kill * 7;
        for line in lines.by_ref() {
            if let Some(seq) = acknowledged(&line.unwrap()) {
                last = last.max(seq);
                if seq >= enough {
                    break;
                }
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            last = last.max(acknowledged(&line).unwrap_or(0));
        }
        assert!(last >= enough, "the child must have written");
        let store = state.open(&run_id(1)).unwrap();
        let events = store.journal.load().await.unwrap();
        assert!(events.len() as u64 >= last, "{} of {last}", events.len());
        last = events.len() as u64;
    }
}
