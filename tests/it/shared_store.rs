//! Who is shut out, what is put back, and is a letter acted on once?

#![expect(clippy::unwrap_used, reason = "in a test, also in its helpers, a panic is the answer")]

use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use backroad::engine::{Clock, Event, Journal, JournalError};
use backroad::model::{ResourceId, RunId, Seq, StepName, Timestamp};
use backroad::sim::VirtualClock;
use backroad::store::claims::ClaimError;
use backroad::store::shared::{Answered, SharedClaims, SharedStore};
use backroad::store::{StateDir, StoreError};

fn run(n: u32) -> RunId {
    RunId::parse(&format!("01jd{n:022}")).unwrap()
}

fn started(n: u32) -> Event {
    Event::StepStarted { step: StepName::parse("gateway").unwrap(), attempt: n }
}

fn at(n: i64) -> Timestamp {
    Timestamp::from_millis(1_770_000_000_000 + n)
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(VirtualClock::new(at(0)))
}

fn store() -> SharedStore {
    SharedStore::new("memory", Arc::new(InMemory::new()), Path::from("team"))
}

/// A host: a state directory of its own.
struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> StateDir {
        StateDir::new(self.folder.path())
    }
}

#[tokio::test]
async fn a_host_that_takes_over_has_the_whole_history_and_the_elder_driver_appends_no_more() {
    let (store, one, two) = (store(), Host::new(), Host::new());
    let elder = store.open(&one.state(), &run(1), clock()).await.unwrap();
    assert!(elder.before.is_none());
    let (journal, lease) = (elder.store.journal, elder.store.lease);
    journal.append(&lease, Seq(0), at(1), vec![started(1), started(2)]).await.unwrap();

    let younger = store.open(&two.state(), &run(1), clock()).await.unwrap();
    assert_eq!(younger.before.map(|note| note.drives), Some(true));
    assert!(younger.store.lease.epoch() > lease.epoch());
    let events = younger.store.journal.load().await.unwrap();
    assert_eq!(events.len(), 2);

    let refused = journal.append(&lease, Seq(2), at(2), vec![started(3)]).await;
    assert!(matches!(refused, Err(JournalError::Fenced { .. })), "{refused:?}");
    let again = journal.append(&lease, Seq(2), at(2), vec![started(3)]).await;
    assert!(again.is_err(), "it stays shut out: {again:?}");

    let next = vec![started(4)];
    younger.store.journal.append(&younger.store.lease, Seq(2), at(3), next).await.unwrap();
    younger.store.journal.close().await.unwrap();
    let read = store.read(&run(1)).await.unwrap();
    assert_eq!(read.len(), 3);
    assert_eq!(two.state().read(&run(1)).unwrap(), read, "the copy is the same");
    // The elder's copy is what it had; nothing that the store does not have.
    drop(journal);
    assert_eq!(one.state().read(&run(1)).unwrap(), read[..2]);
}

#[tokio::test]
async fn reading_shuts_nobody_out() {
    let (store, host) = (store(), Host::new());
    let open = store.open(&host.state(), &run(1), clock()).await.unwrap();
    open.store.journal.append(&open.store.lease, Seq(0), at(1), vec![started(1)]).await.unwrap();
    for _ in 0..3 {
        assert_eq!(store.read(&run(1)).await.unwrap().len(), 1);
    }
    open.store.journal.append(&open.store.lease, Seq(1), at(2), vec![started(2)]).await.unwrap();
    assert_eq!(store.read(&run(1)).await.unwrap().len(), 2);
    assert!(matches!(store.read(&run(2)).await, Err(StoreError::Unknown { .. })));
}

#[tokio::test]
async fn what_only_this_host_has_after_the_store_lost_it_is_put_back() {
    let host = Host::new();
    let whole = store();
    let open = whole.open(&host.state(), &run(1), clock()).await.unwrap();
    let three = vec![started(1), started(2), started(3)];
    let given = open.store.journal.append(&open.store.lease, Seq(0), at(1), three).await.unwrap();
    open.store.journal.close().await.unwrap();
    // A secondary that never got the last writes: here, none of them.
    let secondary = SharedStore::new("memory", Arc::new(InMemory::new()), Path::default());
    let open = secondary.open(&host.state(), &run(1), clock()).await.unwrap();
    assert_eq!(open.put_back, 3);
    open.store.journal.append(&open.store.lease, Seq(3), at(2), vec![started(4)]).await.unwrap();
    let read = secondary.read(&run(1)).await.unwrap();
    assert_eq!((&read[..3], read.len()), (&given[..], 4));
}

#[tokio::test]
async fn a_log_with_a_gap_is_refused_and_once_it_is_moved_away_this_hosts_copy_is_put_back() {
    let host = Host::new();
    let objects = Arc::new(InMemory::new());
    let store = SharedStore::new("memory", Arc::clone(&objects) as _, Path::default());
    for n in 0..4 {
        let open = store.open(&host.state(), &run(1), clock()).await.unwrap();
        let events = vec![started(2 * n + 1), started(2 * n + 2)];
        let head = Seq(2 * u64::from(n));
        open.store.journal.append(&open.store.lease, head, at(1), events).await.unwrap();
        open.store.journal.close().await.unwrap();
    }
    let whole = store.read(&run(1)).await.unwrap();
    let all = async |of: &str| -> Vec<Path> {
        let listed: Vec<_> = objects.list(None).try_collect().await.unwrap();
        let mut all: Vec<Path> = listed.into_iter().map(|meta| meta.location).collect();
        all.retain(|path| path.as_ref().contains(of));
        all.sort();
        all
    };
    let log = all("/wal/").await;
    objects.delete(&log[log.len() / 2]).await.unwrap();
    for refused in [
        store.read(&run(1)).await.map(drop).unwrap_err().to_string(),
        store.open(&host.state(), &run(1), clock()).await.map(drop).unwrap_err().to_string(),
    ] {
        assert!(refused.contains("is missing, and there are later ones"), "{refused}");
    }
    for path in all("/db/").await {
        objects.delete(&path).await.unwrap();
    }
    let open = store.open(&host.state(), &run(1), clock()).await.unwrap();
    assert_eq!(open.put_back, whole.len());
    let head = Seq(whole.len() as u64);
    open.store.journal.append(&open.store.lease, head, at(2), vec![started(9)]).await.unwrap();
    open.store.journal.close().await.unwrap();
    assert_eq!(store.read(&run(1)).await.unwrap()[..whole.len()], whole);
    assert_eq!(host.state().read(&run(1)).unwrap().len(), whole.len() + 1);
}

#[tokio::test]
async fn two_histories_of_one_run_are_refused_and_both_stay_as_they_are() {
    let (store, one, two) = (store(), Host::new(), Host::new());
    for (host, n) in [(&one, 1), (&two, 2)] {
        // Each in a store of its own: the same run, begun twice.
        let apart = SharedStore::new("memory", Arc::new(InMemory::new()), Path::default());
        let apart = if n == 1 { store.clone() } else { apart };
        let open = apart.open(&host.state(), &run(1), clock()).await.unwrap();
        let events = vec![started(n)];
        open.store.journal.append(&open.store.lease, Seq(0), at(1), events).await.unwrap();
        open.store.journal.close().await.unwrap();
    }
    let refused = store.open(&two.state(), &run(1), clock()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Diverged { seq: Seq(1), .. }), "{refused}");
    assert_eq!(store.read(&run(1)).await.unwrap(), one.state().read(&run(1)).unwrap());
    assert_eq!(two.state().read(&run(1)).unwrap()[0].event, started(2));
}

#[tokio::test]
async fn a_run_of_a_shared_store_is_not_driven_without_it() {
    let (store, host) = (store(), Host::new());
    let open = store.open(&host.state(), &run(1), clock()).await.unwrap();
    let held = store.open(&host.state(), &run(1), clock()).await.unwrap_err();
    assert!(matches!(held, StoreError::Held { .. }), "a process here holds it: {held}");
    open.store.journal.append(&open.store.lease, Seq(0), at(1), vec![started(1)]).await.unwrap();
    open.store.journal.close().await.unwrap();
    let refused = host.state().open(&run(1)).unwrap_err();
    assert!(matches!(refused, StoreError::KeptElsewhere { .. }), "{refused}");
    assert!(refused.hint().contains("--store memory"));
}

#[tokio::test]
async fn runs_are_listed_newest_first_with_who_drives_them() {
    let (store, host) = (store(), Host::new());
    for n in 1..=3 {
        let open = store.open(&host.state(), &run(n), clock()).await.unwrap();
        let lease = &open.store.lease;
        open.store.journal.append(lease, Seq(0), at(1), vec![started(1)]).await.unwrap();
        if n != 3 {
            open.store.journal.close().await.unwrap();
        }
    }
    let listed = store.runs(2).await.unwrap();
    let told: Vec<(RunId, bool)> = listed.into_iter().map(|note| (note.run, note.drives)).collect();
    assert_eq!(told, [(run(3), true), (run(2), false)]);
    // One that goes on is hidden by no newer ones.
    let again = store.open(&host.state(), &run(1), clock()).await.unwrap();
    let listed = store.runs(1).await.unwrap();
    let told: Vec<(RunId, bool)> = listed.into_iter().map(|note| (note.run, note.drives)).collect();
    assert_eq!(told, [(run(3), true), (run(1), true)]);
    drop(again);
}

#[tokio::test]
async fn a_letter_is_given_out_once_and_answered() {
    let inbox = store().inbox(&run(1));
    inbox.send("a", &"first").await.unwrap();
    inbox.send("b", &"second").await.unwrap();
    assert_eq!(inbox.answered("a").await.unwrap(), None);
    let letters = inbox.take::<String>().await.unwrap();
    let said: Vec<&str> = letters.iter().map(|letter| letter.said.as_str()).collect();
    assert_eq!(said, ["first", "second"]);
    assert!(inbox.take::<String>().await.unwrap().is_empty());
    assert_eq!(inbox.answered("a").await.unwrap(), Some(Answered::Taken));
    inbox.say("a", &Answered::Done).await.unwrap();
    assert_eq!(inbox.wait("a").await.unwrap(), Some(Answered::Done));
    assert!(
        inbox.send("a", &"first again").await.is_ok(),
        "a letter that is gone may be sent again"
    );
    assert!(inbox.take::<String>().await.unwrap().is_empty(), "and is not acted on again");
    inbox.send("c", &5).await.unwrap();
    assert!(inbox.take::<String>().await.unwrap().is_empty());
    assert!(matches!(inbox.answered("c").await.unwrap(), Some(Answered::Refused(_))));
    // Of one that its sender took back nobody hears; one that was taken is not taken back.
    inbox.send("d", &"never mind").await.unwrap();
    assert!(inbox.withdraw("d").await.unwrap());
    assert!(inbox.take::<String>().await.unwrap().is_empty());
    assert_eq!(inbox.wait("d").await.unwrap(), Some(Answered::Withdrawn));
    inbox.send("e", &"too late").await.unwrap();
    assert_eq!(inbox.take::<String>().await.unwrap().len(), 1);
    assert!(!inbox.withdraw("e").await.unwrap());
    assert_eq!(inbox.answered("e").await.unwrap(), Some(Answered::Taken));
}

#[tokio::test]
async fn of_runs_on_many_hosts_one_has_a_resource() {
    let store = store();
    let circuit = ResourceId::parse(
        "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg\
         /providers/Microsoft.Network/expressRouteCircuits/er",
    )
    .unwrap();
    let all = std::slice::from_ref(&circuit);
    let claims: Vec<SharedClaims> = (0..8).map(|_| store.claims()).collect();
    let asked = claims.iter().zip(1..).map(|(claims, n)| async move {
        claims.claim(&run(n), "https://management.azure.com", all).await
    });
    let answers = futures::future::join_all(asked).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let has = answers.iter().zip(1..).find(|(answer, _)| answer.is_ok()).unwrap().1;
    for (answer, n) in answers.iter().zip(1..) {
        if n != has {
            assert!(matches!(answer, Err(ClaimError::Taken { run: by, .. }) if *by == run(has)));
        }
    }
    store.claims().release(&run(has)).await.unwrap();
    store.claims().claim(&run(20), "https://management.azure.com/", all).await.unwrap();
}
