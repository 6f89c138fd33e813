//! When to try again? The policy and the attempt decide; the jitter is a hash, so replays agree.

use std::time::Duration;

use super::state::Direction;
use crate::model::{OperationKey, RetryPolicy, StepName, limits};

/// How many writes that are done and not shown are enough. One GET may lag behind its operation (docs/wire.md 3);
/// what is so three times over, somebody else makes so.
pub(super) const UNKEPT_MAX: u32 = 3;

/// The wait before attempt `attempt + 1`.
///
/// Doubles from the policy's delay up to its ceiling, and is never shorter than what the other side
/// asked for. Up to a tenth is added by a hash of the key, so that steps refused together do not come
/// back together.
#[must_use]
pub fn delay(
    policy: &RetryPolicy,
    attempt: u32,
    asked: Option<Duration>,
    key: &OperationKey,
) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let ours = policy.delay.saturating_mul(1 << doublings).min(policy.delay_max);
    let base = asked.unwrap_or(Duration::ZERO).max(ours);
    let hash = blake3::hash(format!("{key}/{attempt}").as_bytes());
    let share = u32::from(hash.as_bytes()[0]);
    // Whole milliseconds: timestamps hold no finer ones.
    let jitter = base.as_millis() / 10 * u128::from(share) / 255;
    base + Duration::from_millis(u64::try_from(jitter).unwrap_or(0))
}

/// Whether the policy allows one more attempt after `made` attempts.
#[must_use]
pub fn allows_another(policy: &RetryPolicy, made: u32) -> bool {
    made < policy.attempts.min(limits::ATTEMPTS_MAX)
}

/// The wait between polls: what Azure asks for, within our floor and ceiling.
#[must_use]
pub fn poll_delay(asked: Option<Duration>) -> Duration {
    asked
        .unwrap_or(limits::POLL_INTERVAL_DEFAULT)
        .clamp(limits::POLL_INTERVAL_MIN, limits::POLL_INTERVAL_MAX)
}

/// The operation key of a step's change: the same for every attempt at one change, in every process
/// that ever drives the run, and different for everything else.
#[must_use]
pub fn operation_key(
    nonce: &str,
    step: &StepName,
    direction: Direction,
    generation: u32,
) -> OperationKey {
    let way = match direction {
        Direction::Forward => "forward",
        Direction::Backward => "backward",
    };
    let hash = blake3::hash(format!("{nonce}/{step}/{way}/{generation}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    let text = uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string();
    #[expect(clippy::expect_used, reason = "a UUID's text is a key's text")]
    OperationKey::parse(&text).expect("a UUID is an operation key")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(generation: u32) -> OperationKey {
        let step = StepName::parse("gateway").unwrap();
        operation_key("nonce", &step, Direction::Forward, generation)
    }

    #[test]
    fn one_change_has_one_key_and_two_changes_have_two() {
        assert_eq!(key(0), key(0));
        assert_ne!(key(0), key(1));
    }

    #[test]
    fn we_never_ask_sooner_than_we_were_told() {
        let policy = RetryPolicy::default();
        let asked = Duration::from_secs(446);
        for attempt in 1..20 {
            assert!(delay(&policy, attempt, Some(asked), &key(0)) >= asked);
            let ours = delay(&policy, attempt, None, &key(0));
            assert!(ours <= policy.delay_max + policy.delay_max / 10);
        }
        assert_eq!(poll_delay(Some(Duration::ZERO)), limits::POLL_INTERVAL_MIN);
    }

    #[test]
    fn waits_double_up_to_their_ceiling_and_those_refused_together_do_not_come_back_together() {
        let seconds = Duration::from_secs;
        let policy =
            RetryPolicy { delay: seconds(10), delay_max: seconds(100), ..RetryPolicy::default() };
        for (attempt, base) in [(0, 10), (1, 10), (2, 20), (3, 40), (4, 80), (5, 100), (99, 100)] {
            let waits: Vec<Duration> =
                (0..32).map(|step| delay(&policy, attempt, None, &key(step))).collect();
            let (first, last) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(*first >= seconds(base) && *last <= seconds(base) * 11 / 10, "{waits:?}");
            assert!(*last - *first >= seconds(base) / 20, "spread over most of a tenth: {waits:?}");
        }
    }
}
