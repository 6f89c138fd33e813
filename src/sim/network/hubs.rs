//! What does a hub of a virtual WAN know? Who fills its tables, who follows them, and what leaves by them.
//!
//! A table knows its static routes and the addresses of each connection that propagates into it: by id, or by
//! a label, which reaches the tables of every hub of the WAN. What comes from another hub has that hub's
//! numbers on its path, and is there as long as that hub lives. A circuit's connection follows the default
//! table: what that one knows is what on-premises hears.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde::Serialize;
use serde_json::Value;

use super::estate::Estate;
use super::onprem::OnPrem;
use super::parts::EstateConnection;
use super::routes::{heard, joined, microsoft_path};
use crate::arm::CircuitPath;
use crate::arm::read::{is as text_is, text as text_at};
use crate::model::hub::{DEFAULT_TABLE, HUB_TABLES};
use crate::model::{Region, ResourceId};

const HUBS: &str = "Microsoft.Network/virtualHubs";
const GATEWAYS: &str = "Microsoft.Network/expressRouteGateways";
const CONNECTIONS: &str = "Microsoft.Network/expressRouteGateways/expressRouteConnections";

/// The number that hubs put on the path of what they pass on, once each.
const HUB_ASN: u32 = 65_520;

/// Which tables a connection follows and fills.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routed {
    /// The table that it follows.
    pub associated: Option<ResourceId>,
    /// The tables that it fills, by id.
    pub tables: BTreeSet<ResourceId>,
    /// The labels of tables that it fills.
    pub labels: BTreeSet<String>,
}

impl Routed {
    /// What a connection's body says; none where it says nothing.
    #[must_use]
    pub fn of(body: &Value) -> Option<Self> {
        let routing = body.pointer("/properties/routingConfiguration")?;
        let ids = routing.pointer("/propagatedRouteTables/ids").and_then(Value::as_array);
        let labels = routing.pointer("/propagatedRouteTables/labels").and_then(Value::as_array);
        let id = |text: &str| ResourceId::parse(text).ok();
        Some(Self {
            associated: text_at(routing, "/associatedRouteTable/id").and_then(id),
            tables: ids
                .into_iter()
                .flatten()
                .filter_map(|own| id(own.get("id")?.as_str()?))
                .collect(),
            labels: labels
                .into_iter()
                .flatten()
                .filter_map(|label| Some(label.as_str()?.to_ascii_lowercase()))
                .collect(),
        })
    }

    /// Whether it fills a table.
    fn fills(&self, table: &ResourceId, labels: &[String]) -> bool {
        self.tables.contains(table) || labels.iter().any(|label| self.labels.contains(label))
    }
}

/// The labels of a table's body, or else this one.
#[must_use]
pub fn labels_of(table: Option<&Value>, otherwise: &str) -> Vec<String> {
    let list = table.and_then(|body| body.pointer("/properties/labels")).and_then(Value::as_array);
    let labels: Vec<String> = list
        .into_iter()
        .flatten()
        .filter_map(|label| Some(label.as_str()?.to_ascii_lowercase()))
        .collect();
    if labels.is_empty() { vec![otherwise.to_owned()] } else { labels }
}

/// A row of `effectiveRoutes`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveRow {
    /// The destination, a list of one.
    pub address_prefixes: Vec<IpNet>,
    /// `Virtual Network Connection`, `ExpressRouteGateway`, `Remote Hub`, or of a static route its own.
    pub next_hop_type: &'static str,
    /// Where it leads: a list of one id.
    pub next_hops: Vec<String>,
    /// AS numbers joined by `-`; empty for a network of this hub's own.
    pub as_path: String,
    /// Who brought it.
    pub route_origin: String,
}

/// A connection of a hub to a network.
pub(super) struct TableMember {
    /// The connection.
    pub(super) id: ResourceId,
    /// The hub.
    pub(super) hub: ResourceId,
    /// The network.
    pub(super) vnet: ResourceId,
    routed: Routed,
}

impl Estate<'_> {
    /// Whether a hub is done and its region is up. One that is written anew goes on routing: only a new one
    /// has none of the tables that Azure makes with it.
    fn hub_lives(&self, hub: &ResourceId) -> bool {
        let Some(body) = self.body(hub) else { return false };
        let region = text_at(body, "/location").and_then(|text| Region::parse(text).ok());
        let is = |state: &str| text_is(body, "/properties/provisioningState", state);
        let made = || {
            let table = hub.child(HUB_TABLES, DEFAULT_TABLE);
            table.is_ok_and(|table| self.body(&table).is_some())
        };
        (is("Succeeded") || (is("Updating") && made()))
            && region.is_none_or(|region| !self.is_region_down(&region))
    }

    /// The other hubs of a hub's WAN that live.
    fn other_hubs(&self, hub: &ResourceId) -> Vec<ResourceId> {
        let wan = |hub: &ResourceId| {
            text_at(self.body(hub)?, "/properties/virtualWan/id").map(str::to_ascii_lowercase)
        };
        let own = wan(hub);
        self.of_type(HUBS)
            .map(|(id, _)| id)
            .filter(|id| *id != hub && own.is_some() && wan(id) == own && self.hub_lives(id))
            .cloned()
            .collect()
    }

    /// The networks that are connected to a hub.
    fn members(&self, hub: &ResourceId) -> Vec<TableMember> {
        let all = self.children(hub, "hubVirtualNetworkConnections");
        all.iter()
            .filter(|(_, body)| text_is(body, "/properties/provisioningState", "Succeeded"))
            .filter_map(|(id, body)| {
                let vnet = text_at(body, "/properties/remoteVirtualNetwork/id")?;
                let vnet = ResourceId::parse(vnet).ok()?;
                let routed = Routed::of(body).unwrap_or_default();
                Some(TableMember { id: id.clone(), hub: hub.clone(), vnet, routed })
            })
            .collect()
    }

    /// The connection of a network to a hub, if it has one.
    pub(super) fn member(&self, vnet: &ResourceId) -> Option<TableMember> {
        let hubs = self.of_type(HUBS).map(|(id, _)| id);
        hubs.flat_map(|hub| self.members(hub)).find(|member| member.vnet == *vnet)
    }

    /// The ExpressRoute gateway of a hub, when it is done.
    fn gateway_of_hub(&self, hub: &ResourceId) -> Option<ResourceId> {
        let mut all = self.of_type(GATEWAYS).map(|(id, _)| id);
        all.find(|id| self.gateway_lives(id).is_ok_and(|gateway| gateway.hub.as_ref() == Some(hub)))
            .cloned()
    }

    /// The connections of hubs to circuits.
    pub(super) fn circuit_connections(&self) -> Vec<EstateConnection> {
        self.of_type(CONNECTIONS)
            .filter_map(|(id, body)| {
                let peering = text_at(body, "/properties/expressRouteCircuitPeering/id")?;
                let weight = body.pointer("/properties/routingWeight").and_then(Value::as_u64);
                Some(EstateConnection {
                    id: id.clone(),
                    gateway: id.parent()?,
                    circuit: ResourceId::parse(peering).ok()?.parent()?,
                    weight: weight.and_then(|own| u32::try_from(own).ok()).unwrap_or(0),
                    succeeded: text_is(body, "/properties/provisioningState", "Succeeded"),
                })
            })
            .collect()
    }

    /// Whether a circuit's connection fills a table.
    fn connection_fills(&self, connection: &ResourceId, table: &ResourceId) -> bool {
        let labels = self.labels(table);
        let routed = self.body(connection).and_then(Routed::of);
        routed.is_some_and(|routed| routed.fills(table, &labels))
    }

    fn labels(&self, table: &ResourceId) -> Vec<String> {
        let otherwise =
            if table.name().eq_ignore_ascii_case(DEFAULT_TABLE) { "default" } else { "" };
        labels_of(self.body(table), otherwise)
    }

    /// The gateways whose routes a network of a hub has, its own hub's first.
    pub(super) fn serving_over_hubs(&self, vnet: &ResourceId) -> Vec<ResourceId> {
        let Some(member) = self.member(vnet).filter(|member| self.hub_lives(&member.hub)) else {
            return Vec::new();
        };
        let Some(table) = &member.routed.associated else { return Vec::new() };
        let hubs = std::iter::once(member.hub.clone()).chain(self.other_hubs(&member.hub));
        hubs.filter_map(|hub| self.gateway_of_hub(&hub))
            .filter(|gateway| {
                let mut own = self.connections_of_gateway(gateway);
                own.any(|connection| self.connection_fills(&connection.id, table))
            })
            .collect()
    }

    /// What a hub's default table knows of networks: what its gateway tells on-premises, each with whether
    /// another hub has passed it on.
    pub(super) fn told_by_hub(&self, hub: &ResourceId) -> Vec<(IpNet, bool)> {
        let Ok(table) = hub.child(HUB_TABLES, DEFAULT_TABLE) else { return Vec::new() };
        let labels = self.labels(&table);
        let own_prefix = |hub: &ResourceId| {
            text_at(self.body(hub)?, "/properties/addressPrefix")?.parse::<IpNet>().ok()
        };
        let mut told: Vec<(IpNet, bool)> =
            own_prefix(hub).into_iter().map(|net| (net, false)).collect();
        told.extend(self.static_routes(&table).into_iter().map(|(net, ..)| (net, false)));
        for of in std::iter::once(hub.clone()).chain(self.other_hubs(hub)) {
            let passed_on = of != *hub;
            if passed_on {
                told.extend(own_prefix(&of).map(|net| (net, true)));
            }
            for member in self.members(&of) {
                if !member.routed.fills(&table, &labels) {
                    continue;
                }
                let nets =
                    self.vnet(&member.vnet).map(|vnet| vnet.prefixes.clone()).unwrap_or_default();
                told.extend(nets.into_iter().map(|net| (net, passed_on)));
            }
        }
        told
    }

    /// The static routes of a table: destination, name and next hop.
    fn static_routes(&self, table: &ResourceId) -> Vec<(IpNet, String, String)> {
        let list = self.body(table).and_then(|body| body.pointer("/properties/routes"));
        let mut all = Vec::new();
        for route in list.and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| route.get(key).and_then(Value::as_str).unwrap_or_default();
            let to = route.get("destinations").and_then(Value::as_array).into_iter().flatten();
            for net in to.filter_map(|net| net.as_str()?.parse().ok()) {
                all.push((net, text("name").to_owned(), text("nextHop").to_owned()));
            }
        }
        all
    }

    /// Why a hub drops what is for a network that it told of, if it does: a static route that is the longest
    /// and leads to no connection that stands.
    pub(super) fn hub_drops(&self, hub: &ResourceId, to: &IpNet) -> Option<String> {
        let table = hub.child(HUB_TABLES, DEFAULT_TABLE).ok()?;
        let learned = self.told_by_hub(hub).into_iter().map(|(net, _)| net);
        let longest = learned.filter(|net| net.contains(to)).map(|net| net.prefix_len()).max()?;
        let mut routes = self.static_routes(&table).into_iter();
        let (_, name, hop) =
            routes.find(|(net, ..)| net.contains(to) && net.prefix_len() == longest)?;
        let stands =
            self.members(hub).iter().any(|member| member.id.as_str().eq_ignore_ascii_case(&hop))
                || ResourceId::parse(&hop).is_ok_and(|hop| {
                    hop.is_a("Microsoft.Network/azureFirewalls") && self.body(&hop).is_some()
                });
        (!stands).then(|| {
            format!(
                "dropped by route {name} of table {}: its next hop does not stand",
                table.name()
            )
        })
    }

    /// The network of a WAN that has these addresses, as seen from one of its hubs.
    pub(super) fn home_over_hubs(&self, hub: &ResourceId, network: &IpNet) -> Option<ResourceId> {
        let hubs = std::iter::once(hub.clone()).chain(self.other_hubs(hub));
        hubs.flat_map(|hub| self.members(&hub))
            .map(|member| member.vnet)
            .find(|vnet| self.vnet(vnet).is_some_and(|vnet| vnet.prefixes.contains(network)))
    }
}

/// The rows of `effectiveRoutes` for one table of a hub.
#[must_use]
pub fn effective_routes(
    estate: &Estate<'_>,
    onprem: &OnPrem,
    table: &ResourceId,
) -> Vec<EffectiveRow> {
    let Some(hub) = table.parent().filter(|hub| estate.hub_lives(hub)) else { return Vec::new() };
    let labels = estate.labels(table);
    let mut rows: Vec<EffectiveRow> = estate
        .static_routes(table)
        .into_iter()
        .map(|(net, _, hop)| {
            let firewall = hop.to_ascii_lowercase().contains("/azurefirewalls/");
            let kind = if firewall { "Azure Firewall" } else { "Virtual Network Connection" };
            row(net, kind, &hop, &[], table.as_str())
        })
        .collect();
    for of in std::iter::once(hub.clone()).chain(estate.other_hubs(&hub)) {
        let remote = of != hub;
        let (kind, passed): (_, &[u32]) =
            if remote { ("Remote Hub", &[HUB_ASN, HUB_ASN]) } else { ("", &[]) };
        for member in estate.members(&of) {
            if !member.routed.fills(table, &labels) {
                continue;
            }
            let nets =
                estate.vnet(&member.vnet).map(|vnet| vnet.prefixes.clone()).unwrap_or_default();
            for net in nets {
                let own = if remote { &of } else { &member.id };
                let kind = if remote { kind } else { "Virtual Network Connection" };
                rows.push(row(net, kind, own.as_str(), passed, member.id.as_str()));
            }
        }
        let Some(gateway) = estate.gateway_of_hub(&of) else { continue };
        for connection in estate.connections_of_gateway(&gateway) {
            let fills = estate.connection_fills(&connection.id, table);
            if !fills || estate.carries(onprem, connection).is_err() {
                continue;
            }
            for path in CircuitPath::BOTH {
                for (net, customer) in heard(estate, onprem, &connection.circuit, path) {
                    let as_path = [passed, microsoft_path(&customer).as_slice()].concat();
                    let own = if remote { &of } else { &gateway };
                    let kind = if remote { kind } else { "ExpressRouteGateway" };
                    rows.push(row(net, kind, own.as_str(), &as_path, gateway.as_str()));
                }
            }
        }
    }
    // Both paths of a circuit bring the same.
    rows.sort();
    rows.dedup();
    rows
}

fn row(net: IpNet, kind: &'static str, hop: &str, path: &[u32], origin: &str) -> EffectiveRow {
    EffectiveRow {
        address_prefixes: vec![net],
        next_hop_type: kind,
        next_hops: vec![hop.to_owned()],
        as_path: joined(path, "-"),
        route_origin: origin.to_owned(),
    }
}
