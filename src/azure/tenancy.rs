//! Whose token does a subscription take? Tenants by subscription: told beforehand, or learned from the
//! refusal that names the one that is wanted.
//!
//! Azure refuses the token of another tenant with 401 `InvalidAuthenticationTokenTenant` and says in
//! `WWW-Authenticate` where to get the right one (azure-facts 9). No waiting mends that, so it is no
//! passing trouble: either a token of that tenant can be had, or a person is told which is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::wire::WireResponse;
use crate::model::StepError;

/// The code of that refusal.
pub const WRONG_TENANT: &str = "InvalidAuthenticationTokenTenant";

/// What ARM takes beside the token of the resource's own tenant.
const AUXILIARY_MAX: usize = 3;

/// Which tenant each subscription belongs to, as far as that is known.
#[derive(Debug, Default)]
pub struct Tenants {
    /// Of subscriptions that nothing else is known of; none for the credential's own.
    usual: Option<String>,
    of: Mutex<BTreeMap<String, String>>,
}

impl Tenants {
    /// The usual tenant, and those of subscriptions.
    #[must_use]
    pub fn new(usual: Option<String>, of: BTreeMap<String, String>) -> Self {
        let of = of.into_iter().map(|(subscription, tenant)| (key(&subscription), tenant));
        Self { usual, of: Mutex::new(of.collect()) }
    }

    /// The tenant whose token a subscription takes; none for the credential's own.
    #[must_use]
    pub fn of(&self, subscription: &str) -> Option<String> {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.get(&key(subscription)).or(self.usual.as_ref()).cloned()
    }

    /// Takes in what Azure said; gives what was believed before, to be put back.
    pub(super) fn learn(&self, subscription: &str, tenant: Option<String>) -> Option<String> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        match tenant {
            Some(tenant) => of.insert(key(subscription), tenant),
            None => of.remove(&key(subscription)),
        }
    }

    /// The tenants of what a body names beside its own subscription: their tokens are sent along, so
    /// that Azure sees our rights there as well.
    pub(super) fn beside(&self, subscription: &str, body: &[u8]) -> Vec<Option<String>> {
        let own = self.of(subscription);
        let named = subscriptions_in(body);
        let others: BTreeSet<Option<String>> =
            named.iter().map(|named| self.of(named)).filter(|tenant| *tenant != own).collect();
        others.into_iter().take(AUXILIARY_MAX).collect()
    }
}

fn key(subscription: &str) -> String {
    subscription.to_ascii_lowercase()
}

/// The subscription that a path is in.
pub(super) fn subscription_of(path: &str) -> Option<&str> {
    let mut parts = path.split('/').skip(1);
    let word = parts.next()?;
    parts.next().filter(|id| word.eq_ignore_ascii_case("subscriptions") && !id.is_empty())
}

/// The subscriptions whose resources a body names.
#[must_use]
pub fn subscriptions_in(body: &[u8]) -> BTreeSet<String> {
    let lower = String::from_utf8_lossy(body).to_ascii_lowercase();
    let after = lower.split("/subscriptions/").skip(1);
    after
        .filter_map(|rest| rest.split('/').next())
        .filter(|id| is_name(id))
        .map(str::to_owned)
        .collect()
}

/// What stands for a tenant in a simulated token: not its name, which is no secret and is told in refusals.
#[must_use]
pub fn mark(tenant: &str) -> String {
    let hash = blake3::hash(tenant.to_ascii_lowercase().as_bytes());
    hash.to_hex().chars().take(12).collect()
}

pub use crate::model::tenant::is_tenant as is_name;

fn error_of(response: &WireResponse) -> Option<(String, String)> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    let error = body.get("error").unwrap_or(&body);
    let word = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some((word("code"), word("message")))
}

/// Whether an answer refuses a token because it is of another tenant.
#[must_use]
pub fn is_of_another(response: &WireResponse) -> bool {
    response.status == 401 && error_of(response).is_some_and(|(code, _)| code == WRONG_TENANT)
}

/// The tenant that a refusal wants a token of: by its header, else by its words.
#[must_use]
pub fn wanted(response: &WireResponse) -> Option<String> {
    let by_header = response.headers.get("www-authenticate").and_then(|header| {
        let at = header.find("authorization_uri=")? + "authorization_uri=".len();
        let uri = header[at..].trim_start_matches('"').split(['"', ',']).next()?;
        tenant_in(uri)
    });
    by_header.or_else(|| {
        let (_, message) = error_of(response)?;
        let at = message.find("must match")?;
        let rest = &message[at..];
        tenant_in(rest[rest.find('\'')? + 1..].split('\'').next()?)
    })
}

/// The tenant that the refused token is of, by the refusal's words.
fn issued_by(message: &str) -> Option<String> {
    let rest = &message[message.find("wrong issuer")?..];
    tenant_in(rest[rest.find('\'')? + 1..].split('\'').next()?)
}

/// The tenant of `https://login.windows.net/TENANT` or `https://sts.windows.net/TENANT/`, of the first
/// where several are named.
fn tenant_in(uri: &str) -> Option<String> {
    let uri = uri.split(',').next()?.trim();
    let path = uri.split_once("://")?.1.split_once('/')?.1;
    path.split('/').next().filter(|name| is_name(name)).map(str::to_owned)
}

/// The refusal, for a person: which tenant the token is of, which is wanted, and what to do.
#[must_use]
pub fn explained(
    response: &WireResponse,
    subscription: &str,
    sent: Option<&str>,
    why_not: Option<&str>,
) -> StepError {
    let message = error_of(response).map_or_else(String::new, |(_, message)| message);
    let wanted = wanted(response);
    let token = match (issued_by(&message), sent) {
        (Some(of), _) => format!("of tenant {of}"),
        (None, Some(of)) => format!("of tenant {of}"),
        (None, None) => "of another tenant".to_owned(),
    };
    let belongs = match &wanted {
        Some(wanted) => format!("belongs to tenant {wanted}"),
        None => "belongs to another, which Azure does not name".to_owned(),
    };
    let message = format!("Our token is {token}, and subscription {subscription} {belongs}.");
    let mut error = StepError::rejected(WRONG_TENANT, message);
    if let Some(why) = why_not {
        error = error.caused_by(super::error::scrubbed(why));
    }
    let tenant = wanted.as_deref().unwrap_or("TENANT");
    error.caused_by(format!(
        "Log in there (`az login --tenant {tenant}`), or use a credential that is known in both tenants; \
         `--tenant {subscription}={tenant}` says it beforehand."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::wire::Headers;
    use crate::model::Disposition;
    use serde_json::json;

    const HOME: &str = "aaaaaaaa-0000-4000-8000-000000000001";
    const THEIRS: &str = "bbbbbbbb-0000-4000-8000-000000000002";

    fn refusal(header: bool) -> WireResponse {
        let message = format!(
            "The access token is from the wrong issuer 'https://sts.windows.net/{HOME}/'. It must match \
             the tenant 'https://sts.windows.net/{THEIRS}/' associated with this subscription."
        );
        let mut headers = Headers::new();
        if header {
            let uri = format!("https://login.windows.net/{THEIRS}");
            let value = format!("Bearer authorization_uri=\"{uri}\", error=\"invalid_token\"");
            headers.push("WWW-Authenticate", value);
        }
        let body = json!({ "error": { "code": WRONG_TENANT, "message": message } });
        WireResponse { status: 401, headers, body: body.to_string().into() }
    }

    #[test]
    fn the_wanted_tenant_is_read_from_the_header_or_the_words() {
        for header in [true, false] {
            assert_eq!(wanted(&refusal(header)).as_deref(), Some(THEIRS));
        }
        let error = explained(&refusal(true), "s", None, None);
        assert!(matches!(error.disposition, Disposition::Rejected), "no waiting mends it");
        let text = format!("{} {:?}", error.message, error.causes);
        for part in [HOME, THEIRS, "az login --tenant bbbbbbbb", "--tenant s=bbbb"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn what_is_no_tenants_name_goes_into_no_command() {
        for bad in ["", "a b", "$(x)", "-x", "a/b", "ä"] {
            assert!(!is_name(bad), "{bad}");
        }
        let mut response = refusal(false);
        response.headers.push("WWW-Authenticate", "Bearer authorization_uri=\"https://l/$(x)\"");
        assert_eq!(wanted(&response).as_deref(), Some(THEIRS), "the words are left");
    }

    #[test]
    fn tokens_go_along_for_the_tenants_of_what_a_body_names() {
        let of = [("B".to_owned(), THEIRS.to_owned())].into();
        let tenants = Tenants::new(None, of);
        let body =
            br#"{"peer":{"id":"/subscriptions/b/resourceGroups/g"},"own":"/Subscriptions/a/x"}"#;
        assert_eq!(tenants.beside("a", body), [Some(THEIRS.to_owned())]);
        assert_eq!(tenants.beside("b", body), [None]);
        assert!(tenants.beside("a", b"{}").is_empty());
    }
}
