//! How much of what is answered is taken in? Bodies, measured before anything is built of them.
//!
//! A text of JSON grows when it is read: `[{},{},…` becomes thirty times its length. So a body is looked over
//! once as bytes, in no memory, and one that is too much is told from one that is merely long.

use bytes::Bytes;
use serde_json::Value;

use crate::model::limits;

/// How a text of JSON is built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct JsonShape {
    /// Its length.
    bytes: usize,
    /// The deepest nesting.
    depth: usize,
    /// Values, counted by what stands between them; never fewer than there are objects and lists.
    values: usize,
}

/// Why a body is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooMuch {
    /// It is long.
    #[error("it is larger than {} kB", .0 >> 10)]
    Bytes(usize),
    /// It is nested.
    #[error("it is nested deeper than {0} levels")]
    Deep(usize),
    /// It has many parts, which would take more memory than its text.
    #[error("it holds more than {0} values")]
    Values(usize),
}

impl TooMuch {
    /// The code of the error.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Bytes(_) | Self::Values(_) => "body_too_large",
            Self::Deep(_) => "body_too_deep",
        }
    }
}

impl JsonShape {
    /// Looks over a text once.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut shape = Self { bytes: text.len(), ..Self::default() };
        let (mut open, mut quoted, mut escaped) = (0_usize, false, false);
        for byte in text {
            if quoted {
                (quoted, escaped) = (escaped || *byte != b'"', !escaped && *byte == b'\\');
                continue;
            }
            match byte {
                b'"' => quoted = true,
                b'{' | b'[' => {
                    open += 1;
                    shape.values += 1;
                    shape.depth = shape.depth.max(open);
                }
                b'}' | b']' => open = open.saturating_sub(1),
                b',' | b':' => shape.values += 1,
                _ => {}
            }
        }
        shape
    }

    /// Whether one answer may be like this.
    ///
    /// # Errors
    /// It is too much; the error says of what.
    pub(super) fn check(self) -> Result<(), TooMuch> {
        if self.bytes > limits::BODY_BYTES_MAX {
            return Err(TooMuch::Bytes(limits::BODY_BYTES_MAX));
        }
        if self.depth > limits::BODY_DEPTH_MAX {
            return Err(TooMuch::Deep(limits::BODY_DEPTH_MAX));
        }
        if self.values > limits::BODY_VALUES_MAX {
            return Err(TooMuch::Values(limits::BODY_VALUES_MAX));
        }
        Ok(())
    }

    /// Both, as one after the other.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            depth: self.depth.max(other.depth),
            values: self.values.saturating_add(other.values),
        }
    }

    /// Whether the pages of one list may be like this together.
    pub(super) fn is_list(self) -> bool {
        self.bytes <= limits::LIST_BYTES_MAX && self.values <= limits::LIST_VALUES_MAX
    }
}

/// The last second that a token may end in: the year 9000, far from where times end.
const TOKEN_ENDS_MAX: u64 = 221_845_392_000;

/// What a credential was answered, with its times within bounds: the credentials add them to the clock and
/// do not look whether the sum is a time. What is no object passes as it is, for them to complain about.
///
/// # Errors
/// It is too much for an answer that holds one token.
pub(super) fn token_answer(body: Bytes) -> Result<Bytes, TooMuch> {
    if body.len() > limits::TOKEN_BYTES_MAX {
        return Err(TooMuch::Bytes(limits::TOKEN_BYTES_MAX));
    }
    let shape = JsonShape::of(&body);
    if shape.depth > limits::BODY_DEPTH_MAX {
        return Err(TooMuch::Deep(limits::BODY_DEPTH_MAX));
    }
    if shape.values > limits::TOKEN_VALUES_MAX {
        return Err(TooMuch::Values(limits::TOKEN_VALUES_MAX));
    }
    let Ok(Value::Object(mut answer)) = serde_json::from_slice(&body) else { return Ok(body) };
    let life = limits::TOKEN_LIFE_MAX.as_secs();
    let mut changed = false;
    for (field, most) in [
        ("expires_in", life),
        ("ext_expires_in", life),
        ("refresh_in", life),
        ("expires_on", TOKEN_ENDS_MAX),
        ("not_before", TOKEN_ENDS_MAX),
    ] {
        if let Some(value) = answer.get_mut(field)
            && let Some(bounded) = bounded(value, most)
        {
            *value = bounded;
            changed = true;
        }
    }
    Ok(if changed { Value::Object(answer).to_string().into() } else { body })
}

/// A number of seconds between none and the most, as a number or a text like the one it replaces; none
/// where it is that already, or no number.
fn bounded(value: &Value, most: u64) -> Option<Value> {
    let whole = |seconds: u64| match value {
        Value::String(_) => Value::from(seconds.to_string()),
        _ => Value::from(seconds),
    };
    let digits = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    match digits.parse::<i128>() {
        Ok(seconds) => match u64::try_from(seconds.max(0)) {
            Ok(fits) if fits <= most => (seconds < 0).then(|| whole(0)),
            _ => Some(whole(most)),
        },
        // Exponents, fractions and words of numbers; a lifetime that is none has ended.
        Err(_) => match digits.parse::<f64>() {
            Ok(seconds) if seconds >= most as f64 => Some(whole(most)),
            Ok(seconds) if seconds > 0.0 => Some(whole(seconds as u64)),
            Ok(_) => Some(whole(0)),
            Err(_) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_taken_in_up_to_a_depth_and_a_number_of_values() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(JsonShape::of(nested(limits::BODY_DEPTH_MAX).as_bytes()).check().is_ok());
        for depth in [limits::BODY_DEPTH_MAX + 1, 121, 100_000] {
            let deep = Err(TooMuch::Deep(limits::BODY_DEPTH_MAX));
            assert_eq!(JsonShape::of(nested(depth).as_bytes()).check(), deep, "{depth}");
        }
        let many = Err(TooMuch::Values(limits::BODY_VALUES_MAX));
        for item in ["{}", "[]", "1", "\"\"", "{\"\":0}", "[[]]"] {
            let text = |count: usize| format!("[{item}{}]", format!(",{item}").repeat(count));
            assert!(JsonShape::of(text(1_000).as_bytes()).check().is_ok(), "{item}");
            let seven_megabytes = text((7 << 20) / (item.len() + 1));
            assert_eq!(JsonShape::of(seven_megabytes.as_bytes()).check(), many, "{item}");
        }
        let long = format!("\"{}\"", "[{,:".repeat(limits::BODY_BYTES_MAX / 4));
        let shape = JsonShape::of(long.as_bytes());
        assert_eq!((shape.depth, shape.values), (0, 0), "what is quoted is text");
        assert_eq!(shape.check(), Err(TooMuch::Bytes(limits::BODY_BYTES_MAX)));
        let text = r#"{"a":"[[[[,,:\\\"{{","b":"\\"}"#;
        let shape = JsonShape::of(text.as_bytes());
        assert_eq!((shape.depth, shape.values), (1, 4));
    }

    #[test]
    fn a_token_that_lasts_for_ever_lasts_two_days_and_one_that_ended_lasts_none() {
        let read = |text: &str| {
            String::from_utf8(token_answer(text.to_owned().into()).unwrap().to_vec()).unwrap()
        };
        let in_seconds = |text: &str| read(&format!(r#"{{"expires_in":{text}}}"#));
        for most in [
            "1000000000000000000",
            "1e18",
            "9223372036854775807",
            "18446744073709551615",
            "1e308",
            "99999999999999999999999999999999",
        ] {
            assert_eq!(in_seconds(most), r#"{"expires_in":172800}"#, "{most}");
            let text = in_seconds(&format!("\"{most}\""));
            assert_eq!(text, r#"{"expires_in":"172800"}"#, "{most}");
        }
        for (text, expected) in [
            ("-1", "0"),
            ("-9223372036854775808", "0"),
            ("-1e300", "0"),
            ("\"-5\"", "\"0\""),
            ("\"NaN\"", "\"0\""),
            ("\"-inf\"", "\"0\""),
            ("\"inf\"", "\"172800\""),
            ("\"infinity\"", "\"172800\""),
            ("3599.5", "3599"),
            ("0", "0"),
            ("\"3599\"", "\"3599\""),
            ("\"soon\"", "\"soon\""),
            ("null", "null"),
            ("[1e18]", "[1e18]"),
        ] {
            assert_eq!(in_seconds(text), format!(r#"{{"expires_in":{expected}}}"#), "{text}");
        }
        assert_eq!(
            read(r#"{"access_token":"t","ext_expires_in":1e18,"expires_on":"99999999999999999"}"#),
            r#"{"access_token":"t","ext_expires_in":172800,"expires_on":"221845392000"}"#
        );
        for same in [r#"{"expires_in":3599, "access_token":"x"}"#, "[]", "no", ""] {
            assert_eq!(read(same), same);
        }
    }

    #[test]
    fn an_answer_with_a_token_is_bounded_like_a_token() {
        let with = |text: String| token_answer(text.into());
        let long = format!(r#"{{"access_token":"{}"}}"#, "t".repeat(limits::TOKEN_BYTES_MAX));
        assert_eq!(with(long), Err(TooMuch::Bytes(limits::TOKEN_BYTES_MAX)));
        let many = format!(r#"{{"x":[{}1]}}"#, "{},".repeat(limits::TOKEN_VALUES_MAX));
        assert_eq!(with(many), Err(TooMuch::Values(limits::TOKEN_VALUES_MAX)));
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        assert_eq!(with(deep), Err(TooMuch::Deep(limits::BODY_DEPTH_MAX)));
    }
}
