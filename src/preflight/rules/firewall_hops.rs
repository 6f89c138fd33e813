//! Does a firewall run where a route by address leads to one?

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::appliances::hops;
use crate::arm::kind::FIREWALLS;
use crate::arm::{self, SubnetView};

use crate::model::{Action, ResourceId};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{Inquiry, about, is};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule, worst_of_each};

/// The rule about firewalls that are named by their address.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "UDR-FIREWALL-IP",
    severity: FindingSeverity::Block,
    fails_when: "The next hop of a planned route is an address in AzureFirewallSubnet that no firewall has, or one that \
                 has failed.",
    reads: "planned routes; AzureFirewallSubnet of their networks and of those beside: ipConfigurations; the firewalls \
            that they name",
    why: "Nothing else can stand in that subnet. A firewall that is deallocated has no address, and may come back with \
          another: all that the routes send there is dropped.",
    fix: "Start the firewall, and write the address that it has then; or name the firewall itself in the route, whose \
          address is looked up.",
    source: "azure-docs PR 121500; azure-sdk-for-python 46306",
    judge: runs,
}];

/// Azure's name of the subnet that firewalls stand in.
const FIREWALL_SUBNET: &str = "AzureFirewallSubnet";

/// A subnet of firewalls that routes by address lead into.
struct FirewallPlace {
    subnet: ResourceId,
    hop: IpAddr,
    firewalls: BTreeSet<ResourceId>,
}

/// The subnets of firewalls in a network and those beside it that have an address.
fn places_of(inquiry: &Inquiry<'_>, vnet: &ResourceId, hop: IpAddr) -> Vec<FirewallPlace> {
    let here = inquiry.subnets_with(vnet, hop).into_iter();
    let own = here.filter(|(_, own)| is(own, "/name", FIREWALL_SUBNET));
    own.filter_map(|(network, own)| {
        let standing = SubnetView::of(own).standing();
        Some(FirewallPlace {
            subnet: network.child("subnets", FIREWALL_SUBNET).ok()?,
            hop,
            firewalls: standing.filter(|id| id.is_a(FIREWALLS)).collect(),
        })
    })
    .collect()
}

fn places(inquiry: &Inquiry<'_>) -> Vec<FirewallPlace> {
    let mut all = Vec::new();
    for (subnet, table) in inquiry.tables_given() {
        let Some(vnet) = subnet.parent() else { continue };
        all.extend(hops(table).into_iter().flat_map(|hop| places_of(inquiry, &vnet, hop)));
    }
    all
}

/// The firewalls in those subnets are read.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> Vec<Question> {
    let all: BTreeSet<ResourceId> =
        places(inquiry).into_iter().flat_map(|place| place.firewalls).collect();
    all.into_iter().map(Question::Resource).collect()
}

/// Whether a step does what is not seen here, such as starting a firewall.
fn may_start_one(inquiry: &Inquiry<'_>) -> bool {
    inquiry.plan.steps_to_run().any(|step| matches!(step.action, Action::Outside(_)))
}

fn runs(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for place in places(inquiry) {
        let verdict = match stands(inquiry, &place) {
            Ok(()) => FindingVerdict::Passed,
            Err(FindingVerdict::Failed(why)) if may_start_one(inquiry) => {
                FindingVerdict::Unknown(format!("{why}; a step of the run may start one"))
            }
            Err(verdict) => verdict,
        };
        all.push(about(&place.subnet, verdict));
    }
    worst_of_each(all)
}

/// Whether a firewall has the address and works.
fn stands(inquiry: &Inquiry<'_>, place: &FirewallPlace) -> Result<(), FindingVerdict> {
    let hop = place.hop;
    if place.firewalls.is_empty() {
        let why = format!("no firewall stands there, and {hop} is a next hop");
        return Err(FindingVerdict::Failed(why));
    }
    let mut other = None;
    for id in &place.firewalls {
        let body = match inquiry.facts.resource(id) {
            Fact::Known(body) => body,
            Fact::Absent => continue,
            Fact::Unknown(why) => return Err(FindingVerdict::Unknown(why.to_owned())),
        };
        match arm::firewall_address(body) {
            Some(address) if address == hop && arm::has_failed(body) => {
                let why = format!("{}, which has {hop}, is in state Failed", id.name());
                return Err(FindingVerdict::Failed(why));
            }
            Some(address) if address == hop => return Ok(()),
            address => other = other.or(address.map(|address| (id.name(), address))),
        }
    }
    let other = other.map_or_else(String::new, |(name, has)| format!("; {name} has {has}"));
    Err(FindingVerdict::Failed(format!("no firewall has {hop}, which is a next hop{other}")))
}
