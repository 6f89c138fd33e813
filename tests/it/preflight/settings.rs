//! What stands where machines are to come up, and what their network settings name.

use super::*;

/// What a rule says of the machines of the prepared failover.
async fn told(rule: &str, change: impl FnOnce(&mut Case)) -> Vec<String> {
    let mut case = Case::of(PREPARED);
    change(&mut case);
    said(&case.found().await, rule)
        .into_iter()
        .map(|(about, why)| format!("{about}: {why}"))
        .collect()
}

const NONE: [String; 0] = [];

/// A network card in the subnet of the machines, with an address and a machine.
fn interface(c: &mut Case, name: &str, address: &str, machine: &str) {
    let app1 = format!("{SEA}/virtualNetworks/vnet-app1-sea");
    let apps = SEA.replace("rg-network-sea/providers/Microsoft.Network", "rg-apps-sea/providers");
    c.add(json!({ "id": format!("{SEA}/networkInterfaces/{name}"), "location": "southeastasia",
        "properties": { "virtualMachine": { "id": format!("{apps}/Microsoft.Compute/virtualMachines/{machine}") },
            "ipConfigurations": [{ "name": "c", "properties": { "privateIPAddress": address,
                "subnet": { "id": format!("{app1}/subnets/snet-app") } } }] } }));
}

/// The database's card, which is to come up with an address.
fn placed(address: &str) -> Value {
    let mut own = card("snet-app", address);
    let apps = EA.replace("rg-network-ea", "rg-apps-ea");
    own["sourceNicArmId"] = json!(format!("{apps}/networkInterfaces/nic-db"));
    own
}

#[tokio::test]
async fn an_address_that_another_card_has_is_not_to_be_had() {
    let with = |name: &'static str, address: &'static str, machine: &'static str| {
        move |c: &mut Case| {
            c.set("vm-db", CARDS, json!([placed("10.1.0.9")]));
            interface(c, name, address, machine);
        }
    };
    let [said] = told("ASR-ADDRESS", with("nic-fw", "10.1.0.9", "fw")).await.try_into().unwrap();
    assert!(said.ends_with("/vm-db: it is to be 10.1.0.9, which nic-fw has"), "{said}");
    assert_eq!(told("ASR-ADDRESS", with("nic-fw", "10.1.0.8", "fw")).await, NONE);
    // What an earlier failover left of the machine itself is taken up again.
    assert_eq!(told("ASR-ADDRESS", with("nic-left", "10.1.0.9", "VM-DB")).await, NONE);
    assert_eq!(told("ASR-ADDRESS", with("NIC-DB", "10.1.0.9", "old")).await, NONE);
    // A load balancer's address is one, too.
    let balancer = |c: &mut Case| {
        c.set("vm-db", CARDS, json!([placed("10.1.0.9")]));
        let lb = format!("{SEA}/loadBalancers/lb");
        c.add(json!({ "id": lb, "location": "southeastasia", "properties": {
            "frontendIPConfigurations": [{ "name": "f", "properties": { "privateIPAddress": "10.1.0.9" } }] } }));
        c.body("vnet-app1-sea")["properties"]["subnets"][0]["properties"]["ipConfigurations"] =
            json!([{ "id": format!("{lb}/frontendIPConfigurations/f") }]);
    };
    let [said] = told("ASR-ADDRESS", balancer).await.try_into().unwrap();
    assert!(said.ends_with("which lb has"), "{said}");
}

#[tokio::test]
async fn a_machine_with_a_fixed_address_is_not_to_get_any() {
    let with = |own: &'static str, kind: &'static str, there: &'static str, given: &'static str| {
        move |c: &mut Case| {
            let mut card = card("snet-app", given);
            let config = &mut card["ipConfigs"][0];
            config["staticIPAddress"] = json!(own);
            config["ipAddressType"] = json!(kind);
            config["recoveryIPAddressType"] = json!(there);
            c.set("vm-db", CARDS, json!([card]));
        }
    };
    let [said] =
        told("ASR-ADDRESS", with("10.1.0.9", "Static", "Dynamic", "")).await.try_into().unwrap();
    assert!(said.ends_with("it has 10.1.0.9 for good, and is to get any address here"), "{said}");
    // Its address is not one of this subnet; it had any before; it is given one.
    for (own, kind, there, given) in [
        ("10.9.0.9", "Static", "Dynamic", ""),
        ("10.1.0.9", "Dynamic", "Dynamic", ""),
        ("10.1.0.9", "Static", "Static", ""),
        ("10.1.0.9", "Static", "Dynamic", "10.1.0.10"),
    ] {
        assert_eq!(told("ASR-ADDRESS", with(own, kind, there, given)).await, NONE);
    }
}

#[tokio::test]
async fn what_the_settings_of_a_machine_name_is_there_and_where_it_comes_up() {
    let group = |home: Option<&'static str>| {
        move |c: &mut Case| {
            let id = format!("{SEA}/networkSecurityGroups/nsg-db");
            let mut own = placed("");
            own["recoveryNetworkSecurityGroupId"] = json!(id);
            c.set("vm-db", CARDS, json!([own]));
            if let Some(home) = home {
                c.add(json!({ "id": id, "location": home, "properties": { "securityRules": [] } }));
            }
        }
    };
    assert_eq!(told("ASR-NAMED", group(Some("southeastasia"))).await, NONE);
    assert_eq!(told("ASR-NAMED", group(Some("Southeast Asia"))).await, NONE);
    let [said] = told("ASR-NAMED", group(None)).await.try_into().unwrap();
    assert!(said.ends_with("/vm-db: its security group nsg-db is not there"), "{said}");
    let [said] = told("ASR-NAMED", group(Some("eastasia"))).await.try_into().unwrap();
    assert!(said.contains("nsg-db is in eastasia, and vnet-app1-sea in southeastasia"), "{said}");
    let pool = |has: Option<&'static str>, left: bool| {
        move |c: &mut Case| {
            let lb = format!("{SEA}/loadBalancers/lb");
            let mut own = placed("");
            own["ipConfigs"][0]["isSeletedForFailover"] = json!(!left);
            own["ipConfigs"][0]["recoveryLBBackendAddressPoolIds"] =
                json!([format!("{lb}/backendAddressPools/db")]);
            c.set("vm-db", CARDS, json!([own]));
            if let Some(has) = has {
                c.add(json!({ "id": lb, "location": "southeastasia",
                    "properties": { "backendAddressPools": [{ "name": has }] } }));
            }
        }
    };
    assert_eq!(told("ASR-NAMED", pool(Some("DB"), false)).await, NONE);
    assert_eq!(told("ASR-NAMED", pool(None, true)).await, NONE);
    let [said] = told("ASR-NAMED", pool(Some("web"), false)).await.try_into().unwrap();
    assert!(said.ends_with("lb has no pool db"), "{said}");
    let [said] = told("ASR-NAMED", pool(None, false)).await.try_into().unwrap();
    assert!(said.ends_with("its pool db of lb is not there"), "{said}");
    let address = |c: &mut Case| {
        let mut own = placed("");
        own["ipConfigs"][0]["recoveryPublicIPAddressId"] =
            json!(format!("{EA}/publicIPAddresses/pip-db"));
        c.set("vm-db", CARDS, json!([own]));
    };
    let [said] = told("ASR-NAMED", address).await.try_into().unwrap();
    assert!(said.ends_with("its public address pip-db is not there"), "{said}");
}

#[tokio::test]
async fn a_recovery_point_of_days_ago_is_told() {
    let age = |seconds: Value| {
        move |c: &mut Case| {
            c.set("vm-db", "/properties/providerSpecificDetails/rpoInSeconds", seconds)
        }
    };
    let [said] = told("ASR-POINT", age(json!(400_000))).await.try_into().unwrap();
    assert!(said.ends_with("/vm-db: it is 111 hours old"), "{said}");
    // An outage of some hours is no fault of the replication; what is not told is not judged.
    assert_eq!(told("ASR-POINT", age(json!(7_200))).await, NONE);
    assert_eq!(told("ASR-POINT", age(Value::Null)).await, NONE);
}

/// The network of a test that is peered, and has these addresses besides.
pub(super) fn open_test(c: &mut Case, space: &str) {
    let hub = json!({ "id": format!("{SEA}/virtualNetworks/vnet-hub-sea") });
    let properties = &mut c.body("vnet-test-sea")["properties"];
    properties["addressSpace"]["addressPrefixes"] = json!([space]);
    properties["subnets"] = json!([]);
    properties["virtualNetworkPeerings"] = json!([{ "name": "to-hub", "properties": {
        "peeringState": "Connected", "remoteVirtualNetwork": hub } }]);
}

#[tokio::test]
async fn copies_with_the_addresses_of_machines_that_serve_are_kept_apart() {
    let of = async |change: &dyn Fn(&mut Case)| {
        let mut case = Case::of("site-recovery-test.yaml");
        change(&mut case);
        said(&case.found().await, "ASR-TEST-OPEN").into_iter().map(|(_, why)| why).next()
    };
    let why = of(&|c| open_test(c, "10.1.0.0/24")).await.unwrap();
    assert!(
        why.starts_with(
            "its peering to-hub is connected, and it has 10.1.0.0/24, as vnet-app1-sea"
        ),
        "{why}"
    );
    assert_eq!(of(&|_| {}).await, None);
    assert_eq!(of(&|c| open_test(c, "10.77.0.0/24")).await, None);
    // Alone with the same addresses, as a test is meant to be.
    let alone = |c: &mut Case| {
        open_test(c, "10.1.0.0/24");
        c.set("vnet-test-sea", "/properties/virtualNetworkPeerings", json!([]));
    };
    assert_eq!(of(&alone).await, None);
}

/// A rule that lets nothing out.
pub(super) fn deny_out(priority: u64) -> Value {
    json!({ "name": "deny-out", "properties": { "priority": priority, "direction": "Outbound", "access": "Deny",
        "protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*",
        "sourceAddressPrefix": "*", "destinationAddressPrefix": "*" } })
}

fn allow_out(to: &str, priority: u64) -> Value {
    let mut rule = deny_out(priority);
    rule["name"] = json!("allow-out");
    rule["properties"]["access"] = json!("Allow");
    rule["properties"]["destinationAddressPrefix"] = json!(to);
    rule
}

/// The database is protected back from a subnet whose group has these rules.
pub(super) fn shut_in(c: &mut Case, rules: &Value) {
    protected_back(c);
    c.set("vm-db", CARDS, json!([card("snet-app", "")]));
    let group = format!("{SEA}/networkSecurityGroups/nsg-app");
    c.add(json!({ "id": group, "location": "southeastasia", "properties": { "securityRules": rules } }));
    c.body("vnet-app1-sea")["properties"]["subnets"][0]["properties"]["networkSecurityGroup"] =
        json!({ "id": group });
}

#[tokio::test]
async fn machines_that_are_protected_back_reach_the_services_that_take() {
    let [said] =
        told("ASR-NSG", |c| shut_in(c, &json!([deny_out(4000)]))).await.try_into().unwrap();
    assert_eq!(said, "vnet-app1-sea/snet-app: rule deny-out of group nsg-app denies it");
    let inner = json!([allow_out("VirtualNetwork", 100), deny_out(4000)]);
    assert_eq!(told("ASR-NSG", |c| shut_in(c, &inner)).await.len(), 1);
    for rules in [
        json!([]),
        json!([allow_out("Storage.EastAsia", 100), deny_out(4000)]),
        json!([allow_out("20.33.0.0/16", 100), deny_out(4000)]),
        json!([allow_out("Internet", 100), deny_out(4000)]),
    ] {
        assert_eq!(told("ASR-NSG", |c| shut_in(c, &rules)).await, NONE, "{rules}");
    }
    // Nothing of it goes out where the vault has private endpoints, and nobody protects back without a step.
    let private = |c: &mut Case| {
        shut_in(c, &json!([deny_out(4000)]));
        c.set(
            "vault-recovery-sea",
            "/properties/privateEndpointStateForSiteRecovery",
            json!("Enabled"),
        );
    };
    assert_eq!(told("ASR-NSG", private).await, NONE);
    let stays = |c: &mut Case| {
        shut_in(c, &json!([deny_out(4000)]));
        c.plan.steps.pop();
    };
    assert_eq!(told("ASR-NSG", stays).await, NONE);
}
