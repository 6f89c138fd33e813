//! Can the VPN gateway stand where it shall, and will the tunnel carry what it must and no more?

use ipnet::IpNet;
use serde_json::Value;

use super::gateway_addresses::without_zones;
use crate::arm::read::number;
use crate::model::action::{Vpn, VpnConnection, VpnGateway};
use crate::model::{Action, ResourceId, Step};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{
    Inquiry, about, flag, found, id_at, is, list, overlap, region_at, route_server_id, text, unless,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about VPN.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "VPN-ONE",
        severity: FindingSeverity::Block,
        fails_when: "The network has another VPN gateway already.",
        reads: "subnets of the network: ipConfigurations; the gateways that they name",
        why: "A network has one VPN gateway at most; one of ExpressRoute may stand beside it.",
        fix: "Use the gateway that is there: write its name into the runbook.",
        source: "VPN-COEX",
        judge: one,
    },
    Rule {
        id: "VPN-LOCATION",
        severity: FindingSeverity::Block,
        fails_when: "The VPN gateway shall be in another region than its network.",
        reads: "location of the network",
        why: "Azure refuses it.",
        fix: "Write the network's region.",
        source: "VPN-GW",
        judge: location,
    },
    Rule {
        id: "VPN-ADDRESS",
        severity: FindingSeverity::Block,
        fails_when: "An address of the VPN gateway is Basic or dynamic, or another gateway has it.",
        reads: "publicIPAddress: sku.name, publicIPAllocationMethod, ipConfiguration",
        why: "A zone-redundant gateway takes Standard, static addresses of its own.",
        fix: "Make another address under another name.",
        source: "VPN-GW",
        judge: address,
    },
    Rule {
        id: "VPN-ADDRESS-ZONES",
        severity: FindingSeverity::Block,
        fails_when: "An address of a VPN gateway that is to be made has no zones, where the region has some.",
        reads: "publicIPAddress: zones; table of regions",
        why: "Azure refuses a gateway of an AZ SKU with it (VmssVpnGatewayPublicIpsMustHaveZonesConfigured).",
        fix: "Make another address with all zones, under another name; zones cannot be changed.",
        source: "ResourceModules 2609; ansible-collections/azure PR 2208",
        judge: zones,
    },
    Rule {
        id: "VPN-TYPE",
        severity: FindingSeverity::Block,
        fails_when: "The gateway of a tunnel is no VPN gateway, or is policy-based or Basic.",
        reads: "gatewayType, vpnType, sku.name",
        why: "Only a route-based VPN gateway that is not Basic stands beside an ExpressRoute gateway.",
        fix: "Name the VPN gateway of the network, or make one of a VpnGw…AZ size.",
        source: "VPN-COEX",
        judge: kind,
    },
    Rule {
        id: "VPN-BGP",
        severity: FindingSeverity::Block,
        fails_when: "A tunnel is to tell routes by BGP, and an end of it does not speak it.",
        reads: "gateway: enableBgp; local network gateway: bgpSettings",
        why: "Azure refuses the tunnel, or no session ever comes up: nothing is told through it.",
        fix: "Write the gateway's `asn` and the device's `bgp`, or take `bgp: true` off the tunnel and write the \
              device's prefixes.",
        source: "V-BGP (BGP is switched on at the gateway, the device and the connection)",
        judge: speaks,
    },
    Rule {
        id: "VPN-BESIDE",
        severity: FindingSeverity::Block,
        fails_when: "An ExpressRoute gateway is to be made beside a VPN gateway that is policy-based or Basic.",
        reads: "subnets of the network: ipConfigurations; gatewayType, vpnType, sku.name of what they name",
        why: "Only a route-based VPN gateway that is not Basic stands beside an ExpressRoute gateway.",
        fix: "Agree with its owners that it is made anew before the run, route-based and of a VpnGw…AZ size \
              (Basic is not resized in place), or use a network without it.",
        source: "VPN-COEX",
        judge: beside,
    },
    Rule {
        id: "VPN-ROUTE-SERVER",
        severity: FindingSeverity::Warn,
        fails_when: "A VPN gateway stands beside a Route Server that passes routes between branches, and has one address \
                     or another AS number than 65515.",
        reads: "the gateway's addresses and asn, as planned and as they stand; the Route Server: \
                allowBranchToBranchTraffic",
        why: "Azure wants it active-active and of 65515 there: else routes of the tunnels and of the circuit do not \
              reach each other.",
        fix: "Give the gateway two addresses, and no `asn` or 65515; or switch branch-to-branch off where nobody needs it.",
        source: "azure-docs route-server/expressroute-vpn-support.md",
        judge: beside_route_server,
    },
    Rule {
        id: "VPN-ADDR",
        severity: FindingSeverity::Block,
        fails_when: "A prefix behind the device overlaps the network of the gateway, or one of its spokes.",
        reads: "address spaces of the network and its spokes",
        why: "Traffic for those addresses never leaves the network.",
        fix: "Take the prefix out, or find out which of both is right.",
        source: "VPN-GW",
        judge: addresses,
    },
    Rule {
        id: "VPN-LONGER",
        severity: FindingSeverity::Warn,
        fails_when: "A prefix behind the device is longer than the one that a circuit of the network carries.",
        reads: "route tables of the circuits that the network's ExpressRoute gateway is connected to",
        why: "The longer prefix wins: its traffic stays in the tunnel while the circuit stands, and when it \
              comes back. Among equal ones the circuit wins.",
        fix: "Write the prefixes as on-premises tells them over ExpressRoute.",
        source: "VPN-COEX",
        judge: longer,
    },
];

fn all<'a, T>(
    inquiry: &Inquiry<'a>,
    pick: impl Fn(&'a Vpn) -> Option<&'a T>,
) -> Vec<(&'a Step, &'a T)> {
    let steps = inquiry.plan.steps_to_run();
    steps
        .filter_map(|step| match &step.action {
            Action::Vpn(own) => pick(own).map(|spec| (step, spec)),
            _ => None,
        })
        .collect()
}

fn gateways<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, &'a VpnGateway)> {
    all(inquiry, |own| match own {
        Vpn::Gateway(spec) => Some(spec),
        Vpn::LocalGateway(_) | Vpn::Connection(_) => None,
    })
}

fn tunnels<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, &'a VpnConnection)> {
    all(inquiry, |own| match own {
        Vpn::Connection(spec) => Some(spec),
        Vpn::LocalGateway(_) | Vpn::Gateway(_) => None,
    })
}

fn one(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (step, spec) in gateways(inquiry) {
        let Some(vnet) = spec.subnet.parent() else { continue };
        let then = inquiry.at(step);
        judged.extend(then.each([&vnet], |_, body| {
            let mut unread = Ok(());
            for other in then.gateways_in(body).into_iter().filter(|other| *other != spec.id) {
                match then.read(&other) {
                    Ok(Some(gateway)) if is(gateway, "/properties/gatewayType", "Vpn") => {
                        return Some(FindingVerdict::Failed(format!("it has {}", other.name())));
                    }
                    Ok(_) => {}
                    Err(why) => unread = Err(why),
                }
            }
            Some(found(None, unread))
        }));
    }
    judged
}

fn location(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (_, spec) in gateways(inquiry) {
        let Some(vnet) = spec.subnet.parent() else { continue };
        judged.extend(inquiry.each([&vnet], |_, body| {
            let region = region_at(body)?;
            Some(unless(region != spec.location, || {
                let (shall, own) = (spec.location.as_str(), region.as_str());
                format!("{} shall be in {shall}, and its network is in {own}", spec.id.name())
            }))
        }));
    }
    judged
}

/// Judges each address of each VPN gateway to be, where it stands already.
fn each_address(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&Step, &VpnGateway, &Value) -> Option<FindingVerdict>,
) -> Vec<Judged> {
    let each = gateways(inquiry).into_iter();
    each.flat_map(|(step, spec)| {
        inquiry.at(step).each(&spec.public_ips, |_, body| judge(step, spec, body))
    })
    .collect()
}

fn address(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    each_address(inquiry, |step, spec, body| {
        let user = id_at(body, "/properties/ipConfiguration/id");
        let stays = |user: &ResourceId| {
            let holder = user.parent().unwrap_or_else(|| user.clone());
            holder != spec.id && !inquiry.removed_before(&holder, step)
        };
        let why = if is(body, "/sku/name", "Basic") {
            Some("it is a Basic address".to_owned())
        } else if is(body, "/properties/publicIPAllocationMethod", "Dynamic") {
            Some("it is a dynamic address".to_owned())
        } else {
            user.filter(stays).map(|user| format!("{user} has it"))
        };
        Some(why.map_or(FindingVerdict::Passed, FindingVerdict::Failed))
    })
}

/// A gateway that stands keeps the addresses that it has.
fn zones(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let made = gateways(inquiry).into_iter();
    let made = made.filter(|(step, spec)| !matches!(inquiry.at(step).read(&spec.id), Ok(Some(_))));
    let each = made.flat_map(|(step, spec)| {
        let judge = |_: &ResourceId, body| without_zones(&spec.location, body);
        inquiry.at(step).each(&spec.public_ips, judge)
    });
    each.collect()
}

fn kind(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (step, spec) in tunnels(inquiry) {
        judged.extend(inquiry.at(step).each([&spec.gateway], |_, body| {
            let why = match text(body, "/properties/gatewayType") {
                None => {
                    return Some(FindingVerdict::Unknown(
                        "its gatewayType is not reported".to_owned(),
                    ));
                }
                Some(kind) if !kind.eq_ignore_ascii_case("Vpn") => {
                    Some(format!("it is of the type {kind}"))
                }
                Some(_) => unfit(body).map(|why| format!("it is {why}")),
            };
            Some(why.map_or(FindingVerdict::Passed, FindingVerdict::Failed))
        }));
    }
    judged
}

/// Judges the tunnels that are to tell routes by BGP by both of their ends, as the step finds them.
fn speaks(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (step, spec) in tunnels(inquiry).into_iter().filter(|(_, spec)| spec.bgp == Some(true)) {
        let then = inquiry.at(step);
        judged.extend(then.each([&spec.gateway], |_, body| {
            Some(unless(!flag(body, "/properties/enableBgp"), || {
                "it does not speak BGP".to_owned()
            }))
        }));
        judged.extend(then.each([&spec.local_gateway], |_, body| {
            let asn = body.pointer("/properties/bgpSettings/asn");
            Some(unless(asn.is_none(), || "it does not say how the device speaks BGP".to_owned()))
        }));
    }
    judged
}

/// Why a VPN gateway cannot stand beside an ExpressRoute gateway.
fn unfit(gateway: &Value) -> Option<&'static str> {
    if is(gateway, "/properties/vpnType", "PolicyBased") {
        Some("policy-based")
    } else if is(gateway, "/properties/sku/name", "Basic") {
        Some("of the SKU Basic")
    } else {
        None
    }
}

/// The VPN gateways that an ExpressRoute gateway is to stand beside; one that stands there already shows that
/// Azure took both.
fn beside(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (step, spec) in inquiry.gateways() {
        let then = inquiry.at(step);
        let Some(vnet) = spec.subnet.parent() else { continue };
        if matches!(then.read(&spec.id), Ok(Some(_))) {
            continue;
        }
        let verdicts = then.each([&vnet], |_, body| {
            let (mut any, mut unread) = (false, Ok(()));
            for other in then.gateways_in(body).into_iter().filter(|other| *other != spec.id) {
                match then.read(&other) {
                    Ok(Some(gateway)) if is(gateway, "/properties/gatewayType", "Vpn") => {
                        any = true;
                        if let Some(why) = unfit(gateway) {
                            let name = other.name();
                            return Some(FindingVerdict::Failed(format!("{name} is {why}")));
                        }
                    }
                    Ok(_) => {}
                    Err(why) => (any, unread) = (true, Err(why)),
                }
            }
            any.then(|| found(None, unread))
        });
        judged.extend(verdicts.into_iter().map(|own| about(&spec.id, own.verdict)));
    }
    judged
}

/// The AS number that a gateway has where nobody says another.
const OWN_ASN: u64 = 65_515;

/// How a VPN gateway does not fit a Route Server that passes routes between branches.
fn beside_route_server(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (step, spec) in gateways(inquiry) {
        let then = inquiry.at(step);
        let network = spec.subnet.parent().and_then(|vnet| then.facts.body(&vnet));
        let Some(server) = network.and_then(route_server_id) else { continue };
        let stands = then.facts.body(&spec.id);
        let asn = spec.asn.map(u64::from);
        let asn = asn.or_else(|| number(stands?, "/properties/bgpSettings/asn")).unwrap_or(OWN_ASN);
        let verdict = match then.read(&server) {
            Ok(Some(body)) if flag(body, "/properties/allowBranchToBranchTraffic") => {
                let why = match (spec.public_ips.len() > 1, asn == OWN_ASN) {
                    (true, true) => None,
                    (false, _) => Some("it has one address".to_owned()),
                    (true, false) => Some(format!("its AS number is {asn}")),
                };
                unless(why.is_some(), || {
                    let name = server.name();
                    format!("{}, beside the Route Server {name}", why.unwrap_or_default())
                })
            }
            Ok(_) => FindingVerdict::Passed,
            Err(why) => FindingVerdict::Unknown(why),
        };
        judged.push(about(&spec.id, verdict));
    }
    judged
}

fn addresses(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (step, spec) in tunnels(inquiry) {
        let then = inquiry.at(step);
        let Some(hub) = then.vnet_of(&spec.gateway) else { continue };
        let verdict = then.behind_device(&spec.local_gateway).and_then(|prefixes| {
            for vnet in std::iter::once(hub.clone()).chain(inquiry.at_end().spokes(&hub)) {
                then.read(&vnet)?;
                let own = then.space(&vnet).unwrap_or_default();
                let hit = prefixes.iter().find(|net| own.iter().any(|own| overlap(net, own)));
                if let Some(net) = hit {
                    return Ok(FindingVerdict::Failed(format!("{net} overlaps {}", vnet.name())));
                }
            }
            Ok(FindingVerdict::Passed)
        });
        judged.push(about(&spec.local_gateway, verdict.unwrap_or_else(FindingVerdict::Unknown)));
    }
    judged
}

fn longer(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (_, spec) in tunnels(inquiry) {
        let circuits = inquiry.circuits_beside(&spec.gateway);
        if circuits.is_empty() {
            continue;
        }
        let verdict = inquiry.behind_device(&spec.local_gateway).and_then(|prefixes| {
            for circuit in circuits {
                let path = "primary";
                let question = Question::RouteTable { circuit: circuit.clone(), path };
                let table = match inquiry.facts.of(&question) {
                    Fact::Known(table) => table,
                    Fact::Absent => continue,
                    Fact::Unknown(why) => return Err(why.to_owned()),
                };
                let carried: Vec<IpNet> = list(table, "/value")
                    .iter()
                    .filter_map(|row| text(row, "/network")?.parse().ok())
                    .collect();
                let wider = |net: &IpNet| {
                    let all = carried.iter().filter(|own| own.prefix_len() > 0);
                    all.copied().find(|own| own.contains(net) && own != net)
                };
                let hit = prefixes
                    .iter()
                    .filter(|net| !carried.contains(net))
                    .find_map(|net| Some((net, wider(net)?)));
                if let Some((net, wide)) = hit {
                    let name = circuit.name();
                    return Ok(FindingVerdict::Failed(format!(
                        "{net} is longer than {wide} of {name}"
                    )));
                }
            }
            Ok(FindingVerdict::Passed)
        });
        judged.push(about(&spec.local_gateway, verdict.unwrap_or_else(FindingVerdict::Unknown)));
    }
    judged
}
