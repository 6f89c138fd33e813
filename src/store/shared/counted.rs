//! What does a shared store cost? Requests and bytes, counted where they leave.
//!
//! Money is per request. What is counted is what we ask for; what is asked again because no answer came is not.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::store::StoreCost;

/// Objects that one request lists at most: Azure's page.
const LISTED_AT_ONCE: u64 = 5_000;

/// The counts of one store, as they grow.
#[derive(Debug, Default)]
pub(super) struct StoreCounter {
    writes: AtomicU64,
    reads: AtomicU64,
    lists: AtomicU64,
    removals: AtomicU64,
    sent: AtomicU64,
    read: AtomicU64,
}

impl StoreCounter {
    pub(super) fn cost(&self) -> StoreCost {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        StoreCost {
            writes: of(&self.writes),
            reads: of(&self.reads),
            lists: of(&self.lists),
            removals: of(&self.removals),
            bytes_sent: of(&self.sent),
            bytes_read: of(&self.read),
        }
    }

    fn wrote(&self, bytes: u64) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    fn read(&self, bytes: u64) {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Objects whose requests are counted.
#[derive(Debug)]
pub(super) struct CountedObjects {
    pub(super) inner: Arc<dyn ObjectStore>,
    pub(super) counter: Arc<StoreCounter>,
}

impl fmt::Display for CountedObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl CountedObjects {
    /// A listing counts as it is read: a page, and the next one.
    fn listed(
        &self,
        listing: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.counter.lists.fetch_add(1, Ordering::Relaxed);
        let counter = Arc::clone(&self.counter);
        let mut seen = 0_u64;
        listing
            .inspect(move |_| {
                seen += 1;
                if seen.is_multiple_of(LISTED_AT_ONCE) {
                    counter.lists.fetch_add(1, Ordering::Relaxed);
                }
            })
            .boxed()
    }
}

#[async_trait]
impl ObjectStore for CountedObjects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let bytes = payload.content_length() as u64;
        let put = self.inner.put_opts(location, payload, options).await;
        // What a folder cannot keep (attributes) is refused before it is tried, and asked again without.
        if !matches!(put, Err(Error::NotImplemented { .. })) {
            self.counter.wrote(bytes);
        }
        put
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        // Its parts are not counted: nothing of a run is so large.
        self.counter.wrote(0);
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let head = options.head;
        let got = self.inner.get_opts(location, options).await;
        let bytes = got.as_ref().map_or(0, |got| got.range.end - got.range.start);
        self.counter.read(if head { 0 } else { bytes });
        got
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.counter.read(ranges.iter().map(|range| range.end - range.start).sum());
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let counter = Arc::clone(&self.counter);
        let counted = locations.inspect(move |_| {
            counter.removals.fetch_add(1, Ordering::Relaxed);
        });
        self.inner.delete_stream(counted.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.counter.lists.fetch_add(1, Ordering::Relaxed);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.counter.wrote(0);
        self.inner.copy_opts(from, to, options).await
    }
}
