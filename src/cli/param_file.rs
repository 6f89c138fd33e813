//! Do the values in a file fit the runbooks that they are for? Judged as the runbooks declare them; each mistake at its
//! place in the file.

use std::path::{Path, PathBuf};

use super::args::Compile;
use super::error::CliError;
use super::front;
use super::settings::Environment;
use super::written::ReadParams;
use crate::runbook::{Code, Diagnostic, SourceFile, Span};

/// What a comment at a file's beginning names its runbook with.
const MARK: &str = "# runbook:";

/// The runbook that a file names for itself, where it does: its path is the file's neighbour. One that cannot be is said.
pub(super) fn own_runbook(read: &mut ReadParams, file: &Path) -> Option<PathBuf> {
    let (written, span) = marked(&read.source)?;
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let wrong = match super::files::below(folder, &written) {
        Ok(path) if path.is_file() => return Some(path),
        Ok(_) => "there is no such file beside this one".to_owned(),
        Err(why) => why,
    };
    let message = format!("The runbook `{written}` cannot be read: {wrong}.");
    read.diagnostics.push(
        Diagnostic::error(Code::Part, span, message)
            .with_help("Name a file beside this one, `# runbook: NAME.yaml`."),
    );
    None
}

/// What stands behind the mark, and where.
fn marked(source: &SourceFile) -> Option<(String, Span)> {
    let mut start = 0;
    for line in source.text().split_inclusive('\n') {
        let text = line.trim();
        if !text.is_empty() && !text.starts_with('#') {
            return None;
        }
        if let Some(at) = line.find(MARK) {
            let written = line[at + MARK.len()..].trim();
            let begin = start
                + at
                + MARK.len()
                + (line[at + MARK.len()..].len() - line[at + MARK.len()..].trim_start().len());
            return Some((written.to_owned(), begin..begin + written.len()));
        }
        start += line.len();
    }
    None
}

/// Judges the values as a runbook declares its parameters.
///
/// # Errors
/// The runbook cannot be read.
pub(super) fn judge(
    read: &mut ReadParams,
    file: &Path,
    runbook: &Path,
    compile: &Compile,
) -> Result<(), CliError> {
    let alone = Compile {
        profile: compile.profile.clone(),
        params: Vec::new(),
        params_files: vec![file.to_owned()],
    };
    let (source, compiled) = front::read(&Environment::default(), runbook, &alone, None)?;
    // What was given stands last in that source.
    let Some(begin) = source.text().len().checked_sub(read.source.text().len()) else {
        return Ok(());
    };
    for one in compiled.diagnostics.sorted() {
        // Which names there are is said of all runbooks together, and what is no YAML was said of the file.
        if one.span.start < begin || matches!(one.code, Code::UnknownParam | Code::Syntax) {
            continue;
        }
        let mut own = one.clone();
        own.span = own.span.start - begin..own.span.end.max(own.span.start) - begin;
        if !read.diagnostics.sorted().iter().any(|known| **known == own) {
            read.diagnostics.push(own);
        }
    }
    Ok(())
}
