//! Subnets, the gateway's own among them: with one prefix or several, of either family.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::body::{assessment, at_work, blocked, ensure, undo_of, writable};
use crate::arm;
use crate::model::action::Subnet;
use crate::model::assessment::Unchangeable;
use crate::model::compared::remedy;
use crate::model::{Assessed, Assessment, Change, PlannedChange, Undo, Write, WriteMethod};

/// Compares a subnet with the desired one. One that stands is not renumbered; a prefix may be added to it.
pub(crate) fn assess(spec: &Subnet, body: Option<&Value>) -> Assessment {
    let verdict = match body {
        Some(body) => standing(spec, body),
        None => ensure(&spec.id, None, &wanted(spec)),
    };
    assessment(&spec.id, body, verdict)
}

/// The body that the action writes.
pub(crate) fn wanted(spec: &Subnet) -> Value {
    match spec.prefixes.as_slice() {
        [one] => json!({ "properties": { "addressPrefix": one.to_string() } }),
        many => json!({ "properties": { "addressPrefixes": words(many) } }),
    }
}

/// Compares a subnet with how it was before the step.
pub(crate) fn undo(spec: &Subnet, undo: &Undo, body: Option<&Value>) -> Assessment {
    let verdict = undo_of(undo, body, |_, before| {
        let view = arm::SubnetView::of(before);
        Some(grown(before, &view.prefixes(), &view.lacks(spec.id.name(), &spec.prefixes)))
    });
    assessment(&spec.id, body, verdict)
}

/// The body with more prefixes, under the name for several.
fn grown(before: &Value, has: &[IpNet], missing: &[IpNet]) -> Value {
    let mut wanted = before.clone();
    if missing.is_empty() || has.is_empty() {
        return wanted;
    }
    if let Some(properties) = wanted.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove("addressPrefix");
        let all: Vec<IpNet> = has.iter().chain(missing).copied().collect();
        properties.insert("addressPrefixes".to_owned(), json!(words(&all)));
    }
    wanted
}

fn standing(spec: &Subnet, body: &Value) -> Assessed {
    let view = arm::SubnetView::of(body);
    let (has, missing) = (view.prefixes(), view.lacks(spec.id.name(), &spec.prefixes));
    if missing.is_empty() {
        return ensure(&spec.id, Some(body), &json!({}));
    }
    if let Some(verdict) = moved(spec, view).or_else(|| at_work(&spec.id, body)) {
        return verdict;
    }
    let before = writable(body);
    let wanted = grown(&before, &has, &missing);
    let changes = missing.iter().map(|prefix| Change {
        resource: spec.id.clone(),
        path: format!("properties.addressPrefixes[{prefix}]"),
        before: Value::Null,
        after: Value::from(prefix.to_string()),
    });
    Assessed::Change(Box::new(PlannedChange {
        changes: changes.collect(),
        write: Write { body: Some(wanted), ..Write::to(WriteMethod::Put, &spec.id) },
        undo: Undo::Restore { resource: spec.id.clone(), body: before },
    }))
}

/// Blocks where the subnet would have to be renumbered.
fn moved(spec: &Subnet, view: arm::SubnetView<'_>) -> Option<Assessed> {
    let (has, wanted) = view.elsewhere(spec.id.name(), &spec.prefixes)?;
    let of = spec.id.resource_type();
    let why = format!(
        "The subnet exists with {}, and the runbook wants {}. {}",
        words(&has).join(", "),
        words(&wanted).join(", "),
        remedy(of.as_str(), "properties/addressPrefix").unwrap_or_default()
    );
    Some(blocked(Unchangeable::Field.code(), why))
}

fn words(all: &[IpNet]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceId;

    fn spec(prefixes: &[&str]) -> Subnet {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s";
        Subnet {
            id: ResourceId::parse(id).unwrap(),
            prefixes: prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect(),
        }
    }

    const V4: &str = "10.1.0.0/25";
    const V6: &str = "fd00:db8:1::/64";

    #[test]
    fn prefixes_are_a_set_under_either_name() {
        let one = json!({ "properties": { "addressPrefix": V4 } });
        let two = json!({ "properties": { "addressPrefixes": ["FD00:DB8:1:0::/64", V4] } });
        for (wanted, body) in [(&[V4][..], &one), (&[V4], &two), (&[V4, V6], &two), (&[V6], &two)] {
            assert_eq!(assess(&spec(wanted), Some(body)).verdict, Assessed::Holds, "{wanted:?}");
        }
    }

    #[test]
    fn a_prefix_of_another_family_is_added_and_the_rest_is_kept() {
        let one = json!({ "properties": { "addressPrefix": V4, "routeTable": { "id": "/rt" } } });
        let verdict = assess(&spec(&[V4, V6]), Some(&one)).verdict;
        let Assessed::Change(change) = verdict else { panic!("{verdict:?}") };
        let body = change.write.body.unwrap();
        let kept = json!({ "properties": {
            "addressPrefixes": [V4, V6], "routeTable": { "id": "/rt" } } });
        assert_eq!(body, kept);
        assert_eq!(change.changes[0].after, V6);
    }

    #[test]
    fn a_prefix_that_was_added_goes_again_and_what_came_since_stays() {
        let one = json!({ "properties": { "addressPrefix": V4, "delegations": [] } });
        let spec = spec(&[V4, V6]);
        let Assessed::Change(change) = assess(&spec, Some(&one)).verdict else { panic!() };
        let mut now = change.write.body.unwrap();
        now["properties"]["serviceEndpoints"] = json!([{ "service": "Microsoft.Storage" }]);
        let back = undo(&spec, &change.undo, Some(&now)).verdict;
        let Assessed::Change(back) = back else { panic!("{back:?}") };
        let mut wanted = one;
        wanted["properties"]["serviceEndpoints"] = now["properties"]["serviceEndpoints"].clone();
        assert_eq!(back.write.body, Some(wanted.clone()));
        assert_eq!(undo(&spec, &change.undo, Some(&wanted)).verdict, Assessed::Holds);
    }

    #[test]
    fn what_contains_the_wanted_prefix_holds_and_so_does_the_place_of_a_gateway() {
        let of = |prefixes: &[&str]| json!({ "properties": { "addressPrefixes": prefixes } });
        for has in [&["10.1.0.0/24"][..], &["10.1.0.0/26", "10.1.0.64/26"]] {
            assert_eq!(assess(&spec(&[V4]), Some(&of(has))).verdict, Assessed::Holds, "{has:?}");
        }
        let half = assess(&spec(&[V4]), Some(&of(&["10.1.0.0/26"]))).verdict;
        assert!(matches!(half, Assessed::Blocked { .. }), "{half:?}");
        let mut gateways = spec(&[V4]);
        let vnet = gateways.id.parent().unwrap();
        gateways.id = vnet.child("subnets", "GatewaySubnet").unwrap();
        let mut there = of(&["10.1.0.0/26"]);
        assert!(matches!(assess(&gateways, Some(&there)).verdict, Assessed::Blocked { .. }));
        let gateway = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworkGateways/gw";
        there["properties"]["ipConfigurations"] =
            json!([{ "id": format!("{gateway}/ipConfigurations/default") }]);
        assert_eq!(assess(&gateways, Some(&there)).verdict, Assessed::Holds);
    }

    #[test]
    fn a_subnet_is_not_renumbered() {
        let one = json!({ "properties": { "addressPrefix": "10.9.0.0/25" } });
        let verdict = assess(&spec(&[V4, V6]), Some(&one)).verdict;
        let Assessed::Blocked { why, .. } = verdict else { panic!("{verdict:?}") };
        assert!(why.contains("10.9.0.0/25") && why.contains("make another subnet"), "{why}");
    }
}
