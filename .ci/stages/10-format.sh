# Formatting, in all three workspaces.
cargo fmt --all --check
cargo fmt --manifest-path benches/Cargo.toml --check
cargo fmt --manifest-path fuzz/Cargo.toml --check
