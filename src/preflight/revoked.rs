//! Which connection goes with an authorization? The one that was made with it (azure-facts 1.3, 2.5).

use serde_json::json;

use super::facts::Facts;
use super::inquiry::{HUB_GATEWAYS, Inquiry, circuit_of, id_at, list};
use super::projection::patch;
use crate::arm::kind::CONNECTIONS;
use crate::arm::{self, CircuitView, ConnectionView};
use crate::model::action::RemovalKind;
use crate::model::{Action, ResourceId, SecretRef, Step};

/// The connection that was made with an authorization: the one that it names; else the only one of its circuit that can
/// have been, as it comes from another subscription and no other authorization names it.
fn with(facts: &Facts, authorization: &ResourceId) -> Option<ResourceId> {
    let circuit = authorization.parent()?;
    let body = facts.body(authorization)?;
    if !arm::is_spent(body) {
        return None;
    }
    if let Some(named) = arm::spending_connection(body) {
        return Some(named);
    }
    let others: Vec<ResourceId> =
        facts.body(&circuit).into_iter().flat_map(|own| CircuitView::of(own).spent_by()).collect();
    let needs_one = |id: &ResourceId| {
        !id.subscription().eq_ignore_ascii_case(circuit.subscription()) && !others.contains(id)
    };
    let mut candidates = leading_to(facts, &circuit).into_iter().filter(needs_one);
    candidates.next().filter(|_| candidates.next().is_none())
}

/// The connections of networks and of hubs that lead to a circuit.
fn leading_to(facts: &Facts, circuit: &ResourceId) -> Vec<ResourceId> {
    let networks = facts.bodies(CONNECTIONS);
    let networks = networks.filter(|(_, body)| ConnectionView::of(body).leads_to(circuit));
    let hubs = facts.bodies(HUB_GATEWAYS);
    let hubs = hubs.flat_map(|(_, body)| list(body, "/properties/expressRouteConnections"));
    let hubs = hubs.filter(|body| circuit_of(body).as_ref() == Some(circuit));
    let hubs = hubs.filter_map(|body| id_at(body, "/id"));
    networks.map(|(id, _)| id.clone()).chain(hubs).collect()
}

/// A connection is made with a key: the authorization that it is of is spent by it from then on.
pub(super) fn spend(facts: &mut Facts, key: Option<&SecretRef>, connection: &ResourceId) {
    let Some(SecretRef::Resource { id, .. }) = key else { return };
    if facts.body(id).is_some_and(|body| !arm::is_spent(body)) {
        let spent = json!({ "properties": { "authorizationUseStatus": "InUse",
            "connectionResourceUri": connection } });
        patch(facts, id, spent);
    }
}

/// The connection that goes with what an action removes.
pub(super) fn by(facts: &Facts, action: &Action) -> Option<ResourceId> {
    match action {
        Action::Remove(spec) if spec.kind == RemovalKind::Authorization => with(facts, &spec.id),
        _ => None,
    }
}

impl Inquiry<'_> {
    /// Whether a step removes a resource: itself, or the authorization that it was made with.
    #[must_use]
    pub fn removes(&self, step: &Step, resource: &ResourceId) -> bool {
        let itself = matches!(&step.action, Action::Remove(spec) if spec.id == *resource);
        itself
            || (!step.may_be_left()
                && by(self.facts, &step.action).is_some_and(|own| own == *resource))
    }
}
