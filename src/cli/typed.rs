//! How is a typed value read? What `args` says of durations, hashes and pairs.

use std::time::Duration;

/// A duration: `90m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    crate::model::time::parse_duration(text).map_err(|error| error.to_string())
}

/// A hash, in lower case.
pub(super) fn head(text: &str) -> Result<String, String> {
    let whole = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    whole
        .then(|| text.to_ascii_lowercase())
        .ok_or_else(|| "it has 64 hexadecimal digits".to_owned())
}

/// A name and its value.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}
