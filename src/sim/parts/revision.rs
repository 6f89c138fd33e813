//! Has anything changed? A number that each write of a part raises, so that what follows from a part is worked out
//! once for as long as it stands.

/// Grows whenever something of its part may have changed. It says nothing between two worlds, which are as equal
/// without it, and is never stored.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::sim) struct Revision(u64);

impl Revision {
    /// Something may have changed.
    pub(super) fn raise(&mut self) {
        self.0 += 1;
    }

    /// Equal, of one part at two times: nothing has changed in between.
    pub(in crate::sim) fn number(self) -> u64 {
        self.0
    }
}

impl PartialEq for Revision {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
