//! Was this very body answered before? What was worked out of it then holds still.
//!
//! Who waits reads the same resource again and again, and nearly always it is what it was, to the byte. Such a
//! body is compared with the one that came before, and not gone through, read and judged once more. What is kept
//! is tied to all that it follows from: the bytes, the values that are known to be secret, and the action.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::Value;

use crate::model::{Action, Assessment, ResourceId};

/// Longest body that is kept; those of the resources that steps wait for are a few thousand bytes long.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Paths of which a body is kept, and resources of which a judgement is; all go when there are more.
const KEPT_MAX: usize = 256;

/// The last body of each path.
#[derive(Debug, Default)]
pub(super) struct KnownBodies(Mutex<BTreeMap<String, KnownBody>>);

/// A body as it came, and what was made of it.
struct KnownBody {
    raw: Bytes,
    /// Which values were known when it was gone through (`outward::known_revision`).
    known: u64,
    clean: Bytes,
    read: Option<Arc<Value>>,
}

impl std::fmt::Debug for KnownBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It may hold a key.
        f.debug_struct("KnownBody").field("bytes", &self.raw.len()).finish_non_exhaustive()
    }
}

impl KnownBodies {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, KnownBody>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body as the rest of us may see it, where it came before and no value has become known since.
    pub(super) fn clean(&self, path: &str, raw: &Bytes, known: u64) -> Option<Bytes> {
        let all = self.lock();
        let own = all.get(path).filter(|own| own.known == known && own.raw == *raw)?;
        Some(own.clean.clone())
    }

    /// Keeps a body that was gone through.
    pub(super) fn keep(&self, path: &str, raw: Bytes, known: u64, clean: &Bytes) {
        if raw.is_empty() || raw.len() > BODY_BYTES_MAX {
            return;
        }
        let own = KnownBody { raw, known, clean: clean.clone(), read: None };
        insert(&mut self.lock(), path.to_owned(), own);
    }

    /// What a body says, as `read` finds it; found once for the same body of a path.
    pub(super) fn read<E>(
        &self,
        path: &str,
        clean: &Bytes,
        read: impl FnOnce() -> Result<Option<Value>, E>,
    ) -> Result<Option<Arc<Value>>, E> {
        let is_it = |own: &&KnownBody| own.clean == *clean;
        let before = self.lock().get(path).filter(is_it).and_then(|own| own.read.clone());
        if before.is_some() {
            return Ok(before);
        }
        let found = read()?.map(Arc::new);
        if let Some(own) = self.lock().get_mut(path).filter(|own| own.clean == *clean) {
            own.read.clone_from(&found);
        }
        Ok(found)
    }
}

fn insert<K: Ord, V>(all: &mut BTreeMap<K, V>, key: K, own: V) {
    if all.len() >= KEPT_MAX && !all.contains_key(&key) {
        all.clear();
    }
    all.insert(key, own);
}

/// The last judgement of each resource.
#[derive(Debug, Default)]
pub(super) struct Judgements(Mutex<BTreeMap<ResourceId, Judgement>>);

/// What an action and a body have come to. It follows from them alone.
#[derive(Debug)]
struct Judgement {
    action: Action,
    body: Arc<Value>,
    came_to: Assessment,
}

impl Judgements {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ResourceId, Judgement>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What these came to before, where they are the last of this resource.
    pub(super) fn of(
        &self,
        resource: &ResourceId,
        action: &Action,
        body: &Arc<Value>,
    ) -> Option<Assessment> {
        let all = self.lock();
        let own = all.get(resource)?;
        let same = Arc::ptr_eq(&own.body, body) && own.action == *action;
        same.then(|| own.came_to.clone())
    }

    /// Keeps what these have come to.
    pub(super) fn keep(
        &self,
        resource: &ResourceId,
        action: &Action,
        body: &Arc<Value>,
        came_to: &Assessment,
    ) {
        let (action, body, came_to) = (action.clone(), Arc::clone(body), came_to.clone());
        insert(&mut self.lock(), resource.clone(), Judgement { action, body, came_to });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_is_known_as_long_as_it_and_what_is_secret_are_the_same() {
        let bodies = KnownBodies::default();
        let (raw, clean) = (Bytes::from_static(b"{\"a\":1}"), Bytes::from_static(b"{\"a\":2}"));
        bodies.keep("/x", raw.clone(), 7, &clean);
        assert_eq!(bodies.clean("/x", &raw, 7), Some(clean.clone()));
        assert_eq!(bodies.clean("/x", &raw, 8), None, "a value has become known");
        assert_eq!(bodies.clean("/x", &clean, 7), None, "another body");
        assert_eq!(bodies.clean("/y", &raw, 7), None, "another path");
        let read = || Ok::<_, ()>(Some(json!({ "a": 2 })));
        let first = bodies.read("/x", &clean, read).unwrap().unwrap();
        let again = bodies.read("/x", &clean, || Err(())).unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &again), "read once");
        let other = bodies.read("/x", &raw, || Ok::<_, ()>(Some(json!({ "a": 1 }))));
        assert_eq!(*other.unwrap().unwrap(), json!({ "a": 1 }), "what is not kept is read");
    }

    #[test]
    fn no_more_is_kept_than_fits() {
        let bodies = KnownBodies::default();
        let body = Bytes::from_static(b"{}");
        for number in 0..3 * KEPT_MAX {
            bodies.keep(&format!("/{number}"), body.clone(), 0, &body);
            assert!(bodies.lock().len() <= KEPT_MAX);
        }
        bodies.keep("/long", vec![b' '; BODY_BYTES_MAX + 1].into(), 0, &body);
        assert!(!bodies.lock().contains_key("/long"));
    }
}
