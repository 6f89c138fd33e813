//! What would stop this runbook before it starts? The rules alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use crate::cli::args::{Compile, Output, Target, Waive};
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::{azure, front, preflight, world};
use crate::engine::Clock;
use crate::render::json as out;
use crate::render::preflight_text::{self, Detail};

/// What was typed about a look.
pub(super) struct Wanted<'a> {
    pub(super) runbook: &'a Path,
    pub(super) compile: &'a Compile,
    pub(super) target: &'a Target,
    pub(super) world: Option<&'a PathBuf>,
    pub(super) waive: &'a Waive,
}

pub(super) async fn preflight(context: &Context, wanted: Wanted<'_>) -> Result<Status, CliError> {
    let profile = if wanted.world.is_some() { "drill" } else { "live" };
    let compiled = front::compile(context, wanted.runbook, wanted.compile, profile)?;
    let own = compiled.world.is_some() || compiled.after.is_some();
    let drilled = wanted.world.is_some() || (own && wanted.target.endpoint.is_none());
    let (arm, clock) = if drilled {
        let world = wanted.world.map(PathBuf::as_path);
        let drill = world::Drill::begin(context, &compiled, world, None).await?;
        (drill.arm, drill.clock)
    } else {
        let url = azure::endpoint(wanted.target)?;
        let factor = wanted.target.clock_factor.unwrap_or(std::num::NonZeroU32::MIN);
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new(factor, None));
        (azure::arm(&compiled.plan, url, wanted.target, Arc::clone(&clock))?, clock)
    };
    let found = preflight::look(&arm, &clock, &compiled.plan, wanted.waive).await?;
    match context.ui.output {
        Output::Text => {
            let text = preflight_text::preflight(&found, Detail::Everything, context.ui.out);
            context.ui.data(&text);
        }
        Output::Json => context.ui.data(&out::object(&json!({
            "schema": "backroad.preflight/1",
            "runbook": compiled.plan.parts().runbook,
            "findings": found.findings,
        }))),
    }
    Ok(if found.blocking().next().is_some() { Status::Refused } else { Status::Done })
}
