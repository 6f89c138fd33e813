//! A site-to-site VPN: what stands for the customer's device, the gateway, and the tunnel with its key.

use serde_json::{Value, json};

use super::body::{assessment, ensure, set, with_tags};
use crate::arm::read::text;
use crate::arm::{self, has_failed};
use crate::model::action::{LocalGateway, Vpn, VpnConnection, VpnGateway};
use crate::model::vpn::SHARED_KEY;
use crate::model::{Assessed, Assessment, ResourceId, Undo};

/// Compares a part of a VPN with the desired one.
pub(crate) fn assess(vpn: &Vpn, body: Option<&Value>) -> Assessment {
    let mut verdict = ensure(vpn.id(), body, &wanted(vpn, body));
    if let Vpn::Connection(spec) = vpn {
        // The key of one that stands is left as it is: nobody shows it, so nothing could put it back.
        let failed = body.is_none_or(has_failed);
        if failed {
            with_key(spec, &mut verdict);
        }
    }
    let mut assessment = assessment(vpn.id(), body, verdict);
    let is_connection = matches!(vpn, Vpn::Connection(_)) && !assessment.outputs.is_empty();
    if let Some(status) =
        body.filter(|_| is_connection).and_then(|body| arm::ConnectionView::of(body).status())
    {
        assessment.outputs.insert("connection_status".to_owned(), Value::from(status));
    }
    assessment
}

/// Compares a tunnel with one that carries: it may be Connected while the device sends nothing into it.
pub(crate) fn assess_tunnel(resource: &ResourceId, body: Option<&Value>) -> Assessment {
    let mut assessment = super::connection::assess_connected(resource, body);
    let bytes = body
        .and_then(|body| body.pointer("/properties/ingressBytesTransferred")?.as_u64())
        .unwrap_or_default();
    if assessment.verdict == Assessed::Holds && bytes == 0 {
        assessment.outputs.clear();
        assessment.verdict = Assessed::NotYet {
            why: "the tunnel is Connected and nothing has come in through it: let somebody on-premises speak \
                  to a machine behind it"
                .to_owned(),
            after: std::time::Duration::from_secs(15),
        };
    } else if assessment.verdict == Assessed::Holds {
        assessment.outputs.insert("bytes_in".to_owned(), Value::from(bytes));
    }
    assessment
}

/// How a part of a VPN is taken back.
pub(crate) fn undo(vpn: &Vpn, undo: &Undo, body: Option<&Value>) -> Assessment {
    let mut verdict = super::body::undo(undo, body, &wanted(vpn, undo.before()));
    if let (Vpn::Connection(spec), None) = (vpn, body) {
        // What is made again needs its key.
        with_key(spec, &mut verdict);
    }
    assessment(vpn.id(), body, verdict)
}

/// Puts the placeholder of the key into a write; its value is filled in when it is sent.
fn with_key(spec: &VpnConnection, verdict: &mut Assessed) {
    if let Assessed::Change(change) = verdict
        && let Some(body) = &mut change.write.body
    {
        body["properties"][SHARED_KEY] = spec.shared_key.placeholder();
    }
}

/// The body that the action writes, but for the key.
pub(crate) fn wanted(vpn: &Vpn, body: Option<&Value>) -> Value {
    let wanted = match vpn {
        Vpn::LocalGateway(spec) => local_gateway(spec),
        Vpn::Gateway(spec) => gateway(spec, body),
        Vpn::Connection(spec) => connection(spec),
    };
    with_tags(wanted, vpn.tags())
}

fn local_gateway(spec: &LocalGateway) -> Value {
    let mut wanted = json!({
        "location": spec.location.as_str(),
        "properties": {
            "gatewayIpAddress": spec.address,
            // A device is known by its address or by its name, not by both.
            "fqdn": null,
            "localNetworkAddressSpace": { "addressPrefixes": spec.prefixes },
        },
    });
    let speaker = spec.bgp.map(|own| json!({ "asn": own.asn, "bgpPeeringAddress": own.address }));
    set(&mut wanted, "bgpSettings", speaker);
    wanted
}

fn gateway(spec: &VpnGateway, body: Option<&Value>) -> Value {
    let configurations: Vec<Value> = names(spec, body)
        .into_iter()
        .zip(&spec.public_ips)
        .map(|(name, address)| {
            json!({ "name": name, "properties": {
                "privateIPAllocationMethod": "Dynamic",
                "subnet": { "id": spec.subnet.as_str() },
                "publicIPAddress": { "id": address.as_str() } } })
        })
        .collect();
    let mut wanted = json!({
        "location": spec.location.as_str(),
        "properties": {
            "gatewayType": "Vpn",
            "vpnType": "RouteBased",
            "sku": { "name": spec.sku, "tier": spec.sku },
            "ipConfigurations": configurations,
        },
    });
    // One address says nothing of a second one that stands: it is never taken away.
    set(&mut wanted, "activeActive", (spec.public_ips.len() > 1).then_some(true));
    set(&mut wanted, "enableBgp", spec.asn.map(|_| true));
    set(&mut wanted, "bgpSettings", spec.asn.map(|asn| json!({ "asn": asn })));
    wanted
}

/// The name of each address's configuration: that of the one which has it, or else of one that shows none.
fn names(spec: &VpnGateway, body: Option<&Value>) -> Vec<String> {
    let standing = body.and_then(|body| body.pointer("/properties/ipConfigurations")?.as_array());
    let standing: Vec<&Value> = standing.into_iter().flatten().collect();
    let address = |own: &Value| text(own, "/properties/publicIPAddress/id").map(str::to_lowercase);
    let holder = |wanted: &str| {
        standing.iter().position(|own| address(own).is_some_and(|own| own == wanted))
    };
    let mut taken: Vec<usize> =
        spec.public_ips.iter().filter_map(|wanted| holder(wanted.key())).collect();
    let named = |place: usize| text(standing[place], "/name").unwrap_or_default().to_owned();
    let mut names = Vec::new();
    for (nth, wanted) in spec.public_ips.iter().enumerate() {
        let is_free = |place: &usize| !taken.contains(place) && address(standing[*place]).is_none();
        let free = (0..standing.len()).find(is_free);
        names.push(match holder(wanted.key()).or(free) {
            Some(place) => {
                taken.push(place);
                named(place)
            }
            None if nth == 0 => "vpnipconfig".to_owned(),
            None => format!("vpnipconfig{}", nth + 1),
        });
    }
    names
}

fn connection(spec: &VpnConnection) -> Value {
    let mut wanted = json!({
        "location": spec.location.as_str(),
        "properties": {
            "connectionType": "IPsec",
            "virtualNetworkGateway1": { "id": spec.gateway.as_str() },
            "localNetworkGateway2": { "id": spec.local_gateway.as_str() },
        },
    });
    set(&mut wanted, "enableBgp", spec.bgp);
    set(&mut wanted, "routingWeight", spec.routing_weight);
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::Tags;
    use crate::model::{Region, SecretRef};

    fn id(kind: &str, name: &str) -> ResourceId {
        let head = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
        ResourceId::parse(&format!("{head}/{kind}/{name}")).unwrap()
    }

    fn tunnel(weight: Option<u16>) -> Vpn {
        Vpn::Connection(VpnConnection {
            id: id("connections", "vpn"),
            location: Region::parse("southeastasia").unwrap(),
            gateway: id("virtualNetworkGateways", "vgw"),
            local_gateway: id("localNetworkGateways", "hq"),
            shared_key: SecretRef::Param("psk".to_owned()),
            bgp: None,
            routing_weight: weight,
            tags: Tags::new(),
        })
    }

    fn change(verdict: Assessed) -> crate::model::PlannedChange {
        match verdict {
            Assessed::Change(change) => *change,
            other => panic!("{other:?}"),
        }
    }

    /// A connection as Azure shows it, with the key that old versions show.
    fn standing(state: &str) -> Value {
        json!({ "location": "southeastasia", "properties": { "provisioningState": state,
            "connectionType": "IPsec", "connectionStatus": "Connected", "sharedKey": "k-e-y-k-e-y",
            "virtualNetworkGateway1": { "id": id("virtualNetworkGateways", "vgw").as_str() },
            "localNetworkGateway2": { "id": id("localNetworkGateways", "hq").as_str() } } })
    }

    #[test]
    fn a_shared_key_is_a_placeholder_in_the_write_and_nowhere_else() {
        let made = change(assess(&tunnel(None), None).verdict);
        let body = made.write.body.unwrap();
        let key = SecretRef::from_placeholder(&body["properties"]["sharedKey"]);
        assert_eq!(key, Some(SecretRef::Param("psk".to_owned())));
        assert!(!format!("{:?}{:?}", made.changes, made.undo).contains("sharedKey"));
    }

    #[test]
    fn the_key_of_a_tunnel_that_stands_is_neither_compared_nor_shown_nor_written() {
        assert_eq!(assess(&tunnel(None), Some(&standing("Succeeded"))).verdict, Assessed::Holds);
        let changed = change(assess(&tunnel(Some(10)), Some(&standing("Succeeded"))).verdict);
        assert!(!format!("{changed:?}").contains("sharedKey"), "{changed:?}");
        assert!(!format!("{changed:?}").contains("k-e-y"), "{changed:?}");
        // What failed is made anew, with its key.
        let again = change(assess(&tunnel(None), Some(&standing("Failed"))).verdict);
        assert!(again.write.body.unwrap()["properties"]["sharedKey"].is_object());
        assert!(!format!("{:?}", again.undo).contains("k-e-y"));
    }

    #[test]
    fn a_tunnel_that_is_connected_and_silent_does_not_carry() {
        let id = id("connections", "vpn");
        let mut body = standing("Succeeded");
        for (bytes, holds) in [(None, false), (Some(0), false), (Some(1), true)] {
            body["properties"]["ingressBytesTransferred"] = json!(bytes);
            let seen = assess_tunnel(&id, Some(&body));
            assert_eq!(seen.verdict == Assessed::Holds, holds, "{bytes:?}: {seen:?}");
        }
        body["properties"]["connectionStatus"] = json!("NotConnected");
        assert!(matches!(assess_tunnel(&id, Some(&body)).verdict, Assessed::NotYet { .. }));
    }

    #[test]
    fn a_tunnel_to_another_device_is_blocked_and_not_moved() {
        let mut other = standing("Succeeded");
        other["properties"]["localNetworkGateway2"]["id"] = json!("/other");
        let verdict = assess(&tunnel(None), Some(&other)).verdict;
        assert!(matches!(verdict, Assessed::Blocked { .. }), "{verdict:?}");
    }

    fn gateway_of(addresses: &[&str]) -> Vpn {
        Vpn::Gateway(VpnGateway {
            id: id("virtualNetworkGateways", "vgw"),
            location: Region::parse("southeastasia").unwrap(),
            sku: "VpnGw1AZ".to_owned(),
            subnet: id("virtualNetworks", "hub").child("subnets", "GatewaySubnet").unwrap(),
            public_ips: addresses.iter().map(|name| id("publicIPAddresses", name)).collect(),
            asn: None,
            tags: Tags::new(),
        })
    }

    #[test]
    fn an_active_active_gateway_holds_whatever_its_configurations_are_called_and_in_any_order() {
        let both = gateway_of(&["one", "two"]);
        let mut made = change(assess(&both, None).verdict).write.body.unwrap();
        assert_eq!(made["properties"]["activeActive"], true);
        let list = made["properties"]["ipConfigurations"].as_array_mut().unwrap();
        assert_eq!(list.len(), 2);
        list.reverse();
        list[0]["name"] = json!("vnetGatewayConfig2");
        list[1]["name"] = json!("default");
        assert_eq!(assess(&both, Some(&made)).verdict, Assessed::Holds);
        // Who asks for one of the two does not take the other away.
        assert_eq!(assess(&gateway_of(&["one"]), Some(&made)).verdict, Assessed::Holds);
    }

    #[test]
    fn a_second_address_is_added_in_place_and_a_smaller_size_is_never_written() {
        let mut one = change(assess(&gateway_of(&["one"]), None).verdict).write.body.unwrap();
        one["properties"]["sku"] = json!({ "name": "VpnGw3AZ", "tier": "VpnGw3AZ", "capacity": 2 });
        let grown = change(assess(&gateway_of(&["one", "two"]), Some(&one)).verdict);
        let body = grown.write.body.unwrap();
        assert_eq!(body["properties"]["ipConfigurations"].as_array().unwrap().len(), 2);
        assert_eq!(body["properties"]["sku"]["name"], "VpnGw3AZ");
        one["properties"]["sku"] = json!({ "name": "Basic", "tier": "Basic" });
        let verdict = assess(&gateway_of(&["one"]), Some(&one)).verdict;
        assert!(matches!(verdict, Assessed::Blocked { .. }), "{verdict:?}");
    }

    #[test]
    fn an_expressroute_gateway_of_that_name_is_no_vpn_gateway() {
        let there = json!({ "location": "southeastasia", "properties": {
            "gatewayType": "ExpressRoute", "sku": { "name": "ErGw1AZ" } } });
        let verdict = assess(&gateway_of(&["one"]), Some(&there)).verdict;
        assert!(matches!(verdict, Assessed::Blocked { .. }), "{verdict:?}");
    }
}
