//! Every kind, by every service's own builder, to the testkit's twin of the service: it is accepted, and what arrives says
//! what it should.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

mod support;

use proptest::prelude::*;
use reveille_content::{AndroidForm, ContentSettings, InvalidContent, Slip, Subject, Templates};
use reveille_conversation::content::{Content, Layout, Texts, withdraw_data};
use reveille_conversation::event::Role;
use reveille_conversation::lookup::Takes;
use reveille_conversation::rules::{CancelForm, Channels};
use reveille_conversation::text::Text;
use reveille_conversation::*;
use reveille_core::UnixTime;
use reveille_payload::SizeLimit;
use reveille_webpush::DeclarativeNotification;
use support::{NOW, World, intent, withdraw};

fn templates(settings: ContentSettings) -> Templates {
    Templates::new("https://shop.example/app", Texts::english().unwrap(), settings).unwrap()
}

fn slip() -> Slip {
    Slip::new(NOW).with_resume_token("resume.token").with_badge(3)
}

/// What is written straight for requests is, byte for byte, what the values say: cut or not, or the same refusal.
fn the_same_either_way<'s>(templates: &Templates, subject: impl Into<Subject<'s>>, slip: &Slip) {
    let subject = subject.into();
    let limit = SizeLimit::Provider;
    let apns = |prepared: &reveille_apns::Prepared| {
        let app = reveille_apns::App::production("com.example.app".parse().unwrap());
        let request = prepared.request(&app, &"00fc13ad".parse().unwrap(), None).unwrap();
        (request.body().to_vec(), format!("{:?}", request.headers()))
    };
    let direct = templates.apns_prepared(subject, slip, NOW).map(|written| {
        let (body, headers) = apns(&written.push);
        (body, headers, written.cuts, written.visible)
    });
    let value = templates.apns(subject, slip, NOW).map(|written| {
        let (body, headers) = apns(&reveille_apns::Prepared::new(&written.push, limit).unwrap());
        (body, headers, written.cuts, written.visible)
    });
    assert_eq!(direct, value);
    let direct = templates.apns_voip_prepared(subject, slip, NOW).map(|written| {
        let (body, headers) = apns(&written.push);
        (body, headers, written.cuts, written.visible)
    });
    let value = templates.apns_voip(subject, slip, NOW).map(|written| {
        let (body, headers) = apns(&reveille_apns::Prepared::new(&written.push, limit).unwrap());
        (body, headers, written.cuts, written.visible)
    });
    assert_eq!(direct, value);
    let target = reveille_fcm::RegistrationToken::new("phone").unwrap().into();
    let fcm = |prepared: &reveille_fcm::Prepared| prepared.body(&target).unwrap().to_vec();
    let direct = templates
        .fcm_prepared(subject, slip, NOW)
        .map(|written| (fcm(&written.push), String::new(), written.cuts, written.visible));
    let value = templates.fcm(subject, slip, NOW).map(|written| {
        let prepared = reveille_fcm::Prepared::new(&written.push, limit).unwrap();
        (fcm(&prepared), String::new(), written.cuts, written.visible)
    });
    assert_eq!(direct, value);
    if let Ok(written) = templates.web_push(subject, slip, NOW)
        && written.visible
    {
        let json = str::from_utf8(written.push.payload().unwrap()).unwrap();
        let value = DeclarativeNotification::from_json(json).unwrap();
        assert_eq!(value.to_json().unwrap(), json);
    }
}

/// What is written for a device is what the rules' own words for it say (C3, C4).
#[test]
fn routing_data_is_the_contents() {
    let (mut world, templates) = (World::new(), templates(ContentSettings::default()));
    for kind in Kind::ALL {
        for role in [Role::Visitor, Role::Primary] {
            let intent = intent(*kind, role);
            let written = world.apns(&templates.apns(&intent, &slip(), NOW).unwrap().push);
            let content = Content::of(&intent);
            for (key, value) in &content.data {
                assert_eq!(written[key], *value, "{kind}");
            }
            assert_eq!(written["link"], content.deep_link);
            assert_eq!(written["category"], content.category);
            assert!(Layout::TEMPLATES.contains(&content.template));
        }
    }
    for how in [Takes::Cancel, Takes::Invalidate] {
        let withdraw = withdraw(Kind::IncomingCall, how, Cause::Answered, CancelForm::Data);
        let written = world.apns(&templates.apns(&withdraw, &slip(), NOW).unwrap().push);
        for (key, value) in withdraw_data(&withdraw) {
            assert_eq!(written[key], value, "{how}");
        }
    }
}

/// B4, C3, C4: all kinds, all services, both Android forms, VoIP where it may ring.
#[test]
fn every_kind_is_accepted_everywhere() {
    let mut world = World::new();
    for form in [AndroidForm::Notification, AndroidForm::Data] {
        let templates = templates(ContentSettings::default().with_android(form));
        for kind in Kind::ALL {
            for role in [Role::Visitor, Role::Primary] {
                let intent = intent(*kind, role);
                the_same_either_way(&templates, &intent, &slip());
                let apns = templates.apns(&intent, &slip(), NOW).unwrap();
                assert!(apns.visible && apns.cuts.is_empty(), "{kind}");
                let apns = world.apns(&apns.push);
                assert!(apns["aps"]["alert"]["title"].is_string(), "{kind}: {apns}");
                assert_eq!(apns["aps"]["badge"], 3);
                assert_eq!(apns["aps"]["mutable-content"], 1);
                assert_eq!(apns["resumeToken"], "resume.token", "beside aps, not in it");
                let fcm = world.fcm(&templates.fcm(&intent, &slip(), NOW).unwrap().push);
                assert_eq!(fcm["data"]["resumeToken"], "resume.token");
                let channel = match form {
                    AndroidForm::Notification => &fcm["android"]["notification"]["channelId"],
                    AndroidForm::Data => &fcm["data"]["channelId"],
                };
                assert_eq!(channel, Content::of(&intent).android_channel, "{fcm}");
                let web = world.web_push(&templates.web_push(&intent, &slip(), NOW).unwrap().push);
                assert_eq!((&web["web_push"], &web["mutable"]), (&8030.into(), &true.into()));
                let link = web["notification"]["navigate"].as_str().unwrap();
                assert!(link.starts_with("https://shop.example/app/conversations/c%2F1"), "{link}");
                assert!(link.ends_with("#resume=resume.token"), "{link}");
                for text in [&web["notification"]["data"], &fcm["data"], &apns] {
                    for key in [
                        "conversationId",
                        "userId",
                        "kind",
                        "timestamp",
                        "notAfter",
                        "generation",
                        "collapse",
                    ] {
                        assert!(text[key].is_string(), "{kind} {key}: {text}");
                    }
                    assert_eq!(text["contactId"].is_string(), role == Role::Visitor, "{kind}");
                }
                let voip = templates.apns_voip(&intent, &slip(), NOW);
                if *kind == Kind::IncomingCall {
                    let voip = world.apns(&voip.unwrap().push);
                    assert_eq!(voip["callUuid"], apns["callUuid"]);
                    assert_eq!(voip["title"], "Incoming call");
                } else {
                    assert_eq!(voip.unwrap_err(), InvalidContent::NotACall { kind: *kind }, "B1");
                }
            }
        }
    }
}

/// B7: both forms of a cancel, on all services; it has the slot of its ring and not that of a "missed" (E3).
#[test]
fn cancels_are_accepted_everywhere() {
    let (mut world, templates) = (World::new(), templates(ContentSettings::default()));
    let ring = templates.web_push(&intent(Kind::IncomingCall, Role::Primary), &slip(), NOW).unwrap();
    let missed = templates.web_push(&intent(Kind::MissedCall, Role::Primary), &slip(), NOW).unwrap();
    for form in [CancelForm::Replacement, CancelForm::Data] {
        for cause in Cause::ALL {
            let withdraw = withdraw(Kind::IncomingCall, Takes::Cancel, *cause, form);
            let visible = form == CancelForm::Replacement;
            the_same_either_way(&templates, &withdraw, &slip());
            let apns = templates.apns(&withdraw, &slip(), NOW).unwrap();
            let fcm = templates.fcm(&withdraw, &slip(), NOW).unwrap();
            let web = templates.web_push(&withdraw, &slip(), NOW).unwrap();
            let voip = templates.apns_voip(&withdraw, &slip(), NOW).unwrap();
            assert_eq!((apns.visible, fcm.visible, web.visible), (visible, visible, visible), "{cause}");
            assert_eq!(web.push.topic(), ring.push.topic());
            assert_ne!(web.push.topic(), missed.push.topic(), "a revoke never removes a missed");
            let (apns, voip) = (world.apns(&apns.push), world.apns(&voip.push));
            let (fcm, web) = (world.fcm(&fcm.push), world.web_push(&web.push));
            let data = if visible { &web["notification"]["data"] } else { &web["data"] };
            for text in [&apns, &voip, &fcm["data"], data] {
                assert_eq!(text["type"], "CALL_CANCEL");
                assert_eq!(text["action"], "cancel_ring");
                assert_eq!(text["cause"], cause.as_str());
                assert_eq!(text["answered_by"], "paul");
                assert_eq!(text["callUuid"], voip["callUuid"]);
                assert!(text["resumeToken"].is_null(), "a cancel leads nowhere");
            }
            let silent = apns["aps"]["sound"].is_null() && fcm["android"]["notification"]["sound"].is_null();
            assert!(silent && (!visible || web["notification"]["silent"] == true));
            assert_eq!(apns["aps"]["alert"].is_object(), visible);
        }
    }
}

/// E2: an invalidation shows nothing and is not urgent.
#[test]
fn an_invalidation_shows_nothing() {
    let (mut world, templates) = (World::new(), templates(ContentSettings::default()));
    let read = withdraw(Kind::NewMessage, Takes::Invalidate, Cause::Read, CancelForm::Replacement);
    let web = templates.web_push(&read, &slip(), NOW).unwrap();
    assert!(!web.visible, "counts against the budget of E5");
    let shown = templates.web_push(&intent(Kind::NewMessage, Role::Primary), &slip(), NOW).unwrap();
    assert_eq!(web.push.topic(), shown.push.topic(), "it overtakes a message that waits");
    let apns = world.apns(&templates.apns(&read, &slip(), NOW).unwrap().push);
    assert_eq!(apns["aps"], serde_json::json!({ "content-available": 1 }));
    let fcm = world.fcm(&templates.fcm(&read, &slip(), NOW).unwrap().push);
    assert_eq!(
        (&fcm["android"]["priority"], &fcm["notification"]),
        (&"NORMAL".into(), &serde_json::Value::Null)
    );
    assert_eq!(world.web_push(&web.push)["data"]["action"], "invalidate");
    assert!(matches!(templates.apns_voip(&read, &slip(), NOW), Err(InvalidContent::NotACall { .. })));
}

/// B5, E5: what is late or not for this channel is not written.
#[test]
fn late_or_not_for_this_channel() {
    let templates = templates(ContentSettings::default());
    let mut ring = intent(Kind::IncomingCall, Role::Primary);
    for late in [ring.not_after, UnixTime::MAX] {
        assert!(matches!(templates.apns(&ring, &slip(), late), Err(InvalidContent::Late { .. })));
        assert!(matches!(templates.apns_voip(&ring, &slip(), late), Err(InvalidContent::Late { .. })));
        assert!(matches!(templates.fcm(&ring, &slip(), late), Err(InvalidContent::Late { .. })));
        assert!(matches!(templates.web_push(&ring, &slip(), late), Err(InvalidContent::Late { .. })));
    }
    ring.channels = Channels::of(&[Channel::WebPush]);
    assert!(matches!(templates.fcm(&ring, &slip(), NOW), Err(InvalidContent::Channel { .. })));
    assert!(templates.web_push(&ring, &slip(), NOW).is_ok());
}

#[test]
fn texts_of_errors() {
    let english = || Texts::english().unwrap();
    let origins =
        ["", "shop.example", "http://shop.example", "https://a@shop.example", "https://shop.example/?x"];
    for origin in origins {
        let error = Templates::new(origin, english(), ContentSettings::default()).unwrap_err();
        assert_eq!(error, InvalidContent::Origin, "{origin}");
    }
    let ring = Intent { channels: Channels::NONE, ..intent(Kind::IncomingCall, Role::Primary) };
    let here = templates(ContentSettings::default());
    let tight = templates(ContentSettings::default().with_limit(SizeLimit::Bytes(300)));
    let all = [
        InvalidContent::Origin,
        Templates::new("https://x.example", english(), ContentSettings::default().with_sound(""))
            .unwrap_err(),
        here.fcm(&ring, &slip(), NOW).unwrap_err(),
        here.apns(
            &intent(Kind::IncomingCall, Role::Primary),
            &slip(),
            NOW + std::time::Duration::from_secs(30),
        )
        .unwrap_err(),
        here.apns_voip(&intent(Kind::MissedCall, Role::Primary), &slip(), NOW).unwrap_err(),
        tight.apns(&intent(Kind::IncomingCall, Role::Primary), &slip(), NOW).unwrap_err(),
    ];
    insta::assert_snapshot!(all.map(|error| error.to_string()).join("\n"), @"
    origin: expected an absolute https URL without query and fragment, found another text
    sound: expected a name, found an empty text
    incoming_call: the rules do not send it by mobile
    incoming_call: it was of use until 1800000030000 ms, and it is 1800000030000 ms
    missed_call: only a call may be sent as VoIP
    message of 591 bytes does not fit into 300, at least 561 are needed: callUuid 36, link 32, alert.body 23, collapse 22, interruption-level 14, …
    ");
    insta::assert_snapshot!(
        format!("{:?}", slip()),
        @"Slip { issued_at: UnixTime(1800000000000), resume_token_bytes: Some(12), badge: Some(3), forms: None }"
    );
}

/// A7, plural forms and another language; what it lacks is English.
#[test]
fn languages() {
    let german = Texts::new(
        "de",
        [
            ("new_message.title", "Neue Nachricht"),
            ("new_message.from_snippet.body.one", "{snippet}"),
            ("new_message.from_snippet.body.other", "{count} neue Nachrichten: {snippet}"),
            ("action.reply", "Antworten"),
        ],
    );
    let german = Templates::new("https://x.example", german.unwrap(), ContentSettings::default()).unwrap();
    let mut intent = intent(Kind::NewMessage, Role::Visitor);
    intent.arguments.unread = 3;
    let mut world = World::new();
    let web = world.web_push(&german.web_push(&intent, &slip(), NOW).unwrap().push);
    assert_eq!(web["notification"]["lang"], "de");
    assert_eq!(web["notification"]["body"], "3 neue Nachrichten: Are you still there?");
    let labels: Vec<_> =
        web["notification"]["actions"].as_array().unwrap().iter().map(|action| &action["title"]).collect();
    assert_eq!(labels, ["Antworten", "Mark as read"]);
    assert!(german.sms(&intent).unwrap().starts_with("You have 3 new messages."));
}

/// A9: SMS and e-mail, with a link and without a token.
#[test]
fn fall_back() {
    let templates = templates(ContentSettings::default());
    for kind in Kind::ALL {
        let intent = intent(*kind, Role::Visitor);
        let (sms, email) = (templates.sms(&intent).unwrap(), templates.email(&intent).unwrap());
        assert!(sms.ends_with(" https://shop.example/app/conversations/c%2F1"), "{sms}");
        assert!(!email.subject.contains('\n') && email.body.ends_with("/conversations/c%2F1\n"), "{email:?}");
    }
}

/// A name of blanks only leaves no empty title, which browsers refuse.
#[test]
fn a_name_that_shows_nothing() {
    let (mut world, templates) = (World::new(), templates(ContentSettings::default()));
    let mut intent = intent(Kind::NewMessage, Role::Visitor);
    intent.arguments.from = Some(Text::new("\n\u{202e}"));
    let web = world.web_push(&templates.web_push(&intent, &slip(), NOW).unwrap().push);
    assert_eq!(web["notification"]["title"], "New message");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever people write and whatever ids platforms use: it is accepted within the budget, or an error says what is too large.
    #[test]
    fn whatever_people_write(
        kind in 0..Kind::ALL.len(),
        from in proptest::option::of(".{0,600}"),
        snippet in proptest::option::of("(?s).{0,600}"),
        id in "[^\\p{Cc}]{1,30}",
        left in 1_u64..3_000_000_000,
        token in proptest::option::of("[A-Za-z0-9._-]{1,200}"),
        data in any::<bool>(),
    ) {
        let form = if data { AndroidForm::Data } else { AndroidForm::Notification };
        let (mut world, templates) = (World::new(), templates(ContentSettings::default().with_android(form)));
        let mut intent = intent(Kind::ALL[kind], Role::Visitor);
        intent.conversation = id.parse().unwrap();
        intent.arguments.from = from.as_deref().map(Text::new);
        intent.arguments.snippet = snippet.as_deref().map(Text::new);
        intent.not_after = NOW + std::time::Duration::from_millis(left);
        let mut slip = Slip::new(NOW);
        if let Some(token) = token {
            slip = slip.with_resume_token(token);
        }
        the_same_either_way(&templates, &intent, &slip);
        match templates.apns(&intent, &slip, NOW) {
            Ok(written) => drop(world.apns(&written.push)),
            Err(error) => prop_assert!(matches!(error, InvalidContent::TooLarge(_)), "{error}"),
        }
        match templates.fcm(&intent, &slip, NOW) {
            Ok(written) => drop(world.fcm(&written.push)),
            Err(error) => prop_assert!(matches!(error, InvalidContent::TooLarge(_)), "{error}"),
        }
        match templates.web_push(&intent, &slip, NOW) {
            Ok(written) => {
                let web = world.web_push(&written.push);
                prop_assert!(!web["notification"]["title"].as_str().unwrap().trim().is_empty());
            }
            Err(error) => prop_assert!(error.to_string().contains("does not fit"), "{error}"),
        }
        prop_assert!(!templates.email(&intent).unwrap().subject.contains(['\r', '\n']));
    }
}
