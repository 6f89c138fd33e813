//! What do the bytes mean? The stored form of events, their hash chain, and what lies together.
//!
//! Events are bytes under a big-endian place, with the hash of those bytes and of the hash before
//! (D7) in front of them: a later version verifies what an earlier one wrote without reading it.

use serde::{Deserialize, Serialize};

use crate::engine::{Event, JournalError, Recorded};
use crate::model::{Epoch, RunId, Seq, Timestamp};

/// The format of everything below a run's directory but of the database, which has its own. Refuse larger
/// ones; read smaller ones.
pub(super) const FORMAT: u32 = 1;

/// A link of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash(pub(super) [u8; 32]);

impl Hash {
    pub(super) fn hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|h| Self(*h.as_bytes()))
    }
}

/// The end of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: Seq,
    pub(super) hash: Hash,
}

/// Where the chain of a run begins: no journal can be taken for another run's.
pub(super) fn genesis(run: &RunId) -> Head {
    let mut hasher = blake3::Hasher::new_derive_key("backroad journal genesis v1");
    hasher.update(run.as_str().as_bytes());
    Head { seq: Seq(0), hash: Hash(*hasher.finalize().as_bytes()) }
}

/// The head after one more event.
pub(super) fn chain(prev: Head, bytes: &[u8]) -> Head {
    let mut hasher = blake3::Hasher::new_derive_key("backroad journal event v1");
    hasher.update(&prev.hash.0);
    hasher.update(bytes);
    Head { seq: prev.seq.next(), hash: Hash(*hasher.finalize().as_bytes()) }
}

/// Gives events their places.
pub(super) fn record(head: Seq, epoch: Epoch, at: Timestamp, events: Vec<Event>) -> Vec<Recorded> {
    let mut seq = head;
    let place = |event| {
        seq = seq.next();
        Recorded { seq, at, epoch, event }
    };
    events.into_iter().map(place).collect()
}

/// The stored form. The event has a field of its own, so that none of its names can meet ours.
#[derive(Serialize)]
struct StoredOut<'a> {
    v: u32,
    seq: Seq,
    at: Timestamp,
    epoch: Epoch,
    event: &'a Event,
}

#[derive(Deserialize)]
struct StoredIn {
    v: u32,
    seq: Seq,
    at: Timestamp,
    epoch: Epoch,
    event: Event,
}

/// An event's stored bytes.
pub(super) fn encode(recorded: &Recorded) -> Result<Vec<u8>, JournalError> {
    let stored = StoredOut {
        v: FORMAT,
        seq: recorded.seq,
        at: recorded.at,
        epoch: recorded.epoch,
        event: &recorded.event,
    };
    serde_json::to_vec(&stored).map_err(|e| JournalError::Store(e.to_string()))
}

/// Events as bytes, each of which was read back: what the writer writes the reader reads. An event that
/// could not be read would leave a run that nobody can look at, drive on or take back.
pub(super) fn encode_all(recorded: &[Recorded]) -> Result<Vec<Vec<u8>>, JournalError> {
    let one = |event: &Recorded| {
        let bytes = encode(event)?;
        let read = decode(event.seq, &bytes)?;
        if std::mem::discriminant(&read.event) == std::mem::discriminant(&event.event) {
            return Ok(bytes);
        }
        let why = format!("{} is read back as {}", event.event.kind(), read.event.kind());
        Err(JournalError::Unreadable { seq: event.seq, why })
    };
    recorded.iter().map(one).collect()
}

/// An event from its stored bytes.
pub(super) fn decode(seq: Seq, bytes: &[u8]) -> Result<Recorded, JournalError> {
    let unreadable = |why: String| JournalError::Unreadable { seq, why };
    let stored: StoredIn = serde_json::from_slice(bytes).map_err(|e| unreadable(e.to_string()))?;
    if stored.v > FORMAT {
        return Err(unreadable(format!("it has format {}", stored.v)));
    }
    if stored.seq != seq {
        return Err(unreadable(format!("it says that it is event {}", stored.seq)));
    }
    Ok(Recorded { seq, at: stored.at, epoch: stored.epoch, event: stored.event })
}

/// One event as it lies in the store: the head it makes, and its bytes.
#[derive(Debug, Clone)]
pub(super) struct ChainLink {
    pub(super) head: Head,
    pub(super) bytes: Vec<u8>,
}

/// Links that lie together under one key: each its hash, its length, its bytes.
pub(super) fn pack(links: &[ChainLink]) -> Vec<u8> {
    let length = links.iter().map(packed_length).sum();
    let mut packed = Vec::with_capacity(length);
    for ChainLink { head, bytes } in links {
        packed.extend_from_slice(&head.hash.0);
        // An event is megabytes at most.
        packed.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        packed.extend_from_slice(bytes);
    }
    packed
}

fn packed_length(link: &ChainLink) -> usize {
    link.head.hash.0.len() + size_of::<u32>() + link.bytes.len()
}

/// What was packed, with the first of it at `first`; none where it is no such thing. Hashes are as they
/// lie there: whoever reads follows the chain.
pub(super) fn unpack(first: Seq, mut packed: &[u8]) -> Option<Vec<ChainLink>> {
    let mut links = Vec::new();
    let mut seq = first;
    while !packed.is_empty() {
        let (hash, rest) = packed.split_first_chunk::<32>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (bytes, rest) = rest.split_at_checked(length)?;
        links.push(ChainLink { head: Head { seq, hash: Hash(*hash) }, bytes: bytes.to_vec() });
        (seq, packed) = (seq.next(), rest);
    }
    (!links.is_empty()).then_some(links)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_depends_on_the_run_the_order_and_every_byte() {
        let run = |n: u32| RunId::parse(&format!("01jd{n:022}")).unwrap();
        let two = |run: &RunId, a: &[u8], b: &[u8]| chain(chain(genesis(run), a), b).hash;
        let base = two(&run(1), b"a", b"b");
        assert_ne!(base, two(&run(2), b"a", b"b"));
        assert_ne!(base, two(&run(1), b"b", b"a"));
        assert_ne!(base, two(&run(1), b"a", b"c"));
        assert_eq!(base, two(&run(1), b"a", b"b"));
    }

    #[test]
    fn an_event_of_a_later_version_is_not_guessed_at() {
        let bytes = br#"{"v":1,"seq":1,"at":"2026-01-01T00:00:00Z","epoch":1,"event":{"kind":"quantum_leap"}}"#;
        assert!(matches!(decode(Seq(1), bytes), Err(JournalError::Unreadable { seq: Seq(1), .. })));
    }

    #[test]
    fn what_lies_together_is_taken_apart_as_it_was_and_nothing_else_is() {
        let run = RunId::parse("01jd0000000000000000000001").unwrap();
        let mut at = genesis(&run);
        let links: Vec<ChainLink> = [b"one".to_vec(), Vec::new(), vec![7; 70_000]]
            .into_iter()
            .map(|bytes| {
                at = chain(at, &bytes);
                ChainLink { head: at, bytes }
            })
            .collect();
        let packed = pack(&links);
        assert_eq!(packed.len(), links.iter().map(packed_length).sum::<usize>());
        let again = unpack(Seq(1), &packed).unwrap();
        let same = |(a, b): (&ChainLink, &ChainLink)| a.head == b.head && a.bytes == b.bytes;
        assert!(again.len() == links.len() && again.iter().zip(&links).all(same));
        // Cut anywhere but between two, it is no such thing.
        let ends: Vec<usize> = links
            .iter()
            .scan(0, |end, link| {
                *end += packed_length(link);
                Some(*end)
            })
            .collect();
        for cut in 0..200.min(packed.len()) {
            assert_eq!(unpack(Seq(1), &packed[..cut]).is_some(), ends.contains(&cut), "{cut}");
        }
    }
}
