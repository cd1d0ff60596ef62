//! Writing and reading the JSON of the schema: one list of fields per object, both directions from it.

mod errors;
mod fields;
mod object;
mod values;
mod write;

pub use object::JsonObject;

pub(crate) use errors::{json_error, problem_of};
pub(crate) use fields::{Fields, JsonFields, json_enum, json_object, read_object, set_once};
pub(crate) use values::read_through_parse;
pub(crate) use write::{Json, ObjectWriter};
