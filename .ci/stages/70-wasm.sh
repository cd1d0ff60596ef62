# The libraries for wasm32-unknown-unknown with the portable backend; in Node one encryption, and a log of the gateway.
# Where rustup has no such target, WASM_CARGO may name a cargo that has one.
target=wasm32-unknown-unknown
if rustup target list --installed 2>/dev/null | grep -qx $target; then
  wasm() { local verb=$1; shift; cargo "$verb" --target $target --target-dir target/wasm "$@"; }
elif [ -n "${WASM_CARGO:-}" ]; then
  # WASM_CARGO may take a compiler from Debian's packages: refresh their list first.
  apt-get update -qq || true
  wasm() { CARGO_TARGET_DIR=$PWD/target/wasm "$WASM_CARGO" "$@"; }
else
  rustup target add $target
  wasm() { local verb=$1; shift; cargo "$verb" --target $target --target-dir target/wasm "$@"; }
fi
# All that is published, but what README.md excepts in one line that begins with "Not for wasm32:".
excepted=$(sed -n 's/^Not for wasm32: //p' README.md)
[ -n "$excepted" ] || { echo "README.md does not say what is not for wasm32"; exit 1; }
packages=()
for crate in $(cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
print(*sorted(p["name"] for p in json.load(sys.stdin)["packages"] if p["publish"] is None))'); do
  if [[ $excepted != *"\`$crate\`"* ]]; then packages+=(-p "$crate"); fi
done
[ ${#packages[@]} -ge 16 ] || { echo "too few crates: ${packages[*]}"; exit 1; }
# The facade without its default backend.
wasm build --release "${packages[@]}" --no-default-features \
  --features reveille/webpush,reveille/apns,reveille/fcm,reveille/conversation,reveille/content,reveille/digest,reveille/delivery,reveille/registry,reveille/resume,reveille/gateway,reveille/writer,reveille/lanes,reveille/rustcrypto
echo "wasm32: ${packages[*]}"
wasm build --release --manifest-path crates/webpush/wasm-test/Cargo.toml
peers=$PWD/target/interop/webpush
bash .ci/interop/webpush/install "$peers"
NODE_PATH=$peers/node_modules node .ci/interop/webpush/wasm.js target/wasm/$target/release/reveille_wasm_test.wasm
wasm build --release --manifest-path crates/gateway/wasm-test/Cargo.toml
node .ci/interop/gateway/wasm.js target/wasm/$target/release/reveille_gateway_wasm_test.wasm
