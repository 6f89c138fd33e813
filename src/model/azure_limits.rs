//! How much is too much for Azure? Limits of ExpressRoute, as its documents have them on 2026-04-28.
//!
//! Sources: MicrosoftDocs/azure-docs expressroute-limits.md (2023-10-09, with later edits),
//! expressroute-about-virtual-network-gateways.md (2023-11-16 and late 2024),
//! expressroute-howto-linkvnet-arm.md (2020-10-06), expressroute-faqs.md (2023). Several can be raised
//! by a support request.

use ipnet::IpNet;

/// Most DNS servers that a virtual network has (azure-docs azure-virtual-network-limits.md).
pub const DNS_SERVERS_MAX: usize = 20;

/// Routes in a route table: 400 for years, 600 and then 1,000 since the spring of 2026 (azure-docs PR 128356, 128572 and
/// 128759; Azure updates 562695). Azure tells a subscription's own figure among its usages.
pub const ROUTES_PER_TABLE: usize = 1_000;

/// The name of that figure among the usages of Microsoft.Network.
pub const ROUTES_PER_TABLE_USAGE: &str = "RoutesPerRouteTable";

/// What a gateway of one SKU can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewaySku {
    /// Its name.
    pub name: &'static str,
    /// Whether it stands in several availability zones.
    pub zone_redundant: bool,
    /// Megabits per second.
    pub mbps: u64,
    /// Routes that it learns.
    pub routes_learned: u64,
    /// Circuits that it may be connected to.
    pub circuits: usize,
    /// Whether it has FastPath.
    pub fastpath: bool,
}

const fn sku(
    name: &'static str,
    zone_redundant: bool,
    numbers: (u64, u64, usize),
    fastpath: bool,
) -> GatewaySku {
    let (mbps, routes_learned, circuits) = numbers;
    GatewaySku { name, zone_redundant, mbps, routes_learned, circuits, fastpath }
}

/// The SKUs of ExpressRoute gateways. ErGwScale counts as with one scale unit.
pub const GATEWAY_SKUS: &[GatewaySku] = &[
    sku("Standard", false, (1_000, 4_000, 4), false),
    sku("ErGw1AZ", true, (1_000, 4_000, 4), false),
    sku("HighPerformance", false, (2_000, 9_500, 8), false),
    sku("ErGw2AZ", true, (2_000, 9_500, 8), false),
    sku("UltraPerformance", false, (10_000, 9_500, 16), true),
    sku("ErGw3AZ", true, (10_000, 9_500, 16), true),
    sku("ErGwScale", true, (1_000, 9_500, 4), false),
];

/// The longest prefix of an IPv4 subnet, and the only one of an IPv6 subnet (Microsoft Learn, virtual network FAQ and
/// IPv6 for Azure Virtual Network).
const SUBNET_V4_LONGEST: u8 = 29;
const SUBNET_V6: u8 = 64;

/// What is wrong with the size of a subnet's prefix, as the end of a sentence; none where Azure makes such a subnet.
#[must_use]
pub fn wrong_subnet_size(prefix: &IpNet) -> Option<&'static str> {
    match prefix {
        IpNet::V4(own) if own.prefix_len() > SUBNET_V4_LONGEST => {
            Some("is too small: the smallest IPv4 subnet of Azure is a /29")
        }
        IpNet::V6(own) if own.prefix_len() != SUBNET_V6 => {
            Some("is of another size than an IPv6 subnet of Azure has: exactly /64")
        }
        IpNet::V4(_) | IpNet::V6(_) => None,
    }
}

/// A subnet whose name says which of Azure's services is to stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceSubnet {
    /// Its name.
    pub name: &'static str,
    /// What stands in it.
    pub service: &'static str,
    /// The longest IPv4 prefix that the service takes.
    pub longest: u8,
    /// The longest that Azure recommends.
    pub recommended: u8,
}

const fn service_subnet(
    name: &'static str,
    service: &'static str,
    (longest, recommended): (u8, u8),
) -> ServiceSubnet {
    ServiceSubnet { name, service, longest, recommended }
}

/// Such subnets, but for that of gateways (Microsoft Learn: Azure Firewall FAQ, Azure Bastion configuration settings,
/// Azure Route Server quickstart and FAQ; a Route Server is made in a /27, and /26 is asked for since 2025).
const SERVICE_SUBNETS: [ServiceSubnet; 4] = [
    service_subnet("AzureFirewallSubnet", "Azure Firewall", (26, 26)),
    service_subnet("AzureFirewallManagementSubnet", "Azure Firewall", (26, 26)),
    service_subnet("AzureBastionSubnet", "Azure Bastion", (26, 26)),
    service_subnet("RouteServerSubnet", "Route Server", (27, 26)),
];

/// The service that a subnet's name is kept for; none of a gateway's.
#[must_use]
pub fn service_subnet_named(name: &str) -> Option<&'static ServiceSubnet> {
    SERVICE_SUBNETS.iter().find(|own| own.name.eq_ignore_ascii_case(name))
}

/// Scale units from which a gateway of the SKU ErGwScale has FastPath.
pub const FAST_PATH_UNITS: u64 = 10;

/// Whether a gateway of a SKU has FastPath; `units` are the least that one that scales has.
#[must_use]
pub fn has_fast_path(sku: &str, units: Option<u64>) -> bool {
    let known = GATEWAY_SKUS.iter().find(|own| own.name.eq_ignore_ascii_case(sku));
    let scaled = sku.eq_ignore_ascii_case("ErGwScale");
    known.is_some_and(|own| own.fastpath)
        || (scaled && units.is_some_and(|units| units >= FAST_PATH_UNITS))
}

/// The SKUs of VPN gateways, each with its size among those of its family; a family is what Azure resizes
/// within (VPN-GW, "Resizing and changing SKUs"). Sizes 4 and 5 are of another generation.
pub const VPN_SKUS: &[(&str, &str, u8)] = &[
    ("Basic", "basic", 1),
    ("VpnGw1", "one zone", 1),
    ("VpnGw2", "one zone", 2),
    ("VpnGw3", "one zone", 3),
    ("VpnGw4", "one zone, second generation", 4),
    ("VpnGw5", "one zone, second generation", 5),
    ("VpnGw1AZ", "zones", 1),
    ("VpnGw2AZ", "zones", 2),
    ("VpnGw3AZ", "zones", 3),
    ("VpnGw4AZ", "zones, second generation", 4),
    ("VpnGw5AZ", "zones, second generation", 5),
];

/// What a VPN gateway of SKU `has` needs to be at least of SKU `wanted`; none where one of them is no VPN
/// gateway's. Never smaller.
#[must_use]
pub fn vpn_resize(has: &str, wanted: &str) -> Option<Resize> {
    let of = |name: &str| VPN_SKUS.iter().find(|(own, ..)| own.eq_ignore_ascii_case(name));
    let ((_, family, size), (name, wanted, asked)) = (of(has)?, of(wanted)?);
    let zones = family.starts_with("zones") || !name.ends_with("AZ");
    Some(match () {
        () if size >= asked && zones => Resize::None,
        () if family == wanted => Resize::InPlace,
        () => Resize::Refused,
    })
}

/// What a gateway of one SKU needs to be of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resize {
    /// It is as large, or larger.
    None,
    /// Azure does it in place: up within a family.
    InPlace,
    /// Azure refuses it: another family, or from ErGwScale (azurerm 20007, PR 31628).
    Refused,
}

/// What a gateway of SKU `has` needs to be at least of SKU `wanted`; a failover never makes one smaller.
/// What is not known is taken as it is written.
#[must_use]
pub fn resize(has: &str, wanted: &str) -> Resize {
    if let Some(vpn) = vpn_resize(has, wanted) {
        return vpn;
    }
    let (Some(has), Some(wanted)) = (gateway_sku(has), gateway_sku(wanted)) else {
        return if has.eq_ignore_ascii_case(wanted) { Resize::None } else { Resize::InPlace };
    };
    let zones = has.zone_redundant || !wanted.zone_redundant;
    if has == wanted || (zones && wanted.name != SCALE && has.mbps >= wanted.mbps) {
        return Resize::None;
    }
    let family = has.zone_redundant == wanted.zone_redundant;
    if family && has.name != SCALE { Resize::InPlace } else { Resize::Refused }
}

/// Whether Azure makes a gateway of one SKU one of another in place: up within a family, from zone-redundant ones to
/// ErGwScale, which goes nowhere from there, and down in two cases only (azurerm 20007, PR 31628; azure-docs
/// scalable-gateway.md, November 2025).
#[must_use]
pub fn resizes_in_place(has: &str, wanted: &str) -> bool {
    let down = [("HighPerformance", "Standard"), ("ErGw2AZ", "ErGw1AZ")];
    let is_down = |(from, to): &(&str, &str)| {
        has.eq_ignore_ascii_case(from) && wanted.eq_ignore_ascii_case(to)
    };
    let same_family = match (gateway_sku(has), gateway_sku(wanted)) {
        (Some(has), Some(wanted)) => {
            let family = has.zone_redundant == wanted.zone_redundant && has.name != SCALE;
            has == wanted || (family && (wanted.name == SCALE || has.mbps < wanted.mbps))
        }
        _ => vpn_resize(has, wanted).is_none_or(|way| {
            // Down within a family as well: Azure does it.
            way == Resize::InPlace || vpn_resize(wanted, has) != Some(Resize::Refused)
        }),
    };
    same_family || down.iter().any(is_down)
}

/// The SKU whose size is a setting of its own.
pub const SCALE: &str = "ErGwScale";

/// The regions that have no ErGwScale (azure-docs scalable-gateway.md, November 2025).
pub const WITHOUT_SCALE: [&str; 9] = [
    "belgiumcentral",
    "eastus2",
    "japaneast",
    "qatarcentral",
    "southcentralus",
    "southeastasia",
    "westeurope",
    "westindia",
    "westus2",
];

/// Whether a gateway scales between these units: from two up, or it stays at one (azure-docs scalable-gateway.md;
/// azurerm PR 31628).
#[must_use]
pub fn scales_between(min: u64, max: u64) -> bool {
    min <= max && (min > 1 || (min, max) == (1, 1))
}

/// The SKU of that name.
#[must_use]
pub fn gateway_sku(name: &str) -> Option<&'static GatewaySku> {
    GATEWAY_SKUS.iter().find(|sku| sku.name.eq_ignore_ascii_case(name))
}

/// Bandwidth in Mbps, and how many networks may be linked to a circuit of it: Local and Standard, and
/// Premium. Global Reach connections count.
pub const LINKS: &[(u64, usize, usize)] = &[
    (50, 10, 20),
    (100, 10, 25),
    (200, 10, 25),
    (500, 10, 40),
    (1_000, 10, 50),
    (2_000, 10, 60),
    (5_000, 10, 75),
    (10_000, 10, 100),
    (40_000, 10, 100),
    (100_000, 10, 100),
];

/// The bandwidths in Mbps that circuits of providers are sold with (`bandwidthsOffered`); one provider at one place
/// may offer fewer. What is above them is a share of a port of one's own.
pub const BANDWIDTHS: [u32; 8] = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];

/// The least bandwidth that is sold and is as much; none where no provider sells that much.
#[must_use]
pub fn bandwidth_sold(mbps: u32) -> Option<u32> {
    BANDWIDTHS.into_iter().find(|sold| *sold >= mbps)
}

/// How many networks may be linked to a circuit.
#[must_use]
pub fn links_max(mbps: u64, premium: bool) -> usize {
    let row = LINKS.iter().rev().find(|(at, ..)| *at <= mbps).unwrap_or(&LINKS[0]);
    if premium { row.2 } else { row.1 }
}

/// Circuits that the gateway of a hub may be connected to, whatever its units (virtual WAN limits).
pub const CIRCUITS_OF_HUB: usize = 8;

/// Circuits of one peering location that one network, or one hub, may be linked to.
pub const CIRCUITS_OF_ONE_LOCATION: usize = 4;

/// The longest prefix of a new gateway's subnet; longer ones exist and are tolerated (azure-facts 7.3).
pub const GATEWAY_SUBNET_NEW: u8 = 27;

/// The longest prefix of a subnet whose gateway has 16 circuits.
pub const GATEWAY_SUBNET_16_CIRCUITS: u8 = 26;

/// Prefixes that on-premises may advertise over private peering: Standard and Local, and Premium.
const ONPREM_PREFIXES: (usize, usize) = (4_000, 10_000);

/// How many prefixes on-premises may advertise over the private peering of a circuit; one more ends the session.
#[must_use]
pub const fn onprem_prefixes_max(premium: bool) -> usize {
    if premium { ONPREM_PREFIXES.1 } else { ONPREM_PREFIXES.0 }
}

/// Prefixes of IPv4 that a hub and its spokes may advertise to a circuit.
pub const VNET_PREFIXES: usize = 1_000;

/// Prefixes of IPv6 that they may advertise (azure-facts 2.2, RT-VNET).
pub const VNET_PREFIXES_V6: usize = 100;

/// Prefixes that they may have when a connection is made.
pub const VNET_PREFIXES_AT_CREATION: usize = 200;

/// Peerings of a network with an ExpressRoute gateway.
pub const PEERINGS_OF_HUB: usize = 500;
