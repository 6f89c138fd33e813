//! What did this look like to a client of that age? Keys that an api-version does not know yet.
//!
//! The network provider writes its answers for the api-version that it is asked in; and it has come to say
//! more over the years, to old api-versions too. Which field came when is data: `shape/fields.tsv` holds what
//! the published models of every api-version say (made by `scripts/api-fields`), `shape/observed.tsv` what
//! recordings show, where it differs. A world whose clock stands in 2017 answers as Azure did in 2017.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::arm::read::at_mut;
use crate::model::{ResourceId, Timestamp};

/// Lines of type, path, first api-version and first api-version without it.
const FIELDS: &str = include_str!("shape/fields.tsv");

/// Lines of type, path, and the bounds of a [`Window`] in its order.
const OBSERVED: &str = include_str!("shape/observed.tsv");

/// When a field is shown: bounds that are empty bind nothing.
struct Window {
    since: &'static str,
    since_month: &'static str,
    until: &'static str,
    until_month: &'static str,
}

impl Window {
    fn admits(&self, api_version: &str, today: &str) -> bool {
        let before = |at: &str, bound: &str| bound.is_empty() || at < bound;
        api_version >= self.since
            && today >= self.since_month
            && before(api_version, self.until)
            && before(today, self.until_month)
    }
}

/// A field that is not in every answer: its path, and the windows in one of which it is shown.
struct DatedField {
    path: &'static str,
    windows: Vec<Window>,
}

/// The fields of each type, under its name in lower case.
static TABLE: LazyLock<BTreeMap<String, Vec<DatedField>>> = LazyLock::new(|| {
    let mut table: BTreeMap<String, Vec<DatedField>> = BTreeMap::new();
    for (kind, path, bounds) in lines(OBSERVED) {
        let bound = |place: usize| bounds.get(place).copied().unwrap_or_default();
        let window = Window {
            since: bound(0),
            since_month: bound(1),
            until: bound(2),
            until_month: bound(3),
        };
        let fields = table.entry(kind.to_ascii_lowercase()).or_default();
        match fields.iter_mut().find(|field| field.path == path) {
            Some(field) => field.windows.push(window),
            None => fields.push(DatedField { path, windows: vec![window] }),
        }
    }
    for (kind, path, bounds) in lines(FIELDS) {
        let bound = |place: usize| bounds.get(place).copied().unwrap_or_default();
        let fields = table.entry(kind.to_ascii_lowercase()).or_default();
        if fields.iter().any(|field| field.path == path) {
            continue;
        }
        // No answer holds what only a later api-version has brought.
        let since_month = bound(0).get(..7).unwrap_or_default();
        let window = Window { since: bound(0), since_month, until: bound(1), until_month: "" };
        fields.push(DatedField { path, windows: vec![window] });
    }
    table
});

/// The lines of a table: type, path, and the bounds, of which `-` is none.
fn lines(
    table: &'static str,
) -> impl Iterator<Item = (&'static str, &'static str, Vec<&'static str>)> {
    table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut words = line.split('\t').map(|word| if word == "-" { "" } else { word });
        Some((words.next()?, words.next()?, words.collect()))
    })
}

/// What clients of an api-version do not see on a day: paths by type, of the types of which there are any.
struct UnseenFields {
    api_version: String,
    /// No bound is finer than a day.
    day: i64,
    of_type: BTreeMap<&'static str, Vec<&'static str>>,
}

impl UnseenFields {
    fn of(api_version: &str, now: Timestamp) -> Self {
        let today = now.to_string();
        let unseen = |field: &&DatedField| {
            !field.windows.iter().any(|window| window.admits(api_version, &today))
        };
        let of_type = TABLE.iter().map(|(kind, fields)| {
            (kind.as_str(), fields.iter().filter(unseen).map(|field| field.path).collect())
        });
        let of_type = of_type.filter(|(_, paths): &(_, Vec<_>)| !paths.is_empty()).collect();
        Self { api_version: api_version.to_owned(), day: day(now), of_type }
    }

    /// The same for all who ask in one version on one day, and worked out for the first of them.
    fn known(api_version: &str, now: Timestamp) -> Arc<Self> {
        static LAST: Mutex<Option<Arc<UnseenFields>>> = Mutex::new(None);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |last: &&Arc<Self>| last.api_version == api_version && last.day == day(now);
        if let Some(known) = last.as_ref().filter(own) {
            return Arc::clone(known);
        }
        let found = Arc::new(Self::of(api_version, now));
        *last = Some(Arc::clone(&found));
        found
    }
}

const DAY_MILLIS: i64 = 24 * 3_600 * 1_000;

/// Which day it is, in UTC.
fn day(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(DAY_MILLIS)
}

/// When the day is over in which what is shown depends on no other time.
pub(super) fn end_of_day(now: Timestamp) -> Timestamp {
    Timestamp::from_millis((day(now) + 1) * DAY_MILLIS)
}

/// A body, or a list of them, as a client of an api-version sees it.
pub(super) fn shaped(mut body: Value, api_version: &str, now: Timestamp) -> Value {
    shape(&mut body, &UnseenFields::known(api_version, now));
    body
}

fn shape(value: &mut Value, unseen: &UnseenFields) {
    match value {
        Value::Object(object) => {
            let id = object.get("id").and_then(Value::as_str);
            let kind = id.and_then(|id| ResourceId::parse(id).ok()).map(|id| id.type_key());
            let paths = kind.and_then(|kind| unseen.of_type.get(kind.as_str()));
            for path in paths.into_iter().flatten() {
                remove_in(object, path);
            }
            object.values_mut().for_each(|inner| shape(inner, unseen));
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| shape(inner, unseen)),
        _ => {}
    }
}

/// Removes a key of what is in an object.
fn remove_in(object: &mut Map<String, Value>, pointer: &str) {
    let Some((first, _)) =
        pointer.strip_prefix('/').map(|own| own.split_once('/').unwrap_or((own, "")))
    else {
        return;
    };
    match pointer.get(first.len() + 1..).filter(|rest| !rest.is_empty()) {
        None => drop(object.remove(first)),
        Some(rest) => {
            if let Some(inner) = object.get_mut(first) {
                remove(inner, rest);
            }
        }
    }
}

/// Removes a key; `*` in the pointer stands for every item of a list.
fn remove(value: &mut Value, pointer: &str) {
    if let Some((list, rest)) = pointer.split_once("/*") {
        let items = at_mut(value, list).and_then(Value::as_array_mut);
        items.into_iter().flatten().for_each(|item| remove(item, rest));
        return;
    }
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    if let Some(object) = at_mut(value, parent).and_then(Value::as_object_mut) {
        object.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_old_client_does_not_see_what_came_later() {
        let network = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
        let body = json!({ "value": [{
            "id": format!("{network}/expressRouteCircuits/c"),
            "properties": { "stag": 2, "serviceKey": "k", "peerings": [{
                "id": format!("{network}/expressRouteCircuits/c/peerings/p"), "type": "t",
            }] },
        }] });
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let old = shaped(body.clone(), "2017-11-01", at("2018-02-01T00:00:00Z"));
        assert_eq!(old["value"][0]["properties"]["stag"], Value::Null);
        assert_eq!(old["value"][0]["properties"]["peerings"][0]["type"], Value::Null);
        assert_eq!(old["value"][0]["properties"]["serviceKey"], "k");
        assert_eq!(shaped(body.clone(), "2024-03-01", at("2026-01-01T00:00:00Z")), body);
    }

    fn at(kind: &str, key: &str, api_version: &str, now: &str) -> bool {
        let id = format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/{kind}");
        let body = json!({ "id": id, "properties": { key: [] } });
        let shown = shaped(body, api_version, now.parse().unwrap());
        shown["properties"].get(key).is_some()
    }

    #[test]
    fn a_field_is_shown_from_the_api_version_on_that_brought_it() {
        let later = "2026-01-01T00:00:00Z";
        let peering = "virtualNetworks/v/virtualNetworkPeerings/p";
        for (kind, key, before, since) in [
            (peering, "localAddressSpace", "2024-03-01", "2024-05-01"),
            (peering, "remoteVirtualNetworkAddressSpace", "2020-08-01", "2021-02-01"),
            ("connections/c", "authenticationType", "2024-10-01", "2025-03-01"),
            ("connections/c", "enablePrivateLinkFastPath", "2021-08-01", "2022-05-01"),
            ("connections/c", "packetCaptureDiagnosticState", "2017-10-01", "2019-11-01"),
            ("connections/c", "expressRouteGatewayBypass", "2018-06-01", "2018-07-01"),
            (
                "virtualNetworkGateways/g",
                "enableHighBandwidthVpnGateway",
                "2024-05-01",
                "2024-07-01",
            ),
            (
                "virtualNetworks/v/subnets/s",
                "ipamPoolPrefixAllocations",
                "2024-03-01",
                "2024-05-01",
            ),
            ("routeTables/t", "disablePeeringRoute", "2025-05-01", "2025-09-01"),
            ("virtualHubs/h", "hubRoutingPreference", "2021-05-01", "2021-08-01"),
            ("expressRouteGateways/g", "allowNonVirtualWanTraffic", "2022-01-01", "2022-05-01"),
            (
                "expressRouteGateways/g/expressRouteConnections/c",
                "enablePrivateLinkFastPath",
                "2022-01-01",
                "2022-05-01",
            ),
        ] {
            assert!(!at(kind, key, before, later), "{key} of {kind} in {before}");
            assert!(at(kind, key, since, later), "{key} of {kind} in {since}");
        }
    }

    #[test]
    fn no_answer_is_older_than_the_api_version_that_brought_a_field() {
        // Clients' recordings were given newer api-versions later on; the answers stayed as they were.
        let bypass = |now| at("connections/c", "enablePrivateLinkFastPath", "2024-03-01", now);
        assert!(!bypass("2018-02-01T00:00:00Z"));
        assert!(bypass("2024-06-01T00:00:00Z"));
    }

    #[test]
    fn the_tables_have_a_type_a_path_and_dates_in_each_line() {
        for (kind, path, bounds) in lines(FIELDS).chain(lines(OBSERVED)) {
            assert!(
                kind.starts_with("Microsoft.Network/") && path.starts_with('/'),
                "{kind} {path}"
            );
            assert!([2, 4].contains(&bounds.len()), "{kind} {path}: {bounds:?}");
            for bound in bounds {
                let dated = bound.is_empty() || bound.starts_with("20");
                assert!(dated && [0, 7, 10].contains(&bound.len()), "{kind} {path}: {bound}");
            }
        }
    }
}
