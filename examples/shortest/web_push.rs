//! The shortest useful gateway, Web Push only: a call rings in a browser. The push service is made up.
//!
//! `cargo run --example shortest_web_push`

use reveille::content::{ContentSettings, Templates};
use reveille::conversation::event::{Event, Offer, What};
use reveille::core::UnixTime;
use reveille::gateway::*;
use reveille::registry::{Event as Seen, *};
use reveille::webpush::{ApplicationServer, VapidKey, VapidKeys, VapidSettings};
use reveille::writer::{App, Leg, Person, Writer, Written};
use reveille::{conversation::content::Texts, crypto::ring::PROVIDER};
use reveille_examples::twins::Twins;

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (now, seed) = (UnixTime::from_secs(1_800_000_000), Seed::new([7; 16]));
    let mut services = Twins::new(now)?;
    // What it says, and what it sends with.
    let texts = Templates::new("https://shop.example", Texts::english()?, ContentSettings::default())?;
    let keys = VapidKeys::new(VapidKey::from_text(Twins::VAPID, PROVIDER)?);
    let server =
        ApplicationServer::new(PROVIDER, keys, VapidSettings::new("mailto:ops@example.com".parse()?));
    let writer = Writer::new(seed, texts).with_app(App::new("shop").with_web_push(server.into()));
    // Kate's browser, as the page reports it.
    let (mut store, key) = (Memory::default(), DeviceKey::new("shop", "browser"));
    let tokens = [Token::new(Purpose::WebPush, services.browser.clone())];
    let registration = Registration::new(key.clone(), "kate", Platform::Web, tokens).into();
    store.apply(&key, &Seen::Register { registration }, &RegistryPolicy::default(), now);
    let mut kate = Person::new(store.of_owner("kate").cloned().collect::<Vec<_>>());
    // An event comes in, and what follows from it is done, until nothing more does.
    let mut shard = Shard::new(Gateway::new(Default::default(), GatewaySettings::default(), seed)?);
    let mut queue = Admission::new(AdmissionLimits::default());
    let event = Event::new("call-1".parse()?, What::CallOffered(Offer::new("kate".parse()?)), now).into();
    queue.admit(Input::Event { source: SourceId(1), event }, shard.gateway())?;
    let mut rings = 0;
    while !queue.is_empty() {
        let sealed = shard.group(now).fill(&mut queue).seal(); // append `sealed.bytes()` to the log, commit
        for (_, output) in sealed.committed().collect::<Vec<_>>() {
            let answer = match output {
                Output::LookUp(LookUp::Devices(who)) => writer.pick(&who, &mut kate, now).answer.into(),
                Output::Send(job) => match writer.write(&[Leg { job: &job, person: &kate }], now).remove(0) {
                    Written::Ready(ready) => {
                        let response = services.send(&ready.request, now); // your HTTP client
                        rings += u32::from(response.status().is_success());
                        writer.read(&ready.sent, &response, now).outcome.into()
                    }
                    waits => waits.input().ok_or("an outcome or a time")?,
                },
                _ => continue,
            };
            queue.admit(answer, shard.gateway())?;
        }
    }
    println!("{rings} browser rings");
    if rings == 1 { Ok(()) } else { Err("nobody was told".into()) }
}
