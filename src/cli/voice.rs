//! Who speaks to the person, so that the run need not wait for them? One thread, behind a bounded line.
//!
//! A terminal that nobody reads, or a pipe whose reader hangs, takes no more bytes after a while. What is
//! said then waits here up to a bound; beyond it lines are dropped and counted. The run goes on.
//!
//! On a terminal a few lines may stand below all that is said. They are taken away before anything else is
//! written, and put back after it, so that nothing that speaks can tear them, whatever the window's width is by
//! then. A question that waits for an answer is asked again below what is said meanwhile.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::render::progress::StandingLine;

/// Pieces of talk that wait to be written: more than a failover says in an hour, a few megabytes at most.
const WAITING_MAX: usize = 4_096;

/// The longest piece that is kept whole, so that the bound on pieces is one on bytes.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// How long the end of a command, or a question, waits until what was said before is written.
const LAST_WORDS: Duration = Duration::from_secs(3);

enum VoicePart {
    Text(Vec<u8>),
    /// A question: it stays on its line until it is answered, and is put again below what is said meanwhile.
    Question(Vec<u8>),
    /// What was typed ended the line of the question, or nobody is asked any more.
    Answered,
    /// What stands below all that is said from now on.
    Standing(Vec<StandingLine>),
    /// Tells when all that came before is written.
    Mark(SyncSender<()>),
}

/// What stands below all that is said.
#[derive(Debug, Default)]
struct Below {
    lines: Vec<StandingLine>,
    /// Columns of the lines that are on the screen.
    drawn: Vec<usize>,
    /// What somebody is asked: then nothing else stands there.
    question: Option<Vec<u8>>,
}

impl Below {
    /// What takes the lines off the screen. A window that has become narrower since they were drawn shows each
    /// of them on more rows.
    fn taken_away(&mut self, columns: usize) -> String {
        let rows: usize = self.drawn.iter().map(|wide| wide.div_ceil(columns.max(1)).max(1)).sum();
        self.drawn.clear();
        match rows {
            0 => String::new(),
            1 => "\r\u{1b}[J".to_owned(),
            rows => format!("\r\u{1b}[{}A\u{1b}[J", rows - 1),
        }
    }

    /// What puts them back; the cursor stays at the end of the last one.
    fn put_back(&mut self) -> String {
        self.drawn = self.lines.iter().map(|line| line.columns).collect();
        let texts: Vec<&str> = self.lines.iter().map(|line| line.text.as_str()).collect();
        texts.join("\r\n")
    }

    /// Text with what stands below it.
    fn over(&mut self, text: &[u8]) -> Vec<u8> {
        match &self.question {
            // What is typed of the answer stays where it was typed: it is not ours to wipe.
            Some(asked) => [b"\r\n", text, asked].concat(),
            None => {
                let away = self.taken_away(columns());
                [away.as_bytes(), text, self.put_back().as_bytes()].concat()
            }
        }
    }

    /// Lets a question stand there, and nothing else.
    fn ask(&mut self, question: Vec<u8>) -> Vec<u8> {
        let away = self.taken_away(columns());
        self.lines.clear();
        let bytes = [away.as_bytes(), &question].concat();
        self.question = Some(question);
        bytes
    }

    /// Lets lines stand there, unless somebody is asked.
    fn stand(&mut self, lines: Vec<StandingLine>) -> Vec<u8> {
        if self.question.is_some() {
            return Vec::new();
        }
        let away = self.taken_away(columns());
        self.lines = lines;
        [away, self.put_back()].concat().into_bytes()
    }
}

/// Columns of the terminal now; where it does not tell no line is thought to be broken.
fn columns() -> usize {
    super::ui::terminal_columns().unwrap_or(usize::MAX)
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
            let mut below = Below::default();
            for piece in inbox {
                // A reader that has gone away hears no more, which is no error.
                let mut write =
                    |bytes: Vec<u8>| drop(out.write_all(&bytes).and_then(|()| out.flush()));
                match piece {
                    VoicePart::Text(text) => write(below.over(&text)),
                    VoicePart::Question(text) => write(below.ask(text)),
                    VoicePart::Answered => below.question = None,
                    VoicePart::Standing(lines) => write(below.stand(lines)),
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

/// Asks something on a line that waits for its answer, until [`answered`] is told.
pub(super) fn ask(question: Vec<u8>) {
    match on_stderr() {
        Some(voice) => {
            // A line that is full has a reader that hangs: nobody is there to answer.
            let _stuck = voice.pieces.try_send(VoicePart::Question(question)).is_err();
        }
        None => drop(std::io::stderr().write_all(&question)),
    }
}

/// The question that was asked last waits no more.
pub(super) fn answered() {
    if let Some(voice) = on_stderr() {
        let _stuck = voice.pieces.try_send(VoicePart::Answered).is_err();
    }
}

/// Lets these lines stand below all that is said from now on; none takes them away. Never waits.
pub(super) fn stand(lines: Vec<StandingLine>) {
    if let Some(voice) = on_stderr() {
        // Where the line is full these are old by the time it is not.
        let _stuck = voice.pieces.try_send(VoicePart::Standing(lines)).is_err();
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
    fn a_question_is_put_again_below_what_is_said_while_it_waits() {
        let page = Page::default();
        let voice = Voice::to(page.clone()).unwrap();
        voice.pieces.send(VoicePart::Question(b"approve? ".to_vec())).unwrap();
        voice.say(b"the gateway failed\n".to_vec());
        voice.pieces.send(VoicePart::Standing(Vec::new())).unwrap();
        voice.pieces.send(VoicePart::Answered).unwrap();
        voice.say(b"it goes on\n".to_vec());
        assert!(voice.wait(LAST_WORDS));
        let told = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert_eq!(told, "approve? \r\nthe gateway failed\napprove? it goes on\n");
    }

    #[test]
    fn what_stands_below_is_taken_away_whole_even_from_a_window_that_became_narrower() {
        let line = |columns| StandingLine { columns, text: "x".repeat(columns) };
        let lines = vec![line(79), line(10), line(0)];
        let mut below = Below { lines, ..Below::default() };
        assert_eq!(below.taken_away(80), "", "nothing is there yet");
        assert_eq!(below.put_back().matches("\r\n").count(), 2);
        assert_eq!(below.taken_away(80), "\r\u{1b}[2A\u{1b}[J");
        let _text = below.put_back();
        // 79 columns take three rows of 30.
        assert_eq!(below.taken_away(30), "\r\u{1b}[4A\u{1b}[J");
        assert_eq!(below.taken_away(30), "", "they are gone");
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
