//! Can a circuit be raised, and does anything lead back?

use serde_json::Value;

use crate::arm::CircuitView;
use crate::model::action::{CircuitBandwidth, Tier};
use crate::model::{Action, Condition, OnFailure, Step};
use crate::preflight::inquiry::{Inquiry, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rule about bandwidths that are raised.
pub(super) const BW_RAISE: Rule = Rule {
    id: "BW-RAISE",
    severity: FindingSeverity::Warn,
    fails_when: "The runbook raises a circuit's bandwidth.",
    reads: "bandwidthInMbps; table of what is sold",
    why: "It fails when the port has no room, the provider must follow, and there is no way back.",
    fix: "Ask the provider beforehand. Let the step come after the connections to the circuit, and its failure not stop \
          the run: a raise that Azure begins and fails leaves the circuit Failed, and nothing new is connected to it \
          until it was written again.",
    source: "E-FAQ; azurerm 1039",
    judge: widen,
};

/// The rule about bandwidths that cannot be had.
pub(super) const BW_NEVER: Rule = Rule {
    id: "BW-NEVER",
    severity: FindingSeverity::Block,
    fails_when: "A step whose failure stops the run wants more bandwidth than any provider sells, or more of a circuit of \
                 ExpressRoute Direct than it has.",
    reads: "bandwidthInMbps, expressRoutePort; table of what is sold",
    why: "The step fails, always, and the run with it.",
    fix: "Write a bandwidth that is sold; leave the step out for a circuit of ExpressRoute Direct, whose share of its port \
          is set on the circuit itself; or let the step's failure not stop the run.",
    source: "E-FAQ; azurerm PR 12289",
    judge: never,
};

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
    judge: for_good,
};

fn for_good(inquiry: &Inquiry<'_>) -> Vec<Judged> {
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

/// The steps that ask for bandwidth and may run.
fn asked<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, &'a CircuitBandwidth)> {
    let all = inquiry.plan.steps_to_run().filter_map(|step| match &step.action {
        Action::Bandwidth(spec) => Some((step, spec)),
        _ => None,
    });
    all.collect()
}

/// Why a circuit does not get what is asked of it, whatever happens.
fn refused(step: &Step, spec: &CircuitBandwidth, circuit: &Value) -> Option<String> {
    let circuit = CircuitView::of(circuit);
    let (has, wanted) = (circuit.mbps(), spec.mbps_min);
    if has.is_some_and(|has| has >= u64::from(wanted)) {
        return None;
    }
    if circuit.is_direct() {
        let has = has.map_or("less".to_owned(), |has| format!("{has} Mbps"));
        return Some(format!(
            "step `{}` wants {wanted} Mbps: it has {has} of a port of ExpressRoute Direct, and is not raised here",
            step.name
        ));
    }
    spec.bought()
        .is_none()
        .then(|| format!("step `{}` wants {wanted} Mbps, which no provider sells", step.name))
}

/// Whether the run ends when a step fails, and the step is sure to run.
fn is_decisive(step: &Step) -> bool {
    step.on_failure != OnFailure::Continue
        && matches!(step.when, None | Some(Condition::Known(true)))
}

fn never(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in asked(inquiry).into_iter().filter(|(step, _)| is_decisive(step)) {
        all.extend(inquiry.at(step).each([&spec.id], |_, body| {
            let why = refused(step, spec, body);
            Some(why.map_or(FindingVerdict::Passed, FindingVerdict::Failed))
        }));
    }
    all
}

fn widen(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in asked(inquiry) {
        all.extend(inquiry.at(step).each([&spec.id], |_, body| {
            if let Some(why) = refused(step, spec, body) {
                // The other rule says so where it stops the run.
                return (!is_decisive(step)).then_some(FindingVerdict::Failed(why));
            }
            let has = CircuitView::of(body).mbps()?;
            let wanted = u64::from(spec.mbps_min);
            Some(unless(has < wanted, || match spec.bought() {
                Some(bought) if u64::from(bought) > wanted => format!(
                    "step `{}` raises {has} to {bought} Mbps, as nothing between is sold for {wanted}",
                    step.name
                ),
                _ => format!("step `{}` raises {has} to {wanted} Mbps", step.name),
            }))
        }));
    }
    all
}
