//! What may an event not say? A value that is known to be secret, whoever said it: Azure, or a person in a
//! reason.
//!
//! What Azure says is freed of them where it comes in; this is the last look before it is durable. Nothing
//! is changed in an event that holds none, which is nearly every one.

use super::event::Event;
use crate::outward;

/// Whether anything had to be blanked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blanked {
    /// Nothing, as nearly always.
    Nothing,
    /// Something.
    Some,
}

/// The events as the journal may have them.
pub(super) fn without_secrets(events: Vec<Event>) -> (Vec<Event>, Blanked) {
    let mut blanked = Blanked::Nothing;
    let one = |event| {
        let (event, of_this) = without(event);
        if of_this == Blanked::Some {
            blanked = Blanked::Some;
        }
        event
    };
    let events = events.into_iter().map(one).collect();
    (events, blanked)
}

fn without(event: Event) -> (Event, Blanked) {
    // The plan of a run is what was compiled: a secret whose value stands in it is refused before
    // (`SECRET-READ`), and its digest must not change.
    if matches!(event, Event::RunOpened { .. }) {
        return (event, Blanked::Nothing);
    }
    let holds = serde_json::to_vec(&event).is_ok_and(|bytes| outward::holds_known(&bytes));
    if !holds {
        return (event, Blanked::Nothing);
    }
    let free = serde_json::to_value(&event).and_then(|mut value| {
        outward::redacted_json(&mut value, |_| false);
        serde_json::from_value(value)
    });
    // Only names and ids do not read back without a part of theirs, and those are in the plan.
    (free.unwrap_or(event), Blanked::Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{StepError, StepName};

    #[test]
    fn a_secret_that_azure_or_a_person_says_is_in_no_event() {
        const KEY: &str = "b2f96d10-47ce-4d38-8e5a-d1739c04fa6b";
        outward::know(KEY);
        let step = StepName::parse("connection").unwrap();
        let error =
            StepError::rejected("Wrong", format!("not {KEY}")).caused_by(KEY.to_uppercase());
        let refused = Event::Refused { step: step.clone(), error };
        let reason = Some(format!("the key is {KEY}"));
        let cancelled =
            Event::CancelRequested { by: crate::engine::Actor::Person("ann".into()), reason };
        let (events, _) = without_secrets(vec![refused, cancelled, Event::StepUndone { step }]);
        let text = serde_json::to_string(&events).unwrap().to_lowercase();
        assert!(!text.contains(&KEY[..12]), "{text}");
        assert!(text.contains("the key is …"), "{text}");
    }
}
