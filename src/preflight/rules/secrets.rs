//! Is the key at hand? Secrets that steps send, read now rather than when they are sent.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::action::Vpn;
use crate::model::vpn::SHARED_KEY_AT;
use crate::model::{Action, ResourceId, SecretRef, Step};
use crate::preflight::facts::{Fact, KeyStanding, Question};
use crate::preflight::inquiry::{Inquiry, about};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

const AUTH_KEY: Rule = Rule {
    id: "AUTH-KEY",
    severity: FindingSeverity::Block,
    fails_when: "The key that a connection to be made is given as a secret is that of an authorization in use, or of \
                 none of the circuit's.",
    reads: "authorizations of the circuit: authorizationKey, authorizationUseStatus; the secret parameter",
    why: "Azure refuses the connection, after the gateway was waited for. Who may not read the circuit's \
          authorizations cannot know it before.",
    fix: "Have the circuit's owner make another authorization, and put its key where the parameter is read from.",
    source: "E-LINK",
    judge: key,
};

/// The rules about secrets.
pub(super) const RULES: &[Rule] = &[
    AUTH_KEY,
    Rule {
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
    },
];

/// The connections whose keys tunnels to be made take, each with a step that does so.
fn taken<'a>(inquiry: &Inquiry<'a>) -> BTreeMap<&'a ResourceId, &'a Step> {
    let steps = inquiry.plan.steps_to_run();
    let taken = steps.filter_map(|step| {
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
    let shared = keys.map(|connection| Question::SharedKey { connection: connection.clone() });
    let links = inquiry.planned_links().into_iter();
    let given = links.filter_map(|link| asks(link.circuit, link.authorization));
    shared.chain(given).collect()
}

/// The question about the key of a connection to a circuit, where a secret parameter holds it.
fn asks(circuit: &ResourceId, key: Option<&SecretRef>) -> Option<Question> {
    match key {
        Some(SecretRef::Param(param)) => {
            Some(Question::KeyOf { circuit: circuit.clone(), param: param.clone() })
        }
        Some(SecretRef::Resource { .. }) | None => None,
    }
}

fn key(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let mut all = Vec::new();
    for planned in inquiry.planned_links() {
        let Some(question) = asks(planned.circuit, planned.authorization) else { continue };
        // A connection that stands has spent its own.
        let stands = matches!(inquiry.at(planned.step).read(planned.id), Ok(Some(_)));
        if stands || !inquiry.facts.knows(&question) {
            continue;
        }
        // Released by a connection that is removed first.
        let links = inquiry.all_links_to(planned.circuit);
        let released = links.iter().any(|link| inquiry.removed_before(link, planned.step));
        let verdict = match inquiry.facts.of(&question) {
            Fact::Known(told) => standing(told, released, planned.circuit),
            // The circuit is not there; its own rules say so.
            Fact::Absent => continue,
            Fact::Unknown(why) => FindingVerdict::Unknown(why.to_owned()),
        };
        all.push(about(planned.id, verdict));
    }
    all
}

/// What it means how a key stands to a circuit's authorizations.
fn standing(told: &Value, released: bool, circuit: &ResourceId) -> FindingVerdict {
    match serde_json::from_value(told.clone()) {
        Ok(KeyStanding::Available) => FindingVerdict::Passed,
        Ok(KeyStanding::InUse) if released => FindingVerdict::Passed,
        Ok(KeyStanding::InUse) => {
            FindingVerdict::Failed("its key is that of an authorization in use".to_owned())
        }
        Ok(KeyStanding::OfNone) => FindingVerdict::Failed(format!(
            "its key is that of no authorization of {}",
            circuit.name()
        )),
        Ok(KeyStanding::Untold) | Err(_) => {
            FindingVerdict::Unknown("the authorizations are told without their keys".to_owned())
        }
    }
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
