//! Will a policy refuse what the run writes, or what an undo of it would put back?

use serde_json::Value;

use crate::model::azure_limits::{Resize, resize};
use crate::model::permission::made;
use crate::model::{Action, ResourceId, Step};
use crate::preflight::facts::{Fact, Facts, Question};
use crate::preflight::inquiry::{Inquiry, about, is, list, text};
use crate::preflight::projection;
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

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

/// What policies are asked about.
#[derive(Debug)]
pub(super) struct PolicyCase<'p> {
    pub(super) id: &'p ResourceId,
    /// As it is written, but for keys.
    pub(super) content: Value,
    /// What of it the runbook says itself.
    pub(super) wanted: Option<Value>,
}

/// What a step writes, as far as it is known by now whether it writes: a resource that is not there, or one
/// that differs from what is planned. An error where it cannot be known.
pub(super) fn written<'p>(
    inquiry: &Inquiry<'_>,
    step: &'p Step,
) -> Result<Option<PolicyCase<'p>>, (&'p ResourceId, String)> {
    let Some(id) = made(&step.action) else { return Ok(None) };
    let found = found(inquiry, step, id);
    let has = match found.resource(id) {
        Fact::Known(body) => Some(body),
        Fact::Absent => None,
        Fact::Unknown(why) => return Err((id, format!("{} cannot be read: {why}", id.name()))),
    };
    // Alone with what it is made of: a plan has thousands of steps.
    let mut alone = Facts::default();
    alone.insert(Question::Resource(id.clone()), Ok(has.cloned()));
    for other in step.action.reads() {
        if let Some(body) = found.body(other) {
            alone.insert(Question::Resource(other.clone()), Ok(Some(body.clone())));
        }
    }
    let then = projection::after(&alone, [step]).body(id).cloned();
    let body = then
        .filter(|then| has.is_none_or(|has| !is_larger(&step.action, has) && differs(has, then)));
    let wanted = has.map(|_| {
        alone.insert(Question::Resource(id.clone()), Ok(None));
        projection::after(&alone, [step]).body(id).cloned()
    });
    Ok(body.map(|body| {
        let wanted = wanted.unwrap_or_else(|| Some(body.clone()));
        PolicyCase { id, content: content(id, body), wanted }
    }))
}

/// The facts about a resource as a step finds it: those of now, but where a step before it writes in the family.
fn found<'i>(inquiry: &'i Inquiry<'_>, step: &Step, id: &ResourceId) -> &'i Facts {
    let (plan, root) = (inquiry.plan, id.root());
    let before = plan.place(&step.name).map(|place| plan.dag().ancestors(place));
    let mut before = before.into_iter().flatten().filter_map(|place| plan.steps().get(place));
    let writes = |step: &Step| step.action.written().is_some_and(|own| own.root() == root);
    if before.any(writes) { inquiry.at(step).facts } else { inquiry.facts }
}

/// What stands and a step changes or takes away, as it stands.
fn put_back<'p>(inquiry: &Inquiry<'_>, step: &'p Step) -> Option<PolicyCase<'p>> {
    let id = match &step.action {
        Action::Remove(_) => step.action.written()?,
        action => made(action).filter(|_| matches!(written(inquiry, step), Ok(Some(_))))?,
    };
    let has = found(inquiry, step, id).body(id)?.clone();
    Some(PolicyCase { id, content: content(id, has), wanted: None })
}

/// A gateway that does all that is asked stays as it is.
fn is_larger(action: &Action, has: &Value) -> bool {
    let Action::Gateway(spec) = action else { return false };
    text(has, "/properties/sku/name").is_some_and(|has| resize(has, &spec.sku) == Resize::None)
}

/// Names of what Azure alone says, and of what is left as it is once it stands.
const NOT_WRITTEN: [&str; 5] =
    ["provisioningState", "peeringState", "ipConfigurations", "zones", "etag"];

/// Whether a body is not yet as planned: more than was planned is no difference, nor is the case of letters.
fn differs(has: &Value, planned: &Value) -> bool {
    match (has, planned) {
        (Value::Object(has), Value::Object(planned)) => planned.iter().any(|(key, planned)| {
            let has = has.get(key).unwrap_or(&Value::Null);
            !NOT_WRITTEN.contains(&key.as_str()) && differs(has, planned)
        }),
        (Value::Array(has), Value::Array(planned)) => {
            planned.iter().any(|planned| has.iter().all(|has| differs(has, planned)))
        }
        (Value::String(has), Value::String(planned)) => {
            let folded = |text: &str| text.replace(' ', "").to_ascii_lowercase();
            folded(has) != folded(planned)
        }
        // What Azure does not show is off, or none.
        (Value::Null, planned) => match planned {
            Value::Null | Value::Bool(false) => false,
            Value::Object(planned) => planned.values().any(|own| differs(&Value::Null, own)),
            Value::Array(planned) => !planned.is_empty(),
            Value::Number(planned) => planned.as_f64() != Some(0.0),
            Value::Bool(true) | Value::String(_) => true,
        },
        (has, planned) => has != planned,
    }
}

/// What is secret in the bodies of authorizations and connections.
const KEYS: [&str; 2] = ["authorizationKey", "sharedKey"];

/// A body as policies are asked about it: the type, the name and what is written. The keys that are sent with it
/// are not part of it.
fn content(id: &ResourceId, mut body: Value) -> Value {
    let name = match id.parent() {
        Some(parent) => format!("{}/{}", parent.name(), id.name()),
        None => id.name().to_owned(),
    };
    body["type"] = Value::from(id.resource_type().as_str());
    body["name"] = Value::from(name);
    if let Some(body) = body.as_object_mut() {
        body.remove("id");
        body.remove("etag");
    }
    if let Some(properties) = body["properties"].as_object_mut() {
        properties.retain(|key, _| !KEYS.contains(&key.as_str()));
    }
    body
}

impl PolicyCase<'_> {
    pub(super) fn question(&self) -> Question {
        Question::Restrictions { resource: self.id.clone(), content: self.content.to_string() }
    }

    fn judged(&self, facts: &Facts) -> Judged {
        let verdict = match facts.of(&self.question()) {
            Fact::Known(answer) => match denial(answer) {
                Some(by) => FindingVerdict::Failed(format!("policy {by} denies it")),
                None => FindingVerdict::Passed,
            },
            Fact::Absent => FindingVerdict::Unknown("policies cannot be asked there".to_owned()),
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        about(self.id, verdict)
    }
}

/// The questions about what steps write, and about what an undo of them would write.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> Vec<Question> {
    let steps = inquiry.plan.steps().iter();
    let cases = steps.flat_map(|step| {
        [written(inquiry, step).ok().flatten(), put_back(inquiry, step)].into_iter().flatten()
    });
    cases.map(|case| case.question()).collect()
}

fn denied(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let judged = |step| match written(inquiry, step) {
        Ok(case) => case.map(|case| case.judged(inquiry.facts)),
        Err((id, why)) => Some(about(id, FindingVerdict::Unknown(why))),
    };
    inquiry.plan.steps().iter().filter_map(judged).collect()
}

/// What cannot be asked is said of the writes already.
fn not_put_back(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let steps = inquiry.plan.steps().iter();
    let cases = steps.filter_map(|step| put_back(inquiry, step));
    let judged = cases.map(|case| case.judged(inquiry.facts));
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
