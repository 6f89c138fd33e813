//! Plans that nobody wrote: random ones over random worlds, disturbed at random, end in an allowed way.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backroad::engine::{Event, Recorded};
use backroad::model::{
    OnFailure, Plan, PlanParts, ResourceId, RetryPolicy, RunOutcome, Step, StepName, Timestamp,
};
use backroad::sim::{Fault, FaultEffect, World};
use serde_json::{Value, json};

use crate::support::{Drove, Lab, shipped_plan, shipped_world};

const NETWORK: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network";

/// Chance that depends on nothing but its seed.
struct Dice(u64, u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.1 += 1;
        let hash = blake3::hash(format!("{}/{}", self.0, self.1).as_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_le_bytes(bytes) % sides
    }
}

/// An action about something of its own, in one of three networks.
fn action(dice: &mut Dice, n: u64) -> Value {
    let vnet = ["vnet-hub-sea", "vnet-app1-sea", "vnet-app2-sea"][dice.roll(3) as usize];
    let space = match vnet {
        "vnet-hub-sea" => format!("10.10.10.{}/28", 64 + (n % 12) * 16),
        "vnet-app1-sea" => format!("10.1.0.{}/29", 128 + (n % 16) * 8),
        _ => format!("10.2.0.{}/29", 128 + (n % 16) * 8),
    };
    match dice.roll(6) {
        0 => json!({ "action": "public_ip.ensure", "with": {
            "id": format!("{NETWORK}/publicIPAddresses/pip{n}"), "location": "southeastasia", "zones": [] } }),
        1 => json!({ "action": "subnet.ensure", "with": {
            "id": format!("{NETWORK}/virtualNetworks/{vnet}/subnets/s{n}"), "prefix": space } }),
        2 => json!({ "action": "route_table.ensure", "with": {
            "id": format!("{NETWORK}/routeTables/rt{n}"), "location": "southeastasia", "routes": [],
            "propagate_gateway_routes": true } }),
        3 => {
            json!({ "action": "wait", "with": { "duration": format!("{}s", 1 + dice.roll(300)) } })
        }
        4 => json!({ "action": "authorization.ensure", "with": {
            "id": format!("/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-singapore/authorizations/a{n}") } }),
        _ => json!({ "action": "approval", "with": { "question": "Go on?" } }),
    }
}

/// A plan of up to fourteen steps; each needs some of those before it.
fn plan(dice: &mut Dice) -> Plan {
    let mut parts: PlanParts = shipped_plan().into();
    parts.steps.clear();
    for n in 0..3 + dice.roll(12) {
        let needs = (0..n).filter(|_| dice.roll(4) == 0).map(|m| StepName::parse(&format!("s{m}")));
        let on_failure = [OnFailure::Stop, OnFailure::Continue, OnFailure::Undo, OnFailure::Ask];
        parts.steps.push(Step {
            name: StepName::parse(&format!("s{n}")).unwrap(),
            title: String::new(),
            needs: needs.collect::<Result<_, _>>().unwrap(),
            action: serde_json::from_value(action(dice, n)).unwrap(),
            when: None,
            ensure: Vec::new(),
            timeout: Duration::from_secs(3_600),
            retry: RetryPolicy::default(),
            on_failure: on_failure[dice.roll(4) as usize],
            saga: backroad::model::SagaClass::Undoable,
            side: None,
            owes: None,
            prose: backroad::model::Prose::default(),
        });
    }
    Plan::new(parts).unwrap()
}

/// A plan that depends on nothing but its seed.
pub(crate) fn plan_of(seed: u64) -> Plan {
    plan(&mut Dice(seed, 0))
}

/// A plan in a world, and one fault in it.
pub(crate) fn unlucky_lab(seed: u64) -> Lab {
    let lab = lab(seed);
    if let Some(fault) = fault(&lab, &mut Dice(seed, 1_000)) {
        lab.world.lock().unwrap().add_fault(fault);
    }
    lab
}

fn lab(seed: u64) -> Lab {
    let mut dice = Dice(seed, 0);
    let plan = plan(&mut dice);
    let scenario = shipped_world();
    let mut world = World::new(&scenario);
    world.set_seed(seed);
    Lab::in_world(plan, Arc::new(Mutex::new(world)), scenario.now, "1")
}

fn fault(lab: &Lab, dice: &mut Dice) -> Option<Fault> {
    let writers: Vec<&ResourceId> =
        lab.plan.steps().iter().filter_map(|step| step.action.written()).collect();
    let resource = writers.get(dice.roll(writers.len().max(1) as u64) as usize)?;
    let effects = [
        FaultEffect::LoseRequest,
        FaultEffect::LoseAnswer,
        FaultEffect::Unreachable,
        FaultEffect::Conflict,
        FaultEffect::Html,
        FaultEffect::Refuse { status: 403, code: "AuthorizationFailed".to_owned() },
        FaultEffect::Fail { code: "InternalServerError".to_owned() },
        FaultEffect::Slow { factor: 9 },
    ];
    Some(Fault::new(
        Some("PUT"),
        resource.as_str(),
        1 + dice.roll(9) as u32,
        effects[dice.roll(8) as usize].clone(),
    ))
}

/// When each step was at work: from its first attempt to its end.
fn spans(events: &[Recorded]) -> BTreeMap<StepName, (Timestamp, Timestamp)> {
    let mut spans: BTreeMap<StepName, (Timestamp, Timestamp)> = BTreeMap::new();
    for Recorded { at, event, .. } in events {
        match event {
            Event::StepStarted { step, .. } => {
                spans.entry(step.clone()).or_insert((*at, *at));
            }
            Event::StepSucceeded { step, .. } => {
                spans.entry(step.clone()).or_insert((*at, *at)).1 = *at;
            }
            _ => {}
        }
    }
    spans
}

/// No step begins before what it needs has ended, and no two hold one resource at once.
fn check_order(lab: &Lab, about: &str) {
    let spans = spans(&lab.journal.events());
    for step in lab.plan.steps() {
        let Some((began, _)) = spans.get(&step.name) else { continue };
        for need in &step.needs {
            let before = &spans[need];
            assert!(before.1 <= *began, "{about}: {} began before {need} ended", step.name);
        }
        for other in lab.plan.steps().iter().take_while(|other| other.name != step.name) {
            let Some((start, end)) = spans.get(&other.name) else { continue };
            let shared = step
                .action
                .holds()
                .iter()
                .any(|hold| other.action.holds().iter().any(|o| o.resource == hold.resource));
            let (_, own_end) = spans[&step.name];
            let apart = *end <= *began || own_end <= *start;
            assert!(!shared || apart, "{about}: {} and {} at once", step.name, other.name);
        }
    }
}

#[tokio::test]
async fn random_plans_with_one_fault_end_in_an_allowed_way() {
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..150 {
        let lab = unlucky_lab(seed);
        let drove = lab.drive(None).await;
        lab.check_ledger().unwrap();
        let Drove::Ended(ending) = drove else { panic!("seed {seed}: {drove:?}") };
        let name = match ending {
            backroad::engine::Ending::Ended(outcome) => outcome.to_string(),
            // In doubt in a way that only a person can settle.
            backroad::engine::Ending::Waiting(_) => "waiting".to_owned(),
            backroad::engine::Ending::Interrupted => panic!("seed {seed}: nobody interrupted"),
        };
        *ends.entry(name).or_default() += 1;
    }
    println!("generated: 150 plans with one fault each: {ends:?}");
    assert!(ends.contains_key("succeeded") && ends.len() > 1, "{ends:?}");
}

#[tokio::test]
async fn undisturbed_plans_keep_their_order_and_waste_little_time() {
    let mut ratios = Vec::new();
    for seed in 0..200 {
        let lab = lab(seed);
        assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded, "seed {seed}");
        check_order(&lab, &format!("seed {seed}"));
        let spans = spans(&lab.journal.events());
        let took = |step: &Step| spans[&step.name].1.since(spans[&step.name].0).as_secs_f64();
        // No schedule is shorter than its longest chain, nor than what one resource is held for.
        let mut chain: BTreeMap<&StepName, f64> = BTreeMap::new();
        for place in lab.plan.dag().order() {
            let step = &lab.plan.steps()[*place];
            let before = step.needs.iter().map(|need| chain[need]).fold(0.0, f64::max);
            chain.insert(&step.name, before + took(step));
        }
        let mut held: BTreeMap<ResourceId, f64> = BTreeMap::new();
        for step in lab.plan.steps() {
            for hold in step.action.holds() {
                *held.entry(hold.resource).or_default() += took(step);
            }
        }
        let bound = chain.values().chain(held.values()).copied().fold(0.0, f64::max);
        let begin = spans.values().map(|span| span.0).min().unwrap();
        let end = spans.values().map(|span| span.1).max().unwrap();
        if bound > 1.0 {
            ratios.push(end.since(begin).as_secs_f64() / bound);
        }
    }
    ratios.sort_by(f64::total_cmp);
    let (median, worst) = (ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
    println!(
        "schedules: {} generated plans; time over the longest of chain and holds: {median:.2} (median), \
         {worst:.2} (worst)",
        ratios.len()
    );
    assert!(median < 1.1 && worst < 2.5, "{median} {worst}");
}
