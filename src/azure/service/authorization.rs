//! Circuit authorizations: the right of another subscription to connect, with a key that stays here.

use serde_json::{Value, json};

use super::body::{assessment, ensure};
use crate::model::Assessment;
use crate::model::action::Authorization;

/// Compares an authorization with the desired one: it exists.
pub(crate) fn assess(spec: &Authorization, body: Option<&Value>) -> Assessment {
    let verdict = ensure(&spec.id, body, &json!({ "properties": {} }));
    assessment(&spec.id, body, verdict)
}
