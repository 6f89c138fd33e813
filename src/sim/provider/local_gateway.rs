//! What is a local network gateway? What a VPN gateway is told of the other side.

use serde_json::Value;

use super::{Provider, Put, top_level};
use crate::arm::kind;
use crate::model::ResourceId;
use crate::sim::body_rule::BodyRule;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct LocalGatewayType;

impl Provider for LocalGatewayType {
    fn kind(&self) -> &'static str {
        "Microsoft.Network/localNetworkGateways"
    }

    fn word(&self) -> &'static str {
        "LocalNetworkGateway"
    }

    fn body_rules(&self) -> &'static [BodyRule] {
        &[
            BodyRule::Prefix("/properties/localNetworkAddressSpace/addressPrefixes/*"),
            BodyRule::Address("/properties/gatewayIpAddress"),
        ]
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(bgp) = properties.get_mut("bgpSettings").filter(|bgp| bgp.is_object()) {
            super::default(bgp, "peerWeight", serde_json::json!(0));
        }
        if let Some(space) = properties.get_mut("localNetworkAddressSpace") {
            super::default(space, "addressPrefixes", serde_json::json!([]));
        }
        top_level(put, properties)
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        match world.resources.user_of(id, kind::CONNECTIONS) {
            None => Ok(()),
            Some(user) => Err(Refusal::unconfirmed(
                &unconfirmed::LOCAL_GATEWAY_CONNECTED,
                format!("Local network gateway {id} is used by {user}; delete that first."),
            )),
        }
    }
}
