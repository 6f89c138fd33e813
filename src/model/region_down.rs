//! Which region does somebody take down in a drill, and when?

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Region;
use super::time::{duration_text, format_duration};

/// A region that a person takes down in a drill. It is written into the journal, which says with it what was drilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionDown {
    /// Which.
    pub region: Region,
    /// How long after the beginning; not at all is at the beginning.
    #[serde(with = "duration_text", default, skip_serializing_if = "Duration::is_zero")]
    pub after: Duration,
}

impl fmt::Display for RegionDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.region.as_str())?;
        if self.after.is_zero() {
            return Ok(());
        }
        write!(f, " after {}", format_duration(self.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_it_was_written_and_says_when_where_that_is_not_at_once() {
        let region = Region::parse("westeurope").unwrap();
        for (after, text, said) in [
            (Duration::ZERO, r#"{"region":"westeurope"}"#, "westeurope"),
            (
                Duration::from_secs(300),
                r#"{"region":"westeurope","after":"5m"}"#,
                "westeurope after 5m",
            ),
        ] {
            let own = RegionDown { region: region.clone(), after };
            assert_eq!(serde_json::to_string(&own).unwrap(), text);
            assert_eq!(serde_json::from_str::<RegionDown>(text).unwrap(), own);
            assert_eq!(own.to_string(), said);
        }
    }
}
