//! Over which peering locations does a gateway hear a network? What a site failover would leave.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::estate::Estate;
use super::onprem::OnPrem;
use super::routes::{heard, joined, microsoft_path};
use crate::arm::CircuitPath;
use crate::model::ResourceId;

/// One circuit over which a network is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The circuit.
    pub circuit: ResourceId,
    /// Its peering location; none for a circuit on a port of one's own.
    pub location: Option<String>,
    /// The AS path over the primary path, if it is heard there.
    pub primary: Option<String>,
    /// The AS path over the secondary path, if it is heard there.
    pub secondary: Option<String>,
}

/// Every network that a gateway hears from on-premises, with the circuits over which it does.
#[must_use]
pub fn heard_by_network(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    gateway: &ResourceId,
) -> BTreeMap<IpNet, Vec<Heard>> {
    let mut all: BTreeMap<IpNet, Vec<Heard>> = BTreeMap::new();
    for connection in estate.connections_of_gateway(gateway) {
        if estate.carries(onprem, connection).is_err() {
            continue;
        }
        let [primary, secondary] = CircuitPath::BOTH.map(|path| {
            let networks = heard(estate, onprem, &connection.circuit, path).into_iter();
            networks
                .map(|(network, path)| (network, joined(&microsoft_path(&path), "-")))
                .collect::<BTreeMap<IpNet, String>>()
        });
        let location =
            estate.circuit(&connection.circuit).and_then(|circuit| circuit.location.clone());
        let mut networks: Vec<&IpNet> = primary.keys().chain(secondary.keys()).collect();
        networks.sort();
        networks.dedup();
        for network in networks {
            all.entry(*network).or_default().push(Heard {
                circuit: connection.circuit.clone(),
                location: location.clone(),
                primary: primary.get(network).cloned(),
                secondary: secondary.get(network).cloned(),
            });
        }
    }
    all
}
