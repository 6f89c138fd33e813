//! Does Azure answer for what the run reads and writes? Refusals that are known beforehand and that no waiting mends.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::action::{Connection, HubAction};
use crate::model::{Action, ResourceId, ResourceType, SecretRef, Step};
use crate::preflight::facts::Question;
use crate::preflight::inquiry::Inquiry;
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule};

/// The rules about answers.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "SUB-SEEN",
        severity: FindingSeverity::Block,
        fails_when: "Azure does not show us a subscription in which steps read or write.",
        reads: "the refusals of all reads (404 SubscriptionNotFound)",
        why: "Nothing there can be read or written, and no waiting mends that.",
        fix: "Look at its id; log in to the tenant and the cloud that it is of, with an account that has a role in it.",
        source: "A-ERR",
        judge: unseen,
    },
    Rule {
        id: "API-TAKEN",
        severity: FindingSeverity::Block,
        fails_when: "Azure does not take the api-version in which a type of resource is asked for that steps read or write.",
        reads: "the refusals of reads (400 NoRegisteredProviderFound, InvalidApiVersionParameter)",
        why: "Every request for it is refused, in the middle of the failover, too.",
        fix: "Look at which versions the answer names: this cloud or region has not the one that is used here. Do those \
              steps by hand (`render`), or with a version of backroad that knows this cloud.",
        source: "A-ERR",
        judge: unserved,
    },
];

/// What Azure says of a subscription that it does not show.
const UNSEEN: &str = "SubscriptionNotFound";

/// What Azure says of a version that it does not have.
const UNSERVED: [&str; 2] = ["NoRegisteredProviderFound", "InvalidApiVersionParameter"];

/// The resources that the run itself cannot do without. A circuit that we have the key of may be somebody else's, and the
/// side that may be down is no obstacle.
fn needed<'a>(inquiry: &Inquiry<'a>) -> BTreeSet<&'a ResourceId> {
    let steps = inquiry.plan.steps_to_run();
    steps.filter(|step| !Inquiry::on_source(step)).flat_map(of_step).collect()
}

fn of_step(step: &Step) -> Vec<&ResourceId> {
    let mut all: Vec<&ResourceId> = step.action.subject().into_iter().collect();
    all.extend(step.action.reads());
    let theirs = match &step.action {
        Action::Connection(Connection {
            circuit,
            authorization: Some(SecretRef::Param(_)),
            ..
        }) => Some(circuit),
        Action::Hub(HubAction::Connection(own))
            if matches!(own.authorization, Some(SecretRef::Param(_))) =>
        {
            Some(&own.circuit)
        }
        _ => None,
    };
    all.retain(|id| Some(*id) != theirs);
    all
}

fn unseen(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let needed: BTreeSet<&str> =
        needed(inquiry).into_iter().map(ResourceId::subscription).collect();
    let mut refused: BTreeMap<&str, &str> = BTreeMap::new();
    for (question, why) in inquiry.facts.refused_with(UNSEEN) {
        let subscription = question.subscription().filter(|own| needed.contains(own));
        if let Some(subscription) = subscription {
            refused.entry(subscription).or_insert(why);
        }
    }
    let judge = |(subscription, why): (&str, &str)| {
        Judged::of(format!("subscription {subscription}"), FindingVerdict::Failed(why.to_owned()))
    };
    refused.into_iter().map(judge).collect()
}

fn unserved(inquiry: &Inquiry<'_>) -> Vec<Judged> {
    let needed = needed(inquiry);
    let mut refused: BTreeMap<ResourceType, &str> = BTreeMap::new();
    for (question, why) in UNSERVED.iter().flat_map(|code| inquiry.facts.refused_with(code)) {
        if let Question::Resource(id) = question
            && needed.contains(id)
        {
            refused.entry(id.resource_type()).or_insert(why);
        }
    }
    let judge = |(kind, why): (ResourceType, &str)| {
        Judged::of(kind.as_str().to_owned(), FindingVerdict::Failed(why.to_owned()))
    };
    refused.into_iter().map(judge).collect()
}
