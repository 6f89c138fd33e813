//! How does a deployment go on? Each resource when those that it waits for are done, until all are or one is not.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::nested::is_deployment;
use super::template::{DeployedTo, Evaluator, Piece};
use crate::azure::wire::{Headers, Method, WireRequest, WireResponse};
use crate::model::{ResourceId, Timestamp};
use crate::sim::parts::State;
use crate::sim::reply::Refusal;
use crate::sim::world::World;
use crate::sim::write::Arrival;

/// Deployments kept at most in a scope; the oldest go first, as in Azure.
const KEPT_MAX: usize = 800;

/// ARM writes in its own name.
const ORIGIN: &str = "https://management.azure.com";

/// How long a deployment waits for what another write has locked, before it gives up.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// The deployments of a world, by their ids in lower case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::sim) struct Deployments(BTreeMap<String, Deployment>);

impl Deployments {
    pub(in crate::sim) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Deployment> {
        self.0.get(&id.to_ascii_lowercase())
    }

    pub(super) fn within<'a>(&'a self, scope: &str) -> impl Iterator<Item = &'a Deployment> {
        let scope =
            format!("{}/providers/microsoft.resources/deployments/", scope.to_ascii_lowercase());
        let own = self.0.iter().filter(move |(id, _)| id.starts_with(&scope));
        own.map(|(_, deployment)| deployment)
    }

    pub(super) fn put(&mut self, deployment: Deployment) {
        self.0.insert(deployment.id.to_ascii_lowercase(), deployment);
        while self.0.len() > KEPT_MAX {
            let oldest = self.0.iter().min_by_key(|(_, own)| own.begun).map(|(id, _)| id.clone());
            let Some(oldest) = oldest else { return };
            self.0.remove(&oldest);
        }
    }

    pub(super) fn remove(&mut self, id: &str) -> bool {
        self.0.remove(&id.to_ascii_lowercase()).is_some()
    }

    fn running(&self) -> Vec<String> {
        let running = self.0.iter().filter(|(_, own)| own.ended.is_none());
        running.map(|(id, _)| id.clone()).collect()
    }
}

/// A deployment of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) mode: String,
    pub(super) tags: Value,
    pub(super) scope: DeployedTo,
    pub(super) template: Value,
    pub(super) pieces: Vec<(Piece, Progress)>,
    pub(super) outputs: Value,
    pub(super) error: Option<Value>,
    pub(super) begun: Timestamp,
    pub(super) ended: Option<Timestamp>,
}

/// How far a resource of a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Progress {
    Waiting,
    Begun,
    Done,
    Failed,
}

impl Deployment {
    pub(super) fn state(&self) -> &'static str {
        match (self.ended, &self.error) {
            (None, _) => "Running",
            (Some(_), None) => "Succeeded",
            (Some(_), Some(_)) => "Failed",
        }
    }

    /// Names of the template's own resources, as references say them.
    pub(super) fn named(pieces: &[(Piece, Progress)]) -> BTreeMap<String, ResourceId> {
        let mut named = BTreeMap::new();
        for (piece, _) in pieces {
            named.insert(piece.id.name().to_ascii_lowercase(), piece.id.clone());
            named.insert(piece.id.key().to_owned(), piece.id.clone());
            if let Some(parent) = piece.id.parent() {
                let long = format!("{}/{}", parent.name(), piece.id.name());
                named.insert(long.to_ascii_lowercase(), piece.id.clone());
            }
        }
        named
    }

    /// Whether what a piece waits for is done: named by its id, its name, or the name of its loop.
    fn is_free(&self, piece: &Piece) -> bool {
        self.pieces.iter().all(|(other, progress)| {
            let id = other.id.key();
            let meant = piece.after.iter().any(|after| {
                let is_loop =
                    other.copy.as_ref().is_some_and(|(name, _)| name.eq_ignore_ascii_case(after));
                id == after || is_loop || id.ends_with(&format!("/{after}"))
            });
            !meant || other.id == piece.id || *progress == Progress::Done
        })
    }
}

/// What came of a try to begin a resource.
enum Begun {
    Yes,
    Later,
    Never(Value),
}

impl World {
    /// Lets every deployment go on.
    pub(in crate::sim) fn settle_deployments(&mut self, now: Timestamp) {
        for id in self.deployments.running() {
            let Some(mut deployment) = self.deployments.0.remove(&id) else { continue };
            self.step(&mut deployment, now);
            self.deployments.0.insert(id, deployment);
        }
    }

    pub(super) fn step(&mut self, deployment: &mut Deployment, now: Timestamp) {
        loop {
            self.look(deployment);
            let waiting: Vec<usize> = (0..deployment.pieces.len())
                .filter(|place| deployment.pieces[*place].1 == Progress::Waiting)
                .filter(|place| deployment.is_free(&deployment.pieces[*place].0))
                .collect();
            let mut moved = false;
            for place in waiting {
                if deployment.error.is_some() {
                    break;
                }
                let piece = deployment.pieces[place].0.clone();
                match self.begin_piece(deployment, &piece, now) {
                    Begun::Yes => {
                        deployment.pieces[place].1 = Progress::Begun;
                        moved = true;
                    }
                    Begun::Later if now.since(deployment.begun) < PATIENCE => {}
                    Begun::Later => deployment.error = Some(stands(&piece.id)),
                    Begun::Never(why) => {
                        deployment.pieces[place].1 = Progress::Failed;
                        deployment.error = Some(why);
                    }
                }
            }
            if !moved {
                break;
            }
        }
        let goes_on = deployment.pieces.iter().any(|(_, progress)| match progress {
            Progress::Begun => true,
            Progress::Waiting => deployment.error.is_none(),
            Progress::Done | Progress::Failed => false,
        });
        if !goes_on {
            self.finish(deployment, now);
        }
    }

    /// Sees which of those that were begun have ended.
    fn look(&self, deployment: &mut Deployment) {
        for (piece, progress) in &mut deployment.pieces {
            if *progress != Progress::Begun {
                continue;
            }
            if is_deployment(&piece.id) {
                let (now, error) = self.nested_progress(&piece.id);
                *progress = now;
                if let Some(error) = error {
                    deployment.error.get_or_insert(error);
                }
                continue;
            }
            match self.resources.get(&piece.id).map(|resource| resource.state) {
                Some(State::Updating) => {}
                Some(State::Succeeded) => *progress = Progress::Done,
                Some(State::Failed | State::Deleting) | None => {
                    *progress = Progress::Failed;
                    let id = &piece.id;
                    let message = format!(
                        "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed': {id}."
                    );
                    deployment.error.get_or_insert_with(|| json!({"code": "ResourceDeploymentFailure", "target": id.as_str(), "message": message}));
                }
            }
        }
    }

    fn begin_piece(&mut self, deployment: &Deployment, piece: &Piece, now: Timestamp) -> Begun {
        let invalid = |why: String| {
            Begun::Never(
                json!({"code": "InvalidTemplate", "message": format!("Unable to process template language expressions for resource '{}': {why}", piece.id)}),
            )
        };
        let goes_on = deployment.pieces.iter().any(|(_, progress)| *progress == Progress::Begun);
        if is_deployment(&piece.id) {
            return match self.begin_nested(deployment, piece, now) {
                Ok(()) => Begun::Yes,
                // What it refers to may come yet.
                Err(_) if goes_on => Begun::Later,
                Err(why) => invalid(why),
            };
        }
        let named = Deployment::named(&deployment.pieces);
        let body = {
            let pending = |id: &ResourceId| {
                let own = deployment.pieces.iter().find(|(own, _)| own.id == *id);
                own.is_some_and(|(_, progress)| *progress != Progress::Done)
            };
            let found = |id: &ResourceId| {
                (!pending(id)).then(|| self.body_or_deployment(id, now)).flatten()
            };
            let copy = piece.copy.clone();
            Evaluator { scope: &deployment.scope, copy, named: &named, found: &found }
                .value(&piece.body)
        };
        let mut body = match body {
            Ok(body) => body,
            Err(_) if goes_on => return Begun::Later,
            Err(why) => return invalid(why),
        };
        without_nulls(&mut body);
        let url = format!("{ORIGIN}{}?api-version={}", piece.id, piece.api_version);
        let Ok(url) = Url::parse(&url) else { return invalid("its id makes no URL".to_owned()) };
        let headers = Headers::new().with("Content-Type", "application/json");
        let request =
            WireRequest { method: Method::Put, url, headers, body: body.to_string().into() };
        let (id, api_version) = (&piece.id, piece.api_version.as_str());
        let arrival = Arrival { id, request: &request, origin: ORIGIN, api_version, now };
        let put = self.check_group(id).and_then(|()| self.put(&arrival));
        match put {
            Ok(answer) if answer.status < 300 => Begun::Yes,
            Ok(answer) => Begun::Never(told(&answer)),
            Err(refusal) if passes(&refusal) => Begun::Later,
            Err(refusal) => Begun::Never(told(&refusal.response())),
        }
    }

    /// The end: outputs, and an error around what went wrong.
    fn finish(&mut self, deployment: &mut Deployment, now: Timestamp) {
        let named = Deployment::named(&deployment.pieces);
        let found = |id: &ResourceId| self.body_or_deployment(id, now);
        let evaluator =
            Evaluator { scope: &deployment.scope, copy: None, named: &named, found: &found };
        let mut outputs = json!({});
        let declared = deployment.template.get("outputs").and_then(Value::as_object);
        for (name, output) in declared.into_iter().flatten().filter(|_| deployment.error.is_none())
        {
            match evaluator.value(&output["value"]) {
                Ok(value) => {
                    outputs[name.as_str()] = json!({"type": output["type"], "value": value})
                }
                Err(why) => {
                    let message = format!("The template output '{name}' is not valid: {why}.");
                    deployment.error = Some(
                        json!({"code": "DeploymentOutputEvaluationFailed", "message": message}),
                    );
                    break;
                }
            }
        }
        if let Some(detail) = deployment.error.take() {
            deployment.error = Some(json!({
                "code": "DeploymentFailed", "target": deployment.id,
                "message": "At least one resource deployment operation failed. Please list deployment operations for details. Please see https://aka.ms/arm-deployment-operations for usage details.",
                "details": [detail],
            }));
        }
        deployment.outputs = outputs;
        deployment.ended = Some(now);
        // Keys that were given are kept no longer than they are needed.
        let secure = secure(&deployment.template);
        deployment.scope.parameters.retain(|name, _| !secure.contains(&name.to_ascii_lowercase()));
    }
}

/// The parameters whose values are told to nobody, in lower case.
pub(super) fn secure(template: &Value) -> Vec<String> {
    let declared = template.get("parameters").and_then(Value::as_object);
    let is_secure = |one: &Value| {
        one["type"].as_str().is_some_and(|kind| kind.to_ascii_lowercase().starts_with("secure"))
    };
    let secure = declared.into_iter().flatten().filter(|(_, one)| is_secure(one));
    secure.map(|(name, _)| name.to_ascii_lowercase()).collect()
}

/// Whether ARM tries a write again by itself: what was in the way goes away.
fn passes(refusal: &Refusal) -> bool {
    let codes =
        ["AnotherOperationInProgress", "RetryableError", "ReferencedResourceNotProvisioned"];
    refusal.status == 429 || codes.contains(&refusal.code.as_str())
}

fn stands(id: &ResourceId) -> Value {
    json!({"code": "DeploymentTimedOut", "message": format!("Another operation held '{id}' for too long."), "target": id.as_str()})
}

fn told(answer: &WireResponse) -> Value {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    body.get("error").cloned().unwrap_or(body)
}

/// ARM sends no field on that a template sets to null.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(all) => all.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
