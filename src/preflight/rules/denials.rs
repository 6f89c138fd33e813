//! Does a deny assignment forbid what a step does? It goes before every role.

use serde_json::{Value, json};

use crate::model::{ResourceId, Step, permission};
use crate::preflight::facts::{Fact, Question};
use crate::preflight::inquiry::{Inquiry, about, flag, list, text};
use crate::preflight::rule::{FindingSeverity, FindingVerdict, Judged, Rule, worst_of_each};

/// The principal that stands for everybody.
const EVERYBODY: &str = "00000000-0000-0000-0000-000000000000";

/// The rules about deny assignments.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "DENY-ASSIGNED",
        severity: FindingSeverity::Block,
        fails_when: "A deny assignment for everybody, which leaves nobody out, forbids what a step does.",
        reads: "deny assignments of the resource groups, over them and in them: permissions, scope, principals, \
                excludePrincipals",
        why: "It goes before every role: Azure refuses with DenyAssignmentAuthorizationFailed, after the approval and the \
              wait for what comes before. Deployment stacks (denyWriteAndDelete) and managed applications make them.",
        fix: "Exclude the action or whoever runs this from the stack's deny settings, or have its owner change the \
              resource.",
        source: "azure-docs role-based-access-control/deny-assignments.md; Azure/deployment-stacks 126",
        judge: |inquiry| denied(inquiry, Certainty::Sure),
    },
    Rule {
        id: "DENY-MAYBE",
        severity: FindingSeverity::Warn,
        fails_when: "A deny assignment forbids what a step does to some, or leaves some out: whether whoever runs this is \
                     among them is not known here.",
        reads: "deny assignments of the resource groups, over them and in them: permissions, scope, principals, \
                excludePrincipals",
        why: "Whom it is for, it refuses with DenyAssignmentAuthorizationFailed, whatever their roles.",
        fix: "See whether the principal, or a group that it is in, is one of those that are excluded.",
        source: "azure-docs role-based-access-control/deny-assignments.md",
        judge: |inquiry| denied(inquiry, Certainty::Unsure),
    },
];

/// Whether a deny assignment is for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certainty {
    /// It is for everybody.
    Sure,
    /// It may be.
    Unsure,
}

fn certainty(denial: &Value) -> Certainty {
    let everybody = list(denial, "/properties/principals")
        .iter()
        .any(|own| text(own, "/id").is_some_and(|id| id.eq_ignore_ascii_case(EVERYBODY)));
    match everybody && list(denial, "/properties/excludePrincipals").is_empty() {
        true => Certainty::Sure,
        false => Certainty::Unsure,
    }
}

/// Whether it holds at a resource: at its scope, and below where it says nothing else.
fn holds_at(denial: &Value, id: &ResourceId) -> bool {
    let scope = text(denial, "/properties/scope").unwrap_or_default();
    let scope = scope.trim_end_matches('/').to_ascii_lowercase();
    let below = !flag(denial, "/properties/doNotApplyToChildScopes");
    id.key()
        .strip_prefix(scope.as_str())
        .is_some_and(|rest| rest.is_empty() || (below && rest.starts_with('/')))
}

fn forbids(denial: &Value, right: &str) -> bool {
    let entries = list(denial, "/properties/permissions");
    permission::granted(&json!({ "value": entries }), right)
}

fn denied(inquiry: &Inquiry<'_>, wanted: Certainty) -> Vec<Judged> {
    let mut all = Vec::new();
    for step in inquiry.plan.steps_to_run() {
        for (id, right) in permission::needed_apart(step).to_do {
            if !right.ends_with("/read") {
                all.extend(judged(inquiry, step, (&id, &right), wanted));
            }
        }
    }
    worst_of_each(all)
}

fn judged(
    inquiry: &Inquiry<'_>,
    step: &Step,
    (id, right): (&ResourceId, &str),
    wanted: Certainty,
) -> Option<Judged> {
    let question = Question::Denials {
        subscription: id.subscription().to_owned(),
        group: id.resource_group().to_owned(),
    };
    let value = match inquiry.facts.of(&question) {
        Fact::Known(value) => value,
        Fact::Absent => return None,
        // Nothing was asked about a group that is only joined.
        Fact::Unknown(_) if !inquiry.facts.knows(&question) => return None,
        // What cannot be read is said once for each group.
        Fact::Unknown(_) if wanted == Certainty::Unsure => return None,
        Fact::Unknown(why) => {
            let group = format!("resource group {}", id.resource_group());
            return Some(Judged::of(group, FindingVerdict::Unknown(why.to_owned())));
        }
    };
    let hit = list(value, "/value").iter().find(|denial| {
        certainty(denial) == wanted && holds_at(denial, id) && forbids(denial, right)
    });
    let verdict = hit.map_or(FindingVerdict::Passed, |denial| {
        let named = text(denial, "/properties/denyAssignmentName");
        let name = named.or(text(denial, "/name")).unwrap_or("without a name");
        let may = if wanted == Certainty::Sure { "denies" } else { "may deny" };
        FindingVerdict::Failed(format!(
            "the deny assignment {name} {may} {right} (step `{}`)",
            step.name
        ))
    });
    Some(about(id, verdict))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_where_it_says_and_forbids_what_it_does_not_take_out() {
        let id = |text: &str| ResourceId::parse(text).unwrap();
        let net = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
        let own = |only: bool| {
            json!({ "properties": { "scope": net, "doNotApplyToChildScopes": only, "permissions": [{
                "actions": ["*"], "notActions": ["*/read"] }] } })
        };
        let subnet = id(&format!("{net}/subnets/n"));
        assert!(holds_at(&own(false), &subnet) && !holds_at(&own(true), &subnet));
        assert!(holds_at(&own(true), &id(net)) && !holds_at(&own(false), &id(&format!("{net}2"))));
        assert!(forbids(&own(false), "Microsoft.Network/virtualNetworks/subnets/write"));
        assert!(!forbids(&own(false), "Microsoft.Network/virtualNetworks/read"));
    }
}
