//! What did the author write? Text to a tree with positions; nothing resolved.
//!
//! Comes in: bytes. Goes out: a [`tree::Node`] with spans, the grammar of what may stand in it
//! ([`grammar`], [`actions`]), the expressions in its values ([`expr`]) and [`Diagnostics`].

pub mod actions;
pub mod diagnostic;
pub mod expr;
pub mod grammar;
mod hubs;
mod kinds;
mod last_path;
pub mod nesting;
mod outside;
pub mod schema;
pub mod source;
pub mod tree;

pub use diagnostic::{Code, Diagnostic, DiagnosticView, Diagnostics, Severity, did_you_mean};
pub use schema::schema;
pub use source::{SourceFile, Span};
pub use tree::{Key, Node, NodeValue};
