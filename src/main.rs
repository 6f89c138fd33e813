//! Starts the runtime, calls the command line, turns its status into an exit code; nothing else.

use std::process::ExitCode;

use backroad::cli::{self, Status};

fn main() -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return ExitCode::from(Status::Bug.code());
    };
    let ended = std::panic::catch_unwind(|| runtime.block_on(cli::run()));
    // A second interrupt leaves at once: what is still under way is not waited for.
    runtime.shutdown_background();
    ExitCode::from(ended.unwrap_or(Status::Bug).code())
}
