//! The shortest useful gateway, everything: a call rings in a browser and on two telephones. The services are made up.
//! `cargo run --example shortest_everything`

use reveille::content::{ContentSettings, Templates};
use reveille::conversation::event::{Event, Offer, What};
use reveille::core::{Jitter, UnixTime};
use reveille::gateway::*;
use reveille::registry::{Event as Seen, *};
use reveille::webpush::{ApplicationServer, VapidKey, VapidKeys, VapidSettings};
use reveille::writer::{App, Leg, Person, Writer, Written};
use reveille::{apns, conversation::content::Texts, crypto::ring::PROVIDER, fcm};
use reveille_examples::twins::Twins;

pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (now, seed) = (UnixTime::from_secs(1_800_000_000), Seed::new([7; 16]));
    let (mut services, mut store) = (Twins::new(now)?, Memory::default());
    // What it says, and what it sends with.
    let texts = Templates::new("https://shop.example", Texts::english()?, ContentSettings::default())?;
    let keys = VapidKeys::new(VapidKey::from_text(Twins::VAPID, PROVIDER)?);
    let web = ApplicationServer::new(PROVIDER, keys, VapidSettings::new("mailto:ops@example.com".parse()?));
    let p8 =
        apns::ProviderKey::from_p8(&services.p8, "DEF123GHIJ".parse()?, "ABC123DEFG".parse()?, PROVIDER)?;
    let apple = apns::TokenSource::new(p8, Default::default()).into();
    let access = fcm::Grant::given(fcm::Token::new(Twins::ACCESS)?); // or a service account's key
    let google = fcm::TokenSource::new(access, Default::default(), Jitter::new(7)).into();
    let app = App::new("shop").with_web_push(web.into()).with_apns("shop.example".parse()?, apple);
    let writer = Writer::new(seed, texts).with_app(app.with_fcm(fcm::Project::new("project-1")?, google));
    // Kate's devices, as the page and the apps report them.
    for (at, token) in services.tokens() {
        let key = DeviceKey::new("shop", format!("{at:?}"));
        let registration = Registration::new(key.clone(), "kate", at, [token]).into();
        store.apply(&key, &Seen::Register { registration }, &RegistryPolicy::default(), now);
    }
    let mut kate = Person::new(store.of_owner("kate").cloned().collect::<Vec<_>>());
    // An event, and what follows from it.
    let mut shard = Shard::new(Gateway::new(Default::default(), GatewaySettings::default(), seed)?);
    let (mut queue, mut rings) = (Admission::new(AdmissionLimits::default()), 0);
    let event = Event::new("call-1".parse()?, What::CallOffered(Offer::new("kate".parse()?)), now).into();
    queue.admit(Input::Event { source: SourceId(1), event }, shard.gateway())?;
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
    if rings == 3 { Ok(()) } else { Err(format!("{rings} devices ring").into()) }
}
