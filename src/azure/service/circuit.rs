//! Circuits, as they are verified: states, ARP tables and route tables of the private peering.

use std::collections::BTreeSet;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::Value;

use super::body::assessment;
use crate::arm;
use crate::arm::CircuitPath;
use crate::arm::read::text;
use crate::arm::{has_failed, provisioning_state};
use crate::model::action::JudgedPaths;
use crate::model::assessment::SeenState;
use crate::model::{Assessed, Assessment, ResourceId, Seen, coverage, covered};

/// Wait between looks at a circuit's tables: each look is itself an operation of ten seconds.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// The AS path of what gateways advertise (azure-facts 5.3).
const GATEWAY_ASN: &str = "65515";

/// The two paths of a circuit, as Azure names them in its URLs.
pub(crate) const PATHS: [&str; 2] = CircuitPath::NAMES;

/// Compares a circuit with one that can carry a connection.
pub(crate) fn assess(circuit: &ResourceId, body: Option<&Value>) -> Assessment {
    let mut missing: Vec<String> = Vec::new();
    match body {
        None => missing.push("the circuit does not exist".to_owned()),
        Some(body) => {
            let own = arm::CircuitView::of(body);
            let mut must = |found: Option<&str>, wanted: &str, what: &str| {
                let found = found.unwrap_or("not reported");
                if !found.eq_ignore_ascii_case(wanted) {
                    missing.push(format!("{what} is {found}, not {wanted}"));
                }
            };
            must(own.state(), "Enabled", "the circuit");
            if !own.has_no_provider() {
                must(own.provider_state(), "Provisioned", "the provider's side");
            }
            match private_peering(body) {
                None => missing.push("it has no private peering".to_owned()),
                Some(peering) => {
                    let state =
                        arm::CircuitPeeringView::of(peering).state().unwrap_or("not reported");
                    if !state.eq_ignore_ascii_case("enabled") {
                        missing.push(format!("its private peering is {state}, not Enabled"));
                    }
                    if has_failed(peering) {
                        missing.push("its private peering is in state Failed".to_owned());
                    }
                }
            }
        }
    }
    let verdict = if missing.is_empty() {
        Assessed::Holds
    } else {
        Assessed::NotYet { why: missing.join("; "), after: LOOK_AGAIN }
    };
    let mut assessment = assessment(circuit, body, verdict);
    assessment.outputs.clear();
    if assessment.verdict == Assessed::Holds
        && let Some(bandwidth) = body.and_then(|body| arm::CircuitView::of(body).mbps())
    {
        assessment.outputs.insert("bandwidth_mbps".to_owned(), bandwidth.into());
    }
    assessment
}

fn private_peering(body: &Value) -> Option<&Value> {
    arm::CircuitView::of(body).peering(arm::PRIVATE_PEERING)
}

/// Compares a circuit's Microsoft peering with one that replication can use.
pub(crate) fn assess_microsoft_peering(circuit: &ResourceId, body: Option<&Value>) -> Assessment {
    let circuit_view = body.map(arm::CircuitView::of);
    let missing = circuit_view.map_or_else(
        || vec!["the circuit does not exist".to_owned()],
        arm::CircuitView::microsoft_peering_lacks,
    );
    let found = circuit_view.and_then(|own| own.peering("MicrosoftPeering"));
    let prefixes = found
        .and_then(|peering| {
            peering.pointer("/properties/microsoftPeeringConfig/advertisedPublicPrefixes")
        })
        .cloned()
        .unwrap_or_else(|| Value::Array(Vec::new()));
    verification(circuit, &missing, ("prefixes", prefixes))
}

/// Compares a resource with its absence, without asking for it.
pub(crate) fn assess_absent(resource: &ResourceId, body: Option<&Value>) -> Assessment {
    let missing: Vec<String> = body
        .map(|body| format!("{} is still there ({})", resource.name(), provisioning_state(body)))
        .into_iter()
        .collect();
    let mut assessment = verification(resource, &missing, ("", Value::Null));
    assessment.outputs.clear();
    assessment
}

/// Compares the ARP tables of both paths with healthy ones: Azure's edge and the customer's are in each.
pub(crate) fn assess_arp(circuit: &ResourceId, tables: [Option<&Value>; 2]) -> Assessment {
    let mut missing = Vec::new();
    let mut entries = 0_u64;
    for (path, table) in PATHS.iter().zip(tables) {
        let rows = rows(table);
        entries += rows.len() as u64;
        for side in ["On-Prem", "Microsoft"] {
            let there = rows
                .iter()
                .any(|row| text(row, "/interface").is_some_and(|i| i.eq_ignore_ascii_case(side)));
            if !there {
                missing.push(format!("the {path} path has no ARP entry of the {side} side"));
            }
        }
    }
    verification(circuit, &missing, ("entries", Value::from(entries)))
}

/// Compares the route tables of both paths with the prefixes they must and must not carry.
pub(crate) fn assess_routes(
    circuit: &ResourceId,
    (expect, judged): (&[IpNet], JudgedPaths),
    absent: &[IpNet],
    tables: [Option<&Value>; 2],
) -> Assessment {
    let (mut missing, mut silent) = (Vec::new(), Vec::new());
    let mut all = BTreeSet::new();
    for (path, table) in PATHS.iter().zip(tables) {
        let rows = rows(table);
        let networks = networks(&rows);
        if judged == JudgedPaths::Any && !rows.iter().any(|row| of_on_premises(row)) {
            silent.push(*path);
        } else {
            missing.extend(uncovered(expect, &networks, path));
        }
        for prefix in absent {
            if let Some(left) = still_carried(prefix, &rows) {
                let by = if left == *prefix { String::new() } else { format!(" (by {left})") };
                missing
                    .push(format!("{prefix} is still in the route table of the {path} path{by}"));
            }
        }
        all.extend(networks.into_iter().map(|network| network.to_string()));
    }
    if silent.len() == PATHS.len() && !expect.is_empty() {
        missing.push("on-premises tells nothing on either path".to_owned());
    }
    let mut assessment = verification(circuit, &missing, ("prefixes", Value::from_iter(all)));
    if let ([path], true, Some(seen)) =
        (silent.as_slice(), missing.is_empty(), assessment.seen.first_mut())
    {
        seen.state =
            SeenState::of(&format!("as expected, and without a session on the {path} path"));
    }
    assessment
}

/// Which prefixes a path's table does not cover, in words.
fn uncovered(expect: &[IpNet], networks: &BTreeSet<IpNet>, path: &str) -> Vec<String> {
    expect
        .iter()
        .map(|prefix| (prefix, coverage(prefix, networks)))
        .filter(|(_, how)| !how.is_whole())
        .map(|(prefix, how)| {
            format!("{prefix} is not in the route table of the {path} path{}", how.remark())
        })
        .collect()
}

/// Whether on-premises told a route: what gateways tell has their AS number alone (azure-facts 5.3).
fn of_on_premises(row: &Value) -> bool {
    text(row, "/path").is_some_and(|path| path != GATEWAY_ASN)
}

/// A route by which a prefix that shall be gone is still carried, all of it or a part.
///
/// An aggregate counts where a gateway sends it: one of on-premises contains what Azure has as well,
/// and says nothing of who has it.
fn still_carried(prefix: &IpNet, rows: &[&Value]) -> Option<IpNet> {
    let of_a_gateway: Vec<&Value> =
        rows.iter().copied().filter(|row| text(row, "/path") == Some(GATEWAY_ASN)).collect();
    let within = networks(rows).into_iter().find(|network| prefix.contains(network));
    within.or_else(|| {
        let mut sent = networks(&of_a_gateway).into_iter();
        sent.find(|network| covered(prefix, [network]))
    })
}

/// The rows of an answer to a reading POST.
pub(crate) fn rows(answer: Option<&Value>) -> Vec<&Value> {
    answer
        .and_then(|answer| answer.get("value"))
        .and_then(Value::as_array)
        .map(|rows| rows.iter().collect())
        .unwrap_or_default()
}

/// The networks of rows; what is not a prefix is left out.
pub(crate) fn networks(rows: &[&Value]) -> BTreeSet<IpNet> {
    rows.iter()
        .filter_map(|row| text(row, "/network"))
        .filter_map(|text| {
            text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
        })
        .collect()
}

/// The assessment of something that is only looked at.
pub(crate) fn verification(
    subject: &ResourceId,
    missing: &[String],
    output: (&str, Value),
) -> Assessment {
    let verdict = if missing.is_empty() {
        Assessed::Holds
    } else {
        Assessed::NotYet { why: missing.join("; "), after: LOOK_AGAIN }
    };
    let state = if missing.is_empty() { "as expected" } else { "not as expected" };
    let outputs = match verdict {
        Assessed::Holds => std::iter::once((output.0.to_owned(), output.1)).collect(),
        _ => std::collections::BTreeMap::new(),
    };
    let seen = vec![Seen { resource: subject.clone(), state: SeenState::of(state), etag: None }];
    Assessment { verdict, seen, outputs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn circuit() -> ResourceId {
        ResourceId::parse(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/er",
        )
        .unwrap()
    }

    #[test]
    fn a_circuit_that_its_provider_has_not_provisioned_is_not_ready() {
        let body = json!({ "properties": {
            "circuitProvisioningState": "Enabled", "serviceProviderProvisioningState": "NotProvisioned",
            "peerings": [] } });
        let Assessed::NotYet { why, .. } = assess(&circuit(), Some(&body)).verdict else {
            panic!()
        };
        assert!(
            why.contains("provider's side is NotProvisioned") && why.contains("no private peering")
        );
    }

    #[test]
    fn a_circuit_on_a_port_of_its_own_waits_for_no_provider() {
        let mut body = json!({ "properties": {
            "circuitProvisioningState": "Enabled", "bandwidthInGbps": 5.0,
            "expressRoutePort": { "id": "/subscriptions/s/p" },
            "peerings": [{ "name": "AzurePrivatePeering", "properties": { "state": "Enabled" } }] } });
        let ready = assess(&circuit(), Some(&body));
        assert_eq!(ready.verdict, Assessed::Holds);
        assert_eq!(ready.outputs["bandwidth_mbps"], json!(5_000));
        body["properties"]["serviceProviderProvisioningState"] = json!("Deprovisioning");
        assert!(matches!(assess(&circuit(), Some(&body)).verdict, Assessed::NotYet { .. }));
        let of_provider = json!({ "properties": { "circuitProvisioningState": "Enabled" } });
        let Assessed::NotYet { why, .. } = assess(&circuit(), Some(&of_provider)).verdict else {
            panic!()
        };
        assert!(why.contains("the provider's side is not reported"), "{why}");
    }

    #[test]
    fn a_prefix_that_should_have_left_is_named_with_its_path() {
        let table = json!({ "value": [{ "network": "10.1.0.0/24" }] });
        let empty = json!({ "value": [] });
        let prefix: IpNet = "10.1.0.0/24".parse().unwrap();
        let gone = assess_routes(
            &circuit(),
            (&[], JudgedPaths::Both),
            &[prefix],
            [Some(&empty), Some(&table)],
        );
        let Assessed::NotYet { why, .. } = gone.verdict else { panic!() };
        assert!(why.contains("secondary") && !why.contains("primary"), "{why}");
    }

    #[test]
    fn the_circuits_tables_mean_by_covered_what_gateways_do() {
        let table =
            |network: &str, path: &str| json!({ "value": [{ "network": network, "path": path }] });
        let prefix: IpNet = "10.1.0.0/24".parse().unwrap();
        let look = |expect: &[IpNet], absent: &[IpNet], network: &str, path: &str| {
            let table = table(network, path);
            let expect = (expect, JudgedPaths::Both);
            assess_routes(&circuit(), expect, absent, [Some(&table), Some(&table)]).verdict
                == Assessed::Holds
        };
        assert!(look(&[prefix], &[], "10.1.0.0/16", "65515"), "an aggregate counts");
        assert!(!look(&[prefix], &[], "0.0.0.0/0", "65001"), "a default route does not");
        assert!(!look(&[prefix], &[], "10.1.0.0/25", "65515"), "half is not all");
        assert!(!look(&[], &[prefix], "10.1.0.0/25", "65515"), "half is not gone");
        assert!(
            !look(&[], &[prefix], "10.1.0.0/16", "65515"),
            "the gateway's aggregate carries it"
        );
        assert!(look(&[], &[prefix], "10.0.0.0/8", "65001"), "on-premises' own says nothing of it");
        assert!(look(&[], &[prefix], "0.0.0.0/0", "65001"));
    }

    #[test]
    fn a_path_without_a_session_is_left_out_where_any_will_do() {
        let whole = json!({ "value": [
            { "network": "10.100.0.0/16", "path": "65001" }, { "network": "10.1.0.0/24", "path": "65515" } ] });
        let azure = json!({ "value": [{ "network": "10.1.0.0/24", "path": "65515" }] });
        let other = json!({ "value": [
            { "network": "10.101.0.0/16", "path": "65001" }, { "network": "10.1.0.0/24", "path": "65515" } ] });
        let expect: Vec<IpNet> =
            ["10.100.0.0/16", "10.1.0.0/24"].iter().map(|net| net.parse().unwrap()).collect();
        let look = |paths, first, second| {
            assess_routes(&circuit(), (&expect, paths), &[], [Some(first), Some(second)])
        };
        let one_leg = look(JudgedPaths::Any, &azure, &whole);
        assert_eq!(one_leg.verdict, Assessed::Holds);
        assert!(
            one_leg.seen[0].state.to_string().ends_with("without a session on the primary path")
        );
        assert!(look(JudgedPaths::Both, &azure, &whole).verdict != Assessed::Holds);
        let Assessed::NotYet { why, .. } = look(JudgedPaths::Any, &other, &whole).verdict else {
            panic!("a path with a session must carry all of it")
        };
        assert_eq!(why, "10.100.0.0/16 is not in the route table of the primary path");
        let Assessed::NotYet { why, .. } = look(JudgedPaths::Any, &azure, &azure).verdict else {
            panic!("no session at all")
        };
        assert!(why.contains("on-premises tells nothing on either path"), "{why}");
    }

    #[test]
    fn one_path_without_an_arp_entry_is_named() {
        let whole = json!({ "value": [{ "interface": "On-Prem" }, { "interface": "Microsoft" }] });
        let half = json!({ "value": [{ "interface": "Microsoft" }] });
        assert_eq!(assess_arp(&circuit(), [Some(&whole), Some(&whole)]).verdict, Assessed::Holds);
        let Assessed::NotYet { why, .. } =
            assess_arp(&circuit(), [Some(&whole), Some(&half)]).verdict
        else {
            panic!()
        };
        assert!(why.contains("secondary path has no ARP entry of the On-Prem"), "{why}");
    }
}
