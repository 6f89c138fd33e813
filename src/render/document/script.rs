//! How does the whole procedure look as one script? Every command of the document, in its order, with a look before
//! each change and a person at each gate.
//!
//! Nothing is in it that is not in the document. It keeps no state: begun again it looks first, and whoever sits
//! before it says what is so already.

use std::fmt::Write as _;

use super::Written;
use super::step_view::{CommandView, StepPart, UndoView};
use super::view::{Document, DocumentPart, StepLink};
use crate::model::shell::quoted;
use crate::outward;

/// What every such script begins with: its questions.
const HEAD: &str = include_str!("script.sh");

/// The document as a script for a POSIX shell: forward by itself, with `back` and, where there is one, `failback`.
#[must_use]
pub fn script(document: &Document) -> Written {
    let mut text = String::from("#!/bin/sh\n");
    comment(&mut text, &document.title);
    comment(&mut text, &format!("Made by {} of {}.", document.generator, document.runbook));
    for version in &document.versions {
        comment(&mut text, &format!("{}: {}", version.of, version.short));
    }
    comment(&mut text, "");
    comment(&mut text, "Usage: sh THIS [forward | back | failback | failback-back]");
    text.push_str(HEAD);
    let mut verbs = Vec::new();
    for (part, (forward, back)) in
        document.parts.iter().zip([("forward", "back"), ("failback", "failback-back")])
    {
        whole(&mut text, part, forward);
        taking_back(&mut text, part, back);
        verbs.extend([forward, back]);
    }
    text.push_str("\ncase ${1:-forward} in\n");
    for verb in &verbs {
        let _ = writeln!(text, "  {verb}) {} ;;", function(verb));
    }
    let _ = writeln!(
        text,
        "  *)\n    say \"Known are: {}\"\n    exit 2\n    ;;\nesac",
        verbs.join(", ")
    );
    // It is read before it is run, and prints an author's words while it is: nothing in it turns a line around.
    Written { text: outward::visible(&text).into_owned(), files: Vec::new() }
}

fn function(verb: &str) -> String {
    format!("go_{}", verb.replace('-', "_"))
}

fn comment(text: &mut String, words: &str) {
    let line = one_line(words);
    let _ = writeln!(text, "{}", format!("# {line}").trim_end());
}

/// A text without ends of lines: it stands in a comment, or between quotes.
fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn word(words: &str) -> String {
    quoted(&one_line(words))
}

fn whole(text: &mut String, part: &DocumentPart, verb: &str) {
    if let Some(CommandView { command, .. }) = &part.typed_first {
        let _ = writeln!(text, "\n{command}");
    }
    for step in &part.steps {
        functions(text, &part.key, step);
    }
    let _ = writeln!(text, "\n{}() {{", function(verb));
    let _ = writeln!(text, "  say {}", word(&part.title));
    for one in &part.broken {
        let _ = writeln!(text, "  say {}", word(&format!("DO NOT GO BY THIS: {}", one.text)));
    }
    for call in &part.calls {
        let _ = writeln!(
            text,
            "  say {}",
            word(&format!("Call at step {}: {}", call.step.number, call.text))
        );
    }
    for secret in &part.secrets {
        if secret.source.starts_with("env:") {
            let variable = &secret.variable;
            let _ = writeln!(
                text,
                "  : \"${{{variable}:?export it: the secret parameter {}}}\"",
                secret.name
            );
        }
    }
    for step in &part.steps {
        for begun in part.steps.iter().filter(|begun| awaited_by(begun, step)) {
            taking_up(text, &part.key, begun);
        }
        one(text, &part.key, step);
    }
    for begun in part.steps.iter().filter(|step| is_begun(step) && awaited(step).is_none()) {
        taking_up(text, &part.key, begun);
    }
    let _ = writeln!(text, "\n  say\n  say {}\n}}", word("All steps are done."));
}

fn named(key: &str, what: &str, number: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("{key}_{what}_{}", number.chars().map(plain).collect::<String>())
}

/// What a step does and how it is looked at, as functions.
fn functions(text: &mut String, key: &str, step: &StepPart) {
    if !step.act.is_empty() || !step.check.is_empty() {
        text.push('\n');
        comment(text, &format!("{} {} ({})", step.number, step.title, step.name));
    }
    body(text, &named(key, "do", &step.number), &step.act);
    body(text, &named(key, "look", &step.number), &step.check);
}

/// Commands as they stand; the first that is refused ends them.
fn body(text: &mut String, name: &str, commands: &[CommandView]) {
    if commands.is_empty() {
        return;
    }
    let _ = writeln!(text, "{name}() {{");
    for CommandView { note, command } in commands {
        if let Some(note) = note {
            let _ = writeln!(text, "  # {}", one_line(note));
        }
        let _ = writeln!(text, "  {} || return 1", command.replace('\n', "\n  "));
    }
    text.push_str("}\n");
}

/// Whether a step is begun and not waited for: it has commands of its own.
fn is_begun(step: &StepPart) -> bool {
    step.meanwhile.is_some() && !step.act.is_empty()
}

/// The first step that waits for one that was begun.
fn awaited(step: &StepPart) -> Option<&StepLink> {
    step.meanwhile.as_ref().and_then(|meanwhile| meanwhile.until.as_ref())
}

fn awaited_by(begun: &StepPart, step: &StepPart) -> bool {
    is_begun(begun) && awaited(begun).is_some_and(|until| until.name == step.name)
}

/// Waits for a step that was begun, and looks at it as its turn would have.
fn taking_up(text: &mut String, key: &str, step: &StepPart) {
    let (work, look) = (named(key, "do", &step.number), named(key, "look", &step.number));
    let (begun, advice) = (named(key, "begun", &step.number), word(&advice(step)));
    let title = word(&format!("{}, begun before", step.title));
    let _ = writeln!(text, "\n  step {} {title} {}", step.number, word(&step.usual));
    let _ = writeln!(text, "  if [ -n \"${begun}\" ]; then");
    let _ = writeln!(text, "    taken_up \"${begun}\" {work} {advice}");
    if !step.check.is_empty() {
        let _ = writeln!(text, "    see {look} {} {advice}", word(&step.good));
    }
    let _ = writeln!(text, "  else\n    say '   It was so already.'\n  fi");
}

/// Begins a step that is waited for later.
fn beginning(text: &mut String, key: &str, step: &StepPart) {
    let (work, look) = (named(key, "do", &step.number), named(key, "look", &step.number));
    let begun = named(key, "begun", &step.number);
    let then = match awaited(step) {
        Some(until) => format!("step {} is the first that needs it.", until.number),
        None => "it is looked at after the last step.".to_owned(),
    };
    let _ = writeln!(text, "  {begun}=");
    let begin = format!("begin {work} {} && {begun}=$begun", word(&then));
    if step.check.is_empty() {
        let _ = writeln!(text, "  {begin}");
    } else {
        let good = word(&step.good);
        let _ = writeln!(text, "  if ! already {look} {good}; then\n    {begin}\n  fi");
    }
}

/// A step in its turn.
fn one(text: &mut String, key: &str, step: &StepPart) {
    let (work, look) = (named(key, "do", &step.number), named(key, "look", &step.number));
    let takes = match &step.gate {
        Some(_) => format!("{}.", step.usual),
        None => format!("{}; {} at most.", step.usual, step.timeout),
    };
    let _ = writeln!(text, "\n  step {} {} {}", step.number, word(&step.title), word(&takes));
    if is_begun(step) {
        return beginning(text, key, step);
    }
    let mut margin = "  ";
    if let Some(when) = &step.when {
        let when = step.only.as_ref().unwrap_or(when);
        let _ = writeln!(text, "  if only_when {}; then", word(when));
        margin = "    ";
    }
    let advice = advice(step);
    if let Some(gate) = &step.gate {
        for option in &gate.options {
            let _ = writeln!(
                text,
                "{margin}say {}",
                word(&format!("   {}: {}", option.name, option.meaning))
            );
        }
        let who = format!("{} {}", gate.who, gate.silence);
        let _ = writeln!(text, "{margin}gate {} {}", word(&gate.question), word(&who));
    } else if step.act.is_empty() && step.check.is_empty() {
        let how = step.by_hand.as_deref().unwrap_or(&step.changes);
        let _ = writeln!(text, "{margin}gate {} {}", word(how), word(&step.good));
    } else if step.act.is_empty() {
        let _ = writeln!(text, "{margin}see {look} {} {}", word(&step.good), word(&advice));
    } else if step.check.is_empty() {
        let _ = writeln!(text, "{margin}attempt {work} {}", word(&advice));
    } else {
        let good = word(&step.good);
        let _ = writeln!(text, "{margin}if ! already {look} {good}; then");
        let _ = writeln!(text, "{margin}  attempt {work} {}", word(&advice));
        let _ = writeln!(text, "{margin}  see {look} {good} {}", word(&advice));
        let _ = writeln!(text, "{margin}fi");
    }
    if step.when.is_some() {
        text.push_str("  fi\n");
    }
}

/// What to do when it fails, and whom to call.
fn advice(step: &StepPart) -> String {
    let mut words: Vec<String> =
        step.trouble.iter().map(|one| format!("{}: {}", one.sign, one.then)).collect();
    words.extend(step.call.iter().map(|call| format!("Call: {call}")));
    if words.is_empty() {
        words.push(step.on_failure.clone());
    }
    words.join(" ")
}

fn taking_back(text: &mut String, part: &DocumentPart, verb: &str) {
    for UndoView { step, commands, .. } in &part.undo {
        body(text, &named(&part.key, "undo", &step.number), commands);
    }
    let _ = writeln!(text, "\n{}() {{", function(verb));
    for UndoView { step, text: how, commands, stays, .. } in &part.undo {
        let title = word(&step.title);
        if *stays || commands.is_empty() {
            let _ =
                writeln!(text, "  say {}", word(&format!("{} {}: {how}", step.number, step.title)));
            continue;
        }
        let undo = named(&part.key, "undo", &step.number);
        let _ = writeln!(text, "  if back {} {title} {}; then", step.number, word(how));
        let _ = writeln!(
            text,
            "    attempt {undo} {}",
            word("The message names what is in the way. That goes first.")
        );
        text.push_str("  fi\n");
    }
    text.push_str("  say\n  say 'What was asked for is taken back.'\n}\n");
}
