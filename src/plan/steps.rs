//! Which steps does the runbook mean? Loops unrolled, actions typed, needs and conditions resolved.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::compile::object_fields;
use super::durations::{duration, limit};
use super::loops::{LoopRound, What, add_tags, unroll};
use super::reader::{Fields, Read, Reader, made_plain};
use super::scope::{Resolved, Scope, StepFacts};
use super::{actions, parts};
use crate::model::action::RecoveryMove;
use crate::model::action::{General, Outside};
use crate::model::id::is_plain_name;
use crate::model::tags::{TAGS_MAX, Tags, add_below};
use crate::model::time::format_duration;
use crate::model::{
    Action, Condition, OnFailure, Prose, RetryPolicy, SagaClass, Side, Step, StepName, limits,
};
use crate::runbook::expr::parse_template;
use crate::runbook::grammar::{Kind, ON_FAILURE, RETRY, SIDES, UNDO};
use crate::runbook::{Code, Node, NodeValue, Span, did_you_mean};

/// How long a step may take that says nothing: longer than any gateway was seen to take.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(90 * 60);

/// What steps have that say nothing else.
#[derive(Debug, Clone)]
pub(super) struct Defaults {
    pub(super) timeout: Duration,
    pub(super) retry: RetryPolicy,
    pub(super) on_failure: OnFailure,
    /// Tags of everything that the steps make.
    pub(super) tags: Tags,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            timeout: TIMEOUT_DEFAULT,
            retry: RetryPolicy::default(),
            on_failure: OnFailure::default(),
            tags: Tags::new(),
        }
    }
}

/// A step and where it stands.
#[derive(Debug)]
pub(super) struct PlacedStep {
    pub(super) step: Step,
    pub(super) span: Span,
}

/// What the rounds came to, by their names here.
#[derive(Debug, Default)]
pub(super) struct Typed {
    actions: BTreeMap<StepName, Action>,
    parts: BTreeMap<StepName, Vec<PlacedStep>>,
}

/// The steps under `steps`, whole; those of parts with their own names in front.
pub(super) fn compile(
    reader: &mut Reader<'_>,
    node: &Node,
    scope: &mut Scope,
    defaults: &Defaults,
) -> Option<Vec<PlacedStep>> {
    let NodeValue::Map(entries) = &node.value else {
        let message = format!("`steps` must be a mapping, and this is {}.", node.kind());
        reader.error(Code::WrongKind, &node.span, message);
        return None;
    };
    if entries.is_empty() {
        reader.error(Code::MissingKey, &node.span, "A runbook needs at least one step.");
        return None;
    }
    let rounds = unroll(reader, node, scope);
    let mut typed = type_actions(reader, &rounds, scope, defaults);
    let parts: usize = typed.parts.values().map(Vec::len).sum();
    if rounds.len() + parts > limits::STEPS_MAX {
        let count = rounds.len() + parts;
        let message = format!("{count} steps are more than the {} of a plan.", limits::STEPS_MAX);
        reader.error(Code::TooManySteps, &node.span, message);
        return None;
    }
    let mut placed = Vec::new();
    for round in &rounds {
        if let Some(steps) = typed.parts.remove(&round.name) {
            placed.extend(parts::finish(reader, round, steps, scope));
            continue;
        }
        // A step whose action is wrong is read all the same, for what else is wrong with it. The rules
        // see it too, as a step that writes nothing; there will be no plan.
        let nothing = Action::General(General::Wait { duration: Duration::ZERO });
        let action = typed.actions.remove(&round.name).unwrap_or(nothing);
        placed.push(finish(reader, round, action, scope, defaults));
    }
    Some(placed)
}

/// Types the actions, each after those it refers to.
fn type_actions(
    reader: &mut Reader<'_>,
    rounds: &[LoopRound<'_>],
    scope: &mut Scope,
    defaults: &Defaults,
) -> Typed {
    let mut typed = Typed::default();
    let mut waiting: Vec<&LoopRound<'_>> = rounds.iter().collect();
    while !waiting.is_empty() {
        let is_later = |name: &str| scope.is_later(name);
        let (ready, later): (Vec<_>, Vec<_>) = waiting
            .iter()
            .copied()
            .partition(|round| !references(round).iter().any(|name| is_later(name)));
        if ready.is_empty() {
            for round in &later {
                let message = format!(
                    "Step `{}` and the steps it refers to refer to one another.",
                    round.name
                );
                reader.error(Code::Cycle, &round.key.span, message);
                scope.steps.insert(round.name.to_string(), StepFacts::Broken);
            }
            break;
        }
        for round in ready {
            scope.each.clone_from(&round.each);
            let fact = match &round.what {
                What::Action(action) => match type_action(reader, round, action, scope) {
                    Some(mut action) => {
                        add_tags(reader, round, &mut action, &defaults.tags);
                        let (id, outputs) = super::scope::facts(&action);
                        typed.actions.insert(round.name.clone(), action);
                        StepFacts::Known { id, outputs }
                    }
                    None => StepFacts::Broken,
                },
                What::Part(path) => match parts::expand(reader, round, path, scope, defaults) {
                    Some(steps) => {
                        parts::make_known(scope, round.name.as_str(), &steps);
                        typed.parts.insert(round.name.clone(), steps);
                        continue;
                    }
                    None => StepFacts::Broken,
                },
            };
            scope.steps.insert(round.name.to_string(), fact);
        }
        waiting = later;
    }
    scope.each = None;
    typed
}

fn type_action(
    reader: &mut Reader<'_>,
    round: &LoopRound<'_>,
    action: &str,
    scope: &Scope,
) -> Option<Action> {
    let fields = crate::runbook::actions::action(action)?;
    match round.fields.get("with") {
        Some((_, with)) if matches!(action, "command" | "http") => {
            let scope = Scope { takes_in: true, ..scope.clone() };
            actions::read(reader, action, fields, with, &scope)
        }
        Some((_, with)) => actions::read(reader, action, fields, with, scope),
        None => {
            let required = fields.iter().find(|field| field.required)?;
            let message = format!("`{action}` needs `with`, and in it `{}`.", required.key);
            reader.error(Code::MissingKey, &round.key.span, message);
            None
        }
    }
}

/// The steps that the values under `with` refer to.
fn references(round: &LoopRound<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if let Some((_, with)) = round.fields.get("with") {
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
fn finish(
    reader: &mut Reader<'_>,
    round: &LoopRound<'_>,
    action: Action,
    scope: &mut Scope,
    defaults: &Defaults,
) -> PlacedStep {
    scope.each.clone_from(&round.each);
    let title = match round.fields.get("title") {
        Some((_, node)) => templated(reader, node, scope, "`title`").unwrap_or_default(),
        None => round.name.as_str().replace(['_', '.'], " "),
    };
    let needs = needs(reader, round, scope);
    let when = round.fields.get("when").and_then(|(_, node)| reader.condition(node, scope));
    scope.own = Some(round.name.to_string());
    let ensure = conditions(reader, round, scope);
    scope.own = None;
    let prose = |reader: &mut Reader<'_>, key: &str| {
        let (_, node) = round.fields.get(key)?;
        templated(reader, node, scope, key).map(|text| text.trim().to_owned())
    };
    let saga = saga(reader, &round.fields, scope).unwrap_or_else(|| by_nature(&action));
    let step = Step {
        name: scope.full(round.name.as_str()).unwrap_or_else(|| round.name.clone()),
        title,
        needs,
        action,
        when,
        ensure,
        timeout: limit(reader, &round.fields, "timeout", scope).unwrap_or(defaults.timeout),
        retry: retry(reader, &round.fields, scope).unwrap_or_else(|| defaults.retry.clone()),
        on_failure: on_failure(reader, &round.fields, scope).unwrap_or(defaults.on_failure),
        saga,
        side: word(reader, &round.fields, "side", SIDES, scope).map(|word| match word.as_str() {
            "source" => Side::Source,
            _ => Side::Target,
        }),
        owes: prose(reader, "owes"),
        prose: Prose {
            why: prose(reader, "why"),
            by_hand: prose(reader, "by_hand"),
            looks_good: prose(reader, "looks_good"),
            call: prose(reader, "call"),
            not_when: None,
        },
    };
    if let Action::Outside(own) = &step.action {
        fits(reader, &round.key.span, &step, own);
    }
    PlacedStep { step, span: round.key.span.clone() }
}

/// Whether what is beside Azure fits the step that it is in.
fn fits(reader: &mut Reader<'_>, span: &Span, step: &Step, own: &Outside) {
    let (limit, timeout) = (own.time_limit(), step.timeout);
    if limit > timeout {
        let (limit, timeout) = (format_duration(limit), format_duration(timeout));
        let message =
            format!("One call of step `{}` may take {limit}, and the step {timeout}.", step.name);
        let help = "Give the step a longer `timeout`, or the call a shorter `time_limit`.";
        reader.error_with(Code::BadValue, span, message, help);
    }
    if step.saga == SagaClass::Undoable && !own.only_reads() && !own.has_undo() {
        let message = format!("Nothing is named that takes step `{}` back.", step.name);
        let key = if matches!(own, Outside::Http(_)) { "undo" } else { "undo_argv" };
        let help = format!("Write `{key}` under `with`, or `undo: keep` beside it.");
        reader.error_with(Code::MissingKey, span, message, help);
    }
}

fn templated(reader: &mut Reader<'_>, node: &Node, scope: &Scope, what: &str) -> Option<String> {
    match reader.value(node, &Kind::Text, scope, what)? {
        Read::Value(Value::String(text)) => Some(text),
        Read::Value(_) | Read::Secret(_) => None,
    }
}

fn conditions(reader: &mut Reader<'_>, round: &LoopRound<'_>, scope: &Scope) -> Vec<Condition> {
    match round.fields.get("ensure").map(|(_, node)| *node) {
        None => Vec::new(),
        Some(Node { value: NodeValue::List(items), .. }) => {
            items.iter().filter_map(|item| reader.condition(item, scope)).collect()
        }
        Some(node) => reader.condition(node, scope).into_iter().collect(),
    }
}

/// The needs: the name of a loop or a part stands for all its steps.
pub(super) fn needs(
    reader: &mut Reader<'_>,
    round: &LoopRound<'_>,
    scope: &Scope,
) -> Vec<StepName> {
    let Some((_, node)) = round.fields.get("needs") else {
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
            Ok(Resolved::Value(Value::String(name))) => name,
            Ok(_) => continue,
            Err(problem) => {
                reader.problem(&item.span, problem);
                continue;
            }
        };
        if let Some(rounds) = scope.loops.get(&name) {
            needs.extend(rounds.iter().filter_map(|name| scope.full(name)));
            continue;
        }
        if scope.steps.contains_key(&name)
            && let Some(name) = scope.full(&name)
        {
            needs.push(name);
            continue;
        }
        let known = scope.steps.keys().chain(scope.loops.keys()).map(String::as_str);
        // A step is blamed for its own name, and not those for it that need it as it should be called.
        if known.clone().any(|other| !is_plain_name(other) && made_plain(other) == name) {
            continue;
        }
        let message = format!("Step `{}` needs `{name}`, which is not a step.", round.name);
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

/// The tags of a runbook, over those of the one that uses it: the nearer ones count.
fn tags(reader: &mut Reader<'_>, fields: &Fields<'_>, scope: &Scope, outer: &Tags) -> Tags {
    let Some((_, node)) = fields.get("tags") else { return outer.clone() };
    let Some(Read::Value(value)) = reader.value(node, &Kind::Tags, scope, "`tags`") else {
        return outer.clone();
    };
    let mut own = super::network::tags(Some(&value));
    add_below(&mut own, outer);
    if own.len() > TAGS_MAX {
        let message = format!(
            "With those of the runbook that uses it this has {} tags, and a resource has at most {TAGS_MAX}.",
            own.len()
        );
        reader.error(Code::ResourceTags, &node.span, message);
    }
    own
}

/// What `defaults` and `tags` say, over what holds without them.
pub(super) fn defaults(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    scope: &Scope,
    mut defaults: Defaults,
) -> Defaults {
    defaults.tags = tags(reader, fields, scope, &defaults.tags);
    let Some((_, node)) = fields.get("defaults") else {
        return defaults;
    };
    let Some(found) = reader.fields(node, object_fields("defaults"), "`defaults`") else {
        return defaults;
    };
    let empty = Scope::default();
    if let Some(timeout) = limit(reader, &found, "timeout", &empty) {
        defaults.timeout = timeout;
    }
    if let Some(retry) = retry(reader, &found, &empty) {
        defaults.retry = retry;
    }
    if let Some(on_failure) = on_failure(reader, &found, &empty) {
        defaults.on_failure = on_failure;
    }
    defaults
}

fn retry(reader: &mut Reader<'_>, fields: &Fields<'_>, scope: &Scope) -> Option<RetryPolicy> {
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
        Read::Value(_) | Read::Secret(_) => None,
    }
}

fn on_failure(reader: &mut Reader<'_>, fields: &Fields<'_>, scope: &Scope) -> Option<OnFailure> {
    word(reader, fields, "on_failure", ON_FAILURE, scope).map(|word| match word.as_str() {
        "continue" => OnFailure::Continue,
        "ask" => OnFailure::Ask,
        "undo" => OnFailure::Undo,
        _ => OnFailure::Stop,
    })
}

fn saga(reader: &mut Reader<'_>, fields: &Fields<'_>, scope: &Scope) -> Option<SagaClass> {
    word(reader, fields, "undo", UNDO, scope).map(|word| match word.as_str() {
        "keep" => SagaClass::Retriable,
        "pivot" => SagaClass::Pivot,
        _ => SagaClass::Undoable,
    })
}

/// What a step is whose author does not say how it is taken back.
fn by_nature(action: &Action) -> SagaClass {
    match action {
        Action::RecoveryPlan(spec) => match spec.to {
            // A commit deletes the recovery points (azure-facts 6.4).
            RecoveryMove::Commit => SagaClass::Pivot,
            RecoveryMove::Reprotect | RecoveryMove::TestCleanup => SagaClass::Retriable,
            RecoveryMove::Failover { .. } | RecoveryMove::TestFailover { .. } => {
                SagaClass::Undoable
            }
        },
        // What nothing takes back stays.
        Action::Outside(own) if !own.only_reads() && !own.has_undo() => SagaClass::Retriable,
        Action::PublicIp(_)
        | Action::Subnet(_)
        | Action::Gateway(_)
        | Action::Authorization(_)
        | Action::Connection(_)
        | Action::Peering(_)
        | Action::RouteTable(_)
        | Action::Association(_)
        | Action::Bandwidth(_)
        | Action::Tier(_)
        | Action::Dissociation(_)
        | Action::Route(_)
        | Action::SecurityGroup(_)
        | Action::Dns(_)
        | Action::Remove(_)
        | Action::Vpn(_)
        | Action::Steering(_)
        | Action::Hub(_)
        | Action::Verify(_)
        | Action::Outside(_)
        | Action::General(_) => SagaClass::Undoable,
    }
}
