//! Is what the tables of a hub lead to there, and are the tables there that its connections follow and fill?

use std::collections::BTreeSet;

use serde_json::Value;

use crate::arm::kind::FIREWALLS;
use crate::arm::{firewall_address, has_failed};
use crate::model::action::{HubAction, HubVnet};
use crate::model::hub::{DEFAULT_TABLE, NO_TABLE, Routing};
use crate::model::{ResourceId, Step};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{Inquiry, about, id_at, list, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule, worst_of_each};

/// The rules about the tables of hubs.
pub(super) const RULES: &[Rule] = &[
    INTENT,
    Rule {
        id: "HUB-TABLE-ENDS",
        severity: FindingSeverity::Block,
        fails_when: "A route of a hub's table leads to what is not there, or a connection follows or fills a table that \
                 is not there, and no step makes it.",
        reads: "the next hops of hub_routes.ensure; the tables under associated and propagated",
        why: "Azure refuses the reference, after the hub and its gateway were waited for.",
        fix: "Mend the name, or make it in a step of this runbook.",
        source: "virtual WAN, about virtual hub routing",
        judge: ends,
    },
    Rule {
        id: "HUB-FIREWALL",
        severity: FindingSeverity::Block,
        fails_when: "A route of a hub's table leads to a firewall that is deallocated, has failed, or is in another hub.",
        reads: "the next hops of hub_routes.ensure; the firewall: virtualHub, hubIPAddresses, provisioningState",
        why: "Azure takes no such route, or drops what follows it.",
        fix: "Start the firewall in this hub, mend it, or write the hub's own into the route.",
        source: "azure-docs 101279; azurerm 10101",
        judge: firewalls,
    },
    Rule {
        id: "HUB-DEFAULT",
        severity: FindingSeverity::Warn,
        fails_when: "A network is newly connected to a hub that has a way for 0.0.0.0/0, and the runbook does not say whether \
                     the network takes it.",
        reads: "the hub's table that the network is to follow; routing intent of the hub; internet_security",
        why: "Azure's default is that it does not: its machines go past the firewall of the hub, or find no way out. The \
              portal's default is that it does.",
        fix: "Say `internet_security: true` or `false` of the connection.",
        source: "azurerm 12742, 27391",
        judge: default_route,
    },
];

const INTENT: Rule = Rule {
    id: "HUB-INTENT",
    severity: FindingSeverity::Block,
    fails_when: "A hub has routing intent, and it is given a table of its own, or a connection that follows or fills \
                 another one than the default table.",
    reads: "routingIntent of the hub; the tables of hub_routes.ensure, associated and propagated",
    why: "With routing intent Azure decides who follows which table, and refuses tables and associations of one's \
          own.",
    fix: "Leave the tables out and connect to the default table: routing intent sends the traffic to what it names. \
          Or remove the routing intent, if that is what you want.",
    source: "virtual WAN, how to configure routing intent and routing policies (prerequisites)",
    judge: intent,
};

/// The type of a hub's routing intent under it.
const INTENTS: &str = "routingIntent";

/// What a step asks of a hub's own routing that routing intent does not leave to anybody.
struct OwnRouting<'a> {
    of: &'a ResourceId,
    hub: ResourceId,
    what: String,
}

fn own_routing<'a>(inquiry: &Inquiry<'a>) -> Vec<OwnRouting<'a>> {
    let mut all = Vec::new();
    for (_, action) in inquiry.hub_actions() {
        let (of, table) = match action {
            HubAction::Routes(spec) => (&spec.id, Some(&spec.id)),
            HubAction::Vnet(spec) => (&spec.id, own_table(&spec.routing)),
            HubAction::Connection(spec) => (&spec.id, own_table(&spec.routing)),
            HubAction::Hub(_) | HubAction::Gateway(_) => continue,
        };
        if let Some((hub, table)) = table.and_then(|table| Some((table.parent()?, table))) {
            let what = format!("{} has routing intent, and {} is used", hub.name(), table.name());
            all.push(OwnRouting { of, hub, what });
        }
    }
    all
}

/// A table beside the default one that a connection follows or fills.
fn own_table(routing: &Routing) -> Option<&ResourceId> {
    let mut all = routing.associated.iter().chain(routing.propagated.iter().flatten());
    all.find(|id| !id.name().eq_ignore_ascii_case(DEFAULT_TABLE))
}

fn intent(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let judge = |own: OwnRouting<'_>| {
        let verdict = match inquiry.facts.children(&own.hub, INTENTS) {
            Ok(all) => unless(!all.is_empty(), || own.what.clone()),
            Err(why) => FindingVerdict::Unknown(why),
        };
        about(own.of, verdict)
    };
    own_routing(inquiry).into_iter().map(judge).collect()
}

/// The tables that connections name beside those that every hub has.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> BTreeSet<Question> {
    let intents = own_routing(inquiry).into_iter();
    let intents = intents.map(|own| Question::Children { parent: own.hub, kind: INTENTS });
    let named = named(inquiry).into_iter();
    let silent = silent(inquiry).into_iter().flat_map(|(_, _, hub, table)| {
        [Question::Resource(table), Question::Children { parent: hub, kind: INTENTS }]
    });
    named.map(|named| Question::Resource(named.id.clone())).chain(intents).chain(silent).collect()
}

/// The networks whose connections say nothing of a default route, each with its step, its hub and the table that it is to
/// follow.
fn silent<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, &'a HubVnet, ResourceId, ResourceId)> {
    let all = inquiry.hub_actions().into_iter().filter_map(|(step, action)| match action {
        HubAction::Vnet(spec) if spec.internet_security.is_none() => {
            let hub = spec.id.parent()?;
            let own = spec.routing.associated.clone();
            let table = own.or_else(|| hub.child("hubRouteTables", DEFAULT_TABLE).ok())?;
            Some((step, spec, hub, table))
        }
        _ => None,
    });
    all.collect()
}

/// Judges connections that are to be made: one that stands keeps what it has.
fn default_route(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec, hub, table) in silent(inquiry) {
        let then = inquiry.at(step);
        if !matches!(then.facts.resource(&spec.id), Fact::Absent) {
            continue;
        }
        let wide = then.facts.body(&table).is_some_and(|body| {
            let routes = list(body, "/properties/routes").iter();
            let mut ends = routes.flat_map(|route| list(route, "/destinations"));
            ends.any(|end| end.as_str() == Some("0.0.0.0/0"))
        });
        let intents = then.facts.children(&hub, INTENTS).unwrap_or_default();
        let meant = intents.iter().flat_map(|own| list(own, "/properties/routingPolicies"));
        let mut meant = meant.flat_map(|policy| list(policy, "/destinations"));
        let hit = if wide {
            Some(format!("{} has a route for 0.0.0.0/0", table.name()))
        } else {
            let internet = meant.any(|end| end.as_str() == Some("Internet"));
            internet
                .then(|| format!("routing intent of {} has a policy for the Internet", hub.name()))
        };
        all.push(about(&spec.id, hit.map_or(FindingVerdict::Passed, FindingVerdict::Failed)));
    }
    all
}

/// What a step names, and as what.
struct HubReference<'a> {
    what: &'static str,
    of: &'a ResourceId,
    id: &'a ResourceId,
}

fn named<'a>(inquiry: &Inquiry<'a>) -> Vec<HubReference<'a>> {
    let mut all = Vec::new();
    for (_, action) in inquiry.hub_actions() {
        let (of, routing) = match action {
            HubAction::Routes(spec) => {
                let ends = spec.routes.iter().map(|route| &route.next_hop);
                all.extend(ends.map(|id| HubReference { what: "next hop", of: &spec.id, id }));
                continue;
            }
            HubAction::Vnet(spec) => (&spec.id, &spec.routing),
            HubAction::Connection(spec) => (&spec.id, &spec.routing),
            HubAction::Hub(_) | HubAction::Gateway(_) => continue,
        };
        let tables = routing.associated.iter().chain(routing.propagated.iter().flatten());
        let own = |id: &&ResourceId| {
            [DEFAULT_TABLE, NO_TABLE].iter().all(|name| !id.name().eq_ignore_ascii_case(name))
        };
        all.extend(tables.filter(own).map(|id| HubReference { what: "table", of, id }));
    }
    all
}

/// Why a firewall takes nothing that a table of this hub leads to it.
fn unfit(firewall: &Value, hub: Option<&ResourceId>) -> Option<String> {
    match id_at(firewall, "/properties/virtualHub/id") {
        Some(other) if Some(&other) != hub => Some(format!("is in {}", other.name())),
        None if firewall_address(firewall).is_none() => {
            Some("is in no hub and has no address: it is deallocated".to_owned())
        }
        Some(_) | None => has_failed(firewall).then(|| "is in state Failed".to_owned()),
    }
}

fn firewalls(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let all = named(inquiry).into_iter().filter(|own| own.id.is_a(FIREWALLS));
    let judged = all.filter_map(|own| {
        // What is not there, or not to be read, is told of it as a route's end.
        let body = inquiry.read(own.id).ok().flatten()?;
        let why = unfit(body, own.of.parent().as_ref());
        let verdict = why.map_or(FindingVerdict::Passed, |why| {
            FindingVerdict::Failed(format!("its next hop {} {why}", own.id.name()))
        });
        Some(about(own.of, verdict))
    });
    worst_of_each(judged.collect())
}

fn ends(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let made: BTreeSet<&ResourceId> = inquiry.written().into_iter().map(|(_, id)| id).collect();
    let judge = |named: HubReference<'_>| {
        let verdict = match inquiry.read(named.id) {
            _ if made.contains(named.id) => FindingVerdict::Passed,
            Ok(Some(_)) => FindingVerdict::Passed,
            Ok(None) => {
                let HubReference { what, id, .. } = &named;
                FindingVerdict::Failed(format!("its {what} {} is not there", id.name()))
            }
            Err(why) => FindingVerdict::Unknown(why),
        };
        about(named.of, verdict)
    };
    named(inquiry).into_iter().map(judge).collect()
}
