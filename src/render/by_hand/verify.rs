//! How is it seen by hand that something is so? Commands that only look.

use ipnet::IpNet;

use super::hubs;
use super::remove::gone;
use super::{Guide, Line, Trouble, about, line, make, noted};
use crate::arm::{CircuitPath, PRIVATE_PEERING};
use crate::model::ResourceId;
use crate::model::action::{JudgedPaths, Verification};

/// What covers the prefixes, in words: as [`crate::model::coverage()`] means it.
fn covered(prefixes: &[IpNet]) -> String {
    let default = match prefixes.iter().all(crate::model::coverage::is_default) {
        true => "",
        false => "; a default route does not count",
    };
    format!("Each of {} (or a route that contains it{default})", list(prefixes))
}

fn list(prefixes: &[IpNet]) -> String {
    prefixes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn tables(judged: JudgedPaths) -> &'static str {
    match judged {
        JudgedPaths::Both => "both tables",
        JudgedPaths::Any => {
            "each table that has a route of on-premises (one at least; a path without any has no session)"
        }
    }
}

/// Both paths of a circuit's private peering.
fn both_paths(verb: &'static str, circuit: &ResourceId) -> Vec<Line> {
    CircuitPath::NAMES
        .map(|path| {
            line(
                // Its id alone does not do here: `az` would want to read path and peering out of it.
                make(verb, circuit)
                    .with("--path", path)
                    .with("--peering-name", PRIVATE_PEERING)
                    // Without it the table is empty: what is shown is the answer, and its rows are in a field.
                    .with("--query", "value")
                    .with("--output", "table")
                    .text(),
            )
        })
        .to_vec()
}

const PROVIDER: Trouble = Trouble {
    sign: "One path shows nothing",
    then: "One path is enough to recover. Call the provider for the other, with the service key of the \
           circuit.",
};

pub(super) fn verification(verification: &Verification) -> Guide {
    let (portal, check, good, wrong) = match verification {
        Verification::Circuit { circuit } => (
            way(&["ExpressRoute circuits", circuit.name(), "Overview"]),
            vec![line(
                about("network express-route show", circuit)
                    .with(
                        "--query",
                        "{circuit:circuitProvisioningState,provider:serviceProviderProvisioningState,peerings:peerings[].{name:name,state:state}}",
                    )
                    .text(),
            )],
            "circuit is Enabled, provider is Provisioned, and AzurePrivatePeering is Enabled.".to_owned(),
            vec![Trouble {
                sign: "provider is NotProvisioned or Deprovisioned",
                then: "Stop. Call the provider's NOC, with the service key of the circuit.",
            }],
        ),
        Verification::Connection { connection } => (
            way(&["Connections", connection.name(), "Overview"]),
            vec![line(
                about("network vpn-connection show", connection)
                    .with("--query", "{state:provisioningState,status:connectionStatus}")
                    .text(),
            )],
            "state is Succeeded and status is Connected.".to_owned(),
            vec![Trouble {
                sign: "status stays Unknown for more than ten minutes",
                then: "Look at the circuit and its ARP tables; then call the provider.",
            }],
        ),
        Verification::Tunnel { connection } => (
            way(&["Connections", connection.name(), "Overview"]),
            vec![line(
                about("network vpn-connection show", connection)
                    .with(
                        "--query",
                        "{state:provisioningState,status:connectionStatus,in:ingressBytesTransferred,out:egressBytesTransferred}",
                    )
                    .text(),
            )],
            "state is Succeeded, status is Connected, and in grows while somebody on-premises speaks to a \
             machine behind the gateway."
                .to_owned(),
            vec![
                Trouble {
                    sign: "status stays Connecting or NotConnected",
                    then: "The key, the device's address or the gateway's is wrong at one end, or the device is \
                           down. Ask the on-premises network team what their end of the tunnel says.",
                },
                Trouble {
                    sign: "status is Connected and in stays 0",
                    then: "The device sends nothing into the tunnel: it has no route to these networks, or a rule \
                           against it.",
                },
            ],
        ),
        Verification::Routes { gateway, expect } => (
            way(&["Virtual network gateways", gateway.name(), "BGP peers"]),
            vec![line(
                about("network vnet-gateway list-learned-routes", gateway)
                    .with("--output", "table")
                    .text(),
            )],
            format!("{}, with an AS path that begins with 12076.", covered(expect)),
            vec![Trouble {
                sign: "A prefix is missing",
                then: "On-premises does not advertise it over this circuit. Call the on-premises network \
                       team with the prefix and the circuit.",
            }],
        ),
        Verification::Advertised { gateway, expect } => (
            way(&["Virtual network gateways", gateway.name(), "BGP peers"]),
            vec![
                noted(
                    "For each peer that is connected: what this gateway tells it.",
                    about("network vnet-gateway list-advertised-routes", gateway)
                        .with_variable("--peer", "PEER")
                        .with("--output", "table")
                        .for_each(
                            "PEER",
                            &about("network vnet-gateway list-bgp-peer-status", gateway)
                                .with("--query", "value[?state=='Connected'].neighbor")
                                .with("--output", "tsv"),
                        ),
                ),
            ],
            format!("{}, to each peer; with several circuits on the gateway, to two.", covered(expect)),
            vec![Trouble {
                sign: "A spoke's prefix is missing",
                then: "Its peering does not use the hub's gateway: useRemoteGateways must be true on the \
                       spoke's side and allowGatewayTransit on the hub's.",
            }],
        ),
        Verification::Bgp { gateway, peers_min } => (
            way(&["Virtual network gateways", gateway.name(), "BGP peers"]),
            vec![line(
                about("network vnet-gateway list-bgp-peer-status", gateway)
                    .with("--output", "table")
                    .text(),
            )],
            format!("At least {peers_min} peers of AS 12076 that are Connected."),
            vec![PROVIDER],
        ),
        Verification::Arp { circuit } => (
            way(&["ExpressRoute circuits", circuit.name(), PRIVATE_PEERING, "View ARP records"]),
            both_paths("network express-route list-arp-tables", circuit),
            "One entry of On-Prem and one of Microsoft in each of the two tables.".to_owned(),
            vec![PROVIDER],
        ),
        Verification::CircuitRoutes { circuit, expect, absent, paths } => (
            way(&["ExpressRoute circuits", circuit.name(), PRIVATE_PEERING, "View route table"]),
            both_paths("network express-route list-route-tables", circuit),
            match (expect.as_slice(), absent.as_slice()) {
                (expect, []) => format!("{}, in {}.", covered(expect), tables(*paths)),
                ([], absent) => format!("None of {} in either table.", list(absent)),
                (expect, absent) => format!(
                    "{}, in {}; and none of {} in either.",
                    covered(expect),
                    tables(*paths),
                    list(absent)
                ),
            },
            vec![PROVIDER],
        ),
        Verification::MicrosoftPeering { circuit } => (
            way(&["ExpressRoute circuits", circuit.name(), "MicrosoftPeering"]),
            peering(circuit),
            "state is Enabled, and the advertised public prefixes are Configured.".to_owned(),
            vec![Trouble {
                sign: "The prefixes are ValidationNeeded",
                then: "Azure must check who owns them. Open a case; replication does not start before.",
            }],
        ),
        Verification::HubRoutes { hub, table, expect } => (
            way(&["Virtual WANs", "Hubs", hub.name(), "Effective Routes", table]),
            hubs::effective(hub, table),
            format!(
                "{}, with the next hop type ExpressRouteGateway. What says Remote Hub comes from another hub, \
                 and goes with it.",
                covered(expect)
            ),
            vec![Trouble {
                sign: "A prefix is missing",
                then: "On-premises does not advertise it over this circuit, or the circuit's connection does \
                       not propagate into this table. Show the connection; then call the on-premises network \
                       team with the prefix and the circuit.",
            }],
        ),
        Verification::Absent { resource } => (
            Vec::new(),
            vec![gone(resource)],
            "It is not found: ResourceNotFound.".to_owned(),
            vec![Trouble {
                sign: "It is still there",
                then: "Somebody must remove it first; find out why it was not.",
            }],
        ),
    };
    Guide {
        portal,
        check,
        good,
        wrong,
        undo_note: "Only a look: there is nothing to take back.".to_owned(),
        ..Guide::default()
    }
}

/// Read from the circuit itself: the peering alone would ask for one more right.
fn peering(circuit: &ResourceId) -> Vec<Line> {
    vec![line(
        about("network express-route show", circuit)
            .with(
                "--query",
                "peerings[?name=='MicrosoftPeering'] | [0].{state:state,prefixes:microsoftPeeringConfig.advertisedPublicPrefixesState}",
            )
            .text(),
    )]
}

fn way(places: &[&str]) -> Vec<String> {
    places.iter().map(|place| (*place).to_owned()).collect()
}
