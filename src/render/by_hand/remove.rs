//! How is a resource removed by hand? Noted first, then removed, then seen to be gone.

use super::again;
use super::before::{self, KeptBody};
use super::{Guide, Line, Secrets, Trouble, about, line, noted, parent_name, within};
use crate::model::action::{Dissociation, Removal, RemovalKind};

/// What removes a kind of resource, and where it is in the portal.
struct RemovalForm {
    delete: &'static str,
    portal: &'static str,
}

fn kind(kind: RemovalKind) -> RemovalForm {
    let of = |delete, portal| RemovalForm { delete, portal };
    match kind {
        RemovalKind::Connection | RemovalKind::VpnConnection => {
            of("network vpn-connection delete", "Connections")
        }
        RemovalKind::Peering => of("network vnet peering delete", "Virtual networks > Peerings"),
        RemovalKind::Gateway | RemovalKind::VpnGateway => {
            of("network vnet-gateway delete", "Virtual network gateways")
        }
        RemovalKind::PublicIp => of("network public-ip delete", "Public IP addresses"),
        RemovalKind::Subnet => of("network vnet subnet delete", "Virtual networks > Subnets"),
        RemovalKind::Authorization => {
            of("network express-route auth delete", "ExpressRoute circuits > Authorizations")
        }
        RemovalKind::RouteTable => of("network route-table delete", "Route tables"),
        RemovalKind::LocalGateway => of("network local-gateway delete", "Local network gateways"),
        RemovalKind::Route => of("network route-table route delete", "Route tables > Routes"),
        RemovalKind::HubConnection => of(
            "network express-route gateway connection delete",
            "Virtual WANs > Hubs > ExpressRoute",
        ),
        RemovalKind::HubGateway => {
            of("network express-route gateway delete", "Virtual WANs > Hubs > ExpressRoute")
        }
        // `az network vhub` is an extension; these are part of `az` itself.
        RemovalKind::HubVnet => of("resource delete", "Virtual WANs > Virtual network connections"),
        RemovalKind::HubRoutes => of("resource delete", "Virtual WANs > Hubs > Route Tables"),
        RemovalKind::VirtualHub => of("resource delete", "Virtual WANs > Hubs"),
    }
}

pub(super) fn removal(spec: &Removal, secrets: &Secrets) -> Guide {
    let id = &spec.id;
    let RemovalForm { delete, portal } = kind(spec.kind);
    let mut portal: Vec<String> = portal.split(" > ").map(str::to_owned).collect();
    if id.parent().is_some() {
        portal.insert(1, parent_name(id));
    }
    portal.extend([id.name().to_owned(), "Delete".to_owned()]);
    let (keep, undo) = made_again(spec, secrets);
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
                "It is made again with the values that were kept; that takes 20 to 40 minutes."
            }
            RemovalKind::Authorization => {
                "A new authorization has a new key; what used the old one must be given the new."
            }
            RemovalKind::Peering | RemovalKind::PublicIp | RemovalKind::Subnet | RemovalKind::RouteTable | RemovalKind::Route | RemovalKind::LocalGateway | RemovalKind::HubVnet | RemovalKind::HubRoutes | RemovalKind::VirtualHub => "It is made again with the values that were kept.",
        }
        .to_owned(),
        undo,
    }
}

/// How what is removed is kept, and made again from that.
fn made_again(spec: &Removal, secrets: &Secrets) -> (Line, Vec<Line>) {
    let id = &spec.id;
    match spec.kind {
        RemovalKind::Connection => again::connection(spec, secrets, &again::CIRCUIT),
        RemovalKind::VpnConnection => again::connection(spec, secrets, &again::TUNNEL),
        RemovalKind::HubConnection => again::hub_connection(spec, secrets),
        RemovalKind::HubGateway => again::hub_gateway(spec),
        RemovalKind::Authorization => {
            let create = within("network express-route auth create", id)
                .with("--circuit-name", parent_name(id))
                .with("--name", id.name())
                .with("--query", "{state:provisioningState,name:name}");
            let look = about("network express-route auth show", id)
                .with("--query", "{state:provisioningState,use:authorizationUseStatus}");
            let note = "First see that nothing uses it: whoever does is cut off with it.";
            (noted(note, look.text()), vec![line(create.text())])
        }
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
            let before = KeptBody::new(id);
            let wait = about("resource wait", id).with_flag("--updated").text();
            let write = line(before.write().text());
            let wait =
                noted("Azure answers at once and goes on: what comes next waits for this.", wait);
            (before.keep(), vec![write, wait])
        }
    }
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
    let file = before::file(&spec.subnet, "txt");
    let update = || about("network vnet subnet update", &spec.subnet);
    let table = &spec.route_table;
    let detach = before::only_of(&file, table, &update().with("--remove", "routeTable"));
    let attach = before::only_of(&file, table, &update().with("--route-table", table.as_str()));
    Guide {
        portal: ["Virtual networks", &vnet, "Subnets", spec.subnet.name(), "Route table", "None"]
            .map(str::to_owned)
            .to_vec(),
        act: vec![
            before::keep(&file, &show),
            noted("Only where it is this table; another one stays.", detach),
        ],
        check: vec![line(show.text())],
        good: format!("The answer is empty, or not {}.", table.name()),
        wrong: Vec::new(),
        undo: vec![noted("Only where it was this table.", attach)],
        undo_note: "The subnet follows the table again.".to_owned(),
    }
}
