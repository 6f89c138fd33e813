//! What is measured of the runs in a state directory?

use super::context::Context;
use super::error::CliError;
use crate::engine::RunState;
use crate::render::machine::RunMeasures;
use crate::render::machine::measures::measures;
use crate::render::run_view_at;

/// Runs that are looked at, the newest first: a scrape comes every few seconds.
const RUNS_MAX: usize = 300;

/// Measures of the runs, the newest first. A run that cannot be read hides none of the others.
///
/// # Errors
/// The state directory cannot be read.
pub async fn measured(context: &Context) -> Result<Vec<RunMeasures>, CliError> {
    let mut all = Vec::new();
    for raw in context.state.list()?.into_iter().rev().take(RUNS_MAX) {
        let Ok(look) = context.look(&raw.run).await else { continue };
        let Ok(state) = RunState::fold(&look.events) else { continue };
        let view = run_view_at(&state, &look.events, look.driven, look.now);
        all.extend(view.and_then(|view| measures(&state, &look.events, &view)));
    }
    Ok(all)
}
