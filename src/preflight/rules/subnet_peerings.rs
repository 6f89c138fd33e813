//! Does a peering of single subnets carry what verifications wait for?

use ipnet::IpNet;

use crate::arm::{ConnectionView, PeeringEnd, PeeringView};
use crate::model::action::Verification;
use crate::model::coverage::is_default;
use crate::model::{Action, ResourceId};
use crate::preflight::inquiry::{
    Inquiry, about, overlap, peerings_of, subnet_prefixes, subnets_of, text, unless,
};
use crate::preflight::rule::Judged;

/// The gateways, each with what verifications expect to be told over it.
fn expected<'a>(inquiry: &Inquiry<'a>, end: &Inquiry<'_>) -> Vec<(ResourceId, &'a IpNet)> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        match &step.action {
            Action::Verify(Verification::Advertised { gateway, expect }) => {
                all.extend(expect.iter().map(|net| (gateway.clone(), net)));
            }
            Action::Verify(Verification::CircuitRoutes { circuit, expect, .. }) => {
                let links = end.links(circuit).into_iter();
                let gateways = links.filter_map(|(_, link)| ConnectionView::of(link).gateway());
                for gateway in gateways {
                    all.extend(expect.iter().map(|net| (gateway.clone(), net)));
                }
            }
            _ => {}
        }
    }
    all.retain(|(_, net)| !is_default(net));
    all
}

/// The sides of used peerings that leave out subnets with something of what is expected. Whole peerings, which nearly
/// all are, are not judged.
pub(super) fn left_out(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let expected = expected(inquiry, &end);
    let mut hubs: Vec<ResourceId> =
        expected.iter().filter_map(|(gateway, _)| end.vnet_of(gateway)).collect();
    hubs.sort();
    hubs.dedup();
    let mut all = Vec::new();
    for hub in &hubs {
        let here = |gateway: &ResourceId| end.vnet_of(gateway).as_ref() == Some(hub);
        let wanted: Vec<&IpNet> =
            expected.iter().filter(|(gateway, _)| here(gateway)).map(|(_, net)| *net).collect();
        for spoke in end.spokes(hub) {
            all.extend(sides(&end, hub, &spoke, &wanted));
        }
    }
    all
}

/// Both sides between a hub and a spoke: each names the spoke's subnets, at the end that is the spoke's.
fn sides(
    end: &Inquiry<'_>,
    hub: &ResourceId,
    spoke: &ResourceId,
    wanted: &[&IpNet],
) -> Vec<Judged> {
    let mut all = Vec::new();
    for (near, far, at) in [(hub, spoke, PeeringEnd::Remote), (spoke, hub, PeeringEnd::Local)] {
        for side in peerings_of(end.facts.body(near)) {
            let view = PeeringView::of(side);
            let named = view.subnets(at).filter(|_| view.leads_to(far));
            let (Some(named), Some(name)) = (named, text(side, "/name")) else { continue };
            let Ok(id) = near.child("virtualNetworkPeerings", name) else { continue };
            let hit = first_left_out(end, spoke, &named, wanted);
            let verdict = unless(hit.is_some(), || {
                let (subnet, net) = hit.unwrap_or_default();
                format!(
                    "{net} is expected, and {subnet} of {} is not among its subnets",
                    spoke.name()
                )
            });
            all.push(about(&id, verdict));
        }
    }
    all
}

/// The first subnet that a side does not name and that holds something of what is expected.
fn first_left_out(
    end: &Inquiry<'_>,
    spoke: &ResourceId,
    named: &[&str],
    wanted: &[&IpNet],
) -> Option<(String, String)> {
    let subnets = end.facts.body(spoke).map_or(&[][..], subnets_of).iter();
    let names = subnets.filter_map(|subnet| Some((text(subnet, "/name")?, subnet)));
    let mut left =
        names.filter(|(name, _)| !named.iter().any(|own| own.eq_ignore_ascii_case(name)));
    left.find_map(|(name, subnet)| {
        let own = subnet_prefixes(subnet);
        let net = wanted.iter().find(|net| own.iter().any(|own| overlap(own, net)))?;
        Some((name.to_owned(), net.to_string()))
    })
}
