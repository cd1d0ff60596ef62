//! What survives a restart: the VAPID key and the subscriptions, in files only the owner can read.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use reveille_core::{Secret, UnixTime};
use reveille_crypto::{EcPrivateKey, base64url};
use reveille_crypto_ring::PROVIDER;
use reveille_registry::suspicion::Suspicion;
use reveille_webpush::target::EndpointPolicy;
use reveille_webpush::{StoredSubscription, Subscription};
use serde::{Deserialize, Serialize};

/// One device of a user.
pub struct Device {
    pub user: String,
    pub subscription: Subscription,
    pub registered: UnixTime,
    pub suspicion: Suspicion,
}

impl Device {
    /// Whether nothing but the time of registration differs.
    pub fn is_same(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.subscription, &other.subscription);
        self.user == other.user
            && self.suspicion == other.suspicion
            && ours.endpoint() == theirs.endpoint()
            && ours.ua_public() == theirs.ua_public()
            && ours.expose_auth_secret() == theirs.expose_auth_secret()
            && ours.expiration() == theirs.expiration()
            && ours.vapid_key() == theirs.vapid_key()
    }
}

/// By endpoint: registering the same one again replaces it.
pub type Devices = BTreeMap<String, Device>;

/// A device as it is written. The subscription is checked again when it is read, under the policy of that run.
#[derive(Serialize, Deserialize)]
struct Line {
    user: String,
    registered: UnixTime,
    #[serde(default)]
    suspicion: Suspicion,
    subscription: StoredSubscription,
}

pub struct Store {
    folder: PathBuf,
    /// Held as long as the gateway runs: two would overwrite each other's devices.
    _lock: File,
    /// Lines that this run cannot use (another policy, a newer version); written back as they are.
    unused: Vec<String>,
}

impl Store {
    pub fn open(folder: &Path) -> io::Result<Self> {
        if !folder.exists() {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true);
            // Ours, so closed to others; a folder that was there keeps its owner's choice.
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder).map_err(|error| named(folder, error))?;
        }
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(|error| named(&path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: lock, unused: Vec::new() }),
            Err(TryLockError::WouldBlock) => {
                let busy = io::Error::other("another gateway uses this folder (--data names another one)");
                Err(named(folder, busy))
            }
            Err(TryLockError::Error(error)) => Err(named(&path, error)),
        }
    }

    /// The secret from which topics are derived; made the first time.
    pub fn topic_secret(&self) -> io::Result<Secret<Vec<u8>>> {
        let path = self.folder.join("topic.key");
        match fs::read_to_string(&path) {
            Ok(text) => match base64url::decode(text.trim()) {
                Ok(secret) if secret.len() == 32 => Ok(Secret::new(secret)),
                _ => Err(named(&path, io::Error::other("not 32 bytes of base64url"))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut secret = vec![0; 32];
                PROVIDER.random.fill(&mut secret).map_err(io::Error::other)?;
                self.replace("topic.key", base64url::encode(&secret).as_bytes())?;
                Ok(Secret::new(secret))
            }
            Err(error) => Err(named(&path, error)),
        }
    }

    /// The VAPID key; generated and kept the first time.
    pub fn vapid_key(&self) -> io::Result<EcPrivateKey> {
        let path = self.folder.join("vapid.pem");
        match fs::read_to_string(&path) {
            Ok(pem) => EcPrivateKey::parse(&pem).map_err(|error| named(&path, io::Error::other(error))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = PROVIDER.p256.generate().map_err(io::Error::other)?;
                let pem = key.to_pkcs8_pem().ok_or_else(|| io::Error::other("no public key"))?;
                self.replace("vapid.pem", pem.expose().as_bytes())?;
                Ok(key)
            }
            Err(error) => Err(named(&path, error)),
        }
    }

    /// The devices. A line that cannot be used is reported and kept for a run that can.
    pub fn devices(&mut self, policy: &dyn EndpointPolicy) -> io::Result<Devices> {
        let path = self.folder.join("devices.jsonl");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(named(&path, error)),
        };
        let mut devices = Devices::new();
        for (number, line) in text.lines().enumerate() {
            match read_line(line, policy) {
                Ok(device) => {
                    devices.insert(device.subscription.endpoint().as_str().to_owned(), device);
                }
                Err(problem) => {
                    eprintln!("gateway: {}, line {}: {problem}", path.display(), number + 1);
                    self.unused.push(line.to_owned());
                }
            }
        }
        Ok(devices)
    }

    /// Writes all devices; on an error the file is as it was.
    pub fn save(&self, devices: &Devices) -> io::Result<()> {
        let mut text = Vec::new();
        for line in &self.unused {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        for device in devices.values() {
            let line = Line {
                user: device.user.clone(),
                registered: device.registered,
                suspicion: device.suspicion,
                subscription: StoredSubscription::from(device.subscription.clone()),
            };
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        self.replace("devices.jsonl", &text)
    }

    /// Writes beside the file and renames, so that a crash or a full disk leaves the old one.
    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let (path, beside) = (self.folder.join(name), self.folder.join(format!("{name}.new")));
        let write = || {
            let mut options = File::options();
            options.write(true).create(true).truncate(true);
            // A private key, or endpoints, which are capabilities: nobody else's, whatever the folder says.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&beside)?;
            #[cfg(unix)]
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            // The new name must last, too; where folders cannot be opened as files, the system sees to it.
            #[cfg(unix)]
            File::open(&self.folder)?.sync_all()?;
            Ok(())
        };
        write().map_err(|error| named(&path, error))
    }
}

fn read_line(line: &str, policy: &dyn EndpointPolicy) -> Result<Device, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let subscription = line.subscription.admitted_by(policy);
    Ok(Device {
        user: line.user,
        subscription: subscription.map_err(|error| error.to_string())?,
        registered: line.registered,
        suspicion: line.suspicion,
    })
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
