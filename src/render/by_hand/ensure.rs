//! How is a resource made by hand? Commands that say everything, so that no default decides.

use super::before::{self, KeptBody};
use super::standing::StandingConnection;
use super::{Guide, Secrets, Trouble, about, key, line, make, noted, parent_name, within};
use crate::model::action::{
    Association, Authorization, CircuitBandwidth, Connection, Gateway, Peering, PublicIp, Subnet,
    Tags,
};

/// Tags as `az` takes them.
pub(super) fn tags(tags: &Tags) -> Vec<String> {
    tags.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// A flag that the author says.
pub(super) fn said(flag: Option<bool>) -> Vec<String> {
    flag.iter().map(ToString::to_string).collect()
}

pub(super) fn way(places: &[&str]) -> Vec<String> {
    places.iter().map(|place| (*place).to_owned()).collect()
}

const STATE: &str = "{state:provisioningState,name:name}";

pub(super) fn public_ip(spec: &PublicIp) -> Guide {
    let id = &spec.id;
    let create = make("network public-ip create", id)
        .with("--location", spec.location.as_str())
        .with("--sku", "Standard")
        .with("--allocation-method", "Static")
        .with_all("--zone", spec.zones.clone())
        .with_all("--tags", tags(&spec.tags));
    let before = KeptBody::new(id);
    Guide {
        portal: way(&["Public IP addresses", "Create", id.name()]),
        act: vec![before.keep(), before.unless_there(&create)],
        check: vec![line(
            about("network public-ip show", id)
                .with("--query", "{state:provisioningState,address:ipAddress,zones:zones}")
                .text(),
        )],
        good: "state is Succeeded, and there is an address.".to_owned(),
        wrong: vec![Trouble {
            sign: "A quota of public addresses is reached",
            then: "Free an address that nothing uses, or ask for more; both take time: use another \
                       subscription only if the gateway moves there as well.",
        }],
        undo: vec![before.restore(&about("network public-ip delete", id))],
        undo_note: "Only after the gateway that uses it is gone.".to_owned(),
    }
}

pub(super) fn subnet(spec: &Subnet) -> Guide {
    let id = &spec.id;
    let prefixes: Vec<String> = spec.prefixes.iter().map(ToString::to_string).collect();
    let create = within("network vnet subnet create", id)
        .with("--vnet-name", parent_name(id))
        .with("--name", id.name())
        .with_all("--address-prefixes", prefixes.clone());
    let grow =
        about("network vnet subnet update", id).with_all("--address-prefixes", prefixes.clone());
    let before = KeptBody::new(id);
    Guide {
        portal: way(&["Virtual networks", &parent_name(id), "Subnets", "Add", id.name()]),
        act: vec![before.keep(), before.change_or_make(&grow, &create)],
        check: vec![line(
            about("network vnet subnet show", id)
                .with(
                    "--query",
                    "{state:provisioningState,prefix:addressPrefix,prefixes:addressPrefixes,nsg:networkSecurityGroup.id}",
                )
                .text(),
        )],
        good: format!(
            "state is Succeeded, the {} {}{}.",
            if prefixes.len() == 1 { "prefix is" } else { "prefixes are" },
            prefixes.join(" and "),
            if id.name() == "GatewaySubnet" { ", and nsg is null" } else { "" }
        ),
        wrong: vec![
            Trouble {
                sign: "NetcfgInvalidSubnet: the prefix is not in the network, or overlaps another subnet",
                then: "Show the network's prefixes and subnets. Do not shrink another subnet; ask the \
                       owner of the runbook for the prefix.",
            },
        ],
        undo: vec![before.restore(&about("network vnet subnet delete", id))],
        undo_note: "Azure removes a subnet only when nothing is in it.".to_owned(),
    }
}

pub(super) fn gateway(spec: &Gateway) -> Guide {
    let id = &spec.id;
    let vnet = spec.subnet.parent().unwrap_or_else(|| spec.subnet.clone());
    let create = make("network vnet-gateway create", id)
        .with("--location", spec.location.as_str())
        .with("--vnet", vnet.as_str())
        .with("--gateway-type", "ExpressRoute")
        .with("--sku", spec.sku.as_str())
        .with_all("--public-ip-addresses", spec.public_ip.iter().map(ToString::to_string).collect())
        .with_all("--tags", tags(&spec.tags));
    let before = KeptBody::new(id);
    let mut act = vec![before.keep(), slow(before.unless_there(&create))];
    let mut settings = Vec::new();
    if let Some(own) = spec.autoscale {
        settings.push(format!("properties.autoScaleConfiguration.bounds.min={}", own.min));
        settings.push(format!("properties.autoScaleConfiguration.bounds.max={}", own.max));
    }
    for (key, said) in [
        ("allowRemoteVnetTraffic", spec.allow_remote_vnet_traffic),
        ("allowVirtualWanTraffic", spec.allow_virtual_wan_traffic),
    ] {
        settings.extend(said.map(|on| format!("properties.{key}={on}")));
    }
    if !settings.is_empty() {
        act.push(noted(
            "When it is done: what the command above has no word for.",
            about("resource update", id).with_all("--set", settings).text(),
        ));
    }
    Guide {
        portal: way(&["Virtual network gateways", "Create", "ExpressRoute", id.name()]),
        act,
        check: vec![line(
            about("network vnet-gateway show", id)
                .with("--query", "{state:provisioningState,type:gatewayType,sku:sku.name}")
                .text(),
        )],
        good: format!(
            "state is Succeeded after 15 to 45 minutes, and sku is {}. It says Updating until then.",
            spec.sku.as_str()
        ),
        wrong: vec![
            Trouble {
                sign: "It is not done after 60 minutes",
                then: "Open a case with Azure support, severity A. Do not start a second gateway in this \
                       network: there can be only one.",
            },
            Trouble {
                sign: "GwmOperationTimeOut, or state is Failed",
                then: "Type the command again, from `az` on: it writes the failed gateway anew. If that \
                       fails as well, remove the gateway and begin again.",
            },
        ],
        undo: vec![before.restore_and_wait(&about("network vnet-gateway delete", id))],
        undo_note: "Only after its connections and the peerings that use it are gone.".to_owned(),
    }
}

/// What is good of a weight, where one is said: who only looks must see that it is not yet so.
pub(super) fn weighed(weight: Option<u16>) -> String {
    weight.map(|weight| format!("; weight is {weight}")).unwrap_or_default()
}

/// What takes long, and goes on by itself.
pub(super) fn slow(line: super::Line) -> super::Line {
    let note = line.note.map(|note| format!("{note} ")).unwrap_or_default();
    let note =
        format!("{note}It returns when the gateway is done. The shell may close: Azure goes on.");
    noted(&note, line.command)
}

pub(super) fn authorization(spec: &Authorization) -> Guide {
    let id = &spec.id;
    let circuit = parent_name(id);
    let create = within("network express-route auth create", id)
        .with("--circuit-name", circuit.as_str())
        .with("--name", id.name())
        .with("--query", STATE);
    let file = before::file(id, "txt");
    let kept = about("network express-route auth show", id)
        .with("--query", "name")
        .with("--output", "tsv");
    let delete = about("network express-route auth delete", id);
    Guide {
        portal: way(&["ExpressRoute circuits", &circuit, "Authorizations", id.name()]),
        act: vec![
            before::keep(&file, &kept),
            noted(
                "The query keeps the key off the screen and out of the \
                 shell's records.",
                before::unless_there(&file, &create).command,
            ),
        ],
        check: vec![line(
            about("network express-route auth show", id)
                .with("--query", "{state:provisioningState,use:authorizationUseStatus}")
                .text(),
        )],
        good: "state is Succeeded; use is Available, and InUse once a connection has redeemed it."
            .to_owned(),
        wrong: vec![Trouble {
            sign: "use is InUse before you connected",
            then: "Another connection has redeemed it: one key, one connection. Make another \
                       authorization under another name.",
        }],
        undo: vec![before::unless_there(&file, &delete)],
        undo_note: "Removing an authorization that is in use removes the connection made with it."
            .to_owned(),
    }
}

pub(super) fn connection(spec: &Connection, secrets: &Secrets) -> Guide {
    let id = &spec.id;
    let mut create = make("network vpn-connection create", id)
        .with("--location", spec.location.as_str())
        .with("--vnet-gateway1", spec.gateway.as_str())
        .with("--express-route-circuit2", spec.circuit.as_str())
        // `az` would make it 10 where nothing is said.
        .with("--routing-weight", spec.routing_weight.unwrap_or_default().to_string())
        .with_all("--tags", tags(&spec.tags));
    let mut act = Vec::new();
    if let Some(secret) = &spec.authorization {
        let (read, variable) = key(secret, secrets);
        act.extend(read);
        create = create.with_key("--authorization-key", &variable);
    }
    let settings: Vec<(&str, bool)> = [
        ("expressRouteGatewayBypass", spec.fast_path),
        ("enablePrivateLinkFastPath", spec.private_link_fast_path),
    ]
    .iter()
    .filter_map(|(key, said)| said.map(|on| (*key, on)))
    .collect();
    let standing = StandingConnection::of(id, &settings);
    act.insert(0, standing.keep());
    act.push(standing.weigh(spec.routing_weight, &create.with("--query", STATE)));
    if !settings.is_empty() {
        let settings = settings.iter().map(|(key, on)| format!("properties.{key}={on}")).collect();
        // Without a query the answer would show the connection's key.
        let set = about("resource update", id).with_all("--set", settings).with("--query", "id");
        act.push(noted("When it is done: FastPath.", set.text()));
    }
    Guide {
        portal: way(&[
            "Virtual network gateways",
            spec.gateway.name(),
            "Connections",
            "Add",
            id.name(),
        ]),
        act,
        check: vec![line(
            about("network vpn-connection show", id)
                .with(
                    "--query",
                    "{state:provisioningState,status:connectionStatus,weight:routingWeight}",
                )
                .text(),
        )],
        good: format!(
            "state is Succeeded within minutes, and status is Connected soon after{}. Neither proves that traffic \
             flows: the routes do.",
            weighed(spec.routing_weight)
        ),
        wrong: CONNECTION_TROUBLES.to_vec(),
        undo: vec![standing.restore()],
        undo_note: "On-premises stops hearing these networks at once.".to_owned(),
    }
}

/// What a connection to a circuit may run into.
const CONNECTION_TROUBLES: [Trouble; 3] = [
    Trouble {
        sign: "It is refused because networks overlap",
        then: "A network with the same addresses is still connected to this circuit. Its \
               connection goes first.",
    },
    Trouble {
        sign: "state is Succeeded and status stays Unknown or NotConnected",
        then: "Look at the circuit: provider state, private peering, ARP tables. Then call the \
               provider.",
    },
    Trouble {
        sign: "The key is refused",
        then: "One key serves one connection. Show the authorization: its use must be Available.",
    },
];

pub(super) fn peering(spec: &Peering) -> Guide {
    let id = &spec.id;
    let vnet = parent_name(id);
    let create = within("network vnet peering create", id)
        .with("--vnet-name", vnet.as_str())
        .with("--name", id.name())
        .with("--remote-vnet", spec.remote.as_str())
        .with("--allow-vnet-access", spec.allow_access.unwrap_or(true).to_string())
        .with_all("--allow-forwarded-traffic", said(spec.allow_forwarded_traffic))
        .with_all("--allow-gateway-transit", said(spec.allow_gateway_transit))
        .with_all("--use-remote-gateways", said(spec.use_remote_gateways));
    let flags = [
        ("allowVirtualNetworkAccess", Some(spec.allow_access.unwrap_or(true))),
        ("allowForwardedTraffic", spec.allow_forwarded_traffic),
        ("allowGatewayTransit", spec.allow_gateway_transit),
        ("useRemoteGateways", spec.use_remote_gateways),
    ];
    let flags = flags.iter().filter_map(|(key, said)| said.map(|on| format!("{key}={on}")));
    let change = about("network vnet peering update", id).with_all("--set", flags.collect());
    let before = KeptBody::new(id);
    Guide {
        portal: way(&["Virtual networks", &vnet, "Peerings", "Add", id.name()]),
        act: vec![
            before.keep(),
            before.change_or_make(&change, &create),
            noted(
                "If sync reads LocalNotInSync: the other network has grown, and this side learns its \
                 addresses.",
                about("network vnet peering sync", id).text(),
            ),
        ],
        check: vec![line(
            about("network vnet peering show", id)
                .with(
                    "--query",
                    "{peering:peeringState,sync:peeringSyncLevel,transit:allowGatewayTransit,remote:useRemoteGateways}",
                )
                .text(),
        )],
        good: {
            let said = [("transit", spec.allow_gateway_transit), ("remote", spec.use_remote_gateways)];
            let flags: Vec<String> = said
                .iter()
                .filter_map(|(word, said)| said.map(|on| format!("{word} is {on}")))
                .collect();
            let flags =
                if flags.is_empty() { String::new() } else { format!("; {}", flags.join(" and ")) };
            format!(
                "peering is Connected and sync is FullyInSync once both sides are written{flags}."
            )
        },
        wrong: peering_troubles(spec),
        undo: vec![before.restore(&about("network vnet peering delete", id))],
        undo_note: "The other side is Disconnected from then on, and must go as well.".to_owned(),
    }
}

/// What a side of a peering may run into.
fn peering_troubles(spec: &Peering) -> Vec<Trouble> {
    let mut wrong = Vec::new();
    if spec.use_remote_gateways == Some(true) {
        wrong.push(Trouble {
            sign: "RemoteVnetHasNoGateways",
            then: "The hub has no gateway yet, or its side does not allow gateway transit. Wait for the \
                   gateway; write the hub's side first.",
        });
    }
    wrong.extend([
        Trouble {
            sign: "The state stays Disconnected",
            then: "The other side was removed once: remove both sides and write both again.",
        },
        Trouble {
            sign: "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
            then: "Another peered network has these addresses. Find it and decide which of them stays.",
        },
    ]);
    wrong
}

pub(super) fn association(spec: &Association) -> Guide {
    let vnet = parent_name(&spec.subnet);
    let show = about("network vnet subnet show", &spec.subnet)
        .with("--query", "routeTable.id")
        .with("--output", "tsv");
    let file = before::file(&spec.subnet, "txt");
    let update = || about("network vnet subnet update", &spec.subnet);
    let to_old = format!("{} \\\n  --route-table \"$(cat {file})\"", update().text());
    let to_none = update().with("--remove", "routeTable").text();
    Guide {
        portal: way(&["Virtual networks", &vnet, "Subnets", spec.subnet.name(), "Route table"]),
        act: vec![
            before::keep(&file, &show),
            line(
                about("network vnet subnet update", &spec.subnet)
                    .with("--route-table", spec.route_table.as_str())
                    .text(),
            ),
        ],
        check: vec![line(show.text())],
        good: format!("The answer ends with {}.", spec.route_table.name()),
        wrong: vec![Trouble {
            sign: "Machines of the subnet are unreachable afterwards",
            then: "The table sends their traffic to an appliance that is not up. Bring the appliance \
                       up, or take this step back.",
        }],
        undo: vec![noted(
            "The table that it used before, or none.",
            before::either(&file, &to_old, &to_none),
        )],
        undo_note: "Traffic follows the network's own routes again.".to_owned(),
    }
}

pub(super) fn bandwidth(spec: &CircuitBandwidth) -> Guide {
    let id = &spec.id;
    // What is between two bandwidths is not sold.
    let bought = spec.bought().unwrap_or(spec.mbps_min);
    Guide {
        portal: way(&["ExpressRoute circuits", id.name(), "Configuration", "Bandwidth"]),
        act: vec![
            noted(
                "If it is as much already, there is nothing to do: Azure lowers no bandwidth.",
                about("network express-route show", id)
                    .with(
                        "--query",
                        "{mbps:serviceProviderProperties.bandwidthInMbps,gbps:bandwidthInGbps}",
                    )
                    .text(),
            ),
            line(
                about("network express-route update", id)
                    .with_all("--bandwidth", vec![bought.to_string(), "Mbps".to_owned()])
                    .text(),
            ),
        ],
        check: vec![line(
            about("network express-route show", id)
                .with(
                    "--query",
                    "{state:provisioningState,mbps:serviceProviderProperties.bandwidthInMbps,\
                     gbps:bandwidthInGbps}",
                )
                .text(),
        )],
        good: format!(
            "state is Succeeded and mbps is {} or more; of a circuit on a port of its own, which has no mbps, gbps \
             is {} or more.",
            spec.mbps_min,
            f64::from(spec.mbps_min) / 1_000.0
        ),
        wrong: vec![
            Trouble {
                sign: "The port has no capacity for it",
                then: "Go on with what there is, and tell the owner: only a new circuit brings more.",
            },
            Trouble {
                sign: "Azure shows it and traffic is no faster",
                then: "The provider must raise its side as well. Call it, with the service key.",
            },
        ],
        undo: Vec::new(),
        undo_note: "Azure lowers no bandwidth: this stays, and so does its price.".to_owned(),
    }
}
