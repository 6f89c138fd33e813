//! What does a verification look at, and what comes of it?

use serde_json::Value;

use super::client::{Client, Reading};
use super::service::circuit::PATHS;
use super::service::{circuit, gateway_routes, hub, vpn};
use super::untold;
use crate::engine::CallContext;
use crate::model::action::Verification;
use crate::model::{Assessment, ResourceId, StepError};

/// Reads what a verification is about, and compares.
pub(super) async fn observe(
    client: &Client,
    verification: &Verification,
    context: &CallContext,
) -> Result<Assessment, StepError> {
    let subject = verification.subject();
    match verification {
        Verification::Circuit { .. } => {
            let body = client.get(subject, context).await?;
            Ok(circuit::assess(subject, body.as_deref()))
        }
        Verification::MicrosoftPeering { .. } => {
            let body = client.get(subject, context).await?;
            Ok(circuit::assess_microsoft_peering(subject, body.as_deref()))
        }
        Verification::Absent { .. } => {
            let body = client.get(subject, context).await?;
            Ok(circuit::assess_absent(subject, body.as_deref()))
        }
        Verification::Connection { .. } => untold::connected(client, subject, context).await,
        Verification::Tunnel { .. } => {
            let body = client.get(subject, context).await?;
            Ok(vpn::assess_tunnel(subject, body.as_deref()))
        }
        Verification::Routes { expect, .. } => {
            let answer = client.read(subject, &Reading::LearnedRoutes, context).await?;
            Ok(gateway_routes::assess_learned(subject, expect, answer.as_ref()))
        }
        Verification::HubRoutes { table, expect, .. } => {
            let reading = Reading::HubRoutes { table: table.clone() };
            let answer = client.read(subject, &reading, context).await?;
            Ok(hub::assess_effective(subject, expect, answer.as_ref()))
        }
        Verification::Bgp { peers_min, .. } => {
            let answer = client.read(subject, &Reading::BgpPeers, context).await?;
            Ok(gateway_routes::assess_peers(subject, *peers_min, answer.as_ref()))
        }
        Verification::Advertised { expect, .. } => {
            advertised(client, subject, expect, context).await
        }
        Verification::Arp { .. } => {
            let readings = PATHS.map(|path| Reading::ArpTable { path });
            let [primary, secondary] = of_both_paths(client, subject, readings, context).await?;
            Ok(circuit::assess_arp(subject, [primary.as_ref(), secondary.as_ref()]))
        }
        Verification::CircuitRoutes { expect, absent, paths, .. } => {
            let readings = PATHS.map(|path| Reading::CircuitRoutes { path });
            let [primary, secondary] = of_both_paths(client, subject, readings, context).await?;
            let tables = [primary.as_ref(), secondary.as_ref()];
            Ok(circuit::assess_routes(subject, (expect, *paths), absent, tables))
        }
    }
}

/// What a gateway tells each peer that is connected.
async fn advertised(
    client: &Client,
    subject: &ResourceId,
    expect: &[ipnet::IpNet],
    context: &CallContext,
) -> Result<Assessment, StepError> {
    let peers = client.read(subject, &Reading::BgpPeers, context).await?;
    let mut by_peer = Vec::new();
    for peer in gateway_routes::connected_peers(peers.as_ref()) {
        let reading = Reading::AdvertisedRoutes { peer: peer.clone() };
        by_peer.push((peer, client.read(subject, &reading, context).await?));
    }
    Ok(gateway_routes::assess_advertised(subject, expect, &by_peer))
}

/// What is read of both paths of a circuit, the first one first.
async fn of_both_paths(
    client: &Client,
    circuit: &ResourceId,
    [first, second]: [Reading; 2],
    context: &CallContext,
) -> Result<[Option<Value>; 2], StepError> {
    let first = client.read(circuit, &first, context).await?;
    Ok([first, client.read(circuit, &second, context).await?])
}
