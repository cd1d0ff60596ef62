//! What the rules say, written for a service: this crate. Keys and seals: the crate `webpush`.

use std::collections::BTreeMap;

use reveille_content::{ContentSettings, InvalidContent, Slip, Templates};
use reveille_conversation::content::Texts;
use reveille_conversation::event::Role;
use reveille_conversation::text::Text;
use reveille_conversation::{Intent, Kind};
use reveille_crypto_ring::PROVIDER;
use reveille_crypto_rustcrypto::PROVIDER as OTHER;
use reveille_payload::SizeLimit;
use reveille_webpush::credential::VapidHeader;
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{
    ApplicationServer, Endpoint, InnerSecret, Subscription, UserAgent, UserAgentKeys, VapidKey, VapidKeys,
    VapidSettings,
};
use serde_json::Value;

use super::Words;
use crate::support::{World, intent};

pub(crate) struct Writing {
    limit: usize,
    world: Option<World>,
    server: Option<ApplicationServer>,
    keys: BTreeMap<String, VapidKey>,
    subscriptions: BTreeMap<String, Subscription>,
    secrets: BTreeMap<String, InnerSecret>,
    sealed: Vec<u8>,
}

impl Writing {
    pub(crate) const fn new() -> Self {
        Self {
            limit: 2_048,
            world: None,
            server: None,
            keys: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            secrets: BTreeMap::new(),
            sealed: Vec::new(),
        }
    }

    pub(crate) fn step(&mut self, words: &Words<'_>) -> Option<Vec<String>> {
        Some(match words.verb() {
            "limit" => {
                self.limit = words.word(0).parse().unwrap();
                Vec::new()
            }
            "write" => self.write(words),
            "vapid_key" | "subscribe" | "signs" | "forget_key" => self.vapid(words),
            "shares_secret" | "seal" | "open" => self.seal(words),
            _ => return None,
        })
    }

    /// An intent of the rules, by one service, as it arrives.
    fn write(&mut self, words: &Words<'_>) -> Vec<String> {
        let settings = ContentSettings::default().with_limit(SizeLimit::Bytes(self.limit));
        let templates = Templates::new("https://shop.example", Texts::english().unwrap(), settings).unwrap();
        let kind = *Kind::ALL.iter().find(|kind| kind.as_str() == words.word(1)).unwrap();
        let role = if words.has("visitor") { Role::Visitor } else { Role::Primary };
        let mut about: Intent = intent(kind, role);
        about.conversation = words.get("conversation").unwrap_or("c1").parse().unwrap();
        if let Some(times) = words.get("snippet_times") {
            about.arguments.snippet = Some(Text::new(&"👩‍👩‍👧 hello ".repeat(times.parse().unwrap())));
        }
        let mut slip = Slip::new(words.now);
        if let Some(token) = words.get("token") {
            slip = slip.with_resume_token(token);
        }
        let world = self.world.get_or_insert_with(World::new);
        let written: Result<(Value, Vec<String>), InvalidContent> = match words.word(0) {
            "apns" => templates
                .apns(&about, &slip, words.now)
                .map(|written| (world.apns(&written.push), cuts(&written.cuts))),
            "fcm" => templates
                .fcm(&about, &slip, words.now)
                .map(|written| (world.fcm(&written.push), cuts(&written.cuts))),
            _ => templates
                .web_push(&about, &slip, words.now)
                .map(|written| (world.web_push(&written.push), cuts(&written.cuts))),
        };
        let (json, cuts) = match written {
            Ok(written) => written,
            Err(InvalidContent::TooLarge(_)) => return vec!["too_large".to_owned()],
            Err(other) => return vec![format!("{other}").replace(' ', "_")],
        };
        let data = match words.word(0) {
            "apns" => &json,
            "fcm" => &json["data"],
            _ => &json["notification"]["data"],
        };
        let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
        let link =
            if words.word(0) == "web_push" { &json["notification"]["navigate"] } else { &data["link"] };
        let whole = !json.to_string().contains('\u{fffd}');
        vec![format!(
            "{} {kind} conversation={} link={} token={} fits={} whole={whole} cuts={}",
            words.word(0),
            text(&data["conversationId"]),
            text(link),
            text(&data["resumeToken"]),
            // FCM counts parts of a message only, and refuses what is too large itself.
            words.word(0) == "fcm" || json.to_string().len() <= self.limit,
            if cuts.is_empty() { "none".to_owned() } else { cuts.join(",") },
        )]
    }

    fn vapid(&mut self, words: &Words<'_>) -> Vec<String> {
        let name = words.word(0);
        match words.verb() {
            "vapid_key" => {
                let key = VapidKey::new(&PROVIDER.p256.generate().unwrap(), PROVIDER).unwrap();
                self.keys.insert(name.to_owned(), key.clone());
                let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
                match &self.server {
                    Some(server) => server.rotate(key),
                    None => {
                        self.server = Some(ApplicationServer::new(PROVIDER, VapidKeys::new(key), settings));
                    }
                }
                Vec::new()
            }
            "subscribe" => {
                let browser = UserAgent::new(&UserAgentKeys::generate(PROVIDER).unwrap(), OTHER).unwrap();
                let endpoint = Endpoint::new(&format!("https://push.example/{name}"), &PublicHttps).unwrap();
                let key = self.server.as_ref().unwrap().keys().current().id();
                self.subscriptions
                    .insert(name.to_owned(), browser.subscription(endpoint).with_vapid_key(key));
                Vec::new()
            }
            "forget_key" => {
                vec![format!("forgotten={}", self.server.as_ref().unwrap().forget(self.keys[name].id()))]
            }
            _ => {
                let server = self.server.as_ref().unwrap();
                let Ok(token) = server.token(&self.subscriptions[name], words.now) else {
                    return vec!["subscription_must_be_renewed".to_owned()];
                };
                let header = token.authorization().to_str().unwrap().to_owned();
                let signed = *VapidHeader::new(&header).unwrap().key();
                let by = self.keys.iter().find(|(_, key)| *key.public_key() == signed);
                vec![format!("signed_by {}", by.unwrap().0)]
            }
        }
    }

    fn seal(&mut self, words: &Words<'_>) -> Vec<String> {
        let name = words.word(0);
        match words.verb() {
            "shares_secret" => {
                self.secrets.insert(name.to_owned(), InnerSecret::generate(PROVIDER).unwrap());
                Vec::new()
            }
            "seal" => {
                self.sealed = self.secrets[name].seal(words.word(1).as_bytes(), PROVIDER).unwrap();
                let hidden = !self.sealed.windows(5).any(|part| words.word(1).as_bytes().starts_with(part));
                vec![format!("sealed hidden={hidden}")]
            }
            // What the worker does then (a default text, another registration) is in `js/inner-seal.js`.
            _ => match self.secrets[name].open(&self.sealed, PROVIDER) {
                Ok(text) => vec![format!("opened \"{}\"", String::from_utf8(text).unwrap())],
                Err(_) => vec!["cannot_be_opened".to_owned()],
            },
        }
    }
}

fn cuts(cuts: &[reveille_payload::Cut]) -> Vec<String> {
    cuts.iter().map(|cut| cut.name.replace(' ', "")).collect()
}
