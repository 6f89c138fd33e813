//! What does the person see? The only file that prints or asks. Data on stdout, talk on stderr.
//!
//! Nothing passes here with a known secret in it, or with a letter that would steer the terminal: whoever
//! wrote it, Azure, a file or a person.

use std::io::{BufRead, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;

use super::args::{CiArg, Output};
use super::error::CliError;
use super::settings::{self, Environment};
use super::voice;
use crate::outward;
use crate::render::Ourselves;
use crate::render::Style;
use crate::render::machine::ci::{self, CiSystem};
use crate::render::progress::StandingLine;
use crate::render::style::{Color, Flow, Zone, for_screen};

/// Why the first data that stdout did not take was lost.
static UNWRITTEN: OnceLock<String> = OnceLock::new();

/// The least and the most columns that a page uses.
const WIDTHS: (usize, usize) = (40, 200);

/// Columns of what is no terminal, where the environment says nothing.
const WIDTH: usize = 110;

/// The person's screen.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    /// What the data looks like: for people, or for machines.
    pub output: Output,
    /// Whether machines get a line for each object, and a run's events as they happen.
    pub lines: bool,
    /// What stdout can show.
    pub out: Style,
    /// What stderr can show.
    pub err: Style,
    /// Whether stdin and stderr are a terminal: whether somebody can be asked.
    pub somebody: bool,
    /// Whether stderr is a terminal that can redraw lines.
    pub live: bool,
    /// Whether stdout is one, too, that a whole screen can be drawn on.
    pub full_screen: bool,
    /// The CI system whose agent reads what is printed.
    pub ci: Option<CiSystem>,
    /// How this program is called again: part of every command of ours that is said.
    pub ours: &'static Ourselves,
    /// Columns that the environment asks for, whatever the terminal has.
    asked_columns: Option<usize>,
}

/// A question that waits on the screen, until this goes.
#[derive(Debug)]
pub(super) struct OpenQuestion;

impl Drop for OpenQuestion {
    fn drop(&mut self) {
        voice::answered();
    }
}

/// How a person wants to be spoken to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// In sentences, without colour, bars or lines that redraw.
    pub plain: bool,
    /// By the clock of this host's zone.
    pub local_time: bool,
}

impl Ui {
    /// The screen as the environment describes it.
    #[must_use]
    pub fn new(output: Output, environment: &Environment, manner: Manner) -> Self {
        let no_color = environment.no_color || environment.dumb || manner.plain;
        let asked_columns = environment.columns;
        let zone = if manner.local_time { settings::local_zone() } else { Zone::Utc };
        let flow = if manner.plain { Flow::Sentences } else { Flow::Columns };
        let style = |terminal: bool| Style {
            color: if terminal && !no_color { Color::Yes } else { Color::No },
            width: width(asked_columns.or_else(|| terminal.then(terminal_columns).flatten())),
            zone,
            flow,
        };
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let somebody = std::io::stdin().is_terminal() && err;
        let redraws = !environment.dumb && !manner.plain;
        let (output, lines) = match output {
            Output::Text => (Output::Text, false),
            Output::Json => (Output::Json, false),
            Output::Jsonl => (Output::Json, true),
        };
        Self {
            output,
            lines,
            out: style(out),
            err: style(err),
            somebody,
            live: err && redraws,
            full_screen: out && somebody && redraws,
            ci: None,
            ours: Box::leak(Box::default()),
            asked_columns,
        }
    }

    /// The same for a CI system whose agent looks for commands in what is printed.
    #[must_use]
    pub fn within(self, ci: CiArg, environment: &Environment) -> Self {
        let ci = match ci {
            CiArg::Auto => environment.ci,
            CiArg::Github => Some(CiSystem::GitHub),
            CiArg::AzureDevops => Some(CiSystem::AzureDevOps),
            CiArg::None => None,
        };
        Self { ci, ..self }
    }

    /// A text in which an agent that reads along finds no command of somebody else's.
    fn defused(self, text: String) -> String {
        match self.ci {
            Some(_) => ci::defused(&text).into_owned(),
            None => text,
        }
    }

    /// A command for the CI system, on a line of its own.
    pub(super) fn command(self, command: &str) {
        if self.ci.is_some() {
            voice::say(format!("{}\n", for_screen(&outward::redacted(command))).into_bytes());
        }
    }

    /// The same where runs are kept at a place that was named. A process has one such place, and keeps its name.
    #[must_use]
    pub fn keeping_runs_at(self, place: Option<&Path>, store: Option<&str>) -> Self {
        Self { ours: Box::leak(Box::new(Ourselves::at(place, store))), ..self }
    }

    /// What stdout can show now: a window may have been resized.
    #[must_use]
    pub fn out_now(&self) -> Style {
        // What is no terminal keeps its width.
        match std::io::stdout().is_terminal() {
            true => Style { width: self.err_now().width, ..self.out },
            false => self.out,
        }
    }

    /// What stderr can show now: a window may have been resized.
    #[must_use]
    pub fn err_now(&self) -> Style {
        let columns = self.asked_columns.or_else(terminal_columns);
        Style { width: columns.map_or(self.err.width, |columns| width(Some(columns))), ..self.err }
    }

    /// Data. A reader that has gone away wants no more of it, which is no error.
    pub fn data(&self, text: &str) {
        let free = outward::redacted(text);
        let text = match self.output {
            Output::Text => self.defused(for_screen(&free)),
            Output::Json | Output::Jsonl => {
                let text = outward::visible_in_json(&free).into_owned();
                let text = if self.lines { on_one_line(text) } else { text };
                match self.ci {
                    Some(_) => ci::defused_json(&text).into_owned(),
                    None => text,
                }
            }
        };
        // What was said before it is on the screen first, if anybody reads there.
        voice::finish();
        let mut out = std::io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        // Who closes a pipe has read enough.
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
        {
            drop(UNWRITTEN.set(error.to_string()));
        }
    }

    /// Why data did not come to stdout whole, if it did not.
    pub(super) fn unwritten() -> Option<&'static str> {
        UNWRITTEN.get().map(String::as_str)
    }

    /// A line of data.
    pub fn data_line(&self, line: &str) {
        self.data(&format!("{line}\n"));
    }

    /// Talk: one or more lines. Never waits for a reader.
    pub fn say(&self, text: &str) {
        let text = self.defused(for_screen(&outward::redacted(&self.ours.within(text))));
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

    /// Lets these lines stand below all that is said from now on.
    pub(super) fn stand(lines: Vec<StandingLine>) {
        let clean = |line: StandingLine| StandingLine {
            text: for_screen(&outward::redacted(&line.text)),
            ..line
        };
        voice::stand(lines.into_iter().map(clean).collect());
    }

    /// Says what is asked, and stays on the line for the answer, as long as the question is kept.
    pub(super) fn prompt(&self, question: &str) -> OpenQuestion {
        let question = for_screen(&outward::redacted(question));
        voice::ask(format!("{question} ").into_bytes());
        voice::finish();
        OpenQuestion
    }

    /// Asks and waits for a line; none when there is no more input.
    #[must_use]
    pub fn ask(&self, question: &str) -> Option<String> {
        let _open = self.prompt(question);
        Self::line()
    }

    /// Waits for a line; none when there is no more input.
    #[must_use]
    pub fn line() -> Option<String> {
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().to_owned()),
        }
    }
}

/// An object on a line of its own; what is lines already stays.
fn on_one_line(text: String) -> String {
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(object) => format!("{object}\n"),
        Err(_) => text,
    }
}

fn width(columns: Option<usize>) -> usize {
    columns.unwrap_or(WIDTH).clamp(WIDTHS.0, WIDTHS.1)
}

/// Columns of the terminal; none where it does not tell.
pub(super) fn terminal_columns() -> Option<usize> {
    let (columns, _) = ratatui::crossterm::terminal::size().ok()?;
    Some(usize::from(columns)).filter(|columns| *columns > 0)
}
