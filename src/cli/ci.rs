//! What does a CI system get to see of a command? Annotations in its log, and a summary on its page.

use super::context::Context;
use super::error::CliError;
use super::files;
use super::ui::Ui;
use crate::outward;
use crate::render::machine::ci::{Annotation, AnnotationLevel, CiSystem, upload_summary};
use crate::runbook::{DiagnosticView, Severity};
use crate::store::added;

/// Bytes of a summary: GitHub takes a mebibyte of a step.
const SUMMARY_BYTES_MAX: usize = 900 << 10;

/// Annotations of one command: systems show a few tens at most.
const ANNOTATIONS_MAX: usize = 50;

/// Marks that the command failed, and why.
pub(super) fn failed(ui: Ui, error: &CliError) {
    let mut message = vec![error.what.clone()];
    message.extend(error.why.iter().map(|why| format!("because: {why}")));
    message.extend(error.hints.iter().map(|hint| format!("hint: {hint}")));
    annotate(
        ui,
        &Annotation {
            level: AnnotationLevel::Error,
            title: "backroad".to_owned(),
            message: message.join("\n"),
            file: None,
            place: (0, 0),
        },
    );
}

/// Marks one thing.
pub(super) fn annotate(ui: Ui, annotation: &Annotation) {
    if let Some(system) = ui.ci {
        ui.command(&annotation.command(system));
    }
}

/// Marks what is wrong in files, the errors first.
pub(super) fn diagnostics(ui: Ui, found: &[DiagnosticView]) {
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    let others = found.iter().filter(|one| one.severity != Severity::Error);
    for one in errors.chain(others).take(ANNOTATIONS_MAX) {
        let message = match &one.help {
            Some(help) => format!("{}\nhelp: {help}", one.message),
            None => one.message.clone(),
        };
        annotate(
            ui,
            &Annotation {
                level: match one.severity {
                    Severity::Error => AnnotationLevel::Error,
                    Severity::Warning => AnnotationLevel::Warning,
                },
                title: one.code.to_owned(),
                message,
                file: Some(one.file.clone()),
                place: (one.line, one.column),
            },
        );
    }
}

/// Marks what is wrong with steps of a runbook, at their lines.
pub(super) fn steps(ui: Ui, file: &str, text: &str, wrong: &[(String, String)]) {
    for (step, message) in wrong.iter().take(ANNOTATIONS_MAX) {
        let annotation = Annotation {
            level: AnnotationLevel::Error,
            title: format!("step {step}"),
            message: message.clone(),
            file: Some(file.to_owned()),
            place: (line_of(text, step), 0),
        };
        annotate(ui, &annotation);
    }
}

/// The line at which a step is written, from 1; 0 where it comes from elsewhere.
fn line_of(text: &str, step: &str) -> usize {
    let key = format!("{step}:");
    let steps = text.lines().position(|line| line.trim_end() == "steps:").unwrap_or(0);
    let mut lines = text.lines().enumerate().skip(steps);
    lines.find(|(_, line)| line.trim() == key).map_or(0, |(place, _)| place + 1)
}

/// Adds Markdown to the page of the CI system's run. That it cannot is said, and is no failure.
pub(super) fn summarize(context: &Context, name: &str, markdown: &str) {
    let Some(system) = context.ui.ci else { return };
    let free = outward::redacted(markdown);
    let end = free.floor_char_boundary(SUMMARY_BYTES_MAX);
    let text = format!("{}\n", &free[..end]);
    let environment = &context.environment;
    let done = match system {
        CiSystem::GitHub => match &environment.step_summary {
            Some(path) => added::add(path, text.as_bytes()).map_err(|error| error.to_string()),
            None => return,
        },
        CiSystem::AzureDevOps => match &environment.agent_folder {
            Some(folder) => {
                // One a process: the agent takes it when the step has ended.
                let path = folder.join(format!("backroad-{name}-{}.md", std::process::id()));
                files::write_over(&path, text.as_bytes())
                    .map(|()| context.ui.command(&upload_summary(&path.display().to_string())))
                    .map_err(|error| error.what)
            }
            None => return,
        },
    };
    if let Err(why) = done {
        let mark = context.ui.err.warn("warning:");
        context.ui.say(&format!("{mark} The summary for the CI system is not written: {why}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_found_at_its_own_line_and_not_at_a_parameters() {
        let text = "params:\n  go:\n    type: text\nsteps:\n  first:\n    action: wait\n  go:\n";
        assert_eq!((line_of(text, "go"), line_of(text, "first"), line_of(text, "no")), (7, 5, 0));
    }
}
