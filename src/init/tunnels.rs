//! What is left when no circuit is? Tunnels of a VPN gateway to the devices that the source's tunnels lead to.

use super::advice::{Advice, Fitness};
use super::draft::{DraftHub, DraftTunnel, TunnelDraft};
use super::estate::KnownEstate;
use super::failback_network::spokes_let_go;
use super::failover_steps::network_steps;
use super::hub_pair::fresh;
use super::pairs::{HubMatch, Pairs};
use super::text::Body;
use super::text::{StepText, expr, prefixes, scalar};
use super::todo::Todo;
use crate::arm::{ConnectionView, kind, read};
use crate::model::ResourceId;

/// Tunnels of a gateway, and what stands for the device of each.
fn tunnels_of<'e>(
    estate: &'e KnownEstate,
    gateway: &'e ResourceId,
) -> impl Iterator<Item = (&'e ResourceId, ResourceId)> {
    estate.of_kind(kind::CONNECTIONS).filter_map(move |(id, body)| {
        let own = ConnectionView::of(body).gateway()? == *gateway;
        let local = read::id_at(body, "/properties/localNetworkGateway2/id")?;
        own.then_some((id, local))
    })
}

pub(super) fn fit(estate: &KnownEstate, pairs: &Pairs) -> Fitness {
    let hubs = pairs.hubs.iter().filter_map(|own| own.hub.source.as_ref());
    let known: Vec<String> = hubs
        .filter_map(|hub| estate.vpn_in(&hub.id))
        .flat_map(|gateway| tunnels_of(estate, &gateway.id).map(|(id, _)| id.name().to_owned()))
        .collect();
    if known.is_empty() {
        return Err(vec![
            "The source has no VPN tunnel whose device and key could be used.".to_owned(),
        ]);
    }
    Ok((
        vec![format!(
            "The source has {} with devices that a tunnel of the target can use.",
            known.join(", ")
        )],
        None,
    ))
}

pub(super) fn draft(
    estate: &KnownEstate,
    advice: &Advice,
    pair: &HubMatch,
    hub_suffix: &str,
    todo: &mut Todo,
) -> TunnelDraft {
    let renaming = &advice.pairs.renaming;
    let hub = &pair.hub.target;
    let source = pair.hub.source.as_ref().and_then(|own| estate.vpn_in(&own.id));
    let there = estate.vpn_in(&hub.id);
    let source_name = source.map_or("vgw", |own| own.id.name());
    let beside =
        |kind: &str, name: &str| fresh(estate, &hub.id, kind, name).unwrap_or(hub.id.clone());
    let gateway = there
        .map_or_else(|| beside(kind::GATEWAYS, &renaming.name(source_name)), |own| own.id.clone());
    let addresses = match there {
        Some(_) => Vec::new(),
        None => ["1", "2"]
            .map(|number| {
                beside(kind::PUBLIC_ADDRESSES, &format!("pip-{}-{number}", gateway.name()))
            })
            .to_vec(),
    };
    let known = source.map(|own| known_tunnels(estate, &own.id)).unwrap_or_default();
    let names: Vec<String> = known.iter().map(|(id, _)| id.name().to_owned()).collect();
    let keys = super::names::keys(&names);
    let mut tunnels = Vec::new();
    for ((id, local), key) in known.iter().zip(keys) {
        let body = estate.bodies.get(local);
        let address = body.and_then(|body| read::text(body, "/properties/gatewayIpAddress"));
        let Some((body, address)) = body.zip(address) else {
            todo.decide(format!(
                "{} has no device that is known: its tunnel is left out.",
                id.name()
            ));
            continue;
        };
        let suffix = if names.len() > 1 { format!("_{key}") } else { String::new() };
        tunnels.push(DraftTunnel {
            suffix: format!("{hub_suffix}{suffix}"),
            id: beside(kind::CONNECTIONS, &renaming.name(id.name())),
            local: beside(kind::LOCAL_GATEWAYS, &renaming.name(local.name())),
            address: address.to_owned(),
            prefixes: read::prefixes(body, "/properties/localNetworkAddressSpace/addressPrefixes"),
            known: id.clone(),
        });
    }
    todo.decide(
        "The tunnel is slower than a circuit and has no agreed bandwidth: decide what is switched off first, \
         such as backups and replication.",
    );
    TunnelDraft {
        gateway,
        exists: there.is_some(),
        sku: sku_like(source.map_or("", |own| own.sku.as_str())),
        addresses,
        tunnels,
    }
}

/// The tunnels of a gateway, each with what stands for its device.
fn known_tunnels(estate: &KnownEstate, gateway: &ResourceId) -> Vec<(ResourceId, ResourceId)> {
    tunnels_of(estate, gateway).map(|(id, local)| (id.clone(), local)).collect()
}

/// At least the size of the source's gateway, in the kind that is spread over zones.
fn sku_like(source: &str) -> String {
    match source {
        own @ ("VpnGw1AZ" | "VpnGw2AZ" | "VpnGw3AZ" | "VpnGw4AZ" | "VpnGw5AZ") => own,
        "VpnGw1" => "VpnGw1AZ",
        "VpnGw3" => "VpnGw3AZ",
        _ => "VpnGw2AZ",
    }
    .to_owned()
}

pub(super) fn steps(hub: &DraftHub, own: &TunnelDraft, body: &mut Body) {
    let s = &hub.suffix;
    let mut needs = Vec::new();
    if hub.gateway.subnet.is_some() {
        needs.push(format!("gateway_subnet{s}"));
    }
    needs.extend(addresses(s, own, &mut body.steps));
    body.steps.push(gateway(hub, own, &needs));
    let connected = own.tunnels.iter().map(|tunnel| connect(s, own, tunnel, &mut body.steps));
    let mut needs: Vec<String> = connected.collect();
    needs.extend(network_steps(hub));
    body.steps.push(
        StepText::new(&format!("answers{s}"), "Somebody on-premises reaches the canary", "approval")
            .needs(&needs)
            .question(
                "The tunnel stands. Does a machine of each on-premises site reach a machine in each spoke, \
                 and does the answer come back?",
            )
            .with("role", "commander")
            .with("expires_after", "2h")
            .say("why", "Connected says that the two ends agree on a key. Only traffic says that it flows."),
    );
}

/// The public addresses of a gateway that is to be made; which steps make them.
fn addresses(s: &str, own: &TunnelDraft, steps: &mut Vec<StepText>) -> Vec<String> {
    let mut needs = Vec::new();
    for (number, id) in own.addresses.iter().enumerate() {
        let name = format!("address{}{s}", number + 1);
        steps.push(
            StepText::new(
                &name,
                &format!("Public address {} of the VPN gateway", number + 1),
                "public_ip.ensure",
            )
            .with("name", scalar(id.as_str()))
            .with("location", expr("params.location"))
            .with("zones", "[\"1\", \"2\", \"3\"]"),
        );
        needs.push(name);
    }
    needs
}

/// The VPN gateway: made, or there and asked for.
fn gateway(hub: &DraftHub, own: &TunnelDraft, needs: &[String]) -> StepText {
    let s = &hub.suffix;
    if own.exists {
        StepText::new(&format!("gateway{s}"), "The VPN gateway has had its yes", "wait")
            .needs(&["go_ahead"])
            .with("duration", "1s")
    } else {
        let names: Vec<String> = own.addresses.iter().map(|id| scalar(id.name())).collect();
        StepText::new(
                &format!("gateway{s}"),
                &format!("VPN gateway in {}", hub.hub.id.name()),
                "vpn_gateway.ensure",
            )
            .needs(needs)
            .with("name", scalar(own.gateway.name()))
            .with("vnet", expr(&format!("params.hub{s}")))
            .with("location", expr("params.location"))
            .with("sku", own.sku.clone())
            .with("public_ips", format!("[{}]", names.join(", ")))
            .is("timeout", "90m")
            .say(
                "why",
                "It takes longest and is begun at once, beside the question: a gateway without a tunnel \
                 changes nothing for anybody.",
            )
            .say("looks_good", "provisioningState Succeeded after 17 to 45 minutes.")
            .say(
                "call",
                "Azure support, severity A, when it is not done after 60 minutes. Do not start a second one.",
            )
    }
}

/// One tunnel with what stands for its device; the step that sees it stand.
fn connect(s: &str, own: &TunnelDraft, tunnel: &DraftTunnel, steps: &mut Vec<StepText>) -> String {
    let t = &tunnel.suffix;
    steps.push(
        StepText::new(
            &format!("device{t}"),
            &format!("What stands for the device at {}", tunnel.address),
            "local_network_gateway.ensure",
        )
        .with("name", scalar(tunnel.local.as_str()))
        .with("location", expr("params.location"))
        .with("address", scalar(&tunnel.address))
        .with("prefixes", prefixes(&tunnel.prefixes)),
    );
    steps.push(
            StepText::new(
                &format!("tunnel{t}"),
                &format!("Tunnel to the device at {}", tunnel.address),
                "vpn_connection.ensure",
            )
            .needs(&[format!("gateway{s}"), format!("device{t}"), "go_ahead".to_owned()])
            .with("name", scalar(tunnel.id.as_str()))
            .with("location", expr("params.location"))
            .with("gateway", scalar(own.gateway.as_str()))
            .with("local_gateway", expr(&format!("steps.device{t}.id")))
            .with("shared_key_of", scalar(tunnel.known.as_str()))
            .say(
                "why",
                "The device knows the source's key; the same one is read from there when it is needed, and \
                 written down nowhere.",
            ),
        );
    steps.push(
        StepText::new(
            &format!("connected{t}"),
            "The tunnel is Connected, and traffic comes in through it",
            "verify.tunnel",
        )
        .needs(&[format!("tunnel{t}")])
        .with("connection", expr(&format!("steps.tunnel{t}.id")))
        .say("call", "The on-premises network team; they see the other end of the tunnel."),
    );
    format!("connected{t}")
}

pub(super) fn steps_home(hub: &DraftHub, own: &TunnelDraft, body: &mut Body) -> Vec<String> {
    let mut gone = Vec::new();
    for tunnel in &own.tunnels {
        let t = &tunnel.suffix;
        let name = format!("tunnel_gone{t}");
        body.steps.push(
            StepText::new(
                &name,
                &format!("{} is removed", tunnel.id.name()),
                "vpn_connection.remove",
            )
            .needs(&["go_ahead"])
            .with("id", tunnel.id.as_str())
            .with("gateway", own.gateway.as_str())
            .with("shared_key_of", tunnel.known.as_str()),
        );
        body.steps.push(
            StepText::new(
                &format!("device_gone{t}"),
                &format!("{} is removed", tunnel.local.name()),
                "local_network_gateway.remove",
            )
            .needs(std::slice::from_ref(&name))
            .with("id", tunnel.local.as_str()),
        );
        gone.push(name);
    }
    if !own.exists {
        gateway_gone(hub, own, &gone, &mut body.steps);
    }
    gone
}

/// The gateway that the failover made goes, and its addresses after it.
fn gateway_gone(hub: &DraftHub, own: &TunnelDraft, gone: &[String], steps: &mut Vec<StepText>) {
    let s = &hub.suffix;
    let mut needs = gone.to_vec();
    needs.extend(spokes_let_go(hub));
    for table in hub.tables.iter().filter(|own| own.gateway_subnet.is_some()) {
        needs.push(format!("{}_off_gateway{s}", table.key));
    }
    steps.push(
            StepText::new(
                &format!("gateway_gone{s}"),
                &format!("{} is removed", own.gateway.name()),
                "vpn_gateway.remove",
            )
            .needs(&needs)
            .with("id", own.gateway.as_str())
            .is("timeout", "60m")
            .say(
                "why",
                "Leave it out to keep the gateway for the next time: it costs by the hour, and the next \
                 failover is shorter by 17 to 45 minutes.",
            ),
        );
    for (number, id) in own.addresses.iter().enumerate() {
        steps.push(
            StepText::new(
                &format!("address_gone{}{s}", number + 1),
                &format!("{} is removed", id.name()),
                "public_ip.remove",
            )
            .needs(&[format!("gateway_gone{s}")])
            .with("id", id.as_str()),
        );
    }
}
