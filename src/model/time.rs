//! When, and for how long? A point in time and the text of durations; a type, not a clock.

use std::fmt;
use std::ops::Add;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in whole milliseconds of UTC. Written as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The farthest future that can be written and read, 9999-12-30T22:00:00Z; used for "not before somebody
    /// says so".
    pub const MAX: Self = Self(253_402_207_200_000);

    /// From milliseconds since 1970-01-01T00:00:00Z; values past the year 9999 are clamped.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(-Self::MAX.0, Self::MAX.0))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The year and the month, in UTC.
    #[must_use]
    pub fn month(self) -> (i16, i8) {
        // In bounds by `from_millis`.
        let stamp = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        let day = jiff::tz::Offset::UTC.to_datetime(stamp);
        (day.year(), day.month())
    }

    /// Parses RFC 3339.
    ///
    /// # Errors
    /// The text is not a timestamp.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let parsed: jiff::Timestamp =
            text.parse().map_err(|_| TimeError::Timestamp(text.chars().take(60).collect()))?;
        Ok(Self::from_millis(parsed.as_millisecond()))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(stamp) => f.pad(&format!("{stamp:.3}")),
            // Unreachable by the clamp in `from_millis`, but a display must not panic.
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        Self::parse(text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A text was not a time or a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339.
    #[error("`{0}` is not a timestamp; write it like 2026-01-31T03:00:00Z")]
    Timestamp(String),
    /// Not a duration.
    #[error("`{0}` is not a duration; write it like 90s, 45m, 1h30m or 500ms")]
    Duration(String),
}

/// The longest duration that is read, and therefore written: longer than anything this program waits for.
pub const DURATION_MAX: Duration = Duration::from_secs(366 * 86_400);

/// Parses `500ms`, `90s`, `45m`, `1h30m`, `2d`: numbers with units, largest first by custom, added up.
///
/// # Errors
/// The text is empty, has a number without a unit or an unknown unit, or exceeds 366 days.
pub fn parse_duration(text: &str) -> Result<Duration, TimeError> {
    let wrong = || TimeError::Duration(text.chars().take(60).collect());
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut millis: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit_end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let scale: u64 = match &rest[..unit_end] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        rest = &rest[unit_end..];
        millis = number.checked_mul(scale).and_then(|m| millis.checked_add(m)).ok_or_else(wrong)?;
    }
    if millis > DURATION_MAX.as_millis() as u64 {
        return Err(wrong());
    }
    Ok(Duration::from_millis(millis))
}

/// The shortest text that `parse_duration` reads back: `1h30m`, `45s`, `1.5s` is `1s500ms`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let mut millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, scale) in
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)]
    {
        let count = millis / scale;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
            millis %= scale;
        }
    }
    text
}

/// Serde adapter that writes a `Duration` as its text (`#[serde(with = "…::duration_text")]`).
pub mod duration_text {
    use super::{
        DURATION_MAX, Deserialize, Deserializer, Duration, Serializer, format_duration,
        parse_duration,
    };

    /// Writes the duration's text; one that is longer than what is read is written as the longest.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration((*duration).min(DURATION_MAX)))
    }

    /// Reads the duration's text.
    ///
    /// # Errors
    /// The text is not a duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map_err(serde::de::Error::custom)
    }

    /// The same for `Option<Duration>`.
    pub mod option {
        use super::{
            DURATION_MAX, Deserialize, Deserializer, Duration, Serializer, format_duration,
            parse_duration,
        };

        /// Writes the duration's text, or nothing.
        ///
        /// # Errors
        /// The serializer's own.
        pub fn serialize<S: Serializer>(
            duration: &Option<Duration>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match duration {
                Some(duration) => {
                    serializer.serialize_some(&format_duration((*duration).min(DURATION_MAX)))
                }
                None => serializer.serialize_none(),
            }
        }

        /// Reads the duration's text, or nothing.
        ///
        /// # Errors
        /// The text is not a duration.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Duration>, D::Error> {
            let text = Option::<String>::deserialize(deserializer)?;
            text.map(|text| parse_duration(&text).map_err(serde::de::Error::custom)).transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_back_as_written() {
        for text in ["500ms", "1s500ms", "45m", "1h30m", "2d", "0s"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
        for wrong in ["", "5", "m", "5 m", "1y", "-5m", "99999999999999999999s", "400d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong} must be refused");
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Held {
        at: Timestamp,
        #[serde(with = "duration_text")]
        wait: Duration,
        #[serde(with = "duration_text::option")]
        perhaps: Option<Duration>,
    }

    proptest::proptest! {
        #[test]
        fn any_moment_and_any_wait_that_is_written_is_read(millis: i64, seconds: u64, nanos in 0u32..1_000_000_000) {
            let wait = Duration::new(seconds, nanos);
            let held = Held { at: Timestamp::from_millis(millis), wait, perhaps: Some(wait) };
            let text = serde_json::to_string(&held).unwrap();
            let read: Held = serde_json::from_str(&text).map_err(|e| proptest::test_runner::TestCaseError::fail(format!("{text}: {e}")))?;
            proptest::prop_assert_eq!(read.at, held.at);
            proptest::prop_assert!(read.wait <= DURATION_MAX && read.perhaps == Some(read.wait));
            proptest::prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }

    #[test]
    fn timestamps_read_back_as_written() {
        let stamp = Timestamp::parse("2026-01-31T03:00:00.250Z").unwrap();
        assert_eq!(stamp.to_string(), "2026-01-31T03:00:00.250Z");
        assert_eq!((stamp + Duration::from_millis(750)).to_string(), "2026-01-31T03:00:01.000Z");
        assert_eq!(stamp.since(stamp + Duration::from_secs(1)), Duration::ZERO);
    }
}
