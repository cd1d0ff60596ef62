//! What survives a restart: the VAPID key and the subscriptions, in a folder only the owner can read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use reveille_core::{Suspicion, UnixTime};
use reveille_crypto::EcPrivateKey;
use reveille_crypto_ring::PROVIDER;
use reveille_webpush::Subscription;
use reveille_webpush::endpoint::EndpointPolicy;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One device of a user.
pub struct Device {
    pub user: String,
    pub subscription: Subscription,
    pub registered: UnixTime,
    pub suspicion: Suspicion,
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
    subscription: Value,
}

pub struct Store {
    folder: PathBuf,
}

impl Store {
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder).map_err(|error| named(folder, error))?;
        #[cfg(unix)]
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .map_err(|error| named(folder, error))?;
        Ok(Self { folder: folder.to_owned() })
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

    /// The devices. A line that cannot be used is reported and left out, the others are kept.
    pub fn devices(&self, policy: &dyn EndpointPolicy) -> io::Result<Devices> {
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
                Err(problem) => eprintln!("gateway: {}, line {}: {problem}", path.display(), number + 1),
            }
        }
        Ok(devices)
    }

    /// Writes all devices; on an error the file is as it was.
    pub fn save(&self, devices: &Devices) -> io::Result<()> {
        let mut text = Vec::new();
        for device in devices.values() {
            let line = Line {
                user: device.user.clone(),
                registered: device.registered,
                suspicion: device.suspicion,
                subscription: serde_json::to_value(&device.subscription)?,
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
            let mut file = File::create(&beside)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&beside, &path)
        };
        write().map_err(|error| named(&path, error))
    }
}

fn read_line(line: &str, policy: &dyn EndpointPolicy) -> Result<Device, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let subscription = Subscription::from_json_with(&line.subscription.to_string(), policy);
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
