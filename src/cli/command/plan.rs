//! What would a run change? Looked at with a client that has no way to write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::args::{Compile, Output, Target};
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::{azure, front, world};
use crate::engine::{Clock, survey};
use crate::render::{json, plan_text};

pub(super) async fn plan(
    context: &Context,
    runbook: &Path,
    compile: &Compile,
    target: &Target,
    world: Option<&Path>,
) -> Result<Status, CliError> {
    let wanted = match (world, &target.endpoint) {
        (Some(_), Some(_)) => {
            return Err(CliError::usage(
                "`--world` and `--endpoint` are two places to look at; name one.",
            ));
        }
        (Some(_), None) => "drill",
        (None, _) => "live",
    };
    let compiled = front::compile(context, runbook, compile, wanted)?;
    let plan = &compiled.plan;
    // A drill's profile without an endpoint looks at the drill's own world.
    let own = compiled.world.as_ref().or(compiled.after.as_ref());
    let drilled = own.is_some() && target.endpoint.is_none();
    let (arm, clock, looked_at) = match world.or(own.map(PathBuf::as_path).filter(|_| drilled)) {
        Some(path) => {
            let drill = world::Drill::begin(context, &compiled, world, None).await?;
            (drill.arm, drill.clock, path.display().to_string())
        }
        None => {
            let url = azure::endpoint(target)?;
            let factor = target.clock_factor.unwrap_or(std::num::NonZeroU32::MIN);
            let clock: Arc<dyn Clock> = Arc::new(RealClock::new(factor, None));
            let shown = url.to_string();
            let arm = azure::arm(plan, url, target, Arc::clone(&clock))?;
            (arm, clock, shown)
        }
    };
    // The observer is all that the survey is given: there is nothing it could do wrong.
    let seen = survey(plan, &arm.observer(), &clock).await;
    let out_of_reach = !seen.is_empty() && seen.values().all(Result::is_err);
    let view = front::preview(&compiled, &seen, looked_at);
    match context.ui.output {
        Output::Json => context.ui.data(&json::object(&view)),
        Output::Text => context.ui.data(&plan_text::preview(&view, context.ui.out)),
    }
    Ok(if out_of_reach { Status::OutOfReach } else { Status::Done })
}
