//! Will a policy refuse what the run writes, or what an undo of it would put back?

use serde_json::Value;

use crate::preflight::facts::{Fact, Facts};
use crate::preflight::inquiry::{Inquiry, about, is, list, text};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};
use crate::preflight::written::{StepBodies, WrittenBody};

/// The rules about Azure Policy.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "POLICY-DENY",
        severity: FindingSeverity::Block,
        fails_when: "A policy denies a resource that the runbook makes or changes.",
        reads: "policy restrictions (Microsoft.PolicyInsights) for each resource to be written",
        why: "The write is refused with RequestDisallowedByPolicy, in the middle of the failover. A resource \
              that stands since before the policy is refused as soon as it is written.",
        fix: "Write what the policy wants (tags, for the most part), or have the resource group exempted for \
              the failover.",
        source: "Azure-Landing-Zones 1810, 2945; caf-enterprise-scale 531; AzureTRE 2890",
        judge: denied,
    },
    Rule {
        id: "POLICY-UNDO",
        severity: FindingSeverity::Warn,
        fails_when: "A policy denies, as it stands, a resource that the runbook changes or removes.",
        reads: "policy restrictions (Microsoft.PolicyInsights) for each resource to be changed or removed",
        why: "It stands since before the policy. An undo writes it as it was, and is refused with \
              RequestDisallowedByPolicy: what the run took away does not come back.",
        fix: "Give it what the policy wants (tags, for the most part) on a quiet day, or have the resource group \
              exempted for the failover.",
        source: "Azure-Landing-Zones 1810, 2945; caf-enterprise-scale 531; AzureTRE 2890",
        judge: not_put_back,
    },
];

/// What policies say of a body.
fn judged(body: &WrittenBody<'_>, facts: &Facts) -> Judged {
    let verdict = match facts.of(&body.question()) {
        Fact::Known(answer) => match denial(answer) {
            Some(by) => FindingVerdict::Failed(format!("policy {by} denies it")),
            None => FindingVerdict::Passed,
        },
        Fact::Absent => FindingVerdict::Unknown("policies cannot be asked there".to_owned()),
        Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
    };
    about(body.id, verdict)
}

fn denied(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let judged = |own: &StepBodies<'_>| match &own.written {
        Ok(body) => body.as_ref().map(|body| judged(body, inquiry.facts)),
        Err((id, why)) => Some(about(id, FindingVerdict::Unknown(why.clone()))),
    };
    inquiry.bodies().iter().filter_map(judged).collect()
}

/// What cannot be asked is said of the writes already.
fn not_put_back(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let bodies = inquiry.bodies().iter().filter_map(|own| own.put_back.as_ref());
    let judged = bodies.map(|body| judged(body, inquiry.facts));
    judged.filter(|judged| !matches!(judged.verdict, FindingVerdict::Unknown(_))).collect()
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
