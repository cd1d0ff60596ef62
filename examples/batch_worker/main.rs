//! A worker that encrypts in batches: for a gateway through which many different messages pass.
//!
//! `cargo run --release --example batch_worker` lets four threads queue 20,000 messages and says how many were encrypted a
//! second, with key agreements eight at a time where the processor can, and one by one.

mod worker;

use std::error::Error;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use reveille_crypto::CryptoProvider;
use reveille_crypto_lanes::Lanes;
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{
    ApplicationServer, Endpoint, Message, Subscription, Ttl, UserAgent, UserAgentKeys, VapidKey, VapidKeys,
    VapidSettings,
};

use worker::{Job, work};

static LANES: Lanes = Lanes::over(reveille_crypto_ring::PROVIDER);
const PRODUCERS: usize = 4;
const MESSAGES: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "vectors: {}",
        if LANES.has_vectors() { "yes" } else { "no, this processor has no AVX-512 IFMA" }
    );
    for (name, crypto) in [("ring with lanes", LANES.provider()), ("ring", reveille_crypto_ring::PROVIDER)] {
        let (batches, per_second) = run(crypto)?;
        println!(
            "{name}: {per_second:.0} messages a second on one core, {:.1} to a batch",
            MESSAGES as f64 / batches
        );
    }
    Ok(())
}

/// How many batches it took, and how many messages were encrypted a second.
fn run(crypto: CryptoProvider) -> Result<(f64, f64), Box<dyn Error>> {
    let key = VapidKey::new(&crypto.p256.generate()?, crypto)?;
    let settings = VapidSettings::new("mailto:ops@example.com".parse()?);
    let server = ApplicationServer::new(crypto, VapidKeys::new(key), settings);
    let subscriptions = (0..PRODUCERS).map(|_| subscription(crypto)).collect::<Result<Vec<_>, _>>()?;

    // Bounded: who produces faster than can be encrypted waits.
    let (queue, jobs) = sync_channel(1_024);
    let producers: Vec<_> = subscriptions
        .into_iter()
        .map(|subscription| {
            let queue = queue.clone();
            thread::spawn(move || {
                for number in 0..MESSAGES / PRODUCERS {
                    let Ok(ttl) = Ttl::from_secs(3_600) else { return };
                    let Ok(message) = Message::new(format!("message {number}"), ttl) else { return };
                    if queue.send(Job { message, subscription: subscription.clone() }).is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    drop(queue);

    let (mut batches, mut requests) = (0_u32, 0_u32);
    let start = Instant::now();
    work(&server, &jobs, |batch| {
        batches += 1;
        // Here they would be sent; one that cannot be built says why.
        requests += batch.into_iter().filter(Result::is_ok).count() as u32;
    });
    let elapsed = start.elapsed().as_secs_f64();
    for producer in producers {
        producer.join().map_err(|_| "a producer panicked")?;
    }
    Ok((f64::from(batches), f64::from(requests) / elapsed))
}

/// As a browser would give it.
fn subscription(crypto: CryptoProvider) -> Result<Subscription, Box<dyn Error>> {
    let keys = UserAgentKeys::generate(crypto)?;
    let user_agent = UserAgent::new(&keys, reveille_crypto_rustcrypto::PROVIDER)?;
    Ok(user_agent.subscription(Endpoint::new("https://push.example.net/a", &PublicHttps)?))
}
