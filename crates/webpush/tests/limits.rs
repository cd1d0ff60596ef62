//! Every limit at its limit: the last that is taken, and the first that is not.

use std::fmt::Debug;

use reveille_webpush::message::{MAX_PLAINTEXT, Padding};
use reveille_webpush::target::{Endpoint, PublicHttps};
use reveille_webpush::{Contact, Message, Topic, Ttl};

fn holds<T: Debug, E: Debug>(name: &str, limit: usize, make: impl Fn(usize) -> Result<T, E>) {
    assert!(make(limit).is_ok(), "{name} of {limit}: {:?}", make(limit));
    assert!(make(limit + 1).is_err(), "{name} of {}", limit + 1);
}

/// `begin`, as many letters as are missing, `end`.
fn long(length: usize, begin: &str, end: &str) -> String {
    format!("{begin}{}{end}", "o".repeat(length - begin.len() - end.len()))
}

#[test]
fn every_length_ends_where_it_says() {
    holds("contact", Contact::MAX_LEN, |length| long(length, "mailto:", "@example.com").parse::<Contact>());
    holds("endpoint", Endpoint::MAX_LEN, |length| {
        Endpoint::new(&long(length, "https://updates.push.services.mozilla.com/wpush/v2/", ""), &PublicHttps)
    });
    holds("topic", Topic::MAX_LEN, |length| Topic::new(&"t".repeat(length)));
    holds("time to live", Ttl::MAX.as_secs() as usize, |secs| Ttl::from_secs(secs as u64));
    holds("padding", MAX_PLAINTEXT - 10, |bytes| {
        Message::new(vec![7; 10], Ttl::ZERO).unwrap().with_padding(Padding::Bytes(bytes))
    });
}
