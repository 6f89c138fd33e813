//! What would steer a terminal, or make a line look like another? Shown for what it is instead.

use std::borrow::Cow;

/// Whether a letter does something other than being seen: controls, marks that turn the direction of what
/// follows, and what has no width. A newline and a tabulator are seen well enough.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}'
                | '\u{ffff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The text with what is hidden in it made visible: a control as its picture, anything else by number.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push(&mut out, c);
    }
    Cow::Owned(out)
}

fn push(out: &mut String, c: char) {
    match c {
        c if !is_hidden(c) => out.push(c),
        // Unicode has a picture for each of the old controls.
        '\0'..='\u{1f}' => out.extend(char::from_u32(0x2400 + u32::from(c))),
        '\u{7f}' => out.push('\u{2421}'),
        c => out.push_str(&format!("<U+{:04X}>", u32::from(c))),
    }
}

/// JSON with what is hidden in it escaped: the same JSON to whoever reads it as such. Hidden letters can
/// only stand within its strings, since the format allows none elsewhere.
#[must_use]
pub fn visible_in_json(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_hidden(c) && c != '\r') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut units = [0; 2];
    for c in text.chars() {
        if is_hidden(c) && c != '\r' {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_steer_a_terminal_is_shown() {
        let hostile = "a\u{1b}]0;title\u{7}\u{1b}[2J\u{202e}b\u{9b}31m\r\u{7f}\tc\nd";
        assert_eq!(visible(hostile), "a␛]0;title␇␛[2J<U+202E>b<U+009B>31m␍␡\tc\nd");
        assert!(matches!(visible("plain, ü and 漢字\n"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_json_stays_what_it_was(text in any::<String>()) {
            prop_assert!(!visible(&text).contains(is_hidden));
            let json = serde_json::to_string(&text).unwrap();
            let shown = visible_in_json(&json).into_owned();
            prop_assert!(!shown.contains(is_hidden));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
