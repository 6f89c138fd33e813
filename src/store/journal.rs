//! How does an event become durable? One thread per run that writes, flushes once and answers.
//!
//! It drains what waits, writes each append in its own transaction, flushes all of them at once,
//! writes the anchor and only then answers. After any failure whose outcome is unknown it answers
//! every caller with an error until the run is opened again: the head is never guessed.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::anchor::{Anchor, Mark};
use super::database::{Database, guard};
use super::error::StoreError;
use super::files;
use super::growing::Growing;
use super::lease::RunLock;
use super::rundir::RunDir;
use super::schema::{self, ChainLink, Head};
use crate::engine::{Event, Journal, JournalError, Lease, Recorded};
use crate::model::limits::EVENTS_MAX;
use crate::model::{Epoch, RunId, Seq, Timestamp};

/// Appends that wait for the writer; the engine has one under way at most, readers add a few.
const WAITING_MAX: usize = 64;

pub(super) const REOPEN: &str = "an earlier write failed, and whether it is durable is unknown; \
     open the run again";

/// How long a close waits for the disk, before the process goes without the mark of a clean end.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);

/// How long the end of the writer is waited for, and how often it is looked for.
const STOP_WITHIN: Duration = Duration::from_secs(30);
const STOP_LOOK: Duration = Duration::from_millis(1);

/// The journal of one run in its sled store.
#[derive(Debug)]
pub struct SledJournal {
    run: RunId,
    path: PathBuf,
    requests: Option<mpsc::Sender<WriterRequest>>,
    writer: Option<JoinHandle<()>>,
}

enum WriterRequest {
    Append(Append),
    /// Links that were made elsewhere, and are durable there.
    Copy(Vec<ChainLink>, oneshot::Sender<Result<(), JournalError>>),
    Load(oneshot::Sender<Result<Vec<ChainLink>, JournalError>>),
    Close(oneshot::Sender<Result<(), StoreError>>),
}

struct Append {
    epoch: Epoch,
    head: Seq,
    at: Timestamp,
    events: Vec<Event>,
    reply: oneshot::Sender<Result<Vec<Recorded>, JournalError>>,
}

impl SledJournal {
    /// Starts the writer of an open store.
    pub(super) fn start(
        dir: RunDir,
        lock: RunLock,
        database: Database,
        anchor: Anchor,
    ) -> Result<Self, StoreError> {
        let (requests, inbox) = mpsc::channel(WAITING_MAX);
        let run = dir.run.clone();
        let path = dir.path.clone();
        let links = guard(&path, || database.links(&dir.run))?.map_err(|e| dir.damaged(&e))?;
        let export = Growing::start(dir.clone(), &links);
        let writer = Writer { dir, database, anchor, export, broken: false, _lock: lock };
        let writer = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.serve(inbox))
            .map_err(|e| StoreError::io("start a thread for", &path, e))?;
        Ok(Self { run, path, requests: Some(requests), writer: Some(writer) })
    }

    /// Closes the store cleanly: exports the journal, marks the store as whole, lets the run go.
    ///
    /// # Errors
    /// The export or the mark could not be written. What was acknowledged is durable all the same.
    pub async fn close(mut self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let closed = match &self.requests {
            Some(requests) if requests.send(WriterRequest::Close(reply)).await.is_ok() => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a disk that hangs is waited for by the host's time, in a drill too"
                )]
                let answer = tokio::time::timeout(CLOSE_WITHIN, answer).await;
                match answer {
                    Ok(closed) => closed.unwrap_or(Ok(())),
                    Err(_) => {
                        // It was waited for already: left behind, it goes with the process.
                        drop(self.writer.take());
                        let late = std::io::ErrorKind::TimedOut.into();
                        Err(StoreError::io("close in time", &self.path, late))
                    }
                }
            }
            _ => Ok(()),
        };
        self.stop();
        closed
    }

    /// Lets the writer end. One that hangs in the disk is left behind with its lock: the process goes, and
    /// the lock with it.
    fn stop(&mut self) {
        drop(self.requests.take());
        let Some(writer) = self.writer.take() else { return };
        let tries = STOP_WITHIN.as_millis() / STOP_LOOK.as_millis();
        for _ in 0..tries {
            if writer.is_finished() {
                // It has no panic to tell of: the writer turns them into errors.
                drop(writer.join());
                return;
            }
            std::thread::sleep(STOP_LOOK);
        }
        tracing::warn!(run = %self.run, "the store does not close; what was acknowledged is durable");
    }

    /// Writes links of this run's chain that are durable elsewhere, after what is here.
    pub(super) async fn copy(&self, links: Vec<ChainLink>) -> Result<(), JournalError> {
        let (reply, answer) = oneshot::channel();
        self.ask(WriterRequest::Copy(links, reply)).await?;
        answer.await.map_err(|_| gone())?
    }

    async fn ask(&self, request: WriterRequest) -> Result<(), JournalError> {
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        requests.send(request).await.map_err(|_| gone())
    }
}

impl Drop for SledJournal {
    fn drop(&mut self) {
        self.stop();
    }
}

fn gone() -> JournalError {
    JournalError::Store("the journal is closed".to_owned())
}

#[async_trait]
impl Journal for SledJournal {
    async fn append(
        &self,
        lease: &Lease,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<Vec<Recorded>, JournalError> {
        if *lease.run() != self.run {
            return Err(JournalError::Store(format!(
                "the lease is for run {}, the journal is of run {}",
                lease.run(),
                self.run
            )));
        }
        let (reply, answer) = oneshot::channel();
        let epoch = lease.epoch();
        self.ask(WriterRequest::Append(Append { epoch, head, at, events, reply })).await?;
        answer.await.map_err(|_| gone())?
    }

    async fn load(&self) -> Result<Vec<Recorded>, JournalError> {
        let (reply, answer) = oneshot::channel();
        self.ask(WriterRequest::Load(reply)).await?;
        let links = answer.await.map_err(|_| gone())??;
        links.iter().map(|link| schema::decode(link.head.seq, &link.bytes)).collect()
    }
}

/// The thread's side: everything that touches the store while it is open.
struct Writer {
    dir: RunDir,
    database: Database,
    anchor: Anchor,
    export: Growing,
    broken: bool,
    _lock: RunLock,
}

/// An append that was written and waits for the flush.
struct Pending {
    recorded: Vec<Recorded>,
    links: Vec<ChainLink>,
    reply: oneshot::Sender<Result<Vec<Recorded>, JournalError>>,
}

impl Writer {
    fn serve(mut self, mut inbox: mpsc::Receiver<WriterRequest>) {
        let mut closing = None;
        'serve: while let Some(first) = inbox.blocking_recv() {
            let mut batch = Vec::new();
            let mut next = Some(first);
            while let Some(request) = next {
                match request {
                    WriterRequest::Append(append) => batch.push(append),
                    WriterRequest::Copy(links, reply) => {
                        self.commit(std::mem::take(&mut batch));
                        drop(reply.send(self.copy(&links)));
                    }
                    WriterRequest::Load(reply) => {
                        // What is read must be what was acknowledged.
                        self.commit(std::mem::take(&mut batch));
                        drop(reply.send(self.load()));
                    }
                    WriterRequest::Close(reply) => {
                        self.commit(std::mem::take(&mut batch));
                        closing = Some(reply);
                        break 'serve;
                    }
                }
                next = inbox.try_recv().ok();
            }
            self.commit(batch);
        }
        let closed = self.finish();
        if let Err(error) = &closed {
            tracing::warn!(%error, "the journal was not closed cleanly; nothing is lost");
        }
        if let Some(reply) = closing {
            drop(reply.send(closed));
        }
    }

    fn load(&self) -> Result<Vec<ChainLink>, JournalError> {
        if self.broken {
            return Err(JournalError::Store(REOPEN.to_owned()));
        }
        guard(&self.dir.path, || self.database.links(&self.dir.run))?
    }

    /// Writes links as they are, and makes them durable.
    fn copy(&mut self, links: &[ChainLink]) -> Result<(), JournalError> {
        let Some(first) = links.first() else { return Ok(()) };
        if self.broken {
            return Err(JournalError::Store(REOPEN.to_owned()));
        }
        let head = Seq(first.head.seq.0 - 1);
        let bytes = links.iter().map(|link| link.bytes.clone()).collect();
        let epoch = self.anchor.mark().epoch;
        let written = guard(&self.dir.path, || self.database.append(epoch, head, bytes))
            .map_err(JournalError::from)
            .flatten();
        let Ok((end, own)) = written else {
            self.broken = true;
            return written.map(drop);
        };
        if links.last().is_some_and(|last| last.head != end) {
            self.broken = true;
            let why = "it is not the same here and in the shared store".to_owned();
            return Err(JournalError::Unreadable { seq: end.seq, why });
        }
        self.make_durable(end)?;
        self.export.grow(&own);
        Ok(())
    }

    /// Writes all, flushes once, answers all.
    fn commit(&mut self, batch: Vec<Append>) {
        let mut pending = Vec::new();
        let mut head = None;
        for append in batch {
            match self.write(append.epoch, append.head, append.at, append.events) {
                Ok((new, recorded, links)) => {
                    head = Some(new);
                    pending.push(Pending { recorded, links, reply: append.reply });
                }
                // A caller that went away finds out when it loads.
                Err(error) => drop(append.reply.send(Err(error))),
            }
        }
        let Some(head) = head else { return };
        let durable = self.make_durable(head);
        if durable.is_ok() {
            for pending in &mut pending {
                self.export.grow(&std::mem::take(&mut pending.links));
            }
        }
        if durable.is_ok() && pending.iter().any(|p| ends(&p.recorded)) {
            self.export();
        }
        for Pending { recorded, reply, .. } in pending {
            drop(reply.send(durable.clone().map(|()| recorded)));
        }
    }

    fn write(
        &mut self,
        epoch: Epoch,
        head: Seq,
        at: Timestamp,
        events: Vec<Event>,
    ) -> Result<(Head, Vec<Recorded>, Vec<ChainLink>), JournalError> {
        if self.broken {
            return Err(JournalError::Store(REOPEN.to_owned()));
        }
        let count = head.0.saturating_add(events.len() as u64);
        if count > EVENTS_MAX {
            return Err(JournalError::Full(count));
        }
        let recorded = schema::record(head, epoch, at, events);
        let bytes = schema::encode_all(&recorded)?;
        let written = guard(&self.dir.path, || self.database.append(epoch, head, bytes))
            .map_err(JournalError::from)
            .flatten();
        match written {
            Ok((head, links)) => Ok((head, recorded, links)),
            Err(error) => {
                // Refused is refused; anything else may have happened or not.
                let known =
                    matches!(error, JournalError::Fenced { .. } | JournalError::Conflict { .. });
                self.broken |= !known;
                Err(error)
            }
        }
    }

    fn make_durable(&mut self, head: Head) -> Result<(), JournalError> {
        let epoch = self.anchor.mark().epoch;
        let done = if self.broken {
            Err(JournalError::Store(REOPEN.to_owned()))
        } else {
            guard(&self.dir.path, || self.database.flush())
                .flatten()
                .and_then(|()| self.anchor.set(Mark { head, epoch }))
                .map_err(JournalError::from)
        };
        self.broken |= done.is_err();
        done
    }

    /// Writes the export at a run's end. The journal is what counts, so a failure is only told.
    fn export(&mut self) {
        if self.export.holds(self.anchor.mark().head) {
            return;
        }
        let exported = self
            .load()
            .map_err(|e| e.to_string())
            .map(|links| self.export = Growing::start(self.dir.clone(), &links));
        if let Err(error) = exported {
            tracing::warn!(run = %self.dir.run, %error, "the journal could not be exported");
        }
    }

    /// Exports, lets the database go, and says that it was let go in order.
    fn finish(self) -> Result<(), StoreError> {
        if self.broken {
            // The next opening must treat the store as one that was cut.
            return Ok(());
        }
        let dir = self.dir;
        let links = guard(&dir.path, || self.database.links(&dir.run))?
            .map_err(|e| StoreError::Damaged { path: dir.path.clone(), why: e.to_string() })?;
        if !links.last().is_some_and(|last| self.export.holds(last.head)) {
            dir.export(&links)?;
        }
        guard(&dir.path, || self.database.flush())??;
        guard(&dir.path, || drop(self.database))?;
        mark_clean(&dir.path)
        // The lock goes last, with `self`.
    }
}

/// Writes the digest of the closed store: one that differs at the next opening was changed since.
fn mark_clean(dir: &Path) -> Result<(), StoreError> {
    files::restrict(&dir.join("store"))?;
    let digest = files::digest_tree(&dir.join("store"))?;
    files::write_atomically(&dir.join("clean"), digest.as_bytes())
}

fn ends(recorded: &[Recorded]) -> bool {
    recorded.iter().any(|r| matches!(r.event, Event::RunEnded { .. }))
}
