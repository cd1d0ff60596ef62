//! A hash of outputs, so that a replay notices that it decides otherwise than the machine that wrote the log.

use reveille_delivery::JobId;

use crate::{Content, Job, LookUp, Note, Output, Recipient, Target};

/// Words of 64 bits, folded one by one: against accidents, as the log's check sum. What a name stands for is not hashed
/// again: a job's name is a hash of recipient, conversation, kind and generation, and its digest one of what it says.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutputHash {
    sum: u64,
    /// Encoded outputs; its memory is used again.
    scratch: Vec<u8>,
}

impl OutputHash {
    /// All so far; 0 for none.
    pub(crate) const fn sum(&self) -> u64 {
        self.sum
    }

    /// The multiplication spreads each bit over both halves, which are laid on one another.
    #[inline]
    fn word(&mut self, word: u64) {
        let product = u128::from(self.sum ^ word ^ 0x9E37_79B9_7F4A_7C15) * 0xC2B2_AE3D_27D4_EB4F;
        self.sum = (product as u64) ^ ((product >> 64) as u64).rotate_left(17);
    }

    #[inline]
    fn name(&mut self, bits: u128) {
        self.word(bits as u64);
        self.word((bits >> 64) as u64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.word(u64::from_le_bytes(*word)));
        self.word(rest.iter().fold(rest.len() as u64, |word, byte| word << 8 | u64::from(*byte)));
    }

    /// What comes with nearly every event has its own short way; everything else is encoded.
    pub(crate) fn take_in(&mut self, output: &Output) {
        match output {
            Output::LookUp(LookUp::Devices(recipient)) => self.recipient(recipient),
            Output::Send(job) => self.job(1, job),
            Output::FallBack(job) => self.job(2, job),
            Output::Note(Note::Begun { job, .. }) => self.about(3, *job),
            Output::Note(Note::LegSettled { job, device, fate }) => {
                self.about(4, *job);
                self.name(device.to_bits());
                self.word(*fate as u64);
            }
            Output::Note(Note::Settled { job, fate }) => {
                self.about(5, *job);
                self.word(*fate as u64);
            }
            other => {
                let mut scratch = std::mem::take(&mut self.scratch);
                scratch.clear();
                other.encode(&mut scratch);
                self.word(6);
                self.bytes(&scratch);
                self.scratch = scratch;
            }
        }
    }

    fn about(&mut self, what: u64, job: JobId) {
        self.word(what);
        self.name(job.to_bits());
    }

    fn recipient(&mut self, recipient: &Recipient) {
        self.about(7, recipient.job);
        self.word(recipient.not_after.as_millis());
        let channels = reveille_conversation::Channel::ALL.iter().enumerate();
        self.word(
            channels.fold(0, |bits, (at, channel)| {
                bits | u64::from(recipient.channels.has(*channel)) << (at & 63)
            }),
        );
        recipient.except.iter().for_each(|device| self.name(device.to_bits()));
        if let Some(first) = &recipient.first {
            self.word(u64::from(recipient.maybe_again));
            self.word(first.digest.to_bits());
            self.word(first.decided.as_millis());
            self.word(first.generation);
        }
    }

    fn job(&mut self, what: u64, job: &Job) {
        self.about(what, job.job);
        self.name(job.leg.to_bits());
        let (revision, class) = match job.target {
            Target::Device(device) => (device.revision, device.class.0),
            _ => (0, u8::MAX),
        };
        self.word(revision);
        self.word(u64::from(class) << 16 | u64::from(job.attempt) << 8 | u64::from(job.maybe_again));
        self.word(job.generation);
        self.word(job.decided.as_millis());
        self.word(job.not_after.as_millis());
        self.word(job.digest.to_bits());
        self.word(u64::from(matches!(*job.content, Content::TakeBack(_))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_conversation::{CollapseKey, Generation, Intent, Kind};
    use reveille_core::UnixTime;
    use reveille_delivery::{Device, DeviceId, Fate, LegId, PayloadDigest};

    fn sum(outputs: &[Output]) -> u64 {
        let mut hash = OutputHash::default();
        outputs.iter().for_each(|output| hash.take_in(output));
        hash.sum()
    }

    fn job() -> Job {
        let intent = Intent {
            conversation: "c1".parse().unwrap(),
            recipient: "ann".parse().unwrap(),
            role: reveille_conversation::event::Role::Visitor,
            kind: Kind::NewMessage,
            media: None,
            urgency: Kind::NewMessage.urgency(),
            collapse: CollapseKey::from_bits(9),
            generation: Generation::from_bits(5),
            episode: None,
            not_after: UnixTime::from_secs(50),
            channels: reveille_conversation::rules::Channels::default(),
            except: Vec::new(),
            arguments: reveille_conversation::Arguments::default(),
        };
        let content = Content::Show { intent: Box::new(intent), messages: 1, senders: 1, announcement: None };
        let device = Device::new(DeviceId::from_bits(3), 1);
        let (job, leg) = (JobId::from_bits(1), LegId::of(JobId::from_bits(1), device.id));
        Job::new(job, leg, Target::Device(device), content.into(), UnixTime::from_secs(5))
    }

    /// Two outputs that differ in anything that leads to another request have different hashes.
    #[test]
    fn what_differs_differs() {
        let job = job();
        let change = |change: fn(&mut Job)| {
            let mut other = Box::new(job.clone());
            change(&mut other);
            Output::Send(other)
        };
        let recipient = Recipient::new(job.job, &job.content, job.not_after);
        let first = |decided| crate::job::First {
            generation: job.generation,
            decided,
            digest: job.digest,
            content: std::sync::Arc::clone(&job.content),
            most: 8,
        };
        let at_once = |maybe_again, decided| {
            let recipient = Recipient { maybe_again, first: Some(first(decided)), ..recipient.clone() };
            Output::LookUp(LookUp::Devices(recipient))
        };
        let at_once =
            [at_once(false, job.decided), at_once(true, job.decided), at_once(false, UnixTime::from_secs(6))];
        let spared = Recipient { except: [DeviceId::from_bits(3)].into(), ..recipient.clone() };
        let (leg, settled) = (job.job, job.job);
        let all = [
            change(|_| {}),
            change(|job| job.attempt = 2),
            change(|job| job.maybe_again = true),
            change(|job| job.generation += 1),
            change(|job| job.leg = LegId::from_bits(8)),
            change(|job| job.job = JobId::from_bits(8)),
            change(|job| job.decided = UnixTime::from_secs(6)),
            change(|job| job.not_after = UnixTime::from_secs(51)),
            change(|job| job.digest = PayloadDigest::from_bits(8)),
            change(|job| job.target = Target::Webhook),
            change(|job| job.target = Target::Device(Device::new(DeviceId::from_bits(3), 2))),
            Output::FallBack(Box::new(job.clone())),
            Output::LookUp(LookUp::Devices(recipient)),
            Output::LookUp(LookUp::Devices(spared)),
            Output::Note(Note::Settled { job: settled, fate: Fate::Gone }),
            Output::Note(Note::Settled { job: settled, fate: Fate::Expired }),
            Output::Note(Note::LegSettled { job: leg, device: DeviceId::from_bits(3), fate: Fate::Gone }),
            Output::Withdraw { job: leg, device: DeviceId::from_bits(3) },
            Output::Withdraw { job: leg, device: DeviceId::from_bits(4) },
            Output::CallOff { job: leg },
        ];
        let all: Vec<Output> = all.into_iter().chain(at_once).collect();
        let mut sums: Vec<u64> = all.iter().map(|output| sum(std::slice::from_ref(output))).collect();
        sums.extend([sum(&all), sum(&all[1..]), 0]);
        sums.push(sum(&all.iter().rev().cloned().collect::<Vec<_>>()));
        let count = sums.len();
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), count);
    }
}
