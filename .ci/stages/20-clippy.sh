# Lints are errors. Crate by crate for the libraries, so that no feature of one hides a fault of another.
cargo clippy --workspace --all-targets --all-features -- -D warnings
cargo clippy -p reveille-webpush -- -D warnings
