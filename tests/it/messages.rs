//! The promises of messages: none is lost, a double says so, nobody is waited for, and no secret is repeated.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use backroad::drill::Drill;
use backroad::engine::{Event, Recorded};
use backroad::model::{
    MessageId, MessageKind, MessageWay, Messages, OutboxRecord, Plan, Receiver, Seq, Timestamp,
};
use backroad::notify::{
    Delivery, EventSource, LeftUnsent, MessageCarrier, MessageMaker, MessageTeller, RetryPace,
    SendEnd, Shelf, TellerSettings,
};
use backroad::plan::{CompileOptions, compile};
use backroad::render::Ourselves;
use backroad::runbook::SourceFile;
use backroad::sim::Scenario;
use tokio::sync::Notify;

const PACE: RetryPace = RetryPace {
    attempts: 3,
    first_wait: Duration::ZERO,
    wait_max: Duration::ZERO,
    tick: Duration::from_secs(60),
};

fn plan(head: &str, steps: &str) -> Plan {
    let text = format!(
        "runbook: told\ntitle: Told\n{head}profiles: {{ drill: {{ people: {{ approve_after: 1m }} }} }}\n\
         defaults: {{ timeout: 10m, on_failure: continue }}\nsteps:\n{steps}"
    );
    let options = CompileOptions { profile: Some("drill".to_owned()), ..CompileOptions::default() };
    let compiled = compile(&SourceFile::new("told.yaml", text), &options);
    compiled.plan.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

/// The journal of a drill with two gates, a step that fails, and an end.
async fn journal(plan: &Plan) -> Vec<Recorded> {
    let world = include_str!("../../runbooks/worlds/two-circuits.yaml");
    let world = Scenario::parse("two-circuits.yaml", world).unwrap();
    Drill::new(plan, &world).run().await.unwrap().events
}

const STEPS: &str = "  first: { action: approval, with: { question: May it begin? } }\n  \
     call:\n    needs: first\n    action: command\n    with: { argv: [tell], repeatable: true, drill: { answer: bad } }\n  \
     last: { needs: first, action: approval, with: { question: May it end? } }\n";

fn receiver(name: &str, on: &[MessageKind]) -> Receiver {
    Receiver {
        name: name.to_owned(),
        description: None,
        way: MessageWay::Exec { argv: vec![name.to_owned()], env: Vec::new() },
        on: on.to_vec(),
        time_limit: Duration::from_secs(60),
    }
}

fn messages() -> Messages {
    let receivers = vec![
        receiver("all", &[]),
        receiver("gates", &[MessageKind::GateAsked, MessageKind::Ended]),
    ];
    Messages { page: Some("https://room.example/{run}".to_owned()), receivers }
}

/// What is to be told of a journal, by receiver.
fn wanted(messages: &Messages, events: &[Recorded]) -> BTreeMap<String, Vec<MessageId>> {
    let mut maker = MessageMaker::new(messages.clone());
    let made: Vec<_> = events.iter().flat_map(|event| maker.take(event).unwrap()).collect();
    let of = |receiver: &Receiver| {
        let own = made.iter().filter(|made| receiver.wants(made.kind));
        (receiver.name.clone(), own.map(|made| made.place).collect())
    };
    messages.receivers.iter().map(of).collect()
}

/// A disk, receivers, and a process that is killed when a fuse has burnt down.
struct Bench {
    events: Vec<Recorded>,
    shown: AtomicUsize,
    disk: Mutex<Option<OutboxRecord>>,
    told: Mutex<Vec<(String, MessageId, bool)>>,
    /// How often something happens before the process is killed.
    fuse: AtomicUsize,
    killed: Notify,
    /// What receivers answer, one after the other; then they take everything.
    answers: Mutex<Vec<(bool, SendEnd)>>,
}

impl Bench {
    fn new(events: &[Recorded]) -> Arc<Self> {
        Arc::new(Self {
            events: events.to_vec(),
            shown: AtomicUsize::new(events.len()),
            disk: Mutex::new(None),
            told: Mutex::new(Vec::new()),
            fuse: AtomicUsize::new(usize::MAX),
            killed: Notify::new(),
            answers: Mutex::new(Vec::new()),
        })
    }

    /// One moment at which the process may be killed: nothing of it happens after.
    async fn moment(&self) {
        let left = self.fuse.load(Ordering::SeqCst);
        if left == 0 {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
        self.fuse.store(left - 1, Ordering::SeqCst);
    }

    fn count_told(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    fn record(&self, messages: &Messages) -> OutboxRecord {
        let mut record = self.disk.lock().unwrap().clone().unwrap_or_default().found();
        record.admit(messages.receivers.iter().map(|own| own.name.as_str()), Seq(0));
        *self.disk.lock().unwrap() = Some(record.clone());
        record
    }
}

#[async_trait]
impl Shelf for Bench {
    async fn save(&self, record: OutboxRecord) -> Result<(), String> {
        self.moment().await;
        *self.disk.lock().unwrap() = Some(record);
        self.moment().await;
        Ok(())
    }
}

#[async_trait]
impl MessageCarrier for Bench {
    async fn send(&self, receiver: &Receiver, delivery: &Delivery) -> SendEnd {
        self.moment().await;
        let answer = self.answers.lock().unwrap().pop();
        let (arrives, end) = answer.unwrap_or((true, SendEnd::Taken));
        if arrives {
            let one = (receiver.name.clone(), delivery.message.place, delivery.again);
            self.told.lock().unwrap().push(one);
        }
        self.moment().await;
        end
    }
}

impl EventSource for Bench {
    fn after(&self, last: Seq) -> Vec<Recorded> {
        let shown = &self.events[..self.shown.load(Ordering::SeqCst)];
        shown.iter().filter(|event| event.seq > last).cloned().collect()
    }
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }
    fn ticks(&self) -> bool {
        false
    }
}

fn settings(bench: &Arc<Bench>, messages: &Messages) -> TellerSettings {
    TellerSettings {
        messages: messages.clone(),
        record: bench.record(messages),
        source: Arc::<Bench>::clone(bench),
        shelf: Arc::<Bench>::clone(bench),
        carrier: Arc::<Bench>::clone(bench),
        pace: PACE,
        ourselves: Ourselves::default(),
        say: Arc::new(|_| {}),
    }
}

/// A process that sends until it is done, or killed; what it left, when it was not.
async fn life(bench: &Arc<Bench>, messages: &Messages) -> Option<Vec<LeftUnsent>> {
    let teller = MessageTeller::start(settings(bench, messages));
    tokio::select! {
        biased;
        () = bench.killed.notified() => None,
        left = teller.finish(Duration::from_secs(60)) => Some(left),
    }
}

/// Nobody misses anything, the first time comes in order, and whatever comes twice says so.
fn check(
    told: &[(String, MessageId, bool)],
    wanted: &BTreeMap<String, Vec<MessageId>>,
    in_order: bool,
) {
    for (receiver, wanted) in wanted {
        let own = || told.iter().filter(|(name, _, _)| name == receiver);
        let mut first = Vec::new();
        for (_, place, again) in own() {
            match first.contains(place) {
                true => assert!(again, "{receiver} gets {place} twice and is not told so"),
                false => first.push(*place),
            }
        }
        if !in_order {
            first.sort();
        }
        assert_eq!(&first, wanted, "{receiver}");
    }
}

/// Numbers that a seed decides.
fn random(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap()
}

#[tokio::test]
async fn of_a_thousand_kills_around_sends_none_loses_a_message_and_every_double_says_so() {
    let plan = plan("", STEPS);
    let events = journal(&plan).await;
    let messages = messages();
    let wanted = wanted(&messages, &events);
    assert!(wanted["all"].len() >= 5 && wanted["gates"].len() == 5, "{wanted:?}");
    let (mut kills, mut doubles, mut seed) = (0, 0, 7);
    while kills < 1_000 {
        let bench = Bench::new(&events);
        loop {
            bench.fuse.store(random(&mut seed) % 12, Ordering::SeqCst);
            // The run goes on between the processes, or in the middle of one.
            bench.shown.store(1 + random(&mut seed) % events.len(), Ordering::SeqCst);
            if random(&mut seed).is_multiple_of(4) {
                bench.shown.store(events.len(), Ordering::SeqCst);
            }
            match life(&bench, &messages).await {
                None => kills += 1,
                Some(left) => {
                    assert_eq!(left, []);
                    if bench.shown.load(Ordering::SeqCst) == events.len() {
                        break;
                    }
                }
            }
        }
        let told = bench.told.lock().unwrap();
        doubles += told.iter().filter(|(_, _, again)| *again).count();
        check(&told, &wanted, true);
    }
    assert!(doubles > 50, "the kills met sends: {doubles}");
}

#[tokio::test]
async fn receivers_that_fail_at_random_are_told_everything_in_the_end_and_doubles_say_so() {
    let plan = plan("", STEPS);
    let events = journal(&plan).await;
    let messages = messages();
    let wanted = wanted(&messages, &events);
    let mut seed = 11;
    for _ in 0..60 {
        let bench = Bench::new(&events);
        let mut answer = || match random(&mut seed) % 5 {
            0 => (true, SendEnd::Taken),
            1 => (true, SendEnd::Unknown("it answers 500".to_owned())),
            2 => (false, SendEnd::Unknown("no answer in time".to_owned())),
            3 => (false, SendEnd::NotNow("connection refused".to_owned())),
            _ => (false, SendEnd::Refused("it answers 404".to_owned())),
        };
        *bench.answers.lock().unwrap() = (0..30).map(|_| answer()).collect();
        let mut lives = 0;
        while life(&bench, &messages).await != Some(Vec::new()) {
            lives += 1;
            assert!(lives < 100, "it comes to an end");
        }
        check(&bench.told.lock().unwrap(), &wanted, false);
    }
}

#[tokio::test]
async fn a_receiver_that_never_answers_holds_up_nobody_and_is_sent_the_rest_later() {
    struct Silent(Arc<Bench>);
    #[async_trait]
    impl MessageCarrier for Silent {
        async fn send(&self, receiver: &Receiver, delivery: &Delivery) -> SendEnd {
            if receiver.name == "gates" {
                std::future::pending::<()>().await;
            }
            self.0.send(receiver, delivery).await
        }
    }
    let plan = plan("", STEPS);
    let events = journal(&plan).await;
    let messages = messages();
    let wanted = wanted(&messages, &events);
    let bench = Bench::new(&events);
    let silent = Arc::new(Silent(Arc::clone(&bench)));
    let teller =
        MessageTeller::start(TellerSettings { carrier: silent, ..settings(&bench, &messages) });
    let everybody_else = wanted["all"].len();
    while bench.count_told() < everybody_else {
        tokio::task::yield_now().await;
    }
    // The end of the run waits for it for a bounded time.
    let left = teller.finish(Duration::from_millis(50)).await;
    assert_eq!(left, [LeftUnsent { receiver: "gates".to_owned(), count: 5, why: None }]);
    assert_eq!(life(&bench, &messages).await, Some(Vec::new()));
    let told = bench.told.lock().unwrap();
    check(&told, &wanted, true);
    let again = told.iter().filter(|(_, _, again)| *again).count();
    assert_eq!(again, 1, "the one that may have arrived says so: {told:?}");
}

#[tokio::test]
async fn a_record_that_cannot_be_written_sends_nothing_rather_than_twice_in_silence() {
    struct Full;
    #[async_trait]
    impl Shelf for Full {
        async fn save(&self, _: OutboxRecord) -> Result<(), String> {
            Err("no space left".to_owned())
        }
    }
    let plan = plan("", STEPS);
    let events = journal(&plan).await;
    let messages = messages();
    let bench = Bench::new(&events);
    let full = TellerSettings { shelf: Arc::new(Full), ..settings(&bench, &messages) };
    let left = MessageTeller::start(full).finish(Duration::from_millis(50)).await;
    assert_eq!((left.len(), bench.count_told()), (2, 0));
    assert_eq!(life(&bench, &messages).await, Some(Vec::new()));
    check(&bench.told.lock().unwrap(), &wanted(&messages, &events), true);
}

#[tokio::test]
async fn a_record_that_was_lost_tells_everything_once_more_and_says_so() {
    let plan = plan("", STEPS);
    let events = journal(&plan).await;
    let messages = messages();
    let bench = Bench::new(&events);
    let names = || messages.receivers.iter().map(|own| own.name.as_str());
    let head = events.last().unwrap().seq;
    *bench.disk.lock().unwrap() = Some(OutboxRecord::lost(names(), head));
    assert_eq!(life(&bench, &messages).await, Some(Vec::new()));
    let told = bench.told.lock().unwrap();
    assert!(!told.is_empty() && told.iter().all(|(_, _, again)| *again), "{told:?}");
}

#[tokio::test]
async fn the_objective_in_danger_is_told_once_for_each_step_it_becomes_worse() {
    // One minute of people, against an objective of half a minute.
    let plan = plan("objective: { rto: 90s }\n", STEPS);
    let events = journal(&plan).await;
    let messages = messages();
    let bench = Bench::new(&events);
    assert_eq!(life(&bench, &messages).await, Some(Vec::new()));
    let noted = bench.disk.lock().unwrap().clone().unwrap().noted;
    assert!(!noted.is_empty() && noted.iter().any(|note| note.level == 3), "{noted:?}");
    let told = bench.told.lock().unwrap().clone();
    for note in &noted {
        let own = told.iter().filter(|(name, place, _)| name == "all" && *place == note.id());
        assert_eq!(own.count(), 1, "{note:?}");
    }
    // Another process makes the same of the same record, and tells nothing twice.
    let before = bench.count_told();
    assert_eq!(life(&bench, &messages).await, Some(Vec::new()));
    assert_eq!(bench.count_told(), before);
}

#[tokio::test]
async fn a_message_says_what_where_and_the_exact_command_to_type() {
    let plan = plan(
        "roles: { lead: { people: [ann], contact: \"+49 1\" } }\n",
        "  go: { action: approval, with: { question: May it begin?, role: lead, expires_after: 5m } }\n",
    );
    let events = journal(&plan).await;
    let mut maker = MessageMaker::new(messages());
    let mut made = Vec::new();
    for event in &events {
        made.extend(maker.take(event).unwrap());
        if matches!(event.event, Event::GateOpened { .. }) {
            assert!(maker.is_asked("go"));
        }
    }
    let gate = made.iter().find(|made| made.kind == MessageKind::GateAsked).unwrap().clone();
    let run = gate.run.clone().unwrap();
    let text = Delivery { message: gate, again: true, settled: None }.text();
    for part in [
        "[DRILL] told: lead is asked to approve go (possibly sent before)",
        "May it begin?",
        &format!("backroad approve {run} go"),
        &format!("backroad decline {run} go"),
        "+49 1",
        &format!("Page: https://room.example/{run}"),
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    let kinds: Vec<&str> = made.iter().map(|made| made.kind.as_str()).collect();
    assert_eq!(kinds, ["started", "gate_asked", "gate_answered", "ended"]);
    let answered = made.iter().find(|made| made.kind.as_str() == "gate_answered").unwrap();
    assert!(answered.headline.starts_with("go is answered: yes, said "), "{}", answered.headline);
    // Whoever is called is called off, without having to ask for it.
    let called = |on| Receiver { on, ..messages().receivers[0].clone() };
    assert!(called(vec![MessageKind::GateAsked]).wants(MessageKind::GateAnswered));
    assert!(called(vec![MessageKind::InDoubt]).wants(MessageKind::StepMended));
    assert!(!called(vec![MessageKind::Ended]).wants(MessageKind::GateAnswered));
}

#[tokio::test]
async fn what_fails_and_is_owed_and_who_paused_it_is_told_with_the_way_on() {
    let steps =
        STEPS.replace("    action: command\n", "    action: command\n    owes: Call them again.\n");
    let plan = plan("", &steps);
    let events = journal(&plan).await;
    let kept = Ourselves::at(Some(std::path::Path::new("/srv/runs")), None);
    let mut maker = MessageMaker::new(messages()).told_by(kept);
    let made: Vec<_> = events.iter().flat_map(|event| maker.take(event).unwrap()).collect();
    let kinds: Vec<&str> = made.iter().map(|made| made.kind.as_str()).collect();
    let both = ["gate_asked", "step_failed", "owed"];
    assert!(kinds.first() == Some(&"started") && kinds.contains(&"ended"), "{kinds:?}");
    assert!(both.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    let text = |kind: &str| {
        let message = made.iter().find(|made| made.kind.as_str() == kind).unwrap().clone();
        Delivery { message, again: false, settled: None }.text()
    };
    assert!(text("owed").contains("Call them again."), "{}", text("owed"));
    assert!(text("owed").contains("backroad settle "), "{}", text("owed"));
    assert!(text("ended").contains("Left: "), "{}", text("ended"));
    // As typed where the runs are kept.
    for kind in ["gate_asked", "owed", "ended"] {
        let text = text(kind);
        let ours = text.lines().filter(|line| line.contains("backroad "));
        let typed: Vec<&str> = ours.collect();
        assert!(
            !typed.is_empty() && typed.iter().all(|one| one.contains("--state-dir /srv/runs")),
            "{text}"
        );
    }
    // How a run ended that did not reach its goal, why, and what leads on.
    let failed = [
        &events[..events.len() - 1],
        &[Recorded {
            event: Event::RunEnded { outcome: backroad::model::RunOutcome::Failed },
            ..events[events.len() - 1].clone()
        }],
    ]
    .concat();
    let mut maker = MessageMaker::new(messages());
    let made: Vec<_> = failed.iter().flat_map(|event| maker.take(event).unwrap()).collect();
    let ended = made.iter().find(|made| made.kind == MessageKind::Ended).unwrap().clone();
    let text_of = |message| Delivery { message, again: false, settled: None }.text();
    let told = text_of(ended);
    assert!(
        told.contains("Why: ")
            && told.contains("backroad retry ")
            // It has changed nothing that an undo would put back.
            && !told.contains("backroad undo "),
        "{told}"
    );
    // Somebody pauses it right at its beginning.
    let mut maker = MessageMaker::new(messages());
    maker.take(&events[0]).unwrap();
    let by = backroad::engine::Actor::DrillPerson;
    let paused = Event::Paused { by, reason: Some("the carrier calls back".to_owned()) };
    let paused = Recorded { seq: events[0].seq.next(), event: paused, ..events[0].clone() };
    let made = maker.take(&paused).unwrap();
    assert_eq!(made[0].kind, MessageKind::Paused);
    let text = Delivery { message: made[0].clone(), again: false, settled: None }.text();
    assert!(text.contains("the carrier calls back") && text.contains("backroad resume "), "{text}");
}

#[tokio::test]
async fn of_two_thousand_failures_the_first_are_told_and_then_those_that_double_their_number() {
    let plan = plan("", STEPS);
    let events = journal(&plan).await;
    let at = events.iter().position(|one| matches!(one.event, Event::StepFailed { .. })).unwrap();
    let mut maker = MessageMaker::new(messages());
    let mut told = 0;
    for event in &events[..at] {
        maker.take(event).unwrap();
    }
    // The same step fails again and again.
    let name = events[at].event.step().unwrap().clone();
    let mut seq = events[at].seq;
    let begun =
        |one: &&Recorded| matches!(&one.event, Event::StepStarted { step, .. } if *step == name);
    let before = u32::try_from(events[..at].iter().filter(begun).count()).unwrap();
    let mut take = |event: Event| {
        let recorded = Recorded { seq, event, ..events[at].clone() };
        seq = seq.next();
        let made = maker.take(&recorded).unwrap();
        told += made.iter().filter(|made| made.kind == MessageKind::StepFailed).count();
    };
    for attempt in 0..100_u32 {
        if attempt > 0 {
            let by = backroad::engine::Actor::DrillPerson;
            take(Event::StepReset { step: name.clone(), by, reason: None });
            take(Event::StepStarted { step: name.clone(), attempt: before + attempt });
        }
        take(events[at].event.clone());
    }
    assert_eq!(told, 22, "twenty, the 32nd and the 64th");
}
