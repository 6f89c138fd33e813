//! Does a text fit a pattern? A star stands for any text, and nothing else for anything but itself.

/// Whether a text fits a pattern in which `*` stands for any text, slashes included.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(place) => rest = &rest[place + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(fits("*/connections/*", "/a/connections/c"));
        assert!(fits("/a/b", "/a/b"));
        assert!(!fits("/a/b", "/a/b/c"));
        assert!(!fits("*/gateways/*", "/a/connections/c"));
    }
}
