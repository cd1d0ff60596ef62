//! RSA keys: the private one opaque until a backend loads it.

use std::fmt;

use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::Decode;
use pkcs8::der::asn1::ObjectIdentifier;
use reveille_core::Secret;

use super::{InvalidKey, pem};

/// rsaEncryption (RFC 8017 Appendix A.1).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// An RSA private key, as PKCS#1 DER (RFC 8017 Appendix A.1.2). Wiped when dropped, never printed.
#[derive(Clone)]
pub struct RsaPrivateKey {
    pkcs1_der: Secret<Vec<u8>>,
}

impl RsaPrivateKey {
    /// From PEM: `PRIVATE KEY` (PKCS#8, as in Google's service-account files) or `RSA PRIVATE KEY` (PKCS#1).
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_pem(pem: &str) -> Result<Self, InvalidKey> {
        const EXPECTED: &str = "PRIVATE KEY or RSA PRIVATE KEY";
        match pem::decode(pem, &["PRIVATE KEY", "RSA PRIVATE KEY"], EXPECTED)? {
            ("RSA PRIVATE KEY", der) => Ok(Self { pkcs1_der: der }),
            (_, der) => Self::from_pkcs8_der(der.expose()),
        }
    }

    /// From PKCS#8 DER (RFC 5958).
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, InvalidKey> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| InvalidKey::Der { expected: "PKCS#8" })?;
        if info.algorithm.oid != RSA_ENCRYPTION {
            return Err(InvalidKey::Algorithm { expected: "RSA" });
        }
        Ok(Self::from_pkcs1_der(info.private_key.as_bytes()))
    }

    /// From PKCS#1 DER. Its content is checked by the backend that loads it.
    #[must_use]
    pub fn from_pkcs1_der(der: &[u8]) -> Self {
        Self { pkcs1_der: Secret::new(der.to_vec()) }
    }

    /// Returns the private key as PKCS#1 DER; the long name is there to be found in a review.
    #[must_use]
    pub fn expose_pkcs1_der(&self) -> &[u8] {
        self.pkcs1_der.expose()
    }
}

impl fmt::Debug for RsaPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaPrivateKey").finish_non_exhaustive()
    }
}

/// An RSA public key: modulus and exponent, big-endian, as in a JWK (RFC 7518 §6.3.1).
/// [`Rs256::verify`](crate::Rs256::verify) checks signatures with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaPublicKey {
    n: Vec<u8>,
    e: Vec<u8>,
}

impl RsaPublicKey {
    /// From modulus and exponent. Leading zeros, which some writers keep from DER, are dropped.
    #[must_use]
    pub fn new(n: &[u8], e: &[u8]) -> Self {
        Self { n: without_leading_zeros(n), e: without_leading_zeros(e) }
    }

    /// The modulus, without leading zeros.
    #[must_use]
    pub fn n(&self) -> &[u8] {
        &self.n
    }

    /// The exponent, without leading zeros.
    #[must_use]
    pub fn e(&self) -> &[u8] {
        &self.e
    }
}

fn without_leading_zeros(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}
