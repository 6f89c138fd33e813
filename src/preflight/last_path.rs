//! What do the steps of the last path leave, and those after the network? On paper, as the projection has it.

use serde_json::{Value, json};

use super::facts::Facts;
use super::projection::{name, patch, settle_in};
use crate::model::action::{Steering, Vpn};

/// A part of a VPN; its key is no part of what is planned.
pub(super) fn vpn(facts: &mut Facts, vpn: &Vpn) {
    let properties = match vpn {
        Vpn::LocalGateway(spec) => {
            let mut body = json!({
                "gatewayIpAddress": spec.address,
                "localNetworkAddressSpace": { "addressPrefixes": spec.prefixes },
            });
            if let Some(own) = spec.bgp {
                body["bgpSettings"] = json!({ "asn": own.asn, "bgpPeeringAddress": own.address });
            }
            body
        }
        Vpn::Gateway(spec) => {
            let configurations = spec.public_ips.iter().map(|address| {
                json!({ "properties": { "subnet": { "id": spec.subnet },
                    "publicIPAddress": { "id": address } } })
            });
            let mut body = json!({
                "gatewayType": "Vpn", "vpnType": "RouteBased",
                "sku": { "name": spec.sku, "tier": spec.sku },
                "ipConfigurations": configurations.collect::<Vec<_>>(),
            });
            if let Some(asn) = spec.asn {
                body["enableBgp"] = json!(true);
                body["bgpSettings"] = json!({ "asn": asn });
            }
            body
        }
        Vpn::Connection(spec) => json!({
            "connectionType": "IPsec",
            "virtualNetworkGateway1": { "id": spec.gateway },
            "localNetworkGateway2": { "id": spec.local_gateway },
        }),
    };
    let mut body = json!({ "location": vpn.location().as_str(), "properties": properties });
    name(&mut body, "provisioningState", Some("Succeeded"));
    patch(facts, vpn.id(), body);
    if let Vpn::Gateway(spec) = vpn {
        settle_in(facts, &spec.subnet, &spec.id);
    }
}

/// A name or an endpoint; one that is not there is made only where it is a name.
pub(super) fn steer(facts: &mut Facts, steering: &Steering) {
    match steering {
        Steering::Record(spec) => {
            let (list, key) = if spec.is_v6() {
                ("aaaaRecords", "ipv6Address")
            } else {
                ("aRecords", "ipv4Address")
            };
            let all: Vec<Value> = spec.addresses.iter().map(|own| json!({ key: own })).collect();
            let mut body = json!({ "properties": { list: all } });
            name(&mut body, "ttl", spec.ttl);
            patch(facts, &spec.id, body);
        }
        Steering::Endpoint(spec) if facts.body(&spec.id).is_some() => {
            let mut body = json!({ "properties": {} });
            let status = spec.enabled.map(|on| if on { "Enabled" } else { "Disabled" });
            name(&mut body, "endpointStatus", status);
            name(&mut body, "priority", spec.priority);
            name(&mut body, "weight", spec.weight);
            patch(facts, &spec.id, body);
        }
        Steering::Endpoint(_) => {}
    }
}
