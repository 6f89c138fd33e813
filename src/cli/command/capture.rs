//! What does the estate look like? Read with reads only, and written down as a world to drill on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use crate::arm;
use crate::arm::kind;
use crate::azure::{ArmObserver, NoSecrets};
use crate::cli::args::Target;
use crate::cli::clock::RealClock;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};
use crate::cli::{azure, files};
use crate::engine::Clock;
use crate::model::{ResourceId, StepError, Timestamp};
use crate::preflight::{FactReader, Question};

/// What `capture` takes.
#[derive(Debug, Clone, Args)]
pub struct CaptureArgs {
    /// A subscription to read. May be repeated.
    #[arg(long, value_name = "ID", required = true)]
    pub subscription: Vec<String>,
    /// Only these resource groups. May be repeated.
    #[arg(long, value_name = "NAME")]
    pub resource_group: Vec<String>,
    /// Where Azure is.
    #[command(flatten)]
    pub target: Target,
    /// The world file to write; it must not be there yet.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub out: PathBuf,
}

/// The types that a world holds; their children stand in their bodies, but for those of a hub.
const KINDS: [&str; 11] = [
    kind::CIRCUITS,
    kind::NETWORKS,
    kind::GATEWAYS,
    kind::CONNECTIONS,
    kind::PUBLIC_ADDRESSES,
    kind::ROUTE_TABLES,
    kind::SECURITY_GROUPS,
    "Microsoft.Network/localNetworkGateways",
    "Microsoft.Network/virtualWans",
    HUBS,
    "Microsoft.Network/expressRouteGateways",
];

const HUBS: &str = "Microsoft.Network/virtualHubs";

/// What a hub has and does not show.
const OF_HUBS: [&str; 2] = ["hubRouteTables", "hubVirtualNetworkConnections"];

/// What has been read so far, and what could not be.
#[derive(Default)]
struct Captured {
    resources: Vec<Value>,
    groups: BTreeMap<String, Value>,
    locks: Vec<Value>,
    sites: Vec<Value>,
    links: Vec<Value>,
    asn: Option<u64>,
    unread: Vec<String>,
}

pub(super) async fn capture(context: &Context, args: &CaptureArgs) -> Result<Status, CliError> {
    if args.out.exists() {
        let what = format!("{} is there already.", args.out.display());
        return Err(CliError::usage(what).hint("Name another file, or move that one away."));
    }
    let url = azure::endpoint(&args.target)?;
    let factor = args.target.clock_factor.unwrap_or(std::num::NonZeroU32::MIN);
    let clock: Arc<dyn Clock> = Arc::new(RealClock::new(factor, None));
    let arm = azure::arm_with(Arc::new(NoSecrets), url, &args.target, Arc::clone(&clock))?;
    let observer = arm.observer();
    let mut captured = Captured::default();
    for subscription in &args.subscription {
        for kind in KINDS {
            captured.read_kind(&observer, subscription, kind, &args.resource_group).await;
        }
    }
    if captured.resources.is_empty() {
        let mut error = CliError::new(
            Status::OutOfReach,
            "There is nothing to write down: no network was read.",
        );
        for why in captured.unread.into_iter().take(5) {
            error = error.hint(why);
        }
        return Err(error);
    }
    captured.read_groups(&observer).await;
    captured.read_sites(&observer).await;
    let unread = captured.unread.clone();
    let count = captured.resources.len();
    let text = written(captured, clock.now())?;
    files::write_new(&args.out, text.as_bytes())?;
    context.ui.say(&format!("{count} resources are in {}.", args.out.display()));
    for why in &unread {
        context.ui.say(&format!("{} {why}", context.ui.err.warn("not read:")));
    }
    context
        .ui
        .say(&format!("  Drill on it: backroad drill RUNBOOK --world {}", args.out.display()));
    Ok(if unread.is_empty() { Status::Done } else { Status::EndedOtherwise })
}

impl Captured {
    async fn read_kind(
        &mut self,
        observer: &ArmObserver,
        subscription: &str,
        kind: &'static str,
        groups: &[String],
    ) {
        let question = Question::Inventory { subscription: subscription.to_owned(), kind };
        let list = match observer.ask(&question).await {
            Ok(list) => list.unwrap_or_default(),
            Err(error) => return self.unread(&format!("{kind} of {subscription}"), &error),
        };
        for item in list["value"].as_array().into_iter().flatten() {
            let Some(Ok(id)) = item["id"].as_str().map(ResourceId::parse) else { continue };
            let group = id.resource_group();
            if !groups.is_empty() && !groups.iter().any(|own| own.eq_ignore_ascii_case(group)) {
                continue;
            }
            match observer.sealed(&id).await {
                Ok(Some(body)) => self.resources.push(body),
                // It went while we were looking.
                Ok(None) => {}
                Err(error) => self.unread(id.as_str(), &error),
            }
            if kind == HUBS {
                self.read_children(observer, &id).await;
            }
        }
    }

    /// The tables of a hub, and the networks that are connected to it.
    async fn read_children(&mut self, observer: &ArmObserver, hub: &ResourceId) {
        for kind in OF_HUBS {
            match observer.ask(&Question::Children { parent: hub.clone(), kind }).await {
                Ok(list) => {
                    let list = list.unwrap_or_default();
                    self.resources.extend(list["value"].as_array().into_iter().flatten().cloned());
                }
                Err(error) => self.unread(&format!("{kind} of {hub}"), &error),
            }
        }
    }

    /// The groups of what was read: their homes decide what can be written when a region is down.
    async fn read_groups(&mut self, observer: &ArmObserver) {
        let found: BTreeSet<(String, String)> = self
            .resources
            .iter()
            .filter_map(|body| ResourceId::parse(body["id"].as_str()?).ok())
            .map(|id| (id.subscription().to_owned(), id.resource_group().to_owned()))
            .collect();
        for (subscription, group) in found {
            let question =
                Question::Group { subscription: subscription.clone(), group: group.clone() };
            let id = format!("/subscriptions/{subscription}/resourceGroups/{group}");
            match observer.ask(&question).await {
                Ok(body) => {
                    let location = body.unwrap_or_default()["location"].clone();
                    let entry = json!({ "id": id, "location": location });
                    self.groups.entry(id.to_ascii_lowercase()).or_insert(entry);
                }
                Err(error) => self.unread(&id, &error),
            }
            match observer.ask(&Question::Locks { subscription, group }).await {
                Ok(list) => {
                    for lock in list.unwrap_or_default()["value"].as_array().into_iter().flatten() {
                        self.add_lock(lock);
                    }
                }
                Err(error) => self.unread(&format!("locks of {id}"), &error),
            }
        }
    }

    fn add_lock(&mut self, lock: &Value) {
        let id = lock["id"].as_str().unwrap_or_default();
        let lower = id.to_ascii_lowercase();
        let Some(end) = lower.find("/providers/microsoft.authorization/locks/") else { return };
        let entry = json!({
            "name": lock["name"], "scope": &id[..end], "level": lock["properties"]["level"],
        });
        if !self.locks.contains(&entry) {
            self.locks.push(entry);
        }
    }

    /// What stands behind each circuit, as far as its route tables tell: the prefixes whose path is not
    /// Azure's own.
    async fn read_sites(&mut self, observer: &ArmObserver) {
        let circuits: Vec<(ResourceId, u64)> = self
            .resources
            .iter()
            .filter_map(|body| {
                let id = ResourceId::parse(body["id"].as_str()?).ok()?;
                let circuit = arm::CircuitView::of(body);
                let private = circuit.peering(arm::PRIVATE_PEERING)?;
                let asn = u64::from(arm::CircuitPeeringView::of(private).peer_asn()?);
                Some((id, asn))
            })
            .collect();
        let mut all = BTreeSet::new();
        for (circuit, asn) in circuits {
            self.asn.get_or_insert(asn);
            for path in arm::CircuitPath::BOTH.map(arm::CircuitPath::as_str) {
                let question = Question::RouteTable { circuit: circuit.clone(), path };
                match observer.ask(&question).await {
                    Ok(table) => {
                        let own = customers(&table.unwrap_or_default(), asn);
                        all.extend(own.iter().cloned());
                        self.links.push(json!({
                            "circuit": circuit.as_str(), "path": path, "up": !own.is_empty(),
                            "advertise": own,
                        }));
                    }
                    Err(error) => self.unread(&format!("{path} route table of {circuit}"), &error),
                }
            }
        }
        // Which place a prefix is at, nobody tells Azure: they count as one.
        self.sites.push(json!({ "name": "on-premises", "prefixes": all }));
    }

    fn unread(&mut self, what: &str, error: &StepError) {
        self.unread.push(format!("{what}: {error}"));
    }
}

/// The prefixes of a circuit's route table that come from the customer's side.
fn customers(table: &Value, asn: u64) -> BTreeSet<String> {
    let asn = asn.to_string();
    table["value"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|row| {
            let path = row["path"].as_str().unwrap_or_default();
            path.split_whitespace().next() == Some(asn.as_str())
        })
        .filter_map(|row| row["network"].as_str().map(str::to_owned))
        .collect()
}

fn written(captured: Captured, now: Timestamp) -> Result<String, CliError> {
    let world = json!({
        "world": "captured",
        "description": "Captured from Azure with reads only. Authorization keys are sealed, other \
                        secrets are left out; what stands behind a circuit is what its route tables said.",
        "now": now,
        "resource_groups": captured.groups.into_values().collect::<Vec<_>>(),
        "resources": captured.resources,
        "onprem": {
            "asn": captured.asn.unwrap_or(65_000),
            "sites": captured.sites,
            "links": captured.links,
        },
        "locks": captured.locks,
    });
    serde_yaml::to_string(&world).map_err(|error| {
        CliError::new(Status::Bug, "The world cannot be written as YAML.").because(&error)
    })
}
