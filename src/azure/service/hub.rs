//! Virtual WAN: a hub that routes, its gateway, and what is connected to it.

use serde_json::{Value, json};

use super::body::{LOOK_AGAIN, assessment, blocked, ensure, text, undo as body_undo};
use super::circuit::{networks, verification};
use crate::model::action::HubAction;
use crate::model::hub_body::body_of;
use crate::model::{Assessed, Assessment, ResourceId, Undo, coverage};

/// Compares something of a virtual WAN with the desired state.
pub(crate) fn assess(action: &HubAction, body: Option<&Value>) -> Assessment {
    let id = action.subject();
    let mut verdict = ensure(id, body, &body_of(action));
    with_key(action, &mut verdict);
    if let (HubAction::Hub(_), Assessed::Holds, Some(body)) = (action, &verdict, body) {
        verdict = routes(id, body);
    }
    let mut assessment = assessment(id, body, verdict);
    let routing = body.and_then(|body| text(body, ROUTING_STATE));
    if let (HubAction::Hub(_), Assessed::Holds, Some(state)) =
        (action, &assessment.verdict, routing)
    {
        assessment.outputs.insert("routing_state".to_owned(), Value::from(state));
    }
    assessment
}

/// The write that takes it back, with the key that it needs.
pub(crate) fn undo(action: &HubAction, undo: &Undo, body: Option<&Value>) -> Assessment {
    let mut verdict = body_undo(undo, body, &body_of(action));
    with_key(action, &mut verdict);
    assessment(action.subject(), body, verdict)
}

/// Where a hub says whether its routers stand.
const ROUTING_STATE: &str = "/properties/routingState";

/// Whether the routers of a hub that is `Succeeded` stand: they come up after it (recorded), and nothing can
/// be connected before.
fn routes(hub: &ResourceId, body: &Value) -> Assessed {
    match text(body, ROUTING_STATE) {
        Some(state) if ["None", "Provisioning"].iter().any(|s| s.eq_ignore_ascii_case(state)) => {
            Assessed::InProgress {
                why: format!("the routers of {} come up (routing state {state})", hub.name()),
                after: LOOK_AGAIN,
            }
        }
        Some(state) if state.eq_ignore_ascii_case("Failed") => blocked(
            "hub_routing_failed",
            format!(
                "The routers of the hub {} have failed, and writing the hub again mends nothing. Reset them \
                 (portal: the hub, Overview, Reset, Reset router), or open a case with Azure support.",
                hub.name()
            ),
        ),
        _ => Assessed::Holds,
    }
}

/// Puts the placeholder of the key into a write; its value is filled in when it is sent.
fn with_key(action: &HubAction, verdict: &mut Assessed) {
    if let (Assessed::Change(change), Some(secret)) = (verdict, action.authorization())
        && let Some(body) = &mut change.write.body
    {
        body["properties"]["authorizationKey"] = secret.placeholder();
    }
}

/// Compares a table's effective routes with the prefixes that must be among them, learned by the hub's own
/// ExpressRoute gateway: what another hub has passed on goes away with that hub.
pub(crate) fn assess_effective(
    hub: &ResourceId,
    expect: &[ipnet::IpNet],
    answer: Option<&Value>,
) -> Assessment {
    let rows = answer.and_then(|answer| answer.get("value")).and_then(Value::as_array);
    let rows: Vec<&Value> = rows.into_iter().flatten().filter(|row| by_gateway(row)).collect();
    let each: Vec<Value> = rows
        .iter()
        .filter_map(|row| row.get("addressPrefixes")?.as_array())
        .flatten()
        .map(|prefix| json!({ "network": prefix }))
        .collect();
    let learned = networks(&each.iter().collect::<Vec<_>>());
    let missing: Vec<String> = expect
        .iter()
        .map(|prefix| (prefix, coverage(prefix, &learned)))
        .filter(|(_, how)| !how.is_whole())
        .map(|(prefix, how)| {
            format!("{prefix} is not learned by the hub's own gateway{}", how.remark())
        })
        .collect();
    let prefixes = learned.iter().map(ToString::to_string).collect();
    verification(hub, &missing, ("prefixes", prefixes))
}

/// Whether a route leads to an ExpressRoute gateway: `ExpressRouteGateway`, in whatever letters.
fn by_gateway(row: &Value) -> bool {
    let kind = text(row, "/nextHopType").unwrap_or_default().to_ascii_lowercase().replace(' ', "");
    kind.contains("expressroute")
}
