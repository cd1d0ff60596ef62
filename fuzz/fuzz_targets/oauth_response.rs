//! Any answers in any order to the token source: one fetch at a time, no token beyond a day, always a way on.
#![no_main]

use std::time::Duration;

use http::{Response, StatusCode};
use libfuzzer_sys::fuzz_target;
use reveille_core::{Jitter, UnixTime};
use reveille_fcm::{Grant, TokenOutput, TokenSettings, TokenSource};

fuzz_target!(|input: (u64, Vec<(u32, u16, Vec<u8>)>)| {
    let (seed, answers) = input;
    let source = TokenSource::new(Grant::metadata_server(), TokenSettings::default(), Jitter::new(seed));
    let mut now = UnixTime::from_millis(seed >> 20);
    for (wait, status, body) in answers.into_iter().take(64) {
        now += Duration::from_millis(wait.into());
        source.handle_timeout(now);
        let mut fetches = 0;
        while let Some(output) = source.poll_output() {
            if let TokenOutput::Fetch { fetch, .. } = output {
                fetches += 1;
                let Ok(status) = StatusCode::from_u16(status % 1000) else {
                    source.handle_failure(fetch, now);
                    continue;
                };
                let mut response = Response::new(&body);
                *response.status_mut() = status;
                source.handle_response(fetch, &response, now);
            }
        }
        assert!(fetches <= 1);
        if let Ok(token) = source.token(now) {
            assert!(token.expires_at().since(now) <= Duration::from_secs(86_400));
        }
        assert!(source.next_wakeup().is_some());
    }
});
