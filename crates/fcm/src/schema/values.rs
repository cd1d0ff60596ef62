//! Checked values that are a text in JSON.

/// `FromStr`, serde and `WriteJson` for a type that has `new(impl Into<Text>) -> Result<Self, Error>` and a method that
/// gives its text.
macro_rules! text_value {
    ($($ty:ident, $error:ty, $text:ident;)*) => { $(
        impl std::str::FromStr for $ty {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::new(text.to_owned())
            }
        }

        impl reveille_payload::WriteJson for $ty {
            fn write_json(&self, out: &mut Vec<u8>) {
                reveille_payload::write_string(out, self.$text());
            }
        }

        impl serde::Serialize for $ty {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.$text())
            }
        }

        impl<'de> serde::Deserialize<'de> for $ty {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    )* };
}
pub(crate) use text_value;

/// `WriteJson` for a type that has `Display`, and of whose text nothing needs an escape.
macro_rules! json_as_display {
    ($($ty:ident),* $(,)?) => { $(
        impl reveille_payload::WriteJson for $ty {
            fn write_json(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(format!("\"{self}\"").as_bytes());
            }
        }
    )* };
}
pub(crate) use json_as_display;

/// serde for a type that has `Display` and `FromStr`.
macro_rules! serde_as_display {
    ($($ty:ident),* $(,)?) => { $(
        impl serde::Serialize for $ty {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $ty {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )* };
}
pub(crate) use serde_as_display;
