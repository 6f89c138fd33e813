//! What do probes, programs and calls say under `with`? Their values to what is asked and done.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::actions::{ActionValues, Built, texts};
use super::reader::Reader;
use crate::model::action::OutputType;
use crate::model::call::typed_outputs;
use crate::model::later;
use crate::model::outside::{
    CALL_LIMIT, CommandSpec, EnvEntry, HttpCall, HttpMethod, HttpRequest, OutputSpec, Outside,
    PROBE_LIMIT, PassedValue, StandIn, StandInAnswer, TIME_LIMIT_MAX,
};
use crate::model::probe::{Probe, ProbeAsk, RecordType, Vantage};
use crate::model::time::{format_duration, parse_duration};
use crate::model::{Action, SecretRef};
use crate::runbook::{Code, Diagnostic, did_you_mean};

/// An action of this kind; none when it is of another.
pub(super) fn action(
    reader: &Reader<'_>,
    name: &str,
    values: &ActionValues<'_>,
) -> Built<Option<Action>> {
    Ok(Some(Action::Outside(match name {
        "probe.tcp" => probe(reader, values, tcp(values)?)?,
        "probe.http" => probe(reader, values, web(values)?)?,
        "probe.dns" => probe(reader, values, dns(values)?)?,
        "command" => takes_in_fitly(values, Outside::Command(Box::new(command(values)?)))?,
        "http" => takes_in_fitly(values, Outside::Http(Box::new(http(values)?)))?,
        _ => return Ok(None),
    })))
}

/// Whether what earlier steps put out is taken in only where it is filled in.
fn takes_in_fitly(values: &ActionValues<'_>, own: Outside) -> Built<Outside> {
    // All that it holds, in whatever form: what is not filled in must have no place of an output.
    let whole = serde_json::to_string(&Action::Outside(own.clone())).map_err(|_| None)?;
    if later::places_in(&whole) == own.places() {
        return Ok(own);
    }
    let message = "What an earlier step puts out is taken in by arguments, values, bodies and URLs behind their \
                   host, and by nothing else.";
    let key = if matches!(own, Outside::Command(_)) { "argv" } else { "url" };
    Err(values.wrong(key, Code::ExprType, message))
}

fn probe(reader: &Reader<'_>, values: &ActionValues<'_>, ask: ProbeAsk) -> Built<Outside> {
    let drill = stand_in(values, &[])?;
    Ok(Outside::Probe(Box::new(Probe {
        ask,
        from: vantage(reader, values)?,
        time_limit: limit(values, PROBE_LIMIT)?,
        drill,
    })))
}

/// The vantage that is named.
fn vantage(reader: &Reader<'_>, values: &ActionValues<'_>) -> Built<Option<Vantage>> {
    let Some(name) = values.get("from").and_then(Value::as_str) else { return Ok(None) };
    if let Some(vantage) = reader.vantages.iter().find(|known| known.name == name) {
        return Ok(Some(vantage.clone()));
    }
    let known = reader.vantages.iter().map(|vantage| vantage.name.as_str());
    let help = match did_you_mean(name, known.clone()) {
        Some(meant) => format!("Did you mean `{meant}`?"),
        None if reader.vantages.is_empty() => "Add it under `vantages`.".to_owned(),
        None => format!("There are {}.", known.collect::<Vec<_>>().join(", ")),
    };
    let message = format!("There is no vantage `{name}`.");
    Err(Some(Diagnostic::error(Code::BadName, values.span("from"), message).with_help(help)))
}

fn tcp(values: &ActionValues<'_>) -> Built<ProbeAsk> {
    let host = host(values, "host")?;
    let port = values.get("port").and_then(Value::as_u64).ok_or(None)?;
    let open = values.get("expect").and_then(Value::as_str) != Some("closed");
    Ok(ProbeAsk::Tcp { host, port: u16::try_from(port).map_err(|_| None)?, open })
}

/// A name or an address: nothing that a program could take for an option or for several words.
fn host(values: &ActionValues<'_>, key: &str) -> Built<String> {
    let text = values.text(key)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    let good = !text.is_empty() && text.len() <= 253 && text.chars().all(plain);
    if !good || text.starts_with('-') || (text.contains(':') && text.parse::<IpAddr>().is_err()) {
        let message = format!("`{}` is no name of a host, and no address.", text.escape_debug());
        return Err(values.wrong(key, Code::BadValue, message));
    }
    Ok(text.to_owned())
}

fn web(values: &ActionValues<'_>) -> Built<ProbeAsk> {
    let mut status = statuses(values.get("status"));
    if status.is_empty() {
        status.push(200);
    }
    Ok(ProbeAsk::Http {
        url: url(values, "url", values.text("url")?)?,
        method: method(values.get("method"), HttpMethod::Get),
        status,
        contains: values.get("contains").and_then(Value::as_str).map(str::to_owned),
    })
}

fn dns(values: &ActionValues<'_>) -> Built<ProbeAsk> {
    let kind = values.get("type").and_then(Value::as_str).unwrap_or("A");
    let record = RecordType::ALL.iter().find(|(word, _)| *word == kind).ok_or(None)?.1;
    let expect = texts(values.get("expect"));
    let wrong = expect.iter().find(|text| match (record, text.parse::<IpAddr>()) {
        (RecordType::A, Ok(address)) => !address.is_ipv4(),
        (RecordType::Aaaa, Ok(address)) => !address.is_ipv6(),
        (RecordType::A | RecordType::Aaaa, Err(_)) => true,
        (RecordType::Cname | RecordType::Txt, _) => text.is_empty(),
    });
    if let Some(wrong) = wrong {
        let message =
            format!("`{}` is no record of type {}.", wrong.escape_debug(), record.as_str());
        return Err(values.wrong("expect", Code::BadValue, message));
    }
    let server = values.get("server").and_then(Value::as_str).map(|text| {
        let address = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
        address.or_else(|_| text.parse::<SocketAddr>()).map_err(|_| {
            let message = format!("`{}` is no address of a server.", text.escape_debug());
            let diagnostic = Diagnostic::error(Code::BadValue, values.span("server"), message);
            Some(diagnostic.with_help("Write 10.0.0.53, 10.0.0.53:5353 or [2001:db8::53]:53."))
        })
    });
    Ok(ProbeAsk::Dns { name: host(values, "name")?, record, server: server.transpose()?, expect })
}

fn command(values: &ActionValues<'_>) -> Built<CommandSpec> {
    let outputs = outputs(values)?;
    let reads = values.flag("reads", false);
    let stdin = match (values.get("stdin").and_then(Value::as_str), values.secret("stdin_secret")) {
        (Some(_), Some(_)) => {
            let message = "Only one of `stdin` and `stdin_secret` may be given.";
            return Err(values.wrong("stdin_secret", Code::UnknownKey, message));
        }
        (Some(text), None) => Some(PassedValue::Text(text.to_owned())),
        (None, Some(of)) => Some(PassedValue::Secret { prefix: String::new(), of }),
        (None, None) => None,
    };
    let spec = CommandSpec {
        argv: argv(values, "argv")?,
        env: entries(values, values.get("env"), "env")?,
        stdin,
        time_limit: limit(values, CALL_LIMIT)?,
        reads,
        repeatable: values.flag("repeatable", false),
        check_argv: argv(values, "check_argv")?,
        undo_argv: argv(values, "undo_argv")?,
        drill: stand_in(values, &outputs)?,
        outputs,
    };
    for key in ["repeatable", "check_argv", "undo_argv"] {
        if reads && values.get(key).is_some() {
            let message =
                format!("What only reads has no `{key}`: it is looked at again and again.");
            return Err(values.wrong(key, Code::UnknownKey, message));
        }
    }
    Ok(spec)
}

/// A program and its arguments.
fn argv(values: &ActionValues<'_>, key: &str) -> Built<Vec<String>> {
    let list = texts(values.get(key));
    if values.get(key).is_none() {
        return Ok(list);
    }
    fault(&list).map_or(Ok(list), |message| Err(values.wrong(key, Code::BadValue, message)))
}

/// Why a list is no program with its arguments, if it is none.
pub(super) fn fault(argv: &[String]) -> Option<String> {
    let Some(program) = argv.first().filter(|program| !program.is_empty()) else {
        return Some("A command begins with its program.".to_owned());
    };
    if argv.iter().any(|word| word.contains('\0')) {
        return Some("A word of a command holds a NUL.".to_owned());
    }
    if program.contains('/') && !program.starts_with('/') {
        return Some(format!(
            "The program `{}` is neither a whole path nor a name to be looked for on PATH.",
            program.escape_debug()
        ));
    }
    if argv.len() == 1 && program.contains(char::is_whitespace) {
        return Some(format!(
            "`{}` is one word: no shell takes a command apart. Write each word as an item of the list.",
            program.escape_debug()
        ));
    }
    None
}

/// Variables or headers.
fn entries(
    values: &ActionValues<'_>,
    list: Option<&Value>,
    key: &'static str,
) -> Built<Vec<EnvEntry>> {
    entries_of(list, key == "headers").map_err(|message| values.wrong(key, Code::BadValue, message))
}

/// Variables or headers out of their values.
fn entries_of(list: Option<&Value>, headers: bool) -> Result<Vec<EnvEntry>, String> {
    let mut all: Vec<EnvEntry> = Vec::new();
    for item in list.and_then(Value::as_array).into_iter().flatten() {
        let name = item.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let text = item.get("value").and_then(Value::as_str);
        let secret = item.get("secret").and_then(SecretRef::from_placeholder);
        let good = |c: char| match headers {
            true => c.is_ascii_alphanumeric() || c == '-' || c == '_',
            false => c.is_ascii_alphanumeric() || c == '_',
        };
        if name.is_empty() || !name.chars().all(good) || (!headers && name == "PATH") {
            let what = if headers { "a header" } else { "a variable that may be set" };
            return Err(format!("`{}` is no name of {what}.", name.escape_debug()));
        }
        if all.iter().any(|other| other.name.eq_ignore_ascii_case(&name)) {
            return Err(format!("`{name}` stands there twice."));
        }
        let value = match (text, secret) {
            (Some(text), None) => Some(PassedValue::Text(text.to_owned())),
            (Some(text), Some(of)) if headers => {
                Some(PassedValue::Secret { prefix: format!("{} ", text.trim_end()), of })
            }
            (None, Some(of)) => Some(PassedValue::Secret { prefix: String::new(), of }),
            (None, None) if headers => return Err(format!("The header `{name}` has no value.")),
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err(format!("`{name}` has both a `value` and a `secret`."));
            }
        };
        if let Some(PassedValue::Text(text)) = &value
            && text.contains(['\0', '\r', '\n'])
        {
            return Err(format!("The value of `{name}` has several lines."));
        }
        all.push(EnvEntry { name, value });
    }
    Ok(all)
}

fn http(values: &ActionValues<'_>) -> Built<HttpCall> {
    let outputs = outputs(values)?;
    let request = HttpRequest {
        method: method(values.get("method"), HttpMethod::Post),
        url: url(values, "url", values.text("url")?)?,
        headers: entries(values, values.get("headers"), "headers")?,
        body: values.get("body").and_then(Value::as_str).map(str::to_owned),
        status: statuses(values.get("status")),
    };
    let sub = |key: &'static str, default: HttpMethod| -> Built<Option<HttpRequest>> {
        let Some(own) = values.get(key) else { return Ok(None) };
        let text = own.get("url").and_then(Value::as_str).ok_or(None)?;
        Ok(Some(HttpRequest {
            method: method(own.get("method"), default),
            url: url(values, key, text)?,
            headers: entries_of(own.get("headers"), true)
                .map_err(|message| values.wrong(key, Code::BadValue, message))?,
            body: own.get("body").and_then(Value::as_str).map(str::to_owned),
            status: statuses(own.get("status")),
        }))
    };
    let header = values.get("idempotency_header").and_then(Value::as_str).map(str::to_owned);
    if let Some(name) = &header {
        let one = serde_json::json!([{ "name": name, "value": "key" }]);
        entries(values, Some(&one), "headers")?;
    }
    let spec = HttpCall {
        check: sub("check", HttpMethod::Get)?,
        undo: sub("undo", HttpMethod::Delete)?,
        request,
        time_limit: limit(values, CALL_LIMIT)?,
        idempotency_header: header,
        repeatable: values.flag("repeatable", false),
        drill: stand_in(values, &outputs)?,
        outputs,
    };
    for key in ["repeatable", "check", "undo", "idempotency_header", "body"] {
        if spec.request.method.only_reads() && values.get(key).is_some() {
            let word = spec.request.method.as_str();
            let message = format!("{word} only reads, and has no `{key}`.");
            return Err(values.wrong(key, Code::UnknownKey, message));
        }
    }
    Ok(spec)
}

/// A URL that a request may go to, and that holds no password.
fn url(values: &ActionValues<'_>, key: &str, text: &str) -> Built<String> {
    let parsed = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(parsed) = parsed.filter(Url::has_host) else {
        let message = format!("`{}` is no URL of http or https.", text.escape_debug());
        return Err(values.wrong(key, Code::BadValue, message));
    };
    if !parsed.username().is_empty() || parsed.password().is_some() {
        let message = "A password in a URL would become part of the plan.";
        let diagnostic = Diagnostic::error(Code::Secret, values.span(key), message).with_help(
            "Send it as a header: `headers: [{name: Authorization, secret: ${params.SECRET}}]`.",
        );
        return Err(Some(diagnostic));
    }
    Ok(text.to_owned())
}

fn method(value: Option<&Value>, default: HttpMethod) -> HttpMethod {
    let word = value.and_then(Value::as_str);
    let known = HttpMethod::ALL.iter().find(|(own, _)| Some(*own) == word);
    known.map_or(default, |(_, method)| *method)
}

fn statuses(value: Option<&Value>) -> Vec<u16> {
    let list = value.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|item| u16::try_from(item.as_u64()?).ok()).collect()
}

fn limit(values: &ActionValues<'_>, default: Duration) -> Built<Duration> {
    let limit = values.duration("time_limit")?.unwrap_or(default);
    if limit.is_zero() || limit > TIME_LIMIT_MAX {
        let most = format_duration(TIME_LIMIT_MAX);
        let message = format!("`time_limit` is more than nothing, and at most {most}.");
        return Err(values.wrong("time_limit", Code::BadValue, message));
    }
    Ok(limit)
}

fn outputs(values: &ActionValues<'_>) -> Built<Vec<OutputSpec>> {
    let mut all: Vec<OutputSpec> = Vec::new();
    for item in values.get("outputs").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        let name = text("name").unwrap_or_default().to_owned();
        let wrong = |message: String| Err(values.wrong("outputs", Code::BadName, message));
        if !crate::model::id::is_plain_name(&name) || matches!(name.as_str(), "id" | "status") {
            return wrong(format!("`{}` cannot be the name of an output.", name.escape_debug()));
        }
        if all.iter().any(|other| other.name == name) {
            return wrong(format!("There are two outputs named `{name}`."));
        }
        let pointer = text("pointer").map_or_else(|| format!("/{name}"), str::to_owned);
        if !pointer.starts_with('/') {
            let message =
                format!("`{}` is no JSON pointer: it begins with `/`.", pointer.escape_debug());
            return Err(values.wrong("outputs", Code::BadValue, message));
        }
        let kind = match text("type") {
            Some("number") => OutputType::Number,
            Some("list") => OutputType::List,
            _ => OutputType::Text,
        };
        all.push(OutputSpec { name, kind, pointer });
    }
    Ok(all)
}

/// What stands in for it in a drill: it puts out what the real one would.
fn stand_in(values: &ActionValues<'_>, outputs: &[OutputSpec]) -> Built<StandIn> {
    let own = values.get("drill");
    let text = |key: &str| own.and_then(|own| own.get(key)).and_then(Value::as_str);
    let answer = match text("answer") {
        Some("bad") => StandInAnswer::Bad,
        Some("none") => StandInAnswer::None,
        _ => StandInAnswer::Good,
    };
    let given = own.and_then(|own| own.get("outputs"));
    let by_name: Vec<OutputSpec> = outputs
        .iter()
        .map(|spec| OutputSpec { pointer: format!("/{}", spec.name), ..spec.clone() })
        .collect();
    let fix =
        |message: String| {
            let diagnostic = Diagnostic::error(Code::BadValue, values.span("drill"), message);
            Err(Some(diagnostic.with_help(
                "Write `drill: {outputs: {NAME: VALUE}}`, as the real one would answer.",
            )))
        };
    let unknown = given
        .and_then(Value::as_object)
        .and_then(|own| own.keys().find(|name| !outputs.iter().any(|spec| spec.name == **name)));
    if let Some(name) = unknown {
        return fix(format!("`{name}` is none of the outputs."));
    }
    let found = match answer {
        StandInAnswer::Good => typed_outputs(&by_name, given.unwrap_or(&Value::Null)),
        StandInAnswer::Bad | StandInAnswer::None => Ok(BTreeMap::new()),
    };
    match found {
        Ok(outputs) => {
            let takes = text("takes").map(parse_duration).transpose().map_err(|_| None)?;
            Ok(StandIn { answer, takes, outputs })
        }
        Err(_) => fix("A drill has no value for each of the outputs, of its type.".to_owned()),
    }
}

/// A place to look from, out of its values.
///
/// # Errors
/// It is none: a sentence.
pub(super) fn vantage_of(name: &str, value: &Value) -> Result<Vantage, String> {
    let argv = texts(value.get("argv"));
    if let Some(message) = fault(&argv) {
        return Err(message);
    }
    Ok(Vantage { name: name.to_owned(), argv, env: entries_of(value.get("env"), false)? })
}
