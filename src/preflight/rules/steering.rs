//! Will clients hear of it? Zones, the networks that know them, and endpoints of traffic managers.

use std::collections::BTreeMap;

use crate::model::action::{Steering, Vpn};
use crate::model::{Action, ResourceId};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{Inquiry, about, id_at, is, list, text, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about names and endpoints.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "DNS-ZONE",
        severity: FindingSeverity::Block,
        fails_when: "The private DNS zone of a name is not there.",
        reads: "the zone",
        why: "Azure refuses the name, at the end of the failover.",
        fix: "Write the zone that there is.",
        source: "DNS-PRIV",
        judge: |inquiry| there(inquiry, is_name),
    },
    Rule {
        id: "DNS-LINK",
        severity: FindingSeverity::Warn,
        fails_when: "The zone of a name is not linked to a network whose gateway the runbook makes.",
        reads: "virtualNetworkLinks of the zone",
        why: "Machines of that network do not know the name, unless their own DNS servers ask another one.",
        fix: "Link the zone to the network, without registration; or leave it so where the network has DNS \
              servers of its own.",
        source: "DNS-PRIV",
        judge: linked,
    },
    Rule {
        id: "TM-ENDPOINT",
        severity: FindingSeverity::Block,
        fails_when: "The endpoint, or its Traffic Manager profile, is not there.",
        reads: "the endpoint",
        why: "Only who knows where it leads can make it: the step would be blocked at the end of the failover.",
        fix: "Write the endpoint that there is.",
        source: "TM",
        judge: |inquiry| there(inquiry, |own| !is_name(own)),
    },
    Rule {
        id: "TM-NONE",
        severity: FindingSeverity::Warn,
        fails_when: "No endpoint of a profile is on when the run is done, or the profile itself is off.",
        reads: "profile: profileStatus, endpoints",
        why: "Clients get no answer, or one that leads nowhere.",
        fix: "Let a step switch one on before another is switched off.",
        source: "TM",
        judge: none_left,
    },
];

fn is_name(steering: &Steering) -> bool {
    matches!(steering, Steering::Record(_))
}

fn steps<'a>(inquiry: &Inquiry<'a>) -> Vec<&'a Steering> {
    let all = inquiry.plan.steps().iter();
    all.filter_map(|step| match &step.action {
        Action::Steering(own) => Some(own),
        _ => None,
    })
    .collect()
}

/// Judges whether what a step needs is there: of a name its zone, of an endpoint itself.
fn there(inquiry: &Inquiry<'_>, wanted: impl Fn(&Steering) -> bool) -> Vec<Judged> {
    let mut judged = Vec::new();
    for own in steps(inquiry).into_iter().filter(|own| wanted(own)) {
        let needed = if is_name(own) { own.id().parent() } else { Some(own.id().clone()) };
        let Some(needed) = needed else { continue };
        let verdict = match inquiry.facts.resource(&needed) {
            Fact::Known(_) => FindingVerdict::Passed,
            Fact::Absent => FindingVerdict::Failed(format!("{} is not there", needed.name())),
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        judged.push(about(&needed, verdict));
    }
    judged
}

/// The networks whose gateways the runbook makes.
fn networks(inquiry: &Inquiry<'_>) -> Vec<ResourceId> {
    let all = inquiry.plan.steps().iter().filter_map(|step| match &step.action {
        Action::Gateway(spec) => spec.subnet.parent(),
        Action::Vpn(Vpn::Gateway(spec)) => spec.subnet.parent(),
        _ => None,
    });
    all.collect()
}

fn linked(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for own in steps(inquiry).into_iter().filter(|own| is_name(own)) {
        let Some(zone) = own.id().parent() else { continue };
        for network in networks(inquiry) {
            let verdict = match inquiry.facts.of(&Question::Links { zone: zone.clone() }) {
                Fact::Known(links) => {
                    let knows = list(links, "/value").iter().any(|link| {
                        id_at(link, "/properties/virtualNetwork/id").as_ref() == Some(&network)
                    });
                    unless(!knows, || format!("it is not linked to {}", network.name()))
                }
                // Another rule says so.
                Fact::Absent => continue,
                Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
            };
            judged.push(about(&zone, verdict));
        }
    }
    judged
}

fn none_left(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    // What the steps make of each endpoint, the last word counting.
    let mut told: BTreeMap<ResourceId, BTreeMap<ResourceId, Option<bool>>> = BTreeMap::new();
    for place in inquiry.plan.dag().order() {
        if let Action::Steering(Steering::Endpoint(spec)) = &inquiry.plan.steps()[*place].action
            && let Some(profile) = spec.id.parent()
        {
            let said = told.entry(profile).or_default().entry(spec.id.clone()).or_default();
            *said = spec.enabled.or(*said);
        }
    }
    let mut judged = Vec::new();
    for (profile, said) in told {
        judged.extend(inquiry.each([&profile], |_, body| {
            if is(body, "/properties/profileStatus", "Disabled") {
                return Some(FindingVerdict::Failed("the profile is off".to_owned()));
            }
            let on = list(body, "/properties/endpoints").iter().any(|endpoint| {
                let id = text(endpoint, "/id").and_then(|id| ResourceId::parse(id).ok());
                let said = id.and_then(|id| said.get(&id).copied().flatten());
                said.unwrap_or_else(|| is(endpoint, "/properties/endpointStatus", "Enabled"))
            });
            Some(unless(!on, || "none of its endpoints is on then".to_owned()))
        }));
    }
    judged
}
