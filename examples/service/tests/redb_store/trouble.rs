//! Full disks, disks that can only be read, disks that break; and commits in groups.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reveille_example_service::redb_store::{ForgetfulDisk, RedbSettings, RedbStore};
use reveille_gateway::store::{Store, StoreError};
use reveille_testkit::store::block_on;

use crate::sealed;

fn open(disk: &ForgetfulDisk, settings: RedbSettings) -> RedbStore {
    RedbStore::on(Arc::new(disk.clone()), settings).unwrap()
}

fn put(store: &RedbStore, name: &str) -> Result<u64, StoreError> {
    let bytes = Some(Bytes::from(vec![7; 50_000]));
    block_on(store.put_secret(name, None, bytes)).map(|put| put.expect("a new name"))
}

/// Puts until that fails; says how often it did not.
fn put_until_refused(store: &RedbStore, name: &str) -> (usize, StoreError) {
    for at in 0..1_000 {
        if let Err(error) = put(store, &format!("{name} {at:03}")) {
            return (at, error);
        }
    }
    panic!("the disk never was full");
}

#[test]
fn a_full_disk_is_said_loses_nothing_and_passes() {
    let disk = ForgetfulDisk::default();
    let store = open(&disk, sealed());
    put(&store, "before").unwrap();
    disk.fill(true);
    let (taken, error) = put_until_refused(&store, "during");
    assert_eq!(error, StoreError::Full);
    assert!(error.is_certain() && error.passes());
    assert_eq!(put(&store, "refused"), Err(StoreError::Full));
    assert_eq!(block_on(store.secrets()).unwrap().len(), taken + 1, "reads go on");
    disk.fill(false);
    put(&store, "later").unwrap();
    assert_eq!(block_on(store.secrets()).unwrap().len(), taken + 2);
    disk.lose_power_after(0);
    drop(store);
    disk.restart();
    assert_eq!(block_on(open(&disk, sealed()).secrets()).unwrap().len(), taken + 2);
}

#[test]
fn a_disk_that_became_read_only_is_said_and_passes() {
    let disk = ForgetfulDisk::default();
    let store = open(&disk, sealed());
    put(&store, "before").unwrap();
    disk.refuse_writes(Some(ErrorKind::ReadOnlyFilesystem));
    for _ in 0..3 {
        let error = put(&store, "during").unwrap_err();
        assert_eq!(error, StoreError::ReadOnly);
        assert!(error.is_certain());
    }
    disk.refuse_writes(None);
    put(&store, "after").unwrap();
    assert_eq!(block_on(store.secrets()).unwrap(), ["after", "before"]);
}

#[test]
fn what_a_disk_did_not_sync_is_never_taken_for_done() {
    let disk = ForgetfulDisk::default();
    let store = open(&disk, sealed());
    put(&store, "before").unwrap();
    disk.refuse_syncs();
    let error = put(&store, "during").unwrap_err();
    assert!(!error.is_certain(), "{error}");
    assert_eq!(put(&store, "after"), Err(StoreError::Closed));
    assert_eq!(block_on(store.secrets()), Err(StoreError::Closed), "the system's cache is no proof");
}

#[test]
fn many_callers_share_a_sync() {
    let disk = ForgetfulDisk::default();
    let mut settings = sealed();
    settings.linger = Duration::from_millis(300);
    let store = open(&disk, settings);
    let before = disk.syncs();
    let threads: Vec<_> = (0..40)
        .map(|at| {
            let store = store.clone();
            std::thread::spawn(move || put(&store, &format!("s{at}")).unwrap())
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 1);
    }
    let times = store.times();
    assert_eq!(times.pieces, 40);
    assert!(times.commits < 20, "{} commits for 40 callers", times.commits);
    assert_eq!(times.less_than.iter().sum::<u64>(), times.commits);
    assert!(disk.syncs() - before <= 2 * times.commits + 2, "more than two syncs for a commit");
}

#[test]
fn a_flipped_bit_is_never_a_panic() {
    let disk = ForgetfulDisk::default();
    let store = open(&disk, sealed());
    for at in 0..20 {
        put(&store, &format!("s{at}")).unwrap();
    }
    drop(store);
    let (bits, mut refused) = (disk.len() * 8, 0);
    for step in 0..300 {
        let bit = bits / 300 * step + step * 31 % 977;
        disk.flip(bit);
        match RedbStore::on(Arc::new(disk.clone()), sealed()) {
            Err(error) => {
                assert!(
                    matches!(
                        error,
                        StoreError::Damaged { .. } | StoreError::Foreign { .. } | StoreError::Format { .. }
                    ),
                    "{error}"
                );
                refused += 1;
            }
            Ok(store) => {
                for at in 0..20 {
                    drop(block_on(store.secret(&format!("s{at}"))));
                }
            }
        }
        disk.flip(bit);
    }
    assert!(refused > 0);
}
