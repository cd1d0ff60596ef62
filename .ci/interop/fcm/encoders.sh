#!/usr/bin/env bash
# Both official encoders, npm and PyPI firebase-admin: 1,200 random messages each, written by them, read and written by us.
set -euo pipefail
cd "$(dirname "$0")/../../.."
peers=target/interop/fcm-admin
mkdir -p "$peers"
[ -d "$peers/node_modules/firebase-admin" ] ||
  npm install --prefix "$peers" --no-save --no-audit --no-fund --silent firebase-admin@13
if [ ! -x "$peers/venv/bin/python" ]; then
  python3 -m venv "$peers/venv"
  "$peers/venv/bin/pip" install --quiet --disable-pip-version-check 'firebase-admin>=7'
fi
cargo build --quiet -p reveille-examples --example pushtool
pushtool=${CARGO_TARGET_DIR:-target}/debug/examples/pushtool
document=crates/fcm/tests/data/fcm.v1.json
python=$peers/venv/bin/python
# Modules are looked up beside the script.
cp .ci/interop/fcm/encode.mjs "$peers"
python3 .ci/interop/fcm/generate.py 1200 20261121 >"$peers/messages.jsonl"
node "$peers/encode.mjs" <"$peers/messages.jsonl" |
  "$python" .ci/interop/fcm/compare_encoders.py "$pushtool" "$document" node
"$python" .ci/interop/fcm/encode.py <"$peers/messages.jsonl" |
  "$python" .ci/interop/fcm/compare_encoders.py "$pushtool" "$document" python
