//! Inputs as bytes, and outputs for hashes: a byte for the version, one for the kind, then what the crates below write.

mod notes;

use reveille_conversation as conversation;
use reveille_core::UnixTime;
use reveille_delivery as delivery;
use reveille_delivery::{DeviceId, JobId};
use reveille_digest::Policy;
use reveille_digest::snapshot::Codec;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::settings::all::More;
use crate::{
    CatchUp, Command, Content, Deferred, Devices, GatewaySettings, Input, Job, LookUp, Outcome, Output,
    Target,
};

/// The version of the encoding of inputs, their first byte.
const VERSION: u8 = 1;

/// Why bytes are not an input: the error of [`Input::decode`]. A log that holds such bytes is damaged, or newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidInput {
    /// Another version wrote it.
    #[error("the input has version {given}: this library reads version {VERSION}")]
    Version {
        /// What it has.
        given: u8,
    },
    /// It was cut or changed.
    #[error("the input is damaged")]
    Damaged,
}

/// What needs no other crate's encoding.
#[derive(Serialize, Deserialize)]
enum Own {
    Resume(crate::resume::Resume),
    Command(Command),
    ClockStep(UnixTime, UnixTime),
    Owner(crate::Epoch),
    DropDevice(DeviceId),
}

mod tag {
    pub(super) const TICK: u8 = 0;
    pub(super) const EVENT: u8 = 1;
    /// What the rules alone are told.
    pub(super) const RULES: u8 = 2;
    /// What delivery alone is told.
    pub(super) const DELIVERY: u8 = 3;
    pub(super) const OWN: u8 = 4;
    pub(super) const SETTINGS: u8 = 5;
    pub(super) const RECOVERED: u8 = 6;
    pub(super) const ANNOUNCE: u8 = 7;
    pub(super) const PAGE: u8 = 8;
}

impl Input {
    /// Appends the compact form that a log holds.
    pub fn encode(&self, out: &mut Vec<u8>) {
        // A message with its ids and a line of text, or an answer with a device or two: most are written without growing.
        out.reserve(if matches!(self, Self::Event { .. }) { 320 } else { 96 });
        out.push(VERSION);
        let rules = |out: &mut Vec<u8>, input: conversation::Input| {
            out.push(tag::RULES);
            input.encode(out);
        };
        let own = |out: &mut Vec<u8>, own: Own| {
            out.push(tag::OWN);
            postcard_into(&own, out);
        };
        let delivery = |out: &mut Vec<u8>, input: delivery::Input| {
            out.push(tag::DELIVERY);
            input.encode(out);
        };
        match self {
            Self::Tick => out.push(tag::TICK),
            Self::Event { source, event } => {
                out.push(tag::EVENT);
                source.0.encode(out);
                postcard_into(event, out);
            }
            Self::Announce { source, announcement } => {
                out.push(tag::ANNOUNCE);
                source.0.encode(out);
                postcard_into(announcement, out);
            }
            Self::Page(page) => {
                out.push(tag::PAGE);
                postcard_into(page, out);
            }
            Self::Person(event) => rules(out, conversation::Input::Person(event.clone())),
            Self::Queue(event) => rules(out, conversation::Input::Queue(event.clone())),
            Self::Answer(answer) => rules(out, conversation::Input::Answer(answer.clone())),
            Self::Rules(new) => rules(out, conversation::Input::Rules(new.clone())),
            Self::Devices(answer) => delivery(out, answer.clone().into()),
            Self::Attempt { job, device, attempt } => {
                let (job, device, attempt) = (*job, *device, *attempt);
                delivery(out, delivery::Input::Attempt { job, device, attempt });
            }
            Self::Outcome(outcome) => delivery(out, outcome.clone().into()),
            Self::Deferred(deferred) => delivery(out, (*deferred).into()),
            Self::DropDevice(device) => own(out, Own::DropDevice(*device)),
            Self::Resume(resume) => own(out, Own::Resume(resume.clone())),
            Self::Command(command) => own(out, Own::Command(command.clone())),
            Self::ClockStep { was, is } => own(out, Own::ClockStep(*was, *is)),
            Self::Owner(epoch) => own(out, Own::Owner(*epoch)),
            Self::Settings(settings) => {
                out.push(tag::SETTINGS);
                settings.encode(out);
            }
            Self::Recovered(CatchUp { digests, spread }) => {
                out.push(tag::RECOVERED);
                digests.encode(out);
                spread.encode(out);
            }
        }
    }

    /// Reads what [`encode`](Self::encode) wrote, to the last byte.
    ///
    /// # Errors
    /// [`InvalidInput`].
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidInput> {
        let (version, rest) = bytes.split_first().ok_or(InvalidInput::Damaged)?;
        if *version != VERSION {
            return Err(InvalidInput::Version { given: *version });
        }
        read(rest).ok_or(InvalidInput::Damaged)
    }
}

fn read(bytes: &[u8]) -> Option<Input> {
    let (kind, mut rest) = bytes.split_first()?;
    Some(match *kind {
        tag::TICK => rest.is_empty().then_some(Input::Tick)?,
        tag::EVENT => {
            let source = crate::SourceId(u16::decode(&mut rest)?);
            Input::Event { source, event: from_postcard(rest)? }
        }
        tag::ANNOUNCE => {
            let source = crate::SourceId(u16::decode(&mut rest)?);
            Input::Announce { source, announcement: from_postcard(rest)? }
        }
        tag::PAGE => Input::Page(from_postcard(rest)?),
        tag::RULES => match conversation::Input::decode(rest).ok()? {
            conversation::Input::Person(event) => Input::Person(event),
            conversation::Input::Queue(event) => Input::Queue(event),
            conversation::Input::Answer(answer) => Input::Answer(answer),
            conversation::Input::Rules(rules) => Input::Rules(rules),
            _ => return None,
        },
        tag::DELIVERY => match delivery::Input::decode(rest).ok()? {
            delivery::Input::Resolved { job, devices } => {
                Input::Devices(Devices { job, devices, let_go: false })
            }
            delivery::Input::LetGo { job, devices } => Input::Devices(Devices { job, devices, let_go: true }),
            delivery::Input::Attempt { job, device, attempt } => Input::Attempt { job, device, attempt },
            delivery::Input::Outcome { job, device, attempt, verdict } => {
                Input::Outcome(Outcome { job, device, attempt, verdict })
            }
            delivery::Input::Deferred { job, device, until, by } => {
                Input::Deferred(Deferred { job, device, until, by })
            }
            _ => return None,
        },
        tag::OWN => match from_postcard(rest)? {
            Own::Resume(resume) => Input::Resume(resume),
            Own::Command(command) => Input::Command(command),
            Own::ClockStep(was, is) => Input::ClockStep { was, is },
            Own::Owner(epoch) => Input::Owner(epoch),
            Own::DropDevice(device) => Input::DropDevice(device),
        },
        tag::SETTINGS => Input::Settings(Box::new(GatewaySettings::decode(rest)?)),
        tag::RECOVERED => {
            let (digests, spread) = (Codec::decode(&mut rest)?, Codec::decode(&mut rest)?);
            rest.is_empty().then_some(Input::Recovered(CatchUp { digests, spread }))?
        }
        _ => return None,
    })
}

impl GatewaySettings {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        self.digests.encode(out);
        self.digest_limits.encode(out);
        postcard_into(&self.more, out);
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let digests = Policy::decode(&mut bytes)?;
        let digest_limits = Codec::decode(&mut bytes)?;
        let more: More = from_postcard(bytes)?;
        Some(Self { digests, digest_limits, more })
    }
}

impl From<Outcome> for delivery::Input {
    fn from(outcome: Outcome) -> Self {
        let Outcome { job, device, attempt, verdict } = outcome;
        Self::Outcome { job, device, attempt, verdict }
    }
}

impl From<Devices> for delivery::Input {
    fn from(answer: Devices) -> Self {
        let Devices { job, devices, let_go } = answer;
        if let_go { Self::LetGo { job, devices } } else { Self::Resolved { job, devices } }
    }
}

impl From<Deferred> for delivery::Input {
    fn from(deferred: Deferred) -> Self {
        let Deferred { job, device, until, by } = deferred;
        Self::Deferred { job, device, until, by }
    }
}

/// Writing to a vector cannot fail; if it did, what was written would read as damaged.
pub(crate) fn postcard_into<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let start = out.len();
    if postcard::serialize_with_flavor(value, Behind(out)).is_err() {
        out.truncate(start);
    }
}

/// Appends texts as a whole, where postcard's own writer takes them byte by byte.
struct Behind<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Behind<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// To the last byte.
pub(crate) fn from_postcard<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

impl Output {
    /// Appends the output as bytes: for hashes and for comparing two machines, not to be read again. The same on every
    /// machine, within a behaviour.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::LookUp(LookUp::Name(lookup)) => {
                out.push(0);
                postcard_into(lookup, out);
            }
            Self::LookUp(LookUp::Devices(recipient)) => {
                out.push(1);
                recipient.job.to_bits().encode(out);
                postcard_into(&(&recipient.person, &recipient.conversation, recipient.kind), out);
                postcard_into(&(recipient.channels, &*recipient.except, recipient.not_after), out);
                out.push(recipient.priority as u8);
                out.push(if recipient.is_at_once() { 1 + u8::from(recipient.maybe_again) } else { 0 });
            }
            Self::LookUp(LookUp::Audience(wanted)) => {
                out.push(10);
                postcard_into(&(wanted.announcement, &wanted.audience, &wanted.after, wanted.limit), out);
            }
            Self::Attempt { job, device, attempt } => name(2, *job, *device, *attempt, out),
            Self::CallOff { job } => {
                out.push(11);
                job.to_bits().encode(out);
            }
            Self::Send(job) => put_job(3, job, out),
            Self::FallBack(job) => put_job(4, job, out),
            Self::Withdraw { job, device } => name(5, *job, *device, 0, out),
            Self::Device { device, for_calls, effect, at } => {
                out.push(6);
                put_target(Target::Device(*device), out);
                out.push(u8::from(*for_calls));
                let gone = match effect {
                    delivery::Effect::Accepted => (0, None),
                    delivery::Effect::Suspect => (1, None),
                    delivery::Effect::Gone { if_registered_before } => (2, *if_registered_before),
                    _ => (3, None),
                };
                postcard_into(&(gone, at), out);
            }
            Self::Resume(effect) => {
                out.push(7);
                postcard_into(effect, out);
            }
            Self::DeadLetter { letter, job } => {
                out.push(8);
                (letter.to_bits(), job.to_bits()).encode(out);
            }
            Self::Note(note) => {
                out.push(9);
                notes::put(note, out);
            }
        }
    }
}

fn name(tag: u8, job: JobId, device: DeviceId, attempt: u8, out: &mut Vec<u8>) {
    out.push(tag);
    (job.to_bits(), device.to_bits(), attempt).encode(out);
}

fn put_target(target: Target, out: &mut Vec<u8>) {
    let (revision, class) = target.device().map_or((0, u8::MAX), |device| (device.revision, device.class.0));
    (target.id().to_bits(), revision, class).encode(out);
}

fn put_job(tag: u8, job: &Job, out: &mut Vec<u8>) {
    name(tag, job.job, job.target.id(), job.attempt, out);
    put_target(job.target, out);
    (job.leg.to_bits(), job.generation, job.maybe_again).encode(out);
    (job.decided, job.not_after, job.priority as u8).encode(out);
    job.digest.to_bits().encode(out);
    postcard_into::<Content>(&job.content, out);
}
