//! What of a virtual WAN? Its hubs, what is connected to them, and the way to the circuit of the target's hub.

use ipnet::IpNet;
use serde_json::Value;

use super::advice::{Advice, Fitness, InitError};
use super::blocks::{free_anywhere, moved};
use super::circuits::{place, spare};
use super::draft::DraftKey;
use super::estate::{EstateNetwork, KnownEstate, overlap};
use super::failover::Body;
use super::hub_pair::fresh;
use super::names::keys;
use super::pairs;
use super::text::{ParamText, StepText, expr, prefixes, rows, scalar};
use super::todo::Todo;
use crate::arm::{kind, read};
use crate::model::{Region, ResourceId};

/// The failover of a virtual WAN's hub.
#[derive(Debug, Clone)]
pub(super) struct WanDraft {
    wan: ResourceId,
    hub: ResourceId,
    hub_exists: bool,
    prefix: IpNet,
    /// What the hub prefers today, in the words of the language.
    preference: String,
    gateway: ResourceId,
    gateway_exists: bool,
    units: (u64, u64),
    circuit: ResourceId,
    connection: String,
    /// Its weight where it is there already.
    connected: Option<u64>,
    key: DraftKey,
    networks: Vec<(String, ResourceId, String)>,
    onprem: Vec<IpNet>,
    azure: Vec<IpNet>,
    source_hub: ResourceId,
    source_circuits: Vec<ResourceId>,
    source_onprem: Vec<IpNet>,
    source_azure: Vec<IpNet>,
    weight: u64,
    target: Region,
}

fn hubs(estate: &KnownEstate) -> impl Iterator<Item = (&ResourceId, &Value)> {
    estate.of_kind(kind::VIRTUAL_HUBS)
}

/// Regions that have a hub.
pub(super) fn regions(estate: &KnownEstate) -> Vec<&Region> {
    // A region of a hub is one of its networks too, or of nothing that could fail over.
    let all: Vec<Region> = hubs(estate).filter_map(|(_, body)| read::region(body)).collect();
    estate.networks.iter().map(|own| &own.region).filter(|own| all.contains(own)).collect()
}

/// Regions with a hub that is connected to a circuit.
pub(super) fn connected_regions(estate: &KnownEstate) -> Vec<&Region> {
    let all: Vec<Region> = hubs(estate)
        .filter(|(id, _)| {
            gateway_of(estate, id).is_some_and(|gateway| !links(estate, gateway).is_empty())
        })
        .filter_map(|(_, body)| read::region(body))
        .collect();
    estate.networks.iter().map(|own| &own.region).filter(|own| all.contains(own)).collect()
}

fn hub_in<'e>(estate: &'e KnownEstate, region: &Region) -> Option<(&'e ResourceId, &'e Value)> {
    let own = |connected: bool| {
        hubs(estate).find(|(id, body)| {
            read::region(body).as_ref() == Some(region)
                && (!connected
                    || gateway_of(estate, id).is_some_and(|own| !links(estate, own).is_empty()))
        })
    };
    own(true).or_else(|| own(false))
}

fn gateway_of<'e>(estate: &'e KnownEstate, hub: &ResourceId) -> Option<&'e ResourceId> {
    estate
        .of_kind(kind::HUB_GATEWAYS)
        .find(|(_, body)| read::id_at(body, "/properties/virtualHub/id").as_ref() == Some(hub))
        .map(|(id, _)| id)
}

/// The circuits that a hub's gateway is connected to: circuit, name and weight of the connection.
fn links(estate: &KnownEstate, gateway: &ResourceId) -> Vec<(ResourceId, String, u64)> {
    let inside = estate
        .bodies
        .get(gateway)
        .map_or(&[][..], |body| read::list(body, "/properties/expressRouteConnections"));
    let apart = estate
        .of_kind(kind::HUB_CONNECTIONS)
        .filter(|(id, _)| id.parent().as_ref() == Some(gateway))
        .map(|(_, body)| body);
    let mut all = Vec::new();
    for body in inside.iter().chain(apart) {
        let peering = read::id_at(body, "/properties/expressRouteCircuitPeering/id");
        let circuit = peering.and_then(|peering| peering.parent());
        let weight = read::number(body, "/properties/routingWeight").unwrap_or(0);
        if let (Some(circuit), Some(name)) = (circuit, read::name(body)) {
            all.push((circuit, name.to_owned(), weight));
        }
    }
    all.sort();
    all.dedup();
    all
}

/// The circuits that the hub of a region uses.
pub(super) fn used_circuits(estate: &KnownEstate, source: Option<&Region>) -> Vec<ResourceId> {
    let Some((hub, _)) = source.and_then(|own| hub_in(estate, own)) else { return Vec::new() };
    let gateway = gateway_of(estate, hub);
    gateway.map(|own| links(estate, own)).unwrap_or_default().into_iter().map(|own| own.0).collect()
}

/// The networks that are connected to a hub, or to any.
fn connected<'e>(estate: &'e KnownEstate, hub: Option<&ResourceId>) -> Vec<&'e EstateNetwork> {
    estate
        .of_kind(kind::HUB_VNETS)
        .filter(|(id, _)| hub.is_none() || id.parent().as_ref() == hub)
        .filter_map(|(_, body)| read::id_at(body, "/properties/remoteVirtualNetwork/id"))
        .filter_map(|id| estate.network(&id))
        .collect()
}

pub(super) fn fit(
    estate: &KnownEstate,
    source: Option<&Region>,
    target: &Region,
    used: &[ResourceId],
) -> Fitness {
    let Some((hub, _)) = source.and_then(|own| hub_in(estate, own)) else {
        return Err(vec!["The source has no hub of a virtual WAN.".to_owned()]);
    };
    if connected(estate, Some(hub)).is_empty() {
        return Err(vec![format!("No network is connected to {}.", hub.name())]);
    }
    let there = hub_in(estate, target).and_then(|(id, _)| gateway_of(estate, id));
    let stands = there.map(|own| links(estate, own)).unwrap_or_default().into_iter().next();
    if let Some((circuit, name, _)) = stands {
        let why = format!("{name} connects the target's hub with {}.", circuit.name());
        return Ok((vec![why], Some(circuit)));
    }
    let spare = spare(estate, used, target);
    match spare.first() {
        None => Err(vec![
            "The networks are connected to a virtual WAN, and no circuit is free that reaches the target."
                .to_owned(),
        ]),
        Some(own) => Ok((
            vec![format!(
                "The networks are connected to {}; {} at {} is free and reaches the target.",
                hub.name(),
                own.id.name(),
                place(own)
            )],
            Some(own.id.clone()),
        )),
    }
}

pub(super) fn draft(
    estate: &KnownEstate,
    advice: &Advice,
    todo: &mut Todo,
) -> Result<WanDraft, InitError> {
    let missing = |what: &str| InitError::new(format!("The virtual WAN has no {what}."));
    let source = advice.source.as_ref().ok_or_else(|| missing("source"))?;
    let (source_hub, source_body) = hub_in(estate, source).ok_or_else(|| missing("source hub"))?;
    let wan = read::id_at(source_body, "/properties/virtualWan/id").ok_or_else(|| missing("id"))?;
    let circuit = advice.circuit.clone().ok_or_else(|| missing("circuit"))?;
    let networks = connected(estate, Some(source_hub));
    let taken = connected(estate, None);
    let free: Vec<&EstateNetwork> = estate
        .networks
        .iter()
        .filter(|own| own.region == advice.target)
        .filter(|own| !taken.iter().any(|taken| taken.id == own.id))
        .collect();
    let said = advice.chosen.networks();
    let regions = (source, &advice.target);
    let (mut matched, mut renaming) = pairs::among(estate, &networks, regions, free, &said);
    let there = hub_in(estate, &advice.target);
    if let Some((id, _)) = there {
        renaming.learn(source_hub.name(), id.name());
        renaming.learn(source_hub.resource_group(), id.resource_group());
    }
    // A virtual WAN takes no addresses twice.
    let mut all: Vec<IpNet> = estate.networks.iter().flat_map(|own| own.space.clone()).collect();
    all.extend(estate.all_sites());
    all.extend(
        hubs(estate).filter_map(|(_, body)| read::prefix(body, "/properties/addressPrefix")),
    );
    for own in &mut matched {
        let Some(network) = own.source.clone() else { continue };
        if own.planned {
            let mut new = Vec::new();
            for prefix in &network.space {
                let block = free_anywhere(&all, prefix.prefix_len());
                let block = block.and_then(|own| IpNet::new(own.addr(), prefix.prefix_len()).ok());
                if let Some(block) = block {
                    all.push(block);
                    new.push(block);
                }
            }
            for subnet in &mut own.target.subnets {
                let parts = subnet.prefixes.iter();
                subnet.prefixes =
                    parts.filter_map(|part| moved(part, &network.space, &new)).collect();
            }
            own.target.space = new;
            todo.plan_network(estate, &own.target);
        } else if overlap(&network.space, &own.target.space) {
            todo.decide(format!(
                "{} has the addresses of {}, and a virtual WAN takes none twice: give it others.",
                own.target.id.name(),
                network.id.name()
            ));
        }
    }
    let hub = match there {
        Some((id, _)) => id.clone(),
        None => fresh(
            estate,
            matched.first().map_or(source_hub, |own| &own.target.id),
            kind::VIRTUAL_HUBS,
            &renaming.name(source_hub.name()),
        )?,
    };
    let prefix = match (there, advice.chosen.get("hub_prefix")) {
        (Some((_, body)), _) => read::prefix(body, "/properties/addressPrefix"),
        (None, Some(said)) => said.parse().ok(),
        (None, None) => free_anywhere(&all, 23).and_then(|own| IpNet::new(own.addr(), 23).ok()),
    };
    let prefix = prefix.ok_or_else(|| missing("addresses for a hub; say --param hub_prefix=…"))?;
    let source_gateway = gateway_of(estate, source_hub);
    let own_gateway = gateway_of(estate, &hub);
    let gateway = match own_gateway {
        Some(own) => own.clone(),
        None => fresh(
            estate,
            &hub,
            kind::HUB_GATEWAYS,
            &renaming.name(source_gateway.map_or("ergw", |own| own.name())),
        )?,
    };
    let source_links = source_gateway.map(|own| links(estate, own)).unwrap_or_default();
    let existing = own_gateway
        .map(|own| links(estate, own))
        .unwrap_or_default()
        .into_iter()
        .find(|own| own.0 == circuit);
    let mut units = (1, 2);
    if let Some(body) = source_gateway.and_then(|own| estate.bodies.get(own)) {
        let bound = |end: &str| {
            read::number(body, &format!("/properties/autoScaleConfiguration/bounds/{end}"))
        };
        units = (bound("min").unwrap_or(1).max(1), bound("max").unwrap_or(2).max(1));
    }
    let key = if circuit.subscription().eq_ignore_ascii_case(gateway.subscription()) {
        DraftKey::None
    } else {
        DraftKey::Made(format!("auth-{}", hub.name()))
    };
    let mut azure: Vec<IpNet> = matched.iter().flat_map(|own| own.target.space.clone()).collect();
    azure.push(prefix);
    let names: Vec<String> = matched.iter().map(|own| own.target.id.name().to_owned()).collect();
    let v4 = |mut all: Vec<IpNet>| {
        all.retain(|own| matches!(own, IpNet::V4(_)));
        all
    };
    let mut onprem = estate.heard_by(&circuit);
    if onprem.is_empty() {
        onprem = estate.all_sites();
    }
    let source_circuits: Vec<ResourceId> = source_links.into_iter().map(|own| own.0).collect();
    Ok(WanDraft {
        wan,
        hub_exists: there.is_some(),
        preference: there
            .and_then(|(_, body)| read::text(body, "/properties/hubRoutingPreference"))
            .map_or("expressroute", |own| match own {
                "ASPath" => "as_path",
                "VpnGateway" => "vpn",
                _ => "expressroute",
            })
            .to_owned(),
        hub,
        prefix,
        gateway_exists: own_gateway.is_some(),
        gateway,
        units,
        connection: existing
            .as_ref()
            .map_or_else(|| format!("con-{}", circuit.name()), |own| own.1.clone()),
        connected: existing.map(|own| own.2),
        networks: matched
            .iter()
            .zip(keys(&names))
            .map(|(own, key)| {
                let name = format!("con-{}", own.target.id.name());
                (key, own.target.id.clone(), name)
            })
            .collect(),
        onprem: v4(onprem),
        azure: v4(azure),
        source_hub: source_hub.clone(),
        source_onprem: v4(source_circuits.iter().flat_map(|own| estate.heard_by(own)).collect()),
        source_azure: v4(networks.iter().flat_map(|own| own.space.clone()).collect()),
        source_circuits,
        circuit,
        key,
        weight: advice.chosen.get("weight").and_then(|own| own.parse().ok()).unwrap_or(100),
        target: advice.target.clone(),
    })
}

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
    let hub_id = || expr("steps.hub.id");
    let mut steps = vec![
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
    ];
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
    if matches!(own.key, DraftKey::Made(_)) {
        connection = connection.with("authorization", expr("steps.authorization.id"));
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
    steps.push(
        StepText::new(
            "routes_learned",
            "On-premises prefixes are learned by the hub's own gateway",
            "verify.hub_routes",
        )
        .needs(&["connection"])
        .with("hub", hub_id())
        .with("expect", expr("params.onprem_prefixes"))
        .say("call", "The on-premises network team, if a prefix is missing; they advertise it."),
    );
    steps.push(
        StepText::new(
            "circuit_routes",
            &format!("{} carries both sides on both paths", own.circuit.name()),
            "verify.circuit_routes",
        )
        .needs(&["routes_learned", "network"])
        .with("circuit", expr("params.circuit"))
        .with("expect", expr("params.onprem_prefixes + params.azure_prefixes")),
    );
    steps.push(
        StepText::new("names", "The names of the applications lead to the target", "manual")
            .needs(&["circuit_routes"])
            .question(
                "Bring the machines up in the recovery networks, point the names of the applications at their \
                 addresses there, and confirm when an on-premises machine resolves and reaches them.",
            )
            .with("expires_after", "4h"),
    );
    body.steps = steps;
    body
}

/// The way home.
pub(super) fn body_home(own: &WanDraft) -> Body {
    let mut body = Body { params: params(own), ..Body::default() };
    body.params.push(onprem(&own.source_onprem, "What the source must learn from on-premises."));
    let mut steps = vec![
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
    ];
    let key = match &own.key {
        DraftKey::Made(name) | DraftKey::There(name) => {
            Some(format!("\"${{params.circuit}}/authorizations/{name}\""))
        }
        DraftKey::None => None,
    };
    let mut home = "go_ahead";
    if own.connected.is_none() {
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
        home = "forgotten";
    }
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
    body.steps = steps;
    body
}
