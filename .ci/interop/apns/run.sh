#!/usr/bin/env bash
# APNs beside npm @parse/node-apn (headers and JSON), npm jose and PyPI PyJWT (tokens).
set -euo pipefail
cd "$(dirname "$0")/../../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --release --package reveille-examples --example pushtool
cp .ci/interop/apns/package.json .ci/interop/apns/package-lock.json .ci/interop/apns/*.mjs "$work"
(cd "$work" && npm ci --no-audit --no-fund --silent)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'PyJWT[crypto]>=2'
(cd "$work" && node compare.mjs "$OLDPWD/target/release/examples/pushtool" tokens.json)
"$work/venv/bin/python" .ci/interop/apns/verify_tokens.py "$work/tokens.json"
