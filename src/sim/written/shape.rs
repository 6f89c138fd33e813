//! Which properties does a body of a type have? What the published models of Azure's API say.
//!
//! `shape/properties.tsv` is made by `scripts/api-properties`; what newer api-versions brought is in `shape/fields.tsv`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

const PROPERTIES: &str = include_str!("../shape/properties.tsv");
const DATED: [&str; 2] =
    [include_str!("../shape/fields.tsv"), include_str!("../shape/observed.tsv")];

/// What recordings show, and no published model has.
const UNMODELLED: &[(&str, &str)] = &[
    ("Microsoft.Network/virtualHubs", "/properties/networkVirtualAppliances"),
    (PEERINGS, "/properties/remoteGateways"),
    (PEERINGS, "/properties/routeServiceVips"),
];

const PEERINGS: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";

/// What a property is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PropertyShape {
    /// A text, of these words where they are known.
    Text(Vec<&'static str>),
    /// A number.
    Number,
    /// True or false.
    Bool,
    /// A mapping whose keys are known.
    Object,
    /// A list of what stands under `*`.
    List,
    /// A list of resources of this type.
    Children(&'static str),
    /// Something whose inside is not ours to know.
    Any,
}

/// The properties of a type, by their paths.
#[derive(Debug, Default)]
pub(super) struct TypeShape {
    paths: BTreeMap<&'static str, PropertyShape>,
    /// What other api-versions have.
    dated: BTreeSet<&'static str>,
    /// The type, as Azure writes it.
    pub(super) name: &'static str,
}

static TABLE: LazyLock<BTreeMap<String, TypeShape>> = LazyLock::new(|| {
    let mut table: BTreeMap<String, TypeShape> = BTreeMap::new();
    for line in PROPERTIES.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split('\t');
        let (Some(kind), Some(path), Some(shape)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let shape = match shape {
            "text" => PropertyShape::Text(
                words.next().unwrap_or_default().split_terminator(',').collect(),
            ),
            "number" => PropertyShape::Number,
            "bool" => PropertyShape::Bool,
            "object" => PropertyShape::Object,
            "list" => PropertyShape::List,
            other => {
                other.strip_prefix("list of ").map_or(PropertyShape::Any, PropertyShape::Children)
            }
        };
        let own = table.entry(kind.to_ascii_lowercase()).or_default();
        own.name = kind;
        own.paths.insert(path, shape);
    }
    for line in DATED.iter().flat_map(|table| table.lines()).filter(|line| !line.starts_with('#')) {
        let mut words = line.split('\t');
        if let (Some(kind), Some(path)) = (words.next(), words.next())
            && let Some(own) = table.get_mut(&kind.to_ascii_lowercase())
        {
            own.dated.insert(path);
        }
    }
    table
});

/// The shape of a type, where it is known.
pub(super) fn of(kind: &str) -> Option<&'static TypeShape> {
    TABLE.get(&kind.to_ascii_lowercase())
}

/// The types whose shapes are known.
pub(super) fn types() -> impl Iterator<Item = &'static str> {
    TABLE.values().map(|shape| shape.name)
}

impl TypeShape {
    /// What stands at a path.
    pub(super) fn at(&self, path: &str) -> Option<&PropertyShape> {
        self.paths.get(path)
    }

    /// Whether another api-version has something there, or Azure says it whatever its models say.
    pub(super) fn had(&self, path: &str) -> bool {
        self.dated.contains(path) || UNMODELLED.contains(&(self.name, path))
    }

    /// The keys of the mapping at a path.
    pub(super) fn keys(&self, path: &str) -> impl Iterator<Item = &'static str> {
        let start = format!("{path}/");
        self.paths.keys().filter_map(move |own| {
            own.strip_prefix(&start).filter(|rest| !rest.contains('/') && *rest != "*")
        })
    }

    /// The lists of children that stand in a body: the key under `properties`, and the type.
    pub(super) fn children(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.paths.iter().filter_map(|(path, shape)| match shape {
            // A table shows the subnets that use it: those are others' children.
            PropertyShape::Children(kind) => {
                let key = path.strip_prefix("/properties/")?;
                let own = kind.strip_prefix(self.name)?.strip_prefix('/')?;
                own.eq_ignore_ascii_case(key).then_some((key, *kind))
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        assert!(types().count() >= 20);
        let networks = of("microsoft.network/VIRTUALNETWORKS").unwrap();
        assert_eq!(
            networks.at("/properties/addressSpace/addressPrefixes"),
            Some(&PropertyShape::List)
        );
        assert!(networks.keys("/properties/addressSpace").any(|key| key == "addressPrefixes"));
        let children: Vec<_> = networks.children().map(|(key, _)| key).collect();
        assert_eq!(children, ["subnets", "virtualNetworkPeerings"]);
    }

    #[test]
    fn the_reader_of_worlds_knows_the_properties_of_every_simulated_type() {
        // Of clients of their own, whose models are not read.
        let elsewhere = ["privateDnsZones", "trafficManagerProfiles"];
        let unknown: Vec<&str> = crate::sim::simulated_types()
            .filter(|kind| !elsewhere.iter().any(|own| kind.contains(own)) && of(kind).is_none())
            .collect();
        assert!(
            unknown.is_empty(),
            "{unknown:?}: no line in properties.tsv (scripts/api-properties)"
        );
    }
}
