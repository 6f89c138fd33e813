//! What do names and endpoints say under `with`? Their values to desired states.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::actions::{ActionValues, Built};
use crate::model::Action;
use crate::model::action::{DnsRecord, Steering, TrafficEndpoint};
use crate::runbook::Code;

/// Most addresses of one record set of a private zone.
const ADDRESSES_MAX: usize = 20;

/// The kinds of endpoints that a profile has.
const ENDPOINTS: [&str; 3] = ["azureEndpoints", "externalEndpoints", "nestedEndpoints"];

pub(super) fn record(values: &ActionValues<'_>) -> Built<Action> {
    let list = values.get("addresses").and_then(Value::as_array).ok_or(None)?;
    let addresses: Vec<IpAddr> =
        list.iter().filter_map(|address| address.as_str()?.parse().ok()).collect();
    let v6 = addresses.iter().filter(|address| address.is_ipv6()).count();
    let wrong = if addresses.is_empty() {
        Some("A name stands for at least one address.".to_owned())
    } else if addresses.len() > ADDRESSES_MAX {
        Some(format!("A record set takes {ADDRESSES_MAX} addresses, and these are {}.", list.len()))
    } else if v6 != 0 && v6 != addresses.len() {
        Some("A record set has addresses of one family: write a step for each.".to_owned())
    } else if addresses.iter().collect::<BTreeSet<_>>().len() != addresses.len() {
        Some("An address stands there twice.".to_owned())
    } else {
        None
    };
    if let Some(message) = wrong {
        return Err(values.wrong("addresses", Code::BadValue, message));
    }
    let ttl = values.get("ttl").and_then(Value::as_u64);
    let kind = if v6 == 0 { "A" } else { "AAAA" };
    let name = values.text("name")?.to_owned();
    let id = values.id("zone")?.child(kind, &name);
    Ok(Action::Steering(Steering::Record(DnsRecord {
        id: id.map_err(|error| values.wrong("name", Code::BadValue, format!("{error}.")))?,
        addresses,
        ttl: ttl.map(u32::try_from).transpose().map_err(|_| None)?,
    })))
}

pub(super) fn endpoint(values: &ActionValues<'_>) -> Built<Action> {
    let id = values.id("endpoint")?;
    let known = ENDPOINTS
        .iter()
        .any(|kind| id.is_a(&format!("Microsoft.Network/trafficManagerProfiles/{kind}")));
    if !known {
        let message = format!(
            "{} is no endpoint of a Traffic Manager profile (\
             …/trafficManagerProfiles/PROFILE/azureEndpoints/NAME, or externalEndpoints, nestedEndpoints).",
            id.name()
        );
        return Err(values.wrong("endpoint", Code::BadValue, message));
    }
    let number = |key: &str| {
        let own = values.get(key).and_then(Value::as_u64);
        own.map(u16::try_from).transpose().map_err(|_| None)
    };
    let spec = TrafficEndpoint {
        id,
        enabled: values.said("enabled"),
        priority: number("priority")?,
        weight: number("weight")?,
    };
    if (spec.enabled, spec.priority, spec.weight) == (None, None, None) {
        let message = "Nothing is asked of the endpoint: write `enabled`, `priority` or `weight`.";
        return Err(values.wrong("endpoint", Code::MissingKey, message));
    }
    Ok(Action::Steering(Steering::Endpoint(spec)))
}
