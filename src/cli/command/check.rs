//! Is what was written right? Runbooks, worlds, bad days, parameters: every mistake at once; nothing is touched.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::args::{Compile, Output};
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::{ci, files, front, param_file, written};
use crate::init::CONTACT;
use crate::plan::NamedFile;
use crate::render::machine::summary;
use crate::render::{diagnostic, json as out};
use crate::runbook::{
    Code, Diagnostic, Diagnostics, DocumentKind, Node, NodeValue, Severity, SourceFile, tree,
};

/// What `check` takes.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// The files: runbooks, worlds, bad days, values of parameters. Which of them each is, it says itself.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How runbooks are compiled.
    #[command(flatten)]
    pub compile: Compile,
    /// Take warnings for errors.
    #[arg(long)]
    pub deny_warnings: bool,
}

/// What was found in one file.
struct Checked {
    source: SourceFile,
    diagnostics: Diagnostics,
    /// Whether it can be used.
    usable: bool,
    /// What is in it, when nothing is wrong.
    good: String,
}

/// Checks files; runbooks under every profile that they have, so that no profile is wrong unnoticed.
///
/// # Errors
/// Files cannot be read; the others have been checked by then.
pub(super) fn check(
    context: &Context,
    CheckArgs { files: named, compile, deny_warnings }: &CheckArgs,
) -> Result<Status, CliError> {
    let (kinds, unread) = of_kinds(named);
    let runbooks: Vec<&Path> = kinds
        .iter()
        .filter(|(_, kind)| *kind == DocumentKind::Runbook)
        .map(|(file, _)| file.as_path())
        .collect();
    let mut views: Vec<Value> = Vec::new();
    let mut found = Vec::new();
    let mut wrong = false;
    for (file, kind) in &kinds {
        let checked = match kind {
            DocumentKind::Runbook => runbook(context, file, compile)?,
            DocumentKind::World => world(file)?,
            DocumentKind::BadDays => bad_days(file)?,
            DocumentKind::Params => params(context, file, &runbooks, compile)?,
            DocumentKind::Settings => {
                let (source, diagnostics) = written::settings(file)?;
                let usable = !diagnostics.has_errors();
                Checked { source, diagnostics, usable, good: "a settings file".to_owned() }
            }
        };
        let Checked { source, diagnostics, usable, good } = checked;
        let doubted = *deny_warnings
            && diagnostics.sorted().iter().any(|one| one.severity == Severity::Warning);
        found.extend(diagnostics.views(&source));
        wrong |= diagnostics.has_errors() || !usable || doubted;
        match context.ui.output {
            Output::Json | Output::Jsonl => {
                views.extend(diagnostics.views(&source).iter().map(|one| json!(one)))
            }
            Output::Text if diagnostics.is_empty() => {
                context.ui.data(&format!("{}: no mistakes; {good}.\n", source.name()));
            }
            Output::Text => {
                context.ui.data(&diagnostic::diagnostics(&source, &diagnostics, context.ui.out));
            }
        }
    }
    if context.ui.output == Output::Json {
        context.ui.data(&out::object(&as_object(&views, &unread)));
    }
    ci::diagnostics(context.ui, &found);
    ci::summarize(context, "check", &summary::of_check(named.len(), &found));
    match (unread.is_empty(), context.ui.output) {
        (true, _) => Ok(if wrong { Status::Runbook } else { Status::Done }),
        // What was printed for machines is one object, and says it.
        (false, Output::Json) => {
            let error = unreadable_files(unread);
            context.ui.error(&error);
            Ok(error.status)
        }
        (false, _) => Err(unreadable_files(unread)),
    }
}

/// Files that cannot be read, each with what hinders.
type UnreadFiles<'a> = Vec<(&'a PathBuf, CliError)>;

/// What each file is, and which cannot be read.
fn of_kinds(named: &[PathBuf]) -> (Vec<(&PathBuf, DocumentKind)>, UnreadFiles<'_>) {
    let (mut kinds, mut unread) = (Vec::new(), Vec::new());
    for file in named {
        match written::kind(file) {
            Ok(kind) => kinds.push((file, kind)),
            Err(error) => unread.push((file, error)),
        }
    }
    (kinds, unread)
}

fn as_object(views: &[Value], unread: &UnreadFiles<'_>) -> Value {
    let mut view = json!({ "schema": "backroad.check/1", "diagnostics": views });
    if !unread.is_empty() {
        let told =
            unread.iter().map(|(file, error)| json!({ "file": file, "why": error.why.join(": ") }));
        view["unread"] = told.collect();
    }
    view
}

/// The files that cannot be read, as one error: each with what hinders.
fn unreadable_files(mut all: UnreadFiles<'_>) -> CliError {
    if all.len() == 1 {
        return all.remove(0).1;
    }
    let told = CliError::usage(format!("{} files cannot be read.", all.len()));
    all.iter().fold(told, |told, (file, error)| {
        told.reason(&format!("{}: {}", file.display(), error.why.join(": ")))
    })
}

fn runbook(context: &Context, file: &Path, compile: &Compile) -> Result<Checked, CliError> {
    let (source, first) = front::read(&context.environment, file, compile, None)?;
    let mut all = vec![first];
    if compile.profile.is_none() && all[0].plan.is_some() {
        for profile in all[0].profiles.clone() {
            let compile = Compile { profile: Some(profile), ..compile.clone() };
            all.push(front::read(&context.environment, file, &compile, None)?.1);
        }
    }
    // What every profile has in common is said once.
    let mut diagnostics = Diagnostics::default();
    for compiled in &all {
        for one in compiled.diagnostics.sorted() {
            diagnostics.push(one.clone());
        }
        for named in &compiled.files {
            if let Some(doubt) = unreadable(file, named) {
                diagnostics.push(doubt);
            }
        }
    }
    placeholders(&source, &mut diagnostics);
    let steps = all.iter().filter_map(|c| c.plan.as_ref()).map(|plan| plan.steps().len()).max();
    let profiles = match all[0].profiles.as_slice() {
        [] => "no profile".to_owned(),
        profiles => format!("the profiles {}", profiles.join(", ")),
    };
    let good = format!("{} steps under {profiles}", steps.unwrap_or(0));
    // Without a profile a parameter may have no value, as long as each profile gives it one.
    let usable = all.iter().any(|compiled| compiled.plan.is_some());
    Ok(Checked { source, diagnostics, usable, good })
}

/// What is to be said of a file that a runbook names for another day, and that cannot be read today.
fn unreadable(runbook: &Path, named: &NamedFile) -> Option<Diagnostic> {
    let NamedFile { key, path, span } = named;
    let folder = runbook.parent().unwrap_or_else(|| Path::new(""));
    let why = match files::below(folder, path) {
        Ok(place) if place.is_file() => return None,
        Ok(place) => format!("{} is no file", place.display()),
        Err(why) => why,
    };
    let message = format!("`{key}` cannot be used: {why}.");
    let help = match *key {
        "failback" => "Write the way home before it is needed; `backroad init` proposes one.",
        _ => "Its path is looked for beside the runbook. Mend it, or take the key away.",
    };
    Some(Diagnostic::warning(Code::NamedFile, span.clone(), message).with_help(help))
}

/// What `init` could not know and nobody has written since: found at three in the morning, it is found too late.
fn placeholders(source: &SourceFile, diagnostics: &mut Diagnostics) {
    fn within(node: &Node, key: &str, diagnostics: &mut Diagnostics) {
        match &node.value {
            NodeValue::Scalar { text, .. } if text == CONTACT => {
                let message = format!("`{key}` is still to be filled in.");
                let help = "Write what people need on the day, or take the key away.";
                let doubt = Diagnostic::warning(Code::Placeholder, node.span.clone(), message);
                diagnostics.push(doubt.with_help(help));
            }
            NodeValue::Scalar { .. } => {}
            NodeValue::List(all) => all.iter().for_each(|one| within(one, key, diagnostics)),
            NodeValue::Map(entries) => {
                entries.iter().for_each(|(key, one)| within(one, &key.text, diagnostics));
            }
        }
    }
    // What is wrong with the text itself has been said.
    if let Some(root) = tree::read(source, &mut Diagnostics::default()) {
        within(&root, "", diagnostics);
    }
}

fn world(file: &Path) -> Result<Checked, CliError> {
    let read = written::world(file)?;
    let good = read.scenario.as_ref().map(|scenario| {
        format!(
            "the world {} with {} resources in {} groups",
            scenario.world,
            scenario.resources.len(),
            scenario.resource_groups.len()
        )
    });
    let usable = good.is_some();
    let good = good.unwrap_or_default();
    Ok(Checked { source: read.source, diagnostics: read.diagnostics, usable, good })
}

fn bad_days(file: &Path) -> Result<Checked, CliError> {
    let (source, read) = written::bad_days(file)?;
    let days = read.days.as_ref().map_or(0, Vec::len);
    let usable = read.days.is_some();
    let good = format!("{days} bad {}", if days == 1 { "day" } else { "days" });
    Ok(Checked { source, diagnostics: read.diagnostics, usable, good })
}

/// Values of parameters: by themselves, and against the runbooks that were named along.
fn params(
    context: &Context,
    file: &Path,
    runbooks: &[&Path],
    compile: &Compile,
) -> Result<Checked, CliError> {
    let mut read = written::params(file)?;
    let mut known = Vec::new();
    // Those that were named beside it, else the one that it names itself.
    let own = if runbooks.is_empty() { param_file::own_runbook(&mut read, file) } else { None };
    let own = own.as_deref();
    let runbooks: Vec<&Path> = runbooks.iter().copied().chain(own).collect();
    for runbook in &runbooks {
        param_file::judge(&mut read, file, runbook, compile)?;
        known.extend(written::param_names(
            &front::read(&context.environment, runbook, compile, None)?.0,
        ));
    }
    if !known.is_empty() {
        written::check_names(&mut read, &known);
    }
    let against = match runbooks.as_slice() {
        [] => {
            "; name a runbook beside it to check them against, or in a first line `# runbook: FILE`"
                .to_owned()
        }
        [one] => format!(", as {} declares them", one.display()),
        several => format!(", as {} runbooks declare them", several.len()),
    };
    let good = match read.params.len() {
        1 => format!("the value of 1 parameter{against}"),
        count => format!("values of {count} parameters{against}"),
    };
    let usable = !read.diagnostics.has_errors();
    Ok(Checked { source: read.source, diagnostics: read.diagnostics, usable, good })
}
