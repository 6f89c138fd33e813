//! Can a circuit that is raised from Local become Local again?

use crate::arm::CircuitView;
use crate::model::Action;
use crate::model::action::Tier;
use crate::preflight::inquiry::{Inquiry, unless};
use crate::preflight::rule::{FindingSeverity, Judged, Rule};

/// The rule about tiers that are raised for good.
pub(super) const TIER_RAISE: Rule = Rule {
    id: "TIER-RAISE",
    severity: FindingSeverity::Warn,
    fails_when: "The runbook raises a circuit's tier from Local.",
    reads: "sku.tier, as the steps before leave it",
    why: "There is no way back: Azure makes no Local circuit of a Standard or Premium one, and what leaves Azure over \
          it is paid for from then on. An undo leaves the tier as it is.",
    fix: "Accept it, or use another circuit: Local again takes a new one.",
    source: "E-FAQ (ExpressRoute Local)",
    judge: raise,
};

fn raise(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        let Action::Tier(spec) = &step.action else { continue };
        all.extend(inquiry.at(step).each([&spec.id], |_, body| {
            let has = Tier::parse(CircuitView::of(body).tier()?)?;
            let wanted = spec.at_least;
            Some(unless(has == Tier::Local && wanted > has, || {
                format!(
                    "step `{}` makes {} of Local, and nothing makes Local of it again",
                    step.name,
                    wanted.as_str()
                )
            }))
        }));
    }
    all
}
