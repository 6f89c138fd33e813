//! Who would lose the gateway that an undo removes? The networks that came to use it since the run.
//!
//! The gateway was not there before the run, so nobody's peering used it then, and the run's own peerings are taken
//! back before it: whoever uses it now came since.

use super::client::Client;
use super::service::body::blocked;
use crate::arm::{PeeringView, VirtualNetworkView, is_spoke};
use crate::engine::CallContext;
use crate::model::{Assessed, ResourceId, StepError};

/// Why a gateway stays: another network reaches on-premises through it.
///
/// # Errors
/// The gateway's own network cannot be read. What else cannot be read is taken for nobody: a dead region keeps no
/// undo from its end.
pub(super) async fn by_others(
    client: &Client,
    gateway: &ResourceId,
    subnet: &ResourceId,
    context: &CallContext,
) -> Result<Option<Assessed>, StepError> {
    let Some(network) = subnet.parent() else { return Ok(None) };
    let Some(body) = client.get(&network, context).await? else { return Ok(None) };
    let mut users = Vec::new();
    for side in VirtualNetworkView::of(&body).peerings().iter().map(PeeringView::of) {
        let Some(other) = side.remote().filter(|_| side.lends_gateway()) else { continue };
        let Ok(Some(body)) = client.get(&other, context).await else { continue };
        let back = VirtualNetworkView::of(&body).peerings().iter().map(PeeringView::of);
        if is_spoke(&network, side, back) {
            users.push(other.name().to_owned());
        }
    }
    if users.is_empty() {
        return Ok(None);
    }
    let why = format!(
        "{} came to use it since: without {} on-premises is out of reach from there. Agree with its owner, let it \
         stop using the gateway (`useRemoteGateways`), and undo again.",
        users.join(", "),
        gateway.name()
    );
    Ok(Some(blocked("gateway_in_use", why)))
}
