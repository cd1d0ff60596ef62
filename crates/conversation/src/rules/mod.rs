//! The rules, as data: what is told to whom, on which way, for how long.

mod app;
mod load;
mod presets;
mod section;
mod settings;

use serde::{Deserialize, Serialize};

pub use app::AppRules;
pub use load::RulesError;
pub use presets::Preset;
pub use section::InvalidRule;
pub use settings::{
    CallRules, CallbackRules, CancelRules, ChannelRules, HandoverRules, KillSwitch, LookupRules, MemoryRules,
    MessageRules, ReadRules, RecipientRules, Thresholds, ViewingRules,
};

pub use crate::words::{CancelForm, Channels, PresenceFilter};

use crate::event::Role;
use crate::{Kind, Reason};

section::rules! {
    /// All rules by which [`Conversations`](crate::machine::Conversations) decides who is told what. Begin with the
    /// default or a [`Preset`], and change single rules with setters or in TOML; the codes such as A2 name the
    /// requirement that a rule comes from.
    ///
    /// ```
    /// use reveille_conversation::rules::{Preset, Rules};
    /// use std::time::Duration;
    ///
    /// let rules = Rules::from_toml("preset = \"platform\"\n[calls]\nring_for = \"45s\"\n")?;
    /// assert_eq!(rules.calls().ring_for(), Duration::from_secs(45));
    /// assert_eq!(rules.channels(), Rules::preset(Preset::Platform).channels());
    ///
    /// let wrong = Rules::from_toml("[calls]\nring_for = \"an hour\"\n").unwrap_err();
    /// assert_eq!(wrong.to_string(),
    ///     "line 2: calls.ring_for: expected a time from 1s to 10min such as \"30s\", found another text");
    /// # Ok::<(), reveille_conversation::rules::RulesError>(())
    /// ```
    Rules {
        /// The rules for messages (A2, E1).
        messages with_messages: MessageRules,
        /// The rules for what is read (E2).
        reads with_reads: ReadRules,
        /// Calls and other offers (B4–B8, E3).
        calls with_calls: CallRules,
        /// Forwarded, invited, delegated (E4).
        handovers with_handovers: HandoverRules,
        /// The rules for callbacks (D1–D4).
        callbacks with_callbacks: CallbackRules,
        /// The matrix: which event goes where (E5).
        channels with_channels: ChannelRules,
        /// Which type of participant is reached where (E5).
        recipients with_recipients: RecipientRules,
        /// The kill switch (E1).
        kill with_kill: KillSwitch,
        /// The forms of cancels (B7).
        cancels with_cancels: CancelRules,
        /// The rules for look-ups of names (A2).
        lookups with_lookups: LookupRules,
        /// Devices that show the conversation (A2).
        viewing with_viewing: ViewingRules,
        /// How much is remembered, and how long.
        memory with_memory: MemoryRules,
    }
}

impl Rules {
    pub(crate) fn check(&self) -> Result<(), InvalidRule> {
        section::Sections::check(self)
    }

    /// Says where a kind of notification goes for a type of participant: the matrix, without what the kill switch stops.
    /// The machine asks by itself; ask if you tell somebody something that is no event of a conversation.
    ///
    /// # Errors
    /// The [`Reason`] why it goes nowhere.
    pub fn ways(&self, kind: Kind, role: Role) -> Result<Channels, Reason> {
        ways(&self.channels, &self.recipients, &self.kill, kind, role)
    }
}

fn ways(
    matrix: &ChannelRules,
    recipients: &RecipientRules,
    kill: &KillSwitch,
    kind: Kind,
    role: Role,
) -> Result<Channels, Reason> {
    if kill.all() {
        return Err(Reason::KilledAll);
    }
    let (reach, killed) = match role {
        Role::Visitor => (recipients.visitor(), kill.visitor()),
        Role::Primary => (recipients.primary(), kill.primary()),
        Role::Secondary => (recipients.secondary(), kill.secondary()),
        Role::Bot => return Err(Reason::RoleOff),
    };
    if killed {
        return Err(Reason::KilledRole);
    }
    let row = match kind {
        Kind::NewMessage => matrix.new_message(),
        Kind::IncomingCall | Kind::IncomingOffer => matrix.incoming_call(),
        Kind::MissedCall => matrix.missed_call(),
        Kind::Forwarded => matrix.forwarded(),
        Kind::Invited => matrix.invited(),
        Kind::Delegated => matrix.delegated(),
        Kind::CallbackUpcoming
        | Kind::CallbackReady
        | Kind::CallbackNumber
        | Kind::CallbackPurged
        | Kind::CallbackAttemptFailed
        | Kind::CallbackFinalAttemptFailed => matrix.callback(),
    };
    let ways = row.and(reach);
    if ways.is_empty() {
        return Err(Reason::NoChannel);
    }
    let left = ways.without(kill.channels());
    if left.is_empty() { Err(Reason::KilledChannel) } else { Ok(left) }
}
