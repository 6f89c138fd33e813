//! What did the executor do on a good day, and what is reached after it?

use super::super::world::reach_view;
use crate::model::Timestamp;
use crate::render::document::material::DrillStop;
use crate::render::view::{ReachView, RunView};
use crate::sim::World;

/// A drill on a good day: what happened, and the world after it.
pub(in crate::cli) struct GoodDay {
    pub(in crate::cli) view: RunView,
    /// Where it stopped, if it did not do what it is for.
    pub(in crate::cli) stopped: Option<DrillStop>,
    /// The world after it.
    pub(in crate::cli) world: World,
    /// When it ended.
    pub(in crate::cli) end: Timestamp,
}

impl GoodDay {
    /// What each site reaches after it.
    pub(in crate::cli) fn reachability(&self) -> Vec<ReachView> {
        self.world.reachability().into_iter().map(reach_view).collect()
    }
}
