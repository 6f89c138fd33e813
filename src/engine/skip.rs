//! Why is a step left out? A reason, and the words in which a journal keeps it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a step is left out. A text in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum SkipReason {
    /// Its condition does not call for it.
    Condition {
        /// The condition.
        when: String,
        /// What of it does not hold.
        why: String,
    },
    /// It failed, and somebody goes on without it.
    Failed {
        /// The code of its error.
        code: String,
    },
    /// Somebody decided so, and said nothing of why.
    Decided,
    /// In the words of whoever decided so.
    Worded(String),
}

impl SkipReason {
    const CONDITION: [&str; 2] = ["its condition ", " does not hold: "];
    const FAILED: [&str; 2] = ["it failed (", ") and a person decided to go on without it"];
    const DECIDED: &str = "a person decided so";

    /// What a person said, if they did.
    #[must_use]
    pub fn said(reason: Option<String>) -> Self {
        reason.map_or(Self::Decided, Self::Worded)
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition { when, why } => {
                let [lead, between] = Self::CONDITION;
                write!(f, "{lead}{when}{between}{why}")
            }
            Self::Failed { code } => {
                let [lead, after] = Self::FAILED;
                write!(f, "{lead}{code}{after}")
            }
            Self::Decided => f.write_str(Self::DECIDED),
            Self::Worded(reason) => f.write_str(reason),
        }
    }
}

impl From<SkipReason> for String {
    fn from(reason: SkipReason) -> Self {
        reason.to_string()
    }
}

impl From<String> for SkipReason {
    fn from(text: String) -> Self {
        if text == Self::DECIDED {
            return Self::Decided;
        }
        let ([lead, between], [failed, after]) = (Self::CONDITION, Self::FAILED);
        if let Some((when, why)) = text.strip_prefix(lead).and_then(|rest| rest.split_once(between))
        {
            return Self::Condition { when: when.to_owned(), why: why.to_owned() };
        }
        match text.strip_prefix(failed).and_then(|rest| rest.strip_suffix(after)) {
            Some(code) => Self::Failed { code: code.to_owned() },
            None => Self::Worded(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_read_from_the_words_in_which_a_journal_keeps_it() {
        for (reason, words) in [
            (
                SkipReason::Condition { when: "a == b".to_owned(), why: "a is c".to_owned() },
                "its condition a == b does not hold: a is c",
            ),
            (
                SkipReason::Failed { code: "NotFound".to_owned() },
                "it failed (NotFound) and a person decided to go on without it",
            ),
            (SkipReason::said(None), "a person decided so"),
            (SkipReason::said(Some("its region is dead".to_owned())), "its region is dead"),
        ] {
            let kept = serde_json::to_string(&reason).unwrap();
            assert_eq!(kept, format!("\"{words}\""));
            assert_eq!(serde_json::from_str::<SkipReason>(&kept).unwrap(), reason);
        }
    }
}
