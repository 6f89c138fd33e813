//! Has Azure stopped answering? Calls that are under way, and since when nothing has come back.
//!
//! A network that takes a call and brings nothing back looks like patience for as long as the call may take. This
//! is by the host's own time, whatever the run's clock says: it is about this host's network.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is known of the calls of this process.
static CALLS: Silence = Silence::new();

/// Since when nothing has come back.
#[derive(Debug)]
pub struct Silence(Mutex<Calls>);

#[derive(Debug, Clone, Copy)]
struct Calls {
    under_way: usize,
    since: Option<Instant>,
    answers: u64,
}

/// A call that is under way; when it is dropped it is not any more, however it ended.
#[derive(Debug)]
pub(super) struct UnderWay<'a>(&'a Silence);

impl Silence {
    const fn new() -> Self {
        Self(Mutex::new(Calls { under_way: 0, since: None, answers: 0 }))
    }

    /// That of this process.
    #[must_use]
    pub fn of_process() -> &'static Self {
        &CALLS
    }

    /// How long what is asked now has had no answer; none where nothing is asked.
    #[must_use]
    pub fn lasts(&self) -> Option<Duration> {
        let calls = self.calls();
        calls.since.filter(|_| calls.under_way > 0).map(|since| since.elapsed())
    }

    /// How many answers have come: who knows that there are more than before knows that the silence is over.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.calls().answers
    }

    /// A call begins.
    #[expect(clippy::disallowed_methods, reason = "a network's silence is by the host's time")]
    pub(super) fn asked(&self) -> UnderWay<'_> {
        let mut calls = self.calls();
        calls.under_way += 1;
        calls.since.get_or_insert_with(Instant::now);
        UnderWay(self)
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay<'_> {
    /// Something came back, whatever it says. What else is under way is silent from now on only.
    #[expect(clippy::disallowed_methods, reason = "a network's silence is by the host's time")]
    pub(super) fn answered(&self) {
        let mut calls = self.0.calls();
        calls.answers += 1;
        calls.since = (calls.under_way > 1).then(Instant::now);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.calls().under_way -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_lasts_over_calls_that_fail_and_ends_with_any_answer() {
        let silence = Silence::new();
        assert_eq!((silence.lasts(), silence.answers()), (None, 0));
        let first = silence.asked();
        let begun = silence.calls().since;
        assert!(begun.is_some() && silence.lasts().is_some());
        drop(first);
        assert_eq!(silence.lasts(), None, "nothing is asked");
        let second = silence.asked();
        assert_eq!(silence.calls().since, begun, "the one before was not answered");
        let third = silence.asked();
        third.answered();
        drop(third);
        assert!(silence.lasts().is_some() && silence.calls().since > begun, "since that answer");
        second.answered();
        assert_eq!(silence.answers(), 2);
        drop(second);
        assert_eq!(silence.calls().since, None);
        let fourth = silence.asked();
        assert!(silence.calls().since > begun);
        drop(fourth);
    }
}
