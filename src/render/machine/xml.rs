//! How does a text become XML's? With its marks escaped, and what XML 1.0 cannot hold made visible.

use crate::outward;

/// A text in an element or in an attribute: without known secrets, and valid whatever it holds.
pub(super) fn escaped(text: &str) -> String {
    let free = outward::redacted(text);
    let mut escaped = String::with_capacity(free.len());
    for c in free.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            // As references, since a reader of attributes makes blanks of them.
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            // XML 1.0 has no way to write these, not even as a reference; and what steers a screen is shown.
            c if is_unwritable(c) || outward::is_hidden(c) => {
                escaped.extend(format!("\\u{{{:x}}}", u32::from(c)).chars());
            }
            c => escaped.push(c),
        }
    }
    escaped
}

fn is_unwritable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_character_is_told_in_letters_that_xml_can_hold() {
        let all: String =
            (0..=0x9f_u32).chain([0x202e, 0xfffe, 0xffff]).filter_map(char::from_u32).collect();
        let text = escaped(&all);
        assert!(!text.chars().any(is_unwritable), "{text}");
        assert!(
            text.contains("\\u{1b}") && text.contains("\\u{202e}") && text.contains("\\u{ffff}")
        );
        assert!(!text.contains('<') && !text.contains('"') && text.contains("&amp;"));
    }
}
