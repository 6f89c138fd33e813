//! What can be typed? A shell's completions, from the same grammar that reads the command line.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::args::CommandLine;
use crate::cli::context::Context;
use crate::cli::error::Status;

/// What `completions` takes.
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: Shell,
}

pub(super) fn completions(context: &Context, shell: Shell) -> Status {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "backroad", &mut text);
    context.ui.data(&String::from_utf8_lossy(&text));
    Status::Done
}
