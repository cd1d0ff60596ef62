//! Structs that are checked as a whole when they are deserialised.

/// Defines a struct that serialises as it stands and deserialises with unknown fields refused and its method
/// `check(&self) -> Result<(), InvalidNotification>` passed.
macro_rules! checked_struct {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$life:lifetime>)? {
            $($(#[$field_meta:meta])* $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        pub struct $name $(<$life>)? {
            $($(#[$field_meta])* $field: $type,)+
        }

        const _: () = {
            #[derive(serde::Deserialize)]
            #[serde(deny_unknown_fields)]
            struct Unchecked $(<$life>)? {
                $($(#[$field_meta])* $field: $type,)+
            }

            impl<'de $(, $life)?> serde::Deserialize<'de> for $name $(<$life>)? {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let Unchecked { $($field,)+ } = Unchecked::deserialize(deserializer)?;
                    let value = Self { $($field,)+ };
                    value.check().map_err(serde::de::Error::custom)?;
                    Ok(value)
                }
            }
        };
    };
}
pub(crate) use checked_struct;
