//! What an action is forgotten in: each is compiled from the table of the language, with what it must have and no more.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeSet;

use backroad::cli::session::claimed;
use backroad::model::compared::FIELDS;
use backroad::model::{ActionClass, Plan, ResourceId};
use backroad::plan::{CompileOptions, compile};
use backroad::runbook::SourceFile;
use backroad::runbook::actions::ACTIONS;
use backroad::runbook::grammar::{Field, Kind};
use serde_json::{Map, Value, json};

use crate::reference::outputs;
use crate::support::{all_shipped, compiled};

/// What an action wants besides the keys that must be there, or instead of what any of their kind would do.
fn besides(action: &str) -> Value {
    let endpoint = "Microsoft.Network/trafficManagerProfiles/azureEndpoints";
    match action {
        "route.ensure" => json!({ "next_hop": "internet" }),
        "local_network_gateway.ensure" => {
            json!({ "address": "203.0.113.7", "prefixes": ["10.100.0.0/16"] })
        }
        "vpn_connection.ensure" | "vpn_connection.remove" => {
            json!({ "shared_key": "${params.psk}" })
        }
        "virtual_hub.ensure" => json!({ "prefix": "10.0.0.0/23" }),
        "traffic_manager.endpoint" => json!({ "endpoint": id(endpoint), "enabled": true }),
        "probe.http" | "http" => json!({ "url": "https://example.com/" }),
        "probe.dns" => json!({ "expect": ["192.0.2.1"] }),
        "decision" => {
            json!({ "options": [{ "name": "a", "text": "A" }, { "name": "b", "text": "B" }] })
        }
        "route_table.ensure" | "hub_routes.ensure" => json!({ "routes": [] }),
        _ => json!({}),
    }
}

/// An id of a type.
fn id(kind: &str) -> String {
    let kind = if kind.is_empty() { "Microsoft.Network/virtualNetworks" } else { kind };
    let (provider, types) = kind.split_once('/').unwrap();
    let path: Vec<String> = types.split('/').map(|own| format!("{own}/x")).collect();
    format!("/subscriptions/s/resourceGroups/g/providers/{provider}/{}", path.join("/"))
}

/// A value of a kind.
fn value(kind: &Kind) -> Value {
    match kind {
        Kind::Int(min, _) => json!(min),
        Kind::Bool => json!(true),
        Kind::Duration => json!("5m"),
        Kind::Cidr | Kind::Destination => json!("10.0.0.0/24"),
        Kind::Ip => json!("10.0.0.1"),
        Kind::Region => json!("southeastasia"),
        Kind::Id(of) | Kind::IdOrName(of) => json!(id(of)),
        Kind::OneOf(words) => json!(words[0]),
        Kind::List(inner) => json!([value(inner)]),
        Kind::OneOrMany(inner) => value(inner),
        Kind::Object(fields) => Value::Object(required(fields)),
        _ => json!("x"),
    }
}

fn required(fields: &[Field]) -> Map<String, Value> {
    let must = fields.iter().filter(|field| field.required);
    must.map(|field| (field.key.to_owned(), value(&field.kind))).collect()
}

/// A plan of one step for each action, by the action's name.
fn each() -> Vec<(&'static str, Plan)> {
    let plan = |(name, _, fields): &(&'static str, &str, &[Field])| {
        let mut with = required(fields);
        with.extend(besides(name).as_object().unwrap().clone());
        let step = json!({ "action": name, "title": "One", "with": with });
        let runbook = json!({
            "runbook": "each", "title": "Each", "steps": { "one": step },
            "params": { "psk": { "type": "secret", "from": "env:PSK" } },
        });
        let source = SourceFile::new("each.yaml", runbook.to_string());
        let compiled = compile(&source, &CompileOptions::default());
        let said = &compiled.diagnostics;
        (*name, compiled.plan.unwrap_or_else(|| panic!("{name} is not compiled: {said:?}")))
    };
    ACTIONS.iter().map(plan).collect()
}

#[test]
fn each_action_of_the_language_is_compiled_to_itself() {
    for (name, plan) in each() {
        assert_eq!(plan.steps()[0].action.name(), name);
    }
}

#[test]
fn the_reference_says_what_each_action_puts_out() {
    for (name, plan) in each() {
        let all = plan.steps()[0].action.outputs();
        let own: Vec<&str> =
            all.iter().map(|(name, _)| *name).filter(|name| *name != "id").collect();
        assert_eq!(own, outputs(name), "{name}: `OUTPUTS` of tests/it/reference.rs");
    }
}

#[test]
fn what_is_made_with_tags_is_where_they_are_completed_too() {
    for (name, plan) in each() {
        let mut action = plan.steps()[0].action.clone();
        let shown = action.nature().tracked.is_some();
        assert_eq!(action.tags_mut().is_some(), shown, "{name}: `tags_mut` and its nature");
    }
}

/// What writes and compares no fields, and why.
const NOTHING_TO_COMPARE: [(&str, &str); 6] = [
    ("authorization.ensure", "it has a name and nothing else"),
    ("recovery_plan.failover", "the machines' states say where they are"),
    ("recovery_plan.commit", "the machines' states say where they are"),
    ("recovery_plan.reprotect", "the machines' states say where they are"),
    ("recovery_plan.test_failover", "the machines' states say where they are"),
    ("recovery_plan.test_cleanup", "the machines' states say where they are"),
];

#[test]
fn what_each_action_writes_has_rows_in_the_table_of_comparisons() {
    for (name, plan) in each() {
        let writes = match plan.steps()[0].action.nature().class {
            ActionClass::Make | ActionClass::Change => true,
            ActionClass::Release
            | ActionClass::Remove
            | ActionClass::Call
            | ActionClass::Look
            | ActionClass::Ask
            | ActionClass::Wait => false,
        };
        let exempt = NOTHING_TO_COMPARE.iter().any(|(own, _)| *own == name);
        let compares = FIELDS.iter().any(|row| row.action == name);
        assert_eq!(compares, writes && !exempt, "{name}: rows in src/model/compared/table.rs?");
    }
}

/// What is read by steps and may be read and written by several runs at once.
const NOT_CLAIMED: [(&str, &str); 10] = [
    ("Microsoft.Network/azureFirewalls", "its address is read"),
    ("Microsoft.Network/connections", "the key of another tunnel is read"),
    ("Microsoft.Network/expressRouteCircuits/authorizations", "a key for one connection is read"),
    ("Microsoft.Network/localNetworkGateways", "what it says of a device is read"),
    ("Microsoft.Network/networkSecurityGroups", "any number of subnets may use it"),
    ("Microsoft.Network/publicIPAddresses", "Azure gives it to one gateway"),
    ("Microsoft.Network/routeTables", "any number of subnets may use it"),
    ("Microsoft.Network/virtualHubs/hubVirtualNetworkConnections", "routes may lead to it"),
    ("Microsoft.Network/virtualNetworks/subnets", "Azure lets one gateway stand in it"),
    ("Microsoft.Network/virtualWans", "any number of hubs are in it"),
];

#[test]
fn what_steps_rely_on_is_claimed_or_may_be_shared() {
    let shipped =
        all_shipped().into_iter().map(|(book, profile)| compiled(&book, &profile).1.plan.unwrap());
    let mut shared: BTreeSet<&str> = BTreeSet::new();
    for plan in shipped.chain(each().into_iter().map(|(_, plan)| plan)) {
        let claims = claimed(&plan);
        for step in plan.steps().iter().filter(|step| step.action.nature().class.writes()) {
            let open: Vec<&ResourceId> =
                step.action.reads().into_iter().filter(|id| !claims.contains(id)).collect();
            for id in open {
                let kind = id.resource_type();
                let known = NOT_CLAIMED.iter().find(|(own, _)| kind.is(own));
                let (own, _) = known.unwrap_or_else(|| {
                    panic!("{} reads {kind}: `SHARED` of src/cli/session.rs?", step.action.name())
                });
                shared.insert(own);
            }
        }
    }
    let unread: Vec<_> = NOT_CLAIMED.iter().filter(|(kind, _)| !shared.contains(kind)).collect();
    assert!(unread.is_empty(), "nothing reads {unread:?}: take it off the list");
}
