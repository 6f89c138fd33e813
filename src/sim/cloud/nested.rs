//! What is a deployment inside a template? A deployment of its own, begun in its turn: Bicep's modules are nothing else.
//!
//! Its template is read in its own scope (`inner`, as Bicep writes it) or in that of the template around it (`outer`,
//! Azure's choice where nothing is said). What it answers with, others of the template refer to.

use serde_json::{Value, json};

use super::deployment::{Deployment, Progress};
use super::template::{Evaluator, Piece};
use crate::model::{ResourceId, Timestamp};
use crate::sim::world::World;

/// The type of a deployment.
const KIND: &str = "Microsoft.Resources/deployments";

/// Deployments one within another, at most.
const DEPTH_MAX: u8 = 8;

/// Whether a resource of a template is a deployment.
pub(super) fn is_deployment(id: &ResourceId) -> bool {
    id.is_a(KIND)
}

impl World {
    /// A resource's body, or a deployment as it is told.
    pub(super) fn body_or_deployment(&self, id: &ResourceId, now: Timestamp) -> Option<Value> {
        match is_deployment(id) {
            true => self.deployments.get(id.as_str()).map(super::deploying::shown),
            false => self.get_body(id, now),
        }
    }

    /// The deployment that a resource of another one describes.
    pub(super) fn nested(
        &self,
        around: &Deployment,
        piece: &Piece,
        now: Timestamp,
    ) -> Result<Deployment, String> {
        if around.scope.depth >= DEPTH_MAX {
            return Err(format!("deployments stand more than {DEPTH_MAX} deep one within another"));
        }
        let said = piece.body.pointer("/properties/expressionEvaluationOptions/scope");
        let inner =
            said.and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case("inner"));
        let mut body = piece.body.clone();
        // Its own expressions are its own to read.
        let template = body.pointer_mut("/properties/template").filter(|_| inner).map(Value::take);
        let named = Deployment::named(&around.pieces);
        let pending = |id: &ResourceId| {
            let own = around.pieces.iter().find(|(own, _)| own.id == *id);
            own.is_some_and(|(_, progress)| *progress != Progress::Done)
        };
        let found =
            |id: &ResourceId| (!pending(id)).then(|| self.body_or_deployment(id, now)).flatten();
        let copy = piece.copy.clone();
        let evaluator = Evaluator { scope: &around.scope, copy, named: &named, found: &found };
        let mut body = evaluator.value(&body)?;
        if let Some(template) = template {
            body["properties"]["template"] = template;
        }
        let id = piece.id.as_str();
        let at = id.to_ascii_lowercase().find("/providers/").map_or(id, |end| &id[..end]);
        let depth = around.scope.depth + 1;
        self.described((at, id, piece.id.name()), &body, now, depth)
            .map_err(|refusal| refusal.message)
    }

    /// Begins a deployment of another one.
    pub(super) fn begin_nested(
        &mut self,
        around: &Deployment,
        piece: &Piece,
        now: Timestamp,
    ) -> Result<(), String> {
        let mut own = self.nested(around, piece, now)?;
        let id = piece.id.clone();
        self.check_group(&id)
            .and_then(|()| self.check_right(&id, "write"))
            .map_err(|refusal| refusal.message)?;
        self.step(&mut own, now);
        self.deployments.put(own);
        Ok(())
    }

    /// How far a deployment of another one is, and what went wrong in it.
    pub(super) fn nested_progress(&self, id: &ResourceId) -> (Progress, Option<Value>) {
        let Some(own) = self.deployments.get(id.as_str()) else {
            let message = format!("The deployment '{id}' was removed while it went on.");
            return (
                Progress::Failed,
                Some(json!({"code": "DeploymentNotFound", "message": message})),
            );
        };
        match (own.ended, &own.error) {
            (None, _) => (Progress::Begun, None),
            (Some(_), None) => (Progress::Done, None),
            (Some(_), Some(error)) => (Progress::Failed, Some(error.clone())),
        }
    }
}
