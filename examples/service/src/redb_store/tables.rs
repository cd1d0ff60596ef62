//! What is in the file.

use std::sync::OnceLock;

use redb::{ReadOnlyTable, ReadTransaction, Table, TableDefinition, WriteTransaction};

/// The version of the tables below. Raised with every change of them; another one is not opened.
pub(super) const FORMAT: u64 = 2;

/// Numbers about the file: [`FORMAT_NAME`], [`COMMIT_NAME`].
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("reveille");
pub(super) const FORMAT_NAME: &str = "format";
/// How many groups were committed: after an error it says whether the last one was.
pub(super) const COMMIT_NAME: &str = "commit";

/// Epoch, next number, effects done, end of the lease, its length, owner.
pub(super) type ShardRow<'a> = (u64, u64, u64, u64, u64, Option<&'a str>);

macro_rules! tables {
    ($($(#[$doc:meta])* $field:ident $name:literal: $key:ty => $value:ty;)*) => {
        /// All tables, opened in a transaction that writes.
        pub(super) struct Tables<'t> {
            $($(#[$doc])* pub(super) $field: Table<'t, $key, $value>,)*
        }

        impl<'t> Tables<'t> {
            /// Those that are not there are made.
            pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, redb::Error> {
                Ok(Self { $($field: transaction.open_table(TableDefinition::new($name))?,)* })
            }
        }

        /// A transaction that reads, and the tables that were asked for so far.
        pub(super) struct View {
            transaction: ReadTransaction,
            $($field: OnceLock<ReadOnlyTable<$key, $value>>,)*
        }

        impl View {
            pub(super) fn new(transaction: ReadTransaction) -> Self {
                Self { transaction, $($field: OnceLock::new(),)* }
            }

            $(
                #[allow(dead_code, reason = "some are only written, in order to be found again")]
                pub(super) fn $field(&self) -> Result<&ReadOnlyTable<$key, $value>, redb::Error> {
                    if let Some(table) = self.$field.get() {
                        return Ok(table);
                    }
                    let table = self.transaction.open_table(TableDefinition::new($name))?;
                    Ok(self.$field.get_or_init(|| table))
                }
            )*
        }
    };
}

tables! {
    /// Where each shard is.
    shards "shards": u8 => ShardRow<'static>;
    /// The log: next number, time, group.
    log "log": (u8, u64) => (u64, u64, &'static [u8]);
    /// Snapshots, by their next number.
    snapshots "snapshots": (u8, u64) => &'static [u8];
    /// All devices of a person, sealed: see [`super::rows`]. Together, so that finding them is one look-up.
    devices "devices": &'static str => &'static [u8];
    /// The owner of each device.
    owners "owners": (&'static str, &'static str) => &'static str;
    /// The name of each device.
    ids "ids": u128 => (&'static str, &'static str);
    /// Devices by a keyed hash of app and token. The record tells whether it is the same token.
    tokens "tokens": (u128, &'static str, &'static str) => ();
    /// Wishes, as JSON.
    wishes "wishes": &'static str => (u64, &'static [u8]);
    /// The count of what is not read. It may fall below zero for a while, when shards are not equally far.
    badges "badges": &'static str => i64;
    /// Kind of subject, its id, shard.
    live "live": (u8, &'static str, u8) => ();
    /// Dead letters: job, time, person, the rest.
    letters "letters": (u8, u64) => (u128, u64, &'static str, &'static [u8]);
    /// Dead letters of a person.
    letters_of "letters of": (&'static str, u8, u64) => ();
    /// Uses of resume tokens: end, value.
    uses "uses": &'static str => (u64, &'static str);
    /// Their ends.
    ends "ends": (u64, &'static str) => ();
    /// Credentials and keys, sealed.
    secrets "secrets": &'static str => (u64, &'static [u8]);
}
