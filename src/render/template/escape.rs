//! What can a value do to the document it stands in? Nothing: it is shown, whatever it holds.

use crate::outward::is_hidden;

/// No text brings along controls, which no document allows, or marks that turn the direction of what follows,
/// with which a line can be made to look like another.
fn shown(c: char) -> char {
    if is_hidden(c) { '\u{fffd}' } else { c }
}

/// A text in HTML or SVG, in an element or in a quoted attribute.
#[must_use]
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars().map(shown) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A text on one line of Markdown: in a paragraph, a heading, an item or a table's cell.
#[must_use]
pub fn markdown(text: &str) -> String {
    let line = one_line(text);
    let mut out = String::with_capacity(line.len() + 16);
    // At a line's start these would make a heading, an item, a quotation or a rule.
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    let numbered = digits > 0 && line[digits..].starts_with(['.', ')']);
    for (place, c) in line.chars().enumerate() {
        let special = match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => true,
            '#' | '+' | '-' | '=' | ':' => place == 0,
            '.' | ')' => numbered && place == digits,
            _ => false,
        };
        if special {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A text as code on one line of Markdown, in a table's cell as well.
#[must_use]
pub(super) fn markdown_code(text: &str) -> String {
    let line = one_line(text);
    if line.is_empty() {
        return String::new();
    }
    if !line.contains(['`', '|']) {
        return format!("`{line}`");
    }
    // A code span can show neither of them everywhere; character references can.
    let mut out = "<code>".to_owned();
    for c in line.chars() {
        if c.is_ascii_punctuation() {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out.push_str("</code>");
    out
}

/// Lines as a block of code, between fences longer than any that they hold.
#[must_use]
pub(super) fn markdown_fence(text: &str, language: &str) -> String {
    let text: String = text.chars().map(shown).collect();
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_begin_something_at_a_lines_start_does_not() {
        for (text, neutral) in [
            ("# title", "\\# title"),
            ("- item", "\\- item"),
            ("1. item", "1\\. item"),
            ("12) item", "12\\) item"),
            ("10.1.0.0/24", "10\\.1.0.0/24"),
            ("a - b", "a - b"),
            ("=====", "\\====="),
        ] {
            assert_eq!(markdown(text), neutral);
        }
    }

    #[test]
    fn code_cannot_end_itself() {
        assert_eq!(markdown_code("az x"), "`az x`");
        assert_eq!(markdown_code("a|b"), "<code>a&#124;b</code>");
        assert!(markdown_fence("```\nx", "sh").starts_with("````sh\n```"));
    }

    #[test]
    fn a_text_that_would_turn_what_follows_is_shown() {
        assert_eq!(html("a\u{202e}b\u{0}"), "a\u{fffd}b\u{fffd}");
    }

    proptest! {
        #[test]
        fn no_text_opens_an_element(text in any::<String>()) {
            let escaped = html(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let code = markdown_code(&text);
            let inner = code.trim_start_matches("<code>").trim_end_matches("</code>");
            prop_assert!(code.starts_with('`') || !inner.contains(['<', '|', '`']));
            let one = markdown(&text);
            prop_assert!(!one.contains('\n'));
            let bare = one.replace("\\\\", "").replace("\\<", "").replace("\\|", "");
            prop_assert!(!bare.contains(['<', '|']));
        }
    }
}
