//! Resume tokens: the crate `resume`.

use std::collections::BTreeMap;
use std::time::Duration;

use reveille_crypto_ring::PROVIDER;
use reveille_resume::replay::Reservation;
use reveille_resume::{
    Attempt, Bindings, CompactKey, Issuer, KeyId, KeyRing, ReplayLimits, ReplaySet, TokenSecret, Verdict,
    Verifier,
};

use super::Words;

pub(crate) struct Tokens {
    keys: KeyRing<CompactKey>,
    replay: ReplaySet,
    issued: BTreeMap<String, String>,
    reserved: BTreeMap<String, Reservation>,
}

fn key(secret: u8) -> CompactKey {
    CompactKey::new(PROVIDER, &TokenSecret::from_bytes(&[secret; 32]).unwrap()).unwrap()
}

fn bindings<'a>(words: &Words<'a>) -> Bindings<'a> {
    Bindings {
        contact: words.get("contact").unwrap_or("ann"),
        conversation: words.get("conversation").unwrap_or("c1"),
        device: words.get("device").unwrap_or("phone"),
        channel: words.get("channel").unwrap_or("mobile"),
    }
}

impl Tokens {
    pub(crate) fn new() -> Self {
        // The time in which the app has to report `connected` (C11).
        let limits = ReplayLimits::default().with_lease(Duration::from_secs(30));
        Self {
            keys: KeyRing::new(KeyId(1), key(1)),
            replay: ReplaySet::complete(0, limits),
            issued: BTreeMap::new(),
            reserved: BTreeMap::new(),
        }
    }

    pub(crate) fn step(&mut self, words: &Words<'_>) -> Option<Vec<String>> {
        let now = words.now;
        let attempt = words.get("attempt").unwrap_or("first");
        Some(match words.verb() {
            "issue" => {
                let token = Issuer::new(PROVIDER).issue(&self.keys, &bindings(words), now).unwrap();
                let shown = format!("issued characters={}", token.len());
                self.issued.insert(words.word(0).to_owned(), token);
                vec![shown]
            }
            "forge" => {
                let genuine = self.issued[words.get("from").unwrap()].clone();
                let last = if genuine.ends_with('A') { 'Q' } else { 'A' };
                self.issued
                    .insert(words.word(0).to_owned(), format!("{}{last}", &genuine[..genuine.len() - 1]));
                Vec::new()
            }
            "rotate_key" => {
                self.keys.rotate(KeyId(2), key(2), now).unwrap();
                Vec::new()
            }
            "resume" => {
                let token = self.issued.get(words.word(0)).map_or("", String::as_str);
                let verdict = Verifier::default().verify(
                    &self.keys,
                    token,
                    &bindings(words),
                    Attempt::from_text(attempt),
                    &mut self.replay,
                    now,
                );
                let answer = verdict.client_answer().as_str();
                vec![match verdict {
                    Verdict::Resume { reservation, .. } => {
                        self.reserved.insert(attempt.to_owned(), reservation);
                        answer.to_owned()
                    }
                    Verdict::Expired(_) => answer.to_owned(),
                    Verdict::Fresh { reason, fraud } => format!("{answer} reason={reason} fraud={fraud}"),
                }]
            }
            "connected" => match self.replay.commit(&self.reserved[attempt], now) {
                Ok(()) => vec!["committed".to_owned()],
                Err(_) => vec!["handshake_failed".to_owned()],
            },
            "give_back" => {
                self.replay.abort(&self.reserved[attempt], now).unwrap();
                vec!["given_back".to_owned()]
            }
            _ => return None,
        })
    }
}
