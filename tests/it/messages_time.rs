//! The promise: whoever has to answer hears in time that a gate is about to close, and that it closed; who watches hears
//! that a run is being undone, and that another host drives it. Each once, whoever's process makes it of the journal.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use backroad::engine::{Actor, Event, Recorded, RunMode};
use backroad::model::{
    Epoch, MessageId, MessageKind, MessageWay, Messages, OutboxRecord, Plan, Receiver, RunId, Seq,
    StepName, Timestamp,
};
use backroad::notify::{
    Delivery, EventSource, Message, MessageCarrier, MessageMaker, MessageTeller, RetryPace,
    SendEnd, Shelf, TellerSettings,
};
use backroad::plan::{CompileOptions, compile};
use backroad::runbook::SourceFile;

fn at(minute: u64) -> Timestamp {
    Timestamp::parse("2026-03-14T03:00:00Z").unwrap() + Duration::from_secs(60 * minute)
}

fn plan(expiry: &str) -> Plan {
    let text = format!(
        "runbook: told\ntitle: Told\nroles: {{ lead: {{ people: [ann] }} }}\nsteps:\n  go: {{ action: approval, with: \
         {{ question: May it begin?, role: lead, expires_after: 20m{expiry} }} }}\n  later: {{ needs: go, action: wait, \
         with: {{ duration: 1m }} }}\n"
    );
    let compiled = compile(&SourceFile::new("told.yaml", text), &CompileOptions::default());
    compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

fn go() -> StepName {
    StepName::parse("go").unwrap()
}

/// A live run that asks since its first minute and until its twentieth, and what happens to it then.
fn journal(more: &[(u64, Event)]) -> Vec<Recorded> {
    let opened = Event::RunOpened {
        run: RunId::parse("01h00000000000000000000000").unwrap(),
        plan: Box::new(plan("")),
        mode: RunMode::Live,
        endpoint: "https://management.azure.com".to_owned(),
        nonce: "n".to_owned(),
        by: Some("zoe".into()),
        against: None,
        bad_days: Vec::new(),
        regions_down: Vec::new(),
        allow_no_strike: false,
        clock_factor: None,
        place: None,
    };
    let asked = Event::GateOpened {
        step: go(),
        question: "May it begin?".to_owned(),
        expires_at: Some(at(20)),
        failure: None,
    };
    let begun = [
        (0, opened),
        (0, claimed("jump-1", 7)),
        (0, Event::StepStarted { step: go(), attempt: 1 }),
        (0, asked),
    ];
    let all = begun.iter().chain(more).cloned();
    let record = |(place, (minute, event))| Recorded {
        seq: Seq(place),
        at: at(minute),
        epoch: Epoch(1),
        event,
    };
    (1..).zip(all).map(record).collect()
}

fn claimed(host: &str, process: u32) -> Event {
    Event::RunClaimed { holder: format!("{host}, backroad 1.0.0 (process {process})"), place: None }
}

fn paused() -> Event {
    Event::Paused { by: Actor::Person("ann".into()), reason: None }
}

fn made(events: &[Recorded]) -> Vec<Message> {
    let mut maker = MessageMaker::new(Messages::default());
    events.iter().flat_map(|event| maker.take(event).unwrap()).collect()
}

fn kinds(made: &[Message]) -> Vec<&str> {
    made.iter().map(|one| one.kind.as_str()).collect()
}

#[test]
fn that_a_gate_is_about_to_close_is_told_by_the_journals_time_and_then_that_it_closed() {
    // A quarter of its twenty minutes before: at the fifteenth, before whatever happens after it.
    let told = made(&journal(&[(14, paused())]));
    assert_eq!(kinds(&told), ["started", "gate_asked", "paused"]);
    let events = journal(&[(16, paused()), (20, Event::GateExpired { step: go() })]);
    let told = made(&events);
    assert_eq!(kinds(&told), ["started", "gate_asked", "gate_expiring", "paused", "gate_expired"]);
    let (warning, closed) = (&told[2], &told[4]);
    assert_eq!((warning.at, warning.place.seq), (at(15), Seq(4)), "it stands before the pause");
    for part in ["lead is asked to approve go", "5m left", "counts as declined"] {
        assert!(warning.headline.contains(part), "{part}: {}", warning.headline);
    }
    let text = Delivery { message: warning.clone(), again: false, settled: None }.text();
    assert!(text.contains("backroad approve 01h00000000000000000000000 go"), "{text}");
    assert_eq!(closed.headline, "nobody answered go in time: counts as declined");
    // Places only grow: a receiver goes on from the last that it was told.
    let places: Vec<MessageId> = told.iter().map(|one| one.place).collect();
    assert!(places.is_sorted() && made(&events) == told, "{places:?}");
    // Whoever answers before hears nothing of the time.
    let approved =
        Event::Approved { step: go(), by: Actor::Person("ann".into()), choice: None, reason: None };
    let passed = Event::StepSucceeded { step: go(), outputs: Default::default(), seen: Vec::new() };
    let told = made(&journal(&[(3, approved), (3, passed), (19, paused())]));
    assert_eq!(kinds(&told), ["started", "gate_asked", "gate_answered", "paused"]);
}

#[test]
fn an_undo_is_told_with_its_reason_and_a_takeover_where_another_host_drives() {
    let undo = Event::UndoRequested {
        by: Actor::Person("ann".into()),
        reason: Some("the source is back".to_owned()),
    };
    let told = made(&journal(&[
        // Another process of the same host goes on after each answer: that is no news.
        (1, claimed("jump-1", 9)),
        (2, claimed("jump-2", 3)),
        (3, undo),
    ]));
    assert_eq!(kinds(&told), ["started", "gate_asked", "taken_over", "undoing"]);
    assert_eq!(told[2].headline, "driven by jump-2, backroad 1.0.0 (process 3) from now on");
    assert!(told[2].lines.contains(&"Before: jump-1".to_owned()), "{:?}", told[2].lines);
    assert_eq!(told[3].headline, "being undone, by ann: the source is back");
}

#[test]
fn a_takeover_on_one_host_is_told_where_another_state_directory_drives_and_one_from_whoever_began_it()
 {
    let from = |place: &str, process: u32| match claimed("jump", process) {
        Event::RunClaimed { holder, .. } => {
            Event::RunClaimed { holder, place: Some(place.to_owned()) }
        }
        other => other,
    };
    let began_in = |place: Option<&str>, more: &[(u64, Event)]| {
        let mut events = journal(more);
        // Whoever begins a run does not claim it.
        events[1].event = Event::TerminalLost {};
        if let Event::RunOpened { place: began, .. } = &mut events[0].event {
            *began = place.map(str::to_owned);
        }
        made(&events)
    };
    // Processes of one state directory take turns; another one takes it over, and is taken over from in turn.
    let turns = [
        (1, from("jump:/a", 1)),
        (2, from("jump:/b", 2)),
        (3, from("jump:/b", 3)),
        (4, from("jump:/a", 4)),
    ];
    let told = began_in(Some("jump:/a"), &turns);
    assert_eq!(kinds(&told), ["started", "gate_asked", "taken_over", "taken_over"]);
    assert_eq!(told[2].headline, "driven by jump, backroad 1.0.0 (process 2) from now on");
    for line in ["Before: jump:/a", "Now: jump:/b"] {
        assert!(told[2].lines.contains(&line.to_owned()), "{line}: {:?}", told[2].lines);
    }
    // The first claim of all, on another host than that which began it.
    let told = began_in(Some("other:/a"), &turns[..1]);
    assert_eq!(kinds(&told), ["started", "gate_asked", "taken_over"]);
    assert!(told[2].lines.contains(&"Before: other".to_owned()), "{:?}", told[2].lines);
    // Of what an earlier version wrote the host's name tells.
    let old = [(1, claimed("jump", 1)), (2, from("jump:/b", 2))];
    assert_eq!(kinds(&began_in(None, &old)), ["started", "gate_asked"]);
}

/// A run that goes on by itself, a disk, and a receiver that takes everything.
struct Clockwork {
    events: Mutex<Vec<Recorded>>,
    now: Mutex<Timestamp>,
    disk: Mutex<OutboxRecord>,
    told: Mutex<Vec<(MessageKind, MessageId)>>,
}

impl EventSource for Clockwork {
    fn after(&self, last: Seq) -> Vec<Recorded> {
        self.events.lock().unwrap().iter().filter(|event| event.seq > last).cloned().collect()
    }
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
    fn ticks(&self) -> bool {
        true
    }
}

#[async_trait]
impl Shelf for Clockwork {
    async fn save(&self, record: OutboxRecord) -> Result<(), String> {
        *self.disk.lock().unwrap() = record;
        Ok(())
    }
}

#[async_trait]
impl MessageCarrier for Clockwork {
    async fn send(&self, _: &Receiver, delivery: &Delivery) -> SendEnd {
        self.told.lock().unwrap().push((delivery.message.kind, delivery.message.place));
        SendEnd::Taken
    }
}

/// One process: it is told to tell until the run has told this many messages.
async fn life(run: &Arc<Clockwork>, count: usize) {
    let receiver = Receiver {
        name: "all".to_owned(),
        description: None,
        way: MessageWay::Exec { argv: vec!["all".to_owned()], env: Vec::new() },
        on: Vec::new(),
        time_limit: Duration::from_secs(60),
    };
    let mut record = run.disk.lock().unwrap().clone().found();
    record.admit(["all"].into_iter(), Seq(0));
    let teller = MessageTeller::start(TellerSettings {
        ourselves: backroad::render::Ourselves::default(),
        messages: Messages { page: None, receivers: vec![receiver] },
        record,
        source: Arc::<Clockwork>::clone(run),
        shelf: Arc::<Clockwork>::clone(run),
        carrier: Arc::<Clockwork>::clone(run),
        pace: RetryPace { tick: Duration::from_millis(1), ..RetryPace::default() },
        say: Arc::new(|_| {}),
    });
    for _ in 0..10_000 {
        if run.told.lock().unwrap().len() >= count {
            break;
        }
        #[expect(clippy::disallowed_methods, reason = "the teller looks in the host's time")]
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(teller.finish(Duration::from_secs(60)).await, []);
}

#[tokio::test]
async fn while_nothing_happens_the_time_tells_it_and_no_later_process_tells_it_again() {
    let run = Arc::new(Clockwork {
        events: Mutex::new(journal(&[])),
        now: Mutex::new(at(17)),
        disk: Mutex::new(OutboxRecord::default()),
        told: Mutex::new(Vec::new()),
    });
    life(&run, 3).await;
    let told = run.told.lock().unwrap().clone();
    let kinds: Vec<MessageKind> = told.iter().map(|(kind, _)| *kind).collect();
    use MessageKind::{GateAsked, GateExpired, GateExpiring, Paused, Started};
    assert_eq!(kinds, [Started, GateAsked, GateExpiring]);
    let noted = run.disk.lock().unwrap().closing.clone();
    assert_eq!((noted.len(), noted[0].at, noted[0].id()), (1, at(15), told[2].1));
    // Another process, and more of the run: what was noted is neither forgotten nor told twice.
    let more = journal(&[(18, paused()), (20, Event::GateExpired { step: go() })]);
    *run.events.lock().unwrap() = more;
    *run.now.lock().unwrap() = at(21);
    life(&run, 5).await;
    let kinds: Vec<MessageKind> = run.told.lock().unwrap().iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [Started, GateAsked, GateExpiring, Paused, GateExpired]);
}
