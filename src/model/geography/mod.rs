//! Where is what? Azure's regions and peering locations, and which of them a circuit may join.

mod locations;
mod regions;

pub use locations::LOCATIONS;
pub use regions::REGIONS;

/// An Azure region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AzureRegion {
    /// Its name as ARM writes it.
    pub name: &'static str,
    /// Its cloud.
    pub cloud: CloudName,
    /// Its geopolitical region; empty when nobody says which.
    pub geopolitical: &'static str,
    /// Who says so.
    pub basis: Basis,
    /// Whether it has availability zones.
    pub zones: bool,
}

/// A peering location of ExpressRoute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeeringLocation {
    /// Its name as a circuit's `peeringLocation` writes it.
    pub name: &'static str,
    /// The city: two sites of one are two locations.
    pub metro: &'static str,
    /// Its cloud.
    pub cloud: CloudName,
    /// Its geopolitical region; empty when nobody says which.
    pub geopolitical: &'static str,
    /// Who says so.
    pub basis: Basis,
    /// The regions that a Local circuit there reaches.
    pub local: &'static [&'static str],
}

/// A cloud; a circuit of one never reaches a network of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudName {
    /// Azure.
    Public,
    /// Azure in China.
    China,
    /// Azure for the government of the United States.
    UsGovernment,
}

/// How sure a line of a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Microsoft's documents say so.
    Documented,
    /// It follows from where the place is.
    Inferred,
}

/// The region of that name.
#[must_use]
pub fn region(name: &str) -> Option<&'static AzureRegion> {
    REGIONS.iter().find(|region| region.name.eq_ignore_ascii_case(name))
}

/// The peering location of that name: several clouds have one in the same city, so the one of this
/// cloud where there is one.
#[must_use]
pub fn location(name: &str, cloud: Option<CloudName>) -> Option<&'static PeeringLocation> {
    let named = || LOCATIONS.iter().filter(|place| place.name.eq_ignore_ascii_case(name));
    named().find(|place| Some(place.cloud) == cloud).or_else(|| named().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hong_kong_and_southeast_asia_are_in_one_geopolitical_region() {
        let location = location("hong kong", Some(CloudName::Public)).unwrap();
        assert_eq!(location.geopolitical, region("southeastasia").unwrap().geopolitical);
        assert_eq!(location.local, ["eastasia"]);
    }

    #[test]
    fn names_are_unique_and_sorted() {
        assert!(REGIONS.is_sorted_by(|a, b| a.name < b.name));
        assert!(LOCATIONS.is_sorted_by(|a, b| a.name <= b.name));
        let chicago = |cloud| location("Chicago", Some(cloud)).unwrap().cloud;
        assert_ne!(chicago(CloudName::Public), chicago(CloudName::UsGovernment));
    }
}
