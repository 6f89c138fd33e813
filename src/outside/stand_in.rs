//! Who answers in a drill for what is beside Azure? The runbook's own words; nothing leaves this process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::goal::{self, Look, Looked};
use crate::engine::{Actuator, CallContext, Clock, Observer, PollAnswer, SendAnswer};
use crate::model::outside::{Outside, StandInAnswer};
use crate::model::{
    Action, Assessed, Assessment, Goal, OperationHandle, OperationKey, Outputs, StepError, Undo,
    Write,
};

/// Stands in for this host and its network.
#[derive(Clone)]
pub(super) struct StandsIn {
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for StandsIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StandsIn")
    }
}

impl StandsIn {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    async fn takes(&self, how_long: Option<Duration>) {
        if let Some(how_long) = how_long.filter(|time| !time.is_zero()) {
            self.clock.sleep_until(self.clock.now() + how_long).await;
        }
    }

    async fn forward(&self, outside: &Outside) -> Assessment {
        if Look::of(outside) != Look::Itself {
            let verdict = goal::change(outside, false, Some(outside.drill()));
            return Assessment { verdict, seen: Vec::new(), outputs: Outputs::new() };
        }
        self.takes(outside.drill().takes).await;
        let looked = match (outside.drill().answer, outside) {
            (StandInAnswer::Good, Outside::Probe(probe)) => {
                match probe.ask.judge(&probe.ask.as_expected()) {
                    Ok(outputs) => Looked::Yes(outputs),
                    Err(why) => Looked::No(why),
                }
            }
            (StandInAnswer::Good, _) => Looked::Yes(outside.drill().outputs.clone()),
            (StandInAnswer::Bad, _) => Looked::No("in this drill it answers otherwise".to_owned()),
            (StandInAnswer::None, _) => Looked::No("in this drill nobody answers".to_owned()),
        };
        goal::forward(outside, Some(looked))
    }
}

#[async_trait]
impl Observer for StandsIn {
    async fn observe(
        &self,
        goal: &Goal<'_>,
        _context: &CallContext,
    ) -> Result<Assessment, StepError> {
        let verdict = match goal {
            Goal::Do(Action::Outside(outside)) => return Ok(self.forward(outside).await),
            Goal::Undo { action: Action::Outside(outside), undo: Undo::ByStep, .. } => {
                goal::change(outside, true, Some(outside.drill()))
            }
            Goal::Undo { action: Action::Outside(_), .. } => Assessed::Holds,
            Goal::Do(_) | Goal::Mend(_) | Goal::Undo { .. } => return Err(super::real::not_ours()),
        };
        Ok(Assessment { verdict, seen: Vec::new(), outputs: Outputs::new() })
    }
}

#[async_trait]
impl Actuator for StandsIn {
    async fn send(
        &self,
        write: &Write,
        _key: &OperationKey,
        _context: &CallContext,
    ) -> Result<SendAnswer, StepError> {
        let (_, stand_in) = goal::call_of(write)?;
        let Some(stand_in) = stand_in else {
            let why = "A drill calls nothing that is not said to have a stand-in.";
            return Err(StepError::rejected("no_stand_in", why));
        };
        self.takes(stand_in.takes).await;
        match stand_in.answer {
            StandInAnswer::Good => {
                Ok(SendAnswer::Done { request_id: None, outputs: stand_in.outputs })
            }
            StandInAnswer::Bad => {
                let why = "In this drill it ends badly.".to_owned();
                Ok(SendAnswer::Failed(goal::bad_end(write, "drilled", why)))
            }
            StandInAnswer::None => {
                Err(StepError::ambiguous("drilled", "In this drill nobody says how it ended."))
            }
        }
    }

    async fn poll(
        &self,
        _handle: &OperationHandle,
        _context: &CallContext,
    ) -> Result<PollAnswer, StepError> {
        Err(super::real::not_ours())
    }
}
