//! The push gateway as a program: reads settings, opens the store, starts the service, shows what it does, and stops when it
//! is told to. `cargo run --release --example gateway` shows the whole way by itself; `-- --help` lists the options.

mod demo;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use reveille_conversation::id::ConversationId;
use reveille_example_service::clock::Clock;
use reveille_example_service::credentials::are_stored;
use reveille_example_service::export::export;
use reveille_example_service::keys::Keys;
use reveille_example_service::local_push::LocalPush;
use reveille_example_service::redb_store::{RedbSettings, RedbStore};
use reveille_example_service::rotation;
use reveille_example_service::service::{Service, StartError};
use reveille_example_service::settings::{Arguments, Demo, Settings, USAGE, parse};
use reveille_example_service::twins::{Saved, Twins};
use reveille_gateway::store::ShardId;
use tokio::signal::unix::{SignalKind, signal};

type Failure = Box<dyn Error + Send + Sync>;

/// A notification is made in one thread and let go of in another, a few dozen pieces of memory each: with the system's allocator the
/// service does two thirds of what it does with this one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let (settings, demo) = match parse(std::env::args().skip(1)) {
        Ok(Arguments::Run(settings, demo)) => (*settings, demo),
        Ok(Arguments::Export(data, conversation)) => {
            return ended(to_files(&data, &conversation).await);
        }
        Ok(Arguments::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("gateway: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    ended(run(settings, demo).await)
}

fn ended(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(mut settings: Settings, demo: Demo) -> Result<(), Failure> {
    let data = settings.data.clone();
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&data)?;
    let keys = Keys::open(&data.join("keys.toml"))?;
    let clock = Clock::default();
    let path = data.join("store.redb");
    let sealing = RedbSettings::new(keys.sealer());
    let store = tokio::task::spawn_blocking(move || RedbStore::open(path, sealing)).await??;
    let anew = (!keys.old_stores.is_empty()).then(|| tokio::spawn(rotation::devices(store.clone())));
    let store = Arc::new(store);
    let is_local = settings.apps.is_empty() && !are_stored(&*store).await?;
    let local = match is_local {
        true => Some(local_services(&data.join("local-services.json"), &clock).await?),
        false => None,
    };
    let mut push = None;
    if is_local {
        // Nobody waits half a minute to see a digest.
        settings.digest_ms = settings.digest_ms.min(2_000);
        let started = local_push(settings.listen).await?;
        settings.allowed_origins.push(started.origin());
        push = Some(started);
    }
    let mut service =
        match Service::start(&settings, &keys, Arc::clone(&store), local.as_ref(), clock.clone()).await {
            // A demonstration takes any port if the usual one is taken; whoever asks for another one gets that or an error.
            Err(StartError::Listen { address, .. }) if is_local && address == Settings::default().listen => {
                settings.listen.set_port(0);
                Service::start(&settings, &keys, Arc::clone(&store), local.as_ref(), clock.clone()).await?
            }
            started => started?,
        };
    drop(store);
    println!("the gateway listens on http://{}", reachable(service.address));
    println!("store and keys are in {}, the API's key is \"api\" in keys.toml there", data.display());
    if let Some(push) = &push {
        println!("the demonstration's page is at http://localhost:{}/", service.address.port());
        println!("a push service for Firefox without the Internet is at {}", push.browser_url());
    }
    if let (Some(local), Demo::Show) = (&local, demo) {
        demo::run(&service, &keys, local).await?;
        save(&data.join("local-services.json"), &local.saved())?;
        let browser = push.as_ref().map(LocalPush::browser_url).unwrap_or_default();
        print!("{}", demo::what_next(service.address, &data, &browser));
    }
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        out = service.failed() => return Err(out.into()),
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    println!("stopping: what is under way comes to its end, and the shards are saved");
    if let Some(anew) = anew {
        anew.abort();
    }
    service.stop().await?;
    Ok(())
}

/// Writes the shard that has a conversation, for a desk.
async fn to_files(data: &Path, conversation: &ConversationId) -> Result<(), Failure> {
    let (path, keys) = (data.join("store.redb"), data.join("keys.toml"));
    // Both are made where they are missing.
    if let Some(missing) = [&path, &keys].into_iter().find(|file| !file.exists()) {
        return Err(format!("there is no {}", missing.display()).into());
    }
    let keys = Keys::open(&keys)?;
    let store = RedbStore::open(path, RedbSettings::new(keys.sealer()))?;
    let shard = keys.seed.shard(conversation);
    let exported = export(&store, &keys.sealer(), ShardId(shard)).await?;
    let (log, snapshot) =
        (data.join(format!("shard-{shard}.log")), data.join(format!("shard-{shard}.snapshot")));
    write(&log, &exported.log)?;
    let mut command = format!("gateway replay {} --seed SEED", log.display());
    if let Some(bytes) = &exported.snapshot {
        write(&snapshot, bytes)?;
        command.push_str(&format!(" --snapshot {}", snapshot.display()));
    }
    println!("{} groups, with their texts in clear: pushtool {command}", exported.groups);
    println!("SEED is \"seed\" in keys.toml");
    Ok(())
}

/// On this machine only, whatever the gateway listens on; the next port if it is free, so that a browser that was told
/// about it finds it again.
async fn local_push(gateway: SocketAddr) -> std::io::Result<LocalPush> {
    let loopback = Ipv4Addr::LOCALHOST.into();
    let next = if gateway.port() == 0 { 0 } else { gateway.port().wrapping_add(1) };
    match LocalPush::start(SocketAddr::new(loopback, next)).await {
        Ok(push) => Ok(push),
        Err(_) => LocalPush::start(SocketAddr::new(loopback, 0)).await,
    }
}

/// Where this machine reaches the gateway.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip().is_unspecified() {
        true => SocketAddr::from((Ipv4Addr::LOCALHOST, address.port())),
        false => address,
    }
}

/// As they were, if their ports are free; or new ones, which know none of yesterday's devices.
async fn local_services(path: &Path, clock: &Clock) -> Result<Twins, Failure> {
    let saved = match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice::<Saved>(&bytes).ok(),
        Err(_) => None,
    };
    if saved.is_some()
        && let Ok(local) = Twins::start(saved, clock.clone()).await
    {
        return Ok(local);
    }
    let local = Twins::start(None, clock.clone()).await?;
    save(path, &local.saved())?;
    Ok(local)
}

fn save(path: &Path, saved: &Saved) -> Result<(), Failure> {
    Ok(write(path, &serde_json::to_vec(saved)?)?)
}

/// For its owner's eyes only.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)
}
