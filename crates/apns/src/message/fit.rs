//! What is cut when a payload does not fit, and what is said when that is not enough.

use reveille_payload::{Cut, Part, TooLarge, fit};
use serde_json::{Map, Value};

/// What may be cut from a payload that does not fit, for [`Push::fit_in_order`](crate::Push::fit_in_order); the order
/// of a list of them is the order of cutting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sacrifice {
    /// The optional custom keys: dropped, the last one first.
    OptionalCustom,
    /// The body, or an alert that is a lone string: shortened.
    Body,
    /// The subtitle: shortened.
    Subtitle,
    /// The title: shortened.
    Title,
}

impl Sacrifice {
    /// The order of [`Push::fit`](crate::Push::fit): what the user misses least goes first.
    pub const DEFAULT: [Self; 4] = [Self::OptionalCustom, Self::Body, Self::Subtitle, Self::Title];
}

/// One thing that may be cut.
#[derive(Clone, Debug)]
#[doc(hidden)]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct Cuttable<'a> {
    pub class: Sacrifice,
    pub part: Part<'a>,
}

/// What to cut from `payload`, in `order`; the class of each listed part, and the cuts over that list.
pub(crate) fn decide(
    payload: &[u8],
    allowed: usize,
    cuttable: Vec<Cuttable<'_>>,
    order: &[Sacrifice],
) -> Result<(Vec<Sacrifice>, Vec<Cut>), TooLarge> {
    let mut chosen: Vec<Cuttable<'_>> = Vec::with_capacity(cuttable.len());
    for (at, class) in order.iter().enumerate() {
        // Named twice is named once.
        if order.iter().position(|other| other == class) == Some(at) {
            chosen.extend(cuttable.iter().filter(|one| one.class == *class).cloned());
        }
    }
    let classes = chosen.iter().map(|one| one.class).collect();
    let mut parts: Vec<Part<'_>> = chosen.into_iter().map(|one| one.part).collect();
    parts.extend(rest_of(payload, &parts));
    let cuts = fit(payload.len(), allowed, &parts)?;
    Ok((classes, cuts))
}

/// The error for a payload that is over the limit as it is.
pub(crate) fn too_large(payload: &[u8], allowed: usize, cuttable: Vec<Cuttable<'_>>) -> TooLarge {
    let mut parts: Vec<Part<'_>> = cuttable.into_iter().map(|one| one.part).collect();
    parts.extend(rest_of(payload, &parts));
    TooLarge::uncut(payload.len(), allowed, &parts)
}

/// Each cut with the class of what it cuts.
pub(crate) fn by_class<'c>(classes: &[Sacrifice], cuts: &'c [Cut]) -> Vec<(Sacrifice, &'c Cut)> {
    cuts.iter().filter_map(|cut| Some((*classes.get(cut.index)?, cut))).collect()
}

/// Every other field of the payload with the size of its value: keys of `aps` and of its `alert`, and those beside.
fn rest_of(payload: &[u8], known: &[Part<'_>]) -> Vec<Part<'static>> {
    let Ok(mut fields) = serde_json::from_slice::<Map<String, Value>>(payload) else {
        return vec![Part::fixed("payload", payload.len())];
    };
    let mut rest = Vec::new();
    let mut add = |name: String, value: &Value| {
        if known.iter().all(|part| part.name() != name) {
            let text = value.to_string().len();
            // As texts that may be cut: inside the quotes.
            rest.push(Part::fixed(name, if value.is_string() { text.saturating_sub(2) } else { text }));
        }
    };
    if let Some(Value::Object(mut aps)) = fields.remove("aps") {
        if let Some(Value::Object(alert)) = aps.get("alert") {
            alert.iter().for_each(|(key, value)| add(format!("alert.{key}"), value));
            aps.remove("alert");
        }
        aps.iter().for_each(|(key, value)| add(key.clone(), value));
    }
    fields.iter().for_each(|(key, value)| add(key.clone(), value));
    rest
}
