//! A file of the state directory is lost or damaged: what is said, and is there a way out? Never two runs on one
//! resource. The binary itself, against a served world.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::fs;
use std::path::Path;
use std::process::Output;

use super::outlives::{failover, json, only_run, simulator};
use crate::support::process::backroad;

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn at(state: &Path, words: &[&str]) -> (i32, String) {
    let output = backroad(state, words).output().unwrap();
    (output.status.code().unwrap(), said(&output))
}

#[test]
fn what_is_claimed_is_worked_out_anew_and_no_run_is_lost_with_one_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let served = simulator();
    let another = || at(state, &failover(&served));
    let (code, first) = another();
    assert_eq!(code, 10, "{first}");
    let run = only_run(state).unwrap();
    let dir = state.join("runs").join(&run);
    let claims = state.join("claims/claims.json");
    let whole = fs::read_to_string(&claims).unwrap();
    let works = format!("Run {run} works on");

    // The claims are lost, or one byte of an id is another: the run that waits has what it had.
    for lost in
        [None, Some("{".to_owned()), Some(whole.replacen("vnet-hub-sea", "vnet-hub-sex", 1))]
    {
        match lost {
            None => fs::remove_dir_all(state.join("claims")).unwrap(),
            Some(damaged) => fs::write(&claims, damaged).unwrap(),
        }
        let (code, checked) = at(state, &["store", "check"]);
        assert!(
            code == 1 && (checked.contains("claims") || checked.contains("claimed")),
            "{checked}"
        );
        let (code, refused) = another();
        assert!(code == 4 && refused.contains(&works), "{refused}");
        assert!(refused.contains("worked out anew") && refused.contains(&run), "{refused}");
        assert_eq!(at(state, &["store", "check"]).0, 0);
        let (code, refused) = another();
        assert!(code == 4 && !refused.contains("worked out anew"), "it was written: {refused}");
    }

    // Its meta.json is lost: it is there all the same, and says so.
    fs::remove_file(dir.join("meta.json")).unwrap();
    for words in [&["runs"][..], &["store", "check"]] {
        let (_, told) = at(state, words);
        assert!(told.contains("meta.json") && told.contains(&format!("resume {run}")), "{told}");
    }
    let (code, refused) = another();
    assert!(code == 4 && refused.contains(&works), "{refused}");
    assert_eq!(json(state, &["status", &run])["run"], run.as_str());
    assert_eq!(at(state, &["resume", &run]).0, 10, "it is driven on, and written anew");
    assert_eq!(at(state, &["store", "check"]).0, 0);

    // The claims are lost, and a run that has not ended cannot be read: nothing begins beside it.
    let journal = fs::read(dir.join("journal.jsonl")).unwrap();
    let anchor = fs::read(dir.join("anchor")).unwrap();
    fs::remove_file(&claims).unwrap();
    fs::write(dir.join("anchor"), b"x").unwrap();
    let (code, refused) = another();
    assert!(code == 5 && refused.contains(&dir.display().to_string()), "{refused}");
    assert!(refused.contains("cannot be read") && !claims.exists(), "{refused}");
    fs::write(dir.join("anchor"), anchor).unwrap();
    fs::write(dir.join("journal.jsonl"), journal).unwrap();
    assert_eq!(at(state, &["resume", &run]).0, 10);

    // Its store is damaged: it is named, and not the passing copy that was looked at.
    let (journal, db) = (dir.join("journal.jsonl"), dir.join("store/db"));
    let (exported, stored) = (fs::read(&journal).unwrap(), fs::read(&db).unwrap());
    fs::remove_file(&journal).unwrap();
    fs::write(&db, vec![0x5a; stored.len()]).unwrap();
    let (code, told) = at(state, &["status", &run]);
    assert!(code == 5 && told.contains(&dir.join("store").display().to_string()), "{told}");
    assert!(!told.contains("scratch-"), "{told}");
    fs::write(&db, stored).unwrap();
    fs::write(&journal, exported).unwrap();

    // What proves it is told to machines too: as many files as whoever checks it counts.
    let proof = folder.path().join("proof.tar");
    let proof = proof.to_str().unwrap();
    fs::write(dir.join("outbox.json"), "{}").unwrap();
    let exported = json(state, &["export", &run, "-o", proof]);
    assert_eq!(exported["schema"], "backroad.export/1");
    assert_eq!(exported["files"], json(state, &["verify", proof])["files"]);

    // All of it is gone, with its claims whole: who refuses says what is to be done, and that goes.
    fs::remove_dir_all(&dir).unwrap();
    let (code, refused) = another();
    assert!(code == 4 && refused.contains(&format!("Run {run} has claimed")), "{refused}");
    assert!(refused.contains(&claims.display().to_string()), "{refused}");
    fs::remove_file(&claims).unwrap();
    assert_eq!(another().0, 10);
}
