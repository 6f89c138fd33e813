//! What do the routes that are written take away, and do their next hops have an address?

use crate::arm;
use crate::model::Action;
use crate::model::action::NextHop;
use crate::preflight::facts::Fact;
use crate::preflight::inquiry::{Inquiry, about, text, unless};
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
        id: "UDR-FIREWALL",
        severity: FindingSeverity::Block,
        fails_when: "A route is to lead to an Azure Firewall that is not there, or has no private address.",
        reads: "firewall: ipConfigurations, hubIPAddresses",
        why: "The address is read when the route is written, and there is none to write.",
        fix: "Make or start the firewall before the run, or name the address of another appliance.",
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

fn firewall(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps() {
        let hops: Vec<&NextHop> = match &step.action {
            Action::RouteTable(spec) => spec.routes.iter().map(|route| &route.next_hop).collect(),
            Action::Route(spec) => vec![&spec.next_hop],
            _ => continue,
        };
        for id in hops.into_iter().filter_map(NextHop::firewall) {
            let verdict = match inquiry.facts.resource(id) {
                Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
                Fact::Absent => FindingVerdict::Failed("it is not there".to_owned()),
                Fact::Known(body) => {
                    let own = arm::firewall_address(body).is_some();
                    unless(!own, || "it has no private address".to_owned())
                }
            };
            all.push(about(id, verdict));
        }
    }
    all
}
