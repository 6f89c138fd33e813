//! What must be read to know by which ways networks reach on-premises, of those that the run touches?

use std::collections::BTreeSet;

use super::facts::Question;
use super::hub_side::HUB_VNETS;
use super::inquiry::{
    CONNECTIONS, GATEWAY_SUBNET, HUB_GATEWAYS, Inquiry, id_at, peerings_of, subnets_of,
};
use crate::arm::{self, PeeringView};
use crate::model::ResourceId;

const HUB_GATEWAY: &str = "/properties/expressRouteGateway/id";

impl Inquiry<'_> {
    /// The gateways that may carry, their connections, what these lead to, and the tables on the way.
    #[must_use]
    pub fn around_ways(&self) -> BTreeSet<Question> {
        let end = self.at_end();
        let mut asked = BTreeSet::new();
        for host in self.hosts_touched(&mut asked) {
            let gateways = self.facts.body(&host).map(|body| self.gateways_in(body));
            for gateway in gateways.into_iter().flatten() {
                let subscription = gateway.subscription().to_owned();
                asked.insert(Question::Resource(gateway));
                if let Ok(links) = self.facts.inventory(&subscription, CONNECTIONS) {
                    asked.extend(links.into_iter().map(Question::Resource));
                }
                asked.insert(Question::Inventory { subscription, kind: CONNECTIONS });
            }
        }
        for (_, _, hub) in self.joining_hubs() {
            let gateway = self.facts.body(&hub).and_then(|body| id_at(body, HUB_GATEWAY));
            asked.extend(gateway.map(Question::Resource));
        }
        for own in self.carried().into_iter().chain(self.changed()) {
            asked.insert(Question::Resource(own.way.far.id().clone()));
            let host = end.vnet_of(&own.way.gateway);
            for vnet in end.networks_on(&own).unwrap_or_default().into_iter().chain(host) {
                // What they have before is what a change is compared with.
                for facts in [self.facts, end.facts] {
                    let subnets = facts.body(&vnet).map_or(&[][..], subnets_of).iter();
                    let tables = subnets.filter_map(|own| arm::SubnetView::of(own).route_table());
                    asked.extend(tables.map(Question::Resource));
                }
                asked.insert(Question::Resource(vnet));
            }
        }
        asked
    }

    /// A network shows its hub by name alone: the hubs of its subscription that have a gateway are looked through.
    fn around_hubs_of(&self, networks: &BTreeSet<ResourceId>, asked: &mut BTreeSet<Question>) {
        let mut names = BTreeSet::new();
        for network in networks {
            let sides = peerings_of(self.facts.body(network)).iter().map(PeeringView::of);
            let own: Vec<String> = sides.filter_map(PeeringView::hub).collect();
            if own.is_empty() {
                continue;
            }
            names.extend(own.into_iter().map(|name| name.to_ascii_lowercase()));
            let (subscription, kind) = (network.subscription().to_owned(), HUB_GATEWAYS);
            if let Ok(gateways) = self.facts.inventory(&subscription, kind) {
                asked.extend(gateways.into_iter().map(Question::Resource));
            }
            asked.insert(Question::Inventory { subscription, kind });
        }
        for hub in self.hub_links().filter_map(|link| link.hub()) {
            if names.contains(&hub.name().to_ascii_lowercase()) {
                asked.insert(Question::Children { parent: hub.clone(), kind: HUB_VNETS });
                asked.insert(Question::Resource(hub));
            }
        }
    }

    /// The networks in which appliances stand that tables of these name, and of those that are brought. Where an address
    /// is in none of the networks that were read, those beside are asked.
    fn around_appliances(
        &self,
        networks: &BTreeSet<ResourceId>,
        asked: &mut BTreeSet<Question>,
    ) -> BTreeSet<ResourceId> {
        let end = self.at_end();
        let brought: Vec<ResourceId> =
            self.carried().iter().filter_map(|own| end.networks_on(own).ok()).flatten().collect();
        let mut all = BTreeSet::new();
        for network in networks.iter().chain(&brought) {
            let Some(body) = end.facts.body(network) else { continue };
            for subnet in subnets_of(body) {
                let table = arm::SubnetView::of(subnet).route_table();
                let table = table.and_then(|table| end.facts.body(&table));
                let routes = table.map(|table| arm::RouteTableView::of(table).routes());
                for hop in routes.into_iter().flatten().filter_map(arm::RouteView::hop_address) {
                    let places = end.subnets_with(network, hop);
                    if places.is_empty() {
                        let beside = end.networks_beside(network, body).into_iter();
                        asked.extend(beside.map(Question::Resource));
                    }
                    for (network, own) in places {
                        let table = arm::SubnetView::of(own).route_table();
                        asked.extend(table.map(Question::Resource));
                        all.insert(network);
                    }
                }
            }
        }
        all
    }

    /// The networks whose gateways may carry what steps touch. What they are known by is asked as well.
    fn hosts_touched(&self, asked: &mut BTreeSet<Question>) -> BTreeSet<ResourceId> {
        let mut hosts = BTreeSet::new();
        for (_, spec) in self.peerings() {
            hosts.extend(spec.id.parent());
            hosts.insert(spec.remote.clone());
        }
        let mut touched = hosts.clone();
        for (_, subnet) in self.subnets_changed() {
            let Some(network) = subnet.parent() else { continue };
            asked.insert(Question::Resource(network.clone()));
            if subnet.name().eq_ignore_ascii_case(GATEWAY_SUBNET) {
                let sides = peerings_of(self.facts.body(&network)).iter().map(PeeringView::of);
                asked.extend(sides.filter_map(PeeringView::remote).map(Question::Resource));
            }
            touched.insert(network);
        }
        touched.extend(self.around_appliances(&touched, asked));
        for network in &touched {
            let sides = peerings_of(self.facts.body(network)).iter().map(PeeringView::of);
            let used = sides.filter(|side| side.uses_gateway()).filter_map(PeeringView::remote);
            hosts.extend(used);
        }
        self.around_hubs_of(&touched, asked);
        hosts.extend(touched);
        asked.extend(hosts.iter().cloned().map(Question::Resource));
        hosts
    }
}
