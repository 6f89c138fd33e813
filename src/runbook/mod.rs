//! What did the author write? Text to a tree with positions; nothing resolved.
//!
//! Comes in: bytes. Goes out: a [`tree::Node`] with spans, the grammar of what may stand in it
//! ([`grammar`], [`actions`]), the expressions in its values ([`expr`]) and [`Diagnostics`]. Worlds and other
//! files that people write are read by the same reader, with tables of their own ([`literal`]).

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod actions;
pub mod diagnostic;
pub mod expr;
pub mod fields;
pub mod grammar;
mod hubs;
mod kinds;
mod last_path;
mod links;
pub mod literal;
mod outside;
pub mod scalar;
pub mod schema;
pub mod source;
mod syntax;
pub mod tree;

pub use diagnostic::{Code, Diagnostic, DiagnosticView, Diagnostics, Severity, did_you_mean};
pub use schema::{schema, schema_of};
pub use source::{DocumentKind, SourceFile, Span};
pub use tree::{Key, Node, NodeValue};
