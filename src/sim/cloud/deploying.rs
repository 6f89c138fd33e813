//! What is asked of deployments? To validate a template, to say what it would change, to deploy it, and how that goes.

use serde_json::{Map, Value, json};

use super::Asking;
use super::deployment::{Deployment, Progress, secure};
use super::nested::is_deployment;
use super::template::{DeployedTo, Evaluator, parameters, pieces};
use crate::azure::wire::{Method, WireResponse};
use crate::model::{ResourceId, Timestamp};
use crate::sim::reply::{Refusal, empty_answer, guid, json_answer};
use crate::sim::seal::seal_keys;
use crate::sim::world::World;

const OWN: &str = "/providers/microsoft.resources/deployments";

impl World {
    pub(super) fn deployments(
        &mut self,
        asking: &Asking<'_>,
    ) -> Option<Result<WireResponse, Refusal>> {
        let path = asking.path.trim_end_matches('/');
        let lower = path.to_ascii_lowercase();
        let at = lower.find(OWN)?;
        let rest: Vec<&str> = path[at + OWN.len()..].split('/').skip(1).collect();
        let scope = &path[..at];
        if !lower[at + OWN.len()..].is_empty() && !lower[at + OWN.len()..].starts_with('/') {
            return None;
        }
        let verb = rest.get(1).map(|verb| verb.to_ascii_lowercase());
        Some(self.deployment_request(asking, scope, (rest.first().copied(), verb.as_deref())))
    }

    fn deployment_request(
        &mut self,
        asking: &Asking<'_>,
        scope: &str,
        (name, verb): (Option<&str>, Option<&str>),
    ) -> Result<WireResponse, Refusal> {
        let Some(name) = name else {
            self.may(scope, "read")?;
            let value: Vec<Value> = self.deployments.within(scope).map(shown).collect();
            return Ok(json_answer(200, &json!({ "value": value })));
        };
        let id = format!("{scope}/providers/Microsoft.Resources/deployments/{name}");
        match (asking.request.method, verb) {
            (Method::Put, None) => self.deploy(asking, scope, &id, name),
            (Method::Post, Some("validate")) => {
                self.may(scope, "validate/action")?;
                let deployment = self.deployment(asking, scope, (&id, name))?;
                let mut told = shown(&deployment);
                told["properties"]["provisioningState"] = "Succeeded".into();
                told["properties"]["validatedResources"] = resources(&deployment);
                Ok(json_answer(200, &told))
            }
            (Method::Post, Some("whatif")) => {
                self.may(scope, "whatIf/action")?;
                let deployment = self.deployment(asking, scope, (&id, name))?;
                let changes = self.changes(&deployment, asking.now);
                Ok(json_answer(
                    200,
                    &json!({"status": "Succeeded", "properties": {"correlationId": guid(&["what-if", &id]), "changes": changes}}),
                ))
            }
            (Method::Post, Some("exporttemplate")) => {
                self.may(scope, "exportTemplate/action")?;
                Ok(json_answer(200, &json!({"template": self.known(&id)?.template})))
            }
            (Method::Get, Some("operationstatuses")) => {
                self.may(scope, "operationstatuses/read")?;
                Ok(operation_status(self.known(&id)?))
            }
            (Method::Get, Some("operations")) => {
                self.may(scope, "operations/read")?;
                Ok(json_answer(200, &json!({"value": operations(self.known(&id)?)})))
            }
            (Method::Get, None) => {
                self.may(scope, "read")?;
                Ok(json_answer(200, &shown(self.known(&id)?)))
            }
            (Method::Head, None) => {
                self.may(scope, "read")?;
                Ok(empty_answer(if self.deployments.get(&id).is_some() { 204 } else { 404 }))
            }
            (Method::Delete, None) => {
                self.may(scope, "delete")?;
                let there = self.deployments.remove(&id);
                Ok(empty_answer(if there { 202 } else { 204 }))
            }
            _ => Err(Refusal::new(405, "MethodNotAllowed", "Not allowed here.").by_gateway()),
        }
    }

    /// Begins a deployment.
    fn deploy(
        &mut self,
        asking: &Asking<'_>,
        scope: &str,
        id: &str,
        name: &str,
    ) -> Result<WireResponse, Refusal> {
        self.may(scope, "write")?;
        let mut deployment = self.deployment(asking, scope, (id, name))?;
        let status = if self.deployments.get(id).is_some() { 200 } else { 201 };
        let told = shown(&deployment);
        self.step(&mut deployment, asking.now);
        self.deployments.put(deployment);
        let mut answer = json_answer(status, &told);
        let operation = guid(&["deployment", id, &asking.now.as_millis().to_string()]);
        let url =
            format!("{}{id}/operationStatuses/{operation}?api-version=2021-04-01", asking.origin);
        answer.headers.push("Azure-AsyncOperation", url);
        answer.headers.push("Retry-After", "5");
        Ok(answer)
    }

    fn known(&self, id: &str) -> Result<&Deployment, Refusal> {
        self.deployments.get(id).ok_or_else(|| {
            let name = id.rsplit('/').next().unwrap_or_default();
            let message = format!("Deployment '{name}' could not be found.");
            Refusal::new(404, "DeploymentNotFound", message).by_gateway()
        })
    }

    /// Whether the principal has a right on deployments here.
    fn may(&mut self, scope: &str, verb: &str) -> Result<(), Refusal> {
        // Rights are kept by resources; at a subscription none is needed of the world's.
        let id =
            ResourceId::parse(&format!("{scope}/providers/Microsoft.Resources/deployments/any"));
        id.map_or(Ok(()), |id| {
            self.check_group(&id)?;
            self.check_right(&id, verb)
        })
    }

    /// The deployment that a request describes.
    fn deployment(
        &self,
        asking: &Asking<'_>,
        at: &str,
        (id, name): (&str, &str),
    ) -> Result<Deployment, Refusal> {
        let body: Value = serde_json::from_slice(&asking.request.body).map_err(|_| {
            Refusal::new(400, "InvalidRequestContent", "The request content was invalid JSON.")
                .by_gateway()
        })?;
        self.described((at, id, name), &body, asking.now, 0)
    }

    /// The deployment that a body describes: at a scope, under an id and a name.
    pub(super) fn described(
        &self,
        (at, id, name): (&str, &str, &str),
        body: &Value,
        now: Timestamp,
        depth: u8,
    ) -> Result<Deployment, Refusal> {
        let invalid = |why: String| {
            let message = format!("Deployment template validation failed: '{why}'.");
            Refusal::new(400, "InvalidTemplate", message).by_gateway()
        };
        let properties = body.get("properties").cloned().unwrap_or_default();
        let Some(template) = properties.get("template").filter(|template| template.is_object())
        else {
            let why = "the request holds no template; links to templates are not followed here";
            return Err(invalid(why.to_owned()));
        };
        let mode = properties.get("mode").and_then(Value::as_str).unwrap_or("Incremental");
        if mode.eq_ignore_ascii_case("complete") {
            return Err(invalid(
                "the mode 'Complete' is not known here; use 'Incremental'".to_owned(),
            ));
        }
        let parts: Vec<&str> = at.split('/').skip(1).collect();
        let (subscription, group) =
            (parts.get(1).copied().unwrap_or_default(), parts.get(3).copied());
        let home = self.groups.home(at).map(|region| region.as_str().to_owned());
        let location =
            home.or_else(|| body["location"].as_str().map(str::to_owned)).unwrap_or_default();
        let mut scope = DeployedTo {
            subscription: subscription.to_owned(),
            group: group.map(str::to_owned),
            location,
            deployment: name.to_owned(),
            tenant: self.governance.tenancy().of(subscription),
            depth,
            parameters: Map::new(),
            variables: template
                .get("variables")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
        };
        let nothing = Value::Null;
        let given = properties.get("parameters").unwrap_or(&nothing);
        scope.parameters = parameters(template, given, &scope).map_err(invalid)?;
        let pieces = pieces(template, &scope).map_err(invalid)?;
        Ok(Deployment {
            id: id.to_owned(),
            mode: "Incremental".to_owned(),
            tags: body.get("tags").cloned().unwrap_or_default(),
            scope,
            template: template.clone(),
            pieces: pieces.into_iter().map(|piece| (piece, Progress::Waiting)).collect(),
            outputs: Value::Null,
            error: None,
            begun: now,
            ended: None,
        })
    }

    /// What a deployment would change: what is not there is made, what is there is written.
    fn changes(&self, deployment: &Deployment, now: Timestamp) -> Vec<Value> {
        let named = Deployment::named(&deployment.pieces);
        let found = |id: &ResourceId| self.body_or_deployment(id, now);
        let one = |(piece, _): &(super::template::Piece, Progress)| {
            if is_deployment(&piece.id) {
                // What it would change, not it itself; where that cannot be told before, it says so.
                return self.nested(deployment, piece, now).map_or_else(
                    |why| vec![json!({"resourceId": piece.id.as_str(), "changeType": "Unsupported", "unsupportedReason": why})],
                    |own| self.changes(&own, now),
                );
            }
            let before = self.get_body(&piece.id, now);
            let copy = piece.copy.clone();
            let evaluator =
                Evaluator { scope: &deployment.scope, copy, named: &named, found: &found };
            let after = evaluator.value(&piece.body).ok();
            let kind = match (&before, &after) {
                (None, _) => "Create",
                (Some(_), None) => "Unsupported",
                (Some(before), Some(after)) if holds(before, after) => "NoChange",
                (Some(_), Some(_)) => "Modify",
            };
            vec![
                json!({"resourceId": piece.id.as_str(), "changeType": kind, "before": before, "after": after.map(sealed)}),
            ]
        };
        deployment.pieces.iter().flat_map(one).collect()
    }
}

/// How the operation of a deployment stands.
fn operation_status(known: &Deployment) -> WireResponse {
    let mut told = json!({"status": known.state()});
    if let Some(error) = &known.error {
        told["error"] = error.clone();
    }
    let mut answer = json_answer(200, &told);
    if known.ended.is_none() {
        answer.headers.push("Retry-After", "5");
    }
    answer
}

/// Whether a body says all that another does.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part.iter().all(|(name, part)| {
            part.is_null() || whole.get(name).is_some_and(|own| holds(own, part))
        }),
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(own, part)| holds(own, part))
        }
        (whole, part) => whole == part,
    }
}

fn resources(deployment: &Deployment) -> Value {
    deployment.pieces.iter().map(|(piece, _)| json!({"id": piece.id.as_str()})).collect()
}

/// A deployment as it is told: without what is secure.
pub(super) fn shown(deployment: &Deployment) -> Value {
    let secure = secure(&deployment.template);
    let kind = |name: &str| {
        let own = deployment.template.pointer(&format!("/parameters/{name}/type"));
        own.cloned().unwrap_or_else(|| "String".into())
    };
    let told: Map<String, Value> = deployment
        .scope
        .parameters
        .iter()
        .filter(|(name, _)| !secure.contains(&name.to_ascii_lowercase()))
        .map(|(name, value)| (name.clone(), json!({"type": kind(name), "value": value})))
        .collect();
    let mut body = json!({
        "id": deployment.id, "name": deployment.scope.deployment, "type": "Microsoft.Resources/deployments",
        "properties": {
            "mode": deployment.mode, "provisioningState": deployment.state(),
            "timestamp": deployment.ended.unwrap_or(deployment.begun), "duration": "PT0S",
            "correlationId": guid(&["correlation", &deployment.id]),
            "parameters": told, "providers": [], "dependencies": [],
            "templateHash": guid(&["template", &deployment.template.to_string()]),
        },
    });
    if deployment.tags.is_object() {
        body["tags"] = deployment.tags.clone();
    }
    if deployment.scope.group.is_none() {
        body["location"] = deployment.scope.location.clone().into();
    }
    if deployment.ended.is_some() {
        body["properties"]["outputs"] = deployment.outputs.clone();
        body["properties"]["outputResources"] = resources(deployment);
    }
    if let Some(error) = &deployment.error {
        body["properties"]["error"] = error.clone();
    }
    body
}

fn operations(deployment: &Deployment) -> Value {
    let one = |(piece, progress): &(super::template::Piece, Progress)| {
        let (state, code) = match progress {
            Progress::Waiting | Progress::Begun => ("Running", "Created"),
            Progress::Done => ("Succeeded", "OK"),
            Progress::Failed => ("Failed", "BadRequest"),
        };
        let id =
            guid(&["piece", &deployment.id, piece.id.key()]).replace('-', "").to_ascii_uppercase();
        let mut told = json!({
            "id": format!("{}/operations/{id}", deployment.id), "operationId": id,
            "properties": {
                "provisioningOperation": "Create", "provisioningState": state, "statusCode": code,
                "timestamp": deployment.ended.unwrap_or(deployment.begun), "duration": "PT0S",
                "targetResource": {
                    "id": piece.id.as_str(), "resourceName": piece.id.name(),
                    "resourceType": piece.id.resource_type().as_str(),
                },
            },
        });
        if let (Progress::Failed, Some(error)) = (progress, &deployment.error) {
            told["properties"]["statusMessage"] = json!({"error": error});
        }
        told
    };
    deployment.pieces.iter().map(one).collect()
}

/// A body without its keys.
fn sealed(mut body: Value) -> Value {
    seal_keys(&mut body);
    body
}
