//! The three push services, made up, in this process; and what a person's devices tell the server.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use reveille_core::UnixTime;
use reveille_crypto::CryptoError;
use reveille_crypto_ring::PROVIDER;
use reveille_registry::{DeviceKey, Event, Platform, Purpose, Registration, Token};
use reveille_testkit::apns::{ApnsService, TrustedKey};
use reveille_testkit::fcm::{Device, FcmService};
use reveille_testkit::rfc8291;
use reveille_testkit::webpush::PushService;

/// Three services that know one another's credentials: what your HTTP client reaches in production.
pub struct Twins {
    web: PushService,
    apple: ApnsService,
    google: FcmService,
    /// What Apple gives you: a key, of the team [`TEAM`](Self::TEAM), with the id [`KEY`](Self::KEY).
    pub p8: String,
    /// What a page sends when somebody subscribes there.
    pub browser: String,
}

impl Twins {
    /// Apple's id of you.
    pub const TEAM: &str = "DEF123GHIJ";
    /// Apple's id of the key.
    pub const KEY: &str = "ABC123DEFG";
    /// The private VAPID key that the browser subscribed to.
    pub const VAPID: &str = rfc8291::VAPID_PRIVATE;
    /// An access token of the project `project-1`.
    pub const ACCESS: &str = "ya29.access";
    /// What an app on an iPhone reports.
    pub const IPHONE: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";
    /// What an app on Android reports.
    pub const ANDROID: &str = "android-1";

    /// All of them, with a subscription and a key.
    pub fn new(now: UnixTime) -> Result<Self, CryptoError> {
        let private = PROVIDER.p256.generate()?;
        let public = *PROVIDER.es256.load(&private).map_err(|_| CryptoError)?.public_key();
        let mut apple = ApnsService::new(PROVIDER);
        apple.trust(TrustedKey::new(Self::TEAM, Self::KEY, public));
        let p8 = private.with_public_key(public).to_pkcs8_pem().ok_or(CryptoError)?.expose().clone();
        let mut google = FcmService::new("project-1");
        google.allow(Self::ACCESS, now + Duration::from_secs(3_600));
        google.device(Self::ANDROID, Device::Registered);
        let mut web = PushService::new("https://push.example.net", PROVIDER);
        let browser = rfc8291::SUBSCRIPTION.replace(rfc8291::ENDPOINT, &web.subscribe(None));
        Ok(Self { web, apple, google, p8, browser })
    }

    /// One device of each kind, as the page and the apps report them.
    pub fn devices(&self, app: &str, owner: &str) -> [(DeviceKey, Event); 3] {
        [
            (Platform::Web, Token::new(Purpose::WebPush, self.browser.clone())),
            (Platform::Ios, Token::new(Purpose::ApnsAlert, Self::IPHONE)),
            (Platform::Android, Token::new(Purpose::FcmToken, Self::ANDROID)),
        ]
        .map(|(platform, token)| {
            let key = DeviceKey::new(app, format!("{platform:?}"));
            let registration = Registration::new(key.clone(), owner, platform, [token]).into();
            (key, Event::Register { registration })
        })
    }

    /// What an HTTP client does.
    pub fn send(&mut self, request: &Request<Bytes>, now: UnixTime) -> Response<Bytes> {
        match request.uri().host() {
            Some("api.push.apple.com") => self.apple.handle(request, now),
            Some("fcm.googleapis.com") => self.google.handle(request, now),
            _ => self.web.handle(request, now),
        }
    }
}
