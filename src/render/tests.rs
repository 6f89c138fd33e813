//! Do the screens say what the journal says? Snapshots of hand-made runs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::line::{JournalDetail, line};
use super::plan_text;
use super::style::Style;
use super::text;
use super::timeline::Waited;
use super::truth::RunStanding;
use super::view::{Driven, PLAN_SCHEMA, RunView, run_view, run_view_at};
use super::{PreviewStepView, PreviewView};
use crate::engine::{Actor, BootTime, Event, Intent, Recorded, RunMode, RunState};
use crate::model::action::{General, Subnet};
use crate::model::{
    Action, Change, Epoch, GatePolicy, Objective, OnExpiry, OnFailure, OperationKey, Outputs, Plan,
    PlanParts, Prose, ResourceId, RetryPolicy, RunId, RunOutcome, RunbookName, SagaClass, Seq,
    Step, StepError, StepName, Timestamp, Undo, Write, WriteMethod,
};
use crate::plan::PreviewVerdict;

const VNET: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/hub";

pub(super) fn name(text: &str) -> StepName {
    StepName::parse(text).unwrap()
}

fn step(step_name: &str, needs: &[&str], action: Action) -> Step {
    Step {
        name: name(step_name),
        title: format!("The step {step_name}"),
        needs: needs.iter().map(|n| name(n)).collect(),
        action,
        when: None,
        ensure: Vec::new(),
        timeout: Duration::from_secs(600),
        retry: RetryPolicy::default(),
        on_failure: OnFailure::Stop,
        saga: SagaClass::Undoable,
        side: None,
        owes: None,
        prose: Prose {
            by_hand: Some("az network vnet subnet create …".to_owned()),
            ..Prose::default()
        },
    }
}

fn subnet_id(text: &str) -> ResourceId {
    ResourceId::parse(VNET).unwrap().child("subnets", text).unwrap()
}

fn subnet(step_name: &str, needs: &[&str]) -> Step {
    let spec = Subnet { id: subnet_id(step_name), prefixes: vec!["10.0.0.0/24".parse().unwrap()] };
    step(step_name, needs, Action::Subnet(spec))
}

pub(super) fn plan() -> Plan {
    let gate = GatePolicy {
        question: "Is the source region lost?".to_owned(),
        expires_after: None,
        on_expiry: OnExpiry::Decline,
        approvals: 1,
        role: None,
        not_by_starter: false,
    };
    Plan::new(PlanParts {
        runbook: RunbookName::parse("dr-circuit").unwrap(),
        title: "Re-establish ExpressRoute at the target region".to_owned(),
        owner: None,
        objective: Objective { rto: Some(Duration::from_secs(3_600)) },
        profile: Some("drill".to_owned()),
        params: BTreeMap::new(),
        secrets: BTreeMap::new(),
        tenants: BTreeMap::new(),
        roles: BTreeMap::new(),
        trust_names: false,
        source_region: None,
        failback: None,
        people: None,
        deadline: None,
        drill_every: None,
        messages: Default::default(),
        prose: Prose::default(),
        steps: vec![
            subnet("front", &[]),
            subnet("back", &[]),
            step("go_ahead", &["front"], Action::General(General::Approval(gate))),
            subnet("last", &["go_ahead", "back"]),
        ],
    })
    .unwrap()
}

#[derive(Default)]
pub(super) struct Book(pub(super) Vec<Recorded>);

impl Book {
    pub(super) fn at(mut self, seconds: u64, event: Event) -> Self {
        let start = Timestamp::parse("2026-01-31T03:00:00Z").unwrap();
        self.0.push(Recorded {
            seq: Seq(self.0.len() as u64 + 1),
            at: start + Duration::from_secs(seconds),
            epoch: Epoch(1),
            event,
        });
        self
    }

    pub(super) fn opened() -> Self {
        Self::opened_with(plan())
    }

    pub(super) fn opened_with(plan: Plan) -> Self {
        Self::default().at(
            0,
            Event::RunOpened {
                run: RunId::parse("01h00000000000000000000000").unwrap(),
                plan: Box::new(plan),
                against: None,
                bad_days: Vec::new(),
                regions_down: Vec::new(),
                allow_no_strike: false,
                clock_factor: None,
                place: None,
                mode: RunMode::Drill,
                endpoint: "sim".to_owned(),
                nonce: "n".to_owned(),
                by: None,
            },
        )
    }

    pub(super) fn starts(self, seconds: u64, step: &str) -> Self {
        let step = name(step);
        self.at(seconds, Event::StepStarted { step, attempt: 1 })
    }

    pub(super) fn writes(self, seconds: u64, step: &str) -> Self {
        let answered = Event::Answered { step: name(step), request_id: Some("r-1".to_owned()) };
        self.intends(seconds, step).at(seconds, answered)
    }

    pub(super) fn intends(self, seconds: u64, step: &str) -> Self {
        let resource = subnet_id(step);
        let boot = BootTime { boot: "b".to_owned(), nanos: 0 };
        let intent = Intent {
            key: OperationKey::parse("00000000-0000-4000-8000-000000000001").unwrap(),
            write: Write {
                body: Some(json!({"properties": {}})),
                ..Write::to(WriteMethod::Put, &resource)
            },
            digest: "d".repeat(64),
            undo: Undo::Delete { resource },
            seen: Vec::new(),
            not_after: Timestamp::MAX,
            not_after_boot: boot,
        };
        self.at(seconds, Event::Intended { step: name(step), intent: Box::new(intent) })
    }

    pub(super) fn succeeds(self, seconds: u64, step: &str) -> Self {
        let event =
            Event::StepSucceeded { step: name(step), outputs: Outputs::new(), seen: Vec::new() };
        self.at(seconds, event)
    }

    pub(super) fn asks(self, seconds: u64) -> Self {
        let event = Event::GateOpened {
            step: name("go_ahead"),
            question: "Is the source region lost?".to_owned(),
            expires_at: None,
            failure: None,
        };
        self.starts(seconds, "go_ahead").at(seconds, event)
    }

    /// As a person looks at it, at its last event.
    fn view_now(&self, driven: Driven) -> RunView {
        let state = RunState::fold(&self.0).unwrap();
        run_view_at(&state, &self.0, driven, state.last_at.unwrap()).unwrap()
    }

    pub(super) fn view(&self, driven: Driven) -> RunView {
        let state = RunState::fold(&self.0).unwrap();
        run_view(&state, &self.0, driven).unwrap()
    }
}

pub(super) fn until_the_gate() -> Book {
    Book::opened()
        .starts(0, "front")
        .writes(1, "front")
        .succeeds(60, "front")
        .starts(60, "back")
        .asks(60)
        .writes(62, "back")
        .succeeds(120, "back")
}

pub(super) fn whole() -> Book {
    until_the_gate()
        .at(
            300,
            Event::Approved {
                step: name("go_ahead"),
                by: Actor::DrillPerson,
                choice: None,
                reason: None,
            },
        )
        .succeeds(300, "go_ahead")
        .starts(300, "last")
        .writes(301, "last")
        .succeeds(1_500, "last")
        .at(1_500, Event::RunEnded { outcome: RunOutcome::Succeeded })
}

pub(super) fn failed() -> Book {
    Book::opened()
        .starts(0, "front")
        .starts(0, "back")
        .at(
            5,
            Event::StepFailed {
                step: name("front"),
                error: StepError::rejected("NetcfgSubnetRangesOverlap", "The ranges overlap."),
            },
        )
        .succeeds(9, "back")
        .at(9, Event::RunEnded { outcome: RunOutcome::Failed })
}

#[test]
fn the_summary_of_a_run_that_succeeded() {
    let view = whole().view(Driven::ByNobody);
    insta::assert_snapshot!(text::summary(&view, Style::PLAIN));
}

/// What is taken back had been done, in its time: an undo an hour later makes no step longer and no recovery undone.
#[test]
fn a_run_that_was_taken_back_had_recovered_in_its_time() {
    let before = whole().view(Driven::ByNobody);
    let ann = || Actor::Person("ann".into());
    let book = whole()
        .at(5_000, Event::Reopened { by: ann(), why: "undo".to_owned() })
        .at(5_000, Event::UndoRequested { by: ann(), reason: Some("practice".to_owned()) })
        .at(5_000, Event::UndoStarted { step: name("last"), attempt: 2 })
        .at(6_000, Event::StepUndone { step: name("last") })
        .at(6_000, Event::RunEnded { outcome: RunOutcome::Undone });
    let view = book.view(Driven::ByNobody);
    assert_eq!((view.recovery_seconds, view.taken_back_seconds), (None, Some(1_500.0)));
    let last = |view: &RunView| {
        let step = view.steps.iter().find(|step| step.name == "last").unwrap();
        (step.start_seconds, step.end_seconds)
    };
    assert_eq!(last(&view), last(&before));
    assert_eq!(view.critical_path, before.critical_path);
    let text = text::summary(&view, Style::PLAIN);
    assert!(text.contains("Recovered in 25:00, and taken back since."), "{text}");
}

/// Nobody is at work for a run that has ended badly and waits for a word.
#[test]
fn the_time_in_which_a_run_was_left_is_nobodys_work() {
    let ann = || Actor::Person("ann".into());
    let book = failed()
        .at(10_000, Event::Reopened { by: ann(), why: "retry".to_owned() })
        .at(10_000, Event::StepReset { step: name("front"), by: ann(), reason: None });
    let split = super::split::split(&book.0, &plan());
    assert_eq!(split.left, Duration::from_secs(9_991));
    assert_eq!(split.people, Duration::ZERO);
}

/// A run of half a day keeps its columns.
#[test]
fn times_of_ten_hours_and_more_stand_in_line() {
    let text = text::summary(
        &Book::opened().starts(0, "front").succeeds(40_000, "front").view(Driven::ByNobody),
        Style::PLAIN,
    );
    let row = |word: &str| text.lines().find(|line| line.contains(word)).unwrap();
    let end =
        |line: &str, word: &str| line[..line.find(word).unwrap() + word.len()].chars().count();
    assert_eq!(end(row("STEP"), "END"), end(row("✓ front"), "11:06:40"), "{text}");
}

#[test]
fn the_summary_of_a_run_that_failed_names_the_way_on() {
    let view = failed().view_now(Driven::ByNobody);
    insta::assert_snapshot!(text::summary(&view, Style::PLAIN));
}

#[test]
fn the_summary_of_a_run_that_waits_shows_its_question() {
    let view = until_the_gate().view_now(Driven::ByNobody);
    assert_eq!(view.outcome, RunStanding::Waiting);
    insta::assert_snapshot!(text::summary(&view, Style::PLAIN));
}

#[test]
fn the_machine_output_keeps_its_names() {
    let view = whole().view(Driven::ByNobody);
    insta::assert_snapshot!(super::json::object(&view));
}

#[test]
fn a_wait_for_a_shared_resource_is_told_from_a_wait_for_a_step() {
    let view = whole().view(Driven::ByNobody);
    // Both subnets need the one network to themselves.
    let Some(Waited::Resource { step, .. }) = &view.steps[1].waited_for else {
        panic!("{:?}", view.steps[1].waited_for);
    };
    assert_eq!(step.as_str(), "front");
    assert_eq!(view.steps[2].waited_for, Some(Waited::Person { seconds: 240.0 }));
}

#[test]
fn the_critical_path_goes_back_along_what_was_waited_for() {
    let view = whole().view(Driven::ByNobody);
    assert_eq!(view.critical_path, ["front", "go_ahead", "last"]);
    assert_eq!(view.recovery_seconds, Some(1_500.0));
    assert_eq!(view.people_seconds, 240.0);
    assert_eq!(view.writes, 3);
}

#[test]
fn a_run_that_nobody_drives_is_interrupted_and_one_that_is_driven_runs() {
    let book = Book::opened().starts(0, "front");
    assert_eq!(book.view(Driven::ByNobody).outcome, RunStanding::Interrupted);
    assert_eq!(book.view(Driven::ByAProcess).outcome, RunStanding::Running);
}

#[test]
fn progress_and_journal_lines() {
    let book = whole();
    let plan = plan();
    let tell = |detail| -> String {
        book.0
            .iter()
            .filter_map(|event| line(event, &plan, book.0[0].at, detail, Style::PLAIN))
            .map(|line| line + "\n")
            .collect()
    };
    insta::assert_snapshot!(format!(
        "{}\n{}",
        tell(JournalDetail::Progress),
        tell(JournalDetail::Journal)
    ));
}

/// A table of AKS has dozens of routes: what goes away is told by what it is, not by the JSON that Azure keeps of it.
#[test]
fn what_goes_away_from_a_list_is_one_line() {
    let view = PreviewView {
        preflight: Vec::new(),
        schema: PLAN_SCHEMA.to_owned(),
        runbook: "dr-circuit".to_owned(),
        title: "Re-establish ExpressRoute".to_owned(),
        profile: None,
        looked_at: "https://management.azure.com".to_owned(),
        tells: Vec::new(),
        steps: vec![PreviewStepView {
            name: "front".to_owned(),
            title: "The front".to_owned(),
            action: "route_table.ensure".to_owned(),
            verdict: PreviewVerdict::WouldChange,
            why: None,
            changes: vec![Change {
                resource: subnet_id("front"),
                path: "properties.routes[aks-x]".to_owned(),
                before: json!({
                    "name": "aks-x", "id": subnet_id("front").as_str(), "etag": "W/\"1\"",
                    "properties": {
                        "addressPrefix": "10.244.3.0/24", "nextHopType": "VirtualAppliance",
                        "nextHopIpAddress": "10.21.0.9", "provisioningState": "Succeeded"
                    }
                }),
                after: json!(null),
            }],
        }],
    };
    let text = plan_text::preview(&view, Style::PLAIN);
    let gone =
        "- addressPrefix 10.244.3.0/24, nextHopType VirtualAppliance, nextHopIpAddress 10.21.0.9";
    assert!(text.lines().any(|line| line.trim() == gone), "{text}");
    assert!(text.contains("+ (absent)"), "{text}");
}

#[test]
fn the_preview_shows_before_and_after() {
    let view = PreviewView {
        preflight: Vec::new(),
        schema: PLAN_SCHEMA.to_owned(),
        runbook: "dr-circuit".to_owned(),
        title: "Re-establish ExpressRoute".to_owned(),
        profile: Some("live".to_owned()),
        looked_at: "https://management.azure.com".to_owned(),
        tells: Vec::new(),
        steps: vec![
            PreviewStepView {
                name: "front".to_owned(),
                title: "The front".to_owned(),
                action: "subnet.ensure".to_owned(),
                verdict: PreviewVerdict::WouldChange,
                why: None,
                changes: vec![Change {
                    resource: subnet_id("front"),
                    path: "properties.addressPrefix".to_owned(),
                    before: json!(null),
                    after: json!("10.0.0.0/24"),
                }],
            },
            PreviewStepView {
                name: "go_ahead".to_owned(),
                title: "The go-ahead".to_owned(),
                action: "approval".to_owned(),
                verdict: PreviewVerdict::NeedsPerson,
                why: Some("Is the source region lost?".to_owned()),
                changes: Vec::new(),
            },
        ],
    };
    insta::assert_snapshot!(plan_text::preview(&view, Style::PLAIN));
}
