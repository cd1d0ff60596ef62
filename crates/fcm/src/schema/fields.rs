//! Objects of the schema.

use std::fmt;
use std::marker::PhantomData;

use reveille_payload::ObjectWriter;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;

/// An object of the schema as its list of fields, to be written.
pub(crate) trait WriteFields {
    /// Writes what is set.
    fn write_fields(&self, object: &mut ObjectWriter<'_>);
    /// The same for any format of serde.
    fn serialize_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// The same list, to be read.
pub(crate) trait ReadFields: Default {
    /// The schema's name for the object.
    const NAME: &'static str;
    /// Reads the value of `key` if there is such a field, in either spelling; `false` if there is not.
    fn read_field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// A group of fields that exclude each other, inside an object.
pub(crate) trait Fields: Sized {
    fn write_fields(&self, object: &mut ObjectWriter<'_>);
    fn serialize_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
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
    T: ReadFields,
    D: Deserializer<'de>,
{
    struct ObjectVisitor<T>(PhantomData<T>);
    impl<'de, T: ReadFields> Visitor<'de> for ObjectVisitor<T> {
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
            $( $(#[$fmeta:meta])* $field:ident, $setter:ident : $ty:ty = $json:literal | $proto:literal, )*
        }
        $( one of { $(#[$gmeta:meta])* $group:ident, $gsetter:ident : $gty:ty } )?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $( $(#[$fmeta])* pub $field: Option<$ty>, )*
            $( $(#[$gmeta])* pub $group: Option<$gty>, )?
        }

        impl $name {
            /// Makes one with nothing set.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            $(
                #[doc = concat!(" Sets `", $json, "`.")]
                $(#[$fmeta])*
                #[must_use]
                #[inline(always)]
                pub fn $setter(mut self, value: impl Into<$ty>) -> Self {
                    self.$field = Some(value.into());
                    self
                }
            )*

            $(
                #[doc = concat!(" Sets [`", stringify!($group), "`](Self::", stringify!($group), ").")]
                $(#[$gmeta])*
                #[must_use]
                #[inline(always)]
                pub fn $gsetter(mut self, value: impl Into<$gty>) -> Self {
                    self.$group = Some(value.into());
                    self
                }
            )?
        }

        impl $crate::schema::WriteFields for $name {
            fn write_fields(&self, object: &mut reveille_payload::ObjectWriter<'_>) {
                $(
                    if let Some(value) = &self.$field {
                        object.member(reveille_payload::label!($json), value);
                    }
                )*
                $(
                    if let Some(group) = &self.$group {
                        $crate::schema::Fields::write_fields(group, object);
                    }
                )?
            }

            fn serialize_fields<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $(
                    if let Some(value) = &self.$field {
                        map.serialize_entry($json, value)?;
                    }
                )*
                $(
                    if let Some(group) = &self.$group {
                        $crate::schema::Fields::serialize_fields(group, map)?;
                    }
                )?
                Ok(())
            }
        }

        impl $crate::schema::ReadFields for $name {
            const NAME: &'static str = stringify!($name);

            #[allow(unreachable_patterns, reason = "many fields have the same name in both spellings")]
            fn read_field<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                map: &mut A,
            ) -> Result<bool, A::Error> {
                match key {
                    $( $json | $proto => $crate::schema::set_once(&mut self.$field, $json, map), )*
                    _ => {
                        $( if $crate::schema::Fields::read_field(&mut self.$group, key, map)? {
                            return Ok(true);
                        } )?
                        Ok(false)
                    }
                }
            }
        }

        impl reveille_payload::WriteJson for $name {
            fn write_json(&self, out: &mut Vec<u8>) {
                let mut object = reveille_payload::ObjectWriter::open(out);
                $crate::schema::WriteFields::write_fields(self, &mut object);
                object.close();
            }
        }

        /// As the schema has it, `lowerCamelCase`, without what is not set.
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                $crate::schema::WriteFields::serialize_fields(self, &mut map)?;
                serde::ser::SerializeMap::end(map)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::schema::read_object(deserializer)
            }
        }
    };
}
pub(crate) use json_object;
