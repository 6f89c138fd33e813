//! What is the page made of? A few files that are part of this program.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;

use super::Web;
use super::answer::typed;
use super::data::known_run;
use super::source::WebProblem;

const RUNS: &str = include_str!("assets/runs.html");
const RUN: &str = include_str!("assets/run.html");
const ENTER: &str = include_str!("assets/enter.html");
const STYLE: &str = include_str!("assets/page.css");
const SCRIPT: &str = include_str!("assets/page.js");
const RUN_SCRIPT: &str = include_str!("assets/run.js");
const RUNS_SCRIPT: &str = include_str!("assets/runs.js");
const ENTER_SCRIPT: &str = include_str!("assets/enter.js");
const ICON: &str = include_str!("assets/icon.svg");

/// What anybody is shown who can reach the page: the way in.
pub(super) const OPEN: [&str; 2] = ["/enter", "/favicon.ico"];

const HTML: &str = "text/html; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Whether a path is a page that a person opens, to which a link may lead from anywhere.
pub(super) fn is_a_page(path: &str) -> bool {
    let run_page = |rest: &str| {
        let (run, part) = rest.split_once('/').unwrap_or((rest, ""));
        !run.is_empty() && matches!(part, "" | "report" | "document")
    };
    matches!(path, "/" | "/enter") || path.strip_prefix("/runs/").is_some_and(run_page)
}

pub(super) async fn runs_page() -> Response<Body> {
    typed(StatusCode::OK, HTML, RUNS)
}

pub(super) async fn run_page(State(web): State<Web>, Path(run): Path<String>) -> Response<Body> {
    match known_run(&web, &run) {
        Ok(_) => typed(StatusCode::OK, HTML, RUN),
        Err(problem) => problem.page(),
    }
}

pub(super) async fn enter_page() -> Response<Body> {
    typed(StatusCode::OK, HTML, ENTER)
}

pub(super) async fn asset(Path(name): Path<String>) -> Response<Body> {
    let (kind, text) = match name.as_str() {
        "page.css" => ("text/css; charset=utf-8", STYLE),
        "page.js" => (JAVASCRIPT, SCRIPT),
        "run.js" => (JAVASCRIPT, RUN_SCRIPT),
        "runs.js" => (JAVASCRIPT, RUNS_SCRIPT),
        "enter.js" => (JAVASCRIPT, ENTER_SCRIPT),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return nothing().await,
    };
    typed(StatusCode::OK, kind, text)
}

pub(super) async fn nothing() -> Response<Body> {
    WebProblem::new(404, "There is nothing here.")
        .hint("The list of runs is at `/`.")
        .into_response()
}
