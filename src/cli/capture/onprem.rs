//! What stands on the customer's side? Nobody tells Azure; it follows from what edges and gateways have learned.
//!
//! Prefixes that are heard over the same circuits count as one site. What on-premises prefers, and how its own
//! network hangs together, is told to nobody, and said to be unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{Captured, EstateReading};
use crate::arm;
use crate::arm::{CircuitPath, kind};
use crate::azure::EstateQuestion;
use crate::model::ResourceId;
use crate::model::net::overlap;
use crate::preflight::Question;

/// Microsoft's edge, which stands in front of what a gateway learns from a circuit.
const MICROSOFT_ASN: &str = "12076";

/// The customer's number where nothing says it.
const USUAL_ASN: u32 = 65_000;

/// The customer's side as far as it can be known.
#[derive(Debug, Default)]
pub(super) struct Inferred {
    asn: Option<u32>,
    sites: Vec<Value>,
    links: Vec<Value>,
    devices: Vec<Value>,
}

impl Inferred {
    /// As a world file has it.
    pub(super) fn to_file(&self) -> Value {
        let mut file = json!({
            "asn": self.asn.unwrap_or(USUAL_ASN), "sites": self.sites, "links": self.links,
        });
        if !self.devices.is_empty() {
            file["devices"] = json!(self.devices);
        }
        file
    }
}

/// What was heard over one path of a circuit, or from one device: each prefix, and how often more than once the
/// customer's number stands before it.
type HeardPrefixes = BTreeMap<IpNet, usize>;

/// One of the two sessions with a circuit.
#[derive(Debug, Default)]
struct PathSession {
    heard: HeardPrefixes,
    up: bool,
}

type Sessions = BTreeMap<ResourceId, BTreeMap<&'static str, PathSession>>;

/// Reads what was learned, and infers.
pub(super) async fn read(reading: &EstateReading<'_>, captured: &mut Captured) {
    let circuits: Vec<(ResourceId, u32)> = captured
        .of_type(kind::CIRCUITS)
        .filter_map(|(id, body)| {
            let circuit = arm::CircuitView::of(body);
            let private = circuit.peering(arm::PRIVATE_PEERING)?;
            Some((id, arm::CircuitPeeringView::of(private).peer_asn()?))
        })
        .collect();
    let numbers: BTreeSet<u32> = circuits.iter().map(|(_, asn)| *asn).collect();
    captured.onprem.asn = circuits.first().map(|(_, asn)| *asn);
    if numbers.len() > 1 {
        let all: Vec<String> = numbers.iter().map(u32::to_string).collect();
        captured.left_out.push(format!(
            "that circuits have several numbers of the customer's ({}): a world has one, and the sessions of \
             the others do not stand in it",
            all.join(", ")
        ));
    }
    let mut sessions = Sessions::new();
    for (circuit, asn) in &circuits {
        let both = sessions_of(reading, captured, circuit, *asn).await;
        sessions.insert(circuit.clone(), both);
    }
    let behind = devices(reading, captured).await;
    captured.onprem.infer(&sessions, &behind);
    if captured.onprem.asn.is_none() {
        captured.left_out.push(format!(
            "the customer's number: no circuit with a private peering was read, {USUAL_ASN} stands for it"
        ));
    }
    let preferable = captured.onprem.links.len() > 2 || !behind.is_empty();
    if preferable {
        captured.left_out.push(
            "what on-premises prefers among several ways to Azure (`local_preference`): nobody tells Azure; \
             set it by hand"
                .to_owned(),
        );
    }
}

/// The two sessions of a circuit: by its own tables, else by what the gateways behind it have learned.
async fn sessions_of(
    reading: &EstateReading<'_>,
    captured: &mut Captured,
    circuit: &ResourceId,
    asn: u32,
) -> BTreeMap<&'static str, PathSession> {
    let mut both = BTreeMap::new();
    let mut unread = Vec::new();
    for path in CircuitPath::BOTH.map(CircuitPath::as_str) {
        let table = Question::RouteTable { circuit: circuit.clone(), path };
        match reading.ask(&table).await {
            Ok(table) => {
                let heard = from_table(&table.unwrap_or_default(), asn);
                let up = !heard.is_empty() || stands(reading, circuit, path, asn).await;
                both.insert(path, PathSession { heard, up });
            }
            Err(error) => unread.push((path, error)),
        }
    }
    if unread.is_empty() {
        return both;
    }
    let learned = learned_behind(reading, captured, circuit, asn).await;
    for (path, error) in unread {
        captured.unread(&format!("{path} route table of {circuit}"), &error);
        let Some(heard) = &learned else { continue };
        captured.left_out.push(format!(
            "which prefixes come over the {path} path of {circuit}: its table was not read, and what the \
             gateways behind it have learned stands for it"
        ));
        both.insert(path, PathSession { heard: heard.clone(), up: !heard.is_empty() });
    }
    both
}

/// Whether the customer's session stands although nothing is heard over it.
async fn stands(
    reading: &EstateReading<'_>,
    circuit: &ResourceId,
    path: &'static str,
    asn: u32,
) -> bool {
    let question = Question::RouteSummary { circuit: circuit.clone(), path };
    let Ok(Some(summary)) = reading.ask(&question).await else { return false };
    let rows = summary["value"].as_array().into_iter().flatten();
    let own = |row: &&Value| row["as"].as_u64() == Some(u64::from(asn));
    rows.filter(own)
        .any(|row| row["statePfxRcd"].as_str().is_some_and(|n| n.parse::<u64>().is_ok()))
}

/// How often more than once the customer's number stands in a path, if it stands first in it.
fn prepended<'a>(mut path: impl Iterator<Item = &'a str>, asn: u32) -> Option<usize> {
    let asn = asn.to_string();
    if path.next()? != asn {
        return None;
    }
    Some(path.take_while(|number| *number == asn).count())
}

/// What comes from the customer in a circuit's route table.
fn from_table(table: &Value, asn: u32) -> HeardPrefixes {
    let rows = table["value"].as_array().into_iter().flatten();
    let one = |row: &Value| {
        let path = row["path"].as_str()?.split_whitespace();
        Some((row["network"].as_str()?.parse().ok()?, prepended(path, asn)?))
    };
    rows.filter_map(one).collect()
}

/// What the gateways that are connected with a circuit have learned over Microsoft's edge.
async fn learned_behind(
    reading: &EstateReading<'_>,
    captured: &Captured,
    circuit: &ResourceId,
    asn: u32,
) -> Option<HeardPrefixes> {
    let gateways: BTreeSet<ResourceId> = captured
        .of_type(kind::CONNECTIONS)
        .filter(|(_, body)| arm::ConnectionView::of(body).leads_to(circuit))
        .filter_map(|(_, body)| arm::ConnectionView::of(body).gateway())
        .collect();
    let mut all: Option<HeardPrefixes> = None;
    for gateway in gateways {
        let Ok(Some(routes)) = reading.estate(&EstateQuestion::LearnedRoutes(gateway)).await else {
            continue;
        };
        let heard = all.get_or_insert_default();
        for row in routes["value"].as_array().into_iter().flatten() {
            let mut path = row["asPath"].as_str().unwrap_or_default().split(['-', ' ']);
            if path.next() != Some(MICROSOFT_ASN) {
                continue;
            }
            let network = row["network"].as_str().and_then(|text| text.parse().ok());
            heard.extend(network.zip(prepended(path, asn)));
        }
    }
    all
}

/// The VPN devices, by address: what lies behind each.
async fn devices(
    reading: &EstateReading<'_>,
    captured: &mut Captured,
) -> BTreeMap<IpAddr, BTreeSet<IpNet>> {
    let mut behind: BTreeMap<IpAddr, BTreeSet<IpNet>> = BTreeMap::new();
    let mut unsure = Vec::new();
    for (id, body) in captured.of_type(kind::LOCAL_GATEWAYS) {
        let properties = &body["properties"];
        let address = properties["gatewayIpAddress"].as_str().and_then(|text| text.parse().ok());
        let Some(address) = address else {
            unsure.push(format!("the device behind {id}: it has no address that is fixed"));
            continue;
        };
        let own = behind.entry(address).or_default();
        let told = properties["localNetworkAddressSpace"]["addressPrefixes"].as_array();
        own.extend(told.into_iter().flatten().filter_map(|p| p.as_str()?.parse::<IpNet>().ok()));
        let tunnels: Vec<&Value> = captured
            .of_type(kind::CONNECTIONS)
            .filter(|(_, tunnel)| {
                let end = tunnel["properties"]["localNetworkGateway2"]["id"].as_str();
                end.is_some_and(|end| end.eq_ignore_ascii_case(id.as_str()))
            })
            .map(|(_, tunnel)| tunnel)
            .collect();
        let peer = properties["bgpSettings"]["bgpPeeringAddress"].as_str().unwrap_or_default();
        for tunnel in tunnels.iter().filter(|t| t["properties"]["enableBgp"] == json!(true)) {
            let Some(gateway) = arm::ConnectionView::of(tunnel).gateway() else { continue };
            let question = EstateQuestion::LearnedRoutes(gateway);
            let Ok(Some(routes)) = reading.estate(&question).await else { continue };
            for row in routes["value"].as_array().into_iter().flatten() {
                let network: Option<IpNet> =
                    row["network"].as_str().and_then(|text| text.parse().ok());
                own.extend(network.filter(|_| row["sourcePeer"].as_str() == Some(peer)));
            }
        }
        let connected =
            |tunnel: &&Value| arm::ConnectionView::of(tunnel).status() == Some("Connected");
        if !tunnels.iter().any(connected) {
            unsure.push(format!(
                "whether the VPN device {address} answers: no tunnel to it is connected; it counts as up"
            ));
        }
    }
    captured.left_out.extend(unsure);
    // A host route to the device itself is no network behind it.
    behind
        .values_mut()
        .for_each(|own| own.retain(|prefix| prefix.prefix_len() < prefix.max_prefix_len()));
    behind
}

impl Inferred {
    fn infer(&mut self, sessions: &Sessions, behind: &BTreeMap<IpAddr, BTreeSet<IpNet>>) {
        let mut over: BTreeMap<IpNet, BTreeSet<&ResourceId>> = BTreeMap::new();
        for (circuit, both) in sessions {
            for prefix in both.values().flat_map(|session| session.heard.keys()) {
                over.entry(*prefix).or_default().insert(circuit);
            }
        }
        let mut sites: BTreeMap<BTreeSet<&ResourceId>, BTreeSet<IpNet>> = BTreeMap::new();
        for (prefix, circuits) in &over {
            sites.entry(circuits.clone()).or_default().insert(*prefix);
        }
        let named = named(&sites);
        for (circuit, both) in sessions {
            let own: Vec<&(String, _, _)> =
                named.iter().filter(|(_, circuits, _)| circuits.contains(circuit)).collect();
            let all: BTreeSet<IpNet> =
                own.iter().flat_map(|(.., prefixes)| *prefixes).copied().collect();
            for (path, session) in both {
                self.links.push(link(circuit, path, session, &all, &own, named.len()));
            }
        }
        // What only a device leads to is a site of its own.
        let mut alone = Vec::new();
        for (address, prefixes) in behind {
            let within = |prefix: &IpNet| over.keys().any(|own| own.contains(prefix));
            let own: BTreeSet<IpNet> = prefixes.iter().filter(|p| !within(p)).copied().collect();
            // A wider prefix over the tunnel is the same site, told more coarsely.
            let coarse = |prefix: &IpNet| over.keys().any(|known| prefix.contains(known));
            let own: BTreeSet<IpNet> = own.into_iter().filter(|p| !coarse(p)).collect();
            let meets = |site: &BTreeSet<IpNet>| {
                site.iter().any(|a| prefixes.iter().any(|b| overlap(a, b)))
            };
            let mut names: Vec<String> = named
                .iter()
                .filter(|(.., site)| meets(site))
                .map(|(name, ..)| name.clone())
                .collect();
            if !own.is_empty() {
                let name = format!("behind-{address}");
                names.push(name.clone());
                alone.push(json!({ "name": name, "prefixes": own }));
            }
            let mut device = json!({ "address": address });
            if names.len() < named.len() || !alone.is_empty() {
                device["sites"] = json!(names);
            }
            self.devices.push(device);
        }
        let site = |(name, _, prefixes): &(String, _, &BTreeSet<IpNet>)| json!({ "name": name, "prefixes": prefixes });
        self.sites = named.iter().map(site).chain(alone).collect();
        if self.sites.is_empty() {
            self.sites.push(json!({ "name": "on-premises", "prefixes": [] }));
        }
    }
}

/// Sites are called after the circuits that lead to them.
fn named<'s>(sites: &'s BTreeMap<BTreeSet<&'s ResourceId>, BTreeSet<IpNet>>) -> Vec<NamedSite<'s>> {
    let single = sites.len() == 1;
    let mut named: Vec<NamedSite<'s>> = Vec::new();
    for (circuits, prefixes) in sites {
        let names: Vec<&str> = circuits.iter().map(|id| id.name()).collect();
        let mut name = match single {
            true => "on-premises".to_owned(),
            false => format!("behind-{}", names.join("-and-")),
        };
        while named.iter().any(|(other, ..)| *other == name) {
            name.push_str("-2");
        }
        named.push((name, circuits, prefixes));
    }
    named
}

/// A site's name, the circuits that lead to it, and its prefixes.
type NamedSite<'s> = (String, &'s BTreeSet<&'s ResourceId>, &'s BTreeSet<IpNet>);

fn link(
    circuit: &ResourceId,
    path: &str,
    session: &PathSession,
    all: &BTreeSet<IpNet>,
    own: &[&(String, &BTreeSet<&ResourceId>, &BTreeSet<IpNet>)],
    sites: usize,
) -> Value {
    let mut link = json!({ "circuit": circuit.as_str(), "path": path });
    if !session.up {
        link["up"] = json!(false);
    }
    // Behind all of them is what nothing says.
    if own.len() < sites && !own.is_empty() {
        let names: Vec<&str> = own.iter().map(|(name, ..)| name.as_str()).collect();
        link["sites"] = json!(names);
    }
    let heard: BTreeSet<IpNet> = session.heard.keys().copied().collect();
    if session.up && heard != *all {
        link["advertise"] = json!(heard);
    }
    if let Some(times) = session.heard.values().min().filter(|times| **times > 0) {
        link["as_path_prepend"] = json!(times);
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circuit(name: &str) -> ResourceId {
        let base =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits";
        ResourceId::parse(&format!("{base}/{name}")).unwrap()
    }

    fn session(prefixes: &[&str]) -> PathSession {
        let heard: HeardPrefixes = prefixes.iter().map(|text| (text.parse().unwrap(), 0)).collect();
        PathSession { up: !heard.is_empty(), heard }
    }

    fn both(primary: &[&str], secondary: &[&str]) -> BTreeMap<&'static str, PathSession> {
        [("primary", session(primary)), ("secondary", session(secondary))].into()
    }

    #[test]
    fn prefixes_that_are_heard_over_the_same_circuits_are_one_site() {
        let mut sessions = Sessions::new();
        sessions.insert(circuit("er-a"), both(&["10.1.0.0/16", "10.9.0.0/16"], &["10.1.0.0/16"]));
        sessions.insert(circuit("er-b"), both(&["10.2.0.0/16", "10.9.0.0/16"], &[]));
        let mut inferred = Inferred::default();
        inferred.infer(&sessions, &BTreeMap::new());
        let names: Vec<&str> = inferred.sites.iter().filter_map(|s| s["name"].as_str()).collect();
        assert_eq!(names, ["behind-er-a", "behind-er-a-and-er-b", "behind-er-b"]);
        assert_eq!(inferred.links[0]["sites"], json!(["behind-er-a", "behind-er-a-and-er-b"]));
        assert_eq!(inferred.links[0].get("advertise"), None);
        assert_eq!(inferred.links[1]["advertise"], json!(["10.1.0.0/16"]), "this path tells less");
        assert_eq!(inferred.links[3]["up"], json!(false));
    }

    #[test]
    fn what_only_a_tunnel_leads_to_is_a_site_of_its_own() {
        let mut sessions = Sessions::new();
        sessions.insert(circuit("er-a"), both(&["10.1.0.0/16"], &["10.1.0.0/16"]));
        let prefix = |text: &str| text.parse::<IpNet>().unwrap();
        let behind = BTreeMap::from([
            ("203.0.113.7".parse().unwrap(), BTreeSet::from([prefix("10.1.0.0/16")])),
            ("203.0.113.8".parse().unwrap(), BTreeSet::from([prefix("10.7.0.0/16")])),
        ]);
        let mut inferred = Inferred::default();
        inferred.infer(&sessions, &behind);
        assert_eq!(inferred.devices[0], json!({ "address": "203.0.113.7" }));
        assert_eq!(inferred.devices[1]["sites"], json!(["behind-203.0.113.8"]));
        assert_eq!(inferred.sites.len(), 2);
    }

    #[test]
    fn a_longer_path_is_counted() {
        let row = |path: &str| json!({ "value": [{ "network": "10.1.0.0/16", "path": path }] });
        let heard = |path: &str| from_table(&row(path), 65_001).into_values().next();
        assert_eq!(heard("65001"), Some(0));
        assert_eq!(heard("65001 65001 65001 64999"), Some(2));
        assert_eq!(heard("65515"), None, "a gateway's");
    }
}
