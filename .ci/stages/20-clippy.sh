# Lints are errors. reveille-webpush once more without its features, so that none of them hides a fault.
cargo clippy --workspace --all-targets --all-features -- -D warnings
cargo clippy -p reveille-webpush -- -D warnings
