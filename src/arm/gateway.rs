//! What does a gateway's body say?

use std::net::IpAddr;

use serde_json::Value;

use super::read::{id_at, is, list, number, text};
use crate::model::ResourceId;

/// A gateway of a virtual network.
#[derive(Debug, Clone, Copy)]
pub struct GatewayView<'v>(&'v Value);

impl<'v> GatewayView<'v> {
    /// The view of a body.
    #[must_use]
    pub fn of(body: &'v Value) -> Self {
        Self(body)
    }

    /// `ExpressRoute` or `Vpn`, as it says.
    #[must_use]
    pub fn kind(self) -> Option<&'v str> {
        text(self.0, "/properties/gatewayType")
    }

    /// Whether it is one for circuits: what is not said is one for VPN.
    #[must_use]
    pub fn is_express_route(self) -> bool {
        self.kind().is_some_and(|kind| kind.eq_ignore_ascii_case("ExpressRoute"))
    }

    /// Whether it is switched off: of two gateways of a network, as in a migration, the one that does not serve.
    #[must_use]
    pub fn is_switched_off(self) -> bool {
        is(self.0, "/properties/adminState", "Disabled")
    }

    /// Its size.
    #[must_use]
    pub fn sku(self) -> Option<&'v str> {
        text(self.0, "/properties/sku/name")
    }

    /// Its configurations: a subnet and an address each.
    #[must_use]
    pub fn configurations(self) -> &'v [Value] {
        list(self.0, "/properties/ipConfigurations")
    }

    /// The subnet that it stands in.
    #[must_use]
    pub fn subnet(self) -> Option<ResourceId> {
        id_at(self.configurations().first()?, "/properties/subnet/id")
    }

    /// The virtual network that it stands in.
    #[must_use]
    pub fn network(self) -> Option<ResourceId> {
        self.subnet()?.parent()
    }

    /// The address that it says it speaks BGP from: the first, where it has several.
    #[must_use]
    pub fn bgp_address(self) -> Option<IpAddr> {
        let all = text(self.0, "/properties/bgpSettings/bgpPeeringAddress")?;
        all.split(',').next()?.trim().parse().ok()
    }

    /// Whether it is guarded: Azure deletes neither such a gateway nor its connections (azure-docs
    /// expressroute/resiliency-model.md).
    #[must_use]
    pub fn is_multi_homed(self) -> bool {
        is(self.0, "/properties/resiliencyModel", "MultiHomed")
    }

    /// The fewest scale units of one that scales by itself.
    #[must_use]
    pub fn scale_units_min(self) -> Option<u64> {
        number(self.0, "/properties/autoScaleConfiguration/bounds/min")
    }
}
