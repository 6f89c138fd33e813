//! How do the networks stand between before and after? One picture of all of it: what stood, what the run made and
//! removed, what is being done to it now, and what is still to come.
//!
//! Four estates are laid over one another: as it was, as the steps that are done leave it, as those that are at work
//! will leave it, and as the run will end. What a thing is called follows from which of them have it.

use std::collections::{BTreeMap, BTreeSet};

use super::estate::{ChangeMark, NetworkPicture};
use super::topology::{self, Layout, SitesShown};
use crate::engine::record::Direction;
use crate::engine::{RunPhase, RunState, StepRecord};
use crate::model::{Plan, ResourceId, StepStatus};

/// Names of one kind that are told in words; more are counted.
const NAMES_MAX: usize = 12;

/// The map at a moment of a run.
pub(super) struct NetworkMap {
    /// Which moment that is, for people.
    pub(super) title: &'static str,
    /// What it shows, in words.
    pub(super) words: String,
    /// The picture, an SVG file of its own.
    pub(super) svg: String,
}

/// The networks as far as the journal has come, and to where the run goes.
pub(super) fn map(
    state: &RunState,
    plan: &Plan,
    before: &NetworkPicture,
    layout: &Layout,
) -> NetworkMap {
    let after = |wanted: &dyn Fn(Option<&StepRecord>) -> bool| before.after(plan, state, wanted);
    let undoing = matches!(state.phase, RunPhase::Undoing { .. });
    // What an undo is held at may stand still.
    let held = |record: Option<&StepRecord>| undoing && status(record) == StepStatus::Held;
    let now = after(&|record| stands(record) || held(record));
    let (working, then) = match &state.phase {
        // An undo takes back what was done; what could not be taken back stays.
        RunPhase::Undoing { .. } => (
            after(&|record| (stands(record) || held(record)) && !is_taken_back(record)),
            after(&|record| status(record) == StepStatus::UndoFailed),
        ),
        RunPhase::Cancelling | RunPhase::Ended { .. } => (after(&is_begun), now.clone()),
        RunPhase::Forward | RunPhase::Settling { .. } => {
            (after(&is_begun), after(&|record| is_begun(record) || is_left(record)))
        }
    };
    let told = MapLayers { before, now: &now, working: &working, then: &then }.told();
    let title = match &state.phase {
        RunPhase::Undoing { .. } => "Now, and what is taken back",
        RunPhase::Ended { .. } => "As the run ended",
        RunPhase::Forward | RunPhase::Settling { .. } | RunPhase::Cancelling => {
            "Now, and what is to come"
        }
    };
    let words = words(&told);
    let svg =
        topology::draw_told(&told, layout, ("networks-map", title, &words), SitesShown::IfKnown);
    NetworkMap { title, words, svg: svg.file() }
}

fn status(record: Option<&StepRecord>) -> StepStatus {
    record.map_or(StepStatus::Pending, StepRecord::status)
}

/// Whether what a step did stands: it is done, and what is being taken back is not gone yet.
pub(super) fn stands(record: Option<&StepRecord>) -> bool {
    matches!(status(record), StepStatus::Succeeded | StepStatus::UndoFailed)
        || is_taken_back(record)
}

fn is_taken_back(record: Option<&StepRecord>) -> bool {
    let work = record.and_then(StepRecord::work);
    work.is_some_and(|work| work.direction == Direction::Backward)
}

fn is_begun(record: Option<&StepRecord>) -> bool {
    stands(record) || status(record) == StepStatus::Running
}

/// What is still to be done, where nobody says otherwise.
fn is_left(record: Option<&StepRecord>) -> bool {
    matches!(status(record), StepStatus::Pending | StepStatus::Waiting | StepStatus::Held)
}

/// One estate at four moments.
struct MapLayers<'a> {
    before: &'a NetworkPicture,
    now: &'a NetworkPicture,
    working: &'a NetworkPicture,
    then: &'a NetworkPicture,
}

/// What became of a thing in each of the later three; none where it never was.
type LayerMarks = [Option<ChangeMark>; 3];

/// What a thing is called on the map; none where it is not there, and will not be.
fn mark([now, working, then]: LayerMarks) -> Option<ChangeMark> {
    let stands = |mark: Option<ChangeMark>| mark.is_some_and(|mark| mark != ChangeMark::Gone);
    if !stands(now) {
        return match (stands(working), stands(then)) {
            (true, _) => Some(ChangeMark::Working),
            (false, true) => Some(ChangeMark::Coming),
            (false, false) => now,
        };
    }
    if working != now {
        Some(ChangeMark::Working)
    } else if !stands(then) {
        Some(ChangeMark::Leaving)
    } else if then != now && then == Some(ChangeMark::Changed) {
        Some(ChangeMark::Changing)
    } else {
        now
    }
}

/// The things of one kind, each with its mark: as the run will leave it, where it will be there at all.
fn layer<T: Clone>(
    of: impl Fn(&NetworkPicture) -> &BTreeMap<ResourceId, T>,
    layers: &MapLayers<'_>,
    place: impl Fn(&mut T) -> &mut ChangeMark,
) -> BTreeMap<ResourceId, T> {
    let MapLayers { now, working, then, .. } = layers;
    let all = [of(now), of(working), of(then)];
    let ids: BTreeSet<&ResourceId> = all.iter().flat_map(|one| one.keys()).collect();
    let mut told = BTreeMap::new();
    for id in ids {
        let marks = all.map(|one| one.get(id).cloned().map(|mut thing| *place(&mut thing)));
        // How it stands, else how it will.
        let thing = all.iter().find_map(|one| one.get(id)).cloned();
        if let (Some(mark), Some(mut thing)) = (mark(marks), thing) {
            *place(&mut thing) = mark;
            told.insert(id.clone(), thing);
        }
    }
    told
}

impl MapLayers<'_> {
    /// All of it in one, marked.
    fn told(&self) -> NetworkPicture {
        let mut told = NetworkPicture {
            gateways: layer(|one| &one.gateways, self, |gateway| &mut gateway.mark),
            links: layer(|one| &one.links, self, |link| &mut link.mark),
            circuits: layer(|one| &one.circuits, self, |circuit| &mut circuit.mark),
            peerings: layer(|one| &one.peerings, self, |side| &mut side.mark),
            networks: layer(|one| &one.networks, self, |network| &mut network.mark),
            devices: layer(|one| &one.devices, self, |device| &mut device.mark),
            tunnels: layer(|one| &one.tunnels, self, |tunnel| &mut tunnel.mark),
            ..self.before.clone()
        };
        for (id, network) in &mut told.networks {
            let of = |estate: &NetworkPicture| -> BTreeMap<ResourceId, ChangeMark> {
                estate.networks.get(id).map(|network| network.tables.clone()).unwrap_or_default()
            };
            let all = [of(self.now), of(self.working), of(self.then)];
            let ids: BTreeSet<&ResourceId> = all.iter().flat_map(BTreeMap::keys).collect();
            network.tables = ids
                .into_iter()
                .filter_map(|table| {
                    let marks =
                        [0, 1, 2].map(|n| all.get(n).and_then(|one| one.get(table)).copied());
                    Some((table.clone(), mark(marks)?))
                })
                .collect();
        }
        told
    }
}

/// In which order marks are told, and in which words.
const TOLD: [(ChangeMark, &str); 8] = [
    (ChangeMark::There, "As before"),
    (ChangeMark::New, "New"),
    (ChangeMark::Changed, "Changed"),
    (ChangeMark::Gone, "Removed"),
    (ChangeMark::Working, "At work"),
    (ChangeMark::Coming, "Still to come"),
    (ChangeMark::Changing, "Still to be changed"),
    (ChangeMark::Leaving, "Still to go"),
];

/// Which regions are down, and where it is looked from.
fn places(told: &NetworkPicture) -> Vec<String> {
    let mut parts: Vec<String> =
        told.down.iter().map(|region| format!("The region {} is down.", region.as_str())).collect();
    let sites: Vec<String> = told
        .sites
        .iter()
        .filter(|(_, prefixes)| !prefixes.is_empty())
        .map(|(site, prefixes)| format!("{site} ({})", prefixes.join(", ")))
        .collect();
    if !sites.is_empty() {
        parts.push(format!("Sites: {}.", sites.join("; ")));
    }
    if !told.vantages.is_empty() {
        parts.push(format!("It is looked from {}.", told.vantages.join(", ")));
    }
    parts
}

/// The map in words, for those who cannot see it: by what became of things, each with what it is.
fn words(told: &NetworkPicture) -> String {
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut say = |mark: ChangeMark, what: String| {
        if let Some((_, word)) = TOLD.iter().find(|(own, _)| *own == mark) {
            all.entry(word).or_default().push(what);
        }
    };
    for (id, gateway) in &told.gateways {
        say(gateway.mark, format!("gateway {} in {}", id.name(), gateway.vnet.name()));
    }
    for (id, link) in &told.links {
        let (gateway, circuit) = (link.gateway.name(), link.circuit.name());
        say(link.mark, format!("connection {} from {gateway} to circuit {circuit}", id.name()));
    }
    for (id, tunnel) in &told.tunnels {
        let (gateway, device) = (tunnel.gateway.name(), tunnel.device.name());
        say(
            tunnel.mark,
            format!("tunnel {} from {gateway} to the device behind {device}", id.name()),
        );
    }
    for (id, device) in told.devices.iter().filter(|(_, one)| one.mark != ChangeMark::There) {
        say(device.mark, format!("VPN device {}", id.name()));
    }
    for side in told.peerings.values() {
        say(side.mark, format!("peering of {} with {}", side.vnet.name(), side.remote.name()));
    }
    for (id, network) in &told.networks {
        if network.mark != ChangeMark::There {
            say(network.mark, format!("network {}", id.name()));
        }
        for (table, mark) in network.tables.iter().filter(|(_, mark)| **mark != ChangeMark::There) {
            say(*mark, format!("route table {} in {}", table.name(), id.name()));
        }
    }
    for (id, circuit) in &told.circuits {
        say(circuit.mark, format!("circuit {}", id.name()));
    }
    let mut parts = places(told);
    for (_, word) in TOLD {
        let Some(list) = all.get(word) else { continue };
        let more = list.len().saturating_sub(NAMES_MAX);
        let shown: Vec<&str> = list.iter().take(NAMES_MAX).map(String::as_str).collect();
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        parts.push(format!("{word}: {}{more}.", shown.join("; ")));
    }
    parts.join(" ")
}
