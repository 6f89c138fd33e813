//! Is what the tables of a hub lead to there, and are the tables there that its connections follow and fill?

use std::collections::BTreeSet;

use crate::model::ResourceId;
use crate::model::action::HubAction;
use crate::model::hub::{DEFAULT_TABLE, NO_TABLE, Routing};
use crate::preflight::facts::Question;
use crate::preflight::inquiry::{Inquiry, about, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

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
    named.map(|named| Question::Resource(named.id.clone())).chain(intents).collect()
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
