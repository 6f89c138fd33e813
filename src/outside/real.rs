//! Who looks and acts beside Azure? This host: an observer that only looks, and an actuator.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::Host;
use super::goal::{self, Look, Looked, bad_end};
use super::probe;
use super::program::{self, Ended, GRACE, ProgramFault, Run};
use super::web;
use crate::engine::{Actuator, CallContext, Clock, Observer, PollAnswer, SendAnswer};
use crate::model::call::{Call, typed_outputs};
use crate::model::outside::{EnvEntry, HttpRequest, OutputSpec, Outside, PassedValue};
use crate::model::probe::{Probe, ProbeAnswer, Vantage};
use crate::model::{
    Action, Assessment, Goal, OperationHandle, OperationKey, Outputs, SecretRef, StepError, Undo,
    Write,
};
use crate::outward::SecretReader;

/// The status of a check that says no.
const NOT_SO: i32 = 1;

/// The refusal of what this room has nothing to do with: a bug.
pub(super) fn not_ours() -> StepError {
    StepError::rejected("not_outside", "The step is about nothing beside Azure.")
}

/// What both work with. Only an actuator is asked to call.
#[derive(Clone)]
pub(super) struct Hands {
    host: Arc<Host>,
    secrets: Arc<dyn SecretReader>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Hands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hands").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Looks. There is nothing in it that could have an effect.
#[derive(Debug, Clone)]
pub(super) struct RealObserver(Looker);

/// Looks, and does what was intended.
#[derive(Debug, Clone)]
pub(super) struct RealActuator {
    looker: Looker,
    hands: Hands,
}

/// What both have in common: the looks.
#[derive(Debug, Clone)]
struct Looker(Hands);

impl RealObserver {
    pub(super) fn new(hands: Hands) -> Self {
        Self(Looker(hands))
    }
}

impl RealActuator {
    pub(super) fn new(hands: Hands) -> Self {
        Self { looker: Looker(hands.clone()), hands }
    }
}

#[async_trait]
impl Observer for RealObserver {
    async fn observe(&self, goal: &Goal<'_>, _: &CallContext) -> Result<Assessment, StepError> {
        self.0.observe(goal).await
    }
}

#[async_trait]
impl Observer for RealActuator {
    async fn observe(&self, goal: &Goal<'_>, _: &CallContext) -> Result<Assessment, StepError> {
        self.looker.observe(goal).await
    }
}

#[async_trait]
impl Actuator for RealActuator {
    async fn send(
        &self,
        write: &Write,
        key: &OperationKey,
        context: &CallContext,
    ) -> Result<SendAnswer, StepError> {
        let (call, stand_in) = goal::call_of(write)?;
        if stand_in.is_some() {
            let why = "What a drill intended is not done outside of one.";
            return Err(StepError::rejected("of_a_drill", why));
        }
        self.hands.check_time(context)?;
        match call {
            Call::Program { argv, env, stdin, time_limit, outputs } => {
                let ended = self.hands.run(&argv, &env, stdin.as_ref(), time_limit).await;
                program_answer(write, &outputs, ended)
            }
            Call::Http { request, time_limit, idempotency_header, outputs } => {
                let mut headers = self.hands.filled(&request.headers)?;
                if let Some(header) = idempotency_header {
                    headers.push((header, key.to_string()));
                }
                let answer = web::send(&request, headers, time_limit).await;
                http_answer(&request, &outputs, answer)
            }
        }
    }

    async fn poll(&self, _: &OperationHandle, _: &CallContext) -> Result<PollAnswer, StepError> {
        Err(not_ours())
    }
}

/// What a program's end means for the write that it was.
fn program_answer(
    write: &Write,
    outputs: &[OutputSpec],
    ended: Result<Ended, RunError>,
) -> Result<SendAnswer, StepError> {
    let what = &write.resource;
    let ended = match ended {
        Ok(ended) => ended,
        Err(RunError::Step(error)) => return Err(error),
        Err(RunError::Fault(ProgramFault::NotStarted(why))) => {
            let message = format!("It could not be started: {why}.");
            return Err(StepError::rejected("program_not_started", message));
        }
        Err(RunError::Fault(ProgramFault::TimedOut)) => {
            let message =
                "Its time was up: it was ended, and may have done a part of what it does.";
            return Err(StepError::ambiguous("program_timed_out", message));
        }
        Err(RunError::Fault(ProgramFault::Lost(why))) => {
            let message = format!("How it ended cannot be known: {why}.");
            return Err(StepError::ambiguous("program_lost", message));
        }
    };
    if !ended.status.success() {
        let message = format!(
            "{}{}.",
            capital(&format!("{what} {}", program::shown(ended.status))),
            said(&ended)
        );
        return Ok(SendAnswer::Failed(bad_end(write, "program_failed", message)));
    }
    Ok(match taken(outputs, ended.stdout.as_deref()) {
        Ok(outputs) => SendAnswer::Done { request_id: None, outputs },
        // Running it again would bring the same words.
        Err(why) => SendAnswer::Failed(StepError::rejected("bad_output", why)),
    })
}

/// What a service's answer means for the write that was sent to it.
fn http_answer(
    request: &HttpRequest,
    outputs: &[OutputSpec],
    answer: Result<web::WebAnswer, web::WebFault>,
) -> Result<SendAnswer, StepError> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(web::WebFault::NotSent(why)) => {
            let message = format!("Nothing was sent: {why}.");
            return Err(StepError::transient("not_sent", message, None));
        }
        Err(web::WebFault::Unanswered(why)) => {
            let message = format!("The service did not answer: {why}.");
            return Err(StepError::ambiguous("no_answer", message));
        }
    };
    let status = answer.status;
    if request.is_good(status) {
        let body = answer.whole.then_some(answer.body.as_slice());
        return Ok(match taken(outputs, body) {
            Ok(outputs) => SendAnswer::Done { request_id: None, outputs },
            Err(why) => SendAnswer::Failed(StepError::rejected("bad_output", why)),
        });
    }
    let message = format!("The service answers {status}, and not {}.", request.good());
    match status {
        // Done, by what it says, and not as it was expected.
        200..=299 => Ok(SendAnswer::Failed(StepError::rejected("unexpected_status", message))),
        429 => Err(StepError::transient("too_many_requests", message, answer.after)),
        // It, or what stands in front of it, broke: nobody knows how far it came.
        500..=599 => Err(StepError::ambiguous("service_failed", message)),
        _ => Err(StepError::rejected("unexpected_status", message)),
    }
}

/// What is taken of an answer.
fn taken(outputs: &[OutputSpec], answer: Option<&[u8]>) -> Result<Outputs, String> {
    if outputs.is_empty() {
        return Ok(Outputs::new());
    }
    let Some(bytes) = answer else {
        return Err("Its answer is too long to take something from it.".to_owned());
    };
    let json: Value = serde_json::from_slice(bytes)
        .map_err(|_| "Its answer is no JSON, and something is to be taken from it.".to_owned())?;
    typed_outputs(outputs, &json)
}

/// The last line of a program's errors, behind how it ended.
fn said(ended: &Ended) -> String {
    match ended.last_error.trim_end_matches('.') {
        "" => String::new(),
        line => format!(": {line}"),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Why a program brought nothing.
enum RunError {
    /// It was not run, and this says why.
    Step(StepError),
    /// It was, or could not be.
    Fault(ProgramFault),
}

impl Hands {
    pub(super) fn new(host: Host, secrets: Arc<dyn SecretReader>, clock: Arc<dyn Clock>) -> Self {
        Self { host: Arc::new(host), secrets, clock }
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// A process that was stopped for long must not act on a stale intent (docs/storage.md 6).
    fn check_time(&self, context: &CallContext) -> Result<(), StepError> {
        let Some((at, boot)) = &context.not_after else { return Ok(()) };
        let now = self.clock.boot();
        if self.clock.now() > *at || now.boot != boot.boot || now.nanos > boot.nanos {
            let why = "The time in which this might be done is over; it was not done.";
            return Err(StepError::transient("intent_expired", why, None));
        }
        Ok(())
    }

    fn program(&self, name: &str) -> Result<PathBuf, StepError> {
        self.host.program(name).ok_or_else(|| {
            let why = format!("The program {name} is not there, or may not be run.");
            StepError::rejected("no_program", why)
        })
    }

    fn value(&self, given: &PassedValue) -> Result<String, StepError> {
        match given {
            PassedValue::Text(text) => Ok(text.clone()),
            PassedValue::Secret { prefix, of: SecretRef::Param(name) } => {
                let secret = self.secrets.read(name);
                let secret = secret.map_err(|why| StepError::rejected("secret_missing", why))?;
                Ok(format!("{prefix}{}", secret.expose()))
            }
            PassedValue::Secret { of: SecretRef::Resource { .. }, .. } => {
                let why = "A key of a resource of Azure's is given to nobody else.";
                Err(StepError::rejected("secret_missing", why))
            }
        }
    }

    /// Headers, or variables, with their secrets; of a variable without a value this process's own.
    fn filled(&self, entries: &[EnvEntry]) -> Result<Vec<(String, String)>, StepError> {
        let one = |EnvEntry { name, value }: &EnvEntry| match value {
            Some(given) => Ok(Some((name.clone(), self.value(given)?))),
            None => Ok(self.host.variables.get(name).map(|own| (name.clone(), own.clone()))),
        };
        entries.iter().filter_map(|entry| one(entry).transpose()).collect()
    }

    async fn run(
        &self,
        argv: &[String],
        env: &[EnvEntry],
        stdin: Option<&PassedValue>,
        limit: Duration,
    ) -> Result<Ended, RunError> {
        let stdin = stdin.map(|given| self.value(given)).transpose().map_err(RunError::Step)?;
        self.run_with(argv, env, stdin.map(String::into_bytes), limit).await
    }

    async fn run_with(
        &self,
        argv: &[String],
        env: &[EnvEntry],
        stdin: Option<Vec<u8>>,
        limit: Duration,
    ) -> Result<Ended, RunError> {
        let name = argv.first().map_or("", String::as_str);
        let program = self.program(name).map_err(RunError::Step)?;
        let mut env = self.filled(env).map_err(RunError::Step)?;
        env.push(("PATH".to_owned(), self.host.path.clone()));
        let arguments = argv.get(1..).unwrap_or_default();
        let run = Run { program: &program, arguments, env, stdin, limit };
        program::run(run).await.map_err(RunError::Fault)
    }
}

impl Looker {
    async fn observe(&self, goal: &Goal<'_>) -> Result<Assessment, StepError> {
        match goal {
            Goal::Do(Action::Outside(outside)) => {
                Ok(goal::forward(outside, self.look(outside).await?))
            }
            Goal::Undo { action: Action::Outside(outside), undo, .. } => {
                let looked = match (undo, Look::of(outside)) {
                    (Undo::ByStep, Look::Check) => self.look(outside).await?,
                    _ => None,
                };
                Ok(goal::backward(outside, undo, looked))
            }
            Goal::Do(_) | Goal::Mend(_) | Goal::Undo { .. } => Err(not_ours()),
        }
    }

    /// What there is to be seen; none where nothing tells.
    async fn look(&self, outside: &Outside) -> Result<Option<Looked>, StepError> {
        let itself = match Look::of(outside) {
            Look::Itself => true,
            Look::Check => false,
            Look::Nothing => return Ok(None),
        };
        match outside {
            Outside::Probe(probe) => self.probe(probe).await.map(Some),
            Outside::Command(spec) => {
                let argv = if itself { &spec.argv } else { &spec.check_argv };
                let stdin = spec.stdin.as_ref().filter(|_| itself);
                let ended = self.0.run(argv, &spec.env, stdin, spec.time_limit).await;
                read_look(itself, &spec.outputs, ended).map(Some)
            }
            Outside::Http(spec) => {
                let request = spec.check.as_ref().filter(|_| !itself).unwrap_or(&spec.request);
                let headers = self.0.filled(&request.headers)?;
                let answer = web::send(request, headers, spec.time_limit).await;
                http_look(itself, request, &spec.outputs, answer).map(Some)
            }
        }
    }

    async fn probe(&self, probe: &Probe) -> Result<Looked, StepError> {
        let subject = probe.ask.subject();
        let (answer, place) = match &probe.from {
            None => (probe::answer_here(&probe.ask, probe.time_limit).await, String::new()),
            Some(vantage) => {
                let answer = self.asked_at(vantage, probe).await?;
                (answer, format!(", seen from {}", vantage.name))
            }
        };
        let judged = answer.and_then(|answer| probe.ask.judge(&answer));
        Ok(match judged {
            Ok(outputs) => Looked::Yes(outputs),
            Err(why) => Looked::No(format!("{subject}{place}: {why}")),
        })
    }

    /// What a vantage answers. One that does not answer may be behind the very path that is being built.
    async fn asked_at(
        &self,
        vantage: &Vantage,
        probe: &Probe,
    ) -> Result<Result<ProbeAnswer, String>, StepError> {
        let mut question = serde_json::to_vec(&probe.ask).unwrap_or_default();
        question.push(b'\n');
        let limit = probe.time_limit;
        // What the vantage needs to get there and back comes on top of what the answer may take.
        let run = self.0.run_with(&vantage.argv, &vantage.env, Some(question), limit + GRACE);
        let ended = match run.await {
            Ok(ended) => ended,
            Err(RunError::Step(error)) => return Err(error),
            Err(RunError::Fault(ProgramFault::TimedOut)) => {
                return Ok(Err("the vantage does not answer in time".to_owned()));
            }
            Err(RunError::Fault(ProgramFault::NotStarted(why) | ProgramFault::Lost(why))) => {
                return Ok(Err(format!("the vantage cannot be asked: {why}")));
            }
        };
        if !ended.status.success() {
            let how = program::shown(ended.status);
            return Ok(Err(format!("the vantage does not tell: its command {how}")));
        }
        let answer = ended.stdout.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(answer.ok_or_else(|| "what the vantage writes is no answer".to_owned()))
    }
}

/// What a program that only reads told.
fn read_look(
    itself: bool,
    outputs: &[OutputSpec],
    ended: Result<Ended, RunError>,
) -> Result<Looked, StepError> {
    let ended = match ended {
        Ok(ended) => ended,
        Err(RunError::Step(error)) => return Err(error),
        Err(RunError::Fault(ProgramFault::NotStarted(why))) => {
            let message = format!("The program that looks could not be started: {why}.");
            return Err(StepError::rejected("program_not_started", message));
        }
        Err(RunError::Fault(ProgramFault::TimedOut)) => {
            let message = "The program that looks did not end in time, and was ended.";
            return Err(StepError::transient("program_timed_out", message, None));
        }
        Err(RunError::Fault(ProgramFault::Lost(why))) => {
            let message = format!("How the program that looks ended cannot be known: {why}.");
            return Err(StepError::transient("program_lost", message, None));
        }
    };
    let how = program::shown(ended.status);
    match (ended.status.code(), itself) {
        (Some(0), _) => taken(outputs, ended.stdout.as_deref())
            .map(Looked::Yes)
            .map_err(|why| StepError::rejected("bad_output", why)),
        (_, true) | (Some(NOT_SO), false) => {
            Ok(Looked::No(format!("the program that looks {how}")))
        }
        (_, false) => {
            let message = format!("The program that looks {how}{}.", said(&ended));
            Err(StepError::transient("check_failed", message, None))
        }
    }
}

/// What a request that only reads told.
fn http_look(
    itself: bool,
    request: &HttpRequest,
    outputs: &[OutputSpec],
    answer: Result<web::WebAnswer, web::WebFault>,
) -> Result<Looked, StepError> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(fault) if itself => {
            return Ok(Looked::No(format!("{}: {}", request.url, fault.told())));
        }
        Err(fault) => {
            let message = format!("The service cannot be asked: {}.", fault.told());
            return Err(StepError::transient("no_answer", message, None));
        }
    };
    let status = answer.status;
    if request.is_good(status) {
        let body = answer.whole.then_some(answer.body.as_slice());
        return taken(outputs, body)
            .map(Looked::Yes)
            .map_err(|why| StepError::rejected("bad_output", why));
    }
    // A service that is broken or busy says nothing of the effect.
    if !itself && (status == 429 || status >= 500) {
        let message = format!("The service that tells answers {status}.");
        return Err(StepError::transient("check_failed", message, answer.after));
    }
    Ok(Looked::No(format!("{} answers {status}, and not {}", request.url, request.good())))
}
