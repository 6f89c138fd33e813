//! Will the hubs of a virtual WAN take what the run connects, and tell on-premises of it?

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::Value;

use super::hub_kept::{self, HubRouters};
use crate::arm;
use crate::model::action::{HubAction, HubVnet, RemovalKind};
use crate::model::hub::{DEFAULT_TABLE, HUB_TABLES, UNIT_MBPS};
use crate::model::{ResourceId, Step};
use crate::preflight::carried::Carried;
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{
    Inquiry, about, id_at, is, known, list, overlap, prefixes, text, unless,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

const VNET_CONNECTIONS: &str = "hubVirtualNetworkConnections";

/// The rules about virtual WANs.
pub(in crate::preflight) const RULES: &[Rule] = &[
    Rule {
        id: "HUB-WAN",
        severity: FindingSeverity::Block,
        fails_when: "The virtual WAN of a hub is not there, or is of the type Basic.",
        reads: "the virtual WAN: properties.type",
        why: "A Basic WAN has no ExpressRoute, and a hub without a WAN cannot be made.",
        fix: "Correct the id; or upgrade the WAN to Standard, which takes minutes and is not taken back.",
        source: "virtual WAN FAQ",
        judge: wan,
    },
    Rule {
        id: "HUB-THERE",
        severity: FindingSeverity::Block,
        fails_when: "A hub that a step writes into is not there by then, or its routers have failed or never came up; \
                     or a hub that stands has another SKU, virtual WAN or address prefix than the runbook wants.",
        reads: "the hub: routingState, sku, virtualWan, addressPrefix; as the steps before leave it",
        why: "Nothing can be connected to a hub that does not route, a Basic hub carries no ExpressRoute, and what a \
              hub was made with is not changed.",
        fix: "Let the step need the `virtual_hub.ensure` of the hub, or reset the hub's router first; upgrade a Basic \
              hub with its WAN; write the WAN and the prefix that it has into the runbook.",
        source: "azure-cli recording (routingState); azure-docs PR 127409",
        judge: there,
    },
    Rule {
        id: "HUB-ONE-GW",
        severity: FindingSeverity::Block,
        fails_when: "The hub has another ExpressRoute gateway than the one that is to be.",
        reads: "the hub: expressRouteGateway",
        why: "A hub has one.",
        fix: "Write the name of the gateway that it has.",
        source: "virtual WAN FAQ",
        judge: one_gateway,
    },
    Rule {
        id: "HUB-UNITS",
        severity: FindingSeverity::Warn,
        fails_when: "The fewest units of a hub's gateway carry less than its circuit.",
        reads: "units, as planned; circuit: bandwidthInMbps",
        why: "A unit carries 2 Gbit/s; more come up minutes after the traffic does.",
        fix: "Raise `units.min`, if the circuit is filled.",
        source: "virtual WAN FAQ",
        judge: units,
    },
    Rule {
        id: "HUB-ADDR",
        severity: FindingSeverity::Block,
        fails_when: "A network that is to be connected, or a hub that is to be made, has addresses that \
                     another network or hub of the WAN has by then, or is to have at the same time.",
        reads: "hubs of the WAN and the networks connected to them: address spaces",
        why: "A virtual WAN takes no addresses twice, in whatever hub.",
        fix: "Give the recovery networks addresses of their own; or let the other network leave first.",
        source: "virtual WAN FAQ",
        judge: addresses,
    },
    Rule {
        id: "HUB-TOLD",
        severity: FindingSeverity::Warn,
        fails_when: "A network does not propagate into the default table of its hub.",
        reads: "propagated and labels, as planned",
        why: "Circuits follow the default table: on-premises never hears of the network.",
        fix: "Add `defaultRouteTable` to `propagated`, or the label `default`.",
        source: "virtual WAN, about virtual hub routing",
        judge: told,
    },
    Rule {
        id: "HUB-WAY-BACK",
        severity: FindingSeverity::Warn,
        fails_when: "The table that a network follows learns nothing of any circuit.",
        reads: "associated, propagated and labels, as planned and as they stand",
        why: "Packets of on-premises arrive, and the answers have no route.",
        fix: "Let the circuit's connection propagate into that table, by its name or one of its labels.",
        source: "virtual WAN, about virtual hub routing",
        judge: way_back,
    },
    Rule {
        id: "HUB-IN-USE",
        severity: FindingSeverity::Block,
        fails_when: "A hub's gateway or a hub is removed while something is connected or stands in it that no step \
                     before removes.",
        reads: "gateway: expressRouteConnections; hub: its gateways, firewall and networks",
        why: "Azure refuses it.",
        fix: "Remove what is connected in steps that this one needs.",
        source: "azurerm (CannotDeleteVirtualHubWhenItIsInUse)",
        judge: in_use,
    },
];

/// What must be read beside what the steps name: the WAN's other hubs, and the networks of each.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> BTreeSet<Question> {
    let mut asked = BTreeSet::new();
    // Those that a circuit of ours leads to are looked at as well: their addresses must not meet ours.
    let carried = inquiry.carried();
    let circuits: BTreeSet<&ResourceId> = carried.iter().filter_map(Carried::circuit).collect();
    let on_circuits = circuits.into_iter().flat_map(|circuit| inquiry.hub_links_to(circuit));
    let on_circuits = on_circuits.filter_map(|link| link.hub());
    for hub in hubs(inquiry).into_iter().chain(on_circuits) {
        asked.insert(Question::Resource(hub.clone()));
        let wan = inquiry.wan_of(&hub);
        for hub in wan.iter().flat_map(|wan| hubs_of(inquiry, wan)).chain([hub]) {
            asked.insert(Question::Resource(hub.clone()));
            for connection in connected(inquiry, &hub).unwrap_or_default() {
                asked.extend(id_at(connection, REMOTE).map(Question::Resource));
            }
            asked.insert(Question::Children { parent: hub, kind: VNET_CONNECTIONS });
        }
        asked.extend(wan.map(Question::Resource));
    }
    asked
}

pub(super) const REMOTE: &str = "/properties/remoteVirtualNetwork/id";

/// The hubs that steps are about.
fn hubs(inquiry: &Inquiry<'_>) -> BTreeSet<ResourceId> {
    let planned = inquiry.hub_actions().into_iter().filter_map(|(_, action)| match action {
        HubAction::Hub(spec) => Some(spec.id.clone()),
        HubAction::Gateway(spec) => Some(spec.hub.clone()),
        HubAction::Vnet(spec) => spec.id.parent(),
        HubAction::Routes(spec) => spec.id.parent(),
        HubAction::Connection(_) => None,
    });
    let removed = inquiry.removals(RemovalKind::VirtualHub);
    planned.chain(removed.into_iter().map(|(_, spec)| spec.id.clone())).collect()
}

pub(super) fn hubs_of(inquiry: &Inquiry<'_>, wan: &ResourceId) -> Vec<ResourceId> {
    let own = inquiry.facts.body(wan).map_or(&[][..], |body| list(body, "/properties/virtualHubs"));
    own.iter().filter_map(|hub| id_at(hub, "/id")).collect()
}

/// The networks that are connected to a hub.
pub(super) fn connected<'i>(
    inquiry: &Inquiry<'i>,
    hub: &ResourceId,
) -> Result<Vec<&'i Value>, String> {
    inquiry
        .facts
        .children(hub, VNET_CONNECTIONS)
        .map_err(|why| format!("what is connected to {} cannot be read: {why}", hub.name()))
}

fn wan(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let wans: BTreeSet<ResourceId> =
        hubs(inquiry).iter().filter_map(|hub| inquiry.wan_of(hub)).collect();
    wans.iter()
        .map(|wan| {
            let verdict = match inquiry.facts.resource(wan) {
                Fact::Known(body) => unless(is(body, "/properties/type", "Basic"), || {
                    "it is of the type Basic".to_owned()
                }),
                Fact::Absent => FindingVerdict::Failed("it is not there".to_owned()),
                Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
            };
            about(wan, verdict)
        })
        .collect()
}

fn there(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, action) in inquiry.hub_actions() {
        let hub = match action {
            HubAction::Gateway(spec) => Some(spec.hub.clone()),
            HubAction::Vnet(spec) => spec.id.parent(),
            HubAction::Routes(spec) => spec.id.parent(),
            HubAction::Hub(spec) => {
                all.extend(hub_kept::judge(&inquiry.at(step), spec));
                None
            }
            HubAction::Connection(_) => None,
        };
        let Some(hub) = hub else { continue };
        let then = inquiry.at(step);
        let verdict = then.read(&hub).map(|body| match body {
            None => FindingVerdict::Failed(format!("{} is not there by then", hub.name())),
            Some(body) if matches!(action, HubAction::Gateway(_)) && hub_kept::is_basic(body) => {
                FindingVerdict::Failed(format!("{} is Basic", hub.name()))
            }
            Some(body) => match hub_kept::routers(body) {
                HubRouters::Lost => {
                    FindingVerdict::Failed(format!("{} has no routers", hub.name()))
                }
                HubRouters::Failed => {
                    FindingVerdict::Failed(format!("the routers of {} have failed", hub.name()))
                }
                HubRouters::Well => FindingVerdict::Passed,
            },
        });
        all.push(about(action.subject(), known(verdict)));
    }
    all
}

fn one_gateway(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, action) in inquiry.hub_actions() {
        let HubAction::Gateway(spec) = action else { continue };
        let verdict = inquiry.read(&spec.hub).map(|body| {
            let has = body.and_then(|body| id_at(body, "/properties/expressRouteGateway/id"));
            let other = has.filter(|has| *has != spec.id && !inquiry.removed_before(has, step));
            match other {
                Some(other) => FindingVerdict::Failed(format!("it has {}", other.name())),
                None => FindingVerdict::Passed,
            }
        });
        all.push(about(&spec.hub, known(verdict)));
    }
    all
}

fn units(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec) in inquiry.hub_connections() {
        let planned = inquiry.hub_actions().into_iter().find_map(|(_, action)| match action {
            HubAction::Gateway(own) if own.id == spec.gateway() => Some(own.units.min),
            _ => None,
        });
        let Some(least) = planned else { continue };
        let mbps = u64::from(least) * UNIT_MBPS;
        all.extend(inquiry.each([&spec.circuit], |_, body| {
            let wide = arm::CircuitView::of(body).mbps()?;
            Some(unless(wide > mbps, || {
                format!("it has {wide} Mbit/s, and {least} units carry {mbps}")
            }))
        }));
    }
    all
}

/// The addresses of a WAN by then, each with whose they are; those of `except` left out.
fn taken(
    inquiry: &Inquiry<'_>,
    step: &Step,
    wan: &ResourceId,
    except: &[&ResourceId],
) -> Result<Vec<(ResourceId, IpNet)>, String> {
    // Of two that have no order each may come second.
    let then = inquiry.at_most(step);
    let mut all = Vec::new();
    let planned = inquiry.hub_actions().into_iter();
    let planned = planned.filter(|(other, _)| then.is_done(other));
    let mut members: Vec<ResourceId> = Vec::new();
    for (_, action) in planned {
        match action {
            HubAction::Hub(spec) if spec.wan == *wan && !except.contains(&&spec.id) => {
                all.push((spec.id.clone(), spec.prefix));
            }
            HubAction::Vnet(spec)
                if spec.id.parent().and_then(|hub| inquiry.wan_of(&hub)).as_ref() == Some(wan) =>
            {
                members.push(spec.vnet.clone());
            }
            _ => {}
        }
    }
    for hub in hubs_of(inquiry, wan) {
        let body = inquiry.read(&hub)?;
        let net = body.and_then(|body| text(body, "/properties/addressPrefix")?.parse().ok());
        all.extend(net.filter(|_| !except.contains(&&hub)).map(|net| (hub.clone(), net)));
        for connection in connected(inquiry, &hub)? {
            let leaves = id_at(connection, "/id")
                .is_some_and(|id| inquiry.removed_before(&id, step) || except.contains(&&id));
            members.extend(id_at(connection, REMOTE).filter(|_| !leaves));
        }
    }
    for vnet in members.into_iter().filter(|vnet| !except.contains(&vnet)) {
        let body = inquiry.read(&vnet)?;
        let nets = body.map(|body| prefixes(body, "/properties/addressSpace/addressPrefixes"));
        all.extend(nets.into_iter().flatten().map(|net| (vnet.clone(), net)));
    }
    Ok(all)
}

fn addresses(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, action) in inquiry.hub_actions() {
        let (hub, subject, own) = match action {
            HubAction::Hub(spec) if inquiry.facts.body(&spec.id).is_none() => {
                (spec.id.clone(), &spec.id, Ok(vec![spec.prefix]))
            }
            HubAction::Vnet(spec) => {
                let Some(hub) = spec.id.parent() else { continue };
                let space = inquiry.read(&spec.vnet).map(|body| {
                    let space = "/properties/addressSpace/addressPrefixes";
                    body.map(|body| prefixes(body, space)).unwrap_or_default()
                });
                (hub, &spec.vnet, space)
            }
            _ => continue,
        };
        let Some(wan) = inquiry.wan_of(&hub) else { continue };
        let except = [subject, action.subject()];
        let verdict = own.and_then(|own| {
            let taken = taken(inquiry, step, &wan, &except)?;
            let clash = taken.iter().find(|(_, net)| own.iter().any(|own| overlap(own, net)));
            Ok(match clash {
                Some((other, net)) => {
                    FindingVerdict::Failed(format!("{} has {net} by then", other.name()))
                }
                None => FindingVerdict::Passed,
            })
        });
        all.push(about(subject, known(verdict)));
    }
    all
}

/// The networks that are to be connected.
pub(super) fn vnets<'i>(inquiry: &Inquiry<'i>) -> Vec<(&'i Step, &'i HubVnet)> {
    let all = inquiry.hub_actions().into_iter();
    all.filter_map(|(step, action)| match action {
        HubAction::Vnet(spec) => Some((step, spec)),
        _ => None,
    })
    .collect()
}

/// The labels that a table is to have, or has.
fn labels(inquiry: &Inquiry<'_>, table: &ResourceId) -> Vec<String> {
    let planned = inquiry.hub_actions().into_iter().find_map(|(_, action)| match action {
        HubAction::Routes(spec) if spec.id == *table => spec.labels.clone(),
        _ => None,
    });
    planned.unwrap_or_else(|| {
        let stands = inquiry.facts.body(table);
        let own = stands.map_or(&[][..], |body| list(body, "/properties/labels"));
        let mut own: Vec<String> =
            own.iter().filter_map(|label| label.as_str().map(str::to_owned)).collect();
        if table.name().eq_ignore_ascii_case(DEFAULT_TABLE) {
            own.push("default".to_owned());
        }
        own
    })
}

/// Whether a connection is to fill a table; what nobody says fills the default one.
fn fills(
    inquiry: &Inquiry<'_>,
    routing: &crate::model::action::Routing,
    table: &ResourceId,
) -> bool {
    let silent = routing.propagated.is_none() && routing.labels.is_none();
    let by_id = routing.propagated.iter().flatten().any(|own| own == table);
    let own = labels(inquiry, table);
    let by_label = routing
        .labels
        .iter()
        .flatten()
        .any(|label| own.iter().any(|own| own.eq_ignore_ascii_case(label)));
    by_id || by_label || (silent && table.name().eq_ignore_ascii_case(DEFAULT_TABLE))
}

fn told(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec) in vnets(inquiry) {
        // Of one that stands, what nobody says is as it is.
        let silent = spec.routing.propagated.is_none() && spec.routing.labels.is_none();
        let Some(hub) = spec.id.parent().filter(|_| !silent) else { continue };
        let Ok(table) = hub.child(HUB_TABLES, DEFAULT_TABLE) else { continue };
        let hidden = !fills(inquiry, &spec.routing, &table);
        all.push(about(
            &spec.vnet,
            unless(hidden, || format!("the default table of {} does not learn it", hub.name())),
        ));
    }
    all
}

fn way_back(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    // Without a planned connection, what stands decides, and nobody reads all of it here.
    let connections = inquiry.hub_connections();
    for (_, spec) in vnets(inquiry) {
        let Some(table) = spec.routing.associated.as_ref().filter(|_| !connections.is_empty())
        else {
            continue;
        };
        let learns = connections.iter().any(|(_, own)| fills(inquiry, &own.routing, table));
        all.push(about(
            &spec.vnet,
            unless(!learns, || format!("{} learns nothing of a circuit", table.name())),
        ));
    }
    all
}

fn in_use(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.removals(RemovalKind::HubGateway) {
        all.extend(inquiry.each([&spec.id], |_, body| {
            let own = list(body, "/properties/expressRouteConnections").iter();
            let left = own
                .filter_map(|own| id_at(own, "/id"))
                .find(|own| !inquiry.removed_before(own, step));
            Some(match left {
                Some(left) => FindingVerdict::Failed(format!("{} is connected", left.name())),
                None => FindingVerdict::Passed,
            })
        }));
    }
    for (step, spec) in inquiry.removals(RemovalKind::VirtualHub) {
        let verdict = inquiry.read(&spec.id).and_then(|body| {
            let keys = ["expressRouteGateway"].into_iter().chain(arm::HUB_HOLDS);
            let holds = body.into_iter().flat_map(|body| {
                keys.clone().filter_map(|key| id_at(body, &format!("/properties/{key}/id")))
            });
            let holds: Vec<ResourceId> = holds.collect();
            let networks = match body {
                Some(_) => connected(inquiry, &spec.id)?,
                None => Vec::new(),
            };
            let networks = networks.into_iter().filter_map(|own| id_at(own, "/id"));
            let left =
                holds.into_iter().chain(networks).find(|id| !inquiry.removed_before(id, step));
            Ok(match left {
                Some(left) => FindingVerdict::Failed(format!("{} is there by then", left.name())),
                None => FindingVerdict::Passed,
            })
        });
        all.push(about(&spec.id, known(verdict)));
    }
    all
}
