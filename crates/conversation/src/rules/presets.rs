//! The five systems, as rules.

use super::{ChannelRules, Rules};
use crate::Channel::{Email, Mobile, WebPush, Webhook};
use crate::rules::Channels;
use crate::words::words;

words! {
    /// A set of rules to begin with, one for each of the five kinds of systems. In TOML: `preset = "platform"`.
    Preset {
        /// A: a chat on a web page. Visitors are told by Web Push that somebody wrote, nobody else anything.
        ChatOnPage = "chat_on_page",
        /// B: agents' phones ring.
        MobileAgents = "mobile_agents",
        /// C: messaging in an app.
        Messaging = "messaging",
        /// D: customers who wait for a callback; nothing else is told.
        Callbacks = "callbacks",
        /// E: a conversation platform with agents and visitors on four channels; Web Push is for agents only.
        Platform = "platform",
    }
}

impl Rules {
    /// The rules of a preset. [`Rules::default`] joins them.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        let mut rules = Self::default();
        let only = |rules: &mut Self, messages: bool, calls: bool, handovers: bool, callbacks: bool| {
            let agents = messages && preset == Preset::Platform;
            rules.messages =
                rules.messages.clone().with_visitor(messages).with_primary(agents).with_secondary(agents);
            rules.calls = rules.calls.clone().with_calls(calls).with_offers(calls);
            rules.handovers = rules
                .handovers
                .clone()
                .with_forwarded(handovers)
                .with_invited(handovers)
                .with_delegated(handovers);
            rules.callbacks = rules.callbacks.clone().with_on(callbacks);
        };
        match preset {
            Preset::ChatOnPage => {
                only(&mut rules, true, false, false, false);
                rules.recipients = rules.recipients.with_visitor(Channels::of(&[WebPush]));
            }
            Preset::MobileAgents => {
                only(&mut rules, false, true, false, false);
                let mobile = Channels::of(&[Mobile]);
                rules.recipients =
                    rules.recipients.with_visitor(Channels::NONE).with_primary(mobile).with_secondary(mobile);
                // The five systems know "missed" in E only.
                rules.calls = rules.calls.with_missed(false);
            }
            Preset::Messaging => {
                only(&mut rules, true, false, false, false);
                rules.recipients = rules.recipients.with_visitor(Channels::of(&[Mobile]));
            }
            Preset::Callbacks => {
                only(&mut rules, false, false, false, true);
                rules.recipients = rules.recipients.with_visitor(Channels::of(&[Mobile, WebPush]));
            }
            Preset::Platform => {
                only(&mut rules, true, true, true, false);
                let all_five = Channels::of(&[Email, Mobile, Webhook, WebPush]);
                let mobile = Channels::of(&[Mobile, Webhook]);
                rules.channels = ChannelRules::default()
                    .with_new_message(all_five)
                    .with_read_message(mobile)
                    .with_incoming_call(all_five)
                    .with_revoked_call(mobile)
                    .with_missed_call(all_five);
                rules.recipients = rules.recipients.with_visitor(Channels::of(&[Email, Mobile, Webhook]));
            }
        }
        rules
    }
}
