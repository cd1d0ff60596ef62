//! Notes as bytes. The hash of the outputs is in the log, so every note has a number that stays, and no text that follows
//! from a name in this code.

use reveille_conversation::id::{ConversationId, PersonId};
use reveille_delivery as delivery;
use reveille_digest::Fate;
use reveille_digest::snapshot::Codec as _;

use super::{name, postcard_into, put_target};
use crate::Note;

/// Numbers are taken once, and never again for something else.
pub(super) fn put(note: &Note, out: &mut Vec<u8>) {
    match note {
        Note::Suppressed(suppressed) => {
            out.push(0);
            postcard_into(suppressed, out);
        }
        Note::Rules(note) => {
            out.push(1);
            postcard_into(note, out);
        }
        Note::Begun { job, person, conversation, kind } => {
            out.push(2);
            postcard_into(&(job, person, conversation, kind), out);
        }
        Note::LegSettled { job, device, fate } => {
            name(3, *job, *device, 0, out);
            out.push(*fate as u8);
        }
        Note::Settled { job, fate } => {
            out.push(4);
            (job.to_bits(), *fate as u8).encode(out);
        }
        Note::NotTaken { source, event, why } => {
            out.push(5);
            postcard_into(&(source.0, event, why), out);
        }
        Note::Dropped { person, conversation, fate, count } => {
            out.push(6);
            put_place(person, conversation, out);
            put_fate(*fate, out);
            count.encode(out);
        }
        Note::Silent { job, device } => name(7, *job, *device, 0, out),
        Note::PushFailed { job, person, conversation, kind, fate, instead } => {
            out.push(8);
            (job.to_bits(), *fate as u8).encode(out);
            postcard_into(&(person, conversation, kind), out);
            if let Some(instead) = instead {
                put_target(*instead, out);
            }
        }
        Note::HandshakeFailed { person, conversation } => {
            out.push(9);
            put_place(person, conversation, out);
        }
        Note::NoHandshake { token } => {
            out.push(10);
            token.0.encode(out);
        }
        Note::Announced { announcement, audience } => {
            out.push(11);
            postcard_into(&(announcement, audience), out);
        }
        Note::PageRefused { announcement, why } => {
            out.push(12);
            postcard_into(&(announcement, why), out);
        }
        Note::AnnouncementEnded { announcement, ended, told } => {
            out.push(13);
            postcard_into(&(announcement, ended, told), out);
        }
        Note::Delivery(note) => {
            out.push(14);
            put_delivery(*note, out);
        }
        Note::SettingsChanged(works) => out.extend_from_slice(&[15, u8::from(*works)]),
        Note::ClockStepped { was, is } => {
            out.push(16);
            (*was, *is).encode(out);
        }
        Note::Owned(epoch) => {
            out.push(17);
            epoch.0.encode(out);
        }
    }
}

fn put_place(person: &PersonId, conversation: &ConversationId, out: &mut Vec<u8>) {
    postcard_into(&(person, conversation), out);
}

fn put_fate(fate: Fate, out: &mut Vec<u8>) {
    let (number, generation) = match fate {
        Fate::Pending => (0, 0),
        Fate::Notified { generation } => (1, generation.to_bits()),
        Fate::Merged { generation } => (2, generation.to_bits()),
        Fate::ReadBefore => (3, 0),
        Fate::Duplicate => (4, 0),
        Fate::Throttled => (5, 0),
        Fate::Quiet => (6, 0),
        Fate::Cancelled => (7, 0),
        Fate::Expired => (8, 0),
        Fate::Refused => (9, 0),
        Fate::Superseded => (10, 0),
    };
    (number as u8, generation).encode(out);
}

fn put_delivery(note: delivery::Note, out: &mut Vec<u8>) {
    use delivery::Note;
    match note {
        Note::Duplicate { job } => put_number(0, job.to_bits(), out),
        Note::Stale { job } => put_number(1, job.to_bits(), out),
        Note::Dead { letter, job } => {
            put_number(2, job.to_bits(), out);
            letter.to_bits().encode(out);
        }
        Note::DeadLetterLost { letter } => put_number(3, letter.to_bits().into(), out),
        Note::Redriven { started, skipped } => {
            out.push(4);
            (started, skipped).encode(out);
        }
        Note::Arrived { letter, job } => {
            put_number(5, job.to_bits(), out);
            letter.to_bits().encode(out);
        }
        // Every one that is known has its number above.
        _ => out.push(u8::MAX),
    }
}

fn put_number(number: u8, bits: u128, out: &mut Vec<u8>) {
    out.push(number);
    bits.encode(out);
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use reveille_conversation::id::{AudienceId, EventId};
    use reveille_conversation::{Kind, Noted, Reason, Suppressed};
    use reveille_core::UnixTime;
    use reveille_delivery::dead::DeadId;
    use reveille_delivery::{DeviceId, JobId};
    use reveille_digest::Generation;

    use super::*;
    use crate::audience::{AnnouncementId, Ended, PageRefused};
    use crate::explain::Why;
    use crate::resume::TokenId;
    use crate::{Epoch, Output, SourceId, Target};

    fn notes() -> Vec<Note> {
        let (job, device, letter) = (JobId::from_bits(1), DeviceId::from_bits(2), DeadId::from_bits(3));
        let person = || -> PersonId { "ann".parse().unwrap() };
        let conversation = || -> ConversationId { "c".parse().unwrap() };
        let event: EventId = "e".parse().unwrap();
        let audience: AudienceId = "all".parse().unwrap();
        let announcement = AnnouncementId::from_bits(4);
        let (kind, generation) = (Kind::NewMessage, Generation::from_bits(5));
        let dropped = |fate| Note::Dropped { person: person(), conversation: conversation(), fate, count: 6 };
        let failed = |instead| Note::PushFailed {
            job,
            person: person(),
            conversation: conversation(),
            kind,
            fate: delivery::Fate::Exhausted,
            instead,
        };
        let mut all = vec![
            Note::Suppressed(Suppressed {
                conversation: Some(conversation()),
                recipient: Some(person()),
                kind: None,
                reason: Reason::Late,
            }),
            Note::Rules(reveille_conversation::Note {
                conversation: Some(conversation()),
                person: None,
                what: Noted::RulesChanged,
            }),
            Note::Begun { job, person: person(), conversation: conversation(), kind },
            Note::LegSettled { job, device, fate: delivery::Fate::Gone },
            Note::Settled { job, fate: delivery::Fate::Gone },
            Note::Silent { job, device },
            failed(None),
            failed(Some(Target::Webhook)),
            failed(Some(Target::Sms)),
            Note::HandshakeFailed { person: person(), conversation: conversation() },
            Note::NoHandshake { token: TokenId(7) },
            Note::Announced { announcement, audience },
            Note::AnnouncementEnded { announcement, ended: Ended::Cancelled, told: 8 },
            Note::AnnouncementEnded { announcement, ended: Ended::Suppressed(Reason::Late), told: 8 },
            Note::Delivery(delivery::Note::Duplicate { job }),
            Note::Delivery(delivery::Note::Stale { job }),
            Note::Delivery(delivery::Note::Dead { letter, job }),
            Note::Delivery(delivery::Note::DeadLetterLost { letter }),
            Note::Delivery(delivery::Note::Redriven { started: 1, skipped: 2 }),
            Note::Delivery(delivery::Note::Arrived { letter, job }),
            Note::SettingsChanged(false),
            Note::SettingsChanged(true),
            Note::ClockStepped { was: UnixTime::from_secs(1), is: UnixTime::from_secs(2) },
            Note::Owned(Epoch(9)),
        ];
        let whys = [Why::AlreadyTaken, Why::TooOld, Why::NoRoom];
        all.extend(whys.map(|why| Note::NotTaken { source: SourceId(1), event: event.clone(), why }));
        let whys = [PageRefused::NotWanted, PageRefused::Order, PageRefused::Empty];
        all.extend(whys.map(|why| Note::PageRefused { announcement, why }));
        let fates = [
            Fate::Pending,
            Fate::Notified { generation },
            Fate::Merged { generation },
            Fate::ReadBefore,
            Fate::Duplicate,
            Fate::Throttled,
            Fate::Quiet,
            Fate::Cancelled,
            Fate::Expired,
            Fate::Refused,
            Fate::Superseded,
        ];
        all.extend(fates.map(dropped));
        all
    }

    /// What stands here is in logs: other bytes are another behaviour.
    #[test]
    fn every_note_has_its_number() {
        let mut lines = String::new();
        for note in notes() {
            let mut out = Vec::new();
            Output::Note(note).encode(&mut out);
            out.iter().for_each(|byte| write!(lines, "{byte:02x}").unwrap());
            lines.push('\n');
        }
        insta::assert_snapshot!(lines, @"
        09000101630103616e6e000b
        09010101630005
        09020103616e6e016300
        090301000000000000000000000000000000020000000000000000000000000000000002
        09040100000000000000000000000000000002
        0907010000000000000000000000000000000200000000000000000000000000000000
        0908010000000000000000000000000000000703616e6e016300
        0908010000000000000000000000000000000703616e6e0163000100000000000000000000000000000000ff01
        0908010000000000000000000000000000000703616e6e0163000300000000000000000000000000000000ff01
        090903616e6e0163
        090a07000000000000000000000000000000
        090b0403616c6c
        090d040208
        090d04030b08
        090e0001000000000000000000000000000000
        090e0101000000000000000000000000000000
        090e020100000000000000000000000000000003
        090e0303000000000000000000000000000000
        090e040102
        090e050100000000000000000000000000000003
        090f00
        090f01
        0910e807d00f
        091109
        090501016500
        090501016501
        090501016502
        090c0400
        090c0401
        090c0402
        090603616e6e0163000006
        090603616e6e0163010506
        090603616e6e0163020506
        090603616e6e0163030006
        090603616e6e0163040006
        090603616e6e0163050006
        090603616e6e0163060006
        090603616e6e0163070006
        090603616e6e0163080006
        090603616e6e0163090006
        090603616e6e01630a0006
        ");
        let mut known: Vec<&str> = lines.lines().collect();
        let count = known.len();
        known.sort_unstable();
        known.dedup();
        assert_eq!(known.len(), count, "what differs differs");
    }
}
