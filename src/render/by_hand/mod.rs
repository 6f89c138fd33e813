//! How is a step done by a person, without this program? Commands, the portal, and what to expect.
//!
//! Made from the action and its values, never from the author's prose: so it is right for every
//! runbook, and `scripts/az-parse` holds every command of the shipped ones against the real parser
//! of `az`. One function per kind of action; a new action does not compile without one.

mod again;
mod before;
mod ensure;
mod hubs;
mod network;
mod outside;
mod recovery;
mod remove;
mod shell;
mod standing;
mod steering;
mod verify;
mod vpn;

use std::collections::BTreeMap;

use crate::arm::version;
use crate::model::action::General;
use crate::model::vpn::SHARED_KEY_AT;
use crate::model::{Action, ResourceId, SagaClass, SecretRef, SecretSource, Step};
use shell::Az;

/// How a step is done by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guide {
    /// The way through the portal, one place after the other.
    pub portal: Vec<String>,
    /// The commands that do it.
    pub act: Vec<Line>,
    /// The commands that show whether it is done.
    pub check: Vec<Line>,
    /// What good looks like.
    pub good: String,
    /// What can go wrong, and what then.
    pub wrong: Vec<Trouble>,
    /// The commands that take it back.
    pub undo: Vec<Line>,
    /// What there is to know about taking it back.
    pub undo_note: String,
}

/// A command, and what there is to know before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What there is to know.
    pub note: Option<String>,
    /// The command.
    pub command: String,
}

impl Line {
    /// Whether it keeps something, with the word that [`typed_first`] tells a shell.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.command.starts_with("keep ")
    }

    /// Whether it sets a variable, which only the shell has that it is typed in.
    #[must_use]
    pub fn sets_a_variable(&self) -> bool {
        let named = |name: &str| !name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        self.command.lines().any(|line| line.split_once('=').is_some_and(|(name, _)| named(name)))
    }
}

/// Something that goes wrong, and what then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What is seen.
    pub sign: &'static str,
    /// What to do.
    pub then: &'static str,
}

/// The secrets of a runbook, by name.
pub type Secrets = BTreeMap<String, SecretSource>;

/// How a step is done by hand.
#[must_use]
pub fn guide(step: &Step, secrets: &Secrets) -> Guide {
    let mut guide = of_action(step, secrets);
    if step.saga == SagaClass::Retriable {
        // An undo leaves it in place, and who takes back by hand does as well.
        guide.undo.clear();
        guide.undo_note.clear();
    }
    guide
}

fn of_action(step: &Step, secrets: &Secrets) -> Guide {
    match &step.action {
        Action::PublicIp(spec) => ensure::public_ip(spec),
        Action::Subnet(spec) => ensure::subnet(spec),
        Action::Gateway(spec) => ensure::gateway(spec),
        Action::Authorization(spec) => ensure::authorization(spec),
        Action::Connection(spec) => ensure::connection(spec, secrets),
        Action::Peering(spec) => ensure::peering(spec),
        Action::RouteTable(spec) => network::route_table(spec),
        Action::Association(spec) => ensure::association(spec),
        Action::Bandwidth(spec) => ensure::bandwidth(spec),
        Action::Tier(spec) => network::tier(spec),
        Action::Dissociation(spec) => remove::dissociation(spec),
        Action::Route(spec) => network::route(spec),
        Action::SecurityGroup(spec) => network::security_group(spec),
        Action::Dns(spec) => network::dns(spec),
        Action::Vpn(own) => vpn::vpn(own, secrets),
        Action::Steering(own) => steering::steering(own),
        Action::Remove(spec) => remove::removal(spec, secrets),
        Action::RecoveryPlan(spec) => recovery::plan(spec),
        Action::Hub(action) => hubs::hub(action, secrets),
        Action::Verify(verification) => verify::verification(verification),
        Action::Outside(own) => outside::outside(own, secrets),
        Action::General(general) => by_people(general),
    }
}

/// A step's commands as a person types them: what does it, then what shows that it is so; none where there is none.
#[must_use]
pub fn typed(step: &Step, secrets: &Secrets) -> Option<String> {
    let Guide { act, check, .. } = guide(step, secrets);
    let mut lines = Vec::new();
    if act.iter().any(Line::keeps) {
        lines.push(before::KEEP.to_owned());
    }
    for Line { note, command } in act.into_iter().chain(check) {
        lines.extend(note.map(|note| format!("# {note}")));
        lines.push(command);
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// What a shell is told once, before the commands of any step: how what stands is kept.
#[must_use]
pub fn typed_first() -> Line {
    noted(
        "In each new shell, always in the same folder: what stands before a step is kept there in a file \
         `before-…`, and taking back writes it again. `[ -s before-… ] ||` before a command: only where it was not \
         there.",
        format!("{}\n{}", before::KEEP, before::PUT_BACK),
    )
}

/// What is not Azure's has no command.
fn by_people(general: &General) -> Guide {
    let (good, undo_note) = match general {
        General::Approval(_) => {
            ("A yes of somebody who may say it, with the reason written down.", "An answer stands.")
        }
        General::Manual(_) => (
            "The person who did it says that it is done.",
            "Whoever did it takes it back; nothing here knows how.",
        ),
        General::Decision(_) => {
            ("One of the ways is chosen, with the reason written down.", "A choice stands.")
        }
        General::Wait { .. } => ("The time has passed.", "Nothing is to be taken back."),
    };
    Guide { good: good.to_owned(), undo_note: undo_note.to_owned(), ..Guide::default() }
}

/// The environment variable in which a secret parameter is expected.
#[must_use]
pub fn secret_variable(name: &str, source: Option<&SecretSource>) -> String {
    match source {
        Some(SecretSource::Env(variable)) => variable.clone(),
        Some(SecretSource::File(_)) | None => shell::variable(name),
    }
}

fn line(command: String) -> Line {
    Line { note: None, command }
}

fn noted(note: &str, command: String) -> Line {
    Line { note: Some(note.to_owned()), command }
}

/// A command about a resource that is there: by its whole id, so that no default of the person who
/// types it can make it another.
fn about(verb: &'static str, id: &ResourceId) -> Az {
    Az::new(verb).with("--ids", id.as_str())
}

/// What is called at a path: in the version in which the executor calls it.
fn called(path: &str) -> String {
    format!("{path}?api-version={}", version::of(path))
}

/// A command that makes a resource: subscription, group and name.
fn make(verb: &'static str, id: &ResourceId) -> Az {
    within(verb, id).with("--name", id.name())
}

/// A command in a resource's group.
fn within(verb: &'static str, id: &ResourceId) -> Az {
    Az::new(verb)
        .with("--subscription", id.subscription())
        .with("--resource-group", id.resource_group())
}

/// The name of what a child belongs to.
fn parent_name(id: &ResourceId) -> String {
    id.parent().map(|parent| parent.name().to_owned()).unwrap_or_default()
}

/// How the key of a connection comes to the command line: read into a variable, never typed.
fn key(secret: &SecretRef, secrets: &Secrets) -> (Option<Line>, String) {
    match secret {
        SecretRef::Param(name) => {
            let source = secrets.get(name);
            let variable = secret_variable(name, source);
            let read = match source {
                Some(SecretSource::File(path)) => {
                    let command = shell::key_in(
                        &variable,
                        &format!("cat {}", crate::model::shell::quoted(path)),
                    );
                    Some(noted(
                        "The key goes from its file into a variable of this shell.",
                        command,
                    ))
                }
                Some(SecretSource::Env(_)) | None => None,
            };
            (read, variable)
        }
        SecretRef::Resource { id, pointer } if pointer == SHARED_KEY_AT => {
            let read = within("network vpn-connection shared-key show", id)
                .with("--connection-name", id.name())
                .with("--query", "value")
                .with("--output", "tsv")
                .key_in("SHARED_KEY");
            let note = "The key goes from Azure into a variable of this shell, and nowhere else. Where it cannot be \
                        read, since its region is down: who keeps the device at the other end has it, or a vault. \
                        Take it in with `read -r SHARED_KEY` and go on.";
            (Some(noted(note, read)), "SHARED_KEY".to_owned())
        }
        SecretRef::Resource { id, .. } => {
            let read = about("network express-route auth show", id)
                .with("--query", "authorizationKey")
                .with("--output", "tsv")
                .key_in("CIRCUIT_KEY");
            let note = "The key goes from Azure into a variable of this shell, and nowhere else. Where it cannot be \
                        read, the owner of the circuit has it: take it in with `read -r CIRCUIT_KEY` and go on.";
            (Some(noted(note, read)), "CIRCUIT_KEY".to_owned())
        }
    }
}

/// What any step that writes may meet.
pub const COMMON: [Trouble; 5] = [
    Trouble {
        sign: "409 AnotherOperationInProgress, or 429 RetryableErrorDueToAnotherOperation",
        then: "Somebody else writes this resource or one that it depends on. Wait a minute and type the \
               same command again. Find out who it is.",
    },
    Trouble {
        sign: "429 with a time to wait",
        then: "Azure has had too many requests. Wait that long; a request sent earlier is refused again.",
    },
    Trouble {
        sign: "403 AuthorizationFailed or LinkedAuthorizationFailed",
        then: "The right that the message names is missing. The chapter on rights lists all of them.",
    },
    Trouble {
        sign: "401 InvalidAuthenticationTokenTenant",
        then: "The subscription is of another tenant. Sign in to the one that the message names, with \
               `az login --tenant TENANT`, and type the same command again: it names its subscription.",
    },
    Trouble {
        sign: "409 ScopeLocked",
        then: "A lock protects it. Ask its owner; do not remove the lock yourself.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::action::Connection;

    fn id(text: &str) -> ResourceId {
        ResourceId::parse(&format!(
            "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Network/{text}"
        ))
        .unwrap()
    }

    fn connection(authorization: Option<SecretRef>) -> Guide {
        let secrets = Secrets::from([
            ("dr_circuit_key".to_owned(), SecretSource::Env("DR_CIRCUIT_KEY".to_owned())),
            ("filed".to_owned(), SecretSource::File("/run/secrets/a key".to_owned())),
        ]);
        let spec = Connection {
            id: id("connections/con"),
            location: crate::model::Region::parse("eastasia").unwrap(),
            gateway: id("virtualNetworkGateways/gw"),
            circuit: id("expressRouteCircuits/er"),
            authorization,
            routing_weight: Some(100),
            fast_path: None,
            private_link_fast_path: None,
            tags: crate::model::tags::Tags::new(),
        };
        ensure::connection(&spec, &secrets)
    }

    #[test]
    fn a_key_is_a_variable_and_never_a_value() {
        let auth = id("expressRouteCircuits/er/authorizations/a");
        let pointer = "/properties/authorizationKey".to_owned();
        let read = connection(Some(SecretRef::Resource { id: auth, pointer }));
        assert_eq!(read.act.len(), 3);
        assert!(
            read.act[1].command.starts_with("CIRCUIT_KEY=$(az network express-route auth show")
        );
        // Nothing is made with an empty key, however it is typed.
        assert!(read.act[1].command.ends_with(
            "[ -n \"$CIRCUIT_KEY\" ] || { echo 'Stop: CIRCUIT_KEY is empty.'; false; }"
        ));
        assert!(read.act[2].command.contains("--authorization-key \"${CIRCUIT_KEY:?}\""));
        let given = connection(Some(SecretRef::Param("dr_circuit_key".to_owned())));
        assert_eq!(given.act.len(), 2);
        assert!(given.act[1].command.contains("--authorization-key \"${DR_CIRCUIT_KEY:?}\""));
        let filed = connection(Some(SecretRef::Param("filed".to_owned())));
        assert!(filed.act[1].command.starts_with("FILED=$(cat '/run/secrets/a key')\n[ -n "));
        assert!(filed.act[2].command.contains("--authorization-key \"${FILED:?}\""));
        let own = connection(None);
        assert!(!own.act[1].command.contains("authorization-key"));
    }
}
