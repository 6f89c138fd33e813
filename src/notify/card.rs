//! How does a message look in a chat? As runs of plain text: nothing that an author or Azure writes is markup.

use serde_json::{Value, json};

use super::message::Delivery;

/// Letters of a line, and lines, that a chat shows; the rest is in `status`. Teams takes 28 KB, Slack 3,000
/// letters a block.
const LINE_LETTERS_MAX: usize = 400;
const LINES_MAX: usize = 40;
/// Letters of a header of Slack's.
const TITLE_LETTERS_MAX: usize = 150;

fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(letters.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A line: what stands before a command, and the command, which is copied whole.
struct ChatLine {
    text: String,
    command: Option<String>,
}

fn chat_lines(delivery: &Delivery) -> Vec<ChatLine> {
    let ways = delivery.message.ask.iter().flat_map(|ask| &ask.ways);
    let commands: Vec<&str> = ways.map(|way| way.command.as_str()).collect();
    let one = |line: String| {
        let command = commands.iter().filter(|command| line.ends_with(**command));
        match command.max_by_key(|command| command.len()) {
            Some(command) => ChatLine {
                text: line[..line.len() - command.len()].to_owned(),
                command: Some((*command).to_owned()),
            },
            None => ChatLine { text: cut(&line, LINE_LETTERS_MAX), command: None },
        }
    };
    delivery.lines().into_iter().take(LINES_MAX).map(one).collect()
}

/// What a workflow of Microsoft Teams posts: an adaptive card.
pub(super) fn teams(delivery: &Delivery) -> Value {
    let run = |text: &str| json!({ "type": "TextRun", "text": text });
    let row = |inlines: Vec<Value>| json!({ "type": "RichTextBlock", "inlines": inlines });
    let mut body = vec![row(vec![json!({
        "type": "TextRun", "text": delivery.title(), "weight": "Bolder", "size": "Large",
    })])];
    for line in chat_lines(delivery) {
        let mut inlines = Vec::new();
        if !line.text.is_empty() {
            inlines.push(run(&line.text));
        }
        if let Some(command) = line.command {
            inlines.push(json!({ "type": "TextRun", "text": command, "fontType": "Monospace" }));
        }
        if !inlines.is_empty() {
            body.push(row(inlines));
        }
    }
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": delivery.title(),
        "msteams": { "width": "Full" },
        "body": body,
    });
    if let Some(page) = &delivery.message.page {
        card["actions"] = json!([{ "type": "Action.OpenUrl", "title": "Open", "url": page }]);
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

/// What an incoming webhook of Slack's posts: a header, and text that is none of its markup.
pub(super) fn slack(delivery: &Delivery) -> Value {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let mut elements = Vec::new();
    for line in chat_lines(delivery) {
        if !line.text.is_empty() {
            let shown = text(&format!("{}\n", line.text));
            elements.push(json!({ "type": "rich_text_section", "elements": [shown] }));
        }
        if let Some(command) = line.command {
            let shown = text(&command);
            elements.push(json!({ "type": "rich_text_preformatted", "elements": [shown] }));
        }
    }
    let title = delivery.title();
    // For notifications: the one text that Slack reads as markup.
    let escaped = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut blocks = vec![
        json!({ "type": "header", "text": {
            "type": "plain_text", "text": cut(&title, TITLE_LETTERS_MAX), "emoji": false,
        } }),
        json!({ "type": "rich_text", "elements": elements }),
    ];
    if let Some(page) = &delivery.message.page {
        blocks.push(json!({ "type": "actions", "elements": [{
            "type": "button", "text": { "type": "plain_text", "text": "Open" }, "url": page,
        }] }));
    }
    json!({ "text": escaped, "blocks": blocks })
}
