//! How is an estate read, of which nobody has a plan? Lists by their paths, through the same guard as everything.

use serde_json::Value;

use super::adapter::ArmObserver;
use super::client::Reading;
use crate::arm::version;
use crate::engine::CallContext;
use crate::model::{ResourceId, StepError};

/// A list, or a thing, that belongs to an estate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EstateQuestion {
    /// A subscription: its tenant.
    Subscription(String),
    /// Every resource of a subscription that has no parent: its id and type.
    Resources(String),
    /// The management locks of a subscription, and of everything in it.
    Locks(String),
    /// The policies that are assigned to a subscription, in it, and above it.
    PolicyAssignments(String),
    /// What a policy says, by its id.
    PolicyDefinition(String),
    /// The children of one kind that a resource has and does not show in its body.
    Children {
        /// The resource.
        parent: ResourceId,
        /// The last part of their type.
        kind: &'static str,
    },
    /// The routes that a gateway has learned.
    LearnedRoutes(ResourceId),
}

impl ArmObserver {
    /// Reads it; lists are whole or an error, and what is not there is none.
    ///
    /// # Errors
    /// It could not be read.
    pub async fn estate(&self, question: &EstateQuestion) -> Result<Option<Value>, StepError> {
        let context = CallContext { run: None, not_after: None, waited: None };
        let client = self.client();
        let (path, version) = match question {
            EstateQuestion::Subscription(id) => {
                (format!("/subscriptions/{id}"), version::SUBSCRIPTIONS)
            }
            EstateQuestion::Resources(id) => {
                (format!("/subscriptions/{id}/resources"), version::RESOURCES)
            }
            EstateQuestion::Locks(id) => (
                format!("/subscriptions/{id}/providers/Microsoft.Authorization/locks"),
                version::LOCKS,
            ),
            EstateQuestion::PolicyAssignments(id) => {
                let what = "providers/Microsoft.Authorization/policyAssignments";
                (format!("/subscriptions/{id}/{what}"), version::POLICIES)
            }
            EstateQuestion::PolicyDefinition(id) => (id.clone(), version::POLICIES),
            EstateQuestion::Children { parent, kind } => {
                let path = format!("{parent}/{kind}");
                let version = version::of(&path);
                (path, version)
            }
            EstateQuestion::LearnedRoutes(gateway) => {
                return client.read(gateway, &Reading::LearnedRoutes, &context).await;
            }
        };
        let body = client.get_path(&path, &[("api-version", version)], &context).await?;
        Ok(body.map(|body| super::service::body::with_seals(&body)))
    }
}
