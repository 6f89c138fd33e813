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

/// Rows that the head keeps when others need the room: which run, and where it stands.
const HEAD_ROWS_MIN: u16 = 2;

/// Rows below which a frame shows nothing.
const FRAME_ROWS_MIN: u16 = 3;

/// Draws the page; a screen that is too small shows its upper part. Who must do what comes first: the other panels give
/// way to it.
pub fn draw(frame: &mut Frame<'_>, page: &WatchPage<'_>) {
    let area = frame.area();
    if area.width < TWO_COLUMNS || !two_columns(frame, page) {
        stacked(frame, page);
    }
}

/// Steps beside people. False, and nothing is drawn, where that has no room for what people have to do.
fn two_columns(frame: &mut Frame<'_>, page: &WatchPage<'_>) -> bool {
    let area = frame.area();
    let head = panels::head(page, usize::from(area.width));
    let head_rows = rows(&head).min(area.height / 2);
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
    let asked = panels::people(page, usize::from(right.width.saturating_sub(2)));
    if page.view.now.as_ref().is_some_and(|now| !now.asks.is_empty())
        && framed_rows(&asked) > right.height
    {
        return false;
    }
    put(frame, top, head);
    panels::steps(frame, left, page);
    let asked = if asked.is_empty() { panels::nobody() } else { asked };
    panels::framed(frame, right, "People", asked);
    panels::log(frame, log, page);
    put(frame, keys, vec![panels::keys(page, usize::from(area.width))]);
    true
}

/// One below the other.
fn stacked(frame: &mut Frame<'_>, page: &WatchPage<'_>) {
    let area = frame.area();
    let width = area.width.saturating_sub(2);
    let head = panels::head(page, usize::from(area.width));
    let left = area.height.saturating_sub(1);
    let room = left.saturating_sub(HEAD_ROWS_MIN.min(rows(&head)));
    let mut people = panels::people(page, usize::from(width));
    if framed_rows(&people) > room {
        let most = usize::from(room.saturating_sub(2));
        people = panels::people_shortly(page, usize::from(width), most);
    }
    let asks = framed_rows(&people).min(room);
    let head_rows = rows(&head).min(left.saturating_sub(asks));
    let rest = left.saturating_sub(asks + head_rows);
    // A frame without a line in it is none.
    let (asks, rest) = match rest < FRAME_ROWS_MIN && asks > 0 {
        true => (asks + rest, 0),
        false => (asks, rest),
    };
    // Two frames with a line in each, else one, else none.
    let log = if rest >= 2 * FRAME_ROWS_MIN { (rest / 3).max(FRAME_ROWS_MIN) } else { 0 };
    let [top, asked, steps, happened, keys] = areas(
        area,
        [
            Constraint::Length(head_rows),
            Constraint::Length(asks),
            Constraint::Fill(1),
            Constraint::Length(log),
            Constraint::Length(1),
        ],
    );
    put(frame, top, head);
    if asks > 0 {
        panels::framed(frame, asked, "People", people);
    }
    if rest > 0 {
        panels::steps(frame, steps, page);
    }
    if log > 0 {
        panels::log(frame, happened, page);
    }
    put(frame, keys, vec![panels::keys(page, usize::from(area.width))]);
}

/// Rows of lines in a frame; none where there is nothing to show.
fn framed_rows(lines: &[Line<'_>]) -> u16 {
    if lines.is_empty() { 0 } else { rows(lines).saturating_add(2) }
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
