//! Virtual WAN: a hub that routes, its gateway, and what is connected to it.

use serde_json::{Value, json};

use super::body::{LOOK_AGAIN, assessment, blocked, ensure, undo as body_undo, writable};
use super::circuit::{networks, verification};
use crate::arm::read::{id_at, list, name, text, word};
use crate::model::action::HubAction;
use crate::model::hub_body::body_of;
use crate::model::{Assessed, Assessment, ResourceId, SecretRef, Undo, WriteMethod, coverage};

/// Compares something of a virtual WAN with the desired state.
pub(crate) fn assess(action: &HubAction, body: Option<&Value>) -> Assessment {
    let id = action.subject();
    let mut verdict = ensure(id, body, &body_of(action));
    with_key(action, &mut verdict);
    with_connections(action, &mut verdict, body);
    if let (HubAction::Hub(_), Assessed::Holds, Some(body)) = (action, &verdict, body) {
        verdict = routes(id, body);
    }
    let mut assessment = assessment(id, body, verdict);
    let routing = body.and_then(|body| word(body, ROUTING_STATE, &ROUTING_STATES));
    if let (HubAction::Hub(_), Assessed::Holds, Some(state)) =
        (action, &assessment.verdict, routing)
    {
        assessment.outputs.insert("routing_state".to_owned(), Value::from(state));
    }
    assessment
}

/// The write that takes it back, with the key that it needs.
pub(crate) fn undo(action: &HubAction, undo: &Undo, body: Option<&Value>) -> Assessment {
    let mut verdict = body_undo(undo, body, &body_of(action));
    with_key(action, &mut verdict);
    with_connections(action, &mut verdict, body);
    assessment(action.subject(), body, verdict)
}

/// Where a hub says whether its routers stand.
const ROUTING_STATE: &str = "/properties/routingState";

/// `RoutingState` of Microsoft.Network, 2024-05-01.
const ROUTING_STATES: [&str; 4] = ["None", "Provisioned", "Provisioning", "Failed"];

/// Whether the routers of a hub that is `Succeeded` stand: they come up after it (recorded), and nothing can
/// be connected before.
fn routes(hub: &ResourceId, body: &Value) -> Assessed {
    match word(body, ROUTING_STATE, &ROUTING_STATES) {
        Some(state @ ("None" | "Provisioning")) => Assessed::InProgress {
            why: format!("the routers of {} come up (routing state {state})", hub.name()),
            after: LOOK_AGAIN,
        },
        Some("Failed") => blocked(
            "hub_routing_failed",
            format!(
                "The routers of the hub {} have failed, and writing the hub again mends nothing. Reset them \
                 (portal: the hub, Overview, Reset, Reset router), or open a case with Azure support.",
                hub.name()
            ),
        ),
        _ => Assessed::Holds,
    }
}

/// Puts the placeholder of the key into a write; its value is filled in when it is sent.
fn with_key(action: &HubAction, verdict: &mut Assessed) {
    if let (Assessed::Change(change), Some(secret)) = (verdict, action.authorization())
        && let Some(body) = &mut change.write.body
    {
        body["properties"]["authorizationKey"] = secret.placeholder();
    }
}

/// The connections that a hub's gateway shows.
const CONNECTIONS: &str = "/properties/expressRouteConnections";

/// Where a connection's key is.
const KEY: &str = "/properties/authorizationKey";

/// Puts the connections of a gateway, as they stand, into its write: Azure removes those that a write leaves out, and
/// with them each circuit of the hub (azure-rest-api-specs PR 18417, terraform-provider-azurerm 13368).
fn with_connections(action: &HubAction, verdict: &mut Assessed, body: Option<&Value>) {
    let shown = body.map(|body| list(body, CONNECTIONS)).unwrap_or_default();
    if let (HubAction::Gateway(_), Assessed::Change(change), false) =
        (action, verdict, shown.is_empty())
        && change.write.method == WriteMethod::Put
        && let Some(body) = &mut change.write.body
    {
        body["properties"]["expressRouteConnections"] = shown.iter().map(as_it_stands).collect();
    }
}

/// A connection as its gateway's write has it: its key, where it has one, is read when it is sent.
fn as_it_stands(shown: &Value) -> Value {
    let mut own = writable(shown);
    if let Some(name) = name(shown) {
        own["name"] = name.into();
    }
    if let Some(id) = id_at(shown, "/id") {
        own["id"] = id.as_str().into();
        if text(shown, KEY).is_some() {
            let key = SecretRef::Resource { id, pointer: KEY.to_owned() };
            own["properties"]["authorizationKey"] = key.placeholder();
        }
    }
    own
}

/// Compares a table's effective routes with the prefixes that must be among them, learned by the hub's own
/// ExpressRoute gateway: what another hub has passed on goes away with that hub.
pub(crate) fn assess_effective(
    hub: &ResourceId,
    expect: &[ipnet::IpNet],
    answer: Option<&Value>,
) -> Assessment {
    let rows = answer.and_then(|answer| answer.get("value")).and_then(Value::as_array);
    let rows: Vec<&Value> = rows.into_iter().flatten().filter(|row| by_gateway(row)).collect();
    let each: Vec<Value> = rows
        .iter()
        .filter_map(|row| row.get("addressPrefixes")?.as_array())
        .flatten()
        .map(|prefix| json!({ "network": prefix }))
        .collect();
    let learned = networks(&each.iter().collect::<Vec<_>>());
    let missing: Vec<String> = expect
        .iter()
        .map(|prefix| (prefix, coverage(prefix, &learned)))
        .filter(|(_, how)| !how.is_whole())
        .map(|(prefix, how)| {
            format!("{prefix} is not learned by the hub's own gateway{}", how.remark())
        })
        .collect();
    let prefixes = learned.iter().map(ToString::to_string).collect();
    verification(hub, &missing, ("prefixes", prefixes))
}

/// Whether a route leads to an ExpressRoute gateway: `ExpressRouteGateway`, in whatever letters.
fn by_gateway(row: &Value) -> bool {
    let kind = text(row, "/nextHopType").unwrap_or_default().to_ascii_lowercase().replace(' ', "");
    kind.contains("expressroute")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::{Autoscale, HubConnection, HubGateway, Routing, VirtualHub};
    use crate::model::{Region, SecretRef};

    fn id(rest: &str) -> ResourceId {
        let head = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
        ResourceId::parse(&format!("{head}/{rest}")).unwrap()
    }

    fn hub() -> HubAction {
        HubAction::Hub(VirtualHub {
            id: id("virtualHubs/h"),
            wan: id("virtualWans/w"),
            location: Region::parse("southeastasia").unwrap(),
            prefix: "10.40.0.0/23".parse().unwrap(),
            preference: None,
            routing_units_min: Some(2),
            tags: crate::model::tags::Tags::new(),
        })
    }

    /// A hub as Azure shows it (recorded, with another routing state).
    fn shown(routing: &str) -> Value {
        json!({ "location": "southeastasia", "properties": {
            "provisioningState": "Succeeded", "addressPrefix": "10.40.0.0/23", "sku": "Standard",
            "virtualWan": { "id": id("virtualWans/W").as_str() }, "routingState": routing,
            "virtualHubRouteTableV2s": [], "virtualRouterAsn": 65515, "virtualRouterIps": [],
            "routeTable": { "routes": [] }, "networkVirtualAppliances": [],
            "virtualRouterAutoScaleConfiguration": { "minCapacity": 3 },
            "hubRoutingPreference": "ExpressRoute", "allowBranchToBranchTraffic": false } })
    }

    #[test]
    fn a_hub_holds_only_when_its_routers_stand() {
        let verdict = |routing: &str| assess(&hub(), Some(&shown(routing))).verdict;
        assert_eq!(verdict("Provisioned"), Assessed::Holds);
        for coming in ["None", "provisioning"] {
            let verdict = verdict(coming);
            assert!(matches!(verdict, Assessed::InProgress { .. }), "{coming}: {verdict:?}");
        }
        let Assessed::Blocked { why, .. } = verdict("Failed") else { panic!() };
        assert!(why.contains("Reset"), "{why}");
        let outputs = assess(&hub(), Some(&shown("Provisioned"))).outputs;
        assert_eq!(outputs["routing_state"], "Provisioned");
    }

    #[test]
    fn a_hub_with_other_addresses_or_of_another_wan_is_never_written() {
        for (pointer, other) in [
            ("/properties/addressPrefix", "10.50.0.0/23"),
            ("/properties/virtualWan/id", "/other"),
            ("/properties/sku", "Basic"),
        ] {
            let mut body = shown("Provisioned");
            *body.pointer_mut(pointer).unwrap() = json!(other);
            let verdict = assess(&hub(), Some(&body)).verdict;
            assert!(matches!(verdict, Assessed::Blocked { .. }), "{pointer}: {verdict:?}");
        }
    }

    #[test]
    fn what_is_connected_to_a_gateway_is_in_its_write_as_it_stands_and_without_its_key() {
        let gateway = HubAction::Gateway(HubGateway {
            id: id("expressRouteGateways/g"),
            hub: id("virtualHubs/h"),
            location: Region::parse("southeastasia").unwrap(),
            units: Autoscale { min: 2, max: 4 },
            allow_non_wan_traffic: None,
            tags: crate::model::tags::Tags::new(),
        });
        let body = json!({ "location": "southeastasia", "properties": {
            "provisioningState": "Succeeded", "virtualHub": { "id": id("virtualHubs/h").as_str() },
            "expressRouteConnections": [{ "name": "c",
                "id": id("expressRouteGateways/g/expressRouteConnections/c").as_str(), "etag": "W/1",
                "properties": { "authorizationKey": "k-e-y", "provisioningState": "Succeeded",
                    "routingWeight": 7 } }],
            "autoScaleConfiguration": { "bounds": { "min": 2 } } } });
        let Assessed::Change(change) = assess(&gateway, Some(&body)).verdict else { panic!() };
        let written = change.write.body.clone().unwrap();
        assert_eq!(written["properties"]["autoScaleConfiguration"]["bounds"]["max"], 4);
        let sent = &written["properties"]["expressRouteConnections"];
        assert_eq!(sent.as_array().map(Vec::len), Some(1));
        assert_eq!(sent[0]["properties"]["routingWeight"], 7);
        assert_eq!(sent[0]["name"], "c");
        assert!(sent[0]["properties"].get("provisioningState").is_none());
        let key = SecretRef::from_placeholder(&sent[0]["properties"]["authorizationKey"]);
        assert!(matches!(key, Some(SecretRef::Resource { .. })), "{sent}");
        // It is no change, and what takes the change back has them as they stand then.
        assert!(!format!("{:?}", change.changes).contains("expressRouteConnections"));
        assert!(!format!("{:?}", change.undo).contains("expressRouteConnections"));
        assert!(!format!("{change:?}").contains("k-e-y"));
        let mut grown = body.clone();
        grown["properties"]["autoScaleConfiguration"]["bounds"]["max"] = json!(4);
        let Assessed::Change(back) = undo(&gateway, &change.undo, Some(&grown)).verdict else {
            panic!()
        };
        let sent = &back.write.body.unwrap()["properties"]["expressRouteConnections"];
        assert_eq!(sent.as_array().map(Vec::len), Some(1));
    }

    fn connection(routing: Routing) -> HubAction {
        HubAction::Connection(HubConnection {
            id: id("expressRouteGateways/g/expressRouteConnections/c"),
            circuit: id("expressRouteCircuits/er"),
            authorization: Some(SecretRef::Param("key".to_owned())),
            routing_weight: Some(100),
            internet_security: None,
            fast_path: None,
            routing,
        })
    }

    #[test]
    fn the_key_of_a_circuit_is_in_the_write_only_as_a_placeholder() {
        let action = connection(Routing::default());
        let Assessed::Change(change) = assess(&action, None).verdict else { panic!() };
        let body = change.write.body.unwrap();
        let key = SecretRef::from_placeholder(&body["properties"]["authorizationKey"]);
        assert_eq!(key, Some(SecretRef::Param("key".to_owned())));
        assert!(!format!("{:?}", change.changes).contains("authorizationKey"));
        assert!(body["properties"].get("routingConfiguration").is_none(), "nobody said one");
        assert_eq!(body["name"], "c", "it is required");
    }

    #[test]
    fn what_is_put_back_of_a_circuits_connection_has_its_name() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteGateways/g\
                  /expressRouteConnections/c";
        let shown =
            json!({ "id": id, "name": "c", "type": "t", "properties": { "routingWeight": 1 } });
        let kept = json!({ "name": "c", "properties": { "routingWeight": 1 } });
        assert_eq!(super::super::body::writable(&shown), kept);
    }

    #[test]
    fn propagation_too_much_is_a_difference_and_its_order_is_none() {
        let table = |name: &str| id(&format!("virtualHubs/h/hubRouteTables/{name}"));
        let action = connection(Routing {
            associated: None,
            propagated: Some(vec![table("defaultRouteTable"), table("rt")]),
            labels: Some(vec!["default".to_owned()]),
        });
        let body = |names: &[&str]| {
            let ids = names.iter().map(|name| json!({ "id": table(name).as_str() }));
            json!({ "name": "C", "properties": {
                "provisioningState": "Succeeded", "routingWeight": 100,
                "expressRouteCircuitPeering":
                    { "id": id("expressRouteCircuits/ER/peerings/azureprivatepeering").as_str() },
                "routingConfiguration": {
                    "associatedRouteTable": { "id": table("defaultRouteTable").as_str() },
                    "inboundRouteMap": { "id": "/m" },
                    "propagatedRouteTables": { "labels": ["Default"], "ids": ids.collect::<Vec<_>>() },
                } } })
        };
        let verdict = |names: &[&str]| assess(&action, Some(&body(names))).verdict;
        assert_eq!(verdict(&["RT", "defaultroutetable"]), Assessed::Holds);
        for names in [&["rt"][..], &["rt", "defaultRouteTable", "more"]] {
            let Assessed::Change(change) = verdict(names) else { panic!("{names:?}") };
            let routing = &change.write.body.unwrap()["properties"]["routingConfiguration"];
            assert_eq!(routing["propagatedRouteTables"]["ids"].as_array().unwrap().len(), 2);
            assert_eq!(routing["inboundRouteMap"]["id"], "/m", "what nobody named survives");
        }
    }

    #[test]
    fn what_another_hub_passed_on_is_not_learned_by_the_hubs_own_gateway() {
        let row = |kind: &str| {
            json!({ "value": [{ "addressPrefixes": ["10.100.0.0/16"],
            "nextHopType": kind, "nextHops": ["/x"], "asPath": "12076-65001" }] })
        };
        let expect = ["10.100.1.0/24".parse().unwrap()];
        let hub = id("virtualHubs/h");
        for (kind, holds) in [
            ("ExpressRouteGateway", true),
            ("Express Route Gateway", true),
            ("Remote Hub", false),
            ("Virtual Network Connection", false),
        ] {
            let verdict = assess_effective(&hub, &expect, Some(&row(kind))).verdict;
            assert_eq!(verdict == Assessed::Holds, holds, "{kind}: {verdict:?}");
        }
        let none = assess_effective(&hub, &expect, None).verdict;
        assert!(matches!(none, Assessed::NotYet { .. }), "{none:?}");
    }
}
