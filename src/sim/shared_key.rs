//! How is the key read and set that both ends of a VPN connection share?
//!
//! It has a path of its own and is no resource: its value is the connection's, where it is sealed.

use serde_json::{Value, json};

use super::duration::class;
use super::operation::OperationWork;
use super::parts::State;
use super::provider::{self, Provider};
use super::reply::{Refusal, common, json_answer};
use super::world::World;
use super::write::Arrival;
use crate::azure::wire::{Method, WireResponse};
use crate::model::ResourceId;

/// How long a key is when nobody says.
const LENGTH: u64 = 128;

/// The connection whose key a path is about, and whether it is to be made anew.
pub(super) fn connection_of(path: &str) -> Option<(ResourceId, bool)> {
    let path = path.trim_end_matches('/');
    let lower = path.to_ascii_lowercase();
    let (end, reset) = match lower.strip_suffix("/reset") {
        Some(rest) => (rest.len(), true),
        None => (lower.len(), false),
    };
    let end = lower.get(..end)?.strip_suffix("/sharedkey")?.len();
    let id = ResourceId::parse(path.get(..end)?).ok()?;
    provider::of(&id).is_some_and(Provider::has_shared_key).then_some((id, reset))
}

impl World {
    /// GET, PUT and POST reset of a connection's key. A PUT is 200, for a connection always has one.
    pub(super) fn shared_key(
        &mut self,
        arrival: &Arrival<'_>,
        reset: bool,
    ) -> Result<WireResponse, Refusal> {
        let id = arrival.id;
        let stored = self.body(id).cloned().ok_or_else(|| Refusal::not_found(id))?;
        let verb = match (arrival.request.method, reset) {
            (Method::Get, false) => "sharedKey/action",
            (Method::Put, false) => "sharedKey/write",
            (Method::Post, true) => "sharedKey/reset/action",
            _ => {
                let message = format!("{} is not allowed here.", arrival.request.method);
                return Err(Refusal::new(405, "MethodNotAllowed", message).by_gateway());
            }
        };
        self.check_right(id, verb)?;
        if arrival.request.method == Method::Get {
            self.check_answers(id)?;
            return Ok(json_answer(200, &self.shown_key(id)));
        }
        self.check_scope_locks(Method::Put, id)?;
        let provider = self.writable_provider(id)?;
        self.check_locks(arrival, provider, &stored)?;
        let body: Value = serde_json::from_slice(&arrival.request.body).map_err(|_| {
            Refusal::new(400, "InvalidRequestContent", "The request content was invalid JSON.")
                .by_gateway()
        })?;
        let ordinal = self.chance.ordinal(id) + 1;
        let key = if reset {
            let length = body.get("keyLength").and_then(Value::as_u64).unwrap_or(LENGTH);
            self.new_key(id, ordinal, length)
        } else {
            let value = body.get("value").and_then(Value::as_str).filter(|key| !key.is_empty());
            value.map(str::to_owned).ok_or_else(|| {
                Refusal::new(400, "InvalidRequestFormat", "A shared key has a value.")
            })?
        };
        self.resources.edit(id, |body| body["properties"]["sharedKey"] = json!(key));
        self.chance.count(id);
        self.resources.set_state(id, State::Updating, arrival.now);
        let class = class(None, &stored);
        let operation = self.begin(arrival, provider, OperationWork::Update, None, &stored, class);
        let mut answer = if reset {
            WireResponse { status: 202, headers: common(), body: "null".into() }
        } else {
            json_answer(200, &json!({ "value": key }))
        };
        answer.headers.push("Azure-AsyncOperation", operation.status_url(arrival.origin));
        if reset {
            answer.headers.push("Location", operation.result_url(arrival.origin));
        }
        answer.headers.push("Retry-After", operation.first.to_string());
        answer.headers.push("x-ms-request-id", operation.id.clone());
        Ok(answer)
    }

    /// A connection's key as its own path shows it.
    fn shown_key(&self, id: &ResourceId) -> Value {
        let key = self.body(id).and_then(|body| body.pointer("/properties/sharedKey"));
        json!({ "value": key.cloned().unwrap_or_default() })
    }

    /// What is published as the answer to a new key: how long it is.
    pub(super) fn key_length(&self, id: &ResourceId) -> Value {
        let key = self.body(id).and_then(|body| body.pointer("/properties/sharedKey"));
        json!({ "keyLength": key.and_then(Value::as_str).map_or(0, str::len) })
    }

    /// A key of so many characters that depends on the world's seed and nothing else.
    fn new_key(&self, id: &ResourceId, ordinal: u64, length: u64) -> String {
        let length = usize::try_from(length.clamp(1, 128)).unwrap_or(128);
        let part = |n: usize| {
            let place = n.to_string();
            let words = [id.key(), &ordinal.to_string(), &place, "sharedKey"];
            self.chance.name(&words).replace('-', "")
        };
        let text: String = (0..length.div_ceil(32)).map(part).collect();
        text.chars().take(length).collect()
    }
}
