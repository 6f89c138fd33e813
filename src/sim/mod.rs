//! What would Azure say? The same wire, another world.
