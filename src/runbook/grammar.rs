//! What may stand where? The language as one table: the reader, the schema and the messages use it.

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A text.
    Text,
    /// Prose for people, Markdown.
    Prose,
    /// A whole number within bounds.
    Int(u64, u64),
    /// `true` or `false`.
    Bool,
    /// `90s`, `45m`, `1h30m`.
    Duration,
    /// An address prefix.
    Cidr,
    /// An address prefix, or a service tag of Azure's.
    Destination,
    /// An address.
    Ip,
    /// An Azure region.
    Region,
    /// A resource id of a type; any type when empty.
    Id(&'static str),
    /// A resource id of a type, or a name of one beside something else the step names.
    IdOrName(&'static str),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A reference to a secret parameter.
    Secret,
    /// Where a secret is read, or a reference to a secret parameter.
    SecretFrom,
    /// A condition.
    Condition,
    /// A list.
    List(&'static Self),
    /// One, or a list.
    OneOrMany(&'static Self),
    /// A mapping with these keys.
    Object(&'static [Field]),
    /// A mapping from names to values.
    Names(&'static Self),
    /// Tags: a mapping from names of people's own to texts.
    Tags,
    /// A step, whose `with` depends on its `action`.
    Step,
    /// Anything: a parameter's value, which its type decides.
    Any,
    /// A point in time, as RFC 3339.
    Time,
    /// A mapping from texts of any kind to values.
    ByText(&'static Self),
    /// A mapping from resource ids to values.
    ById(&'static Self),
    /// A word, or a mapping from one word to what it takes.
    Choice(&'static [Choice]),
    /// A resource as Azure shows it.
    Resource,
    /// Anything that JSON can say.
    Json,
}

/// A word of a [`Kind::Choice`].
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// The word.
    pub word: &'static str,
    /// Whether it stands alone, as a text; else as the key of a mapping with these keys.
    pub alone: bool,
    /// The keys of what it takes.
    pub fields: &'static [Field],
    /// What it is for, as a sentence.
    pub doc: &'static str,
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// What it is for, as a sentence.
    pub doc: &'static str,
}

/// A key that must be there.
#[must_use]
pub const fn must(key: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { key, kind, required: true, doc }
}

/// A key that may be left out.
#[must_use]
pub const fn may(key: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { key, kind, required: false, doc }
}

/// What a step's failure may mean.
pub const ON_FAILURE: &[&str] = &["stop", "continue", "ask", "undo"];

/// How a step may be taken back.
pub const UNDO: &[&str] = &["remove", "keep", "pivot"];

/// The sides of a failover.
pub const SIDES: &[&str] = &["source", "target"];

/// The types of parameters.
pub const PARAM_TYPES: &[&str] = &[
    "string",
    "int",
    "bool",
    "region",
    "resource_id",
    "cidr",
    "ip",
    "duration",
    "list",
    "object",
    "secret",
];

/// The keys of a retry policy.
pub const RETRY: &[Field] = &[
    may("attempts", Kind::Int(1, 100), "Attempts in all, the first included."),
    may("delay", Kind::Duration, "The wait before the second; doubles from there."),
    may("delay_max", Kind::Duration, "The longest wait of our own making."),
];

/// The keys of a step.
pub const STEP: &[Field] = &[
    may("title", Kind::Text, "What it does, as a line."),
    may("needs", Kind::OneOrMany(&Kind::Text), "The steps that must have ended well before it."),
    may("action", Kind::Text, "What it asks of the world."),
    may("use", Kind::Text, "A runbook whose steps stand here, instead of an action; its path."),
    may("with", Kind::Any, "What the action takes, or the parameters of the used runbook."),
    may(
        "each",
        Kind::Any,
        "A list to repeat the step over; `each.key` and `each.value` are its turn.",
    ),
    may("when", Kind::Condition, "Done only when this holds; skipped otherwise."),
    may("ensure", Kind::OneOrMany(&Kind::Condition), "Must hold of its outputs afterwards."),
    may("timeout", Kind::Duration, "The longest it may take."),
    may("retry", Kind::Object(RETRY), "When to make another attempt."),
    may("on_failure", Kind::OneOf(ON_FAILURE), "What its failure means for the run."),
    may(
        "undo",
        Kind::OneOf(UNDO),
        "Whether it can be taken back; `pivot` is the point of no return.",
    ),
    may("side", Kind::OneOf(SIDES), "Which side of the failover it acts on."),
    may(
        "owes",
        Kind::Prose,
        "What is owed when it ends without its goal and the run goes on; outlives the run.",
    ),
    may("why", Kind::Prose, "Why this step."),
    may("by_hand", Kind::Prose, "How to do it without this tool."),
    may("looks_good", Kind::Prose, "What good looks like."),
    may("call", Kind::Prose, "Who to call when it does not."),
];

/// The keys of a parameter.
pub const PARAM: &[Field] = &[
    must("type", Kind::OneOf(PARAM_TYPES), "Its type."),
    may("description", Kind::Prose, "What it is for."),
    may("default", Kind::Any, "Its value when nothing else gives one."),
    may("of", Kind::Text, "The resource type of a resource_id; the element type of a list."),
    may(
        "fields",
        Kind::Names(&Kind::OneOf(PARAM_TYPES)),
        "The fields of an object and their types.",
    ),
    may("one_of", Kind::List(&Kind::Any), "The values it may have."),
    may("min", Kind::Int(0, u64::MAX), "The smallest number, or the fewest elements."),
    may("max", Kind::Int(0, u64::MAX), "The largest number, or the most elements."),
    may("within", Kind::Cidr, "The prefix that it must lie in."),
    may("from", Kind::Text, "Where a secret is read: env:NAME or file:PATH."),
];

const PEOPLE: &[Field] = &[
    may("approve_after", Kind::Duration, "They approve each gate after this, in virtual time."),
    may("decline_after", Kind::Duration, "They decline each gate after this."),
    may("absent", Kind::Bool, "They do not come."),
    may(
        "choices",
        Kind::Names(&Kind::Text),
        "What they choose at a decision, by its step; its first option when nothing is said.",
    ),
];

const ROLE: &[Field] = &[
    may("description", Kind::Prose, "What the role is for."),
    may(
        "people",
        Kind::OneOrMany(&Kind::Text),
        "Who has it, by their accounts; by the names they give with --by where names are trusted.",
    ),
    may("contact", Kind::Text, "How to reach them."),
];

/// The keys of a profile.
pub const PROFILE: &[Field] = &[
    may("description", Kind::Prose, "When it is used."),
    may("params", Kind::Names(&Kind::Any), "Values of parameters."),
    may("world", Kind::Text, "The world that it is drilled in, beside the runbook."),
    may("after", Kind::Text, "A runbook, beside this one, whose drill's end is where this begins."),
    may("returns", Kind::OneOrMany(&Kind::Region), "Regions that are up again when it begins."),
    may(
        "tenants",
        Kind::Tags,
        "The tenant of each subscription, where they are not all of one: its id or domain.",
    ),
    may("people", Kind::Object(PEOPLE), "What answers the gates of a drill."),
    may("deadline", Kind::Duration, "How long a run may take."),
];

const GIVEN: &[Field] = &[
    must("name", Kind::Text, "Its name."),
    may("value", Kind::Text, "Its value; no secret."),
    may("secret", Kind::Secret, "A secret parameter instead; read when it is needed, never kept."),
];

pub(super) const ENV: Field = may(
    "env",
    Kind::List(&Kind::Object(GIVEN)),
    "Its whole environment but for PATH; a name alone takes the value that backroad's own process has.",
);

/// The keys of a vantage.
const VANTAGE: &[Field] = &[
    may("description", Kind::Prose, "Where it is."),
    must(
        "argv",
        Kind::List(&Kind::Text),
        "A command that only reads: it gets the question as a line of JSON, asks it there, and writes the \
         answer as JSON: `ssh HOST backroad probe`.",
    ),
    ENV,
];

/// What a receiver may be told of.
pub const MESSAGE_KINDS: &[&str] = &[
    "started",
    "gate_asked",
    "gate_expiring",
    "gate_expired",
    "gate_answered",
    "step_failed",
    "step_mended",
    "objective",
    "in_doubt",
    "paused",
    "undoing",
    "taken_over",
    "ended",
    "owed",
    "readiness",
];

const WEBHOOK: &[Field] = &[
    may("url", Kind::Text, "Where it is: https, or http on this host; no secret."),
    may("secret_url", Kind::SecretFrom, "Where it is, when the URL itself is a secret."),
    may("key", Kind::SecretFrom, "What each message is signed with: HMAC-SHA256."),
];

const CHAT: &[Field] =
    &[must("url", Kind::SecretFrom, "Its URL, which is a secret: whoever has it can post there.")];

/// How the line to a relay may be kept from being read.
const MAIL_TLS: &[&str] = &["none", "starttls", "tls"];

const MAIL: &[Field] = &[
    must(
        "relay",
        Kind::Text,
        "The relay: HOST, or HOST:PORT; the port is 25 when absent, 587 with `starttls`, 465 with `tls`.",
    ),
    must("from", Kind::Text, "From whom."),
    must("to", Kind::OneOrMany(&Kind::Text), "To whom."),
    may(
        "tls",
        Kind::OneOf(MAIL_TLS),
        "How the line is kept from being read: `starttls` asks for TLS and sends nothing without it, `tls` begins with \
         it; `none` when absent, for a relay nearby.",
    ),
    may("user", Kind::Text, "By which name it logs in; takes a `password` and TLS."),
    may("password", Kind::SecretFrom, "The password of that name."),
];

const EXEC: &[Field] = &[
    must("argv", Kind::List(&Kind::Text), "The program and its arguments; no shell reads them."),
    may(
        "env",
        Kind::OneOrMany(&Kind::Text),
        "The variables of backroad's own process that it is given, beside PATH.",
    ),
];

/// The keys of a receiver; it has one of the ways.
pub const RECEIVER: &[Field] = &[
    may("description", Kind::Prose, "Who reads there."),
    may(
        "webhook",
        Kind::Object(WEBHOOK),
        "It is told by JSON over HTTP, signed where there is a key.",
    ),
    may("teams", Kind::Object(CHAT), "It is a workflow of Microsoft Teams, and gets a card."),
    may("slack", Kind::Object(CHAT), "It is an incoming webhook of Slack's, and gets blocks."),
    may("mail", Kind::Object(MAIL), "It is told by mail, over a relay."),
    may(
        "exec",
        Kind::Object(EXEC),
        "It is a program of this host, which reads the message's JSON.",
    ),
    may(
        "on",
        Kind::OneOrMany(&Kind::OneOf(MESSAGE_KINDS)),
        "What it is told; everything when absent.",
    ),
    may("time_limit", Kind::Duration, "How long it has for each message; 10s when absent."),
];

/// The keys of the settings file.
pub const SETTINGS: &[Field] = &[
    may(
        "notify",
        Kind::Names(&Kind::Object(RECEIVER)),
        "Who is told what of every run here, by name.",
    ),
    may("page", Kind::Text, "The address of a run's page; `{run}` stands for its id."),
];

/// The keys of a runbook.
pub const RUNBOOK: &[Field] = &[
    must("runbook", Kind::Text, "Its name."),
    must("title", Kind::Text, "What it does, as a line."),
    may(
        "owner",
        Kind::Object(&[
            must("team", Kind::Text, "Who answers for it."),
            may("contact", Kind::Text, "How to reach them."),
        ]),
        "Who answers for it.",
    ),
    may(
        "objective",
        Kind::Object(&[may("rto", Kind::Duration, "The longest acceptable recovery.")]),
        "What a recovery is measured against.",
    ),
    may("description", Kind::Prose, "When to use it and what it does."),
    may("not_when", Kind::Prose, "When not to use it."),
    may("roles", Kind::Names(&Kind::Object(ROLE)), "Who may answer which gates."),
    may(
        "people",
        Kind::Object(&[may(
            "trust_names",
            Kind::Bool,
            "Whether the names given with --by count, in place of accounts; false when absent.",
        )]),
        "How the people who answer gates are counted.",
    ),
    may("vantages", Kind::Names(&Kind::Object(VANTAGE)), "Places that probes look from."),
    may("notify", Kind::Names(&Kind::Object(RECEIVER)), "Who is told what of its runs, by name."),
    may("page", Kind::Text, "The address of a run's page; `{run}` stands for its id."),
    may(
        "drill_every",
        Kind::Duration,
        "How often it is to be drilled; `ready` says when a drill is due.",
    ),
    may("source_region", Kind::Region, "The region that is left, which may be down."),
    may("failback", Kind::Text, "The runbook that leads back, beside this one."),
    may("tags", Kind::Tags, "Tags of everything that the runbook makes; a step's own come first."),
    may("params", Kind::Names(&Kind::Object(PARAM)), "Its parameters."),
    may("profiles", Kind::Names(&Kind::Object(PROFILE)), "Sets of values: drill, live."),
    may(
        "defaults",
        Kind::Object(&[
            may("timeout", Kind::Duration, "The longest a step may take."),
            may("retry", Kind::Object(RETRY), "When to make another attempt."),
            may("on_failure", Kind::OneOf(ON_FAILURE), "What a failure means for the run."),
        ]),
        "What steps have that say nothing else.",
    ),
    may("deadline", Kind::Duration, "How long a run may take before nothing new starts."),
    must("steps", Kind::Names(&Kind::Step), "Its steps, by name."),
];

/// A field of a table.
#[must_use]
pub fn field(fields: &'static [Field], key: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.key == key)
}
