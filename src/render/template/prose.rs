//! What may an author's prose look like? Paragraphs, items and code; everything else is plain text.
//!
//! Runbooks are data: a heading, a link or an element in them could change what an approver reads.

use super::escape;

/// A part of a prose text.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    Paragraph(String),
    Items(Vec<String>),
}

/// A part of a line.
enum ProseSpan<'a> {
    Text(&'a str),
    Code(&'a str),
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        let item = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
        match (line, item) {
            ("", _) => open = false,
            (_, Some(item)) => {
                match blocks.last_mut() {
                    Some(Block::Items(items)) => items.push(item.to_owned()),
                    _ => blocks.push(Block::Items(vec![item.to_owned()])),
                }
                open = true;
            }
            (line, None) if open => match blocks.last_mut() {
                Some(Block::Paragraph(text)) => text.push_str(&format!(" {line}")),
                Some(Block::Items(items)) => {
                    if let Some(last) = items.last_mut() {
                        last.push_str(&format!(" {line}"));
                    }
                }
                None => {}
            },
            (line, None) => {
                blocks.push(Block::Paragraph(line.to_owned()));
                open = true;
            }
        }
    }
    blocks
}

fn spans(text: &str) -> Vec<ProseSpan<'_>> {
    let parts: Vec<&str> = text.split('`').collect();
    // A back-tick without its pair is a back-tick.
    if parts.len().is_multiple_of(2) {
        return vec![ProseSpan::Text(text)];
    }
    parts
        .into_iter()
        .enumerate()
        .filter(|(_, part)| !part.is_empty())
        .map(|(n, part)| if n % 2 == 0 { ProseSpan::Text(part) } else { ProseSpan::Code(part) })
        .collect()
}

/// A line in HTML: text and code.
pub(super) fn html_line(text: &str) -> String {
    spans(text)
        .into_iter()
        .map(|span| match span {
            ProseSpan::Text(text) => escape::html(text),
            ProseSpan::Code(text) => format!("<code>{}</code>", escape::html(text)),
        })
        .collect()
}

/// Prose in HTML: paragraphs and lists.
pub(super) fn html(text: &str) -> String {
    let line = html_line;
    let mut out = String::new();
    for block in blocks(text) {
        match block {
            Block::Paragraph(text) => out.push_str(&format!("<p>{}</p>", line(&text))),
            Block::Items(items) => {
                out.push_str("<ul>");
                for item in items {
                    out.push_str(&format!("<li>{}</li>", line(&item)));
                }
                out.push_str("</ul>");
            }
        }
    }
    out
}

/// A line in Markdown: text and code.
pub(super) fn markdown_line(text: &str) -> String {
    spans(text)
        .into_iter()
        .map(|span| match span {
            ProseSpan::Text(text) => {
                // Spaces at the ends separate the text from the code beside it.
                let edge = |there: bool| if there { " " } else { "" };
                format!(
                    "{}{}{}",
                    edge(text.starts_with(' ')),
                    escape::markdown(text),
                    edge(text.len() > 1 && text.ends_with(' '))
                )
            }
            ProseSpan::Code(text) => escape::markdown_code(text),
        })
        .collect()
}

/// Prose in Markdown: paragraphs and lists, each paragraph on one line.
pub(super) fn markdown(text: &str) -> String {
    let line = markdown_line;
    let blocks = blocks(text).into_iter().map(|block| match block {
        Block::Paragraph(text) => line(&text),
        Block::Items(items) => {
            items.iter().map(|item| format!("- {}", line(item))).collect::<Vec<_>>().join("\n")
        }
    });
    blocks.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_items_and_code_are_kept_and_nothing_else_is_made() {
        let text = "One `az x`\nline.\n\n- first\n  goes on\n- <b>second</b>\n\n# no heading";
        assert_eq!(
            html(text),
            "<p>One <code>az x</code> line.</p><ul><li>first goes on</li>\
             <li>&lt;b&gt;second&lt;/b&gt;</li></ul><p># no heading</p>"
        );
        assert_eq!(
            markdown(text),
            "One `az x` line.\n\n- first goes on\n- \\<b\\>second\\</b\\>\n\n\\# no heading"
        );
    }

    #[test]
    fn a_lone_back_tick_is_text() {
        assert_eq!(html("a ` b"), "<p>a ` b</p>");
    }
}
