//! What has a run to tell? Its events, one after the other, to messages; the same ones however often.

use crate::engine::state::IllegalTransition;
use std::collections::BTreeSet;

use crate::engine::{Event, Recorded, RunState};
use crate::model::holder::Holder;
use crate::model::outbox::BEFORE_NEXT_EVENT;
use crate::model::time::format_duration;
use crate::model::{
    GateNote, MessageId, MessageKind, Messages, ObjectiveNote, RunOutcome, StepError, StepName,
    Timestamp,
};
use crate::render::Ourselves;
use crate::render::style::{Color, Flow, Style, Zone};
use crate::render::truth::{Ask, AskKind, ObjectiveVerdict, RunTruth, question, truth};
use crate::render::truth_text;
use crate::render::view::Driven;

use super::closing::{ClosingGate, closing};
use super::message::Message;
use super::told::{ToldOfEvent, answered};

/// How many failures are told one by one. In a run of thousands of steps that fail for one reason, the question that
/// somebody has to answer would stand behind as many messages.
const FAILURES_TOLD: u32 = 20;

/// How texts are laid out: one thing a line, since nobody knows how wide a receiver is.
const TEXT: Style = Style { color: Color::No, width: 100, zone: Zone::Utc, flow: Flow::Sentences };

/// Makes the messages of one run.
#[derive(Debug)]
pub struct MessageMaker {
    messages: Messages,
    state: RunState,
    events: Vec<Recorded>,
    owed: Vec<String>,
    /// How great the danger for the objective was that was told of last.
    danger: u32,
    /// How many steps have failed.
    failures: u32,
    /// The steps of which somebody was told that they failed or are in doubt, and that are not done since.
    troubled: BTreeSet<StepName>,
    /// The gates of which was told that their time is nearly up, by when it is.
    warned: BTreeSet<(StepName, Timestamp)>,
    /// Who drives it.
    driver: Option<DrivenFrom>,
    /// How this program is called again, where its runs are kept.
    ourselves: Ourselves,
}

/// From where a run is driven, as the journal says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DrivenFrom {
    host: String,
    /// The host and its state directory, of a run that several may drive.
    place: Option<String>,
}

impl DrivenFrom {
    fn of(event: &Event) -> Option<Self> {
        match event {
            Event::RunOpened { place: Some(place), .. } => {
                let host = place.split(':').next().unwrap_or(place).to_owned();
                Some(Self { host, place: Some(place.clone()) })
            }
            Event::RunClaimed { holder, place } => {
                Some(Self { host: Holder::host_in(holder).to_owned(), place: place.clone() })
            }
            _ => None,
        }
    }

    /// Whether somebody else drives from there: processes of one state directory take turns at every answer. Of what
    /// earlier versions wrote the host's name is all there is to tell them by.
    fn is_another(&self, other: &Self) -> bool {
        match (&self.place, &other.place) {
            (Some(own), Some(other)) => own != other,
            _ => self.host != other.host,
        }
    }

    /// For people, beside another.
    fn beside(&self, other: &Self) -> &str {
        let same = self.host == other.host;
        self.place.as_deref().filter(|_| same).unwrap_or(&self.host)
    }
}

impl MessageMaker {
    /// Before the first event.
    #[must_use]
    pub fn new(messages: Messages) -> Self {
        Self {
            messages,
            state: RunState::default(),
            events: Vec::new(),
            owed: Vec::new(),
            danger: 0,
            failures: 0,
            troubled: BTreeSet::new(),
            warned: BTreeSet::new(),
            driver: None,
            ourselves: Ourselves::default(),
        }
    }

    /// Says how this program is called again, in every command of a message.
    #[must_use]
    pub fn told_by(self, ourselves: Ourselves) -> Self {
        Self { ourselves, ..self }
    }

    /// The run as far as its events were taken in.
    #[must_use]
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// Whether a step still waits for a person.
    #[must_use]
    pub fn is_asked(&self, step: &str) -> bool {
        self.state.waiting_for_people().iter().any(|waits| waits.as_str() == step)
    }

    /// Whether nobody else has to say yes.
    fn has_its_answer(&self, step: &StepName) -> bool {
        question(&self.state, step).is_none_or(|ask| ask.given >= ask.needed)
    }

    /// Takes an event in, and gives what is to be told of it.
    ///
    /// # Errors
    /// It does not follow the ones before it.
    pub fn take(&mut self, recorded: &Recorded) -> Result<Vec<Message>, IllegalTransition> {
        // What the time has told before this event, where nobody was there to see it.
        let mut made = Vec::new();
        for gate in self.closing(recorded.at) {
            let nth = BEFORE_NEXT_EVENT + u32::try_from(made.len()).unwrap_or_default();
            made.extend(self.warn(&gate, nth));
        }
        let before = made.len();
        let expired = self.expired(recorded);
        self.state.apply(recorded)?;
        self.events.push(recorded.clone());
        let told = expired.or_else(|| self.told(&recorded.event));
        if let Some(told) = told.and_then(|told| self.thinned(told)) {
            self.note_trouble(&told);
            made.extend(self.message(told, recorded.at, made.len() - before));
        }
        if may_owe(&recorded.event) {
            let owed = self.state.owed();
            let new: Vec<String> =
                owed.iter().filter(|one| !self.owed.contains(one)).cloned().collect();
            self.owed = owed;
            if !new.is_empty() {
                made.extend(self.message(self.owes(&new), recorded.at, made.len() - before));
            }
        }
        if let Some(driver) = DrivenFrom::of(&recorded.event) {
            self.driver = Some(driver);
        }
        if let Event::RunOpened { .. } = recorded.event {
            // What it begins with is told when it starts; from then on what becomes worse.
            self.danger = self.danger_at(recorded.at).0;
        }
        Ok(made)
    }

    /// Whether the objective is in greater danger at a moment than was told.
    #[must_use]
    pub fn endangered(&self, now: Timestamp) -> Option<ObjectiveNote> {
        let (level, at) = self.danger_at(now);
        (level > self.danger).then_some(ObjectiveNote {
            after: self.state.head,
            level,
            at,
            nth: None,
        })
    }

    /// What is told of it.
    pub fn take_note(&mut self, note: &ObjectiveNote) -> Option<Message> {
        self.danger = self.danger.max(note.level);
        let verdict = match note.level {
            1 => ObjectiveVerdict::AtRisk,
            2 => ObjectiveVerdict::WillBeMissed,
            _ => ObjectiveVerdict::Missed,
        };
        let told = ToldOfEvent::new(MessageKind::Objective, verdict.phrase().to_owned());
        let mut message = self.message(told, note.at, 0)?;
        message.place = note.id();
        message.objective = Some(verdict);
        Some(message)
    }

    /// The gates whose time is nearly up at a moment, of which that was not told.
    #[must_use]
    pub fn closing(&self, now: Timestamp) -> Vec<ClosingGate> {
        let told = |gate: &ClosingGate| self.warned.contains(&(gate.step.clone(), gate.until));
        closing(&self.state, now).into_iter().filter(|gate| !told(gate)).collect()
    }

    /// What is told of one of which it was noted.
    pub fn take_gate_note(&mut self, note: &GateNote) -> Option<Message> {
        // It was asked then: a record that says otherwise is not of this run.
        let mut open = closing(&self.state, note.at).into_iter();
        let gate = open.find(|gate| gate.step == note.step)?;
        self.warn(&gate, note.nth)
    }

    fn warn(&mut self, gate: &ClosingGate, nth: u32) -> Option<Message> {
        self.warned.insert((gate.step.clone(), gate.until));
        let truth = self.truth(gate.due)?;
        let ask = truth.asks.iter().find(|ask| ask.step.as_deref() == Some(gate.step.as_str()))?;
        let left = format_duration(gate.until.since(gate.due));
        let then = ask.then.as_deref().unwrap_or("the step fails");
        let mut told = ToldOfEvent::ask(MessageKind::GateExpiring, &gate.step);
        told.headline = Some(format!("{}: {left} left (then: {then})", asked(ask)));
        let mut message = self.message(told, gate.due, 0)?;
        message.place.nth = nth;
        Some(message)
    }

    /// What is told of a gate that expires: as it stood before, since then nobody is asked any more.
    fn expired(&self, recorded: &Recorded) -> Option<ToldOfEvent> {
        let Event::GateExpired { step } = &recorded.event else { return None };
        let truth = self.truth(recorded.at)?;
        let ask = truth.asks.iter().find(|ask| ask.step.as_deref() == Some(step.as_str()));
        let then = ask.and_then(|ask| ask.then.clone());
        let what = format!("nobody answered {step} in time");
        let what = then.map_or(what.clone(), |then| format!("{what}: {then}"));
        Some(ToldOfEvent::new(MessageKind::GateExpired, what).about(step))
    }

    /// Of many failures not each is told: from the 21st on those that double their number.
    fn thinned(&mut self, told: ToldOfEvent) -> Option<ToldOfEvent> {
        if told.kind != MessageKind::StepFailed {
            return Some(told);
        }
        self.failures += 1;
        match self.failures {
            0..=FAILURES_TOLD => Some(told),
            many if many.is_power_of_two() => Some(told.line(format!(
                "That makes {many} failures; each of the first {FAILURES_TOLD} was told, and then those that double \
                 their number."
            ))),
            _ => None,
        }
    }

    fn note_trouble(&mut self, told: &ToldOfEvent) {
        let Some(step) = &told.step else { return };
        match told.kind {
            MessageKind::StepFailed | MessageKind::InDoubt => {
                self.troubled.insert(step.clone());
            }
            MessageKind::StepMended => {
                self.troubled.remove(step);
            }
            _ => {}
        }
    }

    fn truth(&self, now: Timestamp) -> Option<RunTruth> {
        truth(&self.state, &self.events, Driven::ByAProcess, now)
    }

    fn danger_at(&self, now: Timestamp) -> (u32, Timestamp) {
        let rto = self.state.opened.as_ref().and_then(|opened| opened.plan.parts().objective.rto);
        let truth = rto.and_then(|_| self.truth(now));
        let level = truth.as_ref().map_or(0, |truth| match truth.objective {
            ObjectiveVerdict::AtRisk => 1,
            ObjectiveVerdict::WillBeMissed => 2,
            ObjectiveVerdict::Missed => 3,
            ObjectiveVerdict::None
            | ObjectiveVerdict::Holds
            | ObjectiveVerdict::Met
            | ObjectiveVerdict::Abandoned => 0,
        });
        (level, truth.map_or(now, |truth| truth.at))
    }

    fn message(&self, told: ToldOfEvent, at: Timestamp, nth: usize) -> Option<Message> {
        let opened = self.state.opened.as_ref()?;
        let truth = self.truth(at)?.told_by(&self.ourselves);
        let ask = told.step.as_ref().filter(|_| told.ask).and_then(|step| {
            truth.asks.iter().find(|ask| ask.step.as_deref() == Some(step.as_str()))
        });
        let ask = match told.kind {
            MessageKind::Paused => truth.asks.first(),
            // What there is to do about a run that did not end as one would wish.
            MessageKind::Ended | MessageKind::StepFailed => {
                truth.asks.iter().find(|ask| ask.kind == AskKind::Stopped)
            }
            _ => ask,
        };
        let headline = match (told.headline, ask) {
            (Some(headline), _) => headline,
            (None, Some(ask)) => asked(ask),
            (None, None) => return None,
        };
        let run = opened.run.to_string();
        let parts = opened.plan.parts();
        let mut lines = vec![parts.title.clone()];
        lines.extend(told.lines);
        if ask.is_some_and(|ask| ask.kind == AskKind::Stopped) {
            lines.push(format!("Why: {}", truth.headline));
        }
        lines.extend(ask.into_iter().flat_map(|ask| truth_text::asked(ask, &truth, TEXT)));
        if !matches!(told.kind, MessageKind::Owed) {
            lines.push(format!("Elapsed: {}", truth_text::elapsed(&truth)));
            lines.extend(truth.no_path.map(|no_path| {
                format!("No path: {}", truth_text::without_a_path(no_path, truth.at, TEXT))
            }));
        }
        if let Some(end) = &truth.expected_end {
            lines.push(format!("Ends: {}", truth_text::ends(end, &truth, TEXT)));
        }
        lines.push(format!("Run: {run}, at {}", TEXT.day_and_time(at)));
        let look = self.ourselves.whole(&format!("backroad status {run}"));
        lines.push(format!("Look: {look}"));
        Some(Message {
            place: MessageId { seq: self.state.head, nth: u32::try_from(nth).unwrap_or(u32::MAX) },
            kind: told.kind,
            page: self.messages.page_of(&run),
            run: Some(run),
            runbook: parts.runbook.to_string(),
            title: parts.title.clone(),
            mode: Some(opened.kind()),
            at,
            step: told.step.map(|step| step.to_string()),
            headline,
            lines,
            ask: ask.cloned(),
            objective: Some(truth.objective),
        })
    }

    /// What an event has to tell; none for most.
    fn told(&self, event: &Event) -> Option<ToldOfEvent> {
        let failed = |step: &StepName, what: &str, error: &StepError| {
            ToldOfEvent::new(MessageKind::StepFailed, format!("step {step} {what}"))
                .about(step)
                .line(error.message.clone())
        };
        Some(match event {
            Event::RunOpened { by, .. } => {
                let who = by.as_ref().map(|by| format!(", by {}", by.name)).unwrap_or_default();
                ToldOfEvent::new(MessageKind::Started, format!("started{who}"))
            }
            Event::GateOpened { step, failure, .. } => {
                ToldOfEvent::ask(MessageKind::GateAsked, step)
                    .lines(failure.iter().map(|error| format!("It failed: {}", error.message)))
            }
            Event::StepFailed { step, error } => failed(step, "failed", error),
            Event::StepTimedOut { step } => {
                ToldOfEvent::new(MessageKind::StepFailed, format!("the time of step {step} is up"))
                    .about(step)
            }
            Event::StepUndoFailed { step, error } => failed(step, "could not be put back", error),
            Event::InDoubt { step, error } => ToldOfEvent::new(
                MessageKind::InDoubt,
                format!("whether step {step} landed is not known"),
            )
            .about(step)
            .line(error.message.clone()),
            Event::StepHeld { step, .. } => ToldOfEvent::ask(MessageKind::InDoubt, step),
            Event::Approved { step, by, choice, reason } if self.has_its_answer(step) => {
                let chosen = choice.as_ref().map(|one| format!(", `{one}`")).unwrap_or_default();
                answered(step, &format!("yes{chosen}, said {}", by.name()), reason.as_ref())
            }
            Event::Declined { step, by, reason } => {
                answered(step, &format!("no, said {}", by.name()), reason.as_ref())
            }
            Event::StepSucceeded { step, .. } if self.troubled.contains(step) => {
                ToldOfEvent::new(MessageKind::StepMended, format!("step {step} is done after all"))
                    .about(step)
            }
            Event::Paused { by, reason } => {
                let why = reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                ToldOfEvent::new(MessageKind::Paused, format!("paused by {}{why}", by.name()))
            }
            Event::UndoRequested { by, reason } => {
                let why = reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                let what = format!("being undone, by {}{why}", by.name());
                ToldOfEvent::new(MessageKind::Undoing, what)
            }
            Event::RunClaimed { holder, .. } => {
                let (before, now) = (self.driver.as_ref()?, DrivenFrom::of(event)?);
                if !before.is_another(&now) {
                    return None;
                }
                let told = format!("driven by {holder} from now on");
                let told = ToldOfEvent::new(MessageKind::TakenOver, told)
                    .line(format!("Before: {}", before.beside(&now)));
                match before.host == now.host {
                    true => told.line(format!("Now: {}", now.beside(before))),
                    false => told,
                }
            }
            Event::RunEnded { outcome } => self.ended(*outcome),
            Event::Waived { .. }
            | Event::TerminalLost {}
            | Event::JournalAway { .. }
            | Event::StepStarted { .. }
            | Event::Intended { .. }
            | Event::Accepted { .. }
            | Event::Answered { .. }
            | Event::Refused { .. }
            | Event::NeverLanded { .. }
            | Event::OperationEnded { .. }
            | Event::RetryScheduled { .. }
            | Event::StepMending { .. }
            | Event::StepWaiting { .. }
            | Event::StepSucceeded { .. }
            | Event::StepSkipped { .. }
            | Event::SkipAgreed { .. }
            | Event::Approved { .. }
            | Event::GateExpired { .. }
            | Event::Continued { .. }
            | Event::SourceDown { .. }
            | Event::SettleRequested { .. }
            | Event::CancelRequested { .. }
            | Event::UndoStarted { .. }
            | Event::StepUndone { .. }
            | Event::StepReset { .. }
            | Event::DeadlinePassed {}
            | Event::Reopened { .. } => return None,
        })
    }

    fn ended(&self, outcome: RunOutcome) -> ToldOfEvent {
        let owed = self.state.obligations();
        let mut told = ToldOfEvent::new(MessageKind::Ended, format!("ended: {outcome}"));
        told.lines = owed.iter().map(|one| format!("Left: {one}")).collect();
        told
    }

    fn owes(&self, new: &[String]) -> ToldOfEvent {
        let what = match new.len() {
            1 => "something is owed".to_owned(),
            many => format!("{many} things are owed"),
        };
        let mut told = ToldOfEvent::new(MessageKind::Owed, what);
        told.lines = new.iter().map(|one| format!("Owed: {one}")).collect();
        if let Some(opened) = &self.state.opened {
            let settle = self.ourselves.whole(&format!("backroad settle {}", opened.run));
            told.lines.push(format!(
                "To meet it, once the run has ended and the region answers: {settle}"
            ));
        }
        told
    }
}

/// Whether an event may have made the run owe something.
fn may_owe(event: &Event) -> bool {
    matches!(
        event,
        Event::StepFailed { .. }
            | Event::StepTimedOut { .. }
            | Event::StepSkipped { .. }
            | Event::StepSucceeded { .. }
            | Event::StepUndone { .. }
            | Event::RunEnded { .. }
    )
}

/// Who is asked for what, in a line.
fn asked(ask: &Ask) -> String {
    let count = match ask.needed {
        0 | 1 => String::new(),
        needed => format!(" ({} of {needed} so far)", ask.given),
    };
    let step = ask.step.as_deref().map(|step| format!(" {step}")).unwrap_or_default();
    format!("{} is asked to {}{step}{count}", ask.whom(), ask.kind.verb())
}
