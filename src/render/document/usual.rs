//! How long does an action usually take, for a document? As recorded, or as people who know say.

use std::time::Duration;

use super::words::time;
use crate::model::action::General;
use crate::model::durations::{MeasuredChange, spread};
use crate::model::recovery::RecoveryMove;
use crate::model::{Action, ActionClass, ResourceId};

/// How long an action usually takes: half of them are done by the first, nine in ten by the second.
/// None where people decide.
pub(super) fn duration(action: &Action) -> Option<(Duration, Duration)> {
    let of = |id: &ResourceId, change: MeasuredChange| {
        spread(&id.resource_type(), action.recorded_as(), change)
            .map(|spread| (spread.at(0.5), spread.at(0.9)))
            .unwrap_or((Duration::from_secs(5), Duration::from_secs(15)))
    };
    match action {
        Action::General(General::Wait { duration }) => Some((*duration, *duration)),
        Action::General(_) => None,
        // What stands in for it says so; else it is a short one.
        Action::Outside(own) => {
            let usual = own.drill().takes.unwrap_or(Duration::from_secs(2));
            Some((usual, own.time_limit().max(usual)))
        }
        // A look at a gateway or an edge is an operation of its own (docs/wire.md 6).
        Action::Verify(_) => Some((Duration::from_secs(5), Duration::from_secs(30))),
        // azure-facts 4, and the recorded moves of one machine (docs/wire.md 5).
        Action::RecoveryPlan(spec) => {
            let (half, most) = match spec.to {
                RecoveryMove::Failover { .. } => (300, 1_200),
                RecoveryMove::TestFailover { .. } => (240, 540),
                RecoveryMove::Commit => (8, 31),
                RecoveryMove::TestCleanup => (120, 240),
                RecoveryMove::Reprotect => (3_600, 14_400),
            };
            Some((Duration::from_secs(half), Duration::from_secs(most)))
        }
        // Answered at once (azure-facts has no row of them).
        Action::Steering(_) => Some((Duration::from_secs(1), Duration::from_secs(3))),
        Action::PublicIp(_)
        | Action::Subnet(_)
        | Action::Gateway(_)
        | Action::Authorization(_)
        | Action::Connection(_)
        | Action::Peering(_)
        | Action::RouteTable(_)
        | Action::Route(_)
        | Action::Bandwidth(_)
        | Action::Tier(_)
        | Action::Association(_)
        | Action::Dissociation(_)
        | Action::SecurityGroup(_)
        | Action::Dns(_)
        | Action::Remove(_)
        | Action::Vpn(_)
        | Action::Hub(_) => {
            let change = measured(action.nature().class)?;
            action.written().map(|id| of(id, change))
        }
    }
}

/// Which recorded durations speak of what an action does.
fn measured(class: ActionClass) -> Option<MeasuredChange> {
    match class {
        ActionClass::Make => Some(MeasuredChange::Create),
        ActionClass::Change | ActionClass::Release => Some(MeasuredChange::Update),
        ActionClass::Remove => Some(MeasuredChange::Delete),
        ActionClass::Call | ActionClass::Look | ActionClass::Ask | ActionClass::Wait => None,
    }
}

pub(super) fn phrase(action: &Action) -> String {
    match (action, duration(action)) {
        (Action::General(General::Wait { duration }), _) => format!("exactly {}", time(*duration)),
        (Action::Verify(_), _) => {
            "seconds once it is so; it looks again until its time is up".to_owned()
        }
        (Action::Outside(own), _) if own.only_reads() => {
            "seconds once it is so; it looks again until its time is up".to_owned()
        }
        (_, None) => "as long as people take".to_owned(),
        (_, Some((_, most))) if most.as_secs() <= 1 => "about a second".to_owned(),
        (_, Some((half, most))) => {
            format!("{} for half of them, {} for nine in ten", time(half), time(most))
        }
    }
}
