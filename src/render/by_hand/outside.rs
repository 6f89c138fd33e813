//! How is something done by hand that is not Azure's? What to type, and what to expect.

use super::shell::variable;
use super::{Guide, Line, Secrets, Trouble, line, noted, secret_variable};
use crate::model::later;
use crate::model::outside::{
    CommandSpec, EnvEntry, HttpCall, HttpMethod, HttpRequest, Outside, PassedValue,
};
use crate::model::probe::{Probe, ProbeAsk};
use crate::model::shell::quoted;
use crate::model::{SecretRef, SecretSource, StepName};

pub(super) fn outside(outside: &Outside, secrets: &Secrets) -> Guide {
    let guide = match outside {
        Outside::Probe(spec) => probe(spec),
        Outside::Command(spec) => command(spec, secrets),
        Outside::Http(spec) => http(spec, secrets),
    };
    if outside.places() > 0 { with_variables(outside, guide) } else { guide }
}

fn probe(spec: &Probe) -> Guide {
    let seconds = spec.time_limit.as_secs().max(1);
    let asked = match &spec.ask {
        ProbeAsk::Tcp { host, port, .. } => format!("nc -vz -w {seconds} {} {port}", quoted(host)),
        ProbeAsk::Http { url, method, .. } => {
            let how = if *method == HttpMethod::Head { "--head " } else { "" };
            format!(
                "curl --silent --show-error --include {how}--max-time {seconds} {}",
                quoted(url)
            )
        }
        ProbeAsk::Dns { name, record, server, .. } => {
            let at = server.map_or_else(String::new, |server| {
                format!("@{} -p {} ", server.ip(), server.port())
            });
            format!("dig +short {at}{} {}", quoted(name), record.as_str())
        }
    };
    let check = match &spec.from {
        None => vec![line(asked)],
        Some(vantage) => vec![noted(
            &format!(
                "Type this at the vantage {}, which the runbook reaches with `{}`.",
                vantage.name,
                shown(&vantage.argv)
            ),
            asked,
        )],
    };
    Guide {
        check,
        good: format!("{}: {}.", spec.ask.subject(), spec.ask.expected()),
        wrong: vec![Trouble {
            sign: "No answer",
            then: "Nothing leads there yet, or something on the way drops it. Ask from another place before \
                   you conclude.",
        }],
        undo_note: "Only a look: there is nothing to take back.".to_owned(),
        ..Guide::default()
    }
}

fn command(spec: &CommandSpec, secrets: &Secrets) -> Guide {
    let mut act = read_secrets(spec.env.iter().filter_map(|entry| entry.value.as_ref()), secrets);
    act.extend(read_secrets(spec.stdin.iter(), secrets));
    let typed = |argv: &[String], stdin: Option<&PassedValue>| {
        let feed = match stdin {
            // Lines stay lines, and what stands in them stays as it is.
            Some(PassedValue::Text(text)) => {
                let text = text.replace('\\', "\\\\").replace('\n', "\\n");
                format!("printf %b {} | ", quoted(&text))
            }
            Some(given) => format!("printf %s {} | ", value(given, secrets)),
            None => String::new(),
        };
        format!("{feed}{}{}", environment(&spec.env, secrets), shown(argv))
    };
    let run = line(typed(&spec.argv, spec.stdin.as_ref()));
    if spec.reads {
        act.push(run);
        return Guide {
            check: act,
            good: "It ends with status 0.".to_owned(),
            undo_note: "Only a look: there is nothing to take back.".to_owned(),
            ..Guide::default()
        };
    }
    act.push(match spec.repeatable {
        true => run,
        false => Line {
            note: Some(
                "Once, and not again before it is known what became of it: see what the run's report says of \
                 this step first."
                    .to_owned(),
            ),
            ..run
        },
    });
    let check = match spec.check_argv.is_empty() {
        true => Vec::new(),
        false => vec![line(typed(&spec.check_argv, None))],
    };
    let good = match check.is_empty() {
        true => "It ends with status 0.",
        false => "The program that looks ends with status 0.",
    };
    Guide {
        act,
        good: good.to_owned(),
        check,
        wrong: Vec::new(),
        undo: match spec.undo_argv.is_empty() {
            true => Vec::new(),
            false => vec![line(typed(&spec.undo_argv, None))],
        },
        undo_note: undo_note(spec.undo_argv.is_empty()),
        ..Guide::default()
    }
}

fn undo_note(none: bool) -> String {
    match none {
        true => "The runbook names nothing that takes it back: it stays.".to_owned(),
        false => String::new(),
    }
}

fn http(spec: &HttpCall, secrets: &Secrets) -> Guide {
    let headers = |request: &HttpRequest| {
        read_secrets(request.headers.iter().filter_map(|entry| entry.value.as_ref()), secrets)
    };
    let typed = |request: &HttpRequest, key: bool| curl(spec, request, key, secrets);
    let mut act = headers(&spec.request);
    if spec.idempotency_header.is_some() {
        act.push(noted(
            "The key of the step's write, which the journal and the report name; a new one where nothing was \
             sent.",
            "KEY=".to_owned(),
        ));
    }
    act.push(line(typed(&spec.request, true)));
    let good = format!("It answers {}.", spec.request.good());
    if spec.request.method.only_reads() {
        return Guide {
            check: act,
            good,
            undo_note: "Only a look: there is nothing to take back.".to_owned(),
            ..Guide::default()
        };
    }
    let lines = |request: &Option<HttpRequest>| -> Vec<Line> {
        request
            .iter()
            .flat_map(|own| {
                let mut all = headers(own);
                all.push(line(typed(own, false)));
                all
            })
            .collect()
    };
    Guide {
        act,
        check: lines(&spec.check),
        good: match &spec.check {
            Some(check) => format!("The request that looks is answered {}.", check.good()),
            None => good,
        },
        undo: lines(&spec.undo),
        undo_note: undo_note(spec.undo.is_none()),
        ..Guide::default()
    }
}

/// A request as `curl` sends it; the key is there only for the one that acts.
fn curl(spec: &HttpCall, request: &HttpRequest, key: bool, secrets: &Secrets) -> String {
    let seconds = spec.time_limit.as_secs().max(1);
    let mut text = format!(
        "curl --silent --show-error --include --max-time {seconds} --request {}",
        request.method.as_str()
    );
    for EnvEntry { name, value: given } in &request.headers {
        let Some(given) = given else { continue };
        text.push_str(&match given {
            PassedValue::Text(own) => {
                format!(" \\\n  --header {}", quoted(&format!("{name}: {own}")))
            }
            PassedValue::Secret { prefix, of } => {
                format!(" \\\n  --header \"{name}: {prefix}${}\"", name_of(of, secrets))
            }
        });
    }
    if let (true, Some(header)) = (key, &spec.idempotency_header) {
        text.push_str(&format!(" \\\n  --header \"{header}: $KEY\""));
    }
    if let Some(body) = &request.body {
        text.push_str(&format!(" \\\n  --data-raw {}", quoted(body)));
    }
    format!("{text} \\\n  {}", quoted(&request.url))
}

/// A command as a person types it.
fn shown(argv: &[String]) -> String {
    argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// What earlier steps put out goes into variables of the shell, which whoever types fills in.
fn taken_in(own: &Outside) -> Vec<Line> {
    let one = |(step, output): (StepName, String)| {
        let name = taken_variable(&step, &output);
        let note = format!("Set {name} first: what step {step} put out as {output}.");
        noted(&note, format!(": \"${{{name}:?what step {step} put out as {output}}}\""))
    };
    own.takes_in().into_iter().map(one).collect()
}

fn taken_variable(step: &StepName, output: &str) -> String {
    variable(&format!("{step}_{output}"))
}

/// The same lines with those variables in the places of what earlier steps put out. Such a place stands within
/// quotes, since it has letters that nothing but quotes can hold.
fn with_variables(own: &Outside, mut guide: Guide) -> Guide {
    let taken = own.takes_in();
    let lines = [&mut guide.act, &mut guide.check, &mut guide.undo];
    for line in lines.into_iter().flatten() {
        for (step, output) in &taken {
            let shell = format!("'\"${}\"'", taken_variable(step, output));
            line.command = line.command.replace(&later::place(step, output), &shell);
        }
    }
    for lines in [&mut guide.act, &mut guide.check, &mut guide.undo] {
        if !lines.is_empty() {
            lines.splice(0..0, taken_in(own));
        }
    }
    guide
}

/// The variables that a program is given, and no others.
fn environment(entries: &[EnvEntry], secrets: &Secrets) -> String {
    let mut text = "env -i PATH=\"$PATH\" ".to_owned();
    for EnvEntry { name, value: given } in entries {
        text.push_str(&match given {
            Some(given) => format!("{name}={} ", value(given, secrets)),
            None => format!("{name}=\"${name}\" "),
        });
    }
    text
}

fn value(given: &PassedValue, secrets: &Secrets) -> String {
    match given {
        PassedValue::Text(text) => quoted(text),
        PassedValue::Secret { prefix, of } => format!("\"{prefix}${}\"", name_of(of, secrets)),
    }
}

/// The shell variable that holds a secret.
fn name_of(secret: &SecretRef, secrets: &Secrets) -> String {
    match secret {
        SecretRef::Param(name) => secret_variable(name, secrets.get(name)),
        SecretRef::Resource { id, .. } => variable(id.name()),
    }
}

/// The secrets that come from files go into variables of the shell.
fn read_secrets<'a>(given: impl Iterator<Item = &'a PassedValue>, secrets: &Secrets) -> Vec<Line> {
    let params = given.filter_map(|given| match given.secret()? {
        SecretRef::Param(name) => Some(name),
        SecretRef::Resource { .. } => None,
    });
    params
        .filter_map(|name| match secrets.get(name)? {
            SecretSource::File(path) => Some(noted(
                "The secret goes from its file into a variable of this shell.",
                format!("{}=$(cat {})", secret_variable(name, secrets.get(name)), quoted(path)),
            )),
            SecretSource::Env(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::outside::StandIn;

    #[test]
    fn a_program_is_typed_with_its_own_environment_and_a_secret_is_a_variable() {
        let param = |name: &str| PassedValue::Secret {
            prefix: String::new(),
            of: SecretRef::Param(name.to_owned()),
        };
        let entry =
            |name: &str, value: Option<PassedValue>| EnvEntry { name: name.to_owned(), value };
        let spec = CommandSpec {
            argv: vec!["/opt/act".to_owned(), "a b; rm".to_owned()],
            env: vec![entry("HOME", None), entry("TOKEN", Some(param("token")))],
            stdin: Some(param("filed")),
            time_limit: Duration::from_secs(60),
            reads: false,
            repeatable: false,
            check_argv: vec!["/opt/check".to_owned()],
            undo_argv: Vec::new(),
            outputs: Vec::new(),
            drill: StandIn::default(),
        };
        let secrets = Secrets::from([
            ("token".to_owned(), SecretSource::Env("MY_TOKEN".to_owned())),
            ("filed".to_owned(), SecretSource::File("/run/a key".to_owned())),
        ]);
        let guide = command(&spec, &secrets);
        let act: Vec<&str> = guide.act.iter().map(|line| line.command.as_str()).collect();
        let typed = "printf %s \"$FILED\" | env -i PATH=\"$PATH\" HOME=\"$HOME\" TOKEN=\"$MY_TOKEN\" /opt/act 'a b; rm'";
        assert_eq!(act, ["FILED=$(cat '/run/a key')", typed]);
        assert!(guide.act[1].note.as_ref().is_some_and(|note| note.starts_with("Once")));
        assert!(guide.check[0].command.ends_with(" /opt/check"));
        assert!(guide.undo.is_empty() && guide.undo_note.contains("it stays"));
    }
}
