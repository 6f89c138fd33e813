//! What does a used runbook stand for? Its steps, compiled with the parameters it is given.

use std::collections::BTreeMap;

use super::given::GivenValues;
use super::loops::LoopRound;
use super::params::{self, ParamSources};
use super::reader::{Read, Reader};
use super::scope::{Scope, StepFacts};
use super::steps::{self, Defaults, PlacedStep};
use crate::model::Condition;
use crate::runbook::grammar::{Kind, RUNBOOK};
use crate::runbook::{Code, Node, Span};

/// How deep runbooks may use one another; deeper is most likely one that uses itself.
const DEPTH_MAX: usize = 4;

/// The keys that a step has beside `use`; the others belong to the steps of the used runbook.
const KEYS: [&str; 5] = ["use", "with", "needs", "when", "each"];

/// The steps of a used runbook; none when something is wrong, which is said.
pub(super) fn expand(
    reader: &mut Reader<'_>,
    round: &LoopRound<'_>,
    path: &str,
    scope: &Scope,
    defaults: &Defaults,
) -> Option<Vec<PlacedStep>> {
    let span = round.fields.get("use").map_or(0..0, |(_, node)| node.span.clone());
    for (name, (key, _)) in &round.fields {
        if !KEYS.contains(name) {
            let message = format!("`{name}` has no meaning beside `use`.");
            let help = format!("A step that uses a runbook has {}.", KEYS.join(", "));
            reader.error_with(Code::UnknownKey, &key.span, message, help);
            return None;
        }
    }
    let all = reader.parts;
    let Some(root) = all.get(path) else {
        let why = reader.unread.get(path).map_or("it could not be read", String::as_str);
        let message = format!("The runbook `{path}` cannot be used: {why}.");
        let help = "The path is relative to the folder of the runbook that is compiled.";
        reader.error_with(Code::Part, &span, message, help);
        return None;
    };
    let prefix = scope.full(round.name.as_str())?;
    if prefix.as_str().matches('.').count() >= DEPTH_MAX {
        let message = format!("`{path}` is used {DEPTH_MAX} levels deep; does it use itself?");
        reader.error(Code::Part, &span, message);
        return None;
    }
    let bound = bound(reader, round, scope)?;
    let fields = reader.fields(root, RUNBOOK, "A runbook")?;
    let none = GivenValues::new();
    let values = ParamSources { profile: None, given: &none, bound: Some(&bound) };
    let params = params::read(reader, fields.get("params").map(|(_, node)| *node), &values);
    let mut scope = params.scope;
    scope.prefix = Some(prefix);
    let defaults = steps::defaults(reader, &fields, &scope, defaults.clone());
    let (_, node) = fields.get("steps")?;
    steps::compile(reader, node, &mut scope, &defaults)
}

/// What the step gives the used runbook, by parameter.
fn bound(
    reader: &mut Reader<'_>,
    round: &LoopRound<'_>,
    scope: &Scope,
) -> Option<BTreeMap<String, (Read, Span)>> {
    let mut bound = BTreeMap::new();
    let Some((_, with)) = round.fields.get("with") else {
        return Some(bound);
    };
    let Some(entries) = with.map() else {
        let message = format!("`with` must be a mapping, and this is {}.", with.kind());
        reader.error(Code::WrongKind, &with.span, message);
        return None;
    };
    let mut good = true;
    for (key, node) in entries {
        match value(reader, node, scope, &key.text) {
            Some(value) => {
                bound.insert(key.text.clone(), (value, node.span.clone()));
            }
            None => good = false,
        }
    }
    good.then_some(bound)
}

/// A value of any kind; a secret stays one.
fn value(reader: &mut Reader<'_>, node: &Node, scope: &Scope, key: &str) -> Option<Read> {
    if let Some(secret) = scope.secret_at(node) {
        return Some(Read::Secret(secret));
    }
    reader.value(node, &Kind::Any, scope, &format!("`{key}`"))
}

/// Makes the steps of a part known to the steps beside it.
pub(super) fn make_known(scope: &mut Scope, name: &str, part: &[PlacedStep]) {
    scope.steps.remove(name);
    let mut all = Vec::new();
    for PlacedStep { step, .. } in part {
        let full = step.name.as_str();
        // The name as it is seen from here: without what is in front of this runbook's own steps.
        let own = match &scope.prefix {
            Some(prefix) => full.get(prefix.as_str().len() + 1..).unwrap_or(full),
            None => full,
        };
        let (id, outputs) = super::scope::facts(&step.action);
        scope.steps.insert(own.to_owned(), StepFacts::Known { id, outputs });
        all.push(own.to_owned());
        // Loops and parts within it have names of their own.
        for (at, _) in own.match_indices('.') {
            let group = &own[..at];
            if group.len() > name.len() {
                scope.loops.entry(group.to_owned()).or_default().push(own.to_owned());
            }
        }
    }
    scope.loops.insert(name.to_owned(), all);
}

/// Puts the part where its step stands: after what that needs, and under its condition.
pub(super) fn finish(
    reader: &mut Reader<'_>,
    round: &LoopRound<'_>,
    mut part: Vec<PlacedStep>,
    scope: &mut Scope,
) -> Vec<PlacedStep> {
    scope.each.clone_from(&round.each);
    let needs = steps::needs(reader, round, scope);
    let when = round.fields.get("when").and_then(|(_, node)| reader.condition(node, scope));
    for PlacedStep { step, .. } in &mut part {
        // With a condition each step waits for what that reads; else those that begin the part.
        if step.needs.is_empty() || when.is_some() {
            let new = needs.iter().filter(|need| !step.needs.contains(need)).cloned();
            let new: Vec<_> = new.collect();
            step.needs.extend(new);
        }
        if let Some(outer) = &when {
            step.when = Some(match step.when.take() {
                Some(inner) => Condition::All(vec![outer.clone(), inner]),
                None => outer.clone(),
            });
        }
    }
    part
}
