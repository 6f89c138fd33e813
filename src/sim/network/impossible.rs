//! What does Azure never have beside one another? A drill in a mistyped world proves nothing.
//!
//! Doubts, and no mistakes: what is captured while somebody works on it may be between two states.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde_json::Value;

use crate::arm::kind::{GATEWAYS, NETWORKS, PEERINGS, ROUTE_TABLES, SECURITY_GROUPS, SUBNETS};
use crate::arm::{GatewayView, PeeringView, SubnetView, VirtualNetworkView, read};
use crate::model::net::clash;
use crate::model::{Region, ResourceId, geography};

/// What of a world Azure never has.
#[derive(Debug)]
pub struct Doubt {
    /// The resource that is doubted.
    pub id: ResourceId,
    /// What is doubted of it.
    pub message: String,
    /// What is right.
    pub help: &'static str,
}

/// A resource as it is looked at here.
struct Own<'p> {
    id: &'p ResourceId,
    body: Value,
}

/// Those of a world that can be in one another's way.
struct Together<'p>(BTreeMap<&'p str, Own<'p>>);

impl<'p> Together<'p> {
    fn of_type(&self, kind: &str) -> impl Iterator<Item = &Own<'p>> {
        self.0.values().filter(move |own| own.id.is_a(kind))
    }

    fn body(&self, id: &ResourceId) -> Option<&Value> {
        self.0.get(id.key()).map(|own| &own.body)
    }

    fn space(&self, network: &ResourceId) -> Vec<IpNet> {
        self.body(network).map(|body| VirtualNetworkView::of(body).space()).unwrap_or_default()
    }

    /// The networks on the other side of a network's connected peerings.
    fn peers(&self, network: &ResourceId) -> Vec<ResourceId> {
        let sides = self.0.range(network.key()..).map(|(_, own)| own);
        let own = sides.take_while(|own| own.id.key().starts_with(network.key()));
        own.filter(|own| own.id.is_a(PEERINGS) && own.id.parent().as_ref() == Some(network))
            .map(|own| PeeringView::of(&own.body))
            .filter(|view| view.is_in("Connected"))
            .filter_map(PeeringView::remote)
            .collect()
    }
}

/// What cannot stand beside what else stands; `body` gives what a resource says.
pub fn doubts<'p>(
    all: impl Iterator<Item = &'p ResourceId>,
    body: impl Fn(&ResourceId) -> Value,
) -> Vec<Doubt> {
    let kinds = [NETWORKS, SUBNETS, PEERINGS, GATEWAYS, ROUTE_TABLES, SECURITY_GROUPS];
    let looked_at = all.filter(|id| kinds.iter().any(|kind| id.is_a(kind)));
    let world = Together(looked_at.map(|id| (id.key(), Own { id, body: body(id) })).collect());
    let mut doubts = Vec::new();
    let mut say = |own: &Own<'_>, message: String, help: &'static str| {
        doubts.push(Doubt { id: own.id.clone(), message, help });
    };
    subnets(&world, &mut say);
    gateways(&world, &mut say);
    peerings(&world, &mut say);
    doubts
}

type Say<'s> = dyn FnMut(&Own<'_>, String, &'static str) + 's;

/// What of the other has addresses in common with the one.
fn common(one: &[IpNet], other: &[IpNet]) -> Option<IpNet> {
    clash(one, other).map(|(_, other)| *other)
}

/// Where a resource is; one that is in no region of Azure's is doubted elsewhere.
fn region_of(body: &Value) -> Option<Region> {
    read::region(body).filter(|own| geography::region(own.as_str()).is_some())
}

fn subnets(world: &Together<'_>, say: &mut Say<'_>) {
    let all: Vec<&Own<'_>> = world.of_type(SUBNETS).collect();
    for (place, own) in all.iter().enumerate() {
        let view = SubnetView::of(&own.body);
        for before in &all[..place] {
            let same = own.id.parent() == before.id.parent() && own.id != before.id;
            let clash =
                same.then(|| common(&view.prefixes(), &SubnetView::of(&before.body).prefixes()));
            if let Some(prefix) = clash.flatten() {
                let (one, other) = (own.id.name(), before.id.name());
                let message = format!("The subnet `{one}` has addresses of `{other}`: {prefix}.");
                say(
                    own,
                    message,
                    "The subnets of a network do not overlap (NetcfgSubnetRangesOverlap).",
                );
            }
        }
        for tied in view.route_table().into_iter().chain(view.security_group()) {
            let region = |id: &ResourceId| world.body(id).and_then(region_of);
            let network = own.id.parent().as_ref().and_then(region);
            if let (Some(here), Some(there)) = (network, region(&tied))
                && here != there
            {
                let message = format!(
                    "The subnet `{}` is in {here}, and `{}`, which it uses, in {there}.",
                    own.id.name(),
                    tied.name()
                );
                say(own, message, "What a subnet uses is in the region of its network.");
            }
        }
    }
}

fn gateways(world: &Together<'_>, say: &mut Say<'_>) {
    let all: Vec<&Own<'_>> = world.of_type(GATEWAYS).collect();
    for (place, own) in all.iter().enumerate() {
        let view = GatewayView::of(&own.body);
        let Some(network) = view.network() else { continue };
        let twin = all[..place].iter().find(|other| {
            let other = GatewayView::of(&other.body);
            other.network().as_ref() == Some(&network)
                && other.is_express_route() == view.is_express_route()
        });
        if let Some(twin) = twin {
            let message = format!(
                "`{}` is the second gateway of its kind in `{}`, beside `{}`.",
                own.id.name(),
                network.name(),
                twin.id.name()
            );
            say(own, message, "A network has one gateway for ExpressRoute and one for VPN.");
        }
        let home = world.body(&network).and_then(region_of);
        if let (Some(home), Some(here)) = (home, region_of(&own.body))
            && home != here
        {
            let message = format!(
                "The gateway `{}` is in {here}, and its network `{}` in {home}.",
                own.id.name(),
                network.name()
            );
            say(own, message, "A gateway is in the region of its network.");
        }
    }
}

fn peerings(world: &Together<'_>, say: &mut Say<'_>) {
    for own in world.of_type(PEERINGS) {
        let view = PeeringView::of(&own.body);
        let (Some(network), Some(remote)) = (own.id.parent(), view.remote()) else { continue };
        if view.uses_gateway()
            && let Some(gateway) = world
                .of_type(GATEWAYS)
                .find(|other| GatewayView::of(&other.body).network().as_ref() == Some(&network))
        {
            let message = format!(
                "`{}` uses the gateway of `{}`, and has its own: `{}`.",
                network.name(),
                remote.name(),
                gateway.id.name()
            );
            say(
                own,
                message,
                "A network uses a remote gateway or has one, not both (azure-facts 1.6).",
            );
        }
        if !view.is_in("Connected") {
            continue;
        }
        let (ours, theirs) = (world.space(&network), world.space(&remote));
        // Azure refuses the addresses of a network that the other side has a peering with, too.
        let mut others = world.peers(&network);
        others.retain(|other| *other != remote);
        let clash = common(&ours, &theirs).map(|prefix| (network.clone(), prefix)).or_else(|| {
            others.into_iter().find_map(|other| {
                let prefix = common(&world.space(&other), &theirs)?;
                Some((other, prefix))
            })
        });
        if let Some((other, prefix)) = clash {
            let message = format!(
                "`{}` is connected with `{}`, whose addresses `{}` has, too: {prefix}.",
                network.name(),
                remote.name(),
                other.name()
            );
            say(
                own,
                message,
                "Networks that are peered do not overlap, nor do those peered with one of them.",
            );
        }
    }
}
