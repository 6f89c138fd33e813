//! Whose token is this, and may it be here? Subscriptions of several tenants, and what ARM's front end says
//! to a token of the wrong one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::reply::{Refusal, guid};
use super::server::tenant_of;
use crate::azure::tenancy::{WRONG_TENANT, mark, subscriptions_in};
use crate::azure::wire::{Method, WireRequest, WireResponse};
use crate::model::ResourceId;

/// The tenants of a world. Without any, every token is welcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tenancy {
    /// The tenant of tokens that say none, and of subscriptions that are not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// The tenants of subscriptions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subscriptions: BTreeMap<String, String>,
}

/// What stands before the tenant in a token of the simulator's.
const OF: &str = ".of.";

impl Tenancy {
    /// Whether there is but one tenant.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.home.is_none() && self.subscriptions.is_empty()
    }

    /// Every tenant; the home first.
    pub(super) fn tenants(&self) -> Vec<String> {
        let mut all = vec![self.home()];
        for tenant in self.subscriptions.values() {
            if !all.contains(tenant) {
                all.push(tenant.clone());
            }
        }
        all
    }

    fn home(&self) -> String {
        self.home.clone().unwrap_or_else(|| guid(&["tenant", "home"]))
    }

    /// The tenant of a subscription.
    pub(super) fn of(&self, subscription: &str) -> String {
        let mut named = self.subscriptions.iter();
        let own = named.find(|(id, _)| id.eq_ignore_ascii_case(subscription));
        own.map_or_else(|| self.home(), |(_, tenant)| tenant.clone())
    }

    /// The tenant of a bearer token: what stands behind `.of.` in it, or its mark there; else home.
    fn of_token(&self, bearer: &str) -> String {
        // A token from the simulator's own endpoints names its tenant by itself.
        if let Some(tenant) = tenant_of(bearer) {
            return tenant;
        }
        let Some((_, said)) = bearer.split_once(OF) else { return self.home() };
        let said = said.trim();
        let own = self.subscriptions.values().cloned().chain([self.home()]);
        let meant = |tenant: &String| tenant.eq_ignore_ascii_case(said) || mark(tenant) == said;
        let mut own = own.filter(meant);
        own.next().unwrap_or_else(|| said.to_owned())
    }

    /// Refuses a request whose token is of another tenant than its subscription, and a write that names
    /// what is in a third tenant without a token of that one.
    pub(super) fn refuse(&self, request: &WireRequest, path: &str) -> Option<WireResponse> {
        let subscription = path.split('/').nth(2).unwrap_or_default();
        if self.is_plain() || subscription.is_empty() {
            return None;
        }
        let bearer = request.headers.get("authorization").unwrap_or_default();
        let (has, wants) = (self.of_token(bearer), self.of(subscription));
        if !has.eq_ignore_ascii_case(&wants) {
            return Some(wrong_tenant(&has, &wants));
        }
        if !matches!(request.method, Method::Put | Method::Patch) {
            return None;
        }
        let along = request.headers.get("x-ms-authorization-auxiliary").unwrap_or_default();
        let along: Vec<String> = match along {
            "" => Vec::new(),
            tokens => tokens.split(',').map(|token| self.of_token(token)).collect(),
        };
        let named = subscriptions_in(&request.body);
        let linked = named.iter().find(|named| {
            let theirs = self.of(named);
            !theirs.eq_ignore_ascii_case(&has)
                && !along.iter().any(|along| along.eq_ignore_ascii_case(&theirs))
        })?;
        let scope = ResourceId::parse(path).map_or_else(|_| path.to_owned(), |id| id.to_string());
        let message = format!(
            "The client has permission to perform action on scope '{scope}', however the current tenant \
             '{has}' is not authorized to access linked subscription '{linked}'."
        );
        Some(Refusal::new(403, "LinkedAuthorizationFailed", message).by_gateway().response())
    }
}

/// The refusal of a token of another tenant, with the header that names the right one.
fn wrong_tenant(has: &str, wants: &str) -> WireResponse {
    let message = format!(
        "The access token is from the wrong issuer 'https://sts.windows.net/{has}/'. It must match the \
         tenant 'https://sts.windows.net/{wants}/' associated with this subscription. Please use the \
         authority (URL) 'https://login.windows.net/{wants}' to get the token. Note, if the subscription \
         is transferred to another tenant there is no impact to the services, but information about new \
         tenant could take time to propagate (up to an hour)."
    );
    let mut response = Refusal::new(401, WRONG_TENANT, message).by_gateway().response();
    response.headers.push(
        "WWW-Authenticate",
        format!(
            "Bearer authorization_uri=\"https://login.windows.net/{wants}\", error=\"invalid_token\", \
             error_description=\"The access token is from the wrong issuer.\""
        ),
    );
    response
}

/// The same by a fault: the subscription has gone to a tenant of its own.
pub(super) fn wrong_by_fault(path: &str) -> WireResponse {
    let subscription = path.split('/').nth(2).unwrap_or_default();
    wrong_tenant(&guid(&["tenant", "home"]), &guid(&["tenant", subscription]))
}
