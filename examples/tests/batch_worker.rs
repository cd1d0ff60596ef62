//! The batch worker loses nothing, keeps the order, and does not keep a lone message waiting for company.

#[path = "../batch_worker/worker.rs"]
mod worker;

use std::sync::mpsc::channel;

use reveille_crypto::CryptoProvider;
use reveille_crypto_lanes::Lanes;
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{
    ApplicationServer, Endpoint, Message, Ttl, UserAgent, UserAgentKeys, VapidKey, VapidKeys, VapidSettings,
};
use worker::{Job, MOST, work};

static LANES: Lanes = Lanes::over(reveille_crypto_ring::PROVIDER);
const RUSTCRYPTO: CryptoProvider = reveille_crypto_rustcrypto::PROVIDER;

#[test]
fn every_job_becomes_its_request_in_order() {
    let crypto = LANES.provider();
    let key = VapidKey::new(&crypto.p256.generate().unwrap(), crypto).unwrap();
    let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
    let server = ApplicationServer::new(crypto, VapidKeys::new(key), settings);
    let user_agent = UserAgent::new(&UserAgentKeys::generate(RUSTCRYPTO).unwrap(), RUSTCRYPTO).unwrap();
    let subscription =
        user_agent.subscription(Endpoint::new("https://push.example/x", &PublicHttps).unwrap());
    for count in [1, MOST - 1, MOST, MOST + 1, 3 * MOST + 9] {
        let (queue, jobs) = channel();
        for number in 0..count {
            let message = Message::new(number.to_string(), Ttl::from_secs(60).unwrap()).unwrap();
            queue.send(Job { message, subscription: subscription.clone() }).unwrap();
        }
        drop(queue);
        let (mut batches, mut texts) = (Vec::new(), Vec::new());
        work(&server, &jobs, |requests| {
            batches.push(requests.len());
            texts.extend(
                requests.into_iter().map(|request| user_agent.open(request.unwrap().body()).unwrap()),
            );
        });
        let expected: Vec<_> = (0..count).map(|number| number.to_string().into_bytes()).collect();
        assert_eq!(texts, expected);
        assert!(batches.iter().all(|size| (1..=MOST).contains(size)), "{batches:?}");
    }
}
