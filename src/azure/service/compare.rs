//! Is what Azure shows what is wanted, and what would have to be written where it is not?
//!
//! The rules are rows of [`crate::model::compared`]. What has no row compares without letter case, and
//! a list of named things by their names.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::body::{blocked, is_secret_key, without_secrets};
use crate::arm::read::text;
use crate::model::assessment::Unchangeable;
use crate::model::azure_limits::{Resize, resize, resizes_in_place};
use crate::model::compared::{ComparedField, How, Remedy, Unshown, field};
use crate::model::{Assessed, Change, ResourceId};

/// What a body is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// What the runbook wants: more than was asked holds.
    Wanted,
    /// How it was before a step: more than there was is a difference.
    Before,
}

/// What came of a comparison.
#[derive(Debug)]
pub(super) struct Compared {
    /// The fields that differ.
    pub(super) changes: Vec<Change>,
    /// Why the step is blocked, where a difference cannot be written.
    pub(super) stuck: Option<Assessed>,
    /// The body with the wanted fields in it: what holds stays as it is, whatever its letters.
    pub(super) merged: Value,
}

/// Compares a body with what is wanted of it.
pub(super) fn compare(
    resource: &ResourceId,
    wanted: &Value,
    body: &Value,
    against: Against,
) -> Compared {
    let of = resource.resource_type();
    let mut walk = Walk { resource, of: of.as_str(), against, changes: Vec::new(), stuck: None };
    let merged = walk.value(&BodyPlace::default(), wanted, Some(body)).unwrap_or(Value::Null);
    Compared { changes: walk.changes, stuck: walk.stuck, merged }
}

/// Where in a body: for the table, and for people.
#[derive(Debug, Clone, Default)]
struct BodyPlace {
    path: String,
    shown: String,
}

impl BodyPlace {
    fn key(&self, key: &str) -> Self {
        let join = |whole: &str, mark: &str| {
            if whole.is_empty() { key.to_owned() } else { format!("{whole}{mark}{key}") }
        };
        Self { path: join(&self.path, "/"), shown: join(&self.shown, ".") }
    }

    fn item(&self, name: &str) -> Self {
        Self { path: format!("{}/*", self.path), shown: format!("{}[{name}]", self.shown) }
    }
}

struct Walk<'a> {
    resource: &'a ResourceId,
    of: &'a str,
    against: Against,
    changes: Vec<Change>,
    stuck: Option<Assessed>,
}

impl Walk<'_> {
    /// Compares one value, and gives what is to be written in its place; nothing where nothing is.
    fn value(&mut self, at: &BodyPlace, wanted: &Value, body: Option<&Value>) -> Option<Value> {
        // Null, or a list or a text of nothing, is what is not shown.
        let nothing = |body: &&Value| {
            body.is_null()
                || body.as_array().is_some_and(Vec::is_empty)
                || body.as_str().is_some_and(str::is_empty)
        };
        let body = body.filter(|body| !nothing(body));
        let row = field(self.of, &at.path);
        match (row.map(|row| row.how), wanted, body) {
            (Some(How::AtLeast), Value::Object(_), _) if wanted.get("name").is_some() => {
                self.size(at, wanted, body)
            }
            (Some(How::Tags), Value::Object(wanted), _) => Some(self.tags(at, wanted, body)),
            (_, Value::Object(wanted), _) => Some(self.object(at, wanted, body)),
            (_, Value::Array(wanted), Some(Value::Array(body)))
                if are_named(wanted) && (!wanted.is_empty() || are_named(body)) =>
            {
                Some(self.named(at, row, wanted, body))
            }
            _ => self.leaf(at, row, wanted, body),
        }
    }

    fn object(
        &mut self,
        at: &BodyPlace,
        wanted: &Map<String, Value>,
        body: Option<&Value>,
    ) -> Value {
        let body = body.and_then(Value::as_object);
        let mut values = Vec::with_capacity(wanted.len());
        for (key, wanted) in wanted {
            // Values of keys are not compared; what is written has them.
            let value = if is_secret_key(key) {
                Some(wanted.clone())
            } else {
                self.value(&at.key(key), wanted, body.and_then(|body| body.get(key)))
            };
            values.push((key, value.filter(|value| !value.is_null())));
        }
        // What is there stays where it stands, and what is new comes behind it.
        let mut merged = Map::new();
        for (key, has) in body.into_iter().flatten() {
            match values.iter().position(|(own, _)| *own == key) {
                Some(place) => merged.extend(values.remove(place).1.map(|own| (key.clone(), own))),
                None => drop(merged.insert(key.clone(), has.clone())),
            }
        }
        merged.extend(values.into_iter().filter_map(|(key, own)| Some((key.clone(), own?))));
        // What came of nothing but fields that are not shown is not sent either.
        merged.retain(|key, value| {
            let is_new = body.is_none_or(|body| !body.contains_key(key));
            let asked =
                wanted.get(key).and_then(Value::as_object).is_some_and(|own| !own.is_empty());
            !(is_new && asked && value.as_object().is_some_and(Map::is_empty))
        });
        Value::Object(merged)
    }

    /// Tags: names in any letters, values exactly; those of others stay.
    fn tags(&mut self, at: &BodyPlace, wanted: &Map<String, Value>, body: Option<&Value>) -> Value {
        let mut merged = body.and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, value) in wanted {
            // A tag that stands keeps the letters of its name: Azure does.
            let known = merged.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
            let has = known.as_ref().and_then(|known| merged.get(known)).cloned();
            if has.as_ref() != Some(value) {
                self.differs(&at.item(name).shown, has.as_ref(), value);
                merged.insert(known.unwrap_or_else(|| name.clone()), value.clone());
            }
        }
        if self.against == Against::Before {
            let surplus: Vec<String> = merged
                .keys()
                .filter(|name| !wanted.keys().any(|own| own.eq_ignore_ascii_case(name)))
                .cloned()
                .collect();
            for name in surplus {
                let has = merged.remove(&name);
                self.differs(&at.item(&name).shown, has.as_ref(), &Value::Null);
            }
        }
        Value::Object(merged)
    }

    /// A list of named things; each that is added, changed or gone is a difference of its own.
    fn named(
        &mut self,
        at: &BodyPlace,
        row: Option<&ComparedField>,
        wanted: &[Value],
        body: &[Value],
    ) -> Value {
        let mut merged = Vec::new();
        let mut known = Vec::new();
        for item in wanted {
            let name = text(item, "/name").unwrap_or_default();
            let is_known = |place: &usize| known.contains(place);
            let by_name = body.iter().enumerate().position(|(place, other)| {
                !is_known(&place)
                    && text(other, "/name").is_some_and(|other| other.eq_ignore_ascii_case(name))
            });
            // Where nobody looks at names once it stands, any other is as good.
            let nameless = field(self.of, &at.item(name).key("name").path)
                .is_some_and(|row| row.how == How::NotOnceItStands)
                && self.against == Against::Wanted;
            // Of several, the one with its address is it; one that shows another address is not.
            let own = address(item);
            let by_address = (0..body.len())
                .find(|place| nameless && own.is_some() && address(&body[*place]) == own);
            let free: Vec<usize> =
                (0..body.len()).filter(|place| nameless && !is_known(place)).collect();
            let without = free.iter().copied().find(|place| address(&body[*place]).is_none());
            let only = free.first().copied().filter(|_| wanted.len() == 1);
            let found = by_address.or(by_name).or(without).or(only);
            let value = match found {
                Some(place) => {
                    known.push(place);
                    self.value(&at.item(name), item, body.get(place))
                }
                None => {
                    let item = without_nulls(item);
                    self.differs(&at.item(name).shown, None, &item);
                    Some(item)
                }
            };
            merged.extend(value);
        }
        let may_be_more =
            self.against == Against::Wanted && row.is_some_and(|row| row.how == How::Set);
        for (_, item) in body.iter().enumerate().filter(|(place, _)| !known.contains(place)) {
            if may_be_more {
                merged.push(item.clone());
            } else {
                let name = text(item, "/name").unwrap_or_default();
                self.differs(&at.item(name).shown, Some(item), &Value::Null);
            }
        }
        Value::Array(merged)
    }

    fn leaf(
        &mut self,
        at: &BodyPlace,
        row: Option<&ComparedField>,
        wanted: &Value,
        body: Option<&Value>,
    ) -> Option<Value> {
        let Some(body) = body else {
            if wanted.is_null() || wanted.as_array().is_some_and(Vec::is_empty) {
                return Some(wanted.clone());
            }
            // A flag that is not shown is off: older answers leave `false` out.
            let off = *wanted == Value::Bool(false);
            match row.map(|row| row.unshown) {
                Some(Unshown::Nothing) => return None,
                Some(Unshown::Off) if off || wanted.as_f64() == Some(0.0) => {}
                None if off => {}
                _ => self.mismatch(at, row, wanted, None),
            }
            return Some(wanted.clone());
        };
        let holds = match row.map_or(How::AnyCase, |row| row.how) {
            How::NotOnceItStands => self.against == Against::Wanted || same(wanted, body),
            How::Exactly if wanted.is_string() => wanted == body,
            How::Exactly if wanted.is_array() => in_order(wanted, body),
            How::Exactly | How::AnyCase | How::Tags => same(wanted, body),
            How::Set => match self.against {
                Against::Wanted => is_within(wanted, body),
                Against::Before => is_within(wanted, body) && is_within(body, wanted),
            },
            How::AtLeast => match (self.against, wanted.as_f64(), body.as_f64()) {
                (Against::Wanted, Some(wanted), Some(body)) => body >= wanted,
                _ => same(wanted, body),
            },
        };
        if holds {
            return Some(body.clone());
        }
        self.mismatch(at, row, wanted, Some(body));
        Some(wanted.clone())
    }

    /// The size of a gateway: one that does all that is asked holds, and is never made smaller.
    fn size(&mut self, at: &BodyPlace, wanted: &Value, body: Option<&Value>) -> Option<Value> {
        let names = (text(wanted, "/name"), body.and_then(|body| text(body, "/name")));
        let (Some(asked), Some(has)) = names else { return body.cloned() };
        let way = match self.against {
            Against::Wanted => resize(has, asked),
            // What was there before comes back, smaller as well, where Azure does that.
            Against::Before if asked.eq_ignore_ascii_case(has) => Resize::None,
            Against::Before if resizes_in_place(has, asked) => Resize::InPlace,
            Against::Before => Resize::Refused,
        };
        if way == Resize::None {
            return body.cloned();
        }
        if way == Resize::Refused {
            self.stuck.get_or_insert_with(|| {
                let why = format!(
                    "It is {has}, {asked} is wanted, and Azure does not make one of the other in place. \
                     Take {has} into the runbook, migrate the gateway on a quiet day, or choose another \
                     name and remove this one first."
                );
                blocked(Unchangeable::Sku.code(), why)
            });
        }
        self.differs(&format!("{}.name", at.shown), Some(&has.into()), &asked.into());
        Some(wanted.clone())
    }

    fn mismatch(
        &mut self,
        at: &BodyPlace,
        row: Option<&ComparedField>,
        wanted: &Value,
        body: Option<&Value>,
    ) {
        if let (
            Against::Wanted,
            Some(ComparedField { what, path, remedy: Remedy::Person(fix), .. }),
        ) = (self.against, row)
        {
            self.stuck.get_or_insert_with(|| {
                let stands = match body.map(in_words) {
                    Some(has) => format!("with {what} {has}"),
                    None => format!("without {what}"),
                };
                let why = format!(
                    "It exists {stands}, the runbook wants {what} {}, and Azure cannot change that in \
                     place. {fix}",
                    in_words(wanted)
                );
                let what =
                    if *path == "zones" { Unchangeable::Zones } else { Unchangeable::Field };
                blocked(what.code(), why)
            });
        }
        self.differs(&at.shown, body, wanted);
    }

    fn differs(&mut self, path: &str, before: Option<&Value>, after: &Value) {
        self.changes.push(Change {
            resource: self.resource.clone(),
            path: path.to_owned(),
            before: before.map_or(Value::Null, without_secrets),
            after: without_secrets(after),
        });
    }
}

/// A value for a sentence: `a`, or 1, 2.
fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        Value::Array(list) => {
            let items = list.iter().map(|item| item.as_str().unwrap_or_default());
            items.collect::<Vec<_>>().join(", ")
        }
        other => format!("`{other}`"),
    }
}

/// The public address of a gateway's configuration.
fn address(configuration: &Value) -> Option<String> {
    text(configuration, "/properties/publicIPAddress/id").map(str::to_ascii_lowercase)
}

fn are_named(list: &[Value]) -> bool {
    list.iter().all(|item| text(item, "/name").is_some())
}

/// Whether all that is wanted is in a list, in any order; a single value is a list of one.
fn is_within(wanted: &Value, body: &Value) -> bool {
    let items = |value: &Value| match value {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let body = items(body);
    items(wanted).iter().all(|item| body.iter().any(|other| same(item, other)))
}

/// Whether two lists have the same things in the same order.
fn in_order(wanted: &Value, body: &Value) -> bool {
    let (Some(wanted), Some(body)) = (wanted.as_array(), body.as_array()) else { return false };
    wanted.len() == body.len() && wanted.iter().zip(body).all(|(wanted, body)| same(wanted, body))
}

/// What is wanted, without what is wanted not to be there.
pub(super) fn without_nulls(wanted: &Value) -> Value {
    match wanted {
        Value::Object(object) => {
            let there = object.iter().filter(|(_, value)| !value.is_null());
            there
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// Whether two texts are one address or prefix: `FD00:0:0::/48` is `fd00::/48`.
fn same_address(wanted: &str, body: &str) -> bool {
    let prefix = |text: &str| text.parse::<IpNet>().ok();
    let address = |text: &str| text.parse::<IpAddr>().ok();
    prefix(wanted).is_some_and(|own| prefix(body) == Some(own))
        || address(wanted).is_some_and(|own| address(body) == Some(own))
}

/// Whether a value is as wanted. Texts compare without case and spaces, as Azure answers with other
/// letters than it was sent ("Southeast Asia"), and lists in any order.
pub(super) fn same(wanted: &Value, body: &Value) -> bool {
    match (wanted, body) {
        (Value::String(wanted), Value::String(body)) => {
            fn folded(text: &str) -> impl Iterator<Item = u8> + '_ {
                text.bytes().filter(|byte| *byte != b' ').map(|byte| byte.to_ascii_lowercase())
            }
            wanted == body || folded(wanted).eq(folded(body)) || same_address(wanted, body)
        }
        (Value::Array(wanted), Value::Array(body)) => {
            let mut left: Vec<&Value> = body.iter().collect();
            wanted.len() == body.len()
                && wanted.iter().all(|item| {
                    let place = left.iter().position(|other| same(item, other));
                    place.is_some_and(|place| {
                        left.remove(place);
                        true
                    })
                })
        }
        (Value::Object(wanted), Value::Object(body)) => wanted
            .iter()
            .filter(|(key, _)| !is_secret_key(key))
            .all(|(key, wanted)| body.get(key).is_some_and(|body| same(wanted, body))),
        (Value::Number(wanted), Value::Number(body)) => wanted.as_f64() == body.as_f64(),
        _ => wanted == body,
    }
}

#[cfg(test)]
mod tests;
