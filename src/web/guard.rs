//! May this request be answered at all? Asked under our name, from our own page, by somebody who may read.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use axum::middleware::Next;
use axum::response::IntoResponse as _;

use super::source::WebProblem;
use super::trust::PagePeer;
use super::{Web, assets};

/// What a page may load and do: its own files, and nothing written into it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'";

/// What a document may: show itself. Its style stands in it, and nothing in it can run.
pub(super) const DOCUMENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                                          img-src data:; base-uri 'none'; form-action 'none'; \
                                          frame-ancestors 'none'; sandbox";

/// Lets a request through, or says why not; and sets on every answer what a browser must know.
pub(super) async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response<Body> {
    let judged = judge(&web, &request);
    let is_opened = *request.method() == Method::GET && assets::is_a_page(request.uri().path());
    let mut response = match judged {
        Ok(()) => next.run(request).await,
        Err(problem) if is_opened => problem.page(),
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    set(X_FRAME_OPTIONS, "DENY");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), clipboard-read=()",
    );
    if web.parts().settings.secure {
        set(HeaderName::from_static("strict-transport-security"), "max-age=31536000");
    }
    response
}

fn judge(web: &Web, request: &Request) -> Result<(), WebProblem> {
    let headers = request.headers();
    let host =
        asked_host(request).ok_or_else(|| WebProblem::new(400, "The request names no host."))?;
    if !web.parts().settings.hosts.contains(&host) {
        return Err(WebProblem::new(421, "This page is not known by that name.")
            .hint("Open the address that `backroad web` printed; `--name` gives it another."));
    }
    let method = request.method();
    if !matches!(*method, Method::GET | Method::HEAD | Method::POST) {
        return Err(WebProblem::new(405, "That is not done here."));
    }
    if headers.contains_key(AUTHORIZATION) {
        return Err(WebProblem::new(400, "No password is taken here."));
    }
    same_site(headers, method, request.uri().path())?;
    if *method == Method::POST {
        same_origin(web, headers, &host)?;
    }
    // What says nothing of any run, and the way in.
    let open = request.uri().path().starts_with("/assets/")
        || assets::OPEN.contains(&request.uri().path());
    let peer = request.extensions().get::<PagePeer>().copied();
    if open || peer.is_some_and(|peer| peer.reads) || web.speaker(headers).is_some() {
        return Ok(());
    }
    let account = &web.parts().settings.account;
    Err(WebProblem::new(
        403,
        format!("This page is of account {account}, and this connection is of somebody else."),
    )
    .hint("Ask for a link of your own: `backroad web invite NAME` prints one that opens once."))
}

/// The name that a request asks for, in lower case; none where it names none, or two.
fn asked_host(request: &Request) -> Option<String> {
    let mut named = request.headers().get_all(HOST).iter();
    let header = named.next().and_then(|value| value.to_str().ok()).map(str::to_ascii_lowercase);
    if named.next().is_some() {
        return None;
    }
    let in_uri = request.uri().authority().map(|one| one.as_str().to_ascii_lowercase());
    match (header, in_uri) {
        (Some(one), Some(other)) if one != other => None,
        (header, in_uri) => header.or(in_uri),
    }
}

/// What a browser says of where a request comes from. Another page may lead here, as a link does; it may not load
/// anything of ours into itself.
fn same_site(headers: &HeaderMap, method: &Method, path: &str) -> Result<(), WebProblem> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let own = matches!(said("sec-fetch-site"), None | Some("same-origin" | "none"));
    let leads_here = *method == Method::GET
        && said("sec-fetch-mode") == Some("navigate")
        && said("sec-fetch-dest") == Some("document")
        && assets::is_a_page(path);
    match own || leads_here {
        true => Ok(()),
        false => Err(WebProblem::new(403, "That was asked from another page.")),
    }
}

/// What changes something comes from our own page, by the browser's word.
fn same_origin(web: &Web, headers: &HeaderMap, host: &str) -> Result<(), WebProblem> {
    let scheme = if web.parts().settings.secure { "https" } else { "http" };
    let own = format!("{scheme}://{host}");
    let mut said = headers.get_all(ORIGIN).iter();
    let origin = said.next().and_then(|value| value.to_str().ok());
    if origin != Some(own.as_str()) || said.next().is_some() {
        return Err(WebProblem::new(403, "That was sent from another page."));
    }
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok());
    match kind.map(|kind| kind.split(';').next().unwrap_or_default().trim()) {
        Some("application/json") => Ok(()),
        _ => Err(WebProblem::new(415, "What is sent here is JSON.")),
    }
}
