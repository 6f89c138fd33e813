//! What a CI system gets to see, and the examples of docs/ci.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::file;
use crate::support::process::backroad;

/// A command within a CI system: exit status, log, and what it got for its page.
fn within(folder: &Path, system: &str, words: &[&str]) -> (i32, String, String) {
    let page = folder.join("summary.md");
    drop(std::fs::remove_file(&page));
    let mut command = backroad(folder, words);
    match system {
        "github" => command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &page),
        _ => command.env("TF_BUILD", "True").env("AGENT_TEMPDIRECTORY", folder),
    };
    let Output { status, stdout, stderr } = command.output().unwrap();
    let log =
        format!("{}{}", String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    let page = match log.split("##vso[task.uploadsummary]").nth(1) {
        Some(rest) => std::fs::read_to_string(rest.lines().next().unwrap()).unwrap(),
        None => std::fs::read_to_string(page).unwrap_or_default(),
    };
    (status.code().unwrap(), log, page)
}

#[test]
fn a_mistake_is_marked_at_its_line_and_stands_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(file("runbooks/dr-circuit.yaml")).unwrap();
    let at = text.lines().position(|line| line.contains("action: gateway.ensure")).unwrap() + 1;
    let wrong = folder.path().join("wrong,book.yaml");
    std::fs::write(&wrong, text.replace("action: gateway.ensure", "action: gateway.insure"))
        .unwrap();
    let wrong = wrong.to_str().unwrap();
    let (code, log, page) = within(folder.path(), "github", &["check", wrong]);
    assert_eq!(code, 3);
    let named = wrong.replace(',', "%2C");
    assert!(log.contains(&format!("\n::error file={named},line={at},col=")), "{log}");
    assert!(
        page.contains("❌ backroad check") && page.contains(&format!(":{at}:").replace(':', ":")),
        "{page}"
    );
    let (_, log, page) = within(folder.path(), "azure", &["check", wrong]);
    assert!(
        log.contains(&format!(
            "##vso[task.logissue type=error;sourcepath={wrong};linenumber={at};"
        )),
        "{log}"
    );
    assert!(page.contains("❌ backroad check"), "{page}");
    let (code, log, page) = within(folder.path(), "github", &["check", "runbooks/dr-circuit.yaml"]);
    assert_eq!((code, log.contains("::error")), (0, false));
    assert!(page.contains("✅"), "{page}");
    // Not asked for, nothing is marked.
    let plain = backroad(folder.path(), &["check", wrong]).output().unwrap();
    assert!(!String::from_utf8_lossy(&plain.stderr).contains("::error"));
}

#[test]
fn a_plan_and_a_drill_have_a_page_and_mark_what_fails() {
    let folder = tempfile::tempdir().unwrap();
    let world = ["--world", "runbooks/worlds/two-circuits.yaml"];
    let plan = [&["plan", "runbooks/dr-circuit.yaml"], &world[..]].concat();
    let (_, _, page) = within(folder.path(), "github", &plan);
    assert!(page.contains("backroad plan: dr") && page.contains("| gateway |"), "{page}");
    let drill = ["drill", "runbooks/dr-circuit.yaml"];
    let (code, log, page) = within(folder.path(), "github", &drill);
    assert_eq!((code, log.contains("::error")), (0, false), "{log}");
    assert!(page.contains("✅ backroad drill") && page.contains("Simulated"), "{page}");
    let fails = ["drill", "runbooks/dr-circuit.yaml", "--region-down", "southeastasia"];
    for (system, mark) in [
        ("github", "::error file=runbooks/dr-circuit.yaml"),
        ("azure", "##vso[task.logissue type=error;"),
    ] {
        let (code, log, _) = within(folder.path(), system, &fails);
        assert!(code != 0 && log.contains(mark), "{log}");
    }
}

#[test]
fn what_an_author_wrote_is_no_command_of_the_agents() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(file("runbooks/dr-circuit.yaml")).unwrap();
    let title = text.lines().find(|line| line.starts_with("title:")).unwrap().to_owned();
    let hostile =
        "title: \"a ##vso[task.setvariable variable=X]y\\n::set-output name=a::b ##[error]\"";
    let book = folder.path().join("hostile.yaml");
    std::fs::write(&book, text.replace(&title, hostile)).unwrap();
    let world = file("runbooks/worlds/two-circuits.yaml");
    let drill = ["drill", book.to_str().unwrap(), "--world", world.to_str().unwrap()];
    for words in [
        [&drill[..], &["--output", "jsonl"]].concat(),
        vec!["drill", book.to_str().unwrap(), "--world", world.to_str().unwrap()],
        vec!["check", book.to_str().unwrap()],
        vec![
            "plan",
            book.to_str().unwrap(),
            "--world",
            world.to_str().unwrap(),
            "--output",
            "json",
        ],
    ] {
        for system in ["github", "azure"] {
            let (_, log, _) = within(folder.path(), system, &words);
            assert!(!log.contains("##vso[task.setvariable") && !log.contains("##[error]"), "{log}");
            assert!(
                !log.lines().any(|line| line.trim_start().starts_with("::set-output")),
                "{log}"
            );
        }
    }
}

/// The shell lines of an example, as they stand: what follows `run: |` or `script: |`, and what stands on such a line.
fn commands(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start().trim_start_matches("- ");
        let Some(rest) =
            ["run:", "script:", "bash:"].iter().find_map(|key| trimmed.strip_prefix(key))
        else {
            continue;
        };
        if rest.trim() != "|" {
            all.push(rest.trim().to_owned());
            continue;
        }
        // Of the key, which may stand behind a dash.
        let depth = line.len() - trimmed.len();
        let mut script = String::new();
        while let Some(next) = lines.peek()
            && (next.trim().is_empty() || next.len() - next.trim_start().len() > depth)
        {
            script.push_str(lines.next().unwrap().trim_start());
            script.push('\n');
        }
        all.push(script);
    }
    all
}

#[cfg(unix)]
#[test]
fn the_examples_for_ci_run_as_they_stand() {
    let binary = Path::new(env!("CARGO_BIN_EXE_backroad")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", binary.display());
    for (example, system) in
        [("github-actions.yml", "GITHUB_ACTIONS"), ("azure-pipelines.yml", "TF_BUILD")]
    {
        let text = std::fs::read_to_string(file("docs/ci").join(example)).unwrap();
        let yaml: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        assert!(yaml.is_mapping());
        let folder = tempfile::tempdir().unwrap();
        // As a checkout would have them.
        let to = folder.path().join("runbooks");
        let copied = Command::new("cp").arg("-R").arg(file("runbooks")).arg(&to).status().unwrap();
        assert!(copied.success());
        let all: Vec<String> = commands(&text)
            .into_iter()
            .filter(|script| !script.contains("install-backroad"))
            .collect();
        assert!(all.len() >= 3, "{example}: {all:?}");
        for script in all {
            let mut command = Command::new("sh");
            command.env_clear().env("PATH", &path).env(system, "true").env("HOME", folder.path());
            command.env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"));
            command.env("AGENT_TEMPDIRECTORY", folder.path());
            command.env("BACKROAD_STATE_DIR", folder.path().join("state"));
            command.args(["-euc", &script]).current_dir(folder.path()).stdin(Stdio::null());
            let output = command.output().unwrap();
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{example}: {script}: {log}");
        }
        assert!(folder.path().join("drill.xml").exists(), "{example} publishes it");
    }
}
