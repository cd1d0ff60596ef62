//! The store of resume tokens, and the apps that come back with them.

use std::collections::BTreeMap;

use reveille_conversation::id::{ConversationId, PersonId};
use reveille_gateway::resume::{Resume, ResumeEffect, ResumeStep, TokenId};
use reveille_gateway::{Input, Job};

use reveille_core::UnixTime;

use super::next::Next;
use super::people::text;
use super::world::{World, shard_of};

#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeMap<TokenId, Token>);

#[derive(Debug, Default)]
struct Token {
    committed: bool,
    reserved: bool,
    used: usize,
    /// Before it was used: the store gives nothing back that is used.
    given_back: usize,
    /// When it came to an end for the first time.
    ended: Option<UnixTime>,
}

impl Tokens {
    pub(super) fn effect(&mut self, effect: &ResumeEffect, at: UnixTime) {
        let known = match effect {
            ResumeEffect::Used { token } => {
                let known = self.0.entry(*token).or_default();
                known.used += 1;
                known
            }
            ResumeEffect::GiveBack { token, .. } => {
                let known = self.0.entry(*token).or_default();
                known.given_back += usize::from(known.used == 0);
                known
            }
            _ => return,
        };
        known.ended.get_or_insert(at);
    }

    /// After a crash, what the log says is done again: it has to be the same, and does not count twice.
    pub(super) fn again(&mut self, effect: &ResumeEffect) {
        match effect {
            ResumeEffect::Used { token } => {
                let known = self.0.entry(*token).or_default();
                known.used = known.used.max(1);
            }
            ResumeEffect::GiveBack { token, .. } => {
                let known = self.0.entry(*token).or_default();
                known.given_back = known.given_back.max(usize::from(known.used == 0));
            }
            _ => {}
        }
    }

    /// `restores`: a backup takes back what was done, and nothing else does.
    pub(super) fn judge(&self, restores: &[UnixTime]) -> Vec<String> {
        let wrong = self.0.iter().filter_map(|(token, known)| {
            let again = known.ended.is_some_and(|ended| restores.iter().any(|at| *at >= ended));
            let why = if known.used > 0 && !known.committed {
                "used, and nobody came"
            } else if known.given_back > 0 && !known.reserved {
                "given back, and nobody had it"
            } else if !again && known.used > 0 && known.given_back > 0 {
                "used and given back"
            } else if !again && known.used > 1 {
                "used twice"
            } else {
                return None;
            };
            Some(format!("token: {token:?} was {why}"))
        });
        wrong.collect()
    }
}

impl World {
    /// Now and then, whoever got a push taps it: a flow verifies, the app commits and connects, some of it twice or never.
    pub(super) fn plan_resume(&mut self, job: &Job) {
        if job.content.takes_back() || !self.draw.per_mille(30) {
            return;
        }
        let token = TokenId(job.leg.to_bits());
        // The store gives a token once: who got the push twice comes back once.
        if self.tokens.0.contains_key(&token) {
            return;
        }
        let (person, conversation): (PersonId, ConversationId) =
            (text(job.person.as_str()), text(job.conversation.as_str()));
        let shard = shard_of(self.seed, &conversation);
        let reserved = ResumeStep::Reserved { attempt: 1, person, conversation };
        let steps = [(reserved, 1_000), (ResumeStep::Committed, 900), (ResumeStep::Connected, 800)];
        let mut at = self.truth;
        for (step, share) in steps {
            at += self.draw.ms(100, 12_000);
            if !self.draw.per_mille(share) {
                continue;
            }
            let known = self.tokens.0.entry(token).or_default();
            known.reserved |= matches!(step, ResumeStep::Reserved { .. });
            known.committed |= step == ResumeStep::Committed;
            for _ in 0..1 + u64::from(self.draw.per_mille(100)) {
                let input = Box::new(Input::Resume(Resume { token, step: step.clone() }));
                let wait = self.draw.ms(0, 500);
                self.at(at + wait, Next::Resume { shard, input });
            }
        }
    }
}
