//! What do the parts of a VPN say under `with`? Their values to desired states.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use super::actions::{ActionValues, Built, PUBLIC_IPS};
use super::network::tags;
use crate::model::action::{BgpSpeaker, LocalGateway, Vpn, VpnConnection, VpnGateway};
use crate::model::vpn::SHARED_KEY_AT;
use crate::model::{Action, ResourceId, SecretRef};
use crate::runbook::{Code, Diagnostic};

/// The autonomous system numbers that Azure keeps, which no gateway and no device may have (V-BGP).
const RESERVED: [u64; 7] = [8_074, 8_075, 12_076, 65_517, 65_518, 65_519, 65_520];

/// The number of a VPN gateway unless one is set: no device may have it.
const GATEWAY_ASN: u64 = 65_515;

/// Numbers that IANA keeps and a VPN gateway does not take (VPN gateway BGP FAQ).
const IANA: [(u64, u64); 4] =
    [(23_456, 23_456), (64_496, 64_511), (65_535, 65_551), (4_294_967_295, 4_294_967_295)];

pub(super) fn local_gateway(values: &ActionValues<'_>) -> Built<Action> {
    let vnet = values.id("vnet").ok();
    let kind = "Microsoft.Network/localNetworkGateways";
    let address = address(values, "address")?;
    if let IpAddr::V4(v4) = address
        && (v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified())
    {
        let message = format!("{v4} is not an address that Azure reaches over the Internet.");
        return Err(values.wrong("address", Code::BadValue, message));
    }
    let bgp = bgp(values)?;
    let prefixes = values.prefixes("prefixes");
    if prefixes.is_empty() && bgp.is_none() {
        let message = "Nothing says what is behind the device.";
        let diagnostic = Diagnostic::error(Code::MissingKey, values.span("name"), message)
            .with_help("Write its `prefixes`, or `bgp`, by which it tells them.");
        return Err(Some(diagnostic));
    }
    if let Some(wide) = prefixes.iter().find(|prefix| prefix.prefix_len() == 0) {
        let message =
            format!("{wide} would send all that Azure has no other route for into the tunnel.");
        let diagnostic = Diagnostic::error(Code::BadValue, values.span("prefixes"), message)
            .with_help("Write the prefixes of the site.");
        return Err(Some(diagnostic));
    }
    if let Some(twin) = twin(&prefixes) {
        return Err(values.wrong(
            "prefixes",
            Code::BadValue,
            format!("{twin} stands there twice."),
        ));
    }
    Ok(Action::Vpn(Vpn::LocalGateway(LocalGateway {
        id: values.beside("name", kind, vnet.as_ref())?,
        location: values.region("location")?,
        address,
        prefixes,
        bgp,
        tags: tags(values.get("tags")),
    })))
}

fn twin(prefixes: &[IpNet]) -> Option<&IpNet> {
    let mut seen = std::collections::BTreeSet::new();
    prefixes.iter().find(|prefix| !seen.insert(prefix.trunc()))
}

fn address(values: &ActionValues<'_>, key: &str) -> Built<IpAddr> {
    values.text(key)?.parse().map_err(|_| None)
}

fn bgp(values: &ActionValues<'_>) -> Built<Option<BgpSpeaker>> {
    let Some(own) = values.get("bgp") else { return Ok(None) };
    let asn = number(values, "bgp", own.get("asn"))?;
    if u64::from(asn) == GATEWAY_ASN {
        let message = format!("{asn} is the number of Azure's own gateways.");
        return Err(values.wrong("bgp", Code::BadValue, message));
    }
    let address = own.get("address").and_then(Value::as_str).and_then(|text| text.parse().ok());
    Ok(Some(BgpSpeaker { asn, address: address.ok_or(None)? }))
}

/// An autonomous system number that is free to be used.
fn number(values: &ActionValues<'_>, key: &str, own: Option<&Value>) -> Built<u32> {
    let number = own.and_then(Value::as_u64).ok_or(None)?;
    if RESERVED.contains(&number) {
        let message = format!("Azure keeps the autonomous system number {number} for itself.");
        return Err(values.wrong(key, Code::BadValue, message));
    }
    if IANA.iter().any(|(from, to)| (*from..=*to).contains(&number)) {
        let message =
            format!("The autonomous system number {number} is nobody's to use: IANA keeps it.");
        return Err(values.wrong(key, Code::BadValue, message));
    }
    u32::try_from(number).map_err(|_| None)
}

pub(super) fn gateway(values: &ActionValues<'_>) -> Built<Action> {
    let vnet = values.id("vnet")?;
    let kind = "Microsoft.Network/virtualNetworkGateways";
    let named = values.get("public_ips").and_then(Value::as_array).ok_or(None)?;
    let mut public_ips: Vec<ResourceId> = Vec::new();
    for name in named.iter().filter_map(Value::as_str) {
        let id = match name.starts_with('/') {
            true => ResourceId::parse(name),
            false => vnet.sibling(PUBLIC_IPS, name),
        };
        let id = values.takable("public_ips", id)?;
        if public_ips.contains(&id) {
            let message = format!("{} stands there twice.", id.name());
            return Err(values.wrong("public_ips", Code::BadValue, message));
        }
        public_ips.push(id);
    }
    if !(1..=2).contains(&public_ips.len()) {
        let message = format!("A VPN gateway has one or two addresses, not {}.", public_ips.len());
        let diagnostic = Diagnostic::error(Code::BadValue, values.span("public_ips"), message)
            .with_help("One, or two for an active-active gateway.");
        return Err(Some(diagnostic));
    }
    let asn = values.get("asn").map(|own| number(values, "asn", Some(own))).transpose()?;
    Ok(Action::Vpn(Vpn::Gateway(VpnGateway {
        id: values.beside("name", kind, Some(&vnet))?,
        location: values.region("location")?,
        sku: values.text("sku")?.to_owned(),
        subnet: vnet.child("subnets", "GatewaySubnet").map_err(|_| None)?,
        public_ips,
        asn,
        tags: tags(values.get("tags")),
    })))
}

/// Where the key that both ends share comes from: a secret parameter, or a connection whose key is read.
pub(super) fn shared_key(values: &ActionValues<'_>) -> Built<SecretRef> {
    let by_param = values.secret("shared_key");
    let by_resource =
        values.get("shared_key_of").map(|_| values.id("shared_key_of")).transpose()?;
    match (by_param, by_resource) {
        (Some(secret), None) => Ok(secret),
        (None, Some(id)) => Ok(SecretRef::Resource { id, pointer: SHARED_KEY_AT.to_owned() }),
        (Some(_), Some(_)) => {
            let message = "Only one of `shared_key` and `shared_key_of` may be given.";
            Err(values.wrong("shared_key_of", Code::UnknownKey, message))
        }
        (None, None) => {
            let message = "Nothing says where the key comes from that both ends share.";
            let diagnostic = Diagnostic::error(Code::MissingKey, values.span("gateway"), message)
                .with_help(
                    "Add `shared_key: ${params.SECRET}`, or `shared_key_of` with a connection to the same \
                     device.",
                );
            Err(Some(diagnostic))
        }
    }
}

pub(super) fn connection(values: &ActionValues<'_>) -> Built<Action> {
    let gateway = values.id("gateway")?;
    let weight = values.get("routing_weight").and_then(Value::as_u64);
    Ok(Action::Vpn(Vpn::Connection(VpnConnection {
        id: values.beside("name", "Microsoft.Network/connections", Some(&gateway))?,
        location: values.region("location")?,
        local_gateway: values.id("local_gateway")?,
        shared_key: shared_key(values)?,
        bgp: values.said("bgp"),
        routing_weight: weight.map(u16::try_from).transpose().map_err(|_| None)?,
        tags: tags(values.get("tags")),
        gateway,
    })))
}
