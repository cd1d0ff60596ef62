//! From settings to what writes and what carries.

use std::sync::Arc;

use reveille_apns as apns;
use reveille_content::{ContentSettings, Templates};
use reveille_conversation::content::Texts;
use reveille_core::Jitter;
use reveille_crypto::CryptoProvider;
use reveille_crypto_lanes::Lanes;
use reveille_crypto_ring::PROVIDER;
use reveille_fcm as fcm;
use reveille_fcm::{Grant, Project};
use reveille_resume::{CompactKey, Issuer, KeyId, KeyRing, TokenSecret};
use reveille_webpush::{ApplicationServer, VapidKey, VapidKeys, VapidSettings};
use reveille_writer::{App, TokensForKind, Writer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::keys::Keys;
use crate::provider_tokens::Sources;
use crate::settings::{ApnsSettings, AppSettings, FcmSettings, InvalidSettings, Settings, read};
use crate::twins::{self, Twins};
use crate::wire::AllowedOrigins;

/// The app of the demonstration.
pub const LOCAL_APP: &str = "com.example.app";

/// What sends: the writer with all apps, and the key that browsers subscribe to.
pub struct Senders {
    /// Who writes requests.
    pub writer: Writer,
    /// The application server of all apps.
    pub server: Arc<ApplicationServer>,
    /// The keys at Apple.
    pub apple: Sources,
    /// Which origins push services may have.
    pub allowed: AllowedOrigins,
    /// Certificates that are trusted besides.
    pub certificates: Vec<CertificateDer<'static>>,
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
pub fn senders(settings: &Settings, keys: &Keys, local: Option<&Twins>) -> Result<Senders, InvalidSettings> {
    let mut origins: Vec<String> = settings.allowed_origins.clone();
    let mut certificates = Vec::new();
    if let Some(path) = &settings.certificates {
        let text = read(path)?;
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            certificates.push(certificate.map_err(|error| wrong(&path.display().to_string(), error))?);
        }
    }
    if let Some(local) = local {
        origins.extend(local.origins.clone());
        certificates.push(local.certificate().map_err(|error| wrong("the local services", error))?);
    }
    let allowed = AllowedOrigins::new(origins.iter().map(String::as_str));
    let allowed = allowed.map_err(|error| wrong("allowed_origins", error))?;
    let vapid = VapidKey::new(&keys.vapid, crypto()).map_err(|error| wrong("the VAPID key", error))?;
    let contact = settings.contact.parse().map_err(|error| wrong("contact", error))?;
    let server = ApplicationServer::new(crypto(), VapidKeys::new(vapid), VapidSettings::new(contact));
    let server = Arc::new(server);
    let texts = Texts::english().map_err(|error| wrong("the texts", error))?;
    let templates = Templates::new(&settings.link, texts, ContentSettings::default());
    let templates = templates.map_err(|error| wrong("link", error))?;
    let secret =
        TokenSecret::from_bytes(keys.resume.expose()).map_err(|error| wrong("the resume key", error))?;
    let key = CompactKey::new(PROVIDER, &secret).map_err(|error| wrong("the resume key", error))?;
    let tokens = TokensForKind::new(KeyRing::new(KeyId(1), key), Issuer::new(PROVIDER));
    let mut writer = Writer::new(keys.seed, templates).with_resume(tokens).with_endpoints(allowed.clone());
    let mut apple = Sources::new();
    for app in &settings.apps {
        writer = writer.with_app(of_settings(app, &server, &mut apple)?);
    }
    if let Some(local) = local {
        writer = writer.with_app(of_twins(local, &server, &mut apple)?);
    }
    Ok(Senders { writer, server, apple, allowed, certificates })
}

fn of_settings(
    settings: &AppSettings,
    server: &Arc<ApplicationServer>,
    apple: &mut Sources,
) -> Result<App, InvalidSettings> {
    let mut app = App::new(settings.id.clone());
    if settings.web_push {
        app = app.with_web_push(Arc::clone(server));
    }
    if let Some(apns) = &settings.apns {
        app = with_apple(app, apns, &read(&apns.key_file)?, &format!("apps.{}.apns", settings.id), apple)?;
    }
    match &settings.fcm {
        Some(google) => with_google(app, google, &format!("apps.{}.fcm", settings.id)),
        None => Ok(app),
    }
}

fn with_apple(
    app: App,
    settings: &ApnsSettings,
    p8: &str,
    path: &str,
    apple: &mut Sources,
) -> Result<App, InvalidSettings> {
    let key_id = settings.key_id.parse().map_err(|error| wrong(&format!("{path}.key_id"), error))?;
    let team = settings.team.parse().map_err(|error| wrong(&format!("{path}.team"), error))?;
    let key = apns::ProviderKey::from_p8(p8, team, key_id, PROVIDER);
    let key = key.map_err(|error| wrong(&format!("{path}.key_file"), error))?;
    // Apps that share a key share its token, or Apple sees one after the other.
    let known = apple.iter().find(|(id, _)| *id == settings.key_id).map(|(_, source)| Arc::clone(source));
    let tokens = known.unwrap_or_else(|| {
        let source = Arc::new(apns::TokenSource::new(key, apns::TokenSettings::default()));
        apple.push((settings.key_id.clone(), Arc::clone(&source)));
        source
    });
    let bundle: apns::BundleId =
        settings.bundle.parse().map_err(|error| wrong(&format!("{path}.bundle"), error))?;
    let Some(origin) = &settings.origin else { return Ok(app.with_apns(bundle, tokens)) };
    let at = |endpoints: apns::Endpoints| {
        let endpoints =
            endpoints.with_device(origin).map_err(|error| wrong(&format!("{path}.origin"), error))?;
        Ok(apns::App::new(bundle.clone(), endpoints))
    };
    let (production, sandbox) = (at(apns::Endpoints::production())?, at(apns::Endpoints::sandbox())?);
    Ok(app.with_apns_at(production, sandbox, tokens))
}

fn with_google(app: App, settings: &FcmSettings, path: &str) -> Result<App, InvalidSettings> {
    let account = match &settings.service_account {
        Some(file) => {
            let account = fcm::credential::ServiceAccount::from_json(read(file)?.as_bytes());
            Some(account.map_err(|error| wrong(&file.display().to_string(), error))?)
        }
        None => None,
    };
    let grant = match (&account, &settings.metadata) {
        (Some(account), None) => Grant::service_account(account, PROVIDER)
            .map_err(|error| wrong(&format!("{path}.service_account"), error))?,
        (None, Some(origin)) if origin == "http://metadata.google.internal" => Grant::metadata_server(),
        (None, Some(origin)) => {
            Grant::metadata_server_at(origin).map_err(|error| wrong(&format!("{path}.metadata"), error))?
        }
        _ => return Err(wrong(path, "give one of service_account and metadata")),
    };
    let project = settings.project.as_deref().or(account.as_ref().map(|account| account.project_id()));
    let project = project.ok_or_else(|| wrong(&format!("{path}.project"), "is missing"))?;
    let origin = settings.origin.as_deref().unwrap_or(Project::ORIGIN);
    let project = Project::at(origin, project).map_err(|error| wrong(&format!("{path}.project"), error))?;
    let mut seed = [0; 8];
    PROVIDER.random.fill(&mut seed).map_err(|error| wrong("random bytes", error))?;
    let jitter = Jitter::new(u64::from_le_bytes(seed));
    let tokens = fcm::TokenSource::new(grant, fcm::TokenSettings::default(), jitter);
    Ok(app.with_fcm(project, Arc::new(tokens)))
}

fn of_twins(
    local: &Twins,
    server: &Arc<ApplicationServer>,
    sources: &mut Sources,
) -> Result<App, InvalidSettings> {
    let [_, apple, google] = local.origins.clone();
    let (bundle, key_id, team) = (LOCAL_APP.to_owned(), twins::KEY_ID.to_owned(), twins::TEAM.to_owned());
    let apple = ApnsSettings { bundle, key_file: "".into(), key_id, team, origin: Some(apple) };
    let project = Some(twins::PROJECT.to_owned());
    let google =
        FcmSettings { project, service_account: None, metadata: Some(google.clone()), origin: Some(google) };
    let app = App::new(LOCAL_APP).with_web_push(Arc::clone(server));
    let app = with_apple(app, &apple, local.p8(), "the local APNs", sources)?;
    with_google(app, &google, "the local FCM")
}

fn wrong(path: &str, problem: impl std::fmt::Display) -> InvalidSettings {
    InvalidSettings::Content { path: path.to_owned(), problem: problem.to_string() }
}
