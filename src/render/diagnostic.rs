//! How does a mistake look? Code, place, the source line with the span underlined, and the fix.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::Style;
use super::style::{self, Color};
use crate::runbook::{Code, Diagnostic, Diagnostics, Severity, SourceFile};

/// Longest source line that is shown; hostile files have longer ones.
const LINE_BYTES_MAX: usize = 400;

/// All diagnostics of a file, in its order, and a line that counts them.
#[must_use]
pub fn diagnostics(source: &SourceFile, all: &Diagnostics, style: Style) -> String {
    let mut text = String::new();
    let shown = masked(source, all);
    for diagnostic in all.sorted() {
        text.push_str(&one(source, &shown, diagnostic, style));
        text.push_str("\n\n");
    }
    let count = |severity| all.sorted().iter().filter(|d| d.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let plural = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    if errors + warnings > 0 {
        let sum = format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"));
        text.push_str(&format!("{}: {sum}", source.name()));
        if all.left_out > 0 {
            text.push_str(&format!("; {} more are not shown", all.left_out));
        }
        text.push_str(".\n");
    }
    text
}

/// The text with stars for secrets that somebody wrote out: a terminal or a CI log must not have them.
fn masked(source: &SourceFile, all: &Diagnostics) -> String {
    let mut text = source.text().to_owned();
    for diagnostic in all.sorted() {
        let span = diagnostic.span.clone();
        let Some(written) = source.text().get(span.clone()) else { continue };
        // A reference is no secret.
        if diagnostic.code != Code::Secret || written.contains("${") {
            continue;
        }
        let stars: String = written
            .chars()
            .map(|c| if c == '\n' { "\n".to_owned() } else { "*".repeat(c.len_utf8()) })
            .collect();
        text.replace_range(span, &stars);
    }
    text
}

fn one(source: &SourceFile, shown: &str, diagnostic: &Diagnostic, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let (line, _) = source.place(diagnostic.span.start);
    let (text, start) = excerpt(shown, diagnostic.span.start);
    let clamp = |at: usize| {
        let mut at = at.saturating_sub(start).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let span =
        clamp(diagnostic.span.start)..clamp(diagnostic.span.end).max(clamp(diagnostic.span.start));
    let excerpt_column = text[..span.start].chars().count() + 1;
    let snippet = Snippet::source(text)
        .path(source.name_at(diagnostic.span.start))
        .line_start(line)
        .annotation(AnnotationKind::Primary.span(span));
    let mut group =
        level.primary_title(&diagnostic.message).id(diagnostic.code.as_str()).element(snippet);
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = match style.color {
        Color::Yes => Renderer::styled(),
        Color::No => Renderer::plain(),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(style.width);
    let mut text = renderer.render(&[group]);
    // Of a line that was cut it counts columns from the cut.
    let (shown_at, is_at) = (excerpt_column, source.place(diagnostic.span.start).1);
    if shown_at != is_at {
        let name = source.name_at(diagnostic.span.start);
        let place = |column: usize| format!("{name}:{line}:{column}");
        text = text.replacen(&place(shown_at), &place(is_at), 1);
    }
    // It shows what is hidden in the source and in the words by itself; what is left is its paint.
    style::adopted(&text)
}

/// The line around a byte, cut where it is too long, and where it starts.
fn excerpt(text: &str, at: usize) -> (&str, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let mut start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let mut end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    if end - start > LINE_BYTES_MAX {
        start = start.max(at.saturating_sub(LINE_BYTES_MAX / 2));
        end = end.min(at + LINE_BYTES_MAX / 2);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        while !text.is_char_boundary(end) {
            end -= 1;
        }
    }
    (&text[start..end], start)
}
