//! A small push gateway: chat events in over HTTP, Web Push notifications out.
//!
//! `cargo run --release --example gateway` shows the whole way by itself; `-- --help` lists the options.

mod demo;
mod event;
mod gateway;
mod history;
mod hosts;
mod options;
mod page;
mod resume;
mod routes;
mod send;
mod store;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use options::{Arguments, Options};
use reveille_examples::local_push::LocalPush;
use tokio::net::TcpListener;

use crate::gateway::Gateway;
use crate::hosts::Hosts;

#[tokio::main]
async fn main() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1)) {
        Ok(Arguments::Run(options)) => options,
        Ok(Arguments::Help) => {
            print!("{}", options::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("gateway: {problem}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let listener = listen(&options).await?;
    let address = listener.local_addr()?;
    let local_push = match options.local_push {
        true => Some(start_local_push(address).await?),
        false => None,
    };
    let gateway = Arc::new(Gateway::open(&options, local_push.as_ref().map(LocalPush::origin))?);
    println!("gateway listens on http://localhost:{}/", address.port());
    println!("VAPID public key   {}", gateway.public_key());
    println!("data folder        {}", options.data.display());
    if let Some(push) = &local_push {
        println!("local push service {}  (Firefox: dom.push.serverURL)", push.browser_url());
    }

    let server = tokio::spawn({
        let hosts = Hosts::new(address.ip(), options.host);
        let router = routes::router(Arc::clone(&gateway), hosts, options.receipts);
        async move { axum::serve(listener, router).with_graceful_shutdown(interrupted()).await }
    });
    if let (Some(push), true) = (&local_push, options.demo) {
        demo::run(own_address(address), push, &gateway.public_key()).await?;
        print!("{}", demo::what_next(address.port(), &push.browser_url()));
    }
    Ok(server.await??)
}

/// The demo takes any port if the usual one is taken; who asks for an address gets that one or an error.
async fn listen(options: &Options) -> Result<TcpListener, Box<dyn Error>> {
    match TcpListener::bind(options.listen).await {
        Ok(listener) => Ok(listener),
        Err(_) if options.demo => Ok(TcpListener::bind((options.listen.ip(), 0)).await?),
        Err(error) => {
            Err(format!("cannot listen on {}: {error} (port 0 takes a free one)", options.listen).into())
        }
    }
}

/// On this machine only, whatever the gateway listens on; the next port if it is free, so that a browser that was told
/// about it finds it again.
async fn start_local_push(gateway: SocketAddr) -> std::io::Result<LocalPush> {
    let loopback = Ipv4Addr::LOCALHOST.into();
    match LocalPush::start(SocketAddr::new(loopback, gateway.port().wrapping_add(1))).await {
        Ok(push) => Ok(push),
        Err(_) => LocalPush::start(SocketAddr::new(loopback, 0)).await,
    }
}

/// Where the demo reaches the gateway.
fn own_address(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}

async fn interrupted() {
    // Without signals the server simply runs until it is killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
