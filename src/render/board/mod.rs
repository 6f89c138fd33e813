//! What stands on the board of a run that many people look at? Its head, its steps, its journal, its networks:
//! each a part of its own, and none larger than a screen has use for.
//!
//! Comes in: a run's state, its events until a moment, whether somebody drives it, and the time. Goes out: flat
//! views for a page. The head is the one truth about a run ([`super::truth`]); nothing is worked out twice.

mod head;
mod journal;
mod steps;

pub use super::document::sketches::{KeptEstate, NetworkSketch, sketches};
pub use head::{BOARD_SCHEMA, BoardHidden, BoardMoment, RunBoard, board};
pub use journal::{BoardEvent, BoardJournal, journal};
pub use steps::{BoardBar, BoardStep, BoardSteps, StepsShown, StepsWanted, steps};

/// Rows of a table that are sent at once.
pub const ROWS_MAX: usize = 100;

/// The part of a list that is wanted: from a place on, so many, and no more than are sent at once.
fn window(total: usize, from: usize, count: usize) -> std::ops::Range<usize> {
    let from = from.min(total);
    from..from.saturating_add(count.clamp(1, ROWS_MAX)).min(total)
}
