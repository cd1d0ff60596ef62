# What has to hold before a release: the declared minimum of Rust, the declared minimum of each dependency, packages that
# build from what would be published, and whose pages on docs.rs show all features. What cannot run here says so; `.ci/run`
# refuses that when a version is being released.
skip() { echo "SKIPPED $1" | tee -a "$SKIPPED"; }
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/release-gates

minimum=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if rustup toolchain list | grep -q "^$minimum" || timeout 120 rustup toolchain install "$minimum" --profile minimal >/dev/null 2>&1; then
  toolchain=$(rustup toolchain list | grep -o "^$minimum[^ ]*" | head -1)
  cargo "+$toolchain" check --quiet --workspace --exclude reveille-examples --exclude reveille-example-service --all-features
  echo "builds with Rust $minimum, as declared"
elif rustc --version | grep -q "^rustc $minimum\."; then
  cargo check --quiet --workspace --exclude reveille-examples --exclude reveille-example-service --all-features
  echo "builds with Rust $minimum, as declared"
else
  skip "minimum Rust: $minimum is not here and cannot be installed"
fi

# The lowest versions that Cargo.toml allows of what it names itself.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | grep -zv '^examples/' | xargs -0 cp --parents -t "$copy"
(
  cd "$copy"
  sed -i 's/, "examples", "examples\/service"\]/]/; s/^default-members.*//' Cargo.toml
  if cargo +nightly update --quiet -Z direct-minimal-versions 2>update.log; then
    cargo check --quiet --workspace --all-features
    echo "builds with the lowest versions of its dependencies"
  elif grep -q "Could not resolve host\|failed to download\|failed to fetch\|unable to access\|is not installed" update.log; then
    skip "lowest versions: neither the index of crates nor a nightly toolchain can be had"
  else
    cat update.log
    exit 1
  fi
)

# Each package is unpacked and built, with the other packages instead of their folders. What an earlier run unpacked and built
# has the same names and versions, so Cargo would take it for these.
rm -rf "$CARGO_TARGET_DIR"/package "$CARGO_TARGET_DIR"/debug/.fingerprint/reveille* \
  "${CARGO_HOME:-$HOME/.cargo}"/registry/src/-*/reveille*
cargo package --quiet --workspace --exclude reveille-examples --exclude reveille-example-service --allow-dirty
echo "packages that build: $(ls "$CARGO_TARGET_DIR"/package/*.crate | wc -l)"

cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
packages = [p for p in json.load(sys.stdin)["packages"] if p["publish"] is None]
bare = [p["name"] for p in packages if not ((p["metadata"] or {}).get("docs") or {}).get("rs", {}).get("all-features")]
sys.exit(f"docs.rs would not show all features of: {bare}" if bare or not packages else 0)'
echo "docs.rs shows all features of each"
