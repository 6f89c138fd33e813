//! When has a public IP address its address, and who may have it?

use serde_json::{Value, json};

use super::{Provider, Put, Shown, default, id_at, keep, top_level};
use crate::arm;
use crate::arm::kind;
use crate::model::{ResourceId, geography};
use crate::sim::body_rule::BodyRule;
use crate::sim::consequence::Consequence;
use crate::sim::duration::draw;
use crate::sim::envelope::{Month, is_since};
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct PublicIpType;

/// From then on no address of the SKU Basic is made: none may be had any more (its retirement, as reported).
const NO_BASIC_SINCE: Month = (2025, 4);

impl Provider for PublicIpType {
    fn kind(&self) -> &'static str {
        kind::PUBLIC_ADDRESSES
    }

    fn word(&self) -> &'static str {
        "PublicIpAddress"
    }

    fn first_retry_after(&self) -> (u64, u64) {
        (1, 10)
    }

    fn etag_header(&self) -> bool {
        true
    }

    fn usages(&self) -> &'static [(&'static str, u64)] {
        &[("PublicIPAddresses", 1_000), ("StandardSkuPublicIpAddresses", 1_000)]
    }

    fn body_rules(&self) -> &'static [BodyRule] {
        &[BodyRule::Address("/properties/ipAddress")]
    }

    fn validate(&self, _: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let dynamic = put.text("/properties/publicIPAllocationMethod") == Some("Dynamic");
        if dynamic && put.text("/sku/name") == Some("Standard") {
            let message = format!(
                "Standard sku publicIp {} must have AllocationMethod set to Static.",
                put.id
            );
            return Err(Refusal::unconfirmed(&unconfirmed::STANDARD_IS_STATIC, message));
        }
        let basic = put.text("/sku/name").is_none_or(|sku| sku.eq_ignore_ascii_case("Basic"));
        if put.stored.is_none() && basic && is_since(put.now, NO_BASIC_SINCE) {
            let message = "Cannot create more than 0 IPv4 Basic SKU public IP addresses for this \
                           subscription in this region.";
            return Err(Refusal::new(400, "IPv4BasicSkuPublicIpCountLimitReached", message));
        }
        let region = arm::read::region(put.body).and_then(|own| geography::region(own.as_str()));
        let asked = !arm::read::list(put.body, "/zones").is_empty();
        if put.stored.is_none() && asked && region.is_some_and(|region| !region.zones) {
            // As reported in Azure-Landing-Zones 425.
            let message = format!(
                "The resource 'Microsoft.Network/publicIPAddresses/{}' does not support availability zones at location \
                 '{}'.",
                put.id.name(),
                region.map_or("", |region| region.name)
            );
            return Err(Refusal::new(400, "LocationNotSupportAvailabilityZones", message));
        }
        let zones = |body: &Value| {
            let list = body.get("zones").and_then(Value::as_array);
            let mut zones: Vec<&str> =
                list.into_iter().flatten().filter_map(Value::as_str).collect();
            zones.sort_unstable();
            zones.join(", ")
        };
        let (Some(has), asked) = (put.stored.map(zones), zones(put.body)) else { return Ok(()) };
        if has == asked {
            return Ok(());
        }
        // As reported in azurerm 16470.
        let message = format!(
            "Resource {} has an existing availability zone constraint {has} and the request has availability \
             zone constraint {asked}, which do not match. Zones cannot be added/updated/removed once the \
             resource is created. The resource cannot be updated from regional to zonal or vice-versa.",
            put.id
        );
        Err(Refusal::new(400, "ResourceAvailabilityZonesCannotBeModified", message))
    }

    fn show(&self, world: &World, shown: &Shown<'_>, body: &mut Value) {
        if let Some(user) = world.configurations_with(shown.id).into_iter().next() {
            body["properties"]["ipConfiguration"] = user;
        } else if told_user(world, body).is_none()
            && let Some(properties) = body["properties"].as_object_mut()
        {
            properties.remove("ipConfiguration");
        }
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        keep(&mut properties, put.stored, &["ipAddress", "ipConfiguration"]);
        default(&mut properties, "publicIPAddressVersion", json!("IPv4"));
        default(&mut properties, "idleTimeoutInMinutes", json!(4));
        default(&mut properties, "ipTags", json!([]));
        default(&mut properties, "publicIPAllocationMethod", json!("Dynamic"));
        let mut body = top_level(put, properties);
        let region = body["location"].as_str().unwrap_or_default().to_owned();
        if let Some(dns) = body["properties"].get_mut("dnsSettings").filter(|dns| dns.is_object())
            && let Some(label) = dns["domainNameLabel"].as_str()
        {
            let name = format!("{label}.{region}.cloudapp.azure.com");
            default(dns, "fqdn", json!(name));
        }
        default(&mut body, "sku", json!({ "name": "Basic" }));
        default(&mut body["sku"], "tier", json!("Regional"));
        if body["sku"]["name"] == json!("Standard") {
            let settings = json!({ "protectionMode": "VirtualNetworkInherited" });
            default(&mut body["properties"], "ddosSettings", settings);
        }
        body
    }

    fn complete(&self, body: &mut Value) {
        // What stands in subnets is found where it is; of others, such as a load balancer, only a world file tells. A gateway
        // may not show its address.
        let user = id_at(body, "/properties/ipConfiguration/id").and_then(|own| own.parent());
        let user = user.filter(|own| !own.is_a(kind::GATEWAYS));
        let found = user.as_ref().and_then(super::of).is_some_and(Provider::stands_in_subnets);
        if let Some(properties) = body["properties"].as_object_mut().filter(|_| found) {
            properties.remove("ipConfiguration");
        }
    }

    fn finished(&self, world: &World, id: &ResourceId) -> Vec<Consequence> {
        // A dynamic address comes with the first use.
        if world.body(id).is_some_and(|body| arm::PublicAddressView::of(body).is_static()) {
            return give_address(world, id).into_iter().collect();
        }
        Vec::new()
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        match user_of(world, id) {
            None => Ok(()),
            Some(user) => Err(Refusal::new(
                400,
                "PublicIPAddressCannotBeDeleted",
                format!(
                    "Public IP address {id} can not be deleted since it is still allocated to \
                     resource {user}. In order to delete the public IP, disassociate/detach the \
                     Public IP address from the resource."
                ),
            )),
        }
    }
}

/// Who has an address: one of the world's, or one that only its file tells of.
pub(super) fn user_of(world: &World, id: &ResourceId) -> Option<ResourceId> {
    let told = || {
        let body = world.body(id)?;
        told_user(world, body).or_else(|| id_at(body, "/properties/natGateway/id"))
    };
    world.user_of(id).or_else(told)
}

/// Gives a public IP its address, if it has none.
pub(super) fn give_address(world: &World, id: &ResourceId) -> Option<Consequence> {
    let address = address(world, id)?;
    Consequence::change(world, id, |body| default(&mut body["properties"], "ipAddress", address))
}

/// The address that a public IP has, or will be given; nothing else has one.
pub(super) fn address(world: &World, id: &ResourceId) -> Option<Value> {
    if !id.is_a(PublicIpType.kind()) {
        return None;
    }
    let own = world.body(id)?.pointer("/properties/ipAddress");
    Some(own.cloned().unwrap_or_else(|| drawn(world.seed(), id)))
}

fn drawn(seed: u64, id: &ResourceId) -> Value {
    let octet = |purpose: &str| 1 + (draw(seed, id, 0, purpose) * 250.0) as u32;
    // 192.0.2.0/24 and its like are for documents; this is a block of nobody's.
    json!(format!("20.205.{}.{}", octet("third"), octet("fourth")))
}

/// Who has an address, as its own body tells; a gateway that is gone has none.
fn told_user(world: &World, address: &Value) -> Option<ResourceId> {
    let user = id_at(address, "/properties/ipConfiguration/id")?.parent()?;
    (!user.is_a(kind::GATEWAYS) || world.body(&user).is_some()).then_some(user)
}
