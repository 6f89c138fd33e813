//! What is measured of the runs in a state directory?

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::context::Context;
use super::error::CliError;
use crate::engine::RunState;
use crate::model::{RunId, Seq};
use crate::render::machine::RunMeasures;
use crate::render::machine::measures::measures;
use crate::render::run_view_at;

/// Runs that are looked at, the newest first: a scrape comes every few seconds.
const RUNS_MAX: usize = 300;

/// What was measured of runs that have ended, by how far their journals had come: it does not change any more.
pub type MeasuredRuns = Arc<Mutex<BTreeMap<RunId, (Option<Seq>, RunMeasures)>>>;

/// Measures of the runs, the newest first. A run that cannot be read hides none of the others.
///
/// # Errors
/// The state directory cannot be read.
pub async fn measured(context: &Context) -> Result<Vec<RunMeasures>, CliError> {
    measured_again(context, &MeasuredRuns::default()).await
}

/// The same, of those that have ended as they were measured before.
///
/// # Errors
/// As [`measured`].
pub async fn measured_again(
    context: &Context,
    known: &MeasuredRuns,
) -> Result<Vec<RunMeasures>, CliError> {
    let kept = || known.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = Vec::new();
    for progress in context.state.all_progress()?.into_iter().rev().take(RUNS_MAX) {
        if !progress.driven
            && let Some((head, measured)) = kept().get(&progress.run)
            && *head == progress.head
        {
            all.push(measured.clone());
            continue;
        }
        let Ok(look) = context.look(&progress.run).await else { continue };
        let Ok(state) = RunState::fold(&look.events) else { continue };
        let view = run_view_at(&state, &look.events, look.driven, look.now);
        let Some(measured) = view.and_then(|view| measures(&state, &look.events, &view)) else {
            continue;
        };
        // Only what was read as far as its folder says is as it will stay.
        if measured.standing.is_end() && Some(state.head) == progress.head {
            let mut kept = kept();
            while kept.len() >= RUNS_MAX {
                kept.pop_first();
            }
            kept.insert(progress.run, (progress.head, measured.clone()));
        }
        all.push(measured);
    }
    Ok(all)
}
