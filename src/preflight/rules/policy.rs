//! Will a policy refuse what the run writes?

use serde_json::Value;

use crate::model::{Action, ResourceId, Step};
use crate::preflight::facts::{Fact, Facts, Question};
use crate::preflight::inquiry::{Inquiry, about, is, list, text};
use crate::preflight::projection;
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about Azure Policy.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "POLICY-DENY",
    severity: FindingSeverity::Block,
    fails_when: "A policy denies a resource that the runbook makes.",
    reads: "policy restrictions (Microsoft.PolicyInsights) for each resource to be made",
    why: "The write is refused with RequestDisallowedByPolicy, in the middle of the failover.",
    fix: "Write what the policy wants (tags, for the most part), or have the resource group exempted for \
          the failover.",
    source: "Azure-Landing-Zones 1810, 2945; caf-enterprise-scale 531; AzureTRE 2890",
    judge: denied,
}];

/// The resource that a step makes, as it would be sent to be judged; none for one that makes none. The
/// type, the name and what is planned: the keys that are sent with it are not part of it.
pub(in crate::preflight) fn content(step: &Step) -> Option<(&ResourceId, Value)> {
    let makes = match &step.action {
        Action::PublicIp(_)
        | Action::Subnet(_)
        | Action::Gateway(_)
        | Action::Connection(_)
        | Action::Peering(_)
        | Action::Route(_)
        | Action::Vpn(_)
        | Action::Hub(_)
        | Action::RouteTable(_) => true,
        Action::Authorization(_)
        | Action::Association(_)
        | Action::Bandwidth(_)
        | Action::Tier(_)
        | Action::SecurityGroup(_)
        | Action::Dns(_)
        | Action::Dissociation(_)
        | Action::Remove(_)
        | Action::RecoveryPlan(_)
        | Action::Steering(_)
        | Action::Verify(_)
        | Action::Outside(_)
        | Action::General(_) => false,
    };
    let id = step.action.written().filter(|_| makes)?;
    // As it would be where nothing is.
    let mut nothing = Facts::default();
    nothing.insert(Question::Resource(id.clone()), Ok(None));
    let then = projection::after(&nothing, [step]);
    let mut body = then.body(id)?.clone();
    let name = match id.parent() {
        Some(parent) => format!("{}/{}", parent.name(), id.name()),
        None => id.name().to_owned(),
    };
    body["type"] = Value::from(id.resource_type().as_str());
    body["name"] = Value::from(name);
    if let Some(body) = body.as_object_mut() {
        body.remove("id");
    }
    Some((id, body))
}

/// The question about a resource that is to be made.
pub(in crate::preflight) fn question(id: &ResourceId, content: &Value) -> Question {
    Question::Restrictions { resource: id.clone(), content: content.to_string() }
}

fn denied(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps() {
        let Some((id, content)) = content(step) else { continue };
        // What stands is not made: policies ask of writes.
        match inquiry.at(step).read(id) {
            Ok(Some(_)) => continue,
            Ok(None) => {}
            Err(why) => {
                all.push(about(id, FindingVerdict::Unknown(why)));
                continue;
            }
        }
        let verdict = match inquiry.facts.of(&question(id, &content)) {
            Fact::Known(answer) => match denial(answer) {
                Some(by) => FindingVerdict::Failed(format!("policy {by} denies it")),
                None => FindingVerdict::Passed,
            },
            Fact::Absent => FindingVerdict::Unknown("policies cannot be asked there".to_owned()),
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        all.push(about(id, verdict));
    }
    all
}

/// The policy that denies, by an answer about restrictions.
fn denial(answer: &Value) -> Option<String> {
    let all = list(answer, "/contentEvaluationResult/policyEvaluations");
    let hit = all.iter().find(|evaluation| {
        is(evaluation, "/evaluationResult", "NonCompliant")
            // An answer of an older version says no effect; those are denials then.
            && text(evaluation, "/effectDetails/policyEffect")
                .is_none_or(|effect| effect.eq_ignore_ascii_case("deny"))
    })?;
    let id = text(hit, "/policyInfo/policyAssignmentId")
        .or_else(|| text(hit, "/policyInfo/policyDefinitionId"))
        .unwrap_or("without a name");
    Some(id.rsplit('/').next().unwrap_or(id).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_not_compliant_and_denied_stops() {
        let answer = |result: &str, effect: &str| {
            json!({ "contentEvaluationResult": { "policyEvaluations": [{
                "policyInfo": { "policyAssignmentId": "/s/policyAssignments/tags" },
                "evaluationResult": result, "effectDetails": { "policyEffect": effect } }] } })
        };
        assert_eq!(denial(&answer("NonCompliant", "Deny")).as_deref(), Some("tags"));
        assert_eq!(denial(&answer("NonCompliant", "Audit")), None);
        assert_eq!(denial(&answer("Compliant", "Deny")), None);
        assert_eq!(denial(&json!({})), None);
    }
}
