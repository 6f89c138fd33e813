//! How is a runbook written down? Steps, parameters and prose as YAML, in the hand of the shipped ones.

use std::fmt::Write as _;

use ipnet::IpNet;

/// The columns of prose.
const WIDTH: usize = 100;

/// A text as a YAML scalar: bare where nobody could take it for something else.
pub(super) fn scalar(text: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || "_./-:".contains(letter);
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '/');
    let word = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    let number = text.parse::<f64>().is_ok()
        || text.chars().all(|c| c.is_ascii_digit() || ":._".contains(c))
            && !text.contains('/')
            && text.parse::<std::net::IpAddr>().is_err();
    let ends = text.ends_with(':') || text.contains(": ");
    if first && text.chars().all(bare) && !word && !number && !ends {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(letter);
            }
            '\n' => quoted.push_str("\\n"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// A reference to a value.
pub(super) fn expr(path: &str) -> String {
    format!("\"${{{path}}}\"")
}

/// Prefixes as a YAML list.
pub(super) fn prefixes(all: &[IpNet]) -> String {
    let texts: Vec<String> = all.iter().map(|own| quoted_v6(&own.to_string())).collect();
    format!("[{}]", texts.join(", "))
}

fn quoted_v6(text: &str) -> String {
    if text.contains(':') { format!("\"{text}\"") } else { text.to_owned() }
}

/// One prefix, or the list of several.
pub(super) fn prefix_or_list(all: &[IpNet]) -> String {
    match all {
        [one] => quoted_v6(&one.to_string()),
        _ => prefixes(all),
    }
}

/// Prose, broken at the width of a page.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let mut out = String::new();
    for paragraph in text.split('\n') {
        let mut column = 0;
        if paragraph.is_empty() {
            out.push('\n');
            continue;
        }
        for word in paragraph.split_whitespace() {
            if column == 0 || column + 1 + word.len() > WIDTH - indent {
                if column != 0 {
                    out.push('\n');
                }
                out.push_str(&" ".repeat(indent));
                column = 0;
            } else {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += word.len();
        }
        out.push('\n');
    }
    out
}

/// A comment, broken at the width of a page.
pub(super) fn comment(text: &str, indent: usize) -> String {
    let mut out = String::new();
    for line in wrapped(text, indent + 2).lines() {
        let line = line.trim_start();
        let mark = if line.is_empty() { "#" } else { "# " };
        writeln!(out, "{}{mark}{line}", " ".repeat(indent)).ok();
    }
    out
}

/// A key with prose behind it: on its line where that is short, else as a block.
pub(super) fn prose(key: &str, text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let plain = text.len() + key.len() + indent < WIDTH - 4
        && !text.contains(['\n', '#', '"', '\'', '{', '[', '`', '&', '*', '!', '%', '@', '>', '|'])
        && !text.contains(": ")
        && !text.ends_with(':')
        && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if plain {
        return format!("{pad}{key}: {text}\n");
    }
    format!("{pad}{key}: |\n{}", wrapped(text, indent + 2))
}

/// A step of a runbook.
#[derive(Debug, Clone, Default)]
pub(super) struct StepText {
    name: String,
    lines: Vec<(&'static str, String)>,
    with: Vec<(String, String)>,
}

impl StepText {
    pub(super) fn new(name: &str, title: &str, action: &str) -> Self {
        let mut step = Self { name: name.to_owned(), ..Self::default() };
        step.lines.push(("title", scalar_or_prose(title)));
        step.lines.push(("action", action.to_owned()));
        step
    }

    fn line(mut self, key: &'static str, value: String) -> Self {
        self.lines.push((key, value));
        self
    }

    /// What must have ended well before it.
    pub(super) fn needs<T: AsRef<str>>(self, all: &[T]) -> Self {
        let quote = |own: &T| {
            let own = own.as_ref();
            if own.contains('$') { format!("\"{own}\"") } else { own.to_owned() }
        };
        match all {
            [] => self,
            [one] => {
                let one = quote(one);
                self.line("needs", one)
            }
            _ => {
                let all: Vec<String> = all.iter().map(quote).collect();
                self.line("needs", format!("[{}]", all.join(", ")))
            }
        }
    }

    /// A key of the step whose value is YAML already.
    pub(super) fn is(self, key: &'static str, value: &str) -> Self {
        self.line(key, value.to_owned())
    }

    /// A key of the step with prose.
    pub(super) fn say(self, key: &'static str, text: &str) -> Self {
        let text = prose(key, text, 4);
        self.line("", text)
    }

    /// What the action takes; the value is YAML already.
    pub(super) fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.with.push((key.to_owned(), value.into()));
        self
    }

    /// What a person is asked.
    pub(super) fn question(self, text: &str) -> Self {
        let text = format!("|\n{}", wrapped(text, 8));
        self.with("question", text.trim_end().to_owned())
    }
}

fn scalar_or_prose(title: &str) -> String {
    let safe = title.starts_with(|c: char| c.is_ascii_alphabetic())
        && !title.contains(": ")
        && !title.contains(['#', '"', '{', '}', '$', '[', ']', '`']);
    if safe {
        title.to_owned()
    } else {
        format!("\"{}\"", title.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// The order of a step's keys, as the shipped runbooks have it; prose comes last, as it was said.
const ORDER: [&str; 13] = [
    "title",
    "each",
    "needs",
    "when",
    "action",
    "with",
    "side",
    "ensure",
    "timeout",
    "retry",
    "on_failure",
    "undo",
    "",
];

impl std::fmt::Display for StepText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "  {}:", self.name)?;
        for key in ORDER {
            if key == "with" && !self.with.is_empty() {
                writeln!(f, "    with:")?;
                for (key, value) in &self.with {
                    if value.starts_with('\n') {
                        writeln!(f, "      {key}:{value}")?;
                    } else {
                        writeln!(f, "      {key}: {value}")?;
                    }
                }
                continue;
            }
            for (_, value) in self.lines.iter().filter(|(own, _)| *own == key) {
                if key.is_empty() {
                    f.write_str(value)?;
                } else {
                    writeln!(f, "    {key}: {value}")?;
                }
            }
        }
        Ok(())
    }
}

/// Rows of a list of objects, each on a line of its own, below a key that stands at this column.
pub(super) fn rows(all: &[Vec<(&str, String)>], indent: usize) -> String {
    let mut out = String::new();
    for row in all {
        let fields: Vec<String> =
            row.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        write!(out, "\n{}- {{ {} }}", " ".repeat(indent), fields.join(", ")).ok();
    }
    if all.is_empty() { " []".to_owned() } else { out }
}

/// A parameter of a runbook.
#[derive(Debug, Clone)]
pub(super) struct ParamText {
    pub(super) name: String,
    pub(super) lines: Vec<(&'static str, String)>,
    pub(super) description: String,
    pub(super) default: String,
}

impl ParamText {
    pub(super) fn new(
        name: &str,
        kind: &str,
        description: &str,
        default: impl Into<String>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            lines: vec![("type", kind.to_owned())],
            description: description.to_owned(),
            default: default.into(),
        }
    }

    /// Of resources of a type.
    pub(super) fn id(name: &str, of: &str, description: &str, default: &str) -> Self {
        Self::new(name, "resource_id", description, scalar(default)).and("of", of)
    }

    pub(super) fn and(mut self, key: &'static str, value: &str) -> Self {
        self.lines.push((key, value.to_owned()));
        self
    }
}

impl std::fmt::Display for ParamText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "  {}:", self.name)?;
        for (key, value) in &self.lines {
            writeln!(f, "    {key}: {value}")?;
        }
        f.write_str(&prose("description", &self.description, 4))?;
        if self.default.starts_with('\n') {
            writeln!(f, "    default:{}", self.default)
        } else {
            writeln!(f, "    default: {}", self.default)
        }
    }
}

/// Parameters and steps of a runbook.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) params: Vec<ParamText>,
    pub(super) steps: Vec<StepText>,
    /// What people choose at a decision of a drill.
    pub(super) choice: Option<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_taken_for_something_else_is_quoted() {
        for bare in ["vnet-hub", "10.0.0.0/8", "/subscriptions/a/b", "10.10.10.10", "ErGw1AZ"] {
            assert_eq!(scalar(bare), bare);
        }
        for other in ["1", "true", "No", "a: b", "a#b", "fd00::/8 x", "", "${params.a}", "1:20"] {
            assert!(scalar(other).starts_with('"'), "{other}");
        }
    }

    #[test]
    fn prose_is_broken_and_short_prose_stays_on_its_line() {
        assert_eq!(prose("why", "Short.", 4), "    why: Short.\n");
        let long = prose("why", &"word ".repeat(40), 4);
        assert!(long.starts_with("    why: |\n      word"));
        assert!(long.lines().all(|line| line.len() <= WIDTH));
    }
}
