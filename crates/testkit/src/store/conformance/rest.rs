//! Tokens and secrets.

use std::time::Duration;

use bytes::Bytes;
use reveille_gateway::store::{Effects, Part, Store, TokenAnswer, Versioned};
use reveille_registry::Conflict;
use reveille_resume::store::StoreCommand;

use super::tools::{NOW, ask, claim, commit, entry, granted, same};
use super::{Home, Outcome};

fn reserve(key: &str, value: &str, ms: u64) -> StoreCommand {
    StoreCommand::SetIfAbsent { key: key.into(), value: value.into(), expires_in_ms: ms }
}

fn replace(key: &str, expected: &str, value: &str, ms: u64) -> StoreCommand {
    let (key, expected, value) = (key.into(), expected.into(), value.into());
    StoreCommand::Replace { key, expected, value, expires_in_ms: ms }
}

fn delete(key: &str, expected: &str) -> StoreCommand {
    StoreCommand::Delete { key: key.into(), expected: expected.into() }
}

fn held(value: &str) -> TokenAnswer {
    TokenAnswer::Held(value.into())
}

pub(super) fn a_token_is_used_once<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let run = |command: StoreCommand| -> Result<TokenAnswer, String> { Ok(ask!(store.token(&command, NOW))) };
    same("reserved", run(reserve("k", "r.1", 9_000))?, TokenAnswer::Done)?;
    same("reserved by another attempt", run(reserve("k", "r.2", 9_000))?, held("r.1"))?;
    same("committed by another attempt", run(replace("k", "r.2", "c.2", 9_000))?, TokenAnswer::Refused)?;
    same("given back by another attempt", run(delete("k", "r.2"))?, TokenAnswer::Refused)?;
    same("committed", run(replace("k", "r.1", "c.1", 9_000))?, TokenAnswer::Done)?;
    same("committed again", run(replace("k", "r.1", "c.1", 9_000))?, TokenAnswer::Done)?;
    same("given back after the commit", run(delete("k", "r.1"))?, TokenAnswer::Refused)?;
    same("reserved after the commit", run(reserve("k", "r.3", 9_000))?, held("c.1"))?;
    same("another token", run(reserve("k2", "r.1", 9_000))?, TokenAnswer::Done)?;
    same("given back", run(delete("k2", "r.1"))?, TokenAnswer::Done)?;
    same("given back again", run(delete("k2", "r.1"))?, TokenAnswer::Refused)?;
    same("reserved anew", run(reserve("k2", "r.9", 9_000))?, TokenAnswer::Done)?;
    same("committed, but not there", run(replace("k3", "r.1", "c.1", 9_000))?, TokenAnswer::Refused)?;
    // In effects of a group.
    let claim = claim(&store, 1)?;
    let tokens = vec![replace("k2", "r.9", "c.9", 9_000), delete("k", "r.1")];
    let part = Part::new(claim, entry(1, 1, "")).with_effects(Effects { tokens, ..Effects::new(0, 1) });
    granted!(commit(&store, part)?);
    same("after effects", run(reserve("k2", "r.1", 9_000))?, held("c.9"))?;
    same("after effects", run(reserve("k", "r.1", 9_000))?, held("c.1"))
}

pub(super) fn a_use_is_over_in_time<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let ms = Duration::from_millis;
    same("reserved", ask!(store.token(&reserve("a", "r.1", 200), NOW)), TokenAnswer::Done)?;
    same("reserved", ask!(store.token(&reserve("b", "r.1", 60_000), NOW)), TokenAnswer::Done)?;
    same("reserved", ask!(store.token(&reserve("c", "r.1", u64::MAX), NOW)), TokenAnswer::Done)?;
    let soon = home.later(NOW, ms(100));
    same("swept too early", ask!(store.sweep(9, soon)), 0)?;
    same("before it is over", ask!(store.token(&reserve("a", "r.2", 200), soon)), held("r.1"))?;
    let over = home.later(soon, ms(100));
    same("late commit", ask!(store.token(&replace("a", "r.1", "c.1", 200), over)), TokenAnswer::Refused)?;
    same("late end", ask!(store.token(&delete("a", "r.1"), over)), TokenAnswer::Refused)?;
    same("when it is over", ask!(store.token(&reserve("a", "r.3", 60_000), over)), TokenAnswer::Done)?;
    same("one that lives", ask!(store.token(&reserve("b", "r.2", 200), over)), held("r.1"))?;
    same(
        "a commit makes it last",
        ask!(store.token(&replace("b", "r.1", "c.1", 900_000), over)),
        TokenAnswer::Done,
    )?;
    let later = home.later(over, ms(70_000));
    same("swept", ask!(store.sweep(9, later)), 1)?;
    same("swept again", ask!(store.sweep(9, later)), 0)?;
    same("what lives", ask!(store.token(&reserve("b", "r.2", 200), later)), held("c.1"))?;
    same("what lives long", ask!(store.token(&reserve("c", "r.2", 200), later)), held("r.1"))?;
    for key in ["d", "e", "f"] {
        same("reserved", ask!(store.token(&reserve(key, "r.1", 100), later)), TokenAnswer::Done)?;
    }
    let end = home.later(later, ms(100));
    let swept = (ask!(store.sweep(2, end)), ask!(store.sweep(2, end)), ask!(store.sweep(0, end)));
    same("swept in steps", swept, (2, 1, 0))
}

pub(super) fn secrets_are_kept<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let bytes = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    same("of no name", ask!(store.secret("vapid")), None)?;
    same("the first", ask!(store.put_secret("vapid", None, bytes("one"))), Ok(1))?;
    same("another", ask!(store.put_secret("apns/com.example", None, bytes("p8"))), Ok(1))?;
    same("a change", ask!(store.put_secret("vapid", Some(1), bytes("two"))), Ok(2))?;
    let late = ask!(store.put_secret("vapid", Some(1), bytes("three")));
    same("a late change", late, Err(Conflict { expected: Some(1), found: Some(2) }))?;
    let value = Bytes::from_static(b"two");
    same("a secret", ask!(store.secret("vapid")), Some(Versioned { revision: 2, value }))?;
    let names = vec!["apns/com.example".to_owned(), "vapid".to_owned()];
    same("all names", ask!(store.secrets()), names)?;
    let late = ask!(store.put_secret("vapid", None, None));
    same("a late end", late, Err(Conflict { expected: None, found: Some(2) }))?;
    granted!(ask!(store.put_secret("vapid", Some(2), None)));
    same("at the end", ask!(store.secret("vapid")), None)?;
    same("names at the end", ask!(store.secrets()), vec!["apns/com.example".to_owned()])
}

pub(super) fn a_secret_is_made_once<H: Home>(home: &mut H) -> Outcome {
    let store = home.open();
    let (a, b) = (Bytes::from_static(b"a"), Bytes::from_static(b"b"));
    same("who comes first", ask!(store.put_secret("key", None, Some(a.clone()))), Ok(1))?;
    let second = ask!(store.put_secret("key", None, Some(b)));
    same("who comes second", second, Err(Conflict { expected: None, found: Some(1) }))?;
    same("the key", ask!(store.secret("key")), Some(Versioned { revision: 1, value: a }))
}
