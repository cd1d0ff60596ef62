//! Every operation at work.

use std::time::Duration;

use reveille_example_service::clock::Clock;
use reveille_example_service::credentials::LOCAL_APP;
use reveille_example_service::keys::Keys;
use reveille_example_service::twins::Twins;
use serde_json::{Value, json};

use crate::common::{Caller, Folder, claims, user_token};
use crate::service::{Running, of, offer, register, start, wait};

const JSON: &str = "application/json";

struct Scene {
    folder: Folder,
    twins: Twins,
    running: Running,
}

impl Scene {
    async fn new(name: &str) -> Self {
        let (folder, clock) = (Folder::new(name), Clock::default());
        let twins = Twins::start(None, clock.clone()).await.unwrap();
        let running = start(&folder, &twins, &clock, |_| {}).await;
        register(&running.caller, &twins).await;
        Self { folder, twins, running }
    }

    fn user(&self, person: &str) -> Caller {
        Caller::new(self.running.service.address, &user_token(self.folder.path(), claims(person)))
    }

    async fn operate(&self, verb: &str, path: &str, body: Value) -> (u16, Value) {
        call(&self.running.caller, verb, path, body).await
    }

    async fn stop(self) {
        self.running.service.stop().await.unwrap();
    }
}

async fn call(caller: &Caller, verb: &str, path: &str, body: Value) -> (u16, Value) {
    let (status, document) = caller.call(verb, path, JSON, body.to_string()).await.unwrap();
    (status.as_u16(), document)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_registers_answers_pauses_and_logs_out() {
    let scene = Scene::new("user").await;
    let ben = scene.user("ben");
    let phone = format!("/v1/devices/{LOCAL_APP}/bens");
    let token = scene.twins.android();
    let form = json!({"platform": "android", "fcm_token": token, "locale": "en"});
    assert_eq!(call(&ben, "PUT", &phone, form.clone()).await.0, 201);
    assert_eq!(call(&ben, "PUT", &phone, form.clone()).await.0, 200);
    let (_, devices) = call(&ben, "GET", "/v1/devices", json!({})).await;
    assert_eq!(
        (&devices["devices"][0]["tokens"], &devices["devices"][0]["state"]),
        (&json!(["fcm_token"]), &json!("active"))
    );

    // The token is replaced, and the ring goes to the new one.
    let newer = scene.twins.android();
    assert_eq!(call(&ben, "POST", &format!("{phone}/rotate"), json!({"fcm_token": newer})).await.0, 200);
    let mut ring = offer("c1");
    ring["person"] = json!("ben");
    assert_eq!(scene.running.caller.event("o1", "call_offered", ring.clone()).await.unwrap(), 202);
    let pushes = wait(&scene.twins, "the ring", |pushes| !pushes.is_empty()).await;
    assert_eq!(pushes[0].device, newer);

    // He answers: nothing rings any more, and a second answer finds nothing.
    let here = json!({"app": LOCAL_APP, "device": "bens"});
    assert_eq!(call(&ben, "POST", "/v1/answered/c1", here.clone()).await.0, 202);
    assert_eq!(call(&ben, "GET", "/v1/ringing/ben", json!({})).await.1["ringing"], json!([]));
    assert_eq!(call(&ben, "POST", "/v1/answered/c1", here).await.0, 404);
    assert_eq!(call(&ben, "POST", "/v1/read/c1", json!({"sequence": 3})).await.0, 202);

    // He pauses his phones: what comes is counted, and shown when he resumes.
    let (status, wishes) = call(&ben, "PUT", "/v1/pauses/ben/mobile", json!({})).await;
    assert_eq!((status, &wishes["pauses"]["mobile"]["urgent_passes"]), (200, &json!(false)), "{wishes}");
    ring["conversation"] = json!("c2");
    assert_eq!(scene.running.caller.event("o2", "call_offered", ring).await.unwrap(), 202);
    let held =
        async || call(&ben, "GET", "/v1/wishes/ben", json!({})).await.1["pauses"]["mobile"]["held"].clone();
    for _ in 0..100 {
        if held().await != json!(0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let unwanted =
        json!({"unwanted": [{"kind": "new_message", "channels": ["email"]}], "unwanted_apps": ["x"]});
    let (status, wishes) = call(&ben, "PUT", "/v1/wishes/ben", unwanted.clone()).await;
    assert_eq!(
        (status, &wishes["unwanted"], &wishes["unwanted_apps"]),
        (200, &unwanted["unwanted"], &json!(["x"]))
    );
    let (status, ended) = call(&ben, "DELETE", "/v1/pauses/ben/mobile", json!({})).await;
    assert_eq!((status, ended["held"].as_u64()), (200, Some(1)));
    assert_eq!(call(&ben, "DELETE", "/v1/pauses/ben/mobile", json!({})).await.0, 404);

    // He logs out; now ann may have the phone, and before she could have it only with its token.
    let ann = scene.user("ann");
    let mut hers = form.clone();
    hers["fcm_token"] = json!(scene.twins.android());
    assert_eq!(call(&ann, "PUT", &phone, hers.clone()).await.0, 403);
    assert_eq!(call(&ben, "DELETE", &phone, json!({})).await.0, 204);
    assert_eq!(call(&ben, "POST", &format!("{phone}/rotate"), json!({"fcm_token": "x"})).await.0, 404);
    assert_eq!(call(&ann, "PUT", &phone, hers).await.0, 200);
    assert_eq!(call(&ben, "DELETE", &phone, json!({})).await.0, 404, "it is hers");
    scene.stop().await;
}

fn find<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    match value {
        Value::Object(fields) => fields
            .get(name)
            .and_then(Value::as_str)
            .or_else(|| fields.values().find_map(|value| find(value, name))),
        Value::Array(all) => all.iter().find_map(|value| find(value, name)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resume_token_is_reserved_committed_and_used_up() {
    let scene = Scene::new("resume").await;
    let caller = &scene.running.caller;
    let joined = json!({"conversation": "chat", "person": "guest", "role": "visitor"});
    assert_eq!(caller.event("j", "joined", joined).await.unwrap(), 202);
    let message = json!({"conversation": "chat", "sender": "kate", "role": "primary", "preview": "hi"});
    assert_eq!(caller.event("m", "message_sent", message).await.unwrap(), 202);
    let pushes = wait(&scene.twins, "the message", |pushes| !of(pushes, "web_push").is_empty()).await;
    let token = find(of(&pushes, "web_push")[0], "resumeToken").expect("a token in the push").to_owned();

    let guest = scene.user("guest");
    let form = |attempt: &str| json!({"token": token, "conversation": "chat", "app": LOCAL_APP, "device": "browser", "channel": "web", "attempt": attempt});
    let ask = async |caller: &Caller, step: &str, form: Value| {
        call(caller, "POST", &format!("/v1/resume/{step}"), form).await
    };
    // A flow looks first, with a key; it sees more than the client does.
    let mut flow = form("a");
    flow["person"] = json!("guest");
    let (status, verdict) = ask(caller, "reserve", flow.clone()).await;
    assert_eq!((status, &verdict["answer"]), (200, &json!("resume")), "{verdict}");
    let (_, again) = ask(caller, "reserve", flow.clone()).await;
    assert_eq!(again["until_ms"], verdict["until_ms"], "the same attempt, the same reservation");
    let (_, other) = ask(caller, "reserve", json!({"attempt": "b", "person": "guest", "token": token, "conversation": "chat", "app": LOCAL_APP, "device": "browser", "channel": "web"})).await;
    assert_eq!(
        (&other["answer"], &other["reason"], &other["fraud"]),
        (&json!("fresh"), &json!("in_use"), &json!(false))
    );
    // It gives the token back, and the guest's app takes it.
    assert_eq!(ask(caller, "abort", flow).await.0, 200);
    assert_eq!(ask(&guest, "commit", form("b")).await.1["answer"], json!("resume"));
    assert_eq!(ask(&guest, "connected", form("b")).await.1["answer"], json!("resume"));
    let mut replay = form("c");
    assert_eq!(
        ask(&guest, "commit", replay.clone()).await.1,
        json!({"answer": "fresh"}),
        "one word for the client"
    );
    replay["person"] = json!("guest");
    let (_, verdict) = ask(caller, "commit", replay.clone()).await;
    assert_eq!((&verdict["reason"], &verdict["fraud"]), (&json!("replayed"), &json!(true)));
    replay["conversation"] = json!("another");
    assert_eq!(
        ask(caller, "reserve", replay).await.1["fraud"],
        json!(true),
        "a genuine token in another conversation"
    );
    // Nobody else has the guest's device.
    assert_eq!(ask(&scene.user("kate"), "reserve", form("d")).await.0, 404);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_see_why_and_send_again() {
    let scene = Scene::new("operate").await;
    let caller = &scene.running.caller;
    assert_eq!(caller.event("o1", "call_offered", offer("call")).await.unwrap(), 202);
    wait(&scene.twins, "the ring", |pushes| pushes.len() >= 2).await;
    let (_, told) = scene.operate("GET", "/v1/explain/events/1/o1", json!({})).await;
    let job = find(&told, "job").unwrap_or_else(|| panic!("{told}")).to_owned();
    let (status, explained) = scene.operate("GET", &format!("/v1/explain/jobs/{job}"), json!({})).await;
    assert_eq!((status, &explained["job"]), (200, &json!(job)), "{explained}");
    let mut lonely = offer("lonely");
    lonely["person"] = json!("nobody");
    lonely["auto_join"] = json!(true);
    assert_eq!(caller.event("o2", "call_offered", lonely).await.unwrap(), 202);
    let (_, why) = scene.operate("GET", "/v1/explain/events/1/o2", json!({})).await;
    assert_eq!(find(&why, "reason"), Some("auto_join"), "{why}");
    assert_eq!(
        scene.operate("GET", "/v1/explain/events/1/never", json!({})).await.1,
        json!({"followed": []})
    );
    let unknown = format!("/v1/explain/jobs/{}", "0".repeat(32));
    assert_eq!(scene.operate("GET", &unknown, json!({})).await.0, 404);

    // FCM refuses all attempts: a dead letter.
    scene.twins.refuse(1_000);
    let mut ring = offer("dead");
    ring["person"] = json!("guest");
    let joined = json!({"conversation": "dead", "person": "guest", "role": "visitor"});
    assert_eq!(caller.event("j", "joined", joined).await.unwrap(), 202);
    let message = json!({"conversation": "dead", "sender": "kate", "role": "primary", "preview": "hi"});
    assert_eq!(caller.event("m", "message_sent", message).await.unwrap(), 202);
    let mut letters = json!([]);
    for _ in 0..600 {
        letters = scene.operate("GET", "/v1/letters", json!({})).await.1["letters"].clone();
        if letters != json!([]) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let letter =
        letters[0]["letter"].as_str().unwrap_or_else(|| panic!("no dead letter: {letters}")).to_owned();
    assert_eq!(letters[0]["person"], json!("guest"), "{letters}");
    scene.twins.refuse(0);
    let died = letters[0]["died_ms"].as_u64().unwrap();
    let window = json!({"from_ms": died, "to_ms": died + 1, "every_ms": 1});
    let (status, redriven) = scene.operate("POST", "/v1/letters/redrive", window).await;
    assert_eq!((status, &redriven["letters"]), (202, &json!(1)), "{redriven}");
    wait(&scene.twins, "the letter, sent again", |pushes| !of(pushes, "web_push").is_empty()).await;
    assert_eq!(scene.operate("GET", "/v1/letters?limit=1", json!({})).await.1["letters"], json!([]));
    assert_eq!(scene.operate("DELETE", &format!("/v1/letters/{letter}"), json!({})).await.0, 404);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_tested_before_they_are_used_and_never_shown() {
    let scene = Scene::new("credentials").await;
    let [_, apple, google] = scene.twins.origins.clone();
    let good = json!({
        "apns": {"bundle": "com.example.second", "key_id": "LOCALKEY01", "team": "LOCALTEAM1", "key": scene.twins.p8(), "origin": apple},
        "fcm": {"project": "local-project", "metadata": google, "origin": google},
    });
    let (_, own) = scene.operate("GET", &format!("/v1/credentials/{LOCAL_APP}"), json!({})).await;
    assert_eq!(own["from"], json!("settings"), "{own}");
    let (status, tests) =
        scene.operate("POST", &format!("/v1/credentials/{LOCAL_APP}/test"), json!({})).await;
    assert_eq!(
        (status, &tests["tests"][0]["configured"], &tests["tests"][1]["configured"]),
        (200, &json!(true), &json!(true)),
        "{tests}"
    );

    // A key that Apple does not know.
    let mut wrong = good.clone();
    wrong["apns"]["key_id"] = json!("ANOTHERKEY");
    wrong["apns"]["team"] = json!(reveille_example_service::twins::TEAM);
    let (status, refused) = scene.operate("PUT", "/v1/credentials/second", wrong).await;
    assert_eq!(
        (status, &refused["type"]),
        (422, &json!("urn:reveille:problem:credentials-refused")),
        "{refused}"
    );
    assert_eq!(scene.operate("GET", "/v1/credentials/second", json!({})).await.0, 404, "nothing was kept");
    // No key at all, and somebody's else's words are not repeated.
    let mut rubbish = good.clone();
    rubbish["apns"]["key"] = json!("SECRET RUBBISH");
    let (status, refused) = scene.operate("PUT", "/v1/credentials/second", rubbish).await;
    assert_eq!(status, 400);
    assert!(!refused.to_string().contains("RUBBISH"), "{refused}");

    let mut second = good;
    second["apns"]["key_id"] = json!(reveille_example_service::twins::KEY_ID);
    second["apns"]["team"] = json!(reveille_example_service::twins::TEAM);
    second["fcm"]["project"] = json!(reveille_example_service::twins::PROJECT);
    let (status, masked) = scene.operate("PUT", "/v1/credentials/second", second).await;
    assert_eq!((status, &masked["from"]), (200, &json!("api")), "{masked}");
    for shown in [masked.to_string(), scene.operate("GET", "/v1/credentials", json!({})).await.1.to_string()]
    {
        assert!(
            !shown.contains("PRIVATE KEY") && !shown.contains(reveille_example_service::twins::KEY_ID),
            "{shown}"
        );
    }
    // It sends at once, beside the other app, and after a restart.
    let form = json!({"owner": "zoe", "platform": "android", "fcm_token": scene.twins.android()});
    assert_eq!(scene.operate("PUT", "/v1/devices/second/zoes", form).await.0, 201);
    let Scene { folder, twins, running } = scene;
    let mut running = running;
    for number in 0..2 {
        let _ = twins.take();
        let mut ring = offer(&format!("ring-{number}"));
        ring["person"] = json!("zoe");
        assert_eq!(running.caller.event(&format!("z{number}"), "call_offered", ring).await.unwrap(), 202);
        wait(&twins, "zoe's ring", |pushes| !of(pushes, "fcm").is_empty()).await;
        running.service.stop().await.unwrap();
        running = start(&folder, &twins, &Clock::default(), |_| {}).await;
    }
    let stored = std::fs::read(folder.path().join("store.redb")).unwrap();
    let secret = Keys::open(&folder.path().join("keys.toml")).unwrap().api.expose().clone();
    for secret in ["BEGIN PRIVATE KEY", secret.as_str()] {
        assert!(!stored.windows(secret.len()).any(|part| part == secret.as_bytes()), "sealed at rest");
    }
    let caller = &running.caller;
    assert_eq!(call(caller, "DELETE", "/v1/credentials/second", json!({})).await.0, 204);
    assert_eq!(call(caller, "DELETE", &format!("/v1/credentials/{LOCAL_APP}"), json!({})).await.0, 409);
    running.service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_the_router() {
    let scene = Scene::new("document").await;
    let nobody = Caller::new(scene.running.service.address, "");
    let (status, document) = call(&nobody, "GET", "/v1/openapi.json", json!({})).await;
    assert_eq!(status, 200);
    let operations = reveille_example_service::api::operations();
    let described: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(described, operations.len());
    for operation in operations {
        assert!(document["paths"][operation.path][operation.verb.name()].is_object(), "{}", operation.path);
    }
    assert_eq!(
        call(&nobody, "GET", "/v1/vapid", json!({})).await.1["public_key"].as_str().map(str::len),
        Some(87)
    );
    scene.stop().await;
}
