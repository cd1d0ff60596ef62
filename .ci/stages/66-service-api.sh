# Every operation of the service's API under schemathesis (PyPI), on the document that the service gives.
peers=$PWD/target/interop/service
if ! bash .ci/interop/service/install "$peers"; then
  echo "SKIPPED the service's API under schemathesis: it cannot be installed" | tee -a "$SKIPPED"
  exit 0
fi
cargo build -p reveille-example-service
timeout 240 bash .ci/interop/service/fuzz "$peers" "${CARGO_TARGET_DIR:-$PWD/target}/debug/reveille-example-service" "${SERVICE_FUZZ_SECONDS:-30}"
