//! The file: who may read it, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use redb::{Database, TableDefinition};
use reveille_example_service::redb_store::RedbStore;
use reveille_gateway::store::{Store, StoreError};
use reveille_testkit::store::block_on;

use crate::sealed;

fn open(path: &Path) -> Result<RedbStore, StoreError> {
    RedbStore::open(path, sealed())
}

#[test]
fn only_its_owner_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    drop(open(&path).unwrap());
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&path).unwrap());
    assert_eq!(mode(), 0o600, "a copy from elsewhere");
}

#[test]
fn a_second_start_finds_everything_again_and_two_at_once_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = open(&path).unwrap();
    block_on(store.put_secret("vapid", None, Some("sealed".into()))).unwrap().unwrap();
    assert_eq!(open(&path).unwrap_err(), StoreError::InUse);
    drop(store);
    let store = open(&path).unwrap();
    assert_eq!(block_on(store.secret("vapid")).unwrap().unwrap().value, "sealed");
}

#[test]
fn what_is_no_store_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "a letter to my aunt".repeat(400)).unwrap();
    let other = folder.path().join("other.redb");
    let database = Database::create(&other).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(TableDefinition::<u64, u64>::new("mine")).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let short = folder.path().join("short");
    fs::write(&short, "re").unwrap();
    for path in [&text, &other, &short] {
        let before = fs::read(path).unwrap();
        let error = open(path).unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
        if path != &other {
            assert_eq!(fs::read(path).unwrap(), before);
        }
    }
    let missing = open(&folder.path().join("no folder/store.redb")).unwrap_err();
    assert!(matches!(missing, StoreError::Unavailable { .. }), "{missing}");
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    drop(open(&path).unwrap());
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let meta = TableDefinition::<&str, u64>::new("reveille");
    transaction.open_table(meta).unwrap().insert("format", 3).unwrap();
    transaction.commit().unwrap();
    drop(database);
    assert_eq!(open(&path).unwrap_err(), StoreError::Format { given: 3, expected: 2 });
}

#[test]
fn a_file_that_was_cut_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = open(&path).unwrap();
    for at in 0..50 {
        let bytes = vec![at as u8; 20_000].into();
        block_on(store.put_secret(&format!("s{at}"), None, Some(bytes))).unwrap().unwrap();
    }
    drop(store);
    let length = fs::metadata(&path).unwrap().len();
    for part in [3, 10, 200, 900] {
        let copy = folder.path().join("copy.redb");
        fs::copy(&path, &copy).unwrap();
        fs::OpenOptions::new().write(true).open(&copy).unwrap().set_len(length * part / 1_000).unwrap();
        let error = open(&copy).expect_err("a file that was cut");
        assert!(matches!(error, StoreError::Damaged { .. }), "{part}: {error}");
    }
}
