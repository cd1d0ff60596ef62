# APNs against independent implementations: npm @parse/node-apn (headers and JSON), npm jose and PyPI PyJWT (tokens).
peers=$PWD/target/interop/apns
bash .ci/interop/apns/install "$peers"
cargo build --release -p reveille-examples --example pushtool
# Modules are looked up beside the script.
cp .ci/interop/apns/*.mjs "$peers"
node "$peers/compare.mjs" "${CARGO_TARGET_DIR:-$PWD/target}/release/examples/pushtool" "$peers/tokens.json"
"$peers/venv/bin/python" .ci/interop/apns/verify_tokens.py "$peers/tokens.json"
