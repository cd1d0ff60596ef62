# What has to hold before a release: the declared minimum of Rust, the declared minimum of each dependency, packages that
# build from what would be published. What cannot run here says so, and refuses to pass when a version is being released
# (REVEILLE_RELEASE=1, or a tag v… on this commit).
releasing=${REVEILLE_RELEASE:-}
git tag --points-at HEAD | grep -q '^v' && releasing=1
skip() {
  echo "SKIPPED $1" | tee -a "$SKIPPED"
  [ -z "$releasing" ] || { echo "not while a version is being released"; exit 1; }
}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/release-gates

minimum=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if rustup toolchain list | grep -q "^$minimum" || timeout 120 rustup toolchain install "$minimum" --profile minimal >/dev/null 2>&1; then
  toolchain=$(rustup toolchain list | grep -o "^$minimum[^ ]*" | head -1)
  cargo "+$toolchain" check --quiet --workspace --exclude reveille-examples --all-features
  echo "builds with Rust $minimum, as declared"
elif rustc --version | grep -q "^rustc $minimum\."; then
  cargo check --quiet --workspace --exclude reveille-examples --all-features
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
  sed -i 's/, "examples"\]/]/; s/^default-members.*//' Cargo.toml
  cargo +nightly update --quiet -Z direct-minimal-versions
  cargo check --quiet --workspace --all-features
)
echo "builds with the lowest versions of its dependencies"

cargo package --quiet --workspace --exclude reveille-examples --allow-dirty --no-verify
echo "packages: $(ls "$CARGO_TARGET_DIR"/package/*.crate | wc -l)"
