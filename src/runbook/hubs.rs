//! What do the actions about a virtual WAN take? Their keys, for the table of actions.

use super::actions::{PREFIXES, TAGS};
use super::grammar::{Field, Kind, may, must};
use super::kinds::{CIRCUITS, VNETS};
use super::links::{
    AUTHORIZATION, AUTHORIZATION_KEY, AUTHORIZATION_OF_UNDO, FAST_PATH, KEY_OF_UNDO, ROUTING_WEIGHT,
};
use crate::model::action::HubPreference;

const CONNECTIONS: &str = "Microsoft.Network/expressRouteGateways/expressRouteConnections";
const GATEWAYS: &str = "Microsoft.Network/expressRouteGateways";
const HUBS: &str = "Microsoft.Network/virtualHubs";
const TABLES: &str = "Microsoft.Network/virtualHubs/hubRouteTables";
const VNET_CONNECTIONS: &str = "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections";
const WANS: &str = "Microsoft.Network/virtualWans";

const HUB_ID: Field = must("hub", Kind::Id(HUBS), "The hub.");
const LABELS: Kind = Kind::List(&Kind::Text);

const ASSOCIATED: Field = may(
    "associated",
    Kind::IdOrName(TABLES),
    "The hub's table whose routes it follows; as it is when absent, the default table on a new one.",
);
const PROPAGATED: Field = may(
    "propagated",
    Kind::List(&Kind::IdOrName(TABLES)),
    "Exactly the hub's tables that learn its addresses; as they are when absent.",
);
const PROPAGATED_LABELS: Field = may(
    "labels",
    LABELS,
    "Exactly the labels of tables, in every hub of the WAN, that learn its addresses; as they are when absent.",
);
const INTERNET: Field = may(
    "internet_security",
    Kind::Bool,
    "Whether a default route of the hub's is passed on to it; left as it is when absent.",
);

/// A route of a hub's table.
const ROUTE: &[Field] = &[
    must("name", Kind::Text, "The route's name in the table."),
    must("prefixes", PREFIXES, "The destinations."),
    must(
        "next_hop",
        Kind::Id(""),
        "A connection of the hub's to a virtual network, or a firewall in the hub.",
    ),
];

pub(super) const HUB: &[Field] = &[
    must("name", Kind::IdOrName(HUBS), "Its name, in the group of the WAN, or its id."),
    must("wan", Kind::Id(WANS), "The virtual WAN, of the type Standard."),
    must("location", Kind::Region, "Where it is."),
    must("prefix", Kind::Cidr, "Its own addresses: a /24 or larger that nothing else has."),
    may(
        "routing_preference",
        Kind::OneOf(HubPreference::WORDS),
        "What it prefers among equal prefixes; left as it is when absent.",
    ),
    may(
        "routing_units_min",
        Kind::Int(2, 50),
        "At least so many routing units; left as they are when absent.",
    ),
    TAGS,
];

/// The gateway of a hub has at most ten units, which is 20 Gbit/s (virtual-wan-expressroute-about, 2025-03); 40 are for
/// `ErGwScale`, a gateway of a network.
const UNITS: &[Field] = &[
    must("min", Kind::Int(1, 10), "At least so many units are up."),
    must("max", Kind::Int(1, 10), "At most so many."),
];

pub(super) const GATEWAY: &[Field] = &[
    must("name", Kind::IdOrName(GATEWAYS), "Its name, in the group of the hub, or its id."),
    HUB_ID,
    must("location", Kind::Region, "Where it is: the hub's region."),
    must("units", Kind::Object(UNITS), "Between how many units it scales; each carries 2 Gbit/s."),
    may(
        "allow_non_virtual_wan_traffic",
        Kind::Bool,
        "Whether networks outside the WAN may be reached; left as it is when absent.",
    ),
    TAGS,
];

pub(super) const CONNECTION: &[Field] = &[
    must("gateway", Kind::Id(GATEWAYS), "The hub's gateway."),
    must("name", Kind::Text, "The connection's name under the gateway."),
    must("circuit", Kind::Id(CIRCUITS), "The circuit; its private peering is used."),
    may("hub", Kind::Id(HUBS), "The hub, where its tables are meant by their names."),
    AUTHORIZATION,
    AUTHORIZATION_KEY,
    ROUTING_WEIGHT,
    FAST_PATH,
    INTERNET,
    ASSOCIATED,
    PROPAGATED,
    PROPAGATED_LABELS,
];

pub(super) const VNET: &[Field] = &[
    HUB_ID,
    must("name", Kind::Text, "The connection's name under the hub."),
    must("vnet", Kind::Id(VNETS), "The virtual network."),
    INTERNET,
    ASSOCIATED,
    PROPAGATED,
    PROPAGATED_LABELS,
];

pub(super) const ROUTES: &[Field] = &[
    HUB_ID,
    must("name", Kind::Text, "The table's name: defaultRouteTable, or one of your own."),
    may("labels", LABELS, "Exactly its labels; left as they are when absent."),
    must("routes", Kind::List(&Kind::Object(ROUTE)), "Its static routes."),
];

pub(super) const CONNECTION_ABSENT: &[Field] =
    &[must("id", Kind::Id(CONNECTIONS), "The connection."), AUTHORIZATION_OF_UNDO, KEY_OF_UNDO];

pub(super) const VNET_ABSENT: &[Field] =
    &[must("id", Kind::Id(VNET_CONNECTIONS), "The connection of the network.")];

pub(super) const ROUTES_ABSENT: &[Field] =
    &[must("id", Kind::Id(TABLES), "The table; no connection may follow or fill it.")];

pub(super) const GATEWAY_ABSENT: &[Field] =
    &[must("id", Kind::Id(GATEWAYS), "The gateway; no circuit may be connected to it.")];

pub(super) const HUB_ABSENT: &[Field] = &[must(
    "id",
    Kind::Id(HUBS),
    "The hub; no gateway may stand in it and no network be connected.",
)];

pub(super) const VERIFY: &[Field] = &[
    HUB_ID,
    may("table", Kind::Text, "The table's name; defaultRouteTable when absent."),
    must(
        "expect",
        PREFIXES,
        "The prefixes, each covered by itself, by a route that contains it or by parts without a gap; a \
         default route covers only a default route. What another hub has passed on does not count.",
    ),
];
