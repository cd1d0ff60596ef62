//! The thread that commits, and the door for reads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use redb::{Builder, Database, ReadableDatabase, TableHandle};
use reveille_gateway::store::StoreError;
use reveille_gateway::store::seal::Sealer;
use tokio::sync::oneshot;

use super::RedbSettings;
use super::answers::{CommitTimes, Counted, Piece, Work};
use super::disk::{Disk, Watch, Watched};
use super::failure::{certain, of_io};
use super::reads::Reads;
use super::tables::{COMMIT_NAME, FORMAT, FORMAT_NAME, META, Tables, View};
use super::writes::Writes;

/// The thread's handle. Dropping it ends the thread when all work is done, and closes the file.
#[derive(Debug)]
pub(super) struct Thread {
    work: Option<Sender<Box<dyn Work>>>,
    handle: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// What reads need.
struct Shared {
    /// The file, or why it is not open.
    database: RwLock<Result<Database, StoreError>>,
    /// What was committed last, opened: opening costs as much as looking something up.
    view: RwLock<Option<Arc<View>>>,
    counted: Counted,
    sealer: Sealer,
}

impl Shared {
    fn new(database: Database, sealer: Sealer) -> Self {
        let (database, view) = (RwLock::new(Ok(database)), RwLock::default());
        Self { database, view, counted: Counted::default(), sealer }
    }

    fn view(&self) -> Result<Arc<View>, StoreError> {
        if let Some(view) = &*self.view.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Arc::clone(view));
        }
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().map_err(Clone::clone)?;
        // Made while the lock is held: a commit after this takes it out again, and none can come between.
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let new = || database.begin_read().map(|transaction| Arc::new(View::new(transaction)));
        match &*view {
            Some(view) => Ok(Arc::clone(view)),
            None => Ok(Arc::clone(view.insert(new().map_err(|error| certain(error.into()))?))),
        }
    }

    /// Whoever reads from now on sees what was committed. To be called before anybody is told.
    fn forget_view(&self) {
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn set(&self, database: Result<Database, StoreError>) {
        let mut place = self.database.write().unwrap_or_else(PoisonError::into_inner);
        self.forget_view();
        *place = database;
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("database", &self.database).finish_non_exhaustive()
    }
}

/// What the thread has.
struct Committer {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    settings: RedbSettings,
    watch: Arc<Watch>,
    /// How many groups were committed.
    commits: u64,
}

impl Thread {
    pub(super) fn start(disk: Arc<dyn Disk>, settings: RedbSettings) -> Result<Self, StoreError> {
        let watch = Arc::new(Watch::default());
        let (database, commits) = open(&*disk, &settings, &watch)?;
        let shared = Arc::new(Shared::new(database, settings.sealer.clone()));
        let mut committer = Committer { shared: Arc::clone(&shared), disk, settings, watch, commits };
        // No process has the file open, so no lease is anybody's.
        committer.group(&mut [], |writes| writes.void_leases())?;
        let (work, queue) = channel();
        let handle = std::thread::Builder::new().name("store".into()).spawn(move || committer.run(&queue));
        let handle = Some(handle.map_err(|error| of_io(&error))?);
        Ok(Self { work: Some(work), handle, shared })
    }

    /// Has the thread do something, and waits for the commit.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writes<'_>) -> Result<T, redb::Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let piece = Box::new(Piece { work: Some(work), found: None, reply });
        let taken = self.work.as_ref().is_some_and(|queue| queue.send(piece).is_ok());
        if !taken {
            return Err(StoreError::Closed);
        }
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Unknown { detail: "the store's thread ended".into() }))
    }

    /// Reads what was committed last.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Reads<'_>) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        // A page that was changed from outside may be nonsense in any way.
        let found = catch_unwind(AssertUnwindSafe(|| {
            let view = self.shared.view()?;
            Ok::<_, StoreError>(read(&Reads(&view, &self.shared.sealer)))
        }));
        match found {
            Ok(found) => found?.map_err(certain),
            Err(_) => Err(nonsense()),
        }
    }

    pub(super) fn times(&self) -> CommitTimes {
        self.shared.counted.times()
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.work = None;
        if let Some(handle) = self.handle.take() {
            // It does not panic; and if it did, there is nobody to be told.
            let _ = handle.join();
        }
    }
}

impl Committer {
    fn run(mut self, queue: &Receiver<Box<dyn Work>>) {
        while let Ok(first) = queue.recv() {
            let (since, mut group) = (Instant::now(), vec![first]);
            self.fill(&mut group, since, queue);
            let committed = self.group(&mut group, |_| Ok(()));
            if committed.is_ok() {
                self.shared.counted.add(group.len(), since.elapsed());
            }
            group.into_iter().for_each(|work| work.answer(committed.clone()));
        }
        self.shared.set(Err(StoreError::Closed));
    }

    fn fill(&self, group: &mut Vec<Box<dyn Work>>, since: Instant, queue: &Receiver<Box<dyn Work>>) {
        while group.len() < self.settings.group {
            let wait = self.settings.linger.saturating_sub(since.elapsed());
            match queue.recv_timeout(wait) {
                Ok(more) => group.push(more),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// One transaction for all of it. After an error that leaves redb unusable the file is opened anew, and then it says
    /// whether the transaction is in it.
    fn group(
        &mut self,
        group: &mut [Box<dyn Work>],
        besides: impl FnOnce(&mut Writes<'_>) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        self.reopen_if_closed()?;
        let next = self.commits.wrapping_add(1);
        self.watch.head_written.store(false, Ordering::SeqCst);
        let outcome = {
            let database = self.shared.database.read().unwrap_or_else(PoisonError::into_inner);
            let database = database.as_ref().map_err(Clone::clone)?;
            let settings = &self.settings;
            catch_unwind(AssertUnwindSafe(|| commit(database, settings, next, group, besides)))
        };
        match outcome {
            Ok(Ok(())) => {
                self.commits = next;
                self.shared.forget_view();
                Ok(())
            }
            // Nothing was written yet, and the transaction is gone.
            Ok(Err(error)) if !matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo) => {
                Err(certain(error))
            }
            Ok(Err(error)) => Err(self.after(next, certain(error))),
            Err(_) => {
                self.close(nonsense());
                Err(StoreError::Unknown { detail: "the file holds what no store writes".into() })
            }
        }
    }

    /// What an error of the disk means for the group that met it.
    fn after(&mut self, next: u64, error: StoreError) -> StoreError {
        if self.watch.sync_failed.load(Ordering::SeqCst) {
            self.close(StoreError::Closed);
            return StoreError::Unknown { detail: "the disk failed to sync".into() };
        }
        let is_certain = !self.watch.head_written.load(Ordering::SeqCst);
        self.close(error.clone());
        match self.reopen_if_closed() {
            // Not there: for certain.
            Ok(()) if self.commits != next => error,
            _ if is_certain => error,
            Ok(()) => StoreError::Unknown { detail: "the disk failed after the commit".into() },
            Err(_) => StoreError::Unknown { detail: "the file cannot be opened to see".into() },
        }
    }

    fn close(&self, why: StoreError) {
        self.shared.set(Err(why));
    }

    /// Tries the file again, if an error that may pass has closed it.
    fn reopen_if_closed(&mut self) -> Result<(), StoreError> {
        let mut database = self.shared.database.write().unwrap_or_else(PoisonError::into_inner);
        match &*database {
            Ok(_) => return Ok(()),
            Err(error @ (StoreError::Closed | StoreError::Damaged { .. })) => return Err(error.clone()),
            Err(_) => {}
        }
        match open(&*self.disk, &self.settings, &self.watch) {
            Ok((opened, commits)) => {
                (*database, self.commits) = (Ok(opened), commits);
                Ok(())
            }
            Err(error) => {
                *database = Err(error.clone());
                Err(error)
            }
        }
    }
}

fn nonsense() -> StoreError {
    StoreError::Damaged { detail: "a page holds what no store writes".into() }
}

fn commit(
    database: &Database,
    settings: &RedbSettings,
    next: u64,
    group: &mut [Box<dyn Work>],
    besides: impl FnOnce(&mut Writes<'_>) -> Result<(), redb::Error>,
) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(settings.quick_repair);
    transaction.open_table(META)?.insert(COMMIT_NAME, next)?;
    {
        let mut writes = Writes { tables: Tables::open(&transaction)?, sealer: &settings.sealer };
        besides(&mut writes)?;
        group.iter_mut().try_for_each(|work| work.run(&mut writes))?;
    }
    Ok(transaction.commit()?)
}

/// Opens the file, and gives the number of its last commit. A file that is no store of ours is not touched.
fn open(disk: &dyn Disk, settings: &RedbSettings, watch: &Arc<Watch>) -> Result<(Database, u64), StoreError> {
    let inner = disk.open().map_err(|error| of_io(&error))?;
    let new = inner.len().map_err(|error| of_io(&error))? == 0;
    if !new {
        let mut magic = [0; 4];
        let read = inner.read(0, &mut magic);
        if read.is_err() || magic != *b"redb" {
            return Err(StoreError::Foreign { detail: "it is not a file of redb".into() });
        }
    }
    let backend = Watched { inner, watch: Arc::clone(watch) };
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let database = Builder::new().set_cache_size(settings.cache).create_with_backend(backend)?;
        let commits = if new { initialise(&database)? } else { check(&database)? };
        Ok::<_, redb::Error>((database, commits))
    }));
    let (database, commits) = opened.map_err(|_| nonsense())?.map_err(certain)?;
    Ok((database, commits?))
}

fn initialise(database: &Database) -> Result<Result<u64, StoreError>, redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(FORMAT_NAME, FORMAT)?;
    drop(Tables::open(&transaction)?);
    transaction.commit()?;
    Ok(Ok(0))
}

fn check(database: &Database) -> Result<Result<u64, StoreError>, redb::Error> {
    let transaction = database.begin_read()?;
    let ours = transaction.list_tables()?.any(|table| table.name() == "reveille");
    if !ours {
        // A crash while it was made leaves an empty one.
        return if transaction.list_tables()?.next().is_none() {
            drop(transaction);
            initialise(database)
        } else {
            Ok(Err(StoreError::Foreign { detail: "a file of redb with other tables".into() }))
        };
    }
    let meta = transaction.open_table(META)?;
    let number = |name: &str| Ok::<_, redb::Error>(meta.get(name)?.map(|number| number.value()));
    Ok(match number(FORMAT_NAME)? {
        Some(FORMAT) => Ok(number(COMMIT_NAME)?.unwrap_or(0)),
        Some(given) => Err(StoreError::Format { given, expected: FORMAT }),
        None => Err(StoreError::Foreign { detail: "a store without a format".into() }),
    })
}
