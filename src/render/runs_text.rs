//! What ran here, on a screen? A line a run, the newest first.

use std::time::Duration;

use super::style::{Flow, Style, clock, cut, fill, wrap};
use super::truth::Mood;
use super::truth_text::about;
use super::view::RunLine;
use crate::engine::RunKind;

/// Columns of a run's id, which is never cut: it is copied.
const ID: usize = 26;

/// How the headline of a run ends that has ended and owes something.
const OWED: &str = "owed";

/// The list of runs.
#[must_use]
pub fn runs(lines: &[RunLine], style: Style) -> String {
    if lines.is_empty() {
        return "There are no runs here yet.\n".to_owned();
    }
    if style.flow == Flow::Sentences {
        return lines.iter().map(|run| format!("{}\n", sentence(run, style))).collect();
    }
    let mut out = String::new();
    let runbooks = lines.iter().filter_map(|run| run.runbook.as_deref());
    let runbook = runbooks.map(|name| name.chars().count()).max().unwrap_or(7).clamp(7, 30);
    // Id, mode, standing, age and their gaps; what is left is the runbook's, the rest goes below it.
    let modes = lines.iter().map(|run| mode(run).chars().count()).max().unwrap_or(0).max(5);
    let fixed = ID + 2 + modes + 2 + 15 + 2 + 11 + 2;
    let beside = style.width >= fixed + runbook;
    let head = match beside {
        true => {
            format!(
                "{:<ID$}  {:<modes$}  {:<15}  {:<11}  RUNBOOK",
                "RUN", "MODE", "STANDING", "BEGAN"
            )
        }
        false => format!("{:<ID$}  {:<modes$}  STANDING", "RUN", "MODE"),
    };
    out.push_str(&format!("{}\n", style.dim(&head)));
    for run in lines {
        let word = run.standing.map_or("–", |standing| standing.as_str());
        let painted = painted(run, word, style);
        let gap = " ".repeat(15_usize.saturating_sub(word.chars().count()));
        let (age, name) = (age(run), run.runbook.as_deref().unwrap_or("–"));
        let mode = mode(run);
        match beside {
            true => {
                let name = cut(name, style.width.saturating_sub(fixed).max(7));
                let line = format!(
                    "{:<ID$}  {mode:<modes$}  {painted}{gap}  {}  {name}",
                    run.run,
                    fill(&age, 11)
                );
                out.push_str(&format!("{}\n", line.trim_end()));
            }
            false => {
                out.push_str(&format!("{:<ID$}  {mode:<modes$}  {painted}\n", run.run));
                let below = cut(&format!("{name}, began {age}"), style.width.saturating_sub(4));
                out.push_str(&format!("    {below}\n"));
            }
        }
        for text in below(run) {
            for text in wrap(&text, style.width.saturating_sub(4).max(20)) {
                out.push_str(&format!("    {}\n", style.dim(&text)));
            }
        }
        if let Some(problem) = &run.problem {
            for text in wrap(problem, style.width.saturating_sub(4).max(20)) {
                out.push_str(&format!("    {}\n", style.bad(&text)));
            }
        }
    }
    out
}

/// What is told below a run: where it stands, by whom, who drives it, or how long it took.
fn below(run: &RunLine) -> Vec<String> {
    let mut told = Vec::new();
    let going_on = run.standing.is_some_and(|standing| !standing.is_end());
    let owes = |headline: &&String| going_on || headline.ends_with(OWED);
    if let Some(headline) = run.headline.as_ref().filter(owes) {
        told.push(headline.clone());
    }
    if !run.open_gates.is_empty() {
        told.push(format!("open gates: {}", run.open_gates.join(", ")));
    }
    told.extend(run.short.clone());
    let mut words = Vec::new();
    if let Some(by) = &run.by {
        words.push(format!("started by {by}"));
    }
    if let Some(holder) = &run.holder {
        words.push(format!("driven by {holder}"));
    }
    if let Some(took) = run.recovery_seconds {
        words.push(format!("recovered in {}", clock(Duration::from_secs_f64(took.max(0.0)))));
    }
    if !words.is_empty() {
        told.push(words.join(", "));
    }
    told
}

fn sentence(run: &RunLine, style: Style) -> String {
    let standing = run.standing.map_or("not readable", |standing| standing.as_str());
    let began =
        run.started_at.map_or_else(|| "at an unknown time".to_owned(), |at| style.day_and_time(at));
    let mut text = format!(
        "Run {}: {} {}, {standing}, began {began}, {}",
        run.run,
        mode(run),
        run.runbook.as_deref().unwrap_or("of an unknown runbook"),
        age(run)
    );
    for part in below(run).into_iter().chain(run.problem.clone()) {
        text.push_str(&format!("; {part}"));
    }
    text.push('.');
    text
}

fn painted(run: &RunLine, word: &str, style: Style) -> String {
    match run.standing.map(|standing| standing.mood()) {
        Some(Mood::GoesOn) => style.bold(word),
        Some(Mood::Good) => style.good(word),
        Some(Mood::WantsSomebody) => style.warn(word),
        Some(Mood::Bad) => style.bad(word),
        None => style.dim(word),
    }
}

fn mode(run: &RunLine) -> &'static str {
    run.mode.map_or("–", RunKind::as_str)
}

fn age(run: &RunLine) -> String {
    match run.age_seconds {
        Some(age) if age < 60.0 => "just now".to_owned(),
        Some(age) => format!("{} ago", about(age - 59.0)),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::truth::RunStanding;
    use super::*;
    use crate::model::RunId;

    #[test]
    fn a_run_that_has_ended_is_told_in_a_sentence_only_where_it_owes_something() {
        let run = RunId::parse("01h00000000000000000000000").unwrap();
        let ended = |headline: &str| RunLine {
            standing: Some(RunStanding::Succeeded),
            headline: Some(headline.to_owned()),
            ..RunLine::unread(&run, None, None)
        };
        let told = |headline: &str| runs(&[ended(headline)], Style::PLAIN);
        for owes in ["every step is done but one, which is owed", "done; 2 steps are owed"] {
            assert!(told(owes).contains(owes), "{}", told(owes));
        }
        assert!(!told("every step is done").contains("every step is done"));
    }
}
