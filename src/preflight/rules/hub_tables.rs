//! Is what the tables of a hub lead to there, and are the tables there that its connections follow and fill?

use std::collections::BTreeSet;

use crate::model::ResourceId;
use crate::model::action::HubAction;
use crate::model::hub::{DEFAULT_TABLE, NO_TABLE};
use crate::preflight::facts::Question;
use crate::preflight::inquiry::{Inquiry, about};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about the tables of hubs.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "HUB-TABLE-ENDS",
    severity: FindingSeverity::Block,
    fails_when: "A route of a hub's table leads to what is not there, or a connection follows or fills a table that \
                 is not there, and no step makes it.",
    reads: "the next hops of hub_routes.ensure; the tables under associated and propagated",
    why: "Azure refuses the reference, after the hub and its gateway were waited for.",
    fix: "Mend the name, or make it in a step of this runbook.",
    source: "virtual WAN, about virtual hub routing",
    judge: ends,
}];

/// The tables that connections name beside those that every hub has.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> BTreeSet<Question> {
    let named = named(inquiry).into_iter();
    named.map(|named| Question::Resource(named.id.clone())).collect()
}

/// What a step names, and as what.
struct Named<'a> {
    what: &'static str,
    of: &'a ResourceId,
    id: &'a ResourceId,
}

fn named<'a>(inquiry: &Inquiry<'a>) -> Vec<Named<'a>> {
    let mut all = Vec::new();
    for (_, action) in inquiry.hub_actions() {
        let (of, routing) = match action {
            HubAction::Routes(spec) => {
                let ends = spec.routes.iter().map(|route| &route.next_hop);
                all.extend(ends.map(|id| Named { what: "next hop", of: &spec.id, id }));
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
        all.extend(tables.filter(own).map(|id| Named { what: "table", of, id }));
    }
    all
}

fn ends(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let made: BTreeSet<&ResourceId> = inquiry.written().into_iter().map(|(_, id)| id).collect();
    let judge = |named: Named<'_>| {
        let verdict = match inquiry.read(named.id) {
            _ if made.contains(named.id) => FindingVerdict::Passed,
            Ok(Some(_)) => FindingVerdict::Passed,
            Ok(None) => {
                let Named { what, id, .. } = &named;
                FindingVerdict::Failed(format!("its {what} {} is not there", id.name()))
            }
            Err(why) => FindingVerdict::Unknown(why),
        };
        about(named.of, verdict)
    };
    named(inquiry).into_iter().map(judge).collect()
}
