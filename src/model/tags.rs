//! Which tags may a resource have? Names and values, and what Azure takes of them.

use std::collections::BTreeMap;

/// Tags by name. Names count in letters of either case, values exactly.
pub type Tags = BTreeMap<String, String>;

/// Most tags of one resource.
pub const TAGS_MAX: usize = 50;

/// Longest name of a tag.
pub const NAME_MAX: usize = 512;

/// Longest value of a tag.
pub const VALUE_MAX: usize = 256;

/// What a tag's name may not hold.
const FORBIDDEN: [char; 7] = ['<', '>', '%', '&', '\\', '?', '/'];

/// What a tag's name may not begin with: Azure keeps these for itself.
const RESERVED: [&str; 3] = ["microsoft", "azure", "windows"];

/// Why Azure would not take a tag; none when it would.
#[must_use]
pub fn fault(name: &str, value: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    if name.trim().is_empty() {
        return Some("A tag has a name.".to_owned());
    }
    if name.chars().count() > NAME_MAX {
        return Some(format!("The name of a tag has at most {NAME_MAX} characters."));
    }
    if let Some(bad) = name.chars().find(|c| FORBIDDEN.contains(c) || c.is_control()) {
        return Some(format!("The name of a tag may not hold `{}`.", bad.escape_default()));
    }
    if let Some(head) = RESERVED.iter().find(|head| lower.starts_with(**head)) {
        return Some(format!("The name of a tag may not begin with `{head}`: Azure keeps that."));
    }
    (value.chars().count() > VALUE_MAX)
        .then(|| format!("The value of a tag has at most {VALUE_MAX} characters."))
}

/// The tag of that name, in whatever letters.
#[must_use]
pub fn named<'t>(tags: &'t Tags, name: &str) -> Option<(&'t String, &'t String)> {
    tags.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))
}

/// Adds tags that are not there yet, in whatever letters.
pub fn add_below(tags: &mut Tags, more: &Tags) {
    for (name, value) in more {
        if named(tags, name).is_none() {
            tags.insert(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_refused_as_azure_would() {
        for name in ["", " ", "a/b", "a%", "azure-owner", "Microsoft.Owner", "windowsX", "a\nb"] {
            assert!(fault(name, "v").is_some(), "{name}");
        }
        assert!(fault("Kosten stelle", "").is_none());
        assert!(fault(&"n".repeat(513), "v").is_some());
        assert!(fault("n", &"v".repeat(257)).is_some());
    }

    #[test]
    fn a_tag_that_is_there_in_other_letters_stays() {
        let mut own = Tags::from([("CostCenter".to_owned(), "1".to_owned())]);
        let more = Tags::from([
            ("costcenter".to_owned(), "2".to_owned()),
            ("owner".to_owned(), "noc".to_owned()),
        ]);
        add_below(&mut own, &more);
        assert_eq!(own.len(), 2);
        assert_eq!(own["CostCenter"], "1");
    }
}
