//! The promise: the page is served where it may be, beside a run that it never holds up, and two people can let a run go
//! on over it. The binary itself, over real sockets.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::outlives::{Background, SOON, json as told, simulator};
use crate::support::file;
use crate::support::process::{Process, backroad, until};

/// A page that is served; it ends with this value.
struct ServedPage {
    process: Process,
    url: String,
}

fn served(state: &Path, words: &[&str]) -> ServedPage {
    let mut command = backroad(state, &[&["web"], words].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Process::of(command);
    let mut url = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut url).unwrap();
    ServedPage { process, url: url.trim().to_owned() }
}

fn host(url: &str) -> &str {
    url.strip_prefix("http://").unwrap().trim_end_matches('/')
}

/// One request on a connection of its own; the answer's status, its head and its body.
fn asked(url: &str, head: &str, body: &str) -> (u16, String, String) {
    let host = host(url);
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let length = body.len();
    let request = format!(
        "{head} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

/// The same as somebody with a session.
struct Somebody<'a> {
    url: &'a str,
    cookie: String,
}

impl<'a> Somebody<'a> {
    /// By a link of their own.
    fn enters(state: &Path, url: &'a str, name: &str) -> Self {
        let link = told(state, &["web", "invite", name, "--role", "network_lead"]);
        let link = link["url"].as_str().unwrap().to_owned();
        let (page, token) = link.split_once("enter#").unwrap();
        assert_eq!(page, url);
        let (status, head, body) =
            asked(url, "POST /enter", &json!({ "token": token }).to_string());
        assert_eq!(status, 200, "{body}");
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        Self { url, cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    fn ask(&self, line: &str, body: &str) -> (u16, String) {
        let host = host(self.url);
        let (cookie, length) = (&self.cookie, body.len());
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Presses a button as soon as it is there.
    fn presses(&self, run: &str, command: &str, step: Option<&str>) {
        let form = until(SOON, || {
            let (_, body) = self.ask(&format!("GET /runs/{run}/forms"), "");
            let forms: Value = serde_json::from_str(&body).ok()?;
            forms["forms"]
                .as_array()?
                .iter()
                .find(|form| form["command"] == command && form["step"].as_str() == step)
                .cloned()
        });
        let form = form.unwrap_or_else(|| {
            panic!("{command}: {}", self.ask(&format!("GET /runs/{run}/forms"), "").1)
        });
        let sent = json!({
            "command": command,
            "step": form["step"],
            "choice": form["choice"],
            "reason": "INC-42",
            "token": form["token"],
        });
        let (status, body) = self.ask(&format!("POST /runs/{run}/act"), &sent.to_string());
        assert_eq!(status, 200, "{command}: {body}");
    }
}

/// The shipped failover, its gate for two people of a role whose names are trusted.
fn two_people(folder: &Path) -> PathBuf {
    let text = std::fs::read_to_string(file("runbooks/dr-circuit.yaml")).unwrap();
    let text = text
        .replace("failback: dr-circuit-failback.yaml\n", "")
        // A host under load lets minutes of a fast simulator pass: nothing here is about time.
        .replace("timeout: 2m", "timeout: 9h")
        .replace("timeout: 5m", "timeout: 9h")
        .replace("timeout: 15m", "timeout: 9h")
        .replace(
            "source_region: eastasia",
            "source_region: eastasia\nroles:\n  network_lead: { people: [mei, jun] }\npeople: { trust_names: true }",
        )
        .replace("      expires_after: 4h", "      expires_after: 9d\n      approvals: 2\n      role: network_lead");
    let path = folder.join("two-people.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn two_people_let_a_run_go_on_over_the_page_while_fifty_look_on_and_read_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let simulated = simulator();
    let runbook = two_people(state);
    let target = ["--endpoint", &simulated.endpoint, "--clock-factor", "400"];
    let words = ["run", runbook.to_str().unwrap(), "--profile", "live", "--detach"];
    let said = told(state, &[&words[..], &target[..]].concat());
    let run = said["run"].as_str().unwrap().to_owned();
    let _ends = Background(u32::try_from(said["process"].as_u64().unwrap()).unwrap());
    let page = served(state, &["--allow-actions"]);
    let watchers: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut watcher = TcpStream::connect(host(&page.url)).unwrap();
            let host = host(&page.url);
            let request = format!("GET /runs/{run}/events HTTP/1.1\r\nHost: {host}\r\n\r\n");
            watcher.write_all(request.as_bytes()).unwrap();
            watcher
        })
        .collect();
    let mei = Somebody::enters(state, &page.url, "mei");
    let jun = Somebody::enters(state, &page.url, "jun");
    mei.presses(&run, "pause", None);
    assert_eq!(told(state, &["status", &run])["now"]["standing"], "paused");
    jun.presses(&run, "resume", None);
    mei.presses(&run, "approve", Some("go_ahead"));
    let half = told(state, &["status", &run]);
    let asks = half["now"]["asks"].as_array().unwrap();
    let ask = asks.iter().find(|ask| ask["step"] == "go_ahead").unwrap();
    assert_eq!((&ask["given"], &ask["needed"]), (&json!(1), &json!(2)));
    jun.presses(&run, "approve", Some("go_ahead"));
    let passed = until(SOON, || {
        let status = told(state, &["status", &run]);
        let gate = status["steps"].as_array()?.iter().find(|step| step["name"] == "go_ahead")?;
        (gate["status"] == "succeeded").then_some(())
    });
    assert!(passed.is_some(), "{}", told(state, &["status", &run]));
    // What weighs more is said there as well.
    mei.presses(&run, "undo", None);
    let undone = until(SOON, || {
        let now = told(state, &["status", &run])["now"]["standing"].as_str()?.to_owned();
        ["undoing", "undone"].contains(&now.as_str()).then_some(())
    });
    assert!(undone.is_some(), "{}", told(state, &["status", &run]));
    drop(watchers);
    let journal = backroad(state, &["journal", &run]).output().unwrap();
    let journal = String::from_utf8(journal.stdout).unwrap();
    for name in ["mei", "jun"] {
        let line = journal.lines().find(|line| line.contains("approved") && line.contains(name));
        assert!(line.unwrap().contains("by invitation"), "{journal}");
    }
    let undo = journal.lines().find(|line| line.contains("undo_requested"));
    assert!(undo.is_some_and(|line| line.contains("mei") && line.contains("INC-42")), "{journal}");
    let (status, head, body) = asked(&page.url, "GET /metrics", "");
    assert!(status == 200 && head.contains("version=0.0.4"), "{head}");
    assert!(body.contains(&format!("backroad_run_attempts{{run=\"{run}\"")), "{body}");
    let (status, head, body) = asked(&page.url, &format!("GET /runs/{run}/report"), "");
    assert_eq!(status, 200, "{body}");
    assert!(head.contains("sandbox"), "{head}");
    let (status, _, body) = asked(&page.url, &format!("GET /runs/{run}/document"), "");
    assert_eq!(status, 200, "{body}");
    drop(page.process);
    let refused = backroad(state, &["web", "invite", "ada"]).output().unwrap();
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    // A page that was killed left its address; one that ended took it along.
    assert!(refused.status.success() || why.contains("No page is served"), "{why}");
}

#[test]
fn what_is_said_on_a_page_reaches_a_run_that_another_host_drives() {
    let [one, two, shared] = [0; 3].map(|_| tempfile::tempdir().unwrap());
    let (one, two) = (one.path(), two.path());
    let place = format!("file://{}", shared.path().display());
    let simulated = simulator();
    let runbook = two_people(one);
    let target = ["--store", &place, "--endpoint", &simulated.endpoint, "--clock-factor", "400"];
    // The first host begins it and leaves it at its gate; the second drives it on.
    let words = ["run", runbook.to_str().unwrap(), "--profile", "live"];
    let left = backroad(one, &[&words[..], &target[..]].concat()).output().unwrap();
    assert_eq!(left.status.code(), Some(10), "{}", String::from_utf8_lossy(&left.stderr));
    let run = told(one, &["runs"])["runs"][0]["run"].as_str().unwrap().to_owned();
    let words = ["resume", &run, "--store", &place, "--clock-factor", "400", "--detach"];
    let said = told(two, &words);
    let _ends = Background(u32::try_from(said["process"].as_u64().unwrap()).unwrap());
    let page = served(one, &["--allow-actions", "--store", &place]);
    let mei = Somebody::enters(one, &page.url, "mei");
    mei.presses(&run, "pause", None);
    let status = told(two, &["status", &run]);
    assert_eq!(status["now"]["standing"], "paused", "{status}");
    let journal = backroad(two, &["journal", &run]).output().unwrap();
    let journal = String::from_utf8(journal.stdout).unwrap();
    let paused = journal.lines().find(|line| line.contains("paused"));
    assert!(paused.is_some_and(|line| line.contains("mei")), "{journal}");
    // The page shows it, from what the other host wrote.
    let shown = until(SOON, || {
        let (_, _, body) = asked(&page.url, &format!("GET /runs/{run}/now"), "");
        let now: Value = serde_json::from_str(&body).ok()?;
        (now["now"]["standing"] == "paused").then_some(())
    });
    assert!(shown.is_some());
}

#[test]
fn the_page_stands_beside_a_run_until_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let mut command = backroad(state, &["drill", "runbooks/dr-circuit.yaml", "--web"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut process = Process::of(command);
    let mut lines = BufReader::new(process.0.stderr.take().unwrap()).lines();
    let url =
        lines.by_ref().find_map(|line| Some(line.unwrap().strip_prefix("The page: ")?.to_owned()));
    let url = url.unwrap();
    let ended = until(SOON, || {
        let (_, _, body) = asked(&url, "GET /runs", "");
        let runs: Value = serde_json::from_str(&body).ok()?;
        (runs["runs"][0]["standing"] == "succeeded").then_some(())
    });
    assert!(ended.is_some());
    // It stays when the drill has ended, and says so.
    assert!(lines.by_ref().any(|line| line.unwrap().contains("The page stays at")));
    assert!(state.join("page.json").exists());
    process.signal("-INT");
    assert!(process.ended(SOON).success());
    assert!(!state.join("page.json").exists());
}

#[test]
fn beyond_loopback_the_page_is_served_over_https_only() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let refused = backroad(state, &["web", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("without TLS") && why.contains("--tls-cert"), "{why}");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (state.join("cert.pem"), state.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let swapped = ["web", "--tls-cert", key, "--tls-key", certificate];
    let refused = backroad(state, &swapped).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("cannot be used") && !why.contains("PRIVATE"), "{why}");
    let nameless = ["web", "--listen", "0.0.0.0:0", "--tls-cert", certificate, "--tls-key", key];
    let refused = backroad(state, &nameless).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--name"));
    let words = [
        "--listen",
        "0.0.0.0:0",
        "--tls-cert",
        certificate,
        "--tls-key",
        key,
        "--name",
        "localhost",
    ];
    let page = served(state, &words);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([trusted])
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        assert!(page.url.starts_with("https://localhost:"), "{}", page.url);
        let enter = client.get(format!("{}enter", page.url)).send().await.unwrap();
        assert_eq!(enter.status().as_u16(), 200);
        assert!(enter.headers().contains_key("strict-transport-security"));
        // Whoever is of this account on this host reads as on loopback; a name that is not its own is none.
        let port = page.url.trim_end_matches('/').rsplit(':').next().unwrap();
        let other =
            client.get(format!("{}enter", page.url)).header("host", format!("evil.example:{port}"));
        assert_eq!(other.send().await.unwrap().status().as_u16(), 421);
    });
}
