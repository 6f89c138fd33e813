//! How does a message leave? By each way once, with its secrets read at that moment and nowhere kept.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::card;
use super::mail;
use super::message::Delivery;
use super::sign::signature;
use crate::engine::Clock;
use crate::model::message::hook_url;
use crate::model::{HookUrl, MessageWay, Receiver, SecretSource};
use crate::outside::Host;
use crate::outside::errand::{self, ErrandEnd};
use crate::outward::{self, Secret};

pub use crate::outside::errand::ErrandEnd as SendEnd;

/// Sends a message to a receiver, once.
#[async_trait]
pub trait MessageCarrier: Send + Sync {
    /// Sends it; tells whether it was taken.
    async fn send(&self, receiver: &Receiver, delivery: &Delivery) -> SendEnd;
}

/// Reads a secret where it is; given by the command line, which knows the environment.
pub trait ReadSecret: Send + Sync {
    /// The secret.
    ///
    /// # Errors
    /// It cannot be read; why, without the value.
    fn read(&self, source: &SecretSource) -> Result<Secret, String>;

    /// A URL that is a secret behind its host.
    ///
    /// # Errors
    /// It cannot be read, or is none; why, without it.
    fn read_url(&self, source: &SecretSource) -> Result<String, String>;
}

/// This host and its network.
pub struct HostCarrier {
    /// Where secrets are read.
    pub secrets: Arc<dyn ReadSecret>,
    /// Where programs are.
    pub host: Host,
    /// The host's time, which a signature holds.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl MessageCarrier for HostCarrier {
    async fn send(&self, receiver: &Receiver, delivery: &Delivery) -> SendEnd {
        let end = match self.sent(receiver, &clean(delivery)).await {
            Ok(end) => end,
            Err(why) => ErrandEnd::Refused(why),
        };
        // What a receiver says may repeat what it was sent.
        let told = |why: String| outward::redacted(&why).into_owned();
        match end {
            ErrandEnd::Taken => ErrandEnd::Taken,
            ErrandEnd::Refused(why) => ErrandEnd::Refused(told(why)),
            ErrandEnd::NotNow(why) => ErrandEnd::NotNow(told(why)),
            ErrandEnd::Unknown(why) => ErrandEnd::Unknown(told(why)),
        }
    }
}

impl HostCarrier {
    async fn sent(&self, receiver: &Receiver, delivery: &Delivery) -> Result<SendEnd, String> {
        let limit = receiver.time_limit;
        match &receiver.way {
            MessageWay::Webhook { url, key } => {
                let body = delivery.json().to_string();
                let mut headers = self.marks(delivery);
                if let Some(key) = key {
                    let key = self.secrets.read(key)?;
                    let seconds = self.clock.now().as_millis() / 1_000;
                    let signed = signature(key.expose(), &delivery.id(), seconds, &body);
                    headers.push(("webhook-signature".to_owned(), signed));
                    headers.retain(|(name, _)| name != "webhook-timestamp");
                    headers.push(("webhook-timestamp".to_owned(), seconds.to_string()));
                }
                let url = match url {
                    HookUrl::Plain(url) => url.clone(),
                    HookUrl::Secret(source) => self.secret_url(source)?,
                };
                Ok(errand::post(&url, headers, body, limit).await)
            }
            MessageWay::Teams { url } => {
                let body = card::teams(delivery).to_string();
                Ok(errand::post(&self.secret_url(url)?, self.marks(delivery), body, limit).await)
            }
            MessageWay::Slack { url } => {
                let body = card::slack(delivery).to_string();
                Ok(errand::post(&self.secret_url(url)?, self.marks(delivery), body, limit).await)
            }
            MessageWay::Mail(way) => {
                let login = way.login.as_ref();
                let password = login.map(|login| self.secrets.read(&login.password)).transpose()?;
                Ok(mail::send(way, password.as_ref(), receiver, delivery).await)
            }
            MessageWay::Exec { argv, env } => {
                let mut body = delivery.json().to_string().into_bytes();
                body.push(b'\n');
                Ok(errand::hand_to(&self.host, argv, env, body, limit).await)
            }
        }
    }

    /// By what a receiver knows what it gets: its id is the same for each attempt.
    fn marks(&self, delivery: &Delivery) -> Vec<(String, String)> {
        let seconds = self.clock.now().as_millis() / 1_000;
        let header = |name: &str, value: String| (name.to_owned(), value);
        vec![
            header("content-type", "application/json".to_owned()),
            header("webhook-id", delivery.id()),
            header("webhook-timestamp", seconds.to_string()),
        ]
    }

    fn secret_url(&self, source: &SecretSource) -> Result<String, String> {
        let url = self.secrets.read_url(source)?;
        hook_url(&url).map_err(|why| format!("{source}: {}", why.trim_end_matches('.')))?;
        Ok(url)
    }
}

/// A message without known secrets, and without letters that would turn a line around.
fn clean(delivery: &Delivery) -> Delivery {
    let Ok(mut value) = serde_json::to_value(&delivery.message) else { return delivery.clone() };
    outward::redacted_json(&mut value, |_| false);
    make_visible(&mut value);
    let message = serde_json::from_value(value).unwrap_or_else(|_| delivery.message.clone());
    Delivery { message, ..delivery.clone() }
}

fn make_visible(value: &mut Value) {
    match value {
        Value::String(text) => *text = outward::visible(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(make_visible),
        Value::Object(entries) => entries.values_mut().for_each(make_visible),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
