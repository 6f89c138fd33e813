//! What does it mean? From document to plan, and reading a plan against the world.
