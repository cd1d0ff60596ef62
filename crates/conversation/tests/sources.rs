//! A fixture of every kind from every source, and what is malformed.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;

use reveille_conversation::event::*;
use reveille_conversation::rules::{Preset, Rules};
use reveille_conversation::source::{CloudEvents, Genesys, Parsed, Platform, SourceError, missing_topics};
use reveille_conversation::{Input, Media};
use reveille_core::UnixTime;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
/// 2026-01-01T10:00:00Z, in all fixtures.
const THEN: u64 = 1_767_261_600_000;

/// Fixture, and what it says.
const FIXTURES: &[(&str, &str, &str)] = &[
    ("cloud_business_closing", include_str!("fixtures/cloud_business_closing.json"), "business_closing"),
    (
        "cloud_business_closing_of_queue",
        include_str!("fixtures/cloud_business_closing_of_queue.json"),
        "queue q-sales",
    ),
    ("cloud_call_answered", include_str!("fixtures/cloud_call_answered.json"), "call_answered kate"),
    ("cloud_call_declined", include_str!("fixtures/cloud_call_declined.json"), "call_declined kate"),
    ("cloud_call_ended", include_str!("fixtures/cloud_call_ended.json"), "call_ended"),
    ("cloud_call_offered", include_str!("fixtures/cloud_call_offered.json"), "call_offered kate"),
    ("cloud_call_timed_out", include_str!("fixtures/cloud_call_timed_out.json"), "call_timed_out kate"),
    ("cloud_call_withdrawn", include_str!("fixtures/cloud_call_withdrawn.json"), "call_withdrawn kate"),
    ("cloud_callback_accepted", include_str!("fixtures/cloud_callback_accepted.json"), "callback_accepted"),
    (
        "cloud_callback_attempted",
        include_str!("fixtures/cloud_callback_attempted.json"),
        "callback_attempted",
    ),
    (
        "cloud_callback_cancelled",
        include_str!("fixtures/cloud_callback_cancelled.json"),
        "callback_cancelled",
    ),
    (
        "cloud_callback_completed",
        include_str!("fixtures/cloud_callback_completed.json"),
        "callback_completed",
    ),
    ("cloud_callback_created", include_str!("fixtures/cloud_callback_created.json"), "callback_created"),
    ("cloud_callback_purged", include_str!("fixtures/cloud_callback_purged.json"), "callback_purged"),
    ("cloud_callback_ready", include_str!("fixtures/cloud_callback_ready.json"), "callback_ready"),
    (
        "cloud_callback_rescheduled",
        include_str!("fixtures/cloud_callback_rescheduled.json"),
        "callback_rescheduled",
    ),
    ("cloud_delegated", include_str!("fixtures/cloud_delegated.json"), "delegated"),
    ("cloud_estimated_wait", include_str!("fixtures/cloud_estimated_wait.json"), "estimated_wait"),
    (
        "cloud_estimated_wait_of_queue",
        include_str!("fixtures/cloud_estimated_wait_of_queue.json"),
        "queue q-sales",
    ),
    ("cloud_forwarded", include_str!("fixtures/cloud_forwarded.json"), "forwarded"),
    (
        "cloud_guest_session_ended",
        include_str!("fixtures/cloud_guest_session_ended.json"),
        "guest_session_ended ann",
    ),
    ("cloud_invited", include_str!("fixtures/cloud_invited.json"), "invited"),
    ("cloud_joined", include_str!("fixtures/cloud_joined.json"), "joined ann"),
    ("cloud_left", include_str!("fixtures/cloud_left.json"), "left kate"),
    ("cloud_logged_out", include_str!("fixtures/cloud_logged_out.json"), "logged_out kate"),
    ("cloud_message_sent", include_str!("fixtures/cloud_message_sent.json"), "message_sent ann"),
    ("cloud_presence_changed", include_str!("fixtures/cloud_presence_changed.json"), "presence kate away"),
    ("cloud_read_up_to", include_str!("fixtures/cloud_read_up_to.json"), "read_up_to ann"),
    ("cloud_state_changed", include_str!("fixtures/cloud_state_changed.json"), "state_changed"),
    ("cloud_viewing", include_str!("fixtures/cloud_viewing.json"), "viewing"),
    ("genesys_detail_customer_end", include_str!("fixtures/genesys_detail_customer_end.json"), "call_ended"),
    (
        "genesys_detail_customer_start",
        include_str!("fixtures/genesys_detail_customer_start.json"),
        "joined part-ann",
    ),
    ("genesys_detail_message", include_str!("fixtures/genesys_detail_message.json"), "message_sent part-ann"),
    ("genesys_detail_user_end", include_str!("fixtures/genesys_detail_user_end.json"), "call_withdrawn kate"),
    (
        "genesys_detail_user_start",
        include_str!("fixtures/genesys_detail_user_start.json"),
        "call_offered kate",
    ),
    ("genesys_presence", include_str!("fixtures/genesys_presence.json"), "presence kate away"),
    ("genesys_routing_status", include_str!("fixtures/genesys_routing_status.json"), "presence kate on_call"),
    (
        "genesys_users_conversations",
        include_str!("fixtures/genesys_users_conversations.json"),
        "joined part-ann; call_declined paul; call_offered kate",
    ),
    (
        "genesys_users_conversations_calls",
        include_str!("fixtures/genesys_users_conversations_calls.json"),
        "joined part-ann; call_answered kate",
    ),
    ("platform_connected", include_str!("fixtures/platform_connected.json"), "call_answered kate"),
    ("platform_declined", include_str!("fixtures/platform_declined.json"), "call_declined kate"),
    ("platform_delegated", include_str!("fixtures/platform_delegated.json"), "delegated"),
    ("platform_ended", include_str!("fixtures/platform_ended.json"), "state_changed"),
    ("platform_forwarded", include_str!("fixtures/platform_forwarded.json"), "forwarded"),
    ("platform_forwarded_to_queue", include_str!("fixtures/platform_forwarded_to_queue.json"), "forwarded"),
    ("platform_idle", include_str!("fixtures/platform_idle.json"), "call_withdrawn kate"),
    ("platform_invited", include_str!("fixtures/platform_invited.json"), "invited"),
    ("platform_joined", include_str!("fixtures/platform_joined.json"), "joined kate"),
    ("platform_left", include_str!("fixtures/platform_left.json"), "left kate"),
    ("platform_missed", include_str!("fixtures/platform_missed.json"), "call_withdrawn kate"),
    ("platform_new_message", include_str!("fixtures/platform_new_message.json"), "message_sent kate"),
    ("platform_read", include_str!("fixtures/platform_read.json"), "read_up_to kate"),
    ("platform_reopened", include_str!("fixtures/platform_reopened.json"), "state_changed"),
    ("platform_ringing", include_str!("fixtures/platform_ringing.json"), "call_offered kate"),
    ("platform_timed_out", include_str!("fixtures/platform_timed_out.json"), "call_timed_out kate"),
    (
        "routing_conversation_created",
        include_str!("fixtures/routing_conversation_created.json"),
        "state_changed",
    ),
    (
        "routing_conversation_deleted",
        include_str!("fixtures/routing_conversation_deleted.json"),
        "call_ended",
    ),
    (
        "routing_conversation_updated",
        include_str!("fixtures/routing_conversation_updated.json"),
        "call_answered kate; joined part-ann",
    ),
    ("routing_member_added", include_str!("fixtures/routing_member_added.json"), "call_offered kate"),
    ("routing_member_removed", include_str!("fixtures/routing_member_removed.json"), "call_withdrawn kate"),
];

fn read(name: &str, json: &str) -> Result<Parsed, SourceError> {
    match name.split('_').next() {
        Some("cloud") => CloudEvents::new().read(json, NOW),
        Some("platform") => Platform::new().read(json, NOW),
        _ => Genesys::new().read(json, NOW),
    }
}

fn show(input: &Input) -> String {
    let Input::Event(event) = input else {
        return match input {
            Input::Person(PersonEvent { person, what: PersonChange::Presence(presence), .. }) => {
                format!("presence {person} {presence}")
            }
            Input::Person(event) => format!("logged_out {}", event.person),
            Input::Queue(event) => format!("queue {}", event.queue),
            _ => panic!("{input:?}"),
        };
    };
    let person = match &event.what {
        What::MessageSent(message) => Some(&message.sender),
        What::ReadUpTo(read) => Some(&read.person),
        What::CallOffered(offer) => Some(&offer.person),
        What::CallAnswered(answered) => Some(&answered.person),
        What::CallWithdrawn(withdrawn) => Some(&withdrawn.person),
        What::CallDeclined(declined) => Some(&declined.person),
        What::CallTimedOut(timed_out) => timed_out.person.as_ref(),
        What::Joined(joined) => Some(&joined.person),
        What::Left(left) | What::GuestSessionEnded(left) => Some(&left.person),
        _ => None,
    };
    person
        .map_or_else(|| event.what.as_str().to_owned(), |person| format!("{} {person}", event.what.as_str()))
}

#[test]
fn a_fixture_of_every_kind() {
    let mut kinds = BTreeSet::new();
    for (name, json, expected) in FIXTURES {
        let parsed = read(name, json).unwrap_or_else(|error| panic!("{name}: {error}"));
        let Parsed::Inputs(inputs) = parsed else { panic!("{name}: {parsed:?}") };
        let shown: Vec<_> = inputs.iter().map(show).collect();
        assert_eq!(shown.join("; "), *expected, "{name}");
        for input in &inputs {
            if let Input::Event(event) = input {
                kinds.insert(event.what.as_str());
                assert_eq!(event.conversation.as_str(), "c1", "{name}");
                let known = event.at.as_millis().abs_diff(THEN) < 20_000;
                assert!(
                    known || (event.at == NOW && matches!(event.what, What::Joined(_))),
                    "{name}: {}",
                    event.at
                );
            }
        }
    }
    let missing: Vec<_> = What::NAMES.iter().filter(|name| !kinds.contains(*name)).collect();
    assert!(missing.is_empty(), "no fixture of {missing:?}");
}

/// The schema has a definition for every kind, and every field that it requires is missed where it is not.
#[test]
fn the_schema_and_the_reader_agree() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../schema/event.schema.json")).unwrap();
    for name in What::NAMES.iter().chain(&["presence_changed", "logged_out"]) {
        let required =
            schema["$defs"][name]["required"].as_array().unwrap_or_else(|| panic!("no schema of {name}"));
        let fixture = format!("cloud_{name}");
        let (_, json, _) = FIXTURES.iter().find(|(known, ..)| *known == fixture).unwrap();
        let whole: serde_json::Value = serde_json::from_str(json).unwrap();
        for (field, _) in whole["data"].as_object().unwrap() {
            let mut without = whole.clone();
            without["data"].as_object_mut().unwrap().remove(field);
            let parsed = read(&fixture, &without.to_string());
            let needed = required.contains(&serde_json::json!(field)) || (field == "conversation");
            assert_eq!(parsed.is_err(), needed, "{name} without {field}: {parsed:?}");
            if let Err(error) = parsed {
                assert_eq!(
                    error.to_string().split(':').next(),
                    Some(format!("data.{field}").as_str()),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn binary_and_batched_cloud_events() {
    let mut source = CloudEvents::new();
    let headers = [
        ("Content-Type", "application/json"),
        ("ce-specversion", "1.0"),
        ("CE-ID", "e%201"),
        ("ce-type", "reveille.conversation.read_up_to"),
        ("ce-subject", "c1"),
        ("ce-time", "2026-01-01T10:00:00Z"),
    ];
    let parsed = source.read_binary(headers, r#"{"person":"ann"}"#, NOW).unwrap();
    let Parsed::Inputs(inputs) = parsed else { panic!("{parsed:?}") };
    let Input::Event(event) = &inputs[0] else { panic!("{inputs:?}") };
    assert_eq!((event.at.as_millis(), event.id.as_ref().unwrap().as_str()), (THEN, "e 1"));
    let one = FIXTURES.iter().find(|(name, ..)| *name == "cloud_joined").unwrap().1;
    let batch = source.read_batch(&format!("[{one},{{}},{one}]"), NOW).unwrap();
    assert_eq!(batch.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!((source.counts().documents, source.counts().malformed), (4, 1));
}

#[test]
fn what_is_malformed_has_a_path_and_no_value() {
    let genesys = |json: &str| Genesys::new().read(json, NOW).unwrap_err().to_string();
    let cloud = |json: &str| CloudEvents::new().read(json, NOW).unwrap_err().to_string();
    let texts = [
        genesys("{"),
        genesys(r#"{"topicName":7}"#),
        genesys(r#"{"topicName":"v2.users.kate.conversations","eventBody":{"id":"c1","participants":[{},{"userId":42}]}}"#),
        genesys(r#"{"topicName":"v2.users.kate.conversations","eventBody":{"participants":[]}}"#),
        genesys(r#"{"topicName":"v2.detail.events.conversation.c1.message","eventBody":{"eventTime":"SECRET"}}"#),
        genesys(r#"{"topicName":"routing.queue.member.added","eventBody":{"conversationId":"c1"}}"#),
        genesys(r#"{"topicName":"routing.queue.member.added","eventBody":{"userId":"kate"}}"#),
        cloud(r#"{"specversion":"0.3","id":"1","type":"x"}"#),
        cloud(r#"{"specversion":"1.0","type":"x"}"#),
        cloud(r#"{"specversion":"1.0","id":"1","type":"x","data_base64":"AA=="}"#),
        cloud(r#"{"specversion":"1.0","id":"1","type":"reveille.conversation.joined","data":{"conversation":"c","person":"","role":"visitor"}}"#),
        cloud(r#"{"specversion":"1.0","id":"1","type":"reveille.conversation.joined","data":{"conversation":"c","person":"p","role":"SECRET"}}"#),
        cloud(r#"{"specversion":"1.0","id":"1","type":"reveille.conversation.joined","data":{"person":"p","role":"bot"}}"#),
        CloudEvents::new().read_binary([("ce-specversion", "1.0")], "{}", NOW).unwrap_err().to_string(),
        CloudEvents::new().read_binary([("ce-specversion", "1.0"), ("ce-time", "SECRET")], "{}", NOW).unwrap_err().to_string(),
        Platform::new().read(r#"{"eventType":"conversation.read","conversationId":"c1"}"#, NOW).unwrap_err().to_string(),
        Platform::new().read(r#"{"eventType":"conversation.call_state_changed","conversationId":"c1","person":{"id":"p"},"call":{"state":"SECRET"}}"#, NOW).unwrap_err().to_string(),
    ];
    insta::assert_snapshot!(texts.join("\n"), @"
    this is not JSON: line 1, column 1
    topicName: expected a string, found integer
    eventBody.participants[1].userId: expected an id of 1 to 128 bytes without control characters, found integer
    eventBody.id: expected a value, found nothing
    eventBody.eventTime: expected a time, as RFC 3339 or in milliseconds since 1970, found string
    eventBody.userId: expected a user's id, found nothing
    eventBody.conversationId: expected a conversation's id, found nothing
    specversion: expected 1.0, found another version
    id: expected a value, found nothing
    data_base64: expected JSON in data, found base64
    data.person: expected an id of 1 to 128 bytes, found an empty text
    data.role: expected one of `visitor`, `primary`, `secondary`, `bot`, found another word
    data.conversation: expected a conversation's id, found nothing
    ce-type: expected a type, found nothing
    ce-time: expected a time as RFC 3339, found another text
    person: expected a value, found nothing
    call.state: expected one of `RINGING`, `CONNECTED`, `IDLE`, `NONE`, found another word
    ");
}

#[test]
fn what_is_unknown_is_counted_and_ignored() {
    let mut genesys = Genesys::new();
    for json in [
        r#"{"topicName":"v2.users.kate.station","eventBody":{"anything":[1]}}"#,
        r#"{"topicName":"v2.detail.events.conversation.c1.acd.start","eventBody":7}"#,
        r#"{"topicName":"routing.queue.renamed","eventBody":{}}"#,
        r#"{"topicName":"v2.users.kate.conversations.faxes","eventBody":{}}"#,
        "{}",
    ] {
        assert_eq!(genesys.read(json, NOW), Ok(Parsed::Unknown), "{json}");
    }
    assert_eq!((genesys.counts().documents, genesys.counts().unknown), (5, 5));
    let mut cloud = CloudEvents::new();
    assert_eq!(
        cloud.read(r#"{"specversion":"1.0","id":"1","type":"com.example.x","data":[]}"#, NOW),
        Ok(Parsed::Unknown)
    );
    let mut platform = Platform::new();
    assert_eq!(
        platform.read(r#"{"eventType":"conversation.created","sender":[]}"#, NOW),
        Ok(Parsed::Unknown)
    );
    assert_eq!((cloud.counts().unknown, platform.counts().unknown), (1, 1));
}

#[test]
fn the_connections_own_affairs() {
    let read = |json: &str| Genesys::new().read(json, NOW).unwrap();
    assert_eq!(
        read(r#"{"topicName":"channel.metadata","eventBody":{"message":"WebSocket Heartbeat"}}"#),
        Parsed::Heartbeat
    );
    assert_eq!(read(r#"{"message":"pong"}"#), Parsed::Heartbeat);
    assert_eq!(read(r#"{"topicName":"v2.system.socket_closing","eventBody":{}}"#), Parsed::ClosingSoon);
}

/// B1: filters on one field are alternatives.
#[test]
fn media_are_filtered() {
    let added = FIXTURES.iter().find(|(name, ..)| *name == "routing_member_added").unwrap().1;
    let inputs = |mut source: Genesys| match source.read(added, NOW).unwrap() {
        Parsed::Inputs(inputs) => inputs.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(inputs(Genesys::new()), 1);
    assert_eq!(inputs(Genesys::new().with_media(Media::Call)), 0);
    assert_eq!(inputs(Genesys::new().with_media(Media::Call).with_media(Media::Chat)), 1);
}

#[test]
fn a_subscription_that_lacks_something_is_warned_of() {
    let rules = Rules::preset(Preset::MobileAgents);
    assert!(missing_topics(["v2.users.kate.conversations", "v2.users.kate.presence"], &rules).is_empty());
    assert!(
        missing_topics(["v2.users.kate.conversations.calls", "v2.users.kate.activity"], &rules).is_empty()
    );
    let missing = missing_topics([], &rules);
    assert_eq!(missing.len(), 5);
    assert!(missing[1].to_string().starts_with("not subscribed: routing.queue.member.removed or "));
    assert_eq!(missing_topics([], &Rules::preset(Preset::Callbacks)).len(), 0);
}
