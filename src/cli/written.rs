//! What is in a file that a person wrote? Told by what it says: a runbook, a world, bad days, parameters.

use std::cell::RefCell;
use std::path::Path;

use super::context::Context;
use super::error::{CliError, Status};
use super::files;
use crate::model::id::is_plain_name;
use crate::model::limits::FILE_BYTES_MAX;
use crate::render::diagnostic;
use crate::runbook::grammar::RUNBOOK;
use crate::runbook::{
    Code, Diagnostic, Diagnostics, DocumentKind, NodeValue, SourceFile, did_you_mean, literal, tree,
};
use crate::sim::Scenario;
use crate::sim::written::{ReadWorld, read_world, world_keys};
use crate::store::regular;

/// Reads a file as a document of a kind; a file that is no text is a source with the diagnostic that says so.
fn source(kind: DocumentKind, path: &Path) -> Result<(SourceFile, Option<Diagnostic>), CliError> {
    let what = match kind {
        DocumentKind::World => "world",
        DocumentKind::Runbook
        | DocumentKind::BadDays
        | DocumentKind::Params
        | DocumentKind::Settings => "file",
    };
    named(what, kind, path)
}

/// The same, in the word that the reader has for it so far.
fn named(
    what: &str,
    kind: DocumentKind,
    path: &Path,
) -> Result<(SourceFile, Option<Diagnostic>), CliError> {
    let bytes = files::read(what, path, FILE_BYTES_MAX)?;
    Ok(match SourceFile::read_as(kind, &path.display().to_string(), &bytes) {
        Ok(source) => (source, None),
        Err(refused) => {
            let (source, diagnostic) = *refused;
            (source, Some(diagnostic))
        }
    })
}

/// Reads a world, and the worlds that it extends; says nothing yet.
///
/// # Errors
/// The file cannot be read (usage).
pub(super) fn world(path: &Path) -> Result<ReadWorld, CliError> {
    let (source, refused) = source(DocumentKind::World, path)?;
    if let Some(diagnostic) = refused {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(diagnostic);
        return Ok(ReadWorld { source, diagnostics, scenario: None });
    }
    // Each world names the next one from its own folder; one after the other, so the last is at hand.
    let folder = RefCell::new(path.parent().map(Path::to_owned).unwrap_or_default());
    let open = |base: &str| {
        let place = files::below(&folder.borrow(), base)?;
        let bytes = regular::read(&place, FILE_BYTES_MAX).map_err(|error| error.to_string())?;
        folder.replace(place.parent().map(Path::to_owned).unwrap_or_default());
        let name = place.display().to_string();
        SourceFile::read_as(DocumentKind::World, &name, &bytes).map_err(|refused| {
            let (_, diagnostic) = *refused;
            diagnostic.message.trim_end_matches('.').to_owned()
        })
    };
    Ok(read_world(source, &open))
}

/// Reads a world that a command needs; says every mistake on stderr, and of mere doubts how many there are.
///
/// # Errors
/// The file cannot be read (usage), or has errors (status 3).
pub(super) fn usable_world(context: &Context, path: &Path) -> Result<Scenario, CliError> {
    let ReadWorld { source, diagnostics, scenario } = world(path)?;
    match scenario {
        Some(scenario) => {
            let doubts = match diagnostics.len() {
                0 => return Ok(scenario),
                1 => "1 warning".to_owned(),
                many => format!("{many} warnings"),
            };
            let mark = context.ui.err.warn("warning:");
            let name = source.name();
            context.ui.say(&format!("{mark} {name}: {doubts}; see `backroad check {name}`."));
            Ok(scenario)
        }
        None => {
            let text = diagnostic::diagnostics(&source, &diagnostics, context.ui.err);
            context.ui.say(text.trim_end());
            let what = format!("The world {} has errors; nothing was started.", source.name());
            Err(CliError::new(Status::Runbook, what))
        }
    }
}

/// What a file most likely is, by what it says. What nothing tells is taken for a runbook.
///
/// # Errors
/// The file cannot be read (usage).
pub(super) fn kind(path: &Path) -> Result<DocumentKind, CliError> {
    // The most liberal of them: what is too large or too deep is said by the reader of its kind.
    let (source, refused) = named("file", DocumentKind::World, path)?;
    if refused.is_some() {
        return Ok(DocumentKind::Runbook);
    }
    let mut unsaid = Diagnostics::default();
    let Some(root) = tree::read(&source, &mut unsaid) else {
        return Ok(by_first_words(source.text()));
    };
    Ok(match &root.value {
        NodeValue::List(all) if all.iter().any(|one| one.map().is_some()) => DocumentKind::BadDays,
        NodeValue::List(_) | NodeValue::Scalar { .. } => DocumentKind::Runbook,
        NodeValue::Map(entries) => {
            let keys: Vec<&str> = entries.iter().map(|(key, _)| key.text.as_str()).collect();
            by_keys(&keys)
        }
    })
}

/// Whether a file has a key that only runbooks have.
pub(super) fn says_runbook(path: &Path) -> bool {
    let Ok((source, None)) = named("file", DocumentKind::World, path) else { return false };
    let root = tree::read(&source, &mut Diagnostics::default());
    root.is_some_and(|root| ["runbook", "steps"].iter().any(|key| root.get(key).is_some()))
}

/// What a text is that is no tree: its first key says it, most likely.
fn by_first_words(text: &str) -> DocumentKind {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let keys: Vec<&str> = lines
        .filter(|line| !line.starts_with([' ', '-']))
        .filter_map(|line| line.split_once(':').map(|(key, _)| key))
        .collect();
    match by_keys(&keys) {
        DocumentKind::World => DocumentKind::World,
        _ => DocumentKind::Runbook,
    }
}

fn by_keys(keys: &[&str]) -> DocumentKind {
    let has = |key: &str| keys.contains(&key);
    // These are in one of them and not in the other.
    if has("runbook") || has("steps") {
        return DocumentKind::Runbook;
    }
    if ["world", "resources", "onprem", "extends"].iter().any(|key| has(key)) {
        return DocumentKind::World;
    }
    if has("notify") {
        return DocumentKind::Settings;
    }
    match keys.first().and_then(|first| did_you_mean(first, ["runbook", "world"])) {
        Some("world") => return DocumentKind::World,
        Some(_) => return DocumentKind::Runbook,
        None => {}
    }
    let count = |known: &mut dyn Iterator<Item = &'static str>| {
        known.filter(|known| keys.contains(known)).count()
    };
    let of_runbook = count(&mut RUNBOOK.iter().map(|field| field.key));
    let of_world = count(&mut world_keys());
    match (of_runbook, of_world) {
        (0, 0) if !keys.is_empty() && keys.iter().all(|key| is_plain_name(key)) => {
            DocumentKind::Params
        }
        (runbook, world) if world > runbook => DocumentKind::World,
        _ => DocumentKind::Runbook,
    }
}

/// Values of parameters that were read.
pub(super) struct ReadParams {
    pub(super) source: SourceFile,
    pub(super) diagnostics: Diagnostics,
    /// The values, by name.
    pub(super) params: Vec<(String, serde_json::Value)>,
}

/// Reads a file of parameters by itself: a name and a value in each line.
///
/// # Errors
/// The file cannot be read (usage).
pub(super) fn params(path: &Path) -> Result<ReadParams, CliError> {
    let (source, refused) = source(DocumentKind::Params, path)?;
    let mut diagnostics = Diagnostics::default();
    if let Some(diagnostic) = refused {
        diagnostics.push(diagnostic);
        return Ok(ReadParams { source, diagnostics, params: Vec::new() });
    }
    let root = tree::read(&source, &mut diagnostics);
    let mut params = Vec::new();
    for (key, node) in root.as_ref().and_then(tree::Node::map).unwrap_or_default() {
        if !is_plain_name(&key.text) {
            let shown: String = key.text.chars().take(60).collect();
            let message = format!("`{shown}` cannot be the name of a parameter.");
            let help = "A name begins with a lower-case letter and holds a-z, 0-9 and _.";
            diagnostics
                .push(Diagnostic::error(Code::BadName, key.span.clone(), message).with_help(help));
        } else if node.is_null() {
            let message = format!("The parameter `{}` has no value here.", key.text);
            diagnostics.push(Diagnostic::error(Code::ParamMissing, key.span.clone(), message));
        }
        params.push((key.text.clone(), literal::json(node)));
    }
    Ok(ReadParams { source, diagnostics, params })
}

/// The names of a runbook's parameters.
pub(super) fn param_names(runbook: &SourceFile) -> Vec<String> {
    let mut unsaid = Diagnostics::default();
    let root = tree::read(runbook, &mut unsaid);
    let params = root.as_ref().and_then(|root| root.get("params")?.map());
    params.into_iter().flatten().map(|(key, _)| key.text.clone()).collect()
}

/// Says which of these parameters none of some runbooks has.
pub(super) fn check_names(read: &mut ReadParams, known: &[String]) {
    let mut unsaid = Diagnostics::default();
    let Some(root) = tree::read(&read.source, &mut unsaid) else { return };
    for (key, _) in root.map().unwrap_or_default() {
        if known.contains(&key.text) {
            continue;
        }
        let message = format!("None of the runbooks has a parameter `{}`.", key.text);
        let help = match did_you_mean(&key.text, known.iter().map(String::as_str)) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("They have {}.", known.join(", ")),
        };
        read.diagnostics
            .push(Diagnostic::error(Code::UnknownParam, key.span.clone(), message).with_help(help));
    }
}

/// Reads the settings of this host: who is told of every run.
///
/// # Errors
/// The file cannot be read (usage).
pub(super) fn settings(path: &Path) -> Result<(SourceFile, Diagnostics), CliError> {
    let (source, refused) = source(DocumentKind::Settings, path)?;
    let diagnostics = match refused {
        Some(diagnostic) => {
            let mut diagnostics = Diagnostics::default();
            diagnostics.push(diagnostic);
            diagnostics
        }
        None => crate::plan::messages::of_settings(&source).1,
    };
    Ok((source, diagnostics))
}

/// Reads a file of bad days.
///
/// # Errors
/// The file cannot be read (usage).
pub(super) fn bad_days(
    path: &Path,
) -> Result<(SourceFile, crate::sim::written::ReadBadDays), CliError> {
    let (source, refused) = source(DocumentKind::BadDays, path)?;
    let read = match refused {
        Some(diagnostic) => {
            let mut diagnostics = Diagnostics::default();
            diagnostics.push(diagnostic);
            crate::sim::written::ReadBadDays { diagnostics, days: None }
        }
        None => crate::sim::written::read_bad_days(&source),
    };
    Ok((source, read))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_told_by_its_keys() {
        for (keys, kind) in [
            (&["runbook", "title", "steps"][..], DocumentKind::Runbook),
            (&["world", "resources"], DocumentKind::World),
            (&["wrold", "description"], DocumentKind::World),
            (&["extends", "regions_down"], DocumentKind::World),
            (&["runbok", "title"], DocumentKind::Runbook),
            (&["title", "owner"], DocumentKind::Runbook),
            (&["source_gateway", "target_prefixes"], DocumentKind::Params),
            (&["notify", "page"], DocumentKind::Settings),
            (&["runbook", "notify"], DocumentKind::Runbook),
            (&["resource_groups", "regions_down"], DocumentKind::World),
            (&[], DocumentKind::Runbook),
        ] {
            assert_eq!(by_keys(keys), kind, "{keys:?}");
        }
    }
}
