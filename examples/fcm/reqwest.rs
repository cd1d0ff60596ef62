//! FCM over `reqwest`, against a local service that checks everything Google's checks: get an access token with a
//! service account, test the credentials, send to three devices.
//!
//! `cargo run --example fcm_reqwest`
//!
//! For the real service give `Project::new` the account's project and leave the token URI as it is in the file.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use reveille_core::{Jitter, Outcome};
use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use reveille_fcm::credential::{TokenError, Verdict, probe_request};
use reveille_fcm::{
    Grant, Message, Notification, Prepared, Project, RegistrationToken, ServiceAccount, SizeLimit, Target,
    Token, TokenOutput, TokenSettings, TokenSource, classify_response,
};
use reveille_testkit::fcm::{Device, Google, SERVICE_ACCOUNT};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let account = ServiceAccount::from_json(SERVICE_ACCOUNT.as_bytes())?;
    let origin = start_local_google().await?;
    let account = account.with_token_uri(&format!("{origin}/token"))?;
    let project = Project::at(&origin, account.project_id())?;
    println!("account {:?}", account.masked());

    let client = client()?;
    let source = TokenSource::new(
        Grant::service_account(&account, PROVIDER)?,
        TokenSettings::default(),
        Jitter::new(clock::now().as_millis()),
    );
    let token = access_token(&client, &source).await?;

    let answer = send(&client, probe_request(&project, None, &token)?).await?;
    println!("credential test: {}", Verdict::from_response(None, &answer, clock::now()));

    let message = Message::new().with_notification(Notification::new().with_title("Anna").with_body("Hello"));
    let prepared = Prepared::new(&message, SizeLimit::Own)?;
    let targets: Vec<Target> = ["phone", "old-phone", "typing-error"]
        .iter()
        .map(|name| RegistrationToken::new(*name).map(Target::Token))
        .collect::<Result<_, _>>()?;
    for (target, request) in targets.iter().zip(prepared.fan_out(&project, &targets, &token)) {
        let answer = send(&client, request?).await?;
        match classify_response(target, &answer, clock::now()) {
            Outcome::Accepted(receipt) => println!("accepted as {}", receipt.message.unwrap_or_default()),
            Outcome::Rejected(rejection) => {
                println!("{}: {}", rejection.reason.unwrap_or_default(), rejection.action.name());
            }
        }
    }
    Ok(())
}

/// Google asks for a time-out of at least ten seconds.
fn client() -> Result<reqwest::Client, Box<dyn Error>> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).timeout(Duration::from_secs(10)).build()?)
}

/// The loop of `TokenSource`, until there is a token.
async fn access_token(client: &reqwest::Client, source: &TokenSource) -> Result<Token, Box<dyn Error>> {
    loop {
        match source.token(clock::now()) {
            Ok(token) => return Ok(token),
            Err(TokenError::Failed(failure)) if failure.kind.needs_operator() => return Err(failure.into()),
            Err(TokenError::Failed(_)) => {
                let Some(wakeup) = source.next_wakeup() else { return Err("no way to a token".into()) };
                tokio::time::sleep(wakeup.at.since(clock::now())).await;
            }
            Err(_) => {}
        }
        while let Some(output) = source.poll_output() {
            match output {
                TokenOutput::Fetch { fetch, request } => match send(client, request).await {
                    Ok(response) => source.handle_response(fetch, &response, clock::now()),
                    Err(_) => source.handle_failure(fetch, clock::now()),
                },
                TokenOutput::Failed(failure) => eprintln!("{failure}"),
                _ => {}
            }
        }
    }
}

async fn send(
    client: &reqwest::Client,
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, Box<dyn Error>> {
    let mut answer = client.execute(request.try_into()?).await?;
    let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
    let mut response = http::Response::new(answer.bytes().await?);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Google on this machine: its origin.
async fn start_local_google() -> Result<String, Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let mut google = Google::made_up_at(&origin, PROVIDER);
    google.fcm.device("phone", Device::Registered);
    google.fcm.device("old-phone", Device::Unregistered);
    let google = Arc::new(Mutex::new(google));
    tokio::spawn(
        async move { axum::serve(listener, Router::new().fallback(answer).with_state(google)).await },
    );
    Ok(origin)
}

async fn answer(State(google): State<Arc<Mutex<Google>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 64 * 1024).await else {
        return http::StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut google = google.lock().unwrap_or_else(PoisonError::into_inner);
    google.handle(&http::Request::from_parts(parts, body), clock::now()).map(axum::body::Body::from)
}
