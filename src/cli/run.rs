//! How does a command go, from what was typed to its exit status?

use std::ffi::OsString;

use clap::{Parser, ValueEnum as _};
use tokio::task::JoinSet;

use super::args::{CommandLine, LogLevel, Output};
use super::command;
use super::context::Context;
use super::error::{CliError, Status};
use super::settings::Environment;
use super::ui::{Manner, Ui};
use super::{ci, logs, settings, silence, voice};
use crate::render::machine::stream;

/// Reads the command line and the environment, does what was asked, and says how it ended.
pub async fn run() -> Status {
    let status = asked().await;
    voice::finish();
    logs::finish();
    status
}

async fn asked() -> Status {
    let _told_of_limits = limits_are_errors();
    let environment = settings::environment();
    let line = match CommandLine::try_parse_from(settings::arguments()) {
        Ok(line) => line,
        Err(error) => {
            // Help and version are data; the rest is usage, with what was typed in it.
            if error.use_stderr() {
                return mistyped(&error.render().to_string(), &environment);
            }
            drop(error.print());
            return Status::Done;
        }
    };
    let of_run =
        if line.verb.is_about_a_run() { LogLevel::directives(line.log_level) } else { None };
    logs::start(environment.log.as_deref(), of_run);
    // What a process in the background says goes into a log, for people.
    let background =
        line.verb.drives().is_some_and(|(drive, _)| drive.detach.detached_as.is_some());
    let output = match line.output {
        Output::Jsonl if background => Output::Text,
        output => output,
    };
    let place = settings::named_state_dir(line.state_dir.as_deref(), &environment);
    let ui = Ui::new(output, &environment, line.manner())
        .within(line.ci, &environment)
        .keeping_runs_at(place.as_deref(), line.shared.store.as_deref());
    on_panic(ui);
    let context = match Context::new(&line, environment, ui) {
        Ok(context) => context,
        Err(error) => return failed(ui, &error),
    };
    let mut beside = JoinSet::new();
    beside.spawn(silence::tell(ui));
    context.remind(line.verb.needs_to_know_what_is_owed()).await;
    let is_for_data = line.verb.is_for_its_data();
    let status = match command::perform(line, &context).await {
        Ok(status) => status,
        Err(error) => failed(ui, &error),
    };
    let status = match Ui::unwritten().filter(|_| is_for_data && status == Status::Done) {
        Some(why) => {
            let what = format!("Standard output cannot be written: {why}.");
            let error = CliError::new(Status::OutOfReach, what)
                .hint("What was asked for is not there, or not whole: make room, and ask again.");
            ui.error(&error);
            error.status
        }
        None => status,
    };
    context.put_last_files().await;
    beside.shutdown().await;
    status
}

/// What was typed is no command of ours: said for people, and for machines where they were to read it.
fn mistyped(said: &str, environment: &Environment) -> Status {
    let output = asked_output(settings::arguments()).unwrap_or(Output::Text);
    let ui = Ui::new(output, environment, Manner::default());
    ui.say(said.trim_end());
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let error = CliError::usage(what).hint("See `backroad --help`.");
    for_machines(ui, &error);
    error.status
}

/// What data was asked for in words that were not understood as a whole.
fn asked_output(words: impl IntoIterator<Item = OsString>) -> Option<Output> {
    let mut words = words.into_iter().map(|word| word.to_string_lossy().into_owned());
    let mut value = None;
    while let Some(word) = words.next() {
        match word.strip_prefix("--output") {
            Some("") => value = words.next(),
            Some(rest) => value = rest.strip_prefix('=').map(str::to_owned).or(value),
            None if word == "--" => break,
            None => {}
        }
    }
    Output::from_str(&value?, false).ok()
}

fn failed(ui: Ui, error: &CliError) -> Status {
    ui.error(error);
    ci::failed(ui, error);
    for_machines(ui, error);
    error.status
}

/// The error as the last object of what machines read.
fn for_machines(ui: Ui, error: &CliError) {
    if ui.lines {
        let last = stream::refused_line(&error.what, &error.why, &error.hints, error.status.code());
        super::stream::finish(last);
    } else if ui.output == Output::Json {
        let object = serde_json::json!({
            "schema": "backroad.error/1",
            "error": error.what,
            "causes": error.why,
            "hints": error.hints.iter().map(|hint| ui.ours.within(hint)).collect::<Vec<_>>(),
            "status": error.status.code(),
        });
        ui.data(&crate::render::json::object(&object));
    }
}

/// A file that may not grow any more is an error of its write, with the file's name, and no end of this process.
#[cfg(unix)]
fn limits_are_errors() -> Option<tokio::signal::unix::Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    /// The signal's number: the same on Linux, macOS and the BSDs.
    const SIGXFSZ: i32 = 25;
    signal(SignalKind::from_raw(SIGXFSZ)).ok()
}

#[cfg(not(unix))]
fn limits_are_errors() {}

/// A panic is a bug of ours, and is told as one.
fn on_panic(ui: Ui) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(
            || "an unknown place".to_owned(),
            |place| format!("{}:{}", place.file(), place.line()),
        );
        tracing::error!(place, "a panic");
        // The message may hold what was being worked on; the place is enough to find it.
        ui.error(
            &CliError::new(Status::Bug, format!("This is a bug of backroad's, at {place}."))
                .hint("What was recorded is durable: resume the run. Please report the place."),
        );
        voice::finish();
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_that_was_asked_for_is_known_from_words_that_make_no_sense() {
        for (words, wanted) in [
            (&["backroad", "fly", "--output", "json"][..], Some(Output::Json)),
            (&["backroad", "--output=jsonl", "run"], Some(Output::Jsonl)),
            (&["backroad", "run"], None),
            (&["backroad", "run", "--output"], None),
            (&["backroad", "run", "--output", "xml"], None),
            (&["backroad", "run", "--", "--output", "json"], None),
        ] {
            assert_eq!(asked_output(words.iter().map(OsString::from)), wanted, "{words:?}");
        }
    }
}
