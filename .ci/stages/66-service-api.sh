# Every operation of the service's API under schemathesis (PyPI), on the document that the service gives.
peers=$PWD/target/interop/service
if ! bash .ci/interop/service/install "$peers"; then
  echo "SKIPPED the service's API under schemathesis: it cannot be installed" | tee -a "$SKIPPED"
  exit 0
fi
cargo build --example gateway
timeout 240 bash .ci/interop/service/fuzz "$peers" "${CARGO_TARGET_DIR:-$PWD/target}/debug/examples/gateway" "${SERVICE_FUZZ_SECONDS:-30}"
