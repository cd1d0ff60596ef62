//! One message and many, beside the Rust libraries, other languages, and the floor.

mod agreements;
mod floor;
mod memory;
pub mod ours;
mod peers;
mod processes;

use reveille_crypto_lanes::Lanes;
use reveille_webpush::message::MAX_PLAINTEXT;

use crate::measure::Contestant;
use crate::report::Report;
use floor::Floor;
use ours::Ours;
use peers::Peers;

/// The sizes of the figures: nothing, a short text, a rich notification, the limit.
const SIZES: [usize; 4] = [0, 128, 1_024, MAX_PLAINTEXT];
const BATCHES: [usize; 4] = [1, 8, 64, 1_024];

static LANES: Lanes = Lanes::over(reveille_crypto_ring::PROVIDER);

pub fn compare(report: &mut Report) {
    let ring = Ours::new(reveille_crypto_ring::PROVIDER);
    let portable = Ours::new(reveille_crypto_rustcrypto::PROVIDER);
    let peers = Peers::new();

    for size in SIZES {
        let payload = vec![b'x'; size];
        report.row(
            &format!("ring, {size} bytes, encryption only"),
            Contestant::new("ours", ring.seal(&payload)),
            peers.encryption(&payload),
            Some(Contestant::new("floor", Floor::ring(size))),
        );
        report.row(
            &format!("ring, {size} bytes, with VAPID"),
            Contestant::new("ours", ring.request(&payload)),
            peers.requests(&payload),
            Some(Contestant::new("floor", Floor::ring(size))),
        );
    }
    for count in BATCHES {
        batch(report, &ring, "ring", count, Floor::ring(1_024));
    }
    lanes(report, &peers);
    let payload = vec![b'x'; 1_024];
    report.row(
        "rustcrypto, 1024 bytes, with VAPID",
        Contestant::new("ours", portable.request(&payload)),
        peers.requests(&payload),
        Some(Contestant::new("floor", Floor::rustcrypto(1_024))),
    );
    batch(report, &portable, "rustcrypto", 64, Floor::rustcrypto(1_024));

    processes::compare(report, &ring);
    ours::allocations(report, &ring, "ring");
    ours::allocations(report, &portable, "rustcrypto");
    memory::subscriptions(report);
}

/// Per message, so that it can be read beside the rows for one.
fn batch(report: &mut Report, ours: &Ours, provider: &str, count: usize, floor: impl FnMut() -> [u8; 16]) {
    let payload = vec![b'x'; 1_024];
    let name = format!("{provider}, 1024 bytes, with VAPID, batch of {count}");
    let contestant = Contestant::batch("ours", count as u32, ours.batch(&payload, count));
    report.row(&name, contestant, Vec::new(), Some(Contestant::new("floor", floor)));
}

/// The batch backend over ring. The floor is ring's, of one message; the peers make one message each, too.
fn lanes(report: &mut Report, peers: &Peers) {
    if !LANES.has_vectors() {
        report.note("SKIPPED: ring+lanes, because this processor has no AVX-512 IFMA");
        return;
    }
    let ours = Ours::new(LANES.provider());
    let payload = vec![b'x'; 1_024];
    for count in BATCHES {
        report.row(
            &format!("ring+lanes, 1024 bytes, with VAPID, batch of {count}"),
            Contestant::batch("ours", count as u32, ours.batch(&payload, count)),
            peers.requests(&payload),
            Some(Contestant::new("floor", Floor::ring(1_024))),
        );
    }
    report.row(
        "ring+lanes, 1024 bytes, with VAPID, 64 different messages",
        Contestant::batch("ours", 64, ours.mixed_batch(1_024, 64)),
        peers.requests(&payload),
        Some(Contestant::new("floor", Floor::ring(1_024))),
    );
    ours::allocations(report, &ours, "ring+lanes");
    agreements::compare(report, LANES.provider());
}
