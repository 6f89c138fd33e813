//! How does a runbook, or the settings file, say who is told what? The keys of a receiver.

use super::grammar::{Field, Kind, may, must};

/// What a receiver may be told of.
pub const MESSAGE_KINDS: &[&str] = &[
    "started",
    "gate_asked",
    "step_failed",
    "objective",
    "in_doubt",
    "paused",
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

const MAIL: &[Field] = &[
    must("relay", Kind::Text, "The relay that takes it without a login: HOST, or HOST:PORT."),
    must("from", Kind::Text, "From whom."),
    must("to", Kind::OneOrMany(&Kind::Text), "To whom."),
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
    may("mail", Kind::Object(MAIL), "It is told by mail, over a relay nearby."),
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
