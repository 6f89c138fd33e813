//! What is called to have an effect beside Azure, and what is taken from its answer?

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::{Action, OutputType};
use super::assessment::{Outputs, WriteTarget};
use super::outside::{EnvEntry, HttpRequest, OutputSpec, PassedValue};
use super::time::duration_text;

/// What is sent out to have an effect: the body of the write that is intended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// A program.
    Program {
        /// The program and its arguments.
        argv: Vec<String>,
        /// Its environment.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        env: Vec<EnvEntry>,
        /// What it reads.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stdin: Option<PassedValue>,
        /// How long it may take.
        #[serde(with = "duration_text")]
        time_limit: Duration,
        /// What is taken from what it writes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        outputs: Vec<OutputSpec>,
    },
    /// A request.
    Http {
        /// What is sent.
        request: HttpRequest,
        /// How long the answer may take.
        #[serde(with = "duration_text")]
        time_limit: Duration,
        /// The header that carries the operation's key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        idempotency_header: Option<String>,
        /// What is taken from the answer.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        outputs: Vec<OutputSpec>,
    },
}

/// Longest name of a target: it stands in sentences.
const TARGET_LETTERS_MAX: usize = 100;

impl Call {
    /// What is called, for sentences.
    #[must_use]
    pub fn target(&self) -> WriteTarget {
        let text = match self {
            Self::Program { argv, .. } => format!("the program {}", argv.join(" ")),
            Self::Http { request, .. } => format!("{} {}", request.method.as_str(), request.url),
        };
        let mut short: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(TARGET_LETTERS_MAX)
            .collect();
        if short.len() < text.len() {
            short.push('…');
        }
        WriteTarget::Outside(short)
    }

    /// How long it may take.
    #[must_use]
    pub fn time_limit(&self) -> Duration {
        match self {
            Self::Program { time_limit, .. } | Self::Http { time_limit, .. } => *time_limit,
        }
    }
}

impl Action {
    /// What it changes, for sentences: a resource of Azure's, a program or a service; none where it only looks.
    #[must_use]
    pub fn changed(&self) -> Option<WriteTarget> {
        if let Self::Outside(outside) = self {
            return outside.call(false).map(|call| call.target());
        }
        self.written().cloned().map(WriteTarget::Azure)
    }
}

/// The values that a JSON answer has for these outputs.
///
/// # Errors
/// One is missing or of another type: a sentence that names it, and not what the answer holds.
pub fn typed_outputs(specs: &[OutputSpec], answer: &Value) -> Result<Outputs, String> {
    let mut found = BTreeMap::new();
    for OutputSpec { name, kind, pointer } in specs {
        let Some(value) = answer.pointer(pointer).filter(|value| !value.is_null()) else {
            return Err(format!(
                "The answer has nothing at {pointer}, where `{name}` is taken from."
            ));
        };
        let (fits, what) = match kind {
            OutputType::Text => (value.is_string(), "a text"),
            OutputType::Number => (value.is_number(), "a number"),
            OutputType::List => {
                let texts = value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
                (texts, "a list of texts")
            }
        };
        if !fits {
            return Err(format!(
                "What the answer has at {pointer} is not {what}, as `{name}` must be."
            ));
        }
        found.insert(name.clone(), value.clone());
    }
    Ok(found)
}
