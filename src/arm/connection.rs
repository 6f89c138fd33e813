//! What does a connection's body say?

use serde_json::Value;

use super::read::{flag, id_at, number, text, word};
use crate::model::ResourceId;

/// `VirtualNetworkGatewayConnectionStatus` of Microsoft.Network, 2024-05-01.
const STATUSES: [&str; 4] = ["Unknown", "Connecting", "Connected", "NotConnected"];

/// A connection of a gateway.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionView<'v>(&'v Value);

impl<'v> ConnectionView<'v> {
    /// The view of a body.
    #[must_use]
    pub fn of(body: &'v Value) -> Self {
        Self(body)
    }

    /// The gateway that it is of.
    #[must_use]
    pub fn gateway(self) -> Option<ResourceId> {
        id_at(self.0, "/properties/virtualNetworkGateway1/id")
    }

    /// The circuit that it leads to; one of VPN gateways leads to none.
    #[must_use]
    pub fn circuit(self) -> Option<ResourceId> {
        id_at(self.0, "/properties/peer/id")
    }

    /// Whether it leads to this circuit.
    #[must_use]
    pub fn leads_to(self, circuit: &ResourceId) -> bool {
        self.circuit().as_ref() == Some(circuit)
    }

    /// `ExpressRoute` or a kind of VPN; what is not said is the former.
    #[must_use]
    pub fn is_express_route(self) -> bool {
        let kind = text(self.0, "/properties/connectionType");
        kind.is_none_or(|kind| kind.eq_ignore_ascii_case("ExpressRoute"))
    }

    /// Its routing weight: the larger wins.
    #[must_use]
    pub fn weight(self) -> u64 {
        number(self.0, "/properties/routingWeight").unwrap_or(0)
    }

    /// The key that it was made with.
    #[must_use]
    pub fn key(self) -> Option<&'v str> {
        text(self.0, "/properties/authorizationKey")
    }

    /// Whether packets go past its gateway (FastPath).
    #[must_use]
    pub fn goes_past_gateway(self) -> bool {
        flag(self.0, "/properties/expressRouteGatewayBypass")
    }

    /// Whether it has come to be connected, as far as it says.
    #[must_use]
    pub fn status(self) -> Option<&'v str> {
        word(self.0, "/properties/connectionStatus", &STATUSES)
    }
}
