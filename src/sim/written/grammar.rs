//! What may stand in a world file? One table: the reader, the schema and the messages use it.

use crate::runbook::grammar::{Choice, Field, Kind, may, must};

const NUMBER_MAX: u64 = u64::MAX;
const U32: Kind = Kind::Int(0, u32::MAX as u64);

const LATENCY: &[Field] = &[
    may("read", Kind::Duration, "Of reads and polls."),
    may("write", Kind::Duration, "Of writes."),
];

const GROUP: &[Field] = &[
    must("id", Kind::Text, "/subscriptions/{id}/resourceGroups/{name}."),
    must(
        "location",
        Kind::Region,
        "Its home: when that is down, nothing in the group can be written.",
    ),
];

const SITE: &[Field] = &[
    must("name", Kind::Text, "Its name in this world."),
    must("prefixes", Kind::List(&Kind::Cidr), "Its networks."),
];

const LINK: &[Field] = &[
    must("circuit", Kind::Id("Microsoft.Network/expressRouteCircuits"), "The circuit."),
    must("path", Kind::OneOf(&["primary", "secondary"]), "Which of its two paths."),
    may("sites", Kind::List(&Kind::Text), "The sites behind it; all when absent."),
    may("up", Kind::Bool, "Whether the session stands."),
    may("since", Kind::Time, "Since when it is up or down."),
    may("advertise", Kind::List(&Kind::Cidr), "What is advertised to Azure instead."),
    may(
        "as_path_prepend",
        Kind::Int(0, 255),
        "How many times more than once the number is in the path.",
    ),
    may("local_preference", U32, "How on-premises prefers what it hears here; the larger wins."),
];

const DEVICE: &[Field] = &[
    must("address", Kind::Ip, "Its public address, by which local network gateways name it."),
    may("sites", Kind::List(&Kind::Text), "The sites behind it; all when absent."),
    may("up", Kind::Bool, "Whether it answers."),
    may("local_preference", U32, "How on-premises prefers what lies behind it."),
];

const ONPREM: &[Field] = &[
    may(
        "asn",
        Kind::Int(1, u32::MAX as u64),
        "The customer's autonomous system; a peering's when absent.",
    ),
    may("sites", Kind::List(&Kind::Object(SITE)), "The places with networks."),
    may("links", Kind::List(&Kind::Object(LINK)), "The sessions with circuits, two for each."),
    may("devices", Kind::List(&Kind::Object(DEVICE)), "The VPN devices that tunnels end at."),
];

const OUTAGE: &[Field] = &[
    may(
        "writes",
        Kind::OneOf(&["fail_fast", "hang", "never_end", "fail_late"]),
        "What a region that is down does with writes.",
    ),
    may("reads", Kind::OneOf(&["answer", "refuse"]), "What it does with reads."),
];

const TARGET_OUT: &[Field] = &[
    must("from", Kind::Duration, "From when, from the day's beginning."),
    must("until", Kind::Duration, "Until when."),
];

const CHANGE: &[Field] = &[
    must("resource", Kind::Text, "The resource; `*` stands for any text."),
    must("set", Kind::Json, "What is merged into its body (RFC 7396): null removes."),
];

const EVENT: &[Field] = &[
    must("after", Kind::Duration, "When, from the world's beginning."),
    may("up", Kind::List(&Kind::Region), "Regions that come back."),
    may("down", Kind::List(&Kind::Region), "Regions that go down."),
    may("withdraw", Kind::List(&Kind::Cidr), "Prefixes that no site has any more."),
    may("cut", Kind::List(&Kind::Text), "Circuits whose sessions are cut, both; `*` for any text."),
    may("mend", Kind::List(&Kind::Text), "Circuits whose sessions come back."),
    may("devices_down", Kind::List(&Kind::Ip), "VPN devices that stop answering."),
    may("devices_up", Kind::List(&Kind::Ip), "VPN devices that answer again."),
    may("change", Kind::List(&Kind::Object(CHANGE)), "Resources that somebody elsewhere changes."),
    may("remove", Kind::List(&Kind::Text), "Resources that somebody elsewhere removes."),
];

const GRANT: &[Field] = &[
    must("scope", Kind::Text, "A subscription or a resource group."),
    must("actions", Kind::List(&Kind::Text), "What is allowed; `*` stands for any text."),
    may("not_actions", Kind::List(&Kind::Text), "What is taken out again."),
];

const TENANTS: &[Field] = &[
    may("home", Kind::Text, "The tenant of tokens that say none, and of subscriptions not named."),
    may("subscriptions", Kind::ByText(&Kind::Text), "The tenants of subscriptions."),
];

const LOCK: &[Field] = &[
    must("name", Kind::Text, "Its name."),
    must("scope", Kind::Text, "A subscription, a resource group or a resource."),
    must("level", Kind::OneOf(&["CanNotDelete", "ReadOnly"]), "What it forbids."),
];

const DENIAL: &[Field] = &[
    must("name", Kind::Text, "Its name."),
    must("scope", Kind::Text, "A subscription, a resource group or a resource."),
    must("actions", Kind::List(&Kind::Text), "What is denied; `*` stands for any text."),
    may("not_actions", Kind::List(&Kind::Text), "What is taken out again."),
    may("excluded", Kind::List(&Kind::Text), "The principals that it leaves out; we are none."),
    may("here_only", Kind::Bool, "Whether it holds at its scope alone, and not in it."),
];

const POLICY: &[Field] = &[
    must("name", Kind::Text, "The assignment's name."),
    may("scope", Kind::Text, "A subscription or a resource group; everything when absent."),
    may(
        "types",
        Kind::List(&Kind::Text),
        "The types that it is about; all when absent, and of tags all that have some.",
    ),
    may("require_tags", Kind::List(&Kind::Text), "What is without one of these tags is denied."),
    may("locations", Kind::List(&Kind::Region), "What is elsewhere is denied."),
    may(
        "modify",
        Kind::List(&Kind::Object(POLICY_OPERATION)),
        "What is changed in what is written (effect modify); nothing is denied then.",
    ),
    may(
        "append",
        Kind::List(&Kind::Object(POLICY_ADDITION)),
        "What is added to what is written (effect append); where that says another value, it is denied.",
    ),
];

const POLICY_FIELD: &str = "`tags.NAME`, `location`, or an alias such as \
                            Microsoft.Network/virtualNetworks/virtualNetworkPeerings/allowForwardedTraffic.";

const POLICY_OPERATION: &[Field] = &[
    must("operation", Kind::OneOf(&["addOrReplace", "add", "remove"]), "What becomes of it."),
    must("field", Kind::Text, POLICY_FIELD),
    may("value", Kind::Json, "Its value."),
];

const POLICY_ADDITION: &[Field] =
    &[must("field", Kind::Text, POLICY_FIELD), must("value", Kind::Json, "Its value.")];

const APPLIANCE: &[Field] = &[
    must("vnet", Kind::Id("Microsoft.Network/virtualNetworks"), "The network that it stands in."),
    must("address", Kind::Ip, "Its address there."),
];

const TEST: &[Field] = &[
    must("id", Kind::Text, "Its name."),
    must("location", Kind::Text, "The peering location whose links are dropped."),
    must(
        "status",
        Kind::OneOf(&["Starting", "Running", "StartFailed", "Stopping", "Completed", "StopFailed"]),
        "How far it is.",
    ),
    must("began", Kind::Time, "When it was asked for."),
    may("ended", Kind::Time, "When it was over."),
    may("successful", Kind::Bool, "What the person who stopped it said."),
    may("details", Kind::List(&Kind::Json), "The connections that this person looked at."),
];

const fn alone(word: &'static str, doc: &'static str) -> Choice {
    Choice { word, alone: true, fields: &[], doc }
}

const fn with(word: &'static str, fields: &'static [Field], doc: &'static str) -> Choice {
    Choice { word, alone: false, fields, doc }
}

/// What a fault may do.
const EFFECTS: &[Choice] = &[
    with(
        "throttle",
        &[may("after", Kind::Duration, "What `Retry-After` says.")],
        "429, with `Retry-After` or without.",
    ),
    alone("conflict", "409 AnotherOperationInProgress, without `Retry-After`."),
    with(
        "refuse",
        &[
            must("status", Kind::Int(400, 599), "The status."),
            must("code", Kind::Text, "The code."),
        ],
        "A refusal.",
    ),
    alone("html", "503 with a page of HTML."),
    alone("lose_request", "It is lost on its way: no effect, no answer."),
    alone("lose_answer", "Its answer is lost: the effect stays."),
    alone("unreachable", "No connection: it never leaves."),
    with(
        "fail",
        &[must("code", Kind::Text, "The code.")],
        "The operation is accepted and fails with this code.",
    ),
    with(
        "slow",
        &[must("factor", U32, "How many times as long it takes.")],
        "The operation takes so many times as long.",
    ),
    alone("stuck", "The operation is accepted and never ends."),
    alone("forget", "The operation's URL is not found; the work goes on."),
    with(
        "linger",
        &[must("for", Kind::Duration, "For how long after the end.")],
        "The operation says that it has ended while writes still meet a conflict.",
    ),
    alone("absent", "404, of a resource that was just made."),
    alone("silent", "The connection looks well and carries nothing."),
    alone("unconnected", "The connection never connects."),
    alone("untold", "The connection carries, and its status stays Unknown."),
];

const FAULT_KEYS: &[Field] = &[
    may("method", Kind::Text, "GET, PUT, DELETE, POST, or POLL for polls; any when absent."),
    must("resource", Kind::Text, "Which requests it meets, by id; `*` stands for any text."),
    may("skip", U32, "How many go well before it strikes."),
    may("times", U32, "How often it strikes."),
    may("from", Kind::Duration, "Not before, from the world's beginning."),
    may("until", Kind::Duration, "Not after."),
    may("percent", Kind::Int(0, 255), "How likely it strikes what it meets."),
    must("effect", Kind::Choice(EFFECTS), "What happens."),
    may("met", Kind::Int(0, NUMBER_MAX), "How many it has met by chance so far."),
];

/// A fault.
pub(super) const FAULT: Kind = Kind::Object(FAULT_KEYS);

const RESOURCES: Kind = Kind::List(&Kind::Resource);

/// The keys of a world.
pub(super) const WORLD: &[Field] = &[
    must("world", Kind::Text, "Its name."),
    may("description", Kind::Prose, "What it shows, for people."),
    may("seed", Kind::Int(0, NUMBER_MAX), "Decides every draw of chance."),
    may("now", Kind::Time, "When a drill begins."),
    may("latency", Kind::Object(LATENCY), "How long answers take."),
    may("resource_groups", Kind::List(&Kind::Object(GROUP)), "The groups and their home regions."),
    must("resources", RESOURCES, "What is there, as Azure's GET shows it."),
    may("onprem", Kind::Object(ONPREM), "The customer's side."),
    may("regions_down", Kind::List(&Kind::Region), "Regions that are down."),
    may("outage", Kind::Object(OUTAGE), "How Azure behaves in a region that is down."),
    may("events", Kind::List(&Kind::Object(EVENT)), "What happens by itself."),
    may(
        "overlap",
        Kind::OneOf(&["refuse", "accept"]),
        "What becomes of a connection whose networks overlap others on the circuit.",
    ),
    may("rights", Kind::List(&Kind::Object(GRANT)), "What we may do; everything when absent."),
    may("unregistered", Kind::List(&Kind::Text), "Where Microsoft.Network is not registered."),
    may(
        "disabled",
        Kind::List(&Kind::Text),
        "Subscriptions that are disabled: they take no writes.",
    ),
    may("tenants", Kind::Object(TENANTS), "Which tenants the subscriptions are of."),
    may("locks", Kind::List(&Kind::Object(LOCK)), "Management locks."),
    may("deny_assignments", Kind::List(&Kind::Object(DENIAL)), "Deny assignments."),
    may(
        "policies",
        Kind::List(&Kind::Object(POLICY)),
        "Policies that deny, or change what is written.",
    ),
    may(
        "quotas",
        Kind::ByText(&Kind::Int(0, NUMBER_MAX)),
        "How many there may be in each region, by Azure's name of the usage.",
    ),
    may("stopped_appliances", Kind::List(&Kind::Object(APPLIANCE)), "Appliances that are not up."),
    may("faults", Kind::List(&FAULT), "What goes wrong with requests and operations."),
    may(
        "site_tests",
        Kind::ById(&Kind::List(&Kind::Object(TEST))),
        "Site failover tests, by gateway.",
    ),
    may("extends", Kind::Text, "Another world, beside this file, that this one changes."),
    may("without", Kind::List(&Kind::Text), "Resources of that world that are not in this one."),
];

/// The keys of a bad day.
pub(super) const BAD_DAY: &[Field] = &[
    must("name", Kind::Text, "Its name."),
    must("title", Kind::Text, "What it is, in a line."),
    must("what", Kind::Prose, "What it means for who meets it."),
    may("faults", Kind::List(&FAULT), "Faults of requests and operations."),
    may("events", Kind::List(&Kind::Object(EVENT)), "What happens by itself."),
    may("outage", Kind::Object(OUTAGE), "How regions that are down behave on that day."),
    may(
        "target_out",
        Kind::Object(TARGET_OUT),
        "When the target is out: every region in which the runbook makes something, but the one that it leaves.",
    ),
];

/// What a file of bad days is.
pub(super) const BAD_DAYS: Kind = Kind::List(&Kind::Object(BAD_DAY));
