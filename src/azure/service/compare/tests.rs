//! Does each field that an action writes have its row, and is what holds left as it is?

use proptest::prelude::*;
use serde_json::json;

use super::super::{
    association, authorization, bandwidth, circuit_tier, connection, gateway, hub, public_ip,
    route_table, steering, subnet, virtual_network, vnet_peering, vpn,
};
use super::*;
use crate::model::action::*;
use crate::model::azure_limits::{GATEWAY_SKUS, VPN_SKUS};
use crate::model::compared::FIELDS;
use crate::model::{Action, Assessment, Region, SecretRef};

mod anything;

use anything::*;

#[test]
fn each_row_is_of_an_action_that_is_tried_here() {
    let mut chance = Chance(7);
    let tried: Vec<&str> = (0..KINDS).map(|kind| action(kind, &mut chance).name()).collect();
    for row in FIELDS {
        assert!(tried.contains(&row.action), "{}: an arm in anything.rs, and `KINDS`", row.action);
    }
}

fn assess(action: &Action, body: Option<&Value>) -> Assessment {
    match action {
        Action::PublicIp(spec) => public_ip::assess(spec, body),
        Action::Subnet(spec) => subnet::assess(spec, body),
        Action::Gateway(spec) => gateway::assess(spec, body),
        Action::Connection(spec) => connection::assess(spec, body),
        Action::Peering(spec) => vnet_peering::assess(spec, body),
        Action::RouteTable(spec) => route_table::assess(spec, body, &firewalls()),
        Action::Route(spec) => route_table::assess_route(spec, body, &firewalls()),
        Action::Association(spec) => association::assess(spec, body),
        Action::SecurityGroup(spec) => association::assess_security(spec, body),
        Action::Bandwidth(spec) => bandwidth::assess(spec, body),
        Action::Tier(spec) => circuit_tier::assess(spec, body),
        Action::Dns(spec) => virtual_network::assess(spec, body),
        Action::Authorization(spec) => authorization::assess(spec, body),
        Action::Vpn(own) => vpn::assess(own, body),
        Action::Steering(own) => steering::assess(own, body),
        Action::Hub(spec) => hub::assess(spec, body),
        other => panic!("{other:?} compares no fields"),
    }
}

/// What is there before an action, where it cannot make it itself.
fn ground(action: &Action) -> Option<Value> {
    match action {
        Action::Association(_) | Action::SecurityGroup(_) => {
            Some(json!({ "properties": { "addressPrefix": "10.0.0.0/27" } }))
        }
        Action::Dns(_) => Some(json!({ "properties": {
            "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] } } })),
        Action::Tier(_) => Some(json!({ "sku": {
            "name": "Standard_MeteredData", "tier": "Standard", "family": "MeteredData" } })),
        Action::Steering(Steering::Endpoint(_)) => {
            Some(json!({ "properties": { "target": "ea.example.com" } }))
        }
        Action::Bandwidth(_) => Some(json!({ "properties": {
            "serviceProviderProperties": { "bandwidthInMbps": 100 } } })),
        _ => None,
    }
}

/// Applies an action until nothing is left to write; says how many writes it took.
fn applied(action: &Action, mut body: Option<Value>) -> (usize, Value) {
    for writes in 0..3 {
        match assess(action, body.as_ref()).verdict {
            Assessed::Change(change) => body = change.write.body,
            Assessed::Holds => return (writes, body.unwrap()),
            other => panic!("{action:?} of {body:?}: {other:?}"),
        }
    }
    panic!("{action:?} finds its own work different: {body:?}");
}

fn of(action: &Action) -> String {
    action.written().unwrap().resource_type().as_str().to_owned()
}

/// A body as Azure may show it: in other letters and order, with more in it, and without what the
/// table says that Azure leaves out.
fn shown(of: &str, path: &str, value: &Value, chance: &mut Chance) -> Option<Value> {
    let row = field(of, path);
    if let Some(row) = row {
        let off = *value == json!(false) || *value == json!(0);
        let hidden = match row.unshown {
            Unshown::Nothing => true,
            Unshown::Off => off,
            Unshown::Differs => false,
        };
        if hidden && chance.below(3) == 0 {
            return chance.flip().then_some(Value::Null);
        }
    }
    Some(match (row.map(|row| (row.how, row.path)), value) {
        (Some((How::Tags, _)), Value::Object(own)) => {
            let mut own: Map<String, Value> =
                own.iter().map(|(name, tag)| (chance.letters(name), tag.clone())).collect();
            if chance.flip() {
                own.insert("foreign".to_owned(), json!("x"));
            }
            Value::Object(own)
        }
        (Some((How::AtLeast, _)), Value::String(word)) => {
            json!(chance.letters(chance.clone().pick(&[word.as_str(), "Premium"])))
        }
        (Some((How::AtLeast, _)), Value::Object(_)) => {
            let asked = text(value, "/name").unwrap();
            let larger: Vec<&str> = GATEWAY_SKUS
                .iter()
                .map(|sku| sku.name)
                .chain(VPN_SKUS.iter().map(|(name, ..)| *name))
                .filter(|has| resize(has, asked) == Resize::None)
                .collect();
            let name = chance.pick(&larger);
            json!({ "name": chance.letters(name), "tier": chance.letters(name), "capacity": 2 })
        }
        (Some((How::NotOnceItStands, _)), Value::String(_)) => {
            // Other names, and as many.
            let word = value.as_str().unwrap();
            json!(chance.pick(&[word.to_owned(), format!("another-{word}")]))
        }
        (Some((How::AnyCase, _)), Value::String(word)) => json!(chance.letters(word)),
        (Some((How::AtLeast, _)), Value::Number(least)) => {
            json!(least.as_u64().unwrap() + chance.pick(&[0, 500]))
        }
        (Some((How::Set, _)), Value::Array(list)) if !are_named(list) => {
            let mut list = list.clone();
            if chance.flip() {
                list.push(json!("9"));
            }
            chance.shuffle(&mut list);
            json!(list)
        }
        (how, Value::Array(list)) => {
            let below = format!("{path}/*");
            let mut items: Vec<Value> =
                list.iter().filter_map(|item| shown(of, &below, item, chance)).collect();
            if matches!(how, Some((How::Set, _))) && chance.flip() {
                let mut more = list[0].clone();
                // No two of a VPN gateway's have one name or one address; ExpressRoute's have no second.
                let of_vpn = text(&more, "/name").is_some_and(|name| name.contains("vpnip"));
                more["name"] = json!(format!("more-{}", list.len()));
                let address = more.pointer_mut("/properties/publicIPAddress/id");
                if let Some(address) = address.filter(|_| of_vpn) {
                    *address = json!(format!("/more-{}", list.len()));
                }
                items.push(more);
            }
            // Where the order is part of what is asked, Azure keeps it.
            if !matches!(how, Some((How::Exactly, _))) || are_named(list) {
                chance.shuffle(&mut items);
            }
            json!(items)
        }
        (_, Value::Object(object)) => {
            let mut told = Map::new();
            for (key, value) in object {
                let below = if path.is_empty() { key.clone() } else { format!("{path}/{key}") };
                if let Some(value) = shown(of, &below, value, chance) {
                    told.insert(key.clone(), value);
                }
            }
            if chance.flip() {
                let surplus = json!({ "x": [1, { "id": "/y" }], "enabled": chance.flip() });
                told.insert("newOfAzures".to_owned(), surplus);
            }
            Value::Object(told)
        }
        (_, other) => other.clone(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever order, letters, surplus or omission Azure's answer shows.
    #[test]
    fn an_action_applied_to_what_it_has_just_made_finds_no_difference(
        kind in 0..KINDS, seed in any::<u64>()
    ) {
        let mut chance = Chance(seed);
        let action = action(kind, &mut chance);
        let (writes, made) = applied(&action, ground(&action));
        prop_assert!(writes <= 1, "{action:?} took {writes} writes");
        let told = shown(&of(&action), "", &made, &mut chance).unwrap();
        let verdict = assess(&action, Some(&told)).verdict;
        prop_assert_eq!(verdict, Assessed::Holds, "{:?}: {}", action, told);
    }

    /// What another run made is left, refused, or made right with one write.
    #[test]
    fn one_write_is_enough_and_none_is_tried_that_azure_refuses(
        kind in 0..KINDS, seed in any::<u64>()
    ) {
        let mut chance = Chance(seed);
        let (before, after) = (action(kind, &mut chance), action(kind, &mut chance));
        let (_, made) = applied(&before, ground(&before));
        let told = shown(&of(&before), "", &made, &mut chance).unwrap();
        if let Assessed::Change(change) = assess(&after, Some(&told)).verdict {
            let written = change.write.body.unwrap();
            let sku = |body: &Value| text(body, "/properties/sku/name").map(str::to_owned);
            if let (Some(has), Some(gets)) = (sku(&told), sku(&written)) {
                prop_assert!(has.eq_ignore_ascii_case(&gets) || resizes_in_place(&has, &gets), "{has} to {gets}");
            }
            if let Some(zones) = told.get("zones") {
                prop_assert_eq!(Some(zones), written.get("zones"));
            }
            let again = shown(&of(&after), "", &written, &mut chance).unwrap();
            prop_assert_eq!(assess(&after, Some(&again)).verdict, Assessed::Holds);
        }
    }
}

#[test]
fn every_field_that_an_action_writes_has_its_row_and_every_row_its_action() {
    fn leaves(of: &str, path: &str, value: &Value, found: &mut Vec<String>) {
        if field(of, path).is_some_and(|row| matches!(row.how, How::AtLeast | How::Tags)) {
            return found.push(path.to_owned());
        }
        match value {
            // What stands for a key is one value.
            Value::Object(_) if SecretRef::from_placeholder(value).is_some() => {
                found.push(path.to_owned());
            }
            Value::Object(object) => {
                for (key, value) in object {
                    let below = if path.is_empty() { key.clone() } else { format!("{path}/{key}") };
                    leaves(of, &below, value, found);
                }
            }
            Value::Array(list) if !list.is_empty() && are_named(list) => {
                found.push(path.to_owned());
                list.iter().for_each(|item| leaves(of, &format!("{path}/*"), item, found));
            }
            _ => found.push(path.to_owned()),
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..400 {
        let mut chance = Chance(seed);
        for kind in 0..KINDS {
            let action = action(kind, &mut chance);
            let of = of(&action);
            let (_, made) = applied(&action, ground(&action));
            let mut found = Vec::new();
            leaves(&of, "", &made, &mut found);
            let before = ground(&action).unwrap_or_default();
            for path in found {
                // What was there before belongs to others.
                let others = before.pointer(&format!("/{path}")).is_some();
                assert!(others || field(&of, &path).is_some(), "{of} {path} has no row");
                seen.insert((of.to_ascii_lowercase(), path));
            }
        }
    }
    for row in FIELDS {
        assert!(seen.contains(&(row.of.to_ascii_lowercase(), row.path.to_owned())), "{row:?}");
    }
}

#[test]
fn what_holds_is_written_back_as_it_is_when_something_else_is_written() {
    let spec = Gateway {
        id: id("virtualNetworkGateways", "gw"),
        location: Region::parse("southeastasia").unwrap(),
        sku: "ErGw1AZ".to_owned(),
        subnet: id("virtualNetworks", "v").child("subnets", "GatewaySubnet").unwrap(),
        public_ip: Some(id("publicIPAddresses", "p")),
        autoscale: None,
        allow_remote_vnet_traffic: None,
        allow_virtual_wan_traffic: None,
        tags: Tags::new(),
    };
    let failed = json!({ "location": "southeastasia", "properties": {
        "provisioningState": "Failed", "gatewayType": "ExpressRoute",
        "sku": { "name": "ErGw3AZ", "tier": "ErGw3AZ" },
        "ipConfigurations": [{ "name": "c", "properties": {
            "subnet": { "id": spec.subnet.as_str() } } }] } });
    let Assessed::Change(change) = gateway::assess(&spec, Some(&failed)).verdict else {
        panic!("it failed")
    };
    let body = change.write.body.unwrap();
    assert_eq!(body["properties"]["sku"]["name"], "ErGw3AZ", "never made smaller");
    assert!(!body.to_string().contains("publicIPAddress"), "{body}");
}

#[test]
fn an_undo_takes_back_a_size_and_says_where_azure_does_not() {
    let gateway = id("virtualNetworkGateways", "gw");
    let body = |sku: &str| json!({ "properties": { "sku": { "name": sku, "tier": sku } } });
    let undo = |before: &str, now: &str| {
        let undo = crate::model::Undo::Restore { resource: gateway.clone(), body: body(before) };
        super::super::body::undo(&undo, Some(&body(now)), &Value::Null)
    };
    assert!(matches!(undo("ErGw1AZ", "ErGw2AZ"), Assessed::Change(_)));
    assert!(matches!(undo("ErGw1AZ", "ErGw3AZ"), Assessed::Blocked { .. }));
    assert_eq!(undo("ErGw2AZ", "ergw2az"), Assessed::Holds);
}
