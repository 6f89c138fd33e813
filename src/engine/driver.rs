//! Who carries the decisions out? One loop: append, apply, perform, wait for the next input.

use std::sync::Arc;

use tokio::task::{Id, JoinSet};

use super::aside::Meanwhile;
use super::ending::{Ending, EngineError, Patience};
use super::event::{Event, Recorded};
use super::handle::{Request, Requests, Watcher};
use super::new_run::{DriverName, NewRun};
use super::people::Command;
use super::ports::{Actuator, Busy, CallContext, Clock, Journal, JournalError, Lease};
use super::refusal::CommandRefusal;
use super::reserve::{Blanked, without_secrets};
use super::state::RunState;
use super::target::RunMode;
use super::target::RunTarget;
use super::turn::{Effect, Input, Intake, Moment, take_turn};
use super::worker::{self, WorkerJob};
use crate::model::{Plan, Timestamp, limits};

/// What a driver needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// Where events become durable.
    pub journal: Arc<dyn Journal>,
    /// What reads and changes the world.
    pub actuator: Arc<dyn Actuator>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who looks on.
    pub watcher: Arc<dyn Watcher>,
}

/// What workers brought at once and is decided, and made durable, together: each step has one worker under
/// way, or a few.
const TOGETHER_MAX: usize = 64;

/// A run being driven. One task owns its state.
pub struct Driver {
    ports: Ports,
    lease: Lease,
    plan: Arc<Plan>,
    state: RunState,
    requests: Requests,
    workers: JoinSet<(Input, Busy)>,
    going: Vec<Id>,
    sending: Vec<Id>,
    busy: Option<Busy>,
    pace: Intake,
    holder: DriverName,
    turns: u64,
    /// What came while an append was under way.
    meanwhile: Meanwhile,
    /// Since when the journal had taken nothing, where it takes events again and no turn has heard of it.
    away: Option<Timestamp>,
    /// A worker that ended without an input beside others whose inputs are taken first.
    broke: Option<EngineError>,
}

impl Driver {
    /// Takes a run up: creates it in an empty journal, or folds a longer one and claims it.
    ///
    /// # Errors
    /// The journal fails, does not fold, or is empty while `new` is not given.
    pub async fn open(
        ports: Ports,
        lease: Lease,
        requests: Requests,
        new: Option<NewRun>,
        holder: impl Into<DriverName>,
    ) -> Result<Self, EngineError> {
        let holder = holder.into();
        let events = ports.journal.load().await?;
        let mut state = RunState::fold(&events)?;
        if state.opened.is_none() {
            let new = new.ok_or(EngineError::NoRun)?;
            let (now, first) = (ports.clock.now(), first_events(new, &holder));
            let recorded = ports.journal.append(&lease, state.head, now, first).await?;
            for event in &recorded {
                state.apply(event)?;
            }
            ports.watcher.recorded(&recorded, &state);
        } else {
            ports.watcher.recorded(&events, &state);
        }
        let Some(opened) = &state.opened else {
            return Err(EngineError::NoRun);
        };
        let plan = Arc::clone(&opened.plan);
        Ok(Self {
            ports,
            lease,
            plan,
            state,
            requests,
            workers: JoinSet::new(),
            going: Vec::new(),
            sending: Vec::new(),
            busy: None,
            pace: Intake::Going,
            holder,
            turns: 0,
            meanwhile: Meanwhile::default(),
            away: None,
            broke: None,
        })
    }

    /// The run as it stands.
    #[must_use]
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// Records a command without driving the run on; for a run that nobody holds.
    ///
    /// # Errors
    /// The journal fails. The inner result is the reason when the command is refused.
    pub async fn say(
        &mut self,
        command: Command,
    ) -> Result<Result<(), CommandRefusal>, EngineError> {
        let now = self.moment();
        let input = Input::Command(command);
        let turn = take_turn(&self.plan, &mut self.state, input, &now, Intake::Leaving);
        if let Some(why) = turn.refusal {
            return Ok(Err(why));
        }
        self.append(turn.events, now.at).await?;
        Ok(Ok(()))
    }

    /// Drives the run until it ends, waits for people, or is asked to leave.
    ///
    /// # Errors
    /// The journal fails: nothing more is started, and the run must be opened again.
    pub async fn drive(&mut self, patience: Patience) -> Result<Ending, EngineError> {
        self.busy = Some(self.ports.clock.enter());
        if self.state.steps.values().any(|record| record.attempt > 0)
            && self.state.outcome().is_none()
        {
            let claimed = Event::RunClaimed {
                holder: self.holder.name.clone(),
                place: self.holder.place.clone(),
            };
            let now = self.ports.clock.now();
            self.state.decided(&claimed, now)?;
            self.append(vec![claimed], now).await?;
        }
        let mut next = vec![Input::Opened];
        let ending = loop {
            if let Err(error) = self.turn(std::mem::take(&mut next)).await {
                self.finish_sends().await;
                return Err(error);
            }
            if let Some(error) = self.broke.take() {
                return Err(error);
            }
            if let Some(outcome) = self.state.outcome() {
                break Ending::Ended(outcome);
            }
            self.check_bounds()?;
            let answered = self.sending.is_empty() && self.meanwhile.is_empty();
            if self.pace == Intake::Leaving && answered {
                break Ending::Interrupted;
            }
            if patience == Patience::UntilPeople && self.only_people_are_left() {
                let steps = self.state.waiting_for_people().into_iter().cloned().collect();
                break Ending::Waiting(steps);
            }
            next = self.wait().await?;
        };
        self.workers.abort_all();
        self.busy = None;
        Ok(ending)
    }

    /// A drill must end, whatever its world does: its time is virtual, and nobody would see it pass.
    fn check_bounds(&mut self) -> Result<(), EngineError> {
        self.turns += 1;
        let Some(opened) = self.state.opened.as_ref().filter(|o| o.mode == RunMode::Drill) else {
            return Ok(());
        };
        let took = self.ports.clock.now().since(opened.at);
        let steps = u64::try_from(self.plan.steps().len()).unwrap_or(u64::MAX);
        let of_steps = steps.saturating_mul(limits::DRILL_TURNS_OF_STEP_MAX);
        let turns_max = limits::DRILL_TURNS_MAX.saturating_add(of_steps);
        if self.turns <= turns_max && took <= limits::DRILL_TIME_MAX {
            return Ok(());
        }
        let waits = self.state.waits().join(" ");
        Err(EngineError::Endless { turns: self.turns, days: took.as_secs() / 86_400, waits })
    }

    fn only_people_are_left(&self) -> bool {
        let waits = !self.state.waiting_for_people().is_empty() || self.state.paused.is_some();
        self.going.is_empty() && self.meanwhile.is_empty() && waits
    }

    fn moment(&self) -> Moment {
        Moment { at: self.ports.clock.now(), boot: self.ports.clock.boot() }
    }

    /// A turn for each input that is there: decide, append, apply, perform. They share one append, and so
    /// one flush: nothing of any is performed before all of it is durable.
    async fn turn(&mut self, inputs: Vec<Input>) -> Result<(), EngineError> {
        let now = self.moment();
        let (mut events, mut effects) = (Vec::new(), Vec::new());
        // So that no time is up that an outage took.
        let back = self.away.take().map(|since| Input::JournalBack { since });
        for input in back.into_iter().chain(inputs) {
            // Leaving: only the answers to writes are still recorded. Anything else would begin what
            // nobody is left to finish; the next driver looks again.
            if self.pace == Intake::Leaving && !matches!(input, Input::Sent(..)) {
                continue;
            }
            // A run that ended is at its end, whatever else came in with what ended it.
            if self.state.outcome().is_some() {
                break;
            }
            let turn = take_turn(&self.plan, &mut self.state, input, &now, self.pace);
            events.extend(turn.events);
            effects.extend(turn.effects);
        }
        self.append(events, now.at).await?;
        for effect in effects {
            self.perform(effect);
        }
        Ok(())
    }

    /// Makes durable what a turn decided; the state has followed it already.
    async fn append(&mut self, events: Vec<Event>, at: Timestamp) -> Result<(), EngineError> {
        if events.is_empty() {
            return Ok(());
        }
        let (events, blanked) = without_secrets(events);
        let begun = self.ports.clock.now();
        let appended = self.appended(events, at).await;
        if self.ports.clock.now().since(begun) >= limits::OUTAGE_AFTER {
            self.away = Some(self.away.map_or(begun, |away| away.min(begun)));
        }
        if appended.is_err() || blanked == Blanked::Some {
            // The state is ahead of the journal, or says more: it is what is recorded.
            if let Ok(events) = self.ports.journal.load().await {
                self.state = RunState::fold(&events)?;
            }
        }
        let recorded: Vec<Recorded> = appended?;
        self.state.recorded(&recorded);
        self.ports.watcher.recorded(&recorded, &self.state);
        Ok(())
    }

    /// Appends. Answers to writes that come before that is done are kept aside, where that may take long.
    async fn appended(
        &mut self,
        events: Vec<Event>,
        at: Timestamp,
    ) -> Result<Vec<Recorded>, JournalError> {
        let journal = Arc::clone(&self.ports.journal);
        let appending = journal.append(&self.lease, self.state.head, at, events);
        let Some(aside) = journal.aside() else { return appending.await };
        tokio::pin!(appending);
        loop {
            let done = tokio::select! {
                biased;
                appended = &mut appending => return appended,
                Some(done) = self.workers.join_next_with_id(), if !self.sending.is_empty() => done,
            };
            match done {
                Ok((id, (input, busy))) => {
                    let now = self.moment();
                    forget(id, [&mut self.going, &mut self.sending]);
                    self.busy = Some(busy);
                    self.meanwhile.take_in(input, &self.plan, &self.state, (at, &now), aside);
                }
                Err(error) => {
                    forget(error.id(), [&mut self.going, &mut self.sending]);
                    self.broke = Some(EngineError::Worker(error.to_string()));
                }
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        let Some(job) = WorkerJob::of(effect, &self.state) else {
            return;
        };
        // Leaving: what would start now is left to the next driver, which looks first.
        if self.pace == Intake::Leaving {
            return;
        }
        let (going, send) = (job.keeps_going() || self.is_drill_gate(&job), job.is_send());
        let run = self.state.opened.as_ref().map(|opened| opened.run.clone());
        let context = CallContext { run, not_after: None, waited: None };
        let (plan, actuator, clock) = (
            Arc::clone(&self.plan),
            Arc::clone(&self.ports.actuator),
            Arc::clone(&self.ports.clock),
        );
        let turn = self.ports.clock.queue();
        let handle = self.workers.spawn(async move {
            let busy = turn.await;
            let input = worker::perform(job, plan, actuator, clock, context).await;
            (input, busy)
        });
        if going {
            self.going.push(handle.id());
        }
        if send {
            self.sending.push(handle.id());
        }
    }

    /// In a drill nobody else will come: a gate's expiry is what happens next.
    fn is_drill_gate(&self, job: &WorkerJob) -> bool {
        let drill = self.state.opened.as_ref().is_some_and(|opened| opened.mode == RunMode::Drill);
        drill
            && matches!(job, WorkerJob::Wake { timer: super::turn::Timer::Gate(_), .. })
            && super::gates::nobody_comes(&self.plan)
    }

    /// Waits for workers or a person. Time may move only now.
    async fn wait(&mut self) -> Result<Vec<Input>, EngineError> {
        if !self.meanwhile.is_empty() {
            return Ok(self.meanwhile.inputs());
        }
        self.busy = None;
        tokio::select! {
            biased;
            Some(done) = self.workers.join_next_with_id() => {
                let mut inputs = vec![self.take_in(done)?];
                // Who ended beside it shares its append. In a drill one works at a time, and nobody did.
                while inputs.len() < TOGETHER_MAX
                    && self.broke.is_none()
                    && let Some(done) = self.workers.try_join_next_with_id()
                {
                    match self.take_in(done) {
                        Ok(input) => inputs.push(input),
                        Err(error) => self.broke = Some(error),
                    }
                }
                Ok(inputs)
            }
            Some(request) = self.requests.0.recv() => {
                self.busy = Some(self.ports.clock.enter());
                match request {
                    Request::Leave => {
                        self.pace = Intake::Leaving;
                        Ok(Vec::new())
                    }
                    Request::TerminalLost => {
                        if self.state.outcome().is_none() {
                            let now = self.ports.clock.now();
                            let lost = Event::TerminalLost {};
                            self.state.decided(&lost, now)?;
                            self.append(vec![lost], now).await?;
                        }
                        Ok(Vec::new())
                    }
                    Request::Command(command, answer) => {
                        let refusal = self.take_command(command).await?;
                        drop(answer.send(refusal.map_or(Ok(()), Err)));
                        Ok(Vec::new())
                    }
                }
            }
            else => Err(EngineError::Worker("there is nothing left to wait for".to_owned())),
        }
    }

    /// What a worker brought. Its guard becomes ours: time stands still until the turn is taken.
    fn take_in(
        &mut self,
        done: Result<(Id, (Input, Busy)), tokio::task::JoinError>,
    ) -> Result<Input, EngineError> {
        let (id, (input, busy)) = done.map_err(|error| EngineError::Worker(error.to_string()))?;
        self.busy = Some(busy);
        self.forget(id);
        Ok(input)
    }

    async fn take_command(
        &mut self,
        command: Command,
    ) -> Result<Option<CommandRefusal>, EngineError> {
        let now = self.moment();
        let input = Input::Command(command);
        let turn = take_turn(&self.plan, &mut self.state, input, &now, self.pace);
        if turn.refusal.is_some() {
            return Ok(turn.refusal);
        }
        self.append(turn.events, now.at).await?;
        for effect in turn.effects {
            self.perform(effect);
        }
        Ok(None)
    }

    fn forget(&mut self, id: Id) {
        forget(id, [&mut self.going, &mut self.sending]);
    }

    /// After the journal failed nothing can be recorded in it, but a write on its way is not torn down, and its
    /// answer is kept aside where there is a place for it.
    async fn finish_sends(&mut self) {
        self.busy = None;
        while !self.sending.is_empty() {
            match self.workers.join_next_with_id().await {
                Some(Ok((id, (input, _)))) => {
                    self.forget(id);
                    let now = self.moment();
                    if let Some(aside) = self.ports.journal.aside() {
                        let begun = self.away.unwrap_or(now.at);
                        let (plan, state) = (&self.plan, &self.state);
                        self.meanwhile.take_in(input, plan, state, (begun, &now), aside);
                    }
                }
                Some(Err(error)) => self.forget(error.id()),
                None => break,
            }
        }
    }
}

/// Takes a worker that ended out of those that are under way.
fn forget(id: Id, under_way: [&mut Vec<Id>; 2]) {
    under_way.into_iter().for_each(|all| all.retain(|own| *own != id));
}

/// What a run begins with: its opening, and what was waived for it.
fn first_events(new: NewRun, holder: &DriverName) -> Vec<Event> {
    // A drill is against the simulator by its kind.
    let live = new.mode == RunMode::Live;
    let against = live.then(|| RunTarget::of(new.mode, &new.endpoint));
    let opened = Event::RunOpened {
        against,
        bad_days: new.bad_days,
        regions_down: new.regions_down,
        allow_no_strike: new.allow_no_strike,
        clock_factor: new.clock_factor,
        place: holder.place.clone(),
        run: new.run,
        plan: Box::new(new.plan),
        mode: new.mode,
        endpoint: new.endpoint,
        nonce: new.nonce,
        by: new.by,
    };
    let mut first = vec![opened];
    first.extend(without_secrets(new.waived).0);
    first
}
