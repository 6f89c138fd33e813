//! Did a person edit it? What was written before is told from what somebody made of it, and the two are compared.

use std::fmt::Write as _;

/// How the line begins that tells; what follows is the hash of all other lines.
const MARK: &str = "written-by-init: ";

/// What is to become of a file that is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It says the same already.
    Same,
    /// It is what was written before, byte for byte: nobody loses anything.
    Replace,
    /// Somebody edited it, or wrote it: the new one goes beside it.
    Beside,
}

fn hash_of(text: &str) -> String {
    let rest: String = text.split_inclusive('\n').filter(|line| !line.contains(MARK)).collect();
    blake3::hash(rest.as_bytes()).to_hex().to_string()
}

/// A text with the line by which it is known again, behind its first one.
#[must_use]
pub fn marked(text: &str, is_yaml: bool) -> String {
    let hash = hash_of(text);
    let line =
        if is_yaml { format!("# {MARK}{hash}\n") } else { format!("<!-- {MARK}{hash} -->\n") };
    match text.split_once('\n') {
        Some((first, rest)) => format!("{first}\n{line}{rest}"),
        None => format!("{text}\n{line}"),
    }
}

/// What is to become of what is there.
#[must_use]
pub fn keep(there: &str, new: &str) -> Keep {
    if there == new {
        return Keep::Same;
    }
    let line = there.lines().find_map(|line| line.split(MARK).nth(1));
    let said = line.and_then(|rest| rest.split_whitespace().next());
    match said {
        Some(said) if said == hash_of(there) => Keep::Replace,
        _ => Keep::Beside,
    }
}

/// The lines around a change that are shown.
const AROUND: usize = 2;

/// Longer texts are not compared line by line.
const LINES_MAX: usize = 4000;

/// What changed, line by line: `-` as it is, `+` as it would be.
#[must_use]
pub fn difference(old: &str, new: &str) -> String {
    let lines = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.contains(MARK)).map(str::to_owned).collect()
    };
    let (old, new) = (lines(old), lines(new));
    if old.len() > LINES_MAX || new.len() > LINES_MAX {
        return "  (too long to be shown)\n".to_owned();
    }
    let all = compared(&old, &new);
    let near = |place: usize| {
        let from = place.saturating_sub(AROUND);
        all.iter().skip(from).take(place - from + AROUND + 1).any(|(mark, _)| *mark != ' ')
    };
    let mut out = String::new();
    let mut gap = false;
    for (place, (mark, line)) in all.iter().enumerate() {
        if near(place) {
            if gap {
                out.push_str("  …\n");
            }
            gap = false;
            writeln!(out, "{mark} {line}").ok();
        } else {
            gap = !out.is_empty();
        }
    }
    out
}

/// The lines of both, the common ones once: by the longest common subsequence.
fn compared<'t>(old: &'t [String], new: &'t [String]) -> Vec<(char, &'t str)> {
    let width = new.len() + 1;
    let mut best = vec![0_u32; (old.len() + 1) * width];
    let at = |i: usize, j: usize| i * width + j;
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            best[at(i, j)] = if old[i] == new[j] {
                best[at(i + 1, j + 1)] + 1
            } else {
                best[at(i + 1, j)].max(best[at(i, j + 1)])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut all = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            all.push((' ', old[i].as_str()));
            (i, j) = (i + 1, j + 1);
        } else if j >= new.len() || (i < old.len() && best[at(i + 1, j)] >= best[at(i, j + 1)]) {
            all.push(('-', old[i].as_str()));
            i += 1;
        } else {
            all.push(('+', new[j].as_str()));
            j += 1;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_edited_is_never_written_over() {
        let first = marked("# head\nrunbook: a\n", true);
        assert_eq!(keep(&first, &first), Keep::Same);
        let later = marked("# head\nrunbook: b\n", true);
        assert_eq!(keep(&first, &later), Keep::Replace);
        for edited in [first.replace("runbook: a", "runbook: mine"), "runbook: a\n".to_owned()] {
            assert_eq!(keep(&edited, &later), Keep::Beside);
        }
        assert_eq!(keep(&marked("a\n", false), &marked("b\n", false)), Keep::Replace);
    }

    #[test]
    fn a_difference_shows_what_changed_and_what_stands_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng\n";
        let new = "a\nb\nc\nD\ne\nf\ng\nh\n";
        assert_eq!(difference(old, new), "  b\n  c\n- d\n+ D\n  e\n  f\n  g\n+ h\n");
        assert_eq!(difference(old, old), "");
    }
}
