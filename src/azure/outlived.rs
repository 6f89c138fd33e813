//! Does what a write was refused for still stand? Azure goes on refusing for some minutes after a lock was removed, a
//! provider was registered, or what used a thing was deleted (azure-facts 9).
//!
//! So the cause is looked at: where it is gone, the step tries again within its policy. Where it stands, or cannot be
//! read, the refusal stands: no waiting removes a lock.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::client::Client;
use crate::arm::kind::ROUTE_TABLES;
use crate::arm::read::{id_at, is, list, text};
use crate::arm::{SubnetView, version};
use crate::engine::CallContext;
use crate::model::{Disposition, ResourceId, StepError, Write, WriteMethod};
use crate::preflight::inquiry::lock_covers;

/// How long Azure is left to hear of it before the next attempt: others wait a minute (TeamCloud 43), and the step's own
/// retries go on for longer.
const HEARD_AFTER: Duration = Duration::from_secs(30);

/// How many users that a refusal names are looked at.
const LOOKS_MAX: usize = 16;

/// What a write is refused for, and can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RefusalCause {
    /// A lock.
    Lock,
    /// A provider that is not registered.
    Registration,
    /// What is to be deleted is in use.
    Use,
}

fn cause(refusal: &StepError, write: &Write) -> Option<RefusalCause> {
    match refusal.code.as_str() {
        "ScopeLocked" => Some(RefusalCause::Lock),
        // The network provider has a word of its own (bicep-registry-modules 3783).
        "MissingSubscriptionRegistration" | "SubscriptionNotRegistered" => {
            Some(RefusalCause::Registration)
        }
        code => {
            let used = code.ends_with("CannotBeDeleted") && write.method == WriteMethod::Delete;
            used.then_some(RefusalCause::Use)
        }
    }
}

/// Whether a refusal is for something that can be looked at.
pub(super) fn may_have_gone(refusal: &StepError, write: &Write) -> bool {
    cause(refusal, write).is_some()
}

/// A refusal, as a passing trouble where its cause is gone.
pub(super) async fn judged(
    client: &Client,
    refusal: StepError,
    write: &Write,
    context: &CallContext,
) -> StepError {
    let Some((cause, own)) = cause(&refusal, write).zip(write.resource.azure()) else {
        return refusal;
    };
    let (gone, why) = match cause {
        RefusalCause::Lock => (
            unlocked(client, &refusal, write, own, context).await,
            "No lock that is listed there forbids it: the lock was removed a short while ago",
        ),
        RefusalCause::Registration => (
            registered(client, own, context).await,
            "The provider is registered by now, which was done a short while ago",
        ),
        RefusalCause::Use => (
            unused(client, &refusal, own, context).await,
            "What used it is gone, which it was not until a short while ago",
        ),
    };
    if !gone {
        return refusal;
    }
    let told = format!("{why}, and not all of Azure has heard of it. It is tried again.");
    let mut error = refusal.caused_by(told);
    error.disposition = Disposition::Transient { after: Some(HEARD_AFTER) };
    error
}

/// Whether no lock forbids a write: at the scope that the refusal names, else in the resource's group.
async fn unlocked(
    client: &Client,
    refusal: &StepError,
    write: &Write,
    own: &ResourceId,
    context: &CallContext,
) -> bool {
    let group =
        format!("/subscriptions/{}/resourceGroups/{}", own.subscription(), own.resource_group());
    let scope = locked_scope(&refusal.message).unwrap_or(group);
    let path = format!("{scope}/providers/Microsoft.Authorization/locks");
    let listed = client.get_path(&path, &[("api-version", version::LOCKS)], context).await;
    let Ok(Some(listed)) = listed else { return false };
    // A lock against deletes forbids no other write.
    let forbids = |lock: &Value| {
        write.method == WriteMethod::Delete || is(lock, "/properties/level", "ReadOnly")
    };
    let at = |lock: &Value| lock_covers(lock, own.as_str()) || lock_covers(lock, &scope);
    !list(&listed, "/value").iter().any(|lock| forbids(lock) && at(lock))
}

/// The scope that a refusal names: `… following scope(s) are locked: 'X'. …`
fn locked_scope(message: &str) -> Option<String> {
    let rest = &message[message.find("are locked:")?..];
    let scope = rest.split('\'').nth(1)?.split(',').next()?;
    scope.starts_with("/subscriptions/").then(|| scope.to_owned())
}

/// Whether the provider of a resource is registered, or about to be.
async fn registered(client: &Client, own: &ResourceId, context: &CallContext) -> bool {
    let kind = own.resource_type();
    let namespace = kind.as_str().split('/').next().unwrap_or_default().to_owned();
    let path = format!("/subscriptions/{}/providers/{namespace}", own.subscription());
    let body = client.get_path(&path, &[("api-version", version::RESOURCES)], context).await;
    let Ok(Some(body)) = body else { return false };
    text(&body, "/registrationState").is_some_and(|state| {
        ["Registered", "Registering"].iter().any(|own| own.eq_ignore_ascii_case(state))
    })
}

/// Whether nothing uses a resource any more: all that the refusal names is gone; or, of a route table, which it names no
/// user of, no subnet that the table shows uses it.
async fn unused(
    client: &Client,
    refusal: &StepError,
    own: &ResourceId,
    context: &CallContext,
) -> bool {
    let users: BTreeSet<ResourceId> = named_in(&refusal.message)
        .filter(|id| !id.is_within(own) && !own.is_within(id))
        .map(|id| id.root())
        .take(LOOKS_MAX)
        .collect();
    if users.is_empty() {
        return own.is_a(ROUTE_TABLES) && table_unused(client, own, context).await;
    }
    for user in &users {
        if !matches!(client.get_any(user, context).await, Ok(None)) {
            return false;
        }
    }
    true
}

/// The list of its subnets that a table shows may lag behind them.
async fn table_unused(client: &Client, table: &ResourceId, context: &CallContext) -> bool {
    let Ok(Some(body)) = client.get(table, context).await else { return false };
    for subnet in list(&body, "/properties/subnets").iter().filter_map(|own| id_at(own, "/id")) {
        match client.get(&subnet, context).await {
            Ok(None) => {}
            Ok(Some(own)) if SubnetView::of(&own).route_table().as_ref() != Some(table) => {}
            Ok(Some(_)) | Err(_) => return false,
        }
    }
    true
}

/// The resources that a text names.
fn named_in(message: &str) -> impl Iterator<Item = ResourceId> {
    let words = message.split(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | ','));
    words.filter_map(|word| ResourceId::parse(word.trim_end_matches(['.', ';', ':'])).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";

    #[test]
    fn the_scope_of_a_lock_is_the_one_that_azure_names() {
        let message = format!(
            "The scope '{GROUP}/connections/c' cannot perform delete operation because following scope(s) are \
             locked: '/subscriptions/s/resourceGroups/g'. Please remove the lock and try again."
        );
        assert_eq!(locked_scope(&message).as_deref(), Some("/subscriptions/s/resourceGroups/g"));
        assert_eq!(locked_scope("Refused."), None);
    }

    #[test]
    fn only_a_delete_is_refused_for_what_uses_its_resource() {
        let own = ResourceId::parse(&format!("{GROUP}/publicIPAddresses/p")).unwrap();
        let error = |code: &str| StepError::rejected(code, "No.");
        for (method, code, is) in [
            (WriteMethod::Delete, "PublicIPAddressCannotBeDeleted", true),
            (WriteMethod::Delete, "InUseSubnetCannotBeDeleted", true),
            (WriteMethod::Put, "InUseSubnetCannotBeDeleted", false),
            (WriteMethod::Put, "ScopeLocked", true),
            (WriteMethod::Put, "MissingSubscriptionRegistration", true),
            (WriteMethod::Delete, "InvalidParameter", false),
        ] {
            assert_eq!(may_have_gone(&error(code), &Write::to(method, &own)), is, "{code}");
        }
    }
}
