//! Making a message fit: fields go or shrink in a declared order, on grapheme boundaries, and the report says which.

use reveille_payload::{Part, TooLarge, fit};
use serde_json::{Map, Value};

use super::pieces::{Field, Origin, Piece, Pieces};
use super::{Oversize, Platform, SizeBudget};
use crate::message::android::AndroidMessageV2;
use crate::{Android, Data, JsonObject, Message, Text};

/// Something that may be given up to make a message fit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sacrifice {
    /// Shorten the body.
    Body,
    /// Shorten the title.
    Title,
    /// Leave the image out.
    Image,
    /// Leave a data entry out.
    Data(Text),
    /// Shorten the value of a data entry.
    DataText(Text),
}

/// What was cut, and for which platform. A shared field that was cut is cut for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cut {
    /// The platform that it was cut for.
    pub platform: Platform,
    /// The field, its bytes before and after.
    pub cut: reveille_payload::Cut,
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.platform.as_str(), self.cut)
    }
}

impl Message {
    /// Cuts the message until it fits on every platform, in the order given and not more than is needed, and reports
    /// what was cut. Nothing is cut from a message that fits.
    ///
    /// ```
    /// use reveille_fcm::{Message, Notification, Platform, Sacrifice, SizeBudget, SizeMode};
    ///
    /// let mut message = Message::new().notification(Notification::new().title("Anna").body("Grüße aus Köln! ".repeat(20)));
    /// let budget = SizeBudget::default().at_most(300);
    /// let cuts = message.fit(true, budget, &[Sacrifice::Body, Sacrifice::Title])?;
    /// assert_eq!(cuts[0].to_string(), "apns: body shortened from 380 to 97 bytes");
    /// assert!(message.check_size(true, budget).is_ok());
    /// # Ok::<(), reveille_fcm::Oversize>(())
    /// ```
    ///
    /// # Errors
    /// [`Oversize`] if everything that may be cut is not enough; the message is then as it was.
    pub fn fit(
        &mut self,
        to_device: bool,
        budget: SizeBudget,
        order: &[Sacrifice],
    ) -> Result<Vec<Cut>, Oversize> {
        let limit = budget.limit(to_device);
        let mut cut_down = self.clone();
        let mut report = Vec::new();
        loop {
            // The largest first: what is cut for it is often cut for the others too. In `Estimate` a platform may
            // need a second round, because it counts no escapes while the shortening does.
            let (platform, pieces) = largest(&cut_down, budget);
            let size = pieces.size();
            if size <= limit {
                break;
            }
            let chosen = choose(&pieces.list, order);
            let parts: Vec<_> = chosen.iter().map(|choice| choice.part()).collect();
            let cuts = fit(size, limit, &parts).map_err(|too_large| Oversize { platform, too_large })?;
            if cuts.is_empty() {
                let too_large = TooLarge::uncut(size, limit, &pieces.fixed_parts());
                return Err(Oversize { platform, too_large });
            }
            let edits: Vec<_> = cuts
                .iter()
                .filter_map(|cut| chosen.get(cut.index).map(|choice| choice.edit(cut.text.clone())))
                .collect();
            for edit in edits {
                edit.apply(&mut cut_down, platform);
            }
            report.extend(cuts.into_iter().map(|cut| Cut { platform, cut }));
        }
        *self = cut_down;
        Ok(report)
    }
}

fn largest(message: &Message, budget: SizeBudget) -> (Platform, Pieces<'_>) {
    let [first, rest @ ..] = Platform::ALL;
    let sized = |platform| (platform, Pieces::of(message, platform, budget.mode()));
    rest.into_iter().map(sized).fold(sized(first), |a, b| if b.1.size() > a.1.size() { b } else { a })
}

/// A piece, and whether it may be cut.
struct Choice<'p, 'a> {
    piece: &'p Piece<'a>,
    how: How,
}

#[derive(Clone, Copy)]
enum How {
    Keep,
    Drop,
    Shorten,
}

/// The pieces in the order of sacrifice, behind them what stays.
fn choose<'p, 'a>(pieces: &'p [Piece<'a>], order: &[Sacrifice]) -> Vec<Choice<'p, 'a>> {
    let mut chosen: Vec<Choice<'p, 'a>> = Vec::with_capacity(pieces.len());
    let mut left: Vec<&Piece<'a>> = pieces.iter().collect();
    for sacrifice in order {
        let (field, how) = match sacrifice {
            Sacrifice::Body => (Field::Body, How::Shorten),
            Sacrifice::Title => (Field::Title, How::Shorten),
            Sacrifice::Image => (Field::Image, How::Drop),
            Sacrifice::Data(key) => (Field::Data(key.as_ref().into()), How::Drop),
            Sacrifice::DataText(key) => (Field::Data(key.as_ref().into()), How::Shorten),
        };
        left.retain(|piece| {
            let matches = piece.field == field;
            if matches {
                chosen.push(Choice { piece, how });
            }
            !matches
        });
    }
    chosen.extend(left.into_iter().map(|piece| Choice { piece, how: How::Keep }));
    chosen
}

impl<'p> Choice<'p, '_> {
    fn part(&self) -> Part<'p> {
        match self.how {
            How::Keep => Part::fixed(self.piece.name(), self.piece.bytes),
            How::Drop => Part::optional(self.piece.name(), self.piece.bytes),
            How::Shorten => Part::text(self.piece.name(), &self.piece.text),
        }
    }

    fn edit(&self, text: Option<String>) -> Edit {
        let field = match &self.piece.field {
            Field::Data(key) => Field::Data(key.clone().into_owned().into()),
            Field::Title => Field::Title,
            Field::Body => Field::Body,
            Field::Image => Field::Image,
            Field::Rest(name) => Field::Rest(name),
        };
        Edit { field, origin: self.piece.origin, text }
    }
}

/// A cut, ready to be applied: no text means that the field goes.
struct Edit {
    field: Field<'static>,
    origin: Origin,
    text: Option<String>,
}

impl Edit {
    fn apply(self, message: &mut Message, platform: Platform) {
        let text = self.text.map(Text::Owned);
        if let Field::Data(key) = &self.field {
            let data = match (self.origin, platform) {
                (Origin::Shared, _) => message.data.as_mut(),
                (Origin::Own, Platform::Webpush) => {
                    message.webpush.as_mut().and_then(|own| own.data.as_mut())
                }
                (Origin::Own, _) => match &mut message.android {
                    Some(Android::V1(config)) => config.data.as_mut(),
                    Some(Android::V2(config)) => config.data.as_mut(),
                    None => None,
                },
            };
            edit_data(data, key, text);
            return;
        }
        match (self.origin, platform) {
            (Origin::Shared, _) => {
                if let Some(n) = &mut message.notification {
                    edit_text(&self.field, text, [&mut n.title, &mut n.body, &mut n.image]);
                }
            }
            (Origin::Own, Platform::Android) => match &mut message.android {
                Some(Android::V1(config)) => {
                    if let Some(n) = &mut config.notification {
                        edit_text(&self.field, text, [&mut n.title, &mut n.body, &mut n.image]);
                    }
                }
                Some(Android::V2(config)) => {
                    if let Some(AndroidMessageV2::RemoteNotification(remote)) = &mut config.message
                        && let Some(n) = &mut remote.notification
                    {
                        edit_text(&self.field, text, [&mut n.title, &mut n.body, &mut n.image]);
                    }
                }
                None => {}
            },
            (Origin::Own, Platform::Apns) => {
                let payload = message.apns.as_mut().and_then(|apns| apns.payload.as_mut());
                edit_json(payload, |map| edit_alert(map, &self.field, text));
            }
            (Origin::Own, Platform::Webpush) => {
                let notification = message.webpush.as_mut().and_then(|own| own.notification.as_mut());
                edit_json(notification, |map| edit_member(map, &self.field, text));
            }
        }
    }
}

fn edit_data(data: Option<&mut Data>, key: &str, text: Option<Text>) {
    let Some(data) = data else { return };
    match text {
        None => {
            data.remove(key);
        }
        Some(text) => {
            if let Some(value) = data.value_mut(key) {
                *value = text;
            }
        }
    }
}

fn edit_text(field: &Field<'_>, text: Option<Text>, [title, body, image]: [&mut Option<Text>; 3]) {
    match field {
        Field::Title => *title = text,
        Field::Body => *body = text,
        Field::Image => *image = text,
        Field::Data(_) | Field::Rest(_) => {}
    }
}

fn edit_json(object: Option<&mut JsonObject>, edit: impl FnOnce(&mut Map<String, Value>)) {
    if let Some(object) = object {
        let mut map = object.to_map();
        edit(&mut map);
        *object = JsonObject::from_map(&map);
    }
}

fn edit_alert(payload: &mut Map<String, Value>, field: &Field<'_>, text: Option<Text>) {
    let Some(Value::Object(aps)) = payload.get_mut("aps") else { return };
    match aps.get_mut("alert") {
        Some(Value::Object(alert)) => edit_member(alert, field, text),
        Some(alert @ Value::String(_)) => *alert = Value::from(text.unwrap_or_default()),
        _ => {}
    }
}

fn edit_member(map: &mut Map<String, Value>, field: &Field<'_>, text: Option<Text>) {
    let key = match field {
        Field::Title => "title",
        Field::Body => "body",
        _ => return,
    };
    match text {
        Some(text) => map.insert(key.to_owned(), Value::from(text)),
        None => map.remove(key),
    };
}
