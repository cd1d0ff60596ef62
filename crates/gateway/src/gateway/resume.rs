//! Tokens on their way back into their conversation (C7, C11).

use std::collections::{BTreeMap, BTreeSet};

use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::{UnixTime, Wakeup};
use serde::{Deserialize, Serialize};

use super::Gateway;
use super::timeline::Timeline;
use crate::resume::{Resume, ResumeEffect, ResumeStep, TokenId};
use crate::{Note, Output};

/// Tokens that were reserved, and whose app is not connected yet. Times are those of the rules' clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Handshakes {
    open: BTreeMap<TokenId, Handshake>,
    #[serde(skip)]
    due: BTreeSet<(UnixTime, TokenId)>,
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

    fn remove(&mut self, token: TokenId) -> Option<Handshake> {
        let handshake = self.open.remove(&token)?;
        self.due.remove(&(handshake.until, token));
        Some(handshake)
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
    }
}

impl Gateway {
    pub(super) fn on_resume(&mut self, resume: Resume) {
        let Resume { token, step } = resume;
        let known = self.handshakes.open.get_mut(&token);
        match (step, known) {
            // The same attempt again gets the same answer again, and no more time.
            (ResumeStep::Reserved { attempt, .. }, Some(known)) if known.attempt == attempt => {}
            (ResumeStep::Reserved { attempt, person, conversation }, None) => {
                if self.handshakes.len() >= self.settings.more.handshakes as usize {
                    return self.note(Note::NoHandshake { token });
                }
                let until = self.timeline.of_rules(self.now) + self.settings.more.connected_within;
                let handshake = Handshake { attempt, person, conversation, until, used: false };
                self.handshakes.open.insert(token, handshake);
                self.handshakes.due.insert((until, token));
            }
            (ResumeStep::Committed, Some(known)) => {
                if !std::mem::replace(&mut known.used, true) {
                    self.out.push_back(Output::Resume(ResumeEffect::Used { token }));
                }
            }
            (ResumeStep::Connected, Some(_)) => drop(self.handshakes.remove(token)),
            (ResumeStep::Reserved { .. }, Some(_))
            | (ResumeStep::Committed | ResumeStep::Connected, None) => {
                self.note(Note::NoHandshake { token });
            }
        }
    }

    /// Nobody connected in time: whoever waits is told, and the contact is queued again.
    pub(super) fn fail_handshake(&mut self) {
        let Some((_, token)) = self.handshakes.due.pop_first() else { return };
        let Some(Handshake { attempt, person, conversation, used, .. }) = self.handshakes.remove(token)
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
