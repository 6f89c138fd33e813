//! What may one ask of the simulator itself? The pages under `/_sim/`, beside Azure's paths.
//!
//! - `ready`: whether it answers.
//! - `ledger`: every request with its status.
//! - `world`: the world as it is, in the form in which two worlds are compared; with `?format=file` as a
//!   world file in JSON, from which `sim serve` and `drill` begin again. Keys are sealed.
//! - `clock`: the time; POST `{"advance": "10m"}` lets time pass.
//! - `faults`: those still to strike; POST adds one, DELETE takes all away.
//! - `network`: what each site reaches, over which circuit, and whether the way back is the same.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};

use super::bounded::within;
use super::exchange::{json_response, redacted};
use super::serve::{Answers, Served, lock};
use crate::model::time::parse_duration;

/// Bytes of what is asked of the simulator: a duration, or one fault.
const BODY_MAX: usize = 64 << 10;

pub(super) fn routes<W: Answers>() -> Router<Served<W>> {
    Router::new()
        .route("/_sim/ready", get(ready))
        .route("/_sim/ledger", get(ledger::<W>))
        .route("/_sim/world", get(world::<W>))
        .route("/_sim/clock", get(clock::<W>).post(advance::<W>))
        .route("/_sim/faults", get(faults::<W>).post(add_fault::<W>).delete(clear_faults::<W>))
        .route("/_sim/network", get(network::<W>))
}

async fn ready() -> Response<Body> {
    json_response(StatusCode::OK, &json!({"ready": true}))
}

async fn ledger<W: Answers>(State(served): State<Served<W>>) -> Response<Body> {
    let entries = serde_json::to_value(lock(&served.ledger).entries());
    json_response(StatusCode::OK, &entries.unwrap_or_default())
}

async fn world<W: Answers>(
    State(served): State<Served<W>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response<Body> {
    if query.get("format").is_some_and(|format| format == "file") {
        let file = lock(&served.world).world_file(served.clock.now());
        return json_response(StatusCode::OK, &file);
    }
    let snapshot = lock(&served.world).snapshot(served.clock.now());
    json_response(StatusCode::OK, &redacted(snapshot))
}

async fn clock<W: Answers>(State(served): State<Served<W>>) -> Response<Body> {
    json_response(StatusCode::OK, &json!({ "now": served.clock.now() }))
}

async fn advance<W: Answers>(State(served): State<Served<W>>, request: Request) -> Response<Body> {
    let Some(move_on) = &served.service.advance else {
        return refused("advanced", "This clock cannot be moved.");
    };
    let body = match body(&served, request).await {
        Ok(body) => body,
        Err(why) => return refused("advanced", &why),
    };
    let by = body["advance"].as_str().map(parse_duration);
    let Some(Ok(by)) = by else {
        return refused("advanced", "`advance` must be a duration, like \"10m\".");
    };
    move_on(by);
    json_response(StatusCode::OK, &json!({ "now": served.clock.now() }))
}

async fn faults<W: Answers>(State(served): State<Served<W>>) -> Response<Body> {
    json_response(StatusCode::OK, &lock(&served.world).faults())
}

async fn add_fault<W: Answers>(
    State(served): State<Served<W>>,
    request: Request,
) -> Response<Body> {
    let fault = match body(&served, request).await {
        Ok(fault) => fault,
        Err(why) => return refused("added", &why),
    };
    let now = served.clock.now();
    match lock(&served.world).add_fault(fault, now) {
        Ok(()) => json_response(StatusCode::CREATED, &json!({"added": true})),
        Err(why) => refused("added", &why),
    }
}

async fn clear_faults<W: Answers>(State(served): State<Served<W>>) -> Response<Body> {
    lock(&served.world).clear_faults();
    json_response(StatusCode::OK, &json!({"cleared": true}))
}

async fn network<W: Answers>(State(served): State<Served<W>>) -> Response<Body> {
    let now = served.clock.now();
    json_response(StatusCode::OK, &lock(&served.world).network(now))
}

async fn body<W>(served: &Served<W>, request: Request) -> Result<Value, String> {
    let bytes = within(served.service.bounds.body, to_bytes(request.into_body(), BODY_MAX))
        .await
        .ok_or_else(|| "The body did not come in time.".to_owned())?
        .map_err(|_| format!("The body is longer than {BODY_MAX} bytes."))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("The body is not JSON: {error}."))
}

fn refused(what: &str, why: &str) -> Response<Body> {
    json_response(StatusCode::BAD_REQUEST, &json!({ what: false, "why": why }))
}
