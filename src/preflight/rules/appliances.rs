//! Does what stands at a next hop forward?

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use crate::arm::SubnetView;
use crate::arm::kind::INTERFACES;
use crate::arm::read::at;
use crate::model::ResourceId;
use crate::model::action::{NextHop, RouteTable};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{Inquiry, about, list, text};
use crate::preflight::rule::{FindingVerdict, Judged};

/// Most interfaces of a subnet that are read: appliances share theirs with few.
const INTERFACES_READ: usize = 8;

/// The addresses of appliances that a table names.
pub(super) fn hops(table: &RouteTable) -> BTreeSet<IpAddr> {
    let all = table.routes.iter().filter_map(|route| match route.next_hop {
        NextHop::Appliance(hop) => Some(hop),
        _ => None,
    });
    all.collect()
}

/// The interfaces in the subnet of an address, in a network or those beside it; none where they are many.
fn beside(inquiry: &Inquiry<'_>, vnet: &ResourceId, hop: IpAddr) -> Vec<ResourceId> {
    let here = inquiry.subnets_with(vnet, hop).into_iter();
    let standing = here.flat_map(|(_, own)| SubnetView::of(own).standing());
    // Those of scale sets and load balancers are others' to say.
    let all: BTreeSet<ResourceId> = standing.filter(|id| id.is_a(INTERFACES)).collect();
    if all.len() > INTERFACES_READ { Vec::new() } else { all.into_iter().collect() }
}

/// The interfaces beside next hops, each once.
fn interfaces(inquiry: &Inquiry<'_>) -> BTreeSet<(IpAddr, ResourceId)> {
    let mut all = BTreeSet::new();
    for (subnet, table) in inquiry.tables_given() {
        let Some(vnet) = subnet.parent() else { continue };
        for hop in hops(table) {
            all.extend(beside(inquiry, &vnet, hop).into_iter().map(|id| (hop, id)));
        }
    }
    all
}

/// Interfaces that the subnets of next hops name are read.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> Vec<Question> {
    interfaces(inquiry).into_iter().map(|(_, id)| Question::Resource(id)).collect()
}

/// The interfaces that have a next hop's address. One that is not there, or has another address, is not judged: what
/// comes up during the run cannot be seen before.
pub(super) fn forwards(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let all = interfaces(inquiry).into_iter().filter_map(|(hop, id)| {
        let verdict = match inquiry.facts.resource(&id) {
            Fact::Absent => return None,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
            Fact::Known(body) => {
                let own = list(body, "/properties/ipConfigurations").iter();
                let mut addresses =
                    own.filter_map(|own| text(own, "/properties/privateIPAddress")?.parse().ok());
                if !addresses.any(|own: IpAddr| own == hop) {
                    return None;
                }
                match at(body, "/properties/enableIPForwarding").and_then(Value::as_bool) {
                    Some(false) => FindingVerdict::Failed(format!(
                        "it has the address {hop}, and its enableIPForwarding is false"
                    )),
                    Some(true) | None => FindingVerdict::Passed,
                }
            }
        };
        Some(about(&id, verdict))
    });
    all.collect()
}
