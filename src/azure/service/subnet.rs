//! Subnets, the gateway's own among them.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::body::{assessment, blocked, ensure, text};
use crate::model::action::Subnet;
use crate::model::compared::remedy;
use crate::model::{Assessed, Assessment};

/// Compares a subnet with the desired one. An existing subnet with another prefix is not renumbered.
pub(crate) fn assess(spec: &Subnet, body: Option<&Value>) -> Assessment {
    let wanted = [spec.prefix];
    let verdict = match body.map(prefixes) {
        Some(has) => {
            moved(&spec, &wanted, &has).unwrap_or_else(|| ensure(&spec.id, body, &json!({})))
        }
        None => ensure(
            &spec.id,
            None,
            &json!({ "properties": { "addressPrefix": spec.prefix.to_string() } }),
        ),
    };
    assessment(&spec.id, body, verdict)
}

/// Blocks where the subnet has prefixes of a family that is wanted, and none of those wanted.
fn moved(spec: &Subnet, wanted: &[IpNet], has: &[IpNet]) -> Option<Assessed> {
    let of = |all: &[IpNet], v4: bool| -> Vec<IpNet> {
        all.iter().filter(|net| matches!(net, IpNet::V4(_)) == v4).copied().collect()
    };
    [true, false].into_iter().find_map(|v4| {
        let (wanted, has) = (of(wanted, v4), of(has, v4));
        let apart =
            !wanted.is_empty() && !has.is_empty() && !wanted.iter().any(|w| has.contains(w));
        apart.then(|| {
            let words =
                |all: &[IpNet]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            blocked(
                "cannot_change",
                format!(
                    "The subnet exists with {}, and the runbook wants {}. {}",
                    words(&has),
                    words(&wanted),
                    remedy(spec.id.resource_type().as_str(), "properties/addressPrefix")
                        .unwrap_or_default()
                ),
            )
        })
    })
}

/// The prefixes that a subnet has, under whichever of its two names Azure shows them.
fn prefixes(body: &Value) -> Vec<IpNet> {
    let several = body.pointer("/properties/addressPrefixes").and_then(Value::as_array);
    text(body, "/properties/addressPrefix")
        .into_iter()
        .chain(several.into_iter().flatten().filter_map(Value::as_str))
        .filter_map(|prefix| prefix.parse().ok())
        .collect()
}
