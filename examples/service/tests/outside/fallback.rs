//! A9: when no push reaches anybody, an e-mail or a text message does, once.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reveille_example_service::twins::{self, Received};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::receiver::{Do, Receiver};
use super::{Clock, Scene, hook};
use crate::common::{Caller, claims, user_token};
use crate::service::{offer, wait};

/// E-mails as they came.
type Mails = Arc<Mutex<Vec<String>>>;

/// An SMTP server that takes everything, but not at the first `busy` times.
async fn mailbox(busy: usize) -> (u16, Mails, Mails) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (mails, refused) = (Mails::default(), Mails::default());
    let (all, not_now) = (Arc::clone(&mails), Arc::clone(&refused));
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(talk(BufReader::new(tcp), Arc::clone(&all), Arc::clone(&not_now), busy));
        }
    });
    (port, mails, refused)
}

async fn talk(mut stream: BufReader<TcpStream>, mails: Mails, refused: Mails, busy: usize) -> Option<()> {
    stream.write_all(b"220 localhost\r\n").await.ok()?;
    let (mut line, mut mail) = (String::new(), None::<String>);
    while stream.read_line(&mut line).await.ok()? > 0 {
        let said = match (&mut mail, line.as_str()) {
            (Some(_), ".\r\n") if refused.lock().unwrap().len() < busy => {
                refused.lock().unwrap().push(mail.take().unwrap());
                "451 4.3.2 later\r\n"
            }
            (Some(_), ".\r\n") => {
                mails.lock().unwrap().push(mail.take().unwrap());
                "250 good\r\n"
            }
            (Some(mail), line) => {
                mail.push_str(line);
                ""
            }
            (None, "DATA\r\n") => {
                mail = Some(String::new());
                "354 go on\r\n"
            }
            _ => "250 good\r\n",
        };
        stream.write_all(said.as_bytes()).await.ok()?;
        line.clear();
    }
    Some(())
}

async fn smtp(name: &str, more: &str) -> (Scene, Mails) {
    let (port, mails, _) = mailbox(0).await;
    (with_smtp(name, port, more).await, mails)
}

async fn with_smtp(name: &str, port: u16, more: &str) -> Scene {
    Scene::new(name, Clock::default(), |settings| {
        let text = format!(
            "host = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nfrom = \"push@shop.example\"\n{more}"
        );
        settings.smtp = Some(toml::from_str(&text).unwrap());
        if more.is_empty() {
            settings.fallback = toml::from_str("new_message = \"email\"").unwrap();
        }
    })
    .await
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        // A second attempt comes after ten seconds or more.
        assert!(begun.elapsed() < Duration::from_secs(90), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn metric(scene: &Scene, name: &str) -> f64 {
    scene.caller().metric(name).await.unwrap_or_default()
}

/// Two apps side by side: the second has words, a link and rules of its own, also in the e-mail that its people get.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brand_has_its_own_words_and_rules() {
    let (scene, mails) = smtp("brand", "").await;
    let [_, apple, _] = scene.twins.origins.clone();
    let brand = |rules: serde_json::Value| {
        json!({
            "web_push": false,
            "apns": {
                "bundle": "com.example.second", "key_id": twins::KEY_ID, "team": twins::TEAM,
                "key": scene.twins.p8(), "origin": apple,
            },
            "brand": {
                "link": "https://second.example",
                "texts": {
                    "en": {"incoming_call.title": "Second rings"},
                    "de": {"incoming_call.title": "Zweite klingelt", "new_message.email_subject": "Neues"},
                },
                "rules": rules,
            },
        })
    };
    let put = async |rules| scene.call("PUT", "/v1/credentials/second", brand(rules)).await;
    let (status, shown) = put(json!({"channels": {"missed_call": []}})).await;
    assert_eq!((status, &shown["brand"]["link"]), (200, &json!("https://second.example")), "{shown}");
    // What cannot be is refused, and what was in force stays.
    let (status, refused) = put(json!({"calls": {"ring_for": "45s"}})).await;
    assert_eq!(status, 400, "{refused}");
    assert!(refused.to_string().contains("brand.rules.calls: an app has no such rule"), "{refused}");

    let (alert, _) = scene.twins.iphone();
    let form = json!({"owner": "zoe", "platform": "ios", "apns_alert": alert, "locale": "de-AT"});
    assert_eq!(scene.call("PUT", "/v1/devices/second/zoes", form).await.0, 201);
    let title = |pushes: &[Received], device: &str| {
        let push = pushes.iter().find(|push| push.device == device);
        push.map(|push| push.data["aps"]["alert"]["title"].clone()).unwrap_or_default()
    };
    let mut ring = offer("c1");
    ring["person"] = json!("zoe");
    scene.event("o1", "call_offered", ring).await;
    let to = |pushes: &[Received], device: &str| pushes.iter().any(|push| push.device == device);
    let pushes = wait(&scene.twins, "the ring", |pushes| to(pushes, &alert)).await;
    assert_eq!(title(&pushes, &alert), "Zweite klingelt", "{pushes:?}");
    // The other app's people are called as ever.
    scene.event("o2", "call_offered", offer("c2")).await;
    let pushes = wait(&scene.twins, "the other ring", |pushes| pushes.len() >= 2).await;
    assert!(!format!("{pushes:?}").contains("Zweite"), "{pushes:?}");

    // Its kill switch stops the second app alone, at once; an e-mail comes in its place, with its words and its link.
    assert_eq!(put(json!({"kill": {"channels": ["mobile"]}})).await.0, 200);
    let (status, _) = scene.call("PUT", "/v1/addresses/zoe", json!({"email": "zoe@second.example"})).await;
    assert_eq!(status, 200);
    let joined = json!({"conversation": "chat", "person": "zoe", "role": "visitor"});
    scene.event("j1", "joined", joined).await;
    scene.message("m1", "chat", "hello").await;
    until("the e-mail", || !mails.lock().unwrap().is_empty()).await;
    let mail = mails.lock().unwrap()[0].clone();
    assert!(mail.contains("Subject: Neues\r\n"), "{mail}");
    assert!(mail.contains("https://second.example/conversations/chat"), "{mail}");
    assert!(!to(&scene.twins.take(), &alert), "no push");
    let skipped = metric(&scene, "reveille_writer_skipped_total{kind=\"app_rules\"}").await;
    assert!(skipped >= 1.0, "{skipped}");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_email_in_place_of_a_push() {
    let (scene, mails) = smtp("mail", "").await;
    let ann = json!({"email": "ann@shop.example", "phone": "+4930901820"});
    let (status, shown) = scene.call("PUT", "/v1/addresses/ann", ann).await;
    assert_eq!(
        (status, &shown["email"], &shown["phone"]),
        (200, &json!("a…@shop.example"), &json!("+49…20"))
    );
    // Ann has no device; the guest has one, and no address.
    for (number, person) in ["ann", "guest", "nobody"].into_iter().enumerate() {
        let joined = json!({"conversation": person, "person": person, "role": "visitor"});
        scene.event(&format!("j{number}"), "joined", joined).await;
        scene.message(&format!("m{number}"), person, "hello").await;
    }
    until("the e-mail", || !mails.lock().unwrap().is_empty()).await;
    let begun = Instant::now();
    while metric(&scene, "reveille_email_total{kind=\"give_up\"}").await < 1.0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody has no address");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let all = mails.lock().unwrap().clone();
    assert_eq!(all.len(), 1, "{all:?}");
    let mail = &all[0];
    assert!(mail.contains("To: ann@shop.example\r\n") && mail.contains("Subject: New message\r\n"), "{mail}");
    assert!(mail.contains("/conversations/ann"), "{mail}");
    // The name of the e-mail is the job's, a UUID.
    let id = mail.split("Message-ID: <").nth(1).unwrap().split('@').next().unwrap();
    assert_eq!((id.len(), id.matches('-').count()), (36, 4), "{id}");
    scene.stop().await;
}

/// A server that has no time is asked again, with the same name for the same e-mail, until it has taken one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_has_no_time_is_asked_again() {
    let (port, mails, refused) = mailbox(1).await;
    let scene = with_smtp("busy", port, "").await;
    assert_eq!(scene.call("PUT", "/v1/addresses/ann", json!({"email": "ann@shop.example"})).await.0, 200);
    scene.event("j", "joined", json!({"conversation": "c", "person": "ann", "role": "visitor"})).await;
    scene.message("m", "c", "hello").await;
    until("the e-mail", || !mails.lock().unwrap().is_empty()).await;
    // Nothing follows that would be sent once more.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (taken, refused) = (mails.lock().unwrap().clone(), refused.lock().unwrap().clone());
    assert_eq!((taken.len(), refused.len()), (1, 1), "{taken:?} {refused:?}");
    let name = |mail: &String| mail.lines().find(|line| line.starts_with("Message-ID: ")).unwrap().to_owned();
    assert_eq!(name(&refused[0]), name(&taken[0]));
    let again = metric(&scene, "reveille_email_total{kind=\"retry\"}").await;
    assert_eq!(again, 1.0);
    assert_eq!(scene.call("GET", "/v1/letters", json!({})).await.1["letters"], json!([]));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_email_beside_pushes() {
    let (scene, mails) = smtp("beside", "parallel = true").await;
    let (status, _) = scene.call("PUT", "/v1/addresses/guest", json!({"email": "guest@shop.example"})).await;
    assert_eq!(status, 200);
    scene.joined("chat").await;
    scene.message("m1", "chat", "hello").await;
    until("the e-mail", || !mails.lock().unwrap().is_empty()).await;
    crate::service::wait(&scene.twins, "the push", |pushes| !pushes.is_empty()).await;

    // What the guest does not want, and what is paused, does not come; a pause counts it.
    let unwanted = json!({"unwanted": [{"kind": "new_message", "channels": ["email"]}]});
    assert_eq!(scene.call("PUT", "/v1/wishes/guest", unwanted).await.0, 200);
    scene.joined("chat-2").await;
    scene.message("m2", "chat-2", "hello").await;
    let begun = Instant::now();
    while metric(&scene, "reveille_email_total{kind=\"give_up\"}").await < 1.0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "unwanted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(scene.call("PUT", "/v1/wishes/guest", json!({})).await.0, 200);
    assert_eq!(scene.call("PUT", "/v1/pauses/guest/email", json!({})).await.0, 200);
    scene.joined("chat-3").await;
    scene.message("m3", "chat-3", "hello").await;
    let held =
        async || scene.call("GET", "/v1/wishes/guest", json!({})).await.1["pauses"]["email"]["held"].clone();
    while held().await != json!(1) {
        assert!(begun.elapsed() < Duration::from_secs(40), "paused");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(mails.lock().unwrap().len(), 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_belong_to_sources_and_are_forgotten_for_good() {
    let (scene, _) = smtp("addresses", "").await;
    let ann = Caller::new(scene.running.service.address, &user_token(scene.folder.path(), claims("ann")));
    let put = json!({"email": "ann@shop.example"});
    let path = "/v1/addresses/ann";
    let as_ann = async |verb: &str, path: &str| {
        let (status, document) = ann.call(verb, path, super::JSON, put.to_string()).await.unwrap();
        (status.as_u16(), document)
    };
    assert_eq!(as_ann("PUT", path).await.0, 403, "nobody has text messages sent to a number of their choice");
    assert_eq!(scene.call("PUT", path, put.clone()).await.0, 200);
    assert_eq!(as_ann("GET", path).await.1["email"], "a…@shop.example");
    assert_eq!(as_ann("GET", "/v1/addresses/kate").await.0, 403);
    for wrong in
        [json!({}), json!({"email": "x"}), json!({"phone": "030"}), json!({"email": 1}), json!({"e": "x"})]
    {
        let (status, problem) = scene.call("PUT", path, wrong.clone()).await;
        assert_eq!(status, 400, "{wrong} {problem}");
    }
    // They are no device, and nobody registers one in their place.
    let (_, devices) = scene.call("GET", "/v1/devices?person=ann", json!({})).await;
    assert_eq!(devices["devices"], json!([]));
    let device = json!({"owner": "ann", "platform": "android", "fcm_token": "x"});
    assert_eq!(scene.call("PUT", "/v1/devices/reveille%20addresses/ann", device).await.0, 400);
    assert_eq!(scene.call("DELETE", "/v1/devices/reveille%20addresses/ann", json!({})).await.0, 400);

    assert_eq!(as_ann("DELETE", path).await.0, 204);
    assert_eq!(as_ann("DELETE", path).await.0, 404);
    assert_eq!(scene.call("GET", path, json!({})).await.1["email"], json!(null));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_message_is_sent_once_or_not_known_to_be() {
    for (what, first, requests, fate) in [
        ("taken", Do::Answer(202), 1, "accepted"),
        ("not now", Do::With(503, "retry-after", "1".to_owned()), 2, "accepted"),
        ("broken", Do::Answer(500), 1, "unknown"),
        ("reset", Do::Reset, 1, "unknown"),
        ("refused", Do::Answer(400), 1, "bad_request"),
    ] {
        let receiver =
            Receiver::new(move |number, _| if number == 0 { first.clone() } else { Do::Answer(202) }).await;
        let scene = Scene::new("sms", Clock::default(), |settings| {
            settings.sms = Some(hook(settings, &receiver, ""));
            settings.fallback = toml::from_str("new_message = \"sms\"").unwrap();
        })
        .await;
        assert_eq!(scene.call("PUT", "/v1/addresses/ann", json!({"phone": "+4930901820"})).await.0, 200);
        scene.event("j1", "joined", json!({"conversation": "a", "person": "ann", "role": "visitor"})).await;
        scene.message("m1", "a", "hello").await;
        let asked = receiver.wait(what, |all| all.len() >= requests).await;
        let body = asked[0].verified();
        assert_eq!((&body["type"], &body["data"]["to"]), (&json!("text_message"), &json!("+4930901820")));
        assert!(body["data"]["text"].as_str().unwrap().contains("/conversations/a"), "{body}");
        let name = format!("reveille_settled_total{{kind=\"{fate}\"}}");
        let begun = Instant::now();
        while metric(&scene, &name).await < 1.0 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {fate}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(receiver.asked().len(), requests, "{what}");
        scene.stop().await;
    }
}

/// A store that is copied while a request is under way is what a crash leaves: nobody knows what became of the text message,
/// and it is not sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_sends_no_second_text_message() {
    let receiver = Receiver::new(|_, _| Do::Stall).await;
    let scene = Scene::new("crashed", Clock::default(), |settings| {
        settings.sms = Some(hook(settings, &receiver, ""));
        settings.fallback = toml::from_str("new_message = \"sms\"").unwrap();
    })
    .await;
    assert_eq!(scene.call("PUT", "/v1/addresses/ann", json!({"phone": "+4930901820"})).await.0, 200);
    scene.event("j1", "joined", json!({"conversation": "a", "person": "ann", "role": "visitor"})).await;
    scene.message("m1", "a", "hello").await;
    receiver.wait("it is under way", |all| all.len() == 1).await;
    let (copy, second) = (scene.copy(), Receiver::new(|_, _| Do::Answer(202)).await);
    let running = crate::service::start(&copy, &scene.twins, &scene.clock, |settings| {
        settings.sms = Some(hook(settings, &second, ""));
        settings.fallback = toml::from_str("new_message = \"sms\"").unwrap();
    })
    .await;
    let begun = Instant::now();
    while running.caller.metric("reveille_settled_total{kind=\"unknown\"}").await.unwrap_or_default() < 1.0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it ends as unknown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(second.asked().is_empty());
    running.service.stop().await.unwrap();
    scene.stop().await;
}
