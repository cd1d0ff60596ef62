# The libraries with the portable backend for wasm32-unknown-unknown, and one encryption in Node.
# Where rustup has no such target, WASM_CARGO may name a cargo that has one.
target=wasm32-unknown-unknown
if rustup target list --installed 2>/dev/null | grep -qx $target; then
  wasm() { local verb=$1; shift; cargo "$verb" --target $target --target-dir target/wasm "$@"; }
elif [ -n "${WASM_CARGO:-}" ]; then
  wasm() { CARGO_TARGET_DIR=$PWD/target/wasm "$WASM_CARGO" "$@"; }
else
  rustup target add $target
  wasm() { local verb=$1; shift; cargo "$verb" --target $target --target-dir target/wasm "$@"; }
fi
wasm build --release -p reveille-core -p reveille-crypto -p reveille-crypto-rustcrypto -p reveille-crypto-lanes -p reveille-webpush
wasm build --release --manifest-path crates/webpush/wasm-test/Cargo.toml
peers=$PWD/target/interop/webpush
bash .ci/interop/webpush/install "$peers"
NODE_PATH=$peers/node_modules node .ci/interop/webpush/wasm.js target/wasm/$target/release/reveille_wasm_test.wasm
