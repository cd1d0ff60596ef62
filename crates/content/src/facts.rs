//! The app's own keys, the same on all services.

use reveille_conversation::content::Layout;
use reveille_conversation::event::Role;
use reveille_conversation::lookup::Takes;
use reveille_conversation::{Kind, Withdraw};
use reveille_core::UnixTime;
use reveille_payload::{ObjectWriter, label, write_integer};

use crate::subject::Name;
use crate::{Slip, Subject};

/// Routing data, what the slip adds, and when it ends: each a string under a key that no service keeps for itself. Made of
/// references and numbers, and written as often as is needed.
pub(crate) struct Facts<'a> {
    pub(crate) subject: Subject<'a>,
    pub(crate) tag: Name,
    pub(crate) path: &'a str,
    tap: Option<&'static str>,
    category: &'static str,
    channel_type: &'static str,
    call: Option<Name>,
    issued_at: UnixTime,
    pub(crate) token: Option<&'a str>,
}

/// What an app draws itself on Android, if it does.
#[derive(Clone, Copy)]
pub(crate) struct Drawn<'a> {
    pub(crate) title: &'a str,
    pub(crate) body: Option<&'a str>,
    pub(crate) channel: &'a str,
}

impl<'a> Facts<'a> {
    /// `path` is the conversation's.
    pub(crate) fn new(subject: Subject<'a>, slip: &'a Slip, path: &'a str) -> Self {
        let (layout, episode) = match subject {
            Subject::Intent(intent) => (Some(Layout::of(intent)), intent.episode),
            Subject::Withdraw(withdraw) => (None, withdraw.episode),
        };
        // A "missed" is about a ring, but is none.
        let episode = episode.filter(|_| subject.kind() == Kind::IncomingCall);
        Self {
            subject,
            tag: Name::tag(subject.collapse()),
            path,
            tap: layout.and_then(|layout| layout.tap),
            category: layout.map_or("", |layout| layout.category),
            channel_type: layout.map_or("", |layout| layout.channel_type),
            call: episode.map(|episode| Name::call(subject.collapse(), episode)),
            issued_at: slip.issued_at(),
            // A cancel leads nowhere.
            token: slip.resume_token().filter(|_| matches!(subject, Subject::Intent(_))),
        }
    }

    /// Writes all of them, in the order of their keys.
    pub(crate) fn write(&self, to: &mut impl Entries, drawn: Option<Drawn<'_>>) {
        let (subject, tag) = (self.subject, self.tag.as_str());
        let withdraw = if let Subject::Withdraw(withdraw) = subject { Some(withdraw) } else { None };
        if let Some(withdraw) = withdraw {
            to.text(label!("action"), words(withdraw).1);
            if let Some(who) = &withdraw.answered_by {
                to.text(label!("answered_by"), who.as_str());
            }
        }
        if let Some(body) = drawn.and_then(|drawn| drawn.body) {
            to.text(label!("body"), body);
        }
        if let Some(call) = &self.call {
            to.text(label!("callUuid"), call.as_str());
        }
        match withdraw {
            Some(withdraw) => to.text(label!("cause"), withdraw.cause.as_str()),
            None => to.text(label!("category"), self.category),
        }
        if let Some(drawn) = drawn {
            to.text(label!("channelId"), drawn.channel);
        }
        if withdraw.is_none() {
            to.text(label!("channelType"), self.channel_type);
        }
        to.text(label!("collapse"), tag);
        if let Subject::Intent(intent) = subject
            && intent.role == Role::Visitor
        {
            to.text(label!("contactId"), intent.recipient.as_str());
        }
        to.text(label!("conversationId"), subject.conversation().as_str());
        let (generation, episode) = match subject {
            Subject::Intent(intent) => (intent.generation, intent.episode),
            Subject::Withdraw(withdraw) => (withdraw.generation, withdraw.episode),
        };
        if let Some(episode) = episode {
            to.number(label!("episode"), episode.to_bits().into());
        }
        to.number(label!("generation"), generation.to_bits());
        to.text(label!("kind"), subject.kind().as_str());
        if let Subject::Intent(intent) = subject {
            to.link(label!("link"), self.path, self.tap);
            if let Some(media) = intent.media {
                to.text(label!("mediaType"), media.as_str());
            }
        }
        to.number(label!("notAfter"), subject.not_after().as_millis());
        if let Some(token) = self.token {
            to.text(label!("resumeToken"), token);
        }
        if drawn.is_some() {
            to.text(label!("tag"), tag);
        }
        to.number(label!("timestamp"), self.issued_at.as_millis());
        if let Some(drawn) = drawn {
            to.text(label!("title"), drawn.title);
        }
        if let Some(withdraw) = withdraw {
            to.text(label!("type"), words(withdraw).0);
        }
        to.text(label!("userId"), subject.recipient().as_str());
    }

    /// All of them as pairs, for messages that are to be changed or cut.
    pub(crate) fn pairs(&self, drawn: Option<Drawn<'_>>) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::with_capacity(24);
        self.write(&mut pairs, drawn);
        pairs
    }
}

/// Type and action of what takes something back.
fn words(withdraw: &Withdraw) -> (&'static str, &'static str) {
    if withdraw.how == Takes::Cancel { ("CALL_CANCEL", "cancel_ring") } else { ("INVALIDATE", "invalidate") }
}

/// Where they go: straight into a message's JSON, or into pairs.
pub(crate) trait Entries {
    fn text(&mut self, label: &'static str, text: &str);
    /// As a string: all values are.
    fn number(&mut self, label: &'static str, number: u64);
    /// Path and action: percent-encoded, so that nothing in them is escaped.
    fn link(&mut self, label: &'static str, path: &str, action: Option<&str>);
}

impl Entries for ObjectWriter<'_> {
    fn text(&mut self, label: &'static str, text: &str) {
        ObjectWriter::text(self, label, text);
    }

    fn number(&mut self, label: &'static str, number: u64) {
        let out = self.value(label);
        out.push(b'"');
        write_integer(out, number);
        out.push(b'"');
    }

    fn link(&mut self, label: &'static str, path: &str, action: Option<&str>) {
        let out = self.value(label);
        out.push(b'"');
        write_link(out, path, action);
        out.push(b'"');
    }
}

impl Entries for Vec<(&'static str, String)> {
    fn text(&mut self, label: &'static str, text: &str) {
        self.push((label.trim_matches([',', '"', ':']), text.to_owned()));
    }

    fn number(&mut self, label: &'static str, number: u64) {
        Entries::text(self, label, &number.to_string());
    }

    fn link(&mut self, label: &'static str, path: &str, action: Option<&str>) {
        let query = action.map(|action| format!("?action={action}")).unwrap_or_default();
        Entries::text(self, label, &format!("{path}{query}"));
    }
}

/// A path, and what is done there.
pub(crate) fn write_link(out: &mut Vec<u8>, path: &str, action: Option<&str>) {
    out.extend_from_slice(path.as_bytes());
    if let Some(action) = action {
        out.extend_from_slice(b"?action=");
        out.extend_from_slice(action.as_bytes());
    }
}
