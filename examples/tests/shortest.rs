//! The shortest programs do what they say.

#[path = "../shortest/apns.rs"]
mod apns;
#[path = "../shortest/everything.rs"]
mod everything;
#[path = "../shortest/web_push.rs"]
mod web_push;

#[test]
fn web_push_rings() {
    web_push::main().unwrap();
}

#[test]
fn apns_rings() {
    apns::main().unwrap();
}

#[test]
fn everything_rings() {
    everything::main().unwrap();
}

/// Each is shorter than 60 lines.
#[test]
fn they_are_short() {
    for text in [
        include_str!("../shortest/apns.rs"),
        include_str!("../shortest/everything.rs"),
        include_str!("../shortest/web_push.rs"),
    ] {
        assert!(text.lines().count() < 60, "{} lines", text.lines().count());
    }
}
