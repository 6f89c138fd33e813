//! How is a write taken back without what others changed since? Three ways at once: how it was before, what the step
//! wrote, and how it is now (decision 84).
//!
//! What the step changed is as it was before; what it did not touch stays as it is now. Where somebody changed since
//! just what the step had changed, how it was before wins: that field is the step's to give back.

use serde_json::{Map, Value};

use super::compare::same;
use crate::arm::read::text;

/// Objects that are one value: their parts belong together, whoever filled them in.
const WHOLE: [&str; 1] = ["sku"];

/// Objects whose keys are people's own, each for itself.
const BY_KEY: [&str; 1] = ["tags"];

/// The body that takes a write back. All three without what only Azure writes; `wrote` is the whole body that was
/// sent, none where the step removed the resource.
pub(super) fn taken_back(before: &Value, wrote: Option<&Value>, now: &Value) -> Value {
    value("", Some(before), wrote, Some(now)).unwrap_or_else(|| before.clone())
}

/// A field that the step wrote and somebody has changed since.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Touched {
    /// Its path.
    pub path: String,
    /// Its value now; null when it is absent.
    pub now: Value,
    /// Its value before the step; null when it was absent.
    pub before: Value,
}

/// The fields that the step wrote and somebody has changed since: they are the step's to give back, and whoever
/// changed them wants to know.
pub(super) fn changed_since(before: &Value, wrote: &Value, now: &Value) -> Vec<Touched> {
    let mut found = Vec::new();
    touched("", Some(before), Some(wrote), Some(now), &mut found);
    found
}

fn touched(
    path: &str,
    before: Option<&Value>,
    wrote: Option<&Value>,
    now: Option<&Value>,
    found: &mut Vec<Touched>,
) {
    // Not the step's; as the step left it; as it was before.
    if equal(before, wrote) || equal(now, wrote) || equal(now, before) {
        return;
    }
    let below = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match (wrote, now) {
        (Some(Value::Object(wrote)), Some(Value::Object(now))) => {
            // What is there besides is Azure's to fill in, or nobody's concern.
            for (key, own) in wrote {
                let before = before.and_then(|before| before.get(key));
                touched(&below(key), before, Some(own), now.get(key), found);
            }
        }
        (Some(Value::Array(wrote)), Some(Value::Array(now)))
            if wrote.iter().all(|item| text(item, "/name").is_some()) =>
        {
            for own in wrote {
                let name = text(own, "/name").unwrap_or_default();
                let before = find(items(before), own);
                touched(&below(name), before, Some(own), find(now, own), found);
            }
        }
        // Of an array without names, or a value.
        _ => found.push(Touched {
            path: path.to_owned(),
            now: now.cloned().unwrap_or_default(),
            before: before.cloned().unwrap_or_default(),
        }),
    }
}

/// Whether a body lacks something that is there now, more than a nothing: also within a thing of a list.
pub(super) fn loses(target: &Value, now: &Value) -> bool {
    match (target, now) {
        (Value::Object(target), Value::Object(now)) => {
            now.iter().any(|(key, now)| match target.get(key) {
                None => !is_nothing(now),
                Some(target) => loses(target, now),
            })
        }
        (Value::Array(target), Value::Array(now)) => {
            now.iter().any(|now| find(target, now).is_some_and(|target| loses(target, now)))
        }
        _ => false,
    }
}

fn value(
    key: &str,
    before: Option<&Value>,
    wrote: Option<&Value>,
    now: Option<&Value>,
) -> Option<Value> {
    if equal(before, wrote) {
        return now.cloned();
    }
    if equal(now, wrote) || WHOLE.contains(&key) {
        return before.cloned();
    }
    let empty = Value::Object(Map::new());
    match (before, wrote, now) {
        (Some(Value::Array(_)) | None, Some(Value::Array(_)) | None, Some(Value::Array(now))) => {
            let back = list(items(before), items(wrote), now);
            (before.is_some() || !back.is_empty()).then(|| back.into())
        }
        (Some(Value::Object(_)), Some(Value::Object(_)) | None, Some(Value::Object(_))) => {
            object(before?, wrote.unwrap_or(&empty), now?)
        }
        (None, Some(Value::Object(_)), Some(Value::Object(_))) if BY_KEY.contains(&key) => {
            object(&empty, wrote?, now?).filter(|left| !is_nothing(left))
        }
        _ => before.cloned(),
    }
}

/// Key by key, in the order in which they stand now.
fn object(before: &Value, wrote: &Value, now: &Value) -> Option<Value> {
    let (stands, had) = (now.as_object()?, before.as_object()?);
    let gone = had.keys().filter(|key| !stands.contains_key(*key));
    let mut back = Map::new();
    for key in stands.keys().chain(gone) {
        let own = value(key, before.get(key), wrote.get(key), now.get(key));
        back.extend(own.map(|own| (key.clone(), own)));
    }
    Some(Value::Object(back))
}

/// Named things by their names, other values as a set: what the step added goes, what it removed comes back.
fn list(before: &[Value], wrote: &[Value], now: &[Value]) -> Vec<Value> {
    let mut back: Vec<Value> = now
        .iter()
        .filter_map(|item| value("", find(before, item), find(wrote, item), Some(item)))
        .collect();
    let gone = before.iter().filter(|item| find(now, item).is_none());
    back.extend(gone.filter_map(|item| value("", Some(item), find(wrote, item), None)));
    back
}

/// The thing of the same name, or the same value.
fn find<'v>(list: &'v [Value], wanted: &Value) -> Option<&'v Value> {
    let name = |item: &'v Value| text(item, "/name");
    list.iter().find(|item| match (text(wanted, "/name"), name(item)) {
        (Some(wanted), Some(own)) => own.eq_ignore_ascii_case(wanted),
        (None, None) => alike(wanted, item),
        (Some(_), None) | (None, Some(_)) => false,
    })
}

fn items(list: Option<&Value>) -> &[Value] {
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn equal(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => alike(one, other),
        (None, None) => true,
        (Some(one), None) | (None, Some(one)) => one.is_null(),
    }
}

/// The same in both directions: [`same`] lets the second have more.
fn alike(one: &Value, other: &Value) -> bool {
    same(one, other) && same(other, one)
}

/// Whether a value says no more than its absence: off, zero, or empty all through.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.iter().all(is_nothing),
        Value::Object(object) => object.values().all(is_nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_others_changed_of_what_the_step_wrote_is_named_and_nothing_else() {
        let network = |servers: Value| {
            json!({ "properties": { "dhcpOptions": { "dnsServers": servers }, "subnets": [
                { "name": "a", "properties": { "addressPrefix": "10.0.0.0/24" } }] } })
        };
        let before = json!({ "properties": { "subnets": [
            { "name": "a", "properties": { "addressPrefix": "10.0.0.0/24" } }] } });
        let wrote = network(json!(["10.1.0.4"]));
        let paths = |before: &Value, wrote: &Value, now: &Value| -> Vec<String> {
            changed_since(before, wrote, now).into_iter().map(|own| own.path).collect()
        };
        let said = |now: &Value| paths(&before, &wrote, now);
        assert_eq!(said(&network(json!(["10.1.0.77"]))), ["properties.dhcpOptions.dnsServers"]);
        assert!(said(&wrote).is_empty() && said(&before).is_empty());
        let mut filled = wrote.clone();
        filled["tags"] = json!({ "theirs": "x" });
        filled["properties"]["subnets"][0]["properties"]["natGateway"] = json!({ "id": "/nat" });
        assert!(said(&filled).is_empty(), "what the step did not write");
        let side = |on: bool, to: &str| json!({ "routes": [{ "name": "r", "on": on, "to": to }] });
        let (stood, put) = (side(false, "x"), side(true, "y"));
        assert_eq!(paths(&stood, &put, &side(true, "z")), ["routes.r.to"]);
    }

    #[test]
    fn what_others_added_to_a_subnet_since_stays() {
        let before = json!({ "properties": { "addressPrefix": "10.1.0.0/25", "delegations": [] } });
        let mut wrote = before.clone();
        wrote["properties"]["routeTable"] = json!({ "id": "/rt-app" });
        let mut now = wrote.clone();
        now["properties"]["networkSecurityGroup"] = json!({ "id": "/nsg" });
        now["properties"]["serviceEndpoints"] = json!([{ "service": "Microsoft.Storage" }]);
        let mut back = now.clone();
        back["properties"].as_object_mut().unwrap().remove("routeTable");
        assert_eq!(taken_back(&before, Some(&wrote), &now), back);
    }

    #[test]
    fn a_network_keeps_the_subnets_and_peerings_that_came_since() {
        let named =
            |names: &[&str]| -> Value { names.iter().map(|n| json!({ "name": n })).collect() };
        let body = |servers: &[&str], subnets: &[&str], peerings: &[&str]| {
            json!({ "properties": { "dhcpOptions": { "dnsServers": servers },
                "subnets": named(subnets), "virtualNetworkPeerings": named(peerings) } })
        };
        let (before, wrote) = (body(&["10.0.0.4"], &["a"], &[]), body(&["10.0.0.5"], &["a"], &[]));
        let now = body(&["10.0.0.5"], &["a", "new"], &["late"]);
        let back = body(&["10.0.0.4"], &["a", "new"], &["late"]);
        assert_eq!(taken_back(&before, Some(&wrote), &now), back);
    }

    #[test]
    fn of_a_list_and_of_tags_each_goes_back_for_itself() {
        let route = |name: &str, hop: &str| json!({ "name": name, "properties": { "hop": hop } });
        let before = json!({ "tags": { "team": "net" }, "routes": [route("kept", "1"), route("other", "1")] });
        let wrote = json!({ "tags": { "team": "net", "run": "7" }, "routes": [route("KEPT", "2"), route("ours", "1")] });
        let now = json!({ "tags": { "team": "net", "run": "7", "late": "x" },
            "routes": [route("kept", "2"), route("ours", "1"), route("aks", "9")] });
        let back = json!({ "tags": { "team": "net", "late": "x" },
            "routes": [route("kept", "1"), route("aks", "9"), route("other", "1")] });
        assert_eq!(taken_back(&before, Some(&wrote), &now), back);
        // Where there were none before, none of the step's is left, and those of others are.
        let (none, only) = (json!({}), json!({ "tags": { "run": "7" } }));
        assert_eq!(taken_back(&none, Some(&only), &json!({ "tags": { "run": "7" } })), none);
        let late = json!({ "tags": { "run": "7", "late": "x" } });
        assert_eq!(taken_back(&none, Some(&only), &late), json!({ "tags": { "late": "x" } }));
    }

    #[test]
    fn what_azure_filled_into_something_new_goes_with_it_and_a_size_is_one_value() {
        let (before, wrote) = (json!({}), json!({ "bgpSettings": { "asn": 65010 } }));
        let now = json!({ "bgpSettings": { "asn": 65010, "peerWeight": 0, "bgpPeeringAddress": "10.0.0.1" } });
        assert_eq!(taken_back(&before, Some(&wrote), &now), before);
        let size = |name: &str, tier: &str| json!({ "sku": { "name": name, "tier": tier } });
        let (small, large) = (size("ErGw1AZ", "ErGw1AZ"), size("ErGw2AZ", "ErGw1AZ"));
        assert_eq!(taken_back(&small, Some(&large), &size("ErGw2AZ", "ErGw2AZ")), small);
    }

    #[test]
    fn what_was_added_within_a_thing_of_a_list_is_a_loss_too() {
        let of = |properties: Value| json!({ "ipConfigurations": [{ "name": "c", "properties": properties }] });
        let before = of(json!({ "subnet": "s" }));
        let wrote = of(json!({ "subnet": "s", "publicIPAddress": { "id": "/pip" } }));
        let target = taken_back(&before, Some(&wrote), &wrote);
        assert_eq!(target, before);
        assert!(loses(&target, &wrote) && !loses(&target, &before));
    }

    #[test]
    fn what_the_step_removed_comes_back() {
        let before = json!({ "properties": { "routeTable": { "id": "/rt-old" } } });
        let wrote = json!({ "properties": {} });
        let now = json!({ "properties": { "networkSecurityGroup": { "id": "/nsg" } } });
        let back = json!({ "properties": {
            "networkSecurityGroup": { "id": "/nsg" }, "routeTable": { "id": "/rt-old" } } });
        assert_eq!(taken_back(&before, Some(&wrote), &now), back);
        // A resource that was removed, and stands again: as it was, and with what it has more.
        assert_eq!(
            taken_back(&before, None, &json!({ "properties": {}, "tags": { "a": "b" } })),
            json!({ "properties": { "routeTable": { "id": "/rt-old" } }, "tags": { "a": "b" } })
        );
    }

    fn body() -> impl Strategy<Value = Value> {
        let name = prop::sample::select(vec!["a", "b", "c", "tags", "sku"]);
        let leaf = prop_oneof![
            Just(json!(true)),
            (0..4_u8).prop_map(|n| json!(n)),
            "[x-z]{1,2}".prop_map(Value::from)
        ];
        let grown = leaf.prop_recursive(3, 24, 4, move |inner| {
            let list = prop::collection::vec(("[p-s]", inner.clone()), 0..3).prop_map(|all| {
                let mut all: Vec<_> = all;
                all.sort_by(|one, other| one.0.cmp(&other.0));
                all.dedup_by(|one, other| one.0 == other.0);
                all.into_iter().map(|(name, value)| json!({ "name": name, "v": value })).collect()
            });
            prop_oneof![
                prop::collection::btree_map(name.clone(), inner, 0..4).prop_map(|map| map
                    .into_iter()
                    .map(|(k, v)| (k.to_owned(), v))
                    .collect::<Map<_, _>>()
                    .into()),
                list,
            ]
        });
        prop::collection::btree_map("[a-c]", grown, 0..4)
            .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into())
    }

    proptest! {
        /// Where nobody changed anything since, it is as it was; where the step changed nothing, it stays as it is.
        #[test]
        fn alone_it_is_as_before_and_an_idle_step_leaves_all(before in body(), wrote in body(), now in body()) {
            prop_assert!(alike(&taken_back(&before, Some(&wrote), &wrote), &before));
            prop_assert!(alike(&taken_back(&before, Some(&before), &now), &now));
            // And once more changes nothing.
            let back = taken_back(&before, Some(&wrote), &now);
            prop_assert!(alike(&taken_back(&before, Some(&wrote), &back), &back));
        }
    }
}
