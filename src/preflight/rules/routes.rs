//! Do the circuit's peerings work, and does what they carry fit?

use std::collections::BTreeSet;

use crate::arm;
use crate::arm::CircuitPath;
use crate::model::action::Verification;
use crate::model::azure_limits::{
    VNET_PREFIXES, VNET_PREFIXES_AT_CREATION, VNET_PREFIXES_V6, gateway_sku, onprem_prefixes_max,
};
use crate::model::coverage::is_default;
use crate::model::{Action, ResourceId, Step};
use crate::preflight::carried::Carried;
use crate::preflight::inquiry::{GATEWAYS, Inquiry, about, found, known, peering, text, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

const PATHS: [&str; 2] = CircuitPath::NAMES;

/// The rules about peerings of circuits and their routes.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "PEER-PRIVATE",
        severity: FindingSeverity::Block,
        fails_when: "The circuit has no private peering, or it is not Enabled.",
        reads: "peerings/AzurePrivatePeering: state, provisioningState",
        why: "Virtual networks are reached over the private peering alone.",
        fix: "Configure it with the provider: two /30 prefixes, a VLAN, the customer's AS number.",
        source: "E-WF",
        judge: private,
    },
    Rule {
        id: "PEER-SUBNETS",
        severity: FindingSeverity::Block,
        fails_when: "A path of the private peering has no prefix, or not a /30 (or /126).",
        reads: "primaryPeerAddressPrefix, secondaryPeerAddressPrefix",
        why: "Each path needs two addresses, one for each edge.",
        fix: "Configure both prefixes.",
        source: "E-WF",
        judge: subnets,
    },
    Rule {
        id: "PEER-NO-LEG",
        severity: FindingSeverity::Block,
        fails_when: "Neither path of the private peering has a session.",
        reads: "route table summaries of both paths",
        why: "Nothing is carried: the run would wait for a gateway and its routes in vain.",
        fix: "Call the provider's NOC with the service key, and look at the customer's edge; waive the rule \
              where somebody switches the sessions on during the run.",
        source: "azure-facts 2.2 (no leg at all), E-TRB",
        judge: no_leg,
    },
    Rule {
        id: "PEER-ONE-LEG",
        severity: FindingSeverity::Warn,
        fails_when: "Only one path of the private peering has a session.",
        reads: "route table summaries of both paths",
        why: "It carries, and the next fault on it cuts everything.",
        fix: "Call the provider's NOC with the service key.",
        source: "E-TRB",
        judge: one_leg,
    },
    Rule {
        id: "PORT-SHUT",
        severity: FindingSeverity::Block,
        fails_when: "Both links of the ExpressRoute Direct port that a circuit stands on are shut (adminState Disabled), \
                     as they are when a port is made.",
        reads: "properties.expressRoutePort; the port: links",
        why: "No light, no ARP and no session: the circuit is Enabled and Provisioned all the same, and carries nothing.",
        fix: "Set adminState Enabled on the port's links.",
        source: "azure-docs expressroute-howto-erdirect.md",
        judge: |inquiry| by_port(inquiry, |shut| shut == 2),
    },
    Rule {
        id: "PORT-ONE-LEG",
        severity: FindingSeverity::Warn,
        fails_when: "One of the two links of the ExpressRoute Direct port that a circuit stands on is shut.",
        reads: "properties.expressRoutePort; the port: links",
        why: "It carries over the other, and the next fault on that cuts everything.",
        fix: "Set adminState Enabled on the port's link.",
        source: "azure-docs expressroute-howto-erdirect.md",
        judge: |inquiry| by_port(inquiry, |shut| shut == 1),
    },
    Rule {
        id: "PEER-L3-PROVIDER",
        severity: FindingSeverity::Block,
        fails_when: "The provider manages the peering of a circuit that the runbook writes.",
        reads: "peerings: lastModifiedBy",
        why: "A write of ours would overwrite what the provider set, and break the routing.",
        fix: "Let the provider do it, and take the step out.",
        source: "E-TRB",
        judge: provider_managed,
    },
    Rule {
        id: "PEER-MS-REPL",
        severity: FindingSeverity::Block,
        fails_when: "The runbook relies on Microsoft peering, and the circuit has none that is Enabled.",
        reads: "peerings/MicrosoftPeering: state",
        why: "Replication from on-premises cannot use private peering.",
        fix: "Configure Microsoft peering, or replicate over the Internet.",
        source: "SEED",
        judge: microsoft,
    },
    Rule {
        id: "PEER-MS-PREFIX",
        severity: FindingSeverity::Block,
        fails_when: "The public prefixes of a Microsoft peering that is relied on are not Configured.",
        reads: "microsoftPeeringConfig.advertisedPublicPrefixesState",
        why: "Prefixes that Microsoft has not validated are not accepted.",
        fix: "Prove to Microsoft that the prefixes are yours.",
        source: "E-WF",
        judge: microsoft_prefixes,
    },
    Rule {
        id: "PEER-PUBLIC",
        severity: FindingSeverity::Warn,
        fails_when: "The circuit still has a public peering.",
        reads: "peerings/AzurePublicPeering",
        why: "Public peering is retired; replication over it stops without a word.",
        fix: "Move to Microsoft peering.",
        source: "SEED, E-FAQ",
        judge: public,
    },
    Rule {
        id: "RT-ONPREM",
        severity: FindingSeverity::Block,
        fails_when: "On-premises advertises more prefixes than the circuit's tier takes.",
        reads: "route table summary: statePfxRcd, a count or `Idle (PfxCt)`",
        why: "The BGP session drops until there are fewer.",
        fix: "Summarise on-premises, or raise the circuit to Premium.",
        source: "E-LIM, Cisco 25160",
        judge: too_many_from_onprem,
    },
    Rule {
        id: "RT-ONPREM-NEAR",
        severity: FindingSeverity::Warn,
        fails_when: "On-premises advertises more than nine tenths of what the circuit's tier takes.",
        reads: "route table summary: statePfxRcd",
        why: "A reorganisation on-premises could cut the session.",
        fix: "Summarise on-premises, or raise the circuit to Premium.",
        source: "E-LIM",
        judge: many_from_onprem,
    },
    Rule {
        id: "RT-VNET",
        severity: FindingSeverity::Block,
        fails_when: "Hub and transit spokes have more than 1,000 prefixes of IPv4, or more than 100 of IPv6, when the run \
                     has connected the hub, or put spokes behind its gateway.",
        reads: "addressSpace of the hub and its spokes",
        why: "The connection goes down until there are fewer.",
        fix: "Use fewer, larger prefixes.",
        source: "E-LIM, E-FAQ",
        judge: |inquiry| spaces(inquiry, When::Done),
    },
    Rule {
        id: "RT-CREATE-200",
        severity: FindingSeverity::Block,
        fails_when: "Hub and transit spokes have more than 200 prefixes when they are connected.",
        reads: "addressSpace of the hub and its spokes",
        why: "Azure refuses to make the connection.",
        fix: "Connect first, peer further spokes afterwards.",
        source: "E-LINK (2020)",
        judge: |inquiry| spaces(inquiry, When::Connected),
    },
    Rule {
        id: "RT-GW-SKU",
        severity: FindingSeverity::Warn,
        fails_when: "The circuit brings more routes than the gateway's SKU learns.",
        reads: "route table summary; the gateway's SKU",
        why: "Routes beyond its figure are not promised.",
        fix: "Use a larger SKU.",
        source: "E-LIM",
        judge: by_sku,
    },
    Rule {
        id: "RT-DEFAULT",
        severity: FindingSeverity::Warn,
        fails_when: "On-premises advertises 0.0.0.0/0, in whole or in halves, or the same of IPv6.",
        reads: "route tables of both paths",
        why: "Everything that leaves the networks, Azure's own services included, goes on-premises.",
        fix: "Know it; add service endpoints or routes where Azure must be reached directly.",
        source: "E-FAQ",
        judge: default_route,
    },
    Rule {
        id: "RT-COLLIDE",
        severity: FindingSeverity::Warn,
        fails_when: "A prefix of the networks or hubs to be connected, or put behind a gateway that is connected, or a \
                     part of one, comes from on-premises as well.",
        reads: "route tables of both paths, or the prefixes of a standing tunnel's device; addressSpace of the networks \
                behind the gateway, or of the hubs of its WAN and theirs",
        why: "The more specific prefix wins, on each side for itself: traffic may stay on-premises. A shorter one that \
              covers them, as many advertise, takes nothing away.",
        fix: "Withdraw the prefix on-premises before the networks are connected.",
        source: "azure-facts 2.2",
        judge: collide,
    },
];

fn private(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    inquiry.each(&inquiry.counted_on(), |_, body| {
        let Some(peering) = peering(body, arm::PRIVATE_PEERING) else {
            return Some(FindingVerdict::Failed("it has no private peering".to_owned()));
        };
        let state = arm::CircuitPeeringView::of(peering).state().unwrap_or("not reported");
        let failed = arm::has_failed(peering);
        Some(unless(!state.eq_ignore_ascii_case("Enabled") || failed, || {
            format!("its private peering is {}", if failed { "Failed" } else { state })
        }))
    })
}

fn subnets(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    inquiry.each(&inquiry.circuits_used(), |_, body| {
        let peering = peering(body, arm::PRIVATE_PEERING)?;
        let wrong = CircuitPath::BOTH.into_iter().find(|path| {
            let net = arm::CircuitPeeringView::of(peering).prefix(*path);
            net.is_none_or(|net| net.max_prefix_len() - net.prefix_len() != 2)
        });
        Some(found(wrong.map(|path| format!("its {path} path has no /30")), Ok(())))
    })
}

/// Judges each circuit that is connected to by what its paths bring.
fn by_received(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&ResourceId, [Option<u64>; 2]) -> Option<FindingVerdict>,
) -> Vec<Judged> {
    let each = |id: &ResourceId| {
        let verdict = match inquiry.read(id) {
            Ok(None) => return None,
            // Without a private peering there is nothing to ask for.
            Ok(Some(body)) if peering(body, arm::PRIVATE_PEERING).is_none() => return None,
            Ok(Some(_)) => match inquiry.received(id) {
                Ok(both) => judge(id, both)?,
                Err(why) => FindingVerdict::Unknown(why),
            },
            Err(why) => FindingVerdict::Unknown(why),
        };
        Some(about(id, verdict))
    };
    inquiry.counted_on().iter().filter_map(each).collect()
}

/// Judges each circuit that is connected to by its paths without a session. Where the circuit or its private
/// peering is switched off there can be none: the rules about that say so.
fn by_silent(inquiry: &Inquiry<'_>, judge: impl Fn(&[&str]) -> FindingVerdict) -> Vec<Judged> {
    by_received(inquiry, |id, both| {
        let body = inquiry.facts.body(id)?;
        let circuit = arm::CircuitView::of(body);
        let enabled = circuit.state().is_some_and(|own| own.eq_ignore_ascii_case("Enabled"));
        let peered = peering(body, arm::PRIVATE_PEERING)
            .is_some_and(|peering| arm::CircuitPeeringView::of(peering).is_enabled());
        if !(circuit.is_provisioned() && enabled && peered) {
            return None;
        }
        let down = PATHS.iter().zip(both).filter(|(_, got)| got.is_none()).map(|(path, _)| *path);
        Some(judge(&down.collect::<Vec<_>>()))
    })
}

fn no_leg(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    by_silent(inquiry, |down| {
        unless(down.len() == PATHS.len(), || "no session on either of its paths".to_owned())
    })
}

fn one_leg(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    by_silent(inquiry, |down| match down {
        [path] => FindingVerdict::Failed(format!("no session on its {path} path")),
        _ => FindingVerdict::Passed,
    })
}

/// Judges each circuit on a port by how many of the port's links are shut.
fn by_port(inquiry: &Inquiry<'_>, fails: impl Fn(usize) -> bool) -> Vec<Judged> {
    inquiry.each(&inquiry.circuits_used(), |_, body| {
        let port = arm::CircuitView::of(body).port()?;
        let standing = inquiry.facts.body(&port)?;
        let shut = CircuitPath::BOTH.into_iter().filter(|path| arm::is_shut(standing, *path));
        let paths: Vec<&str> = shut.map(CircuitPath::as_str).collect();
        Some(unless(fails(paths.len()), || {
            format!("port {} is shut on its {} path", port.name(), paths.join(" and its "))
        }))
    })
}

fn provider_managed(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let raised = inquiry.plan.steps_to_run().filter_map(|step| match &step.action {
        Action::Bandwidth(spec) => Some(&spec.id),
        Action::Tier(spec) => Some(&spec.id),
        _ => None,
    });
    inquiry.each(raised, |_, body| {
        let by = arm::CircuitView::of(body).peerings().iter().find_map(|peering| {
            arm::CircuitPeeringView::of(peering)
                .modified_by()
                .filter(|by| !by.is_empty() && !by.eq_ignore_ascii_case("customer"))
        });
        Some(unless(by.is_some(), || {
            format!("its peering is managed by {}", by.unwrap_or_default())
        }))
    })
}

/// The circuits whose Microsoft peering the runbook relies on.
fn relied_on<'a>(inquiry: &Inquiry<'a>) -> Vec<&'a ResourceId> {
    let steps = inquiry.plan.steps_to_run();
    steps
        .filter_map(|step| match &step.action {
            Action::Verify(Verification::MicrosoftPeering { circuit }) => Some(circuit),
            _ => None,
        })
        .collect()
}

fn microsoft(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    inquiry.each(relied_on(inquiry), |_, body| {
        let enabled = peering(body, "MicrosoftPeering")
            .is_some_and(|peering| arm::CircuitPeeringView::of(peering).is_enabled());
        Some(unless(!enabled, || "it has no Microsoft peering that is Enabled".to_owned()))
    })
}

fn microsoft_prefixes(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    inquiry.each(relied_on(inquiry), |_, body| {
        let peering = peering(body, "MicrosoftPeering")?;
        let pointer = "/properties/microsoftPeeringConfig/advertisedPublicPrefixesState";
        let state = text(peering, pointer).unwrap_or("not reported");
        Some(unless(!state.eq_ignore_ascii_case("Configured"), || format!("they are {state}")))
    })
}

fn public(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    inquiry.each(inquiry.circuits(), |_, body| {
        let there = peering(body, "AzurePublicPeering").is_some();
        Some(unless(there, || "it has a public peering".to_owned()))
    })
}

/// How many prefixes a circuit's tier takes from on-premises.
fn taken_of_onprem(inquiry: &Inquiry<'_>, circuit: &ResourceId) -> Option<u64> {
    let body = inquiry.facts.body(circuit)?;
    u64::try_from(onprem_prefixes_max(arm::CircuitView::of(body).is_tier("Premium"))).ok()
}

fn too_many_from_onprem(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    by_received(inquiry, |id, both| {
        let max = taken_of_onprem(inquiry, id)?;
        if inquiry.is_over_limit(id) {
            let why = format!("a session ended for its count of prefixes: this tier takes {max}");
            return Some(FindingVerdict::Failed(why));
        }
        let most = both.into_iter().flatten().max()?;
        Some(unless(most > max, || format!("it brings {most} of {max} prefixes")))
    })
}

fn many_from_onprem(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    by_received(inquiry, |id, both| {
        let max = taken_of_onprem(inquiry, id)?;
        let most = both.into_iter().flatten().max()?;
        Some(unless(most * 10 > max * 9, || format!("it brings {most} of {max} prefixes")))
    })
}

fn spaces(inquiry: &Inquiry<'_>, when: When) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, gateway) in grown(inquiry, when) {
        let then = match when {
            When::Connected => inquiry.at_most(step),
            When::Done => inquiry.at_end(),
        };
        let verdict = match then.advertised(&gateway) {
            Some(prefixes) => {
                let v6 = prefixes.iter().filter(|net| matches!(net, ipnet::IpNet::V6(_))).count();
                let (count, v4) = (prefixes.len(), prefixes.len() - v6);
                match when {
                    When::Done if v4 <= VNET_PREFIXES && v6 > VNET_PREFIXES_V6 => {
                        FindingVerdict::Failed(format!("its networks have {v6} prefixes of IPv6"))
                    }
                    When::Done => {
                        unless(v4 > VNET_PREFIXES, || format!("its networks have {v4} prefixes"))
                    }
                    When::Connected => unless(count > VNET_PREFIXES_AT_CREATION, || {
                        format!("its networks have {count} prefixes")
                    }),
                }
            }
            None => {
                FindingVerdict::Unknown("a network behind the gateway cannot be read".to_owned())
            }
        };
        all.push(about(&gateway, verdict));
    }
    all
}

/// The gateways of networks that are connected to circuits; and of those that stand connected, where the run puts
/// networks behind them.
fn grown<'a>(inquiry: &Inquiry<'a>, when: When) -> Vec<(&'a Step, ResourceId)> {
    let mut all: Vec<(&Step, ResourceId)> = inquiry
        .connections()
        .into_iter()
        .map(|(step, spec)| (step, spec.gateway.clone()))
        .collect();
    for (own, _) in inquiry.joined() {
        let seen = all.iter().any(|(_, gateway)| *gateway == own.way.gateway);
        let of_network = own.circuit().is_some() && own.way.gateway.is_a(GATEWAYS);
        if matches!(when, When::Done) && of_network && !seen {
            all.push((own.step, own.way.gateway));
        }
    }
    all
}

/// When the networks behind a gateway are counted.
#[derive(Clone, Copy)]
enum When {
    /// When the connection is made: what is peered later does not count.
    Connected,
    /// When the run has ended.
    Done,
}

fn by_sku(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec) in inquiry.connections() {
        let planned =
            inquiry.gateways().into_iter().find(|(_, gateway)| gateway.id == spec.gateway);
        let sku = planned.map(|(_, gateway)| gateway.sku.clone()).or_else(|| {
            Some(arm::GatewayView::of(inquiry.facts.body(&spec.gateway)?).sku()?.to_owned())
        });
        let Some(sku) = sku.as_deref().and_then(gateway_sku) else { continue };
        let both = match inquiry.received(&spec.circuit) {
            Ok(both) => both,
            Err(why) => {
                all.push(about(&spec.gateway, FindingVerdict::Unknown(why)));
                continue;
            }
        };
        let Some(most) = both.into_iter().flatten().max() else { continue };
        all.push(about(
            &spec.gateway,
            unless(most > sku.routes_learned, || {
                format!("{most} routes come, and {} learns {}", sku.name, sku.routes_learned)
            }),
        ));
    }
    all
}

fn default_route(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    by_received(inquiry, |id, _| {
        Some(match inquiry.heard(id) {
            Ok(heard) => unless(heard.iter().any(is_default), || {
                let all: BTreeSet<String> =
                    heard.iter().filter(|own| is_default(own)).map(ToString::to_string).collect();
                format!("on-premises advertises {}", Vec::from_iter(all).join(" and "))
            }),
            Err(why) => FindingVerdict::Unknown(why),
        })
    })
}

/// What on-premises says in general (`10.0.0.0/8`) takes nothing away from what Azure says in particular: only a prefix
/// that is as long or longer does.
fn collide(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let judge = |own_way: &Carried<'_>| -> Result<FindingVerdict, String> {
        let (heard, ours) = (inquiry.told_by(&own_way.way.far)?, end.space_on(own_way)?);
        let clash = ours.iter().find_map(|own| {
            let theirs = heard.iter().find(|theirs| !is_default(theirs) && own.contains(*theirs));
            theirs.map(|theirs| match &own_way.network {
                None => format!("on-premises advertises {theirs}, and {own} is to be connected"),
                Some(network) => {
                    let (tells, name) = (own_way.way.far.tells(theirs), network.name());
                    format!("{tells}, and {name} has {own}")
                }
            })
        });
        Ok(found(clash, Ok(())))
    };
    let all = inquiry.carried().into_iter();
    // What is behind the device of a tunnel that is made is judged with the tunnel.
    let all = all.filter(|own| own.network.is_some() || own.circuit().is_some());
    all.map(|own| {
        // A network is put behind many circuits, and a circuit has many networks.
        let of = if own.network.is_some() { own.written() } else { own.way.far.id() };
        about(of, known(judge(&own)))
    })
    .collect()
}
