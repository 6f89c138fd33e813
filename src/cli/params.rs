//! What do a person and the environment give the parameters? Options and files, as texts with places.

use std::path::Path;

use super::args::Compile;
use super::error::CliError;
use super::settings::Environment;
use crate::model::limits::RUNBOOK_BYTES_MAX;
use crate::plan::{DeclaredParam, Given, GivenBy, ParamOrigin};
use crate::runbook::{SourceFile, did_you_mean};
use crate::store::regular;

/// Puts what is given behind the source; the later goes before the earlier: the environment, files, options.
///
/// # Errors
/// A file cannot be read.
pub(super) fn take_in(
    source: &mut SourceFile,
    compile: &Compile,
    environment: &Environment,
) -> Result<Vec<Given>, CliError> {
    let mut given = Vec::new();
    for (param, value) in &environment.params {
        let variable = variable(param);
        let span = source.give(&variable, value);
        given.push(Given { by: GivenBy::Environment { param: param.clone(), variable }, span });
    }
    for path in &compile.params_files {
        let text = read("--params", path)?;
        let shown = path.display().to_string();
        let span = source.give(&shown, &text);
        given.push(Given { by: GivenBy::File { path: shown }, span });
    }
    for (param, value) in &compile.params {
        let option = format!("--param {param}");
        let (by, name, text) = match value.strip_prefix('@') {
            None => (GivenBy::Option { param: param.clone() }, option, value.clone()),
            // An @ that is meant is written twice.
            Some(rest) if rest.starts_with('@') => {
                (GivenBy::Option { param: param.clone() }, option, rest.to_owned())
            }
            Some(path) => {
                let text = read(&option, Path::new(path))?;
                let by = GivenBy::OptionFile { param: param.clone(), path: path.to_owned() };
                (by, path.to_owned(), text)
            }
        };
        let span = source.give(&name, &text);
        given.push(Given { by, span });
    }
    Ok(given)
}

/// The variable of a parameter.
pub(super) fn variable(param: &str) -> String {
    format!("{}{}", super::settings::PARAM_VARIABLE, param.to_ascii_uppercase())
}

fn read(option: &str, path: &Path) -> Result<String, CliError> {
    if path.as_os_str().is_empty() {
        let what = format!("`{option}` has an @ and no file behind it.");
        return Err(
            CliError::usage(what).hint("Write @FILE; for a value that begins with @, write @@.")
        );
    }
    let text = regular::read_text(path, RUNBOOK_BYTES_MAX as u64).map_err(|error| {
        let what = format!("The file {} of `{option}` cannot be read.", path.display());
        CliError::usage(what).because(&error)
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// What a person should know of values that nobody typed: one line each.
pub(super) fn notes(params: &[DeclaredParam], environment: &Environment) -> Vec<String> {
    let names = || params.iter().map(|param| param.name.as_str());
    let mut notes = Vec::new();
    for param in environment.params.keys() {
        let variable = variable(param);
        let used = params.iter().find(|known| known.name == *param);
        match used.map(|used| &used.origin) {
            Some(Some(ParamOrigin::Given(GivenBy::Environment { .. }, _))) => {
                notes.push(format!("The parameter `{param}` has its value from {variable}."));
            }
            Some(_) => {}
            // The environment may speak to other runbooks; a misspelt name speaks to this one.
            None => {
                if let Some(meant) = did_you_mean(param, names()) {
                    let meant = self::variable(meant);
                    notes.push(format!(
                        "{variable} gives nothing: there is no parameter `{param}`. Did you mean {meant}?"
                    ));
                }
            }
        }
    }
    notes
}

/// The values from outside, each as an option writes it: for a plan that is kept.
pub(super) fn typed(params: &[DeclaredParam]) -> Vec<(String, String)> {
    let outside = |param: &&DeclaredParam| matches!(param.origin, Some(ParamOrigin::Given(..)));
    let text = |param: &DeclaredParam| {
        let value = param.value.as_ref()?;
        Some(match value.as_str() {
            Some(text) if text.starts_with('@') => format!("@{text}"),
            Some(text) => text.to_owned(),
            None => value.to_string(),
        })
    };
    let outside = params.iter().filter(outside);
    outside.filter_map(|param| Some((param.name.clone(), text(param)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(param: &str, value: &str) -> Compile {
        Compile { params: vec![(param.to_owned(), value.to_owned())], ..Compile::default() }
    }

    #[test]
    fn an_at_sign_names_a_file_and_two_are_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spokes.yaml");
        std::fs::write(&path, "[a, b]\n").unwrap();
        let environment = Environment::default();
        let mut source = SourceFile::new("r.yaml", "runbook: r\n");
        let named = from("spokes", &format!("@{}", path.display()));
        let given = take_in(&mut source, &named, &environment).unwrap();
        assert_eq!(&source.text()[given[0].span.clone()], "[a, b]\n");
        assert_eq!(source.name_at(given[0].span.start), path.display().to_string());
        let given = take_in(&mut source, &from("mail", "@@noc"), &environment).unwrap();
        assert_eq!(&source.text()[given[0].span.clone()], "@noc");
        assert_eq!(source.name_at(given[0].span.start), "--param mail");
        let missing = take_in(&mut source, &from("x", "@no/such"), &environment).unwrap_err();
        assert!(missing.what.contains("`--param x`") && missing.what.contains("no/such"));
        assert!(take_in(&mut source, &from("x", "@"), &environment).is_err());
        assert_eq!(source.written(), "runbook: r\n", "what was given is no part of it");
    }
}
