//! The end of an operation is noticed soon after it came, without asking much more often than others do.
//! Judged over the recorded durations, beside a poller that does what Azure's SDKs do.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::engine::glance::next_of;
use backroad::model::durations::{MeasuredChange, quantiles};
use backroad::model::{ResourceId, ResourceType};

use crate::support::{Extent, arm_data};

/// One recorded operation: what it was, and when it ended, somewhere between two polls.
struct Recorded {
    of: ResourceType,
    change: MeasuredChange,
    seconds: f64,
    first: u64,
}

fn resource_type(op: &str) -> Option<ResourceType> {
    let path = match op {
        "vng" => "virtualNetworkGateways/x",
        "conn" => "connections/x",
        "er.circuit" => "expressRouteCircuits/x",
        "er.auth" => "expressRouteCircuits/x/authorizations/x",
        "er.peering" => "expressRouteCircuits/x/peerings/x",
        "vnet.peering" => "virtualNetworks/x/virtualNetworkPeerings/x",
        "subnet" => "virtualNetworks/x/subnets/x",
        "routeTable" => "routeTables/x",
        "publicIP" => "publicIPAddresses/x",
        // What no action of ours writes.
        _ => return None,
    };
    let id = format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/{path}");
    Some(ResourceId::parse(&id).unwrap().resource_type())
}

/// The first `Retry-After` (docs/wire.md 1).
fn first(op: &str, delete: bool) -> u64 {
    match op {
        "subnet" if !delete => 3,
        "routeTable" => 2,
        "publicIP" if !delete => 1,
        _ => 10,
    }
}

fn recorded() -> (Vec<Recorded>, Extent) {
    let (folder, extent) = arm_data("latency").unwrap();
    let text = std::fs::read_to_string(folder.join("samples.csv")).unwrap();
    let mut all = Vec::new();
    for (row, line) in text.lines().enumerate().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let Some(of) = resource_type(cells[0]) else { continue };
        let delete = cells[1] == "DELETE";
        let change = match (delete, cells[2]) {
            (true, _) => MeasuredChange::Delete,
            (false, "201") => MeasuredChange::Create,
            (false, _) => MeasuredChange::Update,
        };
        let number = |place: usize| cells[place].parse::<f64>().unwrap_or(0.0);
        let (low, high) = (number(4), number(5).max(number(4)));
        // Somewhere in the interval, the same in every run.
        let hash = blake3::hash(row.to_string().as_bytes());
        let share = f64::from(hash.as_bytes()[0]) / 255.0;
        let seconds = (low + share * (high - low)).max(0.05);
        all.push(Recorded { of, change, seconds, first: first(cells[0], delete) });
    }
    (all, extent)
}

/// The rungs of Azure's ladder.
fn rung(first: u64, polls: usize) -> u64 {
    const LADDER: [u64; 8] = [10, 20, 20, 40, 40, 80, 160, 100];
    if first >= 10 { LADDER[polls.min(7)] } else { (first << polls.min(3)).min(10) }
}

/// When each poll of a ladder is made, until the first that is not before the end.
fn polls(first: u64, end: f64) -> Vec<f64> {
    let mut all = vec![first as f64];
    while *all.last().unwrap() < end {
        let next = all.last().unwrap() + rung(first, all.len() - 1) as f64;
        all.push(next);
    }
    all
}

/// When each look at the resource is made, until the first that is not before the end.
fn looks(of: &Recorded) -> Vec<f64> {
    let mut all = Vec::new();
    let mut at = Duration::ZERO;
    while let Some(next) = next_of(quantiles(&of.of, of.change), at) {
        all.push(next.as_secs_f64());
        if next.as_secs_f64() >= of.seconds {
            break;
        }
        at = next;
    }
    all
}

fn percentile(all: &mut [f64], percent: usize) -> f64 {
    all.sort_by(f64::total_cmp);
    all[(all.len() * percent / 100).min(all.len() - 1)]
}

#[test]
fn the_end_is_noticed_within_seconds_for_at_most_three_times_the_reads_of_others() {
    let (all, extent) = recorded();
    let enough = if extent == Extent::Whole { 3_000 } else { 30 };
    assert!(all.len() > enough, "{}", all.len());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut reads, mut their_reads) = (0, 0);
    for operation in &all {
        let polls = polls(operation.first, operation.seconds);
        theirs.push(polls.last().unwrap() - operation.seconds);
        their_reads += polls.len();
        let looks = looks(operation);
        let seen = looks.iter().copied().find(|at| *at >= operation.seconds);
        let noticed = seen.unwrap_or(f64::MAX).min(*polls.last().unwrap());
        ours.push(noticed - operation.seconds);
        let until = |times: &[f64]| times.iter().filter(|at| **at <= noticed).count();
        reads += until(&polls) + until(&looks);
    }
    let (half, most) = (percentile(&mut ours, 50), percentile(&mut ours, 95));
    let (their_half, their_most) = (percentile(&mut theirs, 50), percentile(&mut theirs, 95));
    let ratio = reads as f64 / their_reads as f64;
    println!(
        "polling: {} operations; end noticed after {half:.1} s (median), {most:.1} s (p95), beside \
         {their_half:.1} s and {their_most:.1} s of an SDK's poller; {ratio:.2} times its reads",
        all.len()
    );
    assert!(half <= 5.0 && most <= 10.0, "{half} {most}");
    // In the sample each kind counts alike, the rare slow ones too.
    let most = if extent == Extent::Whole { 3.0 } else { 3.2 };
    assert!(ratio <= most, "{ratio}");
}
