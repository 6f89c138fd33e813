//! What do the steps of the last path take, and those after the network? VPN, names, traffic managers.

use super::actions::TAGS;
use super::grammar::{Field, Kind, may, must};
use super::kinds::{CONNECTIONS, GATEWAYS, PUBLIC_IPS, VNETS};

pub(super) const LOCAL_GATEWAYS: &str = "Microsoft.Network/localNetworkGateways";
const DNS_ZONES: &str = "Microsoft.Network/privateDnsZones";
const ADDRESSES: Kind = Kind::OneOrMany(&Kind::Ip);

/// The SKUs of VPN gateways that a runbook may make: zone-redundant ones, since Azure makes no others any more.
pub(super) const VPN_SKUS: &[&str] = &["VpnGw1AZ", "VpnGw2AZ", "VpnGw3AZ", "VpnGw4AZ", "VpnGw5AZ"];

const SHARED_KEY_OF: &str =
    "Instead: another VPN connection to the same device, whose key is read when it is needed.";

const SHARED_KEY: &str = "A secret parameter with the key that both ends share. It is set when the connection is \
                          made and not compared afterwards: Azure hides it.";

pub(super) const LOCAL_GATEWAY: &[Field] = &[
    must("name", Kind::IdOrName(LOCAL_GATEWAYS), "Its name, or its id."),
    may("vnet", Kind::Id(VNETS), "A virtual network whose resource group it shares."),
    must("location", Kind::Region, "Where it is: the VPN gateway's region."),
    must("address", Kind::Ip, "The public address of the customer's device."),
    may(
        "prefixes",
        Kind::List(&Kind::Cidr),
        "The prefixes behind the device, and no others; they may be absent where BGP tells them.",
    ),
    may("bgp", Kind::Object(BGP_SPEAKER), "How the device speaks BGP, where it does."),
    TAGS,
];

const BGP_SPEAKER: &[Field] = &[
    must("asn", Kind::Int(1, 4_294_967_295), "Its autonomous system number."),
    must("address", Kind::Ip, "The address inside the tunnel that it speaks from."),
];

pub(super) const VPN_GATEWAY: &[Field] = &[
    must("name", Kind::IdOrName(GATEWAYS), "Its name, or its id."),
    must("vnet", Kind::Id(VNETS), "The virtual network; its GatewaySubnet is used."),
    must("location", Kind::Region, "Where it is."),
    must("sku", Kind::OneOf(VPN_SKUS), "Its SKU."),
    must(
        "public_ips",
        Kind::List(&Kind::IdOrName(PUBLIC_IPS)),
        "Its public addresses, by name or id: one, or two for an active-active gateway.",
    ),
    may(
        "asn",
        Kind::Int(1, 4_294_967_295),
        "Its autonomous system number, where it speaks BGP over the tunnels.",
    ),
    TAGS,
];

pub(super) const VPN_CONNECTION: &[Field] = &[
    must("name", Kind::IdOrName(CONNECTIONS), "Its name, or its id."),
    must("location", Kind::Region, "Where it is: the gateway's region."),
    must("gateway", Kind::Id(GATEWAYS), "The VPN gateway."),
    must("local_gateway", Kind::Id(LOCAL_GATEWAYS), "What stands for the customer's device."),
    may("shared_key", Kind::Secret, SHARED_KEY),
    may("shared_key_of", Kind::Id(CONNECTIONS), SHARED_KEY_OF),
    may("bgp", Kind::Bool, "Whether routes are told by BGP; left as it is when absent."),
    may(
        "routing_weight",
        Kind::Int(0, 32_000),
        "Among the gateway's tunnels; left as it is when absent.",
    ),
    TAGS,
];

pub(super) const VPN_CONNECTION_REMOVE: &[Field] = &[
    must("id", Kind::Id(CONNECTIONS), "The connection."),
    may("gateway", Kind::Id(GATEWAYS), "Its gateway: no other step writes it meanwhile."),
    may("shared_key", Kind::Secret, "A secret parameter with its key: an undo sets it anew."),
    may("shared_key_of", Kind::Id(CONNECTIONS), SHARED_KEY_OF),
];

pub(super) const DNS_RECORD: &[Field] = &[
    must("zone", Kind::Id(DNS_ZONES), "The private DNS zone."),
    must("name", Kind::Text, "The name within the zone; `@` for the zone's own."),
    must(
        "addresses",
        ADDRESSES,
        "Exactly these addresses: of IPv4 (the A record), or of IPv6 (the AAAA record).",
    ),
    may(
        "ttl",
        Kind::Int(1, 2_147_483_647),
        "Seconds for which it is remembered; left as it is when absent, 300 on a new one.",
    ),
];

pub(super) const TRAFFIC_ENDPOINT: &[Field] = &[
    must("endpoint", Kind::Id(""), "The endpoint of a Traffic Manager profile; it must be there."),
    may("enabled", Kind::Bool, "Whether clients are sent there; left as it is when absent."),
    may("priority", Kind::Int(1, 1_000), "Its turn: the lowest that answers is taken."),
    may("weight", Kind::Int(1, 1_000), "Its share."),
];
