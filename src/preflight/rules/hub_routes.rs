//! Do the static routes of a hub's table lead where they may, and past nobody?

use ipnet::IpNet;

use super::hubs::{REMOTE, connected, vnets};
use crate::arm::kind::{FIREWALLS, HUB_VNETS};
use crate::model::action::{HubAction, HubRoutes};
use crate::model::hub::{DEFAULT_TABLE, HubRoute};
use crate::model::{ResourceId, Step};
use crate::preflight::inquiry::{Inquiry, about, id_at, known, text};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about static routes of hubs.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "HUB-ROUTE-HOP",
        severity: FindingSeverity::Block,
        fails_when: "A static route of a hub's table leads to a connection of another hub.",
        reads: "the next hops of hub_routes.ensure",
        why: "A route of a table leads to a connection of its own hub, or to a firewall. What Azure answers is not recorded.",
        fix: "Write the connection of this hub; what is behind another hub is learned from it, or is routed there.",
        source: "virtual WAN, about virtual hub routing (static routes)",
        judge: hops,
    },
    Rule {
        id: "HUB-ROUTE-OVER",
        severity: FindingSeverity::Warn,
        fails_when: "A static route of a hub's table that a connection follows takes addresses of a network that is connected to the hub, or of the \
                     hub itself, to another network.",
        reads: "the routes of hub_routes.ensure; address spaces of the hub and of its networks, as the steps before leave \
                them",
        why: "The longest prefix wins, and of equal ones the static route: who follows the table does not reach that \
              network any more, but by the other one.",
        fix: "Take the prefix out of the route, or write a shorter one; leave it if the other network inspects the traffic.",
        source: "virtual WAN, about virtual hub routing preference",
        judge: over,
    },
];

fn tables<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, &'a HubRoutes)> {
    let all = inquiry.hub_actions().into_iter();
    let all = all.filter_map(|(step, action)| match action {
        HubAction::Routes(spec) => Some((step, spec)),
        HubAction::Hub(_)
        | HubAction::Gateway(_)
        | HubAction::Connection(_)
        | HubAction::Vnet(_) => None,
    });
    all.collect()
}

/// The route, among those of a table.
fn named(table: &HubRoutes, route: &HubRoute, verdict: FindingVerdict) -> Judged {
    let about = format!("{}/{}", table.id.name(), route.name);
    Judged { id: Some(table.id.clone()), ..Judged::of(about, verdict) }
}

fn hops(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (_, table) in tables(inquiry) {
        for route in table.routes.iter().filter(|route| route.next_hop.is_a(HUB_VNETS)) {
            let hub = route.next_hop.parent();
            let verdict = match hub.filter(|hub| Some(hub) != table.id.parent().as_ref()) {
                None => FindingVerdict::Passed,
                Some(other) => FindingVerdict::Failed(format!(
                    "its next hop {} is a connection of {}",
                    route.next_hop.name(),
                    other.name()
                )),
            };
            judged.push(named(table, route, verdict));
        }
    }
    judged
}

fn over(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (step, table) in tables(inquiry) {
        let then = inquiry.at(step);
        let Some(hub) = table.id.parent().filter(|hub| is_followed(inquiry, hub, &table.id)) else {
            continue;
        };
        let spaces = match spaces(&then, &hub) {
            Ok(spaces) => spaces,
            Err(why) => {
                judged.push(about(&table.id, known(Err(why))));
                continue;
            }
        };
        // A firewall in the hub is there to look at what passes.
        let routes = table.routes.iter().filter(|route| !route.next_hop.is_a(FIREWALLS));
        for route in routes {
            let own = then.facts.body(&route.next_hop).and_then(|body| id_at(body, REMOTE));
            let others = spaces.iter().filter(|(id, _)| Some(id) != own.as_ref());
            let hit = others.flat_map(|(id, nets)| nets.iter().map(move |net| (id, net))).find_map(
                |(id, net)| {
                    let prefix = route.prefixes.iter().find(|prefix| net.contains(*prefix))?;
                    Some(format!("{prefix} is of {}", id.name()))
                },
            );
            let verdict = hit.map_or(FindingVerdict::Passed, FindingVerdict::Failed);
            judged.push(named(table, route, verdict));
        }
    }
    judged
}

/// Whether a network's connection follows a table, or is to: the default one is followed by what leads to on-premises, too.
fn is_followed(inquiry: &Inquiry<'_>, hub: &ResourceId, table: &ResourceId) -> bool {
    let stand = connected(inquiry, hub);
    let planned = vnets(inquiry).into_iter();
    let mut planned = planned.filter_map(|(_, spec)| spec.routing.associated.as_ref());
    table.name().eq_ignore_ascii_case(DEFAULT_TABLE)
        || planned.any(|own| own == table)
        // What cannot be read may follow it.
        || stand.map_or(true, |stand| {
            stand.into_iter().any(|own| id_at(own, ASSOCIATED).as_ref() == Some(table))
        })
}

const ASSOCIATED: &str = "/properties/routingConfiguration/associatedRouteTable/id";

/// The addresses of a hub and of the networks that are connected to it.
fn spaces(
    inquiry: &Inquiry<'_>,
    hub: &ResourceId,
) -> Result<Vec<(ResourceId, Vec<IpNet>)>, String> {
    let mut all = Vec::new();
    let Some(body) = inquiry.read(hub)? else { return Ok(all) };
    let own = text(body, "/properties/addressPrefix").and_then(|net| net.parse().ok());
    all.push((hub.clone(), own.into_iter().collect()));
    let planned = inquiry.hub_actions().into_iter().filter_map(|(step, action)| match action {
        HubAction::Vnet(spec)
            if inquiry.is_done(step) && spec.id.parent().as_ref() == Some(hub) =>
        {
            Some(spec.vnet.clone())
        }
        _ => None,
    });
    let stand = connected(inquiry, hub)?.into_iter().filter_map(|own| id_at(own, REMOTE));
    for vnet in stand.chain(planned) {
        inquiry.read(&vnet)?;
        all.push((vnet.clone(), inquiry.space(&vnet).unwrap_or_default()));
    }
    Ok(all)
}
