# Documentation without a broken link.
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
