//! The suite that every store passes.

use std::sync::Arc;

use reveille_example_service::redb_store::{ForgetfulDisk, RedbSettings, RedbStore};
use reveille_testkit::store::conformance::{self, Home};

use crate::sealed;

/// A store on a forgetful disk.
pub(crate) struct Forgetful {
    pub(crate) disk: ForgetfulDisk,
    settings: RedbSettings,
    crashes: u64,
}

impl Forgetful {
    pub(crate) fn new(disk: ForgetfulDisk, quick_repair: bool) -> Self {
        let mut settings = sealed();
        settings.quick_repair = quick_repair;
        Self { disk, settings, crashes: 0 }
    }
}

impl Home for Forgetful {
    type Store = RedbStore;

    fn open(&mut self) -> RedbStore {
        RedbStore::on(Arc::new(self.disk.clone()), self.settings.clone()).unwrap()
    }

    fn crash(&mut self, store: RedbStore) {
        self.crashes += 1;
        // First the power, then the process: closing the file in order changes nothing any more.
        self.disk.lose_power_after(0);
        drop(store);
        if self.crashes.is_multiple_of(2) {
            self.disk.restart_keeping(self.crashes);
        } else {
            self.disk.restart();
        }
    }
}

struct InFolder(tempfile::TempDir);

impl Home for InFolder {
    type Store = RedbStore;

    fn open(&mut self) -> RedbStore {
        RedbStore::open(self.0.path().join("store.redb"), sealed()).unwrap()
    }

    fn crash(&mut self, store: RedbStore) {
        drop(store);
    }
}

#[test]
fn it_keeps_all_promises_on_a_disk_that_forgets() {
    for quick_repair in [false, true] {
        let report = conformance::run(|| Forgetful::new(ForgetfulDisk::default(), quick_repair));
        assert_eq!(report.failures, []);
        assert_eq!(report.run, conformance::cases().len());
    }
}

#[test]
fn it_keeps_all_promises_in_a_file() {
    let report = conformance::run(|| InFolder(tempfile::tempdir().unwrap()));
    assert_eq!(report.failures, []);
}
