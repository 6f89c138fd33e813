//! Would each machine come up in its subnet and with its address, and its recovery plan go through by itself?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::address_holders::{OwnCard, holder_of, holders};
use super::machines::{LeavingPlan, leaving, machines};
use crate::arm::read::name;
use crate::model::recovery::{FailoverDirection, RecoveryMove};
use crate::model::{Action, ResourceId, Step};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{
    FAILS_OVER_INTO, Inquiry, NETWORK_MAPPINGS, about, card_network, cards, id_at, is, list,
    lock_covers, recovery_group, recovery_items, subnet_named, subnet_prefixes, text, unless,
};
use crate::preflight::mend;
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// How many addresses Azure keeps for itself at the beginning of a subnet; of IPv4 also the last (azure-facts 2.3).
const KEPT_FIRST: u128 = 4;

/// The rules about where machines come up, and what their plans wait for.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ASR-SUBNET",
        severity: FindingSeverity::Block,
        fails_when: "A machine is to come up in a subnet that its target network does not have by then.",
        reads: "protected item: vmNics, selectedRecoveryAzureNetworkId; the network's subnets, as the steps before leave them",
        why: "Site Recovery cannot place its network card: the machine's failover fails, or it comes up elsewhere.",
        fix: "Set the subnet in the machine's network settings; or make it (subnet.ensure) in a step that the failover \
              needs.",
        source: "S-IP",
        judge: subnet,
    },
    Rule {
        id: "ASR-ADDRESS",
        severity: FindingSeverity::Warn,
        fails_when: "The address that a machine is to come up with is not one that its subnet can give, is another \
                     machine's as well, or has been taken by something else; or a machine with a fixed address is to \
                     get any.",
        reads: "protected item: vmNics; the subnet's prefixes, as the steps before leave them; the network cards, load \
                balancers and firewalls in it, where they are at most 64",
        why: "Site Recovery gives it another one, and whoever knows the machine by its address does not reach it.",
        fix: "Set an address of the subnet in the machine's network settings: not one of its first four, nor its last; or \
              free the one that it is to have.",
        source: "S-IP, S-Q; azure-docs 96765, 66601, 118965",
        judge: address,
    },
    Rule {
        id: "ASR-LOCK",
        severity: FindingSeverity::Block,
        fails_when: "A ReadOnly lock holds over the resource group in which machines are to come up, or a CanNotDelete lock \
                     over the one in which copies of a test failover are to be cleaned up.",
        reads: "protected item: recoveryAzureResourceGroupId; locks of that group",
        why: "Site Recovery makes and removes machines there as anybody does: it is refused with ScopeLocked.",
        fix: "Take the lock off for the failover, and put it back afterwards.",
        source: "azure-docs 32050; A-LOCK",
        judge: locked,
    },
    Rule {
        id: "ASR-MAPPING",
        severity: FindingSeverity::Warn,
        fails_when: "Machines are to be protected back, and no network mapping leads from the network that they run in.",
        reads: "network mappings of the vault; protected item: selectedRecoveryAzureNetworkId",
        why: "Site Recovery does not know into which network they go home: it takes one of its own choice, or refuses.",
        fix: "Map the networks in both directions (the vault: Site Recovery infrastructure, Network mapping) before \
              the failover.",
        source: "S-PS",
        judge: mapping,
    },
    Rule {
        id: "ASR-AUTOMATION",
        severity: FindingSeverity::Block,
        fails_when: "A recovery plan runs an Automation runbook of another subscription than its vault's.",
        reads: "recovery plan: actions of its groups",
        why: "Site Recovery does not run it, and the plan's job fails at it.",
        fix: "Move the Automation account into the vault's subscription, or take the action out of the plan.",
        source: "S-RB",
        judge: automation,
    },
    Rule {
        id: "ASR-MANUAL",
        severity: FindingSeverity::Warn,
        fails_when: "A recovery plan waits for a person at a manual action of its own.",
        reads: "recovery plan: actions of its groups",
        why: "Its job goes on only when somebody says so in the portal: the step waits, and its time runs.",
        fix: "Have somebody at the portal (the vault's jobs: Complete manual action), or take the action out of the \
              plan and make it a gate of the runbook.",
        source: "S-RPC",
        judge: manual,
    },
];

/// One address of a card of a machine, and where it is to be at the other side.
struct CardPlace<'i> {
    machine: &'i ResourceId,
    network: ResourceId,
    subnet: &'i str,
    address: Option<IpAddr>,
    own: OwnCard<'i>,
    config: &'i Value,
}

/// Where the cards of a machine are to be. A card that is left behind, or that names no subnet, is not judged: Site
/// Recovery chooses one that the network has.
fn places<'i>(machine: &'i ResourceId, item: &'i Value) -> Vec<CardPlace<'i>> {
    let mut all = Vec::new();
    for card in cards(item).iter().filter(|card| !is(card, "/selectionType", "NotSelected")) {
        let Some(network) = card_network(item, card) else { continue };
        for config in list(card, "/ipConfigs") {
            let left = config.get("isSeletedForFailover").and_then(Value::as_bool) == Some(false);
            let named = text(config, "/recoverySubnetName").filter(|name| !name.is_empty());
            let Some(subnet) = named.filter(|_| !left) else { continue };
            let address = text(config, "/recoveryStaticIPAddress").and_then(|own| own.parse().ok());
            let (network, own) = (network.clone(), OwnCard { item, card });
            all.push(CardPlace { machine, network, subnet, address, own, config });
        }
    }
    all
}

/// The plans whose machines fail over in earnest: copies of a test come up elsewhere.
pub(super) fn failovers<'a>(inquiry: &Inquiry<'a>) -> Vec<LeavingPlan<'a>> {
    let all = leaving(inquiry).into_iter();
    all.filter(|own| matches!(own.spec.to, RecoveryMove::Failover { .. })).collect()
}

/// Judges each machine by the worst of its places, as the step finds them that fails it over. What is in a network that
/// is not there is for the rules about that.
fn each_place(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&LeavingPlan<'_>, &CardPlace<'_>, &Value) -> Option<FindingVerdict>,
) -> Vec<Judged> {
    let mut worst: BTreeMap<ResourceId, FindingVerdict> = BTreeMap::new();
    for own in failovers(inquiry) {
        let then = inquiry.at(own.step);
        for (machine, item) in machines(inquiry, &own) {
            for place in places(&machine, item) {
                let verdict = match then.read(&place.network) {
                    Ok(Some(network)) => judge(&own, &place, network),
                    Ok(None) => None,
                    Err(why) => Some(FindingVerdict::Unknown(why)),
                };
                let Some(verdict) = verdict else { continue };
                match worst.get(&machine) {
                    Some(FindingVerdict::Failed(_)) => {}
                    Some(FindingVerdict::Unknown(_)) if verdict == FindingVerdict::Passed => {}
                    _ => drop(worst.insert(machine.clone(), verdict)),
                }
            }
        }
    }
    worst.into_iter().map(|(machine, verdict)| about(&machine, verdict)).collect()
}

fn subnet(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    each_place(inquiry, |own, place, network| {
        let (there, failover) = (subnet_named(network, place.subnet).is_some(), own.step);
        Some(unless(!there, || {
            let (subnet, network) = (place.subnet, place.network.name());
            let late = maker(inquiry, place);
            let late = late.map_or(String::new(), |step| {
                format!(
                    "; step `{}` makes it, and does not come before `{}`",
                    step.name, failover.name
                )
            });
            format!("it is to come up in {subnet}, and {network} has none of that name then{late}")
        }))
    })
}

/// The step that makes the subnet of a place.
fn maker<'i>(inquiry: &'i Inquiry<'_>, place: &CardPlace<'_>) -> Option<&'i Step> {
    let wanted = place.network.child("subnets", place.subnet).ok()?;
    let mut steps = inquiry.plan.steps_to_run();
    steps.find(|step| matches!(&step.action, Action::Subnet(spec) if spec.id == wanted))
}

fn address(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut given: BTreeMap<(ResourceId, IpAddr), Vec<ResourceId>> = BTreeMap::new();
    for (machine, item) in failovers(inquiry).iter().flat_map(|own| machines(inquiry, own)) {
        for place in places(&machine, item) {
            let Some(address) = place.address else { continue };
            given.entry((place.network, address)).or_default().push(machine.clone());
        }
    }
    each_place(inquiry, |plan, place, network| {
        let own = subnet_named(network, place.subnet)?;
        let prefixes = subnet_prefixes(own);
        let Some(address) = place.address else { return any_address(place, &prefixes) };
        let holds = prefixes.iter().find(|prefix| prefix.contains(&address));
        let others = given.get(&(place.network.clone(), address));
        let other = others.and_then(|all| all.iter().find(|id| *id != place.machine));
        let (subnet, at) = (name(own).unwrap_or(place.subnet), format!("it is to be {address}"));
        Some(match (holds, other) {
            (None, _) => {
                let prefixes: Vec<String> = prefixes.iter().map(IpNet::to_string).collect();
                let why = format!("{at}, and {subnet} is {}", prefixes.join(" and "));
                FindingVerdict::Failed(why)
            }
            (Some(prefix), _) if is_kept(prefix, address) => {
                let why = format!("{at}, which Azure keeps for itself in {prefix}");
                FindingVerdict::Failed(why)
            }
            (Some(_), Some(other)) => {
                FindingVerdict::Failed(format!("{at}, and {} as well", other.name()))
            }
            (Some(_), None) => {
                let taken = holder_of(inquiry, own, address, &place.own).filter(|_| is_away(plan));
                taken.map_or(FindingVerdict::Passed, |holder| {
                    FindingVerdict::Failed(format!("{at}, which {} has", holder.name()))
                })
            }
        })
    })
}

/// Whether machines leave home: on the way back their own cards may stand where they come up.
pub(super) fn is_away(plan: &LeavingPlan<'_>) -> bool {
    matches!(
        plan.spec.to,
        RecoveryMove::Failover { direction: FailoverDirection::PrimaryToRecovery, .. }
    )
}

/// A machine that is fixed to its address gets any, where the subnet has the very address.
fn any_address(place: &CardPlace<'_>, prefixes: &[IpNet]) -> Option<FindingVerdict> {
    let fixed: IpAddr = text(place.config, "/staticIPAddress")?.parse().ok()?;
    let here = is(place.config, "/ipAddressType", "Static")
        && is(place.config, "/recoveryIPAddressType", "Dynamic")
        && prefixes.iter().any(|prefix| prefix.contains(&fixed));
    here.then(|| {
        FindingVerdict::Failed(format!("it has {fixed} for good, and is to get any address here"))
    })
}

/// What stands in the subnets in which machines come up with an address of their own.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> Vec<Question> {
    let mut asked = Vec::new();
    for own in failovers(inquiry).iter().filter(|own| is_away(own)) {
        for (machine, item) in machines(inquiry, own) {
            for place in places(&machine, item).iter().filter(|place| place.address.is_some()) {
                let network = inquiry.facts.body(&place.network);
                let subnet = network.and_then(|network| subnet_named(network, place.subnet));
                let holders = subnet.map(holders).unwrap_or_default();
                asked.extend(holders.into_iter().map(Question::Resource));
            }
        }
    }
    asked
}

/// Whether an address is one that Azure gives nobody.
fn is_kept(prefix: &IpNet, address: IpAddr) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(own) => u128::from(u32::from(own)),
        IpAddr::V6(own) => u128::from(own),
    };
    let last = address.is_ipv4() && address == prefix.broadcast();
    last || number(address) - number(prefix.network()) < KEPT_FIRST
}

/// An action of a recovery plan that holds for the way in which it is asked.
fn actions<'i>(own: &LeavingPlan<'_>, plan: &'i Value) -> Vec<&'i Value> {
    let direction = match own.spec.to {
        RecoveryMove::Failover { direction, .. } | RecoveryMove::TestFailover { direction, .. } => {
            direction
        }
        RecoveryMove::Commit | RecoveryMove::Reprotect | RecoveryMove::TestCleanup => {
            return Vec::new();
        }
    };
    let kind = own.spec.to.allowed_word();
    let holds = |action: &Value, key: &str, word: &str| {
        let words = list(action, key);
        words.is_empty()
            || words.iter().filter_map(Value::as_str).any(|one| one.eq_ignore_ascii_case(word))
    };
    let groups = list(plan, "/properties/groups").iter();
    let all = groups.flat_map(|group| {
        list(group, "/startGroupActions").iter().chain(list(group, "/endGroupActions"))
    });
    all.filter(|action| {
        holds(action, "/failoverTypes", kind)
            && holds(action, "/failoverDirections", direction.as_str())
    })
    .collect()
}

/// Judges the actions of one type of each plan whose machines leave; none where it has none.
fn of_actions(
    inquiry: &Inquiry<'_>,
    instance: &str,
    judge: impl Fn(&ResourceId, &[&Value]) -> FindingVerdict,
) -> Vec<Judged> {
    let mut all = Vec::new();
    for own in leaving(inquiry) {
        all.extend(inquiry.each([&own.spec.id], |plan, body| {
            let mut actions = actions(&own, body);
            actions.retain(|action| is(action, "/customDetails/instanceType", instance));
            (!actions.is_empty()).then(|| judge(plan, &actions))
        }));
    }
    all
}

fn automation(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    of_actions(inquiry, "AutomationRunbookActionDetails", |plan, actions| {
        let elsewhere = actions.iter().find_map(|action| {
            let runbook = id_at(action, "/customDetails/runbookId")?;
            let same = runbook.subscription().eq_ignore_ascii_case(plan.subscription());
            (!same).then(|| (text(action, "/actionName").unwrap_or_default(), runbook))
        });
        elsewhere.map_or(FindingVerdict::Passed, |(action, runbook)| {
            FindingVerdict::Failed(format!(
                "its action {action} runs {}, which is of subscription {}",
                runbook.name(),
                runbook.subscription()
            ))
        })
    })
}

fn manual(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    of_actions(inquiry, "ManualActionDetails", |_, actions| {
        let names: Vec<&str> =
            actions.iter().filter_map(|action| text(action, "/actionName")).collect();
        FindingVerdict::Failed(format!("it waits for a person at: {}", names.join(", ")))
    })
}

/// Judges the networks that machines run in once they have failed over, where a step then protects them back.
fn mapping(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let all = inquiry.recovery_plans();
    let mut judged = BTreeMap::new();
    for (_, spec) in all.iter().filter(|(_, spec)| spec.to == RecoveryMove::Reprotect) {
        let fails_over = all
            .iter()
            .any(|(_, own)| own.id == spec.id && matches!(own.to, RecoveryMove::Failover { .. }));
        let Some(plan) = inquiry.facts.body(&spec.id) else { continue };
        let mappings = inquiry.facts.children(&spec.id.root(), NETWORK_MAPPINGS);
        for item in recovery_items(plan).iter().filter_map(|id| inquiry.facts.body(id)) {
            let is_over = is(item, "/properties/activeLocation", "Recovery");
            let Some(network) = id_at(item, FAILS_OVER_INTO).filter(|_| is_over || fails_over)
            else {
                continue;
            };
            let verdict = match &mappings {
                Ok(all) => {
                    let from = |own: &&Value| id_at(own, "/properties/primaryNetworkId");
                    let leads = all.iter().any(|own| from(own).as_ref() == Some(&network));
                    unless(!leads, || "no mapping leads from it back".to_owned())
                }
                Err(why) => FindingVerdict::Unknown(why.clone()),
            };
            judged.insert(network, verdict);
        }
    }
    judged.into_iter().map(|(network, verdict)| about(&network, verdict)).collect()
}

/// Of each group in which machines come up, whether a lock is in the way of what is asked.
fn locked(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut asked: BTreeSet<(String, String, &str)> = BTreeSet::new();
    for (_, spec) in inquiry.recovery_plans() {
        let level = match spec.to {
            RecoveryMove::Failover { .. } | RecoveryMove::TestFailover { .. } => "ReadOnly",
            RecoveryMove::TestCleanup => "CanNotDelete",
            RecoveryMove::Commit | RecoveryMove::Reprotect => continue,
        };
        let items = inquiry.facts.body(&spec.id).map(recovery_items).unwrap_or_default();
        let groups = items.iter().filter_map(|item| recovery_group(inquiry.facts.body(item)?));
        asked.extend(groups.map(|(subscription, group)| (subscription, group, level)));
    }
    // A lock of a single resource keeps nothing new away: only those of the group, or of what it is in, count.
    let judged = asked.into_iter().filter_map(|(subscription, group, level)| {
        let scope = format!("/subscriptions/{subscription}/resourceGroups/{group}");
        let about = format!("resource group {group}");
        let question = Question::Locks { subscription, group };
        match inquiry.facts.of(&question) {
            Fact::Known(all) => {
                let mut locks = list(all, "/value").iter();
                let lock = locks
                    .find(|lock| is(lock, "/properties/level", level) && lock_covers(lock, &scope));
                let Some(lock) = lock else {
                    return Some(Judged::of(about, FindingVerdict::Passed));
                };
                let name = text(lock, "/name").unwrap_or("without a name");
                let told = format!("the {level} lock {name} holds over it");
                let judged = Judged::of(about, FindingVerdict::Failed(told));
                let commands = text(lock, "/id").map(mend::lock).into_iter().collect();
                Some(Judged { commands, ..judged })
            }
            Fact::Unknown(why) if inquiry.facts.knows(&question) => {
                Some(Judged::of(about, FindingVerdict::Unknown(why.to_owned())))
            }
            Fact::Absent | Fact::Unknown(_) => None,
        }
    });
    judged.collect()
}
