//! Can a gateway be of the SKU that is wanted: one that stands be made larger, and smaller again?

use crate::arm::GatewayView;
use crate::model::action::Vpn;
use crate::model::azure_limits::{Resize, SCALE, WITHOUT_SCALE, resize, resizes_in_place};
use crate::model::{Action, ResourceId, SagaClass, Step};
use crate::preflight::inquiry::{Inquiry, about, unless};
use crate::preflight::rule::{FindingSeverity, Judged, Rule};

/// The rules about sizes that are changed.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "GW-RESIZE",
        severity: FindingSeverity::Block,
        fails_when: "The runbook wants another family of SKU than the gateway has.",
        reads: "sku.name, as planned and as it is",
        why: "Azure does not change between zone-redundant and other SKUs in place, and makes nothing else of ErGwScale.",
        fix: "Write the gateway's SKU into the runbook, or make a new gateway.",
        source: "E-GW; azure-docs scalable-gateway.md (November 2025)",
        judge: resized,
    },
    Rule {
        id: "GW-SCALE-REGION",
        severity: FindingSeverity::Warn,
        fails_when: "A gateway shall be of the SKU ErGwScale in a region that had none when this was written.",
        reads: "the step's SKU and region; sku.name as it is",
        why: "Azure refuses it there, after the approval and the wait for what comes before.",
        fix: "Look it up for the region, and use ErGw1AZ to ErGw3AZ where it is so still.",
        source: "azure-docs scalable-gateway.md (November 2025)",
        judge: scale_region,
    },
    Rule {
        id: "GW-RESIZE-UNDO",
        severity: FindingSeverity::Warn,
        fails_when: "The runbook makes a standing gateway larger, and Azure would not make it smaller again.",
        reads: "sku.name, as planned and as it is",
        why: "There is no way back: ExpressRoute gateways go down from HighPerformance to Standard and from ErGw2AZ to \
              ErGw1AZ only. An undo leaves the larger size, and it is paid for.",
        fix: "Accept it, or write the SKU that stands into the runbook.",
        source: "azurerm 20007, PR 31628",
        judge: for_good,
    },
];

fn resized(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        let Some((id, wanted)) = wanted(step) else { continue };
        all.extend(inquiry.at(step).each([id], |_, body| {
            let has = GatewayView::of(body).sku()?;
            Some(unless(resize(has, wanted) == Resize::Refused, || {
                format!("it is {has}, and shall be {wanted}")
            }))
        }));
    }
    all
}

fn scale_region(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let gateways = inquiry.gateways().into_iter();
    let scaled = gateways.filter(|(_, spec)| spec.sku.eq_ignore_ascii_case(SCALE));
    let judged = scaled.map(|(step, spec)| {
        let then = inquiry.at(step);
        let has = then.read(&spec.id).ok().flatten().and_then(|body| GatewayView::of(body).sku());
        let stands = has.is_some_and(|has| has.eq_ignore_ascii_case(SCALE));
        let region = spec.location.as_str();
        let without = WITHOUT_SCALE.contains(&region) && !stands;
        about(&spec.id, unless(without, || format!("{region} had no {SCALE} in November 2025")))
    });
    judged.collect()
}

/// The gateway of either kind that a step makes, and its SKU.
fn wanted(step: &Step) -> Option<(&ResourceId, &str)> {
    match &step.action {
        Action::Gateway(spec) => Some((&spec.id, &spec.sku)),
        Action::Vpn(Vpn::Gateway(spec)) => Some((&spec.id, &spec.sku)),
        _ => None,
    }
}

fn for_good(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    let undoable = |step: &&Step| step.saga == SagaClass::Undoable;
    for step in inquiry.plan.steps_to_run().filter(undoable) {
        let Some((id, wanted)) = wanted(step) else { continue };
        let Ok(Some(body)) = inquiry.at(step).read(id) else { continue };
        let Some(has) = GatewayView::of(body).sku() else { continue };
        let stays = resize(has, wanted) == Resize::InPlace && !resizes_in_place(wanted, has);
        let verdict = unless(stays, || {
            format!(
                "step `{}` makes {wanted} of {has}, and nothing makes {has} of it again",
                step.name
            )
        });
        all.push(about(id, verdict));
    }
    all
}
