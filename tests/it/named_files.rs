//! What a person or a file names is read only if it is a file, below where it may be, and of a size and
//! depth that it may have; the answer comes at once. A kept plan is as it was kept, or refused.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]
#![expect(
    clippy::disallowed_methods,
    reason = "how long a person waits is measured on the host's clock"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::file;
use crate::support::process::binary;

/// How long an answer may take; a second, and what a busy machine adds to it.
const AT_ONCE: Duration = Duration::from_secs(20);

fn backroad(folder: &Path, words: &[&str]) -> (i32, String) {
    let begun = Instant::now();
    let mut command = binary();
    command.args(words).arg("--state-dir").arg(folder.join("state"));
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    assert!(begun.elapsed() < AT_ONCE, "{words:?} took {:?}", begun.elapsed());
    let code = status.code().unwrap_or_else(|| panic!("{words:?} was killed: {status}"));
    (code, String::from_utf8_lossy(&[stderr, stdout].concat()).into_owned())
}

/// A folder with the shipped runbook of a drill, naming another world.
fn with_world(named: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(file("runbooks/dr-circuit.yaml")).unwrap();
    let text = text.replace("world: worlds/two-circuits.yaml", &format!("world: {named}"));
    let here = folder.path().join("here");
    std::fs::create_dir_all(here.join("worlds")).unwrap();
    let worlds = file("runbooks/worlds");
    std::fs::copy(worlds.join("two-circuits.yaml"), here.join("worlds/base.yaml")).unwrap();
    std::fs::copy(worlds.join("two-circuits.yaml"), folder.path().join("outside.yaml")).unwrap();
    let runbook = here.join("runbook.yaml");
    std::fs::write(&runbook, text).unwrap();
    (folder, runbook)
}

fn drill(folder: &Path, runbook: &Path) -> (i32, String) {
    backroad(folder, &["drill", runbook.to_str().unwrap()])
}

#[test]
fn a_world_that_leaves_the_runbooks_folder_is_refused() {
    for named in ["../outside.yaml", "worlds/../../outside.yaml", "/etc/hostname", "link.yaml"] {
        let (folder, runbook) = with_world(named);
        #[cfg(unix)]
        std::os::unix::fs::symlink(
            folder.path().join("outside.yaml"),
            folder.path().join("here/link.yaml"),
        )
        .unwrap();
        let (code, err) = drill(folder.path(), &runbook);
        assert_eq!(code, 3, "{named}: {err}");
        assert!(err.contains(named) && err.contains("folder of the file"), "{named}: {err}");
    }
}

#[test]
fn what_a_world_extends_leaves_no_folder_and_is_relative_to_the_file_that_says_it() {
    let (folder, runbook) = with_world("worlds/top.yaml");
    let worlds = folder.path().join("here/worlds");
    std::fs::create_dir(worlds.join("deeper")).unwrap();
    std::fs::rename(worlds.join("base.yaml"), worlds.join("deeper/base.yaml")).unwrap();
    let write = |name: &str, base: &str| {
        let text = format!("extends: {base}\nworld: w\ndescription: x\n");
        std::fs::write(worlds.join(name), text).unwrap();
    };
    write("top.yaml", "deeper/middle.yaml");
    write("deeper/middle.yaml", "base.yaml");
    let (code, err) = drill(folder.path(), &runbook);
    assert_eq!(code, 0, "{err}");
    for base in ["../../outside.yaml", "/etc/hostname", "deeper/../../../outside.yaml"] {
        write("top.yaml", base);
        let (code, err) = drill(folder.path(), &runbook);
        assert_eq!(code, 3, "{base}: {err}");
        assert!(err.contains(base) && err.contains("below the folder"), "{base}: {err}");
    }
    write("top.yaml", "top.yaml");
    assert!(drill(folder.path(), &runbook).1.contains("is it a circle?"));
}

#[cfg(unix)]
#[test]
fn a_fifo_a_device_or_a_folder_is_no_file_and_nobody_waits_for_it() {
    let (folder, runbook) = with_world("worlds/fifo");
    let fifo = folder.path().join("here/worlds/fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let (code, err) = drill(folder.path(), &runbook);
    assert!(code == 2 && err.contains("it is a FIFO"), "{code}: {err}");
    std::fs::write(folder.path().join("here/worlds/top.yaml"), "extends: fifo\nworld: w\n")
        .unwrap();
    let top = folder.path().join("here/worlds/top.yaml");
    let runbook = runbook.to_str().unwrap();
    for (what, words) in [
        ("a FIFO", vec!["drill", runbook, "--world", top.to_str().unwrap()]),
        ("a FIFO", vec!["check", fifo.to_str().unwrap()]),
        ("a FIFO", vec!["run", "--plan", fifo.to_str().unwrap()]),
        ("a FIFO", vec!["verify", fifo.to_str().unwrap()]),
        ("a FIFO", vec!["sim", "serve", "--world", fifo.to_str().unwrap()]),
        ("a device", vec!["drill", runbook, "--world", "/dev/zero"]),
        ("a device", vec!["check", "/dev/zero"]),
        ("a device", vec!["run", "--plan", "/dev/zero"]),
        ("a device", vec!["verify", "/dev/zero"]),
        ("a folder", vec!["check", "/"]),
        ("a folder", vec!["drill", runbook, "--world", "/"]),
    ] {
        let (code, err) = backroad(folder.path(), &words);
        assert!([2, 3].contains(&code), "{words:?}: {code}: {err}");
        assert!(err.contains(what), "{words:?}: {err}");
    }
    for (part, why) in
        [("../outside.yaml", "must lead below the folder"), ("worlds/fifo", "a FIFO")]
    {
        let text = format!("runbook: a\ntitle: a\nsteps:\n  a:\n    use: {part}\n");
        let path = folder.path().join("here/part.yaml");
        std::fs::write(&path, text).unwrap();
        let (code, err) = backroad(folder.path(), &["check", path.to_str().unwrap()]);
        assert!(code == 3 && err.contains(why), "{part}: {err}");
    }
}

#[test]
fn what_is_nested_100_000_deep_gets_its_answer_at_once_wherever_it_stands() {
    let (folder, runbook) = with_world("worlds/base.yaml");
    let deep = folder.path().join("here/deep.yaml");
    let top = folder.path().join("here/top.yaml");
    std::fs::write(&top, "extends: deep.yaml\nworld: w\n").unwrap();
    let using = folder.path().join("here/using.yaml");
    let text = "runbook: a\ntitle: a\nsteps:\n  a:\n    use: deep.yaml\n";
    std::fs::write(&using, text).unwrap();
    let (runbook, deep_path) = (runbook.to_str().unwrap(), deep.to_str().unwrap());
    for (name, unit) in [
        ("flow", "["),
        ("flow maps", "{a: "),
        ("block", "- "),
        ("keys", "? "),
        ("json", "{\"a\":["),
    ] {
        std::fs::write(&deep, unit.repeat(100_000)).unwrap();
        for words in [
            vec!["drill", runbook, "--world", deep_path],
            vec!["drill", runbook, "--world", top.to_str().unwrap()],
            vec!["check", deep_path],
            vec!["check", using.to_str().unwrap()],
            vec!["run", "--plan", deep_path],
            vec!["verify", deep_path],
        ] {
            let (code, err) = backroad(folder.path(), &words);
            assert!([1, 2, 3].contains(&code), "{name} {words:?}: {code}: {err}");
        }
        // Within a world that is one otherwise, where quotes and blocks of text stand before it.
        let base = std::fs::read_to_string(folder.path().join("here/worlds/base.yaml")).unwrap();
        let text = format!("{base}\nfaults: {}", unit.repeat(100_000));
        std::fs::write(&deep, text).unwrap();
        let (code, err) = backroad(folder.path(), &["drill", runbook, "--world", deep_path]);
        let placed = err.contains("deep.yaml:") && err.contains("error[BR000");
        assert!(code == 3 && placed, "{name}: {code}: {err}");
    }
}

#[test]
fn a_file_that_is_larger_than_it_may_be_is_not_read_into_memory() {
    let (folder, runbook) = with_world("worlds/base.yaml");
    let large = folder.path().join("large.yaml");
    // A hole: it takes no room on the disk.
    std::fs::File::create(&large).unwrap().set_len(1 << 40).unwrap();
    let large = large.to_str().unwrap();
    for words in [
        vec!["check", large],
        vec!["drill", runbook.to_str().unwrap(), "--world", large],
        vec!["run", "--plan", large],
    ] {
        let (code, err) = backroad(folder.path(), &words);
        assert!(code == 2 && err.contains("more than the"), "{words:?}: {code}: {err}");
    }
}

/// A plan that is kept, and the words to run it.
fn kept_plan(folder: &Path) -> (PathBuf, Value) {
    let kept = folder.join("plan.json");
    let world = file("runbooks/worlds/two-circuits.yaml");
    let runbook = file("runbooks/dr-circuit.yaml");
    let words = ["plan", runbook.to_str().unwrap(), "--world", world.to_str().unwrap(), "--out"];
    let (code, err) = backroad(folder, &[&words[..], &[kept.to_str().unwrap()]].concat());
    assert_eq!(code, 0, "{err}");
    let value = serde_json::from_slice(&std::fs::read(&kept).unwrap()).unwrap();
    (kept, value)
}

#[test]
fn a_kept_plan_is_covered_by_its_digest_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, value) = kept_plan(folder.path());
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&kept, bytes).unwrap();
        let (code, err) = backroad(folder.path(), &["run", "--plan", kept.to_str().unwrap()]);
        assert!([2, 4].contains(&code), "{what}: {code}: {err}");
        assert!(err.contains("was edited") || err.contains("no saved plan"), "{what}: {err}");
    };
    let pretty = |value: &Value| serde_json::to_vec_pretty(value).unwrap();
    // The very thing: nothing was seen, so nothing can have changed.
    let mut edited = value.clone();
    edited["seen"] = serde_json::json!({});
    refused(&pretty(&edited), "seen nothing");
    for name in value["seen"].as_object().unwrap().keys() {
        let mut edited = value.clone();
        edited["seen"].as_object_mut().unwrap().remove(name).unwrap();
        refused(&pretty(&edited), name);
    }
    for (pointer, new) in [
        ("/runbook", "other.yaml"),
        ("/looked_at", "https://elsewhere.example"),
        ("/profile", "another"),
        ("/plan/title", "Another"),
        ("/plan_digest", "00"),
        ("/digest", "00"),
    ] {
        let mut edited = value.clone();
        *edited.pointer_mut(pointer).unwrap() = Value::from(new);
        refused(&pretty(&edited), pointer);
    }
    let mut edited = value.clone();
    let (name, one) = edited["seen"].as_object().unwrap().iter().next().unwrap();
    let (name, mut one) = (name.clone(), one.clone());
    one["verdict"] = "holds".into();
    one["resources"] = serde_json::json!([]);
    edited["seen"][&name] = one;
    refused(&pretty(&edited), "seen otherwise");
    // The same meaning, written otherwise.
    refused(&serde_json::to_vec(&value).unwrap(), "in one line");
    let text = String::from_utf8(pretty(&value)).unwrap();
    refused(text.replacen("\"seen\": {", "\"seen\": {}, \"seen\": {", 1).as_bytes(), "twice");
    refused(text.replacen('{', "{\"more\": 1,", 1).as_bytes(), "more");
}

#[test]
fn a_kept_plan_whose_digest_was_made_anew_still_has_to_speak_of_every_step() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, mut value) = kept_plan(folder.path());
    value["seen"] = serde_json::json!({});
    value["digest"] = "".into();
    let mut hasher = blake3::Hasher::new_derive_key("backroad saved plan v2");
    hasher.update(&serde_json::to_vec_pretty(&value).unwrap());
    value["digest"] = hasher.finalize().to_hex().to_string().into();
    std::fs::write(&kept, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
    let (code, err) = backroad(folder.path(), &["run", "--plan", kept.to_str().unwrap()]);
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("what was seen of step"), "{err}");
}

#[test]
fn a_kept_plan_of_an_earlier_form_is_refused_by_its_form() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, mut value) = kept_plan(folder.path());
    value["schema"] = "backroad.saved_plan/1".into();
    std::fs::write(&kept, serde_json::to_vec_pretty(&value).unwrap()).unwrap();
    let (code, err) = backroad(folder.path(), &["run", "--plan", kept.to_str().unwrap()]);
    assert!(code == 4 && err.contains("backroad.saved_plan/1"), "{err}");
}

#[cfg(unix)]
#[test]
fn what_is_written_follows_no_link_and_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    std::fs::write(&victim, "keep me").unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&victim, &link).unwrap();
    let runbook = file("runbooks/dr-circuit.yaml");
    let world = file("runbooks/worlds/two-circuits.yaml");
    let (runbook, world) = (runbook.to_str().unwrap(), world.to_str().unwrap());
    let (code, err) = backroad(folder.path(), &["drill", runbook]);
    assert_eq!(code, 0, "{err}");
    let runs = std::fs::read_dir(folder.path().join("state/runs")).unwrap();
    let run = runs.map(|run| run.unwrap().file_name()).next().unwrap().into_string().unwrap();
    for out in [link.to_str().unwrap(), "/dev/stdout", folder.path().to_str().unwrap()] {
        for words in [
            vec!["plan", runbook, "--world", world, "--out", out],
            vec!["render", runbook, "--without-drills", "-o", out],
            vec!["report", &run, "-o", out],
            vec!["export", &run, "-o", out],
        ] {
            let (code, err) = backroad(folder.path(), &words);
            assert_eq!(code, 2, "{words:?}: {err}");
            assert!(err.contains(out), "{words:?}: {err}");
        }
    }
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "keep me");
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    let left = std::fs::read_dir(folder.path()).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "nothing is left beside: {left:?}");
}

#[test]
fn check_says_which_files_of_another_day_are_not_there() {
    let (folder, runbook) = with_world("worlds/nope.yaml");
    let (code, out) = backroad(folder.path(), &["check", runbook.to_str().unwrap()]);
    assert_eq!(code, 0, "today nothing is wrong: {out}");
    for named in ["nope.yaml is no file", "dr-circuit-failback.yaml is no file"] {
        assert!(out.contains("warning[BR0416]") && out.contains(named), "{out}");
    }
}

#[test]
fn check_looks_at_the_other_files_where_some_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.yaml");
    std::fs::write(&list, "- a\n- b\n").unwrap();
    let list = list.to_str().unwrap();
    let gone = folder.path().join("gone.yaml");
    let words = ["check", gone.to_str().unwrap(), list, "/"];
    let (code, err) = backroad(folder.path(), &words);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("must be a mapping, and this is a list"), "{err}");
    assert!(err.contains("2 files cannot be read") && err.contains("gone.yaml: "), "{err}");
    let (code, err) = backroad(folder.path(), &["check", gone.to_str().unwrap()]);
    assert!(code == 2 && err.contains("The file ") && !err.contains("world"), "{err}");
}
