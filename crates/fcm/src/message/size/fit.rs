//! Making a message fit: fields go or shrink in a declared order, on grapheme boundaries, and the report says which.

use reveille_payload::{Cut, InvalidJson, JsonObject, Part, TooLarge, fit};
use serde_json::{Map, Value};

use super::pieces::{Field, Origin, Piece, Pieces};
use super::{Platform, SizeMode, SizeRule};
use crate::android::{Android, AndroidMessageV2};
use crate::message::{Data, Message, Text};
use crate::target::Reach;

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

/// Of [`Message::fit`].
const DEFAULT_ORDER: [Sacrifice; 3] = [Sacrifice::Image, Sacrifice::Body, Sacrifice::Title];

impl Message {
    /// Cuts the message until it fits on every platform, for a target or a [`Reach`], and reports what was cut: first
    /// the image goes, then the body is shortened, then the title. Data is never touched; for that see
    /// [`fit_in_order`](Self::fit_in_order). Nothing is cut from a message that fits.
    ///
    /// ```
    /// use reveille_fcm::{Message, Notification, SizeLimit};
    /// use reveille_fcm::target::Reach;
    ///
    /// let body = "Grüße aus Köln! ".repeat(20);
    /// let mut message = Message::new().with_notification(Notification::new().with_title("Anna").with_body(body));
    /// let cuts = message.fit(Reach::Device, SizeLimit::Bytes(300))?;
    /// assert_eq!(cuts[0].to_string(), "apns: body shortened from 380 to 97 bytes");
    /// assert!(message.check_size(Reach::Device, SizeLimit::Bytes(300)).is_ok());
    /// # Ok::<(), reveille_fcm::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`TooLarge`] if everything that may be cut is not enough; the message is then as it was.
    pub fn fit(&mut self, reach: impl Into<Reach>, rule: impl Into<SizeRule>) -> Result<Vec<Cut>, TooLarge> {
        self.fit_in_order(&DEFAULT_ORDER, reach, rule)
    }

    /// As [`fit`](Self::fit), in another order: each field is cut only as far as is needed, and what is not in `order`
    /// is not cut.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_in_order(
        &mut self,
        order: &[Sacrifice],
        reach: impl Into<Reach>,
        rule: impl Into<SizeRule>,
    ) -> Result<Vec<Cut>, TooLarge> {
        let rule = rule.into();
        let limit = rule.bytes(reach.into());
        let mut cut_down = self.clone();
        let mut report = Vec::new();
        loop {
            // The largest first: what is cut for it is often cut for the others too. In `Estimate` a platform may
            // need a second round, because it counts no escapes while the shortening does.
            let (platform, pieces) = largest(&cut_down, rule.mode());
            let size = pieces.size();
            if size <= limit {
                break;
            }
            let chosen = choose(&pieces, order);
            let parts: Vec<_> = chosen.iter().map(Choice::part).collect();
            let cuts = fit(size, limit, &parts)?;
            let edits: Vec<_> = cuts
                .iter()
                .filter_map(|cut| chosen.get(cut.index).and_then(|choice| choice.edit(cut.text.clone())))
                .collect();
            if edits.is_empty() {
                return Err(TooLarge::uncut(size, limit, &pieces.fixed_parts()));
            }
            for edit in edits {
                if edit.apply(&mut cut_down, platform).is_err() {
                    return Err(TooLarge::uncut(
                        size,
                        limit,
                        &Pieces::of(self, platform, rule.mode()).fixed_parts(),
                    ));
                }
            }
            report.extend(cuts);
        }
        *self = cut_down;
        Ok(report)
    }
}

fn largest(message: &Message, mode: SizeMode) -> (Platform, Pieces<'_>) {
    let [first, rest @ ..] = Platform::ALL;
    let sized = |platform| (platform, Pieces::of(message, platform, mode));
    rest.into_iter().map(sized).fold(sized(first), |a, b| if b.1.size() > a.1.size() { b } else { a })
}

/// A piece, and whether it may be cut.
struct Choice<'p, 'a> {
    piece: &'p Piece<'a>,
    name: String,
    how: How,
}

#[derive(Clone, Copy)]
enum How {
    Keep,
    Drop,
    Shorten,
}

/// The pieces in the order of sacrifice, behind them what stays.
fn choose<'p, 'a>(pieces: &'p Pieces<'a>, order: &[Sacrifice]) -> Vec<Choice<'p, 'a>> {
    let mut chosen: Vec<Choice<'p, 'a>> = Vec::with_capacity(pieces.list.len());
    let mut left: Vec<&Piece<'a>> = pieces.list.iter().collect();
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
                chosen.push(Choice { piece, name: pieces.name(piece), how });
            }
            !matches
        });
    }
    chosen.extend(left.into_iter().map(|piece| Choice { piece, name: pieces.name(piece), how: How::Keep }));
    chosen
}

impl<'p> Choice<'p, '_> {
    fn part(&self) -> Part<'p> {
        match self.how {
            How::Keep => Part::fixed(self.name.clone(), self.piece.bytes),
            How::Drop => Part::optional(self.name.clone(), self.piece.bytes),
            How::Shorten => Part::text(self.name.clone(), &self.piece.text),
        }
    }

    /// `None` for what is never cut.
    fn edit(&self, text: Option<String>) -> Option<Edit> {
        let field = match &self.piece.field {
            Field::Data(key) => Cutable::Data(key.clone().into_owned()),
            Field::Title => Cutable::Title,
            Field::Body => Cutable::Body,
            Field::Image => Cutable::Image,
            Field::Rest(_) => return None,
        };
        Some(Edit { field, origin: self.piece.origin, text: text.map(Text::Owned) })
    }
}

/// A field that can be cut.
enum Cutable {
    Title,
    Body,
    Image,
    Data(String),
}

/// A cut, ready to be applied: no text means that the field goes.
struct Edit {
    field: Cutable,
    origin: Origin,
    text: Option<Text>,
}

impl Edit {
    fn apply(self, message: &mut Message, platform: Platform) -> Result<(), InvalidJson> {
        let Self { field, origin, text } = self;
        if let Cutable::Data(key) = &field {
            let data = match (origin, platform) {
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
            return Ok(());
        }
        match (origin, platform) {
            (Origin::Shared, _) => {
                if let Some(n) = &mut message.notification {
                    edit_text(&field, text, [&mut n.title, &mut n.body, &mut n.image]);
                }
            }
            (Origin::Own, Platform::Android) => match &mut message.android {
                Some(Android::V1(config)) => {
                    if let Some(n) = &mut config.notification {
                        edit_text(&field, text, [&mut n.title, &mut n.body, &mut n.image]);
                    }
                }
                Some(Android::V2(config)) => {
                    if let Some(AndroidMessageV2::RemoteNotification(remote)) = &mut config.message
                        && let Some(n) = &mut remote.notification
                    {
                        edit_text(&field, text, [&mut n.title, &mut n.body, &mut n.image]);
                    }
                }
                None => {}
            },
            (Origin::Own, Platform::Apns) => {
                let Some(apns) = &mut message.apns else { return Ok(()) };
                if matches!(field, Cutable::Image) {
                    if let Some(options) = &mut apns.fcm_options {
                        options.image = text;
                    }
                } else {
                    edit_json(apns.payload.as_mut(), |map| edit_alert(map, &field, text))?;
                }
            }
            (Origin::Own, Platform::Webpush) => {
                let notification = message.webpush.as_mut().and_then(|own| own.notification.as_mut());
                edit_json(notification, |map| edit_member(map, &field, text))?;
            }
        }
        Ok(())
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

fn edit_text(field: &Cutable, text: Option<Text>, [title, body, image]: [&mut Option<Text>; 3]) {
    match field {
        Cutable::Title => *title = text,
        Cutable::Body => *body = text,
        Cutable::Image => *image = text,
        Cutable::Data(_) => {}
    }
}

fn edit_json(
    object: Option<&mut JsonObject>,
    edit: impl FnOnce(&mut Map<String, Value>),
) -> Result<(), InvalidJson> {
    if let Some(object) = object {
        let mut map = object.to()?;
        edit(&mut map);
        *object = JsonObject::from_serialize(&map)?;
    }
    Ok(())
}

fn edit_alert(payload: &mut Map<String, Value>, field: &Cutable, text: Option<Text>) {
    let Some(Value::Object(aps)) = payload.get_mut("aps") else { return };
    match (aps.get_mut("alert"), text) {
        (Some(Value::Object(alert)), text) => edit_member(alert, field, text),
        (Some(alert @ Value::String(_)), Some(text)) => *alert = Value::from(text),
        _ => {}
    }
}

fn edit_member(map: &mut Map<String, Value>, field: &Cutable, text: Option<Text>) {
    let key = match field {
        Cutable::Title => "title",
        Cutable::Body => "body",
        Cutable::Image => "image",
        Cutable::Data(_) => return,
    };
    match text {
        Some(text) => map.insert(key.to_owned(), Value::from(text)),
        None => map.remove(key),
    };
}
