//! What happened, event by event, and what happens now?

use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;

use crate::cli::args::Output;
use crate::cli::clock::RealClock;
use crate::cli::context::{Context, RunLook};
use crate::cli::error::{CliError, Status};
use crate::cli::interrupts::Interrupts;
use crate::engine::{Clock as _, Recorded, RunState};
use crate::model::{RunId, RunOutcome};
use crate::render::line::{JournalDetail, line};
use crate::render::machine::{StreamedRun, event_line, result_line};
use crate::render::view::Driven;
use crate::render::{json, run_view_at};

/// How often a run that is followed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What `journal` takes.
#[derive(Debug, Clone, Args)]
pub struct JournalArgs {
    /// The run's id, or its beginning [default: the one that is driven now, else the newest].
    pub run: Option<String>,
    /// Go on with what happens, until the run has ended, or nobody drives it any more.
    #[arg(long)]
    pub follow: bool,
}

pub(super) async fn journal(context: &Context, args: &JournalArgs) -> Result<Status, CliError> {
    // Lines are JSON too, and can be told as they come.
    if args.follow && context.ui.output == Output::Json && !context.ui.lines {
        let what = "`--follow` tells what happens as it happens, and `--output json` is one value.";
        return Err(CliError::usage(what).hint("Use `--output jsonl`: one object a line."));
    }
    let run = context.pick(args.run.as_deref()).await?;
    let look = context.look(&run).await?;
    look.warn(context.ui);
    let mut teller = JournalTeller { context, told: 0, run: None };
    if !args.follow {
        let state = Context::fold(&look.events)?;
        teller.tell(&look.events, &state);
        if context.ui.lines {
            teller.result(&look, &state);
        }
        return Ok(Status::Done);
    }
    follow(context, &run, look, teller).await
}

/// Tells what is new until nothing more is to be expected.
async fn follow(
    context: &Context,
    run: &RunId,
    mut look: RunLook,
    mut teller: JournalTeller<'_>,
) -> Result<Status, CliError> {
    let clock = RealClock::new(NonZeroU32::MIN, None);
    let mut interrupts = Interrupts::listen();
    loop {
        let state = Context::fold(&look.events)?;
        teller.tell(&look.events, &state);
        if look.driven == Driven::ByNobody {
            return Ok(teller.result(&look, &state));
        }
        tokio::select! {
            () = clock.sleep_until(clock.now() + LOOK_EVERY) => {}
            () = interrupts.next() => return Ok(teller.result(&look, &state)),
        }
        match context.look_on(run, &look).await {
            Ok(new) => look = new,
            // It opens or closes its socket: the next look tells.
            Err(error) if error.status == Status::Refused => {}
            Err(error) => return Err(error),
        }
    }
}

/// Tells each event once.
struct JournalTeller<'a> {
    context: &'a Context,
    told: usize,
    run: Option<StreamedRun>,
}

impl JournalTeller<'_> {
    fn tell(&mut self, events: &[Recorded], state: &RunState) {
        let ui = self.context.ui;
        let new = events.get(self.told..).unwrap_or_default();
        self.told = events.len();
        if ui.lines {
            self.run = self.run.take().or_else(|| StreamedRun::opened(events.first()?));
            let Some(run) = &self.run else { return };
            new.iter().for_each(|recorded| ui.data(&event_line(run, recorded)));
            return;
        }
        match (ui.output, &state.opened) {
            (Output::Json | Output::Jsonl, _) => ui.data(&json::journal(new)),
            (Output::Text, Some(opened)) => {
                let of = |one| line(one, &opened.plan, opened.at, JournalDetail::Journal, ui.out);
                let text: String = new.iter().filter_map(of).map(|line| line + "\n").collect();
                ui.data(&text);
            }
            (Output::Text, None) => {}
        }
    }

    /// How the run stands where the telling ends: the status that whoever drove it ended with.
    fn result(&self, look: &RunLook, state: &RunState) -> Status {
        let ended = state.outcome().map(|outcome| Status::of(outcome, RunOutcome::Succeeded));
        let waits = !state.waiting_for_people().is_empty() || state.paused.is_some();
        let status = match (ended, look.driven) {
            (Some(status), _) => status,
            (None, Driven::ByNobody) if waits => Status::Waiting,
            (None, _) => Status::Interrupted,
        };
        if self.context.ui.lines
            && let Some(view) = run_view_at(state, &look.events, look.driven, look.now)
        {
            self.context.ui.data(&result_line(&view, status.code()));
        }
        status
    }
}
