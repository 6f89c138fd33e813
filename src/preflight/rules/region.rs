//! Can anything be written there while a region is down?

use std::collections::BTreeSet;

use crate::model::action::Vpn;
use crate::model::{Action, ResourceId, references};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{CIRCUITS, Inquiry, about, is, region_at, text, unless};
use crate::preflight::mend;
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule, not_for_certain};

/// The rules about regions and resource groups.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "RG-HOME",
        severity: FindingSeverity::Block,
        fails_when: "A resource that the failover writes, or a machine that comes up, is in a resource group homed in the \
                     source region.",
        reads: "resource group: location; the runbook's source_region",
        why: "While its home region is down nothing in a group can be written, wherever the resource is.",
        fix: "Keep what the failover writes in groups homed in the target region or elsewhere.",
        source: "A-OVER",
        judge: home,
    },
    Rule {
        id: "CIR-HOME",
        severity: FindingSeverity::Warn,
        fails_when: "A step of the failover writes a circuit or an authorization of it, and the circuit's resource is located \
                     in the source region.",
        reads: "circuit: location; the runbook's source_region",
        why: "The region of a circuit's resource is where it is managed, and says nothing of where it carries. While that \
              region is down the circuit may carry, and a call about it fail: then there is no new key, tier or \
              bandwidth.",
        fix: "Make the authorization and raise the circuit on a quiet day, and let the step find it done; or use a circuit \
              whose resource is elsewhere: a circuit is not moved to another region.",
        source: "azure-facts 3.9 (A-OVER: a provider's call in a region may fail with it); azure-docs PR 10490 (the region \
                 may be any). That it fails for circuits nobody has reported (?)",
        judge: circuits_home,
    },
    Rule {
        id: "RG-THERE",
        severity: FindingSeverity::Block,
        fails_when: "A resource group that the runbook writes into, or in which machines are to come up, does not exist.",
        reads: "resource group",
        why: "The runbook makes no groups.",
        fix: "Make the group, homed in the target region.",
        source: "A-ERR",
        judge: exists,
    },
    Rule {
        id: "NET-THERE",
        severity: FindingSeverity::Block,
        fails_when: "A virtual network that the runbook writes into does not exist.",
        reads: "the network; its resource group",
        why: "The runbook makes no networks: machines need them long before a failover.",
        fix: "az network vnet create -g GROUP -n NAME -l REGION --address-prefixes PREFIX, and its subnets.",
        source: "A-ERR",
        judge: networks,
    },
    Rule {
        id: "RES-STANDS",
        severity: FindingSeverity::Block,
        fails_when: "A resource that the runbook makes stands already: in another region, or as a gateway or a \
                     connection of another type.",
        reads: "location; gatewayType, connectionType",
        why: "Azure changes neither in place: the write is refused, late in the run.",
        fix: "Correct the region, or use another name.",
        source: "A-ERR",
        judge: stands,
    },
    Rule {
        id: "SUB-STATE",
        severity: FindingSeverity::Block,
        fails_when: "A subscription that the runbook writes into is disabled or deleted.",
        reads: "subscription: state",
        why: "It answers every read, and Azure refuses every write (ReadOnlyDisabledSubscription).",
        fix: "Have whoever pays for it enable it again: that may take a day.",
        source: "A-ERR",
        judge: enabled,
    },
    Rule {
        id: "RP-REG",
        severity: FindingSeverity::Block,
        fails_when: "Microsoft.Network is not registered in a subscription that the runbook writes into.",
        reads: "providers/Microsoft.Network: registrationState",
        why: "Azure refuses every write.",
        fix: "az provider register --namespace Microsoft.Network; it takes minutes.",
        source: "A-ERR",
        judge: registered,
    },
];

fn home(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let Some(source) = &inquiry.plan.parts().source_region else { return Vec::new() };
    // What is to be done at the source is tried for a bounded time and not relied on.
    let groups: BTreeSet<(String, String)> = inquiry
        .written()
        .into_iter()
        .filter(|(step, _)| !Inquiry::on_source(step))
        .map(|(_, id)| (id.subscription().to_owned(), id.resource_group().to_owned()))
        .chain(inquiry.machines_groups())
        .collect();
    by_group(inquiry, groups, |fact| {
        let region = region_at(fact)?;
        Some(unless(region == *source, || format!("it is homed in {}", region.as_str())))
    })
}

/// What is written of circuits by steps that count, each by where its circuit is managed.
fn circuits_home(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let Some(source) = &inquiry.plan.parts().source_region else { return Vec::new() };
    let mut all = Vec::new();
    for (step, id) in inquiry.written() {
        let circuit = id.root();
        if Inquiry::on_source(step) || !circuit.is_a(CIRCUITS) {
            continue;
        }
        let verdicts = inquiry.each([&circuit], |_, body| {
            let region = region_at(body)?;
            Some(unless(region == *source, || {
                let (circuit, region) = (circuit.name(), region.as_str());
                format!("step `{}` writes it, and {circuit} is located in {region}", step.name)
            }))
        });
        all.extend(verdicts.into_iter().map(|own| about(id, own.verdict)));
    }
    all
}

fn by_group(
    inquiry: &Inquiry<'_>,
    groups: BTreeSet<(String, String)>,
    judge: impl Fn(&serde_json::Value) -> Option<FindingVerdict>,
) -> Vec<Judged> {
    let mut all = Vec::new();
    for (subscription, group) in groups {
        let about = format!("resource group {group}");
        let verdict = match inquiry.facts.of(&Question::Group { subscription, group }) {
            Fact::Known(body) => judge(body),
            Fact::Absent => None,
            Fact::Unknown(why) => Some(FindingVerdict::Unknown(why.to_owned())),
        };
        all.extend(verdict.map(|verdict| Judged::of(about, verdict)));
    }
    all
}

/// A group that is not there now: whether it can be by the time that something is written into it.
fn absent_group(inquiry: &Inquiry<'_>, subscription: &str, group: &str) -> FindingVerdict {
    let plan = inquiry.plan;
    let within = |id: &ResourceId| {
        id.subscription().eq_ignore_ascii_case(subscription)
            && id.resource_group().eq_ignore_ascii_case(group)
    };
    let writes = plan.steps_to_run().filter(|step| step.action.written().is_some_and(within));
    let mut writes = writes.peekable();
    let nobody = writes.peek().is_none();
    let certain = writes.any(|step| {
        plan.place(&step.name).is_none_or(|place| references::is_certain(plan, place, step))
    });
    let why = "there is no such group";
    match nobody || certain {
        true => FindingVerdict::Failed(why.to_owned()),
        false => not_for_certain(why),
    }
}

fn exists(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (subscription, group) in inquiry.groups() {
        let about = format!("resource group {group}");
        let command = mend::group(inquiry.plan, &subscription, &group);
        let asked = Question::Group { subscription: subscription.clone(), group: group.clone() };
        let verdict = match inquiry.facts.of(&asked) {
            Fact::Known(_) => FindingVerdict::Passed,
            Fact::Absent => absent_group(inquiry, &subscription, &group),
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        all.push(Judged::of(about, verdict).mended_by(command));
    }
    all
}

fn networks(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    inquiry
        .networks_written()
        .iter()
        .map(|id| {
            let (subscription, group) =
                (id.subscription().to_owned(), id.resource_group().to_owned());
            let home = inquiry.facts.of(&Question::Group { subscription, group });
            let verdict = match (inquiry.facts.of(&Question::Resource(id.clone())), home) {
                (Fact::Known(_), _) => FindingVerdict::Passed,
                (Fact::Absent, _) => FindingVerdict::Failed("there is no such network".to_owned()),
                (Fact::Unknown(_), Fact::Absent) => {
                    FindingVerdict::Failed("there is no such network, nor its group".to_owned())
                }
                (Fact::Unknown(why), _) => FindingVerdict::Unknown(why.to_owned()),
            };
            about(id, verdict)
        })
        .collect()
}

/// The type that an action wants of what it makes: where it is written, and the word.
fn wanted_type(action: &Action) -> Option<(&'static str, &'static str)> {
    match action {
        Action::Gateway(_) => Some(("gatewayType", "ExpressRoute")),
        Action::Vpn(Vpn::Gateway(_)) => Some(("gatewayType", "Vpn")),
        Action::Connection(_) => Some(("connectionType", "ExpressRoute")),
        Action::Vpn(Vpn::Connection(_)) => Some(("connectionType", "IPsec")),
        _ => None,
    }
}

fn stands(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        let (Some(id), Some(made)) = (step.action.written(), step.action.nature().tracked) else {
            continue;
        };
        all.extend(inquiry.at(step).each([id], |_, body| {
            let there = region_at(body).filter(|there| there != made.location);
            if let Some(there) = there {
                let wanted = made.location.as_str();
                let why = format!("it stands in {}, and shall be in {wanted}", there.as_str());
                return Some(FindingVerdict::Failed(why));
            }
            let Some((key, wanted)) = wanted_type(&step.action) else {
                return Some(FindingVerdict::Passed);
            };
            let has = text(body, &format!("/properties/{key}"));
            let other = has.filter(|has| !has.eq_ignore_ascii_case(wanted));
            Some(unless(other.is_some(), || {
                format!("it stands with {key} {}, and shall be {wanted}", other.unwrap_or_default())
            }))
        }));
    }
    all
}

/// The subscriptions that are written into.
fn subscriptions(inquiry: &Inquiry<'_>) -> BTreeSet<String> {
    inquiry.groups().into_iter().map(|(subscription, _)| subscription).collect()
}

/// The states in which a subscription takes no writes. One that is warned of or is past due takes them.
const READ_ONLY: [&str; 2] = ["Disabled", "Deleted"];

fn enabled(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for subscription in subscriptions(inquiry) {
        let about = format!("subscription {subscription}");
        let verdict = match inquiry.facts.of(&Question::Subscription { subscription }) {
            Fact::Known(body) => {
                let state = READ_ONLY.into_iter().find(|state| is(body, "/state", state));
                unless(state.is_some(), || format!("it is {}", state.unwrap_or_default()))
            }
            // That there is none is said by the rule about its provider.
            Fact::Absent => continue,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        all.push(Judged::of(about, verdict));
    }
    all
}

fn registered(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for subscription in subscriptions(inquiry) {
        let about = format!("subscription {subscription}");
        let command = mend::registration(&subscription);
        let verdict = match inquiry.facts.of(&Question::Registration { subscription }) {
            Fact::Known(body) => {
                let state = text(body, "/registrationState").unwrap_or("not reported");
                unless(!is(body, "/registrationState", "Registered"), || {
                    format!("Microsoft.Network is {state}")
                })
            }
            Fact::Absent => FindingVerdict::Failed("there is no such subscription".to_owned()),
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        all.push(Judged::of(about, verdict).mended_by(command));
    }
    all
}
