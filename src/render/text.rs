//! What does a person read at 03:00? The summary of a run, on one screen.

use super::left;
use super::step_words::{ALREADY_SO, BEING_REMOVED, short};
use super::steps_text::{sentences, table};
use super::strikes;
use super::style::{Flow, Style, clock, fill, mark, span, wrap};
use super::told;
use super::truth::{Mood, RunTruth};
use super::truth_text;
use super::unreached::{nothing_reached, unreached_seconds};
use super::view::{ReachView, RunView, StepView};
use crate::engine::RunKind;
use crate::model::StepStatus;

/// The summary of a run.
#[must_use]
pub fn summary(view: &RunView, style: Style) -> String {
    let mut out = String::new();
    headline(&mut out, view, style);
    out.push('\n');
    match style.flow {
        Flow::Columns => table(&mut out, view, style),
        Flow::Sentences => sentences(&mut out, view, style),
    }
    out.push('\n');
    recovery(&mut out, view, style);
    changed(&mut out, view, style);
    reached(&mut out, view, style);
    if let Some(left) = &view.left {
        let again =
            |step: &str| view.ourselves.whole(&format!("backroad retry {} {step}", view.run));
        left::lines(left, again, style).iter().for_each(|row| line(&mut out, row));
    }
    strikes::lines(&view.strikes, style).iter().for_each(|row| line(&mut out, row));
    told::lines(&view.told, &view.run, style).iter().for_each(|row| line(&mut out, row));
    troubles(&mut out, view, style);
    super::spoken::block(&mut out, &view.said, style);
    list(&mut out, "What an undo does not take back:", &view.stays, style);
    list(&mut out, "Left for you to look after:", &view.obligations, style);
    more(&mut out, view, style);
    // Parts that have nothing to say leave no gap.
    while out.contains("\n\n\n") {
        out = out.replace("\n\n\n", "\n\n");
    }
    out
}

pub(super) fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

fn headline(out: &mut String, view: &RunView, style: Style) {
    let word = view.outcome.as_str();
    let outcome = match view.outcome.mood() {
        Mood::Good => style.good(word),
        Mood::GoesOn => style.bold(word),
        Mood::WantsSomebody => style.warn(word),
        Mood::Bad => style.bad(word),
    };
    let mode = view.mode.as_str();
    let kind = match view.mode {
        RunKind::Drill => "simulated time",
        RunKind::Simulated => "a simulator's clock",
        RunKind::Live => "wall clock",
    };
    let elapsed = span(view.elapsed_seconds);
    let going_on = view.now.as_ref().filter(|truth| !truth.standing.is_end());
    match going_on {
        Some(truth) => going_on_line(out, view, truth, style),
        None => {
            let text = format!("{}  {outcome} after {elapsed} ({kind})", style.bold(&view.runbook));
            line(out, &text);
        }
    }
    for text in wrap(&view.title, style.width) {
        line(out, &text);
    }
    let profile = view.profile.as_deref().unwrap_or("none");
    let began = style.day_and_time(view.started_at);
    let about = format!("run {} · {mode} · profile {profile} · began {began}", view.run);
    dimmed(out, &about, style);
    if !view.bad_days.is_empty() {
        let lived = format!("lived through {}", view.bad_days.join(", "));
        dimmed(out, &lived, style);
    }
    if !view.regions_down.is_empty() {
        let down = format!("with {} down", view.regions_down.join(", "));
        dimmed(out, &down, style);
    }
    if let Some(by) = &view.by {
        dimmed(out, &format!("started by {by}"), style);
    }
    if let Some(truth) = going_on {
        out.push('\n');
        for text in truth_text::block(truth, style) {
            line(out, &text);
        }
    } else if let Some((truth, no_path)) =
        view.now.as_ref().and_then(|truth| Some((truth, truth.no_path?)))
    {
        for text in wrap(&truth_text::without_a_path(no_path, truth.at, style), style.width) {
            line(out, &style.bad(&text));
        }
    }
}

/// What a run that goes on does now, in the first lines.
fn going_on_line(out: &mut String, view: &RunView, truth: &RunTruth, style: Style) {
    let told = format!("{} {}", truth.standing.shown(), truth.headline);
    let lead = view.runbook.chars().count() + 2;
    let lines = wrap(&told, style.width.saturating_sub(lead).max(20));
    for (place, text) in lines.iter().enumerate() {
        if place == 0 {
            let rest = text.strip_prefix(&truth.standing.shown()).unwrap_or_default();
            let word = truth_text::standing(truth, style);
            line(out, &format!("{}  {word}{rest}", style.bold(&view.runbook)));
        } else {
            line(out, &format!("{}{text}", " ".repeat(lead)));
        }
    }
}

fn dimmed(out: &mut String, text: &str, style: Style) {
    for text in wrap(text, style.width) {
        line(out, &style.dim(&text));
    }
}

/// In what time, of what is allowed, a run has recovered; or that nothing has, or not all.
fn recovered(out: &mut String, view: &RunView, style: Style) {
    let short = view.recovery_seconds.and_then(|took| view.short_of_recovery(&span(took)));
    if let Some(text) = short {
        for text in wrap(&text, style.width) {
            line(out, &style.bad(&text));
        }
        return;
    }
    if let Some(took) = view.taken_back_seconds {
        let text = format!("Recovered in {}, and taken back since.", span(took));
        return line(out, &text);
    }
    let changed = view.left.as_ref().filter(|left| !left.changed.is_empty());
    if let (Some(took), Some(left)) = (view.recovery_seconds, changed) {
        let text = format!(
            "Recovered in {}, and since then {} of the {} things that its steps left are not as they were.",
            span(took),
            left.changed.len(),
            left.looked
        );
        return wrap(&text, style.width).iter().for_each(|text| line(out, &style.bad(text)));
    }
    match (view.recovery_seconds, view.objective_seconds) {
        (Some(took), Some(wanted)) if took <= wanted => line(
            out,
            &format!(
                "Recovered in {} of the {} allowed: {} to spare.",
                style.good(&span(took)),
                span(wanted),
                span(wanted.floor() - took.floor())
            ),
        ),
        (Some(took), Some(wanted)) => line(
            out,
            &format!(
                "Recovered in {}, which is {} longer than the objective of {}.",
                style.bad(&span(took)),
                span(took.floor() - wanted.floor()),
                span(wanted)
            ),
        ),
        (Some(took), None) => {
            line(out, &format!("Recovered in {}. The runbook names no objective.", span(took)))
        }
        // Told at the head of the page while the run goes on.
        (None, Some(_)) if view.now.as_ref().is_some_and(|truth| !truth.standing.is_end()) => {}
        (None, Some(wanted)) => line(
            out,
            &format!(
                "Not recovered: {} of the {} allowed have passed.",
                span(view.elapsed_seconds),
                span(wanted)
            ),
        ),
        (None, None) => {}
    }
}

fn recovery(out: &mut String, view: &RunView, style: Style) {
    recovered(out, view, style);
    if let Some(window) = view.window_seconds {
        line(out, &nothing_reached(window, unreached_seconds(&view.reached)));
    }
    if view.people_seconds >= 1.0 {
        let people = span(view.people_seconds);
        line(out, &format!("  of which waiting for people: {people}"));
    }
    if view.critical_path.len() > 1 {
        let way = view.critical_path.join(" → ");
        let lines = wrap(&way, style.width.saturating_sub(26).max(30));
        for (place, text) in lines.iter().enumerate() {
            let lead = if place == 0 { "  what took the time:" } else { "                     " };
            line(out, &format!("{lead} {text}"));
        }
    }
}

fn changed(out: &mut String, view: &RunView, style: Style) {
    let kinds = [
        ("created", "Created"),
        ("updated", "Updated"),
        ("removed", "Removed"),
        (BEING_REMOVED, "Removing"),
        ("moved", "Moved"),
        ("restored", "Put back"),
        (ALREADY_SO, "Already so"),
    ];
    let mut any = false;
    for (kind, word) in kinds {
        let mut names: Vec<String> = Vec::new();
        let steps = view.steps.iter().filter(|step| step.change.as_deref() == Some(kind));
        for name in steps.filter_map(|step| step.resource.as_deref().map(short)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            continue;
        }
        if !any {
            out.push('\n');
            any = true;
        }
        let text = names.join(", ");
        for (place, text) in wrap(&text, style.width.saturating_sub(14).max(30)).iter().enumerate()
        {
            let lead = if place == 0 { word } else { "" };
            line(out, &format!("{}  {text}", fill(lead, 10)));
        }
    }
    if any {
        let writes = match (view.writes, view.writes_in_doubt) {
            (0, 0) => "Azure took no write.".to_owned(),
            (0, 1) => "Whether Azure took 1 write is not known.".to_owned(),
            (0, n) => format!("Whether Azure took {n} writes is not known."),
            (1, 0) => "Azure took 1 write.".to_owned(),
            (n, 0) => format!("Azure took {n} writes."),
            (1, m) => format!("Azure took 1 write; of {m} it is not known."),
            (n, m) => format!("Azure took {n} writes; of {m} it is not known."),
        };
        line(out, &style.dim(&format!("{}  {writes}", fill("", 10))));
    }
}

/// Whether a step was more than skipped because its condition did not hold.
fn not_idle(step: &&StepView) -> bool {
    !step.not_called_for
}

fn troubles(out: &mut String, view: &RunView, style: Style) {
    let wants_word = |step: &&StepView| {
        !matches!(step.status, StepStatus::Succeeded | StepStatus::Pending | StepStatus::Undone)
            && (step.why.is_some() || step.question.is_some())
            // Who is waited for stands at the head of the page.
            && !(view.now.is_some()
                && matches!(step.status, StepStatus::Waiting | StepStatus::Running))
    };
    let mut steps = view.steps.iter().filter(wants_word).filter(not_idle).peekable();
    if steps.peek().is_some() || view.steps.iter().any(|step| !not_idle(&step)) {
        out.push('\n');
    }
    // What was not meant to be done is told in a line, and not as trouble.
    let idle: Vec<&str> =
        view.steps.iter().filter(|step| !not_idle(step)).map(|step| step.name.as_str()).collect();
    if !idle.is_empty() {
        let text = format!("Not called for: {}", idle.join(", "));
        for (place, text) in wrap(&text, style.width.saturating_sub(4).max(40)).iter().enumerate() {
            line(out, &style.dim(&format!("{}{text}", if place == 0 { "– " } else { "  " })));
        }
    }
    for step in steps {
        let status = step.status.to_string().replace('_', " ");
        line(
            out,
            &format!(
                "{} {} {}",
                style.by_status(step.status, mark(step.status)),
                style.bold(&step.name),
                style.by_status(step.status, &status)
            ),
        );
        let texts = [step.question.as_deref(), step.why.as_deref()];
        for text in texts.into_iter().flatten() {
            for text in wrap(text, style.width.saturating_sub(4).max(40)) {
                line(out, &format!("    {text}"));
            }
        }
        if let Some(by_hand) = &step.by_hand {
            line(out, &style.dim("    By hand:"));
            for text in by_hand.lines() {
                line(out, &format!("      {text}"));
            }
        }
        if let Some(call) = &step.call {
            line(out, &style.dim("    Call:"));
            for text in call.lines() {
                line(out, &format!("      {text}"));
            }
        }
    }
}

/// How a network answers, and over which circuits.
fn answer(reach: &ReachView) -> String {
    if reach.circuits.is_empty() || !reach.works {
        reach.verdict.clone()
    } else {
        format!("{} over {}", reach.verdict, reach.circuits.join(", "))
    }
}

/// How a network answered a site before, during and after: each answer with the run's clock at which it
/// began, but for the first.
fn answers(reach: &ReachView, view: &RunView) -> String {
    let mut last = None;
    let mut told = Vec::new();
    for moment in &view.reached {
        let same = |one: &&ReachView| one.site == reach.site && one.network == reach.network;
        let now = moment.reach.iter().find(same).map(answer);
        if now == last {
            continue;
        }
        let words = now.clone().unwrap_or_else(|| "not there".to_owned());
        told.push(match told.len() {
            0 => words,
            _ => format!("{} {words}", clock(moment.at.since(view.started_at))),
        });
        last = now;
    }
    if told.is_empty() { answer(reach) } else { told.join(" → ") }
}

/// What each site reaches, a line for each answer.
fn reached(out: &mut String, view: &RunView, style: Style) {
    let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
    for reach in &view.reachability {
        let text = format!("{}: {}", reach.site, answers(reach, view));
        match rows.iter_mut().find(|(known, _)| *known == text) {
            Some((_, networks)) => networks.push(&reach.network),
            None => rows.push((text, vec![&reach.network])),
        }
    }
    for (place, (text, networks)) in rows.iter().enumerate() {
        let lead = if place == 0 { "Reached     " } else { "            " };
        let row = format!("{text}: {}", networks.join(", "));
        for (at, part) in wrap(&row, style.width.saturating_sub(12).max(40)).iter().enumerate() {
            line(out, &format!("{}{part}", if at == 0 { lead } else { "            " }));
        }
    }
}

fn list(out: &mut String, title: &str, items: &[String], style: Style) {
    if items.is_empty() {
        return;
    }
    out.push('\n');
    line(out, &style.warn(title));
    for owed in items {
        for (place, text) in wrap(owed, style.width.saturating_sub(4).max(40)).iter().enumerate() {
            let lead = if place == 0 { "  •" } else { "   " };
            line(out, &format!("{lead} {text}"));
        }
    }
}

/// Rows of a terminal as it comes: what stands at the head of a longer page is not seen at its end.
const ROWS: usize = 24;

/// What people have to do, once more below a long page; of a run that has ended always.
fn ways_on(view: &RunView, rows: usize) -> Vec<(String, String)> {
    let Some(now) = view.now.as_ref().filter(|_| rows > ROWS || view.outcome.is_end()) else {
        return Vec::new();
    };
    let ways = now
        .asks
        .iter()
        .flat_map(|ask| ask.ways.iter().map(|way| (way.command.clone(), way.what.clone())));
    ways.collect()
}

fn more(out: &mut String, view: &RunView, style: Style) {
    let run = &view.run;
    let mut ways = ways_on(view, out.lines().count());
    let mut way = |command: String, what: &str| ways.push((command, what.to_owned()));
    way(format!("backroad status {run}"), "this page again");
    way(format!("backroad journal {run}"), "every event");
    if let Some(log) = view.log.clone() {
        way(log, "its log");
    }
    if view.has_succeeded() && view.mode == RunKind::Drill {
        way(format!("backroad undo {run}"), "drill the way back");
    }
    out.push('\n');
    for (way, _) in &mut ways {
        *way = view.ourselves.whole(way);
    }
    let width = ways.iter().map(|(way, _)| way.chars().count()).max().unwrap_or(0);
    for (way, what) in ways {
        // A command is never broken: it is copied whole.
        if width + 4 + what.chars().count() <= style.width {
            line(out, &format!("  {}  {}", fill(&way, width), style.dim(&what)));
        } else {
            line(out, &format!("  {way}"));
            for what in wrap(&what, style.width.saturating_sub(4).max(20)) {
                line(out, &format!("    {}", style.dim(&what)));
            }
        }
    }
}
