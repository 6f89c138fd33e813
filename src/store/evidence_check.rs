//! Is this evidence what was written? Its members, its journal's chain, its manifest and its signature, each
//! judged by itself and against the others.

use std::io::Read;

use super::evidence::{
    BLOCK, EVIDENCE_SCHEMA, JOURNAL, MANIFEST, Manifest, Member, OPTIONAL, PLAN, REPORT, REQUIRED,
    SEAL, SIGNATURE, archive, digest,
};
use super::export;
use super::signature::{self, Signer, Trusted};
use crate::engine::{Event, Recorded};
use crate::model::{Plan, RunId};

/// What somebody who checks evidence knows from elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// The hash of the last event, as it was told.
    pub head: Option<&'a str>,
    /// The keys that are trusted to sign.
    pub trusted: Option<&'a Trusted>,
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// Nobody.
    No,
    /// Somebody whom nobody was asked to trust.
    Unjudged(Signer),
    /// Somebody who is trusted.
    Trusted(Signer),
}

/// What a check of an evidence file found.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceReport {
    /// The run, where the manifest can be read.
    pub run: Option<String>,
    /// The hash of its last event: the manifest's word, which the journal's own chain bears out where
    /// nothing is bad.
    pub head: Option<String>,
    /// Which program wrote it, by its own word.
    pub made_by: Option<String>,
    /// The files in it.
    pub members: Vec<Member>,
    /// The events of its journal, where nothing is bad.
    pub events: Vec<Recorded>,
    /// Who signed it.
    pub signed: Signed,
    /// Where the first thing is that is not as it was written, and what is wrong there.
    pub first_bad: Option<String>,
    /// Why it is not trusted, where trusted keys were named.
    pub distrusted: Option<String>,
}

impl EvidenceReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.first_bad.is_none()
    }
}

/// Checks an evidence file by itself.
#[must_use]
pub fn verify(bytes: &[u8]) -> EvidenceReport {
    check(bytes, &Expected::default())
}

/// Checks an evidence file by itself and against what is known from elsewhere.
#[must_use]
pub fn check(bytes: &[u8], expected: &Expected<'_>) -> EvidenceReport {
    let mut report = EvidenceReport {
        run: None,
        head: None,
        made_by: None,
        members: Vec::new(),
        events: Vec::new(),
        signed: Signed::No,
        first_bad: None,
        distrusted: None,
    };
    report.first_bad = judge(bytes, expected, &mut report).err();
    if expected.trusted.is_some() && !matches!(report.signed, Signed::Trusted(_)) {
        let has_signature = report.members.iter().any(|own| own.name == SIGNATURE);
        report.distrusted.get_or_insert_with(|| match &report.signed {
            Signed::No if has_signature => {
                "its signature was not looked at, since it is not as it was written".to_owned()
            }
            Signed::No => "nobody signed it".to_owned(),
            Signed::Unjudged(who) | Signed::Trusted(who) => {
                format!("it was signed with {who}, which is none of the trusted keys")
            }
        });
    }
    report
}

/// The first thing that is not as it was written, as an error.
fn judge(bytes: &[u8], expected: &Expected<'_>, report: &mut EvidenceReport) -> Result<(), String> {
    report.members = unpack(bytes)?;
    let members = report.members.clone();
    let find = |name: &str| {
        members.iter().find(|one| one.name == name).ok_or_else(|| format!("{name}: it is missing"))
    };
    let (text, seal) = (find(MANIFEST)?, find(SEAL)?);
    if digest(&text.bytes).as_bytes() != seal.bytes.as_slice() {
        return Err(format!("{MANIFEST}: it is not the one that {SEAL} is of"));
    }
    let manifest: Manifest = serde_json::from_slice(&text.bytes)
        .map_err(|error| format!("{MANIFEST}: it is no manifest: {error}"))?;
    if manifest.schema != EVIDENCE_SCHEMA {
        return Err(format!("{MANIFEST}: it has the form {}", manifest.schema));
    }
    let run = RunId::parse(&manifest.run)
        .map_err(|error| format!("{MANIFEST}: its run is none: {error}"))?;
    report.run = Some(manifest.run.clone());
    report.head.clone_from(&manifest.head);
    report.made_by.clone_from(&manifest.made_by);
    complete(&manifest)?;
    as_listed(&manifest, &members)?;
    in_order(&manifest, &members)?;
    // What is left is between the files: headers and padding.
    let again = archive(&members).map_err(|error| error.to_string())?;
    let at = again.iter().zip(bytes).position(|(one, other)| one != other);
    let at = at.or((again.len() != bytes.len()).then_some(again.len().min(bytes.len())));
    if let Some(at) = at {
        let place = beside(&members, at as u64);
        return Err(format!("{place}: byte {at} is not as it was written"));
    }
    if let Ok(signature) = find(SIGNATURE) {
        let signer = signature::judge(&text.bytes, &signature.bytes)
            .map_err(|why| format!("{SIGNATURE}: {why}"))?;
        report.signed = match expected.trusted.and_then(|trusted| trusted.knows(&signer)) {
            Some(known) => Signed::Trusted(known),
            None => Signed::Unjudged(signer),
        };
    }
    let events = history(&manifest, &run, find(JOURNAL)?, find(PLAN)?, expected.head)?;
    report.events = events;
    told(&manifest, find(REPORT)?)
}

/// Every file that evidence has to have is listed, each once, and none that it cannot have.
fn complete(manifest: &Manifest) -> Result<(), String> {
    let names = || manifest.members.iter().map(|line| line.name.as_str());
    if let Some(missing) = REQUIRED.iter().find(|name| !names().any(|own| own == **name)) {
        return Err(format!("{missing}: it is missing"));
    }
    for (place, name) in names().enumerate() {
        if !REQUIRED.contains(&name) && !OPTIONAL.contains(&name) {
            return Err(format!("{}: it does not belong into evidence", shown(name)));
        }
        if names().skip(place + 1).any(|other| other == name) {
            return Err(format!("{MANIFEST}: it lists {name} twice"));
        }
    }
    Ok(())
}

/// The first member that is not as the manifest has it.
fn as_listed(manifest: &Manifest, members: &[Member]) -> Result<(), String> {
    for line in &manifest.members {
        let Some(member) = members.iter().find(|member| member.name == line.name) else {
            return Err(format!("{}: it is missing", line.name));
        };
        if digest(&member.bytes) != line.blake3 {
            if member.name == JOURNAL
                && let Err((seq, why, _)) = export::parse(&member.bytes).links
            {
                return Err(format!("{JOURNAL}: event {seq}: {why}"));
            }
            return Err(format!("{}: it is not as it was written", line.name));
        }
        if member.bytes.len() as u64 != line.bytes {
            return Err(format!("{MANIFEST}: the length of {} is another", line.name));
        }
    }
    Ok(())
}

/// The members stand as they are written: the manifest, what it lists, the seal, the signature.
fn in_order(manifest: &Manifest, members: &[Member]) -> Result<(), String> {
    let listed = manifest.members.iter().map(|line| line.name.as_str());
    let order: Vec<&str> =
        std::iter::once(MANIFEST).chain(listed).chain([SEAL, SIGNATURE]).collect();
    for (place, member) in members.iter().enumerate() {
        if order.get(place) != Some(&member.name.as_str()) {
            let known = order.contains(&member.name.as_str());
            let why =
                if known { "it stands at another place" } else { "the manifest does not know it" };
            return Err(format!("{}: {why}", member.name));
        }
    }
    Ok(())
}

/// The journal is one chain from the run's beginning to the manifest's head, and to the one that was told.
fn history(
    manifest: &Manifest,
    run: &RunId,
    journal: &Member,
    plan: &Member,
    told: Option<&str>,
) -> Result<Vec<Recorded>, String> {
    let events = export::history(&journal.bytes, run)
        .map_err(|bad| format!("{JOURNAL}: event {}: {}", bad.seq, bad.why))?;
    let head = events.hashes.last().cloned();
    if manifest.head != head {
        let of = |head: &Option<String>| head.clone().unwrap_or_else(|| "nothing".to_owned());
        let (one, other) = (of(&manifest.head), of(&head));
        return Err(format!("{MANIFEST}: its head is {one}, but the journal ends with {other}"));
    }
    if let Some(told) = told {
        export::ends_with(&events.hashes, told).map_err(|why| format!("{JOURNAL}: {why}"))?;
    }
    let opened = events.recorded.first().and_then(|first| match &first.event {
        Event::RunOpened { plan, .. } => Some(plan),
        _ => None,
    });
    let own = serde_json::from_slice::<Plan>(&plan.bytes);
    if !own.is_ok_and(|own| opened.is_some_and(|opened| **opened == own)) {
        return Err(format!("{PLAN}: it is not the plan that the journal begins with"));
    }
    Ok(events.recorded)
}

/// The report speaks of this run and this history.
fn told(manifest: &Manifest, report: &Member) -> Result<(), String> {
    let value: serde_json::Value = serde_json::from_slice(&report.bytes)
        .map_err(|error| format!("{REPORT}: it is no report: {error}"))?;
    let says = |key: &str, own: Option<&str>| value.get(key).and_then(|one| one.as_str()) == own;
    if !says("run", Some(&manifest.run)) || !says("head", manifest.head.as_deref()) {
        return Err(format!("{REPORT}: it speaks of another run or another history"));
    }
    Ok(())
}

/// The files of the archive, each a plain file under a name of its own that evidence may have.
fn unpack(bytes: &[u8]) -> Result<Vec<Member>, String> {
    let mut members: Vec<Member> = Vec::new();
    let after = |members: &[Member]| match members.last() {
        None => "the first header".to_owned(),
        Some(last) => format!("the header after {}", last.name),
    };
    let mut archive = tar::Archive::new(bytes);
    // As it lies: what extends a header (long names, other sizes) is an entry like any other, and refused.
    let entries = archive.entries().map_err(|error| format!("{}: {error}", after(&[])))?.raw(true);
    for entry in entries {
        let mut entry = entry.map_err(|error| format!("{}: {error}", after(&members)))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type() != tar::EntryType::Regular {
            let kind = kind(entry.header().entry_type());
            return Err(format!("{}: {} is {kind}, not a file", after(&members), shown(&name)));
        }
        let about = [MANIFEST, SEAL, SIGNATURE];
        let known = about.iter().chain(&REQUIRED).chain(&OPTIONAL).any(|known| *known == name);
        if !known {
            return Err(format!("{}: it does not belong into evidence", shown(&name)));
        }
        if members.iter().any(|member| member.name == name) {
            return Err(format!("{name}: it is there twice"));
        }
        let mut inside = Vec::new();
        entry.read_to_end(&mut inside).map_err(|error| format!("{name}: {error}"))?;
        if inside.len() as u64 != entry.size() {
            return Err(format!("{name}: the file ends within it"));
        }
        members.push(Member { name, bytes: inside });
    }
    Ok(members)
}

fn kind(found: tar::EntryType) -> &'static str {
    match found {
        tar::EntryType::Link | tar::EntryType::Symlink => "a link",
        tar::EntryType::Char | tar::EntryType::Block => "a device",
        tar::EntryType::Directory => "a folder",
        tar::EntryType::Fifo => "a FIFO",
        _ => "something else",
    }
}

/// A name that a stranger chose, on a terminal.
fn shown(name: &str) -> String {
    let short: String = name.chars().take(60).collect();
    format!("`{}`", short.escape_default())
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
    use crate::store::evidence::is_evidence;

    const KEPT: &[u8] = include_bytes!("../../tests/fixtures/journals/v1/evidence.tar");

    #[test]
    fn evidence_is_the_same_each_time_and_whole() {
        assert_eq!(verify(KEPT).first_bad, None);
        let again = archive(&unpack(KEPT).unwrap()).unwrap();
        assert!(again == KEPT && is_evidence(KEPT));
    }

    #[test]
    fn one_flipped_bit_anywhere_is_found_and_located() {
        // The headers and the end whole, and of what lies between a byte here and there.
        let ends = (0..600).chain(KEPT.len() - 2_000..KEPT.len());
        for at in ends.step_by(3).chain((0..KEPT.len()).step_by(509)) {
            let mut changed = KEPT.to_vec();
            changed[at] ^= 1 << (at % 8);
            let found = verify(&changed).first_bad;
            let found = found.unwrap_or_else(|| panic!("byte {at} was changed unseen"));
            assert!(found.contains(':'), "byte {at}: {found}");
            assert!(is_evidence(&changed), "byte {at}");
        }
    }

    #[test]
    fn what_was_cut_off_or_added_is_found() {
        for cut in [1, 511, 512, 1_024, 1_025, 2_000, KEPT.len() - 1, KEPT.len()] {
            assert!(!verify(&KEPT[..KEPT.len() - cut]).is_whole(), "{cut} bytes less");
        }
        for more in [1, 512, 1_024] {
            let mut longer = KEPT.to_vec();
            longer.resize(KEPT.len() + more, 0);
            assert!(!verify(&longer).is_whole(), "{more} bytes more");
        }
        let twice = [KEPT, KEPT].concat();
        assert!(!verify(&twice).is_whole());
    }
}
