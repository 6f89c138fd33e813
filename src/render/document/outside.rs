//! What do probes, programs and calls do, in words?

use crate::model::Unanswered;
use crate::model::outside::Outside;

/// What it changes.
pub(super) fn changes(outside: &Outside) -> String {
    let what = match outside {
        Outside::Probe(spec) => {
            let from = match &spec.from {
                Some(vantage) => format!("from the vantage {}", vantage.name),
                None => "from where this program runs".to_owned(),
            };
            return format!("Changes nothing: it asks {}, {from}.", spec.ask.subject());
        }
        Outside::Command(spec) => {
            let program = spec.argv.first().map_or("", String::as_str);
            if spec.reads {
                return format!(
                    "Changes nothing, as its author says: it runs `{program}`, which reads."
                );
            }
            format!("Runs the program `{program}`, and what that changes is its own.")
        }
        Outside::Http(spec) => {
            let (method, url) = (spec.request.method.as_str(), &spec.request.url);
            if spec.request.method.only_reads() {
                return format!("Changes nothing: it reads {url}.");
            }
            format!("Sends {method} {url}, and what that changes is the service's own.")
        }
    };
    let again = match outside.unanswered() {
        Unanswered::Look => "Should its answer be lost, something looks whether it is done.",
        Unanswered::SendAgain => "Should its answer be lost, it is done again, which does no harm.",
        Unanswered::AskPerson => {
            "It is done at most once: should its answer be lost, nobody knows, and a person is asked."
        }
    };
    format!("{what} {again}")
}

/// How it is taken back by the executor.
pub(super) fn undo(outside: &Outside) -> String {
    match (outside.only_reads(), outside.has_undo(), outside) {
        (true, _, _) => "Only a look: there is nothing to take back.",
        (_, true, Outside::Http(_)) => "The request that the runbook names for it takes it back.",
        (_, true, _) => "The program that the runbook names for it takes it back.",
        (_, false, _) => {
            "The runbook names nothing that takes it back: an undo leaves it in place."
        }
    }
    .to_owned()
}
