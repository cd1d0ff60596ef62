# What counts, keeps time or keeps state, once more in an optimised build in which arithmetic that would wrap panics, and debug
# assertions hold.
cargo test --profile release-checked --all-features --lib --tests -p reveille-core -p reveille-payload -p reveille-crypto \
  -p reveille-crypto-lanes -p reveille-webpush -p reveille-apns -p reveille-fcm -p reveille-resume -p reveille-digest \
  -p reveille-delivery -p reveille-registry -p reveille-conversation -p reveille-gateway
