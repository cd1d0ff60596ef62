//! What one of several apps does otherwise.

use serde::{Deserialize, Serialize};

use super::section::{self, InvalidRule};
use super::{CancelRules, ChannelRules, KillSwitch, RecipientRules, Rules, ways};
use crate::event::Role;
use crate::output::Forms;
use crate::{Channel, Kind, Reason};

section::rules! {
    /// Rules of one app or brand beside others: those that can be decided for a device. The others, such as how long a call
    /// rings, are about a conversation, and so the same for all who are in it; see [`Rules`]. A device gets what both
    /// allow. The program that writes requests applies them: `reveille_writer::App::with_rules`.
    ///
    /// ```
    /// use reveille_conversation::rules::{AppRules, Rules};
    /// use reveille_conversation::{Channel, Kind, Reason, event::Role};
    ///
    /// let text = "[channels]\nmissed_call = []\n[kill]\nvisitor = true\n";
    /// let rules = AppRules::from_toml(text, &Rules::default())?;
    /// let told = |kind, role| rules.allow(kind, role, Channel::Mobile);
    /// assert_eq!(told(Kind::IncomingCall, Role::Primary), Ok(()));
    /// assert_eq!(told(Kind::MissedCall, Role::Primary), Err(Reason::NoChannel));
    /// assert_eq!(told(Kind::NewMessage, Role::Visitor), Err(Reason::KilledRole));
    /// # Ok::<(), reveille_conversation::rules::RulesError>(())
    /// ```
    AppRules {
        /// The matrix: which event goes where, and the budget of invisible pushes to a browser (E5).
        channels with_channels: ChannelRules,
        /// Which type of participant is reached where (E5).
        recipients with_recipients: RecipientRules,
        /// The kill switch, for this app alone (E1). Its list of apps says nothing here.
        kill with_kill: KillSwitch,
        /// The forms of cancels (B7).
        cancels with_cancels: CancelRules,
    }
}

impl AppRules {
    /// Whether a device on this channel is told of this kind, for a participant of this type. What takes something back is
    /// told to whoever was told, so ask of what is new only.
    ///
    /// # Errors
    /// The [`Reason`] why not.
    pub fn allow(&self, kind: Kind, role: Role, channel: Channel) -> Result<(), Reason> {
        let ways = ways(&self.channels, &self.recipients, &self.kill, kind, role)?;
        if ways.has(channel) {
            return Ok(());
        }
        let killed = self.kill.channels().has(channel);
        Err(if killed { Reason::KilledChannel } else { Reason::NoChannel })
    }

    /// The forms that cancels have on the three push services.
    #[must_use]
    pub const fn forms(&self) -> Forms {
        Forms { apns: self.cancels.apns(), fcm: self.cancels.fcm(), web_push: self.cancels.web_push() }
    }
}

impl From<&Rules> for AppRules {
    /// What these rules say of a device; which apps the kill switch stops is said of all of them.
    fn from(rules: &Rules) -> Self {
        Self {
            channels: rules.channels.clone(),
            recipients: rules.recipients.clone(),
            kill: rules.kill.clone().with_apps(Vec::new()),
            cancels: rules.cancels.clone(),
        }
    }
}
