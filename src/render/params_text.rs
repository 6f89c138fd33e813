//! What are a runbook's parameters now? Each with its type, its value, where that comes from, and what it is for.

use serde::Serialize;
use serde_json::Value;

use super::style::{Style, wrap};
use crate::plan::{DeclaredParam, GivenBy, ParamOrigin};
use crate::runbook::{SourceFile, Span};

/// A parameter, as machine output has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParamView {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of what: the elements of a list, the type of a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its value; null when it has none, or is a secret.
    pub value: Option<Value>,
    /// Where the value comes from; null when there is none.
    pub from: Option<OriginView>,
}

/// Where a value comes from, as machine output has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OriginView {
    /// `default`, `profile`, `environment`, `file`, `option` or `secret`.
    pub kind: &'static str,
    /// In words.
    pub text: String,
    /// The file, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line there, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column there, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// The parameters of a runbook as views.
#[must_use]
pub fn views(
    source: &SourceFile,
    profile: Option<&str>,
    params: &[DeclaredParam],
) -> Vec<ParamView> {
    let one = |param: &DeclaredParam| ParamView {
        name: param.name.clone(),
        kind: param.kind.clone(),
        of: param.of.clone(),
        description: param.description.clone(),
        value: param.value.clone(),
        from: param.origin.as_ref().map(|origin| origin_view(source, profile, origin)),
    };
    params.iter().map(one).collect()
}

fn origin_view(source: &SourceFile, profile: Option<&str>, origin: &ParamOrigin) -> OriginView {
    let at = |kind, span: &Span, words: &str| {
        let (line, column) = source.place(span.start);
        let file = source.name_at(span.start).to_owned();
        let text = format!("{words}{file}:{line}:{column}");
        OriginView { kind, text, file: Some(file), line: Some(line), column: Some(column) }
    };
    let bare = |kind, text: String| OriginView { kind, text, file: None, line: None, column: None };
    match origin {
        ParamOrigin::Default(span) => at("default", span, "its default, "),
        ParamOrigin::Profile(span) => {
            at("profile", span, &format!("the profile {}, ", profile.unwrap_or_default()))
        }
        ParamOrigin::Given(GivenBy::Environment { variable, .. }, _) => {
            bare("environment", variable.clone())
        }
        ParamOrigin::Given(GivenBy::File { .. }, span) => at("file", span, "--params, "),
        ParamOrigin::Given(GivenBy::OptionFile { param, .. }, span) => {
            at("file", span, &format!("--param {param}, "))
        }
        ParamOrigin::Given(GivenBy::Option { param }, _) => {
            bare("option", format!("--param {param}"))
        }
        ParamOrigin::Secret(source) => bare("secret", format!("read when it is needed, {source}")),
    }
}

/// The parameters as text.
#[must_use]
pub fn params(views: &[ParamView], style: Style) -> String {
    if views.is_empty() {
        return "The runbook has no parameters.\n".to_owned();
    }
    let mut text = String::new();
    for view in views {
        let of = view.of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
        text.push_str(&format!("{}  {}{of}\n", style.bold(&view.name), view.kind));
        let value = match (&view.value, &view.from) {
            (Some(Value::String(value)), _) => value.clone(),
            (Some(value), _) => value.to_string(),
            (None, Some(from)) if from.kind == "secret" => "(a secret)".to_owned(),
            (None, Some(_)) => style.bad("wrong, as said above"),
            (None, None) => style.bad(&format!(
                "none: give it a default, a value in the profile, or --param {}=VALUE",
                view.name
            )),
        };
        text.push_str(&format!("    value  {value}\n"));
        if let Some(from) = &view.from {
            text.push_str(&format!("    from   {}\n", style.dim(&from.text)));
        }
        for line in
            view.description.iter().flat_map(|all| wrap(all.trim(), style.width.max(40) - 4))
        {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}
