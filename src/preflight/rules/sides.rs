//! What do the flags of a peering's sides let through, and do they go with the gateways of their networks?

use ipnet::IpNet;

use crate::arm::{PeeringView, RouteTableView, RouteView, SubnetView};
use crate::model::action::{Peering, RemovalKind};
use crate::model::{Action, ResourceId, Step};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{
    Inquiry, about, is, known, overlap, peerings_of, subnets_of, text, unless,
};
use crate::preflight::rule::{FindingVerdict, Judged};

/// What a side says in the end; none where its network cannot be read.
#[derive(Clone, Copy)]
struct SideFlags {
    lends: bool,
    uses: bool,
    access: bool,
    /// None where nobody can know.
    forwarded: Option<bool>,
}

/// A flag that the author does not say is as it stands, and has Azure's default where the side is made.
fn flags_of(inquiry: &Inquiry<'_>, spec: &Peering) -> SideFlags {
    let vnet = spec.id.parent().map(|vnet| inquiry.read(&vnet));
    let unread = matches!(vnet, Some(Err(_)));
    let vnet = vnet.and_then(Result::ok).flatten();
    let standing = peerings_of(vnet).iter().find(|side| is(side, "/name", spec.id.name()));
    let standing = standing.map(PeeringView::of);
    let lends = standing.is_some_and(PeeringView::lends_gateway);
    let uses = standing.is_some_and(PeeringView::uses_gateway);
    let access = standing.is_none_or(PeeringView::gives_access);
    let forwarded = standing.is_some_and(PeeringView::takes_forwarded);
    SideFlags {
        lends: spec.allow_gateway_transit.unwrap_or(lends),
        uses: spec.use_remote_gateways.unwrap_or(uses),
        access: spec.allow_access.unwrap_or(access),
        forwarded: spec.allow_forwarded_traffic.or_else(|| (!unread).then_some(forwarded)),
    }
}

/// The flags of each side that is to be, against those that a hub and its spokes need (azure-facts 1.6).
pub(super) fn flags(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let all = inquiry.peerings().into_iter();
    all.filter(|(step, spec)| !is_taken_off(&inquiry.at(step), &end, spec))
    .map(|(_, spec)| {
        let flags = flags_of(inquiry, spec);
        let verdict = if flags.lends && flags.uses {
            let why = "it both lends and uses a gateway, and a network that uses another's has none to lend";
            FindingVerdict::Failed(why.to_owned())
        } else if !flags.lends && !flags.uses {
            FindingVerdict::Failed("it neither lends nor uses a gateway".to_owned())
        } else if !flags.access {
            let why = format!("allow_access is false: its network and {} are apart", spec.remote.name());
            FindingVerdict::Failed(why)
        } else {
            let hit = spec.id.parent().filter(|_| flags.forwarded == Some(false));
            let hit = hit.and_then(|vnet| forwards(&end, &vnet, &spec.remote));
            unless(hit.is_some(), || hit.unwrap_or_default())
        };
        about(&spec.id, verdict)
    })
    .collect()
}

/// Whether a side is told to use or to lend no more, on purpose: it does so until then, or the spoke has another gateway
/// when the run has ended. What that costs, other rules say.
fn is_taken_off(then: &Inquiry<'_>, end: &Inquiry<'_>, spec: &Peering) -> bool {
    let side = then.facts.body(&spec.id).map(PeeringView::of);
    let Some(vnet) = spec.id.parent() else { return false };
    let (used, lent) =
        side.map_or((false, false), |side| (side.uses_gateway(), side.lends_gateway()));
    let off = |said: Option<bool>, so_far: bool, spoke, hub| {
        said == Some(false) && (so_far || goes_elsewhere(end, spoke, hub))
    };
    off(spec.use_remote_gateways, used, &vnet, &spec.remote)
        || off(spec.allow_gateway_transit, lent, &spec.remote, &vnet)
}

/// Whether a network has a gateway of its own, or uses one that is not this network's.
fn goes_elsewhere(end: &Inquiry<'_>, spoke: &ResourceId, hub: &ResourceId) -> bool {
    let Some(body) = end.facts.body(spoke) else { return false };
    let mut sides = peerings_of(Some(body)).iter().map(PeeringView::of);
    sides.any(|side| side.uses_gateway() && !side.leads_to(hub))
        || !end.gateways_in(body).is_empty()
}

/// Where an appliance of one network forwards what comes from or goes to the other one: a route of either that leads
/// there, in a table that a subnet uses.
fn forwards(end: &Inquiry<'_>, near: &ResourceId, far: &ResourceId) -> Option<String> {
    let (here, there) = (end.space(near)?, end.space(far)?);
    // From here all goes to the appliance that a route names; from there, only what is for this network.
    for (vnet, only) in [(near, None), (far, Some(&here))] {
        for subnet in end.facts.body(vnet).map_or(&[][..], subnets_of) {
            let Some(table) = SubnetView::of(subnet).route_table() else { continue };
            let Some(body) = end.facts.body(&table) else { continue };
            for route in RouteTableView::of(body).bodies() {
                let view = RouteView::of(route);
                let Some(hop) = view.hop_address().filter(|_| view.hops_to("VirtualAppliance"))
                else {
                    continue;
                };
                let to = view.destination().and_then(|to| to.parse::<IpNet>().ok());
                let goes = only.is_none_or(|only| {
                    to.is_some_and(|to| only.iter().any(|net| overlap(net, &to)))
                });
                if goes && there.iter().any(|net| net.contains(&hop)) {
                    return Some(format!(
                        "allow_forwarded_traffic is false, and the appliance {hop} of {} forwards (route {} of \
                         table {}): what it forwards is dropped",
                        far.name(),
                        text(route, "/name").unwrap_or("?"),
                        table.name()
                    ));
                }
            }
        }
    }
    None
}

/// Of sides that take nothing forwarded, the tables of both networks are read; of those that are removed, the other network.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> Vec<Question> {
    let removed = inquiry.removals(RemovalKind::Peering).into_iter();
    let others =
        removed.filter_map(|(_, spec)| PeeringView::of(inquiry.facts.body(&spec.id)?).remote());
    let mut asked: Vec<Question> = others.map(Question::Resource).collect();
    for (_, spec) in inquiry.peerings() {
        if flags_of(inquiry, spec).forwarded != Some(false) {
            continue;
        }
        for vnet in spec.id.parent().iter().chain([&spec.remote]) {
            let subnets = inquiry.facts.body(vnet).map_or(&[][..], subnets_of).iter();
            let tables = subnets.filter_map(|subnet| SubnetView::of(subnet).route_table());
            asked.extend(tables.map(Question::Resource));
        }
    }
    asked
}

/// The gateways that are to be made in a network which uses another network's by then. What is peered at the same
/// time counts: nobody knows which comes first, and one of both is refused.
pub(super) fn own_gateway(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, id, subnet) in inquiry.gateway_places() {
        let Some(vnet) = subnet.parent() else { continue };
        // One that stands already was made before.
        if matches!(inquiry.at(step).facts.resource(id), Fact::Known(_)) {
            continue;
        }
        let users = [inquiry.at(step), inquiry.at_most(step)].map(|then| {
            let body = then.read(&vnet)?;
            let mut sides = peerings_of(body).iter();
            let uses = sides.find(|side| PeeringView::of(side).uses_gateway());
            Ok(uses.map(|side| {
                let late = late(inquiry, step, &vnet, text(side, "/name").unwrap_or_default());
                format!("{}{late}", way_out(side, &vnet))
            }))
        });
        let [before, beside] = users;
        let verdict = before.and_then(|before| {
            let hit = before.or(beside?);
            Ok(hit.map_or(FindingVerdict::Passed, FindingVerdict::Failed))
        });
        all.push(about(id, known(verdict)));
    }
    all
}

/// By what a network uses another one's gateway, in words.
pub(super) fn way_out(side: &serde_json::Value, vnet: &ResourceId) -> String {
    match PeeringView::of(side).hub() {
        Some(hub) => {
            format!(
                "{} is connected to the hub {hub} by then, and uses what stands in it",
                vnet.name()
            )
        }
        None => {
            let name = text(side, "/name").unwrap_or("a peering");
            format!("{name} of {} uses a remote gateway by then", vnet.name())
        }
    }
}

/// Which step takes the use of a remote gateway from a side, where one does and does not come before this one.
pub(super) fn late(inquiry: &Inquiry<'_>, step: &Step, vnet: &ResourceId, side: &str) -> String {
    let Ok(side) = vnet.child("virtualNetworkPeerings", side) else { return String::new() };
    let steps = inquiry.plan.steps_to_run();
    let takes = |action: &Action| match action {
        Action::Peering(spec) => spec.id == side && spec.use_remote_gateways == Some(false),
        Action::Remove(spec) => spec.id == side,
        _ => false,
    };
    let mut late = steps.filter(|other| other.name != step.name && takes(&other.action));
    late.next().map_or_else(String::new, |late| {
        format!("; step `{}` takes that away, and does not come before this one", late.name)
    })
}

/// The sides that lend no more while the other side uses what they lent.
pub(super) fn lent(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.peerings() {
        let taken = spec.allow_gateway_transit == Some(false);
        let Some(vnet) = spec.id.parent().filter(|_| taken) else { continue };
        let then = inquiry.at(step);
        // What does not lend now takes nothing away.
        let own = then.facts.body(&spec.id).map(PeeringView::of);
        if !own.is_some_and(PeeringView::lends_gateway) {
            continue;
        }
        let verdict = then.read(&spec.remote).map(|remote| {
            let mut sides = peerings_of(remote).iter();
            let uses = sides.find(|side| {
                let side = PeeringView::of(side);
                side.leads_to(&vnet) && side.uses_gateway()
            });
            let side = uses.map(|side| text(side, "/name").unwrap_or("a peering"));
            unless(side.is_some(), || {
                let side = side.unwrap_or_default();
                let late = late(inquiry, step, &spec.remote, side);
                format!("{side} of {} uses the gateway by then{late}", spec.remote.name())
            })
        });
        all.push(about(&spec.id, known(verdict)));
    }
    all
}
