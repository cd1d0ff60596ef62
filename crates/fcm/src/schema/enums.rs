//! Enumerations of the schema.

/// Declares an enumeration of the schema: each variant with its JSON text.
macro_rules! json_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[$vmeta:meta])* $variant:ident = $json:literal, )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $( $(#[$vmeta])* $variant, )* }

        impl $name {
            /// The schema's text for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $json, )* }
            }
        }

        impl reveille_payload::WriteJson for $name {
            fn write_json(&self, out: &mut Vec<u8>) {
                match self { $( Self::$variant => out.extend_from_slice(concat!("\"", $json, "\"").as_bytes()), )* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                match &*text {
                    $( $json => Ok(Self::$variant), )*
                    // Admin SDKs for Android write the message priority in lower case.
                    _ => match text.to_ascii_uppercase().as_str() {
                        $( $json => Ok(Self::$variant), )*
                        _ => Err(serde::de::Error::custom(concat!("expected one of the values of ", stringify!($name)))),
                    },
                }
            }
        }
    };
}
pub(crate) use json_enum;
