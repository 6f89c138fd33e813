//! How is a virtual WAN changed by hand? The gateway and its circuits with `az` itself. Hubs, their networks
//! and tables with the calls that the executor makes: `az network vhub` is an extension (virtual-wan) that a
//! machine at 03:00 may not have.

use serde_json::Value;

use super::before::{self, KeptBody};
use super::ensure::{said, slow, tags, way, weighed};
use super::{
    Az, Guide, Line, Secrets, Trouble, about, called, key, line, make, noted, parent_name, within,
};
use crate::model::ResourceId;
use crate::model::action::{
    HubAction, HubConnection, HubGateway, HubRoutes, HubVnet, Routing, VirtualHub,
};
use crate::model::hub::HUB_TABLES;
use crate::model::hub_body::body_of;

const EXTENSION: &str = "It sets everything anew, returns at once, and Azure goes on. Who has the extension \
                         virtual-wan can use `az network vhub` instead.";

pub(super) fn hub(action: &HubAction, secrets: &Secrets) -> Guide {
    match action {
        HubAction::Hub(spec) => virtual_hub(spec, &body_of(action)),
        HubAction::Gateway(spec) => gateway(spec),
        HubAction::Connection(spec) => connection(spec, secrets),
        HubAction::Vnet(spec) => vnet(spec, &body_of(action)),
        HubAction::Routes(spec) => routes(spec, &body_of(action)),
    }
}

fn call(method: &str, path: &str) -> Az {
    Az::new("rest").with("--method", method).with("--url", called(path))
}

/// What stands is kept, then the PUT of what shall be.
fn put(id: &ResourceId, body: &Value) -> Vec<super::Line> {
    let put = call("put", id.as_str()).with("--body", body.to_string());
    vec![KeptBody::new(id).keep(), noted(EXTENSION, put.with("--query", "id").text())]
}

/// As it was, or gone. Both wait until Azure has done it: a hub takes one change at a time.
fn restore(id: &ResourceId) -> super::Line {
    KeptBody::new(id).restore_and_wait(&about("resource delete", id))
}

const HUB_QUERY: &str = "properties.{state:provisioningState,routing:routingState,preference:hubRoutingPreference,units:virtualRouterAutoScaleConfiguration.minCapacity}";

fn virtual_hub(spec: &VirtualHub, body: &Value) -> Guide {
    let id = &spec.id;
    Guide {
        portal: way(&["Virtual WANs", spec.wan.name(), "Hubs", "New Hub", id.name()]),
        act: put(id, body),
        check: vec![line(call("get", id.as_str()).with("--query", HUB_QUERY).text())],
        good: "state is Succeeded, and routing is Provisioned. Succeeded comes minutes before; nothing can be \
               connected until routing is Provisioned."
            .to_owned(),
        wrong: vec![
            Trouble {
                sign: "routing is Failed",
                then: "Reset the hub's router in the portal (the hub, Overview, Reset). If that fails as \
                       well, open a case with Azure support, severity A.",
            },
            Trouble {
                sign: "The prefix is refused",
                then: "A network of the WAN, or another hub, has these addresses. A hub's prefix is never \
                       changed: take another one.",
            },
        ],
        undo: vec![restore(id)],
        undo_note: "It is removed only after its gateways and the connections of its networks are gone."
            .to_owned(),
    }
}

fn gateway(spec: &HubGateway) -> Guide {
    let id = &spec.id;
    let create = make("network express-route gateway create", id)
        .with("--location", spec.location.as_str())
        .with("--virtual-hub", spec.hub.as_str())
        .with("--min-val", spec.units.min.to_string())
        .with("--max-val", spec.units.max.to_string())
        .with_all("--allow-non-vwan-traffic", said(spec.allow_non_wan_traffic))
        .with_all("--tags", tags(&spec.tags));
    let file = before::file(id, "txt");
    let update = || about("network express-route gateway update", id);
    let change = update()
        .with("--min-val", spec.units.min.to_string())
        .with("--max-val", spec.units.max.to_string());
    let (min, max) = (before::row(&file, 1), before::row(&file, 2));
    let back = format!("{} \\\n  --min-val {min} \\\n  --max-val {max}", update().text());
    let delete = about("network express-route gateway delete", id);
    Guide {
        portal: way(&["Virtual WANs", "Hubs", spec.hub.name(), "ExpressRoute", "Create gateway"]),
        act: vec![keep_units(id), slow(before::change_or_make(&file, &change.text(), &create.text()))],
        check: vec![line(
            about("network express-route gateway show", id)
                .with(
                    "--query",
                    "{state:provisioningState,hub:virtualHub.id,units:autoScaleConfiguration.bounds}",
                )
                .text(),
        )],
        good: "state is Succeeded after 20 to 40 minutes. It says Updating until then.".to_owned(),
        wrong: vec![
            Trouble {
                sign: "It is not done after 60 minutes",
                then: "Open a case with Azure support, severity A. Do not start a second gateway in this \
                       hub: there can be only one.",
            },
            Trouble {
                sign: "It is refused because the hub is not provisioned",
                then: "Look at the hub's routing state: its routers come up first.",
            },
        ],
        undo: vec![before::restore(&file, &back, &delete)],
        undo_note: "Only after its connections are gone.".to_owned(),
    }
}

/// The units of a gateway, which its file says; its body holds what its connections are made with.
fn keep_units(id: &ResourceId) -> super::Line {
    let show = about("network express-route gateway show", id)
        .with("--query", "[autoScaleConfiguration.bounds.min,autoScaleConfiguration.bounds.max]")
        .with("--output", "tsv");
    before::keep(&before::file(id, "txt"), &show)
}

fn connection(spec: &HubConnection, secrets: &Secrets) -> Guide {
    let id = &spec.id;
    let mut create = within("network express-route gateway connection create", id)
        .with("--gateway-name", parent_name(id))
        .with("--name", id.name())
        .with("--peering", spec.peering())
        .with_all("--routing-weight", spec.routing_weight.iter().map(ToString::to_string).collect())
        .with_all("--internet-security", said(spec.internet_security));
    create = routed(create, &spec.routing);
    let mut act = Vec::new();
    if let Some(secret) = &spec.authorization {
        let (read, variable) = key(secret, secrets);
        act.extend(read);
        create = create.with_key("--authorization-key", &variable);
    }
    let create = create.with("--query", "{state:provisioningState,name:name}");
    let file = before::file(id, "txt");
    let kept = about("network express-route gateway connection show", id)
        .with("--query", "[routingWeight||`0`]")
        .with("--output", "tsv");
    act.insert(0, before::keep(&file, &kept));
    let update = || about("network express-route gateway connection update", id);
    let change = spec.routing_weight.map(|weight| {
        update().with("--routing-weight", weight.to_string()).with("--query", "id").text()
    });
    act.push(match change {
        Some(change) => before::change_or_make(&file, &change, &create.text()),
        None => before::unless_there(&file, &create),
    });
    let back = update().with("--query", "id").text();
    let back = format!("{back} \\\n  --routing-weight {}", before::row(&file, 1));
    let delete = about("network express-route gateway connection delete", id);
    act.extend(spec.fast_path.map(|on| fast_path(id, on)));
    Guide {
        portal: way(&["Virtual WANs", "Hubs", "ExpressRoute", "Connect circuit", id.name()]),
        act,
        check: vec![line(
            about("network express-route gateway connection show", id)
                .with(
                    "--query",
                    "{state:provisioningState,weight:routingWeight,follows:routingConfiguration.associatedRouteTable.id}",
                )
                .text(),
        )],
        good: format!(
            "state is Succeeded within minutes{}. That does not prove that traffic flows: the routes of the hub \
             do.",
            weighed(spec.routing_weight)
        ),
        wrong: CONNECTION_TROUBLES.to_vec(),
        undo: vec![before::restore(&file, &back, &delete)],
        undo_note: "On-premises stops hearing the networks of the hub at once.".to_owned(),
    }
}

/// What a connection of a hub to a circuit may run into.
const CONNECTION_TROUBLES: [Trouble; 2] = [
    Trouble {
        sign: "ServiceProviderNotProvisioned, or state is Failed",
        then: "The provider has not provisioned the circuit. Call its NOC, with the service key; then \
               type the same command again.",
    },
    Trouble {
        sign: "The key is refused",
        then: "One key serves one connection. Show the authorization: its use must be Available.",
    },
];

fn fast_path(id: &ResourceId, on: bool) -> Line {
    // Without a query the answer would show the connection's key.
    let set = about("resource update", id)
        .with("--set", format!("properties.expressRouteGatewayBypass={on}"))
        .with("--query", "id");
    noted("When it is done: FastPath.", set.text())
}

/// The tables that a connection follows and fills, as `az` takes them.
fn routed(command: Az, routing: &Routing) -> Az {
    let ids = |tables: &[ResourceId]| tables.iter().map(ToString::to_string).collect();
    command
        .with_all("--associated", ids(routing.associated.as_slice()))
        .with_all("--propagated", ids(routing.propagated.as_deref().unwrap_or_default()))
        .with_all("--labels", routing.labels.clone().unwrap_or_default())
}

const CONNECTED: &str = "properties.{state:provisioningState,network:remoteVirtualNetwork.id,follows:routingConfiguration.associatedRouteTable.id,fills:routingConfiguration.propagatedRouteTables}";

fn vnet(spec: &HubVnet, body: &Value) -> Guide {
    let id = &spec.id;
    Guide {
        portal: way(&[
            "Virtual WANs",
            "Virtual network connections",
            "Add connection",
            &parent_name(id),
            spec.vnet.name(),
        ]),
        act: put(id, body),
        check: vec![line(call("get", id.as_str()).with("--query", CONNECTED).text())],
        good: format!(
            "state is Succeeded, and network ends with {}. On-premises hears the network once a table that \
             the circuit follows has it.",
            spec.vnet.name()
        ),
        wrong: vec![
            Trouble {
                sign: "It is refused because the network has a gateway, or uses a remote one",
                then: "A network of a hub has neither. Take the peering's useRemoteGateways off, or remove the \
                       gateway, knowingly.",
            },
            Trouble {
                sign: "It is refused because addresses overlap",
                then: "Another network of this WAN has them. Find it: its connection goes first, or this \
                       network stays out.",
            },
        ],
        undo: vec![restore(id)],
        undo_note: "The network is reachable over this hub no more.".to_owned(),
    }
}

fn routes(spec: &HubRoutes, body: &Value) -> Guide {
    let id = &spec.id;
    Guide {
        portal: way(&["Virtual WANs", "Hubs", &parent_name(id), "Route Tables", id.name()]),
        act: put(id, body),
        check: vec![line(
            call("get", id.as_str())
                .with(
                    "--query",
                    "properties.{state:provisioningState,labels:labels,routes:routes[].{name:name,to:destinations,over:nextHop}}",
                )
                .text(),
        )],
        good: match spec.routes.len() {
            0 => "state is Succeeded, and the table has no static route.".to_owned(),
            1 => "state is Succeeded, and there is exactly one route, as above.".to_owned(),
            n => format!("state is Succeeded, and there are exactly {n} routes, as above."),
        },
        wrong: vec![Trouble {
            sign: "Machines are unreachable afterwards",
            then: "A static route goes before what is learned: its next hop must be up. Put back the routes \
                   that you noted.",
        }],
        undo: vec![restore(id)],
        undo_note: "Only after no connection follows or fills it. The default table is never removed."
            .to_owned(),
    }
}

/// What a hub's tables know, asked of Azure: it answers later, at a place that `az` shows only to who asks for more.
pub(super) fn effective(hub: &ResourceId, table: &str) -> Vec<super::Line> {
    let table = format!("{hub}/{HUB_TABLES}/{table}");
    let body = serde_json::json!({ "resourceId": table, "virtualWanResourceType": "RouteTable" });
    let ask = call("post", &format!("{hub}/effectiveRoutes")).with("--body", body.to_string());
    let answer = Az::new("rest")
        .with("--method", "get")
        .with_variable("--url", "LOCATION")
        .with("--query", "value");
    vec![
        noted(
            "Azure answers later, at a Location of which `az` speaks only when it is verbose. In the portal: the hub, \
             Effective Routes.",
            format!(
                "LOCATION=$({} \\\n  --verbose 2>&1 \\\n  | sed -n \"s/.*'[Ll]ocation': '\\(https[^']*\\)'.*/\\1/p\")",
                ask.text()
            ),
        ),
        noted("Again while it says nothing.", format!("sleep 15; {}", answer.text())),
    ]
}
