//! Is the key at hand? Secrets that steps send, read now rather than when they are sent.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::action::Vpn;
use crate::model::vpn::SHARED_KEY_AT;
use crate::model::{Action, Condition, ResourceId, SecretRef, Step};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{Inquiry, about};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about secrets.
pub(super) const RULES: &[Rule] = &[Rule {
    id: "SECRET-READ",
    severity: FindingSeverity::Block,
    fails_when: "A secret parameter has no value that could be sent, or the key of the connection that \
                 `shared_key_of` names cannot be read.",
    reads: "the environment variables and files of this host that the runbook names; connections: sharedKey",
    why: "The step that sends it would fail, after gateways were waited for and approvals given.",
    fix: "Set the variable, or put the file there, for every process that drives the run. A key that cannot be \
          read in Azure (a region that is down may not tell it) is to be had from a vault, as a secret parameter: \
          `shared_key`.",
    source: "of this program; azure-facts 3.9",
    judge: |inquiry| [readable(inquiry), told(inquiry)].concat(),
}];

/// The connections whose keys tunnels to be made take, each with a step that does so.
fn taken<'a>(inquiry: &Inquiry<'a>) -> BTreeMap<&'a ResourceId, &'a Step> {
    let steps = inquiry.plan.steps().iter();
    let taken =
        steps.filter(|step| step.when != Some(Condition::Known(false))).filter_map(|step| {
            let Action::Vpn(Vpn::Connection(spec)) = &step.action else { return None };
            match &spec.shared_key {
                SecretRef::Resource { id, pointer } if pointer == SHARED_KEY_AT => Some((id, step)),
                _ => None,
            }
        });
    taken.collect()
}

/// Which keys are to be read.
pub(in crate::preflight) fn questions(inquiry: &Inquiry<'_>) -> Vec<Question> {
    let keys = taken(inquiry).into_keys();
    keys.map(|connection| Question::SharedKey { connection: connection.clone() }).collect()
}

fn told(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (connection, step) in taken(inquiry) {
        // A tunnel that stands has its own.
        let stands = |own| matches!(inquiry.at(step).facts.resource(own), Fact::Known(_));
        if step.action.written().is_some_and(stands) {
            continue;
        }
        let question = Question::SharedKey { connection: connection.clone() };
        let verdict = match inquiry.facts.of(&question) {
            Fact::Known(Value::Bool(false)) => FindingVerdict::Failed("it has no key".to_owned()),
            Fact::Known(_) => FindingVerdict::Passed,
            Fact::Absent => FindingVerdict::Failed("there is no such connection".to_owned()),
            Fact::Unknown(_) if !inquiry.facts.knows(&question) => continue,
            Fact::Unknown(why) => {
                let why = why.trim_end_matches('.');
                FindingVerdict::Failed(format!("its key cannot be read: {why}"))
            }
        };
        all.push(about(connection, verdict));
    }
    all
}

fn readable(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for (param, source) in &inquiry.plan.parts().secrets {
        let question = Question::Secret { param: param.clone() };
        let verdict = match inquiry.facts.of(&question) {
            Fact::Known(_) => FindingVerdict::Passed,
            Fact::Absent => FindingVerdict::Failed("it has no value".to_owned()),
            Fact::Unknown(_) if !inquiry.facts.knows(&question) => continue,
            Fact::Unknown(why) => FindingVerdict::Failed(why.trim_end_matches('.').to_owned()),
        };
        all.push(Judged::of(format!("secret {param} ({source})"), verdict));
    }
    all
}
