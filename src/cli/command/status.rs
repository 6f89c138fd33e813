//! Where does a run stand?

use std::num::NonZeroU32;
use std::sync::Arc;

use clap::Args;

use crate::cli::args::{Output, Target};
use crate::cli::clock::RealClock;
use crate::cli::context::{Context, RunLook};
use crate::cli::error::{CliError, Status};
use crate::cli::world::KeptDrill;
use crate::cli::{azure, left, messages, world};
use crate::engine::{Clock, RunMode, RunState};
use crate::model::RunId;
use crate::outside::{BesideAzure, RoutedObserver};
use crate::render::{LeftView, json, run_view_at, text};

/// What `status` takes.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// The run's id, or its beginning [default: the one that is driven now, else the newest].
    pub run: Option<String>,
    /// Also look whether what the steps did that are done still stands; reads only. Exit status 4 when not.
    #[arg(long)]
    pub look: bool,
    /// Where Azure is, for that look.
    #[command(flatten)]
    pub target: Target,
}

/// Where a run stands, by its journal alone.
pub(super) async fn status(context: &Context, run: &RunId) -> Result<Status, CliError> {
    show(context, run, None).await
}

pub(super) async fn asked(
    context: &Context,
    run: &RunId,
    args: &StatusArgs,
) -> Result<Status, CliError> {
    show(context, run, args.look.then_some(&args.target)).await
}

async fn show(context: &Context, run: &RunId, target: Option<&Target>) -> Result<Status, CliError> {
    context.fetch_files(run).await;
    let look = context.look(run).await?;
    look.warn(context.ui);
    let RunLook { events, driven, now, .. } = look;
    let state = Context::fold(&events)?;
    if let Some(view) = run_view_at(&state, &events, driven, now) {
        let mut view = view.told_by(context.ui.ours);
        view.set_reached(&world::reached(context, run));
        view.strikes = world::strikes(context, run);
        let log = context.state.run_log(run);
        view.log = log.is_file().then(|| log.display().to_string());
        view.told = messages::told(context, run, &state);
        if let Some(target) = target {
            view.left = stands(context, run, &state, target).await?;
        }
        match context.ui.output {
            Output::Json | Output::Jsonl => context.ui.data(&json::object(&view)),
            Output::Text => context.ui.data(&text::summary(&view, context.ui.out)),
        }
        if let Some(left) = &view.left {
            return Ok(match (left.changed.is_empty(), left.unread.is_empty()) {
                (false, _) => Status::Refused,
                (true, false) => Status::OutOfReach,
                (true, true) => Status::Done,
            });
        }
    }
    Ok(Status::Done)
}

/// What stands of a run that is asked about: in Azure, or in its drill's world.
async fn stands(
    context: &Context,
    run: &RunId,
    state: &RunState,
    target: &Target,
) -> Result<Option<LeftView>, CliError> {
    let Some(opened) = &state.opened else { return Ok(None) };
    let plan = &opened.plan;
    let (arm, clock, beside) = match opened.mode {
        RunMode::Live => {
            let endpoint = target.endpoint.clone().or_else(|| Some(opened.endpoint.clone()));
            let target = Target { endpoint, ..target.clone() };
            let factor = target.clock_factor.or(opened.clock_factor).unwrap_or(NonZeroU32::MIN);
            let clock: Arc<dyn Clock> = Arc::new(RealClock::new(factor, None));
            let arm = azure::arm(plan, azure::endpoint(&target)?, &target, Arc::clone(&clock))?;
            let beside = azure::beside(plan, Arc::clone(&clock));
            (arm, clock, beside)
        }
        RunMode::Drill => {
            let last = state.last_at.unwrap_or(opened.at);
            let KeptDrill { arm, clock, .. } = world::at_rest(context, run, plan, last)?;
            let beside = BesideAzure::stand_in(Arc::clone(&clock));
            (arm, clock, beside)
        }
    };
    let observer = RoutedObserver::new(Arc::new(arm.observer()), beside.observer());
    Ok(left::look(state, &observer, &clock).await)
}
