//! Subscriptions, and which connected browser each belongs to.

use std::collections::HashMap;

use reveille_testkit::webpush::PushService;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use crate::clock;

/// Everything the service knows.
pub struct Shared {
    origin: String,
    pub service: PushService,
    /// By the browser's id.
    browsers: HashMap<String, Browser>,
    created: u64,
    delivered: u64,
}

#[derive(Default)]
struct Browser {
    /// Endpoints by channel.
    channels: HashMap<String, String>,
    /// To its connection, while there is one.
    connection: Option<UnboundedSender<Value>>,
}

impl Shared {
    pub fn new(origin: String) -> Self {
        let service = PushService::new(origin.clone(), reveille_crypto_ring::PROVIDER);
        Self { origin, service, browsers: HashMap::new(), created: 0, delivered: 0 }
    }

    /// A browser says hello, with the id it got before if it has one: its id.
    pub fn connect(&mut self, uaid: Option<&str>, connection: UnboundedSender<Value>) -> String {
        let known = uaid.filter(|uaid| self.browsers.contains_key(*uaid)).map(str::to_owned);
        let uaid = known.unwrap_or_else(|| {
            self.created += 1;
            format!("{:032x}", u128::from(self.created) << 64 | 0xb40e)
        });
        self.browsers.entry(uaid.clone()).or_default().connection = Some(connection);
        uaid
    }

    /// The connection ended; messages wait from now on.
    pub fn disconnect(&mut self, uaid: &str, connection: &UnboundedSender<Value>) {
        if let Some(browser) = self.browsers.get_mut(uaid)
            && browser.connection.as_ref().is_some_and(|current| current.same_channel(connection))
        {
            browser.connection = None;
        }
    }

    /// A new subscription; the browser sends the key with padding.
    pub fn register(&mut self, uaid: &str, channel: &str, key: Option<&str>) -> Result<String, &'static str> {
        let key = key.map(str::parse).transpose().map_err(|_| "key is not a P-256 public key")?;
        let endpoint = self.service.subscribe(key);
        let browser = self.browsers.get_mut(uaid).ok_or("say hello first")?;
        browser.channels.insert(channel.to_owned(), endpoint.clone());
        Ok(endpoint)
    }

    pub fn unregister(&mut self, uaid: &str, channel: &str) {
        let endpoint = self.browsers.get_mut(uaid).and_then(|browser| browser.channels.remove(channel));
        if let Some(endpoint) = endpoint {
            self.service.unsubscribe(&endpoint);
        }
    }

    /// Hands what waits for the endpoint with this path to its browser, if that is connected.
    pub fn deliver(&mut self, path: &str) {
        let endpoint = format!("{}{path}", self.origin);
        let found = self.browsers.values().find_map(|browser| {
            let (channel, _) = browser.channels.iter().find(|(_, candidate)| **candidate == endpoint)?;
            Some((channel.clone(), browser.connection.clone()?))
        });
        if let Some((channel, connection)) = found {
            self.deliver_to(&endpoint, &channel, &connection);
        }
    }

    /// Hands everything that waits for a browser to it, after it connected.
    pub fn deliver_all(&mut self, uaid: &str) {
        let Some(browser) = self.browsers.get(uaid) else { return };
        let Some(connection) = browser.connection.clone() else { return };
        for (channel, endpoint) in browser.channels.clone() {
            self.deliver_to(&endpoint, &channel, &connection);
        }
    }

    fn deliver_to(&mut self, endpoint: &str, channel: &str, connection: &UnboundedSender<Value>) {
        for message in self.service.take(endpoint, clock::now()) {
            self.delivered += 1;
            let mut frame = json!({
                "messageType": "notification", "channelID": channel, "version": format!("v{}", self.delivered),
            });
            if let Some(encoding) = message.accepted.encoding {
                frame["data"] = reveille_crypto::base64url::encode(&message.body).into();
                frame["headers"] = json!({"encoding": encoding});
            }
            // A connection that just ended: the browser asks again by `hello`, the message is lost as TTL 0 would be.
            let _ = connection.send(frame);
        }
    }
}
