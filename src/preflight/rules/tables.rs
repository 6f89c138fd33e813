//! What do the routes that are written take away, and do their next hops have an address?

use serde_json::Value;

use super::limits;
use crate::arm;
use crate::model::action::{Destination, NextHop, RemovalKind};
use crate::model::azure_limits::{ROUTES_PER_TABLE, ROUTES_PER_TABLE_USAGE};
use crate::model::{Action, ResourceId, Step};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{Inquiry, about, is, region_at, text, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about tables and routes as they are written.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "UDR-FOREIGN",
        severity: FindingSeverity::Warn,
        fails_when: "A route table that the runbook writes has routes that the runbook does not name.",
        reads: "route table: routes",
        why: "`route_table.ensure` means exactly its routes: the others are removed, whoever made them. AKS \
              and other services keep their own routes in such tables.",
        fix: "Ensure single routes (route.ensure), or name the others as well.",
        source: "terraform-provider-azurerm 6061",
        judge: foreign,
    },
    Rule {
        id: "UDR-TWICE",
        severity: FindingSeverity::Block,
        fails_when: "A step writes a route to a table in which another route leads to the same prefix by then.",
        reads: "route table: routes, as the steps before leave them",
        why: "Azure takes one route to a prefix in a table, whatever its name (RouteConflict).",
        fix: "Take the name of the route that stands into the runbook, or remove that one in a step that \
              this one needs (route.absent).",
        source: "cloud-provider-azure 657",
        judge: twice,
    },
    Rule {
        id: "UDR-REPLACES",
        severity: FindingSeverity::Warn,
        fails_when: "A subnet that is to use a route table uses another one.",
        reads: "subnet: routeTable",
        why: "A subnet uses one table: the other's routes are without effect there from then on. An undo gives \
              it back; a failback that takes the runbook's table off leaves the subnet without any.",
        fix: "Write the runbook's routes into the table that the subnet uses (route.ensure), or have the failback \
              associate that table again.",
        source: "terraform-provider-azurerm 6061",
        judge: replaces,
    },
    Rule {
        id: "UDR-IN-USE",
        severity: FindingSeverity::Block,
        fails_when: "A route table that the runbook removes is used by a subnet that no step before takes it from.",
        reads: "route table: subnets",
        why: "Azure removes no table that a subnet uses (InUseRouteTableCannotBeDeleted): the step fails, late in \
              the run.",
        fix: "Take the table off that subnet before (route_table.dissociate, or another table), or leave its \
              removal out.",
        source: "docs/wire.md 3 (of subnets that are used)",
        judge: in_use,
    },
    Rule {
        id: "UDR-MANY",
        severity: FindingSeverity::Block,
        fails_when: "A route table that the runbook writes would have more routes than a table may.",
        reads: "routes, as planned; route table: routes; usages of Microsoft.Network in the region: \
                RoutesPerRouteTable",
        why: "Azure refuses the write: 1,000 routes in a table, and fewer where a subscription is told so.",
        fix: "Summarise prefixes, name service tags, or ask for a larger figure.",
        source: "Azure updates 562695; azure-docs PR 128759",
        judge: many,
    },
    Rule {
        id: "UDR-FIREWALL",
        severity: FindingSeverity::Block,
        fails_when: "A route is to lead to an Azure Firewall that is not there, has no private address, has failed, or stands \
                     in the source region.",
        reads: "firewall: ipConfigurations, hubIPAddresses, provisioningState, location; the runbook's source_region",
        why: "The address is read when the route is written, and there is none to write; or one that leads to nobody: where \
              addresses are kept, that of the lost region's firewall is an address of the target's hub, too.",
        fix: "Make or start the firewall before the run, name the target's own, or the address of another appliance.",
        source: "azure-facts 9",
        judge: firewall,
    },
];

fn foreign(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec) in inquiry.route_tables() {
        all.extend(inquiry.each([&spec.id], |_, body| {
            let named =
                |name: &str| spec.routes.iter().any(|route| route.name.eq_ignore_ascii_case(name));
            let others: Vec<&str> = arm::RouteTableView::of(body)
                .bodies()
                .iter()
                .filter_map(|route| text(route, "/name"))
                .filter(|name| !named(name))
                .collect();
            Some(unless(!others.is_empty(), || {
                format!("it has {}, which the run would remove", others.join(", "))
            }))
        }));
    }
    all
}

/// What is written or removed at the same time counts: nobody knows which comes first. The routes of a table that
/// is ensured whole are compared when the runbook is read, and no other stays beside them.
fn twice(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    let routes = inquiry.actions(|action| match action {
        Action::Route(spec) => Some(spec),
        _ => None,
    });
    for (step, spec) in routes {
        let Some(table) = spec.id.parent() else { continue };
        let verdicts = inquiry.at_most(step).each([&table], |_, body| {
            let other = arm::RouteTableView::of(body).bodies().iter().find(|route| {
                let to = text(route, "/properties/addressPrefix").and_then(Destination::parse);
                to.is_some_and(|to| to.is_same(&spec.prefix)) && !is(route, "/name", spec.id.name())
            });
            let name = other.map(|other| text(other, "/name").unwrap_or("another route"));
            Some(unless(name.is_some(), || {
                let name = name.unwrap_or_default();
                format!("{name} of {} leads to {} by then", table.name(), spec.prefix)
            }))
        });
        all.extend(verdicts.into_iter().map(|judged| about(&spec.id, judged.verdict)));
    }
    all
}

fn replaces(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let associations = inquiry.actions(|action| match action {
        Action::Association(spec) => Some(spec),
        _ => None,
    });
    let mut all = Vec::new();
    for (step, spec) in associations {
        all.extend(inquiry.at(step).each([&spec.subnet], |_, body| {
            let other = arm::SubnetView::of(body).route_table();
            let other = other.filter(|other| *other != spec.route_table);
            Some(unless(other.is_some(), || {
                let other = other.as_ref().map_or("another table", ResourceId::name);
                format!("it uses {other}, which {} would replace", spec.route_table.name())
            }))
        }));
    }
    all
}

/// The tables that are removed, each with its step.
fn removed<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, &'a ResourceId)> {
    inquiry.actions(|action| match action {
        Action::Remove(spec) if spec.kind == RemovalKind::RouteTable => Some(&spec.id),
        _ => None,
    })
}

/// What uses a table that is removed is read as well.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> Vec<Question> {
    let tables = removed(inquiry).into_iter();
    let bodies = tables.filter_map(|(_, table)| inquiry.facts.body(table));
    bodies.flat_map(|body| arm::RouteTableView::of(body).users()).map(Question::Resource).collect()
}

fn in_use(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, table) in removed(inquiry) {
        let then = inquiry.at(step);
        all.extend(then.each([table], |_, body| {
            let left = arm::RouteTableView::of(body).users().find(|subnet| {
                // One that is gone by then, or cannot be read, is nobody's trouble here.
                let body = then.facts.body(subnet);
                body.is_some_and(|own| {
                    arm::SubnetView::of(own).route_table().as_ref() == Some(table)
                })
            });
            Some(unless(left.is_some(), || {
                let name = left.as_ref().map_or("a subnet", ResourceId::name);
                format!("{name} still uses it by then")
            }))
        }));
    }
    all
}

/// Each is said of its route: one firewall may be the next hop of many.
fn firewall(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        let hops: Vec<(String, &NextHop)> = match &step.action {
            Action::RouteTable(spec) => {
                let own = |name: &str| format!("{}/{name}", spec.id.name());
                spec.routes.iter().map(|route| (own(&route.name), &route.next_hop)).collect()
            }
            Action::Route(spec) => {
                let table = spec.id.parent();
                let table = table.as_ref().map_or("?", ResourceId::name);
                vec![(format!("{table}/{}", spec.id.name()), &spec.next_hop)]
            }
            _ => continue,
        };
        let hops = hops.into_iter().filter_map(|(route, hop)| Some((route, hop.firewall()?)));
        for (route, id) in hops {
            let verdict = match inquiry.facts.resource(id) {
                Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
                Fact::Absent => {
                    FindingVerdict::Failed(format!("the firewall {} is not there", id.name()))
                }
                Fact::Known(body) => match unfit(inquiry, step, body) {
                    Some(why) => {
                        FindingVerdict::Failed(format!("the firewall {} {why}", id.name()))
                    }
                    None => FindingVerdict::Passed,
                },
            };
            all.push(Judged { id: Some(id.clone()), ..Judged::of(route, verdict) });
        }
    }
    all
}

/// Why a firewall takes nothing that a route of the target leads to it.
fn unfit(inquiry: &Inquiry<'_>, step: &Step, firewall: &Value) -> Option<String> {
    if arm::firewall_address(firewall).is_none() {
        return Some("has no private address".to_owned());
    }
    if arm::has_failed(firewall) {
        return Some("is in state Failed".to_owned());
    }
    let source = inquiry.plan.parts().source_region.as_ref();
    let lost = region_at(firewall).filter(|own| Some(own) == source && !Inquiry::on_source(step));
    lost.map(|region| format!("stands in {}, the source region", region.as_str()))
}

/// How many routes each table that is written would have, against what the subscription may have in one.
fn many(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let usual = u64::try_from(ROUTES_PER_TABLE).unwrap_or(u64::MAX);
    let too_many = |count: usize, limit: u64| {
        unless(u64::try_from(count).is_ok_and(|count| count > limit), || {
            format!("it would have {count} routes of {limit}")
        })
    };
    let mut all = Vec::new();
    for (step, spec) in inquiry.route_tables() {
        let told = limits::question(&step.action).map(|question| inquiry.facts.of(&question));
        let limit = match told {
            Some(Fact::Known(answer)) => limits::limit(answer, ROUTES_PER_TABLE_USAGE),
            _ => None,
        };
        all.push(about(&spec.id, too_many(spec.routes.len(), limit.unwrap_or(usual))));
    }
    let routes = inquiry.actions(|action| match action {
        Action::Route(spec) => spec.id.parent().map(|table| (spec, table)),
        _ => None,
    });
    for (step, (spec, table)) in routes {
        all.extend(inquiry.at_most(step).each([&table], |_, body| {
            let bodies = arm::RouteTableView::of(body).bodies();
            let others = bodies.iter().filter(|route| !is(route, "/name", spec.id.name()));
            Some(too_many(others.count() + 1, usual))
        }));
    }
    all
}
