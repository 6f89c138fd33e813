//! Would Site Recovery bring the machines up, where they shall be?

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::recovery::{FailoverDirection, RecoveryMove, RecoveryPlan};
use crate::model::{ResourceId, Step};
use crate::preflight::facts::Fact;
use crate::preflight::inquiry::{
    FAILS_OVER_INTO, Inquiry, about, id_at, is, list, recovery_items, region_at, text, unless,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// Protected items and boot groups that a recovery plan may have (azure-facts 6.1).
const ITEMS_MAX: usize = 100;
const BOOT_GROUPS_MAX: usize = 7;

/// The rules about machines.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ASR-VAULT-REGION",
        severity: FindingSeverity::Block,
        fails_when: "The vault of a recovery plan is in the source region.",
        reads: "vault: location; the runbook's source_region",
        why: "When the region is down, so is what would move the machines out of it.",
        fix: "Protect the machines from a vault in the target region.",
        source: "S-REL",
        judge: vault_region,
    },
    Rule {
        id: "ASR-TFO-PENDING",
        severity: FindingSeverity::Block,
        fails_when: "A recovery plan that is to fail over, or a machine of it, waits for the cleanup of a test failover.",
        reads: "recovery plan: allowedOperations; protected item: testFailoverState",
        why: "Site Recovery takes nothing but the cleanup.",
        fix: "Clean the test failover up: of a whole plan recovery_plan.test_cleanup, of one machine in the portal \
              (its replicated item: Cleanup test failover).",
        source: "X-ASR",
        judge: test_pending,
    },
    Rule {
        id: "ASR-OPS",
        severity: FindingSeverity::Block,
        fails_when: "Site Recovery does not allow what the runbook asks of a recovery plan first.",
        reads: "recovery plan: allowedOperations; protected item: testFailoverState",
        why: "The step would be refused, in the middle of the failover.",
        fix: "Look at the plan's last job and at its machines; what is allowed now is said above. A machine that waits \
              for the cleanup of its test failover is cleaned up in the portal (its replicated item).",
        source: "X-ASR",
        judge: allowed,
    },
    Rule {
        id: "ASR-HEALTH",
        severity: FindingSeverity::Block,
        fails_when: "A machine that is to fail over is not Protected.",
        reads: "protected item: protectionState, activeLocation",
        why: "It has no recovery point, or none that is whole.",
        fix: "Wait for its replication, or take it out of the plan and say what that means.",
        source: "X-ASR",
        judge: protected,
    },
    Rule {
        id: "ASR-CRITICAL",
        severity: FindingSeverity::Warn,
        fails_when: "The replication or the readiness of a machine that is to fail over is Critical.",
        reads: "protected item: replicationHealth, failoverHealth",
        why: "It may start from an old recovery point, or not at all.",
        fix: "Read the item's health errors in the vault and mend them first.",
        source: "X-ASR",
        judge: healthy,
    },
    Rule {
        id: "ASR-NIC",
        severity: FindingSeverity::Block,
        fails_when: "A machine would come up in a network that the runbook does not connect.",
        reads: "protected item: selectedRecoveryAzureNetworkId; the runbook's networks",
        why: "It would run where nobody reaches it.",
        fix: "Set the machine's target network in its network settings, or add the network to the runbook.",
        source: "G-ASR",
        judge: network,
    },
    Rule {
        id: "ASR-EMPTY",
        severity: FindingSeverity::Warn,
        fails_when: "A recovery plan that moves machines has none.",
        reads: "recovery plan: groups",
        why: "The step succeeds, and nothing is moved.",
        fix: "Put the machines into the plan's groups, or take the step out.",
        source: "S-RP",
        judge: empty,
    },
    Rule {
        id: "ASR-TEST-NETWORK",
        severity: FindingSeverity::Warn,
        fails_when: "A test failover leads into the network that a machine comes up in when it really fails over.",
        reads: "protected item: selectedRecoveryAzureNetworkId; the runbook's test failover",
        why: "The copies have the names and addresses of the machines that serve: who reaches the network meets \
              both.",
        fix: "Name a network of its own that nothing is connected to.",
        source: "S-PS",
        judge: test_network,
    },
    Rule {
        id: "ASR-RP-SIZE",
        severity: FindingSeverity::Block,
        fails_when: "A recovery plan has more than 100 machines or more than seven boot groups.",
        reads: "recovery plan: groups",
        why: "Site Recovery does not take such a plan.",
        fix: "Make several plans of it.",
        source: "S-RP",
        judge: size,
    },
];

/// What is asked of each plan first.
fn first_moves<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, &'a RecoveryPlan)> {
    let all = inquiry.recovery_plans();
    let before = |step: &Step| {
        inquiry.plan.place(&step.name).map(|place| inquiry.plan.dag().ancestors(place))
    };
    all.iter()
        .filter(|(step, spec)| {
            let ancestors = before(step).unwrap_or_default();
            !all.iter().any(|(other, its)| {
                its.id == spec.id
                    && inquiry.plan.place(&other.name).is_some_and(|at| ancestors.contains(&at))
            })
        })
        .copied()
        .collect()
}

/// A plan whose machines leave a side, as the first that is asked of it.
pub(super) struct LeavingPlan<'a> {
    pub(super) step: &'a Step,
    pub(super) spec: &'a RecoveryPlan,
    /// The side that they leave, as their items name it.
    from: &'static str,
}

/// Plans whose machines are moved first of all, with the side that they leave.
pub(super) fn leaving<'a>(inquiry: &Inquiry<'a>) -> Vec<LeavingPlan<'a>> {
    first_moves(inquiry)
        .into_iter()
        .filter_map(|(step, spec)| match &spec.to {
            RecoveryMove::Failover { direction, .. }
            | RecoveryMove::TestFailover { direction, .. } => {
                let from = match direction {
                    FailoverDirection::PrimaryToRecovery => "Primary",
                    FailoverDirection::RecoveryToPrimary => "Recovery",
                };
                Some(LeavingPlan { step, spec, from })
            }
            RecoveryMove::Commit | RecoveryMove::Reprotect | RecoveryMove::TestCleanup => None,
        })
        .collect()
}

/// The machines of a plan that are still at the side which they leave, with their items.
pub(super) fn machines<'i>(
    inquiry: &Inquiry<'i>,
    own: &LeavingPlan<'_>,
) -> Vec<(ResourceId, &'i Value)> {
    let plan = inquiry.facts.body(&own.spec.id);
    let items = plan.map(recovery_items).unwrap_or_default().into_iter();
    let read = items.filter_map(|id| Some((inquiry.facts.body(&id)?, id)));
    let here = read.filter(|(body, _)| is(body, "/properties/activeLocation", own.from));
    here.map(|(body, id)| (id, body)).collect()
}

fn allows(plan: &Value, word: &str) -> bool {
    list(plan, "/properties/allowedOperations")
        .iter()
        .filter_map(Value::as_str)
        .any(|known| known.eq_ignore_ascii_case(word))
}

fn vault_region(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let Some(source) = &inquiry.plan.parts().source_region else { return Vec::new() };
    let plans = inquiry.recovery_plans();
    let vaults: BTreeSet<ResourceId> =
        plans.iter().filter_map(|(_, spec)| spec.id.parent()).collect();
    inquiry.each(&vaults, |_, body| {
        let region = region_at(body)?;
        Some(unless(region == *source, || format!("it is in {}", region.as_str())))
    })
}

fn test_pending(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let moves = first_moves(inquiry);
    let failing = moves.iter().filter(|(_, spec)| matches!(spec.to, RecoveryMove::Failover { .. }));
    let failing: Vec<&ResourceId> = failing.map(|(_, spec)| &spec.id).collect();
    let mut all = inquiry.each(failing.iter().copied(), |_, body| {
        Some(unless(allows(body, "TestFailoverCleanup"), || {
            "a test failover of it has not been cleaned up".to_owned()
        }))
    });
    // Where only some machines were tested, the plan allows no cleanup of the whole.
    for body in failing.into_iter().filter_map(|id| inquiry.facts.body(id)) {
        for machine in tested(inquiry, body).filter(|_| !allows(body, "TestFailoverCleanup")) {
            let told = "a test failover of this machine has not been cleaned up".to_owned();
            all.push(about(&machine, FindingVerdict::Failed(told)));
        }
    }
    all
}

/// The machines of a plan that wait for the cleanup of a test failover (azure-facts 2.7, ASR-TFO-PENDING).
fn tested<'i>(
    inquiry: &'i Inquiry<'_>,
    plan: &Value,
) -> impl Iterator<Item = ResourceId> + use<'i> {
    recovery_items(plan).into_iter().filter(|item| {
        let body = inquiry.facts.body(item);
        body.is_some_and(|body| is(body, "/properties/testFailoverState", "WaitingForCompletion"))
    })
}

fn allowed(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec) in first_moves(inquiry) {
        all.extend(inquiry.each([&spec.id], |_, body| {
            // What has been done already is not asked for again.
            let done = match &spec.to {
                RecoveryMove::Failover { .. } => {
                    allows(body, "Commit") || allows(body, "TestFailoverCleanup")
                }
                RecoveryMove::Commit => allows(body, "ReverseReplicate"),
                RecoveryMove::Reprotect => allows(body, "UnplannedFailover"),
                RecoveryMove::TestFailover { .. } => allows(body, "TestFailoverCleanup"),
                RecoveryMove::TestCleanup => true,
            };
            Some(unless(!done && !allows(body, spec.to.allowed_word()), || {
                let words: Vec<&str> = list(body, "/properties/allowedOperations")
                    .iter()
                    .filter_map(Value::as_str)
                    .collect();
                let now = if words.is_empty() { "nothing".to_owned() } else { words.join(", ") };
                let waits: Vec<String> =
                    tested(inquiry, body).map(|item| item.name().to_owned()).collect();
                let because = match waits.as_slice() {
                    [] => String::new(),
                    [one] => format!(": {one} waits for the cleanup of its test failover"),
                    _ => format!(
                        ": {} wait for the cleanup of their test failover",
                        waits.join(", ")
                    ),
                };
                format!("it allows {now}, and not {}{because}", spec.to.allowed_word())
            }))
        }));
    }
    all
}

/// Judges each machine of the plans that leave a side, and is still there.
fn each_machine(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&Value) -> Option<FindingVerdict>,
) -> Vec<Judged> {
    let mut all = Vec::new();
    for LeavingPlan { spec, from, .. } in leaving(inquiry) {
        let plan = match inquiry.read(&spec.id) {
            Ok(Some(plan)) => plan,
            Ok(None) => continue,
            Err(why) => {
                all.push(about(&spec.id, FindingVerdict::Unknown(why)));
                continue;
            }
        };
        for item in recovery_items(plan) {
            let verdict = match inquiry.facts.resource(&item) {
                Fact::Known(body) if is(body, "/properties/activeLocation", from) => judge(body),
                Fact::Known(_) => None,
                Fact::Absent => {
                    Some(FindingVerdict::Failed("its vault does not have it".to_owned()))
                }
                Fact::Unknown(why) => Some(FindingVerdict::Unknown(why.to_owned())),
            };
            all.extend(verdict.map(|verdict| about(&item, verdict)));
        }
    }
    all
}

fn protected(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    each_machine(inquiry, |item| {
        let state = text(item, "/properties/protectionState").unwrap_or("without a state");
        Some(unless(!state.eq_ignore_ascii_case("Protected"), || format!("it is {state}")))
    })
}

fn healthy(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    each_machine(inquiry, |item| {
        let critical = ["replicationHealth", "failoverHealth"]
            .into_iter()
            .find(|key| is(item, &format!("/properties/{key}"), "Critical"));
        Some(match critical {
            Some(key) => FindingVerdict::Failed(format!("its {key} is Critical")),
            None => FindingVerdict::Passed,
        })
    })
}

fn network(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let moves = first_moves(inquiry);
    if !moves.iter().any(|(_, spec)| matches!(spec.to, RecoveryMove::Failover { .. })) {
        return Vec::new();
    }
    let mut connected: BTreeSet<ResourceId> = BTreeSet::new();
    for (_, peering) in inquiry.peerings() {
        connected.extend(peering.id.parent());
        connected.insert(peering.remote.clone());
    }
    let mut unread = None;
    for (_, spec) in inquiry.connections() {
        match inquiry.vnet_of(&spec.gateway) {
            Some(vnet) => drop(connected.insert(vnet)),
            None => unread = inquiry.read(&spec.gateway).err().or(unread),
        }
    }
    if connected.is_empty() && unread.is_none() {
        return Vec::new();
    }
    each_machine(inquiry, |item| {
        let target = id_at(item, FAILS_OVER_INTO)?;
        Some(match (connected.contains(&target), &unread) {
            (true, _) => FindingVerdict::Passed,
            // The network that it would come up in may be the one that was not read.
            (false, Some(why)) => FindingVerdict::Unknown(why.clone()),
            (false, None) => {
                FindingVerdict::Failed(format!("it would come up in {}", target.name()))
            }
        })
    })
}

fn empty(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let leaving = leaving(inquiry);
    let ids: BTreeSet<&ResourceId> = leaving.iter().map(|own| &own.spec.id).collect();
    inquiry.each(ids, |_, body| {
        Some(unless(recovery_items(body).is_empty(), || "no machine is in it".to_owned()))
    })
}

/// Of each network that copies come up in, whether it is one of those that machines fail over to.
fn test_network(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let tests = inquiry.recovery_plans().into_iter().filter_map(|(_, spec)| match &spec.to {
        RecoveryMove::TestFailover { network, .. } => Some((&spec.id, network)),
        RecoveryMove::Failover { .. }
        | RecoveryMove::Commit
        | RecoveryMove::Reprotect
        | RecoveryMove::TestCleanup => None,
    });
    let mut all = Vec::new();
    for (plan, network) in tests {
        let Ok(Some(body)) = inquiry.read(plan) else { continue };
        let meant = recovery_items(body).into_iter().find(|item| {
            let item = inquiry.read(item).ok().flatten();
            item.and_then(|item| id_at(item, FAILS_OVER_INTO)).as_ref() == Some(network)
        });
        let verdict = match meant {
            Some(item) => FindingVerdict::Failed(format!(
                "{} comes up there when it really fails over",
                item.name()
            )),
            None => FindingVerdict::Passed,
        };
        all.push(about(network, verdict));
    }
    all
}

fn size(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let plans = inquiry.recovery_plans();
    let ids: BTreeSet<&ResourceId> = plans.iter().map(|(_, spec)| &spec.id).collect();
    inquiry.each(ids, |_, body| {
        let items = recovery_items(body).len();
        let boots = list(body, "/properties/groups")
            .iter()
            .filter(|group| is(group, "/groupType", "Boot"))
            .count();
        Some(unless(items > ITEMS_MAX || boots > BOOT_GROUPS_MAX, || {
            format!("it has {items} machines in {boots} boot groups")
        }))
    })
}
