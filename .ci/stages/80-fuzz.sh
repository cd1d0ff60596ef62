# Every fuzz target from its seed corpus, for FUZZ_RUNS inputs or FUZZ_SECONDS, whichever ends first. A smoke test that
# can be repeated: always the same seed, unless FUZZ_SEED is another. New faults are found by long runs, not here.
rustup toolchain list | grep -q '^nightly' || rustup toolchain install nightly --profile minimal
cargo +nightly fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz
cd fuzz
cargo +nightly fuzz build
smoke() {
  [ -d "corpus/$1" ] || { echo "$1 has no seed corpus"; exit 1; }
  # New inputs go to a folder that is not kept.
  mkdir -p "corpus-grown/$1"
  local log
  log=$(mktemp)
  if ! cargo +nightly fuzz run "$1" "corpus-grown/$1" "corpus/$1" -- \
    -seed="${FUZZ_SEED:-1}" -runs="${FUZZ_RUNS:-100000}" -max_total_time="${FUZZ_SECONDS:-5}" -rss_limit_mb=2048 -timeout=10 >"$log" 2>&1; then
    tail -40 "$log"
    exit 1
  fi
  echo "$1: $(grep -a '^Done ' "$log")"
  rm -f "$log"
}
export -f smoke
cargo +nightly fuzz list | xargs -P "$(nproc)" -I{} bash -euo pipefail -c 'smoke {}'
