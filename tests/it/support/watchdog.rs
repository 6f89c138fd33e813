//! Every drill of the tests ends within bounds of its own time, its events and the memory of this process: what
//! passes them goes in circles.

use std::time::Duration;

/// The longest drill copies disks, meets a bad day and waits for people.
const TIME_MAX: Duration = Duration::from_secs(101 * 86_400);

/// The longest journal of a drill that ends has some hundred.
const EVENTS_MAX: usize = 5_000;

/// The peak of all tests side by side, in kB.
const MEMORY_MAX: u64 = 2_000_000;

/// Panics where a bound is passed.
pub(super) fn check(took: Duration, events: usize) {
    assert!(took <= TIME_MAX, "the drill took {} days of its time", took.as_secs() / 86_400);
    assert!(events <= EVENTS_MAX, "the drill has {events} events");
    // Where the system tells; elsewhere the drill's own limits hold.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.split_whitespace().next()?.parse().ok());
    assert!(peak.unwrap_or(0) <= MEMORY_MAX, "the tests take {peak:?} kB");
}
