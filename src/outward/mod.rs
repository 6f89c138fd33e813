//! What may leave this process, and how does it look? Known secrets blanked, controls made visible.
//!
//! Comes in: every value that must not be shown, from the moment at which this process has it, and every
//! text on its way out. Goes out: the same text without the values, in whatever writing they stand
//! ([`redacted`]), and without what would steer a terminal or turn a line around ([`visible()`]). Uses no
//! other room. The values live in memory only, in a type that does not print.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod forms;
mod known;
mod redact;
mod secret;
mod sieve;
mod unfold;
mod visible;

pub use redact::{
    BLANK, holds_known, know, known_revision, learn, places_of_known, redacted, redacted_bytes,
    redacted_json,
};
pub use secret::{NoSecrets, Secret, SecretReader};
pub use visible::{is_hidden, visible, visible_in_json};
