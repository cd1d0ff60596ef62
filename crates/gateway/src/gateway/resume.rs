//! Tokens on their way back into their conversation (C7, C11).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::{UnixTime, Wakeup};
use serde::{Deserialize, Serialize};

use super::Gateway;
use super::timeline::Timeline;
use crate::resume::{Resume, ResumeEffect, ResumeStep, TokenId};
use crate::{Note, Output};

/// Tokens that were reserved, and whose app is not connected yet; and those of the last hour, whose reservation may be
/// reported again. Times are those of the rules' clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Handshakes {
    open: BTreeMap<TokenId, Handshake>,
    #[serde(skip)]
    due: BTreeSet<(UnixTime, TokenId)>,
    over: BTreeMap<TokenId, Over>,
    #[serde(skip)]
    forget: BTreeSet<(UnixTime, TokenId)>,
}

/// A handshake that has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Over {
    attempt: u64,
    used: bool,
    at: UnixTime,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Handshake {
    attempt: u64,
    person: PersonId,
    conversation: ConversationId,
    until: UnixTime,
    used: bool,
}

impl Handshakes {
    pub(super) fn next_wakeup(&self, timeline: &Timeline) -> Option<Wakeup> {
        let (until, _) = self.due.first()?;
        Some(Wakeup { at: timeline.of_wall(*until), reason: "a resumed app is not connected" })
    }

    fn end(&mut self, token: TokenId, at: UnixTime) -> Option<Handshake> {
        let handshake = self.open.remove(&token)?;
        self.due.remove(&(handshake.until, token));
        let over = Over { attempt: handshake.attempt, used: handshake.used, at };
        if let Some(before) = self.over.insert(token, over) {
            self.forget.remove(&(before.at, token));
        }
        self.forget.insert((at, token));
        Some(handshake)
    }

    /// Whether this reservation has been dealt with: what was used is used, what was given back may be had by another attempt.
    fn is_over(&self, token: TokenId, attempt: u64) -> bool {
        self.over.get(&token).is_some_and(|over| over.used || over.attempt == attempt)
    }

    /// Forgets what is over for so long, and the oldest beyond the bound.
    pub(super) fn forget(&mut self, span: Duration, most: u32, now: UnixTime) {
        while let Some((at, token)) = self.forget.first().copied() {
            if at + span > now && self.forget.len() <= most as usize {
                break;
            }
            self.forget.pop_first();
            self.over.remove(&token);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn has(&self, token: TokenId) -> bool {
        self.open.contains_key(&token)
    }

    /// What a snapshot does not hold.
    pub(super) fn index(&mut self) {
        self.due = self.open.iter().map(|(token, handshake)| (handshake.until, *token)).collect();
        self.forget = self.over.iter().map(|(token, over)| (over.at, *token)).collect();
    }
}

impl Gateway {
    pub(super) fn on_resume(&mut self, resume: Resume) {
        let Resume { token, step } = resume;
        let now = self.timeline.of_rules(self.now);
        let known = self.handshakes.open.get_mut(&token);
        match (step, known) {
            // The same attempt again gets the same answer again, and no more time.
            (ResumeStep::Reserved { attempt, .. }, Some(known)) if known.attempt == attempt => {}
            (ResumeStep::Reserved { attempt, person, conversation }, None) => {
                let full = self.handshakes.len() >= self.settings.more.handshakes as usize;
                if full || self.handshakes.is_over(token, attempt) {
                    return self.note(Note::NoHandshake { token });
                }
                let until = now + self.settings.more.connected_within;
                let handshake = Handshake { attempt, person, conversation, until, used: false };
                self.handshakes.open.insert(token, handshake);
                self.handshakes.due.insert((until, token));
            }
            (ResumeStep::Committed, Some(known)) => {
                if !std::mem::replace(&mut known.used, true) {
                    self.out.push_back(Output::Resume(ResumeEffect::Used { token }));
                }
            }
            (ResumeStep::Connected, Some(_)) => drop(self.handshakes.end(token, now)),
            (ResumeStep::Reserved { .. }, Some(_))
            | (ResumeStep::Committed | ResumeStep::Connected, None) => {
                self.note(Note::NoHandshake { token });
            }
        }
    }

    /// Nobody connected in time: whoever waits is told, and the contact is queued again.
    pub(super) fn fail_handshake(&mut self) {
        let Some((_, token)) = self.handshakes.due.first().copied() else { return };
        let now = self.timeline.of_rules(self.now);
        let Some(Handshake { attempt, person, conversation, used, .. }) = self.handshakes.end(token, now)
        else {
            return;
        };
        if !used {
            self.out.push_back(Output::Resume(ResumeEffect::GiveBack { token, attempt }));
        }
        self.note(Note::HandshakeFailed { person: person.clone(), conversation: conversation.clone() });
        self.out.push_back(Output::Resume(ResumeEffect::Requeue { person, conversation }));
    }
}
