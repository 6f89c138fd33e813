//! Who says that Azure does not answer? A look each second, and a word when it has lasted.

use std::num::NonZeroU32;
use std::time::Duration;

use super::clock::RealClock;
use super::ui::Ui;
use crate::azure::silence::Silence;
use crate::engine::Clock as _;
use crate::model::limits::CALL_TIMEOUT;
use crate::render::style::clock;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(1);

/// How long nothing must have come back before it is said, and again. Azure answers nearly all within a few seconds.
const SAID_AFTER: [Duration; 4] = [
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(180),
    Duration::from_secs(600),
];

/// From then on so often.
const SAID_EVERY: Duration = Duration::from_secs(600);

/// Since when nothing has come back, as it is said of a run that this process drives; none where that is not so.
pub(super) fn lasting() -> Option<Duration> {
    Silence::of_process().lasts().filter(|lasts| *lasts >= SAID_AFTER[0])
}

/// What is said of it.
pub(super) fn said(lasts: Duration) -> String {
    format!(
        "Azure has not answered for {}: the network, or a proxy on the way, may hold it up.",
        clock(lasts)
    )
}

/// When it is to be said next, after it was said so often.
fn due(said: u32) -> Duration {
    let later = said.saturating_sub(u32::try_from(SAID_AFTER.len() - 1).unwrap_or_default());
    match SAID_AFTER.get(said as usize) {
        Some(after) => *after,
        None => SAID_EVERY * later.saturating_add(1),
    }
}

/// Tells whoever waits here. Never ends.
pub(super) async fn tell(ui: Ui) {
    let time = RealClock::new(NonZeroU32::MIN, None);
    let silence = Silence::of_process();
    let (mut told, mut answers, mut longest) = (0, silence.answers(), Duration::ZERO);
    loop {
        time.sleep_until(time.now() + LOOK).await;
        if silence.answers() != answers {
            answers = silence.answers();
            if told > 0 {
                ui.say(&format!("Azure answers again, after {}.", clock(longest)));
            }
            (told, longest) = (0, Duration::ZERO);
        }
        let Some(lasts) = silence.lasts() else { continue };
        longest = longest.max(lasts);
        if lasts >= due(told) {
            told += 1;
            let limit = clock(CALL_TIMEOUT);
            ui.say(&format!(
                "{} {} A call is given {limit}, and tried again.",
                ui.err.warn("warning:"),
                said(lasts)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_soon_and_then_less_often() {
        let seconds: Vec<u64> = (0..7).map(|said| due(said).as_secs()).collect();
        assert_eq!(seconds, [15, 60, 180, 600, 1_200, 1_800, 2_400]);
    }
}
