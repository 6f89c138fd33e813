//! Will the spokes be reached through the hub?

use std::net::IpAddr;

use ipnet::IpNet;

use super::{appliances, sides, subnet_peerings};
use crate::arm;
use crate::model::action::{NextHop, Peering, RemovalKind};
use crate::model::{ResourceId, Step};
use crate::preflight::facts::Fact;
use crate::preflight::inquiry::{
    Inquiry, about, is, list, own_gateway_subnet, peerings_of, route_server, subnet_prefix,
    subnet_prefixes, text, unless,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about peerings of virtual networks and route tables.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "VP-FLAGS",
        severity: FindingSeverity::Warn,
        fails_when: "A planned peering is neither a hub's side that lends its gateway nor a spoke's side that uses \
                     it, and is not taken off on purpose, or is both; or it gives no access; or it drops what an appliance of the other network \
                     forwards.",
        reads: "the four flags, as planned and as they stand; tables of both networks' subnets, as the run leaves \
                them",
        why: "A spoke is advertised to on-premises only through both flags of the gateway. Without access the two \
              networks do not reach one another, and without forwarded traffic an appliance's packets end at the \
              side that does not take them.",
        fix: "allow_gateway_transit on the hub's side, use_remote_gateways on the spoke's; allow_access and \
              allow_forwarded_traffic on both.",
        source: "S-ERASR; E-FAQ; N-PEER",
        judge: sides::flags,
    },
    Rule {
        id: "VP-STATE",
        severity: FindingSeverity::Block,
        fails_when: "A peering that the runbook wants is Disconnected; or it is not there, and the other network's side \
                     of it is Disconnected by then.",
        reads: "peering: peeringState, of both sides",
        why: "Azure does not connect it again: both sides must be removed and made anew.",
        fix: "Remove both sides before the run (peering.remove).",
        source: "R-PEER; N-PEER; azurerm 14051 (the refusal of a new side)",
        judge: |inquiry| {
            let mut all = Vec::new();
            for (step, spec) in inquiry.peerings() {
                let then = inquiry.at(step);
                all.extend(then.each([&spec.id], |_, body| {
                    let dead = arm::PeeringView::of(body).is_in("Disconnected");
                    Some(unless(dead, || "it is Disconnected".to_owned()))
                }));
                all.extend(left_over(&then, spec));
            }
            all
        },
    },
    Rule {
        id: "VP-TWICE",
        severity: FindingSeverity::Block,
        fails_when: "A step makes a peering, and another one of its network leads to the same remote network \
                     by then.",
        reads: "peerings of the network, as the steps before leave them",
        why: "Azure takes one peering to a network, whatever its name \
              (AnotherPeeringAlreadyReferencesRemoteVnet).",
        fix: "Take the name of the one that stands into the runbook, or remove that one in a step that \
              this one needs.",
        source: "N-PEER",
        judge: twice,
    },
    Rule {
        id: "VP-ONE-REMOTE",
        severity: FindingSeverity::Block,
        fails_when: "When a spoke's side is to use a remote gateway, the spoke uses another one, a hub has it, or it has a \
                     gateway or a Route Server of its own.",
        reads: "peerings, GatewaySubnet and RouteServerSubnet of the spoke, as the steps before leave them",
        why: "A network uses one remote gateway, and none beside its own; a Route Server counts as one.",
        fix: "Take the flag off the other peering, or the connection of the hub away, in a step that this one needs; or \
              leave this spoke out.",
        source: "N-PEER",
        judge: one_remote,
    },
    Rule {
        id: "VP-OWN-GW",
        severity: FindingSeverity::Block,
        fails_when: "When a gateway is to be made, its network uses the gateway of another one, or a hub has it.",
        reads: "peerings of the network: useRemoteGateways, and that of a hub, as the steps before leave them",
        why: "A network that uses a remote gateway may own none.",
        fix: "Take the flag off that peering, or the connection of the hub away, in a step that this one needs; or make \
              the gateway in the network that others use.",
        source: "N-PEER",
        judge: sides::own_gateway,
    },
    Rule {
        id: "VP-REMOTE-GW",
        severity: FindingSeverity::Block,
        fails_when: "A spoke's side uses the hub's gateway, and neither a gateway nor a Route Server is there or \
                     made before it.",
        reads: "the hub's gateway, as it is and as planned; its RouteServerSubnet",
        why: "Azure refuses the flag with RemoteVnetHasNoGateways.",
        fix: "Let the peering need the gateway.",
        source: "I-30569",
        judge: remote_gateway,
    },
    Rule {
        id: "VP-LENDS",
        severity: FindingSeverity::Block,
        fails_when: "A spoke's side uses the hub's gateway, and the hub's side does not lend it by then, or is \
                     not there and no step makes it.",
        reads: "the hub's side: allowGatewayTransit, as the steps before leave it",
        why: "One side uses what the other lends: without allowGatewayTransit there is no way through.",
        fix: "Let the step need one that sets allow_gateway_transit on the hub's side.",
        source: "N-PEER",
        judge: lends,
    },
    Rule {
        id: "VP-LENT",
        severity: FindingSeverity::Warn,
        fails_when: "A step takes allow_gateway_transit off a side, and the other side uses the gateway by then.",
        reads: "the other side: useRemoteGateways, as the steps before leave it",
        why: "The network there loses its way to on-premises at that moment, or Azure refuses the step.",
        fix: "Take use_remote_gateways off the other side, or remove it, in a step that this one needs.",
        source: "N-PEER; whether Azure refuses it is not known (?)",
        judge: sides::lent,
    },
    Rule {
        id: "VP-SUBNETS",
        severity: FindingSeverity::Warn,
        fails_when: "A peering of single subnets, by which a spoke uses a gateway, leaves out a subnet with a prefix \
                     that a verification expects to be advertised.",
        reads: "both sides: peerCompleteVnets, localSubnetNames, remoteSubnetNames; the prefixes of verify.advertised \
                and verify.circuit_routes; subnets of the spoke",
        why: "Such a peering carries the subnets that it names alone: the others are not reached through the hub.",
        fix: "Add the subnet to both sides, or make the peering one of whole networks: Azure wants both sides removed \
              and made anew for that.",
        source: "N-PEERSUB",
        judge: subnet_peerings::left_out,
    },
    Rule {
        id: "UDR-NVA-DEFAULT",
        severity: FindingSeverity::Warn,
        fails_when: "A subnet gets a default route to an appliance and has no Storage service endpoint.",
        reads: "planned routes; subnet: serviceEndpoints",
        why: "Site Recovery's replication from there goes through the appliance.",
        fix: "Add the service endpoint Microsoft.Storage to the subnet.",
        source: "SEED, S-NET",
        judge: default_to_appliance,
    },
    Rule {
        id: "VP-GW-REMOVED",
        severity: FindingSeverity::Warn,
        fails_when: "A gateway is removed, and a network goes on using it over its peering.",
        reads: "peerings of the gateway's network, and those of the networks there",
        why: "The network loses its way to on-premises with the gateway, or keeps the gateway from being removed.",
        fix: "Take the network's peering away before, or leave the gateway where others use it.",
        source: "azure-facts 1.6",
        judge: left_without,
    },
    Rule {
        id: "UDR-NVA-IP",
        severity: FindingSeverity::Warn,
        fails_when: "The next hop of a planned route is in no network of the target, or in a GatewaySubnet.",
        reads: "planned routes; addressSpace of hub and spokes; their GatewaySubnets",
        why: "Traffic to it is dropped: an appliance cannot stand in a GatewaySubnet.",
        fix: "Write the address that the appliance has in the target.",
        source: "azure-facts 2.6",
        judge: hop_is_there,
    },
    Rule {
        id: "UDR-NVA-FORWARD",
        severity: FindingSeverity::Warn,
        fails_when: "The network interface that has a planned next hop's address does not forward.",
        reads: "planned routes; ipConfigurations of the next hop's subnet, and the network interfaces that they name, \
                where those are eight at most: enableIPForwarding",
        why: "Azure drops what reaches an interface and is for another address; one that is made anew has the \
              flag off.",
        fix: "Switch IP forwarding on at that interface (enableIPForwarding).",
        source: "N-UDR",
        judge: appliances::forwards,
    },
    Rule {
        id: "UDR-SAME-SUBNET",
        severity: FindingSeverity::Warn,
        fails_when: "A table with the appliance as next hop is put on the appliance's own subnet, for \
                     networks of that subnet.",
        reads: "planned routes and associations; subnets",
        why: "The appliance sends to itself: a loop.",
        fix: "Give the appliance's subnet a table of its own.",
        source: "N-UDR",
        judge: same_subnet,
    },
];

/// The other network's side of a peering that is to be made anew, where it remembers one that is gone.
fn left_over(then: &Inquiry<'_>, spec: &Peering) -> Option<Judged> {
    if then.facts.stands(&spec.id) != Some(false) {
        return None;
    }
    let network = spec.id.parent()?;
    let dead = peerings_of(then.facts.body(&spec.remote)).iter().find(|side| {
        let side = arm::PeeringView::of(side);
        side.remote().as_ref() == Some(&network) && side.is_in("Disconnected")
    })?;
    let name = text(dead, "/name").unwrap_or_default();
    let why = format!("it is not there, and {name} of {} is Disconnected", spec.remote.name());
    Some(about(&spec.id, FindingVerdict::Failed(why)))
}

/// A peering of the same network to the same other one, under another name. What is made or removed at the same
/// time counts: nobody knows which comes first.
fn twice(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.peerings() {
        let Some(vnet) = spec.id.parent() else { continue };
        let verdicts = inquiry.at_most(step).each([&vnet], |_, body| {
            let other = peerings_of(Some(body)).iter().find(|side| {
                arm::PeeringView::of(side).leads_to(&spec.remote)
                    && !is(side, "/name", spec.id.name())
            });
            let name = other.map(|other| text(other, "/name").unwrap_or("another peering"));
            Some(unless(name.is_some(), || {
                let (name, far) = (name.unwrap_or_default(), spec.remote.name());
                format!("{name} of {} leads to {far} by then", vnet.name())
            }))
        });
        all.extend(verdicts.into_iter().map(|judged| about(&spec.id, judged.verdict)));
    }
    all
}

/// The sides that are to use a remote gateway, each with its network and the world as its step finds it.
fn using<'i>(
    inquiry: &'i Inquiry<'_>,
) -> impl Iterator<Item = (&'i Step, &'i Peering, ResourceId, Inquiry<'i>)> {
    inquiry.peerings().into_iter().filter_map(|(step, spec)| {
        let vnet = spec.id.parent().filter(|_| spec.use_remote_gateways == Some(true))?;
        Some((step, spec, vnet, inquiry.at(step)))
    })
}

fn one_remote(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec, vnet, then) in using(inquiry) {
        let body = match then.read(&vnet) {
            Ok(Some(body)) => body,
            Ok(None) => continue,
            Err(why) => {
                all.push(about(&spec.id, FindingVerdict::Unknown(why)));
                continue;
            }
        };
        let other = peerings_of(Some(body)).iter().find(|peering| {
            arm::PeeringView::of(peering).uses_gateway() && !is(peering, "/name", spec.id.name())
        });
        let own = then.gateways_in(body).into_iter().next();
        let own = own.map(|own| own.name().to_owned());
        let own = own.or_else(|| Some(format!("the Route Server {}", route_server(body)?)));
        let verdict = match (other, own) {
            (Some(other), _) => {
                let name = text(other, "/name").unwrap_or_default();
                let late = sides::late(inquiry, step, &vnet, name);
                FindingVerdict::Failed(format!("{}{late}", sides::way_out(other, &vnet)))
            }
            (None, Some(own)) => FindingVerdict::Failed(format!("{own} stands in its network")),
            (None, None) => FindingVerdict::Passed,
        };
        all.push(about(&spec.id, verdict));
    }
    all
}

fn remote_gateway(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec, _, then) in using(inquiry) {
        let planned = inquiry.gateways().into_iter().any(|(other, gateway)| {
            gateway.subnet.parent().as_ref() == Some(&spec.remote) && then.is_done(other)
        });
        let verdict = match then.facts.resource(&spec.remote) {
            Fact::Known(hub) if !then.gateways_in(hub).is_empty() => FindingVerdict::Passed,
            // It is lent by the same flag (learn: virtual-network-manage-peering).
            Fact::Known(hub) if route_server(hub).is_some() => FindingVerdict::Passed,
            Fact::Unknown(_) if planned => FindingVerdict::Passed,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
            _ => FindingVerdict::Failed(format!("{} has no gateway by then", spec.remote.name())),
        };
        all.push(about(&spec.id, verdict));
    }
    all
}

fn lends(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec, vnet, then) in using(inquiry) {
        let planned = inquiry.peerings().into_iter().any(|(other, side)| {
            side.id.is_child_of(&spec.remote)
                && side.remote == vnet
                && side.allow_gateway_transit == Some(true)
                && then.is_done(other)
        });
        let verdict = match then.facts.resource(&spec.remote) {
            Fact::Known(hub) => {
                let mut sides = peerings_of(Some(hub)).iter();
                match sides.find(|side| arm::PeeringView::of(side).leads_to(&vnet)) {
                    Some(side) => {
                        let name = text(side, "/name").unwrap_or("the other side");
                        unless(!arm::PeeringView::of(side).lends_gateway(), || {
                            format!("{name} of {} does not lend it by then", spec.remote.name())
                        })
                    }
                    None => no_side_yet(inquiry, spec, &vnet),
                }
            }
            Fact::Absent => FindingVerdict::Failed(format!("{} is not there", spec.remote.name())),
            Fact::Unknown(_) if planned => FindingVerdict::Passed,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        all.push(about(&spec.id, verdict));
    }
    all
}

/// A hub that has no side yet: Azure takes the spoke's, and the two are one when the hub's is made.
fn no_side_yet(inquiry: &Inquiry<'_>, spec: &Peering, vnet: &ResourceId) -> FindingVerdict {
    let hub = spec.remote.name();
    let made = inquiry
        .peerings()
        .into_iter()
        .find(|(_, side)| side.id.is_child_of(&spec.remote) && side.remote == *vnet);
    match made {
        Some((_, side)) if side.allow_gateway_transit == Some(true) => FindingVerdict::Passed,
        Some((step, _)) => FindingVerdict::Failed(format!(
            "step `{}` makes the side of {hub}, and does not let it lend",
            step.name
        )),
        None => FindingVerdict::Failed(format!(
            "{hub} has no side towards {}, and no step makes one",
            vnet.name()
        )),
    }
}

fn default_to_appliance(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (subnet, table) in inquiry.tables_given() {
        let wide = table.routes.iter().any(|route| {
            route.prefix.prefix().is_some_and(|prefix| prefix.prefix_len() == 0)
                && matches!(route.next_hop, NextHop::Appliance(_) | NextHop::Firewall(_))
        });
        if !wide {
            continue;
        }
        all.extend(inquiry.each([subnet], |_, body| {
            let endpoint = list(body, "/properties/serviceEndpoints")
                .iter()
                .any(|endpoint| is(endpoint, "/service", "Microsoft.Storage"));
            Some(unless(!endpoint, || "it has no endpoint for Microsoft.Storage".to_owned()))
        }));
    }
    all
}

/// Networks that use a gateway when it is removed, and that no step takes from it.
fn left_without(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    let end = inquiry.at_end();
    for (step, removed) in inquiry.removals(RemovalKind::Gateway) {
        let then = inquiry.at(step);
        let Some(hub) = then.vnet_of(&removed.id) else { continue };
        let others = then.facts.body(&hub).map(|vnet| then.gateways_in(vnet)).unwrap_or_default();
        if others.iter().any(|other| *other != removed.id) {
            continue;
        }
        let staying = end.spokes(&hub);
        let left = then.spokes(&hub).into_iter().find(|spoke| staying.contains(spoke));
        let verdict = match left {
            Some(spoke) => FindingVerdict::Failed(format!("{} uses it", spoke.name())),
            None => FindingVerdict::Passed,
        };
        all.push(about(&removed.id, verdict));
    }
    all
}

/// The prefixes of the subnet of a network that gateways stand in.
fn gateway_prefixes(inquiry: &Inquiry<'_>, vnet: &ResourceId) -> Vec<IpNet> {
    let own = inquiry.facts.body(vnet).and_then(own_gateway_subnet);
    own.map(subnet_prefixes).unwrap_or_default()
}

fn hop_is_there(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    let end = inquiry.at_end();
    for (subnet, table) in inquiry.tables_given() {
        let Some(vnet) = subnet.parent() else { continue };
        let body = match inquiry.read(&vnet) {
            Ok(Some(body)) => body,
            Ok(None) => continue,
            Err(why) => {
                all.push(about(&table.id, FindingVerdict::Unknown(why)));
                continue;
            }
        };
        let mut everything = Ok(());
        let mut space = arm::VirtualNetworkView::of(body).space();
        let mut gateways = gateway_prefixes(&end, &vnet);
        for remote in inquiry.networks_beside(&vnet, body) {
            match inquiry.read(&remote) {
                Ok(_) => {
                    space.extend(inquiry.space(&remote).unwrap_or_default());
                    gateways.extend(gateway_prefixes(&end, &remote));
                }
                Err(why) => everything = Err(why),
            }
        }
        let hops = table.routes.iter().filter_map(|route| match route.next_hop {
            NextHop::Appliance(hop) => Some(hop),
            _ => None,
        });
        let within = |nets: &[IpNet], hop: &IpAddr| nets.iter().any(|net| net.contains(hop));
        if let Some(hop) = hops.clone().find(|hop| within(&gateways, hop)) {
            let why = format!("{hop} is in a GatewaySubnet, where no appliance stands");
            all.push(about(&table.id, FindingVerdict::Failed(why)));
            continue;
        }
        let lost = hops.clone().find(|hop| !within(&space, hop));
        // What was not read may be where it stands.
        let verdict = match (lost, everything) {
            (None, _) => FindingVerdict::Passed,
            (Some(_), Err(why)) => FindingVerdict::Unknown(why),
            (Some(hop), Ok(())) => {
                FindingVerdict::Failed(format!("{hop} is in no network beside {}", vnet.name()))
            }
        };
        all.push(about(&table.id, verdict));
    }
    all
}

fn same_subnet(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (subnet, table) in inquiry.tables_given() {
        all.extend(inquiry.each([subnet], |_, body| {
            let own = subnet_prefix(body)?;
            let looped = table.routes.iter().any(|route| match route.next_hop {
                // What is not on its own side, it may well forward.
                NextHop::Appliance(hop) => {
                    let inside = route.prefix.prefix().is_some_and(|prefix| own.contains(&prefix));
                    own.contains(&hop) && inside
                }
                _ => false,
            });
            Some(unless(looped, || "the appliance stands in it".to_owned()))
        }));
    }
    all
}
