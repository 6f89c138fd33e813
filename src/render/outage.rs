//! When does nothing reach either region? Where one connection is removed for another: from the removal to the first
//! proof over the other.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::engine::{Event, Recorded, RunState};
use crate::model::action::{HubAction, RemovalKind};
use crate::model::probe::ReachProof;
use crate::model::{Action, Plan, StepStatus, Timestamp};

/// The places in a plan where the time without a path opens and closes, and those between.
pub(super) struct OutageWindow {
    pub(super) opens: usize,
    /// Where the other connection is made.
    pub(super) made: usize,
    pub(super) closes: usize,
    pub(super) inside: BTreeSet<usize>,
}

/// Whether an action takes a connection away.
pub(super) fn removes_connection(action: &Action) -> bool {
    let kinds = [RemovalKind::Connection, RemovalKind::HubConnection];
    matches!(action, Action::Remove(spec) if kinds.contains(&spec.kind))
}

/// Whether an action makes a connection.
pub(super) fn makes_connection(action: &Action) -> bool {
    matches!(action, Action::Connection(_) | Action::Hub(HubAction::Connection(_)))
}

/// From the removal of a connection to the first proof of routes after another was made.
pub(super) fn window(plan: &Plan) -> Option<OutageWindow> {
    let steps = plan.steps();
    let order = plan.dag().order();
    let opens = order.iter().copied().find(|place| removes_connection(&steps[*place].action))?;
    let after = plan.dag().descendants(opens);
    let makes = |place: &usize| makes_connection(&steps[*place].action);
    let made = order.iter().copied().find(|place| after.contains(place) && makes(place))?;
    let later = plan.dag().descendants(made);
    // What is seen from where traffic must flow proves more than routes do.
    let proof = |wanted: ReachProof| {
        let proves = |place: &usize| steps[*place].action.proof() == Some(wanted);
        order.iter().copied().find(|place| later.contains(place) && proves(place))
    };
    let closes = proof(ReachProof::Seen).or_else(|| proof(ReachProof::Routes)).unwrap_or(made);
    let before = plan.dag().ancestors(closes);
    let inside = after.intersection(&before).copied().collect();
    Some(OutageWindow { opens, made, closes, inside })
}

/// That one connection is removed, and no path over the other is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoPath {
    /// Since when: Azure took the removal.
    pub since: Timestamp,
    /// Whether the other connection is made; else nothing is reachable.
    pub other_made: bool,
}

/// Whether a run stands between two connections, as far as its steps tell. Not where no connection was removed, or it
/// was put back.
pub(super) fn no_path(state: &RunState, events: &[Recorded]) -> Option<NoPath> {
    let plan = &state.opened.as_ref()?.plan;
    let window = window(plan)?;
    let status = |place: usize| state.step(&plan.steps()[place].name).map(|own| own.status());
    let closed = matches!(status(window.closes), Some(StepStatus::Succeeded | StepStatus::Skipped));
    if closed || status(window.opens) == Some(StepStatus::Undone) {
        return None;
    }
    let opens = &plan.steps()[window.opens].name;
    let since = events.iter().rev().find_map(|recorded| match &recorded.event {
        Event::Accepted { step, .. } | Event::Answered { step, .. } if step == opens => {
            Some(recorded.at)
        }
        _ => None,
    })?;
    Some(NoPath { since, other_made: status(window.made) == Some(StepStatus::Succeeded) })
}
