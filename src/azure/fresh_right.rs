//! Is a right refused because it is missing, or because it is new? A role that was activated a moment ago
//! is listed at once and obeyed some minutes later (azure-facts 9).
//!
//! So a 403 is not believed where the list of our rights in the resource group has the right that was
//! missed: the step tries again, with a token that was made after the role was. Where the list does not
//! have it, or cannot be read, the refusal stands: no waiting gives a right.

use std::time::Duration;

use super::client::Client;
use crate::arm::version;
use crate::engine::CallContext;
use crate::model::{Disposition, ResourceId, StepError, Write, WriteMethod, permission};

/// How long to wait for a right to be obeyed: it takes one to five minutes as a rule, and the step's own
/// retries go on for longer.
const OBEYED_AFTER: Duration = Duration::from_secs(30);

/// What Azure says where a right is missed: at the resource itself, or at one that a body names.
const CODES: [&str; 2] = ["AuthorizationFailed", "LinkedAuthorizationFailed"];

/// Whether a refusal is for a right that is missed.
pub(super) fn is_of_right(refusal: &StepError) -> bool {
    CODES.contains(&refusal.code.as_str())
}

/// A refusal, as a passing trouble where our rights have what was missed: what the refusal names, else what such
/// a call takes.
pub(super) async fn judged(
    client: &Client,
    refusal: StepError,
    takes: Option<(ResourceId, String)>,
    context: &CallContext,
) -> StepError {
    let Some((scope, right)) = missed(&refusal.message).or(takes) else {
        return refusal;
    };
    client.renew_token(&scope).await;
    let path = format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Authorization/permissions",
        scope.subscription(),
        scope.resource_group()
    );
    let listed = client.get_path(&path, &[("api-version", version::PERMISSIONS)], context).await;
    let is_ours = matches!(&listed, Ok(Some(list)) if permission::granted(list, &right));
    if !is_ours {
        return refusal;
    }
    let mut error = refusal.caused_by(format!(
        "Our rights have {right} all the same: it was given a short while ago and is not obeyed \
         everywhere yet. It is tried again with a new token."
    ));
    error.disposition = Disposition::Transient { after: Some(OBEYED_AFTER) };
    error
}

/// The right and the scope that a refusal names: `… to perform action 'X' over scope 'Y' …`; at a linked one the
/// first of each that `… does not have permission to perform action(s) 'X' on the linked scope(s) 'Y' …` names.
fn missed(message: &str) -> Option<(ResourceId, String)> {
    let behind = |word: &str| {
        let rest = &message[message.rfind(word)? + word.len()..];
        let quoted = rest[rest.find('\'')? + 1..].split('\'').next()?;
        quoted.split(',').next()
    };
    let right = behind("perform action").filter(|right| right.contains('/'))?;
    let scope = behind("over scope").or_else(|| behind("on the linked scope"))?;
    Some((ResourceId::parse(scope).ok()?, right.to_owned()))
}

/// The right that a write takes.
pub(super) fn needed(write: &Write) -> Option<(ResourceId, String)> {
    let resource = write.resource.azure()?;
    let kind = resource.resource_type();
    let verb = match write.method {
        WriteMethod::Put => "write".to_owned(),
        WriteMethod::Delete => "delete".to_owned(),
        WriteMethod::Post => format!("{}/action", write.verb.as_deref().unwrap_or_default()),
        WriteMethod::Run => return None,
    };
    Some((resource.clone(), format!("{}/{verb}", kind.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_that_was_missed_is_the_one_that_azure_names() {
        let scope = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/connections/c";
        let message = format!(
            "The client 'x' with object id 'y' does not have authorization to perform action \
             'Microsoft.Network/expressRouteCircuits/join/action' over scope '{scope}' or the scope is invalid."
        );
        let (id, right) = missed(&message).unwrap();
        assert_eq!(right, "Microsoft.Network/expressRouteCircuits/join/action");
        assert_eq!(id.as_str(), scope);
        assert!(missed("Refused.").is_none());
        let circuit =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/er";
        let message = format!(
            "The client 'x' with object id 'y' has permission to perform action \
             'Microsoft.Network/connections/write' on scope '{scope}'; however, it does not have permission \
             to perform action(s) 'Microsoft.Network/expressRouteCircuits/join/action' on the linked scope(s) \
             '{circuit}' (respectively) or the linked scope(s) are invalid."
        );
        let (id, right) = missed(&message).unwrap();
        assert_eq!(right, "Microsoft.Network/expressRouteCircuits/join/action");
        assert_eq!(id.as_str(), circuit);
    }
}
