//! A call rings on a telephone, and what all parts have counted is printed as Prometheus reads it. The service is made up.
//! `cargo run --example metrics`

use std::time::Duration;

use reveille::content::{ContentSettings, Templates};
use reveille::conversation::event::{Event, Offer, What};
use reveille::core::{Jitter, UnixTime};
use reveille::delivery::Verdict;
use reveille::delivery::pacer::{Pacer, PacerSettings};
use reveille::gateway::metrics::Commits;
use reveille::gateway::{
    Admission, AdmissionLimits, Deferred, Gateway, GatewaySettings, Input, LookUp, Outcome, Output, Seed,
    Shard, SourceId,
};
use reveille::registry::{
    DeviceKey, Event as Seen, Memory, Platform, Purpose, Registration, RegistryPolicy, Token,
};
use reveille::writer::{App, Leg, Person, Ready, Writer, Written};
use reveille::{conversation::content::Texts, fcm};
use reveille_examples::prometheus;
use reveille_examples::twins::Twins;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    print!("{}", run()?);
    Ok(())
}

/// Times are made up, too, so that the text is the same each time.
pub fn run() -> Result<String, Box<dyn std::error::Error>> {
    let (mut now, seed) = (UnixTime::from_secs(1_800_000_000), Seed::new([7; 16]));
    let (mut services, mut store) = (Twins::new(now)?, Memory::default());
    let texts = Templates::new("https://shop.example", Texts::english()?, ContentSettings::default())?;
    let access = fcm::Grant::given(fcm::Token::new(Twins::ACCESS)?);
    let google = fcm::TokenSource::new(access, Default::default(), Jitter::new(7)).into();
    let writer =
        Writer::new(seed, texts).with_app(App::new("shop").with_fcm(fcm::Project::new("project-1")?, google));
    let (key, token) = (DeviceKey::new("shop", "phone"), Token::new(Purpose::FcmToken, Twins::ANDROID));
    let registration = Registration::new(key.clone(), "kate", Platform::Android, [token]).into();
    store.apply(&key, &Seen::Register { registration }, &RegistryPolicy::default(), now);
    let mut kate = Person::new(store.of_owner("kate").cloned().collect::<Vec<_>>());

    let mut shard = Shard::new(Gateway::new(Default::default(), GatewaySettings::default(), seed)?);
    let (mut queue, mut commits) = (Admission::new(AdmissionLimits::default()), Commits::default());
    let mut pacer = Pacer::<Ready>::new(PacerSettings::default(), 7);
    let event = Event::new("call-1".parse()?, What::CallOffered(Offer::new("kate".parse()?)), now).into();
    commits.admitted(queue.admit(Input::Event { source: SourceId(1), event }, shard.gateway())?, now);
    while !queue.is_empty() {
        let sealed = shard.group(now).fill(&mut queue).seal();
        now += Duration::from_millis(3); // the log's disk
        commits.committed(&sealed, now);
        let mut answers = Vec::new();
        for (_, output) in sealed.committed().collect::<Vec<_>>() {
            match output {
                Output::LookUp(LookUp::Devices(who)) => {
                    answers.push(writer.pick(&who, &mut kate, now).answer.into())
                }
                Output::Send(job) => match writer.write(&[Leg { job: &job, person: &kate }], now).remove(0) {
                    Written::Ready(ready) => {
                        if let Err(held) = pacer.offer(ready.into_offer(&job), now) {
                            answers.push(Deferred::attempt(&job, held.until, held.by).into());
                        }
                    }
                    waits => answers.extend(waits.input()),
                },
                Output::FallBack(job) => {
                    answers.push(Outcome::of(&job, Verdict::Accepted { status: 202 }).into())
                }
                _ => {}
            }
        }
        while let Some(leave) = pacer.next(now) {
            let response = services.send(&leave.content.request, now);
            now += Duration::from_millis(40); // the service
            let mut answered = writer.read(&leave.content.sent, &response, now);
            answered.outcome.verdict = pacer.report(leave.ticket, answered.outcome.verdict, now).verdict;
            answers.push(answered.outcome.into());
        }
        for answer in answers {
            commits.admitted(queue.admit(answer, shard.gateway())?, now);
        }
    }

    let mut text = String::new();
    prometheus::write("gateway", &shard.gateway().counters(), &mut text);
    prometheus::write("commits", &commits.counters(), &mut text);
    prometheus::write("writer", &writer.counters(), &mut text);
    prometheus::write("pacer", &pacer.counters(), &mut text);
    Ok(text)
}
