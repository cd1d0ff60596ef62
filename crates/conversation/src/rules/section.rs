//! One list of fields per section gives the struct, its defaults, getters, setters, bounds and its TOML form.

use std::time::Duration;

use thiserror::Error;
use toml::de::DeValue;

use crate::Channel;
use crate::id::AppId;
use crate::rules::{CancelForm, Channels, PresenceFilter};

/// The error of a setter, and of [`Conversations::new`](crate::machine::Conversations::new), when a rule is out of its
/// range. It names the rule and what is allowed; use that for a message to whoever wrote the rules.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{key}: expected {expected}, found {found}")]
#[non_exhaustive]
pub struct InvalidRule {
    /// Section and name.
    pub key: &'static str,
    /// What is allowed.
    pub expected: String,
    /// What was given.
    pub found: String,
}

/// A value that a rule can have.
pub(super) trait Setting: Sized {
    /// What is expected, within bounds if there are any.
    fn form(bounds: Option<(&Self, &Self)>) -> String;
    fn show(&self) -> String;
    fn from_toml(value: &DeValue<'_>) -> Option<Self>;
}

/// What came of a rule: done, or what is expected, and what was found if that may be shown.
pub(super) type Set = Result<(), (String, Option<String>)>;

/// A set of sections, as TOML has them.
pub(super) trait Sections {
    const SECTIONS: &[(&str, &[&str])];

    /// Reads one rule; `None` if there is none of this name.
    fn set(&mut self, section: &str, key: &str, value: &DeValue<'_>) -> Option<Set>;

    /// Whether all rules are in their bounds: what was deserialised need not be.
    fn check(&self) -> Result<(), InvalidRule>;
}

macro_rules! section {
    ($(#[$meta:meta])* $name:ident $title:literal {
        $($(#[$doc:meta])* $field:ident $with:ident : $type:ident = $default:expr $(, $low:expr => $high:expr)? ;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $($field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $name {
            $(section!(@get $(#[$doc])* $field : $type);)*
            $(section!(@with $title $(#[$doc])* $field $with : $type $(, $low => $high)?);)*

            /// The names of its rules in TOML.
            pub const KEYS: &[&str] = &[$(stringify!($field)),*];

            /// Reads one rule; `None` if there is none of this name.
            #[allow(unused_variables, clippy::redundant_closure_call)]
            pub(super) fn set(
                &mut self, key: &str, value: &toml::de::DeValue<'_>,
            ) -> Option<$crate::rules::section::Set> {
                use $crate::rules::section::Setting;
                match key {
                    $(stringify!($field) => {
                        let bounds: Option<($type, $type)> = section!(@bounds $($low => $high)?);
                        let form = || $type::form(bounds.as_ref().map(|(low, high)| (low, high)));
                        Some(match $type::from_toml(value) {
                            None => Err((form(), None)),
                            Some(given) if bounds.as_ref().is_some_and(|(low, high)| given < *low || given > *high) => {
                                Err((form(), Some(given.show())))
                            }
                            Some(given) => {
                                self.$field = given;
                                Ok(())
                            }
                        })
                    })*
                    _ => None,
                }
            }

            /// Whether all rules are in their bounds: what was deserialised need not be.
            pub(super) fn check(&self) -> Result<(), $crate::rules::InvalidRule> {
                $(section!(@check $title self $field : $type $(, $low => $high)?);)*
                Ok(())
            }
        }
    };
    (@bounds) => { None };
    (@bounds $low:expr => $high:expr) => { Some(($low, $high)) };
    (@get $(#[$doc:meta])* $field:ident : bool) => { section!(@copy $(#[$doc])* $field : bool); };
    (@get $(#[$doc:meta])* $field:ident : u32) => { section!(@copy $(#[$doc])* $field : u32); };
    (@get $(#[$doc:meta])* $field:ident : Duration) => { section!(@copy $(#[$doc])* $field : Duration); };
    (@get $(#[$doc:meta])* $field:ident : Channels) => { section!(@copy $(#[$doc])* $field : Channels); };
    (@get $(#[$doc:meta])* $field:ident : CancelForm) => { section!(@copy $(#[$doc])* $field : CancelForm); };
    (@get $(#[$doc:meta])* $field:ident : PresenceFilter) => { section!(@copy $(#[$doc])* $field : PresenceFilter); };
    (@get $(#[$doc:meta])* $field:ident : $type:ident) => {
        $(#[$doc])*
        #[must_use]
        pub const fn $field(&self) -> &$type { &self.$field }
    };
    (@copy $(#[$doc:meta])* $field:ident : $type:ident) => {
        $(#[$doc])*
        #[must_use]
        pub const fn $field(&self) -> $type { self.$field }
    };
    (@with $title:literal $(#[$doc:meta])* $field:ident $with:ident : $type:ident) => {
        #[doc = concat!(
            "Gives these rules with another value of [`",
            stringify!($field), "`](Self::", stringify!($field), ")."
        )]
        #[must_use]
        pub fn $with(mut self, value: $type) -> Self {
            self.$field = value;
            self
        }
    };
    (@with $title:literal $(#[$doc:meta])* $field:ident $with:ident : $type:ident, $low:expr => $high:expr) => {
        #[doc = concat!(
            "Gives these rules with another value of [`",
            stringify!($field), "`](Self::", stringify!($field), ")."
        )]
        ///
        /// # Errors
        /// [`InvalidRule`](crate::rules::InvalidRule) names the bounds, if it is out of them.
        pub fn $with(mut self, value: $type) -> Result<Self, $crate::rules::InvalidRule> {
            self.$field = value;
            section!(@check $title self $field : $type, $low => $high);
            Ok(self)
        }
    };
    (@check $title:literal $self:ident $field:ident : $type:ident) => {};
    (@check $title:literal $self:ident $field:ident : $type:ident, $low:expr => $high:expr) => {
        let (low, high): ($type, $type) = ($low, $high);
        if $self.$field < low || $self.$field > high {
            use $crate::rules::section::Setting;
            return Err($crate::rules::InvalidRule {
                key: concat!($title, ".", stringify!($field)),
                expected: $type::form(Some((&low, &high))),
                found: $self.$field.show(),
            });
        }
    };
}
pub(super) use section;

macro_rules! rules {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident $with:ident : $type:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name { $($field: $type,)* }

        impl $name {
            $($(#[$doc])* #[must_use] pub const fn $field(&self) -> &$type { &self.$field })*
            $(
                #[doc = concat!(
                    "Gives these rules with another section [`",
                    stringify!($field), "`](Self::", stringify!($field), ")."
                )]
                #[must_use]
                pub fn $with(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )*

            /// The names of its sections in TOML.
            pub const SECTIONS: &[(&str, &[&str])] = &[$((stringify!($field), $type::KEYS)),*];
        }

        impl section::Sections for $name {
            const SECTIONS: &[(&str, &[&str])] = Self::SECTIONS;

            fn set(
                &mut self, section: &str, key: &str, value: &toml::de::DeValue<'_>,
            ) -> Option<section::Set> {
                match section {
                    $(stringify!($field) => self.$field.set(key, value),)*
                    _ => None,
                }
            }

            fn check(&self) -> Result<(), InvalidRule> {
                $(self.$field.check()?;)*
                Ok(())
            }
        }
    };
}
pub(super) use rules;

impl Setting for bool {
    fn form(_: Option<(&Self, &Self)>) -> String {
        "true or false".to_owned()
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        if let DeValue::Boolean(value) = value { Some(*value) } else { None }
    }
}

impl Setting for u32 {
    fn form(bounds: Option<(&Self, &Self)>) -> String {
        match bounds {
            Some((low, high)) => format!("a number from {low} to {high}"),
            None => "a number".to_owned(),
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        let DeValue::Integer(number) = value else { return None };
        Self::from_str_radix(number.as_str(), number.radix()).ok()
    }
}

const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl Setting for Duration {
    fn form(bounds: Option<(&Self, &Self)>) -> String {
        match bounds {
            Some((low, high)) => format!("a time from {} to {} such as \"30s\"", low.show(), high.show()),
            None => "a time such as \"30s\"".to_owned(),
        }
    }
    fn show(&self) -> String {
        let millis = reveille_core::millis(*self);
        let (unit, size) = UNITS
            .into_iter()
            .rev()
            .find(|(_, size)| millis >= *size && millis.is_multiple_of(*size))
            .unwrap_or(("ms", 1));
        format!("{}{unit}", millis / size)
    }
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        let DeValue::String(text) = value else { return None };
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(digits)?;
        let (_, size) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        Some(Self::from_millis(number.parse::<u64>().ok()?.checked_mul(size)?))
    }
}

fn texts<'a>(value: &'a DeValue<'_>) -> Option<Vec<&'a str>> {
    let DeValue::Array(items) = value else { return None };
    items
        .iter()
        .map(|item| if let DeValue::String(text) = item.get_ref() { Some(&**text) } else { None })
        .collect()
}

impl Setting for Channels {
    fn form(_: Option<(&Self, &Self)>) -> String {
        let names: Vec<_> = Channel::ALL.iter().map(|channel| format!("\"{channel}\"")).collect();
        format!("a list of {}", names.join(", "))
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        let channels: Option<Vec<_>> = texts(value)?.into_iter().map(Channel::from_name).collect();
        Some(Self::of(&channels?))
    }
}

impl Setting for Vec<AppId> {
    fn form(_: Option<(&Self, &Self)>) -> String {
        "a list of app ids".to_owned()
    }
    fn show(&self) -> String {
        format!("{} app ids", self.len())
    }
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        texts(value)?.into_iter().map(|id| AppId::new(id).ok()).collect()
    }
}

macro_rules! setting_words {
    ($($name:ident)*) => {$(
        impl Setting for $name {
            fn form(_: Option<(&Self, &Self)>) -> String {
                let names: Vec<_> = $name::ALL.iter().map(|word| format!("\"{word}\"")).collect();
                format!("one of {}", names.join(", "))
            }
            fn show(&self) -> String {
                self.to_string()
            }
            fn from_toml(value: &DeValue<'_>) -> Option<Self> {
                if let DeValue::String(text) = value { $name::from_name(text) } else { None }
            }
        }
    )*};
}
setting_words!(CancelForm PresenceFilter);
