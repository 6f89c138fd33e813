//! Which way would a packet go? The choice of either side among the paths that carry.
//!
//! Azure: longest prefix, then the connection's routing weight, then the shorter AS path.
//! On-premises: longest prefix, then the link's local preference; the AS paths of what Azure
//! advertises are all alike. What is equal after that is used together (azure-facts 1.4).

use std::cmp::Reverse;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::estate::Estate;
use super::onprem::{EdgePath, OnPrem};
use super::routes::{advertised_prefixes, heard, microsoft_path};
use crate::model::ResourceId;

/// A way from on-premises to Azure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnPremisesPath {
    /// The prefix that was matched.
    pub network: IpNet,
    /// The circuit of the link.
    pub circuit: ResourceId,
    /// The link's path.
    pub path: EdgePath,
    /// The connection behind the circuit.
    pub connection: ResourceId,
    /// The gateway that advertises the prefix.
    pub gateway: ResourceId,
    /// The link's preference.
    pub local_preference: u32,
}

/// A way from a gateway to on-premises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AzurePath {
    /// The prefix that was matched.
    pub network: IpNet,
    /// The connection.
    pub connection: ResourceId,
    /// Its circuit.
    pub circuit: ResourceId,
    /// Which of the circuit's paths.
    pub path: EdgePath,
    /// The connection's routing weight.
    pub weight: u32,
    /// The AS path, Microsoft's edge first.
    pub as_path: Vec<u32>,
}

/// Where on-premises would send what is for an Azure prefix: all ways that are equally good, by
/// circuit and path; none when nothing covers it.
///
/// With a `site`, only the links that reach it count.
#[must_use]
pub fn on_premises_choice(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    site: Option<&str>,
    prefix: &IpNet,
) -> Vec<OnPremisesPath> {
    let mut ways = Vec::new();
    for connection in estate.connections() {
        if estate.carries(onprem, &connection).is_err() {
            continue;
        }
        let Some(network) = longest(
            advertised_prefixes(estate, &connection.gateway).into_iter(),
            prefix,
        ) else {
            continue;
        };
        for link in onprem.links_up(&connection.circuit) {
            if site.is_none_or(|site| link.reaches(site)) {
                ways.push(OnPremisesPath {
                    network,
                    circuit: connection.circuit.clone(),
                    path: link.path,
                    connection: connection.id.clone(),
                    gateway: connection.gateway.clone(),
                    local_preference: link.local_preference,
                });
            }
        }
    }
    keep_best(&mut ways, |way| {
        (way.network.prefix_len(), way.local_preference)
    });
    ways.sort_by(|a, b| {
        (&a.circuit, a.path, &a.connection).cmp(&(&b.circuit, b.path, &b.connection))
    });
    ways
}

/// Where a gateway would send what is for an on-premises prefix: all ways that are equally good, by
/// connection and path; none when nothing covers it.
#[must_use]
pub fn azure_choice(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    gateway: &ResourceId,
    prefix: &IpNet,
) -> Vec<AzurePath> {
    let mut ways = Vec::new();
    for connection in estate.connections_of_gateway(gateway) {
        if estate.carries(onprem, &connection).is_err() {
            continue;
        }
        for path in EdgePath::BOTH {
            let heard = heard(onprem, &connection.circuit, path);
            if let Some(network) = longest(heard.keys().copied(), prefix) {
                ways.push(AzurePath {
                    network,
                    connection: connection.id.clone(),
                    circuit: connection.circuit.clone(),
                    path,
                    weight: connection.weight,
                    as_path: microsoft_path(&heard[&network]),
                });
            }
        }
    }
    keep_best(&mut ways, |way| {
        (
            way.network.prefix_len(),
            way.weight,
            Reverse(way.as_path.len()),
        )
    });
    ways.sort_by(|a, b| (&a.connection, a.path).cmp(&(&b.connection, b.path)));
    ways
}

/// The longest of the networks that cover the prefix.
fn longest(networks: impl Iterator<Item = IpNet>, prefix: &IpNet) -> Option<IpNet> {
    networks
        .filter(|network| network.contains(prefix))
        .max_by_key(IpNet::prefix_len)
}

fn keep_best<T, K: Ord>(ways: &mut Vec<T>, rank: impl Fn(&T) -> K) {
    if let Some(best) = ways.iter().map(&rank).max() {
        ways.retain(|way| rank(way) == best);
    }
}
