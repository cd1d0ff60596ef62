//! SHA-256.

use reveille_crypto::CryptoProvider;

use super::Cases;
use super::vectors::{Hex, load};

#[derive(serde::Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    id: String,
    message: Hex,
    repeat: usize,
    digest: Hex,
}

/// The standard's examples, and any division of a message into parts.
///
/// # Panics
/// If a digest is wrong.
pub fn sha256(provider: CryptoProvider) -> Cases {
    let file: File = load(include_str!("../../vectors/sha256.json"));
    let mut executed = 0;
    for Case { id, message, repeat, digest } in &file.cases {
        let message = message.0.repeat(*repeat);
        let check = |parts: &[&[u8]], what: &str| {
            assert_eq!(provider.sha256.digest(parts)[..], digest.0, "sha256: {id}: {what}");
        };
        check(&[&message], "in one part");
        executed += 1;
        if message.len() > 1_000 {
            check(&message.chunks(999).collect::<Vec<_>>(), "in parts of 999 bytes");
            executed += 1;
            continue;
        }
        for at in 0..=message.len() {
            let (head, tail) = message.split_at(at);
            check(&[head, tail], &format!("split at {at}"));
            check(&[&[], head, &[], tail, &[]], &format!("split at {at}, with empty parts"));
            executed += 2;
        }
        check(&message.chunks(1).collect::<Vec<_>>(), "byte by byte");
        executed += 1;
    }
    assert_eq!(
        provider.sha256.digest(&[]),
        provider.sha256.digest(&[&[]]),
        "sha256: no part is not the empty message"
    );
    executed += 1;
    assert_eq!((file.cases.len(), executed), (5, 361), "sha256: the cases have changed");
    Cases::executed(executed)
}
