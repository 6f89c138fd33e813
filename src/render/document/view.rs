//! What does a document show? The only thing that its templates see; docs/templates.md is made of it.

pub use super::step_view::{
    CommandView, DayView, FaultView, GateView, MatrixCell, MatrixRow, MatrixView, MeanwhileView,
    OptionView, StepPart, TroubleView, UndoView,
};
use crate::render::template::view;

view! {
    /// A runbook as a document.
    pub struct Document {
        /// The schema of this view: `backroad.document/1`.
        pub schema: String,
        /// What wrote it: the program and its version.
        pub generator: String,
        /// What the runbook does, as a line.
        pub title: String,
        /// The runbook's name.
        pub runbook: String,
        /// The profile whose values are shown; none: the parameters' defaults.
        pub profile: Option<String>,
        /// The team that answers for it.
        pub owner: Option<String>,
        /// How to reach that team.
        pub contact: Option<String>,
        /// What a recovery is measured against, such as `60m`.
        pub objective: Option<String>,
        /// Whether a person's signature can be put under it: boxes for names and dates.
        pub approvals: Vec<String>,
        /// The version, by digests.
        pub versions: Vec<Version>,
        /// The last drill or run that is known.
        pub last_run: Option<LastRun>,
        /// What must be known before this document is believed; empty in a sound one.
        pub warnings: Vec<Warning>,
        /// The chapters.
        pub contents: Vec<ContentsEntry>,
        /// The runbook, and the runbook that leads back where one is named.
        pub parts: Vec<DocumentPart>,
    }
}

view! {
    /// What a digest is of.
    pub struct Version {
        /// What.
        pub of: String,
        /// BLAKE3, in hexadecimal.
        pub digest: String,
        /// Its first twelve digits.
        pub short: String,
        /// What the digest covers.
        pub about: String,
    }
}

view! {
    /// A drill or run of the runbook.
    pub struct LastRun {
        /// Its id.
        pub run: String,
        /// `drill`, `simulated` (against a simulator that is served) or `live`.
        pub mode: String,
        /// When it was started: RFC 3339. The only time in a document.
        pub at: String,
        /// How it ended.
        pub outcome: String,
        /// Whether it did what it was for.
        pub succeeded: bool,
        /// How long it took, such as `23m 10s`; none when it did not succeed.
        pub took: Option<String>,
        /// Whether that was within the objective; none where there is none of them.
        pub within_objective: Option<bool>,
        /// Whether it was of exactly this plan: the same digest.
        pub same_plan: bool,
    }
}

view! {
    /// Something that must not be missed.
    pub struct Warning {
        /// What.
        pub text: String,
        /// Where in the document.
        pub anchor: Option<String>,
    }
}

view! {
    /// A line of the contents.
    pub struct ContentsEntry {
        /// The chapter's number.
        pub number: String,
        /// Its title.
        pub title: String,
        /// Where it is.
        pub anchor: String,
    }
}

view! {
    /// One runbook of the document, with all its chapters.
    pub struct DocumentPart {
        /// The letter of the part: `a`, `b`. Anchors begin with it.
        pub key: String,
        /// `failover` for the first, `failback` for the second.
        pub kind: String,
        /// What a shell is told once, before the commands of the steps; nothing where no step needs it.
        pub typed_first: Option<CommandView>,
        /// The runbook's name.
        pub runbook: String,
        /// What it does, as a line.
        pub title: String,
        /// Why nobody should go by it as it is: what preflight refuses of it, and how its drill ended that failed.
        /// Empty in a sound one.
        pub broken: Vec<Warning>,
        /// Why it was not drilled, as far as that is known; none where it was.
        pub undrilled: Option<String>,
        /// The chapters' numbers and anchors.
        pub chapters: Chapters,
        /// When to use it, as its author wrote it: prose.
        pub about: Option<String>,
        /// When not to use it, as its author wrote it: prose.
        pub never_when: Option<String>,
        /// When not to use it, as follows from its steps.
        pub not_when: Vec<String>,
        /// What must be there before it starts.
        pub prerequisites: Vec<Prerequisite>,
        /// Who has which role.
        pub roles: Vec<RoleView>,
        /// Who is told what of a run.
        pub receivers: Vec<ReceiverView>,
        /// Whom to call at which step.
        pub calls: Vec<PhoneCall>,
        /// The parameters with their values.
        pub parameters: Vec<ParameterView>,
        /// The secrets, by reference.
        pub secrets: Vec<SecretView>,
        /// The tenants to be signed in to, where the profile names them.
        pub tenants: Vec<TenantView>,
        /// The profiles.
        pub profiles: Vec<ProfileView>,
        /// What it will write, in order.
        pub writes: Vec<WriteView>,
        /// The exact rights that it needs.
        pub rights: Vec<RightsView>,
        /// What who types its commands needs beside them, as `az` does some things in other ways.
        pub rights_by_hand: Vec<RightsView>,
        /// All of them as a custom role, for `az role definition create`: JSON.
        pub role_definition: String,
        /// The networks before, during and after.
        pub topology: Vec<PictureView>,
        /// What the pictures are drawn from.
        pub topology_source: String,
        /// What each site reaches, before and after, where a drill showed it.
        pub reach: Vec<ReachRow>,
        /// The steps over time.
        pub schedule: Vec<PictureView>,
        /// The same as a Mermaid graph.
        pub schedule_mermaid: String,
        /// How long it takes.
        pub timing: Timing,
        /// The gates and decisions, in order.
        pub gates: Vec<GateView>,
        /// The step after which nothing is undone without a person.
        pub pivots: Vec<StepLink>,
        /// When nothing reaches either region.
        pub window: Option<WindowView>,
        /// When and how often most steps are tried again.
        pub retry: String,
        /// What any step that writes may meet, and what then.
        pub trouble: Vec<TroubleView>,
        /// The steps, in an order in which each comes after all it needs.
        pub steps: Vec<StepPart>,
        /// What the executor does when each step meets each fault.
        pub matrix: Option<MatrixView>,
        /// How it is taken back, in the order in which that is done.
        pub undo: Vec<UndoView>,
        /// How most of them are.
        pub usual_undo: String,
        /// What the failure of most steps means for the run.
        pub usual_failure: String,
    }
}

view! {
    /// The numbers of a part's chapters, such as `3`; their anchors are the part's letter and a word.
    pub struct Chapters {
        /// When to use it.
        pub use_it: String,
        /// Before it starts.
        pub before: String,
        /// Values.
        pub values: String,
        /// What it writes and which rights it needs.
        pub changes: String,
        /// The pictures.
        pub picture: String,
        /// Gates, decisions and the point of no return.
        pub gates: String,
        /// The steps.
        pub steps: String,
        /// When something goes wrong.
        pub matrix: String,
        /// Taking it back.
        pub undo: String,
        /// The checklist.
        pub checklist: String,
    }
}

view! {
    /// Something that must be there.
    pub struct Prerequisite {
        /// What.
        pub text: String,
        /// The resource, if it is one: its id.
        pub id: Option<String>,
    }
}

view! {
    /// A role.
    pub struct RoleView {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: Option<String>,
        /// Who has it.
        pub people: Vec<String>,
        /// How to reach them.
        pub contact: Option<String>,
        /// The gates that it answers.
        pub gates: Vec<StepLink>,
    }
}

view! {
    /// Who is told of a run.
    pub struct ReceiverView {
        /// Its name.
        pub name: String,
        /// Who reads there.
        pub description: Option<String>,
        /// By which way, and where that leads as far as everybody may know.
        pub way: String,
        /// What it is told.
        pub told: String,
    }
}

view! {
    /// Whom to call.
    pub struct PhoneCall {
        /// The step.
        pub step: StepLink,
        /// Whom, and when: prose.
        pub text: String,
    }
}

view! {
    /// A parameter.
    pub struct ParameterView {
        /// Its name.
        pub name: String,
        /// Its type.
        pub kind: String,
        /// What it is for.
        pub description: Option<String>,
        /// Its value under this document's profile: one or more lines.
        pub value: Vec<String>,
        /// Its values under other profiles, where they differ.
        pub differs: Vec<ProfileValue>,
    }
}

view! {
    /// A value under another profile.
    pub struct ProfileValue {
        /// The profile.
        pub profile: String,
        /// The value: one or more lines.
        pub value: Vec<String>,
    }
}

view! {
    /// A secret.
    pub struct SecretView {
        /// Its name.
        pub name: String,
        /// Where it comes from: `env:NAME` or `file:PATH`.
        pub source: String,
        /// The shell variable that the commands of this document read.
        pub variable: String,
    }
}

view! {
    /// A tenant with its subscriptions.
    pub struct TenantView {
        /// Its id or domain.
        pub name: String,
        /// Its subscriptions.
        pub subscriptions: Vec<String>,
        /// The command that signs in to it.
        pub command: String,
    }
}

view! {
    /// A profile.
    pub struct ProfileView {
        /// Its name.
        pub name: String,
        /// When it is used.
        pub description: Option<String>,
        /// Whether this document shows its values.
        pub shown: bool,
        /// The world that it is drilled in.
        pub world: Option<String>,
        /// The parameters that have another value under it than in this document.
        pub differs: Vec<String>,
    }
}

view! {
    /// A resource that will be written.
    pub struct WriteView {
        /// The step that writes it.
        pub step: StepLink,
        /// `make`, `change` or `remove`.
        pub what: String,
        /// The kind of resource, in words.
        pub kind: String,
        /// Its name.
        pub name: String,
        /// Its resource group.
        pub group: String,
        /// Its id.
        pub id: String,
    }
}

view! {
    /// Rights at a resource group.
    pub struct RightsView {
        /// The group's id.
        pub scope: String,
        /// The ARM actions.
        pub actions: Vec<String>,
    }
}

view! {
    /// A picture.
    pub struct PictureView {
        /// Its id in the document.
        pub id: String,
        /// Its title.
        pub title: String,
        /// What there is to see.
        pub caption: String,
        /// The picture, for a page: SVG made by this program, with every text in it escaped.
        pub svg: String,
        /// The name of its file beside a Markdown document.
        pub file: String,
    }
}

view! {
    /// What a site reaches.
    pub struct ReachRow {
        /// The site.
        pub site: String,
        /// The network.
        pub network: String,
        /// How it stands before.
        pub before: String,
        /// How it stands after.
        pub after: String,
        /// Whether it is reached after.
        pub works: bool,
        /// Whether the runbook is there to make it so: it proves that the network is advertised.
        pub wanted: bool,
    }
}

view! {
    /// How long it takes.
    pub struct Timing {
        /// Azure's share at the usual speed of each step, without people.
        pub usual: String,
        /// The same where each step takes as long as one in ten does.
        pub slow: String,
        /// How many gates and manual steps are on the way.
        pub people: usize,
        /// The steps that decide it, in order.
        pub path: Vec<StepLink>,
        /// What a drill of this runbook took, people included, and in which world.
        pub drilled: Option<String>,
        /// Where the usual durations are from.
        pub source: String,
    }
}

view! {
    /// A step, to refer to.
    pub struct StepLink {
        /// Its number.
        pub number: String,
        /// Its name.
        pub name: String,
        /// Its title.
        pub title: String,
        /// Where it is.
        pub anchor: String,
    }
}

view! {
    /// The time without a path.
    pub struct WindowView {
        /// Where it opens.
        pub opens: StepLink,
        /// Where it closes.
        pub closes: StepLink,
        /// How long it usually lasts.
        pub usual: String,
        /// How long it lasted in the drill.
        pub drilled: Option<String>,
    }
}
