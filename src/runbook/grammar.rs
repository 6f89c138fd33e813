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
    /// A step, whose `with` depends on its `action`.
    Step,
    /// Anything: a parameter's value, which its type decides.
    Any,
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

const fn must(key: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { key, kind, required: true, doc }
}

const fn may(key: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { key, kind, required: false, doc }
}

const AUTHORIZATIONS: &str = "Microsoft.Network/expressRouteCircuits/authorizations";
const CIRCUITS: &str = "Microsoft.Network/expressRouteCircuits";
const CONNECTIONS: &str = "Microsoft.Network/connections";
const GATEWAYS: &str = "Microsoft.Network/virtualNetworkGateways";
const PEERINGS: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";
const PUBLIC_IPS: &str = "Microsoft.Network/publicIPAddresses";
const ROUTE_TABLES: &str = "Microsoft.Network/routeTables";
const SUBNETS: &str = "Microsoft.Network/virtualNetworks/subnets";
const VNETS: &str = "Microsoft.Network/virtualNetworks";

/// The SKUs of ExpressRoute gateways.
pub const GATEWAY_SKUS: &[&str] = &[
    "ErGw1AZ",
    "ErGw2AZ",
    "ErGw3AZ",
    "ErGwScale",
    "HighPerformance",
    "Standard",
    "UltraPerformance",
];

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

const PREFIXES: Kind = Kind::OneOrMany(&Kind::Cidr);

const ROUTE: &[Field] = &[
    must("name", Kind::Text, "The route's name in the table."),
    must("prefix", Kind::Cidr, "The destination."),
    must("next_hop", Kind::Text, "An appliance's address, or vnet_local, internet, none."),
];

const GATE: &[Field] = &[
    must("question", Kind::Text, "What the person is asked."),
    may("expires_after", Kind::Duration, "How long the gate stays open; no limit when absent."),
    may("on_expiry", Kind::OneOf(&["decline", "approve"]), "What an unanswered gate counts as."),
    may("approvals", Kind::Int(1, 9), "How many different people must say yes; 1 when absent."),
    may("role", Kind::Text, "The role that may answer, one of `roles`; anybody when absent."),
    may("not_by_starter", Kind::Bool, "Whether whoever started the run may not answer."),
];

const OPTION: &[Field] = &[
    must("name", Kind::Text, "The option's name, for conditions: `steps.STEP.choice`."),
    must("text", Kind::Text, "What it means."),
];

const DECISION: &[Field] = &[
    must("question", Kind::Text, "What the person is asked."),
    must("options", Kind::List(&Kind::Object(OPTION)), "The ways to choose from."),
    may("otherwise", Kind::Text, "The option that counts when nobody answers in time."),
    may("expires_after", Kind::Duration, "How long the question stays open; no limit when absent."),
    may("role", Kind::Text, "The role that may answer, one of `roles`; anybody when absent."),
    may("not_by_starter", Kind::Bool, "Whether whoever started the run may not answer."),
];

const CONNECTION_REMOVE: &[Field] = &[
    must("id", Kind::Id(CONNECTIONS), "The connection."),
    may("gateway", Kind::Id(GATEWAYS), "Its gateway: no other step writes it meanwhile."),
    may("authorization", Kind::Id(AUTHORIZATIONS), "Whose key an undo connects it again with."),
    may("authorization_key", Kind::Secret, "A secret parameter with that key instead."),
];

/// The actions, with what each takes under `with`.
pub const ACTIONS: &[(&str, &str, &[Field])] = &[
    (
        "public_ip.ensure",
        "A static public IP address exists.",
        &[
            must("name", Kind::IdOrName(PUBLIC_IPS), "Its name, or its id."),
            may("vnet", Kind::Id(VNETS), "A virtual network whose resource group it shares."),
            must("location", Kind::Region, "Where it is."),
            may("zones", Kind::List(&Kind::Text), "Its availability zones."),
        ],
    ),
    (
        "subnet.ensure",
        "A subnet exists in a virtual network.",
        &[
            must("vnet", Kind::Id(VNETS), "The virtual network."),
            must("name", Kind::Text, "The subnet's name."),
            must("prefix", Kind::Cidr, "Its address prefix."),
        ],
    ),
    (
        "gateway.ensure",
        "An ExpressRoute gateway exists in a virtual network.",
        &[
            must("name", Kind::IdOrName(GATEWAYS), "Its name, or its id."),
            must("vnet", Kind::Id(VNETS), "The virtual network; its GatewaySubnet is used."),
            must("location", Kind::Region, "Where it is."),
            must("sku", Kind::OneOf(GATEWAY_SKUS), "Its SKU."),
            must("public_ip", Kind::IdOrName(PUBLIC_IPS), "Its public IP address, by name or id."),
        ],
    ),
    (
        "authorization.ensure",
        "A circuit has an authorization that another subscription may redeem.",
        &[
            must("circuit", Kind::Id(CIRCUITS), "The circuit."),
            must("name", Kind::Text, "The authorization's name."),
        ],
    ),
    (
        "connection.ensure",
        "A gateway is connected to a circuit.",
        &[
            must("name", Kind::IdOrName(CONNECTIONS), "Its name, or its id."),
            must("location", Kind::Region, "Where it is: the gateway's region."),
            must("gateway", Kind::Id(GATEWAYS), "The gateway."),
            must("circuit", Kind::Id(CIRCUITS), "The circuit."),
            may(
                "authorization",
                Kind::Id(AUTHORIZATIONS),
                "The authorization whose key is used, when the circuit is in another subscription.",
            ),
            may("authorization_key", Kind::Secret, "A secret parameter with the key instead."),
            may("routing_weight", Kind::Int(0, 32_000), "The larger wins; 0 when absent."),
        ],
    ),
    (
        "peering.ensure",
        "One side of a virtual network peering exists.",
        &[
            must("vnet", Kind::Id(VNETS), "The virtual network that the side belongs to."),
            must("name", Kind::Text, "The peering's name."),
            must("remote", Kind::Id(VNETS), "The other virtual network."),
            may("allow_access", Kind::Bool, "allowVirtualNetworkAccess; true when absent."),
            may("allow_forwarded_traffic", Kind::Bool, "allowForwardedTraffic."),
            may("allow_gateway_transit", Kind::Bool, "allowGatewayTransit: the hub's side."),
            may("use_remote_gateways", Kind::Bool, "useRemoteGateways: the spoke's side."),
        ],
    ),
    (
        "route_table.ensure",
        "A route table exists with exactly these routes.",
        &[
            must("name", Kind::IdOrName(ROUTE_TABLES), "Its name, or its id."),
            may("vnet", Kind::Id(VNETS), "A virtual network whose resource group it shares."),
            must("location", Kind::Region, "Where it is."),
            must("routes", Kind::List(&Kind::Object(ROUTE)), "Its routes."),
            may(
                "propagate_gateway_routes",
                Kind::Bool,
                "Whether learned routes reach its subnets.",
            ),
        ],
    ),
    (
        "route_table.associate",
        "A subnet uses a route table.",
        &[
            must("subnet", Kind::Id(SUBNETS), "The subnet."),
            must("route_table", Kind::Id(ROUTE_TABLES), "The route table."),
        ],
    ),
    (
        "route_table.dissociate",
        "A subnet does not use a route table any more.",
        &[
            must("subnet", Kind::Id(SUBNETS), "The subnet."),
            must("route_table", Kind::Id(ROUTE_TABLES), "The route table."),
        ],
    ),
    (
        "circuit.bandwidth",
        "A circuit has at least some bandwidth. Azure never lowers one: there is no undo.",
        &[
            must("circuit", Kind::Id(CIRCUITS), "The circuit."),
            must("mbps_min", Kind::Int(0, 100_000), "At least this many megabits per second."),
        ],
    ),
    ("connection.remove", "A connection is gone.", CONNECTION_REMOVE),
    (
        "peering.remove",
        "One side of a virtual network peering is gone.",
        &[must("id", Kind::Id(PEERINGS), "That side.")],
    ),
    (
        "gateway.remove",
        "A gateway is gone.",
        &[must("id", Kind::Id(GATEWAYS), "The gateway; nothing may be connected to it.")],
    ),
    (
        "public_ip.remove",
        "A public IP address is gone.",
        &[must("id", Kind::Id(PUBLIC_IPS), "The address; nothing may use it.")],
    ),
    (
        "subnet.remove",
        "A subnet is gone.",
        &[must("id", Kind::Id(SUBNETS), "The subnet; nothing may be in it.")],
    ),
    (
        "authorization.remove",
        "A circuit authorization is gone, and every connection that was made with it.",
        &[must("id", Kind::Id(AUTHORIZATIONS), "The authorization.")],
    ),
    (
        "route_table.remove",
        "A route table is gone.",
        &[must("id", Kind::Id(ROUTE_TABLES), "The table; no subnet may use it.")],
    ),
    (
        "verify.circuit",
        "A circuit is enabled, provisioned, and has an enabled private peering.",
        &[must("circuit", Kind::Id(CIRCUITS), "The circuit.")],
    ),
    (
        "verify.connection",
        "A connection is Succeeded and Connected.",
        &[must("connection", Kind::Id(CONNECTIONS), "The connection.")],
    ),
    (
        "verify.routes",
        "A gateway has learned prefixes over ExpressRoute.",
        &[
            must("gateway", Kind::Id(GATEWAYS), "The gateway."),
            must("expect", PREFIXES, "The prefixes."),
        ],
    ),
    (
        "verify.advertised",
        "A gateway advertises prefixes to each of its ExpressRoute peers.",
        &[
            must("gateway", Kind::Id(GATEWAYS), "The gateway."),
            must("expect", PREFIXES, "The prefixes."),
        ],
    ),
    (
        "verify.bgp",
        "A gateway's BGP peers are connected.",
        &[
            must("gateway", Kind::Id(GATEWAYS), "The gateway."),
            may("peers_min", Kind::Int(1, 64), "How many; a connection brings two."),
        ],
    ),
    (
        "verify.arp",
        "Both paths of a circuit see both edges in their ARP tables.",
        &[must("circuit", Kind::Id(CIRCUITS), "The circuit.")],
    ),
    (
        "verify.circuit_routes",
        "Both paths of a circuit carry prefixes, or carry them no longer.",
        &[
            must("circuit", Kind::Id(CIRCUITS), "The circuit."),
            may("expect", PREFIXES, "Prefixes that must be in both route tables."),
            may("absent", PREFIXES, "Prefixes that must be in neither."),
        ],
    ),
    (
        "verify.microsoft_peering",
        "A circuit's Microsoft peering is enabled and its public prefixes are advertised.",
        &[must("circuit", Kind::Id(CIRCUITS), "The circuit.")],
    ),
    (
        "verify.absent",
        "A resource does not exist any more.",
        &[must("resource", Kind::Id(""), "The resource.")],
    ),
    ("approval", "A person says whether the run goes on.", GATE),
    ("manual", "A person does something by hand and says that it is done.", GATE),
    ("decision", "A person chooses one of several ways.", DECISION),
    ("wait", "Time passes.", &[must("duration", Kind::Duration, "How much.")]),
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
    may("people", Kind::OneOrMany(&Kind::Text), "Who has it, by the names they sign with."),
    may("contact", Kind::Text, "How to reach them."),
];

/// The keys of a profile.
pub const PROFILE: &[Field] = &[
    may("description", Kind::Prose, "When it is used."),
    may("params", Kind::Names(&Kind::Any), "Values of parameters."),
    may("world", Kind::Text, "The world that it is drilled in, beside the runbook."),
    may("after", Kind::Text, "A runbook, beside this one, whose drill's end is where this begins."),
    may("returns", Kind::OneOrMany(&Kind::Region), "Regions that are up again when it begins."),
    may("people", Kind::Object(PEOPLE), "What answers the gates of a drill."),
    may("deadline", Kind::Duration, "How long a run may take."),
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
    may("source_region", Kind::Region, "The region that is left, which may be down."),
    may("failback", Kind::Text, "The runbook that leads back, beside this one."),
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

/// What an action takes.
#[must_use]
pub fn action(name: &str) -> Option<&'static [Field]> {
    ACTIONS.iter().find(|(action, _, _)| *action == name).map(|(_, _, fields)| *fields)
}

/// A field of a table.
#[must_use]
pub fn field(fields: &'static [Field], key: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.key == key)
}
