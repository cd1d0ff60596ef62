//! Checking the JSON of a declarative message that somebody else wrote.

use reveille_payload::{Part, SizeLimit, TooLarge, from_json};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::object::from_object;

use super::notification::{DeclarativeNotification, InvalidDeclarative, Members};
use crate::message::MAX_PLAINTEXT;

const MAGIC: u32 = 8030;

/// The whole payload, in the order in which it is written.
#[derive(Serialize)]
struct Written<'a> {
    web_push: u32,
    notification: &'a Members,
    // The draft has it here, WebKit's first implementation in the notification: it is written in both places.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_badge: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    mutable: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    web_push: Value,
    #[serde(deserialize_with = "members")]
    notification: Members,
    #[serde(default)]
    app_badge: Option<u64>,
    #[serde(default)]
    mutable: bool,
}

fn members<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
    from_object(deserializer, "a notification")
}

impl Read {
    fn notification(self) -> Result<DeclarativeNotification, InvalidDeclarative> {
        if self.web_push != MAGIC {
            return Err(InvalidDeclarative::Magic);
        }
        let mut members = self.notification;
        members.app_badge = self.app_badge.or(members.app_badge);
        Ok(DeclarativeNotification { members, mutable: self.mutable })
    }
}

struct Unchecked(Read);

impl<'de> Deserialize<'de> for Unchecked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_object(deserializer, "a declarative message").map(Self)
    }
}

impl Serialize for DeclarativeNotification {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { members, mutable } = self;
        let written = Written {
            web_push: MAGIC,
            notification: members,
            app_badge: members.app_badge,
            mutable: *mutable,
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DeclarativeNotification {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Unchecked::deserialize(deserializer)?.0.notification().map_err(serde::de::Error::custom)
    }
}

impl DeclarativeNotification {
    /// Reads and checks a payload, more strictly than browsers do: an unknown member, which they ignore, is most
    /// likely a misspelt one.
    ///
    /// # Errors
    /// [`InvalidDeclarative`].
    pub fn from_json(json: &str) -> Result<Self, InvalidDeclarative> {
        let (size, limit) = (json.len(), SizeLimit::Provider.of(MAX_PLAINTEXT));
        if size > limit {
            return Err(TooLarge::uncut(size, limit, &[Part::fixed("JSON", size)]).into());
        }
        let Unchecked(read) = from_json(json.as_bytes())?;
        let notification = read.notification()?;
        notification.check()?;
        Ok(notification)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DeclarativeAction, Direction};
    use super::*;

    #[test]
    fn round_trip_of_everything() {
        let all = DeclarativeNotification::new("T", "https://a.example/x#y")
            .with_body("b")
            .with_lang("en")
            .with_dir(Direction::Rtl)
            .with_tag("t")
            .with_icon("https://a.example/i.png")
            .with_image("https://a.example/p.png")
            .with_badge("https://a.example/b.png")
            .with_timestamp(reveille_core::UnixTime::from_millis(5))
            .with_silent(false)
            .with_renotify(true)
            .with_require_interaction(true)
            .with_data(&serde_json::json!({"conversation": "7"}))
            .unwrap()
            .with_action(DeclarativeAction::new("open", "Open", "https://a.example/open"))
            .with_app_badge(3)
            .with_mutable(true);
        let json = all.to_json().unwrap();
        assert_eq!(DeclarativeNotification::from_json(&json).unwrap(), all);
        insta::assert_snapshot!(json, @r#"{"web_push":8030,"notification":{"title":"T","navigate":"https://a.example/x#y","body":"b","lang":"en","dir":"rtl","tag":"t","icon":"https://a.example/i.png","image":"https://a.example/p.png","badge":"https://a.example/b.png","timestamp":5,"silent":false,"renotify":true,"requireInteraction":true,"data":{"conversation":"7"},"actions":[{"action":"open","title":"Open","navigate":"https://a.example/open"}],"app_badge":3},"app_badge":3,"mutable":true}"#);
    }

    #[test]
    fn what_would_not_be_shown_is_refused() {
        let err = |json: &str| DeclarativeNotification::from_json(json).unwrap_err().to_string();
        let with = |members: &str| {
            err(&format!(
                r#"{{"web_push":8030,"notification":{{"title":"T","navigate":"https://a.example/"{members}}}}}"#
            ))
        };
        insta::assert_snapshot!(err(r#"[8030,{"title":"T","navigate":"https://a.example/"},null,false]"#), @"JSON, line 1 column 0: expected a declarative message as a JSON object, found an array");
        insta::assert_snapshot!(err(r#"{"web_push":8030,"notification":["T","https://a.example/"]}"#), @"JSON at notification, line 1 column 32: expected a notification as a JSON object, found an array");
        insta::assert_snapshot!(err("[]"), @"JSON, line 1 column 0: expected a declarative message as a JSON object, found an array");
        insta::assert_snapshot!(err(r#"{"web_push":8031,"notification":{"title":"T","navigate":"https://a.example/"}}"#), @"web_push must be 8030");
        insta::assert_snapshot!(err(r#"{"web_push":"8030","notification":{"title":"T","navigate":"https://a.example/"}}"#), @"web_push must be 8030");
        insta::assert_snapshot!(err(r#"{"web_push":8030,"notification":{"title":"","navigate":"https://a.example/"}}"#), @"title must not be empty");
        for bad in [
            "/chat",
            "chat",
            "http://a.example/",
            "javascript:alert(1)",
            "https://",
            "https://a .example/",
            "",
        ] {
            let json = format!(r#"{{"web_push":8030,"notification":{{"title":"T","navigate":"{bad}"}}}}"#);
            assert_eq!(err(&json), "notification.navigate must be an absolute https URL", "{bad}");
        }
        insta::assert_snapshot!(with(r#","icon":"x""#), @"notification.icon must be an absolute https URL");
        insta::assert_snapshot!(with(r#","actions":[{"action":"a","title":"A","navigate":"x"}]"#), @"notification.actions.navigate must be an absolute https URL");
        insta::assert_snapshot!(with(r#","renotify":true"#), @"renotify needs a tag");
        insta::assert_snapshot!(with(r#","renotify":true,"tag":"t","silent":true"#), @"a silent notification cannot renotify");
        insta::assert_snapshot!(with(r#","titel":1"#), @"JSON at notification.titel, line 1 column 84: unknown field `titel`, expected one of `title`, `navigate`, `body`, `lang`, `dir`, `tag`, `icon`, `image`, `badge`, `timestamp`, `silent`, `renotify`, `requireI");
        let long = DeclarativeNotification::new("T", "https://a.example/").with_body("b".repeat(4_000));
        insta::assert_snapshot!(long.to_json().unwrap_err(), @"message of 4088 bytes does not fit into 3993, at least 4088 are needed: notification.body 4000, notification.navigate 32, notification.title 1");
    }

    #[test]
    fn http_is_for_this_machine_only() {
        assert!(DeclarativeNotification::new("T", "http://localhost:8080/").to_json().is_ok());
    }
}
