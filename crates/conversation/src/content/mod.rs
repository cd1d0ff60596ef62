//! What a notification says and offers, as plain data: template key, arguments, category, actions, channel, deep link, routing
//! data. `reveille-content` writes it for APNs, FCM and Web Push; the resume token is put in there.

#[cfg(feature = "render")]
mod render;

#[cfg(feature = "render")]
pub use render::{InvalidTexts, Texts};

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::event::Role;
use crate::id::{ConversationId, PersonId};
use crate::lookup::Takes;
use crate::{Arguments, Intent, Kind, Media, Withdraw};

/// What a notification says and offers, in a form that no push service has shaped. Make it with [`Content::of`] when
/// you write your own pushes; `reveille-content` does so for APNs, FCM and Web Push.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Content {
    /// The key of its texts, as in `incoming_call.from_queue`. A name that is not known leads to another key, not to a gap.
    pub template: &'static str,
    /// The number that the plural form depends on.
    pub count: u32,
    /// The APNs category, and the name of the web worker's layout (B4).
    pub category: &'static str,
    /// The buttons of the notification, the first one first.
    pub actions: &'static [Action],
    /// The Android channel: high-importance for what rings (B4).
    pub android_channel: &'static str,
    /// Whether it may be sent as VoIP: calls only (B1).
    pub may_ring: bool,
    /// Where a tap leads: a path with query, to be put behind the app's scheme or the page's origin.
    pub deep_link: String,
    /// Custom keys beside what the services define: a pointer, not the state (B4, B5, C3, C4).
    pub data: Vec<(&'static str, String)>,
}

/// A button of a notification. The app gets its id when somebody taps it; take its text from your own texts by the
/// given key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Action {
    /// What the app gets.
    pub id: &'static str,
    /// The key of its text.
    pub text: &'static str,
}

const fn action(id: &'static str, text: &'static str) -> Action {
    Action { id, text }
}

const CALL: &[Action] = &[action("answer", "action.answer"), action("decline", "action.decline")];
const MESSAGE: &[Action] = &[action("reply", "action.reply"), action("mark_read", "action.mark_read")];
const MISSED: &[Action] = &[action("call_back", "action.call_back")];
const HANDOVER: &[Action] = &[action("open", "action.open")];
/// D2: confirm and cancel are actions of the notification.
const READY: &[Action] = &[action("confirm", "action.confirm"), action("cancel", "action.cancel")];
const NUMBER: &[Action] = &[action("call", "action.call")];

impl Content {
    /// The content of a notification.
    #[must_use]
    pub fn of(intent: &Intent) -> Self {
        let Layout { template, count, category, actions, android_channel, channel_type, tap } =
            Layout::of(intent);
        let mut data = vec![
            ("conversationId", intent.conversation.to_string()),
            ("userId", intent.recipient.to_string()),
            ("kind", intent.kind.to_string()),
            ("channelType", channel_type.to_owned()),
            ("generation", intent.generation.to_string()),
        ];
        if intent.role == Role::Visitor {
            data.push(("contactId", intent.recipient.to_string()));
        }
        if let Some(media) = intent.media {
            data.push(("mediaType", media.to_string()));
        }
        if let Some(episode) = intent.episode {
            data.push(("episode", episode.to_string()));
        }
        let mut deep_link = path(&intent.conversation);
        if let Some(action) = tap {
            deep_link.push_str("?action=");
            deep_link.push_str(action);
        }
        let may_ring = intent.kind == Kind::IncomingCall;
        Self { template, count, category, actions, android_channel, may_ring, deep_link, data }
    }
}

/// What a notification looks like: the part of [`Content`] that holds nothing of the conversation, so that it costs
/// nothing to make. Use it where you write the rest straight into a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layout {
    /// The key of its texts, one of [`TEMPLATES`](Self::TEMPLATES).
    pub template: &'static str,
    /// The number that the plural form depends on.
    pub count: u32,
    /// The APNs category, and the name of the web worker's layout (B4).
    pub category: &'static str,
    /// Its buttons.
    pub actions: &'static [Action],
    /// The Android channel: high-importance for what rings (B4).
    pub android_channel: &'static str,
    /// `channelType` of the routing data (C3).
    pub channel_type: &'static str,
    /// What a tap does in the conversation: `action` of the deep link, if there is one.
    pub tap: Option<&'static str>,
}

impl Layout {
    /// All keys of texts that a notification may have: resolve them once, instead of for each message.
    pub const TEMPLATES: &'static [&'static str] = &[
        "new_message.from_snippet",
        "new_message.from",
        "new_message.snippet",
        "new_message",
        "incoming_call.from_queue",
        "incoming_call.from",
        "incoming_call.queue",
        "incoming_call",
        "incoming_chat",
        "incoming_callback",
        "incoming_email",
        "incoming_message",
        "missed_call",
        "forwarded.from",
        "forwarded",
        "invited.from",
        "invited",
        "delegated.from",
        "delegated",
        "callback_upcoming",
        "callback_ready",
        "callback_number",
        "callback_purged",
        "callback_attempt_failed",
        "callback_final_attempt_failed",
    ];

    /// All sets of buttons that a notification may have.
    pub const ACTIONS: &'static [&'static [Action]] = &[CALL, MESSAGE, MISSED, HANDOVER, READY, NUMBER];

    /// The layout of a notification.
    #[must_use]
    pub const fn of(intent: &Intent) -> Self {
        let (category, actions, android_channel) = layout(intent.kind);
        Self {
            template: template(intent.kind, intent.media, &intent.arguments),
            count: count(intent.kind, &intent.arguments),
            category,
            actions,
            android_channel,
            channel_type: channel_type(intent.kind, intent.media),
            tap: tap(intent.kind),
        }
    }
}

/// The routing data of what is taken back. A cancel (B7) is `CALL_CANCEL`, `cancel_ring`, with cause and `answered_by`; an
/// invalidation (E2) is `INVALIDATE`, `invalidate`. `collapse` names what it is about on the device, and nothing else: a
/// "missed" of the same call has another one.
#[must_use]
pub fn withdraw_data(withdraw: &Withdraw) -> Vec<(&'static str, String)> {
    let (name, action) = match withdraw.how {
        Takes::Invalidate => ("INVALIDATE", "invalidate"),
        Takes::Cancel => ("CALL_CANCEL", "cancel_ring"),
    };
    let mut data = vec![
        ("type", name.to_owned()),
        ("action", action.to_owned()),
        ("conversationId", withdraw.conversation.to_string()),
        ("userId", withdraw.recipient.to_string()),
        ("kind", withdraw.of.to_string()),
        ("cause", withdraw.cause.to_string()),
        ("collapse", withdraw.collapse.to_string()),
        ("generation", withdraw.generation.to_string()),
    ];
    if let Some(episode) = withdraw.episode {
        data.push(("episode", episode.to_string()));
    }
    if let Some(who) = withdraw.answered_by.as_ref().map(PersonId::to_string) {
        data.push(("answered_by", who));
    }
    data
}

/// `channelType` of C3.
const fn channel_type(kind: Kind, media: Option<Media>) -> &'static str {
    match (kind, media) {
        (_, Some(media)) => media.as_str(),
        (Kind::IncomingCall | Kind::MissedCall, None) => "call",
        (
            Kind::NewMessage | Kind::IncomingOffer | Kind::Forwarded | Kind::Invited | Kind::Delegated,
            None,
        ) => "chat",
        (
            Kind::CallbackUpcoming
            | Kind::CallbackReady
            | Kind::CallbackNumber
            | Kind::CallbackPurged
            | Kind::CallbackAttemptFailed
            | Kind::CallbackFinalAttemptFailed,
            None,
        ) => "callback",
    }
}

const fn layout(kind: Kind) -> (&'static str, &'static [Action], &'static str) {
    match kind {
        Kind::NewMessage => ("NEW_MESSAGE", MESSAGE, "messages"),
        Kind::IncomingCall => ("INCOMING_CALL", CALL, "calls"),
        Kind::IncomingOffer => ("INCOMING_OFFER", CALL, "calls"),
        Kind::MissedCall => ("MISSED_CALL", MISSED, "missed"),
        Kind::Forwarded | Kind::Invited | Kind::Delegated => ("HANDOVER", HANDOVER, "messages"),
        Kind::CallbackUpcoming => ("CALLBACK_UPCOMING", &[], "callbacks"),
        Kind::CallbackReady => ("CALLBACK_READY", READY, "callbacks"),
        Kind::CallbackNumber => ("CALLBACK_NUMBER", NUMBER, "callbacks"),
        Kind::CallbackPurged => ("CALLBACK_PURGED", &[], "callbacks"),
        Kind::CallbackAttemptFailed => ("CALLBACK_ATTEMPT_FAILED", &[], "callbacks"),
        Kind::CallbackFinalAttemptFailed => ("CALLBACK_FINAL_ATTEMPT_FAILED", &[], "callbacks"),
    }
}

/// The key of the texts, by what is known.
const fn template(kind: Kind, media: Option<Media>, arguments: &Arguments) -> &'static str {
    let (from, queue, snippet) =
        (arguments.from.is_some(), arguments.queue.is_some(), arguments.snippet.is_some());
    match kind {
        Kind::NewMessage => match (from, snippet) {
            (true, true) => "new_message.from_snippet",
            (true, false) => "new_message.from",
            (false, true) => "new_message.snippet",
            (false, false) => "new_message",
        },
        Kind::IncomingCall => match (from, queue) {
            (true, true) => "incoming_call.from_queue",
            (true, false) => "incoming_call.from",
            (false, true) => "incoming_call.queue",
            (false, false) => "incoming_call",
        },
        Kind::IncomingOffer => match media {
            Some(Media::Chat) => "incoming_chat",
            Some(Media::Callback) => "incoming_callback",
            Some(Media::Email) => "incoming_email",
            _ => "incoming_message",
        },
        Kind::MissedCall => "missed_call",
        Kind::Forwarded => {
            if from {
                "forwarded.from"
            } else {
                "forwarded"
            }
        }
        Kind::Invited => {
            if from {
                "invited.from"
            } else {
                "invited"
            }
        }
        Kind::Delegated => {
            if from {
                "delegated.from"
            } else {
                "delegated"
            }
        }
        Kind::CallbackUpcoming => "callback_upcoming",
        Kind::CallbackReady => "callback_ready",
        Kind::CallbackNumber => "callback_number",
        Kind::CallbackPurged => "callback_purged",
        Kind::CallbackAttemptFailed => "callback_attempt_failed",
        Kind::CallbackFinalAttemptFailed => "callback_final_attempt_failed",
    }
}

const fn count(kind: Kind, arguments: &Arguments) -> u32 {
    match (kind, arguments.minutes) {
        (Kind::NewMessage, _) => arguments.unread,
        (Kind::CallbackUpcoming, Some(minutes)) => minutes,
        _ => 1,
    }
}

/// `/conversations/{id}`; the id is percent-encoded (RFC 3986 §2.1).
///
/// ```
/// let id = "a/b".parse()?;
/// assert_eq!(reveille_conversation::content::path(&id), "/conversations/a%2Fb");
/// # Ok::<(), reveille_conversation::id::InvalidId>(())
/// ```
#[must_use]
pub fn path(conversation: &ConversationId) -> String {
    const START: &str = "/conversations/";
    let id = conversation.as_str();
    let mut path = String::with_capacity(START.len() + id.len());
    path.push_str(START);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    if id.bytes().all(plain) {
        path.push_str(id);
        return path;
    }
    for byte in id.bytes() {
        if plain(byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

/// What a tap does in the conversation.
const fn tap(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::IncomingCall | Kind::IncomingOffer => Some("join"),
        Kind::CallbackReady => Some("confirm"),
        Kind::CallbackNumber => Some("call"),
        _ => None,
    }
}

/// The parts of a text: fills `{from}`, `{queue}`, `{snippet}`, `{number}`, `{count}`, `{attempt}` and `{of}`. What is not
/// known is left out; other braces stay. What people wrote comes in as one line, without marks that turn the direction of
/// what stands behind it: it may end up in the subject of an e-mail.
///
/// ```
/// use reveille_conversation::{Arguments, content};
/// let arguments = Arguments { from: Some("Ann".into()), ..Arguments::default() };
/// assert_eq!(content::fill("From {from}: {count} {new}", &arguments, 3), "From Ann: 3 {new}");
/// ```
#[must_use]
pub fn fill(template: &str, arguments: &Arguments, count: u32) -> String {
    fn known(text: Option<&crate::text::Text>) -> Option<Cow<'_, str>> {
        Some(text.map_or(Cow::Borrowed(""), |text| one_line(text.as_str())))
    }
    let mut text = String::with_capacity(template.len().saturating_add(96));
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        let number =
            |number: Option<u32>| Some(number.map_or(Cow::Borrowed(""), |n| Cow::Owned(n.to_string())));
        let value = match name {
            "from" => known(arguments.from.as_ref()),
            "queue" => known(arguments.queue.as_ref()),
            "snippet" => known(arguments.snippet.as_ref()),
            "number" => known(arguments.number.as_ref()),
            "count" => number(Some(count)),
            "attempt" => number(arguments.attempt.map(|(attempt, _)| attempt)),
            "of" => number(arguments.attempt.map(|(_, of)| of)),
            _ => None,
        };
        match value {
            Some(value) => {
                text.push_str(&value);
                rest = behind;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

/// Control characters become blanks; embeddings, overrides and isolates (UAX #9 §2) go.
fn one_line(text: &str) -> Cow<'_, str> {
    // Without an early exit, so that the loop is vectorised: most texts have nothing to replace.
    if text.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if !text.chars().any(|c| turns(c) || breaks(c)) {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().filter(|c| !turns(*c));
    Cow::Owned(kept.map(|c| if breaks(c) { ' ' } else { c }).collect())
}
