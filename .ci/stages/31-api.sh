# Foreign types in public signatures: http's, bytes' and serde's traits, and no others. And what the public types say of themselves:
# when one uses them, and examples that assert.
if ! rustup toolchain list | grep -q '^nightly' && ! timeout 300 rustup toolchain install nightly --profile minimal; then
  echo "SKIPPED the public API: no nightly toolchain is here, and none can be installed" | tee -a "$SKIPPED"
  exit 0
fi
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/api
crates=$(cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
print(*sorted(p["name"] for p in json.load(sys.stdin)["packages"] if p["publish"] is None))')
documented=()
for crate in $crates; do
  json=$CARGO_TARGET_DIR/doc/${crate//-/_}.json
  RUSTDOCFLAGS="-Z unstable-options --output-format json" cargo +nightly doc --quiet --no-deps --lib --all-features -p "$crate"
  documented+=("$json")
  # The testkit is for tests: it offers strategies of a test library.
  [ "$crate" = reveille-testkit ] && continue
  python3 .ci/api/foreign_types.py "$json" http bytes serde serde_core || { echo "$crate shows foreign types"; exit 1; }
done
echo "no foreign types in: $(echo $crates), but for the testkit"
python3 .ci/api/documented_types.py .ci/api/shown_types.txt "${documented[@]}"
