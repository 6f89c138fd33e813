//! What was a shared store asked for, in what money is counted by?

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a shared store was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCost {
    /// Requests that write an object.
    pub writes: u64,
    /// Requests that read one, or look whether it is there.
    pub reads: u64,
    /// Requests that list: each costs as a write does.
    pub lists: u64,
    /// Requests that remove one: free of charge.
    pub removals: u64,
    /// Bytes of objects that were written.
    pub bytes_sent: u64,
    /// Bytes of objects that were read.
    pub bytes_read: u64,
}

impl StoreCost {
    /// All requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.writes + self.reads + self.lists + self.removals
    }
}

impl std::ops::Add for StoreCost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            writes: self.writes + other.writes,
            reads: self.reads + other.reads,
            lists: self.lists + other.lists,
            removals: self.removals + other.removals,
            bytes_sent: self.bytes_sent + other.bytes_sent,
            bytes_read: self.bytes_read + other.bytes_read,
        }
    }
}

impl fmt::Display for StoreCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests ({} writes, {} reads, {} lists), {} KiB sent, {} KiB read",
            self.requests(),
            self.writes,
            self.reads,
            self.lists,
            self.bytes_sent.div_ceil(1_024),
            self.bytes_read.div_ceil(1_024)
        )
    }
}
