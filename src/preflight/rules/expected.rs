//! Can what verifications wait for come over the circuits, and does anybody tell it there?

use std::collections::BTreeSet;

use ipnet::IpNet;

use crate::arm;
use crate::arm::CircuitPath;
use crate::arm::kind::CIRCUITS;
use crate::model::action::{JudgedPaths, Verification};
use crate::model::coverage::coverage;
use crate::model::{Action, ResourceId, Step};

use crate::preflight::inquiry::{
    HUB_GATEWAYS, Inquiry, about, circuit_of, peering, route_server, subnet_named, unless,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule, worst_of_each};

/// The rules about what verifications wait for.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "RT-EXPECTED",
        severity: FindingSeverity::Warn,
        fails_when: "A prefix that a verification expects of a gateway, of a path of a circuit or of a hub is told \
                     by nobody there; or one that a gateway is to advertise is in no network that it speaks for.",
        reads: "route tables of each path; the networks behind the gateways and hubs; the prefixes of \
                verify.routes, verify.advertised, verify.circuit_routes and verify.hub_routes",
        why: "The verification would wait for it until its time is up; a default route proves no prefix.",
        fix: "Let on-premises advertise the prefix or one that contains it over this circuit, on both of its \
              paths; let the verification need the step that puts the network behind the gateway; or take the prefix out of \
              `expect`.",
        source: "azure-docs 95996, 43527",
        judge: expected,
    },
    Rule {
        id: "PEER-IPV6",
        severity: FindingSeverity::Warn,
        fails_when: "Networks with IPv6 prefixes are connected to a circuit whose private peering has no IPv6, or put \
                     behind a gateway that is.",
        reads: "peerings/AzurePrivatePeering: ipv6PeeringConfig; addressSpace of the networks",
        why: "No IPv6 prefix crosses the circuit, in either direction: IPv4 recovers alone.",
        fix: "Configure IPv6 on the private peering: two /126 prefixes, beside those of IPv4.",
        source: "azure-facts 2.2",
        judge: without_v6,
    },
    Rule {
        id: "PEER-IPV6-GATEWAY",
        severity: FindingSeverity::Block,
        fails_when: "A gateway whose own subnet has an IPv6 prefix is to be connected to a circuit whose private \
                     peering has no IPv6.",
        reads: "GatewaySubnet: addressPrefixes; peerings/AzurePrivatePeering: ipv6PeeringConfig",
        why: "Azure does not connect a dual-stack gateway to a circuit that has IPv4 alone.",
        fix: "Configure IPv6 on the private peering, or make the gateway in a subnet without an IPv6 prefix.",
        source: "azure-docs expressroute-howto-add-ipv6-portal.md (limitations), PR 114738",
        judge: dual_gateway,
    },
    Rule {
        id: "PEER-IPV6-EXPECTED",
        severity: FindingSeverity::Block,
        fails_when: "A verification expects an IPv6 prefix over circuits whose private peering has no IPv6.",
        reads: "peerings/AzurePrivatePeering: ipv6PeeringConfig; the prefixes of verify.routes, \
                verify.advertised and verify.circuit_routes",
        why: "It never comes: the verification fails when its time is up.",
        fix: "Configure IPv6 on the private peering, or take the prefix out of `expect`.",
        source: "azure-facts 2.2",
        judge: expected_v6,
    },
];

fn expected(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let steps = inquiry.plan.steps_to_run();
    let judged = steps.filter_map(|step| match &step.action {
        Action::Verify(Verification::Routes { gateway, expect }) => {
            Some(about(gateway, of_gateway(inquiry, step, gateway, expect)?))
        }
        Action::Verify(Verification::Advertised { gateway, expect }) => {
            Some(about(gateway, of_advertised(inquiry, step, gateway, expect)?))
        }
        Action::Verify(Verification::CircuitRoutes { circuit, expect, paths, .. }) => {
            Some(about(circuit, of_circuit(inquiry, step, circuit, (expect, *paths))?))
        }
        Action::Verify(Verification::HubRoutes { hub, expect, .. }) => {
            Some(about(hub, of_hub(inquiry, step, hub, expect)?))
        }
        _ => None,
    });
    judged.collect()
}

/// The first prefix that is missing, in words.
fn missing(expect: &[IpNet], told: &[IpNet], words: &str) -> Option<String> {
    expect.iter().find_map(|prefix| {
        let how = coverage(prefix, told);
        (!how.is_whole()).then(|| format!("{prefix} {words}{}", how.remark()))
    })
}

/// Passed, or failed where everything was read.
fn verdict(missing: Option<String>, unread: Option<String>) -> FindingVerdict {
    match (missing, unread) {
        (None, _) => FindingVerdict::Passed,
        (Some(_), Some(why)) => FindingVerdict::Unknown(why),
        (Some(why), None) => FindingVerdict::Failed(why),
    }
}

/// What on-premises tells a gateway, over either path of any of its circuits.
fn of_gateway(
    inquiry: &Inquiry<'_>,
    step: &Step,
    gateway: &ResourceId,
    expect: &[IpNet],
) -> Option<FindingVerdict> {
    let then = inquiry.at(step);
    let circuits = circuits_at(&then, gateway);
    // What other networks of the circuit have, another rule judges.
    let beside = circuits.iter().flat_map(|circuit| then.links(circuit));
    let beside = beside.filter_map(|(_, link)| arm::ConnectionView::of(link).gateway());
    let beside = beside.filter(|other| other != gateway).filter_map(|own| then.advertised(&own));
    told_over(inquiry, &circuits, (expect, &beside.flatten().collect::<Vec<_>>()))
}

/// What a gateway has to tell: its network and those that use it by then. What a Route Server beside it passes on is
/// seen by nobody before.
fn of_advertised(
    inquiry: &Inquiry<'_>,
    step: &Step,
    gateway: &ResourceId,
    expect: &[IpNet],
) -> Option<FindingVerdict> {
    // What comes beside the verification is waited for.
    let then = inquiry.at_most(step);
    let host = then.vnet_of(gateway)?;
    if then.facts.body(&host).is_some_and(|body| route_server(body).is_some()) {
        return None;
    }
    Some(match then.advertised(gateway) {
        Some(told) => verdict(
            missing(expect, &told, "is in no network that the gateway speaks for by then"),
            None,
        ),
        None => FindingVerdict::Unknown("a network behind the gateway cannot be read".to_owned()),
    })
}

fn circuits_at(then: &Inquiry<'_>, gateway: &ResourceId) -> Vec<ResourceId> {
    let links = then.links_of(gateway).into_iter();
    let circuits = links.filter_map(|(_, link)| arm::ConnectionView::of(link).circuit());
    circuits.filter(|id| id.is_a(CIRCUITS)).collect()
}

/// Whether on-premises tells what is expected over any of these circuits; nothing where there is none: other
/// rules, and the verification, say so.
fn told_over(
    inquiry: &Inquiry<'_>,
    circuits: &[ResourceId],
    (expect, besides): (&[IpNet], &[IpNet]),
) -> Option<FindingVerdict> {
    if circuits.is_empty() {
        return None;
    }
    let (mut told, mut unread) = (besides.to_vec(), None);
    for circuit in circuits {
        match inquiry.heard(circuit) {
            Ok(heard) => told.extend(heard),
            Err(why) => unread = Some(why),
        }
    }
    Some(verdict(missing(expect, &told, "is not advertised by on-premises"), unread))
}

/// What each path of a circuit tells: on-premises' prefixes of that path, and those of the networks on the circuit.
fn of_circuit(
    inquiry: &Inquiry<'_>,
    step: &Step,
    circuit: &ResourceId,
    (expect, paths): (&[IpNet], JudgedPaths),
) -> Option<FindingVerdict> {
    // What comes beside the verification is waited for.
    let then = inquiry.at_most(step);
    let (links, hubs) = (then.links(circuit), then.hub_links_to(circuit));
    if expect.is_empty() {
        return None;
    }
    if links.is_empty() && hubs.is_empty() {
        return one_path_alone(inquiry, circuit, expect).filter(|_| paths == JudgedPaths::Both);
    }
    let (mut ours, mut unread) = (Vec::new(), None);
    for (_, link) in links {
        let gateway = arm::ConnectionView::of(link).gateway();
        match gateway.and_then(|gateway| then.advertised(&gateway)) {
            Some(space) => ours.extend(space),
            None => unread = Some("a network behind the gateway cannot be read".to_owned()),
        }
    }
    for hub in hubs.iter().filter_map(|link| link.hub()) {
        match then.hub_space(&hub) {
            Ok(space) => ours.extend(space),
            Err(why) => unread = Some(why),
        }
    }
    let (mut hit, mut silent) = (None, 0);
    for path in CircuitPath::NAMES {
        match inquiry.heard_on(circuit, path) {
            // A path without a session is left out where any will do; PEER-ONE-LEG says that it is down.
            Ok(heard) if heard.is_empty() && paths == JudgedPaths::Any && silent == 0 => {
                silent += 1
            }
            Ok(heard) => {
                let told = [ours.as_slice(), heard.as_slice()].concat();
                let words = format!("is told by nobody on its {path} path");
                hit = hit.or_else(|| missing(expect, &told, &words));
            }
            Err(why) => return Some(FindingVerdict::Unknown(why)),
        }
    }
    Some(verdict(hit, unread))
}

/// Of a circuit whose connections are not known: what on-premises tells on one path and not on the other.
fn one_path_alone(
    inquiry: &Inquiry<'_>,
    circuit: &ResourceId,
    expect: &[IpNet],
) -> Option<FindingVerdict> {
    let [first, second] = CircuitPath::NAMES;
    let (here, there) = (inquiry.heard_on(circuit, first), inquiry.heard_on(circuit, second));
    let (Ok(here), Ok(there)) = (here, there) else { return None };
    let lost = |told: &[IpNet], silent: &[IpNet], path: &str| {
        let known = expect.iter().filter(|prefix| coverage(prefix, told).is_whole());
        let known: Vec<IpNet> = known.copied().collect();
        missing(&known, silent, &format!("is told by nobody on its {path} path"))
    };
    let hit = lost(&here, &there, second).or_else(|| lost(&there, &here, first));
    hit.map(FindingVerdict::Failed)
}

/// What the circuits of a hub's own gateway bring: what another hub passes on does not count, nor do networks.
fn of_hub(
    inquiry: &Inquiry<'_>,
    step: &Step,
    hub: &ResourceId,
    expect: &[IpNet],
) -> Option<FindingVerdict> {
    let then = inquiry.at_most(step);
    let here = then.hub_links().filter(|link| link.hub().as_ref() == Some(hub));
    let circuits: Vec<ResourceId> = here.filter_map(|link| circuit_of(link.body)).collect();
    told_over(inquiry, &circuits, (expect, &[]))
}

/// Whether a circuit's private peering carries no IPv6; without a body or a peering, other rules speak.
fn lacks_v6(inquiry: &Inquiry<'_>, circuit: &ResourceId) -> Result<bool, String> {
    let own = inquiry.read(circuit)?.and_then(|body| peering(body, arm::PRIVATE_PEERING));
    Ok(own.is_some_and(|own| !arm::CircuitPeeringView::of(own).speaks_v6()))
}

fn is_v6(prefix: &IpNet) -> bool {
    matches!(prefix, IpNet::V6(_))
}

fn without_v6(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
    for own in inquiry.carried() {
        let Some(circuit) = own.circuit() else { continue };
        // A gateway whose networks cannot be read is told by other rules; hubs take no IPv6 at all.
        let Ok(space) = end.space_on(&own) else { continue };
        let of_hub = own.way.gateway.is_a(HUB_GATEWAYS);
        if of_hub || !space.iter().any(is_v6) || !seen.insert(own.way.clone()) {
            continue;
        }
        let verdict = match lacks_v6(inquiry, circuit) {
            Ok(lacks) => unless(lacks, || {
                let net = space.iter().find(|net| is_v6(net)).map(ToString::to_string);
                format!("{} is to be reached over it", net.unwrap_or_default())
            }),
            Err(why) => FindingVerdict::Unknown(why),
        };
        all.push(about(circuit, verdict));
    }
    all
}

fn dual_gateway(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.connections() {
        let then = inquiry.at(step);
        // One that stands has been taken.
        let stands = matches!(then.read(&spec.id), Ok(Some(_)));
        let subnet = then
            .vnet_of(&spec.gateway)
            .and_then(|vnet| subnet_named(then.facts.body(&vnet)?, "GatewaySubnet"));
        let Some(subnet) = subnet.filter(|_| !stands) else { continue };
        let Some(prefix) = arm::SubnetView::of(subnet).prefixes().into_iter().find(is_v6) else {
            continue;
        };
        let verdict = match lacks_v6(&then, &spec.circuit) {
            Ok(lacks) => {
                unless(lacks, || format!("the subnet of {} has {prefix}", spec.gateway.name()))
            }
            Err(why) => FindingVerdict::Unknown(why),
        };
        all.push(about(&spec.circuit, verdict));
    }
    worst_of_each(all)
}

fn expected_v6(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        let (id, expect, circuits) = match &step.action {
            Action::Verify(
                Verification::Routes { gateway, expect }
                | Verification::Advertised { gateway, expect },
            ) => (gateway, expect, circuits_at(&inquiry.at(step), gateway)),
            Action::Verify(Verification::CircuitRoutes { circuit, expect, .. }) => {
                (circuit, expect, vec![circuit.clone()])
            }
            _ => continue,
        };
        let Some(prefix) = expect.iter().find(|prefix| is_v6(prefix)) else { continue };
        if circuits.is_empty() {
            continue;
        }
        let lacking: Result<Vec<bool>, String> =
            circuits.iter().map(|circuit| lacks_v6(inquiry, circuit)).collect();
        let verdict = match lacking {
            // One circuit that carries it is enough for a gateway.
            Ok(lacking) => unless(lacking.iter().all(|lacks| *lacks), || {
                let names: Vec<&str> = circuits.iter().map(ResourceId::name).collect();
                format!("step `{}` expects {prefix} over {}", step.name, names.join(", "))
            }),
            Err(why) => FindingVerdict::Unknown(why),
        };
        all.push(about(id, verdict));
    }
    all
}
