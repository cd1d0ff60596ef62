//! The shortest useful gateway, Web Push only: a message and a call reach a browser. Push service and platform are made up.
//!
//! `cargo run --example shortest_web_push`

use reveille::content::{ContentSettings, Templates};
use reveille::conversation::{content::Texts, lookup::Answer, rules::Rules};
use reveille::core::UnixTime;
use reveille::crypto::ring::PROVIDER;
use reveille::gateway::*;
use reveille::registry::{Event as Seen, Pruning::Allowed, *};
use reveille::webpush::{ApplicationServer, VapidKey, VapidKeys, VapidSettings};
use reveille::writer::{Answered, App, Leg, Person, Writer, Written};
use reveille_examples::platform::{self, Told};
use reveille_examples::twins::Twins;

pub fn main() -> Result<Told, Box<dyn std::error::Error>> {
    let (mut now, seed) = (UnixTime::from_secs(1_800_000_000), Seed::new([7; 16]));
    let (mut services, mut store, policy) = (Twins::new(now)?, Memory::default(), RegistryPolicy::default());
    // What it says, and what it sends with.
    let texts = Templates::new("https://shop.example", Texts::english()?, ContentSettings::default())?;
    let keys = VapidKeys::new(VapidKey::from_text(Twins::VAPID, PROVIDER)?);
    let web = ApplicationServer::new(PROVIDER, keys, VapidSettings::new("mailto:ops@example.com".parse()?));
    let writer = Writer::new(seed, texts).with_app(App::new("shop").with_web_push(web.into()));
    // Kate's browser, as the page reports it.
    let key = DeviceKey::new("shop", "browser");
    let tokens = [Token::new(Purpose::WebPush, services.browser.clone())];
    let registration = Registration::new(key.clone(), "kate", Platform::Web, tokens).into();
    store.apply(&key, &Seen::Register { registration }, &policy, now);
    // Events come in, and what follows from them is done, until nothing waits for anything any more.
    let rules = Rules::from_toml(r#"recipients.primary = ["web_push"]"#)?; // no webhook, no e-mail
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
