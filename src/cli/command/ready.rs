//! Could these runbooks be used tonight? One verdict, with a reason and what mends it for each thing that is amiss.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use crate::azure::Arm;
use crate::cli::args::{Compile, Output, Target, Waive};
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::front::{self, CompiledRunbook};
use crate::cli::ready as rows;
use crate::cli::saved::SavedPlan;
use crate::cli::world::{KeptDrill, Outset};
use crate::cli::{azure, messages, preflight};
use crate::engine::{Clock, RunKind, RunMode, RunTarget, survey};
use crate::model::{MessageId, MessageKind, RunbookName, Seq, Timestamp};
use crate::notify::{Delivery, Message, MessageCarrier as _, SendEnd};
use crate::outside::{BesideAzure, RoutedObserver};
use crate::render::json as out;
use crate::render::ready::{
    self, PastReadiness, READY_SCHEMA, ReadyRow, RunbookReadiness, drill_row,
};
use crate::store::ReadyNote;

/// What `ready` takes.
#[derive(Debug, Clone, Args)]
pub struct ReadyArgs {
    /// The runbooks.
    #[arg(required = true)]
    pub runbooks: Vec<PathBuf>,
    /// How they are compiled.
    #[command(flatten)]
    pub compile: Compile,
    /// Where Azure is.
    #[command(flatten)]
    pub target: Target,
    /// Look at this world instead of Azure.
    #[arg(long, value_name = "FILE")]
    pub world: Option<PathBuf>,
    /// The plan that was approved, of one of them [default: the last that `plan --out` kept].
    #[arg(long, value_name = "FILE")]
    pub plan: Vec<PathBuf>,
    /// What is waived.
    #[command(flatten)]
    pub waive: Waive,
    /// Only show what earlier looks found.
    #[arg(long)]
    pub history: bool,
    /// Tell the receivers of messages when the verdict is another one than the last.
    #[arg(long)]
    pub notify: bool,
}

pub(super) async fn ready(context: &Context, args: &ReadyArgs) -> Result<Status, CliError> {
    if args.history {
        return history(context, args);
    }
    if args.world.is_some() && args.target.endpoint.is_some() {
        let what = "`--world` and `--endpoint` are two places to look at; name one.";
        return Err(CliError::usage(what));
    }
    let mut all = Vec::new();
    for file in &args.runbooks {
        all.push(one(context, args, file).await?);
    }
    match context.ui.output {
        Output::Text => context.ui.data(&ready::text(&all, context.ui.out)),
        Output::Json | Output::Jsonl => {
            let ready = all.iter().all(|one| one.ready);
            let view = json!({ "schema": READY_SCHEMA, "ready": ready, "runbooks": all });
            context.ui.data(&out::object(&view));
        }
    }
    Ok(if all.iter().all(|one| one.ready) { Status::Done } else { Status::NotReady })
}

/// Where is looked.
struct Place {
    arm: Arm,
    clock: Arc<dyn Clock>,
    beside: BesideAzure,
    shown: String,
    simulated: bool,
}

async fn place(
    context: &Context,
    args: &ReadyArgs,
    compiled: &CompiledRunbook,
) -> Result<Place, CliError> {
    if let Some(path) = &args.world {
        let outset = Outset { world: Some(path), ..Outset::default() };
        let drill = KeptDrill::begin(context, compiled, outset).await?;
        let beside = BesideAzure::stand_in(Arc::clone(&drill.clock));
        let (shown, simulated) = (path.display().to_string(), true);
        return Ok(Place { arm: drill.arm, clock: drill.clock, beside, shown, simulated });
    }
    let url = azure::endpoint(&args.target)?;
    let shown = url.to_string();
    let simulated = RunTarget::of(RunMode::Live, &shown) == RunTarget::Simulator;
    let factor = args.target.clock_factor.unwrap_or(NonZeroU32::MIN);
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new(factor, None));
    let beside = azure::beside(&compiled.plan, Arc::clone(&clock));
    let arm = azure::arm(&compiled.plan, url, &args.target, Arc::clone(&clock))?;
    Ok(Place { arm, clock, beside, shown, simulated })
}

/// The verdict on one runbook, which is also written down and told.
async fn one(
    context: &Context,
    args: &ReadyArgs,
    file: &Path,
) -> Result<RunbookReadiness, CliError> {
    let at = RealClock::new(NonZeroU32::MIN, None).now();
    let shown = file.display().to_string();
    let mut verdict = RunbookReadiness {
        file: shown.clone(),
        runbook: None,
        ready: false,
        at,
        looked_at: String::new(),
        simulated: false,
        rows: Vec::new(),
    };
    let compiled = match front::compile(context, file, &args.compile, "live") {
        Ok(compiled) => compiled,
        // A mistake in one hides no verdict on the others.
        Err(error) => {
            let mend = format!("backroad check {shown}");
            verdict.rows.push(ReadyRow::bad("runbook", error.what, mend));
            return Ok(verdict);
        }
    };
    verdict.runbook = Some(compiled.plan.parts().runbook.to_string());
    match place(context, args, &compiled).await {
        Ok(place) => {
            verdict.looked_at.clone_from(&place.shown);
            verdict.simulated = place.simulated;
            verdict.rows.extend(looked(context, args, &compiled, &place, &shown).await?);
        }
        Err(error) => {
            let why = error
                .why
                .first()
                .map_or_else(|| error.what.clone(), |why| format!("{} {why}", error.what));
            verdict.rows.extend(rows::unasked_rows(&why, &shown));
        }
    }
    let last = rows::last_drill(context, &compiled).await;
    let every = compiled.plan.parts().drill_every;
    verdict.rows.push(drill_row(last.as_ref(), every, &shown));
    verdict.rows.extend(rows::receivers_row(context, &compiled.plan));
    verdict.ready = verdict.amiss().count() == 0;
    note(context, args, &compiled, &verdict).await;
    Ok(verdict)
}

/// What the world says: the preflight, and whether it is as when a plan was kept.
async fn looked(
    context: &Context,
    args: &ReadyArgs,
    compiled: &CompiledRunbook,
    place: &Place,
    file: &str,
) -> Result<Vec<ReadyRow>, CliError> {
    let Place { arm, clock, beside, shown, .. } = place;
    let found = preflight::look(arm, beside, clock, &compiled.plan, &args.waive).await;
    let mut all = match found {
        Ok(found) => rows::found_rows(&found, file),
        Err(error) if error.status == Status::Usage => return Err(error),
        Err(error) => {
            let why = error.why.first().unwrap_or(&error.what);
            rows::unasked_rows(why, file)
        }
    };
    all.push(drift(context, args, compiled, place, (shown, file)).await);
    Ok(all)
}

async fn drift(
    context: &Context,
    args: &ReadyArgs,
    compiled: &CompiledRunbook,
    place: &Place,
    (looked_at, file): (&str, &str),
) -> ReadyRow {
    const ROW: &str = "drift";
    let name = &compiled.plan.parts().runbook;
    let again = format!("backroad plan {file} --out plan.json");
    let named = args.plan.iter().find_map(|path| match SavedPlan::read(path) {
        Ok(saved) if saved.name() == name => Some(Ok((saved, path.clone()))),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    let kept = match named {
        Some(kept) => kept,
        None => match context.state.readiness().kept_plan(name) {
            Ok(Some(path)) => SavedPlan::read(&path).map(|saved| (saved, path)),
            Ok(None) => {
                let why = "No plan was kept that anything could be compared with.";
                return ReadyRow::unknown(ROW, why, again);
            }
            Err(error) => Err(CliError::from(error)),
        },
    };
    let (saved, path) = match kept {
        Ok(kept) => kept,
        Err(error) => return ReadyRow::unknown(ROW, error.what, again),
    };
    // As it was compiled when it was approved.
    let then = match front::read(&context.environment, Path::new(file), &saved.compile(), None) {
        Ok((_, then)) => then.plan,
        Err(error) => return ReadyRow::unknown(ROW, error.what, again),
    };
    let Some(plan) = then else {
        let why = "The runbook does not compile with the parameters of the kept plan any more.";
        return ReadyRow::bad(ROW, why, again);
    };
    let observer = RoutedObserver::new(Arc::new(place.arm.observer()), place.beside.observer());
    let seen = survey(&plan, &observer, &place.clock).await;
    rows::drift_row((&saved, &path), &plan, &seen, looked_at, file)
}

/// Writes the verdict down, and tells those who want to know when it changed. Neither stops anything.
async fn note(
    context: &Context,
    args: &ReadyArgs,
    compiled: &CompiledRunbook,
    verdict: &RunbookReadiness,
) {
    let readiness = context.state.readiness();
    let name = &compiled.plan.parts().runbook;
    let warn =
        |what: String| context.ui.say(&format!("{} {what}", context.ui.err.warn("warning:")));
    let before = match readiness.of(name) {
        Ok(notes) => notes.last().cloned(),
        Err(error) => {
            warn(format!("The history of {name} cannot be read: {error}."));
            None
        }
    };
    let told = messages::of(context, &compiled.plan);
    let wants = told.receivers.iter().filter(|receiver| receiver.wants(MessageKind::Readiness));
    let changed = before.as_ref().map_or(!verdict.ready, |before| before.ready != verdict.ready);
    // Who could not be told of the last change is told with this one.
    let missed = before.as_ref().map(|before| before.to_tell.clone()).unwrap_or_default();
    let to_tell: Vec<String> = wants
        .filter(|receiver| args.notify && (changed || missed.contains(&receiver.name)))
        .map(|receiver| receiver.name.clone())
        .collect();
    let mut note = ReadyNote {
        at: verdict.at,
        ready: verdict.ready,
        looked_at: verdict.looked_at.clone(),
        simulated: verdict.simulated,
        amiss: verdict
            .amiss()
            .map(|row| (row.row.clone(), row.state.as_str().to_owned(), row.why.clone()))
            .collect(),
        to_tell: if args.notify { to_tell.clone() } else { missed.clone() },
    };
    // Before anybody is told: a process that dies forgets nobody, and a double says so.
    if let Err(error) = readiness.note(name, &note) {
        warn(format!("What was found of {name} is not written down: {error}."));
        return;
    }
    let carrier = messages::carrier(&told);
    for receiver in told.receivers.iter().filter(|one| to_tell.contains(&one.name)) {
        let message = message(name, compiled, verdict);
        let again = missed.contains(&receiver.name) && !changed;
        let delivery = Delivery { message, again, settled: None };
        match carrier.send(receiver, &delivery).await {
            SendEnd::Taken => note.to_tell.retain(|left| *left != receiver.name),
            SendEnd::Refused(why) | SendEnd::NotNow(why) | SendEnd::Unknown(why) => {
                warn(format!("{} could not be told: {why}.", receiver.name));
            }
        }
    }
    if !to_tell.is_empty() && readiness.note(name, &note).is_err() {
        warn(format!("Who was told of {name} is not written down."));
    }
}

fn message(name: &RunbookName, compiled: &CompiledRunbook, verdict: &RunbookReadiness) -> Message {
    let amiss: Vec<&str> = verdict.amiss().map(|row| row.row.as_str()).collect();
    let headline = match verdict.ready {
        true => "it is ready".to_owned(),
        false => format!("it is not ready: {}", amiss.join(", ")),
    };
    let mut lines = vec![compiled.plan.parts().title.clone()];
    for row in verdict.amiss() {
        lines.push(format!("{}: {}", row.row, row.why));
        lines.extend(row.mend.iter().map(|mend| format!("To mend it: {mend}")));
    }
    lines.push(format!("Looked at: {}", verdict.looked_at));
    let millis = u64::try_from(verdict.at.as_millis()).unwrap_or_default();
    Message {
        place: MessageId { seq: Seq(millis), nth: 0 },
        kind: MessageKind::Readiness,
        run: None,
        runbook: name.to_string(),
        title: compiled.plan.parts().title.clone(),
        mode: verdict.simulated.then_some(RunKind::Simulated),
        at: verdict.at,
        step: None,
        headline,
        lines,
        ask: None,
        objective: None,
        page: None,
    }
}

/// What earlier looks found.
fn history(context: &Context, args: &ReadyArgs) -> Result<Status, CliError> {
    let mut text = String::new();
    let mut views = Vec::new();
    for file in &args.runbooks {
        let compiled = front::compile(context, file, &args.compile, "live")?;
        let name = &compiled.plan.parts().runbook;
        let notes = context.state.readiness().of(name)?;
        let past: Vec<PastReadiness> = notes.into_iter().map(past).collect();
        text.push_str(&ready::history(name.as_str(), &past, context.ui.out));
        views.push(json!({ "runbook": name, "looks": past }));
    }
    match context.ui.output {
        Output::Text => context.ui.data(&text),
        Output::Json | Output::Jsonl => context.ui.data(&out::object(
            &json!({ "schema": "backroad.ready_history/1", "runbooks": views }),
        )),
    }
    Ok(Status::Done)
}

pub(super) fn past(note: ReadyNote) -> PastReadiness {
    let ReadyNote { at, ready, looked_at, simulated, amiss, .. } = note;
    PastReadiness { at, ready, looked_at, simulated, amiss }
}

/// Notes which plan was kept last, for `ready`.
pub(super) fn note_plan(context: &Context, name: &RunbookName, path: &Path, at: Timestamp) {
    // Whoever names it with `--plan` does not need the note.
    if let Err(error) = context.state.readiness().keep_plan(name, path, at) {
        tracing::warn!(%error, "which plan was kept is not noted");
    }
}
