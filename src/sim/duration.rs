//! How long does Azure take, this time? Recorded distributions, drawn by a hash and never from a stream
//! (D17).

use std::time::Duration;

use serde_json::Value;

use crate::model::ResourceId;
use crate::model::durations::{Class, MeasuredChange, spread};

/// The least that any operation takes.
const LEAST: Duration = Duration::from_millis(200);

/// For types that nobody recorded: seconds at the beginning and at the end of what is drawn.
const OTHERS: (f64, f64) = (0.5, 12.0);

/// A number in `0..1` that depends on nothing but its arguments.
pub(super) fn draw(seed: u64, resource: &ResourceId, ordinal: u64, purpose: &str) -> f64 {
    let text = format!("{seed}/{}/{ordinal}/{purpose}", resource.key());
    let hash = blake3::hash(text.as_bytes());
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&hash.as_bytes()[..4]);
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

/// What is drawn from: a gateway of another kind, or an update that rebuilds one, takes its own time.
pub(super) fn class(stored: Option<&Value>, body: &Value) -> Class {
    let at = |body: &Value, pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
    // An address that is not said to be switched on is off.
    let private =
        |body: &Value| at(body, "/properties/enablePrivateIpAddress") == Value::Bool(true);
    let sku = |body: &Value| at(body, "/properties/sku/name");
    let rebuilt = stored.is_some_and(|stored| {
        sku(body).is_string() && (sku(stored) != sku(body) || private(stored) != private(body))
    });
    if rebuilt {
        return Class::Resize;
    }
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let kind = text("/properties/gatewayType").or_else(|| text("/properties/connectionType"));
    match kind {
        Some(kind) if !kind.eq_ignore_ascii_case("ExpressRoute") => Class::Vpn,
        _ => Class::Usual,
    }
}

/// How long the operation takes, in whole milliseconds.
pub(super) fn duration(
    seed: u64,
    resource: &ResourceId,
    ordinal: u64,
    class: Class,
    change: MeasuredChange,
) -> Duration {
    let at = draw(seed, resource, ordinal, "duration");
    let takes = spread(&resource.resource_type(), class, change).map_or_else(
        || {
            let seconds = OTHERS.0 + at * (OTHERS.1 - OTHERS.0);
            Duration::from_millis(
                u64::try_from(Duration::from_secs_f64(seconds).as_millis()).unwrap_or(0),
            )
        },
        |spread| spread.at(at),
    );
    takes.max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn gateway(n: u64) -> ResourceId {
        let text = format!(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworkGateways/gw{n}"
        );
        ResourceId::parse(&text).unwrap()
    }

    #[test]
    fn half_of_the_gateways_take_about_a_quarter_of_an_hour() {
        let take = |n| duration(7, &gateway(n), 1, Class::Usual, MeasuredChange::Create);
        let mut all: Vec<u64> = (0..2_001).map(|n| take(n).as_secs()).collect();
        all.sort_unstable();
        assert!((900..1_050).contains(&all[1_000]), "{}", all[1_000]);
        assert!(all[2_000] <= 2_900, "{}", all[2_000]);
        assert_eq!(take(1), take(1), "the same draw, the same time");
        assert_ne!(take(1), duration(7, &gateway(1), 2, Class::Usual, MeasuredChange::Create));
    }

    #[test]
    fn a_change_of_sku_takes_as_long_as_a_gateway() {
        let with = |sku: &str| json!({"properties": {"sku": {"name": sku}, "gatewayType": "ExpressRoute"}});
        assert_eq!(class(Some(&with("ErGw1AZ")), &with("ErGw1AZ")), Class::Usual);
        assert_eq!(class(Some(&with("ErGw1AZ")), &with("ErGw2AZ")), Class::Resize);
        let least = (0..50)
            .map(|n| duration(7, &gateway(n), 2, Class::Resize, MeasuredChange::Update).as_secs())
            .min();
        assert!(least > Some(700), "{least:?}");
    }
}
