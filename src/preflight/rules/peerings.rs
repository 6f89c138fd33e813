//! Will the spokes be reached through the hub?

use crate::model::action::NextHop;
use crate::model::{Action, ResourceId};
use crate::preflight::facts::Fact;
use crate::preflight::inquiry::{
    GATEWAYS, Inquiry, about, flag, gateway_subnet, id_at, is, list, peerings_of, prefixes,
    subnet_prefix, subnets_of, text, unless,
};
use crate::preflight::rule::{Judged, Rule, Severity, Verdict};

/// The rules about peerings of virtual networks and route tables.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "VP-FLAGS",
        severity: Severity::Warn,
        fails_when: "A planned peering is neither a hub's side that lends its gateway nor a spoke's side \
                     that uses it.",
        reads: "the four flags, as planned",
        why: "A spoke is advertised to on-premises only through both flags.",
        fix: "allow_gateway_transit on the hub's side, use_remote_gateways on the spoke's.",
        source: "S-ERASR; E-FAQ",
        judge: flags,
    },
    Rule {
        id: "VP-STATE",
        severity: Severity::Block,
        fails_when: "A peering that the runbook wants is Disconnected.",
        reads: "peering: peeringState",
        why: "Azure does not connect it again: both sides must be removed and made anew.",
        fix: "Remove both sides before the run (peering.remove).",
        source: "R-PEER; N-PEER",
        judge: |inquiry| {
            let ids = inquiry.peerings().into_iter().map(|(_, spec)| &spec.id);
            inquiry.each(ids, |_, body| {
                let dead = is(body, "/properties/peeringState", "Disconnected");
                Some(unless(dead, || "it is Disconnected".to_owned()))
            })
        },
    },
    Rule {
        id: "VP-ONE-REMOTE",
        severity: Severity::Block,
        fails_when: "A spoke uses another remote gateway already, or has a gateway of its own.",
        reads: "peerings of the spoke; gateways",
        why: "A network uses one remote gateway, and none beside its own.",
        fix: "Take the flag off the other peering first, or leave this spoke out.",
        source: "N-PEER",
        judge: one_remote,
    },
    Rule {
        id: "VP-REMOTE-GW",
        severity: Severity::Block,
        fails_when: "A spoke's side uses the hub's gateway, and no gateway is there or made before it.",
        reads: "the hub's gateway, as it is and as planned",
        why: "Azure refuses the flag with RemoteVnetHasNoGateways.",
        fix: "Let the peering need the gateway.",
        source: "I-30569",
        judge: remote_gateway,
    },
    Rule {
        id: "UDR-NVA-DEFAULT",
        severity: Severity::Warn,
        fails_when: "A subnet gets a default route to an appliance and has no Storage service endpoint.",
        reads: "planned routes; subnet: serviceEndpoints",
        why: "Site Recovery's replication from there goes through the appliance.",
        fix: "Add the service endpoint Microsoft.Storage to the subnet.",
        source: "SEED, S-NET",
        judge: default_to_appliance,
    },
    Rule {
        id: "UDR-NVA-IP",
        severity: Severity::Warn,
        fails_when: "The next hop of a planned route is in no network of the target.",
        reads: "planned routes; addressSpace of hub and spokes",
        why: "Traffic to it is dropped.",
        fix: "Write the address that the appliance has in the target.",
        source: "azure-facts 2.6",
        judge: hop_is_there,
    },
    Rule {
        id: "UDR-SAME-SUBNET",
        severity: Severity::Warn,
        fails_when: "A table with the appliance as next hop is put on the appliance's own subnet, for \
                     networks of that subnet.",
        reads: "planned routes and associations; subnets",
        why: "The appliance sends to itself: a loop.",
        fix: "Give the appliance's subnet a table of its own.",
        source: "N-UDR",
        judge: same_subnet,
    },
];

fn flags(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let all = inquiry.peerings().into_iter();
    all.map(|(_, spec)| {
        // A flag that the author does not say is as it stands.
        let vnet = spec.id.parent().and_then(|vnet| inquiry.facts.body(&vnet));
        let standing =
            peerings_of(vnet).iter().find(|peering| is(peering, "/name", spec.id.name()));
        let stands = |key: &str| standing.is_some_and(|side| flag(side, key));
        let lends =
            spec.allow_gateway_transit.unwrap_or_else(|| stands("/properties/allowGatewayTransit"));
        let uses =
            spec.use_remote_gateways.unwrap_or_else(|| stands("/properties/useRemoteGateways"));
        let neither = !lends && !uses;
        about(&spec.id, unless(neither, || "it neither lends nor uses a gateway".to_owned()))
    })
    .collect()
}

fn one_remote(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (_, spec) in inquiry.peerings() {
        let Some(vnet) = spec.id.parent().filter(|_| spec.use_remote_gateways == Some(true)) else {
            continue;
        };
        let other = peerings_of(inquiry.facts.body(&vnet)).iter().find(|peering| {
            let own =
                text(peering, "/name").is_some_and(|n| n.eq_ignore_ascii_case(spec.id.name()));
            flag(peering, "/properties/useRemoteGateways") && !own
        });
        let gateway = inquiry.facts.bodies(GATEWAYS).find(|(_, body)| {
            gateway_subnet(body).and_then(|subnet| subnet.parent()).as_ref() == Some(&vnet)
        });
        let verdict = match (inquiry.facts.resource(&vnet), other, gateway) {
            (Fact::Unknown(why), ..) => Verdict::Unknown(why.to_owned()),
            (_, Some(other), _) => Verdict::Failed(format!(
                "{} uses a remote gateway already",
                text(other, "/name").unwrap_or_default()
            )),
            (_, None, Some((id, _))) => Verdict::Failed(format!("{} stands in it", id.name())),
            _ => Verdict::Passed,
        };
        all.push(about(&spec.id, verdict));
    }
    all
}

fn remote_gateway(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (step, spec) in inquiry.peerings() {
        if spec.use_remote_gateways != Some(true) {
            continue;
        }
        let place = inquiry.plan.place(&step.name).unwrap_or_default();
        let before = inquiry.plan.dag().ancestors(place);
        let planned = inquiry.gateways().into_iter().any(|(other, gateway)| {
            gateway.subnet.parent().as_ref() == Some(&spec.remote)
                && inquiry.plan.place(&other.name).is_some_and(|at| before.contains(&at))
        });
        let subnet = inquiry.facts.body(&spec.remote).and_then(|hub| {
            subnets_of(hub).iter().find(|subnet| is(subnet, "/name", "GatewaySubnet"))
        });
        let stands =
            subnet.is_some_and(|subnet| !list(subnet, "/properties/ipConfigurations").is_empty());
        let verdict = match inquiry.facts.resource(&spec.remote) {
            _ if planned || stands => Verdict::Passed,
            Fact::Unknown(why) => Verdict::Unknown(why.to_owned()),
            _ => Verdict::Failed(format!("{} has no gateway by then", spec.remote.name())),
        };
        all.push(about(&spec.id, verdict));
    }
    all
}

/// The subnets that planned tables are put on, with the tables.
fn associations<'a>(
    inquiry: &Inquiry<'a>,
) -> Vec<(&'a ResourceId, &'a crate::model::action::RouteTable)> {
    let steps = inquiry.plan.steps().iter();
    steps
        .filter_map(|step| match &step.action {
            Action::Association(spec) => Some(spec),
            _ => None,
        })
        .filter_map(|spec| {
            let table =
                inquiry.route_tables().into_iter().find(|(_, table)| table.id == spec.route_table);
            Some((&spec.subnet, table?.1))
        })
        .collect()
}

fn default_to_appliance(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (subnet, table) in associations(inquiry) {
        let wide = table.routes.iter().any(|route| {
            route.prefix.prefix().is_some_and(|prefix| prefix.prefix_len() == 0)
                && matches!(route.next_hop, NextHop::Appliance(_) | NextHop::Firewall(_))
        });
        if !wide {
            continue;
        }
        all.extend(inquiry.each([subnet], |_, body| {
            let endpoint = list(body, "/properties/serviceEndpoints")
                .iter()
                .any(|endpoint| is(endpoint, "/service", "Microsoft.Storage"));
            Some(unless(!endpoint, || "it has no endpoint for Microsoft.Storage".to_owned()))
        }));
    }
    all
}

fn hop_is_there(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (subnet, table) in associations(inquiry) {
        let Some(vnet) = subnet.parent() else { continue };
        let Fact::Known(body) = inquiry.facts.resource(&vnet) else { continue };
        let mut space = prefixes(body, "/properties/addressSpace/addressPrefixes");
        let planned = inquiry
            .peerings()
            .into_iter()
            .filter(|(_, peering)| peering.id.is_child_of(&vnet))
            .map(|(_, peering)| peering.remote.clone());
        let standing = peerings_of(Some(body))
            .iter()
            .filter_map(|peering| id_at(peering, "/properties/remoteVirtualNetwork/id"));
        for remote in planned.chain(standing) {
            space.extend(inquiry.space(&remote).unwrap_or_default());
        }
        let lost = table.routes.iter().find_map(|route| match route.next_hop {
            NextHop::Appliance(hop) if !space.iter().any(|net| net.contains(&hop)) => Some(hop),
            _ => None,
        });
        all.push(about(
            &table.id,
            unless(lost.is_some(), || {
                lost.map_or_else(String::new, |hop| {
                    format!("{hop} is in no network beside {}", vnet.name())
                })
            }),
        ));
    }
    all
}

fn same_subnet(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (subnet, table) in associations(inquiry) {
        all.extend(inquiry.each([subnet], |_, body| {
            let own = subnet_prefix(body)?;
            let looped = table.routes.iter().any(|route| match route.next_hop {
                // What is not on its own side, it may well forward.
                NextHop::Appliance(hop) => {
                    let inside = route.prefix.prefix().is_some_and(|prefix| own.contains(&prefix));
                    own.contains(&hop) && inside
                }
                _ => false,
            });
            Some(unless(looped, || "the appliance stands in it".to_owned()))
        }));
    }
    all
}
