//! How long does Azure usually take to change something? Distributions of what was recorded.
//!
//! From 6,070 operations on Microsoft.Network in public recordings of its clients, 2015 to 2026, fitted
//! to the intervals between polls in which they ended. `durations.json` beside this file is written by
//! `scripts/fit-durations`; it says of each row how many samples it stands on. Used to look when the
//! end is likely, to tell people what is usual, and by the simulator to draw from; never to decide.

use std::sync::LazyLock;
use std::time::Duration;

use serde::Deserialize;

use super::resource::ResourceType;

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasuredChange {
    /// It is made.
    Create,
    /// It is written again.
    Update,
    /// It is removed.
    Delete,
}

/// How many of the ends have come by each of the [`Quantiles`].
pub const QUANTILE_LEVELS: [f64; 7] = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95];

/// Seconds by which so many of the ends have come ([`QUANTILE_LEVELS`]).
pub type Quantiles = [u32; QUANTILE_LEVELS.len()];

/// The distribution of one kind of change.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Spread {
    #[serde(rename = "type")]
    of: String,
    #[serde(default)]
    class: String,
    change: MeasuredChange,
    seconds: Vec<f64>,
    /// Of every class together.
    looks: Option<Quantiles>,
    /// Samples of just this kind.
    pub own: u32,
    /// Samples of its nearest kin, which were taken too because its own are few.
    pub kin: u32,
}

#[derive(Debug, Default, Deserialize)]
struct Table {
    levels: Vec<f64>,
    rows: Vec<Spread>,
}

static TABLE: LazyLock<Table> =
    // A test holds that both can be read.
    LazyLock::new(|| {
        let read = |text| serde_json::from_str::<Table>(text).unwrap_or_default();
        let mut table = read(include_str!("durations.json"));
        // Of virtual WAN little was recorded, and what is believed stands apart from it.
        table.rows.extend(read(include_str!("durations-hubs.json")).rows);
        table
    });

/// For types that nobody recorded.
const OTHERS: Quantiles = [1, 1, 2, 5, 15, 45, 60];

/// The class of a change that is not the usual one of its type: gateways and connections that are not
/// ExpressRoute's, and a gateway's update that rebuilds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Class {
    /// The usual one; of gateways and connections ExpressRoute's.
    #[default]
    Usual,
    /// A VPN gateway or connection.
    Vpn,
    /// A gateway's change of SKU, or its private address switched on or off (docs/wire.md 2).
    Resize,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Usual => "",
            Self::Vpn => "vpn",
            Self::Resize => "resize",
        }
    }
}

/// The distribution of a change, if it was recorded; of a class without a row of its own, the usual one.
#[must_use]
pub fn spread(of: &ResourceType, class: Class, change: MeasuredChange) -> Option<&'static Spread> {
    let row = |class: &str| {
        TABLE.rows.iter().find(|row| of.is(&row.of) && row.change == change && row.class == class)
    };
    row(class.name()).or_else(|| row(""))
}

impl Spread {
    /// The time by which this share, 0 to 1, of such operations has ended.
    #[must_use]
    pub fn at(&self, share: f64) -> Duration {
        let points: Vec<(f64, f64)> =
            TABLE.levels.iter().copied().zip(self.seconds.iter().copied()).collect();
        let mut seconds = self.seconds.last().copied().unwrap_or_default();
        for pair in points.windows(2) {
            let ((from, low), (to, high)) = (pair[0], pair[1]);
            if share >= from && share < to {
                seconds = low + (share - from) / (to - from) * (high - low);
            }
        }
        // Whole milliseconds: timestamps hold no finer ones.
        let exact = Duration::from_secs_f64(seconds.max(0.0));
        Duration::from_millis(u64::try_from(exact.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The quantiles of a change, of every class and age: who waits for an end may not know which it is.
#[must_use]
pub fn quantiles(of: &ResourceType, change: MeasuredChange) -> Quantiles {
    spread(of, Class::Usual, change).and_then(|spread| spread.looks).unwrap_or(OTHERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read_and_every_row_rises() {
        assert!(TABLE.rows.iter().any(|row| row.of.ends_with("hubRouteTables")));
        assert!(TABLE.rows.len() > 40 && TABLE.levels.len() == 11);
        for row in &TABLE.rows {
            assert_eq!(row.seconds.len(), TABLE.levels.len(), "{}", row.of);
            assert!(row.seconds.is_sorted(), "{} {:?}", row.of, row.change);
            let hub = ["virtualWans", "virtualHubs", "expressRouteGateways"];
            let believed = hub.iter().any(|of| row.of.contains(of));
            assert!(believed || row.own + row.kin > 0, "{}", row.of);
        }
    }

    #[test]
    fn half_of_the_expressroute_gateways_are_made_in_about_a_quarter_of_an_hour() {
        let gateway = ResourceType::parse("Microsoft.Network/virtualNetworkGateways").unwrap();
        let spread = spread(&gateway, Class::Usual, MeasuredChange::Create).unwrap();
        assert!((900..1_100).contains(&spread.at(0.5).as_secs()), "{:?}", spread.at(0.5));
        assert!((1_500..2_400).contains(&spread.at(0.9).as_secs()), "{:?}", spread.at(0.9));
        assert!(spread.own == 2 && spread.kin > 100, "two were recorded: {spread:?}");
    }
}
