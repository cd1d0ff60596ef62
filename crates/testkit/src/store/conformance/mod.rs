//! What every store of a gateway has to do, as named cases. Run [`run`] in a test of your store.

#![allow(clippy::indexing_slicing, reason = "of lists that the cases themselves have made")]

mod crash;
mod devices;
mod effects;
mod home;
mod leases;
mod log;
mod model;
mod people;
mod rest;
mod tools;

use std::fmt;

pub use home::{Home, MemoryHome};

/// A case of the suite: what it is called, and which promise it checks. [`cases`] lists all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// What a store that fails it has broken.
    pub promise: &'static str,
}

/// A store did not keep a promise: found by [`run`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// In which case.
    pub case: Case,
    /// What was expected, and what came.
    pub what: String,
}

/// What [`run`] found, returned by it: assert that there are no [`failures`](Self::failures).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many cases were run.
    pub run: usize,
    /// Those that failed.
    pub failures: Vec<Failure>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (promised: {})", self.case.name, self.what, self.case.promise)
    }
}

/// How a case ends: what went wrong is said in words.
type Outcome = Result<(), String>;

macro_rules! cases {
    ($($module:ident :: $name:ident: $promise:literal;)*) => {
        const CASES: &[Case] = &[$(Case { name: stringify!($name), promise: $promise }),*];

        /// Runs all cases, each with a home of its own, which `make` makes empty.
        pub fn run<H: Home>(mut make: impl FnMut() -> H) -> Report {
            let mut failures = Vec::new();
            let mut cases = CASES.iter();
            $(
                let outcome: Outcome = $module::$name(&mut make());
                if let (Some(case), Err(what)) = (cases.find(|case| case.name == stringify!($name)), outcome) {
                    failures.push(Failure { case: *case, what });
                }
            )*
            Report { run: CASES.len(), failures }
        }
    };
}

/// All cases, in the order in which they are run.
#[must_use]
pub const fn cases() -> &'static [Case] {
    CASES
}

cases! {
    leases::a_claim_raises_the_epoch: "no two owners write under the same epoch";
    leases::a_lease_that_lives_is_respected: "a shard with a living lease is held, and says for how long at most";
    leases::a_lease_that_is_over_can_be_taken: "a shard whose lease is over can be claimed by anybody";
    leases::a_restarted_owner_gets_its_shard_at_once: "the same owner claims again, under a new epoch";
    leases::a_renewed_lease_lasts: "renewing makes a lease last, also one that is over and that nobody took";
    leases::a_lost_lease_is_not_renewed: "renewing after somebody else's claim says so, and changes nothing";
    leases::a_released_shard_is_free: "a released shard can be claimed at once, and the old claim is stale";
    leases::shards_are_claimed_by_themselves: "many shards in one call: each has its own answer, in order";
    log::entries_come_back: "entries come back in order, with number, time and bytes";
    log::entries_come_in_pages: "a page has one entry at least, then as many as fit";
    log::an_entry_is_found_by_a_number_inside: "reading from the middle of a group gives the whole group";
    log::a_number_that_does_not_fit_is_refused: "a gap, a number that is taken, and an entry without inputs are refused";
    log::a_stale_owner_is_refused: "nothing of an old epoch is taken, and nothing under epoch 0";
    log::shards_fail_alone: "a part that is refused keeps no other one from being committed";
    log::parts_of_one_shard_keep_their_order: "several parts of one shard in one commit are taken in order";
    log::all_shards_commit_at_once: "one commit takes all 256 shards";
    log::large_groups_come_back: "a group of a mebibyte comes back as it was";
    log::extreme_numbers_are_kept: "any number and any time is legal";
    log::two_snapshots_are_kept: "the two newest snapshots are kept, the newest first";
    log::the_log_is_cut_below_the_older_snapshot: "the log begins where the older snapshot ends, and not later";
    log::snapshots_that_do_not_fit_are_refused: "a snapshot that is stale, ahead of the log or behind the newest is refused";
    log::two_commits_at_once_take_one_number: "of two writers at the same number one is taken";
    effects::effects_are_done_once: "effects that are done are passed over";
    effects::effects_that_do_not_fit_are_refused: "effects with a gap, or ahead of the log, are refused with their entry";
    effects::a_late_change_of_a_device_is_reported: "a conflict refuses nothing else";
    effects::letters_are_kept: "letters are listed in the order of their keys, in pages";
    effects::letters_are_removed: "letters go when they are discarded or removed";
    effects::the_index_of_what_is_live: "an index from persons and queues to shards, kept from effects";
    effects::badges_are_summed: "the count of what is not read is the sum over all shards, never below 0";
    devices::the_registrys_cases: "a record is kept as the registry decided";
    devices::a_change_compares_the_revision: "a decision on an old record is a conflict, and changes nothing";
    devices::people_come_in_order: "one answer for each person asked for, in order, also twice";
    devices::devices_are_found_by_id: "a device is found by its id until it is purged";
    devices::devices_are_found_by_token: "a device is found by the tokens that it has now, in its app alone";
    devices::a_device_changes_its_owner: "a device that changes hands is the new owner's alone";
    devices::devices_are_listed_in_pages: "all devices in the order of their names, none twice, none left out";
    people::wishes_are_kept: "wishes are compared by revision, changed and deleted";
    people::a_person_is_erased: "nothing is left of a person but what the logs hold, and nothing of others goes";
    rest::a_token_is_used_once: "a token is reserved once, committed once, and given back";
    rest::a_use_is_over_in_time: "a use is kept until its time is over, and then swept";
    rest::secrets_are_kept: "secrets are compared by revision, listed by name, changed and deleted";
    rest::a_secret_is_made_once: "of two that make a secret, one does";
    crash::what_was_acknowledged_survives: "`Ok` is durable: everything of every kind";
    crash::an_epoch_survives: "after a crash no epoch comes again";
    crash::the_log_has_no_gap: "after crashes the log is whole, and goes on where it says";
    crash::another_process_reads_it: "what was acknowledged is seen by other processes at once";
    model::random_calls_agree_with_the_model: "any calls in any order have the model's answers, also over crashes";
}
