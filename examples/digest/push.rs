//! From an event to a Web Push and an APNs request, through the digest: three messages, one notification, on both services
//! under the same name, so that the next one replaces it and a read takes it away.
//!
//! `cargo run --example digest_push`

use reveille_apns::{
    Alert, App, Background, DeviceToken, ProviderKey, Push as _, TokenSettings, TokenSource,
};
use reveille_core::UnixTime;
use reveille_crypto_ring::PROVIDER;
use reveille_digest::{Clear, Engine, Event, EventId, Limits, Notify, Output, Plain, Policy, Seed};
use reveille_webpush::{ApplicationServer, Message, Subscription, Ttl, VapidKey, VapidKeys, VapidSettings};
use serde_json::json;

/// Recipient and conversation; the text of a message.
type Host = Plain<(u64, u64), String>;

// Of RFC 8291 and of a test account: yours come from your database.
const BROWSER: &str = r#"{"endpoint":"https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV","keys":{
    "p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth":"BTBZMqHH6r4Tts7J_aSIgg"}}"#;
const VAPID: &str = "w1DqrvCLLle2659ja_f0jVQIgR3InUXbdLXdFb4NI-8";
const P8: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
-----END PRIVATE KEY-----";

type Failure = Box<dyn std::error::Error>;

/// One recipient with a browser and a phone.
struct Services {
    server: ApplicationServer,
    browser: Subscription,
    tokens: TokenSource,
    app: App,
    phone: DeviceToken,
}

impl Services {
    fn new() -> Result<Self, Failure> {
        let keys = VapidKeys::new(VapidKey::from_text(VAPID, PROVIDER)?);
        let server =
            ApplicationServer::new(PROVIDER, keys, VapidSettings::new("mailto:ops@example.com".parse()?));
        let browser = Subscription::from_json(BROWSER)?.with_vapid_key(server.keys().current().id());
        let key = ProviderKey::from_p8(P8, "DEF123GHIJ".parse()?, "ABC123DEFG".parse()?, PROVIDER)?;
        let tokens = TokenSource::new(key, TokenSettings::default());
        let (app, phone) =
            (App::production("com.example.app".parse()?), "00fc13adff785122b4ad28809a342098".parse()?);
        Ok(Self { server, browser, tokens, app, phone })
    }

    /// A digest becomes one request per device. Give the requests to your HTTP client, and the engine their outcome.
    fn notify(&self, notify: &Notify<Host>, now: UnixTime) -> Result<[http::Uri; 2], Failure> {
        let last = notify.samples.last().and_then(|item| item.payload.clone()).unwrap_or_default();
        let title = format!("{} new messages", notify.summary.total);
        let name = notify.collapse_id.to_string();
        // The generation lets a service worker drop an older one that comes later.
        let body = json!({"v": 1, "title": title, "body": last, "tag": name, "generation": notify.generation.to_bits()});
        let message = Message::new(body.to_string(), Ttl::from_secs(86_400)?)?.with_topic(name.parse()?);
        let web = self.server.request(&message, &self.browser, now)?;
        let alert = Alert::new(title, last).with_collapse_id(name.parse()?);
        let apple = alert.request(&self.app, &self.phone, &self.tokens.token(now)?)?;
        Ok([web.uri().clone(), apple.uri().clone()])
    }

    /// What was shown is taken away: a message that the service worker and the app understand as such.
    fn clear(&self, clear: &Clear<Host>, now: UnixTime) -> Result<[http::Uri; 2], Failure> {
        let name = clear.collapse_id.to_string();
        let body = json!({"v": 1, "clear": name, "generation": clear.generation.to_bits()});
        let message = Message::new(body.to_string(), Ttl::from_secs(86_400)?)?.with_topic(name.parse()?);
        let web = self.server.request(&message, &self.browser, now)?;
        let background = Background::new().with_custom("clear", &name)?;
        let apple = background.request(&self.app, &self.phone, &self.tokens.token(now)?)?;
        Ok([web.uri().clone(), apple.uri().clone()])
    }
}

fn main() -> Result<(), Failure> {
    let services = Services::new()?;
    let seed = Seed::new(*b"a secret of ours");
    let mut engine: Engine<Host> = Engine::new(Plain::new(), Policy::default(), Limits::default(), seed)?;
    let (at, key) = (UnixTime::from_secs, (1, 42));
    for (seq, text) in [(1, "Hello"), (2, "Are you there?"), (3, "Please call back")] {
        let event = Event::new(key, EventId(seq.into()), text.to_owned()).with_seq(seq).with_actor(7);
        engine.handle_event(event, at(1_800_000_000 + seq))?;
    }
    // The window ends; then the recipient reads.
    let mut shown = Vec::new();
    for now in [at(1_800_000_031), at(1_800_000_060)] {
        if !shown.is_empty() {
            engine.handle_read(&key, 3, now)?;
        }
        engine.handle_timeout(now);
        while let Some(output) = engine.poll_output() {
            let requests = match &output {
                Output::Notify(notify) => services.notify(notify, now)?,
                Output::Clear(clear) => services.clear(clear, now)?,
                _ => continue,
            };
            println!(
                "{output:?}\n  {} and {}",
                requests[0].host().unwrap_or("?"),
                requests[1].host().unwrap_or("?")
            );
            if let Output::Notify(notify) = output {
                // Both were accepted (`classify` says so).
                engine.handle_response(&notify.key, notify.generation, now);
            }
            shown.push(requests);
        }
    }
    assert_eq!(shown.len(), 2, "one notification, one clear");
    Ok(())
}
