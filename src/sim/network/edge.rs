//! What does Microsoft's edge see of a circuit? Its ARP and route tables, path by path.
//!
//! Rows are those of azure-facts 5.2 and 5.3. Tables of a circuit whose private peering does not
//! work are empty.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::estate::Estate;
use super::onprem::{Link, OnPrem};
use super::parts::PrivatePeering;
use super::routes::{GATEWAY_ASN, heard, joined, local_address, told_over};
use crate::arm::CircuitPath;
use crate::model::{ResourceId, Timestamp};

/// A row of `arpTables/{devicePath}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ArpRow {
    /// Minutes since the entry was refreshed: 0, as it is refreshed by being asked for.
    pub age: u32,
    /// `On-Prem` or `Microsoft`.
    pub interface: String,
    /// The address.
    pub ip_address: IpAddr,
    /// The hardware address, made up from circuit, path and side.
    pub mac_address: String,
}

/// A row of `routeTables/{devicePath}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CircuitRoute {
    /// The destination.
    pub network: IpNet,
    /// The next hop: the customer's edge, or a gateway.
    pub next_hop: String,
    /// Always empty: Microsoft's edge shows none for private peering.
    pub loc_prf: String,
    /// Always 0 at the edge; a connection's weight counts at the gateway.
    pub weight: u32,
    /// AS numbers joined by a space.
    pub path: String,
}

/// A row of `routeTablesSummary/{devicePath}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CircuitRouteSummary {
    /// The neighbour's address.
    pub neighbor: IpAddr,
    /// The version of BGP: 4.
    pub v: u32,
    /// The neighbour's autonomous system.
    #[serde(rename = "as")]
    pub asn: u32,
    /// How long the session has been up or down: `8w4d`, `1d02h`, `00:05:12`; `never` when it was
    /// never seen up; empty when it is up and the world does not say since when.
    pub up_down: String,
    /// The number of prefixes received; `Idle` when the session is down.
    pub state_pfx_rcd: String,
}

fn subnet(peering: &PrivatePeering, path: CircuitPath) -> Option<IpNet> {
    match path {
        CircuitPath::Primary => peering.primary,
        CircuitPath::Secondary => peering.secondary,
    }
}

/// The customer's and Microsoft's addresses: the first and second usable of the path's /30
/// (azure-facts 5.2).
fn ends(peering: &PrivatePeering, path: CircuitPath) -> Option<(IpAddr, IpAddr)> {
    let mut hosts = subnet(peering, path)?.hosts();
    Some((hosts.next()?, hosts.next()?))
}

/// The link that stands on a path, if one does; the first, when the world has several.
fn link_up<'o>(onprem: &'o OnPrem, circuit: &ResourceId, path: CircuitPath) -> Option<&'o Link> {
    onprem.links_up(circuit).find(|link| link.path == path)
}

/// The rows of `arpTables/{devicePath}`: the customer's edge and Microsoft's, or none when the
/// path's link is down or the private peering does not work.
#[must_use]
pub fn arp_table(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    circuit: &ResourceId,
    path: CircuitPath,
) -> Vec<ArpRow> {
    let Ok(peering) = estate.circuit_lives(circuit) else {
        return Vec::new();
    };
    let (Some((customer, microsoft)), Some(_)) =
        (ends(peering, path), link_up(onprem, circuit, path))
    else {
        return Vec::new();
    };
    [("On-Prem", customer), ("Microsoft", microsoft)]
        .into_iter()
        .map(|(interface, ip_address)| ArpRow {
            age: 0,
            interface: interface.to_owned(),
            ip_address,
            mac_address: mac(circuit, path, interface),
        })
        .collect()
}

/// A locally administered hardware address that is the same whenever it is asked for.
fn mac(circuit: &ResourceId, path: CircuitPath, interface: &str) -> String {
    let digest = blake3::hash(format!("{}/{path}/{interface}", circuit.key()).as_bytes());
    let bytes = digest.as_bytes();
    format!("02{:02x}.{:02x}{:02x}.{:02x}{:02x}", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4])
}

/// The rows of `routeTables/{devicePath}`: what came from on-premises over this path, then what the
/// gateways advertise, gateway by gateway.
#[must_use]
pub fn circuit_routes(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    circuit: &ResourceId,
    path: CircuitPath,
) -> Vec<CircuitRoute> {
    let Ok(peering) = estate.circuit_lives(circuit) else {
        return Vec::new();
    };
    let row = |network, next_hop: String, path| CircuitRoute {
        network,
        next_hop,
        loc_prf: String::new(),
        weight: 0,
        path,
    };
    let mut rows = Vec::new();
    if let Some((customer, _)) = ends(peering, path).filter(|_| agreed(peering, onprem)) {
        let heard = heard(estate, onprem, circuit, path);
        rows.extend(
            heard.into_iter().map(|(network, as_path)| {
                row(network, customer.to_string(), joined(&as_path, " "))
            }),
        );
    }
    for connection in estate.connections_of_circuit(circuit) {
        if estate.carries(onprem, connection).is_err() {
            continue;
        }
        let next_hop =
            estate.gateway(&connection.gateway).and_then(|gateway| local_address(estate, gateway));
        let Some(next_hop) = next_hop else { continue };
        let prefixes = told_over(estate, connection);
        rows.extend(
            prefixes
                .into_iter()
                .map(|network| row(network, next_hop.to_string(), GATEWAY_ASN.to_string())),
        );
    }
    rows
}

/// Whether both sides have the same idea of the customer's number, without which no session stands.
fn agreed(peering: &PrivatePeering, onprem: &OnPrem) -> bool {
    peering.peer_asn.is_none_or(|asn| asn == onprem.asn)
}

/// The rows of `routeTablesSummary/{devicePath}`: the customer's edge first, then the gateways of
/// the connections that carry.
#[must_use]
pub fn circuit_routes_summary(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    circuit: &ResourceId,
    path: CircuitPath,
    now: Timestamp,
) -> Vec<CircuitRouteSummary> {
    let Ok(peering) = estate.circuit_lives(circuit) else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    if let Some((customer, _)) = ends(peering, path) {
        rows.push(customer_session(estate, onprem, (circuit, peering), (path, customer), now));
    }
    for connection in estate.connections_of_circuit(circuit) {
        if estate.carries(onprem, connection).is_err() {
            continue;
        }
        let gateway = estate.gateway(&connection.gateway);
        if let Some(neighbor) = gateway.and_then(|gateway| local_address(estate, gateway)) {
            let received = told_over(estate, connection).len();
            rows.push(CircuitRouteSummary {
                neighbor,
                v: 4,
                asn: GATEWAY_ASN,
                up_down: String::new(),
                state_pfx_rcd: received.to_string(),
            });
        }
    }
    rows
}

fn customer_session(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    (circuit, peering): (&ResourceId, &PrivatePeering),
    (path, neighbor): (CircuitPath, IpAddr),
    now: Timestamp,
) -> CircuitRouteSummary {
    let up = link_up(onprem, circuit, path).filter(|_| agreed(peering, onprem));
    let link = up
        .or_else(|| onprem.links.iter().find(|link| link.circuit == *circuit && link.path == path));
    let since = link.and_then(|link| link.since);
    let over = |link: &Link| onprem.tells_too_many(link, estate.body(circuit));
    let (unknown, state_pfx_rcd) = match up {
        Some(_) => ("", heard(estate, onprem, circuit, path).len().to_string()),
        // As routers say that a session ended for its count of prefixes (Cisco 25160).
        None if link.is_some_and(over) => ("never", "Idle (PfxCt)".to_owned()),
        None => ("never", "Idle".to_owned()),
    };
    CircuitRouteSummary {
        neighbor,
        v: 4,
        asn: onprem.asn,
        up_down: since.map_or_else(|| unknown.to_owned(), |since| router_age(since, now)),
        state_pfx_rcd,
    }
}

/// An age as routers print it (azure-facts 5.3: `8w4d`).
fn router_age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(since).as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if days >= 7 {
        format!("{}w{}d", days / 7, days % 7)
    } else if days >= 1 {
        format!("{days}d{:02}h", hours % 24)
    } else {
        format!("{hours:02}:{:02}:{:02}", minutes % 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::{Lab, circuit, connection, net};
    use super::*;

    fn table(lab: &Lab, path: CircuitPath) -> Vec<String> {
        circuit_routes(&lab.estate(), &lab.onprem, &circuit("ea"), path)
            .into_iter()
            .map(|row| format!("{} {} {}", row.network, row.next_hop, row.path))
            .collect()
    }

    #[test]
    fn a_path_shows_the_customers_edge_first_and_microsofts_second_address() {
        let lab = Lab::new();
        let rows = arp_table(&lab.estate(), &lab.onprem, &circuit("ea"), CircuitPath::Secondary);
        let seen: Vec<_> =
            rows.iter().map(|row| (row.interface.as_str(), row.ip_address.to_string())).collect();
        assert_eq!(
            seen,
            [("On-Prem", "172.16.10.5".to_owned()), ("Microsoft", "172.16.10.6".to_owned())]
        );
        assert_ne!(rows[0].mac_address, rows[1].mac_address);
    }

    #[test]
    fn a_link_that_is_down_empties_its_arp_table_and_leaves_the_other() {
        let mut lab = Lab::new();
        lab.links("ea").next().unwrap().up = false;
        let estate = lab.estate();
        let count = |path| arp_table(&estate, &lab.onprem, &circuit("ea"), path).len();
        assert_eq!((count(CircuitPath::Primary), count(CircuitPath::Secondary)), (0, 2));
    }

    #[test]
    fn the_edge_sees_both_sides_and_loses_azures_when_the_connection_goes() {
        let mut lab = Lab::new();
        assert_eq!(
            table(&lab, CircuitPath::Primary),
            [
                "10.100.0.0/16 172.16.10.1 65001",
                "10.1.0.0/24 10.10.10.140 65515",
                "10.10.10.0/24 10.10.10.140 65515"
            ]
        );
        lab.bodies.remove(&connection("ea"));
        assert_eq!(table(&lab, CircuitPath::Primary), ["10.100.0.0/16 172.16.10.1 65001"]);
    }

    #[test]
    fn both_circuits_of_one_hub_show_its_networks() {
        let mut lab = Lab::new();
        lab.connect("sea", "ea", 0);
        let rows = circuit_routes(&lab.estate(), &lab.onprem, &circuit("ea"), CircuitPath::Primary);
        assert!(rows.iter().any(|row| row.network == net("10.20.10.0/24")));
    }

    #[test]
    fn a_circuit_without_private_peering_has_empty_tables() {
        let mut lab = Lab::new();
        lab.set(&circuit("ea"), "/properties/peerings", serde_json::json!([]));
        let estate = lab.estate();
        for path in CircuitPath::BOTH {
            assert!(table(&lab, path).is_empty());
            assert!(arp_table(&estate, &lab.onprem, &circuit("ea"), path).is_empty());
        }
    }

    #[test]
    fn the_summary_counts_prefixes_and_says_how_long() {
        let start = Timestamp::from_millis(0);
        let mut lab = Lab::new();
        for link in lab.links("ea") {
            link.since = Some(start);
            link.up = link.path == CircuitPath::Primary;
        }
        let rows = |path, seconds| {
            circuit_routes_summary(
                &lab.estate(),
                &lab.onprem,
                &circuit("ea"),
                path,
                start + Duration::from_secs(seconds),
            )
        };
        let primary = &rows(CircuitPath::Primary, 60 * 86_400)[0];
        assert_eq!(
            serde_json::to_value(primary).unwrap(),
            serde_json::json!({"neighbor": "172.16.10.1", "v": 4, "as": 65_001, "upDown": "8w4d", "statePfxRcd": "1"})
        );
        assert_eq!(rows(CircuitPath::Primary, 3_725)[0].up_down, "01:02:05");
        assert_eq!(rows(CircuitPath::Primary, 90_000)[0].up_down, "1d01h");
        assert_eq!(rows(CircuitPath::Secondary, 9)[0].state_pfx_rcd, "Idle");
        assert_eq!(rows(CircuitPath::Primary, 9)[1].state_pfx_rcd, "2");
    }
}
