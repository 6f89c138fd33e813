//! Can this gateway be connected to that circuit, and will it be preferred?

use serde_json::Value;

use crate::arm;
use crate::model::action::RemovalKind;
use crate::model::{Action, ResourceId, SecretRef};
use crate::preflight::facts::Fact;
use crate::preflight::hub_side::circuit_of;
use crate::preflight::inquiry::{Inquiry, about, found, is, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about connections and authorizations.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "AUTH-FREE",
        severity: FindingSeverity::Block,
        fails_when: "The authorization of a connection to be made is in use.",
        reads: "authorization: authorizationUseStatus",
        why: "One authorization makes one connection.",
        fix: "Make another authorization (authorization.ensure with another name).",
        source: "E-LINK",
        judge: free,
    },
    Rule {
        id: "AUTH-THERE",
        severity: FindingSeverity::Block,
        fails_when: "A connection takes its key from an authorization that does not exist and that no \
                     step makes first.",
        reads: "the authorization",
        why: "There is no key to send.",
        fix: "Add an authorization.ensure step and let the connection need it.",
        source: "E-LINK",
        judge: there,
    },
    Rule {
        id: "AUTH-REVOKE",
        severity: FindingSeverity::Warn,
        fails_when: "The runbook removes an authorization that is in use.",
        reads: "authorization: authorizationUseStatus",
        why: "Every connection that was made with it ends.",
        fix: "Remove the connection first, unless that is what you want.",
        source: "E-LINK",
        judge: revoke,
    },
    Rule {
        id: "LINK-DUP",
        severity: FindingSeverity::Warn,
        fails_when: "The gateway is connected to the circuit already, by a connection of another name.",
        reads: "connections of the gateway",
        why: "One pair has one connection: Azure refuses the second.",
        fix: "Write the name of the one that is there.",
        source: "azure-facts 2.5",
        judge: duplicate,
    },
    Rule {
        id: "LINK-STATE",
        severity: FindingSeverity::Warn,
        fails_when: "The connection is there and in state Failed.",
        reads: "connection: provisioningState",
        why: "It is written again; when that fails too, it must be removed and made anew.",
        fix: "See its last error in Azure's activity log.",
        source: "azure-facts 2.5",
        judge: |inquiry| {
            let mut all = Vec::new();
            for planned in inquiry.planned_links() {
                all.extend(inquiry.at(planned.step).each([planned.id], |_, body| {
                    let failed = arm::has_failed(body);
                    Some(unless(failed, || "its provisioningState is Failed".to_owned()))
                }));
            }
            all
        },
    },
    Rule {
        id: "LINK-WEIGHT-ORDER",
        severity: FindingSeverity::Warn,
        fails_when: "Another connection of the gateway has a larger weight than the one to be used.",
        reads: "routingWeight of the gateway's connections",
        why: "Azure sends its traffic over the other one.",
        fix: "Raise the weight in the runbook, or lower the other's.",
        source: "E-DR, E-OPT",
        judge: order,
    },
    Rule {
        id: "LINK-ECMP",
        severity: FindingSeverity::Warn,
        fails_when: "Another connection of the gateway has the same weight.",
        reads: "routingWeight of the gateway's connections",
        why: "Azure spreads its traffic over both, and answers may come back the other way.",
        fix: "Give them different weights.",
        source: "E-DR",
        judge: equal,
    },
    Rule {
        id: "LINK-DEFAULT-10",
        severity: FindingSeverity::Inform,
        fails_when: "The connection is there with another weight than the runbook's.",
        reads: "routingWeight",
        why: "The az CLI and Terraform write 10 where nothing is said, the portal 0.",
        fix: "Nothing to do: the runbook writes its own.",
        source: "R-GW; E-LINK",
        judge: default_ten,
    },
];

/// The authorization that a connection's key comes from, if that is where.
fn authorization(secret: Option<&SecretRef>) -> Option<&ResourceId> {
    match secret {
        Some(SecretRef::Resource { id, .. }) => Some(id),
        Some(SecretRef::Param(_)) | None => None,
    }
}

fn free(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        let Some(id) = authorization(planned.authorization) else { continue };
        let step = planned.step;
        let then = inquiry.at(step);
        match then.read(planned.id) {
            Ok(None) => {}
            // A connection that stands has spent its own.
            Ok(Some(_)) => continue,
            Err(why) => {
                all.push(about(id, FindingVerdict::Unknown(why)));
                continue;
            }
        }
        // Released by a connection that is removed first.
        let released = inquiry
            .all_links_to(planned.circuit)
            .iter()
            .any(|link| inquiry.removed_before(link, step));
        all.extend(then.each([id], |_, body| {
            let used = is(body, "/properties/authorizationUseStatus", "InUse") && !released;
            Some(unless(used, || "it is in use".to_owned()))
        }));
    }
    all
}

fn there(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        let Some(id) = authorization(planned.authorization) else { continue };
        let then = inquiry.at(planned.step);
        let made = inquiry.written().into_iter().any(|(maker, written)| {
            written == id && then.is_done(maker) && !matches!(maker.action, Action::Remove(_))
        });
        let verdict = match then.facts.resource(id) {
            Fact::Known(_) => FindingVerdict::Passed,
            Fact::Absent => FindingVerdict::Failed("it does not exist by then".to_owned()),
            Fact::Unknown(_) if made => FindingVerdict::Passed,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        all.push(about(id, verdict));
    }
    all
}

fn revoke(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, removed) in inquiry.removals(RemovalKind::Authorization) {
        let place = inquiry.plan.place(&step.name).unwrap_or_default();
        let before = inquiry.plan.dag().ancestors(place);
        let mut removed_too = inquiry.removals(RemovalKind::Connection);
        removed_too.extend(inquiry.removals(RemovalKind::HubConnection));
        let disconnects = removed_too.iter().any(|(other, _)| {
            inquiry.plan.place(&other.name).is_some_and(|at| before.contains(&at))
        });
        all.extend(inquiry.each([&removed.id], |_, body| {
            let used = is(body, "/properties/authorizationUseStatus", "InUse");
            Some(unless(used && !disconnects, || "a connection uses it".to_owned()))
        }));
    }
    all
}

fn duplicate(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        let then = inquiry.at(planned.step);
        let mut others = then.links_at(&planned.gateway).into_iter();
        let other = others.find(|(id, body)| {
            id != planned.id && circuit_of(body).as_ref() == Some(planned.circuit)
        });
        let hit = other.map(|(id, _)| format!("{} connects them already", id.name()));
        all.push(about(planned.id, found(hit, then.every_link())));
    }
    all
}

fn weight(body: &Value) -> u64 {
    arm::ConnectionView::of(body).weight()
}

/// Judges each connection beside the gateway's others, by their weights.
fn beside(inquiry: &Inquiry<'_>, wrong: impl Fn(u64, u64) -> bool, word: &str) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        let then = inquiry.at(planned.step);
        // What the author does not say is as it stands.
        let standing = || then.facts.body(planned.id).map_or(0, weight);
        let ours = planned.weight.unwrap_or_else(standing);
        let others = then.links_at(&planned.gateway).into_iter();
        let hit = others
            .filter(|(id, _)| id != planned.id)
            .find(|(_, body)| wrong(ours, weight(body)))
            .map(|(id, body)| {
                format!("{} has {word} weight: {} beside {ours}", id.name(), weight(body))
            });
        all.push(about(planned.id, found(hit, then.every_link())));
    }
    all
}

fn order(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    beside(inquiry, |ours, other| other > ours, "a larger")
}

fn equal(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    beside(inquiry, |ours, other| other == ours, "the same")
}

fn default_ten(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        let Some(wanted) = planned.weight else { continue };
        all.extend(inquiry.at(planned.step).each([planned.id], |_, body| {
            let has = weight(body);
            let differs = has != wanted;
            Some(unless(differs, || {
                let status = arm::ConnectionView::of(body).status().unwrap_or("not reported");
                format!("it has {has} (status {status}), and the runbook {wanted}")
            }))
        }));
    }
    all
}
