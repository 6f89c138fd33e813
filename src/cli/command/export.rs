//! What proves a run? Its history and what belongs to it, in one file.

use std::path::Path;

use super::report;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::files;
use crate::render::json;
use crate::render::report::{html, markdown};
use crate::render::template::Templates;
use crate::store::evidence::{self, Member};

pub(super) async fn export(context: &Context, run: &str, out: &Path) -> Result<Status, CliError> {
    if out.exists() {
        let what = format!("{} is there already.", out.display());
        return Err(CliError::usage(what).hint("Name another file, or move that one away."));
    }
    let id = context.state.find(run)?;
    let templates = Templates::new(&std::collections::BTreeMap::new())
        .map_err(|error| super::render::refused(&error))?;
    let made = report::of(context, run, &templates).await?;
    let filled = |text: Result<String, _>| text.map_err(|error| super::render::refused(&error));
    let (events, _) = context.read(&id).await?;
    let state = Context::fold(&events)?;
    let plan = state.opened.map(|opened| (*opened.plan).clone());
    let mut members = vec![
        Member::new("journal.jsonl", context.state.journal_text(&id)?),
        Member::new("plan.json", json::object(&plan).into_bytes()),
        Member::new("report.json", json::object(&made).into_bytes()),
        Member::new("report.html", filled(html(&made, &templates))?.into_bytes()),
        Member::new("report.md", filled(markdown(&made, &templates))?.into_bytes()),
    ];
    let folder = context.state.run_path(&id);
    for name in ["runbook.yaml", "world.json", "reached.json"] {
        if let Ok(bytes) = std::fs::read(folder.join(name)) {
            members.push(Member::new(name, bytes));
        }
    }
    let bytes = evidence::write(&id, made.head.as_deref(), &members)?;
    files::write_new(out, &bytes)?;
    context.ui.say(&format!("{} files of run {id} are in {}.", members.len() + 1, out.display()));
    context.ui.say(&format!("  Check it anywhere: backroad verify {}", out.display()));
    Ok(Status::Done)
}
