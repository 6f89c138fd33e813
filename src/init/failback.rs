//! How does the way home read? What the failover made is taken back, and what it changed is as it was.

use ipnet::IpNet;

use super::draft::{Draft, DraftHub, DraftKey, DraftLink, DraftSpoke, made};
use super::estate::CircuitLink;
use super::failback_network::network_gone;
use super::spokes_text::{spokes_param, subnets_param};
use super::strategy::Strategy;
use super::text::Body;
use super::text::{ParamText, StepText, expr, prefixes, scalar};
use super::{follows, machines, others, tunnels};
use crate::arm::kind;
use crate::model::ResourceId;

/// The failback of hubs and spokes.
pub(super) fn body(draft: &Draft) -> Body {
    let mut body = Body::default();
    for hub in &draft.hubs {
        params(draft, hub, &mut body.params);
    }
    let swap = draft.strategy == Strategy::SameCircuitSwap;
    let mut back = Vec::new();
    if !swap {
        for hub in &draft.hubs {
            back.extend(source_learns(hub, "", &[], &mut body.steps));
        }
    }
    let home = machines::machines_home(draft, &back, &mut body.steps);
    go_ahead(draft, &home, &mut body.steps);
    for hub in &draft.hubs {
        for link in &hub.links {
            disconnect(draft, hub, link, &mut body.steps);
        }
    }
    others::site_returns(draft, &mut body.steps);
    let mut carried = vec!["go_ahead".to_owned()];
    for hub in &draft.hubs {
        let mut gone = Vec::new();
        if swap {
            gone = return_home(draft, hub, &mut body.steps);
        } else {
            gone.extend(hub.links.iter().map(|link| format!("cut{}", link.suffix)));
            for link in hub.links.iter().filter(|own| own.before.is_none()) {
                gone.push(format!("forgotten{}", link.suffix));
            }
            gone.extend(home_carries(hub, &mut body.steps));
        }
        if let Some(own) = &hub.tunnels {
            gone = tunnels::steps_home(hub, own, &mut body);
        }
        for link in &hub.links {
            authorization_gone(link, &gone, &mut body.steps);
        }
        carried.extend(gone.iter().cloned());
        let network = network_gone(hub, &gone, &mut body);
        gateway_gone(hub, &gone, &network, &mut body.steps);
    }
    follows::return_home(draft, &carried, &mut body.steps);
    body
}

/// The gateway and its subnet, where the failover made them.
fn gateway_gone(hub: &DraftHub, gone: &[String], network: &[String], steps: &mut Vec<StepText>) {
    let s = &hub.suffix;
    if !hub.gateway.exists && hub.tunnels.is_none() {
        steps.push(
                StepText::new(
                    &format!("gateway_gone{s}"),
                    &format!("{} is removed", hub.gateway.id.name()),
                    "gateway.remove",
                )
                .needs(if network.is_empty() { gone } else { network })
                .with("id", hub.gateway.id.as_str())
                .is("timeout", "60m")
                .say(
                    "why",
                    "Leave it out to keep the gateway: the next failover is then shorter by 15 to 45 minutes, \
                     and it costs by the hour.",
                ),
            );
    }
    if hub.gateway.subnet.is_some() {
        steps.push(
            StepText::new(
                &format!("gateway_subnet_gone{s}"),
                "Its GatewaySubnet is removed",
                "subnet.remove",
            )
            .needs(&[format!("gateway_gone{s}")])
            .with("id", format!("\"${{params.hub{s}}}/subnets/GatewaySubnet\"")),
        );
    }
}

fn params(draft: &Draft, hub: &DraftHub, params: &mut Vec<ParamText>) {
    let s = &hub.suffix;
    params.push(ParamText::id(
        &format!("hub{s}"),
        kind::NETWORKS,
        "The hub of the target region.",
        hub.hub.id.as_str(),
    ));
    for link in &hub.links {
        params.push(ParamText::id(
            &format!("circuit{}", link.suffix),
            kind::CIRCUITS,
            "The circuit that the target used.",
            link.circuit.as_str(),
        ));
    }
    let made: Vec<&DraftSpoke> = hub.spokes.iter().filter(|own| made(own)).collect();
    params.extend(spokes_param(hub, &made, "spokes"));
    for table in hub.tables.iter().filter(|own| !own.subnets.is_empty()) {
        params.push(subnets_param(hub, table));
    }
    for (name, what, all) in [
        ("onprem_prefixes", "What the source must learn from on-premises.", &hub.source_onprem),
        ("source_prefixes", "What on-premises must hear of the source.", &hub.source_azure),
        ("azure_prefixes", "What leaves the target's circuit.", &leaving(draft, hub)),
    ] {
        if !all.is_empty() {
            params.push(
                ParamText::new(&format!("{name}{s}"), "list", what, prefixes(all))
                    .and("of", "cidr"),
            );
        }
    }
}

/// The source is back when its gateway has learned again; which steps say so.
fn source_learns(
    hub: &DraftHub,
    mark: &str,
    needs: &[String],
    steps: &mut Vec<StepText>,
) -> Vec<String> {
    let Some(gateway) = &hub.source_gateway else { return Vec::new() };
    let s = &hub.suffix;
    let mut connected = Vec::new();
    for (place, link) in hub.source_links.iter().enumerate() {
        let name = match place {
            0 => format!("source_connected{mark}{s}"),
            more => format!("source_connected{mark}{s}_{}", more + 1),
        };
        steps.push(
            StepText::new(
                &name,
                &format!("{} is Connected again", link.id.name()),
                "verify.connection",
            )
            .needs(needs)
            .with("connection", link.id.as_str())
            .is("timeout", "30m")
            .say(
                "why",
                "The source region is back when its gateway speaks BGP again, not when its status page is \
                 green.",
            )
            .say("looks_good", "Succeeded and Connected."),
        );
        connected.push(name);
    }
    if hub.source_onprem.is_empty() || hub.source_links.is_empty() {
        return connected;
    }
    let name = format!("source_learns{mark}{s}");
    steps.push(
        StepText::new(
            &name,
            &format!("{} learns the on-premises prefixes", gateway.name()),
            "verify.routes",
        )
        .needs(&connected)
        .with("gateway", gateway.as_str())
        .with("expect", expr(&format!("params.onprem_prefixes{s}")))
        .is("timeout", "30m"),
    );
    vec![name]
}

fn go_ahead(draft: &Draft, needs: &[String], steps: &mut Vec<StepText>) {
    let question = match draft.strategy {
        Strategy::SameCircuitSwap => {
            "The machines run in the source region and wait for their network. With a yes the window without \
             a path opens, for three to ten minutes. Go on?"
        }
        Strategy::DrCircuitPrepared => {
            "The machines run in the source region. From here on the target region is only a stand-by. Do \
             the applications answer from the source?"
        }
        Strategy::OnpremToAzure => {
            "The machines run on the site. From here on Azure answers for their subnets no longer. Go on?"
        }
        Strategy::VwanDrCircuit
        | Strategy::DrCircuit
        | Strategy::TwoCircuitsOneLocation
        | Strategy::SameCircuit
        | Strategy::VpnLastPath
        | Strategy::SiteRecoveryTest => {
            "The machines run in the source region. From here on the target region is cut off from \
             on-premises. Do the applications answer from the source?"
        }
    };
    steps.push(
        StepText::new("go_ahead", "Incident commander confirms", "approval")
            .needs(needs)
            .question(question)
            .with("role", "commander")
            .with("expires_after", "4h")
            .say("looks_good", "A yes, with the number of the incident or change as the reason."),
    );
}

/// The authorization of a link, as an id.
fn key(link: &DraftLink) -> Option<String> {
    match &link.key {
        DraftKey::None => None,
        DraftKey::Made(name) | DraftKey::There(name) => {
            Some(format!("\"${{params.circuit{}}}/authorizations/{name}\"", link.suffix))
        }
    }
}

fn disconnect(draft: &Draft, hub: &DraftHub, link: &DraftLink, steps: &mut Vec<StepText>) {
    let name = format!("cut{}", link.suffix);
    let Some(before) = link.before else {
        return connection_gone(draft, hub, link, name, steps);
    };
    let mut step = StepText::new(
        &name,
        &format!("{} stands by with weight {before}", link.id.name()),
        "connection.ensure",
    )
    .needs(&["go_ahead"])
    .with("name", link.id.as_str())
    .with("location", draft.target.as_str())
    .with("gateway", hub.gateway.id.as_str())
    .with("circuit", expr(&format!("params.circuit{}", link.suffix)));
    if let Some(key) = key(link) {
        step = step.with("authorization", key);
    }
    steps.push(step.with("routing_weight", before.to_string()).is("timeout", "30m"));
    steps.push(
        StepText::new(
            &format!("stands_by{}", link.suffix),
            &format!("{} is Connected", link.id.name()),
            "verify.connection",
        )
        .needs(&[name])
        .with("connection", link.id.as_str())
        .is("timeout", "10m")
        .say(
            "why",
            "It was written again, and a stand-by that died of it would be found out on the day on which it \
             is needed.",
        ),
    );
}

/// A connection that the failover made goes, and the circuit forgets what was behind it.
fn connection_gone(
    draft: &Draft,
    hub: &DraftHub,
    link: &DraftLink,
    name: String,
    steps: &mut Vec<StepText>,
) {
    let mut step =
        StepText::new(&name, &format!("{} is removed", link.id.name()), "connection.remove")
            .needs(&["go_ahead"])
            .with("id", link.id.as_str())
            .with("gateway", hub.gateway.id.as_str());
    if let Some(key) = key(link) {
        step = step.with("authorization", key);
    }
    steps.push(step.is("timeout", "30m").say("looks_good", "A GET of the connection answers 404."));
    let mut forgotten = forgotten(draft, hub, link).needs(&[name]);
    if link.removed.is_some() && !draft.revocable {
        // A source that came back with its connection in place is on the circuit already.
        forgotten = forgotten.is("on_failure", "continue");
    }
    steps.push(forgotten);
}

/// The prefixes that leave the circuit with the target's networks: without those that a site tells it itself.
fn leaving(draft: &Draft, hub: &DraftHub) -> Vec<IpNet> {
    let told = || hub.links.iter().flat_map(|link| &link.onprem).chain(&draft.moved);
    hub.azure.iter().filter(|own| !told().any(|of_site| own.contains(of_site))).copied().collect()
}

/// The circuit forgets what was behind the connection. What a site tells of these prefixes itself stays in its tables, and
/// is not waited for; where that is all, the sessions are given their time.
fn forgotten(draft: &Draft, hub: &DraftHub, link: &DraftLink) -> StepText {
    let name = format!("forgotten{}", link.suffix);
    if leaving(draft, hub).is_empty() {
        let title = format!("{} has time to forget the target's networks", link.circuit.name());
        return StepText::new(&name, &title, "wait").with("duration", "2m").say(
            "why",
            "On-premises tells the circuit these prefixes itself: they stay in its tables, and prove nothing.",
        );
    }
    StepText::new(
        &name,
        &format!("{} carries the target's networks no longer", link.circuit.name()),
        "verify.circuit_routes",
    )
    .with("circuit", expr(&format!("params.circuit{}", link.suffix)))
    .with("absent", expr(&format!("params.azure_prefixes{}", hub.suffix)))
    .is("timeout", "10m")
    .say("why", "As long as the prefixes are there, on-premises may still send this way.")
}

/// The source's circuits carry both sides again; which steps say so.
fn home_carries(hub: &DraftHub, steps: &mut Vec<StepText>) -> Vec<String> {
    let mut names = Vec::new();
    for (place, link) in hub.source_links.iter().enumerate() {
        if hub.source_onprem.is_empty() || hub.source_links.len() > 1 {
            // What each of several circuits carries is no more than what the gateway has learned.
            break;
        }
        let name = format!("home{}{}", hub.suffix, if place == 0 { "" } else { "_2" });
        let mut needs: Vec<String> =
            hub.links.iter().map(|link| format!("cut{}", link.suffix)).collect();
        needs.extend(
            hub.links
                .iter()
                .filter(|own| own.before.is_none())
                .map(|link| format!("forgotten{}", link.suffix)),
        );
        if needs.is_empty() {
            needs.push("go_ahead".to_owned());
        }
        steps.push(
            StepText::new(
                &name,
                &format!("{} carries both sides on both paths", link.circuit.name()),
                "verify.circuit_routes",
            )
            .needs(&needs)
            .with("circuit", link.circuit.as_str())
            .with(
                "expect",
                expr(&format!("params.onprem_prefixes{0} + params.source_prefixes{0}", hub.suffix)),
            )
            .is("timeout", "10m"),
        );
        names.push(name);
    }
    names
}

/// After a swap: the source's connections come back once the target's networks have left.
fn return_home(draft: &Draft, hub: &DraftHub, steps: &mut Vec<StepText>) -> Vec<String> {
    let Some(gateway) = &hub.source_gateway else { return Vec::new() };
    let mut returned = Vec::new();
    for link in &hub.links {
        let Some(removed) = &link.removed else { continue };
        let mut needs: Vec<String> = draft
            .hubs
            .iter()
            .flat_map(|hub| &hub.links)
            .filter(|own| own.circuit == link.circuit)
            .map(|own| format!("forgotten{}", own.suffix))
            .collect();
        let own = format!("\"${{params.circuit{}}}/authorizations/", link.suffix);
        if let Some(name) = &removed.authorization {
            let made = format!("source_authorization{}", link.suffix);
            steps.push(
                StepText::new(
                    &made,
                    &format!("The source's authorization on {}", link.circuit.name()),
                    "authorization.ensure",
                )
                .needs(&needs)
                .with("circuit", expr(&format!("params.circuit{}", link.suffix)))
                .with("name", scalar(name))
                .is("undo", "keep")
                .say("why", "It is gone where it had to be revoked; else it is there, and this does nothing."),
            );
            needs = vec![made];
        }
        let name = format!("return{}", link.suffix);
        let circuit = expr(&format!("params.circuit{}", link.suffix));
        let key = removed.authorization.as_ref().map(|name| format!("{own}{name}\""));
        steps.push(returns(draft, gateway, removed, (&name, circuit, key)).needs(&needs));
        returned.push(name);
    }
    for own in &hub.also_removed {
        let all = draft.hubs.iter().flat_map(|hub| &hub.links);
        let needs: Vec<String> = all.map(|link| format!("forgotten{}", link.suffix)).collect();
        let name = format!("return{}", own.suffix);
        let circuit = own.link.circuit.as_str();
        let key = own.link.authorization.as_ref();
        let key = key.map(|name| scalar(&format!("{circuit}/authorizations/{name}")));
        let step = returns(draft, gateway, &own.link, (&name, scalar(circuit), key));
        steps.push(step.needs(&needs));
        returned.push(name);
    }
    let mut proven = source_learns(hub, "", &returned, steps);
    if proven.is_empty() {
        proven = returned;
    }
    proven
}

/// A connection of the source as it was: the step of this name, with the circuit and the authorization as steps name them.
fn returns(
    draft: &Draft,
    gateway: &ResourceId,
    removed: &CircuitLink,
    (name, circuit, key): (&str, String, Option<String>),
) -> StepText {
    let title = format!("{} returns", removed.id.name());
    let mut step = StepText::new(name, &title, "connection.ensure")
        .with("name", removed.id.as_str())
        .with("location", draft.source.as_ref().map_or("", |own| own.as_str()))
        .with("gateway", gateway.as_str())
        .with("circuit", circuit);
    if let Some(key) = key {
        step = step.with("authorization", key);
    }
    if removed.fast_path {
        step = step.with("fast_path", "true");
    }
    step.with("routing_weight", removed.weight.to_string())
        .is("side", "source")
        .is("timeout", "30m")
}

fn authorization_gone(link: &DraftLink, needs: &[String], steps: &mut Vec<StepText>) {
    let DraftKey::Made(name) = &link.key else { return };
    if link.before.is_some() {
        return;
    }
    steps.push(
        StepText::new(
            &format!("authorization_gone{}", link.suffix),
            &format!("The target's authorization on {} is removed", link.circuit.name()),
            "authorization.remove",
        )
        .needs(needs)
        .with("id", format!("\"${{params.circuit{}}}/authorizations/{name}\"", link.suffix))
        .is("timeout", "10m"),
    );
}
