//! Did what was to go wrong in a drill go wrong? What each fault and each bad day met and struck, for people.

use serde::{Deserialize, Serialize};

use super::Style;

/// What a bad day or a fault met and struck in a drill, flat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrikesView {
    /// The bad day's name, or what the fault is.
    pub what: String,
    /// Whether it is a bad day.
    pub is_day: bool,
    /// How often it struck.
    pub struck: u64,
    /// How many requests it met.
    pub met: u64,
    /// How many requests there were.
    pub asked: u64,
    /// How often it struck the reads of the drill's own preflight, before its first step.
    #[serde(default, skip_serializing_if = "is_none")]
    pub before: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl StrikesView {
    /// Whether it struck anything, in the drill or in the preflight before it.
    #[must_use]
    pub fn has_struck(&self) -> bool {
        self.struck > 0 || self.before > 0
    }

    /// What came of it, as the end of a sentence.
    #[must_use]
    pub fn said(&self) -> String {
        let times = |count: u64| match count {
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        let met = self.met();
        match self.struck {
            0 if self.before > 0 => format!(
                "struck {} in the drill's preflight, and nothing in the drill{met}",
                times(self.before)
            ),
            0 => format!("did not strike{met}"),
            struck => format!("struck {}{met}", times(struck)),
        }
    }

    /// The same as a sentence of its own.
    #[must_use]
    pub fn sentence(&self) -> String {
        let kind = if self.is_day { "Bad day" } else { "Fault" };
        format!("{kind} {}: {}", self.what, self.said())
    }

    /// How many requests it met, of those that there were.
    fn met(&self) -> String {
        let Self { met, asked, .. } = self;
        let requests = if *asked == 1 { "request" } else { "requests" };
        match (*met, *asked) {
            // What comes of no request, as a region that goes down, has no share of them.
            (_, 0) => String::new(),
            // Several faults are one bad day, and one request may meet each.
            (met, asked) if met > asked => {
                format!(" (its faults met {asked} {requests} {met} times)")
            }
            (met, asked) => format!(" ({met} of {asked} {requests} met)"),
        }
    }
}

/// A line for each of them; what struck nothing stands out.
pub(super) fn lines(all: &[StrikesView], style: Style) -> Vec<String> {
    let line = |(place, strikes): (usize, &StrikesView)| {
        let lead = if place == 0 { "Went wrong  " } else { "            " };
        let row = format!("{lead}{}: {}", strikes.what, strikes.said());
        if !strikes.has_struck() { style.warn(&row) } else { row }
    };
    all.iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_struck_nothing_says_how_many_requests_it_was_asked_about() {
        let of = |struck, met, asked| {
            StrikesView { what: "slow".to_owned(), is_day: true, struck, met, asked, before: 0 }
                .said()
        };
        let before = StrikesView {
            what: "refuse".to_owned(),
            is_day: false,
            struck: 0,
            met: 0,
            asked: 115,
            before: 2,
        };
        let said = "struck 2 times in the drill's preflight, and nothing in the drill (0 of 115 requests met)";
        assert_eq!(before.said(), said);
        assert!(before.has_struck());
        assert_eq!(of(0, 0, 14), "did not strike (0 of 14 requests met)");
        assert_eq!(of(0, 1, 1), "did not strike (1 of 1 request met)");
        assert_eq!(of(1, 2, 14), "struck once (2 of 14 requests met)");
        assert_eq!(of(3, 3, 14), "struck 3 times (3 of 14 requests met)");
        assert_eq!(of(13, 316, 111), "struck 13 times (its faults met 111 requests 316 times)");
        assert_eq!(of(2, 0, 0), "struck 2 times");
    }
}
