//! A private key on P-256.

use std::fmt;

use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::asn1::ObjectIdentifier;
use pkcs8::der::{Decode, Encode as _};
use reveille_core::Secret;
use zeroize::Zeroizing;

use super::{EXPECTED_EC, InvalidKey, jwk, pem};
use crate::{P256PublicKey, base64url, with_wiped_stack};

/// id-ecPublicKey (RFC 5480 §2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// secp256r1 (RFC 5480 §2.1.1.1).
const P256_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// prime-field, in DER (SEC 1 §C.1): what explicit parameters of a curve like this one begin with.
const PRIME_FIELD: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x01, 0x01];

/// A P-256 private key as read from, or written to, one of the usual formats: the scalar, and the public key if the
/// format carried it. It is wiped when dropped and never printed.
///
/// Whether the scalar is in range, and the public key its own, is checked by the backend that loads it.
///
/// ```
/// use reveille_crypto::EcPrivateKey;
/// // The VAPID key in the raw form that most tools write.
/// let key = EcPrivateKey::parse("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")?;
/// assert_eq!(format!("{key:?}"), "EcPrivateKey { public_key: None, .. }");
/// # Ok::<(), reveille_crypto::key::InvalidKey>(())
/// ```
pub struct EcPrivateKey {
    /// On the heap, so that moving the key moves a pointer.
    scalar: Box<Zeroizing<[u8; 32]>>,
    public_key: Option<P256PublicKey>,
}

impl EcPrivateKey {
    /// From the 32 bytes of the scalar, big-endian.
    ///
    /// # Errors
    /// [`InvalidKey::Length`]. Shorter or longer keys, which some tools write, are refused rather than guessed at.
    pub fn from_bytes(scalar: &[u8]) -> Result<Self, InvalidKey> {
        let scalar: &[u8; 32] = scalar.try_into().map_err(|_| InvalidKey::Length { length: scalar.len() })?;
        Ok(Self { scalar: boxed(scalar), public_key: None })
    }

    /// From any of the text formats, told apart by how they begin: PEM (PKCS#8 or SEC1), JWK, or base64url (or
    /// base64) of the raw scalar or of DER.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        with_wiped_stack(|| Self::parse_any(text.trim()))
    }

    fn parse_any(text: &str) -> Result<Self, InvalidKey> {
        if text.contains("-----BEGIN") {
            return Self::from_pem(text);
        }
        if text.starts_with('{') {
            return Self::from_jwk(text);
        }
        let bytes = Secret::new(base64url::decode_lenient(text)?);
        match bytes.expose().as_slice() {
            // A scalar of 32 bytes may begin like DER; no DER key is as short.
            der @ [0x30, ..] if der.len() > 40 => Self::from_der(der),
            scalar => Self::from_bytes(scalar),
        }
    }

    /// From PEM: `PRIVATE KEY` (PKCS#8, also Apple's `.p8`) or `EC PRIVATE KEY` (SEC1).
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_pem(pem: &str) -> Result<Self, InvalidKey> {
        const LABELS: &str = "PRIVATE KEY or EC PRIVATE KEY";
        match pem::decode(pem, &["PRIVATE KEY", "EC PRIVATE KEY"], LABELS)? {
            ("EC PRIVATE KEY", der) => Self::from_sec1_der(der.expose()),
            (_, der) => Self::from_pkcs8_der(der.expose()),
        }
    }

    /// From DER, PKCS#8 or SEC1.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidKey> {
        if PrivateKeyInfoRef::from_der(der).is_ok() {
            return Self::from_pkcs8_der(der);
        }
        Self::from_sec1_der(der).map_err(|error| match error {
            InvalidKey::Der { .. } => InvalidKey::Der { expected: "PKCS#8 or SEC1" },
            other => other,
        })
    }

    /// From PKCS#8 DER (RFC 5958).
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, InvalidKey> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| InvalidKey::Der { expected: "PKCS#8" })?;
        let curve = info.algorithm.parameters_oid().ok();
        if info.algorithm.oid != EC_PUBLIC_KEY || curve != Some(P256_CURVE) {
            return Err(InvalidKey::Algorithm { expected: EXPECTED_EC });
        }
        Self::from_sec1_der(info.private_key.as_bytes())
    }

    /// From SEC1 DER (RFC 5915).
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_sec1_der(der: &[u8]) -> Result<Self, InvalidKey> {
        let key = sec1::EcPrivateKey::try_from(der).map_err(|_| {
            // Explicit parameters (SEC 1 §C.2) are a legal key, only not one that is read here.
            let explicit = der.windows(PRIME_FIELD.len()).any(|window| window == PRIME_FIELD);
            if explicit {
                InvalidKey::Algorithm { expected: EXPECTED_EC }
            } else {
                InvalidKey::Der { expected: "SEC1" }
            }
        })?;
        let curve = key.parameters.and_then(|parameters| parameters.named_curve());
        if curve.is_some_and(|curve| curve != P256_CURVE) {
            return Err(InvalidKey::Algorithm { expected: EXPECTED_EC });
        }
        let public_key = key.public_key.map(P256PublicKey::from_bytes).transpose()?;
        Ok(Self { public_key, ..Self::from_bytes(key.private_key)? })
    }

    /// From a JSON Web Key (RFC 7518 §6.2.2).
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_jwk(json: &str) -> Result<Self, InvalidKey> {
        let (scalar, public_key) = jwk::parse(json)?;
        Ok(Self { public_key, ..Self::from_bytes(scalar.expose())? })
    }

    /// The same key with its public key, which a backend checks when it loads it.
    #[must_use]
    pub fn with_public_key(self, public_key: P256PublicKey) -> Self {
        Self { public_key: Some(public_key), ..self }
    }

    /// The public key, if it is known.
    #[must_use]
    pub const fn public_key(&self) -> Option<&P256PublicKey> {
        self.public_key.as_ref()
    }

    /// Returns the private scalar, 32 bytes, big-endian; the long name is there to be found in a review.
    #[must_use]
    pub fn expose_scalar(&self) -> &[u8; 32] {
        &self.scalar
    }

    /// The raw form of most Web Push tools: base64url of the scalar.
    #[must_use]
    pub fn to_base64url(&self) -> Secret<String> {
        Secret::new(base64url::encode(self.expose_scalar()))
    }

    /// PKCS#8 DER with the public key inside (RFC 5958, RFC 5915); `None` while the public key is unknown.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> Option<Secret<Vec<u8>>> {
        let public_key = self.public_key.as_ref()?;
        let inner = sec1::EcPrivateKey {
            private_key: self.expose_scalar(),
            parameters: None,
            public_key: Some(public_key.as_bytes()),
        };
        let inner = Secret::new(inner.to_der().ok()?);
        let algorithm =
            pkcs8::AlgorithmIdentifierRef { oid: EC_PUBLIC_KEY, parameters: Some((&P256_CURVE).into()) };
        let inner = pkcs8::der::asn1::OctetStringRef::new(inner.expose()).ok()?;
        PrivateKeyInfoRef::new(algorithm, inner).to_der().ok().map(Secret::new)
    }

    /// PKCS#8 PEM (RFC 7468 §10); `None` while the public key is unknown.
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Option<Secret<String>> {
        use base64::Engine as _;
        let der = self.to_pkcs8_der()?;
        let body = Secret::new(base64::engine::general_purpose::STANDARD.encode(der.expose()));
        // Room for all of it: a string that grows leaves copies behind.
        let mut pem = String::with_capacity(64 + body.expose().len() * 65 / 64);
        pem.push_str("-----BEGIN PRIVATE KEY-----\n");
        for (at, character) in body.expose().char_indices() {
            if at > 0 && at % 64 == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push_str("\n-----END PRIVATE KEY-----\n");
        Some(Secret::new(pem))
    }

    /// A JSON Web Key (RFC 7518 §6.2.2); `None` while the public key is unknown.
    #[must_use]
    pub fn to_jwk(&self) -> Option<Secret<String>> {
        self.public_key.as_ref().map(|public| Secret::new(jwk::write(self.expose_scalar(), public)))
    }
}

fn boxed(scalar: &[u8; 32]) -> Box<Zeroizing<[u8; 32]>> {
    let mut place = Box::new(Zeroizing::new([0; 32]));
    place.copy_from_slice(scalar);
    place
}

impl Clone for EcPrivateKey {
    fn clone(&self) -> Self {
        Self { scalar: boxed(&self.scalar), public_key: self.public_key }
    }
}

impl fmt::Debug for EcPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcPrivateKey").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}
