//! What does Azure make of a virtual network gateway, of the ExpressRoute and of the VPN kind?

use serde_json::{Value, json};

use super::public_ip::address;
use super::{
    PostAction, PostReading, Provider, Put, default, gateway_check, gateway_place_check, id_at,
    keep, name_parts, top_level,
};
use crate::arm;
use crate::arm::kind;
use crate::model::{ResourceId, Timestamp};
use crate::sim::body_rule::BodyRule;
use crate::sim::consequence::Consequence;
use crate::sim::envelope::{Month, is_since};
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed;
use crate::sim::world::World;

pub(super) struct GatewayType;

/// From then on the platform gives an ExpressRoute gateway its address: none need be brought, and none is
/// shown, not one that was brought either (azurerm PR 31084, issues 30414, 30032 and 31730).
const OWN_ADDRESS_SINCE: Month = (2025, 8);

/// From then on the answer to a create says the BGP settings that nobody sent; before, only a GET does.
const BGP_SAID_SINCE: Month = (2020, 3);

const EXPRESS_ROUTE: [&str; 7] = [
    "ErGw1AZ",
    "ErGw2AZ",
    "ErGw3AZ",
    "ErGwScale",
    "HighPerformance",
    "Standard",
    "UltraPerformance",
];

const VPN: [&str; 14] = [
    "Basic",
    "HighPerformance",
    "Standard",
    "VpnGw1",
    "VpnGw1AZ",
    "VpnGw2",
    "VpnGw2AZ",
    "VpnGw3",
    "VpnGw3AZ",
    "VpnGw4",
    "VpnGw4AZ",
    "VpnGw5",
    "VpnGw5AZ",
    "UltraPerformance",
];

impl Provider for GatewayType {
    fn kind(&self) -> &'static str {
        kind::GATEWAYS
    }

    fn word(&self) -> &'static str {
        "VirtualNetworkGateway"
    }

    fn locks_with_conflict(&self) -> bool {
        true
    }

    fn patches_slowly(&self) -> bool {
        true
    }

    fn parts(&self) -> &'static [&'static str] {
        &[
            "/properties/ipConfigurations",
            "/properties/natRules",
            "/properties/virtualNetworkGatewayPolicyGroups",
            "/properties/vpnClientConfiguration/vpnClientRootCertificates",
            "/properties/vpnClientConfiguration/vpnClientRevokedCertificates",
            "/properties/vpnClientConfiguration/vngClientConnectionConfigurations",
        ]
    }

    fn tell(&self, body: &mut Value) {
        // Without clients, an empty configuration of them is told all the same.
        let properties = &mut body["properties"];
        default(properties, "vpnClientConfiguration", json!({}));
        point_to_site(properties);
    }

    fn validate(&self, world: &World, put: &Put<'_>) -> Result<(), Refusal> {
        let sku = put.text("/properties/sku/name").unwrap_or(usual(is_vpn(put.body)));
        let vpn = is_vpn(put.body);
        let known: &[&str] = if vpn { &VPN } else { &EXPRESS_ROUTE };
        if !known.iter().any(|known| known.eq_ignore_ascii_case(sku)) {
            let kind = if vpn { "a VPN" } else { "an ExpressRoute" };
            let message = format!("The gateway SKU '{sku}' is not valid for {kind} gateway.");
            return Err(Refusal::new(
                400,
                "InvalidGatewaySkuSpecifiedForGatewayDeploymentType",
                message,
            ));
        }
        let subnet = self.references(put.body).into_iter().find(|id| id.parent().is_some());
        let Some(subnet) = subnet else {
            let message = "The gateway has no IP configuration with a subnet.";
            return Err(Refusal::new(400, "InvalidRequestFormat", message));
        };
        gateway_check::size(put, sku)?;
        gateway_check::bounds(put, sku)?;
        gateway_check::addresses(world, put, (vpn, sku))?;
        let address = put.body.pointer("/properties/ipConfigurations/0/properties/publicIPAddress");
        if address.is_none() && (vpn || !is_since(put.now, OWN_ADDRESS_SINCE)) {
            let message = "The gateway has no IP configuration with a public IP address.";
            return Err(Refusal::unconfirmed(&unconfirmed::ADDRESS_REQUIRED, message));
        }
        gateway_place_check::fit(world, put, &subnet, (vpn, sku))?;
        gateway_check::beside(world, put, &subnet)?;
        // A network may have one of each kind.
        let same_kind = |other: &ResourceId| {
            world.body(other).is_some_and(|body| is_vpn(body) == is_vpn(put.body))
        };
        match world.users_of(&subnet).find(|other| same_kind(other)) {
            Some(other) if other != put.id => {
                let message = format!("Subnet {subnet} is already used by gateway {other}.");
                Err(Refusal::unconfirmed(&unconfirmed::SECOND_GATEWAY, message))
            }
            _ => Ok(()),
        }
    }

    fn accept(&self, _: &World, put: &Put<'_>) -> Value {
        let mut properties = put.properties();
        if let Some(properties) = properties.as_object_mut() {
            properties.remove("virtualNetworkGatewayMigrationStatus");
        }
        let vpn = is_vpn(put.body);
        let sku = properties["sku"]["name"].as_str().unwrap_or(usual(vpn)).to_owned();
        // What size it has is said when it is done, where nobody asked for one.
        let asked = properties.get("sku").is_some() || put.stored.is_some();
        if asked {
            size(&mut properties, &sku);
        }
        configurations(&mut properties);
        nat_rules(&mut properties);
        name_parts(&mut properties, put.id, self.parts());
        for (key, value) in [
            ("packetCaptureDiagnosticState", json!("None")),
            ("enablePrivateIpAddress", json!(false)),
            ("isMigrateToCSES", json!(false)),
            ("natRules", json!([])),
            ("virtualNetworkGatewayPolicyGroups", json!([])),
            ("enableBgpRouteTranslationForNat", json!(false)),
            ("disableIPSecReplayProtection", json!(false)),
            ("gatewayType", json!(if vpn { "Vpn" } else { "ExpressRoute" })),
            ("enableBgp", json!(false)),
            ("activeActive", json!(false)),
            ("vpnType", json!("RouteBased")),
            ("vpnGatewayGeneration", json!(generation(vpn, &sku))),
            ("allowRemoteVnetTraffic", json!(false)),
            ("allowVirtualWanTraffic", json!(false)),
        ] {
            default(&mut properties, key, value);
        }
        if vpn {
            default(&mut properties, "enableHighBandwidthVpnGateway", json!(false));
        }
        let silent = put.stored.is_none() && !is_since(put.now, BGP_SAID_SINCE);
        if !vpn || sku == "Basic" {
            if let Some(properties) = properties.as_object_mut() {
                properties.remove("bgpSettings");
            }
        } else if put.stored.is_some() && put.body.pointer("/properties/bgpSettings").is_none() {
            keep(&mut properties, put.stored, &["bgpSettings"]);
        } else if !silent || properties.get("bgpSettings").is_some() {
            bgp(&mut properties, put.stored);
        }
        let clients = properties.get("vpnClientConfiguration");
        if clients.is_some_and(|own| own.get("vpnClientAddressPool").is_none())
            && let Some(properties) = properties.as_object_mut()
        {
            properties.remove("vpnClientConfiguration");
        }
        point_to_site(&mut properties);
        scale_units(&mut properties);
        top_level(put, properties)
    }

    fn complete(&self, body: &mut Value) {
        // A world's gateway may be written with what matters, and no more.
        for key in ["allowRemoteVnetTraffic", "allowVirtualWanTraffic", "activeActive"] {
            default(&mut body["properties"], key, json!(false));
        }
    }

    fn joins(&self, _: &ResourceId, body: &Value) -> Vec<(ResourceId, &'static str)> {
        self.references(body).into_iter().map(|used| (used, "join/action")).collect()
    }

    fn references(&self, body: &Value) -> Vec<ResourceId> {
        arm::GatewayView::of(body)
            .configurations()
            .iter()
            .flat_map(|configuration| {
                ["subnet", "publicIPAddress"]
                    .iter()
                    .filter_map(|key| id_at(configuration, &format!("/properties/{key}/id")))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// Leaves the address of an ExpressRoute gateway out, as Azure's answers have since August 2025.
    fn hide(&self, body: &mut Value, now: Timestamp) {
        if is_vpn(body) || !is_since(now, OWN_ADDRESS_SINCE) {
            return;
        }
        let list = body.pointer_mut("/properties/ipConfigurations").and_then(Value::as_array_mut);
        for configuration in list.into_iter().flatten() {
            if let Some(properties) =
                configuration.get_mut("properties").and_then(Value::as_object_mut)
            {
                properties.remove("publicIPAddress");
            }
        }
    }

    fn carries(&self) -> bool {
        true
    }

    fn post_action(&self, verb: &str) -> Option<PostAction> {
        match verb {
            "reset" => Some(PostAction::Reset),
            "startsitefailovertest" => Some(PostAction::StartTest),
            "stopsitefailovertest" => Some(PostAction::StopTest),
            _ => None,
        }
    }

    fn post_reading(&self, verb: &str) -> Option<PostReading> {
        Some(match verb {
            "getlearnedroutes" => PostReading::LearnedRoutes,
            "getbgppeerstatus" => PostReading::BgpPeers,
            "getadvertisedroutes" => PostReading::AdvertisedRoutes,
            _ if verb.contains('/') => return None,
            _ => PostReading::Resiliency,
        })
    }

    fn lists(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[(kind::CONNECTIONS, &["virtualNetworkGateway1", "virtualNetworkGateway2"])]
    }

    fn stands_in_subnets(&self) -> bool {
        true
    }

    fn usages(&self) -> &'static [(&'static str, u64)] {
        &[("VirtualNetworkGateways", 100)]
    }

    fn body_rules(&self) -> &'static [BodyRule] {
        &[BodyRule::Needs(&["/properties/gatewayType"])]
    }

    fn is_told_when_reset(&self) -> bool {
        true
    }

    fn finished(&self, world: &World, id: &ResourceId) -> Vec<Consequence> {
        let addresses: Vec<ResourceId> = world
            .body(id)
            .map(|body| self.references(body))
            .unwrap_or_default()
            .into_iter()
            .filter(|used| used.is_a(kind::PUBLIC_ADDRESSES))
            .collect();
        let mut follows: Vec<Consequence> = addresses
            .iter()
            .filter_map(|used| super::public_ip::give_address(world, used))
            .collect();
        let ends = ends(world, id, self);
        follows.extend(Consequence::change(world, id, |body| {
            made(body, &ends);
        }));
        follows
    }

    fn may_delete(&self, world: &World, id: &ResourceId) -> Result<(), Refusal> {
        gateway_check::guarded(world, id)?;
        match world.resources.user_of(id, kind::CONNECTIONS) {
            None => Ok(()),
            Some(user) => Err(Refusal::unconfirmed(
                &unconfirmed::GATEWAY_CONNECTED,
                format!("Gateway {id} has the connection {user}; delete the connection first."),
            )),
        }
    }
}

/// What Azure says of a gateway once it is done.
fn made(body: &mut Value, ends: &[GatewayEnd]) {
    let vpn = is_vpn(body);
    let properties = &mut body["properties"];
    size(properties, usual(vpn));
    let with_bgp = vpn && properties["sku"]["name"] != json!("Basic");
    if with_bgp && properties.get("bgpSettings").is_none() {
        bgp(properties, None);
    }
    if let Some(own) = properties.get_mut("vpnClientConfiguration") {
        let health = json!({
            "vpnClientConnectionsCount": 0, "totalIngressBytesTransferred": 0,
            "totalEgressBytesTransferred": 0,
        });
        default(own, "vpnClientConnectionHealth", health);
    }
    if properties["enablePrivateIpAddress"] == json!(true) {
        let list = properties["ipConfigurations"].as_array_mut();
        for (configuration, end) in list.into_iter().flatten().zip(ends) {
            if let Some(inside) = &end.inside {
                default(&mut configuration["properties"], "privateIPAddress", json!(inside));
            }
        }
    }
    let migration = json!({ "state": "None", "phase": "None", "errorMessage": "" });
    if with_bgp {
        default(properties, "virtualNetworkGatewayMigrationStatus", migration);
    }
    if let Some(bgp) = properties.get_mut("bgpSettings") {
        if bgp["asn"] == json!(0) {
            bgp["asn"] = json!(65515);
        }
        let own: Vec<&str> = ends.iter().filter_map(|end| end.inside.as_deref()).collect();
        if !own.is_empty() {
            // Both addresses of an active-active gateway, in one text.
            default(bgp, "bgpPeeringAddress", json!(own.join(",")));
        }
        let peerings = bgp["bgpPeeringAddresses"].as_array_mut();
        for (peering, end) in peerings.into_iter().flatten().zip(ends) {
            if let Some(inside) = &end.inside {
                peering["defaultBgpIpAddresses"] = json!([inside]);
            }
            peering["tunnelIpAddresses"] = json!(end.tunnels);
        }
    }
}

/// Whether a gateway is of the VPN kind: what is not said is.
fn is_vpn(body: &Value) -> bool {
    !arm::GatewayView::of(body).is_express_route()
}

fn generation(vpn: bool, sku: &str) -> &'static str {
    match sku {
        _ if !vpn => "None",
        "VpnGw4" | "VpnGw5" | "VpnGw4AZ" | "VpnGw5AZ" => "Generation2",
        _ => "Generation1",
    }
}

/// The size of a gateway for which nobody asked for one (recorded: a VPN gateway is then a basic one).
fn usual(vpn: bool) -> &'static str {
    if vpn { "Basic" } else { "Standard" }
}

fn size(properties: &mut Value, sku: &str) {
    default(properties, "sku", json!({ "name": sku, "tier": sku }));
    default(&mut properties["sku"], "tier", json!(sku));
    default(&mut properties["sku"], "capacity", json!(2));
}

fn nat_rules(properties: &mut Value) {
    let rules = properties.get_mut("natRules").and_then(Value::as_array_mut);
    for rule in rules.into_iter().flatten() {
        for (key, value) in [
            ("type", json!("Static")),
            ("mode", json!("EgressSnat")),
            ("internalMappings", json!([])),
            ("externalMappings", json!([])),
        ] {
            default(&mut rule["properties"], key, value);
        }
    }
}

fn configurations(properties: &mut Value) {
    for configuration in properties["ipConfigurations"].as_array_mut().into_iter().flatten() {
        default(&mut configuration["properties"], "privateIPAllocationMethod", json!("Dynamic"));
    }
}

/// What Azure says of a VPN gateway's BGP while it makes it.
fn bgp(properties: &mut Value, stored: Option<&Value>) {
    let ids: Vec<Value> = properties["ipConfigurations"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|configuration| configuration["id"].clone())
        .collect();
    default(properties, "bgpSettings", json!({ "asn": 0 }));
    let bgp = &mut properties["bgpSettings"];
    default(bgp, "asn", json!(0));
    default(bgp, "peerWeight", json!(0));
    let sent: Vec<Value> = bgp["bgpPeeringAddresses"].as_array().cloned().unwrap_or_default();
    bgp["bgpPeeringAddresses"] = ids
        .into_iter()
        .map(|id| {
            let own = sent.iter().find(|own| own["ipconfigurationId"] == id);
            let custom = own.and_then(|own| own.get("customBgpIpAddresses")).cloned();
            let defaults = own.and_then(|own| own.get("defaultBgpIpAddresses")).cloned();
            let before = stored
                .and_then(|stored| stored.pointer("/properties/bgpSettings/bgpPeeringAddresses"))
                .and_then(Value::as_array)
                .and_then(|list| list.iter().find(|own| own["ipconfigurationId"] == id));
            let mut peering = json!({
                "ipconfigurationId": id,
                "defaultBgpIpAddresses": defaults.unwrap_or_else(|| json!([])),
                "customBgpIpAddresses": custom.unwrap_or_else(|| json!([])),
            });
            for key in ["defaultBgpIpAddresses", "tunnelIpAddresses"] {
                if let Some(known) = before.and_then(|before| before.get(key)) {
                    peering[key] = known.clone();
                }
            }
            peering
        })
        .collect();
}

/// The clients of a VPN gateway: without any, an empty configuration is shown until the gateway is done.
fn point_to_site(properties: &mut Value) {
    let sku = properties["sku"]["name"].as_str().unwrap_or_default();
    let protocols = if sku == "Basic" { json!(["SSTP"]) } else { json!(["OpenVPN", "IkeV2"]) };
    if let Some(own) = properties.get_mut("vpnClientConfiguration").filter(|own| own.is_object()) {
        if let Some(own) = own.as_object_mut() {
            own.remove("vpnClientConnectionHealth");
        }
        default(own, "vpnClientProtocols", protocols);
        if own.get("radiusServerAddress").is_some() {
            default(own, "vpnAuthenticationTypes", json!(["Radius"]));
        }
        for key in [
            "vpnAuthenticationTypes",
            "vpnClientRootCertificates",
            "vpnClientRevokedCertificates",
            "vngClientConnectionConfigurations",
            "radiusServers",
            "vpnClientIpsecPolicies",
        ] {
            default(own, key, json!([]));
        }
    }
}

fn scale_units(properties: &mut Value) {
    if let Some(scale) = properties.get_mut("autoScaleConfiguration").filter(|s| s.is_object()) {
        let least = scale.pointer("/bounds/min").cloned().unwrap_or_else(|| json!(1));
        default(scale, "minScaleUnits", least);
    }
}

/// One configuration of a gateway: where it speaks BGP from inside, and where its tunnels end outside.
struct GatewayEnd {
    inside: Option<String>,
    tunnels: Vec<Value>,
}

/// The ends of a gateway, one of each configuration and in their order.
fn ends(world: &World, id: &ResourceId, provider: &GatewayType) -> Vec<GatewayEnd> {
    let list = world.body(id).map(|body| arm::GatewayView::of(body).configurations());
    list.unwrap_or_default()
        .iter()
        .zip(1..)
        .map(|(configuration, back)| {
            let alone = json!({ "properties": { "ipConfigurations": [configuration] } });
            let used = provider.references(&alone);
            let subnet = used.iter().find(|used| used.parent().is_some());
            GatewayEnd {
                inside: subnet.and_then(|subnet| late_address(world.body(subnet)?, back)),
                tunnels: used.iter().filter_map(|used| address(world, used)).collect(),
            }
        })
        .collect()
}

/// An address so far back from the end of a subnet: where a gateway speaks BGP from.
fn late_address(subnet: &Value, back: u32) -> Option<String> {
    let prefixes = super::subnet::prefixes_of(subnet);
    let prefix = prefixes.into_iter().find_map(|prefix| match prefix {
        ipnet::IpNet::V4(prefix) => Some(prefix),
        ipnet::IpNet::V6(_) => None,
    })?;
    let last = u32::from(prefix.broadcast());
    Some(std::net::Ipv4Addr::from(last.saturating_sub(back)).to_string())
}
