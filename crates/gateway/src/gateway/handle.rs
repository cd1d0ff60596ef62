//! Inputs, one by one. All that is due has happened.

use reveille_conversation::Input as RulesInput;
use reveille_conversation::event::{Event, PersonEvent, QueueEvent, What};
use reveille_conversation::id::PersonId;
use reveille_conversation::lookup::Answer;
use reveille_core::{Machine as _, UnixTime};
use reveille_delivery::explain::Status;
use reveille_delivery::{self as delivery, Delivery};
use reveille_digest::Input as DigestInput;

use super::Gateway;
use super::host::Key;
use super::jobs::ways_of;
use super::trail::Why;
use crate::{Command, Content, Deferred, GatewaySettings, Input, Note, SourceId};

impl Gateway {
    pub(super) fn handle(&mut self, input: Input) {
        match input {
            Input::Tick => self.tick(),
            // Their effect was before what is due.
            Input::ClockStep { .. } => {}
            Input::Recovered(_) => self.audiences.forget_asked(),
            Input::Event { source, event } => self.on_event(source, *event),
            Input::Announce { source, announcement } => self.on_announce(source, *announcement),
            Input::Page(page) => self.on_page(page),
            Input::Person(event) => {
                let at = self.timeline.of_rules(event.at);
                self.tell_rules(RulesInput::Person(PersonEvent { at, ..event }));
            }
            Input::Queue(event) => {
                let at = self.timeline.of_rules(event.at);
                self.tell_rules(RulesInput::Queue(QueueEvent { at, ..event }));
            }
            Input::Answer(Answer { of, text }) => self.tell_rules(RulesInput::Answer(Answer { of, text })),
            Input::Rules(rules) => self.tell_rules(RulesInput::Rules(rules)),
            Input::Devices(devices) => self.to_delivery.push_back(devices.into()),
            Input::Attempt { job, device, attempt } => {
                self.to_delivery.push_back(delivery::Input::Attempt { job, device, attempt });
            }
            Input::Outcome(outcome) => self.to_delivery.push_back(outcome.into()),
            Input::Deferred(deferred) => self.on_deferred(deferred),
            Input::DropDevice(device) => self.to_delivery.push_back(delivery::Input::DropDevice { device }),
            Input::Resume(resume) => self.on_resume(resume),
            Input::Settings(settings) => self.on_settings(*settings),
            Input::Command(command) => self.on_command(command),
            Input::Owner(epoch) => {
                self.epoch = self.epoch.max(epoch);
                self.note(Note::Owned(self.epoch));
            }
        }
    }

    /// What is due has happened; and every part forgets what its time is over for, also one that heard nothing for long.
    fn tick(&mut self) {
        self.tell_rules(RulesInput::Tick);
        self.tell_digests(DigestInput::Tick, self.now);
        self.tell_delivery(delivery::Input::Tick, self.now);
    }

    fn tell_rules(&mut self, input: RulesInput) {
        let now = self.timeline.of_rules(self.now);
        self.rules.step(input, now);
    }

    fn on_event(&mut self, source: SourceId, mut event: Event) {
        event.at = self.timeline.of_rules(event.at);
        self.counting.events = self.counting.events.saturating_add(1);
        let id = event.id.as_ref().map(|id| self.seed.event(source, id));
        if let (Some(hash), Some(name)) = (id, &event.id)
            && let Err(why) = self.take_id(hash, event.at)
        {
            self.trail.not_taken(hash, why);
            return self.note(Note::NotTaken { source, event: name.clone(), why });
        }
        self.trail.enter(id);
        self.leaving = leaves(&event);
        self.tell_rules(RulesInput::Event(event));
    }

    /// Each event and each announcement once; its time is on the rules' clock.
    pub(super) fn take_id(&mut self, id: u128, at: UnixTime) -> Result<(), Why> {
        let (span, most) = (self.settings.event_ids_for(), self.settings.more.event_ids);
        let now = self.timeline.of_rules(self.now);
        self.accepted.take(id, at, span, most, now).inspect_err(|why| {
            let count = match why {
                Why::AlreadyTaken => &mut self.counting.already_taken,
                Why::TooOld | Why::NoRoom => &mut self.counting.too_old,
            };
            *count = count.saturating_add(1);
        })
    }

    /// Held for a person: what was collected goes back, so that it goes on collecting (§ quiet hours). Otherwise delivery
    /// waits.
    fn on_deferred(&mut self, deferred: Deferred) {
        if deferred.until > self.now + super::audiences::A_WHILE {
            self.audiences.waits(deferred.job);
        }
        if deferred.device.is_none()
            && let Some(live) = self.jobs.get_mut(&deferred.job)
            && let (Some(batch), Content::Show { intent, .. }) = (live.batch, &*live.content)
            && is_unresolved(&self.delivery, deferred)
        {
            live.batch = None;
            let person = live.content.person().clone();
            let key = Key { person, conversation: live.content.conversation().clone() };
            // Of what was read meanwhile, or whose reader left, nothing goes back.
            let goes_back = self.digests.in_flight(&key, batch) > 0;
            if let Content::Show { messages, .. } = &*live.content
                && goes_back
                && ways_of(live.content.channels()) > 1
            {
                self.told_elsewhere.insert(key.clone(), *messages);
            }
            let (slot, from) = (live.slot, intent.generation.to_bits().saturating_add(1));
            self.to_delivery.push_back(delivery::Input::Cancel { slot, generation: from });
            if self.delivery.awaits_what_left(deferred.job) {
                // This was the answer: nothing has left.
                let (job, devices) = (deferred.job, Vec::new());
                self.to_delivery.push_back(delivery::Input::LetGo { job, devices });
            }
            return self.to_digests.push_back(DigestInput::Held(key, batch, deferred.until));
        }
        self.to_delivery.push_back(deferred.into());
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Redrive { from, to, every, until } => {
                self.revive_announcements(from, to);
                self.to_delivery.push_back(delivery::Input::Redrive { from, to, every, until });
            }
            Command::CancelAnnouncement(id) => self.cancel_announcement(id),
            Command::Discard(letter) => self.to_delivery.push_back(delivery::Input::Discard { letter }),
            Command::Flush { person, conversation } => {
                let key = Key { person, conversation };
                self.to_digests.push_back(DigestInput::Recheck(
                    vec![key.clone()],
                    reveille_digest::catch_up::Rate::UNLIMITED,
                ));
                self.to_digests.push_back(DigestInput::FlushNow(key));
            }
        }
    }

    fn on_settings(&mut self, settings: GatewaySettings) {
        let works = settings.check().is_ok();
        if works {
            self.apply_settings(settings);
        }
        self.note(Note::SettingsChanged(works));
    }

    fn apply_settings(&mut self, settings: GatewaySettings) {
        self.to_digests.push_back(DigestInput::Policy(settings.digest_policy()));
        self.to_digests.push_back(DigestInput::Limits(settings.digest_limits));
        // Delivery takes settings when it is read.
        let mut bytes = Vec::new();
        self.delivery.write_snapshot(&mut bytes);
        if let Ok(bounds) = settings.delivery()
            && let Ok(delivery) = Delivery::read_snapshot(bounds, self.seed.delivery(), &bytes)
        {
            self.delivery = delivery;
            self.told.delivery = true;
        }
        self.trail.set_bound(settings.more.trail);
        self.settings = settings;
    }
}

fn is_unresolved(delivery: &Delivery, deferred: Deferred) -> bool {
    let status = delivery.explain(deferred.job).map(|explanation| explanation.status);
    matches!(status, Some(Status::Resolving | Status::Held { .. }))
}

/// Who leaves a conversation with this event.
fn leaves(event: &Event) -> Option<Key> {
    let person: &PersonId = match &event.what {
        What::Left(left) | What::GuestSessionEnded(left) => &left.person,
        _ => return None,
    };
    Some(Key { person: person.clone(), conversation: event.conversation.clone() })
}
