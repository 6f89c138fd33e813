//! What does a body say that the rules ask about? What is read with more than one look.

use ipnet::IpNet;
use serde_json::Value;

use crate::arm::read::{id_at, is, list, text};
use crate::arm::{CircuitView, GatewayView, SubnetView, VirtualNetworkView};
use crate::model::ResourceId;

/// The protected items that a recovery plan's body names.
#[must_use]
pub fn recovery_items(plan: &Value) -> Vec<ResourceId> {
    list(plan, "/properties/groups")
        .iter()
        .flat_map(|group| list(group, "/replicationProtectedItems"))
        .filter_map(|item| id_at(item, "/id"))
        .collect()
}

/// The network that a machine comes up in when it fails over, in its protected item.
pub const FAILS_OVER_INTO: &str =
    "/properties/providerSpecificDetails/selectedRecoveryAzureNetworkId";

/// What says, in a vault, which network stands for which at the other side.
pub const NETWORK_MAPPINGS: &str = "replicationNetworkMappings";

/// The subscription and the resource group in which a protected item's machine comes up.
#[must_use]
pub fn recovery_group(item: &Value) -> Option<(String, String)> {
    let group = text(item, "/properties/providerSpecificDetails/recoveryAzureResourceGroupId")?;
    let mut words = group.trim_start_matches('/').split('/').skip(1).step_by(2);
    Some((words.next()?.to_owned(), words.next()?.to_owned()))
}

/// The network cards of a protected item's machine.
#[must_use]
pub fn cards(item: &Value) -> &[Value] {
    list(item, "/properties/providerSpecificDetails/vmNics")
}

/// The network that a card comes up in: its own, or its machine's.
#[must_use]
pub fn card_network(item: &Value, card: &Value) -> Option<ResourceId> {
    id_at(card, "/recoveryVMNetworkId").or_else(|| id_at(item, FAILS_OVER_INTO))
}

/// The peerings of a virtual network's body.
#[must_use]
pub fn peerings_of(vnet: Option<&Value>) -> &[Value] {
    vnet.map_or(&[], |body| VirtualNetworkView::of(body).peerings())
}

/// The subnets of a virtual network's body.
#[must_use]
pub fn subnets_of(vnet: &Value) -> &[Value] {
    VirtualNetworkView::of(vnet).subnets()
}

pub use crate::arm::GATEWAY_SUBNET;

/// The subnet of a virtual network's body that has this name.
#[must_use]
pub fn subnet_named<'v>(vnet: &'v Value, name: &str) -> Option<&'v Value> {
    subnets_of(vnet).iter().find(|subnet| is(subnet, "/name", name))
}

/// The subnet of a virtual network's body that gateways stand in.
#[must_use]
pub fn own_gateway_subnet(vnet: &Value) -> Option<&Value> {
    subnet_named(vnet, GATEWAY_SUBNET)
}

/// Azure's name of the subnet that a Route Server stands in.
pub const ROUTE_SERVER_SUBNET: &str = "RouteServerSubnet";

/// The name of the Route Server that stands in a virtual network's body, as its subnet shows it. Its resource is a hub
/// without a WAN.
#[must_use]
pub fn route_server(vnet: &Value) -> Option<&str> {
    let subnet = subnet_named(vnet, ROUTE_SERVER_SUBNET)?;
    let configuration = text(SubnetView::of(subnet).users().first()?, "/id")?;
    configuration.rsplit('/').nth(2)
}

/// The Route Server that stands in a virtual network's body.
#[must_use]
pub fn route_server_id(vnet: &Value) -> Option<ResourceId> {
    let subnet = subnet_named(vnet, ROUTE_SERVER_SUBNET)?;
    let configuration = text(SubnetView::of(subnet).users().first()?, "/id")?;
    ResourceId::parse(configuration).ok()?.parent()
}

/// The private peering of a circuit's body.
#[must_use]
pub fn peering<'v>(circuit: &'v Value, name: &str) -> Option<&'v Value> {
    CircuitView::of(circuit).peering(name)
}

/// The subnet that a gateway's body names.
#[must_use]
pub fn gateway_subnet(gateway: &Value) -> Option<ResourceId> {
    GatewayView::of(gateway).subnet()
}

/// The first prefix of a subnet's body.
#[must_use]
pub fn subnet_prefix(subnet: &Value) -> Option<IpNet> {
    subnet_prefixes(subnet).into_iter().next()
}

/// All prefixes of a subnet's body: one in the one field, or several in the other.
#[must_use]
pub fn subnet_prefixes(subnet: &Value) -> Vec<IpNet> {
    SubnetView::of(subnet).prefixes()
}

const CIRCUIT_PEERING: &str = "/properties/expressRouteCircuitPeering/id";

/// The circuit that a connection of either kind leads to.
#[must_use]
pub fn circuit_of(body: &Value) -> Option<ResourceId> {
    let of_hub = || id_at(body, CIRCUIT_PEERING)?.parent();
    id_at(body, "/properties/peer/id").or_else(of_hub)
}

/// Whether a lock's scope covers what is at a path, in whatever case that is written: it is that, or what that is in.
#[must_use]
pub fn lock_covers(lock: &Value, path: &str) -> bool {
    let Some(lock) = text(lock, "/id") else { return true };
    let (lock, path) = (lock.to_ascii_lowercase(), path.to_ascii_lowercase());
    let scope = lock.split("/providers/microsoft.authorization/").next().unwrap_or_default();
    path == scope || path.strip_prefix(scope).is_some_and(|rest| rest.starts_with('/'))
}
