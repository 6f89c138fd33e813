//! Documents of the shipped look.
