//! May we do it? Management locks and rights.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::arm;
use crate::arm::kind::PORTS;
use crate::model::{Action, ResourceId, SagaClass, Step, permission};
use crate::preflight::facts::{Fact, Question, WRONG_TENANT};
use crate::preflight::inquiry::{Inquiry, about, is, list, lock_covers, text, unless};
use crate::preflight::mend;
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about locks and rights.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "TENANT-TOKEN",
        severity: FindingSeverity::Block,
        fails_when: "Our token is of another tenant than a subscription that the runbook reads or writes.",
        reads: "the refusals of all reads (401 InvalidAuthenticationTokenTenant)",
        why: "Nothing there can be read or written, and no waiting mends that.",
        fix: "Log in to the tenant that is named, or use a credential that is known in both; \
              `tenants` in the profile or `--tenant SUBSCRIPTION=TENANT` says beforehand whose token a \
              subscription takes.",
        source: "azure-cli 21227, azure-sdk-for-go 21651, 21891",
        judge: tenants,
    },
    Rule {
        id: "LOCK-DELETE",
        severity: FindingSeverity::Block,
        fails_when: "A CanNotDelete lock holds over a resource that the runbook removes.",
        reads: "locks of the resource groups",
        why: "Azure refuses the removal with ScopeLocked, every time.",
        fix: "Take the lock off for the failover, and put it back afterwards.",
        source: "A-LOCK",
        judge: |inquiry| locked(inquiry, "CanNotDelete"),
    },
    Rule {
        id: "LOCK-READONLY",
        severity: FindingSeverity::Block,
        fails_when: "A ReadOnly lock holds over a resource that the runbook writes or asks.",
        reads: "locks of the resource groups",
        why: "Azure refuses writes with ScopeLocked, and even the questions that are asked by POST.",
        fix: "Take the lock off for the failover, and put it back afterwards.",
        source: "A-LOCK",
        judge: |inquiry| locked(inquiry, "ReadOnly"),
    },
    Rule {
        id: "LOCK-UNDO",
        severity: FindingSeverity::Warn,
        fails_when: "A CanNotDelete lock holds over what the runbook makes.",
        reads: "locks of the resource groups",
        why: "Azure takes the writes and refuses every removal: an undo leaves what was made, and it is paid for.",
        fix: "Have the lock taken off before an undo; it need not be off for the failover itself.",
        source: "A-LOCK",
        judge: not_removable,
    },
    Rule {
        id: "RBAC",
        severity: FindingSeverity::Block,
        fails_when: "A right that a step needs is missing.",
        reads: "permissions of the resource groups that are written into, and of what writes refer to: also what stands \
                in a subnet or network already (security group, route table, NAT gateway), which Azure asks about \
                with every write",
        why: "The step would fail with AuthorizationFailed, in the middle of the failover.",
        fix: "Assign the role that `backroad permissions RUNBOOK` prints; for what somebody else's resource is to be \
              joined by, have its owner assign that one right on it. Preflight itself looks further than the run: \
              assign `Reader` there and on the circuits' subscriptions besides (docs/live-azure.md).",
        source: "A-ERR",
        judge: |inquiry| {
            let mut all = rights(inquiry, RightsFor::Run);
            all.extend(linked_rights(inquiry));
            all
        },
    },
    Rule {
        id: "RBAC-UNDO",
        severity: FindingSeverity::Warn,
        fails_when: "A right that only an undo needs is missing.",
        reads: "permissions of the resource groups",
        why: "The run itself goes through. An undo is refused with AuthorizationFailed: what the run made stays, and \
              is paid for.",
        fix: "Know who has the right, and have them at hand for an undo; or assign the role that \
              `backroad permissions RUNBOOK` prints.",
        source: "A-ERR",
        judge: |inquiry| rights(inquiry, RightsFor::Undo),
    },
];

/// What rights are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RightsFor {
    /// What the steps do.
    Run,
    /// What only taking it back needs.
    Undo,
}

fn tenants(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut refused: BTreeMap<&str, &str> = BTreeMap::new();
    for (question, why) in inquiry.facts.refused_with(WRONG_TENANT) {
        // The port of a circuit may be its carrier's: no step reads it.
        if matches!(question, Question::Resource(id) if id.is_a(PORTS)) {
            continue;
        }
        if let Some(subscription) = question.subscription() {
            refused.entry(subscription).or_insert(why);
        }
    }
    // Every subscription that anything is asked of.
    let steps = inquiry.plan.steps_to_run();
    let asked: BTreeSet<&str> = steps
        .flat_map(|step| step.action.subject().into_iter().chain(step.action.reads()))
        .map(ResourceId::subscription)
        .chain(refused.keys().copied())
        .collect();
    let judge = |subscription: &str| {
        let verdict = match refused.get(subscription) {
            Some(why) => FindingVerdict::Failed((*why).to_owned()),
            None => FindingVerdict::Passed,
        };
        Judged::of(format!("subscription {subscription}"), verdict)
    };
    asked.into_iter().map(judge).collect()
}

fn locked(inquiry: &Inquiry<'_>, level: &str) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        let removal = matches!(step.action, Action::Remove(_));
        let asks = matches!(step.action, Action::Verify(_));
        let read_only = level == "ReadOnly";
        if !(if read_only { asks || step.action.written().is_some() } else { removal }) {
            continue;
        }
        let Some(id) = step.action.subject() else { continue };
        let question = locks_around(id);
        let mut commands = Vec::new();
        let verdict = match inquiry.facts.of(&question) {
            Fact::Known(value) => {
                let lock = list(value, "/value").iter().find(|lock| {
                    is(lock, "/properties/level", level) && lock_covers(lock, id.key())
                });
                commands.extend(lock.and_then(|lock| text(lock, "/id")).map(mend::lock));
                match lock {
                    Some(lock) => FindingVerdict::Failed(format!(
                        "the lock {} holds over it (step `{}`)",
                        text(lock, "/name").unwrap_or("without a name"),
                        step.name
                    )),
                    None => FindingVerdict::Passed,
                }
            }
            Fact::Absent => FindingVerdict::Passed,
            // Nothing was asked about a group that is only looked at.
            Fact::Unknown(_) if !inquiry.facts.knows(&question) => continue,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        all.push(Judged { commands, ..about(id, verdict) });
    }
    all
}

/// The locks that may hold over a resource.
fn locks_around(id: &ResourceId) -> Question {
    Question::Locks {
        subscription: id.subscription().to_owned(),
        group: id.resource_group().to_owned(),
    }
}

/// What a run would make and could not remove again: a finding for each lock.
fn not_removable(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let made = inquiry.plan.steps_to_run().filter(|step| step.saga == SagaClass::Undoable);
    let made = made.filter(|step| !matches!(step.action, Action::Remove(_)));
    let made = made.filter_map(|step| step.action.written());
    let mut held: BTreeMap<String, (&Value, Vec<&ResourceId>)> = BTreeMap::new();
    for id in made.filter(|id| matches!(inquiry.read(id), Ok(None))) {
        let question = locks_around(id);
        let Fact::Known(value) = inquiry.facts.of(&question) else { continue };
        let locks = list(value, "/value").iter().filter(|lock| lock_covers(lock, id.key()));
        for lock in locks.filter(|lock| is(lock, "/properties/level", "CanNotDelete")) {
            let named = text(lock, "/id").unwrap_or_default().to_ascii_lowercase();
            held.entry(named).or_insert((lock, Vec::new())).1.push(id);
        }
    }
    let judged = held.into_values().filter_map(|(lock, over)| {
        let (first, more) = over.split_first()?;
        let what = match more.len() {
            0 => first.name().to_owned(),
            count => format!("{} and {count} more that are made", first.name()),
        };
        let told = format!("it holds over {what}, which an undo could not remove");
        let about = format!("lock {}", text(lock, "/name").unwrap_or("without a name"));
        let judged = Judged::of(about, FindingVerdict::Failed(told));
        Some(match text(lock, "/id") {
            Some(id) => judged.mended_by(mend::lock(id)),
            None => judged,
        })
    });
    judged.collect()
}

/// The rights that a plan needs in each resource group, with a step that needs each.
fn needed<'a>(
    inquiry: &Inquiry<'a>,
    what_for: RightsFor,
) -> BTreeMap<(String, String), BTreeMap<String, &'a Step>> {
    let mut all: BTreeMap<(String, String), BTreeMap<String, &Step>> = BTreeMap::new();
    for step in inquiry.plan.steps_to_run() {
        let apart = permission::needed_apart(step);
        let own = match what_for {
            RightsFor::Run => apart.to_do,
            RightsFor::Undo => apart.to_undo,
        };
        for (id, right) in own {
            let group = (id.subscription().to_owned(), id.resource_group().to_owned());
            all.entry(group).or_default().entry(right).or_insert(step);
        }
    }
    all
}

fn rights(inquiry: &Inquiry<'_>, what_for: RightsFor) -> Vec<Judged> {
    let mut all = Vec::new();
    for ((subscription, group), rights) in needed(inquiry, what_for) {
        let about = format!("resource group {group}");
        let question = Question::Permissions { subscription, group };
        let verdict = match inquiry.facts.of(&question) {
            Fact::Known(value) => {
                let missing: Vec<&String> =
                    rights.keys().filter(|right| !permission::granted(value, right)).collect();
                match missing.first() {
                    None => FindingVerdict::Passed,
                    Some(first) => {
                        let step = rights.get(*first).map_or("", |step| step.name.as_str());
                        let more = match missing.len() {
                            1 => String::new(),
                            count => format!(" and {} more", count - 1),
                        };
                        let undo = match what_for {
                            RightsFor::Run => "",
                            RightsFor::Undo => ": it could not be taken back",
                        };
                        FindingVerdict::Failed(format!(
                            "{first} is missing (step `{step}`){more}{undo}"
                        ))
                    }
                }
            }
            Fact::Absent => continue,
            Fact::Unknown(_) if !inquiry.facts.knows(&question) => continue,
            // What cannot be known is said of the run already.
            Fact::Unknown(_) if what_for == RightsFor::Undo => continue,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        all.push(Judged::of(about, verdict));
    }
    all
}

/// The resources that writes refer to and that no question about a written resource group covers, with the rights on
/// them and a step that needs each: what a step names, and what stands in what it writes and is carried along.
fn linked<'a>(inquiry: &Inquiry<'a>) -> BTreeMap<(ResourceId, String), &'a Step> {
    let groups = inquiry.groups();
    let elsewhere = |id: &ResourceId| {
        !groups.contains(&(id.subscription().to_owned(), id.resource_group().to_owned()))
    };
    let mut all = BTreeMap::new();
    for own in inquiry.bodies() {
        let step = own.step;
        let named = permission::needed_apart(step).to_do;
        let written = own.written.as_ref().ok().and_then(Option::as_ref);
        let carried = written.filter(|_| carries(&step.action)).into_iter().flat_map(|body| {
            let own = arm::linked(body.id.resource_type().as_str(), &body.content).into_iter();
            own.map(|(id, verb)| {
                let right = format!("{}/{verb}", id.resource_type().as_str());
                (id, right)
            })
        });
        let carried = carried.filter(|needed| !named.contains(needed));
        let refers =
            |right: &str| right.ends_with("/join/action") || right.ends_with("/peer/action");
        let apart = named.iter().filter(|(id, right)| refers(right) && elsewhere(id));
        for needed in apart.cloned().chain(carried) {
            all.entry(needed).or_insert(step);
        }
    }
    all
}

/// Whether an action writes a body in which others may have put references.
fn carries(action: &Action) -> bool {
    match action {
        Action::Subnet(_)
        | Action::Association(_)
        | Action::Dissociation(_)
        | Action::SecurityGroup(_)
        | Action::Dns(_)
        | Action::Gateway(_) => true,
        Action::PublicIp(_)
        | Action::Authorization(_)
        | Action::Connection(_)
        | Action::Peering(_)
        | Action::RouteTable(_)
        | Action::Route(_)
        | Action::Bandwidth(_)
        | Action::Tier(_)
        | Action::Remove(_)
        | Action::RecoveryPlan(_)
        | Action::Vpn(_)
        | Action::Steering(_)
        | Action::Hub(_)
        | Action::Verify(_)
        | Action::Outside(_)
        | Action::General(_) => false,
    }
}

/// The questions about rights on what writes refer to.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> Vec<Question> {
    let all = linked(inquiry).into_keys();
    all.map(|(resource, _)| Question::RightsOn { resource }).collect()
}

fn linked_rights(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for ((resource, right), step) in linked(inquiry) {
        let question = Question::RightsOn { resource: resource.clone() };
        let verdict = match inquiry.facts.of(&question) {
            Fact::Known(value) => unless(!permission::granted(value, &right), || {
                format!("{right} is missing (step `{}`)", step.name)
            }),
            // It is not there: other rules say so.
            Fact::Absent => continue,
            Fact::Unknown(_) if !inquiry.facts.knows(&question) => continue,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        all.push(about(&resource, verdict));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::permission::granted;
    use serde_json::json;

    #[test]
    fn what_is_taken_out_is_not_granted() {
        let role = json!({ "value": [{
            "actions": ["Microsoft.Network/*"], "notActions": ["*/delete"] }] });
        assert!(granted(&role, "Microsoft.Network/connections/write"));
        assert!(!granted(&role, "Microsoft.Network/connections/delete"));
    }

    #[test]
    fn a_lock_of_a_group_holds_over_what_is_in_it() {
        let id = ResourceId::parse(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/connections/c",
        )
        .unwrap();
        let lock = |scope: &str| json!({ "id": format!("{scope}/providers/Microsoft.Authorization/locks/l") });
        assert!(lock_covers(&lock("/subscriptions/s"), id.key()));
        assert!(lock_covers(&lock("/subscriptions/s/resourceGroups/G"), id.key()));
        assert!(!lock_covers(&lock("/subscriptions/s/resourceGroups/g2"), id.key()));
    }
}
