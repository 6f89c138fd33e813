//! What is read where the store's primary region does not answer? Its secondary, which may lack the last writes.
//!
//! A geo-redundant account can be read at a second address in another region, some seconds to minutes behind.
//! Once the primary has not answered, everything is read there until the process ends, so that one look is of one
//! place. Nothing is ever written through this door.

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
    let why = "nothing is written where the secondary may be read";
    Error::Generic { store: "secondary", source: why.into() }
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
