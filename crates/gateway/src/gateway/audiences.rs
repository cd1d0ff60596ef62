//! Large audiences: page after page, as far as there is room for their jobs.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use reveille_conversation::id::PersonId;
use reveille_conversation::{Kind, Slot};
use reveille_core::{UnixTime, Wakeup};
use reveille_delivery::dead::DeadLetter;
use reveille_delivery::{self as delivery, JobId, Priority};
use serde::{Deserialize, Serialize};

use super::Gateway;
use super::jobs::{Telling, ways_of};
use super::timeline::Timeline;
use super::trail::Why;
use crate::audience::{Announcement, AnnouncementId, Ended, Page, PageRefused, Progress, Wanted};
use crate::wire::from_postcard;
use crate::{Content, LookUp, Note, Output, SourceId};

/// A page that was wrong is asked for again after this; and a job that waits longer takes no credit.
pub(super) const A_WHILE: Duration = Duration::from_secs(60);

/// Announcements that go on, and some that have ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Audiences {
    /// The next page is the first one's; then it goes to the end.
    live: VecDeque<Live>,
    ended: VecDeque<Progress>,
    /// Whether a page was asked for, for the first one; until when it is waited for, on the rules' clock.
    asked: Option<UnixTime>,
    /// Jobs that are not settled, and whether they hold a credit.
    jobs: BTreeMap<JobId, (AnnouncementId, bool)>,
    /// Jobs with a credit.
    holding: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Live {
    id: AnnouncementId,
    what: Announcement,
    after: Option<PersonId>,
    told: u64,
    pages: u64,
    refused: u64,
}

impl Audiences {
    pub(super) fn live(&self) -> usize {
        self.live.len()
    }

    pub(super) fn open_jobs(&self) -> usize {
        self.jobs.len()
    }

    pub(super) fn has(&self, job: JobId) -> bool {
        self.jobs.contains_key(&job)
    }

    /// A job of an announcement is begun.
    pub(super) fn begun(&mut self, job: JobId, of: AnnouncementId) {
        if !matches!(self.jobs.insert(job, (of, true)), Some((_, true))) {
            self.holding = self.holding.saturating_add(1);
        }
    }

    /// A job is settled.
    pub(super) fn settled(&mut self, job: JobId) {
        if let Some((_, holds)) = self.jobs.remove(&job) {
            self.holding = self.holding.saturating_sub(u32::from(holds));
        }
    }

    /// A job waits until a person wants to hear: others need not wait for that.
    pub(super) fn waits(&mut self, job: JobId) {
        if let Some((_, holds)) = self.jobs.get_mut(&job)
            && std::mem::replace(holds, false)
        {
            self.holding = self.holding.saturating_sub(1);
        }
    }

    /// The process died: what it asked for is not answered any more.
    pub(super) fn forget_asked(&mut self) {
        self.asked = None;
    }

    pub(super) fn next_wakeup(&self, timeline: &Timeline) -> Option<Wakeup> {
        let asked = self.asked.map(|until| timeline.of_wall(until));
        let asked = asked.map(|at| Wakeup { at, reason: "a page of an audience is not there" });
        let over = self.live.iter().map(|live| live.what.not_after).min();
        let over = over.map(|at| Wakeup { at, reason: "an announcement is of no more use" });
        asked.into_iter().chain(over).min_by_key(|wakeup| wakeup.at)
    }

    fn progress(&self, live: &Live, ended: Option<Ended>) -> Progress {
        let first = self.live.front().is_some_and(|first| first.id == live.id);
        Progress {
            announcement: live.id,
            audience: live.what.audience.clone(),
            after: live.after.clone(),
            told: live.told,
            pages: live.pages,
            pages_refused: live.refused,
            open: self.open(live.id),
            asked: first && self.asked.is_some(),
            ended,
        }
    }

    fn open(&self, id: AnnouncementId) -> u64 {
        self.jobs.values().filter(|(of, _)| *of == id).count() as u64
    }

    pub(super) fn of(&self, id: AnnouncementId) -> Option<Progress> {
        if let Some(live) = self.live.iter().find(|live| live.id == id) {
            return Some(self.progress(live, None));
        }
        let ended = self.ended.iter().rev().find(|ended| ended.announcement == id)?;
        Some(Progress { open: self.open(id), ..ended.clone() })
    }

    /// What is wrong with a page.
    fn check(&self, page: &Page) -> Result<(), PageRefused> {
        let Some(first) = self.live.front().filter(|_| self.asked.is_some()) else {
            return Err(PageRefused::NotWanted);
        };
        if first.id != page.announcement || first.after != page.after {
            return Err(PageRefused::NotWanted);
        }
        if page.people.is_empty() && !page.last {
            return Err(PageRefused::Empty);
        }
        let before = page.after.iter().chain(&page.people).map(PersonId::as_str);
        let rises = before.clone().zip(before.skip(1)).all(|(one, next)| one < next);
        if rises { Ok(()) } else { Err(PageRefused::Order) }
    }
}

impl Gateway {
    pub(super) fn on_announce(&mut self, source: SourceId, what: Announcement) {
        let id = self.seed.announcement(source, &what.id);
        let at = self.timeline.of_rules(what.at);
        if let Err(why) = self.take_id(id.to_bits(), at) {
            self.trail.not_taken(id.to_bits(), why);
            return self.note(Note::NotTaken { source, event: what.id, why });
        }
        if self.audiences.live() >= usize::from(self.settings.more.announcements) {
            // Admission refuses it; but the bound may have been lowered since.
            self.trail.not_taken(id.to_bits(), Why::NoRoom);
            return self.note(Note::NotTaken { source, event: what.id, why: Why::NoRoom });
        }
        self.counting.announcements = self.counting.announcements.saturating_add(1);
        self.trail.announced(id);
        self.note(Note::Announced { announcement: id, audience: what.audience.clone() });
        self.audiences.live.push_back(Live { id, what, after: None, told: 0, pages: 0, refused: 0 });
    }

    /// Asks for the next page, if there is room for what follows from it; `false` if not. It is the last thing that is done.
    pub(super) fn ask_page(&mut self) -> bool {
        if self.audiences.asked.is_some() {
            return false;
        }
        let more = &self.settings.more;
        // Half of the room for jobs is everybody else's.
        let jobs = u64::from(more.jobs / 2).saturating_sub(self.delivery.len() as u64);
        let credit = more.audience_jobs.saturating_sub(self.audiences.holding);
        let Some(first) = self.audiences.live.front() else { return false };
        let each = self.rules.rules().ways(Kind::NewMessage, first.what.role).map_or(1, ways_of);
        let room = credit.min(u32::try_from(jobs).unwrap_or(u32::MAX)) / each.max(1);
        // However small the settings are, one at a time goes on.
        let room = room.max(u32::from(self.audiences.holding == 0 && jobs > 0));
        let page = u32::from(more.page);
        if room < page && (room == 0 || self.audiences.holding > 0) {
            return false;
        }
        let limit = u16::try_from(room.min(page)).unwrap_or(u16::MAX);
        let until = self.timeline.of_rules(self.now) + more.answer_within;
        let wanted = Wanted {
            announcement: first.id,
            audience: first.what.audience.clone(),
            after: first.after.clone(),
            limit,
        };
        self.audiences.asked = Some(until);
        self.out.push_back(Output::LookUp(LookUp::Audience(wanted)));
        true
    }

    pub(super) fn on_page(&mut self, mut page: Page) {
        if let Err(why) = self.audiences.check(&page) {
            if why != PageRefused::NotWanted {
                self.audiences.asked = Some(self.timeline.of_rules(self.now) + A_WHILE);
                if let Some(first) = self.audiences.live.front_mut() {
                    first.refused = first.refused.saturating_add(1);
                }
            }
            self.counting.pages_refused = self.counting.pages_refused.saturating_add(1);
            return self.note(Note::PageRefused { announcement: page.announcement, why });
        }
        let Some(mut live) = self.audiences.live.pop_front() else { return };
        self.audiences.asked = None;
        let channels = match self.rules.rules().ways(Kind::NewMessage, live.what.role) {
            Ok(channels) => channels,
            Err(reason) => {
                self.counting.suppressed(reason);
                return self.end_announcement(live, Ended::Suppressed(reason));
            }
        };
        let most = usize::from(self.settings.more.page);
        let last = page.last && page.people.len() <= most;
        page.people.truncate(most);
        for person in &page.people {
            let collapse =
                self.seed.conversations().collapse_key(person, &live.what.conversation, Slot::Message);
            let generation = self.next_generation();
            let intent = live.what.intent(person, collapse, generation, channels);
            self.tell(Telling {
                generation: generation.to_bits(),
                not_after: intent.not_after,
                content: Content::Show {
                    intent: Box::new(intent),
                    messages: 1,
                    senders: 1,
                    announcement: Some(live.id),
                },
                batch: None,
                except: None,
                told_elsewhere: 0,
            });
        }
        let told = page.people.len() as u64;
        live.told = live.told.saturating_add(told);
        live.pages = live.pages.saturating_add(1);
        self.counting.announced = self.counting.announced.saturating_add(told);
        self.counting.pages = self.counting.pages.saturating_add(1);
        live.after = page.people.pop().or(live.after);
        if last {
            self.end_announcement(live, Ended::All);
        } else {
            self.audiences.live.push_back(live);
        }
    }

    /// A page is not there in time, or an announcement is of no more use.
    pub(super) fn audiences_due(&mut self) {
        let now = self.now;
        let over = self.audiences.live.iter().position(|live| live.what.not_after <= now);
        if let Some(at) = over {
            if at == 0 {
                self.audiences.asked = None;
            }
            if let Some(live) = self.audiences.live.remove(at) {
                self.end_announcement(live, Ended::Expired);
            }
        } else {
            self.audiences.asked = None;
        }
    }

    /// What waits does not leave any more, nor does what is dead live again; what has left stays.
    pub(super) fn cancel_announcement(&mut self, id: AnnouncementId) {
        if let Some(at) = self.audiences.live.iter().position(|live| live.id == id) {
            if at == 0 {
                self.audiences.asked = None;
            }
            if let Some(live) = self.audiences.live.remove(at) {
                self.end_announcement(live, Ended::Cancelled);
            }
        }
        let of_it = self.audiences.jobs.iter().filter(|(_, (of, _))| *of == id);
        for job in of_it.filter_map(|(job, _)| self.delivery.job(*job)) {
            let (slot, generation) = (job.slot, job.generation.saturating_add(1));
            self.to_delivery.push_back(delivery::Input::Cancel { slot, generation });
        }
        for (letter, _) in self.delivery.dead_letters().filter(|(_, letter)| announced_in(letter) == Some(id))
        {
            self.to_delivery.push_back(delivery::Input::Discard { letter });
        }
    }

    /// What is dead may live again, and can be cancelled then. It holds nobody up.
    pub(super) fn revive_announcements(&mut self, from: UnixTime, to: UnixTime) {
        let chosen = self.delivery.dead_letters().filter(|(_, letter)| (from..to).contains(&letter.died));
        for (_, letter) in chosen {
            if let Some(of) = announced_in(letter) {
                self.audiences.jobs.entry(letter.job.id).or_insert((of, false));
            }
        }
    }

    /// What was chosen, and stayed dead.
    pub(super) fn forget_the_dead(&mut self) {
        self.audiences.jobs.retain(|job, (_, holds)| *holds || self.delivery.job(*job).is_some());
    }

    fn end_announcement(&mut self, live: Live, ended: Ended) {
        let progress = self.audiences.progress(&live, Some(ended));
        self.note(Note::AnnouncementEnded { announcement: live.id, ended, told: live.told });
        self.audiences.ended.push_back(progress);
        while self.audiences.ended.len() > usize::from(self.settings.more.announcements) {
            self.audiences.ended.pop_front();
        }
    }
}

/// The announcement of a dead letter. Redrives and cancels are few: each letter may be opened.
fn announced_in(letter: &DeadLetter) -> Option<AnnouncementId> {
    if letter.job.priority != Priority::Low {
        return None;
    }
    from_postcard::<Content>(&letter.job.content)?.announcement()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A push that is dead is redriven, and the text message in its place, which waits for its turn, is begun anew.
    #[test]
    fn a_job_that_comes_back_and_is_begun_again_holds_one_credit() {
        let (job, of) = (JobId::from_bits(1), AnnouncementId::from_bits(2));
        let mut audiences = Audiences::default();
        audiences.jobs.insert(job, (of, false));
        for _ in 0..2 {
            audiences.begun(job, of);
            assert_eq!((audiences.holding, audiences.open(of)), (1, 1));
        }
        audiences.waits(job);
        assert_eq!(audiences.holding, 0);
        audiences.begun(job, of);
        audiences.settled(job);
        assert_eq!((audiences.holding, audiences.open(of)), (0, 0));
    }
}
