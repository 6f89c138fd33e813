//! How does another room have a request sent, or a program run? Once, within bounds, and told whether it was taken.

use std::time::Duration;

use super::Host;
use super::program::{self, ProgramFault, Run};
use super::web::{self, WebFault};
use crate::model::outside::{HttpMethod, HttpRequest};

/// How an errand ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrandEnd {
    /// It was taken.
    Taken,
    /// It was not taken, and will not be.
    Refused(String),
    /// It was not taken now; it may be later.
    NotNow(String),
    /// Nobody knows whether it was taken.
    Unknown(String),
}

/// Posts a body, once; follows no redirection, so that nothing goes where nobody meant it to.
pub async fn post(
    url: &str,
    headers: Vec<(String, String)>,
    body: String,
    limit: Duration,
) -> ErrandEnd {
    let request = HttpRequest {
        method: HttpMethod::Post,
        url: url.to_owned(),
        headers: Vec::new(),
        body: Some(body),
        status: Vec::new(),
    };
    match web::send(&request, headers, limit).await {
        Ok(answer) => match answer.status {
            200..=299 => ErrandEnd::Taken,
            300..=399 => ErrandEnd::Refused(format!(
                "it answers {}, and redirections are not followed",
                answer.status
            )),
            408 | 425 | 429 => ErrandEnd::NotNow(format!("it answers {}", answer.status)),
            500..=599 => ErrandEnd::Unknown(format!("it answers {}", answer.status)),
            status => ErrandEnd::Refused(format!("it answers {status}")),
        },
        Err(WebFault::NotSent(why)) => ErrandEnd::NotNow(why),
        Err(WebFault::Unanswered(why)) => ErrandEnd::Unknown(why),
    }
}

/// Runs a program that reads something, to its end.
pub async fn hand_to(
    host: &Host,
    argv: &[String],
    env: &[String],
    stdin: Vec<u8>,
    limit: Duration,
) -> ErrandEnd {
    let name = argv.first().map_or("", String::as_str);
    let Some(program) = host.program(name) else {
        return ErrandEnd::Refused(format!("the program {name} is not there, or may not be run"));
    };
    let own = |name: &String| host.variables.get(name).map(|own| (name.clone(), own.clone()));
    let mut env: Vec<(String, String)> = env.iter().filter_map(own).collect();
    env.push(("PATH".to_owned(), host.path.clone()));
    let arguments = argv.get(1..).unwrap_or_default();
    match program::run(Run { program: &program, arguments, env, stdin: Some(stdin), limit }).await {
        Ok(ended) if ended.status.success() => ErrandEnd::Taken,
        // What it did before it ended badly is not known.
        Ok(ended) => {
            let line = ended.last_error.trim_end_matches('.');
            let said = if line.is_empty() { String::new() } else { format!(": {line}") };
            ErrandEnd::Unknown(format!("it {}{said}", program::shown(ended.status)))
        }
        Err(ProgramFault::NotStarted(why)) => ErrandEnd::Refused(why),
        Err(ProgramFault::TimedOut) => {
            ErrandEnd::Unknown("it did not end in time, and was ended".to_owned())
        }
        Err(ProgramFault::Lost(why)) => ErrandEnd::Unknown(why),
    }
}
