//! Which circuits would do? What reaches the target's region, and which of several goes first.

use super::error::InitError;
use super::estate::{Circuit, CircuitLink, KnownEstate};
use super::names::likeness;
use crate::model::geography;
use crate::model::{Region, ResourceId};

/// Whether a circuit reaches a region, and why not.
pub(super) fn reaches(circuit: &Circuit, region: &Region) -> Result<(), String> {
    let tier = circuit.tier.as_deref().unwrap_or_default();
    let name = circuit.id.name();
    let at = geography::region(region.as_str());
    let place = circuit
        .place
        .as_deref()
        .and_then(|place| geography::location(place, at.map(|region| region.cloud)));
    let (Some(at), Some(place)) = (at, place) else {
        // What no table knows is no reason to say no; the preflight looks again.
        return Ok(());
    };
    if at.cloud != place.cloud {
        return Err(format!("{name} is in another cloud than {}", region.as_str()));
    }
    if tier.eq_ignore_ascii_case("Local") && !place.local.contains(&at.name) {
        return Err(format!(
            "{name} is a Local circuit at {}, which does not reach {}",
            place.name,
            region.as_str()
        ));
    }
    let known = !at.geopolitical.is_empty() && !place.geopolitical.is_empty();
    if tier.eq_ignore_ascii_case("Standard") && known && at.geopolitical != place.geopolitical {
        return Err(format!(
            "{name} is a Standard circuit at {} ({}), and {} is in {}: only Premium reaches it",
            place.name,
            place.geopolitical,
            region.as_str(),
            at.geopolitical
        ));
    }
    Ok(())
}

/// Whether what keeps a circuit from a region is its tier alone, which a customer may raise at any time.
pub(super) fn wants_premium(circuit: &Circuit, region: &Region) -> bool {
    let mut premium = circuit.clone();
    premium.tier = Some("Premium".to_owned());
    reaches(circuit, region).is_err() && reaches(&premium, region).is_ok()
}

/// Where a circuit is, for people.
pub(super) fn place(circuit: &Circuit) -> &str {
    circuit.place.as_deref().unwrap_or("a port of its own")
}

/// Circuits that the source does not use and that reach the target, the best first.
pub(super) fn spare<'e>(
    estate: &'e KnownEstate,
    used: &[ResourceId],
    target: &Region,
) -> Vec<&'e Circuit> {
    let mut spare: Vec<&Circuit> = estate
        .circuits
        .iter()
        .filter(|own| !used.contains(&own.id) && own.ready && reaches(own, target).is_ok())
        .collect();
    spare.sort_by_key(|own| std::cmp::Reverse(worth(estate, used, own, target)));
    spare
}

fn worth(
    estate: &KnownEstate,
    used: &[ResourceId],
    own: &Circuit,
    target: &Region,
) -> (bool, bool, bool, bool, u32) {
    let at = geography::region(target.as_str());
    let place =
        own.place.as_deref().and_then(|place| geography::location(place, at.map(|at| at.cloud)));
    let near = place.zip(at).is_some_and(|(place, at)| place.local.contains(&at.name));
    (
        estate.has_session(&own.id),
        !at_place_of(estate, used, own),
        near,
        own.region.as_ref() == Some(target),
        likeness(own.id.name(), target.as_str()),
    )
}

/// Whether a circuit is at the peering location of one of these.
pub(super) fn at_place_of(estate: &KnownEstate, used: &[ResourceId], own: &Circuit) -> bool {
    let same = |id: &ResourceId| {
        estate.circuit(id).is_some_and(|other| other.place.is_some() && other.place == own.place)
    };
    used.iter().any(same)
}

/// A circuit that was named: by its id, or by a name that only one has.
pub(super) fn named<'e>(estate: &'e KnownEstate, name: &str) -> Option<&'e Circuit> {
    let mut found = estate.circuits.iter().filter(|own| {
        own.id.name().eq_ignore_ascii_case(name) || own.id.as_str().eq_ignore_ascii_case(name)
    });
    found.next().filter(|_| found.next().is_none())
}

/// The circuit that somebody said, which must be one of these connections' where only those can be taken.
///
/// # Errors
/// There is none of that name, it does not reach the target, or the strategy cannot take it.
pub(super) fn said(
    estate: &KnownEstate,
    name: &str,
    target: &Region,
    links: Option<Vec<&CircuitLink>>,
) -> Result<ResourceId, InitError> {
    let own = named(estate, name).ok_or_else(|| {
        let all: Vec<&str> = estate.circuits.iter().map(|own| own.id.name()).collect();
        InitError::new(format!("There is no circuit `{name}`, or several are called so."))
            .hint(format!("The estate has {}; a whole id is taken as well.", all.join(", ")))
    })?;
    reaches(own, target).map_err(|why| InitError::new(format!("{why}.")))?;
    let Some(links) = links else { return Ok(own.id.clone()) };
    if links.iter().all(|link| link.circuit != own.id) {
        let all: Vec<&str> = links.iter().map(|link| link.circuit.name()).collect();
        return Err(InitError::new(format!(
            "--param circuit={name}: no connection that this strategy goes by leads to it."
        ))
        .hint(format!("They lead to {}; another strategy may take it.", all.join(", "))));
    }
    Ok(own.id.clone())
}

/// Whether a connection of the source can be ended from its circuit's side while the source is down: it was made with an
/// authorization, and the circuit is not managed there.
pub(super) fn is_revocable(
    estate: &KnownEstate,
    source: Option<&Region>,
    link: &CircuitLink,
) -> bool {
    link.authorization.is_some() && !goes_down_with(estate, &link.circuit, source)
}

/// Whether a circuit is managed, or its group is homed, in a region: while that is down nobody can write it.
pub(super) fn goes_down_with(
    estate: &KnownEstate,
    circuit: &ResourceId,
    region: Option<&Region>,
) -> bool {
    let own = estate.circuit(circuit).and_then(|own| own.region.as_ref());
    region.is_some() && (own == region || estate.home_of(circuit) == region)
}

/// Why circuits that the source does not use would not do, each as a sentence.
pub(super) fn why_not(estate: &KnownEstate, used: &[ResourceId], target: &Region) -> Vec<String> {
    let mut why = Vec::new();
    for own in estate.circuits.iter().filter(|own| !used.contains(&own.id)) {
        if let Err(no) = reaches(own, target) {
            why.push(format!("{no}."));
        } else if !own.ready {
            why.push(format!(
                "{} is not provisioned by its provider, or has no private peering.",
                own.id.name()
            ));
        }
    }
    why
}
