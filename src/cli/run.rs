//! How does a command go, from what was typed to its exit status?

use clap::Parser;

use super::args::{CommandLine, Output};
use super::command;
use super::context::Context;
use super::error::{CliError, Status};
use super::ui::{Manner, Ui};
use super::{logs, settings, voice};

/// Reads the command line and the environment, does what was asked, and says how it ended.
pub async fn run() -> Status {
    let status = asked().await;
    voice::finish();
    status
}

async fn asked() -> Status {
    let environment = settings::environment();
    let line = match CommandLine::try_parse_from(settings::arguments()) {
        Ok(line) => line,
        Err(error) => {
            // Help and version are data; the rest is usage, with what was typed in it.
            if error.use_stderr() {
                Ui::new(Output::Text, &environment, Manner::default())
                    .say(error.render().to_string().trim_end());
                return Status::Usage;
            }
            drop(error.print());
            return Status::Done;
        }
    };
    logs::start(environment.log.as_deref());
    let place = settings::named_state_dir(line.state_dir.as_deref(), &environment);
    let ui = Ui::new(line.output, &environment, line.manner()).keeping_runs_at(place.as_deref());
    on_panic(ui);
    let context = match Context::new(&line, environment, ui) {
        Ok(context) => context,
        Err(error) => return failed(ui, &error),
    };
    context.remind();
    match command::perform(line, &context).await {
        Ok(status) => status,
        Err(error) => failed(ui, &error),
    }
}

fn failed(ui: Ui, error: &CliError) -> Status {
    ui.error(error);
    if ui.output == Output::Json {
        let object = serde_json::json!({
            "schema": "backroad.error/1",
            "error": error.what,
            "causes": error.why,
            "hints": error.hints.iter().map(|hint| ui.ours.within(hint)).collect::<Vec<_>>(),
            "status": error.status.code(),
        });
        ui.data(&crate::render::json::object(&object));
    }
    error.status
}

/// A panic is a bug of ours, and is told as one.
fn on_panic(ui: Ui) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(
            || "an unknown place".to_owned(),
            |place| format!("{}:{}", place.file(), place.line()),
        );
        // The message may hold what was being worked on; the place is enough to find it.
        ui.error(
            &CliError::new(Status::Bug, format!("This is a bug of backroad's, at {place}."))
                .hint("What was recorded is durable: resume the run. Please report the place."),
        );
        voice::finish();
    }));
}
