//! Is a body what Azure has? Each resource against the known shape of its type: unknown properties, wrong kinds
//! and values, and what it cannot be without.

use ipnet::IpNet;
use serde_json::Value;

use super::shape::{self, PropertyShape, TypeShape};
use crate::model::destination::Destination;
use crate::model::{Region, ResourceId, geography};
use crate::runbook::literal::json;
use crate::runbook::{Code, Diagnostic, Diagnostics, Node, NodeValue, Span, did_you_mean};
use crate::sim::body_rule::BodyRule;
use crate::sim::provider::{self, Provider};
use crate::sim::site_recovery;

/// The namespace of the types whose bodies say their names as their ids do.
const NETWORK: &str = "Microsoft.Network/";

/// A resource of a world, at its place.
pub(super) struct PlacedBody<'n> {
    pub(super) id: ResourceId,
    pub(super) body: &'n Node,
    /// Where it is named.
    pub(super) at: Span,
    /// Whether it stands inside its parent.
    pub(super) inside: bool,
}

/// The resources of a list, and the children in them.
pub(super) fn placed<'n>(list: &'n Node, diagnostics: &mut Diagnostics) -> Vec<PlacedBody<'n>> {
    let NodeValue::List(items) = &list.value else { return Vec::new() };
    let mut all = Vec::new();
    for (place, body) in items.iter().enumerate() {
        // What is no mapping is said by the reader of values.
        let Some(entries) = body.map() else { continue };
        let Some(node) = body.get("id") else {
            let message = format!("`resources[{place}]` needs the key `id`: the resource's id.");
            let end = entries.first().map_or(body.span.end, |(key, _)| key.span.end);
            let meant = did_you_mean("id", entries.iter().map(|(key, _)| key.text.as_str()));
            let mut diagnostic = Diagnostic::error(Code::MissingKey, body.span.start..end, message);
            diagnostic.help =
                meant.map(|meant| format!("Did you mean `id` where `{meant}` stands?"));
            diagnostics.push(diagnostic);
            continue;
        };
        let text = text_of(node).unwrap_or_default();
        match ResourceId::parse(text) {
            Ok(id) => place_one(id, body, node.span.clone(), false, &mut all, diagnostics),
            Err(error) => {
                let message = format!("`resources[{place}]` has no id that is one: {error}.");
                diagnostics.push(
                    Diagnostic::error(Code::BadValue, node.span.clone(), message).with_help(
                        "Write /subscriptions/{id}/resourceGroups/{name}/providers/{type}/{name}.",
                    ),
                );
            }
        }
    }
    all
}

fn place_one<'n>(
    id: ResourceId,
    body: &'n Node,
    at: Span,
    inside: bool,
    all: &mut Vec<PlacedBody<'n>>,
    diagnostics: &mut Diagnostics,
) {
    let kind = id.resource_type();
    let properties = body.get("properties");
    for (key, _) in shape::of(kind.as_str()).into_iter().flat_map(TypeShape::children) {
        let Some(NodeValue::List(children)) =
            properties.and_then(|own| own.get(key)).map(|node| &node.value)
        else {
            continue;
        };
        for child in children.iter().filter(|child| child.map().is_some()) {
            let name = child.get("name").and_then(text_of).unwrap_or_default();
            let span = child.get("name").map_or(child.span.clone(), |node| node.span.clone());
            match id.child(key, name) {
                Ok(id) => place_one(id, child, span, true, all, diagnostics),
                Err(_) if name.is_empty() => {
                    let message = format!("One of the `{key}` of `{}` has no `name`.", id.name());
                    diagnostics.push(Diagnostic::error(Code::MissingProperty, span, message));
                }
                Err(error) => {
                    let message = format!("`{key}` of `{}`: {error}.", id.name());
                    diagnostics.push(Diagnostic::error(Code::BadValue, span, message));
                }
            }
        }
    }
    all.push(PlacedBody { id, body, at, inside });
}

pub(super) fn text_of(node: &Node) -> Option<&str> {
    match &node.value {
        NodeValue::Scalar { text, .. } if !node.is_null() => Some(text),
        NodeValue::Scalar { .. } | NodeValue::List(_) | NodeValue::Map(_) => None,
    }
}

/// Says what is wrong with a body.
pub(super) fn check(placed: &PlacedBody<'_>, diagnostics: &mut Diagnostics) {
    let kind = placed.id.resource_type();
    names(placed, kind.as_str(), diagnostics);
    location(placed.body, diagnostics);
    let Some(shape) = shape::of(kind.as_str()) else {
        unknown_type(placed, kind.as_str(), diagnostics);
        frame(placed.body, diagnostics);
        states(placed, diagnostics);
        return;
    };
    part_names(placed, diagnostics);
    let rules = provider::of(&placed.id).map(Provider::body_rules).unwrap_or_default();
    let mut checker = BodyCheck { shape, rules, diagnostics, name: placed.id.name() };
    checker.mapping(placed.body, "");
    checker.needed(placed);
}

/// The name and the type that a body says: its id says both.
fn names(placed: &PlacedBody<'_>, kind: &str, diagnostics: &mut Diagnostics) {
    let own = [("name", placed.id.name(), placed.id.name()), ("type", kind, kind)];
    for (key, is, shown) in own {
        let Some(node) = placed.body.get(key) else { continue };
        // Site Recovery's names are those of what stands behind them.
        let says = text_of(node).unwrap_or_default();
        if !is.eq_ignore_ascii_case(says) && kind.starts_with(NETWORK) {
            let message = format!("The id says the {key} `{shown}`, and `{key}` says `{says}`.");
            diagnostics.push(
                Diagnostic::warning(Code::Nameless, node.span.clone(), message)
                    .with_help("The id counts: leave the other out."),
            );
        }
    }
}

fn location(body: &Node, diagnostics: &mut Diagnostics) {
    let Some(node) = body.get("location").filter(|node| !node.is_null()) else { return };
    let region = text_of(node).and_then(|text| Region::parse(text).ok());
    let Some(region) = region else {
        let message = "`location` must be a region such as southeastasia.";
        diagnostics.push(Diagnostic::error(Code::WrongKind, node.span.clone(), message));
        return;
    };
    if region.as_str() != "global" && geography::region(region.as_str()).is_none() {
        let message = format!("Azure documents no region `{region}`.");
        let mut diagnostic = Diagnostic::warning(Code::Region, node.span.clone(), message);
        diagnostic.help = meant_region(&region);
        diagnostics.push(diagnostic);
    }
}

/// The region that was most likely meant, as a sentence.
pub(super) fn meant_region(region: &Region) -> Option<String> {
    let known = geography::REGIONS.iter().map(|known| known.name);
    did_you_mean(region.as_str(), known).map(|meant| format!("Did you mean `{meant}`?"))
}

/// The parts of a body that have ids of their own: by their names.
fn part_names(placed: &PlacedBody<'_>, diagnostics: &mut Diagnostics) {
    for pointer in provider::of(&placed.id).map(Provider::parts).unwrap_or_default() {
        let mut keys = pointer.split('/').skip(1);
        let list = keys.try_fold(placed.body, |node, key| node.get(key));
        let Some(NodeValue::List(items)) = list.map(|list| &list.value) else { continue };
        let key = pointer.rsplit('/').next().unwrap_or_default();
        let mut names: Vec<&str> = Vec::new();
        for item in items.iter().filter(|item| item.map().is_some()) {
            let mut wrong = |code: Code, message: String| {
                diagnostics.push(Diagnostic::error(code, item.span.clone(), message));
            };
            let of = format!("One of the `{key}` of `{}`", placed.id.name());
            match item.get("name").and_then(text_of) {
                None => wrong(Code::MissingProperty, format!("{of} has no `name`.")),
                Some(name) if names.contains(&name) => {
                    wrong(Code::Twice, format!("{of} has the name of another: `{name}`."));
                }
                Some(name) => names.push(name),
            }
            if item.get("properties").and_then(Node::map).is_none() {
                wrong(Code::MissingProperty, format!("{of} has no `properties`."));
            }
        }
    }
}

/// The words in which something of Site Recovery says how it stands.
fn states(placed: &PlacedBody<'_>, diagnostics: &mut Diagnostics) {
    let properties = placed.body.get("properties");
    for key in site_recovery::states_of(&placed.id) {
        let Some(node) = properties.and_then(|own| own.get(key)) else { continue };
        let words = match &node.value {
            NodeValue::List(items) => items.as_slice(),
            NodeValue::Scalar { .. } | NodeValue::Map(_) => std::slice::from_ref(node),
        };
        for word in words {
            let text = text_of(word).unwrap_or_default();
            if site_recovery::knows(key, text) {
                continue;
            }
            let shown: String = text.chars().take(60).collect();
            let message =
                format!("`{key}` is `{shown}`, which Azure does not say there, as far as we know.");
            let help = "It is shown as it stands, and nothing changes it but what `allowedOperations` allow.";
            let doubt = Diagnostic::warning(Code::PropertyWord, word.span.clone(), message);
            diagnostics.push(doubt.with_help(help));
        }
    }
}

/// What a body of any type is made of.
fn frame(body: &Node, diagnostics: &mut Diagnostics) {
    for key in ["properties", "tags", "sku"] {
        let Some(node) = body.get(key).filter(|node| !node.is_null()) else { continue };
        if node.map().is_none() {
            let message = format!("`{key}` must be a mapping, and this is {}.", shown(node));
            diagnostics.push(Diagnostic::error(Code::PropertyKind, node.span.clone(), message));
        }
    }
}

/// A type that is one slip away from one that there is.
fn unknown_type(placed: &PlacedBody<'_>, kind: &str, diagnostics: &mut Diagnostics) {
    let lower = kind.to_ascii_lowercase();
    let known: Vec<String> = shape::types().map(str::to_ascii_lowercase).collect();
    let near = known
        .iter()
        .map(|other| (strsim::damerau_levenshtein(&lower, other), other))
        .filter(|(distance, _)| *distance <= 2)
        .min();
    if let Some(meant) = near.and_then(|(_, near)| shape::of(near)) {
        let message = format!("Azure has no type {kind}, as far as we know.");
        diagnostics.push(
            Diagnostic::warning(Code::UnknownType, placed.at.clone(), message)
                .with_help(format!("Did you mean {}?", meant.name)),
        );
    }
}

struct BodyCheck<'c> {
    shape: &'static TypeShape,
    rules: &'static [BodyRule],
    diagnostics: &'c mut Diagnostics,
    name: &'c str,
}

impl BodyCheck<'_> {
    fn say(&mut self, code: Code, span: &Span, message: String, help: Option<String>) {
        let mut diagnostic = Diagnostic::error(code, span.clone(), message);
        diagnostic.help = help;
        self.diagnostics.push(diagnostic);
    }

    fn mapping(&mut self, node: &Node, path: &str) {
        for (key, value) in node.map().unwrap_or_default() {
            let below = format!("{path}/{}", key.text);
            match self.shape.at(&below) {
                Some(shape) => self.value(value, shape, &below),
                // What Azure has come to say since, or said once.
                None if self.shape.had(&below) || is_everywhere(&below) => {}
                None => {
                    let word = key.text.as_str();
                    let shown: String = word.chars().take(60).collect();
                    let known = self.shape.keys(path);
                    let same = self.shape.keys(path).find(|own| own.eq_ignore_ascii_case(word));
                    let message = format!(
                        "{} has no property `{shown}`, as far as we know.",
                        self.shape.name
                    );
                    let mut diagnostic =
                        Diagnostic::warning(Code::UnknownProperty, key.span.clone(), message);
                    let meant = same.or_else(|| did_you_mean(word, known));
                    diagnostic.help = meant.map(|meant| format!("Did you mean `{meant}`?"));
                    self.diagnostics.push(diagnostic);
                }
            }
        }
    }

    fn value(&mut self, node: &Node, shape: &PropertyShape, path: &str) {
        if node.is_null() {
            return;
        }
        let key = path.rsplit('/').find(|part| *part != "*").unwrap_or_default().to_owned();
        let mut not = |what: &str, help: Option<&str>| {
            let message = format!("`{key}` must be {what}, and this is {}.", shown(node));
            self.say(Code::PropertyKind, &node.span, message, help.map(str::to_owned));
        };
        match shape {
            PropertyShape::Any => {}
            PropertyShape::Object => match node.map() {
                Some(_) => self.mapping(node, path),
                None => not("a mapping", None),
            },
            PropertyShape::List | PropertyShape::Children(_) => match &node.value {
                NodeValue::List(items) => {
                    let below = format!("{path}/*");
                    if let (PropertyShape::List, Some(inner)) = (shape, self.shape.at(&below)) {
                        items.iter().for_each(|item| self.value(item, inner, &below));
                    } else if matches!(shape, PropertyShape::Children(_)) {
                        for item in items.iter().filter(|item| item.map().is_none()) {
                            let message =
                                format!("`{key}` has mappings, and this is {}.", shown(item));
                            self.say(Code::PropertyKind, &item.span, message, None);
                        }
                    }
                }
                NodeValue::Scalar { .. } => not("a list", Some("Write it in brackets: [ … ].")),
                NodeValue::Map(_) => not("a list", Some("Write `- ` before it.")),
            },
            PropertyShape::Number => match json(node) {
                Value::Number(number) => self.range(&number, path, &key, &node.span),
                Value::String(text) if text.parse::<f64>().is_ok() => {
                    not("a number", Some("Leave the quotes out."));
                }
                _ => not("a number", None),
            },
            PropertyShape::Bool if json(node).is_boolean() => {}
            PropertyShape::Bool => not("true or false", None),
            PropertyShape::Text(words) => match json(node) {
                Value::String(text) => {
                    self.word(&text, words, &key, &node.span);
                    self.place(&text, &key, &node.span);
                    self.text(&text, path, &key, &node.span);
                }
                Value::Number(_) | Value::Bool(_) => not("a text", Some("Put it into quotes.")),
                _ => not("a text", None),
            },
        }
    }

    fn range(&mut self, number: &serde_json::Number, path: &str, key: &str, span: &Span) {
        let bounds = self.rules.iter().find_map(|rule| match rule {
            BodyRule::Bounds(own, min, max) if *own == path => Some((*min, *max)),
            _ => None,
        });
        let Some((min, max)) = bounds else { return };
        if !number.as_u64().is_some_and(|number| (min..=max).contains(&number)) {
            let message = format!("`{key}` must be {min} to {max}, and this is {number}.");
            self.say(Code::BadValue, span, message, None);
        }
    }

    /// A word that Azure does not have there: a newer api-version may, so it is a doubt.
    fn word(&mut self, text: &str, words: &[&str], key: &str, span: &Span) {
        if words.is_empty() || words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            return;
        }
        let shown: String = text.chars().take(60).collect();
        let message =
            format!("`{key}` is `{shown}`, which Azure does not say there, as far as we know.");
        let help = match did_you_mean(text, words.iter().copied()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("It has {}.", words.join(", ")),
        };
        self.diagnostics
            .push(Diagnostic::warning(Code::PropertyWord, span.clone(), message).with_help(help));
    }

    /// A peering location that is one of Azure's but for a letter or two. New ones come, so what is like none is no doubt.
    fn place(&mut self, text: &str, key: &str, span: &Span) {
        if key != "peeringLocation" || geography::location(text, None).is_some() {
            return;
        }
        let known = geography::LOCATIONS.iter().map(|own| own.name);
        let Some(meant) = did_you_mean(text, known) else { return };
        let shown: String = text.chars().take(60).collect();
        let message =
            format!("`peeringLocation` is `{shown}`, which Azure has not, as far as we know.");
        let help = format!("Did you mean `{meant}`?");
        self.diagnostics
            .push(Diagnostic::warning(Code::PropertyWord, span.clone(), message).with_help(help));
    }

    fn text(&mut self, text: &str, path: &str, key: &str, span: &Span) {
        let says = |rule: &&BodyRule| match rule {
            BodyRule::Prefix(own) | BodyRule::Address(own) | BodyRule::Destination(own) => {
                *own == path
            }
            BodyRule::Bounds(..) | BodyRule::Needs(_) => false,
        };
        let rule = self.rules.iter().find(says);
        if matches!(rule, Some(BodyRule::Prefix(_))) {
            match text.parse::<IpNet>() {
                Err(_) => {
                    let message = format!(
                        "`{key}` must be an address prefix such as 10.1.0.0/24, and this is `{text}`."
                    );
                    self.say(Code::BadValue, span, message, None);
                }
                Ok(prefix) if prefix.addr() != prefix.network() => {
                    let message = format!("`{key}` has host bits set: {prefix}.");
                    self.say(
                        Code::HostBits,
                        span,
                        message,
                        Some(format!("Write {}.", prefix.trunc())),
                    );
                }
                Ok(_) => {}
            }
        } else if matches!(rule, Some(BodyRule::Address(_)))
            && !text.is_empty()
            && text.parse::<std::net::IpAddr>().is_err()
        {
            let message =
                format!("`{key}` must be an address such as 10.10.10.10, and this is `{text}`.");
            self.say(Code::BadValue, span, message, None);
        } else if matches!(rule, Some(BodyRule::Destination(_)))
            && text.parse::<IpNet>().is_err()
            && (text.contains('/') || Destination::parse(text).is_none())
        {
            let message = format!(
                "`{key}` must be an address prefix or a service tag such as AzureMonitor, and this is `{text}`."
            );
            self.say(Code::BadValue, span, message, None);
        }
    }

    fn needed(&mut self, placed: &PlacedBody<'_>) {
        let has = |path: &str| {
            let mut parts = path.split('/').skip(1);
            parts.try_fold(placed.body, |node, part| node.get(part)).is_some_and(|n| !n.is_null())
        };
        for rule in self.rules {
            let BodyRule::Needs(paths) = rule else { continue };
            if paths.iter().any(|path| has(path)) {
                continue;
            }
            let names: Vec<String> = paths
                .iter()
                .map(|path| format!("`{}`", path.trim_start_matches('/').replace('/', ".")))
                .collect();
            let message = format!(
                "`{}` has no {}, and no {} is without.",
                self.name,
                names.join(" and no "),
                self.shape.name,
            );
            self.diagnostics.push(
                Diagnostic::error(Code::MissingProperty, placed.at.clone(), message)
                    .with_help("Write it as Azure's GET shows it."),
            );
        }
    }
}

/// What any resource may say, whatever its type.
fn is_everywhere(path: &str) -> bool {
    let all = [
        "/id",
        "/name",
        "/type",
        "/etag",
        "/location",
        "/tags",
        "/kind",
        "/zones",
        "/identity",
        "/plan",
        "/sku",
        "/managedBy",
        "/systemData",
        "/extendedLocation",
        "/apiVersion",
        "/scale",
        "/properties/provisioningState",
        "/properties/resourceGuid",
    ];
    all.contains(&path)
}

fn shown(node: &Node) -> String {
    match &node.value {
        NodeValue::Scalar { text, .. } => {
            let short: String = text.chars().take(60).collect();
            format!("`{short}`")
        }
        NodeValue::List(_) | NodeValue::Map(_) => node.kind().to_owned(),
    }
}
