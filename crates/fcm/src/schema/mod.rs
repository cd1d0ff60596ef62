//! One list of fields per object of the schema; struct, setters, writer and reader come from it.

mod enums;
mod fields;
mod values;

pub(crate) use enums::json_enum;
pub(crate) use fields::{Fields, ReadFields, WriteFields, json_object, read_object, set_once};
pub(crate) use values::{json_as_display, serde_as_display, text_value};
