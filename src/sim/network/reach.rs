//! Can a site reach an Azure network, and does the answer come back the same way?

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::choice::{azure_choice, on_premises_choice};
use super::estate::Estate;
use super::inside::{PacketEnd, SubnetPlace, Way, way};
use super::onprem::OnPrem;
use super::pieces::{borders, pieces};
use super::vpn;
use crate::model::ResourceId;

/// How one site and one Azure network see one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The site.
    pub site: String,
    /// The Azure network.
    pub network: IpNet,
    /// The virtual networks that have it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub vnets: BTreeSet<ResourceId>,
    /// The circuits that the site's packets take, or the VPN connections where no circuit carries them.
    pub circuits: BTreeSet<ResourceId>,
    /// Whether it works.
    pub verdict: ReachVerdict,
    /// What a person should know although it works: an appliance that one direction goes past.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// Whether it works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReachVerdict {
    /// There and back over the same circuit or tunnel.
    Symmetric,
    /// There and back, over different circuits: a stateful firewall on the way drops it.
    Asymmetric,
    /// Nothing on-premises hears of the network.
    NoWayThere,
    /// Azure has no route back.
    NoWayBack,
    /// On the way there, inside Azure, and by what; in words.
    DroppedThere(String),
    /// On the way back, inside Azure, and by what; in words.
    DroppedBack(String),
    /// Two regions advertise the same addresses equally well: packets go to either, and drop.
    Split,
}

impl ReachVerdict {
    /// Whether packets arrive and answers come back.
    #[must_use]
    pub fn works(&self) -> bool {
        matches!(self, Self::Symmetric | Self::Asymmetric)
    }

    /// The verdict in a word or two, for people.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Symmetric => "reachable",
            Self::Asymmetric => "reachable, asymmetric",
            Self::NoWayThere => "unreachable",
            Self::NoWayBack => "unreachable, no way back",
            Self::DroppedThere(words) | Self::DroppedBack(words) => words,
            Self::Split => "unreachable, two regions answer for it",
        }
    }
}

/// How each site sees each network that any Azure region has, by site and network.
#[must_use]
pub fn reachability(estate: &Estate<'_>, onprem: &OnPrem) -> Vec<Reach> {
    let mut networks: BTreeMap<IpNet, BTreeSet<ResourceId>> = BTreeMap::new();
    for vnet in estate.vnets() {
        for prefix in &vnet.prefixes {
            networks.entry(*prefix).or_default().insert(vnet.id.clone());
        }
    }
    let mut all = Vec::new();
    let borders = borders(estate, onprem);
    for site in &onprem.sites {
        let pieces = pieces(site, &borders);
        for (network, vnets) in &networks {
            let ways = on_premises_choice(estate, onprem, Some(&site.name), network);
            let tunnels = vpn::ways_there(estate, onprem, &site.name, network);
            let by_circuit =
                ways.first().map(|way| (way.network.prefix_len(), way.local_preference));
            let by_tunnel =
                tunnels.first().map(|way| (way.network.prefix_len(), way.local_preference));
            // A circuit goes first among what is equally good.
            let (circuits, gateways): (BTreeSet<ResourceId>, BTreeSet<&ResourceId>) =
                if by_tunnel > by_circuit {
                    let own = tunnels.iter();
                    own.map(|way| (way.tunnel.clone(), &way.gateway)).unzip()
                } else {
                    ways.iter().map(|way| (way.circuit.clone(), &way.gateway)).unzip()
                };
            // Two hubs of one WAN that both have it lead to the same network.
            let one_wan = gateways.iter().all(|gateway| {
                estate.gateway(gateway).is_some_and(|gateway| gateway.hub.is_some())
            });
            let mut gateways = gateways.into_iter();
            let (verdict, remark) = match (gateways.next(), gateways.next().filter(|_| !one_wan)) {
                (None, _) => (ReachVerdict::NoWayThere, None),
                (Some(_), Some(_)) => (ReachVerdict::Split, None),
                (Some(gateway), None) => {
                    both_ways(estate, onprem, &pieces, network, (gateway, &circuits))
                }
            };
            all.push(Reach {
                site: site.name.clone(),
                network: *network,
                vnets: vnets.clone(),
                circuits,
                verdict,
                remark,
            });
        }
    }
    all
}

/// Whether packets get from a gateway to a network and answers back, inside Azure and beyond.
fn both_ways(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    pieces: &[Vec<IpNet>],
    network: &IpNet,
    (gateway, circuits): (&ResourceId, &BTreeSet<ResourceId>),
) -> (ReachVerdict, Option<String>) {
    let found = estate.gateway(gateway);
    let tunnels_home = estate.vpn_home(gateway);
    let entry = found.as_ref().and_then(|gateway| gateway.vnet.as_ref()).or(tunnels_home.as_ref());
    let subnet = found.as_ref().and_then(|gateway| gateway.subnet.clone());
    let subnet = subnet.or_else(|| estate.vpn_subnet(gateway));
    let hub = found.as_ref().and_then(|gateway| gateway.hub.as_ref());
    let home = match hub {
        Some(hub) => estate.home_over_hubs(hub, network),
        None => entry.and_then(|hub| home_of(estate, hub, network)),
    };
    if let Some(why) = hub.and_then(|hub| estate.hub_drops(hub, network)) {
        return (ReachVerdict::DroppedThere(format!("unreachable, {why}")), None);
    }
    let mut there = BTreeSet::new();
    if let Some(subnet) = subnet
        && let Some(from) =
            entry.and_then(|hub| estate.places(hub).into_iter().find(|place| place.id == subnet))
    {
        let way = way(estate, onprem, &from, network);
        if let PacketEnd::Dropped(why) = way.end {
            return (ReachVerdict::DroppedThere(format!("unreachable, {why}")), None);
        }
        there = way.through;
    }
    // The answers leave from the network's subnets; where it has none, from the gateway itself.
    let (mut out_of, past) = match answers(estate, onprem, pieces, network, home.as_ref(), &there) {
        Ok(found) => found,
        Err(verdict) => return (verdict, None),
    };
    if out_of.is_empty() {
        match &home {
            Some(home) if hub.is_some() => out_of.extend(estate.serving(home).iter().cloned()),
            _ => drop(out_of.insert(gateway.clone())),
        }
    }
    (verdict(estate, onprem, pieces, &out_of, circuits), past)
}

/// By which gateways answers leave a network; none where it has no subnets.
fn answers(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    pieces: &[Vec<IpNet>],
    network: &IpNet,
    home: Option<&ResourceId>,
    there: &BTreeSet<IpAddr>,
) -> Result<Leaving, ReachVerdict> {
    let mut out_of: BTreeSet<ResourceId> = BTreeSet::new();
    let mut past = None;
    let inside = |place: &SubnetPlace| {
        !place.id.name().eq_ignore_ascii_case("GatewaySubnet")
            && place.prefixes.iter().any(|net| network.contains(net))
    };
    let places = home.iter().flat_map(|home| estate.places(home)).filter(inside);
    for place in places {
        let ways = pieces.iter().flat_map(|parts| {
            let ways = parts.iter().map(|to| way(estate, onprem, &place, to));
            let ways: Vec<Way> = ways.collect();
            // A prefix of which a part has no route is not answered as a whole.
            let lacks = ways.iter().find(|way| matches!(way.end, PacketEnd::NoRoute(_))).cloned();
            lacks.map_or(ways, |lacks| vec![lacks])
        });
        let ways: Vec<Way> = ways.collect();
        let leaves = ways.iter().find_map(|way| match &way.end {
            PacketEnd::Gateway(gateway) => Some((gateway, &way.through)),
            PacketEnd::There | PacketEnd::Dropped(_) | PacketEnd::NoRoute(_) => None,
        });
        let dropped = ways.iter().find_map(|way| match &way.end {
            PacketEnd::Dropped(why) => Some(why),
            PacketEnd::There | PacketEnd::Gateway(_) | PacketEnd::NoRoute(_) => None,
        });
        match (leaves, dropped) {
            (Some((by, back)), _) => {
                out_of.insert(by.clone());
                if back != there {
                    let missed = back.symmetric_difference(there).next();
                    past = missed.map(|appliance| {
                        let way = if there.contains(appliance) { "back" } else { "there" };
                        format!("the way {way} goes past the appliance {appliance}")
                    });
                }
            }
            // What has no route at all is told in words of its own.
            (None, Some(why)) => {
                let words = format!("unreachable on the way back, {why}");
                return Err(ReachVerdict::DroppedBack(words));
            }
            (None, None) => {}
        }
    }
    Ok((out_of, past))
}

/// Over what answers come back, and whether that is what they came over.
fn verdict(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    pieces: &[Vec<IpNet>],
    out_of: &BTreeSet<ResourceId>,
    circuits: &BTreeSet<ResourceId>,
) -> ReachVerdict {
    let back: BTreeSet<ResourceId> = out_of
        .iter()
        .flat_map(|gateway| {
            let over = |part: &IpNet| -> Vec<ResourceId> {
                let circuits = azure_choice(estate, onprem, gateway, part).into_iter();
                let tunnels = vpn::ways_back(estate, onprem, gateway, part);
                circuits.map(|way| way.circuit).chain(tunnels).collect()
            };
            let whole = |parts: &Vec<IpNet>| -> Vec<ResourceId> {
                let each: Vec<_> = parts.iter().map(over).collect();
                let lacks = each.iter().any(Vec::is_empty);
                if lacks { Vec::new() } else { each.concat() }
            };
            pieces.iter().flat_map(whole).collect::<Vec<_>>()
        })
        .collect();
    if back.is_empty() {
        ReachVerdict::NoWayBack
    } else if back.intersection(circuits).next().is_some() {
        ReachVerdict::Symmetric
    } else {
        ReachVerdict::Asymmetric
    }
}

/// The gateways by which answers leave, and what they go past.
type Leaving = (BTreeSet<ResourceId>, Option<String>);

/// The network beside a hub, or the hub itself, that has these addresses.
fn home_of(estate: &Estate<'_>, hub: &ResourceId, network: &IpNet) -> Option<ResourceId> {
    let peers = estate.peerings(hub).iter().map(|peering| &peering.remote);
    let mut near = std::iter::once(hub).chain(peers);
    near.find(|vnet| estate.vnet(vnet).is_some_and(|vnet| vnet.prefixes.contains(network))).cloned()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Lab, connection};
    use super::*;

    fn verdict(lab: &Lab, network: &str) -> ReachVerdict {
        let all = reachability(&lab.estate(), &lab.onprem);
        all.iter().find(|reach| reach.network.to_string() == network).unwrap().verdict.clone()
    }

    #[test]
    fn what_is_connected_is_reachable_and_what_is_not_is_not() {
        let mut lab = Lab::new();
        assert_eq!(verdict(&lab, "10.10.10.0/24"), ReachVerdict::Symmetric);
        lab.bodies.remove(&connection("ea"));
        assert_eq!(verdict(&lab, "10.10.10.0/24"), ReachVerdict::NoWayThere);
    }

    #[test]
    fn a_site_that_is_told_in_halves_is_answered_and_one_of_which_half_is_told_is_not() {
        for (halves, expected) in [(2, ReachVerdict::Symmetric), (1, ReachVerdict::NoWayBack)] {
            let mut lab = Lab::new();
            let whole = lab.onprem.clone();
            for link in &mut lab.onprem.links {
                let told = whole.advertised(link).into_iter();
                let told = told.flat_map(|own| {
                    own.subnets(own.prefix_len() + 1).unwrap().take(halves).collect::<Vec<_>>()
                });
                link.advertise = Some(told.collect());
            }
            assert_eq!(verdict(&lab, "10.10.10.0/24"), expected, "{halves}");
        }
    }

    #[test]
    fn a_table_that_drops_a_site_in_halves_drops_it() {
        let mut lab = Lab::new();
        let table = super::super::testing::id("routeTables", "rt");
        let hub = super::super::testing::id("virtualNetworks", "hub-ea");
        let drops: Vec<_> = lab
            .onprem
            .sites
            .iter()
            .flat_map(|site| &site.prefixes)
            .flat_map(|own| own.subnets(own.prefix_len() + 1).unwrap())
            .map(|half| {
                let name = half.to_string().replace(['/', '.'], "-");
                serde_json::json!({ "name": name, "properties": {
                    "addressPrefix": half.to_string(), "nextHopType": "None" } })
            })
            .collect();
        lab.bodies.insert(table.clone(), serde_json::json!({ "properties": { "routes": drops } }));
        lab.bodies.get_mut(&hub).unwrap()["properties"]["subnets"] = serde_json::json!([{
            "name": "app", "properties": { "addressPrefix": "10.10.10.0/26",
                "routeTable": { "id": table.as_str() } } }]);
        let found = verdict(&lab, "10.10.10.0/24");
        assert!(matches!(found, ReachVerdict::DroppedBack(_)), "{found:?}");
    }
}
