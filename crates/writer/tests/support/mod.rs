//! Three services, people with devices, and jobs of every kind.

#![allow(dead_code, reason = "each test uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use reveille_apns::{ProviderKey, TokenSettings, TokenSource};
use reveille_content::{ContentSettings, Templates};
use reveille_conversation::content::Texts;
use reveille_conversation::event::Role;
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::lookup::Takes;
use reveille_conversation::rules::{CancelForm, Channels, Rules};
use reveille_conversation::text::Text;
use reveille_conversation::*;
use reveille_core::{Jitter, UnixTime};
use reveille_crypto::{CryptoProvider, EcPrivateKey};
use reveille_crypto_ring::PROVIDER;
use reveille_delivery::{JobId, LegId};
use reveille_fcm::{Grant, Project};
use reveille_gateway::{Content, Job, Recipient, Target};
use reveille_registry::{
    Device, DeviceKey, Event, Memory, Platform, Purpose, Registration, RegistryPolicy, Token,
};
use reveille_resume::{CompactKey, Issuer, KeyId, KeyRing, TokenSecret};
use reveille_testkit::apns::{AcceptedPush, ApnsService, TrustedKey};
use reveille_testkit::fcm::{self, FcmService};
use reveille_testkit::webpush::PushService;
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{
    ApplicationServer, Endpoint, StoredSubscription, UserAgent, UserAgentKeys, VapidKey, VapidKeys,
    VapidSettings,
};
use reveille_writer::credential::WriterOutput;
use reveille_writer::{App, Languages, Leg, Person, Ready, TokensForKind, Writer, Written};
use serde_json::Value;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
pub(crate) const SEED: reveille_gateway::Seed = reveille_gateway::Seed::new([7; 16]);
pub(crate) const APP: &str = "com.example.app";

/// RFC 7515 Appendix A.3: the key, in the form of a `.p8` file.
const P8: &str = "-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n\
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n\
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n\
-----END PRIVATE KEY-----";

pub(crate) struct World {
    pub(crate) writer: Writer,
    app: App,
    pub(crate) server: Arc<ApplicationServer>,
    pub(crate) apns: ApnsService,
    pub(crate) fcm: FcmService,
    pub(crate) web: PushService,
    browsers: BTreeMap<String, UserAgent>,
    devices: Memory,
    fetched: u32,
}

/// What a service took, opened.
#[derive(Debug)]
pub(crate) enum Arrived {
    Browser(Value),
    Apple(AcceptedPush),
    Google(Value),
}

pub(crate) fn provider_key() -> ProviderKey {
    ProviderKey::from_p8(P8, "DEF123GHIJ".parse().unwrap(), "ABC123DEFG".parse().unwrap(), PROVIDER).unwrap()
}

pub(crate) fn templates(language: &str) -> Templates {
    let texts = match language {
        "en" => Texts::english().unwrap(),
        _ => {
            Texts::new(language, [("incoming_call.title", "Anruf"), ("new_message.title", "Neue Nachricht")])
                .unwrap()
        }
    };
    Templates::new("https://shop.example", texts, ContentSettings::default()).unwrap()
}

pub(crate) fn application_server(crypto: CryptoProvider) -> Arc<ApplicationServer> {
    let vapid = VapidKey::new(&PROVIDER.p256.generate().unwrap(), PROVIDER).unwrap();
    let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
    Arc::new(ApplicationServer::new(crypto, VapidKeys::new(vapid), settings))
}

pub(crate) fn resume_keys() -> KeyRing<CompactKey> {
    let secret = TokenSecret::from_bytes(&[7; 32]).unwrap();
    KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &secret).unwrap())
}

fn writer() -> Writer {
    Writer::new(SEED, Languages::new(templates("en")).with(templates("de")))
        .with_resume(TokensForKind::new(resume_keys(), Issuer::new(PROVIDER)))
}

impl World {
    /// The same app as another brand, in a writer that follows other rules.
    pub(crate) fn rebrand(&mut self, brand: impl FnOnce(App) -> App, rules: &Rules) {
        self.writer = writer().with_rules(rules).with_app(brand(self.app.clone()));
    }

    pub(crate) fn new() -> Self {
        Self::with(PROVIDER, provider_key())
    }

    pub(crate) fn with(crypto: CryptoProvider, provider_key: ProviderKey) -> Self {
        let mut apns = ApnsService::new(PROVIDER);
        let key = PROVIDER.es256.load(&EcPrivateKey::parse(P8).unwrap()).unwrap();
        apns.trust(TrustedKey::new("DEF123GHIJ", "ABC123DEFG", *key.public_key()));
        let server = application_server(crypto);
        let tokens = Arc::new(TokenSource::new(provider_key, TokenSettings::default()));
        let access = reveille_fcm::TokenSource::new(
            Grant::metadata_server(),
            reveille_fcm::TokenSettings::default(),
            Jitter::new(1),
        );
        let app = App::new(APP)
            .with_web_push(Arc::clone(&server))
            .with_apns(APP.parse().unwrap(), tokens)
            .with_fcm(Project::new("project-1").unwrap(), Arc::new(access));
        Self {
            writer: writer().with_app(app.clone()),
            app,
            server,
            apns,
            fcm: FcmService::new("project-1"),
            web: PushService::new("https://push.example:8443", reveille_crypto_rustcrypto::PROVIDER),
            browsers: BTreeMap::new(),
            devices: Memory::default(),
            fetched: 0,
        }
    }

    // ---- devices

    pub(crate) fn register(&mut self, owner: &str, device: &str, platform: Platform, tokens: Vec<Token>) {
        let key = DeviceKey::new(APP, format!("{owner}/{device}"));
        let registration = Registration::new(key.clone(), owner, platform, tokens).into();
        self.devices.apply(
            &key,
            &Event::Register { registration },
            &RegistryPolicy::default(),
            UnixTime::from_secs(1_700_000_000),
        );
    }

    pub(crate) fn browser(&mut self, owner: &str, device: &str) {
        let key = self.server.keys().current().clone();
        let endpoint = self.web.subscribe(Some(*key.public_key()));
        let keys = UserAgentKeys::generate(PROVIDER).unwrap();
        let browser = UserAgent::new(&keys, reveille_crypto_rustcrypto::PROVIDER).unwrap();
        let subscription = browser.subscription(Endpoint::new(&endpoint, &PublicHttps).unwrap());
        let json = serde_json::to_string(&StoredSubscription::from(subscription)).unwrap();
        self.browsers.insert(endpoint, browser);
        let token = Token::new(Purpose::WebPush, json).with_vapid_key(key.id().to_string());
        self.register(owner, device, Platform::Web, vec![token]);
    }

    pub(crate) fn iphone(&mut self, owner: &str, device: &str) {
        // Hexadecimal, and one per owner.
        let text =
            |kind: &str| format!("00{}{kind}", owner.bytes().map(|b| format!("{b:02x}")).collect::<String>());
        let tokens =
            vec![Token::new(Purpose::ApnsAlert, text("aa")), Token::new(Purpose::ApnsVoip, text("bb"))];
        self.register(owner, device, Platform::Ios, tokens);
    }

    pub(crate) fn android(&mut self, owner: &str, device: &str) {
        let token = format!("fcm-{owner}-{device}");
        self.fcm.device(&token, fcm::Device::Registered);
        self.register(owner, device, Platform::Android, vec![Token::new(Purpose::FcmToken, token)]);
    }

    /// One of each.
    pub(crate) fn everything(&mut self, owner: &str) {
        self.browser(owner, "browser");
        self.iphone(owner, "iphone");
        self.android(owner, "android");
    }

    pub(crate) fn person(&self, owner: &str) -> Person {
        Person::new(self.devices.of_owner(owner).cloned().collect::<Vec<Device>>())
    }

    pub(crate) fn target(&self, person: &Person, device: &str) -> Target {
        let record = person
            .devices()
            .iter()
            .find(|record| record.key.device.ends_with(&format!("/{device}")))
            .unwrap();
        Target::Device(reveille_delivery::Device::new(
            self.writer.device_id(record).unwrap(),
            record.revision,
        ))
    }

    pub(crate) fn job(&self, person: &Person, device: &str, content: &Arc<Content>) -> Job {
        job_for(self.target(person, device), content)
    }

    // ---- the loop

    /// Does what the credentials ask for.
    pub(crate) fn drain(&mut self, now: UnixTime) {
        while let Some(output) = self.writer.poll_output() {
            if let WriterOutput::Fetch { credential, fetch, request } = output {
                assert_eq!(request.0.uri().host(), Some("metadata.google.internal"));
                self.fetched += 1;
                let token = format!("ya29.access-token-{}", self.fetched);
                self.fcm.allow(&token, now + Duration::from_secs(3_600));
                let body = format!(r#"{{"access_token":"{token}","expires_in":3599,"token_type":"Bearer"}}"#);
                self.writer.handle_fetched(credential, fetch, &Response::new(body), now);
            }
        }
    }

    pub(crate) fn fetched(&self) -> u32 {
        self.fetched
    }

    pub(crate) fn write(&mut self, legs: &[Leg<'_>], now: UnixTime) -> Vec<Written> {
        self.writer.warm(now);
        self.drain(now);
        self.writer.write(legs, now)
    }

    /// To the service that the request is addressed to.
    pub(crate) fn send(&mut self, request: &Request<Bytes>, now: UnixTime) -> Response<Bytes> {
        match request.uri().host().unwrap() {
            "push.example" => self.web.handle(request, now),
            "api.push.apple.com" => self.apns.handle(request, now),
            "fcm.googleapis.com" => self.fcm.handle(request, now),
            other => panic!("a request to {other}"),
        }
    }

    /// Sent, accepted, and opened by the device; what the writer makes of the answer is "accepted".
    pub(crate) fn arrive(&mut self, ready: &Ready, now: UnixTime) -> Arrived {
        let response = self.send(&ready.request, now);
        assert!(response.status().is_success(), "{} {:?}", response.status(), response.body());
        let answered = self.writer.read(&ready.sent, &response, now);
        assert_eq!(answered.outcome.verdict.name(), "accepted");
        assert_eq!(answered.effect.unwrap().effect, reveille_registry::Effect::Accepted);
        self.taken(ready, now)
    }

    /// What the service has taken, opened by the device.
    pub(crate) fn taken(&mut self, ready: &Ready, now: UnixTime) -> Arrived {
        let uri = ready.request.uri();
        match uri.host().unwrap() {
            "push.example" => {
                let endpoint = uri.to_string();
                let waiting = self.web.take(&endpoint, now);
                assert_eq!(waiting.len(), 1);
                let plain = self.browsers[&endpoint].open(&waiting[0].body).unwrap();
                Arrived::Browser(serde_json::from_slice(&plain).unwrap())
            }
            "api.push.apple.com" => Arrived::Apple(self.apns.take_pushes().pop().unwrap()),
            _ => Arrived::Google(self.fcm.take().pop().unwrap().message),
        }
    }
}

impl Arrived {
    /// The app's own keys.
    pub(crate) fn data(&self) -> Value {
        match self {
            Self::Browser(value) if value["web_push"] == 8030 => value["notification"]["data"].clone(),
            Self::Browser(value) | Self::Google(value) => value["data"].clone(),
            Self::Apple(push) => serde_json::from_slice(&push.payload).unwrap(),
        }
    }

    pub(crate) fn title(&self) -> String {
        let title = match self {
            Self::Browser(value) => value["notification"]["title"].clone(),
            Self::Google(value) => value["notification"]["title"].clone(),
            Self::Apple(push) => {
                let payload: Value = serde_json::from_slice(&push.payload).unwrap();
                payload["aps"]["alert"]["title"].clone()
            }
        };
        title.as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn ready(written: Written) -> Box<Ready> {
    match written {
        Written::Ready(ready) => ready,
        other => panic!("expected a request, found {other:?}"),
    }
}

// ---- what is told

pub(crate) fn job_for(target: Target, content: &Arc<Content>) -> Job {
    let job = JobId::from_bits(u128::from(content.takes_back()) + 10 + content.kind() as u128);
    Job::new(job, LegId::of(job, target.id()), target, Arc::clone(content), NOW)
}

pub(crate) fn recipient(content: &Content) -> Recipient {
    Recipient::new(JobId::from_bits(10), content, NOW + Duration::from_secs(3_600))
}

pub(crate) fn show(person: &str, kind: Kind, role: Role) -> Arc<Content> {
    let intent = Box::new(intent(person, kind, role));
    Arc::new(Content::Show { intent, messages: 1, senders: 1, announcement: None })
}

pub(crate) fn message(person: &str) -> Arc<Content> {
    show(person, Kind::NewMessage, Role::Visitor)
}

pub(crate) fn call(person: &str) -> Arc<Content> {
    show(person, Kind::IncomingCall, Role::Primary)
}

pub(crate) fn take_back(person: &str, of: Kind, how: Takes) -> Arc<Content> {
    Arc::new(Content::TakeBack(Box::new(withdraw(person, of, how))))
}

pub(crate) fn intent(person: &str, kind: Kind, role: Role) -> Intent {
    let (conversation, recipient): (ConversationId, PersonId) =
        ("c/1".parse().unwrap(), person.parse().unwrap());
    let rings = matches!(kind, Kind::IncomingCall | Kind::IncomingOffer | Kind::MissedCall);
    Intent {
        collapse: Seed::new([7; 16]).collapse_key(&recipient, &conversation, kind.slot()),
        conversation,
        recipient,
        role,
        kind,
        media: rings.then_some(if kind == Kind::IncomingOffer { Media::Chat } else { Media::Call }),
        urgency: kind.urgency(),
        generation: Generation::from_bits(NOW.as_millis()),
        episode: rings.then_some(Episode::from_bits(1)),
        not_after: NOW + Duration::from_secs(3_600),
        channels: Channels::ALL,
        except: Vec::new(),
        arguments: Arguments {
            from: Some(Text::new("Ann")),
            queue: Some(Text::new("Sales")),
            snippet: Some(Text::new("Are you still there?")),
            number: Some(Text::new("+49 221 1234")),
            unread: 1,
            minutes: Some(5),
            attempt: Some((1, 3)),
        },
    }
}

pub(crate) fn withdraw(person: &str, of: Kind, how: Takes) -> Withdraw {
    let ring = intent(person, of, Role::Primary);
    Withdraw {
        conversation: ring.conversation,
        recipient: ring.recipient,
        of,
        how,
        cause: if how == Takes::Cancel { Cause::AnsweredElsewhere } else { Cause::Read },
        collapse: ring.collapse,
        generation: Generation::from_bits(NOW.as_millis() + 1),
        episode: ring.episode,
        answered_by: (how == Takes::Cancel).then(|| "paul".parse().unwrap()),
        except: None,
        only: None,
        channels: Channels::of(&[Channel::Mobile, Channel::Webhook, Channel::WebPush]),
        forms: Forms {
            apns: CancelForm::Replacement,
            fcm: CancelForm::Data,
            web_push: CancelForm::Replacement,
        },
        not_after: ring.not_after,
    }
}
