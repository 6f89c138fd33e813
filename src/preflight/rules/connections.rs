//! Can this gateway be connected to that circuit, and will it be preferred?

use serde_json::Value;

use crate::arm;
use crate::arm::read::name;
use crate::model::action::{Connection, HubAction, RemovalKind, Vpn};
use crate::model::{Action, ResourceId, SecretRef, Step};
use crate::preflight::facts::Fact;
use crate::preflight::inquiry::{
    Inquiry, about, circuit_of, flag, found, id_at, own_gateway_subnet, region_at, unless,
};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about connections and authorizations.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "AUTH-FREE",
        severity: FindingSeverity::Block,
        fails_when: "The authorization of a connection to be made is in use.",
        reads: "authorization: authorizationUseStatus",
        why: "One authorization makes one connection.",
        fix: "Make another authorization (authorization.ensure with another name).",
        source: "E-LINK",
        judge: free,
    },
    Rule {
        id: "AUTH-THERE",
        severity: FindingSeverity::Block,
        fails_when: "A connection takes its key from an authorization that does not exist and that no \
                     step makes first.",
        reads: "the authorization",
        why: "There is no key to send.",
        fix: "Add an authorization.ensure step and let the connection need it.",
        source: "E-LINK",
        judge: there,
    },
    Rule {
        id: "AUTH-REVOKE",
        severity: FindingSeverity::Warn,
        fails_when: "The runbook removes an authorization that is in use, or that it connects with itself.",
        reads: "authorization: authorizationUseStatus",
        why: "Every connection that was made with it ends.",
        fix: "Remove the connection first, unless that is what you want.",
        source: "E-LINK",
        judge: revoke,
    },
    Rule {
        id: "LINK-ELSEWHERE",
        severity: FindingSeverity::Block,
        fails_when: "A connection of the wanted name stands, and leads elsewhere.",
        reads: "connection: connectionType, virtualNetworkGateway1, peer or localNetworkGateway2; of a hub's: \
                expressRouteCircuitPeering",
        why: "Azure moves no connection to another gateway, circuit or device, whatever key it is sent.",
        fix: "Write another name for the connection, or remove the one that stands in an earlier step.",
        source: "azure-facts 2.5, E-LINK (made anew, never moved)",
        judge: elsewhere,
    },
    Rule {
        id: "LINK-LOCATION",
        severity: FindingSeverity::Block,
        fails_when: "A connection is to be in another region than its gateway.",
        reads: "location of the gateway, as planned or as it stands",
        why: "Azure refuses it: both are in one region.",
        fix: "Write the gateway's region as the connection's `location`.",
        source: "E-LINK (reported in AZ-700 labs, issue 307)",
        judge: location,
    },
    Rule {
        id: "LINK-FASTPATH-PRIVATE",
        severity: FindingSeverity::Block,
        fails_when: "Private endpoints are to be reached past the gateway by a connection without FastPath.",
        reads: "connection: enablePrivateLinkFastPath, expressRouteGatewayBypass",
        why: "Azure refuses the one without the other.",
        fix: "Write `fast_path: true` beside `private_link_fast_path`, or leave both out.",
        source: "published description of enablePrivateLinkFastPath, E-FP",
        judge: private_fastpath,
    },
    Rule {
        id: "LINK-FASTPATH-DIRECT",
        severity: FindingSeverity::Warn,
        fails_when: "Private endpoints are to be reached past the gateway over a provider's circuit.",
        reads: "connection: enablePrivateLinkFastPath; circuit: expressRoutePort",
        why: "Microsoft documents it for circuits on ExpressRoute Direct ports only; what Azure says of others is \
              not confirmed.",
        fix: "Leave `private_link_fast_path` out: private endpoints are reached through the gateway then.",
        source: "E-FP",
        judge: private_direct,
    },
    Rule {
        id: "LINK-FASTPATH-PAST",
        severity: FindingSeverity::Warn,
        fails_when: "A connection with FastPath over a provider's circuit meets a GatewaySubnet whose route table sends \
                     traffic to an appliance.",
        reads: "connection: expressRouteGatewayBypass; circuit: expressRoutePort; the GatewaySubnet's routeTable",
        why: "What comes from on-premises goes straight to the machines, past the gateway and past the appliance.",
        fix: "Write `fast_path: false`, or filter on the machines' own subnets.",
        source: "E-FP",
        judge: past_appliance,
    },
    Rule {
        id: "LINK-DUP",
        severity: FindingSeverity::Block,
        fails_when: "The gateway is connected to the circuit already, by a connection of another name.",
        reads: "connections of the gateway",
        why: "One pair has one connection: Azure refuses the second.",
        fix: "Write the name of the connection that is there, so that the step finds it; or remove that one in an \
              earlier step.",
        source: "azure-facts 1.1 (one per gateway and circuit), 2.5",
        judge: duplicate,
    },
    Rule {
        id: "LINK-STATE",
        severity: FindingSeverity::Warn,
        fails_when: "The connection is there and in state Failed.",
        reads: "connection: provisioningState",
        why: "It is written again; when that fails too, it must be removed and made anew.",
        fix: "See its last error in Azure's activity log.",
        source: "azure-facts 2.5",
        judge: |inquiry| {
            let mut all = Vec::new();
            for planned in inquiry.planned_links() {
                all.extend(inquiry.at(planned.step).each([planned.id], |_, body| {
                    let failed = arm::has_failed(body);
                    Some(unless(failed, || "its provisioningState is Failed".to_owned()))
                }));
            }
            all
        },
    },
    Rule {
        id: "LINK-WEIGHT-ORDER",
        severity: FindingSeverity::Warn,
        fails_when: "Another connection of the gateway has a larger weight than the one to be used.",
        reads: "routingWeight of the gateway's connections",
        why: "Azure sends its traffic over the other one.",
        fix: "Raise the weight in the runbook, or lower the other's.",
        source: "E-DR, E-OPT",
        judge: order,
    },
    Rule {
        id: "LINK-ECMP",
        severity: FindingSeverity::Warn,
        fails_when: "Another connection of the gateway has the same weight.",
        reads: "routingWeight of the gateway's connections",
        why: "Azure spreads its traffic over both, and answers may come back the other way.",
        fix: "Give them different weights.",
        source: "E-DR",
        judge: equal,
    },
    Rule {
        id: "LINK-DEFAULT-10",
        severity: FindingSeverity::Inform,
        fails_when: "The connection is there with another weight than the runbook's.",
        reads: "routingWeight",
        why: "The az CLI and Terraform write 10 where nothing is said, the portal 0.",
        fix: "Nothing to do: the runbook writes its own.",
        source: "R-GW; E-LINK",
        judge: default_ten,
    },
];

/// The authorization that a connection's key comes from, if that is where.
fn authorization(secret: Option<&SecretRef>) -> Option<&ResourceId> {
    match secret {
        Some(SecretRef::Resource { id, .. }) => Some(id),
        Some(SecretRef::Param(_)) | None => None,
    }
}

fn free(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        let Some(id) = authorization(planned.authorization) else { continue };
        let step = planned.step;
        let then = inquiry.at(step);
        match then.read(planned.id) {
            Ok(None) => {}
            // A connection that stands has spent its own.
            Ok(Some(_)) => continue,
            Err(why) => {
                all.push(about(id, FindingVerdict::Unknown(why)));
                continue;
            }
        }
        all.extend(then.each([id], |_, body| {
            let used = arm::is_spent(body) && !released(inquiry, planned.circuit, body, step);
            Some(unless(used, || "it is in use".to_owned()))
        }));
    }
    all
}

/// Whether the connection that spends an authorization is removed before a step. Where it is not named, any
/// connection of the circuit may be the one.
fn released(
    inquiry: &Inquiry<'_>,
    circuit: &ResourceId,
    authorization: &Value,
    step: &Step,
) -> bool {
    match arm::spending_connection(authorization) {
        Some(link) => inquiry.removed_before(&link, step),
        None => {
            let links = inquiry.all_links_to(circuit);
            links.iter().any(|link| inquiry.removed_before(link, step))
        }
    }
}

fn there(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        let Some(id) = authorization(planned.authorization) else { continue };
        let then = inquiry.at(planned.step);
        let made = inquiry.written().into_iter().any(|(maker, written)| {
            written == id && then.is_done(maker) && !matches!(maker.action, Action::Remove(_))
        });
        let verdict = match then.facts.resource(id) {
            Fact::Known(_) => FindingVerdict::Passed,
            Fact::Absent => FindingVerdict::Failed("it does not exist by then".to_owned()),
            Fact::Unknown(_) if made => FindingVerdict::Passed,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        all.push(about(id, verdict));
    }
    all
}

fn revoke(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, removed) in inquiry.removals(RemovalKind::Authorization) {
        let Some(circuit) = removed.id.parent() else { continue };
        let made_with = inquiry.planned_links().into_iter().find(|planned| {
            authorization(planned.authorization) == Some(&removed.id)
                && !made_anew(inquiry, &removed.id, step, planned.step)
        });
        if let Some(planned) = made_with {
            let why = format!("the run itself makes {} with it", planned.id.name());
            all.push(about(&removed.id, FindingVerdict::Failed(why)));
            continue;
        }
        all.extend(inquiry.each([&removed.id], |_, body| {
            let used = arm::is_spent(body) && !released(inquiry, &circuit, body, step);
            Some(unless(used, || "a connection uses it".to_owned()))
        }));
    }
    all
}

/// Whether an authorization that a step removes is made anew by one that comes after it and before another.
fn made_anew(inquiry: &Inquiry<'_>, id: &ResourceId, removal: &Step, user: &Step) -> bool {
    let place = |step: &Step| inquiry.plan.place(&step.name);
    let Some((removal, user)) = place(removal).zip(place(user)) else { return false };
    let (dag, steps) = (inquiry.plan.dag(), inquiry.plan.steps());
    let between = &dag.descendants(removal) & &dag.ancestors(user);
    between.into_iter().any(|at| {
        let makes = matches!(&steps[at].action, Action::Authorization(spec) if spec.id == *id);
        makes && !steps[at].never_runs()
    })
}

/// The end of a connection: what it is called, and what stands there and what shall.
type LinkEnd<'a> = (&'static str, Option<ResourceId>, &'a ResourceId);

/// The ends of the connection that stands under a step's name, beside those that are wanted.
fn ends<'a>(action: &'a Action, body: &Value) -> Vec<LinkEnd<'a>> {
    let has = arm::ConnectionView::of(body);
    match action {
        Action::Connection(spec) => vec![
            ("gateway", has.gateway(), &spec.gateway),
            ("circuit", has.circuit(), &spec.circuit),
        ],
        Action::Vpn(Vpn::Connection(spec)) => {
            let device = id_at(body, "/properties/localNetworkGateway2/id");
            vec![
                ("gateway", has.gateway(), &spec.gateway),
                ("local network gateway", device, &spec.local_gateway),
            ]
        }
        Action::Hub(HubAction::Connection(spec)) => {
            vec![("circuit", circuit_of(body), &spec.circuit)]
        }
        _ => Vec::new(),
    }
}

fn elsewhere(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        let Some(id) = step.action.written() else { continue };
        all.extend(inquiry.at(step).each([id], |_, body| {
            let ends = ends(&step.action, body);
            let wrong = ends.iter().find(|(_, has, wanted)| has.as_ref() != Some(wanted));
            let why = wrong.map(|(what, has, wanted)| match has {
                Some(has) => {
                    let (has, wanted) = (has.name(), wanted.name());
                    format!("it stands with the {what} {has}, and the runbook wants {wanted}")
                }
                None => format!("it stands without a {what}: it is a connection of another kind"),
            });
            (!ends.is_empty()).then(|| found(why, Ok(())))
        }));
    }
    all
}

/// The connections of networks that are to be, of either kind, each with its region and its gateway.
fn location(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        let (id, own, gateway) = match &step.action {
            Action::Connection(spec) => (&spec.id, &spec.location, &spec.gateway),
            Action::Vpn(Vpn::Connection(spec)) => (&spec.id, &spec.location, &spec.gateway),
            _ => continue,
        };
        let verdicts = inquiry.at(step).each([gateway], |_, body| {
            let there = region_at(body)?;
            Some(unless(there != *own, || {
                let (own, there) = (own.as_str(), there.as_str());
                format!("it shall be in {own}, and {} is in {there}", gateway.name())
            }))
        });
        all.extend(verdicts.into_iter().map(|judged| about(id, judged.verdict)));
    }
    all
}

/// Whether a connection would reach private endpoints past its gateway, and whether all else: as the step leaves it.
fn past_gateway(inquiry: &Inquiry<'_>, step: &Step, spec: &Connection) -> Option<(bool, bool)> {
    let left = inquiry.left_by(step);
    let body = left.facts.body(&spec.id)?;
    let private = flag(body, "/properties/enablePrivateLinkFastPath");
    Some((private, arm::ConnectionView::of(body).goes_past_gateway()))
}

fn private_fastpath(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let steps = inquiry.connections().into_iter();
    let judged = steps.filter_map(|(step, spec)| {
        let (private, all) = past_gateway(inquiry, step, spec).filter(|(private, _)| *private)?;
        let verdict = unless(private && !all, || "it has no FastPath".to_owned());
        Some(about(&spec.id, verdict))
    });
    judged.collect()
}

fn private_direct(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (step, spec) in inquiry.connections() {
        if !past_gateway(inquiry, step, spec).is_some_and(|(private, _)| private) {
            continue;
        }
        let verdicts = inquiry.each([&spec.circuit], |id, body| {
            Some(unless(!arm::CircuitView::of(body).is_direct(), || {
                format!("{} is a provider's circuit", id.name())
            }))
        });
        judged.extend(verdicts.into_iter().map(|own| about(&spec.id, own.verdict)));
    }
    judged
}

fn duplicate(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        let then = inquiry.at(planned.step);
        let mut others = then.links_at(&planned.gateway).into_iter();
        let other = others.find(|(id, body)| {
            id != planned.id && circuit_of(body).as_ref() == Some(planned.circuit)
        });
        let hit = other.map(|(id, _)| {
            let (gateway, circuit) = (planned.gateway.name(), planned.circuit.name());
            format!("{} connects {gateway} and {circuit} already", id.name())
        });
        all.push(about(planned.id, found(hit, then.every_link())));
    }
    all
}

fn weight(body: &Value) -> u64 {
    arm::ConnectionView::of(body).weight()
}

/// Judges each connection beside the gateway's others, by their weights.
fn beside(inquiry: &Inquiry<'_>, wrong: impl Fn(u64, u64) -> bool, word: &str) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        let then = inquiry.at(planned.step);
        // What the author does not say is as it stands.
        let standing = || then.facts.body(planned.id).map_or(0, weight);
        let ours = planned.weight.unwrap_or_else(standing);
        let others = then.links_at(&planned.gateway).into_iter();
        let hit = others
            .filter(|(id, _)| id != planned.id)
            .find(|(_, body)| wrong(ours, weight(body)))
            .map(|(id, body)| {
                format!("{} has {word} weight: {} beside {ours}", id.name(), weight(body))
            });
        all.push(about(planned.id, found(hit, then.every_link())));
    }
    all
}

fn order(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    beside(inquiry, |ours, other| other > ours, "a larger")
}

fn equal(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    beside(inquiry, |ours, other| other == ours, "the same")
}

fn default_ten(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        let Some(wanted) = planned.weight else { continue };
        all.extend(inquiry.at(planned.step).each([planned.id], |_, body| {
            let has = weight(body);
            let differs = has != wanted;
            Some(unless(differs, || {
                let status = arm::ConnectionView::of(body).status().unwrap_or("not reported");
                format!("it has {has} (status {status}), and the runbook {wanted}")
            }))
        }));
    }
    all
}

/// Of each connection with FastPath, whether its GatewaySubnet means to send what comes in to an appliance.
fn past_appliance(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut judged = Vec::new();
    for (step, spec) in inquiry.connections() {
        if !past_gateway(inquiry, step, spec).is_some_and(|(_, all)| all) {
            continue;
        }
        let left = inquiry.left_by(step);
        let body = |id: &ResourceId| left.facts.body(id);
        let Some(vnet) = left.vnet_of(&spec.gateway) else { continue };
        let own = body(&vnet).and_then(own_gateway_subnet).map(arm::SubnetView::of);
        let Some(table) = own.and_then(arm::SubnetView::route_table) else { continue };
        let verdicts = inquiry.each([&spec.circuit], |_, circuit| {
            if arm::CircuitView::of(circuit).is_direct() {
                return None;
            }
            let table = match left.read(&table) {
                Ok(there) => there?,
                Err(why) => return Some(FindingVerdict::Unknown(why)),
            };
            let mut routes = arm::RouteTableView::of(table).routes();
            let past = routes.find(|route| route.hops_to("VirtualAppliance"));
            Some(unless(past.is_some(), || {
                let to = past.and_then(arm::RouteView::destination).unwrap_or_default();
                format!("{} sends {to} to an appliance", name(table).unwrap_or_default())
            }))
        });
        judged.extend(verdicts.into_iter().map(|own| about(&spec.id, own.verdict)));
    }
    judged
}
