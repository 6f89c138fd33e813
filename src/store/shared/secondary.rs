//! What is read where the store's primary region does not answer? Its secondary, which may lack the last writes.
//!
//! A geo-redundant account can be read at a second address in another region, some seconds to minutes behind.
//! Once the primary has not answered, everything is read there until the process ends, so that one look is of one
//! place. Nothing is ever written by this way.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// How long the primary may take for one answer.
const PRIMARY_WITHIN: Duration = Duration::from_secs(10);

/// Objects of a primary that are read at its secondary where it does not answer.
#[derive(Debug)]
pub(super) struct SecondaryReads {
    pub(super) primary: Arc<dyn ObjectStore>,
    pub(super) secondary: Arc<dyn ObjectStore>,
    /// Whether the primary has not answered.
    pub(super) lost: Arc<AtomicBool>,
}

impl fmt::Display for SecondaryReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.primary.fmt(f)
    }
}

/// Whether an error is an answer: the primary is there, and says no.
fn is_an_answer(error: &Error) -> bool {
    matches!(
        error,
        Error::NotFound { .. }
            | Error::InvalidPath { .. }
            | Error::NotSupported { .. }
            | Error::NotImplemented { .. }
            | Error::AlreadyExists { .. }
            | Error::Precondition { .. }
            | Error::NotModified { .. }
            | Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
    )
}

fn late() -> Error {
    let seconds = PRIMARY_WITHIN.as_secs();
    Error::Generic { store: "primary", source: format!("no answer within {seconds} s").into() }
}

fn never_written() -> Error {
    // An answer, and not a failure that somebody would try again.
    let why = "nothing is written where the secondary may be read";
    Error::PermissionDenied { path: String::new(), source: why.into() }
}

/// Asks the primary, and the secondary where it does not answer.
async fn either<T>(
    lost: &AtomicBool,
    primary: impl Future<Output = Result<T>>,
    secondary: impl Future<Output = Result<T>>,
) -> Result<T> {
    let why = if lost.load(Ordering::SeqCst) {
        None
    } else {
        #[expect(clippy::disallowed_methods, reason = "a store is waited for by the host's time")]
        let asked = tokio::time::timeout(PRIMARY_WITHIN, primary).await;
        match asked.unwrap_or_else(|_| Err(late())) {
            Err(error) if !is_an_answer(&error) => Some(error),
            answered => return answered,
        }
    };
    match (secondary.await, why) {
        (Err(error), Some(why)) if !is_an_answer(&error) => Err(why),
        (answered, _) => {
            lost.store(true, Ordering::SeqCst);
            answered
        }
    }
}

impl SecondaryReads {
    /// A listing, whole: of one place from its first object to its last.
    fn listed(
        &self,
        list: impl Fn(&Arc<dyn ObjectStore>) -> BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (primary, secondary) = (list(&self.primary), list(&self.secondary));
        let lost = Arc::clone(&self.lost);
        let whole = async move {
            let (primary, secondary) =
                (primary.try_collect::<Vec<_>>(), secondary.try_collect::<Vec<_>>());
            let listed = either(&lost, primary, secondary).await;
            listed.map(|listed| futures::stream::iter(listed.into_iter().map(Ok)))
        };
        futures::stream::once(whole).try_flatten().boxed()
    }
}

#[async_trait]
impl ObjectStore for SecondaryReads {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(never_written())
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(never_written())
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let primary = self.primary.get_opts(location, options.clone());
        either(&self.lost, primary, self.secondary.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let primary = self.primary.get_ranges(location, ranges);
        either(&self.lost, primary, self.secondary.get_ranges(location, ranges)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        locations.map(|_| Err(never_written())).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(|store| store.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(|store| store.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let primary = self.primary.list_with_delimiter(prefix);
        either(&self.lost, primary, self.secondary.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(never_written())
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt as _;
    use object_store::memory::InMemory;

    use super::*;
    use crate::engine::{Clock, Event, Journal as _};
    use crate::model::{RunId, Seq, Timestamp};
    use crate::sim::VirtualClock;
    use crate::store::StateDir;
    use crate::store::shared::SharedStore;

    /// A region that answers nothing, from a moment on.
    #[derive(Debug)]
    struct LostRegion {
        before: Arc<InMemory>,
        is_lost: Arc<AtomicBool>,
    }

    impl LostRegion {
        fn answer(&self) -> Result<()> {
            match self.is_lost.load(Ordering::SeqCst) {
                true => Err(Error::Generic { store: "lost", source: "no route to host".into() }),
                false => Ok(()),
            }
        }
    }

    impl fmt::Display for LostRegion {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("lost")
        }
    }

    #[async_trait]
    impl ObjectStore for LostRegion {
        async fn put_opts(
            &self,
            location: &Path,
            payload: PutPayload,
            options: PutOptions,
        ) -> Result<PutResult> {
            self.before.put_opts(location, payload, options).await
        }

        async fn put_multipart_opts(
            &self,
            location: &Path,
            options: PutMultipartOptions,
        ) -> Result<Box<dyn MultipartUpload>> {
            self.before.put_multipart_opts(location, options).await
        }

        async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
            self.answer()?;
            self.before.get_opts(location, options).await
        }

        fn delete_stream(
            &self,
            locations: BoxStream<'static, Result<Path>>,
        ) -> BoxStream<'static, Result<Path>> {
            self.before.delete_stream(locations)
        }

        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
            match self.answer() {
                Ok(()) => self.before.list(prefix),
                Err(error) => futures::stream::iter([Err(error)]).boxed(),
            }
        }

        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
            self.answer()?;
            self.before.list_with_delimiter(prefix).await
        }

        async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
            self.before.copy_opts(from, to, options).await
        }
    }

    /// A primary with two objects, of which the secondary has one; and what loses the primary.
    async fn regions() -> (SecondaryReads, Arc<AtomicBool>, Arc<InMemory>) {
        let (before, secondary) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()));
        for name in ["runs/a", "runs/b"] {
            before.put(&Path::from(name), "primary".into()).await.unwrap();
        }
        secondary.put(&Path::from("runs/a"), "secondary".into()).await.unwrap();
        let is_lost = Arc::new(AtomicBool::new(false));
        let primary = Arc::new(LostRegion { before, is_lost: Arc::clone(&is_lost) });
        let lost = Arc::default();
        let reads = SecondaryReads { primary, secondary: Arc::clone(&secondary) as _, lost };
        (reads, is_lost, secondary)
    }

    async fn read(reads: &SecondaryReads, name: &str) -> Result<Bytes> {
        reads.get(&Path::from(name)).await?.bytes().await
    }

    async fn listed(reads: &SecondaryReads) -> usize {
        reads.list(Some(&Path::from("runs"))).try_collect::<Vec<_>>().await.unwrap().len()
    }

    #[tokio::test]
    async fn the_secondary_is_read_once_the_primary_is_lost_and_not_before() {
        let (reads, is_lost, _) = regions().await;
        assert_eq!(read(&reads, "runs/a").await.unwrap(), "primary");
        assert!(matches!(read(&reads, "runs/c").await, Err(Error::NotFound { .. })), "an answer");
        assert!(!reads.lost.load(Ordering::SeqCst));
        assert_eq!(listed(&reads).await, 2);
        is_lost.store(true, Ordering::SeqCst);
        assert_eq!(listed(&reads).await, 1);
        assert!(reads.lost.load(Ordering::SeqCst));
        assert_eq!(read(&reads, "runs/a").await.unwrap(), "secondary");
        assert!(matches!(read(&reads, "runs/b").await, Err(Error::NotFound { .. })), "behind");
        // One look is of one place, whatever comes back meanwhile.
        is_lost.store(false, Ordering::SeqCst);
        assert_eq!(read(&reads, "runs/a").await.unwrap(), "secondary");
    }

    #[tokio::test]
    async fn nothing_is_written_through_it_and_with_both_lost_the_primary_is_blamed() {
        let (mut reads, is_lost, secondary) = regions().await;
        let name = Path::from("runs/x");
        for lost in [false, true] {
            is_lost.store(lost, Ordering::SeqCst);
            assert!(reads.put(&name, "x".into()).await.is_err());
            assert!(reads.delete(&Path::from("runs/a")).await.is_err());
        }
        assert!(
            secondary.get(&name).await.is_err()
                && secondary.get(&Path::from("runs/a")).await.is_ok()
        );
        let dead = LostRegion { before: Arc::default(), is_lost: Arc::new(AtomicBool::new(true)) };
        reads.secondary = Arc::new(dead);
        let why = read(&reads, "runs/a").await.unwrap_err().to_string();
        assert!(why.contains("no route"), "{why}");
        assert!(!reads.lost.load(Ordering::SeqCst), "it was not read there either");
    }

    #[tokio::test]
    async fn a_run_is_read_at_the_secondary_as_far_as_that_has_come() {
        let (before, secondary) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()));
        let team = Path::from("team");
        let primary = SharedStore::new("team", Arc::clone(&before) as _, team.clone());
        let folder = tempfile::tempdir().unwrap();
        let run = RunId::parse("01jd0000000000000000000001").unwrap();
        let at = Timestamp::from_millis(0);
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(at));
        let opened = primary.open(&StateDir::new(folder.path()), &run, clock).await.unwrap().store;
        let append = async |seq| {
            let event = Event::DeadlinePassed {};
            opened.journal.append(&opened.lease, Seq(seq), at, vec![event]).await.unwrap();
        };
        append(0).await;
        let listed: Vec<ObjectMeta> = before.list(None).try_collect().await.unwrap();
        for meta in listed {
            let bytes = before.get(&meta.location).await.unwrap().bytes().await.unwrap();
            secondary.put(&meta.location, bytes.into()).await.unwrap();
        }
        append(1).await;
        let is_lost = Arc::new(AtomicBool::new(false));
        let region = Arc::new(LostRegion { before, is_lost: Arc::clone(&is_lost) });
        let read = SharedStore::to_read("team", (region, secondary), team);
        assert_eq!(read.read(&run).await.unwrap().len(), 2);
        assert!(!read.is_behind());
        is_lost.store(true, Ordering::SeqCst);
        assert_eq!(read.read(&run).await.unwrap().len(), 1);
        assert!(read.is_behind(), "and it is said");
    }
}
