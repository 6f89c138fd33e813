//! Can this fault ever strike? One that cannot is a mistake of its author, and is refused with the reason:
//! a drill with it would prove something that it never tried.

use std::collections::BTreeSet;

use super::fault::{Fault, FaultEffect};
use crate::arm::CircuitPath;
use crate::model::ResourceId;

/// What a fault's method may be; `POLL` is a poll of an operation.
const METHODS: [&str; 7] = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "POST", "POLL"];

/// Words of paths that are no names: of subscriptions, types and verbs.
const WORDS: [&str; 48] = [
    "subscriptions",
    "resourcegroups",
    "providers",
    "resources",
    "locations",
    "operations",
    "operationresults",
    "microsoft.network",
    "microsoft.recoveryservices",
    "microsoft.authorization",
    "microsoft.resources",
    "permissions",
    "locks",
    "policyassignments",
    "policydefinitions",
    "virtualnetworks",
    "subnets",
    "virtualnetworkpeerings",
    "virtualnetworkgateways",
    "connections",
    "sharedkey",
    "publicipaddresses",
    "routetables",
    "routes",
    "networksecuritygroups",
    "securityrules",
    "localnetworkgateways",
    "expressroutecircuits",
    "authorizations",
    "peerings",
    "stats",
    "arptables",
    "routetablessummary",
    "getlearnedroutes",
    "getadvertisedroutes",
    "getbgppeerstatus",
    "reset",
    "resetconnection",
    "startsitefailovertest",
    "stopsitefailovertest",
    "expressrouteserviceproviders",
    "vaults",
    "replicationfabrics",
    "replicationprotectioncontainers",
    "replicationprotecteditems",
    "replicationrecoveryplans",
    "replicationjobs",
    "replicationpolicies",
];

/// POSTs that only read: nothing is made, changed or held by them.
const READING: [&str; 6] = [
    "getlearnedroutes",
    "getadvertisedroutes",
    "getbgppeerstatus",
    "arptables",
    "routetables",
    "routetablessummary",
];

/// Types to which nothing is posted.
const WITHOUT_POSTS: [&str; 9] = [
    "virtualnetworks",
    "localnetworkgateways",
    "subnets",
    "virtualnetworkpeerings",
    "publicipaddresses",
    "routes",
    "networksecuritygroups",
    "securityrules",
    "authorizations",
];

impl Fault {
    /// Whether it can strike anything at all.
    ///
    /// # Errors
    /// It cannot, and why, as the end of a sentence about it.
    pub fn check(&self) -> Result<(), String> {
        self.check_method()?;
        self.check_counts()?;
        self.check_pattern()?;
        self.check_effect()
    }

    /// Everything that keeps it from ever striking in a world with these subscriptions: the key that is
    /// wrong, and why.
    pub(super) fn mistakes(&self, subscriptions: &BTreeSet<String>) -> Vec<(&'static str, String)> {
        let pattern = self.check_pattern().and_then(|()| self.check_subscription(subscriptions));
        let counts = match (self.times, self.percent) {
            (0, _) => "times",
            (_, Some(percent)) if !(1..=100).contains(&percent) => "percent",
            _ => "from",
        };
        // What an effect can do depends on the method; an unknown one is said once.
        let effect = self.check_method().map_or(Ok(()), |()| self.check_effect());
        let all = [
            ("method", self.check_method()),
            (counts, self.check_counts()),
            ("resource", pattern),
            ("effect", effect),
        ];
        all.into_iter().filter_map(|(key, checked)| Some((key, checked.err()?))).collect()
    }

    /// The same, in a world with these subscriptions; those of no world when there are none.
    ///
    /// # Errors
    /// It cannot strike there, and why.
    pub fn check_in(&self, subscriptions: &BTreeSet<String>) -> Result<(), String> {
        self.check()?;
        self.check_subscription(subscriptions)
    }

    fn check_subscription(&self, subscriptions: &BTreeSet<String>) -> Result<(), String> {
        let lower = self.resource.to_ascii_lowercase();
        let Some(rest) = lower.strip_prefix("/subscriptions/") else { return Ok(()) };
        let (id, whole) = match rest.find(['/', '*']) {
            Some(end) => (&rest[..end], rest[end..].starts_with('/')),
            None => (rest, true),
        };
        let fits = |own: &String| if whole { own == id } else { own.starts_with(id) };
        if subscriptions.is_empty() || id.is_empty() || subscriptions.iter().any(fits) {
            return Ok(());
        }
        let known: Vec<&str> = subscriptions.iter().map(String::as_str).collect();
        Err(format!("no subscription of this world is `{id}`: it has {}", known.join(", ")))
    }

    fn check_method(&self) -> Result<(), String> {
        let Some(method) = &self.method else { return Ok(()) };
        if METHODS.iter().any(|known| known.eq_ignore_ascii_case(method)) {
            return Ok(());
        }
        Err(format!("its method is `{method}`, and known are {}", METHODS.join(", ")))
    }

    fn check_counts(&self) -> Result<(), String> {
        if self.times == 0 {
            return Err("it strikes 0 times".to_owned());
        }
        match self.percent {
            Some(0) => return Err("it strikes 0 percent of what it meets".to_owned()),
            Some(percent) if percent > 100 => {
                return Err(format!("it strikes {percent} percent, and 100 are all"));
            }
            _ => {}
        }
        match (self.from, self.until) {
            (Some(from), Some(until)) if from > until => {
                Err("it begins (`from`) after it has ended (`until`)".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn check_pattern(&self) -> Result<(), String> {
        let pattern = self.resource.to_ascii_lowercase();
        let never = |why: &str| Err(format!("its resource `{}` {why}", self.resource));
        if pattern.is_empty() {
            return never("is empty: write `*` for everything");
        }
        if let Some(bad) = pattern.chars().find(|c| c.is_whitespace() || "?#\"'\\".contains(*c)) {
            return never(&format!("has `{bad}`, which no path has"));
        }
        if pattern.contains("//") {
            return never("has `//`, which no path has");
        }
        if pattern.ends_with('/') {
            return never("ends in `/`, and no path does: write `/*`");
        }
        let first = pattern.split('*').next().unwrap_or_default();
        let root = "/subscriptions/";
        if !(first.starts_with(root) || root.starts_with(first)) {
            return never(
                "matches no path: those begin with `/subscriptions/`; write `*` before it",
            );
        }
        if !pattern.contains('*') && ResourceId::parse(&pattern).is_err() && !is_of_group(&pattern)
        {
            return never("is no resource's id; `*` stands for any text");
        }
        for word in types_in(&pattern) {
            if !WORDS.contains(&word)
                && let Some(meant) = near(word)
            {
                return never(&format!(
                    "says `{word}`, which no path has: did you mean `{meant}`?"
                ));
            }
        }
        Ok(())
    }

    fn check_effect(&self) -> Result<(), String> {
        let pattern = self.resource.to_ascii_lowercase();
        let begins = |effect: &str| self.begins(effect);
        let connects = |effect: &str| self.connects(effect);
        match &self.effect {
            FaultEffect::Refuse { status, code } => {
                if !(400..=599).contains(status) {
                    return Err(format!(
                        "it refuses with status {status}, and refusals are 400 to 599"
                    ));
                }
                if code.trim().is_empty() {
                    return Err("it refuses without a code".to_owned());
                }
                Ok(())
            }
            FaultEffect::Fail { code } if code.trim().is_empty() => {
                Err("it fails without a code".to_owned())
            }
            FaultEffect::Fail { .. } => begins("fail"),
            FaultEffect::Slow { factor: 0 } => Err("it takes 0 times as long".to_owned()),
            FaultEffect::Slow { factor: 1 } => {
                Err("it takes 1 time as long, which changes nothing".to_owned())
            }
            FaultEffect::Slow { .. } => begins("slow"),
            FaultEffect::Stuck => begins("stuck"),
            FaultEffect::Forget => begins("forget"),
            FaultEffect::Linger { lasts } if lasts.is_zero() => {
                Err("it lingers for no time".to_owned())
            }
            FaultEffect::Linger { .. } => {
                begins("linger")?;
                let last = pattern.rsplit('/').next().unwrap_or_default();
                match READING.contains(&last) && self.upper_method() == "POST" {
                    true => Err(format!("`{last}` only reads, and holds nothing up afterwards")),
                    false => Ok(()),
                }
            }
            FaultEffect::Silent => connects("silent"),
            FaultEffect::Unconnected => connects("unconnected"),
            FaultEffect::Untold => connects("untold"),
            FaultEffect::Throttle { .. }
            | FaultEffect::Conflict
            | FaultEffect::Html
            | FaultEffect::LoseRequest
            | FaultEffect::LoseAnswer
            | FaultEffect::Unreachable
            | FaultEffect::Absent => Ok(()),
        }
    }

    /// It strikes requests of these methods only.
    fn only(&self, effect: &str, methods: &[&str]) -> Result<(), String> {
        let method = self.upper_method();
        if method.is_empty() || methods.contains(&method.as_str()) {
            return Ok(());
        }
        let methods = methods.join(", ");
        Err(format!("`{effect}` strikes operations, which {methods} begin, and it is of {method}"))
    }

    /// It strikes an operation, which some methods begin, and a POST to some types does not.
    fn begins(&self, effect: &str) -> Result<(), String> {
        self.only(effect, &["PUT", "PATCH", "DELETE", "POST"])?;
        let posted = |kind: &&'static str| {
            !WITHOUT_POSTS.contains(kind)
                && (*kind != "routetables" || self.may_be_path_of_circuit())
        };
        match self.kind().filter(|kind| self.upper_method() == "POST" && !posted(kind)) {
            Some(kind) => Err(format!("nothing is posted to {kind}")),
            None => Ok(()),
        }
    }

    /// Whether it may be about what a path of a circuit tells, and not about a route table alone: the two share a word.
    fn may_be_path_of_circuit(&self) -> bool {
        let pattern = self.resource.to_ascii_lowercase();
        let Some((_, rest)) = pattern.rsplit_once("routetables/") else { return true };
        let certain = rest.split(['*', '/']).next().unwrap_or_default();
        CircuitPath::NAMES.iter().any(|path| path.starts_with(certain))
    }

    /// It strikes connections.
    fn connects(&self, effect: &str) -> Result<(), String> {
        self.only(effect, &["PUT", "PATCH"])?;
        let around = [
            "connections",
            "expressrouteconnections",
            "microsoft.network",
            "providers",
            "resourcegroups",
            "subscriptions",
        ];
        match self.kind().filter(|kind| !around.contains(kind)) {
            Some(kind) => {
                Err(format!("`{effect}` is about connections, and its resource is of {kind}"))
            }
            None => Ok(()),
        }
    }

    fn upper_method(&self) -> String {
        self.method.as_deref().unwrap_or_default().to_ascii_uppercase()
    }

    /// The last type that the pattern of its resource names.
    fn kind(&self) -> Option<&'static str> {
        let pattern = self.resource.to_ascii_lowercase();
        let named = types_in(&pattern).into_iter().rfind(|word| WORDS.contains(word))?;
        WORDS.iter().find(|word| **word == named).copied()
    }
}

/// From so many times on a refusal is for good.
const FOR_GOOD: u32 = 1_000;

impl Fault {
    /// The rights that a fault takes away: one that refuses writes for good, as somebody would be refused
    /// who lacks the right. One that ends, or strikes a few times, is a right that is not obeyed yet.
    pub(super) fn takes_rights(&self) -> Vec<String> {
        let is_missing = matches!(&self.effect, FaultEffect::Refuse { status: 403, code }
            if code == "AuthorizationFailed");
        if !is_missing || self.until.is_some() || self.from.is_some() || self.times < FOR_GOOD {
            return Vec::new();
        }
        let pattern = self.resource.to_ascii_lowercase();
        let around = ["microsoft.network", "providers", "resourcegroups", "subscriptions"];
        let kind = types_in(&pattern).into_iter().rfind(|word| WORDS.contains(word));
        let kind = kind.filter(|kind| !around.contains(kind));
        let verbs = [("PUT", "write"), ("DELETE", "delete"), ("POST", "action")];
        let own = |method: &str| {
            self.method.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(method))
        };
        let verbs = verbs.into_iter().filter(|(method, _)| own(method));
        verbs
            .map(|(_, verb)| match kind {
                Some(kind) if verb != "action" => format!("*/{kind}/{verb}"),
                Some(kind) => format!("*/{kind}/*/{verb}"),
                None => format!("*/{verb}"),
            })
            .collect()
    }
}

/// Whether a path is of a subscription or a resource group, or of what is asked of those.
fn is_of_group(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    matches!(parts.as_slice(), ["subscriptions", _, ..])
        && parts.iter().all(|part| !part.is_empty())
}

/// The whole segments of a pattern that stand where types do: not behind a word whose name follows.
fn types_in(pattern: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let parts: Vec<&str> = pattern.split('*').collect();
    for (place, part) in parts.iter().enumerate() {
        let mut segments: Vec<&str> = part.split('/').collect();
        // What touches a star may go on there.
        if place > 0 {
            segments.remove(0);
        }
        if place + 1 < parts.len() {
            segments.pop();
        }
        let mut is_name = false;
        for segment in segments {
            if !is_name && !segment.is_empty() {
                all.push(segment);
            }
            // A type's word is followed by a name, but for these.
            let flat = segment.starts_with("microsoft.")
                || ["providers", "primary", "secondary"].contains(&segment);
            is_name = !is_name && WORDS.contains(&segment) && !flat;
        }
    }
    all
}

/// The word that was meant, where one is near enough to be a slip.
fn near(word: &str) -> Option<&'static str> {
    let close = |known: &&&str| {
        known.len() > 6 && word.len() > 4 && strsim::damerau_levenshtein(word, known) <= 2
    };
    WORDS.iter().find(close).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn fault(method: Option<&str>, resource: &str, effect: FaultEffect) -> Fault {
        Fault::new(method, resource, 1, effect)
    }

    #[test]
    fn a_fault_that_can_never_strike_is_refused_with_the_reason() {
        let slow = || FaultEffect::Slow { factor: 4 };
        let refuse = |status| FaultEffect::Refuse { status, code: "X".to_owned() };
        for (method, resource, effect, word) in [
            (Some("PSOT"), "*", slow(), "PSOT"),
            (Some("GET"), "*", slow(), "GET"),
            (Some("POLL"), "*", FaultEffect::Stuck, "POLL"),
            (Some("PUT"), "virtualNetworkGateways/*", slow(), "/subscriptions/"),
            (Some("PUT"), "*/virtualnetworkgateway/*", slow(), "virtualnetworkgateways"),
            (Some("PUT"), "*/conections/*", FaultEffect::Silent, "connections"),
            (Some("PUT"), "*/routetables/*", FaultEffect::Silent, "routetables"),
            (Some("POST"), "*/publicipaddresses/*", slow(), "publicipaddresses"),
            (Some("POST"), "*/virtualnetworks/*", FaultEffect::Stuck, "posted to virtualnetworks"),
            (Some("POST"), "*/routetables/rt-*", FaultEffect::Stuck, "posted to routetables"),
            (
                Some("POST"),
                "*/getlearnedroutes",
                FaultEffect::Linger { lasts: Duration::from_secs(9) },
                "reads",
            ),
            (Some("DELETE"), "*/connections/*", FaultEffect::Unconnected, "DELETE"),
            (None, "*/connections/", slow(), "ends in"),
            (None, "*/connections/a b", slow(), "no path has"),
            (None, "", slow(), "empty"),
            (None, "*", refuse(200), "200"),
            (None, "*", FaultEffect::Slow { factor: 1 }, "nothing"),
        ] {
            let why = fault(method, resource, effect).check().unwrap_err();
            assert!(why.contains(word), "{method:?} {resource}: {why}");
        }
        for path in ["*/routetables/*", "*/routetables/prim*", "*/peerings/*/routetables/secondary"]
        {
            assert_eq!(fault(Some("POST"), path, FaultEffect::Stuck).check(), Ok(()), "{path}");
        }
        let mut never = fault(None, "*", FaultEffect::Html);
        never.percent = Some(0);
        assert!(never.check().is_err());
        never.percent = None;
        never.times = 0;
        assert!(never.check().is_err());
    }

    #[test]
    fn a_fault_that_can_strike_is_taken() {
        let slow = || FaultEffect::Slow { factor: 40 };
        for (method, resource) in [
            (Some("POST"), "*"),
            (Some("post"), "*/getLearnedRoutes"),
            (Some("POST"), "*/virtualNetworkGateways/ergw-x"),
            (Some("POST"), "*/peerings/AzurePrivatePeering/routeTables/primary"),
            (None, "*er-hongkong*"),
            (None, "/subscriptions/22222222*"),
            (None, "*/my-own-name/*"),
            (Some("PUT"), "*/virtualNetworks/virtualnetworkgateway/*"),
            (Some("POST"), "*/replicationRecoveryPlans/*/unplannedFailover"),
        ] {
            assert_eq!(fault(method, resource, slow()).check(), Ok(()), "{method:?} {resource}");
        }
        for (method, resource) in [
            (None, "*"),
            (Some("PUT"), "*/con-hub-sea-singapore"),
            (Some("PUT"), "*/connections/*"),
            (Some("PUT"), "*/expressrouteconnections/*"),
        ] {
            assert_eq!(fault(method, resource, FaultEffect::Silent).check(), Ok(()), "{resource}");
        }
    }

    #[test]
    fn a_subscription_that_the_world_does_not_have_is_said() {
        let own = BTreeSet::from(["11111111-a".to_owned(), "22222222-b".to_owned()]);
        let of = |resource: &str| fault(None, resource, FaultEffect::Html).check_in(&own);
        assert_eq!(of("/subscriptions/2222*"), Ok(()));
        assert!(of("/subscriptions/3333*").unwrap_err().contains("22222222-b"));
    }
}
