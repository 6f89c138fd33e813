//! What proves a run? Its history and what belongs to it, in one file, signed by who vouches for it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::report;
use crate::cli::args::Output;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::files;
use crate::model::limits::{EVIDENCE_BYTES_MAX, FILE_BYTES_MAX};
use crate::model::{Plan, RunId};
use crate::render::json;
use crate::render::report::{Report, html, markdown};
use crate::render::template::Templates;
use crate::store::evidence::{self, Member};
use crate::store::regular;
use crate::store::signature::SigningKey;

/// The schema of what is printed for machines.
const EXPORT_SCHEMA: &str = "backroad.export/1";

/// What `export` takes.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The run's id, or its beginning.
    pub run: String,
    /// The file to write; it must not be there yet.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub out: PathBuf,
    /// Sign it with this private SSH key (ed25519, without a passphrase).
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
}

pub(super) async fn export(
    context: &Context,
    ExportArgs { run, out, sign }: &ExportArgs,
) -> Result<Status, CliError> {
    if out.exists() {
        let what = format!("{} is there already.", out.display());
        return Err(CliError::usage(what).hint("Name another file, or move that one away."));
    }
    files::may_write_new(out)?;
    let id = context.find(run).await?;
    context.fetch(&id).await;
    // A key that does not sign is found before anything is made.
    let key = sign.as_deref().map(signing_key).transpose()?;
    let templates = Templates::new(&std::collections::BTreeMap::new())
        .map_err(|error| super::render::refused(&error))?;
    let made = report::of(context, run, &templates).await?;
    let (events, _) = context.read(&id).await?;
    let plan = Context::fold(&events)?.opened.map(|opened| (*opened.plan).clone());
    let members = members(context, &id, (plan.as_ref(), &made), &templates)?;
    let failed = |error: &evidence::EvidenceError| {
        CliError::new(Status::OutOfReach, "The evidence cannot be put together.").because(error)
    };
    let bytes = evidence::write(&id, made.head.as_deref(), &members, key.as_ref())
        .map_err(|error| failed(&error))?;
    // What was just written is judged as anybody will judge it: nothing goes out that does not verify.
    let judged = evidence::verify(&bytes);
    if let Some(bad) = judged.first_bad {
        let what = format!("The evidence of run {id} would not verify: {bad}.");
        return Err(CliError::new(Status::OutOfReach, what)
            .hint(format!("Check the run itself with `backroad verify {id}`.")));
    }
    files::write_new(out, &bytes)?;
    let count = judged.members.len();
    context.ui.say(&format!("{count} files of run {id} are in {}.", out.display()));
    if let Some(key) = &key {
        context.ui.say(&format!("  It is signed with {}.", key.signer()));
    }
    if let Some(head) = &made.head {
        context.ui.say(&format!("  Its last event's hash, to be told elsewhere: {head}"));
    }
    context.ui.say(&format!("  Check it anywhere: backroad verify {}", out.display()));
    if context.ui.output != Output::Text {
        context.ui.data(&json::object(&json!({
            "schema": EXPORT_SCHEMA,
            "run": id.as_str(),
            "file": out,
            "files": count,
            "hash": made.head,
            "signed_by": key.as_ref().map(|key| key.signer().key),
        })));
    }
    Ok(Status::Done)
}

/// What belongs to a run's history, and what lies beside it.
fn members(
    context: &Context,
    id: &RunId,
    (plan, made): (Option<&Plan>, &Report),
    templates: &Templates,
) -> Result<Vec<Member>, CliError> {
    let filled = |text: Result<String, _>| text.map_err(|error| super::render::refused(&error));
    let mut members = vec![
        Member::new("journal.jsonl", context.state.journal_text(id)?),
        Member::new("plan.json", json::object(&plan).into_bytes()),
        Member::new("report.json", json::object(made).into_bytes()),
        Member::new("report.html", filled(html(made, templates))?.into_bytes()),
        Member::new("report.md", filled(markdown(made, templates))?.into_bytes()),
    ];
    let folder = context.state.run_path(id);
    for name in
        ["runbook.yaml", "world.json", "world.log", "reached.json", "strikes.json", "outbox.json"]
    {
        if let Ok(bytes) = regular::read(&folder.join(name), EVIDENCE_BYTES_MAX) {
            members.push(Member::new(name, bytes));
        }
    }
    Ok(members)
}

fn signing_key(path: &Path) -> Result<SigningKey, CliError> {
    let bytes = files::read("key", path, FILE_BYTES_MAX)?;
    SigningKey::parse(&bytes).map_err(|error| {
        let what = format!("The key {} does not sign evidence.", path.display());
        CliError::usage(what).because(&error).hint(error.hint())
    })
}
