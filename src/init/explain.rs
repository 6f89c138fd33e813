//! What was found, and what follows from it? For a person who has not decided yet.

use std::fmt::Write as _;

use super::advice::Advice;
use super::draft::Draft;
use super::estate::KnownEstate;
use super::pairs::Counterpart;
use super::todo::Lack;

/// What an estate is, what fits it and what does not, and what would be written.
#[must_use]
pub fn explained(estate: &KnownEstate, advice: &Advice, draft: &Draft) -> String {
    let mut out = String::new();
    let source = advice.source.as_ref().map_or("a site on-premises", |own| own.as_str());
    writeln!(out, "From {source} to {}.\n", advice.target.as_str()).ok();
    out.push_str("Networks:\n");
    for hub in &advice.pairs.hubs {
        line(&mut out, "hub", &hub.hub);
        for spoke in &hub.spokes {
            line(&mut out, "spoke", spoke);
        }
    }
    if let Some(wan) = &draft.wan {
        let to_be_made = if wan.hub_exists { "" } else { "to be made: " };
        let (from, to) = (wan.source_hub.name(), wan.hub.name());
        writeln!(out, "  hub   {from} -> {to_be_made}{to} (of the virtual WAN {})", wan.wan.name())
            .ok();
        for own in &wan.matched {
            line(&mut out, "vnet", own);
        }
    } else if advice.pairs.hubs.is_empty() {
        out.push_str("  none that is peered with a hub\n");
    }
    out.push_str("\nCircuits:\n");
    for own in &estate.circuits {
        writeln!(
            out,
            "  {} at {}, {}{}",
            own.id.name(),
            super::circuits::place(own),
            own.tier.as_deref().unwrap_or("of an unknown tier"),
            if own.ready { "" } else { ", not ready" }
        )
        .ok();
    }
    out.push_str("\nStrategies:\n");
    for fit in &advice.fits {
        let mark = if fit.strategy == advice.strategy {
            "taken"
        } else if fit.fits {
            "fits"
        } else {
            "no"
        };
        writeln!(out, "  {mark:<6}{:<27}{}", fit.strategy.name(), fit.because.join(" ")).ok();
    }
    out.push_str("\nWhat the estate lacks today:\n");
    if draft.todo.lacks.is_empty() {
        out.push_str("  nothing that a step would not make\n");
    }
    out.push_str(&lacking(&draft.todo.lacks));
    out.push_str("\nWhat somebody must decide or look at:\n");
    for own in &draft.todo.decisions {
        writeln!(out, "  - {own}").ok();
    }
    out
}

/// What the estate lacks, each thing to be ticked off, with the commands that make it.
#[must_use]
pub fn lacking(all: &[Lack]) -> String {
    let mut out = String::new();
    for lack in all {
        writeln!(out, "  [ ] {}", lack.what).ok();
        for command in &lack.commands {
            writeln!(out, "        {command}").ok();
        }
    }
    out
}

fn line(out: &mut String, what: &str, own: &Counterpart) {
    let source = own.source.as_ref().map_or("", |own| own.id.name());
    let to_be_made = if own.planned { "to be made: " } else { "" };
    writeln!(out, "  {what:<6}{source} -> {to_be_made}{} ({})", own.target.id.name(), own.because)
        .ok();
}
