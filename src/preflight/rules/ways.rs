//! Do the ways that stand carry what is put on them, and does every network keep one?

use crate::arm;
use crate::model::ResourceId;
use crate::preflight::carried::FarEnd;
use crate::preflight::inquiry::{Inquiry, about, found, region_at, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule, worst_of_each};

/// The rules about ways to on-premises that no step makes.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "WAY-STATE",
        severity: FindingSeverity::Warn,
        fails_when: "A network is put behind a gateway that stands, and the gateway, its connection or its circuit is in \
                     state Failed; or its only way is a tunnel that is NotConnected.",
        reads: "provisioningState of the gateway, its connections and their circuits; connectionStatus of tunnels",
        why: "What is Failed may carry or not: nobody knows before the network is there, and no step of the run mends \
              it.",
        fix: "Write it again as it is before the run, and see that it carries; or put the network behind another gateway.",
        source: "azure-facts 2.1, 2.5; whether a gateway in state Failed carries is not known (?)",
        judge: failed,
    },
    Rule {
        id: "WAY-LOST",
        severity: FindingSeverity::Warn,
        fails_when: "A step of a peering takes a network off the gateway that carries it to on-premises, and when the run \
                     has ended no other one does.",
        reads: "the flags of both sides, as the run finds and leaves them; the gateways of both networks and their \
                connections",
        why: "On-premises reaches nothing there from that moment on, and nothing there reaches on-premises.",
        fix: "Let a step put the network behind another gateway; remove the peering (peering.remove) where it shall be \
              apart.",
        source: "azure-facts 1.6",
        judge: lost,
    },
];

/// Each gateway, connection and circuit by which networks are brought, once.
fn failed(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let end = inquiry.at_end();
    let mut all = Vec::new();
    for (own, network) in inquiry.joined() {
        let mut parts = vec![&own.way.gateway, own.way.far.id()];
        // A hub's connection stands in its gateway's body.
        let links = inquiry.links_at(&own.way.gateway);
        let link = links.iter().find(|(id, _)| *id == own.way.link).map(|(_, body)| *body);
        let name = network.name();
        all.extend(link.map(|body| {
            let none = || !end.ways_out(&network).iter().any(|way| end.may_carry(way));
            let down = matches!(own.way.far, FarEnd::Device(_)) && none();
            let why = match (arm::has_failed(body), down) {
                (true, _) => Some(format!(
                    "its provisioningState is Failed, and {name} is to reach on-premises by it"
                )),
                (false, true) => {
                    Some(format!("it is NotConnected, and {name} is to reach on-premises by it"))
                }
                (false, false) => None,
            };
            about(&own.way.link, found(why, Ok(())))
        }));
        parts.dedup();
        all.extend(inquiry.each(parts, |_, body| {
            Some(unless(arm::has_failed(body), || {
                format!("its provisioningState is Failed, and {name} is to reach on-premises by it")
            }))
        }));
    }
    worst_of_each(all)
}

/// Whether a network is of the region that is given up: that it loses its way is meant.
fn is_given_up(inquiry: &Inquiry<'_>, network: &ResourceId) -> bool {
    let source = inquiry.plan.parts().source_region.as_ref();
    let own = inquiry.facts.body(network).and_then(region_at);
    own.is_some() && own.as_ref() == source
}

fn lost(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for own in inquiry.ways_lost() {
        if Inquiry::on_source(own.step) || is_given_up(inquiry, &own.network) {
            continue;
        }
        let verdict = match inquiry.every_link() {
            Ok(()) => FindingVerdict::Failed(format!(
                "after step `{}` it uses the gateway of {} no more, and nothing else carries it",
                own.step.name,
                own.host.name()
            )),
            Err(why) => FindingVerdict::Unknown(why),
        };
        all.push(about(&own.network, verdict));
    }
    worst_of_each(all)
}
