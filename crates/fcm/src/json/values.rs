//! Reading checked values: through their constructors.

/// `Deserialize` for a type that has `parse(impl Into<Text>) -> Result<Self, MessageError>`.
macro_rules! read_through_parse {
    ($($ty:ty),* $(,)?) => { $(
        impl<'de> serde::Deserialize<'de> for $ty {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(text).map_err(serde::de::Error::custom)
            }
        }
    )* };
}
pub(crate) use read_through_parse;
