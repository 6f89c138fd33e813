//! What goes through the tunnels? VPN gateways, the devices at the other end, and what each side tells.
//!
//! Azure takes the longest prefix, and among equal ones a circuit before a tunnel (VPN-COEX: ExpressRoute is
//! the primary path). A tunnel carries IPv4 and nothing else. On-premises does as its devices are told: here a link of a circuit is preferred to a
//! device unless the world says otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::estate::Estate;
use super::onprem::OnPrem;
use super::parts::Tunnel;
use super::routes::networks_behind;
use crate::model::{Region, ResourceId};

/// A VPN device of the customer's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VpnDevice {
    /// Its public address, by which local network gateways name it.
    pub address: IpAddr,
    /// The sites behind it, by name; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// Whether it answers.
    #[serde(default = "yes")]
    pub up: bool,
    /// How on-premises prefers what lies behind it: the larger wins. Links of circuits have 100.
    #[serde(default = "less_than_a_link")]
    pub local_preference: u32,
}

fn yes() -> bool {
    true
}

fn less_than_a_link() -> u32 {
    50
}

/// A way through a tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TunnelWay {
    pub(super) tunnel: ResourceId,
    pub(super) gateway: ResourceId,
    /// The prefix that was matched.
    pub(super) network: IpNet,
    /// How on-premises prefers it.
    pub(super) local_preference: u32,
}

const GATEWAYS: &str = "Microsoft.Network/virtualNetworkGateways";
const CONNECTIONS: &str = "Microsoft.Network/connections";

fn text<'v>(body: &'v Value, pointer: &str) -> Option<&'v str> {
    body.pointer(pointer)?.as_str()
}

fn id_at(body: &Value, pointer: &str) -> Option<ResourceId> {
    ResourceId::parse(text(body, pointer)?).ok()
}

impl Estate<'_> {
    /// All tunnels, by id.
    #[must_use]
    pub fn tunnels(&self) -> &[Tunnel] {
        self.known_tunnels(|| {
            let all = self.of_type(CONNECTIONS).filter_map(|(id, body)| {
                Some(Tunnel {
                    id: id.clone(),
                    gateway: id_at(body, "/properties/virtualNetworkGateway1/id")?,
                    local_gateway: id_at(body, "/properties/localNetworkGateway2/id")?,
                    bgp: body.pointer("/properties/enableBgp") == Some(&Value::Bool(true)),
                    succeeded: text(body, "/properties/provisioningState") == Some("Succeeded"),
                })
            });
            all.collect()
        })
    }

    /// The tunnels of a VPN gateway.
    fn tunnels_of(&self, gateway: &ResourceId) -> impl Iterator<Item = &Tunnel> {
        self.tunnels().iter().filter(move |tunnel| tunnel.gateway == *gateway)
    }

    /// The network of a VPN gateway that is there, done, and not in a region that is down.
    pub(super) fn vpn_home(&self, gateway: &ResourceId) -> Option<ResourceId> {
        self.vpn_homes().get(gateway).cloned()
    }

    /// The living VPN gateways and their networks.
    fn vpn_homes(&self) -> &BTreeMap<ResourceId, ResourceId> {
        self.known_vpn_homes(|| {
            let all = self.of_type(GATEWAYS);
            all.filter_map(|(id, body)| Some((id.clone(), self.read_vpn_home(body)?))).collect()
        })
    }

    fn read_vpn_home(&self, body: &Value) -> Option<ResourceId> {
        let is_vpn = text(body, "/properties/gatewayType")?.eq_ignore_ascii_case("Vpn");
        let done = text(body, "/properties/provisioningState") == Some("Succeeded");
        let region = text(body, "/location").and_then(|at| Region::parse(at).ok());
        let up = region.is_none_or(|region| !self.is_down(&region));
        let subnet = id_at(body, "/properties/ipConfigurations/0/properties/subnet/id")?;
        subnet.parent().filter(|_| is_vpn && done && up && !self.is_cut_off(&subnet))
    }

    /// The subnet that a VPN gateway stands in.
    pub(super) fn vpn_subnet(&self, gateway: &ResourceId) -> Option<ResourceId> {
        id_at(self.body(gateway)?, "/properties/ipConfigurations/0/properties/subnet/id")
    }

    /// The living VPN gateways of a network.
    pub(super) fn vpn_gateways_of(&self, vnet: &ResourceId) -> Vec<ResourceId> {
        let all = self.vpn_homes().iter().filter(|(_, home)| *home == vnet);
        all.map(|(id, _)| id.clone()).collect()
    }

    /// The device at the other end of a tunnel, if both ends stand.
    pub(super) fn device<'o>(&self, onprem: &'o OnPrem, tunnel: &Tunnel) -> Option<&'o VpnDevice> {
        let local = self.body(&tunnel.local_gateway)?;
        let address: IpAddr = text(local, "/properties/gatewayIpAddress")?.parse().ok()?;
        let device = onprem.devices.iter().find(|device| device.address == address)?;
        let stands = tunnel.succeeded && device.up && self.vpn_home(&tunnel.gateway).is_some();
        Some(device).filter(|_| stands)
    }

    /// What Azure sends through a tunnel: the prefixes that its local gateway lists, and those of the sites where
    /// BGP tells them.
    pub(super) fn behind(&self, onprem: &OnPrem, tunnel: &Tunnel) -> BTreeSet<IpNet> {
        let list = self
            .body(&tunnel.local_gateway)
            .and_then(|body| body.pointer("/properties/localNetworkAddressSpace/addressPrefixes"));
        let listed = list.and_then(Value::as_array).into_iter().flatten();
        let mut all: BTreeSet<IpNet> = listed
            .filter_map(|own| own.as_str()?.parse::<IpNet>().ok())
            .map(|own| own.trunc())
            .filter(|own| matches!(own, IpNet::V4(_)))
            .collect();
        if let Some(device) = self.device(onprem, tunnel).filter(|_| tunnel.bgp) {
            let sites = onprem.sites.iter().filter(|site| device.reaches(&site.name));
            let told = sites.flat_map(|site| site.prefixes.iter().map(IpNet::trunc));
            all.extend(told.filter(|own| matches!(own, IpNet::V4(_))));
        }
        all
    }
}

impl VpnDevice {
    /// Whether a site is behind it.
    #[must_use]
    pub fn reaches(&self, site: &str) -> bool {
        self.sites.is_empty() || self.sites.iter().any(|name| name == site)
    }
}

/// The `connectionStatus` that a tunnel settles at; none where the world has no devices, and nobody knows.
#[must_use]
pub fn tunnel_status(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    tunnel: &ResourceId,
) -> Option<&'static str> {
    let found = estate.tunnels().iter().find(|own| own.id == *tunnel)?;
    if onprem.devices.is_empty() {
        return None;
    }
    Some(if estate.device(onprem, found).is_some() { "Connected" } else { "NotConnected" })
}

/// The tunnels by which a site gets to an Azure network: those of the longest prefix that the device prefers.
pub(super) fn ways_there(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    site: &str,
    to: &IpNet,
) -> Vec<TunnelWay> {
    let mut ways = Vec::new();
    // A tunnel carries IPv4.
    for tunnel in estate.tunnels().iter().filter(|_| matches!(to, IpNet::V4(_))) {
        let device = estate.device(onprem, tunnel).filter(|device| device.reaches(site));
        let (Some(device), Some(home)) = (device, estate.vpn_home(&tunnel.gateway)) else {
            continue;
        };
        let networks = networks_behind(estate, &home);
        let best =
            networks.into_iter().filter(|own| own.contains(to)).max_by_key(IpNet::prefix_len);
        if let Some(network) = best.filter(|_| !estate.is_silent(&tunnel.id)) {
            ways.push(TunnelWay {
                tunnel: tunnel.id.clone(),
                gateway: tunnel.gateway.clone(),
                network,
                local_preference: device.local_preference,
            });
        }
    }
    let rank = |way: &TunnelWay| (way.network.prefix_len(), way.local_preference);
    if let Some(best) = ways.iter().map(rank).max() {
        ways.retain(|way| rank(way) == best);
    }
    ways
}

/// The tunnels by which a gateway sends what is for an on-premises prefix.
pub(super) fn ways_back(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    gateway: &ResourceId,
    to: &IpNet,
) -> Vec<ResourceId> {
    let own = estate.tunnels_of(gateway);
    let mut ways: Vec<(u8, ResourceId)> = own
        .filter(|tunnel| estate.device(onprem, tunnel).is_some())
        .filter_map(|tunnel| {
            let behind = estate.behind(onprem, tunnel).into_iter();
            let best = behind.filter(|own| own.contains(to)).map(|own| own.prefix_len()).max()?;
            (!estate.is_silent(&tunnel.id)).then(|| (best, tunnel.id.clone()))
        })
        .collect();
    if let Some(best) = ways.iter().map(|(length, _)| *length).max() {
        ways.retain(|(length, _)| *length == best);
    }
    ways.into_iter().map(|(_, id)| id).collect()
}

/// The longest prefix over a destination that a VPN gateway sends into a tunnel.
pub(super) fn learned(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    gateway: &ResourceId,
    to: &IpNet,
) -> Option<u8> {
    // A static route stands only while its tunnel does.
    estate
        .tunnels_of(gateway)
        .filter(|tunnel| estate.device(onprem, tunnel).is_some())
        .flat_map(|tunnel| estate.behind(onprem, tunnel))
        .filter(|network| network.contains(to))
        .map(|network| network.prefix_len())
        .max()
}

#[cfg(test)]
mod tests {
    use super::super::reach::{ReachVerdict, reachability};
    use super::super::testing::{Lab, connection, id};
    use super::*;
    use serde_json::json;

    const DEVICE: &str = "203.0.113.7";

    /// The lab with a VPN gateway beside the ExpressRoute one of `ea`, and a tunnel to the site's device.
    fn lab() -> Lab {
        let mut lab = Lab::new();
        let subnet = id("virtualNetworks", "hub-ea").child("subnets", "GatewaySubnet").unwrap();
        lab.bodies.extend([
            (
                id("virtualNetworkGateways", "vgw"),
                json!({ "location": "eastasia", "properties": { "gatewayType": "Vpn",
                    "provisioningState": "Succeeded", "ipConfigurations": [
                        { "properties": { "subnet": { "id": subnet.as_str() } } } ] } }),
            ),
            (
                id("localNetworkGateways", "hq"),
                json!({ "properties": { "gatewayIpAddress": DEVICE,
                    "localNetworkAddressSpace": { "addressPrefixes": ["10.100.0.0/16"] } } }),
            ),
            (
                id("connections", "vpn"),
                json!({ "properties": { "connectionType": "IPsec", "provisioningState": "Succeeded",
                    "virtualNetworkGateway1": { "id": id("virtualNetworkGateways", "vgw").as_str() },
                    "localNetworkGateway2": { "id": id("localNetworkGateways", "hq").as_str() } } }),
            ),
        ]);
        lab.onprem.devices.push(VpnDevice {
            address: DEVICE.parse().unwrap(),
            sites: Vec::new(),
            up: true,
            local_preference: 50,
        });
        lab
    }

    fn reach(lab: &Lab, network: &str) -> (ReachVerdict, Vec<String>) {
        let all = reachability(&lab.estate(), &lab.onprem);
        let found = all.into_iter().find(|reach| reach.network.to_string() == network).unwrap();
        (found.verdict, found.circuits.iter().map(|id| id.name().to_owned()).collect())
    }

    #[test]
    fn a_circuit_carries_while_it_stands_and_the_tunnel_when_it_is_down() {
        let mut lab = lab();
        for network in ["10.10.10.0/24", "10.1.0.0/24"] {
            let over_circuit = (ReachVerdict::Symmetric, vec!["er-ea".to_owned()]);
            assert_eq!(reach(&lab, network), over_circuit, "{network}");
        }
        lab.links("ea").for_each(|link| link.up = false);
        for network in ["10.10.10.0/24", "10.1.0.0/24"] {
            let over_tunnel = (ReachVerdict::Symmetric, vec!["vpn".to_owned()]);
            assert_eq!(reach(&lab, network), over_tunnel, "{network}");
        }
        lab.bodies.remove(&connection("ea"));
        assert_eq!(reach(&lab, "10.1.0.0/24").0, ReachVerdict::Symmetric);
    }

    #[test]
    fn a_tunnel_whose_device_is_down_or_unknown_is_not_connected_and_carries_nothing() {
        let status =
            |lab: &Lab| tunnel_status(&lab.estate(), &lab.onprem, &id("connections", "vpn"));
        let mut lab = lab();
        lab.bodies.remove(&connection("ea"));
        assert_eq!(status(&lab), Some("Connected"));
        lab.onprem.devices[0].up = false;
        assert_eq!(status(&lab), Some("NotConnected"));
        assert_eq!(reach(&lab, "10.1.0.0/24").0, ReachVerdict::NoWayThere);
        lab.onprem.devices[0].up = true;
        lab.onprem.devices[0].address = "203.0.113.8".parse().unwrap();
        assert_eq!(status(&lab), Some("NotConnected"));
        lab.onprem.devices.clear();
        assert_eq!(status(&lab), None, "nobody knows");
    }

    #[test]
    fn a_local_gateway_without_the_sites_prefixes_has_no_way_back() {
        let mut lab = lab();
        lab.bodies.remove(&connection("ea"));
        let hq = id("localNetworkGateways", "hq");
        lab.set(
            &hq,
            "/properties/localNetworkAddressSpace/addressPrefixes",
            json!(["10.7.0.0/16"]),
        );
        assert!(!reach(&lab, "10.1.0.0/24").0.works());
        // BGP tells them.
        let tunnel = lab.bodies.get_mut(&id("connections", "vpn")).unwrap();
        tunnel["properties"]["enableBgp"] = json!(true);
        assert_eq!(reach(&lab, "10.1.0.0/24").0, ReachVerdict::Symmetric);
    }

    #[test]
    fn a_longer_prefix_of_the_tunnel_takes_the_answers_from_the_circuit() {
        let mut lab = lab();
        let hq = id("localNetworkGateways", "hq");
        lab.set(
            &hq,
            "/properties/localNetworkAddressSpace/addressPrefixes",
            json!(["10.100.0.0/17", "10.100.128.0/17"]),
        );
        // The site's own prefix is wider than both: the circuit has it.
        assert_eq!(reach(&lab, "10.1.0.0/24").0, ReachVerdict::Symmetric);
        let spoke = lab.bodies.get_mut(&id("virtualNetworks", "spoke-ea")).unwrap();
        spoke["properties"]["subnets"] =
            json!([{ "name": "app", "properties": { "addressPrefix": "10.1.0.0/25" } }]);
        lab.onprem.sites[0].prefixes = vec!["10.100.1.0/24".parse().unwrap()];
        for link in lab.links("ea") {
            link.advertise = Some(vec!["10.100.0.0/16".parse().unwrap()]);
        }
        assert_eq!(reach(&lab, "10.1.0.0/24").0, ReachVerdict::Asymmetric);
    }

    #[test]
    fn a_vpn_gateway_in_a_region_that_is_down_carries_nothing() {
        let mut lab = lab();
        lab.down.insert(Region::parse("eastasia").unwrap());
        assert_eq!(reach(&lab, "10.1.0.0/24").0, ReachVerdict::NoWayThere);
    }
}
