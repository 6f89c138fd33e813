//! The promises of steps that are not Azure's: what a look tells, and what a program or a service does once.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backroad::engine::{CallContext, Clock, SendAnswer};
use backroad::model::{
    Action, Assessed, Assessment, Disposition, Goal, OperationKey, Plan, StepError,
};
use backroad::outside::BesideAzure;
use backroad::outward::{Secret, SecretReader};
use backroad::sim::VirtualClock;

use crate::support::outside::{Web, compiled, host, names, program};
use crate::support::process::until;

const TOKEN: &str = "a-token-of-the-service-3c0d98e7";

#[derive(Debug)]
struct OneSecret;

impl SecretReader for OneSecret {
    fn read(&self, param: &str) -> Result<Secret, String> {
        (param == "token").then(|| Secret::new(TOKEN)).ok_or_else(|| "no".to_owned())
    }
}

const WITH_TOKEN: &str = "params: { token: { type: secret, from: \"env:T\" } }";

fn plan(head: &str, steps: &str) -> Plan {
    let compiled = compiled(head, steps);
    compiled.plan.unwrap_or_else(|| panic!("{steps}: {:?}", compiled.diagnostics))
}

fn beside() -> BesideAzure {
    let clock: Arc<dyn Clock> =
        Arc::new(VirtualClock::new(backroad::model::Timestamp::from_millis(0)));
    BesideAzure::host(host(), Arc::new(OneSecret), clock)
}

const CONTEXT: CallContext = CallContext { run: None, not_after: None, waited: None };

async fn looked(plan: &Plan) -> Result<Assessment, StepError> {
    beside().observer().observe(&Goal::Do(&plan.steps()[0].action), &CONTEXT).await
}

/// The one word of a probe's verdict.
async fn verdict(head: &str, action: &str, with: &str) -> String {
    let plan = plan(head, &format!("  look: {{ action: {action}, with: {with} }}\n"));
    match looked(&plan).await {
        Ok(Assessment { verdict: Assessed::Holds, .. }) => "holds".to_owned(),
        Ok(Assessment { verdict: Assessed::NotYet { why, .. }, .. }) => why,
        other => panic!("{other:?}"),
    }
}

async fn sent(head: &str, step: &str) -> Result<SendAnswer, StepError> {
    let plan = plan(head, step);
    let assessed = looked(&plan).await.unwrap();
    let Assessed::Change(change) = assessed.verdict else { panic!("{assessed:?}") };
    let key = OperationKey::parse("00000000-0000-0000-0000-000000000001").unwrap();
    let journalled = serde_json::to_string(&change.write).unwrap();
    assert!(!journalled.contains(TOKEN), "a secret is never kept: {journalled}");
    beside().actuator().send(&change.write, &key, &CONTEXT).await
}

fn command(with: &str) -> String {
    format!("  act: {{ action: command, with: {{ {with} }} }}\n")
}

#[tokio::test]
async fn a_port_is_open_or_closed_and_what_cannot_be_asked_is_neither() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().port();
    let closed = {
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        other.local_addr().unwrap().port()
    };
    let tcp = async |host: &str, port: u16, expect: &str| {
        let with = format!("{{ host: {host}, port: {port}, expect: {expect}, time_limit: 2s }}");
        verdict("", "probe.tcp", &with).await
    };
    assert_eq!(tcp("127.0.0.1", open, "open").await, "holds");
    assert!(tcp("127.0.0.1", open, "closed").await.ends_with("it still takes connections"));
    assert!(tcp("127.0.0.1", closed, "open").await.ends_with("it takes no connections"));
    assert_eq!(tcp("127.0.0.1", closed, "closed").await, "holds");
    let unknown = tcp("no-such-host.invalid", 443, "closed").await;
    assert!(unknown.contains("no-such-host.invalid stands for"), "{unknown}");
}

#[tokio::test]
async fn a_web_server_answers_as_expected_or_is_waited_for() {
    let web =
        Web::new(vec![(0, "200 all ok"), (0, "503 no"), (0, "302 moved"), (2_500, "200 late")]);
    let with = |more: &str| format!("{{ url: \"{}/health\", time_limit: 1s{more} }}", web.url);
    assert_eq!(verdict("", "probe.http", &with(", contains: ok")).await, "holds");
    assert!(verdict("", "probe.http", &with("")).await.contains("it answers 503"));
    assert!(verdict("", "probe.http", &with("")).await.contains("it answers 302"));
    assert!(verdict("", "probe.http", &with("")).await.contains("no answer in time"));
    assert_eq!(web.count(), 4, "no redirection is followed, and nothing is asked twice");
}

#[tokio::test]
async fn a_name_stands_for_exactly_the_records_and_a_broken_server_is_no_no() {
    let server = names();
    let dns = async |name: &str, kind: &str, expect: &str| {
        let with = format!(
            "{{ name: {name}.example, type: {kind}, server: \"{server}\", expect: [{expect}], time_limit: 2s }}"
        );
        verdict("", "probe.dns", &with).await
    };
    assert_eq!(dns("app", "A", "10.40.0.5, 10.40.0.4").await, "holds");
    assert!(dns("app", "A", "10.40.0.4").await.contains("they are 10.40.0.4, 10.40.0.5"));
    assert_eq!(dns("app", "AAAA", "\"2001:db8::4\"").await, "holds");
    assert_eq!(dns("alias", "CNAME", "app.example").await, "holds");
    assert_eq!(dns("word", "TXT", "v=dr1").await, "holds");
    assert_eq!(dns("gone", "A", "").await, "holds");
    assert!(dns("gone", "A", "10.0.0.1").await.ends_with("there are none"));
    let broken = dns("broken", "A", "").await;
    assert!(!broken.ends_with("holds"), "{broken}");
    let silent = dns("silent", "A", "").await;
    assert!(silent.contains("no answer"), "{silent}");
}

#[tokio::test]
async fn a_vantage_is_asked_in_json_and_only_its_answer_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path =
        |name: &str, script: &str| program(folder.path(), name, script).display().to_string();
    let asks = async |script: &str| {
        let argv = path("vantage", script);
        let head = format!("vantages: {{ branch: {{ argv: [\"{argv}\", branch] }} }}");
        let with = "{ host: app.example, port: 443, from: branch, time_limit: 1s }";
        verdict(&head, "probe.tcp", with).await
    };
    let heard = folder.path().join("heard");
    let script =
        format!("cat > {}; echo \"$1\" >> {0}; echo '{{\"open\": true}}'", heard.display());
    assert_eq!(asks(&script).await, "holds");
    let text = std::fs::read_to_string(&heard).unwrap();
    assert_eq!(
        text,
        "{\"probe\":\"tcp\",\"host\":\"app.example\",\"port\":443,\"open\":true}\nbranch\n"
    );
    let closed = asks("echo '{\"open\": false}'").await;
    assert_eq!(closed, "TCP port 443 of app.example, seen from branch: it takes no connections");
    assert!(asks("exit 255").await.contains("ended with status 255"));
    assert!(asks("echo yes").await.contains("is no answer"));
    assert!(asks("echo '{\"status\": 200}'").await.contains("another question"));
    assert!(asks("sleep 60").await.contains("does not answer in time"));
    let unknown =
        compiled("", "  l: { action: probe.tcp, with: { host: h, port: 1, from: moon } }\n");
    let said = format!("{:?}", unknown.diagnostics);
    assert!(said.contains("There is no vantage `moon`") && said.contains("vantages"), "{said}");
}

#[tokio::test]
async fn a_program_has_the_listed_environment_and_its_json_is_taken_by_type() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let script = format!(
        "env > {0}; cat >> {0}; echo '{{\"a\": {{\"n\": 3}}, \"list\": [\"x\"], \"text\": \"t\"}}'",
        seen.display()
    );
    let path = program(folder.path(), "act", &script).display().to_string();
    let with = format!(
        "argv: [\"{path}\", \"a b; $HOME\"], env: [{{ name: ONE, value: \"1\" }}, {{ name: TOKEN, secret: \
         \"${{params.token}}\" }}], stdin: fed, outputs: [{{ name: n, type: number, pointer: /a/n }}, {{ name: \
         list, type: list }}], drill: {{ outputs: {{ n: 1, list: [] }} }}"
    );
    let answer = sent(WITH_TOKEN, &command(&with)).await.unwrap();
    let SendAnswer::Done { outputs, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(serde_json::to_string(&outputs).unwrap(), r#"{"list":["x"],"n":3}"#);
    let seen = std::fs::read_to_string(seen).unwrap();
    let names: Vec<&str> = seen.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let known = ["ONE", "TOKEN", "PATH", "PWD", "SHLVL", "_", "OLDPWD"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    assert!(seen.contains(TOKEN) && seen.ends_with("fed"), "{names:?}");
    for (wrong, why) in
        [("pointer: /text", "is not a number"), ("pointer: /none", "nothing at /none")]
    {
        let with = format!(
            "argv: [\"{path}\"], outputs: [{{ name: n, type: number, {wrong} }}], drill: {{ outputs: {{ n: 1 }} }}"
        );
        let answer = sent("", &command(&with)).await.unwrap();
        let SendAnswer::Failed(error) = answer else { panic!("{answer:?}") };
        assert!(error.message.contains(why), "{error}");
        assert_eq!(
            error.disposition,
            Disposition::Rejected,
            "it is not run again for better words"
        );
    }
}

/// The processes whose command line holds a word.
fn alive(word: &Path) -> bool {
    let word = word.display().to_string();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(&word))
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_with_all_that_it_started_and_nobody_knows_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in [
        ("hangs", "sh -c 'sleep 300; true' \"$0\" & sleep 300"),
        (
            "deaf",
            "trap '' TERM; sh -c 'trap \"\" TERM; while :; do sleep 1; done' \"$0\" & while :; do sleep 1; done",
        ),
    ] {
        // Its own path stands in the command line of each of its processes that matters.
        let path = program(folder.path(), name, script);
        let with = format!("argv: [\"{}\"], time_limit: 1s", path.display());
        let error = sent("", &command(&with)).await.unwrap_err();
        assert_eq!(error.disposition, Disposition::Ambiguous, "{name}: {error}");
        let gone = until(Duration::from_secs(5), || (!alive(&path)).then_some(()));
        assert!(gone.is_some(), "{name} is still there");
    }
}

#[tokio::test]
async fn whoever_gives_up_ends_the_program_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = program(folder.path(), "abandoned", "sh -c 'sleep 300; true' \"$0\" & sleep 300");
    let step = command(&format!("argv: [\"{}\"], time_limit: 5m", path.display()));
    let send = sent("", &step);
    let started = async {
        while !alive(&path) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = send => panic!("{answer:?}"),
        () = started => {}
    }
    assert!(until(Duration::from_secs(5), || (!alive(&path)).then_some(())).is_some());
}

#[tokio::test]
async fn a_flood_is_read_on_and_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let script = "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2; echo >&2; echo the end >&2; exit $1";
    let path = program(folder.path(), "flood", script).display().to_string();
    let answer = sent("", &command(&format!("argv: [\"{path}\", \"0\"]"))).await.unwrap();
    assert!(matches!(answer, SendAnswer::Done { .. }), "{answer:?}");
    let answer = sent("", &command(&format!("argv: [\"{path}\", \"7\"]"))).await.unwrap();
    let SendAnswer::Failed(error) = answer else { panic!("{answer:?}") };
    assert!(error.message.contains("ended with status 7: the end"), "{error}");
    let with = format!(
        "argv: [\"{path}\", \"0\"], outputs: [{{ name: n, type: text }}], drill: {{ outputs: {{ n: x }} }}"
    );
    let answer = sent("", &command(&with)).await.unwrap();
    let SendAnswer::Failed(error) = answer else { panic!("{answer:?}") };
    assert!(error.message.contains("too long"), "{error}");
}

#[tokio::test]
async fn a_program_that_is_not_there_was_not_run() {
    let error = sent("", &command("argv: [/no/such/program]")).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.disposition), ("no_program", Disposition::Rejected));
    let error = sent("", &command("argv: [no-such-program-at-all]")).await.unwrap_err();
    assert_eq!(error.code, "no_program");
}

fn http(url: &str, more: &str) -> String {
    format!("  act: {{ action: http, with: {{ url: \"{url}/x\", time_limit: 1s{more} }} }}\n")
}

#[tokio::test]
async fn what_a_service_answers_decides_what_is_known() {
    let answers = vec![
        (0, "201 {\"ticket\": {\"number\": 5}}"),
        (0, "404 no"),
        (0, "500 no"),
        (0, "429 no"),
        (0, "202 "),
        (0, "302 "),
        (2_500, "201 {}"),
    ];
    let web = Web::new(answers);
    let more = ", status: 201, headers: [{ name: Authorization, value: Bearer, secret: \"${params.token}\" }], body: hi, \
                idempotency_header: Idempotency-Key, outputs: [{ name: n, type: number, pointer: /ticket/number }], \
                drill: { outputs: { n: 1 } }";
    let step = http(&web.url, more);
    let answer = sent(WITH_TOKEN, &step).await.unwrap();
    let SendAnswer::Done { outputs, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(outputs["n"], 5);
    assert_eq!(web.header(0, "authorization").unwrap(), format!("Bearer {TOKEN}"));
    assert_eq!(web.header(0, "idempotency-key").unwrap(), "00000000-0000-0000-0000-000000000001");
    assert!(web.asked.lock().unwrap()[0].ends_with("\r\n\r\nhi"));
    let disposition = async || sent(WITH_TOKEN, &step).await.unwrap_err().disposition;
    assert_eq!(disposition().await, Disposition::Rejected, "404: it was not done");
    assert_eq!(disposition().await, Disposition::Ambiguous, "500: nobody knows");
    assert!(matches!(disposition().await, Disposition::Transient { .. }), "429: later");
    let answer = sent(WITH_TOKEN, &step).await.unwrap();
    assert!(matches!(answer, SendAnswer::Failed(_)), "202: done, and not as expected: {answer:?}");
    assert_eq!(disposition().await, Disposition::Rejected, "302: not followed");
    assert_eq!(disposition().await, Disposition::Ambiguous, "no answer in time");
    assert_eq!(web.count(), 7, "each was sent once");
    let nobody = http("http://127.0.0.1:1", "");
    let error = sent("", &nobody).await.unwrap_err();
    assert!(matches!(error.disposition, Disposition::Transient { .. }), "nothing left: {error}");
}

#[tokio::test]
async fn a_check_tells_whether_it_is_there_and_trouble_of_its_own_tells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let check = async |script: &str| {
        let path = program(folder.path(), "check", script).display().to_string();
        let steps = command(&format!("argv: [/bin/true], check_argv: [\"{path}\"]"));
        looked(&plan("", &steps)).await
    };
    assert!(matches!(check("exit 0").await.unwrap().verdict, Assessed::Holds));
    assert!(matches!(check("exit 1").await.unwrap().verdict, Assessed::Change(_)));
    let error = check("echo cannot connect >&2; exit 2").await.unwrap_err();
    assert!(matches!(error.disposition, Disposition::Transient { .. }), "{error}");
    assert!(error.message.contains("status 2: cannot connect"), "{error}");
}

#[test]
fn a_secret_may_stand_nowhere_that_would_be_kept() {
    for with in [
        "argv: [/bin/echo, \"${params.token}\"]",
        "argv: [/bin/echo], stdin: \"${params.token}\"",
        "argv: [/bin/echo], env: [{ name: T, value: \"x${params.token}\" }]",
        "argv: [/bin/echo], check_argv: [/bin/echo, \"${params.token}\"]",
    ] {
        let found = compiled(WITH_TOKEN, &command(with));
        let said = format!("{:?}", found.diagnostics);
        assert!(found.plan.is_none() && said.to_lowercase().contains("secret"), "{with}: {said}");
    }
    for with in [
        "url: \"https://u:p@h/\"",
        "url: \"https://h/${params.token}\"",
        "url: \"https://h/\", body: \"${params.token}\"",
    ] {
        let found =
            compiled(WITH_TOKEN, &format!("  act: {{ action: http, with: {{ {with} }} }}\n"));
        assert!(found.plan.is_none(), "{with}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    for (action, with, why) in [
        ("command", "argv: [\"ls -l\"]", "no shell takes a command apart"),
        ("command", "argv: [./tool]", "neither a whole path nor a name"),
        ("command", "argv: []", "begins with its program"),
        ("command", "argv: [a], reads: true, undo_argv: [b]", "has no `undo_argv`"),
        (
            "command",
            "argv: [a], outputs: [{ name: x, type: text }]",
            "no value for each of the outputs",
        ),
        ("command", "argv: [a], drill: { outputs: { y: 1 } }", "none of the outputs"),
        ("command", "argv: [a], env: [{ name: \"A B\", value: x }]", "no name of a variable"),
        ("command", "argv: [a], env: [{ name: PATH, value: x }]", "no name of a variable"),
        ("command", "argv: [a], time_limit: 2h", "at most 1h"),
        ("http", "url: \"ftp://h/\"", "no URL of http"),
        ("http", "url: \"http://h/\", method: GET, undo: { url: \"http://h/\" }", "has no `undo`"),
        ("http", "url: \"http://h/\", headers: [{ name: X }]", "has no value"),
        ("probe.tcp", "host: \"-x\", port: 1", "no name of a host"),
        ("probe.tcp", "host: \"a b\", port: 1", "no name of a host"),
        ("probe.dns", "name: a.b, expect: [x]", "no record of type A"),
        ("probe.dns", "name: a.b, expect: [], server: dns.example", "no address of a server"),
    ] {
        let found = compiled("", &format!("  act: {{ action: {action}, with: {{ {with} }} }}\n"));
        let said = format!("{:?}", found.diagnostics);
        assert!(found.plan.is_none() && said.contains(why), "{with}: {said}");
    }
}

#[test]
fn a_call_fits_its_step_and_what_shall_be_undone_says_how() {
    for (step, why) in [
        ("{ action: command, timeout: 30s, with: { argv: [a] } }", "may take 1m, and the step 30s"),
        (
            "{ action: command, undo: remove, with: { argv: [a] } }",
            "Nothing is named that takes step `act` back",
        ),
        (
            "{ action: http, undo: remove, with: { url: \"http://h/\" } }",
            "Write `undo` under `with`",
        ),
    ] {
        let found = compiled("", &format!("  act: {step}\n"));
        let said = format!("{:?}", found.diagnostics);
        assert!(found.plan.is_none() && said.contains(why), "{step}: {said}");
    }
}

#[test]
fn what_nothing_takes_back_is_kept_and_what_only_reads_changes_nothing() {
    let plan = plan(
        "",
        "  kept: { action: command, with: { argv: [a] } }\n  back: { action: command, with: { argv: [a], undo_argv: \
         [b] } }\n  look: { action: command, with: { argv: [a], reads: true } }\n",
    );
    let sagas: Vec<String> = plan.steps().iter().map(|step| format!("{:?}", step.saga)).collect();
    assert_eq!(sagas, ["Retriable", "Undoable", "Undoable"]);
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan, "a kept plan reads back");
    assert!(plan.steps().iter().all(|step| matches!(step.action, Action::Outside(_))));
}
