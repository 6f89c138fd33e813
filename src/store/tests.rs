//! Where do the promises of the store end? The edges of its checks, each of which was once moved without
//! a test that noticed.

use std::path::Path;
use std::time::Duration;

use super::export::agrees;
use super::files;
use super::lease::RunLock;
use super::schema::{self, ChainLink, Head};
use super::*;
use crate::engine::{Event, Journal, JournalError};
use crate::model::limits::EVENTS_MAX;
use crate::model::{Epoch, ResourceId, RunId, Seq, Timestamp};

fn run(number: u32) -> RunId {
    RunId::parse(&format!("01jd{number:022}")).unwrap()
}

async fn append(store: &RunStore, head: u64, events: usize) -> Result<(), JournalError> {
    let events = vec![Event::DeadlinePassed {}; events];
    let at = Timestamp::from_millis(0);
    store.journal.append(&store.lease, Seq(head), at, events).await.map(drop)
}

#[test]
fn a_driver_waits_out_who_only_looks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    let looks = RunLock::look(&path, &run(1)).unwrap();
    let drives = std::thread::scope(|scope| {
        let drives = scope.spawn(|| RunLock::drive(&path, &run(1)).map(drop));
        std::thread::sleep(Duration::from_millis(60));
        drop(looks);
        drives.join().unwrap()
    });
    drives.unwrap();
    // And one who stays is named at last, whether he looks or drives.
    let stays = RunLock::look(&path, &run(1)).unwrap();
    assert!(matches!(RunLock::drive(&path, &run(1)), Err(StoreError::Held { .. })));
    drop(stays);
    let _drives = RunLock::drive(&path, &run(1)).unwrap();
    let held = RunLock::look(&path, &run(1)).unwrap_err();
    assert!(held.to_string().contains(&holder_name()), "{held}");
    assert!(holder_name().contains(&std::process::id().to_string()));
}

#[tokio::test]
async fn a_journal_takes_as_many_events_as_are_read_and_not_one_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = StateDir::new(folder.path()).create_run(&run(1)).unwrap();
    let last = append(&store, EVENTS_MAX - 1, 1).await.unwrap_err();
    assert!(matches!(last, JournalError::Conflict { .. }), "it would be the last: {last}");
    for (head, events) in [(EVENTS_MAX, 1), (EVENTS_MAX - 1, 2), (u64::MAX, 1)] {
        let full = append(&store, head, events).await.unwrap_err();
        assert!(matches!(full, JournalError::Full(_)), "{full}");
    }
    append(&store, 0, 1).await.unwrap();
}

#[tokio::test]
async fn each_opening_has_an_epoch_of_its_own_and_the_ones_before_are_fenced() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::new(folder.path());
    let mut epochs = Vec::new();
    let store = state.create_run(&run(1)).unwrap();
    epochs.push(store.lease.epoch());
    store.close().await.unwrap();
    for _ in 0..3 {
        let store = state.open(&run(1)).unwrap();
        epochs.push(store.lease.epoch());
        store.close().await.unwrap();
    }
    assert_eq!(epochs, [Epoch(1), Epoch(2), Epoch(3), Epoch(4)]);
}

#[tokio::test]
async fn a_run_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::new(folder.path());
    state.create_run(&run(1)).unwrap().close().await.unwrap();
    let meta = state.run_path(&run(1)).join("meta.json");
    let text = std::fs::read_to_string(&meta).unwrap();
    std::fs::write(&meta, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    for error in [state.open(&run(1)).unwrap_err(), state.read(&run(1)).unwrap_err()] {
        assert!(matches!(error, StoreError::Newer { found: 2, .. }), "{error}");
    }
    // One event of it, too.
    let event = br#"{"v":2,"seq":1,"at":"2026-01-01T00:00:00Z","epoch":1,"event":{"kind":"deadline_passed"}}"#;
    let error = schema::decode(Seq(1), event).unwrap_err();
    assert!(error.to_string().contains("format 2"), "{error}");
    let own = String::from_utf8_lossy(event).replace("\"v\":2", "\"v\":1");
    assert!(schema::decode(Seq(1), own.as_bytes()).is_ok());
}

#[test]
fn a_history_agrees_with_its_anchor_at_the_anchors_event_and_nowhere_else() {
    let genesis = schema::genesis(&run(1));
    let mut at = genesis;
    let links: Vec<ChainLink> = (0..3_u8)
        .map(|byte| {
            at = schema::chain(at, &[byte]);
            ChainLink { head: at, bytes: vec![byte] }
        })
        .collect();
    let mark = |head: Head| anchor::Mark { head, epoch: Epoch(1) };
    assert!(agrees(&run(1), &links, mark(genesis)) && agrees(&run(1), &[], mark(genesis)));
    assert!(!agrees(&run(2), &links, mark(genesis)));
    for (place, link) in links.iter().enumerate() {
        assert!(agrees(&run(1), &links, mark(link.head)));
        assert!(!agrees(&run(1), &links[..place], mark(link.head)), "its event is missing");
        let other = links[(place + 1) % 3].head.hash;
        assert!(!agrees(&run(1), &links, mark(Head { hash: other, ..link.head })));
    }
}

#[test]
fn any_change_in_a_folder_is_another_digest() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut seen = Vec::new();
    let mut look = |what: &str| {
        let digest = files::digest_tree(folder.path()).unwrap();
        assert_eq!(digest, files::digest_tree(folder.path()).unwrap());
        assert!(!seen.contains(&digest), "{what}");
        seen.push(digest);
    };
    look("empty");
    std::fs::write(at("a"), b"12").unwrap();
    look("a file");
    std::fs::write(at("a"), b"13").unwrap();
    look("another content");
    std::fs::rename(at("a"), at("b")).unwrap();
    look("another name");
    std::fs::create_dir(at("c")).unwrap();
    look("a folder");
    std::fs::write(at("c/a"), b"13").unwrap();
    look("a file in it");
}

#[test]
fn what_is_not_there_is_told_from_what_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let (file, gone) = (folder.path().join("file"), folder.path().join("gone"));
    std::fs::write(&file, b"x").unwrap();
    assert_eq!(files::read_if_there(&gone).unwrap(), None);
    assert!(files::read_if_there(folder.path()).is_err(), "a folder is no file");
    assert_eq!(files::entries(&gone).unwrap(), Vec::<std::path::PathBuf>::new());
    assert!(files::entries(&file).is_err(), "a file is no folder");
    files::remove_tree(&gone).unwrap();
    assert!(files::remove_tree(&file.join("below")).is_err());
    files::remove_durably(&gone).unwrap();
    assert!(files::remove_durably(folder.path()).is_err(), "a folder is not removed as a file");
    files::remove_durably(&file).unwrap();
    let tree = folder.path().join("tree");
    std::fs::create_dir_all(tree.join("below")).unwrap();
    files::remove_tree(&tree).unwrap();
    assert!(!file.exists() && !tree.exists());
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_what_lies_in_a_store() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("below");
    std::fs::create_dir(&below).unwrap();
    std::fs::write(below.join("file"), b"x").unwrap();
    let set = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(&below, 0o755);
    set(&below.join("file"), 0o644);
    files::restrict(folder.path()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&below), mode(&below.join("file"))), (0o700, 0o600));
    let fresh = folder.path().join("fresh");
    files::fresh_private_dir(&fresh).unwrap();
    assert_eq!(mode(&fresh), 0o700);
    assert!(files::fresh_private_dir(&fresh).is_err(), "somebody else made it");
}

#[test]
fn an_address_elsewhere_is_not_this_host() {
    for (one, other) in [
        ("http://[2001:db8::1]:8080", "http://localhost:8080"),
        ("http://[2001:db8::1]:8080", "http://[2001:db8::2]:8080"),
        ("http://[::ffff:10.0.0.1]:8080", "http://localhost:8080"),
    ] {
        assert!(!claims::same_endpoint(one, other), "{one} {other}");
    }
    assert!(claims::same_endpoint("http://[::ffff:10.0.0.1]:8080", "http://10.0.0.1:8080"));
}

#[test]
fn what_is_within_a_claim_and_what_is_around_one_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let claims = StateDir::new(folder.path()).claims();
    claims.restore(&[]).unwrap();
    let vnet = ResourceId::parse(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v",
    )
    .unwrap();
    let subnet = vnet.child("subnets", "one").unwrap();
    let take =
        |number, id: &ResourceId| claims.claim(&run(number), "drill", std::slice::from_ref(id));
    for (first, second) in [(&vnet, &subnet), (&subnet, &vnet), (&vnet, &vnet)] {
        take(1, first).unwrap();
        assert!(matches!(take(2, second), Err(ClaimError::Taken { .. })), "{first} {second}");
        claims.release(&run(1)).unwrap();
        take(2, second).unwrap();
        claims.release(&run(2)).unwrap();
    }
    take(1, &subnet).unwrap();
    take(2, &vnet.child("subnets", "two").unwrap()).unwrap();
    // What a later version wrote is neither read nor written over.
    let path = folder.path().join("claims/claims.json");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"format\": 1", "\"format\": 2");
    std::fs::write(&path, &text).unwrap();
    let later = claims.release(&run(1)).unwrap_err();
    assert!(matches!(later, ClaimError::Store(StoreError::Newer { found: 2, .. })), "{later}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_file_that_is_not_whole_is_known_by_its_name() {
    for (name, unfinished) in
        [(".claims.json.7-1.part", true), ("claims.json.part", false), (".hidden", false)]
    {
        assert_eq!(whole::is_unfinished(name), unfinished, "{name}");
    }
}
