//! Does it hold? Conditions over what steps put out, as data, and their verdict.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::StepName;

/// A condition of a step (`when`, `ensure`), compiled: no text is left to misread at 03:00.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Holds or not, already known when the plan was compiled.
    Known(bool),
    /// Compares two values.
    Compare {
        /// The left side.
        left: Operand,
        /// How the sides are compared.
        by: Comparison,
        /// The right side.
        right: Operand,
    },
    /// Every one holds.
    All(Vec<Self>),
    /// At least one holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
}

/// A value in a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// Known when the plan was compiled.
    Literal(Value),
    /// Put out by a step.
    Output {
        /// The step.
        step: StepName,
        /// The name of the output, such as `state`.
        field: String,
    },
    /// How a step ended, by its status's name (`succeeded`, `skipped`, …).
    Status {
        /// The step.
        step: StepName,
    },
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The same value.
    Equal,
    /// Another value.
    NotEqual,
    /// Less, for numbers.
    Less,
    /// Less or the same, for numbers.
    LessOrEqual,
    /// More, for numbers.
    Greater,
    /// More or the same, for numbers.
    GreaterOrEqual,
    /// The left value is an element of the right list.
    In,
}

/// The result of judging a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It does not, and why.
    Fails(String),
    /// A value it needs is not known.
    Unknown(String),
}

impl Condition {
    /// Judges the condition; `read` gives the value of an output or status, if it is known.
    pub fn judge(&self, read: &dyn Fn(&Operand) -> Option<Value>) -> Verdict {
        match self {
            Self::Known(true) => Verdict::Holds,
            Self::Known(false) => Verdict::Fails("it is false in this plan".to_owned()),
            Self::Compare { left, by, right } => judge_comparison(left, *by, right, read),
            Self::All(parts) => {
                let mut unknown = None;
                for part in parts {
                    match part.judge(read) {
                        Verdict::Holds => {}
                        fails @ Verdict::Fails(_) => return fails,
                        other @ Verdict::Unknown(_) => unknown = unknown.or(Some(other)),
                    }
                }
                unknown.unwrap_or(Verdict::Holds)
            }
            Self::Any(parts) => {
                let mut last = Verdict::Fails("no alternative holds".to_owned());
                for part in parts {
                    match part.judge(read) {
                        Verdict::Holds => return Verdict::Holds,
                        Verdict::Fails(_) => {}
                        unknown @ Verdict::Unknown(_) => last = unknown,
                    }
                }
                last
            }
            Self::Not(inner) => match inner.judge(read) {
                Verdict::Holds => Verdict::Fails(format!("{inner} holds")),
                Verdict::Fails(_) => Verdict::Holds,
                unknown @ Verdict::Unknown(_) => unknown,
            },
        }
    }

    /// The steps whose outputs or status the condition reads.
    #[must_use]
    pub fn steps(&self) -> Vec<&StepName> {
        let mut names = Vec::new();
        self.collect_steps(&mut names);
        names
    }

    fn collect_steps<'a>(&'a self, names: &mut Vec<&'a StepName>) {
        match self {
            Self::Known(_) => {}
            Self::Compare { left, right, .. } => {
                for operand in [left, right] {
                    match operand {
                        Operand::Output { step, .. } | Operand::Status { step } => names.push(step),
                        Operand::Literal(_) => {}
                    }
                }
            }
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.collect_steps(names));
            }
            Self::Not(inner) => inner.collect_steps(names),
        }
    }
}

fn judge_comparison(
    left: &Operand,
    by: Comparison,
    right: &Operand,
    read: &dyn Fn(&Operand) -> Option<Value>,
) -> Verdict {
    let value = |operand: &Operand| match operand {
        Operand::Literal(value) => Ok(value.clone()),
        other @ Operand::Output { .. } | other @ Operand::Status { .. } => {
            read(other).ok_or_else(|| Verdict::Unknown(format!("{other} is not known")))
        }
    };
    let (l, r) = match (value(left), value(right)) {
        (Ok(l), Ok(r)) => (l, r),
        (Err(unknown), _) | (_, Err(unknown)) => return unknown,
    };
    let holds = match by {
        Comparison::Equal => Some(same(&l, &r)),
        Comparison::NotEqual => Some(!same(&l, &r)),
        Comparison::Less => numbers(&l, &r).map(|(a, b)| a < b),
        Comparison::LessOrEqual => numbers(&l, &r).map(|(a, b)| a <= b),
        Comparison::Greater => numbers(&l, &r).map(|(a, b)| a > b),
        Comparison::GreaterOrEqual => numbers(&l, &r).map(|(a, b)| a >= b),
        Comparison::In => r.as_array().map(|list| list.iter().any(|item| same(&l, item))),
    };
    match holds {
        Some(true) => Verdict::Holds,
        Some(false) => Verdict::Fails(format!("{left} is {l}")),
        None => Verdict::Unknown(format!("{l} and {r} cannot be compared with {by}")),
    }
}

fn numbers(left: &Value, right: &Value) -> Option<(f64, f64)> {
    Some((left.as_f64()?, right.as_f64()?))
}

/// Numbers are the same by value (`1` and `1.0`), everything else by form.
fn same(left: &Value, right: &Value) -> bool {
    numbers(left, right).map_or_else(|| left == right, |(a, b)| a.total_cmp(&b).is_eq())
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
        })
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(value) => write!(f, "{value}"),
            Self::Output { step, field } => write!(f, "steps.{step}.{field}"),
            Self::Status { step } => write!(f, "steps.{step}.status"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    write!(f, " {word} ")?;
                }
                write!(f, "({part})")?;
            }
            Ok(())
        };
        match self {
            Self::Known(value) => write!(f, "{value}"),
            Self::Compare { left, by, right } => write!(f, "{left} {by} {right}"),
            Self::All(parts) => join(f, parts, "&&"),
            Self::Any(parts) => join(f, parts, "||"),
            Self::Not(inner) => write!(f, "!({inner})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn output(field: &str) -> Operand {
        Operand::Output { step: StepName::parse("probe").unwrap(), field: field.to_owned() }
    }

    fn compare(left: Operand, by: Comparison, right: Value) -> Condition {
        Condition::Compare { left, by, right: Operand::Literal(right) }
    }

    #[test]
    fn what_is_not_known_is_neither_true_nor_false() {
        let known = |operand: &Operand| match operand {
            Operand::Output { field, .. } if field == "prefixes" => Some(json!(3)),
            _ => None,
        };
        let holds = compare(output("prefixes"), Comparison::GreaterOrEqual, json!(3));
        let unknown = compare(output("other"), Comparison::Equal, json!(1));
        assert_eq!(holds.judge(&known), Verdict::Holds);
        assert!(matches!(unknown.judge(&known), Verdict::Unknown(_)));
        let any = Condition::Any(vec![unknown.clone(), holds.clone()]);
        assert_eq!(any.judge(&known), Verdict::Holds);
        let all = Condition::All(vec![unknown.clone(), holds]);
        assert!(matches!(all.judge(&known), Verdict::Unknown(_)));
        assert!(matches!(Condition::Not(Box::new(unknown)).judge(&known), Verdict::Unknown(_)));
    }
}
