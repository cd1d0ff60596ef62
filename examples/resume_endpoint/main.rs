//! The endpoint that a contact flow calls before it decides: back into the conversation, or a fresh one.
//!
//! `cargo run --release --example resume_endpoint` issues a token, presents it four times over HTTP, prints what the
//! flow sees, and goes on serving; `-- ADDRESS` only serves. The secret is `RESUME_SECRET` (base64url or a JWK), or random.

mod desk;
mod show;

use std::error::Error;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::desk::{Desk, Ids, Presented};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let desk = Arc::new(Desk::open(std::env::var("RESUME_SECRET").ok().as_deref())?);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let base = format!("http://{}", listener.local_addr()?);
    println!("resume endpoint listens on {base}");
    let server = tokio::spawn(async move { axum::serve(listener, router(desk)).await });
    if address.is_none() {
        tokio::task::spawn_blocking(move || show::run(&base).map_err(|error| error.to_string())).await??;
    }
    Ok(server.await??)
}

/// Behind your own authentication, both of them: they are for your servers, not for clients.
fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/v1/tokens", post(issue))
        .route("/v1/verify", post(verify))
        .layer(DefaultBodyLimit::max(8 * 1024))
        .with_state(desk)
}

type Answer = (StatusCode, Json<Value>);

/// For whoever writes the push.
async fn issue(State(desk): State<Arc<Desk>>, ids: Result<Json<Ids>, JsonRejection>) -> Answer {
    match ids {
        Ok(Json(ids)) => match desk.issue(&ids) {
            Ok(token) => (StatusCode::CREATED, Json(json!({"token": token}))),
            Err(error) => failed(StatusCode::BAD_REQUEST, error),
        },
        Err(rejection) => failed(rejection.status(), rejection.body_text()),
    }
}

/// For the flow. `answer` is what may be passed on to the client; reason and fraud are for the flow alone.
async fn verify(State(desk): State<Arc<Desk>>, presented: Result<Json<Presented>, JsonRejection>) -> Answer {
    match presented {
        Ok(Json(presented)) => (StatusCode::OK, Json(desk.verify(&presented))),
        Err(rejection) => failed(rejection.status(), rejection.body_text()),
    }
}

fn failed(status: StatusCode, problem: impl ToString) -> Answer {
    (status, Json(json!({"error": problem.to_string()})))
}
