//! What is said of one step of a run: what it did, what it asks, and why it stands where it stands?

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::writes::Writes;
use crate::engine::{Phase, RunState, StepRecord, StepState};
use crate::model::action::{HubAction, Verification};
use crate::model::desired::RemovalKind;
use crate::model::vpn::Vpn;
use crate::model::{Action, Plan, ResourceId, Step, StepName};

/// What became of a resource that was as wanted before anything was written.
pub(super) const ALREADY_SO: &str = "already_so";

/// What becomes of a resource whose removal Azure took and has not ended.
pub(super) const BEING_REMOVED: &str = "being_removed";

/// A resource as a person says it: `er-singapore/dr-failover` for a child, its name else.
pub(super) fn short(id: &str) -> String {
    let parts: Vec<&str> = id.split('/').filter(|part| !part.is_empty()).collect();
    // subscriptions/S/resourceGroups/G/providers/P/type/name[/type/name…]
    parts.iter().skip(6).skip(1).step_by(2).copied().collect::<Vec<_>>().join("/")
}

/// What a step did to its resource, in a word; none where it wrote nothing.
pub(super) fn change(
    step: &Step,
    record: &StepRecord,
    writes: &BTreeMap<StepName, Writes>,
) -> Option<&'static str> {
    step.action.written()?;
    let write = writes.get(&step.name).cloned().unwrap_or_default();
    match &record.state {
        // None when there was nothing to put back, such as after a removal that never came about.
        StepState::Undone => write.undone,
        _ if write.taken == 0 => matches!(record.state, StepState::Succeeded).then_some(ALREADY_SO),
        // Azure took the removal and has not said that it ended: what was to go may stand for long.
        _ if matches!(step.action, Action::Remove(_)) && is_at_work(&record.state) => {
            Some(BEING_REMOVED)
        }
        // Whether it is made is not known before Azure says that it is done.
        StepState::Working(_) if write.created && is_at_work(&record.state) => None,
        _ if matches!(step.action, Action::Remove(_)) => Some("removed"),
        _ if matches!(step.action, Action::RecoveryPlan(_)) => Some("moved"),
        _ if write.created => Some("created"),
        _ => Some("updated"),
    }
}

/// The steps that reached their goal.
fn done<'a>(state: &'a RunState, plan: &'a Plan) -> impl Iterator<Item = &'a Step> {
    plan.steps().iter().filter(|step| {
        let record = state.steps.get(&step.name);
        record.is_some_and(|record| matches!(record.state, StepState::Succeeded))
    })
}

/// What a run has proven to be told to on-premises: a network of these is what it is for.
pub(super) fn proven(state: &RunState, plan: &Plan) -> BTreeSet<IpNet> {
    let told = done(state, plan).filter_map(|step| match &step.action {
        Action::Verify(
            Verification::Advertised { expect, .. } | Verification::CircuitRoutes { expect, .. },
        ) => Some(expect),
        _ => None,
    });
    // A default route says of no network that it is meant.
    told.flatten().filter(|prefix| prefix.prefix_len() > 0).copied().collect()
}

/// The virtual networks that a run has brought to a gateway, or whose subnets it has given tables and security groups, but
/// for those that it has taken off again, as a failback does: whatever else becomes of them, they are to be reached.
pub(super) fn brought(state: &RunState, plan: &Plan) -> BTreeSet<ResourceId> {
    let mut steps: Vec<&Step> = done(state, plan).collect();
    steps.sort_by_key(|step| state.step(&step.name).and_then(|record| record.ended_at));
    let (mut on, mut off, mut given) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for step in steps {
        match &step.action {
            Action::Association(spec) => given.extend(spec.subnet.parent()),
            Action::SecurityGroup(spec) => given.extend(spec.subnet.parent()),
            action => {
                for network in taken_off(action) {
                    on.remove(&network);
                    off.insert(network);
                }
                if let Some(network) = brought_by(action) {
                    off.remove(&network);
                    on.insert(network);
                }
            }
        }
    }
    on.extend(given.into_iter().filter(|network| !off.contains(network)));
    on
}

/// The network that an action brings to a gateway.
fn brought_by(action: &Action) -> Option<ResourceId> {
    match action {
        Action::Peering(spec) if spec.use_remote_gateways == Some(true) => spec.id.parent(),
        Action::Peering(spec) if spec.allow_gateway_transit == Some(true) => {
            Some(spec.remote.clone())
        }
        Action::Hub(HubAction::Vnet(spec)) => Some(spec.vnet.clone()),
        Action::Gateway(spec) => spec.subnet.parent(),
        Action::Vpn(Vpn::Gateway(spec)) => spec.subnet.parent(),
        _ => None,
    }
}

/// The networks that an action takes off what brought them on-premises.
fn taken_off(action: &Action) -> Vec<ResourceId> {
    match action {
        Action::Peering(spec) if spec.use_remote_gateways == Some(false) => {
            spec.id.parent().into_iter().collect()
        }
        Action::Remove(spec) if spec.kind == RemovalKind::Peering => {
            spec.id.parent().into_iter().chain(spec.remote.clone()).collect()
        }
        Action::Remove(spec) if spec.kind == RemovalKind::HubVnet => {
            spec.remote.iter().cloned().collect()
        }
        Action::Remove(spec) if spec.id.name().eq_ignore_ascii_case("GatewaySubnet") => {
            spec.id.parent().into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// The circuits that a run has come to: those that a step of it connected, or saw the prefixes on. By name.
pub(super) fn come_to(state: &RunState, plan: &Plan) -> BTreeSet<String> {
    done(state, plan)
        .filter_map(|step| match &step.action {
            Action::Verify(Verification::CircuitRoutes { circuit, expect, .. }) => {
                (!expect.is_empty()).then_some(circuit)
            }
            action => action.nature().link.map(|link| link.circuit),
        })
        .map(|circuit| circuit.name().to_owned())
        .collect()
}

/// Whether an operation of Azure's goes on for all that is known, also past the step's time.
fn is_at_work(state: &StepState) -> bool {
    match state {
        StepState::TimedOut { operation, .. } => operation.is_some(),
        StepState::Working(work) => matches!(work.phase, Phase::Operating { .. }),
        _ => false,
    }
}

/// What a person is asked at a step.
pub(super) fn question(record: &StepRecord) -> Option<String> {
    match &record.work()?.phase {
        Phase::Asking { question, .. } => Some(question.clone()),
        _ => None,
    }
}

/// Why a step stands where it stands.
pub(super) fn why(record: &StepRecord) -> Option<String> {
    match &record.state {
        StepState::Failed(error) | StepState::UndoFailed(error) => Some(error.to_string()),
        StepState::Skipped { why, .. } => Some(why.to_string()),
        StepState::Held { why } => Some(why.clone()),
        StepState::TimedOut { operation: Some(_), missing: None } => {
            Some("Its time was up while Azure was still at work.".to_owned())
        }
        StepState::TimedOut { operation: Some(_), missing: Some(missing) } => {
            Some(format!("Its time was up. {missing}"))
        }
        StepState::TimedOut { missing: None, .. } => Some("Its time was up.".to_owned()),
        StepState::TimedOut { missing: Some(missing), .. } => {
            Some(format!("Its time was up. The last look said: {missing}"))
        }
        StepState::Working(work) => match &work.phase {
            Phase::Waiting { why } => Some(why.clone()),
            Phase::Retrying { error, .. } => Some(error.to_string()),
            Phase::InDoubt(_) => Some("Whether its write landed is not known.".to_owned()),
            Phase::Asking { failure, .. } => failure.as_ref().map(ToString::to_string),
            Phase::Operating { .. } => record.unasked.clone(),
            Phase::Observing | Phase::Intended(_) | Phase::Confirming(_) => None,
        },
        StepState::Pending | StepState::Succeeded | StepState::Undone => None,
    }
}
