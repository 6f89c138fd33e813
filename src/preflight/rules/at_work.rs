//! Is what the runbook works on as its owner left it? What has failed, and what somebody else is changing now.

use std::collections::BTreeSet;

use super::references::judged_by;
use crate::arm;
use crate::model::action::{Action, HubAction, Vpn};
use crate::model::{ActionClass, ResourceId};
use crate::preflight::inquiry::{Inquiry, is, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about states.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "NET-STATE",
        severity: FindingSeverity::Block,
        fails_when: "A virtual network that the runbook writes into is in state Failed.",
        reads: "provisioningState",
        why: "Azure takes no subnet and no peering of it before the network itself was written again \
              (ParentResourceIsInFailedState).",
        fix: "Write it again as it is: az network vnet update --ids ID.",
        source: "azure-facts 3.3",
        judge: failed_networks,
    },
    Rule {
        id: "GW-AGAIN",
        severity: FindingSeverity::Warn,
        fails_when: "A gateway that the runbook ensures stands in state Failed.",
        reads: "provisioningState of the gateway, as the steps before leave it",
        why: "The run writes it again as it is, which takes as long as making it, and may fail again.",
        fix: "Find out why it failed, and write it again before the run; or remove it and let the runbook make it.",
        source: "azure-facts 2.4",
        judge: gateways_again,
    },
    Rule {
        id: "REF-STATE",
        severity: FindingSeverity::Warn,
        fails_when: "Something that a step writes into, refers to or verifies stands in state Failed, and no step before it \
                     writes it.",
        reads: "provisioningState of every resource that a step names and does not write",
        why: "Azure refuses a write that names what is not Succeeded (ReferencedResourceNotProvisioned), and one into \
              what has failed (ParentResourceIsInFailedState); a verification waits for it in vain. No waiting mends it.",
        fix: "Find out why it failed, and write it again as it is: az resource update --ids ID --set tags.again=1.",
        source: "docs/wire.md 3; decision 86",
        judge: failed_references,
    },
    Rule {
        id: "AT-WORK",
        severity: FindingSeverity::Warn,
        fails_when: "Azure is changing or removing something that the runbook uses.",
        reads: "provisioningState of everything that steps write or name; routingState of hubs",
        why: "The run waits until that has ended; what is being removed is made again after it, if a step makes it.",
        fix: "Ask who began it, and wait for its end; the run itself waits, too.",
        source: "azure-facts 2.1, 2.4, 3.3",
        judge: at_work,
    },
];

fn failed_networks(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    inquiry.each(&inquiry.networks_written(), |_, body| {
        Some(unless(arm::has_failed(body), || "its provisioningState is Failed".to_owned()))
    })
}

/// Of gateways of networks and of hubs that steps ensure and that stand.
fn gateways_again(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let ensured = inquiry.actions(|action| match action {
        Action::Gateway(spec) => Some(&spec.id),
        Action::Vpn(Vpn::Gateway(spec)) => Some(&spec.id),
        Action::Hub(HubAction::Gateway(spec)) => Some(&spec.id),
        _ => None,
    });
    let mut all = Vec::new();
    for (step, id) in ensured {
        let then = inquiry.at(step);
        if then.facts.body(id).is_some() {
            all.extend(then.each([id], |_, body| {
                let failed = arm::has_failed(body);
                Some(unless(failed, || {
                    format!(
                        "its provisioningState is Failed, and step `{}` writes it again",
                        step.name
                    )
                }))
            }));
        }
    }
    all
}

/// The rules that say already of some things that they have failed.
const FAILURE_RULES: [&str; 5] =
    ["NET-STATE", "CIR-STATE", "GW-STATE", "UDR-FIREWALL", "LINK-STATE"];

fn failed_references(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let told = judged_by(inquiry, &FAILURE_RULES);
    let mut named: BTreeSet<ResourceId> = BTreeSet::new();
    for step in inquiry.plan.steps_to_run() {
        // What it writes itself is well afterwards; what is taken away may be as it is.
        let own = step.action.written();
        if step.action.nature().class.takes_away() {
            continue;
        }
        let names = step.action.counts_on().into_iter();
        // What a step before writes is well by then, or the run ends there.
        named.extend(names.filter(|id| Some(id) != own && !inquiry.written_before(id, step)));
    }
    inquiry.each(named.iter().filter(|id| !told.contains(*id)), |_, body| {
        let failed = arm::has_failed(body);
        failed.then(|| FindingVerdict::Failed("its provisioningState is Failed".to_owned()))
    })
}

fn at_work(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    // What a step removes may be on its way out already.
    let removed = inquiry.actions(|action| match action {
        Action::Remove(removal) => Some(&removal.id),
        _ => None,
    });
    let removed: BTreeSet<&ResourceId> = removed.into_iter().map(|(_, id)| id).collect();
    let used: BTreeSet<ResourceId> = inquiry
        .written()
        .into_iter()
        .map(|(_, id)| id.root())
        .chain(inquiry.circuits().into_iter().cloned())
        .chain(inquiry.gateways_in_use().into_iter().map(|(_, id)| id))
        .chain(inquiry.plan.steps_to_run().flat_map(|step| step.action.counts_on()))
        .filter(|id| !removed.contains(id))
        .collect();
    let known = used.iter().filter(|id| inquiry.facts.body(id).is_some());
    let makes = |id: &ResourceId| {
        let mut written = inquiry.written().into_iter();
        written.any(|(step, own)| own == id && step.action.nature().class == ActionClass::Make)
    };
    inquiry.each(known, |id, body| {
        let state = arm::provisioning_state(body);
        let rests = ["Succeeded", "Failed", "Canceled"].contains(&state);
        // A hub is done before its routers are.
        let routing = is(body, "/properties/routingState", "Provisioning");
        match (rests, routing) {
            (false, _) if state == "Deleting" && !makes(id) => {
                let why = "its provisioningState is Deleting, and no step makes it again";
                Some(FindingVerdict::Failed(why.to_owned()))
            }
            (false, _) => Some(FindingVerdict::Failed(format!("its provisioningState is {state}"))),
            (true, true) => Some(FindingVerdict::Failed("its routers come up".to_owned())),
            (true, false) => None,
        }
    })
}
