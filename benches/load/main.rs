//! The service under load, beside the loop that people write today, in one run on one machine: everything on loopback, over
//! TLS and HTTP/2, with the log on the disk that the folder is on.
//!
//! `cargo run --release --bin load -- [FOLDER] [SECONDS]`: where the store lies (default: a folder for temporary files, which
//! should not be in memory), and how long each part takes (default: 10).

mod figures;
mod machine;
mod pollers;
mod sink;
mod today;

use std::path::PathBuf;
use std::time::Duration;

use machine::Machine;
use sink::Sink;

/// That of the service's program. The loop has it, too, and gains a tenth by it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// People, each with one browser.
pub const PEOPLE: usize = 20_000;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let span = Duration::from_secs(arguments.next().map_or(Ok(10), |text| text.parse())?);
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "a provider is there")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(folder.join(format!("reveille-load-{}", std::process::id())), span))
}

async fn run(folder: PathBuf, span: Duration) -> Result<(), Failure> {
    let sink = Sink::start().await?;
    println!("{} processors, {PEOPLE} people with one browser each, {span:?} for each part", processors());

    let today = today::most(&sink, span).await?;
    println!("loop over reqwest and web-push, nothing logged:   {today:.0} notifications/s");

    std::fs::create_dir_all(&folder)?;
    let machine = Machine::start(&folder, &sink).await?;
    let most = machine.most(span).await?;
    println!(
        "service, Web Push encryption, log on disk:        {most:.0} notifications/s, {:.2} times the loop",
        most / today
    );
    machine.settle().await?;
    let half = machine.at_rate(most / 2.0, span).await?;
    println!("from the event to its request, at half of that:   {half}");
    machine.settle().await?;
    let ring = machine.rings(span).await?;
    println!("a ring alone, from the event to its request:      {ring}");
    let (polls, beside) = pollers::run(&machine, span).await?;
    println!("10,000 clients that ask what rings every 10 s:    {polls}");
    println!("notifications meanwhile, 100 a second:            {beside}");
    println!("{}", machine.size(&folder)?);
    machine.stop().await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
