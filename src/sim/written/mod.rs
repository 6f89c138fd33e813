//! What does a world file say? Its text to a [`Scenario`], with every mistake named at once, where it stands.
//!
//! The same reader as a runbook's: a tree with positions, a table of what may stand where (`grammar`), and
//! [`Diagnostics`]. What only a world can get wrong is said here: bodies that Azure would not have, ids that
//! lead nowhere, faults that can never strike.

mod bodies;
mod defaults;
mod extend;
mod grammar;
mod links;
mod shape;
mod unplayed;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::bad_day::BadDay;
use super::fault::{Fault, FaultEffect};
use super::network::doubts;
use super::scenario::Scenario;
use crate::model::ResourceId;
use crate::runbook::grammar::Kind;
use crate::runbook::literal;
use crate::runbook::{Code, Diagnostic, Diagnostics, Node, SourceFile, schema_of, tree};
use links::{WorldNames, items};

/// A world file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadWorld {
    /// Its text, with those of the worlds that it extends.
    pub source: SourceFile,
    /// What is wrong with it, and what is doubtful.
    pub diagnostics: Diagnostics,
    /// What it says; nothing where something is wrong.
    pub scenario: Option<Scenario>,
}

/// Reads a world; `open` gives the text of one that it extends.
#[must_use]
pub fn read_world(
    mut source: SourceFile,
    open: &dyn Fn(&str) -> Result<SourceFile, String>,
) -> ReadWorld {
    let mut diagnostics = Diagnostics::default();
    let own = source.own();
    let root = extend::whole(&mut source, own, open, 0, &mut diagnostics);
    let scenario = root.and_then(|root| mean(&root, &mut diagnostics));
    let scenario = scenario.filter(|_| !diagnostics.has_errors());
    ReadWorld { source, diagnostics, scenario }
}

/// What a tree means, as far as nothing is wrong with it.
fn mean(root: &Node, diagnostics: &mut Diagnostics) -> Option<Scenario> {
    let mut value = literal::object(root, grammar::WORLD, "The world", diagnostics);
    root.map()?;
    let placed = match root.get("resources") {
        Some(list) => bodies::placed(list, diagnostics),
        None => Vec::new(),
    };
    let known = WorldNames::of(root, &placed);
    for one in &placed {
        bodies::check(one, diagnostics);
        links::check_references(one, &known, diagnostics);
        links::check_subnets(one, diagnostics);
        unplayed::check(one, diagnostics);
    }
    links::check_family(&placed, &known, diagnostics);
    impossible(&placed, diagnostics);
    links::check_onprem(root, &known, diagnostics);
    links::check_regions(root.get("regions_down"), &known, diagnostics);
    for policy in items(root.get("policies")) {
        links::check_regions(policy.get("locations"), &known, diagnostics);
    }
    links::check_events(root, &known, diagnostics);
    links::check_others(root, &known, diagnostics);
    groups(root, diagnostics);
    faults(root, Some(&known), diagnostics);
    let value = value.as_mut()?;
    defaults::fill(value, &placed);
    meant(root, value.take(), diagnostics)
}

/// Doubts what Azure never has beside one another.
fn impossible(placed: &[bodies::PlacedBody<'_>], diagnostics: &mut Diagnostics) {
    let by_key: BTreeMap<&str, &bodies::PlacedBody<'_>> =
        placed.iter().map(|one| (one.id.key(), one)).collect();
    let body =
        |id: &ResourceId| by_key.get(id.key()).map_or(Value::Null, |one| literal::json(one.body));
    for doubt in doubts(placed.iter().map(|one| &one.id), body) {
        let Some(one) = by_key.get(doubt.id.key()) else { continue };
        diagnostics.push(
            Diagnostic::warning(Code::Impossible, one.at.clone(), doubt.message)
                .with_help(doubt.help),
        );
    }
}

/// A value as its type; the table and the type say the same, so this does not fail, and says so if it does.
fn meant<T: DeserializeOwned>(
    root: &Node,
    value: Value,
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    if diagnostics.has_errors() {
        return None;
    }
    match serde_json::from_value(value) {
        Ok(read) => Some(read),
        Err(error) => {
            let message = format!("This cannot be used: {error}.");
            diagnostics.push(Diagnostic::error(Code::BadValue, root.span.clone(), message));
            None
        }
    }
}

/// Groups are named by ids of their own.
fn groups(root: &Node, diagnostics: &mut Diagnostics) {
    for group in items(root.get("resource_groups")) {
        let Some(node) = group.get("id") else { continue };
        let text = bodies::text_of(node).unwrap_or_default();
        let parts: Vec<&str> = text.split('/').collect();
        let good = match parts.as_slice() {
            ["", one, id, two, name] => {
                one.eq_ignore_ascii_case("subscriptions")
                    && two.eq_ignore_ascii_case("resourceGroups")
                    && !id.is_empty()
                    && !name.is_empty()
            }
            _ => false,
        };
        if !good {
            let message = format!("The resource group's id `{text}` is none.");
            diagnostics.push(
                Diagnostic::error(Code::BadValue, node.span.clone(), message)
                    .with_help("Write /subscriptions/{id}/resourceGroups/{name}."),
            );
        }
    }
}

/// Says which faults can never strike, each at the key that keeps it from it.
fn faults(of: &Node, known: Option<&WorldNames>, diagnostics: &mut Diagnostics) {
    let none = std::collections::BTreeSet::new();
    for node in items(of.get("faults")) {
        let Some(fault) = as_far_as_read(node) else { continue };
        let subscriptions = known.map_or(&none, |known| &known.subscriptions);
        for (key, why) in fault.mistakes(subscriptions) {
            let span = node.get(key).map_or(node.span.clone(), |node| node.span.clone());
            let message = format!("This fault can never strike: {why}.");
            diagnostics.push(
                Diagnostic::error(Code::NeverStrikes, span, message)
                    .with_help("A drill with it would prove what it never tried."),
            );
        }
    }
}

/// A fault; where something of it cannot be read, which was said already, what it is about.
fn as_far_as_read(node: &Node) -> Option<Fault> {
    let mut unsaid = Diagnostics::default();
    if let Some(value) = literal::value(node, &grammar::FAULT, "A fault", &mut unsaid) {
        return serde_json::from_value(value).ok();
    }
    let text = |key: &str| node.get(key).and_then(bodies::text_of);
    Some(Fault::new(text("method"), text("resource")?, 1, FaultEffect::Html))
}

/// Bad days that were read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadBadDays {
    /// What is wrong with them, and what is doubtful.
    pub diagnostics: Diagnostics,
    /// What they say; nothing where something is wrong.
    pub days: Option<Vec<BadDay>>,
}

/// Reads a file of bad days.
#[must_use]
pub fn read_bad_days(source: &SourceFile) -> ReadBadDays {
    let mut diagnostics = Diagnostics::default();
    let days = tree::read(source, &mut diagnostics).and_then(|root| {
        let value = literal::value(&root, &grammar::BAD_DAYS, "The file", &mut diagnostics);
        let mut names: Vec<&str> = Vec::new();
        for day in items(Some(&root)) {
            faults(day, None, &mut diagnostics);
            items(day.get("events")).iter().for_each(|event| links::idle(event, &mut diagnostics));
            let Some(node) = day.get("name") else { continue };
            let name = bodies::text_of(node).unwrap_or_default();
            if names.contains(&name) {
                let message = format!("The bad day `{name}` stands twice.");
                diagnostics.push(Diagnostic::error(Code::Twice, node.span.clone(), message));
            }
            names.push(name);
            let does = ["faults", "events", "outage", "target_out"];
            if !does.iter().any(|key| day.get(key).is_some_and(|node| !node.is_null())) {
                let message = format!("Nothing happens on the day `{name}`.");
                diagnostics.push(
                    Diagnostic::error(Code::NeverStrikes, day.span.clone(), message)
                        .with_help("Give it faults, events, an outage or a `target_out`."),
                );
            }
        }
        meant(&root, value?, &mut diagnostics)
    });
    ReadBadDays { diagnostics, days }
}

/// The JSON Schema of worlds.
#[must_use]
pub fn world_schema() -> Value {
    let mut schema = schema_of("backroad world", &Kind::Object(grammar::WORLD));
    // A world that changes another has that one's resources.
    schema["required"] = json!(["world"]);
    schema["anyOf"] = json!([{ "required": ["resources"] }, { "required": ["extends"] }]);
    schema["dependentRequired"] = json!({ "without": ["extends"] });
    schema
}

/// The JSON Schema of files of bad days.
#[must_use]
pub fn bad_days_schema() -> Value {
    schema_of("backroad bad days", &grammar::BAD_DAYS)
}

/// The keys of worlds and bad days, by which a file is told from others.
pub fn world_keys() -> impl Iterator<Item = &'static str> {
    grammar::WORLD.iter().map(|field| field.key)
}
