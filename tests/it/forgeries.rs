//! Evidence convinces somebody who trusts nobody: each way to forge it that we could think of is found, and
//! said. The forger here has everything but a trusted key: the source, the hashes, the format.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use backroad::store::evidence::{self, Expected, Signed};
use backroad::store::signature::{SigningKey, Trusted};
use serde_json::{Value, json};
use tar::EntryType;

use crate::support::file;
use crate::support::process::binary;

const JOURNAL: &str = "journal.jsonl";

fn kept() -> Vec<u8> {
    std::fs::read(file("tests/fixtures/journals/v1/evidence.tar")).unwrap()
}

/// What the forger takes apart and puts together again.
#[derive(Clone)]
struct Pack(Vec<(String, Vec<u8>)>);

impl Pack {
    fn kept() -> Self {
        Self::of(&kept())
    }

    fn of(bytes: &[u8]) -> Self {
        let mut archive = tar::Archive::new(bytes);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut inside = Vec::new();
            entry.read_to_end(&mut inside).unwrap();
            (entry.path().unwrap().display().to_string(), inside)
        });
        Self(entries.collect())
    }

    fn at(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.0.iter_mut().find(|(own, _)| own == name).unwrap().1
    }

    fn text(&mut self, name: &str) -> String {
        String::from_utf8(self.at(name).clone()).unwrap()
    }

    fn without(mut self, name: &str) -> Self {
        self.0.retain(|(own, _)| own != name);
        self
    }

    /// The manifest and its seal made anew, over what is there, under a head.
    fn sealed(mut self, head: &Value) -> Self {
        let about = ["manifest.json", "manifest.blake3"];
        let mut manifest: Value = serde_json::from_slice(self.at("manifest.json")).unwrap();
        let lines = self.0.iter().filter(|(name, _)| !about.contains(&name.as_str()));
        manifest["members"] = lines
            .map(|(name, bytes)| {
                let hash = blake3::hash(bytes).to_hex().to_string();
                json!({ "name": name, "bytes": bytes.len(), "blake3": hash })
            })
            .collect();
        manifest["head"] = head.clone();
        self.manifest(&manifest)
    }

    fn manifest(mut self, manifest: &Value) -> Self {
        let text = serde_json::to_vec_pretty(manifest).unwrap();
        *self.at("manifest.blake3") = blake3::hash(&text).to_hex().to_string().into_bytes();
        *self.at("manifest.json") = text;
        self
    }

    fn head(&mut self) -> Value {
        serde_json::from_slice::<Value>(self.at("manifest.json")).unwrap()["head"].clone()
    }

    fn bytes(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in &self.0 {
            append(&mut builder, EntryType::Regular, name, bytes);
        }
        builder.into_inner().unwrap()
    }
}

/// An entry under any name at all, as no honest tool writes it.
fn append(builder: &mut tar::Builder<Vec<u8>>, kind: EntryType, name: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_ustar();
    // A file's type is written as the oldest tools wrote it.
    if kind != EntryType::Regular {
        header.set_entry_type(kind);
    }
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    builder.append(&header, bytes).unwrap();
}

/// The journal with an edit, and every hash of its chain made anew.
fn rechained(journal: &str, edit: impl Fn(&mut Value)) -> (Vec<u8>, String) {
    let first: Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    let mut prev = blake3::Hash::from_hex(first["prev"].as_str().unwrap()).unwrap();
    let mut text = String::new();
    for (place, line) in journal.lines().enumerate() {
        let mut value: Value = serde_json::from_str(line).unwrap();
        edit(&mut value["event"]);
        let event = serde_json::to_string(&value["event"]).unwrap();
        let mut hasher = blake3::Hasher::new_derive_key("backroad journal event v1");
        hasher.update(prev.as_bytes());
        hasher.update(event.as_bytes());
        let hash = hasher.finalize();
        let (seq, before, own) = (place + 1, prev.to_hex(), hash.to_hex());
        text += &format!(r#"{{"seq":{seq},"prev":"{before}","hash":"{own}","event":{event}}}"#);
        text += "\n";
        prev = hash;
    }
    (text.into_bytes(), prev.to_hex().to_string())
}

fn someone_else(event: &mut Value) {
    if event["event"]["by"]["person"] == "ada" {
        event["event"]["by"]["person"] = "mallory".into();
    }
}

fn refused(bytes: &[u8], why: &str) {
    let report = evidence::verify(bytes);
    let found = report.first_bad.unwrap_or_else(|| panic!("a forgery is whole: {why}"));
    assert!(found.contains(why), "{found}: {why}");
}

#[test]
fn the_forgers_tools_are_good_enough() {
    let mut pack = Pack::kept();
    assert!(pack.bytes() == kept(), "the same bytes");
    let head = pack.head();
    assert!(pack.clone().sealed(&head).bytes() == kept(), "the same manifest");
    let (again, hash) = rechained(&pack.text(JOURNAL), |_| ());
    assert!(again == *pack.at(JOURNAL) && head == hash.as_str(), "the same chain");
}

#[test]
fn a_second_member_of_the_same_name_is_refused() {
    for name in [JOURNAL, "report.html", "manifest.json", "manifest.blake3"] {
        let mut pack = Pack::kept();
        let mut other = pack.at(name).clone();
        other.push(b'\n');
        for place in [0, 1, pack.0.len()] {
            let mut pack = pack.clone();
            pack.0.insert(place, (name.to_owned(), other.clone()));
            refused(&pack.bytes(), "twice");
            let head = pack.head();
            refused(&pack.sealed(&head).bytes(), "twice");
        }
        // Even when it is the same.
        let same = (name.to_owned(), pack.at(name).clone());
        pack.0.push(same);
        refused(&pack.bytes(), "twice");
    }
}

#[test]
fn an_edited_journal_with_a_manifest_made_anew_and_the_true_head_is_refused() {
    let mut pack = Pack::kept();
    let head = pack.head();
    // Edited as it lies, edited with its chain made anew, cut, emptied, in another order.
    let text = pack.text(JOURNAL);
    let edited = text.replacen("\"person\":\"ada\"", "\"person\":\"eve\"", 1);
    let (again, _) = rechained(&text, someone_else);
    let cut: String = text.lines().take(20).map(|line| format!("{line}\n")).collect();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(4, 5);
    for (journal, why) in [
        (edited.into_bytes(), "its hash does not fit the chain"),
        (again, "its head is"),
        (cut.into_bytes(), "its head is"),
        (Vec::new(), "does not"),
        ((lines.join("\n") + "\n").into_bytes(), "stands in its place"),
        (text.trim_end().as_bytes().to_vec(), "ends within"),
        ([text.as_bytes(), b"\n"].concat(), "not one of an exported journal"),
    ] {
        let mut pack = pack.clone();
        *pack.at(JOURNAL) = journal;
        let why = if why == "does not" { "it is not the beginning" } else { why };
        refused(&pack.sealed(&head).bytes(), why);
    }
}

#[test]
fn a_history_made_anew_whole_is_found_by_the_head_that_was_told() {
    let mut pack = Pack::kept();
    let told = pack.head();
    let (journal, hash) = rechained(&pack.text(JOURNAL), someone_else);
    *pack.at(JOURNAL) = journal;
    let mut report: Value = serde_json::from_slice(pack.at("report.json")).unwrap();
    report["head"] = hash.as_str().into();
    *pack.at("report.json") = serde_json::to_vec(&report).unwrap();
    let bytes = pack.sealed(&hash.into()).bytes();
    // By itself nothing can be wrong with it: that is what the head and the signature are for.
    assert_eq!(evidence::verify(&bytes).first_bad, None);
    let expected = Expected { head: told.as_str(), trusted: None };
    let found = evidence::check(&bytes, &expected).first_bad.unwrap();
    assert!(found.contains("none of its events is the head"), "{found}");
    assert_eq!(evidence::check(&kept(), &expected).first_bad, None);
}

#[test]
fn a_history_that_lost_its_end_is_found_by_the_head_that_was_told() {
    let mut pack = Pack::kept();
    let told = pack.head();
    let text = pack.text(JOURNAL);
    let cut: String = text.lines().take(30).map(|line| format!("{line}\n")).collect();
    let last: Value = serde_json::from_str(text.lines().nth(29).unwrap()).unwrap();
    *pack.at(JOURNAL) = cut.into_bytes();
    let mut report: Value = serde_json::from_slice(pack.at("report.json")).unwrap();
    report["head"] = last["hash"].clone();
    *pack.at("report.json") = serde_json::to_vec(&report).unwrap();
    let bytes = pack.sealed(&last["hash"]).bytes();
    let head = |told: &Value| {
        let expected = Expected { head: told.as_str(), trusted: None };
        evidence::check(&bytes, &expected).first_bad
    };
    assert_eq!(head(&last["hash"]), None);
    assert!(head(&told).unwrap().contains("none of its events"));
    // And the whole one, where an earlier head was told, goes on after it.
    let expected = Expected { head: last["hash"].as_str(), trusted: None };
    let found = evidence::check(&kept(), &expected).first_bad.unwrap();
    assert!(found.contains("goes on after the head that was told, which is event 30"), "{found}");
}

#[test]
fn a_journal_of_another_run_or_of_none_is_refused() {
    let mut pack = Pack::kept();
    let head = pack.head();
    let mut manifest: Value = serde_json::from_slice(pack.at("manifest.json")).unwrap();
    manifest["run"] = "01m8gqshq5g2byxp5wg18qxve4".into();
    refused(&pack.clone().manifest(&manifest).bytes(), "it is not the beginning of run");
    manifest["run"] = "../../etc".into();
    refused(&pack.clone().manifest(&manifest).bytes(), "its run is none");
    // An event that nobody can read, and a first one that opens another run.
    let text = pack.text(JOURNAL);
    let last = text.lines().count();
    for (edit, why) in [
        (
            Box::new(move |event: &mut Value| {
                if event["seq"] == last {
                    event["event"]["kind"] = "nonsense".into();
                }
            }) as Box<dyn Fn(&mut Value)>,
            "event",
        ),
        (
            Box::new(|event: &mut Value| {
                if event["seq"] == 1 {
                    event["event"]["run"] = "01m8gqshq5g2byxp5wg18qxve4".into();
                }
            }),
            "it does not open run",
        ),
    ] {
        let mut pack = pack.clone();
        let (journal, hash) = rechained(&text, edit);
        *pack.at(JOURNAL) = journal;
        refused(&pack.sealed(&hash.into()).bytes(), why);
    }
    let mut pack = pack.sealed(&head);
    let mut manifest: Value = serde_json::from_slice(pack.at("manifest.json")).unwrap();
    manifest["head"] = Value::Null;
    refused(&pack.manifest(&manifest).bytes(), "its head is nothing");
}

#[test]
fn a_missing_an_unknown_or_a_misplaced_member_is_refused() {
    let mut pack = Pack::kept();
    let head = pack.head();
    for name in [JOURNAL, "plan.json", "report.json", "report.html", "report.md"] {
        refused(&pack.clone().without(name).bytes(), name);
        refused(
            &pack.clone().without(name).sealed(&head).bytes(),
            &format!("{name}: it is missing"),
        );
    }
    for name in ["manifest.json", "manifest.blake3"] {
        refused(&pack.clone().without(name).bytes(), &format!("{name}: it is missing"));
    }
    // What is not listed, though it may be there.
    refused(&pack.clone().without("world.json").bytes(), "world.json: it is missing");
    let names =
        ["notes.txt", "Journal.jsonl", "journal.jsonl ", "a/journal.jsonl", "./journal.jsonl"];
    for name in names {
        let mut pack = pack.clone();
        pack.0.insert(2, (name.to_owned(), b"x".to_vec()));
        refused(&pack.bytes(), "does not belong into evidence");
        refused(&pack.sealed(&head).bytes(), "does not belong into evidence");
    }
    for (one, other) in [(0, 1), (1, 2), (2, 9), (8, 9)] {
        let mut pack = pack.clone();
        pack.0.swap(one, other);
        refused(&pack.bytes(), "another place");
    }
}

#[test]
fn a_manifest_that_says_too_much_or_otherwise_is_refused() {
    let mut pack = Pack::kept();
    let manifest: Value = serde_json::from_slice(pack.at("manifest.json")).unwrap();
    let edits: [(&str, Value, &str); 4] = [
        ("/schema", "backroad.evidence/9".into(), "it has the form"),
        ("/members/0/bytes", 1.into(), "the length of"),
        ("/members/0/blake3", "00".into(), "not as it was written"),
        ("/members/0/name", "../../etc/passwd".into(), "it is missing"),
    ];
    for (pointer, value, why) in edits {
        let mut manifest = manifest.clone();
        *manifest.pointer_mut(pointer).unwrap() = value;
        refused(&pack.clone().manifest(&manifest).bytes(), why);
    }
    let mut more = manifest.clone();
    more["comment"] = "trust me".into();
    refused(&pack.clone().manifest(&more).bytes(), "it is no manifest");
    let mut twice = manifest.clone();
    let first = twice["members"][0].clone();
    twice["members"].as_array_mut().unwrap().push(first);
    refused(&pack.clone().manifest(&twice).bytes(), "twice");
    pack.at("manifest.json").push(b' ');
    refused(&pack.bytes(), "it is not the one that manifest.blake3 is of");
}

#[test]
fn a_plan_or_a_report_of_something_else_is_refused() {
    let mut pack = Pack::kept();
    let head = pack.head();
    let plan = pack.text("plan.json").replace("10.1.0.0/24", "10.9.0.0/24");
    let mut forged = pack.clone();
    *forged.at("plan.json") = plan.into_bytes();
    refused(&forged.sealed(&head).bytes(), "it is not the plan that the journal begins with");
    for key in ["run", "head"] {
        let mut forged = pack.clone();
        let mut report: Value = serde_json::from_slice(forged.at("report.json")).unwrap();
        report[key] = "00".into();
        *forged.at("report.json") = serde_json::to_vec(&report).unwrap();
        refused(&forged.sealed(&head).bytes(), "another run or another history");
    }
}

#[test]
fn a_report_that_says_something_else_than_its_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let run = drilled(&state);
    let out = folder.path().join("run.tar");
    let (code, _, err) = backroad(&state, &["export", &run, "-o", out.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let good = Pack::of(&std::fs::read(&out).unwrap());
    for name in ["report.html", "report.md", "report.json"] {
        let mut pack = good.clone();
        let head = pack.head();
        let text = pack.text(name).replacen("go_ahead", "go_astray", 1);
        *pack.at(name) = text.into_bytes();
        std::fs::write(&out, pack.clone().sealed(&head).bytes()).unwrap();
        let (code, said, _) = backroad(&state, &["verify", out.to_str().unwrap()]);
        assert!(
            code == 1 && said.contains(&format!("{name}: not what the journal says")),
            "{said}"
        );
        // By another version, or so it says: nobody can know, and that is said.
        let mut pack = pack.sealed(&head);
        let mut manifest: Value = serde_json::from_slice(pack.at("manifest.json")).unwrap();
        manifest["made_by"] = "backroad 99.0.0".into();
        std::fs::write(&out, pack.manifest(&manifest).bytes()).unwrap();
        let (code, said, _) = backroad(&state, &["verify", out.to_str().unwrap()]);
        assert!(
            code == 0 && said.contains(&format!("not compared with the journal: {name}")),
            "{said}"
        );
    }
}

#[test]
fn links_devices_and_names_that_lead_elsewhere_are_refused() {
    let pack = Pack::kept();
    for (kind, name, why) in [
        (EntryType::Symlink, "report.html", "a link"),
        (EntryType::Link, "report.html", "a link"),
        (EntryType::Char, "report.html", "a device"),
        (EntryType::Block, "report.html", "a device"),
        (EntryType::Fifo, "report.html", "a FIFO"),
        (EntryType::Directory, "report.html/", "a folder"),
        (EntryType::Continuous, "report.html", "something else"),
        (EntryType::XHeader, "report.html", "something else"),
        (EntryType::XGlobalHeader, "report.html", "something else"),
        (EntryType::GNULongName, "././@LongLink", "something else"),
        (EntryType::GNUSparse, "report.html", "something else"),
        (EntryType::Regular, "/etc/passwd", "does not belong"),
        (EntryType::Regular, "../journal.jsonl", "does not belong"),
        (EntryType::Regular, "x/../journal.jsonl", "does not belong"),
        (EntryType::Regular, "\u{1b}[2Jx", "does not belong"),
    ] {
        for place in [0, 2, pack.0.len()] {
            let mut builder = tar::Builder::new(Vec::new());
            for (at, (own, bytes)) in pack.0.iter().enumerate() {
                if at == place {
                    append(&mut builder, kind, name, b"");
                }
                if own != "report.html" || place == pack.0.len() {
                    append(&mut builder, EntryType::Regular, own, bytes);
                }
            }
            if place == pack.0.len() {
                append(&mut builder, kind, name, b"");
            }
            let bytes = builder.into_inner().unwrap();
            refused(&bytes, why);
            let found = evidence::verify(&bytes).first_bad.unwrap();
            assert!(!found.contains('\u{1b}'), "nothing of it reaches a terminal: {found:?}");
        }
    }
}

#[test]
fn what_stands_between_or_behind_the_members_is_refused() {
    let good = kept();
    let pack = Pack::kept();
    refused(&[&good[..], b"more"].concat(), "the end of the archive");
    refused(&[&good[..], &good[..]].concat(), "the end of the archive");
    refused(&good[..good.len() - 512], "the end of the archive");
    let mut changed = good.clone();
    let last = changed.len() - 1;
    changed[last] = 1;
    refused(&changed, "the end of the archive");
    // Padding, and fields of a header that nobody reads, with its sum made right.
    let first = pack.0[0].1.len();
    let mut changed = good.clone();
    changed[512 + first] = b'x';
    refused(&changed, "the padding of manifest.json");
    for (at, byte) in [(108, b'7'), (136, b'7'), (265, b'm'), (345, b'p'), (500, b'x')] {
        let mut changed = good.clone();
        changed[at] = byte;
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(&changed[..512]);
        header.set_cksum();
        changed[..512].copy_from_slice(header.as_bytes());
        assert!(!evidence::verify(&changed).is_whole(), "byte {at} of a header");
    }
    // A length that is not true: huge, or into the next member.
    let mut changed = good;
    let mut header = tar::Header::new_old();
    header.as_mut_bytes().copy_from_slice(&changed[..512]);
    for size in [u64::MAX >> 1, 1 << 40, first as u64 + 512] {
        header.set_size(size);
        header.set_cksum();
        changed[..512].copy_from_slice(header.as_bytes());
        assert!(!evidence::verify(&changed).is_whole(), "{size} bytes");
    }
}

fn backroad(state: &Path, words: &[&str]) -> (i32, String, String) {
    let mut command = binary();
    command.args(words).arg("--state-dir").arg(state).stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A drill's run, ready to be exported.
fn drilled(state: &Path) -> String {
    let runbook = file("tests/fixtures/journals/v1/runbook.yaml");
    backroad(state, &["drill", runbook.to_str().unwrap(), "--people", "ask"]);
    let run = std::fs::read_dir(state.join("runs")).unwrap().next().unwrap().unwrap();
    run.file_name().into_string().unwrap()
}

#[test]
fn verify_compares_the_head_of_a_run_a_journal_and_evidence_with_the_one_that_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let run = drilled(&state);
    let out = folder.path().join("run.tar");
    let (code, _, err) = backroad(&state, &["export", &run, "-o", out.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let told = err.split("told elsewhere: ").nth(1).unwrap().split_whitespace().next().unwrap();
    let journal = state.join("runs").join(&run).join(JOURNAL);
    let first = std::fs::read_to_string(&journal).unwrap();
    let first: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    let elsewhere = folder.path().join(JOURNAL);
    std::fs::copy(&journal, &elsewhere).unwrap();
    for what in [
        run.as_str(),
        journal.to_str().unwrap(),
        elsewhere.to_str().unwrap(),
        out.to_str().unwrap(),
    ] {
        for head in [told.to_owned(), told.to_uppercase()] {
            let (code, out, err) = backroad(&state, &["verify", what, "--head", &head]);
            assert_eq!(code, 0, "{what}: {out}{err}");
        }
        for other in ["0".repeat(64), first["hash"].as_str().unwrap().to_owned()] {
            let (code, out, _) = backroad(&state, &["verify", what, "--head", &other]);
            assert_eq!(code, 1, "{what}");
            assert!(out.contains("the head that was told"), "{what}: {out}");
        }
        let (code, _, err) = backroad(&state, &["verify", what, "--head", &told[..10]]);
        assert!(code == 2 && err.contains("64 hexadecimal digits"), "{err}");
    }
}

#[test]
fn a_journal_that_belongs_to_no_run_does_not_verify() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let path = folder.path().join("forged.jsonl");
    let prev = "0".repeat(64);
    let event = r#"{"v":1,"seq":1,"at":"2026-01-01T00:00:00Z","epoch":1,"event":{"kind":"deadline_passed"}}"#;
    let start = format!(r#"{{"seq":1,"prev":"{prev}","hash":"{prev}","event":{event}}}"#);
    let (chained, _) = rechained(&(start + "\n"), |_| ());
    for (bytes, why) in [(chained, "does not open a run"), (Vec::new(), "there is none")] {
        std::fs::write(&path, bytes).unwrap();
        let (code, out, err) = backroad(&state, &["verify", path.to_str().unwrap()]);
        assert_eq!(code, 1, "{out}{err}");
        assert!(out.contains(why), "{out}");
    }
}

/// Keys as ssh-keygen makes them; none where it is not there, which is said.
struct Keys(tempfile::TempDir);

impl Keys {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let keys = Self(folder);
        for (name, kind, secret) in [
            ("ada", "ed25519", ""),
            ("eve", "ed25519", ""),
            ("locked", "ed25519", "secret"),
            ("ec", "ecdsa", ""),
        ] {
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", kind, "-N", secret, "-C", name, "-f"]).arg(keys.path(name));
            if !command.status().is_ok_and(|status| status.success()) {
                // Past the capture of the test harness: a skipped test is seen.
                drop(std::io::stderr().write_all(b"SKIPPED: no ssh-keygen to make keys with\n"));
                return None;
            }
        }
        Some(keys)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn word(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn signed_evidence_is_trusted_by_its_key_alone_and_ssh_keygen_agrees() {
    let Some(keys) = Keys::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let run = drilled(&state);
    let (signed, bare) = (folder.path().join("signed.tar"), folder.path().join("bare.tar"));
    let (signed, bare) = (signed.to_str().unwrap(), bare.to_str().unwrap());
    let (code, _, err) =
        backroad(&state, &["export", &run, "-o", signed, "--sign", &keys.word("ada")]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("It is signed with the key SHA256:"), "{err}");
    assert_eq!(backroad(&state, &["export", &run, "-o", bare]).0, 0);
    let elsewhere = folder.path().join("elsewhere");
    let allowed = keys.path("allowed");
    let ada = std::fs::read_to_string(keys.path("ada.pub")).unwrap();
    std::fs::write(&allowed, format!("# auditors\nada@example.org {ada}")).unwrap();
    let allowed = allowed.to_str().unwrap();

    for trusted in [keys.word("ada.pub"), allowed.to_owned()] {
        let (code, out, err) = backroad(&elsewhere, &["verify", signed, "--trusted", &trusted]);
        assert_eq!(code, 0, "{out}{err}");
        assert!(
            out.contains("It is signed with the key SHA256:") && out.contains("of ada"),
            "{out}"
        );
    }
    let (code, out, _) = backroad(&elsewhere, &["verify", signed]);
    assert!(code == 0 && out.contains("`--trusted KEYS` judges"), "{out}");
    let (code, out, _) = backroad(&elsewhere, &["verify", bare]);
    assert!(code == 0 && out.contains("Nobody signed it"), "{out}");
    // Unsigned, or signed by another: refused, and with the status of what is refused.
    let (code, out, _) =
        backroad(&elsewhere, &["verify", bare, "--trusted", &keys.word("ada.pub")]);
    assert!(code == 4 && out.contains("It is refused: nobody signed it"), "{code} {out}");
    let words = ["verify", signed, "--trusted", &keys.word("eve.pub"), "--output", "json"];
    let (code, out, _) = backroad(&elsewhere, &words);
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &said["whole"], &said["trusted"]), (4, &json!(true), &json!(false)), "{out}");
    assert!(said["distrusted"].as_str().unwrap().contains("none of the trusted keys"), "{out}");
    // A journal by itself is signed by nobody.
    let journal = state.join("runs").join(&run).join(JOURNAL);
    let words = ["verify", journal.to_str().unwrap(), "--trusted", &keys.word("ada.pub")];
    assert_eq!(backroad(&elsewhere, &words).0, 4);

    // The auditor needs nothing of ours: tar and ssh-keygen.
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    assert!(
        Command::new("tar").args(["-xf", signed, "-C"]).arg(&taken).status().unwrap().success()
    );
    let manifest = std::fs::File::open(taken.join("manifest.json")).unwrap();
    let checked = Command::new("ssh-keygen")
        .args([
            "-Y",
            "verify",
            "-f",
            allowed,
            "-I",
            "ada@example.org",
            "-n",
            "backroad-evidence",
            "-s",
        ])
        .arg(taken.join("manifest.json.sig"))
        .stdin(manifest)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn a_signature_that_is_not_of_this_evidence_is_refused() {
    let Some(keys) = Keys::new() else { return };
    let key = SigningKey::parse(&std::fs::read(keys.path("ada")).unwrap()).unwrap();
    let trusted = Trusted::parse(&std::fs::read_to_string(keys.path("ada.pub")).unwrap()).unwrap();
    let expected = Expected { head: None, trusted: Some(&trusted) };
    let mut pack = Pack::kept();
    let head = pack.head();
    let by_ssh_keygen = |namespace: &str, name: &str, text: &[u8]| {
        let path = keys.path("text");
        std::fs::write(&path, text).unwrap();
        drop(std::fs::remove_file(keys.path("text.sig")));
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(keys.path(name)).arg(&path);
        assert!(command.stderr(Stdio::null()).status().unwrap().success());
        std::fs::read(keys.path("text.sig")).unwrap()
    };
    let with = |signature: &[u8]| {
        let mut pack = pack.clone();
        pack.0.push(("manifest.json.sig".to_owned(), signature.to_vec()));
        pack
    };
    let manifest = pack.clone().at("manifest.json").clone();
    // What ssh-keygen signs counts like ours.
    let good = by_ssh_keygen("backroad-evidence", "ada", &manifest);
    let report = evidence::check(&with(&good).bytes(), &expected);
    assert_eq!((report.first_bad, report.distrusted), (None, None));
    assert!(matches!(report.signed, Signed::Trusted(_)));
    for (signature, why) in [
        (by_ssh_keygen("file", "ada", &manifest), "it was made for `file`"),
        (by_ssh_keygen("backroad-evidence", "ada", b"another text"), "not a signature of this"),
        (b"".to_vec(), "it is none"),
        (b"trust me".to_vec(), "it is none"),
        ([&good[..], b"\n"].concat(), "manifest.json.sig"),
        ([b"From: ada\n", &good[..]].concat(), "manifest.json.sig"),
    ] {
        let report = evidence::check(&with(&signature).bytes(), &expected);
        assert!(report.distrusted.is_some() && !matches!(report.signed, Signed::Trusted(_)));
        let found = report.first_bad.unwrap();
        assert!(found.contains(why), "{found}: {why}");
    }
    // Each byte of it counts.
    for at in (40..good.len() - 40).step_by(11) {
        let mut changed = good.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let report = evidence::check(&with(&changed).bytes(), &expected);
        assert!(report.first_bad.is_some() || report.distrusted.is_some(), "byte {at}");
    }
    // Signed, and changed since: nobody says then that nobody signed it.
    let mut edited = with(&good);
    edited.at("report.html").push(b' ');
    let report = evidence::check(&edited.bytes(), &expected);
    assert!(report.first_bad.is_some());
    let distrusted = report.distrusted.unwrap();
    assert!(distrusted.contains("its signature was not looked at"), "{distrusted}");
    // The signature of one evidence under another, and one that was signed and edited since.
    let mut other = with(&good);
    other.at("report.html").push(b' ');
    let other = Pack(other.0.clone()).without("manifest.json.sig").sealed(&head);
    let mut other = other;
    other.0.push(("manifest.json.sig".to_owned(), good.clone()));
    let report = evidence::check(&other.bytes(), &expected);
    assert!(report.first_bad.unwrap().contains("not a signature of this manifest"));
    // Twice signed, or not at the end.
    let mut twice = with(&good);
    twice.0.push(("manifest.json.sig".to_owned(), good.clone()));
    refused(&twice.bytes(), "twice");
    let mut early = with(&good);
    let last = early.0.pop().unwrap();
    early.0.insert(1, last);
    refused(&early.bytes(), "another place");
    // Signed by somebody else: whole, and not trusted.
    let eve = by_ssh_keygen("backroad-evidence", "eve", &manifest);
    let report = evidence::check(&with(&eve).bytes(), &expected);
    assert_eq!(report.first_bad, None);
    assert!(report.distrusted.unwrap().contains("none of the trusted keys"));
    assert!(key.signer().key.starts_with("SHA256:"));
}

#[test]
fn a_key_that_cannot_sign_or_be_trusted_says_so_and_nothing_is_written() {
    let Some(keys) = Keys::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let run = drilled(&state);
    let out = folder.path().join("out.tar");
    for (name, why) in [
        ("locked", "locked with a passphrase"),
        ("ada.pub", "it is a public key"),
        ("ec", "ed25519"),
        ("none", "cannot be read"),
    ] {
        let words = ["export", &run, "-o", out.to_str().unwrap(), "--sign", &keys.word(name)];
        let (code, _, err) = backroad(&state, &words);
        assert!(code == 2 && err.contains(why), "{name}: {code} {err}");
        assert!(!out.exists(), "{name}");
    }
    let evidence = file("tests/fixtures/journals/v1/evidence.tar");
    for (name, why) in [("ada", "private key"), ("none", "cannot be read")] {
        let words = ["verify", evidence.to_str().unwrap(), "--trusted", &keys.word(name)];
        let (code, _, err) = backroad(&state, &words);
        assert!(code == 2 && err.contains(why), "{name}: {code} {err}");
    }
}
