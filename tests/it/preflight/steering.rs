//! Where clients and machines are sent: what a profile looks at, and whom a network asks for names.

use super::*;

/// A network is given a DNS server, in a step of its own; it has no table, whose appliance may do anything.
pub(super) fn ask(case: &mut Case, vnet: &str, server: &str) {
    let subnet = format!("{SEA}/virtualNetworks/vnet-app2-sea/subnets/snet-app");
    case.want("spoke_association.app1", "/with/subnet", json!(subnet));
    let mut step = case.step("circuit_ready").clone();
    step.name = StepName::parse("names").unwrap();
    let with = json!({ "id": format!("{SEA}/virtualNetworks/{vnet}"), "servers": [server] });
    step.action = serde_json::from_value(json!({ "action": "vnet.dns", "with": with })).unwrap();
    case.plan.steps.push(step);
}

/// What is said of a DNS server of the first spoke; none where it is not judged at all.
async fn of_server(server: &str, change: impl FnOnce(&mut Case)) -> Option<Option<String>> {
    let mut case = Case::of(MAIN);
    ask(&mut case, "vnet-app1-sea", server);
    change(&mut case);
    let found = case.found().await;
    let own = found.findings.iter().find(|finding| finding.rule == "DNS-SERVER")?;
    match &own.verdict {
        FindingVerdict::Failed(why) => Some(Some(why.clone())),
        _ => Some(None),
    }
}

#[tokio::test]
async fn a_dns_server_is_one_that_the_network_reaches() {
    let lost = of_server("10.99.99.99", |_| {}).await.flatten();
    let why = "10.99.99.99 is in no network that it reaches, and nobody advertises it";
    assert_eq!(lost.as_deref(), Some(why));
    // In its own network, in that of the hub, in the other spoke, on-premises, Azure's own, outside.
    for server in ["10.1.0.9", "10.10.10.9", "10.2.0.9", "10.100.0.9", "168.63.129.16", "9.9.9.9"] {
        assert_eq!(of_server(server, |_| {}).await, Some(None), "{server}");
    }
}

#[tokio::test]
async fn a_dns_server_that_an_appliance_or_a_hub_may_reach_is_not_judged() {
    let own_table = |c: &mut Case| {
        c.add(table(&json!([appliance("10.0.0.0/8")]), false));
        c.body("vnet-app1-sea")["properties"]["subnets"][0]["properties"]["routeTable"] =
            json!({ "id": format!("{SEA}/routeTables/rt-bad") });
    };
    assert_eq!(of_server("10.99.99.99", own_table).await, None);
    let server = |c: &mut Case| kept_hubs::route_server(c, "vnet-hub-sea");
    assert_eq!(of_server("10.99.99.99", server).await, None);
    let hub = |c: &mut Case| {
        let side = kept_hubs::of_hub("hub-x");
        c.body("vnet-app1-sea")["properties"]["virtualNetworkPeerings"] = json!([side]);
    };
    assert_eq!(of_server("10.99.99.99", hub).await, None);
    // What on-premises tells is not known.
    let blind = |c: &mut Case| {
        let fault = json!({ "method": "POST", "resource": "*routeTables*", "times": 99,
            "effect": { "refuse": { "status": 403, "code": "AuthorizationFailed" } } });
        c.world.faults.push(serde_json::from_value(fault).unwrap());
    };
    assert_eq!(of_server("10.99.99.99", blind).await, None);
}

#[tokio::test]
async fn a_priority_counts_where_the_profile_routes_by_it() {
    let of = async |method: &'static str, key: &'static str| {
        let mut case = Case::of(VPN);
        case.set("tm-portal", "/properties/trafficRoutingMethod", json!(method));
        case.also("portal_here", key, json!(7));
        said(&case.found().await, "TM-METHOD").into_iter().map(|(_, why)| why).next()
    };
    let why = "it is given a priority, and tm-portal routes by Performance";
    assert_eq!(of("Performance", "priority").await.as_deref(), Some(why));
    assert_eq!(of("Priority", "priority").await, None);
    assert_eq!(of("priority", "priority").await, None);
    let why = "it is given a weight, and tm-portal routes by Priority";
    assert_eq!(of("Priority", "weight").await.as_deref(), Some(why));
    assert_eq!(of("Weighted", "weight").await, None);
}

#[tokio::test]
async fn an_endpoint_that_leads_to_a_profile_which_is_off_is_told_when_it_is_switched_on() {
    let of = async |status: &'static str, on: bool| {
        let mut case = Case::of(VPN);
        let profile = case.body("tm-portal").clone();
        let child = profile["id"].as_str().unwrap().replace("tm-portal", "tm-child");
        let mut below = profile.clone();
        below["id"] = json!(child);
        below["properties"]["profileStatus"] = json!(status);
        case.add(below);
        let id = format!("{}/nestedEndpoints/child", profile["id"].as_str().unwrap());
        case.add(json!({ "id": id, "properties": { "targetResourceId": child,
            "endpointStatus": "Enabled", "priority": 3, "minChildEndpoints": 1 } }));
        case.want("portal_here", "/with/id", json!(id));
        case.want("portal_here", "/with/enabled", json!(on));
        said(&case.found().await, "TM-PROFILE")
            .into_iter()
            .map(|(about, _)| about)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("Disabled", true).await, ["tm-child"]);
    let none: [&str; 0] = [];
    assert_eq!(of("Enabled", true).await, none);
    assert_eq!(of("Disabled", false).await, none);
}

#[tokio::test]
async fn a_record_that_is_remembered_for_longer_than_the_objective_is_told() {
    let of = async |ttl: u64, rto: Option<u64>| {
        let mut case = Case::of(VPN);
        case.set("A/portal", "/properties/ttl", json!(ttl));
        case.plan.objective.rto = rto.map(std::time::Duration::from_secs);
        said(&case.found().await, "DNS-TTL").into_iter().map(|(_, why)| why).next()
    };
    let why = "its ttl is 86400 seconds, and the objective 7200";
    assert_eq!(of(86_400, Some(7_200)).await.as_deref(), Some(why));
    assert_eq!(of(7_200, Some(7_200)).await, None);
    assert_eq!(of(86_400, None).await, None);
}
