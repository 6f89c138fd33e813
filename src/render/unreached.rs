//! How long was nothing reached, while a connection was swapped? By what the sites of a drill saw.

use std::collections::BTreeSet;

use super::style::span;
use super::timeline::seconds;
use super::view::{ReachView, ReachedView};
use crate::model::Timestamp;

/// How long nothing was reached of what was reached in the end, in seconds: what sites saw, not what a gateway said.
/// None where nobody watched, or nothing is reached.
pub(super) fn unreached_seconds(reached: &[ReachedView]) -> Option<f64> {
    let pair = |one: &ReachView| (one.site.clone(), one.network.clone());
    let works = |moment: &ReachedView| -> BTreeSet<(String, String)> {
        moment.reach.iter().filter(|one| one.works).map(pair).collect()
    };
    let wanted = works(reached.last()?);
    let ends = reached.iter().skip(1).map(|next| next.at);
    let dark = |(moment, end): (&ReachedView, Timestamp)| {
        let nothing = works(moment).is_disjoint(&wanted);
        if nothing { seconds(end.since(moment.at)) } else { 0.0 }
    };
    (!wanted.is_empty()).then(|| reached.iter().zip(ends).map(dark).sum())
}

/// How long nothing was reachable where one connection was removed for another: by what the sites of a drill reached,
/// where that is known; else from the removal to the proof that routes came.
pub(super) fn nothing_reached(window: f64, seen: Option<f64>) -> String {
    match seen {
        // Nobody saw it: the other connection carried, or another way did.
        Some(seen) if seen < 0.5 => {
            "  something was reachable all the time, between the two connections too".to_owned()
        }
        // A second is what the texts show.
        Some(seen) if seen > window + 1.0 => format!(
            "  nothing was reachable for {} of it; from one connection to the routes of the other: {}",
            span(seen),
            span(window)
        ),
        Some(seen) => {
            format!("  nothing was reachable for {} of it, between the two connections", span(seen))
        }
        None => format!(
            "  nothing was reachable for {} of it, between the two connections",
            span(window)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(minutes: u64, works: &[(&str, bool)]) -> ReachedView {
        let start = Timestamp::from_millis(0);
        let one = |(network, works): &(&str, bool)| ReachView {
            vnets: Vec::new(),
            site: "dc".to_owned(),
            network: (*network).to_owned(),
            verdict: String::new(),
            works: *works,
            circuits: Vec::new(),
        };
        ReachedView {
            at: start + std::time::Duration::from_secs(minutes * 60),
            reach: works.iter().map(one).collect(),
        }
    }

    #[test]
    fn what_sites_saw_decides_how_long_nothing_was_reachable() {
        let cut = [
            moment(0, &[("app", true), ("hub", true), ("old", true)]),
            moment(10, &[("app", false), ("hub", false), ("old", true)]),
            moment(40, &[("app", true), ("hub", false), ("old", false)]),
        ];
        // What is not reached in the end does not count as reached meanwhile.
        let seen = unreached_seconds(&cut).unwrap();
        assert!((seen - 1_800.0).abs() < 0.001, "{seen}");
        assert_eq!(
            nothing_reached(218.0, Some(seen)),
            "  nothing was reachable for 30:00 of it; from one connection to the routes of the other: 03:38"
        );
        let good = nothing_reached(218.0, Some(200.0));
        assert_eq!(good, "  nothing was reachable for 03:20 of it, between the two connections");
        assert!(nothing_reached(218.0, Some(0.0)).contains("all the time"));
        assert!(nothing_reached(218.0, None).contains("03:38"));
        assert_eq!(unreached_seconds(&[]), None);
        assert_eq!(unreached_seconds(&[moment(0, &[("app", false)])]), None);
    }
}
