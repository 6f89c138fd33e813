//! Is one value what it should be? Texts, numbers, prefixes, regions and ids, in canonical form.

use ipnet::IpNet;
use serde_json::Value;

use super::diagnostic::{Code, did_you_mean};
use super::grammar::{Choice, Kind};
use crate::model::destination::{Destination, SERVICE_TAGS};
use crate::model::time::parse_duration;
use crate::model::{Region, ResourceId, SecretSource, Timestamp, geography, resource_name};

/// The value of a scalar by YAML 1.2's core rules: quoted is text; `yes`, `0777` and `1e3` are text too,
/// since other readers disagree about them.
#[must_use]
pub fn scalar(text: &str, plain: bool) -> Value {
    if !plain {
        return Value::from(text);
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::from(true),
        "false" => Value::from(false),
        _ => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let whole = !digits.is_empty()
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && (digits == "0" || !digits.starts_with('0'));
            match text.parse::<i64>() {
                Ok(number) if whole => Value::from(number),
                _ => Value::from(text),
            }
        }
    }
}

/// What a value of a kind is, for messages.
#[must_use]
pub fn expected(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Prose => "a text",
        Kind::Int(..) => "a whole number",
        Kind::Bool => "true or false",
        Kind::Duration => "a duration such as 90s or 45m",
        Kind::Cidr => "an address prefix such as 10.1.0.0/24",
        Kind::Destination => "an address prefix or a service tag such as AzureMonitor",
        Kind::Ip => "an address such as 10.10.10.10",
        Kind::Region => "a region such as southeastasia",
        Kind::Id(_) => "a resource id",
        Kind::IdOrName(_) => "a name or a resource id",
        Kind::OneOf(_) => "one of its words",
        Kind::Secret => "a reference to a secret parameter",
        Kind::SecretFrom => "where a secret is read: env:NAME or file:PATH",
        Kind::Condition => "a condition",
        Kind::List(_) => "a list",
        Kind::OneOrMany(_) => "a value or a list",
        Kind::Time => "a time such as 2026-03-14T03:00:00Z",
        Kind::Object(_)
        | Kind::Names(_)
        | Kind::ByText(_)
        | Kind::ById(_)
        | Kind::Tags
        | Kind::Step
        | Kind::Resource => "a mapping",
        Kind::Choice(_) => "one of its words, or a mapping from one to what it takes",
        Kind::Any | Kind::Json => "a value",
    }
}

/// What is wrong with a value: its code, what is wrong as the end of a sentence, and the fix.
pub type Wrong = (Code, String, Option<String>);

/// Whether a value is of a kind: its canonical form, and a doubt about it.
///
/// # Errors
/// It is not; what is wrong with it, and the fix.
pub fn check_scalar(value: &Value, kind: &Kind) -> Result<CheckedScalar, Wrong> {
    let not = || not(value, kind);
    let good = |value: Value| Ok((value, None));
    let as_text = || text_of(value);
    match kind {
        Kind::Text | Kind::Prose => as_text().map(Value::from).map_or_else(|| Err(not()), good),
        Kind::IdOrName(of) => match as_text().ok_or_else(not)? {
            text if text.starts_with('/') => check_id(&text, of).and_then(good),
            text => good(text.into()),
        },
        Kind::Int(min, max) => check_number(value, *min, *max, &not).and_then(good),
        Kind::Bool => check_truth(value, &not).and_then(good),
        Kind::Duration => {
            let text = as_text().ok_or_else(not)?;
            parse_duration(&text).map_err(|_| {
                let help = value.is_number().then(|| format!("Did you mean {text}s or {text}m?"));
                (Code::BadValue, not().1, help)
            })?;
            good(text.into())
        }
        Kind::Cidr => check_cidr(&as_text().ok_or_else(not)?, &not).and_then(good),
        Kind::Destination => check_destination(&as_text().ok_or_else(not)?, &not),
        Kind::Ip => {
            let text = as_text().ok_or_else(not)?;
            let address: std::net::IpAddr = text.parse().map_err(|_| not())?;
            good(address.to_string().into())
        }
        Kind::Region => check_region(&as_text().ok_or_else(not)?, &not),
        Kind::Id(of) => {
            let text = as_text().ok_or_else(not)?;
            check_id(&text, of).and_then(good)
        }
        Kind::OneOf(words) => check_word(&as_text().ok_or_else(not)?, words).and_then(good),
        Kind::Secret => Err(secret_itself()),
        Kind::SecretFrom => check_source(as_text()).and_then(good),
        Kind::Time => {
            let text = as_text().ok_or_else(not)?;
            Timestamp::parse(&text).map_err(|_| {
                let help = "Write it in UTC, as 2026-03-14T03:00:00Z.";
                (Code::BadValue, not().1, Some(help.to_owned()))
            })?;
            good(text.into())
        }
        Kind::Choice(choices) => check_choice(&as_text().ok_or_else(not)?, choices).and_then(good),
        Kind::Any | Kind::Json => good(value.clone()),
        Kind::List(_)
        | Kind::OneOrMany(_)
        | Kind::Object(_)
        | Kind::Names(_)
        | Kind::ByText(_)
        | Kind::ById(_)
        | Kind::Resource
        | Kind::Tags
        | Kind::Condition
        | Kind::Step => Err(not()),
    }
}

fn check_truth(value: &Value, not: &dyn Fn() -> Wrong) -> Result<Value, Wrong> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) if text == "true" || text == "false" => Ok((text == "true").into()),
        Value::String(text) if ["yes", "no", "on", "off"].contains(&text.as_str()) => {
            let meant = ["yes", "on"].contains(&text.as_str());
            Err((Code::WrongKind, not().1, Some(format!("Write {meant}."))))
        }
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Err(not())
        }
    }
}

fn check_destination(text: &str, not: &dyn Fn() -> Wrong) -> Result<CheckedScalar, Wrong> {
    if text.contains('/') {
        return check_cidr(text, not).map(|value| (value, None));
    }
    let destination = Destination::parse(text).ok_or_else(not)?;
    let doubt = (!destination.is_known()).then(|| {
        let meant = did_you_mean(text, SERVICE_TAGS.iter().copied());
        let hint = meant.map(|meant| format!(" Did you mean `{meant}`?")).unwrap_or_default();
        (Code::ServiceTag, format!("Azure documents no service tag `{text}`.{hint}"))
    });
    Ok((text.into(), doubt))
}

fn check_region(text: &str, not: &dyn Fn() -> Wrong) -> Result<CheckedScalar, Wrong> {
    let region = Region::parse(text).map_err(|_| not())?;
    let known = geography::region(region.as_str()).is_some();
    let warning = (!known).then(|| {
        let meant = did_you_mean(region.as_str(), geography::REGIONS.iter().map(|r| r.name));
        let hint = meant.map(|meant| format!(" Did you mean `{meant}`?")).unwrap_or_default();
        (Code::Region, format!("Azure documents no region `{region}`.{hint}"))
    });
    Ok((region.as_str().into(), warning))
}

fn check_word(text: &str, words: &[&str]) -> Result<Value, Wrong> {
    if words.contains(&text) {
        return Ok(text.into());
    }
    let help = match did_you_mean(text, words.iter().copied()) {
        Some(meant) => format!("Did you mean `{meant}`?"),
        None => format!("It may be {}.", words.join(", ")),
    };
    let code = if words.contains(&"ErGw1AZ") { Code::GatewaySku } else { Code::BadValue };
    Err((code, format!("may not be `{text}`"), Some(help)))
}

fn secret_itself() -> Wrong {
    let help =
        "Declare a parameter of type secret with `from: env:NAME`, and write ${params.NAME}.";
    let message = "must be a reference to a secret parameter, never the secret itself".to_owned();
    (Code::Secret, message, Some(help.to_owned()))
}

fn check_source(text: Option<String>) -> Result<Value, Wrong> {
    let read = text.and_then(|text| SecretSource::parse(&text).ok());
    let source = read.ok_or_else(|| {
        let message = "must say where the secret is read, and never be the secret itself";
        let help = "Write env:NAME, file:PATH, or ${params.NAME} of a parameter of type secret.";
        (Code::Secret, message.to_owned(), Some(help.to_owned()))
    })?;
    Ok(source.to_string().into())
}

fn check_choice(text: &str, choices: &[Choice]) -> Result<Value, Wrong> {
    let Some(choice) = choices.iter().find(|choice| choice.word == text) else {
        let words = choices.iter().map(|choice| choice.word);
        let help = match did_you_mean(text, words.clone()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("It may be {}.", words.collect::<Vec<_>>().join(", ")),
        };
        return Err((Code::BadValue, format!("may not be `{text}`"), Some(help)));
    };
    if choice.alone {
        return Ok(text.into());
    }
    let keys: Vec<String> = choice.fields.iter().map(|field| format!("{}: …", field.key)).collect();
    let help = format!("Write {text}: {{ {} }}.", keys.join(", "));
    Err((Code::WrongKind, format!("needs to say more than `{text}`"), Some(help)))
}

/// A value in its canonical form, with a doubt about it.
pub type CheckedScalar = (Value, Option<(Code, String)>);

/// A value is not of a kind.
fn not(value: &Value, kind: &Kind) -> Wrong {
    let is = match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        other @ Value::Bool(_) | other @ Value::Number(_) | other @ Value::String(_) => {
            format!("`{}`", other.as_str().map_or_else(|| other.to_string(), str::to_owned))
        }
    };
    (Code::WrongKind, format!("must be {}, and this is {is}", expected(kind)), None)
}

fn check_number(
    value: &Value,
    min: u64,
    max: u64,
    not: &dyn Fn() -> Wrong,
) -> Result<Value, Wrong> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok()).ok_or_else(not)?;
    if number < min || number > max {
        let message = format!("must be {min} to {max}, and this is {number}");
        return Err((Code::BadValue, message, None));
    }
    Ok(number.into())
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn check_cidr(text: &str, not: &dyn Fn() -> Wrong) -> Result<Value, Wrong> {
    let prefix: IpNet = text.parse().map_err(|_| not())?;
    if prefix.addr() != prefix.network() {
        let message = format!("has host bits set: {prefix}");
        return Err((Code::HostBits, message, Some(format!("Write {}.", prefix.trunc()))));
    }
    Ok(prefix.to_string().into())
}

fn check_id(text: &str, of: &str) -> Result<Value, Wrong> {
    let id = ResourceId::parse(text)
        .map_err(|error| (Code::BadValue, format!("is not a resource id: {error}"), None))?;
    let kind = id.resource_type();
    if !of.is_empty() && !kind.is(of) {
        let message = format!("must be of type {of}, and this is of type {kind}");
        return Err((Code::ResourceType, message, None));
    }
    if let Some(why) = resource_name::wrong(&id) {
        return Err((
            Code::BadName,
            format!("is no id that Azure takes: the name `{}` {why}", id.name()),
            None,
        ));
    }
    Ok(id.as_str().into())
}
