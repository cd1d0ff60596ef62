# Formatting, in every workspace.
cargo fmt --all --check
cargo fmt --manifest-path benches/Cargo.toml --check
cargo fmt --manifest-path fuzz/Cargo.toml --check
cargo fmt --manifest-path crates/webpush/wasm-test/Cargo.toml --check
cargo fmt --manifest-path crates/gateway/wasm-test/Cargo.toml --check
