//! The store of resume tokens, and the apps that come back with them.

use std::collections::BTreeMap;

use reveille_conversation::id::{ConversationId, PersonId};
use reveille_gateway::resume::{Resume, ResumeEffect, ResumeStep, TokenId};
use reveille_gateway::{Input, Job};

use super::next::Next;
use super::people::text;
use super::world::{SHARDS, World};

#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeMap<TokenId, Token>);

#[derive(Debug, Default)]
struct Token {
    committed: bool,
    reserved: bool,
    used: usize,
    given_back: usize,
}

impl Tokens {
    pub(super) fn effect(&mut self, effect: &ResumeEffect) {
        match effect {
            ResumeEffect::Used { token } => self.0.entry(*token).or_default().used += 1,
            ResumeEffect::GiveBack { token, .. } => self.0.entry(*token).or_default().given_back += 1,
            _ => {}
        }
    }

    /// `again`: after a crash effects are made again, and a backup takes back what was done.
    pub(super) fn judge(&self, again: bool) -> Vec<String> {
        let wrong = self.0.iter().filter_map(|(token, known)| {
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
        let (person, conversation): (PersonId, ConversationId) =
            (text(job.person.as_str()), text(job.conversation.as_str()));
        let shard = usize::from(self.seed.shard(&conversation)) % SHARDS;
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
