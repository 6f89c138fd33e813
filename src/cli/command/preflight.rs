//! What would stop this runbook before it starts? The rules alone.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use crate::cli::args::{Compile, Output, Target, Waive};
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::region_down::RegionsDown;
use crate::cli::world::Outset;
use crate::cli::{azure, front, preflight, world};
use crate::engine::Clock;
use crate::outside::BesideAzure;
use crate::render::json as out;
use crate::render::preflight_text::{self, Detail};

/// What `preflight` takes.
#[derive(Debug, Clone, Args)]
pub struct PreflightArgs {
    /// The runbook.
    pub runbook: PathBuf,
    /// How it is compiled.
    #[command(flatten)]
    pub compile: Compile,
    /// Where Azure is.
    #[command(flatten)]
    pub target: Target,
    /// Look at this world instead of Azure.
    #[arg(long, value_name = "FILE")]
    pub world: Option<PathBuf>,
    /// The regions of that world that are down.
    #[command(flatten)]
    pub down: RegionsDown,
    /// What is waived.
    #[command(flatten)]
    pub waive: Waive,
}

pub(super) async fn preflight(context: &Context, args: &PreflightArgs) -> Result<Status, CliError> {
    // A region goes down in a drill's world only.
    let drills = args.world.is_some()
        || (!args.down.regions.is_empty()
            && args.target.endpoint.is_none()
            && args.target.cloud.is_none());
    let profile = if drills { "drill" } else { "live" };
    let compiled = front::compile(context, &args.runbook, &args.compile, profile)?;
    let own = compiled.world.is_some() || compiled.after.is_some();
    let drilled = args.world.is_some() || (own && args.target.endpoint.is_none());
    let (arm, clock, beside) = if drilled {
        let world = args.world.as_deref();
        let waive = Some(&args.waive);
        let outset = Outset { world, down: &args.down.regions, waive, ..Outset::default() };
        let drill = world::KeptDrill::begin(context, &compiled, outset).await?;
        args.down.say_later(context, "preflight");
        let beside = BesideAzure::stand_in(Arc::clone(&drill.clock));
        (drill.arm, drill.clock, beside)
    } else {
        args.down.refuse_live()?;
        let url = azure::endpoint(&args.target)?;
        let factor = args.target.clock_factor.unwrap_or(std::num::NonZeroU32::MIN);
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new(factor, None));
        let beside = azure::beside(&compiled.plan, Arc::clone(&clock));
        (azure::arm(&compiled.plan, url, &args.target, Arc::clone(&clock))?, clock, beside)
    };
    let found = preflight::look(&arm, &beside, &clock, &compiled.plan, &args.waive).await?;
    match context.ui.output {
        Output::Text => {
            let text = preflight_text::preflight(&found, Detail::Everything, context.ui.out);
            context.ui.data(&text);
        }
        Output::Json | Output::Jsonl => context.ui.data(&out::object(&json!({
            "schema": "backroad.preflight/1",
            "runbook": compiled.plan.parts().runbook,
            "findings": found.findings,
        }))),
    }
    Ok(if found.blocking().next().is_some() { Status::Refused } else { Status::Done })
}
