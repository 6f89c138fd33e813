//! What does a line mean that was typed at a question? Only what the question offers.

use crate::engine::{Command, StepCommand};
use crate::model::{Person, StepName};
use crate::render::truth::AskKind;

/// What may be answered to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) step: StepName,
    kind: AskKind,
    /// The names of the ways, at a decision.
    options: Vec<String>,
    /// Whether going on without what failed takes a reason.
    reasoned: bool,
}

/// What was meant by what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meant {
    /// This, as it stands.
    This(Command),
    /// This, once it has a reason: what is asked for it.
    WithReason(Command, &'static str),
    /// Nothing that is offered.
    Nothing,
}

impl Offer {
    /// What a question of this kind about this step offers.
    pub(super) fn new(step: StepName, kind: AskKind, options: Vec<String>, reasoned: bool) -> Self {
        Self { step, kind, options, reasoned }
    }

    /// The line that waits for an answer. The question itself stands above it.
    pub(super) fn prompt(&self, shown: &str) -> String {
        let words = self.words().join("/");
        match self.kind {
            AskKind::Manual => format!("  is {shown} done? [{words}]"),
            AskKind::Decision => format!("  choose at {shown}: [{words}]"),
            AskKind::Failure => {
                format!("  {shown} failed; try it again, go on without it, or stop? [{words}]")
            }
            AskKind::Approval
            | AskKind::Held
            | AskKind::Paused
            | AskKind::Interrupted
            | AskKind::Stopped => format!("  approve {shown}? [{words}]"),
        }
    }

    /// The words that are answers.
    pub(super) fn words(&self) -> Vec<&str> {
        match self.kind {
            AskKind::Decision => {
                self.options.iter().map(String::as_str).chain(self.none_is_free()).collect()
            }
            AskKind::Failure => vec!["retry", "without", "stop"],
            AskKind::Approval
            | AskKind::Manual
            | AskKind::Held
            | AskKind::Paused
            | AskKind::Interrupted
            | AskKind::Stopped => vec!["yes", "no"],
        }
    }

    /// The word for none of the options, unless an option has that name.
    fn none_is_free(&self) -> Option<&'static str> {
        let taken = self.options.iter().any(|option| option == "none");
        (!taken).then_some("none")
    }

    /// What a typed line means.
    pub(super) fn meant(&self, typed: &str, by: &Person) -> Meant {
        let word = typed.trim().to_ascii_lowercase();
        let said =
            |choice| StepCommand { step: self.step.clone(), by: by.clone(), reason: None, choice };
        match (self.kind, word.as_str()) {
            (AskKind::Decision, word) => {
                match self.options.iter().find(|option| option.eq_ignore_ascii_case(word)) {
                    Some(option) => Meant::This(Command::Approve(said(Some(option.clone())))),
                    None if word == "none" => {
                        Meant::WithReason(Command::Decline(said(None)), "Why none?")
                    }
                    None => Meant::Nothing,
                }
            }
            (AskKind::Failure, "retry") => Meant::This(Command::Retry(said(None))),
            (AskKind::Failure, "without") if self.reasoned => {
                Meant::WithReason(Command::Approve(said(None)), "Why without it?")
            }
            (AskKind::Failure, "without") => Meant::This(Command::Approve(said(None))),
            (AskKind::Failure, "stop") => {
                Meant::WithReason(Command::Decline(said(None)), "Why stop?")
            }
            (AskKind::Failure, _) => Meant::Nothing,
            (_, "y" | "yes") => Meant::This(Command::Approve(said(None))),
            (_, "n" | "no") => Meant::WithReason(Command::Decline(said(None)), "Why not?"),
            _ => Meant::Nothing,
        }
    }
}

/// A command with the reason that was typed for it.
pub(super) fn reasoned(command: Command, reason: String) -> Command {
    let with = |said: StepCommand| StepCommand { reason: Some(reason), ..said };
    match command {
        Command::Approve(said) => Command::Approve(with(said)),
        Command::Decline(said) => Command::Decline(with(said)),
        Command::Retry(said) => Command::Retry(with(said)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(kind: AskKind, options: &[&str], reasoned: bool) -> Offer {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Offer::new(StepName::parse("gate").unwrap(), kind, options, reasoned)
    }

    fn meant(offer: &Offer, typed: &str) -> Meant {
        offer.meant(typed, &"ann".into())
    }

    #[test]
    fn a_yes_is_no_answer_to_a_choice_nor_to_a_failure() {
        let choice = offer(AskKind::Decision, &["revoke", "connect"], false);
        assert_eq!(meant(&choice, "yes"), Meant::Nothing);
        assert!(matches!(
            meant(&choice, "Revoke"),
            Meant::This(Command::Approve(said)) if said.choice.as_deref() == Some("revoke")
        ));
        assert!(matches!(meant(&choice, "none"), Meant::WithReason(Command::Decline(_), _)));
        let failed = offer(AskKind::Failure, &[], false);
        assert_eq!(meant(&failed, "yes"), Meant::Nothing);
        assert!(matches!(meant(&failed, "retry"), Meant::This(Command::Retry(_))));
        assert!(matches!(meant(&failed, "without"), Meant::This(Command::Approve(_))));
        assert!(matches!(meant(&failed, "stop"), Meant::WithReason(Command::Decline(_), _)));
    }

    #[test]
    fn a_no_has_a_reason() {
        let gate = offer(AskKind::Approval, &[], false);
        assert!(matches!(meant(&gate, " YES "), Meant::This(Command::Approve(_))));
        let Meant::WithReason(no, _) = meant(&gate, "n") else { panic!("a no is asked why") };
        assert!(matches!(
            reasoned(no, "too early".to_owned()),
            Command::Decline(said) if said.reason.as_deref() == Some("too early")
        ));
        for typed in ["", "perhaps", "none"] {
            assert_eq!(meant(&gate, typed), Meant::Nothing, "{typed}");
        }
    }

    #[test]
    fn an_option_may_be_called_none() {
        let choice = offer(AskKind::Decision, &["none", "one"], false);
        assert_eq!(choice.words(), ["none", "one"]);
        assert!(matches!(meant(&choice, "none"), Meant::This(Command::Approve(_))));
    }
}
