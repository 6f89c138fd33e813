//! Do addresses meet that must not?

use crate::preflight::inquiry::{
    Inquiry, about, clash, overlap, subnet_prefixes, subnets_of, text, unless,
};
use crate::preflight::rule::{Judged, Rule, Severity, Verdict};

/// The rules about address spaces.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ADDR-SAME-CIRCUIT",
        severity: Severity::Block,
        fails_when: "A network to be connected overlaps one that is on the circuit already, and the \
                     runbook does not remove that connection first.",
        reads: "addressSpace of every hub on the circuit and of its transit spokes",
        why: "A circuit cannot serve two networks with the same addresses: packets drop.",
        fix: "Remove the other connection first (connection.remove, which this step then needs), or \
              use another circuit.",
        source: "S-ERASR",
        judge: same_circuit,
    },
    Rule {
        id: "ADDR-PEERING",
        severity: Severity::Block,
        fails_when: "Two networks to be peered overlap.",
        reads: "addressSpace of both",
        why: "Azure refuses the peering.",
        fix: "Give one of them other addresses.",
        source: "N-PEER; I-731",
        judge: peering,
    },
    Rule {
        id: "ADDR-SUBNET",
        severity: Severity::Block,
        fails_when: "A subnet to be made is outside its network, or overlaps another subnet of it.",
        reads: "addressSpace and subnets of the network",
        why: "Azure refuses the subnet.",
        fix: "Choose a free prefix within the network's address space.",
        source: "A-ERR",
        judge: subnet,
    },
];

fn same_circuit(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.connections() {
        let Some(ours) = inquiry.advertised(&spec.gateway) else {
            let why = "a network behind the gateway cannot be read".to_owned();
            all.push(about(&spec.id, Verdict::Unknown(why)));
            continue;
        };
        let mut verdict = Verdict::Passed;
        for (id, link) in inquiry.links(&spec.circuit) {
            let gateway =
                crate::preflight::inquiry::id_at(link, "/properties/virtualNetworkGateway1/id");
            let Some(gateway) = gateway.filter(|gateway| *gateway != spec.gateway) else {
                continue;
            };
            if *id == spec.id || inquiry.removed_before(id, step) {
                continue;
            }
            match inquiry.advertised(&gateway) {
                None => {
                    verdict = Verdict::Unknown(format!("what {} links cannot be read", id.name()))
                }
                Some(theirs) => {
                    if let Some((a, b)) = clash(&ours, &theirs) {
                        let why = format!(
                            "{a} overlaps {b}, which {} has on {}",
                            id.name(),
                            spec.circuit.name()
                        );
                        verdict = Verdict::Failed(why);
                        break;
                    }
                }
            }
        }
        all.push(about(&spec.id, verdict));
    }
    all
}

fn peering(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec) in inquiry.peerings() {
        let spaces =
            spec.id.parent().and_then(|vnet| inquiry.space(&vnet)).zip(inquiry.space(&spec.remote));
        let verdict = match &spaces {
            None => Verdict::Unknown("one of the networks cannot be read".to_owned()),
            Some((ours, theirs)) => match clash(ours, theirs) {
                Some((a, b)) => Verdict::Failed(format!("{a} overlaps {b}")),
                None => Verdict::Passed,
            },
        };
        all.push(about(&spec.id, verdict));
    }
    all
}

fn subnet(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec) in inquiry.subnets() {
        let Some(vnet) = spec.id.parent() else { continue };
        let Some((space, body)) = inquiry.space(&vnet).zip(inquiry.facts.body(&vnet)) else {
            all.push(about(&spec.id, Verdict::Unknown("its network cannot be read".to_owned())));
            continue;
        };
        let outside = spec.prefixes.iter().find(|own| !space.iter().any(|net| net.contains(*own)));
        let other = subnets_of(body).iter().find(|other| {
            let own = text(other, "/name").is_some_and(|n| n.eq_ignore_ascii_case(spec.id.name()));
            let theirs = subnet_prefixes(other);
            !own && spec.prefixes.iter().any(|own| theirs.iter().any(|net| overlap(net, own)))
        });
        let name = other.and_then(|other| text(other, "/name")).unwrap_or_default();
        all.push(about(
            &spec.id,
            unless(outside.is_some() || other.is_some(), || match outside {
                Some(prefix) => format!("{prefix} is not in the address space of {}", vnet.name()),
                None => {
                    let own: Vec<String> = spec.prefixes.iter().map(ToString::to_string).collect();
                    format!("{} overlaps the subnet {name}", own.join(", "))
                }
            }),
        ));
    }
    all
}
