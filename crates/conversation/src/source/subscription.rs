//! Whether a subscription has the topics that the rules need.

use std::fmt;

use crate::rules::Rules;

/// A topic that is not subscribed, and what cannot work without it: returned by [`missing_topics`]. Log it when your
/// program starts, or refuse to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct MissingTopic {
    /// One of these is needed.
    pub any_of: &'static [&'static str],
    /// What cannot work without.
    pub because: &'static str,
}

impl fmt::Display for MissingTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not subscribed: {}: {}", self.any_of.join(" or "), self.because)
    }
}

struct Need {
    any_of: &'static [&'static str],
    because: &'static str,
    when: fn(&Rules) -> bool,
}

const STATE: &str = "v2.users.{id}.conversations";

const NEEDS: &[Need] = &[
    Need {
        any_of: &["v2.detail.events.conversation.{id}.message"],
        because: "nobody is told of new messages (A2)",
        when: |rules| rules.messages().visitor(),
    },
    Need {
        any_of: &["routing.queue.member.added", "v2.detail.events.conversation.{id}.user.start", STATE],
        because: "nothing rings (B4)",
        when: calls,
    },
    Need {
        any_of: &["routing.queue.member.removed", "v2.detail.events.conversation.{id}.user.end", STATE],
        because: "a transferred call rings until its time is out (B7)",
        when: calls,
    },
    Need {
        any_of: &["routing.conversation.deleted", "v2.detail.events.conversation.{id}.customer.end", STATE],
        because: "an abandoned call rings until its time is out (B7)",
        when: calls,
    },
    Need {
        any_of: &["routing.conversation.updated", STATE],
        because: "a call that somebody answered goes on ringing for the others (B7)",
        when: calls,
    },
    Need {
        any_of: &["v2.users.{id}.presence", "v2.users.{id}.activity", "v2.users.{id}.routingStatus"],
        because: "presence is not known, and does not filter (B8)",
        when: |rules| rules.calls().presence() != crate::rules::PresenceFilter::Off && calls(rules),
    },
];

const fn calls(rules: &Rules) -> bool {
    rules.calls().calls() || rules.calls().offers()
}

/// What is missing from a Genesys subscription for these rules. Ids in topics do not matter: `v2.users.kate.presence` counts
/// as `v2.users.{id}.presence`.
///
/// ```
/// use reveille_conversation::rules::{Preset, Rules};
/// use reveille_conversation::source::missing_topics;
///
/// let topics = ["routing.queue.member.added", "routing.conversation.updated", "routing.conversation.deleted",
///     "v2.users.kate.presence"];
/// let missing = missing_topics(topics, &Rules::preset(Preset::MobileAgents));
/// assert_eq!(missing.len(), 1);
/// assert_eq!(missing[0].any_of[0], "routing.queue.member.removed");
/// assert!(missing[0].because.contains("rings until"));
/// ```
#[must_use]
pub fn missing_topics<'t>(topics: impl IntoIterator<Item = &'t str>, rules: &Rules) -> Vec<MissingTopic> {
    let topics: Vec<&str> = topics.into_iter().collect();
    let there = |wanted: &str| topics.iter().any(|topic| is(topic, wanted));
    NEEDS
        .iter()
        .filter(|need| (need.when)(rules) && !need.any_of.iter().any(|wanted| there(wanted)))
        .map(|need| MissingTopic { any_of: need.any_of, because: need.because })
        .collect()
}

/// Whether a topic is one of this form. The platform's topics for one medium (`….conversations.calls`) count as well.
fn is(topic: &str, form: &str) -> bool {
    let (mut topic, mut form) = (topic.split('.'), form.split('.'));
    loop {
        match (topic.next(), form.next()) {
            (None, None) | (Some("calls"), None) => return true,
            (Some(part), Some(wanted)) if part == wanted || (wanted == "{id}" && !part.is_empty()) => {}
            _ => return false,
        }
    }
}
