//! Do network security groups let traffic with on-premises through?

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use serde_json::Value;

use crate::arm::{RuleEnd, SecurityRuleView, SubnetView, TrafficDirection, security_rules};
use crate::model::action::Verification;
use crate::model::azure_limits::service_subnet_named;
use crate::model::coverage::{covered, is_default};
use crate::model::{Action, ResourceId};
use crate::preflight::facts::Question;
use crate::preflight::inquiry::{
    GATEWAY_SUBNET, Inquiry, about, known, subnet_prefixes, subnets_of, text, unless,
};
use crate::preflight::rule::{FindingSeverity, Judged, Rule};

/// The rules about security groups of connected networks.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "NSG-DROP",
    severity: FindingSeverity::Warn,
    fails_when: "A security group on a subnet of a connected network denies all that comes from a prefix of \
                 on-premises, or all that goes there, and none of its rules before that one makes an exception.",
    reads: "securityRules of the security groups on the networks' subnets, as the run leaves them; what \
            on-premises advertises, and what verify.routes and verify.hub_routes expect of it",
    why: "Routes are learned and the run ends well, and nobody on-premises reaches the machines that come up there.",
    fix: "Allow it in a rule of better priority, or give the subnet another group; leave it where the subnet is to be \
          closed to on-premises. Groups on single network interfaces are not looked at.",
    source: "N-TAG",
    judge: dropped,
}];

/// A network that is to be connected, and what is told or expected of on-premises there.
type ToldNetworks = BTreeMap<ResourceId, Result<BTreeSet<IpNet>, String>>;

/// The networks behind the gateways and hubs that the run connects, as it leaves them.
fn connected(inquiry: &Inquiry<'_>, end: &Inquiry<'_>) -> ToldNetworks {
    let mut all = ToldNetworks::new();
    let mut add = |networks: Vec<ResourceId>, circuit: &ResourceId, expected: Vec<IpNet>| {
        let told = inquiry.heard(circuit).map(|heard| {
            // A default route says nothing of on-premises' own addresses.
            heard.into_iter().chain(expected).filter(|net| !is_default(net)).collect()
        });
        for vnet in networks {
            let own = all.entry(vnet).or_insert_with(|| Ok(BTreeSet::new()));
            *own = match (std::mem::replace(own, Ok(BTreeSet::new())), told.clone()) {
                (Ok(before), Ok(told)) => {
                    Ok(before.into_iter().chain::<BTreeSet<_>>(told).collect())
                }
                (Err(why), _) | (_, Err(why)) => Err(why),
            };
        }
    };
    for (_, spec) in end.connections() {
        let Some(hub) = end.vnet_of(&spec.gateway) else { continue };
        let networks = std::iter::once(hub.clone()).chain(end.spokes(&hub)).collect();
        add(networks, &spec.circuit, expected(end, &spec.gateway));
    }
    for planned in end.planned_links() {
        let Some(hub) = end.hub_of(&planned.gateway) else { continue };
        // Hubs whose networks cannot be read are told by the rules about hubs.
        let networks = end.hub_networks(&BTreeSet::from([hub.clone()])).unwrap_or_default();
        add(networks.into_iter().collect(), planned.circuit, expected(end, &hub));
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

/// The groups on the subnets of what is connected are read.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>, end: &Inquiry<'_>) -> Vec<Question> {
    let networks = connected(inquiry, end).into_keys();
    let bodies = networks.filter_map(|vnet| end.facts.body(&vnet));
    let groups = bodies.flat_map(guarded).map(|(_, group)| group);
    groups.map(Question::Resource).collect()
}

/// Networks without security groups are not judged.
fn dropped(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let mut all = Vec::new();
    for (vnet, told) in connected(inquiry, &end) {
        let Some(body) = end.facts.body(&vnet) else { continue };
        if guarded(body).next().is_none() {
            continue;
        }
        let verdict = told.and_then(|told| {
            let (mut hit, mut shut) = (None, Vec::new());
            for (subnet, group) in guarded(body) {
                let Some(rules) = end.read(&group)? else { continue };
                let (rules, own) = (security_rules(rules), subnet_prefixes(subnet));
                let name = text(subnet, "/name").unwrap_or("a subnet");
                let said = |why: String| format!("{name}: {why} of group {}", group.name());
                hit = hit.or(denied(rules, &own, &told, Exception::ForAnybody).map(said));
                shut.extend(denied(rules, &own, &told, Exception::ForOnPremises).map(said));
            }
            // A subnet that only its own network reaches is meant so. A network of such subnets alone is connected
            // for nobody.
            let all = !shut.is_empty() && shut.len() == open_to_machines(body).count();
            let hit = hit.or_else(|| all.then(|| shut.swap_remove(0)));
            Ok(unless(hit.is_some(), || hit.unwrap_or_default()))
        });
        all.push(about(&vnet, known(verdict)));
    }
    all
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
