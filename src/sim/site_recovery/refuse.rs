//! How does Site Recovery refuse? In a shape of its own: what may be the cause, and what to do.

use super::phase::MachineMove;
use super::words::AllowedOperation;
use crate::model::ResourceId;
use crate::model::recovery::FailoverDirection;
use crate::sim::reply::Refusal;
use crate::sim::unconfirmed::{self, Unconfirmed};

fn refused(belief: &Unconfirmed, message: String, causes: &str, action: &str) -> Refusal {
    let mut refusal = Refusal::unconfirmed(belief, message.clone());
    refusal.detail = Some(Box::new((belief.code.to_owned(), message)));
    refusal.advice = Some(Box::new((causes.to_owned(), action.to_owned())));
    refusal
}

/// A move that is none of those that the item or the plan shows as allowed.
pub(super) fn not_allowed(
    id: &ResourceId,
    machine_move: MachineMove,
    allowed: &[AllowedOperation],
) -> Refusal {
    let word = machine_move.allowed_as().as_str();
    let words: Vec<&str> = allowed.iter().map(|one| one.as_str()).collect();
    let now = if words.is_empty() { "nothing".to_owned() } else { words.join(", ") };
    refused(
        &unconfirmed::MOVE_NOT_ALLOWED,
        format!("The operation '{word}' cannot be done on '{}' in its present state.", id.name()),
        &format!("Allowed now: {now}."),
        "Bring it into a state in which the operation is allowed, and try again.",
    )
}

/// Another job is at work on the same thing.
pub(super) fn busy(id: &ResourceId, job: &str) -> Refusal {
    refused(
        &unconfirmed::JOB_AT_WORK,
        format!("Another operation is in progress on '{}'.", id.name()),
        &format!("The job '{job}' has not ended."),
        "Wait for it to end, or cancel it, and try again.",
    )
}

/// The failover is asked for in the direction in which it does not replicate.
pub(super) fn wrong_direction(id: &ResourceId, asked: &str, own: FailoverDirection) -> Refusal {
    refused(
        &unconfirmed::FAILOVER_DIRECTION,
        format!("'{}' cannot go in the direction '{asked}'.", id.name()),
        &format!("Its direction is '{}' now.", own.as_str()),
        "Ask for the direction in which it replicates.",
    )
}

/// A region that is needed does not answer.
pub(super) fn unreachable(id: &ResourceId, region: &str) -> Refusal {
    refused(
        &unconfirmed::FABRIC_UNREACHABLE,
        format!("The region '{region}' cannot be reached, and '{}' needs it.", id.name()),
        "The region is down.",
        "Wait until the region is back; an unplanned failover without operations at the source needs it not.",
    )
}

/// The request itself cannot be.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    refused(
        &unconfirmed::RECOVERY_INPUT,
        message.into(),
        "The request is not complete, or names what is not there.",
        "Correct the request.",
    )
}

/// What is asked for is not there.
pub(super) fn missing(id: &ResourceId) -> Refusal {
    refused(
        &unconfirmed::RECOVERY_MISSING,
        format!("The resource '{}' was not found in the vault.", id.name()),
        "It was never made, or is gone.",
        "Look for its name in the list.",
    )
}

/// What is to be deleted is used.
pub(super) fn used(id: &ResourceId, by: &str) -> Refusal {
    refused(
        &unconfirmed::RECOVERY_USED,
        format!("'{}' cannot be deleted while '{by}' is there.", id.name()),
        "Something uses it.",
        "Delete that first.",
    )
}

/// A job that does not take this action in its state.
pub(super) fn job_action(job: &str, action: &str) -> Refusal {
    refused(
        &unconfirmed::JOB_ACTION,
        format!("The action '{action}' is not allowed on the job '{job}'."),
        "The job is over, or does not wait.",
        "Look at the job's allowedActions.",
    )
}

/// A vault that is to be deleted and holds something.
pub(super) fn vault_used(id: &ResourceId) -> Refusal {
    let message = format!(
        "Vault '{}' cannot be deleted as there are existing resources within it.",
        id.name()
    );
    Refusal::unconfirmed(&unconfirmed::VAULT_USED, message)
}

/// A type of which this world has none.
pub(super) fn unknown_type(word: &str) -> Refusal {
    let word = word.to_ascii_lowercase();
    let message = format!("The resource type '{word}' is not one of this world's.");
    Refusal::new(400, "NoRegisteredProviderFound", message).by_gateway()
}
