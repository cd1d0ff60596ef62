//! Random bytes.

use reveille_crypto::CryptoProvider;

use super::Cases;

const LENGTHS: usize = 1025;

/// Every length from 0 to 1,024 is filled to its last byte, and no two fills are the same.
///
/// # Panics
/// If not. By chance alone once in 10¹³ runs.
pub fn random(provider: CryptoProvider) -> Cases {
    for length in 0..LENGTHS {
        // A byte that no fill writes stays zero in all of eight; a random one does so once in 2⁶⁴.
        let mut touched = vec![0; length];
        let mut fills: Vec<Vec<u8>> = Vec::new();
        for _ in 0..8 {
            let mut bytes = vec![0; length];
            provider.random.fill(&mut bytes).unwrap_or_else(|e| panic!("random: length {length}: {e}"));
            touched.iter_mut().zip(&bytes).for_each(|(touched, byte)| *touched |= byte);
            if length >= 16 {
                assert!(!fills.contains(&bytes), "random: length {length}: two fills are the same");
            }
            fills.push(bytes);
        }
        assert!(!touched.contains(&0), "random: length {length}: a byte is never filled");
    }
    Cases::executed(LENGTHS)
}
