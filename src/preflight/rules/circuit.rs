//! Can this circuit carry a connection to that region?

use std::collections::BTreeSet;

use serde_json::Value;

use super::raises;
use crate::arm;
use crate::model::action::{Tier, Verification};
use crate::model::azure_limits::links_max;
use crate::model::geography::{self, Basis, PeeringLocation};
use crate::model::{Action, ResourceId};
use crate::preflight::facts::Fact;
use crate::preflight::inquiry::{CONNECTIONS, HUB_GATEWAYS, Inquiry, about, found, text, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule, worst_of_each};

/// The rules about circuits.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "CIR-EXISTS",
        severity: FindingSeverity::Block,
        fails_when: "A circuit that the runbook connects to, or puts networks behind, does not exist.",
        reads: "the circuit",
        why: "Without it there is nothing to connect to.",
        fix: "Correct the circuit's id, or order the circuit: that takes days to weeks.",
        source: "azure-facts 2.1",
        judge: exists,
    },
    Rule {
        id: "CIR-ENABLED",
        severity: FindingSeverity::Block,
        fails_when: "`circuitProvisioningState` is not Enabled.",
        reads: "properties.circuitProvisioningState",
        why: "Microsoft's side of the circuit is not switched on.",
        fix: "Wait, or ask Azure support; a new circuit is Enabled within minutes.",
        source: "E-TRB, E-WF",
        judge: |inquiry| state(inquiry, "/properties/circuitProvisioningState", "Enabled"),
    },
    Rule {
        id: "CIR-PROVIDER",
        severity: FindingSeverity::Block,
        fails_when: "`serviceProviderProvisioningState` is not Provisioned.",
        reads: "properties.serviceProviderProvisioningState",
        why: "The connection would be accepted and then fail, after the gateway was waited for; one that stands carries \
              nothing.",
        fix: "Give the provider the circuit's service key and wait for them.",
        source: "E-WF",
        judge: provider,
    },
    Rule {
        id: "CIR-STATE",
        severity: FindingSeverity::Block,
        fails_when: "The circuit's `provisioningState` is Failed.",
        reads: "properties.provisioningState",
        why: "Azure refuses to use a resource that is not Succeeded.",
        fix: "Write the circuit again as it is (az network express-route update).",
        source: "azure-facts 2.1 (a recorded circuit stayed Failed)",
        judge: succeeded,
    },
    Rule {
        id: "CIR-BASIC",
        severity: FindingSeverity::Warn,
        fails_when: "The circuit's tier is Basic.",
        reads: "sku.tier",
        why: "The tier is in Azure's list and in none of its documents.",
        fix: "Ask Azure support what it may be used for.",
        source: "azure-facts 2.1",
        judge: |inquiry| {
            inquiry.each(inquiry.circuits(), |_, body| {
                Some(unless(arm::CircuitView::of(body).is_tier("Basic"), || {
                    "its tier is Basic".to_owned()
                }))
            })
        },
    },
    Rule {
        id: "GEO-LOCAL",
        severity: FindingSeverity::Block,
        fails_when: "The circuit is Local and the region is not near its peering location.",
        reads: "sku.tier, peeringLocation of the circuit or of its port; table of peering locations",
        why: "A Local circuit reaches only the regions beside its peering location.",
        fix: "Make the circuit Standard or Premium, or use one that is near the region.",
        source: "E-FAQ, E-LOC",
        judge: local,
    },
    Rule {
        id: "GEO-STANDARD",
        severity: FindingSeverity::Block,
        fails_when: "The circuit is Standard and the region is in another geopolitical region.",
        reads: "sku.tier, peeringLocation of the circuit or of its port; tables of peering locations and regions",
        why: "Only a Premium circuit reaches beyond its geopolitical region.",
        fix: "Raise the circuit to Premium; that takes minutes and no downtime.",
        source: "SEED, S-ERASR, E-FAQ",
        judge: standard,
    },
    Rule {
        id: "GEO-INFERRED",
        severity: FindingSeverity::Warn,
        fails_when: "No document says in which geopolitical region location or region is.",
        reads: "tables of peering locations and regions",
        why: "Whether a Standard circuit reaches the region is then a guess.",
        fix: "Look it up in Azure's list of ExpressRoute locations, or use Premium.",
        source: "azure-facts 2.1",
        judge: inferred,
    },
    Rule {
        id: "GEO-CLOUD",
        severity: FindingSeverity::Block,
        fails_when: "Circuit and network are in different clouds.",
        reads: "tables of peering locations and regions",
        why: "A circuit of one cloud never reaches a network of another.",
        fix: "Use a circuit of the network's cloud.",
        source: "E-LOC",
        judge: cloud,
    },
    Rule {
        id: "GEO-DIRECT",
        severity: FindingSeverity::Inform,
        fails_when: "The ExpressRoute Direct port that the circuit stands on is not to be seen, or says no location.",
        reads: "properties.expressRoutePort; the port: peeringLocation",
        why: "The circuit is where its port is: how far it reaches cannot be judged.",
        fix: "Grant Reader on the port, or look up its peering location.",
        source: "azure-facts 2.1",
        judge: direct,
    },
    Rule {
        id: "LINK-COUNT",
        severity: FindingSeverity::Block,
        fails_when: "The circuit has as many connections as its bandwidth and tier allow.",
        reads: "bandwidthInMbps, sku.tier; connections of networks and of hubs, Global Reach connections, \
                authorizations (authorizationUseStatus, connectionResourceUri)",
        why: "Azure refuses one more.",
        fix: "Remove a connection that is not needed, or raise bandwidth or tier.",
        source: "E-LIM",
        judge: link_count,
    },
    Rule {
        id: "LINK-COUNT-BLIND",
        severity: FindingSeverity::Warn,
        fails_when: "The connections of a subscription cannot be listed.",
        reads: "resources of the types connections and expressRouteGateways, by subscription",
        why: "What cannot be seen cannot be counted: the number of connections is a lower bound.",
        fix: "Grant Reader on the subscription.",
        source: "azure-facts 2.1",
        judge: blind,
    },
    Rule {
        id: "BW-SECONDARY",
        severity: FindingSeverity::Inform,
        fails_when: "The circuit has less bandwidth than one that a removed or standing connection used.",
        reads: "bandwidthInMbps of both circuits",
        why: "Production may be slower than before.",
        fix: "Raise the bandwidth in the runbook (circuit.bandwidth), or accept it.",
        source: "S-ERASR",
        judge: secondary,
    },
    raises::BW_RAISE,
    raises::BW_NEVER,
    raises::TIER_RAISE,
    Rule {
        id: "CIR-SAME-LOC",
        severity: FindingSeverity::Warn,
        fails_when: "Two circuits of the runbook are at the same peering location.",
        reads: "peeringLocation of both circuits",
        why: "They share the fate of the place.",
        fix: "Know it; a circuit elsewhere survives more.",
        source: "S-ERASR",
        judge: same_location,
    },
    Rule {
        id: "CIR-METRO",
        severity: FindingSeverity::Inform,
        fails_when: "The circuit is a Metro circuit.",
        reads: "peeringLocation",
        why: "Its two paths end at two sites of one city; gateway site-failover tests do not take it.",
        fix: "Nothing to do.",
        source: "E-METRO",
        judge: |inquiry| {
            inquiry.each(inquiry.circuits(), |_, body| {
                let metro = arm::CircuitView::of(body).location().is_some_and(arm::is_metro);
                metro.then(|| FindingVerdict::Failed("it is a Metro circuit".to_owned()))
            })
        },
    },
];

fn exists(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let judge = |id: &ResourceId| {
        let verdict = match inquiry.facts.resource(id) {
            Fact::Known(_) => FindingVerdict::Passed,
            Fact::Absent => FindingVerdict::Failed("there is no such circuit".to_owned()),
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        about(id, verdict)
    };
    inquiry.circuits_used().iter().map(judge).collect()
}

fn state(inquiry: &Inquiry<'_>, pointer: &str, wanted: &str) -> Vec<Judged> {
    inquiry.each(&inquiry.circuits_used(), |_, body| {
        let found = text(body, pointer).unwrap_or("not reported");
        Some(unless(!found.eq_ignore_ascii_case(wanted), || format!("it is {found}")))
    })
}

fn provider(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let pointer = "/properties/serviceProviderProvisioningState";
    inquiry.each(&inquiry.circuits_used(), |_, body| {
        // A circuit on a port of the customer's own has no provider.
        if arm::CircuitView::of(body).has_no_provider() {
            return None;
        }
        let found = text(body, pointer).unwrap_or("not reported");
        Some(unless(!found.eq_ignore_ascii_case("Provisioned"), || format!("it is {found}")))
    })
}

fn succeeded(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    inquiry.each(inquiry.circuits(), |_, body| {
        let failed = arm::has_failed(body);
        Some(unless(failed, || "its provisioningState is Failed".to_owned()))
    })
}

/// What is known of where a circuit is, and of the region that it shall reach.
struct CircuitReach {
    tier: String,
    /// As the circuit or its port writes it, or why that is not known.
    written: Result<String, String>,
    region: String,
}

impl CircuitReach {
    /// The line of the table; else why there is none.
    fn location(&self) -> Result<&'static PeeringLocation, String> {
        let written = self.written.as_ref().map_err(Clone::clone)?;
        let cloud = geography::region(&self.region).map(|region| region.cloud);
        let location = geography::location(written, cloud);
        location.ok_or_else(|| format!("`{written}` is in no table"))
    }
}

/// Judges each circuit with the region that a connection is to be made in.
fn by_reach(
    inquiry: &Inquiry<'_>,
    judge: impl Fn(&CircuitReach) -> Option<FindingVerdict>,
) -> Vec<Judged> {
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    for (step, circuit, own) in inquiry.reached() {
        if !seen.insert((circuit.clone(), own.clone())) {
            continue;
        }
        // What an earlier step raises it to counts.
        let raised = inquiry.raised_before(circuit, step);
        all.extend(inquiry.each([circuit], |id, body: &Value| {
            let written = inquiry.place_of(id).transpose()?.map(str::to_owned);
            judge(&CircuitReach {
                tier: Tier::parse(arm::CircuitView::of(body).tier().unwrap_or_default())
                    .max(raised)
                    .map(|tier| tier.as_str().to_ascii_lowercase())
                    .unwrap_or_default(),
                written,
                region: own.as_str().to_owned(),
            })
        }));
    }
    all
}

fn local(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    by_reach(inquiry, |reach| {
        if reach.tier != "local" {
            return None;
        }
        let location = match reach.location() {
            Ok(location) => location,
            Err(why) => return Some(FindingVerdict::Unknown(why)),
        };
        let near = location.local.contains(&reach.region.as_str());
        Some(unless(!near, || {
            format!("it is Local in {}, which is not beside {}", location.name, reach.region)
        }))
    })
}

fn standard(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    by_reach(inquiry, |reach| {
        if reach.tier != "standard" {
            return None;
        }
        let region = geography::region(&reach.region);
        let region = region.ok_or_else(|| format!("{} is in no table", reach.region));
        let (location, region) = match (reach.location(), region) {
            (Ok(location), Ok(region)) => (location, region),
            (Err(why), _) | (_, Err(why)) => return Some(FindingVerdict::Unknown(why)),
        };
        if location.geopolitical.is_empty() || region.geopolitical.is_empty() {
            return Some(FindingVerdict::Unknown(
                "nobody says in which geopolitical region".to_owned(),
            ));
        }
        Some(unless(location.geopolitical != region.geopolitical, || {
            format!(
                "it is Standard in {} ({}), and {} is in {}",
                location.name, location.geopolitical, region.name, region.geopolitical
            )
        }))
    })
}

fn inferred(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    by_reach(inquiry, |reach| {
        // Premium reaches everywhere in its cloud: it does not matter.
        if reach.tier == "premium" {
            return None;
        }
        // A place that is not known is told of as that.
        let written = reach.written.as_ref().ok()?;
        let region = geography::region(&reach.region);
        // A Local circuit reaches the regions that its location names, wherever those belong.
        let names = |place: &PeeringLocation| place.local.contains(&reach.region.as_str());
        if reach.tier == "local" && reach.location().is_ok_and(names) {
            return None;
        }
        let sure = reach.location().is_ok_and(|place| place.basis == Basis::Documented)
            && region.is_some_and(|region| region.basis == Basis::Documented);
        Some(unless(!sure, || format!("where {written} and {} belong is inferred", reach.region)))
    })
}

fn cloud(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    by_reach(inquiry, |reach| {
        if let Err(why) = &reach.written {
            return Some(FindingVerdict::Unknown(why.clone()));
        }
        let (location, region) = (reach.location().ok()?, geography::region(&reach.region)?);
        Some(unless(location.cloud != region.cloud, || {
            format!("{} and {} are in different clouds", location.name, region.name)
        }))
    })
}

fn direct(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    inquiry.each(inquiry.circuits(), |_, body| {
        let port = arm::CircuitView::of(body).port()?;
        let place = inquiry.place_of_port(&port);
        Some(match (place, inquiry.facts.resource(&port)) {
            (Ok(_), _) => FindingVerdict::Passed,
            (Err(why), Fact::Unknown(_)) => FindingVerdict::Unknown(why),
            (Err(why), Fact::Known(_) | Fact::Absent) => FindingVerdict::Failed(why),
        })
    })
}

fn link_count(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        // Of two that have no order each may come second.
        let then = inquiry.at_most(planned.step);
        // One that stands is counted already.
        if matches!(then.facts.resource(planned.id), Fact::Known(_)) {
            continue;
        }
        all.extend(then.each([planned.circuit], |id, body| {
            let mbps = arm::CircuitView::of(body).mbps()?;
            let premium = arm::CircuitView::of(body).is_tier("Premium");
            let reach: usize = arm::CircuitView::of(body)
                .peerings()
                .iter()
                .map(|peering| arm::global_reach(peering).count())
                .sum();
            let unlisted = then.unlisted_links(id).len() + inquiry.unnamed_links(id);
            let count = then.all_links_to(id).len() + unlisted + reach;
            let max = links_max(mbps, premium);
            let hit = (count >= max).then(|| {
                let seen = match unlisted {
                    0 => String::new(),
                    _ => format!(", {unlisted} of them in subscriptions that are not listed"),
                };
                format!("it has {count} of the {max} that {mbps} Mbps allow by then{seen}")
            });
            Some(found(hit, then.every_link()))
        }));
    }
    worst_of_each(all)
}

fn blind(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let subscriptions: BTreeSet<&str> =
        inquiry.planned_links().into_iter().map(|planned| planned.id.subscription()).collect();
    subscriptions
        .into_iter()
        .map(|subscription| {
            let hubs = || inquiry.facts.inventory(subscription, HUB_GATEWAYS);
            let verdict = match inquiry.facts.inventory(subscription, CONNECTIONS).and(hubs()) {
                Ok(_) => FindingVerdict::Passed,
                Err(why) => FindingVerdict::Failed(why),
            };
            Judged::of(format!("subscription {subscription}"), verdict)
        })
        .collect()
}

/// The circuits that any part of the runbook is about.
fn all_circuits<'a>(inquiry: &Inquiry<'a>) -> BTreeSet<&'a ResourceId> {
    let verified = inquiry.plan.steps_to_run().filter_map(|step| match &step.action {
        Action::Verify(Verification::Circuit { circuit }) => Some(circuit),
        _ => None,
    });
    inquiry.circuits().into_iter().chain(verified).collect()
}

fn secondary(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mbps = |id: &ResourceId| arm::CircuitView::of(inquiry.facts.body(id)?).mbps();
    let most = inquiry
        .facts
        .bodies(CONNECTIONS)
        .filter_map(|(_, body)| mbps(&arm::ConnectionView::of(body).circuit()?))
        .max();
    let Some(most) = most else { return Vec::new() };
    // As the run leaves it: what it raises itself is raised.
    let end = inquiry.at_end();
    end.each(inquiry.circuits(), |_, body| {
        let ours = arm::CircuitView::of(body).mbps()?;
        Some(unless(ours < most, || format!("it has {ours} Mbps, and another in use has {most}")))
    })
}

fn same_location(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut linked: BTreeSet<ResourceId> = all_circuits(inquiry).into_iter().cloned().collect();
    for (_, body) in inquiry.facts.bodies(CONNECTIONS) {
        linked.extend(arm::ConnectionView::of(body).circuit());
    }
    let mut all = Vec::new();
    for id in inquiry.circuits() {
        let here = match inquiry.place_of(id) {
            Ok(Some(here)) => here,
            Ok(None) => continue,
            Err(why) => {
                all.push(about(id, FindingVerdict::Unknown(why)));
                continue;
            }
        };
        let (mut hit, mut everything) = (None, Ok(()));
        for other in linked.iter().filter(|other| *other != id) {
            match inquiry.place_of(other) {
                Ok(there) if there == Some(here) => {
                    hit = Some(format!("{} is in {here} too", other.name()));
                }
                Ok(_) => {}
                Err(why) => everything = Err(why),
            }
        }
        all.push(about(id, found(hit, everything)));
    }
    all
}
