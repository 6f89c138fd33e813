//! What does an expression mean here? Names to values, and what only a run can know to conditions.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::later;
use crate::model::{Action, Comparison, Condition, Operand, OutputType, ResourceId, StepName};
use crate::runbook::expr::{Expr, Operator, Part, Template};
use crate::runbook::{Code, did_you_mean};

/// What expressions may refer to.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// Parameters with a value.
    pub(super) params: BTreeMap<String, Value>,
    /// Parameters that are secrets: by name here, the name of the plan's secret.
    pub(super) secrets: BTreeMap<String, String>,
    /// Parameters whose value is wrong or missing: said already.
    pub(super) broken: BTreeMap<String, ()>,
    /// Steps, as far as they are known.
    pub(super) steps: BTreeMap<String, StepFacts>,
    /// Steps that are loops: their rounds have names of their own.
    pub(super) loops: BTreeMap<String, Vec<String>>,
    /// The round of a loop.
    pub(super) each: Option<(String, Value)>,
    /// The step itself, in `ensure`.
    pub(super) own: Option<String>,
    /// Whether a text may hold what only the run can know: those of programs and calls beside Azure.
    pub(super) takes_in: bool,
    /// The step that uses these steps, when they are a part of another runbook.
    pub(super) prefix: Option<StepName>,
}

/// What is known of a step before anything runs.
#[derive(Debug, Clone)]
pub(super) enum StepFacts {
    /// Compiled.
    Known {
        /// The resource it writes or looks at.
        id: Option<ResourceId>,
        /// What it will put out.
        outputs: Vec<(String, OutputType)>,
    },
    /// Wrong in a way that was said already.
    Broken,
    /// Not compiled yet.
    Later,
}

/// What the steps beside it know of an action.
pub(super) fn facts(action: &Action) -> (Option<ResourceId>, Vec<(String, OutputType)>) {
    let outputs = action.outputs().into_iter().map(|(name, kind)| (name.to_owned(), kind));
    (action.subject().cloned(), outputs.collect())
}

/// What an expression means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Resolved {
    /// A value.
    Value(Value),
    /// A secret parameter.
    Secret(String),
    /// What only the run can know.
    Open(Operand),
    /// A condition on what only the run can know.
    Test(Condition),
}

/// Why an expression means nothing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Problem {
    /// Something is wrong: code, sentence and fix.
    Wrong(Code, String, Option<String>),
    /// It rests on something that was said to be wrong already.
    Silent,
}

fn wrong(code: Code, message: impl Into<String>) -> Problem {
    Problem::Wrong(code, message.into(), None)
}

impl Scope {
    /// The name of a step in the plan.
    pub(super) fn full(&self, name: &str) -> Option<StepName> {
        match &self.prefix {
            Some(prefix) => StepName::parse(&format!("{prefix}.{name}")).ok(),
            None => StepName::parse(name).ok(),
        }
    }

    /// The secret that a node is a reference to, and nothing else.
    pub(super) fn secret_at(&self, node: &crate::runbook::Node) -> Option<String> {
        let crate::runbook::NodeValue::Scalar { text, .. } = &node.value else {
            return None;
        };
        let template = crate::runbook::expr::parse_template(text, &node.span).ok()?;
        match self.expr(template.only_expression()?).ok()? {
            Resolved::Secret(name) => Some(name),
            Resolved::Value(_) | Resolved::Open(_) | Resolved::Test(_) => None,
        }
    }

    /// Whether a step, or the part that it is in, is not compiled yet.
    pub(super) fn is_later(&self, name: &str) -> bool {
        let later = |name: &str| matches!(self.steps.get(name), Some(StepFacts::Later));
        later(name) || name.match_indices('.').any(|(at, _)| later(&name[..at]))
    }

    /// The meaning of a text with expressions.
    pub(super) fn template(&self, template: &Template) -> Result<Resolved, Problem> {
        if let Some(expr) = template.only_expression() {
            return self.expr(expr);
        }
        let mut text = String::new();
        for part in &template.parts {
            match part {
                Part::Text(literal) if self.takes_in && later::has_place(literal) => {
                    let message = "`${steps.` cannot stand as it is in what is given to a program or a service.";
                    return Err(wrong(Code::ExprType, message));
                }
                Part::Text(literal) => text.push_str(literal),
                Part::Expr(expr) => match self.expr(expr)? {
                    Resolved::Value(Value::String(value)) => text.push_str(&value),
                    Resolved::Value(value @ (Value::Number(_) | Value::Bool(_))) => {
                        text.push_str(&value.to_string());
                    }
                    Resolved::Value(_) => {
                        let message = "A list or mapping cannot stand inside a text.";
                        return Err(wrong(Code::ExprType, message));
                    }
                    Resolved::Secret(name) => {
                        let message = format!("The secret `{name}` cannot stand inside a text.");
                        return Err(wrong(Code::Secret, message));
                    }
                    Resolved::Open(Operand::Output { step, field }) if self.takes_in => {
                        text.push_str(&later::place(&step, &field));
                    }
                    Resolved::Open(_) | Resolved::Test(_) => {
                        let message = "What only the run can know cannot stand inside a text.";
                        return Err(wrong(Code::ExprType, message));
                    }
                },
            }
        }
        Ok(Resolved::Value(Value::from(text)))
    }

    /// The meaning of an expression.
    pub(super) fn expr(&self, expr: &Expr) -> Result<Resolved, Problem> {
        match expr {
            Expr::Literal(value) => Ok(Resolved::Value(value.clone())),
            Expr::Path(path) => self.path(path),
            Expr::Index(of, by) => self.index(of, by),
            Expr::List(items) => {
                let mut list = Vec::new();
                for item in items {
                    match self.expr(item)? {
                        Resolved::Value(value) => list.push(value),
                        Resolved::Secret(_) | Resolved::Open(_) | Resolved::Test(_) => {
                            return Err(wrong(
                                Code::ExprType,
                                "A list may hold only known values.",
                            ));
                        }
                    }
                }
                Ok(Resolved::Value(Value::from(list)))
            }
            Expr::Not(inner) => match self.condition(inner)? {
                Condition::Known(value) => Ok(Resolved::Value(Value::from(!value))),
                condition @ Condition::Compare { .. }
                | condition @ Condition::All(_)
                | condition @ Condition::Any(_)
                | condition @ Condition::Not(_) => {
                    Ok(Resolved::Test(Condition::Not(Box::new(condition))))
                }
            },
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right),
        }
    }

    /// The meaning of an expression that must be a condition.
    pub(super) fn condition(&self, expr: &Expr) -> Result<Condition, Problem> {
        match self.expr(expr)? {
            Resolved::Value(Value::Bool(value)) => Ok(Condition::Known(value)),
            Resolved::Test(condition) => Ok(condition),
            Resolved::Open(operand) => Ok(Condition::Compare {
                left: operand,
                by: Comparison::Equal,
                right: Operand::Literal(Value::from(true)),
            }),
            Resolved::Value(value) => {
                Err(wrong(Code::ExprType, format!("`{value}` is neither true nor false.")))
            }
            Resolved::Secret(name) => {
                Err(wrong(Code::Secret, format!("The secret `{name}` cannot be compared.")))
            }
        }
    }

    fn binary(&self, operator: Operator, left: &Expr, right: &Expr) -> Result<Resolved, Problem> {
        let by = match operator {
            Operator::And | Operator::Or => {
                let (l, r) = (self.condition(left)?, self.condition(right)?);
                return Ok(joined(operator, l, r));
            }
            Operator::Add => {
                return match (self.expr(left)?, self.expr(right)?) {
                    (Resolved::Value(l), Resolved::Value(r)) => added(&l, &r),
                    _ => Err(wrong(Code::ExprType, "Only known values can be added.")),
                };
            }
            Operator::Equal => Comparison::Equal,
            Operator::NotEqual => Comparison::NotEqual,
            Operator::Less => Comparison::Less,
            Operator::LessOrEqual => Comparison::LessOrEqual,
            Operator::Greater => Comparison::Greater,
            Operator::GreaterOrEqual => Comparison::GreaterOrEqual,
            Operator::In => Comparison::In,
        };
        let operand = |meaning| match meaning {
            Resolved::Value(value) => Ok(Operand::Literal(value)),
            Resolved::Open(operand) => Ok(operand),
            Resolved::Secret(name) => {
                Err(wrong(Code::Secret, format!("The secret `{name}` cannot be compared.")))
            }
            Resolved::Test(_) => Err(wrong(Code::ExprType, "A condition cannot be compared.")),
        };
        let (left, right) = (operand(self.expr(left)?)?, operand(self.expr(right)?)?);
        self.check_types(&left, by, &right)?;
        let known = matches!((&left, &right), (Operand::Literal(_), Operand::Literal(_)));
        let condition = Condition::Compare { left, by, right };
        if known {
            let holds = condition.judge(&|_| None) == crate::model::Verdict::Holds;
            return Ok(Resolved::Value(Value::from(holds)));
        }
        Ok(Resolved::Test(condition))
    }

    /// Refuses comparisons that could never be judged.
    fn check_types(&self, left: &Operand, by: Comparison, right: &Operand) -> Result<(), Problem> {
        let (l, r) = (self.type_of(left), self.type_of(right));
        let fits = match by {
            Comparison::Equal | Comparison::NotEqual => l == r || l == "unknown" || r == "unknown",
            Comparison::In => ["a list", "unknown"].contains(&r),
            Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Greater
            | Comparison::GreaterOrEqual => {
                [l, r].iter().all(|kind| ["a number", "unknown"].contains(kind))
            }
        };
        if fits {
            return Ok(());
        }
        Err(wrong(Code::ExprType, format!("{l} and {r} cannot be compared with `{by}`.")))
    }

    fn type_of(&self, operand: &Operand) -> &'static str {
        match operand {
            Operand::Literal(Value::Number(_)) => "a number",
            Operand::Literal(Value::String(_)) | Operand::Status { .. } => "a text",
            Operand::Literal(Value::Array(_)) => "a list",
            Operand::Literal(Value::Bool(_)) => "true or false",
            Operand::Literal(_) => "unknown",
            Operand::Output { step, field } => {
                let Some(StepFacts::Known { outputs, .. }) = self.steps.get(step.as_str()) else {
                    return "unknown";
                };
                match outputs.iter().find(|(name, _)| name == field).map(|(_, kind)| kind) {
                    Some(OutputType::Number) => "a number",
                    Some(OutputType::Text) => "a text",
                    Some(OutputType::List) => "a list",
                    None => "unknown",
                }
            }
        }
    }

    fn path(&self, path: &[String]) -> Result<Resolved, Problem> {
        let rest = path.get(2..).unwrap_or_default();
        match (path.first().map(String::as_str), path.get(1)) {
            (Some("params"), Some(name)) => self.param(name, rest),
            (Some("steps"), Some(name)) => self.step(name, rest),
            (Some("self"), Some(field)) => match &self.own {
                Some(own) => self.step(own, std::slice::from_ref(field)),
                None => Err(wrong(Code::UnknownReference, "`self` is known in `ensure` only.")),
            },
            (Some("each"), Some(part)) => match (&self.each, part.as_str()) {
                (None, _) => {
                    let message = "`each` is known in a step that has `each` only.";
                    Err(wrong(Code::UnknownReference, message))
                }
                (Some((key, _)), "key") => Ok(Resolved::Value(Value::from(key.clone()))),
                (Some((_, value)), "value") => below(value, rest, "each.value"),
                (Some(_), _) => {
                    Err(wrong(Code::UnknownReference, "`each` has `key` and `value` only."))
                }
            },
            (Some(root @ ("params" | "steps" | "self" | "each")), None) => {
                let message = format!("`{root}` needs a name after it: `{root}.NAME`.");
                Err(wrong(Code::UnknownReference, message))
            }
            (root, _) => {
                let root = root.unwrap_or_default();
                let message = format!("`{root}` is not known.");
                let help = if self.params.contains_key(root) {
                    format!("Did you mean `params.{root}`?")
                } else {
                    "An expression may begin with params, steps, each or self.".to_owned()
                };
                Err(Problem::Wrong(Code::UnknownReference, message, Some(help)))
            }
        }
    }

    fn param(&self, name: &str, rest: &[String]) -> Result<Resolved, Problem> {
        if self.broken.contains_key(name) {
            return Err(Problem::Silent);
        }
        if let Some(secret) = self.secrets.get(name) {
            return Ok(Resolved::Secret(secret.clone()));
        }
        let Some(value) = self.params.get(name) else {
            let known = self.params.keys().chain(self.secrets.keys()).chain(self.broken.keys());
            let help = did_you_mean(name, known.map(String::as_str))
                .map(|meant| format!("Did you mean `params.{meant}`?"));
            let message = format!("There is no parameter `{name}`.");
            return Err(Problem::Wrong(Code::UnknownParam, message, help));
        };
        below(value, rest, &format!("params.{name}"))
    }

    fn step(&self, name: &str, rest: &[String]) -> Result<Resolved, Problem> {
        // `steps.network.gateway.id`: a step of a part, or a round of a loop.
        if let [next, further @ ..] = rest {
            let longer = format!("{name}.{next}");
            if self.steps.contains_key(&longer) || self.loops.contains_key(&longer) {
                return self.step(&longer, further);
            }
        }
        if let Some(rounds) = self.loops.get(name) {
            let message = format!("`{name}` is several steps; each has a name of its own.");
            let example =
                rounds.first().map(|round| format!("Write `steps[\"{round}\"]` for the first."));
            return Err(Problem::Wrong(Code::UnknownReference, message, example));
        }
        let (id, outputs) = match self.steps.get(name) {
            Some(StepFacts::Known { id, outputs }) => (id, outputs),
            Some(StepFacts::Broken | StepFacts::Later) => return Err(Problem::Silent),
            None => {
                let known = self.steps.keys().map(String::as_str);
                let help =
                    did_you_mean(name, known).map(|meant| format!("Did you mean `steps.{meant}`?"));
                let message = format!("There is no step `{name}`.");
                return Err(Problem::Wrong(Code::UnknownStep, message, help));
            }
        };
        let Some(step) = self.full(name) else {
            return Err(Problem::Silent);
        };
        match rest {
            [field] if field == "id" => match id {
                Some(id) => Ok(Resolved::Value(Value::from(id.as_str()))),
                None => {
                    let message = format!("Step `{name}` is not about a resource and has no id.");
                    Err(wrong(Code::UnknownReference, message))
                }
            },
            [field] if field == "status" => Ok(Resolved::Open(Operand::Status { step })),
            [field] if outputs.iter().any(|(output, _)| output == field) => {
                Ok(Resolved::Open(Operand::Output { step, field: field.clone() }))
            }
            _ => {
                let field = rest.join(".");
                let mut known: Vec<&str> =
                    outputs.iter().map(|(output, _)| output.as_str()).collect();
                known.extend(["id", "status"]);
                known.sort_unstable();
                known.dedup();
                let message = format!("Step `{name}` does not put out `{field}`.");
                let help = format!("It has {}.", known.join(", "));
                Err(Problem::Wrong(Code::UnknownReference, message, Some(help)))
            }
        }
    }

    fn index(&self, of: &Expr, by: &Expr) -> Result<Resolved, Problem> {
        let Resolved::Value(by) = self.expr(by)? else {
            return Err(wrong(Code::ExprType, "An index must be known."));
        };
        // `steps["loop.round"].id` arrives as an index of an index.
        if let (Expr::Path(path), Value::String(name)) = (of, &by)
            && path.as_slice() == ["steps"]
        {
            return self.step(name, &["id".to_owned()]);
        }
        if let (Expr::Index(inner, name), Value::String(field)) = (of, &by)
            && matches!(inner.as_ref(), Expr::Path(path) if path.as_slice() == ["steps"])
            && let Resolved::Value(Value::String(name)) = self.expr(name)?
        {
            return self.step(&name, std::slice::from_ref(field));
        }
        let Resolved::Value(of) = self.expr(of)? else {
            return Err(wrong(Code::ExprType, "Only a known list or mapping has elements."));
        };
        let found = match &by {
            Value::String(key) => of.get(key),
            Value::Number(place) => {
                place.as_u64().and_then(|place| of.get(usize::try_from(place).ok()?))
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let message = || wrong(Code::UnknownReference, format!("There is no element {by}."));
        found.cloned().map(Resolved::Value).ok_or_else(message)
    }
}

/// The value at a path below a value.
fn below(value: &Value, path: &[String], name: &str) -> Result<Resolved, Problem> {
    let mut value = value;
    let mut at = name.to_owned();
    for key in path {
        let Some(next) = value.get(key) else {
            let keys = value.as_object().map(|o| o.keys().map(String::as_str).collect::<Vec<_>>());
            let help = keys.map(|keys| match did_you_mean(key, keys.iter().copied()) {
                Some(meant) => format!("Did you mean `{at}.{meant}`?"),
                None => format!("`{at}` has {}.", keys.join(", ")),
            });
            let message = format!("`{at}` has no `{key}`.");
            return Err(Problem::Wrong(Code::UnknownReference, message, help));
        };
        value = next;
        at = format!("{at}.{key}");
    }
    Ok(Resolved::Value(value.clone()))
}

fn joined(operator: Operator, left: Condition, right: Condition) -> Resolved {
    let and = operator == Operator::And;
    // A known side decides, or does not matter.
    match (left, right) {
        (Condition::Known(known), other) | (other, Condition::Known(known)) => {
            if known != and {
                return Resolved::Value(Value::from(known));
            }
            match other {
                Condition::Known(value) => Resolved::Value(Value::from(value)),
                other @ Condition::Compare { .. }
                | other @ Condition::All(_)
                | other @ Condition::Any(_)
                | other @ Condition::Not(_) => Resolved::Test(other),
            }
        }
        (left, right) if and => Resolved::Test(Condition::All(vec![left, right])),
        (left, right) => Resolved::Test(Condition::Any(vec![left, right])),
    }
}

fn added(left: &Value, right: &Value) -> Result<Resolved, Problem> {
    let sum = match (left, right) {
        (Value::String(l), Value::String(r)) => Value::from(format!("{l}{r}")),
        (Value::Array(l), Value::Array(r)) => Value::from([l.as_slice(), r.as_slice()].concat()),
        (Value::Number(l), Value::Number(r)) => match (l.as_i64(), r.as_i64()) {
            (Some(l), Some(r)) => Value::from(l.saturating_add(r)),
            _ => return Err(wrong(Code::ExprType, "Only whole numbers can be added.")),
        },
        _ => {
            let message = "Two texts, two lists or two numbers can be added, and nothing else.";
            return Err(wrong(Code::ExprType, message));
        }
    };
    Ok(Resolved::Value(sum))
}
