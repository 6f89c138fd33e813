//! How much may a subscription ask? ARM's token buckets (azure-facts 3.7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::reply::Refusal;
use crate::azure::wire::{Headers, Method};
use crate::model::Timestamp;

/// The buckets of all subscriptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Buckets(BTreeMap<String, Bucket>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Bucket {
    /// Thousandths of a call.
    left: u64,
    at: Timestamp,
}

/// Size, and refill per second.
fn limits(method: Method) -> (&'static str, u64, u64) {
    match method {
        Method::Get | Method::Head | Method::Post => ("reads", 250, 25),
        Method::Put | Method::Patch => ("writes", 200, 10),
        Method::Delete => ("deletes", 200, 10),
    }
}

impl Buckets {
    /// Takes one call out, or refuses.
    pub(super) fn take(
        &mut self,
        subscription: &str,
        method: Method,
        now: Timestamp,
    ) -> Result<Headers, Refusal> {
        let (kind, size, refill) = limits(method);
        let key = format!("{}/{kind}", subscription.to_ascii_lowercase());
        let full = size * 1_000;
        let bucket = self.0.entry(key).or_insert(Bucket { left: full, at: now });
        let millis = u64::try_from(now.since(bucket.at).as_millis()).unwrap_or(u64::MAX);
        bucket.left = bucket.left.saturating_add(millis.saturating_mul(refill)).min(full);
        bucket.at = bucket.at.max(now);
        if bucket.left < 1_000 {
            let seconds = (1_000 - bucket.left).div_ceil(refill * 1_000).max(1);
            let message = format!(
                "Number of '{kind}' requests for subscription '{subscription}' exceeded. Please try \
                 again after '{seconds}' seconds."
            );
            let refusal = Refusal::new(429, "SubscriptionRequestsThrottled", message);
            return Err(refusal.by_gateway().after(seconds));
        }
        bucket.left -= 1_000;
        let left = (bucket.left / 1_000).to_string();
        let name = format!("x-ms-ratelimit-remaining-subscription-{kind}");
        Ok(Headers::new().with(name, left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_empty_bucket_refuses_and_names_the_seconds() {
        let mut buckets = Buckets::default();
        let now = Timestamp::from_millis(0);
        for _ in 0..200 {
            assert!(buckets.take("s", Method::Put, now).is_ok());
        }
        let refusal = buckets.take("S", Method::Put, now).unwrap_err();
        assert_eq!((refusal.status, refusal.retry_after), (429, Some(1)));
        assert!(buckets.take("s", Method::Get, now).is_ok(), "reads have a bucket of their own");
        assert!(buckets.take("s", Method::Put, now + Duration::from_secs(1)).is_ok());
    }
}
