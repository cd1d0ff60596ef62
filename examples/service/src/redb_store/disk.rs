//! Where the file is.

use std::fmt::Debug;
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::ops::Bound;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

/// Opens a file again and again: after an error of the disk redb wants a new start. Tests have disks that forget.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Opens it, and makes it if it is not there.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self) -> io::Result<Box<dyn StorageBackend>>;
}

/// A file of the system, which only its owner may read and write.
#[derive(Clone, Debug)]
pub struct FileDisk {
    path: PathBuf,
}

impl FileDisk {
    /// At this path. Its folder has to be there.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl Disk for FileDisk {
    fn open(&self) -> io::Result<Box<dyn StorageBackend>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        let file = match options.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = options.create_new(true).open(&self.path)?;
                // The name, too, has to survive.
                File::open(folder(&self.path))?.sync_all()?;
                file
            }
            other => other?,
        };
        let mode = file.metadata()?.permissions().mode();
        if mode & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        Ok(Box::new(FileBackend::new(file).map_err(|error| io::Error::other(error.to_string()))?))
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// What happened to a file, as far as it says what became of a commit.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// A sync has failed. After that nothing that is read says what is on the disk: the system may have thrown away what it
    /// could not write.
    pub(super) sync_failed: AtomicBool,
    /// Something may have been written to the head of the file. Without that no commit can have happened.
    pub(super) head_written: AtomicBool,
}

#[derive(Debug)]
pub(super) struct Watched {
    pub(super) inner: Box<dyn StorageBackend>,
    pub(super) watch: Arc<Watch>,
}

/// Where redb keeps which tree is the present one: in its first page.
const HEAD: u64 = 4_096;

impl StorageBackend for Watched {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let synced = self.inner.sync_data();
        if synced.is_err() {
            self.watch.sync_failed.store(true, Ordering::SeqCst);
        }
        synced
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let written = self.inner.write(offset, data);
        // A disk that can only be read takes no part of a write; other errors may come after a part.
        let untouched = |error: &io::Error| error.kind() == io::ErrorKind::ReadOnlyFilesystem;
        if offset < HEAD && !written.as_ref().is_err_and(untouched) {
            self.watch.head_written.store(true, Ordering::SeqCst);
        }
        written
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
