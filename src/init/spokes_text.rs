//! How are spokes and subnets written down? As parameters, with a field for what is not the same for all.

use super::draft::{DraftHub, DraftSpoke, DraftTable};
use super::text::{ParamText, expr, rows, scalar};

/// A flag of a side: one word where all have the same, else a field of each spoke.
pub(super) fn flag(spokes: &[&DraftSpoke], get: impl Fn(&DraftSpoke) -> bool) -> Option<bool> {
    let first = spokes.first().map(|own| get(own))?;
    spokes.iter().all(|own| get(own) == first).then_some(first)
}

type Flag = (&'static str, fn(&DraftSpoke) -> bool);

const FLAGS: [Flag; 4] = [
    ("hub_forwards", |own| own.hub_side.forwarded),
    ("hub_lends", |own| own.hub_side.gateway),
    ("spoke_forwards", |own| own.spoke_side.forwarded),
    ("uses_gateway", |own| own.spoke_side.gateway),
];

pub(super) fn flag_text(spokes: &[&DraftSpoke], name: &str) -> String {
    let Some((_, get)) = FLAGS.iter().find(|(own, _)| *own == name) else { return String::new() };
    flag(spokes, get).map_or_else(|| expr(&format!("each.value.{name}")), |own| own.to_string())
}

pub(super) fn spokes_param(
    hub: &DraftHub,
    spokes: &[&DraftSpoke],
    name: &str,
) -> Option<ParamText> {
    if spokes.is_empty() {
        return None;
    }
    let own: Vec<Flag> = FLAGS.into_iter().filter(|(_, get)| flag(spokes, get).is_none()).collect();
    let mut fields =
        String::from("{ key: string, vnet: resource_id, hub_side: string, spoke_side: string");
    for (name, _) in &own {
        fields.push_str(&format!(", {name}: bool"));
    }
    fields.push_str(" }");
    let rows_of: Vec<Vec<(&str, String)>> = spokes
        .iter()
        .map(|spoke| {
            let mut row = vec![
                ("key", scalar(&spoke.key)),
                ("vnet", scalar(spoke.id.as_str())),
                ("hub_side", scalar(&spoke.hub_side.name)),
                ("spoke_side", scalar(&spoke.spoke_side.name)),
            ];
            row.extend(own.iter().map(|(name, get)| (*name, get(spoke).to_string())));
            row
        })
        .collect();
    Some(
        ParamText::new(
            &format!("{name}{}", hub.suffix),
            "list",
            "The spokes of the target region, and what the two sides of each peering are called.",
            rows(&rows_of, 6),
        )
        .and("of", "object")
        .and("fields", &fields),
    )
}

pub(super) fn subnets_param(hub: &DraftHub, table: &DraftTable) -> ParamText {
    let all: Vec<Vec<(&str, String)>> = table
        .subnets
        .iter()
        .map(|(key, id)| vec![("key", scalar(key)), ("subnet", scalar(id.as_str()))])
        .collect();
    ParamText::new(
        &format!("{}_subnets{}", table.key, hub.suffix),
        "list",
        &format!("The subnets that use {}.", table.id.name()),
        rows(&all, 6),
    )
    .and("of", "object")
    .and("fields", "{ key: string, subnet: resource_id }")
}
