//! What does Azure refuse of a gateway for its sizes and its addresses?

use serde_json::Value;

use super::{Put, id_at};
use crate::arm::read::{is, list, region};
use crate::arm::{GatewayView, PeeringView};
use crate::model::ResourceId;
use crate::model::azure_limits::{resizes_in_place, scales_between};
use crate::model::geography;
use crate::sim::envelope::{Month, is_since};
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

/// From then on new ExpressRoute gateways take no Basic address, which is on its way out (E-GWP).
const NO_BASIC_SINCE: Month = (2024, 12);

/// The first report of zones that do not go with a VPN gateway's SKU (ResourceModules 2609).
const ZONES_SINCE: Month = (2023, 1);

/// Most scale units of an `ErGwScale` gateway.
const UNITS_MAX: u64 = 40;

/// Refuses a size that Azure does not make of the one that stands.
pub(super) fn size(put: &Put<'_>, sku: &str) -> Result<(), Refusal> {
    let has = put.stored.and_then(|stored| stored.pointer("/properties/sku/name")?.as_str());
    match has.filter(|has| !resizes_in_place(has, sku)) {
        None => Ok(()),
        Some(has) => {
            let message =
                format!("The gateway SKU cannot be changed from '{has}' to '{sku}' in place.");
            Err(Refusal::unconfirmed(&unconfirmed::RESIZE, message))
        }
    }
}

/// Refuses the delete of a gateway that is multi-homed, or of what is connected to it (azure-docs
/// expressroute/resiliency-model.md).
pub(super) fn guarded(world: &World, gateway: &ResourceId) -> Result<(), Refusal> {
    let guarded = world.body(gateway).is_some_and(|body| GatewayView::of(body).is_multi_homed());
    if !guarded {
        return Ok(());
    }
    let message = format!(
        "Gateway {gateway} is multi-homed: neither it nor its connections can be deleted. Change its resiliencyModel \
         to SingleHomed first."
    );
    Err(Refusal::unconfirmed(&unconfirmed::MULTI_HOMED, message))
}

/// Refuses bounds between which nothing scales.
pub(super) fn bounds(put: &Put<'_>, sku: &str) -> Result<(), Refusal> {
    let at = |key: &str| {
        let pointer = format!("/properties/autoScaleConfiguration/bounds/{key}");
        put.body.pointer(&pointer).and_then(Value::as_u64)
    };
    let (min, max) = (at("min"), at("max"));
    let inside = |own: Option<u64>| own.is_none_or(|own| (1..=UNITS_MAX).contains(&own));
    let ordered = min.zip(max).is_none_or(|(min, max)| scales_between(min, max));
    let scales = sku.eq_ignore_ascii_case("ErGwScale") || (min, max) == (None, None);
    if inside(min) && inside(max) && ordered && scales {
        return Ok(());
    }
    let word = |own: Option<u64>| own.map_or_else(|| "none".to_owned(), |own| own.to_string());
    let message = format!(
        "The autoscale bounds of gateway {} are not valid: Min {}, Max {} for SKU {sku}. The minimum must be \
         greater than 1, or both 1, and not above the maximum, the maximum at most {UNITS_MAX}, and the SKU ErGwScale.",
        put.id,
        word(min),
        word(max)
    );
    Err(Refusal::new(400, "ExpressRouteVirtualNetworkGatewayAutoscaleBoundsNotValid", message))
}

/// Refuses a gateway that is made in a network which uses another network's (N-PEER), and one that is made beside one
/// of the other kind, where the VPN gateway of both is policy-based or Basic (VPN-COEX).
pub(super) fn beside(world: &World, put: &Put<'_>, subnet: &ResourceId) -> Result<(), Refusal> {
    let vnet = subnet.parent().filter(|_| put.stored.is_none());
    let sides = vnet.iter().flat_map(|vnet| world.resources.children(vnet));
    let mut users = sides.filter(|(_, side)| PeeringView::of(&side.body).uses_gateway());
    if let Some((side, _)) = users.next() {
        let message = format!(
            "Gateway {} cannot be created: its virtual network uses the remote gateway of peering {side}.",
            put.id
        );
        return Err(Refusal::unconfirmed(&unconfirmed::REMOTE_USED, message));
    }
    let vpn = |body: &Value| is(body, "/properties/gatewayType", "Vpn");
    let unfit = |body: &Value| {
        vpn(body)
            && (is(body, "/properties/vpnType", "PolicyBased")
                || is(body, "/properties/sku/name", "Basic"))
    };
    let others = world.users_of(subnet).filter(|other| *other != put.id);
    let mut others = others.filter_map(|other| Some((world.body(other)?, other)));
    let met =
        others.find(|(body, _)| vpn(body) != vpn(put.body) && (unfit(body) || unfit(put.body)));
    match met.filter(|_| put.stored.is_none()) {
        None => Ok(()),
        Some((_, other)) => {
            let message = format!(
                "Gateway {} and gateway {other} cannot stand beside one another: a VPN gateway beside an \
                 ExpressRoute gateway must be route-based and not of SKU Basic.",
                put.id
            );
            Err(Refusal::unconfirmed(&unconfirmed::NOT_BESIDE, message))
        }
    }
}

/// The addresses that a gateway names.
fn named(put: &Put<'_>) -> impl Iterator<Item = ResourceId> {
    let list = put.body.pointer("/properties/ipConfigurations").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|own| id_at(own, "/properties/publicIPAddress/id"))
}

/// Refuses an address of another region; and on a VPN gateway zones that do not go with its SKU: a Standard address
/// has zones on one of zones (ResourceModules 2609), and none on any other (Azure-Landing-Zones 2660).
fn addresses_fit<'w>(
    used: impl Iterator<Item = (&'w Value, ResourceId)>,
    put: &Put<'_>,
    (vpn, sku): (bool, &str),
) -> Result<(), Refusal> {
    let own = region(put.body);
    for (body, address) in used {
        if own.is_some() && region(body).is_some_and(|there| Some(there) != own) {
            let message = format!(
                "Resource {address} referenced by resource {} was not found. Please make sure that the referenced \
                 resource exists, and that both resources are in the same region.",
                put.id
            );
            return Err(Refusal::new(400, "InvalidResourceReference", message));
        }
        if !vpn || !is(body, "/sku/name", "Standard") || !is_since(put.now, ZONES_SINCE) {
            continue;
        }
        let zones = !list(body, "/zones").is_empty();
        let has_zones = own.as_ref().and_then(|own| geography::region(own.as_str()));
        match (sku.to_ascii_uppercase().ends_with("AZ"), zones) {
            (true, false) if has_zones.is_some_and(|region| region.zones) => {
                let message = "Standard Public IPs associated with VPN Gateways with AZ VPN skus must have zones \
                               configured.";
                let code = "VmssVpnGatewayPublicIpsMustHaveZonesConfigured";
                return Err(Refusal::new(400, code, message));
            }
            (false, true) => {
                let message = "Standard Public IPs associated with VPN gateways with non-AZ VPN skus cannot have \
                               zones configured.";
                let code = "RegionalVmssVpnGatewayPublicIpsMustNotHaveZonesConfigured";
                return Err(Refusal::new(400, code, message));
            }
            (true, _) | (false, false) => {}
        }
    }
    Ok(())
}

/// Refuses an address that something else has.
fn addresses_free(world: &World, put: &Put<'_>) -> Result<(), Refusal> {
    for address in named(put) {
        let other = super::public_ip::user_of(world, &address).filter(|user| user != put.id);
        if let Some(user) = other {
            let message = format!(
                "Resource {} is referencing public IP address {address} that is already allocated to \
                 resource {user}.",
                put.id
            );
            return Err(Refusal::unconfirmed(&unconfirmed::ADDRESS_USED, message));
        }
    }
    Ok(())
}

/// Refuses an address that something else has; and a Basic one on a gateway that is made: on ExpressRoute's, and on
/// a VPN gateway of zones.
pub(super) fn addresses(
    world: &World,
    put: &Put<'_>,
    (vpn, sku): (bool, &str),
) -> Result<(), Refusal> {
    addresses_free(world, put)?;
    if put.stored.is_some() {
        return Ok(());
    }
    let used = || named(put).filter_map(|id| Some((world.body(&id)?, id)));
    addresses_fit(used(), put, (vpn, sku))?;
    let basic = used().find(|(body, _)| is(body, "/sku/name", "Basic"));
    let Some((_, basic)) = basic.filter(|_| is_since(put.now, NO_BASIC_SINCE)) else {
        return Ok(());
    };
    if !vpn {
        let message = format!(
            "Public IP {basic} of SKU Basic is not allowed on ExpressRoute gateway {}.",
            put.id
        );
        let code = "PublicIpWithBasicSkuNotAllowedOnExpressRouteGateways";
        return Err(Refusal::new(400, code, message));
    }
    if !sku.to_ascii_uppercase().ends_with("AZ") {
        return Ok(());
    }
    let message =
        format!("Gateway {} of SKU {sku} needs Standard addresses, and {basic} is Basic.", put.id);
    Err(Refusal::unconfirmed(&unconfirmed::BASIC_ADDRESS, message))
}
