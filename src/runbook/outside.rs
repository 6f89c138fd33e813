//! What do probes, programs and calls take under `with`? The part of the table that is not Azure's.

use super::grammar::{ENV, Field, Kind, may, must};

const HEADERS: Field = may(
    "headers",
    Kind::List(&Kind::Object(&[
        must("name", Kind::Text, "The header's name."),
        may(
            "value",
            Kind::Text,
            "Its value; before a secret: what stands in front of it, `Bearer`.",
        ),
        may("secret", Kind::Secret, "A secret parameter; read when it is sent, never kept."),
    ])),
    "The headers.",
);

const ARGV: Field = must(
    "argv",
    Kind::List(&Kind::Text),
    "The program and its arguments, as they are: no shell reads them. The program by its whole path, or by a \
     name that is looked for on PATH.",
);

const FROM: Field =
    may("from", Kind::Text, "The vantage to look from, one of `vantages`; this host when absent.");

const TIME_LIMIT: Field =
    may("time_limit", Kind::Duration, "How long one answer may take; 10s when absent.");

const LIMIT: Field = may(
    "time_limit",
    Kind::Duration,
    "How long it may take, 60s when absent; then a program is ended with all that it started.",
);

const OUTPUTS: Field = may(
    "outputs",
    Kind::List(&Kind::Object(&[
        must("name", Kind::Text, "The output's name: `steps.STEP.NAME`."),
        must("type", Kind::OneOf(&["text", "number", "list"]), "Its type; a list is one of texts."),
        may(
            "pointer",
            Kind::Text,
            "Where it stands in the JSON answer: `/a/b`; `/NAME` when absent.",
        ),
    ])),
    "What is taken from its JSON answer: of a program what it writes to stdout. Where there is a check, from \
     the answer of that.",
);

const REPEATABLE: Field = may(
    "repeatable",
    Kind::Bool,
    "Whether doing it twice does no harm. When absent it does: it is done at most once, and a person is asked \
     where nobody knows whether it was.",
);

const DRILL: Field = may(
    "drill",
    Kind::Object(&[
        may(
            "answer",
            Kind::OneOf(&["good", "bad", "none"]),
            "How it goes in a drill: well when absent, badly, or nobody says.",
        ),
        may("takes", Kind::Duration, "How long it takes there."),
        may("outputs", Kind::Any, "What it puts out there, by name."),
    ]),
    "What stands in for it in a drill, which opens no connection and runs no program.",
);

pub(super) const TCP: &[Field] = &[
    must("host", Kind::Text, "A name or an address."),
    must("port", Kind::Int(1, 65_535), "The port."),
    may(
        "expect",
        Kind::OneOf(&["open", "closed"]),
        "Whether it takes connections; open when absent.",
    ),
    FROM,
    TIME_LIMIT,
    DRILL,
];

pub(super) const HTTP_PROBE: &[Field] = &[
    must("url", Kind::Text, "The URL; redirections are not followed."),
    may("method", Kind::OneOf(&["GET", "HEAD"]), "GET when absent."),
    may("status", Kind::OneOrMany(&Kind::Int(100, 599)), "The good statuses; 200 when absent."),
    may("contains", Kind::Text, "What the body must hold."),
    FROM,
    TIME_LIMIT,
    DRILL,
];

pub(super) const DNS: &[Field] = &[
    must("name", Kind::Text, "The name."),
    may("type", Kind::OneOf(&["A", "AAAA", "CNAME", "TXT"]), "The records; A when absent."),
    must("expect", Kind::List(&Kind::Text), "Exactly these records; an empty list: none."),
    may("server", Kind::Text, "The server that is asked, by its address, with or without a port."),
    FROM,
    TIME_LIMIT,
    DRILL,
];

pub(super) const COMMAND: &[Field] = &[
    ARGV,
    ENV,
    may("stdin", Kind::Text, "What it reads."),
    may("stdin_secret", Kind::Secret, "A secret parameter that it reads instead."),
    LIMIT,
    may(
        "reads",
        Kind::Bool,
        "Whether it only reads. Then it is a look: made in `plan` as well, and again until it ends with 0.",
    ),
    REPEATABLE,
    may(
        "check_argv",
        Kind::List(&Kind::Text),
        "A program that only reads and tells whether the effect is there: it ends with 0 if so, with 1 if not. \
         Run in `plan` as well.",
    ),
    may("undo_argv", Kind::List(&Kind::Text), "The program that takes it back."),
    OUTPUTS,
    DRILL,
];

const STATUS: Field = may(
    "status",
    Kind::OneOrMany(&Kind::Int(100, 599)),
    "The good statuses; 200 to 299 when absent.",
);

const WRITING: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

pub(super) const HTTP: &[Field] = &[
    must("url", Kind::Text, "The URL; redirections are not followed."),
    may("method", Kind::OneOf(WRITING), "POST when absent. GET and HEAD only read, and are looks."),
    HEADERS,
    may("body", Kind::Text, "What is sent; no secret."),
    STATUS,
    LIMIT,
    may(
        "idempotency_header",
        Kind::Text,
        "The header that carries the operation's key, such as Idempotency-Key: the service does no key twice, \
         so that it may be sent again.",
    ),
    REPEATABLE,
    may(
        "check",
        Kind::Object(&[
            must("url", Kind::Text, "The URL that is read with GET."),
            HEADERS,
            may(
                "status",
                Kind::OneOrMany(&Kind::Int(100, 599)),
                "The statuses that say yes; 200 to 299 when absent.",
            ),
        ]),
        "A request that only reads and tells whether the effect is there. Sent in `plan` as well.",
    ),
    may(
        "undo",
        Kind::Object(&[
            must("url", Kind::Text, "The URL."),
            may("method", Kind::OneOf(&["POST", "PUT", "PATCH", "DELETE"]), "DELETE when absent."),
            HEADERS,
            may("body", Kind::Text, "What is sent; no secret."),
            STATUS,
        ]),
        "The request that takes it back.",
    ),
    OUTPUTS,
    DRILL,
];

/// The actions beside Azure, with what each takes under `with`.
pub(super) const PROBES: [(&str, &str, &[Field]); 3] = [
    ("probe.tcp", "A TCP port takes connections, or takes none.", TCP),
    ("probe.http", "A web server answers as expected.", HTTP_PROBE),
    ("probe.dns", "A name stands for exactly these records.", DNS),
];
