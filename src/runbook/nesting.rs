//! How deep is a YAML text nested? Asked before a reader sees it whose time or stack grows with that.

use saphyr_parser::{Event, Parser};

/// Refuses a text whose lists and mappings stand deeper within one another than they may.
///
/// # Errors
/// It is deeper, or is not YAML; with the line.
pub fn check(text: &str, depth_max: usize) -> Result<(), String> {
    let mut depth = 0_usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            format!("line {}: this is not YAML: {}", error.marker().line(), error.info())
        })?;
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::Alias(_)
            | Event::Scalar(..) => {}
        }
        if depth > depth_max {
            let line = span.start.line();
            return Err(format!("line {line}: this is nested deeper than {depth_max} levels"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_100_000_deep_gets_its_answer_at_once() {
        for unit in
            ["[", "{a: ", "- ", "? ", "[{a: ", "[\n", "- - [", "!x [", "&a [", "[\"]\", ", "{? "]
        {
            let deep = unit.repeat(100_000);
            assert!(check(&deep, 128).is_err(), "{unit}");
            let within = format!("a: |\n  \"\n  '\nb: {deep}");
            assert!(check(&within, 128).is_err(), "{unit}");
        }
        let block: String = (0..3_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        assert!(check(&block, 128).is_err());
        let closed = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(check(&closed, 128).is_err());
    }

    #[test]
    fn what_is_flat_is_let_through_however_wide() {
        assert_eq!(check(&"- [a, {b: c}]\n".repeat(10_000), 128), Ok(()));
        assert_eq!(check("a: &x [1]\nb: *x\nc: !t 'x'\n", 128), Ok(()));
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(check(&deep, 100), Ok(()));
    }
}
