//! What would Azure say? The same wire, another world.

pub mod clock;
pub mod network;
pub mod scaled_clock;
pub mod server;
pub mod transport;

pub use clock::{SeededEntropy, VirtualClock};
pub use scaled_clock::ScaledClock;
pub use server::Answers;
pub use transport::InProcess;
