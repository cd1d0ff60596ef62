//! Peers in other languages, each in a process of its own that times itself.
//!
//! `REVEILLE_PEERS` names a folder with `node_modules/web-push` and `venv/bin/python` that has `pywebpush`
//! (`.ci/interop/webpush/install` makes one); without it they are skipped, loudly.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::json;

use super::ours::{AUTH, CONTACT, ENDPOINT, Ours, P256DH, VAPID_PRIVATE};
use crate::measure::{Contestant, Measured, race};
use crate::report::Report;

/// What a peer prints: nanoseconds per message, the median of its own rounds.
#[derive(Deserialize)]
struct Figures {
    encryption_ns: f64,
    request_ns: f64,
}

pub fn compare(report: &mut Report, ours: &Ours) {
    let Some(folder) = std::env::var_os("REVEILLE_PEERS") else {
        report.note("SKIPPED: Node and Python, because REVEILLE_PEERS names no folder with their packages");
        return;
    };
    let folder = Path::new(&folder);
    let python = folder.join("venv/bin/python");
    let peers = [
        ("npm web-push", run(Path::new("node"), "web_push.js", folder)),
        ("PyPI pywebpush", run(&python, "pywebpush_peer.py", folder)),
    ];
    let payload = [b'x'; 1_024];
    let own = race(&mut [
        Contestant::new("ours", ours.seal(&payload)),
        Contestant::new("ours", ours.request(&payload)),
    ]);
    let (mut encryption, mut request) = (vec![("ours", own[0])], vec![("ours", own[1])]);
    for (name, figures) in peers {
        match figures {
            Ok(figures) => {
                encryption.push((name, Measured::elsewhere(figures.encryption_ns)));
                request.push((name, Measured::elsewhere(figures.request_ns)));
            }
            Err(problem) => report.note(&format!("SKIPPED: {name}: {problem}")),
        }
    }
    report.add("other languages, 1024 bytes, encryption only", &encryption, false);
    report.add("other languages, 1024 bytes, with VAPID", &request, false);
}

fn run(program: &Path, script: &str, folder: &Path) -> Result<Figures, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(script);
    let input = json!({
        "endpoint": ENDPOINT, "p256dh": P256DH, "auth": AUTH, "vapid_private": VAPID_PRIVATE, "contact": CONTACT,
        "bytes": 1_024,
    });
    let output = Command::new(program)
        .arg(script)
        .arg(input.to_string())
        .env("NODE_PATH", folder.join("node_modules"))
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("it failed").to_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}
