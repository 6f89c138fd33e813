//! How does the failover read? The steps of a hub and its spokes, as a runbook.

use super::draft::{Draft, DraftHop, DraftHub, DraftKey, DraftLink, DraftSpoke, DraftTable};
use super::strategy::Strategy;
use super::text::{ParamText, StepText, expr, prefix_or_list, prefixes, rows, scalar};
use super::{others, tunnels};
use crate::arm::kind;

/// Parameters and steps of a runbook.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) params: Vec<ParamText>,
    pub(super) steps: Vec<StepText>,
    /// What people choose at a decision of a drill.
    pub(super) choice: Option<(String, String)>,
}

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

/// A flag of a side: one word where all have the same, else a field of each spoke.
fn flag(spokes: &[&DraftSpoke], get: impl Fn(&DraftSpoke) -> bool) -> Option<bool> {
    let first = spokes.first().map(|own| get(own))?;
    spokes.iter().all(|own| get(own) == first).then_some(first)
}

type Flag = (&'static str, fn(&DraftSpoke) -> bool);

const FLAGS: [Flag; 4] = [
    ("hub_forwards", |own| own.hub_side.forwarded),
    ("hub_lends", |own| own.hub_side.gateway),
    ("spoke_forwards", |own| own.spoke_side.forwarded),
    ("uses_gateway", |own| own.spoke_side.gateway),
];

fn flag_text(spokes: &[&DraftSpoke], name: &str) -> String {
    let Some((_, get)) = FLAGS.iter().find(|(own, _)| *own == name) else { return String::new() };
    flag(spokes, get).map_or_else(|| expr(&format!("each.value.{name}")), |own| own.to_string())
}

pub(super) fn spokes_param(
    hub: &DraftHub,
    spokes: &[&DraftSpoke],
    name: &str,
) -> Option<ParamText> {
    if spokes.is_empty() {
        return None;
    }
    let own: Vec<Flag> = FLAGS.into_iter().filter(|(_, get)| flag(spokes, get).is_none()).collect();
    let mut fields =
        String::from("{ key: string, vnet: resource_id, hub_side: string, spoke_side: string");
    for (name, _) in &own {
        fields.push_str(&format!(", {name}: bool"));
    }
    fields.push_str(" }");
    let rows_of: Vec<Vec<(&str, String)>> = spokes
        .iter()
        .map(|spoke| {
            let mut row = vec![
                ("key", scalar(&spoke.key)),
                ("vnet", scalar(spoke.id.as_str())),
                ("hub_side", scalar(&spoke.hub_side.name)),
                ("spoke_side", scalar(&spoke.spoke_side.name)),
            ];
            row.extend(own.iter().map(|(name, get)| (*name, get(spoke).to_string())));
            row
        })
        .collect();
    Some(
        ParamText::new(
            &format!("{name}{}", hub.suffix),
            "list",
            "The spokes of the target region, and what the two sides of each peering are called.",
            rows(&rows_of, 6),
        )
        .and("of", "object")
        .and("fields", &fields),
    )
}

pub(super) fn subnets_param(hub: &DraftHub, table: &DraftTable) -> ParamText {
    let all: Vec<Vec<(&str, String)>> = table
        .subnets
        .iter()
        .map(|(key, id)| vec![("key", scalar(key)), ("subnet", scalar(id.as_str()))])
        .collect();
    ParamText::new(
        &format!("{}_subnets{}", table.key, hub.suffix),
        "list",
        &format!("The subnets that use {}.", table.id.name()),
        rows(&all, 6),
    )
    .and("of", "object")
    .and("fields", "{ key: string, subnet: resource_id }")
}

/// What is looked at and asked before anything is changed for anybody.
fn before(draft: &Draft, body: &mut Body) {
    let mut looked = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for link in draft.hubs.iter().flat_map(|hub| &hub.links) {
        if !seen.insert(&link.circuit) {
            continue;
        }
        let name = format!("circuit_ready{}", link.suffix);
        body.steps.push(
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
    for link in draft.hubs.iter().flat_map(|hub| &hub.links).filter(|own| own.before.is_some()) {
        let name = format!("stands_by{}", link.suffix);
        body.steps.push(
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
    let mut asked = looked;
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
    others::machines_out(draft, &mut body.steps);
    others::site_leaves(draft, &mut body.steps);
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
        _ => {
            "The gateway is being made, which changes nothing for anybody. From here on the circuit will \
             carry production to the target region. Is the source region given up, and are the source \
             networks isolated?"
        }
    }
}

fn gateway(hub: &DraftHub, steps: &mut Vec<StepText>) {
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

fn authorization(link: &DraftLink, steps: &mut Vec<StepText>) {
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

/// The source's connections go, or a person says what becomes of a target that they stand in the way of.
fn swap(draft: &Draft, body: &mut Body) {
    let links: Vec<(&DraftHub, &DraftLink)> =
        draft.hubs.iter().flat_map(|hub| hub.links.iter().map(move |link| (hub, link))).collect();
    let source = draft.source.as_ref().map_or("the source", |own| own.as_str());
    let mut failed = Vec::new();
    for (hub, link) in &links {
        let Some(removed) = &link.removed else { continue };
        let mut step = StepText::new(
            &format!("disconnect{}", link.suffix),
            &format!("{} is removed", removed.id.name()),
            "connection.remove",
        )
        .needs(&["go_ahead"])
        .with("id", removed.id.as_str());
        if let Some(gateway) = &hub.source_gateway {
            step = step.with("gateway", gateway.as_str());
        }
        if let Some(name) = &removed.authorization {
            step = step.with(
                "authorization",
                format!("\"${{params.circuit{}}}/authorizations/{name}\"", link.suffix),
            );
        }
        body.steps.push(
            step.is("side", "source")
                .is("timeout", "10m")
                .is("retry", "{ attempts: 12, delay: 30s, delay_max: 1m }")
                .is("on_failure", "continue")
                .say(
                    "owes",
                    &format!(
                        "Remove the connection {} as soon as {source} answers. Until then it brings the same \
                         addresses onto the circuit again the moment its region returns, and packets drop.",
                        removed.id.name()
                    ),
                )
                .say(
                    "why",
                    "A circuit cannot serve two networks with the same addresses. Ten minutes are tried and \
                     no more: when the region is down, this may never succeed.",
                )
                .say("looks_good", "A GET of the connection answers 404.")
                .say("call", "Azure support, severity A, when it neither goes nor fails."),
        );
        failed.push(format!("disconnect{}", link.suffix));
    }
    let revocable = draft.revocable;
    let when: Vec<String> =
        failed.iter().map(|own| format!("steps.{own}.status != \"succeeded\"")).collect();
    let mut options = vec![vec![
        ("name", "connect_anyway".to_owned()),
        (
            "text",
            "\"Connect the target all the same. Azure may refuse it; if not, it works while the source stays dead.\""
                .to_owned(),
        ),
    ]];
    let (name, text) = if revocable {
        (
            "revoke",
            "\"Revoke the authorization of the source's connection, which ends it from the circuit's side.\"",
        )
    } else {
        (
            "by_azure",
            "\"Have Azure's support remove the connection (severity A), wait for them, and choose this when it is gone.\"",
        )
    };
    options.insert(
        usize::from(!revocable),
        vec![("name", name.to_owned()), ("text", text.to_owned())],
    );
    body.steps.push(
        StepText::new(
            "source_dead",
            "What now, with the source's connection still in place?",
            "decision",
        )
        .needs(&failed)
        .is("when", &format!("'{}'", when.join(" || ")))
        .question(
            "The source's connection could not be removed. It will have to be removed when the region is \
             back, whatever is chosen. Decline to stop here.",
        )
        .with("options", rows(&options, 8))
        .with("role", "commander")
        .with("expires_after", "1h")
        .say("why", "Nobody but a person can weigh these; each is right in some outage."),
    );
    body.choice = Some((
        "source_dead".to_owned(),
        if revocable { "revoke" } else { "connect_anyway" }.to_owned(),
    ));
    for (hub, link) in &links {
        let Some(removed) = &link.removed else { continue };
        let mut needs = vec![format!("disconnect{}", link.suffix)];
        if let (true, Some(name)) = (revocable, &removed.authorization) {
            let revoke = format!("revoke{}", link.suffix);
            body.steps.push(
                StepText::new(
                    &revoke,
                    &format!("The source's authorization on {} is revoked", link.circuit.name()),
                    "authorization.remove",
                )
                .needs(&["source_dead"])
                .is("when", "steps.source_dead.status == \"succeeded\" && steps.source_dead.choice == \"revoke\"")
                .with("id", format!("\"${{params.circuit{}}}/authorizations/{name}\"", link.suffix))
                .is("undo", "keep"),
            );
            needs.push(revoke);
        }
        body.steps.push(
            StepText::new(
                &format!("left{}", link.suffix),
                &format!("The source's networks have left {}", link.circuit.name()),
                "verify.circuit_routes",
            )
            .needs(&needs)
            .with("circuit", expr(&format!("params.circuit{}", link.suffix)))
            .with("absent", prefixes(&hub.source_azure))
            .is("timeout", "10m")
            .is("on_failure", "ask")
            .say(
                "why",
                "Gone from Azure's records is not gone from the edge. As long as the prefixes are there, the \
                 target's would fight them.",
            )
            .say("looks_good", "None of the source's prefixes in either path's route table."),
        );
    }
}

fn connection(draft: &Draft, hub: &DraftHub, link: &DraftLink, steps: &mut Vec<StepText>) {
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

fn peerings(hub: &DraftHub, steps: &mut Vec<StepText>) {
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

fn route_table(hub: &DraftHub, table: &DraftTable, steps: &mut Vec<StepText>) {
    let s = &hub.suffix;
    let name = format!("{}{s}", table.key);
    let mut needs = Vec::new();
    let id = if table.exists {
        scalar(table.id.as_str())
    } else {
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
            StepText::new(&name, &format!("Route table {}", table.id.name()), "route_table.ensure")
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
        needs.push(name.clone());
        expr(&format!("steps.{name}.id"))
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
        if hub.gateway.subnet.is_some() && hub.tunnels.is_none() && !hub.gateway.exists {
            needs.push(format!("gateway{s}"));
        } else if hub.tunnels.is_some() {
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

fn proof(hub: &DraftHub, steps: &mut Vec<StepText>) {
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
    for link in &hub.links {
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
                &format!("{} carries both sides on both paths", link.circuit.name()),
                "verify.circuit_routes",
            )
            .needs(&proven)
            .with("circuit", expr(&format!("params.circuit{}", link.suffix)))
            .with("expect", expect)
            .say(
                "why",
                "The last proof from Azure's side; the way back is seen only from on-premises.",
            )
            .say(
                "looks_good",
                "Every prefix in both tables. Then ping the canary from an on-premises machine.",
            ),
        );
    }
}

fn after(draft: &Draft, steps: &mut Vec<StepText>) {
    if draft.kept || draft.source.is_none() {
        return;
    }
    let proven: Vec<String> = draft
        .hubs
        .iter()
        .flat_map(|hub| hub.links.iter().map(|link| format!("circuit_routes{}", link.suffix)))
        .collect();
    steps.push(
        StepText::new("names", "Names and firewalls follow to the new addresses", "manual")
            .needs(&proven)
            .question(
                "Let DNS point at the machines' new addresses, and let on-premises firewalls pass them. \
                 Confirm when the applications answer by name.",
            )
            .with("expires_after", "8h")
            .say("why", "The addresses changed. Without this the network works and nobody finds it.")
            .say("looks_good", "The canary answers by name from an on-premises machine."),
    );
}
