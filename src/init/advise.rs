//! What fits this estate, and what does not? Regions, pairs of networks, and a word on each strategy.

use std::collections::BTreeSet;

use super::advice::{Advice, CONTACT, Fitness, TEAM, Wish};
use super::choice::{Chosen, InitQuestion};
use super::circuits::{self, at_place_of, place, reaches, spare, wants_premium};
use super::error::InitError;
use super::estate::{CircuitLink, KnownEstate, overlap};
use super::others;
use super::pairs::{self, Counterpart, Pairs};
use super::strategy::{Fit, Strategy};
use super::{site, tunnels, wan};
use crate::model::{Region, ResourceId, geography};

/// Looks at an estate.
///
/// # Errors
/// A region is not given and cannot be told, nothing stands in it, a parameter is unknown, or no strategy fits.
pub fn advise(estate: &KnownEstate, wish: &Wish) -> Result<Advice, InitError> {
    let chosen = Chosen::of(&wish.params)?;
    let from_site =
        matches!(wish.strategy, Some(Strategy::OnpremToAzure | Strategy::SiteRecoveryTest));
    let (source, target) = regions(estate, wish, from_site)?;
    let pairs = match &source {
        Some(source) if wish.strategy != Some(Strategy::OnpremToAzure) => {
            pairs::pair(estate, source, &target, &chosen.networks())
        }
        _ => {
            let moved = others::moved(estate, &target);
            site::alone(estate, &target, &moved, chosen.get("hub"))?
        }
    };
    said_networks(estate, &chosen, &target)?;
    let view = View { estate, source: source.as_ref(), target: &target, pairs: &pairs };
    let kept = view.kept();
    let fits: Vec<Fit> = Strategy::ALL.into_iter().map(|own| view.fit(own, kept)).collect();
    let strategy = match wish.strategy {
        Some(strategy) => match fits.iter().find(|fit| fit.strategy == strategy && fit.fits) {
            Some(fit) => fit.strategy,
            None => return Err(unfit(&fits, strategy)),
        },
        None => best(estate, &fits).ok_or_else(|| nothing_fits(&fits))?,
    };
    let found = fits.iter().find(|fit| fit.strategy == strategy);
    let found = found.and_then(|fit| fit.circuit.clone());
    let circuit = match chosen.get("circuit") {
        Some(name) => {
            let links = match strategy {
                Strategy::SameCircuit | Strategy::SameCircuitSwap => Some(view.source_links()),
                Strategy::DrCircuitPrepared => Some(view.target_links()),
                Strategy::VwanDrCircuit
                | Strategy::DrCircuit
                | Strategy::TwoCircuitsOneLocation
                | Strategy::VpnLastPath
                | Strategy::OnpremToAzure
                | Strategy::SiteRecoveryTest => None,
            };
            Some(circuits::said(estate, name, &target, links)?)
        }
        None => found,
    };
    let asked = asked(&view, strategy, circuit.as_ref(), &chosen);
    Ok(Advice { source, target, fits, strategy, asked, pairs, circuit, chosen, kept })
}

fn regions(
    estate: &KnownEstate,
    wish: &Wish,
    from_site: bool,
) -> Result<(Option<Region>, Region), InitError> {
    let there: BTreeSet<&Region> =
        estate.networks.iter().map(|own| &own.region).chain(wan::regions(estate)).collect();
    known(wish, &there)?;
    let left: BTreeSet<&Region> =
        sources(estate).into_iter().filter(|own| wish.target.as_ref() != Some(own)).collect();
    let source = source_of(wish, &there, &left, from_site)?;
    if source.is_some() && source == wish.target {
        return Err(InitError::new("Source and target are the same region.")
            .hint("A failover leads from one region to another."));
    }
    let source =
        if wish.strategy == Some(Strategy::OnpremToAzure) { wish.source.clone() } else { source };
    let others: BTreeSet<&Region> =
        there.iter().copied().filter(|own| source.as_ref() != Some(own)).collect();
    let target = target_of(wish, &others)?;
    Ok((source, target))
}

/// The regions that are wished for are Azure's, or have networks.
fn known(wish: &Wish, there: &BTreeSet<&Region>) -> Result<(), InitError> {
    for own in wish.source.iter().chain(&wish.target) {
        if geography::region(own.as_str()).is_none() && !there.contains(own) {
            let all = geography::REGIONS.iter().map(|region| region.name);
            let meant = crate::runbook::did_you_mean(own.as_str(), all);
            let mut error = InitError::new(format!("There is no region `{}`.", own.as_str()));
            error.hints.extend(meant.map(|own| format!("Did you mean `{own}`?")));
            return Err(error.hint(format!("The estate has networks in {}.", names(there))));
        }
    }
    Ok(())
}

/// The region that is left: the one that is wished for, or the only one that can be; none for a site.
fn source_of(
    wish: &Wish,
    there: &BTreeSet<&Region>,
    left: &BTreeSet<&Region>,
    from_site: bool,
) -> Result<Option<Region>, InitError> {
    Ok(match &wish.source {
        Some(source) if there.contains(source) => Some(source.clone()),
        Some(source) => {
            return Err(InitError::new(format!(
                "The estate has no network in {}.",
                source.as_str()
            ))
            .hint(format!("It has networks in {}.", names(there)))
            .hint("Name one of them with --source, or capture the subscription that has it."));
        }
        None => match left.iter().collect::<Vec<_>>().as_slice() {
            [one] => Some((**one).clone()),
            _ if from_site => None,
            [] => {
                return Err(InitError::new(
                    "No region has a gateway that is connected to a circuit, or a VPN.",
                )
                .hint("Say which region is left with --source.")
                .hint("For a site on-premises that fails over: --strategy onprem-to-azure."));
            }
            _ => {
                return Err(InitError::new("Several regions could be the one that is left.")
                    .hint(format!("Say which with --source: {}.", names(left))));
            }
        },
    })
}

/// The region that takes over: the one that is wished for, or the only other one.
fn target_of(wish: &Wish, others: &BTreeSet<&Region>) -> Result<Region, InitError> {
    Ok(match &wish.target {
        Some(target) => target.clone(),
        None => match others.iter().collect::<Vec<_>>().as_slice() {
            [one] => (**one).clone(),
            [] => {
                return Err(InitError::new("The estate has networks in one region only.")
                    .hint("Say with --target where production shall go; its networks may not be there yet."));
            }
            _ => {
                return Err(InitError::new("Several regions could take over.")
                    .hint(format!("Say which with --target: {}.", names(others))));
            }
        },
    })
}

fn names(all: &BTreeSet<&Region>) -> String {
    all.iter().map(|own| own.as_str()).collect::<Vec<_>>().join(", ")
}

/// Regions that something would be lost with: they are down, or else have a gateway that is connected.
fn sources(estate: &KnownEstate) -> BTreeSet<&Region> {
    let region = |network: &ResourceId| estate.network(network).map(|own| &own.region);
    let connected = estate.links.iter().filter_map(|link| {
        let gateway = estate.gateways.iter().find(|own| own.id == link.gateway)?;
        region(&gateway.network)
    });
    let mut all: BTreeSet<&Region> = connected.chain(wan::connected_regions(estate)).collect();
    if all.is_empty() {
        all = estate.gateways.iter().filter_map(|own| region(&own.network)).collect();
    }
    let down: BTreeSet<&Region> =
        all.iter().copied().filter(|own| estate.regions_down.contains(own)).collect();
    if down.is_empty() { all } else { down }
}

fn said_networks(estate: &KnownEstate, chosen: &Chosen, target: &Region) -> Result<(), InitError> {
    for (source, named) in chosen.networks() {
        let has = |name: &str, region: Option<&Region>| {
            estate.networks.iter().any(|own| {
                (own.id.name().eq_ignore_ascii_case(name)
                    || own.id.as_str().eq_ignore_ascii_case(name))
                    && region.is_none_or(|region| own.region == *region)
            })
        };
        let wrong = if !has(&source, None) {
            Some(source.clone())
        } else if has(&named, Some(target)) {
            None
        } else {
            Some(named.clone())
        };
        if let Some(wrong) = wrong {
            let all: Vec<&str> = estate
                .networks
                .iter()
                .filter(|own| own.region == *target)
                .map(|own| own.id.name())
                .collect();
            return Err(InitError::new(format!(
                "--param network.{source}={named} names `{wrong}`, which is not there."
            ))
            .hint(format!("{} has {}.", target.as_str(), all.join(", "))));
        }
    }
    Ok(())
}

struct View<'e> {
    estate: &'e KnownEstate,
    source: Option<&'e Region>,
    target: &'e Region,
    pairs: &'e Pairs,
}

impl View<'_> {
    fn counterparts(&self) -> impl Iterator<Item = &Counterpart> {
        self.pairs.hubs.iter().flat_map(|hub| std::iter::once(&hub.hub).chain(&hub.spokes))
    }

    /// Whether a network of the target has its source's addresses, or would have.
    fn kept(&self) -> bool {
        let there: Vec<&Counterpart> = self.counterparts().filter(|own| !own.planned).collect();
        let same = |own: &&Counterpart| {
            own.source.as_ref().is_some_and(|source| overlap(&source.space, &own.target.space))
        };
        there.is_empty() || there.iter().any(same)
    }

    /// The connections of the source's gateways.
    fn source_links(&self) -> Vec<&CircuitLink> {
        let hubs = self.pairs.hubs.iter().filter_map(|hub| hub.hub.source.as_ref());
        hubs.filter_map(|hub| self.estate.gateway_in(&hub.id))
            .flat_map(|gateway| self.estate.links_of(&gateway.id))
            .collect()
    }

    fn used(&self) -> Vec<ResourceId> {
        let links = self.source_links().into_iter().map(|link| link.circuit.clone());
        links.chain(wan::used_circuits(self.estate, self.source)).collect()
    }

    fn target_links(&self) -> Vec<&CircuitLink> {
        self.pairs
            .hubs
            .iter()
            .filter_map(|hub| self.estate.gateway_in(&hub.hub.target.id))
            .flat_map(|gateway| self.estate.links_of(&gateway.id))
            .collect()
    }

    fn fit(&self, strategy: Strategy, kept: bool) -> Fit {
        let judged = match strategy {
            Strategy::VwanDrCircuit => {
                wan::fit(self.estate, self.source, self.target, &self.used())
            }
            Strategy::DrCircuitPrepared => self.prepared(),
            Strategy::DrCircuit => self.another_circuit(false),
            Strategy::TwoCircuitsOneLocation => self.another_circuit(true),
            Strategy::SameCircuit => self.own_circuit(kept, false),
            Strategy::SameCircuitSwap => self.own_circuit(kept, true),
            Strategy::VpnLastPath => tunnels::fit(self.estate, self.pairs),
            Strategy::OnpremToAzure => others::site_fit(self.estate, self.target),
            Strategy::SiteRecoveryTest => others::test_fit(self.estate, self.pairs, self.target),
        };
        match judged {
            Ok((because, circuit)) => Fit { strategy, fits: true, because, circuit },
            Err(because) => Fit { strategy, fits: false, because, circuit: None },
        }
    }

    fn prepared(&self) -> Fitness {
        let links = self.target_links();
        let Some(first) = links.first() else {
            return Err(vec![
                "No gateway of the target's hub is connected to a circuit.".to_owned(),
            ]);
        };
        let why = links.iter().map(|link| {
            format!(
                "{} connects the target's gateway with {}.",
                link.id.name(),
                link.circuit.name()
            )
        });
        Ok((why.collect(), Some(first.circuit.clone())))
    }

    fn another_circuit(&self, same_place: bool) -> Fitness {
        if self.source_links().is_empty() {
            return Err(vec!["No gateway of the source is connected to a circuit.".to_owned()]);
        }
        let used = self.used();
        let spare = spare(self.estate, &used, self.target);
        let found =
            spare.iter().find(|own| at_place_of(self.estate, &used, own) == same_place).copied();
        if let Some(own) = found {
            let mut why = vec![format!(
                "{} at {} reaches {}, and the source does not use it.",
                own.id.name(),
                place(own),
                self.target.as_str()
            )];
            if !self.estate.has_session(&own.id) {
                why.push(
                    "On-premises has no session with it that stands: it carries nothing now."
                        .to_owned(),
                );
            }
            return Ok((why, Some(own.id.clone())));
        }
        let mut why = vec![
            if same_place {
                "There is no other circuit at the peering location of the source's."
            } else {
                "There is no other circuit at another peering location that would do."
            }
            .to_owned(),
        ];
        why.extend(circuits::why_not(self.estate, &used, self.target));
        Err(why)
    }

    fn own_circuit(&self, kept: bool, swap: bool) -> Fitness {
        let links = self.source_links();
        if links.is_empty() {
            return Err(vec!["No gateway of the source is connected to a circuit.".to_owned()]);
        }
        let mut why = Vec::new();
        match (kept, swap) {
            (true, false) => {
                return Err(vec![
                    "The target has addresses of the source, and a circuit cannot serve both."
                        .to_owned(),
                ]);
            }
            (false, true) => {
                return Err(vec![
                    "The target has addresses of its own: both connections may stand at once (same-circuit)."
                        .to_owned(),
                ]);
            }
            (true, true) => why.push(
                "The target has the source's addresses: the source's connection goes first."
                    .to_owned(),
            ),
            (false, false) => why.push("The target has addresses of its own.".to_owned()),
        }
        for link in links {
            let Some(own) = self.estate.circuit(&link.circuit) else {
                return Err(vec![format!("{} is not in the world.", link.circuit)]);
            };
            match reaches(own, self.target) {
                Ok(()) => why.push(format!("{} reaches {}.", own.id.name(), self.target.as_str())),
                Err(no) if wants_premium(own, self.target) => {
                    why.push(format!("{no}; that takes minutes and no downtime."));
                }
                Err(no) => return Err(vec![format!("{no}.")]),
            }
        }
        Ok((why, None))
    }
}

/// The first that fits; a circuit that carries nothing goes behind a VPN.
fn best(estate: &KnownEstate, fits: &[Fit]) -> Option<Strategy> {
    let fitting = || fits.iter().filter(|fit| fit.fits);
    let silent = |fit: &&Fit| {
        matches!(fit.strategy, Strategy::DrCircuit | Strategy::TwoCircuitsOneLocation)
            && fit.circuit.as_ref().is_some_and(|own| !estate.has_session(own))
    };
    let vpn = fitting().find(|fit| fit.strategy == Strategy::VpnLastPath);
    let carried = fitting().find(|fit| !silent(fit));
    let first = match carried {
        Some(fit) if !own_or_later(fit.strategy) => Some(fit),
        // With another circuit that is silent the source's own one is likely silent as well.
        _ if fitting().any(|fit| silent(&fit)) => vpn.or_else(|| fitting().next()),
        other => other,
    };
    first.map(|fit| fit.strategy)
}

fn own_or_later(strategy: Strategy) -> bool {
    strategy >= Strategy::SameCircuit
}

fn unfit(fits: &[Fit], strategy: Strategy) -> InitError {
    let mut error = InitError::new(format!("{} does not fit this estate.", strategy.name()));
    for fit in fits {
        if fit.strategy == strategy {
            error.hints.extend(fit.because.clone());
        }
    }
    let fitting: Vec<&str> =
        fits.iter().filter(|fit| fit.fits).map(|fit| fit.strategy.name()).collect();
    match fitting.as_slice() {
        [] => error,
        all => error.hint(format!("What fits: {}.", all.join(", "))),
    }
}

fn nothing_fits(fits: &[Fit]) -> InitError {
    let mut error = InitError::new("No strategy fits this estate.");
    for fit in fits {
        error.hints.push(format!("{}: {}", fit.strategy.name(), fit.because.join(" ")));
    }
    error
}

fn asked(
    view: &View<'_>,
    strategy: Strategy,
    circuit: Option<&ResourceId>,
    chosen: &Chosen,
) -> Vec<InitQuestion> {
    let mut asked = Vec::new();
    let choosable = matches!(
        strategy,
        Strategy::DrCircuit | Strategy::TwoCircuitsOneLocation | Strategy::VwanDrCircuit
    );
    let spare = spare(view.estate, &view.used(), view.target);
    if let Some(circuit) = circuit.filter(|_| choosable && spare.len() > 1) {
        asked.push(InitQuestion {
            key: "circuit".to_owned(),
            question: "Which circuit shall the target use?".to_owned(),
            options: spare.iter().map(|own| own.id.name().to_owned()).collect(),
            answer: circuit.name().to_owned(),
        });
    }
    for (key, question, answer) in [
        ("team", "Who answers for this runbook (a team)?", TEAM),
        ("contact", "How are they reached?", CONTACT),
        ("rto", "How long may a recovery take?", default_rto(strategy)),
    ] {
        asked.push(InitQuestion {
            key: key.to_owned(),
            question: question.to_owned(),
            options: Vec::new(),
            answer: answer.to_owned(),
        });
    }
    asked.retain(|own| chosen.get(&own.key).is_none());
    asked
}

/// The objective that a strategy keeps in drills, with room.
pub(super) fn default_rto(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::DrCircuitPrepared => "30m",
        Strategy::DrCircuit => "60m",
        Strategy::VpnLastPath | Strategy::VwanDrCircuit => "90m",
        Strategy::SiteRecoveryTest => "4h",
        Strategy::TwoCircuitsOneLocation
        | Strategy::SameCircuit
        | Strategy::SameCircuitSwap
        | Strategy::OnpremToAzure => "75m",
    }
}
