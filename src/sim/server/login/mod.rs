//! How does a tool log in to the simulated Azure? Endpoints beside ARM's, on the same listener, that give tokens.
//!
//! What Azure's tools look for before they ask anything: the cloud's own description (`endpoints`), a small
//! Entra (`entra`) and the managed identity of the host (`managed`). Every tenant, client and secret is taken
//! that is not said to be wrong; what the token says is what was asked for. None of it is written into the
//! ledger: these are not ARM's.

mod endpoints;
mod entra;
mod managed;
mod token;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::bounded::within;
use super::exchange::{json_response, origin};
use super::serve::{Answers, Served};

pub(in crate::sim) use token::tenant_of;

/// Bytes of what is asked of these endpoints: a form with an assertion in it.
const FORM_MAX: usize = 64 << 10;

/// Every endpoint. Those of managed identities are open where the service says so.
pub(super) fn routes<W: Answers>(with_identity: bool) -> Router<Served<W>> {
    let router = Router::new()
        .route("/metadata/endpoints", get(endpoints::endpoints::<W>))
        .route("/common/discovery/instance", get(entra::instance::<W>))
        .route("/{tenant}/.well-known/openid-configuration", get(entra::configuration::<W>))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(entra::configuration::<W>))
        .route("/{tenant}/discovery/keys", get(entra::keys))
        .route("/{tenant}/discovery/v2.0/keys", get(entra::keys))
        .route("/{tenant}/oauth2/token", post(entra::token::<W>))
        .route("/{tenant}/oauth2/v2.0/token", post(entra::token::<W>))
        .route("/{tenant}/oauth2/devicecode", post(entra::device_code::<W>))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(entra::device_code::<W>));
    if !with_identity {
        return router;
    }
    router
        .route("/metadata/identity/oauth2/token", get(managed::imds::<W>))
        .route("/msi/token", get(managed::app_service::<W>))
}

/// Where the client reached us.
fn at<W>(served: &Served<W>, parts: &Parts) -> String {
    let scheme = if served.service.identity.is_some() { "https" } else { "http" };
    origin(parts, scheme, &served.address)
}

/// A form as it was sent, with the last word for each name.
struct LoginForm(Vec<(String, String)>);

impl LoginForm {
    async fn of<W>(served: &Served<W>, request: Request) -> Option<(Parts, Self)> {
        let (parts, body) = request.into_parts();
        let bytes = within(served.service.bounds.body, to_bytes(body, FORM_MAX)).await?.ok()?;
        let pairs = url::form_urlencoded::parse(&bytes);
        Some((
            parts,
            Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()),
        ))
    }

    fn query(parts: &Parts) -> Self {
        let text = parts.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        let said = self.0.iter().rev().find(|(own, _)| own == name);
        said.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// Why Entra does not let a client in.
struct Denial {
    status: StatusCode,
    error: &'static str,
    number: u32,
    words: String,
}

impl Denial {
    fn new(error: &'static str, number: u32, words: impl Into<String>) -> Self {
        let status = match error {
            "invalid_client" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { status, error, number, words: words.into() }
    }

    fn response(&self) -> Response<Body> {
        let body: Value = json!({
            "error": self.error,
            "error_description": format!("AADSTS{}: {}", self.number, self.words),
            "error_codes": [self.number],
            "timestamp": "1970-01-01 00:00:00Z",
            "trace_id": "00000000-0000-0000-0000-000000000000",
            "correlation_id": "00000000-0000-0000-0000-000000000000",
        });
        json_response(self.status, &body)
    }
}
