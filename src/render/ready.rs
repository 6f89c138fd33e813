//! Could it be used tonight? What was looked at, with a verdict for each, as people and machines see it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::style::{Style, fill, wrap};
use crate::engine::RunKind;
use crate::model::time::format_duration;
use crate::model::{RunOutcome, Timestamp};

/// The schema of the verdict.
pub const READY_SCHEMA: &str = "backroad.ready/1";

/// How one thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadyState {
    /// As it should be.
    Good,
    /// It could not be known, which is not ready.
    Unknown,
    /// Not as it should be.
    Bad,
}

impl ReadyState {
    /// In a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unknown => "unknown",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyRow {
    /// What.
    pub row: String,
    /// How it stands.
    pub state: ReadyState,
    /// Why, as a sentence.
    pub why: String,
    /// What mends it: a command, or what to do.
    pub mend: Option<String>,
}

impl ReadyRow {
    /// As it should be.
    #[must_use]
    pub fn good(row: &str, why: impl Into<String>) -> Self {
        Self { row: row.to_owned(), state: ReadyState::Good, why: why.into(), mend: None }
    }

    /// Not as it should be.
    #[must_use]
    pub fn bad(row: &str, why: impl Into<String>, mend: impl Into<String>) -> Self {
        let (row, mend) = (row.to_owned(), Some(mend.into()));
        Self { row, state: ReadyState::Bad, why: why.into(), mend }
    }

    /// Not known.
    #[must_use]
    pub fn unknown(row: &str, why: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { state: ReadyState::Unknown, ..Self::bad(row, why, mend) }
    }
}

/// One runbook's verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunbookReadiness {
    /// The file.
    pub file: String,
    /// The runbook; none when it has errors.
    pub runbook: Option<String>,
    /// Whether all of it is as it should be.
    pub ready: bool,
    /// When it was looked at.
    pub at: Timestamp,
    /// Where.
    pub looked_at: String,
    /// Whether that is a simulator: it proves nothing of Azure.
    pub simulated: bool,
    /// What was looked at.
    pub rows: Vec<ReadyRow>,
}

impl RunbookReadiness {
    /// What is not as it should be.
    pub fn amiss(&self) -> impl Iterator<Item = &ReadyRow> {
        self.rows.iter().filter(|row| row.state != ReadyState::Good)
    }
}

/// A drill, or a run, of a runbook: what is known of it for the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDrill {
    /// The run.
    pub run: String,
    /// A drill, a run against a simulator, or a live run.
    pub kind: RunKind,
    /// How it ended; none when it has not.
    pub outcome: Option<RunOutcome>,
    /// How long ago it began.
    pub age: Duration,
    /// Whether the runbook was written then as it is now; none where that is not known.
    pub as_written: Option<bool>,
    /// How long it took to recover, and what its objective allowed, where that was not enough.
    pub missed: Option<(Duration, Duration)>,
    /// Why not all was recovered, though every step was done.
    pub short: Option<String>,
}

/// Whether the last drill is good enough by the runbook's policy.
#[must_use]
pub fn drill_row(last: Option<&KnownDrill>, every: Option<Duration>, file: &str) -> ReadyRow {
    const ROW: &str = "drill";
    let mend = format!("backroad drill {file}");
    let Some(last) = last else {
        return ReadyRow::bad(ROW, "It was never drilled here.", mend);
    };
    let days = last.age.as_secs() / 86_400;
    let ago = match days {
        0 => "today".to_owned(),
        1 => "a day ago".to_owned(),
        days => format!("{days} days ago"),
    };
    let what = match last.kind {
        RunKind::Drill => "drill",
        RunKind::Simulated => "run against a simulator",
        RunKind::Live => "live run",
    };
    let about = format!("The last {what}, {ago} ({}),", last.run);
    match last.outcome {
        Some(RunOutcome::Succeeded) => {}
        Some(outcome) => return ReadyRow::bad(ROW, format!("{about} ended {outcome}."), mend),
        None => {
            let mend = format!("backroad status {}", last.run);
            return ReadyRow::unknown(ROW, format!("{about} has not ended."), mend);
        }
    }
    match last.as_written {
        Some(true) => {}
        Some(false) => {
            let why = format!("{about} succeeded, but the runbook was changed since.");
            return ReadyRow::bad(ROW, why, mend);
        }
        None => {
            let why =
                format!("{about} succeeded; whether the runbook was changed since is not known.");
            return ReadyRow::unknown(ROW, why, mend);
        }
    }
    if let Some(short) = &last.short {
        return ReadyRow::bad(ROW, format!("{about} succeeded. {short}"), mend);
    }
    if let Some((took, allowed)) = last.missed {
        let (took, allowed) = (format_duration(took), format_duration(allowed));
        let why = format!("{about} recovered in {took}, and the objective is {allowed}.");
        return ReadyRow::bad(ROW, why, mend);
    }
    match every {
        Some(every) if last.age > every => {
            let every = format_duration(every);
            let why = format!("{about} succeeded, but the runbook asks for one every {every}.");
            ReadyRow::bad(ROW, why, mend)
        }
        Some(every) => {
            let every = format_duration(every);
            ReadyRow::good(ROW, format!("{about} succeeded; one is due every {every}."))
        }
        None => ReadyRow::good(ROW, format!("{about} succeeded; `drill_every` names no policy.")),
    }
}

/// A look of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastReadiness {
    /// When.
    pub at: Timestamp,
    /// Whether it was ready.
    pub ready: bool,
    /// Where was looked.
    pub looked_at: String,
    /// Whether that was a simulator.
    pub simulated: bool,
    /// What was amiss: the row, its state, and why.
    pub amiss: Vec<(String, String, String)>,
}

/// The verdicts, one runbook after the other.
#[must_use]
pub fn text(all: &[RunbookReadiness], style: Style) -> String {
    let mut out = String::new();
    for one in all {
        let word = if one.ready { style.good("READY") } else { style.bad("NOT READY") };
        let name = one.runbook.as_deref().unwrap_or(&one.file);
        out.push_str(&format!("{}  {word}\n", style.bold(name)));
        let simulated =
            if one.simulated { " (a simulator: this proves nothing of Azure)" } else { "" };
        let at = style.day_and_time(one.at);
        let about = match one.looked_at.as_str() {
            "" => format!("nothing could be looked at, {at}"),
            place => format!("looked at {place}{simulated}, {at}"),
        };
        out.push_str(&format!("{}\n", style.dim(&about)));
        for row in &one.rows {
            row_lines(&mut out, row, style);
        }
        out.push('\n');
    }
    let ready = all.iter().filter(|one| one.ready).count();
    out.push_str(&format!("{ready} of {} ready\n", all.len()));
    out
}

fn row_lines(out: &mut String, row: &ReadyRow, style: Style) {
    const LEAD: usize = 14;
    let mark = match row.state {
        ReadyState::Good => style.good("✓"),
        ReadyState::Unknown => style.warn("?"),
        ReadyState::Bad => style.bad("✗"),
    };
    let room = style.width.saturating_sub(LEAD).max(40);
    for (place, text) in wrap(&row.why, room).iter().enumerate() {
        match place {
            0 => out.push_str(&format!("  {mark} {}{text}\n", fill(&row.row, LEAD - 4))),
            _ => out.push_str(&format!("{}{text}\n", " ".repeat(LEAD))),
        }
    }
    if let Some(mend) = &row.mend {
        // A command is never broken: it is copied whole.
        out.push_str(&format!("{}→ {mend}\n", " ".repeat(LEAD)));
    }
}

/// Looks of which a trend is shown: two months of one each day.
const TREND_LOOKS: usize = 60;

/// Changes of a verdict that a trend tells.
const TREND_CHANGES: usize = 8;

/// Letters of a reason in a trend.
const WHY_LETTERS_MAX: usize = 300;

/// How ready a runbook was, look by look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadyTrend {
    /// The runbook.
    pub runbook: String,
    /// How often it was looked at, and how often it was ready then.
    pub looks: usize,
    /// See `looks`.
    pub ready: usize,
    /// Whether it was ready at each of the last looks, the oldest first.
    pub trend: Vec<bool>,
    /// When its verdict changed and why, the newest first; the first is how it stands.
    pub changes: Vec<ReadyChange>,
    /// When it was looked at last.
    pub last: Option<Timestamp>,
}

/// Another verdict than the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadyChange {
    /// When it was found.
    pub at: Timestamp,
    /// Whether it was ready from then on.
    pub ready: bool,
    /// Whether a simulator was looked at, which proves nothing of Azure.
    pub simulated: bool,
    /// What was amiss, in sentences.
    pub why: String,
}

/// The looks at which the verdict, or what was amiss, was another one than before; the oldest first.
fn changes(notes: &[PastReadiness]) -> impl Iterator<Item = &PastReadiness> {
    let amiss = |note: &PastReadiness| -> Vec<String> {
        note.amiss.iter().map(|(row, ..)| row.clone()).collect()
    };
    let mut last: Option<&PastReadiness> = None;
    notes.iter().filter(move |note| {
        let same = last.is_some_and(|last| last.ready == note.ready && amiss(last) == amiss(note));
        last = Some(note);
        !same
    })
}

/// What was amiss; what hinders several rows alike is said once.
fn why(note: &PastReadiness) -> String {
    let mut said: Vec<&str> = Vec::new();
    for (_, _, why) in &note.amiss {
        if !said.contains(&why.as_str()) {
            said.push(why);
        }
    }
    said.join(" ")
}

/// So many letters of it at most, no word cut in two.
fn in_short(text: &str) -> String {
    if text.chars().count() <= WHY_LETTERS_MAX {
        return text.to_owned();
    }
    let first: String = text.chars().take(WHY_LETTERS_MAX).collect();
    let whole = first.rfind(char::is_whitespace).unwrap_or(first.len());
    format!("{} …", first[..whole].trim_end())
}

/// The trend of a runbook's readiness.
#[must_use]
pub fn trend(runbook: &str, notes: &[PastReadiness]) -> ReadyTrend {
    let from = notes.len().saturating_sub(TREND_LOOKS);
    let mut changed: Vec<ReadyChange> = changes(notes)
        .map(|note| ReadyChange {
            at: note.at,
            ready: note.ready,
            simulated: note.simulated,
            why: in_short(&why(note)),
        })
        .collect();
    changed.reverse();
    changed.truncate(TREND_CHANGES);
    ReadyTrend {
        runbook: runbook.to_owned(),
        looks: notes.len(),
        ready: notes.iter().filter(|note| note.ready).count(),
        trend: notes.iter().skip(from).map(|note| note.ready).collect(),
        changes: changed,
        last: notes.last().map(|note| note.at),
    }
}

/// The history of a runbook: when its verdict changed, and why; the newest last.
#[must_use]
pub fn history(runbook: &str, notes: &[PastReadiness], style: Style) -> String {
    let mut out = format!("{}\n", style.bold(runbook));
    if notes.is_empty() {
        out.push_str("  It was never looked at here.\n");
        return out;
    }
    let strip: String =
        notes.iter().rev().take(60).rev().map(|note| if note.ready { '+' } else { '-' }).collect();
    let ready = notes.iter().filter(|note| note.ready).count();
    out.push_str(&format!("  {strip}  ready {ready} times of {}\n", notes.len()));
    for note in changes(notes) {
        let word = if note.ready { style.good("ready") } else { style.bad("not ready") };
        let simulated = if note.simulated { " (simulated)" } else { "" };
        let line = format!("  {}  {word}{simulated}  {}", style.day_and_time(note.at), why(note));
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn what_hinders_several_rows_is_said_once_and_no_word_of_a_trend_is_cut() {
        let token = "No credential gave a token for Azure's cloud `public`.";
        let row = |row: &str, why: &str| (row.to_owned(), "unknown".to_owned(), why.to_owned());
        let long = "a word and ".repeat(60);
        let amiss = vec![
            row("preflight", token),
            row("rights", token),
            row("quota", token),
            row("drift", &long),
        ];
        let at = Timestamp::from_millis(0);
        let note =
            PastReadiness { at, ready: false, looked_at: String::new(), simulated: false, amiss };
        let told = trend("r", &[note]).changes.remove(0).why;
        assert_eq!(told.matches("No credential").count(), 1, "{told}");
        assert!(told.ends_with(" …") && told.chars().count() <= WHY_LETTERS_MAX + 2, "{told}");
        assert!(["a", "word", "and"].contains(&told.split(' ').rev().nth(1).unwrap()), "{told}");
    }

    fn drill(days: u32) -> KnownDrill {
        KnownDrill {
            run: "01h".to_owned(),
            kind: RunKind::Drill,
            outcome: Some(RunOutcome::Succeeded),
            age: DAY * days,
            as_written: Some(true),
            missed: None,
            short: None,
        }
    }

    #[test]
    fn a_drill_counts_while_it_is_young_and_good_and_of_the_runbook_as_it_is() {
        let state = |last: Option<&KnownDrill>| drill_row(last, Some(DAY * 90), "r.yaml").state;
        assert_eq!(state(Some(&drill(90))), ReadyState::Good);
        assert_eq!(state(Some(&drill(91))), ReadyState::Bad);
        assert_eq!(state(None), ReadyState::Bad);
        let failed = KnownDrill { outcome: Some(RunOutcome::Failed), ..drill(1) };
        assert_eq!(state(Some(&failed)), ReadyState::Bad);
        let open = KnownDrill { outcome: None, ..drill(1) };
        assert_eq!(state(Some(&open)), ReadyState::Unknown);
        let changed = KnownDrill { as_written: Some(false), ..drill(1) };
        assert_eq!(state(Some(&changed)), ReadyState::Bad);
        let short = KnownDrill { short: Some("Not all is recovered.".to_owned()), ..drill(1) };
        assert_eq!(drill_row(Some(&short), None, "r.yaml").state, ReadyState::Bad);
        let late = KnownDrill { missed: Some((DAY, DAY / 24)), ..drill(1) };
        assert_eq!(state(Some(&late)), ReadyState::Bad);
        let lost = KnownDrill { as_written: None, ..drill(1) };
        assert_eq!(state(Some(&lost)), ReadyState::Unknown);
        assert_eq!(drill_row(Some(&drill(900)), None, "r.yaml").state, ReadyState::Good);
    }

    #[test]
    fn a_drill_on_a_simulator_is_told_as_one_and_never_as_live() {
        let of = |kind| drill_row(Some(&KnownDrill { kind, ..drill(2) }), None, "r.yaml").why;
        assert!(of(RunKind::Drill).contains("The last drill, 2 days ago"));
        assert!(of(RunKind::Simulated).contains("The last run against a simulator"));
        assert!(of(RunKind::Live).contains("The last live run"));
    }

    #[test]
    fn the_history_tells_when_the_verdict_changed_and_why() {
        let note = |at: i64, ready: bool, why: &str| PastReadiness {
            at: Timestamp::from_millis(at * 60_000),
            ready,
            looked_at: "azure".to_owned(),
            simulated: false,
            amiss: if ready {
                Vec::new()
            } else {
                vec![("drill".to_owned(), "bad".to_owned(), why.to_owned())]
            },
        };
        let notes =
            [note(0, true, ""), note(1, true, ""), note(2, false, "Too old."), note(3, true, "")];
        let text = history("swap", &notes, Style::PLAIN);
        assert!(text.contains("++-+  ready 3 times of 4"), "{text}");
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(text.contains("00:02 UTC  not ready  Too old."), "{text}");
        let trend = trend("swap", &notes);
        assert_eq!(
            (trend.looks, trend.ready, trend.trend.as_slice()),
            (4, 3, &[true, true, false, true][..])
        );
        let told: Vec<(bool, &str)> =
            trend.changes.iter().map(|one| (one.ready, one.why.as_str())).collect();
        assert_eq!(told, [(true, ""), (false, "Too old."), (true, "")], "the newest first");
    }
}
