//! What is in a token of the simulator's? What was asked for, in the form in which Entra's are, signed by nobody.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::model::Timestamp;
use crate::sim::reply::guid;

/// How long a token is good; as long as Entra's for managed identities.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Where a signature would stand. Nobody who asks the simulator checks it, but clients read its bytes.
const SIGNED: &str = "simulated, signed by nobody";

/// Whose token it is, and for whom.
pub(super) struct TokenClaims<'a> {
    pub(super) tenant: &'a str,
    pub(super) client: &'a str,
    /// A person, where it is one.
    pub(super) person: Option<&'a str>,
    pub(super) audience: &'a str,
}

impl TokenClaims<'_> {
    /// The object in the tenant that it stands for.
    pub(super) fn object(&self) -> String {
        guid(&["object", self.tenant, self.person.unwrap_or(self.client)])
    }

    fn written(&self, (origin, now): (&str, Timestamp)) -> Value {
        let now = now.as_millis() / 1_000;
        let ends = now + i64::try_from(GOOD_FOR.as_secs()).unwrap_or_default();
        let object = self.object();
        let mut claims = json!({
            "aud": self.audience, "iss": format!("{origin}/{}/v2.0", self.tenant),
            "iat": now, "nbf": now, "exp": ends, "ver": "2.0",
            "tid": self.tenant, "oid": object, "sub": object,
            "appid": self.client, "azp": self.client,
        });
        match self.person {
            Some(person) => {
                claims["idtyp"] = "user".into();
                claims["name"] = person.into();
                claims["preferred_username"] = person.into();
                claims["upn"] = person.into();
                claims["unique_name"] = person.into();
            }
            None => claims["idtyp"] = "app".into(),
        }
        claims
    }

    /// The token itself.
    pub(super) fn token(&self, at: (&str, Timestamp)) -> String {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(json!({"typ": "JWT", "alg": "RS256", "kid": "simulated"}));
        format!("{head}.{}.{}", part(self.written(at)), URL_SAFE_NO_PAD.encode(SIGNED))
    }

    /// Who it is, as MSAL keeps accounts.
    pub(super) fn client_info(&self) -> String {
        URL_SAFE_NO_PAD.encode(json!({"uid": self.object(), "utid": self.tenant}).to_string())
    }
}

/// The tenant that a bearer token names, if it is one of the form that these endpoints give.
pub(in crate::sim) fn tenant_of(bearer: &str) -> Option<String> {
    let token = bearer.rsplit(' ').next()?;
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims.get("tid")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_whose_it_is_and_a_foreign_one_says_nothing() {
        let claims =
            TokenClaims { tenant: "t-1", client: "c", person: None, audience: "https://a" };
        let token = claims.token(("https://localhost:1", Timestamp::from_millis(0)));
        assert_eq!(token.split('.').count(), 3, "{token}");
        // Strict clients refuse a token of which one part is no base64, the one that nobody checks as well.
        assert!(token.split('.').all(|part| URL_SAFE_NO_PAD.decode(part).is_ok()), "{token}");
        assert_eq!(tenant_of(&format!("Bearer {token}")).as_deref(), Some("t-1"));
        for other in ["Bearer simulated", "Bearer a.b.c", "", "Bearer simulated.of.t-1"] {
            assert_eq!(tenant_of(other), None, "{other}");
        }
    }
}
