//! What would Azure say? The same wire, another world.

pub mod network;
