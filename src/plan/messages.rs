//! Who is told what? The receivers of a runbook, or of the settings file, out of their values.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use super::reader::{Read, Reader};
use super::scope::Scope;
use crate::model::id::is_plain_name;
use crate::model::message::{MESSAGE_LIMIT, MESSAGE_LIMIT_MAX, hook_url};
use crate::model::time::{format_duration, parse_duration};
use crate::model::{
    HookUrl, MailLogin, MailTls, MailWay, MessageKind, MessageWay, Messages, Receiver, SecretRef,
    SecretSource,
};
use crate::runbook::grammar::{Kind, RECEIVER, SETTINGS};
use crate::runbook::{Code, Diagnostic, Diagnostics, Node, SourceFile, literal, tree};

/// Where the secret parameters of a runbook are read.
type Sources = BTreeMap<String, SecretSource>;

/// The receivers of a runbook.
pub(super) fn of_runbook(
    reader: &mut Reader<'_>,
    notify: Option<&Node>,
    page: Option<(String, &Node)>,
    scope: &Scope,
    sources: &Sources,
) -> Messages {
    let mut receivers: Vec<Receiver> = Vec::new();
    for (key, node) in notify.and_then(Node::map).unwrap_or_default() {
        if !reader.name(key, "a receiver") {
            continue;
        }
        let read = reader.value(node, &Kind::Object(RECEIVER), scope, "A receiver");
        let Some(Read::Value(value)) = read else { continue };
        match receiver_of(&key.text, &value, sources) {
            Ok(receiver) => receivers.push(receiver),
            Err(WrongReceiver { code, message }) => reader.error(code, &node.span, message),
        }
    }
    let page = page.and_then(|(text, node)| match page_of(&text) {
        Ok(()) => Some(text),
        Err(message) => {
            reader.error(Code::BadValue, &node.span, message);
            None
        }
    });
    Messages { page, receivers }
}

/// The receivers of a settings file, and what is wrong with it.
#[must_use]
pub fn of_settings(source: &SourceFile) -> (Messages, Diagnostics) {
    let mut diagnostics = Diagnostics::default();
    let mut messages = Messages::default();
    let Some(root) = tree::read(source, &mut diagnostics) else { return (messages, diagnostics) };
    let Some(value) = literal::object(&root, SETTINGS, "The settings file", &mut diagnostics)
    else {
        return (messages, diagnostics);
    };
    let place =
        |key: &str| root.get("notify").and_then(|node| node.get(key)).map(|n| n.span.clone());
    for (name, receiver) in value.get("notify").and_then(Value::as_object).into_iter().flatten() {
        let span = place(name).unwrap_or_default();
        let made = match is_plain_name(name) {
            true => receiver_of(name, receiver, &Sources::new()),
            false => Err(WrongReceiver {
                code: Code::BadName,
                message: "The name of a receiver begins with a lower-case letter and holds a-z, 0-9 and _."
                    .to_owned(),
            }),
        };
        match made {
            Ok(receiver) => messages.receivers.push(receiver),
            Err(WrongReceiver { code, message }) => {
                diagnostics.push(Diagnostic::error(code, span, message));
            }
        }
    }
    if let Some(page) = value.get("page").and_then(Value::as_str) {
        match page_of(page) {
            Ok(()) => messages.page = Some(page.to_owned()),
            Err(message) => {
                let span = root.get("page").map(|node| node.span.clone()).unwrap_or_default();
                diagnostics.push(Diagnostic::error(Code::BadValue, span, message));
            }
        }
    }
    (messages, diagnostics)
}

/// What is wrong with a receiver.
struct WrongReceiver {
    code: Code,
    message: String,
}

fn wrong<T>(message: impl Into<String>) -> Result<T, WrongReceiver> {
    Err(WrongReceiver { code: Code::BadValue, message: message.into() })
}

fn receiver_of(name: &str, value: &Value, sources: &Sources) -> Result<Receiver, WrongReceiver> {
    const WAYS: [&str; 5] = ["webhook", "teams", "slack", "mail", "exec"];
    let given: Vec<&str> = WAYS.into_iter().filter(|way| value.get(way).is_some()).collect();
    let [way] = given.as_slice() else {
        return wrong(match given.len() {
            0 => {
                format!("The receiver `{name}` has no way to be told: one of {}.", WAYS.join(", "))
            }
            _ => {
                format!("The receiver `{name}` has {}: one of them is enough.", given.join(" and "))
            }
        });
    };
    let own = &value[*way];
    let way = match *way {
        "webhook" => webhook(name, own, sources)?,
        "teams" => MessageWay::Teams { url: secret(own.get("url"), sources)? },
        "slack" => MessageWay::Slack { url: secret(own.get("url"), sources)? },
        "mail" => MessageWay::Mail(mail(own, sources)?),
        _ => exec(own)?,
    };
    let limit = value.get("time_limit").and_then(Value::as_str).map(parse_duration);
    let time_limit = limit.and_then(Result::ok).unwrap_or(MESSAGE_LIMIT);
    if time_limit.is_zero() || time_limit > MESSAGE_LIMIT_MAX {
        let most = format_duration(MESSAGE_LIMIT_MAX);
        return wrong(format!("`time_limit` is more than nothing, and at most {most}."));
    }
    let words = texts(value.get("on"));
    let on = MessageKind::ALL.into_iter().filter(|(word, _)| words.iter().any(|own| own == word));
    Ok(Receiver {
        name: name.to_owned(),
        description: value.get("description").and_then(Value::as_str).map(str::to_owned),
        way,
        on: on.map(|(_, kind)| kind).collect(),
        time_limit,
    })
}

/// A text, or a list of them.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(list)) => {
            list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
        }
        Some(Value::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}

/// Where a secret is read: as it is written, or as the parameter says.
fn secret(value: Option<&Value>, sources: &Sources) -> Result<SecretSource, WrongReceiver> {
    let refused = |message: String| Err(WrongReceiver { code: Code::Secret, message });
    match value.and_then(SecretRef::from_placeholder) {
        Some(SecretRef::Param(name)) => match sources.get(&name) {
            Some(source) => Ok(source.clone()),
            None => refused(format!("The secret `{name}` does not say where it is read.")),
        },
        Some(SecretRef::Resource { .. }) => {
            refused("A key of a resource of Azure's is given to nobody else.".to_owned())
        }
        None => match SecretSource::parse(value.and_then(Value::as_str).unwrap_or_default()) {
            Ok(source) => Ok(source),
            Err(error) => refused(format!("The {error}.")),
        },
    }
}

fn webhook(name: &str, own: &Value, sources: &Sources) -> Result<MessageWay, WrongReceiver> {
    let url = match (own.get("url").and_then(Value::as_str), own.get("secret_url")) {
        (Some(text), None) => {
            hook_url(text).map_err(|message| WrongReceiver { code: Code::BadValue, message })?;
            HookUrl::Plain(text.to_owned())
        }
        (None, Some(secret_url)) => HookUrl::Secret(secret(Some(secret_url), sources)?),
        (Some(_), Some(_)) => return wrong(format!("The webhook of `{name}` has two URLs.")),
        (None, None) => {
            return wrong(format!("The webhook of `{name}` needs a `url`, or a `secret_url`."));
        }
    };
    let key = own.get("key").map(|key| secret(Some(key), sources)).transpose()?;
    Ok(MessageWay::Webhook { url, key })
}

fn page_of(text: &str) -> Result<(), String> {
    let good = Url::parse(&text.replace("{run}", "run"))
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !good {
        return Err("`page` is no address: write https://HOST/runs/{run}.".to_owned());
    }
    Ok(())
}

fn mail(own: &Value, sources: &Sources) -> Result<MailWay, WrongReceiver> {
    let text = |key: &str| own.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let tls = match text("tls").as_str() {
        "starttls" => MailTls::Starttls,
        "tls" => MailTls::Tls,
        _ => MailTls::None,
    };
    let login = match (own.get("user").and_then(Value::as_str), own.get("password")) {
        (Some(user), Some(password)) => {
            Some(MailLogin { user: user.to_owned(), password: secret(Some(password), sources)? })
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return wrong("A login to a relay takes both `user` and `password`.");
        }
    };
    if login.is_some() && tls.is_none() {
        return wrong("A password goes to a relay by TLS alone: `tls: starttls`, or `tls: tls`.");
    }
    let (relay, from, to) = (text("relay"), text("from"), texts(own.get("to")));
    let mail = MailWay { relay, from, to, tls, login };
    let (host, port) = mail.relay.rsplit_once(':').unwrap_or((mail.relay.as_str(), "25"));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if host.is_empty() || !host.chars().all(plain) || port.parse::<u16>().is_err() {
        return wrong("`relay` is HOST or HOST:PORT.");
    }
    if mail.to.is_empty() {
        return wrong("The mail goes to nobody: `to` is empty.");
    }
    for address in mail.to.iter().chain([&mail.from]) {
        let (user, domain) = address.split_once('@').unwrap_or_default();
        let odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c);
        if user.is_empty() || domain.is_empty() || address.contains(odd) {
            return wrong(format!("`{}` is no address of mail.", address.escape_debug()));
        }
    }
    Ok(mail)
}

fn exec(own: &Value) -> Result<MessageWay, WrongReceiver> {
    let argv = texts(own.get("argv"));
    if let Some(message) = super::outside::fault(&argv) {
        return wrong(message);
    }
    let env = texts(own.get("env"));
    let good = |name: &&String| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match env.iter().find(|name| name.is_empty() || !good(name)) {
        Some(name) => wrong(format!("`{}` is no name of a variable.", name.escape_debug())),
        None => Ok(MessageWay::Exec { argv, env }),
    }
}
