//! What is to be said about an estate? What a person asked for, and what was found.

use super::choice::{Chosen, InitQuestion};
use super::pairs::Pairs;
use super::strategy::{Fit, Strategy};
use crate::model::{Region, ResourceId};

/// What a person asked for.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The region that is left.
    pub source: Option<Region>,
    /// The region that takes over.
    pub target: Option<Region>,
    /// The strategy, where it shall not be chosen.
    pub strategy: Option<Strategy>,
    /// What was said besides.
    pub params: Vec<(String, String)>,
}

/// What is to be said about an estate before anything is written.
#[derive(Debug, Clone)]
pub struct Advice {
    /// The region that is left; none where a site is.
    pub source: Option<Region>,
    /// The region that takes over.
    pub target: Region,
    /// A word on each strategy.
    pub fits: Vec<Fit>,
    /// The strategy that is taken.
    pub strategy: Strategy,
    /// What may be asked of a person.
    pub asked: Vec<InitQuestion>,
    pub(super) pairs: Pairs,
    pub(super) circuit: Option<ResourceId>,
    pub(super) chosen: Chosen,
    /// Whether the target has the source's addresses.
    pub(super) kept: bool,
}

/// Why it fits, and the circuit; or why it does not.
pub(super) type Fitness = Result<(Vec<String>, Option<ResourceId>), Vec<String>>;

/// What stands for the team where nobody said one.
pub(super) const TEAM: &str = "Network operations";

/// What stands for its contact where nobody said one.
pub const CONTACT: &str = "to be filled in";
