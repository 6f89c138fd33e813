//! The log that is kept beside a run.

use super::{DRILL, lines, said};

#[test]
fn a_run_keeps_a_log_that_status_names_and_a_level_says_how_much_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let log_of = |words: &[&str]| {
        let (_, out, _) = said(state, &[&DRILL[..], &["--output", "jsonl"], words].concat());
        let run = lines(&out)[0]["run"].as_str().unwrap().to_owned();
        let (_, out, _) = said(state, &["status", &run, "--output", "jsonl"]);
        let status = &lines(&out)[0];
        let text = status["log"].as_str().map(|path| std::fs::read_to_string(path).unwrap());
        (run, text.unwrap_or_default())
    };
    let (run, usual) = log_of(&[]);
    assert!(usual.contains("backroad::event") && usual.contains("run_ended"), "{usual}");
    assert!(usual.contains("azure answered"), "each call and its answer");
    let (_, shown, _) = said(state, &["status", &run]);
    assert!(shown.contains("run.log"), "{shown}");
    let (_, quiet) = log_of(&["--log-level", "error"]);
    assert!(!quiet.contains("azure answered") && !quiet.contains("run_ended"), "{quiet}");
}

#[test]
fn a_log_at_its_fullest_holds_no_token_of_the_sdks() {
    // `secrets.rs` runs a failover so and looks through the whole state directory; here the ways are named.
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let words = [&DRILL[..], &["--log-level", "trace", "--output", "jsonl"]].concat();
    let (_, out, _) = said(state, &words);
    let run = lines(&out)[0]["run"].as_str().unwrap().to_owned();
    let log = std::fs::read_to_string(state.join("runs").join(&run).join("run.log")).unwrap();
    for word in [
        "Bearer",
        "bearer",
        "uthorization:",
        " DEBUG azure_core",
        " TRACE azure_core",
        "TRACE hyper",
    ] {
        assert!(!log.contains(word), "{word}");
    }
    assert!(log.contains("run_ended"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let log = std::fs::metadata(state.join("runs").join(&run).join("run.log")).unwrap();
        assert_eq!(log.permissions().mode() & 0o077, 0, "its owner's alone");
    }
}
