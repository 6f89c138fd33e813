//! How do the networks look before a run, now, and when it is done? One map of all of it, and three pictures that can
//! be laid over one another; each with words for those who cannot see it.

use serde::{Deserialize, Serialize};

use super::estate::NetworkPicture;
use super::material::Known;
use super::network_map;
use super::topology::{self, Layout};
use crate::engine::{RunState, StepRecord};
use crate::model::StepStatus;

/// The format of a kept estate. Refuse larger ones.
const FORMAT: u32 = 1;

/// The networks in which a run began, as far as pictures show them: names, prefixes and what is joined to what. No
/// body of Azure's is in it, and no key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptEstate {
    format: u32,
    networks: NetworkPicture,
}

impl KeptEstate {
    /// What pictures show of an estate.
    #[must_use]
    pub fn of(known: &Known) -> Self {
        Self { format: FORMAT, networks: NetworkPicture::of(known) }
    }

    /// As it was kept; none where it is damaged, or of a later version.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let kept: Self = serde_json::from_slice(bytes).ok()?;
        (kept.format <= FORMAT).then_some(kept)
    }
}

/// The networks at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSketch {
    /// `map`, `before`, `now` or `after`.
    pub name: &'static str,
    /// Which moment that is, for people.
    pub title: &'static str,
    /// What the picture shows, in words.
    pub words: String,
    /// The picture, an SVG file of its own.
    pub svg: String,
}

/// The map, and the networks before the run, as far as it has come, and after it; none where its plan names no
/// networks.
///
/// What was kept of the estate at its beginning gives prefixes and regions; without it the plan alone tells, and
/// what it does not refer to is not shown.
#[must_use]
pub fn sketches(state: &RunState, kept: Option<&KeptEstate>) -> Vec<NetworkSketch> {
    let Some(opened) = &state.opened else { return Vec::new() };
    let plan = &opened.plan;
    let planned = || NetworkPicture::of_plan(plan);
    let before = kept.map_or_else(planned, |kept| kept.networks.clone().with(planned()));
    if before.is_empty() {
        return Vec::new();
    }
    let after_steps =
        |wanted: &dyn Fn(Option<&StepRecord>) -> bool| before.after(plan, state, wanted);
    let not_left_out = |record: Option<&StepRecord>| {
        record.is_none_or(|record| record.status() != StepStatus::Skipped)
    };
    let moments = [
        ("before", "Before the run", before.clone()),
        ("now", "Now", after_steps(&network_map::stands)),
        ("after", "When every step is done", after_steps(&not_left_out)),
    ];
    // Of all that the plan may make, so that nothing moves while it goes on.
    let layout = Layout::of(&after_steps(&|_| true));
    let pictures = moments.iter().map(|(name, title, estate)| NetworkSketch {
        name,
        title,
        words: topology::sentence(estate),
        svg: topology::draw(estate, &layout, &format!("networks-{name}"), title).file(),
    });
    let map = network_map::map(state, plan, &before, &layout);
    let map = NetworkSketch { name: "map", title: map.title, words: map.words, svg: map.svg };
    std::iter::once(map).chain(pictures).collect()
}
