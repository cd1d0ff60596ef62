//! One list of fields per object of the schema, from which come the struct, its setters, its writer and its reader.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::ObjectWriter;

/// An object of the schema as its list of fields.
pub(crate) trait JsonFields: Default {
    /// The schema's name for it.
    const NAME: &'static str;
    /// Writes what is set.
    fn write_fields(&self, object: &mut ObjectWriter<'_>);
    /// Reads the value of `key` if there is such a field, in either spelling; `false` if there is not.
    fn read_field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// A group of fields that exclude each other, inside an object.
pub(crate) trait Fields: Sized {
    fn write_fields(&self, object: &mut ObjectWriter<'_>);
    fn read_field<'de, A: MapAccess<'de>>(
        slot: &mut Option<Self>,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error>;
}

/// Reads a value into its place. `null` means "not set", as in proto3's JSON mapping; a second value is an error.
pub(crate) fn set_once<'de, T, A>(
    slot: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<bool, A::Error>
where
    T: Deserialize<'de>,
    A: MapAccess<'de>,
{
    if let Some(value) = map.next_value::<Option<T>>()?
        && slot.replace(value).is_some()
    {
        return Err(A::Error::duplicate_field(name));
    }
    Ok(true)
}

/// Reads an object, and nothing but an object; unknown fields are refused, as FCM refuses them.
pub(crate) fn read_object<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: JsonFields,
    D: Deserializer<'de>,
{
    struct ObjectVisitor<T>(PhantomData<T>);
    impl<'de, T: JsonFields> Visitor<'de> for ObjectVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a {} object", T::NAME)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
            let mut object = T::default();
            while let Some(key) = map.next_key::<String>()? {
                if !object.read_field(&key, &mut map)? {
                    return Err(A::Error::unknown_field(&key, &[]));
                }
            }
            Ok(object)
        }
    }
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

/// Declares an object of the schema. Each field has its JSON name and its proto name; both are read (proto3 JSON
/// mapping), the first is written. `one of` names a group of fields that exclude each other.
macro_rules! json_object {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$fmeta:meta])* $field:ident : $ty:ty = $json:literal | $proto:literal, )*
        }
        $( one of { $(#[$gmeta:meta])* $group:ident : $gty:ty } )?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$fmeta])* pub $field: Option<$ty>, )*
            $( $(#[$gmeta])* pub $group: Option<$gty>, )?
        }

        impl $name {
            /// With nothing set.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            $(
                $(#[$fmeta])*
                #[must_use]
                #[inline(always)]
                pub fn $field(mut self, value: impl Into<$ty>) -> Self {
                    self.$field = Some(value.into());
                    self
                }
            )*

            $(
                $(#[$gmeta])*
                #[must_use]
                #[inline(always)]
                pub fn $group(mut self, value: impl Into<$gty>) -> Self {
                    self.$group = Some(value.into());
                    self
                }
            )?
        }

        impl $crate::json::JsonFields for $name {
            const NAME: &'static str = stringify!($name);

            fn write_fields(&self, object: &mut $crate::json::ObjectWriter<'_>) {
                $(
                    if let Some(value) = &self.$field {
                        object.member(concat!(",\"", $json, "\":"), value);
                    }
                )*
                $(
                    if let Some(group) = &self.$group {
                        $crate::json::Fields::write_fields(group, object);
                    }
                )?
            }

            #[allow(unreachable_patterns, reason = "many fields have the same name in both spellings")]
            fn read_field<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> Result<bool, A::Error> {
                match key {
                    $( $json | $proto => $crate::json::set_once(&mut self.$field, $json, map), )*
                    _ => {
                        $( if $crate::json::Fields::read_field(&mut self.$group, key, map)? {
                            return Ok(true);
                        } )?
                        Ok(false)
                    }
                }
            }
        }

        impl $crate::json::Json for $name {
            fn write(&self, out: &mut Vec<u8>) {
                let mut object = $crate::json::ObjectWriter::open(out);
                $crate::json::JsonFields::write_fields(self, &mut object);
                object.close();
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::json::read_object(deserializer)
            }
        }
    };
}
pub(crate) use json_object;

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

        impl $crate::json::Json for $name {
            fn write(&self, out: &mut Vec<u8>) {
                match self { $( Self::$variant => out.extend_from_slice(concat!("\"", $json, "\"").as_bytes()), )* }
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
