//! From an event to the encrypted request of its notification, beside the loop that people write today: a hash map of
//! conversations, a set of event ids, a `DelayQueue` for the 30 s in which messages are collected, `serde_json`, and the
//! `web-push` crate. It does as much as it can: counts what is unread, drops an event that comes twice, shows the last
//! message, sets TTL, urgency and topic. What it has not: a log, an outcome, retries, rules, languages, names that survive.

use std::collections::HashMap;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio_util::time::{DelayQueue, delay_queue};
use web_push::request_builder::build_request;
use web_push::{
    ContentEncoding, PartialVapidSignatureBuilder, SubscriptionInfo, Urgency, VapidSignatureBuilder,
    WebPushMessageBuilder,
};

use super::machine::{Fleet, WINDOW, outcome};
use super::writer::{BATCH, World, person_id};
use crate::areas::webpush::ours::{CONTACT, VAPID_PRIVATE};
use crate::measure::Contestant;
use crate::report::Report;
use reveille_conversation::event::Role;
use reveille_crypto_ring::PROVIDER;
use reveille_gateway::{LookUp, Output};
use reveille_writer::{Leg, Written};

pub fn compare(report: &mut Report) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let _inside = runtime.enter();
    let world = World::new(PROVIDER, Role::Primary);
    let mut fleet = Fleet::of(1, (0..BATCH).map(|at| person_id(at)));
    fleet.fill();
    let ours = Contestant::batch("ours", BATCH as u32, || ours(&world, &mut fleet));
    let mut loop_ = Today::new(&world, &runtime);
    let today = Contestant::batch("hash map, DelayQueue, web-push 0.11", BATCH as u32, || loop_.round());
    report.row(
        "event to Web Push request, one message of each conversation in its window",
        ours,
        vec![today],
        None,
    );
}

fn ours(world: &World, fleet: &mut Fleet) -> Vec<Written> {
    let all: Vec<usize> = (0..BATCH).collect();
    let events: Vec<_> = all.iter().map(|at| fleet.message(*at)).collect();
    fleet.admit(events);
    fleet.commit(|_, output| drop(output));
    fleet.now = fleet.now + WINDOW;
    let (mut asked, mut elsewhere) = (Vec::new(), Vec::new());
    let now = fleet.now;
    fleet.tick(|at, output| {
        elsewhere.extend(outcome(at, &output));
        let Output::LookUp(LookUp::Devices(recipient)) = output else { return };
        let mut person = world.person_of(recipient.person.as_str()).clone();
        asked.push((at, world.writer.pick(&recipient, &mut person, now).answer.into()));
    });
    fleet.admit(asked);
    let mut jobs = Vec::new();
    fleet.commit(|at, output| {
        if let Output::Send(job) = output {
            jobs.push((at, job));
        }
    });
    assert_eq!(jobs.len(), BATCH);
    let legs: Vec<_> =
        jobs.iter().map(|(_, job)| Leg { job, person: world.person_of(job.person.as_str()) }).collect();
    let written = world.writer.write(&legs, fleet.now);
    assert!(written.iter().all(|written| matches!(written, Written::Ready(_))), "{:?}", written.first());
    let outcomes = jobs.into_iter().filter_map(|(at, job)| outcome(at, &Output::Send(job)));
    fleet.admit(outcomes.chain(elsewhere));
    fleet.commit(|_, output| drop(output));
    written
}

struct Today<'r> {
    runtime: &'r tokio::runtime::Runtime,
    base: tokio::time::Instant,
    now: Duration,
    conversations: HashMap<String, Conversation>,
    seen: HashMap<String, Duration>,
    queue: DelayQueue<String>,
    key: PartialVapidSignatureBuilder,
    events: u64,
}

struct Conversation {
    unread: u32,
    last: String,
    open: Option<delay_queue::Key>,
    subscription: SubscriptionInfo,
}

impl<'r> Today<'r> {
    fn new(world: &World, runtime: &'r tokio::runtime::Runtime) -> Self {
        let conversation = |at: usize| {
            let subscription = serde_json::from_str(world.subscription(at)).expect("a subscription");
            (
                format!("conversation-{at}"),
                Conversation { unread: 0, last: String::new(), open: None, subscription },
            )
        };
        Self {
            runtime,
            base: tokio::time::Instant::now(),
            now: Duration::ZERO,
            conversations: (0..BATCH).map(conversation).collect(),
            seen: HashMap::new(),
            queue: DelayQueue::new(),
            key: VapidSignatureBuilder::from_base64_no_sub(VAPID_PRIVATE).expect("a key"),
            events: 0,
        }
    }

    fn round(&mut self) -> Vec<impl Sized + use<'r>> {
        for at in 0..BATCH {
            self.events += 1;
            let id = format!("event-{}", self.events);
            self.message(&format!("conversation-{at}"), id, &"x".repeat(100));
        }
        self.now += WINDOW;
        self.seen.retain(|_, at| *at + Duration::from_secs(3_600) > self.now);
        let (mut due, ahead) = (Vec::new(), self.base + self.now);
        let queue = &mut self.queue;
        self.runtime.block_on(tokio::task::unconstrained(async {
            tokio::time::advance(ahead.saturating_duration_since(tokio::time::Instant::now())).await;
            let mut context = Context::from_waker(Waker::noop());
            while let Poll::Ready(Some(expired)) = queue.poll_expired(&mut context) {
                due.push(expired.into_inner());
            }
        }));
        assert_eq!(due.len(), BATCH);
        due.iter().map(|conversation| self.request(conversation)).collect()
    }

    fn message(&mut self, conversation: &str, id: String, text: &str) {
        if self.seen.insert(id, self.now).is_some() {
            return;
        }
        let Some(known) = self.conversations.get_mut(conversation) else { return };
        known.unread += 1;
        text.clone_into(&mut known.last);
        if known.open.is_none() {
            let due = self.base + self.now + Duration::from_secs(30);
            known.open = Some(self.queue.insert_at(conversation.to_owned(), due));
        }
    }

    fn request(&mut self, conversation: &str) -> impl Sized + use<'r> {
        let known = self.conversations.get_mut(conversation).expect("it was asked for");
        known.open = None;
        let link = format!("https://shop.example/conversations/{conversation}");
        let payload = serde_json::json!({
            "web_push": 8030,
            "notification": {
                "title": "Agent Smith", "body": format!("{} new messages: {}", known.unread, known.last),
                "navigate": link, "tag": conversation, "lang": "en",
                "data": {"conversationId": conversation, "kind": "new_message", "link": link},
                "actions": [{"action": "reply", "title": "Reply", "navigate": format!("{link}?action=reply")}],
            },
        });
        let payload = payload.to_string();
        let mut vapid = self.key.clone().add_sub_info(&known.subscription);
        vapid.add_claim("sub", CONTACT);
        let mut builder = WebPushMessageBuilder::new(&known.subscription);
        builder.set_payload(ContentEncoding::Aes128Gcm, payload.as_bytes());
        builder.set_ttl(3_600);
        builder.set_urgency(Urgency::Normal);
        builder.set_topic(conversation.to_owned());
        builder.set_vapid_signature(vapid.build().expect("a signature"));
        build_request::<Vec<u8>>(builder.build().expect("a message"))
    }
}
