//! A virtual WAN in the simulated Azure: hubs that route only after they are done, what is refused, and what
//! sites reach over them.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::time::Duration;

use backroad::azure::wire::Headers;
use backroad::azure::{Method, WireRequest, WireResponse};
use backroad::model::{Plan, PlanParts, RunOutcome, Timestamp};
use backroad::sim::{Answers, Scenario, World};
use serde_json::{Value, json};

use crate::support::{Lab, Stage, compiled, world_file};

const SEA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network";
const EA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea/providers/Microsoft.Network";
const WAN: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-wan/providers/Microsoft.Network/virtualWans/wan-contoso";
const CIRCUIT: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network/expressRouteCircuits/er-singapore";

struct Azure {
    world: World,
    now: Timestamp,
}

impl Azure {
    fn new() -> Self {
        Self::of(&scenario())
    }

    fn of(scenario: &Scenario) -> Self {
        Self { world: World::new(scenario), now: scenario.now }
    }

    fn ask(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value, WireResponse) {
        let body = if body.is_null() { bytes::Bytes::new() } else { body.to_string().into() };
        let url = if path.starts_with("https://") {
            path.to_owned()
        } else {
            format!("https://management.azure.com{path}?api-version=2024-03-01")
        };
        let headers = Headers::new().with("x-ms-client-request-id", "key");
        let request = WireRequest { method, url: url.parse().unwrap(), headers, body };
        let answer = self.world.answer(&request, self.now).0.unwrap();
        let read = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        (answer.status, read, answer)
    }

    fn put(&mut self, path: &str, body: &Value) -> Result<Value, String> {
        let (status, read, _) = self.ask(Method::Put, path, body);
        match status {
            200 | 201 => Ok(read),
            _ => Err(code(&read)),
        }
    }

    fn delete(&mut self, path: &str) -> Result<(), String> {
        let (status, read, _) = self.ask(Method::Delete, path, &Value::Null);
        if status < 300 { Ok(()) } else { Err(code(&read)) }
    }

    fn get(&mut self, path: &str) -> Value {
        self.ask(Method::Get, path, &Value::Null).1
    }

    fn minutes(&mut self, minutes: u64) {
        self.now = self.now + Duration::from_secs(minutes * 60);
    }
}

fn scenario() -> Scenario {
    let (_, compiled) = compiled("vwan-dr-circuit.yaml", "drill");
    world_file(&compiled.world.unwrap())
}

fn code(read: &Value) -> String {
    let error = &read["error"];
    error["details"][0]["code"].as_str().or(error["code"].as_str()).unwrap_or_default().to_owned()
}

fn hub(prefix: &str) -> Value {
    json!({ "location": "southeastasia", "properties": {
        "virtualWan": { "id": WAN }, "addressPrefix": prefix, "sku": "Standard" } })
}

fn member(vnet: &str) -> Value {
    json!({ "properties": { "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/{vnet}") } } })
}

fn gateway(hub: &str) -> Value {
    json!({ "location": "southeastasia", "properties": {
        "virtualHub": { "id": format!("{SEA}/virtualHubs/{hub}") },
        "autoScaleConfiguration": { "bounds": { "min": 1, "max": 2 } } } })
}

#[test]
fn a_hub_takes_networks_only_once_its_routers_stand() {
    let mut azure = Azure::new();
    let path = format!("{SEA}/virtualHubs/hub-new");
    let made = azure.put(&path, &hub("10.70.0.0/23")).unwrap();
    assert_eq!(made["properties"]["routingState"], "None");
    azure.minutes(13);
    let done = azure.get(&path);
    assert_eq!(done["properties"]["provisioningState"], "Succeeded");
    assert_eq!(done["properties"]["routingState"], "Provisioning", "as recorded");
    let network = format!("{path}/hubVirtualNetworkConnections/app1");
    let early = azure.put(&network, &member("vnet-app1-sea"));
    assert_eq!(early, Err("VirtualHubRoutingStateNotProvisioned".to_owned()));
    azure.minutes(8);
    assert_eq!(azure.get(&path)["properties"]["routingState"], "Provisioned");
    let made = azure.put(&network, &member("vnet-app1-sea")).unwrap();
    let routing = &made["properties"]["routingConfiguration"];
    assert_eq!(routing["propagatedRouteTables"]["labels"], json!(["default"]));
    azure.minutes(5);
    let table = azure.get(&format!("{path}/hubRouteTables/defaultRouteTable"));
    assert_eq!(table["properties"]["propagatingConnections"], json!([network]));
    // Written again, it goes on routing.
    azure.put(&path, &hub("10.70.0.0/23")).unwrap();
    assert_eq!(azure.get(&path)["properties"]["routingState"], "Provisioned");
}

#[test]
fn routers_that_somebody_else_has_set_to_come_up_do_and_none_are_not() {
    for (begun, then) in [("Provisioning", "Provisioned"), ("None", "None"), ("Failed", "Failed")] {
        let mut scenario = scenario();
        let hub = scenario
            .resources
            .iter_mut()
            .find(|own| own["id"].as_str().unwrap().ends_with("/hub-sea"));
        hub.unwrap()["properties"]["routingState"] = json!(begun);
        let mut azure = Azure::of(&scenario);
        let path = format!("{SEA}/virtualHubs/hub-sea");
        assert_eq!(azure.get(&path)["properties"]["routingState"], begun);
        azure.minutes(60);
        assert_eq!(azure.get(&path)["properties"]["routingState"], then);
    }
}

#[test]
fn a_gateway_takes_no_circuit_more_than_it_has_room_for() {
    let mut scenario = scenario();
    let own = scenario
        .resources
        .iter()
        .find(|own| own["id"].as_str().unwrap().ends_with("/er-singapore"));
    let own = own.unwrap().clone();
    for (n, place) in [["Singapore"; 5], ["Tokyo"; 5]].concat().into_iter().enumerate() {
        let mut circuit = own.clone();
        circuit["id"] = json!(format!("{SEA}/expressRouteCircuits/er-{n}"));
        circuit["properties"]["serviceProviderProperties"]["peeringLocation"] = json!(place);
        scenario.resources.push(circuit);
    }
    let mut azure = Azure::of(&scenario);
    let gateway_id = format!("{SEA}/expressRouteGateways/ergw-hub-sea");
    azure.put(&gateway_id, &gateway("hub-sea")).unwrap();
    azure.minutes(60);
    let connect = |azure: &mut Azure, n: usize| {
        let peering = format!("{SEA}/expressRouteCircuits/er-{n}/peerings/AzurePrivatePeering");
        let body = json!({ "properties": {
            "expressRouteCircuitPeering": { "id": peering }, "routingWeight": 0 } });
        let made = azure.put(&format!("{gateway_id}/expressRouteConnections/con-{n}"), &body);
        azure.minutes(10);
        made.map(drop)
    };
    let full = Err("ExpressRouteGatewayConnectionLimitReached".to_owned());
    for n in 0..4 {
        assert_eq!(connect(&mut azure, n), Ok(()), "{n}");
    }
    assert_eq!(connect(&mut azure, 4), full, "a fifth of one place");
    for n in 5..9 {
        assert_eq!(connect(&mut azure, n), Ok(()), "{n}");
    }
    assert_eq!(connect(&mut azure, 9), full, "a ninth");
}

/// The peerings of Azure's own that a network shows.
fn of_hubs(network: &Value) -> Vec<Value> {
    let sides = network["properties"]["virtualNetworkPeerings"].as_array().unwrap();
    let own = |side: &&Value| side["name"].as_str().unwrap().starts_with("RemoteVnetToHubPeering_");
    sides.iter().filter(own).cloned().collect()
}

#[test]
fn a_network_shows_the_hub_that_has_it_as_a_peering_that_is_nobodys() {
    let mut azure = Azure::new();
    // One that stood connected, and not each time it is read another.
    let shared = format!("{SEA}/virtualNetworks/vnet-shared-sea");
    assert_eq!(of_hubs(&azure.get(&shared)).len(), 1);
    let app = format!("{SEA}/virtualNetworks/vnet-app1-sea");
    assert_eq!(of_hubs(&azure.get(&app)), Vec::<Value>::new());
    let connection = format!("{SEA}/virtualHubs/hub-sea/hubVirtualNetworkConnections/con-app1-sea");
    azure.put(&connection, &member("vnet-app1-sea")).unwrap();
    azure.minutes(10);
    let [side] = of_hubs(&azure.get(&app)).try_into().unwrap();
    assert_eq!(side["properties"]["useRemoteGateways"], true);
    let remote = side["properties"]["remoteVirtualNetwork"]["id"].as_str().unwrap();
    assert!(remote.contains("/RG_hub-sea_") && remote.contains("/HV_hub-sea_"), "{remote}");
    // Who writes the network as it was read, or without it, changes nothing of it.
    let mut body = azure.get(&app);
    azure.put(&app, &body).unwrap();
    azure.minutes(1);
    assert_eq!(of_hubs(&azure.get(&app)).len(), 1);
    body["properties"]["virtualNetworkPeerings"] = json!([]);
    azure.put(&app, &body).unwrap();
    azure.minutes(1);
    assert_eq!(of_hubs(&azure.get(&app)).len(), 1);
    azure.delete(&connection).unwrap();
    azure.minutes(10);
    assert_eq!(of_hubs(&azure.get(&app)), Vec::<Value>::new());
}

#[test]
fn what_a_virtual_wan_does_not_take_is_refused() {
    let mut azure = Azure::new();
    let at = |rest: &str| format!("{SEA}/{rest}");
    let sea = "virtualHubs/hub-sea";
    let of = |name: &str| at(&format!("{sea}/hubVirtualNetworkConnections/{name}"));
    let refused = |result: Result<Value, String>| result.unwrap_err();
    let prefix = "VirtualHubAddressPrefixNotValid";
    assert_eq!(refused(azure.put(&at("virtualHubs/x"), &hub("10.70.0.0/25"))), prefix);
    assert_eq!(refused(azure.put(&at("virtualHubs/x"), &hub("10.30.0.0/16"))), prefix, "hub-ea's");
    assert_eq!(refused(azure.put(&at("virtualHubs/x"), &hub("10.1.0.0/24"))), prefix, "app1-ea's");
    assert_eq!(refused(azure.put(&at(sea), &hub("10.70.0.0/23"))), prefix, "it has another one");
    // A network is a hub's once, without addresses of others, and without a gateway of its own.
    let twice = azure.put(&of("again"), &member("vnet-shared-sea"));
    assert_eq!(refused(twice), "VnetCannotBeConnectedToVirtualHub");
    let overlapping = json!({ "location": "southeastasia", "properties": {
        "addressSpace": { "addressPrefixes": ["10.2.0.0/16"] } } });
    azure.put(&at("virtualNetworks/vnet-o"), &overlapping).unwrap();
    azure.minutes(1);
    let overlap = azure.put(&of("o"), &member("vnet-o"));
    assert_eq!(refused(overlap), "VnetAddressSpaceOverlapsWithVirtualHub");
    // One gateway in a hub, in the hub's region, with bounds that are some.
    let mut far = gateway("hub-sea");
    far["location"] = json!("eastasia");
    let code = refused(azure.put(&at("expressRouteGateways/far"), &far));
    assert_eq!(code, "VirtualHubExpressRouteGatewayNotValid");
    let mut none = gateway("hub-sea");
    none["properties"]["autoScaleConfiguration"]["bounds"] = json!({ "min": 3, "max": 2 });
    let code = refused(azure.put(&at("expressRouteGateways/none"), &none));
    assert_eq!(code, "ExpressRouteGatewayAutoscaleBoundsNotValid");
    azure.put(&at("expressRouteGateways/gw"), &gateway("hub-sea")).unwrap();
    let code = refused(azure.put(&at("expressRouteGateways/second"), &gateway("hub-sea")));
    assert_eq!(code, "VirtualHubExpressRouteGatewayNotValid");
    azure.minutes(45);
    // A circuit of a stranger's wants a key, and a connection follows the default table.
    let connection = at("expressRouteGateways/gw/expressRouteConnections/c");
    let mut body = json!({ "properties": {
        "expressRouteCircuitPeering": { "id": format!("{CIRCUIT}/peerings/AzurePrivatePeering") } } });
    assert_eq!(refused(azure.put(&connection, &body)), "AuthorizationKeyRequired");
    body["properties"]["authorizationKey"] = json!("nonsense");
    assert_eq!(refused(azure.put(&connection, &body)), "AuthorizationKeyInvalid");
    let none = at(&format!("{sea}/hubRouteTables/noneRouteTable"));
    body["properties"]["routingConfiguration"] = json!({ "associatedRouteTable": { "id": none } });
    let code = refused(azure.put(&connection, &body));
    assert_eq!(code, "ExpressRouteConnectionAssociatedRouteTableNotValid");
    // What is in use, and what is Azure's own, stays.
    assert_eq!(azure.delete(&at(sea)), Err("CannotDeleteVirtualHubWhenItIsInUse".to_owned()));
    assert_eq!(azure.delete(WAN), Err("CannotDeleteVirtualWanWhenItIsInUse".to_owned()));
    assert_eq!(azure.delete(&none), Err("HubRouteTableCannotBeDeleted".to_owned()));
    let lost = json!({ "properties": { "routes": [{ "name": "r", "destinationType": "CIDR",
        "destinations": ["10.60.0.0/16"], "nextHopType": "ResourceId", "nextHop": of("nobody") }] } });
    let table = at(&format!("{sea}/hubRouteTables/rt"));
    assert_eq!(refused(azure.put(&table, &lost)), "HubRouteNextHopNotValid");
}

/// The words for how a site sees a network.
fn seen(world: &World, site: &str, network: &str) -> String {
    let all = world.reachability();
    let one =
        all.iter().find(|own| own.site == site && own.network.to_string() == network).unwrap();
    one.verdict.as_str().to_owned()
}

#[tokio::test]
async fn association_and_propagation_decide_what_sites_reach_over_a_hub() {
    let lab = Stage::of("vwan-dr-circuit.yaml", "drill").await.lab();
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let mut azure = Azure { world: lab.world.lock().unwrap().clone(), now: lab.now() };
    let site = "hongkong-dc";
    assert_eq!(seen(&azure.world, site, "10.21.0.0/24"), "reachable");
    assert_eq!(seen(&azure.world, site, "10.1.0.0/24"), "unreachable", "its region is down");
    // Its table learns nothing of the circuit any more: there is no way back.
    let connection =
        format!("{SEA}/expressRouteGateways/ergw-hub-sea/expressRouteConnections/con-singapore");
    let default = format!("{SEA}/virtualHubs/hub-sea/hubRouteTables/defaultRouteTable");
    let mut body = azure.get(&connection);
    let ids = "/properties/routingConfiguration/propagatedRouteTables/ids";
    *body.pointer_mut(ids).unwrap() = json!([{ "id": default }]);
    azure.put(&connection, &body).unwrap();
    azure.minutes(15);
    azure.get(&connection);
    assert_eq!(seen(&azure.world, site, "10.21.0.0/24"), "unreachable, no way back");
    assert_eq!(
        seen(&azure.world, site, "10.41.0.0/24"),
        "reachable",
        "it follows the default table"
    );
    // A network that the default table does not learn is told to nobody.
    let network = format!("{SEA}/virtualHubs/hub-sea/hubVirtualNetworkConnections/con-shared-sea");
    let mut body = azure.get(&network);
    let none = format!("{SEA}/virtualHubs/hub-sea/hubRouteTables/noneRouteTable");
    body["properties"]["routingConfiguration"]["propagatedRouteTables"] =
        json!({ "labels": ["none"], "ids": [{ "id": none }] });
    azure.put(&network, &body).unwrap();
    azure.minutes(15);
    azure.get(&network);
    assert_eq!(seen(&azure.world, site, "10.41.0.0/24"), "unreachable");
}

#[tokio::test]
async fn the_hubs_of_one_wan_pass_on_what_they_know_and_say_so() {
    let lab = Stage::of("vwan-dr-circuit-failback.yaml", "drill").await.lab();
    let mut azure = Azure { world: lab.world.lock().unwrap().clone(), now: lab.now() };
    // Both regions live: on-premises prefers Hong Kong, and reaches the target's networks over both hubs.
    assert_eq!(seen(&azure.world, "singapore-dc", "10.1.0.0/24"), "reachable");
    assert!(seen(&azure.world, "singapore-dc", "10.21.0.0/24").starts_with("reachable"));
    let ask = json!({ "virtualWanResourceType": "RouteTable",
        "resourceId": format!("{EA}/virtualHubs/hub-ea/hubRouteTables/defaultRouteTable") });
    let (status, _, answer) =
        azure.ask(Method::Post, &format!("{EA}/virtualHubs/hub-ea/effectiveRoutes"), &ask);
    assert_eq!(status, 202);
    let result = answer.headers.get("location").unwrap().to_owned();
    azure.minutes(1);
    let rows = azure.get(&result)["value"].as_array().unwrap().clone();
    let kind_of = |net: &str| {
        let mut own = rows.iter().filter(|row| row["addressPrefixes"][0] == json!(net));
        own.next().map(|row| row["nextHopType"].as_str().unwrap().to_owned())
    };
    assert_eq!(kind_of("10.1.0.0/24").as_deref(), Some("Virtual Network Connection"));
    assert_eq!(kind_of("10.21.0.0/24").as_deref(), Some("Remote Hub"));
    assert_eq!(kind_of("10.100.0.0/16").as_deref(), Some("ExpressRouteGateway"));
    // What a world file holds is the same WAN again.
    let written = azure.world.to_file(azure.now);
    let read: Scenario = serde_json::from_value(written).unwrap();
    let again = World::new(&read);
    assert_eq!(again.reachability(), azure.world.reachability());
}

#[tokio::test]
async fn a_hub_is_made_from_nothing_and_waited_for_until_it_routes() {
    let (_, compiled) = compiled("vwan-dr-circuit.yaml", "drill");
    let mut plan: PlanParts = compiled.plan.unwrap().into();
    let mut scenario = world_file(&compiled.world.unwrap());
    let of_hub = |body: &Value| body["id"].as_str().unwrap().contains("/virtualHubs/hub-sea");
    scenario.resources.retain(|body| !of_hub(body));
    let table = plan.steps.iter_mut().find(|step| step.name.as_str() == "app_table").unwrap();
    let mut stored = serde_json::to_value(&table.action).unwrap();
    stored["with"]["routes"] = json!([]);
    table.action = serde_json::from_value(stored).unwrap();
    let lab = Lab::new(Plan::new(plan).unwrap(), &scenario);
    assert_eq!(lab.drive_through().await, RunOutcome::Succeeded);
    lab.check_ledger().unwrap();
    let took = lab.now().since(scenario.now);
    assert!(took > Duration::from_secs(30 * 60), "a hub, its routers and a gateway: {took:?}");
    assert_eq!(seen(&lab.world.lock().unwrap(), "hongkong-dc", "10.21.0.0/24"), "reachable");
}

/// What a hub gives its networks comes as a gateway's routes do: a table keeps it away, or goes before it.
#[tokio::test]
async fn a_table_of_a_networks_subnet_drops_what_a_hub_brings() {
    let lab = Stage::of("vwan-dr-circuit.yaml", "drill").await.lab();
    assert_eq!(Lab::outcome_of(lab.drive(None).await), RunOutcome::Succeeded);
    let none = json!([{ "name": "r", "properties": {
        "addressPrefix": "10.100.0.0/16", "nextHopType": "None" } }]);
    for (off, routes, why) in [
        (
            true,
            json!([]),
            "no route back: table rt-x keeps the gateway's routes from subnet snet-app",
        ),
        (false, none, "dropped by route r of table rt-x"),
    ] {
        let mut azure = Azure { world: lab.world.lock().unwrap().clone(), now: lab.now() };
        let table = format!("{SEA}/routeTables/rt-x");
        let properties = json!({ "disableBgpRoutePropagation": off, "routes": routes });
        azure
            .put(&table, &json!({ "location": "southeastasia", "properties": properties }))
            .unwrap();
        azure.minutes(5);
        let subnet = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/snet-app");
        let properties = json!({ "addressPrefix": "10.21.0.0/25", "routeTable": { "id": table } });
        azure.put(&subnet, &json!({ "properties": properties })).unwrap();
        azure.minutes(5);
        azure.get(&subnet);
        let words = seen(&azure.world, "hongkong-dc", "10.21.0.0/24");
        assert_eq!(words, format!("unreachable on the way back, {why}"));
    }
}
