//! A disk that keeps what was synced, and nothing else for certain: for tests of crashes.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;
use reveille_core::Jitter;

use super::Disk;

/// How much of a write reaches a disk as a whole.
const SECTOR: usize = 512;

/// A disk in memory that loses its power when a test wants it to. What was written since the last sync is then gone, or any
/// part of it is there, sector by sector, in any order, as on a disk with a cache of its own. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct ForgetfulDisk {
    platter: Arc<Mutex<Platter>>,
}

#[derive(Debug, Default)]
struct Platter {
    /// What a read gives.
    cached: Vec<u8>,
    /// What is there for certain.
    synced: Vec<u8>,
    /// What was done since.
    unsynced: Vec<Done>,
    /// Handles of before a loss of power are of no use.
    life: u64,
    /// How many writes and syncs are left before the power goes.
    left: Option<u64>,
    off: bool,
    trouble: Option<io::ErrorKind>,
    /// There is no room behind this many bytes.
    full: Option<usize>,
    sync_trouble: bool,
    lies: bool,
    syncs: u64,
}

#[derive(Debug)]
enum Done {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl ForgetfulDisk {
    /// It says that it has synced, and has not: no store survives that.
    #[must_use]
    pub fn without_sync(self) -> Self {
        self.lock().lies = true;
        self
    }

    /// The power goes after this many writes and syncs more: from then on everything fails.
    pub fn lose_power_after(&self, steps: u64) {
        self.lock().left = Some(steps);
    }

    /// The power comes back. Nothing is there that was not synced.
    pub fn restart(&self) {
        self.restart_with(|| false);
    }

    /// The power comes back. Of what was not synced some sectors are there.
    pub fn restart_keeping(&self, seed: u64) {
        let mut jitter = Jitter::new(seed);
        self.restart_with(|| jitter.up_to_u64(1) == 0);
    }

    fn restart_with(&self, mut keeps: impl FnMut() -> bool) {
        let mut platter = self.lock();
        for done in std::mem::take(&mut platter.unsynced) {
            match done {
                Done::Length(length) if keeps() => platter.synced.resize(length, 0),
                Done::Length(_) => {}
                Done::Write(offset, data) => {
                    for (at, sector) in data.chunks(SECTOR).enumerate() {
                        if keeps() {
                            put(&mut platter.synced, offset + at * SECTOR, sector);
                        }
                    }
                }
            }
        }
        platter.cached = platter.synced.clone();
        (platter.life, platter.left, platter.off) = (platter.life + 1, None, false);
    }

    /// From now on there is no room for more than it has, but what is there can be overwritten; `false`: there is room.
    pub fn fill(&self, full: bool) {
        let mut platter = self.lock();
        platter.full = full.then_some(platter.cached.len());
    }

    /// From now on writes fail like this; `None`: they succeed again.
    pub fn refuse_writes(&self, kind: Option<io::ErrorKind>) {
        self.lock().trouble = kind;
    }

    /// From now on syncs fail.
    pub fn refuse_syncs(&self) {
        self.lock().sync_trouble = true;
    }

    /// How many syncs there were.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// Changes one bit of what is there, from outside.
    pub fn flip(&self, bit: usize) {
        let mut platter = self.lock();
        for bytes in [0, 1] {
            let bytes = if bytes == 0 { &mut platter.cached } else { &mut platter.synced };
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().cached.len()
    }

    /// Whether nothing was ever written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Platter> {
        self.platter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for ForgetfulDisk {
    fn open(&self) -> io::Result<Box<dyn StorageBackend>> {
        Ok(Box::new(Handle { disk: self.clone(), life: self.lock().life }))
    }
}

#[derive(Debug)]
struct Handle {
    disk: ForgetfulDisk,
    life: u64,
}

impl Handle {
    fn platter(&self) -> io::Result<MutexGuard<'_, Platter>> {
        let platter = self.disk.lock();
        let gone = platter.off || platter.life != self.life;
        if gone { Err(io::Error::other("the power is off")) } else { Ok(platter) }
    }

    fn step(&self) -> io::Result<MutexGuard<'_, Platter>> {
        let mut platter = self.platter()?;
        if let Some(left) = platter.left.as_mut() {
            if *left == 0 {
                platter.off = true;
                return Err(io::Error::other("the power went off"));
            }
            *left -= 1;
        }
        Ok(platter)
    }
}

impl StorageBackend for Handle {
    fn len(&self) -> io::Result<u64> {
        Ok(self.platter()?.cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let platter = self.platter()?;
        let offset = place(offset)?;
        let bytes = platter.cached.get(offset..).and_then(|rest| rest.get(..out.len()));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let (length, mut platter) = (place(length)?, self.step()?);
        platter.cached.resize(length, 0);
        platter.unsynced.push(Done::Length(length));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut platter = self.step()?;
        if platter.sync_trouble {
            return Err(io::Error::other("the disk is broken"));
        }
        platter.syncs += 1;
        if platter.lies {
            return Ok(());
        }
        for done in std::mem::take(&mut platter.unsynced) {
            match done {
                Done::Length(length) => platter.synced.resize(length, 0),
                Done::Write(offset, data) => put(&mut platter.synced, offset, &data),
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (offset, mut platter) = (place(offset)?, self.step()?);
        if let Some(kind) = platter.trouble {
            return Err(kind.into());
        }
        // A file may be made longer without taking room: its holes take it.
        if platter.full.is_some_and(|room| offset + data.len() > room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        put(&mut platter.cached, offset, data);
        platter.unsynced.push(Done::Write(offset, data.to_vec()));
        Ok(())
    }
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// Writes, and makes the file longer where it has to be.
fn put(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(room) = bytes.get_mut(offset..end) {
        room.copy_from_slice(data);
    }
}
