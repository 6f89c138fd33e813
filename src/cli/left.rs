//! Does what a run brought about still stand? Looked at through an observer, which has no way to write.

use std::sync::Arc;
use std::time::Duration;

use super::session::Driving;
use crate::engine::{Clock, Ending, Observer, RunState, left_by, survey_of};
use crate::model::RunOutcome;
use crate::render::LeftView;

/// How long a run that has ended is kept for a look at what it left, by this host's time. Azure answers a survey
/// within seconds, or has more trouble than this could tell of.
const LOOK_WITHIN: Duration = Duration::from_secs(15);

/// What stands of what the steps did that are done.
pub(super) async fn look(
    state: &RunState,
    observer: &dyn Observer,
    clock: &Arc<dyn Clock>,
) -> Option<LeftView> {
    let plan = &state.opened.as_ref()?.plan;
    let steps = left_by(plan, state);
    Some(LeftView::of(&steps, &survey_of(&steps, observer, clock).await))
}

/// The same of a run that has just come to the end of its way forward: a gateway takes half an hour, and others go
/// on working. One that was taken back has left nothing to look at.
#[expect(clippy::disallowed_methods, reason = "who waits for the end waits by the host's time")]
pub(super) async fn look_at_end(
    driving: &Driving,
    observer: &dyn Observer,
    clock: &Arc<dyn Clock>,
) -> Option<LeftView> {
    match driving.ending {
        Ending::Ended(RunOutcome::Succeeded | RunOutcome::Failed) => {}
        Ending::Ended(_) | Ending::Waiting(_) | Ending::Interrupted => return None,
    }
    let looked = tokio::time::timeout(LOOK_WITHIN, look(&driving.state, observer, clock)).await;
    match looked {
        Ok(view) => view,
        Err(_) => {
            tracing::warn!("what the steps left could not be looked at in time");
            None
        }
    }
}
