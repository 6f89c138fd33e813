//! Does the target carry what is reached, or does the source go on as before?

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::step_words::{brought, come_to, proven};
use super::style::span;
use super::view::{ReachView, ReachedView, RunView};
use crate::engine::RunState;
use crate::model::net::overlap;
use crate::model::{Plan, ResourceId};

/// What a run was to bring about, as far as its steps have seen it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Aim {
    /// The circuits that it has come to.
    come_to: BTreeSet<String>,
    /// What it has proven to be advertised.
    proven: BTreeSet<IpNet>,
    /// The virtual networks that it has brought to a gateway, or whose subnets it has given tables and security groups.
    brought: BTreeSet<ResourceId>,
}

impl Aim {
    fn has_brought(&self, vnet: &str) -> bool {
        ResourceId::parse(vnet).is_ok_and(|id| self.brought.contains(&id))
    }

    pub(super) fn of(state: &RunState, plan: &Plan) -> Self {
        Self {
            come_to: come_to(state, plan),
            proven: proven(state, plan),
            brought: brought(state, plan),
        }
    }
}

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

/// The networks that the run is for and that a site hears nothing of in the end: each with the sites, and why. Those are
/// what it has proven to be advertised, where a site sends to that over the circuits that the run has come to; and what it
/// has brought to a gateway, where a site sends to that by any way, or was answered before the run.
fn unanswered(aim: &Aim, watched: &[ReachedView]) -> Vec<String> {
    let proven = |reach: &ReachView| {
        let network: Result<IpNet, _> = reach.network.parse();
        let meant = |own: &IpNet| aim.proven.iter().any(|one| overlap(one, own));
        network.is_ok_and(|network| meant(&network))
            && reach.circuits.iter().any(|name| aim.come_to.contains(name))
    };
    let first = watched.first().map_or(&[][..], |first| &first.reach);
    let before = |reach: &ReachView| {
        first
            .iter()
            .any(|own| own.works && (&own.site, &own.network) == (&reach.site, &reach.network))
    };
    let brought = |reach: &ReachView| {
        reach.vnets.iter().any(|id| aim.has_brought(id))
            && (!reach.circuits.is_empty() || before(reach))
    };
    let sent = |reach: &&ReachView| !reach.works && (proven(reach) || brought(reach));
    let mut all: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for reach in watched.last().iter().flat_map(|last| &last.reach).filter(sent) {
        all.entry((&reach.network, &reach.verdict)).or_default().push(&reach.site);
    }
    let said = |((network, verdict), sites): ((&str, &str), Vec<&str>)| {
        format!("{network} from {} ({verdict})", sites.join(", "))
    };
    all.into_iter().map(said).collect()
}

impl RunView {
    /// Tells what each site reached, from when on.
    pub fn set_reached(&mut self, reached: &[ReachedView]) {
        self.reached = reached.to_vec();
        self.reachability = reached.last().map(|last| last.reach.clone()).unwrap_or_default();
        self.carried_as_before = as_before(&self.aim.come_to, reached);
        self.not_reached = unanswered(&self.aim, reached);
    }

    /// Why a drill whose every step was done has not recovered, or not all of it; nothing where it has, or where
    /// not every step was done.
    pub(super) fn short_of_recovery(&self, took: &str) -> Option<String> {
        if !self.has_succeeded() {
            return None;
        }
        if let Some(how) = self.not_failed_over() {
            return Some(format!(
                "Nothing has failed over: every step was done in {took}, and {how}."
            ));
        }
        if self.not_reached.is_empty() {
            return None;
        }
        let what = self.not_reached.join("; ");
        Some(format!(
            "Not all is recovered: every step was done in {took}, and this is not reached: {what}."
        ))
    }

    /// The same, with the time as people read it.
    #[must_use]
    pub fn short(&self) -> Option<String> {
        self.short_of_recovery(&self.recovery_seconds.map_or_else(String::new, span))
    }

    /// Whether every step was done and sites do not reach all that it is for.
    #[must_use]
    pub fn leaves_unreached(&self) -> bool {
        self.has_succeeded() && self.carried_as_before.is_empty() && !self.not_reached.is_empty()
    }

    /// How long the recovery took, in seconds; none where sites saw that it is none, or not whole.
    #[must_use]
    pub fn recovery(&self) -> Option<f64> {
        let all = self.carried_as_before.is_empty() && self.not_reached.is_empty();
        self.recovery_seconds.filter(|_| all || !self.has_succeeded())
    }

    /// That nothing has failed over, and how that is seen; nothing where something has.
    fn not_failed_over(&self) -> Option<String> {
        if self.carried_as_before.is_empty() {
            return None;
        }
        let come_to: Vec<&str> = self.aim.come_to.iter().map(String::as_str).collect();
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
            vnets: Vec::new(),
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
    fn what_is_advertised_and_sends_nothing_back_over_the_target_is_named() {
        let target: BTreeSet<String> = ["er-b".to_owned()].into();
        let proven = |text: &str| BTreeSet::from([text.parse::<IpNet>().unwrap()]);
        let all = proven("10.1.0.0/16");
        let aim = |proven: &BTreeSet<IpNet>| Aim {
            come_to: target.clone(),
            proven: proven.clone(),
            ..Aim::default()
        };
        let said = |circuit, works| unanswered(&aim(&all), &[moment(&[(circuit, works)])]);
        assert_eq!(said("er-b", false), ["10.1.0.0/24 from dc (reachable)"]);
        assert!(said("er-b", true).is_empty(), "it answers");
        assert!(said("er-a", false).is_empty(), "nothing is sent there over the target");
        let others = proven("10.2.0.0/16");
        let last = [moment(&[("er-b", false)])];
        assert!(unanswered(&aim(&others), &last).is_empty(), "nobody meant that network");
        assert!(unanswered(&aim(&all), &[]).is_empty());
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

    /// A peering or a hub brings a network to whatever circuits and tunnels its gateway has: no step names them.
    #[test]
    fn a_network_that_was_brought_to_a_gateway_and_is_not_answered_is_named() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
        let at = |circuits: &[(&str, bool)]| {
            let mut moment = moment(circuits);
            moment.reach.iter_mut().for_each(|reach| reach.vnets = vec![id.to_owned()]);
            moment
        };
        let brought = BTreeSet::from([ResourceId::parse(id).unwrap()]);
        let aim = Aim { brought, ..Aim::default() };
        assert_eq!(unanswered(&aim, &[at(&[("tunnel", false)])]).len(), 1);
        assert!(unanswered(&aim, &[at(&[("tunnel", true)])]).is_empty());
        let silent = || {
            let mut moment = at(&[("x", false)]);
            moment.reach.iter_mut().for_each(|reach| reach.circuits.clear());
            moment
        };
        assert!(unanswered(&aim, &[silent()]).is_empty(), "nobody on-premises was ever told of it");
        assert_eq!(unanswered(&aim, &[at(&[("x", true)]), silent()]).len(), 1, "it was cut off");
        assert!(unanswered(&Aim::default(), &[at(&[("tunnel", false)])]).is_empty());
    }
}
