//! A million subscriptions, parsed and kept.

use reveille_webpush::Subscription;

use super::ours::{AUTH, ENDPOINT, P256DH, subscription_json};
use crate::allocations;
use crate::measure::Contestant;
use crate::report::Report;

const COUNT: usize = 1_000_000;

pub fn subscriptions(report: &mut Report) {
    let json = subscription_json(ENDPOINT, P256DH);
    report.row(
        "parse a subscription (web-push checks neither key nor URL)",
        Contestant::new("ours", || Subscription::from_json(&json)),
        vec![
            Contestant::new("web-push 0.11", || serde_json::from_str::<web_push::SubscriptionInfo>(&json)),
            Contestant::new("web-push-native 0.5", || {
                serde_json::from_str::<web_push_native::WebPushBuilder>(&json)
            }),
        ],
        None,
    );

    let before = allocations::live_bytes();
    let mut kept: Vec<Subscription> = Vec::with_capacity(COUNT);
    for number in 0..COUNT {
        let json = subscription_json(&format!("{ENDPOINT}{number:07}"), P256DH);
        kept.push(Subscription::from_json(&json).expect("valid subscription"));
    }
    let live = (allocations::live_bytes() - before) as f64;
    let urls: usize = kept.iter().map(|subscription| subscription.endpoint().as_str().len()).sum();
    report.note(&format!(
        "{COUNT} subscriptions kept: {:.1} bytes each, {:.1} of them the URL, {:.1} everything else \
         (key {} and secret {} included; what the allocator adds to each block is not counted)",
        live / COUNT as f64,
        urls as f64 / COUNT as f64,
        (live - urls as f64) / COUNT as f64,
        P256DH.len() * 3 / 4,
        AUTH.len() * 3 / 4,
    ));
}
