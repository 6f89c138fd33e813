//! What a gateway has learned, what it advertises, and to whom.

use ipnet::IpNet;
use serde_json::Value;

use super::circuit::{networks, rows, verification};
use crate::arm::read::text;
use crate::model::{Assessment, ResourceId, coverage};

/// The AS of Microsoft's edge: what came over ExpressRoute came through it (azure-facts 5.4).
const MICROSOFT_ASN: &str = "12076";

/// Compares the learned routes with the prefixes that must be among them, through Microsoft's edge.
pub(crate) fn assess_learned(
    gateway: &ResourceId,
    expect: &[IpNet],
    answer: Option<&Value>,
) -> Assessment {
    let rows: Vec<&Value> = rows(answer).into_iter().filter(|row| from_the_edge(row)).collect();
    let learned = networks(&rows);
    let missing: Vec<String> = expect
        .iter()
        .map(|prefix| (prefix, coverage(prefix, &learned)))
        .filter(|(_, how)| !how.is_whole())
        .map(|(prefix, how)| format!("{prefix} is not learned over ExpressRoute{}", how.remark()))
        .collect();
    let prefixes = learned.iter().map(ToString::to_string).collect();
    verification(gateway, &missing, ("prefixes", prefixes))
}

fn from_the_edge(row: &Value) -> bool {
    text(row, "/asPath").is_some_and(|path| path.split(['-', ' ']).next() == Some(MICROSOFT_ASN))
}

/// The connected peers that are Microsoft's edge routers.
pub(crate) fn connected_peers(answer: Option<&Value>) -> Vec<String> {
    rows(answer)
        .into_iter()
        .filter(|row| {
            let asn = row.get("asn").map(ToString::to_string).unwrap_or_default();
            asn.trim_matches('"') == MICROSOFT_ASN
                && text(row, "/state").is_some_and(|state| state.eq_ignore_ascii_case("connected"))
        })
        .filter_map(|row| text(row, "/neighbor").map(str::to_owned))
        .collect()
}

/// Compares the BGP peers with how many must be connected.
pub(crate) fn assess_peers(
    gateway: &ResourceId,
    peers_min: u32,
    answer: Option<&Value>,
) -> Assessment {
    let connected = connected_peers(answer).len();
    let enough = connected >= usize::try_from(peers_min).unwrap_or(usize::MAX);
    let missing: Vec<String> = (!enough)
        .then(|| format!("{connected} of {peers_min} BGP peers of Microsoft's edge are connected"))
        .into_iter()
        .collect();
    verification(gateway, &missing, ("peers_connected", Value::from(connected)))
}

/// How many peers a circuit brings to a gateway: Microsoft's edge on each of its two paths.
const PEERS_OF_A_CIRCUIT: usize = 2;

/// Compares what is advertised to the connected peers with the prefixes that must be.
///
/// Azure does not say which peer is whose: a row of `getBgpPeerStatus` has an address of the gateway's subnet
/// and no circuit (azure-facts 5.4). With the peers of one circuit alone, each must hear everything. With more,
/// as many as one circuit brings are enough: another circuit on the gateway, one whose customer's side is down
/// for example, may hear nothing and is nobody's business here.
pub(crate) fn assess_advertised(
    gateway: &ResourceId,
    expect: &[IpNet],
    by_peer: &[(String, Option<Value>)],
) -> Assessment {
    let mut missing = Vec::new();
    if by_peer.is_empty() {
        missing.push("no BGP peer of Microsoft's edge is connected".to_owned());
    }
    let mut all = std::collections::BTreeSet::new();
    let mut content = 0;
    for (peer, answer) in by_peer {
        let before = missing.len();
        let advertised = networks(&rows(answer.as_ref()));
        for prefix in expect {
            let how = coverage(prefix, &advertised);
            if !how.is_whole() {
                missing.push(format!("{prefix} is not advertised to {peer}{}", how.remark()));
            }
        }
        content += usize::from(missing.len() == before);
        all.extend(advertised.into_iter().map(|network| network.to_string()));
    }
    if content >= PEERS_OF_A_CIRCUIT {
        missing.clear();
    }
    verification(gateway, &missing, ("prefixes", Value::from_iter(all)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Assessed;
    use serde_json::json;

    fn gateway() -> ResourceId {
        ResourceId::parse(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworkGateways/gw",
        )
        .unwrap()
    }

    #[test]
    fn only_what_came_through_the_edge_counts_as_learned() {
        let answer = json!({ "value": [
            { "network": "10.100.0.0/16", "origin": "EBgp", "asPath": "65001" },
            { "network": "10.101.0.0/16", "origin": "EBgp", "asPath": "12076-65001" } ] });
        let expect: Vec<IpNet> =
            vec!["10.100.0.0/16".parse().unwrap(), "10.101.1.0/24".parse().unwrap()];
        let Assessed::NotYet { why, .. } =
            assess_learned(&gateway(), &expect, Some(&answer)).verdict
        else {
            panic!()
        };
        assert_eq!(why, "10.100.0.0/16 is not learned over ExpressRoute");
    }

    #[test]
    fn a_default_route_proves_no_prefix_that_is_expected_and_an_aggregate_does() {
        let learned =
            |network: &str| json!({ "value": [{ "network": network, "asPath": "12076-65001" }] });
        let sent = |network: &str| json!({ "value": [{ "network": network }] });
        let expect: Vec<IpNet> = vec!["10.101.0.0/16".parse().unwrap()];
        for (network, holds) in [("0.0.0.0/0", false), ("0.0.0.0/1", false), ("10.0.0.0/8", true)] {
            let learned = learned(network);
            let verdict = assess_learned(&gateway(), &expect, Some(&learned)).verdict;
            assert_eq!(verdict == Assessed::Holds, holds, "{network}: {verdict:?}");
            let peers = [("a".to_owned(), Some(sent(network)))];
            let verdict = assess_advertised(&gateway(), &expect, &peers).verdict;
            assert_eq!(verdict == Assessed::Holds, holds, "{network}: {verdict:?}");
        }
    }

    #[test]
    fn a_spoke_that_one_peer_does_not_hear_of_is_missing() {
        let both =
            json!({ "value": [{ "network": "10.10.10.0/24" }, { "network": "10.1.0.0/24" }] });
        let one = json!({ "value": [{ "network": "10.10.10.0/24" }] });
        let expect: Vec<IpNet> = vec!["10.1.0.0/24".parse().unwrap()];
        let peers = [("a".to_owned(), Some(both)), ("b".to_owned(), Some(one))];
        let Assessed::NotYet { why, .. } = assess_advertised(&gateway(), &expect, &peers).verdict
        else {
            panic!()
        };
        assert_eq!(why, "10.1.0.0/24 is not advertised to b");
        let none = json!({ "value": [] });
        let whole = json!({ "value": [{ "network": "10.1.0.0/24" }] });
        let of_two = |answers: [&serde_json::Value; 4]| {
            let peers: Vec<(String, Option<serde_json::Value>)> =
                answers.iter().map(|answer| ("x".to_owned(), Some((*answer).clone()))).collect();
            assess_advertised(&gateway(), &expect, &peers).verdict
        };
        let other_hears_nothing = of_two([&none, &none, &whole, &whole]);
        assert_eq!(other_hears_nothing, Assessed::Holds, "the peers of another circuit");
        let one_path = of_two([&none, &none, &none, &whole]);
        assert!(matches!(one_path, Assessed::NotYet { .. }), "no circuit hears it on both paths");
        let nobody = assess_advertised(&gateway(), &expect, &[]).verdict;
        assert!(matches!(nobody, Assessed::NotYet { .. }), "nobody to advertise to is not success");
    }
}
