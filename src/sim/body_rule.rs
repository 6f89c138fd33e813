//! What must hold of a type's bodies besides their shape? The type says it; the reader of world files asks.

/// One such thing; paths are of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyRule {
    /// A text is an address prefix.
    Prefix(&'static str),
    /// A text is an address prefix or the name of a service tag.
    Destination(&'static str),
    /// A text is an address.
    Address(&'static str),
    /// A number is at least the first and at most the second.
    Bounds(&'static str, u64, u64),
    /// It cannot be without one of these.
    Needs(&'static [&'static str]),
}
