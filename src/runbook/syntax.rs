//! What did an author mean who wrote no YAML, or no expression? The usual slips, and what to write instead.

/// Where a YAML error is, and the fix where the slip is a usual one. Comes in: the text, where the parser stopped
/// and what it said.
pub(super) fn yaml_slip(text: &str, at: usize, info: &str) -> (usize, Option<String>) {
    let (before, after) = text.split_at(at.min(text.len()));
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line_end = at + after.find('\n').unwrap_or(after.len());
    let line = text.get(line_start..line_end).unwrap_or_default();
    if info.contains("found a tab") {
        // The parser stops at the end of what came before the tab.
        let tab = after.find('\t').map_or(at, |more| at + more);
        return (tab, Some("Indent with spaces: YAML takes no tabs there.".to_owned()));
    }
    if line.contains(['“', '”', '‘', '’', '„']) {
        let help = "The quotes of this line are typographic; write plain ones: \" or '.";
        return (at, Some(help.to_owned()));
    }
    let flow = info.contains("flow mapping") || info.contains("flow sequence");
    if flow && (before.ends_with('$') || after.starts_with("${")) {
        let help = "Within { } and [ ] an expression is quoted: \"${params.name}\".";
        return (at, Some(help.to_owned()));
    }
    let opener = if info.contains("flow sequence") { '[' } else { '{' };
    let help = flow.then(|| unclosed(before, opener)).flatten().map(|open| {
        let number = text[..open].matches('\n').count() + 1;
        format!("Is the `{opener}` of line {number} closed?")
    });
    (at, help)
}

/// The last bracket of a kind that nothing closes; brackets in quotes count as well, which is near enough for a
/// question.
fn unclosed(text: &str, opener: char) -> Option<usize> {
    let closer = if opener == '[' { ']' } else { '}' };
    let mut open = Vec::new();
    for (at, letter) in text.char_indices() {
        if letter == opener {
            open.push(at);
        } else if letter == closer {
            open.pop();
        }
    }
    // The innermost may be what the parser stopped at.
    open.into_iter().rfind(|at| *at + 1 < text.len())
}

/// What is wrong with an expression, in our words where the parser's would not help, and the fix.
pub(super) fn expression_slip(text: &str, said: &str) -> (String, Option<String>) {
    let assigns = text.char_indices().any(|(at, letter)| {
        let beside = |near: Option<char>| near.is_some_and(|near| "=!<>".contains(near));
        letter == '='
            && !beside(text[..at].chars().next_back())
            && !beside(text[at + 1..].chars().next())
    });
    if assigns && said.contains("token recognition error") {
        return ("it has a single `=`".to_owned(), Some("Write `==` to compare.".to_owned()));
    }
    if said.contains("'<EOF>'") {
        return ("it ends where something must follow".to_owned(), None);
    }
    // A list of the grammar's tokens helps nobody.
    let said = said.split(" expecting ").next().unwrap_or(said);
    (said.trim_end_matches('.').to_owned(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_without_quotes_a_tab_and_typographic_quotes_are_known() {
        let flow = "while parsing a flow mapping, did not find expected ',' or '}'";
        let text = "with: { circuit: ${params.x} }";
        let (_, help) = yaml_slip(text, text.find("{p").unwrap(), flow);
        assert!(help.unwrap().contains("quoted"));
        let text = "a: b\n\tc: d";
        let (at, help) = yaml_slip(text, 3, "while scanning a plain scalar, found a tab");
        assert_eq!(&text[at..=at], "\t");
        assert!(help.unwrap().contains("spaces"));
        let text = "with: { circuit: “${params.x}” }";
        let (_, help) = yaml_slip(text, text.find("{p").unwrap(), flow);
        assert!(help.unwrap().contains("typographic"));
        let text = "a: { b: c\nd: { e: 60m }\n";
        let (_, help) = yaml_slip(text, text.rfind('{').unwrap(), flow);
        assert_eq!(help.unwrap(), "Is the `{` of line 1 closed?");
    }

    #[test]
    fn a_single_equals_sign_and_an_end_too_early_are_told_without_the_grammars_tokens() {
        let (what, help) =
            expression_slip("steps.a = \"x\"", "Syntax error: token recognition error at: '= '");
        assert_eq!(
            (what.as_str(), help.as_deref()),
            ("it has a single `=`", Some("Write `==` to compare."))
        );
        let said = "Syntax error: mismatched input '<EOF>' expecting {'[', '{', '('}";
        assert_eq!(expression_slip("a +", said).0, "it ends where something must follow");
        let said = "Syntax error: mismatched input 'x' expecting {'[', '{', '('}";
        assert_eq!(expression_slip("a x", said).0, "Syntax error: mismatched input 'x'");
    }
}
