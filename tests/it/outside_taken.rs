//! The promise: a program and a service are given what earlier steps put out, as data, and nothing before it is there.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::Path;

use crate::support::file;
use crate::support::outside::{Web, compiled, program};
use crate::support::process::{backroad, serve};

/// Three steps: one puts out, a program and a service take it in.
fn runbook(folder: &Path, service: &str) -> String {
    std::fs::copy(file("runbooks/worlds/two-circuits.yaml"), folder.join("world.yaml")).unwrap();
    let at = folder.display();
    let text = format!(
        "runbook: taken
title: What one puts out another takes in
profiles: {{ drill: {{ world: world.yaml }}, live: {{}} }}
defaults: {{ timeout: 10m }}
steps:
  open:
    action: command
    undo: keep
    with:
      argv: [{at}/open]
      outputs: [{{ name: ticket, type: text }}, {{ name: number, type: number }}]
      drill: {{ outputs: {{ ticket: T-1, number: 7 }} }}
  note:
    needs: open
    action: command
    undo: keep
    with:
      argv: [{at}/note, \"--ticket=${{steps.open.ticket}}\", \"${{steps.open.number}}\"]
      stdin: \"about ${{steps.open.ticket}}\"
      check_argv: [{at}/noted, \"${{steps.open.number}}\"]
  close:
    needs: note
    action: http
    undo: keep
    with:
      url: \"{service}/tickets/${{steps.open.ticket}}/close\"
      body: '{{\"ticket\": \"${{steps.open.ticket}}\", \"number\": ${{steps.open.number}}}}'
      status: 200
"
    );
    let path = folder.join("taken.yaml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn what_a_step_puts_out_is_taken_in_as_data_by_programs_and_services() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    // Words of a shell, of a URL and of JSON, which are data here.
    let put = r#"printf '{"ticket": "a/../b c\\"; $(x)", "number": 7}'"#;
    program(folder.path(), "open", put);
    let note = format!("printf '%s|' \"$#\" \"$1\" \"$2\" >> {0}; cat >> {0}", told.display());
    program(folder.path(), "note", &note);
    program(folder.path(), "noted", &format!("test -f {} && test \"$1\" = 7", told.display()));
    let azure = serve("runbooks/worlds/two-circuits.yaml", 60);
    let web = Web::new(vec![(0, "200 ok")]);
    let runbook = runbook(folder.path(), &web.url);
    let state = folder.path().join("state");
    let words = ["run", &runbook, "--endpoint", &azure.endpoint];
    // What it asks is known in the run only: a plan runs none of it.
    let plan =
        backroad(&state, &["plan", &runbook, "--profile", "live", "--endpoint", &azure.endpoint]);
    let plan = { plan }.output().unwrap();
    let shown = String::from_utf8(plan.stdout).unwrap();
    assert!(shown.contains("takes in what earlier steps put out") && !told.exists(), "{shown}");
    let output = backroad(&state, &words).env("PATH", "/usr/bin:/bin").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ticket = "a/../b c\"; $(x)";
    let told = std::fs::read_to_string(told).unwrap();
    assert_eq!(told, format!("2|--ticket={ticket}|7|about {ticket}"));
    let asked = web.asked.lock().unwrap();
    assert!(
        asked[0].starts_with("POST /tickets/a%2F..%2Fb%20c%22%3B%20%24%28x%29/close "),
        "{asked:?}"
    );
    let body = asked[0].split("\r\n\r\n").nth(1).unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, serde_json::json!({ "ticket": ticket, "number": 7 }));
}

#[test]
fn a_drill_takes_in_what_the_stand_in_puts_out_and_a_document_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = runbook(folder.path(), "http://127.0.0.1:9");
    let state = folder.path().join("state");
    let drill = backroad(&state, &["drill", &runbook, "--output", "jsonl"]).output().unwrap();
    let lines = String::from_utf8(drill.stdout).unwrap();
    assert!(drill.status.success(), "{lines}");
    assert!(lines.contains("/tickets/T-1/close"), "{lines}");
    let script = ["render", &runbook, "--without-drills", "--format", "sh"];
    let script = backroad(&state, &script).output().unwrap();
    let script = String::from_utf8(script.stdout).unwrap();
    // Nothing is typed with a hole in it: the shell stops where the value was not set.
    assert!(script.contains(": \"${OPEN_TICKET:?what step open put out as ticket}\""), "{script}");
    assert!(
        script.contains("'--ticket='\"$OPEN_TICKET\"''") && !script.contains("${steps."),
        "{script}"
    );
}

#[test]
fn what_cannot_be_there_or_would_choose_the_program_is_refused_where_it_is_written() {
    let open = "  open: { action: command, undo: keep, with: { argv: [/bin/true], outputs: [{ name: ticket, type: \
                text }], drill: { outputs: { ticket: T } } } }\n";
    let later = |more: &str, with: &str| {
        let steps =
            format!("{open}  later: {{ {more}action: command, undo: keep, with: {{ {with} }} }}\n");
        let compiled = compiled("", &steps);
        let told: Vec<String> =
            compiled.diagnostics.sorted().iter().map(|one| one.message.clone()).collect();
        (compiled.plan.is_some(), told.join("\n"))
    };
    let (good, told) = later("needs: open, ", "argv: [/bin/echo, \"x ${steps.open.ticket}\"]");
    assert!(good, "{told}");
    let (good, told) = later("", "argv: [/bin/echo, \"${steps.open.ticket}\"]");
    assert!(!good && told.contains("may not be there by then"), "{told}");
    let (good, told) = later("needs: open, ", "argv: [\"${steps.open.ticket}\"]");
    assert!(!good && told.contains("by nothing else"), "{told}");
    let (good, told) = later("needs: open, ", "argv: [/bin/echo, \"$${steps.open.ticket}\"]");
    assert!(!good && told.contains("cannot stand as it is"), "{told}");
    let (good, told) = later("needs: open, ", "argv: [/bin/echo, \"${steps.open.nothing}\"]");
    assert!(!good, "{told}");
}
