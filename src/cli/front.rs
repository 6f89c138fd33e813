//! What does the author's file mean? The one place where the command line meets `runbook` and `plan`.

use std::path::{Path, PathBuf};

use super::args::Compile;
use super::ci;
use super::context::Context;
use super::error::{CliError, Status};
use super::files;
use super::params;
use super::settings::Environment;
use crate::model::limits::FILE_BYTES_MAX;
use crate::model::{Plan, Region, RunId};
use crate::plan::{self, CompileOptions};
use crate::render::diagnostic;
use crate::runbook::{Diagnostics, SourceFile};
use crate::store::regular;

/// A runbook, compiled under a profile.
#[derive(Debug, Clone)]
pub struct CompiledRunbook {
    /// What it means.
    pub plan: Plan,
    /// The profile's world, beside the runbook.
    pub world: Option<PathBuf>,
    /// The runbook whose drill leads to where this one begins, beside the runbook.
    pub after: Option<PathBuf>,
    /// The regions that are up again by then.
    pub returns: Vec<Region>,
    /// The profile it was compiled under.
    pub profile: Option<String>,
    /// Values that were given from outside, as options write them.
    pub given: Vec<(String, String)>,
    /// What the author wrote, with the parts behind it.
    pub text: String,
}

impl CompiledRunbook {
    /// Keeps what the author wrote beside the run: nothing reads it but those who want to know later.
    ///
    /// # Errors
    /// The folder of the run cannot be written to.
    pub fn keep_text(&self, context: &Context, run: &RunId) -> Result<(), CliError> {
        let path = context.state.run_path(run).join("runbook.yaml");
        // Somebody may have noted a key in a comment.
        let text = crate::outward::redacted(&self.text);
        files::write_private(&path, text.as_bytes()).map_err(|error| {
            let what = format!("The runbook's text cannot be kept in {}.", path.display());
            CliError::new(Status::OutOfReach, what).because(&error)
        })
    }
}

/// Reads and compiles a runbook; says nothing yet.
///
/// # Errors
/// The file, or one with values of parameters, cannot be read (usage).
pub(super) fn read(
    environment: &Environment,
    runbook: &Path,
    compile: &Compile,
    wanted: Option<&str>,
) -> Result<(SourceFile, plan::Compiled), CliError> {
    let name = runbook.display().to_string();
    let bytes = files::read("runbook", runbook, FILE_BYTES_MAX)?;
    let mut source = match SourceFile::read(&name, &bytes) {
        Ok(source) => source,
        Err(refused) => {
            let (source, diagnostic) = *refused;
            let mut diagnostics = Diagnostics::default();
            diagnostics.push(diagnostic);
            return Ok((source, plan::Compiled { diagnostics, ..plan::Compiled::default() }));
        }
    };
    let folder = runbook.parent().unwrap_or_else(|| Path::new(""));
    source.take_in_parts(|path| read_part(folder, path));
    let given = params::take_in(&mut source, compile, environment)?;
    let options = CompileOptions {
        profile: compile.profile.clone(),
        default_profile: wanted.map(str::to_owned),
        given,
    };
    let compiled = plan::compile(&source, &options);
    Ok((source, compiled))
}

/// A runbook that another one uses.
fn read_part(folder: &Path, path: &str) -> Result<SourceFile, String> {
    let path = files::below(folder, path)?;
    let bytes = regular::read(&path, FILE_BYTES_MAX).map_err(|error| error.to_string())?;
    SourceFile::read(&path.display().to_string(), &bytes).map_err(|refused| {
        let (_, diagnostic) = *refused;
        diagnostic.message.trim_end_matches('.').to_owned()
    })
}

/// Compiles a runbook under the profile that was typed, else under `wanted` where the runbook has it.
/// Says every diagnostic on stderr.
///
/// # Errors
/// The file cannot be read (usage), or has errors (status 3).
pub fn compile(
    context: &Context,
    runbook: &Path,
    compile: &Compile,
    wanted: &str,
) -> Result<CompiledRunbook, CliError> {
    let (source, compiled) = read(&context.environment, runbook, compile, Some(wanted))?;
    if !compiled.diagnostics.is_empty() {
        let text = diagnostic::diagnostics(&source, &compiled.diagnostics, context.ui.err);
        context.ui.say(text.trim_end());
        ci::diagnostics(context.ui, &compiled.diagnostics.views(&source));
    }
    for note in params::notes(&compiled.params, &context.environment) {
        context.ui.say(&format!("{} {note}", context.ui.err.warn("note:")));
    }
    let Some(plan) = compiled.plan else {
        let what = format!("The runbook {} has errors; nothing was started.", source.name());
        return Err(CliError::new(Status::Runbook, what));
    };
    let folder = runbook.parent().unwrap_or_else(|| Path::new(""));
    let profile = plan.parts().profile.clone();
    Ok(CompiledRunbook {
        plan,
        world: compiled.world.map(|world| named(folder, "world", &world)).transpose()?,
        after: compiled.after.map(|after| named(folder, "after", &after)).transpose()?,
        returns: compiled.returns,
        profile,
        given: params::typed(&compiled.params),
        text: source.written().to_owned(),
    })
}

/// The place of a file that a runbook names.
///
/// # Errors
/// It does not lie below the runbook's folder (status 3).
pub(super) fn named(folder: &Path, key: &str, written: &str) -> Result<PathBuf, CliError> {
    files::below(folder, written).map_err(|why| {
        let what = format!("`{key}: {written}` cannot be used.");
        CliError::new(Status::Runbook, what)
            .reason(&why)
            .hint("Put the file beside the runbook, or in a folder there.")
    })
}
