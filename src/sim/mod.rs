//! What would Azure say? The same wire, another world.

pub mod network;
pub mod scaled_clock;
pub mod server;

pub use scaled_clock::ScaledClock;
