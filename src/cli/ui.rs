//! What does the person see? The only file that prints or asks. Data on stdout, talk on stderr.
//!
//! Nothing passes here with a known secret in it, or with a letter that would steer the terminal: whoever
//! wrote it, Azure, a file or a person.

use std::io::{BufRead, IsTerminal, Write};

use super::args::Output;
use super::error::CliError;
use super::settings::Environment;
use super::voice;
use crate::outward;
use crate::render::Style;
use crate::render::style::{Color, for_screen};

/// The least and the most columns that a page uses.
const WIDTHS: (usize, usize) = (72, 160);

/// The person's screen.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    /// What the data looks like.
    pub output: Output,
    /// What stdout can show.
    pub out: Style,
    /// What stderr can show.
    pub err: Style,
    /// Whether stdin and stderr are a terminal: whether somebody can be asked.
    pub somebody: bool,
    /// Whether stderr is a terminal that can redraw lines.
    pub live: bool,
}

impl Ui {
    /// The screen as the environment describes it.
    #[must_use]
    pub fn new(output: Output, environment: &Environment) -> Self {
        let columns = environment.columns.unwrap_or(110);
        let width = columns.clamp(WIDTHS.0, WIDTHS.1);
        let plain = environment.no_color || environment.dumb;
        let style = |terminal: bool| Style {
            color: if terminal && !plain { Color::Yes } else { Color::No },
            width,
        };
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        Self {
            output,
            out: style(out),
            err: style(err),
            somebody: std::io::stdin().is_terminal() && err,
            live: err && !environment.dumb,
        }
    }

    /// Data. A reader that has gone away wants no more of it, which is no error.
    pub fn data(&self, text: &str) {
        let free = outward::redacted(text);
        let text = match self.output {
            Output::Text => for_screen(&free),
            Output::Json => outward::visible_in_json(&free).into_owned(),
        };
        // What was said before it is on the screen first, if anybody reads there.
        voice::finish();
        let mut out = std::io::stdout().lock();
        drop(out.write_all(text.as_bytes()));
        drop(out.flush());
    }

    /// Talk: one or more lines. Never waits for a reader.
    pub fn say(&self, text: &str) {
        let text = for_screen(&outward::redacted(text));
        voice::say(format!("{text}\n").into_bytes());
    }

    /// What went wrong: what, why, and what can be done.
    pub fn error(&self, error: &CliError) {
        let mut lines = vec![format!("{} {}", self.err.bad("error:"), error.what)];
        for why in &error.why {
            lines.push(format!("  because: {why}"));
        }
        for hint in &error.hints {
            lines.push(format!("  {} {hint}", self.err.bold("hint:")));
        }
        self.say(&lines.join("\n"));
    }

    /// Asks and waits for a line; none when there is no more input.
    #[must_use]
    pub fn ask(&self, question: &str) -> Option<String> {
        let question = for_screen(&outward::redacted(question));
        voice::say(format!("{question} ").into_bytes());
        voice::finish();
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().to_owned()),
        }
    }
}
