//! Does what a rule found stop the run for certain? A rule judges the plan as if every step ran and nobody else did anything.
//!
//! So what blocks is judged once more in the plans that remain without what may be otherwise by then: without the steps that
//! may be left out, and without those that a person or a program comes before. What is found there too is certain. What is
//! not came of such a step, and is said without blocking (decision 94).

use std::collections::BTreeSet;

use super::facts::Facts;
use super::inquiry::Inquiry;
use super::rule::{ABSENCE_RULES, FindingSeverity, FindingVerdict, Judged, Rule};
use crate::model::Plan;
use crate::model::condition::Condition;
use crate::model::references::{PreparedBy, prepared};

/// What nobody changes between two steps: where a thing is, what the plan says twice or wrongly, who this process is, and
/// what takes an order and days.
const BY_NO_HAND: [&str; 20] = [
    "API-TAKEN",
    "ASR-RP-SIZE",
    "ASR-VAULT-REGION",
    "BW-NEVER",
    "GEO-CLOUD",
    "GEO-LOCAL",
    "GEO-STANDARD",
    "GW-LOCATION",
    "LINK-FASTPATH-PRIVATE",
    "LINK-LOCATION",
    "PEER-L3-PROVIDER",
    "PROGRAM-THERE",
    "RG-HOME",
    "SUB-PLACE",
    "SUB-RESERVED",
    "SUB-SEEN",
    "TENANT-TOKEN",
    "UDR-MANY",
    "VPN-LOCATION",
    "GW-RESIZE",
];

/// What of a plan is not certain.
pub(super) struct Doubts<'a> {
    plan: &'a Plan,
    facts: &'a Facts,
    /// The steps that may be left out, by what decides that.
    optional: Vec<(&'a Condition, BTreeSet<usize>)>,
    /// The steps that a person or a program comes before.
    prepared: BTreeSet<usize>,
    /// Those of them that a person comes before.
    by_people: BTreeSet<usize>,
}

impl<'a> Doubts<'a> {
    pub(super) fn of(plan: &'a Plan, facts: &'a Facts) -> Self {
        let mut optional: Vec<(&Condition, BTreeSet<usize>)> = Vec::new();
        for (place, step) in plan.steps().iter().enumerate().filter(|(_, own)| own.may_be_left()) {
            let Some(when) = &step.when else { continue };
            match optional.iter_mut().find(|(own, _)| *own == when) {
                Some((_, places)) => drop(places.insert(place)),
                None => optional.push((when, BTreeSet::from([place]))),
            }
        }
        let by = |who| prepared(plan, who);
        let (prepared, by_people) = (by(PreparedBy::Anybody), by(PreparedBy::People));
        Self { plan, facts, optional, prepared, by_people }
    }

    /// What a rule that blocks found, with what is not certain made into what cannot be known.
    pub(super) fn softened(&self, rule: &Rule, mut judged: Vec<Judged>) -> Vec<Judged> {
        if rule.severity != FindingSeverity::Block {
            return judged;
        }
        if !self.optional.is_empty() {
            let words = "the steps that it comes of may be left out";
            self.soften(rule, &mut judged, &BTreeSet::new(), words);
        }
        // A program may make what is not there; what stands is changed by whoever knows what is wrong with it.
        let before = match ABSENCE_RULES.contains(&rule.id) {
            true => &self.prepared,
            false => &self.by_people,
        };
        if !before.is_empty() && !BY_NO_HAND.contains(&rule.id) {
            let words = "a person or a program before may change that";
            self.soften(rule, &mut judged, before, words);
        }
        judged
    }

    /// Takes back what is found in none of the plans that remain without some steps.
    fn soften(&self, rule: &Rule, all: &mut [Judged], without: &BTreeSet<usize>, words: &str) {
        let mut doubtful: Vec<&mut Judged> =
            all.iter_mut().filter(|own| is_failed(&own.verdict)).collect();
        for plan in self.remaining(without) {
            if doubtful.is_empty() {
                return;
            }
            let there = (rule.judge)(&Inquiry::new(&plan, self.facts));
            doubtful.retain(|own| {
                let same = |other: &Judged| other.about == own.about && other.id == own.id;
                !there.iter().any(|other| same(other) && is_failed(&other.verdict))
            });
        }
        for own in doubtful {
            if let FindingVerdict::Failed(why) = &own.verdict {
                own.verdict = FindingVerdict::Unknown(format!("{why}; {words}"));
            }
        }
    }

    /// The plan as it is when nothing optional is done; and as it is when what hangs on one condition alone is done, up
    /// to there: that what may be left out spoils something later is not certain.
    fn remaining<'s>(&'s self, without: &'s BTreeSet<usize>) -> impl Iterator<Item = Plan> + 's {
        let optional = self.optional.iter().flat_map(|(_, places)| places.iter().copied());
        let nothing: BTreeSet<usize> = optional.chain(without.iter().copied()).collect();
        let first = self.plan.decided(&BTreeSet::new(), &nothing);
        let each = self.optional.iter().map(move |(_, chosen)| {
            let later = chosen.iter().flat_map(|place| self.plan.dag().descendants(*place));
            let left: BTreeSet<usize> = nothing.iter().copied().chain(later).collect();
            let done = |place: &usize| chosen.contains(place) && !without.contains(place);
            self.plan.decided(chosen, &left.into_iter().filter(|place| !done(place)).collect())
        });
        std::iter::once(first).chain(each)
    }
}

fn is_failed(verdict: &FindingVerdict) -> bool {
    matches!(verdict, FindingVerdict::Failed(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::rule::rule;

    #[test]
    fn what_nobody_changes_is_what_rules_that_block_find() {
        for id in BY_NO_HAND {
            let severity = rule(id).map(|own| own.severity);
            assert_eq!(severity, Some(FindingSeverity::Block), "{id}");
        }
    }
}
