//! Do copies of a test stay by themselves, and can machines be replicated back from where they have come up?

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde_json::Value;

use crate::arm::{
    PeeringView, RuleEnd, SecurityRuleView, SubnetView, TrafficDirection, VirtualNetworkView,
    security_rules,
};
use crate::model::recovery::RecoveryMove;
use crate::model::{ResourceId, Step};
use crate::preflight::facts::Question;
use crate::preflight::inquiry::{
    FAILS_OVER_INTO, Inquiry, about, card_network, cards, clash, id_at, is, known, list,
    recovery_items, subnet_named, subnet_prefixes, text, unless,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about replication.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ASR-TEST-OPEN",
        severity: FindingSeverity::Warn,
        fails_when: "A test failover leads into a network that has addresses of the network in which the machines come up \
                     in earnest, and a gateway, or a peering that is connected.",
        reads: "the network of the test: address space, peerings, gateways; protected item: selectedRecoveryAzureNetworkId",
        why: "The copies have the addresses of the machines that serve, and others reach them: traffic goes astray.",
        fix: "Name a network that nothing is connected to, or take the peering off for the test.",
        source: "S-ERASR",
        judge: open_tests,
    },
    Rule {
        id: "ASR-NSG",
        severity: FindingSeverity::Warn,
        fails_when: "Machines are to be protected back, and the security group of the subnet in which they come up denies all \
                     that goes out, with no exception for a service of Azure's.",
        reads: "securityRules of the security groups on the subnets that machines come up in; private endpoints of the vault",
        why: "Replication takes Azure storage, Microsoft Entra ID, Event Hubs and Site Recovery: the way home does not begin.",
        fix: "Allow the service tags Storage, AzureActiveDirectory, EventHub and AzureSiteRecovery out on port 443, in a rule \
              of better priority.",
        source: "S-NET",
        judge: shut_in,
    },
];

/// The plans that are tested, each with the network of its copies.
fn tests<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, &'a ResourceId, &'a ResourceId)> {
    let all = inquiry.recovery_plans().into_iter().filter_map(|(step, spec)| match &spec.to {
        RecoveryMove::TestFailover { network, .. } => Some((step, &spec.id, network)),
        RecoveryMove::Failover { .. }
        | RecoveryMove::Commit
        | RecoveryMove::Reprotect
        | RecoveryMove::TestCleanup => None,
    });
    all.collect()
}

/// The networks that the machines of a plan come up in when they really fail over.
fn earnest(inquiry: &Inquiry<'_>, plan: &ResourceId) -> Vec<ResourceId> {
    let items = inquiry.facts.body(plan).map(recovery_items).unwrap_or_default();
    let bodies = items.iter().filter_map(|item| inquiry.facts.body(item));
    bodies.filter_map(|item| id_at(item, FAILS_OVER_INTO)).collect()
}

/// The networks of earnest failovers, and the groups on subnets of machines that are protected back.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> Vec<Question> {
    let tests = tests(inquiry).into_iter();
    let networks = tests.flat_map(|(_, plan, _)| earnest(inquiry, plan));
    let homes = homes(inquiry, inquiry).into_iter();
    let groups = homes.filter_map(|(_, subnet)| SubnetView::of(subnet).security_group());
    networks.chain(groups).map(Question::Resource).collect()
}

/// By what others reach a network, in words.
fn way_in(then: &Inquiry<'_>, network: &Value) -> Option<String> {
    let gateway = then.gateways_in(network).into_iter().next();
    let gateway = gateway.map(|gateway| format!("{} stands in it", gateway.name()));
    gateway.or_else(|| {
        let mut sides = VirtualNetworkView::of(network).peerings().iter();
        let side = sides.find(|side| PeeringView::of(side).is_in("Connected"))?;
        Some(format!("its peering {} is connected", text(side, "/name").unwrap_or("?")))
    })
}

fn open_tests(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = BTreeMap::new();
    for (step, plan, network) in tests(inquiry) {
        let then = inquiry.at(step);
        let Some(body) = then.facts.body(network) else { continue };
        let ours = VirtualNetworkView::of(body).space();
        // Where it is the very network, another rule says so.
        let others = earnest(inquiry, plan).into_iter().filter(|other| other != network);
        let meets = others.into_iter().find_map(|other| {
            let theirs = then.space(&other)?;
            clash(&ours, &theirs).map(|(own, _)| format!("{own}, as {} has", other.name()))
        });
        let hit =
            way_in(&then, body).zip(meets).map(|(way, meets)| format!("{way}, and it has {meets}"));
        all.insert(network.clone(), hit.map_or(FindingVerdict::Passed, FindingVerdict::Failed));
    }
    all.into_iter().map(|(network, verdict)| about(&network, verdict)).collect()
}

/// The subnets that machines come up in which are then protected back, each with its network. With private endpoints
/// nothing of it goes out.
fn homes<'i>(inquiry: &Inquiry<'_>, then: &'i Inquiry<'_>) -> Vec<(ResourceId, &'i Value)> {
    let mut all: BTreeMap<ResourceId, &Value> = BTreeMap::new();
    for (_, spec) in inquiry.recovery_plans() {
        let vault = inquiry.facts.body(&spec.id.root());
        let endpoints = "/properties/privateEndpointStateForSiteRecovery";
        let private = vault.is_none_or(|vault| is(vault, endpoints, "Enabled"));
        if spec.to != RecoveryMove::Reprotect || private {
            continue;
        }
        let items = inquiry.facts.body(&spec.id).map(recovery_items).unwrap_or_default();
        for item in items.iter().filter_map(|item| inquiry.facts.body(item)) {
            for card in cards(item) {
                let Some(network) = card_network(item, card) else { continue };
                let body = then.facts.body(&network);
                for config in list(card, "/ipConfigs") {
                    let named = text(config, "/recoverySubnetName").unwrap_or_default();
                    let subnet = body.and_then(|body| subnet_named(body, named));
                    let id = network.child("subnets", named).ok();
                    all.extend(id.zip(subnet));
                }
            }
        }
    }
    all.into_iter().collect()
}

fn shut_in(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let judge = |(id, subnet): (ResourceId, &Value)| {
        let group = SubnetView::of(subnet).security_group()?;
        let verdict = end.read(&group).map(|rules| {
            let rules = rules.map_or(&[][..], security_rules);
            let hit = denied(rules, &subnet_prefixes(subnet));
            unless(hit.is_some(), || {
                format!("rule {} of group {} denies it", hit.unwrap_or_default(), group.name())
            })
        });
        Some(about(&id, known(verdict)))
    };
    homes(inquiry, &end).into_iter().filter_map(judge).collect()
}

/// The rule that lets nothing out, where none before it lets anything of Azure's services, or outside, through.
fn denied<'r>(rules: &'r [Value], own: &[IpNet]) -> Option<&'r str> {
    let rules = rules.iter().map(SecurityRuleView::of);
    let out: Vec<_> = rules.filter(|rule| rule.is_about(TrafficDirection::Outbound)).collect();
    let outside = |end: &RuleEnd| match end {
        RuleEnd::Everything | RuleEnd::Internet => true,
        RuleEnd::Net(net) => net.prefix_len() == 0,
        RuleEnd::Networks | RuleEnd::Machines | RuleEnd::Service => false,
    };
    let shuts = |rule: &&SecurityRuleView<'_>| {
        let mut own = own.iter();
        let near = rule.sources();
        rule.denies_all()
            && rule.destinations().iter().any(outside)
            && own.all(|net| near.iter().any(|near| near.covers(net)))
    };
    let deny = out.iter().find(shuts)?;
    // Whoever lets anything but the networks themselves through has thought about it.
    let excepted = out.iter().any(|rule| {
        let before = rule.priority().zip(deny.priority()).is_some_and(|(own, later)| own < later);
        let inner = |end: &RuleEnd| matches!(end, RuleEnd::Networks | RuleEnd::Machines);
        rule.allows() && before && !rule.destinations().iter().all(inner)
    });
    (!excepted).then(|| deny.name().unwrap_or("?"))
}
