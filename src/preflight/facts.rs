//! What is there? The facts that rules are judged by, each known, absent, or not to be known and why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arm::read::list;
use crate::engine::Clock;
use crate::model::{Plan, Region, ResourceId, StepError};

/// Something to ask Azure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// A resource's body.
    Resource(ResourceId),
    /// All resources of a type in a subscription: their ids.
    Inventory {
        /// The subscription.
        subscription: String,
        /// The type.
        kind: &'static str,
    },
    /// The children of one kind that a resource has and does not show in its body.
    Children {
        /// The resource.
        parent: ResourceId,
        /// The last part of their type.
        kind: &'static str,
    },
    /// A resource group's body.
    Group {
        /// The subscription.
        subscription: String,
        /// The group.
        group: String,
    },
    /// The management locks that hold in a resource group.
    Locks {
        /// The subscription.
        subscription: String,
        /// The group.
        group: String,
    },
    /// The deny assignments at a resource group, over it and in it.
    Denials {
        /// The subscription.
        subscription: String,
        /// The group.
        group: String,
    },
    /// What we may do in a resource group.
    Permissions {
        /// The subscription.
        subscription: String,
        /// The group.
        group: String,
    },
    /// What we may do on a resource that a write refers to: roles are assigned on single ones, too.
    RightsOn {
        /// The resource.
        resource: ResourceId,
    },
    /// A subscription itself: whether it is enabled.
    Subscription {
        /// The subscription.
        subscription: String,
    },
    /// Whether a resource provider is registered in a subscription.
    Registration {
        /// The subscription.
        subscription: String,
    },
    /// Whether a secret parameter can be read where the runbook says that it is; asked of this host.
    Secret {
        /// The parameter.
        param: String,
    },
    /// Whether the key of a VPN connection can be read; what it is is not told.
    SharedKey {
        /// The connection.
        connection: ResourceId,
    },
    /// How the key of a secret parameter stands to a circuit's authorizations: a [`KeyStanding`] in its own
    /// words; what it is is not told.
    KeyOf {
        /// The circuit.
        circuit: ResourceId,
        /// The parameter.
        param: String,
    },
    /// Whether a program can be run; asked of this host.
    Program {
        /// Its path, or its name on PATH.
        program: String,
    },
    /// What policies say of a resource that is to be made.
    Restrictions {
        /// The resource.
        resource: ResourceId,
        /// What it is to be, as JSON.
        content: String,
    },
    /// How much of Microsoft.Network a subscription has and may have in a region.
    Usages {
        /// The subscription.
        subscription: String,
        /// The region.
        region: Region,
    },
    /// The networks that a private DNS zone is linked to.
    Links {
        /// The zone.
        zone: ResourceId,
    },
    /// How many prefixes a path of a circuit's private peering brings.
    RouteSummary {
        /// The circuit.
        circuit: ResourceId,
        /// `primary` or `secondary`.
        path: &'static str,
    },
    /// What a path of a circuit's private peering carries.
    RouteTable {
        /// The circuit.
        circuit: ResourceId,
        /// `primary` or `secondary`.
        path: &'static str,
    },
}

/// How a key stands to the authorizations of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStanding {
    /// It is that of an authorization that no connection uses.
    Available,
    /// It is that of an authorization that a connection uses.
    InUse,
    /// It is that of none of them.
    OfNone,
    /// The authorizations are told without their keys.
    Untold,
}

impl Question {
    /// The subscription that it is about; none for what this host is asked.
    #[must_use]
    pub fn subscription(&self) -> Option<&str> {
        match self {
            Self::Resource(id)
            | Self::Children { parent: id, .. }
            | Self::Restrictions { resource: id, .. }
            | Self::RightsOn { resource: id }
            | Self::Links { zone: id }
            | Self::SharedKey { connection: id }
            | Self::KeyOf { circuit: id, .. }
            | Self::RouteSummary { circuit: id, .. }
            | Self::RouteTable { circuit: id, .. } => Some(id.subscription()),
            Self::Inventory { subscription, .. }
            | Self::Group { subscription, .. }
            | Self::Locks { subscription, .. }
            | Self::Denials { subscription, .. }
            | Self::Permissions { subscription, .. }
            | Self::Usages { subscription, .. }
            | Self::Subscription { subscription }
            | Self::Registration { subscription } => Some(subscription),
            Self::Secret { .. } | Self::Program { .. } => None,
        }
    }
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fact<'a> {
    /// This is so.
    Known(&'a Value),
    /// It is not there.
    Absent,
    /// It cannot be known.
    Unknown(&'a str),
}

/// What was asked, and what came back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    answers: BTreeMap<Question, Result<Option<Value>, String>>,
    /// The codes with which questions were refused.
    codes: BTreeMap<Question, String>,
}

/// Answers questions. Cannot write.
#[async_trait]
pub trait FactReader: Send + Sync {
    /// Asks; none when it is not there.
    ///
    /// # Errors
    /// It cannot be known, and why.
    async fn ask(&self, question: &Question) -> Result<Option<Value>, StepError>;
}

impl Facts {
    /// Takes an answer in.
    pub fn insert(&mut self, question: Question, answer: Result<Option<Value>, String>) {
        self.answers.insert(question, answer);
    }

    /// Takes in with what code a question was refused.
    pub fn refused(&mut self, question: Question, code: String) {
        self.codes.insert(question, code);
    }

    /// The questions that were refused with a code, and in what words.
    pub fn refused_with<'f>(
        &'f self,
        code: &'f str,
    ) -> impl Iterator<Item = (&'f Question, &'f str)> {
        let all = self.codes.iter().filter(move |(_, own)| *own == code);
        all.map(|(question, _)| {
            let why = self.answers.get(question).and_then(|answer| answer.as_ref().err());
            (question, why.map_or("", String::as_str))
        })
    }

    /// Changes a resource that is known to be there or not to be; what cannot be known stays so.
    pub(super) fn edit(&mut self, id: &ResourceId, change: impl FnOnce(&mut Option<Value>)) {
        if let Some(Ok(body)) = self.answers.get_mut(&Question::Resource(id.clone())) {
            change(body);
        }
    }

    /// The questions that could not be answered, and why not.
    pub fn unanswered(&self) -> impl Iterator<Item = (&Question, &str)> {
        let all = self.answers.iter();
        all.filter_map(|(question, answer)| Some((question, answer.as_ref().err()?.as_str())))
    }

    /// The questions that were answered, and with what; not those whose answer is that nothing is there.
    pub fn known(&self) -> impl Iterator<Item = (&Question, &Value)> {
        let all = self.answers.iter();
        all.filter_map(|(question, answer)| Some((question, answer.as_ref().ok()?.as_ref()?)))
    }

    /// The answer to a question.
    #[must_use]
    pub fn of(&self, question: &Question) -> Fact<'_> {
        match self.answers.get(question) {
            Some(Ok(Some(value))) => Fact::Known(value),
            Some(Ok(None)) => Fact::Absent,
            Some(Err(why)) => Fact::Unknown(why),
            None => Fact::Unknown("it was not asked for"),
        }
    }

    /// A resource's body.
    #[must_use]
    pub fn resource(&self, id: &ResourceId) -> Fact<'_> {
        self.of(&Question::Resource(id.clone()))
    }

    /// A resource's body, if it is known to be there.
    #[must_use]
    pub fn body(&self, id: &ResourceId) -> Option<&Value> {
        match self.resource(id) {
            Fact::Known(body) => Some(body),
            Fact::Absent | Fact::Unknown(_) => None,
        }
    }

    /// The bodies of the known resources of a type.
    pub fn bodies(&self, kind: &'static str) -> impl Iterator<Item = (&ResourceId, &Value)> {
        self.answers.iter().filter_map(move |(question, answer)| match (question, answer) {
            (Question::Resource(id), Ok(Some(body))) if id.is_a(kind) => Some((id, body)),
            _ => None,
        })
    }

    /// Whether a resource stands, as far as that is known.
    #[must_use]
    pub fn stands(&self, id: &ResourceId) -> Option<bool> {
        match self.resource(id) {
            Fact::Known(_) => Some(true),
            Fact::Absent => Some(false),
            Fact::Unknown(_) => None,
        }
    }

    /// What is known to stand beside a resource: of its type those that were read or listed, and what its parent shows.
    #[must_use]
    pub fn beside(&self, id: &ResourceId) -> Vec<ResourceId> {
        let read = self.known().filter_map(|(question, _)| match question {
            Question::Resource(own) => Some(own.clone()),
            _ => None,
        });
        let lists = self.known().filter(|(question, _)| {
            matches!(question, Question::Inventory { .. } | Question::Children { .. })
        });
        let parent = id.parent().and_then(|parent| Some((self.body(&parent)?, parent)));
        let kind = id.as_str().rsplit('/').nth(1).unwrap_or_default();
        let shown = parent.into_iter().flat_map(|(body, parent)| {
            let own = list(body, &format!("/properties/{kind}")).iter();
            own.filter_map(move |own| parent.child(kind, own.get("name")?.as_str()?).ok())
        });
        let listed = lists.flat_map(|(_, body)| list(body, "/value"));
        let listed = listed.filter_map(|own| ResourceId::parse(own.get("id")?.as_str()?).ok());
        let all = read.chain(listed).chain(shown);
        all.filter(|own| own != id && own.type_key() == id.type_key()).collect()
    }

    /// The ids that an inventory lists; the reason when it cannot be known.
    ///
    /// # Errors
    /// Why it cannot be known.
    pub fn inventory(
        &self,
        subscription: &str,
        kind: &'static str,
    ) -> Result<Vec<ResourceId>, String> {
        let question = Question::Inventory { subscription: subscription.to_owned(), kind };
        match self.of(&question) {
            Fact::Known(value) => Ok(value
                .get("value")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|item| ResourceId::parse(item.get("id")?.as_str()?).ok())
                .collect()),
            Fact::Absent => Ok(Vec::new()),
            Fact::Unknown(why) => Err(why.to_owned()),
        }
    }

    /// The children of one kind that a resource has.
    ///
    /// # Errors
    /// Why it cannot be known.
    pub fn children(&self, parent: &ResourceId, kind: &'static str) -> Result<Vec<&Value>, String> {
        match self.of(&Question::Children { parent: parent.clone(), kind }) {
            Fact::Known(value) => {
                Ok(value.get("value").and_then(Value::as_array).into_iter().flatten().collect())
            }
            Fact::Absent => Ok(Vec::new()),
            Fact::Unknown(why) => Err(why.to_owned()),
        }
    }

    /// Why nothing at all could be known, when that is so: nobody answers, or nobody knows us.
    #[must_use]
    pub fn nothing_known(&self) -> Option<&str> {
        // What this host answers says nothing of Azure.
        let azure = |question: &Question| {
            !matches!(question, Question::Secret { .. } | Question::Program { .. })
        };
        let mut answers = self.answers.iter().filter(|(q, _)| azure(q)).map(|(_, answer)| answer);
        let first = answers.next()?.as_ref().err()?;
        answers.all(Result::is_err).then_some(first)
    }

    /// Whether a question was asked.
    #[must_use]
    pub fn knows(&self, question: &Question) -> bool {
        self.answers.contains_key(question)
    }
}

/// An error in words: with its causes where those say what to do.
fn told(error: StepError) -> String {
    match error.code.as_str() {
        WRONG_TENANT => {
            std::iter::once(error.message).chain(error.causes).collect::<Vec<_>>().join(" ")
        }
        _ => error.message,
    }
}

/// The code with which Azure refuses a token of another tenant than the subscription's.
pub const WRONG_TENANT: &str = "InvalidAuthenticationTokenTenant";

/// Questions that are under way at once: a fraction of Azure's read bucket (azure-facts 3.7).
const AT_ONCE: usize = 8;

/// Rounds of questions that answers raise: a table names subnets, their network a hub, that a gateway, that connections,
/// those circuits, those other gateways, and these their networks and spokes.
const ROUNDS: usize = 9;

/// Most questions of one preflight: an estate with more is looked at in part.
const QUESTIONS_MAX: usize = 500;

/// Asks what a plan calls for, and what the answers raise.
pub async fn inquire(plan: &Plan, reader: &dyn FactReader, clock: &Arc<dyn Clock>) -> Facts {
    let mut facts = Facts::default();
    for _ in 0..ROUNDS {
        let new: BTreeSet<Question> = super::questions::questions(plan, &facts)
            .into_iter()
            .filter(|question| !facts.knows(question))
            .collect();
        let room = QUESTIONS_MAX.saturating_sub(facts.answers.len());
        if new.is_empty() || room == 0 {
            break;
        }
        let asks = new.into_iter().take(room).map(|question| {
            // Each question is a worker of its own on the clock.
            let turn = clock.queue();
            async move {
                let busy = turn.await;
                let answer = reader.ask(&question).await;
                drop(busy);
                (question, answer)
            }
        });
        let answers: Vec<_> = futures::stream::iter(asks).buffer_unordered(AT_ONCE).collect().await;
        for (question, answer) in answers {
            if let Err(error) = &answer {
                facts.refused(question.clone(), error.code.clone());
            }
            facts.insert(question, answer.map_err(told));
        }
    }
    facts
}
