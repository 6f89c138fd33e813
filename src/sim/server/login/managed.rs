//! Who is the host that a tool runs on? The token endpoints of managed identities: a machine's, and App Service's.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::token::{GOOD_FOR, TokenClaims};
use super::{LoginForm, at};
use crate::sim::reply::guid;
use crate::sim::server::exchange::json_response;
use crate::sim::server::serve::{Answers, Served, lock};

/// As the metadata service of a machine answers.
pub(super) async fn imds<W: Answers>(
    State(served): State<Served<W>>,
    request: Request,
) -> Response<Body> {
    let asks = request.headers().get("metadata").is_some_and(|value| value == "true");
    if !asks {
        return refused("Required metadata header not specified or not correct");
    }
    answer(&served, request)
}

/// As App Service answers; who has no secret of the host's is not of the host.
pub(super) async fn app_service<W: Answers>(
    State(served): State<Served<W>>,
    request: Request,
) -> Response<Body> {
    if !request.headers().contains_key("x-identity-header") {
        return refused("The X-IDENTITY-HEADER header is missing.");
    }
    answer(&served, request)
}

fn answer<W: Answers>(served: &Served<W>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let form = LoginForm::query(&parts);
    let Some(resource) = form.get("resource") else {
        return refused("Missing required parameter 'resource'.");
    };
    let home = lock(&served.world).tenants().first().cloned();
    let tenant = home.unwrap_or_else(|| guid(&["tenant", "home"]));
    let assigned = ["client_id", "object_id", "principal_id", "msi_res_id", "mi_res_id"];
    let said = assigned.iter().find_map(|name| form.get(name));
    let client = said.map_or_else(|| guid(&["client", "system-assigned"]), str::to_owned);
    let audience = resource.trim_end_matches("/.default");
    let claims = TokenClaims { tenant: &tenant, client: &client, person: None, audience };
    let (origin, now) = (at(served, &parts), served.host_now());
    let ends = (now + GOOD_FOR).as_millis() / 1_000;
    json_response(
        StatusCode::OK,
        &json!({
            "access_token": claims.token((&origin, now)), "token_type": "Bearer",
            "expires_in": GOOD_FOR.as_secs().to_string(),
            "ext_expires_in": GOOD_FOR.as_secs().to_string(),
            "expires_on": ends.to_string(), "not_before": (now.as_millis() / 1_000).to_string(),
            "resource": resource, "client_id": client,
        }),
    )
}

fn refused(words: &str) -> Response<Body> {
    let body = json!({"error": "invalid_request", "error_description": words});
    json_response(StatusCode::BAD_REQUEST, &body)
}
