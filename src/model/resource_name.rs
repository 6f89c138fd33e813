//! Which names does Azure take? Of what backroad makes in a network.
//!
//! Source: Microsoft Learn, "Naming rules and restrictions for Azure resources", `Microsoft.Network`; the
//! words of the refusal are `InvalidResourceName`'s.

use super::ResourceId;

/// The longest name of a network resource, in letters.
pub const NAME_LETTERS_MAX: usize = 80;

/// The longest name of a virtual network, in letters. That Azure also wants two of them is not judged: what is
/// named by one letter is an example, and reads as one.
const VNET_LETTERS_MAX: usize = 64;

/// The types whose names follow the rule of this module: they begin with a letter or a digit, end with one or
/// with `_`, and hold letters, digits, `_`, `.` and `-`. What stands below one of them has the same rule.
const RULED: &[&str] = &[
    "connections",
    "expressRouteCircuits",
    "expressRouteGateways",
    "localNetworkGateways",
    "networkSecurityGroups",
    "publicIPAddresses",
    "routeTables",
    "virtualHubs",
    "virtualNetworkGateways",
    "virtualNetworks",
];

/// What is wrong with the last name of an id, as the end of a sentence that began with the name; nothing for
/// types whose names we have no rule of.
#[must_use]
pub fn wrong(id: &ResourceId) -> Option<String> {
    let kind = id.resource_type();
    let mut words = kind.as_str().split('/');
    let ours = words.next()?.eq_ignore_ascii_case("Microsoft.Network");
    let top = words.next()?;
    if !ours || !RULED.iter().any(|ruled| ruled.eq_ignore_ascii_case(top)) {
        return None;
    }
    let is_vnet = words.next().is_none() && top.eq_ignore_ascii_case("virtualNetworks");
    wrong_within(id.name(), if is_vnet { VNET_LETTERS_MAX } else { NAME_LETTERS_MAX })
}

/// As [`wrong`], of the name of what an id leads to only with its parent's body: a route in a table.
#[must_use]
pub fn wrong_child(name: &str) -> Option<String> {
    wrong_within(name, NAME_LETTERS_MAX)
}

fn wrong_within(name: &str, most: usize) -> Option<String> {
    let letters = name.chars().count();
    if letters > most {
        return Some(format!("has {letters} letters, and Azure takes {most}"));
    }
    let plain = |letter: char| letter.is_ascii_alphanumeric();
    if let Some(odd) = name.chars().find(|own| !plain(*own) && !matches!(own, '_' | '.' | '-')) {
        return Some(format!(
            "holds `{odd}`, and Azure takes letters, digits, `_`, `.` and `-` in a name"
        ));
    }
    if !name.starts_with(plain) {
        return Some("must begin with a letter or a digit".to_owned());
    }
    if !name.ends_with(|last| plain(last) || last == '_') {
        return Some("must end with a letter, a digit or `_`".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &str, name: &str) -> Option<String> {
        let text = format!("/subscriptions/s/resourceGroups/g/providers/{kind}/{name}");
        wrong(&ResourceId::parse(&text).unwrap())
    }

    #[test]
    fn a_name_is_taken_as_azure_takes_it() {
        const GATEWAYS: &str = "Microsoft.Network/virtualNetworkGateways";
        for good in ["ergw", "1", "er.gw-1_", "A_b", &"x".repeat(80)] {
            assert_eq!(of(GATEWAYS, good), None, "{good}");
        }
        for (bad, why) in [
            ("erg w", "holds ` `"),
            ("ergw-", "must end"),
            ("ergw.", "must end"),
            ("-ergw", "must begin"),
            ("_ergw", "must begin"),
            ("ergäw", "holds `ä`"),
            (&"x".repeat(81), "has 81 letters"),
        ] {
            assert!(of(GATEWAYS, bad).is_some_and(|told| told.contains(why)), "{bad}");
        }
    }

    #[test]
    fn networks_have_a_bound_of_their_own_and_what_stands_in_them_the_usual_one() {
        const NETWORKS: &str = "Microsoft.Network/virtualNetworks";
        assert_eq!(of(NETWORKS, "v"), None);
        assert!(of(NETWORKS, &"v".repeat(65)).is_some());
        assert_eq!(of("Microsoft.Network/virtualNetworks/v1/subnets", "s"), None);
        assert!(of("Microsoft.Network/virtualNetworks/v1/subnets", "s-").is_some());
    }

    #[test]
    fn names_of_other_types_are_not_judged() {
        assert_eq!(of("Microsoft.Network/privateDnsZones/corp.example/A", "*"), None);
        assert_eq!(of("Microsoft.RecoveryServices/vaults", "a b"), None);
    }
}
