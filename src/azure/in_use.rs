//! Who would lose the way to on-premises that an undo removes? The networks that came to use it since the run.
//!
//! A gateway that the run made was not there before, so nobody's peering used it then; the run's own peerings are
//! taken back as well. Whoever else uses it came since, and its connections are theirs too.

use serde_json::Value;

use super::client::Client;
use super::service::body::blocked;
use crate::arm::read::id_at;
use crate::arm::{
    GatewayView, PeeringView, SubnetView, VirtualNetworkView, is_spoke, spending_connection,
};
use crate::engine::CallContext;
use crate::model::action::Vpn;
use crate::model::{Action, Assessed, Assessment, ResourceId, StepError, Undo, WriteMethod};

/// Why what an undo would delete stays: another network reaches on-premises through it. `rest` is what else the
/// run has to take back.
///
/// # Errors
/// The gateway, or its own network, cannot be read. What else cannot be read is taken for nobody: a dead region
/// keeps no undo from its end.
pub(super) async fn kept(
    client: &Client,
    action: &Action,
    rest: &[Undo],
    assessment: &Assessment,
    context: &CallContext,
) -> Result<Option<Assessed>, StepError> {
    if !matches!(&assessment.verdict, Assessed::Change(change) if change.write.method == WriteMethod::Delete)
    {
        return Ok(None);
    }
    let (it, gateway) = match action {
        Action::Gateway(spec) => (&spec.id, &spec.id),
        Action::Vpn(Vpn::Gateway(spec)) => (&spec.id, &spec.id),
        Action::Connection(spec) if made(rest, &spec.gateway) => (&spec.id, &spec.gateway),
        Action::Vpn(Vpn::Connection(spec)) if made(rest, &spec.gateway) => {
            (&spec.id, &spec.gateway)
        }
        _ => return Ok(None),
    };
    let Some(body) = client.get(gateway, context).await? else { return Ok(None) };
    let Some(network) = GatewayView::of(&body).network() else { return Ok(None) };
    let users = users(client, (&network, gateway), rest, context).await?;
    Ok((!users.is_empty()).then(|| stays(it, &users)))
}

fn stays(it: &ResourceId, users: &[String]) -> Assessed {
    let why = format!(
        "{} came to use it since: without {} on-premises is out of reach from there. Agree with its owner, let it \
         stop using the gateway (`useRemoteGateways`), and undo again.",
        users.join(", "),
        it.name()
    );
    blocked("gateway_in_use", why)
}

/// Whether the run made it and has still to remove it.
fn made(rest: &[Undo], id: &ResourceId) -> bool {
    rest.iter().any(|undo| matches!(undo, Undo::Delete { resource } if resource == id))
}

/// The networks that use the gateways of this one by peerings that are not the run's; none where a gateway stands
/// beside that is not the run's either: that one may have been used before.
async fn users(
    client: &Client,
    (network, gateway): (&ResourceId, &ResourceId),
    rest: &[Undo],
    context: &CallContext,
) -> Result<Vec<String>, StepError> {
    let mut users = Vec::new();
    let Some(body) = client.get(network, context).await? else { return Ok(users) };
    let own = |id: &ResourceId| id == gateway || made(rest, id);
    let subnets = VirtualNetworkView::of(&body).subnets().iter();
    let mut beside = subnets.flat_map(|subnet| SubnetView::of(subnet).gateways());
    if beside.any(|id| !own(&id)) {
        return Ok(users);
    }
    let ours = |id: &ResourceId| {
        rest.iter().any(|undo| {
            matches!(undo, Undo::Delete { resource } | Undo::Restore { resource, .. } if resource == id)
        })
    };
    for side in VirtualNetworkView::of(&body).peerings().iter().map(PeeringView::of) {
        let Some(other) = side.remote().filter(|_| side.lends_gateway()) else { continue };
        let Ok(Some(body)) = client.get(&other, context).await else { continue };
        // One side of the run's is enough: it goes, or uses the gateway no more.
        let back = VirtualNetworkView::of(&body).peerings().iter();
        let back: Vec<_> = back
            .filter(|own| !id_at(own, "/id").is_some_and(|id| ours(&id)))
            .map(PeeringView::of)
            .collect();
        if is_spoke(network, side, back) {
            users.push(other.name().to_owned());
        }
    }
    Ok(users)
}

/// Whether the connection that an authorization names as its user is no more. One that cannot be read stands.
pub(super) async fn user_gone(
    client: &Client,
    body: Option<&Value>,
    context: &CallContext,
) -> bool {
    match body.and_then(spending_connection) {
        Some(user) => matches!(client.get(&user, context).await, Ok(None)),
        None => false,
    }
}
