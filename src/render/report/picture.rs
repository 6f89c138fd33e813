//! How is a run's time drawn? A row for each step: what was usual as an outline, what it took as a bar,
//! and in the bar who was waited for.

use std::time::Duration;

use crate::engine::{Event, Recorded};
use crate::model::{Plan, StepName, Timestamp};
use crate::render::split::{Doing, after};
use crate::render::style::clock;
use crate::render::svg::{Rect, Svg, TextAnchor, width};
use crate::render::typical::typical;

const WIDTH: f64 = 900.0;
/// The least and the most room for the names of steps.
const NAMES: (f64, f64) = (90.0, 250.0);
const RIGHT: f64 = 880.0;
const ROW: f64 = 22.0;
const HEAD: f64 = 34.0;

/// The picture of the steps that began.
pub(super) fn draw(events: &[Recorded], plan: &Plan, about: &str) -> String {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return String::new() };
    let whole = last.at.since(first.at).max(Duration::from_secs(10));
    let rows: Vec<(&StepName, Vec<TimeSlice>)> = plan
        .steps()
        .iter()
        .map(|step| (&step.name, pieces(events, plan, &step.name, last.at)))
        .filter(|(_, pieces)| !pieces.is_empty())
        .collect();
    let names = rows.iter().map(|(name, _)| width("p-text", name.as_str()) + 14.0);
    let start = names.fold(NAMES.0, f64::max).min(NAMES.1);
    let x = |at: Timestamp| {
        start + (RIGHT - start) * at.since(first.at).as_secs_f64() / whole.as_secs_f64()
    };
    let height = HEAD + ROW * rows.len() as f64 + 30.0;
    let mut svg = Svg::new("timeline", "The steps over time", about, (WIDTH, height));
    for part in 0..=4_u32 {
        let at = whole * part / 4;
        let place = start + (RIGHT - start) * f64::from(part) / 4.0;
        svg.line("p-rule", &[(place, HEAD - 8.0), (place, height - 24.0)]);
        svg.text("p-small", (place, HEAD - 14.0), TextAnchor::Middle, &clock(at), 80.0);
    }
    for (row, (name, pieces)) in rows.iter().enumerate() {
        let y = HEAD + ROW * row as f64 + ROW / 2.0;
        svg.text("p-text", (start - 10.0, y + 4.0), TextAnchor::End, name.as_str(), start - 12.0);
        let usual = plan.step(name).and_then(|step| typical(&step.action));
        if let (Some(usual), Some(begun)) = (usual, pieces.first()) {
            let to = (begun.from + usual.to).min(last.at);
            let (left, right) = (x(begun.from), x(to));
            let outline = Rect { x: left, y: y - 7.0, w: (right - left).max(1.0), h: 14.0 };
            svg.rect("p-bar-rest", outline, 2.0);
        }
        // From when it could have begun until it did.
        if let (Some(ready), Some(begun)) = (ready(events, plan, name), pieces.first())
            && ready < begun.from
        {
            svg.line("p-edge dead", &[(x(ready), y), (x(begun.from), y)]);
        }
        for piece in pieces {
            let (left, right) = (x(piece.from), x(piece.to));
            let bar = Rect { x: left, y: y - 4.5, w: (right - left).max(1.5), h: 9.0 };
            svg.rect(piece.class(), bar, 1.5);
        }
        for at in retries(events, name) {
            let at = x(at);
            svg.path(
                "p-box pivot",
                &[
                    ('M', &[at - 4.0, y - 10.0]),
                    ('L', &[at + 4.0, y - 10.0, at, y - 3.0]),
                    ('Z', &[]),
                ],
            );
        }
    }
    key(&mut svg, start, height);
    svg.inline()
}

/// What the colours and signs mean.
fn key(svg: &mut Svg, start: f64, height: f64) {
    let key = [
        ("p-bar", "Azure at work"),
        ("p-box gate", "people"),
        ("p-box", "our own"),
        ("p-bar-rest", "what is usual"),
    ];
    let (mut left, room) = (start, (RIGHT - start) / 6.0);
    for (class, text) in key {
        svg.rect(class, Rect { x: left, y: height - 15.0, w: 14.0, h: 9.0 }, 1.5);
        svg.text("p-small", (left + 20.0, height - 7.0), TextAnchor::Start, text, room - 20.0);
        left += room;
    }
    let y = height - 10.5;
    svg.line("p-edge dead", &[(left, y), (left + 14.0, y)]);
    svg.text("p-small", (left + 20.0, y + 3.5), TextAnchor::Start, "waits its turn", room - 20.0);
    left += room;
    svg.path(
        "p-box pivot",
        &[
            ('M', &[left + 3.0, y - 4.0]),
            ('L', &[left + 11.0, y - 4.0, left + 7.0, y + 3.0]),
            ('Z', &[]),
        ],
    );
    svg.text("p-small", (left + 20.0, y + 3.5), TextAnchor::Start, "tried again", room - 20.0);
}

/// When the last of what a step needs had ended.
fn ready(events: &[Recorded], plan: &Plan, name: &StepName) -> Option<Timestamp> {
    let needs = &plan.step(name)?.needs;
    let ended = |recorded: &&Recorded| match &recorded.event {
        Event::StepSucceeded { step, .. } | Event::StepSkipped { step, .. } => needs.contains(step),
        _ => false,
    };
    events.iter().filter(ended).map(|recorded| recorded.at).max()
}

/// When a step's attempt had come to nothing and another was to follow.
fn retries(events: &[Recorded], name: &StepName) -> impl Iterator<Item = Timestamp> {
    events.iter().filter_map(move |recorded| match &recorded.event {
        Event::RetryScheduled { step, .. } if step == name => Some(recorded.at),
        _ => None,
    })
}

/// A time in which a step was at one thing.
struct TimeSlice {
    from: Timestamp,
    to: Timestamp,
    doing: Doing,
}

impl TimeSlice {
    fn class(&self) -> &'static str {
        match self.doing {
            Doing::Azure => "p-bar",
            Doing::Task | Doing::Question => "p-box gate",
            Doing::Looking => "p-box",
        }
    }
}

fn pieces(events: &[Recorded], plan: &Plan, name: &StepName, end: Timestamp) -> Vec<TimeSlice> {
    let mut found: Vec<TimeSlice> = Vec::new();
    let mut now: Option<(Timestamp, Doing)> = None;
    let mut add = |now: Option<(Timestamp, Doing)>, to: Timestamp| {
        if let Some((from, doing)) = now {
            match found.last_mut() {
                Some(last) if last.doing == doing && last.to == from => last.to = to,
                _ => found.push(TimeSlice { from, to, doing }),
            }
        }
    };
    let own = |recorded: &&Recorded| recorded.event.step() == Some(name);
    for Recorded { at, event, .. } in events.iter().filter(own) {
        if let Event::Intended { .. } | Event::Accepted { .. } = event
            && now.is_some_and(|(_, doing)| doing == Doing::Azure)
        {
            continue;
        }
        add(now, *at);
        now = after(event, plan, now.map(|(_, doing)| doing)).map(|doing| (*at, doing));
    }
    add(now, end);
    found
}
