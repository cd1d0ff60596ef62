//! A digest engine on a plain thread: a channel with a time-out is all the runtime it needs.
//!
//! `cargo run --example digest_thread`

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reveille_core::UnixTime;
use reveille_digest::{Engine, Event, EventId, Limits, Output, Plain, Policy, Seed};

type Host = Plain<(u64, u64), String>;

fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::EPOCH + since
}

/// Runs until nobody can send events any more and nothing is due; gives back how many notifications there were.
fn drive(mut engine: Engine<Host>, events: &Receiver<Event<Host>>) -> u64 {
    let mut open = true;
    loop {
        while let Some(output) = engine.poll_output() {
            if let Output::Notify(notify) = output {
                println!("{} new messages, topic {}", notify.summary.total, notify.collapse_id);
                // Here the push would go out; its answer goes back in.
                engine.handle_response(&notify.key, notify.generation, now());
            }
        }
        let pending = engine.explain().pending;
        if !open && pending == 0 {
            return engine.explain().notified;
        }
        let sleep = engine.next_wakeup().map_or(Duration::from_secs(3600), |wakeup| wakeup.at.since(now()));
        if !open {
            thread::sleep(sleep);
            engine.handle_timeout(now());
            continue;
        }
        match events.recv_timeout(sleep) {
            Ok(event) => {
                if let Err(full) = engine.handle_event(event, now()) {
                    println!("try again later: {full}");
                }
            }
            Err(RecvTimeoutError::Timeout) => engine.handle_timeout(now()),
            Err(RecvTimeoutError::Disconnected) => open = false,
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy = Policy::fixed(Duration::from_millis(500));
    let engine = Engine::new(Host::new(), policy, Limits::default(), Seed::new(*b"a secret of ours"))?;
    let (send, events) = channel();
    let driver = thread::spawn(move || drive(engine, &events));
    for n in 0..10_u64 {
        let event =
            Event::new((1, n % 2), EventId(n.into()), format!("message {n}")).with_seq(n + 1).with_actor(7);
        send.send(event).map_err(|_| "the driver is gone")?;
        thread::sleep(Duration::from_millis(20));
    }
    drop(send);
    let notifications = driver.join().map_err(|_| "the driver panicked")?;
    println!("10 messages in 2 conversations: {notifications} notifications");
    assert_eq!(notifications, 2);
    Ok(())
}
