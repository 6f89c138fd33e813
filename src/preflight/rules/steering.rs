//! Will clients hear of it? Zones, the networks that know them, and endpoints of traffic managers.

use std::collections::{BTreeMap, BTreeSet};

use super::resolvers;
use crate::arm::read::number;
use crate::model::action::{DnsRecord, Steering, TrafficEndpoint, Vpn};
use crate::model::{Action, ResourceId, Step};
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
        id: "DNS-ALIAS",
        severity: FindingSeverity::Block,
        fails_when: "A name that is to have addresses stands for another name.",
        reads: "the zone's CNAME of that name",
        why: "A CNAME stands alone (RFC 1034): Azure refuses addresses of the same name, at the end of the failover.",
        fix: "Let the step give the addresses to the name that it stands for, or agree with the zone's owner on \
              records in its place before the run.",
        source: "DNS-PRIV, RFC 1034 3.6.2",
        judge: alias,
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
        id: "DNS-TTL",
        severity: FindingSeverity::Warn,
        fails_when: "The standing records of a name that is moved may be remembered for longer than the runbook's objective.",
        reads: "the record set as it stands: ttl; the runbook's rto",
        why: "Who asked just before the run (resolvers on-premises, caches of clients) keeps the address that is lost for \
              that long; what the run writes changes nothing of it.",
        fix: "Lower the ttl of the record set on a quiet day, a day before it counts.",
        source: "RFC 1035 3.2.1; DNS-PRIV",
        judge: remembered,
    },
    resolvers::DNS_SERVER,
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
        id: "TM-PRIORITY",
        severity: FindingSeverity::Block,
        fails_when: "An endpoint is to have the turn that another endpoint of its profile has.",
        reads: "profile: endpoints, their priorities as the steps before leave them",
        why: "No two endpoints have one priority: Azure refuses it, at the end of the failover.",
        fix: "Write a priority that is free, or let an earlier step give the other one another.",
        source: "TM, published description of an endpoint's priority",
        judge: turns,
    },
    Rule {
        id: "TM-PROFILE",
        severity: FindingSeverity::Warn,
        fails_when: "The Traffic Manager profile of an endpoint is off, or the nested one that an endpoint which is \
                     switched on leads to.",
        reads: "profile: profileStatus; endpoint: targetResourceId",
        why: "Clients get no answer, whichever of its endpoints are on.",
        fix: "Switch the profile itself on.",
        source: "TM",
        judge: profile_off,
    },
    Rule {
        id: "TM-METHOD",
        severity: FindingSeverity::Warn,
        fails_when: "An endpoint is given a priority or a weight, and its profile does not route by that.",
        reads: "profile: trafficRoutingMethod",
        why: "Azure takes it, and sends no client another way.",
        fix: "Switch endpoints on and off instead, or have the profile route by what the step writes.",
        source: "TM",
        judge: method,
    },
    Rule {
        id: "TM-NONE",
        severity: FindingSeverity::Warn,
        fails_when: "No endpoint of a profile is on when the run is done.",
        reads: "profile: endpoints",
        why: "Clients get no answer, or one that leads nowhere.",
        fix: "Let a step switch one on before another is switched off.",
        source: "TM",
        judge: none_left,
    },
];

/// How long what stands may be remembered, against the objective.
fn remembered(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let Some(rto) = inquiry.plan.parts().objective.rto.map(|rto| rto.as_secs()) else {
        return Vec::new();
    };
    let mut judged = Vec::new();
    for own in steps(inquiry) {
        let Steering::Record(spec) = own else { continue };
        judged.extend(inquiry.each([&spec.id], |_, body| {
            let ttl = number(body, "/properties/ttl").or(number(body, "/properties/TTL"))?;
            Some(unless(ttl > rto, || format!("its ttl is {ttl} seconds, and the objective {rto}")))
        }));
    }
    judged
}

/// Profiles of Traffic Manager.
const PROFILES: &str = "Microsoft.Network/trafficManagerProfiles";

fn is_name(steering: &Steering) -> bool {
    matches!(steering, Steering::Record(_))
}

fn steps<'a>(inquiry: &Inquiry<'a>) -> Vec<&'a Steering> {
    let all = inquiry.plan.steps_to_run();
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
    let all = inquiry.plan.steps_to_run().filter_map(|step| match &step.action {
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

/// The alias that a name may have in its zone.
fn alias_of(record: &DnsRecord) -> Option<ResourceId> {
    record.id.parent()?.child("CNAME", record.id.name()).ok()
}

/// What is to be known of names: whether they stand for others.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> Vec<Question> {
    let records = steps(inquiry).into_iter().filter_map(|own| match own {
        Steering::Record(spec) => alias_of(spec),
        Steering::Endpoint(_) => None,
    });
    let nested = endpoints(inquiry).into_iter().filter_map(|(_, spec)| nested(inquiry, spec));
    records.chain(nested).map(Question::Resource).collect()
}

/// The profile that an endpoint which is switched on leads to.
fn nested(inquiry: &Inquiry<'_>, spec: &TrafficEndpoint) -> Option<ResourceId> {
    let body = inquiry.facts.body(&spec.id).filter(|_| spec.enabled == Some(true))?;
    id_at(body, "/properties/targetResourceId").filter(|id| id.is_a(PROFILES))
}

/// What a step gives an endpoint that its profile does not look at.
fn method(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (_, spec) in endpoints(inquiry) {
        let given = [("priority", "Priority", spec.priority), ("weight", "Weighted", spec.weight)];
        let given = given.into_iter().filter(|(.., value)| value.is_some());
        let Some(profile) = spec.id.parent() else { continue };
        for (word, wanted, _) in given {
            let verdicts = inquiry.each([&profile], |_, body| {
                let has = text(body, "/properties/trafficRoutingMethod")?;
                Some(unless(!has.eq_ignore_ascii_case(wanted), || {
                    format!("it is given a {word}, and {} routes by {has}", profile.name())
                }))
            });
            judged.extend(verdicts.into_iter().map(|own| about(&spec.id, own.verdict)));
        }
    }
    judged
}

fn alias(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for own in steps(inquiry) {
        let Steering::Record(spec) = own else { continue };
        let Some(alias) = alias_of(spec) else { continue };
        let verdict = match inquiry.facts.resource(&alias) {
            Fact::Known(body) => {
                let other = text(body, "/properties/cnameRecord/cname").unwrap_or("another name");
                FindingVerdict::Failed(format!("it is a CNAME, and stands for {other}"))
            }
            Fact::Absent => FindingVerdict::Passed,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        judged.push(about(&alias, verdict));
    }
    judged
}

/// The endpoints of profiles that steps write, with those steps.
fn endpoints<'a>(inquiry: &Inquiry<'a>) -> Vec<(&'a Step, &'a TrafficEndpoint)> {
    let all = inquiry.plan.steps_to_run();
    all.filter_map(|step| match &step.action {
        Action::Steering(Steering::Endpoint(own)) => Some((step, own)),
        _ => None,
    })
    .collect()
}

fn turns(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (step, spec) in endpoints(inquiry) {
        let (Some(wanted), Some(profile)) = (spec.priority, spec.id.parent()) else { continue };
        let then = inquiry.at(step);
        let verdicts = then.each([&profile], |_, body| {
            let taken = list(body, "/properties/endpoints").iter().find_map(|endpoint| {
                let id = id_at(endpoint, "/id").filter(|id| *id != spec.id)?;
                // A step before may have given it another.
                let now = then.facts.body(&id).unwrap_or(endpoint);
                let has = now.pointer("/properties/priority")?.as_u64()?;
                (has == u64::from(wanted)).then_some(id)
            });
            let why = taken.map(|other| format!("{} has the priority {wanted}", other.name()));
            Some(why.map_or(FindingVerdict::Passed, FindingVerdict::Failed))
        });
        judged.extend(verdicts.into_iter().map(|own| about(&spec.id, own.verdict)));
    }
    judged
}

fn profile_off(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let all = endpoints(inquiry).into_iter().filter_map(|(_, spec)| spec.id.parent());
    let below = endpoints(inquiry).into_iter().filter_map(|(_, spec)| nested(inquiry, spec));
    let profiles: BTreeSet<ResourceId> = all.chain(below).collect();
    inquiry.each(&profiles, |_, body| {
        let off = is(body, "/properties/profileStatus", "Disabled");
        Some(unless(off, || "the profile itself is off".to_owned()))
    })
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
