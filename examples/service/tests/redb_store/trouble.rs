//! Full disks, disks that can only be read, disks that break; and commits in groups.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reveille_example_service::redb_store::{ForgetfulDisk, RedbSettings, RedbStore};
use reveille_gateway::store::{Store, StoreError};
use reveille_testkit::store::block_on;

fn open(disk: &ForgetfulDisk, settings: RedbSettings) -> RedbStore {
    RedbStore::on(Arc::new(disk.clone()), settings).unwrap()
}

fn put(store: &RedbStore, name: &str) -> Result<u64, StoreError> {
    let bytes = Some(Bytes::from(vec![7; 50_000]));
    block_on(store.put_secret(name, None, bytes)).map(|put| put.expect("a new name"))
}

#[test]
fn a_full_disk_is_said_loses_nothing_and_passes() {
    let kinds = [(ErrorKind::StorageFull, StoreError::Full), (ErrorKind::ReadOnlyFilesystem, StoreError::ReadOnly)];
    for (kind, expected) in kinds {
        let disk = ForgetfulDisk::default();
        let store = open(&disk, RedbSettings::default());
        put(&store, "before").unwrap();
        disk.refuse_writes(Some(kind));
        for _ in 0..3 {
            let error = put(&store, "during").unwrap_err();
            assert_eq!(error, expected);
            assert!(error.is_certain());
        }
        disk.refuse_writes(None);
        put(&store, "after").unwrap();
        let names = vec!["after".to_owned(), "before".to_owned()];
        assert_eq!(block_on(store.secrets()).unwrap(), names);
        disk.lose_power_after(0);
        drop(store);
        disk.restart();
        assert_eq!(block_on(open(&disk, RedbSettings::default()).secrets()).unwrap(), names);
    }
}

#[test]
fn what_a_disk_did_not_sync_is_never_taken_for_done() {
    let disk = ForgetfulDisk::default();
    let store = open(&disk, RedbSettings::default());
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
    let mut settings = RedbSettings::default();
    settings.linger = Duration::from_millis(300);
    let store = open(&disk, settings);
    let before = disk.syncs();
    let threads: Vec<_> = (0..40)
        .map(|at| {
            let store = store.clone();
            std::thread::spawn(move || put(&store, &format!("s{at}")).unwrap())
        })
        .collect();
    threads.into_iter().for_each(|thread| drop(thread.join().unwrap()));
    let times = store.times();
    assert_eq!(times.pieces, 40);
    assert!(times.commits < 20, "{} commits for 40 callers", times.commits);
    assert_eq!(times.less_than.iter().sum::<u64>(), times.commits);
    assert!(disk.syncs() - before <= 2 * times.commits + 2, "more than two syncs for a commit");
}

#[test]
fn a_flipped_bit_is_never_a_panic() {
    let disk = ForgetfulDisk::default();
    let store = open(&disk, RedbSettings::default());
    for at in 0..20 {
        put(&store, &format!("s{at}")).unwrap();
    }
    drop(store);
    let (bits, mut refused) = (disk.len() * 8, 0);
    for step in 0..300 {
        let bit = bits / 300 * step + step * 31 % 977;
        disk.flip(bit);
        match RedbStore::on(Arc::new(disk.clone()), RedbSettings::default()) {
            Err(error) => {
                assert!(
                    matches!(error, StoreError::Damaged { .. } | StoreError::Foreign { .. } | StoreError::Format { .. }),
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
