//! Which steps does the runbook mean? Loops unrolled, actions typed, needs and conditions resolved.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::actions;
use super::reader::{Fields, Read, Reader};
use super::scope::{Meaning, Scope, StepFacts};
use crate::model::time::parse_duration;
use crate::model::{Action, Condition, OnFailure, Prose, RetryPolicy, SagaClass, Step, StepName};
use crate::runbook::expr::parse_template;
use crate::runbook::grammar::{self, Kind, ON_FAILURE, RETRY, STEP, UNDO};
use crate::runbook::{Code, Key, Node, NodeValue, Span, did_you_mean};

/// How long a step may take that says nothing: longer than any gateway was seen to take.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(90 * 60);

/// What steps have that say nothing else.
#[derive(Debug, Clone)]
pub(super) struct Defaults {
    pub(super) timeout: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) on_failure: OnFailure,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            timeout: TIMEOUT_DEFAULT,
            retry: RetryPolicy::default(),
            on_failure: OnFailure::default(),
        }
    }
}

/// A step as written, one turn of a loop each.
pub(super) struct Turn<'a> {
    pub(super) name: StepName,
    key: &'a Key,
    fields: Fields<'a>,
    action: String,
    each: Option<(String, Value)>,
}

/// A step and where it stands.
pub(super) struct Placed {
    pub(super) step: Step,
    pub(super) span: Span,
}

/// Unrolls the loops; steps that cannot be read are marked as broken in the scope.
pub(super) fn unroll<'a>(
    reader: &mut Reader<'_>,
    node: &'a Node,
    scope: &mut Scope,
) -> Vec<Turn<'a>> {
    let mut turns = Vec::new();
    for (key, node) in node.map().unwrap_or_default() {
        scope.steps.insert(key.text.clone(), StepFacts::Broken);
        let named = reader.name(key, "a step");
        let Some(fields) = reader.fields(node, STEP, &format!("Step `{}`", key.text)) else {
            continue;
        };
        let Some((_, action_node)) = fields.get("action") else {
            continue;
        };
        let Some(action) = reader.text(action_node, "`action`") else {
            continue;
        };
        if grammar::action(&action).is_none() {
            let names = grammar::ACTIONS.iter().map(|(name, _, _)| *name);
            let help = match did_you_mean(&action, names.clone()) {
                Some(meant) => format!("Did you mean `{meant}`?"),
                None => format!("There are {}.", names.collect::<Vec<_>>().join(", ")),
            };
            let message = format!("There is no action `{action}`.");
            reader.error_with(Code::UnknownAction, &action_node.span, message, help);
            continue;
        }
        let Some(each) = each_of(reader, &fields, scope) else {
            continue;
        };
        if !named {
            continue;
        }
        let Ok(base) = StepName::parse(&key.text) else {
            continue;
        };
        match each {
            None => {
                scope.steps.insert(key.text.clone(), StepFacts::Later);
                turns.push(Turn { name: base, key, fields, action, each: None });
            }
            Some(items) => {
                scope.steps.remove(&key.text);
                let mut names = Vec::new();
                for (turn, value) in items {
                    let name = format!("{}.{turn}", key.text);
                    let Ok(name) = StepName::parse(&name) else {
                        continue;
                    };
                    names.push(name.to_string());
                    scope.steps.insert(name.to_string(), StepFacts::Later);
                    turns.push(Turn {
                        name,
                        key,
                        fields: fields.clone(),
                        action: action.clone(),
                        each: Some((turn, value)),
                    });
                }
                scope.loops.insert(key.text.clone(), names);
            }
        }
    }
    turns
}

/// The turns of a loop: keys and values. Outer none: wrong, and said.
#[expect(clippy::option_option, reason = "wrong, no loop, and a loop are three things")]
fn each_of(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    scope: &Scope,
) -> Option<Option<Vec<(String, Value)>>> {
    let Some((_, node)) = fields.get("each") else {
        return Some(None);
    };
    let Read::Value(value) = reader.value(node, &Kind::Any, scope, "`each`")? else {
        return None;
    };
    let items: Vec<(String, Value)> = match value {
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(place, item)| {
                let key = item.get("key").or(Some(&item)).and_then(Value::as_str);
                (key.map_or_else(|| place.to_string(), str::to_owned), item)
            })
            .collect(),
        Value::Object(object) => object.into_iter().collect(),
        _ => {
            let message = "`each` must be a list or a mapping.";
            reader.error(Code::WrongKind, &node.span, message);
            return None;
        }
    };
    let legal = |key: &str| {
        !key.is_empty()
            && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let mut seen = std::collections::BTreeSet::new();
    for (key, _) in &items {
        if !legal(key) || !seen.insert(key.clone()) {
            let message = format!(
                "`{key}` cannot be the key of a turn: keys are unique and of a-z, 0-9 and _."
            );
            let help = "Give each element a field `key`.";
            reader.error_with(Code::BadName, &node.span, message, help);
            return None;
        }
    }
    Some(Some(items))
}

/// Types the actions, each after those it refers to.
pub(super) fn type_actions(
    reader: &mut Reader<'_>,
    turns: &[Turn<'_>],
    scope: &mut Scope,
) -> BTreeMap<StepName, Action> {
    let mut actions = BTreeMap::new();
    let mut waiting: Vec<&Turn<'_>> = turns.iter().collect();
    while !waiting.is_empty() {
        let is_later = |name: &str| matches!(scope.steps.get(name), Some(StepFacts::Later));
        let (ready, later): (Vec<_>, Vec<_>) = waiting
            .iter()
            .copied()
            .partition(|turn| !references(turn).iter().any(|name| is_later(name)));
        if ready.is_empty() {
            for turn in &later {
                let message = format!(
                    "Step `{}` and the steps it refers to refer to one another.",
                    turn.name
                );
                reader.error(Code::Cycle, &turn.key.span, message);
                scope.steps.insert(turn.name.to_string(), StepFacts::Broken);
            }
            break;
        }
        for turn in ready {
            scope.each.clone_from(&turn.each);
            let fact = match type_action(reader, turn, scope) {
                Some(action) => {
                    let (id, outputs) = (action.subject().cloned(), action.outputs());
                    actions.insert(turn.name.clone(), action);
                    StepFacts::Known { id, outputs }
                }
                None => StepFacts::Broken,
            };
            scope.steps.insert(turn.name.to_string(), fact);
        }
        waiting = later;
    }
    scope.each = None;
    actions
}

fn type_action(reader: &mut Reader<'_>, turn: &Turn<'_>, scope: &Scope) -> Option<Action> {
    let fields = grammar::action(&turn.action)?;
    match turn.fields.get("with") {
        Some((_, with)) => actions::read(reader, &turn.action, fields, with, scope),
        None => {
            let required = fields.iter().find(|field| field.required)?;
            let message = format!("`{}` needs `with`, and in it `{}`.", turn.action, required.key);
            reader.error(Code::MissingKey, &turn.key.span, message);
            None
        }
    }
}

/// The steps that the values under `with` refer to.
fn references(turn: &Turn<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if let Some((_, with)) = turn.fields.get("with") {
        collect(with, &mut found);
    }
    found
}

fn collect(node: &Node, found: &mut Vec<String>) {
    match &node.value {
        NodeValue::Scalar { text, .. } => {
            if let Ok(template) = parse_template(text, &node.span) {
                found.extend(template.steps().into_iter().map(str::to_owned));
            }
        }
        NodeValue::List(items) => items.iter().for_each(|item| collect(item, found)),
        NodeValue::Map(entries) => entries.iter().for_each(|(_, node)| collect(node, found)),
    }
}

/// Finishes a step: everything but its action.
pub(super) fn finish(
    reader: &mut Reader<'_>,
    turn: &Turn<'_>,
    action: Action,
    scope: &mut Scope,
    defaults: &Defaults,
) -> Placed {
    scope.each.clone_from(&turn.each);
    let title = match turn.fields.get("title") {
        Some((_, node)) => templated(reader, node, scope, "`title`").unwrap_or_default(),
        None => turn.name.as_str().replace(['_', '.'], " "),
    };
    let needs = needs(reader, turn, scope);
    let when = turn.fields.get("when").and_then(|(_, node)| reader.condition(node, scope));
    scope.own = Some(turn.name.to_string());
    let ensure = conditions(reader, turn, scope);
    scope.own = None;
    let prose = |reader: &mut Reader<'_>, key: &str| {
        let (_, node) = turn.fields.get(key)?;
        templated(reader, node, scope, key).map(|text| text.trim().to_owned())
    };
    let step = Step {
        name: turn.name.clone(),
        title,
        needs,
        action,
        when,
        ensure,
        timeout: duration(reader, &turn.fields, "timeout", scope).unwrap_or(defaults.timeout),
        retry: retry(reader, &turn.fields, scope).unwrap_or_else(|| defaults.retry.clone()),
        on_failure: on_failure(reader, &turn.fields, scope).unwrap_or(defaults.on_failure),
        saga: saga(reader, &turn.fields, scope),
        prose: Prose {
            why: prose(reader, "why"),
            by_hand: prose(reader, "by_hand"),
            looks_good: prose(reader, "looks_good"),
            call: prose(reader, "call"),
        },
    };
    Placed { step, span: turn.key.span.clone() }
}

fn templated(reader: &mut Reader<'_>, node: &Node, scope: &Scope, what: &str) -> Option<String> {
    match reader.value(node, &Kind::Text, scope, what)? {
        Read::Value(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn conditions(reader: &mut Reader<'_>, turn: &Turn<'_>, scope: &Scope) -> Vec<Condition> {
    match turn.fields.get("ensure").map(|(_, node)| *node) {
        None => Vec::new(),
        Some(Node { value: NodeValue::List(items), .. }) => {
            items.iter().filter_map(|item| reader.condition(item, scope)).collect()
        }
        Some(node) => reader.condition(node, scope).into_iter().collect(),
    }
}

/// The needs: a loop's name stands for all its turns.
fn needs(reader: &mut Reader<'_>, turn: &Turn<'_>, scope: &Scope) -> Vec<StepName> {
    let Some((_, node)) = turn.fields.get("needs") else {
        return Vec::new();
    };
    let items: Vec<&Node> = match &node.value {
        NodeValue::List(items) => items.iter().collect(),
        NodeValue::Scalar { .. } | NodeValue::Map(_) => vec![*node],
    };
    let mut needs = Vec::new();
    for item in items {
        let Some(text) = reader.text(item, "`needs`") else {
            continue;
        };
        let Some(template) = reader.template(&text, &item.span) else {
            continue;
        };
        let name = match scope.template(&template) {
            Ok(Meaning::Value(Value::String(name))) => name,
            Ok(_) => continue,
            Err(problem) => {
                reader.problem(&item.span, problem);
                continue;
            }
        };
        if let Some(turns) = scope.loops.get(&name) {
            needs.extend(turns.iter().filter_map(|name| StepName::parse(name).ok()));
            continue;
        }
        if scope.steps.contains_key(&name)
            && let Ok(name) = StepName::parse(&name)
        {
            needs.push(name);
            continue;
        }
        let known = scope.steps.keys().chain(scope.loops.keys()).map(String::as_str);
        let message = format!("Step `{}` needs `{name}`, which is not a step.", turn.name);
        let help = match did_you_mean(&name, known.clone()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("There are {}.", known.take(12).collect::<Vec<_>>().join(", ")),
        };
        reader.error_with(Code::UnknownStep, &item.span, message, help);
    }
    let mut seen = std::collections::BTreeSet::new();
    needs.retain(|need| seen.insert(need.clone()));
    needs
}

/// A duration under a key.
pub(super) fn duration(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    key: &'static str,
    scope: &Scope,
) -> Option<Duration> {
    let (_, node) = fields.get(key)?;
    match reader.value(node, &Kind::Duration, scope, &format!("`{key}`"))? {
        Read::Value(Value::String(text)) => parse_duration(&text).ok(),
        _ => None,
    }
}

pub(super) fn retry(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    scope: &Scope,
) -> Option<RetryPolicy> {
    let (_, node) = fields.get("retry")?;
    let fields = reader.fields(node, RETRY, "`retry`")?;
    let default = RetryPolicy::default();
    let attempts = fields.get("attempts").and_then(|(_, node)| {
        match reader.value(node, &Kind::Int(1, 100), scope, "`attempts`")? {
            Read::Value(value) => u32::try_from(value.as_u64()?).ok(),
            Read::Secret(_) => None,
        }
    });
    Some(RetryPolicy {
        attempts: attempts.unwrap_or(default.attempts),
        delay: duration(reader, &fields, "delay", scope).unwrap_or(default.delay),
        delay_max: duration(reader, &fields, "delay_max", scope).unwrap_or(default.delay_max),
    })
}

fn word(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    key: &'static str,
    words: &'static [&'static str],
    scope: &Scope,
) -> Option<String> {
    let (_, node) = fields.get(key)?;
    match reader.value(node, &Kind::OneOf(words), scope, &format!("`{key}`"))? {
        Read::Value(Value::String(word)) => Some(word),
        _ => None,
    }
}

pub(super) fn on_failure(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    scope: &Scope,
) -> Option<OnFailure> {
    word(reader, fields, "on_failure", ON_FAILURE, scope).map(|word| match word.as_str() {
        "continue" => OnFailure::Continue,
        "ask" => OnFailure::Ask,
        "undo" => OnFailure::Undo,
        _ => OnFailure::Stop,
    })
}

fn saga(reader: &mut Reader<'_>, fields: &Fields<'_>, scope: &Scope) -> SagaClass {
    match word(reader, fields, "undo", UNDO, scope).as_deref() {
        Some("keep") => SagaClass::Retriable,
        Some("pivot") => SagaClass::Pivot,
        _ => SagaClass::Undoable,
    }
}
