//! The shortest useful gateway, everything: `cargo run --example shortest_everything`. Services and platform are made up.

use reveille::content::{ContentSettings, Templates};
use reveille::conversation::{content::Texts, lookup::Answer, rules::Rules};
use reveille::gateway::*;
use reveille::registry::{Memory, Pruning::Allowed, RegistryPolicy};
use reveille::webpush::{ApplicationServer, VapidKey, VapidKeys, VapidSettings};
use reveille::writer::{Answered, App, Leg, Person, Writer, Written};
use reveille::{apns, core::Jitter, core::UnixTime, crypto::ring::PROVIDER, fcm};
use reveille_examples::{platform, platform::Told, twins::Twins};

pub fn main() -> Result<Told, Box<dyn std::error::Error>> {
    let (mut now, seed) = (UnixTime::from_secs(1_800_000_000), Seed::new([7; 16]));
    let (mut services, mut store, policy) = (Twins::new(now)?, Memory::default(), RegistryPolicy::default());
    // What it says, and what it sends with.
    let texts = Templates::new("https://shop.example", Texts::english()?, ContentSettings::default())?;
    let keys = VapidKeys::new(VapidKey::from_text(Twins::VAPID, PROVIDER)?);
    let web = ApplicationServer::new(PROVIDER, keys, VapidSettings::new("mailto:ops@example.com".parse()?));
    let p8 = apns::ProviderKey::from_p8(&services.p8, Twins::TEAM.parse()?, Twins::KEY.parse()?, PROVIDER)?;
    let apple = apns::TokenSource::new(p8, Default::default()).into();
    let access = fcm::Grant::given(fcm::Token::new(Twins::ACCESS)?); // or a service account's key
    let google = fcm::TokenSource::new(access, Default::default(), Jitter::new(7)).into();
    let app = App::new("shop").with_web_push(web.into()).with_apns("shop.example".parse()?, apple);
    let writer = Writer::new(seed, texts).with_app(app.with_fcm(fcm::Project::new("project-1")?, google));
    // Kate's devices, as the page and the apps report them.
    for (key, report) in services.devices("shop", "kate") {
        store.apply(&key, &report, &policy, now);
    }
    // Events come in, and what follows from them is done, until nothing waits for anything any more.
    let rules = Rules::from_toml(r#"recipients.primary = ["mobile", "web_push"]"#)?; // no webhook, no e-mail
    let mut shard = Shard::new(Gateway::new(rules, GatewaySettings::default(), seed)?);
    let (mut queue, mut kinds) = (Admission::new(AdmissionLimits::default()), Vec::new());
    platform::events(now)?.into_iter().try_for_each(|event| queue.admit(event, shard.gateway()).map(drop))?;
    while let Some(due) = (!queue.is_empty()).then_some(now).or(shard.next_wakeup().map(|next| next.at)) {
        now = now.max(due); // your timer sleeps until then
        let sealed = shard.group(now).fill(&mut queue).tick().seal(); // append `sealed.bytes()` to the log, commit
        for (_, output) in sealed.committed().collect::<Vec<_>>() {
            let mut kate = Person::new(store.of_owner("kate").cloned().collect::<Vec<_>>());
            let answer = match output {
                Output::LookUp(LookUp::Devices(who)) => writer.pick(&who, &mut kate, now).answer.into(),
                Output::LookUp(LookUp::Name(name)) => Input::Answer(Answer { of: name.of, text: None }),
                Output::Attempt { job, device, attempt } => Input::Attempt { job, device, attempt },
                Output::Send(job) => match writer.write(&[Leg { job: &job, person: &kate }], now).remove(0) {
                    Written::Ready(ready) => {
                        let response = services.send(&ready.request, now); // your HTTP client
                        kinds.extend(response.status().is_success().then_some(job.content.kind()));
                        let Answered { outcome, effect, .. } = writer.read(&ready.sent, &response, now);
                        let _ = effect.map(|of| store.apply(&of.key, &of.event(Allowed), &policy, now));
                        outcome.into()
                    }
                    waits => waits.input().ok_or("an outcome or a time")?,
                },
                _ => continue, // for your records; nothing is under way here that could be taken back
            };
            queue.admit(answer, shard.gateway())?;
        }
    }
    Ok(Told { kinds, open_jobs: shard.gateway().open_jobs() })
}
