//! What would it be called over there? Names that are alike, and names that are made like others.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::ResourceId;

/// How alike two names are, from 0 to 100: by the pairs of letters that they share.
pub(super) fn likeness(left: &str, right: &str) -> u32 {
    let pairs = |text: &str| -> Vec<(char, char)> {
        let plain: Vec<char> =
            text.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        plain.windows(2).map(|two| (two[0], two[1])).collect()
    };
    let (a, mut b) = (pairs(left), pairs(right));
    let all = a.len() + b.len();
    if all == 0 {
        return 0;
    }
    let mut shared = 0;
    for pair in a {
        if let Some(place) = b.iter().position(|own| *own == pair) {
            b.swap_remove(place);
            shared += 2;
        }
    }
    u32::try_from(shared * 100 / all).unwrap_or(0)
}

/// Words of a name, and what stands between them.
fn words(name: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut before = None;
    for letter in name.chars() {
        let kind = letter.is_ascii_alphanumeric();
        match all.last_mut() {
            Some(word) if before == Some(kind) => word.push(letter),
            _ => all.push(letter.to_string()),
        }
        before = Some(kind);
    }
    all
}

/// How names of the source become names of the target, as learned from pairs of either.
#[derive(Debug, Clone, Default)]
pub(super) struct Renaming {
    seen: BTreeMap<(String, String), usize>,
    source: String,
    target: String,
}

impl Renaming {
    pub(super) fn between(source: &str, target: &str) -> Self {
        Self { seen: BTreeMap::new(), source: source.to_owned(), target: target.to_owned() }
    }

    /// Learns from two resources that stand for one another, and from their groups.
    pub(super) fn learn_of(&mut self, source: &ResourceId, target: &ResourceId) {
        self.learn(source.name(), target.name());
        self.learn(source.resource_group(), target.resource_group());
    }

    /// Learns from two names that stand for one another: where they differ in one word.
    pub(super) fn learn(&mut self, source: &str, target: &str) {
        let (a, b) = (words(source), words(target));
        if a.len() != b.len() {
            return;
        }
        let mut differ = a
            .iter()
            .zip(&b)
            .filter(|(a, b)| !a.eq_ignore_ascii_case(b))
            .map(|(a, b)| (a.to_ascii_lowercase(), b.to_ascii_lowercase()));
        if let (Some(pair), None) = (differ.next(), differ.next()) {
            *self.seen.entry(pair).or_default() += 1;
        }
    }

    /// The name at the target; one that nothing is known of says where it is.
    pub(super) fn name(&self, source: &str) -> String {
        let new = self.replaced(source);
        if new.eq_ignore_ascii_case(source) {
            return format!("{source}-{}", self.target);
        }
        new
    }

    /// What the target's region is called in the way in which this word calls the source's.
    fn short(&self, word: &str) -> Option<String> {
        let of =
            |region: &str| SHORT.iter().find(|(name, _)| *name == region).map(|(_, short)| short);
        let place = of(&self.source)?.iter().position(|own| own.eq_ignore_ascii_case(word))?;
        of(&self.target)?.get(place).map(|own| (*own).to_owned())
    }

    /// The name with the words exchanged that are known to differ; the same one where none does.
    pub(super) fn replaced(&self, source: &str) -> String {
        let exchanged = |word: String| {
            let known = self
                .seen
                .iter()
                .filter(|((from, _), _)| from.eq_ignore_ascii_case(&word))
                .max_by_key(|(_, count)| **count);
            match known {
                Some(((_, to), _)) => to.clone(),
                None if word.eq_ignore_ascii_case(&self.source) => self.target.clone(),
                None => self.short(&word).unwrap_or(word),
            }
        };
        words(source).into_iter().map(exchanged).collect()
    }
}

/// What people write for a region in names: as the Cloud Adoption Framework does, and as Azure Backup does.
const SHORT: [(&str, [&str; 2]); 44] = [
    ("australiacentral", ["auc", "acl"]),
    ("australiaeast", ["aue", "ae"]),
    ("australiasoutheast", ["ause", "ase"]),
    ("brazilsouth", ["brs", "brs"]),
    ("brazilsoutheast", ["brse", "bse"]),
    ("canadacentral", ["cac", "cnc"]),
    ("canadaeast", ["cae", "cne"]),
    ("centralindia", ["inc", "inc"]),
    ("centralus", ["cus", "cus"]),
    ("eastasia", ["ea", "ea"]),
    ("eastus", ["eus", "eus"]),
    ("eastus2", ["eus2", "eus2"]),
    ("francecentral", ["frc", "frc"]),
    ("francesouth", ["frs", "frs"]),
    ("germanynorth", ["gno", "gn"]),
    ("germanywestcentral", ["gwc", "gwc"]),
    ("israelcentral", ["ilc", "ilc"]),
    ("italynorth", ["itn", "itn"]),
    ("japaneast", ["jpe", "jpe"]),
    ("japanwest", ["jpw", "jpw"]),
    ("koreacentral", ["krc", "krc"]),
    ("koreasouth", ["krs", "krs"]),
    ("northcentralus", ["ncus", "ncus"]),
    ("northeurope", ["neu", "ne"]),
    ("norwayeast", ["noe", "nwe"]),
    ("norwaywest", ["now", "nww"]),
    ("polandcentral", ["plc", "plc"]),
    ("qatarcentral", ["qac", "qac"]),
    ("southafricanorth", ["san", "san"]),
    ("southafricawest", ["saw", "saw"]),
    ("southcentralus", ["scus", "scus"]),
    ("southeastasia", ["sea", "sea"]),
    ("southindia", ["ins", "ins"]),
    ("spaincentral", ["spc", "spc"]),
    ("swedencentral", ["sdc", "sdc"]),
    ("switzerlandnorth", ["chn", "szn"]),
    ("switzerlandwest", ["chw", "szw"]),
    ("uaenorth", ["uan", "uan"]),
    ("uksouth", ["uks", "uks"]),
    ("ukwest", ["ukw", "ukw"]),
    ("westeurope", ["weu", "we"]),
    ("westus", ["wus", "wus"]),
    ("westus2", ["wus2", "wus2"]),
    ("westus3", ["wus3", "wus3"]),
];

/// A name as expressions take it: `[a-z][a-z0-9_]*`.
pub(super) fn plain(name: &str) -> String {
    let mut plain: String = name
        .to_ascii_lowercase()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' })
        .collect();
    while plain.contains("__") {
        plain = plain.replace("__", "_");
    }
    let plain = plain.trim_matches('_').to_owned();
    // Names of steps are made of two of them and a few words, and have a limit.
    let cut: String = plain.chars().take(20).collect();
    match cut.chars().next() {
        Some(first) if first.is_ascii_lowercase() => cut,
        Some(_) => format!("n{cut}"),
        None => "it".to_owned(),
    }
}

/// A short key for each name, without the words that all of them have; no two alike.
pub(super) fn keys(names: &[String]) -> Vec<String> {
    let all: Vec<BTreeSet<String>> =
        names.iter().map(|name| plain(name).split('_').map(str::to_owned).collect()).collect();
    let common: BTreeSet<String> = match all.split_first() {
        Some((first, rest)) if !rest.is_empty() => first
            .iter()
            .filter(|word| rest.iter().all(|other| other.contains(*word)))
            .cloned()
            .collect(),
        _ => ["vnet", "vn", "network", "spoke"].map(str::to_owned).into(),
    };
    let mut taken = BTreeSet::new();
    let mut result = Vec::new();
    for name in names {
        let own = plain(name);
        let rest: Vec<&str> = own.split('_').filter(|word| !common.contains(*word)).collect();
        let mut key = plain(&rest.join("_"));
        if rest.is_empty() {
            key = own;
        }
        let mut unique = key.clone();
        let mut number = 2;
        while !taken.insert(unique.clone()) {
            unique = format!("{key}_{number}");
            number += 1;
        }
        result.push(unique);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_like_those_that_were_seen() {
        let mut renaming = Renaming::between("eastasia", "southeastasia");
        renaming.learn("vnet-hub-ea", "vnet-hub-sea");
        renaming.learn("vnet-hub-ea", "something-else");
        assert_eq!(renaming.name("con-hub-ea-hongkong"), "con-hub-sea-hongkong");
        assert_eq!(renaming.name("gw_EastAsia"), "gw_southeastasia");
        assert_eq!(renaming.name("gateway"), "gateway-southeastasia");
        let unseen = Renaming::between("westeurope", "northeurope");
        assert_eq!(unseen.name("vnet-hub-weu-01"), "vnet-hub-neu-01");
        assert_eq!(unseen.name("hub_WE"), "hub_ne");
    }

    #[test]
    fn a_key_leaves_out_what_all_names_have_and_is_plain_and_its_own() {
        let of = |names: &[&str]| keys(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["vnet-app1-sea", "vnet-app2-sea"]), ["app1", "app2"]);
        assert_eq!(of(&["Web.Tier", "9to5", "web_tier"]), ["web_tier", "n9to5", "web_tier_2"]);
        assert_eq!(of(&["vnet-payroll"]), ["payroll"]);
    }

    #[test]
    fn the_likeness_of_names_knows_their_numbers() {
        assert!(
            likeness("vnet-app1-ea", "vnet-app1-sea") > likeness("vnet-app1-ea", "vnet-app2-sea")
        );
        assert!(likeness("Web_Tier", "webtier-dr") > 60);
        assert_eq!(likeness("", "a"), 0);
    }
}
