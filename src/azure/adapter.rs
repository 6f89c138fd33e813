//! What does a goal need read and written? One exhaustive match from action to service.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use super::as_seen;
use super::client::Client;
use super::fresh_right;
use super::gone;
use super::guard::{ClockRef, RequestGuard};
use super::in_use;
use super::known_body::{Judgements, KnownBodies};
use super::operation;
use super::outlived;
use super::purpose::Purpose;
use super::scope::{Access, WriteScope};
use super::secret::{SecretReader, filled, placeholders, shown};
use super::service::{
    association, authorization, bandwidth, body, circuit_tier, connection, gateway, hub, public_ip,
    recovery_plan, removal, route_table, steering, subnet, virtual_network, vnet_peering, vpn,
};
use super::standing;
use super::tenancy::Tenants;
use super::token::TokenSource;
use super::verification;
use super::wire::Wire;
use crate::engine::{Actuator, CallContext, Clock, Observer, PollAnswer, SendAnswer};
use crate::model::permission::to_look;
use crate::model::vpn::SHARED_KEY_AT;
use crate::model::{
    Action, Assessed, Assessment, Goal, OperationHandle, OperationKey, ResourceId, SecretRef,
    StepError, Undo, Write, WriteMethod,
};

/// What an adapter is made of.
#[derive(Clone)]
pub struct ArmSettings {
    /// Where Resource Manager answers.
    pub endpoint: Url,
    /// What carries requests there.
    pub wire: Arc<dyn Wire>,
    /// Who we are.
    pub token: Arc<dyn TokenSource>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where secret parameters are read.
    pub secrets: Arc<dyn SecretReader>,
}

/// Makes observers and actuators.
#[derive(Clone)]
pub struct Arm {
    settings: ArmSettings,
    tenants: Arc<Tenants>,
}

/// Reads. Its client has no way to write, and its guard would refuse.
#[derive(Debug, Clone)]
pub struct ArmObserver {
    client: Client,
    judged: Arc<Judgements>,
    secrets: Arc<dyn SecretReader>,
}

/// Reads and writes, within the scope of one plan.
#[derive(Debug, Clone)]
pub struct ArmActuator {
    client: Client,
    judged: Arc<Judgements>,
    secrets: Arc<dyn SecretReader>,
}

impl Arm {
    /// From its parts.
    #[must_use]
    pub fn new(settings: ArmSettings) -> Self {
        Self { settings, tenants: Arc::default() }
    }

    /// The same, told which subscriptions are of which tenants; the rest is learned from Azure's answers.
    #[must_use]
    pub fn with_tenants(mut self, tenants: Tenants) -> Self {
        self.tenants = Arc::new(tenants);
        self
    }

    fn client(&self, access: Access) -> Client {
        let settings = self.settings.clone();
        Client::new(Arc::new(RequestGuard {
            endpoint: settings.endpoint,
            wire: settings.wire,
            token: settings.token,
            tenants: Arc::clone(&self.tenants),
            clock: ClockRef(settings.clock),
            access,
            bodies: KnownBodies::default(),
        }))
    }

    /// A reader: all that a dry run is given.
    #[must_use]
    pub fn observer(&self) -> ArmObserver {
        ArmObserver {
            client: self.client(Access::ReadOnly),
            judged: Arc::default(),
            secrets: Arc::clone(&self.settings.secrets),
        }
    }

    /// A writer of what the plan declares.
    #[must_use]
    pub fn actuator(&self, scope: WriteScope) -> ArmActuator {
        ArmActuator {
            client: self.client(Access::Writing(scope)),
            judged: Arc::default(),
            secrets: Arc::clone(&self.settings.secrets),
        }
    }
}

impl ArmObserver {
    /// Its client, for questions that are about no step.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Where secret parameters are read: whether they can be is a question, too.
    pub(super) fn secrets(&self) -> &dyn SecretReader {
        &*self.secrets
    }
}

#[async_trait]
impl Observer for ArmObserver {
    async fn observe(
        &self,
        goal: &Goal<'_>,
        context: &CallContext,
    ) -> Result<Assessment, StepError> {
        observe((&self.client, &self.judged), goal, context).await
    }
}

#[async_trait]
impl Observer for ArmActuator {
    async fn observe(
        &self,
        goal: &Goal<'_>,
        context: &CallContext,
    ) -> Result<Assessment, StepError> {
        match observe((&self.client, &self.judged), goal, context).await {
            // A right to read is new as one to write is.
            Err(error) if fresh_right::is_of_right(&error) => {
                let (Goal::Do(action) | Goal::Mend(action) | Goal::Undo { action, .. }) = goal;
                Err(fresh_right::judged(&self.client, error, to_look(action), context).await)
            }
            answer => answer,
        }
    }
}

#[async_trait]
impl Actuator for ArmActuator {
    async fn send(
        &self,
        write: &Write,
        key: &OperationKey,
        context: &CallContext,
    ) -> Result<SendAnswer, StepError> {
        let purpose = Purpose::Change(key.clone());
        let how = (&purpose, context);
        let Some(resource) = write.resource.azure() else {
            return Err(StepError::rejected(
                "not_azure",
                "The write is not to a resource of Azure's.",
            ));
        };
        let response = match write.method {
            WriteMethod::Delete => self.client.delete(resource, how).await?,
            WriteMethod::Put => {
                let Some(body) = &write.body else {
                    return Err(StepError::rejected(
                        "no_body",
                        "A PUT without a body says nothing.",
                    ));
                };
                let body = self.with_secrets(body, context).await?;
                let with = (write.if_match.as_deref(), write.sync);
                self.client.put(resource, &body, with, how).await?
            }
            WriteMethod::Post => {
                let Some(verb) = write.verb.as_deref() else {
                    let why = "A POST is to an action of the resource, and none is named.";
                    return Err(StepError::rejected("no_verb", why));
                };
                self.client.post(resource, verb, write.body.as_ref(), how).await?
            }
            WriteMethod::Run => {
                let why = "A program is not run by Azure.";
                return Err(StepError::rejected("not_azure", why));
            }
        };
        match operation::read_sent(&response, &purpose) {
            Err(error) if fresh_right::is_of_right(&error) => {
                Err(fresh_right::judged(&self.client, error, fresh_right::needed(write), context)
                    .await)
            }
            Err(error) if standing::is_of_absence(response.status, &error) => {
                Err(standing::judged(&self.client, error, write, context).await)
            }
            Err(error) if outlived::may_have_gone(&error, write) => {
                Err(outlived::judged(&self.client, error, write, context).await)
            }
            answer => answer,
        }
    }

    async fn poll(
        &self,
        handle: &OperationHandle,
        context: &CallContext,
    ) -> Result<PollAnswer, StepError> {
        let response = self.client.poll(handle, context).await?;
        operation::read_polled(handle.kind, &response)
    }
}

impl ArmActuator {
    /// The body with its secrets, for the bytes that are sent and for nothing else.
    async fn with_secrets(&self, body: &Value, context: &CallContext) -> Result<Value, StepError> {
        let mut values = Vec::new();
        for secret in placeholders(body) {
            let value = match &secret {
                SecretRef::Param(name) => self
                    .secrets
                    .read(name)
                    .map_err(|why| StepError::rejected("secret_missing", why))?,
                SecretRef::Resource { id, pointer } => {
                    let read = if pointer == SHARED_KEY_AT {
                        self.client.shared_key(id, context).await?.map(Arc::new)
                    } else {
                        self.client.get(id, context).await?
                    };
                    shown(read.as_deref(), id, pointer)?
                }
            };
            values.push((secret, value));
        }
        filled(body, &values)
    }
}

async fn observe(
    (client, judged): (&Client, &Judgements),
    goal: &Goal<'_>,
    context: &CallContext,
) -> Result<Assessment, StepError> {
    let mut assessment = match goal {
        Goal::Do(action) => observe_action((client, judged), action, context).await?,
        Goal::Mend(action) => {
            let Some(resource) = action.written() else {
                return Err(StepError::rejected("not_azure", "There is nothing to mend."));
            };
            bandwidth::mended(resource, client.get(resource, context).await?.as_deref())
        }
        Goal::Undo { action, undo, rest } => {
            let mut assessment = observe_undo(client, action, undo, context).await?;
            if let Some(kept) = in_use::kept(client, action, rest, &assessment, context).await? {
                assessment.verdict = kept;
            }
            gone::left_out(client, undo, &mut assessment, context).await;
            body::tell_of_others(&mut assessment);
            assessment
        }
    };
    as_seen::require(&mut assessment);
    Ok(assessment)
}

async fn observe_action(
    (client, judged): (&Client, &Judgements),
    action: &Action,
    context: &CallContext,
) -> Result<Assessment, StepError> {
    if let Action::Verify(verification) = action {
        return verification::observe(client, verification, context).await;
    }
    if let Action::RecoveryPlan(spec) = action {
        let (plan, items) = recovery_plan_seen(client, &spec.id, context).await?;
        return Ok(recovery_plan::assess(spec, plan.as_deref(), &items));
    }
    let Some(resource) = action.written() else {
        return Err(StepError::rejected(
            "not_azure",
            "The step is not about a resource of Azure's.",
        ));
    };
    let body = client.get(resource, context).await?;
    // What follows from nothing else was judged when this body came first.
    let alone = body.as_ref().filter(|_| action.firewalls().is_empty());
    if let Some(known) = alone.and_then(|body| judged.of(resource, action, body)) {
        return Ok(known);
    }
    let firewalls = match firewalls(client, action, context).await? {
        Ok(firewalls) => firewalls,
        Err(verdict) => return Ok(body::assessment(resource, body.as_deref(), verdict)),
    };
    let came_to = assessed(action, body.as_deref(), &firewalls)?;
    if let Some(body) = alone {
        judged.keep(resource, action, body, &came_to);
    }
    Ok(came_to)
}

/// What an action and the body of its resource come to.
fn assessed(
    action: &Action,
    body: Option<&Value>,
    firewalls: &route_table::Firewalls,
) -> Result<Assessment, StepError> {
    Ok(match action {
        Action::PublicIp(spec) => public_ip::assess(spec, body),
        Action::Subnet(spec) => subnet::assess(spec, body),
        Action::Gateway(spec) => gateway::assess(spec, body),
        Action::Authorization(spec) => authorization::assess(spec, body),
        Action::Connection(spec) => connection::assess(spec, body),
        Action::Peering(spec) => vnet_peering::assess(spec, body),
        Action::RouteTable(spec) => route_table::assess(spec, body, firewalls),
        Action::Route(spec) => route_table::assess_route(spec, body, firewalls),
        Action::SecurityGroup(spec) => association::assess_security(spec, body),
        Action::Dns(spec) => virtual_network::assess(spec, body),
        Action::Tier(spec) => circuit_tier::assess(spec, body),
        Action::Association(spec) => association::assess(spec, body),
        Action::Bandwidth(spec) => bandwidth::assess(spec, body),
        Action::Dissociation(spec) => association::assess_dissociated(spec, body),
        Action::Vpn(own) => vpn::assess(own, body),
        Action::Steering(own) => steering::assess(own, body),
        Action::Remove(spec) => removal::assess(spec, body),
        Action::Hub(spec) => hub::assess(spec, body),
        Action::RecoveryPlan(_) | Action::Verify(_) | Action::Outside(_) | Action::General(_) => {
            let what = "It is no resource of the network whose state is compared.";
            return Err(StepError::rejected("not_azure", what));
        }
    })
}

/// The private addresses of the firewalls that an action's routes lead to; the inner error is the verdict where
/// one has none.
async fn firewalls(
    client: &Client,
    action: &Action,
    context: &CallContext,
) -> Result<Result<route_table::Firewalls, Assessed>, StepError> {
    let mut known = route_table::Firewalls::new();
    for id in action.firewalls() {
        let body = client.get(id, context).await?;
        match route_table::firewall_address(id, body.as_deref()) {
            Ok(address) => drop(known.insert(id.clone(), address)),
            Err(verdict) => return Ok(Err(verdict)),
        }
    }
    Ok(Ok(known))
}

/// A recovery plan, and the protected items of its vault: where each machine is, the items tell.
async fn recovery_plan_seen(
    client: &Client,
    id: &ResourceId,
    context: &CallContext,
) -> Result<(Option<Arc<Value>>, Vec<Value>), StepError> {
    let plan = client.get_any(id, context).await?;
    let items = match (&plan, id.parent()) {
        (Some(_), Some(vault)) => {
            let path = format!("{vault}/replicationProtectedItems");
            client.get_list(&path, context).await?
        }
        _ => Vec::new(),
    };
    Ok((plan, items))
}

async fn observe_undo(
    client: &Client,
    action: &Action,
    undo: &Undo,
    context: &CallContext,
) -> Result<Assessment, StepError> {
    if let Action::RecoveryPlan(spec) = action {
        let (plan, items) = recovery_plan_seen(client, &spec.id, context).await?;
        return Ok(recovery_plan::undo(spec, undo, plan.as_deref(), &items));
    }
    let (Undo::Delete { resource } | Undo::Restore { resource, .. }) = undo else {
        let verdict = Assessed::Holds;
        return Ok(Assessment {
            verdict,
            seen: Vec::new(),
            outputs: std::collections::BTreeMap::new(),
        });
    };
    let body = client.get(resource, context).await?;
    let body = body.as_deref();
    // What was wanted of how it stood then.
    let stood = undo.before();
    let written = match action {
        Action::Connection(spec) => return Ok(connection::undo(spec, undo, body)),
        Action::Vpn(own) => return Ok(vpn::undo(own, undo, body)),
        Action::Remove(spec) => return Ok(removal::undo(spec, undo, body)),
        Action::Hub(spec) => return Ok(hub::undo(spec, undo, body)),
        Action::Subnet(spec) => return Ok(subnet::undo(spec, undo, body)),
        Action::Tier(spec) => return Ok(circuit_tier::undo(spec, undo, body)),
        Action::RouteTable(spec) => return Ok(route_table::undo(spec, undo, body)),
        Action::Authorization(spec) => {
            let gone = in_use::user_gone(client, body, context).await;
            return Ok(authorization::undo(spec, undo, body, gone));
        }
        Action::PublicIp(spec) => public_ip::wanted(spec),
        Action::Gateway(spec) => gateway::wanted(spec, stood),
        Action::Peering(spec) => vnet_peering::wanted(spec, stood),
        Action::Route(spec) => route_table::wanted_route(spec, &route_table::Firewalls::new()),
        Action::Association(spec) => association::wanted(spec),
        Action::SecurityGroup(spec) => association::wanted_security(spec),
        Action::Dns(spec) => virtual_network::wanted(spec),
        Action::Steering(own) => steering::wanted(own, stood),
        Action::Dissociation(_) => association::unused_table(),
        // These write nothing into what is there, or nothing at all.
        Action::Bandwidth(_)
        | Action::RecoveryPlan(_)
        | Action::Verify(_)
        | Action::Outside(_)
        | Action::General(_) => Value::Null,
    };
    Ok(body::assessment(resource, body, body::undo(undo, body, &written)))
}
