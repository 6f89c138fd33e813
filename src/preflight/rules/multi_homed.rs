//! Does Azure let a gateway, and what is connected to it, be deleted?

use crate::arm::{ConnectionView, GatewayView};
use crate::model::action::RemovalKind;
use crate::model::{ResourceId, SagaClass};
use crate::preflight::inquiry::{Inquiry, about, known, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule, worst_of_each};

/// The rules about gateways that are guarded.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "GW-MULTIHOMED",
        severity: FindingSeverity::Block,
        fails_when: "The run removes a multi-homed gateway, or a connection of one.",
        reads: "gateway: resiliencyModel",
        why: "Azure refuses to delete either (Resiliency Guard), and nothing that waits for the removal is done.",
        fix: "Make the gateway single-homed first (resiliencyModel SingleHomed), on a quiet day.",
        source: "azure-docs expressroute/resiliency-model.md, PR 128733",
        judge: removed,
    },
    Rule {
        id: "GW-MULTIHOMED-UNDO",
        severity: FindingSeverity::Warn,
        fails_when: "The run makes a connection on a multi-homed gateway.",
        reads: "gateway: resiliencyModel",
        why: "The run goes through. An undo is refused: Azure deletes no connection of such a gateway.",
        fix: "Have the gateway made single-homed (resiliencyModel SingleHomed) before an undo.",
        source: "azure-docs expressroute/resiliency-model.md, PR 128733",
        judge: made,
    },
];

fn is_guarded(inquiry: &Inquiry<'_>, gateway: &ResourceId) -> Result<Option<bool>, String> {
    let body = inquiry.read(gateway)?;
    Ok(body.map(|body| GatewayView::of(body).is_multi_homed()))
}

fn removed(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec) in inquiry.removals(RemovalKind::Connection) {
        let gateway = inquiry.read(&spec.id).map(|body| ConnectionView::of(body?).gateway());
        let Some(gateway) = gateway.transpose() else { continue };
        let verdict = gateway.and_then(|gateway| {
            let guarded = is_guarded(inquiry, &gateway)? == Some(true);
            Ok(unless(guarded, || format!("its gateway {} is multi-homed", gateway.name())))
        });
        all.push(about(&spec.id, known(verdict)));
    }
    for (_, spec) in inquiry.removals(RemovalKind::Gateway) {
        let verdict = match is_guarded(inquiry, &spec.id) {
            Ok(None) => continue,
            Ok(Some(guarded)) => unless(guarded, || "it is multi-homed".to_owned()),
            Err(why) => FindingVerdict::Unknown(why),
        };
        all.push(about(&spec.id, verdict));
    }
    all
}

fn made(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.connections() {
        // What stands is written back as it was, and not removed.
        let stands = !matches!(inquiry.read(&spec.id), Ok(None));
        if step.saga != SagaClass::Undoable || stands {
            continue;
        }
        let guarded = matches!(is_guarded(inquiry, &spec.gateway), Ok(Some(true)));
        let verdict = unless(guarded, || {
            format!("it is multi-homed, and an undo would remove {}", spec.id.name())
        });
        all.push(about(&spec.gateway, verdict));
    }
    worst_of_each(all)
}
