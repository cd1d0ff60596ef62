//! Ten thousand clients that ask what rings for them, each on a connection of its own, beside some traffic.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::figures::Latencies;
use crate::machine::{Machine, name};
use crate::{Failure, PEOPLE};

const CLIENTS: usize = 10_000;
const EVERY: Duration = Duration::from_secs(10);

/// How long answers took, and how long notifications took meanwhile.
pub async fn run(machine: &Machine<'_>, span: Duration) -> Result<(Latencies, Latencies), Failure> {
    let latencies = Arc::new(Mutex::new(Latencies::default()));
    let until = Instant::now() + EVERY + span;
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let wait = EVERY.mul_f64(client as f64 / CLIENTS as f64);
        clients.push(tokio::spawn(poll(
            machine.service.address,
            client,
            wait,
            until,
            Arc::clone(&latencies),
        )));
    }
    tokio::time::sleep(EVERY).await;
    let beside = machine.at_rate(100.0, span).await?;
    for client in clients {
        client.await??;
    }
    let polls = std::mem::take(&mut *latencies.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((polls, beside))
}

async fn poll(
    address: SocketAddr,
    client: usize,
    wait: Duration,
    until: Instant,
    latencies: Arc<Mutex<Latencies>>,
) -> Result<(), Failure> {
    tokio::time::sleep(wait).await;
    let mut tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let person = name(client % PEOPLE);
    let ask = format!("GET /v1/ringing/{person} HTTP/1.1\r\nhost: {address}\r\nx-user: {person}\r\n\r\n");
    let mut next = Instant::now();
    while next < until {
        tokio::time::sleep_until(next.into()).await;
        let begun = Instant::now();
        tcp.write_all(ask.as_bytes()).await?;
        answered(&mut tcp).await?;
        latencies.lock().unwrap_or_else(PoisonError::into_inner).push(begun.elapsed());
        next += EVERY;
    }
    Ok(())
}

/// Reads one answer, which has to be 200.
async fn answered(tcp: &mut TcpStream) -> Result<(), Failure> {
    let mut read = Vec::with_capacity(512);
    loop {
        if tcp.read_buf(&mut read).await? == 0 {
            return Err("the service closed the connection".into());
        }
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if !head.starts_with("http/1.1 200") {
            return Err(text.into());
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.ok_or("no length")?.trim().parse::<usize>()? {
            return Ok(());
        }
    }
}
