//! Is this history whole? The journal as a file, and the checks that need no database.
//!
//! One line per event: `{"seq":1,"prev":"…","hash":"…","event":…}`, where the event's bytes are the
//! stored ones, so that anybody with BLAKE3 can check the chain.

use std::path::Path;

use super::anchor::{self, Mark};
use super::error::StoreError;
use super::regular;
use super::schema::{self, ChainLink, Hash, Head};
use crate::engine::{Event, Recorded};
use crate::model::limits::EVIDENCE_BYTES_MAX;
use crate::model::{RunId, Seq};

/// What a check of a history found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// The run, when the history says it.
    pub run: Option<RunId>,
    /// How many events are whole, from the first on.
    pub events: u64,
    /// The hash of the last whole one, in hexadecimal.
    pub hash: Option<String>,
    /// The last event that was acknowledged, when its anchor is at hand.
    pub anchored: Option<Seq>,
    /// The first event that is not as it was written, or is missing.
    pub first_bad: Option<BadEvent>,
    /// Whether the last whole event ends the run: if not, a file may lack its tail.
    pub ended: bool,
    /// The hash of each whole event, in hexadecimal.
    hashes: Vec<String>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.first_bad.is_none()
    }

    /// The same report, where the hash of the last event was told: a history that is whole and ends
    /// otherwise is not the one that was spoken of.
    #[must_use]
    pub fn against(mut self, told: &str) -> Self {
        if self.is_whole()
            && let Err(why) = ends_with(&self.hashes, told)
        {
            self.first_bad = Some(BadEvent { seq: Seq(self.events.max(1)), why });
        }
        self
    }
}

/// An event that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEvent {
    /// Its place.
    pub seq: Seq,
    /// What does not fit.
    pub why: String,
}

/// A file that was read as far as it is whole.
pub(super) struct Parsed {
    pub(super) links: Result<Vec<ChainLink>, (Seq, String, Vec<ChainLink>)>,
    /// The hash that the first event builds on.
    first_prev: Option<Hash>,
}

/// Checks an exported journal, wherever it lies. When it lies in its run's directory, its anchor is
/// asked too.
///
/// # Errors
/// The file cannot be read. That it is not whole is told in the report.
pub fn verify_file(path: &Path) -> Result<VerifyReport, StoreError> {
    let bytes =
        regular::read(path, EVIDENCE_BYTES_MAX).map_err(|e| StoreError::io("read", path, e))?;
    let parsed = parse(&bytes);
    let (links, mut bad) = match parsed.links {
        Ok(links) => (links, None),
        Err((seq, why, whole)) => (whole, Some((seq, why))),
    };
    let run = links.first().and_then(|link| {
        match schema::decode(link.head.seq, &link.bytes).ok()?.event {
            Event::RunOpened { run, .. } => Some(run),
            _ => None,
        }
    });
    // Whose it is, it says with its first event; in its run's folder that is known all the same.
    let of_folder = || {
        let folder = path.parent()?.file_name()?.to_str()?;
        RunId::parse(folder).ok().filter(|run| parsed.first_prev == Some(schema::genesis(run).hash))
    };
    let run = run.or_else(of_folder);
    if let Some(run) = &run
        && parsed.first_prev != Some(schema::genesis(run).hash)
    {
        bad = Some((Seq(1), format!("it is not the beginning of run {run}")));
    }
    if run.is_none() && bad.is_none() {
        // A chain that begins nowhere can be made by anybody.
        let why = if bytes.is_empty() { "there is none" } else { "it does not open a run" };
        bad = Some((Seq(1), why.to_owned()));
    }
    let beside = path
        .parent()
        .zip(run.as_ref())
        .and_then(|(folder, run)| anchor::look(&folder.join("anchor"), run).ok());
    let read = match bad {
        None => Ok(links),
        Some((seq, why)) => return Ok(found(run, &links, beside, Some(BadEvent { seq, why }))),
    };
    Ok(match run {
        Some(run) => report(&run, read, beside),
        None => found(None, &read.unwrap_or_default(), beside, None),
    })
}

/// The report on a run's history.
pub(super) fn report(
    run: &RunId,
    read: Result<Vec<ChainLink>, (Seq, String)>,
    mark: Option<Mark>,
) -> VerifyReport {
    let (links, mut bad) = match read {
        Ok(links) => (links, None),
        Err((seq, why)) => (Vec::new(), Some(BadEvent { seq, why })),
    };
    if bad.is_none()
        && let Some(unreadable) =
            links.iter().find_map(|link| schema::decode(link.head.seq, &link.bytes).err())
    {
        bad = Some(match unreadable {
            crate::engine::JournalError::Unreadable { seq, why } => BadEvent { seq, why },
            other => BadEvent { seq: Seq(1), why: other.to_string() },
        });
    }
    if bad.is_none()
        && let Some(mark) = mark
        && !agrees(run, &links, mark)
    {
        let (seq, why) = if (links.len() as u64) < mark.head.seq.0 {
            let lost = Seq(links.len() as u64).next();
            (lost, "it was acknowledged, and is missing".to_owned())
        } else {
            (mark.head.seq, "it is not the one that the anchor knows".to_owned())
        };
        bad = Some(BadEvent { seq, why });
    }
    found(Some(run.clone()), &links, mark, bad)
}

fn found(
    run: Option<RunId>,
    links: &[ChainLink],
    mark: Option<Mark>,
    first_bad: Option<BadEvent>,
) -> VerifyReport {
    let last = links.last();
    let ended = last
        .and_then(|link| schema::decode(link.head.seq, &link.bytes).ok())
        .is_some_and(|recorded| matches!(recorded.event, Event::RunEnded { .. }));
    // A store that is read up to a bad event hands out no links, but says where it is.
    let whole = first_bad.as_ref().map(|bad| bad.seq.0.saturating_sub(1));
    VerifyReport {
        run,
        events: whole.unwrap_or(links.len() as u64),
        hash: last.map(|link| link.head.hash.hex()),
        anchored: mark.map(|mark| mark.head.seq),
        first_bad,
        ended,
        hashes: links.iter().map(|link| link.head.hash.hex()).collect(),
    }
}

/// A run's history, judged by itself.
#[derive(Debug)]
pub(super) struct History {
    pub(super) recorded: Vec<Recorded>,
    /// The hash of each event, in hexadecimal.
    pub(super) hashes: Vec<String>,
}

/// Reads a run's history from its text: one chain from that run's beginning on, of events that are read,
/// the first of which opens the run.
pub(super) fn history(bytes: &[u8], run: &RunId) -> Result<History, BadEvent> {
    let parsed = parse(bytes);
    let links = parsed.links.map_err(|(seq, why, _)| BadEvent { seq, why })?;
    let first = |why: String| BadEvent { seq: Seq(1), why };
    if parsed.first_prev != Some(schema::genesis(run).hash) {
        return Err(first(format!("it is not the beginning of run {run}")));
    }
    let recorded: Vec<Recorded> = links
        .iter()
        .map(|link| {
            schema::decode(link.head.seq, &link.bytes)
                .map_err(|error| BadEvent { seq: link.head.seq, why: error.to_string() })
        })
        .collect::<Result<_, _>>()?;
    match recorded.first().map(|first| &first.event) {
        Some(Event::RunOpened { run: own, .. }) if own == run => {}
        _ => return Err(first(format!("it does not open run {run}"))),
    }
    let hashes = links.iter().map(|link| link.head.hash.hex()).collect();
    Ok(History { recorded, hashes })
}

/// Whether a history ends with the event that was told.
pub(super) fn ends_with(hashes: &[String], told: &str) -> Result<(), String> {
    let told = told.to_ascii_lowercase();
    match hashes.iter().position(|hash| *hash == told) {
        Some(at) if at + 1 == hashes.len() => Ok(()),
        Some(at) => Err(format!(
            "it goes on after the head that was told, which is event {} of {}",
            at + 1,
            hashes.len()
        )),
        None => Err("none of its events is the head that was told".to_owned()),
    }
}

/// Whether these events hold the one that the anchor knows.
pub(super) fn agrees(run: &RunId, links: &[ChainLink], mark: Mark) -> bool {
    if mark.head.seq == Seq(0) {
        return mark.head == schema::genesis(run);
    }
    usize::try_from(mark.head.seq.0 - 1)
        .ok()
        .and_then(|at| links.get(at))
        .is_some_and(|link| link.head == mark.head)
}

/// The file's text.
pub(super) fn text(run: &RunId, links: &[ChainLink]) -> Vec<u8> {
    lines(schema::genesis(run), links)
}

/// The lines of events that come after a head.
pub(super) fn lines(mut prev: Head, links: &[ChainLink]) -> Vec<u8> {
    let mut text = Vec::new();
    for link in links {
        let front = format!(
            r#"{{"seq":{},"prev":"{}","hash":"{}","event":"#,
            link.head.seq,
            prev.hash.hex(),
            link.head.hash.hex()
        );
        text.extend_from_slice(front.as_bytes());
        text.extend_from_slice(&link.bytes);
        text.extend_from_slice(b"}\n");
        prev = link.head;
    }
    text
}

/// Reads a file as far as its chain is whole.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let mut links: Vec<ChainLink> = Vec::new();
    let mut at: Option<Head> = None;
    let mut first_prev = None;
    let cut = !bytes.is_empty() && !bytes.ends_with(b"\n");
    let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if bytes.is_empty() {
        return Parsed { links: Ok(links), first_prev };
    }
    for line in lines.split(|byte| *byte == b'\n') {
        let seq = Seq(links.len() as u64).next();
        let Some((prev, head, event)) = parse_line(line) else {
            let why = "its line is not one of an exported journal".to_owned();
            return Parsed { links: Err((seq, why, links)), first_prev };
        };
        let before = at.unwrap_or(Head { seq: Seq(0), hash: prev });
        first_prev.get_or_insert(prev);
        let now = schema::chain(before, event);
        let why = if head.seq != seq {
            Some(format!("event {} stands in its place", head.seq))
        } else if before.hash != prev || now != head {
            Some("its hash does not fit the chain".to_owned())
        } else {
            None
        };
        if let Some(why) = why {
            return Parsed { links: Err((seq, why, links)), first_prev };
        }
        at = Some(now);
        links.push(ChainLink { head: now, bytes: event.to_vec() });
    }
    let links = if cut {
        let seq = Seq(links.len() as u64);
        Err((seq, "the file ends within its line".to_owned(), links))
    } else {
        Ok(links)
    };
    Parsed { links, first_prev }
}

/// The last event's place, by its line alone.
pub(super) fn last_seq(bytes: &[u8]) -> Option<Seq> {
    let lines = bytes.strip_suffix(b"\n")?;
    let line = lines.rsplit(|byte| *byte == b'\n').next()?;
    parse_line(line).map(|(_, head, _)| head.seq)
}

fn parse_line(line: &[u8]) -> Option<(Hash, Head, &[u8])> {
    // The front has a fixed form without free text, so the event's own bytes are found exactly.
    let rest = line.strip_prefix(br#"{"seq":"#)?;
    let comma = rest.iter().position(|byte| *byte == b',')?;
    let (seq, rest) = rest.split_at_checked(comma)?;
    let (prev, rest) = rest.strip_prefix(br#","prev":""#)?.split_at_checked(64)?;
    let (hash, rest) = rest.strip_prefix(br#"","hash":""#)?.split_at_checked(64)?;
    let event = rest.strip_prefix(br#"","event":"#)?.strip_suffix(b"}")?;
    let hex = |text: &[u8]| Hash::from_hex(std::str::from_utf8(text).ok()?);
    let head = Head { seq: Seq(std::str::from_utf8(seq).ok()?.parse().ok()?), hash: hex(hash)? };
    Some((hex(prev)?, head, event))
}
