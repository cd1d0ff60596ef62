//! A clock that runs faster than yours, so that an example that waits for minutes takes seconds.

use std::time::{Duration, Instant};

use reveille::core::UnixTime;

#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Instant,
    speed: u32,
}

const BEGAN: UnixTime = UnixTime::from_secs(1_800_000_000);

impl Clock {
    pub fn start(speed: u32) -> Self {
        Self { began: Instant::now(), speed }
    }

    pub fn now(self) -> UnixTime {
        BEGAN + self.began.elapsed() * self.speed
    }

    /// For ever, if there is nothing to wait for.
    pub async fn sleep_until(self, at: Option<UnixTime>) {
        match at {
            // A millisecond more than nothing: a timer that is rounded down would make the loop spin.
            Some(at) => self.sleep(at.since(self.now()) + Duration::from_millis(1)).await,
            None => std::future::pending().await,
        }
    }

    pub async fn sleep(self, span: Duration) {
        tokio::time::sleep(span / self.speed).await;
    }
}
