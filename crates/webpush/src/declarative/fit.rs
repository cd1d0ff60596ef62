//! Making a declarative message fit.

use reveille_payload::{Cut, Part, SizeLimit, TooLarge, fit};

use super::notification::{DeclarativeNotification, InvalidDeclarative};
use crate::message::MAX_PLAINTEXT;

/// What may be cut from a [`DeclarativeNotification`], for [`DeclarativeNotification::fit_in_order`]. Title and `navigate`
/// cannot be left out; what is not named stays whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sacrifice {
    /// Leave out the picture.
    Image,
    /// Leave out the small icon.
    Badge,
    /// Leave out the icon.
    Icon,
    /// Leave out what is for the service worker.
    Data,
    /// Leave out all buttons.
    Actions,
    /// Shorten the text, on grapheme boundaries.
    Body,
    /// Shorten the title.
    Title,
}

impl Sacrifice {
    /// The order of [`DeclarativeNotification::fit`]: pictures first, then buttons, then the text, the title last. `data` stays.
    pub const DEFAULT: [Self; 6] =
        [Self::Image, Self::Badge, Self::Icon, Self::Actions, Self::Body, Self::Title];
}

impl DeclarativeNotification {
    /// Cuts the message until it takes at most `limit`, in the order of [`Sacrifice::DEFAULT`], and says what was cut.
    ///
    /// ```
    /// use reveille_payload::SizeLimit;
    /// use reveille_webpush::DeclarativeNotification;
    /// let mut notification = DeclarativeNotification::new("Agent Smith", "https://shop.example/chat/42")
    ///     .with_image("https://shop.example/picture.png")
    ///     .with_body("word ".repeat(1_000));
    /// let cuts = notification.fit(SizeLimit::Own)?;
    /// assert_eq!(cuts[0].to_string(), "notification.image dropped, 43 bytes");
    /// assert_eq!(cuts[1].name, "notification.body");
    /// assert!(notification.to_json()?.len() <= 2_048);
    /// # Ok::<(), reveille_webpush::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidDeclarative::TooLarge`] if that is not enough, with the size of every member; then nothing is cut.
    pub fn fit(&mut self, limit: SizeLimit) -> Result<Vec<Cut>, InvalidDeclarative> {
        self.fit_in_order(&Sacrifice::DEFAULT, limit)
    }

    /// As [`fit`](Self::fit), in an order of your own.
    ///
    /// # Errors
    /// [`InvalidDeclarative::TooLarge`].
    pub fn fit_in_order(
        &mut self,
        order: &[Sacrifice],
        limit: SizeLimit,
    ) -> Result<Vec<Cut>, InvalidDeclarative> {
        let size = self.write()?.len();
        let cuts = {
            let parts = self.parts(order);
            fit(size, limit.of(MAX_PLAINTEXT), &parts)?
        };
        for cut in &cuts {
            self.apply(cut);
        }
        Ok(cuts)
    }

    fn apply(&mut self, cut: &Cut) {
        let members = &mut self.members;
        match (cut.name.as_str(), &cut.text) {
            (TITLE, Some(text)) => members.title.clone_from(text),
            (BODY, text) => members.body.clone_from(text),
            (IMAGE, None) => members.image = None,
            (BADGE, None) => members.badge = None,
            (ICON, None) => members.icon = None,
            (DATA, None) => members.data = None,
            (ACTIONS, None) => members.actions.clear(),
            _ => {}
        }
    }

    /// All members with their sizes: first what may go, in its order, then what stays.
    pub(super) fn parts(&self, order: &[Sacrifice]) -> Vec<Part<'_>> {
        let members = &self.members;
        let optional = |sacrifice| match sacrifice {
            Sacrifice::Image => member(IMAGE, &members.image),
            Sacrifice::Badge => member(BADGE, &members.badge),
            Sacrifice::Icon => member(ICON, &members.icon),
            Sacrifice::Data => member(DATA, &members.data),
            Sacrifice::Actions => member(ACTIONS, &(!members.actions.is_empty()).then_some(&members.actions)),
            Sacrifice::Body | Sacrifice::Title => None,
        };
        let text = |sacrifice| match sacrifice {
            Sacrifice::Body => members.body.as_deref().map(|body| Part::text(BODY, body)),
            Sacrifice::Title => Some(Part::text(TITLE, &members.title)),
            _ => None,
        };
        let cuttable = |sacrifice: &Sacrifice| {
            optional(*sacrifice).map(|(name, bytes)| Part::optional(name, bytes)).or_else(|| text(*sacrifice))
        };
        let mut parts: Vec<_> = order.iter().filter_map(cuttable).collect();
        let fixed = [
            member("notification.navigate", &Some(&members.navigate)),
            member("notification.lang", &members.lang),
            member("notification.tag", &members.tag),
        ];
        parts.extend(fixed.into_iter().flatten().map(|(name, bytes)| Part::fixed(name, bytes)));
        let all = [
            Sacrifice::Image,
            Sacrifice::Badge,
            Sacrifice::Icon,
            Sacrifice::Data,
            Sacrifice::Actions,
            Sacrifice::Body,
            Sacrifice::Title,
        ];
        for rest in all.into_iter().filter(|sacrifice| !order.contains(sacrifice)) {
            let size = optional(rest).or_else(|| text(rest).map(|part| (name_of(rest), part.bytes())));
            parts.extend(size.map(|(name, bytes)| Part::fixed(name, bytes)));
        }
        parts
    }
}

const TITLE: &str = "notification.title";
const BODY: &str = "notification.body";
const IMAGE: &str = "notification.image";
const BADGE: &str = "notification.badge";
const ICON: &str = "notification.icon";
const DATA: &str = "notification.data";
const ACTIONS: &str = "notification.actions";

const fn name_of(sacrifice: Sacrifice) -> &'static str {
    match sacrifice {
        Sacrifice::Image => IMAGE,
        Sacrifice::Badge => BADGE,
        Sacrifice::Icon => ICON,
        Sacrifice::Data => DATA,
        Sacrifice::Actions => ACTIONS,
        Sacrifice::Body => BODY,
        Sacrifice::Title => TITLE,
    }
}

/// What the message loses without a member: comma, key, colon, value.
fn member(path: &'static str, value: &Option<impl serde::Serialize>) -> Option<(&'static str, usize)> {
    let value = serde_json::to_string(value.as_ref()?).ok()?;
    let key = path.rsplit('.').next()?;
    Some((path, key.len() + 4 + value.len()))
}

impl From<TooLarge> for crate::Error {
    fn from(error: TooLarge) -> Self {
        InvalidDeclarative::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn notification(image: Option<String>, body: Option<String>, title: String) -> DeclarativeNotification {
        let mut made =
            DeclarativeNotification::new(title, "https://a.example/x").with_tag("t").with_app_badge(3);
        made.members.image = image;
        made.members.body = body;
        made
    }

    proptest! {
        /// Whatever is in it: it fits afterwards, to the byte as was said, or nothing was cut.
        #[test]
        fn what_is_said_is_what_is_cut(
            image in proptest::option::of("https://a.example/[a-z]{0,300}"),
            body in proptest::option::of("\\PC{0,300}"),
            title in "\\PC{1,100}",
            limit in 0..1_000_usize,
        ) {
            let mut made = notification(image, body, title);
            let before = made.write().unwrap().len();
            let original = made.clone();
            match made.fit(SizeLimit::Bytes(limit)) {
                Ok(cuts) => {
                    let after = made.write().unwrap().len();
                    prop_assert!(after <= limit);
                    let said: usize = cuts.iter().map(|cut| cut.before - cut.after).sum();
                    prop_assert_eq!(before - after, said);
                    prop_assert_eq!(cuts.is_empty(), before <= limit);
                }
                Err(_) => prop_assert_eq!(made, original),
            }
        }
    }

    #[test]
    fn an_order_of_ones_own_leaves_the_rest_whole() {
        let mut made =
            notification(Some("https://a.example/i".into()), Some("b".repeat(200)), "T".repeat(50));
        let error = made.fit_in_order(&[Sacrifice::Image], SizeLimit::Bytes(100)).unwrap_err();
        insta::assert_snapshot!(error, @"message of 406 bytes does not fit into 100, at least 376 are needed: notification.body 200, notification.title 50, notification.navigate 33, notification.image 30, notification.tag 10");
        let cuts = made.fit_in_order(&[Sacrifice::Body], SizeLimit::Bytes(250)).unwrap();
        assert_eq!(cuts.len(), 1);
        assert!(made.members.image.is_some());
    }
}
