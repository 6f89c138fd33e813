//! Subnets of Azure's services, and subnets that stand: what they are given is refused where Azure refuses it, and not
//! where it does not.

use super::*;

async fn fires(rule: &str, change: impl FnOnce(&mut Case)) -> bool {
    let mut case = Case::of(MAIN);
    change(&mut case);
    failed(&case.found().await).contains(rule)
}

fn spoilt(rule: &str) -> fn(&mut Case) {
    CASES.iter().find(|(own, ..)| *own == rule).unwrap().2
}

#[tokio::test]
async fn a_firewalls_subnet_takes_a_table_that_leads_to_the_internet() {
    let with_route = |c: &mut Case| {
        spoilt("SUB-FIREWALL")(c);
        let mut stored = serde_json::to_value(&c.step("hub_routes").action).unwrap();
        let routes = stored["with"]["routes"].as_array_mut().unwrap();
        let mut out = routes[0].clone();
        out["name"] = json!("out");
        out["prefix"] = json!("0.0.0.0/0");
        out["next_hop"] = json!("internet");
        routes.push(out);
        c.step("hub_routes").action = serde_json::from_value(stored).unwrap();
    };
    assert!(!fires("SUB-FIREWALL", with_route).await);
    assert!(!fires("SUB-FIREWALL", |c| service_subnet(c, "snet-other", &json!([]))).await);
}

#[tokio::test]
async fn a_group_is_for_bastion_and_an_application_gateway_if_it_lets_in_what_they_hear() {
    let lets = |ports: Value| {
        move |c: &mut Case| {
            spoilt("SUB-GROUP")(c);
            let rule = json!({ "name": "in", "properties": { "direction": "Inbound", "access": "Allow",
                "destinationPortRange": ports } });
            c.set("nsg", "/properties/securityRules", json!([rule]));
        }
    };
    for (ports, refused) in
        [(json!("443"), false), (json!("*"), false), (json!("400-500"), false), (json!("80"), true)]
    {
        assert_eq!(fires("SUB-GROUP", lets(ports.clone())).await, refused, "{ports}");
    }
    let gateway = |ports: Value| {
        move |c: &mut Case| {
            lets(ports)(c);
            let delegated = json!([{ "name": "g", "properties": {
                "serviceName": "Microsoft.Network/applicationGateways" } }]);
            let subnets = c.body("vnet-hub-sea")["properties"]["subnets"].as_array_mut().unwrap();
            let own = subnets.last_mut().unwrap();
            own["name"] = json!("snet-agw");
            own["properties"]["delegations"] = delegated;
            let Action::SecurityGroup(spec) = &mut c.step("hub_association").action else {
                panic!()
            };
            let hub = spec.subnet.parent().unwrap();
            spec.subnet = hub.child("subnets", "snet-agw").unwrap();
        }
    };
    assert!(fires("SUB-GROUP", gateway(json!("443"))).await);
    assert!(!fires("SUB-GROUP", gateway(json!("65200-65535"))).await);
}

#[tokio::test]
async fn a_managed_instances_table_is_left_to_it_and_others_are_not() {
    let others = |c: &mut Case| {
        spoilt("SUB-INTENT")(c);
        let subnets = c.body("vnet-hub-sea")["properties"]["subnets"].as_array_mut().unwrap();
        subnets.last_mut().unwrap()["properties"]["delegations"] = json!([]);
    };
    assert!(!fires("SUB-INTENT", others).await);
    let without = |c: &mut Case| {
        spoilt("SUB-INTENT")(c);
        c.set("rt-sql", "/properties/routes", json!([]));
    };
    assert!(!fires("SUB-INTENT", without).await);
}

#[tokio::test]
async fn a_gateways_subnet_that_stands_otherwise_stops_nothing_where_it_gives_room() {
    let stands = |prefixes: &'static [&'static str]| {
        move |c: &mut Case| {
            let mut subnet = gateway_subnet("10.10.10.0/24");
            subnet["properties"] = json!({ "addressPrefixes": prefixes });
            with_subnet(c, subnet);
        }
    };
    assert!(!fires("SUB-OTHER", stands(&["10.10.10.128/25"])).await);
    assert!(!fires("SUB-OTHER", stands(&["10.10.10.128/26", "10.10.10.192/26"])).await);
    assert!(fires("SUB-OTHER", stands(&["10.10.10.128/26"])).await);
}

#[tokio::test]
async fn a_policy_that_puts_a_group_on_the_gateways_subnet_is_no_thing_to_bear() {
    let kind = "Microsoft.Network/virtualNetworks/subnets";
    let adds = |field: &'static str, value: String| {
        move |c: &mut Case| {
            let policy = json!({ "name": "groups", "types": [kind], "modify": [{
                "operation": "addOrReplace", "field": format!("{kind}/{field}"), "value": value }] });
            c.world.policies.push(serde_json::from_value(policy).unwrap());
        }
    };
    let group = format!("{SEA}/networkSecurityGroups/nsg");
    assert!(fires("POLICY-CONTRADICTS", adds("networkSecurityGroup.id", group.clone())).await);
    let nat = format!("{SEA}/natGateways/nat");
    assert!(!fires("POLICY-CONTRADICTS", adds("natGateway.id", nat)).await);
    assert!(
        fires("POLICY-MODIFY", adds("networkSecurityGroup.id", group)).await,
        "of other subnets"
    );
}

/// The hub's subnet of appliances is one of firewalls.
pub(super) fn firewall_subnet(case: &mut Case) {
    let subnets = case.body("vnet-hub-sea")["properties"]["subnets"].as_array_mut().unwrap();
    let own = subnets.iter_mut().find(|own| own["name"] == "snet-nva").unwrap();
    own["name"] = json!("AzureFirewallSubnet");
}

#[tokio::test]
async fn an_address_in_a_firewalls_subnet_is_that_of_a_firewall_that_runs() {
    let with = |configurations: Value| {
        move |case: &mut Case| {
            firewall_subnet(case);
            case.add(
                json!({ "id": format!("{SEA}/azureFirewalls/fw"), "location": "southeastasia",
                "properties": { "sku": { "name": "AZFW_VNet", "tier": "Standard" },
                    "ipConfigurations": configurations } }),
            );
        }
    };
    let at = |address: &str| {
        let subnet = format!("{SEA}/virtualNetworks/vnet-hub-sea/subnets/AzureFirewallSubnet");
        json!([{ "name": "own", "properties": { "privateIPAddress": address,
            "privateIPAllocationMethod": "Dynamic", "subnet": { "id": subnet } } }])
    };
    const RULE: &str = "UDR-FIREWALL-IP";
    assert!(!fires(RULE, |_| ()).await, "an appliance in a subnet of its own");
    assert!(fires(RULE, firewall_subnet).await, "no firewall at all");
    assert!(fires(RULE, with(json!([]))).await, "deallocated");
    assert!(fires(RULE, with(at("10.10.10.4"))).await, "it came back elsewhere");
    assert!(!fires(RULE, with(at("10.10.10.10"))).await, "it runs");
}

#[tokio::test]
async fn a_hubs_table_leads_to_a_firewall_that_runs_in_that_hub() {
    let in_hub = |hub: &str| {
        json!({ "sku": { "name": "AZFW_Hub", "tier": "Standard" },
            "virtualHub": { "id": format!("{SEA}/virtualHubs/{hub}") },
            "hubIPAddresses": { "privateIPAddress": "10.40.0.68" } })
    };
    for (properties, fires) in [(in_hub("hub-sea"), false), (in_hub("hub-ea"), true)] {
        let mut case = Case::of(VWAN);
        hubs_firewall(&mut case, &properties);
        assert_eq!(failed(&case.found().await).contains("HUB-FIREWALL"), fires, "{properties}");
    }
}
