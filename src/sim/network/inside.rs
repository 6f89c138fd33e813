//! Which way does a packet take inside Azure? Route tables over gateway routes over what peerings give.
//!
//! At each subnet the longest prefix wins; among equals a route of a table goes before one that a gateway
//! has learned, and that before what the network itself gives (N-UDR). An appliance sends on by the routes
//! of the subnet that it stands in. Service tags in tables are prefixes of Azure's, which no site has.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::estate::Estate;
use super::onprem::OnPrem;
use super::routes::heard;
use super::vpn;
use crate::arm::{self, CircuitPath};
use crate::model::ResourceId;

/// Most appliances on a way: a packet that meets more goes round.
const HOPS_MAX: usize = 8;

/// Where a packet ends up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PacketEnd {
    /// In the network that it was for.
    There,
    /// At a gateway, which sends it on-premises.
    Gateway(ResourceId),
    /// Nowhere, and by what: a table's doing.
    Dropped(String),
    /// Nowhere: no route leads there, and no table had a part in that.
    NoRoute(String),
}

/// A way: its end, and the appliances that it went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) end: PacketEnd,
    pub(super) through: BTreeSet<IpAddr>,
}

/// A subnet, with what its routes depend on.
#[derive(Debug, Clone)]
pub(super) struct SubnetPlace {
    pub(super) id: ResourceId,
    pub(super) vnet: ResourceId,
    pub(super) prefixes: Vec<IpNet>,
    table: Option<ResourceId>,
}

/// What a route says.
enum Hop {
    /// The network itself, or one beside it.
    Beside,
    Gateway(ResourceId),
    Appliance(IpAddr, String),
    Dropped(String),
    NoRoute(String),
}

/// The way of a packet from a subnet to a destination.
pub(super) fn way(estate: &Estate<'_>, onprem: &OnPrem, from: &SubnetPlace, to: &IpNet) -> Way {
    let mut through = BTreeSet::new();
    let mut here = from.clone();
    let mut at: Option<IpAddr> = None;
    for _ in 0..=HOPS_MAX {
        let end = match next(estate, onprem, &here, to) {
            Hop::Beside => PacketEnd::There,
            Hop::Gateway(gateway) => PacketEnd::Gateway(gateway),
            Hop::Dropped(why) => PacketEnd::Dropped(why),
            Hop::NoRoute(why) => PacketEnd::NoRoute(why),
            Hop::Appliance(address, by) => {
                if at == Some(address) {
                    PacketEnd::Dropped(format!("sent back to the appliance {address} by {by}"))
                } else {
                    match appliance(estate, &here.vnet, address) {
                        Ok(place) => {
                            through.insert(address);
                            at = Some(address);
                            here = place;
                            continue;
                        }
                        Err(why) => PacketEnd::Dropped(format!("dropped by {by}: {why}")),
                    }
                }
            }
        };
        return Way { end, through };
    }
    Way { end: PacketEnd::Dropped("goes round between appliances".to_owned()), through }
}

/// What the routes of a subnet say of a destination.
fn next(estate: &Estate<'_>, onprem: &OnPrem, here: &SubnetPlace, to: &IpNet) -> Hop {
    // The best so far: length of the prefix, then what kind of route it is.
    let mut best: Option<((u8, u8), Hop)> = None;
    let mut offer = |length: u8, rank: u8, hop: Hop| {
        if best.as_ref().is_none_or(|(own, _)| (length, rank) > *own) {
            best = Some(((length, rank), hop));
        }
    };
    let covering = |prefixes: &BTreeSet<IpNet>| {
        prefixes.iter().filter(|net| net.contains(to)).map(IpNet::prefix_len).max()
    };
    if let Some(length) = estate.vnet(&here.vnet).and_then(|vnet| covering(&vnet.prefixes)) {
        offer(length, 0, Hop::Beside);
    }
    for peering in estate.peerings(&here.vnet).iter().filter(|peering| peering.connected) {
        let there = estate.vnet(&peering.remote).and_then(|vnet| covering(&vnet.prefixes));
        if let Some(length) = there {
            offer(length, 0, Hop::Beside);
        }
    }
    let table = here.table.as_ref().and_then(|id| Some((id, estate.body(id)?)));
    let withheld =
        table.is_some_and(|(_, body)| arm::RouteTableView::of(body).keeps_gateway_routes_out());
    let gateways = estate.serving(&here.vnet);
    for gateway in gateways.iter().filter(|_| !withheld) {
        if let Some(length) = learned(estate, onprem, gateway, to) {
            offer(length, 2, Hop::Gateway(gateway.clone()));
        }
    }
    // What a tunnel brings goes after what a circuit brings.
    for tunnels in estate.serving_vpn(&here.vnet).into_iter().filter(|_| !withheld) {
        if let Some(length) = vpn::learned(estate, onprem, &tunnels, to) {
            offer(length, 1, Hop::Gateway(tunnels));
        }
    }
    let gateway = gateways.first();
    let routes = table.map(|(id, _)| estate.children(id, "routes")).unwrap_or_default();
    for (id, route) in routes.iter() {
        let name = id.name();
        let route = arm::RouteView::of(route);
        let prefix = route.destination().and_then(|text| text.parse::<IpNet>().ok());
        let Some(prefix) = prefix else { continue };
        if !prefix.contains(to) {
            continue;
        }
        let table = table.map_or("", |(id, _)| id.name());
        let by = format!("route {name} of table {table}");
        let hop = static_hop(&route, by, gateway);
        offer(prefix.prefix_len(), 3, hop);
    }
    best.map_or_else(|| no_route(withheld, here), |(_, hop)| hop)
}

/// Where a route of a table leads.
fn static_hop(route: &arm::RouteView<'_>, by: String, gateway: Option<&ResourceId>) -> Hop {
    match route.hop_kind().unwrap_or_default().to_ascii_lowercase().as_str() {
        "virtualappliance" => match route.hop_address() {
            Some(address) => Hop::Appliance(address, by),
            None => Hop::Dropped(format!("dropped by {by}: it names no appliance")),
        },
        "vnetlocal" => Hop::Beside,
        "virtualnetworkgateway" => match gateway {
            Some(gateway) => Hop::Gateway(gateway.clone()),
            None => Hop::Dropped(format!("dropped by {by}: there is no gateway")),
        },
        "internet" => Hop::Dropped(format!("sent to the Internet by {by}")),
        _ => Hop::Dropped(format!("dropped by {by}")),
    }
}

/// No route leads there.
fn no_route(withheld: bool, here: &SubnetPlace) -> Hop {
    let subnet = here.id.name();
    match (withheld, &here.table) {
        (true, Some(table)) => Hop::Dropped(format!(
            "no route back: table {} keeps the gateway's routes from subnet {subnet}",
            table.name()
        )),
        _ => Hop::NoRoute(format!("no route from subnet {subnet}")),
    }
}

/// The longest prefix over a destination that a gateway has learned from on-premises.
fn learned(estate: &Estate<'_>, onprem: &OnPrem, gateway: &ResourceId, to: &IpNet) -> Option<u8> {
    let carrying = estate
        .connections_of_gateway(gateway)
        .filter(|connection| estate.carries(onprem, connection).is_ok());
    carrying
        .flat_map(|connection| {
            CircuitPath::BOTH.map(|path| heard(estate, onprem, &connection.circuit, path))
        })
        .flat_map(|heard| heard.into_keys())
        .filter(|network| network.contains(to))
        .map(|network| network.prefix_len())
        .max()
}

/// Where an appliance stands, as seen from a network: in it, or in one that it is peered with.
fn appliance(
    estate: &Estate<'_>,
    from: &ResourceId,
    address: IpAddr,
) -> Result<SubnetPlace, String> {
    let peers = estate.peerings(from).iter().filter(|peering| peering.connected);
    let near: Vec<&ResourceId> =
        std::iter::once(from).chain(peers.map(|peering| &peering.remote)).collect();
    let is_at = |place: &SubnetPlace| place.prefixes.iter().any(|net| net.contains(&address));
    let found = near.iter().find_map(|vnet| estate.places(vnet).into_iter().find(is_at));
    let Some(place) = found else {
        return Err(format!("its next hop {address} is in no subnet beside {}", from.name()));
    };
    // Nothing but a firewall stands in that subnet.
    let is_firewalls = place.id.name().eq_ignore_ascii_case("AzureFirewallSubnet");
    let mut firewalls =
        estate.of_type(arm::kind::FIREWALLS).filter(|(_, own)| !arm::has_failed(own));
    if is_firewalls && !firewalls.any(|(_, own)| arm::firewall_address(own) == Some(address)) {
        return Err(format!("no firewall has its next hop {address}"));
    }
    match estate.is_appliance_down(&place.vnet, address) {
        Some(why) => Err(format!("the appliance {address} is not up: {why}")),
        None => Ok(place),
    }
}

impl Estate<'_> {
    /// The subnets of a network.
    pub(super) fn places(&self, vnet: &ResourceId) -> Vec<SubnetPlace> {
        let all = self.children(vnet, "subnets");
        all.iter()
            .map(|(id, body)| {
                let subnet = arm::SubnetView::of(body);
                let (prefixes, table) = (subnet.prefixes(), subnet.route_table());
                SubnetPlace { id: id.clone(), vnet: vnet.clone(), prefixes, table }
            })
            .collect()
    }

    /// The gateways whose routes a network has: its own, or the one of a peer that lends it, or those of the
    /// hubs that it is connected to, its own hub's first.
    pub(super) fn serving(&self, vnet: &ResourceId) -> Arc<[ResourceId]> {
        self.known_serving(vnet, || match self.lent(vnet) {
            Some(gateway) => vec![gateway],
            None => self.serving_over_hubs(vnet),
        })
    }

    /// The gateway of a network, or the one that a peer lends it.
    fn lent(&self, vnet: &ResourceId) -> Option<ResourceId> {
        let of = |vnet: &ResourceId| {
            self.gateways()
                .filter(|gateway| gateway.vnet.as_ref() == Some(vnet))
                .find(|gateway| self.gateway_lives(&gateway.id).is_ok())
                .map(|gateway| gateway.id.clone())
        };
        of(vnet).or_else(|| of(self.lender(vnet)?))
    }

    /// The VPN gateways whose tunnels a network has: its own, or those of a peer that lends them.
    fn serving_vpn(&self, vnet: &ResourceId) -> Vec<ResourceId> {
        let own = self.vpn_gateways_of(vnet);
        match self.lender(vnet) {
            Some(lender) if own.is_empty() => self.vpn_gateways_of(lender),
            _ => own,
        }
    }

    /// The network that lends its gateways to this one.
    fn lender(&self, vnet: &ResourceId) -> Option<&ResourceId> {
        let uses = |peering: &&super::parts::VnetPeering| {
            let mut back = self.peerings(&peering.remote).iter();
            peering.connected
                && peering.use_remote_gateways
                && back.any(|side| side.remote == *vnet && side.allow_gateway_transit)
        };
        self.peerings(vnet).iter().find(uses).map(|side| &side.remote)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Lab, gateway, id, net};
    use super::*;
    use serde_json::{Value, json};

    /// The spoke of `ea` with one subnet that uses a table, and the way from there to the site.
    fn outward(routes: &Value, off: bool) -> Way {
        let mut lab = Lab::new();
        let table = id("routeTables", "rt");
        let spoke = id("virtualNetworks", "spoke-ea");
        let body = lab.bodies.get_mut(&spoke).unwrap();
        body["properties"]["subnets"] = json!([{ "name": "app", "properties": {
            "addressPrefix": "10.1.0.0/25", "routeTable": { "id": table.as_str() } } }]);
        let hub = lab.bodies.get_mut(&id("virtualNetworks", "hub-ea")).unwrap();
        hub["properties"]["subnets"] =
            json!([{ "name": "nva", "properties": { "addressPrefix": "10.10.10.0/26" } }]);
        let properties = json!({ "disableBgpRoutePropagation": off, "routes": routes });
        lab.bodies.insert(table, json!({ "properties": properties }));
        let estate = lab.estate();
        let from = estate.places(&spoke).remove(0);
        way(&estate, &lab.onprem, &from, &net("10.100.0.0/16"))
    }

    fn route(prefix: &str, kind: &str, hop: Option<&str>) -> Value {
        json!([{ "name": "r", "properties": {
            "addressPrefix": prefix, "nextHopType": kind, "nextHopIpAddress": hop } }])
    }

    #[test]
    fn a_route_of_a_table_goes_before_a_learned_one_of_the_same_length() {
        let through = |routes: &Value| outward(routes, false);
        assert_eq!(through(&json!([])).end, PacketEnd::Gateway(gateway("ea")));
        let PacketEnd::Dropped(why) = through(&route("10.100.0.0/16", "None", None)).end else {
            panic!()
        };
        assert_eq!(why, "dropped by route r of table rt");
        // The learned route is longer.
        assert_eq!(
            through(&route("10.0.0.0/8", "None", None)).end,
            PacketEnd::Gateway(gateway("ea"))
        );
        let by_nva = through(&route("10.100.0.0/16", "VirtualAppliance", Some("10.10.10.4")));
        assert_eq!(by_nva.end, PacketEnd::Gateway(gateway("ea")));
        assert_eq!(by_nva.through.len(), 1);
        let PacketEnd::Dropped(why) =
            through(&route("10.100.0.0/16", "VirtualAppliance", Some("10.9.9.9"))).end
        else {
            panic!()
        };
        assert!(why.contains("10.9.9.9 is in no subnet"), "{why}");
    }

    #[test]
    fn what_two_appliances_send_to_one_another_is_dropped_by_their_tables() {
        let mut lab = Lab::new();
        let hub = id("virtualNetworks", "hub-ea");
        let nvas =
            [("one", "10.10.10.0/28", "10.10.10.20"), ("two", "10.10.10.16/28", "10.10.10.4")];
        let subnets = nvas.map(|(name, prefix, to)| {
            let table = id("routeTables", name);
            let routes = route("10.100.0.0/16", "VirtualAppliance", Some(to));
            lab.bodies.insert(table.clone(), json!({ "properties": { "routes": routes } }));
            json!({ "name": name, "properties": {
                "addressPrefix": prefix, "routeTable": { "id": table.as_str() } } })
        });
        lab.bodies.get_mut(&hub).unwrap()["properties"]["subnets"] = json!(subnets);
        let estate = lab.estate();
        let from = estate.places(&hub).into_iter().find(|own| own.id.name() == "one").unwrap();
        let way = way(&estate, &lab.onprem, &from, &net("10.100.0.0/16"));
        assert_eq!(way.end, PacketEnd::Dropped("goes round between appliances".to_owned()));
        // And so the site's answers do not come back, which is told.
        let all = super::super::reach::reachability(&estate, &lab.onprem);
        let own = all.iter().find(|own| own.network == net("10.10.10.0/24")).unwrap();
        assert!(!own.verdict.works(), "{:?}", own.verdict);
    }

    #[test]
    fn without_the_gateways_routes_nothing_goes_back() {
        let PacketEnd::Dropped(why) = outward(&json!([]), true).end else { panic!() };
        assert!(why.contains("table rt keeps the gateway's routes"), "{why}");
    }
}
