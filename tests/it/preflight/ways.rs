//! A network that a step puts behind a gateway that stands is brought to on-premises as much as one whose gateway a step
//! makes; and one that is there already is judged by what the run makes of it.

use super::*;

const BOTH: [&str; 2] = ["network.hub_to_spoke.app1", "network.spoke_to_hub.app1"];

/// These steps of the prepared runbook alone: gateway and connection stand, and no step writes them.
pub(super) fn alone(steps: &[&str]) -> Case {
    let mut case = Case::of(PREPARED);
    case.plan.steps.retain(|step| steps.contains(&step.name.as_str()));
    assert_eq!(case.plan.steps.len(), steps.len());
    for step in &mut case.plan.steps {
        step.needs.retain(|need| steps.contains(&need.as_str()));
    }
    case
}

/// The world in which gateway and connection stand.
pub(super) fn standing_world() -> Scenario {
    Case::of(PREPARED).world
}

/// No step makes the connection.
pub(super) fn without_connection(case: &mut Case) {
    let id = format!("{SEA}/connections/con-hub-sea-singapore");
    case.instead(
        "connection",
        json!({ "action": "verify.connection", "with": { "connection": id } }),
    );
}

/// The same, with the pair between hub and spoke as it stands.
fn behind(steps: &[&str]) -> Case {
    let mut case = alone(steps);
    closed::peer(&mut case, &json!({}));
    case
}

/// The first subnet of a network has a table of these routes, which stands.
fn uses(case: &mut Case, vnet: &str, routes: &Value, off: bool) {
    case.add(table(routes, off));
    let id = json!({ "id": format!("{SEA}/routeTables/rt-bad") });
    case.body(vnet)["properties"]["subnets"][0]["properties"]["routeTable"] = id;
    let subnet = format!("{SEA}/virtualNetworks/{vnet}/subnets/snet-app");
    case.set("rt-bad", "/properties/subnets", json!([{ "id": subnet }]));
}

fn route(prefix: &str, kind: &str) -> Value {
    json!([{ "name": "r", "properties": { "addressPrefix": prefix, "nextHopType": kind } }])
}

/// Another network with a gateway, which is connected to a circuit.
fn beside(case: &mut Case, prefix: &str, circuit: &str) {
    let vnet = format!("{SEA}/virtualNetworks/vnet-beside");
    case.add(json!({ "id": vnet, "location": "southeastasia", "properties": {
        "addressSpace": { "addressPrefixes": ["10.40.0.0/24", prefix] },
        "subnets": [{ "name": "GatewaySubnet", "properties": { "addressPrefix": "10.40.0.0/27" } }] } }));
    let gateway = format!("{SEA}/virtualNetworkGateways/ergw-beside");
    case.add(json!({ "id": gateway, "location": "southeastasia", "properties": {
        "gatewayType": "ExpressRoute", "sku": { "name": "ErGw1AZ", "tier": "ErGw1AZ" },
        "ipConfigurations": [{ "name": "c", "properties": {
            "subnet": { "id": format!("{vnet}/subnets/GatewaySubnet") } } }] } }));
    case.add(link("con-beside", &gateway, circuit, 0));
}

/// A second circuit, to which the prepared gateway is connected as well.
fn second(case: &mut Case) {
    circuit("er-second", |body| body["properties"]["authorizations"] = json!([]), case);
    case.add(link("con-second", ERGW, "er-second", 0));
    for path in ["primary", "secondary"] {
        let link =
            json!({ "circuit": format!("{CIR}/expressRouteCircuits/er-second"), "path": path });
        case.world.onprem.links.push(serde_json::from_value(link).unwrap());
    }
}

/// A tunnel of the hub, which stands. Its device has these prefixes behind it.
fn tunnel(case: &mut Case, prefixes: &Value) {
    case.add(vpn_gateway("vgw-hub-sea"));
    let device = format!("{SEA}/localNetworkGateways/lng-onprem");
    case.add(json!({ "id": device, "location": "southeastasia", "properties": {
        "gatewayIpAddress": "203.0.113.7", "localNetworkAddressSpace": { "addressPrefixes": prefixes } } }));
    case.add(json!({ "id": format!("{SEA}/connections/con-vpn"), "location": "southeastasia",
        "properties": { "connectionType": "IPsec", "connectionStatus": "Connected",
            "virtualNetworkGateway1": { "id": format!("{SEA}/virtualNetworkGateways/vgw-hub-sea") },
            "localNetworkGateway2": { "id": device } } }));
}

/// Nobody answers at the address of the tunnel's device.
fn silent_device(case: &mut Case) {
    let other = json!({ "address": "203.0.113.99" });
    case.world.onprem.devices.push(serde_json::from_value(other).unwrap());
}

/// The hub has the tunnel alone.
fn tunnel_alone(case: &mut Case, prefixes: &Value) {
    case.remove("con-hub-sea-singapore");
    case.remove("ergw-hub-sea");
    tunnel(case, prefixes);
}

/// What warns or blocks; what is only good to know does not count.
fn told(found: &Preflight) -> BTreeSet<&'static str> {
    let all = found.findings.iter();
    all.filter(|f| {
        matches!(f.verdict, FindingVerdict::Failed(_)) && f.severity != FindingSeverity::Inform
    })
    .map(|f| f.rule)
    .collect()
}

#[tokio::test]
async fn nothing_is_told_of_a_network_that_joins_a_way_that_is_well() {
    for steps in [&BOTH[..], &BOTH[1..]] {
        let mut case = if steps.len() == 2 { alone(steps) } else { behind(steps) };
        if steps.len() == 1 {
            // The spoke's side is there, and uses nothing.
            let flag = "/properties/virtualNetworkPeerings/0/properties/useRemoteGateways";
            case.set("vnet-app1-sea", flag, json!(false));
        }
        let found = case.found().await;
        assert_eq!(told(&found), BTreeSet::new(), "{steps:?}");
        let asked = found.findings.iter().any(|own| own.rule == "CIR-PROVIDER");
        assert!(asked, "the circuit behind the standing connection is judged");
    }
    // A network that is there already is none that joins, and its steps say nothing new.
    let found = behind(&BOTH).found().await;
    assert_eq!(told(&found), BTreeSet::new());
    assert!(found.findings.iter().all(|own| own.rule != "CIR-PROVIDER"));
}

/// A way that is spoilt, and the rule that tells it.
type Ill = (&'static str, fn(&mut Case));

const ILL: &[Ill] = &[
    ("CIR-ENABLED", |c| {
        c.set("er-singapore", "/properties/circuitProvisioningState", json!("Disabled"))
    }),
    ("CIR-PROVIDER", |c| {
        c.set(
            "er-singapore",
            "/properties/serviceProviderProvisioningState",
            json!("NotProvisioned"),
        );
    }),
    ("PEER-PRIVATE", |c| c.set("er-singapore", "/properties/peerings", json!([]))),
    ("PEER-NO-LEG", |c| c.world.onprem.links[2..4].iter_mut().for_each(|own| own.up = false)),
    ("PEER-ONE-LEG", |c| c.world.onprem.links[2].up = false),
    ("PORT-SHUT", |c| port_links(c, ["Disabled", "Disabled"])),
    ("CIR-EXISTS", |c| c.remove("er-singapore")),
    ("GWS-NSG-OLD", |c| {
        let group = json!({ "id": format!("{SEA}/networkSecurityGroups/nsg") });
        c.set("vnet-hub-sea", "/properties/subnets/1/properties/networkSecurityGroup", group);
    }),
    ("GWS-PROPAGATION", |c| {
        c.add(table(&json!([]), true));
        let own = json!({ "id": format!("{SEA}/routeTables/rt-bad") });
        c.set("vnet-hub-sea", "/properties/subnets/1/properties/routeTable", own);
    }),
    ("GW-DISABLED", |c| c.set("ergw-hub-sea", "/properties/adminState", json!("Disabled"))),
    ("WAY-STATE", |c| c.set("ergw-hub-sea", "/properties/provisioningState", json!("Failed"))),
    ("WAY-STATE", |c| {
        c.set("con-hub-sea-singapore", "/properties/provisioningState", json!("Failed"))
    }),
    ("WAY-STATE", |c| c.set("er-singapore", "/properties/provisioningState", json!("Failed"))),
    ("RT-DEFAULT", |c| c.world.onprem.sites[0].prefixes.push("0.0.0.0/0".parse().unwrap())),
    ("RT-COLLIDE", |c| c.world.onprem.sites[1].prefixes.push("10.1.0.0/25".parse().unwrap())),
    ("RT-VNET", |c| many_spaces(c, 1_001)),
    ("ADDR-SAME-CIRCUIT", |c| beside(c, "10.1.0.0/25", "er-singapore")),
    ("ADDR-GLOBAL-REACH", |c| kept_hubs::reaching(c, "connections", 1, "10.1.0.72/29")),
    ("ADDR-TWO-CIRCUITS", |c| c.world.regions_down.clear()),
    ("PEER-IPV6", |c| {
        let space = &mut c.body("vnet-app1-sea")["properties"]["addressSpace"]["addressPrefixes"];
        space.as_array_mut().unwrap().push(json!("fd00:db8:1::/48"));
    }),
    ("NSG-DROP", |c| closed::guard(c, &json!([closed::deny(100, "10.0.0.0/8")]))),
    ("UDR-DROP", |c| uses(c, "vnet-app1-sea", &route("10.100.0.0/16", "None"), false)),
    ("UDR-DROP", |c| uses(c, "vnet-app1-sea", &json!([]), true)),
    ("UDR-PAST", |c| uses(c, "vnet-app1-sea", &json!([appliance("10.100.0.0/16")]), false)),
];

#[tokio::test]
async fn a_standing_way_that_is_ill_is_told_of_what_is_put_on_it() {
    let mut silent = Vec::new();
    for (place, (rule, spoil)) in ILL.iter().enumerate() {
        let mut case = alone(&BOTH);
        spoil(&mut case);
        let found = case.found().await;
        if !failed(&found).contains(rule) {
            silent.push((place, *rule, told(&found)));
        }
    }
    assert!(silent.is_empty(), "these do not fire: {silent:?}");
}

#[tokio::test]
async fn one_side_that_is_changed_puts_a_network_behind_the_gateway_as_well() {
    for (step, vnet, flag) in [
        (BOTH[0], "vnet-hub-sea", "allowGatewayTransit"),
        (BOTH[1], "vnet-app1-sea", "useRemoteGateways"),
    ] {
        let mut case = behind(&[step]);
        let at = format!("/properties/virtualNetworkPeerings/0/properties/{flag}");
        case.set(vnet, &at, json!(false));
        case.set("er-singapore", "/properties/circuitProvisioningState", json!("Disabled"));
        beside(&mut case, "10.1.0.0/25", "er-singapore");
        uses(&mut case, "vnet-app1-sea", &json!([]), true);
        let found = case.found().await;
        for rule in ["CIR-ENABLED", "ADDR-SAME-CIRCUIT"] {
            assert!(found.blocking().any(|own| own.rule == rule), "{step}: {rule}");
        }
        // A circuit that is off tells nothing: nobody knows what a table drops of it.
        assert!(!failed(&found).contains("UDR-DROP"), "{step}");
    }
}

#[tokio::test]
async fn of_several_circuits_one_that_carries_is_enough() {
    let off = |case: &mut Case, name: &str| {
        case.set(name, "/properties/serviceProviderProvisioningState", json!("NotProvisioned"));
    };
    let mut case = alone(&BOTH);
    second(&mut case);
    off(&mut case, "er-singapore");
    assert!(!failed(&case.found().await).contains("CIR-PROVIDER"));
    // What is wrong with either is told where neither carries.
    let mut case = alone(&BOTH);
    second(&mut case);
    off(&mut case, "er-singapore");
    case.set("er-second", "/properties/peerings", json!([]));
    let found = case.found().await;
    let blocking: BTreeSet<&str> = found.blocking().map(|own| own.rule).collect();
    assert_eq!(blocking, ["CIR-PROVIDER", "PEER-PRIVATE"].into());
    // A tunnel is a way, too, as long as it stands.
    for (status, told) in [("Connected", false), ("NotConnected", true)] {
        let mut case = alone(&BOTH);
        tunnel(&mut case, &json!(["10.100.0.0/16"]));
        if status == "NotConnected" {
            silent_device(&mut case);
        }
        off(&mut case, "er-singapore");
        assert_eq!(failed(&case.found().await).contains("CIR-PROVIDER"), told, "{status}");
    }
}

#[tokio::test]
async fn a_network_that_changes_its_gateway_does_not_meet_itself() {
    // It uses the gateway of another network on the same circuit, and leaves that.
    let mut case = alone(&BOTH);
    beside(&mut case, "10.41.0.0/24", "er-singapore");
    let side = |remote: &str, lends: bool| {
        json!({ "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/{remote}") },
            "peeringState": "Connected", "allowVirtualNetworkAccess": true,
            "allowForwardedTraffic": true, "allowGatewayTransit": lends, "useRemoteGateways": !lends })
    };
    let own = json!([{ "name": "to-beside", "properties": side("vnet-beside", false) }]);
    case.set("vnet-app1-sea", "/properties/virtualNetworkPeerings", own);
    let other = json!([{ "name": "to-app1", "properties": side("vnet-app1-sea", true) }]);
    case.set("vnet-beside", "/properties/virtualNetworkPeerings", other);
    let mut leaves = case.step(BOTH[0]).clone();
    leaves.name = StepName::parse("leaves").unwrap();
    case.plan.steps.push(leaves);
    let id = format!("{SEA}/virtualNetworks/vnet-app1-sea/virtualNetworkPeerings/to-beside");
    let remote = format!("{SEA}/virtualNetworks/vnet-beside");
    let leave = json!({ "action": "peering.ensure", "with": {
        "id": id, "remote": remote, "use_remote_gateways": false } });
    case.instead("leaves", leave);
    case.step(BOTH[1]).needs.push(StepName::parse("leaves").unwrap());
    let found = case.found().await;
    assert_eq!(said(&found, "ADDR-SAME-CIRCUIT"), [], "it is the same network");
    assert_eq!(said(&found, "WAY-LOST"), [], "it has another way in the end");
}

#[tokio::test]
async fn addresses_that_leave_the_circuit_before_are_in_nobodys_way() {
    let removal =
        |id: &str| json!({ "action": "remove", "with": { "kind": "connection", "id": id } });
    for (first, told) in [(true, 0), (false, 1)] {
        let mut case = alone(&BOTH);
        beside(&mut case, "10.1.0.0/25", "er-singapore");
        let mut other = case.step(BOTH[0]).clone();
        other.name = StepName::parse("leaves").unwrap();
        case.plan.steps.push(other);
        case.instead("leaves", removal(&format!("{SEA}/connections/con-beside")));
        if first {
            case.step(BOTH[1]).needs.push(StepName::parse("leaves").unwrap());
        }
        assert_eq!(said(&case.found().await, "ADDR-SAME-CIRCUIT").len(), told, "{first}");
    }
}

#[tokio::test]
async fn a_hub_that_stands_connected_is_a_standing_way_for_the_networks_that_it_gets() {
    // The steps that connect networks alone: the hub has its gateway and its circuit.
    let standing = || {
        let mut case = Case::of(VWAN);
        let step = case.step("connection").action.clone();
        let id = step.subject().unwrap().clone();
        let gateway = id.parent().unwrap();
        let steps = ["network.app1", "network.app2"];
        case.plan.steps.retain(|step| steps.contains(&step.name.as_str()));
        for step in &mut case.plan.steps {
            step.needs.clear();
        }
        // The table that they would follow is made by a step that is not here.
        case.unsaid("network.app1", "routing");
        case.unsaid("network.app2", "routing");
        let peering =
            format!("{CIR}/expressRouteCircuits/er-singapore/peerings/AzurePrivatePeering");
        case.add(json!({ "id": gateway.as_str(), "location": "southeastasia", "properties": {
            "virtualHub": { "id": format!("{SEA}/virtualHubs/hub-sea") },
            "expressRouteConnections": [{ "name": id.name(), "properties": {
                "expressRouteCircuitPeering": { "id": peering } } }] } }));
        let own = json!({ "id": gateway.as_str() });
        case.set("hub-sea", "/properties/expressRouteGateway", own);
        case
    };
    let found = standing().found().await;
    assert_eq!(told(&found), BTreeSet::new());
    assert!(found.findings.iter().any(|own| own.rule == "CIR-PROVIDER"));
    let ill: &[Ill] = &[
        ("CIR-ENABLED", |c| {
            c.set("er-singapore", "/properties/circuitProvisioningState", json!("Disabled"));
        }),
        ("UDR-DROP", |c| uses(c, "vnet-app1-sea", &json!([]), true)),
        ("NSG-DROP", |c| closed::guard(c, &json!([closed::deny(100, "10.0.0.0/8")]))),
        ("ADDR-SAME-CIRCUIT", |c| beside(c, "10.31.0.0/16", "er-singapore")),
    ];
    let space = standing().body("vnet-app1-sea")["properties"]["addressSpace"]["addressPrefixes"]
        [0]
    .clone();
    for (rule, spoil) in ill {
        let mut case = standing();
        spoil(&mut case);
        if *rule == "ADDR-SAME-CIRCUIT" {
            case.set("vnet-beside", "/properties/addressSpace/addressPrefixes/1", space.clone());
        }
        let found = case.found().await;
        assert!(failed(&found).contains(rule), "{rule}: {:?}", told(&found));
    }
}

#[tokio::test]
async fn a_step_that_gives_a_carried_network_what_drops_its_traffic_is_told() {
    const TABLE: &str = "network.spoke_table";
    const GIVEN: &str = "network.spoke_association.app1";
    // A table that is given, and one that is used and written anew.
    for (steps, stands) in [(&[TABLE, GIVEN][..], false), (&[TABLE][..], true)] {
        for (hop, told) in
            [(NextHop::None, true), (NextHop::Internet, true), (NextHop::VnetLocal, true)]
        {
            let mut case = behind(steps);
            if stands {
                let id = case.step(TABLE).action.subject().unwrap().to_string();
                uses(&mut case, "vnet-app1-sea", &json!([]), false);
                case.body("rt-bad")["id"] = json!(id);
                let own = "/properties/subnets/0/properties/routeTable";
                case.set("vnet-app1-sea", own, json!({ "id": id }));
            }
            let Action::RouteTable(table) = &mut case.step(TABLE).action else { panic!() };
            table.routes[0].prefix = "10.100.0.0/16".parse().unwrap();
            table.routes[0].next_hop = hop.clone();
            let found = case.found().await;
            assert_eq!(failed(&found).contains("UDR-DROP"), told, "{steps:?} {hop:?}");
        }
    }
    // Routes that are kept away by the flag of a table.
    let mut case = behind(&[TABLE, GIVEN]);
    case.also(TABLE, "propagate_gateway_routes", json!(false));
    case.want(TABLE, "/with/routes", json!([]));
    assert!(failed(&case.found().await).contains("UDR-DROP"));
    // What was so before is nothing that the run does.
    let mut case = behind(&[GIVEN]);
    uses(&mut case, "vnet-app1-sea", &json!([]), true);
    case.add(json!({ "id": format!("{SEA}/routeTables/rt-same"), "location": "southeastasia",
        "properties": { "disableBgpRoutePropagation": true, "routes": [] } }));
    case.want(GIVEN, "/with/route_table", json!(format!("{SEA}/routeTables/rt-same")));
    assert!(!failed(&case.found().await).contains("UDR-DROP"));
    // A network that nothing carries has nothing to lose.
    let mut case = alone(&[TABLE, GIVEN]);
    case.also(TABLE, "propagate_gateway_routes", json!(false));
    assert!(!failed(&case.found().await).contains("UDR-DROP"));
}

#[tokio::test]
async fn what_the_gateways_own_subnet_is_given_counts_for_all_behind_it() {
    const GIVEN: &str = "network.hub_association";
    let mut case = behind(&[GIVEN]);
    case.add(table(&route("10.1.0.0/24", "None"), false));
    case.want(
        GIVEN,
        "/with/subnet",
        json!(format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet")),
    );
    case.want(GIVEN, "/with/route_table", json!(format!("{SEA}/routeTables/rt-bad")));
    let found = case.found().await;
    let said = said(&found, "UDR-DROP");
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].0, "vnet-app1-sea");
}

#[tokio::test]
async fn a_group_that_a_carried_network_gets_is_told_and_one_that_it_has_is_not() {
    let given = |case: &mut Case, rules: Value| {
        let group = format!("{SEA}/networkSecurityGroups/nsg-new");
        case.add(json!({ "id": group, "location": "southeastasia",
            "properties": { "securityRules": rules } }));
        let subnet = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/snet-app");
        case.step("network.spoke_association.app1").action =
            Action::SecurityGroup(SecurityGroupUse {
                subnet: subnet.parse().unwrap(),
                security_group: group.parse().unwrap(),
                used: true,
            });
    };
    let mut case = behind(&["network.spoke_association.app1"]);
    given(&mut case, json!([closed::deny(100, "10.0.0.0/8")]));
    assert!(failed(&case.found().await).contains("NSG-DROP"));
    let mut case = behind(&["network.spoke_association.app1"]);
    given(&mut case, json!([]));
    assert!(!failed(&case.found().await).contains("NSG-DROP"));
    // One that shuts it already is nothing that a table changes.
    let mut case = behind(&["network.spoke_table", "network.spoke_association.app1"]);
    closed::guard(&mut case, &json!([closed::deny(100, "10.0.0.0/8")]));
    assert!(!failed(&case.found().await).contains("NSG-DROP"));
}

#[tokio::test]
async fn behind_a_tunnel_traffic_is_dropped_as_it_is_behind_a_circuit() {
    let prefixes = json!(["10.100.0.0/16", "10.101.0.0/16"]);
    let ill: &[Ill] = &[
        ("UDR-DROP", |c| uses(c, "vnet-app1-sea", &route("10.100.0.0/16", "None"), false)),
        ("UDR-DROP", |c| uses(c, "vnet-app1-sea", &json!([]), true)),
        ("NSG-DROP", |c| closed::guard(c, &json!([closed::deny(100, "10.0.0.0/8")]))),
        ("RT-COLLIDE", |c| {
            let own = "/properties/localNetworkAddressSpace/addressPrefixes";
            c.set("lng-onprem", own, json!(["10.1.0.0/25"]));
        }),
        ("WAY-STATE", silent_device),
        ("WAY-STATE", |c| c.set("con-vpn", "/properties/provisioningState", json!("Failed"))),
    ];
    let mut case = alone(&BOTH);
    tunnel_alone(&mut case, &prefixes);
    assert_eq!(told(&case.found().await), BTreeSet::new());
    for (place, (rule, spoil)) in ill.iter().enumerate() {
        let mut case = alone(&BOTH);
        tunnel_alone(&mut case, &prefixes);
        spoil(&mut case);
        let found = case.found().await;
        assert!(failed(&found).contains(rule), "{place} {rule}: {:?}", told(&found));
    }
    // A site that is told in general takes nothing away.
    let mut case = alone(&BOTH);
    tunnel_alone(&mut case, &json!(["10.0.0.0/8"]));
    assert!(!failed(&case.found().await).contains("RT-COLLIDE"));
    // A tunnel that a step makes is one of them.
    for (rule, spoil) in &ill[..3] {
        let mut case = Case::of(VPN);
        spoil(&mut case);
        let steps = case.plan.steps.iter_mut();
        for step in steps.filter(|step| matches!(step.action, Action::Association(_))) {
            step.action = serde_json::from_value(json!({
                "action": "wait", "with": { "duration": "1s" } }))
            .unwrap();
        }
        let found = case.found().await;
        assert!(failed(&found).contains(rule), "{rule}: {:?}", told(&found));
    }
}

/// The flags of a step are those.
pub(super) fn flags(case: &mut Case, step: &str, lends: bool, uses: bool) {
    case.also(step, "allow_gateway_transit", json!(lends));
    case.also(step, "use_remote_gateways", json!(uses));
}

#[tokio::test]
async fn a_peering_that_takes_a_network_its_only_way_is_told() {
    for (step, network) in [(BOTH[0], "vnet-hub-sea"), (BOTH[1], "vnet-app1-sea")] {
        let mut case = behind(&[step]);
        flags(&mut case, step, false, false);
        let said = said(&case.found().await, "WAY-LOST");
        let why = format!(
            "after step `{step}` it uses the gateway of vnet-hub-sea no more, and nothing else carries it"
        );
        assert_eq!(said, [("vnet-app1-sea".to_owned(), why)], "{network}");
    }
    // One that carries nothing takes nothing.
    let mut case = behind(&BOTH[1..]);
    flags(&mut case, BOTH[1], false, false);
    case.remove("con-hub-sea-singapore");
    assert_eq!(said(&case.found().await, "WAY-LOST"), []);
    // The region that is given up is to lose its own.
    let mut case = behind(&BOTH[1..]);
    flags(&mut case, BOTH[1], false, false);
    case.set("vnet-app1-sea", "/location", json!("eastasia"));
    assert_eq!(said(&case.found().await, "WAY-LOST"), []);
}

#[tokio::test]
async fn a_way_that_nobody_can_read_is_not_passed_off_as_none() {
    let mut case = behind(&BOTH[1..]);
    flags(&mut case, BOTH[1], false, false);
    case.refuse("/subscriptions/*/resources", 403, "AuthorizationFailed");
    let found = case.found().await;
    assert_eq!(said(&found, "WAY-LOST"), []);
    let mut case = alone(&BOTH);
    case.refuse("*/er-singapore", 403, "AuthorizationFailed");
    let found = case.found().await;
    assert_eq!(found.blocking().count(), 0, "{:?}", told(&found));
}

/// The table of a step leads to on-premises by an appliance in a network that is peered with the first spoke, and with
/// nobody else.
pub(super) fn by_appliance(case: &mut Case, step: &str, hop: &str) {
    case.add(json!({ "id": format!("{SEA}/virtualNetworks/vnet-nva"), "location": "southeastasia",
        "properties": { "addressSpace": { "addressPrefixes": ["10.77.0.0/24"] }, "subnets": [
            { "name": "snet-nva", "properties": { "addressPrefix": "10.77.0.0/26" } }] } }));
    for (near, far) in [("vnet-app1-sea", "vnet-nva"), ("vnet-nva", "vnet-app1-sea")] {
        let side = json!({ "name": format!("to-{far}"), "properties": {
            "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/{far}") },
            "peeringState": "Connected", "allowVirtualNetworkAccess": true,
            "allowForwardedTraffic": true, "allowGatewayTransit": false, "useRemoteGateways": false } });
        let properties = case.body(near)["properties"].as_object_mut().unwrap();
        let sides = properties.entry("virtualNetworkPeerings").or_insert(json!([]));
        sides.as_array_mut().unwrap().push(side);
    }
    let Action::RouteTable(table) = &mut case.step(step).action else { panic!() };
    table.routes[0].prefix = "10.100.0.0/16".parse().unwrap();
    table.routes[0].next_hop = NextHop::Appliance(hop.parse().unwrap());
}

#[tokio::test]
async fn an_appliance_that_no_gateway_carries_for_has_no_way_on() {
    const STEPS: [&str; 2] = ["network.spoke_table", "network.spoke_association.app1"];
    let why = "snet-app: what goes to 10.100.0.0/16 passes the appliance";
    let given = || {
        let mut case = behind(&STEPS);
        by_appliance(&mut case, STEPS[0], "10.77.0.10");
        case
    };
    let found = said(&given().found().await, "UDR-NVA-WAY");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "vnet-app1-sea/snet-app");
    assert!(
        found[0].1.contains("10.77.0.10 of vnet-nva, and nothing carries it from there"),
        "{why}: {found:?}"
    );
    // The one of the hub has the hub's gateway.
    let mut case = given();
    let Action::RouteTable(spec) = &mut case.step(STEPS[0]).action else { panic!() };
    spec.routes[0].next_hop = NextHop::Appliance("10.10.10.10".parse().unwrap());
    assert_eq!(said(&case.found().await, "UDR-NVA-WAY"), []);
    // One whose network uses that gateway, too.
    let mut case = given();
    for (near, far, lends) in
        [("vnet-hub-sea", "vnet-nva", true), ("vnet-nva", "vnet-hub-sea", false)]
    {
        let side = json!({ "name": format!("to-{far}"), "properties": {
            "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/{far}") },
            "peeringState": "Connected", "allowVirtualNetworkAccess": true,
            "allowForwardedTraffic": true, "allowGatewayTransit": lends, "useRemoteGateways": !lends } });
        let sides = &mut case.body(near)["properties"]["virtualNetworkPeerings"];
        sides.as_array_mut().unwrap().push(side);
    }
    assert_eq!(said(&case.found().await, "UDR-NVA-WAY"), []);
    // One that sends it to the next appliance.
    let mut case = given();
    case.add(table(&json!([appliance("10.100.0.0/16")]), false));
    let id = json!({ "id": format!("{SEA}/routeTables/rt-bad") });
    case.body("vnet-nva")["properties"]["subnets"][0]["properties"]["routeTable"] = id;
    assert_eq!(said(&case.found().await, "UDR-NVA-WAY"), []);
    // Nobody knows which connections there are.
    let mut case = given();
    case.refuse("/subscriptions/*/resources", 403, "AuthorizationFailed");
    assert_eq!(said(&case.found().await, "UDR-NVA-WAY"), []);
}

#[tokio::test]
async fn a_network_that_a_hub_has_is_found_behind_it() {
    // The source's hub has its gateway, and a network to which a step gives a table.
    let mut case = Case::of(VWAN);
    case.world.regions_down.clear();
    case.plan.source_region = None;
    let step = "network.app1";
    case.plan.steps.retain(|own| own.name.as_str() == step);
    let own = case.step(step);
    (own.needs, own.when) = (Vec::new(), None);
    own.ensure = Vec::new();
    let subnet = format!("{EA}/virtualNetworks/vnet-app1-ea/subnets/snet-app");
    let id = format!("{EA}/routeTables/rt-new");
    case.add(json!({ "id": id, "location": "eastasia",
        "properties": { "disableBgpRoutePropagation": true, "routes": [] } }));
    case.instead(
        step,
        json!({ "action": "route_table.associate", "with": {
        "subnet": subnet, "route_table": id } }),
    );
    let found = case.found().await;
    assert!(failed(&found).contains("UDR-DROP"), "{:?}", told(&found));
}

/// A route of a standing table, to an address that is nowhere or in the target's hub.
fn by_hop(hop: &str) -> Value {
    json!([{ "name": "nva", "properties": { "addressPrefix": "10.100.0.0/16",
        "nextHopType": "VirtualAppliance", "nextHopIpAddress": hop } }])
}

#[tokio::test]
async fn a_standing_route_to_an_address_that_is_nowhere_drops_and_passes_nothing() {
    let mut case = alone(&BOTH);
    uses(&mut case, "vnet-app1-sea", &by_hop("10.250.0.4"), false);
    let found = case.found().await;
    let why = "snet-app: what goes to 10.100.0.0/16 is dropped by table rt-bad: its next hop 10.250.0.4 is in no \
               subnet of vnet-app1-sea or beside it";
    assert_eq!(said(&found, "UDR-DROP"), [("vnet-app1-sea".to_owned(), why.to_owned())]);
    assert_eq!(said(&found, "UDR-PAST"), []);
    // One that may be there is passed.
    let mut case = alone(&BOTH);
    uses(&mut case, "vnet-app1-sea", &by_hop("10.10.10.10"), false);
    let found = case.found().await;
    assert_eq!(said(&found, "UDR-DROP"), []);
    assert_eq!(said(&found, "UDR-PAST").len(), 1);
    // So is one that may be in a network beside which nobody can read, or behind a hub of a virtual WAN.
    let mut case = alone(&BOTH);
    uses(&mut case, "vnet-app1-sea", &by_hop("10.250.0.4"), false);
    let far = format!("{SEA}/virtualNetworks/vnet-unread");
    let side = json!({ "name": "to-unread", "properties": { "peeringState": "Connected",
        "remoteVirtualNetwork": { "id": far } } });
    let sides = &mut case.body("vnet-app1-sea")["properties"]["virtualNetworkPeerings"];
    if !sides.is_array() {
        *sides = json!([]);
    }
    sides.as_array_mut().unwrap().push(side);
    case.refuse("*/vnet-unread", 403, "AuthorizationFailed");
    assert_eq!(said(&case.found().await, "UDR-DROP"), []);
}

#[tokio::test]
async fn a_planned_route_to_an_address_that_is_nowhere_is_told_once() {
    let mut case = Case::of(MAIN);
    let Action::RouteTable(table) = &mut case.step("spoke_routes").action else { panic!() };
    table.routes[0].next_hop = NextHop::Appliance("192.168.7.7".parse().unwrap());
    let found = case.found().await;
    assert!(!said(&found, "UDR-NVA-IP").is_empty());
    assert_eq!(said(&found, "UDR-DROP"), []);
    assert_eq!(said(&found, "UDR-PAST"), []);
}
