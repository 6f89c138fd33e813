//! Which subnet does Azure take for a gateway that is made? Its name, its size, and what must not be on it.

use ipnet::IpNet;
use serde_json::Value;

use super::Put;
use crate::arm::{RouteView, SubnetView, kind};
use crate::model::ResourceId;
use crate::model::azure_limits::GATEWAY_SUBNET_NEW;
use crate::sim::envelope::{Month, is_since};
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

/// From then on a new ExpressRoute gateway wants a /27 (E-GWP; azure-facts 7.3).
const SIZE_SINCE: Month = (2024, 12);

/// From then on one of SKU UltraPerformance is known to want it (azure-docs 34171).
const SIZE_OF_ULTRA_SINCE: Month = (2019, 6);

/// Refuses a gateway whose subnet has another name; and one that is made in a subnet that Azure makes none in
/// (azure-facts 2.4). One that stands is let stand.
pub(super) fn fit(
    world: &World,
    put: &Put<'_>,
    place: &ResourceId,
    (vpn, sku): (bool, &str),
) -> Result<(), Refusal> {
    if !place.name().eq_ignore_ascii_case("GatewaySubnet") {
        let message = format!("Subnet {} is not named GatewaySubnet.", place.name());
        return Err(Refusal::unconfirmed(&unconfirmed::GATEWAY_SUBNET, message));
    }
    let Some(body) = world.body(place).filter(|_| put.stored.is_none()) else { return Ok(()) };
    if !vpn {
        size(put, (place, body), sku)?;
    }
    if let Some(group) = SubnetView::of(body).security_group() {
        return Err(guarded(&group));
    }
    no_default_route(world, put, body)
}

/// Refuses a subnet of IPv4 that is too small. Of a VPN gateway a /29 is enough (azure-docs 58530).
fn size(put: &Put<'_>, (place, body): (&ResourceId, &Value), sku: &str) -> Result<(), Refusal> {
    let prefixes = SubnetView::of(body).prefixes();
    let mut small = prefixes
        .iter()
        .filter(|own| matches!(own, IpNet::V4(_)) && own.prefix_len() > GATEWAY_SUBNET_NEW);
    let Some(prefix) = small.next() else { return Ok(()) };
    let ultra = sku.eq_ignore_ascii_case("UltraPerformance");
    let code = match ultra {
        true if is_since(put.now, SIZE_OF_ULTRA_SINCE) => &unconfirmed::GATEWAY_SUBNET_ULTRA,
        _ if is_since(put.now, SIZE_SINCE) => &unconfirmed::GATEWAY_SUBNET_SMALL,
        _ => return Ok(()),
    };
    let message = format!(
        "To deploy an ExpressRoute gateway of SKU {sku}, the GatewaySubnet {place} must be /{GATEWAY_SUBNET_NEW} or \
         larger; it is {prefix}."
    );
    Err(Refusal::unconfirmed(code, message))
}

/// The refusal of a security group on the subnet of gateways, or of a gateway in a subnet that has one. The code is
/// recorded of the first (Azure-Terraform/terraform-azurerm-virtual-network 18), the words of both (azure-docs 71802).
pub(super) fn guarded(group: &ResourceId) -> Refusal {
    let message = format!(
        "The operation failed because the network security group {} can not be associated to the GatewaySubnet. \
         Please remove the network security group associated to the GatewaySubnet. No changes have occurred on the \
         gateway at this time.",
        group.name()
    );
    Refusal::new(400, "NetworkSecurityGroupCannotBeAttachedToGatewaySubnet", message)
}

/// Refuses a gateway whose subnet has a route for everything.
fn no_default_route(world: &World, put: &Put<'_>, subnet: &Value) -> Result<(), Refusal> {
    let Some(table) = SubnetView::of(subnet).route_table() else { return Ok(()) };
    let routes = world.resources.children(&table).filter(|(id, _)| id.is_a(kind::ROUTES));
    let mut wide =
        routes.filter(|(_, own)| RouteView::of(&own.body).destination() == Some("0.0.0.0/0"));
    let Some((route, _)) = wide.next() else { return Ok(()) };
    let message = format!(
        "Gateway {} cannot be created: the route table of its subnet has a route for 0.0.0.0/0, {route}.",
        put.id
    );
    Err(Refusal::unconfirmed(&unconfirmed::GATEWAY_DEFAULT_ROUTE, message))
}
