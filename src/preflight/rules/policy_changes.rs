//! Does a policy change what the run writes? The effects modify and append: Azure takes the write, and what stands
//! then is another thing.

use serde_json::Value;

use crate::arm::PolicyField;
use crate::preflight::facts::{Fact, Facts};
use crate::preflight::inquiry::{GATEWAY_SUBNET, Inquiry, about, is, list, text};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};
use crate::preflight::written::WrittenBody;

/// The rules about policies that change.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "POLICY-CONTRADICTS",
        severity: FindingSeverity::Block,
        fails_when: "A policy writes another value than the runbook into a resource that it makes or changes, or a security \
                     group into the subnet of its gateways.",
        reads: "policy restrictions (Microsoft.PolicyInsights) for each resource to be written: fieldRestrictions",
        why: "A policy with the effect modify changes the write before Azure carries it out. The write is accepted, \
              the value never stands, and the step fails after it has been written three times, in the middle of \
              the failover. A gateway does not work behind a security group.",
        fix: "Let the runbook want what the policy makes, or have the resource group exempted for the failover.",
        source: "Microsoft Learn: Azure Policy definitions modify effect; checkPolicyRestrictions (fieldRestrictions)",
        judge: |inquiry| judged(inquiry, true),
    },
    Rule {
        id: "POLICY-MODIFY",
        severity: FindingSeverity::Warn,
        fails_when: "A policy adds to a resource that the runbook makes or changes, or changes what the runbook leaves open.",
        reads: "policy restrictions (Microsoft.PolicyInsights) for each resource to be written: fieldRestrictions",
        why: "What stands after the run has more in it, or another value, than what was written: a tag, a setting of \
              a subnet, a flag of a peering. The step does not look at it, and what it does to traffic is for \
              people to judge.",
        fix: "Judge whether the failover bears it; else name the field in the runbook, or have the resource group \
              exempted.",
        source: "Microsoft Learn: Azure Policy definitions modify effect, append effect",
        judge: |inquiry| judged(inquiry, false),
    },
];

/// Those of either kind: against what the runbook wants, or beside it. What cannot be asked is said of denials
/// already.
fn judged(inquiry: &Inquiry<'_>, contradicts: bool) -> Vec<Judged> {
    let of = |body: &WrittenBody<'_>| {
        let said = changes(body, inquiry.facts)?;
        let told: Vec<String> = said
            .iter()
            .filter(|change| (change.contradicts || unbearable(body, change)) == contradicts)
            .map(|change| change.sentence.clone())
            .collect();
        let verdict = match told.is_empty() {
            true => FindingVerdict::Passed,
            false => FindingVerdict::Failed(told.join("; ")),
        };
        Some(about(body.id, verdict))
    };
    let bodies = inquiry.bodies().iter().filter_map(|own| own.written.as_ref().ok()?.as_ref());
    bodies.filter_map(of).collect()
}

/// Whether Azure does not bear what a policy adds: a security group on the subnet of gateways (E-GW, GWS-NSG).
fn unbearable(body: &WrittenBody<'_>, change: &PolicyChange) -> bool {
    body.id.name().eq_ignore_ascii_case(GATEWAY_SUBNET)
        && change.field.to_ascii_lowercase().starts_with("networksecuritygroup")
}

/// What a policy makes of a field.
#[derive(Debug, PartialEq, Eq)]
struct PolicyChange {
    contradicts: bool,
    field: String,
    sentence: String,
}

fn changes(body: &WrittenBody<'_>, facts: &Facts) -> Option<Vec<PolicyChange>> {
    let Fact::Known(answer) = facts.of(&body.question()) else { return None };
    Some(read(body.id.resource_type().as_str(), (&body.content, body.wanted.as_ref()), answer))
}

/// The changes that an answer tells of, for a body that is to be written and what the runbook wants of it.
fn read(kind: &str, bodies: (&Value, Option<&Value>), answer: &Value) -> Vec<PolicyChange> {
    let fields = list(answer, "/fieldRestrictions").iter().filter_map(|own| {
        let field = text(own, "/field")?;
        Some((field, PolicyField::of(kind, field)?, list(own, "/restrictions")))
    });
    let all = fields.flat_map(|(_, place, restrictions)| {
        restrictions.iter().filter_map(move |own| change(&place, bodies, own)).collect::<Vec<_>>()
    });
    all.collect()
}

fn change(
    place: &PolicyField,
    (content, wanted): (&Value, Option<&Value>),
    restriction: &Value,
) -> Option<PolicyChange> {
    // Answers of older versions say no effect; of a field that was not asked about, only what changes it is told.
    let effect = text(restriction, "/policyEffect");
    let changes =
        |effect: &str| ["modify", "append"].iter().any(|own| own.eq_ignore_ascii_case(effect));
    if !effect.is_none_or(changes) {
        return None;
    }
    let wants = wanted.and_then(|wanted| place.in_body(wanted));
    let makes = if is(restriction, "/result", "Removed") {
        place.in_body(content)?;
        "takes it out".to_owned()
    } else if is(restriction, "/result", "Required") {
        let given = list(restriction, "/values");
        let default = restriction.get("defaultValue").filter(|own| !own.is_null());
        // A default is set only where nobody says a value.
        let value =
            given.first().or_else(|| default.filter(|_| place.in_body(content).is_none()))?;
        if given.iter().chain(default).any(|own| place.has(content, own)) {
            return None;
        }
        format!("makes it {}", words(value))
    } else {
        return None;
    };
    let id = text(restriction, "/policy/policyAssignmentId")
        .or_else(|| text(restriction, "/policy/policyDefinitionId"))
        .unwrap_or("without a name");
    let policy = id.rsplit('/').next().unwrap_or(id);
    let field = place.name();
    let wish = match wants {
        Some(wants) => format!("the runbook wants {field} to be {}", words(wants)),
        None => format!("the runbook leaves {field} open"),
    };
    Some(PolicyChange {
        contradicts: wants.is_some(),
        field: field.clone(),
        sentence: format!("{wish}, and policy {policy} {makes}"),
    })
}

fn words(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KIND: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";

    fn answer(field: &str, restriction: Value) -> Value {
        let mut restriction = restriction;
        restriction["policy"] = json!({ "policyAssignmentId": "/s/policyAssignments/own" });
        let field = if field.contains('.') { field.to_owned() } else { format!("{KIND}/{field}") };
        json!({ "fieldRestrictions": [{ "field": field, "restrictions": [restriction] }] })
    }

    #[test]
    fn a_value_that_the_runbook_sets_contradicts_and_one_that_it_leaves_open_does_not() {
        let content = json!({ "properties": { "allowForwardedTraffic": true, "other": 1 } });
        let wanted = json!({ "properties": { "allowForwardedTraffic": true } });
        let said = |field: &str, restriction: Value| {
            let all = read(KIND, (&content, Some(&wanted)), &answer(field, restriction));
            all.into_iter().map(|own| (own.contradicts, own.sentence)).collect::<Vec<_>>()
        };
        let to = |values: Value| json!({ "result": "Required", "values": values, "policyEffect": "Modify" });
        let told = said("allowForwardedTraffic", to(json!(["false"])));
        let sentence =
            "the runbook wants allowForwardedTraffic to be true, and policy own makes it false";
        assert_eq!(told, [(true, sentence.to_owned())]);
        assert_eq!(said("allowForwardedTraffic", to(json!(["true"]))), [], "it is so already");
        assert!(!said("other", to(json!([2])))[0].0, "it is left open");
        let default = json!({ "result": "Required", "defaultValue": "4711" });
        let sentence = "the runbook leaves tags.cc open, and policy own makes it 4711";
        assert_eq!(said("tags.cc", default.clone()), [(false, sentence.to_owned())]);
        assert_eq!(said("other", default), [], "who says a value keeps it");
        let removed = json!({ "result": "Removed" });
        assert!(said("allowForwardedTraffic", removed.clone())[0].0);
        assert_eq!(said("nothing", removed), []);
        // A denial is not a change.
        let denied = json!({ "result": "Deny", "values": ["true"], "policyEffect": "Deny" });
        assert_eq!(said("allowForwardedTraffic", denied), []);
    }
}
