//! Where machines come up, with what address, and what their recovery plans wait for: said of what would go wrong,
//! and of nothing else.

use super::*;

/// What the rules about arrivals say of the machines of the prepared failover, one of which has these cards.
async fn told(rule: &str, change: impl FnOnce(&mut Case)) -> Vec<String> {
    let mut case = Case::of(PREPARED);
    change(&mut case);
    said(&case.found().await, rule)
        .into_iter()
        .map(|(about, why)| format!("{about}: {why}"))
        .collect()
}

#[tokio::test]
async fn a_subnet_is_looked_for_when_the_machine_fails_over_and_not_before() {
    let cards =
        |subnet: &'static str| move |c: &mut Case| c.set("vm-db", CARDS, json!([card(subnet, "")]));
    let none: [String; 0] = [];
    assert_eq!(told("ASR-SUBNET", cards("snet-app")).await, none);
    assert_eq!(told("ASR-SUBNET", cards("SNET-APP")).await, none);
    // Site Recovery takes one that is there.
    assert_eq!(told("ASR-SUBNET", cards("")).await, none);
    let [said] = told("ASR-SUBNET", cards("snet-db")).await.try_into().unwrap();
    assert!(
        said.ends_with(
            "/vm-db: it is to come up in snet-db, and vnet-app1-sea has none of that name then"
        ),
        "{said}"
    );
    // A card of its own network, and one that stays behind.
    let elsewhere = |left: bool| {
        move |c: &mut Case| {
            let mut own = card("snet-db", "");
            own["recoveryVMNetworkId"] = json!(format!("{SEA}/virtualNetworks/vnet-app2-sea"));
            own["ipConfigs"][0]["isSeletedForFailover"] = json!(!left);
            c.set("vm-db", CARDS, json!([card("snet-app", ""), own]));
        }
    };
    let [said] = told("ASR-SUBNET", elsewhere(false)).await.try_into().unwrap();
    assert!(said.contains("vnet-app2-sea has none"), "{said}");
    assert_eq!(told("ASR-SUBNET", elsewhere(true)).await, none);
    // Once it has failed over, nothing of it is to come up.
    let over = |c: &mut Case| {
        c.set("vm-db", CARDS, json!([card("snet-db", "")]));
        c.set("vm-db", "/properties/activeLocation", json!("Recovery"));
    };
    assert_eq!(told("ASR-SUBNET", over).await, none);
}

#[tokio::test]
async fn an_address_is_one_that_the_subnet_can_give_and_nobody_elses() {
    let address = |own: &'static str| {
        move |c: &mut Case| c.set("vm-db", CARDS, json!([card("snet-app", own)]))
    };
    let none: [String; 0] = [];
    assert_eq!(told("ASR-ADDRESS", address("")).await, none);
    assert_eq!(told("ASR-ADDRESS", address("10.1.0.9")).await, none);
    for (own, why) in [
        ("10.9.0.9", "it is to be 10.9.0.9, and snet-app is 10.1.0."),
        ("10.1.0.3", "it is to be 10.1.0.3, which Azure keeps for itself in 10.1.0."),
    ] {
        let [said] = told("ASR-ADDRESS", address(own)).await.try_into().unwrap();
        assert!(said.contains(why), "{said}");
    }
    let twice = |c: &mut Case| {
        for machine in ["vm-db", "vm-app1"] {
            c.set(machine, CARDS, json!([card("snet-app", "10.1.0.9")]));
        }
    };
    let all = told("ASR-ADDRESS", twice).await;
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[0].ends_with("it is to be 10.1.0.9, and vm-db as well"), "{all:?}");
}

#[tokio::test]
async fn the_way_home_is_looked_for_of_each_network_that_machines_stand_in() {
    let said_without = async |gone: &[&str]| {
        let mut case = Case::of(PREPARED);
        protected_back(&mut case);
        gone.iter().for_each(|name| case.remove(name));
        said(&case.found().await, "ASR-MAPPING")
            .into_iter()
            .map(|(about, _)| about)
            .collect::<Vec<_>>()
    };
    let none: [String; 0] = [];
    assert_eq!(said_without(&[]).await, none);
    // What leads there is not what leads back.
    assert_eq!(said_without(&["app1-ea-sea", "app2-ea-sea"]).await, none);
    let both = said_without(&["app1-sea-ea", "app2-sea-ea"]).await;
    assert_eq!(both, ["vnet-app1-sea", "vnet-app2-sea"]);
    // Nobody protects back here.
    let mut there = Case::of(PREPARED);
    there.remove("app1-sea-ea");
    assert_eq!(said(&there.found().await, "ASR-MAPPING"), []);
}

#[tokio::test]
async fn the_group_of_the_machines_is_looked_at_as_one_that_is_written_into() {
    let of = async |runbook: &str, change: &dyn Fn(&mut Case)| {
        let mut case = Case::of(runbook);
        change(&mut case);
        let failed = failed(&case.found().await);
        ["ASR-LOCK", "RG-THERE", "RG-HOME"].map(|rule| failed.contains(rule))
    };
    let test = "site-recovery-test.yaml";
    assert_eq!(of(PREPARED, &|_| {}).await, [false; 3]);
    let locked = |level: &'static str| move |c: &mut Case| lock(c, "rg-apps-sea", level);
    assert_eq!(of(PREPARED, &locked("ReadOnly")).await, [true, false, false]);
    // What is made is not removed: only the cleanup of a test does that.
    assert_eq!(of(PREPARED, &locked("CanNotDelete")).await, [false; 3]);
    assert_eq!(of(test, &locked("CanNotDelete")).await, [true, false, false]);
    let gone =
        |c: &mut Case| c.world.resource_groups.retain(|own| !own.id.ends_with("/rg-apps-sea"));
    assert_eq!(of(PREPARED, &gone).await, [false, true, false]);
    let home = |c: &mut Case| {
        let own = c.world.resource_groups.iter_mut().find(|own| own.id.ends_with("/rg-apps-sea"));
        own.unwrap().location = backroad::model::Region::parse("eastasia").unwrap();
    };
    assert_eq!(of(PREPARED, &home).await, [false, false, true]);
}

#[tokio::test]
async fn an_action_of_a_recovery_plan_counts_for_the_failover_that_is_asked_for() {
    let manual = json!({ "instanceType": "ManualActionDetails", "description": "Look." });
    let own = |subscription: &str| {
        json!({ "instanceType": "AutomationRunbookActionDetails", "runbookId": format!(
            "/subscriptions/{subscription}/resourceGroups/rg-auto/providers/Microsoft.Automation\
             /automationAccounts/aa/runbooks/names") })
    };
    let with = |details: &Value, kind: &'static str, direction: &'static str| {
        let mut action = acts(details);
        action["failoverTypes"] = json!([kind]);
        action["failoverDirections"] = json!([direction]);
        move |c: &mut Case| {
            c.set("rp-apps", "/properties/groups/2/startGroupActions", json!([action]))
        }
    };
    let there = "PrimaryToRecovery";
    let none: [String; 0] = [];
    let said = told("ASR-MANUAL", with(&manual, "UnplannedFailover", there)).await;
    assert_eq!(said, ["vault-recovery-sea/rp-apps: it waits for a person at: of the plan"]);
    let back = "RecoveryToPrimary";
    assert_eq!(told("ASR-MANUAL", with(&manual, "UnplannedFailover", back)).await, none);
    assert_eq!(told("ASR-MANUAL", with(&manual, "TestFailover", there)).await, none);
    let home = own("11111111-1111-1111-1111-111111111111");
    assert_eq!(told("ASR-AUTOMATION", with(&home, "UnplannedFailover", there)).await, none);
    let abroad = own("22222222-2222-2222-2222-222222222222");
    let [said] =
        told("ASR-AUTOMATION", with(&abroad, "UnplannedFailover", there)).await.try_into().unwrap();
    assert!(
        said.ends_with("runs names, which is of subscription 22222222-2222-2222-2222-222222222222"),
        "{said}"
    );
}

#[tokio::test]
async fn an_appliance_is_passed_by_fastpath_on_a_providers_circuit_alone() {
    let case = CASES.iter().find(|(rule, ..)| *rule == "LINK-FASTPATH-PAST").unwrap();
    let none: [String; 0] = [];
    let provider = told("LINK-FASTPATH-PAST", case.2).await;
    assert_eq!(provider.len(), 1, "{provider:?}");
    assert!(provider[0].ends_with("rt-gateway sends 10.1.0.0/24 to an appliance"), "{provider:?}");
    let direct = |c: &mut Case| {
        (case.2)(c);
        let port = format!("{CIR}/expressRoutePorts/port");
        c.set("er-singapore", "/properties/expressRoutePort", json!({ "id": port }));
    };
    assert_eq!(told("LINK-FASTPATH-PAST", direct).await, none);
    let slow = |c: &mut Case| {
        (case.2)(c);
        c.set("con-hub-sea-singapore", "/properties/expressRouteGatewayBypass", json!(false));
    };
    assert_eq!(told("LINK-FASTPATH-PAST", slow).await, none);
}
