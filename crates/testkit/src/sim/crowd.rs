//! Announcements for many: who is on which list, when each is made and when it is cancelled, and what the store of lists answers.

use std::time::Duration;

use reveille_conversation::id::{ConversationId, PersonId};
use reveille_core::UnixTime;
use reveille_gateway::audience::{Announcement, AnnouncementId, Page, Wanted};
use reveille_gateway::{Command, Input, Seed};

use super::Faults;
use super::draw::Draw;
use super::next::Next;
use super::node::Done;
use super::people::{People, text};
use super::world::{SOURCE, World, shard_of};

/// One announcement for so many events.
const EVENTS: usize = 200;

/// An announcement, and who is to be told.
#[derive(Debug)]
pub(super) struct News {
    pub(super) what: Announcement,
    /// Rising.
    pub(super) list: Vec<PersonId>,
    arrives: Vec<UnixTime>,
    /// When somebody wants it to stop.
    cancel: Option<UnixTime>,
    /// Whether its source, and whoever cancelled it, have their acknowledgements.
    taken: bool,
    called_off: bool,
}

#[derive(Debug)]
pub(super) struct Crowd {
    pub(super) news: Vec<News>,
    /// Chance of its own, so that all else is as it would be without.
    pub(super) draw: Draw,
}

impl Crowd {
    /// For `events` events within a span.
    pub(super) fn new(
        people: &People,
        events: usize,
        faults: Faults,
        start: UnixTime,
        span: Duration,
        mut draw: Draw,
    ) -> Self {
        let span = u64::try_from(span.as_millis()).unwrap_or_default();
        let news = (0..events.div_ceil(EVENTS)).map(|number| {
            let share = 300 + draw.below(700);
            let mut list: Vec<PersonId> =
                people.people.iter().filter(|_| draw.per_mille(share)).map(|one| one.id.clone()).collect();
            list.sort();
            let at = start + draw.ms(0, span);
            let name = format!("news-{number}");
            let what = Announcement::new(text(&name), text(&name), text(&name), &name, at);
            // Of use for so long that everybody is told, whatever goes wrong; or for the first of them only.
            let useful =
                if draw.per_mille(150) { draw.ms(2_000, 60_000) } else { Duration::from_secs(6 * 3_600) };
            let mut arrives = vec![at];
            if faults != Faults::None && draw.per_mille(300) {
                arrives.push(at + draw.ms(0, 60_000));
            }
            let cancel = draw.per_mille(300).then(|| at + draw.ms(0, 40_000));
            let what = what.with_from("Shop").with_not_after(at + useful);
            News { what, list, arrives, cancel, taken: false, called_off: false }
        });
        Self { news: news.collect(), draw }
    }

    pub(super) fn id(&self, number: usize, seed: Seed) -> Option<AnnouncementId> {
        self.news.get(number).map(|news| seed.announcement(SOURCE, &news.what.id))
    }

    /// The announcement that a conversation is about.
    pub(super) fn about(&self, there: &ConversationId) -> Option<(usize, &News)> {
        self.news.iter().enumerate().find(|(_, news)| news.what.conversation == *there)
    }

    pub(super) fn set_taken(&mut self, number: usize, taken: bool) {
        if let Some(news) = self.news.get_mut(number) {
            news.taken = taken;
        }
    }

    pub(super) fn set_called_off(&mut self, number: usize, done: bool) {
        if let Some(news) = self.news.get_mut(number) {
            news.called_off = done;
        }
    }
}

impl News {
    /// Nobody has to be left out because of the time.
    pub(super) fn is_for_all(&self) -> bool {
        self.what.not_after.since(self.what.at) > Duration::from_secs(3_600)
    }

    fn page(&self, wanted: &Wanted) -> Page {
        let from = wanted.after.as_ref().map_or(0, |after| self.list.partition_point(|one| one <= after));
        let rest = self.list.get(from..).unwrap_or_default();
        let most = usize::from(wanted.limit).min(rest.len());
        Page::of(wanted, rest.iter().take(most).cloned().collect(), most == rest.len())
    }
}

impl World {
    pub(super) fn plan_news(&mut self) {
        for number in 0..self.crowd.news.len() {
            let Some(news) = self.crowd.news.get(number) else { return };
            let (arrives, cancel) = (news.arrives.clone(), news.cancel);
            for at in arrives {
                self.at(at, Next::Announce(number));
            }
            if let Some(at) = cancel {
                self.at(at, Next::CallNewsOff(number));
            }
        }
    }

    pub(super) fn announce(&mut self, number: usize) {
        if self.node.is_none() {
            return self.after(Duration::from_secs(1), Next::Announce(number));
        }
        let Some(news) = self.crowd.news.get(number) else { return };
        let announcement = Box::new(news.what.clone());
        self.admit_news(number, Done::Announced(number), Input::Announce { source: SOURCE, announcement });
    }

    /// An operator sees it, and wants it to stop.
    pub(super) fn call_news_off(&mut self, number: usize) {
        let seen = self.crowd.news.get(number).is_some_and(|news| news.taken);
        let Some(id) = self.crowd.id(number, self.seed).filter(|_| seen && self.node.is_some()) else {
            return self.after(Duration::from_secs(1), Next::CallNewsOff(number));
        };
        self.admit_news(number, Done::CalledOff(number), Input::Command(Command::CancelAnnouncement(id)));
    }

    fn admit_news(&mut self, number: usize, done: Done, input: Input) {
        let Some(news) = self.crowd.news.get(number) else { return };
        let shard = shard_of(self.seed, &news.what.conversation);
        let inputs = self.meddle.input(input);
        let Some(cell) = self.node.as_mut().and_then(|node| node.cells.get_mut(shard)) else { return };
        for input in inputs {
            cell.admit(input);
        }
        // Whoever breaks the driver believes that it was done.
        let ticket = cell.admit(Input::Tick);
        cell.tickets.push((ticket, done));
        self.schedule(shard);
    }

    /// What nobody acknowledged comes again.
    pub(super) fn send_news_again(&mut self) {
        let now = self.truth;
        let before = |at: &UnixTime| *at <= now;
        for number in 0..self.crowd.news.len() {
            let Some(news) = self.crowd.news.get(number) else { return };
            let announce = !news.taken && news.arrives.iter().any(before);
            let call_off = news.taken && !news.called_off && news.cancel.as_ref().is_some_and(before);
            let wait = self.crowd.draw.ms(0, 2_000);
            if announce {
                self.after(wait, Next::Announce(number));
            }
            if call_off {
                self.after(wait, Next::CallNewsOff(number));
            }
        }
    }

    /// Whether an input is the page that ends a list, and of which announcement.
    pub(super) fn ends_list(&self, input: &Input) -> Option<Done> {
        let Input::Page(page) = input else { return None };
        let is_taken = page.last && page.people.is_sorted();
        let number = (0..self.crowd.news.len())
            .find(|number| self.crowd.id(*number, self.seed) == Some(page.announcement));
        number.filter(|_| is_taken).map(Done::ListRead)
    }

    /// The next people of a list: late, twice, out of order, or not at all.
    pub(super) fn turn_page(&mut self, process: u32, shard: usize, wanted: &Wanted) {
        let found = self.crowd.news.iter().position(|news| news.what.audience == wanted.audience);
        let Some(news) = found.and_then(|at| self.crowd.news.get(at)) else {
            return self.oracle.violated("stray: a page of a list that nobody has");
        };
        let (page, draw) = (news.page(wanted), &mut self.crowd.draw);
        let faults = self.plan.faults;
        if faults == Faults::Hell && draw.per_mille(30) {
            return;
        }
        let mut pages = vec![(draw.ms(1, 300), page.clone())];
        if faults != Faults::None && draw.per_mille(100) {
            pages.push((draw.ms(1, 5_000), page.clone()));
        }
        if faults != Faults::None && draw.per_mille(50) {
            let mut wrong = page;
            wrong.people.reverse();
            pages.push((draw.ms(1, 300), wrong));
        }
        for (wait, page) in pages {
            self.after(wait, Next::Answer { process, shard, input: Box::new(Input::Page(page)) });
        }
    }
}
