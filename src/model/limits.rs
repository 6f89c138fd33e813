//! How much is too much? Every maximum in the program, each with its reason.

use std::time::Duration;

/// Bytes of one runbook. The largest hand-written runbooks of other tools are tens of kilobytes, and one of
/// as many steps as a plan may have, written out by a program, has some megabytes; a parser that is fed more
/// than this is under attack or given the wrong file.
pub const RUNBOOK_BYTES_MAX: usize = 8 << 20;

/// Bytes of one file that a person names: a world, a template, a kept plan. A captured estate of some
/// thousand resources has a few megabytes.
pub const FILE_BYTES_MAX: u64 = 16 << 20;

/// Bytes of one evidence file or exported journal: the events of the longest run, and its reports.
pub const EVIDENCE_BYTES_MAX: u64 = 1 << 30;

/// Depth of a world file: that of a body of Azure's that is kept, and of the lists that it stands in.
pub const WORLD_DEPTH_MAX: usize = 72;

/// Depth of nested YAML. The language needs seven levels; recursion must end well before the stack.
pub const YAML_DEPTH_MAX: usize = 32;

/// Nodes of one YAML document: a runbook of 20,000 steps has about 400,000.
pub const YAML_NODES_MAX: usize = 1_000_000;

/// Nodes of one world file: as many as fit into a file of that size, where each of them means something.
pub const WORLD_NODES_MAX: usize = 3_000_000;

/// Diagnostics kept for one file: a person reads the first few; the rest are counted.
pub const DIAGNOSTICS_MAX: usize = 200;

/// Steps of a plan after loops are unrolled: every spoke of the largest estates, a dozen steps each.
pub const STEPS_MAX: usize = 20_000;

/// Bytes of a step, parameter, profile or runbook name.
pub const NAME_BYTES_MAX: usize = 64;

/// Bytes of one `${…}` expression: an error message of a 400 KB expression made the CEL parser panic.
pub const EXPRESSION_BYTES_MAX: usize = 2_048;

/// Attempts at one step whatever its policy says; more would hide a broken estate behind patience.
pub const ATTEMPTS_MAX: u32 = 100;

/// Events of one run. A failover writes a few hundred; a journal of this size means a loop of ours.
pub const EVENTS_MAX: u64 = 200_000;

/// Effects performed at once. A failover is a few dozen resources wide, and Azure's write bucket
/// refills at ten a second (azure-facts 3.7).
pub const WORKERS_MAX: usize = 32;

/// Bytes of one answer that we read; Azure caps its own at 8 MB (azure-facts 3.8).
pub const BODY_BYTES_MAX: usize = 8 << 20;

/// The longest wait that Azure may ask for. Its own are minutes (docs: throttling ends within the hour); a
/// longer one is a mistake on the way, such as a point in time where seconds belong, and a failover that
/// waited for it would never end.
pub const ASKED_WAIT_MAX: Duration = Duration::from_secs(3_600);

/// Depth of a JSON body that is read. ARM's bodies have about ten levels; what is kept of one stands a few
/// levels deeper in an event, and a reader of JSON gives up at 128.
pub const BODY_DEPTH_MAX: usize = 64;

/// Values of a JSON body that is read, counted by its brackets, colons and commas. A page of Azure's has some
/// ten thousand; as many as fit into 8 MB would take a gigabyte of memory.
pub const BODY_VALUES_MAX: usize = 150_000;

/// Pages of one list. Azure puts hundreds of things on a page; more pages than this lead nowhere.
pub const PAGES_MAX: usize = 200;

/// Values of one list with all its pages, counted as those of a body.
pub const LIST_VALUES_MAX: usize = 1_200_000;

/// Bytes of one list with all its pages: the inventory of ten thousand resources has fifteen million.
pub const LIST_BYTES_MAX: usize = 48 << 20;

/// Bytes of an answer to a credential: a token has a few kilobytes, with every group of a person's.
pub const TOKEN_BYTES_MAX: usize = 256 << 10;

/// Values of an answer to a credential; Entra's have ten.
pub const TOKEN_VALUES_MAX: usize = 1_000;

/// How long a token lasts at most, whatever its issuer says: Azure's last a day.
pub const TOKEN_LIFE_MAX: Duration = Duration::from_secs(2 * 86_400);

/// How long one HTTP exchange may take. Azure answers within 60 s or its front end sends a 504
/// (azure-facts 3.8).
pub const CALL_TIMEOUT: Duration = Duration::from_secs(90);

/// How long after its intent a write may still be sent: a process that was stopped longer than this
/// must not send a stale call (docs/storage.md 6).
pub const INTENT_VALIDITY: Duration = Duration::from_secs(60);

/// An append that takes longer than this was an outage of the store: time in which nothing could be recorded is
/// given back to the steps at work. A disk that is slow and a store that is far take a part of a second.
pub const OUTAGE_AFTER: Duration = Duration::from_secs(30);

/// What a step has left at least when the store is back: the ladder of polls ends at 160 s, and the answer takes
/// some.
pub const LOOK_AFTER_OUTAGE: Duration = Duration::from_secs(180);

/// Shortest wait between polls, whatever `Retry-After` says.
pub const POLL_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// Longest wait between polls, whatever `Retry-After` says: the ladder of the wire ends at 160 s.
pub const POLL_INTERVAL_MAX: Duration = Duration::from_secs(600);

/// Wait between polls when Azure names none.
pub const POLL_INTERVAL_DEFAULT: Duration = Duration::from_secs(10);

/// How long the operation of a step whose time is up is still asked about. Azure gives its longest ones, of
/// gateways, up some hours after they began (azure-facts 3.4 and 4); one that goes on for longer than this
/// beyond the time that its step was given does not end by itself, and a person is asked.
pub const OPERATION_OVERDUE_AFTER: Duration = Duration::from_secs(4 * 3_600);

/// Shortest wait between polls of such an operation: nobody waits for its end to the second any more.
pub const OVERDUE_POLL_INTERVAL_MIN: Duration = Duration::from_secs(60);

/// Virtual time of one drill. The longest wait of a runbook that makes sense is one for people over some
/// weeks; a drill that is at work for longer than this goes in circles.
pub const DRILL_TIME_MAX: Duration = Duration::from_secs(100 * 86_400);

/// Turns of one drill: answers, timers and commands. A failover takes some hundred and a failback that
/// copies disks for days some thousand; every one is kept in the simulator's ledger, in memory.
pub const DRILL_TURNS_MAX: u64 = 50_000;

/// Turns of one drill for each of its steps, besides: one that is looked at, written, polled and confirmed
/// has about ten.
pub const DRILL_TURNS_OF_STEP_MAX: u64 = 50;

/// Commands waiting for a live run: people type slower than the driver turns.
pub const COMMANDS_WAITING_MAX: usize = 64;
