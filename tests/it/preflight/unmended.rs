//! What no waiting mends, and what a run would meet half way: refusals of reads, bandwidths that nobody sells, Route
//! Servers and hubs that are in the way.

use backroad::model::Condition;

use super::*;

async fn why(case: Case, rule: &str) -> Vec<String> {
    said(&case.found().await, rule)
        .into_iter()
        .map(|(about, why)| format!("{about}: {why}"))
        .collect()
}

const NONE: [&str; 0] = [];

#[tokio::test]
async fn a_subscription_that_is_not_shown_stops_the_run_where_a_step_needs_it() {
    let case = |scope: &str| {
        let mut case = Case::of(MAIN);
        case.refuse(scope, 404, "SubscriptionNotFound");
        case
    };
    let found = case("/subscriptions/22222222*").found().await;
    let blocked: Vec<_> = found.blocking().filter(|own| own.rule == "SUB-SEEN").collect();
    assert_eq!(blocked.len(), 1, "{blocked:?}");
    assert_eq!(blocked[0].about, "subscription 22222222-2222-2222-2222-222222222222");
    // The steps that need it are not to run.
    let mut idle = case("/subscriptions/22222222*");
    for step in &mut idle.plan.steps {
        step.when = Some(Condition::Known(false));
    }
    assert_eq!(why(idle, "SUB-SEEN").await, NONE);
    // Another one, which only a peer is of.
    let mut other = case("/subscriptions/33333333*");
    other.set("vnet-app1-sea", "/properties/virtualNetworkPeerings", json!([{ "name": "x", "properties": {
        "peeringState": "Connected", "remoteVirtualNetwork": { "id":
            SEA.replace("11111111-1111-1111-1111-111111111111", "33333333-3333-3333-3333-333333333333")
                + "/virtualNetworks/theirs" } } }]));
    assert_eq!(why(other, "SUB-SEEN").await, NONE);
    // The circuit is somebody else's, whose key we have.
    let mut theirs = Case::of(MAIN);
    let circuits: Vec<String> = theirs
        .plan
        .steps
        .iter()
        .filter(|step| {
            let own = step.action.subject().map(ResourceId::subscription);
            own == Some("22222222-2222-2222-2222-222222222222")
        })
        .map(|step| step.name.to_string())
        .collect();
    for name in circuits {
        theirs.instead(&name, json!({ "action": "wait", "with": { "duration": "1s" } }));
    }
    given_key(&mut theirs);
    theirs.refuse("/subscriptions/22222222*", 404, "SubscriptionNotFound");
    assert_eq!(why(theirs, "SUB-SEEN").await, NONE);
}

#[tokio::test]
async fn a_version_that_is_not_taken_stops_the_run_where_a_step_needs_the_type() {
    for code in ["NoRegisteredProviderFound", "InvalidApiVersionParameter"] {
        let mut case = Case::of(MAIN);
        case.refuse("*/virtualNetworkGateways/ergw-hub-sea", 400, code);
        let found = case.found().await;
        let blocked: Vec<_> = found.blocking().filter(|own| own.rule == "API-TAKEN").collect();
        assert_eq!(blocked.len(), 1, "{blocked:?}");
        assert_eq!(blocked[0].about, "Microsoft.Network/virtualNetworkGateways");
    }
    // What only a rule looks at, and what is refused for another reason.
    let mut case = Case::of(MAIN);
    case.refuse("*/usages", 400, "NoRegisteredProviderFound");
    assert_eq!(why(case, "API-TAKEN").await, NONE);
    let mut case = Case::of(MAIN);
    case.refuse("*/virtualNetworkGateways/ergw-hub-sea", 403, "AuthorizationFailed");
    assert_eq!(why(case, "API-TAKEN").await, NONE);
}

#[tokio::test]
async fn a_gateways_table_leaves_the_route_server_to_the_network() {
    let of = async |routes: Value, stands: bool| {
        let mut case = Case::of(MAIN);
        kept_hubs::route_server(&mut case, "vnet-hub-sea");
        if !stands {
            case.remove("ipconfig1");
        }
        with_table(&mut case, &routes, false);
        why(case, "GWS-ROUTE-SERVER").await
    };
    let local = json!({ "name": "l", "properties": { "addressPrefix": "10.201.0.0/26", "nextHopType": "VnetLocal" } });
    let [said] = of(json!([appliance("10.201.0.0/24")]), true).await.try_into().unwrap();
    let told =
        "its route 10.201.0.0/24 takes what goes to RouteServerSubnet (10.201.0.0/26) elsewhere";
    assert!(said.ends_with(told), "{said}");
    assert_eq!(of(json!([appliance("10.201.0.4/32")]), true).await.len(), 1);
    for (routes, stands) in [
        // The network's own route is longer; the longer one stays in the network; another subnet; nobody stands there.
        (json!([appliance("10.0.0.0/8")]), true),
        (json!([appliance("10.201.0.0/24"), local]), true),
        (json!([appliance("10.1.0.0/24")]), true),
        (json!([appliance("10.201.0.0/24")]), false),
    ] {
        assert_eq!(of(routes.clone(), stands).await, NONE, "{routes} {stands}");
    }
}

#[tokio::test]
async fn a_bandwidth_that_is_never_had_stops_the_run_where_its_step_does() {
    let of = async |mbps: u64, stops: bool, direct: Option<u64>| {
        let mut case = Case::of(PREPARED);
        case.step("bandwidth").when = None;
        case.step("bandwidth").on_failure =
            if stops { OnFailure::Stop } else { OnFailure::Continue };
        case.want("bandwidth", "/with/mbps_min", json!(mbps));
        if let Some(gbps) = direct {
            let properties = &mut case.body("er-singapore")["properties"];
            properties.as_object_mut().unwrap().remove("serviceProviderProperties");
            properties["bandwidthInGbps"] = json!(gbps);
            properties["expressRoutePort"] =
                json!({ "id": format!("{CIR}/expressRoutePorts/port") });
        }
        let found = case.found().await;
        let of = |rule: &str| said(&found, rule).into_iter().map(|(_, why)| why).next();
        (of("BW-NEVER"), of("BW-RAISE"))
    };
    let (never, raise) = of(20_000, true, None).await;
    assert_eq!(
        never.as_deref(),
        Some("step `bandwidth` wants 20000 Mbps, which no provider sells")
    );
    assert_eq!(raise, None, "said once");
    let (never, _) = of(5_000, true, Some(2)).await;
    assert!(
        never.is_some_and(|why| why.contains("it has 2000 Mbps of a port of ExpressRoute Direct"))
    );
    // The run goes on without it: that is worth a line, and no more.
    let (never, raise) = of(20_000, false, None).await;
    assert_eq!((never, raise.is_some()), (None, true));
    // It is sold, or the port gives it already.
    assert_eq!(of(2_000, true, None).await.0, None);
    assert_eq!(of(2_000, true, Some(2)).await, (None, None));
}

#[tokio::test]
async fn a_failed_gateway_that_a_step_writes_again_is_told() {
    let of = async |state: &'static str| {
        let mut case = Case::of(MAIN);
        with_subnet(&mut case, gateway_subnet("10.10.10.128/25"));
        let mut gateway = standing_gateway("ErGw1AZ");
        gateway["properties"]["provisioningState"] = json!(state);
        case.add(gateway);
        let found = case.found().await;
        assert!(found.blocking().next().is_none(), "{:?}", failed(&found));
        said(&found, "GW-AGAIN").into_iter().map(|(_, why)| why).collect::<Vec<_>>()
    };
    let told = "its provisioningState is Failed, and step `gateway` writes it again";
    assert_eq!(of("Failed").await, [told]);
    assert_eq!(of("Succeeded").await, NONE);
    assert_eq!(why(Case::of(MAIN), "GW-AGAIN").await, NONE);
}

#[tokio::test]
async fn whether_a_network_takes_the_default_route_of_its_hub_is_asked_where_there_is_one() {
    let of =
        async |given: Option<bool>, prefix: Option<&str>, stands: bool, intent: Option<&str>| {
            let mut case = Case::of(VWAN);
            // They follow the default table.
            case.unsaid("network.app1", "routing");
            case.unsaid("network.app2", "routing");
            if let Some(said) = given {
                case.also("network.app1", "internet_security", json!(said));
                case.also("network.app2", "internet_security", json!(said));
            }
            if let Some(prefix) = prefix {
                case.add(default_table(prefix));
            }
            if let Some(destination) = intent {
                let mut own = routing_intent();
                own["properties"]["routingPolicies"][0]["destinations"] = json!([destination]);
                case.add(own);
            }
            if stands {
                for (app, shared) in [("app1", "con-app1-sea"), ("app2", "con-app2-sea")] {
                    let mut own = case.body("con-shared-sea").clone();
                    own["id"] = json!(format!(
                        "{SEA}/virtualHubs/hub-sea/hubVirtualNetworkConnections/{shared}"
                    ));
                    own["properties"]["remoteVirtualNetwork"] =
                        json!({ "id": format!("{SEA}/virtualNetworks/vnet-{app}-sea") });
                    case.add(own);
                }
            }
            why(case, "HUB-DEFAULT").await.len()
        };
    assert_eq!(of(None, Some("0.0.0.0/0"), false, None).await, 2);
    assert_eq!(of(None, None, false, Some("Internet")).await, 2);
    assert_eq!(of(Some(false), Some("0.0.0.0/0"), false, None).await, 0);
    assert_eq!(of(Some(true), Some("0.0.0.0/0"), false, None).await, 0);
    assert_eq!(of(None, Some("10.50.0.0/16"), false, None).await, 0);
    assert_eq!(of(None, None, false, Some("PrivateTraffic")).await, 0);
    assert_eq!(of(None, None, false, None).await, 0);
    // One that stands keeps what it has.
    assert_eq!(of(None, Some("0.0.0.0/0"), true, None).await, 0);
}

/// A step more, after others.
fn then(case: &mut Case, name: &str, needs: &[&str], action: Value) {
    let mut step = case.plan.steps[0].clone();
    step.name = StepName::parse(name).unwrap();
    step.needs = needs.iter().map(|own| StepName::parse(own).unwrap()).collect();
    step.when = None;
    step.action = serde_json::from_value(action).unwrap();
    case.plan.steps.push(step);
}

#[tokio::test]
async fn a_network_that_the_run_connects_to_a_hub_has_no_way_out_of_its_own() {
    let vnet = format!("{SEA}/virtualNetworks/vnet-app1-sea");
    let gateway = json!({ "action": "gateway.ensure", "with": {
        "id": format!("{SEA}/virtualNetworkGateways/ergw-own"), "location": "southeastasia", "sku": "ErGw1AZ",
        "subnet": format!("{vnet}/subnets/GatewaySubnet"), "tags": {} } });
    let peering = json!({ "action": "peering.ensure", "with": {
        "id": format!("{vnet}/virtualNetworkPeerings/to-shared"),
        "remote": format!("{SEA}/virtualNetworks/vnet-shared-sea"), "use_remote_gateways": true } });
    for (rule, action) in [("VP-OWN-GW", &gateway), ("VP-ONE-REMOTE", &peering)] {
        let mut case = Case::of(VWAN);
        then(&mut case, "own", &["network.app1"], action.clone());
        let [said] = why(case, rule).await.try_into().unwrap();
        let told =
            "vnet-app1-sea is connected to the hub hub-sea by then, and uses what stands in it";
        assert!(said.ends_with(told), "{said}");
        // Of a network that no hub has, nothing is in the way.
        let mut free = Case::of(VWAN);
        let elsewhere = action.to_string().replace("vnet-app1-sea", "vnet-free-sea");
        let mut body = free.body("vnet-app1-sea").clone();
        body["id"] = json!(format!("{SEA}/virtualNetworks/vnet-free-sea"));
        free.add(body);
        then(&mut free, "own", &["network.app1"], serde_json::from_str(&elsewhere).unwrap());
        assert_eq!(why(free, rule).await, NONE, "{rule}");
    }
    // And none that it leaves again.
    let mut leaves = Case::of(VWAN);
    let connection = leaves.step("network.app1").action.subject().unwrap().clone();
    then(
        &mut leaves,
        "gone",
        &["network.app1"],
        json!({ "action": "remove",
        "with": { "kind": "hub_vnet", "id": connection } }),
    );
    then(&mut leaves, "own", &["gone"], gateway);
    assert_eq!(why(leaves, "VP-OWN-GW").await, NONE);
}
