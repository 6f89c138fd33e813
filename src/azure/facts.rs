//! How are the questions of a preflight asked? Reads only, through the same guard as everything else.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::adapter::ArmObserver;
use super::client::{Client, Reading};
use crate::arm::is_spent;
use crate::arm::read::{list as arm_list, text as arm_text};
use crate::arm::version;
use crate::engine::CallContext;
use crate::model::secret::seal;
use crate::model::{ResourceId, StepError};
use crate::outward::Secret;
use crate::preflight::{FactReader, KeyStanding, Question};

/// Asked without a filter: stacks put theirs on single resources, and `atScope()` leaves those out.
const DENIALS: &str = "/providers/Microsoft.Authorization/denyAssignments";

#[async_trait]
impl FactReader for ArmObserver {
    async fn ask(&self, question: &Question) -> Result<Option<Value>, StepError> {
        let context = CallContext { run: None, not_after: None, waited: None };
        let client = self.client();
        match question {
            Question::Resource(id) => {
                let body = client.get_any(id, &context).await?;
                Ok(body.map(|body| super::service::body::without_secrets(&body)))
            }
            Question::Inventory { subscription, kind } => {
                inventory(client, subscription, kind, &context).await
            }
            Question::Children { parent, kind } => children(client, parent, kind, &context).await,
            Question::Group { subscription, group } => {
                read(client, &in_group(subscription, group, ""), version::RESOURCES, &context).await
            }
            Question::Locks { subscription, group } => {
                let what = "/providers/Microsoft.Authorization/locks";
                read(client, &in_group(subscription, group, what), version::LOCKS, &context).await
            }
            Question::Denials { subscription, group } => {
                let path = in_group(subscription, group, DENIALS);
                read(client, &path, version::PERMISSIONS, &context).await
            }
            Question::Permissions { subscription, group } => {
                rights(client, &in_group(subscription, group, ""), &context).await
            }
            Question::RightsOn { resource } => {
                rights(client, &resource.to_string(), &context).await
            }
            Question::Subscription { subscription } => {
                let path = format!("/subscriptions/{subscription}");
                read(client, &path, version::SUBSCRIPTIONS, &context).await
            }
            Question::Registration { subscription } => {
                read(client, &of_network(subscription, ""), version::RESOURCES, &context).await
            }
            Question::Usages { subscription, region } => {
                let place = format!("locations/{}/usages", region.as_str());
                read(client, &of_network(subscription, &place), version::NETWORK, &context).await
            }
            Question::Restrictions { resource, content } => {
                restrictions(client, resource, content, &context).await
            }
            Question::Secret { param } => self.secret(param).map(|_| Some(Value::Bool(true))),
            Question::SharedKey { connection } => has_key(client, connection, &context).await,
            Question::KeyOf { circuit, param } => self.key_of(circuit, param, &context).await,
            Question::Program { .. } => {
                Err(StepError::rejected("not_azure", "Azure knows no program of this host."))
            }
            Question::Links { zone } => {
                children(client, zone, "virtualNetworkLinks", &context).await
            }
            Question::RouteSummary { circuit, path } => {
                client.read(circuit, &Reading::CircuitRouteSummary { path }, &context).await
            }
            Question::RouteTable { circuit, path } => {
                client.read(circuit, &Reading::CircuitRoutes { path }, &context).await
            }
        }
    }
}

/// A place under the network provider of a subscription.
fn of_network(subscription: &str, place: &str) -> String {
    format!("/subscriptions/{subscription}/providers/Microsoft.Network/{place}")
        .trim_end_matches('/')
        .to_owned()
}

/// The ids of all resources of a type in a subscription.
async fn inventory(
    client: &Client,
    subscription: &str,
    kind: &str,
    context: &CallContext,
) -> Result<Option<Value>, StepError> {
    let path = format!("/subscriptions/{subscription}/resources");
    let filter = format!("resourceType eq '{kind}'");
    client
        .get_path(&path, &[("api-version", version::RESOURCES), ("$filter", &filter)], context)
        .await
}

/// The children of one kind, in the version of their provider.
async fn children(
    client: &Client,
    parent: &ResourceId,
    kind: &str,
    context: &CallContext,
) -> Result<Option<Value>, StepError> {
    let path = format!("{parent}/{kind}");
    read(client, &path, version::of(&path), context).await
}

/// What we may do at a scope.
async fn rights(
    client: &Client,
    scope: &str,
    context: &CallContext,
) -> Result<Option<Value>, StepError> {
    let path = format!("{scope}/providers/Microsoft.Authorization/permissions");
    read(client, &path, version::PERMISSIONS, context).await
}

/// Whether the key of a connection is told; it itself leaves this room in no answer.
async fn has_key(
    client: &Client,
    connection: &ResourceId,
    context: &CallContext,
) -> Result<Option<Value>, StepError> {
    let read = client.shared_key(connection, context).await?;
    let told =
        |body: Value| body.get("value").and_then(Value::as_str).is_some_and(|own| !own.is_empty());
    Ok(read.map(|body| Value::Bool(told(body))))
}

/// How a key stands to authorizations; a seal stands for its key.
fn standing(key: &str, all: &Value) -> KeyStanding {
    let all = arm_list(all, "/value");
    let own = |body: &&Value| {
        let told = arm_text(body, "/properties/authorizationKey");
        told.is_some_and(|told| told == key || told == seal(key))
    };
    let told = |body: &Value| arm_text(body, "/properties/authorizationKey").is_some();
    match all.iter().find(own) {
        Some(body) if is_spent(body) => KeyStanding::InUse,
        Some(_) => KeyStanding::Available,
        None if all.iter().all(told) => KeyStanding::OfNone,
        None => KeyStanding::Untold,
    }
}

fn in_group(subscription: &str, group: &str, what: &str) -> String {
    format!("/subscriptions/{subscription}/resourceGroups/{group}{what}")
}

/// What policies say of a body that is to be written.
async fn restrictions(
    client: &Client,
    resource: &ResourceId,
    content: &str,
    context: &CallContext,
) -> Result<Option<Value>, StepError> {
    let what = "/providers/Microsoft.PolicyInsights/checkPolicyRestrictions";
    let path = in_group(resource.subscription(), resource.resource_group(), what);
    let content: Value = serde_json::from_str(content).unwrap_or_default();
    // It is judged in the version in which it is written.
    let body = json!({ "resourceDetails": { "resourceContent": content, "apiVersion": version::NETWORK } });
    client.ask(&path, &[("api-version", version::RESTRICTIONS)], &body, context).await
}

async fn read(
    client: &Client,
    path: &str,
    version: &str,
    context: &CallContext,
) -> Result<Option<Value>, StepError> {
    client.get_path(path, &[("api-version", version)], context).await
}

impl ArmObserver {
    fn secret(&self, param: &str) -> Result<Secret, StepError> {
        self.secrets().read(param).map_err(|why| StepError::rejected("secret_missing", why))
    }

    /// How the key of a secret parameter stands to a circuit's authorizations.
    async fn key_of(
        &self,
        circuit: &ResourceId,
        param: &str,
        context: &CallContext,
    ) -> Result<Option<Value>, StepError> {
        let key = self.secret(param)?;
        let path = format!("{circuit}/authorizations");
        let all = read(self.client(), &path, version::NETWORK, context).await?;
        Ok(all.map(|all| json!(standing(key.expose(), &all))))
    }

    /// A resource as a file may hold it: authorization keys sealed, other secrets left out.
    ///
    /// # Errors
    /// It could not be read.
    pub async fn sealed(&self, id: &ResourceId) -> Result<Option<Value>, StepError> {
        let context = CallContext { run: None, not_after: None, waited: None };
        let body = self.client().get_any(id, &context).await?;
        Ok(body.map(|body| super::service::body::with_seals(&body)))
    }
}
