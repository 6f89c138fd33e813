//! Which rules are there? One file a family; each rule a record and a function.

mod address_holders;
mod addresses;
mod answers;
pub(super) mod appliances;
pub(super) mod arrivals;
mod at_work;
pub(super) mod card_settings;
mod circuit;
mod connections;
mod denials;
mod expected;
pub(super) mod firewall_hops;
mod fixed;
mod gateway;
mod gateway_addresses;
mod gateway_room;
mod gateway_subnet;
pub(super) mod guards;
mod hub_kept;
mod hub_member;
mod hub_routes;
pub(super) mod hub_tables;
pub(super) mod hubs;
pub(super) mod limits;
mod machines;
mod multi_homed;
mod peerings;
mod policy;
mod policy_changes;
mod programs;
mod raises;
mod references;
mod region;
mod remote_networks;
mod removals;
pub(super) mod replication;
mod resizes;
pub(super) mod resolvers;
pub(super) mod rights;
mod route_maps;
mod routes;
pub(super) mod secrets;
pub(super) mod sides;
pub(super) mod steering;
mod subnet_peerings;
mod subnet_services;
mod subnets;
pub(super) mod tables;
mod traffic;
mod vpn;
mod ways;

use super::rule::Rule;

/// A family: its name, what it is about, and its rules.
pub type RuleFamily = (&'static str, &'static str, &'static [Rule]);

/// The families, in the order in which they are judged.
pub const FAMILIES: &[RuleFamily] = &[
    ("circuit", "The circuit itself, and how far it reaches.", circuit::RULES),
    ("routes", "The circuit's peerings and what they carry.", routes::RULES),
    ("routes expected", "What verifications wait for.", expected::RULES),
    ("addresses", "Address spaces that meet.", addresses::RULES),
    ("subnets", "Subnets, and what they are given.", subnets::RULES),
    (
        "subnets of services",
        "Subnets of Azure's services, and what they are given.",
        subnet_services::RULES,
    ),
    ("gateway subnet", "The subnets that gateways stand in.", gateway_subnet::RULES),
    ("gateway", "Gateways.", gateway::RULES),
    ("gateway sizes", "Gateways that are made larger, and the way back.", resizes::RULES),
    (
        "gateway addresses",
        "Public addresses that gateways are made with.",
        gateway_addresses::RULES,
    ),
    ("gateways kept", "Gateways that Azure does not let go.", multi_homed::RULES),
    ("gateway room", "Room for one circuit more.", gateway_room::RULES),
    (
        "networks on a circuit",
        "Networks that talk to each other over a circuit.",
        remote_networks::RULES,
    ),
    ("connections", "Connections and authorizations.", connections::RULES),
    ("ways", "Ways to on-premises that stand, and what is put on them or taken off.", ways::RULES),
    ("vpn", "VPN gateways, tunnels, and what is behind them.", vpn::RULES),
    ("hubs", "Hubs of a virtual WAN, and what is connected to them.", hubs::RULES),
    ("hub members", "Networks that are to be connected to hubs.", hub_member::RULES),
    ("hub tables", "Route tables of hubs, and what they name.", hub_tables::RULES),
    ("hub routes", "Static routes of hubs' tables.", hub_routes::RULES),
    ("hub maps", "Route maps of hubs.", route_maps::RULES),
    ("peerings", "Virtual network peerings and route tables.", peerings::RULES),
    ("routes written", "Route tables and routes that the runbook writes.", tables::RULES),
    ("firewall hops", "Firewalls that routes name by their address.", firewall_hops::RULES),
    ("route tables", "What route tables do to traffic with on-premises.", traffic::RULES),
    ("security groups", "What security groups do to traffic with on-premises.", guards::RULES),
    ("machines", "Recovery plans of Site Recovery, and the machines in them.", machines::RULES),
    (
        "arrivals",
        "Where machines come up, and what their recovery plans wait for.",
        arrivals::RULES,
    ),
    (
        "machines' settings",
        "What machines come up with: what their network settings name, and their recovery points.",
        card_settings::RULES,
    ),
    ("replication", "Copies of tests, and the way home.", replication::RULES),
    ("names", "Names and traffic managers: where clients are sent.", steering::RULES),
    ("region", "Regions and resource groups.", region::RULES),
    ("what stands", "What stands already, and as it was made for good.", fixed::RULES),
    ("references", "What steps name and do not make.", references::RULES),
    ("removals", "What is removed while something uses it.", removals::RULES),
    ("states", "What has failed, and what somebody else is changing.", at_work::RULES),
    ("rights", "Locks and rights.", rights::RULES),
    ("deny assignments", "What goes before every right.", denials::RULES),
    ("answers", "What Azure answers, and no waiting mends.", answers::RULES),
    ("limits", "Room for what is made, and who else is at work.", limits::RULES),
    ("policy", "Policies that deny what the run writes.", policy::RULES),
    ("policy changes", "Policies that change what the run writes.", policy_changes::RULES),
    ("secrets", "The secrets that steps send.", secrets::RULES),
    ("programs", "The programs of this host that steps run.", programs::RULES),
];
