//! How is each field of each action's resource compared with what the runbook wants?
//!
//! One table, read by whoever compares (`azure`) and by the page that people read
//! (docs/comparison.md). Azure answers in other letters than it was sent, in another order, with more
//! than was asked, and sometimes with less: what counts as a difference is decided here, field by field,
//! and nowhere else. A field without a row does not exist for an action.

mod page;
mod table;

use std::net::IpAddr;

use ipnet::IpNet;

pub use page::page;
pub use table::FIELDS;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Only itself will do, lists in their order. Named things compare by name, in any order, and one too
    /// many is a difference.
    Exactly,
    /// Letters of either case and spaces make no difference: ids, regions, words.
    AnyCase,
    /// In any order; more of them than asked hold.
    Set,
    /// As much as asked, or more.
    AtLeast,
    /// Names in letters of either case, each with exactly its value; more of them than asked hold.
    Tags,
    /// Written when the resource is made; once it stands, nobody looks.
    NotOnceItStands,
}

/// What a field means that Azure does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unshown {
    /// It is not as wanted.
    Differs,
    /// It is off, or zero, or empty: older answers leave that out.
    Off,
    /// Nothing: Azure does not show it, and what is not shown cannot differ.
    Nothing,
}

/// What becomes of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The step writes it.
    Written,
    /// Azure cannot change it in place: the step is blocked, and this is what a person does.
    Person(&'static str),
    /// What Azure can change in place is written and the rest is blocked, as this says.
    Partly(&'static str),
}

/// One field of what an action ensures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComparedField {
    /// The action.
    pub action: &'static str,
    /// The type of the resource it is about.
    pub of: &'static str,
    /// Where the field stands in the body: names with slashes, `*` for each thing of a list.
    pub path: &'static str,
    /// What people call it.
    pub what: &'static str,
    /// How it is compared.
    pub how: How,
    /// What it means when Azure does not show it.
    pub unshown: Unshown,
    /// What becomes of a difference.
    pub remedy: Remedy,
}

/// The row of a field, by the type of its resource and its path.
#[must_use]
pub fn field(of: &str, path: &str) -> Option<&'static ComparedField> {
    FIELDS.iter().find(|field| field.path == path && field.of.eq_ignore_ascii_case(of))
}

/// What a person does about a field that Azure does not change in place.
#[must_use]
pub fn remedy(of: &str, path: &str) -> Option<&'static str> {
    match field(of, path)?.remedy {
        Remedy::Person(fix) | Remedy::Partly(fix) => Some(fix),
        Remedy::Written => None,
    }
}

/// Whether two texts are as good as one: letters of either case and spaces make no difference, as Azure answers with other
/// letters than it was sent ("Southeast Asia"), and an address or a prefix may be written in several ways.
#[must_use]
pub fn same_text(wanted: &str, has: &str) -> bool {
    fn folded(text: &str) -> impl Iterator<Item = u8> + '_ {
        text.bytes().filter(|byte| *byte != b' ').map(|byte| byte.to_ascii_lowercase())
    }
    wanted == has || folded(wanted).eq(folded(has)) || same_address(wanted, has)
}

/// Whether two texts are one address or prefix: `FD00:0:0::/48` is `fd00::/48`.
fn same_address(wanted: &str, has: &str) -> bool {
    let prefix = |text: &str| text.parse::<IpNet>().ok();
    let address = |text: &str| text.parse::<IpAddr>().ok();
    prefix(wanted).is_some_and(|own| prefix(has) == Some(own))
        || address(wanted).is_some_and(|own| address(has) == Some(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_of_an_action_stands_once_in_the_table() {
        for (place, row) in FIELDS.iter().enumerate() {
            let twin = FIELDS[..place].iter().find(|o| (o.of, o.path) == (row.of, row.path));
            assert!(
                twin.is_none_or(|twin| twin.how == row.how && twin.action != row.action),
                "{row:?}"
            );
        }
    }

    #[test]
    fn only_zones_are_immovable_and_missed_when_they_are_not_shown() {
        let missed: Vec<&str> = FIELDS
            .iter()
            .filter(|row| matches!(row.remedy, Remedy::Person(_)))
            .filter(|row| row.unshown == Unshown::Differs)
            .map(|row| row.path)
            .collect();
        assert_eq!(missed, ["zones"]);
    }
}
