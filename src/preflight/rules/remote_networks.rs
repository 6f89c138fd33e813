//! Do gateways let networks talk to each other over a circuit?

use ipnet::IpNet;

use crate::arm::read::at;
use crate::model::action::Verification;
use crate::model::{Action, ResourceId, Step};
use crate::preflight::inquiry::{Inquiry, about, circuit_of};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about networks at the other end of a circuit that are networks of Azure's.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "GW-VNET2VNET",
    severity: FindingSeverity::Warn,
    fails_when: "A verification waits for the prefixes of another network on the same circuit, and the gateway of one of \
                 them takes no traffic of remote networks.",
    reads: "allowRemoteVnetTraffic of both gateways; verify.routes; what on-premises advertises",
    why: "The routes are learned, and what is sent along them is dropped.",
    fix: "Write `allow_remote_vnet_traffic: true` of the gateway, and have the other one's owner do so; or peer the \
          networks.",
    source: "E-GWP",
    judge: apart,
}];

/// The routes that steps wait for, with the gateways that are to learn them.
fn awaited<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, &'a ResourceId, &'a [IpNet])> {
    inquiry
        .plan
        .steps_to_run()
        .filter_map(|step| match &step.action {
            Action::Verify(Verification::Routes { gateway, expect }) => {
                Some((step, gateway, expect.as_slice()))
            }
            _ => None,
        })
        .collect()
}

/// Whether a gateway takes traffic of remote networks: as the runbook says, else as it stands.
fn takes(inquiry: &Inquiry<'_>, gateway: &ResourceId) -> Option<bool> {
    let planned = inquiry.gateways().into_iter().find(|(_, spec)| spec.id == *gateway);
    let planned = planned.and_then(|(_, spec)| spec.allow_remote_vnet_traffic);
    let stands = || {
        at(inquiry.facts.body(gateway)?, "/properties/allowRemoteVnetTraffic")
            .and_then(serde_json::Value::as_bool)
    };
    planned.or_else(stands)
}

/// Of each gateway that waits for what only another network on its circuit has.
fn apart(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, gateway, expect) in awaited(inquiry) {
        let then = inquiry.at(step);
        let circuits = then.links_at(gateway).into_iter().filter_map(|(_, link)| circuit_of(link));
        let mut hit = None;
        let mut meant = false;
        for circuit in circuits {
            // What on-premises has as well is theirs.
            let Ok(heard) = then.heard(&circuit) else { continue };
            let others = then.links(&circuit).into_iter().filter_map(|(_, link)| {
                crate::arm::ConnectionView::of(link).gateway().filter(|other| other != gateway)
            });
            for other in others {
                let Some(theirs) = then.advertised(&other) else { continue };
                let own = |net: &&IpNet| {
                    theirs.iter().any(|has| has.contains(*net))
                        && !heard.iter().any(|has| has.contains(*net))
                };
                let Some(net) = expect.iter().find(own) else { continue };
                meant = true;
                let shut =
                    [gateway, &other].into_iter().find(|own| takes(&then, own) == Some(false));
                let why = |shut: &ResourceId| {
                    format!(
                        "step `{}` waits for {net}, which is behind {}: {} has allowRemoteVnetTraffic false",
                        step.name,
                        other.name(),
                        shut.name()
                    )
                };
                hit = hit.or_else(|| shut.map(why));
            }
        }
        if meant {
            let verdict = hit.map_or(FindingVerdict::Passed, FindingVerdict::Failed);
            all.push(about(gateway, verdict));
        }
    }
    all
}
