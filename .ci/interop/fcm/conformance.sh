#!/usr/bin/env bash
# Every field there and back through google-fcm1's structs.
set -euo pipefail
cd "$(dirname "$0")/../../.."
cargo test --quiet --manifest-path crates/fcm/conformance/Cargo.toml
