//! Every client example against the local push service: delivered, refused, gone.

#[allow(dead_code)]
#[path = "../clients/hyper.rs"]
mod hyper_client;
#[allow(dead_code)]
#[path = "../clients/reqwest.rs"]
mod reqwest_client;
#[allow(dead_code)]
#[path = "../clients/ureq.rs"]
mod ureq_client;

use bytes::Bytes;
use http::Request;
use reveille_core::{Action, Outcome, Scope};
use reveille_crypto_ring::PROVIDER;
use reveille_examples::clock;
use reveille_examples::local_push::{LocalPush, Receiver};
use reveille_webpush::{ApplicationServer, Message, Subscription, Ttl, VapidKey, VapidKeys, VapidSettings};

struct Scene {
    push: LocalPush,
    server: ApplicationServer,
    receiver: Receiver,
}

impl Scene {
    async fn set() -> Self {
        let push = LocalPush::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let key = VapidKey::new(&PROVIDER.p256.generate().unwrap(), PROVIDER).unwrap();
        let receiver = Receiver::subscribe(&push.browser_url(), key.public_key()).await.unwrap();
        let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
        Self { push, server: ApplicationServer::new(PROVIDER, VapidKeys::new(key), settings), receiver }
    }

    fn request(&self, text: &'static str) -> Request<Bytes> {
        let message = Message::new(text, Ttl::from_secs(60).unwrap()).unwrap();
        self.server.request(&message, self.receiver.subscription(), clock::now()).unwrap()
    }

    fn end_subscription(&self) {
        assert!(self.push.unsubscribe(self.receiver.subscription().endpoint().as_str()));
    }
}

/// Sends three requests with one client and checks what becomes of each.
async fn check(send: impl AsyncFn(&Subscription, Request<Bytes>) -> Outcome) {
    let mut scene = Scene::set().await;
    let accepted = send(scene.receiver.subscription(), scene.request("hello")).await;
    assert!(matches!(&accepted, Outcome::Accepted(receipt) if receipt.status == 201), "{accepted:?}");
    assert_eq!(scene.receiver.receive().await.unwrap().unwrap(), b"hello");

    let mut unsigned = scene.request("hello");
    unsigned.headers_mut().remove("authorization");
    assert_eq!(
        send(scene.receiver.subscription(), unsigned).await.action(),
        Some(&Action::FixCredential { scope: Scope::Credential })
    );

    scene.end_subscription();
    let gone = send(scene.receiver.subscription(), scene.request("hello")).await;
    assert_eq!(gone.action(), Some(&Action::DropTarget { if_registered_before: None }));
}

#[tokio::test]
async fn reqwest() {
    let client = reqwest_client::client().unwrap();
    check(async |to, request| reqwest_client::send(&client, to, request).await.unwrap()).await;
}

#[tokio::test]
async fn hyper() {
    let client = hyper_client::client().unwrap();
    check(async |to, request| hyper_client::send(&client, to, request).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ureq() {
    let client = ureq_client::client();
    check(async |to, request| {
        tokio::task::block_in_place(|| ureq_client::send(&client, to, request).unwrap())
    })
    .await;
}
