//! How is a site-to-site VPN made by hand? The device first, then the gateway, then the tunnel with its key.

use super::before::KeptBody;
use super::ensure::{said, slow, tags, way, weighed};
use super::standing::StandingConnection;
use super::{Guide, Secrets, Trouble, about, key, line, make, noted};
use crate::model::action::{LocalGateway, Vpn, VpnConnection, VpnGateway};

pub(super) fn vpn(vpn: &Vpn, secrets: &Secrets) -> Guide {
    match vpn {
        Vpn::LocalGateway(spec) => local_gateway(spec),
        Vpn::Gateway(spec) => gateway(spec),
        Vpn::Connection(spec) => connection(spec, secrets),
    }
}

fn local_gateway(spec: &LocalGateway) -> Guide {
    let id = &spec.id;
    let prefixes: Vec<String> = spec.prefixes.iter().map(ToString::to_string).collect();
    let mut create = make("network local-gateway create", id)
        .with("--location", spec.location.as_str())
        .with("--gateway-ip-address", spec.address.to_string())
        .with_all("--local-address-prefixes", prefixes.clone());
    if let Some(bgp) = spec.bgp {
        create = create
            .with("--asn", bgp.asn.to_string())
            .with("--bgp-peering-address", bgp.address.to_string());
    }
    let before = KeptBody::new(id);
    let prefixes = match prefixes.as_slice() {
        [] => "no prefix: BGP tells them".to_owned(),
        prefixes => format!("exactly {}", prefixes.join(", ")),
    };
    Guide {
        portal: way(&["Local network gateways", "Create", id.name()]),
        act: vec![
            before.keep(),
            noted(
                "Where it was there, this writes these values over it.",
                create.with_all("--tags", tags(&spec.tags)).text(),
            ),
        ],
        check: vec![line(
            about("network local-gateway show", id)
                .with(
                    "--query",
                    "{state:provisioningState,device:gatewayIpAddress,prefixes:localNetworkAddressSpace.addressPrefixes,bgp:bgpSettings}",
                )
                .text(),
        )],
        good: format!("state is Succeeded, device is {}, and prefixes are {prefixes}.", spec.address),
        wrong: vec![Trouble {
            sign: "The device has another public address",
            then: "Ask the on-premises network team. The same command with the right address corrects it; the \
                   tunnel that uses it goes down and comes up again.",
        }],
        undo: vec![before.restore(&about("network local-gateway delete", id))],
        undo_note: "Only after no connection uses it.".to_owned(),
    }
}

fn gateway(spec: &VpnGateway) -> Guide {
    let id = &spec.id;
    let vnet = spec.subnet.parent().unwrap_or_else(|| spec.subnet.clone());
    let create = make("network vnet-gateway create", id)
        .with("--location", spec.location.as_str())
        .with("--vnet", vnet.as_str())
        .with("--gateway-type", "Vpn")
        .with("--vpn-type", "RouteBased")
        .with("--sku", spec.sku.as_str())
        .with_all(
            "--public-ip-addresses",
            spec.public_ips.iter().map(ToString::to_string).collect(),
        )
        .with_all("--asn", spec.asn.iter().map(ToString::to_string).collect())
        .with_all("--tags", tags(&spec.tags));
    let before = KeptBody::new(id);
    Guide {
        portal: way(&["Virtual network gateways", "Create", "VPN", id.name()]),
        act: vec![before.keep(), slow(before.unless_there(&create))],
        check: vec![line(
            about("network vnet-gateway show", id)
                .with(
                    "--query",
                    "{state:provisioningState,type:gatewayType,vpn:vpnType,sku:sku.name,both:activeActive}",
                )
                .text(),
        )],
        good: format!(
            "state is Succeeded after 17 to 45 minutes, type is Vpn, vpn is RouteBased, and both is {}.",
            spec.public_ips.len() > 1
        ),
        wrong: vec![
            Trouble {
                sign: "It is not done after 60 minutes",
                then: "Open a case with Azure support, severity A. Do not start a second one in this network: \
                       there can be only one of each kind.",
            },
            Trouble {
                sign: "It is refused because of its public address",
                then: "The address must be Standard, static and in all zones. Make another one: zones cannot be \
                       changed.",
            },
        ],
        undo: vec![before.restore_and_wait(&about("network vnet-gateway delete", id))],
        undo_note: "Only after its connections are gone.".to_owned(),
    }
}

fn connection(spec: &VpnConnection, secrets: &Secrets) -> Guide {
    let id = &spec.id;
    let (read, variable) = key(&spec.shared_key, secrets);
    let create = make("network vpn-connection create", id)
        .with("--location", spec.location.as_str())
        .with("--vnet-gateway1", spec.gateway.as_str())
        .with("--local-gateway2", spec.local_gateway.as_str())
        .with_key("--shared-key", &variable)
        // `az` would make it 10 where nothing is said.
        .with("--routing-weight", spec.routing_weight.unwrap_or_default().to_string())
        .with_all("--tags", tags(&spec.tags));
    let create = if spec.bgp == Some(true) {
        create.with_all("--enable-bgp", said(spec.bgp))
    } else {
        create
    };
    let standing = StandingConnection::of(id, &[]);
    let mut act = vec![standing.keep()];
    act.extend(read);
    // Without a query the answer would show the key. One that stands keeps the key that it has.
    let create = create.with("--query", "{state:provisioningState,name:name}");
    act.push(standing.weigh(spec.routing_weight, &create));
    Guide {
        portal: way(&["Virtual network gateways", spec.gateway.name(), "Connections", "Add", id.name()]),
        act,
        check: vec![line(
            about("network vpn-connection show", id)
                .with(
                    "--query",
                    "{state:provisioningState,status:connectionStatus,weight:routingWeight,in:ingressBytesTransferred,out:egressBytesTransferred}",
                )
                .text(),
        )],
        good: format!(
            "state is Succeeded within a minute, and status is Connected a few minutes later{}.",
            weighed(spec.routing_weight)
        ),
        wrong: vec![
            Trouble {
                sign: "The key is empty: what it is read from is in a region that does not answer",
                then: "Never make the tunnel with an empty key: it would stand, and never come up. The on-premises \
                       network team has the key in the device at the other end; or take it from the vault that \
                       keeps it.",
            },
            Trouble {
                sign: "status stays Connecting or NotConnected",
                then: "Both ends must have the same key, the device the gateway's public address, and Azure the \
                       device's. Ask the on-premises network team what their end of the tunnel says.",
            },
            Trouble {
                sign: "status is Connected and nothing gets through",
                then: "The device has no route to the networks behind the gateway, or a firewall in between. The \
                       counters tell which way is dead.",
            },
        ],
        undo: vec![standing.restore()],
        undo_note: "The tunnel goes down at once; what has no circuit has no path then.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::Tags;
    use crate::model::{Region, ResourceId, SecretRef, SecretSource};

    #[test]
    fn a_shared_key_comes_from_a_variable_and_is_never_typed() {
        let id = |kind: &str| {
            let head = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
            ResourceId::parse(&format!("{head}/{kind}/x")).unwrap()
        };
        let spec = VpnConnection {
            id: id("connections"),
            location: Region::parse("southeastasia").unwrap(),
            gateway: id("virtualNetworkGateways"),
            local_gateway: id("localNetworkGateways"),
            shared_key: SecretRef::Param("psk".to_owned()),
            bgp: None,
            routing_weight: None,
            tags: Tags::new(),
        };
        let secrets =
            Secrets::from([("psk".to_owned(), SecretSource::File("/run/psk".to_owned()))]);
        let guide = connection(&spec, &secrets);
        assert!(guide.act[1].command.starts_with("PSK=$(cat /run/psk)\n[ -n \"$PSK\" ] ||"));
        assert!(guide.act[2].command.contains("--shared-key \"${PSK:?}\""));
        assert!(guide.act[2].command.contains("--query"), "the answer would show the key");
    }
}
