//! Content: keys, plural forms, fall-back texts (A9, B4, C3, C4, D2).
#![cfg(feature = "render")]
// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::unwrap_used, clippy::panic)]

use reveille_conversation::content::{self, Content, Texts, withdraw_data};
use reveille_conversation::event::*;
use reveille_conversation::rules::Rules;
use reveille_conversation::text::Text;
use reveille_conversation::*;
use reveille_core::{Machine, UnixTime};

/// What follows from an event in a fresh conversation with one visitor.
fn outputs(whats: Vec<What>) -> Vec<Output> {
    let mut machine = Conversations::new(Rules::default(), Seed::new([1; 16])).unwrap();
    let now = UnixTime::from_secs(1_700_000_000);
    let joined = What::Joined(Joined { person: "ann".parse().unwrap(), role: Role::Visitor });
    let mut last = Vec::new();
    for what in std::iter::once(joined).chain(whats) {
        last = machine.apply(Event::new("c/1".parse().unwrap(), what, now).into(), now).collect();
    }
    last
}

fn intent(whats: Vec<What>) -> Intent {
    match outputs(whats).into_iter().find(|output| matches!(output, Output::Intent(_))) {
        Some(Output::Intent(intent)) => *intent,
        _ => panic!("no intent"),
    }
}

fn offer(json: &str) -> What {
    What::CallOffered(serde_json::from_str(json).unwrap())
}

fn message(sequence: u64, from: Option<&str>) -> What {
    What::MessageSent(Message {
        sender: "kate".parse().unwrap(),
        role: Role::Primary,
        kind: MessageKind::Written,
        message: None,
        sequence: Some(sequence),
        sender_name: from.map(Text::new),
        preview: Some(Text::new("Hello {from}")),
    })
}

#[test]
fn b4_an_inbound_call() {
    let intent = intent(vec![offer(r#"{"person":"kate","caller_name":"Ann","queue_name":"Sales"}"#)]);
    let (content, english) = (Content::of(&intent), Texts::english().unwrap());
    assert_eq!(english.render(&intent, "title").as_deref(), Some("Incoming call"));
    assert_eq!(english.render(&intent, "body").as_deref(), Some("From Ann | Queue: Sales"));
    assert_eq!(
        (content.category, content.android_channel, content.may_ring),
        ("INCOMING_CALL", "calls", true)
    );
    assert_eq!(content.deep_link, "/conversations/c%2F1?action=join");
    let keys: Vec<_> = content.data.iter().map(|(key, _)| *key).collect();
    assert_eq!(
        keys,
        ["conversationId", "userId", "kind", "channelType", "generation", "mediaType", "episode"]
    );
}

#[test]
fn a2_a_call_without_names_has_a_text_without_names() {
    let intent = intent(vec![offer(r#"{"person":"kate"}"#)]);
    assert_eq!(Texts::english().unwrap().render(&intent, "body").as_deref(), Some("Somebody is calling"));
}

#[test]
fn b1_a_chat_never_rings() {
    let intent = intent(vec![offer(r#"{"person":"kate","media":"chat"}"#)]);
    assert!(!Content::of(&intent).may_ring);
    assert_eq!(Texts::english().unwrap().render(&intent, "title").as_deref(), Some("Incoming chat"));
}

#[test]
fn plural_forms_and_fall_backs() {
    let (one, two) =
        (intent(vec![message(1, Some("Kate"))]), intent(vec![message(1, None), message(2, Some("Kate"))]));
    let english = Texts::english().unwrap();
    // What people wrote is not a template.
    assert_eq!(english.render(&one, "body").as_deref(), Some("Hello {from}"));
    assert_eq!(english.render(&two, "body").as_deref(), Some("2 new messages: Hello {from}"));
    assert_eq!(
        english.render(&one, "sms").as_deref(),
        Some("You have a new message. Open the chat to read it.")
    );
    assert_eq!(english.render(&two, "email_subject").as_deref(), Some("New message"));
    let polish =
        [("new_message.sms.one", "{count} wiadomość"), ("new_message.sms.few", "{count} wiadomości")];
    let polish = Texts::new("pl", polish).unwrap();
    assert_eq!(polish.render(&two, "sms").as_deref(), Some("2 wiadomości"));
    assert_eq!(polish.render(&two, "title"), None);
    insta::assert_snapshot!(Texts::new("not a language", []).unwrap_err(), @r#"expected a language with plural rules, found "not a language""#);
}

#[test]
fn every_kind_has_english_texts() {
    let english = Texts::english().unwrap();
    let mut intent = intent(vec![message(1, Some("Kate"))]);
    for kind in Kind::ALL {
        intent.kind = *kind;
        for part in ["title", "sms", "email_subject", "email_body"] {
            assert!(english.render(&intent, part).is_some_and(|text| !text.is_empty()), "{kind} {part}");
        }
        for action in Content::of(&intent).actions {
            assert!(english.text("action", action.id).is_some(), "{}", action.id);
        }
    }
}

#[test]
fn b7_a_cancel_carries_cause_and_who_answered() {
    let answered = Answered {
        person: "paul".parse().unwrap(),
        role: None,
        device: Some("desk".parse().unwrap()),
        offer: None,
    };
    let outputs =
        outputs(vec![offer(r#"{"person":"kate","caller_name":"Ann"}"#), What::CallAnswered(answered)]);
    let Some(Output::Withdraw(withdraw)) = outputs.last() else { panic!("{outputs:?}") };
    let data = withdraw_data(withdraw);
    for expected in [
        ("type", "CALL_CANCEL"),
        ("action", "cancel_ring"),
        ("cause", "answered_elsewhere"),
        ("answered_by", "paul"),
    ] {
        assert!(data.contains(&(expected.0, expected.1.to_owned())), "{expected:?} in {data:?}");
    }
}

/// A subject of an e-mail is one line, whatever somebody calls themselves; and nobody turns the text around.
#[test]
fn what_people_wrote_is_one_line() {
    let from = Text::new("Ann\r\nBcc: all@example.com\u{202e}\u{2029}x");
    let arguments = Arguments { from: Some(from), ..Arguments::default() };
    assert_eq!(content::fill("Call from {from}", &arguments, 1), "Call from Ann  Bcc: all@example.com x");
}

#[test]
fn every_cause_has_a_text() {
    let english = Texts::english().unwrap();
    let outputs = outputs(vec![
        offer(r#"{"person":"kate","caller_name":"Ann"}"#),
        What::CallDeclined(Declined { person: "kate".parse().unwrap(), device: None, offer: None }),
    ]);
    let Some(Output::Withdraw(withdraw)) = outputs.into_iter().next() else { panic!("no cancel") };
    assert_eq!(english.render_withdraw(&withdraw, "title"), Some("Call declined on another device"));
    for cause in Cause::ALL {
        for of in Kind::ALL {
            let withdraw = Withdraw { cause: *cause, of: *of, ..(*withdraw).clone() };
            assert!(english.render_withdraw(&withdraw, "title").is_some(), "{of} {cause}");
        }
    }
}
