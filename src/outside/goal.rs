//! What does a goal beside Azure call for? From what a look told to an assessment; nothing is asked here.

use std::time::Duration;

use crate::model::call::Call;
use crate::model::outside::{Outside, StandIn};
use crate::model::{
    Assessed, Assessment, Outputs, PlannedChange, StepError, Unanswered, Undo, Write, WriteMethod,
};
use serde_json::Value;

/// The wait before another look.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What a look told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Looked {
    /// It is so.
    Yes(Outputs),
    /// It is not, and why: the same words each time that it is the same.
    No(String),
}

/// What is looked at for a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// The step itself is a look.
    Itself,
    /// Something tells whether its effect is there.
    Check,
    /// Nothing tells.
    Nothing,
}

impl Look {
    pub(super) fn of(outside: &Outside) -> Self {
        match (outside.only_reads(), outside.has_check()) {
            (true, _) => Self::Itself,
            (false, true) => Self::Check,
            (false, false) => Self::Nothing,
        }
    }
}

fn assessment(verdict: Assessed, outputs: Outputs) -> Assessment {
    Assessment { verdict, seen: Vec::new(), outputs }
}

/// The step's own goal.
pub(super) fn forward(outside: &Outside, looked: Option<Looked>) -> Assessment {
    match (Look::of(outside), looked) {
        (Look::Itself | Look::Check, Some(Looked::Yes(outputs))) => {
            assessment(Assessed::Holds, outputs)
        }
        (Look::Itself, Some(Looked::No(why))) => {
            assessment(Assessed::NotYet { why, after: LOOK_AGAIN }, Outputs::new())
        }
        (Look::Itself | Look::Check, None) | (Look::Check, Some(_)) | (Look::Nothing, _) => {
            assessment(change(outside, false, None), Outputs::new())
        }
    }
}

/// What was before it.
pub(super) fn backward(outside: &Outside, undo: &Undo, looked: Option<Looked>) -> Assessment {
    let verdict = match (undo, looked) {
        (Undo::ByStep, None | Some(Looked::Yes(_))) if outside.has_undo() => {
            change(outside, true, None)
        }
        _ => Assessed::Holds,
    };
    assessment(verdict, Outputs::new())
}

/// The call that leads there.
pub(super) fn change(outside: &Outside, undo: bool, stand_in: Option<&StandIn>) -> Assessed {
    let Some(call) = outside.call(undo) else {
        return Assessed::Blocked {
            code: "nothing_to_call".to_owned(),
            why: "Nothing is named that does it.".to_owned(),
        };
    };
    let mut body = serde_json::to_value(&call).unwrap_or_default();
    let mut unanswered = outside.unanswered();
    if let (Some(stand_in), Value::Object(body)) = (stand_in, &mut body) {
        // Nothing of a drill's is kept that a look could find.
        if unanswered == Unanswered::Look {
            unanswered = Unanswered::SendAgain;
        }
        let stands_in = serde_json::to_value(stand_in).unwrap_or_default();
        body.insert(STANDS_IN.to_owned(), stands_in);
    }
    Assessed::Change(Box::new(PlannedChange {
        changes: Vec::new(),
        write: Write {
            method: WriteMethod::Run,
            resource: call.target(),
            verb: None,
            body: Some(body),
            sync: false,
            if_match: None,
            unanswered,
            lasts: Some(call.time_limit() + super::program::GRACE),
        },
        undo: if !undo && outside.has_undo() { Undo::ByStep } else { Undo::Nothing },
    }))
}

/// The key under which a drill's write says what stands in for it.
const STANDS_IN: &str = "stands_in";

/// The call of a write, and what stands in for it.
///
/// # Errors
/// It is no write of this room's.
pub(super) fn call_of(write: &Write) -> Result<(Call, Option<StandIn>), StepError> {
    let wrong = |why: &str| StepError::rejected("not_outside", why);
    let body = write.body.as_ref().filter(|_| write.method == WriteMethod::Run);
    let body = body.ok_or_else(|| wrong("The write names no program and no service."))?;
    let stand_in = body.get(STANDS_IN).map(|own| serde_json::from_value(own.clone()));
    let stand_in =
        stand_in.transpose().map_err(|_| wrong("What stands in for it is unreadable."))?;
    let call = serde_json::from_value(body.clone())
        .map_err(|_| wrong("What the write calls is unreadable."))?;
    Ok((call, stand_in))
}

/// An end that is bad: whether another attempt may be made is the author's to say.
pub(super) fn bad_end(write: &Write, code: &str, message: String) -> StepError {
    match write.unanswered {
        Unanswered::Look | Unanswered::SendAgain => StepError::transient(code, message, None),
        Unanswered::AskPerson => StepError::rejected(code, message),
    }
}
