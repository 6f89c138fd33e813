//! What does a hub of the target need? The steps that make it, and those that prove it.

use super::abroad;
use super::draft::{Draft, DraftHop, DraftHub, DraftKey, DraftLink, DraftSpoke, DraftTable};
use super::spokes_text::flag_text;
use super::text::{StepText, expr, prefixes, rows, scalar};

pub(super) fn gateway(hub: &DraftHub, steps: &mut Vec<StepText>) {
    let s = &hub.suffix;
    if hub.gateway.subnet.is_some() {
        steps.push(
            StepText::new(
                &format!("gateway_subnet{s}"),
                &format!("GatewaySubnet in {}", hub.hub.id.name()),
                "subnet.ensure",
            )
            .with("vnet", expr(&format!("params.hub{s}")))
            .with("name", "GatewaySubnet")
            .with("prefix", expr(&format!("params.gateway_subnet{s}")))
            .say("looks_good", "The subnet exists, with no network security group on it."),
        );
    }
    if hub.gateway.exists || hub.tunnels.is_some() {
        return;
    }
    let mut step = StepText::new(
        &format!("gateway{s}"),
        &format!("ExpressRoute gateway in {}", hub.hub.id.name()),
        "gateway.ensure",
    );
    if hub.gateway.subnet.is_some() {
        step = step.needs(&[format!("gateway_subnet{s}")]);
    }
    step = step
        .with("name", scalar(hub.gateway.id.name()))
        .with("vnet", expr(&format!("params.hub{s}")))
        .with("location", expr("params.location"))
        .with("sku", expr(&format!("params.gateway_sku{s}")));
    if let Some((min, max)) = hub.gateway.autoscale {
        step = step.with("autoscale", format!("{{ min: {min}, max: {max} }}"));
    }
    steps.push(
        step.is("timeout", "90m")
            .say(
                "why",
                "Nothing can be connected without it, and nothing takes longer. It is begun at once, beside \
                 the checks and the approval: a gateway without a connection changes nothing for anybody.",
            )
            .say("looks_good", "provisioningState Succeeded after 15 to 45 minutes.")
            .say(
                "call",
                "Azure support, severity A, when it is not done after 60 minutes. Do not start a second one.",
            ),
    );
}

/// The gateway's id, as steps name it.
pub(super) fn gateway_id(hub: &DraftHub) -> String {
    if hub.gateway.exists {
        expr(&format!("params.gateway{}", hub.suffix))
    } else {
        expr(&format!("steps.gateway{}.id", hub.suffix))
    }
}

pub(super) fn authorization(link: &DraftLink, steps: &mut Vec<StepText>) {
    let DraftKey::Made(name) = &link.key else { return };
    steps.push(
        StepText::new(
            &format!("authorization{}", link.suffix),
            &format!("Authorization on {}", link.circuit.name()),
            "authorization.ensure",
        )
        .with("circuit", expr(&format!("params.circuit{}", link.suffix)))
        .with("name", scalar(name))
        .say(
            "why",
            "The circuit is in another subscription; the key of an authorization lets our gateway connect to \
             it. The key is read when it is needed and is written down nowhere.",
        ),
    );
}

/// The authorization of a connection, as its step names it.
pub(super) fn key_id(link: &DraftLink) -> Option<String> {
    match &link.key {
        DraftKey::None => None,
        DraftKey::Made(_) => Some(expr(&format!("steps.authorization{}.id", link.suffix))),
        DraftKey::There(name) => {
            Some(format!("\"${{params.circuit{}}}/authorizations/{name}\"", link.suffix))
        }
    }
}

pub(super) fn connection(
    draft: &Draft,
    hub: &DraftHub,
    link: &DraftLink,
    steps: &mut Vec<StepText>,
) {
    let mut needs = Vec::new();
    if !hub.gateway.exists {
        needs.push(format!("gateway{}", hub.suffix));
    }
    if matches!(link.key, DraftKey::Made(_)) {
        needs.push(format!("authorization{}", link.suffix));
    }
    needs.push("go_ahead".to_owned());
    if link.removed.is_some() {
        // Networks of one circuit leave it before any of the target's comes.
        let all = draft.hubs.iter().flat_map(|hub| &hub.links);
        let same = all.filter(|own| own.circuit == link.circuit && own.removed.is_some());
        needs.extend(same.map(|own| format!("left{}", own.suffix)));
        needs.push("source_dead".to_owned());
    }
    if !draft.moved.is_empty() {
        needs.push("not_heard".to_owned());
    }
    let title = match link.before {
        Some(_) => format!("{} is the preferred one", link.id.name()),
        None => format!("Connection of {} to {}", hub.hub.id.name(), link.circuit.name()),
    };
    let mut step =
        StepText::new(&format!("connection{}", link.suffix), &title, "connection.ensure")
            .needs(&needs)
            .with("name", scalar(link.id.as_str()))
            .with("location", expr("params.location"))
            .with("gateway", gateway_id(hub))
            .with("circuit", expr(&format!("params.circuit{}", link.suffix)));
    if let Some(key) = key_id(link) {
        step = step.with("authorization", key);
    }
    if link.fast_path {
        step = step.with("fast_path", "true");
    }
    steps.push(
        step.with("routing_weight", link.weight.to_string())
            .is("timeout", "30m")
            .say("why", "This is the moment at which on-premises begins to hear the target's networks.")
            .say(
                "looks_good",
                "Succeeded within minutes, and Connected soon after. Neither proves that traffic flows.",
            ),
    );
}

pub(super) fn peerings(hub: &DraftHub, steps: &mut Vec<StepText>) {
    if hub.spokes.is_empty() {
        return;
    }
    let s = &hub.suffix;
    let all: Vec<&DraftSpoke> = hub.spokes.iter().collect();
    let mut out = StepText::new(
        &format!("hub_to_spoke{s}"),
        "Peering from the hub to ${each.key}",
        "peering.ensure",
    )
    .is("each", &expr(&format!("params.spokes{s}")));
    if hub.gateway.exists {
        // With a gateway that is connected already, a peering is heard of at once.
        out = out.needs(&["go_ahead"]);
    }
    steps.push(
        out.with("vnet", expr(&format!("params.hub{s}")))
            .with("name", expr("each.value.hub_side"))
            .with("remote", expr("each.value.vnet"))
            .with("allow_forwarded_traffic", flag_text(&all, "hub_forwards"))
            .with("allow_gateway_transit", flag_text(&all, "hub_lends"))
            .say("why", "The hub's side goes first; it lends its gateway to the spoke."),
    );
    let mut needs = vec![format!("hub_to_spoke{s}.${{each.key}}")];
    needs.extend(abroad::let_go(hub, steps));
    if !hub.gateway.exists {
        needs.insert(0, format!("gateway{s}"));
    }
    steps.push(
        StepText::new(
            &format!("spoke_to_hub{s}"),
            "Peering from ${each.key} to the hub",
            "peering.ensure",
        )
        .is("each", &expr(&format!("params.spokes{s}")))
        .needs(&needs)
        .with("vnet", expr("each.value.vnet"))
        .with("name", expr("each.value.spoke_side"))
        .with("remote", expr(&format!("params.hub{s}")))
        .with("allow_forwarded_traffic", flag_text(&all, "spoke_forwards"))
        .with("use_remote_gateways", flag_text(&all, "uses_gateway"))
        .say(
            "why",
            "A spoke whose peering does not use the hub's gateway is not advertised to on-premises: it would \
             be silently unreachable. Azure refuses the flag until the gateway exists.",
        )
        .say("looks_good", "peeringState Connected, peeringSyncLevel FullyInSync, on both sides."),
    );
}

pub(super) fn route_table(hub: &DraftHub, table: &DraftTable, steps: &mut Vec<StepText>) {
    let s = &hub.suffix;
    let name = format!("{}{s}", table.key);
    let mut needs = Vec::new();
    let id = if table.exists {
        scalar(table.id.as_str())
    } else {
        needs.push(name.clone());
        made_table(table, &name, steps)
    };
    if !table.subnets.is_empty() {
        let mut step = StepText::new(
            &format!("{}_used{s}", table.key),
            &format!("Subnet ${{each.key}} uses {}", table.id.name()),
            "route_table.associate",
        )
        .is("each", &expr(&format!("params.{}_subnets{s}", table.key)))
        .needs(&needs);
        step = step.with("subnet", expr("each.value.subnet")).with("route_table", id.clone());
        steps.push(step);
    }
    if let Some(subnet) = &table.gateway_subnet {
        if hub.tunnels.is_some() || !hub.gateway.exists {
            needs.push(format!("gateway{s}"));
        }
        steps.push(
            StepText::new(
                &format!("{}_of_gateway{s}", table.key),
                &format!("The GatewaySubnet uses {}", table.id.name()),
                "route_table.associate",
            )
            .needs(&needs)
            .with("subnet", scalar(subnet.as_str()))
            .with("route_table", id)
            .say("why", "What comes in from on-premises passes the firewall too."),
        );
    }
}

/// Makes a table; how other steps name it.
fn made_table(table: &DraftTable, name: &str, steps: &mut Vec<StepText>) -> String {
    let all: Vec<Vec<(&str, String)>> = table
        .routes
        .iter()
        .map(|own| {
            let hop = match &own.hop {
                DraftHop::Text(text) => ("next_hop", scalar(text)),
                DraftHop::Firewall(id) => ("firewall", scalar(id.as_str())),
            };
            vec![("name", scalar(&own.name)), ("prefix", quoted(&own.prefix)), hop]
        })
        .collect();
    let mut step =
        StepText::new(name, &format!("Route table {}", table.id.name()), "route_table.ensure")
            .with("name", scalar(table.id.as_str()))
            .with("location", expr("params.location"))
            .with("routes", rows(&all, 8).trim_start_matches(' ').to_owned());
    if table.keeps_out {
        step = step.with("propagate_gateway_routes", "false");
    }
    steps.push(step.say(
            "why",
            "The same routes as at the source, with the target's addresses where those differ. The appliance \
             must be up before subnets use it.",
        ));
    expr(&format!("steps.{name}.id"))
}

fn quoted(prefix: &str) -> String {
    if prefix.contains(':') { format!("\"{prefix}\"") } else { scalar(prefix) }
}

/// Steps after which packets find every spoke.
pub(super) fn network_steps(hub: &DraftHub) -> Vec<String> {
    let mut all = Vec::new();
    if !hub.spokes.is_empty() {
        all.push(format!("spoke_to_hub{}", hub.suffix));
    }
    for table in &hub.tables {
        if !table.subnets.is_empty() {
            all.push(format!("{}_used{}", table.key, hub.suffix));
        }
        if table.gateway_subnet.is_some() {
            all.push(format!("{}_of_gateway{}", table.key, hub.suffix));
        }
    }
    all
}

pub(super) fn proof(hub: &DraftHub, steps: &mut Vec<StepText>) {
    if hub.links.is_empty() {
        return;
    }
    let s = &hub.suffix;
    let mut connected = Vec::new();
    for link in &hub.links {
        let name = format!("connected{}", link.suffix);
        steps.push(
            StepText::new(&name, &format!("{} is Connected", link.id.name()), "verify.connection")
                .needs(&[format!("connection{}", link.suffix)])
                .with("connection", expr(&format!("steps.connection{}.id", link.suffix))),
        );
        connected.push(name);
    }
    steps.push(
        StepText::new(
            &format!("bgp_up{s}"),
            "Every BGP session of the gateway stands",
            "verify.bgp",
        )
        .needs(&connected)
        .with("gateway", gateway_id(hub))
        .with("peers_min", (2 * hub.links.len()).to_string())
        .say("looks_good", "Two peers of AS 12076 for each connection, all Connected."),
    );
    let proven = gateway_proof(hub, steps);
    for link in &hub.links {
        circuit_proof(hub, link, &proven, steps);
    }
}

/// The gateway learns what on-premises has and tells it what Azure has; which steps see that.
fn gateway_proof(hub: &DraftHub, steps: &mut Vec<StepText>) -> Vec<String> {
    let s = &hub.suffix;
    let mut proven = Vec::new();
    if !hub.onprem.is_empty() {
        let name = format!("routes_learned{s}");
        steps.push(
            StepText::new(&name, "On-premises prefixes are learned", "verify.routes")
                .needs(&[format!("bgp_up{s}")])
                .with("gateway", gateway_id(hub))
                .with("expect", expr(&format!("params.onprem_prefixes{s}")))
                .say("why", "Succeeded does not mean that traffic flows; learned routes do.")
                .say(
                    "looks_good",
                    "Each on-premises prefix, with an AS path that begins with 12076.",
                )
                .say(
                    "call",
                    "The on-premises network team, if a prefix is missing; they advertise it.",
                ),
        );
        proven.push(name);
    }
    let name = format!("routes_advertised{s}");
    let mut needs = vec![format!("bgp_up{s}")];
    needs.extend(network_steps(hub));
    steps.push(
        StepText::new(&name, "Hub and spokes are advertised to on-premises", "verify.advertised")
            .needs(&needs)
            .with("gateway", gateway_id(hub))
            .with("expect", expr(&format!("params.azure_prefixes{s}")))
            .say(
                "looks_good",
                "The hub's prefix and each spoke's, to each peer. A missing spoke does not use the gateway.",
            ),
    );
    proven.push(name);
    proven
}

/// The circuit carries both sides.
fn circuit_proof(hub: &DraftHub, link: &DraftLink, proven: &[String], steps: &mut Vec<StepText>) {
    let s = &hub.suffix;
    let expect = if link.onprem == hub.onprem && !hub.onprem.is_empty() {
        expr(&format!("params.onprem_prefixes{s} + params.azure_prefixes{s}"))
    } else {
        let mut all = link.onprem.clone();
        all.extend(hub.azure.iter().copied());
        prefixes(&all)
    };
    steps.push(
        StepText::new(
            &format!("circuit_routes{}", link.suffix),
            &format!("{} carries both sides", link.circuit.name()),
            "verify.circuit_routes",
        )
        .needs(proven)
        .with("circuit", expr(&format!("params.circuit{}", link.suffix)))
        .with("expect", expect)
        .with("paths", "any")
        .say(
            "why",
            "The last proof from Azure's side; the way back is seen only from on-premises. A path without a \
             session is left out: one is enough to recover.",
        )
        .say(
            "looks_good",
            "Every prefix in the table of each path that has a session. Then ping the canary from an \
             on-premises machine.",
        ),
    );
}
