# Web Push against independent implementations: npm http_ece, web-push, jose; PyPI http-ece, py-vapid, pywebpush.
peers=$PWD/target/interop/webpush
bash .ci/interop/webpush/install "$peers"
cargo build --release -p reveille-examples --example pushtool
PUSHTOOL=${CARGO_TARGET_DIR:-$PWD/target}/release/examples/pushtool
export PUSHTOOL NODE_PATH=$peers/node_modules
# What no command of pushtool writes, tests write.
REVEILLE_INTEROP_CASES=$peers cargo test -q -p reveille-webpush --all-features --test all interop_cases
node .ci/interop/webpush/node.js "$peers/aesgcm.jsonl"
node .ci/interop/webpush/inner_seal.js "$peers/inner_seal.jsonl"
"$peers/venv/bin/python" .ci/interop/webpush/python.py
