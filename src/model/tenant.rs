//! Whose subscription is it? What can be the name of a tenant.

/// Whether a text can be a tenant's id or domain: it becomes a part of a URL and of a command.
#[must_use]
pub fn is_tenant(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    (1..=100).contains(&text.len())
        && text.chars().all(fits)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}
