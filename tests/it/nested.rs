//! Deployments inside a template, and networks that are written with their subnets: as templates of today's tools have
//! both.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use backroad::azure::Method;
use serde_json::{Value, json};

use crate::cloud::{GROUP, Served};

/// A module as Bicep writes one: a table under a name of its own parameters, whose id it answers with.
fn module(scope: Option<&str>, name: &str) -> Value {
    let parameters =
        if scope == Some("inner") { "[parameters('name')]" } else { "[parameters('table')]" };
    let mut properties = json!({
        "mode": "Incremental",
        "template": {
            "contentVersion": "1.0.0.0",
            "resources": [{
                "type": "Microsoft.Network/routeTables", "apiVersion": "2023-09-01",
                "name": parameters, "location": "southeastasia", "properties": {"routes": []},
            }],
            "outputs": {"id": {
                "type": "string",
                "value": format!("[resourceId('Microsoft.Network/routeTables', {})]", &parameters[1..parameters.len() - 1]),
            }},
        },
    });
    if let Some(scope) = scope {
        properties["expressionEvaluationOptions"] = json!({"scope": scope});
    }
    if scope == Some("inner") {
        properties["parameters"] = json!({"name": {"value": "[parameters('table')]"}});
        properties["template"]["parameters"] = json!({"name": {"type": "string"}});
    }
    json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": name, "properties": properties})
}

/// A template with a module, and a network whose subnet follows the table that the module made.
fn around(module: &Value) -> Value {
    let name = module["name"].as_str().unwrap();
    let made = format!(
        "[reference(resourceId('Microsoft.Resources/deployments', '{name}')).outputs.id.value]"
    );
    let template = json!({
        "contentVersion": "1.0.0.0",
        "parameters": {"table": {"type": "string"}},
        "resources": [module, {
            "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-09-01",
            "name": "vnet-around", "location": "southeastasia",
            "dependsOn": [format!("[resourceId('Microsoft.Resources/deployments', '{name}')]")],
            "properties": {
                "addressSpace": {"addressPrefixes": ["10.210.0.0/16"]},
                "subnets": [{"name": "s", "properties": {"addressPrefix": "10.210.1.0/24", "routeTable": {"id": made}}}],
            },
        }],
        "outputs": {"made": {"type": "string", "value": made}},
    });
    json!({"properties": {"mode": "Incremental", "template": template, "parameters": {"table": {"value": "rt-inside"}}}})
}

#[tokio::test]
async fn a_deployment_inside_a_template_is_begun_in_its_turn_and_its_outputs_are_referred_to() {
    for scope in [Some("inner"), Some("outer"), None] {
        let served = Served::new().await;
        let own = format!("{GROUP}/providers/Microsoft.Resources/deployments/whole");
        let wanted = around(&module(scope, "table"));
        let (_, foretold) =
            served.arm(Method::Post, &format!("{own}/whatIf"), wanted.clone()).await;
        let first = &foretold["properties"]["changes"][0];
        assert!(
            first["resourceId"].as_str().unwrap().ends_with("routeTables/rt-inside"),
            "{foretold}"
        );
        assert_eq!(first["changeType"], "Create");
        let (status, told) = served.arm(Method::Put, &own, wanted).await;
        assert_eq!(status, 201, "{told}");
        let ended = served.ended(&own).await;
        assert_eq!(ended["properties"]["provisioningState"], "Succeeded", "{scope:?}: {ended}");
        let made = ended["properties"]["outputs"]["made"]["value"].as_str().unwrap().to_owned();
        assert!(made.ends_with("/routeTables/rt-inside"), "{made}");
        let subnet =
            format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-around/subnets/s");
        assert_eq!(served.get(&subnet).await["properties"]["routeTable"]["id"], made);
        let inside =
            served.get(&format!("{GROUP}/providers/Microsoft.Resources/deployments/table")).await;
        assert_eq!(inside["properties"]["provisioningState"], "Succeeded");
    }
}

#[tokio::test]
async fn what_goes_wrong_inside_is_told_around_it_and_nothing_nests_without_end() {
    let served = Served::new().await;
    let own = format!("{GROUP}/providers/Microsoft.Resources/deployments/fails");
    let mut wrong = module(Some("inner"), "wrong");
    wrong["properties"]["template"]["resources"][0]["location"] = Value::Null;
    served.arm(Method::Put, &own, around(&wrong)).await;
    let ended = served.ended(&own).await;
    assert_eq!(ended["properties"]["provisioningState"], "Failed", "{ended}");
    assert!(ended.to_string().contains("LocationRequired"), "{ended}");

    let own = format!("{GROUP}/providers/Microsoft.Resources/deployments/deep");
    let mut deep = module(Some("inner"), "d0");
    for level in 1..12 {
        let mut next = module(Some("inner"), &format!("d{level}"));
        next["properties"]["template"]["resources"] = json!([deep]);
        next["properties"]["template"]["parameters"] =
            json!({"name": {"type": "string"}, "table": {"type": "string", "defaultValue": "t"}});
        next["properties"]["template"]["outputs"] = json!({});
        deep = next;
    }
    served.arm(Method::Put, &own, around(&deep)).await;
    let ended = served.ended(&own).await;
    assert!(ended.to_string().contains("one within another"), "{ended}");
}

#[tokio::test]
async fn a_network_is_not_written_with_subnets_that_cannot_be() {
    let served = Served::new().await;
    let network = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-new");
    let with = |subnets: Value| json!({"location": "southeastasia", "properties": {"addressSpace": {"addressPrefixes": ["10.220.0.0/16"]}, "subnets": subnets}});
    let table = format!("{GROUP}/providers/Microsoft.Network/routeTables/not-there");
    let cases = [
        (
            json!([{"name": "s", "properties": {"addressPrefix": "10.221.0.0/24"}}]),
            "NetcfgInvalidSubnet",
        ),
        (
            json!([
                {"name": "s", "properties": {"addressPrefix": "10.220.0.0/24"}},
                {"name": "t", "properties": {"addressPrefixes": ["10.220.0.128/25"]}},
            ]),
            "overlaps with another subnet",
        ),
        (
            json!([{"name": "s", "properties": {"addressPrefix": "10.220.0.0/24", "routeTable": {"id": table}}}]),
            "InvalidResourceReference",
        ),
    ];
    for (subnets, why) in cases {
        let (status, told) = served.arm(Method::Put, &network, with(subnets)).await;
        assert_eq!(status, 400, "{why}: {told}");
        assert!(told.to_string().contains(why), "{why}: {told}");
        let (status, _) = served.arm(Method::Get, &network, Value::Null).await;
        assert_eq!(status, 404, "nothing of it is made");
    }
    let fine = json!([{"name": "s", "properties": {"addressPrefix": "10.220.0.0/24"}}]);
    let (status, told) = served.arm(Method::Put, &network, with(fine)).await;
    assert_eq!(status, 201, "{told}");
}

#[tokio::test]
async fn a_network_is_not_written_without_a_subnet_that_is_in_use() {
    let served = Served::new().await;
    let hub = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-hub-sea");
    let mut body = served.get(&hub).await;
    let subnet = format!("{hub}/subnets/GatewaySubnet");
    served
        .arm(Method::Put, &subnet, json!({"properties": {"addressPrefix": "10.10.10.128/25"}}))
        .await;
    served.clock.advance(std::time::Duration::from_secs(120));
    let gateway = format!("{GROUP}/providers/Microsoft.Network/virtualNetworkGateways/gw");
    let wanted = json!({"location": "southeastasia", "properties": {
        "gatewayType": "ExpressRoute", "sku": {"name": "ErGw1AZ", "tier": "ErGw1AZ"},
        "ipConfigurations": [{"name": "a", "properties": {"subnet": {"id": subnet}}}],
    }});
    let (status, told) = served.arm(Method::Put, &gateway, wanted).await;
    assert_eq!(status, 201, "{told}");
    served.clock.advance(std::time::Duration::from_secs(7200));
    served.get(&gateway).await;
    let sent = body["properties"]["subnets"].as_array_mut().unwrap();
    sent.retain(|subnet| subnet["name"] != "GatewaySubnet");
    let (status, told) = served.arm(Method::Put, &hub, body).await;
    assert_eq!(status, 400, "{told}");
    assert!(told.to_string().contains("InUseSubnetCannotBeDeleted"), "{told}");
}
