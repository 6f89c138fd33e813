//! Does something stand under the name of what a step makes, with a field that Azure never changes?
//!
//! The fields are those that the table of comparisons gives to a person: what a plan would be blocked by is known
//! before the run.

use serde_json::Value;

use crate::arm::read::list;
use crate::model::action::{HubAction, Vpn};
use crate::model::compared::{ComparedField, How, Remedy, Unshown, field, same_text};
use crate::model::references::is_certain;
use crate::model::{Action, ResourceId, Step};
use crate::preflight::inquiry::{Inquiry, unless};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about fields that stand as they were made.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "RES-FIXED",
    severity: FindingSeverity::Block,
    fails_when: "A resource that the runbook makes stands already, with another value in a field that Azure never changes: \
                 the SKU, zones or IP version of a public address, the subnet or address of a gateway, the type of a VPN \
                 gateway, the hub of a hub's gateway, the remote network of a peering or of a hub's connection.",
    reads: "what stands, as the steps before leave it: the fields that docs/comparison.md calls blocked",
    why: "Azure refuses every try, and the step fails after all that comes before it.",
    fix: "Write what it has into the runbook, or another name; or remove it in a step that this one needs.",
    source: "docs/comparison.md; azurerm 16470 (ResourceAvailabilityZonesCannotBeModified); azure-facts 1.6, 2.4",
    judge: fixed,
}];

/// A field that is never changed, and what a step wants in it.
type FixedField<'a> = (&'static str, Vec<&'a str>);

const SUBNET: &str = "properties/ipConfigurations/*/properties/subnet/id";
const ADDRESS: &str = "properties/ipConfigurations/*/properties/publicIPAddress/id";
const REMOTE: &str = "properties/remoteVirtualNetwork/id";

/// What a step wants in such fields; of those that other rules tell of (regions and types, the ends of connections, what
/// a hub was made with), nothing.
fn wanted(action: &Action) -> Vec<FixedField<'_>> {
    match action {
        Action::PublicIp(spec) => vec![
            ("sku/name", vec!["Standard"]),
            ("zones", spec.zones.iter().map(String::as_str).collect()),
            ("properties/publicIPAddressVersion", vec!["IPv4"]),
        ],
        Action::Gateway(spec) => vec![
            (SUBNET, vec![spec.subnet.as_str()]),
            (ADDRESS, spec.public_ip.iter().map(ResourceId::as_str).collect()),
        ],
        Action::Peering(spec) => vec![(REMOTE, vec![spec.remote.as_str()])],
        Action::Vpn(Vpn::Gateway(spec)) => vec![
            ("properties/vpnType", vec!["RouteBased"]),
            (SUBNET, vec![spec.subnet.as_str()]),
            (ADDRESS, spec.public_ips.iter().map(ResourceId::as_str).collect()),
        ],
        Action::Hub(HubAction::Gateway(spec)) => {
            vec![("properties/virtualHub/id", vec![spec.hub.as_str()])]
        }
        Action::Hub(HubAction::Vnet(spec)) => vec![(REMOTE, vec![spec.vnet.as_str()])],
        _ => Vec::new(),
    }
}

/// What a body shows at a path, of each thing of a list.
fn shown<'v>(body: &'v Value, path: &str) -> Vec<Option<&'v Value>> {
    let at = |value: &'v Value, path: &str| value.pointer(&format!("/{path}"));
    match path.split_once("/*/") {
        Some((all, rest)) => {
            list(body, &format!("/{all}")).iter().map(|own| at(own, rest)).collect()
        }
        None => match at(body, path) {
            Some(Value::Array(all)) => all.iter().map(Some).collect(),
            Some(Value::Null) | None => vec![None],
            one => vec![one],
        },
    }
}

/// How a field differs for good, if it does.
fn difference(row: &ComparedField, wanted: &[&str], body: &Value) -> Option<String> {
    let all = shown(body, row.path);
    let has: Vec<&str> = all.iter().filter_map(|own| own.as_ref()?.as_str()).collect();
    let is_there = |own: &&str| has.iter().any(|has| same_text(own, has));
    // What is not shown differs in few fields, and of a list it may be any.
    let hidden = row.unshown != Unshown::Differs && (all.contains(&None) || has.is_empty());
    // A list has room for more, and gets what it lacks beside what it has, where that is a part of what is wanted.
    let adds = row.path.contains('*')
        && (has.len() < wanted.len() || (wanted.len() > 1 && wanted.iter().any(is_there)));
    if hidden || adds || wanted.iter().all(is_there) {
        return None;
    }
    let stands = match has.as_slice() {
        [] => format!("without {}", row.what),
        has => format!("with {} {}", row.what, words(row, has)),
    };
    Some(format!("it stands {stands}, and the runbook wants {}", words(row, wanted)))
}

/// Values for a sentence: of ids the name, and in what they are.
fn words(row: &ComparedField, all: &[&str]) -> String {
    let word = |own: &&str| match ResourceId::parse(own) {
        Ok(id) => match id.parent() {
            Some(parent) => format!("{} of {}", id.name(), parent.name()),
            None => id.name().to_owned(),
        },
        Err(_) => (*own).to_owned(),
    };
    let mut all: Vec<String> = all.iter().map(word).collect();
    if row.how != How::Set {
        all.dedup();
    }
    all.join(", ")
}

fn fixed(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        let (wanted, Some(id)) = (wanted(&step.action), step.action.written()) else { continue };
        let of = id.resource_type();
        let rows = wanted.iter().filter_map(|(path, wanted)| {
            let row = field(of.as_str(), path)?;
            matches!(row.remedy, Remedy::Person(_)).then_some((row, wanted))
        });
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            continue;
        }
        all.extend(inquiry.at(step).each([id], |_, body| {
            let why = rows.iter().find_map(|(row, wanted)| difference(row, wanted, body));
            Some(match why {
                Some(why) if !stays(inquiry, step, id) => FindingVerdict::Unknown(format!(
                    "{why}; it may be taken away before, or the run goes on without the step"
                )),
                why => unless(why.is_some(), || why.unwrap_or_default()),
            })
        }));
    }
    all
}

/// Whether what stands is there for certain when its step begins, and stops the run: nobody may take it away.
fn stays(inquiry: &Inquiry<'_>, step: &Step, id: &ResourceId) -> bool {
    let plan = inquiry.plan;
    let Some(place) = plan.place(&step.name) else { return false };
    let later = plan.dag().descendants(place);
    let goes = |(at, other): (usize, &Step)| {
        let removes = matches!(&other.action, Action::Remove(spec) if spec.id == *id);
        removes && !other.never_runs() && !later.contains(&at)
    };
    is_certain(plan, place, step) && !plan.steps().iter().enumerate().any(goes)
}
