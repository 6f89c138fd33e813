//! Is there room for what the run makes, and is nobody else at work on it?

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::action::Vpn;
use crate::model::{Action, Region};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{Inquiry, about, is, list, text, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about quotas and work of others.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "QUOTA",
        severity: FindingSeverity::Block,
        fails_when: "What the runbook makes in a region is more than the subscription may have there.",
        reads: "usages of Microsoft.Network in the region: public addresses, gateways, route tables",
        why: "Azure refuses the write (PublicIPCountLimitReached and the like).",
        fix: "Ask for a larger quota: that takes hours to days. Or remove what is not used.",
        source: "A-ERR",
        judge: quota,
    },
    Rule {
        id: "GW-MIGRATION",
        severity: FindingSeverity::Block,
        fails_when: "A gateway that the runbook uses is being migrated to another SKU or address.",
        reads: "virtualNetworkGatewayMigrationStatus",
        why: "Azure refuses other changes of it until the migration is committed or aborted.",
        fix: "Commit or abort the migration first.",
        source: "E-GWP",
        judge: migration,
    },
];

/// What is counted together, and under which names Azure tells how many there may be.
fn counted(action: &Action) -> Option<(&Region, &'static [&'static str], &'static str)> {
    match action {
        Action::Vpn(Vpn::Gateway(spec)) => {
            Some((&spec.location, &["VirtualNetworkGateways"], "gateways"))
        }
        Action::Vpn(Vpn::LocalGateway(spec)) => {
            Some((&spec.location, &["LocalNetworkGateways"], "local network gateways"))
        }
        Action::PublicIp(spec) => Some((
            &spec.location,
            &["StandardSkuPublicIpAddresses", "PublicIPAddresses", "StaticPublicIPAddresses"],
            "public addresses",
        )),
        Action::Gateway(spec) => Some((&spec.location, &["VirtualNetworkGateways"], "gateways")),
        Action::RouteTable(spec) => Some((&spec.location, &["RouteTables"], "route tables")),
        Action::Vpn(Vpn::Connection(_))
        | Action::Steering(_)
        | Action::Subnet(_)
        | Action::Authorization(_)
        | Action::Connection(_)
        | Action::Peering(_)
        | Action::Association(_)
        | Action::Bandwidth(_)
        | Action::Tier(_)
        | Action::Route(_)
        | Action::SecurityGroup(_)
        | Action::Dns(_)
        | Action::Dissociation(_)
        | Action::Remove(_)
        | Action::RecoveryPlan(_)
        | Action::Hub(_)
        | Action::Verify(_)
        | Action::Outside(_)
        | Action::General(_) => None,
    }
}

/// The question about a region, for a step that makes something which is counted there.
pub(in crate::preflight) fn question(action: &Action) -> Option<Question> {
    let (region, ..) = counted(action)?;
    let subscription = action.written()?.subscription().to_owned();
    Some(Question::Usages { subscription, region: region.clone() })
}

fn quota(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    // How many of each are made that are not there.
    let mut made: BTreeMap<(Question, &str), (u64, &[&str])> = BTreeMap::new();
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        let (Some((_, names, word)), Some(id), Some(question)) =
            (counted(&step.action), step.action.written(), question(&step.action))
        else {
            continue;
        };
        match inquiry.at(step).read(id) {
            Ok(Some(_)) => continue,
            Ok(None) => made.entry((question, word)).or_insert((0, names)).0 += 1,
            Err(why) => all.push(about(id, FindingVerdict::Unknown(why))),
        }
    }
    for ((question, word), (count, names)) in made {
        let Question::Usages { subscription, region } = &question else { continue };
        let verdict = match inquiry.facts.of(&question) {
            Fact::Known(answer) => {
                let hit = names.iter().find_map(|name| over(answer, name, count));
                unless(hit.is_some(), || {
                    let (has, limit) = hit.unwrap_or_default();
                    format!("{count} {word} are to be made, and {has} of {limit} are there")
                })
            }
            Fact::Absent => FindingVerdict::Unknown("its usages are not told".to_owned()),
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        let about = format!("{word} of {subscription} in {}", region.as_str());
        all.push(Judged::of(about, verdict));
    }
    all
}

/// How many there are and may be, where so many more are too many.
fn over(answer: &Value, name: &str, more: u64) -> Option<(u64, u64)> {
    let usage = list(answer, "/value").iter().find(|usage| is(usage, "/name/value", name))?;
    let number = |key: &str| usage.get(key).and_then(Value::as_u64);
    // No limit is told as a negative number.
    let (has, limit) = (number("currentValue")?, number("limit")?);
    (has + more > limit).then_some((has, limit))
}

/// How many of something there may be, as Azure tells it.
pub(super) fn limit(answer: &Value, name: &str) -> Option<u64> {
    let usage = list(answer, "/value").iter().find(|usage| is(usage, "/name/value", name))?;
    usage.get("limit").and_then(Value::as_u64)
}

fn migration(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let ids = inquiry
        .gateways()
        .into_iter()
        .map(|(_, spec)| &spec.id)
        .chain(inquiry.connections().into_iter().map(|(_, spec)| &spec.gateway))
        .collect::<std::collections::BTreeSet<_>>();
    inquiry.each(ids, |_, body| {
        let status = "/properties/virtualNetworkGatewayMigrationStatus";
        let state = text(body, &format!("{status}/state")).unwrap_or("None");
        let phase = text(body, &format!("{status}/phase")).unwrap_or("None");
        let over = |word: &str| ["none", "succeeded"].contains(&word.to_ascii_lowercase().as_str());
        // What is prepared and not committed is under way as well.
        let open = !over(state)
            || ["prepare", "preparesucceeded", "execute", "executesucceeded"]
                .contains(&phase.to_ascii_lowercase().as_str());
        Some(unless(open, || format!("its migration is {state} (phase {phase})")))
    })
}
