//! What became of the writes of a run? Each as it was intended, and as its journal tells of it since.
//!
//! Every view of a run reads its writes here, so that no two of them count differently.

use std::collections::BTreeMap;

use crate::engine::{Event, Intent, Recorded};
use crate::model::{StepName, Timestamp, Undo, WriteMethod};

/// A write, and what became of it.
#[derive(Debug)]
pub(super) struct StepWrite<'e> {
    /// As it was intended.
    pub(super) intent: &'e Intent,
    /// When it was, the first time.
    pub(super) at: Timestamp,
    /// Whether it takes something back.
    pub(super) undoes: bool,
    /// Azure's id of the request, where it gave one.
    pub(super) request_id: Option<&'e str>,
    /// What became of it.
    pub(super) fate: WriteFate,
}

/// What became of a write, as far as the journal tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WriteFate {
    /// No answer came yet.
    Sent,
    /// No answer came that says whether it landed.
    InDoubt,
    /// No answer came, and it had landed; its operation has ended with this code where that failed.
    Landed(Option<String>),
    /// No answer came, and it never landed.
    NeverLanded,
    /// It was accepted, and an operation has begun.
    Accepted,
    /// It was done at once.
    Done,
    /// It was accepted, and its operation has ended, with this code if it failed.
    Ended(Option<String>),
    /// It was refused with this code.
    Refused(String),
}

impl WriteFate {
    /// Whether Azure took it.
    pub(super) fn is_taken(&self) -> bool {
        match self {
            Self::Landed(_) | Self::Accepted | Self::Done | Self::Ended(_) => true,
            Self::Sent | Self::InDoubt | Self::NeverLanded | Self::Refused(_) => false,
        }
    }

    /// Whether it is not known yet whether it landed.
    fn is_open(&self) -> bool {
        matches!(self, Self::Sent | Self::InDoubt)
    }
}

/// The writes of each step, in their order. The same change that is sent again, since it was not taken, is one.
pub(super) fn writes(events: &[Recorded]) -> BTreeMap<&StepName, Vec<StepWrite<'_>>> {
    let mut found: BTreeMap<&StepName, Vec<StepWrite<'_>>> = BTreeMap::new();
    let mut undoing: BTreeMap<&StepName, bool> = BTreeMap::new();
    for Recorded { at, event, .. } in events {
        let Some(step) = event.step() else { continue };
        if let Event::UndoStarted { .. } | Event::StepStarted { .. } = event {
            undoing.insert(step, matches!(event, Event::UndoStarted { .. }));
        }
        let all = found.entry(step).or_default();
        if let Event::Intended { intent, .. } = event {
            let undoes = undoing.get(step).copied().unwrap_or(false);
            match all.last_mut().filter(|own| own.intent.key == intent.key && !own.fate.is_taken())
            {
                Some(again) => again.fate = WriteFate::Sent,
                None => all.push(StepWrite {
                    intent,
                    at: *at,
                    undoes,
                    request_id: None,
                    fate: WriteFate::Sent,
                }),
            }
        } else if let Some(write) = all.last_mut() {
            tell(write, event);
        }
    }
    found.retain(|_, all| !all.is_empty());
    found
}

/// What an event says of a step's last write.
fn tell<'e>(write: &mut StepWrite<'e>, event: &'e Event) {
    match event {
        Event::Accepted { request_id, .. } => {
            write.fate = WriteFate::Accepted;
            write.request_id = request_id.as_deref();
        }
        Event::Answered { request_id, .. } => {
            write.fate = WriteFate::Done;
            write.request_id = request_id.as_deref();
        }
        Event::Refused { error, .. } => write.fate = WriteFate::Refused(error.code.clone()),
        Event::NeverLanded { .. } => write.fate = WriteFate::NeverLanded,
        Event::InDoubt { .. } if !write.fate.is_taken() => write.fate = WriteFate::InDoubt,
        // It was looked at, and it has landed.
        Event::StepSucceeded { .. } | Event::StepUndone { .. } if write.fate.is_open() => {
            write.fate = WriteFate::Landed(None);
        }
        Event::OperationEnded { error, .. } => {
            let code = error.as_ref().map(|error| error.code.clone());
            match write.fate {
                WriteFate::Accepted => write.fate = WriteFate::Ended(code),
                WriteFate::Sent | WriteFate::InDoubt => write.fate = WriteFate::Landed(code),
                WriteFate::Landed(_)
                | WriteFate::NeverLanded
                | WriteFate::Done
                | WriteFate::Ended(_)
                | WriteFate::Refused(_) => {}
            }
        }
        _ => {}
    }
}

/// What the writes of each step came to.
pub(super) fn of_each_step(events: &[Recorded]) -> BTreeMap<StepName, Writes> {
    writes(events).into_iter().map(|(step, all)| (step.clone(), Writes::of(&all))).collect()
}

/// What the writes of a step came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Writes {
    pub(super) taken: u32,
    /// Whether nobody knows what became of the last.
    pub(super) in_doubt: bool,
    /// Whether its resource was not there before.
    pub(super) created: bool,
    /// What an undo wrote, if it wrote.
    pub(super) undone: Option<&'static str>,
}

impl Writes {
    /// Of one step's.
    pub(super) fn of(all: &[StepWrite<'_>]) -> Self {
        let taken = all.iter().filter(|own| own.fate.is_taken()).count();
        let mut forth = all.iter().filter(|own| !own.undoes);
        // The undo of the first that was taken says what was there before.
        let first = forth.clone().find(|own| own.fate.is_taken()).or_else(|| forth.next_back());
        let undone = all.iter().rfind(|own| own.undoes).map(|own| match own.intent.write.method {
            WriteMethod::Delete => "removed",
            WriteMethod::Put | WriteMethod::Post => "restored",
            WriteMethod::Run => "taken back",
        });
        Self {
            taken: u32::try_from(taken).unwrap_or(u32::MAX),
            in_doubt: all.last().is_some_and(|own| own.fate == WriteFate::InDoubt),
            created: first.is_some_and(|own| matches!(own.intent.undo, Undo::Delete { .. })),
            undone,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StepError;
    use crate::render::tests::{Book, name};

    fn error(code: &str) -> StepError {
        StepError::transient(code, "It is so.", None)
    }

    fn fates(book: &Book) -> Vec<WriteFate> {
        writes(&book.0).into_values().flatten().map(|own| own.fate).collect()
    }

    #[test]
    fn a_write_without_an_answer_that_landed_and_failed_is_taken_everywhere() {
        let step = || name("front");
        let book = Book::opened().starts(0, "front").intends(1, "front");
        assert_eq!(fates(&book), [WriteFate::Sent]);
        let book = book.at(2, Event::InDoubt { step: step(), error: error("lost") });
        assert_eq!(fates(&book), [WriteFate::InDoubt]);
        let ended = Event::OperationEnded { step: step(), error: Some(error("no_goal")) };
        let book = book.at(3, ended);
        assert_eq!(fates(&book), [WriteFate::Landed(Some("no_goal".to_owned()))]);
        let all = writes(&book.0);
        let told = Writes::of(&all[&step()]);
        assert_eq!((told.taken, told.in_doubt, told.created), (1, false, true));
    }

    #[test]
    fn what_is_sent_again_under_its_key_is_one_write_until_it_was_taken() {
        let step = || name("front");
        let book = Book::opened()
            .starts(0, "front")
            .intends(1, "front")
            .at(2, Event::InDoubt { step: step(), error: error("lost") })
            .at(3, Event::NeverLanded { step: step() })
            .intends(4, "front")
            .at(5, Event::Refused { step: step(), error: error("Conflict") });
        assert_eq!(fates(&book), [WriteFate::Refused("Conflict".to_owned())]);
        let book = book.writes(6, "front").writes(7, "front");
        assert_eq!(fates(&book), [WriteFate::Done, WriteFate::Done]);
    }
}
