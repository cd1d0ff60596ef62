//! What delivery says.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use reveille_core::UnixTime;
use reveille_delivery::{self as delivery, Device, Effect, JobId, Output, Resolve, Send, SlotId, Verdict};

use super::Gateway;
use super::jobs::Live;
use crate::job::First;
use crate::wire::from_postcard;
use crate::{Content, Job, LookUp, Note, Recipient, Target};

impl Gateway {
    pub(super) fn on_delivery(&mut self, output: Output) {
        match output {
            Output::Resolve(asked) => self.resolve(asked),
            Output::CallOff { job } => self.out.push_back(crate::Output::CallOff { job }),
            Output::Commit { job, device, attempt } => {
                self.out.push_back(crate::Output::Attempt { job, device, attempt });
            }
            Output::Send(send) => self.send(send),
            Output::Withdraw { job, device } => self.out.push_back(crate::Output::Withdraw { job, device }),
            Output::Device { device, effect, at } => self.device(device, effect, at),
            Output::LegSettled { job, device, fate } => self.note(Note::LegSettled { job, device, fate }),
            Output::Settled { job, fate } => self.settled(job, fate),
            Output::Note(note) => self.delivery_note(note),
            _ => {}
        }
    }

    fn resolve(&mut self, asked: Resolve) {
        let Some(live) = self.know(asked.job, 0, asked.slot, asked.not_after, &asked.content) else { return };
        let (content, decided) = (Arc::clone(&live.content), live.decided);
        let except = match &*content {
            Content::Show { intent, .. } if !intent.except.is_empty() => {
                intent.except.iter().map(|device| self.seed.device(device)).collect()
            }
            _ => Arc::default(),
        };
        let first = asked.at_once.then(|| First {
            generation: asked.generation,
            decided,
            digest: asked.digest,
            content: Arc::clone(&content),
            most: asked.most,
        });
        self.out.push_back(crate::Output::LookUp(LookUp::Devices(Recipient {
            job: asked.job,
            person: content.person().clone(),
            conversation: content.conversation().clone(),
            kind: content.kind(),
            role: content.role(),
            channels: content.channels(),
            except,
            priority: asked.priority,
            not_after: asked.not_after,
            maybe_again: asked.maybe_again,
            first,
        })));
    }

    /// What is known of a job. One that comes back from the dead letters was forgotten.
    fn know(
        &mut self,
        job: JobId,
        way: u8,
        slot: SlotId,
        not_after: UnixTime,
        content: &[u8],
    ) -> Option<&Live> {
        let known = match self.jobs.entry(job) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let content = from_postcard(content).map(Arc::new)?;
                place.insert(Live {
                    content,
                    decided: self.now,
                    not_after,
                    slot,
                    batch: None,
                    way,
                    again: true,
                })
            }
        };
        Some(known)
    }

    fn send(&mut self, send: Send) {
        let target = Target::of(send.device);
        let way = target.way().unwrap_or(0);
        let known = self.know(send.job, way, send.slot, send.not_after, &send.content);
        let Some(live) = known else { return };
        let (content, decided) = (Arc::clone(&live.content), live.decided);
        if content.takes_back() && target.channel().is_some_and(|channel| !content.channels().has(channel)) {
            return self.stay_silent(&send);
        }
        let collapse = content.collapse();
        let job = Box::new(Job {
            job: send.job,
            leg: send.leg,
            target,
            person: content.person().clone(),
            conversation: content.conversation().clone(),
            attempt: send.attempt,
            maybe_again: send.maybe_again,
            generation: send.generation,
            collapse,
            decided,
            not_after: send.not_after,
            priority: send.priority,
            digest: send.digest,
            content,
        });
        self.out.push_back(match target {
            Target::Device(_) => crate::Output::Send(job),
            Target::Webhook | Target::Email | Target::Sms => crate::Output::FallBack(job),
        });
    }

    /// The matrix has no cancel on this channel (E5). For the slot the device counts as told.
    fn stay_silent(&mut self, send: &Send) {
        let (job, device, attempt) = (send.job, send.device.id, send.attempt);
        self.note(Note::Silent { job, device });
        let verdict = Verdict::Accepted { status: 0 };
        self.to_delivery.push_back(delivery::Input::Outcome { job, device, attempt, verdict });
    }

    /// What is no device has no record.
    fn device(&mut self, device: Device, effect: Effect, at: UnixTime) {
        if let Target::Device(_) = Target::of(device) {
            // An effect follows from an answer only, at once.
            let answered = self.jobs.get(&self.answering);
            let for_calls = answered.is_some_and(|live| live.content.is_for_calls());
            self.out.push_back(crate::Output::Device { device, for_calls, effect, at });
        }
    }

    fn delivery_note(&mut self, note: delivery::Note) {
        match note {
            delivery::Note::Dead { letter, job } => {
                self.out.push_back(crate::Output::DeadLetter { letter, job });
            }
            delivery::Note::Redriven { .. } => self.forget_the_dead(),
            delivery::Note::Duplicate { job } if self.delivery.job(job).is_none() => {
                // It ended before.
                self.jobs.remove(&job);
                self.audiences.settled(job);
            }
            _ => {}
        }
        self.note(Note::Delivery(note));
    }
}
