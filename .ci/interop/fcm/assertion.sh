#!/usr/bin/env bash
# Our OAuth assertion, verified by PyJWT and by google-auth, and compared with the one google-auth makes.
set -euo pipefail
cd "$(dirname "$0")/../../.."
account=crates/testkit/data/service_account.json
venv=target/interop/fcm-venv
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'PyJWT[crypto]' google-auth requests
fi
cargo build --quiet --package reveille-examples --example fcm_assertion
target/debug/examples/fcm_assertion "$account" | "$venv/bin/python" .ci/interop/fcm/assertion.py "$account"
