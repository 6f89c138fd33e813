//! What do its children need of a virtual network? Its addresses, and that it is there.

use serde_json::{Value, json};

use super::{Provider, Put, default, top_level, vnet_peering};
use crate::arm::{kind, linked};
use crate::model::ResourceId;
use crate::sim::body_rule::BodyRule;
use crate::sim::consequence::Consequence;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct VirtualNetworkType;

impl Provider for VirtualNetworkType {
    fn kind(&self) -> &'static str {
        kind::NETWORKS
    }

    fn joins(&self, _: &ResourceId, body: &Value) -> Vec<(ResourceId, &'static str)> {
        linked(kind::NETWORKS, body)
    }

    fn word(&self) -> &'static str {
        "VirtualNetwork"
    }

    fn children(&self) -> &'static [&'static str] {
        &["subnets", "virtualNetworkPeerings"]
    }

    fn usages(&self) -> &'static [(&'static str, u64)] {
        &[("VirtualNetworks", 1_000)]
    }

    fn body_rules(&self) -> &'static [BodyRule] {
        &[
            BodyRule::Prefix("/properties/addressSpace/addressPrefixes/*"),
            BodyRule::Needs(&["/properties/addressSpace/addressPrefixes"]),
        ]
    }

    fn first_retry_after(&self) -> (u64, u64) {
        (3, 10)
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("subnets");
            properties.remove("virtualNetworkPeerings");
        }
        default(&mut properties, "enableDdosProtection", json!(false));
        default(&mut properties["addressSpace"], "ipamPoolPrefixAllocations", json!([]));
        default(&mut properties, "enableVmProtection", json!(false));
        default(&mut properties, "privateEndpointVNetPolicies", json!("Disabled"));
        if let Some(communities) =
            properties.get_mut("bgpCommunities").filter(|own| own.is_object())
        {
            default(communities, "regionalCommunity", json!(regional_community(put)));
        }
        if let Some(encryption) = properties.get_mut("encryption").filter(|own| own.is_object()) {
            default(encryption, "enforcement", json!("AllowUnencrypted"));
        }
        if let Some(dhcp) = properties.get_mut("dhcpOptions") {
            default(dhcp, "dnsServers", json!([]));
        }
        top_level(put, properties)
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let space = put.body.pointer("/properties/addressSpace/addressPrefixes");
        let wrong = space.and_then(Value::as_array).into_iter().flatten().find(|prefix| {
            prefix.as_str().is_none_or(|text| text.parse::<ipnet::IpNet>().is_err())
        });
        match wrong {
            None => super::subnet::check_within(world, put),
            Some(prefix) => Err(Refusal::new(
                400,
                "InvalidAddressPrefixFormat",
                format!(
                    "Address prefix {} of resource {} is not formatted correctly. It should follow \
                     CIDR notation, for example 10.0.0.0/24.",
                    prefix.as_str().unwrap_or_default(),
                    put.id
                ),
            )),
        }
    }

    fn replaced(&self, world: &World, id: &ResourceId, before: &Value) -> Vec<Consequence> {
        let space =
            |body: &Value| body.pointer("/properties/addressSpace/addressPrefixes").cloned();
        let now = world.body(id).and_then(space);
        if now == space(before) {
            return Vec::new();
        }
        vnet_peering::space_changed(world, id, &space(before).unwrap_or_default())
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        // As recorded: the first subnet that is in use says so, and who uses it.
        let mut within = world.ids().filter(|other| *other != id && other.is_within(id));
        let used = within.find_map(|other| Some((other, world.user_of(other)?)));
        if let Some((subnet, user)) = used {
            return Err(super::subnet::in_use(subnet, &user));
        }
        if world.resources.user_of(id, super::hub_vnet::KIND).is_some() {
            let message = format!("Virtual network {id} is in use and cannot be deleted.");
            return Err(Refusal::unconfirmed(&unconfirmed::NETWORK_USED, message));
        }
        Ok(())
    }

    fn deleted(&self, _: &World, id: &ResourceId, _: &Value) -> Vec<Consequence> {
        vec![Consequence::RemoveWithin { id: id.clone() }]
    }
}

/// The community of a network's region, which only Azure says: 12076 and a number for each.
fn regional_community(put: &Put<'_>) -> String {
    let region = put.text("/location").unwrap_or_default().to_ascii_lowercase();
    let number: u32 = region.bytes().map(u32::from).sum();
    format!("12076:{}", 50_000 + number % 100)
}
