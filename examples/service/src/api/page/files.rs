//! The files: nothing from elsewhere, no inline script.

use axum::http::HeaderName;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;

const POLICY: &str = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";
const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(super) async fn index() -> impl IntoResponse {
    file("text/html; charset=utf-8", include_str!("../../../page/index.html"))
}

pub(super) async fn app() -> impl IntoResponse {
    file(SCRIPT, include_str!("../../../page/app.js"))
}

pub(super) async fn resume() -> impl IntoResponse {
    file(SCRIPT, include_str!("../../../page/resume.js"))
}

pub(super) async fn session() -> impl IntoResponse {
    file(SCRIPT, include_str!("../../../page/session.js"))
}

pub(super) async fn style() -> impl IntoResponse {
    file("text/css; charset=utf-8", include_str!("../../../page/style.css"))
}

pub(super) async fn service_worker() -> impl IntoResponse {
    file(SCRIPT, include_str!("../../../page/service-worker.js"))
}

/// The receiver that comes with the gateway, as it is.
pub(super) async fn receiver() -> impl IntoResponse {
    file(SCRIPT, include_str!("../../../../../crates/gateway/receiver/service-worker.js"))
}

fn file(kind: &'static str, text: &'static str) -> ([(HeaderName, &'static str); 5], &'static str) {
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text)
}
