//! How are routes, security groups, DNS servers and tiers set by hand? Each noted first, then changed.

use super::before::{self, KeptBody};
use super::ensure::{said, tags, way};
use super::{Guide, Line, Trouble, about, line, make, noted, parent_name, within};
use crate::model::action::{
    CircuitTier, DnsServers, NextHop, RouteTable, SecurityGroupUse, TableRoute,
};
use crate::model::{ResourceId, action::Destination};

/// The commands that make one route; a firewall's address is read first.
fn add_route(
    table: &ResourceId,
    name: &str,
    prefix: &Destination,
    hop: &NextHop,
    act: &mut Vec<Line>,
) {
    let add = within("network route-table route create", table)
        .with("--route-table-name", table.name())
        .with("--name", name)
        .with("--address-prefix", prefix.to_string());
    let add = match hop {
        NextHop::Appliance(address) => add
            .with("--next-hop-type", "VirtualAppliance")
            .with("--next-hop-ip-address", address.to_string()),
        NextHop::Firewall(id) => {
            let read = about("resource show", id)
                .with("--query", "properties.ipConfigurations[0].properties.privateIPAddress")
                .with("--output", "tsv")
                .kept_in("FIREWALL");
            act.push(noted("The firewall's own address is its private one.", read));
            add.with("--next-hop-type", "VirtualAppliance")
                .with_variable("--next-hop-ip-address", "FIREWALL")
        }
        NextHop::VnetLocal => add.with("--next-hop-type", "VnetLocal"),
        NextHop::Internet => add.with("--next-hop-type", "Internet"),
        NextHop::None => add.with("--next-hop-type", "None"),
    };
    act.push(line(add.text()));
}

pub(super) fn route_table(spec: &RouteTable) -> Guide {
    let id = &spec.id;
    let create = make("network route-table create", id)
        .with("--location", spec.location.as_str())
        .with_all(
            "--disable-bgp-route-propagation",
            said(spec.propagate_gateway_routes.map(|on| !on)),
        )
        .with_all("--tags", tags(&spec.tags));
    let before = KeptBody::new(id);
    let mut act = vec![before.keep(), line(create.text())];
    for route in &spec.routes {
        add_route(id, &route.name, &route.prefix, &route.next_hop, &mut act);
    }
    Guide {
        portal: way(&["Route tables", "Create", id.name()]),
        act,
        check: vec![line(
            within("network route-table route list", id)
                .with("--route-table-name", id.name())
                .with("--output", "table")
                .text(),
        )],
        good: match spec.routes.len() {
            0 => "The table is there and has no route.".to_owned(),
            1 => "Exactly one route, as above.".to_owned(),
            n => format!("Exactly {n} routes, as above."),
        },
        wrong: vec![Trouble {
            sign: "There are routes that are not in this list",
            then: "This runbook means exactly these. Note the others, ask who made them, remove them.",
        }],
        undo: vec![before.restore(&about("network route-table delete", id))],
        undo_note: "Only after no subnet uses it.".to_owned(),
    }
}

pub(super) fn route(spec: &TableRoute) -> Guide {
    let id = &spec.id;
    let table = id.parent().unwrap_or_else(|| id.clone());
    let show = about("network route-table route show", id)
        .with("--query", "{prefix:addressPrefix,hop:nextHopType,address:nextHopIpAddress}");
    let before = KeptBody::new(id);
    let mut act = vec![before.keep()];
    add_route(&table, id.name(), &spec.prefix, &spec.next_hop, &mut act);
    Guide {
        portal: way(&["Route tables", table.name(), "Routes", "Add", id.name()]),
        act,
        check: vec![line(show.text())],
        good: format!("prefix is {}; hop and address are as above.", spec.prefix),
        wrong: vec![Trouble {
            sign: "Machines are unreachable afterwards",
            then: "The route sends their traffic to what is not up. Bring that up, or take this back.",
        }],
        undo: vec![before.restore(&about("network route-table route delete", id))],
        undo_note: "The table's other routes stay as they are.".to_owned(),
    }
}

pub(super) fn security_group(spec: &SecurityGroupUse) -> Guide {
    let vnet = parent_name(&spec.subnet);
    let show = about("network vnet subnet show", &spec.subnet)
        .with("--query", "networkSecurityGroup.id")
        .with("--output", "tsv");
    let file = before::file(&spec.subnet, "nsg.txt");
    let group = &spec.security_group;
    let update = || about("network vnet subnet update", &spec.subnet);
    let attach = update().with("--network-security-group", group.as_str());
    let detach = update().with("--remove", "networkSecurityGroup");
    let name = group.name();
    let (act, undo, good) = if spec.used {
        let old = format!("{} \\\n  --network-security-group \"$(cat {file})\"", update().text());
        let undo = before::either(&file, &old, &detach.text());
        let undo = noted("The group that it used before, or none.", undo);
        (line(attach.text()), undo, format!("The answer ends with {name}."))
    } else {
        let act = before::only_of(&file, group, &detach);
        let act = noted("Only where it is this group; another one stays.", act);
        let undo = before::only_of(&file, group, &attach);
        let undo = noted("Only where it was this group.", undo);
        (act, undo, format!("The answer is empty, or not {name}."))
    };
    Guide {
        portal: way(&[
            "Virtual networks",
            &vnet,
            "Subnets",
            spec.subnet.name(),
            "Network security group",
        ]),
        act: vec![before::keep(&file, &show), act],
        check: vec![line(show.text())],
        good,
        wrong: vec![Trouble {
            sign: "Machines of the subnet are unreachable afterwards",
            then: "A rule of the group denies what they need. Show its rules, or take this step back.",
        }],
        undo: vec![undo],
        undo_note: "The subnet's traffic is filtered as it was before.".to_owned(),
    }
}

pub(super) fn dns(spec: &DnsServers) -> Guide {
    let id = &spec.id;
    let show = about("network vnet show", id).with("--query", "dhcpOptions.dnsServers");
    let servers: Vec<String> = spec.servers.iter().map(ToString::to_string).collect();
    let file = before::file(id, "dns.txt");
    let kept = about("network vnet show", id)
        .with("--query", "dhcpOptions.dnsServers[]")
        .with("--output", "tsv");
    let update = || about("network vnet update", id);
    // An empty value sets Azure's own again.
    let none = update().with("--dns-servers", "");
    let to_old = format!("{} \\\n  --dns-servers $(cat {file})", update().text());
    let undo = before::either(&file, &to_old, &none.text());
    let update =
        if servers.is_empty() { none } else { update().with_all("--dns-servers", servers.clone()) };
    Guide {
        portal: way(&["Virtual networks", id.name(), "DNS servers"]),
        act: vec![before::keep(&file, &kept), line(update.text())],
        check: vec![line(show.text())],
        good: match servers.as_slice() {
            [] => "The list is empty: Azure's own.".to_owned(),
            servers => format!("The list is {}, in this order.", servers.join(", ")),
        },
        wrong: vec![Trouble {
            sign: "A machine still asks the old servers",
            then: "It asks the new ones when its lease is renewed: restart it, or renew the lease on it.",
        }],
        undo: vec![noted("The servers that it had before, or Azure's own.", undo)],
        undo_note: "Machines follow at their next lease or start.".to_owned(),
    }
}

pub(super) fn tier(spec: &CircuitTier) -> Guide {
    let id = &spec.id;
    let show = about("network express-route show", id)
        .with("--query", "{state:provisioningState,tier:sku.tier,family:sku.family}");
    let file = before::file(id, "tier.txt");
    let kept =
        about("network express-route show", id).with("--query", "sku.tier").with("--output", "tsv");
    let back = about("network express-route update", id).text();
    let back = format!("{back} \\\n  --sku-tier {}", before::row(&file, 1));
    Guide {
        portal: way(&["ExpressRoute circuits", id.name(), "Configuration", "SKU"]),
        act: vec![
            before::keep(&file, &kept),
            noted("If it reaches as far already, there is nothing to do.", show.text()),
            line(
                about("network express-route update", id)
                    .with("--sku-tier", spec.at_least.as_str())
                    .text(),
            ),
        ],
        check: vec![line(show.text())],
        good: format!("state is Succeeded and tier is {} or more.", spec.at_least.as_str()),
        wrong: vec![Trouble {
            sign: "The provider manages the circuit's peering",
            then: "Do not write the circuit: ask the provider to raise its tier.",
        }],
        undo: vec![noted("Only once nothing needs what it reaches.", back)],
        undo_note: "Azure refuses a lower tier while connections or routes need the higher one."
            .to_owned(),
    }
}
