# The tests once more in an optimised build in which arithmetic that would wrap panics, and debug assertions hold.
cargo test --profile release-checked --workspace --exclude reveille-examples --lib --tests
