//! How is a command written so that a person can type it, and nothing in it runs but itself?

use crate::model::shell::quoted;

/// The columns of a line, before what ends it: what a printed page and a small terminal have.
const WIDTH: usize = 94;

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ShellWord {
    /// A value, whatever it holds.
    Value(String),
    /// A shell variable, by its name.
    Variable(String),
    /// A shell variable that holds a key: with nothing in it the shell refuses the command.
    Key(String),
}

/// An `az` command under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Az {
    verb: &'static str,
    options: Vec<(&'static str, Vec<ShellWord>)>,
}

impl Az {
    pub(super) fn new(verb: &'static str) -> Self {
        Self { verb, options: Vec::new() }
    }

    /// An option with a value.
    pub(super) fn with(mut self, option: &'static str, value: impl Into<String>) -> Self {
        self.options.push((option, vec![ShellWord::Value(value.into())]));
        self
    }

    /// An option with several values; none when there is none.
    pub(super) fn with_all(mut self, option: &'static str, values: Vec<String>) -> Self {
        if !values.is_empty() {
            self.options.push((option, values.into_iter().map(ShellWord::Value).collect()));
        }
        self
    }

    /// An option that has no value.
    pub(super) fn with_flag(mut self, option: &'static str) -> Self {
        self.options.push((option, Vec::new()));
        self
    }

    /// An option whose value a shell variable holds.
    pub(super) fn with_variable(mut self, option: &'static str, variable: &str) -> Self {
        self.options.push((option, vec![ShellWord::Variable(variable.to_owned())]));
        self
    }

    /// An option whose value is a key that a shell variable holds.
    pub(super) fn with_key(mut self, option: &'static str, variable: &str) -> Self {
        self.options.push((option, vec![ShellWord::Key(variable.to_owned())]));
        self
    }

    /// The command, as many options a line as a page is wide.
    pub(super) fn text(&self) -> String {
        self.text_after("")
    }

    /// The command as it stands after words that a shell takes first.
    pub(super) fn text_after(&self, words: &str) -> String {
        let mut text = format!("{words}az {}", self.verb);
        let mut column = text.chars().count();
        for (option, words) in &self.options {
            let mut one = (*option).to_owned();
            for word in words {
                one.push(' ');
                one.push_str(&match word {
                    ShellWord::Value(value) => quoted(value),
                    ShellWord::Variable(name) => format!("\"${name}\""),
                    ShellWord::Key(name) => format!("\"${{{name}:?}}\""),
                });
            }
            let width = one.chars().count() + 1;
            if column + width > WIDTH {
                text.push_str(" \\\n ");
                column = 1;
            }
            text.push_str(&format!(" {one}"));
            column += width;
        }
        text
    }

    /// The command once for each word that another one answers, which a shell variable holds.
    pub(super) fn for_each(&self, variable: &str, answers: &Self) -> String {
        let indented = self.text().replace('\n', "\n  ");
        format!("for {variable} in $({}); do\n  {indented}\ndone", answers.text())
    }

    /// The command with what it answers kept in a shell variable.
    pub(super) fn kept_in(&self, variable: &str) -> String {
        format!("{variable}=$({})", self.text())
    }

    /// The command with the key that it answers in a shell variable.
    pub(super) fn key_in(&self, variable: &str) -> String {
        key_in(variable, &self.text())
    }
}

/// What a command answers as a key in a shell variable; without one nobody goes on.
pub(super) fn key_in(variable: &str, command: &str) -> String {
    format!(
        "{variable}=$({command})\n[ -n \"${variable}\" ] || {{ echo 'Stop: {variable} is empty.'; false; }}"
    )
}

/// A shell variable's name out of any name.
pub(super) fn variable(name: &str) -> String {
    let mut text: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    if !text.starts_with(|c: char| c.is_ascii_uppercase()) {
        text.insert(0, 'K');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_holds_stays_one_word() {
        assert_eq!(quoted("er-hk"), "er-hk");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("$(rm -rf /)"), "'$(rm -rf /)'");
        assert_eq!(quoted("it's; x"), "'it'\\''s; x'");
        assert_eq!(quoted(""), "''");
        assert_eq!(variable("dr-key.1"), "DR_KEY_1");
        let text = Az::new("network x").with("--name", "a b").with_variable("--key", "K").text();
        let each = Az::new("b").with_variable("--peer", "P").for_each("P", &Az::new("a"));
        assert_eq!(each, "for P in $(az a); do\n  az b --peer \"$P\"\ndone");
        assert_eq!(text, "az network x --name 'a b' --key \"$K\"");
        let long = Az::new("network x").with("--ids", "i".repeat(70)).with("--query", "id").text();
        assert_eq!(long, format!("az network x --ids {} \\\n  --query id", "i".repeat(70)));
        let whole = Az::new("x").with("--ids", "i".repeat(200)).with_flag("--wait").text();
        assert_eq!(whole, format!("az x \\\n  --ids {} \\\n  --wait", "i".repeat(200)));
    }
}
