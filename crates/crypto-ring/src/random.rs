//! Random bytes from the operating system.

use reveille_crypto::{CryptoError, SecureRandom};
use ring::rand::{SecureRandom as _, SystemRandom};

#[derive(Debug)]
pub(crate) struct Random;

impl SecureRandom for Random {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        SystemRandom::new().fill(out).map_err(|_| CryptoError)
    }
}
