//! Jobs to requests, one leg for each job, in batches of 64: the person's record, texts, resume token and all.
//!
//! The floor of Web Push is the bare encryption of the same payloads to the same subscriptions (key agreements in the same
//! batches, RFC 8291, RFC 8188), without any request: what nobody can do without. For APNs and FCM the peers are the bar of
//! 300,000 requests a second, as a time. Nearly all of what the writer adds is content, so that has rows of its own.

use std::hint::black_box;
use std::sync::Arc;

use reveille_apns::{ProviderKey, TokenSettings, TokenSource};
use reveille_content::{ContentSettings, Slip, Templates};
use reveille_conversation::content::Texts;
use reveille_conversation::event::Role;
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::rules::Channels;
use reveille_conversation::text::Text;
use reveille_conversation::{Arguments, Generation, Intent, Kind};
use reveille_core::{Jitter, UnixTime};
use reveille_crypto::CryptoProvider;
use reveille_crypto_lanes::Lanes;
use reveille_crypto_ring::PROVIDER;
use reveille_delivery::{Device, JobId, LegId};
use reveille_fcm::{Grant, Project};
use reveille_gateway::{Content, Job, Seed, Target};
use reveille_registry::{DeviceKey, Event, Memory, Platform, Purpose, Registration, RegistryPolicy, Token};
use reveille_resume::{CompactKey, Issuer, KeyId, KeyRing, TokenSecret};
use reveille_webpush::encryption::seal_with;
use reveille_webpush::{ApplicationServer, Message, Subscription, VapidKey, VapidKeys, VapidSettings};
use reveille_writer::{App, Leg, Person, TokensForKind, Writer, Written};

use crate::areas::webpush::ours::{AUTH, ENDPOINT, VAPID_PRIVATE};
use crate::measure::{Contestant, Measured};
use crate::report::Report;

static LANES: Lanes = Lanes::over(PROVIDER);
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const APP: &str = "com.example.app";
pub(super) const BATCH: usize = 64;
const SEED: Seed = Seed::new([7; 16]);
const P8: &str = "-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n\
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n\
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n\
-----END PRIVATE KEY-----";

pub fn compare(report: &mut Report) {
    for (name, role) in [("with a resume token", Role::Visitor), ("without", Role::Primary)] {
        let world = World::new(PROVIDER, role);
        world.web_push(report, &format!("writer: Web Push on ring, {name}"));
        if LANES.has_vectors() {
            let world = World::new(LANES.provider(), role);
            world.web_push(report, &format!("writer: Web Push on ring+lanes, {name}"));
        } else {
            report.note("SKIPPED: ring+lanes, because this processor has no AVX-512 IFMA");
        }
        world.plain(report, &format!("writer: APNs, {name}"), &world.apple);
        world.plain(report, &format!("writer: FCM, {name}"), &world.google);
        if role == Role::Primary {
            world.texts(report);
        }
    }
}

pub(super) struct World {
    crypto: CryptoProvider,
    pub(super) writer: Writer,
    subscriptions: Vec<String>,
    web: Vec<(Job, Person)>,
    apple: Vec<(Job, Person)>,
    google: Vec<(Job, Person)>,
    bare: Vec<(Message, Subscription)>,
}

impl World {
    pub(super) fn new(crypto: CryptoProvider, role: Role) -> Self {
        let key = VapidKey::from_text(VAPID_PRIVATE, PROVIDER).expect("a key");
        let settings = VapidSettings::new("mailto:ops@example.com".parse().expect("a contact"));
        let server = ApplicationServer::new(crypto, VapidKeys::new(key), settings);
        let key = ProviderKey::from_p8(
            P8,
            "DEF123GHIJ".parse().expect("a team"),
            "ABC123DEFG".parse().expect("a key id"),
            PROVIDER,
        );
        let tokens = TokenSource::new(key.expect("a key"), TokenSettings::default());
        let given =
            reveille_fcm::Token::new("ya29.a0AfB_byC-example-of-usual-length-which-is-about-two-hundred")
                .expect("a token");
        let access = reveille_fcm::TokenSource::new(
            Grant::given(given),
            reveille_fcm::TokenSettings::default(),
            Jitter::new(1),
        );
        let app = App::new(APP)
            .with_web_push(server.into())
            .with_apns(APP.parse().expect("a bundle id"), tokens.into())
            .with_fcm(Project::new("project-1").expect("a project"), access.into());
        let secret = TokenSecret::from_bytes(&[7; 32]).expect("a secret");
        let keys = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &secret).expect("a key"));
        let writer = Writer::new(SEED, templates())
            .with_resume(TokensForKind::new(keys, Issuer::new(PROVIDER)))
            .with_app(app);
        let subscriptions = Vec::new();
        let mut world =
            Self { crypto, writer, subscriptions, web: vec![], apple: vec![], google: vec![], bare: vec![] };
        for at in 0..BATCH {
            world.person(at, role);
        }
        world
    }

    /// The browser's JSON.
    pub(super) fn subscription(&self, at: usize) -> &str {
        &self.subscriptions[at]
    }

    /// Who has a browser.
    pub(super) fn person_of(&self, id: &str) -> &Person {
        let number = id.rsplit('-').next().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        &self.web[number.expect("one of ours")].1
    }

    fn person(&mut self, at: usize, role: Role) {
        let key = PROVIDER.p256.generate().expect("a key");
        let public = key.public_key().expect("a generated key has it").to_string();
        let json = format!(
            r#"{{"endpoint":"{ENDPOINT}","expirationTime":null,"keys":{{"p256dh":"{public}","auth":"{AUTH}"}}}}"#
        );
        let subscription = Subscription::from_json(&json).expect("a subscription");
        self.subscriptions.push(json.clone());
        let hex = format!("{:064x}", (at as u128 + 1) * 0x9E37_79B9_7F4A_7C15);
        let fcm = format!("d{hex}:APA91b{hex}{hex}");
        let content = Arc::new(content(at, role));
        let (web, apple, google) = (
            self.leg(at, "web", Platform::Web, Token::new(Purpose::WebPush, json), &content),
            self.leg(at, "ios", Platform::Ios, Token::new(Purpose::ApnsAlert, hex), &content),
            self.leg(at, "android", Platform::Android, Token::new(Purpose::FcmToken, fcm), &content),
        );
        self.bare.push((message(&web.0, role), subscription));
        self.web.push(web);
        self.apple.push(apple);
        self.google.push(google);
    }

    fn leg(
        &self,
        at: usize,
        device: &str,
        platform: Platform,
        token: Token,
        content: &Arc<Content>,
    ) -> (Job, Person) {
        let key = DeviceKey::new(APP, format!("{device}-{at}"));
        let registration = Registration::new(key.clone(), person_id(at), platform, [token]).into();
        let mut memory = Memory::default();
        memory.apply(
            &key,
            &Event::Register { registration },
            &RegistryPolicy::default(),
            UnixTime::from_secs(1),
        );
        let person = Person::new(memory.of_owner(&person_id(at)).cloned().collect::<Vec<_>>());
        let id = self.writer.device_id(&person.devices()[0]).expect("a name");
        let target = Target::Device(Device::new(id, 1));
        let job = JobId::from_bits(at as u128);
        (Job::new(job, LegId::of(job, id), target, Arc::clone(content), NOW), person)
    }

    fn web_push(&self, report: &mut Report, name: &str) {
        let legs = legs(&self.web);
        check(&self.writer.write(&legs, NOW));
        report.row(
            name,
            Contestant::batch("ours", BATCH as u32, || self.writer.write(&legs, NOW)),
            vec![],
            Some(Contestant::batch("bare encryption", BATCH as u32, || self.encrypt())),
        );
    }

    fn encrypt(&self) -> Vec<Vec<u8>> {
        let peers: Vec<_> = self.bare.iter().map(|(_, subscription)| subscription.ua_public()).collect();
        let mut agreements = Vec::with_capacity(peers.len());
        self.crypto.p256.agree_ephemeral_many(&peers, &mut agreements).expect("agreements");
        let pairs = self.bare.iter().zip(agreements);
        pairs
            .map(|((message, subscription), agreement)| {
                seal_with(self.crypto, black_box(subscription), agreement, message).expect("a body")
            })
            .collect()
    }

    fn plain(&self, report: &mut Report, name: &str, of: &[(Job, Person)]) {
        let legs = legs(of);
        check(&self.writer.write(&legs, NOW));
        let mut contestants = [Contestant::batch("ours", BATCH as u32, || self.writer.write(&legs, NOW))];
        let measured = crate::measure::race(&mut contestants);
        let bar = Measured::elsewhere(1e9 / 300_000.0);
        report.add(name, &[("ours", measured[0]), ("300,000 requests a second", bar)], false);
    }
}

impl World {
    /// What of it is `reveille-content`'s: the same messages, written and cut to fit, without any request.
    fn texts(&self, report: &mut Report) {
        let (templates, slip) = (templates(), Slip::new(NOW));
        let intents: Vec<&Intent> = self.web.iter().filter_map(|(job, _)| intent(job)).collect();
        let each = |write: &dyn Fn(&Intent)| intents.iter().for_each(|intent| write(intent));
        let (batch, none) = (BATCH as u32, Vec::new);
        let web = || each(&|intent| drop(black_box(templates.web_push(intent, &slip, NOW))));
        report.row("of which content: Web Push", Contestant::batch("ours", batch, web), none(), None);
        let apns = || each(&|intent| drop(black_box(templates.apns_prepared(intent, &slip, NOW))));
        report.row("of which content: APNs", Contestant::batch("ours", batch, apns), none(), None);
        let fcm = || each(&|intent| drop(black_box(templates.fcm_prepared(intent, &slip, NOW))));
        report.row("of which content: FCM", Contestant::batch("ours", batch, fcm), none(), None);
    }
}

fn intent(job: &Job) -> Option<&Intent> {
    if let Content::Show { intent, .. } = &*job.content { Some(intent) } else { None }
}

fn legs(of: &[(Job, Person)]) -> Vec<Leg<'_>> {
    of.iter().map(|(job, person)| Leg { job, person }).collect()
}

fn check(written: &[Written]) {
    assert!(written.iter().all(|written| matches!(written, Written::Ready(_))), "{:?}", written.first());
}

/// What the writer writes for this leg: the same bytes, but for the resume token, which is as long.
fn message(job: &Job, role: Role) -> Message {
    let intent = intent(job).expect("it shows something");
    let mut slip = Slip::new(NOW);
    if role == Role::Visitor {
        slip = slip.with_resume_token("x".repeat(92));
    }
    templates().web_push(intent, &slip, NOW).expect("a message").push
}

fn templates() -> Templates {
    let texts = Texts::english().expect("texts");
    Templates::new("https://shop.example", texts, ContentSettings::default()).expect("templates")
}

pub(super) fn person_id(at: usize) -> String {
    format!("0e7a8a3c-17f4-4a2c-9a0e-{at:012x}")
}

fn content(at: usize, role: Role) -> Content {
    let recipient = PersonId::new(&person_id(at)).expect("an id");
    let conversation = ConversationId::new(&format!("5f1e7b6c-2f7c-4b9e-a0c5-{at:012x}")).expect("an id");
    let kind = Kind::NewMessage;
    let seed = reveille_conversation::Seed::new([7; 16]);
    let intent = Intent {
        collapse: seed.collapse_key(&recipient, &conversation, kind.slot()),
        conversation,
        recipient,
        role,
        kind,
        media: None,
        urgency: kind.urgency(),
        generation: Generation::from_bits(NOW.as_millis()),
        episode: None,
        not_after: NOW + std::time::Duration::from_secs(3_600),
        channels: Channels::ALL,
        except: Vec::new(),
        arguments: Arguments {
            from: Some(Text::new("Agent Smith")),
            snippet: Some(Text::new("Your order is on its way, is there anything else I can do for you?")),
            unread: 1,
            ..Arguments::default()
        },
    };
    Content::Show { intent: Box::new(intent), messages: 1, senders: 1, announcement: None }
}
