//! Do network security groups let traffic with on-premises through?

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde_json::Value;

use crate::arm::{RuleEnd, SecurityRuleView, SubnetView, TrafficDirection, security_rules};
use crate::model::action::Verification;
use crate::model::azure_limits::service_subnet_named;
use crate::model::coverage::{covered, is_default};
use crate::model::{Action, ResourceId};
use crate::preflight::carried::Carried;
use crate::preflight::facts::Question;
use crate::preflight::inquiry::{
    GATEWAY_SUBNET, Inquiry, about, known, subnet_named, subnet_prefixes, subnets_of, text, unless,
};
use crate::preflight::rule::{FindingSeverity, Judged, Rule};

/// The rules about security groups of connected networks.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "NSG-DROP",
    severity: FindingSeverity::Warn,
    fails_when: "A security group on a subnet of a network that the run brings to on-premises, or that is there and \
                 gets the group by a step, denies all that comes from a prefix of \
                 on-premises, or all that goes there, and none of its rules before that one makes an exception.",
    reads: "securityRules of the security groups on the networks' subnets, as the run leaves them; what \
            on-premises advertises, and what verify.routes and verify.hub_routes expect of it",
    why: "Routes are learned and the run ends well, and nobody on-premises reaches the machines that come up there.",
    fix: "Allow it in a rule of better priority, or give the subnet another group; leave it where the subnet is to be \
          closed to on-premises. Groups on single network interfaces are not looked at.",
    source: "N-TAG",
    judge: dropped,
}];

/// What is told or expected of on-premises in a network.
type ToldPrefixes = Result<BTreeSet<IpNet>, String>;

/// What is told or expected of on-premises in each network of these ways, as the run leaves them.
fn told_on(
    inquiry: &Inquiry<'_>,
    end: &Inquiry<'_>,
    ways: &[Carried<'_>],
) -> BTreeMap<ResourceId, ToldPrefixes> {
    let mut all: BTreeMap<ResourceId, ToldPrefixes> = BTreeMap::new();
    for way in ways {
        let gateway = &way.way.gateway;
        let of = end.hub_of(gateway).unwrap_or_else(|| gateway.clone());
        let told: ToldPrefixes = inquiry.told_by(&way.way.far).map(|told| {
            // A default route says nothing of on-premises' own addresses.
            let all = told.into_iter().chain(expected(inquiry, &of));
            all.filter(|net| !is_default(net)).collect()
        });
        // Networks that are not known are told by the rules about gateways and hubs.
        for network in end.networks_on(way).unwrap_or_default() {
            let own = all.entry(network).or_insert_with(|| Ok(BTreeSet::new()));
            match (own.as_mut(), &told) {
                (Ok(own), Ok(told)) => own.extend(told),
                (Ok(_), Err(_)) => own.clone_from(&told),
                (Err(_), _) => {}
            }
        }
    }
    all
}

/// What verifications expect of a gateway or a hub.
fn expected(inquiry: &Inquiry<'_>, of: &ResourceId) -> Vec<IpNet> {
    let steps = inquiry.plan.steps_to_run();
    let expected = steps.filter_map(|step| match &step.action {
        Action::Verify(Verification::Routes { gateway, expect }) if gateway == of => Some(expect),
        Action::Verify(Verification::HubRoutes { hub, expect, .. }) if hub == of => Some(expect),
        _ => None,
    });
    expected.flatten().copied().collect()
}

/// The subnets of a network's body in which machines may come up.
fn open_to_machines(vnet: &Value) -> impl Iterator<Item = &Value> {
    let services =
        |own: &str| own.eq_ignore_ascii_case(GATEWAY_SUBNET) || service_subnet_named(own).is_some();
    subnets_of(vnet).iter().filter(move |own| !text(own, "/name").is_some_and(services))
}

/// Those that have a security group, each with it.
fn guarded(vnet: &Value) -> impl Iterator<Item = (&Value, ResourceId)> {
    open_to_machines(vnet).filter_map(|own| Some((own, SubnetView::of(own).security_group()?)))
}

/// The groups on the subnets of what is brought to on-premises, or is there and gets others, are read.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>, end: &Inquiry<'_>) -> Vec<Question> {
    let ways = [inquiry.carried(), inquiry.changed()].concat();
    let networks: BTreeSet<ResourceId> =
        ways.iter().filter_map(|own| end.networks_on(own).ok()).flatten().collect();
    let bodies = networks.iter().filter_map(|vnet| end.facts.body(vnet));
    let groups = bodies.flat_map(guarded).map(|(_, group)| group);
    groups.map(Question::Resource).collect()
}

/// Networks without security groups are not judged.
fn dropped(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let brought = told_on(inquiry, &end, &inquiry.carried());
    let mut changed = told_on(inquiry, &end, &inquiry.changed());
    changed.retain(|vnet, _| !brought.contains_key(vnet));
    let mut all = Vec::new();
    for (vnet, told) in brought.iter().chain(&changed) {
        let Some(body) = end.facts.body(vnet).filter(|body| guarded(body).next().is_some()) else {
            continue;
        };
        let verdict = told.clone().and_then(|told| {
            // Of what is there already, what the run gives another group counts alone.
            let stood = inquiry.facts.body(vnet).filter(|_| changed.contains_key(vnet));
            let hit = shut(&end, body, &told, |subnet, group| {
                !stood.is_some_and(|stood| {
                    let own = text(subnet, "/name").and_then(|name| subnet_named(stood, name));
                    own.and_then(|own| SubnetView::of(own).security_group()).as_ref() == Some(group)
                })
            })?;
            Ok(unless(hit.is_some(), || hit.unwrap_or_default()))
        });
        all.push(about(vnet, known(verdict)));
    }
    all
}

/// The subnet of a network that is closed to on-premises against what its author can have meant, and by what; of those
/// that count.
fn shut(
    then: &Inquiry<'_>,
    body: &Value,
    told: &BTreeSet<IpNet>,
    counts: impl Fn(&Value, &ResourceId) -> bool,
) -> Result<Option<String>, String> {
    let (mut hit, mut shut, mut any) = (None, Vec::new(), false);
    for (subnet, group) in guarded(body) {
        let own_counts = counts(subnet, &group);
        any |= own_counts;
        let Some(rules) = then.read(&group)? else { continue };
        let (rules, own) = (security_rules(rules), subnet_prefixes(subnet));
        let name = text(subnet, "/name").unwrap_or("a subnet");
        let said = |why: String| format!("{name}: {why} of group {}", group.name());
        let here = own_counts.then(|| denied(rules, &own, told, Exception::ForAnybody));
        hit = hit.or(here.flatten().map(said));
        shut.extend(denied(rules, &own, told, Exception::ForOnPremises).map(said));
    }
    // A subnet that only its own network reaches is meant so. A network of such subnets alone is connected
    // for nobody.
    let all = any && !shut.is_empty() && shut.len() == open_to_machines(body).count();
    Ok(hit.or_else(|| all.then(|| shut.swap_remove(0))))
}

/// Whom a rule must let in to count as an exception from another one.
#[derive(Debug, Clone, Copy)]
enum Exception {
    /// Whomever the other one would keep out.
    ForAnybody,
    /// Somebody on-premises.
    ForOnPremises,
}

/// The rule that denies all of a prefix of on-premises, in words.
fn denied(
    rules: &[Value],
    own: &[IpNet],
    told: &BTreeSet<IpNet>,
    exception: Exception,
) -> Option<String> {
    for direction in TrafficDirection::BOTH {
        let rules = rules.iter().map(SecurityRuleView::of);
        let rules: Vec<_> = rules.filter(|rule| rule.is_about(direction)).collect();
        for deny in rules.iter().filter(|rule| rule.denies_all()) {
            let (far, near) = ends(*deny, direction);
            let shut = told.iter().find(|net| {
                // What is of one family is not asked of the other.
                let mut same =
                    own.iter().filter(|own| own.addr().is_ipv4() == net.addr().is_ipv4());
                let here = |own: &IpNet| near.iter().any(|near| near.covers(own));
                far.iter().any(|far| far.covers(net))
                    && same.clone().next().is_some()
                    && same.all(here)
                    && !rules.iter().any(|rule| {
                        excepts(*rule, *deny, direction, own)
                            && exception.is_for(*rule, direction, told)
                    })
            });
            if let Some(net) = shut {
                let name = deny.name().unwrap_or("?");
                return Some(match direction {
                    TrafficDirection::Inbound => {
                        format!("what comes from {net} is denied by rule {name}")
                    }
                    TrafficDirection::Outbound => {
                        format!("what goes to {net} is denied by rule {name}")
                    }
                });
            }
        }
        if let Some(why) = denied_in_parts(&rules, own, told, direction) {
            return Some(why);
        }
    }
    None
}

/// The rules that together deny all of a prefix of on-premises, in words.
fn denied_in_parts(
    rules: &[SecurityRuleView<'_>],
    own: &[IpNet],
    told: &BTreeSet<IpNet>,
    direction: TrafficDirection,
) -> Option<String> {
    let denies = rules.iter().filter(|rule| {
        let (_, near) = ends(**rule, direction);
        rule.denies_all()
            && own.iter().all(|own| near.iter().any(|near| near.covers(own)))
            && !rules.iter().any(|other| excepts(*other, **rule, direction, own))
    });
    let mut parts: Vec<(IpNet, &str)> = Vec::new();
    for deny in denies {
        let nets = ends(*deny, direction).0.into_iter().filter_map(|far| match far {
            RuleEnd::Net(net) => Some((net, deny.name().unwrap_or("?"))),
            _ => None,
        });
        parts.extend(nets);
    }
    let families = |net: &IpNet| own.iter().any(|own| own.addr().is_ipv4() == net.addr().is_ipv4());
    let net = told
        .iter()
        .filter(|net| families(net))
        .find(|net| covered(net, parts.iter().map(|(part, _)| part)))?;
    let within = parts.iter().filter(|(part, _)| net.contains(part)).map(|(_, name)| *name);
    let names: BTreeSet<&str> = within.collect();
    let names: Vec<&str> = names.into_iter().collect();
    let what = match direction {
        TrafficDirection::Inbound => format!("what comes from {net}"),
        TrafficDirection::Outbound => format!("what goes to {net}"),
    };
    Some(format!("{what} is denied in parts by rules {}", names.join(", ")))
}

/// The far end of a rule, and the end at the subnet.
fn ends(rule: SecurityRuleView<'_>, direction: TrafficDirection) -> (Vec<RuleEnd>, Vec<RuleEnd>) {
    match direction {
        TrafficDirection::Inbound => (rule.sources(), rule.destinations()),
        TrafficDirection::Outbound => (rule.destinations(), rule.sources()),
    }
}

impl Exception {
    /// Whether a rule lets those in that count.
    fn is_for(
        self,
        rule: SecurityRuleView<'_>,
        direction: TrafficDirection,
        told: &BTreeSet<IpNet>,
    ) -> bool {
        let on_premises = |far: RuleEnd| told.iter().any(|net| far.meets(RuleEnd::Net(*net)));
        match self {
            Self::ForAnybody => true,
            // A group of machines is none of on-premises.
            Self::ForOnPremises => ends(rule, direction)
                .0
                .into_iter()
                .any(|far| far != RuleEnd::Machines && on_premises(far)),
        }
    }
}

/// Whether a rule that is asked before another one lets something through that the other would deny: then somebody has
/// thought about who is to come in, and the rest is taken as meant.
fn excepts(
    rule: SecurityRuleView<'_>,
    deny: SecurityRuleView<'_>,
    direction: TrafficDirection,
    own: &[IpNet],
) -> bool {
    let before = rule.priority().zip(deny.priority()).is_some_and(|(own, later)| own < later);
    let ((far, near), (denied, _)) = (ends(rule, direction), ends(deny, direction));
    rule.allows()
        && before
        && far.iter().any(|far| denied.iter().any(|denied| far.meets(*denied)))
        && near.iter().any(|near| own.iter().any(|own| near.meets(RuleEnd::Net(*own))))
}
