//! What was recorded? Traffic of Azure's own clients, from five kinds of files, in time order.

use std::path::Path;

use serde_json::Value;

/// One request and its answer.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) method: String,
    /// Path and query.
    pub(super) url: String,
    /// None where the recorder did not keep bodies and the method has one.
    pub(super) sent: Option<String>,
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Exchange {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The day on which Azure answered, where the recorder kept a header that tells.
    pub(super) fn day(&self) -> Option<String> {
        if let Some(date) = self.header("date").and_then(jiff_date) {
            return Some(date[..10].to_owned());
        }
        let reference = self.header("x-msedge-ref")?;
        let (_, day) = reference.split_once("Ref C: ")?;
        Some(day.get(..10)?.to_owned())
    }

    /// The path without its query.
    pub(super) fn path(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }

    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_str(self.body.trim_start_matches('\u{feff}')).ok()
    }
}

/// The exchanges of a file; none when it is of no known kind.
pub(super) fn read(path: &Path) -> Option<Vec<Exchange>> {
    let text = std::fs::read_to_string(path).ok()?;
    let extension = path.extension()?.to_str()?;
    let all: Value = match extension {
        "yaml" => serde_yaml::from_str(&text).ok()?,
        "json" => serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?,
        _ => return None,
    };
    let list = |key: &str| all.get(key).and_then(Value::as_array);
    let found = if let Some(all) = list("interactions") {
        all.iter().filter_map(interaction).collect()
    } else if let Some(all) = list("Entries") {
        entries(all)
    } else if let Some(all) = list("networkCallRecords") {
        all.iter().filter_map(call).collect()
    } else {
        list("exchanges")?.iter().filter_map(nock).collect()
    };
    Some(found)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(list) => list.first().map(text).unwrap_or_default(),
        other => other.to_string(),
    }
}

fn headers(value: &Value) -> Vec<(String, String)> {
    let each = value.as_object().into_iter().flatten();
    each.map(|(name, value)| (name.to_ascii_lowercase(), text(value))).collect()
}

/// Path and query of a URL that may have a host.
fn local(url: &str) -> String {
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or_else(String::new, |at| rest[at..].to_owned()),
        None => url.to_owned(),
    }
}

/// vcrpy and go-vcr.
fn interaction(value: &Value) -> Option<Exchange> {
    let (request, response) = (value.get("request")?, value.get("response")?);
    let url = request.get("uri").or_else(|| request.get("url"))?.as_str()?;
    let status = response.pointer("/status/code").or_else(|| response.get("code"))?.as_u64()?;
    let body = match response.get("body") {
        Some(Value::Object(body)) => body.get("string").map(text).unwrap_or_default(),
        Some(other) => text(other),
        None => String::new(),
    };
    Some(Exchange {
        method: request.get("method")?.as_str()?.to_ascii_uppercase(),
        url: local(url),
        sent: Some(request.get("body").map(text).map(|sent| unquoted(&sent)).unwrap_or_default()),
        status: u16::try_from(status).ok()?,
        headers: headers(response.get("headers")?),
        body,
    })
}

/// A body that the recorder wrote as Python shows bytes: `b'…'`, at times twice.
fn unquoted(sent: &str) -> String {
    let mut text = sent;
    while let Some(inner) = text.strip_prefix("b'").and_then(|rest| rest.strip_suffix('\'')) {
        text = inner;
    }
    let text = text.strip_prefix("b\\'").and_then(|rest| rest.strip_suffix("\\'")).unwrap_or(text);
    text.to_owned()
}

/// azure-powershell and the .NET libraries: grouped by URL, so they are sorted by their `Date`.
fn entries(all: &[Value]) -> Vec<Exchange> {
    let mut found: Vec<(String, Exchange)> = Vec::new();
    for value in all {
        let headers = headers(value.get("ResponseHeaders").unwrap_or(&Value::Null));
        let get = |key: &str| value.get(key).map(text).unwrap_or_default();
        let date = headers.iter().find(|(name, _)| name == "date").map(|(_, date)| date.as_str());
        let at = date
            .and_then(|date| jiff_date(date).or_else(|| found.last().map(|(at, _)| at.clone())));
        let exchange = Exchange {
            method: get("RequestMethod").to_ascii_uppercase(),
            url: local(&get("RequestUri")),
            sent: Some(get("RequestBody")),
            status: get("StatusCode").parse().unwrap_or_default(),
            headers,
            body: get("ResponseBody"),
        };
        found.push((at.unwrap_or_default(), exchange));
    }
    // Stable: what has one second keeps the file's order.
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found.into_iter().map(|(_, exchange)| exchange).collect()
}

/// `Wed, 24 Feb 2016 00:32:28 GMT` as a text that sorts.
fn jiff_date(text: &str) -> Option<String> {
    let mut words = text.split_whitespace().skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| *name == month)? + 1;
    Some(format!("{year}-{month:02}-{day:0>2}T{time}"))
}

/// The Java libraries: no request bodies.
fn call(value: &Value) -> Option<Exchange> {
    let response = value.get("Response")?.as_object()?;
    let method = value.get("Method")?.as_str()?.to_ascii_uppercase();
    let get = |key: &str| response.get(key).map(text).unwrap_or_default();
    Some(Exchange {
        url: local(value.get("Uri")?.as_str()?),
        sent: (method != "PUT" && method != "PATCH").then(String::new),
        method,
        status: get("StatusCode").parse().ok()?,
        headers: response
            .iter()
            .filter(|(key, _)| !["Body", "StatusCode"].contains(&key.as_str()))
            .map(|(key, value)| (key.to_ascii_lowercase(), text(value)))
            .collect(),
        body: get("Body"),
    })
}

/// azure-xplat-cli: no request bodies.
fn nock(value: &Value) -> Option<Exchange> {
    let method = value.get("method")?.as_str()?.to_ascii_uppercase();
    let get = |key: &str| value.get(key).map(text).unwrap_or_default();
    Some(Exchange {
        url: get("path"),
        sent: (method != "PUT" && method != "PATCH").then(String::new),
        method,
        status: get("status").parse().ok()?,
        headers: headers(value.get("headers").unwrap_or(&Value::Null)),
        body: get("body"),
    })
}
