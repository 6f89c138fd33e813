//! Which way would a packet go? The choice of either side among the paths that carry.
//!
//! Azure: longest prefix, then the connection's routing weight, then the shorter AS path.
//! On-premises: longest prefix, then the link's local preference; the AS paths of what Azure
//! advertises are all alike. What is equal after that is used together (azure-facts 1.4).

use std::cmp::Reverse;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::estate::Estate;
use super::onprem::OnPrem;
use super::routes::{heard, microsoft_path, told_over};
use crate::arm::CircuitPath;
use crate::model::ResourceId;

/// A way from on-premises to Azure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnPremisesPath {
    /// The prefix that was matched.
    pub network: IpNet,
    /// The circuit of the link.
    pub circuit: ResourceId,
    /// The link's path.
    pub path: CircuitPath,
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
    pub path: CircuitPath,
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
        if estate.carries(onprem, connection).is_err() {
            continue;
        }
        let Some(network) = longest(told_over(estate, connection).into_iter(), prefix) else {
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
    // What a hub passes on for another one has the longer path.
    let passed_on = |way: &OnPremisesPath| {
        let hub = estate.gateway(&way.gateway).and_then(|gateway| gateway.hub.as_ref());
        hub.is_some_and(|hub| {
            estate.told_by_hub(hub).into_iter().all(|(net, passed)| net != way.network || passed)
        })
    };
    keep_best(&mut ways, |way| {
        (way.network.prefix_len(), way.local_preference, Reverse(passed_on(way)))
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
        if estate.carries(onprem, connection).is_err() {
            continue;
        }
        for path in CircuitPath::BOTH {
            let heard = heard(estate, onprem, &connection.circuit, path);
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
    keep_best(&mut ways, |way| (way.network.prefix_len(), way.weight, Reverse(way.as_path.len())));
    ways.sort_by(|a, b| (&a.connection, a.path).cmp(&(&b.connection, b.path)));
    ways
}

/// The longest of the networks that cover the prefix.
fn longest(networks: impl Iterator<Item = IpNet>, prefix: &IpNet) -> Option<IpNet> {
    networks.filter(|network| network.contains(prefix)).max_by_key(IpNet::prefix_len)
}

fn keep_best<T, K: Ord>(ways: &mut Vec<T>, rank: impl Fn(&T) -> K) {
    if let Some(best) = ways.iter().map(&rank).max() {
        ways.retain(|way| rank(way) == best);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Lab, circuit, connection, gateway, net};
    use super::*;

    fn azure(lab: &Lab, prefix: &str) -> Vec<(ResourceId, CircuitPath)> {
        azure_choice(&lab.estate(), &lab.onprem, &gateway("ea"), &net(prefix))
            .into_iter()
            .map(|way| (way.connection, way.path))
            .collect()
    }

    #[test]
    fn azure_takes_the_larger_weight_and_falls_back_when_it_dies() {
        let mut lab = Lab::new();
        let second = lab.connect("ea", "sea", 100);
        let both = |id: &ResourceId| CircuitPath::BOTH.map(|path| (id.clone(), path)).to_vec();
        assert_eq!(azure(&lab, "10.100.1.0/24"), both(&second));
        lab.silent.insert(second);
        assert_eq!(azure(&lab, "10.100.1.0/24"), both(&connection("ea")));
    }

    #[test]
    fn azure_prefers_a_longer_prefix_to_any_weight() {
        let mut lab = Lab::new();
        lab.connect("ea", "sea", 32_000);
        for link in lab.links("ea") {
            link.advertise = Some(vec![net("10.100.0.0/16"), net("10.100.1.0/24")]);
        }
        assert!(azure(&lab, "10.100.1.0/25").iter().all(|(id, _)| *id == connection("ea")));
    }

    #[test]
    fn azure_takes_the_shorter_as_path_among_equal_weights() {
        let mut lab = Lab::new();
        lab.links("ea").next().unwrap().as_path_prepend = 3;
        assert_eq!(azure(&lab, "10.100.0.0/16"), [(connection("ea"), CircuitPath::Secondary)]);
    }

    #[test]
    fn on_premises_uses_both_circuits_that_advertise_the_same_until_it_prefers_one() {
        let mut lab = Lab::new();
        lab.connect("ea", "sea", 0);
        let circuits = |lab: &Lab| -> Vec<String> {
            on_premises_choice(&lab.estate(), &lab.onprem, Some("hq"), &net("10.1.0.0/25"))
                .iter()
                .map(|way| way.circuit.name().to_owned())
                .collect()
        };
        assert_eq!(circuits(&lab), ["er-ea", "er-ea", "er-sea", "er-sea"]);
        lab.links("sea").for_each(|link| link.local_preference = 200);
        assert_eq!(circuits(&lab), ["er-sea", "er-sea"]);
    }

    #[test]
    fn on_premises_has_no_way_to_what_nobody_advertises() {
        let mut lab = Lab::new();
        let choice =
            |lab: &Lab| on_premises_choice(&lab.estate(), &lab.onprem, None, &net("10.1.0.0/24"));
        assert_eq!(choice(&lab).len(), 2);
        assert_eq!(choice(&lab)[0].circuit, circuit("ea"));
        lab.bodies.remove(&Lab::peering("hub-ea", "spoke-ea"));
        assert!(choice(&lab).is_empty());
    }

    #[test]
    fn a_site_uses_only_the_links_that_reach_it() {
        let mut lab = Lab::new();
        for link in lab.links("ea") {
            link.sites = vec!["elsewhere".to_owned()];
        }
        let choice =
            on_premises_choice(&lab.estate(), &lab.onprem, Some("hq"), &net("10.1.0.0/24"));
        assert!(choice.is_empty());
    }
}
