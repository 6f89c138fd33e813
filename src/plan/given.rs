//! Which values are given from outside the runbook? Typed, in the environment, or in files: each with its place.

use std::collections::BTreeMap;

use crate::model::SecretSource;
use crate::runbook::tree::read_part;
use crate::runbook::{Code, Diagnostic, Diagnostics, Node, SourceFile, Span};

/// A text that gives values; it stands behind the runbook's own in one source ([`SourceFile::give`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Who gives it.
    pub by: GivenBy,
    /// Where its text stands in the source.
    pub span: Span,
}

/// Who gives a value from outside the runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenBy {
    /// A variable of the environment gives one.
    Environment {
        /// The parameter.
        param: String,
        /// The variable.
        variable: String,
    },
    /// A file gives several, by name: `--params FILE`.
    File {
        /// Its path, as it was typed.
        path: String,
    },
    /// An option gives one: `--param NAME=VALUE`.
    Option {
        /// The parameter.
        param: String,
    },
    /// An option names a file that holds one: `--param NAME=@FILE`.
    OptionFile {
        /// The parameter.
        param: String,
        /// The file's path, as it was typed.
        path: String,
    },
}

impl Given {
    /// Values of parameters as they are typed on a command line, put behind the source.
    pub fn options<'a>(
        source: &mut SourceFile,
        params: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Vec<Self> {
        let one = |(param, value): (&str, &str)| Self {
            span: source.give(&format!("--param {param}"), value),
            by: GivenBy::Option { param: param.to_owned() },
        };
        params.into_iter().map(one).collect()
    }
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamOrigin {
    /// Its declaration.
    Default(Span),
    /// The profile.
    Profile(Span),
    /// The outside.
    Given(GivenBy, Span),
    /// Where a secret is read when it is needed.
    Secret(SecretSource),
}

/// A parameter as it was declared, and what it has now.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredParam {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Of what: the elements of a list, the type of a resource.
    pub of: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its value; none when it has none or a wrong one, or is a secret.
    pub value: Option<serde_json::Value>,
    /// Where the value, right or wrong, comes from; none when there is none.
    pub origin: Option<ParamOrigin>,
}

/// A value from outside.
#[derive(Debug, Clone)]
pub(super) struct GivenValue {
    pub(super) by: GivenBy,
    pub(super) span: Span,
    pub(super) form: GivenForm,
}

impl GivenValue {
    /// Where the value itself stands, which the name before it is no part of: a secret is blanked there.
    pub(super) fn place(&self) -> Span {
        match &self.form {
            GivenForm::Node(node) => node.span.clone(),
            GivenForm::Text { .. } | GivenForm::Broken => self.span.clone(),
        }
    }
}

/// How it is written.
#[derive(Debug, Clone)]
pub(super) enum GivenForm {
    /// In YAML.
    Node(Node),
    /// As a text, which is YAML only where a list or a mapping is wanted.
    Text {
        text: String,
        /// What it is as YAML, or why it is none.
        yaml: Result<Node, Box<Diagnostic>>,
    },
    /// It could not be read, which was said.
    Broken,
}

/// Values from outside, by parameter.
pub(super) type GivenValues = BTreeMap<String, GivenValue>;

/// Reads what is given; the later goes before the earlier.
pub(super) fn read(
    source: &SourceFile,
    given: &[Given],
    diagnostics: &mut Diagnostics,
) -> GivenValues {
    let mut values = GivenValues::new();
    for Given { by, span } in given {
        let mut give = |param: &str, span: Span, form| {
            values.insert(param.to_owned(), GivenValue { by: by.clone(), span, form });
        };
        match by {
            GivenBy::Environment { param, .. } | GivenBy::Option { param } => {
                let text = source.text().get(span.clone()).unwrap_or_default().to_owned();
                let yaml = one_node(source, span.clone());
                give(param, span.clone(), GivenForm::Text { text, yaml });
            }
            GivenBy::OptionFile { param, .. } => match one_node(source, span.clone()) {
                Ok(node) => give(param, node.span.clone(), GivenForm::Node(node)),
                Err(diagnostic) => {
                    diagnostics.push(*diagnostic);
                    give(param, span.clone(), GivenForm::Broken);
                }
            },
            GivenBy::File { .. } => match one_node(source, span.clone()) {
                Ok(node) if node.map().is_some() => {
                    for (key, node) in node.map().unwrap_or_default() {
                        give(&key.text, key.span.clone(), GivenForm::Node(node.clone()));
                    }
                }
                Ok(node) => {
                    let kind = node.kind();
                    let message =
                        format!("A file of parameters must be a mapping, and this is {kind}.");
                    let help = "Write each parameter on a line of its own: `name: value`.";
                    let wrong = Diagnostic::error(Code::WrongKind, node.span.clone(), message);
                    diagnostics.push(wrong.with_help(help));
                }
                Err(diagnostic) => diagnostics.push(*diagnostic),
            },
        }
    }
    values
}

/// What a text is as YAML.
fn one_node(source: &SourceFile, span: Span) -> Result<Node, Box<Diagnostic>> {
    let empty = || {
        let message = "There is no value here: the text is empty.";
        Box::new(Diagnostic::error(Code::Empty, span.start..span.start, message))
    };
    let mut found = Diagnostics::default();
    let node = read_part(source, span.clone(), &mut found);
    match (node, found.sorted().first()) {
        (Some(node), None) => Ok(node),
        (_, Some(first)) if first.code != Code::Empty => Err(Box::new((*first).clone())),
        _ => Err(empty()),
    }
}
