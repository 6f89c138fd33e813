//! Messages on the command line, to receivers on loopback: signed, in order, without secrets; and `notify`.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::{Path, PathBuf};

use backroad::notify::signature;
use serde_json::Value;

use crate::support::outside::{Web, program};
use crate::support::process::backroad;

const KEY: &str = "whsec_c2VjcmV0LW9mLXRoZS1ob29rLTQ0YTE5Nw==";
const PATH_OF_HOOK: &str = "/services/T0442/B9913/q8WvZk2LmN4xYt7RpC1s";

struct Bench {
    folder: tempfile::TempDir,
    hook: String,
}

impl Bench {
    fn new(web: &Web) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), hook: format!("{}{PATH_OF_HOOK}", web.url) }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A runbook with these receivers.
    fn runbook(&self, notify: &str) -> String {
        let path = self.folder.path().join("told.yaml");
        let text = format!(
            "runbook: told\ntitle: Told\nnotify:\n{notify}\nprofiles:\n  drill: {{ people: {{ approve_after: 1m }} }}\n  \
             live: {{}}\ndefaults: {{ timeout: 10m }}\nsteps:\n  go: {{ action: approval, with: {{ question: May it begin? }} }}\n"
        );
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn ran(&self, words: &[&str]) -> (i32, String, String) {
        let output = backroad(&self.state(), words)
            .env("HOOK_URL", &self.hook)
            .env("HOOK_KEY", KEY)
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn drilled(&self, runbook: &str, more: &[&str]) -> (i32, String, String) {
        let world = "runbooks/worlds/two-circuits.yaml";
        self.ran(&[&["drill", runbook, "--world", world, "--output", "json"], more].concat())
    }
}

const HOOK: &str = "  room: { webhook: { secret_url: \"env:HOOK_URL\", key: \"env:HOOK_KEY\" } }\n";

/// Every byte that a folder holds.
fn bytes(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => all.extend(bytes(&path)),
            false => all.extend(std::fs::read(path).unwrap_or_default()),
        }
    }
    all
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn a_drill_tells_nobody_unless_somebody_says_so_and_then_signs_each_message() {
    let web = Web::new(vec![(0, "200 ok")]);
    let bench = Bench::new(&web);
    let runbook = bench.runbook(HOOK);
    let (code, out, err) = bench.drilled(&runbook, &[]);
    assert_eq!((code, web.count()), (0, 0), "{out}{err}");
    assert!(err.contains("would tell room"), "{err}");
    let (code, out, err) = bench.drilled(&runbook, &["--notify"]);
    assert_eq!((code, web.count()), (0, 4), "{out}{err}");
    let asked = web.asked.lock().unwrap().clone();
    let kinds: Vec<String> =
        asked.iter().map(|one| body(one)["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["started", "gate_asked", "gate_answered", "ended"]);
    for (place, request) in asked.iter().enumerate() {
        let header = |name: &str| web.header(place, name).unwrap();
        let text = request.split_once("\r\n\r\n").unwrap().1;
        let (id, at) = (header("webhook-id"), header("webhook-timestamp"));
        let signed = signature(KEY, &id, at.parse().unwrap(), text);
        assert_eq!(header("webhook-signature"), signed);
        assert_eq!(
            (&body(request)["mode"], &body(request)["again"]),
            (&"drill".into(), &false.into())
        );
    }
    let run = serde_json::from_str::<Value>(&out).unwrap()["run"].as_str().unwrap().to_owned();
    // Nothing that outlives the process holds a secret.
    let all = [bytes(bench.folder.path()), out.into_bytes(), err.into_bytes()].concat();
    for secret in [KEY, PATH_OF_HOOK, "q8WvZk2LmN4xYt7RpC1s", "c2VjcmV0LW9mLXRoZS1ob29r"] {
        assert!(!holds(&all, secret), "{secret}");
    }
    let (_, status, _) = bench.ran(&["status", &run]);
    assert!(status.contains("room") && status.contains("4 messages"), "{status}");
    let (code, out, err) = bench.ran(&["notify", &run]);
    assert_eq!((code, web.count()), (0, 4), "{out}{err}");
    assert!(out.contains("Nothing was left"), "{out}");
}

#[test]
fn what_a_receiver_refused_is_recorded_shown_and_sent_by_notify() {
    let web = Web::new([vec![(0, "404 no"); 4], vec![(0, "500 no"), (0, "200 ok")]].concat());
    let bench = Bench::new(&web);
    let runbook = bench.runbook(HOOK);
    let (code, out, err) = bench.drilled(&runbook, &["--notify"]);
    assert_eq!(code, 0, "a receiver decides nothing of a run: {out}{err}");
    let run = serde_json::from_str::<Value>(&out).unwrap()["run"].as_str().unwrap().to_owned();
    assert!(
        err.contains("4 messages for room are left") || err.contains("4 messages for room left"),
        "{err}"
    );
    assert!(err.contains(&format!("backroad notify {run}")), "{err}");
    let (_, status, _) = bench.ran(&["status", &run]);
    assert!(status.contains("it answers 404"), "{status}");
    assert!(status.contains(&format!("backroad notify {run}")), "{status}");
    // The first answer leaves open whether it arrived: what was not tried stays.
    let (code, out, err) = bench.ran(&["notify", &run]);
    assert_eq!(code, 5, "{out}{err}");
    let (code, out, err) = bench.ran(&["notify", &run]);
    assert_eq!(code, 0, "{out}{err}");
    let asked = web.asked.lock().unwrap().clone();
    let last: Vec<bool> =
        asked[5..].iter().map(|one| body(one)["again"].as_bool().unwrap()).collect();
    assert_eq!(last, [true, false, false, false], "only the one that may have arrived says so");
}

#[test]
fn a_redirection_is_not_followed_with_what_was_sent() {
    let other = Web::new(vec![(0, "200 ok")]);
    let web = Web::new(vec![(0, "302 elsewhere")]);
    let bench = Bench::new(&web);
    let runbook = bench.runbook(HOOK);
    let (code, _, err) = bench.drilled(&runbook, &["--notify"]);
    assert_eq!((code, other.count(), web.count()), (0, 0, 4), "{err}");
    assert!(err.contains("redirections are not followed"), "{err}");
}

#[test]
fn a_program_is_handed_each_message_and_sees_no_more_than_it_was_given() {
    let web = Web::new(vec![(0, "200 ok")]);
    let bench = Bench::new(&web);
    let heard = bench.folder.path().join("heard").display().to_string();
    let tool = program(bench.folder.path(), "hook", &format!("cat >> {heard}; env >> {heard}.env"));
    let runbook = bench.runbook(&format!(
        "  pager: {{ exec: {{ argv: [\"{}\", now] }}, on: ended }}\n",
        tool.display()
    ));
    let (code, _, err) = bench.drilled(&runbook, &["--notify"]);
    assert_eq!(code, 0, "{err}");
    let text = std::fs::read_to_string(&heard).unwrap();
    let told: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), 1, "{text}");
    assert_eq!(
        (&told[0]["kind"], &told[0]["schema"]),
        (&"ended".into(), &"backroad.message/1".into())
    );
    let env = std::fs::read_to_string(format!("{heard}.env")).unwrap();
    assert!(!env.contains("HOOK_KEY"), "{env}");
}

#[test]
fn a_secret_that_is_not_there_is_named_and_the_run_goes_on() {
    let web = Web::new(vec![(0, "200 ok")]);
    let bench = Bench::new(&web);
    let runbook = bench.runbook("  room: { slack: { url: \"env:NO_SUCH_URL\" } }\n");
    let (code, _, err) = bench.drilled(&runbook, &["--notify"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("room cannot be told") && err.contains("NO_SUCH_URL"), "{err}");
}

#[test]
fn a_test_message_tries_a_receiver_of_the_settings_file() {
    let web = Web::new(vec![(0, "200 ok"), (0, "403 no")]);
    let bench = Bench::new(&web);
    let settings = bench.folder.path().join("settings.yaml");
    std::fs::write(&settings, format!("notify:\n{HOOK}")).unwrap();
    let test = |name: &str| {
        let output = backroad(&bench.state(), &["notify", "--test", name])
            .env("BACKROAD_SETTINGS", &settings)
            .env("HOOK_URL", &bench.hook)
            .env("HOOK_KEY", KEY)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, out, err) = test("room");
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("room took it"), "{out}");
    assert!(
        body(&web.asked.lock().unwrap()[0])["text"].as_str().unwrap().contains("this is a test")
    );
    let (code, _, err) = test("room");
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("it answers 403") && !err.contains(PATH_OF_HOOK), "{err}");
    let (code, _, err) = test("rom");
    assert_eq!(code, 2);
    assert!(err.contains("Did you mean `room`?"), "{err}");
    let (code, out, _) = bench.ran(&["check", &settings.display().to_string()]);
    assert_eq!(code, 0, "{out}");
}

#[test]
fn a_secret_written_out_is_refused_and_not_repeated() {
    let web = Web::new(vec![(0, "200 ok")]);
    let bench = Bench::new(&web);
    let url = format!("https://hooks.example{PATH_OF_HOOK}");
    let runbook = bench.runbook(&format!("  room: {{ slack: {{ url: \"{url}\" }} }}\n"));
    let (code, out, err) = bench.ran(&["check", &runbook]);
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("never be the secret itself"), "{out}");
}

/// A relay on loopback that takes mail, or refuses its recipients.
fn relay(refuses: bool) -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let own = std::sync::Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let _gone = stream.write_all(b"220 relay\r\n");
            while let Some(Ok(line)) = lines.next() {
                let word = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
                let answer: &[u8] = match word.as_str() {
                    "EHLO" => b"250 relay\r\n",
                    "RCPT" if refuses => b"550 nobody of that name\r\n",
                    "DATA" => {
                        let _gone = stream.write_all(b"354 go on\r\n");
                        let text: Vec<String> = lines
                            .by_ref()
                            .map_while(Result::ok)
                            .take_while(|line| line != ".")
                            .collect();
                        own.lock().unwrap().push(text.join("\n"));
                        b"250 taken\r\n"
                    }
                    "QUIT" => break,
                    _ => b"250 good\r\n",
                };
                if stream.write_all(answer).is_err() {
                    break;
                }
            }
        }
    });
    (address, heard)
}

#[test]
fn mail_goes_by_a_relay_nearby_and_a_refusal_is_told() {
    let web = Web::new(vec![(0, "200 ok")]);
    let bench = Bench::new(&web);
    let (address, heard) = relay(false);
    let (refusing, _) = relay(true);
    let receiver = |name: &str, relay: &str| {
        format!(
            "  {name}: {{ mail: {{ relay: \"{relay}\", from: dr@example.org, to: [noc@example.org] }}, on: [gate_asked] }}\n"
        )
    };
    let notify = receiver("noc", &address) + &receiver("nobody", &refusing);
    let (code, out, err) = bench.drilled(&bench.runbook(&notify), &["--notify"]);
    assert_eq!(code, 0, "{err}");
    let run = serde_json::from_str::<Value>(&out).unwrap()["run"].as_str().unwrap().to_owned();
    let mails = heard.lock().unwrap().clone();
    assert_eq!(mails.len(), 2, "who is called is called off: {mails:?}");
    assert!(mails[1].contains("go is answered: yes"), "{}", mails[1]);
    for part in [
        "Subject: [DRILL] told: anybody is asked to approve go",
        "To: noc@example.org",
        "May it begin?",
        "Message-ID: <",
    ] {
        assert!(mails[0].contains(part), "{part}: {}", mails[0]);
    }
    let unfolded = mails[0].replace("=\n", "");
    assert!(unfolded.contains(&format!("backroad approve {run} go")), "{unfolded}");
    assert!(
        err.contains("nobody could not be told") && err.contains("nobody of that name"),
        "{err}"
    );
}

#[test]
fn chats_get_runs_of_text_and_the_commands_apart_and_nothing_of_it_is_markup() {
    let (slack, teams) = (Web::new(vec![(0, "200 ok")]), Web::new(vec![(0, "202 ok")]));
    let bench = Bench::new(&slack);
    let runbook = bench.runbook(
        "  chat: { slack: { url: \"env:HOOK_URL\" }, on: [gate_asked] }\n  call: { teams: { url: \"env:TEAMS_URL\" }, on: [gate_asked] }\n",
    );
    let text = std::fs::read_to_string(&runbook).unwrap();
    let odd = "'May <!channel> [it](http://evil.example) *begin*?'";
    std::fs::write(&runbook, text.replace("May it begin?", odd)).unwrap();
    let world = "runbooks/worlds/two-circuits.yaml";
    let output = backroad(&bench.state(), &["drill", &runbook, "--world", world, "--notify"])
        .env("HOOK_URL", &bench.hook)
        .env("TEAMS_URL", format!("{}{PATH_OF_HOOK}", teams.url))
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{err}");
    assert_eq!((slack.count(), teams.count()), (2, 2), "{err}");
    let card = body(&teams.asked.lock().unwrap()[0]);
    let card = &card["attachments"][0]["content"];
    let rows = card["body"].as_array().unwrap();
    assert!(
        rows.iter().all(|row| row["type"] == "RichTextBlock"),
        "its text blocks read markup: {card}"
    );
    assert!(card.to_string().contains("[it](http://evil.example)"), "{card}");
    let monospace = |value: &Value| value["fontType"] == "Monospace";
    let commands: Vec<&Value> = rows
        .iter()
        .flat_map(|row| row["inlines"].as_array().unwrap())
        .filter(|one| monospace(one))
        .collect();
    assert_eq!(commands.len(), 2, "{card}");
    assert!(commands[0]["text"].as_str().unwrap().starts_with("backroad approve "), "{card}");
    let posted = body(&slack.asked.lock().unwrap()[0]);
    assert!(!posted["text"].as_str().unwrap().contains("<!channel>"), "{posted}");
    let blocks = posted["blocks"].as_array().unwrap();
    assert_eq!((&blocks[0]["type"], &blocks[1]["type"]), (&"header".into(), &"rich_text".into()));
    let elements = blocks[1]["elements"].as_array().unwrap();
    let preformatted =
        elements.iter().filter(|one| one["type"] == "rich_text_preformatted").count();
    assert_eq!(preformatted, 2, "{posted}");
}

/// The run is killed while a receiver thinks; whoever goes on tells it again, and says so.
#[test]
fn a_process_that_is_killed_in_the_middle_of_a_message_leaves_it_to_the_next_which_says_so() {
    use crate::support::process::{Process, until};
    use std::time::Duration;
    // The first message is taken, and never answered; then the process dies.
    let web = Web::new(vec![(600_000, "200 ok"), (0, "200 ok")]);
    let bench = Bench::new(&web);
    let runbook = bench.runbook(HOOK);
    let world = "runbooks/worlds/two-circuits.yaml";
    let mut command = backroad(&bench.state(), &["drill", &runbook, "--world", world, "--notify"]);
    command.env("HOOK_URL", &bench.hook).env("HOOK_KEY", KEY);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let process = Process::of(command);
    until(Duration::from_secs(60), || (web.count() == 1).then_some(())).unwrap();
    process.signal("-KILL");
    drop(process);
    let (_, out, _) = bench.ran(&["runs", "--output", "json"]);
    let runs: Value = serde_json::from_str(&out).unwrap();
    let run = runs["runs"][0]["run"].as_str().unwrap().to_owned();
    let (code, out, err) = bench.ran(&["notify", &run]);
    assert_eq!(code, 0, "{out}{err}");
    let asked = web.asked.lock().unwrap().clone();
    let told: Vec<(String, bool)> = asked
        .iter()
        .map(|one| body(one))
        .map(|one| (one["kind"].as_str().unwrap().to_owned(), one["again"].as_bool().unwrap()))
        .collect();
    assert_eq!(told[..2], [("started".to_owned(), false), ("started".to_owned(), true)]);
    assert!(told[2..].iter().all(|(_, again)| !again), "{told:?}");
    assert_eq!(web.header(0, "webhook-id"), web.header(1, "webhook-id"));
}

#[test]
fn a_run_that_waits_for_people_has_told_them_before_its_process_leaves_and_the_next_goes_on_telling()
 {
    use crate::support::process::serve;
    let web = Web::new(vec![(0, "200 ok")]);
    let bench = Bench::new(&web);
    let runbook = bench.runbook(HOOK);
    let azure = serve("runbooks/worlds/two-circuits.yaml", 60);
    let words = ["run", &runbook, "--endpoint", &azure.endpoint, "--output", "json"];
    let (code, out, err) = bench.ran(&[&words[..], &["--notify"]].concat());
    assert_eq!((code, web.count()), (10, 2), "{out}{err}");
    let run = serde_json::from_str::<Value>(&out).unwrap()["run"].as_str().unwrap().to_owned();
    let (code, out, err) = bench.ran(&["approve", &run, "go", "--by", "ann"]);
    assert_eq!((code, web.count()), (0, 4), "{out}{err}");
    let last = body(&web.asked.lock().unwrap()[3]);
    assert_eq!((&last["kind"], &last["mode"]), (&"ended".into(), &"simulated".into()));
    // Without the word a run against a simulator tells nobody.
    let (code, out, err) = bench.ran(&words);
    assert_eq!((code, web.count()), (10, 4), "{out}{err}");
    let run = serde_json::from_str::<Value>(&out).unwrap()["run"].as_str().unwrap().to_owned();
    let (code, _, err) = bench.ran(&["notify", &run]);
    assert_eq!((code, web.count()), (4, 4), "{err}");
}

#[test]
fn a_plan_lists_whom_a_run_would_tell_and_so_does_the_document_and_neither_tells_anybody() {
    let web = Web::new(vec![(0, "200 ok")]);
    let bench = Bench::new(&web);
    let runbook = bench.runbook(&HOOK.replace(" } }", " }, on: [gate_asked, ended] }"));
    let world = "runbooks/worlds/two-circuits.yaml";
    let (_, out, err) = bench.ran(&["plan", &runbook, "--world", world]);
    assert!(
        out.contains("A run would tell room gate_asked, ended (webhook, URL in env:HOOK_URL)."),
        "{out}{err}"
    );
    let (code, out, err) = bench.ran(&["render", &runbook, "--format", "md", "--world", world]);
    assert_eq!((code, web.count()), (0, 0), "{out}{err}");
    assert!(out.contains("A live run tells by itself"), "{out}");
    assert!(
        out.contains("| room | webhook, URL in env:HOOK\\_URL | gate\\_asked, ended |"),
        "{out}"
    );
}
