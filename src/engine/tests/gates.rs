//! Is a gate passed by those who may pass it, and by nobody else? Every command against every kind of gate.

use std::collections::BTreeSet;

use super::*;
use crate::engine::actor::Actor;
use crate::engine::state::RunPhase;
use crate::model::{Account, Person};

/// A person who claims a name, from an account.
fn person(name: &str, account: &str) -> Person {
    let account = Account {
        name: account.to_owned(),
        uid: None,
        host: "jump".to_owned(),
        login: None,
        sudo_user: None,
        said: false,
        invited: false,
    };
    Person { name: name.to_owned(), account: Some(Box::new(account)) }
}

fn word(step: &str, by: &Person, reason: Option<&str>) -> StepCommand {
    StepCommand {
        step: name(step),
        by: by.clone(),
        reason: reason.map(str::to_owned),
        choice: None,
    }
}

/// Every kind of gate: two people of a role, and not who started the run.
fn kinds() -> [(&'static str, General); 3] {
    let gate = GatePolicy {
        question: "Go?".to_owned(),
        expires_after: None,
        on_expiry: OnExpiry::Decline,
        approvals: 2,
        role: Some("lead".to_owned()),
        not_by_starter: true,
    };
    let options = ["left", "right"].map(|way| (way.to_owned(), way.to_owned())).to_vec();
    let decision = DecisionPolicy { gate: gate.clone(), options, otherwise: None };
    [
        ("approval", General::Approval(gate.clone())),
        ("manual", General::Manual(gate)),
        ("decision", General::Decision(decision)),
    ]
}

/// `first`, then the gate `go`, then `after`; the run was started by `cy`, who has the role as well.
fn gated(kind: General, on_failure: OnFailure, trust_names: bool) -> Bench {
    let mut go = step("go", &["first"], Action::General(kind));
    (go.on_failure, go.side) = (on_failure, Some(Side::Source));
    let mut first = public_ip("first", &[]);
    first.owes = Some("First.".to_owned());
    let mut parts: PlanParts = plan_of(vec![first, go, public_ip("after", &["go"])]).into();
    let people = ["ann", "bob", "cy"].map(str::to_owned).to_vec();
    parts.roles.insert("lead".to_owned(), Role { people, ..Role::default() });
    parts.trust_names = trust_names;
    let mut bench = Bench::opened_by(Plan::new(parts).unwrap(), person("cy", "cy"));
    bench.give(Input::Opened);
    bench
}

/// Everything that a person can say. A new command does not compile until it is here.
fn commands(by: &Person) -> Vec<Command> {
    let mut all = Vec::new();
    for step in ["first", "go", "after"] {
        let said = || word(step, by, Some("because"));
        let chosen = || StepCommand { choice: Some("left".to_owned()), ..said() };
        all.extend([
            Command::Approve(said()),
            Command::Approve(chosen()),
            Command::Decline(said()),
            Command::Retry(said()),
            Command::RetryFrom(said()),
            Command::Skip(said()),
        ]);
    }
    let (by, reason) = (by.clone(), Some("because".to_owned()));
    all.extend([
        Command::RetryAll { by: by.clone(), reason: reason.clone(), done: false },
        Command::Pause { by: by.clone(), reason: reason.clone() },
        Command::Continue { by: by.clone() },
        Command::SourceDown { by: by.clone(), reason: reason.clone() },
        Command::Settle { by: by.clone(), reason: reason.clone() },
        Command::Cancel { by: by.clone(), reason: reason.clone() },
        Command::Undo { by, reason },
    ]);
    for command in &all {
        match command {
            Command::Approve(_)
            | Command::Decline(_)
            | Command::Retry(_)
            | Command::RetryFrom(_)
            | Command::Skip(_)
            | Command::RetryAll { .. }
            | Command::Pause { .. }
            | Command::Continue { .. }
            | Command::SourceDown { .. }
            | Command::Settle { .. }
            | Command::Cancel { .. }
            | Command::Undo { .. } => {}
        }
    }
    all
}

/// What tells two runs apart, for who looks whether a gate holds.
fn outline(bench: &Bench) -> String {
    let phase = match &bench.state.phase {
        RunPhase::Forward => "forward",
        RunPhase::Cancelling => "cancelling",
        RunPhase::Undoing { .. } => "undoing",
        RunPhase::Settling { .. } => "settling",
        RunPhase::Ended { outcome, .. } => outcome.as_str(),
    };
    let paused = bench.state.paused.is_some();
    let mut text = format!("{phase} {paused} {} ", bench.state.source_down.is_some());
    for record in bench.state.steps.values() {
        let yes = match record.work().map(|work| &work.phase) {
            Some(crate::engine::state::Phase::Asking { approved_by, .. }) => approved_by.len(),
            _ => 0,
        };
        let code = match &record.state {
            StepState::Failed(error) => error.code.as_str(),
            _ => "",
        };
        let agreed = record.skip_agreed.len();
        text += &format!("{} {code} {yes} {agreed} {} ", record.status(), record.touched);
    }
    text
}

/// Every state that these people can bring a run to, whatever they say in whatever order, while the world
/// goes on, the process dies, and others take the run up.
fn reachable(start: Bench, people: &[Person], check: impl Fn(&Bench, &str)) -> usize {
    let mut seen = BTreeSet::from([outline(&start)]);
    let mut open = vec![start];
    while let Some(bench) = open.pop() {
        let mut next: Vec<(Bench, String)> = Vec::new();
        for command in people.iter().flat_map(commands) {
            // Most are refused, which changes nothing.
            let (input, now) = (Input::Command(command.clone()), bench.moment());
            let mut state = bench.state.clone();
            let refused = take_turn(&bench.plan, &mut state, input, &now, Intake::Going).refusal;
            if refused.is_some() {
                assert_eq!(state, bench.state, "a refused command leaves no trace");
                continue;
            }
            let mut led = bench.clone();
            let what = format!("{command:?}");
            led.give(Input::Command(command));
            next.push((led, what));
        }
        let mut calm = bench.clone();
        calm.calm_down();
        next.push((calm, "the world answers".to_owned()));
        let mut crashed = bench;
        crashed.crash();
        next.push((crashed, "the process dies".to_owned()));
        for (led, what) in next {
            check(&led, &what);
            if seen.insert(outline(&led)) {
                open.push(led);
            }
        }
    }
    seen.len()
}

#[test]
fn no_verb_weakens_a_gate() {
    // An outsider and the starter, under the names of those who may; and one who may, under two names.
    let outside = [person("ann", "eve"), person("bob", "cy")];
    let alone = [person("ann", "eve"), person("ann", "ann"), person("bob", "ann")];
    for (kind, general) in kinds() {
        for on_failure in [OnFailure::Stop, OnFailure::Ask, OnFailure::Undo, OnFailure::Continue] {
            // Going on without a yes is the plan's own word there, and one who may answer can say no.
            let people = if on_failure == OnFailure::Continue { &outside[..] } else { &alone[..] };
            let bench = gated(general.clone(), on_failure, false);
            let states = reachable(bench, people, |bench, what| {
                let go = &bench.state.steps[&name("go")].state;
                let passed = matches!(go, StepState::Succeeded | StepState::Skipped { .. });
                let begun = bench.state.steps[&name("after")].attempt > 0;
                assert!(!passed && !begun, "{kind}, {on_failure:?}: passed by {what}");
            });
            assert!(states > 20, "{kind}: {states} states are hardly all");
        }
    }
}

#[test]
fn the_people_of_a_gate_skip_it_together_and_say_why() {
    let (ann, bob) = (person("ann", "ann"), person("bob", "bob"));
    for (kind, general) in kinds() {
        let mut bench = gated(general, OnFailure::Stop, false);
        bench.see("first", Assessed::Holds);
        let mut skip = |by: &Person, reason| {
            bench.give(Input::Command(Command::Skip(word("go", by, reason)))).refusal
        };
        assert!(skip(&ann, None).unwrap().to_string().contains("reason"), "{kind}");
        assert!(skip(&ann, Some("  ")).unwrap().to_string().contains("reason"), "{kind}");
        assert_eq!(skip(&ann, Some("the phone said so")), None);
        assert!(
            skip(&person("bob", "ann"), Some("x")).unwrap().to_string().contains("already"),
            "{kind}"
        );
        assert!(
            skip(&person("bob", "cy"), Some("x")).unwrap().to_string().contains("started the run")
        );
        assert!(
            skip(&person("bob", "eve"), Some("x"))
                .unwrap()
                .to_string()
                .contains("lead (ann, bob, cy)")
        );
        assert_eq!(skip(&bob, Some("and me")), None);
        assert_eq!(bench.status("go"), StepStatus::Skipped, "{kind}");
        assert_eq!(bench.status("after"), StepStatus::Running, "{kind}");
    }
}

#[test]
fn what_was_agreed_before_a_no_counts_for_nothing_after_it() {
    let (ann, bob) = (person("ann", "ann"), person("bob", "bob"));
    let [(_, approval), ..] = kinds();
    let mut bench = gated(approval, OnFailure::Stop, false);
    bench.see("first", Assessed::Holds);
    let mut say = |command| bench.give(Input::Command(command)).refusal;
    assert_eq!(say(Command::Skip(word("go", &ann, Some("a")))), None);
    assert_eq!(say(Command::Decline(word("go", &bob, Some("no")))), None);
    assert!(say(Command::Skip(word("go", &person("x", "eve"), Some("e")))).is_some());
    assert_eq!(say(Command::Skip(word("go", &bob, Some("b")))), None);
    // The run has ended, and one person's word leaves it so.
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Failed));
    assert_eq!(bench.status("go"), StepStatus::Failed);
    bench.crash();
    let turn = bench.give(Input::Command(Command::Skip(word("go", &ann, Some("a")))));
    assert_eq!(turn.refusal, None);
    assert_eq!(bench.status("after"), StepStatus::Running);
}

#[test]
fn those_who_choose_together_choose_the_same() {
    let (ann, bob) = (person("ann", "ann"), person("bob", "bob"));
    let [.., (_, decision)] = kinds();
    let mut bench = gated(decision, OnFailure::Stop, false);
    bench.see("first", Assessed::Holds);
    let mut choose = |by: &Person, way: &str| {
        let said = StepCommand { choice: Some(way.to_owned()), ..word("go", by, None) };
        bench.give(Input::Command(Command::Approve(said))).refusal
    };
    assert_eq!(choose(&ann, "left"), None);
    assert!(choose(&bob, "right").unwrap().to_string().contains("`left` was chosen"));
    assert_eq!(choose(&bob, "left"), None);
    assert_eq!(bench.status("go"), StepStatus::Succeeded);
}

#[test]
fn accounts_are_counted_unless_the_runbook_trusts_names() {
    let (as_ann, as_bob) = (person("ann", "ops"), person("bob", "ops"));
    let [(_, approval), ..] = kinds();
    for trust in [false, true] {
        let mut bench = gated(approval.clone(), OnFailure::Stop, trust);
        bench.see("first", Assessed::Holds);
        let mut yes =
            |by| bench.give(Input::Command(Command::Approve(word("go", by, None)))).refusal;
        let said = (yes(&as_ann), yes(&as_bob));
        if trust {
            assert_eq!(said, (None, None));
        } else {
            assert!(said.0.unwrap().to_string().contains("where the runbook trusts names"));
        }
        let passed = bench.status("go") == StepStatus::Succeeded;
        assert_eq!(passed, trust);
    }
}

#[test]
fn a_cancelled_run_that_goes_on_asks_its_gates_again() {
    let [(_, approval), ..] = kinds();
    let mut bench = gated(approval, OnFailure::Continue, false);
    bench.see("first", Assessed::Blocked { code: "no".to_owned(), why: "No.".to_owned() });
    let eve = person("eve", "eve");
    bench.give(Input::Command(Command::Skip(word("first", &eve, Some("x")))));
    bench.give(Input::Command(Command::Cancel { by: eve.clone(), reason: None }));
    assert_eq!(bench.state.outcome(), Some(RunOutcome::Cancelled));
    bench.give(Input::Command(Command::RetryFrom(word("first", &eve, Some("x")))));
    assert_eq!(bench.status("after"), StepStatus::Pending);
    bench.see("first", Assessed::Holds);
    assert_eq!(bench.status("go"), StepStatus::Waiting);
}

#[test]
fn a_gate_that_was_begun_and_not_asked_is_asked_and_not_looked_at() {
    let mut bench = Bench::new(plan_of(vec![approval("go", &[])]));
    bench.record(vec![Event::StepStarted { step: name("go"), attempt: 1 }]);
    bench.crash();
    assert_eq!(bench.status("go"), StepStatus::Waiting);
}

#[test]
fn the_account_is_in_the_journal_beside_the_name() {
    let mut bench = Bench::new(plan_of(vec![approval("go", &[])]));
    bench.give(Input::Opened);
    let by = person("mei", "root");
    bench.give(Input::Command(Command::Approve(word("go", &by, Some("seen")))));
    let text = serde_json::to_string(&bench.journal).unwrap();
    assert!(text.contains(r#""name":"mei","account":{"name":"root","host":"jump"}"#), "{text}");
    let said = bench.journal.iter().find_map(|recorded| match recorded.event.by() {
        Some(Actor::Person(person)) => Some(person.clone()),
        _ => None,
    });
    assert_eq!(said, Some(by));
}

#[test]
fn a_step_behind_a_gate_is_not_skipped_to_get_around_it() {
    for (kind, general) in kinds() {
        let mut bench = gated(general, OnFailure::Stop, false);
        let refused = |bench: &mut Bench| {
            let outsider = person("mallory", "mallory");
            let said = word("after", &outsider, Some("it is not needed"));
            bench.give(Input::Command(Command::Skip(said))).refusal
        };
        let why = refused(&mut bench).map(|why| why.to_string()).unwrap_or_default();
        assert!(why.contains("gate `go`"), "{kind}: {why}");
        assert_eq!(bench.state.steps[&name("after")].state, StepState::Pending, "{kind}");
    }
}

#[test]
fn who_answers_second_hears_who_answered_first() {
    let mut bench = Bench::new(plan_of(vec![approval("go", &[])]));
    bench.give(Input::Opened);
    let nobody = bench.give(Input::Command(Command::Approve(word("go", &"eve".into(), None))));
    assert!(nobody.refusal.is_none(), "{nobody:?}");
    let second = bench.give(Input::Command(Command::Decline(word("go", &"bob".into(), None))));
    let told = second.refusal.expect("it is answered").to_string();
    assert!(told.contains("not asking for an approval any more: eve approved it at "), "{told}");
}
