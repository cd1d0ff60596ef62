#!/usr/bin/env bash
# Resume tokens beside independent implementations: our own page in Python, npm jose, PyPI PyJWT and joserfc.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
cd "$root"

target=${CARGO_TARGET_DIR:-$root/target}/release/examples
cargo build --release -p reveille-examples --example pushtool
PUSHTOOL=$target/pushtool python3 "$here/check.py"

cargo build --release -p reveille-resume --features jose --example jose_tokens
ours=$target/jose_tokens
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
now() { echo $(($(date +%s) * 1000)); }
expect() { [ "$2" = '["resume","resume","resume"]' ] || { echo "$1: $2"; exit 1; }; echo "$1 is read by us"; }
$ours issue "$(now)" >"$work/tokens.json"

cp "$here/jose.mjs" "$work/"
npm install --silent --no-fund --no-audit --prefix "$work" jose@6 >/dev/null
node "$work/jose.mjs" read <"$work/tokens.json"
expect "npm jose" "$(node "$work/jose.mjs" write <"$work/tokens.json" | $ours verify "$(now)")"

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'PyJWT[crypto]' joserfc
"$work/venv/bin/python" "$here/jose_py.py" read <"$work/tokens.json"
expect "PyJWT and joserfc" "$("$work/venv/bin/python" "$here/jose_py.py" write <"$work/tokens.json" | $ours verify "$(now)")"
