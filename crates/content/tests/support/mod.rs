//! Three services, a browser, and subjects of every kind.

use reveille_apns::{App, DeviceToken, Prepared, ProviderKey, Push, Token, TokenSettings, TokenSource};
use reveille_conversation::event::Role;
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::lookup::Takes;
use reveille_conversation::rules::{CancelForm, Channels};
use reveille_conversation::text::Text;
use reveille_conversation::*;
use reveille_core::UnixTime;
use reveille_crypto::EcPrivateKey;
use reveille_crypto_ring::PROVIDER;
use reveille_fcm::{Project, RegistrationToken, Target};
use reveille_payload::SizeLimit;
use reveille_testkit::apns::{ApnsService, TrustedKey};
use reveille_testkit::fcm::{Device, FcmService};
use reveille_testkit::webpush::PushService;
use reveille_webpush::target::PublicHttps;
use reveille_webpush::{
    ApplicationServer, Endpoint, Message, Subscription, UserAgent, UserAgentKeys, VapidKey, VapidKeys,
    VapidSettings,
};
use serde_json::Value;

pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// RFC 7515 Appendix A.3: the key, in the form of a `.p8` file.
const P8: &str = "-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n\
H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n\
7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n\
-----END PRIVATE KEY-----";

pub(crate) struct World {
    apns: ApnsService,
    app: App,
    bearer: Token,
    fcm: FcmService,
    web: PushService,
    server: ApplicationServer,
    browser: UserAgent,
    subscription: Subscription,
    endpoint: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let key = PROVIDER.es256.load(&EcPrivateKey::parse(P8).unwrap()).unwrap();
        let mut apns = ApnsService::new(PROVIDER);
        apns.trust(TrustedKey::new("DEF123GHIJ", "ABC123DEFG", *key.public_key()));
        let provider_key =
            ProviderKey::from_p8(P8, "DEF123GHIJ".parse().unwrap(), "ABC123DEFG".parse().unwrap(), PROVIDER);
        let source = TokenSource::new(provider_key.unwrap(), TokenSettings::default());
        let mut fcm = FcmService::new("project-1");
        fcm.allow("access", NOW + std::time::Duration::from_secs(3_600));
        fcm.device("phone", Device::Registered);
        let vapid = VapidKey::new(&PROVIDER.p256.generate().unwrap(), PROVIDER).unwrap();
        let mut web = PushService::new("https://push.example:8443", reveille_crypto_rustcrypto::PROVIDER);
        let endpoint = web.subscribe(Some(*vapid.public_key()));
        let keys = UserAgentKeys::generate(PROVIDER).unwrap();
        let browser = UserAgent::new(&keys, reveille_crypto_rustcrypto::PROVIDER).unwrap();
        let subscription = browser.subscription(Endpoint::new(&endpoint, &PublicHttps).unwrap());
        let settings = VapidSettings::new("mailto:ops@example.com".parse().unwrap());
        Self {
            apns,
            app: App::production("com.example.app".parse().unwrap()),
            bearer: source.token(NOW).unwrap(),
            fcm,
            web,
            subscription: subscription.with_vapid_key(vapid.id()),
            server: ApplicationServer::new(PROVIDER, VapidKeys::new(vapid), settings),
            browser,
            endpoint,
        }
    }

    /// Sent and accepted: its payload.
    pub(crate) fn apns(&mut self, push: &impl Push) -> Value {
        let device: DeviceToken = "00fc13adff785122b4ad28809a342098".parse().unwrap();
        let prepared = Prepared::new(push, SizeLimit::Own).unwrap();
        let request = prepared.request(&self.app, &device, &self.bearer).unwrap();
        let response = self.apns.handle(&request, NOW);
        assert_eq!(response.status(), 200, "{:?} {:?}", response.body(), request.body());
        serde_json::from_slice(request.body()).unwrap()
    }

    pub(crate) fn fcm(&mut self, message: &reveille_fcm::Message) -> Value {
        let target = Target::from(RegistrationToken::new("phone").unwrap());
        let token = reveille_fcm::Token::new("access").unwrap();
        let request = message.request(&Project::new("project-1").unwrap(), &target, &token).unwrap();
        let response = self.fcm.handle(&request, NOW);
        assert_eq!(response.status(), 200, "{:?} {:?}", response.body(), request.body());
        serde_json::from_slice::<Value>(request.body()).unwrap()["message"].take()
    }

    pub(crate) fn web_push(&mut self, message: &Message) -> Value {
        let request = self.server.request(message, &self.subscription, NOW).unwrap();
        let response = self.web.handle(&request, NOW);
        assert_eq!(response.status(), 201, "{:?}", response.body());
        // A TTL of 0 is delivered at once or never: the twin's user agent is connected.
        let body = request.body().clone();
        let _ = self.web.take(&self.endpoint, NOW);
        serde_json::from_slice(&self.browser.open(&body).unwrap()).unwrap()
    }
}

pub(crate) fn intent(kind: Kind, role: Role) -> Intent {
    let (conversation, recipient): (ConversationId, PersonId) =
        ("c/1".parse().unwrap(), "kate".parse().unwrap());
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
        not_after: NOW + std::time::Duration::from_secs(30),
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

#[allow(dead_code, reason = "not every test takes something back")]
pub(crate) fn withdraw(of: Kind, how: Takes, cause: Cause, form: CancelForm) -> Withdraw {
    let ring = intent(of, Role::Primary);
    Withdraw {
        conversation: ring.conversation,
        recipient: ring.recipient,
        of,
        how,
        cause,
        collapse: ring.collapse,
        generation: Generation::from_bits(NOW.as_millis() + 1),
        episode: ring.episode,
        answered_by: (how == Takes::Cancel).then(|| "paul".parse().unwrap()),
        except: None,
        only: None,
        channels: Channels::of(&[Channel::Mobile, Channel::Webhook, Channel::WebPush]),
        forms: Forms { apns: form, fcm: form, web_push: form },
        not_after: ring.not_after,
    }
}
