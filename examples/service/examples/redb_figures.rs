//! What the store costs on this disk. It makes its files in the folder for temporary files (`TMPDIR`), and removes them:
//!
//! ```text
//! cargo run --release -p reveille-example-service --example redb_figures -- commits
//! cargo run --release -p reveille-example-service --example redb_figures -- lookups 1000000
//! ```
//!
//! Filling a large store takes longer than asking it. `fill FILE 1000000 quick` (or `slow`: without quick repair) makes a
//! file and ends without closing it, as after `kill -9`; `ask FILE 1000000` then starts on it.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reveille_conversation::id::PersonId;
use reveille_core::{Secret, UnixTime};
use reveille_crypto_ring::PROVIDER;
use reveille_example_service::redb_store::{RedbSettings, RedbStore};
use reveille_gateway::Seed;
use reveille_gateway::store::seal::{SealKeyId, Sealer};
use reveille_gateway::store::{Claim, DeviceWrite, Entry, Part, ShardId, Snapshot, Store, StoreError};
use reveille_registry::{DeviceKey, Event, Platform, Purpose, Registration, RegistryPolicy, Token, decide};
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ROUNDS: u64 = 300;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["fill", file, devices, repair] => {
            let quick = match repair {
                "quick" => true,
                "slow" => false,
                other => return Err(format!("expected quick or slow, found {other:?}").into()),
            };
            let store = fill(Path::new(file), devices.parse()?, quick).await?;
            std::mem::forget(store);
            std::process::exit(0);
        }
        ["ask", file, devices] => return ask(Path::new(file), devices.parse()?).await,
        _ => {}
    }
    let folder = std::env::temp_dir().join(format!("redb_figures.{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let file = folder.join("store.redb");
    let measured =
        match words[..] {
            ["commits"] => measure(&file).await,
            ["lookups", devices] => {
                let devices = devices.parse()?;
                drop(fill(&file, devices, true).await?);
                ask(&file, devices).await
            }
            _ => Err("expected: commits | lookups DEVICES | fill FILE DEVICES quick|slow | ask FILE DEVICES"
                .into()),
        };
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn settings(quick_repair: bool) -> RedbSettings {
    let mut settings = RedbSettings::new(Sealer::new(PROVIDER, SealKeyId(1), Secret::new([7; 32])));
    settings.quick_repair = quick_repair;
    settings
}

async fn measure(path: &Path) -> Result<()> {
    sync_alone(path)?;
    for quick_repair in [true, false] {
        println!("quick_repair: {quick_repair}");
        let file = path.with_extension(if quick_repair { "quick" } else { "slow" });
        let store = RedbStore::open(&file, settings(quick_repair))?;
        commits(&store).await?;
    }
    Ok(())
}

/// What the disk itself costs: 8 KiB and a sync.
fn sync_alone(path: &Path) -> Result<()> {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::create(path.with_extension("raw"))?;
    file.set_len(1 << 20)?;
    file.sync_all()?;
    let mut took: Vec<Duration> = Vec::new();
    for round in 0..ROUNDS {
        let since = Instant::now();
        file.write_at(&[7; 8_192], round % 64 * 8_192)?;
        file.sync_data()?;
        took.push(since.elapsed());
    }
    report("8 KiB and fdatasync", &mut took);
    Ok(())
}

fn report(what: &str, took: &mut [Duration]) {
    took.sort();
    let at = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or_default();
    println!("  {what}: p50 {:?}, p90 {:?}, p99 {:?}", at(50), at(90), at(99));
}

fn group(claim: Claim, number: u64, bytes: usize) -> Part {
    Part::new(claim, Entry { number, next: number + 1, now: NOW, bytes: Bytes::from(vec![7; bytes]) })
}

async fn commits(store: &RedbStore) -> Result<()> {
    let shards: Vec<ShardId> = ShardId::all().collect();
    let since = Instant::now();
    let claims = store.claim(&shards, "figures", Duration::from_secs(60), NOW).await?;
    println!("  claim of 256 shards in one call: {:?}", since.elapsed());
    let claims: Vec<Claim> = claims.into_iter().collect::<std::result::Result<_, _>>()?;

    let mut took = Vec::new();
    for number in 1..=ROUNDS {
        let since = Instant::now();
        store.commit(vec![group(claims[0], number, 700)], NOW).await?.remove(0)?;
        took.push(since.elapsed());
    }
    report("one group of 700 bytes, one caller", &mut took);

    let mut took = Vec::new();
    for number in 1..=ROUNDS / 3 {
        let since = Instant::now();
        let parts = claims[128..].iter().map(|claim| group(*claim, number, 700)).collect();
        for answer in store.commit(parts, NOW).await? {
            answer?;
        }
        took.push(since.elapsed());
    }
    report("128 groups of 700 bytes in one commit", &mut took);

    let (before, since) = (store.times(), Instant::now());
    let mut callers = JoinSet::new();
    for claim in claims[1..65].iter().copied() {
        let store = store.clone();
        callers.spawn(async move {
            let mut took = Vec::new();
            for number in 1..=ROUNDS / 3 {
                let since = Instant::now();
                let answers = store.commit(vec![group(claim, number, 700)], NOW).await?;
                answers.into_iter().for_each(|answer| drop(answer.expect("the next number")));
                took.push(since.elapsed());
            }
            Ok::<_, StoreError>(took)
        });
    }
    let mut took = Vec::new();
    while let Some(caller) = callers.join_next().await {
        took.extend(caller??);
    }
    let (after, all) = (store.times(), since.elapsed());
    let (commits, groups) = (after.commits - before.commits, took.len());
    let a_second = |count: f64| count / all.as_secs_f64();
    println!(
        "  64 callers: {:.0} groups/s in {:.0} commits/s",
        a_second(groups as f64),
        a_second(commits as f64)
    );
    report("each of them waits", &mut took);
    Ok(())
}

fn device(seed: Seed, at: u64) -> Option<DeviceWrite> {
    let key = DeviceKey::new("https://chat.example", format!("browser-{at:07}"));
    // As long as a browser's subscription is.
    let token = format!(
        r#"{{"endpoint":"https://fcm.googleapis.com/fcm/send/{at:0152}","keys":{{"p256dh":"{:087}","auth":"{:022}"}}}}"#,
        at * 3,
        at * 7
    );
    let owner = format!("person-{:07}", at / 2);
    let tokens = [Token::new(Purpose::WebPush, token).with_vapid_key("k1k1k1k1k1k")];
    let registration = Registration::new(key.clone(), owner, Platform::Web, tokens).into();
    let decision = decide(None, &Event::Register { registration }, &RegistryPolicy::default(), NOW);
    Some(DeviceWrite { id: seed.device_of(&key.app, &key.device)?, key, decision })
}

async fn fill(path: &Path, devices: u64, quick_repair: bool) -> Result<RedbStore> {
    let seed = Seed::new([7; 16]);
    println!("{devices} devices of half as many persons, Web Push");
    let store = RedbStore::open(path, settings(quick_repair))?;
    let since = Instant::now();
    for first in (0..devices).step_by(20_000) {
        let writes = (first..devices.min(first + 20_000)).filter_map(|at| device(seed, at)).collect();
        for answer in store.put_devices(writes).await? {
            answer?;
        }
    }
    println!(
        "  put in batches of 20,000: {:.1} µs each",
        since.elapsed().as_secs_f64() * 1e6 / devices as f64
    );
    let claim = store.claim(&[ShardId(1)], "figures", Duration::from_secs(60), NOW).await?.remove(0)?;
    for number in 1..=500 {
        let parts = (0..20).map(|at| group(claim, number * 20 - 19 + at, 2_000)).collect();
        drop(store.commit(parts, NOW).await?);
    }
    let snapshot = Snapshot { next: 1, bytes: Bytes::from(vec![7; 4 << 20]) };
    store.save(claim, snapshot).await??;
    println!("  the file: {} bytes for each device", std::fs::metadata(path)?.len() / devices.max(1));
    Ok(store)
}

async fn ask(path: &Path, devices: u64) -> Result<()> {
    let since = Instant::now();
    let store = RedbStore::open(path, settings(true))?;
    println!("  start: {:?}", since.elapsed());
    let since = Instant::now();
    let (snapshot, mut from, mut bytes) = (store.snapshot(ShardId(1), 1).await?, 1, 0);
    loop {
        let entries = store.entries(ShardId(1), from, 1 << 20).await?;
        let Some(last) = entries.last() else { break };
        from = last.next;
        bytes += entries.iter().map(|entry| entry.bytes.len()).sum::<usize>();
    }
    let bytes = bytes + snapshot.map_or(0, |snapshot| snapshot.len());
    println!("  load of a shard, snapshot and log, {} MB: {:?}", bytes >> 20, since.elapsed());

    for pass in ["cold", "warm"] {
        let mut took = Vec::new();
        for at in 0..50_000_u64 {
            let person = at.wrapping_mul(0x9E37_79B9_7F4A_7C15) % (devices / 2).max(1);
            let person = PersonId::new(&format!("person-{person:07}"))?;
            let since = Instant::now();
            let found = store.people(std::slice::from_ref(&person)).await?;
            took.push(since.elapsed());
            assert_eq!(found.first().map(|person| person.devices.len()), Some(2));
        }
        report(&format!("devices of a person, {pass}"), &mut took);
        let total: Duration = took.iter().sum();
        println!("    mean {:?}", total / took.len() as u32);
    }
    Ok(())
}
