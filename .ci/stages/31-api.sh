# Foreign types in public signatures: http's, bytes' and serde's traits, and no others.
rustup toolchain list | grep -q '^nightly' || rustup toolchain install nightly --profile minimal
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/api
crates=$(cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
# The testkit is for tests: it offers strategies of a test library.
print(*sorted(p["name"] for p in json.load(sys.stdin)["packages"] if p["publish"] is None and p["name"] != "reveille-testkit"))')
for crate in $crates; do
  RUSTDOCFLAGS="-Z unstable-options --output-format json" cargo +nightly doc --quiet --no-deps --lib --all-features -p "$crate"
  python3 .ci/api/foreign_types.py "$CARGO_TARGET_DIR/doc/${crate//-/_}.json" http bytes serde serde_core || { echo "$crate shows foreign types"; exit 1; }
done
echo "no foreign types in: $(echo $crates)"
