//! What can the reader's screen show? Colour, letters beyond ASCII, and how many columns.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::time::Duration;

use anstyle::{AnsiColor, Style as Paint};

use crate::model::{StepStatus, Timestamp};
use crate::outward;

/// What a screen can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colour may be used.
    pub color: Color,
    /// Columns of the screen.
    pub width: usize,
    /// Whose clock times are told by.
    pub zone: Zone,
    /// How a page is laid out.
    pub flow: Flow,
}

/// Whose clock times are told by. Each time is told with the name of its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Everybody's.
    Utc,
    /// The reader's own.
    Local(&'static jiff::tz::TimeZone),
}

/// How a page is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// In columns, with bars: for eyes.
    Columns,
    /// In sentences, one thing a line: for a screen reader, or a pipe.
    Sentences,
}

/// Whether colour may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// It may.
    Yes,
    /// It may not: no terminal, a dumb one, or `NO_COLOR`.
    No,
}

impl Style {
    /// No colour, a hundred columns: for files and pipes.
    pub const PLAIN: Self =
        Self { color: Color::No, width: 100, zone: Zone::Utc, flow: Flow::Columns };

    /// The time of day with its zone, `03:22 UTC`; with the day before it where that is not the day of `beside`.
    #[must_use]
    pub fn time(self, at: Timestamp, beside: Timestamp) -> String {
        let (at, beside) = (self.zoned(at), self.zoned(beside));
        match (at, beside) {
            (Some(at), Some(beside)) if at.date() == beside.date() => {
                at.strftime("%H:%M %Z").to_string()
            }
            (Some(at), _) => at.strftime("%Y-%m-%d %H:%M %Z").to_string(),
            (None, _) => String::new(),
        }
    }

    /// The day and the time with its zone: `2026-01-31 03:22 UTC`.
    #[must_use]
    pub fn day_and_time(self, at: Timestamp) -> String {
        self.zoned(at).map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M %Z").to_string())
    }

    /// The time of day to the second, without its zone: for a column whose head names that.
    #[must_use]
    pub fn second(self, at: Timestamp) -> String {
        self.zoned(at).map_or_else(String::new, |at| at.strftime("%H:%M:%S").to_string())
    }

    /// The name of the zone at that time.
    #[must_use]
    pub fn zone_name(self, at: Timestamp) -> String {
        self.zoned(at).map_or_else(String::new, |at| at.strftime("%Z").to_string())
    }

    fn zoned(self, at: Timestamp) -> Option<jiff::ZonedDateTime> {
        let zone = match self.zone {
            Zone::Utc => jiff::tz::TimeZone::UTC,
            Zone::Local(zone) => zone.clone(),
        };
        Some(jiff::Timestamp::from_millisecond(at.as_millis()).ok()?.to_zoned_datetime(zone))
    }

    /// The text in that paint, if colour may be used.
    #[must_use]
    pub fn paint(self, paint: Paint, text: &str) -> String {
        match self.color {
            Color::Yes => {
                let (on, off) = (paint.render().to_string(), paint.render_reset().to_string());
                format!("{}{text}{}", adopted(&on), adopted(&off))
            }
            Color::No => text.to_owned(),
        }
    }

    /// Bold.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.paint(Paint::new().bold(), text)
    }

    /// Less important.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.paint(Paint::new().dimmed(), text)
    }

    /// Good.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// Needs attention.
    #[must_use]
    pub fn warn(self, text: &str) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// Bad.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// In the colour of a step's status.
    #[must_use]
    pub fn by_status(self, status: StepStatus, text: &str) -> String {
        match status {
            StepStatus::Succeeded => self.good(text),
            StepStatus::Running => self.paint(AnsiColor::Cyan.on_default(), text),
            StepStatus::Waiting | StepStatus::Held => self.warn(text),
            StepStatus::Failed | StepStatus::TimedOut | StepStatus::UndoFailed => self.bad(text),
            StepStatus::Pending | StepStatus::Skipped | StepStatus::Undone => self.dim(text),
        }
    }
}

/// What our own paint begins with until it reaches the screen: nobody else's text can, since no other knows
/// the number, which each process draws anew.
fn ours() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    MARK.get_or_init(|| {
        let number = RandomState::new().hash_one("paint");
        format!("\u{1b}]{number:016x};")
    })
}

/// Text of our own making with paint in it, marked as ours.
#[must_use]
pub fn adopted(painted: &str) -> String {
    let mut out = String::with_capacity(painted.len() + 64);
    let mut rest = painted;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        match after.split_once('m') {
            Some((code, after)) if code.bytes().all(|b| b.is_ascii_digit() || b == b';') => {
                out.push_str(&format!("{}{code}m", ours()));
                rest = after;
            }
            _ => {
                out.push_str("\u{1b}[");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The text as a screen may have it: our own paint as such, and every other letter that would steer it made
/// visible. The last thing that is done to a text.
#[must_use]
pub fn for_screen(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (place, part) in text.split(ours()).enumerate() {
        match part.split_once('m') {
            Some((code, after)) if place > 0 => {
                out.push_str(&format!("\u{1b}[{code}m{}", outward::visible(after)));
            }
            _ => out.push_str(&outward::visible(part)),
        }
    }
    out
}

/// One letter for a status, distinct without colour.
#[must_use]
pub fn mark(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Succeeded => "✓",
        StepStatus::Running => "▸",
        StepStatus::Waiting => "?",
        StepStatus::Held => "!",
        StepStatus::Failed | StepStatus::UndoFailed => "✗",
        StepStatus::TimedOut => "⏱",
        StepStatus::Skipped => "–",
        StepStatus::Undone => "↶",
        StepStatus::Pending => "·",
    }
}

/// A duration as a clock shows it: `7:05`, `1:02:03`.
#[must_use]
pub fn clock(duration: Duration) -> String {
    let all = duration.as_secs();
    let (hours, minutes, seconds) = (all / 3_600, all / 60 % 60, all % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// A span of seconds, as [`clock`] shows it.
pub(super) fn span(seconds: f64) -> String {
    clock(Duration::from_secs_f64(seconds.max(0.0)))
}

/// A text of at most `width` characters, cut with an ellipsis.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A name of at most `width` characters, its middle left out: names that begin alike are told by their ends.
#[must_use]
pub fn cut_within(name: &str, width: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= width {
        return name.to_owned();
    }
    let kept = width.saturating_sub(1);
    let tail = kept / 2;
    let first = letters.iter().take(kept - tail);
    let last = letters.iter().skip(letters.len() - tail);
    first.chain(&['…']).chain(last).collect()
}

/// A text filled up with blanks to `width` characters.
#[must_use]
pub fn fill(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

/// A text broken at blanks into lines of at most `width` characters.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_grows_an_hour_when_it_needs_one() {
        assert_eq!(clock(Duration::from_secs(425)), "07:05");
        assert_eq!(clock(Duration::from_secs(3_723)), "1:02:03");
    }

    #[test]
    fn names_that_begin_alike_are_told_by_their_ends() {
        let cut = |name| cut_within(name, 8);
        assert_eq!(cut("circuit_ready"), "circ…ady");
        assert_eq!(cut("circuit_layer2"), "circ…er2");
        assert_eq!((cut("gateway"), cut("gateways").as_str()), ("gateway".to_owned(), "gateways"));
        assert_eq!(cut_within("circuit", 1), "…");
        assert_eq!(cut_within("über-großes", 6), "übe…es");
    }

    #[test]
    fn no_colour_means_no_escape() {
        assert_eq!(Style::PLAIN.bad("x"), "x");
        let colour = Style { color: Color::Yes, width: 80, ..Style::PLAIN };
        assert!(colour.bad("x").contains('\u{1b}'));
    }

    #[test]
    fn only_our_own_paint_reaches_the_screen() {
        let colour = Style { color: Color::Yes, width: 80, ..Style::PLAIN };
        let hostile = "\u{1b}[31mred\u{1b}]0;title\u{7}";
        let text = format!("{hostile} {}", colour.bad(hostile));
        let shown = for_screen(&text);
        assert_eq!(
            shown.matches('\u{1b}').count(),
            for_screen(&colour.bad("x")).matches('\u{1b}').count()
        );
        assert!(shown.starts_with("␛[31mred␛]0;title␇ \u{1b}["), "{shown:?}");
        assert!(shown.ends_with("\u{1b}[0m"), "{shown:?}");
        assert_eq!(for_screen(&Style::PLAIN.bad("✓ x")), "✓ x");
    }

    #[test]
    fn a_long_text_is_broken_at_blanks_and_loses_no_word() {
        let lines = wrap("one two three four", 9);
        assert_eq!(lines, ["one two", "three", "four"]);
    }
}
