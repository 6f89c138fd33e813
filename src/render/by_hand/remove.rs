//! How is a resource removed by hand? Noted first, then removed, then seen to be gone.

use super::before::{self, KeptBody};
use super::{Guide, Line, Secrets, Trouble, about, key, line, make, noted, parent_name, within};
use crate::model::action::{Dissociation, Removal, RemovalKind};

/// The version of the calls, that of the executor.
const VERSION: &str = "2024-03-01";

/// What `az` calls the kind of resource, and the fields that making it again needs. Never `show`
/// without these: a connection shows its key.
struct RemovalForm {
    show: &'static str,
    delete: &'static str,
    fields: &'static str,
    portal: &'static str,
}

fn kind(kind: RemovalKind) -> RemovalForm {
    let of = |show, delete, fields, portal| RemovalForm { show, delete, fields, portal };
    match kind {
        RemovalKind::Connection => of(
            "network vpn-connection show",
            "network vpn-connection delete",
            "{location:location,gateway:virtualNetworkGateway1.id,circuit:peer.id,weight:routingWeight}",
            "Connections",
        ),
        RemovalKind::Peering => of(
            "network vnet peering show",
            "network vnet peering delete",
            "{remote:remoteVirtualNetwork.id,access:allowVirtualNetworkAccess,forwarded:allowForwardedTraffic,transit:allowGatewayTransit,gateways:useRemoteGateways}",
            "Virtual networks > Peerings",
        ),
        RemovalKind::Gateway => of(
            "network vnet-gateway show",
            "network vnet-gateway delete",
            "{location:location,sku:sku.name,subnet:ipConfigurations[0].subnet.id,address:ipConfigurations[0].publicIPAddress.id}",
            "Virtual network gateways",
        ),
        RemovalKind::VpnGateway => of(
            "network vnet-gateway show",
            "network vnet-gateway delete",
            "{location:location,sku:sku.name,both:activeActive,asn:bgpSettings.asn,subnet:ipConfigurations[0].subnet.id,addresses:ipConfigurations[].publicIPAddress.id}",
            "Virtual network gateways",
        ),
        RemovalKind::PublicIp => of(
            "network public-ip show",
            "network public-ip delete",
            "{location:location,address:ipAddress,zones:zones}",
            "Public IP addresses",
        ),
        RemovalKind::Subnet => of(
            "network vnet subnet show",
            "network vnet subnet delete",
            "{prefix:addressPrefix,prefixes:addressPrefixes,table:routeTable.id}",
            "Virtual networks > Subnets",
        ),
        RemovalKind::Authorization => of(
            "network express-route auth show",
            "network express-route auth delete",
            "{state:provisioningState,use:authorizationUseStatus}",
            "ExpressRoute circuits > Authorizations",
        ),
        RemovalKind::RouteTable => of(
            "network route-table show",
            "network route-table delete",
            "{location:location,routes:routes[].{name:name,prefix:addressPrefix,hop:nextHopType,address:nextHopIpAddress}}",
            "Route tables",
        ),
        RemovalKind::VpnConnection => of(
            "network vpn-connection show",
            "network vpn-connection delete",
            "{location:location,gateway:virtualNetworkGateway1.id,device:localNetworkGateway2.id,bgp:enableBgp,weight:routingWeight}",
            "Connections",
        ),
        RemovalKind::LocalGateway => of(
            "network local-gateway show",
            "network local-gateway delete",
            "{location:location,device:gatewayIpAddress,prefixes:localNetworkAddressSpace.addressPrefixes,bgp:bgpSettings}",
            "Local network gateways",
        ),
        RemovalKind::Route => of(
            "network route-table route show",
            "network route-table route delete",
            "{prefix:addressPrefix,hop:nextHopType,address:nextHopIpAddress}",
            "Route tables > Routes",
        ),
        RemovalKind::HubConnection => of(
            "network express-route gateway connection show",
            "network express-route gateway connection delete",
            "{circuit:expressRouteCircuitPeering.id,weight:routingWeight,routing:routingConfiguration}",
            "Virtual WANs > Hubs > ExpressRoute",
        ),
        RemovalKind::HubGateway => of(
            "network express-route gateway show",
            "network express-route gateway delete",
            "{location:location,hub:virtualHub.id,units:autoScaleConfiguration.bounds}",
            "Virtual WANs > Hubs > ExpressRoute",
        ),
        // `az network vhub` is an extension; these are part of `az` itself.
        RemovalKind::HubVnet => of(
            "resource show",
            "resource delete",
            "properties.{network:remoteVirtualNetwork.id,routing:routingConfiguration}",
            "Virtual WANs > Virtual network connections",
        ),
        RemovalKind::HubRoutes => of(
            "resource show",
            "resource delete",
            "properties.{labels:labels,routes:routes}",
            "Virtual WANs > Hubs > Route Tables",
        ),
        RemovalKind::VirtualHub => of(
            "resource show",
            "resource delete",
            "{location:location,wan:properties.virtualWan.id,prefix:properties.addressPrefix,preference:properties.hubRoutingPreference}",
            "Virtual WANs > Hubs",
        ),
    }
}

pub(super) fn removal(spec: &Removal, secrets: &Secrets) -> Guide {
    let id = &spec.id;
    let RemovalForm { show, delete, fields, portal } = kind(spec.kind);
    let mut portal: Vec<String> = portal.split(" > ").map(str::to_owned).collect();
    if id.parent().is_some() {
        portal.insert(1, parent_name(id));
    }
    portal.extend([id.name().to_owned(), "Delete".to_owned()]);
    let (keep, undo) = again(spec, secrets).unwrap_or_else(|| {
        let note = "First note what it is: making it again needs these values.";
        (noted(note, about(show, id).with("--query", fields).text()), Vec::new())
    });
    Guide {
        portal,
        act: vec![keep, line(about(delete, id).text())],
        check: vec![gone(id)],
        good: "It is not found: ResourceNotFound.".to_owned(),
        wrong: troubles(spec.kind),
        undo_note: match spec.kind {
            RemovalKind::Connection | RemovalKind::HubConnection => {
                "It is made again with the values that were kept, and with the key of an authorization if \
                 the circuit is in another subscription."
            }
            RemovalKind::VpnConnection => {
                "It is made again with the values that were kept, and with the key that the device has."
            }
            RemovalKind::Gateway | RemovalKind::VpnGateway => {
                "It is made again with the values that were kept; that takes 15 to 45 minutes."
            }
            RemovalKind::HubGateway => {
                "Make it again with the values that you noted; that takes 20 to 40 minutes."
            }
            RemovalKind::Authorization => {
                "A new authorization has a new key; what used the old one must be given the new."
            }
            _ => "It is made again with the values that were kept.",
        }
        .to_owned(),
        undo,
    }
}

/// How what is removed is kept, and made again from that; nothing where that is to be typed by a person.
fn again(spec: &Removal, secrets: &Secrets) -> Option<(Line, Vec<Line>)> {
    let id = &spec.id;
    match spec.kind {
        RemovalKind::Connection => {
            let values = "[location,virtualNetworkGateway1.id,peer.id,routingWeight]";
            Some(connection(
                spec,
                secrets,
                values,
                "--express-route-circuit2",
                "--authorization-key",
            ))
        }
        RemovalKind::VpnConnection => {
            let values =
                "[location,virtualNetworkGateway1.id,localNetworkGateway2.id,routingWeight]";
            Some(connection(spec, secrets, values, "--local-gateway2", "--shared-key"))
        }
        RemovalKind::Authorization => {
            let create = within("network express-route auth create", id)
                .with("--circuit-name", parent_name(id))
                .with("--name", id.name())
                .with("--query", "{state:provisioningState,name:name}");
            let look = about("network express-route auth show", id)
                .with("--query", "{state:provisioningState,use:authorizationUseStatus}");
            let note = "First see that nothing uses it: whoever does is cut off with it.";
            Some((noted(note, look.text()), vec![line(create.text())]))
        }
        // Their bodies may hold keys of what is in them.
        RemovalKind::HubConnection | RemovalKind::HubGateway => None,
        RemovalKind::Peering
        | RemovalKind::Gateway
        | RemovalKind::VpnGateway
        | RemovalKind::PublicIp
        | RemovalKind::Subnet
        | RemovalKind::RouteTable
        | RemovalKind::LocalGateway
        | RemovalKind::Route
        | RemovalKind::HubVnet
        | RemovalKind::HubRoutes
        | RemovalKind::VirtualHub => {
            let before = KeptBody::new(id, VERSION);
            let wait = about("resource wait", id).with_flag("--updated").text();
            let write = line(before.write().text());
            let wait =
                noted("Azure answers at once and goes on: what comes next waits for this.", wait);
            Some((before.keep(), vec![write, wait]))
        }
    }
}

/// A connection: its values are kept, never its body, which holds a key.
fn connection(
    spec: &Removal,
    secrets: &Secrets,
    values: &'static str,
    other: &'static str,
    with_key: &'static str,
) -> (Line, Vec<Line>) {
    let id = &spec.id;
    let file = before::file(id, "txt");
    let read = about("network vpn-connection show", id)
        .with("--query", values)
        .with("--output", "tsv")
        .text();
    let keep = noted(
        "First keep what making it again needs, in a file of this folder; its key is not among it.",
        format!("[ -e {file} ] || {read} \\\n  >{file}"),
    );
    let mut undo = Vec::new();
    let mut create = make("network vpn-connection create", id);
    if let Some(secret) = &spec.authorization {
        let (read, variable) = key(secret, secrets);
        undo.extend(read);
        create = create.with_variable(with_key, &variable);
    }
    let create = create.with("--query", "{state:provisioningState,name:name}").text();
    let kept = [(1, "--location"), (2, "--vnet-gateway1"), (3, other), (4, "--routing-weight")];
    let kept: String = kept
        .iter()
        .map(|(row, option)| format!(" \\\n  {option} \"$(sed -n {row}p {file})\""))
        .collect();
    undo.push(line(format!("{create}{kept}")));
    (keep, undo)
}

pub(super) fn gone(id: &crate::model::ResourceId) -> Line {
    line(about("resource show", id).with("--query", "properties.provisioningState").text())
}

fn troubles(kind: RemovalKind) -> Vec<Trouble> {
    match kind {
        RemovalKind::Connection | RemovalKind::HubConnection => vec![Trouble {
            sign: "Its region is down, and the removal neither ends nor fails",
            then: "Do not wait without a limit. Decide with the incident commander: connect the target \
                   anyway, use another circuit, or wait. Whatever is decided, the removal stays owed: \
                   when the region returns, two regions advertise the same addresses.",
        }],
        RemovalKind::Gateway | RemovalKind::VpnGateway => vec![Trouble {
            sign: "It is still in use",
            then: "Its connections and the peerings that use it go first.",
        }],
        RemovalKind::HubGateway => vec![Trouble {
            sign: "It still has connections",
            then: "The connections of its circuits go first.",
        }],
        RemovalKind::VirtualHub => vec![Trouble {
            sign: "It is still in use",
            then: "Its gateways and the connections of its networks go first.",
        }],
        RemovalKind::HubVnet => vec![Trouble {
            sign: "Machines of the network are unreachable afterwards",
            then: "That is what this does: the network is behind this hub no more.",
        }],
        RemovalKind::HubRoutes => vec![Trouble {
            sign: "A connection still follows or fills it",
            then: "Point that connection at the default table first.",
        }],
        RemovalKind::Peering => vec![Trouble {
            sign: "The other side is Disconnected",
            then: "That is so until it is removed as well.",
        }],
        RemovalKind::VpnConnection => vec![Trouble {
            sign: "A site is unreachable afterwards",
            then: "It had no other path: no circuit carries its prefixes. Make the tunnel again.",
        }],
        RemovalKind::Subnet
        | RemovalKind::PublicIp
        | RemovalKind::RouteTable
        | RemovalKind::LocalGateway => vec![Trouble {
            sign: "InUseSubnetCannotBeDeleted or its like: something still uses it",
            then: "The message names what. That goes first.",
        }],
        RemovalKind::Route => vec![Trouble {
            sign: "Machines are unreachable afterwards",
            then: "What the route matched goes another way now. Make it again with what you noted.",
        }],
        RemovalKind::Authorization => vec![Trouble {
            sign: "Its use is InUse",
            then: "Stop: removing it removes the connection made with it. Remove that one first, knowingly.",
        }],
    }
}

pub(super) fn dissociation(spec: &Dissociation) -> Guide {
    let vnet = parent_name(&spec.subnet);
    let show = about("network vnet subnet show", &spec.subnet)
        .with("--query", "routeTable.id")
        .with("--output", "tsv");
    Guide {
        portal: ["Virtual networks", &vnet, "Subnets", spec.subnet.name(), "Route table", "None"]
            .map(str::to_owned)
            .to_vec(),
        act: vec![
            noted("Only if it is this table; another one stays.", show.text()),
            line(
                about("network vnet subnet update", &spec.subnet)
                    .with("--remove", "routeTable")
                    .text(),
            ),
        ],
        check: vec![line(show.text())],
        good: format!("The answer is empty, or not {}.", spec.route_table.name()),
        wrong: Vec::new(),
        undo: vec![line(
            about("network vnet subnet update", &spec.subnet)
                .with("--route-table", spec.route_table.as_str())
                .text(),
        )],
        undo_note: "The subnet follows the table again.".to_owned(),
    }
}
