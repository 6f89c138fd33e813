//! What does a report show? The only thing that its templates see, and its JSON.

use crate::render::template::view;

/// The schema of a report.
pub const REPORT_SCHEMA: &str = "backroad.report/1";

view! {
    /// A run as a report; its JSON is `backroad report RUN --format json`.
    pub struct Report {
        /// The schema of this view: `backroad.report/1`.
        pub schema: String,
        /// What wrote it: the program and its version.
        pub generator: String,
        /// The run's id.
        pub run: String,
        /// The runbook's name.
        pub runbook: String,
        /// What the runbook does, as a line.
        pub title: String,
        /// `drill`, `simulated` (against a simulator that is served) or `live`.
        pub mode: String,
        /// The bad days that a drill lived through, by name.
        pub bad_days: Vec<String>,
        /// The regions that whoever began a drill took down in it, and when.
        pub regions_down: Vec<String>,
        /// What each bad day, and each fault of a drill's world, came to.
        pub strikes: Vec<ReportStrikes>,
        /// What each receiver of messages was told.
        pub told: Vec<ReportTold>,
        /// The profile that it ran under.
        pub profile: Option<String>,
        /// Where Azure was.
        pub endpoint: String,
        /// Who started it, where it was said.
        pub by: Option<String>,
        /// How it ended, or where it stands.
        pub outcome: String,
        /// Whether it recovered what it was to recover.
        pub succeeded: bool,
        /// When it was opened.
        pub started_at: String,
        /// When it ended; none while it has not.
        pub ended_at: Option<String>,
        /// When it was opened, for people: `2026-03-14 03:00:00`, in UTC.
        pub started: String,
        /// When it ended, for people; none while it has not.
        pub ended: Option<String>,
        /// Azure's correlation id, the same on every request of the run.
        pub correlation: Option<String>,
        /// The run in five lines.
        pub summary: Vec<String>,
        /// The time to recovery against the objective.
        pub recovery: Recovery,
        /// The steps over time, as a picture in SVG.
        pub timeline_svg: String,
        /// Its steps, in the author's order.
        pub steps: Vec<ReportStep>,
        /// How many writes it intended.
        pub writes: usize,
        /// What people said.
        pub words: Vec<ReportWord>,
        /// What did not go as the runbook says.
        pub deviations: Vec<Deviation>,
        /// What each site reached before and after, in a drill.
        pub reachability: Vec<Reached>,
        /// What is left for a person to look after.
        pub obligations: Vec<String>,
        /// The versions that took part.
        pub versions: Vec<ReportVersion>,
        /// How many events its journal has.
        pub events: u64,
        /// The hash of the last of them: who knows it knows the whole history.
        pub head: Option<String>,
        /// Another run beside this one.
        pub compared: Option<RunComparison>,
    }
}

view! {
    /// What a receiver of messages was told.
    pub struct ReportTold {
        /// The receiver.
        pub receiver: String,
        /// What it was told, as the end of a sentence.
        pub said: String,
        /// Whether something could not be sent, or may not have arrived.
        pub behind: bool,
    }
}

view! {
    /// What a bad day, or a fault of a drill's world, came to.
    pub struct ReportStrikes {
        /// The bad day's name, or what the fault is.
        pub what: String,
        /// Whether it struck anything: what did not has proven nothing.
        pub struck: bool,
        /// What it met and struck, as the end of a sentence.
        pub said: String,
    }
}

view! {
    /// The time to recovery, split.
    pub struct Recovery {
        /// From the opening to the recovery, or to the last event.
        pub took: String,
        /// The same in seconds.
        pub seconds: f64,
        /// What it is measured against.
        pub objective: Option<String>,
        /// Whether it was within the objective; none without one, or without recovery.
        pub within: Option<bool>,
        /// How long nothing was reachable, where a connection was swapped.
        pub window: Option<String>,
        /// The four parts; they add up.
        pub parts: Vec<SplitPart>,
    }
}

view! {
    /// A part of the time.
    pub struct SplitPart {
        /// What it went into.
        pub name: String,
        /// How long.
        pub took: String,
        /// The same in seconds.
        pub seconds: f64,
        /// Its share of the whole, in percent.
        pub percent: u32,
    }
}

view! {
    /// A step.
    pub struct ReportStep {
        /// Its place, from 1.
        pub number: usize,
        /// Its name.
        pub name: String,
        /// What it does.
        pub title: String,
        /// The action's name.
        pub action: String,
        /// Where it stands.
        pub status: String,
        /// `good`, `bad`, `doubt` or `soft`: how that is to be read.
        pub tone: String,
        /// How many attempts were begun.
        pub attempts: u32,
        /// How many writes were refused before one was taken.
        pub refusals: u32,
        /// When it began, from the run's opening.
        pub start: Option<String>,
        /// When it ended, from the run's opening.
        pub end: Option<String>,
        /// How long it took.
        pub took: Option<String>,
        /// The same in seconds.
        pub seconds: Option<f64>,
        /// How long it usually takes.
        pub usual: Option<String>,
        /// What it waited for before it began.
        pub waited_for: Option<String>,
        /// The resource that it is about.
        pub resource: Option<String>,
        /// What became of the resource.
        pub change: Option<String>,
        /// Why it stands as it does, where that needs a word.
        pub why: Option<String>,
        /// Whether it is there to prove something of Azure.
        pub proves: bool,
        /// Its attempts, in order; those at its undo included.
        pub tries: Vec<ReportTry>,
        /// What it wrote, in order.
        pub writes: Vec<ReportWrite>,
    }
}

view! {
    /// An attempt at a step or at its undo.
    pub struct ReportTry {
        /// Its number, from 1.
        pub number: u32,
        /// Whether it was to take the step back.
        pub undo: bool,
        /// When it began, from the run's opening.
        pub at: String,
        /// When it ended, from the run's opening; none where that is not known.
        pub end: Option<String>,
        /// How it ended.
        pub came_to: String,
        /// As of a step.
        pub tone: String,
    }
}

view! {
    /// A write that was intended, and what came of it.
    pub struct ReportWrite {
        /// When it was intended, from the run's opening.
        pub at: String,
        /// `PUT` or `DELETE`.
        pub method: String,
        /// The resource.
        pub resource: String,
        /// The operation key: Azure's `x-ms-client-request-id`.
        pub key: String,
        /// Azure's id of the request, where it gave one.
        pub request_id: Option<String>,
        /// What Azure made of it: `accepted`, `done`, `refused`, or `not known`.
        pub answer: String,
        /// Whether something was there before.
        pub was_there: bool,
        /// The fields that it was to change, keys left out.
        pub fields: Vec<ReportField>,
        /// How many fields it wrote as they were.
        pub as_before: usize,
    }
}

view! {
    /// A field of a resource, before and after a write.
    pub struct ReportField {
        /// Where it is, such as `properties.sku.name`.
        pub path: String,
        /// What it was; none when it was not there.
        pub before: Option<String>,
        /// What it was to be; none when it was to go.
        pub after: Option<String>,
    }
}

view! {
    /// A word of a person.
    pub struct ReportWord {
        /// When, from the run's opening.
        pub at: String,
        /// When, by the clock: `2026-03-14 03:04:20`, in UTC.
        pub when: String,
        /// The step, where it was about one.
        pub step: Option<String>,
        /// Who.
        pub who: String,
        /// What was said.
        pub what: String,
        /// Why, where a reason was given.
        pub why: Option<String>,
    }
}

view! {
    /// Something that did not go as the runbook says.
    pub struct Deviation {
        /// When, from the run's opening.
        pub at: String,
        /// When, by the clock: `2026-03-14 03:04:20`, in UTC.
        pub when: String,
        /// What kind, in a word: `retry`, `failure`, `skip`, `waiver`, `anomaly`, `drift` and others.
        pub kind: String,
        /// The step, where it was one's.
        pub step: Option<String>,
        /// What.
        pub what: String,
    }
}

view! {
    /// What a site reaches.
    pub struct Reached {
        /// The site.
        pub site: String,
        /// The network.
        pub network: String,
        /// How it stood when the drill began, where that was kept.
        pub before: Option<String>,
        /// `reachable`, or why not, at the end.
        pub verdict: String,
        /// Whether it is.
        pub works: bool,
        /// The circuits that packets take.
        pub circuits: String,
    }
}

view! {
    /// A version of something that took part.
    pub struct ReportVersion {
        /// Of what.
        pub of: String,
        /// Which.
        pub version: String,
    }
}

view! {
    /// Two runs side by side.
    pub struct RunComparison {
        /// The other run's id.
        pub run: String,
        /// Its runbook.
        pub runbook: String,
        /// Whether both ran the same plan.
        pub same_plan: bool,
        /// Facts of both.
        pub facts: Vec<Pair>,
        /// The steps of both.
        pub steps: Vec<Pair>,
    }
}

view! {
    /// One thing of two runs.
    pub struct Pair {
        /// What.
        pub what: String,
        /// This run's.
        pub this: String,
        /// The other's.
        pub other: String,
        /// How much longer this run's was, where both are times: `+02:10`.
        pub difference: Option<String>,
    }
}
