//! What an app sends with, in one form for files, the API and the store; and what may be shown of it.

use std::sync::Arc;

use reveille_apns as apns;
use reveille_core::Jitter;
use reveille_crypto_ring::PROVIDER;
use reveille_fcm as fcm;
use reveille_fcm::{Grant, Project};
use reveille_writer::{App, Languages};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Workshop;
use super::brand::Brand;
use crate::settings::{AppSettings, InvalidSettings, read, wrong};

/// The address of the metadata server inside Google Cloud.
const METADATA: &str = "http://metadata.google.internal";

/// An app's credentials, as they are given. There is no `Debug`, since half of it is secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppCredentials {
    /// Whether browsers subscribe to the service's VAPID key.
    #[serde(default = "super::yes")]
    pub web_push: bool,
    /// Apple.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apns: Option<AppleCredentials>,
    /// Google.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fcm: Option<GoogleCredentials>,
    /// How it speaks, and what it is told, beside others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
}

/// What Apple gives out.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppleCredentials {
    /// The app's bundle id.
    pub bundle: String,
    /// The key's name, ten characters.
    pub key_id: String,
    /// The team's, ten characters.
    pub team: String,
    /// The text of the `.p8` file.
    pub key: String,
    /// Another host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// What Google gives out: a service account, or the address of a metadata server.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoogleCredentials {
    /// The project; that of the service account, if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The JSON file of a service account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<Value>,
    /// The origin of a metadata server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Another host for the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// Credentials that were read: what sends, and what a test of them needs.
#[derive(Clone)]
pub struct Read {
    /// For the writer.
    pub app: App,
    /// Apple's host, and the tokens for it.
    pub(super) apple: Option<(apns::App, Arc<apns::TokenSource>)>,
    /// Google's project, and the tokens for it.
    pub(super) google: Option<(Project, Arc<fcm::TokenSource>)>,
    /// Its own texts, if it has any.
    pub(super) texts: Option<Arc<Languages>>,
}

impl AppCredentials {
    /// Reads the files that settings name.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the setting or the file.
    pub fn of_settings(settings: &AppSettings) -> Result<Self, InvalidSettings> {
        let apns = match &settings.apns {
            None => None,
            Some(apple) => Some(AppleCredentials {
                bundle: apple.bundle.clone(),
                key_id: apple.key_id.clone(),
                team: apple.team.clone(),
                key: read(&apple.key_file)?,
                origin: apple.origin.clone(),
            }),
        };
        let fcm = match &settings.fcm {
            None => None,
            Some(google) => Some(GoogleCredentials {
                project: google.project.clone(),
                service_account: match &google.service_account {
                    None => None,
                    Some(file) => {
                        let json = serde_json::from_str(&read(file)?);
                        Some(json.map_err(|_| wrong(file.display().to_string(), "is not JSON"))?)
                    }
                },
                metadata: google.metadata.clone(),
                origin: google.origin.clone(),
            }),
        };
        Ok(Self { web_push: settings.web_push, apns, fcm, brand: settings.brand.clone() })
    }

    /// Checks everything that can be checked without asking anybody.
    ///
    /// # Errors
    /// [`InvalidSettings::Content`] names the field.
    pub fn read(&self, id: &str, workshop: &Workshop) -> Result<Read, InvalidSettings> {
        let mut read = Read { app: App::new(id), apple: None, google: None, texts: None };
        if let Some(brand) = &self.brand {
            let in_brand = |error: InvalidSettings| error.within("brand");
            let texts = Arc::new(brand.over(&workshop.brand).languages().map_err(in_brand)?);
            read.app = read.app.with_texts(Arc::clone(&texts));
            read.texts = Some(texts);
            if let Some(rules) = brand.app_rules(&workshop.rules).map_err(in_brand)? {
                read.app = read.app.with_rules(rules);
            }
        }
        if self.web_push {
            read.app = read.app.with_web_push(Arc::clone(&workshop.server));
        }
        if let Some(apple) = &self.apns {
            let (production, sandbox, tokens) = apple.read(workshop)?;
            read.app = read.app.with_apns_at(production.clone(), sandbox, Arc::clone(&tokens));
            read.apple = Some((production, tokens));
        }
        if let Some(google) = &self.fcm {
            let (project, tokens) = google.read()?;
            read.app = read.app.with_fcm(project.clone(), Arc::clone(&tokens));
            read.google = Some((project, tokens));
        }
        Ok(read)
    }

    /// What may be shown: enough to tell two apart, not enough for anything else.
    pub fn masked(&self, id: &str) -> Value {
        let apns = self.apns.as_ref().map(
            |apple| json!({"bundle": apple.bundle, "key_id": few(&apple.key_id), "team": few(&apple.team)}),
        );
        let fcm = self.fcm.as_ref().map(|google| {
            let account = google.account().ok().flatten();
            json!({
                "project": google.project.as_deref().map(few),
                "service_account": account.map(|account| account.masked()),
                "metadata": google.metadata.is_some(),
            })
        });
        json!({"app": id, "web_push": self.web_push, "apns": apns, "fcm": fcm, "brand": self.brand})
    }

    /// What is strange and not wrong (D5): project and address of the service account do not belong together.
    pub fn warnings(&self) -> Vec<&'static str> {
        let account = self.fcm.as_ref().and_then(|google| google.account().ok().flatten());
        match account {
            Some(account) if account.is_of_another_project() => {
                vec!["fcm: the service account's address names another project than its project_id"]
            }
            _ => Vec::new(),
        }
    }
}

impl AppleCredentials {
    #[allow(clippy::type_complexity, reason = "it is read at one place")]
    fn read(
        &self,
        workshop: &Workshop,
    ) -> Result<(apns::App, apns::App, Arc<apns::TokenSource>), InvalidSettings> {
        let key_id = self.key_id.parse().map_err(|error| wrong("apns.key_id", error))?;
        let team = self.team.parse().map_err(|error| wrong("apns.team", error))?;
        let key = apns::ProviderKey::from_p8(&self.key, team, key_id, PROVIDER);
        let key = key.map_err(|error| wrong("apns.key", error))?;
        // Apps that share a key share its token, or Apple sees one after the other.
        let tokens = workshop.apple_tokens(key);
        let bundle: apns::BundleId = self.bundle.parse().map_err(|error| wrong("apns.bundle", error))?;
        let Some(origin) = &self.origin else {
            return Ok((apns::App::production(bundle.clone()), apns::App::sandbox(bundle), tokens));
        };
        let at = |endpoints: apns::Endpoints| {
            let endpoints = endpoints.with_device(origin).map_err(|error| wrong("apns.origin", error))?;
            Ok(apns::App::new(bundle.clone(), endpoints))
        };
        Ok((at(apns::Endpoints::production())?, at(apns::Endpoints::sandbox())?, tokens))
    }
}

impl GoogleCredentials {
    fn account(&self) -> Result<Option<fcm::credential::ServiceAccount>, InvalidSettings> {
        let Some(value) = &self.service_account else { return Ok(None) };
        let account = fcm::credential::ServiceAccount::from_json(value.to_string().as_bytes());
        account.map(Some).map_err(|error| wrong("fcm.service_account", error))
    }

    fn read(&self) -> Result<(Project, Arc<fcm::TokenSource>), InvalidSettings> {
        let account = self.account()?;
        let grant = match (&account, &self.metadata) {
            (Some(account), None) => Grant::service_account(account, PROVIDER)
                .map_err(|error| wrong("fcm.service_account", error))?,
            (None, Some(origin)) if origin == METADATA => Grant::metadata_server(),
            (None, Some(origin)) => {
                Grant::metadata_server_at(origin).map_err(|error| wrong("fcm.metadata", error))?
            }
            _ => return Err(wrong("fcm", "give one of service_account and metadata")),
        };
        let project = self.project.as_deref().or(account.as_ref().map(|account| account.project_id()));
        let project = project.ok_or_else(|| wrong("fcm.project", "is missing"))?;
        let origin = self.origin.as_deref().unwrap_or(Project::ORIGIN);
        let project = Project::at(origin, project).map_err(|error| wrong("fcm.project", error))?;
        let mut seed = [0; 8];
        PROVIDER.random.fill(&mut seed).map_err(|error| wrong("random bytes", error))?;
        let jitter = Jitter::new(u64::from_le_bytes(seed));
        let tokens = fcm::TokenSource::new(grant, fcm::TokenSettings::default(), jitter);
        Ok((project, Arc::new(tokens)))
    }
}

/// The start of a text.
fn few(text: &str) -> String {
    let start: String = text.chars().take((text.chars().count() / 3).min(4)).collect();
    format!("{start}…")
}
