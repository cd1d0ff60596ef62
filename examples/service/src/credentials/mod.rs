//! What the service sends with: from settings, from the API, or local services while there is neither.

mod app;
mod book;
mod brand;
mod probe;

use std::sync::{Arc, PoisonError};

use reveille_apns as apns;
use reveille_conversation::rules::Rules;
use reveille_core::Secret;
use reveille_crypto::CryptoProvider;
use reveille_crypto_lanes::Lanes;
use reveille_crypto_ring::PROVIDER;
use reveille_gateway::Seed;
use reveille_resume::{CompactKey, Issuer, KeyId, KeyRing, TokenSecret};
use reveille_webpush::{ApplicationServer, VapidKey, VapidKeys, VapidSettings};
use reveille_writer::{App, Invisible, TokensForKind, Writer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::keys::Keys;
use crate::provider_tokens::Shared;
use crate::settings::{InvalidSettings, Settings, read, wrong};
use crate::twins::{self, Twins};
use crate::wire::AllowedOrigins;

pub use app::{AppCredentials, AppleCredentials, GoogleCredentials};
pub use book::{Book, BookFailure, are_stored};
pub(crate) use brand::Brands;
pub use brand::{Android, Brand};
pub use probe::Tested;

/// The app of the demonstration.
pub const LOCAL_APP: &str = "com.example.app";

/// What is needed to send, whatever the credentials of the apps are.
pub struct Senders {
    /// Makes writers.
    pub workshop: Workshop,
    /// The apps of the settings, or of the local services.
    pub apps: Vec<(String, AppCredentials)>,
    /// Which origins push services may have.
    pub allowed: AllowedOrigins,
    /// Certificates that are trusted besides.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// Makes writers: another one whenever credentials change.
pub struct Workshop {
    /// The application server of all apps.
    pub server: Arc<ApplicationServer>,
    seed: Seed,
    /// The service's own.
    brand: Brand,
    rules: Rules,
    pub(crate) brands: Brands,
    invisible: Arc<Invisible>,
    resume: Secret<[u8; 32]>,
    allowed: AllowedOrigins,
    apple: Shared,
}

/// Web Push is encrypted in batches, and eight key agreements at a time where the processor can.
fn crypto() -> CryptoProvider {
    static LANES: Lanes = Lanes::over(PROVIDER);
    LANES.provider()
}

/// Makes senders of what is set; with local services, if nothing is.
///
/// # Errors
/// [`InvalidSettings`] names the setting or the file.
pub fn senders(
    settings: &Settings,
    rules: &Rules,
    keys: &Keys,
    local: Option<&Twins>,
) -> Result<Senders, InvalidSettings> {
    let mut origins: Vec<String> = settings.allowed_origins.clone();
    let mut certificates = Vec::new();
    if let Some(path) = &settings.certificates {
        let text = read(path)?;
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            certificates.push(certificate.map_err(|error| wrong(path.display().to_string(), error))?);
        }
    }
    let mut apps = Vec::new();
    for app in &settings.apps {
        apps.push((app.id.clone(), AppCredentials::of_settings(app)?));
    }
    if let Some(local) = local {
        origins.extend(local.origins.clone());
        certificates.push(local.certificate().map_err(|error| wrong("the local services", error))?);
        apps.push((LOCAL_APP.to_owned(), of_twins(local)));
    }
    let allowed = AllowedOrigins::new(origins.iter().map(String::as_str));
    let allowed = allowed.map_err(|error| wrong("allowed_origins", error))?;
    let vapid = VapidKey::new(&keys.vapid, crypto()).map_err(|error| wrong("the VAPID key", error))?;
    let contact = settings.contact.parse().map_err(|error| wrong("contact", error))?;
    let server = ApplicationServer::new(crypto(), VapidKeys::new(vapid), VapidSettings::new(contact));
    let brand = of_the_service(settings)?;
    let workshop = Workshop {
        server: Arc::new(server),
        seed: keys.seed,
        brands: Brands::new(brand.languages().map_err(|error| match error {
            InvalidSettings::Content { ref path, .. } if path == "link" => error,
            other => other.within("brand"),
        })?),
        brand,
        rules: rules.clone(),
        invisible: Arc::default(),
        resume: Secret::new(*keys.resume.expose()),
        allowed: allowed.clone(),
        apple: Shared::default(),
    };
    Ok(Senders { workshop, apps, allowed, certificates })
}

/// How the service itself speaks. Its link and its rules have settings of their own.
fn of_the_service(settings: &Settings) -> Result<Brand, InvalidSettings> {
    if settings.brand.link.is_some() {
        return Err(wrong("brand.link", "the link of the service is the setting link"));
    }
    if settings.brand.rules.is_some() {
        return Err(wrong("brand.rules", "the rules of the service stand in the file that rules names"));
    }
    Ok(Brand { link: Some(settings.link.clone()), ..settings.brand.clone() })
}

impl Workshop {
    /// A writer for these apps. The order of apps that stay should stay, because answers that are under way name
    /// credentials by their place.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the setting.
    pub fn writer(&self, apps: impl Iterator<Item = App>) -> Result<Writer, InvalidSettings> {
        let tokens = TokensForKind::new(self.resume_keys()?, Issuer::new(PROVIDER));
        let writer = Writer::new(self.seed, self.brand.languages()?)
            .with_rules(&self.rules)
            .with_invisible(Arc::clone(&self.invisible))
            .with_resume(tokens)
            .with_endpoints(self.allowed.clone());
        Ok(apps.fold(writer, Writer::with_app))
    }

    /// The source of a key at Apple: the same for the same key. One that nobody uses any more is forgotten.
    fn apple_tokens(&self, key: apns::ProviderKey) -> Arc<apns::TokenSource> {
        let public = key.public_key().to_string();
        let name = format!("{}.{}.{}", key.team(), key.key_id(), public.get(..16).unwrap_or_default());
        let mut all = self.apple.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, source)| *known == name || Arc::strong_count(source) > 1);
        if let Some((_, source)) = all.iter().find(|(known, _)| *known == name) {
            return Arc::clone(source);
        }
        let source = Arc::new(apns::TokenSource::new(key, apns::TokenSettings::default()));
        all.push((name, Arc::clone(&source)));
        source
    }

    /// The keys that sign resume tokens, for whoever verifies them.
    ///
    /// # Errors
    /// [`InvalidSettings`] if the key cannot be used.
    pub fn resume_keys(&self) -> Result<KeyRing<CompactKey>, InvalidSettings> {
        let secret = TokenSecret::from_bytes(self.resume.expose());
        let secret = secret.map_err(|error| wrong("the resume key", error))?;
        let key = CompactKey::new(PROVIDER, &secret).map_err(|error| wrong("the resume key", error))?;
        Ok(KeyRing::new(KeyId(1), key))
    }
}

fn of_twins(local: &Twins) -> AppCredentials {
    let [_, apple, google] = local.origins.clone();
    let apns = AppleCredentials {
        bundle: LOCAL_APP.to_owned(),
        key_id: twins::KEY_ID.to_owned(),
        team: twins::TEAM.to_owned(),
        key: local.p8().to_owned(),
        origin: Some(apple),
    };
    let fcm = GoogleCredentials {
        project: Some(twins::PROJECT.to_owned()),
        service_account: None,
        metadata: Some(google.clone()),
        origin: Some(google),
    };
    AppCredentials { web_push: true, apns: Some(apns), fcm: Some(fcm), brand: None }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_says_is_wrong_where_it_was_said() {
        let keys = std::env::temp_dir().join(format!("reveille-of-the-service-{}.toml", std::process::id()));
        let opened = Keys::open(&keys).unwrap();
        let said = |text: &str| {
            let settings = Settings::from_toml(text, "a.toml").unwrap();
            senders(&settings, &Rules::default(), &opened, None).err().unwrap().to_string()
        };
        let wrong = [
            said("link = \"nowhere\""),
            said("[brand]\nlink = \"https://a.example\""),
            said("[brand.rules.kill]\nall = true"),
            said("[brand.texts.de]\n\"incoming_cal.title\" = \"Anruf\""),
        ];
        let expected = [
            "link: origin: expected an absolute https URL without query and fragment, found another text",
            "brand.link: the link of the service is the setting link",
            "brand.rules: the rules of the service stand in the file that rules names",
            "brand.texts.de.\"incoming_cal.title\": there is no such text",
        ];
        assert_eq!(wrong, expected);
        std::fs::remove_file(keys).unwrap();
    }
}
