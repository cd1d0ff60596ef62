# A real Firefox as the receiver, without the Internet.
if ! command -v firefox-esr >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends firefox-esr fonts-dejavu-core >/dev/null
fi
cargo build --release --example gateway --example pushtool
release=${CARGO_TARGET_DIR:-$PWD/target}/release/examples
python3 .ci/browser/firefox.py "$release/gateway" "$release/pushtool"
