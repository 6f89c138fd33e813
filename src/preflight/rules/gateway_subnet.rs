//! Is the subnet fit for a gateway?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::arm;
use crate::model::action::RemovalKind;
use crate::model::azure_limits::{GATEWAY_SUBNET_16_CIRCUITS, GATEWAY_SUBNET_NEW, gateway_sku};
use crate::model::{Action, ResourceId, Step, StepName};
use crate::preflight::facts::{Fact, Facts};
use crate::preflight::inquiry::{
    GATEWAY_SUBNET, Inquiry, ROUTE_SERVER_SUBNET, VNETS, about, gateway_subnet, id_at, list,
    overlap, own_gateway_subnet, route_server, subnet_named, subnet_prefix, text, unless,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about the subnets of gateways.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "GWS-SIZE",
        severity: FindingSeverity::Block,
        fails_when: "The GatewaySubnet of a new gateway is smaller than /27.",
        reads: "the subnet's prefix, as planned or as it is",
        why: "Azure refuses new gateways in smaller ones.",
        fix: "Choose /27 or larger.",
        source: "E-GWP (2024-12)",
        judge: |inquiry| size(inquiry, true),
    },
    Rule {
        id: "GWS-SIZE-OLD",
        severity: FindingSeverity::Warn,
        fails_when: "An existing gateway stands in a subnet smaller than /27.",
        reads: "the subnet's prefix",
        why: "It is tolerated, and leaves no room for what Azure adds.",
        fix: "Plan a larger subnet.",
        source: "E-GWP",
        judge: |inquiry| size(inquiry, false),
    },
    Rule {
        id: "GWS-NSG",
        severity: FindingSeverity::Block,
        fails_when: "A network security group is on the GatewaySubnet of a gateway that is to be.",
        reads: "subnet: networkSecurityGroup",
        why: "The gateway cannot be managed and stops working.",
        fix: "Take the group off the subnet.",
        source: "E-GW",
        judge: |inquiry| subnet(inquiry, |_, body| Some(guarded(body))),
    },
    Rule {
        id: "GWS-NSG-OLD",
        severity: FindingSeverity::Warn,
        fails_when: "A network security group is on the GatewaySubnet of a gateway that stands and that a step counts on.",
        reads: "subnet: networkSecurityGroup",
        why: "Azure does not support it: the gateway may stop working, or take no change.",
        fix: "Take the group off the subnet. Where the gateway carries well as it is, the run need not wait for that.",
        source: "E-GW",
        judge: standing_guarded,
    },
    Rule {
        id: "GWS-DELEGATED",
        severity: FindingSeverity::Block,
        fails_when: "The GatewaySubnet of a gateway that is to be made is delegated to a service.",
        reads: "subnet: delegations",
        why: "Azure refuses the gateway: a delegated subnet takes that service alone.",
        fix: "Take the delegation off the subnet; what the service has made in it goes first.",
        source: "N-SUBNET; that it is a gateway that is refused is not confirmed (?)",
        judge: |inquiry| {
            to_be(inquiry, |body| {
                let to = list(body, "/properties/delegations").first();
                let to = to.map(|own| text(own, "/properties/serviceName").unwrap_or("a service"));
                unless(to.is_some(), || format!("it is delegated to {}", to.unwrap_or_default()))
            })
        },
    },
    Rule {
        id: "GWS-NAT",
        severity: FindingSeverity::Block,
        fails_when: "The GatewaySubnet of a gateway that is to be made has a NAT gateway.",
        reads: "subnet: natGateway",
        why: "A NAT gateway cannot be in a gateway's subnet: Azure refuses one beside the other.",
        fix: "Take the NAT gateway off the subnet.",
        source: "N-NAT",
        judge: |inquiry| {
            to_be(inquiry, |body| {
                let nat = id_at(body, "/properties/natGateway/id");
                unless(nat.is_some(), || {
                    format!("{} is on it", nat.as_ref().map_or("", ResourceId::name))
                })
            })
        },
    },
    Rule {
        id: "GWS-UDR0",
        severity: FindingSeverity::Block,
        fails_when: "The GatewaySubnet's route table has, or is given, a route for 0.0.0.0/0.",
        reads: "subnet: routeTable; its routes",
        why: "Azure refuses to make the gateway, and does not support it under one that stands.",
        fix: "Take the route or the table off the subnet.",
        source: "E-GW",
        judge: |inquiry| {
            table(inquiry, |_, table, _| {
                let wide = routes(table).any(|(prefix, _)| prefix == "0.0.0.0/0");
                unless(wide, || "it has a route for 0.0.0.0/0".to_owned())
            })
        },
    },
    Rule {
        id: "GWS-UDR-OVERLAP",
        severity: FindingSeverity::Warn,
        fails_when: "A route of the GatewaySubnet's table overlaps the subnet itself.",
        reads: "subnet: routeTable; its routes",
        why: "The gateway's own traffic is sent away.",
        fix: "Make the route more specific, or take it out.",
        source: "E-GW",
        judge: |inquiry| {
            table(inquiry, |_, table, prefix| {
                let hit = routes(table).find(|(route, _)| {
                    route.parse().is_ok_and(|route: ipnet::IpNet| {
                        route.prefix_len() > 0 && overlap(&route, &prefix)
                    })
                });
                let route = hit.map(|(route, _)| route.to_owned());
                unless(route.is_some(), || format!("{} overlaps it", route.unwrap_or_default()))
            })
        },
    },
    Rule {
        id: "GWS-ROUTE-SERVER",
        severity: FindingSeverity::Warn,
        fails_when: "The GatewaySubnet's route table sends traffic to the network's Route Server elsewhere.",
        reads: "subnet: routeTable; its routes; the RouteServerSubnet, and what stands in it",
        why: "The sessions between the gateway and the Route Server go down: neither learns what the other knows.",
        fix: "Take the RouteServerSubnet out: a route of its own prefix in that table with the next hop virtual network.",
        source: "azure-docs 106695",
        judge: |inquiry| table(inquiry, |vnet, table, _| past_route_server(vnet, table)),
    },
    Rule {
        id: "GWS-PROPAGATION",
        severity: FindingSeverity::Block,
        fails_when: "The GatewaySubnet's route table switches gateway routes off, now or by a step.",
        reads: "routeTable: disableBgpRoutePropagation",
        why: "The gateway does not work with it.",
        fix: "Switch propagation on in that table.",
        source: "E-GW",
        judge: |inquiry| {
            table(inquiry, |_, table, _| {
                let off = arm::RouteTableView::of(table).keeps_gateway_routes_out();
                unless(off, || "it has disableBgpRoutePropagation".to_owned())
            })
        },
    },
    Rule {
        id: "GWS-SEP",
        severity: FindingSeverity::Warn,
        fails_when: "A service endpoint policy is on the GatewaySubnet.",
        reads: "subnet: serviceEndpointPolicies",
        why: "It is not supported there.",
        fix: "Take the policy off the subnet.",
        source: "I-124997",
        judge: |inquiry| {
            subnet(inquiry, |_, body| {
                let there = !list(body, "/properties/serviceEndpointPolicies").is_empty();
                Some(unless(there, || "a service endpoint policy is on it".to_owned()))
            })
        },
    },
    Rule {
        id: "GWS-TENANTS",
        severity: FindingSeverity::Warn,
        fails_when: "Something other than gateways is in the GatewaySubnet.",
        reads: "subnet: ipConfigurations",
        why: "Only gateways may be in it.",
        fix: "Move it to another subnet.",
        source: "E-GW",
        judge: |inquiry| {
            subnet(inquiry, |_, body| {
                let other = arm::SubnetView::of(body).users().iter().find_map(|item| {
                    text(item, "/id")
                        .filter(|id| !id.to_ascii_lowercase().contains("/virtualnetworkgateways/"))
                });
                Some(unless(other.is_some(), || format!("{} is in it", other.unwrap_or_default())))
            })
        },
    },
    Rule {
        id: "GWS-DELETE",
        severity: FindingSeverity::Block,
        fails_when: "A GatewaySubnet is removed in which a gateway still stands by then.",
        reads: "subnet: ipConfigurations, as the steps before leave them",
        why: "Azure refuses it (InUseSubnetCannotBeDeleted).",
        fix: "Where no step removes that gateway, it is not the runbook's: leave the subnet's removal out, so \
              that the subnet stays, and with it the gateway and its connections. Where a step removes it, \
              let this step need that one.",
        source: "A-ERR; VPN-COEX",
        judge: removed,
    },
];

/// Whether a gateway's table sends traffic to the subnet of a Route Server that stands anywhere but into the network. Of two
/// routes the longer one counts, and of two alike that of the table.
fn past_route_server(vnet: &Value, table: &Value) -> FindingVerdict {
    let Some(servers) = subnet_named(vnet, ROUTE_SERVER_SUBNET)
        .filter(|_| route_server(vnet).is_some())
        .and_then(subnet_prefix)
    else {
        return FindingVerdict::Passed;
    };
    let space = arm::VirtualNetworkView::of(vnet).space().into_iter();
    let own = space.filter(|net| net.contains(&servers)).map(|net| net.prefix_len()).max();
    let all = routes(table).filter_map(|(net, hop)| Some((net.parse::<ipnet::IpNet>().ok()?, hop)));
    let all: Vec<(ipnet::IpNet, &str)> = all.collect();
    // One within the subnet takes some of its addresses; of the others the longest counts.
    let within = all.iter().filter(|(net, _)| *net != servers && servers.contains(net));
    let around = all
        .iter()
        .filter(|(net, _)| net.contains(&servers) && Some(net.prefix_len()) >= own)
        .max_by_key(|(net, _)| net.prefix_len());
    let hit = within.chain(around).find(|(_, hop)| !hop.eq_ignore_ascii_case("VnetLocal"));
    unless(hit.is_some(), || {
        let net = hit.map(|(net, _)| net.to_string()).unwrap_or_default();
        format!("its route {net} takes what goes to {ROUTE_SERVER_SUBNET} ({servers}) elsewhere")
    })
}

/// Whether a security group is on a subnet.
fn guarded(subnet: &Value) -> FindingVerdict {
    let group = arm::SubnetView::of(subnet).security_group();
    unless(group.is_some(), || format!("{} is on it", group.as_ref().map_or("", ResourceId::name)))
}

/// The gateways that steps count on, and those that stand connected and behind which steps put networks.
fn counted_on<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, ResourceId)> {
    let joined = inquiry.joined().into_iter().map(|(own, _)| (own.step, own.way.gateway));
    inquiry.gateways_in_use().into_iter().chain(joined).collect()
}

/// Whether a security group is on the subnet of a gateway that no step makes or writes, and on which one counts.
fn standing_guarded(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let written: BTreeSet<&ResourceId> =
        inquiry.gateway_places().into_iter().map(|(_, _, place)| place).collect();
    let mut all = BTreeMap::new();
    for (step, gateway) in counted_on(inquiry) {
        let then = inquiry.at(step);
        let Some(place) = then.facts.body(&gateway).and_then(gateway_subnet) else { continue };
        if written.contains(&place) {
            continue;
        }
        let verdict = subnet_then(then.facts, &place, |own| Some(guarded(own)));
        all.extend(verdict.map(|verdict| (place, verdict)));
    }
    all.into_iter().map(|(place, verdict)| about(&place, verdict)).collect()
}

/// Who stands in a subnet that is to go. One that nobody here removes is named first: no order of steps helps.
fn removed(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, subnet) in inquiry.removals(RemovalKind::Subnet) {
        let then = inquiry.at(step);
        let Some(vnet) = subnet.id.parent() else { continue };
        if !is_gateway_subnet(&subnet.id) {
            continue;
        }
        let verdicts = then.each([&vnet], |_, body| {
            let left = then.gateways_in(body).into_iter();
            let mut left: Vec<_> = left.map(|id| (remover(inquiry, &id), id)).collect();
            left.sort_by_key(|(remover, _)| remover.is_some());
            left.first().map(|(remover, id)| {
                FindingVerdict::Failed(match remover {
                    None => format!("{} stands in it, and no step removes that", id.name()),
                    Some(late) => format!(
                        "{} stands in it; step `{late}` removes that, and does not come before this one",
                        id.name()
                    ),
                })
            })
        });
        all.extend(verdicts.into_iter().map(|judged| about(&subnet.id, judged.verdict)));
    }
    all
}

/// The step that removes a gateway.
fn remover<'i>(inquiry: &'i Inquiry<'_>, gateway: &ResourceId) -> Option<&'i StepName> {
    let both = [RemovalKind::Gateway, RemovalKind::VpnGateway];
    let mut all = both.into_iter().flat_map(|kind| inquiry.removals(kind));
    all.find(|(_, spec)| spec.id == *gateway).map(|(step, _)| &step.name)
}

/// The route table's routes: prefix and type of next hop.
fn routes(table: &Value) -> impl Iterator<Item = (&str, &str)> {
    let routes = arm::RouteTableView::of(table).routes();
    routes.filter_map(|route| Some((route.destination()?, route.hop_kind().unwrap_or_default())))
}

/// Judges the subnet of each gateway to be, as its step finds it.
fn subnet(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&Inquiry<'_>, &Value) -> Option<FindingVerdict>,
) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, _, place) in inquiry.gateway_places() {
        let then = inquiry.at(step);
        let verdict = subnet_then(then.facts, place, |own| judge(&then, own));
        all.extend(verdict.map(|verdict| about(place, verdict)));
    }
    all
}

/// Judges the subnet of each gateway that does not stand yet, as its step finds it.
fn to_be(inquiry: &Inquiry<'_>, judge: impl Fn(&Value) -> FindingVerdict) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, id, place) in inquiry.gateway_places() {
        let then = inquiry.at(step);
        if matches!(then.facts.resource(id), Fact::Known(_)) {
            continue;
        }
        let verdict = subnet_then(then.facts, place, |own| Some(judge(own)));
        all.extend(verdict.map(|verdict| about(place, verdict)));
    }
    all
}

/// Judges a GatewaySubnet as it is in these facts.
fn subnet_then(
    then: &Facts,
    place: &ResourceId,
    judge: impl Fn(&Value) -> Option<FindingVerdict>,
) -> Option<FindingVerdict> {
    match then.resource(&place.parent()?) {
        Fact::Known(body) => own_gateway_subnet(body).and_then(judge),
        Fact::Absent => None,
        Fact::Unknown(why) => Some(FindingVerdict::Unknown(why.to_owned())),
    }
}

/// Judges the route table of each gateway's subnet, with its network and its prefix: as the step finds it that makes the
/// gateway or counts on it, and as each step leaves it that gives the subnet a table or writes the one it has.
/// Each subnet is judged once, by the worst of these.
fn table(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&Value, &Value, ipnet::IpNet) -> FindingVerdict,
) -> Vec<Judged> {
    let mut all = Vec::new();
    for (place, moments) in moments(inquiry) {
        let mut worst = None;
        for then in moments {
            let verdict = table_then(then, &place, &judge);
            worst = match (worst, verdict) {
                (Some(failed @ FindingVerdict::Failed(_)), _) => Some(failed),
                (before, None | Some(FindingVerdict::Passed)) if before.is_some() => before,
                (_, verdict) => verdict,
            };
        }
        all.extend(worst.map(|verdict| about(&place, verdict)));
    }
    all
}

/// Judges the table that a subnet has in these facts.
fn table_then(
    then: &Facts,
    place: &ResourceId,
    judge: impl Fn(&Value, &Value, ipnet::IpNet) -> FindingVerdict,
) -> Option<FindingVerdict> {
    let body = match then.resource(&place.parent()?) {
        Fact::Known(body) => body,
        Fact::Absent => return None,
        Fact::Unknown(why) => return Some(FindingVerdict::Unknown(why.to_owned())),
    };
    let own = subnet_named(body, place.name())?;
    let table = arm::SubnetView::of(own).route_table()?;
    match then.resource(&table) {
        Fact::Known(table) => Some(judge(body, table, subnet_prefix(own)?)),
        Fact::Absent => None,
        Fact::Unknown(why) => Some(FindingVerdict::Unknown(why.to_owned())),
    }
}

/// The subnets in which gateways stand or are to stand, each with the facts that its table is judged by.
fn moments<'i>(inquiry: &'i Inquiry<'_>) -> BTreeMap<ResourceId, Vec<&'i Facts>> {
    let mut all: BTreeMap<ResourceId, Vec<&'i Facts>> = BTreeMap::new();
    for (step, _, place) in inquiry.gateway_places() {
        all.entry(place.clone()).or_default().push(inquiry.at(step).facts);
    }
    for (step, gateway) in counted_on(inquiry) {
        let then = inquiry.at(step).facts;
        if let Some(place) = then.body(&gateway).and_then(gateway_subnet) {
            all.entry(place).or_default().push(then);
        }
    }
    for (step, table) in tables_touched(inquiry) {
        // What comes beside it, the gateway too, is done at the end alone.
        for then in [inquiry.left_by(step), inquiry.at_end()] {
            for place in with_gateways(&then) {
                let vnet = place.parent().and_then(|vnet| then.facts.body(&vnet));
                let own = vnet.and_then(own_gateway_subnet);
                let has = own.and_then(|own| arm::SubnetView::of(own).route_table());
                if has.as_ref() == Some(&table) {
                    all.entry(place).or_default().push(then.facts);
                }
            }
        }
    }
    all
}

/// The tables that steps give to a GatewaySubnet, and those that they write and such a subnet has.
fn tables_touched<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, ResourceId)> {
    let given = inquiry.actions(|action| match action {
        Action::Association(spec) if is_gateway_subnet(&spec.subnet) => {
            Some(spec.route_table.clone())
        }
        _ => None,
    });
    let written = inquiry.actions(|action| match action {
        Action::RouteTable(spec) => Some(spec.id.clone()),
        Action::Route(spec) => spec.id.parent(),
        _ => None,
    });
    let mut theirs: BTreeSet<ResourceId> = given.iter().map(|(_, table)| table.clone()).collect();
    for (_, vnet) in inquiry.facts.bodies(VNETS) {
        let own = own_gateway_subnet(vnet);
        theirs.extend(own.and_then(|own| arm::SubnetView::of(own).route_table()));
    }
    given.into_iter().chain(written.into_iter().filter(|(_, id)| theirs.contains(id))).collect()
}

/// The subnets of the networks that were read in which a gateway stands.
fn with_gateways(then: &Inquiry<'_>) -> Vec<ResourceId> {
    let vnets = then.facts.bodies(VNETS);
    let standing = vnets.filter(|(_, body)| !then.gateways_in(body).is_empty());
    standing.filter_map(|(vnet, _)| vnet.child("subnets", GATEWAY_SUBNET).ok()).collect()
}

pub(super) fn is_gateway_subnet(subnet: &ResourceId) -> bool {
    subnet.name().eq_ignore_ascii_case(GATEWAY_SUBNET)
}

fn size(inquiry: &Inquiry<'_>, new: bool) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, id, place) in inquiry.gateway_places() {
        let then = inquiry.at(step);
        let (stands, vnet) = (then.read(id), place.parent().map(|id| then.read(&id)));
        let is_new = match (&stands, &vnet) {
            (Ok(stands), Some(Ok(_))) => stands.is_none(),
            // Which of the two rules it is about is not known either: one of them says so.
            (Err(why), _) | (_, Some(Err(why))) if new => {
                all.push(about(place, FindingVerdict::Unknown(why.clone())));
                continue;
            }
            _ => continue,
        };
        if is_new != new {
            continue;
        }
        let planned = inquiry.subnets().into_iter().find(|(_, subnet)| subnet.id == *place);
        let body = vnet.and_then(Result::ok).flatten();
        let there = body.and_then(own_gateway_subnet).and_then(subnet_prefix);
        let Some(prefix) =
            there.or(planned.and_then(|(_, subnet)| subnet.prefixes.first().copied()))
        else {
            continue;
        };
        let sku = inquiry.gateways().into_iter().find(|(_, spec)| spec.id == *id);
        let sku = sku.and_then(|(_, spec)| gateway_sku(&spec.sku));
        let wide = sku.is_some_and(|sku| sku.circuits >= 16) && !new;
        let longest = if wide { GATEWAY_SUBNET_16_CIRCUITS } else { GATEWAY_SUBNET_NEW };
        let small = prefix.max_prefix_len() == 32 && prefix.prefix_len() > longest;
        all.push(about(place, unless(small, || format!("it is {prefix}"))));
    }
    if !new {
        all.extend(size_of_connected(inquiry));
    }
    all
}

/// The subnets of gateways that stand and are to be connected, and that no step writes. What cannot be read, others say.
fn size_of_connected(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let connected: BTreeSet<&ResourceId> =
        inquiry.connections().into_iter().map(|(_, spec)| &spec.gateway).collect();
    let written = inquiry.gateway_places();
    let kept = connected.into_iter().filter(|id| written.iter().all(|(_, own, _)| own != id));
    let judged = kept.filter_map(|id| {
        let place = gateway_subnet(inquiry.facts.body(id)?)?;
        let own = own_gateway_subnet(inquiry.facts.body(&place.parent()?)?)?;
        let prefix = subnet_prefix(own)?;
        let small = prefix.max_prefix_len() == 32 && prefix.prefix_len() > GATEWAY_SUBNET_NEW;
        Some(about(&place, unless(small, || format!("it is {prefix}"))))
    });
    judged.collect()
}
