//! Apple takes a new provider token every 20 minutes at most, whoever made it: a service that is restarted twice and signs
//! with its own time is refused. So the time of the last one is kept in the store, and what is signed after a restart has it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reveille_apns::TokenSource;
use reveille_core::UnixTime;
use reveille_gateway::store::seal::{Place, Sealer};
use reveille_gateway::store::{Store, StoreError};

use crate::clock::Clock;

/// An older token would have to be renewed anyway (Apple: within an hour).
const YOUNG: Duration = Duration::from_secs(45 * 60);
/// How often it is looked whether there is another one.
const LOOK: Duration = Duration::from_secs(20);

/// The sources of a process, by the ids of their keys.
pub type Sources = Vec<(String, Arc<TokenSource>)>;

/// The same, while credentials come and go.
pub type Shared = Arc<Mutex<Sources>>;

/// Those that there are now.
pub fn list(shared: &Shared) -> Sources {
    shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Signs the first tokens, with the times of the last ones if these are young, and remembers the times before anything
/// is sent with them.
///
/// # Errors
/// [`StoreError`]
pub async fn begin<S: Store>(
    store: &S,
    sealer: &Sealer,
    sources: &Sources,
    now: UnixTime,
) -> Result<(), StoreError> {
    for (key, source) in sources {
        if let Some((_, issued_at)) = read(store, sealer, key).await?
            && issued_at <= now
            && now.since(issued_at) < YOUNG
        {
            // Time is an argument: this is the token of then.
            let _ = source.token(issued_at);
        }
        remember(store, sealer, key, source, now).await?;
    }
    Ok(())
}

/// Remembers every other token, for as long as the process lives.
pub async fn keep<S: Store>(store: Arc<S>, sealer: Sealer, sources: Shared, clock: Clock) {
    loop {
        tokio::time::sleep(LOOK).await;
        for (key, source) in &list(&sources) {
            // A store that fails is asked again.
            let _ = remember(&*store, &sealer, key, source, clock.now()).await;
        }
    }
}

async fn remember<S: Store>(
    store: &S,
    sealer: &Sealer,
    key: &str,
    source: &TokenSource,
    now: UnixTime,
) -> Result<(), StoreError> {
    let Ok(token) = source.token(now) else { return Ok(()) };
    let known = read(store, sealer, key).await?;
    if known.is_some_and(|(_, issued_at)| issued_at == token.issued_at()) {
        return Ok(());
    }
    let name = name(key);
    let text = token.issued_at().as_millis().to_le_bytes();
    let Ok(sealed) = sealer.seal(Place::Secret(&name), &text) else { return Ok(()) };
    // Whoever was faster has written a token that Apple knows as well.
    let _ = store.put_secret(&name, known.map(|(revision, _)| revision), Some(sealed)).await?;
    Ok(())
}

async fn read<S: Store>(
    store: &S,
    sealer: &Sealer,
    key: &str,
) -> Result<Option<(u64, UnixTime)>, StoreError> {
    let name = name(key);
    let Some(kept) = store.secret(&name).await? else { return Ok(None) };
    let text: Bytes = kept.value;
    let opened = sealer.open(Place::Secret(&name), &text).ok().and_then(|text| text.try_into().ok());
    // What cannot be read is written again.
    let issued_at = opened.map_or(UnixTime::EPOCH, |bytes| UnixTime::from_millis(u64::from_le_bytes(bytes)));
    Ok(Some((kept.revision, issued_at)))
}

fn name(key: &str) -> String {
    format!("apns-issued-at/{key}")
}
