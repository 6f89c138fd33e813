//! Who is let in? A small Entra: discovery, and tokens for clients with a secret, a certificate or a federated
//! token, and for people with a device code.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::token::{GOOD_FOR, TokenClaims};
use super::{Denial, LoginForm, at};
use crate::sim::server::exchange::json_response;
use crate::sim::server::serve::{Answers, Served, lock};

/// Whoever logs in with a device code.
const PERSON: &str = "operator@simulated.example";

/// Secrets that begin so are refused as Entra refuses them, so that a client's own handling can be seen.
const WRONG: &str = "wrong";
const EXPIRED: &str = "expired";

/// Names that stand for no tenant: whose home it is decides.
const ANY_TENANT: [&str; 3] = ["common", "organizations", "consumers"];

/// The tenant that a path names, as the world knows it.
fn tenant<W: Answers>(served: &Served<W>, named: &str) -> Result<String, Denial> {
    let known = lock(&served.world).tenants();
    let home = known.first().cloned().unwrap_or_else(|| named.to_owned());
    if ANY_TENANT.iter().any(|any| any.eq_ignore_ascii_case(named)) {
        return Ok(home);
    }
    // A world of one tenant takes any name for it, as it takes any token.
    match known.iter().find(|own| own.eq_ignore_ascii_case(named)) {
        Some(own) => Ok(own.clone()),
        None if known.len() < 2 => Ok(named.to_ascii_lowercase()),
        None => {
            let words = format!(
                "Tenant '{named}' not found. Check to make sure you have the correct tenant ID."
            );
            Err(Denial::new("invalid_request", 90002, words))
        }
    }
}

pub(super) async fn instance<W: Answers>(
    State(served): State<Served<W>>,
    request: Request,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let origin = at(&served, &parts);
    let host = origin.split("://").nth(1).unwrap_or_default();
    let wanted = LoginForm::query(&parts);
    let authority = wanted.get("authorization_endpoint").unwrap_or_default();
    let tenant = authority.split('/').nth(3).unwrap_or("common");
    json_response(
        StatusCode::OK,
        &json!({
            "tenant_discovery_endpoint":
                format!("{origin}/{tenant}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{
                "preferred_network": host, "preferred_cache": host, "aliases": [host],
            }],
        }),
    )
}

pub(super) async fn configuration<W: Answers>(
    State(served): State<Served<W>>,
    Path(named): Path<String>,
    request: Request,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let tenant = match tenant(&served, &named) {
        Ok(tenant) => tenant,
        Err(denial) => return denial.response(),
    };
    let origin = at(&served, &parts);
    let base = format!("{origin}/{tenant}");
    json_response(
        StatusCode::OK,
        &json!({
            "issuer": format!("{base}/v2.0"),
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "token_endpoint_auth_methods_supported":
                ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_types_supported": ["code", "id_token", "code id_token"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "id_token_signing_alg_values_supported": ["none"],
            "tenant_region_scope": Value::Null,
        }),
    )
}

/// Nothing is signed, so there are none.
pub(super) async fn keys() -> Response<Body> {
    json_response(StatusCode::OK, &json!({"keys": []}))
}

pub(super) async fn device_code<W: Answers>(
    State(served): State<Served<W>>,
    Path(named): Path<String>,
    request: Request,
) -> Response<Body> {
    let Some((parts, form)) = LoginForm::of(&served, request).await else { return unread() };
    if form.get("client_id").is_none() {
        return no_client();
    }
    let tenant = match tenant(&served, &named) {
        Ok(tenant) => tenant,
        Err(denial) => return denial.response(),
    };
    let verification = format!("{}/devicelogin", at(&served, &parts));
    json_response(
        StatusCode::OK,
        &json!({
            "device_code": format!("simulated-{tenant}"), "user_code": "SIMULATED",
            "verification_uri": verification, "expires_in": 900, "interval": 1,
            "message": "The simulator lets everybody in: there is no page to open, and nothing to type.",
        }),
    )
}

pub(super) async fn token<W: Answers>(
    State(served): State<Served<W>>,
    Path(named): Path<String>,
    request: Request,
) -> Response<Body> {
    let Some((parts, form)) = LoginForm::of(&served, request).await else { return unread() };
    let tenant = match tenant(&served, &named) {
        Ok(tenant) => tenant,
        Err(denial) => return denial.response(),
    };
    let Some(client) = form.get("client_id") else { return no_client() };
    let person = match grant(&form, client) {
        Ok(person) => person,
        Err(denial) => return denial.response(),
    };
    let claims = TokenClaims { tenant: &tenant, client, person, audience: &audience(&form) };
    let now = (at(&served, &parts), served.host_now());
    let now = (now.0.as_str(), now.1);
    let seconds = GOOD_FOR.as_secs();
    let mut answer = json!({
        "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds,
        "access_token": claims.token(now),
    });
    if !parts.uri.path().contains("/v2.0/") {
        // The older form says when, as a text.
        answer["expires_in"] = seconds.to_string().into();
        answer["ext_expires_in"] = seconds.to_string().into();
        let ends = now.1 + GOOD_FOR;
        answer["expires_on"] = (ends.as_millis() / 1_000).to_string().into();
        answer["resource"] = claims.audience.into();
    }
    if person.is_some() {
        let own = TokenClaims { audience: client, ..claims };
        answer["scope"] = form.get("scope").unwrap_or_default().into();
        answer["id_token"] = own.token(now).into();
        answer["client_info"] = own.client_info().into();
        answer["refresh_token"] = format!("simulated-{tenant}").into();
    }
    json_response(StatusCode::OK, &answer)
}

/// Who asks: a person, or the client itself.
fn grant<'a>(form: &'a LoginForm, client: &str) -> Result<Option<&'a str>, Denial> {
    match form.get("grant_type") {
        Some("client_credentials") => proof(form, client).map(|()| None),
        Some(
            "urn:ietf:params:oauth:grant-type:device_code"
            | "device_code"
            | "refresh_token"
            | "authorization_code",
        ) => Ok(Some(PERSON)),
        Some("password") => Ok(Some(form.get("username").unwrap_or(PERSON))),
        Some(other) => {
            let words = format!("The provided grant_type '{other}' is not supported.");
            Err(Denial::new("unsupported_grant_type", 70003, words))
        }
        None => {
            let words = "The request body must contain the following parameter: 'grant_type'.";
            Err(Denial::new("invalid_request", 900_144, words))
        }
    }
}

/// How a client proves that it is the one: by a secret, or by something that it signed.
fn proof(form: &LoginForm, client: &str) -> Result<(), Denial> {
    let denied = |number, words: String| Err(Denial::new("invalid_client", number, words));
    match (form.get("client_secret"), form.get("client_assertion")) {
        (Some(secret), _) if secret.starts_with(WRONG) => denied(
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client \
                 secret value, not the client secret ID, for a secret added to app '{client}'."
            ),
        ),
        (Some(secret), _) if secret.starts_with(EXPIRED) => denied(
            7_000_222,
            format!("The provided client secret keys for app '{client}' are expired."),
        ),
        (Some(_), _) => Ok(()),
        (None, Some(assertion)) if assertion.split('.').filter(|part| !part.is_empty()).count() == 3 => Ok(()),
        (None, Some(_)) => denied(50_027, "JWT token is invalid or malformed.".to_owned()),
        (None, None) => denied(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
                .to_owned(),
        ),
    }
}

/// For whom the token is: the scope without its end, or the resource.
fn audience(form: &LoginForm) -> String {
    let scopes = form.get("scope").unwrap_or_default();
    let own = scopes.split(' ').find(|scope| scope.contains("://"));
    let own = own.map(|scope| scope.rsplit_once('/').map_or(scope, |(audience, _)| audience));
    own.or_else(|| form.get("resource")).unwrap_or_default().to_owned()
}

fn no_client() -> Response<Body> {
    let words = "The request body must contain the following parameter: 'client_id'.";
    Denial::new("invalid_request", 900_144, words).response()
}

fn unread() -> Response<Body> {
    let words = "The request body could not be read.";
    Denial::new("invalid_request", 90014, words).response()
}
