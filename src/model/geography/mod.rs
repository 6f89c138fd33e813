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
    let folded = folded(name);
    let named = || LOCATIONS.iter().filter(|place| self::folded(place.name) == folded);
    let found = named().find(|place| Some(place.cloud) == cloud).or_else(|| named().next());
    found.or_else(|| place_of_port(name, cloud))
}

/// A location's name, however it is written: Metro locations are their city's, and documents and circuits write `Hong
/// Kong SAR` and `Queretaro(Mexico)` as well (azure-docs expressroute-locations-providers.md, from 2026-09 on).
fn folded(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    let city = name.strip_suffix(" metro").unwrap_or(&name);
    city.replace(" sar", "").replace(' ', "")
}

/// Cities whose name is in none of the locations that stand there.
const SUBURBS: &[(&str, &str)] = &[("Ashburn", "Washington DC"), ("San Jose", "Silicon Valley")];

/// The location of a port, whose name says a building: `Equinix-Ashburn-DC2` (azure-docs, expressroute-howto-erdirect).
/// Sites of one city reach the same regions.
fn place_of_port(name: &str, cloud: Option<CloudName>) -> Option<&'static PeeringLocation> {
    let words: Vec<&str> = name.split('-').map(str::trim).collect();
    if words.len() < 3 {
        return None;
    }
    // Between the owner of the building and its number.
    let city = words[1..words.len() - 1].join(" ");
    let suburb = SUBURBS.iter().find(|(own, _)| own.eq_ignore_ascii_case(&city));
    let metro = suburb.map_or(city.as_str(), |(_, metro)| metro);
    let there = || LOCATIONS.iter().filter(|place| place.metro.eq_ignore_ascii_case(metro));
    there().find(|place| Some(place.cloud) == cloud).or_else(|| there().next())
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
    fn a_metro_location_is_its_citys_and_names_are_written_in_several_ways() {
        for (name, same) in [
            ("Amsterdam Metro", "Amsterdam"),
            ("Singapore Metro", "Singapore"),
            ("Washington DC Metro", "Washington DC"),
            ("Hong Kong SAR", "Hong Kong"),
            ("Hong Kong SAR2", "Hong Kong2"),
            ("Queretaro(Mexico)", "Queretaro (Mexico)"),
        ] {
            assert_eq!(location(name, None).unwrap().name, same, "{name}");
        }
        for unknown in ["Metro", "Atlantis Metro", "Amsterdam3"] {
            assert!(location(unknown, None).is_none(), "{unknown}");
        }
    }

    #[test]
    fn the_name_of_a_port_says_its_city() {
        for (port, metro) in [
            ("Equinix-London-LD5", "London"),
            ("equinix-ashburn-dc2", "Washington DC"),
            ("Equinix-San-Jose-SV1", "Silicon Valley"),
            ("Equinix-Hong-Kong-HK1", "Hong Kong"),
        ] {
            assert_eq!(location(port, Some(CloudName::Public)).unwrap().metro, metro, "{port}");
        }
        for unknown in ["Equinix-Atlantis-AT1", "London-LD5", "LD5", "-", ""] {
            assert!(location(unknown, None).is_none(), "{unknown}");
        }
    }

    #[test]
    fn names_are_unique_and_sorted() {
        assert!(REGIONS.is_sorted_by(|a, b| a.name < b.name));
        assert!(LOCATIONS.is_sorted_by(|a, b| a.name <= b.name));
        let chicago = |cloud| location("Chicago", Some(cloud)).unwrap().cloud;
        assert_ne!(chicago(CloudName::Public), chicago(CloudName::UsGovernment));
    }
}
