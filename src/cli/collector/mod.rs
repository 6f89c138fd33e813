//! How do a run's spans and measures get to a collector, so that the run need not wait for it? By a thread of its own.
//!
//! It reads the events where they are kept anyway, makes spans of those that end, and sends what is new now and then.
//! What a collector does not take in time is kept up to a bound, then dropped and counted. The end of a command waits
//! a few seconds for it and says what was not delivered; the trace can be made again from the journal.

mod post;
pub mod settings;

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use self::post::{Post, PostEnd};
use self::settings::CollectorSettings;
use super::ui::Ui;
use super::watch::EventRecorder;
use crate::azure::correlation_id;
use crate::engine::{Clock, Recorded, RunState};
use crate::model::{Epoch, RunId, Seq};
use crate::render::machine::measures::measures;
use crate::render::machine::otlp;
use crate::render::machine::span::TraceSpan;
use crate::render::machine::trace::Tracer;
use crate::render::run_view_at;
use crate::render::view::Driven;

/// Spans that wait for a collector: those of a run of two thousand steps.
const WAITING_MAX: usize = 16_384;

/// Spans of one request.
const BATCH: usize = 512;

/// How long the end of a command waits for the collector.
const AT_THE_END: Duration = Duration::from_secs(5);

/// Tries of what is left at the end, and the wait before the second; it doubles.
const LAST_TRIES: u32 = 4;
const LAST_WAIT: Duration = Duration::from_millis(250);

/// What became of the spans so far.
#[derive(Debug, Clone, Default)]
struct Tally {
    delivered: usize,
    /// Given up: the collector refused them, or there were too many.
    lost: usize,
    waiting: usize,
    /// Why the last request did not do.
    why: Option<String>,
}

#[derive(Debug, Default)]
struct ExportState {
    is_last: Mutex<bool>,
    wakes: Condvar,
    tally: Mutex<Tally>,
}

/// What sends, from the side of whoever drives.
#[derive(Debug)]
pub struct Exporter {
    shared: Arc<ExportState>,
    ended: Receiver<()>,
}

/// What a run has to tell, and by which time.
pub struct TraceSource {
    /// The run.
    pub run: RunId,
    /// Its events.
    pub recorder: Arc<EventRecorder>,
    /// Whose are sent: what earlier processes did they sent themselves.
    pub epoch: Epoch,
    /// The time in it.
    pub clock: Arc<dyn Clock>,
}

impl Exporter {
    /// Begins to send.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(settings: CollectorSettings, source: TraceSource) -> std::io::Result<Self> {
        let shared = Arc::new(ExportState::default());
        let (ends, ended) = sync_channel(1);
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new().name("collector".to_owned()).spawn(move || {
            if let Ok(post) = Post::new(&settings) {
                let tracer = Tracer::new(Some(correlation_id(source.run.as_str())));
                let (told, pending) = (Seq::default(), VecDeque::new());
                Sending { settings, source, post, tracer, told, pending, shared: of_thread }.run();
            }
            let _nobody_waits_any_more = ends.try_send(());
        })?;
        Ok(Self { shared, ended })
    }

    /// Sends what is left, but waits for it no longer than a few seconds; says what was not delivered.
    pub fn end(self, ui: Ui) {
        self.last();
        let _over_or_stuck = self.ended.recv_timeout(AT_THE_END);
        let tally = self.shared.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let missing = tally.lost + tally.waiting;
        if missing == 0 && tally.why.is_none() {
            return;
        }
        let why = tally.why.map(|why| format!(": {why}")).unwrap_or_default();
        ui.say(&format!(
            "{} The collector took {} of {} spans{why}. The run is not affected; everything is in the journal.",
            ui.err.warn("warning:"),
            tally.delivered,
            tally.delivered + missing,
        ));
    }

    fn last(&self) {
        *self.shared.is_last.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.wakes.notify_one();
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // The thread ends by itself; nobody waits for it.
        self.last();
    }
}

/// The thread's side.
struct Sending {
    settings: CollectorSettings,
    source: TraceSource,
    post: Post,
    tracer: Tracer,
    told: Seq,
    pending: VecDeque<TraceSpan>,
    shared: Arc<ExportState>,
}

impl Sending {
    fn run(mut self) {
        let delay = self.settings.delay;
        let rounds = self.settings.metrics_every.as_millis() / delay.as_millis().max(1);
        let mut round: u128 = 0;
        while !self.shared.wait(delay) {
            self.take();
            self.send();
            round += 1;
            if round >= rounds {
                round = 0;
                self.measure();
            }
        }
        self.take();
        let mut wait = LAST_WAIT;
        for n in 0..LAST_TRIES {
            if n > 0 {
                std::thread::sleep(wait);
                wait *= 2;
            }
            self.send();
            if self.pending.is_empty() {
                break;
            }
        }
        self.measure();
    }

    /// Makes spans of what is new.
    fn take(&mut self) {
        for recorded in self.source.recorder.after(self.told) {
            self.told = recorded.seq;
            let spans = self.tracer.take(&recorded);
            if recorded.epoch == self.source.epoch && self.settings.traces.is_some() {
                self.pending.extend(spans);
            }
        }
        let surplus = self.pending.len().saturating_sub(WAITING_MAX);
        self.pending.drain(..surplus);
        let waiting = self.pending.len();
        self.shared.tell(|tally| {
            tally.lost += surplus;
            tally.waiting = waiting;
        });
    }

    /// Sends what waits, until a request does not do.
    fn send(&mut self) {
        let Some(url) = self.settings.traces.clone() else { return };
        while !self.pending.is_empty() {
            let count = self.pending.len().min(BATCH);
            let batch: Vec<TraceSpan> = self.pending.iter().take(count).cloned().collect();
            let body = otlp::traces(&self.settings.resource, &batch);
            let delivery = self.post.send(&url, &body, "rejectedSpans");
            let is_over = !matches!(delivery, PostEnd::Later(_));
            if is_over {
                self.pending.drain(..count);
            }
            let waiting = self.pending.len();
            self.shared.tell(|tally| {
                tally.waiting = waiting;
                match delivery {
                    PostEnd::Taken { rejected, why } => {
                        let rejected = rejected.min(count);
                        tally.delivered += count - rejected;
                        tally.lost += rejected;
                        tally.why = why;
                    }
                    PostEnd::Refused(why) => {
                        tally.lost += count;
                        tally.why = Some(why);
                    }
                    PostEnd::Later(why) => tally.why = Some(why),
                }
            });
            if !is_over {
                return;
            }
        }
    }

    /// Sends the measures as they stand; what does not arrive is in the next ones.
    fn measure(&mut self) {
        let Some(url) = self.settings.metrics.clone() else { return };
        let events: Vec<Recorded> = self.source.recorder.events();
        let Ok(state) = RunState::fold(&events) else { return };
        let now = self.source.clock.now();
        let Some(view) = run_view_at(&state, &events, Driven::ByAProcess, now) else { return };
        let Some(measured) = measures(&state, &events, &view) else { return };
        let at = view.now.as_ref().map_or(now, |truth| truth.at);
        let body = otlp::metrics(&self.settings.resource, &measured, at);
        let (PostEnd::Refused(why) | PostEnd::Later(why)) =
            self.post.send(&url, &body, "rejectedDataPoints")
        else {
            return;
        };
        tracing::warn!(why, "the collector does not take the measures");
    }
}

impl ExportState {
    /// Waits for so long, or for the end; tells whether it is the end.
    fn wait(&self, at_most: Duration) -> bool {
        let is_last = self.is_last.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wakes.wait_timeout_while(is_last, at_most, |is_last| !*is_last);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn tell(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
