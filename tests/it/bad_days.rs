//! A drill goes wrong in the ways a failover goes wrong: every shipped runbook lives through every bad
//! day of the library, and either arrives or stops at a person with the truth.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use backroad::engine::{Ending, Event, RunState, StepState};
use backroad::model::RunOutcome;
use backroad::sim::bad_day::{BadDay, library};

use crate::support::{Drove, Lab, Stage, all_shipped};

/// How a day ended, in a word, and what is wrong with that.
async fn live_through(
    stage: &Stage,
    day: &BadDay,
    good: &serde_json::Value,
) -> (String, Option<String>) {
    let lab = stage.lab();
    lab.world.lock().unwrap().live_through(day, &stage.plan, lab.now());
    // In virtual time nothing takes long; what does is going in circles.
    #[expect(clippy::disallowed_methods, reason = "the host's time is what is meant")]
    let drove = tokio::time::timeout(Duration::from_secs(60), lab.drive(None)).await;
    let Ok(drove) = drove else {
        return ("endless".to_owned(), Some("it goes in circles".to_owned()));
    };
    let state = RunState::fold(&lab.journal.events()).unwrap();
    let wrong = lab.check_ledger().err();
    match drove {
        Drove::Ended(Ending::Ended(RunOutcome::Succeeded)) => {
            let same = day.is_lived_by_others() || resources(&lab) == good["resources"];
            let owes = !state.obligations().is_empty();
            let differs =
                (!same && !owes).then(|| "the world differs from a good day's".to_owned());
            ("arrives".to_owned(), wrong.or(differs))
        }
        Drove::Ended(Ending::Ended(RunOutcome::Undone)) => {
            // Everything is as it was; the journal has what was in the way.
            let events = lab.journal.events();
            let told = events.iter().find_map(|recorded| match &recorded.event {
                Event::StepFailed { step, error } => Some(format!("{step}: {}", error.message)),
                Event::StepTimedOut { step } => Some(format!("{step}: its time was up")),
                _ => None,
            });
            let silent = told.is_none().then(|| "no step says why".to_owned());
            (format!("undone after {}", told.unwrap_or_default()), wrong.or(silent))
        }
        Drove::Ended(Ending::Ended(outcome)) => {
            // The truth: what stopped it, and why, in words.
            let stop = state.stopped_by.as_ref();
            let first = stop.and_then(|name| state.steps.get_key_value(name));
            let all = first.into_iter().chain(&state.steps);
            let mut told = all.filter_map(|(name, step)| match &step.state {
                StepState::Failed(error) => Some((name, error.message.clone())),
                StepState::TimedOut { operation: Some(_), .. } => {
                    Some((name, "its time was up while Azure was at work".to_owned()))
                }
                StepState::TimedOut { missing, .. } => {
                    let missing = missing.clone().unwrap_or_default();
                    Some((name, format!("its time was up: {missing}")))
                }
                StepState::Held { why } => Some((name, why.clone())),
                _ => None,
            });
            let told = told.next();
            let silent = told.as_ref().is_none_or(|(_, why)| why.is_empty());
            let silent = silent.then(|| "no step says why".to_owned());
            let at = told.map_or_else(String::new, |(name, why)| format!(" at {name}: {why}"));
            (format!("{outcome}{at}"), wrong.or(silent))
        }
        Drove::Ended(Ending::Waiting(steps)) => {
            let names: Vec<String> = steps.iter().map(ToString::to_string).collect();
            (format!("waits at {}", names.join(", ")), wrong)
        }
        other => (format!("{other:?}"), Some("it broke".to_owned())),
    }
}

fn resources(lab: &Lab) -> serde_json::Value {
    lab.comparable()["resources"].clone()
}

#[tokio::test]
async fn every_shipped_runbook_arrives_or_stops_at_a_person_with_the_truth() {
    assert!(library().len() >= 20, "{} days", library().len());
    let mut told: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, profile) in all_shipped() {
        let stage = Stage::of(&name, &profile).await;
        let lab = stage.lab();
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
        let good = lab.comparable();
        for day in library() {
            let (ended, why) = live_through(&stage, day, &good).await;
            let about = format!("{} {profile}", name.trim_end_matches(".yaml"));
            if let Some(why) = why {
                wrong.push(format!("{about} on {}: {ended}: {why}", day.name));
            }
            told.entry(day.name.clone()).or_default().push((about, ended));
        }
    }
    let mut text = String::new();
    for day in library() {
        writeln!(text, "{}: {}", day.name, day.title).unwrap();
        let runs = &told[&day.name];
        let arrived = runs.iter().filter(|(_, ended)| ended == "arrives").count();
        writeln!(text, "  {arrived} of {} arrive", runs.len()).unwrap();
        for (about, ended) in runs.iter().filter(|(_, ended)| ended != "arrives") {
            writeln!(text, "  {about}: {ended}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{}\n\n{text}", wrong.join("\n"));
    let settings = {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings
    };
    settings.bind(|| insta::assert_snapshot!("bad-days", text));
}
