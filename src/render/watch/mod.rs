//! How does a whole screen show a run? Steps, what decides its end, people, and what happened.
//!
//! Comes in: a run's view with the truth of a moment, and its lines. Goes out: a frame. The same for a run that
//! goes on and for one that is stepped through afterwards; nothing here reads a key or a clock.

mod panels;

#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::style::Style;
use super::view::RunView;

/// What is shown.
#[derive(Debug, Clone)]
pub struct WatchPage<'a> {
    /// The run, with the truth of a moment in it.
    pub view: &'a RunView,
    /// What happened until then, a line each, the newest last.
    pub log: &'a [String],
    /// Which moment that is.
    pub moment: Moment,
    /// Why what is shown may be old, if it may.
    pub stale: Option<&'a str>,
    /// Steps above the first one that is shown; none lets the screen choose.
    pub scroll: Option<usize>,
    /// Colour and zone; the width is the frame's.
    pub style: Style,
}

/// Which moment of a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The present, or the end.
    Now,
    /// After so many events.
    After {
        /// The last that is counted.
        event: usize,
        /// How many there are.
        of: usize,
    },
}

/// From this width on the screen has two columns.
const TWO_COLUMNS: u16 = 96;

/// Draws the page; a screen that is too small shows its upper part.
pub fn draw(frame: &mut Frame<'_>, page: &WatchPage<'_>) {
    let area = frame.area();
    let head = panels::head(page, usize::from(area.width));
    let people = |width: u16| panels::people(page, usize::from(width));
    let head_rows = rows(&head).min(area.height / 2);
    if area.width >= TWO_COLUMNS {
        let [top, middle, log, keys] = areas(
            area,
            [
                Constraint::Length(head_rows),
                Constraint::Fill(2),
                Constraint::Fill(1),
                Constraint::Length(1),
            ],
        );
        let [left, right] =
            Layout::horizontal([Constraint::Percentage(52), Constraint::Fill(1)]).areas(middle);
        put(frame, top, head);
        panels::steps(frame, left, page);
        let asked = people(right.width.saturating_sub(2));
        let asked = if asked.is_empty() { panels::nobody() } else { asked };
        panels::framed(frame, right, "People", asked);
        panels::log(frame, log, page);
        put(frame, keys, vec![panels::keys(page, usize::from(area.width))]);
    } else {
        let people = people(area.width.saturating_sub(2));
        let wanted = if people.is_empty() { 0 } else { rows(&people).saturating_add(2) };
        let [top, asks, steps, log, keys] = areas(
            area,
            [
                Constraint::Length(head_rows),
                Constraint::Length(wanted.min(area.height * 2 / 5)),
                Constraint::Fill(2),
                Constraint::Fill(1),
                Constraint::Length(1),
            ],
        );
        put(frame, top, head);
        if wanted > 0 {
            panels::framed(frame, asks, "People", people);
        }
        panels::steps(frame, steps, page);
        panels::log(frame, log, page);
        put(frame, keys, vec![panels::keys(page, usize::from(area.width))]);
    }
}

fn areas<const N: usize>(area: Rect, constraints: [Constraint; N]) -> [Rect; N] {
    Layout::vertical(constraints).areas(area)
}

fn rows(lines: &[Line<'_>]) -> u16 {
    u16::try_from(lines.len()).unwrap_or(u16::MAX)
}

fn put(frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'_>>) {
    frame.render_widget(Paragraph::new(lines), area);
}
