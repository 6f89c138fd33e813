//! How is the order of steps drawn? A row for each step, its usual time as a bar, what it needs as lines.

use std::time::Duration;

use super::schedule::Schedule;
use super::view::StepLink;
use super::{usual, words};
use crate::model::{Action, Plan, SagaClass, Step};
use crate::render::svg::{Rect, Svg, TextAnchor};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 404.0;
const RIGHT: f64 = 880.0;
const ROW: f64 = 21.0;
const HEAD: f64 = 30.0;
/// So many rows fit on a page of paper.
const ROWS_MAX: usize = 40;

/// The distance between ticks: about six of them.
fn tick(whole: Duration) -> Duration {
    let steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200];
    let wanted = whole.as_secs() / 6;
    Duration::from_secs(steps.into_iter().find(|step| *step >= wanted).unwrap_or(86_400))
}

/// The pictures of a schedule; more than one where the rows do not fit on a page. `order` gives the
/// places of the steps in the order of their numbers.
pub(super) fn draw(
    plan: &Plan,
    schedule: &Schedule,
    links: &[StepLink],
    order: &[usize],
    id: &str,
) -> Vec<Svg> {
    let whole = schedule.slots.iter().map(|slot| slot.late).max().unwrap_or_default();
    let whole = whole.max(Duration::from_secs(10));
    let scale = PageScale { whole };
    let pages: Vec<&[usize]> = order.chunks(ROWS_MAX).collect();
    let mut pictures = Vec::new();
    for (page, places) in pages.iter().enumerate() {
        let height = HEAD + ROW * places.len() as f64 + 10.0;
        let title = match pages.len() {
            1 => "The steps over time".to_owned(),
            n => format!("The steps over time, {} of {n}", page + 1),
        };
        let about = about(schedule, links);
        let mut svg = Svg::new(&format!("{id}-{}", page + 1), &title, &about, (WIDTH, height));
        scale.ticks(&mut svg, height);
        // Lines first, so that bars lie over them.
        edges(&mut svg, plan, schedule, places, &scale);
        for (own, place) in places.iter().enumerate() {
            title_of(&mut svg, middle(own), &links[*place]);
            bar(&mut svg, middle(own), *place, &plan.steps()[*place], schedule, &scale);
        }
        pictures.push(svg);
    }
    pictures
}

/// What needs what.
fn edges(svg: &mut Svg, plan: &Plan, schedule: &Schedule, places: &[usize], scale: &PageScale) {
    let x = |at: Duration| scale.x(at);
    let row = |place: usize| places.iter().position(|other| *other == place);
    for (own, place) in places.iter().enumerate() {
        for need in plan.dag().needs(*place) {
            let Some(before) = row(*need) else { continue };
            let on_path = schedule.path.windows(2).any(|pair| pair == [*need, *place]);
            let class = if on_path { "p-edge critical" } else { "p-edge" };
            let (from, to) = (x(schedule.slots[*need].end), x(schedule.slots[*place].start));
            svg.line(class, &[(from, middle(before)), (from, middle(own)), (to, middle(own))]);
        }
    }
}

/// The time of a step: a bar, or a diamond where it waits for people.
fn bar(svg: &mut Svg, y: f64, place: usize, step: &Step, schedule: &Schedule, scale: &PageScale) {
    let x = |at: Duration| scale.x(at);
    let slot = schedule.slots[place];
    if slot.people {
        let (cx, r) = (x(slot.start), 6.0);
        let class = if step.saga == SagaClass::Pivot { "p-box pivot" } else { "p-box gate" };
        svg.path(
            class,
            &[('M', &[cx, y - r]), ('L', &[cx + r, y, cx, y + r, cx - r, y]), ('Z', &[])],
        );
        return;
    }
    let (from, end, late) = (x(slot.start), x(slot.end), x(slot.late));
    let bar = |right: f64| Rect { x: from, y: y - 5.0, w: (right - from).max(2.5), h: 10.0 };
    if late - end > 1.5 {
        svg.rect("p-bar-rest", bar(late), 2.0);
    }
    let critical = schedule.path.contains(&place);
    let class = match (&step.action, critical) {
        (_, true) => "p-bar",
        (Action::Verify(_), _) => "p-box",
        _ => "p-box critical",
    };
    svg.rect(class, bar(end), 2.0);
}

/// What is said of the pictures to those who cannot see them.
fn about(schedule: &Schedule, links: &[StepLink]) -> String {
    let path: Vec<&str> = schedule.path.iter().map(|place| links[*place].title.as_str()).collect();
    format!(
        "Usually {} without people. What decides it: {}.",
        words::time(schedule.usual),
        path.join(", then ")
    )
}

/// How times lie on a page.
struct PageScale {
    whole: Duration,
}

impl PageScale {
    fn x(&self, at: Duration) -> f64 {
        LEFT + (RIGHT - LEFT) * at.as_secs_f64() / self.whole.as_secs_f64()
    }

    fn ticks(&self, svg: &mut Svg, height: f64) {
        let step = tick(self.whole);
        let mut at = Duration::ZERO;
        while at <= self.whole {
            let x = self.x(at);
            svg.line("p-rule", &[(x, HEAD - 8.0), (x, height - 8.0)]);
            let anchor = if at.is_zero() { TextAnchor::Start } else { TextAnchor::Middle };
            svg.text("p-small", (x, HEAD - 14.0), anchor, &words::time(at), 80.0);
            at += step;
        }
    }
}

/// The middle of a row.
fn middle(row: usize) -> f64 {
    HEAD + ROW * row as f64 + ROW / 2.0
}

/// A step's number and title at the beginning of its row.
fn title_of(svg: &mut Svg, y: f64, link: &StepLink) {
    svg.text("p-small", (30.0, y + 4.0), TextAnchor::End, &link.number, 30.0);
    svg.text("p-text", (40.0, y + 4.0), TextAnchor::Start, &link.title, LEFT - 50.0);
}

/// The order as a Mermaid graph. Names of nodes are ours, and texts hold only what Mermaid shows as it is.
pub(super) fn mermaid(
    plan: &Plan,
    schedule: &Schedule,
    links: &[StepLink],
    order: &[usize],
) -> String {
    let mut out = "flowchart TD\n".to_owned();
    for place in order {
        let step = &plan.steps()[*place];
        let link = &links[*place];
        let usual = usual::duration(&step.action)
            .map(|(half, _)| format!("<br/>{}", words::time(half)))
            .unwrap_or_default();
        let text = format!("{}. {}", link.number, plain(&link.title));
        let (open, close) = match words::kind(&step.action) {
            "gate" | "decision" | "manual" => ("{{\"", "\"}}"),
            "look" => ("([\"", "\"])"),
            _ => ("[\"", "\"]"),
        };
        out.push_str(&format!("  n{place}{open}{text}{usual}{close}\n"));
    }
    for place in order {
        for need in plan.dag().needs(*place) {
            let on_path = schedule.path.windows(2).any(|pair| pair == [*need, *place]);
            let arrow = if on_path { "==>" } else { "-->" };
            out.push_str(&format!("  n{need} {arrow} n{place}\n"));
        }
    }
    out
}

/// A text inside Mermaid's quotation marks: letters, digits and harmless signs only.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_alphanumeric() || " .,:-/+()'".contains(c) { c } else { ' ' })
        .collect()
}
