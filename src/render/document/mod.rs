//! What can a person follow by hand, a change board approve and an auditor file? The runbook as a document.
//!
//! Comes in: [`Material`], gathered by who asks. Goes out: a [`Document`], and that as HTML or Markdown
//! with its pictures. Same material, same bytes.

mod broken;
mod estate;
mod hub_estate;
mod hubs;
mod last_path;
pub mod material;
mod network_map;
mod numbered;
mod only;
mod outside;
mod part;
mod schedule;
mod script;
pub(super) mod sketches;
pub mod step_view;
mod steps;
mod timeline;
mod topology;
mod tunnels;
mod usual;
mod values;
pub mod view;
mod words;

#[cfg(test)]
pub(super) mod tests;

pub use material::Material;
pub use script::script;
pub use view::{Document, LastRun};

use part::PartWay;
use view::{ContentsEntry, DocumentPart, Version, Warning};

use super::template::{TemplateError, Templates};
use crate::model::canonical::canonical;

/// The schema of a document's view.
pub const DOCUMENT_SCHEMA: &str = "backroad.document/1";

/// The template of a document as a page.
pub const HTML: &str = "runbook.html";
/// The template of a document as Markdown.
pub const MARKDOWN: &str = "runbook.md";

/// Who signs a document.
const SIGNED: [&str; 3] = ["Prepared by", "Reviewed by", "Approved by"];

/// A document with what stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The document.
    pub text: String,
    /// Pictures beside it, by file name; none for a page, which holds its own.
    pub files: Vec<(String, String)>,
}

/// A duration in seconds as documents write it.
#[must_use]
pub fn time(seconds: f64) -> String {
    words::time(words::seconds(seconds))
}

/// The document of a runbook and, where one is named, of the runbook that leads back.
#[must_use]
pub fn document(
    failover: &Material,
    failback: Option<&Material>,
    templates: &Templates,
    last_run: Option<LastRun>,
) -> Document {
    let parts = failover.plan.parts();
    let mut all = vec![part::part(failover, "a", PartWay::Over, 1)];
    if let Some(failback) = failback {
        all.push(part::part(failback, "b", PartWay::Back, 11));
    }
    let mut versions = versions(failover);
    if let Some(failback) = failback {
        versions.push(version(
            "Way back",
            &failback.source_digest,
            &format!("the text of {} and of the parts that it uses", failback.plan.parts().runbook),
        ));
    }
    versions.push(version(
        "Templates",
        &templates.digest(),
        "the texts that this document was made with",
    ));
    Document {
        schema: DOCUMENT_SCHEMA.to_owned(),
        generator: format!("backroad {}", env!("CARGO_PKG_VERSION")),
        title: parts.title.clone(),
        runbook: parts.runbook.to_string(),
        profile: parts.profile.clone(),
        owner: parts.owner.as_ref().map(|owner| owner.team.clone()),
        contact: parts.owner.as_ref().and_then(|owner| owner.contact.clone()),
        objective: parts.objective.rto.map(words::time),
        approvals: SIGNED.iter().map(|text| (*text).to_owned()).collect(),
        versions,
        last_run,
        warnings: all.iter().flat_map(warnings).collect(),
        contents: all.iter().flat_map(contents).collect(),
        parts: all,
    }
}

fn version(of: &str, digest: &str, about: &str) -> Version {
    Version {
        of: of.to_owned(),
        digest: digest.to_owned(),
        short: digest.chars().take(12).collect(),
        about: about.to_owned(),
    }
}

fn versions(material: &Material) -> Vec<Version> {
    let parts = material.plan.parts();
    let values = serde_json::json!({
        "profile": parts.profile, "params": parts.params, "secrets": parts.secrets,
    });
    let values = blake3::hash(canonical(&values).as_bytes()).to_hex().to_string();
    vec![
        version("Runbook", &material.source_digest, "its text and that of the parts that it uses"),
        version("Values", &values, "profile, parameters, and where secrets come from"),
        version(
            "Plan",
            material.plan.digest().as_str(),
            "what both mean; a run of it shows the same",
        ),
    ]
}

fn warnings(part: &DocumentPart) -> Vec<Warning> {
    let mut warnings = part.broken.clone();
    let at = |word: &str| Some(format!("{}-{word}", part.key));
    match &part.matrix {
        Some(matrix) if matrix.unhandled > 0 => warnings.push(Warning {
            text: format!(
                "{} of the faults that were drilled with {} are not handled.",
                matrix.unhandled, part.runbook
            ),
            anchor: at("matrix"),
        }),
        Some(_) => {}
        None => warnings.push(Warning {
            text: format!(
                "No fault was drilled with {}: what then happens is not proven.",
                part.runbook
            ),
            anchor: at("matrix"),
        }),
    }
    if let Some(why) = &part.undrilled {
        let because = if why.is_empty() { String::new() } else { format!(" {why}") };
        let text = format!("{} was not drilled for this document.{because}", part.runbook);
        warnings.push(Warning { text, anchor: None });
    }
    let unreached: Vec<String> = part
        .reach
        .iter()
        .filter(|row| row.wanted && !row.works)
        .map(|row| format!("{} does not reach {}", row.site, row.network))
        .collect();
    if let [first, others @ ..] = unreached.as_slice() {
        let more = match others.len() {
            0 => String::new(),
            n => format!(", and {n} more like it"),
        };
        let text = format!("After the drill of {} {first}{more}.", part.runbook);
        warnings.push(Warning { text, anchor: at("picture") });
    }
    warnings
}

fn contents(part: &DocumentPart) -> Vec<ContentsEntry> {
    let chapters = &part.chapters;
    [
        (&chapters.use_it, "When to use it", "use"),
        (&chapters.before, "Before it starts", "before"),
        (&chapters.values, "Values", "values"),
        (&chapters.changes, "What it writes, and the rights it needs", "changes"),
        (&chapters.picture, "The networks and the order of steps", "picture"),
        (&chapters.gates, "Gates, decisions and the point of no return", "gates"),
        (&chapters.steps, "The steps", "steps"),
        (&chapters.matrix, "When something goes wrong", "matrix"),
        (&chapters.undo, "Taking it back", "undo"),
        (&chapters.checklist, "Checklist", "checklist"),
    ]
    .map(|(number, title, word)| ContentsEntry {
        number: number.clone(),
        title: if part.kind == PartWay::Back.as_str() {
            format!("Way back: {title}")
        } else {
            title.to_owned()
        },
        anchor: format!("{}-{word}", part.key),
    })
    .to_vec()
}

/// The document as one page that needs nothing else.
///
/// # Errors
/// A template is not one, or names what is not there.
pub fn html(document: &Document, templates: &Templates) -> Result<Written, TemplateError> {
    Ok(Written { text: templates.fill(HTML, document)?, files: Vec::new() })
}

/// The document as Markdown, with its pictures as files beside it.
///
/// # Errors
/// A template is not one, or names what is not there.
pub fn markdown(
    document: &Document,
    materials: &[&Material],
    templates: &Templates,
) -> Result<Written, TemplateError> {
    let keys = ["a", "b"];
    let files =
        materials.iter().zip(keys).flat_map(|(material, key)| part::files(material, key)).collect();
    Ok(Written { text: tidy(&templates.fill(MARKDOWN, document)?), files })
}

/// Templates leave empty lines where they say nothing; one between blocks is enough.
pub(super) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    let mut fence: Option<String> = None;
    for line in text.lines() {
        let ticks: String = line.trim_start().chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if ticks == *open && line.trim() == ticks => fence = None,
            None if ticks.len() >= 3 => fence = Some(ticks),
            _ => {}
        }
        let line = if fence.is_some() { line } else { line.trim_end() };
        empty = if line.is_empty() && fence.is_none() { empty + 1 } else { 0 };
        if empty <= 1 && !(out.is_empty() && line.is_empty()) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
