//! Who speaks to the person, so that the run need not wait for them? One thread, behind a bounded line.
//!
//! A terminal that nobody reads, or a pipe whose reader hangs, takes no more bytes after a while. What is
//! said then waits here up to a bound; beyond it lines are dropped and counted. The run goes on.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Pieces of talk that wait to be written: more than a failover says in an hour, a few megabytes at most.
const WAITING_MAX: usize = 4_096;

/// The longest piece that is kept whole, so that the bound on pieces is one on bytes.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// How long the end of a command, or a question, waits until what was said before is written.
const LAST_WORDS: Duration = Duration::from_secs(3);

enum VoicePart {
    Text(Vec<u8>),
    /// Tells when all that came before is written.
    Mark(SyncSender<()>),
}

/// A line of pieces, and the thread that writes them.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    pieces: SyncSender<VoicePart>,
    dropped: Arc<AtomicU64>,
}

impl Voice {
    /// Speaks to `out`. The thread ends with the last clone, or stays where it is stuck.
    fn to(mut out: impl Write + Send + 'static) -> std::io::Result<Self> {
        let (pieces, inbox) = sync_channel::<VoicePart>(WAITING_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        std::thread::Builder::new().name("voice".to_owned()).spawn(move || {
            for piece in inbox {
                match piece {
                    // A reader that has gone away hears no more, which is no error.
                    VoicePart::Text(text) => drop(out.write_all(&text)),
                    VoicePart::Mark(reached) => {
                        let count = lost.swap(0, Ordering::Relaxed);
                        if count > 0 {
                            drop(writeln!(
                                out,
                                "({count} lines could not be shown: nobody read them.)"
                            ));
                        }
                        drop(out.flush());
                        let _nobody_waits_any_more = reached.try_send(());
                    }
                }
            }
        })?;
        Ok(Self { pieces, dropped })
    }

    /// Says something, or drops it where the line is full. Never waits.
    fn say(&self, mut text: Vec<u8>) {
        text.truncate(PIECE_BYTES_MAX);
        match self.pieces.try_send(VoicePart::Text(text)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Waits until all that was said is written, but not for ever; tells whether it was.
    fn wait(&self, at_most: Duration) -> bool {
        let (reached, reaching) = sync_channel(1);
        let marked = self.pieces.try_send(VoicePart::Mark(reached)).is_ok();
        marked && reaching.recv_timeout(at_most).is_ok()
    }
}

/// The voice on standard error. There is one for the process, as there is one standard error.
fn on_stderr() -> Option<&'static Voice> {
    static VOICE: OnceLock<Option<Voice>> = OnceLock::new();
    VOICE.get_or_init(|| Voice::to(std::io::stderr()).ok()).as_ref()
}

/// Says bytes on standard error. Never waits.
pub(super) fn say(text: Vec<u8>) {
    match on_stderr() {
        Some(voice) => voice.say(text),
        // No thread can be had: better a wait than silence.
        None => drop(std::io::stderr().write_all(&text)),
    }
}

/// Waits a moment until what was said is written: before a question, and at the end.
pub(super) fn finish() {
    if let Some(voice) = on_stderr() {
        // A reader that hangs has had its time; what is left is in the journal.
        let _written: bool = voice.wait(LAST_WORDS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_said_is_written_in_order() {
        let page = Page::default();
        let voice = Voice::to(page.clone()).unwrap();
        for n in 0..100 {
            voice.say(format!("{n}\n").into_bytes());
        }
        assert!(voice.wait(LAST_WORDS));
        let expected: String = (0..100).map(|n| format!("{n}\n")).collect();
        assert_eq!(String::from_utf8(page.0.lock().unwrap().clone()).unwrap(), expected);
    }

    #[test]
    fn a_reader_that_hangs_holds_nobody_up_and_what_it_missed_is_counted() {
        let page = Page::default();
        let stuck = page.0.lock().unwrap();
        let voice = Voice::to(page.clone()).unwrap();
        for n in 0..WAITING_MAX * 2 {
            voice.say(format!("{n}\n").into_bytes());
        }
        assert!(!voice.wait(Duration::from_millis(20)), "nothing can be written");
        assert!(voice.dropped.load(Ordering::Relaxed) >= WAITING_MAX as u64 - 1);
        drop(stuck);
        while !voice.wait(LAST_WORDS) {}
        let told = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert!(told.contains("lines could not be shown"), "{}", told.len());
    }
}
