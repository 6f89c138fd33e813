//! Are subnets there by the time they are written, and may they have what they are given?

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::arm::SubnetView;
use crate::model::{Action, ResourceId, Step, StepName};
use crate::preflight::inquiry::{Inquiry, about, region_at};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about subnets and what they are given.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "SUB-THERE",
        severity: FindingSeverity::Block,
        fails_when: "A step writes a subnet or makes a gateway in it, or gives it a route table or a security \
                     group, and one of them is not there by then.",
        reads: "the subnet, the route table and the security group, as the steps before leave them",
        why: "Azure refuses what names nothing (InvalidResourceReference), and a step that only changes a subnet \
              makes none.",
        fix: "Correct the name; or let the step need the one that makes it (subnet.ensure, route_table.ensure). \
              The runbook makes no security groups.",
        source: "docs/wire.md 3",
        judge: there,
    },
    Rule {
        id: "SUB-OTHER",
        severity: FindingSeverity::Block,
        fails_when: "A subnet that the runbook makes stands already, with other prefixes, and gives no room to those wanted; \
                     a GatewaySubnet only while no gateway stands in it.",
        reads: "the subnet's prefixes, as the steps before leave them",
        why: "A subnet is not renumbered: the step stops, in the middle of the failover.",
        fix: "Write the prefix that it has, or make another subnet.",
        source: "azurerm 3430 (InUseSubnetCannotBeUpdated)",
        judge: other,
    },
    Rule {
        id: "SUB-PLACE",
        severity: FindingSeverity::Block,
        fails_when: "A subnet is given a route table or a security group of another region, or of another \
                     subscription, than its network.",
        reads: "location of network, route table and security group; their ids",
        why: "Azure takes them only from the network's own region and subscription.",
        fix: "Make one in each region and subscription that has networks, and give each subnet that of its own.",
        source: "N-SUBNET",
        judge: place,
    },
];

/// What a plan would be blocked by. A subnet in which a gateway stands is a place for gateways, whatever its prefix.
fn other(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.subnets() {
        let verdicts = inquiry.at(step).each([&spec.id], |_, body| {
            let apart = SubnetView::of(body).elsewhere(spec.id.name(), &spec.prefixes);
            Some(match apart {
                Some((has, wanted)) => FindingVerdict::Failed(format!(
                    "it has {}, and {} is wanted",
                    words(&has),
                    words(&wanted)
                )),
                None => FindingVerdict::Passed,
            })
        });
        all.extend(verdicts);
    }
    all
}

fn words(all: &[IpNet]) -> String {
    let all: Vec<String> = all.iter().map(IpNet::to_string).collect();
    all.join(" and ")
}

/// A subnet that a step writes or makes something in.
pub(super) struct SubnetUse<'a> {
    pub(super) step: &'a Step,
    pub(super) subnet: &'a ResourceId,
    /// The route table or the security group that it is given.
    pub(super) given: Option<&'a ResourceId>,
}

/// What steps give to subnets, or make in them.
pub(super) fn uses<'a>(inquiry: &Inquiry<'a>) -> Vec<SubnetUse<'a>> {
    let given = inquiry.actions(|action| match action {
        Action::Association(spec) => Some((&spec.subnet, &spec.route_table)),
        Action::SecurityGroup(spec) if spec.used => Some((&spec.subnet, &spec.security_group)),
        _ => None,
    });
    let given = given.into_iter().map(|(step, (subnet, given))| (step, subnet, Some(given)));
    let gateways = inquiry.gateway_places().into_iter();
    let gateways = gateways.map(|(step, _, subnet)| (step, subnet, None));
    let both = given.chain(gateways);
    both.map(|(step, subnet, given)| SubnetUse { step, subnet, given }).collect()
}

/// The step that makes a resource, wherever it stands in the plan.
fn maker<'i>(inquiry: &'i Inquiry<'_>, id: &ResourceId) -> Option<&'i StepName> {
    let mut steps = inquiry.plan.steps_to_run();
    let makes = |action: &Action| {
        matches!(action, Action::Subnet(_) | Action::RouteTable(_)) && action.written() == Some(id)
    };
    steps.find(|step| makes(&step.action)).map(|step| &step.name)
}

/// Whether a thing is there as a step finds it; of what is in a network that is not there, the rule about networks says
/// so.
fn is_there(inquiry: &Inquiry<'_>, step: &Step, id: &ResourceId) -> Option<FindingVerdict> {
    let then = inquiry.at(step);
    let within = id.parent().map_or(Ok(true), |vnet| Ok(then.read(&vnet)?.is_some()));
    let verdict = match within.and_then(|within| Ok((within, then.read(id)?))) {
        Ok((false, _)) => return None,
        Ok((true, Some(_))) => FindingVerdict::Passed,
        Ok((true, None)) => FindingVerdict::Failed(match maker(inquiry, id) {
            None => "it is not there, and no step makes it".to_owned(),
            Some(late) => {
                format!("step `{late}` makes it, and does not come before `{}`", step.name)
            }
        }),
        Err(why) => FindingVerdict::Unknown(why),
    };
    Some(verdict)
}

fn there(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all: BTreeMap<&ResourceId, FindingVerdict> = BTreeMap::new();
    for own in uses(inquiry) {
        // What is to be done at the source is tried, and not relied on.
        if Inquiry::on_source(own.step) {
            continue;
        }
        for id in std::iter::once(own.subnet).chain(own.given) {
            let Some(verdict) = is_there(inquiry, own.step, id) else { continue };
            match all.get(id) {
                Some(FindingVerdict::Failed(_)) => {}
                Some(FindingVerdict::Unknown(_)) if verdict == FindingVerdict::Passed => {}
                _ => drop(all.insert(id, verdict)),
            }
        }
    }
    all.into_iter().map(|(id, verdict)| about(id, verdict)).collect()
}

fn place(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for SubnetUse { step, subnet, given } in uses(inquiry) {
        let Some((given, vnet)) = given.zip(subnet.parent()) else { continue };
        let then = inquiry.at(step);
        let regions = || -> Result<Option<FindingVerdict>, String> {
            let (there, home) = (then.read(given)?, then.read(&vnet)?);
            let regions = there.and_then(region_at).zip(home.and_then(region_at));
            Ok(regions.map(|(there, home)| match there == home {
                true => FindingVerdict::Passed,
                false => FindingVerdict::Failed(format!(
                    "{} is in {}, and {} in {}",
                    given.name(),
                    there.as_str(),
                    vnet.name(),
                    home.as_str()
                )),
            }))
        };
        let verdict = if given.subscription().eq_ignore_ascii_case(vnet.subscription()) {
            regions().unwrap_or_else(|why| Some(FindingVerdict::Unknown(why)))
        } else {
            Some(FindingVerdict::Failed(format!(
                "{} is of subscription {}, and {} of {}",
                given.name(),
                given.subscription(),
                vnet.name(),
                vnet.subscription()
            )))
        };
        all.extend(verdict.map(|verdict| about(subnet, verdict)));
    }
    all
}
