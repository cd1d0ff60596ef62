//! The provider.

use reveille_crypto::p256::{AgreementKey, EphemeralAgreement};
use reveille_crypto::{CryptoError, CryptoProvider, EcPrivateKey, KeyError, P256, P256PublicKey};

use crate::ifma::{Ifma, agree_many};

/// How many agreements are made at a time.
const GROUP: usize = 8;
/// The fewest in a last group that are worth it: a group takes, whatever is in it, 1.1 times as long as one agreement in ring on
/// Intel's Emerald Rapids.
const WORTH_IT: usize = 2;

/// A backend that makes many key agreements eight at a time, over another backend that does everything else. Use it where
/// Web Push messages are sent in batches.
///
/// Hold it in a `static` (a [`CryptoProvider`] refers to its capabilities for the life of the program, and this one knows the
/// backend below it), or take the constant that is made of it:
///
/// ```
/// use reveille_crypto::CryptoProvider;
/// use reveille_crypto_lanes::Lanes;
///
/// static LANES: Lanes = Lanes::over(reveille_crypto_ring::PROVIDER);
/// const PROVIDER: CryptoProvider = LANES.provider();
/// assert_eq!(PROVIDER.name, "ring");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    inner: CryptoProvider,
    vectors: bool,
}

impl Lanes {
    /// Over this backend, whose random source gives the keys, too.
    #[must_use]
    pub const fn over(inner: CryptoProvider) -> Self {
        Self { inner, vectors: true }
    }

    /// Leaves everything to the backend below, whatever the processor has: to compare the two, and for operators who want no
    /// arithmetic but that backend's.
    #[must_use]
    pub const fn without_vectors(self) -> Self {
        Self { vectors: false, ..self }
    }

    /// The provider: that of the backend below with its name, but for [`CryptoProvider::p256`].
    #[must_use]
    pub const fn provider(&'static self) -> CryptoProvider {
        CryptoProvider { p256: self, ..self.inner }
    }

    /// Whether this processor has AVX-512 IFMA and it is used; otherwise everything goes to the backend below.
    #[must_use]
    pub fn has_vectors(&self) -> bool {
        self.ifma().is_some()
    }

    fn ifma(&self) -> Option<Ifma> {
        if self.vectors { Ifma::detect() } else { None }
    }

    /// Appends the agreements that are made in lanes, and returns the peers that are left.
    fn in_lanes<'p, 'k>(
        &self,
        peers: &'p [&'k P256PublicKey],
        out: &mut Vec<EphemeralAgreement>,
    ) -> Result<&'p [&'k P256PublicKey], CryptoError> {
        let Some(ifma) = self.ifma() else { return Ok(peers) };
        let last = peers.len() % GROUP;
        let left_over = if last < WORTH_IT { last } else { 0 };
        let (many, left_over) = peers.split_at(peers.len() - left_over);
        if !many.is_empty() {
            agree_many(ifma, self.inner.random, many, out)?;
        }
        Ok(left_over)
    }
}

impl P256 for Lanes {
    fn generate(&self) -> Result<EcPrivateKey, CryptoError> {
        self.inner.p256.generate()
    }

    fn agree_ephemeral(&self, peer: &P256PublicKey) -> Result<EphemeralAgreement, CryptoError> {
        self.inner.p256.agree_ephemeral(peer)
    }

    fn agree_ephemeral_many(
        &self,
        peers: &[&P256PublicKey],
        out: &mut Vec<EphemeralAgreement>,
    ) -> Result<(), CryptoError> {
        let before = out.len();
        let agreed = self.in_lanes(peers, out).and_then(|rest| {
            if rest.is_empty() { Ok(()) } else { self.inner.p256.agree_ephemeral_many(rest, out) }
        });
        if agreed.is_err() {
            out.truncate(before);
        }
        agreed
    }

    fn load_agreement_key(&self, private: &EcPrivateKey) -> Result<Box<dyn AgreementKey>, KeyError> {
        self.inner.p256.load_agreement_key(private)
    }
}
