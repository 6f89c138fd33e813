//! Does what a run's steps brought about still stand?

use serde::{Deserialize, Serialize};

use super::step_words::short;
use super::style::{Style, wrap};
use crate::engine::Survey;
use crate::model::{Assessed, Step};

/// What was seen of the steps that are done, at a look after them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftView {
    /// How many steps were looked at.
    pub looked: u32,
    /// Those of which something is not as they left it.
    pub changed: Vec<LeftStep>,
    /// Those of which that could not be read.
    pub unread: Vec<LeftStep>,
}

/// A step that is done, and what stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftStep {
    /// The step.
    pub step: String,
    /// What it is about.
    pub resource: String,
    /// What is not as it was left, or why it could not be read.
    pub why: Vec<String>,
}

impl LeftView {
    /// What a look at these steps saw.
    #[must_use]
    pub fn of(steps: &[&Step], seen: &Survey) -> Self {
        let mut view = Self::default();
        for step in steps {
            let Some(look) = seen.get(&step.name) else { continue };
            view.looked += 1;
            let resource = step.action.subject().map_or_else(String::new, ToString::to_string);
            let told = |why: Vec<String>| LeftStep { step: step.name.to_string(), resource, why };
            match look {
                Ok(look) => match &look.verdict {
                    Assessed::Holds => {}
                    Assessed::Change(change) => {
                        let changes = change.changes.iter();
                        view.changed.push(told(changes.map(ToString::to_string).collect()));
                    }
                    Assessed::InProgress { why, .. }
                    | Assessed::NotYet { why, .. }
                    | Assessed::Blocked { why, .. } => view.changed.push(told(vec![why.clone()])),
                },
                Err(error) => view.unread.push(told(vec![error.to_string()])),
            }
        }
        view
    }

    /// Whether anything is to be told of without being asked.
    #[must_use]
    pub fn is_amiss(&self) -> bool {
        !self.changed.is_empty() || !self.unread.is_empty()
    }
}

/// What stands of a run, as lines; `again` is the command that does a step, or all of them, again.
pub(super) fn lines(view: &LeftView, again: impl Fn(&str) -> String, style: Style) -> Vec<String> {
    let stands = view.looked as usize - view.changed.len() - view.unread.len();
    let mut lines = vec![String::new()];
    lines.push(match view.looked {
        0 => "Of what its steps did nothing is to be looked at.".to_owned(),
        looked => format!("As its steps left it: {stands} of {looked}."),
    });
    let changed = view.changed.iter().map(|one| (one, "is not as it was left"));
    let unread = view.unread.iter().map(|one| (one, "could not be read"));
    for (one, told) in changed.chain(unread) {
        let (mark, step) = (style.warn("!"), style.bold(&one.step));
        lines.push(format!("{mark} {step}: {} {told}", short(&one.resource)));
        let width = style.width.saturating_sub(4).max(40);
        let whys = one.why.iter().flat_map(|why| wrap(why, width));
        lines.extend(whys.map(|why| format!("    {why}")));
    }
    if let Some(first) = view.changed.first() {
        let word = "Who changed that is not known here. Look once more, and write what is not so:";
        lines.extend(wrap(word, style.width));
        let what = if view.changed.len() == 1 { first.step.as_str() } else { "--done" };
        lines.push(format!("    {}", again(what)));
    }
    lines
}
