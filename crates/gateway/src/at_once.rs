//! Rings leave after one commit: first attempts go out while it is still being written down to which devices.

use std::collections::HashMap;

use reveille_delivery::{Device, DeviceId, JobId, LegId};

use crate::hashed::Hashed;
use crate::job::First;
use crate::{Devices, Job, Recipient, Target};

/// The driver's list of first attempts that leave at once: one for each process, beside the pacer, and as volatile.
///
/// A [`LookUp::Devices`](crate::LookUp::Devices) needs two commits before the first byte, that of its cause and that of its
/// answer. Where [`Recipient::is_at_once`] says so, one is enough: the answer says that the first attempts
/// have left, and the machine waits for their outcomes.
///
/// 1. a look-up comes: [`ask`](Self::ask);
/// 2. the devices are picked: [`let_go`](Self::let_go) hands the answer in and gives the jobs; or the person is held back:
///    [`defer`](Self::defer), and the answer is [`Deferred`](crate::Deferred);
/// 3. [`Output::CallOff`](crate::Output::CallOff) comes: [`call_off`](Self::call_off) gives the devices from which the
///    attempts are to be withdrawn;
/// 4. the job is [settled](crate::Note::Settled): [`settled`](Self::settled).
///
/// The jobs exist after the answer was handed in only, so their outcomes come behind it into the log. That is all the order
/// that is needed; who does not want it answers a look-up with [`Devices`] as it is, and gets
/// [`Output::Send`](crate::Output::Send) for each device after the commit.
///
/// ```
/// # use reveille_conversation::event::{Event, Offer, What};
/// # use reveille_core::UnixTime;
/// # use reveille_delivery::{Device, DeviceId};
/// use reveille_gateway::*;
///
/// # let gateway = Gateway::new(Default::default(), GatewaySettings::default(), Seed::new([7; 16]))?;
/// # let (mut shard, mut admission) = (Shard::new(gateway), Admission::new(AdmissionLimits::default()));
/// # let now = UnixTime::from_secs(1_700_000_000);
/// # let offer = Offer { caller_name: Some("Bob".into()), ..Offer::new("kate".parse()?) };
/// # let event = Event::new("call-1".parse()?, What::CallOffered(offer), now);
/// admission.admit(Input::Event { source: SourceId(1), event: event.into() }, shard.gateway())?;
/// let outputs = shard.group(now).fill(&mut admission).seal().committed(); // the only commit before the ring
/// let mut at_once = AtOnce::default();
/// let recipient = outputs.into_iter().find_map(|(_, output)| match output {
///     Output::LookUp(LookUp::Devices(recipient)) => Some(recipient),
///     _ => None,
/// });
/// let recipient = recipient.ok_or("a ring")?;
/// at_once.ask(&recipient);
/// let phone = Device::new(DeviceId::from_bits(7), 1).with_class(class::FCM);
/// let answer = Devices::new(recipient.job, [phone]);
/// let jobs = at_once.let_go(&recipient, answer, |answer| {
///     admission.admit(answer.into(), shard.gateway()).expect("answers are never refused");
/// });
/// assert_eq!((jobs.len(), jobs[0].attempt), (1, 1)); // write them, and let them go
/// // The answer is committed with whatever comes next. Nothing is sent because of it.
/// let outputs = shard.group(now).fill(&mut admission).seal().committed();
/// assert_eq!(outputs.filter(|(_, output)| !output.is_note()).count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct AtOnce {
    jobs: HashMap<JobId, Open, Hashed>,
}

/// What is known of a job that is not settled.
#[derive(Debug, Default)]
struct Open {
    /// Nothing more leaves at once: it was called off, or has left.
    closed: bool,
    let_go: Vec<DeviceId>,
}

impl AtOnce {
    /// A look-up came. Without this, [`let_go`](Self::let_go) lets nothing go.
    pub fn ask(&mut self, recipient: &Recipient) {
        if recipient.is_at_once() {
            self.jobs.entry(recipient.job).or_default();
        }
    }

    /// The devices were picked. Calls `hand_in` once with the answer, which is to be admitted before anything else of this
    /// job is; gives the jobs that leave now. There are none where that is not allowed, was called off, or has happened: who
    /// is asked twice, as it may be after a restart, lets go once. Then the machine says with
    /// [`Output::Send`](crate::Output::Send) what leaves.
    pub fn let_go(
        &mut self,
        recipient: &Recipient,
        answer: Devices,
        hand_in: impl FnOnce(Devices),
    ) -> Vec<Job> {
        let open = self.jobs.get_mut(&recipient.job).filter(|open| !open.closed);
        let (Some(first), Some(open), true) = (&recipient.first, open, answer.job == recipient.job) else {
            hand_in(Devices { let_go: false, ..answer });
            return Vec::new();
        };
        open.closed = true;
        let most = answer.devices.len().min(first.most);
        let mut jobs = Vec::with_capacity(most);
        open.let_go.reserve_exact(most);
        for device in &answer.devices {
            if jobs.len() < first.most && !open.let_go.contains(&device.id) {
                open.let_go.push(device.id);
                jobs.push(job(recipient, first, *device));
            }
        }
        hand_in(Devices { let_go: true, ..answer });
        jobs
    }

    /// The answer is [`Deferred`](crate::Deferred): nothing leaves.
    pub fn defer(&mut self, job: JobId) {
        self.jobs.remove(&job);
    }

    /// The job is not wanted any more: nothing of it leaves from now on, and from these devices what has not left is to be
    /// withdrawn, as with [`Output::Withdraw`](crate::Output::Withdraw).
    #[must_use = "what has not left has to be withdrawn"]
    pub fn call_off(&mut self, job: JobId) -> Vec<DeviceId> {
        let Some(open) = self.jobs.get_mut(&job) else { return Vec::new() };
        open.closed = true;
        std::mem::take(&mut open.let_go)
    }

    /// The job has ended.
    pub fn settled(&mut self, job: JobId) {
        self.jobs.remove(&job);
    }

    /// How many jobs are not settled of which something left at once, or may.
    #[must_use]
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

fn job(recipient: &Recipient, first: &First, device: Device) -> Job {
    Job {
        job: recipient.job,
        leg: LegId::of(recipient.job, device.id),
        target: Target::of(device),
        person: recipient.person.clone(),
        conversation: recipient.conversation.clone(),
        attempt: 1,
        maybe_again: recipient.maybe_again,
        generation: first.generation,
        collapse: first.content.collapse(),
        decided: first.decided,
        not_after: recipient.not_after,
        priority: recipient.priority,
        digest: first.digest,
        content: first.content.clone(),
    }
}
