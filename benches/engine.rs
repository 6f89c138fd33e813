//! How fast does a journal fold, and how long does one decision take?
#![expect(clippy::unwrap_used, reason = "a bench that cannot set up has nothing to measure")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use backroad::engine::state::RunState;
use backroad::engine::turn::{Input, Intake, Moment, take_turn};
use backroad::engine::{BootTime, Event, Recorded, RunMode};
use backroad::model::action::{Action, General};
use backroad::model::{
    Epoch, Objective, OnFailure, Plan, PlanParts, Prose, RetryPolicy, RunId, RunbookName,
    SagaClass, Step, StepName, Timestamp,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// A chain of waits: the smallest steps there are, so that the fold itself is measured.
fn plan(steps: usize) -> Plan {
    let name = |n: usize| StepName::parse(&format!("s{n}")).unwrap();
    let step = |n: usize| Step {
        name: name(n),
        title: String::new(),
        needs: if n == 0 { Vec::new() } else { vec![name(n - 1)] },
        action: Action::General(General::Wait { duration: Duration::from_secs(1) }),
        when: None,
        ensure: Vec::new(),
        timeout: Duration::from_secs(60),
        retry: RetryPolicy::default(),
        on_failure: OnFailure::Stop,
        saga: SagaClass::Undoable,
        side: None,
        owes: None,
        prose: Prose::default(),
    };
    Plan::new(PlanParts {
        runbook: RunbookName::parse("bench").unwrap(),
        title: String::new(),
        owner: None,
        objective: Objective::default(),
        profile: None,
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
        steps: (0..steps).map(step).collect(),
    })
    .unwrap()
}

fn journal(plan: &Plan) -> Vec<Recorded> {
    let mut events = vec![Event::RunOpened {
        run: RunId::parse("01h00000000000000000000000").unwrap(),
        plan: Box::new(plan.clone()),
        mode: RunMode::Drill,
        endpoint: String::new(),
        nonce: String::new(),
        against: None,
        bad_days: Vec::new(),
        regions_down: Vec::new(),
        allow_no_strike: false,
        clock_factor: None,
        place: None,
        by: None,
    }];
    for step in plan.steps() {
        events.push(Event::StepStarted { step: step.name.clone(), attempt: 1 });
        events.push(Event::StepSucceeded {
            step: step.name.clone(),
            outputs: BTreeMap::new(),
            seen: Vec::new(),
        });
    }
    let mut seq = backroad::model::Seq::default();
    events
        .into_iter()
        .map(|event| {
            seq = seq.next();
            Recorded { seq, at: Timestamp::from_millis(0), epoch: Epoch(1), event }
        })
        .collect()
}

fn fold(criterion: &mut Criterion) {
    let plan = plan(1_000);
    let events = journal(&plan);
    let mut group = criterion.benchmark_group("fold");
    group.throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("events", |b| b.iter(|| RunState::fold(black_box(&events)).unwrap()));
    group.finish();
}

fn turn(criterion: &mut Criterion) {
    let plan = plan(40);
    let state = RunState::fold(&journal(&plan)[..41]).unwrap();
    let boot = BootTime { boot: String::new(), nanos: 0 };
    let now = Moment { at: Timestamp::from_millis(0), boot };
    criterion.bench_function("turn/opened, 40 steps", |b| {
        let fresh = || state.clone();
        let take = |mut state: RunState| {
            take_turn(&plan, black_box(&mut state), Input::Opened, &now, Intake::Going)
        };
        b.iter_batched(fresh, take, criterion::BatchSize::SmallInput);
    });
}

criterion_group!(benches, fold, turn);
criterion_main!(benches);
