//! The provider.

use reveille_crypto::{
    AgreementKey, CryptoError, CryptoProvider, EcPrivateKey, EphemeralAgreement, KeyError, P256,
    P256PublicKey,
};

use crate::LANES;

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
        #[cfg(target_arch = "x86_64")]
        return self.ifma().is_some();
        #[cfg(not(target_arch = "x86_64"))]
        return false;
    }

    #[cfg(target_arch = "x86_64")]
    fn ifma(&self) -> Option<crate::ifma::Ifma> {
        if self.vectors { crate::ifma::Ifma::detect() } else { None }
    }

    /// Those that go into lanes. `out` grows by as many.
    #[cfg(target_arch = "x86_64")]
    fn in_lanes<'p, 'k>(
        &self,
        peers: &'p [&'k P256PublicKey],
        out: &mut Vec<EphemeralAgreement>,
    ) -> Result<&'p [&'k P256PublicKey], CryptoError> {
        let Some(ifma) = self.ifma() else { return Ok(peers) };
        // Eight lanes take about as long as one agreement and a half in ring: one that is left over does not pay.
        let alone = usize::from(peers.len() % LANES == 1);
        let (many, rest) = peers.split_at(peers.len() - alone);
        if !many.is_empty() {
            crate::ifma::agree_many(ifma, self.inner.random, many, out)?;
        }
        Ok(rest)
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn in_lanes<'p, 'k>(
        &self,
        peers: &'p [&'k P256PublicKey],
        _out: &mut Vec<EphemeralAgreement>,
    ) -> Result<&'p [&'k P256PublicKey], CryptoError> {
        Ok(peers)
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
