//! How does the failover read? The steps of a hub and its spokes, as a runbook.

use super::draft::{Draft, DraftHub, DraftKey};
use super::failover_steps::{authorization, connection, gateway, peerings, proof, route_table};
use super::spokes_text::{spokes_param, subnets_param};
use super::strategy::Strategy;
use super::swap::swap;
use super::text::Body;
use super::text::{ParamText, StepText, expr, prefix_or_list, prefixes, scalar};
use super::{follows, machines, others, site, tunnels};
use crate::arm::kind;

/// The failover of hubs and spokes.
pub(super) fn body(draft: &Draft) -> Body {
    let mut body = Body::default();
    body.params.push(ParamText::new(
        "location",
        "region",
        "The target region.",
        draft.target.as_str(),
    ));
    for hub in &draft.hubs {
        params(hub, &mut body.params);
    }
    before(draft, &mut body);
    for hub in &draft.hubs {
        gateway(hub, &mut body.steps);
        for link in &hub.links {
            authorization(link, &mut body.steps);
        }
    }
    if draft.strategy == Strategy::SameCircuitSwap {
        swap(draft, &mut body);
    }
    for hub in &draft.hubs {
        for link in &hub.links {
            connection(draft, hub, link, &mut body.steps);
        }
        if let Some(own) = &hub.tunnels {
            tunnels::steps(hub, own, &mut body);
        }
        peerings(hub, &mut body.steps);
        for table in &hub.tables {
            route_table(hub, table, &mut body.steps);
        }
        proof(hub, &mut body.steps);
    }
    follows::guarded(draft, &mut body.steps);
    after(draft, &mut body.steps);
    body
}

fn params(hub: &DraftHub, params: &mut Vec<ParamText>) {
    let s = &hub.suffix;
    let at = if s.is_empty() { String::new() } else { format!(" ({})", hub.hub.id.name()) };
    params.push(ParamText::id(
        &format!("hub{s}"),
        kind::NETWORKS,
        &format!("The hub of the target region{at}."),
        hub.hub.id.as_str(),
    ));
    gateway_params(hub, &at, params);
    for link in &hub.links {
        params.push(ParamText::id(
            &format!("circuit{}", link.suffix),
            kind::CIRCUITS,
            "The circuit that the target uses.",
            link.circuit.as_str(),
        ));
    }
    params.extend(spokes_param(hub, &hub.spokes.iter().collect::<Vec<_>>(), "spokes"));
    for table in hub.tables.iter().filter(|own| !own.subnets.is_empty()) {
        params.push(subnets_param(hub, table));
    }
    if !hub.onprem.is_empty() {
        params.push(
            ParamText::new(
                &format!("onprem_prefixes{s}"),
                "list",
                "What must be learned from on-premises for the recovery to count.",
                prefixes(&hub.onprem),
            )
            .and("of", "cidr"),
        );
    }
    params.push(
        ParamText::new(
            &format!("azure_prefixes{s}"),
            "list",
            "What on-premises must hear of Azure: the hub and every spoke that uses its gateway.",
            prefixes(&hub.azure),
        )
        .and("of", "cidr"),
    );
}

/// The gateway that stands by, or what one is made of.
fn gateway_params(hub: &DraftHub, at: &str, params: &mut Vec<ParamText>) {
    let s = &hub.suffix;
    if hub.gateway.exists {
        params.push(ParamText::id(
            &format!("gateway{s}"),
            kind::GATEWAYS,
            &format!("Its ExpressRoute gateway, which stands by{at}."),
            hub.gateway.id.as_str(),
        ));
    } else if hub.tunnels.is_none() {
        params.push(
            ParamText::new(
                &format!("gateway_sku{s}"),
                "string",
                "At least as large as the source's; a larger one does not take longer.",
                scalar(&hub.gateway.sku),
            )
            .and("one_of", "[ErGw1AZ, ErGw2AZ, ErGw3AZ, ErGwScale]"),
        );
    }
    if let Some(own) = &hub.gateway.subnet {
        let (kind, more) = if own.len() == 1 { ("cidr", None) } else { ("list", Some("cidr")) };
        let mut param = ParamText::new(
            &format!("gateway_subnet{s}"),
            kind,
            "The prefix of the hub's GatewaySubnet; /27 or larger.",
            prefix_or_list(own),
        );
        if let Some(of) = more {
            param = param.and("of", of);
        }
        params.push(param);
    }
}

/// What is looked at and asked before anything is changed for anybody.
fn before(draft: &Draft, body: &mut Body) {
    let mut asked = first_looks(draft, &mut body.steps);
    if draft.strategy == Strategy::SameCircuitSwap {
        // The window without a path is short only if all that takes long is done before it opens.
        for hub in &draft.hubs {
            if !hub.gateway.exists {
                asked.push(format!("gateway{}", hub.suffix));
            }
            for link in hub.links.iter().filter(|own| matches!(own.key, DraftKey::Made(_))) {
                asked.push(format!("authorization{}", link.suffix));
            }
        }
    }
    body.steps.push(
        StepText::new("go_ahead", "Incident commander confirms the failover", "approval")
            .needs(&asked)
            .question(question(draft))
            .with("role", "commander")
            .with("expires_after", "4h")
            .say(
                "why",
                "The person who says yes knows that the source will not come back by itself in the next \
                 minutes.",
            )
            .say("looks_good", "A yes, with the number of the incident or change as the reason."),
    );
    machines::machines_out(draft, &mut body.steps);
    others::site_leaves(draft, &mut body.steps);
}

/// Circuits and connections that stand by are looked at; which steps do.
fn first_looks(draft: &Draft, steps: &mut Vec<StepText>) -> Vec<String> {
    let mut looked = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for link in draft.hubs.iter().flat_map(|hub| &hub.links) {
        if !seen.insert(&link.circuit) {
            continue;
        }
        let name = format!("circuit_ready{}", link.suffix);
        steps.push(
            StepText::new(
                &name,
                &format!("{} is provisioned, with private peering", link.circuit.name()),
                "verify.circuit",
            )
            .with("circuit", expr(&format!("params.circuit{}", link.suffix)))
            .is("timeout", "2m")
            .say(
                "why",
                "A connection to a circuit that its provider has not provisioned is accepted and then fails. \
                 Look before anything is spent on it.",
            )
            .say("looks_good", "Enabled, Provisioned, and AzurePrivatePeering is Enabled.")
            .say("call", "The provider's NOC, with the service key of the circuit."),
        );
        looked.push(name);
    }
    site::replication_path(draft, steps);
    for link in draft.hubs.iter().flat_map(|hub| &hub.links).filter(|own| own.before.is_some()) {
        let name = format!("stands_by{}", link.suffix);
        steps.push(
            StepText::new(
                &name,
                &format!("{} is Connected", link.id.name()),
                "verify.connection",
            )
            .needs(&looked)
            .with("connection", link.id.as_str())
            .is("timeout", "5m")
            .is("on_failure", "ask")
            .say(
                "why",
                "A connection that was prepared and never looked at since may have died unnoticed.",
            ),
        );
        looked.push(name);
    }
    looked
}

fn question(draft: &Draft) -> &'static str {
    match draft.strategy {
        Strategy::SameCircuitSwap => {
            "The gateway stands. With a yes the window without a path opens: the source's connection is \
             removed, and until the target's is there nothing in Azure is reachable, for three to ten \
             minutes. Is production in the source region stopped or lost?"
        }
        Strategy::DrCircuitPrepared => {
            "From here on the connection that stands by will carry production. Is the source region given \
             up, and are the source networks isolated?"
        }
        Strategy::VpnLastPath => {
            "The VPN gateway is being made, which changes nothing for anybody. Is the circuit of the target \
             region given up for today, and is the source region given up too?"
        }
        Strategy::OnpremToAzure => {
            "From here on the target region answers for the subnets of the lost site. Is the site given up?"
        }
        Strategy::VwanDrCircuit
        | Strategy::DrCircuit
        | Strategy::TwoCircuitsOneLocation
        | Strategy::SameCircuit
        | Strategy::SiteRecoveryTest => {
            "The gateway is being made, which changes nothing for anybody. From here on the circuit will \
             carry production to the target region. Is the source region given up, and are the source \
             networks isolated?"
        }
    }
}

fn after(draft: &Draft, steps: &mut Vec<StepText>) {
    let mut proven: Vec<String> = draft
        .hubs
        .iter()
        .flat_map(|hub| hub.links.iter().map(|link| format!("circuit_routes{}", link.suffix)))
        .collect();
    let by_tunnel = draft.hubs.iter().filter(|hub| hub.tunnels.is_some());
    proven.extend(by_tunnel.map(|hub| format!("answers{}", hub.suffix)));
    let followed = follows::follow(draft, &proven, steps);
    let moved: Vec<&str> =
        draft.hubs.iter().flat_map(|hub| &hub.readdressed).map(String::as_str).collect();
    if draft.source.is_none() || (draft.kept && moved.is_empty()) {
        return;
    }
    let (which, why) = if moved.is_empty() {
        (String::new(), "The addresses changed.".to_owned())
    } else {
        (format!("{}. ", moved.join("; ")), "Not every network keeps its addresses.".to_owned())
    };
    let proven = if followed.is_empty() { proven } else { followed };
    steps.push(
        StepText::new("names", "Names and firewalls follow to the new addresses", "manual")
            .needs(&proven)
            .question(&format!(
                "{which}Let DNS point at the machines' new addresses, and let on-premises firewalls pass them. \
                 Confirm when the applications answer by name."
            ))
            .with("expires_after", "8h")
            .say("why", &format!("{why} Without this the network works and nobody finds it."))
            .say("looks_good", "The canary answers by name from an on-premises machine."),
    );
}
