//! Is a connection connected whose status Azure does not tell?
//!
//! Of a connection that carries, `connectionStatus` may stay Unknown or be left out (azure-facts 7.11: not to be
//! believed alone). Then its gateway's BGP sessions are asked.

use std::time::Duration;

use super::client::{Client, Reading};
use super::service::{connection, gateway_routes};
use crate::arm::ConnectionView;
use crate::engine::CallContext;
use crate::model::{Assessment, ResourceId, StepError};

/// For how long the status alone is waited for: right after Succeeded it is Unknown (azure-facts 3.3).
const PATIENCE: Duration = Duration::from_secs(3 * 60);

/// Compares a connection with one that is connected.
///
/// # Errors
/// The connection cannot be read.
pub(super) async fn connected(
    client: &Client,
    connection: &ResourceId,
    context: &CallContext,
) -> Result<Assessment, StepError> {
    let body = client.get(connection, context).await?;
    let mut assessment = connection::assess_connected(connection, body.as_deref());
    let soon = context.waited.is_some_and(|waited| waited < PATIENCE);
    if let Some(body) = body.filter(|_| !soon)
        && let Some(gateway) = connection::untold(&body)
    {
        let sessions = sessions(client, (connection, &gateway), context).await;
        let sessions = sessions.map_err(|error| error.to_string());
        connection::by_sessions(&mut assessment, (&gateway, &body), sessions);
    }
    Ok(assessment)
}

/// How many sessions with Microsoft's edge a gateway has, and how many connections to circuits beside this one. Those
/// of its resource group are looked at: that takes no right that the connection itself does not.
async fn sessions(
    client: &Client,
    (connection, gateway): (&ResourceId, &ResourceId),
    context: &CallContext,
) -> Result<(usize, usize), StepError> {
    let peers = client.read(gateway, &Reading::BgpPeers, context).await?;
    let (subscription, group) = (connection.subscription(), connection.resource_group());
    let path = format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/connections"
    );
    let all = client.get_list(&path, context).await?;
    let others = all.iter().filter(|body| {
        let own = ConnectionView::of(body);
        let is_it = crate::arm::read::id_at(body, "/id").as_ref() == Some(connection);
        !is_it && own.is_express_route() && own.gateway().as_ref() == Some(gateway)
    });
    Ok((gateway_routes::connected_peers(peers.as_ref()).len(), others.count()))
}
