//! What a person types is exact: the script of a document, the screens of a failure, the time of a question.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn backroad(arguments: &[&str], state: &Path) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_backroad"))
        .args(arguments)
        .arg("--state-dir")
        .arg(state)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

fn shipped() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .map(|path| format!("runbooks/{}", path.file_name().unwrap().to_str().unwrap()))
        .collect();
    names.sort();
    names
}

fn script(runbook: &str, state: &Path) -> String {
    backroad(&["render", runbook, "--without-drills", "--format", "sh"], state)
}

/// An `az` that says what it was asked, finds nothing that is to be kept, and is refused where a file says so.
fn stub(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join("az");
    let text = "#!/bin/sh\nprintf '%s\\n' \"$*\" >>\"$ASKED\"\n[ ! -e \"$REFUSES\" ] || exit 3\n\
                case \"$*\" in 'rest --url '*|*'routingWeight||'*|*'--query name --output tsv')\n\
                echo 'ERROR: (ResourceNotFound)' >&2\nexit 3;;\nesac\necho key-of-nobody\n";
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

struct Typed {
    code: i32,
    asked: Vec<String>,
    said: String,
}

/// Runs a script with the stub, and these answers.
fn run(text: &str, folder: &Path, verb: &str, answers: &str, refuses: bool) -> Typed {
    stub(folder);
    let (file, asked, marker) =
        (folder.join("script.sh"), folder.join("asked"), folder.join("refuses"));
    std::fs::write(&file, text).unwrap();
    drop(std::fs::remove_file(&asked));
    drop(std::fs::remove_file(&marker));
    if refuses {
        std::fs::write(&marker, "").unwrap();
    }
    let mut child = Command::new("sh")
        .args(["-c", "PATH=\"$1:$PATH\" exec sh \"$2\" \"$3\"", "sh"])
        .args([folder, &file, Path::new(verb)])
        .env("ASKED", &asked)
        .env("REFUSES", &marker)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A script that stops early reads no further.
    drop(child.stdin.take().unwrap().write_all(answers.as_bytes()));
    let done = child.wait_with_output().unwrap();
    let asked = std::fs::read_to_string(&asked).unwrap_or_default();
    Typed {
        code: done.status.code().unwrap(),
        asked: asked.lines().map(str::to_owned).collect(),
        said: String::from_utf8_lossy(&done.stderr).into_owned(),
    }
}

#[test]
fn the_script_of_every_shipped_runbook_is_one_that_a_posix_shell_reads() {
    let folder = tempfile::tempdir().unwrap();
    for runbook in shipped() {
        let text = script(&runbook, folder.path());
        let file = folder.path().join("script.sh");
        std::fs::write(&file, &text).unwrap();
        let read = Command::new("sh").arg("-n").arg(&file).output().unwrap();
        assert!(read.status.success(), "{runbook}: {}", String::from_utf8_lossy(&read.stderr));
        assert!(text.contains("\nset -eu\n"), "{runbook}");
    }
}

#[test]
fn a_script_looks_first_and_types_nothing_where_it_is_so_already() {
    let folder = tempfile::tempdir().unwrap();
    let text = script("runbooks/dr-circuit.yaml", folder.path());
    let typed = run(&text, folder.path(), "forward", &"y\n".repeat(200), false);
    assert_eq!(typed.code, 0, "{}", typed.said);
    assert!(typed.said.contains("All steps are done."));
    let writes = |asked: &[String]| {
        let verbs = [" create ", " delete ", " update "];
        asked.iter().filter(|line| verbs.iter().any(|verb| line.contains(verb))).count()
    };
    assert_eq!(writes(&typed.asked), 0, "{:#?}", typed.asked);
    // And where it is not, it types them, in the document's order.
    // Two looks; the subnet; the gateway is begun and not waited for; the commander; the authorization; and what
    // was begun is looked at before the connection.
    let answers = "y\ny\n n\ny\n n\n Ann\n n\ny\n y\n".replace(' ', "") + &"n\ny\n".repeat(100);
    let typed = run(&text, folder.path(), "forward", &answers, false);
    assert!(writes(&typed.asked) > 5, "{}\n{:#?}", typed.said, typed.asked);
    let place = |part: &str| typed.asked.iter().position(|line| line.contains(part)).unwrap();
    assert!(place("vnet-gateway create") < place("vpn-connection create"));
    let told = |part: &str| typed.said.find(part).unwrap();
    assert!(told("Begun, and not waited for") < told("Who says yes?"), "{}", typed.said);
    assert!(
        told("Waiting for what was begun") < told("Connection of the gateway"),
        "{}",
        typed.said
    );
    let connection = &typed.asked[place("vpn-connection create")];
    assert!(connection.contains("--authorization-key key-of-nobody"), "{connection}");
}

#[test]
fn a_script_stops_at_a_gate_without_a_name_and_at_a_refusal_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let text = script("runbooks/dr-circuit.yaml", folder.path());
    let typed = run(&text, folder.path(), "forward", "y\ny\ny\ny\n\n", false);
    assert_eq!(typed.code, 1);
    assert!(typed.said.contains("Stopped at step 5."), "{}", typed.said);
    let typed = run(&text, folder.path(), "forward", "y\ny\nn\n\n", true);
    assert_eq!(typed.code, 1);
    assert!(typed.said.contains("That was refused."), "{}", typed.said);
    assert!(typed.said.contains("NetcfgInvalidSubnet"), "{}", typed.said);
    let typed = run(&text, folder.path(), "nothing", "", false);
    assert_eq!(typed.code, 2);
}

#[test]
fn every_variable_of_a_document_is_set_by_a_command_before_it_or_is_a_secret_of_the_runbook() {
    let folder = tempfile::tempdir().unwrap();
    for runbook in shipped() {
        let arguments = ["--output", "json", "render", &runbook, "--without-drills"];
        let document: serde_json::Value =
            serde_json::from_str(&backroad(&arguments, folder.path())).unwrap();
        for part in document["parts"].as_array().unwrap() {
            let secrets = part["secrets"].as_array().unwrap();
            let mut known: Vec<String> = secrets
                .iter()
                .map(|secret| secret["variable"].as_str().unwrap().to_owned())
                .collect();
            for step in part["steps"].as_array().unwrap() {
                for of in ["act", "check"] {
                    for command in step[of].as_array().unwrap() {
                        let text = command["command"].as_str().unwrap();
                        let (name, _) = text.split_once("=$(").unwrap_or_default();
                        known.push(name.to_owned());
                        let each =
                            text.strip_prefix("for ").and_then(|rest| rest.split_once(" in "));
                        known.extend(each.map(|(name, _)| name.to_owned()));
                        for used in text.split("\"$").skip(1) {
                            let used = used.split('"').next().unwrap();
                            let used = used.trim_start_matches('{').trim_end_matches(":?}");
                            assert!(
                                known.iter().any(|name| name == used),
                                "{runbook}: ${used} in {text}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_time_of_a_question_is_its_gates_and_a_quick_card_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--output", "json", "render", "runbooks/dr-circuit.yaml", "--without-drills"];
    let document: serde_json::Value =
        serde_json::from_str(&backroad(&arguments, folder.path())).unwrap();
    let steps = document["parts"][0]["steps"].as_array().unwrap();
    let gate = steps.iter().find(|step| step["name"] == "go_ahead").unwrap();
    assert_eq!(gate["timeout"], "4 h");
    for format in ["html", "md"] {
        let arguments =
            ["render", "runbooks/dr-circuit.yaml", "--without-drills", "--format", format];
        let text = backroad(&arguments, folder.path());
        let card = text.find("id=\"a-card\"").unwrap();
        assert!(card < text.find("About this document").unwrap(), "{format}: it is the first page");
        let chapter = text.find("id=\"a-use\"").unwrap();
        assert!(card < chapter, "{format}");
        assert!(text[card..chapter].contains("vnet-gateway create"), "{format}");
        assert!(text[card..chapter].contains("Whom to call"), "{format}");
    }
}

/// Whoever follows a card in its order must not do what belongs to another way of a decision.
#[test]
fn a_step_of_one_way_of_a_decision_says_so_wherever_steps_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["html", "md"] {
        let runbook = "runbooks/same-circuit-swap.yaml";
        let arguments = ["render", runbook, "--without-drills", "--format", format];
        let text = backroad(&arguments, folder.path());
        let of = |from: &str, to: &str| {
            let begins = text.find(from).unwrap();
            let ends = text[begins..].find(to).map_or(text.len(), |length| begins + length);
            text[begins..ends].to_owned()
        };
        let card = of("The order", "The commands that decide the time");
        let checklist = of("id=\"a-checklist\"", "id=\"b\"");
        for (list, about) in [(card, "card"), (checklist, "checklist")] {
            let line = |title: &str| {
                let mut lines = list.lines().filter(|line| line.contains(title));
                lines.next().unwrap_or_else(|| panic!("{format} {about}: {title}")).to_owned()
            };
            for (title, only) in [
                ("What now, with the source", "only if 7 could not be done"),
                ("authorization is revoked", "only if 8 says revoke"),
                ("Connection of the target to the circuit", "unless 8 says other_circuit"),
                ("Authorization on the other circuit", "only if 8 says other_circuit"),
                ("Connection of the target to the other circuit", "only if 8 says other_circuit"),
            ] {
                let line = line(title);
                let plain = line.replace("\\_", "_");
                assert!(plain.contains(only), "{format} {about}: {line}");
            }
        }
    }
}

/// A tunnel with an empty key would stand and never come up.
#[test]
fn an_empty_key_stops_and_says_where_else_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = "runbooks/vpn-last-path.yaml";
    let arguments = ["--output", "json", "render", runbook, "--without-drills"];
    let document: serde_json::Value =
        serde_json::from_str(&backroad(&arguments, folder.path())).unwrap();
    let steps = document["parts"][0]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["action"] == "vpn_connection.ensure").unwrap();
    let act = step["act"].as_array().unwrap();
    let read = act.iter().find(|one| one["command"].as_str().unwrap().contains("SHARED_KEY=$("));
    let read = read.unwrap();
    assert!(read["note"].as_str().unwrap().contains("who keeps the device"), "{read}");
    let make = act.last().unwrap()["command"].as_str().unwrap();
    assert!(make.contains("\"${SHARED_KEY:?}\""), "{make}");
    let signs = step["trouble"].as_array().unwrap();
    assert!(signs.iter().any(|one| one["sign"].as_str().unwrap().contains("key is empty")));
    // As a shell takes it: `az` answers nothing, or is not reached.
    let done = Command::new("sh")
        .arg("-c")
        .arg(format!("az() {{ return 1; }}\n{}", read["command"].as_str().unwrap()))
        .output()
        .unwrap();
    assert!(!done.status.success());
    assert_eq!(String::from_utf8(done.stdout).unwrap(), "Stop: SHARED_KEY is empty.\n");
}

/// The file in which a command keeps something.
fn kept(command: &str) -> Option<&str> {
    command.strip_prefix("keep ")?.split_whitespace().next()
}

#[test]
fn what_stood_before_a_step_is_kept_first_and_no_way_back_removes_it_blindly() {
    let folder = tempfile::tempdir().unwrap();
    let (mut kept_files, mut removed) = (0, 0);
    for runbook in shipped() {
        let arguments = ["--output", "json", "render", &runbook, "--without-drills"];
        let document: serde_json::Value =
            serde_json::from_str(&backroad(&arguments, folder.path())).unwrap();
        for part in document["parts"].as_array().unwrap() {
            for step in part["steps"].as_array().unwrap() {
                let typed = |of: &str| {
                    let all = step[of].as_array().unwrap().iter();
                    all.map(|one| one["command"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
                };
                let (act, back) = (typed("act"), typed("undo_commands"));
                let file = act.iter().find_map(|command| kept(command));
                kept_files += usize::from(file.is_some());
                for command in back.iter().filter(|command| command.contains(" delete")) {
                    removed += 1;
                    let file =
                        file.unwrap_or_else(|| panic!("{runbook}: nothing is kept\n{command}"));
                    assert!(
                        command.contains(file),
                        "{runbook}: {file} is not looked at\n{command}"
                    );
                }
            }
        }
    }
    assert!(kept_files > 100 && removed > 50, "{kept_files} kept, {removed} removed");
}

#[test]
fn what_cannot_be_read_is_not_taken_for_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--output", "json", "render", "runbooks/dr-circuit.yaml", "--without-drills"];
    let document: serde_json::Value =
        serde_json::from_str(&backroad(&arguments, folder.path())).unwrap();
    let words = document["parts"][0]["typed_first"]["command"].as_str().unwrap();
    let keep = |answer: &str| {
        let text = format!("{words}\nkeep before-x.json sh -c {answer}");
        let done =
            Command::new("sh").args(["-c", &text]).current_dir(folder.path()).output().unwrap();
        (done.status.success(), std::fs::read_to_string(folder.path().join("before-x.json")).ok())
    };
    // Words that others use as well: a shell, a proxy, and Azure of a subscription that is of another tenant.
    for other in [
        "Forbidden",
        "az: command not found",
        "Not Found(404 page not found)",
        "(SubscriptionNotFound) The subscription could not be found.",
    ] {
        assert_eq!(keep(&format!("'echo \"{other}\" >&2; exit 3'")), (false, None), "{other}");
    }
    for absent in [
        "ERROR: (ResourceNotFound) The Resource was not found.",
        "ERROR: (NotFound) Resource x not found.",
        "ERROR: (ResourceGroupNotFound) Resource group g could not be found.",
        r#"ERROR: Not Found({\"error\":{\"code\":\"ResourceNotFound\",\"message\":\"x\"}})"#,
        r#"{\"error\": {\"code\": \"ParentResourceNotFound\"}}"#,
    ] {
        let answer = format!("'echo \"{absent}\" >&2; exit 3'");
        assert_eq!(keep(&answer), (true, Some(String::new())), "{absent}");
        drop(std::fs::remove_file(folder.path().join("before-x.json")));
    }
    assert_eq!(keep("'echo body'"), (true, Some("body\n".to_owned())));
    // Once: what stands later is not what stood before.
    assert_eq!(keep("'echo other'"), (true, Some("body\n".to_owned())));
}

#[test]
fn a_command_of_ours_that_is_shown_finds_the_run_wherever_it_is_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("the state");
    let shown = backroad(&["drill", "runbooks/same-circuit.yaml"], &state);
    let place = format!("--state-dir '{}'", state.display());
    let commands = |text: &str| {
        let all = text.lines().filter(|line| line.trim_start().starts_with("backroad "));
        all.map(str::to_owned).collect::<Vec<_>>()
    };
    for text in [shown, backroad(&["status"], &state)] {
        let all = commands(&text);
        assert!(!all.is_empty(), "{text}");
        assert!(all.iter().all(|command| command.contains(&place)), "{all:#?}");
    }
    let refused = Command::new(env!("CARGO_BIN_EXE_backroad"))
        .args(["status", "01h00000000000000000000000", "--state-dir"])
        .arg(&state)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains(&format!("`backroad runs {place}`")), "{told}");
}
