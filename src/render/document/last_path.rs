//! How are the last path and the steps after the network said in words? Tunnels, names, endpoints.

use super::words::{flags, named, tagged};
use crate::model::action::{Steering, Vpn};

/// What a part of a VPN changes.
pub(super) fn vpn(vpn: &Vpn) -> String {
    let tags = tagged(vpn.tags());
    let name = vpn.id().name();
    match vpn {
        Vpn::LocalGateway(spec) => {
            let prefixes: Vec<String> = spec.prefixes.iter().map(ToString::to_string).collect();
            let behind = match (prefixes.is_empty(), &spec.bgp) {
                (false, None) => format!(", with {} behind it", prefixes.join(", ")),
                (false, Some(bgp)) => {
                    format!(", with {} behind it and BGP from AS {}", prefixes.join(", "), bgp.asn)
                }
                (true, Some(bgp)) => {
                    format!(", which tells its prefixes by BGP from AS {}", bgp.asn)
                }
                (true, None) => String::new(),
            };
            format!(
                "Tells Azure of the VPN device at {}{behind}: the local network gateway `{name}` in {}{tags}.",
                spec.address,
                spec.location.as_str()
            )
        }
        Vpn::Gateway(spec) => format!(
            "Makes the VPN gateway `{name}`, SKU {}, {}, in {}; it stands in the {}{}{tags}.",
            spec.sku,
            if spec.public_ips.len() > 1 { "active-active" } else { "with one address" },
            spec.location.as_str(),
            named(&spec.subnet),
            spec.asn.map_or_else(String::new, |asn| format!(" and speaks BGP as AS {asn}")),
        ),
        Vpn::Connection(spec) => format!(
            "Joins the VPN gateway `{}` and the device behind `{}` by the tunnel `{name}`{}{}{tags}. Where a \
             circuit carries the same prefixes, traffic stays on the circuit.",
            spec.gateway.name(),
            spec.local_gateway.name(),
            spec.routing_weight
                .map_or_else(String::new, |weight| format!(", with weight {weight}")),
            flags(&[("BGP", spec.bgp)]),
        ),
    }
}

/// What tells clients to go elsewhere.
pub(super) fn steering(steering: &Steering) -> String {
    match steering {
        Steering::Record(spec) => {
            let addresses: Vec<String> = spec.addresses.iter().map(ToString::to_string).collect();
            let ttl = spec.ttl.map_or_else(String::new, |ttl| format!(", for {ttl} s at a time"));
            format!(
                "The {} stands for {}{ttl}. Who remembers the old answer keeps it until its time is up.",
                named(&spec.id),
                addresses.join(", ")
            )
        }
        Steering::Endpoint(spec) => {
            let mut said: Vec<String> = Vec::new();
            said.extend(spec.enabled.map(|on| if on { "on" } else { "off" }.to_owned()));
            said.extend(spec.priority.map(|own| format!("priority {own}")));
            said.extend(spec.weight.map(|share| format!("weight {share}")));
            format!(
                "The {} is {}. Clients follow when the answer that they remember runs out.",
                named(&spec.id),
                said.join(", ")
            )
        }
    }
}
