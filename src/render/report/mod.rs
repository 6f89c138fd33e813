//! What happened? A run as a report: an auditor files it, a coordinator compares it with the last one.
//!
//! Everything in it is read from the run's events; a drill's world adds what each site reached.

mod build;
mod compare;
mod departures;
mod moment;
mod picture;
mod said;
mod view;
mod written;

use super::template::{TemplateError, Templates};

pub use super::split::{Split, split};
pub use build::{ReportMaterial, report};
pub use compare::compare;
pub use view::{
    Deviation, Pair, REPORT_SCHEMA, Reached, Recovery, Report, ReportField, ReportStep,
    ReportStrikes, ReportTold, ReportTry, ReportVersion, ReportWord, ReportWrite, RunComparison,
    SplitPart,
};

/// The report as one HTML page.
///
/// # Errors
/// A template is not one, or names what is not there.
pub fn html(report: &Report, templates: &Templates) -> Result<String, TemplateError> {
    templates.fill("report.html", report)
}

/// The report as Markdown.
///
/// # Errors
/// A template is not one, or names what is not there.
pub fn markdown(report: &Report, templates: &Templates) -> Result<String, TemplateError> {
    Ok(super::document::tidy(&templates.fill("report.md", report)?))
}
