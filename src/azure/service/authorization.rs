//! Circuit authorizations: the right of another subscription to connect, with a key that stays here.

use serde_json::{Value, json};

use super::body::{self, assessment, blocked, ensure};
use crate::arm::{is_spent, spending_connection};
use crate::model::action::Authorization;
use crate::model::{Assessed, Assessment, Undo};

/// Compares an authorization with the desired one: it exists.
pub(crate) fn assess(spec: &Authorization, body: Option<&Value>) -> Assessment {
    let verdict = ensure(&spec.id, body, &json!({ "properties": {} }));
    assessment(&spec.id, body, verdict)
}

/// What takes an authorization back that the run made. Its own connection has gone before: whoever spends it now is
/// somebody else, whose connection Azure would remove with it (azure-facts 2.5, AUTH-REVOKE). `user_gone` is whether
/// the connection that it names is no more.
pub(crate) fn undo(
    spec: &Authorization,
    undo: &Undo,
    body: Option<&Value>,
    user_gone: bool,
) -> Assessment {
    let mut verdict = body::undo(undo, body, &Value::Null);
    let spent = body.filter(|body| is_spent(body) && !user_gone);
    if let (Some(body), Undo::Delete { .. }, Assessed::Change(_)) = (spent, undo, &verdict) {
        let user = match spending_connection(body) {
            Some(user) => format!("{user} uses it"),
            None => "a connection uses it that Azure does not name".to_owned(),
        };
        let why = format!(
            "{user}: with {} Azure would remove that connection. Agree with its owner, let it go, and undo again.",
            spec.id.name()
        );
        verdict = blocked("authorization_in_use", why);
    }
    assessment(&spec.id, body, verdict)
}
