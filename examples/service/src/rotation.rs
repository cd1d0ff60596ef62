//! Another key for the store: what the old one sealed is sealed anew, while the service runs. Logs, snapshots and letters are
//! not touched, because they go by themselves.

use std::time::Duration;

use reveille_gateway::store::seal::{Place, Sealer};
use reveille_gateway::store::{Store, StoreError};

use crate::redb_store::RedbStore;

/// Persons whose devices are looked at in one transaction.
const PORTION: usize = 500;
/// Between two of them others have their turn.
const PAUSE: Duration = Duration::from_millis(20);
/// A store that fails is asked again after this.
const LATER: Duration = Duration::from_secs(30);

/// Seals credentials and keys of the API anew. What cannot be opened is left as it is: whoever reads it says so.
///
/// # Errors
/// [`StoreError`]
pub async fn secrets<S: Store>(store: &S, sealer: &Sealer) -> Result<(), StoreError> {
    if sealer.keys().count() == 1 {
        return Ok(());
    }
    for name in store.secrets().await? {
        let Some(old) = store.secret(&name).await? else { continue };
        if Sealer::key_of(&old.value) == Some(sealer.current()) {
            continue;
        }
        let place = Place::Secret(&name);
        let opened = sealer.open(place, &old.value).ok();
        if let Some(new) = opened.and_then(|text| sealer.seal(place, &text).ok()) {
            // Somebody was faster: then it is sealed with the current key already.
            let _ = store.put_secret(&name, Some(old.revision), Some(new)).await?;
        }
    }
    Ok(())
}

/// Seals all devices anew, a few at a time.
pub async fn devices(store: RedbStore) {
    let mut after = String::new();
    loop {
        match store.reseal(&after, PORTION).await {
            Ok(Some(last)) => after = last,
            Ok(None) => return,
            Err(error) => {
                eprintln!("alert: devices cannot be sealed anew: {error}");
                tokio::time::sleep(LATER).await;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
