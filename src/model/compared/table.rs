//! Which field of which action is compared how? The rows.

use super::{ComparedField, How, Remedy, Unshown};

/// An action, and the type of the resource it is about.
type Of = (&'static str, &'static str);

const ADDRESS: Of = ("public_ip.ensure", "Microsoft.Network/publicIPAddresses");
const SUBNET: Of = ("subnet.ensure", "Microsoft.Network/virtualNetworks/subnets");
const GATEWAY: Of = ("gateway.ensure", "Microsoft.Network/virtualNetworkGateways");
const CONNECTION: Of = ("connection.ensure", "Microsoft.Network/connections");
const PEERING: Of = ("peering.ensure", "Microsoft.Network/virtualNetworks/virtualNetworkPeerings");
const TABLE: Of = ("route_table.ensure", "Microsoft.Network/routeTables");
const ROUTE: Of = ("route.ensure", "Microsoft.Network/routeTables/routes");
const SECURITY_GROUP: Of =
    ("security_group.associate", "Microsoft.Network/virtualNetworks/subnets");
const DNS: Of = ("vnet.dns", "Microsoft.Network/virtualNetworks");
const TIER: Of = ("circuit.tier", "Microsoft.Network/expressRouteCircuits");
const ASSOCIATION: Of = ("route_table.associate", "Microsoft.Network/virtualNetworks/subnets");
const LOCAL_GATEWAY: Of =
    ("local_network_gateway.ensure", "Microsoft.Network/localNetworkGateways");
const VPN_GATEWAY: Of = ("vpn_gateway.ensure", "Microsoft.Network/virtualNetworkGateways");
const VPN_CONNECTION: Of = ("vpn_connection.ensure", "Microsoft.Network/connections");
const NAME: Of = ("private_dns.record", "Microsoft.Network/privateDnsZones/A");
const NAME_V6: Of = ("private_dns.record", "Microsoft.Network/privateDnsZones/AAAA");
const ENDPOINT: Of =
    ("traffic_manager.endpoint", "Microsoft.Network/trafficManagerProfiles/azureEndpoints");
const ENDPOINT_OUTSIDE: Of =
    ("traffic_manager.endpoint", "Microsoft.Network/trafficManagerProfiles/externalEndpoints");
const ENDPOINT_NESTED: Of =
    ("traffic_manager.endpoint", "Microsoft.Network/trafficManagerProfiles/nestedEndpoints");
const CIRCUIT: Of = ("circuit.bandwidth", "Microsoft.Network/expressRouteCircuits");

const HUB: Of = ("virtual_hub.ensure", "Microsoft.Network/virtualHubs");
const HUB_GATEWAY: Of = ("hub_gateway.ensure", "Microsoft.Network/expressRouteGateways");
const HUB_CONNECTION: Of =
    ("hub_connection.ensure", "Microsoft.Network/expressRouteGateways/expressRouteConnections");
const HUB_VNET: Of =
    ("hub_vnet.ensure", "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections");
const HUB_TABLE: Of = ("hub_routes.ensure", "Microsoft.Network/virtualHubs/hubRouteTables");

/// Where a connection of a hub says which tables it follows and fills.
const ASSOCIATED: &str = "properties/routingConfiguration/associatedRouteTable/id";
const PROPAGATED: &str = "properties/routingConfiguration/propagatedRouteTables/ids";
const LABELS: &str = "properties/routingConfiguration/propagatedRouteTables/labels";

const UPGRADED: &str = "A Basic hub carries no ExpressRoute: upgrade its WAN to Standard first, with whoever \
                        owns the WAN.";

const ANOTHER: &str = "Choose another name, or remove it first.";
const ZONES: &str = "Azure answers ResourceAvailabilityZonesCannotBeModified to every try. Choose another \
                     name, or remove it first, or take the zones out of the runbook.";
const RESIZED: &str = "Up within a family is written. A gateway that does as much or more holds: none is \
                       ever made smaller. Between families Azure changes nothing in place: take the SKU \
                       that it has into the runbook, migrate the gateway on a quiet day, or choose \
                       another name and remove this one first.";
const PREFIXES: &str = "A prefix is added beside those of a subnet. One that none of the same family \
                        answers to is another address range, and a subnet in use is not renumbered: write \
                        the prefix it has, or make another subnet.";

/// Written in place where it differs.
const fn written(
    (action, of): Of,
    path: &'static str,
    what: &'static str,
    how: How,
    unshown: Unshown,
) -> ComparedField {
    ComparedField { action, of, path, what, how, unshown, remedy: Remedy::Written }
}

/// A flag that is written where it differs, and off where Azure does not show it.
const fn flag(of: Of, path: &'static str, what: &'static str) -> ComparedField {
    written(of, path, what, How::Exactly, Unshown::Off)
}

/// A word or an id that is written where it differs.
const fn word(of: Of, path: &'static str, what: &'static str) -> ComparedField {
    written(of, path, what, How::AnyCase, Unshown::Differs)
}

/// Never changed in place; what is not shown does not differ.
const fn fixed(
    (action, of): Of,
    path: &'static str,
    what: &'static str,
    fix: &'static str,
) -> ComparedField {
    let (how, unshown, remedy) = (How::AnyCase, Unshown::Nothing, Remedy::Person(fix));
    ComparedField { action, of, path, what, how, unshown, remedy }
}

/// Of interest only while the resource is made.
const fn at_birth((action, of): Of, path: &'static str, what: &'static str) -> ComparedField {
    let (how, unshown) = (How::NotOnceItStands, Unshown::Nothing);
    ComparedField { action, of, path, what, how, unshown, remedy: Remedy::Written }
}

/// The tags of a resource.
const fn tags(of: Of) -> ComparedField {
    written(of, "tags", "tags", How::Tags, Unshown::Off)
}

/// Compared and changed as `fix` says.
const fn partly(
    (action, of): Of,
    path: &'static str,
    what: &'static str,
    how: How,
    fix: &'static str,
) -> ComparedField {
    ComparedField {
        action,
        of,
        path,
        what,
        how,
        unshown: Unshown::Nothing,
        remedy: Remedy::Partly(fix),
    }
}

/// The table.
pub const FIELDS: &[ComparedField] = &[
    fixed(ADDRESS, "location", "location", ANOTHER),
    fixed(ADDRESS, "sku/name", "SKU", ANOTHER),
    ComparedField {
        action: ADDRESS.0,
        of: ADDRESS.1,
        path: "zones",
        what: "zones",
        how: How::Set,
        unshown: Unshown::Differs,
        remedy: Remedy::Person(ZONES),
    },
    written(
        ADDRESS,
        "properties/publicIPAllocationMethod",
        "allocation",
        How::AnyCase,
        Unshown::Nothing,
    ),
    fixed(ADDRESS, "properties/publicIPAddressVersion", "IP version", ANOTHER),
    tags(ADDRESS),
    partly(SUBNET, "properties/addressPrefix", "prefix", How::Set, PREFIXES),
    partly(SUBNET, "properties/addressPrefixes", "prefixes", How::Set, PREFIXES),
    fixed(GATEWAY, "location", "location", ANOTHER),
    fixed(GATEWAY, "properties/gatewayType", "gateway type", ANOTHER),
    partly(GATEWAY, "properties/sku", "SKU", How::AtLeast, RESIZED),
    written(
        GATEWAY,
        "properties/ipConfigurations",
        "IP configurations",
        How::Set,
        Unshown::Nothing,
    ),
    at_birth(GATEWAY, "properties/ipConfigurations/*/name", "name of the IP configuration"),
    at_birth(
        GATEWAY,
        "properties/ipConfigurations/*/properties/privateIPAllocationMethod",
        "allocation of the private address",
    ),
    fixed(GATEWAY, "properties/ipConfigurations/*/properties/subnet/id", "subnet", ANOTHER),
    // Since August 2025 Azure makes the address of an ExpressRoute gateway itself and shows none.
    fixed(
        GATEWAY,
        "properties/ipConfigurations/*/properties/publicIPAddress/id",
        "public IP address",
        "Leave `public_ip` out, or write the address that it has.",
    ),
    written(
        GATEWAY,
        "properties/autoScaleConfiguration/bounds/min",
        "fewest scale units",
        How::AtLeast,
        Unshown::Differs,
    ),
    written(
        GATEWAY,
        "properties/autoScaleConfiguration/bounds/max",
        "most scale units",
        How::AtLeast,
        Unshown::Differs,
    ),
    flag(
        GATEWAY,
        "properties/allowRemoteVnetTraffic",
        "traffic from networks behind other gateways",
    ),
    flag(GATEWAY, "properties/allowVirtualWanTraffic", "traffic from virtual WANs"),
    tags(GATEWAY),
    fixed(CONNECTION, "location", "location", ANOTHER),
    fixed(CONNECTION, "properties/connectionType", "connection type", ANOTHER),
    fixed(CONNECTION, "properties/virtualNetworkGateway1/id", "gateway", ANOTHER),
    fixed(CONNECTION, "properties/peer/id", "circuit", ANOTHER),
    flag(CONNECTION, "properties/routingWeight", "routing weight"),
    flag(CONNECTION, "properties/expressRouteGatewayBypass", "FastPath"),
    flag(CONNECTION, "properties/enablePrivateLinkFastPath", "FastPath to private endpoints"),
    tags(CONNECTION),
    fixed(PEERING, "properties/remoteVirtualNetwork/id", "remote network", ANOTHER),
    flag(PEERING, "properties/allowVirtualNetworkAccess", "access"),
    flag(PEERING, "properties/allowForwardedTraffic", "forwarded traffic"),
    flag(PEERING, "properties/allowGatewayTransit", "gateway transit"),
    flag(PEERING, "properties/useRemoteGateways", "remote gateways"),
    fixed(TABLE, "location", "location", ANOTHER),
    tags(TABLE),
    flag(TABLE, "properties/disableBgpRoutePropagation", "propagation"),
    written(TABLE, "properties/routes", "routes", How::Exactly, Unshown::Differs),
    word(TABLE, "properties/routes/*/name", "name of the route"),
    word(TABLE, "properties/routes/*/properties/addressPrefix", "destination"),
    word(TABLE, "properties/routes/*/properties/nextHopType", "kind of next hop"),
    word(TABLE, "properties/routes/*/properties/nextHopIpAddress", "next hop"),
    word(ROUTE, "properties/addressPrefix", "destination"),
    word(ROUTE, "properties/nextHopType", "kind of next hop"),
    word(ROUTE, "properties/nextHopIpAddress", "next hop"),
    word(ASSOCIATION, "properties/routeTable/id", "route table"),
    word(SECURITY_GROUP, "properties/networkSecurityGroup/id", "security group"),
    written(DNS, "properties/dhcpOptions/dnsServers", "DNS servers", How::Exactly, Unshown::Off),
    written(
        CIRCUIT,
        "properties/serviceProviderProperties/bandwidthInMbps",
        "bandwidth",
        How::AtLeast,
        Unshown::Differs,
    ),
    written(TIER, "sku/tier", "tier", How::AtLeast, Unshown::Differs),
    fixed(LOCAL_GATEWAY, "location", "location", ANOTHER),
    word(LOCAL_GATEWAY, "properties/gatewayIpAddress", "address of the device"),
    written(
        LOCAL_GATEWAY,
        "properties/localNetworkAddressSpace/addressPrefixes",
        "prefixes behind the device, in any order",
        How::AnyCase,
        Unshown::Differs,
    ),
    word(LOCAL_GATEWAY, "properties/bgpSettings/asn", "number of the device"),
    word(LOCAL_GATEWAY, "properties/bgpSettings/bgpPeeringAddress", "BGP address of the device"),
    tags(LOCAL_GATEWAY),
    fixed(VPN_GATEWAY, "location", "location", ANOTHER),
    fixed(VPN_GATEWAY, "properties/gatewayType", "gateway type", ANOTHER),
    fixed(VPN_GATEWAY, "properties/vpnType", "VPN type", ANOTHER),
    partly(VPN_GATEWAY, "properties/sku", "SKU", How::AtLeast, RESIZED),
    written(
        VPN_GATEWAY,
        "properties/ipConfigurations",
        "IP configurations",
        How::Set,
        Unshown::Nothing,
    ),
    at_birth(VPN_GATEWAY, "properties/ipConfigurations/*/name", "name of the IP configuration"),
    at_birth(
        VPN_GATEWAY,
        "properties/ipConfigurations/*/properties/privateIPAllocationMethod",
        "allocation of the private address",
    ),
    fixed(VPN_GATEWAY, "properties/ipConfigurations/*/properties/subnet/id", "subnet", ANOTHER),
    fixed(
        VPN_GATEWAY,
        "properties/ipConfigurations/*/properties/publicIPAddress/id",
        "public IP address",
        "Write the address that it has.",
    ),
    flag(VPN_GATEWAY, "properties/activeActive", "active-active"),
    flag(VPN_GATEWAY, "properties/enableBgp", "BGP"),
    word(VPN_GATEWAY, "properties/bgpSettings/asn", "autonomous system number"),
    tags(VPN_GATEWAY),
    fixed(VPN_CONNECTION, "location", "location", ANOTHER),
    fixed(VPN_CONNECTION, "properties/connectionType", "connection type", ANOTHER),
    fixed(VPN_CONNECTION, "properties/virtualNetworkGateway1/id", "gateway", ANOTHER),
    fixed(VPN_CONNECTION, "properties/localNetworkGateway2/id", "local network gateway", ANOTHER),
    // Azure hides it, and what is not shown cannot be put back.
    at_birth(VPN_CONNECTION, "properties/sharedKey", "shared key"),
    flag(VPN_CONNECTION, "properties/enableBgp", "BGP"),
    flag(VPN_CONNECTION, "properties/routingWeight", "routing weight"),
    tags(VPN_CONNECTION),
    written(NAME, "properties/aRecords", "addresses, in any order", How::AnyCase, Unshown::Differs),
    written(NAME, "properties/ttl", "TTL", How::Exactly, Unshown::Differs),
    written(
        NAME_V6,
        "properties/aaaaRecords",
        "addresses, in any order",
        How::AnyCase,
        Unshown::Differs,
    ),
    written(NAME_V6, "properties/ttl", "TTL", How::Exactly, Unshown::Differs),
    word(ENDPOINT, "properties/endpointStatus", "whether it is on"),
    written(ENDPOINT, "properties/priority", "priority", How::Exactly, Unshown::Differs),
    written(ENDPOINT, "properties/weight", "weight", How::Exactly, Unshown::Differs),
    word(ENDPOINT_OUTSIDE, "properties/endpointStatus", "whether it is on"),
    written(ENDPOINT_OUTSIDE, "properties/priority", "priority", How::Exactly, Unshown::Differs),
    written(ENDPOINT_OUTSIDE, "properties/weight", "weight", How::Exactly, Unshown::Differs),
    word(ENDPOINT_NESTED, "properties/endpointStatus", "whether it is on"),
    written(ENDPOINT_NESTED, "properties/priority", "priority", How::Exactly, Unshown::Differs),
    written(ENDPOINT_NESTED, "properties/weight", "weight", How::Exactly, Unshown::Differs),
    fixed(HUB, "location", "location", ANOTHER),
    fixed(HUB, "properties/virtualWan/id", "virtual WAN", ANOTHER),
    fixed(HUB, "properties/addressPrefix", "address prefix", ANOTHER),
    fixed(HUB, "properties/sku", "SKU", UPGRADED),
    word(HUB, "properties/hubRoutingPreference", "routing preference"),
    written(
        HUB,
        "properties/virtualRouterAutoScaleConfiguration/minCapacity",
        "fewest routing units",
        How::AtLeast,
        Unshown::Differs,
    ),
    tags(HUB),
    fixed(HUB_GATEWAY, "location", "location", ANOTHER),
    fixed(HUB_GATEWAY, "properties/virtualHub/id", "hub", ANOTHER),
    written(
        HUB_GATEWAY,
        "properties/autoScaleConfiguration/bounds/min",
        "fewest scale units",
        How::AtLeast,
        Unshown::Differs,
    ),
    // Recorded: a gateway that was made without an upper bound shows none.
    written(
        HUB_GATEWAY,
        "properties/autoScaleConfiguration/bounds/max",
        "most scale units",
        How::AtLeast,
        Unshown::Differs,
    ),
    flag(HUB_GATEWAY, "properties/allowNonVirtualWanTraffic", "traffic from outside the WAN"),
    tags(HUB_GATEWAY),
    word(HUB_CONNECTION, "name", "name"),
    fixed(HUB_CONNECTION, "properties/expressRouteCircuitPeering/id", "circuit", ANOTHER),
    flag(HUB_CONNECTION, "properties/routingWeight", "routing weight"),
    flag(HUB_CONNECTION, "properties/enableInternetSecurity", "default route passed on"),
    flag(HUB_CONNECTION, "properties/expressRouteGatewayBypass", "FastPath"),
    word(HUB_CONNECTION, ASSOCIATED, "associated table"),
    word(HUB_CONNECTION, PROPAGATED, "propagated tables"),
    word(HUB_CONNECTION, LABELS, "propagated labels"),
    fixed(HUB_VNET, "properties/remoteVirtualNetwork/id", "virtual network", ANOTHER),
    flag(HUB_VNET, "properties/enableInternetSecurity", "default route passed on"),
    word(HUB_VNET, ASSOCIATED, "associated table"),
    word(HUB_VNET, PROPAGATED, "propagated tables"),
    word(HUB_VNET, LABELS, "propagated labels"),
    word(HUB_TABLE, "properties/labels", "labels"),
    written(HUB_TABLE, "properties/routes", "routes", How::Exactly, Unshown::Differs),
    word(HUB_TABLE, "properties/routes/*/name", "name of the route"),
    word(HUB_TABLE, "properties/routes/*/destinationType", "kind of destination"),
    word(HUB_TABLE, "properties/routes/*/destinations", "destinations"),
    word(HUB_TABLE, "properties/routes/*/nextHopType", "kind of next hop"),
    word(HUB_TABLE, "properties/routes/*/nextHop", "next hop"),
];
