//! How long does Azure take? Recorded distributions, drawn by a hash and never from a stream (D17).

use std::time::Duration;

use crate::model::ResourceId;

/// Seconds at the 10th, 50th and 90th percentile, and the longest.
type Spread = [u32; 4];

/// What an operation does to its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Create,
    Update,
    Delete,
}

/// Operations on Microsoft.Network since 2020 (WIRE.md 2 and 6), create, update, delete. The recorders
/// saw intervals; these lie inside them.
const DURATIONS: [(&str, [Spread; 3]); 9] = [
    // The ExpressRoute kinds: ErGwScale 682–783 s, UltraPerformance 970–1000 s.
    (
        "Microsoft.Network/virtualNetworkGateways",
        [[690, 1_010, 1_680, 2_700], [60, 95, 1_250, 1_400], [60, 240, 520, 1_066]],
    ),
    // The only ExpressRoute ones recorded: create 151–181 s, delete 60–90 s.
    ("Microsoft.Network/connections", [[60, 160, 220, 313], [10, 30, 80, 313], [40, 75, 130, 222]]),
    ("Microsoft.Network/expressRouteCircuits", [[8, 15, 35, 103], [3, 8, 11, 12], [4, 8, 12, 23]]),
    (
        "Microsoft.Network/expressRouteCircuits/authorizations",
        [[2, 6, 10, 11], [2, 6, 10, 11], [2, 6, 10, 11]],
    ),
    (
        "Microsoft.Network/expressRouteCircuits/peerings",
        [[4, 9, 30, 44], [4, 9, 20, 33], [4, 9, 11, 11]],
    ),
    (
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        [[1, 6, 16, 32], [1, 6, 16, 31], [1, 6, 9, 21]],
    ),
    ("Microsoft.Network/virtualNetworks/subnets", [[1, 1, 3, 11], [1, 1, 6, 35], [1, 5, 10, 12]]),
    ("Microsoft.Network/routeTables", [[1, 2, 8, 11], [1, 5, 10, 31], [1, 2, 8, 12]]),
    ("Microsoft.Network/publicIPAddresses", [[1, 1, 2, 31], [1, 1, 2, 8], [1, 6, 15, 31]]),
];

/// For types that nobody recorded.
const OTHERS: Spread = [1, 3, 10, 30];

/// A number in `0..1` that depends on nothing but its arguments.
pub(super) fn draw(seed: u64, resource: &ResourceId, ordinal: u64, purpose: &str) -> f64 {
    let text = format!("{seed}/{}/{ordinal}/{purpose}", resource.key());
    let hash = blake3::hash(text.as_bytes());
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&hash.as_bytes()[..4]);
    f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

/// How long the operation takes, in whole milliseconds.
pub(super) fn duration(seed: u64, resource: &ResourceId, ordinal: u64, kind: Kind) -> Duration {
    let of = resource.resource_type();
    let spreads = DURATIONS.iter().find(|(name, _)| of.is(name)).map(|(_, spreads)| spreads);
    let spread = spreads.map_or(OTHERS, |spreads| match kind {
        Kind::Create => spreads[0],
        Kind::Update => spreads[1],
        Kind::Delete => spreads[2],
    });
    let at = draw(seed, resource, ordinal, "duration");
    let points = [
        (0.0, spread[0] / 2),
        (0.1, spread[0]),
        (0.5, spread[1]),
        (0.9, spread[2]),
        (1.0, spread[3]),
    ];
    let mut seconds = f64::from(spread[3]);
    for pair in points.windows(2) {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        if at >= from && at < to {
            let share = (at - from) / (to - from);
            seconds = f64::from(low) + share * (f64::from(high) - f64::from(low));
        }
    }
    Duration::from_millis(
        Duration::from_secs_f64(seconds.max(0.2)).as_millis().try_into().unwrap_or(200),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_gateways_take_about_seventeen_minutes() {
        let id = |n: u64| {
            ResourceId::parse(&format!(
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworkGateways/gw{n}"
            ))
            .unwrap()
        };
        let mut all: Vec<u64> =
            (0..2_001).map(|n| duration(7, &id(n), 1, Kind::Create).as_secs()).collect();
        all.sort_unstable();
        assert!((950..1_070).contains(&all[1_000]), "{}", all[1_000]);
        assert!(all[0] >= 345 && all[2_000] <= 2_700);
        assert_eq!(duration(7, &id(1), 1, Kind::Create), duration(7, &id(1), 1, Kind::Create));
        assert_ne!(duration(7, &id(1), 1, Kind::Create), duration(7, &id(1), 2, Kind::Create));
    }
}
