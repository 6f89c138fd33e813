//! Which steps are written? Loops unrolled into rounds, each an action or a used runbook.

use serde_json::Value;

use super::reader::{Fields, Read, Reader};
use super::scope::{Scope, StepFacts};
use crate::model::tags::{TAGS_MAX, Tags, add_below};
use crate::model::{Action, StepName};
use crate::runbook::actions;
use crate::runbook::grammar::{Kind, STEP};
use crate::runbook::{Code, Key, Node, did_you_mean};

/// A step as written, one round of a loop each.
pub(super) struct LoopRound<'a> {
    pub(super) name: StepName,
    pub(super) key: &'a Key,
    pub(super) fields: Fields<'a>,
    pub(super) what: What,
    pub(super) each: Option<(String, Value)>,
}

/// What stands in a step's place.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// An action, by its name.
    Action(String),
    /// The steps of another runbook, by its path.
    Part(String),
}

/// Unrolls the loops; steps that cannot be read are marked as broken in the scope.
pub(super) fn unroll<'a>(
    reader: &mut Reader<'_>,
    node: &'a Node,
    scope: &mut Scope,
) -> Vec<LoopRound<'a>> {
    let mut rounds = Vec::new();
    for (key, node) in node.map().unwrap_or_default() {
        scope.steps.insert(key.text.clone(), StepFacts::Broken);
        let named = reader.name(key, "a step");
        let Some(fields) = reader.fields(node, STEP, &format!("Step `{}`", key.text)) else {
            continue;
        };
        let Some(what) = what_of(reader, key, &fields) else {
            continue;
        };
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
                rounds.push(LoopRound { name: base, key, fields, what, each: None });
            }
            Some(items) => {
                scope.steps.remove(&key.text);
                let mut names = Vec::new();
                for (round, value) in items {
                    let name = format!("{}.{round}", key.text);
                    let Ok(name) = StepName::parse(&name) else {
                        continue;
                    };
                    names.push(name.to_string());
                    scope.steps.insert(name.to_string(), StepFacts::Later);
                    rounds.push(LoopRound {
                        name,
                        key,
                        fields: fields.clone(),
                        what: what.clone(),
                        each: Some((round, value)),
                    });
                }
                scope.loops.insert(key.text.clone(), names);
            }
        }
    }
    rounds
}

/// Whether a step is an action of ours, or uses another runbook.
fn what_of(reader: &mut Reader<'_>, key: &Key, fields: &Fields<'_>) -> Option<What> {
    let what = match (fields.get("action"), fields.get("use")) {
        (Some((_, node)), None) => What::Action(reader.text(node, "`action`")?),
        (None, Some((_, node))) => What::Part(reader.text(node, "`use`")?),
        (Some(_), Some((second, _))) => {
            let message = format!("Step `{}` has `action` and `use`; it can be one.", key.text);
            reader.error(Code::UnknownKey, &second.span, message);
            return None;
        }
        (None, None) => {
            let message =
                format!("Step `{}` needs the key `action`: What it asks of the world.", key.text);
            reader.error(Code::MissingKey, &key.span, message);
            return None;
        }
    };
    let What::Action(action) = &what else {
        return Some(what);
    };
    if actions::action(action).is_none() {
        let names = actions::ACTIONS.iter().map(|(name, _, _)| *name);
        let help = match did_you_mean(action, names.clone()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("There are {}.", names.collect::<Vec<_>>().join(", ")),
        };
        let message = format!("There is no action `{action}`.");
        let span = fields.get("action").map_or(0..0, |(_, node)| node.span.clone());
        reader.error_with(Code::UnknownAction, &span, message, help);
        return None;
    }
    Some(what)
}

/// The rounds of a loop: keys and values. Outer none: wrong, and said.
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
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
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
        let (message, help) = if !legal(key) {
            let message =
                format!("`{key}` cannot be the key of a turn: keys are of a-z, 0-9 and _.");
            (message, "Give each element a field `key`.")
        } else if !seen.insert(key.clone()) {
            let message =
                format!("Two elements have the key `{key}`: each turn's steps are named by it.");
            (message, "Give one of them another `key`.")
        } else {
            continue;
        };
        reader.error_with(Code::BadName, &node.span, message, help);
        return None;
    }
    Some(Some(items))
}

/// A resource has the tags of the runbook as well.
pub(super) fn add_tags(
    reader: &mut Reader<'_>,
    round: &LoopRound<'_>,
    action: &mut Action,
    defaults: &Tags,
) {
    if let Some(tags) = action.tags_mut() {
        add_below(tags, defaults);
        if tags.len() > TAGS_MAX {
            let message = format!(
                "With those of the runbook this has {} tags, and a resource has at \
                                     most {TAGS_MAX}.",
                tags.len()
            );
            reader.error(Code::ResourceTags, &round.key.span, message);
        }
    }
}
