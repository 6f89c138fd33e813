//! Which collector gets the traces, and as whose? What `--otlp` and OpenTelemetry's own variables say.
//!
//! What the variables have wrong is said and left out: they may have been set for other programs, and no failover waits
//! for them. What `--otlp` has wrong was meant for us, and is an error.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use crate::cli::error::CliError;
use crate::outward;
use crate::render::machine::span::{Attribute, Attributes};

/// How long a collector may take for one request, where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often what is new is sent, where nothing is said.
const DELAY: Duration = Duration::from_secs(5);

/// How often the measures are sent, where nothing is said.
const METRICS_EVERY: Duration = Duration::from_secs(60);

/// Where traces and measures go.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectorSettings {
    /// Where spans are posted; none where they are not wanted.
    pub traces: Option<Url>,
    /// Where measures are posted; none where they are not wanted.
    pub metrics: Option<Url>,
    /// Headers of each request; their values are secrets.
    pub headers: Vec<(String, String)>,
    /// Who sends.
    pub resource: Attributes,
    /// How long a request may take.
    pub timeout: Duration,
    /// How often what is new is sent.
    pub delay: Duration,
    /// How often the measures are sent.
    pub metrics_every: Duration,
}

/// What was read, and what in it is not followed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadSettings {
    /// The settings; none where no collector is named.
    pub settings: Option<CollectorSettings>,
    /// What is not followed, in sentences.
    pub notes: Vec<String>,
}

/// Reads the settings from OpenTelemetry's variables and the flag, which goes before them.
///
/// # Errors
/// The flag names no place to post to.
pub fn read(
    variables: &BTreeMap<String, String>,
    flag: Option<&str>,
) -> Result<ReadSettings, CliError> {
    let mut notes = Vec::new();
    let said = |name: &str| variables.get(name).map(String::as_str).filter(|text| !text.is_empty());
    let is_off = said("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    if flag.is_none() && is_off {
        return Ok(ReadSettings::default());
    }
    let base = match flag {
        Some(text) => Some(named(text)?),
        None => None,
    };
    let mut noted = |name: &str| {
        let read = place(said(name)?);
        read.map_err(|why| notes.push(format!("{name} is not followed: {why}."))).ok()
    };
    let general = base.clone().or_else(|| noted("OTEL_EXPORTER_OTLP_ENDPOINT"));
    let mut of = |own: &str, path: &str| {
        // A signal's own endpoint is posted to as it stands; the general one is a base.
        let own = if base.is_some() { None } else { noted(own) };
        own.or_else(|| general.as_ref().map(|general| below(general, path)))
    };
    let traces = of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "v1/traces");
    let metrics = of("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "v1/metrics");
    let wanted = |name: &str| flag.is_some() || said(name).is_none_or(|text| text != "none");
    let traces = traces.filter(|_| wanted("OTEL_TRACES_EXPORTER"));
    let metrics = metrics.filter(|_| wanted("OTEL_METRICS_EXPORTER"));
    if traces.is_none() && metrics.is_none() {
        return Ok(ReadSettings { settings: None, notes });
    }
    if let Some(protocol) = said("OTEL_EXPORTER_OTLP_PROTOCOL").filter(|text| *text != "http/json")
    {
        notes.push(format!(
            "OTEL_EXPORTER_OTLP_PROTOCOL is {}; OTLP/HTTP with JSON is sent.",
            outward::visible(protocol)
        ));
    }
    let headers = said("OTEL_EXPORTER_OTLP_HEADERS").map(pairs).unwrap_or_default();
    // They hold the key to somebody's account.
    headers.iter().for_each(|(_, value)| outward::know(value));
    let millis = |name: &str, otherwise: Duration| {
        let read = said(name).and_then(|text| text.parse().ok()).filter(|millis| *millis > 0);
        read.map_or(otherwise, Duration::from_millis)
    };
    let settings = CollectorSettings {
        traces,
        metrics,
        headers,
        resource: resource(said("OTEL_SERVICE_NAME"), said("OTEL_RESOURCE_ATTRIBUTES")),
        timeout: millis("OTEL_EXPORTER_OTLP_TIMEOUT", TIMEOUT),
        delay: millis("OTEL_BSP_SCHEDULE_DELAY", DELAY),
        metrics_every: millis("OTEL_METRIC_EXPORT_INTERVAL", METRICS_EVERY),
    };
    Ok(ReadSettings { settings: Some(settings), notes })
}

/// The place that the flag names.
fn named(flag: &str) -> Result<Url, CliError> {
    place(flag).map_err(|why| {
        CliError::usage(format!(
            "`--otlp {}` is no place to send to: {why}.",
            outward::visible(flag)
        ))
        .hint("Name the collector's OTLP/HTTP endpoint, such as http://127.0.0.1:4318.")
    })
}

fn place(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
        return Err("it is no http or https address".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "a password in an address is seen by many; use OTEL_EXPORTER_OTLP_HEADERS".to_owned()
        );
    }
    Ok(url)
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// `name=value` pairs behind commas, percent-encoded (W3C Baggage).
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let name = decoded(name.trim());
        (!name.is_empty()).then(|| (name, decoded(value.trim())))
    };
    text.split(',').filter_map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn resource(service: Option<&str>, given: Option<&str>) -> Attributes {
    let mut all: BTreeMap<String, String> =
        given.map(pairs).unwrap_or_default().into_iter().collect();
    all.entry("service.version".to_owned()).or_insert(env!("CARGO_PKG_VERSION").to_owned());
    match service {
        Some(name) => drop(all.insert("service.name".to_owned(), name.to_owned())),
        None => drop(all.entry("service.name".to_owned()).or_insert("backroad".to_owned())),
    }
    all.into_iter().map(|(name, value)| (name, Attribute::Text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_standard_variables_name_collector_headers_and_service() {
        let variables = of(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otel.example/base/"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics.example/x"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cr%2Cet-of-otel,b = c"),
            ("OTEL_SERVICE_NAME", "dr"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=no,deployment.environment.name=pr%20od"),
        ]);
        let read = read(&variables, None).unwrap();
        assert_eq!(read.notes, Vec::<String>::new());
        let settings = read.settings.unwrap();
        let url = |url: &Option<Url>| url.as_ref().unwrap().to_string();
        assert_eq!(url(&settings.traces), "https://otel.example/base/v1/traces");
        assert_eq!(url(&settings.metrics), "http://metrics.example/x");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(settings.headers, [pair("api-key", "s3cr,et-of-otel"), pair("b", "c")]);
        assert!(outward::holds_known(b"api-key: s3cr,et-of-otel"));
        let attribute = |name: &str| {
            settings
                .resource
                .iter()
                .find(|(found, _)| found == name)
                .map(|(_, value)| value.clone())
        };
        assert_eq!(attribute("service.name"), Some(Attribute::Text("dr".to_owned())));
        assert_eq!(
            attribute("deployment.environment.name"),
            Some(Attribute::Text("pr od".to_owned()))
        );
    }

    #[test]
    fn what_the_variables_have_wrong_is_said_and_what_the_flag_has_wrong_is_an_error() {
        let wrong = of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")]);
        let noted = read(&wrong, None).unwrap();
        assert_eq!((noted.settings, noted.notes.len()), (None, 1));
        assert!(read(&BTreeMap::new(), Some("collector:4317")).is_err());
        assert!(read(&BTreeMap::new(), Some("http://me:key@collector")).is_err());
        let off = of(&[("OTEL_SDK_DISABLED", "true"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")]);
        assert_eq!(read(&off, None).unwrap(), ReadSettings::default());
        let flag = read(&wrong, Some("http://127.0.0.1:4318")).unwrap().settings.unwrap();
        assert_eq!(flag.traces.unwrap().as_str(), "http://127.0.0.1:4318/v1/traces");
        let none =
            of(&[("OTEL_TRACES_EXPORTER", "none"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c")]);
        assert_eq!(read(&none, None).unwrap().settings.unwrap().traces, None);
    }
}
