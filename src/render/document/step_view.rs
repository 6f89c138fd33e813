//! What does a document show of a step, of its gates and of what can go wrong with it?

use super::view::StepLink;
use crate::render::template::view;

view! {
    /// A gate or decision.
    pub struct GateView {
        /// The step.
        pub step: StepLink,
        /// `approval`, `decision`, `manual`, or `failure` where a person is asked when a step fails.
        pub kind: String,
        /// The question: prose.
        pub question: String,
        /// Who may answer, as a sentence.
        pub who: String,
        /// What silence counts as, as a sentence.
        pub silence: String,
        /// The ways, at a decision.
        pub options: Vec<OptionView>,
    }
}

view! {
    /// One way of a decision.
    pub struct OptionView {
        /// Its name.
        pub name: String,
        /// What it means.
        pub meaning: String,
    }
}

view! {
    /// A step.
    pub struct StepPart {
        /// Its number in the part.
        pub number: String,
        /// Its name.
        pub name: String,
        /// Its title.
        pub title: String,
        /// Where it is.
        pub anchor: String,
        /// The action's name.
        pub action: String,
        /// `change`, `removal`, `look`, `gate`, `decision`, `manual` or `wait`.
        pub kind: String,
        /// The gate, for one that is a gate, a decision or done by a person.
        pub gate: Option<GateView>,
        /// Whether nothing is undone without a person once it is done.
        pub pivot: bool,
        /// `opens`, `inside` or `closes` the time without a path; empty otherwise.
        pub window: String,
        /// Whether it decides how long the whole takes.
        pub critical: bool,
        /// The steps that come before it.
        pub needs: Vec<StepLink>,
        /// Why: prose.
        pub why: Option<String>,
        /// What it changes, as a sentence.
        pub changes: String,
        /// The resource's id.
        pub resource: Option<String>,
        /// How long it usually takes.
        pub usual: String,
        /// The same for half of such changes, for a narrow column.
        pub usual_short: String,
        /// How long it took in the drill.
        pub drilled: Option<String>,
        /// What can be done while it goes on, where it takes long and something can.
        pub meanwhile: Option<MeanwhileView>,
        /// What good looks like.
        pub good: String,
        /// The same in the author's words: prose.
        pub looks_good: Option<String>,
        /// The way through the portal.
        pub portal: Vec<String>,
        /// The commands that do it.
        pub act: Vec<CommandView>,
        /// The commands that show whether it is done.
        pub check: Vec<CommandView>,
        /// How to do it in the author's words: prose; shown where there are no commands.
        pub by_hand: Option<String>,
        /// Whom to call: prose.
        pub call: Option<String>,
        /// What can go wrong, and what then.
        pub trouble: Vec<TroubleView>,
        /// The first step of the part that says just this, where it is not this one.
        pub trouble_as: Option<StepLink>,
        /// What its failure means for the run.
        pub on_failure: String,
        /// Whether that is as the part says of most of its steps.
        pub on_failure_as_usual: bool,
        /// When and how often it is tried again.
        pub retry: String,
        /// Whether that is as the part says of most of its steps.
        pub retry_as_usual: bool,
        /// The longest it may take; for a gate, how long its question stays open, and empty where that has no end.
        pub timeout: String,
        /// When it is done at all, if that has a condition.
        pub when: Option<String>,
        /// The same in words for a line of a list, with numbers of steps: `only if 8 says revoke`.
        pub only: Option<String>,
        /// What must hold of what it puts out.
        pub ensure: Vec<String>,
        /// What is owed when it ends without its goal.
        pub owes: Option<String>,
        /// How it is taken back, as a sentence.
        pub undo: String,
        /// Whether the chapter on taking back says how, or there is nothing to take back.
        pub undo_said: bool,
        /// The commands that take it back.
        pub undo_commands: Vec<CommandView>,
    }
}

view! {
    /// What is done while a step goes on that takes long.
    pub struct MeanwhileView {
        /// The step to go on with.
        pub next: StepLink,
        /// The first step that waits for it; none where no step does.
        pub until: Option<StepLink>,
    }
}

view! {
    /// A command.
    pub struct CommandView {
        /// What there is to know before it.
        pub note: Option<String>,
        /// The command, for a POSIX shell; secrets are variables in it.
        pub command: String,
    }
}

view! {
    /// Something that can go wrong.
    pub struct TroubleView {
        /// What is seen.
        pub sign: String,
        /// What then.
        pub then: String,
    }
}

view! {
    /// The failure matrix.
    pub struct MatrixView {
        /// What it was proven with, as a sentence.
        pub proof: String,
        /// The digest of all its results: BLAKE3, in hexadecimal.
        pub digest: String,
        /// The faults: the columns.
        pub faults: Vec<FaultView>,
        /// The steps: the rows.
        pub rows: Vec<MatrixRow>,
        /// The bad days of the library, each over the whole run.
        pub days: Vec<DayView>,
        /// How many cells and days are not handled.
        pub unhandled: usize,
    }
}

view! {
    /// A fault.
    pub struct FaultView {
        /// Its name.
        pub id: String,
        /// Its name in words.
        pub title: String,
        /// What happens, as a sentence.
        pub what: String,
    }
}

view! {
    /// A bad day.
    pub struct DayView {
        /// Its name, as `--bad-day` takes it.
        pub name: String,
        /// What it is, in a line.
        pub title: String,
        /// What it means for who meets it.
        pub what: String,
        /// As in a cell.
        pub verdict: String,
        /// The same as one or two words.
        pub word: String,
        /// What happened.
        pub text: String,
    }
}

view! {
    /// A step of the matrix.
    pub struct MatrixRow {
        /// The step.
        pub step: StepLink,
        /// How many steps are like it, and were not drilled themselves.
        pub alike: usize,
        /// One cell for each fault, in their order.
        pub cells: Vec<MatrixCell>,
    }
}

view! {
    /// What the executor does.
    pub struct MatrixCell {
        /// The fault, in words.
        pub fault: String,
        /// `recovers`, `asks`, `stops`, `undoes`, `unhandled` or `not_met`.
        pub verdict: String,
        /// The same as one or two words.
        pub word: String,
        /// What happened.
        pub text: String,
    }
}

view! {
    /// A step that is taken back.
    pub struct UndoView {
        /// The step.
        pub step: StepLink,
        /// What is done.
        pub text: String,
        /// The commands.
        pub commands: Vec<CommandView>,
        /// Whether an undo leaves it in place.
        pub stays: bool,
        /// Whether what is done is as the part says of most of its steps; then the note alone is news.
        pub as_usual: bool,
        /// What there is to know before it is taken back; may be empty.
        pub note: String,
    }
}
