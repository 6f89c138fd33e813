//! Where does the key come from at the moment of sending? Placeholders filled into the bytes sent.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use crate::arm;
use crate::model::vpn::SHARED_KEY_AT;
use crate::model::{ResourceId, SecretRef, StepError};
pub use crate::outward::{NoSecrets, SecretReader};
use crate::outward::{Secret, is_hidden};

/// Bytes of a file that is no longer than a secret may be.
///
/// Nothing is waited for: what is no plain file is not opened, and a pipe that takes a file's place in that
/// moment is not read from.
///
/// # Errors
/// It cannot be read, is no plain file, or is longer: the words after the file's name.
pub fn read_file(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| error.to_string();
    let plain = |metadata: &std::fs::Metadata| {
        let is = metadata.file_type();
        match () {
            () if is.is_file() => Ok(()),
            () if is.is_dir() => Err("it is a folder".to_owned()),
            () => Err("it is no plain file but a pipe, a socket or a device".to_owned()),
        }
    };
    plain(&std::fs::metadata(path).map_err(told)?)?;
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK);
    }
    let file = options.open(path).map_err(told)?;
    plain(&file.metadata().map_err(told)?)?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("it is longer than {bytes_max} bytes"));
    }
    Ok(bytes)
}

/// Fewest letters of a secret. A shorter one is a mistake, and could not be kept out of logs: it would be
/// part of words.
const LETTERS_MIN: usize = 8;

/// A secret of what a variable or a file holds: without the end of its line, and nothing else amended.
///
/// # Errors
/// It is none: the words after its place.
pub fn of_text(text: &str) -> Result<Secret, &'static str> {
    let text = text.trim_end_matches(['\r', '\n']);
    match text {
        _ if text.trim().is_empty() => Err("it is empty"),
        _ if text.contains(['\r', '\n']) => Err("it has several lines, and a key is one"),
        _ if text.trim() != text => Err("blanks stand before or after the key"),
        _ if text.contains(|c: char| c.is_control() || is_hidden(c)) => {
            Err("letters that cannot be seen stand in it, such as a byte order mark")
        }
        _ if text.chars().count() < LETTERS_MIN => Err("it is shorter than any key is"),
        _ => Ok(Secret::new(text)),
    }
}

/// The placeholders in a body, each once.
#[must_use]
pub(super) fn placeholders(body: &Value) -> Vec<SecretRef> {
    let mut found = Vec::new();
    collect(body, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<SecretRef>) {
    if let Some(secret) = SecretRef::from_placeholder(value) {
        if !found.contains(&secret) {
            found.push(secret);
        }
        return;
    }
    match value {
        Value::Object(object) => object.values().for_each(|value| collect(value, found)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// The body with its placeholders filled in.
pub(super) fn filled(body: &Value, values: &[(SecretRef, Secret)]) -> Result<Value, StepError> {
    if let Some(secret) = SecretRef::from_placeholder(body) {
        let value = values.iter().find(|(known, _)| *known == secret).map(|(_, value)| value);
        return value.map(|value| Value::from(value.expose())).ok_or_else(|| {
            StepError::rejected("secret_missing", "A secret of this write has no value.")
        });
    }
    Ok(match body {
        Value::Object(object) => {
            let mut result = serde_json::Map::new();
            for (key, value) in object {
                result.insert(key.clone(), filled(value, values)?);
            }
            Value::Object(result)
        }
        Value::Array(list) => {
            Value::Array(list.iter().map(|value| filled(value, values)).collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    })
}

/// The key that a resource shows of itself, or why there is none: what is not there yet, or is being made, may show
/// it later; what stands and does not show it will not show it at the next look either.
pub(crate) fn shown(
    read: Option<&Value>,
    id: &ResourceId,
    pointer: &str,
) -> Result<Secret, StepError> {
    let (pointer, parameter) = match pointer {
        SHARED_KEY_AT => ("/value", "shared_key"),
        other => (other, "authorization_key"),
    };
    let value = read.and_then(|body| body.pointer(pointer));
    if let Some(text) = value.and_then(Value::as_str) {
        return Ok(Secret::new(text));
    }
    if read.is_none() {
        let why = format!("{} is not there (404), and so its key cannot be sent.", id.name());
        let error = StepError::transient("key_not_there", why, None);
        return Err(error.caused_by_missing(id.clone()));
    }
    if read.is_none_or(|body| arm::provisioning_state(body) != "Succeeded") {
        let why = format!("The key of {} cannot be read.", id.name());
        return Err(StepError::transient("secret_missing", why, None));
    }
    let why = format!(
        "Azure shows {} without its key. Give the key as a secret (`{parameter}`): its owner has it.",
        id.name()
    );
    Err(StepError::rejected("secret_missing", why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Disposition;

    #[test]
    fn a_key_is_taken_without_the_end_of_its_line_and_nothing_else_is() {
        const KEY: &str = "3c0d98e7-b1f2-4a6d-85e4-70f9a2c61b5d";
        for text in [KEY.to_owned(), format!("{KEY}\n"), format!("{KEY}\r\n"), format!("{KEY}\n\n")]
        {
            assert_eq!(of_text(&text).unwrap().expose(), KEY);
        }
        for (text, why) in [
            (String::new(), "empty"),
            ("\n".to_owned(), "empty"),
            ("   ".to_owned(), "empty"),
            (format!("{KEY}\n{KEY}"), "several lines"),
            (format!("{KEY} \n"), "blanks"),
            (format!("\u{feff}{KEY}"), "cannot be seen"),
            (format!("{KEY}\0"), "cannot be seen"),
            ("short".to_owned(), "shorter"),
        ] {
            let found = of_text(&text).unwrap_err();
            assert!(found.contains(why), "{text:?}: {found}");
        }
    }

    #[test]
    fn a_key_that_a_standing_resource_does_not_show_is_not_waited_for() {
        let id =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/c";
        let id = ResourceId::parse(&format!("{id}/authorizations/auth-hub")).unwrap();
        let at = "/properties/authorizationKey";
        let told = |body: Option<Value>| shown(body.as_ref(), &id, at);
        let body =
            |state: &str| serde_json::json!({ "properties": { "provisioningState": state } });
        for may_come in [None, Some(body("Updating"))] {
            let error = told(may_come).unwrap_err();
            assert!(matches!(error.disposition, Disposition::Transient { .. }), "{error:?}");
        }
        assert_eq!(told(None).unwrap_err().code, "key_not_there");
        let error = told(Some(body("Succeeded"))).unwrap_err();
        assert_eq!(error.disposition, Disposition::Rejected);
        assert!(
            error.message.contains("auth-hub") && error.message.contains("`authorization_key`")
        );
        let key = serde_json::json!({ "properties": { "authorizationKey": "a-key-of-nobody" } });
        assert_eq!(told(Some(key)).unwrap().expose(), "a-key-of-nobody");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_plain_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let long = folder.path().join("long");
        std::fs::write(&long, "x".repeat(17)).unwrap();
        for (path, why) in [
            (fifo.as_path(), "pipe"),
            (Path::new("/dev/zero"), "device"),
            (folder.path(), "folder"),
            (&folder.path().join("nothing"), "No such file"),
            (&long, "longer than 16 bytes"),
        ] {
            let found = read_file(path, 16).unwrap_err();
            assert!(found.contains(why), "{}: {found}", path.display());
        }
        assert_eq!(read_file(&long, 17).unwrap().len(), 17);
    }
}
