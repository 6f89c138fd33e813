//! What route maps of hubs drop is told before the run, and what they do that cannot be judged as well.

use super::*;

/// A rule of a map.
fn rule(condition: &str, prefix: &str) -> Value {
    json!({ "name": "quiet", "matchCriteria": [{ "matchCondition": condition, "routePrefix": [prefix] }],
        "actions": [{ "type": "Drop", "parameters": [] }], "nextStepIfMatched": "Terminate" })
}

/// Where a map may be put.
#[derive(Debug, Clone, Copy)]
enum On {
    Circuit,
    Network,
}

/// The hub's connections stand, one of them with a map that has a rule.
fn mapped(on: On, key: &str, rule: Option<Value>) -> Case {
    let mut case = Case::of(VWAN);
    let hub = format!("{SEA}/virtualHubs/hub-sea");
    let map = format!("{hub}/routeMaps/rm");
    let routing = json!({ key: { "id": map } });
    let (circuit, network) = match on {
        On::Circuit => (routing, json!({})),
        On::Network => (json!({}), routing),
    };
    let peering = format!("{CIR}/expressRouteCircuits/er-singapore/peerings/AzurePrivatePeering");
    case.add(json!({ "id": format!("{SEA}/expressRouteGateways/ergw-hub-sea"), "location": "southeastasia",
        "properties": { "virtualHub": { "id": hub }, "expressRouteConnections": [{ "name": "con-singapore",
            "properties": { "expressRouteCircuitPeering": { "id": peering },
                "routingConfiguration": circuit } }] } }));
    case.add(
        json!({ "id": format!("{hub}/hubVirtualNetworkConnections/con-app1-sea"), "properties": {
        "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/vnet-app1-sea") },
        "routingConfiguration": network } }),
    );
    if let Some(rule) = rule {
        case.add(json!({ "id": map, "properties": { "rules": [rule] } }));
    }
    case
}

/// A map that drops a site's prefix.
pub(super) fn dropping() -> Case {
    mapped(On::Circuit, "inboundRouteMap", Some(rule("Contains", "10.100.0.0/16")))
}

/// A map that drops by the path.
pub(super) fn unclear() -> Case {
    let path = json!({ "name": "path", "actions": [{ "type": "Drop" }], "nextStepIfMatched": "Terminate",
        "matchCriteria": [{ "matchCondition": "Contains", "asPath": ["65010"] }] });
    mapped(On::Circuit, "inboundRouteMap", Some(path))
}

async fn told(case: Case, name: &str) -> Vec<String> {
    let found = case.found().await;
    said(&found, name).into_iter().map(|(about, why)| format!("{about}: {why}")).collect()
}

#[tokio::test]
async fn a_map_that_drops_what_is_to_be_recovered_stops_the_run() {
    let site = rule("Contains", "10.100.0.0/16");
    let dropped = |on, key| mapped(on, key, Some(site.clone()));
    let found = dropped(On::Circuit, "inboundRouteMap").found().await;
    let stops: Vec<_> = found.blocking().filter(|own| own.rule == "HUB-MAP-DROP").collect();
    assert_eq!(stops.len(), 1, "{:?}", said(&found, "HUB-MAP-DROP"));
    assert_eq!(
        said(&found, "HUB-MAP-DROP")[0].1,
        "rule quiet of its inbound map rm drops 10.100.0.0/16"
    );
    // What a network hears, and what it is not told of.
    assert_eq!(told(dropped(On::Network, "outboundRouteMap"), "HUB-MAP-DROP").await.len(), 1);
    assert_eq!(told(dropped(On::Network, "inboundRouteMap"), "HUB-MAP-DROP").await.len(), 0);
    assert_eq!(told(dropped(On::Circuit, "outboundRouteMap"), "HUB-MAP-DROP").await.len(), 0);
    let network = |on, key| mapped(on, key, Some(rule("Equals", "10.21.0.0/24")));
    assert_eq!(told(network(On::Network, "inboundRouteMap"), "HUB-MAP-DROP").await.len(), 1);
    assert_eq!(told(network(On::Circuit, "outboundRouteMap"), "HUB-MAP-DROP").await.len(), 1);
    assert_eq!(told(network(On::Circuit, "inboundRouteMap"), "HUB-MAP-DROP").await.len(), 0);
    // What is more than the rule's prefix is not dropped by it.
    let narrow = mapped(On::Circuit, "inboundRouteMap", Some(rule("Contains", "10.100.0.0/17")));
    assert_eq!(told(narrow, "HUB-MAP-DROP").await.len(), 0);
}

#[tokio::test]
async fn a_map_that_cannot_be_judged_is_warned_of() {
    let found = unclear().found().await;
    assert_eq!(said(&found, "HUB-MAP").len(), 1);
    assert!(found.blocking().all(|own| !own.rule.starts_with("HUB-MAP")));
    let found = mapped(On::Circuit, "inboundRouteMap", None).found().await;
    let unknown = |rule: &str| {
        found
            .findings
            .iter()
            .any(|own| own.rule == rule && matches!(own.verdict, FindingVerdict::Unknown(_)))
    };
    assert!(unknown("HUB-MAP") && unknown("HUB-MAP-DROP"), "its map is not to be seen");
}
