//! What cannot work is refused before anything is touched: each rule fires in a world of its own, and
//! not in the one where all is well.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

mod apart;
mod arrivals;
mod certain;
mod checklist;
mod closed;
mod expectations;
mod fixed;
mod flags;
mod foreseen;
mod gateway_addresses;
mod gateway_tables;
mod given;
mod hub_routes;
mod kept_hubs;
mod keys;
mod lost_hops;
mod on_circuits;
mod order;
mod references;
mod removals;
mod revoked;
mod route_maps;
mod services;
mod settings;
mod standing;
mod steering;
mod unmended;
mod ways;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use backroad::azure::NoSecrets;
use backroad::model::action::{NextHop, Removal, RemovalKind, SecurityGroupUse, Verification};
use backroad::model::recovery::RecoveryMove;
use backroad::model::{Action, OnFailure, Plan, PlanParts, ResourceId, Step, StepName};
use backroad::outside::{BesideAzure, WithHost};
use backroad::preflight::{FAMILIES, FindingSeverity, FindingVerdict, Preflight, inquire, judge};
use backroad::sim::{Scenario, World};
use serde_json::{Value, json};

use crate::support::{Lab, compiled, world_file};

const SEA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network";
const EA: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-ea/providers/Microsoft.Network";
const CIR: &str = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-circuits/providers/Microsoft.Network";

/// Where a protected item tells of its machine's network cards.
const CARDS: &str = "/properties/providerSpecificDetails/vmNics";

/// A network card that is to come up in a subnet, with an address or without.
fn card(subnet: &str, address: &str) -> Value {
    json!({ "selectionType": "SelectedByUserOverride", "ipConfigs": [{
        "isSeletedForFailover": true, "recoverySubnetName": subnet,
        "recoveryStaticIPAddress": address }] })
}

/// An action of a recovery plan, for every failover over.
fn acts(details: &Value) -> Value {
    json!({ "actionName": "of the plan", "failoverTypes": ["UnplannedFailover"],
            "failoverDirections": ["PrimaryToRecovery"], "customDetails": details })
}

/// Protects the machines back once they have failed over.
fn protected_back(case: &mut Case) {
    let mut back = case.step("machines").clone();
    back.name = StepName::parse("protected_back").unwrap();
    let Action::RecoveryPlan(spec) = &mut back.action else { panic!("no recovery plan") };
    spec.to = RecoveryMove::Reprotect;
    case.plan.steps.push(back);
}

/// A world and a plan, to be spoilt.
struct Case {
    world: Scenario,
    plan: PlanParts,
}

impl Case {
    fn of(runbook: &str) -> Self {
        let (_, compiled) = compiled(runbook, "drill");
        let plan: PlanParts = compiled.plan.unwrap().into();
        Self { world: world_file(&compiled.world.unwrap()), plan }
    }

    fn body(&mut self, name: &str) -> &mut Value {
        let resources = &mut self.world.resources;
        resources
            .iter_mut()
            .find(|body| body["id"].as_str().unwrap().ends_with(&format!("/{name}")))
            .unwrap_or_else(|| panic!("{name} is not in the world"))
    }

    /// Sets a value in a resource's body.
    fn set(&mut self, name: &str, pointer: &str, value: Value) {
        let body = self.body(name);
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap_or_else(|| panic!("{name}: {pointer}"));
        match key.parse::<usize>() {
            Ok(place) if parent.is_array() => parent[place] = value,
            _ => parent[key] = value,
        }
    }

    fn add(&mut self, body: Value) {
        self.world.resources.push(body);
    }

    fn remove(&mut self, name: &str) {
        self.world.resources.retain(|b| !b["id"].as_str().unwrap().ends_with(&format!("/{name}")));
    }

    fn step(&mut self, name: &str) -> &mut Step {
        self.plan.steps.iter_mut().find(|step| step.name.as_str() == name).unwrap()
    }

    /// Edits the desired state of a step, as it is stored.
    fn want(&mut self, step: &str, pointer: &str, value: Value) {
        let action = &mut self.step(step).action;
        let mut stored = serde_json::to_value(&*action).unwrap();
        *stored.pointer_mut(pointer).unwrap_or_else(|| panic!("{step}: {pointer}")) = value;
        *action = serde_json::from_value(stored).unwrap();
    }

    /// Says of the desired state of a step what its author did not say.
    fn also(&mut self, step: &str, key: &str, value: Value) {
        let action = &mut self.step(step).action;
        let mut stored = serde_json::to_value(&*action).unwrap();
        stored["with"][key] = value;
        *action = serde_json::from_value(stored).unwrap();
    }

    /// Takes back of the desired state of a step what its author said.
    fn unsaid(&mut self, step: &str, key: &str) {
        let action = &mut self.step(step).action;
        let mut stored = serde_json::to_value(&*action).unwrap();
        stored["with"].as_object_mut().unwrap().remove(key);
        *action = serde_json::from_value(stored).unwrap();
    }

    /// Lets Azure refuse every look at some resources.
    fn refuse(&mut self, resource: &str, status: u16, code: &str) {
        let fault = json!({ "method": "GET", "resource": resource, "times": 99,
            "effect": { "refuse": { "status": status, "code": code } } });
        self.world.faults.push(serde_json::from_value(fault).unwrap());
    }

    /// Lets a step ask for something else.
    fn instead(&mut self, step: &str, action: Value) {
        self.step(step).action = serde_json::from_value(action).unwrap();
    }

    /// Has these steps alone, each after the one before it.
    fn only(&mut self, steps: &[(&str, Value)]) {
        let mut like = self.plan.steps[0].clone();
        (like.when, like.ensure, like.needs) = (None, Vec::new(), Vec::new());
        let mut all: Vec<Step> = Vec::new();
        for (name, action) in steps {
            let needs = all.last().map(|own| own.name.clone()).into_iter().collect();
            let action = serde_json::from_value(action.clone()).unwrap();
            let name = StepName::parse(name).unwrap();
            all.push(Step { name, action, needs, ..like.clone() });
        }
        self.plan.steps = all;
    }

    async fn found(self) -> Preflight {
        let world = Arc::new(Mutex::new(World::new(&self.world)));
        let lab = Lab::in_world(Plan::new(self.plan).unwrap(), world, self.world.now, "1");
        let clock = lab.clock();
        let azure = lab.arm(&clock).observer();
        let host = crate::support::outside::host();
        let beside = BesideAzure::host(host, Arc::new(NoSecrets), Arc::clone(&clock));
        let facts = inquire(&lab.plan, &WithHost::new(&azure, &beside), &clock).await;
        assert_eq!(lab.check_ledger(), Ok(0), "a look writes nothing");
        judge(&lab.plan, &facts)
    }
}

fn failed(found: &Preflight) -> BTreeSet<&'static str> {
    let all = found.findings.iter();
    all.filter(|f| matches!(f.verdict, FindingVerdict::Failed(_))).map(|f| f.rule).collect()
}

/// What a rule failed, each with why.
fn said(found: &Preflight, rule: &str) -> Vec<(String, String)> {
    let own = found.findings.iter().filter(|finding| finding.rule == rule);
    own.filter_map(|finding| match &finding.verdict {
        FindingVerdict::Failed(why) => Some((finding.about.clone(), why.clone())),
        _ => None,
    })
    .collect()
}

fn gateway_subnet(prefix: &str) -> Value {
    json!({ "name": "GatewaySubnet", "properties": { "addressPrefix": prefix } })
}

/// The hub of the target with a GatewaySubnet as given.
fn with_subnet(case: &mut Case, subnet: Value) {
    case.body("vnet-hub-sea")["properties"]["subnets"].as_array_mut().unwrap().push(subnet);
}

fn table(routes: &Value, off: bool) -> Value {
    json!({
        "id": format!("{SEA}/routeTables/rt-bad"), "location": "southeastasia",
        "properties": { "disableBgpRoutePropagation": off, "routes": routes },
    })
}

fn with_table(case: &mut Case, routes: &Value, off: bool) {
    case.add(table(routes, off));
    let mut subnet = gateway_subnet("10.10.10.128/25");
    subnet["properties"]["routeTable"] = json!({ "id": format!("{SEA}/routeTables/rt-bad") });
    with_subnet(case, subnet);
}

/// A route that leads to the appliance of the target's hub.
fn appliance(prefix: &str) -> Value {
    json!({ "name": "away", "properties": { "addressPrefix": prefix, "nextHopType": "VirtualAppliance",
        "nextHopIpAddress": "10.10.10.10" } })
}

/// The default table of the target's hub, with a route.
fn default_table(prefix: &str) -> Value {
    let hub = format!("{SEA}/virtualHubs/hub-sea");
    json!({ "id": format!("{hub}/hubRouteTables/defaultRouteTable"), "name": "defaultRouteTable",
        "properties": { "labels": ["default"], "routes": [{ "name": "out", "destinationType": "CIDR",
            "destinations": [prefix], "nextHopType": "ResourceId",
            "nextHop": format!("{SEA}/azureFirewalls/fw") }] } })
}

/// A route of the hub's table leads to a firewall that is so.
fn hubs_firewall(case: &mut Case, properties: &Value) {
    let id = format!("{SEA}/azureFirewalls/fw");
    case.want("app_table", "/with/routes/0/next_hop", json!(id));
    case.add(json!({ "id": id, "location": "southeastasia", "properties": properties }));
}

fn circuit(name: &str, change: impl FnOnce(&mut Value), case: &mut Case) {
    let mut body = case.body("er-singapore").clone();
    body["id"] = json!(format!("{CIR}/expressRouteCircuits/{name}"));
    change(&mut body);
    case.add(body);
}

/// The circuit stands on a port whose links are so.
fn port_links(case: &mut Case, states: [&str; 2]) {
    let port = format!("{CIR}/expressRoutePorts/port");
    case.set("er-singapore", "/properties/expressRoutePort", json!({ "id": port }));
    let links = states.map(|state| json!({ "name": "l", "properties": { "adminState": state } }));
    case.add(json!({ "id": port, "location": "southeastasia",
        "properties": { "peeringLocation": "Singapore", "links": links } }));
}

fn link(name: &str, gateway: &str, circuit: &str, weight: u64) -> Value {
    json!({
        "id": format!("{SEA}/connections/{name}"), "location": "southeastasia",
        "properties": {
            "connectionType": "ExpressRoute", "routingWeight": weight,
            "virtualNetworkGateway1": { "id": gateway },
            "peer": { "id": format!("{CIR}/expressRouteCircuits/{circuit}") },
        },
    })
}

const ERGW: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-network-sea/providers/Microsoft.Network/virtualNetworkGateways/ergw-hub-sea";

/// A runbook, and what is spoilt in its world or plan.
type Spoilt = (&'static str, &'static str, fn(&mut Case));

const MAIN: &str = "dr-circuit.yaml";
const PREPARED: &str = "dr-circuit-prepared.yaml";
const VPN: &str = "vpn-last-path.yaml";
const VWAN: &str = "vwan-dr-circuit.yaml";

/// For each rule, a world in which it fires.
const CASES: &[Spoilt] = &[
    ("CIR-EXISTS", MAIN, |c| c.remove("er-singapore")),
    ("REF-THERE", MAIN, |c| {
        let id = format!("{SEA}/connections/con-nowhere");
        c.want("connected", "/with/connection", json!(id));
    }),
    ("REF-DOUBT", MAIN, |c| {
        let id = format!("{SEA}/connections/con-nowhere");
        c.want("connected", "/with/connection", json!(id));
        c.step("connected").on_failure = OnFailure::Continue;
    }),
    ("REF-STATE", VPN, |c| {
        let device = format!("{SEA}/localNetworkGateways/lng-other");
        c.add(json!({ "id": device, "location": "southeastasia", "properties": {
            "provisioningState": "Failed", "gatewayIpAddress": "203.0.113.10" } }));
        c.want("tunnel", "/with/local_gateway", json!(device));
    }),
    ("PIP-REGION", MAIN, |c| {
        address(c, "Standard", &json!(["1", "2", "3"]));
        c.set("pip-ergw-hub-sea", "/location", json!("eastasia"));
    }),
    ("PIP-KIND", MAIN, |c| {
        address(c, "Standard", &json!(["1", "2", "3"]));
        c.set("pip-ergw-hub-sea", "/properties/publicIPAddressVersion", json!("IPv6"));
    }),
    ("PIP-TAKEN", MAIN, |c| {
        address(c, "Standard", &json!(["1", "2", "3"]));
        let user = format!("{SEA}/loadBalancers/lb/frontendIPConfigurations/front");
        c.set("pip-ergw-hub-sea", "/properties/ipConfiguration", json!({ "id": user }));
    }),
    ("PIP-ZONES", VPN, |c| {
        let with = json!({ "id": format!("{SEA}/publicIPAddresses/pip-new"), "location": "westus",
            "zones": ["1", "2", "3"] });
        c.instead("address.1", json!({ "action": "public_ip.ensure", "with": with }));
    }),
    ("RES-IN-USE", MAIN, |c| {
        let id = format!("{SEA}/publicIPAddresses/pip-old");
        let user = format!("{SEA}/loadBalancers/lb/frontendIPConfigurations/front");
        c.add(json!({ "id": id, "location": "southeastasia", "sku": { "name": "Standard" },
            "properties": { "ipConfiguration": { "id": user } } }));
        c.instead(
            "bgp_up",
            json!({ "action": "remove", "with": { "kind": "public_ip", "id": id } }),
        );
        c.step("bgp_up").ensure.clear();
    }),
    ("HUB-ROUTE-HOP", VWAN, |c| {
        let other = format!("{EA}/virtualHubs/hub-ea/hubVirtualNetworkConnections/con-app1-ea");
        c.want("app_table", "/with/routes/0/next_hop", json!(other));
    }),
    ("HUB-ROUTE-OVER", VWAN, |c| {
        let prefix = c.body("hub-sea")["properties"]["addressPrefix"].clone();
        c.want("app_table", "/with/routes/0/prefixes", json!([prefix]));
    }),
    ("HUB-WAN", VWAN, |c| c.set("wan-contoso", "/properties/type", json!("Basic"))),
    ("HUB-THERE", VWAN, |c| c.set("hub-sea", "/properties/routingState", json!("Failed"))),
    ("HUB-ONE-GW", VWAN, |c| {
        c.add(json!({
            "id": format!("{SEA}/expressRouteGateways/other"), "location": "southeastasia",
            "properties": { "virtualHub": { "id": format!("{SEA}/virtualHubs/hub-sea") } },
        }));
    }),
    ("HUB-UNITS", VWAN, |c| {
        let mbps = "/properties/serviceProviderProperties/bandwidthInMbps";
        c.set("er-singapore", mbps, json!(10_000));
    }),
    ("HUB-ADDR", VWAN, |c| {
        let space = json!({ "addressPrefixes": ["10.1.0.0/24"] });
        c.set("vnet-app1-sea", "/properties/addressSpace", space);
    }),
    ("HUB-VNET-FREE", VWAN, |c| {
        let mut body = c.body("con-app1-ea").clone();
        body["id"] = json!(format!("{EA}/virtualHubs/hub-ea/hubVirtualNetworkConnections/x"));
        body["properties"]["remoteVirtualNetwork"] =
            json!({ "id": format!("{SEA}/virtualNetworks/vnet-app1-sea") });
        c.add(body);
    }),
    ("HUB-IPV6", VWAN, |c| {
        let space = "/properties/addressSpace/addressPrefixes";
        c.set("vnet-app1-sea", space, json!(["10.1.0.0/24", "fd00:1::/48"]));
    }),
    ("HUB-MAP-DROP", VWAN, |c| *c = route_maps::dropping()),
    ("HUB-MAP", VWAN, |c| *c = route_maps::unclear()),
    ("HUB-CIRCUITS", VWAN, |c| hub_links(c, 8, |n| format!("place {n}"))),
    ("HUB-TOLD", VWAN, |c| {
        let table = format!("{SEA}/virtualHubs/hub-sea/hubRouteTables/rt-apps");
        c.want("network.app1", "/with/routing/propagated", json!([table]));
        c.want("network.app1", "/with/routing/labels", json!(["apps"]));
    }),
    ("HUB-WAY-BACK", VWAN, |c| {
        let table = format!("{SEA}/virtualHubs/hub-sea/hubRouteTables/defaultRouteTable");
        c.want("connection", "/with/routing/propagated", json!([table]));
    }),
    ("HUB-TABLE-ENDS", VWAN, |c| {
        let table = format!("{SEA}/virtualHubs/hub-sea/hubRouteTables/rt-nowhere");
        c.want("connection", "/with/routing/propagated", json!([table]));
    }),
    ("HUB-FIREWALL", VWAN, |c| hubs_firewall(c, &json!({}))),
    ("HUB-DEFAULT", VWAN, |c| {
        c.unsaid("network.app1", "routing");
        c.add(default_table("0.0.0.0/0"));
    }),
    ("HUB-INTENT", VWAN, |c| c.add(routing_intent())),
    ("HUB-IN-USE", VWAN, |c| {
        let id = format!("{SEA}/virtualHubs/hub-sea");
        c.instead(
            "hub",
            json!({ "action": "remove", "with": { "kind": "virtual_hub", "id": id } }),
        );
    }),
    ("CIR-ENABLED", MAIN, |c| {
        c.set("er-singapore", "/properties/circuitProvisioningState", json!("Disabled"))
    }),
    ("CIR-PROVIDER", MAIN, |c| {
        c.set(
            "er-singapore",
            "/properties/serviceProviderProvisioningState",
            json!("NotProvisioned"),
        );
    }),
    ("CIR-STATE", MAIN, |c| {
        c.set("er-singapore", "/properties/provisioningState", json!("Failed"))
    }),
    ("NET-STATE", MAIN, |c| {
        c.set("vnet-app1-sea", "/properties/provisioningState", json!("Failed"))
    }),
    ("GW-AGAIN", MAIN, |c| {
        with_subnet(c, gateway_subnet("10.10.10.128/25"));
        let mut gateway = standing_gateway("ErGw1AZ");
        gateway["properties"]["provisioningState"] = json!("Failed");
        c.add(gateway);
    }),
    ("AT-WORK", PREPARED, |c| {
        c.set("ergw-hub-sea", "/properties/provisioningState", json!("Deleting"))
    }),
    ("CIR-BASIC", MAIN, |c| c.set("er-singapore", "/sku/tier", json!("Basic"))),
    ("GEO-LOCAL", "same-circuit.yaml", |c| c.set("er-hongkong", "/sku/tier", json!("Local"))),
    ("GEO-STANDARD", MAIN, |c| {
        c.set("er-singapore", "/sku/tier", json!("Standard"));
        c.set(
            "er-singapore",
            "/properties/serviceProviderProperties/peeringLocation",
            json!("Amsterdam"),
        );
    }),
    ("GEO-INFERRED", MAIN, |c| {
        c.set("er-singapore", "/sku/tier", json!("Standard"));
        c.set(
            "er-singapore",
            "/properties/serviceProviderProperties/peeringLocation",
            json!("Nowhere"),
        );
    }),
    ("GEO-CLOUD", MAIN, |c| {
        c.set(
            "er-singapore",
            "/properties/serviceProviderProperties/peeringLocation",
            json!("Beijing"),
        );
    }),
    ("GEO-DIRECT", MAIN, |c| {
        c.set(
            "er-singapore",
            "/properties/expressRoutePort",
            json!({ "id": format!("{CIR}/expressRoutePorts/p") }),
        );
    }),
    ("LINK-COUNT", MAIN, |c| {
        for n in 0..40 {
            let gateway = format!("{SEA}/virtualNetworkGateways/gw{n}");
            c.add(link(&format!("con{n}"), &gateway, "er-singapore", 0));
        }
    }),
    ("LINK-COUNT-BLIND", MAIN, |c| {
        c.world.faults.push(
            serde_json::from_value(json!({
                "method": "GET", "resource": "/subscriptions/*/resources", "times": 9,
                "effect": { "refuse": { "status": 403, "code": "AuthorizationFailed" } },
            }))
            .unwrap(),
        );
    }),
    ("BW-SECONDARY", MAIN, |c| {
        c.set("er-singapore", "/properties/serviceProviderProperties/bandwidthInMbps", json!(200));
    }),
    ("BW-RAISE", PREPARED, |c| {
        c.step("bandwidth").when = None;
        c.want("bandwidth", "/with/mbps_min", json!(1_000));
    }),
    ("BW-NEVER", PREPARED, |c| {
        c.step("bandwidth").when = None;
        c.step("bandwidth").on_failure = OnFailure::Stop;
        c.want("bandwidth", "/with/mbps_min", json!(20_000));
    }),
    ("TIER-RAISE", PREPARED, |c| {
        c.step("bandwidth").when = None;
        let id = format!("{CIR}/expressRouteCircuits/er-singapore");
        let with = json!({ "id": id, "at_least": "premium" });
        c.instead("bandwidth", json!({ "action": "circuit.tier", "with": with }));
        c.set("er-singapore", "/sku/tier", json!("Local"));
    }),
    ("CIR-SAME-LOC", "two-circuits-one-location.yaml", |_| {}),
    ("CIR-METRO", MAIN, |c| {
        c.set(
            "er-singapore",
            "/properties/serviceProviderProperties/peeringLocation",
            json!("Singapore Metro"),
        );
    }),
    ("PEER-PRIVATE", MAIN, |c| c.set("er-singapore", "/properties/peerings", json!([]))),
    ("PEER-SUBNETS", MAIN, |c| {
        c.set(
            "er-singapore",
            "/properties/peerings/0/properties/primaryPeerAddressPrefix",
            json!("172.16.1.0/29"),
        );
    }),
    ("PEER-NO-LEG", MAIN, |c| c.world.onprem.links[2..4].iter_mut().for_each(|own| own.up = false)),
    ("PEER-ONE-LEG", MAIN, |c| c.world.onprem.links[2].up = false),
    ("PORT-SHUT", MAIN, |c| port_links(c, ["Disabled", "Disabled"])),
    ("PORT-ONE-LEG", MAIN, |c| port_links(c, ["Enabled", "Disabled"])),
    ("PEER-L3-PROVIDER", PREPARED, |c| {
        c.step("bandwidth").when = None;
        c.set(
            "er-singapore",
            "/properties/peerings/0/properties/lastModifiedBy",
            json!("Provider"),
        );
    }),
    ("PEER-MS-REPL", "onprem-to-azure.yaml", |c| {
        c.set("er-singapore", "/properties/peerings/1/properties/state", json!("Disabled"));
    }),
    ("PEER-MS-PREFIX", "onprem-to-azure.yaml", |c| {
        let pointer = "/properties/peerings/1/properties/microsoftPeeringConfig/advertisedPublicPrefixesState";
        c.set("er-singapore", pointer, json!("ValidationNeeded"));
    }),
    ("PEER-PUBLIC", MAIN, |c| {
        let peerings = c.body("er-singapore")["properties"]["peerings"].as_array_mut().unwrap();
        peerings.push(json!({ "name": "AzurePublicPeering", "properties": { "peeringType": "AzurePublicPeering" } }));
    }),
    ("RT-ONPREM", MAIN, |c| many_prefixes(c, 10_001)),
    ("RT-ONPREM-NEAR", MAIN, |c| many_prefixes(c, 9_100)),
    ("RT-VNET", MAIN, |c| many_spaces(c, 1_001)),
    ("RT-CREATE-200", MAIN, |c| many_spaces(c, 201)),
    ("RT-GW-SKU", MAIN, |c| many_prefixes(c, 4_100)),
    ("RT-DEFAULT", MAIN, |c| c.world.onprem.sites[0].prefixes.push("0.0.0.0/0".parse().unwrap())),
    ("RT-EXPECTED", MAIN, |c| {
        for link in &mut c.world.onprem.links {
            link.advertise = Some(vec!["0.0.0.0/0".parse().unwrap()]);
        }
    }),
    ("PEER-IPV6", MAIN, |c| {
        let space = &mut c.body("vnet-hub-sea")["properties"]["addressSpace"]["addressPrefixes"];
        space.as_array_mut().unwrap().push(json!("fd00:db8:1::/48"));
    }),
    ("PEER-IPV6-GATEWAY", MAIN, |c| {
        let space = &mut c.body("vnet-hub-sea")["properties"]["addressSpace"]["addressPrefixes"];
        space.as_array_mut().unwrap().push(json!("fd00:db8:1::/48"));
        let prefixes = json!(["10.10.10.128/25", "fd00:db8:1::/64"]);
        with_subnet(
            c,
            json!({ "name": "GatewaySubnet", "properties": { "addressPrefixes": prefixes } }),
        );
    }),
    ("PEER-IPV6-EXPECTED", MAIN, |c| {
        c.want("routes_learned", "/with/expect/0", json!("fd00:db8:9::/48"));
    }),
    ("SUB-THERE", MAIN, |c| {
        let subnet = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/snet-nope");
        c.want("spoke_association.app1", "/with/subnet", json!(subnet));
    }),
    ("SUB-PLACE", MAIN, |c| c.set("vnet-app1-sea", "/location", json!("japaneast"))),
    ("SUB-RESERVED", MAIN, |c| {
        let subnet = format!("{SEA}/virtualNetworks/vnet-app1-sea/subnets/AzureBastionSubnet");
        c.want("spoke_association.app1", "/with/subnet", json!(subnet));
    }),
    ("RT-COLLIDE", "onprem-to-azure.yaml", |_| {}),
    ("ADDR-SAME-CIRCUIT", "same-circuit.yaml", |c| {
        c.set("vnet-app1-sea", "/properties/addressSpace/addressPrefixes", json!(["10.1.0.0/24"]));
    }),
    ("ADDR-TWO-CIRCUITS", MAIN, |c| c.world.regions_down.clear()),
    ("ADDR-PEERING", MAIN, |c| {
        c.set(
            "vnet-app1-sea",
            "/properties/addressSpace/addressPrefixes",
            json!(["10.10.10.0/28"]),
        );
    }),
    ("ADDR-SUBNET", MAIN, |c| c.want("gateway_subnet", "/with/prefix", json!("10.10.10.32/27"))),
    ("GWS-SIZE", MAIN, |c| c.want("gateway_subnet", "/with/prefix", json!("10.10.10.128/28"))),
    ("GWS-SIZE-OLD", MAIN, |c| {
        with_subnet(c, gateway_subnet("10.10.10.128/28"));
        c.add(standing_gateway("ErGw1AZ"));
    }),
    ("GWS-NSG", MAIN, |c| {
        let mut subnet = gateway_subnet("10.10.10.128/25");
        subnet["properties"]["networkSecurityGroup"] =
            json!({ "id": format!("{SEA}/networkSecurityGroups/nsg") });
        with_subnet(c, subnet);
    }),
    ("GWS-NSG-OLD", PREPARED, |c| {
        let subnets = c.body("vnet-hub-sea")["properties"]["subnets"].as_array_mut().unwrap();
        let own = subnets.iter_mut().find(|own| own["name"] == json!("GatewaySubnet"));
        let group = json!({ "id": format!("{SEA}/networkSecurityGroups/nsg") });
        own.unwrap()["properties"]["networkSecurityGroup"] = group;
    }),
    ("GWS-DELEGATED", MAIN, |c| {
        let mut subnet = gateway_subnet("10.10.10.128/25");
        subnet["properties"]["delegations"] = json!([{ "name": "d", "properties": {
            "serviceName": "Microsoft.Web/serverFarms" } }]);
        with_subnet(c, subnet);
    }),
    ("GWS-NAT", MAIN, |c| {
        let mut subnet = gateway_subnet("10.10.10.128/25");
        subnet["properties"]["natGateway"] = json!({ "id": format!("{SEA}/natGateways/nat") });
        with_subnet(c, subnet);
    }),
    ("GWS-UDR0", MAIN, |c| {
        with_table(
            c,
            &json!([{ "name": "d", "properties": { "addressPrefix": "0.0.0.0/0", "nextHopType": "Internet" } }]),
            false,
        );
    }),
    ("GWS-UDR-OVERLAP", MAIN, |c| {
        with_table(
            c,
            &json!([{ "name": "d", "properties": { "addressPrefix": "10.10.0.0/16", "nextHopType": "None" } }]),
            false,
        );
    }),
    ("GWS-ROUTE-SERVER", MAIN, |c| {
        kept_hubs::route_server(c, "vnet-hub-sea");
        with_table(c, &json!([appliance("10.201.0.0/24")]), false);
    }),
    ("GWS-PROPAGATION", MAIN, |c| with_table(c, &json!([]), true)),
    ("GWS-SEP", MAIN, |c| {
        let mut subnet = gateway_subnet("10.10.10.128/25");
        subnet["properties"]["serviceEndpointPolicies"] = json!([{ "id": "x" }]);
        with_subnet(c, subnet);
    }),
    ("GWS-TENANTS", MAIN, |c| {
        let mut subnet = gateway_subnet("10.10.10.128/25");
        let nic = format!("{SEA}/networkInterfaces/nic/ipConfigurations/a");
        subnet["properties"]["ipConfigurations"] = json!([{ "id": nic }]);
        with_subnet(c, subnet);
    }),
    ("ASR-VAULT-REGION", PREPARED, |c| c.set("vault-recovery-sea", "/location", json!("eastasia"))),
    ("ASR-TFO-PENDING", PREPARED, |c| {
        for machine in ["vm-db", "vm-app1", "vm-app2"] {
            c.set(machine, "/properties/testFailoverState", json!("WaitingForCompletion"));
        }
    }),
    ("ASR-OPS", PREPARED, |c| {
        for machine in ["vm-db", "vm-app1", "vm-app2"] {
            let state = json!("InitialReplicationInProgress");
            c.set(machine, "/properties/protectionState", state);
        }
    }),
    ("ASR-HEALTH", PREPARED, |c| {
        c.set("vm-db", "/properties/protectionState", json!("InitialReplicationInProgress"));
    }),
    ("ASR-CRITICAL", PREPARED, |c| {
        c.set("vm-db", "/properties/replicationHealth", json!("Critical"));
    }),
    ("ASR-NIC", PREPARED, |c| {
        let pointer = "/properties/providerSpecificDetails/selectedRecoveryAzureNetworkId";
        c.set("vm-db", pointer, json!(format!("{SEA}/virtualNetworks/vnet-elsewhere")));
    }),
    ("ASR-EMPTY", PREPARED, |c| {
        let nobody = json!([{ "groupType": "Boot", "replicationProtectedItems": [] }]);
        c.set("rp-apps", "/properties/groups", nobody);
    }),
    ("ASR-TEST-NETWORK", "site-recovery-test.yaml", |c| {
        let details = "/properties/providerSpecificDetails/selectedRecoveryAzureNetworkId";
        let tested = c.body("vnet-test-sea")["id"].clone();
        c.set("vm-app1", details, tested);
    }),
    ("ASR-RP-SIZE", PREPARED, |c| {
        let groups = c.body("rp-apps")["properties"]["groups"].as_array_mut().unwrap();
        let empty = json!({ "groupType": "Boot", "replicationProtectedItems": [] });
        groups.extend(std::iter::repeat_n(empty, 7));
    }),
    ("SUB-OTHER", MAIN, |c| with_subnet(c, gateway_subnet("10.10.10.192/26"))),
    ("SUB-FIREWALL", MAIN, |c| service_subnet(c, "AzureFirewallSubnet", &json!([]))),
    ("SUB-GROUP", MAIN, |c| {
        service_subnet(c, "AzureBastionSubnet", &json!([]));
        let group = format!("{SEA}/networkSecurityGroups/nsg");
        c.add(json!({ "id": group, "location": "southeastasia", "properties": { "securityRules": [] } }));
        let id = |id: &str| ResourceId::parse(id).unwrap();
        let subnet = id(&format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/AzureBastionSubnet"));
        let group = SecurityGroupUse { subnet, security_group: id(&group), used: true };
        c.step("hub_association").action = Action::SecurityGroup(group);
    }),
    ("SUB-INTENT", MAIN, |c| {
        let instance = json!([{ "name": "i", "properties": { "serviceName": "Microsoft.Sql/managedInstances" } }]);
        service_subnet(c, "snet-sql", &instance);
        let table = format!("{SEA}/routeTables/rt-sql");
        c.add(json!({ "id": table, "location": "southeastasia", "properties": { "routes": [{
            "name": "mi-1", "properties": { "addressPrefix": "10.0.0.0/24", "nextHopType": "VnetLocal" } }] } }));
        let subnets = c.body("vnet-hub-sea")["properties"]["subnets"].as_array_mut().unwrap();
        subnets.last_mut().unwrap()["properties"]["routeTable"] = json!({ "id": table });
    }),
    ("ASR-SUBNET", PREPARED, |c| c.set("vm-db", CARDS, json!([card("snet-db", "")]))),
    ("ASR-ADDRESS", PREPARED, |c| {
        c.set("vm-db", CARDS, json!([card("snet-app", "10.9.0.9")]));
    }),
    ("ASR-NAMED", PREPARED, |c| {
        let mut own = card("snet-app", "");
        own["recoveryNetworkSecurityGroupId"] = json!(format!("{SEA}/networkSecurityGroups/gone"));
        c.set("vm-db", CARDS, json!([own]));
    }),
    ("ASR-POINT", PREPARED, |c| {
        let pointer = "/properties/providerSpecificDetails/rpoInSeconds";
        c.set("vm-db", pointer, json!(400_000));
    }),
    ("ASR-TEST-OPEN", "site-recovery-test.yaml", |c| settings::open_test(c, "10.1.0.0/24")),
    ("ASR-NSG", PREPARED, |c| settings::shut_in(c, &json!([settings::deny_out(4000)]))),
    ("ASR-LOCK", PREPARED, |c| lock(c, "rg-apps-sea", "ReadOnly")),
    ("ASR-MAPPING", PREPARED, |c| {
        protected_back(c);
        c.remove("app1-sea-ea");
    }),
    ("ASR-AUTOMATION", PREPARED, |c| {
        let runbook = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg-auto\
                       /providers/Microsoft.Automation/automationAccounts/aa/runbooks/names";
        let action =
            json!({ "instanceType": "AutomationRunbookActionDetails", "runbookId": runbook });
        c.set("rp-apps", "/properties/groups/2/startGroupActions", json!([acts(&action)]));
    }),
    ("ASR-MANUAL", PREPARED, |c| {
        let action = json!({ "instanceType": "ManualActionDetails", "description": "Look." });
        c.set("rp-apps", "/properties/groups/3/endGroupActions", json!([acts(&action)]));
    }),
    ("GW-TYPE", PREPARED, |c| c.set("ergw-hub-sea", "/properties/gatewayType", json!("Vpn"))),
    ("GW-ONE", MAIN, |c| {
        with_subnet(c, gateway_subnet("10.10.10.128/25"));
        let mut other = standing_gateway("ErGw1AZ");
        other["id"] = json!(format!("{SEA}/virtualNetworkGateways/another"));
        c.add(other);
    }),
    ("GW-STATE", PREPARED, |c| {
        c.set("ergw-hub-sea", "/properties/provisioningState", json!("Failed"))
    }),
    ("GW-DISABLED", PREPARED, |c| {
        c.set("ergw-hub-sea", "/properties/adminState", json!("Disabled"));
    }),
    ("GW-LOCATION", MAIN, |c| c.want("gateway", "/with/location", json!("eastasia"))),
    ("GW-SKU-CIRCUITS", MAIN, |c| links(c, 4, |n| format!("Place{n}"))),
    ("GW-VNET2VNET", MAIN, |c| apart::remote(c, Some(false))),
    ("GW-SKU-LOC4", MAIN, |c| links(c, 4, |_| "Singapore".to_owned())),
    ("GW-SKU-FASTPATH", PREPARED, |c| {
        c.set("con-hub-sea-singapore", "/properties/expressRouteGatewayBypass", json!(true));
    }),
    ("LINK-FASTPATH-PAST", PREPARED, |c| {
        c.set("con-hub-sea-singapore", "/properties/expressRouteGatewayBypass", json!(true));
        let table = format!("{SEA}/routeTables/rt-gateway");
        c.add(json!({ "id": table, "location": "southeastasia", "properties": { "routes": [{
            "name": "in", "properties": { "addressPrefix": "10.1.0.0/24",
                "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.10.10.10" } }] } }));
        let subnets = c.body("vnet-hub-sea")["properties"]["subnets"].as_array_mut().unwrap();
        let own = subnets.iter_mut().find(|own| own["name"] == "GatewaySubnet").unwrap();
        own["properties"]["routeTable"] = json!({ "id": table });
    }),
    ("GW-SKU-THROUGHPUT", MAIN, |c| {
        c.set(
            "er-singapore",
            "/properties/serviceProviderProperties/bandwidthInMbps",
            json!(2_000),
        );
    }),
    ("GW-SKU-PARITY", "same-circuit-swap.yaml", |c| {
        c.set("ergw-hub-ea", "/properties/sku/name", json!("ErGw3AZ"));
    }),
    ("GW-ZONE", MAIN, |c| c.want("gateway", "/with/sku", json!("HighPerformance"))),
    ("GW-RESIZE", MAIN, |c| {
        with_subnet(c, gateway_subnet("10.10.10.128/25"));
        c.add(standing_gateway("HighPerformance"));
    }),
    ("GW-SCALE-REGION", MAIN, |c| c.want("gateway", "/with/sku", json!("ErGwScale"))),
    ("GW-RESIZE-UNDO", MAIN, |c| {
        with_subnet(c, gateway_subnet("10.10.10.128/25"));
        c.add(standing_gateway("ErGw1AZ"));
        c.want("gateway", "/with/sku", json!("ErGw3AZ"));
    }),
    ("GW-MULTIHOMED", "same-circuit-swap.yaml", |c| {
        c.set("ergw-hub-ea", "/properties/resiliencyModel", json!("MultiHomed"));
    }),
    ("GW-MULTIHOMED-UNDO", MAIN, |c| {
        with_subnet(c, gateway_subnet("10.10.10.128/25"));
        c.add(standing_gateway("ErGw1AZ"));
        c.set("ergw-hub-sea", "/properties/resiliencyModel", json!("MultiHomed"));
    }),
    ("GW-PIP-BASIC", MAIN, |c| address(c, "Basic", &json!(["1"]))),
    ("GW-PIP-ZONES", MAIN, |c| address(c, "Standard", &json!([]))),
    ("GW-PEERINGS", MAIN, |c| {
        let peerings: Vec<Value> = (0..500)
            .map(|n| json!({ "name": format!("p{n}"), "properties": { "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/v{n}") } } }))
            .collect();
        c.set("vnet-hub-sea", "/properties/virtualNetworkPeerings", json!(peerings));
    }),
    ("GW-DELETE", MAIN, |c| {
        let gateway = format!("{EA}/virtualNetworkGateways/ergw-hub-ea");
        c.instead(
            "circuit_layer2",
            json!({ "action": "remove", "with": { "kind": "gateway", "id": gateway } }),
        );
    }),
    ("GWS-DELETE", MAIN, |c| {
        let subnet = format!("{EA}/virtualNetworks/vnet-hub-ea/subnets/GatewaySubnet");
        c.instead(
            "circuit_layer2",
            json!({ "action": "remove", "with": { "kind": "subnet", "id": subnet } }),
        );
    }),
    ("AUTH-FREE", "same-circuit.yaml", |c| {
        let key = json!({ "resource": { "id": format!("{CIR}/expressRouteCircuits/er-hongkong/authorizations/auth-hub-ea"), "pointer": "/properties/authorizationKey" } });
        c.want("connection", "/with/authorization", key);
    }),
    ("AUTH-KEY", "same-circuit.yaml", given_key),
    ("AUTH-THERE", "same-circuit.yaml", |c| {
        let key = json!({ "resource": { "id": format!("{CIR}/expressRouteCircuits/er-hongkong/authorizations/nobody"), "pointer": "/properties/authorizationKey" } });
        c.want("connection", "/with/authorization", key);
    }),
    ("AUTH-REVOKE", MAIN, |c| {
        let id = format!("{CIR}/expressRouteCircuits/er-hongkong/authorizations/auth-hub-ea");
        c.instead(
            "circuit_layer2",
            json!({ "action": "remove", "with": { "kind": "authorization", "id": id } }),
        );
    }),
    ("LINK-ELSEWHERE", MAIN, |c| {
        c.add(link("con-hub-sea-singapore", ERGW, "er-hongkong", 100));
    }),
    ("LINK-LOCATION", MAIN, |c| c.want("connection", "/with/location", json!("eastasia"))),
    ("LINK-FASTPATH-PRIVATE", MAIN, |c| {
        c.also("connection", "private_link_fast_path", json!(true))
    }),
    ("LINK-FASTPATH-DIRECT", MAIN, |c| c.also("connection", "private_link_fast_path", json!(true))),
    ("LINK-DUP", MAIN, |c| c.add(link("other", ERGW, "er-singapore", 0))),
    ("LINK-STATE", PREPARED, |c| {
        c.set("con-hub-sea-singapore", "/properties/provisioningState", json!("Failed"))
    }),
    ("WAY-STATE", MAIN, |c| {
        c.world = ways::standing_world();
        ways::without_connection(c);
        c.set("ergw-hub-sea", "/properties/provisioningState", json!("Failed"));
    }),
    ("WAY-LOST", MAIN, |c| {
        c.world = ways::standing_world();
        ways::without_connection(c);
        closed::peer(c, &json!({}));
        ways::flags(c, "spoke_to_hub.app1", false, false);
    }),
    ("LINK-WEIGHT-ORDER", MAIN, |c| c.add(link("other", ERGW, "er-hongkong", 200))),
    ("LINK-ECMP", MAIN, |c| c.add(link("other", ERGW, "er-hongkong", 100))),
    ("LINK-DEFAULT-10", PREPARED, |c| {
        c.set("con-hub-sea-singapore", "/properties/routingWeight", json!(10))
    }),
    ("VP-FLAGS", MAIN, |c| {
        c.want("hub_to_spoke.app1", "/with/allow_gateway_transit", json!(false))
    }),
    ("VP-STATE", MAIN, |c| {
        c.set("vnet-hub-sea", "/properties/virtualNetworkPeerings", json!([{ "name": "hub-to-app1", "properties": {
            "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/vnet-app1-sea") }, "peeringState": "Disconnected" } }]));
    }),
    ("VP-TWICE", MAIN, |c| {
        c.set("vnet-hub-sea", "/properties/virtualNetworkPeerings", json!([{ "name": "other", "properties": {
            "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/vnet-app1-sea") }, "peeringState": "Initiated" } }]));
    }),
    ("VP-ONE-REMOTE", MAIN, |c| {
        c.set("vnet-app1-sea", "/properties/virtualNetworkPeerings", json!([{ "name": "other", "properties": {
            "remoteVirtualNetwork": { "id": format!("{EA}/virtualNetworks/vnet-hub-ea") }, "useRemoteGateways": true } }]));
    }),
    ("VP-OWN-GW", MAIN, |c| {
        c.set("vnet-hub-sea", "/properties/virtualNetworkPeerings", json!([{ "name": "to-core", "properties": {
            "remoteVirtualNetwork": { "id": format!("{EA}/virtualNetworks/vnet-hub-ea") }, "useRemoteGateways": true } }]));
    }),
    ("VP-REMOTE-GW", MAIN, |c| {
        c.step("spoke_to_hub.app1").needs.retain(|need| need.as_str() != "gateway")
    }),
    ("TENANT-TOKEN", MAIN, |c| {
        let fault = json!({ "resource": "/subscriptions/22222222*", "times": 99,
            "effect": { "refuse": { "status": 401, "code": "InvalidAuthenticationTokenTenant" } } });
        c.world.faults.push(serde_json::from_value(fault).unwrap());
    }),
    ("SUB-SEEN", MAIN, |c| {
        c.refuse("/subscriptions/22222222*", 404, "SubscriptionNotFound");
    }),
    ("API-TAKEN", MAIN, |c| {
        c.refuse("*/virtualNetworkGateways/ergw-hub-sea", 400, "NoRegisteredProviderFound");
    }),
    ("QUOTA", MAIN, |c| {
        let few = [("RouteTables".to_owned(), 1)];
        c.world.quotas.extend(few);
    }),
    ("GW-MIGRATION", PREPARED, |c| {
        let status = json!({ "state": "InProgress", "phase": "Execute" });
        c.set("ergw-hub-sea", "/properties/virtualNetworkGatewayMigrationStatus", status);
    }),
    ("UDR-DROP", MAIN, |c| {
        let Action::RouteTable(table) = &mut c.step("spoke_routes").action else { panic!() };
        table.routes[0].prefix = "10.100.0.0/16".parse().unwrap();
        table.routes[0].next_hop = NextHop::None;
    }),
    ("NSG-DROP", MAIN, |c| closed::guard(c, &json!([closed::deny(100, "10.0.0.0/8")]))),
    ("UDR-PAST", MAIN, |c| {
        let Action::RouteTable(table) = &mut c.step("spoke_routes").action else { panic!() };
        table.routes[0].prefix = "10.100.0.0/16".parse().unwrap();
    }),
    ("UDR-NVA-WAY", MAIN, |c| ways::by_appliance(c, "spoke_routes", "10.77.0.10")),
    ("POLICY-DENY", MAIN, |c| {
        let policy = json!({ "name": "tags", "require_tags": ["costCenter"],
            "types": ["Microsoft.Network/routeTables"] });
        c.world.policies.push(serde_json::from_value(policy).unwrap());
    }),
    ("POLICY-UNDO", PREPARED, |c| {
        let policy = json!({ "name": "tags", "require_tags": ["costCenter"],
            "types": ["Microsoft.Network/connections"] });
        c.world.policies.push(serde_json::from_value(policy).unwrap());
    }),
    ("POLICY-CONTRADICTS", MAIN, |c| {
        let kind = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";
        let policy = json!({ "name": "plain-peerings", "types": [kind], "modify": [{
            "operation": "addOrReplace", "field": format!("{kind}/allowForwardedTraffic"), "value": false }] });
        c.world.policies.push(serde_json::from_value(policy).unwrap());
    }),
    ("POLICY-MODIFY", MAIN, |c| {
        let policy = json!({ "name": "tags", "modify": [{
            "operation": "add", "field": "tags['costCenter']", "value": "4711" }] });
        c.world.policies.push(serde_json::from_value(policy).unwrap());
    }),
    ("VP-LENDS", MAIN, |c| {
        c.want("hub_to_spoke.app1", "/with/allow_gateway_transit", json!(false))
    }),
    ("VP-LENT", MAIN, |c| {
        closed::peer(c, &json!({}));
        c.want("hub_to_spoke.app1", "/with/allow_gateway_transit", json!(false));
    }),
    ("VP-SUBNETS", MAIN, |c| {
        closed::peer(
            c,
            &json!({ "peerCompleteVnets": false, "localSubnetNames": ["snet-x"],
            "remoteSubnetNames": ["snet-x"] }),
        );
    }),
    ("UDR-NVA-DEFAULT", MAIN, |c| {
        let Action::RouteTable(table) = &mut c.step("spoke_routes").action else { panic!() };
        table.routes[0].prefix = "0.0.0.0/0".parse().unwrap();
    }),
    ("VP-GW-REMOVED", MAIN, |c| {
        let gateway = format!("{EA}/virtualNetworkGateways/ergw-hub-ea");
        let removal = json!({ "action": "remove", "with": { "kind": "gateway", "id": gateway } });
        c.instead("circuit_layer2", removal);
    }),
    ("UDR-NVA-IP", MAIN, |c| {
        let Action::RouteTable(table) = &mut c.step("hub_routes").action else { panic!() };
        table.routes[0].next_hop = NextHop::Appliance("192.168.7.7".parse().unwrap());
    }),
    ("UDR-NVA-FORWARD", MAIN, |c| closed::appliance(c, false)),
    ("UDR-FIREWALL-IP", MAIN, |c| services::firewall_subnet(c)),
    ("UDR-SAME-SUBNET", MAIN, |c| {
        let Action::RouteTable(table) = &mut c.step("hub_routes").action else { panic!() };
        table.routes[0].prefix = "10.10.10.0/28".parse().unwrap();
    }),
    ("UDR-REPLACES", MAIN, |c| {
        let table = format!("{SEA}/routeTables/rt-security");
        c.body("vnet-app1-sea")["properties"]["subnets"][0]["properties"]["routeTable"] =
            json!({ "id": table });
        c.add(json!({ "id": table, "location": "southeastasia", "properties": { "routes": [] } }));
    }),
    ("UDR-IN-USE", MAIN, |c| {
        let mut table = c.body("rt-app-ea").clone();
        table["id"] = json!(format!("{SEA}/routeTables/rt-other"));
        table["location"] = json!("southeastasia");
        c.add(table);
        c.body("vnet-app2-sea")["properties"]["subnets"][0]["properties"]["routeTable"] =
            json!({ "id": format!("{SEA}/routeTables/rt-other") });
        c.step("hub_routes").action = Action::Remove(Removal {
            kind: RemovalKind::RouteTable,
            id: ResourceId::parse(&format!("{SEA}/routeTables/rt-other")).unwrap(),
            authorization: None,
            gateway: None,
            remote: None,
        });
    }),
    ("UDR-FOREIGN", MAIN, |c| {
        let aks = json!([{ "name": "aks-nodepool1", "properties": {
            "addressPrefix": "10.244.0.0/24", "nextHopType": "VirtualAppliance",
            "nextHopIpAddress": "10.1.0.4" } }]);
        let mut table = table(&aks, false);
        table["id"] = json!(format!("{SEA}/routeTables/rt-app-sea"));
        c.add(table);
    }),
    ("UDR-TWICE", MAIN, |c| {
        let id = format!("{EA}/routeTables/rt-app-ea/routes/another");
        let with = json!({ "id": id, "prefix": "10.0.0.0/8", "next_hop": "internet" });
        c.instead("circuit_layer2", json!({ "action": "route.ensure", "with": with }));
    }),
    ("UDR-MANY", MAIN, |c| c.world.quotas.extend([("RoutesPerRouteTable".to_owned(), 1)])),
    ("UDR-FIREWALL", MAIN, |c| {
        let Action::RouteTable(table) = &mut c.step("hub_routes").action else { panic!() };
        let firewall = format!("{SEA}/azureFirewalls/afw").parse().unwrap();
        table.routes[0].next_hop = NextHop::Firewall(firewall);
    }),
    ("RG-HOME", MAIN, |c| {
        let group =
            c.world.resource_groups.iter_mut().find(|g| g.id.ends_with("rg-network-sea")).unwrap();
        group.location = "eastasia".parse().unwrap();
    }),
    ("CIR-HOME", MAIN, |c| c.set("er-singapore", "/location", json!("eastasia"))),
    ("RG-THERE", MAIN, |c| c.world.resource_groups.retain(|g| !g.id.ends_with("rg-network-sea"))),
    ("NET-THERE", MAIN, |c| c.remove("vnet-app1-sea")),
    ("RES-STANDS", MAIN, |c| {
        let mut table = table(&json!([]), false);
        table["id"] = json!(format!("{SEA}/routeTables/rt-app-sea"));
        table["location"] = json!("eastasia");
        c.add(table);
    }),
    ("RES-FIXED", VPN, |c| {
        c.add(json!({ "id": format!("{SEA}/publicIPAddresses/pip-vgw-hub-sea-1"),
            "location": "southeastasia", "sku": { "name": "Basic" }, "properties": {} }));
    }),
    ("VP-HALF", MAIN, half_removed),
    ("RP-REG", MAIN, |c| {
        c.world.unregistered.push("11111111-1111-1111-1111-111111111111".to_owned())
    }),
    ("SUB-STATE", MAIN, |c| {
        c.world.disabled.push("11111111-1111-1111-1111-111111111111".to_owned())
    }),
    ("LOCK-DELETE", "same-circuit-swap.yaml", |c| lock(c, "rg-network-ea", "CanNotDelete")),
    ("LOCK-UNDO", MAIN, |c| lock(c, "rg-network-sea", "CanNotDelete")),
    ("DENY-ASSIGNED", MAIN, |c| denial(c, "rg-network-sea", &[])),
    ("DENY-MAYBE", MAIN, |c| denial(c, "rg-network-sea", &["somebody"])),
    ("LOCK-READONLY", MAIN, |c| lock(c, "rg-network-sea", "ReadOnly")),
    ("RBAC", MAIN, |c| {
        c.world.rights = Some(serde_json::from_value(json!([
            { "scope": "/subscriptions/22222222-2222-2222-2222-222222222222", "actions": ["*"] },
            { "scope": "/subscriptions/11111111-1111-1111-1111-111111111111", "actions": ["*"], "not_actions": ["*/connections/write"] },
        ])).unwrap());
    }),
    ("RBAC-UNDO", MAIN, |c| without(c, "*/authorizations/delete")),
    ("SECRET-READ", MAIN, |c| {
        let nowhere = "env:A_KEY_THAT_IS_NOWHERE".parse().unwrap();
        c.plan.secrets.insert("dr_key".to_owned(), nowhere);
    }),
    ("PROGRAM-THERE", MAIN, |c| {
        let command = json!({ "argv": ["/no/such/program"], "time_limit": "1m" });
        c.instead("bgp_up", json!({ "action": "command", "with": command }));
        c.step("bgp_up").ensure.clear();
    }),
    ("VPN-ONE", VPN, |c| {
        with_subnet(c, gateway_subnet("10.10.10.128/26"));
        c.add(vpn_gateway("vgw-other"));
    }),
    ("VPN-LOCATION", VPN, |c| c.want("gateway", "/with/location", json!("eastasia"))),
    ("VPN-ADDRESS", VPN, |c| vpn_address(c, "Basic", &json!([]))),
    ("VPN-ADDRESS-ZONES", VPN, |c| vpn_address(c, "Standard", &json!([]))),
    ("VPN-TYPE", VPN, |c| {
        let other = format!("{EA}/virtualNetworkGateways/ergw-hub-ea");
        c.want("tunnel", "/with/gateway", json!(other));
    }),
    ("VPN-BGP", VPN, |c| c.also("tunnel", "bgp", json!(true))),
    ("VPN-BESIDE", MAIN, |c| {
        with_subnet(c, gateway_subnet("10.10.10.128/25"));
        let mut gateway = vpn_gateway("vpngw");
        gateway["properties"]["vpnType"] = json!("PolicyBased");
        c.add(gateway);
    }),
    ("VPN-ADDR", VPN, |c| c.want("device", "/with/prefixes", json!(["10.10.0.0/16"]))),
    ("VPN-LONGER", VPN, |c| {
        with_subnet(c, gateway_subnet("10.10.10.128/26"));
        c.add(standing_gateway("ErGw1AZ"));
        c.add(link("con-sea", ERGW, "er-singapore", 0));
        c.world.onprem.links.iter_mut().for_each(|link| link.up = true);
        c.want("device", "/with/prefixes", json!(["10.100.1.0/24"]));
    }),
    ("DNS-ZONE", VPN, |c| c.remove("corp.contoso.example")),
    ("DNS-ALIAS", VPN, |c| alias(c, "Portal")),
    ("DNS-TTL", VPN, |c| c.set("A/portal", "/properties/ttl", json!(86_400))),
    ("VPN-ROUTE-SERVER", VPN, |c| {
        kept_hubs::route_server(c, "vnet-hub-sea");
        c.set("rs", "/properties/allowBranchToBranchTraffic", json!(true));
        c.also("gateway", "asn", json!(65_010));
    }),
    ("ADDR-GLOBAL-REACH", MAIN, |c| kept_hubs::reaching(c, "connections", 1, "10.10.10.72/29")),
    ("DNS-LINK", VPN, |c| c.remove("hub-sea")),
    ("TM-ENDPOINT", VPN, |c| c.remove("southeastasia")),
    ("TM-PRIORITY", VPN, |c| c.also("portal_here", "priority", json!(1))),
    ("TM-METHOD", VPN, |c| {
        c.set("tm-portal", "/properties/trafficRoutingMethod", json!("Performance"));
        c.also("portal_here", "priority", json!(7));
    }),
    ("DNS-SERVER", MAIN, |c| steering::ask(c, "vnet-app1-sea", "10.99.99.99")),
    ("TM-PROFILE", VPN, |c| c.set("tm-portal", "/properties/profileStatus", json!("Disabled"))),
    ("TM-NONE", VPN, |c| c.want("portal_here", "/with/enabled", json!(false))),
];

/// The portal's name stands for another one.
fn alias(case: &mut Case, name: &str) {
    let record = case.body("A/portal")["id"].as_str().unwrap().to_owned();
    case.remove("A/portal");
    let id = record.replace("/A/portal", &format!("/CNAME/{name}"));
    let properties = json!({ "ttl": 300, "cnameRecord": { "cname": "portal.contoso.example" } });
    case.add(json!({ "id": id, "properties": properties }));
}

fn lock(case: &mut Case, group: &str, level: &str) {
    let scope =
        format!("/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/{group}");
    let lock = json!({ "name": "keep", "scope": scope, "level": level });
    case.world.locks.push(serde_json::from_value(lock).unwrap());
}

/// A deny assignment in a group, which leaves these out.
fn denial(case: &mut Case, group: &str, excluded: &[&str]) {
    let scope =
        format!("/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/{group}");
    let denial = json!({ "name": "stack", "scope": scope, "actions": ["*"], "not_actions": ["*/read"],
        "excluded": excluded });
    case.world.deny_assignments.push(serde_json::from_value(denial).unwrap());
}

/// Everything is allowed but this.
fn without(case: &mut Case, right: &str) {
    let all = ["11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"];
    let grants = all.map(|id| {
        json!({ "scope": format!("/subscriptions/{id}"), "actions": ["*"], "not_actions": [right] })
    });
    case.world.rights = Some(serde_json::from_value(json!(grants)).unwrap());
}

/// A gateway of the hub that has so many circuits, each of a place.
fn hub_links(case: &mut Case, count: u32, place: fn(u32) -> String) {
    let gateway = format!("{SEA}/expressRouteGateways/ergw-hub-sea");
    let hub = json!({ "id": format!("{SEA}/virtualHubs/hub-sea") });
    case.add(json!({ "id": gateway, "location": "southeastasia", "properties": {
        "virtualHub": hub, "autoScaleConfiguration": { "bounds": { "min": 1, "max": 2 } } } }));
    for n in 0..count {
        let name = format!("er-more{n}");
        circuit(
            &name,
            |body| {
                body["properties"]["serviceProviderProperties"]["peeringLocation"] = json!(place(n))
            },
            case,
        );
        let peering = format!("{CIR}/expressRouteCircuits/{name}/peerings/AzurePrivatePeering");
        case.add(
            json!({ "id": format!("{gateway}/expressRouteConnections/con{n}"), "properties": {
            "expressRouteCircuitPeering": { "id": peering }, "routingWeight": n } }),
        );
    }
}

/// A subnet of a service in the hub, which the hub's table is given to.
fn service_subnet(case: &mut Case, name: &str, delegations: &Value) {
    with_subnet(
        case,
        json!({ "name": name, "properties": {
        "addressPrefix": "10.10.10.64/26", "delegations": delegations } }),
    );
    case.want(
        "hub_association",
        "/with/subnet",
        json!(format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/{name}")),
    );
}

fn many_prefixes(case: &mut Case, count: u32) {
    let prefixes = (0..count).map(|n| {
        let (high, low) = (n >> 8, n & 255);
        format!("172.{}.{}.{low}/32", 16 + (high >> 8), high & 255).parse::<ipnet::IpNet>().unwrap()
    });
    case.world.onprem.sites[0].prefixes.extend(prefixes);
}

fn many_spaces(case: &mut Case, count: u32) {
    let space: Vec<String> =
        (0..count).map(|n| format!("10.{}.{}.0/24", 60 + (n >> 8), n & 255)).collect();
    case.set("vnet-app1-sea", "/properties/addressSpace/addressPrefixes", json!(space));
}

fn standing_gateway(sku: &str) -> Value {
    json!({
        "id": ERGW, "location": "southeastasia",
        "properties": {
            "gatewayType": "ExpressRoute", "sku": { "name": sku, "tier": sku },
            "ipConfigurations": [{ "name": "c", "properties": {
                "subnet": { "id": format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet") } } }],
        },
    })
}

/// The address that a gateway is to have, where the author brings one.
fn address(case: &mut Case, sku: &str, zones: &Value) {
    let action = &mut case.step("gateway").action;
    let mut stored = serde_json::to_value(&*action).unwrap();
    stored["with"]["public_ip"] = json!(format!("{SEA}/publicIPAddresses/pip-ergw-hub-sea"));
    *action = serde_json::from_value(stored).unwrap();
    case.add(json!({
        "id": format!("{SEA}/publicIPAddresses/pip-ergw-hub-sea"), "location": "southeastasia",
        "sku": { "name": sku }, "zones": zones, "properties": { "publicIPAllocationMethod": "Static" },
    }));
}

/// A side of a peering that stands, towards the target's hub or from it.
fn stands_peered(case: &mut Case, near: &str, far: &str) {
    let side = json!({ "name": format!("{near}-to-{far}"), "properties": {
        "remoteVirtualNetwork": { "id": format!("{SEA}/virtualNetworks/{far}") },
        "allowVirtualNetworkAccess": true, "peeringState": "Connected", "peeringSyncLevel": "FullyInSync" } });
    let properties = &mut case.body(near)["properties"];
    if !properties["virtualNetworkPeerings"].is_array() {
        properties["virtualNetworkPeerings"] = json!([]);
    }
    properties["virtualNetworkPeerings"].as_array_mut().unwrap().push(side);
}

/// A peering of the hub with a network beside stands, and the run removes one side of it.
fn half_removed(case: &mut Case) {
    let mut beside = case.body("vnet-app1-sea").clone();
    beside["id"] = json!(format!("{SEA}/virtualNetworks/vnet-beside"));
    beside["properties"] =
        json!({ "addressSpace": { "addressPrefixes": ["10.210.0.0/24"] }, "subnets": [] });
    case.add(beside);
    stands_peered(case, "vnet-hub-sea", "vnet-beside");
    stands_peered(case, "vnet-beside", "vnet-hub-sea");
    let id = format!(
        "{SEA}/virtualNetworks/vnet-hub-sea/virtualNetworkPeerings/vnet-hub-sea-to-vnet-beside"
    );
    case.instead("bgp_up", json!({ "action": "remove", "with": { "kind": "peering", "id": id } }));
    case.step("bgp_up").ensure.clear();
}

/// A VPN gateway that stands in the target's hub.
fn vpn_gateway(name: &str) -> Value {
    json!({
        "id": format!("{SEA}/virtualNetworkGateways/{name}"), "location": "southeastasia",
        "properties": {
            "gatewayType": "Vpn", "vpnType": "RouteBased",
            "sku": { "name": "VpnGw1AZ", "tier": "VpnGw1AZ" },
            "ipConfigurations": [{ "name": "c", "properties": {
                "subnet": { "id": format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/GatewaySubnet") } } }],
        },
    })
}

/// The first address of the VPN gateway, as it stands.
fn vpn_address(case: &mut Case, sku: &str, zones: &Value) {
    case.add(json!({
        "id": format!("{SEA}/publicIPAddresses/pip-vgw-hub-sea-1"), "location": "southeastasia",
        "sku": { "name": sku }, "zones": zones, "properties": { "publicIPAllocationMethod": "Static" },
    }));
    // The step that would make it comes after the gateway's.
    case.step("address.1").action = serde_json::from_value(json!({
        "action": "wait", "with": { "duration": "1s" } }))
    .unwrap();
}

/// Connections of the gateway to circuits at places.
fn links(case: &mut Case, count: u32, place: fn(u32) -> String) {
    for n in 0..count {
        let name = format!("er{n}");
        let at = place(n);
        circuit(
            &name,
            |body| body["properties"]["serviceProviderProperties"]["peeringLocation"] = json!(at),
            case,
        );
        case.add(link(&format!("con{n}"), ERGW, &name, n.into()));
    }
}

/// Routing intent of the target's hub.
fn routing_intent() -> Value {
    let hub = format!("{SEA}/virtualHubs/hub-sea");
    let policy = json!({ "name": "private", "destinations": ["PrivateTraffic"],
        "nextHop": format!("{SEA}/azureFirewalls/fw") });
    json!({ "id": format!("{hub}/routingIntent/ri"), "name": "ri",
        "properties": { "routingPolicies": [policy] } })
}

/// Lets the connection be made with a secret: the key of the authorization that the source has spent.
fn given_key(case: &mut Case) {
    let (param, _) = crate::support::KNOWN_KEY;
    case.plan.secrets.insert(param.to_owned(), "env:A_KNOWN_KEY".parse().unwrap());
    case.want("connection", "/with/authorization", json!({ "param": param }));
}

#[tokio::test]
async fn every_rule_fires_in_a_world_of_its_own_and_not_where_all_is_well() {
    let rules: Vec<_> = FAMILIES.iter().flat_map(|(_, _, rules)| rules.iter()).collect();
    let covered: BTreeSet<&str> = CASES.iter().map(|(rule, ..)| *rule).collect();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), rules.len(), "ids are unique");
    assert_eq!(covered, ids, "each rule has its world, and each world its rule");
    let mut well = Case::of(MAIN);
    let bandwidth = "/properties/serviceProviderProperties/bandwidthInMbps";
    well.set("er-singapore", bandwidth, json!(1_000));
    let well = well.found().await;
    assert_eq!(failed(&well), BTreeSet::new(), "all is well there");
    assert_eq!(failed(&Case::of(VPN).found().await), BTreeSet::new(), "all is well there as well");
    let mut silent = Vec::new();
    for (rule, runbook, spoil) in CASES {
        let mut case = Case::of(runbook);
        spoil(&mut case);
        if !failed(&case.found().await).contains(rule) {
            silent.push(*rule);
        }
    }
    assert!(silent.is_empty(), "these do not fire: {silent:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_not_passed_off_as_well() {
    let mut case = Case::of(MAIN);
    case.world.faults.push(
        serde_json::from_value(json!({
            "method": "GET", "resource": "*/er-singapore", "times": 99,
            "effect": { "refuse": { "status": 403, "code": "AuthorizationFailed" } },
        }))
        .unwrap(),
    );
    let found = case.found().await;
    let of = |rule: &str| found.findings.iter().find(|f| f.rule == rule).map(|f| f.verdict.clone());
    assert!(matches!(of("CIR-EXISTS"), Some(FindingVerdict::Unknown(_))), "{:?}", of("CIR-EXISTS"));
    assert_eq!(found.blocking().count(), 0, "what is not known does not stop a run");
}

#[test]
fn every_rule_says_what_why_and_what_to_do() {
    for rule in FAMILIES.iter().flat_map(|(_, _, rules)| rules.iter()) {
        for text in [rule.fails_when, rule.why, rule.fix] {
            assert!(text.ends_with('.'), "{}: {text}", rule.id);
        }
        assert!(!rule.source.is_empty() && !rule.reads.is_empty(), "{}", rule.id);
    }
    let blocking = FAMILIES
        .iter()
        .flat_map(|(_, _, r)| r.iter())
        .filter(|r| r.severity == FindingSeverity::Block);
    assert!(blocking.count() > 20);
}

#[tokio::test]
async fn a_waived_rule_does_not_stop_a_run_and_a_typo_waives_nothing() {
    let mut case = Case::of(MAIN);
    case.remove("er-singapore");
    let mut found = case.found().await;
    assert!(found.blocking().next().is_some());
    assert!(!found.waive("CIR-EXIST", "typo"));
    assert!(found.waive("CIR-EXISTS", "it is ordered"));
    assert!(found.blocking().all(|finding| finding.rule != "CIR-EXISTS"));
}

/// What the swap asks for is judged as the author means it: the old connection goes first.
#[tokio::test]
async fn removing_the_other_connection_first_makes_the_same_addresses_right() {
    let case = Case::of("same-circuit-swap.yaml");
    assert!(!failed(&case.found().await).contains("ADDR-SAME-CIRCUIT"));
    let mut hasty = Case::of("same-circuit-swap.yaml");
    let id: ResourceId = format!("{SEA}/connections/x").parse().unwrap();
    hasty.step("disconnect").action = Action::Verify(Verification::Absent { resource: id });
    hasty.step("disconnect").needs = vec![StepName::parse("circuit_ready").unwrap()];
    assert!(failed(&hasty.found().await).contains("ADDR-SAME-CIRCUIT"));
}
