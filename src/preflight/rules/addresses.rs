//! Do addresses meet that must not?

use ipnet::IpNet;

use crate::arm::{self, ConnectionView};
use crate::model::ResourceId;
use crate::preflight::carried::Carried;
use crate::preflight::inquiry::{
    CONNECTIONS, Inquiry, about, clash, found, is, overlap, peerings_of, prefixes, region_at,
    subnet_prefixes, subnets_of, text, unless,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule, worst_of_each};

/// The rules about address spaces.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ADDR-SAME-CIRCUIT",
        severity: FindingSeverity::Block,
        fails_when: "A network to be connected, or to be put behind a gateway that is connected, overlaps one that is on \
                     the circuit already, and the runbook does not take that one off first.",
        reads: "addressSpace of every hub on the circuit and of its transit spokes, hubs of virtual WANs and \
                their networks among them; the circuit's authorizations: connectionResourceUri",
        why: "A circuit cannot serve two networks with the same addresses: packets drop.",
        fix: "Remove the other connection first, or the other network's peering (connection.remove, peering.remove, \
              which this step then needs), or use another circuit.",
        source: "S-ERASR",
        judge: same_circuit,
    },
    Rule {
        id: "ADDR-TWO-CIRCUITS",
        severity: FindingSeverity::Warn,
        fails_when: "A connection in the source region is Connected over another circuit, with addresses that the \
                     run connects or puts behind a gateway that is connected, and no step removes it.",
        reads: "connections of the subscriptions: connectionStatus; the runbook's source_region",
        why: "Both regions tell on-premises the same prefixes. Which of them it sends to is its own choice, and as \
              long as it prefers the source nothing has failed over, although every step succeeds.",
        fix: "Remove the source's connection (connection.remove) or let on-premises prefer the other circuit \
              (local preference, AS path), and say in the runbook who does.",
        source: "azure-facts 1.4, S-ERASR",
        judge: two_circuits,
    },
    Rule {
        id: "ADDR-GLOBAL-REACH",
        severity: FindingSeverity::Warn,
        fails_when: "The prefix of a Global Reach connection of the circuit lies in a network that is to be connected.",
        reads: "peerings/AzurePrivatePeering: connections and peeredConnections; addressSpace of the networks",
        why: "Microsoft's edges use these addresses between the circuits: what has them in the network may not be reached.",
        fix: "Use a /29 outside of all networks for Global Reach, or leave its addresses unused in the network.",
        source: "azure-docs expressroute-howto-set-global-reach.md",
        judge: global_reach,
    },
    Rule {
        id: "ADDR-PEERING",
        severity: FindingSeverity::Block,
        fails_when: "Two networks to be peered overlap, or one of them overlaps a network that the other is \
                     peered with by then, or is to be at the same time.",
        reads: "addressSpace of both and of all their peers, as the steps before and beside leave them",
        why: "Azure refuses the peering (VnetAddressSpaceOverlapsWithAlreadyPeeredVnet).",
        fix: "Give one of them other addresses, or remove the other peering in a step before.",
        source: "N-PEER; I-731; AzureTRE 4641",
        judge: peering,
    },
    Rule {
        id: "ADDR-SUBNET",
        severity: FindingSeverity::Block,
        fails_when: "A subnet to be made is outside its network, or overlaps another subnet of it.",
        reads: "addressSpace and subnets of the network, as the steps before and beside leave them",
        why: "Azure refuses the subnet.",
        fix: "Choose a free prefix within the network's address space.",
        source: "A-ERR",
        judge: subnet,
    },
];

fn global_reach(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let mut all = Vec::new();
    for own in inquiry.carried() {
        let Some(circuit) = own.circuit() else { continue };
        // Networks that cannot be read are told by other rules.
        let Ok(ours) = end.space_on(&own) else { continue };
        all.extend(end.each([circuit], |_, body| {
            let peerings = arm::CircuitView::of(body).peerings();
            let reached = peerings.iter().flat_map(arm::global_reach);
            let mut nets = reached
                .filter_map(|own| text(own, "/properties/addressPrefix")?.parse::<IpNet>().ok());
            let hit = nets.find_map(|net| {
                let own = ours.iter().find(|own| overlap(own, &net))?;
                Some(format!("its Global Reach has {net}, and {own} is to be connected"))
            });
            Some(found(hit, Ok(())))
        }));
    }
    worst_of_each(all)
}

fn same_circuit(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    let end = inquiry.at_end();
    for own in inquiry.carried() {
        let Some(circuit) = own.circuit() else { continue };
        let then = inquiry.at_most(own.step);
        // A spoke that is peered later meets those that are left then.
        let (mut hit, mut everything) = meets(&then, &own, circuit);
        if hit.is_none() {
            let (later, unread) = meets(&end, &own, circuit);
            hit = later;
            everything = everything.and(unread).and(inquiry.every_link_named(circuit));
        }
        all.push(about(own.written(), found(hit, everything)));
    }
    // A network is put behind many circuits by one step.
    worst_of_each(all)
}

/// The connections of the source region that go on carrying, beside those that the run makes elsewhere.
fn two_circuits(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let Some(source) = &inquiry.plan.parts().source_region else { return Vec::new() };
    let carried: Vec<Carried<'_>> =
        inquiry.carried().into_iter().filter(|own| own.circuit().is_some()).collect();
    let end = inquiry.at_end();
    let spaces: Vec<Vec<IpNet>> = carried.iter().filter_map(|own| end.space_on(own).ok()).collect();
    let ours = (!spaces.is_empty()).then(|| spaces.concat());
    let mut all = Vec::new();
    for (id, body) in end.facts.bodies(CONNECTIONS) {
        let link = ConnectionView::of(body);
        let (Some(circuit), Some(gateway)) = (link.circuit(), link.gateway()) else { continue };
        let elsewhere = carried.iter().all(|own| {
            own.way.link != *id && own.circuit().map(ResourceId::root) != Some(circuit.clone())
        });
        if carried.is_empty() || !elsewhere || region_at(body).as_ref() != Some(source) {
            continue;
        }
        let carries = link.status().is_some_and(|own| own.eq_ignore_ascii_case("Connected"));
        // Where a network of either side was not read, that they are the same is what a failover is for.
        let apart = ours.as_ref().zip(end.advertised(&gateway));
        let apart = apart.is_some_and(|(ours, theirs)| clash(ours, &theirs).is_none());
        all.push(about(
            id,
            unless(carries && !apart, || {
                format!("it is Connected over {}, and nothing takes it away", circuit.name())
            }),
        ));
    }
    all
}

/// Where what is brought onto a circuit meets others there; and whether all that counts was read.
fn meets(
    then: &Inquiry<'_>,
    own: &Carried<'_>,
    circuit: &ResourceId,
) -> (Option<String>, Result<(), String>) {
    let ours = match then.space_on(own) {
        Ok(ours) => ours,
        Err(why) => return (None, Err(why)),
    };
    let mut everything = then.every_link().and(then.every_network_on(circuit));
    for (id, theirs) in beside(then, own, circuit) {
        let theirs = match theirs {
            Ok(theirs) => theirs,
            Err(why) => {
                everything = Err(why);
                continue;
            }
        };
        if let Some((a, b)) = clash(&ours, &theirs) {
            let circuit = circuit.name();
            return (
                Some(format!("{a} overlaps {b}, which {} has on {circuit}", id.name())),
                Ok(()),
            );
        }
    }
    (None, everything)
}

/// The connections of other gateways on the circuit, and the addresses there; hubs of one virtual WAN are one network.
/// A network that changes its gateway does not meet itself.
fn beside(
    then: &Inquiry<'_>,
    own: &Carried<'_>,
    circuit: &ResourceId,
) -> Vec<(ResourceId, Result<Vec<IpNet>, String>)> {
    let networks = then.links(circuit).into_iter().filter_map(|(id, link)| {
        let gateway = arm::ConnectionView::of(link).gateway()?;
        let other = gateway != own.way.gateway && *id != own.way.link;
        let space = || {
            let space = then.advertised_but(&gateway, own.network.as_ref());
            space.ok_or_else(|| format!("what {} links cannot be read", id.name()))
        };
        other.then(|| (id.clone(), space()))
    });
    let hub = then.hub_of(&own.way.gateway);
    let wan = hub.as_ref().and_then(|hub| then.wan_of(hub));
    let hubs = then.hub_links_to(circuit).into_iter().filter_map(|link| {
        let there = link.hub()?;
        let one = wan.is_some() && then.wan_of(&there) == wan;
        let other = link.id != own.way.link && !one && hub.as_ref() != Some(&there);
        other.then(|| (link.id.clone(), then.hub_space(&there)))
    });
    networks.chain(hubs).collect()
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
        // Of two that have no order each may come second.
        let then = inquiry.at_most(step);
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
                                "{a} of {} overlaps {b} of {}, which {} is peered with by then",
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
        let then = inquiry.at_most(step);
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
