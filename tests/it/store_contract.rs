//! Are memory, the database and a shared store the same journal? One suite for all of them.

#![expect(clippy::unwrap_used, reason = "in a test, also in its helpers, a panic is the answer")]

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use backroad::engine::{Actor, Event, Journal, JournalError, Lease, Recorded};
use backroad::model::{Disposition, RunId, RunOutcome, Seq, StepError, StepName, Timestamp};
use backroad::store::shared::SharedJournal;
use backroad::store::{FailAt, MemoryJournal, StateDir};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::prefix::PrefixStore;

use crate::support::file;
use crate::support::process::{Process, until};

pub(crate) fn run_id(n: u32) -> RunId {
    RunId::parse(&format!("01jd{n:022}")).unwrap()
}

pub(crate) fn started(n: u32) -> Event {
    Event::StepStarted { step: StepName::parse("gateway").unwrap(), attempt: n }
}

pub(crate) fn at(n: i64) -> Timestamp {
    Timestamp::from_millis(1_770_000_000_000 + n)
}

/// A journal that can be closed and opened again.
trait Shelf: Send + Sync {
    fn open(&self) -> (Arc<dyn Journal>, Lease);
}

struct OnDisk {
    folder: tempfile::TempDir,
}

impl Shelf for OnDisk {
    fn open(&self) -> (Arc<dyn Journal>, Lease) {
        let state = StateDir::new(self.folder.path());
        let run = run_id(1);
        let store = if state.run_path(&run).join("meta.json").exists() {
            state.open(&run).unwrap()
        } else {
            state.create_run(&run).unwrap()
        };
        (Arc::new(store.journal), store.lease)
    }
}

struct InMemory(MemoryJournal);

impl Shelf for InMemory {
    fn open(&self) -> (Arc<dyn Journal>, Lease) {
        (Arc::new(self.0.clone()), self.0.acquire())
    }
}

/// In a shared store: in the memory of this process, or in a folder.
struct InObjects {
    objects: Arc<dyn object_store::ObjectStore>,
    /// Goes with it.
    _folder: Option<tempfile::TempDir>,
}

impl Shelf for InObjects {
    fn open(&self) -> (Arc<dyn Journal>, Lease) {
        let (objects, run) = (Arc::clone(&self.objects), run_id(1));
        let path = object_store::path::Path::from("runs/1/db");
        let opening = async move { SharedJournal::open(objects, path, &run).await.unwrap() };
        let opened =
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(opening));
        let lease = opened.lease();
        (Arc::new(opened), lease)
    }
}

fn in_a_folder() -> InObjects {
    let folder = tempfile::tempdir().unwrap();
    let objects = object_store::local::LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    InObjects { objects: Arc::new(objects), _folder: Some(folder) }
}

/// Every published emulator has this account and key; they open nothing else.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const CONTAINER: &str = "contract";

/// An emulator of Blob Storage that ends with its test.
struct Azurite {
    _process: Process,
    _folder: tempfile::TempDir,
    endpoint: String,
    shelves: std::cell::Cell<u32>,
}

impl Azurite {
    /// Started; the reason where it cannot be.
    fn start() -> Result<Self, String> {
        let target = file("target/takeover-tools");
        let main = target.join("node_modules/.bin/azurite-blob");
        if !main.exists() {
            let mut npm = Command::new("npm");
            npm.args([
                "install",
                "--no-audit",
                "--no-fund",
                "--silent",
                "azurite@3.35.0",
                "--prefix",
            ]);
            let done = npm.arg(&target).stdin(Stdio::null()).output();
            if !done.is_ok_and(|done| done.status.success() && main.exists()) {
                return Err("npm does not bring Azurite".to_owned());
            }
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(&main);
        command.args(["--silent", "--skipApiVersionCheck", "--blobPort", &port.to_string()]);
        command.arg("--location").arg(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::of(command);
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).ok();
        until(Duration::from_secs(60), listens).ok_or("Azurite does not listen")?;
        let endpoint = format!("http://127.0.0.1:{port}/{ACCOUNT}");
        let mut making = Command::new("node");
        making.arg(file("tests/fixtures/container.mjs")).args([&endpoint, ACCOUNT, KEY, CONTAINER]);
        let made = making.output().map_err(|error| error.to_string())?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into_owned());
        }
        Ok(Self { _process: process, _folder: folder, endpoint, shelves: std::cell::Cell::new(0) })
    }

    /// A shelf of its own in it.
    fn shelf(&self) -> InObjects {
        self.shelves.set(self.shelves.get() + 1);
        let client = MicrosoftAzureBuilder::new()
            .with_account(ACCOUNT)
            .with_container_name(CONTAINER)
            .with_access_key(KEY)
            .with_endpoint(self.endpoint.clone())
            .with_allow_http(true);
        let prefix = format!("shelf-{}", self.shelves.get());
        let objects = PrefixStore::new(client.build().unwrap(), prefix);
        InObjects { objects: Arc::new(objects), _folder: None }
    }
}

/// The contract, each part of it over a shelf of its own, but for a journal that is full.
async fn holds_but_for_its_length(shelf: impl Fn() -> InObjects) {
    events_come_back_in_order_and_as_they_were_given_in(&shelf()).await;
    events_whose_fields_are_named_like_the_journals_own_survive_in(&shelf()).await;
    an_append_elsewhere_than_at_the_end_changes_nothing_in(&shelf()).await;
    an_elder_lease_is_refused_in(&shelf()).await;
    of_many_appends_at_one_place_exactly_one_is_taken_in(&shelf()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds_over_an_emulator_of_blob_storage() {
    let azurite = match Azurite::start() {
        Ok(azurite) => azurite,
        Err(why) => {
            // Past the capture of the test harness: a skipped test is seen.
            let said = format!("SKIPPED: the contract over Azurite: {why}.\n");
            return drop(std::io::stderr().write_all(said.as_bytes()));
        }
    };
    holds_but_for_its_length(|| azurite.shelf()).await;
    a_journal_with_more_events_than_a_run_may_have_is_full_in(&azurite.shelf()).await;
    assert_eq!(azurite.shelves.get(), 6, "the whole contract");
}

/// A bucket of an emulator of Amazon S3, where one was brought; it ends with its test.
struct Bucket {
    _process: Process,
    endpoint: String,
    shelves: std::cell::Cell<u32>,
}

impl Bucket {
    fn start() -> Result<Self, String> {
        let main = file("target/moto/bin/moto_server");
        if !main.exists() {
            return Err("python3 -m venv target/moto && target/moto/bin/pip install 'moto[server,s3]' brings one".to_owned());
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(&main);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::of(command);
        let connect = || std::net::TcpStream::connect(("127.0.0.1", port)).ok();
        let mut making = until(Duration::from_secs(60), connect).ok_or("it does not listen")?;
        let request = format!(
            "PUT /contract HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        making.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut making, &mut answer).map_err(|e| e.to_string())?;
        if !answer.contains(" 200 ") {
            return Err(answer);
        }
        let endpoint = format!("http://127.0.0.1:{port}");
        Ok(Self { _process: process, endpoint, shelves: std::cell::Cell::new(0) })
    }

    fn shelf(&self) -> InObjects {
        self.shelves.set(self.shelves.get() + 1);
        let client = object_store::aws::AmazonS3Builder::new()
            .with_bucket_name("contract")
            .with_region("us-east-1")
            .with_access_key_id("nobody")
            .with_secret_access_key("nothing")
            .with_endpoint(self.endpoint.clone())
            .with_allow_http(true);
        let prefix = format!("shelf-{}", self.shelves.get());
        let objects = PrefixStore::new(client.build().unwrap(), prefix);
        InObjects { objects: Arc::new(objects), _folder: None }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds_over_an_emulator_of_s3() {
    let bucket = match Bucket::start() {
        Ok(bucket) => bucket,
        Err(why) => {
            let said = format!("SKIPPED: the contract over an emulator of S3: {why}.\n");
            return drop(std::io::stderr().write_all(said.as_bytes()));
        }
    };
    holds_but_for_its_length(|| bucket.shelf()).await;
    // What the fence hangs on: the elder's own next append finds its place taken.
    let shelf = bucket.shelf();
    let (elder, lease) = shelf.open();
    let (younger, its) = shelf.open();
    younger.append(&its, Seq(0), at(0), vec![started(1)]).await.unwrap();
    let refused = elder.append(&lease, Seq(0), at(0), vec![started(2)]).await;
    assert!(matches!(refused, Err(JournalError::Fenced { .. })), "{refused:?}");
    assert_eq!(younger.load().await.unwrap().len(), 1);
}

fn all() -> Vec<Box<dyn Shelf>> {
    vec![
        Box::new(InObjects {
            objects: Arc::new(object_store::memory::InMemory::new()),
            _folder: None,
        }),
        Box::new(in_a_folder()),
        Box::new(InMemory(MemoryJournal::new(run_id(1)))),
        Box::new(OnDisk { folder: tempfile::tempdir().unwrap() }),
    ]
}

async fn events_come_back_in_order_and_as_they_were_given_in(shelf: &dyn Shelf) {
    let (journal, lease) = shelf.open();
    assert_eq!(journal.load().await.unwrap(), Vec::<Recorded>::new());
    let first = journal.append(&lease, Seq(0), at(1), vec![started(1), started(2)]).await.unwrap();
    let second = journal.append(&lease, Seq(2), at(2), vec![started(3)]).await.unwrap();
    let all: Vec<Recorded> = first.into_iter().chain(second).collect();
    assert_eq!(all.iter().map(|r| r.seq.0).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(all.iter().all(|r| r.epoch == lease.epoch()));
    assert_eq!((all[0].at, all[2].at), (at(1), at(2)));
    assert_eq!(journal.load().await.unwrap(), all);
    drop(journal);
    let (journal, later) = shelf.open();
    assert!(later.epoch() > lease.epoch());
    assert_eq!(journal.load().await.unwrap(), all, "after opening again");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_back_in_order_and_as_they_were_given() {
    for shelf in all() {
        events_come_back_in_order_and_as_they_were_given_in(shelf.as_ref()).await;
    }
}

async fn events_whose_fields_are_named_like_the_journals_own_survive_in(shelf: &dyn Shelf) {
    let error = StepError {
        code: "AnotherOperationInProgress".to_owned(),
        message: "Another operation — 另一個 — is in progress.".to_owned(),
        causes: vec!["\u{0}\n\"".to_owned()],
        missing: Some("/subscriptions/s/resourceGroups/g/providers/a.b/c/d".parse().unwrap()),
        disposition: Disposition::Transient { after: None },
    };
    let events = vec![
        Event::RetryScheduled {
            step: StepName::parse("gateway").unwrap(),
            error,
            not_before: at(5_000),
        },
        Event::Approved {
            choice: None,
            step: StepName::parse("go").unwrap(),
            by: Actor::Person("Mei".into()),
            reason: None,
        },
        Event::DeadlinePassed {},
        Event::RunEnded { outcome: RunOutcome::Succeeded },
    ];
    let (journal, lease) = shelf.open();
    let given = journal.append(&lease, Seq(0), at(0), events.clone()).await.unwrap();
    drop(journal);
    let (journal, _lease) = shelf.open();
    assert_eq!(journal.load().await.unwrap(), given);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_whose_fields_are_named_like_the_journals_own_survive() {
    for shelf in all() {
        events_whose_fields_are_named_like_the_journals_own_survive_in(shelf.as_ref()).await;
    }
}

async fn an_append_elsewhere_than_at_the_end_changes_nothing_in(shelf: &dyn Shelf) {
    let (journal, lease) = shelf.open();
    journal.append(&lease, Seq(0), at(0), vec![started(1)]).await.unwrap();
    for wrong in [Seq(0), Seq(2)] {
        let refused = journal.append(&lease, wrong, at(0), vec![started(2), started(3)]).await;
        let expected = JournalError::Conflict { expected: wrong, actual: Seq(1) };
        assert_eq!(refused, Err(expected));
    }
    assert_eq!(journal.load().await.unwrap().len(), 1);
    let next = journal.append(&lease, Seq(1), at(0), vec![started(2)]).await;
    assert!(next.is_ok(), "a refusal does not break the journal");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_elsewhere_than_at_the_end_changes_nothing() {
    for shelf in all() {
        an_append_elsewhere_than_at_the_end_changes_nothing_in(shelf.as_ref()).await;
    }
}

async fn an_elder_lease_is_refused_in(shelf: &dyn Shelf) {
    let (journal, elder) = shelf.open();
    drop(journal);
    let (journal, lease) = shelf.open();
    let refused = journal.append(&elder, Seq(0), at(0), vec![started(1)]).await;
    let expected = JournalError::Fenced { ours: elder.epoch(), current: lease.epoch() };
    assert_eq!(refused, Err(expected));
    assert!(journal.load().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_elder_lease_is_refused() {
    for shelf in all() {
        an_elder_lease_is_refused_in(shelf.as_ref()).await;
    }
}

async fn of_many_appends_at_one_place_exactly_one_is_taken_in(shelf: &dyn Shelf) {
    let (journal, lease) = shelf.open();
    let appends = (0..32).map(|n| journal.append(&lease, Seq(0), at(0), vec![started(n)]));
    let answers = futures::future::join_all(appends).await;
    assert_eq!(answers.iter().filter(|a| a.is_ok()).count(), 1);
    assert!(
        answers
            .iter()
            .all(|a| matches!(a, Ok(_) | Err(JournalError::Conflict { actual: Seq(1), .. })))
    );
    assert_eq!(journal.load().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_appends_at_one_place_exactly_one_is_taken() {
    for shelf in all() {
        of_many_appends_at_one_place_exactly_one_is_taken_in(shelf.as_ref()).await;
    }
}

async fn a_journal_with_more_events_than_a_run_may_have_is_full_in(shelf: &dyn Shelf) {
    let too_many = usize::try_from(backroad::model::limits::EVENTS_MAX).unwrap() + 1;
    let (journal, lease) = shelf.open();
    let events = vec![Event::DeadlinePassed {}; too_many];
    let refused = journal.append(&lease, Seq(0), at(0), events).await;
    assert_eq!(refused, Err(JournalError::Full(too_many as u64)));
    assert!(journal.load().await.unwrap().is_empty(), "all or none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_with_more_events_than_a_run_may_have_is_full() {
    for shelf in all() {
        a_journal_with_more_events_than_a_run_may_have_is_full_in(shelf.as_ref()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_appends_across_runs_all_become_durable() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDir::new(folder.path());
    let runs: Vec<_> = (0..8).map(|n| state.create_run(&run_id(n)).unwrap()).collect();
    let appends = runs.iter().map(|store| async {
        for n in 0..8 {
            store.journal.append(&store.lease, Seq(n), at(0), vec![started(1)]).await.unwrap();
        }
    });
    futures::future::join_all(appends).await;
    for store in runs {
        assert_eq!(store.journal.load().await.unwrap().len(), 8);
        store.close().await.unwrap();
    }
    assert!(state.list().unwrap().iter().all(|run| run.head == Seq(8) && run.exported));
}

#[tokio::test]
async fn a_failed_append_makes_the_journal_unusable_until_it_is_opened_again() {
    for (place, kept) in [(FailAt::Before, 1), (FailAt::After, 2)] {
        let journal = MemoryJournal::new(run_id(1));
        let lease = journal.acquire();
        journal.fail_at(2, place);
        journal.append(&lease, Seq(0), at(0), vec![started(1)]).await.unwrap();
        for _ in 0..2 {
            let failed = journal.append(&lease, Seq(1), at(0), vec![started(2)]).await;
            assert!(matches!(failed, Err(JournalError::Store(_))));
        }
        assert!(journal.load().await.is_err());
        let _lease = journal.acquire();
        assert_eq!(journal.load().await.unwrap().len(), kept);
    }
}
