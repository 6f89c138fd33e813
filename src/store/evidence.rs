//! What proves a run? One file with its history and what belongs to it, that can be checked by itself.
//!
//! An uncompressed tar archive, the same for the same run: `manifest.json` names every member with its
//! length and its BLAKE3, `manifest.blake3` after them is the manifest's own, and `manifest.json.sig` at the
//! end, where somebody signed, is an SSH signature of the manifest. The journal in it is a chain of its
//! own. What no hash can prove is that the whole file was not made anew: for that there is the signature,
//! or the hash of the last event, told elsewhere. `evidence_check.rs` judges such a file.

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::signature::{SignatureError, SigningKey};
use crate::model::RunId;

pub use super::evidence_check::{EvidenceReport, Expected, Signed, check, verify};

/// The schema of a manifest.
pub const EVIDENCE_SCHEMA: &str = "backroad.evidence/1";

/// The members that are about the others.
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const SEAL: &str = "manifest.blake3";
pub(super) const SIGNATURE: &str = "manifest.json.sig";
/// The history.
pub(super) const JOURNAL: &str = "journal.jsonl";
/// What the history begins with, by itself.
pub(super) const PLAN: &str = "plan.json";
/// What happened, for machines.
pub(super) const REPORT: &str = "report.json";

/// What evidence has to have beside its manifest.
pub(super) const REQUIRED: [&str; 5] = [JOURNAL, PLAN, REPORT, "report.html", "report.md"];
/// What it may have: the author's text, a drill's world, and who was told.
pub(super) const OPTIONAL: [&str; 6] =
    ["runbook.yaml", "world.json", "world.log", "reached.json", "strikes.json", "outbox.json"];

/// The unit of a tar archive, in bytes.
pub(super) const BLOCK: u64 = 512;

/// A file of the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Member {
    /// A file under a name.
    #[must_use]
    pub fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), bytes: bytes.into() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is in it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// This program, as a manifest names it.
#[must_use]
pub fn maker() -> String {
    format!("backroad {}", env!("CARGO_PKG_VERSION"))
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) schema: String,
    pub(super) run: String,
    /// The hash of the journal's last event.
    pub(super) head: Option<String>,
    /// Which program wrote it; the first evidence does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) made_by: Option<String>,
    pub(super) members: Vec<EvidenceLine>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvidenceLine {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) blake3: String,
}

/// Why there is no evidence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The key does not sign.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The archive cannot be put together.
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub(super) fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The evidence of a run, as the bytes of its file, signed where there is a key.
///
/// # Errors
/// The key does not sign.
pub fn write(
    run: &RunId,
    head: Option<&str>,
    members: &[Member],
    key: Option<&SigningKey>,
) -> Result<Vec<u8>, EvidenceError> {
    let lines = members.iter().map(|member| EvidenceLine {
        name: member.name.clone(),
        bytes: member.bytes.len() as u64,
        blake3: digest(&member.bytes),
    });
    let manifest = Manifest {
        schema: EVIDENCE_SCHEMA.to_owned(),
        run: run.to_string(),
        head: head.map(str::to_owned),
        made_by: Some(maker()),
        members: lines.collect(),
    };
    let manifest = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    let seal = digest(&manifest).into_bytes();
    let signature = key.map(|key| key.sign(&manifest)).transpose()?;
    let mut all = vec![Member::new(MANIFEST, manifest)];
    all.extend(members.iter().cloned());
    all.push(Member::new(SEAL, seal));
    all.extend(signature.map(|text| Member::new(SIGNATURE, text)));
    let failed = |error| StoreError::io("write", std::path::Path::new("evidence"), error);
    Ok(archive(&all).map_err(failed)?)
}

/// The archive of members: the same bytes for the same members, whoever makes it and when.
pub(super) fn archive(members: &[Member]) -> std::io::Result<Vec<u8>> {
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
