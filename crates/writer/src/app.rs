//! An app and what it sends with.

use std::fmt;
use std::sync::Arc;

use reveille_apns as apns;
use reveille_apns::BundleId;
use reveille_conversation::rules::AppRules;
use reveille_fcm as fcm;
use reveille_fcm::Project;
use reveille_registry::Environment;
use reveille_webpush::ApplicationServer;

use crate::Languages;

/// An app (a bundle id, a package name, an origin: what [`DeviceKey::app`](reveille_registry::DeviceKey) says) and its
/// credentials: give it to [`Writer::with_app`](crate::Writer::with_app). Apps may share credentials: give each the same `Arc`, and there is one token for all.
///
/// `Debug` names the services that it can send through, and nothing of a credential.
#[derive(Clone)]
pub struct App {
    pub(crate) id: String,
    pub(crate) web_push: Option<Arc<ApplicationServer>>,
    pub(crate) apns: Option<Apple>,
    pub(crate) fcm: Option<(Project, Arc<fcm::TokenSource>)>,
    pub(crate) texts: Option<Arc<Languages>>,
    pub(crate) rules: Option<AppRules>,
}

#[derive(Clone)]
pub(crate) struct Apple {
    pub(crate) production: apns::App,
    pub(crate) sandbox: apns::App,
    pub(crate) tokens: Arc<apns::TokenSource>,
}

impl App {
    /// Makes an app that cannot send anything yet; give it the credentials of the services that it uses.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), web_push: None, apns: None, fcm: None, texts: None, rules: None }
    }

    /// With the application server of its Web Push subscriptions; it finds the VAPID key of each by the id that the
    /// subscription is bound to.
    #[must_use]
    pub fn with_web_push(self, server: Arc<ApplicationServer>) -> Self {
        Self { web_push: Some(server), ..self }
    }

    /// With the bundle id that `apns-topic` is made of, and the team's tokens.
    #[must_use]
    pub fn with_apns(self, bundle: BundleId, tokens: Arc<apns::TokenSource>) -> Self {
        let (production, sandbox) = (apns::App::production(bundle.clone()), apns::App::sandbox(bundle));
        self.with_apns_at(production, sandbox, tokens)
    }

    /// The same with hosts of your own, such as a proxy.
    #[must_use]
    pub fn with_apns_at(
        self,
        production: apns::App,
        sandbox: apns::App,
        tokens: Arc<apns::TokenSource>,
    ) -> Self {
        Self { apns: Some(Apple { production, sandbox, tokens }), ..self }
    }

    /// With a Firebase project and its access tokens.
    #[must_use]
    pub fn with_fcm(self, project: Project, tokens: Arc<fcm::TokenSource>) -> Self {
        Self { fcm: Some((project, tokens)), ..self }
    }

    /// With texts, links and sounds of its own; the writer's, if not set.
    #[must_use]
    pub fn with_texts(self, texts: Arc<Languages>) -> Self {
        Self { texts: Some(texts), ..self }
    }

    /// With rules of its own: its devices get what these and the gateway's rules both allow. Their budget of invisible
    /// pushes and their forms of cancels are in force instead of the gateway's.
    #[must_use]
    pub fn with_rules(self, rules: AppRules) -> Self {
        Self { rules: Some(rules), ..self }
    }

    /// Returns its name, as records of devices have it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Apple {
    pub(crate) const fn at(&self, environment: Option<Environment>) -> &apns::App {
        match environment {
            Some(Environment::Sandbox) => &self.sandbox,
            _ => &self.production,
        }
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .field("web_push", &self.web_push.is_some())
            .field("apns", &self.apns.is_some())
            .field("fcm", &self.fcm.is_some())
            .field("texts", &self.texts.is_some())
            .field("rules", &self.rules.is_some())
            .finish()
    }
}
