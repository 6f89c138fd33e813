//! Do addresses meet that must not?

use ipnet::IpNet;

use crate::arm;
use crate::model::ResourceId;
use crate::model::action::Connection;
use crate::preflight::inquiry::{
    Inquiry, about, clash, found, is, overlap, peerings_of, prefixes, subnet_prefixes, subnets_of,
    text, unless,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about address spaces.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ADDR-SAME-CIRCUIT",
        severity: FindingSeverity::Block,
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
        severity: FindingSeverity::Block,
        fails_when: "Two networks to be peered overlap, or one of them overlaps a network that the other is \
                     peered with already.",
        reads: "addressSpace of both and of all their peers, as the steps before leave them",
        why: "Azure refuses the peering (VnetAddressSpaceOverlapsWithAlreadyPeeredVnet).",
        fix: "Give one of them other addresses, or remove the other peering in a step before.",
        source: "N-PEER; I-731; AzureTRE 4641",
        judge: peering,
    },
    Rule {
        id: "ADDR-SUBNET",
        severity: FindingSeverity::Block,
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
    let end = inquiry.at_end();
    for (step, spec) in inquiry.connections() {
        let then = inquiry.at_most(step);
        // A spoke that is peered later meets those that are left then.
        let (mut hit, mut everything) = meets(&then, spec);
        if hit.is_none() {
            let (later, unread) = meets(&end, spec);
            hit = later;
            everything = everything.and(unread);
        }
        all.push(about(&spec.id, found(hit, everything)));
    }
    all
}

/// Where the networks of a connection meet others on its circuit; and whether all that counts was read.
fn meets(then: &Inquiry<'_>, spec: &Connection) -> (Option<String>, Result<(), String>) {
    let Some(ours) = then.advertised(&spec.gateway) else {
        return (None, Err("a network behind the gateway cannot be read".to_owned()));
    };
    let mut everything = then.every_link();
    for (id, link) in then.links(&spec.circuit) {
        let gateway = arm::ConnectionView::of(link).gateway();
        let Some(gateway) = gateway.filter(|gateway| *gateway != spec.gateway && *id != spec.id)
        else {
            continue;
        };
        let Some(theirs) = then.advertised(&gateway) else {
            everything = Err(format!("what {} links cannot be read", id.name()));
            continue;
        };
        if let Some((a, b)) = clash(&ours, &theirs) {
            let circuit = spec.circuit.name();
            return (
                Some(format!("{a} overlaps {b}, which {} has on {circuit}", id.name())),
                Ok(()),
            );
        }
    }
    (None, everything)
}

/// The networks that one is peered with at a step, but for one of them, and their addresses: as they can
/// be read, else as the peering itself knows them.
fn peers(
    then: &Inquiry<'_>,
    vnet: &ResourceId,
    but: &ResourceId,
) -> Vec<(ResourceId, Result<Vec<IpNet>, String>)> {
    let sides = peerings_of(then.facts.body(vnet)).iter();
    sides
        .filter_map(|side| Some((arm::PeeringView::of(side).remote()?, side)))
        .filter(|(remote, _)| remote != but)
        .map(|(remote, side)| {
            let shown = prefixes(side, "/properties/remoteAddressSpace/addressPrefixes");
            let space = match then.read(&remote) {
                Ok(Some(_)) => Ok(then.space(&remote).unwrap_or_default()),
                _ if !shown.is_empty() => Ok(shown),
                // A peering that leads nowhere takes no addresses.
                Ok(None) => Ok(Vec::new()),
                Err(why) => Err(why),
            };
            (remote, space)
        })
        .collect()
}

fn peering(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.peerings() {
        let then = inquiry.at(step);
        let Some(vnet) = spec.id.parent() else { continue };
        let Some((ours, theirs)) = then.space(&vnet).zip(then.space(&spec.remote)) else {
            let why = "one of the networks cannot be read".to_owned();
            all.push(about(&spec.id, FindingVerdict::Unknown(why)));
            continue;
        };
        let mut hit = clash(&ours, &theirs).map(|(a, b)| format!("{a} overlaps {b}"));
        let mut everything = Ok(());
        // Two networks with the same addresses cannot both be beside a third.
        for (here, there, space) in [(&vnet, &spec.remote, &theirs), (&spec.remote, &vnet, &ours)] {
            for (peer, taken) in peers(&then, here, there) {
                match taken {
                    Ok(taken) => {
                        let clash = clash(space, &taken).map(|(a, b)| {
                            format!(
                                "{a} of {} overlaps {b} of {}, which {} is peered with already",
                                there.name(),
                                peer.name(),
                                here.name()
                            )
                        });
                        hit = hit.or(clash);
                    }
                    Err(why) => everything = Err(why),
                }
            }
        }
        all.push(about(&spec.id, found(hit, everything)));
    }
    all
}

fn subnet(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.subnets() {
        let then = inquiry.at(step);
        let Some(vnet) = spec.id.parent() else { continue };
        let Some((space, body)) = then.space(&vnet).zip(then.facts.body(&vnet)) else {
            all.push(about(
                &spec.id,
                FindingVerdict::Unknown("its network cannot be read".to_owned()),
            ));
            continue;
        };
        let outside = spec.prefixes.iter().find(|own| !space.iter().any(|net| net.contains(*own)));
        let other = subnets_of(body).iter().find(|other| {
            let theirs = subnet_prefixes(other);
            !is(other, "/name", spec.id.name())
                && spec.prefixes.iter().any(|own| theirs.iter().any(|net| overlap(net, own)))
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
