//! A digest engine in a tokio task: events come by a channel, notifications go out by another.
//!
//! `cargo run --example digest_tokio`

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reveille_core::UnixTime;
use reveille_digest::{
    Answered, Engine, Event, EventId, Generation, Limits, Notify, Output, Plain, Policy, Seed,
};
use tokio::sync::mpsc;

type Host = Plain<(u64, u64), String>;

/// What the task is told.
enum Input {
    Event(Event<Host>),
    Read {
        key: (u64, u64),
        up_to: u64,
    },
    /// The push service's answer.
    Delivered {
        key: (u64, u64),
        generation: Generation,
    },
}

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::EPOCH + since
}

/// The loop of the crate's documentation: hand in, drain, sleep until the next deadline.
async fn drive(
    mut engine: Engine<Host>,
    mut inputs: mpsc::Receiver<Input>,
    notifies: mpsc::Sender<Notify<Host>>,
) {
    loop {
        while let Some(output) = engine.poll_output() {
            match output {
                Output::Notify(notify) => {
                    if notifies.send(notify).await.is_err() {
                        return;
                    }
                }
                other => println!("{other:?}"),
            }
        }
        let sleep = engine.next_wakeup().map_or(Duration::MAX, |wakeup| wakeup.at.since(now()));
        // A timer that fires early is no harm: `handle_timeout` is a no-op then.
        let input = tokio::time::timeout(sleep.min(Duration::from_secs(3600)), inputs.recv()).await;
        match input {
            Err(_elapsed) => engine.handle_timeout(now()),
            Ok(None) => return,
            Ok(Some(Input::Event(event))) => {
                if let Err(full) = engine.handle_event(event, now()) {
                    println!("try again later: {full}");
                }
            }
            Ok(Some(Input::Read { key, up_to })) => {
                if let Err(full) = engine.handle_read(&key, up_to, now()) {
                    println!("try again later: {full}");
                }
            }
            Ok(Some(Input::Delivered { key, generation })) => {
                if engine.handle_response(&key, generation, now()) == Answered::Stale {
                    println!("generation {generation} was answered before");
                }
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed = Seed::new(*b"a secret of ours");
    let policy = Policy::sliding(Duration::from_millis(300), Duration::from_secs(2));
    let engine = Engine::new(Host::new(), policy, Limits::default(), seed)?;
    let (inputs, events) = mpsc::channel(64);
    let (notifies, mut sent) = mpsc::channel(64);
    let driver = tokio::spawn(drive(engine, events, notifies));

    let key = (1, 42);
    for (seq, text) in [(1, "Hello"), (2, "Are you there?"), (3, "Please call back")] {
        let event = Event::new(key, EventId(seq.into()), text.to_owned()).with_seq(seq).with_actor(7);
        inputs.send(Input::Event(event)).await.map_err(|_| "the driver is gone")?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let notify = sent.recv().await.ok_or("the driver is gone")?;
    println!("{} new messages, topic {}", notify.summary.total, notify.collapse_id);
    assert_eq!(notify.summary.total, 3);
    let answer = Input::Delivered { key, generation: notify.generation };
    inputs.send(answer).await.map_err(|_| "the driver is gone")?;
    inputs.send(Input::Read { key, up_to: 3 }).await.map_err(|_| "the driver is gone")?;
    drop(inputs);
    driver.await?;
    Ok(())
}
