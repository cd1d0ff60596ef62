//! The writer, and how it is set up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reveille_content::Templates;
use reveille_conversation::event::Role;
use reveille_conversation::rules::Rules;
use reveille_core::siphash::Sip13;
use reveille_delivery::DeviceId;
use reveille_gateway::Seed;
use reveille_registry as registry;
use reveille_webpush::target::{EndpointPolicy, PublicHttps};
use {reveille_apns as apns, reveille_fcm as fcm, reveille_webpush as webpush};

use crate::metrics::Counting;
use crate::{App, Invisible, Languages, ResumeTokens};

/// Picks devices, writes requests, reads answers. One for a process, shared by its threads; all methods take `&self`.
///
/// It keeps nothing between two calls but credentials, which renew themselves, and how many pushes that show nothing each browser
/// has had ([`Invisible`], which several may share). So jobs may go to any of several writers.
/// The README shows the loop.
///
/// `Debug` names apps and languages, and nothing of a credential.
pub struct Writer {
    pub(crate) seed: Seed,
    /// Keys the names of lanes.
    lanes: u64,
    pub(crate) apps: BTreeMap<String, Known>,
    pub(crate) web_push: Vec<Arc<webpush::ApplicationServer>>,
    pub(crate) apns: Vec<Arc<apns::TokenSource>>,
    pub(crate) fcm: Vec<Arc<fcm::TokenSource>>,
    pub(crate) texts: Languages,
    /// Apps that get nothing new.
    pub(crate) killed: Vec<String>,
    pub(crate) invisible_a_day: u32,
    pub(crate) invisible: Arc<Invisible>,
    pub(crate) resume: Option<Box<dyn ResumeTokens>>,
    pub(crate) resume_for: Vec<Role>,
    pub(crate) endpoints: Box<dyn EndpointPolicy>,
    pub(crate) pending: Duration,
    pub(crate) counting: Counting,
}

/// An app, and the places of its credentials.
pub(crate) struct Known {
    pub(crate) app: App,
    pub(crate) web_push: u16,
    pub(crate) apns: u16,
    pub(crate) fcm: u16,
}

impl Writer {
    /// A writer that can send nothing yet. The seed is the gateway's: devices are named with it. The texts are those for
    /// devices of apps that have none of their own: [`Templates`] of one language, or [`Languages`].
    #[must_use]
    pub fn new(seed: Seed, texts: impl Into<Languages>) -> Self {
        // A name that no device has: names of devices have a slash.
        let lanes = reveille_conversation::id::DeviceId::new("lanes")
            .map_or(0, |name| seed.device(&name).to_bits() as u64);
        Self {
            seed,
            lanes,
            apps: BTreeMap::new(),
            web_push: Vec::new(),
            apns: Vec::new(),
            fcm: Vec::new(),
            texts: texts.into(),
            killed: Vec::new(),
            invisible_a_day: Rules::default().channels().invisible_web_pushes_per_day(),
            invisible: Arc::default(),
            resume: None,
            resume_for: vec![Role::Visitor],
            endpoints: Box::new(PublicHttps),
            pending: Duration::from_millis(500),
            counting: Counting::default(),
        }
    }

    /// With an app; one of the same name is replaced.
    #[must_use]
    pub fn with_app(mut self, app: App) -> Self {
        let web_push = app.web_push.as_ref().map_or(0, |server| place(&mut self.web_push, server));
        let apns = app.apns.as_ref().map_or(0, |apple| place(&mut self.apns, &apple.tokens));
        let fcm = app.fcm.as_ref().map_or(0, |(_, tokens)| place(&mut self.fcm, tokens));
        self.apps.insert(app.id.clone(), Known { app, web_push, apns, fcm });
        self
    }

    /// With the switches and numbers of the gateway's rules that hold for single devices: apps that the kill switch stops
    /// (E1), and invisible pushes to one browser and day (E5). Those of the default rules, if not set.
    #[must_use]
    pub fn with_rules(self, rules: &Rules) -> Self {
        let killed = rules.kill().apps().iter().map(|app| app.as_str().to_owned()).collect();
        Self { killed, invisible_a_day: rules.channels().invisible_web_pushes_per_day(), ..self }
    }

    /// With counts of invisible pushes that go on: give a writer that replaces another one
    /// [its predecessor's](Self::invisible).
    #[must_use]
    pub fn with_invisible(self, invisible: Arc<Invisible>) -> Self {
        Self { invisible, ..self }
    }

    /// The counts of invisible pushes, for the writer that replaces this one.
    #[must_use]
    pub fn invisible(&self) -> Arc<Invisible> {
        Arc::clone(&self.invisible)
    }

    /// With resume tokens in what visitors get, or see [`with_resume_for`](Self::with_resume_for).
    #[must_use]
    pub fn with_resume(self, tokens: impl ResumeTokens + 'static) -> Self {
        Self { resume: Some(Box::new(tokens)), ..self }
    }

    /// Who gets resume tokens: visitors, if not set. Agents log in.
    #[must_use]
    pub fn with_resume_for(self, roles: impl Into<Vec<Role>>) -> Self {
        Self { resume_for: roles.into(), ..self }
    }

    /// Which endpoints of Web Push are acceptable: public ones, if not set.
    #[must_use]
    pub fn with_endpoints(self, policy: impl EndpointPolicy + 'static) -> Self {
        Self { endpoints: Box::new(policy), ..self }
    }

    /// How long a leg waits for a token that is on its way: 500 ms if not set. It costs no attempt.
    #[must_use]
    pub fn with_pending(self, pending: Duration) -> Self {
        Self { pending, ..self }
    }

    /// What the gateway calls a device; `None` if its name is too long or not fit for a log.
    #[must_use]
    pub fn device_id(&self, record: &registry::Device) -> Option<DeviceId> {
        self.seed.device_of(&record.key.app, &record.key.device)
    }

    pub(crate) fn app(&self, id: &str) -> Option<&App> {
        self.apps.get(id).map(|known| &known.app)
    }

    /// The texts of an app for a locale.
    pub(crate) fn templates<'a>(&'a self, app: &'a App, locale: Option<&str>) -> &'a Templates {
        app.texts.as_deref().unwrap_or(&self.texts).of(locale)
    }

    /// A name for what is paced together. Keyed, because endpoints choose the host: nobody shall find two that share one.
    pub(crate) fn lane_hash(&self, what: impl std::hash::Hash) -> u64 {
        use std::hash::Hasher as _;
        let mut hash = Sip13::new(self.lanes, u64::from_le_bytes(*b"lanes\0\0\0"));
        what.hash(&mut hash);
        hash.finish()
    }
}

/// Its place in the list; the same source has one place.
fn place<T>(list: &mut Vec<Arc<T>>, source: &Arc<T>) -> u16 {
    let at = list.iter().position(|known| Arc::ptr_eq(known, source)).unwrap_or_else(|| {
        list.push(Arc::clone(source));
        list.len() - 1
    });
    u16::try_from(at).unwrap_or(u16::MAX)
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("apps", &self.apps.values().map(|known| &known.app).collect::<Vec<_>>())
            .field("languages", &self.texts.tags().collect::<Vec<_>>())
            .field("resume", &self.resume.is_some())
            .finish_non_exhaustive()
    }
}

/// What threads share must be shareable, whatever a dependency changes.
const _: fn() = || {
    const fn shared<T: Send + Sync>() {}
    shared::<Writer>();
    shared::<crate::Sent>();
    shared::<crate::Written>();
};
