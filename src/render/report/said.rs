//! Who said what to the run, when and why?

use super::moment::by_the_clock;
use super::view::ReportWord;
use crate::engine::{Actor, Event, Recorded};
use crate::model::Timestamp;
use crate::render::line::actor;
use crate::render::style::clock;

/// What people said, in order.
pub(super) fn words(events: &[Recorded], opened: Timestamp) -> Vec<ReportWord> {
    let mut found = Vec::new();
    for Recorded { at, event, .. } in events {
        let (who, what, why) = match event {
            Event::Approved { by, choice: Some(choice), reason, .. } => {
                (by, format!("chose {choice}"), reason.clone())
            }
            Event::Approved { by, reason, .. } => (by, "approved".to_owned(), reason.clone()),
            Event::Declined { by, reason, .. } => (by, "declined".to_owned(), reason.clone()),
            Event::Waived { by, rule, reason, .. } => {
                (by, format!("waived the rule {rule}"), Some(reason.clone()))
            }
            Event::Paused { by, reason } => (by, "paused the run".to_owned(), reason.clone()),
            Event::Continued { by } => (by, "let the run go on".to_owned(), None),
            Event::SourceDown { by, why } if *by != Actor::Engine => {
                (by, "declared the source region down".to_owned(), Some(why.clone()))
            }
            Event::SettleRequested { by, reason } => {
                (by, "asked for what is owed to be met".to_owned(), reason.clone())
            }
            Event::CancelRequested { by, reason } => {
                (by, "cancelled the run".to_owned(), reason.clone())
            }
            Event::UndoRequested { by, reason } => {
                (by, "asked for all to be taken back".to_owned(), reason.clone())
            }
            Event::StepSkipped { by, why, .. } if *by != Actor::Engine => {
                (by, "skipped the step".to_owned(), Some(why.to_string()))
            }
            Event::SkipAgreed { by, reason, .. } => {
                (by, "would go on without the gate's answer".to_owned(), Some(reason.clone()))
            }
            Event::StepReset { by, reason, .. } => {
                (by, "had the step tried again".to_owned(), reason.clone())
            }
            Event::Reopened { by, why } => {
                (by, "opened the run again".to_owned(), Some(why.clone()))
            }
            _ => continue,
        };
        found.push(ReportWord {
            at: clock(at.since(opened)),
            when: by_the_clock(*at),
            step: event.step().map(ToString::to_string),
            who: actor(who),
            what,
            why,
        });
    }
    found
}
