//! What is a world that does not say it? What follows from its resources, and else what is usual.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::bodies::{PlacedBody, text_of};
use crate::model::Region;
use crate::runbook::literal::json as plain;
use crate::sim::provider::{self, Provider};

/// When a drill begins that says nothing: always the same time, so that the same world gives the same drill.
const NOW: &str = "2026-03-14T03:00:00Z";

/// A customer's autonomous system where no peering names one.
const ASN: u64 = 65_001;

/// Where a group is that holds nothing with a place, in a world without any.
const NOWHERE: &str = "westeurope";

/// Fills in what a world leaves out.
pub(super) fn fill(world: &mut Value, placed: &[PlacedBody<'_>]) {
    let Some(object) = world.as_object_mut() else { return };
    object.entry("now").or_insert_with(|| json!(NOW));
    let onprem = object.entry("onprem").or_insert_with(|| json!({}));
    if onprem.get("asn").is_none() {
        onprem["asn"] = json!(asn(placed));
    }
    let groups = object.entry("resource_groups").or_insert_with(|| json!([]));
    if let Value::Array(groups) = groups {
        add_groups(groups, placed);
    }
}

/// The autonomous system that the first peering of a circuit says is the customer's.
fn asn(placed: &[PlacedBody<'_>]) -> u64 {
    let mut numbers = placed.iter().filter_map(|one| {
        let key = provider::of(&one.id).and_then(Provider::customer_asn)?;
        let node = one.body.get("properties")?.get(key)?;
        plain(node).as_u64().filter(|asn| *asn > 0)
    });
    numbers.next().unwrap_or(ASN)
}

/// Adds the groups that resources are in and that are not written: their home is where their first resource is.
fn add_groups(groups: &mut Vec<Value>, placed: &[PlacedBody<'_>]) {
    let place = |one: &PlacedBody<'_>| {
        let region = Region::parse(text_of(one.body.get("location")?)?).ok()?;
        (region.as_str() != "global").then_some(region)
    };
    let somewhere = placed.iter().find_map(place);
    let mut homes: BTreeMap<String, (String, Option<Region>)> = BTreeMap::new();
    for one in placed {
        let id = format!(
            "/subscriptions/{}/resourceGroups/{}",
            one.id.subscription(),
            one.id.resource_group()
        );
        let home = homes.entry(id.to_ascii_lowercase()).or_insert((id, None));
        if home.1.is_none() {
            home.1 = place(one);
        }
    }
    for group in groups.iter() {
        homes.remove(&group["id"].as_str().unwrap_or_default().to_ascii_lowercase());
    }
    for (id, home) in homes.into_values() {
        let home = home.or_else(|| somewhere.clone());
        let location = home.as_ref().map_or(NOWHERE, Region::as_str);
        groups.push(json!({ "id": id, "location": location }));
    }
}
