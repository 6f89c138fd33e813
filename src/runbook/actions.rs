//! What may a step ask for, and what does each ask take? The actions of the language, as one table.

use super::grammar::{Field, Kind, may, must};
use super::hubs;
use super::kinds::{
    AUTHORIZATIONS, CIRCUITS, CONNECTIONS, FIREWALLS, GATEWAYS, PEERINGS, PUBLIC_IPS,
    RECOVERY_PLANS, ROUTE_TABLES, SECURITY_GROUPS, SUBNETS, VNETS,
};
use super::last_path::{
    DNS_RECORD, LOCAL_GATEWAY, LOCAL_GATEWAYS, TRAFFIC_ENDPOINT, VPN_CONNECTION,
    VPN_CONNECTION_REMOVE, VPN_GATEWAY,
};
use super::links::{
    AUTHORIZATION, AUTHORIZATION_KEY, AUTHORIZATION_OF_UNDO, FAST_PATH, KEY_OF_UNDO, ROUTING_WEIGHT,
};
use super::outside;

/// The SKUs of ExpressRoute gateways.
pub const GATEWAY_SKUS: &[&str] = &[
    "ErGw1AZ",
    "ErGw2AZ",
    "ErGw3AZ",
    "ErGwScale",
    "HighPerformance",
    "Standard",
    "UltraPerformance",
];

pub(super) const PREFIXES: Kind = Kind::OneOrMany(&Kind::Cidr);

const COVERED: &str = "The prefixes, each covered by itself, by a route that contains it or by parts \
                       without a gap; a default route covers only a default route.";

const DESTINATION: Field =
    must("prefix", Kind::Destination, "The destination: a prefix, or a service tag: AzureMonitor.");
const NEXT_HOP: Field = may(
    "next_hop",
    Kind::Text,
    "An appliance's address, or vnet_local, internet, none. Or `firewall` instead.",
);
const FIREWALL: Field = may(
    "firewall",
    Kind::Id(FIREWALLS),
    "An Azure Firewall as the next hop; its private address is read.",
);

const ROUTE: &[Field] =
    &[must("name", Kind::Text, "The route's name in the table."), DESTINATION, NEXT_HOP, FIREWALL];

pub(super) const TAGS: Field =
    may("tags", Kind::Tags, "Its tags, over those of the runbook. Those of others are left alone.");

const SECURITY_GROUP: &[Field] = &[
    must("subnet", Kind::Id(SUBNETS), "The subnet."),
    must("security_group", Kind::Id(SECURITY_GROUPS), "The network security group."),
];

const AUTOSCALE: &[Field] = &[
    must("min", Kind::Int(1, 40), "At least so many units are up."),
    must("max", Kind::Int(1, 40), "At most so many."),
];

const GATE: &[Field] = &[
    must("question", Kind::Text, "What the person is asked."),
    may("expires_after", Kind::Duration, "How long the gate stays open; no limit when absent."),
    may("on_expiry", Kind::OneOf(&["decline", "approve"]), "What an unanswered gate counts as."),
    may("approvals", Kind::Int(1, 9), "How many different people must say yes; 1 when absent."),
    may("role", Kind::Text, "The role that may answer, one of `roles`; anybody when absent."),
    may("not_by_starter", Kind::Bool, "Whether whoever started the run may not answer."),
];

const OPTION: &[Field] = &[
    must("name", Kind::Text, "The option's name, for conditions: `steps.STEP.choice`."),
    must("text", Kind::Text, "What it means."),
];

const DECISION: &[Field] = &[
    must("question", Kind::Text, "What the person is asked."),
    must("options", Kind::List(&Kind::Object(OPTION)), "The ways to choose from."),
    may("otherwise", Kind::Text, "The option that counts when nobody answers in time."),
    may("expires_after", Kind::Duration, "How long the question stays open; no limit when absent."),
    may("role", Kind::Text, "The role that may answer, one of `roles`; anybody when absent."),
    may("not_by_starter", Kind::Bool, "Whether whoever started the run may not answer."),
];

const CONNECTION_REMOVE: &[Field] = &[
    must("id", Kind::Id(CONNECTIONS), "The connection."),
    may("gateway", Kind::Id(GATEWAYS), "Its gateway: no other step writes it meanwhile."),
    AUTHORIZATION_OF_UNDO,
    KEY_OF_UNDO,
];

const GATEWAY_REMOVE: &[Field] =
    &[must("id", Kind::Id(GATEWAYS), "The gateway; nothing may be connected to it.")];

const PEERING_REMOVE: &[Field] = &[
    must("id", Kind::Id(PEERINGS), "That side."),
    may("remote", Kind::Id(VNETS), "The other network: no other step writes it meanwhile."),
];

/// Which way a failover goes.
pub const DIRECTIONS: &[&str] = &["primary_to_recovery", "recovery_to_primary"];

/// The recovery points that a failover may start from.
pub const RECOVERY_POINTS: &[&str] =
    &["latest_processed", "latest", "latest_application_consistent", "latest_crash_consistent"];

const PLAN: Field = must("plan", Kind::Id(RECOVERY_PLANS), "The recovery plan.");
const DIRECTION: Field =
    may("direction", Kind::OneOf(DIRECTIONS), "Which way; primary_to_recovery when absent.");
const RECOVERY_POINT: Field = may(
    "recovery_point",
    Kind::OneOf(RECOVERY_POINTS),
    "What the machines start from; latest_processed when absent.",
);

/// The actions, with what each takes under `with`.
pub const ACTIONS: &[(&str, &str, &[Field])] = &[
    (
        "public_ip.ensure",
        "A static public IP address exists.",
        &[
            must("name", Kind::IdOrName(PUBLIC_IPS), "Its name, or its id."),
            may("vnet", Kind::Id(VNETS), "A virtual network whose resource group it shares."),
            must("location", Kind::Region, "Where it is."),
            may("zones", Kind::List(&Kind::Text), "Its availability zones."),
            TAGS,
        ],
    ),
    (
        "subnet.ensure",
        "A subnet exists in a virtual network.",
        &[
            must("vnet", Kind::Id(VNETS), "The virtual network."),
            must("name", Kind::Text, "The subnet's name."),
            must(
                "prefix",
                PREFIXES,
                "Its address prefix, or several: IPv4, IPv6. A GatewaySubnet that a gateway stands in is as it is, whatever is written.",
            ),
        ],
    ),
    (
        "gateway.ensure",
        "An ExpressRoute gateway exists in a virtual network.",
        &[
            must("name", Kind::IdOrName(GATEWAYS), "Its name, or its id."),
            must("vnet", Kind::Id(VNETS), "The virtual network; its GatewaySubnet is used."),
            must("location", Kind::Region, "Where it is."),
            must("sku", Kind::OneOf(GATEWAY_SKUS), "Its SKU."),
            may(
                "public_ip",
                Kind::IdOrName(PUBLIC_IPS),
                "Its public IP address, by name or id. Leave it out: since August 2025 Azure gives a new gateway one of its own.",
            ),
            may(
                "autoscale",
                Kind::Object(AUTOSCALE),
                "Between how many scale units an ErGwScale gateway scales.",
            ),
            may(
                "allow_remote_vnet_traffic",
                Kind::Bool,
                "Whether networks behind other gateways may be reached; left as it is when absent.",
            ),
            may(
                "allow_virtual_wan_traffic",
                Kind::Bool,
                "Whether virtual WANs may be reached; left as it is when absent.",
            ),
            TAGS,
        ],
    ),
    (
        "authorization.ensure",
        "A circuit has an authorization that another subscription may redeem.",
        &[
            must("circuit", Kind::Id(CIRCUITS), "The circuit."),
            must("name", Kind::Text, "The authorization's name."),
        ],
    ),
    (
        "connection.ensure",
        "A gateway is connected to a circuit.",
        &[
            must("name", Kind::IdOrName(CONNECTIONS), "Its name, or its id."),
            must("location", Kind::Region, "Where it is: the gateway's region."),
            must("gateway", Kind::Id(GATEWAYS), "The gateway."),
            must("circuit", Kind::Id(CIRCUITS), "The circuit."),
            AUTHORIZATION,
            AUTHORIZATION_KEY,
            ROUTING_WEIGHT,
            FAST_PATH,
            may(
                "private_link_fast_path",
                Kind::Bool,
                "FastPath to private endpoints as well; left as it is when absent.",
            ),
            TAGS,
        ],
    ),
    (
        "peering.ensure",
        "One side of a virtual network peering exists, and knows the other's addresses. A flag that is absent is \
         left as it is.",
        &[
            must("vnet", Kind::Id(VNETS), "The virtual network that the side belongs to."),
            must("name", Kind::Text, "The peering's name."),
            must("remote", Kind::Id(VNETS), "The other virtual network."),
            may(
                "allow_access",
                Kind::Bool,
                "allowVirtualNetworkAccess; on a new side true when absent.",
            ),
            may("allow_forwarded_traffic", Kind::Bool, "allowForwardedTraffic."),
            may("allow_gateway_transit", Kind::Bool, "allowGatewayTransit: the hub's side."),
            may("use_remote_gateways", Kind::Bool, "useRemoteGateways: the spoke's side."),
        ],
    ),
    (
        "route_table.ensure",
        "A route table exists with exactly these routes: others are removed, and the plan warns of each.",
        &[
            must("name", Kind::IdOrName(ROUTE_TABLES), "Its name, or its id."),
            may("vnet", Kind::Id(VNETS), "A virtual network whose resource group it shares."),
            must("location", Kind::Region, "Where it is."),
            must("routes", Kind::List(&Kind::Object(ROUTE)), "Its routes."),
            may(
                "propagate_gateway_routes",
                Kind::Bool,
                "Whether learned routes reach its subnets; left as it is when absent, true on a new table.",
            ),
            TAGS,
        ],
    ),
    (
        "route_table.associate",
        "A subnet uses a route table.",
        &[
            must("subnet", Kind::Id(SUBNETS), "The subnet."),
            must("route_table", Kind::Id(ROUTE_TABLES), "The route table."),
        ],
    ),
    (
        "route_table.dissociate",
        "A subnet does not use a route table any more.",
        &[
            must("subnet", Kind::Id(SUBNETS), "The subnet."),
            must("route_table", Kind::Id(ROUTE_TABLES), "The route table."),
        ],
    ),
    (
        "route.ensure",
        "A route table has this route. Its other routes are left alone.",
        &[
            must("route_table", Kind::Id(ROUTE_TABLES), "The table."),
            must("name", Kind::Text, "The route's name in the table."),
            DESTINATION,
            NEXT_HOP,
            FIREWALL,
        ],
    ),
    (
        "route.absent",
        "A route table does not have this route. Its other routes are left alone.",
        &[
            must("route_table", Kind::Id(ROUTE_TABLES), "The table."),
            must("name", Kind::Text, "The route's name in the table."),
        ],
    ),
    ("security_group.associate", "A subnet uses a network security group.", SECURITY_GROUP),
    (
        "security_group.dissociate",
        "A subnet does not use a network security group any more.",
        SECURITY_GROUP,
    ),
    (
        "vnet.dns",
        "A virtual network has exactly these DNS servers.",
        &[
            must("vnet", Kind::Id(VNETS), "The virtual network."),
            must(
                "servers",
                Kind::List(&Kind::Ip),
                "Their addresses, the first asked first; an empty list for Azure's own.",
            ),
        ],
    ),
    (
        "circuit.tier",
        "A circuit is of a tier that reaches far enough: Standard its geography, Premium everywhere.",
        &[
            must("circuit", Kind::Id(CIRCUITS), "The circuit."),
            must("at_least", Kind::OneOf(&["standard", "premium"]), "At least this tier."),
        ],
    ),
    (
        "circuit.bandwidth",
        "A circuit has at least some bandwidth. Azure never lowers one: there is no undo.",
        &[
            must("circuit", Kind::Id(CIRCUITS), "The circuit."),
            must("mbps_min", Kind::Int(0, 100_000), "At least this many megabits per second."),
        ],
    ),
    (
        "local_network_gateway.ensure",
        "What stands for the customer's VPN device exists: its public address and the prefixes behind it.",
        LOCAL_GATEWAY,
    ),
    (
        "vpn_gateway.ensure",
        "A VPN gateway exists in a virtual network: route-based, beside an ExpressRoute gateway or alone.",
        VPN_GATEWAY,
    ),
    (
        "vpn_connection.ensure",
        "A VPN gateway has a tunnel to the customer's device (IPsec, IKEv2).",
        VPN_CONNECTION,
    ),
    (
        "private_dns.record",
        "A name of a private DNS zone stands for exactly these addresses.",
        DNS_RECORD,
    ),
    (
        "traffic_manager.endpoint",
        "An endpoint of a Traffic Manager profile is on or off, and has its turn.",
        TRAFFIC_ENDPOINT,
    ),
    ("connection.remove", "A connection is gone.", CONNECTION_REMOVE),
    ("vpn_connection.remove", "A connection of a VPN gateway is gone.", VPN_CONNECTION_REMOVE),
    ("vpn_gateway.remove", "A VPN gateway is gone.", GATEWAY_REMOVE),
    (
        "local_network_gateway.remove",
        "A local network gateway is gone.",
        &[must("id", Kind::Id(LOCAL_GATEWAYS), "It; no connection may use it.")],
    ),
    ("peering.remove", "One side of a virtual network peering is gone.", PEERING_REMOVE),
    ("gateway.remove", "A gateway is gone.", GATEWAY_REMOVE),
    (
        "public_ip.remove",
        "A public IP address is gone.",
        &[must("id", Kind::Id(PUBLIC_IPS), "The address; nothing may use it.")],
    ),
    (
        "subnet.remove",
        "A subnet is gone.",
        &[must("id", Kind::Id(SUBNETS), "The subnet; nothing may be in it.")],
    ),
    (
        "authorization.remove",
        "A circuit authorization is gone, and every connection that was made with it.",
        &[must("id", Kind::Id(AUTHORIZATIONS), "The authorization.")],
    ),
    (
        "route_table.remove",
        "A route table is gone.",
        &[must("id", Kind::Id(ROUTE_TABLES), "The table; no subnet may use it.")],
    ),
    ("virtual_hub.ensure", "A hub of a virtual WAN exists, and routes.", hubs::HUB),
    ("hub_gateway.ensure", "A hub has an ExpressRoute gateway.", hubs::GATEWAY),
    ("hub_connection.ensure", "A hub's gateway is connected to a circuit.", hubs::CONNECTION),
    ("hub_vnet.ensure", "A virtual network is connected to a hub.", hubs::VNET),
    (
        "hub_routes.ensure",
        "A hub has a route table with exactly these static routes: others are removed, and the plan warns of each.",
        hubs::ROUTES,
    ),
    (
        "hub_connection.remove",
        "A connection of a hub to a circuit is gone.",
        hubs::CONNECTION_ABSENT,
    ),
    ("hub_vnet.remove", "A connection of a hub to a virtual network is gone.", hubs::VNET_ABSENT),
    ("hub_routes.remove", "A route table of a hub is gone.", hubs::ROUTES_ABSENT),
    ("hub_gateway.remove", "A hub's ExpressRoute gateway is gone.", hubs::GATEWAY_ABSENT),
    ("virtual_hub.remove", "A hub of a virtual WAN is gone.", hubs::HUB_ABSENT),
    (
        "recovery_plan.failover",
        "The machines of a Site Recovery plan run at the other side. Not yet final: see commit.",
        &[
            PLAN,
            may(
                "kind",
                Kind::OneOf(&["unplanned", "shut_down_first", "planned"]),
                "What is asked of the side that is left: nothing (unplanned, when absent), to shut \
                 down first, or all of a planned failover.",
            ),
            DIRECTION,
            RECOVERY_POINT,
        ],
    ),
    (
        "recovery_plan.commit",
        "The failover of a plan is final: a point of no return, its recovery points are gone.",
        &[PLAN],
    ),
    (
        "recovery_plan.reprotect",
        "The machines of a plan are protected again, towards the side they came from.",
        &[PLAN],
    ),
    (
        "recovery_plan.test_failover",
        "Copies of a plan's machines run in a network of their own. Its undo is the cleanup.",
        &[
            PLAN,
            must("network", Kind::Id(VNETS), "The network of the copies; not the real target."),
            DIRECTION,
            RECOVERY_POINT,
        ],
    ),
    ("recovery_plan.test_cleanup", "The copies of a test failover are gone.", &[PLAN]),
    (
        "verify.circuit",
        "A circuit is enabled, provisioned, and has an enabled private peering.",
        &[must("circuit", Kind::Id(CIRCUITS), "The circuit.")],
    ),
    (
        "verify.connection",
        "A connection is Succeeded and Connected. Where its status stays Unknown, or is left out, the BGP sessions of \
         its gateway are asked after three minutes.",
        &[must("connection", Kind::Id(CONNECTIONS), "The connection.")],
    ),
    (
        "verify.tunnel",
        "A VPN connection is Succeeded and Connected, and traffic has come in through it.",
        &[must("connection", Kind::Id(CONNECTIONS), "The connection of the VPN gateway.")],
    ),
    (
        "verify.routes",
        "A gateway has learned prefixes over ExpressRoute, over whichever of its circuits.",
        &[must("gateway", Kind::Id(GATEWAYS), "The gateway."), must("expect", PREFIXES, COVERED)],
    ),
    (
        "verify.advertised",
        "A gateway advertises prefixes to its ExpressRoute peers: to each of them, and where several circuits \
         are connected, to at least two, as many as one circuit brings. Azure does not say which peer belongs \
         to which circuit; what one of several circuits carries is seen by `verify.circuit_routes`.",
        &[must("gateway", Kind::Id(GATEWAYS), "The gateway."), must("expect", PREFIXES, COVERED)],
    ),
    (
        "verify.bgp",
        "A gateway's BGP peers are connected, of all its circuits together: Azure does not say whose a peer is.",
        &[
            must("gateway", Kind::Id(GATEWAYS), "The gateway."),
            may("peers_min", Kind::Int(1, 64), "How many; a connection brings two."),
        ],
    ),
    (
        "verify.arp",
        "Both paths of a circuit see both edges in their ARP tables.",
        &[must("circuit", Kind::Id(CIRCUITS), "The circuit.")],
    ),
    (
        "verify.circuit_routes",
        "The paths of a circuit carry prefixes, or carry them no longer.",
        &[
            must("circuit", Kind::Id(CIRCUITS), "The circuit."),
            may("expect", PREFIXES, "Prefixes that the route tables must cover."),
            may("absent", PREFIXES, "Prefixes that neither table may carry, nor a part of them."),
            may(
                "paths",
                Kind::OneOf(&["both", "any"]),
                "Which tables must cover `expect`: both (the usual), or any that on-premises tells something \
                 in: a path without a session to it is left out, and one with a session must be there.",
            ),
        ],
    ),
    (
        "verify.microsoft_peering",
        "A circuit's Microsoft peering is enabled and its public prefixes are advertised.",
        &[must("circuit", Kind::Id(CIRCUITS), "The circuit.")],
    ),
    (
        "verify.hub_routes",
        "A hub's own ExpressRoute gateway has learned prefixes, and a table of the hub has them.",
        hubs::VERIFY,
    ),
    (
        "verify.absent",
        "A resource does not exist any more.",
        &[must("resource", Kind::Id(""), "The resource.")],
    ),
    outside::PROBES[0],
    outside::PROBES[1],
    outside::PROBES[2],
    ("command", "A program of this host is run. No shell reads it.", outside::COMMAND),
    ("http", "A service is called over HTTP.", outside::HTTP),
    ("approval", "A person says whether the run goes on.", GATE),
    ("manual", "A person does something by hand and says that it is done.", GATE),
    ("decision", "A person chooses one of several ways.", DECISION),
    ("wait", "Time passes.", &[must("duration", Kind::Duration, "How much.")]),
];

/// What an action takes.
#[must_use]
pub fn action(name: &str) -> Option<&'static [Field]> {
    ACTIONS.iter().find(|(action, _, _)| *action == name).map(|(_, _, fields)| *fields)
}
