//! What does the author's file mean? The one place where the command line meets `runbook` and `plan`.
//!
//! WAITS FOR THE FRONT: the two bodies below are to be written against `plan::compile` and
//! `plan::preview` once those are merged; every verb calls only these two.

use std::path::{Path, PathBuf};

use super::args::Compile;
use super::context::Context;
use super::error::{CliError, Status};
use crate::engine::Survey;
use crate::model::Plan;
use crate::render::PreviewView;

/// A runbook, compiled under a profile.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// What it means.
    pub plan: Plan,
    /// The profile's world, with its path made relative to the runbook's folder.
    pub world: Option<PathBuf>,
    /// The profile it was compiled under.
    pub profile: Option<String>,
}

/// Compiles a runbook under the profile that was typed, else under `wanted` where the runbook has it.
/// Says every diagnostic on stderr.
///
/// # Errors
/// The file cannot be read (usage), or has errors (status 3).
pub fn compile(
    _context: &Context,
    runbook: &Path,
    _compile: &Compile,
    _wanted: &str,
) -> Result<Compiled, CliError> {
    Err(CliError::new(
        Status::Refused,
        format!("{} cannot be compiled by this build.", runbook.display()),
    ))
}

/// What a run would do, from what was seen.
#[must_use]
pub fn preview(compiled: &Compiled, _seen: &Survey, looked_at: String) -> PreviewView {
    let parts = compiled.plan.parts();
    PreviewView {
        schema: crate::render::view::PLAN_SCHEMA.to_owned(),
        runbook: parts.runbook.to_string(),
        title: parts.title.clone(),
        profile: compiled.profile.clone(),
        looked_at,
        steps: Vec::new(),
    }
}
