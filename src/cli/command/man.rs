//! What is there to look up? The manual page, from the same grammar that reads the command line.

use clap::CommandFactory;

use crate::cli::args::CommandLine;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Status};

pub(super) fn man(context: &Context) -> Result<Status, CliError> {
    let mut text = Vec::new();
    // Built, so that what every verb takes stands with it.
    let mut command = CommandLine::command();
    command.build();
    let failed = |error: std::io::Error| {
        CliError::new(Status::Bug, "The manual page cannot be made.").because(&error)
    };
    clap_mangen::Man::new(command.clone()).render(&mut text).map_err(failed)?;
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let page = clap_mangen::Man::new(verb.clone());
        let mut part = Vec::new();
        page.render_synopsis_section(&mut part).map_err(failed)?;
        page.render_description_section(&mut part).map_err(failed)?;
        page.render_options_section(&mut part).map_err(failed)?;
        // One page: a verb is a section, and its own sections are under it.
        text.extend_from_slice(format!(".SH \"{}\"\n", verb.get_name().to_uppercase()).as_bytes());
        text.extend_from_slice(String::from_utf8_lossy(&part).replace(".SH ", ".SS ").as_bytes());
    }
    context.ui.data(&String::from_utf8_lossy(&text));
    Ok(Status::Done)
}
