//! The promise beside Azure: killed at any instruction, a program is run no second time unless its author says that
//! it may be; what cannot be known is a person's to say.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::path::Path;

use backroad::engine::{Command, Ending, RunState, StepCommand};
use backroad::model::{RunOutcome, StepName, StepStatus};

use crate::support::outside::{Web, compiled, host, program};
use crate::support::{Drove, Lab, Place, shipped_world};

fn lab(steps: &str) -> Lab {
    let compiled = compiled("", steps);
    let plan = compiled.plan.unwrap_or_else(|| panic!("{steps}: {:?}", compiled.diagnostics));
    let mut lab = Lab::new(plan, &shipped_world());
    lab.host = Some(host());
    lab
}

fn status(lab: &Lab) -> StepStatus {
    RunState::fold(&lab.journal.events()).unwrap().steps.values().next().unwrap().status()
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// Drives through a crash, until the run has ended or nobody but a person can go on.
async fn through(lab: &Lab, place: Place) -> Option<RunOutcome> {
    lab.crash_at(Some(place));
    assert!(matches!(lab.drive(None).await, Drove::Crashed), "{place:?}");
    lab.crash_at(None);
    match lab.drive(None).await {
        Drove::Ended(Ending::Ended(outcome)) => Some(outcome),
        Drove::Ended(_) => None,
        other => panic!("{place:?}: {other:?}"),
    }
}

/// Every point at which a run of this step can be killed.
async fn places(steps: &str) -> Vec<Place> {
    let lab = lab(steps);
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let sends = (1..=lab.sends()).flat_map(|n| [Place::BeforeSend(n), Place::AfterSend(n)]);
    let appends = (2..=lab.appends()).flat_map(|n| [Place::BeforeAppend(n), Place::AfterAppend(n)]);
    sends.chain(appends).collect()
}

struct Tools {
    folder: tempfile::TempDir,
}

impl Tools {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let done = folder.path().join("done");
        program(folder.path(), "act", &format!("echo done >> {}", done.display()));
        program(folder.path(), "check", &format!("test -s {}", done.display()));
        program(folder.path(), "back", &format!("rm {}", done.display()));
        Self { folder }
    }

    fn done(&self) -> std::path::PathBuf {
        self.folder.path().join("done")
    }

    fn step(&self, more: &str) -> String {
        let at = self.folder.path().display();
        let more = more.replace("AT", &at.to_string());
        format!("  act: {{ action: command, with: {{ argv: [{at}/act]{more} }} }}\n")
    }
}

#[tokio::test]
async fn what_nothing_shows_happens_at_most_once_wherever_it_is_killed() {
    let mut held = 0;
    let places = places(&Tools::new().step("")).await;
    for place in places {
        let tools = Tools::new();
        let lab = lab(&tools.step(""));
        let outcome = through(&lab, place).await;
        lab.check_ledger().unwrap();
        match status(&lab) {
            StepStatus::Succeeded => {
                assert_eq!(
                    (outcome, lines(&tools.done())),
                    (Some(RunOutcome::Succeeded), 1),
                    "{place:?}"
                );
            }
            StepStatus::Held => {
                held += 1;
                assert!(lines(&tools.done()) <= 1, "{place:?}: a second time, and nobody asked");
                let owed = RunState::fold(&lab.journal.events()).unwrap().obligations().join("\n");
                assert!(owed.contains("is not done twice") && owed.contains("/act"), "{owed}");
            }
            other => panic!("{place:?}: {other:?}"),
        }
    }
    assert!(held > 0, "some places leave a doubt");
}

#[tokio::test]
async fn what_a_check_shows_is_found_again_and_done_once_wherever_it_is_killed() {
    let more = ", check_argv: [AT/check]";
    for place in places(&Tools::new().step(more)).await {
        let tools = Tools::new();
        let lab = lab(&tools.step(more));
        assert_eq!(through(&lab, place).await, Some(RunOutcome::Succeeded), "{place:?}");
        assert_eq!(lines(&tools.done()), 1, "{place:?}");
        lab.check_ledger().unwrap();
    }
}

#[tokio::test]
async fn what_may_be_repeated_is_done_wherever_it_is_killed() {
    let more = ", repeatable: true";
    for place in places(&Tools::new().step(more)).await {
        let tools = Tools::new();
        let lab = lab(&tools.step(more));
        assert_eq!(through(&lab, place).await, Some(RunOutcome::Succeeded), "{place:?}");
        assert!((1..=2).contains(&lines(&tools.done())), "{place:?}");
        lab.check_ledger().unwrap();
    }
}

#[tokio::test]
async fn a_person_who_looked_lets_a_held_program_run_again_or_goes_on_without() {
    let retry = || {
        Command::Retry(StepCommand {
            step: StepName::parse("act").unwrap(),
            by: "a person".into(),
            reason: Some("it did not run".to_owned()),
            choice: None,
        })
    };
    let tools = Tools::new();
    let lab = lab(&tools.step(""));
    assert_eq!(through(&lab, Place::BeforeSend(1)).await, None);
    assert_eq!((status(&lab), lines(&tools.done())), (StepStatus::Held, 0));
    assert_eq!(Lab::outcome_of(lab.drive(Some(retry())).await), RunOutcome::Succeeded);
    assert_eq!(lines(&tools.done()), 1);
}

#[tokio::test]
async fn an_undo_runs_what_the_step_names_and_once() {
    let undo = || Command::Undo { by: "a person".into(), reason: None };
    for more in [", undo_argv: [AT/back]", ", undo_argv: [AT/back], check_argv: [AT/check]"] {
        let tools = Tools::new();
        let lab = lab(&tools.step(more));
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded, "{more}");
        assert_eq!(Lab::outcome_of(lab.drive(Some(undo())).await), RunOutcome::Undone, "{more}");
        assert_eq!(lines(&tools.done()), 0, "{more}");
        lab.check_ledger().unwrap();
    }
    // It is not there any more: nothing is taken back, and nothing fails.
    let tools = Tools::new();
    let lab = lab(&tools.step(", undo_argv: [AT/back], check_argv: [AT/check]"));
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    std::fs::remove_file(tools.done()).unwrap();
    assert_eq!(Lab::outcome_of(lab.drive(Some(undo())).await), RunOutcome::Undone);
}

#[tokio::test]
async fn what_nothing_takes_back_is_said_to_stay() {
    let tools = Tools::new();
    let lab = lab(&tools.step(""));
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let stays = RunState::fold(&lab.journal.events()).unwrap().stays().join("\n");
    assert!(
        stays.contains("What step `act` did to the program") && stays.contains("/act stays"),
        "{stays}"
    );
}

#[tokio::test]
async fn a_program_that_failed_is_not_run_again_by_itself_and_is_taken_back() {
    let tools = Tools::new();
    let at = tools.folder.path();
    program(at, "act", &format!("echo half >> {}; exit 3", tools.done().display()));
    let lab = lab(&tools.step(", undo_argv: [AT/back]"));
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Failed);
    assert_eq!((status(&lab), lines(&tools.done())), (StepStatus::Failed, 1));
    let undo = Command::Undo { by: "a person".into(), reason: None };
    assert_eq!(Lab::outcome_of(lab.drive(Some(undo)).await), RunOutcome::Undone);
    assert_eq!(lines(&tools.done()), 0, "half of it was done, and is taken back");
}

#[tokio::test]
async fn what_was_done_and_is_not_good_is_not_done_again() {
    let tools = Tools::new();
    let at = tools.folder.path();
    program(at, "act", &format!("echo done >> {}; echo '{{\"n\": 1}}'", tools.done().display()));
    let more = ", outputs: [{ name: n, type: number }], drill: { outputs: { n: 2 } }";
    let steps = tools.step(more).replace(" } }\n", " }, ensure: self.n == 2 }\n");
    let lab = lab(&steps);
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Failed);
    assert_eq!(lines(&tools.done()), 1);
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let told = format!("{:?}", state.steps.values().next().unwrap().state);
    assert!(told.contains("It was done, and the postcondition"), "{told}");
}

#[tokio::test]
async fn a_service_is_sent_the_same_key_until_it_answers_and_without_one_only_once() {
    let web = Web::new(vec![(1_500, "201 late"), (0, "503 no"), (0, "201 done")]);
    let with = |more: &str| {
        format!(
            "  act: {{ action: http, with: {{ url: \"{}/t\", time_limit: 1s{more} }} }}\n",
            web.url
        )
    };
    let lab_with = lab(&with(", idempotency_header: Idempotency-Key"));
    assert_eq!(Lab::outcome_of(lab_with.drive(None).await), RunOutcome::Succeeded);
    let keys: Vec<String> = (0..3).map(|n| web.header(n, "idempotency-key").unwrap()).collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");

    let web = Web::new(vec![(1_500, "201 late")]);
    let step =
        format!("  act: {{ action: http, with: {{ url: \"{}/t\", time_limit: 1s }} }}\n", web.url);
    let lab_without = lab(&step);
    assert!(matches!(
        lab_without.drive(None).await,
        Drove::Ended(Ending::Waiting(_) | Ending::Ended(_))
    ));
    assert_eq!((status(&lab_without), web.count()), (StepStatus::Held, 1));
}
