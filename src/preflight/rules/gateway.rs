//! Can the gateway stand where it shall, and do what it must?

use std::collections::BTreeSet;

use serde_json::Value;

use crate::arm;
use crate::model::action::{Connection, Gateway, RemovalKind};
use crate::model::azure_limits::{
    GatewaySku, PEERINGS_OF_HUB, Resize, gateway_sku, has_fast_path, resize,
};
use crate::model::{Region, ResourceId, Step, geography};
use crate::preflight::facts::Fact;
use crate::preflight::inquiry::{
    GATEWAYS, Inquiry, about, found, is, list, peerings_of, region_at, unless,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule, worst_of_each};

/// The rules about gateways.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "GW-TYPE",
        severity: FindingSeverity::Block,
        fails_when: "A gateway that the runbook uses is not an ExpressRoute gateway.",
        reads: "gatewayType",
        why: "Only an ExpressRoute gateway can be connected to a circuit.",
        fix: "Name the ExpressRoute gateway; a network may have one of each kind.",
        source: "E-LINK",
        judge: |inquiry| {
            standing(inquiry, |_, body| {
                Some(match arm::GatewayView::of(body).kind() {
                    Some(kind) => unless(!kind.eq_ignore_ascii_case("ExpressRoute"), || {
                        format!("it is a {kind} gateway")
                    }),
                    None => FindingVerdict::Unknown("its gatewayType is not reported".to_owned()),
                })
            })
        },
    },
    Rule {
        id: "GW-ONE",
        severity: FindingSeverity::Block,
        fails_when: "The network has another ExpressRoute gateway already.",
        reads: "subnets of the network: ipConfigurations; the gateways that they name",
        why: "A network has one ExpressRoute gateway at most.",
        fix: "Use the gateway that is there: write its name into the runbook.",
        source: "E-GW",
        judge: one,
    },
    Rule {
        id: "GW-STATE",
        severity: FindingSeverity::Block,
        fails_when: "A gateway that the runbook uses is in state Failed.",
        reads: "provisioningState",
        why: "Nothing can be connected to it.",
        fix: "Write it again as it is, or remove it and let the runbook make it.",
        source: "azure-facts 2.4",
        judge: |inquiry| {
            standing(inquiry, |_, body| {
                let failed = arm::has_failed(body);
                Some(unless(failed, || "its provisioningState is Failed".to_owned()))
            })
        },
    },
    Rule {
        id: "GW-DISABLED",
        severity: FindingSeverity::Warn,
        fails_when: "A gateway that the runbook uses, or by which it brings networks to on-premises, is switched off.",
        reads: "adminState",
        why: "It says whether a gateway serves traffic where a network has two, as in a migration: one that is Disabled \
              may carry nothing.",
        fix: "See whether a migration is under way, and switch the gateway on (adminState Enabled), or use the other one.",
        source: "X-NET (VirtualNetworkGateway: adminState)",
        judge: |inquiry| {
            let off = |_: &ResourceId, body: &Value| {
                let off = arm::GatewayView::of(body).is_switched_off();
                off.then(|| FindingVerdict::Failed("its adminState is Disabled".to_owned()))
            };
            let mut all = standing(inquiry, off);
            all.extend(inquiry.each(&inquiry.gateways_joined(), off));
            worst_of_each(all)
        },
    },
    Rule {
        id: "GW-LOCATION",
        severity: FindingSeverity::Block,
        fails_when: "The gateway shall be in another region than its network.",
        reads: "location of gateway and network",
        why: "Azure refuses it.",
        fix: "Write the network's region.",
        source: "E-GWP",
        judge: location,
    },
    Rule {
        id: "GW-SKU-CIRCUITS",
        severity: FindingSeverity::Block,
        fails_when: "The gateway has as many circuits as its SKU allows.",
        reads: "sku.name; connections of the gateway",
        why: "Azure refuses one more.",
        fix: "Use a larger SKU, or remove a connection.",
        source: "E-GW, E-LIM",
        judge: circuits,
    },
    Rule {
        id: "GW-SKU-FASTPATH",
        severity: FindingSeverity::Block,
        fails_when: "A connection has FastPath and its gateway's SKU has not.",
        reads: "connection: expressRouteGatewayBypass; the gateway's SKU",
        why: "Azure refuses it.",
        fix: "Use UltraPerformance, ErGw3AZ or ErGwScale with ten units.",
        source: "E-FP, E-GW",
        judge: fastpath,
    },
    Rule {
        id: "GW-SKU-THROUGHPUT",
        severity: FindingSeverity::Warn,
        fails_when: "The gateway's SKU carries less than the circuit.",
        reads: "sku.name; bandwidthInMbps",
        why: "The gateway is the bottleneck.",
        fix: "Use a larger SKU: it does not take longer to make.",
        source: "E-LIM",
        judge: throughput,
    },
    Rule {
        id: "GW-SKU-PARITY",
        severity: FindingSeverity::Warn,
        fails_when: "The gateway's SKU is smaller than that of another gateway on the estate's circuits.",
        reads: "sku.name of both gateways",
        why: "The target carries less than the source did.",
        fix: "Use the source's SKU or a larger one.",
        source: "azure-facts 2.4",
        judge: parity,
    },
    Rule {
        id: "GW-ZONE",
        severity: FindingSeverity::Warn,
        fails_when: "The SKU of a gateway that is to be, or that stands and is to be connected, is not zone-redundant, and the \
                     region has availability zones.",
        reads: "sku.name, as the run leaves it; table of regions",
        why: "The gateway goes with its zone.",
        fix: "Use ErGw1AZ or larger, with a zonal address; a gateway that stands is migrated to it on a quiet day.",
        source: "E-GW",
        judge: zone,
    },
    Rule {
        id: "GW-PIP-BASIC",
        severity: FindingSeverity::Block,
        fails_when: "The gateway's public IP address is of SKU Basic.",
        reads: "publicIPAddress: sku.name",
        why: "Azure refuses it for new gateways.",
        fix: "Make a Standard one.",
        source: "E-GWP",
        judge: |inquiry| {
            address(inquiry, |_, body| {
                let basic = is(body, "/sku/name", "Basic");
                Some(unless(basic, || "it is a Basic address".to_owned()))
            })
        },
    },
    Rule {
        id: "GW-PIP-ZONES",
        severity: FindingSeverity::Warn,
        fails_when: "A zone-redundant gateway uses an address without zones.",
        reads: "publicIPAddress: zones",
        why: "The address goes with its zone.",
        fix: "Give the address all zones when it is made; it cannot be changed.",
        source: "azure-facts 2.4 (hearsay)",
        judge: |inquiry| {
            address(inquiry, |spec, body| {
                let redundant = gateway_sku(&spec.sku).is_some_and(|sku| sku.zone_redundant);
                let region = geography::region(spec.location.as_str());
                if !redundant || region.is_some_and(|region| !region.zones) {
                    return None;
                }
                Some(unless(list(body, "/zones").is_empty(), || "it has no zones".to_owned()))
            })
        },
    },
    Rule {
        id: "GW-PEERINGS",
        severity: FindingSeverity::Block,
        fails_when: "A network with an ExpressRoute gateway has more than 500 peerings.",
        reads: "peerings of the network, and planned ones",
        why: "It is not supported.",
        fix: "Spread the spokes over several hubs.",
        source: "E-GW",
        judge: many,
    },
    Rule {
        id: "GW-DELETE",
        severity: FindingSeverity::Block,
        fails_when: "A gateway is removed that has connections which the runbook does not remove first.",
        reads: "connections of the gateway",
        why: "Azure refuses it.",
        fix: "Remove the connections first, and let this step need that.",
        source: "E-GWP",
        judge: delete,
    },
];

/// Judges each gateway that connections are to be made to, as the first of them finds it.
fn standing(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&ResourceId, &Value) -> Option<FindingVerdict>,
) -> Vec<Judged> {
    let mut used = BTreeSet::new();
    let mut all = Vec::new();
    for (step, spec) in inquiry.connections() {
        if used.insert(&spec.gateway) {
            all.extend(inquiry.at(step).each([&spec.gateway], |id, body| judge(id, body)));
        }
    }
    all
}

fn one(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.gateways() {
        let Some(vnet) = spec.subnet.parent() else { continue };
        let then = inquiry.at(step);
        // A migration leaves the old one there, switched off, until it is committed; of the two none is made here.
        let stands = matches!(then.read(&spec.id), Ok(Some(_)));
        all.extend(then.each([&vnet], |_, body| {
            if stands {
                return Some(FindingVerdict::Passed);
            }
            let mut unread = Ok(());
            for other in then.gateways_in(body).into_iter().filter(|other| *other != spec.id) {
                // A VPN gateway beside it is allowed: what stands there is read before it is judged.
                match then.read(&other) {
                    Ok(None) => {}
                    Ok(Some(gateway)) => match arm::GatewayView::of(gateway).kind() {
                        Some(kind) if kind.eq_ignore_ascii_case("ExpressRoute") => {
                            return Some(FindingVerdict::Failed(format!(
                                "it has {}",
                                other.name()
                            )));
                        }
                        Some(_) => {}
                        None => unread = Err(format!("of what type {} is", other.name())),
                    },
                    Err(why) => unread = Err(why),
                }
            }
            Some(found(None, unread))
        }));
    }
    all
}

fn location(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec) in inquiry.gateways() {
        let Some(vnet) = spec.subnet.parent() else { continue };
        all.extend(inquiry.each([&vnet], |_, body| {
            let region = region_at(body)?;
            Some(unless(region != spec.location, || {
                format!(
                    "{} shall be in {}, and its network is in {}",
                    spec.id.name(),
                    spec.location.as_str(),
                    region.as_str()
                )
            }))
        }));
    }
    all
}

/// The SKU of a gateway: as planned, or as it stands; none for a gateway that is not there.
fn sku_of(inquiry: &Inquiry<'_>, gateway: &ResourceId) -> Result<Option<String>, String> {
    let planned = inquiry.gateways().into_iter().find(|(_, spec)| spec.id == *gateway);
    if let Some((_, spec)) = planned {
        return Ok(Some(will_be(inquiry, spec).to_owned()));
    }
    let Some(body) = inquiry.read(gateway)? else { return Ok(None) };
    match arm::GatewayView::of(body).sku() {
        Some(sku) => Ok(Some(sku.to_owned())),
        None => Err("its SKU is not reported".to_owned()),
    }
}

/// The SKU that a gateway will have: one that stands and does as much or more stays as it is.
fn will_be<'i>(then: &Inquiry<'i>, spec: &'i Gateway) -> &'i str {
    let has = then.facts.body(&spec.id).and_then(|body| arm::GatewayView::of(body).sku());
    has.filter(|has| resize(has, &spec.sku) == Resize::None).unwrap_or(&spec.sku)
}

/// Judges each connection that does not stand yet, with the SKU of its gateway as the step finds it.
fn by_sku(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&Inquiry<'_>, &GatewaySku, &Step, &Connection) -> Option<FindingVerdict>,
) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.connections() {
        let then = inquiry.at(step);
        let verdict = match sku_of(&then, &spec.gateway) {
            Ok(None) => continue,
            Ok(Some(sku)) => match gateway_sku(&sku) {
                Some(sku) => judge(&then, sku, step, spec),
                None => Some(FindingVerdict::Unknown(format!("`{sku}` is in no table"))),
            },
            Err(why) => Some(FindingVerdict::Unknown(why)),
        };
        all.extend(verdict.map(|verdict| about(&spec.gateway, verdict)));
    }
    all
}

fn circuits(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let all = by_sku(inquiry, |_, sku, step, spec| {
        // Of two that have no order each may come second.
        let most = inquiry.at_most(step);
        let others = most.links_of(&spec.gateway).into_iter();
        let count = others.filter(|(id, _)| **id != spec.id).count();
        let hit = (count >= sku.circuits)
            .then(|| format!("it has {count} of the {} of {} by then", sku.circuits, sku.name));
        Some(found(hit, most.every_link()))
    });
    worst_of_each(all)
}

fn fastpath(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    by_sku(inquiry, |then, sku, _, spec| {
        let body = match then.read(&spec.id) {
            Ok(body) => body,
            Err(why) => return Some(FindingVerdict::Unknown(why)),
        };
        // What the author does not say is as it stands.
        let stands = body.is_some_and(|body| arm::ConnectionView::of(body).goes_past_gateway());
        if !spec.fast_path.unwrap_or(stands) {
            return None;
        }
        let planned = inquiry.gateways().into_iter().find(|(_, own)| own.id == spec.gateway);
        let planned = planned.and_then(|(_, own)| own.autoscale).map(|own| u64::from(own.min));
        let gateway = then.facts.body(&spec.gateway).map(arm::GatewayView::of);
        let units = gateway.and_then(arm::GatewayView::scale_units_min);
        let units = units.max(planned);
        Some(unless(!has_fast_path(sku.name, units), || match units {
            Some(units) if sku.name == "ErGwScale" => {
                format!("{} with {units} units has no FastPath: it begins at ten", sku.name)
            }
            _ => format!("{} has no FastPath", sku.name),
        }))
    })
}

fn throughput(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    by_sku(inquiry, |then, sku, _, spec| {
        // A scaling gateway grows by itself.
        if sku.name == "ErGwScale" {
            return None;
        }
        let mbps = match then.read(&spec.circuit) {
            Ok(circuit) => arm::CircuitView::of(circuit?).mbps()?,
            Err(why) => return Some(FindingVerdict::Unknown(why)),
        };
        Some(unless(mbps > sku.mbps, || {
            format!("{} carries {} of {mbps} Mbps", sku.name, sku.mbps)
        }))
    })
}

fn parity(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec) in inquiry.gateways() {
        let Some(ours) = gateway_sku(will_be(inquiry, spec)) else { continue };
        let larger = inquiry.facts.bodies(GATEWAYS).find_map(|(id, body)| {
            let other = gateway_sku(arm::GatewayView::of(body).sku()?)?;
            let on_a_circuit = !inquiry.links_of(id).is_empty();
            (*id != spec.id && on_a_circuit && other.mbps > ours.mbps)
                .then(|| (id.name().to_owned(), other.name))
        });
        all.push(about(
            &spec.id,
            unless(larger.is_some(), || {
                larger.map_or_else(String::new, |(name, sku)| {
                    format!("it is {}, and {name} is {sku}", ours.name)
                })
            }),
        ));
    }
    all
}

/// Of the gateways that are to be, and of those that stand and are connected.
fn zone(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let judge = |sku: &str, place: &Region| {
        let zones = geography::region(place.as_str()).is_some_and(|region| region.zones);
        let sku = gateway_sku(sku).filter(|_| zones)?;
        Some(unless(!sku.zone_redundant, || {
            format!("{} is not zone-redundant, and {} has zones", sku.name, place.as_str())
        }))
    };
    let mut all = Vec::new();
    for (step, spec) in inquiry.gateways() {
        let verdict = judge(will_be(&inquiry.at(step), spec), &spec.location);
        all.extend(verdict.map(|verdict| about(&spec.id, verdict)));
    }
    let made: BTreeSet<&ResourceId> = inquiry.gateways().iter().map(|(_, spec)| &spec.id).collect();
    let used: BTreeSet<&ResourceId> =
        inquiry.connections().iter().map(|(_, spec)| &spec.gateway).collect();
    // What cannot be read of them, other rules say.
    for id in used.difference(&made) {
        let Some(body) = inquiry.facts.body(id) else { continue };
        let known = arm::GatewayView::of(body).sku().zip(region_at(body));
        let verdict = known.and_then(|(sku, place)| judge(sku, &place));
        all.extend(verdict.map(|verdict| about(id, verdict)));
    }
    all
}

/// Judges the address of each gateway to be, where it stands already.
fn address(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&Gateway, &Value) -> Option<FindingVerdict>,
) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.gateways() {
        all.extend(inquiry.at(step).each(&spec.public_ip, |_, body| judge(spec, body)));
    }
    all
}

fn many(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    let mut hubs: BTreeSet<ResourceId> = BTreeSet::new();
    for (_, spec) in inquiry.connections() {
        match (inquiry.vnet_of(&spec.gateway), inquiry.read(&spec.gateway)) {
            (Some(hub), _) => drop(hubs.insert(hub)),
            (None, Err(why)) => all.push(about(&spec.gateway, FindingVerdict::Unknown(why))),
            (None, Ok(_)) => {}
        }
    }
    // As the run leaves it.
    let end = inquiry.at_end();
    for hub in &hubs {
        all.extend(end.each([hub], |_, body| {
            let count = peerings_of(Some(body)).len();
            Some(unless(count > PEERINGS_OF_HUB, || format!("it would have {count} peerings")))
        }));
    }
    all
}

fn delete(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    let expressroute = inquiry.removals(RemovalKind::Gateway).into_iter();
    for (step, removed) in expressroute.chain(inquiry.removals(RemovalKind::VpnGateway)) {
        let then = inquiry.at(step);
        if then.facts.resource(&removed.id) == Fact::Absent {
            continue;
        }
        let left = then.links_of(&removed.id).into_iter().next();
        let hit = left.map(|(id, _)| format!("{} is connected to it", id.name()));
        all.push(about(&removed.id, found(hit, then.every_link())));
    }
    all
}
