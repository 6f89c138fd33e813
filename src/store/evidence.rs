//! What proves a run? One file with its history and what belongs to it, that can be checked by itself.
//!
//! An uncompressed tar archive, the same for the same run: `manifest.json` names every member with its
//! length and its BLAKE3, `manifest.blake3` at the end is the manifest's own. The journal in it is a chain
//! of its own. What cannot be proven without somebody's word is that the whole file was not made anew:
//! for that, keep the hash of the last event elsewhere.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::export;
use crate::model::RunId;

/// The schema of a manifest.
pub const EVIDENCE_SCHEMA: &str = "backroad.evidence/1";

/// The members that every evidence has.
const MANIFEST: &str = "manifest.json";
const SEAL: &str = "manifest.blake3";
const JOURNAL: &str = "journal.jsonl";

/// The unit of a tar archive, in bytes.
const BLOCK: u64 = 512;

/// A file of the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    name: String,
    bytes: Vec<u8>,
}

impl Member {
    /// A file under a name.
    #[must_use]
    pub fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), bytes: bytes.into() }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    schema: String,
    run: String,
    /// The hash of the journal's last event.
    head: Option<String>,
    members: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    name: String,
    bytes: u64,
    blake3: String,
}

/// What a check of an evidence file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceReport {
    /// The run, where the manifest can be read.
    pub run: Option<String>,
    /// The hash of its last event, as the manifest has it.
    pub head: Option<String>,
    /// How many files are in it.
    pub members: usize,
    /// Where the first thing is that is not as it was written, and what is wrong there.
    pub first_bad: Option<String>,
}

impl EvidenceReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.first_bad.is_none()
    }
}

fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The evidence of a run, as the bytes of its file.
///
/// # Errors
/// Never in practice: nothing is written to a disk here.
pub fn write(run: &RunId, head: Option<&str>, members: &[Member]) -> Result<Vec<u8>, StoreError> {
    let lines = members.iter().map(|member| Line {
        name: member.name.clone(),
        bytes: member.bytes.len() as u64,
        blake3: digest(&member.bytes),
    });
    let manifest = Manifest {
        schema: EVIDENCE_SCHEMA.to_owned(),
        run: run.to_string(),
        head: head.map(str::to_owned),
        members: lines.collect(),
    };
    let manifest = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    let seal = digest(&manifest).into_bytes();
    let mut all = vec![Member::new(MANIFEST, manifest)];
    all.extend(members.iter().cloned());
    all.push(Member::new(SEAL, seal));
    archive(&all).map_err(|error| StoreError::io("write", std::path::Path::new("evidence"), error))
}

/// The archive of members: the same bytes for the same members, whoever makes it and when.
fn archive(members: &[Member]) -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for member in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(member.bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, &member.name, member.bytes.as_slice())?;
    }
    builder.into_inner()
}

/// Whether a file looks like evidence rather than a journal's text.
#[must_use]
pub fn is_evidence(bytes: &[u8]) -> bool {
    // A first byte that was changed does not make another file of it.
    let name = MANIFEST.as_bytes();
    let magic = bytes.get(257..262) == Some(b"ustar");
    magic || bytes.get(1..name.len()) == name.get(1..)
}

/// Checks an evidence file by itself.
#[must_use]
pub fn verify(bytes: &[u8]) -> EvidenceReport {
    let mut report = EvidenceReport { run: None, head: None, members: 0, first_bad: None };
    let members = match unpack(bytes) {
        Ok(members) => members,
        Err(why) => {
            report.first_bad = Some(why);
            return report;
        }
    };
    report.members = members.len();
    let find = |name: &str| members.iter().find(|member| member.name == name);
    let (Some(manifest), Some(seal)) = (find(MANIFEST), find(SEAL)) else {
        report.first_bad = Some(format!("{MANIFEST} or {SEAL} is missing"));
        return report;
    };
    if digest(&manifest.bytes).as_bytes() != seal.bytes.as_slice() {
        report.first_bad = Some(format!("{MANIFEST}: it is not the one that {SEAL} is of"));
        return report;
    }
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&manifest.bytes) else {
        report.first_bad = Some(format!("{MANIFEST}: it is no manifest"));
        return report;
    };
    report.run = Some(manifest.run.clone());
    report.head = manifest.head.clone();
    report.first_bad = differs(&manifest, &members).or_else(|| {
        // What is left is between the files: headers and padding.
        let again = archive(&members).unwrap_or_default();
        let at = again.iter().zip(bytes).position(|(one, other)| one != other);
        let at = at.or((again.len() != bytes.len()).then_some(again.len().min(bytes.len())));
        at.map(|at| format!("{}: byte {at} is not as it was written", beside(&members, at as u64)))
    });
    report
}

/// The first member that is not as the manifest has it.
fn differs(manifest: &Manifest, members: &[Member]) -> Option<String> {
    for line in &manifest.members {
        let Some(member) = members.iter().find(|member| member.name == line.name) else {
            return Some(format!("{}: it is missing", line.name));
        };
        if digest(&member.bytes) == line.blake3 {
            continue;
        }
        if member.name == JOURNAL
            && let Err((seq, why, _)) = export::parse(&member.bytes).links
        {
            return Some(format!("{JOURNAL}: event {seq}: {why}"));
        }
        return Some(format!("{}: it is not as it was written", line.name));
    }
    let known = |name: &str| {
        [MANIFEST, SEAL].contains(&name) || manifest.members.iter().any(|line| line.name == name)
    };
    let other = members.iter().find(|member| !known(&member.name))?;
    Some(format!("{}: the manifest does not know it", other.name))
}

fn unpack(bytes: &[u8]) -> Result<Vec<Member>, String> {
    let mut members: Vec<Member> = Vec::new();
    let after = |members: &[Member]| match members.last() {
        None => "the first header".to_owned(),
        Some(last) => format!("the header after {}", last.name),
    };
    let mut archive = tar::Archive::new(bytes);
    let entries = archive.entries().map_err(|error| format!("{}: {error}", after(&[])))?;
    for entry in entries {
        let mut entry = entry.map_err(|error| format!("{}: {error}", after(&members)))?;
        let name = entry
            .path()
            .map(|path| path.display().to_string())
            .map_err(|error| format!("{}: {error}", after(&members)))?;
        let mut inside = Vec::new();
        entry.read_to_end(&mut inside).map_err(|error| format!("{name}: {error}"))?;
        if inside.len() as u64 != entry.size() {
            return Err(format!("{name}: the file ends within it"));
        }
        members.push(Member { name, bytes: inside });
    }
    Ok(members)
}

/// Whose header or padding an offset lies in.
fn beside(members: &[Member], at: u64) -> String {
    let mut place = 0;
    for member in members {
        let size = BLOCK + (member.bytes.len() as u64).div_ceil(BLOCK) * BLOCK;
        if at < place + BLOCK {
            return format!("the header of {}", member.name);
        }
        if at < place + size {
            return format!("the padding of {}", member.name);
        }
        place += size;
    }
    "the end of the archive".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Vec<u8> {
        let run = RunId::parse("01jd0000000000000000000001").unwrap();
        let members = [
            Member::new("plan.json", r#"{"a": 1}"#),
            Member::new("report.md", "# What happened\n\nNothing.\n".repeat(30)),
        ];
        write(&run, Some("00ff"), &members).unwrap()
    }

    #[test]
    fn evidence_is_the_same_each_time_and_whole() {
        let bytes = small();
        assert_eq!(bytes, small());
        let report = verify(&bytes);
        assert_eq!((report.first_bad, report.members), (None, 4));
        assert_eq!(report.run.as_deref(), Some("01jd0000000000000000000001"));
        assert!(is_evidence(&bytes));
    }

    #[test]
    fn one_flipped_bit_anywhere_is_found_and_located() {
        let bytes = small();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let found = verify(&changed).first_bad;
            let found = found.unwrap_or_else(|| panic!("byte {at} was changed unseen"));
            assert!(found.contains(':'), "byte {at}: {found}");
            assert!(is_evidence(&changed), "byte {at}");
        }
    }

    #[test]
    fn what_was_cut_off_or_added_is_found() {
        let bytes = small();
        for cut in [1, 511, 512, 1_024, 1_025, bytes.len() - 1] {
            assert!(!verify(&bytes[..bytes.len() - cut]).is_whole(), "{cut} bytes less");
        }
        for more in [1, 512, 1_024] {
            let mut longer = bytes.clone();
            longer.resize(bytes.len() + more, 0);
            assert!(!verify(&longer).is_whole(), "{more} bytes more");
        }
    }
}
