//! What an estate has beside its networks is taken over or told: nothing of it is dropped in silence.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeMap;

use backroad::init::Wish;
use backroad::model::Region;
use backroad::sim::Scenario;
use serde_json::{Value, json};

use crate::support::told::{Told, body, estate_file, told};
use crate::support::world_file;

/// The name of the connection and of the gateway of the source.
fn source_connection(scenario: &Scenario) -> (String, String) {
    let own = |kind: &str| {
        let is_it = |body: &&Value| body["id"].as_str().unwrap().contains(kind);
        let body = scenario.resources.iter().find(is_it).unwrap();
        body["id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    };
    (own("/connections/"), own("/virtualNetworkGateways/"))
}

#[test]
fn the_networks_of_a_virtual_wan_are_not_said_to_be_left_out_and_are_listed() {
    let scenario = world_file("vwan-two-hubs.yaml");
    let region = |name: &str| Some(Region::parse(name).unwrap());
    let wish =
        Wish { source: region("eastasia"), target: region("southeastasia"), ..Wish::default() };
    let Told { todo, explained, .. } = told(&scenario, &wish);
    assert!(!todo.iter().any(|own| own.contains("is left out")), "{todo:?}");
    assert!(!explained.contains("none that is peered with a hub"), "{explained}");
    for pair in ["hub-ea -> hub-sea", "vnet-app1-ea -> vnet-app1-sea"] {
        assert!(explained.contains(pair), "{explained}");
    }
}

#[test]
fn fast_path_of_the_source_is_taken_over_or_told() {
    let mut scenario = estate_file("same-addresses");
    let (connection, gateway) = source_connection(&scenario);
    let has =
        |files: &BTreeMap<String, String>| files["my-failover.yaml"].contains("fast_path: true");
    let plain = told(&scenario, &Wish::default());
    assert!(!has(&plain.files) && !plain.todo.iter().any(|own| own.contains("FastPath")));
    body(&mut scenario, &connection)["properties"]["expressRouteGatewayBypass"] = json!(true);
    body(&mut scenario, &gateway)["properties"]["sku"] =
        json!({ "name": "ErGw3AZ", "tier": "ErGw3AZ" });
    let taken = told(&scenario, &Wish::default());
    assert!(has(&taken.files), "{}", taken.files["my-failover.yaml"]);
    assert!(!taken.todo.iter().any(|own| own.contains("FastPath")), "{:?}", taken.todo);
    // A gateway that cannot: said, and not written.
    let smaller = vec![("gateway_sku".to_owned(), "ErGw1AZ".to_owned())];
    let cannot = told(&scenario, &Wish { params: smaller, ..Wish::default() });
    assert!(!has(&cannot.files));
    assert!(cannot.todo.iter().any(|own| own.contains("has FastPath, and")), "{:?}", cannot.todo);
}

#[test]
fn one_network_of_other_addresses_has_its_names_asked_for() {
    let scenario = estate_file("same-addresses");
    let plain = told(&scenario, &Wish::default());
    assert!(!plain.files["my-failover.yaml"].contains("\n  names:"));
    let mut mixed = scenario;
    body(&mut mixed, "vnet-erp-neu")["properties"] = json!({
        "addressSpace": { "addressPrefixes": ["10.77.2.0/24"] },
        "subnets": [{ "name": "snet-work", "properties": { "addressPrefix": "10.77.2.0/25" } }],
    });
    let Told { files, todo, .. } = told(&mixed, &Wish::default());
    let runbook = &files["my-failover.yaml"];
    assert!(runbook.contains("\n  names:"), "{runbook}");
    let prose = runbook.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        prose.contains("vnet-erp-weu (") && prose.contains("comes up as vnet-erp-neu (10.77.2.0/")
    );
    let said = todo.iter().find(|own| own.contains("and this one does not")).unwrap();
    assert!(said.contains("vnet-erp-neu (10.77.2.0/"), "{said}");
}

#[test]
fn networks_of_a_virtual_wan_with_other_addresses_have_their_names_and_resolvers_asked_for() {
    let mut scenario = world_file("vwan-two-hubs.yaml");
    body(&mut scenario, "vnet-app1-ea")["properties"]["dhcpOptions"] =
        json!({ "dnsServers": ["10.9.0.4"] });
    let region = |name: &str| Some(Region::parse(name).unwrap());
    let wish =
        Wish { source: region("eastasia"), target: region("southeastasia"), ..Wish::default() };
    let Told { files, todo, .. } = told(&scenario, &wish);
    let prose = files["my-failover.yaml"].split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(prose.contains("comes up as vnet-app1-sea (10."), "{prose}");
    assert!(prose.contains("let on-premises firewalls pass them"), "{prose}");
    let says = |words: &str| todo.iter().any(|own| own.contains(words));
    assert!(says("comes up as vnet-app1-sea (10.") && says("the step `names` asks"), "{todo:?}");
    assert!(says("vnet-app1-ea asks 10.9.0.4 for names"), "{todo:?}");
}
