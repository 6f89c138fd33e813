//! How does a link become a session? Its token comes from the part of the address that browsers send nobody, once,
//! by a form of our own page; from then on a cookie speaks.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, Response};
use axum::response::IntoResponse as _;
use serde::Deserialize;
use serde_json::json;

use super::Web;
use super::answer::data;
use super::source::WebProblem;
use crate::outward;
use crate::store::InvitationError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentToken {
    token: String,
}

pub(super) async fn enter(State(web): State<Web>, body: Bytes) -> Response<Body> {
    let made = || {
        let sent: SentToken = serde_json::from_slice(&body)
            .map_err(|_| WebProblem::new(400, "That is no form of this page."))?;
        let secret = web.chance();
        // From here on neither is shown by this process, whatever goes wrong.
        outward::know(&sent.token);
        outward::know(&secret);
        let parts = web.parts();
        let (invited, id) = parts
            .invitations
            .enter(&sent.token, &secret, parts.clock.now())
            .map_err(|error| refused(&error))?;
        Ok::<_, WebProblem>((invited, web.cookie(Some((&id, &secret)))))
    };
    match made() {
        Ok((invited, cookie)) => {
            let mut response = data(&json!({
                "schema": "backroad.web.me/1",
                "name": invited.name,
                "role": invited.role,
            }));
            if let Some(cookie) = cookie {
                response.headers_mut().insert(SET_COOKIE, cookie);
            }
            response
        }
        Err(problem) => problem.into_response(),
    }
}

fn refused(error: &InvitationError) -> WebProblem {
    let hint = "Ask for another link: `backroad web invite NAME`.";
    match error {
        InvitationError::Unknown => {
            WebProblem::new(403, "This link is none of this page's, or was taken back.").hint(hint)
        }
        InvitationError::Used => {
            WebProblem::new(403, "This link was used already; it opens once.").hint(hint)
        }
        InvitationError::Over => WebProblem::new(403, "This link's time is over.").hint(hint),
        InvitationError::TooMany | InvitationError::Store(_) => {
            WebProblem::new(500, format!("The session cannot be kept: {error}."))
        }
    }
}

/// Ends the session.
pub(super) async fn leave(State(web): State<Web>, headers: HeaderMap) -> Response<Body> {
    if let Some(speaker) = web.speaker(&headers)
        && let Err(error) = web.parts().invitations.leave(&speaker.id)
    {
        return WebProblem::new(500, format!("The session cannot be ended: {error}."))
            .into_response();
    }
    let mut response = data(&json!({ "schema": "backroad.web.done/1", "done": true }));
    if let Some(cookie) = web.cookie(None) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Who asks, and what they may.
pub(super) async fn me(State(web): State<Web>, headers: HeaderMap) -> Response<Body> {
    let speaker = web.speaker(&headers);
    let invited = speaker.as_ref().map(|speaker| &speaker.invited);
    data(&json!({
        "schema": "backroad.web.me/1",
        "name": invited.map(|invited| &invited.name),
        "role": invited.and_then(|invited| invited.role.as_ref()),
        "until": invited.map(|invited| invited.until),
        "actions": web.parts().settings.actions,
        "account": web.parts().settings.account,
    }))
}
