//! Does the target carry what is reached, or does the source go on as before?

use std::collections::BTreeSet;

use super::view::{ReachView, ReachedView, RunView};

/// The circuits that carry everything that is reached, as they did before the run, where it has come to
/// others: nothing has failed over then, whatever its steps have proven. Empty where that is not so.
fn as_before(come_to: &BTreeSet<String>, watched: &[ReachedView]) -> Vec<String> {
    let (Some(first), Some(last)) = (watched.first(), watched.last()) else { return Vec::new() };
    let reached = || last.reach.iter().filter(|reach| reach.works);
    let stays = |reach: &ReachView| {
        first.reach.contains(reach) && !reach.circuits.iter().any(|name| come_to.contains(name))
    };
    if come_to.is_empty() || !reached().all(stays) {
        return Vec::new();
    }
    let all: BTreeSet<&String> = reached().flat_map(|reach| &reach.circuits).collect();
    all.into_iter().cloned().collect()
}

impl RunView {
    /// Tells what each site reached, from when on.
    pub fn set_reached(&mut self, reached: &[ReachedView]) {
        self.reached = reached.to_vec();
        self.reachability = reached.last().map(|last| last.reach.clone()).unwrap_or_default();
        self.carried_as_before = as_before(&self.come_to, reached);
    }

    /// That nothing has failed over, and how that is seen; nothing where something has.
    pub(super) fn not_failed_over(&self) -> Option<String> {
        if self.carried_as_before.is_empty() {
            return None;
        }
        let come_to: Vec<&str> = self.come_to.iter().map(String::as_str).collect();
        Some(format!(
            "what is reached is reached as before, over {}, and nothing over {}",
            self.carried_as_before.join(", "),
            come_to.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn moment(circuits: &[(&str, bool)]) -> ReachedView {
        let reach = circuits.iter().map(|(circuit, works)| ReachView {
            site: "dc".to_owned(),
            network: "10.1.0.0/24".to_owned(),
            verdict: "reachable".to_owned(),
            works: *works,
            circuits: vec![(*circuit).to_owned()],
        });
        ReachedView {
            at: Timestamp::parse("2026-03-14T03:00:00Z").unwrap(),
            reach: reach.collect(),
        }
    }

    #[test]
    fn the_source_carries_on_only_where_everything_goes_as_before_and_nothing_over_the_target() {
        let target: BTreeSet<String> = ["er-b".to_owned()].into();
        let said = |before, after| as_before(&target, &[moment(before), moment(after)]);
        assert_eq!(said(&[("er-a", true)], &[("er-a", true)]), ["er-a"]);
        assert!(said(&[("er-a", false)], &[("er-a", true)]).is_empty(), "it came back");
        assert!(said(&[("er-a", true)], &[("er-b", true)]).is_empty(), "it failed over");
        assert!(said(&[("er-a", true)], &[("er-a", false)]).is_empty(), "nothing is reached");
        let both = [("er-a", true), ("er-b", true)];
        assert!(said(&both, &both).is_empty(), "the target carries a part");
        let alone = [moment(&[("er-a", true)])];
        assert!(as_before(&BTreeSet::new(), &alone).is_empty(), "a run that comes to no circuit");
    }
}
