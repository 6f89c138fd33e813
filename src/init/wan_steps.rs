//! How does the failover of a virtual WAN's hub read, and how its way home?

use ipnet::IpNet;

use super::draft::{DraftKey, WanDraft};
use super::hub_pair::readdressed;
use super::text::Body;
use super::text::{ParamText, StepText, expr, prefixes, rows, scalar};
use crate::arm::kind;

fn params(own: &WanDraft) -> Vec<ParamText> {
    let mut all = vec![
        ParamText::new("location", "region", "The target region.", own.target.as_str()),
        ParamText::id("wan", kind::VIRTUAL_WANS, "The virtual WAN.", own.wan.as_str()),
        ParamText::new(
            "hub_prefix",
            "cidr",
            "The hub's own addresses. Those of one that stands cannot be changed.",
            own.prefix.to_string(),
        ),
        ParamText::id(
            "hub",
            kind::VIRTUAL_HUBS,
            "The hub of the target region. It may stand, or be made.",
            own.hub.as_str(),
        ),
        ParamText::id(
            "circuit",
            kind::CIRCUITS,
            "The circuit that the target uses.",
            own.circuit.as_str(),
        ),
    ];
    let networks: Vec<Vec<(&str, String)>> = own
        .networks
        .iter()
        .map(|(key, id, name)| {
            vec![("key", scalar(key)), ("vnet", scalar(id.as_str())), ("name", scalar(name))]
        })
        .collect();
    all.push(
        ParamText::new(
            "networks",
            "list",
            "The recovery networks, and what their connections are called.",
            rows(&networks, 6),
        )
        .and("of", "object")
        .and("fields", "{ key: string, vnet: resource_id, name: string }"),
    );
    all.push(
        ParamText::new(
            "azure_prefixes",
            "list",
            "What on-premises must hear of the target; the recovery networks and the hub itself.",
            prefixes(&own.azure),
        )
        .and("of", "cidr"),
    );
    all
}

fn onprem(all: &[IpNet], what: &str) -> ParamText {
    ParamText::new("onprem_prefixes", "list", what, prefixes(all)).and("of", "cidr")
}

/// The failover.
pub(super) fn body(own: &WanDraft) -> Body {
    let mut body = Body { params: params(own), ..Body::default() };
    body.params.push(onprem(&own.onprem, "What must be learned from on-premises."));
    let mut steps = begun_at_once(own);
    connect(own, &mut steps);
    steps.push(
        StepText::new("network", "Network ${each.key} is connected to the hub", "hub_vnet.ensure")
            .is("each", &expr("params.networks"))
            .needs(&["hub", "go_ahead"])
            .with("hub", hub_id())
            .with("name", expr("each.value.name"))
            .with("vnet", expr("each.value.vnet"))
            .with("associated", "defaultRouteTable")
            .with("propagated", "[defaultRouteTable]")
            .with("labels", "[default]")
            .is("timeout", "30m")
            .say(
                "why",
                "It is learned by the default table, which the circuit follows: that is why on-premises hears \
                 it. The networks of one hub are written one after the other; Azure locks the hub meanwhile.",
            ),
    );
    steps.extend(proofs(own));
    steps.push(names(own));
    body.steps = steps;
    body
}

/// Names follow, and firewalls where the addresses are others.
fn names(own: &WanDraft) -> StepText {
    let moved = readdressed(&own.matched);
    let question = if moved.is_empty() {
        "Bring the machines up in the recovery networks, point the names of the applications at their addresses \
         there, and confirm when an on-premises machine resolves and reaches them."
            .to_owned()
    } else {
        format!(
            "{}. Bring the machines up there, let DNS point at their new addresses, and let on-premises firewalls \
             pass them. Confirm when an on-premises machine resolves and reaches them.",
            moved.join("; ")
        )
    };
    let step = StepText::new("names", "The names of the applications lead to the target", "manual")
        .needs(&["circuit_routes"])
        .question(&question)
        .with("expires_after", "4h");
    if moved.is_empty() {
        return step;
    }
    step.say("why", "The addresses changed. Without this the network works and nobody finds it.")
        .say("looks_good", "The canary answers by name from an on-premises machine.")
}

/// What is looked at, made and asked before anything changes for anybody.
fn begun_at_once(own: &WanDraft) -> Vec<StepText> {
    vec![
        StepText::new(
            "circuit_ready",
            &format!("{} is provisioned, with private peering", own.circuit.name()),
            "verify.circuit",
        )
        .with("circuit", expr("params.circuit"))
        .is("timeout", "2m")
        .say("call", "The provider's NOC, with the service key of the circuit."),
        StepText::new(
            "hub",
            "The hub of the target stands, routes, and prefers its own ExpressRoute",
            "virtual_hub.ensure",
        )
        .with("name", expr("params.hub"))
        .with("wan", expr("params.wan"))
        .with("location", expr("params.location"))
        .with("prefix", expr("params.hub_prefix"))
        .with("routing_preference", "expressroute")
        .is("timeout", "60m")
        .say(
            "why",
            "From now on what its own gateway learns goes before all that other hubs pass on. A hub is done \
             when its routing state is Provisioned; Azure says Succeeded minutes earlier, and refuses \
             networks until then.",
        ),
        StepText::new("gateway", "ExpressRoute gateway in the hub of the target", "hub_gateway.ensure")
            .needs(&["hub"])
            .with("name", scalar(own.gateway.as_str()))
            .with("hub", hub_id())
            .with("location", expr("params.location"))
            .with("units", format!("{{ min: {}, max: {} }}", own.units.0, own.units.1))
            .is("timeout", "90m")
            .say(
                "why",
                "It takes longest and is begun at once, beside the checks and the approval: a gateway without \
                 a connection changes nothing for anybody.",
            )
            .say("looks_good", "provisioningState Succeeded after 20 to 40 minutes."),
        StepText::new("go_ahead", "Incident commander confirms the failover", "approval")
            .needs(&["circuit_ready"])
            .question(
                "The gateway is being made, which changes nothing for anybody. From here on the circuit will \
                 carry production to the target region. Is the source region given up?",
            )
            .with("role", "commander")
            .with("expires_after", "4h")
            .say("looks_good", "A yes, with the number of the incident as the reason."),
    ]
}

/// The connection to the circuit, with its key.
fn connect(own: &WanDraft, steps: &mut Vec<StepText>) {
    let mut needs = vec!["gateway".to_owned(), "go_ahead".to_owned()];
    if let DraftKey::Made(name) = &own.key {
        steps.push(
            StepText::new(
                "authorization",
                &format!("Authorization on {}", own.circuit.name()),
                "authorization.ensure",
            )
            .needs(&["circuit_ready"])
            .with("circuit", expr("params.circuit"))
            .with("name", scalar(name)),
        );
        needs.push("authorization".to_owned());
    }
    let mut connection = StepText::new(
        "connection",
        &format!("Connection of the hub's gateway to {}", own.circuit.name()),
        "hub_connection.ensure",
    )
    .needs(&needs)
    .with("gateway", expr("steps.gateway.id"))
    .with("name", scalar(&own.connection))
    .with("circuit", expr("params.circuit"))
    .with("hub", hub_id());
    match &own.key {
        DraftKey::Made(_) => {
            connection = connection.with("authorization", expr("steps.authorization.id"));
        }
        DraftKey::There(name) => {
            let id = format!("\"${{params.circuit}}/authorizations/{name}\"");
            connection = connection.with("authorization", id);
        }
        DraftKey::None => {}
    }
    steps.push(
        connection
            .with("routing_weight", own.weight.to_string())
            .with("propagated", "[defaultRouteTable]")
            .with("labels", "[default]")
            .is("timeout", "30m")
            .say(
                "why",
                "This is the moment at which on-premises begins to hear the target's networks.",
            ),
    );
}

/// The routes that prove it.
fn proofs(own: &WanDraft) -> [StepText; 2] {
    [
        StepText::new(
            "routes_learned",
            "On-premises prefixes are learned by the hub's own gateway",
            "verify.hub_routes",
        )
        .needs(&["connection"])
        .with("hub", hub_id())
        .with("expect", expr("params.onprem_prefixes"))
        .say("call", "The on-premises network team, if a prefix is missing; they advertise it."),
        StepText::new(
            "circuit_routes",
            &format!("{} carries both sides", own.circuit.name()),
            "verify.circuit_routes",
        )
        .needs(&["routes_learned", "network"])
        .with("circuit", expr("params.circuit"))
        .with("expect", expr("params.onprem_prefixes + params.azure_prefixes"))
        .with("paths", "any"),
    ]
}

/// The way home.
pub(super) fn body_home(own: &WanDraft) -> Body {
    let mut body = Body { params: params(own), ..Body::default() };
    body.params.push(onprem(&own.source_onprem, "What the source must learn from on-premises."));
    let mut steps = asked_home(own);
    let mut home = cut_off(own, &mut steps);
    if let [circuit] = own.source_circuits.as_slice() {
        let mut expect = own.source_onprem.clone();
        expect.extend(own.source_azure.iter().copied());
        steps.push(
            StepText::new(
                "home",
                &format!("{} carries both sides on both paths", circuit.name()),
                "verify.circuit_routes",
            )
            .needs(&[home])
            .with("circuit", circuit.as_str())
            .with("expect", prefixes(&expect)),
        );
        home = "home";
    }
    steps.push(
        StepText::new("network_gone", "Network ${each.key} leaves the hub", "hub_vnet.remove")
            .is("each", &expr("params.networks"))
            .needs(&[home])
            .with("id", "\"${params.hub}/hubVirtualNetworkConnections/${each.value.name}\"")
            .is("timeout", "30m"),
    );
    hub_gone(own, home, &mut steps);
    body.steps = steps;
    body
}

/// The source is back, the machines are home, and a person says yes.
fn asked_home(own: &WanDraft) -> Vec<StepText> {
    vec![
        StepText::new(
            "source_learns",
            "The source's hub learns the on-premises prefixes over its own circuit",
            "verify.hub_routes",
        )
        .with("hub", own.source_hub.as_str())
        .with("expect", expr("params.onprem_prefixes"))
        .is("timeout", "30m")
        .say(
            "why",
            "The source region is back when its own gateway has learned them. What the hub of the target \
             passes on is there as well, and proves nothing.",
        ),
        StepText::new("machines", "Machines and names go home", "manual")
            .needs(&["source_learns"])
            .question(
                "Reprotect, wait until the machines are Protected, fail the recovery plan back and commit. \
                 Confirm when the machines run in the source region again and the names lead to them.",
            )
            .with("expires_after", "40h"),
        StepText::new("go_ahead", "Incident commander confirms", "approval")
            .needs(&["machines"])
            .question(
                "The machines run in the source region. From here on the target's hub is cut off from \
                 on-premises. Do the applications answer from the source?",
            )
            .with("role", "commander")
            .with("expires_after", "4h"),
    ]
}

/// The target's hub leaves the circuit, where the failover connected it; the step that has seen it.
fn cut_off(own: &WanDraft, steps: &mut Vec<StepText>) -> &'static str {
    let key = match &own.key {
        DraftKey::Made(name) | DraftKey::There(name) => {
            Some(format!("\"${{params.circuit}}/authorizations/{name}\""))
        }
        DraftKey::None => None,
    };
    if own.connected.is_some() {
        return "go_ahead";
    }
    let mut cut = StepText::new(
        "cut",
        &format!("The connection of the target's hub to {} is removed", own.circuit.name()),
        "hub_connection.remove",
    )
    .needs(&["go_ahead"])
    .with("id", format!("{}/expressRouteConnections/{}", own.gateway, own.connection));
    if let Some(key) = &key {
        cut = cut.with("authorization", key.clone());
    }
    steps.push(cut.is("timeout", "30m"));
    // The source's own circuit goes on carrying them: its hub passes on what the other hub of the virtual WAN has.
    let shared = own.source_circuits.contains(&own.circuit);
    if !shared {
        steps.push(
            StepText::new(
                "forgotten",
                &format!("{} carries the target's networks no longer", own.circuit.name()),
                "verify.circuit_routes",
            )
            .needs(&["cut"])
            .with("circuit", expr("params.circuit"))
            .with("absent", expr("params.azure_prefixes")),
        );
    }
    if let Some(key) = key.filter(|_| matches!(own.key, DraftKey::Made(_))) {
        steps.push(
            StepText::new(
                "authorization_gone",
                "The target's authorization is removed",
                "authorization.remove",
            )
            .needs(&["cut"])
            .with("id", key),
        );
    }
    if shared { "cut" } else { "forgotten" }
}

/// Gateway and hub go, or the hub stands by as before.
fn hub_gone(own: &WanDraft, home: &str, steps: &mut Vec<StepText>) {
    let mut last = "network_gone";
    if !own.gateway_exists {
        steps.push(
            StepText::new("gateway_gone", "The target's gateway is removed", "hub_gateway.remove")
                .needs(&[home])
                .with("id", own.gateway.as_str())
                .is("timeout", "60m")
                .say(
                    "why",
                    "It is what costs. Who keeps it standing by leaves this step out; the next failover takes \
                     minutes then.",
                ),
        );
        last = "gateway_gone";
    }
    if !own.hub_exists {
        steps.push(
            StepText::new("hub_gone", "The target's hub is removed", "virtual_hub.remove")
                .needs(&["network_gone", last])
                .with("id", own.hub.as_str())
                .is("timeout", "60m"),
        );
    } else if own.preference != "expressroute" {
        steps.push(
            StepText::new(
                "hub_stands_by",
                "The target's hub prefers what it did before",
                "virtual_hub.ensure",
            )
            .needs(&["network_gone", last])
            .with("name", expr("params.hub"))
            .with("wan", expr("params.wan"))
            .with("location", expr("params.location"))
            .with("prefix", expr("params.hub_prefix"))
            .with("routing_preference", own.preference.clone())
            .is("timeout", "60m"),
        );
    }
}

fn hub_id() -> String {
    expr("steps.hub.id")
}
